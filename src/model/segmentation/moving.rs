//! A segment goes to another layer, with its voxels.

use super::{
    Segmentation, SegmentationEdit, VoxelSource, Voxels,
    change::{MAX_LAYERS, layer_edits},
};
use std::sync::Arc;

/// Why a segment stays in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    /// There is no such segment.
    #[error("there is no such segment")]
    Missing,
    /// It is in this layer, or no layer has this number.
    #[error("the segment is there already, or there can be no such layer")]
    Layer,
    /// Another segment of that layer has one of its voxels.
    #[error("it overlaps segment {0} of that layer")]
    Overlaps(u16),
}

impl Segmentation {
    /// The edits that bring a segment to another layer, from 0; one step together. A layer that is not there yet is made.
    ///
    /// # Errors
    /// [`NotMoved`]; then there is nothing to do.
    pub fn edits_to_layer(
        &self,
        number: u16,
        layer: usize,
        source: &Arc<VoxelSource>,
    ) -> Result<Vec<SegmentationEdit>, NotMoved> {
        let from = self.segment(number).ok_or(NotMoved::Missing)?;
        if layer == from.layer || layer >= MAX_LAYERS {
            return Err(NotMoved::Layer);
        }
        let blank = Voxels::new(self.grid.size);
        let here = self.layers().get(from.layer).unwrap_or(&blank);
        let there = self.layers().get(layer).unwrap_or(&blank);
        let (left, joined) = here
            .handed_over(number, there)
            .map_err(NotMoved::Overlaps)?;
        let mut edits = Vec::new();
        layer_edits((&self.id, from.layer), (here, &left), source, &mut edits);
        let mut to = from.clone();
        to.layer = layer;
        edits.push(SegmentationEdit::Segment {
            of: self.id.clone(),
            from: Some(Box::new(from.clone())),
            to: Some(Box::new(to)),
        });
        layer_edits((&self.id, layer), (there, &joined), source, &mut edits);
        Ok(edits)
    }

    /// The layers that a segment could go to, from the one after its own on and round to the one before it: those that
    /// are there, and a new one behind them unless it is alone in the last.
    pub fn other_layers(&self, number: u16) -> Vec<usize> {
        let Some(own) = self.segment(number).map(|s| s.layer) else {
            return Vec::new();
        };
        let count = self.layers().len();
        let alone = !self
            .segments()
            .any(|s| s.layer == own && s.number != number);
        let new = usize::from(count < MAX_LAYERS && !(alone && own + 1 == count));
        let after = own + 1..count + new;
        after.chain(0..own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        edit::{Edit, Kept},
        geometry::GridGeometry,
        segmentation::{Painter, Segment, SegmentationId},
    };
    use glam::DAffine3;

    fn put(kept: &mut Kept, number: u16, layer: usize) {
        let edit = SegmentationEdit::Segment {
            of: SegmentationId("2.25.7".into()),
            from: None,
            to: Some(Box::new(Segment {
                layer,
                ..Segment::new(number, "s")
            })),
        };
        kept.apply(&Edit::Segmentation(edit)).unwrap();
    }

    fn painted(kept: &mut Kept, number: u16, columns: std::ops::Range<usize>) {
        let whole = kept.segmentations.values_mut().next().unwrap();
        let layer = whole.segment(number).unwrap().layer;
        let mut painter = Painter::new(whole.layer_mut(layer).unwrap());
        painter.map_row([20, 3], columns, |_, _| number);
    }

    fn kept() -> Kept {
        let grid = GridGeometry {
            size: [70, 40, 20],
            patient_from_voxel: DAffine3::IDENTITY,
        };
        let whole = Segmentation::new(SegmentationId("2.25.7".into()), grid);
        let mut kept = Kept::default();
        let edit = SegmentationEdit::Put(Arc::new(whole));
        kept.apply(&Edit::Segmentation(edit)).unwrap();
        for (number, layer) in [(1, 0), (2, 0), (3, 1)] {
            put(&mut kept, number, layer);
        }
        painted(&mut kept, 1, 3..20);
        painted(&mut kept, 2, 20..40);
        painted(&mut kept, 3, 30..60);
        kept
    }

    fn only(kept: &Kept) -> &Segmentation {
        kept.segmentations.values().next().unwrap()
    }

    #[test]
    fn a_segment_goes_where_there_is_room_and_comes_back_to_the_bit() {
        let before = kept();
        let source = VoxelSource::restored();
        let refused = |number, layer| {
            let edits = only(&before).edits_to_layer(number, layer, &source);
            edits.unwrap_err()
        };
        assert_eq!(refused(2, 1), NotMoved::Overlaps(3));
        assert_eq!(refused(3, 0), NotMoved::Overlaps(2));
        assert_eq!(refused(1, 0), NotMoved::Layer);
        assert_eq!(refused(1, MAX_LAYERS), NotMoved::Layer);
        assert_eq!(refused(9, 1), NotMoved::Missing);
        for (number, layer) in [(1, 1), (2, 2), (3, 2), (1, 5)] {
            let mut now = before.clone();
            let edits = only(&now).edits_to_layer(number, layer, &source).unwrap();
            let edits: Vec<Edit> = edits.into_iter().map(Edit::Segmentation).collect();
            now.apply_all(&edits).unwrap();
            let whole = only(&now);
            assert_eq!(whole.segment(number).unwrap().layer, layer);
            for x in 0..70 {
                let at = [x, 20, 3];
                let was = only(&before).contains(number, at);
                assert_eq!(whole.contains(number, at), was);
            }
            now.take_back(&edits);
            assert_eq!(now, before);
        }
    }

    #[test]
    fn layers_are_offered_in_turn() {
        let kept = kept();
        let whole = only(&kept);
        assert_eq!(whole.other_layers(1), [1, 2]);
        // Alone in the last layer: a new one would be the same.
        assert_eq!(whole.other_layers(3), [0]);
        assert!(whole.other_layers(9).is_empty());
    }

    /// A layer in the middle loses its only segment, then the last one goes: all of it comes back.
    #[test]
    fn layers_without_a_segment_come_back() {
        let source = VoxelSource::restored();
        let mut kept = kept();
        put(&mut kept, 4, 2);
        painted(&mut kept, 4, 0..70);
        let full = kept.clone();
        let mut done = Vec::new();
        let gone = |kept: &mut Kept, number: u16, done: &mut Vec<Edit>| {
            let whole = only(kept);
            let (layer, delta) = whole.cleared(number).unwrap();
            let change = crate::model::segmentation::VoxelChange {
                of: whole.id.clone(),
                layer,
                delta,
                source: Arc::clone(&source),
            };
            let from = whole.segment(number).cloned().map(Box::new);
            let of = whole.id.clone();
            for edit in [
                SegmentationEdit::Voxels(Arc::new(change)),
                SegmentationEdit::Segment { of, from, to: None },
            ] {
                let edit = Edit::Segmentation(edit);
                kept.apply(&edit).unwrap();
                done.push(edit);
            }
        };
        gone(&mut kept, 3, &mut done);
        assert_eq!(
            only(&kept).layers().len(),
            3,
            "the last layer has a segment"
        );
        gone(&mut kept, 4, &mut done);
        assert_eq!(only(&kept).layers().len(), 1);
        for edit in done.iter().rev() {
            kept.apply(&edit.inverse()).unwrap();
        }
        assert_eq!(kept, full);
        kept.apply_all(&done).unwrap();
        assert_eq!(only(&kept).len(), 2);
    }
}
