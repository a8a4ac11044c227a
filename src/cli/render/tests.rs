//! Plans, views and pictures of `render`.

use super::*;

#[test]
fn arguments_are_checked() {
    assert_eq!(parse_size("640x480"), Ok([640, 480]));
    for bad in ["0x5", "5", "16385x1", "-1x1", "axb"] {
        assert!(parse_size(bad).is_err(), "{bad}");
    }
    assert_eq!(parse_window("-600,1500"), Ok((-600.0, 1500.0)));
    for bad in ["40", "40,0", "40,nan", "40,400,1", ""] {
        assert!(parse_window(bad).is_err(), "{bad}");
    }
    assert_eq!(parse_point("1, -2,3.5"), Ok(DVec3::new(1.0, -2.0, 3.5)));
    assert!(parse_turn("45").is_err());
}

#[test]
fn indices_count_from_one() {
    assert_eq!(checked_index(1, 3).unwrap(), 0);
    assert_eq!(checked_index(3, 3).unwrap(), 2);
    for bad in [0, 4] {
        assert_eq!(checked_index(bad, 3).unwrap_err().exit, Exit::Usage);
    }
}

use crate::model::{
    geometry::{ImagePlane, Spacing, SpacingSource},
    lut::ModalityLut,
    pixels::{PixelBytes, StoredType},
    study::{FrameDescription, Instance, SeriesDescription, Source, SourceKind, Technique},
};
use clap::Parser as _;
use glam::{DAffine3, DMat3};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: RenderArgs,
}

fn args(line: &str) -> RenderArgs {
    let words = format!("render folder --out x.png {line}");
    Line::try_parse_from(words.split(' ').filter(|word| !word.is_empty()))
        .unwrap()
        .args
}

/// Six axial slices of 8 columns and 5 rows, 2 × 2 × 4 mm; the stored value is 100 z + 10 y + x.
fn series(regular: bool) -> LoadedSeries {
    let spacing = Spacing::Millimetres {
        row_mm: 2.0,
        column_mm: 2.0,
        source: SpacingSource::PixelSpacing,
    };
    let instance = |z: usize| Instance {
        source: Source {
            path: Arc::from(Path::new("slice")),
            kind: SourceKind::Dicom,
            bytes: 0,
            member: None,
        },
        sop_class_uid: String::new(),
        sop_instance_uid: String::new(),
        transfer_syntax_uid: String::new(),
        patient: Arc::default(),
        study: Arc::default(),
        series: Arc::new(SeriesDescription::default()),
        instance_number: None,
        technique: Technique::default(),
        pet: None,
        object: None,
        image: Some(ImageDescription {
            rows: 5,
            columns: 8,
            frames: 1,
            samples: 1,
            bits_allocated: 16,
            bits_stored: 16,
            high_bit: 15,
            signed: true,
            stored_type: StoredType::I16,
            photometric: Photometric::Monochrome2,
            palette: None,
            padding: None,
            presentation_inverse: false,
            lossy: None,
            shared: FrameDescription {
                plane: ImagePlane::new([0.0, 0.0, 4.0 * z as f64], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
                spacing,
                slice_thickness_mm: None,
                modality_lut: ModalityLut::Rescale {
                    slope: 1.0,
                    intercept: -1000.0,
                },
                unit: ModalityUnit::Hounsfield,
                voi: vec![Voi::window(-700.0, 1000.0)],
            },
            per_frame: vec![],
            display: Arc::default(),
            parts: Default::default(),
        }),
        findings: vec![],
    };
    let grid = GridGeometry {
        size: [8, 5, 6],
        patient_from_voxel: DAffine3::from_mat3(DMat3::from_diagonal(DVec3::new(2.0, 2.0, 4.0))),
    };
    let frames = (0..6).map(|z| FrameRef {
        instance: Arc::new(instance(z)),
        frame: 0,
    });
    LoadedSeries {
        layout: SeriesLayout {
            frames: frames.collect(),
            volume: regular.then_some(grid),
            mixed_rescale: false,
            findings: vec![],
            duplicates: vec![],
            part: Default::default(),
        },
        mask: None,
        decode: Box::new(|z| {
            let stored = |i: usize| (100 * z + 10 * (i / 8) + i % 8) as i16;
            let bytes = (0..40).flat_map(|i| stored(i).to_le_bytes()).collect();
            let bytes = PixelBytes::from_vec(bytes);
            Frame::new(5, 8, 1, StoredType::I16, bytes)
                .ok_or_else(|| Refusal::new(Exit::Internal, "frame"))
        }),
        cover: Box::new(|_| Ok(FrameCover::default())),
    }
}

fn values(line: &str) -> ([u32; 2], Vec<f32>) {
    let picture = draw(
        &args(&format!("{line} --raw16 x.npy")),
        Backend::Cpu,
        &series(true),
    );
    let picture = picture.unwrap();
    (picture.size, picture.values.unwrap())
}

#[test]
fn a_frame_is_drawn_one_to_one() {
    let (size, shown) = values("--index 3");
    assert_eq!(size, [8, 5]);
    assert_eq!((shown[0], shown[7], shown[8]), (-800.0, -793.0, -790.0));
    // A quarter turn clockwise brings the lower left corner to the upper left.
    let (size, shown) = values("--index 3 --rotate 90");
    assert_eq!(size, [5, 8]);
    assert_eq!((shown[0], shown[4]), (-760.0, -800.0));
    let (_, shown) = values("--index 3 --flip");
    assert_eq!(shown[0], -793.0);
    assert_eq!(values("--lps 0,0,8.1").1, values("--index 3").1);
}

#[test]
fn planes_are_seen_as_radiologists_do() {
    // Axial: the planes of the grid by number; the grid fills the width of 8 × 2 mm exactly.
    assert_eq!(
        values("--view axial --index 3 --size 8x5").1,
        values("--index 3").1
    );
    // Coronal: the head is up, so the last slice is the first line; 6 × 4 mm at 2 mm a pixel.
    let (_, shown) = values("--view coronal --index 2 --size 8x12 --interpolation nearest");
    assert_eq!((shown[0], shown[8 * 11]), (-490.0, -990.0));
    // Sagittal: seen from the left, the front is on the left.
    let (_, shown) = values("--view sagittal --index 8 --size 5x12 --interpolation nearest");
    assert_eq!((shown[0], shown[4]), (-493.0, -453.0));
    let oblique = "--view oblique --normal 0,0,1 --up 0,-1,0 --size 8x5 --lps 3,3,8";
    assert_eq!(values(oblique).1, values("--index 3").1);
}

#[test]
fn slabs_look_at_the_slices_within_their_thickness() {
    let slab = |line: &str| {
        let line = format!("--view axial --index 3 --size 8x5 {line} --raw16 x.npy");
        let picture = draw(&args(&line), Backend::Cpu, &series(true)).unwrap();
        (picture.values.unwrap()[0], picture.report["slab"].clone())
    };
    // Slices are 4 mm apart: 10 mm reach one on each side, 7.9 mm none, 16 mm two (and the series ends).
    let (value, report) = slab("--mode mip --slab 10");
    assert_eq!(value, -700.0);
    assert_eq!(
        report,
        json!({"projection": "mip", "thickness_mm": 10.0, "points": 3, "step_mm": 4.0})
    );
    assert_eq!(slab("--mode minip --slab 10").0, -900.0);
    assert_eq!(slab("--mode mean --slab 10").0, -800.0);
    assert_eq!(slab("--mode mip --slab 7.9").0, -800.0);
    assert_eq!(slab("--mode minip --slab 16").0, -1000.0);
    assert_eq!(slab("--mode mean --slab 400").0, -750.0);
    assert!(slab("").1.is_null());
}

#[test]
fn reduced_pictures_are_means_only_when_asked() {
    // 2 2/3 voxels a pixel. The first pixel lies on columns 0 to 2 2/3 and, cut at the border, on rows 0 to 2 1/2; a
    // row is 10 more than the one above, a column 1 more.
    let third = "--index 3 --size 3x2";
    let column = (0.0 + 1.0 + 2.0 * 2.0 / 3.0) / (8.0 / 3.0);
    let row = (0.0 + 10.0 + 20.0 * 0.5) / 2.5;
    let (_, areas) = values(&format!("{third} --area --interpolation cubic"));
    assert!(
        (areas[0] - (-800.0 + row + column)).abs() < 1e-3,
        "{}",
        areas[0]
    );
    let (_, points) = values(third);
    let (column, row) = (4.0 / 3.0 - 0.5, 8.0 / 6.0 - 1.0 / 6.0 - 0.5);
    assert!(
        (points[0] - (-800.0 + 10.0 * row + column)).abs() < 1e-3,
        "{}",
        points[0]
    );
}

#[test]
fn letters_are_given_only_where_the_patient_is_known() {
    let report = |known: bool| {
        let mut series = series(true);
        if !known {
            for frame in &mut series.layout.frames {
                let mut instance = (*frame.instance).clone();
                let shared = &mut instance.image.as_mut().unwrap().shared;
                shared.plane = None;
                shared.spacing = Spacing::Unknown { aspect: 1.0 };
                frame.instance = Arc::new(instance);
            }
        }
        draw(&args(""), Backend::Cpu, &series).unwrap().report
    };
    let known = report(true);
    assert_eq!(
        (&known["letters"]["left"], &known["letters"]["top"]),
        (&json!("R"), &json!("A"))
    );
    assert_eq!(known["mm_per_pixel"], json!(2.0));
    let unknown = report(false);
    for field in ["letters", "centre", "mm_per_pixel"] {
        assert!(unknown[field].is_null(), "{field}");
    }
}

#[test]
fn windows_are_chosen_by_number_and_by_name() {
    let level = |line: &str| {
        let picture = draw(&args(line), Backend::Cpu, &series(true)).unwrap();
        let window = &picture.report["window"];
        (
            window["center"].as_f64().unwrap(),
            window["width"].as_f64().unwrap(),
        )
    };
    assert_eq!(level(""), (-700.0, 1000.0));
    assert_eq!(level("--window -600,1500"), (-600.0, 1500.0));
    assert_eq!(level("--preset lung"), (-600.0, 1500.0));
    // Slice 3, the middle one, holds -800 to -753.
    assert_eq!(level("--preset full"), (-776.0, 48.0));
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let exit = |line: &str, regular| {
        let args = args(line);
        let refused =
            refuse_unsupported(&args).and_then(|()| draw(&args, Backend::Cpu, &series(regular)));
        refused.unwrap_err().exit
    };
    assert_eq!(exit("--view vr", true), Exit::Unsupported);
    assert_eq!(exit("--mode mip --slab 10", true), Exit::Usage);
    assert_eq!(exit("--view axial --mode mip", true), Exit::Usage);
    assert_eq!(exit("--view axial --slab 10", true), Exit::Usage);
    assert_eq!(exit("--view axial --mode mip --slab -1", true), Exit::Usage);
    assert_eq!(exit("--view axial", false), Exit::Unsupported);
    assert_eq!(exit("--index 7", true), Exit::Usage);
    assert_eq!(exit("--lps 0,0,99", true), Exit::Usage);
    assert_eq!(exit("--view oblique", true), Exit::Usage);
    assert_eq!(exit("--zoom 0", true), Exit::Usage);
    assert_eq!(exit("--preset none", true), Exit::Usage);
}

#[test]
fn arrays_are_what_numpy_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    write_npy(&path, [3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, f32::NAN]).unwrap();
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + length) % 64, 0);
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(header.contains("'shape': (2, 3)") && header.ends_with('\n'));
    assert_eq!(bytes.len(), 10 + length + 24);
    assert_eq!(bytes[10 + length + 4..][..4], 1f32.to_le_bytes());
}
