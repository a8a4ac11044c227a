//! One line of `negatoscope edit`: what it asks for, and the edit that does it.

use super::{
    Refusal,
    segment::{self, SegmentOperation},
};
use crate::{
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
        },
        calibration::{Calibration, Signature},
        edit::{Edit, EditConflict, FactPlace, Kept},
        identity::Phi,
        labelling::{Answer, Question, Subject},
        reading::ReadStatus,
    },
    store::{Store, StoreError},
};
use glam::{DVec2, DVec3};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Value, json};

/// What operations are carried out on: a store, or what a bench holds beside it.
pub trait Ledger {
    /// Everything that is kept.
    fn kept(&self) -> &Kept;
    /// One gesture.
    fn commit(&mut self, edits: &[Edit]) -> Result<(), StoreError>;
    /// The last gesture back; whether there was one.
    fn undo(&mut self) -> Result<bool, StoreError>;
    /// The last one again; whether there was one.
    fn redo(&mut self) -> Result<bool, StoreError>;
}

impl Ledger for Store {
    fn kept(&self) -> &Kept {
        self.kept()
    }

    fn commit(&mut self, edits: &[Edit]) -> Result<(), StoreError> {
        self.commit(edits).map(drop)
    }

    fn undo(&mut self) -> Result<bool, StoreError> {
        self.undo().map(|number| number.is_some())
    }

    fn redo(&mut self) -> Result<bool, StoreError> {
        self.redo().map(|number| number.is_some())
    }
}

/// What a line asks for.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// A new mark.
    Add(Box<NewMark>),
    /// A mark is gone.
    Remove { id: String },
    /// A mark with other points.
    Reshape {
        id: String,
        shape: Form,
        points: Vec<Vec<f64>>,
    },
    /// A mark with another label.
    Relabel { id: String, label: String },
    /// A mark with another code, or with none.
    Code {
        id: String,
        code: Option<CodeFields>,
    },
    /// A mark in another group.
    Group { id: String, group: String },
    /// A mark guarded against change, or free.
    Lock { id: String, on: bool },
    /// A mark out of sight, or back.
    Hide { id: String, on: bool },
    /// A frame as key image, or no longer.
    KeyImage {
        #[serde(default)]
        study: String,
        #[serde(default)]
        series: String,
        instance: String,
        #[serde(default = "first_frame")]
        frame: u32,
        #[serde(default)]
        frame_of_reference: String,
        on: bool,
    },
    /// A line of known length on a frame.
    Calibrate(Box<KnownLength>),
    /// A frame is no longer calibrated.
    Uncalibrate {
        instance: String,
        #[serde(default = "first_frame")]
        frame: u32,
    },
    /// How far a study has been read.
    ReadStatus { study: String, status: Status },
    /// The report of a study.
    Report { study: String, text: String },
    /// A tag of a frame or a study, on or off.
    Tag(Box<Said>),
    /// The grade of a score of a frame or a study, or none.
    Score(Box<Graded>),
    /// A new segmentation, without segments.
    Segmentation(Box<segment::NewSegmentation>),
    /// A segment, new or changed.
    Segment(Box<segment::SegmentFields>),
    /// Voxels given to a segment, or taken from it.
    Voxels(Box<segment::VoxelFields>),
    /// A segment is gone, with its voxels.
    RemoveSegment { of: String, number: u16 },
    /// A segment in another layer, with its voxels.
    MoveSegment {
        of: String,
        number: u16,
        layer: usize,
    },
    /// A segmentation has another title.
    RenameSegmentation { id: String, title: String },
    /// A segmentation is gone.
    RemoveSegmentation { id: String },
    /// A resource of the record read otherwise than it came; an empty text is "as it came".
    Amend {
        #[serde(default)]
        patient: String,
        #[serde(rename = "type")]
        kind: String,
        id: String,
        text: String,
    },
    /// The last gesture back.
    Undo {},
    /// The last gesture again.
    Redo {},
}

macro_rules! said {
    ($(#[$doc:meta])* $name:ident, $value:ident: $kind:ty) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            #[serde(default)]
            study: String,
            #[serde(default)]
            series: String,
            #[serde(default)]
            instance: String,
            #[serde(default)]
            frame: Option<u32>,
            name: String,
            #[serde(default)]
            reader: String,
            $value: $kind,
        }

        impl From<$name> for Question {
            fn from(said: $name) -> Self {
                // Without an instance it is about the study.
                let first = u32::from(!said.instance.is_empty());
                Self {
                    subject: Subject {
                        study_uid: said.study,
                        series_uid: said.series,
                        instance_uid: said.instance,
                        frame: said.frame.unwrap_or(first),
                    },
                    name: said.name,
                    reader: said.reader,
                }
            }
        }
    };
}

said! {
    /// A tag of a frame or a study.
    Said, on: bool
}
said! {
    /// The grade of a score of a frame or a study.
    Graded, grade: Option<i32>
}

/// A mark to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMark {
    id: Option<String>,
    #[serde(default)]
    study: String,
    #[serde(default)]
    series: String,
    instance: String,
    #[serde(default = "first_frame")]
    frame: u32,
    #[serde(default)]
    frame_of_reference: String,
    #[serde(default)]
    space: Space,
    shape: Form,
    points: Vec<Vec<f64>>,
    #[serde(default)]
    label: String,
    #[serde(default)]
    code: Option<CodeFields>,
    #[serde(default)]
    group: String,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    author: Maker,
    created_ms: Option<i64>,
}

/// A line of known length.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownLength {
    #[serde(default)]
    study: String,
    series: String,
    instance: String,
    #[serde(default = "first_frame")]
    frame: u32,
    points: [[f64; 2]; 2],
    true_mm: f64,
    by: String,
    #[serde(default)]
    confirmed: bool,
    created_ms: Option<i64>,
}

const fn first_frame() -> u32 {
    1
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Space {
    #[default]
    Patient,
    Pixel,
}

/// Kind of a mark by its name.
#[derive(Clone, Copy)]
pub struct Form(MarkKind);

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        // What a length was called before there were other marks.
        let kind = match name.as_str() {
            "line" => Some(MarkKind::Length),
            name => MarkKind::named(name),
        };
        kind.map(Self)
            .ok_or_else(|| D::Error::custom("not a kind of mark"))
    }
}

/// Read status by its name.
#[derive(Clone, Copy)]
pub struct Status(ReadStatus);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let status = ReadStatus::named(&String::deserialize(from)?);
        status
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a read status"))
    }
}

/// A coded concept.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CodeFields {
    pub value: String,
    pub scheme: String,
    pub meaning: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Maker {
    Person(String),
    Model { id: String, version: String },
    Foreign(String),
}

impl Default for Maker {
    fn default() -> Self {
        Self::Person(String::new())
    }
}

impl From<CodeFields> for Code {
    fn from(fields: CodeFields) -> Self {
        Self {
            value: fields.value,
            scheme: fields.scheme,
            meaning: fields.meaning,
        }
    }
}

impl From<Author> for Maker {
    fn from(author: Author) -> Self {
        match author {
            Author::Person(name) => Self::Person(name),
            Author::Model { id, version } => Self::Model { id, version },
            Author::Foreign(name) => Self::Foreign(name),
        }
    }
}

impl From<Maker> for Author {
    fn from(maker: Maker) -> Self {
        match maker {
            Maker::Person(name) => Self::Person(name),
            Maker::Model { id, version } => Self::Model { id, version },
            Maker::Foreign(name) => Self::Foreign(name),
        }
    }
}

/// Reads a line.
pub fn read(line: &[u8]) -> Result<Operation, Refusal> {
    // The words of serde_json quote the input; only the place is repeated.
    serde_json::from_slice(line).map_err(|error| {
        let column = error.column();
        match error.classify() {
            serde_json::error::Category::Data => Refusal::new(
                "NOT_AN_OPERATION",
                format!("a field is missing, unknown or of a wrong kind, column {column}"),
            ),
            _ => Refusal::new("NOT_JSON", format!("not JSON, column {column}")),
        }
    })
}

fn shape(form: Form, points: &[Vec<f64>]) -> Result<Shape, Refusal> {
    let points = points
        .iter()
        .map(|point| match point.as_slice() {
            [x, y] => Ok(DVec3::new(*x, *y, 0.0)),
            [x, y, z] => Ok(DVec3::new(*x, *y, *z)),
            _ => Err(Refusal::new("INVALID", "a point has two or three numbers")),
        })
        .collect::<Result<Vec<DVec3>, Refusal>>()?;
    let shape = Shape::new(form.0, points);
    shape
        .check()
        .map_err(|error| Refusal::new("INVALID", error.to_string()))?;
    Ok(shape)
}

fn missing() -> Refusal {
    Refusal::from(StoreError::Conflict(EditConflict::Missing))
}

fn found<'a>(store: &'a impl Ledger, id: &str) -> Result<&'a Annotation, Refusal> {
    let id = AnnotationId(id.to_owned());
    store.kept().marks.get(&id).ok_or_else(missing)
}

fn revise(mark: &Annotation, change: impl FnOnce(&mut Annotation)) -> Edit {
    let mut to = Box::new(mark.clone());
    change(&mut to);
    Edit::Revise {
        from: Box::new(mark.clone()),
        to,
    }
}

/// Makes an operation an edit and commits it; gives the id of a mark that came without one.
pub fn carry_out(store: &mut impl Ledger, operation: Operation) -> Result<Option<String>, Refusal> {
    let nothing = |what| Refusal::new("NOTHING", format!("there is nothing to {what}"));
    let mut made = None;
    let of_segments =
        |store: &mut _, operation| segment::carry_out(store, operation).map(|()| None);
    let edit = match operation {
        Operation::Segmentation(new) => {
            return of_segments(store, SegmentOperation::New(*new));
        }
        Operation::Segment(fields) => {
            return of_segments(store, SegmentOperation::Segment(*fields));
        }
        Operation::Voxels(fields) => {
            return of_segments(store, SegmentOperation::Voxels(*fields));
        }
        Operation::RemoveSegment { of, number } => {
            return of_segments(store, SegmentOperation::RemoveSegment { of, number });
        }
        Operation::MoveSegment { of, number, layer } => {
            let operation = SegmentOperation::Move { of, number, layer };
            return of_segments(store, operation);
        }
        Operation::RenameSegmentation { id, title } => {
            return of_segments(store, SegmentOperation::Rename { id, title });
        }
        Operation::RemoveSegmentation { id } => {
            return of_segments(store, SegmentOperation::Remove { id });
        }
        Operation::Undo {} => {
            return if store.undo()? {
                Ok(None)
            } else {
                Err(nothing("undo"))
            };
        }
        Operation::Redo {} => {
            return if store.redo()? {
                Ok(None)
            } else {
                Err(nothing("redo"))
            };
        }
        Operation::Add(new) => {
            if new.id.is_none() {
                made = Some(Store::new_mark_id().0);
            }
            Edit::Add(mark_of(*new, made.clone().unwrap_or_default())?)
        }
        Operation::Remove { id } => Edit::Remove(found(store, &id)?.clone()),
        Operation::Reshape {
            id,
            shape: form,
            points,
        } => Edit::Reshape {
            from: found(store, &id)?.shape.clone(),
            to: shape(form, &points)?,
            id: AnnotationId(id),
        },
        Operation::Relabel { id, label } => Edit::Relabel {
            from: found(store, &id)?.label.clone(),
            to: label,
            id: AnnotationId(id),
        },
        Operation::Code { id, code } => {
            revise(found(store, &id)?, |m| m.code = code.map(Code::from))
        }
        Operation::Group { id, group } => revise(found(store, &id)?, |m| m.group = group),
        Operation::Lock { id, on } => revise(found(store, &id)?, |m| m.locked = on),
        Operation::Hide { id, on } => revise(found(store, &id)?, |m| m.hidden = on),
        Operation::KeyImage {
            study,
            series,
            instance,
            frame,
            frame_of_reference,
            on,
        } => Edit::KeyImage {
            target: match store.kept().key_images.get(&instance, frame) {
                Some(found) if !on => found.clone(),
                _ => AnnotationTarget {
                    study_uid: study,
                    series_uid: series,
                    instance_uid: instance,
                    frame,
                    frame_of_reference_uid: frame_of_reference,
                },
            },
            on,
        },
        Operation::Calibrate(known) => {
            let calibration = calibration_of(*known)?;
            let target = calibration.target.clone();
            Edit::Calibrate {
                from: calibration_at(store, &target.instance_uid, target.frame).map(Box::new),
                to: Some(Box::new(calibration)),
                target,
            }
        }
        Operation::Uncalibrate { instance, frame } => {
            let found = calibration_at(store, &instance, frame).ok_or_else(missing)?;
            Edit::Calibrate {
                target: found.target.clone(),
                from: Some(Box::new(found)),
                to: None,
            }
        }
        Operation::ReadStatus { study, status } => Edit::ReadStatus {
            from: store.kept().read_status(&study),
            to: status.0,
            study_uid: study,
        },
        Operation::Report { study, text } => {
            let from = store.kept().reports.get(&study).cloned();
            Edit::Report {
                from: from.unwrap_or_default(),
                to: Phi::new(text),
                study_uid: study,
            }
        }
        Operation::Tag(said) => {
            let to = said.on.then_some(Answer::Tag);
            say(store, (*said).into(), to)
        }
        Operation::Score(said) => {
            let to = said.grade.map(Answer::Grade);
            say(store, (*said).into(), to)
        }
        Operation::Amend {
            patient,
            kind,
            id,
            text,
        } => {
            if !text.is_empty() && !is_resource(&text, &kind, &id) {
                let sentence = "`text` is no resource of this type and id";
                return Err(Refusal::new("INVALID", sentence));
            }
            let place = FactPlace {
                patient: Phi::new(patient),
                kind,
                id: Phi::new(id),
            };
            let from = store.kept().amendments.get(&place).cloned();
            Edit::Amend {
                place,
                from: from.unwrap_or_default(),
                to: Phi::new(text),
            }
        }
    };
    let edits = [edit];
    if store.kept().guarded(&edits).is_some() {
        return Err(Refusal::new("LOCKED", "the mark is locked"));
    }
    store.commit(&edits)?;
    Ok(made)
}

fn say(store: &impl Ledger, question: Question, to: Option<Answer>) -> Edit {
    Edit::Say {
        from: store.kept().answers.get(&question).copied(),
        to,
        question,
    }
}

/// Whether a text is a FHIR resource of this type with this id.
fn is_resource(text: &str, kind: &str, id: &str) -> bool {
    let read = crate::clinical::read_bundle(text.as_bytes());
    read.is_ok_and(
        |bundle| matches!(bundle.resources.as_slice(), [one] if one.kind == kind && one.id == id),
    )
}

fn calibration_at(store: &impl Ledger, instance: &str, frame: u32) -> Option<Calibration> {
    let key = (instance.to_owned(), frame);
    store.kept().calibrations.get(&key).cloned()
}

fn calibration_of(known: KnownLength) -> Result<Calibration, Refusal> {
    let by = Signature::new(&known.by);
    let by = by.ok_or_else(|| Refusal::new("INVALID", "`by` is no name of 1 to 64 bytes"))?;
    let now = || jiff::Timestamp::now().as_millisecond();
    let calibration = Calibration {
        target: AnnotationTarget {
            study_uid: known.study,
            series_uid: known.series,
            instance_uid: known.instance,
            frame: known.frame,
            frame_of_reference_uid: String::new(),
        },
        ends: known.points.map(DVec2::from_array),
        true_mm: known.true_mm,
        by,
        at_ms: known.created_ms.unwrap_or_else(now),
        confirmed: known.confirmed,
    };
    calibration
        .check()
        .map_err(|error| Refusal::new("INVALID", error.to_string()))?;
    Ok(calibration)
}

fn mark_of(new: NewMark, made: String) -> Result<Annotation, Refusal> {
    Ok(Annotation {
        id: AnnotationId(new.id.unwrap_or(made)),
        target: AnnotationTarget {
            study_uid: new.study,
            series_uid: new.series,
            instance_uid: new.instance,
            frame: new.frame,
            frame_of_reference_uid: new.frame_of_reference,
        },
        space: match new.space {
            Space::Patient => PointSpace::Patient,
            Space::Pixel => PointSpace::Pixel,
        },
        shape: shape(new.shape, &new.points)?,
        label: new.label,
        code: new.code.map(Code::from),
        group: new.group,
        locked: new.locked,
        hidden: new.hidden,
        author: new.author.into(),
        created_ms: new
            .created_ms
            .unwrap_or_else(|| jiff::Timestamp::now().as_millisecond()),
    })
}

/// All that is kept, as operations that would bring it back; not how it was shown.
pub fn list(kept: &Kept) -> impl Iterator<Item = Value> {
    let marks = kept.marks.iter().map(mark_json);
    let key_images = kept.key_images.iter().map(|target| {
        json!({
            "op": "key-image",
            "study": target.study_uid,
            "series": target.series_uid,
            "instance": target.instance_uid,
            "frame": target.frame,
            "frame_of_reference": target.frame_of_reference_uid,
            "on": true,
        })
    });
    let status = kept.read_status.iter().map(
        |(study, status)| json!({"op": "read-status", "study": study, "status": status.name()}),
    );
    let reports = kept
        .reports
        .iter()
        .map(|(study, text)| json!({"op": "report", "study": study, "text": text.reveal()}));
    let answers = kept.answers.iter().map(answer_json);
    let calibrations = kept.calibrations.values().map(calibration_json);
    let segmentations = kept.segmentations.values().flat_map(segment::list);
    let amendments = kept.amendments.iter().map(|(place, text)| {
        json!({
            "op": "amend",
            "patient": place.patient.reveal(),
            "type": place.kind,
            "id": place.id.reveal(),
            "text": text.reveal(),
        })
    });
    marks
        .chain(key_images)
        .chain(calibrations)
        .chain(status)
        .chain(reports)
        .chain(answers)
        .chain(segmentations)
        .chain(amendments)
}

fn answer_json((question, answer): (&Question, &Answer)) -> Value {
    let of = &question.subject;
    let mut value = json!({
        "op": "tag",
        "study": of.study_uid,
        "name": question.name,
        "reader": question.reader,
    });
    if let Some(map) = value.as_object_mut() {
        if of.is_image() {
            map.insert("series".into(), json!(of.series_uid));
            map.insert("instance".into(), json!(of.instance_uid));
            map.insert("frame".into(), json!(of.frame));
        }
        match answer {
            Answer::Tag => map.insert("on".into(), json!(true)),
            Answer::Grade(grade) => {
                map.insert("op".into(), json!("score"));
                map.insert("grade".into(), json!(grade))
            }
        };
    }
    value
}

fn calibration_json(calibration: &Calibration) -> Value {
    let target = &calibration.target;
    json!({
        "op": "calibrate",
        "study": target.study_uid,
        "series": target.series_uid,
        "instance": target.instance_uid,
        "frame": target.frame,
        "points": calibration.ends.map(|p| p.to_array()),
        "true_mm": calibration.true_mm,
        "by": calibration.by.text(),
        "confirmed": calibration.confirmed,
        "created_ms": calibration.at_ms,
    })
}

fn mark_json(mark: &Annotation) -> Value {
    let code = mark.code.as_ref().map(|code| CodeFields {
        value: code.value.clone(),
        scheme: code.scheme.clone(),
        meaning: code.meaning.clone(),
    });
    let author = match mark.author.clone() {
        Author::Person(name) => Maker::Person(name),
        Author::Model { id, version } => Maker::Model { id, version },
        Author::Foreign(name) => Maker::Foreign(name),
    };
    json!({
        "op": "add",
        "id": mark.id.0,
        "study": mark.target.study_uid,
        "series": mark.target.series_uid,
        "instance": mark.target.instance_uid,
        "frame": mark.target.frame,
        "frame_of_reference": mark.target.frame_of_reference_uid,
        "space": match mark.space {
            PointSpace::Patient => "patient",
            PointSpace::Pixel => "pixel",
        },
        "shape": mark.shape.kind.name(),
        "points": mark.shape.points.iter().map(|p| p.to_array()).collect::<Vec<_>>(),
        "label": mark.label,
        "code": code,
        "group": mark.group,
        "locked": mark.locked,
        "hidden": mark.hidden,
        "author": author,
        "created_ms": mark.created_ms,
    })
}
