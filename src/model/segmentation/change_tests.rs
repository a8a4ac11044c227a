use super::*;
use crate::model::{
    edit::{Edit, Kept},
    geometry::GridGeometry,
    segmentation::Painter,
};
use glam::DAffine3;

fn bare(size: [usize; 3]) -> Segmentation {
    let grid = GridGeometry {
        size,
        patient_from_voxel: DAffine3::IDENTITY,
    };
    Segmentation::new(SegmentationId("2.25.7".into()), grid)
}

fn segment(number: u16, layer: usize) -> Segment {
    Segment {
        layer,
        ..Segment::new(number, format!("s{number}"))
    }
}

fn put(number: u16, layer: usize) -> Edit {
    Edit::Segmentation(SegmentationEdit::Segment {
        of: SegmentationId("2.25.7".into()),
        from: None,
        to: Some(Box::new(segment(number, layer))),
    })
}

fn stroke(kept: &Kept, layer: usize, at: [usize; 3], number: u16) -> Edit {
    let of = SegmentationId("2.25.7".into());
    let blank = Voxels::new(kept.segmentations[&of].grid.size);
    let before = kept.segmentations[&of].layers().get(layer);
    let mut voxels = before.unwrap_or(&blank).clone();
    let mut painter = Painter::new(&mut voxels);
    for y in at[1]..at[1] + 5 {
        painter.map_row([y, at[2]], at[0]..at[0] + 9, |_, _| number);
    }
    let delta = painter.finish();
    Edit::Segmentation(SegmentationEdit::Voxels(Arc::new(VoxelChange {
        of,
        layer,
        delta,
        source: Arc::default(),
    })))
}

fn kept() -> Kept {
    let mut kept = Kept::default();
    let edits = [
        Edit::Segmentation(SegmentationEdit::Put(Arc::new(bare([40, 30, 8])))),
        put(1, 0),
        put(2, 0),
        put(9, 1),
    ];
    kept.apply_all(&edits).unwrap();
    for (layer, at, number) in [(0, [3, 4, 2], 1), (0, [9, 6, 2], 2), (1, [5, 5, 3], 9)] {
        let edit = stroke(&kept, layer, at, number);
        kept.apply(&edit).unwrap();
    }
    kept
}

#[test]
fn what_edits_do_their_inverse_takes_back() {
    let before = kept();
    let of = SegmentationId("2.25.7".into());
    let whole = &before.segmentations[&of];
    let revised = Segment {
        label: "liver".into(),
        ..whole.segment(1).unwrap().clone()
    };
    let edits = [
        put(7, 2),
        put(8, 1),
        // Layers before it are made, too, and go with it.
        put(20, 5),
        Edit::Segmentation(SegmentationEdit::Title {
            of: of.clone(),
            from: whole.title.clone(),
            to: "second look".into(),
        }),
        stroke(&before, 0, [0, 0, 0], 1),
        stroke(&before, 0, [3, 4, 2], 0),
        Edit::Segmentation(SegmentationEdit::Segment {
            of,
            from: whole.segment(1).cloned().map(Box::new),
            to: Some(Box::new(revised)),
        }),
    ];
    for edit in edits {
        let mut kept = before.clone();
        kept.apply(&edit).unwrap();
        assert_ne!(kept, before, "{edit:?}");
        kept.apply(&edit.inverse()).unwrap();
        assert_eq!(kept, before, "{edit:?}");
        assert_eq!(edit.inverse().inverse(), edit);
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let before = kept();
    let of = SegmentationId("2.25.7".into());
    let whole = &before.segmentations[&of];
    let change = |from: Option<Segment>, to: Option<Segment>| {
        Edit::Segmentation(SegmentationEdit::Segment {
            of: of.clone(),
            from: from.map(Box::new),
            to: to.map(Box::new),
        })
    };
    let one = whole.segment(1).unwrap().clone();
    let edits = [
        // A number without a segment, and one of another layer.
        stroke(&before, 0, [20, 20, 1], 33),
        stroke(&before, 0, [20, 20, 1], 9),
        stroke(&before, 5, [20, 20, 1], 9),
        // With voxels neither gone nor elsewhere.
        change(Some(one.clone()), None),
        change(
            Some(one.clone()),
            Some(Segment {
                layer: 1,
                ..one.clone()
            }),
        ),
        change(None, Some(one.clone())),
        change(Some(segment(30, 0)), None),
        change(Some(segment(1, 0)), Some(segment(2, 0))),
        change(None, None),
        put(20, MAX_LAYERS),
        put(0, 0),
        Edit::Segmentation(SegmentationEdit::Title {
            of: of.clone(),
            from: "another".into(),
            to: "title".into(),
        }),
        Edit::Segmentation(SegmentationEdit::Put(Arc::new(bare([2, 2, 2])))),
        Edit::Segmentation(SegmentationEdit::Drop(Arc::new(bare([40, 30, 8])))),
    ];
    for edit in edits {
        let mut kept = before.clone();
        assert!(kept.apply(&edit).is_err(), "{edit:?}");
        assert_eq!(kept, before, "{edit:?}");
    }
}

#[test]
fn a_segmentation_is_made_of_nothing_taken_away_and_changed_by_edits() {
    let full = kept();
    let edits = full.as_edits();
    let mut again = Kept::default();
    again.apply_all(&edits).unwrap();
    assert_eq!(again, full);
    let of = SegmentationId("2.25.7".into());
    let source = VoxelSource::restored();
    let away = full.segmentations[&of].edits_away(&source);
    let away: Vec<Edit> = away.into_iter().map(Edit::Segmentation).collect();
    again.apply_all(&away).unwrap();
    assert_eq!(again, Kept::default());
    // Another state, in which a segment is gone, one is new and one is in another layer.
    let mut other = full.clone();
    let more = [put(5, 2), stroke(&full, 0, [3, 4, 2], 0)];
    other.apply(&more[0]).unwrap();
    let painted = stroke(&other, 2, [1, 1, 1], 5);
    other.apply(&painted).unwrap();
    let from_to = [(&full, &other), (&other, &full)];
    for (from, to) in from_to {
        let edits = to.segmentations[&of].edits_from(from.segmentations.get(&of), &source);
        let edits: Vec<Edit> = edits.into_iter().map(Edit::Segmentation).collect();
        let mut now = from.clone();
        now.apply_all(&edits).unwrap();
        assert_eq!(&now, to);
    }
}

#[test]
fn locked_segments_are_guarded() {
    let mut kept = kept();
    let of = SegmentationId("2.25.7".into());
    let one = kept.segmentations[&of].segment(1).unwrap().clone();
    let locked = Segment {
        locked: true,
        ..one.clone()
    };
    let revise = |from: &Segment, to: &Segment| {
        Edit::Segmentation(SegmentationEdit::Segment {
            of: of.clone(),
            from: Some(Box::new(from.clone())),
            to: Some(Box::new(to.clone())),
        })
    };
    let lock = revise(&one, &locked);
    assert_eq!(kept.guarded_segment(std::slice::from_ref(&lock)), None);
    kept.apply(&lock).unwrap();
    let named = Segment {
        label: "x".into(),
        ..locked.clone()
    };
    let free = Segment {
        label: "x".into(),
        ..one.clone()
    };
    let guarded = Some((of.clone(), 1));
    for edit in [
        revise(&locked, &named),
        stroke(&kept, 0, [3, 4, 2], 0),
        stroke(&kept, 0, [3, 4, 2], 2),
        stroke(&kept, 0, [20, 9, 2], 1),
    ] {
        assert_eq!(
            kept.guarded_segment(std::slice::from_ref(&edit)),
            guarded,
            "{edit:?}"
        );
    }
    assert_eq!(
        kept.guarded_segment(&[stroke(&kept, 0, [20, 9, 2], 2)]),
        None
    );
    let unlock = revise(&locked, &one);
    assert_eq!(kept.guarded_segment(&[unlock, revise(&one, &free)]), None);
}

#[test]
fn grids_are_bounded() {
    assert!(is_possible([512, 512, 1000]) && is_possible([2048, 2048, 1024]));
    for size in [
        [0, 1, 1],
        [1 << 20, 1 << 20, 1 << 20],
        [2048, 2048, 1025],
        [1, 1, 1 << 32],
    ] {
        assert!(!is_possible(size), "{size:?}");
    }
}
