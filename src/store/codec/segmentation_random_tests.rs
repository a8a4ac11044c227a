//! Gestures drawn by lot over several segmentations and layers: each goes through the journal's bytes, and every state
//! comes back to the bit, in whatever order they are taken back and done again.

use super::*;
use crate::model::segmentation::NotMoved;
use std::collections::BTreeMap;

/// Numbers by lot, the same every time.
struct Lot(u64);

impl Lot {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.below(all.len())])
    }
}

fn prints(kept: &Kept) -> BTreeMap<SegmentationId, [u8; 32]> {
    let all = kept.segmentations.iter();
    all.map(|(id, whole)| (id.clone(), fingerprint(whole)))
        .collect()
}

fn source() -> Arc<VoxelSource> {
    Arc::new(VoxelSource {
        tool: "lot".into(),
        ..VoxelSource::default()
    })
}

fn voxel_change(whole: &Segmentation, layer: usize, after: &Voxels) -> Option<SegmentationEdit> {
    let delta = Delta::between(whole.layers().get(layer)?, after)?;
    (!delta.is_empty()).then(|| {
        SegmentationEdit::Voxels(Arc::new(VoxelChange {
            of: whole.id.clone(),
            layer,
            delta,
            source: source(),
        }))
    })
}

/// A box of a segment's layer becomes its, or free: over others, or only where nobody is.
fn painted(whole: &Segmentation, lot: &mut Lot, number: u16) -> Vec<SegmentationEdit> {
    let layer = whole.segment(number).unwrap().layer;
    let mut after = whole.layers()[layer].clone();
    let (erases, over) = (lot.below(4) == 0, lot.below(2) == 0);
    let at: [usize; 3] = std::array::from_fn(|axis| lot.below(whole.grid.size[axis]));
    let side = 1 + lot.below(9);
    for z in at[2]..at[2] + side {
        for y in at[1]..at[1] + side {
            after.map_row([y, z], at[0]..at[0] + side, |_, now| match erases {
                true if now == number => 0,
                false if now == 0 || over => number,
                _ => now,
            });
        }
    }
    after.tidy(&after.whole());
    voxel_change(whole, layer, &after).into_iter().collect()
}

fn gone(whole: &Segmentation, number: u16) -> Vec<SegmentationEdit> {
    let mut edits: Vec<_> = whole
        .cleared(number)
        .map(|(layer, delta)| {
            SegmentationEdit::Voxels(Arc::new(VoxelChange {
                of: whole.id.clone(),
                layer,
                delta,
                source: source(),
            }))
        })
        .into_iter()
        .collect();
    edits.push(SegmentationEdit::Segment {
        of: whole.id.clone(),
        from: whole.segment(number).cloned().map(Box::new),
        to: None,
    });
    edits
}

/// One segment takes in what another one has, and that one is gone.
fn merged(whole: &Segmentation, number: u16, other: u16) -> Vec<SegmentationEdit> {
    let (to, from) = (
        whole.segment(number).unwrap(),
        whole.segment(other).unwrap(),
    );
    let theirs = whole.layers()[from.layer].clone();
    let mut left = theirs.clone();
    let same = to.layer == from.layer;
    let mut own = whole.layers()[to.layer].clone();
    for z in 0..whole.grid.size[2] {
        for y in 0..whole.grid.size[1] {
            let columns = 0..whole.grid.size[0];
            left.map_row([y, z], columns.clone(), |_, now| match now == other {
                true => 0,
                false => now,
            });
            own.map_row([y, z], columns, |x, now| {
                match theirs.get([x, y, z]) == other && (now == 0 || now == other) {
                    true => number,
                    false => now,
                }
            });
        }
    }
    for voxels in [&mut left, &mut own] {
        let part = voxels.whole();
        voxels.tidy(&part);
    }
    let mut edits = Vec::new();
    if !same {
        edits.extend(voxel_change(whole, from.layer, &left));
    }
    edits.extend(voxel_change(whole, to.layer, &own));
    edits.push(SegmentationEdit::Segment {
        of: whole.id.clone(),
        from: Some(Box::new(from.clone())),
        to: None,
    });
    edits
}

/// A gesture; `None` where the lot fell on nothing that can be done.
fn gesture(kept: &Kept, lot: &mut Lot, made: &mut usize) -> Option<Vec<SegmentationEdit>> {
    let wholes: Vec<&Segmentation> = kept.segmentations.values().collect();
    let kind = lot.below(40);
    if wholes.is_empty() || kind == 0 && wholes.len() < 3 {
        *made += 1;
        let new = bare(&format!("2.25.{made}"), [18, 15, 7]);
        return Some(vec![SegmentationEdit::Put(Arc::new(new))]);
    }
    let whole = lot.of(&wholes)?;
    let numbers: Vec<u16> = whole.segments().map(|s| s.number).collect();
    let chosen = lot.of(&numbers);
    let edits = match kind {
        1 => whole.edits_away(&source()),
        2..=6 if whole.len() < 9 => {
            let segment = Segment {
                layer: lot.below(5),
                ..Segment::new(whole.free_number()?, "new")
            };
            vec![SegmentationEdit::Segment {
                of: whole.id.clone(),
                from: None,
                to: Some(Box::new(segment)),
            }]
        }
        7..=9 => gone(whole, chosen?),
        10..=15 => {
            let layer = lot.below(5);
            match whole.edits_to_layer(chosen?, layer, &source()) {
                Ok(edits) => edits,
                Err(NotMoved::Overlaps(other)) => {
                    assert_eq!(whole.segment(other).unwrap().layer, layer);
                    return None;
                }
                Err(_) => return None,
            }
        }
        16..=18 => {
            let from = whole.segment(chosen?)?;
            let to = Segment {
                label: format!("name {}", lot.below(99)),
                state: SegmentState::ALL[lot.below(4)],
                probability: (lot.below(2) == 0).then(|| lot.below(100) as f64 / 100.0),
                ..from.clone()
            };
            vec![SegmentationEdit::Segment {
                of: whole.id.clone(),
                from: Some(Box::new(from.clone())),
                to: Some(Box::new(to)),
            }]
        }
        19..=20 => vec![SegmentationEdit::Title {
            of: whole.id.clone(),
            from: whole.title.clone(),
            to: format!("title {}", lot.below(99)),
        }],
        21..=23 => {
            let other = lot.of(&numbers)?;
            match chosen? == other {
                true => return None,
                false => merged(whole, chosen?, other),
            }
        }
        _ => painted(whole, lot, chosen?),
    };
    (!edits.is_empty()).then_some(edits)
}

#[test]
fn whatever_is_done_in_layers_comes_back_to_the_bit() {
    let mut kinds = BTreeMap::new();
    let mut most_layers = 0;
    for seed in 0..6 {
        let mut lot = Lot(seed);
        let (mut kept, mut made) = (Kept::default(), 0);
        let (mut done, mut undone): (Vec<Vec<Edit>>, Vec<Vec<Edit>>) = Default::default();
        let mut states = vec![prints(&kept)];
        for _ in 0..700 {
            match lot.below(4) {
                0 | 1 => {
                    let Some(edits) = gesture(&kept, &mut lot, &mut made) else {
                        continue;
                    };
                    let edits: Vec<Edit> = edits.into_iter().map(Edit::Segmentation).collect();
                    assert_eq!(check_gesture(&edits), Ok(()));
                    let read = decode(&encode(&commit(edits.clone()))).unwrap();
                    assert_eq!(read.edits, edits);
                    kept.apply_all(&read.edits).unwrap();
                    let whole = kept.segmentations.values().map(|s| s.layers().len());
                    most_layers = most_layers.max(whole.max().unwrap_or(0));
                    *kinds.entry(edits.len().min(4)).or_insert(0) += 1;
                    undone.clear();
                    done.push(edits);
                    states.truncate(done.len());
                    states.push(prints(&kept));
                }
                2 => {
                    for _ in 0..=lot.below(6) {
                        let Some(edits) = done.pop() else { break };
                        let back: Vec<Edit> = edits.iter().rev().map(Edit::inverse).collect();
                        kept.apply_all(&back).unwrap();
                        undone.push(edits);
                    }
                }
                _ => {
                    for _ in 0..=lot.below(6) {
                        let Some(edits) = undone.pop() else { break };
                        kept.apply_all(&edits).unwrap();
                        done.push(edits);
                    }
                }
            }
            assert_eq!(prints(&kept), states[done.len()]);
            for whole in kept.segmentations.values() {
                let needed = whole.segments().map(|s| s.layer + 1).max().unwrap_or(1);
                assert_eq!(whole.layers().len(), needed, "as many layers as are needed");
            }
        }
        // Whoever makes the same edits on nothing gets the same, and all of it goes away again.
        let mut again = Kept::default();
        for edits in &done {
            again.apply_all(edits).unwrap();
        }
        assert_eq!(prints(&again), prints(&kept));
        while let Some(edits) = done.pop() {
            let back: Vec<Edit> = edits.iter().rev().map(Edit::inverse).collect();
            kept.apply_all(&back).unwrap();
        }
        assert_eq!(kept, Kept::default());
    }
    assert!(
        most_layers >= 4 && kinds.len() >= 3,
        "{most_layers} {kinds:?}"
    );
}
