//! Commits of the journal as bytes. Numbers are little-endian; points keep every bit of their `f64`.
//!
//! Payload: kind (1 byte: 16 done, 17 undoes, 18 redoes, 19 noted), number of the commit it undoes or redoes (8), time in
//! milliseconds since 1970 (8, signed), number of edits (4), edits. A text is its length (4) and UTF-8.
//! Edit: 1 add, 2 remove (a mark); 3 reshape (id, two shapes); 4 relabel (id, two texts); 5 revise (two marks);
//! 6 key image (target, 1 on or 0 off); 7 view (study, series, first instance, cell (4), two texts); 8 layout
//! (study, two texts); 9 read status (study, two bytes: 0 new, 1 in progress, 2 flagged, 3 preliminary, 4 final);
//! 10 report (study, two texts); 11 calibration (target, two of: 0, or 1 and calibration); 14 resource of the record
//! (patient, type, id, two texts).
//! 20 say (study, series and instance UID, frame (4), name, reader, two of: 0 nothing, 1 tag, 2 and grade (4, signed)).
//! 12 segmentation (see `codec/segmentation.rs`).
//! Calibration: target, two ends of two f64, true length in mm (f64), who (text), time (8, signed), 1 confirmed or 0.
//! Mark: id, target, space (1: 0 patient, 1 pixel), shape, label, code (0, or 1 and value, scheme, meaning), group,
//! flags (1: bit 0 locked, bit 1 hidden), author (0 person: name; 1 network: id, version; 2 foreign: name),
//! time (8, signed).
//! Target: study, series and instance UID, frame (4), frame of reference UID.
//! Shape: kind (1: place in `KINDS` from 1), number of points (4), points of three f64.
//!
//! Version 1 had kinds 0, 1, 2; edits 1 to 4; marks of id, target without frame of reference, space, shape, label;
//! shapes 1 point, 2 line, 3 polygon with its number of points. It is read wherever it stands and never written. In
//! a journal that version 1 began the new records follow its old ones: nothing is rewritten, and the program of
//! then finds what it cannot read, and leaves the file alone.

mod segmentation;

pub use segmentation::fingerprint;
#[cfg(test)]
pub(crate) use segmentation::tests as segmentation_tests;

use crate::model::{
    annotation::{
        Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
        ShapeError,
    },
    calibration::{Calibration, Signature},
    edit::{Edit, FactPlace, ViewPlace},
    identity::Phi,
    labelling::{Answer, Question, Subject},
    reading::ReadStatus,
};
use glam::{DVec2, DVec3};

/// Largest payload, bytes.
pub const MAX_PAYLOAD: usize = 64 << 20;
/// What stands before the edits, bytes.
const HEAD: usize = 21;
/// Longest label, bytes.
pub const MAX_LABEL: usize = 64 << 10;
/// Longest id, UID, name or code, bytes.
pub const MAX_ID: usize = 256;
/// Longest text of a view or a layout, bytes.
pub const MAX_SETTINGS: usize = 64 << 10;
/// Longest report, bytes.
pub const MAX_REPORT: usize = 4 << 20;
/// Longest text of a resource that is read otherwise than it came, bytes.
pub const MAX_RESOURCE: usize = 4 << 20;

/// Kinds of marks by the number that stands for them. The order of the file, not of any menu: new kinds come last.
const KINDS: [MarkKind; 17] = [
    MarkKind::Point,
    MarkKind::Length,
    MarkKind::Polygon,
    MarkKind::Polyline,
    MarkKind::Angle,
    MarkKind::Cobb,
    MarkKind::Bidirectional,
    MarkKind::Perpendicular,
    MarkKind::Ellipse,
    MarkKind::Rectangle,
    MarkKind::Circle,
    MarkKind::Freehand,
    MarkKind::Spline,
    MarkKind::Arrow,
    MarkKind::Text,
    MarkKind::CardiothoracicRatio,
    MarkKind::Box,
];

/// Status of reading by the number that stands for it.
const STATUS: [ReadStatus; 5] = [
    ReadStatus::New,
    ReadStatus::InProgress,
    ReadStatus::Flagged,
    ReadStatus::Preliminary,
    ReadStatus::Final,
];

/// What a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gesture of the user.
    Done,
    /// The inverse of an earlier commit.
    Undoes(u64),
    /// An earlier commit again.
    Redoes(u64),
    /// How the window stood: kept, and no step of undo.
    Noted,
}

/// Edits that belong together: one gesture.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// What it is.
    pub kind: Kind,
    /// When, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The edits in order; at least one.
    pub edits: Vec<Edit>,
}

/// Says what keeps an edit out of the journal.
pub fn check_edit(edit: &Edit) -> Result<(), &'static str> {
    match edit {
        Edit::Add(mark) | Edit::Remove(mark) => check_mark(mark),
        Edit::Reshape { id, from, to } => {
            check_id(id)?;
            check_shape(from)?;
            check_shape(to)
        }
        Edit::Relabel { id, from, to } => {
            check_id(id)?;
            check_texts([from, to], MAX_LABEL, "the label is too long")
        }
        Edit::Revise { from, to } => {
            if from.id != to.id {
                return Err("a mark keeps its id");
            }
            check_mark(from)?;
            check_mark(to)
        }
        Edit::KeyImage { target, .. } => check_target(target),
        Edit::Calibrate { target, from, to } => {
            check_target(target)?;
            for one in [from, to].into_iter().flatten() {
                let on = (&one.target.instance_uid, one.target.frame);
                if on != (&target.instance_uid, target.frame) {
                    return Err("a calibration stays on its frame");
                }
                check_target(&one.target)?;
                one.check().map_err(|_| "no line of known length")?;
            }
            Ok(())
        }
        Edit::View { place, from, to } => {
            let uids = [
                &place.study_uid,
                &place.series_uid,
                &place.first_instance_uid,
            ];
            check_texts(uids, MAX_ID, "a UID is too long")?;
            check_texts([from, to], MAX_SETTINGS, "the view is too large")
        }
        Edit::Layout {
            study_uid,
            from,
            to,
        } => {
            check_texts([study_uid], MAX_ID, "a UID is too long")?;
            check_texts([from, to], MAX_SETTINGS, "the layout is too large")
        }
        Edit::ReadStatus { study_uid, .. } => check_study(study_uid),
        Edit::Report {
            study_uid,
            from,
            to,
        } => {
            check_study(study_uid)?;
            let texts = [from.reveal(), to.reveal()];
            check_texts(texts, MAX_REPORT, "the report is too long")
        }
        Edit::Say { question, .. } => {
            let subject = &question.subject;
            if !subject.is_sound() {
                return Err("it is about no frame and no study");
            }
            if question.name.is_empty() {
                return Err("the tag or score has no name");
            }
            let texts = [
                &subject.study_uid,
                &subject.series_uid,
                &subject.instance_uid,
                &question.name,
                &question.reader,
            ];
            check_texts(texts, MAX_ID, "a UID or a name is too long")
        }
        Edit::Segmentation(edit) => segmentation::check(edit),
        Edit::Amend { place, from, to } => {
            if place.kind.is_empty() || place.id.reveal().is_empty() {
                return Err("no resource is named");
            }
            let names = [place.patient.reveal(), &place.kind, place.id.reveal()];
            check_texts(names, MAX_ID, "an id is too long")?;
            let texts = [from.reveal(), to.reveal()];
            check_texts(texts, MAX_RESOURCE, "the resource is too long")
        }
    }
}

/// Says what keeps a gesture out of the journal: one of its edits, or all of them together.
pub fn check_gesture(edits: &[Edit]) -> Result<(), &'static str> {
    if edits.is_empty() {
        return Err("there is no edit in it");
    }
    edits.iter().try_for_each(check_edit)?;
    let mut total = 0;
    let mut bytes = Vec::new();
    for edit in edits {
        total += weight(&mut bytes, edit);
        if total > MAX_PAYLOAD - HEAD {
            return Err("it is too large");
        }
    }
    Ok(())
}

/// How many bytes an edit takes at most. `bytes` is what is at hand to find out.
fn weight(bytes: &mut Vec<u8>, edit: &Edit) -> usize {
    if let Edit::Segmentation(edit) = edit {
        return segmentation::weight(edit);
    }
    bytes.clear();
    put_edit(bytes, edit);
    bytes.len()
}

/// Parts of a list of edits, in order, each of a size that the journal takes as one gesture, and of at most so many.
pub fn in_parts(edits: &[Edit], most: usize) -> Vec<&[Edit]> {
    let (mut parts, mut bytes) = (Vec::new(), Vec::new());
    let (mut first, mut total) = (0, 0);
    for (at, edit) in edits.iter().enumerate() {
        let more = weight(&mut bytes, edit);
        if at > first && (at - first >= most || total + more > MAX_PAYLOAD - HEAD) {
            parts.extend(edits.get(first..at));
            (first, total) = (at, 0);
        }
        total += more;
    }
    parts.extend(edits.get(first..).filter(|rest| !rest.is_empty()));
    parts
}

fn check_texts<const N: usize>(
    texts: [&String; N],
    most: usize,
    complaint: &'static str,
) -> Result<(), &'static str> {
    if texts.iter().any(|text| text.len() > most) {
        return Err(complaint);
    }
    Ok(())
}

fn check_study(uid: &String) -> Result<(), &'static str> {
    if uid.is_empty() {
        return Err("no study is named");
    }
    check_texts([uid], MAX_ID, "a UID is too long")
}

fn check_id(id: &AnnotationId) -> Result<(), &'static str> {
    if id.0.is_empty() || id.0.len() > MAX_ID {
        return Err("the id is empty or too long");
    }
    Ok(())
}

fn check_shape(shape: &Shape) -> Result<(), &'static str> {
    shape.check().map_err(|error| match error {
        ShapeError::Count => "the number of points does not fit the kind of mark",
        ShapeError::NotFinite => "a coordinate is not a finite number",
    })
}

fn check_target(target: &AnnotationTarget) -> Result<(), &'static str> {
    let uids = [
        &target.study_uid,
        &target.series_uid,
        &target.instance_uid,
        &target.frame_of_reference_uid,
    ];
    check_texts(uids, MAX_ID, "a UID is too long")?;
    if target.frame == 0 {
        return Err("frames count from 1");
    }
    Ok(())
}

fn check_mark(mark: &Annotation) -> Result<(), &'static str> {
    check_id(&mark.id)?;
    check_target(&mark.target)?;
    check_shape(&mark.shape)?;
    check_texts([&mark.label], MAX_LABEL, "the label is too long")?;
    check_texts(
        [&mark.group],
        MAX_LABEL,
        "the name of the group is too long",
    )?;
    if let Some(code) = &mark.code {
        let parts = [&code.value, &code.scheme, &code.meaning];
        check_texts(parts, MAX_LABEL, "the code is too long")?;
    }
    check_author(&mark.author)
}

fn check_author(author: &Author) -> Result<(), &'static str> {
    match author {
        Author::Person(name) | Author::Foreign(name) => {
            check_texts([name], MAX_LABEL, "the name of the author is too long")
        }
        Author::Model { id, version } => check_texts(
            [id, version],
            MAX_LABEL,
            "the name of the author is too long",
        ),
    }
}

/// The bytes of a commit whose edits were checked.
pub fn encode(commit: &Commit) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let (kind, other) = match commit.kind {
        Kind::Done => (16, 0),
        Kind::Undoes(number) => (17, number),
        Kind::Redoes(number) => (18, number),
        Kind::Noted => (19, 0),
    };
    out.push(kind);
    out.extend(other.to_le_bytes());
    out.extend(commit.time_ms.to_le_bytes());
    put_length(&mut out, commit.edits.len());
    for edit in &commit.edits {
        put_edit(&mut out, edit);
    }
    out
}

fn put_edit(out: &mut Vec<u8>, edit: &Edit) {
    match edit {
        Edit::Add(mark) => {
            out.push(1);
            put_mark(out, mark);
        }
        Edit::Remove(mark) => {
            out.push(2);
            put_mark(out, mark);
        }
        Edit::Reshape { id, from, to } => {
            out.push(3);
            put_text(out, &id.0);
            put_shape(out, from);
            put_shape(out, to);
        }
        Edit::Relabel { id, from, to } => {
            out.push(4);
            put_texts(out, [&id.0, from, to]);
        }
        Edit::Revise { from, to } => {
            out.push(5);
            put_mark(out, from);
            put_mark(out, to);
        }
        Edit::KeyImage { target, on } => {
            out.push(6);
            put_target(out, target);
            out.push(u8::from(*on));
        }
        Edit::Calibrate { target, from, to } => {
            out.push(11);
            put_target(out, target);
            put_calibration(out, from.as_deref());
            put_calibration(out, to.as_deref());
        }
        Edit::View { place, from, to } => {
            out.push(7);
            let uids = [
                &place.study_uid,
                &place.series_uid,
                &place.first_instance_uid,
            ];
            put_texts(out, uids);
            out.extend(place.cell.to_le_bytes());
            put_texts(out, [from, to]);
        }
        Edit::Layout {
            study_uid,
            from,
            to,
        } => {
            out.push(8);
            put_texts(out, [study_uid, from, to]);
        }
        Edit::ReadStatus {
            study_uid,
            from,
            to,
        } => {
            out.push(9);
            put_text(out, study_uid);
            out.extend([place_in(&STATUS, from), place_in(&STATUS, to)]);
        }
        Edit::Report {
            study_uid,
            from,
            to,
        } => {
            out.push(10);
            put_texts(out, [study_uid, from.reveal(), to.reveal()]);
        }
        Edit::Say { question, from, to } => {
            out.push(20);
            let subject = &question.subject;
            let uids = [
                &subject.study_uid,
                &subject.series_uid,
                &subject.instance_uid,
            ];
            put_texts(out, uids);
            out.extend(subject.frame.to_le_bytes());
            put_texts(out, [&question.name, &question.reader]);
            put_answer(out, *from);
            put_answer(out, *to);
        }
        Edit::Segmentation(edit) => {
            out.push(12);
            segmentation::put(out, edit);
        }
        Edit::Amend { place, from, to } => {
            out.push(14);
            put_texts(
                out,
                [place.patient.reveal(), &place.kind, place.id.reveal()],
            );
            put_texts(out, [from.reveal(), to.reveal()]);
        }
    }
}

/// Place of a value in a table of the format; the tables hold all values.
fn place_in<T: PartialEq>(table: &[T], value: &T) -> u8 {
    let place = table.iter().position(|known| known == value);
    place.and_then(|p| u8::try_from(p).ok()).unwrap_or(u8::MAX)
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    // Checked edits are far below 4 GiB; a longer one would fail the size check of the journal.
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

fn put_texts<const N: usize>(out: &mut Vec<u8>, texts: [&String; N]) {
    for text in texts {
        put_text(out, text);
    }
}

fn put_shape(out: &mut Vec<u8>, shape: &Shape) {
    out.push(place_in(&KINDS, &shape.kind).saturating_add(1));
    put_length(out, shape.points.len());
    for point in &shape.points {
        for coordinate in point.to_array() {
            out.extend(coordinate.to_bits().to_le_bytes());
        }
    }
}

fn put_target(out: &mut Vec<u8>, target: &AnnotationTarget) {
    let uids = [&target.study_uid, &target.series_uid, &target.instance_uid];
    put_texts(out, uids);
    out.extend(target.frame.to_le_bytes());
    put_text(out, &target.frame_of_reference_uid);
}

fn put_calibration(out: &mut Vec<u8>, calibration: Option<&Calibration>) {
    let Some(calibration) = calibration else {
        out.push(0);
        return;
    };
    out.push(1);
    put_target(out, &calibration.target);
    let [a, b] = calibration.ends;
    for number in [a.x, a.y, b.x, b.y, calibration.true_mm] {
        out.extend(number.to_bits().to_le_bytes());
    }
    put_text(out, calibration.by.text());
    out.extend(calibration.at_ms.to_le_bytes());
    out.push(u8::from(calibration.confirmed));
}

fn put_answer(out: &mut Vec<u8>, answer: Option<Answer>) {
    match answer {
        None => out.push(0),
        Some(Answer::Tag) => out.push(1),
        Some(Answer::Grade(grade)) => {
            out.push(2);
            out.extend(grade.to_le_bytes());
        }
    }
}

fn put_mark(out: &mut Vec<u8>, mark: &Annotation) {
    put_text(out, &mark.id.0);
    put_target(out, &mark.target);
    out.push(match mark.space {
        PointSpace::Patient => 0,
        PointSpace::Pixel => 1,
    });
    put_shape(out, &mark.shape);
    put_text(out, &mark.label);
    put_code(out, mark.code.as_ref());
    put_text(out, &mark.group);
    out.push(u8::from(mark.locked) | u8::from(mark.hidden) << 1);
    put_author(out, &mark.author);
    out.extend(mark.created_ms.to_le_bytes());
}

fn put_code(out: &mut Vec<u8>, code: Option<&Code>) {
    match code {
        None => out.push(0),
        Some(code) => {
            out.push(1);
            put_texts(out, [&code.value, &code.scheme, &code.meaning]);
        }
    }
}

fn put_author(out: &mut Vec<u8>, author: &Author) {
    match author {
        Author::Person(name) => {
            out.push(0);
            put_text(out, name);
        }
        Author::Model { id, version } => {
            out.push(1);
            put_texts(out, [id, version]);
        }
        Author::Foreign(name) => {
            out.push(2);
            put_text(out, name);
        }
    }
}

/// Reads a commit; `None` when the bytes are none, or more than one.
pub fn decode(bytes: &[u8]) -> Option<Commit> {
    let mut reader = Reader {
        rest: bytes,
        first_version: false,
    };
    let kind = reader.byte()?;
    let other = u64::from_le_bytes(reader.array()?);
    reader.first_version = kind < 16;
    let kind = match kind {
        0 | 16 => Kind::Done,
        1 | 17 => Kind::Undoes(other),
        2 | 18 => Kind::Redoes(other),
        19 => Kind::Noted,
        _ => return None,
    };
    let time_ms = i64::from_le_bytes(reader.array()?);
    let count = reader.length()?;
    // The shortest edit takes more than one byte; nothing is reserved on the word of the count.
    if count == 0 || count > reader.rest.len() {
        return None;
    }
    let mut edits = Vec::new();
    for _ in 0..count {
        edits.push(reader.edit()?);
    }
    reader.rest.is_empty().then_some(Commit {
        kind,
        time_ms,
        edits,
    })
}

struct Reader<'a> {
    rest: &'a [u8],
    first_version: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn point(&mut self) -> Option<DVec3> {
        let mut coordinate = || Some(f64::from_bits(u64::from_le_bytes(self.array()?)));
        Some(DVec3::new(coordinate()?, coordinate()?, coordinate()?))
    }

    fn shape(&mut self) -> Option<Shape> {
        let number = usize::from(self.byte()?.checked_sub(1)?);
        // The three of version 1 keep their numbers.
        let kinds = if self.first_version {
            KINDS.get(..3)?
        } else {
            &KINDS
        };
        let kind = *kinds.get(number)?;
        let count = match kind {
            MarkKind::Point if self.first_version => 1,
            MarkKind::Length if self.first_version => 2,
            _ => self.length()?,
        };
        if count > self.rest.len() / 24 {
            return None;
        }
        let points = (0..count).map(|_| self.point()).collect::<Option<_>>()?;
        Some(Shape { kind, points })
    }

    fn target(&mut self) -> Option<AnnotationTarget> {
        Some(AnnotationTarget {
            study_uid: self.text()?,
            series_uid: self.text()?,
            instance_uid: self.text()?,
            frame: u32::from_le_bytes(self.array()?),
            frame_of_reference_uid: if self.first_version {
                String::new()
            } else {
                self.text()?
            },
        })
    }

    fn mark(&mut self) -> Option<Annotation> {
        let id = AnnotationId(self.text()?);
        let target = self.target()?;
        let space = match self.byte()? {
            0 => PointSpace::Patient,
            1 => PointSpace::Pixel,
            _ => return None,
        };
        let mut mark = Annotation::new(id, target, space, self.shape()?);
        mark.label = self.text()?;
        if self.first_version {
            return Some(mark);
        }
        if self.flag()? {
            mark.code = Some(Code {
                value: self.text()?,
                scheme: self.text()?,
                meaning: self.text()?,
            });
        }
        mark.group = self.text()?;
        let flags = self.byte()?;
        if flags > 3 {
            return None;
        }
        (mark.locked, mark.hidden) = (flags & 1 != 0, flags & 2 != 0);
        mark.author = self.author()?;
        mark.created_ms = i64::from_le_bytes(self.array()?);
        Some(mark)
    }

    /// Outer `None`: these bytes are none.
    fn calibration(&mut self) -> Option<Option<Box<Calibration>>> {
        if !self.flag()? {
            return Some(None);
        }
        let target = self.target()?;
        let mut number = || Some(f64::from_bits(u64::from_le_bytes(self.array()?)));
        let ends = [
            DVec2::new(number()?, number()?),
            DVec2::new(number()?, number()?),
        ];
        let true_mm = number()?;
        Some(Some(Box::new(Calibration {
            target,
            ends,
            true_mm,
            by: Signature::new(&self.text()?)?,
            at_ms: i64::from_le_bytes(self.array()?),
            confirmed: self.flag()?,
        })))
    }

    /// Outer `None`: these bytes are none.
    fn answer(&mut self) -> Option<Option<Answer>> {
        Some(match self.byte()? {
            0 => None,
            1 => Some(Answer::Tag),
            2 => Some(Answer::Grade(i32::from_le_bytes(self.array()?))),
            _ => return None,
        })
    }

    fn status(&mut self) -> Option<ReadStatus> {
        STATUS.get(usize::from(self.byte()?)).copied()
    }

    fn edit(&mut self) -> Option<Edit> {
        let number = self.byte()?;
        if self.first_version && number > 4 {
            return None;
        }
        Some(match number {
            1 => Edit::Add(self.mark()?),
            2 => Edit::Remove(self.mark()?),
            3 => Edit::Reshape {
                id: AnnotationId(self.text()?),
                from: self.shape()?,
                to: self.shape()?,
            },
            4 => Edit::Relabel {
                id: AnnotationId(self.text()?),
                from: self.text()?,
                to: self.text()?,
            },
            5 => Edit::Revise {
                from: Box::new(self.mark()?),
                to: Box::new(self.mark()?),
            },
            6 => Edit::KeyImage {
                target: self.target()?,
                on: self.flag()?,
            },
            7 => Edit::View {
                place: ViewPlace {
                    study_uid: self.text()?,
                    series_uid: self.text()?,
                    first_instance_uid: self.text()?,
                    cell: u32::from_le_bytes(self.array()?),
                },
                from: self.text()?,
                to: self.text()?,
            },
            8 => Edit::Layout {
                study_uid: self.text()?,
                from: self.text()?,
                to: self.text()?,
            },
            9 => Edit::ReadStatus {
                study_uid: self.text()?,
                from: self.status()?,
                to: self.status()?,
            },
            10 => Edit::Report {
                study_uid: self.text()?,
                from: Phi::new(self.text()?),
                to: Phi::new(self.text()?),
            },
            11 => Edit::Calibrate {
                target: self.target()?,
                from: self.calibration()?,
                to: self.calibration()?,
            },
            20 => Edit::Say {
                question: Question {
                    subject: Subject {
                        study_uid: self.text()?,
                        series_uid: self.text()?,
                        instance_uid: self.text()?,
                        frame: u32::from_le_bytes(self.array()?),
                    },
                    name: self.text()?,
                    reader: self.text()?,
                },
                from: self.answer()?,
                to: self.answer()?,
            },
            12 => Edit::Segmentation(self.segmentation()?),
            14 => Edit::Amend {
                place: FactPlace {
                    patient: Phi::new(self.text()?),
                    kind: self.text()?,
                    id: Phi::new(self.text()?),
                },
                from: Phi::new(self.text()?),
                to: Phi::new(self.text()?),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
pub(crate) mod tests;
