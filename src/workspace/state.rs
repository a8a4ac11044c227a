//! The workspace itself: what is open and selected.

mod arrange;
mod cells;
mod commands;
mod comparing;
mod documents;
mod events;
pub mod handover;
mod hanging;
mod keeping;
mod linking;
mod mixing;
mod notice;
mod playing;
mod rearrange;
mod tiles;

pub use super::effect::Effect;
pub use crate::model::arrangement::Layout;
pub use cells::CellSet;
pub use hanging::{Draft, Hanging, Hangs};
pub use keeping::Arrangement;
pub use linking::ON_PLANE_MM;
pub use mixing::{Mixing, Wanted};
pub use notice::Notice;
pub use playing::{FilmWish, Films};

use super::{
    bands::Bands,
    demo::DemoFiles,
    display::SeriesDisplay,
    document::{DocumentState, Wish},
    event::Event,
    jobs::Jobs,
    keeper::{Keeper, Origin},
    library::{Library, SeriesNode},
    linking::Linking,
    loader::Loader,
    marks::Marks,
    masks::{self, FrameKey, Masks},
    measuring::Measuring,
    opening::SharedFound,
    passphrase::Passphrases,
    record_link::RecordPanel,
    report::Drafts,
    settings::Settings,
    shelf::Shelf,
    tags::TagsPanel,
    view::{ViewKind, Viewport},
    waker::Waker,
};
use crate::{dicom::frames::FrameSource, gpu::GpuContext, model::finding::Finding, tools::Tool};
use crossbeam_channel::{Receiver, Sender, bounded};
use glam::DVec3;
use std::{collections::BTreeMap, sync::Arc};

/// Everything that is open.
pub struct Workspace {
    /// What was found.
    pub library: Arc<Library>,
    /// Which band marks which patient who is open.
    pub bands: Bands,
    /// Arrangement of the cells.
    pub layout: Layout,
    /// The cells: as many as the layout has, and at least four, so that a small layout keeps what stood beside.
    pub viewports: Vec<Viewport>,
    /// The active cell.
    pub active: usize,
    /// One cell fills all.
    pub maximised: bool,
    /// Cells in windows of their own.
    pub detached: CellSet,
    /// Monitors, and where the windows stand on them.
    pub windows: super::windows::Windows,
    /// What hangs.
    pub hanging: Hanging,
    /// Layouts of the user by name, and where they and protocols are kept.
    pub shelf: Shelf,
    /// A patient beside another one, about whom the reader is asked.
    pub mixing: Mixing,
    /// Tool under the left button.
    pub tool: Tool,
    /// Preferences.
    pub settings: Settings,
    /// Running jobs.
    pub jobs: Jobs,
    /// Messages, newest last.
    pub notices: Vec<Notice>,
    /// Filters that take long.
    pub filtering: super::filtering::FilterWorker,
    /// Pictures are shown without their filters.
    pub show_original: bool,
    /// What pictures go through on their way to a screen, by monitor; those that are not corrected are absent.
    pub corrections: BTreeMap<String, super::screen_setting::Correction>,
    /// Small pictures of series.
    pub small: super::loader::small::SmallPictures,
    /// Numbers of the marks.
    pub measuring: Measuring,
    /// Readers who are compared.
    pub adjudicating: super::adjudicating::Adjudicating,
    /// The case queue.
    pub cases: super::cases::Cases,
    /// Labels for learning.
    pub labelling: super::labelling::Labelling,
    /// Segmentations, as they are worked on.
    pub segmenting: super::segmenting::Segmenting,
    /// Calibration by a known length.
    pub calibrating: super::calibrating::Calibrating,
    /// An evaluation on a page of its own.
    pub evaluation: super::evaluation::EvaluationPage,
    /// Explanations over frames.
    pub explanations: super::explaining::Explanations,
    /// Masks over frames.
    pub masks: Masks,
    /// What was opened, in this order.
    pub(super) opened: Vec<std::path::PathBuf>,
    /// Masks over whole series, and the models that make them.
    pub volume_masks: super::volume_masks::VolumeMasks,
    /// Which masks were read that came with what was opened.
    pub mask_files: super::mask_files::MaskFiles,
    /// What networks say of frames.
    pub classes: super::classes::Classes,
    /// The training run and its panel.
    pub training: super::training::Training,
    /// Reports while they are written.
    pub drafts: Drafts,
    /// The record beside the picture.
    pub record: RecordPanel,
    /// What plays.
    pub films: Films,
    /// What of the views moves together.
    pub linking: Linking,
    /// What is worth keeping, and its history. After the record: its thread ends with the last line to it.
    pub marks: Marks,
    /// Wakes the window.
    pub waker: Waker,
    /// The device that draws.
    pub gpu: GpuContext,
    /// The demo is open: say SYNTHETIC.
    pub demo: Option<DemoFiles>,
    /// Encrypted archives.
    pub passphrases: Passphrases,
    /// The list of studies.
    pub list: super::study_list::StudyList,
    /// The tag browser.
    pub tags: TagsPanel,
    /// Copies without identity.
    pub deid: super::deid::Deid,
    /// Who works here.
    pub access: super::access::Access,
    /// The log of who did what.
    pub audit: super::audit_view::AuditView,
    /// Many patients at once.
    pub cohort: super::cohort_view::CohortView,
    /// The words of all records are searched.
    pub search: super::record_search::RecordSearch,
    /// What the columns of a table mean is being asked.
    pub mapping: Option<super::mapping::MappingQuestion>,
    /// Whole tables that are being read for that.
    pub(super) checking: Arc<std::sync::atomic::AtomicUsize>,
    /// A text that waits for the clipboard.
    pub copied: Option<String>,
    pub(super) found: SharedFound,
    documents: documents::Documents,
    pub(super) displays: BTreeMap<String, Arc<SeriesDisplay>>,
    display_order: Vec<String>,
    // Before the loader, which waits for its threads when it goes: one that has news must not wait for a reader.
    events: (Sender<Event>, Receiver<Event>),
    pub(super) loader: Loader,
    pub(super) scanning: usize,
    pub(super) opened_first: bool,
    pub(super) standing: keeping::Standing,
}

impl Workspace {
    /// An empty workspace on a device.
    pub fn new(
        gpu: GpuContext,
        source: Arc<dyn FrameSource>,
        settings: Settings,
        threads: usize,
        waker: Waker,
    ) -> std::io::Result<Self> {
        let events = bounded(1024);
        let measuring = Measuring::new(source.clone(), events.0.clone(), waker.clone());
        let loader = Loader::start(
            threads,
            source,
            gpu.clone(),
            events.0.clone(),
            waker.clone(),
        )?;
        Ok(Self {
            library: Arc::default(),
            bands: Bands::default(),
            layout: Layout::default(),
            viewports: vec![Viewport::default(); cells::KEPT],
            active: 0,
            maximised: false,
            detached: CellSet::default(),
            windows: super::windows::Windows::default(),
            hanging: Hanging::default(),
            shelf: Shelf::default(),
            mixing: Mixing::default(),
            tool: Tool::default(),
            corrections: super::screen_setting::corrections(&settings.screens),
            settings,
            jobs: Jobs::default(),
            notices: Vec::new(),
            filtering: super::filtering::FilterWorker::new(gpu.clone(), waker.clone()),
            show_original: false,
            small: super::loader::small::SmallPictures::default(),
            measuring,
            adjudicating: super::adjudicating::Adjudicating::default(),
            cases: super::cases::Cases::default(),
            labelling: super::labelling::Labelling::default(),
            segmenting: super::segmenting::Segmenting::default(),
            calibrating: super::calibrating::Calibrating::default(),
            explanations: super::explaining::Explanations::default(),
            masks: Masks::default(),
            evaluation: super::evaluation::EvaluationPage::default(),
            opened: Vec::new(),
            volume_masks: Default::default(),
            mask_files: Default::default(),
            classes: super::classes::Classes::default(),
            training: super::training::Training::default(),
            drafts: Drafts::default(),
            record: RecordPanel::default(),
            films: Films::default(),
            linking: Linking::default(),
            marks: Marks::default(),
            standing: keeping::Standing::default(),
            waker,
            gpu,
            demo: None,
            passphrases: Passphrases::default(),
            list: super::study_list::StudyList::default(),
            tags: TagsPanel::default(),
            deid: super::deid::Deid::default(),
            access: super::access::Access::default(),
            audit: super::audit_view::AuditView::default(),
            cohort: super::cohort_view::CohortView::default(),
            search: super::record_search::RecordSearch::default(),
            mapping: None,
            checking: Arc::default(),
            copied: None,
            found: SharedFound::default(),
            documents: documents::Documents::default(),
            displays: BTreeMap::new(),
            display_order: Vec::new(),
            loader,
            events,
            scanning: 0,
            opened_first: false,
        })
    }

    /// Where workers send their news.
    pub fn sender(&self) -> Sender<Event> {
        self.events.0.clone()
    }

    /// Whether nothing is open and nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.library.received == 0 && self.scanning == 0
    }

    /// Whether a scan runs.
    pub fn is_scanning(&self) -> bool {
        self.scanning > 0
    }

    /// Takes in what workers have to tell. Called before every frame; returns whether anything changed.
    pub fn poll(&mut self) -> bool {
        let mut changed = false;
        while let Ok(event) = self.events.1.try_recv() {
            changed = true;
            self.take(event);
        }
        self.marks.flush();
        self.follow_calibrations();
        self.follow_statuses();
        self.keep_standing();
        self.refresh_marks();
        self.refresh_segment_numbers();
        self.refresh_judging();
        changed
    }

    /// Gives the record panel a store of its own.
    pub fn attach_record(&mut self, origin: Origin) {
        let keys = self.passphrases.keys.clone();
        let keeper = Keeper::start(origin, keys, self.sender(), self.waker.clone());
        match keeper {
            Ok(keeper) => self.record.attach(keeper),
            Err(_) => self.notify("notice-record-failed", String::new()),
        }
    }

    /// Takes bundles into the open store, or into one that vanishes at the end.
    pub fn import_records(&mut self, paths: Vec<std::path::PathBuf>) {
        if !self.record.has_store() {
            self.attach_record(Origin::ThrowAway);
        }
        self.record.import(paths);
        self.settings.show_side = true;
    }

    /// Tells the user something.
    pub fn notify(&mut self, key: &'static str, detail: String) {
        self.notify_count(key, 0, detail);
    }

    /// Tells the user something with a number in it.
    pub fn notify_count(&mut self, key: &'static str, count: usize, detail: String) {
        self.notices.push(Notice {
            key,
            detail,
            count,
            since: std::time::Instant::now(),
        });
        if self.notices.len() > 5 {
            self.notices.remove(0);
        }
    }

    /// The display of a series, made on first use. Displays that no viewport shows are dropped when the
    /// budget is exceeded, the least recently opened first. `cell` will show it instead of what it shows now.
    pub(super) fn display(&mut self, node: &Arc<SeriesNode>, cell: usize) -> Arc<SeriesDisplay> {
        if let Some(display) = self.displays.get(&node.key) {
            self.display_order.retain(|k| k != &node.key);
            self.display_order.push(node.key.clone());
            return display.clone();
        }
        // What other cells show may fill up to its own bound; a series always gets an eighth.
        let half = self.settings.memory_budget / 2;
        let shown = |key: &String| {
            let cells = self.viewports.iter().take(self.layout.cells()).enumerate();
            let mut others = cells.filter(|(at, _)| *at != cell);
            others.any(|(_, v)| v.node.as_ref().is_some_and(|n| n.key == *key))
        };
        let others = self.displays.iter().filter(|(key, _)| shown(key));
        let taken: u64 = others.map(|(_, d)| d.most_bytes()).sum();
        let display = Arc::new(SeriesDisplay::new(
            node.key.clone(),
            node.layout.clone(),
            half.saturating_sub(taken).max(half / 8),
            &self.gpu,
        ));
        self.displays.insert(node.key.clone(), display.clone());
        self.display_order.push(node.key.clone());
        self.drop_unused();
        display
    }

    fn drop_unused(&mut self) {
        let used: u64 = self.displays.values().map(|d| d.resident_bytes()).sum();
        if used <= self.settings.memory_budget / 2 {
            return;
        }
        let shown: Vec<String> = self
            .viewports
            .iter()
            .filter_map(|v| v.node.as_ref().map(|n| n.key.clone()))
            .collect();
        let newest = self.display_order.last().cloned();
        let mut excess = used.saturating_sub(self.settings.memory_budget / 2);
        let displays = &mut self.displays;
        self.display_order.retain(|key| {
            if excess == 0 || shown.contains(key) || Some(key) == newest.as_ref() {
                return true;
            }
            if let Some(display) = displays.remove(key) {
                excess = excess.saturating_sub(display.resident_bytes());
            }
            false
        });
    }

    /// Shows a series in a cell.
    pub fn show(&mut self, cell: usize, node: &Arc<SeriesNode>) {
        let display = self.display(node, cell);
        let kind = ViewKind::Stack;
        if let Some(viewport) = self.viewports.get_mut(cell) {
            viewport.show(node.clone(), display, kind);
        }
        self.recall_view(cell);
        self.log_viewed(cell);
        self.active = cell.min(self.layout.cells().saturating_sub(1));
        match self.layout {
            Layout::Mpr => self.arrange_mpr(),
            Layout::Tiles(_) => self.begin_tiles(),
            _ => {}
        }
        self.request_frames();
    }

    /// Shows a series of the library by key.
    pub fn show_key(&mut self, cell: usize, key: &str) -> bool {
        let Some(node) = self.library.find(key).cloned() else {
            return false;
        };
        self.show(cell, &node);
        true
    }

    /// The active cell.
    pub fn active_viewport(&self) -> Option<&Viewport> {
        self.viewports.get(self.active)
    }

    /// Asks the loader for what is visible, the active cell first.
    pub fn request_frames(&mut self) {
        let mut shown = Vec::new();
        for cell in self.visible_cells() {
            if let Some(display) = self.viewports.get(cell).and_then(|v| v.display.as_ref()) {
                shown.push(display.key.clone());
            }
        }
        shown.extend_from_slice(self.list.ahead());
        self.loader.keep_only(&shown);
        let active = self.active;
        for cell in self
            .visible_cells()
            .filter(|&c| c != active)
            .chain([active])
        {
            if let Some(viewport) = self.viewports.get(cell)
                && let Some(display) = &viewport.display
            {
                self.loader.want(display, viewport.frame_shown());
            }
        }
    }

    /// Goes to a slice in a cell; cuts of the same volume share the crosshair.
    pub fn go_to_slice(&mut self, cell: usize, index: usize) {
        if matches!(self.layout, Layout::Tiles(_)) {
            return self.turn_to(index);
        }
        let Some(viewport) = self.viewports.get_mut(cell) else {
            return;
        };
        viewport.go_to_slice(index);
        let crosshair = viewport.crosshair;
        self.films.stop(cell);
        self.share_crosshair(cell, crosshair);
        self.follow_scroll(cell);
        self.request_frames();
    }

    /// Moves by slices in a cell.
    pub fn step(&mut self, cell: usize, by: i64) {
        let Some(viewport) = self.viewports.get_mut(cell) else {
            return;
        };
        if let Some(document) = &mut viewport.document {
            return document.wish(Wish::Lines(by));
        }
        if matches!(self.layout, Layout::Tiles(_)) {
            return self.turn_pages(by);
        }
        let last = viewport.slice_count().saturating_sub(1) as i64;
        let target = (viewport.slice_index() as i64)
            .saturating_add(by)
            .clamp(0, last.max(0));
        self.go_to_slice(cell, target as usize);
    }

    /// Puts the crosshair of a volume on a point, and the 3-D cursor of all views that share its space.
    pub fn set_crosshair(&mut self, cell: usize, point: DVec3) {
        if let Some(viewport) = self.viewports.get_mut(cell)
            && viewport.is_cut()
        {
            viewport.crosshair = Some(point);
        }
        self.share_crosshair(cell, Some(point));
        self.place_cursor(cell, point);
        self.request_frames();
    }

    fn share_crosshair(&mut self, cell: usize, point: Option<DVec3>) {
        let key = |v: &Viewport| v.node.as_ref().map(|n| n.key.clone());
        let Some(series) = self.viewports.get(cell).and_then(key) else {
            return;
        };
        let is_cut = |v: &Viewport| v.kind.is_cut();
        if !self.viewports.get(cell).is_some_and(is_cut) {
            return;
        }
        for viewport in &mut self.viewports {
            if key(viewport).as_ref() == Some(&series) && is_cut(viewport) {
                viewport.crosshair = point;
            }
        }
    }

    /// Identity of the frame in a cell.
    pub fn frame_key(&self, cell: usize) -> Option<FrameKey> {
        let viewport = self.viewports.get(cell)?;
        let display = viewport.display.as_ref()?;
        let reference = display.layout.frames.get(viewport.frame_shown())?;
        Some(masks::key_of(reference))
    }

    /// Findings of the series in a cell: of the series, then of the shown instance.
    pub fn findings(&self, cell: usize) -> Vec<Finding> {
        let Some(viewport) = self.viewports.get(cell) else {
            return Vec::new();
        };
        if let Some(DocumentState::Ready(content)) = self.document(cell) {
            return content.findings.clone();
        }
        let Some(display) = viewport.display.as_ref() else {
            return Vec::new();
        };
        let mut findings = display.layout.findings.clone();
        if let Some(reference) = display.layout.frames.get(viewport.frame_shown()) {
            for finding in &reference.instance.findings {
                if !findings.contains(finding) {
                    findings.push(finding.clone());
                }
            }
        }
        // What weighs most comes first: a viewport has room for a few.
        findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
        findings
    }

    /// Whether more than one patient is on the screen (safety S3).
    pub fn several_patients(&self) -> bool {
        let mut patients = self
            .visible_cells()
            .filter_map(|c| self.viewports.get(c)?.patient().cloned());
        let Some(first) = patients.next() else {
            return false;
        };
        patients.any(|p| p != first)
    }

    /// The record follows the active cell.
    pub fn follow_record(&mut self) {
        let identity = self
            .viewports
            .get(self.active)
            .and_then(|v| v.patient().cloned());
        self.record.follow(identity.as_ref());
    }

    /// Fills the whole area with the active cell, or goes back.
    pub fn maximise(&mut self, on: bool) {
        let own_window = self.detached_cells().contains(self.active);
        self.maximised = on && self.layout.cells() > 1 && !own_window;
        self.request_frames();
    }

    fn close_all(&mut self) {
        self.note_standing();
        self.standing = keeping::Standing::default();
        self.jobs.cancel_all();
        for viewport in &mut self.viewports {
            viewport.clear();
        }
        // A scan that is still running goes on with the old one, which nobody asks any more.
        self.found = SharedFound::default();
        self.passphrases.clear();
        self.take_library(Arc::default());
        self.bands = Bands::default();
        self.documents.clear();
        self.displays.clear();
        self.display_order.clear();
        self.small.clear();
        self.masks.clear();
        self.explanations.clear();
        self.volume_masks.clear();
        self.mask_files = Default::default();
        self.opened.clear();
        self.marks.history.clear();
        self.layout = Layout::default();
        self.viewports.truncate(cells::KEPT);
        self.linking.forget();
        self.films = Films::default();
        self.active = 0;
        self.maximised = false;
        self.hanging.now = None;
        self.hanging.by_hand = false;
        self.hanging.draft = None;
        self.mixing = Mixing::default();
        self.opened_first = false;
        self.demo = None;
        self.loader.keep_only(&[]);
        self.list.forget_open();
        self.library_changed(true);
    }

    /// Whether everything that was asked for has arrived.
    pub fn is_idle(&self) -> bool {
        // A training run goes on for long and is watched; nobody waits for it.
        let mut jobs = self.jobs.running().iter();
        jobs.all(|job| Some(job.id) == self.training.job)
            && self.loader.waiting() == 0
            && !self.is_reading()
            && !self.list.is_busy()
            && !self.hanging.previews.is_busy()
            && !self.small.is_waiting()
            && !self.tags.is_reading()
            && !self.evaluation.reading
            && !self.deid.looking
            && !self.access.is_busy()
            && !self.audit.is_busy()
            && !self.cohort.is_busy()
            && !self.search.is_busy()
            && self.checking.load(std::sync::atomic::Ordering::Acquire) == 0
            && self.events.1.is_empty()
            && self.measuring.is_idle()
            && !self.segmenting.numbers.is_busy()
            && !self.segmenting.judging.is_busy()
            && !self.segmenting.origins.is_busy()
            && !self.segmenting.preview.is_busy()
            && !self.segmenting.wires.is_busy()
            && !self.record.is_busy()
            && !self.marks.is_busy()
            && !self.is_loading()
    }

    fn is_loading(&self) -> bool {
        self.filtering.is_busy()
            || self.visible_cells().any(|cell| {
                self.viewports
                    .get(cell)
                    .and_then(|v| v.display.as_ref())
                    .is_some_and(|d| {
                        let p = d.progress();
                        d.all_fit() && p.loaded + p.failed < p.total
                    })
            })
    }
}
