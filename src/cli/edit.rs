//! `negatoscope edit`: marks changed by lines of JSON, each acknowledged once it is durable. docs/edit.md.

use super::{Common, Exit, Output, store as store_cli};
use crate::{
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, PointSpace, Shape},
        edit::{Edit, EditConflict},
    },
    store::{Store, StoreError},
};
use clap::Args;
use glam::DVec3;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufRead, Read as _};

/// Longest line, bytes.
const MAX_LINE: usize = 16 << 20;

/// Arguments of `edit`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(after_long_help = "\
Operations, one JSON object a line:
  {\"op\":\"add\",\"id\":\"n1\",\"study\":\"1.2\",\"series\":\"1.2.3\",\"instance\":\"1.2.3.4\",\"frame\":1,
   \"space\":\"patient\",\"shape\":\"line\",\"points\":[[0,0,0],[10,0,0]],\"label\":\"nodule\"}   (on one line)
  {\"op\":\"reshape\",\"id\":\"n1\",\"shape\":\"line\",\"points\":[[0,0,0],[12,0,0]]}
  {\"op\":\"relabel\",\"id\":\"n1\",\"label\":\"cyst\"}
  {\"op\":\"remove\",\"id\":\"n1\"}
  {\"op\":\"undo\"}   {\"op\":\"redo\"}
shape is point, line or polygon; space is patient (LPS, mm) or pixel (column, row from 0).
Answers: `ACK n` once line n is on the disk, `ERR n CODE …` when it was not carried out.")]
pub struct EditArgs {
    /// Read operations from standard input
    #[arg(long)]
    pub stdin: bool,
    /// Print all marks as operations that would add them
    #[arg(long)]
    pub list: bool,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Operation {
    Add {
        id: Option<String>,
        #[serde(default)]
        study: String,
        #[serde(default)]
        series: String,
        instance: String,
        #[serde(default = "first_frame")]
        frame: u32,
        #[serde(default)]
        space: Space,
        shape: Form,
        points: Vec<Vec<f64>>,
        #[serde(default)]
        label: String,
    },
    Remove {
        id: String,
    },
    Reshape {
        id: String,
        shape: Form,
        points: Vec<Vec<f64>>,
    },
    Relabel {
        id: String,
        label: String,
    },
    Undo {},
    Redo {},
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

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Point,
    Line,
    Polygon,
}

/// Why a line was not carried out: code and sentence.
struct Refusal {
    code: &'static str,
    sentence: String,
    exit: Exit,
}

impl Refusal {
    fn new(code: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: sentence.into(),
            exit: Exit::Finding,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let (code, exit) = match &error {
            StoreError::Conflict(EditConflict::Exists) => ("EXISTS", Exit::Finding),
            StoreError::Conflict(EditConflict::Missing) => ("MISSING", Exit::Finding),
            StoreError::Conflict(EditConflict::Stale) => ("STALE", Exit::Finding),
            StoreError::InvalidEdit(_) => ("INVALID", Exit::Finding),
            StoreError::Damaged { .. } => ("DAMAGED", Exit::StoreDamaged),
            _ => ("NOT_SAVED", store_cli::exit_of(&error)),
        };
        Self {
            code,
            sentence: error.to_string(),
            exit,
        }
    }
}

/// Runs `edit`.
pub fn run(args: &EditArgs, common: &Common, out: &mut Output) -> Exit {
    let mut store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    if args.list {
        for mark in store.marks().iter() {
            out.json(&mark_json(mark));
        }
        return if store.journal_damage().is_some() {
            Exit::StoreDamaged
        } else {
            Exit::Done
        };
    }
    edit_lines(&mut store, &mut io::stdin().lock(), out)
}

/// Carries out the operations of `source`, line by line.
pub fn edit_lines(store: &mut Store, source: &mut impl BufRead, out: &mut Output) -> Exit {
    let mut worst = Exit::Done;
    for number in 1u64.. {
        let outcome = match next_line(source) {
            Ok(None) => break,
            Ok(Some(Ok(line))) if line.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(Some(Ok(line))) => read_operation(&line).and_then(|op| carry_out(store, op)),
            Ok(Some(Err(refusal))) => Err(refusal),
            Err(error) => {
                out.error(format!("standard input: {}", error.kind()));
                return Exit::Io;
            }
        };
        match outcome {
            Ok(None) => out.line(format!("ACK {number}")),
            Ok(Some(id)) => out.line(format!("ACK {number} {id}")),
            Err(refusal) => {
                out.line(format!(
                    "ERR {number} {} {}",
                    refusal.code, refusal.sentence
                ));
                worst = worst.max(refusal.exit);
            }
        }
        out.flush();
    }
    worst
}

/// The next line without its end; `None` at the end of the input. Of a line that is too long nothing is kept.
fn next_line(source: &mut impl BufRead) -> io::Result<Option<Result<Vec<u8>, Refusal>>> {
    let mut line = Vec::new();
    let most = MAX_LINE as u64 + 1;
    if source.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Ok(line)));
    }
    if line.len() <= MAX_LINE {
        return Ok(Some(Ok(line)));
    }
    source.skip_until(b'\n')?;
    Ok(Some(Err(Refusal::new(
        "TOO_LONG",
        format!("the line is longer than {MAX_LINE} bytes"),
    ))))
}

fn read_operation(line: &[u8]) -> Result<Operation, Refusal> {
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
    match (form, points.as_slice()) {
        (Form::Point, [point]) => Ok(Shape::Point(*point)),
        (Form::Line, [from, to]) => Ok(Shape::Line([*from, *to])),
        (Form::Polygon, _) => Ok(Shape::Polygon(points)),
        _ => Err(Refusal::new(
            "INVALID",
            "a point has one point, a line two, a polygon at least three",
        )),
    }
}

/// Makes an operation an edit and commits it; gives the id of a mark that came without one.
fn carry_out(store: &mut Store, operation: Operation) -> Result<Option<String>, Refusal> {
    let missing = || Refusal::from(StoreError::Conflict(EditConflict::Missing));
    let nothing = |what| Refusal::new("NOTHING", format!("there is nothing to {what}"));
    let mut made = None;
    let edit = match operation {
        Operation::Undo {} => {
            return match store.undo()? {
                Some(_) => Ok(None),
                None => Err(nothing("undo")),
            };
        }
        Operation::Redo {} => {
            return match store.redo()? {
                Some(_) => Ok(None),
                None => Err(nothing("redo")),
            };
        }
        Operation::Add {
            id,
            study,
            series,
            instance,
            frame,
            space,
            shape: form,
            points,
            label,
        } => {
            let id = id.map_or_else(
                || {
                    let id = Store::new_mark_id();
                    made = Some(id.0.clone());
                    id
                },
                AnnotationId,
            );
            Edit::Add(Annotation {
                id,
                target: AnnotationTarget {
                    study_uid: study,
                    series_uid: series,
                    instance_uid: instance,
                    frame,
                },
                space: match space {
                    Space::Patient => PointSpace::Patient,
                    Space::Pixel => PointSpace::Pixel,
                },
                shape: shape(form, &points)?,
                label,
            })
        }
        Operation::Remove { id } => {
            let mark = store.marks().get(&AnnotationId(id));
            Edit::Remove(mark.cloned().ok_or_else(missing)?)
        }
        Operation::Reshape {
            id,
            shape: form,
            points,
        } => {
            let id = AnnotationId(id);
            let from = store.marks().get(&id).ok_or_else(missing)?.shape.clone();
            Edit::Reshape {
                id,
                from,
                to: shape(form, &points)?,
            }
        }
        Operation::Relabel { id, label } => {
            let id = AnnotationId(id);
            let from = store.marks().get(&id).ok_or_else(missing)?.label.clone();
            Edit::Relabel {
                id,
                from,
                to: label,
            }
        }
    };
    store.commit(&[edit])?;
    Ok(made)
}

fn mark_json(mark: &Annotation) -> Value {
    let (form, points) = match &mark.shape {
        Shape::Point(point) => ("point", std::slice::from_ref(point)),
        Shape::Line(ends) => ("line", ends.as_slice()),
        Shape::Polygon(points) => ("polygon", points.as_slice()),
    };
    json!({
        "op": "add",
        "id": mark.id.0,
        "study": mark.target.study_uid,
        "series": mark.target.series_uid,
        "instance": mark.target.instance_uid,
        "frame": mark.target.frame,
        "space": match mark.space {
            PointSpace::Patient => "patient",
            PointSpace::Pixel => "pixel",
        },
        "shape": form,
        "points": points.iter().map(|p| p.to_array()).collect::<Vec<_>>(),
        "label": mark.label,
    })
}
