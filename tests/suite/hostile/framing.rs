//! Chapter "framing" of the safety table, 1 to 14: what is no DICOM file, or more than one.

use super::{Table, base, folder_of, run::Ran};
use crate::bad_input::build::{Bytes, EXPLICIT, Slice, file};

#[test]
fn what_is_no_file_of_ours() {
    let mut table = Table::default();
    let good = base().file(EXPLICIT);
    table.file("empty", Vec::new(), "rejected EMPTY_FILE");
    for length in [1, 2, 4, 8, 127, 128, 131] {
        table.file(
            format!("{length} zeros"),
            vec![0; length],
            "rejected NOT_DICOM",
        );
    }
    table.file(
        "preamble alone",
        good[..132].to_vec(),
        "rejected NO_DATA_SET",
    );
    for (length, expected) in [
        (133, "rejected NO_DATA_SET"),
        (136, "rejected NO_DATA_SET"),
        (138, "rejected ELEMENT_CUT"),
        (140, "rejected LEN_PAST_END"),
    ] {
        let name = format!("{length} bytes of a file");
        table.file(name, good[..length].to_vec(), expected);
    }
    table.file("bare data set", base().data_set(), "warn NO_META_HEADER");
    let mut marked = b"DICM".to_vec();
    marked.extend(&base().file(EXPLICIT)[132..]);
    table.file("mark at the beginning", marked, "warn NO_PREAMBLE");
    table.file(
        "meta at the beginning",
        base().file(EXPLICIT)[132..].to_vec(),
        "warn NO_PREAMBLE",
    );
    for (name, bytes) in [
        (
            "text",
            b"To whom it may concern, this is a letter.\n".to_vec(),
        ),
        (
            "text in UTF-16",
            "报告 report"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        ("PDF", b"%PDF-1.7\n1 0 obj <<>> endobj\n".to_vec()),
        ("HTML", b"<html><body>DICM</body></html>".to_vec()),
        ("JSON", b"{\"resourceType\":\"Patient\"}".to_vec()),
        ("program", [b"MZ\x90\0".as_slice(), &[7; 300]].concat()),
        (
            "noise",
            (0..4096u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect(),
        ),
        ("zeros", vec![0; 100_000]),
        ("ones", vec![255; 100_000]),
        (
            "DICM elsewhere",
            [vec![9; 129], b"DICM".to_vec(), vec![9; 300]].concat(),
        ),
    ] {
        table.file(name, bytes, "rejected NOT_DICOM");
    }
    table.file(
        "broken PNG",
        b"\x89PNG\x0D\x0A\x1A\x0A and nothing more".to_vec(),
        "rejected PICTURE_CORRUPT",
    );
    table.file(
        "broken JPEG",
        [b"\xFF\xD8\xFF\xE0".as_slice(), &[3; 90]].concat(),
        "rejected PICTURE_CORRUPT",
    );
    table.check("framing");
}

#[test]
fn preambles_are_never_kept() {
    let mut table = Table::default();
    for (name, head) in [
        ("PE", b"MZ\x90\0".as_slice()),
        ("ELF", b"\x7FELF\x02\x01\x01"),
        ("Mach-O", b"\xCF\xFA\xED\xFE"),
        ("Mach-O for several", b"\xCA\xFE\xBA\xBE"),
        ("script", b"#!/bin/sh\nrm -rf ~\n"),
        ("ZIP", b"PK\x03\x04"),
        ("HTML", b"<script>"),
        ("one byte", b"\0\0\0\0\x01"),
    ] {
        let mut bytes = base().file(EXPLICIT);
        bytes[..head.len()].copy_from_slice(head);
        table.file(name, bytes, "warn PREAMBLE_CONTENT");
    }
    for head in [b"II*\0", b"MM\0*"] {
        let mut bytes = base().file(EXPLICIT);
        bytes[..4].copy_from_slice(head);
        table.file("TIFF as well", bytes, "ok");
    }
    table.check("preambles");
}

#[test]
fn what_lies_behind_the_data_set_is_counted() {
    let mut table = Table::default();
    let good = || base().file(EXPLICIT);
    let behind = |more: &[u8]| [good(), more.to_vec()].concat();
    table.file("two files", behind(&good()), "warn TRAILING_BYTES");
    table.file(
        "two data sets",
        behind(&base().data_set()),
        "warn TRAILING_BYTES",
    );
    table.file("one zero", behind(&[0]), "ok");
    table.file("two zeros", behind(&[0; 2]), "warn TRAILING_BYTES");
    table.file("one byte", behind(&[7]), "warn TRAILING_BYTES");
    table.file("noise", behind(&[0x5A; 777]), "warn TRAILING_BYTES");
    table.file(
        "a megabyte of zeros",
        behind(&vec![0; 1 << 20]),
        "warn TRAILING_BYTES",
    );
    table.file(
        "a program",
        behind(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0"),
        "warn TRAILING_BYTES",
    );
    // What the standard puts behind the pixels.
    let padding = Bytes::default().put(0xFFFC, 0xFFFC, b"OB", &[0; 64]).0;
    table.file("padding element", behind(&padding), "ok");
    let private = Bytes::default()
        .text(0x7FE1, 0x10, b"LO", "MAKER")
        .put(0x7FE1, 0x1001, b"OB", &[1; 20])
        .0;
    table.file("private group", behind(&private), "ok");
    let signed = Bytes::default()
        .sequence(0xFFFA, 0xFFFA, &[Bytes::default().us(0x0400, 5, 1)])
        .0;
    table.file("signature", behind(&signed), "ok");
    table.file(
        "signature, then padding",
        behind(&[signed, padding.clone()].concat()),
        "ok",
    );
    table.file(
        "cut padding",
        behind(&padding[..padding.len() - 3]),
        "warn TRAILING_BYTES",
    );
    let rows = Bytes::default().us(0x28, 0x10, 4).0;
    table.file(
        "description behind the pixels",
        behind(&rows),
        "warn TRAILING_BYTES",
    );
    let pixels = Slice::default().pixels;
    table.file("pixels again", behind(&pixels), "rejected TWO_PIXEL_DATA");
    let report = Bytes::default()
        .text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.88.11")
        .text(8, 0x18, b"UI", "1.2.3.4.5")
        .text(8, 0x60, b"CS", "SR")
        .text(0x20, 0x0D, b"UI", "1.2.3.1")
        .text(0x20, 0x0E, b"UI", "1.2.3.9");
    table.file("object without pixels", file(EXPLICIT, &report.0), "ok");
    table.file(
        "object without pixels, zeros behind",
        file(EXPLICIT, &report.clone().raw(&[0; 200]).0),
        "warn TRAILING_BYTES",
    );
    table.file(
        "object without pixels, one zero behind",
        file(EXPLICIT, &report.clone().raw(&[0]).0),
        "ok",
    );
    table.file(
        "object without pixels, noise behind",
        file(EXPLICIT, &report.raw(&[0xEE; 3]).0),
        "rejected ELEMENT_CUT",
    );
    table.check("behind the data set");
}

/// The number of bytes is said.
#[test]
fn bytes_behind_are_numbered() {
    let root = tempfile::tempdir().unwrap();
    let bytes = [base().file(EXPLICIT), vec![0x5A; 777]].concat();
    let folder = folder_of(root.path(), "one", &[("a.dcm", bytes)]);
    let ran = Ran::inspect(&[&folder], &[]);
    ran.is_sound(1);
    let findings = ran.field("a.dcm", "findings");
    assert_eq!(findings[0]["numbers"]["bytes"], 777.0, "{findings}");
}

#[test]
#[cfg(unix)]
fn what_is_no_regular_file_stops_nothing() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let root = tempfile::tempdir().unwrap();
    let path = root.path();
    std::fs::write(path.join("good.dcm"), base().file(EXPLICIT)).unwrap();
    std::fs::create_dir(path.join("folder.dcm")).unwrap();
    symlink(path, path.join("folder.dcm").join("loop")).unwrap();
    symlink(path.join("nowhere"), path.join("dangling.dcm")).unwrap();
    symlink(path.join("self.dcm"), path.join("self.dcm")).unwrap();
    symlink("/dev/zero", path.join("zero.dcm")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(path.join("pipe.dcm"))
        .status();
    assert!(made.unwrap().success());
    std::fs::write(path.join("closed.dcm"), base().file(EXPLICIT)).unwrap();
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(path.join("closed.dcm"), closed).unwrap();
    let sparse = std::fs::File::create(path.join("sparse.dcm")).unwrap();
    sparse.set_len(4 << 30).unwrap();
    let ran = Ran::inspect(&[path], &["--decode"]);
    ran.is_sound(8);
    for (name, expected) in [
        ("good.dcm", "ok"),
        ("loop", "rejected LINKED_FOLDER"),
        ("dangling.dcm", "rejected BROKEN_LINK"),
        ("self.dcm", "rejected BROKEN_LINK"),
        ("zero.dcm", "rejected NOT_A_FILE"),
        ("pipe.dcm", "rejected NOT_A_FILE"),
        ("sparse.dcm", "rejected NOT_DICOM"),
    ] {
        assert_eq!(ran.outcome(name), expected, "{name}");
    }
    // Whoever may read everything reads this one too.
    let closed = ran.outcome("closed.dcm");
    assert!(closed == "rejected IO" || closed == "ok", "{closed}");
}
