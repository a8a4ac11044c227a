//! Series that hold several stacks, mosaics, objects written in parts, slices with scales of their own: what becomes of
//! them, on files made here with a known truth.

use crate::{
    bad_input::build::{Bytes, Slice},
    support,
};
use glam::DVec3;
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::{FileFrames, FrameSource as _},
        load::load_volume,
        scan::{ScanEvent, ScanOptions, scan},
    },
    i18n::Language,
    imaging::window::modality_value,
    model::{finding::Severity, layout::SeriesLayout, volume::Volume},
    task::{CancelToken, Progress},
    ui::overlay_text::{finding_text, part_text},
};
use std::{path::Path, process::Command, sync::Mutex};

fn layouts(path: &Path) -> Vec<SeriesLayout> {
    let found = Mutex::new(Vec::new());
    scan(
        &[path.to_owned()],
        &ScanOptions::default(),
        &CancelToken::default(),
        &Progress::default(),
        &|event| match event {
            ScanEvent::Instance(instance) => found.lock().unwrap().push(instance),
            ScanEvent::Rejected(r) => panic!("{}: {}", r.code, r.detail),
        },
    );
    lay_out(&found.into_inner().unwrap())
}

fn volume(layout: &SeriesLayout) -> Volume {
    let (cancel, progress) = (CancelToken::default(), Progress::default());
    load_volume(layout, &FileFrames::default(), &cancel, &progress).unwrap()
}

fn codes(layout: &SeriesLayout) -> Vec<&'static str> {
    layout.findings.iter().map(|f| f.code).collect()
}

fn number(layout: &SeriesLayout, code: &str, name: &str) -> f64 {
    let finding = layout.findings.iter().find(|f| f.code == code).expect(code);
    finding.numbers.iter().find(|n| n.0 == name).expect(name).1
}

fn labels(layouts: &[SeriesLayout]) -> Vec<String> {
    layouts.iter().map(|l| l.part.label()).collect()
}

/// Slices of a phase.
const SLICES: usize = 6;

/// `phases` times six slices 3 mm apart, under names that say nothing; `change` knows phase and slice and says whether
/// the file is there. Every value names phase and slice.
fn series(folder: &Path, phases: usize, change: impl Fn(usize, usize, Slice) -> Option<Slice>) {
    for phase in 0..phases {
        for k in 0..SLICES {
            let index = phase * SLICES + k;
            let values: Vec<u8> = (0..64i16)
                .flat_map(|_| (100 * phase as i16 + k as i16).to_le_bytes())
                .collect();
            let slice = Slice {
                uid: format!("1.2.3.{index}"),
                number: index as i32 + 1,
                position: Some([0.0, 0.0, 3.0 * k as f64]),
                rescale: None,
                ..Slice::default()
            }
            .native(&values);
            if let Some(slice) = change(phase, k, slice) {
                // 7 and any number of files up to 36 that is no multiple of 7 have no common divisor but 1.
                let name = format!("{:03}.dcm", index * 7 % 109);
                slice.write(folder, &name);
            }
        }
    }
}

fn split(
    phases: usize,
    change: impl Fn(usize, usize, Slice) -> Option<Slice>,
) -> Vec<SeriesLayout> {
    let folder = tempfile::tempdir().unwrap();
    series(folder.path(), phases, change);
    layouts(folder.path())
}

fn double(value: f64) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn triple(values: [f64; 3]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Each layout holds one phase, whole, in order, and every frame is somewhere.
fn whole_phases(found: &[SeriesLayout], phases: usize) {
    assert_eq!(found.len(), phases, "{:?}", labels(found));
    let source = FileFrames::default();
    let mut seen = Vec::new();
    for layout in found {
        assert_eq!(layout.frames.len(), SLICES);
        assert!(layout.volume.is_some(), "{:?}", layout.findings);
        assert!(layout.duplicates.is_empty());
        let values: Vec<f64> = layout
            .frames
            .iter()
            .map(|f| source.read_frame(&f.instance, f.frame).unwrap())
            .map(|f| f.value(0, 0, 0).unwrap())
            .collect();
        let phase = (values[0] / 100.0).floor();
        let expected: Vec<f64> = (0..SLICES).map(|k| 100.0 * phase + k as f64).collect();
        assert_eq!(values, expected);
        seen.push(phase as usize);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..phases).collect::<Vec<_>>());
}

type Edit = fn(usize, usize, Slice) -> Slice;

#[test]
fn repeated_positions_are_parted_by_what_explains_them() {
    let check = |name: &str, phases: usize, edit: Edit, expected: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        series(folder.path(), phases, |p, k, slice| Some(edit(p, k, slice)));
        let found = layouts(folder.path());
        whole_phases(&found, phases);
        assert_eq!(labels(&found), expected, "{name}");
        for (i, layout) in found.iter().enumerate() {
            assert_eq!(codes(layout), ["STACK_SPLIT"], "{name}");
            assert_eq!(layout.findings[0].severity, Severity::Info);
            assert_eq!(number(layout, "STACK_SPLIT", "parts"), phases as f64);
            assert_eq!((layout.part.number, layout.part.count), (i + 1, phases));
        }
    };
    let b_values: Edit = |p, _, s| {
        let s = s.with(0x18, 0x9087, b"FD", &double([0.0, 1000.0, 1000.0][p]));
        let axis = [0.0, f64::from(p == 1), f64::from(p == 2)];
        match p {
            0 => s,
            _ => s.with(0x18, 0x9089, b"FD", &triple(axis)),
        }
    };
    let directed = [
        "b=0",
        "b=1000, direction 1 of 2",
        "b=1000, direction 2 of 2",
    ];
    check("diffusion", 3, b_values, &directed);
    let siemens: Edit = |p, _, s| {
        s.text(0x19, 0x10, b"LO", "SIEMENS MR HEADER")
            .text(0x19, 0x100C, b"IS", ["0", "500"][p])
    };
    check("siemens", 2, siemens, &["b=0", "b=500"]);
    let other_block: Edit = |p, _, s| {
        s.text(0x19, 0x10, b"LO", "SOMEBODY ELSE")
            .text(0x19, 0x11, b"LO", "SIEMENS MR HEADER")
            .text(0x19, 0x100C, b"IS", "7")
            .with(0x19, 0x110C, b"UN", [b"0 ", b"50"][p])
    };
    check("another block", 2, other_block, &["b=0", "b=50"]);
    let ge: Edit = |p, _, s| {
        s.text(0x43, 0x10, b"LO", "GEMS_PARM_01").text(
            0x43,
            0x1039,
            b"IS",
            ["0\\8\\0\\0", "1000000800\\8\\0\\0"][p],
        )
    };
    check("ge", 2, ge, &["b=0", "b=800"]);
    let philips: Edit = |p, _, s| {
        s.text(0x2001, 0x10, b"LO", "Philips Imaging DD 001").with(
            0x2001,
            0x1003,
            b"FL",
            &[0.0f32, 600.0][p].to_le_bytes(),
        )
    };
    check("philips", 2, philips, &["b=0", "b=600"]);
    let echo: Edit = |p, _, s| s.text(0x18, 0x81, b"DS", ["30", "2.46"][p]);
    check("echo time", 2, echo, &["TE 2.46 ms", "TE 30 ms"]);
    let inversion: Edit = |p, _, s| s.text(0x18, 0x82, b"DS", ["400", "900"][p]);
    check("inversion", 2, inversion, &["TI 400 ms", "TI 900 ms"]);
    let position: Edit = |p, _, s| s.text(0x20, 0x100, b"IS", &(p + 1).to_string());
    let phases = ["phase 1 of 3", "phase 2 of 3", "phase 3 of 3"];
    check("temporal position", 3, position, &phases);
    let trigger: Edit = |p, k, s| {
        // Drifts from slice to slice, as the heart does.
        let time = 40.5 * p as f64 + 0.7 * k as f64;
        s.text(0x18, 0x1060, b"DS", &format!("{time:.2}"))
    };
    check("trigger time", 3, trigger, &phases);
    let acquired: Edit = |p, k, s| s.text(8, 0x32, b"TM", &format!("1201{:02}", 10 * p + k));
    check("acquisition time", 3, acquired, &phases);
    let kinds: Edit = |p, _, mut s| {
        s.image_type = ["ORIGINAL\\PRIMARY\\M\\ND", "ORIGINAL\\PRIMARY\\P\\ND"][p];
        s
    };
    check("image type", 2, kinds, &["M", "P"]);
    let acquisition: Edit = |p, _, s| s.text(0x20, 0x12, b"IS", &(p + 4).to_string());
    let numbers = ["acquisition 4", "acquisition 5"];
    check("acquisition number", 2, acquisition, &numbers);
    let voltage: Edit = |p, _, s| s.text(0x18, 0x60, b"DS", ["80", "140"][p]);
    check("tube voltage", 2, voltage, &["80 kV", "140 kV"]);
}

#[test]
fn a_part_says_what_it_lacks() {
    // Of phase 2 the fourth slice, of phase 3 the last two.
    let there = |p, k| !matches!((p, k), (1, 3) | (2, 4 | 5));
    let found = split(3, |p, k, s| {
        there(p, k).then(|| s.text(0x20, 0x100, b"IS", &(p + 1).to_string()))
    });
    assert_eq!(
        labels(&found),
        ["phase 1 of 3", "phase 2 of 3", "phase 3 of 3"]
    );
    assert_eq!(codes(&found[0]), ["STACK_SPLIT"]);
    assert_eq!(codes(&found[1]), ["SLICE_GAP", "STACK_SPLIT"]);
    assert_eq!(number(&found[1], "SLICE_GAP", "after"), 9.0);
    assert_eq!(number(&found[1], "SLICE_GAP", "before"), 11.0);
    assert_eq!(codes(&found[2]), ["POSITIONS_MISSING", "STACK_SPLIT"]);
    assert_eq!(number(&found[2], "POSITIONS_MISSING", "count"), 2.0);
    assert!(found[2].volume.is_some() && found[1].volume.is_none());
    // The same when only the order of drifting times tells the phases.
    let drifting = split(3, |p, k, s| {
        let time = format!("{:.2}", 40.5 * p as f64 + 0.7 * k as f64);
        there(p, k).then(|| s.text(0x18, 0x1060, b"DS", &time))
    });
    let sizes: Vec<usize> = drifting.iter().map(|l| l.frames.len()).collect();
    assert_eq!(sizes, [6, 5, 4]);
}

#[test]
fn what_is_whole_stays_whole() {
    // Everything runs along with the slices, and nothing repeats.
    let found = split(1, |_, k, s| {
        Some(
            s.text(8, 0x32, b"TM", &format!("12010{k}"))
                .text(0x18, 0x81, b"DS", if k < 3 { "30" } else { "31" })
                .text(0x20, 0x12, b"IS", &(k / 2).to_string())
                .text(0x20, 0x100, b"IS", &k.to_string()),
        )
    });
    assert_eq!((found.len(), found[0].frames.len()), (1, SLICES));
    assert!(found[0].findings.is_empty() && found[0].part.terms.is_empty());
    // One slice came twice, with a time of its own: a duplicate, not a phase.
    let twice = split(2, |p, k, s| {
        (p == 0 || k == 2).then(|| s.text(8, 0x32, b"TM", &format!("1201{p}{k}")))
    });
    assert_eq!(twice.len(), 1);
    assert_eq!(codes(&twice[0]), ["DUPLICATE_POSITION"]);
    assert_eq!((twice[0].frames.len(), twice[0].duplicates.len()), (6, 1));
    // Nothing explains the second run.
    let unknown = split(2, |_, _, s| Some(s));
    assert_eq!(labels(&unknown), ["repeat 1 of 2", "repeat 2 of 2"]);
    assert!(unknown.iter().all(|l| codes(l) == ["SEVERAL_PHASES"]));
    // The same phase twice at one place is a duplicate within its part.
    let both = split(3, |p, k, s| {
        let echo = if p == 1 { "60" } else { "30" };
        (p < 2 || k == 1).then(|| s.text(0x18, 0x81, b"DS", echo))
    });
    assert_eq!(labels(&both), ["TE 30 ms", "TE 60 ms"]);
    assert!(codes(&both[0]).contains(&"DUPLICATE_POSITION"));
    assert_eq!(both[0].duplicates.len(), 1);
    assert!(both[1].volume.is_some());
}

#[test]
fn scouts_and_planes_lie_apart() {
    const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
    const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
    let scout = split(2, |p, k, mut s| {
        if p == 1 {
            s.orientation = CORONAL;
        }
        (p == 0 || k == 0).then_some(s)
    });
    assert_eq!(scout.len(), 2);
    assert!(scout[0].volume.is_some() && scout[0].frames.len() == SLICES);
    assert_eq!(codes(&scout[0]), ["LOCALIZER_APART"]);
    assert_eq!(number(&scout[1], "LOCALIZER_APART", "count"), 1.0);
    let planes = split(3, |p, k, mut s| {
        let [x, y, z] = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]][p];
        let depth = 3.0 * k as f64;
        s.position = Some([x * depth, y * depth, z * depth]);
        s.orientation = [Slice::default().orientation, CORONAL, SAGITTAL][p];
        Some(s)
    });
    assert_eq!(
        labels(&planes),
        [
            "axial, plane 1 of 3",
            "coronal, plane 2 of 3",
            "sagittal, plane 3 of 3"
        ]
    );
    assert!(planes.iter().all(|l| l.volume.is_some()));
    assert!(planes.iter().all(|l| codes(l) == ["ORIENTATION_SPLIT"]));
    // Planes that all turn about one axis are one series.
    let radial = split(2, |p, k, mut s| {
        let angle = std::f64::consts::PI * (p * SLICES + k) as f64 / 12.0;
        s.position = Some([0.0; 3]);
        s.orientation = [angle.cos(), angle.sin(), 0.0, 0.0, 0.0, -1.0];
        Some(s)
    });
    assert_eq!(radial.len(), 1);
    assert_eq!(codes(&radial[0]), ["MIXED_ORIENTATION"]);
}

/// A private header of the newer kind.
fn csa(count: &str, normal: [f64; 3]) -> Vec<u8> {
    let normal = normal.map(|v| format!("{v:.8}"));
    let tags: [(&str, Vec<&str>); 2] = [
        ("NumberOfImagesInMosaic", vec![count]),
        (
            "SliceNormalVector",
            normal.iter().map(String::as_str).collect(),
        ),
    ];
    let mut out = b"SV10\x04\x03\x02\x01\x02\0\0\0\x4d\0\0\0".to_vec();
    for (name, items) in tags {
        let mut field = name.as_bytes().to_vec();
        field.resize(64, 0);
        out.extend(field);
        let number = (items.len() as u32).to_le_bytes();
        out.extend(number);
        out.extend(b"FD\0\0\x04\0\0\0");
        out.extend(number);
        out.extend([77, 0, 0, 0]);
        for item in items {
            let length = (item.len() as u32).to_le_bytes();
            for word in [length, length, [77, 0, 0, 0], length] {
                out.extend(word);
            }
            out.extend(item.as_bytes());
            out.resize(out.len().next_multiple_of(4), 0);
        }
    }
    out
}

/// Five tiles of 4 x 4 in a matrix of 12 x 12; each value is 100 times its slice and its place in the tile.
fn mosaic(folder: &Path, name: &str, header: Option<Vec<u8>>, change: impl Fn(Slice) -> Slice) {
    let mut values = vec![0i16; 144];
    for k in 0..5 {
        for i in 0..16 {
            let (row, column) = (k / 3 * 4 + i / 4, k % 3 * 4 + i % 4);
            values[row * 12 + column] = (100 * k + i) as i16;
        }
    }
    let values: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let slice = Slice {
        rows: 12,
        columns: 12,
        uid: format!("1.2.3.{}", name.len()),
        number: name.len() as i32,
        image_type: "ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC",
        rescale: None,
        // The corner of the matrix: 8 pixels of 0.5 mm more than that of a tile, half on each side.
        position: Some([8.0, 18.0, 30.0]),
        ..Slice::default()
    }
    .native(&values)
    .text(0x18, 0x88, b"DS", "2.5");
    let slice = match header {
        Some(bytes) => slice
            .text(0x29, 0x10, b"LO", "SIEMENS CSA HEADER")
            .with(0x29, 0x1010, b"OB", &bytes),
        None => slice,
    };
    change(slice).write(folder, name);
}

#[test]
fn a_mosaic_is_a_volume_of_its_tiles() {
    for way in [1.0, -1.0] {
        let folder = tempfile::tempdir().unwrap();
        mosaic(folder.path(), "a", Some(csa("5", [0.0, 0.0, way])), |s| s);
        let found = layouts(folder.path());
        assert_eq!(found.len(), 1);
        assert_eq!(codes(&found[0]), ["MOSAIC_SPLIT"]);
        let volume = volume(&found[0]);
        assert_eq!(volume.grid.size, [4, 4, 5]);
        let affine = volume.grid.patient_from_voxel;
        for k in 0..5 {
            let slice = volume.stored(3, 2, k).unwrap();
            let tile = (slice / 100.0).floor();
            assert_eq!(slice - 100.0 * tile, 11.0, "row 2, column 3");
            let at = affine.transform_point3(DVec3::new(3.0, 2.0, k as f64));
            let truth = DVec3::new(10.0 + 1.5, 20.0 + 1.0, 30.0 + way * 2.5 * tile);
            assert!(at.distance(truth) < 1e-9, "{at} {truth}");
        }
    }
}

#[test]
fn mosaics_in_time_are_volumes_in_time() {
    let folder = tempfile::tempdir().unwrap();
    for (i, name) in ["a", "bb", "ccc"].into_iter().enumerate() {
        mosaic(folder.path(), name, Some(csa("5", [0.0, 0.0, 1.0])), |s| {
            s.text(0x20, 0x12, b"IS", &(i + 1).to_string())
        });
    }
    let found = layouts(folder.path());
    let expected = ["acquisition 1", "acquisition 2", "acquisition 3"];
    assert_eq!(labels(&found), expected);
    assert!(
        found
            .iter()
            .all(|l| l.volume.is_some_and(|g| g.size == [4, 4, 5]))
    );
}

/// A real one: 25 slices of 128 x 128 and five volumes, whose b-values another program wrote down.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn a_real_diffusion_series_of_mosaics_is_parted() {
    let folder = support::data("mr-brain-t1/HFS/4_ep2d_diff_mddw_20_p2");
    let found = layouts(&folder);
    let directed = |n| format!("b=1000, direction {n} of 4");
    let mut expected = vec!["b=0".to_owned()];
    expected.extend((1..=4).map(directed));
    assert_eq!(labels(&found), expected);
    for layout in &found {
        let grid = layout.volume.unwrap();
        assert_eq!(grid.size, [128, 128, 25]);
        assert!(layout.duplicates.is_empty());
        // The first voxel and the steps that dcm2niix 1.0.20220720 gives for this series.
        for (step, expected) in grid.spacing_mm().iter().zip([1.71875, 1.71875, 5.2]) {
            assert!((step - expected).abs() < 1e-4, "{step}");
        }
        let first = grid.patient_from_voxel.translation;
        let truth = DVec3::new(-110.0, -115.113_276, -63.555_162);
        assert!(first.distance(truth) < 1e-3, "{first}");
    }
}

#[test]
fn a_mosaic_that_does_not_say_enough_stays_one_picture() {
    let up = [0.0, 0.0, 1.0];
    let check = |why: &str, header: Option<Vec<u8>>, change: fn(Slice) -> Slice| {
        let folder = tempfile::tempdir().unwrap();
        mosaic(folder.path(), "a", header, change);
        let found = layouts(folder.path());
        assert!(codes(&found[0]).contains(&"MOSAIC_NOT_SPLIT"), "{why}");
        let image = found[0].frames[0].instance.image.as_ref().unwrap();
        assert_eq!(
            (image.rows, image.columns, image.frames),
            (12, 12, 1),
            "{why}"
        );
    };
    check("no header", None, |s| s);
    check("cut", Some(csa("5", up)[..200].to_vec()), |s| s);
    check("no number", Some(csa("", up)), |s| s);
    check("too many", Some(csa("999999", up)), |s| s);
    check("does not fit", Some(csa("50", up)), |s| s);
    check("none", Some(csa("0", up)), |s| s);
    check("another normal", Some(csa("5", [0.0, 1.0, 0.0])), |s| s);
    check("no normal", Some(csa("5", [0.0; 3])), |s| s);
    check("another number beside", Some(csa("5", up)), |s| {
        s.text(0x19, 0x10, b"LO", "SIEMENS MR HEADER").with(
            0x19,
            0x100A,
            b"US",
            &6u16.to_le_bytes(),
        )
    });
    check("no distance", Some(csa("5", up)), |s| s.without(0x18, 0x88));
    check("no place", Some(csa("5", up)), |mut s| {
        s.position = None;
        s
    });
}

/// Functional groups that place a frame.
fn placed(z: f64, more: Bytes) -> Bytes {
    let position = Bytes::default().text(0x20, 0x32, b"DS", &format!("0\\0\\{z:.3}"));
    more.sequence(0x20, 0x9113, &[position])
}

/// An object of several frames with groups of their own.
fn enhanced(uid: &str, frames: &[Bytes], values: &[i16]) -> Slice {
    let orientation = Bytes::default().text(0x20, 0x37, b"DS", "1\\0\\0\\0\\1\\0");
    let measures = Bytes::default()
        .text(0x18, 0x50, b"DS", "2")
        .text(0x28, 0x30, b"DS", "0.5\\0.5");
    let shared = Bytes::default()
        .sequence(0x20, 0x9116, &[orientation])
        .sequence(0x28, 0x9110, &[measures]);
    let shared = Bytes::default().sequence(0x5200, 0x9229, &[shared]);
    let own = Bytes::default().sequence(0x5200, 0x9230, frames);
    let pixels: Vec<u8> = values
        .iter()
        .flat_map(|v| std::iter::repeat_n(v.to_le_bytes(), 64).flatten())
        .collect();
    let mut slice = Slice {
        uid: uid.to_owned(),
        position: None,
        spacing: None,
        rescale: None,
        ..Slice::default()
    }
    .native(&pixels)
    .text(0x28, 8, b"IS", &frames.len().to_string());
    slice.more.push((0x5200, 0x9229, shared.0));
    slice.more.push((0x5200, 0x9230, own.0));
    slice
}

#[test]
fn an_enhanced_object_is_parted_by_its_groups() {
    let folder = tempfile::tempdir().unwrap();
    // Two echoes, interleaved, as scanners store them.
    let frames: Vec<Bytes> = (0..8)
        .map(|i| {
            let time = double(if i % 2 == 0 { 12.0 } else { 80.0 });
            let echo = Bytes::default().put(0x18, 0x9082, b"FD", &time);
            let groups = Bytes::default().sequence(0x18, 0x9114, &[echo]);
            placed(2.0 * f64::from(i / 2), groups)
        })
        .collect();
    let values: Vec<i16> = (0..8).collect();
    enhanced("1.2.3.7", &frames, &values).write(folder.path(), "a");
    let found = layouts(folder.path());
    assert_eq!(labels(&found), ["TE 12 ms", "TE 80 ms"]);
    for (echo, layout) in found.iter().enumerate() {
        let volume = volume(layout);
        assert_eq!(volume.grid.size, [8, 8, 4]);
        for k in 0..4 {
            assert_eq!(volume.stored(0, 0, k), Some((2 * k + echo) as f64));
        }
    }
}

#[test]
fn parts_of_one_object_are_one_stack() {
    let make = |folder: &Path, parts: &[u16]| {
        for &part in parts {
            let frames: Vec<Bytes> = (0..3)
                .map(|i| placed(2.0 * f64::from(3 * (part - 1) + i), Bytes::default()))
                .collect();
            let values: Vec<i16> = (0..3).map(|i| (3 * (part - 1) + i) as i16).collect();
            enhanced(&format!("1.2.3.{part}"), &frames, &values)
                .text(0x20, 0x9161, b"UI", "1.2.3.99")
                .with(0x20, 0x9162, b"US", &part.to_le_bytes())
                .with(0x20, 0x9163, b"US", &3u16.to_le_bytes())
                .with(
                    0x20,
                    0x9228,
                    b"UL",
                    &(3 * u32::from(part - 1)).to_le_bytes(),
                )
                // The name does not tell the order.
                .write(folder, ["z", "m", "a"][usize::from(part) - 1]);
        }
        layouts(folder)
    };
    let folder = tempfile::tempdir().unwrap();
    let whole = make(folder.path(), &[2, 3, 1]);
    assert_eq!(whole.len(), 1);
    assert!(whole[0].findings.is_empty(), "{:?}", whole[0].findings);
    let volume = volume(&whole[0]);
    assert_eq!(volume.grid.size, [8, 8, 9]);
    for k in 0..9 {
        assert_eq!(volume.stored(0, 0, k), Some(k as f64));
    }
    let folder = tempfile::tempdir().unwrap();
    let cut = make(folder.path(), &[3, 1]);
    assert_eq!(cut.len(), 1);
    assert!(codes(&cut[0]).contains(&"CONCATENATION_INCOMPLETE"));
    assert_eq!(number(&cut[0], "CONCATENATION_INCOMPLETE", "count"), 1.0);
    assert_eq!(number(&cut[0], "CONCATENATION_INCOMPLETE", "first"), 2.0);
    assert!(codes(&cut[0]).contains(&"SLICE_GAP"));
}

/// Runs the program and gives its output.
fn negatoscope(args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{args:?}: {said}");
    String::from_utf8(run.stdout).unwrap()
}

/// The values of a NumPy file of float32.
fn npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (values, _) = bytes[start..].as_chunks::<4>();
    values.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

#[test]
fn slices_with_scales_of_their_own_are_cut_as_values() {
    let folder = tempfile::tempdir().unwrap();
    let slopes = ["1", "2.5", "0.5", "0.25", "3", "1.5"];
    series(folder.path(), 1, |_, k, mut s| {
        s.rescale = Some(("10", slopes[k]));
        let values: Vec<u8> = (0..64i16)
            .flat_map(|i| (20 + 7 * i + k as i16).to_le_bytes())
            .collect();
        Some(s.native(&values))
    });
    let truth = |i: usize, j: usize, k: usize| {
        let slope: f64 = slopes[k].parse().unwrap();
        10.0 + slope * (20 + 7 * (i + 8 * j) + k) as f64
    };
    let found = layouts(folder.path());
    assert!(found[0].mixed_rescale);
    let volume = volume(&found[0]);
    for (i, j, k) in [(0, 0, 0), (7, 7, 5), (3, 4, 2)] {
        let stored = volume.stored(i, j, k).unwrap();
        let value = modality_value(stored, &volume.modality_lut);
        assert!((value - truth(i, j, k)).abs() < 1e-4, "{value}");
    }
    // A coronal cut through row 4, voxel by voxel: 8 columns of 0.5 mm, 6 slices of 3 mm from the head down.
    let path = folder.path().to_str().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut pictures = Vec::new();
    for backend in ["cpu", "gpu"] {
        let (png, values) = (
            out(&format!("{backend}.png")),
            out(&format!("{backend}.npy")),
        );
        negatoscope(&[
            "render",
            path,
            "--view",
            "coronal",
            "--index",
            "5",
            "--size",
            "36x36",
            "--backend",
            backend,
            "--interpolation",
            "nearest",
            "--window",
            "400,900",
            "--raw16",
            &values,
            "--out",
            &png,
        ]);
        let values = npy(Path::new(&values));
        // 36 pixels for 18 mm: half a millimetre a pixel, the picture in the middle of its columns.
        for k in 0..6 {
            for i in 0..8 {
                let (x, y) = (14 + i, 6 * (5 - k) + 3);
                let value = f64::from(values[y * 36 + x]);
                assert!(
                    (value - truth(i, 4, k)).abs() < 1e-3,
                    "{backend} {i} {k}: {value}"
                );
            }
        }
        pictures.push(image::open(&png).unwrap().into_rgb8());
    }
    let apart = |a: &image::RgbImage, b: &image::RgbImage| {
        let pairs = a.as_raw().iter().zip(b.as_raw());
        pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    };
    assert!(apart(&pictures[0], &pictures[1]) <= 1);
    let mut smooth = Vec::new();
    for backend in ["cpu", "gpu"] {
        let png = out(&format!("{backend}-linear.png"));
        negatoscope(&[
            "render",
            path,
            "--view",
            "coronal",
            "--size",
            "64x64",
            "--backend",
            backend,
            "--window",
            "400,900",
            "--out",
            &png,
        ]);
        smooth.push(image::open(&png).unwrap().into_rgb8());
    }
    assert!(apart(&smooth[0], &smooth[1]) <= 2);
}

#[test]
fn a_part_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    series(folder.path(), 2, |p, _, s| {
        Some(s.text(0x18, 0x81, b"DS", ["30", "90"][p]))
    });
    let path = folder.path().to_str().unwrap();
    for (part, value) in [("1", 0.0), ("2", 100.0)] {
        let said = negatoscope(&["probe", path, "--part", part, "--ijk", "0,0,0", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(found["value"], value);
    }
    let said = negatoscope(&["inspect", path, "--check"]);
    assert!(said.contains("part 2 of 2: TE 90 ms"), "{said}");
    let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(["probe", path, "--part", "3", "--ijk", "0,0,0"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn parts_and_findings_are_said_in_both_languages() {
    let found = split(3, |p, k, s| {
        (p != 1 || k != 3).then(|| s.text(0x20, 0x100, b"IS", &(p + 1).to_string()))
    });
    let [english, chinese] = [Language::English, Language::SimplifiedChinese];
    assert_eq!(part_text(english, &found[1].part), "phase 2 of 3");
    assert_eq!(part_text(chinese, &found[1].part), "时相 2/3");
    let gap = &found[1].findings[0];
    assert_eq!(
        finding_text(english, gap),
        "1 of 6 images missing (between 9 and 11); slices are 3 mm apart"
    );
    assert!(finding_text(chinese, gap).contains("6 幅图像中缺少 1 幅"));
}
