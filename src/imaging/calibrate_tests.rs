use super::*;
use crate::model::{
    annotation::AnnotationTarget,
    calibration::Signature,
    geometry::ImagePlane,
    layout::Part,
    lut::{ModalityLut, ModalityUnit, Photometric},
    pixels::StoredType,
    study::{Source, SourceKind, Technique},
};
use std::path::Path;

const UNKNOWN: Spacing = Spacing::Unknown { aspect: 1.0 };

fn millimetres(row_mm: f64, column_mm: f64, source: SpacingSource) -> Spacing {
    Spacing::Millimetres {
        row_mm,
        column_mm,
        source,
    }
}

fn instance(uid: &str, spacings: &[Spacing]) -> Arc<Instance> {
    let described = |spacing: &Spacing| FrameDescription {
        plane: None,
        spacing: *spacing,
        slice_thickness_mm: None,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::default(),
        voi: Vec::new(),
    };
    Arc::new(Instance {
        source: Source {
            path: Path::new("x").into(),
            kind: SourceKind::Dicom,
            bytes: 0,
            member: None,
        },
        sop_class_uid: String::new(),
        sop_instance_uid: uid.into(),
        transfer_syntax_uid: String::new(),
        patient: Arc::default(),
        study: Arc::default(),
        series: Arc::new(crate::model::study::SeriesDescription {
            uid: "1.2".into(),
            ..Default::default()
        }),
        instance_number: None,
        technique: Technique::default(),
        image: Some(ImageDescription {
            rows: 480,
            columns: 640,
            frames: spacings.len(),
            samples: 1,
            bits_allocated: 8,
            bits_stored: 8,
            high_bit: 7,
            signed: false,
            stored_type: StoredType::U8,
            photometric: Photometric::Monochrome2,
            palette: None,
            padding: None,
            presentation_inverse: false,
            lossy: None,
            shared: described(&spacings[0]),
            per_frame: match spacings {
                [_] => Vec::new(),
                all => all.iter().map(described).collect(),
            },
            display: Arc::default(),
            parts: Default::default(),
        }),
        pet: None,
        object: None,
        findings: Vec::new(),
    })
}

fn layout(instances: &[Arc<Instance>]) -> SeriesLayout {
    let frames = instances.iter().flat_map(|instance| {
        let count = instance.image.as_ref().unwrap().frames;
        (0..count).map(|frame| FrameRef {
            instance: instance.clone(),
            frame,
        })
    });
    let frames: Vec<FrameRef> = frames.collect();
    let mut findings = Vec::new();
    spacing_findings(&frames, &mut findings);
    SeriesLayout {
        frames,
        volume: None,
        mixed_rescale: false,
        findings,
        duplicates: Vec::new(),
        part: Part::default(),
    }
}

/// 100 columns of the frame are 25 mm.
fn line(uid: &str, frame: u32) -> Calibration {
    Calibration {
        target: AnnotationTarget {
            series_uid: "1.2".into(),
            instance_uid: uid.into(),
            frame,
            ..AnnotationTarget::default()
        },
        ends: [DVec2::new(100.0, 200.0), DVec2::new(200.0, 200.0)],
        true_mm: 25.0,
        by: Signature::new("A. Reader").unwrap(),
        at_ms: 1_796_000_000_000,
        confirmed: false,
    }
}

fn labels(layout: &SeriesLayout) -> Vec<String> {
    let frames = layout.frames.iter();
    frames
        .map(|f| {
            let image = f.instance.image.as_ref().unwrap();
            image.frame(f.frame).spacing.unit_label()
        })
        .collect()
}

fn apply(layout: &SeriesLayout, all: &[Calibration]) -> Option<SeriesLayout> {
    calibrated(layout, &that_hold([layout], all))
}

#[test]
fn the_aspect_and_the_magnification_follow_from_the_header() {
    let check = |header: Spacing, ends: [DVec2; 2], row: f64, column: f64| {
        let one = instance("a", &[header]);
        let calibration = Calibration {
            ends,
            ..line("a", 1)
        };
        let found = spacing_by(&calibration, &one, 0).unwrap();
        let (row_mm, column_mm) = found.row_column();
        assert!((row_mm - row).abs() < 1e-12 && (column_mm - column).abs() < 1e-12);
        // The line is as long as it was said to be.
        assert!((drawn_length(found, ends) - 25.0).abs() < 1e-12);
        let label = "mm (user calibration by A. Reader, 2026-11-30)";
        assert_eq!(found.unit_label(), label);
    };
    let across = line("a", 1).ends;
    let down = [DVec2::new(10.0, 10.0), DVec2::new(10.0, 60.0)];
    check(UNKNOWN, across, 0.25, 0.25);
    check(Spacing::Unknown { aspect: 2.0 }, across, 0.5, 0.25);
    check(Spacing::Unknown { aspect: 2.0 }, down, 0.5, 0.25);
    let detector = millimetres(0.2, 0.1, SpacingSource::ImagerPixelSpacing);
    check(detector, across, 0.5, 0.25);
    check(detector, down, 0.5, 0.25);
}

#[test]
fn frames_of_the_same_geometry_get_it_and_no_others() {
    let detector = millimetres(0.2, 0.2, SpacingSource::ImagerPixelSpacing);
    let films = layout(&[
        instance("a", &[UNKNOWN]),
        instance("b", &[UNKNOWN, detector, UNKNOWN]),
    ]);
    assert!(films.findings.iter().any(|f| f.code == "UNCALIBRATED"));
    let by = "mm (user calibration by A. Reader, 2026-11-30)";
    let plain = "mm at detector (not corrected)";
    let found = apply(&films, &[line("a", 1)]).unwrap();
    assert_eq!(labels(&found), [by, by, plain, by]);
    let codes: Vec<&str> = found.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["SPACING_AT_DETECTOR"]);
    assert!(Arc::ptr_eq(
        &found.frames[1].instance,
        &found.frames[3].instance
    ));
    // The newest counts; one of another geometry stands beside it.
    let newer = Calibration {
        true_mm: 50.0,
        at_ms: 1_796_100_000_000,
        ..line("b", 3)
    };
    let found = apply(&films, &[newer, line("a", 1), line("b", 2)]).unwrap();
    let columns: Vec<f64> = found
        .frames
        .iter()
        .map(|f| {
            let image = f.instance.image.as_ref().unwrap();
            image.frame(f.frame).spacing.row_column().1
        })
        .collect();
    assert_eq!(columns, [0.5, 0.5, 0.25, 0.5]);
    assert!(found.findings.is_empty());
    // Nothing of this series.
    let mut other = line("a", 1);
    other.target.series_uid = "9".into();
    assert_eq!(apply(&films, &[other]).map(|_| ()), None);
    assert_eq!(apply(&films, &[line("none", 1)]).map(|_| ()), None);
    assert_eq!(apply(&films, &[line("b", 4)]).map(|_| ()), None);
}

#[test]
fn what_the_header_gives_as_true_is_replaced_only_when_confirmed() {
    use SpacingSource::*;
    let asks = [
        PixelSpacing,
        Calibrated,
        GeometryCorrected,
        Fiducial,
        ImagerMagnified(1.2),
        UltrasoundRegion(None),
    ];
    for source in asks {
        let film = layout(&[instance("a", &[millimetres(0.1, 0.1, source)])]);
        let one = &film.frames[0].instance;
        let refused = spacing_by(&line("a", 1), one, 0).unwrap_err();
        assert!(refused.asks(), "{source:?}: {refused}");
        assert!(apply(&film, &[line("a", 1)]).is_none());
        let confirmed = Calibration {
            confirmed: true,
            ..line("a", 1)
        };
        assert!(apply(&film, &[confirmed]).is_some(), "{source:?}");
    }
    for source in [ImagerPixelSpacing, CalibrationUnknown, NominalScanned] {
        let film = instance("a", &[millimetres(0.1, 0.1, source)]);
        assert_eq!(may_calibrate(&film, 0), Ok(()), "{source:?}");
    }
    // Regions of several scales.
    let mut scan = (*instance("a", &[UNKNOWN])).clone();
    scan.findings.push(Finding::new(
        "SEVERAL_REGIONS",
        Severity::Warning,
        "several",
    ));
    assert_eq!(
        spacing_by(&line("a", 1), &scan, 0),
        Err(CalibrationError::SeveralScales)
    );
    // What lies in the patient stays where it is, whatever is confirmed.
    let plane = ImagePlane::new([0.0; 3], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let mut slice = (*instance("a", &[millimetres(1.0, 1.0, PixelSpacing)])).clone();
    slice.image.as_mut().unwrap().shared.plane = plane;
    let confirmed = Calibration {
        confirmed: true,
        ..line("a", 1)
    };
    let refused = spacing_by(&confirmed, &slice, 0);
    assert_eq!(refused, Err(CalibrationError::Placed));
    let slices = layout(&[Arc::new(slice)]);
    assert!(apply(&slices, &[confirmed]).is_none());
}

#[test]
fn a_pixel_that_cannot_be_is_refused() {
    let film = instance("a", &[UNKNOWN]);
    let far = Calibration {
        ends: [DVec2::ZERO, DVec2::new(1e9, 0.0)],
        true_mm: 0.2,
        ..line("a", 1)
    };
    assert_eq!(spacing_by(&far, &film, 0), Err(CalibrationError::PixelSize));
}
