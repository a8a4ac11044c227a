//! A segmentation leaves the window as a file of its own, by the code of the command line.
//!
//! Must stay true: what was opened is never written over; segments that somebody rejected stay here.

use crate::{
    dicom::{frames::FrameSource, write::marks::Making},
    formats::png,
    model::{
        access::{AuditKind, Right},
        segmentation::exchange::NotWritten,
    },
    store::AuditEvent,
    task::Class,
    workspace::{
        Workspace,
        effect::Effect,
        event::Event,
        exchange::{
            mask_file::{self, MaskForm},
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

impl Workspace {
    /// Remembers which segmentation is to leave while its user looks for a name.
    pub(in crate::workspace) fn segmentation_leaves(&mut self) -> Option<Effect> {
        let id = self.active_segmentation()?.id.clone();
        self.segmenting.leaving = Some(id);
        Some(Effect::ChooseSegmentation)
    }

    /// Writes that segmentation in the form that the name asks for.
    pub(in crate::workspace) fn save_segmentation(&mut self, path: PathBuf) {
        let id = self.segmenting.leaving.take();
        let kept = id.and_then(|id| self.marks.segmentation(&id));
        let Some(part) = kept.map(sent_part) else {
            return;
        };
        if part.is_empty() {
            return self.take_saved(Err(NotWritten::NoSegment.to_string()));
        }
        // A picture a slice would go under names that nobody was asked for.
        let many = png::is_png(&path) && part.grid.size[2] > 1;
        if many || !mask_file::is_writable(&path) {
            let text = match many {
                true => "PNG holds one slice: .nii.gz",
                false => ".dcm, .labelmap.dcm, .rtstruct.dcm, .nii, .nii.gz, .nrrd, .mha, .png",
            };
            return self.take_saved(Err(text.to_owned()));
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
            let result = if is_opened(&path, &library) {
                Err("this file was opened: choose another name".to_owned())
            } else {
                let form = MaskForm::of_name(&path);
                let on = layout.as_deref();
                mask_file::write_mask(&path, form, &part, None, on, &making, source)
                    .map(|files| files.len())
                    .map_err(|error| error.to_string())
            };
            let _ = events.send(Event::SegmentationSaved(result));
        };
        self.loader
            .want_other("save segmentation", Class::Interaction, Box::new(work));
    }

    /// Says what became of it.
    pub(in crate::workspace) fn take_saved(&mut self, result: Result<usize, String>) {
        match result {
            Ok(_) => self.notify("notice-segmentation-saved", String::new()),
            Err(reason) => self.notify("notice-segmentation-unsaved", reason),
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
