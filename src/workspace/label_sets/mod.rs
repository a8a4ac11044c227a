//! Labels as data sets for learning: COCO, YOLO (boxes and pose), Pascal VOC and a table, out and in (docs/label-sets.md).
//!
//! Coordinates of a set are those of pictures: the corner of the first pixel is (0, 0), its centre (0.5, 0.5).
//!
//! Must stay true: files have numbers for names, and nothing of a patient is in them but in the key `images.csv`, which says
//! which picture is which; all pictures of one patient are in one part of a split; what a form cannot hold is said.

pub mod coco;
pub mod key;
pub mod pose;
pub mod split;
pub mod table;
pub mod voc;
pub mod yolo;

use super::{
    labelling::set_of_group,
    measuring::{mark_on, site::target_of},
};
use crate::{
    imaging::measure::{Anchor, spline_path, target_frame},
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
        },
        edit::Kept,
        exchange::{NotSent, NotSentReason},
        labelling::{Answer, Question, Subject},
        layout::{FrameRef, SeriesLayout},
    },
};
use glam::{DVec2, DVec3};
use sha2::{Digest as _, Sha256};
use split::Part;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Largest file of a set that is read, bytes.
pub const MOST_BYTES: u64 = 64 << 20;
/// Most labels of a set, and most points of one.
pub const MOST_LABELS: usize = 1_000_000;
/// Corners of a polygon that stands for an ellipse or a circle.
const ROUND: u32 = 64;
/// How far from an upright rectangle corners may lie, pixels: above the rounding of patient points.
const UPRIGHT: f64 = 1e-6;
/// How far beside the plane of its frame a mark may lie where nothing says how thick that is, millimetres.
const HALF_MM: f64 = 0.5;

/// What a label is, in coordinates of the picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Left, top, right, bottom.
    Box([f64; 4]),
    /// A closed outline.
    Polygon(Vec<DVec2>),
    /// A line.
    Polyline(Vec<DVec2>),
    /// Named points that belong together.
    Keypoints(Vec<(String, DVec2)>),
}

/// A label of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Ids of the marks, one for each keypoint; empty in sets of others.
    pub ids: Vec<String>,
    /// Name of its class; the set of keypoints.
    pub class: String,
    /// What the name means.
    pub code: Option<Code>,
    /// Its group.
    pub group: String,
    /// Account of who drew it; empty for the owner.
    pub reader: String,
    /// Geometry.
    pub form: Form,
}

/// What somebody said of a picture or its study.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Name of the tag or score.
    pub name: String,
    /// Of the study, and not of the picture alone.
    pub of_study: bool,
    /// What was said.
    pub answer: Answer,
    /// By whom.
    pub reader: String,
}

/// A picture of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Name of its file: a number.
    pub file: String,
    /// Which frame it is.
    pub target: AnnotationTarget,
    /// Columns and rows.
    pub size: [usize; 2],
    /// Part of the split; none where there is no split.
    pub part: Option<Part>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// What was said of it and of its study.
    pub said: Vec<Said>,
}

/// A set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelSet {
    /// The pictures, in order.
    pub pictures: Vec<Picture>,
}

/// A picture with the frame that it is of.
pub struct Gathered {
    /// The picture.
    pub picture: Picture,
    /// The frame.
    pub frame: FrameRef,
}

/// Which labels go into a set.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only marks and answers of this reader.
    pub reader: Option<String>,
    /// Only of this study.
    pub study: Option<String>,
    /// Hidden marks too.
    pub hidden: bool,
    /// Pictures without any label too.
    pub all_pictures: bool,
}

/// Why a file is no set of labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(String),
    /// It is too large, or holds too much.
    #[error("it is larger than {} MiB, or holds more than {MOST_LABELS} labels", MOST_BYTES >> 20)]
    TooLarge,
    /// It is not of this form; where and why.
    #[error("{0}")]
    Form(String),
    /// Nothing says which image of which study a picture is.
    #[error("nothing says which image `{0}` is: give the key with --key")]
    NoKey(String),
}

fn author_of(mark: &Annotation) -> String {
    match &mark.author {
        Author::Person(name) | Author::Foreign(name) => name.clone(),
        Author::Model { id, version } => format!("{id} {version}"),
    }
}

/// Collects what is kept of frames into pictures, with names in their order: by study, series and place there. What became
/// no label comes back with the reason.
pub fn gather(
    kept: &Kept,
    layouts: &[Arc<SeriesLayout>],
    wanted: &Wanted,
) -> (Vec<Gathered>, Vec<NotSent>) {
    let mut left = Vec::new();
    let mut by_frame: BTreeMap<(String, u32), Vec<&Annotation>> = BTreeMap::new();
    let of_study = |uid: &str| wanted.study.as_deref().is_none_or(|study| study == uid);
    let of_reader = |name: &str| wanted.reader.as_deref().is_none_or(|reader| reader == name);
    let at_hand =
        |target: &AnnotationTarget| layouts.iter().any(|l| target_frame(l, target).is_some());
    for mark in kept.marks.iter() {
        let target = &mark.target;
        if !of_study(&target.study_uid)
            || !of_reader(&author_of(mark))
            || (mark.hidden && !wanted.hidden)
        {
            continue;
        }
        if !at_hand(target) {
            let (id, reason) = (mark.id.0.clone(), NotSentReason::NoImage);
            left.push(NotSent { id, reason });
            continue;
        }
        let key = (target.instance_uid.clone(), target.frame);
        by_frame.entry(key).or_default().push(mark);
    }
    let answers: Vec<(&Question, &Answer)> = kept
        .answers
        .iter()
        .filter(|(q, _)| of_study(&q.subject.study_uid) && of_reader(&q.reader))
        .collect();
    let mut seen: BTreeSet<(String, u32)> = BTreeSet::new();
    let mut gathered = Vec::new();
    for layout in layouts {
        for frame in &layout.frames {
            let target = target_of(frame);
            let key = (target.instance_uid.clone(), target.frame);
            if !of_study(&target.study_uid) || !seen.insert(key.clone()) {
                continue;
            }
            let Some(anchor) = Anchor::of(&frame.instance, frame.frame) else {
                continue;
            };
            let marks = by_frame.remove(&key).unwrap_or_default();
            let labels = labels_of(&marks, &anchor, &mut left);
            let image = Subject::image(&target);
            let study = Subject::study(&target.study_uid);
            let mut said: Vec<Said> = answers
                .iter()
                .filter(|(q, _)| q.subject == image || q.subject == study)
                .map(|(q, answer)| Said {
                    name: q.name.clone(),
                    of_study: !q.subject.is_image(),
                    answer: **answer,
                    reader: q.reader.clone(),
                })
                .collect();
            said.sort();
            // What is said of a study alone makes pictures of all its frames only where all are asked for, or it is
            // nothing but one picture.
            let own = !labels.is_empty() || said.iter().any(|s| !s.of_study);
            if own || wanted.all_pictures || (!said.is_empty() && layout.frames.len() == 1) {
                let picture = Picture {
                    file: String::new(),
                    target,
                    size: anchor.size,
                    part: None,
                    labels,
                    said,
                };
                gathered.push(Gathered {
                    picture,
                    frame: frame.clone(),
                });
            }
        }
    }
    // The order of the frames in their series stays: the sort is stable.
    gathered.sort_by(|a, b| {
        let of = |g: &Gathered| {
            let target = &g.picture.target;
            (target.study_uid.clone(), target.series_uid.clone())
        };
        of(a).cmp(&of(b))
    });
    for (number, gathered) in (1u32..).zip(&mut gathered) {
        gathered.picture.file = format!("{number:06}.png");
    }
    (gathered, left)
}

/// The labels of the marks of one frame.
fn labels_of(marks: &[&Annotation], anchor: &Anchor, left: &mut Vec<NotSent>) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut sets: BTreeMap<(String, String), Label> = BTreeMap::new();
    for mark in marks {
        let leave = |reason| NotSent {
            id: mark.id.0.clone(),
            reason,
        };
        if mark.shape.kind == MarkKind::Box {
            left.push(leave(NotSentReason::InSpace));
            continue;
        }
        let points = match on_picture(mark, anchor) {
            Ok(points) => points,
            Err(reason) => {
                left.push(leave(reason));
                continue;
            }
        };
        let label = |form: Form| Label {
            ids: vec![mark.id.0.clone()],
            class: mark.label.clone(),
            code: mark.code.clone(),
            group: mark.group.clone(),
            reader: author_of(mark),
            form,
        };
        match form_of(mark.shape.kind, &points) {
            None => left.push(leave(NotSentReason::NoLabel)),
            Some(Form::Keypoints(points)) if !mark.group.is_empty() => {
                let key = (mark.group.clone(), author_of(mark));
                let set = sets.entry(key).or_insert_with(|| Label {
                    ids: Vec::new(),
                    class: set_of_group(&mark.group).to_owned(),
                    code: None,
                    ..label(Form::Keypoints(Vec::new()))
                });
                set.ids.push(mark.id.0.clone());
                if let Form::Keypoints(all) = &mut set.form {
                    all.extend(points.into_iter().map(|(_, at)| (mark.label.clone(), at)));
                }
            }
            Some(Form::Keypoints(points)) => {
                let named = points.into_iter().map(|(_, at)| (mark.label.clone(), at));
                labels.push(label(Form::Keypoints(named.collect())));
            }
            Some(form) => labels.push(label(form)),
        }
    }
    labels.extend(sets.into_values());
    labels
}

/// The points of a mark on its picture.
fn on_picture(mark: &Annotation, anchor: &Anchor) -> Result<Vec<DVec2>, NotSentReason> {
    mark.shape.check().map_err(|_| NotSentReason::BadShape)?;
    let half = DVec2::splat(0.5);
    if mark.space == PointSpace::Pixel {
        return Ok(mark
            .shape
            .points
            .iter()
            .map(|p| p.truncate() + half)
            .collect());
    }
    let plane = anchor.plane.as_ref().ok_or(NotSentReason::OffFrame)?;
    let (row_mm, column_mm) = anchor.spacing.row_column();
    let thick = anchor
        .slice_thickness_mm
        .map_or(HALF_MM, |t| (t * 0.5).max(HALF_MM));
    let mut points = Vec::with_capacity(mark.shape.points.len());
    for point in &mark.shape.points {
        let by = *point - plane.origin;
        if by.dot(plane.normal()).abs() > thick {
            return Err(NotSentReason::OffFrame);
        }
        let at = DVec2::new(
            by.dot(plane.along_row) / column_mm,
            by.dot(plane.along_column) / row_mm,
        );
        points.push(at + half);
    }
    Ok(points)
}

/// What points of a kind are; `None` for measurements and texts.
fn form_of(kind: MarkKind, points: &[DVec2]) -> Option<Form> {
    Some(match (kind, points) {
        (MarkKind::Point, &[at]) => Form::Keypoints(vec![(String::new(), at)]),
        (MarkKind::Rectangle, &[a, c]) => Form::Box(bounds(&[a, c])),
        (MarkKind::Rectangle, &[a, b, c]) => {
            let corners = [a, b, c, a + c - b];
            match upright(&corners) {
                true => Form::Box(bounds(&corners)),
                false => Form::Polygon(corners.to_vec()),
            }
        }
        (MarkKind::Ellipse, &[centre, a, b]) => {
            Form::Polygon(ellipse(centre, a - centre, b - centre))
        }
        (MarkKind::Circle, &[centre, rim]) => {
            let arm = rim - centre;
            Form::Polygon(ellipse(centre, arm, arm.perp()))
        }
        (MarkKind::Polygon | MarkKind::Freehand, all) => Form::Polygon(all.to_vec()),
        (MarkKind::Spline, all) => Form::Polygon(spline_path(all)),
        (MarkKind::Polyline, all) => Form::Polyline(all.to_vec()),
        _ => return None,
    })
}

fn upright(corners: &[DVec2; 4]) -> bool {
    let [a, b, c, d] = corners;
    let same = |p: f64, q: f64| (p - q).abs() <= UPRIGHT;
    let along = same(a.y, b.y) && same(b.x, c.x) && same(c.y, d.y) && same(d.x, a.x);
    let across = same(a.x, b.x) && same(b.y, c.y) && same(c.x, d.x) && same(d.y, a.y);
    along || across
}

fn ellipse(centre: DVec2, a: DVec2, b: DVec2) -> Vec<DVec2> {
    let at = |i: u32| {
        let (sin, cos) = (f64::from(i) / f64::from(ROUND) * std::f64::consts::TAU).sin_cos();
        centre + a * cos + b * sin
    };
    (0..ROUND).map(at).collect()
}

/// Left, top, right and bottom of points.
pub fn bounds(points: &[DVec2]) -> [f64; 4] {
    let low = points.iter().fold(DVec2::INFINITY, |low, p| low.min(*p));
    let high = points
        .iter()
        .fold(DVec2::NEG_INFINITY, |high, p| high.max(*p));
    match points.is_empty() {
        true => [0.0; 4],
        false => [low.x, low.y, high.x, high.y],
    }
}

impl Form {
    /// Its points.
    pub fn points(&self) -> Vec<DVec2> {
        match self {
            Self::Box([left, top, right, bottom]) => vec![
                DVec2::new(*left, *top),
                DVec2::new(*right, *top),
                DVec2::new(*right, *bottom),
                DVec2::new(*left, *bottom),
            ],
            Self::Polygon(points) | Self::Polyline(points) => points.clone(),
            Self::Keypoints(points) => points.iter().map(|(_, at)| *at).collect(),
        }
    }

    /// The upright box around it: left, top, right, bottom.
    pub fn bounds(&self) -> [f64; 4] {
        bounds(&self.points())
    }

    /// The box of what covers an area; `None` for points and lines, which detectors of boxes do not learn.
    pub fn area_box(&self) -> Option<[f64; 4]> {
        matches!(self, Self::Box(_) | Self::Polygon(_)).then(|| self.bounds())
    }
}

/// A picture of a set that was read, with its labels as marks and answers.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// Marks.
    pub marks: Vec<Annotation>,
    /// Answers.
    pub answers: Vec<(Question, Answer)>,
}

/// Makes marks and answers of the labels of a set. Where the frame is at hand and lies in the patient the marks do too, as
/// those that are drawn there; else they lie in its pixels. `form` is a word for the form: ids of labels that have none are
/// made from it, so that the same set brings nothing twice.
pub fn bring(set: &LabelSet, layouts: &[Arc<SeriesLayout>], form: &str) -> Brought {
    let mut out = Brought::default();
    for picture in &set.pictures {
        let target = &picture.target;
        let found = layouts
            .iter()
            .find_map(|layout| layout.frames.get(target_frame(layout, target)?));
        let full = found.map_or_else(|| target.clone(), target_of);
        let anchor = found.and_then(|frame| Anchor::of(&frame.instance, frame.frame));
        for (number, label) in picture.labels.iter().enumerate() {
            for (at, (kind, name, points)) in pieces(label).into_iter().enumerate() {
                let id = label.ids.get(at).cloned();
                let id = id.unwrap_or_else(|| made_id(form, &full, label, number, at));
                let (space, points) = placed(&points, anchor.as_ref());
                let mut mark = mark_on(full.clone(), space, Shape::new(kind, points));
                mark.id = AnnotationId(id);
                mark.label = name;
                mark.code.clone_from(&label.code);
                mark.group.clone_from(&label.group);
                mark.author = Author::Person(label.reader.clone());
                out.marks.push(mark);
            }
        }
        for said in &picture.said {
            let subject = match said.of_study {
                true => Subject::study(&full.study_uid),
                false => Subject::image(&full),
            };
            let question = Question {
                subject,
                name: said.name.clone(),
                reader: said.reader.clone(),
            };
            out.answers.push((question, said.answer));
        }
    }
    out
}

/// The marks of a label: kind, label, points on the picture.
fn pieces(label: &Label) -> Vec<(MarkKind, String, Vec<DVec2>)> {
    let class = || label.class.clone();
    match &label.form {
        Form::Box([left, top, right, bottom]) => {
            let corners = [
                DVec2::new(*left, *top),
                DVec2::new(*right, *top),
                DVec2::new(*right, *bottom),
            ];
            vec![(MarkKind::Rectangle, class(), corners.to_vec())]
        }
        Form::Polygon(points) => vec![(MarkKind::Polygon, class(), points.clone())],
        Form::Polyline(points) => vec![(MarkKind::Polyline, class(), points.clone())],
        Form::Keypoints(points) => points
            .iter()
            .map(|(name, at)| (MarkKind::Point, name.clone(), vec![*at]))
            .collect(),
    }
}

/// Points of a picture where marks are kept.
fn placed(points: &[DVec2], anchor: Option<&Anchor>) -> (PointSpace, Vec<DVec3>) {
    let pixel = |p: &DVec2| *p - DVec2::splat(0.5);
    let lies = anchor.filter(|a| a.spacing.source().is_some());
    if let Some((anchor, plane)) = lies.and_then(|a| Some((a, a.plane.as_ref()?))) {
        let patient = |p: &DVec2| {
            let at = pixel(p);
            plane.patient_from_pixel(anchor.spacing, at.x, at.y)
        };
        return (PointSpace::Patient, points.iter().map(patient).collect());
    }
    let flat = |p: &DVec2| pixel(p).extend(0.0);
    (PointSpace::Pixel, points.iter().map(flat).collect())
}

/// The id of a label that came without one: the same for the same label at the same place in the same set.
fn made_id(
    form: &str,
    target: &AnnotationTarget,
    label: &Label,
    number: usize,
    at: usize,
) -> String {
    let mut hash = Sha256::new();
    let place = format!("{} {} {number} {at} ", target.instance_uid, target.frame);
    hash.update(place.as_bytes());
    hash.update(label.class.as_bytes());
    for point in label.form.points() {
        hash.update(point.x.to_le_bytes());
        hash.update(point.y.to_le_bytes());
    }
    let digest = hash.finalize();
    let mut id = format!("{form}-");
    for byte in digest.iter().take(12) {
        id.push_str(&format!("{byte:02x}"));
    }
    id
}

/// What a scope is called in files.
pub const fn scope_word(of_study: bool) -> &'static str {
    match of_study {
        true => "study",
        false => "image",
    }
}

/// The scope with this word; a picture where nothing is said.
pub fn of_study(word: &str) -> bool {
    word == scope_word(true)
}

impl LabelSet {
    /// Names of the classes that have boxes, in order.
    pub fn box_classes(&self) -> Vec<String> {
        let labels = self.pictures.iter().flat_map(|p| &p.labels);
        let with = labels.filter(|l| l.form.area_box().is_some());
        let names: BTreeSet<&str> = with.map(|l| l.class.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Labels that are neither boxes nor outlines: forms of boxes leave them out.
    pub fn without_area(&self) -> usize {
        let labels = self.pictures.iter().flat_map(|p| &p.labels);
        labels.filter(|l| l.form.area_box().is_none()).count()
    }
}

/// Reads a file of bounded size as text.
///
/// # Errors
/// Those of the disk, and [`SetError::TooLarge`].
pub fn read_text(path: &std::path::Path) -> Result<String, SetError> {
    use std::io::Read as _;
    let io = |e: std::io::Error| SetError::Io(e.kind().to_string());
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(io)?;
    match text.len() as u64 > MOST_BYTES {
        true => Err(SetError::TooLarge),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests;
