//! Segmentations in the window: which one is worked on, with what in the hand, and what is done to its segments.
//!
//! Must stay true: everything that changes a segmentation is an edit of [`Workspace::commit`], one gesture one step of
//! undo; what is shown of a stroke before the button is up is no edit and is kept nowhere.

pub mod apply;
pub mod counting;
pub mod cut;
pub mod judging;
mod naming;
pub mod origins;
pub mod place;
pub mod pointed;
pub mod preview;
pub mod prompts;
pub mod proposals;
pub mod readers;
pub mod saving;
pub mod schema;
mod walking;
pub mod wire;

pub use counting::SegmentNumbers;
pub use place::SegmentPlace;

use super::{
    Command, Workspace, settings::SideTab, view::Viewport, volume_masks::VolumeModelEntry,
};
use crate::{
    model::{
        annotation::{Author, Code},
        edit::Edit,
        segmentation::{
            Segment, SegmentState, Segmentation, SegmentationEdit, SegmentationId, VoxelChange,
            VoxelSource, Voxels,
        },
        view::OverlayStyle,
    },
    tools::{
        Tool,
        brush::{BrushShape, RADIUS_RANGE},
    },
};
use glam::DVec3;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What the brush does.
#[derive(Clone, Debug, PartialEq)]
pub struct BrushSettings {
    /// Disc or sphere.
    pub shape: BrushShape,
    /// Its radius, millimetres; pixels where nobody knows their size.
    pub radius: f64,
    /// Only values from here to there are painted.
    pub range: Option<[f64; 2]>,
    /// Voxels of other segments are painted over; else they stay.
    pub over: bool,
    /// How far values may be from that of the voxel from which a region grows, where no range is given.
    pub tolerance: f64,
}

impl Default for BrushSettings {
    fn default() -> Self {
        Self {
            shape: BrushShape::Disc,
            radius: 5.0,
            range: None,
            over: true,
            tolerance: 80.0,
        }
    }
}

/// How segments are drawn.
const STYLE: OverlayStyle = OverlayStyle {
    dashed: false,
    ..OverlayStyle::AI
};

/// What is worked on.
#[derive(Debug)]
pub struct Segmenting {
    /// The segmentation, while there is one.
    pub active: Option<SegmentationId>,
    /// Number of the segment that is painted; 0 for none.
    pub segment: u16,
    /// The brush.
    pub brush: BrushSettings,
    /// Opacity and outline of segments.
    pub style: OverlayStyle,
    /// Only the chosen segment is drawn.
    pub solo: bool,
    /// Volumes and values of segments.
    pub numbers: counting::Numbers,
    /// What a tool would take.
    pub preview: preview::Preview,
    /// Where a voxel comes from.
    pub origins: origins::Origins,
    /// Two readers who are compared.
    pub judging: judging::Judging,
    /// The outline that livewire draws.
    pub wires: wire::Wires,
    /// Networks that answer to points.
    pub point_models: Vec<VolumeModelEntry>,
    /// The one that is asked, by its id; `None` where tools without weights answer.
    pub by_network: Option<String>,
    /// Names, colours and codes to choose from.
    pub schemas: Vec<schema::LabelSchema>,
    /// The schema that new segmentations begin with, by its name; an unnamed segment where there is none.
    pub schema: Option<String>,
    /// The segmentation for which a name is asked.
    leaving: Option<saving::Leaving>,
}

impl Default for Segmenting {
    fn default() -> Self {
        Self {
            active: None,
            segment: 0,
            brush: BrushSettings::default(),
            style: STYLE,
            solo: false,
            numbers: counting::Numbers::default(),
            preview: preview::Preview::default(),
            origins: origins::Origins::default(),
            judging: judging::Judging::default(),
            wires: wire::Wires::default(),
            point_models: Vec::new(),
            by_network: None,
            schemas: schema::bundled(),
            schema: None,
            leaving: None,
        }
    }
}

/// A change to what is said of a segment.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentChange {
    /// Its name, and what that means when it was chosen from a list.
    Label(String, Option<Code>),
    /// Its colour.
    Color([u8; 3]),
    /// Guarded against every tool.
    Lock(bool),
    /// Not drawn.
    Hide(bool),
    /// How far somebody stands behind it.
    State(SegmentState),
}

/// What the window asks of segmentations.
#[derive(Clone, Debug)]
pub enum SegmentAction {
    /// A new segmentation over what the active cell shows.
    New,
    /// Work on this one.
    Choose(SegmentationId),
    /// Take the whole of the one that is worked on away.
    Delete,
    /// A new segment, and choose it.
    Add,
    /// A new segment as a schema has it.
    AddOf(Box<schema::SchemaLabel>),
    /// Choose a segment.
    Select(u16),
    /// Say something else of a segment.
    Change(u16, SegmentChange),
    /// Take a segment and its voxels away.
    Remove(u16),
    /// Bring a segment with its voxels to another layer, from 0.
    Move(u16, usize),
    /// Call the segmentation otherwise.
    Rename(String),
    /// A stroke ended: what its layer became, painted over what a cell shows.
    Stroke(Box<Stroke>),
    /// A tool on the whole of the chosen segment, or from a click.
    Apply(apply::SegmentTool),
    /// Outline what a tool would take, or nothing any more.
    Preview(Option<preview::Wish>),
    /// Where the voxel at a point of a cell comes from; without a point at its crosshair.
    Origin {
        /// The cell.
        cell: usize,
        /// The point, in the space of what it shows.
        point: Option<DVec3>,
    },
    /// That is not asked any more.
    ForgetOrigin,
    /// Take segments of two readers who are compared over, by their places in the list.
    Judge(Vec<usize>, judging::Taken),
    /// Draw where they differ, and what was taken.
    ShowJudged {
        /// Where they differ.
        difference: bool,
        /// What was taken.
        taken: bool,
    },
    /// Points are answered by a network, or by tools without weights.
    ByNetwork(Option<String>),
    /// What the hand does to an outline of livewire.
    Wire(wire::WireAction),
    /// Another brush.
    Brush(BrushSettings),
    /// Another look.
    Style(OverlayStyle),
    /// Only the chosen segment is drawn, or all.
    Solo(bool),
    /// New segmentations begin with a schema, or with none.
    Schema(Option<String>),
}

/// What a stroke did.
#[derive(Clone, Debug)]
pub struct Stroke {
    /// Where it was painted.
    pub place: SegmentPlace,
    /// The segmentation and the segment; `None` where the first stroke makes them.
    pub into: Option<(SegmentationId, u16)>,
    /// The layer afterwards.
    pub after: Voxels,
    /// Name of the tool, and what it was told.
    pub tool: &'static str,
    /// See [`VoxelSource::prompt`].
    pub prompt: String,
}

/// Milliseconds since 1970 UTC.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// An identity that nothing else has (PS3.5 B.2).
fn new_uid() -> String {
    format!("2.25.{}", uuid::Uuid::new_v4().as_u128())
}

/// An identity that is always the same for the same parts: a UUID of version 8 (RFC 9562) of their SHA-256.
fn new_uid_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    format!(
        "2.25.{}",
        uuid::Builder::from_custom_bytes(bytes)
            .into_uuid()
            .as_u128()
    )
}

impl Workspace {
    /// Who works here, as voxels and segments remember it.
    pub(super) fn segmenter(&self) -> String {
        let who = self.access.who.as_ref();
        who.map_or_else(String::new, |(name, _)| name.clone())
    }

    /// Where segmentations of what a cell shows lie.
    pub fn segment_place(&self, cell: usize) -> Option<SegmentPlace> {
        self.viewports.get(cell).and_then(Viewport::segment_place)
    }

    /// The segmentations over what a cell shows, by id.
    pub fn segmentations_over(&self, place: &SegmentPlace) -> Vec<&Segmentation> {
        let all = self.seen_segmentations();
        all.filter(|s| place.sees(s)).collect()
    }

    /// The segmentation that is worked on in a cell: the chosen one where it lies there, else the first that does.
    pub fn segmentation_at(&self, place: &SegmentPlace) -> Option<&Segmentation> {
        let chosen = self.segmenting.active.as_ref();
        let chosen = chosen.and_then(|id| self.marks.segmentation(id));
        let here =
            |s: &&Segmentation| place.takes(s) && self.may_change(s) && !self.hides_segmentation(s);
        chosen
            .filter(here)
            .or_else(|| self.marks.segmentations().find(here))
    }

    /// The segmentation that is worked on over the active cell.
    pub fn active_segmentation(&self) -> Option<&Segmentation> {
        self.segmentation_at(&self.segment_place(self.active)?)
    }

    /// The chosen segment of it.
    pub fn active_segment(&self) -> Option<(&Segmentation, &Segment)> {
        let whole = self.active_segmentation()?;
        Some((whole, self.segment_of(whole)?))
    }

    /// The segment of a segmentation that is painted: the chosen one, else the first.
    pub fn segment_of<'a>(&self, whole: &'a Segmentation) -> Option<&'a Segment> {
        let chosen = whole.segment(self.segmenting.segment);
        chosen.or_else(|| whole.segments().next())
    }

    /// Carries out what the window asks of segmentations.
    pub fn act_on_segments(&mut self, action: SegmentAction) {
        match action {
            SegmentAction::New => {
                if let Some(place) = self.segment_place(self.active) {
                    self.new_segmentation(&place);
                }
            }
            SegmentAction::Choose(id) => {
                let first = self
                    .marks
                    .segmentation(&id)
                    .and_then(|s| s.segments().next());
                self.segmenting.segment = first.map_or(0, |s| s.number);
                self.segmenting.active = Some(id);
            }
            SegmentAction::Delete => self.delete_segmentation(),
            SegmentAction::Add => self.add_segment(None),
            SegmentAction::AddOf(label) => self.add_segment(Some(&label)),
            SegmentAction::Select(number) => self.segmenting.segment = number,
            SegmentAction::Change(number, change) => self.change_segment(number, change),
            SegmentAction::Remove(number) => self.remove_segment(number),
            SegmentAction::Move(number, layer) => self.move_segment(number, &[layer]),
            SegmentAction::Rename(title) => self.rename_segmentation(title),
            SegmentAction::Stroke(stroke) => {
                self.take_stroke(*stroke);
            }
            SegmentAction::Apply(tool) => self.apply_tool(tool),
            SegmentAction::Preview(wish) => self.preview_tool(wish),
            SegmentAction::Origin { cell, point } => self.ask_origin(cell, point),
            SegmentAction::ForgetOrigin => self.forget_origin(),
            SegmentAction::Judge(rows, taken) => self.take_masks(&rows, taken),
            SegmentAction::ShowJudged { difference, taken } => {
                self.segmenting.judging.shows_difference = difference;
                self.segmenting.judging.shows_taken = taken;
            }
            SegmentAction::ByNetwork(id) => {
                let known = |id: &String| self.segmenting.point_models.iter().any(|m| m.id == *id);
                self.segmenting.by_network = id.filter(known);
            }
            SegmentAction::Wire(action) => self.act_on_wire(action),
            SegmentAction::Brush(mut brush) => {
                brush.radius = brush.radius.clamp(RADIUS_RANGE.0, RADIUS_RANGE.1);
                self.segmenting.brush = brush;
            }
            SegmentAction::Style(style) => self.segmenting.style = style,
            SegmentAction::Solo(solo) => self.segmenting.solo = solo,
            SegmentAction::Schema(name) => self.segmenting.schema = name,
        }
    }

    /// Whether the hand is at segments, and not at marks.
    pub(super) fn labels_voxels(&self) -> bool {
        let tab = self.settings.show_side && self.settings.side_tab == SideTab::Segments;
        matches!(self.tool, Tool::Paint(_)) || tab && self.active_segmentation().is_some()
    }

    /// Chooses the segment at a place of the list, counted from 1.
    pub(super) fn choose_segment(&mut self, place: usize) {
        let whole = self.active_segmentation();
        let found = whole.and_then(|s| s.segments().nth(place.saturating_sub(1)));
        if let Some(number) = found.map(|s| s.number) {
            self.segmenting.segment = number;
        }
    }

    /// Carries out a command about segments; `false` when it is none.
    pub(super) fn segment_command(&mut self, command: Command) -> bool {
        if let Some(digit) = command.segment_digit() {
            self.choose_segment(digit);
            return true;
        }
        let number = self.active_segment().map(|(_, s)| s.number);
        let state = |state| number.map(|n| SegmentAction::Change(n, SegmentChange::State(state)));
        let flag = |pick: fn(&Segment) -> bool, change: fn(bool) -> SegmentChange| {
            let (_, segment) = self.active_segment()?;
            Some(SegmentAction::Change(
                segment.number,
                change(!pick(segment)),
            ))
        };
        let mut brush = self.segmenting.brush.clone();
        let mut stepped = |steps: f64| {
            brush.radius = crate::tools::brush::radius_stepped(brush.radius, steps);
            Some(SegmentAction::Brush(brush.clone()))
        };
        let action = match command {
            Command::ProposeSegments => {
                self.propose();
                None
            }
            Command::NextProposal | Command::PreviousProposal => {
                self.step_proposal(if command == Command::NextProposal {
                    1
                } else {
                    -1
                });
                None
            }
            Command::NewSegmentation => Some(SegmentAction::New),
            Command::DeleteSegmentation => Some(SegmentAction::Delete),
            Command::NewSegment => Some(SegmentAction::Add),
            Command::DeleteSegment => number.map(SegmentAction::Remove),
            Command::VoxelOrigin => {
                self.segmenting.origins.wanted = true;
                None
            }
            Command::MoveSegment => {
                self.move_segment_on();
                None
            }
            Command::LockSegment => flag(|s| s.locked, SegmentChange::Lock),
            Command::HideSegment => flag(|s| s.hidden, SegmentChange::Hide),
            Command::SoloSegment => Some(SegmentAction::Solo(!self.segmenting.solo)),
            Command::AcceptSegment => state(SegmentState::Accepted),
            Command::RejectSegment => state(SegmentState::Rejected),
            Command::BrushLarger => stepped(1.0),
            Command::BrushSmaller => stepped(-1.0),
            Command::BrushShape => {
                brush.shape = match brush.shape {
                    BrushShape::Disc => BrushShape::Sphere,
                    BrushShape::Sphere => BrushShape::Disc,
                };
                Some(SegmentAction::Brush(brush))
            }
            _ => return false,
        };
        if let Some(action) = action {
            self.act_on_segments(action);
        }
        true
    }

    /// A new segmentation with its first segments; it is nowhere yet.
    fn begun(&self, place: &SegmentPlace) -> Segmentation {
        let mut whole = place.bare(SegmentationId(new_uid()));
        let chosen = self.segmenting.schema.as_ref();
        let schema = self
            .segmenting
            .schemas
            .iter()
            .find(|s| Some(&s.name) == chosen);
        let language = self.settings.language;
        let mut segments: Vec<Segment> = schema.map_or_else(Vec::new, |schema| {
            let numbered = (1..).zip(&schema.labels);
            numbered
                .map(|(n, label)| label.segment(n, language))
                .collect()
        });
        if segments.is_empty() {
            let name = language.tr("segment-name", &[("number", 1_usize.into())]);
            segments.push(Segment::new(1, name));
        }
        for mut segment in segments {
            self.sign(&mut segment);
            whole.put_segment(segment);
        }
        whole
    }

    fn sign(&self, segment: &mut Segment) {
        segment.by = self.segmenter();
        segment.changed_ms = now_ms();
    }

    fn new_segmentation(&mut self, place: &SegmentPlace) {
        if !crate::model::segmentation::change::is_possible(place.grid.size) {
            return self.notify("notice-segmentation-too-large", String::new());
        }
        let whole = self.begun(place);
        if self.commit(edits_of(&whole)) {
            self.take_up(&whole);
        }
    }

    /// A segmentation that was just made is worked on, at its first segment.
    fn take_up(&mut self, whole: &Segmentation) {
        self.segmenting.segment = whole.segments().next().map_or(0, |s| s.number);
        self.segmenting.active = Some(whole.id.clone());
        self.show_segments();
    }

    pub(super) fn show_segments(&mut self) {
        self.masks.visible = true;
        self.settings.show_side = true;
        self.settings.side_tab = SideTab::Segments;
    }

    fn delete_segmentation(&mut self) {
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        if self.is_for_all(whole) {
            return self.notify("notice-segmentation-for-all", String::new());
        }
        let source = self.source("delete", String::new());
        let away = whole.edits_away(&source);
        if self.commit(away.into_iter().map(Edit::Segmentation).collect()) {
            self.segmenting.active = None;
            self.segmenting.segment = 0;
        }
    }

    fn add_segment(&mut self, label: Option<&schema::SchemaLabel>) {
        let Some(whole) = self.active_segmentation() else {
            // The first segment needs something to be in.
            if let Some(place) = self.segment_place(self.active) {
                self.new_segmentation(&place);
            }
            return;
        };
        let Some(number) = whole.free_number() else {
            return self.notify("notice-segments-full", String::new());
        };
        let language = self.settings.language;
        let mut segment = match label {
            Some(label) => label.segment(number, language),
            None => {
                let name = language.tr("segment-name", &[("number", usize::from(number).into())]);
                Segment::new(number, name)
            }
        };
        // Beside the chosen one: those of a layer exclude each other.
        segment.layer = self.segment_of(whole).map_or(0, |s| s.layer);
        self.sign(&mut segment);
        let edit = put_segment(&whole.id, segment);
        let id = whole.id.clone();
        if let Some(id) = self.commit_to(&id, vec![edit]) {
            self.segmenting.active = Some(id);
            self.segmenting.segment = number;
        }
    }

    fn change_segment(&mut self, number: u16, change: SegmentChange) {
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        let Some(from) = whole.segment(number) else {
            return;
        };
        let mut to = from.clone();
        match change {
            SegmentChange::Label(label, code) => {
                to.label = label;
                if code.is_some() || to.label != from.label {
                    to.property_type = code;
                }
            }
            SegmentChange::Color(color) => to.color = color,
            SegmentChange::Lock(locked) => to.locked = locked,
            SegmentChange::Hide(hidden) => to.hidden = hidden,
            SegmentChange::State(state) => {
                to.state = state;
                self.sign(&mut to);
            }
        }
        if to == *from {
            return;
        }
        let edit = Edit::Segmentation(SegmentationEdit::Segment {
            of: whole.id.clone(),
            from: Some(Box::new(from.clone())),
            to: Some(Box::new(to)),
        });
        let id = whole.id.clone();
        self.change(&id, vec![edit]);
    }

    /// Changes a segmentation and works on what was changed, as one step.
    fn change(&mut self, id: &SegmentationId, edits: Vec<Edit>) -> bool {
        let changed = self.commit_to(id, edits);
        let done = changed.is_some();
        if self.segmenting.active.as_ref() == Some(id) || self.segmenting.active.is_none() {
            self.segmenting.active = changed.or(self.segmenting.active.take());
        }
        done
    }

    fn remove_segment(&mut self, number: u16) {
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        let Some(from) = whole.segment(number) else {
            return;
        };
        let mut edits = Vec::new();
        if let Some((layer, delta)) = whole.cleared(number) {
            edits.push(Edit::Segmentation(SegmentationEdit::Voxels(Arc::new(
                VoxelChange {
                    of: whole.id.clone(),
                    layer,
                    delta,
                    source: self.source("delete", String::new()),
                },
            ))));
        }
        edits.push(Edit::Segmentation(SegmentationEdit::Segment {
            of: whole.id.clone(),
            from: Some(Box::new(from.clone())),
            to: None,
        }));
        let id = whole.id.clone();
        self.change(&id, edits);
    }

    /// Where voxels come from that somebody here changes with a tool.
    pub(super) fn source(&self, tool: &str, prompt: String) -> Arc<VoxelSource> {
        Arc::new(VoxelSource {
            tool: tool.to_owned(),
            prompt,
            by: Author::Person(self.segmenter()),
            at_ms: now_ms(),
        })
    }

    /// A stroke becomes an edit, with the segmentation that it begins; whether it was taken.
    pub(super) fn take_stroke(&mut self, stroke: Stroke) -> bool {
        let Stroke {
            place,
            into,
            after,
            tool,
            prompt,
        } = stroke;
        let (id, number, mut edits) = match into {
            Some((id, number)) => (id, number, Vec::new()),
            None => {
                let whole = self.begun(&place);
                let edits = edits_of(&whole);
                (whole.id, 1, edits)
            }
        };
        let blank = Voxels::new(place.grid.size);
        let whole = self.marks.segmentation(&id);
        let segment = whole.and_then(|s| s.segment(number));
        let layer = segment.map_or(0, |s| s.layer);
        let before = whole.and_then(|s| s.layers().get(layer)).unwrap_or(&blank);
        let delta = crate::model::segmentation::Delta::between(before, &after);
        let Some(delta) = delta.filter(|delta| !delta.is_empty()) else {
            return false;
        };
        let change = Arc::new(VoxelChange {
            of: id.clone(),
            layer,
            delta,
            source: self.source(tool, prompt),
        });
        // Whoever changes what was proposed has looked at it, and stands behind what it is now.
        edits.extend(self.stand_behind(&change));
        edits.push(Edit::Segmentation(SegmentationEdit::Voxels(change)));
        let taken = self.commit_to(&id, edits);
        let done = taken.is_some();
        if let Some(id) = taken {
            self.segmenting.active = Some(id);
            self.segmenting.segment = number;
        }
        done
    }

    /// Takes a segmentation in that came from elsewhere, as one step of undo, and works on it.
    pub fn add_segmentation(&mut self, whole: &Segmentation, tool: &str, by: Author) -> bool {
        let source = Arc::new(VoxelSource {
            tool: tool.to_owned(),
            prompt: String::new(),
            by,
            at_ms: now_ms(),
        });
        let edits = whole.edits_from(None, &source);
        let taken = self.commit(edits.into_iter().map(Edit::Segmentation).collect());
        if taken {
            self.act_on_segments(SegmentAction::Choose(whole.id.clone()));
            self.show_segments();
        }
        taken
    }
}

/// The edits that make a segmentation without voxels.
fn edits_of(whole: &Segmentation) -> Vec<Edit> {
    let edits = whole.edits_from(None, &VoxelSource::restored());
    edits.into_iter().map(Edit::Segmentation).collect()
}

fn put_segment(of: &SegmentationId, segment: Segment) -> Edit {
    Edit::Segmentation(SegmentationEdit::Segment {
        of: of.clone(),
        from: None,
        to: Some(Box::new(segment)),
    })
}
