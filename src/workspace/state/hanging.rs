//! Hanging studies: by their protocol, stage by stage, beside their priors, and by example.
//!
//! Must stay true: what the reader arranged by hand is never touched without a command; a prior is of the same patient by
//! everything that identifies one.

use super::{Layout, ViewKind, Viewport, Workspace};
use crate::{
    model::{geometry::BodyPlane, identity::PatientIdentity, study::StudyDescription},
    workspace::{
        framing::{End, Framing},
        hanging::{
            built_in::built_in,
            example::{self, Match, Shown},
            item::{Item, StudyItems},
            matching::{self, Hung, HungCell},
            previews::{Previewed, Previewer},
            priors::{self, Likeness},
            protocol::{Linked, Protocol, Show},
            words::Side,
        },
        library::{PatientNode, SeriesNode, StudyNode, same_patient},
        presets,
        view::{ViewState, VoiChoice},
    },
};
use std::sync::Arc;

/// What hangs, and how.
#[derive(Debug, Default)]
pub struct Hanging {
    /// Protocols of the user, before those that come with the program.
    pub own: Vec<Protocol>,
    /// What hangs now.
    pub now: Option<Hangs>,
    /// The reader changed the arrangement since something was opened: nothing hangs by itself.
    pub by_hand: bool,
    /// Cells were arranged in another way since the stage was hung.
    pub changed: bool,
    opening: bool,
    /// A protocol that is being made by example.
    pub draft: Option<Draft>,
    /// Works out what the draft would hang.
    pub previews: Previewer,
}

/// Which stage of which protocol hangs.
#[derive(Clone, Debug, PartialEq)]
pub struct Hangs {
    /// Study Instance UID of the study that is read.
    pub study: String,
    /// Whose: files of two people may name one study.
    pub patient: Arc<PatientIdentity>,
    /// Short name of the protocol.
    pub protocol: String,
    /// Name of the protocol: of a built-in one a key of the message catalogue.
    pub name: String,
    /// The user's own.
    pub own: bool,
    /// Stage, counted from 0.
    pub stage: usize,
    /// Name of the stage, like that of the protocol.
    pub stage_name: String,
    /// How many stages can be hung.
    pub stages: usize,
    /// The prior beside it: Study Instance UID, and why that one.
    pub prior: Option<(String, Likeness)>,
    /// What of the views moves together.
    pub link: Vec<Linked>,
}

/// A protocol before it is saved, with what it would hang.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The protocol.
    pub protocol: Protocol,
    /// Studies of the library that it would hang; until that is known, those of the draft before.
    pub matches: Vec<Match>,
    /// Series in them.
    pub series: usize,
    /// That was worked out once.
    pub known: bool,
}

impl Workspace {
    /// All protocols, the user's first.
    pub fn protocols(&self) -> Vec<Protocol> {
        let own = self.hanging.own.iter();
        own.chain(built_in()).cloned().collect()
    }

    fn node_of_study(
        &self,
        patient: &PatientIdentity,
        uid: &str,
    ) -> Option<(&PatientNode, &StudyNode)> {
        let patients = self.library.patients.iter();
        patients
            .filter(|p| same_patient(&p.identity, patient))
            .flat_map(|p| p.studies.iter().map(move |s| (p, s)))
            .find(|(_, s)| s.description.uid == uid)
    }

    /// Whether something of what was hung is still on the screen.
    fn still_hangs(&self, hung: &Hangs) -> bool {
        let prior = hung.prior.as_ref().map(|(uid, _)| uid);
        self.visible_cells().any(|cell| {
            let viewport = self.viewports.get(cell);
            let Some((patient, study)) = viewport.and_then(|v| v.patient().zip(v.study())) else {
                return false;
            };
            same_patient(patient, &hung.patient)
                && (study.uid == hung.study || Some(&study.uid) == prior)
        })
    }

    /// The study that is read, and whose: the one that hangs, else that of the active cell.
    fn read_now(&self) -> Option<(Arc<PatientIdentity>, Arc<StudyDescription>)> {
        let hung = self.hanging.now.as_ref().filter(|h| self.still_hangs(h));
        let hung = hung.and_then(|h| self.node_of_study(&h.patient, &h.study));
        let hung = hung.map(|(p, s)| (p.identity.clone(), s.description.clone()));
        let of_cell = || {
            let viewport = self.active_viewport()?;
            viewport.patient().cloned().zip(viewport.study().cloned())
        };
        hung.or_else(of_cell)
    }

    /// The study that is read: the one that hangs, else that of the active cell.
    pub fn study_read(&self) -> Option<Arc<StudyDescription>> {
        self.read_now().map(|(_, study)| study)
    }

    /// Hangs a patient's study by the protocol that is meant for it, at its first stage. `false` when none is.
    pub fn hang_study(&mut self, patient: &PatientIdentity, uid: &str) -> bool {
        self.hang(patient, uid, None, None)
    }

    /// Hangs the study that is read by the protocol that is meant for it. `false` when none is.
    pub fn hang_again(&mut self) -> bool {
        let read = self.read_now();
        read.is_some_and(|(patient, study)| self.hang_study(&patient, &study.uid))
    }

    /// Hangs the study that is read by a protocol that was chosen.
    pub fn hang_by(&mut self, protocol: &str) -> bool {
        let read = self.read_now();
        read.is_some_and(|(patient, study)| self.hang(&patient, &study.uid, Some(protocol), None))
    }

    /// Goes to the next stage that can be hung, or the one before.
    pub fn change_stage(&mut self, forward: bool) {
        let Some((patient, study)) = self.read_now() else {
            return;
        };
        let hung = self.hanging.now.clone().filter(|h| h.study == study.uid);
        match hung.filter(|h| same_patient(&h.patient, &patient)) {
            Some(_) if !self.hanging.changed && self.step_part(forward) => {}
            Some(hung) => {
                let from = Some((hung.stage, forward));
                self.hang(&patient, &study.uid, Some(&hung.protocol), from);
                if !forward {
                    self.enter_last_part();
                }
            }
            None => {
                self.hang_study(&patient, &study.uid);
            }
        }
    }

    /// Goes to the next part of a picture that is gone through in parts, or the one before; `false` where there is none.
    fn step_part(&mut self, forward: bool) -> bool {
        let size = self.linking.size_of(0);
        let Some(viewport) = self.viewports.first_mut() else {
            return false;
        };
        let Some((part, count)) = size.and_then(|size| viewport.part(size)) else {
            return false;
        };
        let next = match forward {
            true => part.checked_add(1).filter(|next| *next < count),
            false => part.checked_sub(1),
        };
        let Some(next) = next else { return false };
        let view = &mut viewport.view;
        view.framing.part = Some(next);
        (view.centre, view.zoom) = (None, 1.0);
        true
    }

    /// Who leafs back comes to the end of what was gone through.
    fn enter_last_part(&mut self) {
        let parts = self.viewports.iter_mut().map(|v| &mut v.view.framing.part);
        for part in parts.flatten() {
            *part = u16::MAX;
        }
    }

    /// Hangs the first stage that has the prior beside what is read.
    pub fn hang_with_prior(&mut self) -> bool {
        let Some((patient, study)) = self.read_now() else {
            return false;
        };
        let plan = self.plan(&patient, &study.uid, None, |protocol, items, ranked| {
            (0..protocol.stages.len())
                .filter_map(|n| matching::hang(protocol, n, items, ranked))
                .find(|hung| hung.prior.is_some())
                .map(|hung| Owned::of(&patient, protocol, &hung, items, ranked))
        });
        match plan {
            Some(plan) => {
                self.put_up(plan, false);
                true
            }
            None => {
                self.notify("notice-no-prior", String::new());
                false
            }
        }
    }

    fn hang(
        &mut self,
        patient: &PatientIdentity,
        uid: &str,
        protocol: Option<&str>,
        from: Option<(usize, bool)>,
    ) -> bool {
        let plan = self.plan(patient, uid, protocol, |protocol, items, ranked| {
            let (at, forward) = match from {
                Some((at, forward)) => (Some(at), forward),
                None => (None, true),
            };
            let hung = matching::next_stage(protocol, at, forward, items, ranked)?;
            Some(Owned::of(patient, protocol, &hung, items, ranked))
        });
        plan.is_some_and(|plan| {
            self.put_up(plan, self.hanging.opening);
            true
        })
    }

    /// Works out what to hang; nothing is shown yet.
    fn plan(
        &self,
        patient: &PatientIdentity,
        uid: &str,
        protocol: Option<&str>,
        choose: impl Fn(&Protocol, &StudyItems, &[priors::Ranked<'_>]) -> Option<Owned>,
    ) -> Option<Owned> {
        let (patient, study) = self.node_of_study(patient, uid)?;
        let items = StudyItems::of_node(study);
        let others: Vec<StudyItems> = patient
            .studies
            .iter()
            .filter(|s| s.description.uid != uid)
            .map(StudyItems::of_node)
            .collect();
        let ranked = priors::rank(&items, &others);
        let protocols = self.protocols();
        let chosen = match protocol {
            Some(id) => protocols.iter().find(|p| p.id == id),
            None => matching::choose(&protocols, &items, &ranked),
        };
        choose(chosen?, &items, &ranked)
    }

    /// Shows what was worked out.
    /// `opening` when nobody asked for it: then a view that was kept of a cell counts over its rule.
    fn put_up(&mut self, plan: Owned, opening: bool) {
        self.layout = plan.layout;
        self.fit_viewports();
        self.maximised = false;
        self.active = 0;
        for viewport in &mut self.viewports {
            viewport.clear();
        }
        for (cell, wanted) in plan.cells.into_iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            let Some(node) = self.library.find(&wanted.series).cloned() else {
                continue;
            };
            self.put_in(cell, &node, &wanted);
            if opening {
                self.recall_view(cell);
            }
        }
        // Keys act on something that is seen.
        let mut cells = self.visible_cells();
        let filled = cells.find(|c| self.viewports.get(*c).is_some_and(|v| v.node.is_some()));
        self.active = filled.unwrap_or(0);
        match self.layout {
            Layout::Mpr => self.arrange_mpr(),
            Layout::Tiles(_) => self.begin_tiles(),
            _ => {}
        }
        let link = &plan.hangs.link;
        if !link.is_empty() {
            self.linking.scroll = link.contains(&Linked::Scroll);
            self.linking.zoom = link.contains(&Linked::Zoom);
            self.linking.pan = self.linking.zoom;
            self.linking.window = link.contains(&Linked::Window);
        }
        let prior = plan.hangs.prior.as_ref().map(|(uid, _)| uid.clone());
        let study = plan.hangs.study.clone();
        if let Some(prior) = prior.filter(|_| link.contains(&Linked::Scroll)) {
            self.tie_prior(&study, &prior);
        }
        self.hanging.now = Some(plan.hangs);
        self.hanging.changed = false;
        self.request_frames();
    }

    fn put_in(&mut self, cell: usize, node: &Arc<SeriesNode>, wanted: &OwnedCell) {
        let display = self.display(node, cell);
        let kind = match (wanted.show, display.is_volume()) {
            (Show::Stack, _) | (_, false) => ViewKind::Stack,
            (Show::Axial | Show::Volume, true) => ViewKind::Plane(BodyPlane::Axial),
            (Show::Coronal, true) => ViewKind::Plane(BodyPlane::Coronal),
            (Show::Sagittal, true) => ViewKind::Plane(BodyPlane::Sagittal),
        };
        let Some(viewport) = self.viewports.get_mut(cell) else {
            return;
        };
        viewport.show(node.clone(), display, kind);
        viewport.slice = wanted.image.min(node.layout.frames.len().saturating_sub(1));
        viewport.view = ViewState {
            voi: match wanted.window.as_str() {
                "" => VoiChoice::File,
                "auto" => VoiChoice::Auto,
                name => VoiChoice::Preset(name.to_owned()),
            },
            framing: wanted.framing,
            ..ViewState::default()
        };
        if wanted.mirrored {
            viewport.view.turn = viewport.view.turn.flipped_horizontally();
        }
        if wanted.pixels {
            viewport.view.framing.pixels = true;
        }
    }

    /// Hangs what was opened, once everything is read, unless the reader was faster.
    pub(super) fn hang_opened(&mut self) {
        if !self.settings.hang || self.hanging.by_hand || self.hanging.now.is_some() {
            return;
        }
        let Some(node) = self.active_viewport().and_then(|v| v.node.clone()) else {
            return;
        };
        self.hanging.opening = true;
        self.hang_study(&node.patient, &node.study.uid);
        self.hanging.opening = false;
    }

    /// Shows a study: hung by its protocol, or its first series where hanging is off.
    pub fn read_study(&mut self, patient: &PatientIdentity, uid: &str) {
        if self.settings.hang && self.hang_study(patient, uid) {
            return;
        }
        let first = self
            .node_of_study(patient, uid)
            .and_then(|(_, s)| s.series.first().cloned());
        if let Some(node) = first {
            self.layout = Layout::ONE;
            self.fit_viewports();
            self.maximised = false;
            for viewport in &mut self.viewports {
                viewport.clear();
            }
            self.hanging.now = None;
            self.show(0, &node);
        }
    }

    /// Whether a cell shows an earlier study beside a later one of the same patient; then how many days earlier. On one day
    /// the time decides; without a time nothing does.
    pub fn days_before(&self, cell: usize) -> Option<i64> {
        let viewport = self.viewports.get(cell)?;
        let (patient, study) = (viewport.patient()?, viewport.study()?);
        let day = |study: &StudyDescription| {
            let date = study.date.filter(|d| d.day > 0)?;
            Some(date.days_since_epoch())
        };
        let own = day(study)?;
        let others = self.visible_cells().filter_map(|c| self.viewports.get(c));
        let later = others
            .filter(|v| v.patient().is_some_and(|p| same_patient(p, patient)))
            .filter_map(|v| v.study().filter(|s| s.uid != study.uid))
            .filter_map(|other| {
                let days = day(other)? - own;
                let timed = !study.time.is_empty() && study.time < other.time;
                (days > 0 || days == 0 && timed).then_some(days)
            });
        later.max()
    }

    /// Begins a protocol by example: what stands on the screen gives the rules.
    pub fn draft_protocol(&mut self, name: &str) {
        let Some((patient, study)) = self.read_now() else {
            return;
        };
        let Some((patient, node)) = self.node_of_study(&patient, &study.uid) else {
            return;
        };
        let items = StudyItems::of_node(node);
        let others: Vec<StudyItems> = patient.studies.iter().map(StudyItems::of_node).collect();
        let cells = (0..self.layout.cells()).map(|cell| {
            let Some(viewport) = self.viewports.get(cell) else {
                return Shown::default();
            };
            let Some(key) = viewport.node.as_ref().map(|n| n.key.as_str()) else {
                return Shown::default();
            };
            let at = viewport.frame_shown();
            let find = |items: &'_ [Item]| {
                let own = items.iter().enumerate().filter(|(_, i)| i.series == key);
                // Of several images in one series the one that is shown.
                own.filter(|(_, i)| i.image <= at || viewport.kind != ViewKind::Stack)
                    .map(|(n, _)| n)
                    .next_back()
            };
            let own = find(&items.items).and_then(|n| items.items.get(n));
            let prior = others
                .iter()
                .filter(|o| o.uid != items.uid)
                .find_map(|o| o.items.get(find(&o.items)?));
            Shown {
                item: own.or(prior),
                prior: own.is_none() && prior.is_some(),
                // How a plane leans is not a part of a protocol.
                show: match viewport.kind.plane() {
                    Some(BodyPlane::Axial) => Show::Axial,
                    Some(BodyPlane::Coronal) => Show::Coronal,
                    Some(BodyPlane::Sagittal) => Show::Sagittal,
                    None => Show::Stack,
                },
                window: window_name(viewport),
                chest_wall: viewport.view.framing.wall.is_some(),
            }
        });
        let cells: Vec<Shown<'_>> = cells.collect();
        let on = [
            (Linked::Scroll, self.linking.scroll),
            (Linked::Zoom, self.linking.zoom),
            (Linked::Window, self.linking.window),
        ];
        let link: Vec<Linked> = on
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(k, _)| k)
            .collect();
        let protocol = example::infer(name, &self.layout, &cells, &link, &items);
        match protocol {
            Some(protocol) => self.revise_draft(protocol),
            None => self.notify("notice-nothing-to-hang", String::new()),
        }
    }

    /// Takes a changed draft, and has it worked out what it would hang.
    pub fn revise_draft(&mut self, protocol: Protocol) {
        let line = (self.sender(), self.waker.clone());
        let library = Arc::clone(&self.library);
        let previews = &mut self.hanging.previews;
        previews.ask(protocol.clone(), library, || line);
        match &mut self.hanging.draft {
            Some(draft) => draft.protocol = protocol,
            None => {
                self.hanging.draft = Some(Draft {
                    protocol,
                    matches: Vec::new(),
                    series: 0,
                    known: false,
                });
            }
        }
    }

    /// Takes in what the draft would hang.
    pub(in crate::workspace) fn take_previewed(&mut self, answer: Previewed) {
        let found = self.hanging.previews.take(answer);
        if let Some((matches, draft)) = found.zip(self.hanging.draft.as_mut()) {
            let cells = matches.iter().flat_map(|m| &m.cells);
            draft.series = cells.flatten().count();
            draft.matches = matches;
            draft.known = true;
        }
    }

    /// Takes the draft among the user's protocols and has it written. Gives its text and short name for the file.
    pub fn keep_draft(&mut self) -> Option<(String, String)> {
        let mut protocol = self.hanging.draft.take()?.protocol;
        protocol.own = true;
        protocol.id = file_name(&protocol.name, |id| {
            self.hanging
                .own
                .iter()
                .any(|p| p.id == id && p.name != protocol.name)
        });
        let text = protocol.to_text().ok()?;
        let id = protocol.id.clone();
        self.hanging.own.retain(|p| p.id != id);
        self.hanging.own.push(protocol);
        Some((id, text))
    }
}

/// The name of the preset that is on; empty for the file's own windows and dragged ones.
fn window_name(viewport: &Viewport) -> String {
    match &viewport.view.voi {
        VoiChoice::Preset(name) if presets::preset_named(name).is_some() => name.clone(),
        VoiChoice::Auto => "auto".into(),
        _ => String::new(),
    }
}

/// A short name for a file: letters and digits of the name, the same for the same name.
fn file_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut id = String::new();
    for c in name.chars().take(40) {
        if c.is_alphanumeric() {
            id.extend(c.to_lowercase());
        } else if !id.ends_with('-') && !id.is_empty() {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-').to_owned();
    let id = if id.is_empty() { "protocol".into() } else { id };
    if !taken(&id) {
        return id;
    }
    let numbered = (2..1000).map(|n| format!("{id}-{n}"));
    numbered.into_iter().find(|id| !taken(id)).unwrap_or(id)
}

/// A stage worked out, free of the lists it came from.
struct Owned {
    layout: Layout,
    cells: Vec<Option<OwnedCell>>,
    hangs: Hangs,
}

struct OwnedCell {
    series: String,
    image: usize,
    show: Show,
    window: String,
    framing: Framing,
    mirrored: bool,
    pixels: bool,
}

impl Owned {
    fn of(
        patient: &PatientIdentity,
        protocol: &Protocol,
        hung: &Hung<'_>,
        items: &StudyItems,
        ranked: &[priors::Ranked<'_>],
    ) -> Self {
        let stage = protocol.stages.get(hung.stage);
        let same_scale = stage.is_some_and(|s| s.same_scale);
        let shown = || hung.cells.iter().flatten().map(|c| c.item);
        // One scale in millimetres needs millimetres everywhere.
        let extent = (same_scale && shown().all(|i| i.calibrated)).then(|| {
            let side = |n: usize| {
                let sides = shown().map(|i| i.extent.get(n).copied().unwrap_or(0.0));
                sides.fold(0.0, f64::max)
            };
            [side(0), side(1)]
        });
        let pixels = stage.is_some_and(|s| s.pixels);
        let parted = stage.is_some_and(|s| s.quadrants);
        let cell = |c: &HungCell<'_>| {
            let (wall, mirrored) = chest_wall(c.item);
            OwnedCell {
                series: c.item.series.clone(),
                image: c.image,
                show: c.show,
                window: c.window.clone(),
                framing: Framing {
                    wall: wall.filter(|_| c.chest_wall),
                    extent,
                    pixels,
                    part: parted.then_some(0),
                },
                mirrored: mirrored && c.chest_wall,
                pixels,
            }
        };
        let prior = hung.prior.and_then(|prior| {
            let ranked = ranked.iter().find(|r| r.study.uid == prior.uid)?;
            Some((prior.uid.clone(), ranked.likeness))
        });
        let stages = (0..protocol.stages.len())
            .filter(|n| matching::hang(protocol, *n, items, ranked).is_some())
            .count();
        Self {
            layout: hung.layout.clone(),
            cells: hung.cells.iter().map(|c| c.as_ref().map(cell)).collect(),
            hangs: Hangs {
                study: items.uid.clone(),
                patient: Arc::new(patient.clone()),
                protocol: protocol.id.clone(),
                name: protocol.name.clone(),
                own: protocol.own,
                stage: hung.stage,
                stage_name: stage.map(|s| s.name.clone()).unwrap_or_default(),
                stages,
                prior,
                link: stage.map(|s| s.link.clone()).unwrap_or_default(),
            },
        }
    }
}

/// At which end of its columns the chest wall of a breast is, and whether the picture must be mirrored so that it stands at
/// the right of a right breast and at the left of a left one. Columns that lead to the front (A) begin at the wall; where
/// nobody says where they lead, the picture is taken as it should be (PS3.3 C.8.11.7: it is oriented for viewing).
fn chest_wall(item: &Item) -> (Option<End>, bool) {
    let Some(side) = item.side else {
        return (None, false);
    };
    let lead = item.columns_lead_to.chars().next();
    let wall = match (lead, side) {
        (Some('A'), _) | (None, Side::L) => End::First,
        (Some('P'), _) | (None, Side::R) => End::Last,
        _ => return (None, false),
    };
    let wanted = match side {
        Side::R => End::Last,
        Side::L => End::First,
    };
    (Some(wall), wall != wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_names_of_files() {
        let free = |_: &str| false;
        assert_eq!(file_name("My MR brain, 3 T!", free), "my-mr-brain-3-t");
        assert_eq!(file_name("../../etc/passwd", free), "etc-passwd");
        assert_eq!(file_name("胸部 CT", free), "胸部-ct");
        assert_eq!(file_name("…", free), "protocol");
        assert_eq!(file_name("a", |id| id == "a"), "a-2");
    }
}
