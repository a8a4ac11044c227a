//! Livewire in the window: an outline of anchors whose legs follow edges, in one slice. Paths are worked out by a thread of its
//! own, one at a time; while it works only the latest place of the pointer is remembered.
//!
//! Must stay true: nothing of it is an edit before the outline is closed; then it is one step of undo, as any tool.

use super::{
    SegmentPlace,
    apply::{Frames, SegmentTool},
    cut::keep_values,
};
use crate::{
    diary,
    imaging::segment::{
        Bits, Image,
        image::crop,
        livewire::{LEAST, Livewire, costs},
        scissors::{Part, in_slice},
    },
    task::spawn_named,
    workspace::{Workspace, event::Event},
};
use std::{panic::AssertUnwindSafe, sync::Arc};

/// Longest side of the part of a slice that a path goes through, pixels; it lies around the anchor.
const SIDE: usize = 2048;
/// Most anchors of an outline.
const MOST_ANCHORS: usize = 2048;

/// Column and row of a pixel of a slice, as `apply::flat_of` counts them.
pub type Pixel = [usize; 2];

/// Pixels from one to another, both included.
pub type Leg = Arc<[Pixel]>;

/// The slice that is drawn in.
#[derive(Clone, Debug, PartialEq)]
pub struct WirePlace {
    /// The cell that is pointed at.
    pub cell: usize,
    /// What it shows.
    pub place: SegmentPlace,
    /// The axis across which the slice lies.
    pub axis: usize,
    /// Its index.
    pub index: usize,
}

/// What the hand does to an outline.
#[derive(Clone, Debug)]
pub enum WireAction {
    /// Another anchor; the first one begins an outline.
    Anchor(Box<WirePlace>, Pixel),
    /// The pointer is here, or nowhere in the slice.
    Point(Option<Pixel>),
    /// The last anchor is taken away.
    Back,
    /// The outline is closed; what lies inside is given to the segment, or taken from it.
    Close {
        /// Taken from it.
        takes: bool,
    },
    /// Nothing of it stays.
    Leave,
}

/// A closed outline, as the tool has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wired {
    /// The axis across which the slice lies.
    pub axis: usize,
    /// Its index.
    pub index: usize,
    /// Pixels along it.
    pub outline: Vec<Pixel>,
    /// How many anchors it has.
    pub anchors: usize,
    /// What is inside is taken from the segment, and not given to it.
    pub takes: bool,
    /// Only values from here to there.
    pub range: Option<[f64; 2]>,
}

impl Wired {
    /// What it was told, as voxels remember it.
    pub(super) fn prompt(&self) -> String {
        let how = if self.takes { "take" } else { "add" };
        let (anchors, axis, index) = (self.anchors, self.axis, self.index);
        let mut prompt = format!("slice {index} across {axis} {how} {anchors} anchors");
        if let Some([low, high]) = self.range {
            prompt.push_str(&format!(" range {low} {high}"));
        }
        prompt
    }

    /// The voxels inside of it; `None` where values are asked for and there are none.
    pub(super) fn voxels(&self, size: [usize; 3], values: Option<&dyn Image>) -> Option<Bits> {
        let corners: Vec<[f64; 2]> = self
            .outline
            .iter()
            .map(|corner| corner.map(|v| v as f64))
            .collect();
        let mut inside = in_slice(size, self.axis, self.index, &corners, Part::Inside);
        if let Some(range) = self.range {
            keep_values(&mut inside, range, values?);
        }
        Some(inside)
    }
}

/// An outline that is being drawn.
#[derive(Clone, Debug)]
pub struct Wire {
    at: WirePlace,
    anchors: Vec<Pixel>,
    /// From each anchor to the next one; `None` where it is still looked for.
    legs: Vec<Option<Leg>>,
    pointer: Option<Pixel>,
    /// From the last anchor towards the pointer, as far as it is known.
    live: Option<Leg>,
    /// From the last anchor to the first one, once it is to be closed.
    closing: Option<(bool, Option<Leg>)>,
}

/// The path between two pixels.
type Ends = [Pixel; 2];

fn ends_of(leg: &Leg) -> Option<Ends> {
    Some([*leg.first()?, *leg.last()?])
}

impl Wire {
    fn begin(at: WirePlace, anchor: Pixel) -> Self {
        Self {
            at,
            anchors: vec![anchor],
            legs: Vec::new(),
            pointer: None,
            live: None,
            closing: None,
        }
    }

    /// Where it lies.
    pub const fn at(&self) -> &WirePlace {
        &self.at
    }

    /// Its anchors.
    pub fn anchors(&self) -> &[Pixel] {
        &self.anchors
    }

    /// The legs that are known, and at last the one that follows the pointer.
    pub fn lines(&self) -> (impl Iterator<Item = &Leg>, Option<&Leg>) {
        let closing = self.closing.as_ref().and_then(|(_, leg)| leg.as_ref());
        let live = self.live.as_ref().filter(|leg| {
            let begins = leg.first() == self.anchors.last();
            begins && self.pointer.is_some() && self.closing.is_none()
        });
        (self.legs.iter().flatten().chain(closing), live)
    }

    fn add(&mut self, anchor: Pixel) {
        let Some(&last) = self.anchors.last() else {
            return;
        };
        if last == anchor || self.closing.is_some() || self.anchors.len() >= MOST_ANCHORS {
            return;
        }
        // What is shown up to there is the leg.
        let shown = self.live.take();
        let shown = shown.filter(|leg| ends_of(leg) == Some([last, anchor]));
        self.legs.push(shown);
        self.anchors.push(anchor);
    }

    /// Takes the last anchor away; whether one is left.
    fn back(&mut self) -> bool {
        if self.closing.take().is_none() {
            self.anchors.pop();
            self.legs.pop();
        }
        self.live = None;
        !self.anchors.is_empty()
    }

    /// The path that is looked for next: a leg before the one to the pointer.
    fn wanted(&self) -> Option<Ends> {
        let missing = self.legs.iter().position(Option::is_none);
        if let Some(at) = missing {
            return Some([*self.anchors.get(at)?, *self.anchors.get(at + 1)?]);
        }
        let last = *self.anchors.last()?;
        match &self.closing {
            Some((_, None)) => Some([last, *self.anchors.first()?]),
            Some(_) => None,
            None => {
                let wanted = [last, self.pointer?];
                let known = self.live.as_ref().and_then(ends_of);
                (known != Some(wanted)).then_some(wanted)
            }
        }
    }

    /// Takes a path in, wherever it belongs.
    fn take(&mut self, leg: &Leg) {
        let Some(ends) = ends_of(leg) else { return };
        let pairs = self.anchors.windows(2).zip(&mut self.legs);
        for (pair, slot) in pairs {
            if slot.is_none() && pair == ends {
                *slot = Some(Arc::clone(leg));
            }
        }
        let last = self.anchors.last().copied();
        if let Some((_, slot)) = &mut self.closing {
            if slot.is_none() && (last, self.anchors.first()) == (Some(ends[0]), Some(&ends[1])) {
                *slot = Some(Arc::clone(leg));
            }
        } else if last == Some(ends[0]) {
            self.live = Some(Arc::clone(leg));
        }
    }

    /// The whole outline, and whether it is taken; `None` while something of it is looked for.
    fn closed(&self) -> Option<(bool, Vec<Pixel>)> {
        let (takes, last) = self.closing.as_ref()?;
        let mut outline = Vec::new();
        for leg in self.legs.iter().chain(std::iter::once(last)) {
            let leg = leg.as_ref()?;
            // The end of a leg is the begin of the next one.
            outline.extend_from_slice(leg.split_last()?.1);
        }
        Some((*takes, outline))
    }
}

/// What is known of the paths from one anchor.
#[derive(Debug)]
pub struct Search {
    at: WirePlace,
    anchor: Pixel,
    /// The part of the slice that it looks at, and whether that is all of it.
    low: Pixel,
    size: Pixel,
    whole: bool,
    wire: Livewire,
}

impl Search {
    fn of(at: &WirePlace, anchor: Pixel, values: &dyn Image) -> Option<Self> {
        let size = values.size();
        let [wide, high] = match at.axis {
            0 => [1, 2],
            1 => [0, 2],
            _ => [0, 1],
        };
        let sides = [size[wide], size[high]];
        let part = sides.map(|side| side.min(SIDE));
        let low = [0, 1].map(|i| {
            let middle = anchor[i].saturating_sub(SIDE / 2);
            middle.min(sides[i] - part[i])
        });
        let (mut first, mut last) = ([at.index; 3], [at.index; 3]);
        for (i, axis) in [wide, high].into_iter().enumerate() {
            (first[axis], last[axis]) = (low[i], (low[i] + part[i]).saturating_sub(1));
        }
        let (dense, _) = crop(values, first, last);
        let picture = costs(&dense, part, LEAST);
        let spacing = at.place.grid.spacing_mm();
        let spacing = [wide, high].map(|axis| spacing[axis]);
        let inside = [0, 1].map(|i| anchor[i].wrapping_sub(low[i]));
        Some(Self {
            at: at.clone(),
            anchor,
            low,
            size: part,
            whole: part == sides,
            wire: Livewire::new(picture, part, spacing, inside)?,
        })
    }

    /// From another anchor of the same slice, where all of that is known.
    fn anchored(self, at: &WirePlace, anchor: Pixel) -> Option<Self> {
        if self.at != *at || !self.whole && self.anchor != anchor {
            return None;
        }
        if self.anchor == anchor {
            return Some(self);
        }
        let wire = self.wire.anchored(anchor)?;
        Some(Self {
            anchor,
            wire,
            ..self
        })
    }

    fn serves(&self, at: &WirePlace, anchor: Pixel) -> bool {
        self.at == *at && (self.whole || self.anchor == anchor)
    }

    /// The path to a pixel; what lies beyond the part that is looked at is reached straight.
    fn path(&mut self, to: Pixel) -> Vec<Pixel> {
        let near = [0, 1].map(|i| {
            let end = (self.low[i] + self.size[i]).saturating_sub(1);
            to[i].clamp(self.low[i], end.max(self.low[i]))
        });
        let inside = [0, 1].map(|i| near[i] - self.low[i]);
        let mut path: Vec<Pixel> = self
            .wire
            .path(inside)
            .into_iter()
            .map(|p| [p[0] + self.low[0], p[1] + self.low[1]])
            .collect();
        if near != to || path.is_empty() {
            path.push(to);
        }
        path
    }
}

/// The outline of now, and what is known of it.
#[derive(Debug, Default)]
pub struct Wires {
    open: Option<Wire>,
    running: bool,
    search: Option<Box<Search>>,
}

impl Wires {
    /// The outline that is being drawn.
    pub const fn open(&self) -> Option<&Wire> {
        self.open.as_ref()
    }

    /// Whether a path is being looked for.
    pub const fn is_busy(&self) -> bool {
        self.running
    }
}

/// An answer.
#[derive(Debug)]
pub struct WireFound {
    at: WirePlace,
    leg: Leg,
    search: Option<Box<Search>>,
}

impl Workspace {
    /// Carries out what the hand does to an outline.
    pub(super) fn act_on_wire(&mut self, action: WireAction) {
        let open = &mut self.segmenting.wires.open;
        match (action, open.as_mut()) {
            (WireAction::Anchor(at, anchor), None) => *open = Some(Wire::begin(*at, anchor)),
            (WireAction::Anchor(at, anchor), Some(wire)) if wire.at == *at => wire.add(anchor),
            // What was drawn over another series is left; another slice of this one is not meant.
            (WireAction::Anchor(at, anchor), Some(wire)) if wire.at.place != at.place => {
                *open = Some(Wire::begin(*at, anchor));
            }
            (WireAction::Point(pointer), Some(wire)) => wire.pointer = pointer,
            (WireAction::Back, Some(wire)) => {
                let some_left = wire.back();
                if !some_left {
                    *open = None;
                }
            }
            (WireAction::Close { takes }, Some(wire)) => {
                // Two anchors shut nothing in that one could have meant.
                let can_shut = wire.anchors.len() > 2 && wire.closing.is_none();
                if can_shut {
                    wire.closing = Some((takes, None));
                }
            }
            (WireAction::Leave, _) => *open = None,
            _ => {}
        }
        self.follow_wire();
    }

    /// Looks for the next path, or cuts what is closed.
    fn follow_wire(&mut self) {
        let wires = &mut self.segmenting.wires;
        let Some(wire) = &wires.open else {
            if !wires.running {
                wires.search = None;
            }
            return;
        };
        if let Some((takes, outline)) = wire.closed() {
            let (at, anchors) = (wire.at.clone(), wire.anchors.len());
            wires.open = None;
            wires.search = None;
            // Only over what it was drawn on.
            if self.active == at.cell && self.segment_place(at.cell).as_ref() == Some(&at.place) {
                let wired = Wired {
                    axis: at.axis,
                    index: at.index,
                    outline,
                    anchors,
                    takes,
                    range: self.segmenting.brush.range,
                };
                self.apply_tool(SegmentTool::Wire(Box::new(wired)));
            }
            return;
        }
        if wires.running {
            return;
        }
        let Some([from, to]) = wire.wanted() else {
            return;
        };
        let at = wire.at.clone();
        let search = wires.search.take().filter(|s| s.serves(&at, from));
        let Some(viewport) = self.viewports.get(at.cell) else {
            return;
        };
        let frames = match (&search, viewport.display.as_ref()) {
            (Some(_), _) => None,
            (None, Some(display)) if viewport.segment_place().as_ref() == Some(&at.place) => {
                let shown = at.place.frame.is_some().then(|| viewport.frame_shown());
                Some(Frames::of(display, at.place.grid.size, shown))
            }
            (None, _) => return,
        };
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let look = || {
                let known = search.and_then(|s| s.anchored(&at, from));
                let mut search = match known {
                    Some(known) => known,
                    None => Search::of(&at, from, frames.as_ref()?)?,
                };
                let path = search.path(to);
                Some((path, search))
            };
            let found = diary::contain(AssertUnwindSafe(look)).unwrap_or_default();
            let (path, search) = match found {
                Some((path, search)) => (path, Some(Box::new(search))),
                // Where nothing is known of values the way is straight.
                None => (vec![from, to], None),
            };
            let leg = Leg::from(path);
            let found = Box::new(WireFound { at, leg, search });
            let _ = events.send(Event::SegmentWire(found));
            waker.wake("livewire");
        };
        if spawn_named("livewire", body).is_ok() {
            self.segmenting.wires.running = true;
        }
    }

    pub(in crate::workspace) fn take_wire(&mut self, found: WireFound) {
        let wires = &mut self.segmenting.wires;
        wires.running = false;
        wires.search = found.search;
        if let Some(wire) = wires.open.as_mut().filter(|wire| wire.at == found.at) {
            wire.take(&found.leg);
        }
        self.follow_wire();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{imaging::segment::Values, model::geometry::GridGeometry};
    use glam::{DAffine3, DVec3};

    const SIZE: [usize; 3] = [60, 50, 8];

    fn at(axis: usize, index: usize) -> WirePlace {
        let grid = GridGeometry {
            size: SIZE,
            patient_from_voxel: DAffine3::from_scale(DVec3::new(1.0, 1.0, 2.0)),
        };
        WirePlace {
            cell: 0,
            place: SegmentPlace::of_grid(grid),
            axis,
            index,
        }
    }

    /// A bright disc of radius 15 about 30, 25 in every slice.
    fn discs() -> Vec<f32> {
        (0..SIZE.iter().product())
            .map(|i: usize| {
                let (x, y) = ((i % 60) as f64, (i / 60 % 50) as f64);
                if (x - 30.0).hypot(y - 25.0) < 15.0 {
                    200.0
                } else {
                    20.0
                }
            })
            .collect()
    }

    /// Carries out what the worker would.
    fn answered(wire: &mut Wire, search: &mut Option<Search>, values: &dyn Image) -> usize {
        let mut asked = 0;
        while let Some([from, to]) = wire.wanted() {
            let known = search.take().and_then(|s| s.anchored(&wire.at, from));
            let mut now = known
                .or_else(|| Search::of(&wire.at, from, values))
                .unwrap();
            let leg = Leg::from(now.path(to));
            wire.take(&leg);
            *search = Some(now);
            asked += 1;
        }
        asked
    }

    #[test]
    fn an_outline_of_a_few_anchors_is_the_disc() {
        let values = discs();
        let image = Values::new(&values, SIZE).unwrap();
        let mut search = None;
        let mut wire = Wire::begin(at(2, 3), [30, 10]);
        for anchor in [[45, 25], [30, 40]] {
            wire.pointer = Some(anchor);
            assert_eq!(answered(&mut wire, &mut search, &image), 1);
            assert!(wire.lines().1.is_some());
            wire.add(anchor);
            // What was shown is the leg: only the way to the pointer, who stands still, is asked for.
            assert!(wire.legs.iter().all(Option::is_some));
        }
        // A click where nothing was shown yet is looked for.
        wire.pointer = None;
        wire.add([15, 25]);
        assert_eq!(wire.wanted(), Some([[30, 40], [15, 25]]));
        wire.closing = Some((false, None));
        assert!(wire.closed().is_none());
        assert_eq!(answered(&mut wire, &mut search, &image), 2);
        let (takes, outline) = wire.closed().unwrap();
        assert!(!takes && outline.len() > 80);
        let wired = Wired {
            axis: 2,
            index: 3,
            outline,
            anchors: 4,
            takes,
            range: None,
        };
        let found = wired.voxels(SIZE, None).unwrap();
        let truth = Bits::from_fn(SIZE, |[x, y, z]| {
            z == 3 && (x as f64 - 30.0).hypot(y as f64 - 25.0) < 15.0
        });
        let shared = found.shared(&truth) as f64;
        let dice = 2.0 * shared / (found.count() + truth.count()) as f64;
        assert!(dice > 0.97, "{dice}");
        let bright = Wired {
            range: Some([100.0, 300.0]),
            ..wired.clone()
        };
        let bright = bright.voxels(SIZE, Some(&image)).unwrap();
        assert_eq!(bright.shared(&truth), bright.count());
        let none = Wired {
            range: Some([0.0, 1.0]),
            ..wired
        };
        assert!(none.voxels(SIZE, None).is_none());
    }

    #[test]
    fn anchors_are_taken_away_from_the_last_one_on() {
        let values = discs();
        let image = Values::new(&values, SIZE).unwrap();
        let mut search = None;
        let mut wire = Wire::begin(at(1, 20), [10, 2]);
        wire.add([40, 2]);
        wire.add([40, 2]);
        assert_eq!(wire.anchors().len(), 2, "twice the same place is once");
        wire.pointer = Some([40, 6]);
        answered(&mut wire, &mut search, &image);
        assert_eq!(wire.lines().0.count(), 1);
        assert!(wire.back());
        assert_eq!((wire.anchors().len(), wire.lines().0.count()), (1, 0));
        // The way to the pointer begins at the anchor that is left.
        answered(&mut wire, &mut search, &image);
        assert_eq!(ends_of(wire.lines().1.unwrap()), Some([[10, 2], [40, 6]]));
        assert!(!wire.back());
        // An answer of before is not taken for one of now.
        let mut other = Wire::begin(at(1, 20), [1, 1]);
        other.take(&Leg::from(vec![[10, 2], [40, 6]]));
        assert!(other.live.is_none());
    }

    #[test]
    fn large_pictures_are_looked_at_around_the_anchor() {
        let size = [SIDE + 900, 40, 1];
        let values = vec![1.0f32; size.iter().product()];
        let image = Values::new(&values, size).unwrap();
        let place = at(2, 0);
        let mut search = Search::of(&place, [5, 20], &image).unwrap();
        assert!(!search.whole && search.low == [0, 0]);
        let far = [SIDE + 500, 20];
        let path = search.path(far);
        assert_eq!(path.last(), Some(&far));
        assert_eq!(path[path.len() - 2], [SIDE - 1, 20]);
        // From another anchor another part is looked at.
        assert!(search.anchored(&place, far).is_none());
        let search = Search::of(&place, far, &image).unwrap();
        assert_eq!(search.low[0] + search.size[0], size[0]);
    }
}
