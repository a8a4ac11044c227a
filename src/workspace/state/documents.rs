//! Objects in cells: showing one, reading it away from the window's thread, and going from it to pictures.

use super::{Layout, Wanted, Workspace};
use crate::workspace::{
    document::{DocumentState, DocumentView},
    library::{ObjectNode, SeriesNode},
};
use std::sync::Arc;

/// Contents that are kept beside those on the screen.
const KEPT: usize = 8;

/// Contents by key of the object, the one that was asked for last at the end.
#[derive(Default)]
pub(super) struct Documents(Vec<(String, DocumentState)>);

impl Documents {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn find(&self, key: &str) -> Option<&DocumentState> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, state)| state)
    }

    /// Takes in what was read; what nobody asked for any more is thrown away.
    pub(super) fn answer(&mut self, key: &str, state: DocumentState) {
        if let Some(slot) = self.0.iter_mut().find(|(k, _)| k == key) {
            slot.1 = state;
        }
    }
}

impl Workspace {
    /// Shows an object of the library by key.
    pub fn show_object_key(&mut self, cell: usize, key: &str) -> bool {
        let Some(object) = self.library.find_object(key).cloned() else {
            return false;
        };
        self.show_object(cell, &object, None);
        true
    }

    /// Shows what an object says in a cell, in the place of a picture.
    pub fn show_object(
        &mut self,
        cell: usize,
        object: &Arc<ObjectNode>,
        from: Option<(String, usize)>,
    ) {
        let mut cell = cell;
        if !self.is_free() {
            // The cuts of a volume stand together, as tiles do; a document stands beside the series.
            let node = self.viewports.first().and_then(|v| v.node.clone());
            for viewport in &mut self.viewports {
                viewport.clear();
            }
            self.layout = Layout::TWO;
            self.maximised = false;
            if let Some(node) = node {
                self.show(0, &node);
            }
            cell = 1;
        }
        if let Some(viewport) = self.viewports.get_mut(cell) {
            viewport.clear();
            viewport.document = Some(DocumentView::new(object.clone(), from));
        }
        self.active = cell.min(self.layout.cells().saturating_sub(1));
        self.request_document(object);
        self.request_frames();
    }

    /// Goes on in the browser from what the active cell shows, by series and objects.
    pub(super) fn change_series(&mut self, by: isize) {
        enum Entry {
            Series(Arc<SeriesNode>),
            Object(Arc<ObjectNode>),
        }
        let cell = self.active;
        let Some(viewport) = self.viewports.get(cell) else {
            return;
        };
        let object = viewport.document.as_ref().map(|d| d.object.key.as_str());
        let shown = object.or(viewport.node.as_ref().map(|n| n.key.as_str()));
        let Some(shown) = shown else { return };
        let studies = self.library.patients.iter().flat_map(|p| &p.studies);
        let all: Vec<Entry> = studies
            .flat_map(|study| {
                let series = study.series.iter().cloned().map(Entry::Series);
                series.chain(study.objects.iter().cloned().map(Entry::Object))
            })
            .collect();
        let at = all.iter().position(|entry| match entry {
            Entry::Series(node) => node.key == shown,
            Entry::Object(node) => node.key == shown,
        });
        let next = at
            .and_then(|at| at.checked_add_signed(by))
            .and_then(|at| all.into_iter().nth(at));
        match next {
            Some(Entry::Series(node)) => {
                self.show_or_ask(cell, super::Wanted::Series(node.key.clone()));
            }
            Some(Entry::Object(node)) => {
                self.show_or_ask(cell, super::Wanted::Object(node.key.clone()));
            }
            None => {}
        }
    }

    /// Has an object read, unless it is known.
    fn request_document(&mut self, object: &Arc<ObjectNode>) {
        let known = self.documents.0.iter().position(|(k, _)| *k == object.key);
        if let Some(at) = known {
            let (key, state) = self.documents.0.remove(at);
            self.documents.0.push((key.clone(), state.clone()));
            return self.take_document(&key, state);
        }
        let entry = (object.key.clone(), DocumentState::Loading);
        self.documents.0.push(entry);
        let shown: Vec<&str> = self
            .viewports
            .iter()
            .filter_map(|v| v.document.as_ref().map(|d| d.object.key.as_str()))
            .collect();
        let mut excess = self.documents.0.len().saturating_sub(KEPT);
        self.documents.0.retain(|(key, _)| {
            let drop = excess > 0 && !shown.contains(&key.as_str());
            excess -= usize::from(drop);
            !drop
        });
        self.loader.want_document(object, &self.library);
    }

    /// Takes in an object that was read.
    pub(super) fn take_document(&mut self, key: &str, state: DocumentState) {
        if let DocumentState::Ready(content) = &state {
            for viewport in &mut self.viewports {
                let document = viewport.document.as_mut();
                if let Some(view) = document.filter(|d| d.object.key == key) {
                    view.overview(content);
                }
            }
        }
        self.documents.answer(key, state);
    }

    /// Objects of the library that were asked for, with what is known of them.
    pub(in crate::workspace) fn read_documents(
        &self,
    ) -> impl Iterator<Item = (&Arc<ObjectNode>, &DocumentState)> {
        self.library
            .objects()
            .filter_map(|object| Some((object, self.documents.find(&object.key)?)))
    }

    /// Counts whatever may link a finding to a picture: while it is the same, so are the places.
    pub fn links_known(&self) -> (u64, usize, usize) {
        let ready = |d: &&(String, DocumentState)| matches!(d.1, DocumentState::Ready(_));
        let read = self.documents.0.iter().filter(ready).count();
        (self.marks.revision(), read, self.masks.len())
    }

    /// What is known of the object in a cell.
    pub fn document(&self, cell: usize) -> Option<&DocumentState> {
        let view = self.viewports.get(cell)?.document.as_ref()?;
        self.documents.find(&view.object.key)
    }

    /// Whether an object on the screen is still being read.
    pub(super) fn is_reading(&self) -> bool {
        self.visible_cells()
            .any(|cell| matches!(self.document(cell), Some(DocumentState::Loading)))
    }

    /// From a picture to all that its object says, and back.
    pub(super) fn toggle_content(&mut self) {
        let cell = self.active;
        let Some(viewport) = self.viewports.get(cell) else {
            return;
        };
        if let Some(document) = &viewport.document {
            let Some((key, frame)) = document.from.clone() else {
                return;
            };
            if self.show_key(cell, &key) {
                self.go_to_slice(cell, frame);
            }
            return;
        }
        let (Some(node), Some(display)) = (&viewport.node, &viewport.display) else {
            return;
        };
        let frame = viewport.frame_shown();
        let Some(reference) = display.layout.frames.get(frame) else {
            return;
        };
        let object = Arc::new(ObjectNode::of(&reference.instance));
        let from = Some((node.key.clone(), frame));
        self.show_object(cell, &object, from);
    }

    /// Whether the active cell can change between picture and content.
    pub(super) fn has_content(&self) -> bool {
        use crate::model::study::SourceKind;
        self.active_viewport().is_some_and(|v| {
            let back = v.document.as_ref().is_some_and(|d| d.from.is_some());
            let instance = v.display.as_ref().and_then(|d| d.layout.first_instance());
            back || instance.is_some_and(|i| i.source.kind == SourceKind::Dicom)
        })
    }

    /// Whether an instance is among what is open.
    pub fn can_show(&self, instance_uid: &str) -> bool {
        let same = |o: &Arc<ObjectNode>| o.instance.sop_instance_uid == instance_uid;
        self.library.place_of(instance_uid).is_some() || self.library.objects().any(same)
    }

    /// Shows the image that a document points to, beside the document: in the cell that shows its series already, else in
    /// the next one.
    pub fn show_reference(&mut self, cell: usize, instance_uid: &str, frame: Option<u32>) {
        let same = |o: &&Arc<ObjectNode>| o.instance.sop_instance_uid == instance_uid;
        let object = self.library.objects().find(same).cloned();
        // A file may point to another patient's: then the reader is asked, as for anything that is shown.
        if let Some(object) = object {
            self.show_or_ask(cell, Wanted::Object(object.key.clone()));
            return;
        }
        let Some((node, first)) = self.library.place_of(instance_uid).cloned() else {
            return;
        };
        let wanted = frame.map_or(0, |n| (n as usize).saturating_sub(1));
        let frames = node.layout.frames.iter().enumerate().skip(first);
        let exact = frames
            .into_iter()
            .find(|(_, f)| f.instance.sop_instance_uid == instance_uid && f.frame == wanted);
        let at = exact.map_or(first, |(at, _)| at);
        if self.layout.cells() == 1 || self.maximised {
            self.maximised = false;
            if self.layout.cells() == 1 {
                self.layout = Layout::TWO;
                let other = self.viewports.get_mut(1);
                if let Some(other) = other.filter(|_| cell == 0) {
                    other.clear();
                }
            }
        }
        let cells = self.layout.cells();
        let shows = |c: &usize| {
            let viewport = self.viewports.get(*c);
            let own = viewport.and_then(|v| v.node.as_ref());
            own.is_some_and(|n| n.key == node.key)
        };
        let target = (0..cells)
            .filter(|c| *c != cell)
            .find(shows)
            .unwrap_or((cell + 1) % cells);
        let there = shows(&target);
        if !there {
            self.show_or_ask(target, Wanted::Series(node.key.clone()));
            if self.mixing.asking.is_some() {
                return;
            }
        }
        self.go_to_slice(target, at);
        self.active = target;
        self.request_frames();
    }

    /// Changes the document in a cell.
    pub(in crate::workspace) fn with_document(
        &mut self,
        cell: usize,
        change: impl FnOnce(&mut DocumentView, Option<&crate::model::content::Content>),
    ) {
        let state = self.document(cell).cloned();
        let content = match &state {
            Some(DocumentState::Ready(content)) => Some(content.as_ref()),
            _ => None,
        };
        if let Some(view) = self
            .viewports
            .get_mut(cell)
            .and_then(|v| v.document.as_mut())
        {
            change(view, content);
        }
    }
}
