//! Key images, and marks that leave as DICOM or come in from reports: what the window does of [`exchange`](super::exchange).

use super::{
    event::Event,
    exchange::{Export, Format, leave_unkeepable, make, sources_for, write},
    library::{ObjectNode, SeriesNode},
    presentation::CellState,
    presets,
    state::Workspace,
    view::{ViewState, Viewport, VoiChoice},
};
use crate::{
    dicom::{content::marks::settle, frames::FrameSource, write::marks::Making},
    model::{
        annotation::{Annotation, AnnotationTarget},
        content::ObjectKind,
        edit::{Edit, Kept, ViewPlace},
        exchange::{MarksRead, Shown},
        layout::{FrameRef, SeriesLayout},
        lut::{Voi, VoiLutFunction},
        segmentation::Segmentation,
    },
    task::Class,
};
use crossbeam_channel::Sender;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

/// What became of marks that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentMarks {
    /// Files that were written.
    pub files: usize,
    /// Marks and key images in them.
    pub count: usize,
    /// Marks that are in none.
    pub left: usize,
}

impl Workspace {
    /// The frame that a cell shows, as marks name it; none for a cut through a volume.
    pub fn shown_target(&self, cell: usize) -> Option<AnnotationTarget> {
        let viewport = self.viewports.get(cell)?;
        if viewport.is_cut() {
            return None;
        }
        let display = viewport.display.as_ref()?;
        let reference = display.layout.frames.get(viewport.frame_shown())?;
        let instance = &reference.instance;
        Some(AnnotationTarget {
            study_uid: instance.study.uid.clone(),
            series_uid: instance.series.uid.clone(),
            instance_uid: instance.sop_instance_uid.clone(),
            frame: u32::try_from(reference.frame + 1).ok()?,
            frame_of_reference_uid: instance.series.frame_of_reference_uid.clone(),
        })
    }

    /// Whether the active cell shows a frame that can be a key image.
    pub(super) fn shows_frame(&self) -> bool {
        self.shown_target(self.active).is_some()
    }

    /// Makes the shown frame a key image, or takes that back.
    pub(super) fn toggle_key_image(&mut self) {
        let Some(target) = self.shown_target(self.active) else {
            return;
        };
        let found = self
            .marks
            .key_images()
            .get(&target.instance_uid, target.frame)
            .cloned();
        let on = found.is_none();
        let target = found.unwrap_or(target);
        self.commit(vec![Edit::KeyImage { target, on }]);
    }

    /// Goes to the next key image of the study in the active cell, or to the one before; from the last to the first.
    pub(super) fn step_key_image(&mut self, by: isize) {
        let cell = self.active;
        let Some(viewport) = self.viewports.get(cell) else {
            return;
        };
        let Some(node) = viewport.node.clone() else {
            return;
        };
        let here = (node.key.clone(), viewport.frame_shown());
        let keys = self.marks.key_images();
        let studies = self.library.patients.iter().flat_map(|p| &p.studies);
        let series: Vec<Arc<SeriesNode>> = studies
            .filter(|study| study.series.iter().any(|s| s.key == node.key))
            .flat_map(|study| study.series.iter().cloned())
            .collect();
        // All frames of the study in the order of the list, key images and the one that is shown.
        let mut places: Vec<(Arc<SeriesNode>, usize, bool)> = Vec::new();
        for series in series {
            for (at, frame) in series.layout.frames.iter().enumerate() {
                let number = u32::try_from(frame.frame + 1).unwrap_or(u32::MAX);
                let is_key = keys.contains(&frame.instance.sop_instance_uid, number);
                if is_key || (series.key == here.0 && at == here.1) {
                    places.push((Arc::clone(&series), at, is_key));
                }
            }
        }
        let Some(at) = places
            .iter()
            .position(|(series, at, _)| series.key == here.0 && *at == here.1)
        else {
            return;
        };
        let count = places.len() as isize;
        let next = (1..=count)
            .map(|step| (at as isize + by * step).rem_euclid(count) as usize)
            .find_map(|at| places.get(at).filter(|(_, _, is_key)| *is_key));
        let Some((series, frame, _)) = next.cloned() else {
            self.notify("notice-no-key-images", String::new());
            return;
        };
        if series.key != here.0 {
            self.show(cell, &series);
        }
        self.go_to_slice(cell, frame);
    }

    /// The marks of the studies that are open.
    fn sent_marks(&self) -> (Vec<Annotation>, Vec<AnnotationTarget>) {
        let studies = self.library.patients.iter().flat_map(|p| &p.studies);
        let open: BTreeSet<&str> = studies.map(|s| s.description.uid.as_str()).collect();
        let here = |target: &AnnotationTarget| open.contains(target.study_uid.as_str());
        let marks = self.marks.set().iter();
        let marks = marks.filter(|m| !m.hidden && here(&m.target) && !self.hides(m));
        let marks = marks.cloned();
        let keys = self.marks.key_images().iter().filter(|t| here(t)).cloned();
        (marks.collect(), keys.collect())
    }

    /// The segmentations of the studies that are open.
    fn sent_segmentations(&self) -> Vec<Segmentation> {
        let studies = self.library.patients.iter().flat_map(|p| &p.studies);
        let open: BTreeSet<&str> = studies.map(|s| s.description.uid.as_str()).collect();
        let all = self.seen_segmentations();
        all.filter(|s| open.contains(s.study_uid.as_str()))
            .cloned()
            .collect()
    }

    /// Whether there is a mark, a key image or a segmentation to send.
    pub(super) fn has_marks(&self) -> bool {
        let (marks, keys) = self.sent_marks();
        !marks.is_empty() || !keys.is_empty() || !self.sent_segmentations().is_empty()
    }

    /// All layouts of what is open.
    pub(super) fn layouts(&self) -> Vec<Arc<SeriesLayout>> {
        self.library.series().map(|s| s.layout.clone()).collect()
    }

    /// Writes the marks and key images of what is open into a folder.
    pub(super) fn export_marks(&mut self, folder: PathBuf) {
        let (marks, key_images) = self.sent_marks();
        let export = Export {
            marks,
            key_images,
            segmentations: self.sent_segmentations(),
            layouts: self.layouts(),
            shown: self.how_shown(),
            formats: Format::ALL.to_vec(),
        };
        let job = self.jobs.start("job-exporting-marks");
        let ending = self.ending(job.id);
        let making = Making::now("");
        let work = move |source: &dyn FrameSource, events: &Sender<Event>| {
            let _ending = ending;
            let sent = make(&export, &making, source, &job.progress, &job.cancel);
            if job.cancel.is_cancelled() {
                return;
            }
            let result = write(&folder, &sent.objects)
                .map(|files| SentMarks {
                    files: files.len(),
                    count: sent.objects.iter().map(|o| o.count).sum(),
                    left: sent.left.len(),
                })
                .map_err(|error| error.kind().to_string());
            let _ = events.send(Event::MarksSent(result));
        };
        self.loader
            .want_other("export marks", Class::Interaction, Box::new(work));
    }

    /// Says what became of marks that were sent.
    pub(super) fn take_sent(&mut self, result: Result<SentMarks, String>) {
        match result {
            Ok(sent) if sent.left > 0 => {
                let text = format!("{} + {}", sent.count, sent.left);
                self.notify("notice-marks-left", text);
            }
            Ok(sent) => self.notify("notice-marks-exported", sent.count.to_string()),
            Err(reason) => self.notify("notice-marks-not-written", reason),
        }
    }

    /// How the objects in the cells stand: window, turn, inversion.
    fn how_shown(&self) -> BTreeMap<String, Shown> {
        let mut shown = BTreeMap::new();
        for cell in self.visible_cells() {
            let Some(viewport) = self.viewports.get(cell) else {
                continue;
            };
            if let (Some(display), Some(state)) = (&viewport.display, stands(viewport)) {
                for frame in &display.layout.frames {
                    shown.insert(frame.instance.sop_instance_uid.clone(), state);
                }
            }
        }
        shown
    }

    /// Whether the active cell shows a report, a presentation state or a selection, which may hold marks.
    pub(super) fn shows_report(&self) -> bool {
        self.shown_report().is_some()
    }

    fn shown_report(&self) -> Option<&Arc<ObjectNode>> {
        let document = self.active_viewport()?.document.as_ref()?;
        let kind = document.object.instance.object.as_ref()?.kind;
        matches!(
            kind,
            ObjectKind::Report | ObjectKind::KeyObjects | ObjectKind::PresentationState
        )
        .then_some(&document.object)
    }

    /// Has the marks of the shown report read.
    pub(super) fn want_marks(&mut self) {
        let Some(object) = self.shown_report().cloned() else {
            return;
        };
        let layouts = self.layouts();
        let job = self.jobs.start("job-reading-marks");
        let ending = self.ending(job.id);
        let work = move |source: &dyn FrameSource, events: &Sender<Event>| {
            let _ending = ending;
            let read = source.read_marks(&object.instance).map(|mut read| {
                let marks = read.marks.iter().map(|m| m.target.clone());
                let targets: Vec<AnnotationTarget> =
                    marks.chain(read.key_images.iter().cloned()).collect();
                settle(&mut read, &sources_for(&targets, &layouts));
                Box::new(read)
            });
            let read = read.map_err(|error| error.code().to_owned());
            // Closed meanwhile, its marks are nobody's wish any more.
            if job.cancel.is_cancelled() {
                return;
            }
            let _ = events.send(Event::MarksRead(read));
        };
        self.loader
            .want_other("read marks", Class::Interaction, Box::new(work));
    }

    /// Takes in the marks of a report as one step, and shows the first of them.
    pub(super) fn take_marks(&mut self, read: Result<Box<MarksRead>, String>) {
        let mut read = match read {
            Ok(read) => read,
            Err(code) if code == "CONTENT_CIRCLE" => {
                return self.notify("notice-marks-circle", String::new());
            }
            Err(code) => return self.notify("notice-marks-unreadable", code),
        };
        leave_unkeepable(&mut read);
        // What this program wrote it says anew itself.
        if !read.ours {
            let said = read
                .said
                .iter()
                .map(|(id, said)| (id.clone(), said.clone()));
            self.measuring.said.extend(said);
        }
        let mut edits = Vec::new();
        let mut first = None;
        let mut seen = BTreeSet::new();
        let mut frames = BTreeSet::new();
        for mark in &read.marks {
            first.get_or_insert_with(|| mark.target.clone());
            if self.marks.set().get(&mark.id).is_none() && seen.insert(mark.id.clone()) {
                edits.push(Edit::Add(mark.clone()));
            }
        }
        for target in &read.key_images {
            first.get_or_insert_with(|| target.clone());
            let known = self.marks.key_images();
            if !known.contains(&target.instance_uid, target.frame)
                && frames.insert((&target.instance_uid, target.frame))
            {
                edits.push(Edit::KeyImage {
                    target: target.clone(),
                    on: true,
                });
            }
        }
        let count = edits.len();
        let rest: u64 = read.rest.iter().map(|r| r.count).sum();
        if !edits.is_empty() && !self.commit(edits) {
            return self.notify("notice-marks-unreadable", "TOO_LARGE".to_owned());
        }
        let Some(target) = first else {
            return self.notify("notice-no-marks", String::new());
        };
        self.notify("notice-marks-imported", format!("{count} + {rest}"));
        if self.can_show(&target.instance_uid) {
            self.show_reference(self.active, &target.instance_uid, Some(target.frame));
        }
    }
}

/// How the frames of series stand in the views that a store keeps: the same as the window's, for who has no window. Of
/// several views of one series that of the first cell counts.
pub fn as_kept(kept: &Kept, layouts: &[Arc<SeriesLayout>]) -> BTreeMap<String, Shown> {
    let mut shown = BTreeMap::new();
    for layout in layouts {
        let Some(first) = layout.first_instance() else {
            continue;
        };
        let here = |place: &&ViewPlace| {
            place.series_uid == first.series.uid
                && place.first_instance_uid == first.sop_instance_uid
        };
        let place = kept
            .views
            .keys()
            .filter(here)
            .min_by_key(|place| place.cell);
        let Some(text) = place.and_then(|place| kept.views.get(place)) else {
            continue;
        };
        let state = CellState::read(text);
        if state.kind.is_cut() {
            continue;
        }
        for frame in &layout.frames {
            let uid = frame.instance.sop_instance_uid.clone();
            shown.insert(uid, seen_of(&state.view, window_of(&state.view.voi, frame)));
        }
    }
    shown
}

/// The window that a choice means on a frame; none where it follows from the pixels.
fn window_of(choice: &VoiChoice, frame: &FrameRef) -> Option<Voi> {
    let of_file = |index: usize| {
        let image = frame.instance.image.as_ref()?;
        image.frame(frame.frame).voi.get(index).cloned()
    };
    match choice {
        VoiChoice::File => of_file(0),
        VoiChoice::FileIndex(index) => of_file(*index),
        VoiChoice::Auto => None,
        VoiChoice::Preset(name) => {
            presets::preset_named(name).map(|p| Voi::window(p.center, p.width))
        }
        VoiChoice::Custom(level) => Some(Voi::window(level.center, level.width)),
        // Filters do not go along, so neither does a window on what they made.
        VoiChoice::Result { before, .. } => window_of(before, frame),
    }
}

fn seen_of(view: &ViewState, voi: Option<Voi>) -> Shown {
    let (window, sigmoid) = match &voi {
        Some(Voi::Window {
            level, function, ..
        }) => (
            Some((level.center, level.width)),
            *function == VoiLutFunction::Sigmoid,
        ),
        Some(Voi::Table(_)) | None => (None, false),
    };
    Shown {
        window,
        sigmoid,
        inverted: view.inverted,
        quarters: view.turn.quarter_turns(),
        flipped: view.turn.is_mirrored(),
        area: None,
    }
}

/// How a viewport shows its series, for a presentation state; none for a cut.
fn stands(viewport: &Viewport) -> Option<Shown> {
    if viewport.is_cut() {
        return None;
    }
    Some(seen_of(&viewport.view, Some(viewport.voi())))
}
