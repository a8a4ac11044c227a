//! Marks and their numbers as CSV or JSON: the window's own export, fed from a store and from files.

use crate::{
    dicom::{frames::FrameSource, load},
    files::write_whole,
    imaging::measure::{measure_mark, target_frame},
    model::{annotation::Annotation, layout::SeriesLayout, pixels::Frame},
    workspace::measuring::{
        Found, ask,
        export::{self, MarkFormat},
    },
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Writes marks with what they measure on these series into a folder; a file that is there is not written over.
///
/// # Errors
/// What the system says.
pub(super) fn write(
    folder: &Path,
    format: MarkFormat,
    marks: &[Annotation],
    layouts: &[Arc<SeriesLayout>],
    source: &dyn FrameSource,
) -> io::Result<PathBuf> {
    let found: Vec<Option<Found>> = marks
        .iter()
        .map(|mark| measured(mark, layouts, source))
        .collect();
    let rows: Vec<export::Row<'_>> = marks
        .iter()
        .zip(&found)
        .map(|(mark, found)| (mark, found.as_ref()))
        .collect();
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("marks.{}", format.extension()));
    if path.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    write_whole(&path, export::write(&rows, format).as_bytes())?;
    Ok(path)
}

/// The numbers of a mark; `None` when its image is in none of the series.
fn measured(
    mark: &Annotation,
    layouts: &[Arc<SeriesLayout>],
    source: &dyn FrameSource,
) -> Option<Found> {
    let layout = layouts
        .iter()
        .find(|l| target_frame(l, &mark.target).is_some())?;
    let frame = |index: usize| -> Option<Frame> {
        load::read_chunk(layout, source, index..index + 1)
            .ok()?
            .pop()
    };
    let (space, target, shape) = (mark.space, &mark.target, &mark.shape);
    Some(measure_mark(
        space,
        target,
        shape,
        layout,
        Some(&frame),
        &ask(),
    ))
}
