//! What well-formed files give: pixels against an independent decoder, geometry against known markers, series
//! against what was done to them, and our own files read back.

use crate::{
    bad_input::build::{
        Bytes, CT, DEFLATED, DEFLATED_FRAME, EXPLICIT, IMPLICIT, RLE, Slice, deflate_stored, file,
        fragments, rle_frame, write,
    },
    support,
    syntaxes::{Table, named},
};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::{FileFrames, FrameSource as _},
        load::{chunk_ranges, load_volume, read_chunk},
        scan::{ScanEvent, ScanOptions, read_instance, scan},
        syntax::{self, Loss},
        window_default::window_default,
        write::{RadiographDescription, SeriesIdentity, write_ct_series, write_radiograph},
    },
    model::{
        date::Date,
        finding::Severity,
        geometry::{GridGeometry, PixelBounds, Spacing, SpacingSource},
        identity::{PatientIdentity, PersonName, Phi, Sex},
        layout::SeriesLayout,
        lut::{ModalityLut, ModalityUnit, Photometric, Voi, VoiLutFunction, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        study::{Instance, RejectionKind, SeriesDescription, SourceKind, StudyDescription},
        volume::Volume,
    },
    task::{CancelToken, Progress},
};
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

fn read(path: &Path) -> Instance {
    read_instance(path, &ScanOptions::default())
        .unwrap_or_else(|r| panic!("{}: {}", r.code, r.detail))
}

fn scan_all(paths: &[PathBuf]) -> (Vec<Arc<Instance>>, Vec<&'static str>) {
    let found = Mutex::new((Vec::new(), Vec::new()));
    let progress = Progress::default();
    scan(
        paths,
        &ScanOptions::default(),
        &CancelToken::default(),
        &progress,
        &|event| {
            let mut found = found.lock().unwrap();
            match event {
                ScanEvent::Instance(instance) => found.0.push(instance),
                ScanEvent::Rejected(rejection) => found.1.push(rejection.code),
            }
        },
    );
    let found = found.into_inner().unwrap();
    let files = (found.0.len() + found.1.len()) as u64;
    assert_eq!(progress.get(), (files, files));
    found
}

fn lay_out_folder(folder: &Path) -> Vec<SeriesLayout> {
    let (instances, rejected) = scan_all(&[folder.to_path_buf()]);
    assert_eq!(rejected, Vec::<&str>::new());
    lay_out(&instances)
}

fn codes(layout: &SeriesLayout) -> Vec<&'static str> {
    layout.findings.iter().map(|f| f.code).collect()
}

fn number(layout: &SeriesLayout, code: &str, name: &str) -> f64 {
    let finding = layout.findings.iter().find(|f| f.code == code).expect(code);
    finding.numbers.iter().find(|n| n.0 == name).expect(name).1
}

/// One row of REFERENCE.tsv.
struct Reference {
    path: String,
    syntax: String,
    photometric: String,
    /// Bits stored and allocated, for the table.
    bits: String,
    shape: Vec<usize>,
    dtype: String,
    min: f64,
    max: f64,
    mean: f64,
    sha256: String,
}

impl Reference {
    fn kind(&self) -> [String; 4] {
        let sign = match self.dtype.as_bytes().first() {
            Some(b'i') => "signed",
            Some(b'u') => "unsigned",
            _ => "float",
        };
        [
            named(&self.syntax),
            self.bits.clone(),
            sign.to_owned(),
            self.photometric.clone(),
        ]
    }
}

fn references() -> Vec<Reference> {
    let table = std::fs::read_to_string(support::data("REFERENCE.tsv")).unwrap();
    let mut lines = table.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    lines
        .filter(|row| row[column("decode")] == "ok")
        .map(|row| {
            let get = |name| row[column(name)];
            let number = |name| get(name).parse::<f64>().unwrap();
            Reference {
                path: get("path").to_owned(),
                syntax: get("transfer_syntax").to_owned(),
                photometric: get("photometric").to_owned(),
                bits: format!("{} / {}", get("bits_stored"), get("bits_alloc")),
                shape: get("shape")
                    .split('x')
                    .map(|n| n.parse().unwrap())
                    .collect(),
                dtype: get("dtype").to_owned(),
                min: number("min"),
                max: number("max"),
                mean: number("mean"),
                sha256: get("pixel_sha256").to_owned(),
            }
        })
        .collect()
}

const fn numpy_name(stored_type: StoredType) -> &'static str {
    match stored_type {
        StoredType::U8 => "uint8",
        StoredType::I8 => "int8",
        StoredType::U16 => "uint16",
        StoredType::I16 => "int16",
        StoredType::U32 => "uint32",
        StoredType::I32 => "int32",
        StoredType::F32 => "float32",
        StoredType::F64 => "float64",
    }
}

/// Mean of luma and chroma (PS3.3 C.7.6.3.1.2) from the means of red, green and blue.
fn mean_of_ybr(rgb: [f64; 3]) -> f64 {
    let [r, g, b] = rgb;
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let cb = -0.1687 * r - 0.3313 * g + 0.5 * b + 128.0;
    let cr = 0.5 * r - 0.4187 * g - 0.0813 * b + 128.0;
    (y + cb + cr) / 3.0
}

/// The tiles of a mosaic laid out again as the file has them; what no tile covers is zero.
fn matrix(source: &FileFrames, instance: &Instance, across: usize) -> Frame {
    let image = instance.image.as_ref().unwrap();
    let row = image.columns * image.stored_type.bytes();
    let mut bytes = vec![0; row * image.rows * across * across];
    for k in 0..image.frames {
        let tile = source.read_frame(instance, k).unwrap();
        for (y, line) in tile.pixels.as_slice().chunks_exact(row).enumerate() {
            let at = ((k / across * image.rows + y) * across + k % across) * row;
            bytes[at..at + row].copy_from_slice(line);
        }
    }
    Frame::new(
        image.rows * across,
        image.columns * across,
        1,
        image.stored_type,
        PixelBytes::from_vec(bytes),
    )
    .unwrap()
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn pixels_are_those_of_an_independent_decoder() {
    let source = FileFrames::default();
    let (mut exact, mut close, mut unsupported) = (0, 0, 0);
    let mut wrong: Vec<String> = Vec::new();
    let mut table = Table::default();
    for reference in references() {
        let path = support::data(&reference.path);
        let kind = reference.kind();
        let known = syntax::find(&reference.syntax);
        let instance = match read_instance(&path, &ScanOptions::default()) {
            Ok(instance) => instance,
            Err(rejection) => {
                let names_syntax = rejection.detail.contains(&reference.syntax);
                if rejection.outcome == RejectionKind::Unsupported && names_syntax {
                    unsupported += 1;
                } else {
                    wrong.push(format!(
                        "{}: {} {}",
                        reference.path, rejection.code, rejection.detail
                    ));
                }
                continue;
            }
        };
        let image = instance.image.as_ref().unwrap();
        let mut hash = Sha256::new();
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sums, mut count) = ([0.0; 3], 0usize);
        // The reference knows nothing of tiles.
        let mosaic = image.parts.mosaic;
        let whole = mosaic.map(|m| matrix(&source, &instance, m.across));
        for k in 0..if whole.is_some() { 1 } else { image.frames } {
            let frame = match whole
                .clone()
                .map_or_else(|| source.read_frame(&instance, k), Ok)
            {
                Ok(frame) => frame,
                Err(error) => {
                    wrong.push(format!(
                        "{}: frame {k}: {} {error}",
                        reference.path,
                        error.code()
                    ));
                    break;
                }
            };
            hash.update(frame.pixels.as_slice());
            for (i, value) in frame.values().enumerate() {
                min = min.min(value);
                max = max.max(value);
                sums[i % frame.samples] += value;
                count += 1;
            }
        }
        let across = mosaic.map_or(1, |m| m.across);
        let mut shape = vec![image.rows * across, image.columns * across];
        if image.frames > 1 && mosaic.is_none() {
            shape.insert(0, image.frames);
        }
        if image.samples > 1 {
            shape.push(image.samples);
        }
        if shape != reference.shape || numpy_name(image.stored_type) != reference.dtype {
            wrong.push(format!(
                "{}: {shape:?} {:?}, expected {:?} {}",
                reference.path, image.stored_type, reference.shape, reference.dtype
            ));
            continue;
        }
        let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        if digest == reference.sha256 {
            exact += 1;
            table.count(kind, 0);
            continue;
        }
        let ybr = reference.photometric.starts_with("YBR");
        let lossless = known.is_none_or(|s| s.loss == Loss::None);
        let mean = sums.iter().sum::<f64>() / count as f64;
        let pixels = (count / image.samples) as f64;
        let ybr_mean = mean_of_ybr(sums.map(|s| s / pixels));
        let described = format!(
            "{} ({} {}): min {min} max {max} mean {mean:.4} ybr {ybr_mean:.4}, expected {} {} {:.4}",
            reference.path,
            reference.syntax,
            reference.photometric,
            reference.min,
            reference.max,
            reference.mean
        );
        let range = (reference.max - reference.min).max(1.0);
        // Lossy decoders round their inverse transform differently: single pixels by a grey level, the mean of a
        // frame by far less (at most 0.016 here; ours are libjpeg-turbo's to the bit).
        let grey_close = (mean - reference.mean).abs() <= 0.0002 * range
            && (min - reference.min).abs() <= 1.0
            && (max - reference.max).abs() <= 1.0;
        // The reference does not convert colour; ours is RGB, which clips (at most 0.054 of 255 here).
        let colour_close = (ybr_mean - reference.mean).abs() <= 0.0004 * range
            || (mean - reference.mean).abs() <= 0.0001 * range;
        if (!lossless && image.samples == 1 && grey_close)
            || (image.samples == 3 && (ybr || !lossless) && colour_close)
        {
            close += 1;
            table.count(kind, 1);
        } else {
            wrong.push(described);
            table.count(kind, 2);
        }
    }
    println!("{}", table.text("Real files beside an independent decoder"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Counted once, so that nothing slips from one class to another unseen.
    assert_eq!((exact, close, unsupported), (438, 31, 0));
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn one_slice_is_the_same_in_every_lossless_syntax() {
    let folder = support::data("dicom-transfer-syntaxes");
    let source = FileFrames::default();
    let mut pixels = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let instance = read_instance(&path, &ScanOptions::default());
        let Ok(instance) = instance else { continue };
        // By name the syntax loses nothing, and the codestream does not say otherwise.
        let lossless = syntax::find(&instance.transfer_syntax_uid)
            .is_some_and(|s| s.loss == Loss::None || s.name.contains("Lossless"))
            && instance.image.as_ref().is_some_and(|i| i.lossy.is_none());
        if name.starts_with("CTImage") && lossless {
            pixels.push((name, source.read_frame(&instance, 0).unwrap()));
        }
    }
    // Implicit, explicit, big endian, deflated, RLE, JPEG lossless twice, JPEG-LS, JPEG 2000.
    assert_eq!(pixels.len(), 9);
    for (name, frame) in &pixels {
        assert_eq!(
            frame.pixels.as_slice(),
            pixels[0].1.pixels.as_slice(),
            "{name}"
        );
    }
}

/// A file with several frames, each at its depth in millimetres, in the order given.
pub fn enhanced(depths: &[i32]) -> Vec<u8> {
    let item = |sequence: (u16, u16), content: Bytes| {
        Bytes::default().sequence(sequence.0, sequence.1, &[content])
    };
    let shared = Bytes(
        [
            item(
                (0x20, 0x9116),
                Bytes::default().text(0x20, 0x37, b"DS", r"0\1\0\0\0\-1"),
            )
            .0,
            item(
                (0x28, 0x9110),
                Bytes::default()
                    .text(0x18, 0x50, b"DS", "3")
                    .text(0x28, 0x30, b"DS", r"2\0.5"),
            )
            .0,
            item(
                (0x28, 0x9145),
                Bytes::default()
                    .text(0x28, 0x1052, b"DS", "-10")
                    .text(0x28, 0x1053, b"DS", "2")
                    .text(0x28, 0x1054, b"LO", "HU"),
            )
            .0,
        ]
        .concat(),
    );
    let frames: Vec<Bytes> = depths
        .iter()
        .map(|depth| {
            let position = format!(r"{}\10\20", 3 * depth);
            let window = Bytes::default()
                .text(0x28, 0x1050, b"DS", &format!("{}", 40 + depth))
                .text(0x28, 0x1051, b"DS", "400");
            Bytes(
                [
                    item(
                        (0x20, 0x9113),
                        Bytes::default().text(0x20, 0x32, b"DS", &position),
                    )
                    .0,
                    item((0x28, 0x9132), window).0,
                ]
                .concat(),
            )
        })
        .collect();
    let values: Vec<u8> = depths
        .iter()
        .flat_map(|d| (0..12).map(move |i| (d * 100 + i) as i16))
        .flat_map(i16::to_le_bytes)
        .collect();
    let mut slice = Slice {
        rows: 3,
        columns: 4,
        position: None,
        spacing: None,
        rescale: None,
        ..Slice::default()
    }
    .native(&values)
    .text(0x28, 8, b"IS", &depths.len().to_string());
    let sequences = Bytes::default()
        .sequence(0x5200, 0x9229, &[shared])
        .sequence(0x5200, 0x9230, &frames);
    slice.more.push((0x5200, 0x9229, sequences.0));
    slice.file(EXPLICIT)
}

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

fn load(layout: &SeriesLayout) -> Volume {
    let progress = Progress::default();
    let source = FileFrames::default();
    let volume = load_volume(layout, &source, &CancelToken::default(), &progress).unwrap();
    let slices = layout.frames.len() as u64;
    assert_eq!(progress.get(), (slices, slices));
    volume
}

const SIZE: [usize; 3] = [6, 5, 4];
const STEP: [f64; 3] = [0.5, 2.0, 3.0];
const MARKER: [usize; 3] = [4, 1, 2];

/// Writes a stack along three directions with one bright voxel, names and file order shuffled, and expects the voxel
/// at its patient point.
fn check_marker(directions: [DVec3; 3], origin: DVec3, numbers: impl Fn(usize) -> i32) {
    let folder = tempfile::tempdir().unwrap();
    let [row, column, stack] = directions;
    for k in 0..SIZE[2] {
        let mut values = [0i16; 30];
        if k == MARKER[2] {
            values[MARKER[1] * SIZE[0] + MARKER[0]] = 1234;
        }
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let position = origin + stack * (k as f64 * STEP[2]);
        let [a, b] = [row.to_array(), column.to_array()];
        Slice {
            uid: format!("1.2.3.{k}"),
            number: numbers(k),
            rows: SIZE[1] as u16,
            columns: SIZE[0] as u16,
            position: Some(position.to_array()),
            orientation: [a[0], a[1], a[2], b[0], b[1], b[2]],
            spacing: Some(format!("{}\\{}", STEP[1], STEP[0])),
            ..Slice::default()
        }
        .native(&bytes)
        .write(folder.path(), &format!("{}", (k * 7 + 3) % 11));
    }
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 1);
    assert_eq!(codes(&layouts[0]), Vec::<&str>::new());
    let grid = layouts[0].volume.expect("a volume");
    let volume = load(&layouts[0]);
    let mut found = Vec::new();
    for k in 0..SIZE[2] {
        for j in 0..SIZE[1] {
            for i in 0..SIZE[0] {
                if volume.stored(i, j, k) == Some(1234.0) {
                    found.push(DVec3::new(i as f64, j as f64, k as f64));
                }
            }
        }
    }
    assert_eq!(found.len(), 1);
    let expected = origin
        + row * (MARKER[0] as f64 * STEP[0])
        + column * (MARKER[1] as f64 * STEP[1])
        + stack * (MARKER[2] as f64 * STEP[2]);
    // Positions are written with nine decimals.
    let point = grid.patient_from_voxel.transform_point3(found[0]);
    assert!(point.distance(expected) < 1e-7, "{point} {expected}");
    let spacing = DVec3::from_array(grid.spacing_mm());
    assert!(
        spacing.distance(DVec3::from_array(STEP)) < 1e-7,
        "{spacing}"
    );
    let ascending = numbers(1) > numbers(0);
    let slice = if ascending {
        MARKER[2]
    } else {
        SIZE[2] - 1 - MARKER[2]
    };
    assert_eq!(found[0].z, slice as f64, "order runs as the numbers do");
}

#[test]
fn a_marker_is_found_in_all_forty_eight_orders() {
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let mut cases = 0;
    for a in 0..3 {
        for b in (0..3).filter(|b| *b != a) {
            let c = 3 - a - b;
            for signs in 0..8u8 {
                let sign = |bit: u8| if signs & bit == 0 { 1.0 } else { -1.0 };
                let directions = [axes[a] * sign(1), axes[b] * sign(2), axes[c] * sign(4)];
                check_marker(directions, DVec3::new(-12.5, 7.0, 100.25), |k| k as i32 + 1);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 48);
}

#[test]
fn a_marker_is_found_in_oblique_stacks() {
    let mut dice = crate::bad_input::Dice(7);
    for _ in 0..20 {
        let mut number = || dice.roll(2000) as f64 / 1000.0 - 1.0;
        let axis = DVec3::new(number(), number(), number() + 1.5).normalize();
        let turn = DMat3::from_axis_angle(axis, 3.0 * number());
        let origin = DVec3::new(100.0 * number(), 100.0 * number(), 100.0 * number());
        let directions = [turn.x_axis, turn.y_axis, turn.z_axis];
        check_marker(directions, origin, |k| 50 - 10 * k as i32);
    }
}

/// An axial stack of `count` slices, changed slice by slice.
fn stack(folder: &Path, count: usize, change: impl Fn(usize, &mut Slice)) {
    for k in 0..count {
        let mut slice = Slice {
            uid: format!("1.2.3.{k}"),
            number: k as i32 + 1,
            position: Some([0.0, 0.0, 3.0 * k as f64]),
            ..Slice::default()
        };
        change(k, &mut slice);
        slice.write(folder, &format!("{k:03}"));
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

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn names_are_read_in_their_character_sets() {
    let name = |file: &str| {
        let path = support::data("dicom-pydicom/charset_files").join(file);
        let instance = read(&path);
        let name = instance.patient.name.reveal();
        (
            name.alphabetic.clone(),
            name.ideographic.clone(),
            name.phonetic.clone(),
        )
    };
    let check = |file: &str, alphabetic: &str, ideographic: &str, phonetic: &str| {
        let found = name(file);
        let expected = (
            alphabetic.to_owned(),
            ideographic.to_owned(),
            phonetic.to_owned(),
        );
        assert_eq!(found, expected, "{file}");
    };
    check("chrX1.dcm", "Wang^XiaoDong", "王^小東", "");
    check("chrX2.dcm", "Wang^XiaoDong", "王^小东", "");
    check("chrI2.dcm", "Hong^Gildong", "洪^吉洞", "홍^길동");
    check("chrH31.dcm", "Yamada^Tarou", "山田^太郎", "やまだ^たろう");
    check("chrArab.dcm", "قباني^لنزار", "", "");
    check("chrGreek.dcm", "Διονυσιος", "", "");
    check("chrRuss.dcm", "Люкceмбypг", "", "");
    check("chrGerm.dcm", "Äneas^Rüdiger", "", "");
    check("chrFren.dcm", "Buc^Jérôme", "", "");
    check("chrHbrw.dcm", "שרון^דבורה", "", "");
}

#[test]
fn native_forms_come_out_as_stored_values() {
    let folder = tempfile::tempdir().unwrap();
    let source = FileFrames::default();
    let values = |slice: &Slice, syntax: &str, frame: usize| {
        let path = write(folder.path(), "case", &slice.file(syntax));
        let frame = source.read_frame(&read(&path), frame).unwrap();
        frame.values().map(|v| v as i64).collect::<Vec<_>>()
    };
    let base = || Slice {
        rows: 2,
        columns: 2,
        signed: 0,
        ..Slice::default()
    };
    // 12 bits of 16, rubbish above, signed and unsigned; then in the high bits.
    let words = |values: [u16; 4]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let twelve = |signed, high, raw| {
        Slice {
            stored: 12,
            high,
            signed,
            ..base()
        }
        .native(&words(raw))
    };
    assert_eq!(
        values(&twelve(0, 11, [0xF001, 0x0FFF, 0x1800, 7]), EXPLICIT, 0),
        [1, 4095, 2048, 7]
    );
    assert_eq!(
        values(&twelve(1, 11, [0xF001, 0x0FFF, 0x1800, 7]), EXPLICIT, 0),
        [1, -1, -2048, 7]
    );
    assert_eq!(
        values(&twelve(0, 15, [0x0010, 0xFFFF, 0x8000, 0x70]), EXPLICIT, 0),
        [1, 4095, 2048, 7]
    );
    // Three frames of 3 x 3 single bits: 27 bits, frames not at bytes.
    let bits = |syntax: &str, pixels: Vec<u8>, frame| {
        let mut slice = Slice {
            rows: 3,
            columns: 3,
            allocated: 1,
            stored: 1,
            high: 0,
            signed: 0,
            frames: Some("3"),
            rescale: None,
            ..Slice::default()
        };
        slice.pixels = pixels;
        values(&slice, syntax, frame)
    };
    let packed = [0b0000_0001u8, 0b0000_0010, 0b0000_0100, 0b0000_0100];
    let native = || Bytes::default().put(0x7FE0, 0x10, b"OB", &packed).0;
    assert_eq!(bits(EXPLICIT, native(), 0), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bits(EXPLICIT, native(), 1), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bits(EXPLICIT, native(), 2), [1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let segment = rle_frame(&[&[0b1000_0001, 1]]);
    let coded = fragments(&[], &[&segment, &segment, &segment]);
    assert_eq!(bits(RLE, coded, 1), [1, 0, 0, 0, 0, 0, 0, 1, 1]);
    // Colour by plane, and interleaved.
    let colour = |planar: u8, bytes: &[u8]| {
        let slice = Slice {
            samples: 3,
            photometric: "RGB",
            allocated: 8,
            stored: 8,
            high: 7,
            ..base()
        };
        values(
            &slice.native(bytes).with(0x28, 6, b"US", &[planar, 0]),
            EXPLICIT,
            0,
        )
    };
    let interleaved: Vec<u8> = (1..=12).collect();
    let planes = [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12];
    assert_eq!(colour(0, &interleaved), (1..=12).collect::<Vec<i64>>());
    assert_eq!(colour(1, &planes), (1..=12).collect::<Vec<i64>>());
    // Red, green, blue and white in halved chroma: two pixels share their mean chroma.
    let halved = Slice {
        samples: 3,
        photometric: "YBR_FULL_422",
        allocated: 8,
        stored: 8,
        high: 7,
        ..base()
    }
    .native(&[76, 76, 85, 255, 255, 255, 128, 128])
    .with(0x28, 6, b"US", &[0, 0]);
    assert_eq!(
        values(&halved, EXPLICIT, 0),
        [254, 0, 0, 254, 0, 0, 255, 255, 255, 255, 255, 255]
    );
    // RLE of 32 bits, most significant plane first.
    let wide = rle_frame(&[&[1; 4], &[2; 4], &[3; 4], &[4, 5, 6, 7]]);
    let mut slice = Slice {
        allocated: 32,
        stored: 32,
        high: 31,
        ..base()
    };
    slice.pixels = fragments(&[], &[&wide]);
    assert_eq!(
        values(&slice, RLE, 0),
        [0x0102_0304, 0x0102_0305, 0x0102_0306, 0x0102_0307]
    );
    // Deflated frames, deflated data set, fragments of native pixels.
    let raw = words([1, 2, 3, 65_535]);
    let mut slice = base();
    slice.pixels = fragments(&[], &[&deflate_stored(&raw)]);
    assert_eq!(values(&slice, DEFLATED_FRAME, 0), [1, 2, 3, 65_535]);
    slice.pixels = fragments(&[], &[&raw]);
    assert_eq!(
        values(&slice, "1.2.840.10008.1.2.1.98", 0),
        [1, 2, 3, 65_535]
    );
    let deflated = file(DEFLATED, &deflate_stored(&base().native(&raw).data_set()));
    let path = write(folder.path(), "deflated", &deflated);
    let frame = source.read_frame(&read(&path), 0).unwrap();
    assert_eq!(frame.pixels.as_slice(), raw);
    // Floating point.
    let floats: Vec<u8> = [0.5f32, -1.5, 1e20, 0.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut slice = Slice {
        allocated: 32,
        stored: 32,
        high: 31,
        ..base()
    };
    slice.pixels = Bytes::default().put(0x7FE0, 8, b"OF", &floats).0;
    let path = write(folder.path(), "float", &slice.file(EXPLICIT));
    let frame = source.read_frame(&read(&path), 0).unwrap();
    assert_eq!(frame.stored_type, StoredType::F32);
    assert_eq!(
        frame.values().collect::<Vec<_>>(),
        [0.5, -1.5, f64::from(1e20f32), 0.0]
    );
}

#[test]
fn headers_say_how_values_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let picture = |slice: Slice| {
        let path = write(folder.path(), "case", &slice.file(EXPLICIT));
        read(&path).image.unwrap()
    };
    let windows = picture(
        Slice::default()
            .text(0x28, 0x1050, b"DS", r"-600\40")
            .text(0x28, 0x1051, b"DS", r"1500\400")
            .text(0x28, 0x1055, b"LO", r"LUNG\SOFT")
            .text(0x28, 0x1056, b"CS", "SIGMOID"),
    );
    let window = |center, width, explanation: &str| Voi::Window {
        level: WindowLevel { center, width },
        function: VoiLutFunction::Sigmoid,
        explanation: explanation.into(),
    };
    assert_eq!(
        windows.shared.voi,
        [window(-600.0, 1500.0, "LUNG"), window(40.0, 400.0, "SOFT")]
    );
    assert_eq!(windows.shared.unit, ModalityUnit::Hounsfield);
    let item = |descriptor: [i16; 3], data: &[u16]| {
        let words = |w: &[u8]| w.to_vec();
        let descriptor: Vec<u8> = descriptor.iter().flat_map(|v| v.to_le_bytes()).collect();
        let data: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        Bytes::default()
            .put(0x28, 0x3002, b"SS", &words(&descriptor))
            .text(0x28, 0x3003, b"LO", "SMOOTH")
            .put(0x28, 0x3006, b"OW", &data)
    };
    let with_sequence = |element: u16, item: Bytes| {
        let mut slice = Slice::default();
        let bytes = Bytes::default().sequence(0x28, element, &[item]).0;
        slice.more.push((0x28, element, bytes));
        picture(slice)
    };
    let voi = with_sequence(0x3010, item([4, -1024, 12], &[0, 10, 4000, 4095]));
    let Some(Voi::Table(table)) = voi.shared.voi.first() else {
        panic!("no table");
    };
    assert_eq!((table.first_mapped, table.bits), (-1024, 12));
    assert_eq!(&*table.entries, [0, 10, 4000, 4095]);
    assert_eq!(table.explanation, "SMOOTH");
    let modality = with_sequence(0x3000, item([2, -5, 16], &[100, 200]));
    let ModalityLut::Table(table) = &modality.shared.modality_lut else {
        panic!("no table");
    };
    assert_eq!(
        (table.first_mapped, &*table.entries),
        (-5, [100u16, 200].as_slice())
    );
    let padding = picture(
        Slice::default()
            .with(0x28, 0x120, b"SS", &(-2000i16).to_le_bytes())
            .with(0x28, 0x121, b"SS", &(-1900i16).to_le_bytes()),
    );
    assert_eq!(
        padding.padding.map(|p| (p.low, p.high)),
        Some((-2000, -1900))
    );
    let lossy = picture(
        Slice::default()
            .text(0x28, 0x2110, b"CS", "01")
            .text(0x28, 0x2112, b"DS", r"2.5\10")
            .text(0x28, 0x2114, b"CS", "ISO_10918_1"),
    );
    let lossy = lossy.lossy.unwrap();
    assert_eq!((lossy.ratios, lossy.undeclared), (vec![2.5, 10.0], false));
}

#[test]
fn millimetres_know_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let film = |modality: &str| {
        Slice {
            position: None,
            spacing: None,
            ..Slice::default()
        }
        .text(8, 0x60, b"CS", modality)
    };
    let check = |slice: Slice, expected: Option<(f64, f64, SpacingSource)>| {
        let path = write(folder.path(), "case", &slice.file(EXPLICIT));
        let found = match read(&path).image.unwrap().shared.spacing {
            Spacing::Millimetres {
                row_mm,
                column_mm,
                source,
            } => Some((row_mm, column_mm, source)),
            Spacing::Unknown { .. } => None,
        };
        assert_eq!(found, expected);
    };
    let (pixel, imager) = ((0x28, 0x30), (0x18, 0x1164));
    let with = |slice: Slice, tag: (u16, u16), text: &str| slice.text(tag.0, tag.1, b"DS", text);
    check(film("CR"), None);
    check(
        with(film("DX"), imager, r"0.2\0.1"),
        Some((0.2, 0.1, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(with(film("DX"), imager, r"0.2\0.2"), pixel, r"0.2\0.2"),
        Some((0.2, 0.2, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(with(film("DX"), imager, r"0.2\0.2"), pixel, r"0.18\0.18"),
        Some((0.18, 0.18, SpacingSource::Calibrated)),
    );
    // PS3.3 10.7.1: the same in the patient as at the detector means that nothing was corrected, unless said so.
    let both = |pixel_spacing: &str, kind: &str| {
        with(with(film("DX"), imager, r"0.2\0.2"), pixel, pixel_spacing)
            .text(0x28, 0xA02, b"CS", kind)
    };
    let (ermf, nominal) = ((0x18, 0x1114), (0x18, 0x2010));
    check(
        both(r"0.16\0.16", "GEOMETRY"),
        Some((0.16, 0.16, SpacingSource::GeometryCorrected)),
    );
    check(
        both(r"0.2\0.2", "FIDUCIAL"),
        Some((0.2, 0.2, SpacingSource::Fiducial)),
    );
    check(
        with(both(r"0.16\0.16", "GEOMETRY"), ermf, "1.25"),
        Some((0.16, 0.16, SpacingSource::GeometryCorrected)),
    );
    check(
        with(both(r"0.2\0.2", "GEOMETRY"), ermf, "1.25"),
        Some((0.2, 0.2, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(film("CR"), pixel, r"0.2\0.2"),
        Some((0.2, 0.2, SpacingSource::CalibrationUnknown)),
    );
    check(
        with(film("CR"), pixel, r"0.2\0.2").text(0x28, 0xA02, b"CS", "FIDUCIAL"),
        Some((0.2, 0.2, SpacingSource::Fiducial)),
    );
    // Nothing is nearer to the source than the source, and nothing is magnified 50 times.
    for factor in ["0.5", "50", "0", "-1.2"] {
        check(
            with(with(film("DX"), imager, r"0.2\0.2"), ermf, factor),
            Some((0.2, 0.2, SpacingSource::ImagerPixelSpacing)),
        );
    }
    check(
        with(with(film("CR"), nominal, r"0.3\0.3"), pixel, r"0.3\0.3"),
        Some((0.3, 0.3, SpacingSource::NominalScanned)),
    );
    check(
        with(with(film("OT"), nominal, r"0.3\0.3"), pixel, r"0.25\0.25"),
        Some((0.25, 0.25, SpacingSource::Calibrated)),
    );
    check(
        with(film("RTIMAGE"), (0x3002, 0x11), r"0.4\0.4"),
        Some((0.4, 0.4, SpacingSource::ImagerPixelSpacing)),
    );
    let grouped = |modality: &str, sequence: u16, tag: (u16, u16)| {
        let inner = Bytes::default().text(tag.0, tag.1, b"DS", r"0.2\0.1");
        let group = Bytes::default().sequence(0x28, sequence, &[inner]);
        let bytes = Bytes::default().sequence(0x5200, 0x9229, &[group]).0;
        let mut slice = film(modality);
        slice.more.push((0x5200, 0x9229, bytes));
        slice
    };
    // A tomogram is no projection, whatever its modality; enhanced XA keeps the detector's spacing in a group.
    check(
        grouped("MG", 0x9110, pixel),
        Some((0.2, 0.1, SpacingSource::PixelSpacing)),
    );
    check(
        grouped("XA", 0x9443, imager),
        Some((0.2, 0.1, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(with(film("MG"), imager, r"0.1\0.1"), (0x18, 0x1114), "1.25"),
        Some((0.1 / 1.25, 0.1 / 1.25, SpacingSource::ImagerMagnified(1.25))),
    );
    check(
        with(film("OT"), (0x18, 0x2010), r"0.3\0.3"),
        Some((0.3, 0.3, SpacingSource::NominalScanned)),
    );
    let place = |[left, top, right, bottom]: [u32; 4]| {
        let ul = |bytes: Bytes, element, n: u32| bytes.put(0x18, element, b"UL", &n.to_le_bytes());
        let bytes = ul(Bytes::default().us(0x18, 0x6012, 1), 0x6018, left);
        ul(ul(ul(bytes, 0x601A, top), 0x601C, right), 0x601E, bottom)
    };
    let scaled = |bytes: Bytes, delta: f64, unit: u16| {
        bytes
            .us(0x18, 0x6024, unit)
            .us(0x18, 0x6026, unit)
            .put(0x18, 0x602C, b"FD", &delta.to_le_bytes())
            .put(0x18, 0x602E, b"FD", &(2.0 * delta).to_le_bytes())
    };
    let region = |delta, unit| scaled(Bytes::default().us(0x18, 0x6012, 1), delta, unit);
    let placed = |at, delta, unit| scaled(place(at), delta, unit);
    let scan = |regions: &[Bytes]| {
        let mut slice = film("US");
        let bytes = Bytes::default().sequence(0x18, 0x6011, regions).0;
        slice.more.push((0x18, 0x6011, bytes));
        slice
    };
    let within = |bounds: Option<[u32; 4]>| {
        let bounds = bounds.map(|[left, top, right, bottom]| PixelBounds {
            low: [left, top],
            high: [right, bottom],
        });
        Some((0.5, 0.25, SpacingSource::UltrasoundRegion(bounds)))
    };
    check(scan(&[region(0.025, 3)]), within(None));
    check(scan(&[region(0.025, 3), region(0.05, 3)]), None);
    // Where the spectrum is and where the tissue is not told.
    check(scan(&[region(0.025, 3), region(0.05, 4)]), None);
    let (left, right, low) = ([0, 0, 40, 30], [41, 0, 80, 30], [0, 30, 80, 60]);
    let spectrum = placed(low, 0.05, 4);
    check(scan(&[placed(left, 0.025, 3)]), within(Some(left)));
    check(
        scan(&[spectrum.clone(), placed(right, 0.025, 3)]),
        within(Some(right)),
    );
    check(
        scan(&[placed(left, 0.025, 3), placed(right, 0.025, 3), spectrum]),
        within(Some([0, 0, 80, 30])),
    );
    let halves = [
        placed([0, 30, 40, 60], 0.025, 3),
        placed([41, 30, 80, 60], 0.025, 3),
    ];
    let [lower_left, lower_right] = halves;
    check(
        scan(&[placed([0, 0, 80, 30], 0.05, 4), lower_left, lower_right]),
        within(Some([0, 30, 80, 60])),
    );
    let between = placed([20, 0, 60, 30], 0.05, 4);
    check(
        scan(&[placed(left, 0.025, 3), placed(right, 0.025, 3), between]),
        within(Some(left)),
    );
    check(
        scan(&[placed(left, 0.025, 3), placed(right, 0.05, 3)]),
        None,
    );
    check(scan(&[placed([40, 30, 0, 0], 0.025, 3)]), within(None));
    check(scan(&[region(0.0, 3)]), None);
}

fn made_up() -> SeriesIdentity {
    SeriesIdentity {
        patient: PatientIdentity {
            name: Phi::new(PersonName::parse("Phantom^Anna=幻^影")),
            id: Phi::new("SYN-001".to_owned()),
            issuer: Phi::default(),
            birth_date: Phi::new(Date::parse("19700102")),
            sex: Phi::new(Sex::Female),
            synthetic: true,
        },
        study: StudyDescription {
            uid: "2.25.1".into(),
            date: Date::parse("20240229"),
            time: "10:20:30".into(),
            description: "Chest CT".into(),
            accession_number: Phi::new("A1".into()),
            ..StudyDescription::default()
        },
        series: SeriesDescription {
            uid: "2.25.2".into(),
            number: Some(4),
            description: "Lung".into(),
            ..SeriesDescription::default()
        },
        study_id: "S1".into(),
        comment: "Two spheres.".into(),
        windows: vec![WindowLevel {
            center: -600.0,
            width: 1500.0,
        }],
        instance_uids: Vec::new(),
    }
}

fn phantom() -> Volume {
    let frames = (0..5)
        .map(|k| {
            let values = (0..8 * 6)
                .flat_map(|i| (i as i16 * 3 - 7 * k).to_le_bytes())
                .collect();
            Frame::new(6, 8, 1, StoredType::I16, PixelBytes::from_vec(values)).unwrap()
        })
        .collect();
    let turn = DMat3::from_rotation_x(0.3) * DMat3::from_diagonal(DVec3::new(0.75, 1.25, 2.5));
    Volume {
        grid: GridGeometry {
            size: [8, 6, 5],
            patient_from_voxel: DAffine3 {
                matrix3: turn,
                translation: DVec3::new(-100.5, 20.25, 300.125),
            },
        },
        frames,
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    }
}

#[test]
fn a_written_ct_series_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let volume = phantom();
    let identity = made_up();
    let paths = write_ct_series(folder.path(), &volume, &identity).unwrap();
    assert_eq!(paths.len(), 5);
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 1);
    assert_eq!(codes(&layouts[0]), Vec::<&str>::new());
    let first = layouts[0].first_instance().unwrap();
    assert_eq!(*first.patient, identity.patient);
    assert!(first.patient.synthetic);
    assert_eq!(*first.study, identity.study);
    assert_eq!(first.series.modality, "CT");
    let back = load(&layouts[0]);
    let (a, b) = (back.grid.patient_from_voxel, volume.grid.patient_from_voxel);
    assert!(a.abs_diff_eq(b, 1e-6), "{a} {b}");
    assert_eq!(back.modality_lut, volume.modality_lut);
    assert_eq!(back.unit, volume.unit);
    for (a, b) in back.frames.iter().zip(&volume.frames) {
        assert_eq!(a.pixels.as_slice(), b.pixels.as_slice());
    }
    let voi = window_default(
        first.image.as_ref().unwrap().frame(0),
        &back.frames[0],
        None,
        16,
    );
    assert_eq!(voi, Voi::window(-600.0, 1500.0));
    // Writing again gives the same bytes.
    let again = tempfile::tempdir().unwrap();
    let copies = write_ct_series(again.path(), &volume, &identity).unwrap();
    for (a, b) in paths.iter().zip(&copies) {
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    }
}

#[test]
fn a_written_radiograph_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pa.dcm");
    let values: Vec<u8> = (0..20u16).flat_map(|v| (v * 200).to_le_bytes()).collect();
    let frame = Frame::new(4, 5, 1, StoredType::U16, PixelBytes::from_vec(values)).unwrap();
    let description = RadiographDescription {
        spacing: Spacing::Millimetres {
            row_mm: 0.143,
            column_mm: 0.143,
            source: SpacingSource::ImagerPixelSpacing,
        },
        view_position: "PA".into(),
        instance_number: 1,
        magnification: None,
    };
    write_radiograph(&path, &frame, &description, &made_up()).unwrap();
    let instance = read(&path);
    assert!(instance.patient.synthetic);
    assert_eq!(instance.series.view_position, "PA");
    let image = instance.image.as_ref().unwrap();
    assert_eq!(image.shared.spacing, description.spacing);
    assert_eq!(image.photometric, Photometric::Monochrome2);
    assert!(!image.presentation_inverse);
    let back = FileFrames::default().read_frame(&instance, 0).unwrap();
    assert_eq!(back.pixels.as_slice(), frame.pixels.as_slice());
}

#[test]
fn pictures_open_as_uncalibrated_objects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    let grey: image::ImageBuffer<image::Luma<u16>, Vec<u16>> =
        image::ImageBuffer::from_fn(7, 3, |x, y| image::Luma([(x * 9000 + y) as u16]));
    grey.save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    let instance = read(&path);
    assert_eq!(instance.source.kind, SourceKind::Png);
    let picture = instance.image.as_ref().unwrap();
    assert_eq!(
        (picture.rows, picture.columns, picture.stored_type),
        (3, 7, StoredType::U16)
    );
    assert_eq!(picture.shared.spacing, Spacing::Unknown { aspect: 1.0 });
    let frame = FileFrames::default().read_frame(&instance, 0).unwrap();
    assert_eq!(frame.value(6, 2, 0), Some(54_002.0));
    assert!(instance.sop_instance_uid.starts_with("2.25."));
    assert_eq!(read(&path).sop_instance_uid, instance.sop_instance_uid);
    // A colour picture with transparency loses only that.
    let colour = image::RgbaImage::from_fn(2, 1, |x, _| image::Rgba([x as u8, 10, 20, 30]));
    colour
        .save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    let instance = read(&path);
    let frame = FileFrames::default().read_frame(&instance, 0).unwrap();
    assert_eq!(
        frame.values().collect::<Vec<_>>(),
        [0.0, 10.0, 20.0, 1.0, 10.0, 20.0]
    );
    std::fs::write(&path, crate::bad_input::jpeg_of(16, 8)).unwrap();
    let instance = read(&path);
    assert_eq!(instance.source.kind, SourceKind::Jpeg);
    assert!(instance.image.as_ref().unwrap().lossy.is_some());
    assert_eq!(
        FileFrames::default()
            .read_frame(&instance, 0)
            .unwrap()
            .columns,
        16
    );
}

#[test]
fn chunks_are_whole_slices_that_share_memory() {
    let folder = tempfile::tempdir().unwrap();
    // 1 MiB a slice: four a chunk.
    let bytes = vec![7u8; 1 << 20];
    stack(folder.path(), 6, |_, s| {
        (s.rows, s.columns) = (1024, 512);
        s.pixels = Bytes::default().put(0x7FE0, 0x10, b"OW", &bytes).0;
    });
    let layouts = lay_out_folder(folder.path());
    assert_eq!(chunk_ranges(&layouts[0]), [0..4, 4..6]);
    let source = FileFrames::default();
    let frames = read_chunk(&layouts[0], &source, 4..6).unwrap();
    assert_eq!(frames.len(), 2);
    let start = |i: usize| frames[i].pixels.as_slice().as_ptr();
    assert_eq!(start(1) as usize - start(0) as usize, 1 << 20);
    assert!(read_chunk(&layouts[0], &source, 6..9).unwrap().is_empty());
    let cancel = CancelToken::default();
    cancel.cancel();
    let stopped = load_volume(&layouts[0], &source, &cancel, &Progress::default());
    assert!(stopped.unwrap_err().to_string().contains("cancelled"));
}

#[test]
fn a_file_that_changed_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = Slice::default().write(folder.path(), "case");
    let instance = read(&path);
    let source = FileFrames::default();
    assert!(source.read_frame(&instance, 0).is_ok());
    assert_eq!(
        source.read_frame(&instance, 1).unwrap_err().code(),
        "NO_SUCH_FRAME"
    );
    assert_eq!(
        source
            .read_frame_into(&instance, 0, &mut [0; 7])
            .unwrap_err()
            .code(),
        "DESTINATION"
    );
    Slice::default()
        .text(8, 0x70, b"LO", "longer")
        .write(folder.path(), "case");
    assert_eq!(
        source.read_frame(&instance, 0).unwrap_err().code(),
        "FILE_CHANGED"
    );
}

#[test]
fn objects_without_a_picture_are_objects() {
    let folder = tempfile::tempdir().unwrap();
    let report = Bytes::default()
        .text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.88.33")
        .text(8, 0x18, b"UI", "1.2.3.9")
        .text(8, 0x60, b"CS", "SR");
    let path = write(folder.path(), "report", &file(EXPLICIT, &report.0));
    let instance = read(&path);
    assert!(instance.image.is_none());
    assert_eq!(lay_out(&[Arc::new(instance)]).len(), 0);
    let implicit = [8u8, 0, 0x16, 0, 4, 0, 0, 0, b'1', b'.', b'2', 0];
    let path = write(folder.path(), "implicit", &file(IMPLICIT, &implicit));
    assert_eq!(read(&path).sop_class_uid, "1.2");
    assert_ne!(CT, "1.2");
}
