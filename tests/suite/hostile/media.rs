//! Chapter "media", 91 to 94: a DICOMDIR that names what it must not, what is not there, or somebody else.

use super::{base, folder_of, run::Ran};
use crate::bad_input::build::{Bytes, EXPLICIT, Slice, file};

/// A record: its type, its elements behind the links, and its file.
struct Record {
    kind: &'static str,
    more: Bytes,
    file: &'static str,
    /// The next record, and the first one below, by index.
    next: Option<usize>,
    below: Option<usize>,
}

fn record(kind: &'static str, more: Bytes, next: Option<usize>, below: Option<usize>) -> Record {
    Record {
        kind,
        more,
        file: "",
        next,
        below,
    }
}

/// What a file holds, as records: patient, study, series and image.
fn tree(slice: &Slice, name: &'static str) -> Vec<Record> {
    let patient = Bytes::default()
        .text(0x10, 0x10, b"PN", slice.patient.0)
        .text(0x10, 0x20, b"LO", slice.patient.1);
    let study = Bytes::default().text(0x20, 0x0D, b"UI", &slice.study);
    let series = Bytes::default().text(0x20, 0x0E, b"UI", &slice.series);
    let mut image = record("IMAGE", Bytes::default(), None, None);
    image.file = name;
    vec![
        record("PATIENT", patient, None, Some(1)),
        record("STUDY", study, None, Some(2)),
        record("SERIES", series, None, Some(3)),
        image,
    ]
}

/// A DICOMDIR whose offsets are right; `link` may change them afterwards: next and below of a record, knowing all offsets.
fn directory(
    records: &[Record],
    uid: &str,
    link: impl Fn(usize, &mut [u32; 2], &[u32]),
) -> Vec<u8> {
    let body = |record: &Record, links: [u32; 2]| {
        let mut bytes = Bytes::default()
            .put(4, 0x1400, b"UL", &links[0].to_le_bytes())
            .us(4, 0x1410, 0xFFFF)
            .put(4, 0x1420, b"UL", &links[1].to_le_bytes())
            .text(4, 0x1430, b"CS", record.kind);
        if !record.file.is_empty() {
            bytes = bytes.text(4, 0x1500, b"CS", record.file);
            bytes = bytes.text(4, 0x1511, b"UI", uid);
        }
        bytes.raw(&record.more.0)
    };
    let head = |root: u32| {
        Bytes::default()
            .text(4, 0x1130, b"CS", "TEST")
            .put(4, 0x1200, b"UL", &root.to_le_bytes())
            .put(4, 0x1202, b"UL", &root.to_le_bytes())
            .us(4, 0x1212, 0)
    };
    // Items begin behind the head and the 12 bytes of the sequence's own header.
    let mut at = file(EXPLICIT, &head(0).0).len() as u32 + 12;
    let mut offsets = Vec::new();
    for record in records {
        offsets.push(at);
        at += 8 + body(record, [0, 0]).0.len() as u32;
    }
    let items: Vec<Bytes> = records
        .iter()
        .enumerate()
        .map(|(i, record)| {
            let to = |index: Option<usize>| index.map_or(0, |index| offsets[index]);
            let mut links = [to(record.next), to(record.below)];
            link(i, &mut links, &offsets);
            body(record, links)
        })
        .collect();
    let data_set = head(offsets.first().copied().unwrap_or(0)).sequence(4, 0x1220, &items);
    file(EXPLICIT, &data_set.0)
}

/// Runs over a medium with one file, by its directory or by its folder.
fn medium(slice: &Slice, directory: Vec<u8>, named: bool) -> (tempfile::TempDir, Ran) {
    let root = tempfile::tempdir().unwrap();
    let files = [
        ("IMAGES/IM1", slice.file(EXPLICIT)),
        ("DICOMDIR", directory),
    ];
    let folder = folder_of(root.path(), "disc", &files);
    let path = if named {
        folder.join("DICOMDIR")
    } else {
        folder
    };
    let ran = Ran::inspect(&[&path], &["--decode"]);
    (root, ran)
}

const FILE: &str = r"IMAGES\IM1";

#[test]
fn a_directory_that_names_somebody_else_is_noticed() {
    let slice = base();
    let plain = |_: usize, _: &mut [u32; 2], _: &[u32]| {};
    for named in [true, false] {
        let files = if named { 1 } else { 2 };
        let check = |name: &str, records: &[Record], uid: &str, expected: &str| {
            let (_root, ran) = medium(&slice, directory(records, uid, plain), named);
            ran.is_sound(files);
            assert_eq!(ran.outcome("IM1"), expected, "{name}, named {named}");
        };
        check("right", &tree(&slice, FILE), &slice.uid, "ok");
        let other = Slice {
            patient: ("ROE^RICHARD", "P2"),
            ..slice.clone()
        };
        check(
            "another patient",
            &tree(&other, FILE),
            &slice.uid,
            "warn DIRECTORY_MISMATCH",
        );
        let other = Slice {
            patient: ("ROE^RICHARD", "P1"),
            ..slice.clone()
        };
        check(
            "another name",
            &tree(&other, FILE),
            &slice.uid,
            "warn DIRECTORY_MISMATCH",
        );
        let other = Slice {
            study: "1.2.9".into(),
            ..slice.clone()
        };
        check(
            "another study",
            &tree(&other, FILE),
            &slice.uid,
            "warn DIRECTORY_MISMATCH",
        );
        let other = Slice {
            series: "1.2.9".into(),
            ..slice.clone()
        };
        check(
            "another series",
            &tree(&other, FILE),
            &slice.uid,
            "warn DIRECTORY_MISMATCH",
        );
        check(
            "another instance",
            &tree(&slice, FILE),
            "1.2.9",
            "warn DIRECTORY_MISMATCH",
        );
    }
}

#[test]
fn records_that_do_not_hang_together_are_said_and_the_file_opens() {
    let slice = base();
    type Link = fn(usize, &mut [u32; 2], &[u32]);
    let links: [(&str, Link); 6] = [
        ("to itself", |i, l, all| {
            if i == 1 {
                l[0] = all[1];
            }
        }),
        ("to what is above", |i, l, all| {
            if i == 3 {
                l[1] = all[0];
            }
        }),
        ("past the end", |i, l, _| {
            if i == 1 {
                l[1] = 90_000;
            }
        }),
        ("4 GiB", |i, l, _| {
            if i == 2 {
                l[0] = u32::MAX;
            }
        }),
        ("between records", |i, l, _| {
            if i == 2 {
                l[1] += 2;
            }
        }),
        ("twice", |i, l, _| {
            if i == 1 {
                l[0] = l[1];
            }
        }),
    ];
    for (name, link) in links {
        let (_root, ran) = medium(
            &slice,
            directory(&tree(&slice, FILE), &slice.uid, link),
            true,
        );
        ran.is_sound(2);
        assert_eq!(
            ran.outcome("DICOMDIR"),
            "rejected DICOMDIR_RECORDS",
            "{name}"
        );
        assert_eq!(ran.outcome("IM1"), "ok", "{name}");
    }
}

#[test]
fn names_lead_nowhere_else() {
    let secret = base();
    let names: &[&str] = &[
        r"..\SECRET",
        r"IMAGES\..\..\SECRET",
        r"..",
        r".",
        r"\SECRET",
        r"/etc/passwd",
        r"C:\SECRET",
        r"C:SECRET",
        r"\\HOST\SHARE\X",
        r"CON",
        r"NUL",
        r"AUX.TXT",
        r"PRN.1",
        r"SECRET.",
        r"IM1:STREAM",
        r"IM1%00",
        r"~",
        r"IMAGES/IM1",
        r"A\B\C\D\E\F\G\H\I",
        r"*",
        r"IM1?",
        r"$HOME",
        r"`id`",
        r"IM1;ls",
        r"IM1|ls",
    ];
    let long = "A".repeat(65);
    let all: Vec<&str> = names.iter().copied().chain([long.as_str()]).collect();
    let records: Vec<Bytes> = all
        .iter()
        .map(|name| {
            Bytes::default()
                .text(4, 0x1430, b"CS", "IMAGE")
                .text(4, 0x1500, b"CS", name)
        })
        .collect();
    let data_set = Bytes::default()
        .text(4, 0x1130, b"CS", "TEST")
        .sequence(4, 0x1220, &records);
    let root = tempfile::tempdir().unwrap();
    let files = [
        ("SECRET", secret.file(EXPLICIT)),
        ("disc/DICOMDIR", file(EXPLICIT, &data_set.0)),
        ("disc/IMAGES/IM1", base().file(EXPLICIT)),
    ];
    folder_of(root.path(), ".", &files);
    let ran = Ran::inspect(&[&root.path().join("disc/DICOMDIR")], &["--decode"]);
    let count = |name: &str| ran.summary[name].as_u64().unwrap() as usize;
    assert_eq!(count("received"), all.len());
    assert_eq!(count("shown"), 0);
    assert_eq!(ran.outcome("SECRET"), "absent");
    assert!(matches!(ran.exit(), Some(1 | 3)));
}

#[test]
fn what_is_named_and_not_there_is_counted() {
    let slice = base();
    for named in [true, false] {
        let mut records = tree(&slice, FILE);
        records[3].next = Some(4);
        let mut gone = record("IMAGE", Bytes::default(), None, None);
        gone.file = r"IMAGES\GONE";
        records.push(gone);
        let (_root, ran) = medium(&slice, directory(&records, &slice.uid, |_, _, _| {}), named);
        ran.is_sound(2);
        // A folder has one line a file: there the directory says how many are gone.
        let tells = if named { "GONE" } else { "DICOMDIR" };
        assert_eq!(ran.outcome(tells), "rejected DICOMDIR_MISSING");
        // The same identifier stands in both records.
        assert_eq!(ran.outcome("IM1"), "ok");
    }
}

#[test]
fn a_million_records_are_a_limit() {
    let item = [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0];
    let data_set = Bytes::default().text(4, 0x1130, b"CS", "TEST").put(
        4,
        0x1220,
        b"SQ",
        &item.repeat(1_000_000),
    );
    let slice = base();
    let (_root, ran) = medium(&slice, file(EXPLICIT, &data_set.0), true);
    ran.is_sound(1);
    assert_eq!(ran.outcome("DICOMDIR"), "limit ITEMS");
}
