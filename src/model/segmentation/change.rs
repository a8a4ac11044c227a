//! Changes of a segmentation as the journal keeps them: which voxels, and who or what changed them.

use super::{
    Delta, Segment, Segmentation, SegmentationId, Voxels,
    voxels::{BRICK, EDGE},
};
use crate::model::{annotation::Author, edit::EditConflict};
use std::{collections::BTreeSet, sync::Arc};

/// Most voxels of a grid: 2048 x 2048 x 1024.
pub const MAX_VOXELS: usize = 1 << 32;

/// Most layers: each is looked up where segments are drawn.
pub const MAX_LAYERS: usize = 64;

/// Bricks whose change is one edit, where a whole layer is written down: at most 16 MB of runs.
const BRICKS_AT_ONCE: usize = 512;

/// Where voxels come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VoxelSource {
    /// Stable name of what changed them: `brush`, `grow`, a command.
    pub tool: String,
    /// What it was told: a radius, a range of values, where somebody pointed. Empty for nothing.
    pub prompt: String,
    /// Who, or which network.
    pub by: Author,
    /// When, milliseconds since 1970 UTC; 0 when unknown.
    pub at_ms: i64,
}

/// A change of voxels of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoxelChange {
    /// Which segmentation.
    pub of: SegmentationId,
    /// Which layer.
    pub layer: usize,
    /// What changed.
    pub delta: Delta,
    /// Where it comes from; shared with the change that takes it back.
    pub source: Arc<VoxelSource>,
}

impl VoxelSource {
    /// What was kept and comes back, from no tool.
    pub fn restored() -> Arc<Self> {
        Arc::new(Self {
            tool: "restore".into(),
            ..Self::default()
        })
    }
}

/// Whether a grid has voxels, and not more than can be kept.
pub fn is_possible(size: [usize; 3]) -> bool {
    let most = |a: usize, b: usize| a.checked_mul(b).filter(|n| *n <= MAX_VOXELS);
    let voxels = most(size[0], size[1]).and_then(|n| most(n, size[2]));
    // A grid of thin needles would take a brick for every few voxels.
    let bricks = || size.map(|n| n.div_ceil(EDGE)).iter().product::<usize>();
    !size.contains(&0) && voxels.is_some() && bricks() <= 4 * MAX_VOXELS / BRICK
}

impl VoxelChange {
    /// The change that takes this one back. Nothing is copied but the id.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            delta: self.delta.inverse(),
            ..self.clone()
        }
    }

    /// The numbers that voxels had or got, without 0.
    pub fn numbers(&self) -> BTreeSet<u16> {
        let mut numbers = BTreeSet::new();
        let mut last = (0, 0);
        for run in self.delta.runs().map_while(Result::ok) {
            if last != (run.from, run.to) {
                last = (run.from, run.to);
                numbers.extend([run.from, run.to]);
            }
        }
        numbers.remove(&0);
        numbers
    }

    /// Memory that it owns, bytes.
    pub fn held_bytes(&self) -> usize {
        let author = match &self.source.by {
            Author::Person(name) | Author::Foreign(name) => name.capacity(),
            Author::Model { id, version } => id.capacity() + version.capacity(),
        };
        size_of::<Self>()
            + size_of::<VoxelSource>()
            + self.of.0.capacity()
            + self.delta.held_bytes()
            + self.source.tool.capacity()
            + self.source.prompt.capacity()
            + author
    }
}

/// One change of a segmentation. A part of [`crate::model::edit::Edit`], and invertible like it.
///
/// Must stay true, in every state that edits make: a voxel that is not 0 has the number of a segment of its layer, and
/// there are as many layers as the last segment needs (layers before it may be without one). So whatever an edit does its inverse takes back to the bit.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentationEdit {
    /// A segmentation is there, without segments and voxels: those are edits of their own, each of bounded size.
    Put(Arc<Segmentation>),
    /// It is gone, after all that was in it.
    Drop(Arc<Segmentation>),
    /// A segment is there, is gone or is another one.
    Segment {
        /// Of which segmentation.
        of: SegmentationId,
        /// Before; `None` where there was none.
        from: Option<Box<Segment>>,
        /// After; of the same number.
        to: Option<Box<Segment>>,
    },
    /// Voxels changed.
    Voxels(Arc<VoxelChange>),
    /// It has another title.
    Title {
        /// Of which segmentation.
        of: SegmentationId,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
}

impl SegmentationEdit {
    /// The edit that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::Put(whole) => Self::Drop(whole),
            Self::Drop(whole) => Self::Put(whole),
            Self::Segment { of, from, to } => Self::Segment {
                of,
                from: to,
                to: from,
            },
            Self::Voxels(change) => Self::Voxels(Arc::new(change.inverse())),
            Self::Title { of, from, to } => Self::Title {
                of,
                from: to,
                to: from,
            },
        }
    }

    /// Which segmentation it concerns.
    pub fn of(&self) -> &SegmentationId {
        match self {
            Self::Put(whole) | Self::Drop(whole) => &whole.id,
            Self::Segment { of, .. } | Self::Title { of, .. } => of,
            Self::Voxels(change) => &change.of,
        }
    }

    /// Memory that it owns, bytes.
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Put(whole) | Self::Drop(whole) => {
                let segments = whole.segments().map(Segment::held_bytes);
                size_of::<Segmentation>() + segments.sum::<usize>() + whole.held_bytes()
            }
            Self::Segment { of, from, to } => {
                let both = [from, to].into_iter().flatten();
                of.0.capacity() + both.map(|s| s.held_bytes()).sum::<usize>()
            }
            Self::Voxels(change) => change.held_bytes(),
            Self::Title { of, from, to } => of.0.capacity() + from.capacity() + to.capacity(),
        }
    }
}

impl Segment {
    /// Memory that it takes, bytes: itself and all that it owns.
    pub fn held_bytes(&self) -> usize {
        use super::SegmentOrigin as Origin;
        let code = |c: &crate::model::annotation::Code| {
            c.value.capacity() + c.scheme.capacity() + c.meaning.capacity()
        };
        let codes = [&self.category, &self.property_type, &self.anatomic_region];
        let origin = match &self.origin {
            Origin::Manual => 0,
            Origin::SemiAutomatic { algorithm, version } => {
                algorithm.capacity() + version.capacity()
            }
            Origin::Automatic {
                algorithm,
                version,
                sha256,
            } => algorithm.capacity() + version.capacity() + sha256.capacity(),
        };
        size_of::<Self>()
            + self.label.capacity()
            + codes.into_iter().flatten().map(code).sum::<usize>()
            + origin
            + self.by.capacity()
            + self.tracking_uid.capacity()
    }

    /// Whether nothing differs but whether it is locked or hidden.
    pub fn same_but_for_flags(&self, other: &Self) -> bool {
        let flags = Self {
            locked: other.locked,
            hidden: other.hidden,
            ..self.clone()
        };
        flags == *other
    }
}

impl Segmentation {
    /// Whether there is nothing in it: as [`Segmentation::new`] makes it.
    pub fn is_bare(&self) -> bool {
        match self.layers() {
            [only] => self.is_empty() && only.size() == self.grid.size && only.is_blank(),
            _ => false,
        }
    }

    /// Whether its grid is one that can be kept: with voxels, and not more than [`MAX_VOXELS`].
    pub fn has_possible_grid(&self) -> bool {
        is_possible(self.grid.size) && self.grid.patient_from_voxel.is_finite()
    }

    /// Carries an edit of a segment out.
    pub(in crate::model) fn change_segment(
        &mut self,
        from: Option<&Segment>,
        to: Option<&Segment>,
    ) -> Result<(), EditConflict> {
        let number = match (from, to) {
            (Some(a), Some(b)) if a.number != b.number => return Err(EditConflict::Stale),
            (Some(one), _) | (None, Some(one)) => one.number,
            (None, None) => return Err(EditConflict::Missing),
        };
        match (self.segment(number), from) {
            (None, Some(_)) => return Err(EditConflict::Missing),
            (Some(_), None) => return Err(EditConflict::Exists),
            (found, from) if found != from => return Err(EditConflict::Stale),
            _ => {}
        }
        // A segment leaves its layer, or the state, without voxels: their change is an edit of its own.
        let left = from.filter(|from| to.is_none_or(|to| to.layer != from.layer));
        if left.is_some_and(|s| self.layers().get(s.layer).is_some_and(|l| l.has(number))) {
            return Err(EditConflict::Stale);
        }
        match to {
            Some(to) => {
                if to.layer >= MAX_LAYERS || !self.put_segment(to.clone()) {
                    return Err(EditConflict::Stale);
                }
            }
            None => {
                self.remove_segment(number);
            }
        }
        // Only a segment that leaves the last layer can leave it to nobody.
        let last = self.layers().len() - 1;
        if last > 0 && left.is_some_and(|from| from.layer == last) {
            self.drop_unused_layers();
        }
        Ok(())
    }

    /// Carries another title out.
    pub(in crate::model) fn change_title(
        &mut self,
        from: &str,
        to: &str,
    ) -> Result<(), EditConflict> {
        if self.title != from {
            return Err(EditConflict::Stale);
        }
        to.clone_into(&mut self.title);
        Ok(())
    }

    /// Carries a change of voxels out.
    pub(in crate::model) fn change_voxels(
        &mut self,
        change: &VoxelChange,
    ) -> Result<(), EditConflict> {
        let of_layer = |n: &u16| self.segment(*n).is_some_and(|s| s.layer == change.layer);
        if !change.numbers().iter().all(of_layer) {
            return Err(EditConflict::Missing);
        }
        self.apply(change.layer, &change.delta)
            .map_err(|_| EditConflict::Stale)
    }

    /// The edits that make this of nothing, or of another state of it, with voxels from a source. Each is small enough
    /// to be kept.
    pub fn edits_from(
        &self,
        before: Option<&Self>,
        source: &Arc<VoxelSource>,
    ) -> Vec<SegmentationEdit> {
        let mut edits = Vec::new();
        let moved = |other: &Self| {
            other.grid != self.grid
                || other.frame != self.frame
                || other.segments().any(|s| {
                    let mine = self.segment(s.number);
                    mine.is_some_and(|mine| mine.layer != s.layer)
                })
        };
        let before = match before {
            Some(other) if moved(other) => {
                edits.extend(other.edits_away(source));
                None
            }
            other => other,
        };
        let mut plain = self.clone();
        plain.clear();
        let blank = match before {
            Some(before) => before,
            None => {
                edits.push(SegmentationEdit::Put(Arc::new(plain.clone())));
                &plain
            }
        };
        let segment = |from: Option<&Segment>, to: Option<&Segment>| SegmentationEdit::Segment {
            of: self.id.clone(),
            from: from.cloned().map(Box::new),
            to: to.cloned().map(Box::new),
        };
        if blank.title != self.title {
            edits.push(SegmentationEdit::Title {
                of: self.id.clone(),
                from: blank.title.clone(),
                to: self.title.clone(),
            });
        }
        // In the order of layers, so that each is made once.
        let mut mine: Vec<&Segment> = self.segments().collect();
        mine.sort_by_key(|s| s.layer);
        for to in mine {
            let from = blank.segment(to.number);
            if from != Some(to) {
                edits.push(segment(from, Some(to)));
            }
        }
        self.voxel_edits(blank, source, &mut edits);
        for gone in blank
            .segments()
            .filter(|s| self.segment(s.number).is_none())
        {
            edits.push(segment(Some(gone), None));
        }
        edits
    }

    /// The edits that take this away, voxels first, so that none is large.
    pub fn edits_away(&self, source: &Arc<VoxelSource>) -> Vec<SegmentationEdit> {
        let mut bare = self.clone();
        bare.clear();
        let mut edits = self.edits_from(Some(&bare), source);
        edits.reverse();
        let mut edits: Vec<_> = edits.iter().map(SegmentationEdit::inverse).collect();
        edits.push(SegmentationEdit::Drop(Arc::new(bare)));
        edits
    }

    fn voxel_edits(
        &self,
        before: &Self,
        source: &Arc<VoxelSource>,
        edits: &mut Vec<SegmentationEdit>,
    ) {
        let blank = Voxels::new(self.grid.size);
        let count = self.layers().len().max(before.layers().len());
        for layer in 0..count {
            let was = before.layers().get(layer).unwrap_or(&blank);
            let is = self.layers().get(layer).unwrap_or(&blank);
            layer_edits((&self.id, layer), (was, is), source, edits);
        }
    }
}

/// The edits that make a layer of another one, each of bounded size.
pub(super) fn layer_edits(
    (of, layer): (&SegmentationId, usize),
    (was, is): (&Voxels, &Voxels),
    source: &Arc<VoxelSource>,
    edits: &mut Vec<SegmentationEdit>,
) {
    let mut first = 0;
    while first < is.brick_count() {
        let end = (first + BRICKS_AT_ONCE).min(is.brick_count());
        let delta = Delta::between_bricks(was, is, first..end);
        first = end;
        let Some(delta) = delta.filter(|delta| !delta.is_empty()) else {
            continue;
        };
        edits.push(SegmentationEdit::Voxels(Arc::new(VoxelChange {
            of: of.clone(),
            layer,
            delta,
            source: Arc::clone(source),
        })));
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
