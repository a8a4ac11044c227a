//! Bytes that changed or are missing are damage, and never a wrong passphrase.

use super::{add, bundle, contents, made, pass, patient};
use crate::support::Dice;
use negatoscope::store::{Passphrase, Store, StoreError};
use std::{collections::BTreeMap, fs, path::PathBuf};

#[test]
fn every_flipped_byte_is_damage_and_never_a_wrong_passphrase() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    for number in 0..20 {
        store.commit(&[add(&number.to_string())]).unwrap();
    }
    store
        .import_bundle(&bundle(&[patient("p", "Byron", "1815-12-10", "77")]))
        .unwrap();
    drop(store);
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
    let sound = contents(&dir);
    let mut dice = Dice(1);
    let mut tried = BTreeMap::<PathBuf, usize>::new();
    for (path, bytes) in sound.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        for round in 0..60 {
            let place = match round {
                0..20 => round * 7 % bytes.len(),
                _ => dice.roll(bytes.len()),
            };
            let mut changed = bytes.clone();
            changed[place] ^= 1 << dice.roll(8);
            fs::write(path, &changed).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let report = Store::verify_folder(&dir, &pass()).unwrap();
            assert!(!report.is_sound(), "{name}, byte {place}");
            match Store::open(&dir, &pass()) {
                // One copy of the key, the first bytes of the database and the journal's readable part still serve.
                Ok(store) => {
                    let journal = name.ends_with("journal");
                    assert_eq!(
                        store.journal_damage().is_some(),
                        journal,
                        "{name}, byte {place}"
                    );
                }
                Err(StoreError::Damaged { .. }) => {}
                Err(other) => panic!("{name}, byte {place}: {other}"),
            }
            assert!(matches!(
                Store::open(&dir, &Passphrase::new("wrong")),
                Err(StoreError::WrongPassphrase)
            ));
            // What opening changed (a log, a note) goes back as well.
            for (path, bytes) in &sound {
                fs::write(path, bytes).unwrap();
            }
            for path in contents(&dir).keys().filter(|p| !sound.contains_key(*p)) {
                fs::remove_file(path).unwrap();
            }
            *tried.entry(path.clone()).or_default() += 1;
        }
    }
    assert_eq!(
        tried.len(),
        6,
        "key, copy, database, journal, log, its head"
    );
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
}

#[test]
fn cut_and_missing_files_are_damage() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    let mut ends = vec![fs::metadata(dir.join("edits.journal")).unwrap().len() as usize];
    for number in 0..4 {
        store.commit(&[add(&number.to_string())]).unwrap();
        ends.push(fs::metadata(dir.join("edits.journal")).unwrap().len() as usize);
    }
    drop(store);
    let sound = contents(&dir);
    let restore = || {
        for (path, bytes) in &sound {
            fs::write(path, bytes).unwrap();
        }
    };
    let journal = dir.join("edits.journal");
    let whole = sound[&journal].clone();
    for length in 0..whole.len() {
        fs::write(&journal, &whole[..length]).unwrap();
        let report = Store::verify_folder(&dir, &pass()).unwrap();
        assert!(!report.is_sound(), "journal cut at {length}");
        let mut store = Store::open(&dir, &pass()).unwrap();
        let left = ends.iter().rposition(|&end| end <= length).unwrap_or(0);
        assert_eq!(store.marks().len(), left, "journal cut at {length}");
        assert!(store.journal_damage().is_some());
        assert!(matches!(
            store.commit(&[add("x")]),
            Err(StoreError::Damaged {
                part: "journal",
                ..
            })
        ));
        drop(store);
        assert!(
            fs::read(&journal).unwrap() == whole[..length],
            "left as it was"
        );
        // The log of so many openings would take most of the time.
        for name in ["audit.log", "audit.head"] {
            fs::write(dir.join(name), &sound[&dir.join(name)]).unwrap();
        }
    }
    restore();
    let database = dir.join("store.db");
    let pages = sound[&database].len();
    for length in [0, 1, 16, 100, 4096, pages / 2, pages - 4096, pages - 1] {
        fs::write(&database, &sound[&database][..length]).unwrap();
        assert!(
            !Store::verify_folder(&dir, &pass()).unwrap().is_sound(),
            "database cut at {length}"
        );
        restore();
    }
    for (name, opens) in [
        ("store.db", false),
        ("edits.journal", false),
        ("store.key", true),
        ("store.key.copy", true),
    ] {
        fs::remove_file(dir.join(name)).unwrap();
        assert!(
            !Store::verify_folder(&dir, &pass()).unwrap().is_sound(),
            "{name}"
        );
        let opened = Store::open(&dir, &pass());
        assert_eq!(opened.is_ok(), opens, "{name}");
        if let Err(error) = &opened {
            assert!(
                matches!(error, StoreError::Damaged { .. }),
                "{name}: {error}"
            );
        }
        // It still writes when it is closed.
        drop(opened);
        restore();
    }
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
}
