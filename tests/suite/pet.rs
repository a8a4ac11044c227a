//! Uptake values from files: what a PET header says becomes a factor, or a refusal that names what is missing.

use crate::bad_input::build::{Bytes, EXPLICIT, Slice, write};
use glam::DVec3;
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::{FileFrames, FrameSource as _},
        guard::Limits,
        scan::{ScanOptions, read_instance},
    },
    i18n::Language,
    imaging::{
        measure::{Ask, MarkMeasure, measure_mark},
        suv::{self, Attribute, SuvKind},
    },
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        layout::SeriesLayout,
        pixels::Frame,
    },
    ui::mark_text,
    workspace::measuring::export::{self, MarkFormat},
};
use std::{path::Path, sync::Arc};

/// One slice of a scan that began an hour after the injection of 370 MBq of F-18 into 70 kg.
fn slice(number: i32, without: Option<(u16, u16)>, vendor: &[(u16, u16, &str, &str)]) -> Vec<u8> {
    let tracer = [
        (0x18, 0x1074, b"DS", "370000000"),
        (0x18, 0x1075, b"DS", "6586.2"),
        (0x18, 0x1078, b"DT", "20240228093000"),
    ];
    let mut item = Bytes::default();
    for (group, element, vr, value) in tracer {
        if without != Some((group, element)) {
            item = item.text(group, element, vr, value);
        }
    }
    let mut slice = Slice {
        uid: format!("1.2.3.{number}"),
        number,
        position: Some([0.0, 0.0, f64::from(number) * 3.0]),
        rescale: Some(("0", ["1.5", "0.5", "2"][number as usize % 3])),
        ..Slice::default()
    };
    let texts = [
        (0x08, 0x21, b"DA", "20240228"),
        (0x08, 0x22, b"DA", "20240228"),
        (0x08, 0x31, b"TM", "103000"),
        (0x08, 0x32, b"TM", "103000"),
        (0x08, 0x60, b"CS", "PT"),
        (0x10, 0x40, b"CS", "M"),
        (0x10, 0x1020, b"DS", "1.75"),
        (0x10, 0x1030, b"DS", "70"),
        (0x28, 0x51, b"CS", r"DECY\ATTN\SCAT"),
        (0x54, 0x1001, b"CS", "BQML"),
        (0x54, 0x1102, b"CS", "START"),
        (0x54, 0x1300, b"DS", "0"),
    ];
    for (group, element, vr, value) in texts {
        if without != Some((group, element)) {
            slice = slice.text(group, element, vr, value);
        }
    }
    for &(group, element, vr, value) in vendor {
        let vr: [u8; 2] = vr.as_bytes().try_into().unwrap();
        slice = slice.text(group, element, &vr, value);
    }
    let sequence = Bytes::default().sequence(0x54, 0x16, &[item]);
    slice.more.push((0x54, 0x16, sequence.0));
    slice
        .more
        .sort_by_key(|(group, element, _)| (*group, *element));
    slice.file(EXPLICIT)
}

fn series(folder: &Path, files: &[Vec<u8>]) -> SeriesLayout {
    let instances: Vec<_> = files
        .iter()
        .enumerate()
        .map(|(i, bytes)| {
            let path = write(folder, &format!("{i}"), bytes);
            Arc::new(read_instance(&path, &ScanOptions::default()).unwrap())
        })
        .collect();
    lay_out(&instances).swap_remove(0)
}

#[test]
fn a_header_gives_the_factor_that_is_calculated_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        slice(1, None, &[]),
        slice(2, None, &[]),
        slice(3, None, &[]),
    ];
    let layout = series(folder.path(), &files);
    let scale = suv::of_layout(&layout).unwrap().unwrap();
    // 70 kg over what is left of 370 MBq after 3600 s.
    let expected = 70_000.0 / (370e6 * 2f64.powf(-3600.0 / 6586.2));
    let found = scale.factor(SuvKind::BodyWeight, 1).unwrap();
    assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    let codes: Vec<_> = layout.findings.iter().map(|f| f.code).collect();
    assert!(!codes.contains(&"SUV_MISSING"), "{codes:?}");
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (tag, attribute) in [
        ((0x18, 0x1074), Attribute::TotalDose),
        ((0x18, 0x1075), Attribute::HalfLife),
        ((0x10, 0x1030), Attribute::PatientWeight),
        ((0x54, 0x1001), Attribute::Units),
        ((0x54, 0x1102), Attribute::DecayCorrection),
        ((0x28, 0x51), Attribute::CorrectedImage),
    ] {
        // In one image of three is enough: what they do not agree on is not known.
        let files = [
            slice(1, None, &[]),
            slice(2, Some(tag), &[]),
            slice(3, None, &[]),
        ];
        let layout = series(folder.path(), &files);
        let refusal = suv::of_layout(&layout).unwrap().unwrap_err();
        assert!(refusal.attributes.contains(&attribute), "{refusal:?}");
        let finding = layout.findings.iter().find(|f| f.code == refusal.code());
        let terms = &finding.unwrap().terms;
        assert!(terms[0].1.contains(attribute.name()), "{terms:?}");
    }
}

#[test]
fn a_makers_factor_counts_in_its_own_block_only() {
    let folder = tempfile::tempdir().unwrap();
    let philips = [
        (0x7053, 0x12, "LO", "Philips PET Private Group"),
        (0x7053, 0x1200, "DS", "0.00025"),
    ];
    let counts = |vendor: &[(u16, u16, &str, &str)]| {
        let mut vendor = vendor.to_vec();
        vendor.insert(0, (0x54, 0x1001, "CS", "CNTS"));
        let layout = series(folder.path(), &[slice(1, Some((0x54, 0x1001)), &vendor)]);
        suv::of_layout(&layout).unwrap()
    };
    let scale = counts(&philips).unwrap();
    assert_eq!(scale.factor(SuvKind::BodyWeight, 0).unwrap(), 0.00025);
    let other = [
        (0x7053, 0x12, "LO", "Somebody"),
        (0x7053, 0x1200, "DS", "0.00025"),
    ];
    assert!(counts(&other).is_err());
}

/// A mark on the second slice, measured with the frames of its files.
fn measured(layout: &SeriesLayout, kind: MarkKind, points: &[[f64; 3]]) -> MarkMeasure {
    let target = AnnotationTarget {
        instance_uid: layout.frames[1].instance.sop_instance_uid.clone(),
        frame: 1,
        ..AnnotationTarget::default()
    };
    let frames = FileFrames::with_limits(Limits::default());
    let frame = |index: usize| -> Option<Frame> {
        let reference = layout.frames.get(index)?;
        frames.read_frame(&reference.instance, reference.frame).ok()
    };
    let points: Vec<DVec3> = points.iter().copied().map(DVec3::from_array).collect();
    measure_mark(
        PointSpace::Patient,
        &target,
        &Shape::new(kind, points),
        layout,
        Some(&frame),
        &Ask::default(),
    )
    .unwrap()
}

/// Corners of four columns and three rows on the second slice.
const CORNERS: [[f64; 3]; 3] = [[0.5, 0.5, 6.0], [2.0, 0.5, 6.0], [2.0, 1.5, 6.0]];

#[test]
fn a_region_tells_its_uptake_of_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let files = [1, 2, 3].map(|n| slice(n, None, &[]));
    let layout = series(folder.path(), &files);
    let factor = 70_000.0 / (370e6 * 2f64.powf(-3600.0 / 6586.2));
    let found = measured(&layout, MarkKind::Rectangle, &CORNERS);
    let value = |name: &str| found.measurement.value(name).unwrap_or(f64::NAN);
    assert!(found.suv_refused.is_none());
    assert_eq!(found.measurement.counts.unwrap().n, 12);
    // Stored values are 10 v - 100 along the 8 by 8 pixels; the second slice has a slope of 2.
    let stored = |column: i32, row: i32| f64::from((row * 8 + column) * 10 - 100);
    let mut sum = 0.0;
    for row in 1..=3 {
        for column in 1..=4 {
            sum += stored(column, row) * 2.0;
        }
    }
    let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
    near(value("mean"), sum / 12.0);
    near(value("suvbw.mean"), factor * sum / 12.0);
    near(value("suvbw.max"), factor * stored(4, 3) * 2.0);
    near(value("suvbw.min"), factor * stored(1, 1) * 2.0);
    near(value("suvbw.sd_sample"), factor * value("sd_sample"));
    // Of a man of 70 kg and 1.75 m: James 1.10 w - 128 (w/h)², Du Bois 0.007184 w^0.425 h^0.725.
    let james = 1.10 * 70.0 - 128.0 * (70.0f64 / 175.0).powi(2);
    near(
        value("suvlbm_james.mean"),
        value("suvbw.mean") * james / 70.0,
    );
    let area_cm2 = 71.84 * 70f64.powf(0.425) * 175f64.powf(0.725);
    near(
        value("suvbsa.mean"),
        value("suvbw.mean") * area_cm2 / 70_000.0,
    );
    let unit = |name: &str| {
        let quantity = found.measurement.quantities.iter().find(|q| q.name == name);
        quantity.map(|q| (q.unit.as_str(), q.source.as_str()))
    };
    assert_eq!(unit("suvbw.mean"), Some(("g/ml", "SUVbw")));
    assert_eq!(unit("suvbsa.max"), Some(("cm²/ml", "SUVbsa (Du Bois)")));
    let probe = measured(&layout, MarkKind::Point, &[[1.0, 1.0, 6.0]]);
    near(
        probe.measurement.value("suvbw.value").unwrap(),
        factor * stored(2, 2) * 2.0,
    );
}

#[test]
fn a_region_without_uptake_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let files = [1, 2, 3].map(|n| slice(n, Some((0x18, 0x1074)), &[]));
    let layout = series(folder.path(), &files);
    let found = measured(&layout, MarkKind::Rectangle, &CORNERS);
    assert!(found.measurement.value("mean").is_some());
    assert_eq!(found.measurement.value("suvbw.mean"), None);
    let refusal = found.suv_refused.as_ref().unwrap();
    assert_eq!(refusal.code(), "SUV_MISSING");
    assert_eq!(refusal.attributes, [Attribute::TotalDose]);
    for (language, said) in [
        (Language::English, "SUV unavailable: injected dose missing"),
        (Language::SimplifiedChinese, "SUV 不可用：缺少注射剂量"),
    ] {
        let lines = mark_text::short(language, MarkKind::Rectangle, Some(&Ok(found.clone())));
        assert!(lines.iter().any(|l| l == said), "{lines:?}");
    }
}

#[test]
fn uptake_goes_out_with_the_marks() {
    let folder = tempfile::tempdir().unwrap();
    let layout = series(folder.path(), &[1, 2, 3].map(|n| slice(n, None, &[])));
    let target = AnnotationTarget {
        instance_uid: layout.frames[1].instance.sop_instance_uid.clone(),
        frame: 1,
        ..AnnotationTarget::default()
    };
    let points: Vec<DVec3> = CORNERS.into_iter().map(DVec3::from_array).collect();
    let shape = Shape::new(MarkKind::Rectangle, points);
    let id = AnnotationId("m".into());
    let mark = Annotation::new(id, target, PointSpace::Patient, shape);
    let found = Ok(measured(&layout, MarkKind::Rectangle, &CORNERS));
    let mean = found.as_ref().unwrap().measurement.value("suvbw.mean");
    let table = export::write(&[(&mark, Some(&found))], MarkFormat::Csv);
    let line = format!("suvbw.mean,{:?},g/ml,SUVbw,12", mean.unwrap());
    assert!(table.contains(&line), "{table}");
    let text = export::write(&[(&mark, Some(&found))], MarkFormat::Json);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let told = &value["marks"][0]["quantities"]["suvbw.mean"];
    assert_eq!(told["value"].as_f64(), mean);
    assert_eq!(told["source"], "SUVbw");
    let without = [1, 2, 3].map(|n| slice(n, Some((0x10, 0x1030)), &[]));
    let folder = tempfile::tempdir().unwrap();
    let layout = series(folder.path(), &without);
    let found = Ok(measured(&layout, MarkKind::Rectangle, &CORNERS));
    let text = export::write(&[(&mark, Some(&found))], MarkFormat::Json);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let refused = &value["marks"][0]["suv_refused"];
    assert_eq!(refused["code"], "SUV_MISSING");
    assert_eq!(refused["attributes"][0], "Patient's Weight");
    let table = export::write(&[(&mark, Some(&found))], MarkFormat::Csv);
    assert!(table.contains("SUV_MISSING"), "{table}");
}

#[test]
fn a_ct_has_no_uptake() {
    let folder = tempfile::tempdir().unwrap();
    let layout = series(folder.path(), &[Slice::default().file(EXPLICIT)]);
    assert!(suv::of_layout(&layout).is_none());
}
