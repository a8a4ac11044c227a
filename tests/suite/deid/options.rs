//! What each option keeps or cleans, and that runs with one key agree.

use super::*;
use negatoscope::{
    dicom::{
        deid::{BurnedIn, DeidOption},
        guard::Limits,
        header::read_dicom,
    },
    files::Put,
    imaging::glyphs::PixelBox,
};
use std::sync::Arc;

fn with(options: &[DeidOption]) -> Settings {
    settings(options.iter().copied().collect())
}

/// Writes the object, takes it through, and reads what came out.
fn read_through(set: &DataSet, settings: Settings) -> DataSet {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    fs::write(&path, set.file(Way::Explicit, b"", "")).unwrap();
    DataSet::read(&through(&path, settings).1, Way::Explicit)
}

#[test]
fn options_keep_what_they_name_and_say_so() {
    let mut set = object(CT, 1);
    set.text(0x0008, 0x0020, b"DA", "20240301");
    set.text(0x0008, 0x0021, b"DA", "20240303");
    set.text(0x0008, 0x0031, b"TM", "101112.5");
    set.text(0x0008, 0x002A, b"DT", "20240303101112.5+0100");
    set.text(0x0008, 0x0080, b"LO", "Kanari hospital");
    set.text(0x0008, 0x1030, b"LO", "Chest with contrast, Dr. Kanariname");
    set.text(0x0010, 0x1010, b"AS", "093Y");
    set.text(0x0010, 0x1030, b"DS", "71.5");
    set.text(0x0018, 0x1000, b"LO", "SERIAL-4711");
    let code = |set: &DataSet| -> Vec<String> {
        match set.get(0x0012, 0x0064) {
            Some(data_set::Body::Items(items)) => {
                items.iter().map(|i| i.said(0x0008, 0x0100)).collect()
            }
            other => panic!("{other:?}"),
        }
    };

    let plain = read_through(&set, with(&[]));
    for (group, element) in [
        (0x0008, 0x0021),
        (0x0008, 0x0031),
        (0x0008, 0x002A),
        (0x0008, 0x0080),
        (0x0008, 0x1030),
        (0x0010, 0x1010),
        (0x0018, 0x1000),
    ] {
        assert_eq!(
            plain.said(group, element),
            "",
            "({group:04X},{element:04X})"
        );
    }
    assert_eq!(plain.said(0x0012, 0x0062), "YES");
    assert_eq!(plain.said(0x0028, 0x0303), "REMOVED");
    assert_eq!(code(&plain), ["113100"]);

    let kept = read_through(&set, with(&[DeidOption::RetainFullDates]));
    assert_eq!(kept.said(0x0008, 0x0020), "20240301");
    assert_eq!(kept.said(0x0008, 0x0031), "101112.5");
    assert_eq!(kept.said(0x0028, 0x0303), "UNMODIFIED");

    // Moved by whole days: the interval and the times of day stay.
    let moved = read_through(&set, with(&[DeidOption::RetainModifiedDates]));
    let day = |set: &DataSet, element| {
        let date = negatoscope::model::date::Date::parse(&set.said(0x0008, element)).unwrap();
        date.days_since_epoch()
    };
    assert_ne!(moved.said(0x0008, 0x0020), "20240301");
    assert_eq!(day(&moved, 0x0021) - day(&moved, 0x0020), 2);
    assert_eq!(moved.said(0x0008, 0x0031), "101112.5");
    assert!(moved.said(0x0008, 0x002A).ends_with("101112.5+0100"));
    assert_eq!(moved.said(0x0008, 0x002A)[..8], moved.said(0x0008, 0x0021));
    assert_eq!(code(&moved), ["113100", "113107"]);

    let kept = read_through(
        &set,
        with(&[
            DeidOption::RetainInstitution,
            DeidOption::RetainDevice,
            DeidOption::RetainPatient,
            DeidOption::RetainUids,
            DeidOption::CleanDescriptors,
        ]),
    );
    assert_eq!(kept.said(0x0008, 0x0080), "Kanari hospital");
    assert_eq!(kept.said(0x0018, 0x1000), "SERIAL-4711");
    assert_eq!(kept.said(0x0010, 0x1010), "090Y", "rare ages identify");
    assert_eq!(kept.said(0x0010, 0x1030), "71.5");
    assert_eq!(kept.said(0x0008, 0x0018), "1.2.3.7777.9.1");
    assert_eq!(kept.said(0x0008, 0x1030), "Chest with contrast");
    assert_ne!(kept.said(0x0010, 0x0020), "KANARIID-77");
}

#[test]
fn a_report_keeps_its_codes_and_numbers_when_asked() {
    let mut set = object("1.2.840.10008.5.1.4.1.1.88.33", 1);
    let coded = |value: &str| {
        let mut code = DataSet::default();
        code.text(0x0008, 0x0100, b"SH", value);
        code.text(0x0008, 0x0102, b"SH", "DCM");
        code.text(0x0008, 0x0104, b"LO", "a meaning");
        code
    };
    let mut text = DataSet::default();
    text.text(0x0040, 0xA040, b"CS", "TEXT");
    text.items(0x0040, 0xA043, vec![coded("121071")]);
    text.text(
        0x0040,
        0xA160,
        b"UT",
        "Nodule right lung, told Kanariname by Meyer",
    );
    let mut name = DataSet::default();
    name.text(0x0040, 0xA040, b"CS", "PNAME");
    name.text(0x0040, 0xA123, b"PN", "KANARI^OBSERVER");
    let mut number = DataSet::default();
    number.text(0x0040, 0xA040, b"CS", "NUM");
    let mut measured = DataSet::default();
    measured.text(0x0040, 0xA30A, b"DS", "17.25");
    number.items(0x0040, 0xA300, vec![measured]);
    let mut container = DataSet::default();
    container.text(0x0040, 0xA040, b"CS", "CONTAINER");
    container.items(0x0040, 0xA730, vec![text, name, number]);
    set.items(0x0040, 0xA730, vec![container]);

    let plain = read_through(&set, with(&[]));
    let item = plain.item(0x0040, 0xA730);
    assert_eq!(item.said(0x0040, 0xA160), "REMOVED");
    assert!(item.get(0x0040, 0xA730).is_none());

    let clean = read_through(&set, with(&[DeidOption::CleanStructuredContent]));
    let container = clean.item(0x0040, 0xA730);
    let Some(data_set::Body::Items(items)) = container.get(0x0040, 0xA730) else {
        panic!("{container:?}");
    };
    assert_eq!(items[0].said(0x0040, 0xA160), "Nodule right lung");
    assert_eq!(items[0].item(0x0040, 0xA043).said(0x0008, 0x0100), "121071");
    assert_eq!(items[1].said(0x0040, 0xA123), "REMOVED");
    assert_eq!(items[2].item(0x0040, 0xA300).said(0x0040, 0xA30A), "17.25");
}

#[test]
fn safe_private_attributes_stay_with_their_block_and_no_others() {
    let mut set = object(CT, 1);
    set.text(0x0019, 0x0010, b"LO", "SIEMENS MR HEADER");
    set.text(0x0019, 0x100C, b"IS", "1000");
    set.text(0x0019, 0x1008, b"CS", "KANARI");
    set.text(0x0029, 0x0010, b"LO", "KANARI BLOCK");
    set.text(0x0029, 0x1010, b"LO", "KANARI");
    let plain = read_through(&set, with(&[]));
    assert!(plain.0.keys().all(|(group, _)| group % 2 == 0));
    let kept = read_through(&set, with(&[DeidOption::RetainSafePrivate]));
    let private: Vec<_> = kept.0.keys().filter(|(group, _)| group % 2 == 1).collect();
    assert_eq!(private, [&(0x0019, 0x0010), &(0x0019, 0x100C)]);
    assert_eq!(kept.said(0x0019, 0x100C), "1000");
}

#[test]
fn one_key_agrees_with_itself_and_with_no_other() {
    let mut first = object(CT, 1);
    first.text(0x0008, 0x0020, b"DA", "20240301");
    let mut reference = DataSet::default();
    reference.text(0x0008, 0x1150, b"UI", CT);
    reference.text(0x0008, 0x1155, b"UI", "1.2.3.7777.9.2");
    let mut series = DataSet::default();
    series.items(0x0008, 0x1199, vec![reference]);
    series.text(0x0020, 0x000E, b"UI", "1.2.3.7777.9001");
    first.items(0x0008, 0x1115, vec![series]);
    let second = object(CT, 2);
    let dates = || with(&[DeidOption::RetainModifiedDates]);
    let (a, b) = (
        read_through(&first, dates()),
        read_through(&second, dates()),
    );
    // The reference leads where it led, in the same study of the same person.
    let inner = a.item(0x0008, 0x1115);
    assert_eq!(
        inner.item(0x0008, 0x1199).said(0x0008, 0x1155),
        b.said(0x0008, 0x0018)
    );
    assert_eq!(inner.said(0x0020, 0x000E), b.said(0x0020, 0x000E));
    assert_eq!(inner.item(0x0008, 0x1199).said(0x0008, 0x1150), CT);
    for element in [(0x0010, 0x0020), (0x0020, 0x000D)] {
        assert_eq!(a.said(element.0, element.1), b.said(element.0, element.1));
    }
    assert_eq!(a, read_through(&first, dates()), "again");
    let mut other = dates();
    other.secret = Secret::random().unwrap();
    let other = read_through(&first, other);
    for (group, element) in [
        (0x0008, 0x0018),
        (0x0010, 0x0020),
        (0x0020, 0x000D),
        (0x0008, 0x0020),
    ] {
        assert_ne!(a.said(group, element), other.said(group, element));
    }
    // No two become one; a thousand objects are in `many`.
    let job = Deidentifier::new(dates());
    let folder = tempfile::tempdir().unwrap();
    let mut seen = std::collections::HashSet::new();
    for number in 0..200 {
        let path = folder.path().join("u.dcm");
        fs::write(&path, object(CT, number).file(Way::Explicit, b"", "")).unwrap();
        assert!(seen.insert(job.plan(&path).unwrap().instance));
    }
}

/// An object with a native 8-bit picture.
fn picture(modality: &str, grey: &[u8], columns: u16, rows: u16) -> DataSet {
    let mut set = object("1.2.840.10008.5.1.4.1.1.6.1", 5);
    set.text(0x0008, 0x0060, b"CS", modality);
    let mut number = |element, value: u16| {
        set.bytes(0x0028, element, b"US", value.to_le_bytes().to_vec());
    };
    for (element, value) in [
        (2, 1),
        (0x10, rows),
        (0x11, columns),
        (0x100, 8),
        (0x101, 8),
    ] {
        number(element, value);
    }
    number(0x102, 7);
    number(0x103, 0);
    set.text(0x0028, 0x0004, b"CS", "MONOCHROME2");
    set.bytes(0x7FE0, 0x0010, b"OB", grey.to_vec());
    set
}

/// Seven strokes beside each other: letters as far as size and shape tell.
fn written() -> Vec<u8> {
    let mut grey = vec![10; 128 * 96];
    for letter in 0..7 {
        for y in 10..24 {
            for x in 0..2 {
                grey[y * 128 + 8 + letter * 9 + x] = 240;
            }
            if y % 6 == 4 {
                for x in 0..6 {
                    grey[y * 128 + 8 + letter * 9 + x] = 240;
                }
            }
        }
    }
    grey
}

#[test]
fn text_in_the_pixels_is_said_covered_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("us.dcm");
    let grey = written();
    fs::write(
        &path,
        picture("US", &grey, 128, 96).file(Way::Explicit, b"", ""),
    )
    .unwrap();
    let (plan, bytes) = through(&path, settings(DeidOptions::default()));
    assert_eq!(plan.text.boxes.len(), 1, "{:?}", plan.text);
    assert!(!plan.text.risk.is_empty() && !plan.text.covered);
    assert!(bytes.ends_with(&grey), "the pixels are what they were");

    let mut mask = settings(DeidOptions::default());
    let corner = PixelBox {
        x: 100,
        y: 80,
        width: 28,
        height: 16,
    };
    mask.burned = BurnedIn::Mask(vec![corner]);
    let (plan, _) = through(&path, mask);
    assert!(plan.text.covered);
    let out: Arc<Path> = Arc::from(path.with_extension("out"));
    let set = DataSet::read(&fs::read(&out).unwrap(), Way::Explicit);
    assert_eq!(set.said(0x0028, 0x0301), "NO");
    let Some(data_set::Body::Bytes(_, now)) = set.get(0x7FE0, 0x0010) else {
        panic!("no pixels");
    };
    for (at, (now, was)) in now.iter().zip(&grey).enumerate() {
        let (x, y) = (at % 128, at / 128);
        let text = (8..68).contains(&x) && (10..24).contains(&y);
        let near = x < 76 && (5..29).contains(&y);
        let in_corner = x >= 100 && y >= 80;
        if text || in_corner {
            assert_eq!(*now, 0, "{x}, {y}");
        } else if !near {
            assert_eq!(now, was, "{x}, {y}");
        }
    }
    read_dicom(&out, &Limits::default()).unwrap();

    let mut refuse = settings(DeidOptions::default());
    refuse.burned = BurnedIn::Refuse;
    let fault = Deidentifier::new(refuse).plan(&path).unwrap_err();
    assert_eq!(fault.code, "BURNED_IN");
    // A CT says nothing of the kind, and is not looked at.
    fs::write(
        &path,
        picture("CT", &grey, 128, 96).file(Way::Explicit, b"", ""),
    )
    .unwrap();
    let (plan, _) = through(&path, settings(DeidOptions::default()));
    assert_eq!(plan.text, negatoscope::dicom::deid::BurnedText::default());
}

#[test]
fn an_overlay_in_unused_bits_of_the_pixels_goes_too() {
    let mut set = picture("CT", &[], 8, 8);
    let values: Vec<u8> = (0..64u16)
        .flat_map(|v| (v | 0x8000 | 0x1000).to_le_bytes())
        .collect();
    for (element, value) in [(0x100, 16u16), (0x101, 12), (0x102, 11)] {
        set.bytes(0x0028, element, b"US", value.to_le_bytes().to_vec());
    }
    set.bytes(0x6000, 0x0100, b"US", 16u16.to_le_bytes().to_vec());
    set.bytes(0x6000, 0x0102, b"US", 15u16.to_le_bytes().to_vec());
    set.bytes(0x7FE0, 0x0010, b"OW", values);
    let new = read_through(&set, with(&[DeidOption::CleanGraphics]));
    assert!(new.0.keys().all(|(group, _)| group >> 8 != 0x60));
    let expected: Vec<u8> = (0..64u16).flat_map(u16::to_le_bytes).collect();
    let Some(data_set::Body::Bytes(_, now)) = new.get(0x7FE0, 0x0010) else {
        panic!("no pixels");
    };
    assert_eq!(now, &expected);
}

#[test]
fn drawn_overlays_stay_when_asked_and_written_ones_go() {
    let overlay = |bits: Vec<u8>| {
        let mut set = object(CT, 1);
        set.bytes(0x6000, 0x0010, b"US", 96u16.to_le_bytes().to_vec());
        set.bytes(0x6000, 0x0011, b"US", 128u16.to_le_bytes().to_vec());
        set.text(0x6000, 0x0022, b"LO", "liver, by Kanariname");
        set.bytes(0x6000, 0x3000, b"OW", bits);
        set
    };
    let packed = |grey: &[u8]| -> Vec<u8> {
        grey.chunks(8)
            .map(|c| {
                c.iter()
                    .enumerate()
                    .map(|(i, v)| u8::from(*v > 128) << i)
                    .sum()
            })
            .collect()
    };
    let mut disc = vec![0; 128 * 96];
    for y in 30..60 {
        disc[y * 128 + 30..y * 128 + 70].fill(255);
    }
    let new = read_through(&overlay(packed(&disc)), with(&[DeidOption::CleanGraphics]));
    assert_eq!(new.said(0x6000, 0x0022), "liver");
    assert!(new.get(0x6000, 0x3000).is_some());
    let new = read_through(
        &overlay(packed(&written())),
        with(&[DeidOption::CleanGraphics]),
    );
    assert!(new.0.keys().all(|(group, _)| *group != 0x6000));
}

#[test]
fn what_is_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    fs::write(&path, object(CT, 1).file(Way::Explicit, b"", "")).unwrap();
    let job = Deidentifier::new(settings(DeidOptions::default()));
    let out = folder.path().join("b.dcm");
    let plan = job.plan(&path).unwrap();
    assert_eq!(plan.write(&out).unwrap(), Put::New);
    assert_eq!(plan.write(&out).unwrap(), Put::Same);
    fs::write(&out, b"somebody's work").unwrap();
    let error = plan.write(&out).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&out).unwrap(), b"somebody's work");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "no half file"
    );
}
