//! Uptake values from files: what a PET header says becomes a factor, or a refusal that names what is missing.

use crate::bad_input::build::{Bytes, EXPLICIT, Slice, write};
use negatoscope::{
    dicom::{
        assemble::lay_out,
        scan::{ScanOptions, read_instance},
    },
    imaging::suv::{self, Attribute, SuvKind},
    model::layout::SeriesLayout,
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

#[test]
fn a_ct_has_no_uptake() {
    let folder = tempfile::tempdir().unwrap();
    let layout = series(folder.path(), &[Slice::default().file(EXPLICIT)]);
    assert!(suv::of_layout(&layout).is_none());
}
