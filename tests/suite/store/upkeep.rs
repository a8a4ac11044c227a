//! Copies, going back, repairing, another key, and taking a patient out.

use super::{add, bundle, contents, dicom, instance, made, pass, patient, run};
use crate::support::Dice;
use negatoscope::{
    model::{
        access::{AuditKind, Role},
        edit::{Edit, ViewPlace},
        identity::Phi,
        reading::ReadStatus,
        worklist::Worklist,
    },
    store::{
        KdfCost, Passphrase, Store, StoreError,
        copies::{KEPT_BACKUPS, backups},
    },
};
use std::{fs, path::Path};

fn fill(store: &mut Store, people: usize) {
    for n in 0..people {
        let id = format!("p{n}");
        let resources: Vec<_> = (0..30)
            .map(|r| {
                serde_json::json!({"resourceType": "Observation", "id": format!("o{n}-{r}"),
                    "subject": {"reference": format!("Patient/{id}")},
                    "code": {"text": "x".repeat(400)}})
            })
            .chain([patient(
                &id,
                &format!("Name{n}"),
                "1815-12-10",
                &format!("mrn{n}"),
            )])
            .collect();
        store.import_bundle(&bundle(&resources)).unwrap();
    }
}

#[test]
fn copies_roll_and_one_can_be_put_back() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("early")]).unwrap();
    fill(&mut store, 2);
    let sizes = store.sizes().unwrap();
    for _ in 0..KEPT_BACKUPS + 2 {
        store.backup(None).unwrap();
    }
    assert_eq!(backups(&dir).len(), KEPT_BACKUPS);
    assert!(!store.backup_daily().unwrap(), "the last copy is young");
    let outside = dir.parent().unwrap().join("copy");
    store.backup(Some(&outside)).unwrap();
    assert!(matches!(
        store.backup(Some(&outside)),
        Err(StoreError::Exists(_))
    ));
    store.commit(&[add("late")]).unwrap();
    fill(&mut store, 5);
    let head = store.audit_head().unwrap();
    drop(store);
    // A copy is a store of its own.
    assert!(Store::verify_folder(&outside, &pass()).unwrap().is_sound());
    Store::restore(&dir, &outside, &pass()).unwrap();
    let store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.marks().len(), 1);
    assert_eq!(store.sizes().unwrap(), sizes);
    // The log goes on: going back hides nothing.
    let mut kinds = Vec::new();
    let report = store.read_audit(&mut |e| kinds.push(e.kind)).unwrap();
    assert!(report.problem.is_none() && report.entries > head.count);
    assert!(kinds.contains(&AuditKind::Restored));
    drop(store);
    // What stood there is the newest copy, and can be put back in turn.
    let newest = backups(&dir).pop().unwrap();
    Store::restore(&dir, &newest, &pass()).unwrap();
    assert_eq!(Store::open(&dir, &pass()).unwrap().marks().len(), 2);
    // A damaged copy is not put back.
    let path = outside.join("store.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5000] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(
        Store::restore(&dir, &outside, &pass()),
        Err(StoreError::Damaged { .. })
    ));
    assert_eq!(Store::open(&dir, &pass()).unwrap().marks().len(), 2);
}

#[test]
fn the_copy_of_the_day_keeps_nobody_waiting_and_is_of_one_moment() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    fill(&mut store, 8);
    store.commit(&[add("before")]).unwrap();
    let sizes = store.sizes().unwrap();
    assert!(store.backup_daily().unwrap());
    assert!(!store.backup_daily().unwrap(), "one is in the making");
    // What is done meanwhile is not in it.
    store.commit(&[add("meanwhile")]).unwrap();
    store
        .import_bundle(&bundle(&[patient("late", "Late", "1815-12-10", "L1")]))
        .unwrap();
    store.end_copy().unwrap();
    let copy = backups(&dir).pop().unwrap();
    let of_copy = Store::open(&copy, &pass()).unwrap();
    assert_eq!(of_copy.sizes().unwrap(), sizes);
    assert_eq!(of_copy.marks().len(), 1);
    drop(of_copy);
    assert!(Store::verify_folder(&copy, &pass()).unwrap().is_sound());
    assert_eq!(store.marks().len(), 2);
    drop(store);
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
    // Closing does not wait for a copy, nor does a copy keep the store from being closed.
    fs::remove_dir_all(dir.join("backups")).unwrap();
    let store = Store::open(&dir, &pass()).unwrap();
    assert!(store.backup_daily().unwrap());
    drop(store);
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
    for copy in backups(&dir) {
        assert!(Store::verify_folder(&copy, &pass()).unwrap().is_sound());
    }
}

#[cfg(unix)]
#[test]
fn what_did_not_change_is_copied_once_and_copies_stay_apart() {
    use std::os::unix::fs::MetadataExt as _;
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    fill(&mut store, 3);
    // As if it had been written long ago.
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let age = || {
        let file = fs::File::options().write(true).open(dir.join("store.db"));
        file.unwrap().set_modified(long_ago).unwrap();
    };
    age();
    let (first, bytes) = store.backup(None).unwrap();
    assert!(bytes > 50_000);
    let (second, _) = store.backup(None).unwrap();
    let inode = |folder: &Path| fs::metadata(folder.join("store.db")).unwrap().ino();
    assert_eq!(inode(&first), inode(&second));
    let (outside, _) = store
        .backup(Some(&dir.parent().unwrap().join("o")))
        .unwrap();
    assert_ne!(inode(&outside), inode(&first));
    // A change of a moment ago may not show in the time of the file.
    fill(&mut store, 4);
    age();
    let (third, _) = store.backup(None).unwrap();
    assert_ne!(inode(&third), inode(&first));
    // Who works on a copy changes no other.
    let before = contents(&second);
    let mut opened = Store::open(&first, &pass()).unwrap();
    opened.commit(&[add("in the copy")]).unwrap();
    fill(&mut opened, 6);
    drop(opened);
    assert!(contents(&second) == before);
    assert_ne!(inode(&first), inode(&second));
    assert!(Store::verify_folder(&second, &pass()).unwrap().is_sound());
}

#[test]
fn a_crash_while_another_key_takes_its_place_is_made_good() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    store.backup(None).unwrap();
    let new = Passphrase::new("new");
    store.rekey(&new, KdfCost::CHEAP).unwrap();
    // As it is when the new store is whole and nothing of it is in its place, and when half of it is.
    for moved in [0, 2, 4] {
        let fresh = dir.join("rekeyed");
        fs::create_dir(&fresh).unwrap();
        let names = ["audit.head", "audit.log", "edits.journal", "store.db"];
        for name in names
            .iter()
            .chain(&["store.key", "store.key.copy"])
            .skip(moved)
        {
            fs::rename(dir.join(name), fresh.join(name)).unwrap();
            fs::write(dir.join(name), "of the old key").unwrap();
        }
        let lock = Store::open(&dir, &new).unwrap();
        assert_eq!(lock.marks().len(), 1, "{moved}");
        assert!(!fresh.exists());
        drop(lock);
        assert!(Store::verify_folder(&dir, &new).unwrap().is_sound());
    }
}

#[test]
fn repairing_keeps_all_that_can_be_read() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    for n in 0..12 {
        store.commit(&[add(&n.to_string())]).unwrap();
    }
    fill(&mut store, 20);
    let whole = store.sizes().unwrap();
    drop(store);
    let sound = contents(&dir);
    let reset = || {
        for path in contents(&dir).keys() {
            fs::remove_file(path).unwrap();
        }
        for (path, bytes) in &sound {
            fs::write(path, bytes).unwrap();
        }
    };
    let mut dice = Dice(5);
    let database = dir.join("store.db");
    let pages = sound[&database].len() / 4096;
    let (mut kept, mut had) = (0, 0);
    for round in 0..12 {
        reset();
        let mut bytes = sound[&database].clone();
        // The first page too: what is in it leads to all others.
        let page = if round == 0 { 0 } else { dice.roll(pages) };
        bytes[page * 4096 + dice.roll(4096)] ^= 0x40;
        fs::write(&database, bytes).unwrap();
        assert!(!Store::verify_folder(&dir, &pass()).unwrap().is_sound());
        let report = Store::repair(&dir, &pass()).unwrap();
        assert!(report.database, "{round}");
        assert!(
            Store::verify_folder(&dir, &pass()).unwrap().is_sound(),
            "{round}"
        );
        let store = Store::open(&dir, &pass()).unwrap();
        assert_eq!(store.marks().len(), 12);
        kept += store.sizes().unwrap().resources;
        had += whole.resources;
    }
    assert!(kept * 100 >= had * 97, "{kept} of {had} resources");
    // With a copy nothing is lost, wherever the damage is.
    reset();
    let store = Store::open(&dir, &pass()).unwrap();
    store.backup(None).unwrap();
    drop(store);
    for page in [0, 1, pages / 2, pages - 1] {
        let mut bytes = fs::read(&database).unwrap();
        bytes[page * 4096 + 100] ^= 0x40;
        fs::write(&database, bytes).unwrap();
        let report = Store::repair(&dir, &pass()).unwrap();
        assert!(
            report.database && report.lost.is_empty(),
            "{page}: {report:?}"
        );
        let store = Store::open(&dir, &pass()).unwrap();
        assert_eq!(store.sizes().unwrap(), whole, "page {page}");
    }
    // The journal: what stands before the damage, or the copy where it says more.
    let journal = dir.join("edits.journal");
    let bytes = fs::read(&journal).unwrap();
    let mut changed = bytes.clone();
    let half = changed.len() / 2;
    changed[half] ^= 1;
    fs::write(&journal, &changed).unwrap();
    let report = Store::repair(&dir, &pass()).unwrap();
    assert!(!report.journal.is_empty());
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.journal_damage(), None);
    assert_eq!(store.marks().len(), 12);
    store.commit(&[add("afterwards")]).unwrap();
    drop(store);
    // One copy of the key file.
    fs::remove_file(dir.join("store.key")).unwrap();
    assert!(Store::repair(&dir, &pass()).unwrap().keys);
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
    // A sound store is left as it is.
    let report = Store::repair(&dir, &pass()).unwrap();
    assert!(!report.keys && !report.database && report.journal.is_empty());
}

#[test]
fn another_key_keeps_everything_and_the_old_passphrase_is_worth_nothing() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    store.commit(&[add("b")]).unwrap();
    store.undo().unwrap();
    fill(&mut store, 3);
    let reader = Passphrase::new("reader");
    store
        .add_account("Lee", Role::Reader, &reader, KdfCost::CHEAP)
        .unwrap();
    store.backup(None).unwrap();
    let (sizes, kept) = (store.sizes().unwrap(), store.kept().clone());
    let before = contents_of_files(&dir);
    let new = Passphrase::new("new passphrase");
    let head = store.audit_head().unwrap().text();
    store.rekey(&new, KdfCost::CHEAP).unwrap();
    assert!(matches!(
        Store::open(&dir, &pass()),
        Err(StoreError::WrongPassphrase)
    ));
    let mut store = Store::open(&dir, &new).unwrap();
    assert_eq!(store.sizes().unwrap(), sizes);
    assert_eq!(store.kept(), &kept);
    assert_eq!(store.can_undo_redo(), (true, true), "the steps too");
    assert!(Store::verify_folder(&dir, &new).is_err(), "it is open");
    let mut rekeyed = String::new();
    let report = store
        .read_audit(&mut |e| {
            if e.kind == AuditKind::Rekeyed {
                rekeyed = e.detail;
            }
        })
        .unwrap();
    assert_eq!(report.problem, None);
    assert!(rekeyed.ends_with(&head), "{rekeyed}");
    let accounts = store.accounts().unwrap();
    assert!(accounts.iter().any(|a| a.name == "Lee" && !a.has_key));
    store
        .set_passphrase("Lee", &reader, KdfCost::CHEAP)
        .unwrap();
    drop(store);
    assert!(Store::verify_folder(&dir, &new).unwrap().is_sound());
    drop(Store::open_as(&dir, Some("Lee"), &reader).unwrap());
    assert_eq!(backups(&dir).len(), 0, "the old key opens no copy");
    let after = contents_of_files(&dir);
    for name in ["store.key", "store.db", "edits.journal", "audit.log"] {
        assert_ne!(before[name], after[name], "{name}");
    }
}

fn contents_of_files(dir: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries
        .filter(|p| p.is_file())
        .map(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(p).unwrap())
        })
        .collect()
}

#[test]
fn a_patient_who_was_taken_out_is_nowhere() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    let (gone, stays) = (
        dicom("CANARY-1", "Canary^Gone", "19010101"),
        dicom("2", "Lee^Stays", "19020202"),
    );
    store
        .index_instances(&[
            instance(Path::new("/CANARY/1"), &gone, "1.2.3", "1.2.3.4", 5),
            instance(Path::new("/x/2"), &stays, "9.2", "9.2.3", 1),
        ])
        .unwrap();
    store
        .import_bundle(&bundle(&[patient(
            "canary-r",
            "Canary",
            "1901-01-01",
            "CANARY-1",
        )]))
        .unwrap();
    store
        .import_bundle(&bundle(&[patient("r2", "Lee", "1902-02-02", "2")]))
        .unwrap();
    // The mark of the helper is on study 1.2.3.
    store.commit(&[add("CANARY mark")]).unwrap();
    let report = |study: &str, text: &str| Edit::Report {
        study_uid: study.into(),
        from: Phi::default(),
        to: Phi::new(text.into()),
    };
    store.commit(&[report("1.2.3", "CANARY report")]).unwrap();
    store.commit(&[report("9.2", "stays")]).unwrap();
    store
        .commit(&[Edit::ReadStatus {
            study_uid: "1.2.3".into(),
            from: ReadStatus::default(),
            to: ReadStatus::Final,
        }])
        .unwrap();
    store
        .note(&[Edit::View {
            place: ViewPlace {
                study_uid: "1.2.3".into(),
                ..ViewPlace::default()
            },
            from: String::new(),
            to: "CANARY view".into(),
        }])
        .unwrap();
    let list = |name: &str, query: &str| Worklist {
        name: name.into(),
        query: query.into(),
    };
    store
        .set_worklists(&[list("mine", "canary"), list("all", "status:new")])
        .unwrap();
    store.backup(None).unwrap();
    let reference = store.reference("CANARY-1");
    assert!(matches!(
        store.erase_patient("nobody"),
        Err(StoreError::UnknownPatient)
    ));
    let done = store.erase_patient("CANARY-1").unwrap();
    assert_eq!((done.studies, done.resources, done.marks), (1, 1, 1));
    assert_eq!((done.files, done.backups), (1, 1));
    let check = |store: &Store| {
        assert!(store.marks().is_empty());
        assert_eq!(store.kept().reports.len(), 1);
        assert_eq!(store.kept().read_status.len(), 0);
        assert_eq!(store.kept().views.len(), 0);
        assert_eq!(store.studies().unwrap().len(), 1);
        assert_eq!(store.patients().unwrap().len(), 1);
        assert_eq!(store.worklists().unwrap(), [list("all", "status:new")]);
        assert_eq!(
            store.can_undo_redo(),
            (false, false),
            "nothing brings it back"
        );
    };
    check(&store);
    store.commit(&[add("another")]).unwrap();
    store.undo().unwrap();
    let mut log = String::new();
    store
        .read_audit(&mut |e| log.push_str(&format!("{e:?}")))
        .unwrap();
    assert!(log.contains("Erased") && log.contains(&reference));
    assert!(!log.to_lowercase().contains("canary"));
    drop(store);
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
    // Nor in the copy that was made instead of the old one.
    let copy = backups(&dir).pop().unwrap();
    assert_eq!(backups(&dir).len(), 1);
    let copy = Store::open(&copy, &pass()).unwrap();
    assert_eq!(copy.patients().unwrap().len(), 1);
    assert!(copy.marks().is_empty());
    drop(copy);
    // No byte of it in clear, anywhere.
    let mut folders = vec![dir.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let wide: Vec<u8> = "CANARY".encode_utf16().flat_map(u16::to_le_bytes).collect();
            for word in [b"CANARY".as_slice(), b"Canary", b"canary", &wide] {
                assert!(
                    !bytes.windows(word.len()).any(|w| w == word),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_command_line_looks_after_the_store() {
    let (_folder, dir) = made();
    let code = |arguments: &[&str]| {
        let output = run(&dir, "correct horse", arguments, "");
        output.status.code().unwrap()
    };
    assert_eq!(code(&["store", "restore"]), 3, "there is no copy");
    assert_eq!(code(&["store", "backup", "--json"]), 0);
    assert_eq!(code(&["store", "restore"]), 0);
    assert_eq!(code(&["store", "recover", "--json"]), 0);
    assert_eq!(code(&["erase-patient", "nobody"]), 3);
    assert_eq!(code(&["store", "verify"]), 0);
}
