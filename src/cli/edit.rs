//! `negatoscope edit`: marks, key images, read status and reports changed by lines of JSON, each acknowledged once
//! it is durable. docs/edit.md.

pub(crate) mod operation;
pub(crate) mod segment;

pub(super) use operation::list as operations;

use super::{Common, Exit, Output, store as store_cli};
use crate::{
    model::edit::EditConflict,
    store::{Store, StoreError},
};
use clap::Args;
use std::io::{self, BufRead, Read as _};

/// Longest line, bytes.
const MAX_LINE: usize = 16 << 20;

/// Arguments of `edit`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(after_long_help = "\
Operations, one JSON object a line:
  {\"op\":\"add\",\"id\":\"n1\",\"study\":\"1.2\",\"series\":\"1.2.3\",\"instance\":\"1.2.3.4\",\"frame\":1,
   \"space\":\"patient\",\"shape\":\"length\",\"points\":[[0,0,0],[10,0,0]],\"label\":\"nodule\"}   (on one line)
  {\"op\":\"reshape\",\"id\":\"n1\",\"shape\":\"length\",\"points\":[[0,0,0],[12,0,0]]}
  {\"op\":\"relabel\",\"id\":\"n1\",\"label\":\"cyst\"}
  {\"op\":\"code\",\"id\":\"n1\",\"code\":{\"value\":\"27925004\",\"scheme\":\"SCT\",\"meaning\":\"Nodule\"}}
  {\"op\":\"group\",\"id\":\"n1\",\"group\":\"right lung\"}
  {\"op\":\"lock\",\"id\":\"n1\",\"on\":true}   {\"op\":\"hide\",\"id\":\"n1\",\"on\":true}
  {\"op\":\"remove\",\"id\":\"n1\"}
  {\"op\":\"key-image\",\"study\":\"1.2\",\"series\":\"1.2.3\",\"instance\":\"1.2.3.4\",\"frame\":1,\"on\":true}
  {\"op\":\"calibrate\",\"series\":\"1.2.3\",\"instance\":\"1.2.3.4\",\"frame\":1,\"points\":[[100,80],[612,80]],
   \"true_mm\":25,\"by\":\"A. Reader\"}   (on one line)   {\"op\":\"uncalibrate\",\"instance\":\"1.2.3.4\",\"frame\":1}
  {\"op\":\"read-status\",\"study\":\"1.2\",\"status\":\"final\"}
  {\"op\":\"report\",\"study\":\"1.2\",\"text\":\"No focal lesion\"}
  {\"op\":\"segmentation\",\"id\":\"2.25.1\",\"study\":\"1.2\",\"series\":\"1.2.3\",\"size\":[512,512,300],
   \"patient_from_voxel\":[[0.7,0,0],[0,0.7,0],[0,0,1],[-180,-180,-150]]}   (on one line)
  {\"op\":\"segment\",\"of\":\"2.25.1\",\"number\":1,\"label\":\"nodule\"}
  {\"op\":\"voxels\",\"of\":\"2.25.1\",\"number\":1,\"ball\":[12,-40,100,6]}   (mm; or \"runs\":[[x,y,z,n],…], \"erase\":true)
  {\"op\":\"remove-segment\",\"of\":\"2.25.1\",\"number\":1}   {\"op\":\"remove-segmentation\",\"id\":\"2.25.1\"}
  {\"op\":\"amend\",\"patient\":\"p1\",\"type\":\"Condition\",\"id\":\"c1\",\"text\":\"\"}   (a resource as it came again)
  {\"op\":\"undo\"}   {\"op\":\"redo\"}
shape is point, length, polyline, angle, cobb, bidirectional, perpendicular, ellipse, rectangle, circle, polygon,
freehand, spline, arrow, text, cardiothoracic-ratio or box; space is patient (LPS, mm) or pixel (column, row from 0).
Answers: `ACK n` once line n is on the disk, `ERR n CODE …` when it was not carried out.")]
pub struct EditArgs {
    /// Read operations from standard input
    #[arg(long)]
    pub stdin: bool,
    /// Print all that is kept as operations that would bring it back
    #[arg(long)]
    pub list: bool,
    /// Print a line for each segmentation, with a SHA-256 of all that it is
    #[arg(long)]
    pub digests: bool,
    /// Print where a voxel of a segmentation comes from, the last change first
    #[arg(long, value_name = "ID:COLUMN,ROW,SLICE")]
    pub origin: Option<String>,
}

/// Why a line was not carried out: code and sentence.
pub(crate) struct Refusal {
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
    if args.digests {
        for whole in store.kept().segmentations.values() {
            out.json(&segment::digest(whole));
        }
        return Exit::Done;
    }
    if let Some(voxel) = &args.origin {
        return segment::origin(&store, voxel, out);
    }
    if args.list {
        for line in operation::list(store.kept()) {
            out.json(&line);
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
            Ok(Some(Ok(line))) => {
                operation::read(&line).and_then(|op| operation::carry_out(store, op))
            }
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
