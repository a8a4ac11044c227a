//! Writes a DICOMDIR for a folder of de-identified files (PS3.3 annex F, PS3.10 chapter 8): nothing of the old one is kept.

use super::emit::{self, Writer};
use crate::dicom::syntax::Encoding;
use dicom_object::Tag;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// The kind of record of an object that is no picture (PS3.3 table F.4-1).
fn kind_of(class: &str) -> &'static str {
    const KINDS: [(&str, &str); 12] = [
        ("1.2.840.10008.5.1.4.1.1.88.59", "KEY OBJECT DOC"),
        ("1.2.840.10008.5.1.4.1.1.88.", "SR DOCUMENT"),
        ("1.2.840.10008.5.1.4.1.1.11.", "PRESENTATION"),
        ("1.2.840.10008.5.1.4.1.1.9.", "WAVEFORM"),
        ("1.2.840.10008.5.1.4.1.1.104.", "ENCAP DOC"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RT DOSE"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RT STRUCTURE SET"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "RT PLAN"),
        ("1.2.840.10008.5.1.4.1.1.481.8", "RT PLAN"),
        ("1.2.840.10008.5.1.4.1.1.66.1", "REGISTRATION"),
        ("1.2.840.10008.5.1.4.1.1.66.2", "FIDUCIAL"),
        ("1.2.840.10008.5.1.4.1.1.4.2", "SPECTROSCOPY"),
    ];
    let found = KINDS.iter().find(|(prefix, _)| {
        class.starts_with(prefix) && (prefix.ends_with('.') || class == *prefix)
    });
    found.map_or("IMAGE", |(_, kind)| kind)
}

/// One record: its kind, its keys, and the index of the first below and of the next beside it.
struct Record {
    bytes: Vec<u8>,
    next: Option<usize>,
    lower: Option<usize>,
}

const WRITER: Writer = Writer(Encoding::EXPLICIT);

/// Where the two offsets of a record stand in its bytes, behind the 8 bytes of their elements' heads.
const NEXT_AT: usize = 8;
const LOWER_AT: usize = 12 + 10 + 8;

impl Record {
    fn new(kind: &str, keys: &[(Tag, &[u8; 2], &str)]) -> Self {
        let mut bytes = Vec::with_capacity(256);
        WRITER.put(&mut bytes, Tag(4, 0x1400), *b"UL", &[0; 4]);
        WRITER.put(&mut bytes, Tag(4, 0x1410), *b"US", &[0xFF; 2]);
        WRITER.put(&mut bytes, Tag(4, 0x1420), *b"UL", &[0; 4]);
        WRITER.put(&mut bytes, Tag(4, 0x1430), *b"CS", kind.as_bytes());
        for (tag, vr, value) in keys {
            WRITER.put(&mut bytes, *tag, **vr, value.as_bytes());
        }
        Self {
            bytes,
            next: None,
            lower: None,
        }
    }
}

/// Chains records of one level, each with its first one below.
fn chain(records: &mut [Record], level: &[usize]) {
    for (this, next) in level.iter().zip(level.iter().skip(1)) {
        if let Some(record) = records.get_mut(*this) {
            record.next = Some(*next);
        }
    }
}

/// What the directory says of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Its place below the folder.
    pub(super) place: PathBuf,
    pub(super) patient: String,
    pub(super) study: String,
    pub(super) series: String,
    pub(super) instance: String,
    pub(super) class: String,
    pub(super) syntax: String,
    pub(super) modality: String,
    pub(super) series_number: String,
    pub(super) instance_number: String,
    pub(super) date: String,
    pub(super) time: String,
}

type Tree = BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<Entry>>>>;

/// Writes `DICOMDIR` into `folder` for files that lie in it.
///
/// # Errors
/// Those of the disk.
pub(super) fn write(folder: &Path, entries: Vec<Entry>) -> io::Result<()> {
    let mut tree = Tree::new();
    for entry in entries {
        let series = tree
            .entry(entry.patient.clone())
            .or_default()
            .entry(entry.study.clone())
            .or_default()
            .entry(entry.series.clone())
            .or_default();
        series.push(entry);
    }
    let bytes = encode(&tree);
    crate::files::write_whole(&folder.join("DICOMDIR"), &bytes)
}

/// A value that a record must have.
const fn or<'a>(value: &'a str, other: &'a str) -> &'a str {
    if value.is_empty() { other } else { value }
}

fn encode(tree: &Tree) -> Vec<u8> {
    let mut records: Vec<Record> = Vec::new();
    let mut patients = Vec::new();
    for (patient, studies) in tree {
        let at = records.len();
        patients.push(at);
        records.push(Record::new(
            "PATIENT",
            &[
                (Tag(0x0010, 0x0010), b"PN", patient),
                (Tag(0x0010, 0x0020), b"LO", patient),
            ],
        ));
        let mut of_patient = Vec::new();
        for (uid, series) in studies {
            let first = series.values().flatten().next();
            let date = first.map_or("", |e| e.date.as_str());
            let time = first.map_or("", |e| e.time.as_str());
            of_patient.push(records.len());
            let study = records.len();
            records.push(Record::new(
                "STUDY",
                &[
                    (Tag(0x0008, 0x0020), b"DA", date),
                    (Tag(0x0008, 0x0030), b"TM", time),
                    (Tag(0x0008, 0x0050), b"SH", ""),
                    (Tag(0x0008, 0x1030), b"LO", ""),
                    (Tag(0x0020, 0x000D), b"UI", uid),
                    (Tag(0x0020, 0x0010), b"SH", ""),
                ],
            ));
            let mut of_study = Vec::new();
            for (uid, files) in series {
                let first = files.first();
                let number = first.map_or("", |e| e.series_number.as_str());
                let modality = first.map_or("", |e| e.modality.as_str());
                of_study.push(records.len());
                let series = records.len();
                records.push(Record::new(
                    "SERIES",
                    &[
                        (Tag(0x0008, 0x0060), b"CS", or(modality, "OT")),
                        (Tag(0x0020, 0x000E), b"UI", uid),
                        (Tag(0x0020, 0x0011), b"IS", or(number, "0")),
                    ],
                ));
                let mut of_series = Vec::new();
                for entry in files {
                    of_series.push(records.len());
                    let parts = entry.place.iter().map(|p| p.to_string_lossy());
                    let parts: Vec<_> = parts.collect();
                    records.push(Record::new(
                        kind_of(&entry.class),
                        &[
                            (Tag(4, 0x1500), b"CS", &parts.join("\\")),
                            (Tag(4, 0x1510), b"UI", &entry.class),
                            (Tag(4, 0x1511), b"UI", &entry.instance),
                            (Tag(4, 0x1512), b"UI", &entry.syntax),
                            (Tag(0x0020, 0x0013), b"IS", or(&entry.instance_number, "1")),
                        ],
                    ));
                }
                chain(&mut records, &of_series);
                if let Some(record) = records.get_mut(series) {
                    record.lower = of_series.first().copied();
                }
            }
            chain(&mut records, &of_study);
            if let Some(record) = records.get_mut(study) {
                record.lower = of_study.first().copied();
            }
        }
        chain(&mut records, &of_patient);
        if let Some(record) = records.get_mut(at) {
            record.lower = of_patient.first().copied();
        }
    }
    chain(&mut records, &patients);
    assemble(&records, &patients)
}

/// The file; offsets count from its first byte (PS3.3 F.2.2).
fn assemble(records: &[Record], patients: &[usize]) -> Vec<u8> {
    let uid = crate::dicom::raster::uid_from(
        &records
            .iter()
            .map(|r| r.bytes.as_slice())
            .collect::<Vec<_>>(),
    );
    let mut out = emit::meta(super::MEDIA_DIRECTORY, &uid, Encoding::EXPLICIT.uid());
    let head = out.len() + 8 + 2 * 12 + 10 + 12;
    let mut places = Vec::with_capacity(records.len());
    let mut at = head;
    for record in records {
        places.push(at as u32);
        at += 8 + record.bytes.len();
    }
    let place = |index: Option<&usize>| {
        let found = index.and_then(|i| places.get(*i));
        found.copied().unwrap_or(0).to_le_bytes()
    };
    WRITER.put(&mut out, Tag(4, 0x1130), *b"CS", b"");
    WRITER.put(&mut out, Tag(4, 0x1200), *b"UL", &place(patients.first()));
    WRITER.put(&mut out, Tag(4, 0x1202), *b"UL", &place(patients.last()));
    WRITER.put(&mut out, Tag(4, 0x1212), *b"US", &[0; 2]);
    WRITER.head(&mut out, Tag(4, 0x1220), *b"SQ", (at - head) as u32);
    for record in records {
        let mut bytes = record.bytes.clone();
        for (from, target) in [(NEXT_AT, &record.next), (LOWER_AT, &record.lower)] {
            if let Some(slot) = bytes.get_mut(from..from + 4) {
                slot.copy_from_slice(&place(target.as_ref()));
            }
        }
        WRITER.tag(&mut out, Tag(0xFFFE, 0xE000));
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    }
    out
}
