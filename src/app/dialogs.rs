//! Choosing files: on a thread of its own, because a portal may hang; with a time-out, after which the user is told
//! that dropping files and the command line always work.

use crate::{
    files::write_whole,
    imaging::gsdf::{CurveError, DisplayCurve},
    task::spawn_named,
    workspace::{Waker, audit_view::AuditForm, deid::DeidNews, event::Event},
};
use crossbeam_channel::{Sender, bounded};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// One or more files.
    Files,
    /// A folder.
    Folder,
    /// FHIR bundles.
    Record,
    /// A folder for marks.
    Export,
    /// Where a segmentation goes.
    Segmentation,
    /// A folder for copies without identity.
    Deid,
    /// A folder for the log of the store.
    Audit(AuditForm),
    /// A folder for tables without identity.
    Cohort,
    /// A table of measured luminances.
    Curve,
    /// A label schema.
    Schema,
    /// An evaluation.
    Evaluation,
    /// The folder of its pictures.
    EvaluationImages,
    /// A folder of pictures to learn from.
    Training,
}

/// A portal that has not even answered "cancelled" after this long is taken for broken.
const TIMEOUT: Duration = Duration::from_secs(600);
/// A dialog that comes back empty this fast was never shown.
const NEVER_SHOWN: Duration = Duration::from_millis(150);

/// Opens the dialog; the answer comes as an event.
pub fn choose(what: What, events: Sender<Event>, waker: Waker) {
    let body = move || {
        let (answer, chosen) = bounded(1);
        let started = std::time::Instant::now();
        let asked = spawn_named("dialog-portal", move || {
            let _ = answer.send(ask(what));
        });
        let paths = match asked {
            Ok(_) => chosen.recv_timeout(TIMEOUT).ok().flatten(),
            Err(_) => None,
        };
        let event = match (what, paths) {
            (_, Some(paths)) if paths.is_empty() => None,
            (What::Export, Some(paths)) => paths.into_iter().next().map(Event::ChosenExport),
            (What::Segmentation, Some(paths)) => {
                paths.into_iter().next().map(Event::ChosenSegmentation)
            }
            (What::Deid, Some(paths)) => {
                let first = paths.into_iter().next();
                first.map(|folder| Event::Deid(DeidNews::Chosen(folder)))
            }
            (What::Audit(form), Some(paths)) => {
                let first = paths.into_iter().next();
                first.map(|folder| Event::ChosenAudit(folder, form))
            }
            (What::Cohort, Some(paths)) => paths.into_iter().next().map(Event::ChosenCohort),
            (What::Training, Some(paths)) => paths.into_iter().next().map(Event::ChosenTraining),
            (What::Curve, Some(paths)) => paths
                .first()
                .map(|path| Event::ChosenCurve(read_curve(path))),
            (What::Schema, Some(paths)) => paths.into_iter().next().map(Event::ChosenSchema),
            (What::Evaluation, Some(paths)) => {
                paths.into_iter().next().map(Event::ChosenEvaluation)
            }
            (What::EvaluationImages, Some(paths)) => {
                paths.into_iter().next().map(Event::ChosenEvaluationImages)
            }
            (What::Record, Some(paths)) => Some(Event::ChosenRecord(paths)),
            (_, Some(paths)) => Some(Event::Chosen(paths)),
            (_, None) if started.elapsed() < NEVER_SHOWN || started.elapsed() >= TIMEOUT => {
                Some(Event::Notice {
                    key: "error-file-dialog",
                    detail: String::new(),
                })
            }
            (_, None) => None,
        };
        if let Some(event) = event {
            let _ = events.send(event);
            waker.wake("dialog");
        }
    };
    let _ = spawn_named("dialog", body);
}

/// Lets the user choose where a file goes, and writes it there.
pub fn save(name: String, bytes: Vec<u8>, events: Sender<Event>, waker: Waker) {
    let body = move || {
        let chosen = rfd::FileDialog::new().set_file_name(&name).save_file();
        let Some(path) = chosen else { return };
        let event = match write_whole(&path, &bytes) {
            Ok(()) => Event::Notice {
                key: "notice-marks-saved",
                detail: String::new(),
            },
            Err(error) => Event::Notice {
                key: "notice-marks-unsaved",
                detail: error.kind().to_string(),
            },
        };
        let _ = events.send(event);
        waker.wake("saved");
    };
    let _ = spawn_named("dialog", body);
}

fn ask(what: What) -> Option<Vec<PathBuf>> {
    let dialog = rfd::FileDialog::new();
    match what {
        What::Files => dialog.pick_files(),
        What::Folder
        | What::Export
        | What::Deid
        | What::Audit(_)
        | What::Cohort
        | What::EvaluationImages
        | What::Training => dialog.pick_folder().map(|folder| vec![folder]),
        // The ending says the form: two of them are of DICOM, too, before its `.dcm`.
        What::Segmentation => dialog
            .set_file_name("segmentation.dcm")
            .add_filter(
                "DICOM SEG, RTSTRUCT, NIfTI, NRRD, MetaImage",
                &["dcm", "nii", "gz", "nrrd", "mha", "png"],
            )
            .save_file()
            .map(|file| vec![file]),
        What::Record => dialog
            .add_filter(
                "FHIR R4, HL7 v2, VCF, CSV",
                &[
                    "json", "ndjson", "hl7", "vcf", "gz", "csv", "tsv", "txt", "toml",
                ],
            )
            .pick_files(),
        What::Schema => dialog
            .add_filter("TOML", &["toml"])
            .pick_file()
            .map(|file| vec![file]),
        What::Evaluation => dialog
            .add_filter("JSON, CSV", &["json", "csv"])
            .pick_file()
            .map(|file| vec![file]),
        What::Curve => dialog
            .add_filter("CSV", &["csv", "txt"])
            .pick_file()
            .map(|file| vec![file]),
    }
}

/// Largest file of measured luminances that is read.
const MAX_CURVE_BYTES: u64 = 1 << 20;

/// Luminances of a file; why not is one sentence without its path.
fn read_curve(path: &Path) -> Result<DisplayCurve, String> {
    let size = std::fs::metadata(path)
        .map_err(|e| e.kind().to_string())?
        .len();
    if size > MAX_CURVE_BYTES {
        return Err(CurveError::Few.to_string());
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.kind().to_string())?;
    DisplayCurve::from_csv(&text).map_err(|e| e.to_string())
}

/// Asks where a file shall go. Waits for the answer, so it is for threads that may wait.
pub fn save_as(name: &str, kind: &str, extensions: &[&str]) -> Option<PathBuf> {
    rfd::FileDialog::new()
        .set_file_name(name)
        .add_filter(kind, extensions)
        .save_file()
}
