use super::*;
use crate::{
    model::{
        edit::{Edit, Kept},
        segmentation::Painter,
    },
    store::codec::{Commit, Kind, check_edit, check_gesture, decode, encode, in_parts},
};

pub(crate) fn bare(id: &str, size: [usize; 3]) -> Segmentation {
    let grid = GridGeometry {
        size,
        patient_from_voxel: DAffine3::from_scale(DVec3::new(0.7, 0.7, 2.5)),
    };
    let mut whole = Segmentation::new(SegmentationId(id.into()), grid);
    whole.title = "肿瘤 tumour".into();
    whole.study_uid = "1.2.840.1".into();
    whole.series_uid = "1.2.840.1.1".into();
    whole
}

/// A segmentation with two segments, in edits.
pub(crate) fn begun(id: &str, size: [usize; 3]) -> Vec<Edit> {
    let mut edits = vec![Edit::Segmentation(SegmentationEdit::Put(Arc::new(bare(
        id, size,
    ))))];
    edits.extend([1, 2].map(|number| {
        Edit::Segmentation(SegmentationEdit::Segment {
            of: SegmentationId(id.into()),
            from: None,
            to: Some(Box::new(Segment::new(number, format!("s{number}")))),
        })
    }));
    edits
}

/// A block of voxels painted on what is kept.
pub(crate) fn block(kept: &Kept, id: &str, at: [usize; 3], side: usize, number: u16) -> Edit {
    let of = SegmentationId(id.into());
    let mut voxels = kept.segmentations[&of].layers()[0].clone();
    let mut painter = Painter::new(&mut voxels);
    for z in at[2]..at[2] + side {
        for y in at[1]..at[1] + side {
            painter.map_row([y, z], at[0]..at[0] + side, |_, _| number);
        }
    }
    let delta = painter.finish();
    Edit::Segmentation(SegmentationEdit::Voxels(Arc::new(VoxelChange {
        of,
        layer: 0,
        delta,
        source: Arc::new(VoxelSource {
            tool: "brush".into(),
            prompt: "sphere 4 mm".into(),
            by: Author::Model {
                id: "m".into(),
                version: "1".into(),
            },
            at_ms: -9,
        }),
    })))
}

fn full_segment() -> Segment {
    let code = |value: &str| {
        Some(Code {
            value: value.into(),
            scheme: "SCT".into(),
            meaning: "m".into(),
        })
    };
    Segment {
        category: code("49755003"),
        property_type: code("108369006"),
        anatomic_region: code("12738006"),
        layer: 3,
        locked: true,
        hidden: true,
        state: SegmentState::Rejected,
        origin: SegmentOrigin::Automatic {
            algorithm: "a".into(),
            version: "v".into(),
            sha256: "f00".into(),
        },
        by: "读者".into(),
        changed_ms: -3,
        tracking_uid: "2.25.1".into(),
        probability: Some(0.3),
        ..Segment::new(65_535, "x")
    }
}

fn every_edit() -> Vec<Edit> {
    let mut kept = Kept::default();
    let mut edits = begun("2.25.4", [60, 50, 20]);
    kept.apply_all(&edits).unwrap();
    let small = block(&kept, "2.25.4", [1, 2, 3], 3, 1);
    // Noise takes more than a few bytes, and is packed.
    let of = SegmentationId("2.25.4".into());
    let mut voxels = kept.segmentations[&of].layers()[0].clone();
    let mut painter = Painter::new(&mut voxels);
    for k in 0..3000 {
        painter.set([k * 7 % 60, k * 13 % 50, k % 20], 1 + (k % 3 == 0) as u16);
    }
    let delta = painter.finish();
    let large = Edit::Segmentation(SegmentationEdit::Voxels(Arc::new(VoxelChange {
        of: of.clone(),
        layer: 0,
        delta,
        source: Arc::default(),
    })));
    let states = SegmentState::ALL.map(|state| Segment {
        state,
        ..Segment::new(4, "s")
    });
    let semi = Segment {
        origin: SegmentOrigin::SemiAutomatic {
            algorithm: "grow".into(),
            version: "0".into(),
        },
        ..Segment::new(4, "s")
    };
    let segments = states.into_iter().chain([semi, full_segment()]);
    edits.extend(segments.map(|to| {
        Edit::Segmentation(SegmentationEdit::Segment {
            of: of.clone(),
            from: Some(Box::new(to.clone())),
            to: Some(Box::new(to)),
        })
    }));
    let mut on_frame = bare("2.25.5", [9, 9, 1]);
    on_frame.frame = Some(("1.2.3".into(), 4));
    edits.push(Edit::Segmentation(SegmentationEdit::Drop(Arc::new(
        on_frame,
    ))));
    edits.extend([small.inverse(), small, large.inverse(), large]);
    edits.push(Edit::Segmentation(SegmentationEdit::Title {
        of,
        from: String::new(),
        to: "第二次".into(),
    }));
    edits
}

fn commit(edits: Vec<Edit>) -> Commit {
    Commit {
        kind: Kind::Done,
        time_ms: 1,
        edits,
    }
}

#[test]
fn what_is_written_is_read_bit_for_bit() {
    for edit in every_edit() {
        assert_eq!(check_edit(&edit), Ok(()), "{edit:?}");
        let commit = commit(vec![edit]);
        let bytes = encode(&commit);
        assert_eq!(decode(&bytes), Some(commit.clone()));
        assert_eq!(encode(&decode(&bytes).unwrap()), bytes);
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "cut at {length}");
        }
        let Some(Edit::Segmentation(edit)) = commit.edits.first() else {
            panic!("it is one");
        };
        assert!(weight(edit) >= bytes.len() - 21, "{edit:?}");
    }
}

/// A commit as it was written before titles changed and segments had a probability, byte by byte as the description of
/// the journal of then has it: it means what it meant, and is written the same.
#[test]
fn journals_from_before_are_read_as_they_were_meant() {
    let mut bytes = vec![16];
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(7_i64.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([12, 3]);
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    text(&mut bytes, "2.25.4");
    bytes.extend([0, 1]);
    bytes.extend(300_u16.to_le_bytes());
    text(&mut bytes, "vessel");
    bytes.push(0);
    bytes.push(1);
    for part in ["59820001", "SCT", "Blood Vessel"] {
        text(&mut bytes, part);
    }
    bytes.push(0);
    bytes.extend([10, 20, 30]);
    bytes.extend(1_u32.to_le_bytes());
    // Hidden, accepted, by a tool.
    bytes.extend([2, 1, 1]);
    text(&mut bytes, "grow");
    text(&mut bytes, "0.1");
    text(&mut bytes, "ann");
    bytes.extend(99_i64.to_le_bytes());
    text(&mut bytes, "2.25.8");
    let segment = Segment {
        property_type: Some(Code {
            value: "59820001".into(),
            scheme: "SCT".into(),
            meaning: "Blood Vessel".into(),
        }),
        color: [10, 20, 30],
        layer: 1,
        hidden: true,
        state: SegmentState::Accepted,
        origin: SegmentOrigin::SemiAutomatic {
            algorithm: "grow".into(),
            version: "0.1".into(),
        },
        by: "ann".into(),
        changed_ms: 99,
        tracking_uid: "2.25.8".into(),
        ..Segment::new(300, "vessel")
    };
    let meant = Commit {
        kind: Kind::Done,
        time_ms: 7,
        edits: vec![Edit::Segmentation(SegmentationEdit::Segment {
            of: SegmentationId("2.25.4".into()),
            from: None,
            to: Some(Box::new(segment)),
        })],
    };
    assert_eq!(decode(&bytes), Some(meant.clone()));
    assert_eq!(encode(&meant), bytes);
}

#[test]
fn flipped_bits_are_refused_or_are_another_edit_and_never_a_panic() {
    let blank = Kept::default();
    for edit in every_edit() {
        let bytes = encode(&commit(vec![edit]));
        for place in (21..bytes.len()).step_by(1 + bytes.len() / 400) {
            for bit in [0, 3, 7] {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                if let Some(read) = decode(&damaged) {
                    let _ = check_gesture(&read.edits);
                    let mut kept = blank.clone();
                    let _ = kept.apply_all(&read.edits);
                }
            }
        }
    }
}

#[test]
fn lying_sizes_reserve_nothing() {
    let bytes = encode(&commit(vec![Edit::Segmentation(SegmentationEdit::Put(
        Arc::new(bare("2.25.4", [513, 1, 1])),
    ))]));
    let at = bytes.windows(4).position(|w| w == 513_u32.to_le_bytes());
    let at = at.unwrap();
    for size in [0, u32::MAX] {
        let mut lying = bytes.clone();
        lying[at..at + 4].copy_from_slice(&size.to_le_bytes());
        lying[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
        assert_eq!(decode(&lying), None);
    }
    // A few packed bytes that would be a gigabyte of zeros.
    let zeros = packed_runs(&vec![0; 1 << 20]).unwrap();
    assert_eq!(unpacked_runs(&zeros, 1 << 19), None);
    assert_eq!(unpacked_runs(&zeros, MAX_RUNS + 1), None);
    assert_eq!(
        unpacked_runs(&zeros, 1 << 20).map(|b| b.len()),
        Some(1 << 20)
    );
}

#[test]
fn edits_that_make_no_sense_are_refused() {
    let refuse = |edit: SegmentationEdit| {
        let edit = Edit::Segmentation(edit);
        assert!(check_edit(&edit).is_err(), "{edit:?}");
    };
    let of = || SegmentationId("2.25.4".into());
    let segment = |change: &dyn Fn(&mut Segment)| {
        let mut segment = Segment::new(1, "s");
        change(&mut segment);
        refuse(SegmentationEdit::Segment {
            of: of(),
            from: None,
            to: Some(Box::new(segment)),
        });
    };
    segment(&|s| s.number = 0);
    segment(&|s| s.layer = MAX_LAYERS);
    segment(&|s| s.label = "x".repeat(MAX_LABEL + 1));
    segment(&|s| s.tracking_uid = "1".repeat(MAX_ID + 1));
    for probability in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        segment(&|s| s.probability = Some(probability));
    }
    refuse(SegmentationEdit::Title {
        of: of(),
        from: String::new(),
        to: "x".repeat(MAX_LABEL + 1),
    });
    segment(&|s| {
        s.origin = SegmentOrigin::SemiAutomatic {
            algorithm: "x".repeat(MAX_LABEL + 1),
            version: String::new(),
        };
    });
    let head = |change: &dyn Fn(&mut Segmentation)| {
        let mut whole = bare("2.25.4", [4, 4, 4]);
        change(&mut whole);
        refuse(SegmentationEdit::Put(Arc::new(whole)));
    };
    head(&|w| w.id.0.clear());
    head(&|w| w.study_uid = "1".repeat(MAX_ID + 1));
    head(&|w| w.grid.size = [0, 4, 4]);
    head(&|w| w.grid.patient_from_voxel.translation.x = f64::NAN);
    head(&|w| w.frame = Some(("1".into(), 0)));
    head(&|w| {
        w.put_segment(Segment::new(1, "s"));
    });
    let voxels = |layer: usize, size: [usize; 3], runs: Vec<u8>| {
        refuse(SegmentationEdit::Voxels(Arc::new(VoxelChange {
            of: of(),
            layer,
            delta: Delta::from_parts(size, runs, false),
            source: Arc::default(),
        })));
    };
    // One run of one voxel: brick 0, one run, at 0, of length 1, from 0 to 1.
    let run = vec![0, 1, 0, 1, 0, 1];
    voxels(MAX_LAYERS, [4, 4, 4], run.clone());
    voxels(0, [0, 4, 4], run);
    voxels(0, [4, 4, 4], Vec::new());
    voxels(0, [4, 4, 4], vec![9, 1, 0, 1, 0, 1]);
    // Voxel 4 of a row of four lies beside the grid.
    voxels(0, [4, 4, 4], vec![0, 1, 8, 1, 0, 1]);
    voxels(0, [4, 4, 4], vec![0, 1, 0, 5, 0, 1]);
}

#[test]
fn equal_states_have_equal_fingerprints_and_others_have_not() {
    let mut kept = Kept::default();
    kept.apply_all(&begun("2.25.4", [40, 40, 40])).unwrap();
    let of = SegmentationId("2.25.4".into());
    let first = fingerprint(&kept.segmentations[&of]);
    let edit = block(&kept, "2.25.4", [3, 3, 3], 20, 2);
    kept.apply(&edit).unwrap();
    let second = fingerprint(&kept.segmentations[&of]);
    assert_ne!(first, second);
    kept.apply(&edit.inverse()).unwrap();
    assert_eq!(fingerprint(&kept.segmentations[&of]), first);
    // In two halves instead of at once.
    for (z, side) in [(3, 20), (3, 20)] {
        let edit = block(&kept, "2.25.4", [3, 3, z], side, 2);
        let _ = kept.apply(&edit);
    }
    assert_eq!(fingerprint(&kept.segmentations[&of]), second);
}

/// Row 15 of the goals: undo and redo in any order bring every state back to the bit.
#[test]
fn ten_thousand_steps_back_and_forth_restore_every_fingerprint() {
    let mut state = 11_u64;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut kept = Kept::default();
    kept.apply_all(&begun("2.25.4", [20, 18, 6])).unwrap();
    let of = SegmentationId("2.25.4".into());
    let mut done: Vec<Edit> = Vec::new();
    let mut undone: Vec<Edit> = Vec::new();
    let mut prints = vec![fingerprint(&kept.segmentations[&of])];
    for _ in 0..10_000 {
        match next(5) {
            0 => {
                let at = [next(18), next(16), next(5)];
                let edit = block(&kept, "2.25.4", at, 1 + next(6), next(3) as u16);
                if kept.apply(&edit).is_ok() {
                    undone.clear();
                    done.push(edit);
                    prints.truncate(done.len());
                    prints.push(fingerprint(&kept.segmentations[&of]));
                }
            }
            1 | 2 => {
                if let Some(edit) = done.pop() {
                    kept.apply(&edit.inverse()).unwrap();
                    undone.push(edit);
                }
            }
            _ => {
                if let Some(edit) = undone.pop() {
                    kept.apply(&edit).unwrap();
                    done.push(edit);
                }
            }
        }
        assert_eq!(fingerprint(&kept.segmentations[&of]), prints[done.len()]);
    }
}

#[test]
fn long_lists_of_edits_are_kept_in_parts() {
    let edits = begun("2.25.4", [20, 20, 20]);
    let parts = in_parts(&edits, 2);
    assert_eq!(parts.concat(), edits);
    assert_eq!(parts.len(), 2);
    assert!(in_parts(&[], 2).is_empty());
}

#[path = "segmentation_random_tests.rs"]
mod random;
