//! Segmentations: which voxels of a grid belong to what, as DICOM names it (PS3.3 C.8.20), where each segment comes
//! from, and how they change.
//!
//! A segmentation has layers, each with a number for every voxel; segments of one layer exclude each other, segments
//! of different layers may overlap. The number in the layer is that of the segment, so up to 65,535 of them fit.

pub mod change;
pub mod delta;
pub mod exchange;
mod moving;
pub mod rows;
pub mod voxels;

pub use change::{SegmentationEdit, VoxelChange, VoxelSource};
pub use delta::{Delta, DeltaError, Painter};
pub use moving::NotMoved;
pub use rows::RowRun;
pub use voxels::{VoxelBox, Voxels};

use super::{annotation::Code, geometry::GridGeometry, labels::color_of};
use std::collections::BTreeMap;

/// Most segments: the number is of 16 bits and 0 is "nothing".
pub const MAX_SEGMENTS: usize = 65_535;

/// Identity of a segmentation, a UID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentationId(pub String);

/// How far somebody stands behind a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SegmentState {
    /// A network or a tool made it, and nobody has looked at it.
    Proposed,
    /// Somebody took it as it was proposed.
    Accepted,
    /// Somebody made or changed it.
    #[default]
    Edited,
    /// Somebody said that it is wrong. It is kept, and not drawn.
    Rejected,
}

impl SegmentState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Proposed, Self::Accepted, Self::Edited, Self::Rejected];

    /// Stable name, as in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Edited => "edited",
            Self::Rejected => "rejected",
        }
    }

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Segment Algorithm Type (0062,0008), and with which algorithm (PS3.3 section 10.16).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum SegmentOrigin {
    /// MANUAL: by hand alone.
    #[default]
    Manual,
    /// SEMIAUTOMATIC: by a tool that was shown where.
    SemiAutomatic {
        /// Name of the tool.
        algorithm: String,
        /// Version of the program.
        version: String,
    },
    /// AUTOMATIC: by a network or a program.
    Automatic {
        /// Registry id of the model, or what a file names.
        algorithm: String,
        /// Its version.
        version: String,
        /// SHA-256 of its weights; empty when unknown.
        sha256: String,
    },
}

/// What belongs together under one name (Segment Sequence, 0062,0002).
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Segment Number (0062,0004), from 1.
    pub number: u16,
    /// Segment Label (0062,0005).
    pub label: String,
    /// Segmented Property Category (0062,0003).
    pub category: Option<Code>,
    /// Segmented Property Type (0062,000F).
    pub property_type: Option<Code>,
    /// Anatomic Region (0008,2218).
    pub anatomic_region: Option<Code>,
    /// sRGB colour.
    pub color: [u8; 3],
    /// Which layer its voxels are in.
    pub layer: usize,
    /// No tool changes its voxels.
    pub locked: bool,
    /// Not drawn.
    pub hidden: bool,
    /// How far somebody stands behind it.
    pub state: SegmentState,
    /// How it was made.
    pub origin: SegmentOrigin,
    /// Who set the state; empty when nobody gave a name.
    pub by: String,
    /// When, milliseconds since 1970 UTC; 0 when unknown.
    pub changed_ms: i64,
    /// Tracking UID (0062,0021): the same thing in other objects; empty for none.
    pub tracking_uid: String,
    /// How sure the network was that made it, from 0 to 1, as it says it; `None` where nobody said.
    pub probability: Option<f64>,
}

impl Segment {
    /// A segment by hand, in the first layer, in the colour that its number has where nobody chose one.
    pub fn new(number: u16, label: impl Into<String>) -> Self {
        Self {
            number,
            label: label.into(),
            category: None,
            property_type: None,
            anatomic_region: None,
            // Colours of numbers repeat after 255; 0 is nobody's.
            color: color_of((number.saturating_sub(1) % 255 + 1) as u8),
            layer: 0,
            locked: false,
            hidden: false,
            state: SegmentState::Edited,
            origin: SegmentOrigin::Manual,
            by: String::new(),
            changed_ms: 0,
            tracking_uid: String::new(),
            probability: None,
        }
    }

    /// Whether it is drawn.
    pub const fn is_drawn(&self) -> bool {
        !self.hidden && !matches!(self.state, SegmentState::Rejected)
    }
}

/// Which voxels of a series belong to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Segmentation {
    /// Identity; becomes the SOP Instance UID when it leaves for the first time.
    pub id: SegmentationId,
    /// Series Description or Content Label.
    pub title: String,
    /// Study Instance UID of the pictures.
    pub study_uid: String,
    /// Series Instance UID of the pictures.
    pub series_uid: String,
    /// Frame of Reference UID; empty when the pictures name none.
    pub frame_of_reference_uid: String,
    /// The one frame that it lies on, where the pictures are no volume: SOP Instance UID, and number from 1.
    pub frame: Option<(String, u32)>,
    /// Where its voxels lie. May differ from the grid of the pictures.
    pub grid: GridGeometry,
    segments: BTreeMap<u16, Segment>,
    layers: Vec<Voxels>,
}

impl Segmentation {
    /// Without segments, with one layer of zeros.
    pub fn new(id: SegmentationId, grid: GridGeometry) -> Self {
        Self {
            id,
            title: String::new(),
            study_uid: String::new(),
            series_uid: String::new(),
            frame_of_reference_uid: String::new(),
            frame: None,
            grid,
            segments: BTreeMap::new(),
            layers: vec![Voxels::new(grid.size)],
        }
    }

    /// The segments by number.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.values()
    }

    /// How many segments there are.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// A segment.
    pub fn segment(&self, number: u16) -> Option<&Segment> {
        self.segments.get(&number)
    }

    /// The least number that no segment has; `None` when all are taken.
    pub fn free_number(&self) -> Option<u16> {
        (1..=u16::MAX).find(|number| !self.segments.contains_key(number))
    }

    /// Puts a segment in, in place of the one with its number, and makes its layer and those before it where there are
    /// none yet. Number 0 is refused, and layers beyond the next one and [`change::MAX_LAYERS`].
    pub fn put_segment(&mut self, segment: Segment) -> bool {
        let next = self.layers.len();
        if segment.number == 0 || segment.layer > next && segment.layer >= change::MAX_LAYERS {
            return false;
        }
        if segment.layer >= next {
            let size = self.grid.size;
            self.layers
                .resize_with(segment.layer + 1, || Voxels::new(size));
        }
        self.segments.insert(segment.number, segment);
        true
    }

    /// Takes a segment out. Its voxels are the caller's: [`Segmentation::cleared`] is the change that empties them.
    pub fn remove_segment(&mut self, number: u16) -> Option<Segment> {
        self.segments.remove(&number)
    }

    /// Without segments and voxels: as [`Segmentation::new`], with the same names and the same place.
    pub fn clear(&mut self) {
        self.segments.clear();
        self.layers = vec![Voxels::new(self.grid.size)];
    }

    /// Takes layers away that stand behind the last one with a segment; the first one stays.
    fn drop_unused_layers(&mut self) {
        let last = self.segments.values().map(|s| s.layer).max().unwrap_or(0);
        self.layers.truncate(last + 1);
    }

    /// The layers.
    pub fn layers(&self) -> &[Voxels] {
        &self.layers
    }

    /// A layer to paint in.
    pub fn layer_mut(&mut self, layer: usize) -> Option<&mut Voxels> {
        self.layers.get_mut(layer)
    }

    /// Puts numbers in place of a layer, or behind the last one; refused when the size differs.
    pub fn set_layer(&mut self, layer: usize, voxels: Voxels) -> bool {
        if voxels.size() != self.grid.size || layer > self.layers.len() {
            return false;
        }
        match self.layers.get_mut(layer) {
            Some(slot) => *slot = voxels,
            None => self.layers.push(voxels),
        }
        true
    }

    /// Carries a change of a layer out, or says why it does not fit; then nothing changed.
    ///
    /// # Errors
    /// [`DeltaError`]; [`DeltaError::Size`] when there is no such layer.
    pub fn apply(&mut self, layer: usize, delta: &Delta) -> Result<(), DeltaError> {
        let layer = self.layers.get_mut(layer).ok_or(DeltaError::Size)?;
        layer.apply(delta)
    }

    /// The change that empties a segment.
    pub fn cleared(&self, number: u16) -> Option<(usize, Delta)> {
        let layer = self.segment(number)?.layer;
        let mut voxels = self.layers.get(layer)?.clone();
        let bounds = voxels.bounds(Some(number))?;
        let mut painter = Painter::new(&mut voxels);
        for z in bounds.range(2) {
            for y in bounds.range(1) {
                painter.map_row([y, z], bounds.range(0), |_, now| match now == number {
                    true => 0,
                    false => now,
                });
            }
        }
        Some((layer, painter.finish()))
    }

    /// Whether a voxel belongs to a segment.
    pub fn contains(&self, number: u16, at: [usize; 3]) -> bool {
        let layer = self.segment(number).and_then(|s| self.layers.get(s.layer));
        layer.is_some_and(|layer| layer.get(at) == number)
    }

    /// Memory of the voxels, bytes.
    pub fn held_bytes(&self) -> usize {
        self.layers.iter().map(Voxels::held_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DAffine3;

    #[test]
    fn a_segment_is_emptied_and_comes_back() {
        let grid = GridGeometry {
            size: [30, 20, 10],
            patient_from_voxel: DAffine3::IDENTITY,
        };
        let mut segmentation = Segmentation::new(SegmentationId("2.25.1".into()), grid);
        assert!(!segmentation.put_segment(Segment::new(0, "nothing")));
        assert_eq!(segmentation.free_number(), Some(1));
        assert!(segmentation.put_segment(Segment::new(1, "liver")));
        let mut second = Segment::new(2, "vessel");
        second.layer = 1;
        assert!(segmentation.put_segment(second));
        assert_eq!(segmentation.layers().len(), 2);
        for (layer, number) in [(0, 1), (1, 2)] {
            let mut painter = Painter::new(segmentation.layer_mut(layer).unwrap());
            painter.map_row([5, 5], 2..25, |_, _| number);
            assert_eq!(painter.finish().changed(), 23);
        }
        assert!(segmentation.contains(1, [10, 5, 5]) && segmentation.contains(2, [10, 5, 5]));
        let (layer, delta) = segmentation.cleared(1).unwrap();
        segmentation.apply(layer, &delta).unwrap();
        assert!(!segmentation.contains(1, [10, 5, 5]) && segmentation.contains(2, [10, 5, 5]));
        segmentation.apply(layer, &delta.inverse()).unwrap();
        assert!(segmentation.contains(1, [10, 5, 5]));
    }

    #[test]
    fn states_are_found_by_their_names() {
        for state in SegmentState::ALL {
            assert_eq!(SegmentState::named(state.name()), Some(state));
        }
    }
}
