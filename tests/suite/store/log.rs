//! The log of who did what: nothing can be taken out of it, changed, moved or cut unseen.

use super::{add, bundle, contents, dicom, instance, made, pass, patient, run, text};
use crate::support::Dice;
use negatoscope::{
    model::access::{AuditKind, Role},
    store::{AuditEntry, AuditEvent, Head, KdfCost, Passphrase, Store},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

/// A store whose log has so many entries more.
fn logged(entries: usize) -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, dir) = made();
    let store = Store::open(&dir, &pass()).unwrap();
    for number in 0..entries {
        let detail = format!("entry {number} of some length {}", "x".repeat(number % 17));
        store.log(AuditEvent::new(AuditKind::Query, detail));
    }
    drop(store);
    (folder, dir)
}

/// Where each entry of a log begins, and the end.
fn places(log: &[u8]) -> Vec<usize> {
    let mut at = 64;
    let mut found = vec![at];
    while at < log.len() {
        let length = u32::from_le_bytes(log[at..at + 4].try_into().unwrap()) as usize;
        at += 12 + length + 32;
        found.push(at);
    }
    assert_eq!(at, log.len());
    found
}

#[test]
fn every_way_to_change_the_log_is_seen() {
    let (_folder, dir) = logged(120);
    let path = dir.join("audit.log");
    let head_path = dir.join("audit.head");
    let log = fs::read(&path).unwrap();
    let head = fs::read(&head_path).unwrap();
    let places = places(&log);
    let count = places.len() - 1;
    let verify = || Store::verify_audit(&dir, None, &pass(), None).unwrap();
    let sound = verify();
    assert_eq!(sound.problem, None);
    assert_eq!(sound.entries as usize, count);
    let part = |n: usize| &log[places[n]..places[n + 1]];
    let mut dice = Dice(11);
    let check = |what: &str, bytes: &[u8], first: Option<usize>| {
        fs::write(&path, bytes).unwrap();
        let found = verify();
        let (number, text) = found.problem.unwrap_or_else(|| panic!("{what}: not seen"));
        if let Some(first) = first {
            assert_eq!(number as usize, first + 1, "{what}: {text}");
        }
        assert_eq!(found.head, None);
        fs::write(&path, &log).unwrap();
    };
    for round in 0..100 {
        let n = dice.roll(count);
        // Changed: any bit.
        let mut changed = log.clone();
        let at = places[n] + dice.roll(part(n).len());
        changed[at] ^= 1 << dice.roll(8);
        check(&format!("changed {round}"), &changed, Some(n));
        // Taken out.
        let removed = [&log[..places[n]], &log[places[n + 1]..]].concat();
        check(
            &format!("removed {round}"),
            &removed,
            Some(n.min(count - 1)),
        );
        // Twice.
        let doubled = [&log[..places[n + 1]], part(n), &log[places[n + 1]..]].concat();
        check(&format!("doubled {round}"), &doubled, None);
        // Two in each other's place.
        let m = dice.roll(count - 1);
        let swapped = [
            &log[..places[m]],
            part(m + 1),
            part(m),
            &log[places[m + 2]..],
        ]
        .concat();
        check(&format!("swapped {round}"), &swapped, Some(m));
        // Cut, between entries and within one.
        check(&format!("cut {round}"), &log[..places[n]], Some(n));
        let within = places[n] + 1 + dice.roll(part(n).len() - 1);
        check(&format!("cut within {round}"), &log[..within], Some(n));
        // One of another store put in.
        let foreign = [
            &log[..places[n]],
            &vec![7; part(n).len()],
            &log[places[n + 1]..],
        ]
        .concat();
        check(&format!("put in {round}"), &foreign, Some(n));
    }
    for at in [3, 10, 20, 40] {
        let mut changed = log.clone();
        changed[at] ^= 1;
        check("the beginning", &changed, None);
    }
    fs::remove_file(&path).unwrap();
    assert!(verify().problem.is_some());
    fs::write(&path, &log).unwrap();
    // The head.
    for at in 0..head.len() {
        let mut changed = head.clone();
        changed[at] ^= 0x10;
        fs::write(&head_path, &changed).unwrap();
        assert!(verify().problem.is_some(), "byte {at} of the head");
    }
    fs::remove_file(&head_path).unwrap();
    assert!(verify().problem.is_some());
    fs::write(&head_path, &head).unwrap();
    assert_eq!(verify().problem, None);
}

#[test]
fn an_older_copy_is_told_by_a_head_that_was_kept_elsewhere() {
    let (_folder, dir) = logged(10);
    let older = contents(&dir);
    let store = Store::open(&dir, &pass()).unwrap();
    store.log(AuditEvent::new(AuditKind::Exported, "a picture"));
    let head = store.audit_head().unwrap().text();
    drop(store);
    let expected = Head::parse(&head).unwrap();
    let verify = |head| Store::verify_audit(&dir, None, &pass(), Some(head)).unwrap();
    assert_eq!(verify(&expected).problem, None);
    let newer = contents(&dir);
    for (path, bytes) in &older {
        fs::write(path, bytes).unwrap();
    }
    let (_, said) = verify(&expected).problem.unwrap();
    assert!(said.contains("older"), "{said}");
    // A head that never was.
    for (path, bytes) in &newer {
        fs::write(path, bytes).unwrap();
    }
    let other = (expected.0, "0".repeat(64));
    assert!(verify(&other).problem.is_some());
    assert_eq!(Head::parse("7"), None);
    assert_eq!(Head::parse("x:00"), None);
}

#[test]
fn what_happens_is_written_down_and_a_damaged_log_is_put_aside() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    store.undo().unwrap();
    store
        .import_bundle(&bundle(&[patient("p-1", "Byron", "1815-12-10", "77")]))
        .unwrap();
    let who = dicom("77", "Byron^Ada", "18151210");
    store
        .index_instances(&[instance(Path::new("/x/1"), &who, "1.2", "1.2.3", 1)])
        .unwrap();
    store.record("p-1").unwrap();
    store.study_files("1.2").unwrap();
    store.studies_with_id("77").unwrap();
    let of_patient = store.reference("p-1");
    let mut kinds = BTreeSet::new();
    let mut seen = false;
    store
        .read_audit(&mut |entry| {
            seen |= entry.kind == AuditKind::RecordViewed && entry.patient == of_patient;
            assert!(!format!("{entry:?}").contains("Byron"));
            assert_eq!(entry.user, "owner");
            assert!(entry.time_ms > 1_600_000_000_000);
            kinds.insert(entry.kind);
        })
        .unwrap();
    assert!(seen);
    for kind in [
        AuditKind::Begun,
        AuditKind::Opened,
        AuditKind::Edited,
        AuditKind::Undone,
        AuditKind::RecordsImported,
        AuditKind::StudiesImported,
        AuditKind::RecordViewed,
        AuditKind::StudyViewed,
        AuditKind::Query,
        AuditKind::AuditRead,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    drop(store);
    // Damage does not lock anybody out, and does not go away.
    let path = dir.join("audit.log");
    let log = fs::read(&path).unwrap();
    fs::write(&path, &log[..log.len() - 40]).unwrap();
    let store = Store::open(&dir, &pass()).unwrap();
    let mut kinds = Vec::new();
    let report = store.read_audit(&mut |e| kinds.push(e.kind)).unwrap();
    assert_eq!(kinds[0], AuditKind::AuditDamaged);
    assert!(report.damaged_before);
    drop(store);
    let found = run(&dir, "correct horse", &["audit", "verify", "--json"], "");
    assert_eq!(found.status.code(), Some(1));
    let aside = contents(&dir);
    let kept = aside
        .iter()
        .find(|(p, _)| p.to_string_lossy().contains("audit.log.damaged"));
    assert_eq!(kept.unwrap().1.len(), log.len() - 40);
}

#[test]
fn the_log_is_given_to_other_programs_without_identity_unless_asked() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store
        .import_bundle(&bundle(&[patient("CANARY-9", "Byron", "1815-12-10", "77")]))
        .unwrap();
    store.record("CANARY-9").unwrap();
    store.log(AuditEvent::new(AuditKind::Exported, "=1+1, \"quoted\""));
    drop(store);
    let said = |arguments: &[&str]| {
        let output = run(&dir, "correct horse", arguments, "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout)
    };
    let lines = said(&["audit", "export", "--format", "fhir"]);
    assert!(!lines.contains("CANARY"));
    let mut actions = BTreeSet::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["resourceType"], "AuditEvent");
        for needed in ["type", "recorded", "agent", "source"] {
            assert!(!event[needed].is_null(), "{needed}: {line}");
        }
        assert!(event["agent"][0]["requestor"].is_boolean());
        actions.insert(event["action"].as_str().unwrap().to_owned());
    }
    assert!(actions.contains("R") && actions.contains("C"));
    let lines = said(&["audit", "export", "--format", "fhir", "--show-phi"]);
    assert!(lines.contains("CANARY-9"));
    let csv = said(&["audit", "export", "--format", "csv"]);
    assert!(csv.contains("\"'=1+1, \"\"quoted\"\"\""), "{csv}");
    assert_eq!(csv.lines().next().unwrap().split(',').count(), 9);
    let all = said(&["audit", "list"]).lines().count();
    let some = said(&["audit", "list", "--kind", "record-viewed"]);
    assert!(some.lines().count() == 1 && all > 5, "{some}");
    let head = said(&["audit", "export-head"]);
    said(&["audit", "verify", "--head", head.trim()]);
}

#[test]
fn every_kind_of_event_is_written_down_with_who_when_and_how_it_ended() {
    let (folder, dir) = made();
    let copy = folder.path().join("copy");
    let new = Passphrase::new("another one");
    let store = Store::open(&dir, &pass()).unwrap();
    store.backup(Some(&copy)).unwrap();
    drop(store);
    Store::restore(&dir, &copy, &pass()).unwrap();
    Store::repair(&dir, &pass()).unwrap();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    assert!(store.commit(&[add("a")]).is_err(), "it is there already");
    store.undo().unwrap();
    assert!(store.import_bundle(b"no record").is_err());
    store
        .import_bundle(&bundle(&[patient("p-1", "Byron", "1815-12-10", "77")]))
        .unwrap();
    let who = dicom("77", "Byron^Ada", "18151210");
    let files = [instance(Path::new("/x/1"), &who, "1.2", "1.2.3", 1)];
    store.index_instances(&files).unwrap();
    store.record("p-1").unwrap();
    store.study_files("1.2").unwrap();
    let cohort = store.cohort().unwrap();
    let day = negatoscope::model::date::Date::parse("2024-06-01").unwrap();
    let tables = folder.path().join("tables");
    store.export_cohort(&cohort, &[0], day, &tables).unwrap();
    store.erase_patient("77").unwrap();
    for (name, role) in [("Lee", Role::Viewer), ("Kim", Role::Reader)] {
        store.add_account(name, role, &new, KdfCost::CHEAP).unwrap();
    }
    store.set_role("Kim", Role::Annotator).unwrap();
    store.set_passphrase("Kim", &new, KdfCost::CHEAP).unwrap();
    store.remove_account("Kim").unwrap();
    drop(store);
    let mut viewer = Store::open_as(&dir, Some("Lee"), &new).unwrap();
    assert!(viewer.commit(&[add("b")]).is_err());
    viewer.break_glass("night shift").unwrap();
    drop(viewer);
    for _ in 0..2 {
        assert!(Store::open(&dir, &Passphrase::new("wrong")).is_err());
    }
    let out = folder.path().join("out");
    let code = |arguments: &[&str]| run(&dir, "correct horse", arguments, "").status.code();
    assert_eq!(code(&["store", "verify"]), Some(0));
    let (source, out) = (folder.path().join("nothing"), out.to_str().unwrap());
    // Even where nothing comes of it.
    code(&["anonymize", source.to_str().unwrap(), out]);
    let store = Store::open(&dir, &pass()).unwrap();
    store.read_audit(&mut |_| {}).unwrap();
    let of_patient = store.reference("p-1");
    store.rekey(&pass(), KdfCost::CHEAP).unwrap();
    let store = Store::open(&dir, &pass()).unwrap();
    let mut entries = Vec::new();
    let report = store.read_audit(&mut |entry| entries.push(entry)).unwrap();
    assert_eq!(report.problem, None);
    // These need a window, a keyring, real files or a damaged log and have tests of their own.
    let elsewhere = [
        AuditKind::ImagesKept,
        AuditKind::Locked,
        AuditKind::Unlocked,
        AuditKind::KeyRemembered,
        AuditKind::KeyForgotten,
        AuditKind::AuditDamaged,
    ];
    for kind in AuditKind::ALL {
        let of_kind: Vec<_> = entries.iter().filter(|e| e.kind == kind).collect();
        assert!(
            !of_kind.is_empty() || elsewhere.contains(&kind),
            "{kind:?} is nowhere"
        );
        let fails = matches!(
            kind,
            AuditKind::Denied | AuditKind::LoginFailed | AuditKind::Failed
        );
        for entry in of_kind {
            assert!(
                !entry.user.is_empty() && entry.time_ms > 1_600_000_000_000,
                "{kind:?}"
            );
            // There was nothing to make a copy of.
            let done = !fails && kind != AuditKind::Anonymized;
            assert_eq!(entry.done, done, "{kind:?}");
            assert!(!entry.detail.contains("Byron"));
        }
    }
    let failed = entries.iter().filter(|e| e.kind == AuditKind::Failed);
    assert_eq!(failed.count(), 2, "an edit and an import");
    let viewed = |e: &&AuditEntry| e.kind == AuditKind::RecordViewed && e.patient == of_patient;
    assert_eq!(entries.iter().filter(viewed).count(), 1);
}
