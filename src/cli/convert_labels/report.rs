//! Volume and mean value of segments as a report that names the segmentation object, by the code of the window.

use crate::{
    cli::{
        Common, Exit,
        inspect::{exit_of, limits},
        series::Refusal,
    },
    dicom::write::marks::Making,
    workspace::exchange::mask_report::{self, ReportError, Written},
};
use std::path::Path;

/// Writes the report of a segmentation whose object lies there already.
///
/// # Errors
/// Those of reading the object and the pictures, and of the disk.
pub fn write(
    path: &Path,
    written: &Written<'_>,
    making: &Making,
    common: &Common,
) -> Result<(), Refusal> {
    let limits = limits(common);
    let (frames, scan) = (common.frame_source(limits), common.scan_options(limits));
    mask_report::write(path, written, making, &frames, &scan).map_err(|error| {
        let exit = match &error {
            ReportError::Object(rejection) => exit_of(rejection.outcome),
            ReportError::Frame(error) => exit_of(error.kind()),
            ReportError::Io(_) => Exit::Io,
            ReportError::Cancelled => Exit::Internal,
        };
        let place = match &error {
            ReportError::Io(_) => format!(": {}", path.display()),
            _ => String::new(),
        };
        Refusal::new(exit, format!("{error}{place}"))
    })
}
