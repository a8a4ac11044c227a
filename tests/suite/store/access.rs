//! Accounts, roles, tries, and broken glass.

use super::{add, bundle, dicom, instance, made, pass, patient, run, text};
use negatoscope::{
    model::{
        access::{AuditKind, Right, Role},
        edit::Edit,
        identity::Phi,
        reading::ReadStatus,
    },
    store::{AuditEntry, KdfCost, Passphrase, Store, StoreError},
};
use serde_json::Value;
use std::{fs, path::Path};

fn log_of(store: &Store) -> Vec<AuditEntry> {
    let mut entries = Vec::new();
    let report = store.read_audit(&mut |entry| entries.push(entry)).unwrap();
    assert_eq!(report.problem, None);
    entries
}

/// A store with an account of each role; the passphrase of each is its name.
fn staffed() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    for role in Role::ALL {
        let pass = Passphrase::new(role.name());
        store
            .add_account(role.name(), role, &pass, KdfCost::CHEAP)
            .unwrap();
    }
    (folder, dir)
}

fn enter(dir: &Path, name: &str) -> Store {
    Store::open_as(dir, Some(name), &Passphrase::new(name)).unwrap()
}

#[test]
fn every_role_may_what_it_may_and_nothing_else() {
    let (_folder, dir) = staffed();
    let who = dicom("77", "Byron^Ada", "18151210");
    let report = |text: &str| Edit::Report {
        study_uid: "1.2".into(),
        from: Phi::default(),
        to: Phi::new(text.to_owned()),
    };
    for role in Role::ALL {
        let mut store = enter(&dir, role.name());
        assert_eq!((store.user(), store.role()), (role.name(), role));
        let before = store.kept().clone();
        let sizes = store.sizes().unwrap();
        let mut refused = Vec::new();
        let mut check = |right: Right, outcome: Result<(), StoreError>| {
            let allowed = role.may(right);
            match outcome {
                Ok(()) => assert!(allowed, "{role:?} {right:?}"),
                Err(StoreError::NotAllowed(named)) => {
                    assert!(!allowed && named == right, "{role:?} {right:?} {named:?}");
                    refused.push(right);
                }
                Err(other) => panic!("{role:?} {right:?}: {other}"),
            }
        };
        check(Right::ViewStudies, store.studies().map(drop));
        check(Right::ViewRecords, store.patients().map(drop));
        let mark = [add(role.name())];
        check(Right::Annotate, store.commit(&mark).map(drop));
        let status = Edit::ReadStatus {
            study_uid: role.name().into(),
            from: ReadStatus::default(),
            to: ReadStatus::Final,
        };
        check(Right::ReadStatus, store.commit(&[status]).map(drop));
        check(Right::Report, {
            let mut edit = report("x");
            if let Edit::Report { study_uid, .. } = &mut edit {
                role.name().clone_into(study_uid);
            }
            store.commit(&[edit]).map(drop)
        });
        let files = [instance(Path::new("/x/1"), &who, "1.2", "1.2.3", 1)];
        check(
            Right::ImportStudies,
            store.index_instances(&files).map(drop),
        );
        let record = bundle(&[patient("p", "Byron", "1815-12-10", "77")]);
        check(Right::ImportRecords, store.import_bundle(&record).map(drop));
        check(Right::ManageUsers, store.accounts().map(drop));
        check(Right::Backup, store.backup(None).map(drop));
        check(Right::ReadAudit, store.read_audit(&mut |_| {}).map(drop));
        // Everything that has no effect of its own here.
        for right in Right::ALL {
            check(right, store.demand(right));
        }
        if role == Role::Viewer {
            assert_eq!(store.kept(), &before, "nothing was done");
            assert_eq!(store.sizes().unwrap(), sizes);
        }
        drop(store);
        let owner = Store::open(&dir, &pass()).unwrap();
        let denied: Vec<String> = log_of(&owner)
            .into_iter()
            .filter(|e| e.kind == AuditKind::Denied && e.user == role.name())
            .map(|e| {
                assert!(!e.done && e.role == role);
                e.detail
            })
            .collect();
        let expected: Vec<&str> = refused.iter().map(|r| r.name()).collect();
        assert_eq!(denied, expected, "{role:?}");
    }
}

#[test]
fn an_account_is_opened_by_its_own_passphrase_only() {
    let (_folder, dir) = staffed();
    for (name, passphrase) in [
        ("viewer", "reader"),
        ("nobody", "nobody"),
        ("reader", "correct horse"),
    ] {
        assert!(matches!(
            Store::open_as(&dir, Some(name), &Passphrase::new(passphrase)),
            Err(StoreError::WrongPassphrase)
        ));
    }
    // Names do not care for case; the folder says none of them.
    drop(Store::open_as(&dir, Some("Viewer"), &Passphrase::new("viewer")).unwrap());
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap_or_default();
        for role in Role::ALL {
            assert!(!name.contains(role.name()));
            let word = role.name().as_bytes();
            assert!(!bytes.windows(word.len()).any(|w| w == word), "{name}");
        }
    }
    let mut owner = Store::open(&dir, &pass()).unwrap();
    owner.set_role("viewer", Role::Reader).unwrap();
    let new = Passphrase::new("new one");
    owner
        .set_passphrase("viewer", &new, KdfCost::CHEAP)
        .unwrap();
    owner.remove_account("annotator").unwrap();
    for name in ["", " x", "owner", "viewer", "a\nb"] {
        assert!(matches!(
            owner.add_account(name, Role::Viewer, &new, KdfCost::CHEAP),
            Err(StoreError::InvalidAccount(_))
        ));
    }
    drop(owner);
    let mut changed = Store::open_as(&dir, Some("viewer"), &new).unwrap();
    assert_eq!(changed.role(), Role::Reader);
    // The own one may always be changed, and nobody else's.
    let own = Passphrase::new("mine");
    changed
        .set_passphrase("viewer", &own, KdfCost::CHEAP)
        .unwrap();
    assert!(matches!(
        changed.set_passphrase("reader", &own, KdfCost::CHEAP),
        Err(StoreError::NotAllowed(Right::ManageUsers))
    ));
    drop(changed);
    drop(Store::open_as(&dir, Some("viewer"), &own).unwrap());
    assert!(matches!(
        Store::open_as(&dir, Some("annotator"), &Passphrase::new("annotator")),
        Err(StoreError::WrongPassphrase)
    ));
}

#[test]
fn wrong_passphrases_make_wait_and_are_written_down() {
    let (_folder, dir) = made();
    let wrong = Passphrase::new("wrong");
    for _ in 0..4 {
        assert!(matches!(
            Store::open(&dir, &wrong),
            Err(StoreError::WrongPassphrase)
        ));
    }
    // Now even the right one has to wait.
    assert!(matches!(
        Store::open(&dir, &pass()),
        Err(StoreError::TooManyTries { seconds: 1 })
    ));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(matches!(
        Store::open(&dir, &wrong),
        Err(StoreError::WrongPassphrase)
    ));
    assert!(matches!(
        Store::open(&dir, &wrong),
        Err(StoreError::TooManyTries { seconds: 2 })
    ));
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let store = Store::open(&dir, &pass()).unwrap();
    let failed: Vec<_> = log_of(&store)
        .into_iter()
        .filter(|e| e.kind == AuditKind::LoginFailed)
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(!failed[0].done && failed[0].detail.starts_with("5 wrong"));
    drop(store);
    drop(Store::open(&dir, &pass()).unwrap());
}

#[test]
fn broken_glass_allows_reading_for_a_reason_and_is_written_down() {
    let (_folder, dir) = staffed();
    let mut store = enter(&dir, "viewer");
    assert!(matches!(
        store.break_glass("  "),
        Err(StoreError::InvalidAccount(_))
    ));
    assert_eq!(store.role(), Role::Viewer);
    store.break_glass("resuscitation, bed 4").unwrap();
    assert_eq!(store.role(), Role::Reader);
    store.commit(&[add("n")]).unwrap();
    assert!(matches!(
        store.accounts(),
        Err(StoreError::NotAllowed(Right::ManageUsers))
    ));
    drop(store);
    assert_eq!(
        enter(&dir, "viewer").role(),
        Role::Viewer,
        "for one session"
    );
    let owner = Store::open(&dir, &pass()).unwrap();
    let broken: Vec<_> = log_of(&owner)
        .into_iter()
        .filter(|e| e.kind == AuditKind::BreakGlass)
        .collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].user, "viewer");
    assert_eq!(broken[0].detail, "resuscitation, bed 4");
}

#[test]
fn the_command_line_keeps_to_roles() {
    let (_folder, dir) = staffed();
    let code = |passphrase: &str, arguments: &[&str]| {
        run(&dir, passphrase, arguments, "").status.code().unwrap()
    };
    assert_eq!(code("viewer", &["list", "--user", "viewer"]), 0);
    assert_eq!(code("viewer", &["user", "list", "--user", "viewer"]), 7);
    assert_eq!(code("viewer", &["audit", "list", "--user", "viewer"]), 7);
    assert_eq!(
        code("viewer", &["erase-patient", "77", "--user", "viewer"]),
        7
    );
    assert_eq!(code("viewer", &["store", "backup", "--user", "viewer"]), 7);
    assert_eq!(code("wrong", &["list", "--user", "viewer"]), 6);
    assert_eq!(
        code(
            "reader",
            &["user", "role", "viewer", "admin", "--user", "reader"]
        ),
        7
    );
    assert_eq!(
        code("correct horse", &["user", "role", "viewer", "annotator"]),
        0
    );
    let accounts = run(&dir, "correct horse", &["user", "list", "--json"], "");
    let accounts: Value = serde_json::from_str(&text(&accounts.stdout)).unwrap();
    assert_eq!(accounts.as_array().unwrap().len(), 5);
    assert_eq!(accounts[4]["role"], "annotator");
    assert_eq!(code("correct horse", &["user", "remove", "viewer"]), 0);
    assert_eq!(code("correct horse", &["user", "remove", "viewer"]), 3);
    assert_eq!(code("", &["user", "can", "reader", "report"]), 0);
    assert_eq!(code("", &["user", "can", "viewer", "report"]), 7);
    // A refused edit is answered like any other that is not carried out.
    let line = r#"{"op":"read-status","study":"1.2","status":"final"}"#;
    let answer = run(
        &dir,
        "annotator",
        &["edit", "--stdin", "--user", "annotator"],
        line,
    );
    assert_eq!(answer.status.code(), Some(7));
    assert!(text(&answer.stdout).starts_with("ERR 1 "), "{answer:?}");
    let answer = run(
        &dir,
        "annotator",
        &[
            "edit",
            "--stdin",
            "--user",
            "annotator",
            "--break-glass",
            "night shift",
        ],
        line,
    );
    assert_eq!(text(&answer.stdout).trim(), "ACK 1");
}

/// The files of a store and their sizes, without its log and without what is made of it when somebody counts.
fn without_log(dir: &Path) -> Vec<(std::path::PathBuf, usize)> {
    let files = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.is_file())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            !name.starts_with("audit") && !name.starts_with("derived")
        })
        .map(|path| (path.clone(), fs::metadata(&path).unwrap().len() as usize))
        .collect();
    files.sort();
    files
}

#[test]
fn every_action_of_the_command_line_asks_for_its_right() {
    let (folder, dir) = staffed();
    let mut owner = Store::open(&dir, &pass()).unwrap();
    owner
        .import_bundle(&bundle(&[patient("p", "Byron", "1815-12-10", "77")]))
        .unwrap();
    owner.commit(&[add("first")]).unwrap();
    drop(owner);
    let out = folder.path().join("out");
    let record = folder.path().join("record.json");
    fs::write(&record, bundle(&[patient("q", "King", "1836-01-01", "78")])).unwrap();
    let (out_text, record) = (out.to_str().unwrap(), record.to_str().unwrap());
    let line = |text: &str| format!("{text}\n");
    let shape = r#""study":"1.2","series":"1.3","instance":"1.4","frame":1"#;
    let add = format!(
        r#"{{"op":"add",{shape},"space":"pixel","shape":"polygon","points":[[1,1],[2,1],[2,3]]}}"#
    );
    let key_image = format!(r#"{{"op":"key-image",{shape},"on":true}}"#);
    let calibrate = format!(
        r#"{{"op":"calibrate",{shape},"points":[[100,80],[612,80]],"true_mm":100,"by":"A"}}"#
    );
    let tag = format!(r#"{{"op":"tag",{shape},"name":"nodule","on":true}}"#);
    let status = r#"{"op":"read-status","study":"1.9","status":"final"}"#;
    let report = r#"{"op":"report","study":"1.9","text":"x"}"#;
    let amend = r#"{"op":"amend","patient":"p","type":"Patient","id":"p","text":"{\"resourceType\":\"Patient\",\"id\":\"p\"}"}"#;
    let edit = vec!["edit", "--stdin"];
    let actions: Vec<(Right, Vec<&str>, String)> = vec![
        (Right::ViewStudies, vec!["list"], String::new()),
        (
            Right::ViewRecords,
            vec!["record", "show", "77"],
            String::new(),
        ),
        (
            Right::ViewRecords,
            vec!["record", "timeline", "77"],
            String::new(),
        ),
        (
            Right::ViewRecords,
            vec!["record", "consider", "77"],
            String::new(),
        ),
        (
            Right::ViewRecords,
            vec!["record", "quality", "77"],
            String::new(),
        ),
        (
            Right::Search,
            vec!["record", "search", "Byron"],
            String::new(),
        ),
        (
            Right::Search,
            vec!["cohort", "find", "sex:F"],
            String::new(),
        ),
        (Right::Annotate, edit.clone(), line(&add)),
        (Right::Annotate, edit.clone(), line(&tag)),
        (
            Right::Annotate,
            edit.clone(),
            line(r#"{"op":"remove","id":"first"}"#),
        ),
        (Right::KeyImages, edit.clone(), line(&key_image)),
        (Right::Calibrate, edit.clone(), line(&calibrate)),
        (Right::ReadStatus, edit.clone(), line(status)),
        (Right::Report, edit.clone(), line(report)),
        (Right::ImportRecords, edit.clone(), line(amend)),
        (
            Right::ExportMarks,
            vec!["annotations", "export", "--out", out_text],
            String::new(),
        ),
        (
            Right::ExportRecords,
            vec!["export", "77", out_text],
            String::new(),
        ),
        (
            Right::Anonymize,
            vec!["cohort", "export", out_text],
            String::new(),
        ),
        (
            Right::ImportRecords,
            vec!["record", "import", record],
            String::new(),
        ),
        (
            Right::ErasePatient,
            vec!["erase-patient", "77"],
            String::new(),
        ),
        (Right::Backup, vec!["store", "backup"], String::new()),
        (Right::ManageUsers, vec!["user", "list"], String::new()),
        (
            Right::ManageUsers,
            vec!["user", "role", "viewer", "admin"],
            String::new(),
        ),
        (
            Right::ManageUsers,
            vec!["user", "remove", "viewer"],
            String::new(),
        ),
        (Right::ReadAudit, vec!["audit", "list"], String::new()),
    ];
    assert!(actions.len() >= 25);
    let mut refused = 0;
    for (right, action, input) in &actions {
        for role in Role::ALL.into_iter().filter(|role| !role.may(*right)) {
            let before = without_log(&dir);
            let mut arguments = action.clone();
            arguments.extend(["--user", role.name()]);
            let done = run(&dir, role.name(), &arguments, input);
            assert_eq!(done.status.code(), Some(7), "{role:?} {action:?} {done:?}");
            assert!(!text(&done.stdout).contains("Byron"), "{role:?} {action:?}");
            assert!(!out.exists(), "{role:?} {action:?}");
            assert_eq!(without_log(&dir), before, "{role:?} {action:?}");
            refused += 1;
        }
    }
    let owner = Store::open(&dir, &pass()).unwrap();
    let denied = log_of(&owner)
        .into_iter()
        .filter(|e| e.kind == AuditKind::Denied && !e.done);
    assert_eq!(denied.count(), refused, "each is written down");
    drop(owner);
    // And the least role that may does it.
    for (right, action, input) in &actions {
        let role = Role::ALL.into_iter().find(|role| role.may(*right)).unwrap();
        // One that takes an account or a patient away would take it from the next.
        if matches!(right, Right::ManageUsers | Right::ErasePatient) {
            continue;
        }
        let mut arguments = action.clone();
        arguments.extend(["--user", role.name()]);
        let done = run(&dir, role.name(), &arguments, input);
        let code = done.status.code().unwrap();
        assert!(code == 0 || code == 1, "{role:?} {action:?} {done:?}");
        let _ = fs::remove_dir_all(&out);
    }
}

#[test]
fn nobody_takes_back_what_they_may_not_do() {
    let (_folder, dir) = staffed();
    let mut reader = enter(&dir, "reader");
    let report = Edit::Report {
        study_uid: "1.2".into(),
        from: Phi::default(),
        to: Phi::new("Pneumonia".to_owned()),
    };
    reader.commit(&[report]).unwrap();
    drop(reader);
    let mut annotator = enter(&dir, "annotator");
    let before = annotator.kept().clone();
    assert!(matches!(
        annotator.undo(),
        Err(StoreError::NotAllowed(Right::Report))
    ));
    assert_eq!(annotator.kept(), &before);
    drop(annotator);
    let mut reader = enter(&dir, "reader");
    assert!(reader.undo().unwrap().is_some());
    drop(reader);
    let mut annotator = enter(&dir, "annotator");
    assert!(matches!(
        annotator.redo(),
        Err(StoreError::NotAllowed(Right::Report))
    ));
}

#[test]
fn what_is_exported_is_what_came_and_is_written_down() {
    let (folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    let came = bundle(&[
        patient("p", "Byron", "1815-12-10", "77"),
        serde_json::json!({"resourceType": "Condition", "id": "c", "onsetDateTime": "2020-02-03",
            "subject": {"reference": "Patient/p"}, "code": {"text": "Asthma"}, "unknownElement": 1.50}),
    ]);
    store.import_bundle(&came).unwrap();
    let file = folder.path().join("a picture");
    fs::write(&file, b"its bytes").unwrap();
    let who = dicom("77", "Byron^Ada", "18151210");
    let files = [
        instance(&file, &who, "1.2", "1.2.3", 1),
        instance(Path::new("/gone"), &who, "1.2", "1.2.3", 2),
    ];
    store.index_instances(&files).unwrap();
    drop(store);
    let out = folder.path().join("out");
    let code = |arguments: &[&str]| run(&dir, "correct horse", arguments, "").status.code();
    let out_text = out.to_str().unwrap();
    // One of two files is gone, which is said.
    assert_eq!(code(&["export", "77", out_text]), Some(1));
    assert_eq!(
        code(&["export", "77", out_text]),
        Some(2),
        "never over what is there"
    );
    assert_eq!(
        code(&["export", "99", folder.path().join("b").to_str().unwrap()]),
        Some(3)
    );
    assert_eq!(
        fs::read(out.join("images/000001.dcm")).unwrap(),
        b"its bytes"
    );
    let written: Value =
        serde_json::from_slice(&fs::read(out.join("record.json")).unwrap()).unwrap();
    let came: Value = serde_json::from_slice(&came).unwrap();
    let resources = |bundle: &Value| -> Vec<String> {
        let entries = bundle["entry"].as_array().unwrap().iter();
        let mut all: Vec<String> = entries.map(|e| e["resource"].to_string()).collect();
        all.sort();
        all
    };
    assert_eq!(resources(&written), resources(&came));
    // It comes in again.
    let mut other = Store::throw_away().unwrap();
    let again = other
        .import_bundle(&fs::read(out.join("record.json")).unwrap())
        .unwrap();
    assert_eq!(again.new, 2);
    let store = Store::open(&dir, &pass()).unwrap();
    let left = log_of(&store)
        .into_iter()
        .filter(|e| e.kind == AuditKind::Exported && e.patient == store.reference("77"));
    assert_eq!(left.count(), 1);
    drop(store);
    let line = run(
        &dir,
        "correct horse",
        &["record", "timeline", "77", "--json"],
        "",
    );
    let line: Value = serde_json::from_str(&text(&line.stdout)).unwrap();
    assert_eq!(line["events"][0]["day"], "2020-02-03");
    assert_eq!(line["events"][0]["lane"], "conditions");
    assert_eq!(line["patient"]["name"], "[redacted]");
    let none = &["record", "timeline", "77", "--json", "--from", "2020-02-04"];
    let line = run(&dir, "correct horse", none, "");
    assert!(text(&line.stdout).contains(r#""events":[]"#));
}
