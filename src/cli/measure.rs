//! `negatoscope measure`: numbers from a list of points, with unit and the source of the millimetres.

mod answer;
mod calibrate;
mod find;
mod run;
mod series;
mod spec;
mod task;

use super::{
    Common, Exit, Output,
    inspect::{exit_of, limits},
    series::layouts,
    store,
};
use crate::{
    dicom::frames::{FileFrames, FrameSource as _},
    model::{layout::FrameRef, pixels::Frame},
};
use clap::Args;
use rayon::prelude::*;
use run::{FrameReader, RunError};
use spec::Spec;
use std::{fs::File, io::Read as _, path::PathBuf};

/// Bytes of a specification that is read.
const LONGEST_SPEC: u64 = 64 << 20;

/// Bytes of decoded frames that are held at once unless told otherwise.
const HELD: u64 = 4 << 30;

/// Arguments of `measure`.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// A file, or a folder
    pub path: PathBuf,
    /// What to measure, as JSON; docs/measure.md has the format
    #[arg(long, value_name = "FILE.json")]
    pub spec: PathBuf,
}

/// Decodes several frames at a time.
struct Frames(FileFrames);

impl FrameReader for Frames {
    fn read(&self, frames: &[&FrameRef]) -> Result<Vec<Frame>, RunError> {
        let read = |frame: &&FrameRef| {
            self.0
                .read_frame(&frame.instance, frame.frame)
                .map_err(|error| RunError::Read {
                    code: error.code().to_owned(),
                    sentence: error.to_string(),
                })
        };
        frames.par_iter().map(read).collect()
    }
}

/// Runs `measure`.
pub fn run(args: &MeasureArgs, common: &Common, out: &mut Output) -> Exit {
    let mut text = Vec::new();
    let read =
        File::open(&args.spec).and_then(|file| file.take(LONGEST_SPEC + 1).read_to_end(&mut text));
    if let Err(error) = read {
        out.error(format!("{error}: {}", args.spec.display()));
        return Exit::Io;
    }
    if text.len() as u64 > LONGEST_SPEC {
        out.error(format!("too long: {}", args.spec.display()));
        return Exit::Limit;
    }
    let spec = match Spec::parse(&text) {
        Ok(spec) => spec,
        Err(error) => {
            out.error(format!("{error}: {}", args.spec.display()));
            return Exit::Usage;
        }
    };
    let (layouts, rejection) = layouts(&args.path, common);
    if layouts.is_empty()
        && let Some(rejection) = rejection
    {
        let path = rejection.path.display();
        out.error(format!("[{}] {}: {path}", rejection.code, rejection.detail));
        return exit_of(rejection.outcome);
    }
    let frames = Frames(common.frame_source(limits(common)));
    let held = common.max_memory.unwrap_or(HELD);
    // A store counts only where one is named: its passphrase is asked for.
    let kept = match common.store.as_ref().map(|_| store::open(common, out)) {
        Some(Ok(store)) => store.kept().calibrations.values().cloned().collect(),
        Some(Err(exit)) => return exit,
        None => Vec::new(),
    };
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let calibrated = calibrate::calibrate(&spec, kept.into_iter(), layouts, now_ms);
    let mut report = run::run(&spec, &calibrated.layouts, &frames, held);
    if !calibrated.answers.is_empty()
        && let Some(report) = report.json.as_object_mut()
    {
        report.insert("calibrations".into(), calibrated.answers.into());
    }
    out.json(&report.json);
    if report.refused + calibrated.refused > 0 {
        Exit::Finding
    } else {
        Exit::Done
    }
}
