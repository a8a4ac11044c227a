//! A segmentation leaves the window as a file of its own, and its measurements as a report beside it, by the code of the command
//! line.
//!
//! Must stay true: what was opened is never written over; segments that somebody rejected stay here.

use crate::{
    dicom::{frames::FrameSource, write::marks::Making},
    formats::png,
    model::{
        access::{AuditKind, Right},
        segmentation::{SegmentationId, exchange::NotWritten},
    },
    store::AuditEvent,
    task::Class,
    workspace::{
        Workspace,
        effect::Effect,
        event::Event,
        exchange::{
            mask_file::{self, MaskForm},
            mask_report::{self, Written},
            masks_out::{layout_of, sent_part},
        },
        library::Library,
    },
};
use crossbeam_channel::Sender;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What is to leave once it has a name.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    id: SegmentationId,
    /// With volume and mean value of its segments.
    measured: bool,
}

/// What left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The segmentation.
    Alone,
    /// The segmentation and its measurements.
    Measured,
}

/// What did not leave, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// The segmentation.
    All(String),
    /// Its measurements; the segmentation did.
    Measurements(String),
}

impl Workspace {
    /// Remembers which segmentation is to leave, with or without its measurements, while its user looks for a name.
    pub(in crate::workspace) fn segmentation_leaves(&mut self, measured: bool) -> Option<Effect> {
        let id = self.active_segmentation()?.id.clone();
        self.segmenting.leaving = Some(Leaving { id, measured });
        Some(Effect::ChooseSegmentation)
    }

    /// Writes that segmentation in the form that the name asks for.
    pub(in crate::workspace) fn save_segmentation(&mut self, path: PathBuf) {
        let Some(Leaving { id, measured }) = self.segmenting.leaving.take() else {
            return;
        };
        let Some(part) = self.marks.segmentation(&id).map(sent_part) else {
            return;
        };
        if part.is_empty() {
            return self.take_saved(Err(Unsaved::All(NotWritten::NoSegment.to_string())));
        }
        // A picture a slice would go under names that nobody was asked for.
        let many = png::is_png(&path) && part.grid.size[2] > 1;
        if many || !mask_file::is_writable(&path) {
            let text = match many {
                true => "PNG holds one slice: .nii.gz",
                false => ".dcm, .labelmap.dcm, .rtstruct.dcm, .nii, .nii.gz, .nrrd, .mha, .png",
            };
            return self.take_saved(Err(Unsaved::All(text.to_owned())));
        }
        let form = MaskForm::of_name(&path);
        // Before anything leaves: the report names the segments of an object.
        if measured && (!mask_file::is_dicom(&path) || form == MaskForm::Structures) {
            let text = ".dcm, .labelmap.dcm";
            return self.take_saved(Err(Unsaved::All(text.to_owned())));
        }
        self.log(AuditEvent::new(
            AuditKind::Exported,
            Right::ExportMarks.name(),
        ));
        let layout = layout_of(&part, &self.layouts());
        let library = Arc::clone(&self.library);
        let making = Making::now(&self.segmenter());
        let job = self.jobs.start("job-saving-segmentation");
        let ending = self.ending(job.id);
        let work = move |source: &dyn FrameSource, events: &Sender<Event>| {
            let _ending = ending;
            if job.cancel.is_cancelled() {
                return;
            }
            let written = || -> Result<Saved, Unsaved> {
                if is_opened(&path, &library) {
                    let text = "this file was opened: choose another name";
                    return Err(Unsaved::All(text.to_owned()));
                }
                let on = layout.as_deref();
                mask_file::write_mask(&path, form, &part, None, on, &making, source)
                    .map_err(|error| Unsaved::All(error.to_string()))?;
                let Some(on) = on.filter(|_| measured) else {
                    return Ok(Saved::Alone);
                };
                let written = Written {
                    object: &path,
                    seg: &part,
                    on,
                };
                mask_report::write_beside(&written, &making, source, &job.cancel)
                    .map_err(|error| Unsaved::Measurements(error.to_string()))?;
                Ok(Saved::Measured)
            };
            let _ = events.send(Event::SegmentationSaved(written()));
        };
        self.loader
            .want_other("save segmentation", Class::Interaction, Box::new(work));
    }

    /// Says what became of it.
    pub(in crate::workspace) fn take_saved(&mut self, result: Result<Saved, Unsaved>) {
        match result {
            Ok(Saved::Alone) => self.notify("notice-segmentation-saved", String::new()),
            Ok(Saved::Measured) => self.notify("notice-segmentation-measured", String::new()),
            Err(Unsaved::All(why)) => self.notify("notice-segmentation-unsaved", why),
            Err(Unsaved::Measurements(why)) => {
                self.notify("notice-segmentation-unmeasured", why);
            }
        }
    }
}

/// Whether a file is one of those that were opened.
fn is_opened(path: &Path, library: &Library) -> bool {
    let Ok(there) = fs::canonicalize(path) else {
        return false;
    };
    let studies = || library.patients.iter().flat_map(|p| &p.studies);
    let frames = studies()
        .flat_map(|study| &study.series)
        .flat_map(|series| &series.layout.frames)
        .map(|frame| &frame.instance);
    let objects = studies()
        .flat_map(|study| &study.objects)
        .map(|object| &object.instance);
    frames
        .chain(objects)
        .map(|instance| &instance.source.path)
        .filter(|source| source.file_name() == path.file_name())
        .any(|source| fs::canonicalize(source).is_ok_and(|source| source == there))
}
