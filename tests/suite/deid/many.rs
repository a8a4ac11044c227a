//! A thousand objects of three patients: every UID becomes one of its own, references lead where they led, and no
//! other UID and no pixel changes.

use super::*;
use std::collections::{BTreeSet, HashMap};

const INSTANCES: usize = 1000;
const PATIENTS: usize = 3;

/// The object with a number: two series a patient, a frame of reference a patient, and a reference to the object
/// before, which may be of another series.
fn numbered(number: usize) -> DataSet {
    let who = number % PATIENTS;
    let series = number / PATIENTS % 2;
    let mut set = object(CT, number);
    let mut say = |group, element, vr, text: String| set.text(group, element, vr, &text);
    say(0x0010, 0x0010, b"PN", format!("KANARINAME^NO{who}"));
    say(0x0010, 0x0020, b"LO", format!("KANARIID-{who}"));
    say(0x0020, 0x000D, b"UI", format!("1.2.3.7777.8.{who}"));
    say(
        0x0020,
        0x000E,
        b"UI",
        format!("1.2.3.7777.8.{who}.{series}"),
    );
    say(0x0020, 0x0052, b"UI", format!("1.2.3.7777.7.{who}"));
    if let Some(before) = number.checked_sub(PATIENTS) {
        let mut reference = DataSet::default();
        reference.text(0x0008, 0x1150, b"UI", CT);
        reference.text(0x0008, 0x1155, b"UI", &format!("1.2.3.7777.9.{before}"));
        // Referenced SOP Sequence: PS3.15 E.1 lets what refers to images go, and this one stay.
        set.items(0x0008, 0x1199, vec![reference]);
    }
    for (element, value) in [
        (0x0002, 1u16),
        (0x0010, 2),
        (0x0011, 3),
        (0x0100, 16),
        (0x0101, 16),
        (0x0102, 15),
        (0x0103, 0),
    ] {
        set.bytes(0x0028, element, b"US", value.to_le_bytes().to_vec());
    }
    set.text(0x0028, 0x0004, b"CS", "MONOCHROME2");
    set.bytes(0x7FE0, 0x0010, b"OW", pixels(number));
    set
}

fn pixels(number: usize) -> Vec<u8> {
    (0..12).map(|at| (number * 31 + at * 7) as u8).collect()
}

/// Old and new must be one to one: the new one of the old, or a failure.
#[derive(Default)]
struct OneToOne {
    there: HashMap<String, String>,
    back: HashMap<String, String>,
}

impl OneToOne {
    fn note(&mut self, old: String, new: String) {
        assert!(new.starts_with("2.25."), "{old} became {new}");
        let there = self.there.entry(old.clone()).or_insert_with(|| new.clone());
        assert_eq!(*there, new, "{old} became two");
        let back = self.back.entry(new).or_insert_with(|| old.clone());
        assert_eq!(*back, old, "two became one");
    }
}

#[test]
fn a_thousand_uids_stay_as_many_and_lead_where_they_led() {
    let folder = tempfile::tempdir().unwrap();
    let job = Deidentifier::new(settings(DeidOptions::default()));
    let mut uids = OneToOne::default();
    let mut people = BTreeSet::new();
    for number in 0..INSTANCES {
        let path = folder.path().join("in.dcm");
        let set = numbered(number);
        fs::write(&path, set.file(Way::Explicit, b"", "")).unwrap();
        let out = folder.path().join(format!("{number}.dcm"));
        job.plan(&path).unwrap().write(&out).unwrap();
        let bytes = fs::read(&out).unwrap();
        search(&bytes, "one of many");
        let written = DataSet::read(&bytes, Way::Explicit);
        for (group, element) in [
            (0x0008, 0x0018),
            (0x0020, 0x000D),
            (0x0020, 0x000E),
            (0x0020, 0x0052),
        ] {
            uids.note(set.said(group, element), written.said(group, element));
        }
        if number >= PATIENTS {
            let (old, new) = (set.item(0x0008, 0x1199), written.item(0x0008, 0x1199));
            uids.note(old.said(0x0008, 0x1155), new.said(0x0008, 0x1155));
            assert_eq!(new.said(0x0008, 0x1150), CT, "UIDs of the standard stay");
        }
        assert_eq!(written.said(0x0008, 0x0016), CT);
        match written.get(0x7FE0, 0x0010) {
            Some(data_set::Body::Bytes(_, kept)) => assert_eq!(*kept, pixels(number)),
            other => panic!("{other:?}"),
        }
        people.insert(written.said(0x0010, 0x0020));
    }
    assert_eq!(people.len(), PATIENTS);
    // Objects, studies, series, frames of reference.
    assert_eq!(uids.there.len(), INSTANCES + PATIENTS * (1 + 2 + 1));
}
