//! How views and layouts become edits, come back by undo, and come back when a study is opened again.

use super::{Layout, Viewport, Workspace};
use crate::{
    model::edit::{Edit, ViewPlace},
    workspace::{
        document::DocumentView,
        presentation::{CellRecord, CellState, LayoutRecord},
        undo::{Live, Step, ViewChange},
        view::ViewState,
    },
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How the window stands is kept when it has stood so for this long; and before a job, when the focus leaves, at the end.
const SETTLED: Duration = Duration::from_secs(2);

/// The layout and what stands in its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrangement {
    layout: Layout,
    active: usize,
    maximised: bool,
    cells: Vec<CellShown>,
}

/// What stands in a cell; the series by its key, so that an old step keeps no pictures alive.
#[derive(Clone, Debug, Default)]
struct CellShown {
    series: Option<String>,
    document: Option<DocumentView>,
    state: CellState,
}

impl Arrangement {
    /// Memory that it takes, bytes; what documents share with the screen is not among it.
    pub fn held_bytes(&self) -> usize {
        let cells = self.cells.iter().map(|cell| {
            let series = cell.series.as_ref().map_or(0, String::capacity);
            size_of::<CellShown>() - size_of::<CellState>() + series + cell.state.held_bytes()
        });
        size_of::<Self>() + cells.sum::<usize>()
    }
}

impl PartialEq for CellShown {
    fn eq(&self, other: &Self) -> bool {
        let object = |cell: &Self| cell.document.as_ref().map(|d| d.object.key.clone());
        self.series == other.series && self.state == other.state && object(self) == object(other)
    }
}

/// Since when the window stands as it does, and what of that is kept.
#[derive(Debug, Default)]
pub(in crate::workspace) struct Standing {
    kept: Option<Arrangement>,
    last: Option<Arrangement>,
    since: Option<Instant>,
    /// How many jobs ran.
    jobs: usize,
    /// The layout that was kept has been brought back, or the user was first.
    settled: bool,
    /// Studies whose layout this window kept itself: what stands there need not be brought back.
    noted: BTreeSet<String>,
}

impl Viewport {
    /// What is shown, apart from of what.
    pub fn state(&self) -> CellState {
        CellState {
            kind: self.kind,
            slice: self.slice,
            crosshair: self.crosshair,
            cuts: self.cuts,
            view: self.view.clone(),
        }
    }

    /// Shows it so. What the series cannot do (a cut of what is no volume) is left as it opens.
    pub fn set_state(&mut self, state: &CellState) {
        let Some(display) = &self.display else { return };
        if state.kind.is_cut() && !display.is_volume() {
            return;
        }
        (self.kind, self.crosshair, self.cuts) = (state.kind, state.crosshair, state.cuts);
        let last = display.layout.frames.len().saturating_sub(1);
        self.slice = state.slice.min(last);
        self.view = state.view.clone();
    }

    /// Under what it is kept: UIDs that are the same when the files are opened again.
    fn place(&self, cell: usize) -> Option<ViewPlace> {
        let node = self.node.as_ref()?;
        let first = node.layout.first_instance()?;
        Some(ViewPlace {
            study_uid: node.study.uid.clone(),
            series_uid: node.description.uid.clone(),
            first_instance_uid: first.sop_instance_uid.clone(),
            cell: u32::try_from(cell).unwrap_or_default(),
        })
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.note_standing();
        self.marks.finish();
    }
}

impl Workspace {
    /// Notes a finished change of a view, with what followed it in linked views: one step of undo, and saved.
    pub fn remember(&mut self, cell: usize, before: ViewState) {
        // Tiles are one view; linked views follow each in its own scale.
        if !self.share_tile_view(cell) {
            self.follow_view(cell, &before);
        }
        let mut changes = self.followers_before();
        changes.push((cell, before));
        let changes = changes.into_iter().filter_map(|(cell, view)| {
            let after = self.viewports.get(cell)?.state();
            let before = CellState {
                view,
                ..after.clone()
            };
            self.view_change(cell, before, after)
        });
        let (edits, views): (Vec<_>, Vec<_>) = changes.unzip();
        self.commit_step(Step {
            edits,
            live: Some(Live::Views(views)),
            in_journal: false,
        });
    }

    /// The edit of a changed view, and what undo shows; `None` when nothing changed.
    pub(in crate::workspace) fn view_change(
        &self,
        cell: usize,
        before: CellState,
        after: CellState,
    ) -> Option<(Edit, ViewChange)> {
        let viewport = self.viewports.get(cell)?;
        let (node, place) = (viewport.node.as_ref()?, viewport.place(cell)?);
        if before == after {
            return None;
        }
        let edit = Edit::View {
            place,
            from: before.text(),
            to: after.text(),
        };
        let series = node.key.clone();
        let change = ViewChange {
            cell,
            series,
            before,
            after,
        };
        Some((edit, change))
    }

    /// How the window stands.
    pub fn arrangement(&self) -> Arrangement {
        let cells = self.viewports.iter().map(|viewport| CellShown {
            series: viewport.node.as_ref().map(|n| n.key.clone()),
            document: viewport.document.clone(),
            state: viewport.state(),
        });
        Arrangement {
            layout: self.layout.clone(),
            active: self.active,
            maximised: self.maximised,
            cells: cells.collect(),
        }
    }

    /// Notes that the layout, or what stands in it, was changed: one step of undo, and saved.
    pub fn remember_layout(&mut self, before: Arrangement) {
        let after = self.arrangement();
        // Which cell is active is no change of the layout.
        let same = Arrangement {
            active: after.active,
            ..before.clone()
        };
        if same == after || before.is_empty() {
            return;
        }
        let Some(study_uid) = self.kept_study() else {
            return;
        };
        let edit = Edit::Layout {
            study_uid,
            from: self.layout_text(&before),
            to: self.layout_text(&after),
        };
        let live = Live::Layout {
            before: Box::new(before),
            after: Box::new(after),
        };
        self.commit_step(Step {
            edits: vec![edit],
            live: Some(live),
            in_journal: false,
        });
    }

    /// Carries out a command that changes the layout, as one step of undo.
    pub fn with_layout(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.arrangement();
        change(self);
        self.remember_layout(before);
    }

    /// The study under which the layout is kept: that of the active cell, else of the first with one.
    fn kept_study(&self) -> Option<String> {
        let study = |v: &Viewport| v.study().map(|s| s.uid.clone());
        let active = self.active_viewport().and_then(study);
        active.or_else(|| self.viewports.iter().find_map(study))
    }

    pub(super) fn layout_text(&self, arrangement: &Arrangement) -> String {
        let cells = arrangement.cells.iter().take(arrangement.layout.cells());
        let cells = cells.enumerate().filter_map(|(cell, shown)| {
            let node = self.library.find(shown.series.as_deref()?)?;
            Some(CellRecord {
                cell,
                series_uid: node.description.uid.clone(),
                first_instance_uid: node.layout.first_instance()?.sop_instance_uid.clone(),
                state: shown.state.clone(),
            })
        });
        LayoutRecord {
            layout: arrangement.layout.word(),
            active: arrangement.active,
            maximised: arrangement.maximised,
            cells: cells.collect(),
        }
        .text()
    }

    /// Shows what a step of undo had on the screen; `false` when something of it is no longer open.
    pub(in crate::workspace) fn bring_back(&mut self, live: &Live, back: bool) -> bool {
        match live {
            Live::Views(views) => {
                // Every view is tried: one that is gone keeps none of the others back.
                let mut whole = true;
                for view in views {
                    whole &= self.bring_view_back(view, back);
                }
                self.request_frames();
                whole
            }
            Live::Layout { before, after } => self.arrange(if back { before } else { after }),
        }
    }

    fn bring_view_back(&mut self, change: &ViewChange, back: bool) -> bool {
        let (before, after) = (&change.before, &change.after);
        let state = if back { before } else { after };
        let shows = |v: &&mut Viewport| v.node.as_ref().is_some_and(|n| n.key == change.series);
        let Some(viewport) = self.viewports.get_mut(change.cell).filter(shows) else {
            return false;
        };
        viewport.view = state.view.clone();
        if change.cell < self.layout.cells() {
            self.active = change.cell;
        }
        self.share_tile_view(change.cell);
        true
    }

    /// Arranges cells as they were; `false` when a series is no longer open.
    fn arrange(&mut self, arrangement: &Arrangement) -> bool {
        let mut whole = true;
        self.layout = arrangement.layout.clone();
        self.fit_viewports();
        for cell in 0..self.viewports.len() {
            let shown = arrangement.cells.get(cell).cloned().unwrap_or_default();
            let node = match &shown.series {
                Some(key) => {
                    let node = self.library.find(key).cloned();
                    whole &= node.is_some();
                    node
                }
                None => None,
            };
            let display = node.as_ref().map(|node| self.display(node, cell));
            let Some(viewport) = self.viewports.get_mut(cell) else {
                continue;
            };
            match (node, display) {
                (Some(node), Some(display)) => {
                    viewport.show(node, display, shown.state.kind);
                    viewport.set_state(&shown.state);
                }
                _ => viewport.clear(),
            }
            viewport.document = shown.document;
        }
        self.active = arrangement
            .active
            .min(self.layout.cells().saturating_sub(1));
        self.maximised = arrangement.maximised && self.layout.cells() > 1;
        self.request_frames();
        whole
    }

    /// Shows a series in a cell as it was kept there, when a store is open.
    pub(super) fn recall_view(&mut self, cell: usize) {
        let Some(viewport) = self.viewports.get_mut(cell) else {
            return;
        };
        let Some(place) = viewport
            .place(cell)
            .filter(|_| self.marks.is_kept() || self.marks.taken_over)
        else {
            return;
        };
        let kept = self.marks.kept().views.get(&place);
        if let Some(state) = kept.map(|text| CellState::read(text))
            && state.kind == viewport.kind
        {
            viewport.set_state(&state);
        }
    }

    /// Brings back the layout that was kept of the study on the screen: once, when everything was read, and only
    /// while the user has not done anything yet.
    pub(in crate::workspace) fn restore_layout(&mut self) {
        if self.scanning > 0 || self.standing.settled || self.library.patients.is_empty() {
            return;
        }
        let Some(study) = self.kept_study() else {
            return;
        };
        if self.marks.history.available() != (false, false) {
            self.standing.settled = true;
            return;
        }
        if self.standing.noted.contains(&study) {
            return;
        }
        let Some(text) = self.marks.kept().layouts.get(&study) else {
            return;
        };
        self.standing.settled = true;
        if let Some(record) = LayoutRecord::read(text) {
            self.restore(&record);
        }
    }

    /// The reader chose what stands on the screen: what was kept does not come over it any more.
    pub(in crate::workspace) const fn standing_is_settled(&mut self) {
        self.standing.settled = true;
    }

    fn restore(&mut self, record: &LayoutRecord) {
        let Some(layout) = Layout::of_word(&record.layout) else {
            return;
        };
        let mut cells = vec![CellShown::default(); layout.cells().max(self.viewports.len())];
        let mut found = false;
        for kept in &record.cells {
            let node = self.library.series().find(|node| {
                node.description.uid == kept.series_uid
                    && node
                        .layout
                        .first_instance()
                        .is_some_and(|first| first.sop_instance_uid == kept.first_instance_uid)
            });
            if let (Some(node), Some(cell)) = (node, cells.get_mut(kept.cell)) {
                found = true;
                cell.series = Some(node.key.clone());
                cell.state = kept.state.clone();
            }
        }
        // A layout of which nothing is open any more says nothing.
        if found {
            self.arrange(&Arrangement {
                layout,
                active: record.active,
                maximised: record.maximised,
                cells,
            });
            self.keep_apart();
            self.standing.kept = Some(self.arrangement());
        }
    }

    /// Keeps how the window stands once it has stood so for a while; called before every frame, and costs a
    /// comparison while nothing changes.
    pub(in crate::workspace) fn keep_standing(&mut self) {
        if !self.marks.is_kept() || self.scanning > 0 {
            return;
        }
        if !self.stands_as(self.standing.last.as_ref()) {
            self.standing.last = Some(self.arrangement());
            self.standing.since = Some(Instant::now());
        }
        // A job that was begun may take long, or everything with it.
        let begun = self.jobs.running().len() > self.standing.jobs;
        self.standing.jobs = self.jobs.running().len();
        if begun || self.standing.since.is_some_and(|s| s.elapsed() >= SETTLED) {
            self.note_standing();
        }
    }

    /// When the window should look again although nothing happens.
    pub fn note_due(&self) -> Option<Duration> {
        let since = self.standing.since?;
        Some(SETTLED.saturating_sub(since.elapsed()))
    }

    /// Keeps how the window stands, now.
    pub fn note_standing(&mut self) {
        self.standing.since = None;
        self.standing.jobs = self.jobs.running().len();
        // While a study is still being read, what was kept of it has not come back: it is not to be lost.
        let early = self.scanning > 0 && !self.standing.settled;
        if early || !self.marks.is_kept() || self.stands_as(self.standing.kept.as_ref()) {
            return;
        }
        let Some(study_uid) = self.kept_study() else {
            return;
        };
        let now = self.arrangement();
        let to = self.layout_text(&now);
        self.standing.kept = Some(now);
        self.standing.noted.insert(study_uid.clone());
        let from = self.marks.kept().layouts.get(&study_uid).cloned();
        let from = from.unwrap_or_default();
        if from != to {
            self.marks.note(Edit::Layout {
                study_uid,
                from,
                to,
            });
        }
    }

    /// The same as `self.arrangement() == *other`, without making one.
    fn stands_as(&self, other: Option<&Arrangement>) -> bool {
        let Some(other) = other else { return false };
        let same_cell = |(viewport, shown): (&Viewport, &CellShown)| {
            let state = &shown.state;
            viewport.node.as_ref().map(|n| n.key.as_str()) == shown.series.as_deref()
                && viewport.document.as_ref().map(|d| &d.object.key)
                    == shown.document.as_ref().map(|d| &d.object.key)
                && viewport.kind == state.kind
                && viewport.slice == state.slice
                && viewport.crosshair == state.crosshair
                && viewport.cuts == state.cuts
                && viewport.view == state.view
        };
        self.layout == other.layout
            && self.active == other.active
            && self.maximised == other.maximised
            && self.viewports.len() == other.cells.len()
            && self.viewports.iter().zip(&other.cells).all(same_cell)
    }
}

impl Arrangement {
    fn is_empty(&self) -> bool {
        let mut cells = self.cells.iter();
        cells.all(|c| c.series.is_none() && c.document.is_none())
    }
}
