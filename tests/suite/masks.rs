//! Masks of others and damaged ones: segmentation objects and structure sets as they are found in archives, and as nobody
//! should find them.

use crate::{
    support::{PROGRAM, data, program},
    ui_snapshots::{alone, run, stage},
};
use glam::{DAffine3, DVec3};
use negatoscope::{
    app::stage::Stage,
    dicom::{
        FileFrames, FrameSource as _,
        assemble::lay_out,
        guard::Limits,
        header::read_dicom,
        scan::{ScanOptions, read_instance},
        segmentation::{Wanted, grid_of, read_mask, read_structures},
        write::{
            SeriesIdentity, marks::Making, segmentation::write_segmentation,
            structures::write_structures, write_ct_series,
        },
    },
    model::{
        access::Right,
        exchange::SourceObject,
        geometry::GridGeometry,
        layout::SeriesLayout,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        segmentation::{
            Painter, Segment, Segmentation, SegmentationId,
            exchange::{Form, Pictures, SegmentationRead},
        },
        study::Instance,
        volume::Volume,
    },
    task::CancelToken,
    workspace::{Command, effect::Effect, event::Event},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

fn open(path: &Path) -> Arc<Instance> {
    Arc::new(read_dicom(&Arc::from(path), &Limits::default()).unwrap())
}

fn series(folder: &Path) -> Option<SeriesLayout> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    let instances: Vec<_> = paths.iter().map(|path| open(path)).collect();
    lay_out(&instances).into_iter().next()
}

fn mask(path: &Path, on: Option<&SeriesLayout>) -> Result<SegmentationRead, String> {
    let instance = match read_instance(path, &ScanOptions::default()) {
        Ok(instance) => Arc::new(instance),
        Err(rejection) => return Err(rejection.code.to_owned()),
    };
    let (frames, cancel) = (FileFrames::default(), CancelToken::default());
    read_mask(&instance, &frames, on, Wanted::default(), &cancel).map_err(|e| e.code().to_owned())
}

/// A small CT, its layout and what objects take over from it.
fn pictures(folder: &Path) -> (SeriesLayout, SourceObject) {
    pictures_of(folder, 21, ["1.2.3", "1.2.3.4", "1.2.3.9"])
}

/// The same with so many columns, and study, series and frame of reference of these UIDs.
pub fn pictures_of(
    folder: &Path,
    columns: usize,
    [study, series_uid, space]: [&str; 3],
) -> (SeriesLayout, SourceObject) {
    let frame = || {
        let pixels = PixelBytes::from_vec(vec![0; columns * 15 * 2]);
        Frame::new(15, columns, 1, StoredType::I16, pixels).unwrap()
    };
    let volume = Volume {
        grid: GridGeometry {
            size: [columns, 15, 4],
            patient_from_voxel: DAffine3::from_scale(DVec3::new(0.7, 0.9, 3.0)),
        },
        frames: vec![frame(), frame(), frame(), frame()],
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    };
    let mut identity = SeriesIdentity::default();
    identity.study.uid = study.into();
    identity.series.uid = series_uid.into();
    identity.series.frame_of_reference_uid = space.into();
    write_ct_series(folder, &volume, &identity).unwrap();
    let layout = series(folder).unwrap();
    let first = layout.first_instance().unwrap();
    let source = FileFrames::default().read_source(first).unwrap();
    (layout, source)
}

/// Rings with holes and islands, on three of four slices.
fn rings(grid: GridGeometry) -> Segmentation {
    let mut seg = Segmentation::new(SegmentationId("2.25.9".into()), grid);
    seg.put_segment(Segment::new(1, "ring"));
    let mut over = Segment::new(2, "over");
    over.layer = 1;
    seg.put_segment(over);
    for (layer, centre) in [(0, 7), (1, 11)] {
        let mut painter = Painter::new(seg.layer_mut(layer).unwrap());
        for z in [0, 2, 3] {
            for y in 0..15_usize {
                painter.map_row([y, z], 0..21, |x, _| {
                    let ring = x.abs_diff(centre).max(y.abs_diff(7));
                    if matches!(ring, 0 | 3 | 4) {
                        layer as u16 + 1
                    } else {
                        0
                    }
                });
            }
        }
    }
    seg
}

pub fn making() -> Making {
    Making {
        date: "20240229".into(),
        time: "142301".into(),
        uid_seed: "masks".into(),
        author: String::new(),
    }
}

#[test]
fn outlines_come_back_to_the_voxel_and_overlap_in_layers() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = pictures(&folder.path().join("ct"));
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let seg = rings(grid_of(&layout).unwrap());
    let made = write_structures(&seg, &on, &making()).unwrap();
    let path = folder.path().join("rt.dcm");
    fs::write(&path, &made.bytes).unwrap();
    let (frames, cancel) = (FileFrames::default(), CancelToken::default());
    let read = read_structures(&open(&path), &frames, &layout, &cancel).unwrap();
    assert_eq!(read.findings, []);
    assert_eq!(read.segmentation.layers(), seg.layers());
    let names: Vec<&str> = read
        .segmentation
        .segments()
        .map(|s| s.label.as_str())
        .collect();
    assert_eq!(names, ["ring", "over"]);
    for segment in seg.segments() {
        assert_eq!(
            read.segmentation.segment(segment.number).unwrap().color,
            segment.color
        );
    }
    assert_eq!(mask(&path, None).unwrap_err(), "NEEDS_PICTURES");
}

/// What `tests/data/masks/highdicom_masks.py` wrote with highdicom: 13 columns, sparse and overlapping frames, rows and
/// columns flipped, turned and oblique. The rule by which it painted is here, too.
#[test]
fn segmentations_of_highdicom_come_in_voxel_for_voxel() {
    let inside = |segment: usize, [x, y, z]: [usize; 3]| {
        let there = z == segment % 5 || z == segment * 3 % 5;
        there && (x * 7 + y * 13 + z * 29 + segment * 2) % 17 < 4
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/masks");
    for (name, segments, form, row, column) in [
        ("flipped-binary", 4, Form::Binary, DVec3::NEG_X, DVec3::Z),
        ("turned-fractional", 3, Form::Fractional, DVec3::Y, DVec3::X),
        (
            "oblique-95",
            95,
            Form::Binary,
            DVec3::new(0.6, 0.8, 0.0),
            DVec3::new(-0.48, 0.36, 0.8),
        ),
    ] {
        let read = mask(&folder.join(format!("{name}.dcm")), None).unwrap();
        assert_eq!(read.form, form);
        let seg = &read.segmentation;
        assert_eq!(seg.len(), segments);
        let matrix3 = glam::DMat3::from_cols(row * 0.8, column * 1.5, row.cross(column) * 2.5);
        let theirs = DAffine3 {
            matrix3,
            translation: DVec3::new(-31.5, 12.25, 88.0),
        };
        let to_theirs = theirs.inverse() * seg.grid.patient_from_voxel;
        let [columns, rows, slices] = seg.grid.size;
        let mut voxels = 0;
        for index in 0..columns * rows * slices {
            let at = [
                index % columns,
                index / columns % rows,
                index / (columns * rows),
            ];
            let there = to_theirs.transform_point3(DVec3::from(at.map(|n| n as f64)));
            assert!(
                (there - there.round()).abs().max_element() < 1e-3,
                "{name}: {there}"
            );
            let there = there.round().to_array().map(|v| v as usize);
            for segment in seg.segments() {
                let layer = &seg.layers()[segment.layer];
                let own = layer.get(at) == segment.number;
                voxels += usize::from(own);
                assert_eq!(
                    own,
                    inside(segment.number.into(), there),
                    "{name} {there:?}"
                );
            }
        }
        let mut painted = 0;
        for index in 0..13 * 11 * 5 {
            let at = [index % 13, index / 13 % 11, index / (13 * 11)];
            painted += (1..=segments).filter(|s| inside(*s, at)).count();
        }
        assert_eq!(voxels, painted, "{name}");
        assert!(seg.layers().len() > 1, "{name}: they overlap");
    }
}

#[test]
fn damaged_objects_are_refused_or_read_and_never_end_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = pictures(&folder.path().join("ct"));
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let seg = rings(grid_of(&layout).unwrap());
    let objects = [
        write_segmentation(&seg, Form::Binary, None, &on, &making())
            .unwrap()
            .bytes,
        write_structures(&seg, &on, &making()).unwrap().bytes,
    ];
    let path = folder.path().join("x.dcm");
    let mut state = 5_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut refused, mut read) = (0, 0);
    for bytes in &objects {
        for _ in 0..600 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + next(6) {
                // Behind the meta header, so that it is still such an object.
                let at = 340 + next(damaged.len() - 340);
                damaged[at] = [0, 1, 0x7F, 0xFF, b'9', b'-', b'\\'][next(7)];
            }
            if next(9) == 0 {
                damaged.truncate(400 + next(bytes.len() - 400));
            }
            fs::write(&path, &damaged).unwrap();
            for on in [None, Some(&layout)] {
                match mask(&path, on) {
                    Ok(_) => read += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 300 && read > 300, "{refused} {read}");
}

#[test]
fn as_many_segments_as_there_are_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = pictures(&folder.path().join("ct"));
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let grid = grid_of(&layout).unwrap();
    let mut seg = Segmentation::new(SegmentationId("2.25.9".into()), grid);
    for number in 1..=u16::MAX {
        seg.put_segment(Segment::new(number, "s"));
    }
    let mut painter = Painter::new(seg.layer_mut(0).unwrap());
    for n in 0..21 * 15 * 4 {
        painter.set([n % 21, n / 21 % 15, n / 315], (n * 51) as u16);
    }
    drop(painter);
    let made = write_segmentation(&seg, Form::LabelMap, None, &on, &making()).unwrap();
    let path = folder.path().join("many.dcm");
    fs::write(&path, &made.bytes).unwrap();
    let read = mask(&path, Some(&layout)).unwrap();
    assert_eq!(read.segmentation.layers(), seg.layers());
    assert_eq!(read.segmentation.len(), 65_535);
    assert!(write_segmentation(&seg, Form::Binary, None, &on, &making()).is_ok());
}

/// Voxels by segment as pydicom counts them in the frames of each; `benches/peers/segmentations` compares their places.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn segmentations_of_others_lie_where_they_say() {
    let home = data("dicom-seg-sr").join("segmentations");
    let ct = series(&home.join("ct-3slice")).unwrap();
    let liver: &[(u16, u64)] = &[(1, 107_098)];
    let partial: &[(u16, u64)] = &[(1, 9602), (2, 11_888), (3, 10_743), (4, 6693), (5, 4713)];
    for (file, on, wanted) in [
        ("liver.dcm", Some(&ct), liver),
        ("partial_overlaps.dcm", Some(&ct), partial),
        ("liver.dcm", None, liver),
        ("partial_overlaps.dcm", None, partial),
    ] {
        let read = mask(&home.join(file), on).unwrap();
        let counts = negatoscope::formats::labels::counts(&read.segmentation);
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), wanted, "{file}");
        if let Some(on) = on {
            assert_eq!(read.segmentation.grid, grid_of(on).unwrap(), "{file}");
        }
    }
    let small = home.join("24x38x3");
    let pictures = series(&small.join("image")).unwrap();
    let read = mask(&small.join("seg/label.seg"), Some(&pictures)).unwrap();
    let counts = negatoscope::formats::labels::counts(&read.segmentation);
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(1, 315)]);
    // Outlines of one study on pictures of another.
    let other = data("dicom-pydicom").join("test_files/rtstruct.dcm");
    assert_eq!(mask(&other, Some(&ct)).unwrap_err(), "OTHER_STUDY");
    let pydicom = data("dicom-pydicom").join("pydicom-data");
    let plain = mask(&pydicom.join("liver.dcm"), None).unwrap();
    for other in ["liver_rle.dcm", "liver_deflate.dcm", "liver_expb.dcm"] {
        let read = mask(&pydicom.join(other), None).unwrap();
        assert_eq!(
            read.segmentation.layers(),
            plain.segmentation.layers(),
            "{other}"
        );
    }
}

/// Two patients with a mask each, as a list.
fn cases(folder: &Path) -> PathBuf {
    let mut list = Vec::new();
    for (name, patient) in [("a", "1"), ("b", "2"), ("c", "1")] {
        let home = folder.join(name);
        let (layout, source) = pictures(&home.join("ct"));
        let on = Pictures {
            layout: &layout,
            source: &source,
        };
        let mut seg = rings(grid_of(&layout).unwrap());
        // Forms with one number a voxel take no overlap.
        let kept = seg.cleared(2).unwrap();
        seg.apply(kept.0, &kept.1).unwrap();
        let made = write_segmentation(&seg, Form::Binary, None, &on, &making()).unwrap();
        fs::write(home.join("seg.dcm"), &made.bytes).unwrap();
        list.push(serde_json::json!({
            "name": name, "patient": patient,
            "image": format!("{name}/ct"), "label": format!("{name}/seg.dcm"),
        }));
    }
    let path = folder.join("cases.json");
    fs::write(&path, serde_json::Value::Array(list).to_string()).unwrap();
    path
}

#[test]
fn sets_go_from_form_to_form_and_no_patient_is_in_two_parts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let list = cases(folder.path());
    let convert = |from: &Path, form: &str, to: &Path, more: &[&str]| {
        let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
        let line = ["--json", "dataset", from, "--form", form, "--out", to];
        let said = program(&[&line[..], more].concat());
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    // All three share a study here, so they are one patient: parts cannot be told apart.
    let told = convert(&list, "nnunet", &at("nnunet"), &["--split", "50,0,50"]);
    assert_eq!(told["cases"], 3);
    assert_eq!(told["parts"].as_object().unwrap().len(), 1);
    let about = fs::read_to_string(at("nnunet/dataset.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    assert_eq!(about["labels"]["ring"], 1);
    assert_eq!(about["channel_names"]["0"], "CT");
    let part = if at("nnunet/labelsTr").exists() {
        "Tr"
    } else {
        "Ts"
    };
    let first = at(&format!("nnunet/labels{part}/a.nii.gz"));
    let truth = mask(&at("a/seg.dcm"), Some(&series(&at("a/ct")).unwrap())).unwrap();
    let counts =
        |path: &Path| negatoscope::formats::labels::counts(&mask(path, None).unwrap().segmentation);
    let wanted = negatoscope::formats::labels::counts(&truth.segmentation);
    assert_eq!(counts(&first).get(&1), wanted.get(&1));
    // Through the others and back: every form is read again.
    convert(&at("nnunet"), "monai", &at("monai"), &[]);
    convert(&at("monai/datalist.json"), "coco", &at("coco"), &[]);
    convert(
        &at("monai/datalist.json"),
        "coco",
        &at("polygons"),
        &["--polygons"],
    );
    convert(&at("monai/datalist.json"), "png", &at("png"), &[]);
    let word = if part == "Tr" { "train" } else { "test" };
    for set in [
        at(&format!("coco/{word}.json")),
        at(&format!("polygons/{word}.json")),
        at("png/datalist.json"),
    ] {
        let back = at(&format!(
            "back {}",
            set.parent().unwrap().file_name().unwrap().to_str().unwrap()
        ));
        convert(&set, "png", &back, &[]);
        let masks = back.join("masks").join(word);
        let mut pixels = 0;
        for entry in fs::read_dir(&masks).unwrap() {
            let file = entry.unwrap().path();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("a_") {
                pixels += counts(&file).get(&1).copied().unwrap_or(0);
            }
        }
        assert_eq!(Some(&pixels), wanted.get(&1), "{}", set.display());
    }
    // A list that puts one patient into two parts is refused.
    let text = fs::read_to_string(&list).unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let leaking = serde_json::json!({"training": [all[0]], "testing": [all[2]]});
    fs::write(at("leak.json"), leaking.to_string()).unwrap();
    let ended = std::process::Command::new(PROGRAM)
        .args([
            "dataset",
            at("leak.json").to_str().unwrap(),
            "--form",
            "png",
            "--out",
        ])
        .arg(at("leak"))
        .output()
        .unwrap();
    assert!(!ended.status.success());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("LEAK"));
}

#[test]
fn masks_that_are_opened_lie_over_their_pictures() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = pictures(&folder.path().join("ct"));
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let seg = rings(grid_of(&layout).unwrap());
    let seg_file = write_segmentation(&seg, Form::Binary, None, &on, &making()).unwrap();
    let outlines = write_structures(&seg, &on, &making()).unwrap();
    fs::write(folder.path().join("seg.dcm"), &seg_file.bytes).unwrap();
    fs::write(folder.path().join("rt.dcm"), &outlines.bytes).unwrap();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    run(&mut stage, Command::FirstImage);
    let workspace = &stage.program().workspace;
    let found: Vec<&Segmentation> = workspace.marks.segmentations().collect();
    assert_eq!(found.len(), 2);
    for uid in [&seg_file.instance_uid, &outlines.instance_uid] {
        let read = found.iter().find(|s| s.id.0 == **uid).expect("read");
        assert_eq!(read.layers(), seg.layers());
        assert_eq!(read.series_uid, "1.2.3.4");
    }
    // The pictures are shown, and not the mask alone.
    let shown = workspace.viewports[0].display.as_ref().unwrap();
    assert_eq!(shown.layout.first_instance().unwrap().series.modality, "CT");
    assert!(workspace.active_segmentation().is_some());
    // Taken back as one step each.
    run(&mut stage, Command::Undo);
    let left = stage.program().workspace.marks.segmentations().count();
    assert_eq!(left, 1);
}

/// A segmentation leaves the window in every form, with the voxels that it has, and never over what was opened.
#[test]
fn a_segmentation_is_saved_under_a_name_that_says_its_form() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = pictures(&folder.path().join("ct"));
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let mut seg = rings(grid_of(&layout).unwrap());
    // Without overlap, so that every form takes it.
    let (layer, delta) = seg.cleared(2).unwrap();
    seg.apply(layer, &delta).unwrap();
    let made = write_segmentation(&seg, Form::Binary, None, &on, &making()).unwrap();
    let opened = folder.path().join("seg.dcm");
    fs::write(&opened, &made.bytes).unwrap();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let save = |stage: &mut Stage, path: &Path| {
        let workspace = &mut stage.program_mut().workspace;
        let asked = workspace.execute(Command::SaveSegmentation);
        assert_eq!(asked, Some(Effect::ChooseSegmentation));
        assert_eq!(asked.unwrap().right(), Some(Right::ExportMarks));
        let chosen = Event::ChosenSegmentation(path.to_owned());
        workspace.sender().send(chosen).unwrap();
        stage.settle().unwrap();
        let notices = &stage.program().workspace.notices;
        notices.last().map(|n| n.key).unwrap()
    };
    for (name, form) in [
        ("a.dcm", Form::Binary),
        ("a.labelmap.dcm", Form::LabelMap),
        ("a.rtstruct.dcm", Form::Binary),
        ("a.nii.gz", Form::LabelMap),
        ("a.nrrd", Form::LabelMap),
    ] {
        let path = folder.path().join(name);
        assert_eq!(
            save(&mut stage, &path),
            "notice-segmentation-saved",
            "{name}"
        );
        let read = mask(&path, Some(&layout)).unwrap();
        let wanted = negatoscope::formats::labels::counts(&seg);
        let found = negatoscope::formats::labels::counts(&read.segmentation);
        assert_eq!(found, wanted, "{name}");
        assert_eq!(read.segmentation.layers()[0], seg.layers()[0], "{name}");
        if name.ends_with(".labelmap.dcm") || name == "a.dcm" {
            assert_eq!(read.form, form, "{name}");
        }
    }
    // The command line makes the same file of what was saved as it does of what was opened.
    let out = folder.path().join("b.nii.gz");
    let (from, to) = (folder.path().join("a.dcm"), out.to_str().unwrap());
    let ct = folder.path().join("ct");
    let (from, ct) = (from.to_str().unwrap(), ct.to_str().unwrap());
    program(&["convert-labels", from, "--image", ct, "--out", to]);
    let saved = fs::read(folder.path().join("a.nii.gz")).unwrap();
    assert_eq!(fs::read(&out).unwrap(), saved);
    for refused in [
        &opened,
        &folder.path().join("a.txt"),
        &folder.path().join("a.png"),
    ] {
        assert_eq!(save(&mut stage, refused), "notice-segmentation-unsaved");
    }
    assert_eq!(fs::read(&opened).unwrap(), made.bytes);
}

/// The numbers of a report and their units, wherever they stand.
fn measured(said: &serde_json::Value) -> Vec<(String, f64)> {
    use serde_json::Value;
    match said {
        Value::Array(all) => all.iter().flat_map(measured).collect(),
        Value::Object(map) => {
            let unit = map.get("unit").and_then(|u| u["value"].as_str());
            let own = unit.zip(map.get("number").and_then(Value::as_f64));
            let own = own.map(|(unit, number)| (unit.to_owned(), number));
            own.into_iter()
                .chain(map.values().flat_map(measured))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What was measured of segments leaves the window as the command line writes it: a report beside the object that it names.
#[test]
fn a_segmentation_leaves_with_its_measurements() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ct = at("ct");
    let size = [21, 15, 4];
    let value = |x: usize, y: usize, z: usize| (1000 + 7 * x + 11 * y + 90 * z) as i16;
    let frame = |z: usize| {
        let values = (0..size[0] * size[1]).map(|i| value(i % size[0], i / size[0], z));
        let pixels = PixelBytes::from_vec(values.flat_map(i16::to_le_bytes).collect());
        Frame::new(size[1], size[0], 1, StoredType::I16, pixels).unwrap()
    };
    let volume = Volume {
        grid: GridGeometry {
            size,
            patient_from_voxel: DAffine3::from_scale(DVec3::new(0.7, 0.9, 3.0)),
        },
        frames: (0..size[2]).map(frame).collect(),
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    };
    let mut identity = SeriesIdentity::default();
    identity.study.uid = "1.2.3".into();
    identity.series.uid = "1.2.3.4".into();
    identity.series.frame_of_reference_uid = "1.2.3.9".into();
    write_ct_series(&ct, &volume, &identity).unwrap();
    let layout = series(&ct).unwrap();
    let first = layout.first_instance().unwrap();
    let source = FileFrames::default().read_source(first).unwrap();
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let seg = rings(grid_of(&layout).unwrap());
    let made = write_segmentation(&seg, Form::Binary, None, &on, &making()).unwrap();
    fs::write(at("seg.dcm"), &made.bytes).unwrap();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    // The pictures are shown, and the panel of what lies over them.
    let label = "Save segmentation with measurements…";
    let seen = negatoscope::app::screen::describe(&mut stage).to_string();
    assert!(seen.contains(label), "no button says so");
    let save = |stage: &mut Stage, path: &Path| {
        let workspace = &mut stage.program_mut().workspace;
        let asked = workspace.execute(Command::SaveMeasured);
        assert_eq!(asked, Some(Effect::ChooseSegmentation));
        assert_eq!(asked.unwrap().right(), Some(Right::ExportMarks));
        let chosen = Event::ChosenSegmentation(path.to_owned());
        workspace.sender().send(chosen).unwrap();
        stage.settle().unwrap();
        let notices = &stage.program().workspace.notices;
        notices.last().map(|n| n.key).unwrap()
    };
    // What it should say: voxels times what one takes, and the mean of their values.
    let (mut volumes, mut means) = (Vec::new(), Vec::new());
    for number in [1, 2] {
        let inside = |[x, y, z]: [usize; 3]| {
            seg.contains(number, [x, y, z])
                .then(|| f64::from(value(x, y, z)) - 1024.0)
        };
        let all = (0..21 * 15 * 4).filter_map(|i| inside([i % 21, i / 21 % 15, i / 315]));
        let all: Vec<f64> = all.collect();
        volumes.push(all.len() as f64 * 0.7 * 0.9 * 3.0);
        means.push(all.iter().sum::<f64>() / all.len() as f64);
    }
    let said = |path: &Path| -> serde_json::Value {
        let text = program(&["content", path.to_str().unwrap(), "--json", "--show-phi"]);
        serde_json::from_str(&text).unwrap()
    };
    let check = |path: &Path| {
        let numbers = measured(&said(path));
        let of = |unit: &str| -> Vec<f64> {
            let own = numbers.iter().filter(|(of, _)| of == unit);
            own.map(|(_, number)| *number).collect()
        };
        for (found, wanted) in [(of("mm3"), &volumes), (of("[hnsf'U]"), &means)] {
            assert_eq!(found.len(), wanted.len(), "{}: {numbers:?}", path.display());
            let mut both = found.iter().zip(wanted);
            let near = both.all(|(found, wanted)| (found - wanted).abs() < 1e-6);
            assert!(near, "{}: {found:?} {wanted:?}", path.display());
        }
    };
    for (name, report) in [
        ("a.dcm", "a.sr.dcm"),
        ("b.labelmap.dcm", "b.labelmap.sr.dcm"),
        // A report that is there is never written over.
        ("a.dcm", "a.sr-2.dcm"),
    ] {
        // Overlap fits single bits alone.
        let wanted = match name.starts_with('b') {
            true => "notice-segmentation-unsaved",
            false => "notice-segmentation-measured",
        };
        assert!(!at(report).exists());
        assert_eq!(save(&mut stage, &at(name)), wanted, "{name}");
        assert_eq!(at(report).exists(), !name.starts_with('b'), "{name}");
        if at(report).exists() {
            check(&at(report));
            let named = open(&at(name)).sop_instance_uid.clone();
            let text = said(&at(report)).to_string();
            assert!(text.contains(&named) && text.contains("ring"), "{report}");
        }
    }
    // The command line says the same of the same.
    let (from, out, report) = (at("a.dcm"), at("c.dcm"), at("c.sr.dcm"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    program(&[
        "convert-labels",
        &text(&from),
        "--image",
        &text(&ct),
        "--out",
        &text(&out),
        "--report",
        &text(&report),
    ]);
    check(&report);
    assert_eq!(measured(&said(&report)), measured(&said(&at("a.sr.dcm"))));
    // A report names an object: other forms leave without, by the other command.
    for name in ["d.nii.gz", "d.rtstruct.dcm"] {
        assert_eq!(save(&mut stage, &at(name)), "notice-segmentation-unsaved");
        assert!(!at(name).exists());
    }
}
