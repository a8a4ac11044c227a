use super::*;
use crate::model::{
    geometry::{ImagePlane, Spacing, SpacingSource},
    identity::PatientIdentity,
    lut::{ModalityLut, ModalityUnit, Photometric},
    pixels::{PixelBytes, StoredType},
    study::{
        FrameDescription, Instance, SeriesDescription, Source, SourceKind, StudyDescription,
        Technique,
    },
};
use glam::{DAffine3, DMat3};
use std::{path::Path, sync::Arc};

const ROWS: usize = 24;
const COLUMNS: usize = 32;

fn instance(series: &str, reference: &str, number: usize, spacing: Spacing) -> Arc<Instance> {
    let z = number as f64 * 2.0;
    let plane = ImagePlane::new([0.0, 0.0, z], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    Arc::new(Instance {
        source: Source {
            path: Arc::from(Path::new("made")),
            kind: SourceKind::Dicom,
            bytes: 0,
            member: None,
        },
        sop_class_uid: String::new(),
        sop_instance_uid: format!("{series}.{}", number + 1),
        transfer_syntax_uid: String::new(),
        patient: Arc::new(PatientIdentity::default()),
        study: Arc::new(StudyDescription::default()),
        series: Arc::new(SeriesDescription {
            uid: series.into(),
            frame_of_reference_uid: reference.into(),
            ..SeriesDescription::default()
        }),
        instance_number: Some(number as i32 + 1),
        technique: Technique::default(),
        pet: None,
        object: None,
        image: Some(ImageDescription {
            rows: ROWS,
            columns: COLUMNS,
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
                plane,
                spacing,
                slice_thickness_mm: Some(2.0),
                modality_lut: ModalityLut::Rescale {
                    slope: 1.0,
                    // Each slice has its own rescale.
                    intercept: if reference == "9" { 0.0 } else { number as f64 },
                },
                unit: ModalityUnit::Hounsfield,
                voi: vec![],
            },
            per_frame: vec![],
            display: Arc::default(),
            parts: Default::default(),
        }),
        findings: vec![],
    })
}

fn known() -> Spacing {
    Spacing::Millimetres {
        row_mm: 0.5,
        column_mm: 2.0,
        source: SpacingSource::PixelSpacing,
    }
}

fn layout(
    series: &str,
    reference: &str,
    slices: usize,
    spacing: Spacing,
    volume: bool,
) -> SeriesLayout {
    let frames = (0..slices)
        .map(|n| FrameRef {
            instance: instance(series, reference, n, spacing),
            frame: 0,
        })
        .collect();
    let (row, column) = spacing.row_column();
    SeriesLayout {
        frames,
        volume: volume.then(|| GridGeometry {
            size: [COLUMNS, ROWS, slices],
            patient_from_voxel: DAffine3::from_mat3(DMat3::from_diagonal(DVec3::new(
                column, row, 2.0,
            ))),
        }),
        mixed_rescale: false,
        findings: vec![],
        duplicates: vec![],
        part: Default::default(),
    }
}

/// Value: 100 times the slice (from its place), and the column.
struct Made;

impl FrameReader for Made {
    fn read(&self, frames: &[&FrameRef]) -> Result<Vec<Frame>, RunError> {
        let one = |f: &&FrameRef| {
            let plane = f.instance.image.as_ref()?.shared.plane?;
            let base = (plane.origin.z / 2.0) as i16 * 100;
            let bytes: Vec<u8> = (0..ROWS * COLUMNS)
                .flat_map(|i| (base + (i % COLUMNS) as i16).to_le_bytes())
                .collect();
            Frame::new(
                ROWS,
                COLUMNS,
                1,
                StoredType::I16,
                PixelBytes::from_vec(bytes),
            )
        };
        frames
            .iter()
            .map(|f| one(f).ok_or(RunError::NoFrame))
            .collect()
    }
}

fn answers(entries: &str) -> Vec<Value> {
    let layouts = [
        layout("1", "9", 6, known(), true),
        layout("2", "9", 1, known(), false),
        layout("3", "8", 3, known(), false),
        layout("4", "7", 1, Spacing::Unknown { aspect: 1.0 }, false),
        layout(
            "5",
            "7",
            1,
            Spacing::Millimetres {
                row_mm: 1.0,
                column_mm: 1.0,
                source: SpacingSource::ImagerPixelSpacing,
            },
            false,
        ),
    ];
    let spec = format!(r#"{{"measurements": [{entries}]}}"#);
    let spec = Spec::parse(spec.as_bytes()).unwrap();
    let report = run(&spec, &layouts, &Made, 1 << 20);
    let list = report.json["measurements"].as_array().unwrap().clone();
    let refused = list
        .iter()
        .filter(|a| a.get("refused").is_some() || a.get("statistics_refused").is_some());
    assert_eq!(refused.count(), report.refused);
    list
}

fn answer(entry: &str) -> Value {
    answers(entry).remove(0)
}

fn number(answer: &Value, name: &str) -> f64 {
    let value = &answer["quantities"][name]["value"];
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{name} in {answer}"))
}

fn code(entry: &str) -> String {
    let answer = answer(entry);
    answer["refused"]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

#[test]
fn lengths_name_their_source() {
    let found = answer(r#"{"id": "a", "type": "length", "points": [[0, 0, 0], [3, 4, 12]]}"#);
    assert_eq!(
        (found["id"].as_str(), number(&found, "length")),
        (Some("a"), 13.0)
    );
    let quantity = &found["quantities"]["length"];
    assert_eq!(quantity["source"], "mm (Pixel Spacing)");
    assert_eq!(found["series_instance_uid"], "1");
    let pixel = r#"{"type": "length", "space": "pixel", "points": [[0, 0], [3, 16]]"#;
    let found = answer(&format!(r#"{pixel}, "image": 4}}"#));
    assert_eq!(
        (number(&found, "length"), &found["sop_instance_uid"]),
        (10.0, &json!("1.4"))
    );
    let found = answer(&format!(r#"{pixel}, "instance": "4.1", "frame": 1}}"#));
    assert_eq!(found["quantities"]["length"]["source"], "px (uncalibrated)");
    assert_eq!(found["quantities"]["length"]["unit"], "px");
    assert_eq!(found["warnings"][0]["code"], "UNCALIBRATED");
    let found = answer(&format!(r#"{pixel}, "series": "5"}}"#));
    assert_eq!(
        found["quantities"]["length"]["source"],
        "mm at detector (not corrected)"
    );
    assert_eq!(code(&format!("{pixel}}}")), "FRAME_NOT_NAMED");
    assert_eq!(code(&format!(r#"{pixel}, "image": 7}}"#)), "NO_FRAME");
    assert_eq!(code(&format!(r#"{pixel}, "image": 0}}"#)), "NO_FRAME");
    assert_eq!(
        code(&format!(r#"{pixel}, "instance": "1.1", "frame": 2}}"#)),
        "NO_FRAME"
    );
    assert_eq!(
        code(&format!(r#"{pixel}, "instance": "1.9"}}"#)),
        "NO_FRAME"
    );
    assert_eq!(code(&format!(r#"{pixel}, "series": "77"}}"#)), "NO_SERIES");
    let patient = r#"{"type": "length", "series": "4", "points": [[0, 0, 0], [3, 4, 12]]}"#;
    assert_eq!(code(patient), "PATIENT_UNCALIBRATED");
}

#[test]
fn points_of_several_frames() {
    let two = |space: &str, b: &str, a: &str, c: &str| {
        format!(
            r#"{{"type": "length", "space": "{space}", "points": [{{"at": {a}, "series": "1", "image": 1}}, {{"at": {c}, {b}}}]}}"#
        )
    };
    let pixel = |b| two("pixel", b, "[0, 0]", "[3, 16]");
    assert_eq!(
        number(&answer(&pixel(r#""series": "1", "image": 1"#)), "length"),
        10.0
    );
    assert_eq!(
        code(&pixel(r#""series": "1", "image": 2"#)),
        "DIFFERENT_FRAMES"
    );
    assert_eq!(
        code(&pixel(r#""series": "2", "image": 1"#)),
        "DIFFERENT_FRAMES"
    );
    let patient = |b| two("patient", b, "[0, 0, 0]", "[3, 4, 12]");
    assert_eq!(
        number(&answer(&patient(r#""series": "1", "image": 6"#)), "length"),
        13.0
    );
    assert_eq!(
        number(&answer(&patient(r#""series": "2""#)), "length"),
        13.0
    );
    let other = code(&patient(r#""series": "3", "image": 1"#));
    assert_eq!(other, "DIFFERENT_FRAMES_OF_REFERENCE");
    let mixed = r#"{"type": "length", "points": [{"at": [0, 0, 0], "series": "4"}, {"at": [1, 0, 0], "series": "5"}]}"#;
    assert_eq!(code(mixed), "PATIENT_UNCALIBRATED");
}

#[test]
fn outlines_look_where_they_lie() {
    // On the third slice of the volume.
    let on = r#"{"type": "rectangle", "points": [[4, 1, 4], [8, 1, 4], [8, 2, 4]]}"#;
    let found = answer(on);
    assert_eq!(found["sop_instance_uid"], "1.3");
    assert_eq!(
        (number(&found, "mean"), number(&found, "area")),
        (203.0, 4.0)
    );
    assert_eq!(found["n"], 9);
    assert_eq!(found["quantities"]["mean"]["unit"], "HU");
    // The same in pixels.
    let pixel =
        r#"{"type": "rectangle", "space": "pixel", "image": 3, "points": [[2, 2], [4, 4]]}"#;
    assert_eq!(
        answer(pixel)["quantities"]["mean"],
        found["quantities"]["mean"]
    );
    // Between slices, and across them: sampled. The middle decides.
    let between = r#"{"type": "rectangle", "points": [[4, 1, 5], [8, 1, 5], [8, 2, 5]]}"#;
    let found = answer(between);
    assert!((number(&found, "mean") - 253.0).abs() < 1e-6);
    assert_eq!(found["sop_instance_uid"], Value::Null);
    let across = r#"{"type": "rectangle", "centred": true, "points": [[20, 5, 5], [30, 5, 5], [20, 5, 8]], "sampling_mm": 0.25}"#;
    assert!((number(&answer(across), "mean") - 260.0).abs() < 1e-6);
    let forced = on.replace("]]}", r#"]], "sampling_mm": 0.1}"#);
    assert!((number(&answer(&forced), "mean") - 203.0).abs() < 1e-6);
    // A stack is not sampled: the nearest slice within half its thickness, each with its own rescale.
    let stack = r#"{"type": "circle", "series": "3", "points": [[20, 5, 2.9]], "radius_mm": 2.1}"#;
    let found = answer(stack);
    assert_eq!(
        (number(&found, "mean"), &found["sop_instance_uid"]),
        (111.0, &json!("3.2"))
    );
    let across = across.replace(r#""centred""#, r#""series": "3", "centred""#);
    let found = answer(&across);
    assert_eq!(found["statistics_refused"]["code"], "NO_VOLUME");
    assert_eq!(number(&found, "area"), 120.0);
    let plain = answer(&on.replace("]]}", r#"]], "statistics": false}"#));
    assert_eq!(plain["n"], Value::Null);
    let bins = answer(&on.replace(
        "]]}",
        r#"]], "histogram": {"bins": 3}, "percentiles": [50]}"#,
    ));
    assert_eq!(bins["histograms"][0]["counts"], json!([3, 3, 3]));
    assert_eq!(number(&bins, "percentile_50"), 203.0);
}

#[test]
fn regions_and_points_of_the_volume() {
    let sphere =
        r#"{"type": "sphere", "points": [[30, 6, 5]], "radius_mm": 4, "low": 200, "high": 300}"#;
    let found = answer(sphere);
    assert_eq!(number(&found, "voxel_volume"), 2.0);
    assert_eq!(found["n"].as_f64().unwrap() * 2.0, number(&found, "volume"));
    assert!(found["counts"]["unselected"].as_u64().unwrap() > 0);
    assert_eq!(
        number(&answer(r#"{"type": "volume"}"#), "volume"),
        (32 * 24 * 6 * 2) as f64
    );
    assert_eq!(code(r#"{"type": "volume", "series": "3"}"#), "NO_VOLUME");
    let point = r#"{"type": "point", "points": [[20.8, 6.1, 5.5]]"#;
    let found = answer(&format!("{point}}}"));
    assert_eq!(number(&found, "value"), 310.0);
    assert!((number(&found, "interpolated") - 285.4).abs() < 1e-4);
    let found = answer(&format!(r#"{point}, "series": "3"}}"#));
    assert_eq!(found["refused"]["code"], "NOT_ON_FRAME");
    let found = answer(&format!(r#"{point}, "image": 3}}"#));
    assert_eq!(found["refused"]["code"], "NOT_ON_FRAME");
    let beside = answer(r#"{"type": "point", "points": [[20, 6, 500]]}"#);
    assert_eq!(beside["warnings"][0]["code"], "OUTSIDE_IMAGE");
    let far = answer(r#"{"type": "sphere", "points": [[30, 6, -500]], "radius_mm": 4}"#);
    assert_eq!((far["n"].as_u64(), number(&far, "volume")), (Some(0), 0.0));
}

#[test]
fn memory_is_bounded_and_the_rest_goes_on() {
    let spec = r#"{"measurements": [{"type": "volume"}, {"type": "length", "points": [[0,0,0],[0,0,1]]},
        {"type": "circle", "points": [[20, 5, 4]], "radius_mm": 2.1},
        {"type": "circle", "points": [[20, 5, 6]], "radius_mm": 2.1}]}"#;
    let spec = Spec::parse(spec.as_bytes()).unwrap();
    let layouts = [layout("1", "9", 6, known(), true)];
    let report = run(&spec, &layouts, &Made, 2000);
    assert_eq!(
        report.json["measurements"][0]["refused"]["code"],
        "MEMORY_LIMIT"
    );
    assert_eq!(
        (report.refused, &report.json["summary"]["measurements"]),
        (1, &json!(4))
    );
    assert_eq!(number(&report.json["measurements"][3], "mean"), 310.0);
    let none = run(&spec, &[], &Made, 2000);
    assert_eq!(none.refused, 4);
}

#[test]
fn rough_specs_are_answered_without_a_panic() {
    let numbers = [
        0.0, -0.0, 1.0, 3.5, 5.0, 11.75, 30.0, 63.0, -1.0, 1e-300, -1e-9, 1e-5, 100.25, 1e5, 1e7,
        -1e7, 1e300,
    ];
    let kinds = [
        "point",
        "length",
        "polyline",
        "angle",
        "cobb",
        "bidirectional",
        "perpendicular",
        "rectangle",
        "ellipse",
        "circle",
        "polygon",
        "freehand",
        "spline",
        "box",
        "sphere",
        "volume",
    ];
    let mut state = 88_172_645_463_325_252u64;
    let mut next = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % n
    };
    let entries: Vec<Value> = (0..6000)
        .map(|_| {
            let kind = kinds[next(kinds.len())];
            let pixel = next(2) == 0;
            let narrow = next(2) == 0;
            let range = if narrow { 8 } else { numbers.len() };
            let points: Vec<Vec<f64>> = (0..next(6))
                .map(|_| {
                    (0..if pixel { 2 } else { 3 })
                        .map(|_| numbers[next(range)])
                        .collect()
                })
                .collect();
            let mut entry = json!({"type": kind, "points": points});
            if pixel {
                entry["space"] = json!("pixel");
                entry["image"] = json!(next(3));
            }
            if matches!(kind, "circle" | "sphere") && next(2) == 0 {
                entry["radius_mm"] = json!(numbers[next(range)]);
            }
            if !pixel
                && matches!(kind, "circle" | "ellipse" | "rectangle" | "polygon")
                && next(2) == 0
            {
                entry["sampling_mm"] = json!(numbers[next(numbers.len())]);
            }
            if !pixel && kind == "circle" && next(2) == 0 {
                entry["normal"] = json!([numbers[next(range)], numbers[next(range)], 0.0]);
            }
            entry
        })
        .collect();
    let text = json!({"measurements": entries}).to_string();
    let spec = Spec::parse(text.as_bytes()).unwrap();
    let layouts = [layout("1", "9", 6, known(), true)];
    let report = run(&spec, &layouts, &Made, 1 << 20);
    let answers = report.json["measurements"].as_array().unwrap();
    assert_eq!(answers.len(), 6000);
    assert!((1000..5500).contains(&report.refused), "{}", report.refused);
    for answer in answers.iter().filter(|a| a.get("refused").is_none()) {
        for (name, quantity) in answer["quantities"].as_object().unwrap() {
            let value = &quantity["value"];
            assert!(
                value.is_number() || name == "sd_sample" || answer["n"] == 0,
                "{name} {answer}"
            );
            assert!(
                value
                    .as_f64()
                    .is_none_or(|v| v >= 0.0 || answer["n"] != Value::Null),
                "{answer}"
            );
        }
    }
}
