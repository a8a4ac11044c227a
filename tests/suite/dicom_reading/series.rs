//! What becomes of the files of a series: order, volumes, splits, and what is wrong with a stack.

use super::{codes, lay_out_folder, load, number, scan_all, stack};
use crate::{
    bad_input::build::{Bytes, Slice, enhanced, write},
    support,
};
use glam::DVec3;
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::{FileFrames, FrameSource as _},
    },
    model::{
        finding::Severity,
        layout::SeriesLayout,
        lut::{ModalityLut, ModalityUnit, Voi},
    },
};

#[test]
fn frames_of_an_enhanced_object_are_ordered_by_their_own_positions() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "enhanced", &enhanced(&[2, 0, 3, 1]));
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 1);
    let layout = &layouts[0];
    let grid = layout.volume.expect("a volume");
    assert_eq!(grid.size, [4, 3, 4]);
    let description = layout.frames[0].instance.image.as_ref().unwrap();
    let lut = ModalityLut::Rescale {
        slope: 2.0,
        intercept: -10.0,
    };
    assert_eq!(description.shared.modality_lut, lut);
    assert_eq!(description.shared.unit, ModalityUnit::Hounsfield);
    assert_eq!(description.frame(2).voi, [Voi::window(43.0, 400.0)]);
    let volume = load(layout);
    for k in 0..4 {
        // Which depth lies here is told by the pixels; where it lies by the matrix.
        let depth = volume.stored(0, 0, k).unwrap() / 100.0;
        let point = grid
            .patient_from_voxel
            .transform_point3(DVec3::new(1.0, 2.0, k as f64));
        let expected = DVec3::new(3.0 * depth, 10.0 + 0.5, 20.0 - 4.0);
        assert!(point.distance(expected) < 1e-9, "{point} {expected}");
        assert_eq!(volume.stored(1, 2, k), Some(depth * 100.0 + 9.0));
    }
}

fn one_layout(count: usize, change: impl Fn(usize, &mut Slice)) -> SeriesLayout {
    let folder = tempfile::tempdir().unwrap();
    stack(folder.path(), count, change);
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 1);
    layouts.into_iter().next().unwrap()
}

fn at(z: f64) -> Option<[f64; 3]> {
    Some([0.0, 0.0, z])
}

#[test]
fn what_is_wrong_with_a_stack_is_said_with_numbers() {
    let clean = one_layout(10, |_, _| {});
    assert!(clean.volume.is_some() && clean.findings.is_empty());

    // Slice 5 of 11 is missing.
    let gap = one_layout(10, |k, s| {
        s.position = at(3.0 * (k + usize::from(k >= 4)) as f64)
    });
    assert!(gap.volume.is_none());
    assert_eq!(codes(&gap), ["SLICE_GAP"]);
    assert_eq!(number(&gap, "SLICE_GAP", "count"), 1.0);
    assert_eq!(number(&gap, "SLICE_GAP", "after"), 4.0);
    assert_eq!(
        gap.findings[0].sentence,
        "1 of 11 images missing (between 4 and 5); steps are 3.000 mm"
    );
    let three = one_layout(10, |k, s| {
        s.position = at(3.0 * (k + 3 * usize::from(k >= 4)) as f64)
    });
    assert_eq!(number(&three, "SLICE_GAP", "count"), 3.0);

    let twice = one_layout(10, |k, s| {
        s.position = at(3.0 * (k - usize::from(k >= 5)) as f64)
    });
    assert_eq!(codes(&twice), ["DUPLICATE_POSITION"]);
    assert_eq!(number(&twice, "DUPLICATE_POSITION", "count"), 1.0);
    assert_eq!((twice.frames.len(), twice.duplicates.len()), (9, 1));
    assert!(twice.volume.is_none());

    let tilt = one_layout(10, |k, s| {
        let z = 3.0 * k as f64;
        s.position = Some([0.0, z * 15f64.to_radians().tan(), z]);
    });
    assert_eq!(codes(&tilt), ["GANTRY_TILT_CORRECTED"]);
    assert!((number(&tilt, "GANTRY_TILT_CORRECTED", "degrees") - 15.0).abs() < 1e-6);
    // The grid leans as the slices do: every voxel lies where its own frame says.
    let grid = tilt.volume.unwrap();
    for (k, frame) in tilt.frames.iter().enumerate() {
        let plane = frame.instance.image.as_ref().unwrap().shared.plane.unwrap();
        let voxel = grid
            .patient_from_voxel
            .transform_point3(glam::DVec3::new(0.0, 0.0, k as f64));
        assert!(voxel.distance(plane.origin) < 1e-6);
    }

    let jitter = |part: f64| {
        one_layout(10, move |k, s| {
            s.position = at(3.0 * k as f64 + if k == 5 { 3.0 * part } else { 0.0 })
        })
    };
    let small = jitter(0.005);
    assert_eq!(codes(&small), ["IRREGULAR_SPACING"]);
    assert!(
        small.volume.is_some(),
        "half a percent is named and still a volume"
    );
    let large = jitter(0.05);
    assert_eq!(codes(&large), ["IRREGULAR_SPACING"]);
    assert!((number(&large, "IRREGULAR_SPACING", "min_mm") - 2.85).abs() < 1e-6);
    assert!((number(&large, "IRREGULAR_SPACING", "max_mm") - 3.15).abs() < 1e-6);
    assert!(large.volume.is_none());
    assert!(jitter(0.0005).findings.is_empty());

    let shifted = one_layout(10, |k, s| {
        s.position = Some([if k == 5 { 1.0 } else { 0.0 }, 0.0, 3.0 * k as f64])
    });
    assert_eq!(codes(&shifted), ["SHIFTED_SLICES"]);

    let rescale = one_layout(10, |k, s| {
        if k == 3 {
            s.rescale = Some(("-1024", "2"));
        }
    });
    assert_eq!(codes(&rescale), ["MIXED_RESCALE"]);
    assert_eq!(number(&rescale, "MIXED_RESCALE", "frames"), 1.0);
    assert!(rescale.volume.is_some() && rescale.mixed_rescale);
    assert_eq!(rescale.findings[0].severity, Severity::Info);

    let turned = one_layout(10, |k, s| {
        if k == 9 {
            let angle = 0.5f64.to_radians();
            s.orientation = [
                angle.cos(),
                angle.sin(),
                0.0,
                -angle.sin(),
                angle.cos(),
                0.0,
            ];
        }
    });
    assert_eq!(codes(&turned), ["MIXED_ORIENTATION"]);
    assert!((number(&turned, "MIXED_ORIENTATION", "degrees") - 0.5).abs() < 1e-6);

    let spacing = one_layout(10, |k, s| {
        if k == 0 {
            s.spacing = Some("0.6\\0.6".into());
        }
    });
    assert_eq!(codes(&spacing), ["MIXED_SPACING"]);
    let unknown = one_layout(3, |_, s| s.spacing = None);
    assert_eq!(codes(&unknown), ["UNCALIBRATED"]);
    assert!(unknown.volume.is_none());

    let nowhere = one_layout(3, |k, s| {
        if k == 1 {
            s.position = None;
        }
    });
    assert_eq!(codes(&nowhere), ["NO_GEOMETRY"]);
    assert_eq!(number(&nowhere, "NO_GEOMETRY", "frames"), 1.0);
    assert_eq!(nowhere.frames.len(), 3);

    let single = one_layout(1, |_, _| {});
    assert_eq!(codes(&single), ["SINGLE_SLICE"]);

    let same_uid = one_layout(4, |k, s| {
        if k == 3 {
            s.uid = "1.2.3.0".into();
        }
    });
    assert!(codes(&same_uid).contains(&"DUPLICATE_INSTANCE"));
    assert_eq!((same_uid.frames.len(), same_uid.duplicates.len()), (3, 1));
}

#[test]
fn order_follows_positions_and_runs_as_numbered() {
    let z = |layout: &SeriesLayout| {
        let planes = layout
            .frames
            .iter()
            .map(|f| f.instance.image.as_ref().unwrap().shared.plane);
        planes.map(|p| p.unwrap().origin.z).collect::<Vec<_>>()
    };
    let reversed = one_layout(4, |k, s| s.number = 10 - k as i32);
    assert_eq!(z(&reversed), [9.0, 6.0, 3.0, 0.0]);
    assert!(reversed.volume.is_some());
    let equal = one_layout(4, |_, s| s.number = 1);
    assert_eq!(z(&equal), [0.0, 3.0, 6.0, 9.0]);
    // Numbers that are mostly right decide the direction, positions the order.
    let mixed = one_layout(4, |k, s| s.number = [40, 10, 20, 5][k]);
    assert_eq!(z(&mixed), [9.0, 6.0, 3.0, 0.0]);
}

#[test]
fn a_series_splits_where_its_pictures_differ_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    stack(folder.path(), 6, |k, s| {
        if k == 0 {
            s.image_type = "ORIGINAL\\PRIMARY\\LOCALIZER";
            s.orientation = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
        }
        if k == 5 {
            s.rows = 4;
            s.pixels = Bytes::default().put(0x7FE0, 0x10, b"OW", &[0; 64]).0;
        }
    });
    let layouts = lay_out_folder(folder.path());
    let mut sizes: Vec<usize> = layouts.iter().map(|l| l.frames.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1, 4]);
    let main = layouts.iter().find(|l| l.frames.len() == 4).unwrap();
    assert!(main.volume.is_some());
    assert_eq!(codes(main), ["MIXED_SIZE"]);
    let scout = layouts.iter().find(|l| codes(l).contains(&"LOCALIZER"));
    let unit = |l: &SeriesLayout| {
        l.frames[0]
            .instance
            .image
            .as_ref()
            .unwrap()
            .shared
            .unit
            .clone()
    };
    assert_eq!(unit(scout.unwrap()), ModalityUnit::Unspecified);
    assert_eq!(unit(main), ModalityUnit::Hounsfield);
}

#[test]
fn two_people_in_one_series_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    stack(folder.path(), 6, |k, s| {
        if k >= 4 {
            s.patient = ("ROE^RICHARD", "P2");
        }
    });
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.iter().map(|l| l.frames.len()).sum::<usize>(), 6);
    assert_eq!(layouts.len(), 2);
    for layout in &layouts {
        assert!(codes(layout).contains(&"PATIENT_MISMATCH"));
        assert!(!format!("{layout:?}").contains("ROE"), "identity in Debug");
    }
}

#[test]
fn positions_imaged_equally_often_are_phases() {
    let folder = tempfile::tempdir().unwrap();
    stack(folder.path(), 12, |k, s| {
        s.position = at(3.0 * (k % 4) as f64)
    });
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 3);
    for (phase, layout) in layouts.iter().enumerate() {
        assert!(layout.volume.is_some());
        assert_eq!(codes(layout), ["SEVERAL_PHASES"]);
        let numbers: Vec<i32> = layout
            .frames
            .iter()
            .filter_map(|f| f.instance.instance_number)
            .collect();
        let first = 4 * phase as i32 + 1;
        assert_eq!(numbers, (first..first + 4).collect::<Vec<_>>());
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_series_are_the_volumes_they_are() {
    let check = |group: &str, count: usize, step: f64, letters: &str| {
        let (instances, rejected) = scan_all(&[support::data(group)]);
        assert!(
            rejected.iter().all(|code| *code == "NOT_DICOM"),
            "{rejected:?}"
        );
        let layouts = lay_out(&instances);
        assert_eq!(layouts.len(), 1, "{group}");
        let layout = &layouts[0];
        assert_eq!(layout.frames.len(), count, "{group}");
        let grid = layout.volume.expect(group);
        assert!(
            (grid.spacing_mm()[2] - step).abs() < 1e-3,
            "{group} {:?}",
            grid.spacing_mm()
        );
        let along =
            negatoscope::model::geometry::orientation_letters(grid.patient_from_voxel.z_axis);
        assert_eq!(along, letters, "{group}");
        let numbers: Vec<i32> = layout
            .frames
            .iter()
            .filter_map(|f| f.instance.instance_number)
            .collect();
        assert!(numbers.is_sorted(), "{group}");
        let volume = load(layout);
        let source = FileFrames::default();
        for (k, frame) in layout.frames.iter().enumerate() {
            let alone = source.read_frame(&frame.instance, frame.frame).unwrap();
            assert_eq!(volume.frames[k].pixels.as_slice(), alone.pixels.as_slice());
        }
    };
    check("ct-chest-abdomen", 100, 2.5, "F");
    check("ct-head-tiny", 93, 1.5, "H");
    check("mr-brain-t1/HFS/3_t1_fl2d_sag", 35, 4.8, "L");
}
