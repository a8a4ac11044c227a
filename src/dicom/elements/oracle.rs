//! Values compared with those that `dicom-object` reads, element by element and item by item: real files and made ones
//! with every VR, in the three ways in which data sets are written.

use super::*;
use dicom_object::{InMemDicomObject, OpenFileOptions, file::ReadPreamble, mem::InMemElement};

/// What `dicom-object` makes of the values of numbers.
fn their_numbers(element: &InMemElement) -> Numbers {
    match element.vr().to_string() {
        "DS" | "IS" | "LO" | "SH" | "CS" | "UT" | "ST" | "LT" => {
            let Ok(texts) = element.to_multi_str() else {
                return Numbers::Bad;
            };
            if texts.iter().all(|t| trim_padding(t).is_empty()) {
                return Numbers::Absent;
            }
            let parsed: Option<Vec<f64>> = texts.iter().map(|t| parse_decimal(t)).collect();
            parsed.map_or(Numbers::Bad, Numbers::Values)
        }
        _ => match element.to_multi_float64() {
            Ok(values) if values.is_empty() => Numbers::Absent,
            Ok(values) if values.iter().all(|v| v.is_finite()) => Numbers::Values(values),
            _ => Numbers::Bad,
        },
    }
}

fn their_text(element: &InMemElement) -> String {
    element
        .to_raw_str()
        .map_or_else(|_| String::new(), |t| clean(&t))
}

fn their_texts(element: &InMemElement) -> Vec<String> {
    let values = element.to_multi_str();
    values.map_or_else(|_| Vec::new(), |t| t.iter().map(|t| clean(t)).collect())
}

/// What was compared.
#[derive(Debug, Default)]
struct Seen {
    values: usize,
    items: usize,
}

fn compare(ours: &DataSet, theirs: &InMemDicomObject, place: &str, seen: &mut Seen) {
    for element in theirs {
        let tag = element.header().tag;
        let place = format!("{place} {tag}");
        if is_bulk(tag) {
            continue;
        }
        let Some(value) = ours.get(tag) else {
            panic!("{place}: not there");
        };
        if let Some(their_items) = element.items() {
            let our_items = items(ours, tag);
            assert_eq!(our_items.len(), their_items.len(), "{place}: items");
            for (number, (one, other)) in our_items.iter().zip(their_items).enumerate() {
                seen.items += 1;
                compare(one, other, &format!("{place}[{number}]"), seen);
            }
            continue;
        }
        let vr = element.vr().to_string();
        // Unknown to them are values that a later dictionary or the private creator would tell; a value of VR UN is read
        // by the dictionary here and not at all there. Fragments within items are no values.
        if vr == "UN" || &value.vr == b"UN" || element.fragments().is_some() {
            continue;
        }
        seen.values += 1;
        let our_vr = String::from_utf8_lossy(&value.vr).into_owned();
        // US or SS by Pixel Representation: who reads such a value knows the sign and takes 16 bits.
        let either_sign = our_vr == "US" && vr == "SS";
        assert!(our_vr == vr || either_sign, "{place}: {our_vr} and {vr}");
        let (numbers, mut their_numbers) = (numbers_of(value), their_numbers(element));
        if value.bytes.is_empty() && their_numbers == Numbers::Bad {
            // No value is none, not a bad one.
            their_numbers = Numbers::Absent;
        }
        if either_sign {
            let wrap = |n: Numbers| n.values().iter().map(|v| *v as i64 as u16).collect();
            let (a, b): (Vec<u16>, Vec<u16>) = (wrap(numbers), wrap(their_numbers));
            assert_eq!(a, b, "{place}");
            continue;
        }
        // Dates and times are no numbers to anybody.
        if !matches!(
            vr,
            "DA" | "TM" | "DT" | "AE" | "AS" | "PN" | "UI" | "UC" | "UR" | "AT"
        ) {
            assert_eq!(numbers, their_numbers, "{place} {vr}");
        }
        let plain = value.bytes.is_ascii() && !value.bytes.contains(&0x1B);
        if plain && vr != "AT" && vr != "OB" {
            assert_eq!(text(ours, tag), their_text(element), "{place} {vr}");
            assert_eq!(texts(ours, tag), their_texts(element), "{place} {vr}");
        }
        if vr == "AT" {
            let tag = element.value().primitive().and_then(|v| v.tag().ok());
            assert_eq!(value.tag(), tag, "{place}");
        }
        if let ("OW" | "US" | "SS" | "OB", Ok(bytes)) = (vr, element.to_bytes()) {
            let (pairs, _) = bytes.as_chunks::<2>();
            let words: Vec<u16> = pairs.iter().map(|p| u16::from_le_bytes(*p)).collect();
            assert_eq!(value.words(), words, "{place} {vr}");
        }
    }
}

/// Large tables of nothing that is read with a header.
const fn is_bulk(tag: Tag) -> bool {
    matches!(tag.0, 0x5400 | 0x7FE0)
}

fn everything(structure: &Structure) -> DataSet {
    read_data_set(structure, |_| Want::Large).unwrap()
}

/// Every VR with a tag of the dictionary that has it.
const KNOWN: &[(u16, u16, &[u8; 2])] = &[
    (0x0008, 0x0054, b"AE"),
    (0x0010, 0x1010, b"AS"),
    (0x0020, 0x9165, b"AT"),
    (0x0008, 0x0060, b"CS"),
    (0x0008, 0x0008, b"CS"),
    (0x0008, 0x0020, b"DA"),
    (0x0018, 0x0050, b"DS"),
    (0x0020, 0x0032, b"DS"),
    (0x0028, 0x1053, b"DS"),
    (0x0008, 0x002A, b"DT"),
    (0x0018, 0x9087, b"FD"),
    (0x0018, 0x9073, b"FD"),
    (0x0018, 0x9322, b"FD"),
    (0x0018, 0x605A, b"FL"),
    (0x0020, 0x0013, b"IS"),
    (0x0028, 0x0008, b"IS"),
    (0x0008, 0x1030, b"LO"),
    (0x0010, 0x0020, b"LO"),
    (0x0010, 0x4000, b"LT"),
    (0x0042, 0x0011, b"OB"),
    (0x0028, 0x1201, b"OW"),
    (0x0066, 0x0016, b"OF"),
    (0x0010, 0x0010, b"PN"),
    (0x0008, 0x0050, b"SH"),
    (0x0018, 0x6020, b"SL"),
    (0x0018, 0x9219, b"SS"),
    (0x0008, 0x0081, b"ST"),
    (0x0008, 0x0030, b"TM"),
    (0x0020, 0x000D, b"UI"),
    (0x0018, 0x6016, b"UL"),
    (0x0028, 0x0010, b"US"),
    (0x0028, 0x3002, b"US"),
    (0x0040, 0xA160, b"UT"),
    (0x0008, 0x0119, b"UC"),
    (0x0008, 0x1190, b"UR"),
    (0x0019, 0x0010, b"LO"),
    (0x0019, 0x1001, b"FD"),
    (0x0019, 0x1002, b"LO"),
];

/// Sequences of the dictionary.
const SEQUENCES: &[(u16, u16)] = &[
    (0x0008, 0x1140),
    (0x0018, 0x6011),
    (0x0028, 0x3010),
    (0x0040, 0x0275),
    (0x5200, 0x9230),
];

struct Maker {
    state: u32,
    encoding: Encoding,
}

impl Maker {
    fn below(&mut self, end: u32) -> u32 {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.state >> 16) % end
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.encoding.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.encoding.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn value(&mut self, vr: [u8; 2]) -> Vec<u8> {
        let size: u32 = match &vr {
            b"US" | b"SS" | b"OW" => 2,
            b"FL" | b"OF" | b"UL" | b"SL" | b"AT" => 4,
            b"FD" => 8,
            b"OB" => 1,
            _ => {
                const TEXTS: [&str; 16] = [
                    "",
                    " ",
                    "\0",
                    "1.5",
                    "  -3 ",
                    "1.5\\2",
                    "1\\\\3",
                    "\\",
                    "A\\ B \\C",
                    "1e400",
                    "NaN",
                    "20260102",
                    "tab\tand\nline",
                    "a text of words ",
                    "1.2.840.10008\0",
                    "\\1",
                ];
                let mut text = TEXTS[self.below(16) as usize].as_bytes().to_vec();
                if text.len() % 2 == 1 {
                    text.push(if self.below(2) == 0 { b' ' } else { 0 });
                }
                return text;
            }
        };
        let count = size * self.below(4);
        let mut bytes: Vec<u8> = (0..count).map(|_| self.below(256) as u8).collect();
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }

    fn header(&self, out: &mut Vec<u8>, tag: (u16, u16), vr: [u8; 2], length: u32) {
        out.extend(self.u16(tag.0));
        out.extend(self.u16(tag.1));
        if self.encoding.implicit {
            out.extend(self.u32(length));
            return;
        }
        out.extend(vr);
        if matches!(
            &vr,
            b"OB" | b"OW" | b"OF" | b"SQ" | b"UC" | b"UN" | b"UR" | b"UT"
        ) {
            out.extend([0, 0]);
            out.extend(self.u32(length));
        } else {
            out.extend(self.u16(length as u16));
        }
    }

    fn data_set(&mut self, depth: u32) -> Vec<u8> {
        const OPEN: u32 = 0xFFFF_FFFF;
        let mut chosen: Vec<((u16, u16), [u8; 2])> = Vec::new();
        for &(group, element, vr) in KNOWN {
            if self.below(3) > 0 || (depth == 0 && element == 0x0060) {
                chosen.push(((group, element), *vr));
            }
        }
        for &tag in SEQUENCES {
            if depth < 4 && self.below(3) == 0 {
                chosen.push((tag, *b"SQ"));
            }
        }
        chosen.sort_unstable();
        let mut out = Vec::new();
        for (tag, vr) in chosen {
            if &vr != b"SQ" {
                let value = self.value(vr);
                self.header(&mut out, tag, vr, value.len() as u32);
                out.extend(value);
                continue;
            }
            let mut value = Vec::new();
            for _ in 0..self.below(3) {
                let item = self.data_set(depth + 1);
                let open = self.below(2) == 0;
                value.extend(self.u16(0xFFFE));
                value.extend(self.u16(0xE000));
                value.extend(self.u32(if open { OPEN } else { item.len() as u32 }));
                value.extend(item);
                if open {
                    value.extend(self.u16(0xFFFE));
                    value.extend(self.u16(0xE00D));
                    value.extend([0; 4]);
                }
            }
            let open = self.below(2) == 0;
            let length = if open { OPEN } else { value.len() as u32 };
            self.header(&mut out, tag, vr, length);
            out.extend(value);
            if open {
                out.extend(self.u16(0xFFFE));
                out.extend(self.u16(0xE0DD));
                out.extend([0; 4]);
            }
        }
        out
    }
}

/// Preamble-less Part 10 start: `DICM` and a meta header with the given transfer syntax.
fn meta_header(transfer_syntax: &str) -> Vec<u8> {
    let mut group = Vec::with_capacity(96);
    let mut put = |element: u16, vr: &[u8; 2], value: &[u8]| {
        group.extend([0x02, 0x00]);
        group.extend(element.to_le_bytes());
        group.extend(vr);
        let padded = value.len() + value.len() % 2;
        if vr == b"OB" {
            group.extend([0, 0]);
            group.extend((padded as u32).to_le_bytes());
        } else {
            group.extend((padded as u16).to_le_bytes());
        }
        group.extend(value);
        group.resize(group.len() + value.len() % 2, 0);
    };
    put(0x0001, b"OB", &[0, 1]);
    put(0x0002, b"UI", b"1.2");
    put(0x0003, b"UI", b"1.2");
    put(0x0010, b"UI", transfer_syntax.as_bytes());
    put(0x0012, b"UI", b"1.2");
    let mut stream = b"DICM\x02\0\0\0UL\x04\0".to_vec();
    stream.extend((group.len() as u32).to_le_bytes());
    stream.extend(group);
    stream
}

#[test]
fn made_data_sets_read_as_dicom_object_reads_them() {
    for encoding in [Encoding::EXPLICIT, Encoding::IMPLICIT, Encoding::BIG_ENDIAN] {
        let mut maker = Maker { state: 5, encoding };
        let mut seen = Seen::default();
        for number in 0..150 {
            let mut file = meta_header(encoding.uid());
            file.extend(maker.data_set(0));
            let theirs = OpenFileOptions::new()
                .read_preamble(ReadPreamble::Never)
                .from_reader(file.as_slice())
                .unwrap();
            let source = ByteSource::Memory(Arc::new(file));
            let structure = Structure::of_source(source, &Limits::default()).unwrap();
            assert_eq!(structure.encoding, encoding);
            let place = format!("{} {number}", encoding.uid());
            compare(&everything(&structure), &theirs, &place, &mut seen);
        }
        assert!(seen.values > 50_000 && seen.items > 2000, "{seen:?}");
    }
}

#[test]
fn values_without_a_vr_are_read_by_the_dictionary() {
    let mut file = meta_header(Encoding::EXPLICIT.uid());
    // Modality, Rows, Pixel Spacing and a private value, all as UN: little endian, whatever the rest is.
    file.extend(b"\x08\0\x60\0UN\0\0\x02\0\0\0CT");
    file.extend(b"\x28\0\x10\0UN\0\0\x02\0\0\0\x00\x02");
    file.extend(b"\x28\0\x30\0UN\0\0\x06\0\0\x000.5\\2 ");
    file.extend(b"\x53\x70\x00\x10UN\0\0\x04\0\0\x000.25");
    let source = ByteSource::Memory(Arc::new(file));
    let structure = Structure::of_source(source, &Limits::default()).unwrap();
    let data_set = everything(&structure);
    assert_eq!(text(&data_set, tags::MODALITY), "CT");
    assert_eq!(integer(&data_set, tags::ROWS), Ok(Some(512)));
    let spacing = numbers(&data_set, tags::PIXEL_SPACING);
    assert_eq!(spacing, Numbers::Values(vec![0.5, 2.0]));
    let private = numbers(&data_set, Tag(0x7053, 0x1000));
    assert_eq!(private, Numbers::Values(vec![0.25]));
}

/// All files below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_files_read_as_dicom_object_reads_them() {
    let folder =
        std::env::var_os("NEGATOSCOPE_DATA").expect("NEGATOSCOPE_DATA was set when this was built");
    let (mut seen, mut read) = (Seen::default(), 0);
    for path in files(folder.as_ref()) {
        let Ok(structure) = Structure::of_file(&path, &Limits::default()) else {
            continue;
        };
        let theirs = OpenFileOptions::new()
            .read_until(tags::PIXEL_DATA)
            .open_file(&path);
        // What it does not open is none of its business.
        let Ok(theirs) = theirs else { continue };
        let wanted = |tag| if is_bulk(tag) { Want::No } else { Want::Large };
        let Ok(ours) = read_data_set(&structure, wanted) else {
            continue;
        };
        read += 1;
        compare(&ours, &theirs, &path.display().to_string(), &mut seen);
    }
    assert!(read > 100 && seen.values > 10_000, "{read} files, {seen:?}");
}
