//! Copies without identity, beside plain copies of the same files.

use super::{
    Cases, Failure, floor,
    measure::{Case, Samples},
    process,
    series::SeriesArgs,
};
use crate::{
    console::Exit,
    dicom::deid::{Secret, Settings, anonymize},
    task::{CancelToken, Progress},
};
use std::{fs, path::Path};

fn failed(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Io, error.kind())
}

/// Copies all files as they are: what the disk takes at least.
fn copies(dir: &Path, out: &Path) -> std::io::Result<u64> {
    fs::create_dir_all(out)?;
    let mut bytes = 0;
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.path().is_file() {
            bytes += fs::copy(entry.path(), out.join(entry.file_name()))?;
        }
    }
    Ok(bytes)
}

/// Runs `bench deid`: every run writes a folder of its own.
pub(super) fn run(args: &SeriesArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let files = floor::files(&args.dir)?;
    let (mut samples, mut floors) = (Samples::new(), Samples::new());
    let place = tempfile::tempdir().map_err(|e| failed(&e))?;
    let (mut written, mut rejected, mut bytes) = (0, 0, 0);
    process::forget_peak();
    for number in 0..args.repeat.max(1) {
        let plain = place.path().join(format!("plain {number}"));
        bytes = floors
            .run(|| copies(&args.dir, &plain))
            .map_err(|e| failed(&e))?;
        fs::remove_dir_all(&plain).map_err(|e| failed(&e))?;
        let out = place.path().join(format!("out {number}"));
        let settings = Settings::new(Secret::random().map_err(|e| failed(&e))?);
        let paths = [args.dir.clone()];
        let (cancel, progress) = (CancelToken::default(), Progress::default());
        let summary = samples
            .run(|| {
                anonymize(
                    &paths,
                    &out,
                    settings,
                    true,
                    &cancel,
                    &progress,
                    &mut |_| {},
                )
            })
            .map_err(|e| failed(&e))?;
        (written, rejected) = (summary.written, summary.rejected);
        fs::remove_dir_all(&out).map_err(|e| failed(&e))?;
    }
    let mut case = Case::new("deid", format!("{} files", files.len()), samples)
        .with("written", written)
        .with("rejected", rejected)
        .with("bytes_written", bytes);
    case.frames = Some(files.len() as u64);
    case.floor_ms = floors.best();
    cases.push(&case);
    Ok(())
}
