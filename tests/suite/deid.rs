//! De-identification: every attribute of the table at every depth, what the options keep, and the command line.

mod command_line;
mod data_set;
mod faces;
mod many;
mod options;

use data_set::{DataSet, Way};
use negatoscope::dicom::deid::{DeidOptions, Deidentifier, Detail, Plan, Secret, Settings};
use std::{collections::BTreeMap, fs, path::Path};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn settings(options: DeidOptions) -> Settings {
    let mut settings = Settings::new(Secret::of_bytes([7; 32]));
    settings.options = options;
    settings.detail = Detail::Changes;
    settings.jobs = 1;
    settings
}

/// De-identifies one file; the plan, and the bytes that were written.
fn through(path: &Path, settings: Settings) -> (Plan, Vec<u8>) {
    let plan = Deidentifier::new(settings).plan(path).unwrap();
    let out = path.with_extension("out");
    let _ = fs::remove_file(&out);
    plan.write(&out).unwrap();
    (plan, fs::read(out).unwrap())
}

/// The table of the standard as the program has it: tag, VR, code, options.
fn rows() -> Vec<(u16, u16, [u8; 2], String, String)> {
    let text = include_str!("../../assets/deid/profile.tsv");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let tag = u32::from_str_radix(fields[0], 16).ok()?;
            let vr: [u8; 2] = fields[1].as_bytes().try_into().ok()?;
            let (group, element) = ((tag >> 16) as u16, tag as u16);
            let usable = group > 2 && group < 0xFFFA;
            usable.then(|| (group, element, vr, fields[2].into(), fields[3].into()))
        })
        .collect()
}

/// A value with a canary in it, as far as its VR has room for one.
fn canary(vr: [u8; 2], number: usize) -> Vec<u8> {
    match &vr {
        b"UI" => format!("1.2.3.7777.{number}").into_bytes(),
        b"DA" => b"19560708".to_vec(),
        b"TM" => b"061733.617".to_vec(),
        b"DT" => b"19560708061733.617".to_vec(),
        b"AS" => b"061Y".to_vec(),
        b"DS" | b"IS" => b"617617".to_vec(),
        b"US" | b"SS" => vec![0x17; 2],
        b"UL" | b"SL" | b"FL" => vec![0x17; 4],
        b"FD" => vec![0x17; 8],
        _ => format!("KANARI{number:04}").into_bytes(),
    }
}

/// All attributes of the table with canaries.
fn filled() -> DataSet {
    let mut set = DataSet::default();
    for (number, (group, element, vr, ..)) in rows().into_iter().enumerate() {
        if &vr == b"SQ" {
            let mut item = DataSet::default();
            item.text(0x0008, 0x0104, b"LO", &format!("KANARI{number:04}"));
            set.items(group, element, vec![item]);
        } else if &vr == b"UN" {
            set.text(group, element, b"LO", &format!("KANARI{number:04}"));
        } else {
            set.bytes(group, element, &vr, canary(vr, number));
        }
    }
    set
}

fn object(class: &str, number: usize) -> DataSet {
    let mut set = DataSet::default();
    set.text(0x0008, 0x0005, b"CS", "ISO_IR 192");
    set.text(0x0008, 0x0016, b"UI", class);
    set.text(0x0008, 0x0018, b"UI", &format!("1.2.3.7777.9.{number}"));
    set.text(0x0008, 0x0060, b"CS", "CT");
    set.text(0x0010, 0x0010, b"PN", "KANARINAME^KANARIGIVEN=张三丰");
    set.text(0x0010, 0x0020, b"LO", "KANARIID-77");
    set.text(0x0020, 0x000D, b"UI", "1.2.3.7777.9000");
    set.text(0x0020, 0x000E, b"UI", "1.2.3.7777.9001");
    set
}

/// Names of what is searched for: no byte of it may go out.
fn search(bytes: &[u8], what: &str) {
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    for word in ["KANARI", "kanari", "1.2.3.7777.", "张三丰"] {
        assert!(!has(word.as_bytes()), "{what}: {word}");
        let wide: Vec<u16> = word.encode_utf16().collect();
        let little: Vec<u8> = wide.iter().flat_map(|u| u.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|u| u.to_be_bytes()).collect();
        assert!(!has(&little) && !has(&big), "{what}: {word} in UTF-16");
    }
    // 张三丰 in GB 18030.
    assert!(!has(&[0xD5, 0xC5, 0xC8, 0xFD, 0xB7, 0xE1]), "{what}");
    assert!(!has(b"617.617") && !has(b"061733"), "{what}: a time");
}

#[test]
fn no_attribute_of_the_table_gets_out_at_any_depth() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    let classes = [
        CT,
        "1.2.840.10008.5.1.4.1.1.6.1",
        "1.2.840.10008.5.1.4.1.1.88.33",
        "1.2.840.10008.5.1.4.1.1.481.5",
        "1.2.9.9",
    ];
    let codes: BTreeMap<(u16, u16), String> = rows()
        .into_iter()
        .map(|(group, element, _, code, _)| ((group, element), code))
        .collect();
    assert!(codes.len() > 640, "{}", codes.len());
    for (number, class) in classes.iter().enumerate() {
        for way in [Way::Explicit, Way::Implicit, Way::Big] {
            let mut set = filled();
            set.extend(object(class, number));
            // Kept sequences, one for each depth.
            for (depth, element) in [(1, 0x1115), (2, 0x1199), (3, 0x1198), (5, 0x114A)] {
                let mut inner = filled();
                inner.text(0x0040, 0x0254, b"LO", "seen by KanariName");
                for _ in 1..depth {
                    let mut outer = DataSet::default();
                    outer.items(0x0008, 0x1115, vec![inner]);
                    inner = outer;
                }
                set.items(0x0008, element, vec![inner]);
            }
            set.text(0x0009, 0x0010, b"LO", "KANARI CREATOR");
            set.text(0x0009, 0x1001, b"LO", "KANARI PRIVATE");
            let mut hidden = DataSet::default();
            hidden.text(0x0010, 0x0010, b"PN", "KANARI");
            set.items(0x0009, 0x1002, vec![hidden]);
            set.text(0x0006, 0x0001, b"LO", "KANARI UNKNOWN");
            set.text(0x5002, 0x0022, b"LO", "KANARI CURVE");
            set.text(0x6000, 0x0022, b"LO", "KANARI OVERLAY");
            set.bytes(0x6000, 0x3000, b"OW", b"KANARI".to_vec());
            set.text(0x6000, 0x4000, b"LT", "KANARI OVERLAY");
            let pixels: Vec<u8> = (0..64).collect();
            set.bytes(0x7FE0, 0x0010, b"OW", pixels.clone());
            set.bytes(0xFFFC, 0xFFFC, b"OB", b"KANARI PADDING..".to_vec());
            let source = set.file(way, b"KANARI PREAMBLE", "KANARIAE");
            fs::write(&path, &source).unwrap();
            let (plan, written) = through(&path, settings(DeidOptions::default()));
            let what = format!("{class} {way:?}");
            assert_eq!(fs::read(&path).unwrap(), source, "{what}");
            search(&written, &what);
            assert!(written.windows(64).any(|w| w == pixels), "{what}");
            // What the report says has no value in it.
            for change in &plan.changes {
                search(change.json().to_string().as_bytes(), &what);
            }
            let new = DataSet::read(&written, way);
            conform(&set, &new, &codes, &what);
            for (depth, element) in [(1, 0x1115), (2, 0x1199), (3, 0x1198), (5, 0x114A)] {
                let what = format!("{what} at depth {depth}");
                let down = |set: &DataSet| {
                    let mut set = set.item(0x0008, element).clone();
                    for _ in 1..depth {
                        set = set.item(0x0008, 0x1115).clone();
                    }
                    set
                };
                conform(&down(&set), &down(&new), &codes, &what);
            }
        }
    }
}

/// Every attribute that was there is as its code asks.
fn conform(old: &DataSet, new: &DataSet, codes: &BTreeMap<(u16, u16), String>, what: &str) {
    for ((group, element), code) in codes {
        let Some(was) = old.get(*group, *element) else {
            continue;
        };
        let name = format!("{what}: ({group:04X},{element:04X}) {code}");
        let person = *group == 0x0010 && (*element == 0x0010 || *element == 0x0020);
        let marked = *group == 0x0012 && (*element == 0x0063 || *element == 0x0064);
        match new.get(*group, *element) {
            None => assert!(code.contains('X'), "{name} is gone"),
            Some(_) if person || marked => {}
            Some(now) if now.is_empty() => assert!(code.contains('Z'), "{name} is empty"),
            Some(now) => {
                assert!(code != "X" && code != "Z", "{name} has a value");
                assert!(now != was, "{name} is as it was");
            }
        }
    }
}
