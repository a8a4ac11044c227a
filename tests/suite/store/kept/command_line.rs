//! Files that are kept in the store, on the command line: kept, listed, opened, written out, with their rights.

use super::*;
use negatoscope::model::access::{AuditKind, Role};

#[test]
fn the_command_line_keeps_lists_opens_and_writes_out() {
    let (folder, dir) = made();
    let files = files();
    let broken = files.path().join("broken.dcm");
    fs::write(&broken, b"no picture").unwrap();
    let out = folder.path().join("out");
    let files_arg = files.path().to_str().unwrap();
    let said = run(
        &dir,
        "correct horse",
        &["store", "keep", files_arg, "--json"],
        "",
    );
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let last = text(&said.stdout);
    let value: serde_json::Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    let summary = &value["summary"];
    for (name, count) in [("received", 5), ("kept", 4), ("new", 4), ("rejected", 1)] {
        assert_eq!(summary[name], count, "{name}");
    }
    let listed = run(&dir, "correct horse", &["list", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&text(&listed.stdout)).unwrap();
    let of = |uid: &str| {
        let mut studies = value["studies"].as_array().unwrap().iter();
        let study = studies.find(|s| s["study_instance_uid"] == uid);
        study.unwrap()["kept"].clone()
    };
    assert_eq!((of("1.2.3"), of("1.2.9")), (3.into(), 1.into()));
    let status = run(&dir, "correct horse", &["store", "status", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&text(&status.stdout)).unwrap();
    assert_eq!(value["kept_files"], 4);
    let originals = bytes_below(files.path());
    let first = fs::read(files.path().join("canary-1.dcm")).unwrap();
    drop(files);
    let paths = run(
        &dir,
        "correct horse",
        &["store", "blobs", "1.2.3", "--paths"],
        "",
    );
    let paths: Vec<String> = text(&paths.stdout).lines().map(str::to_owned).collect();
    assert_eq!(paths.len(), 3);
    // Other commands open these paths with the passphrase of the store, and not without it.
    let npy = folder.path().join("a.npy");
    let arguments = [
        "pixels",
        &paths[0],
        "--frame",
        "1",
        "--stage",
        "stored",
        "--out",
        npy.to_str().unwrap(),
    ];
    assert_eq!(
        run(&dir, "correct horse", &arguments, "").status.code(),
        Some(0)
    );
    let pixels = fs::read(&npy).unwrap();
    assert!(first.ends_with(&pixels[pixels.len() - 256 * 1024..]));
    for passphrase in ["wrong horse", ""] {
        fs::remove_file(&npy).unwrap_or_default();
        let said = run(&dir, passphrase, &arguments, "");
        assert_eq!(said.status.code(), Some(6), "{said:?}");
        assert!(!npy.exists());
    }
    let said = Command::new(PROGRAM)
        .args(["inspect", &paths[0]])
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(6), "{said:?}");
    let all: Vec<&str> = ["inspect", "--decode-all", "--json"]
        .into_iter()
        .chain(paths.iter().map(String::as_str))
        .collect();
    assert_eq!(run(&dir, "correct horse", &all, "").status.code(), Some(0));
    // Nobody finds in the answers whose they are.
    let out_arg = out.to_str().unwrap();
    let arguments = ["store", "export-images", "1.2.3", out_arg];
    let said = run(&dir, "wrong", &arguments, "");
    assert_eq!((said.status.code(), out.exists()), (Some(6), false));
    let said = run(&dir, "correct horse", &arguments, "");
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(bytes_below(&out).is_subset(&originals) && contents(&out).len() == 3);
    let copy = folder.path().join("everything");
    let said = run(
        &dir,
        "correct horse",
        &["export", "CANARY-4711", copy.to_str().unwrap()],
        "",
    );
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    assert!(bytes_below(&copy.join("images")) == bytes_below(&out));
    let said = run(
        &dir,
        "correct horse",
        &["erase-patient", "CANARY-4711", "--json"],
        "",
    );
    let value: serde_json::Value = serde_json::from_str(&text(&said.stdout)).unwrap();
    assert_eq!(
        (&value["files_kept"], &value["files_left"]),
        (&3.into(), &0.into())
    );
    assert_eq!(blob_paths(&dir).len(), 1);
}

#[test]
fn keeping_and_writing_out_need_their_rights_and_stand_in_the_log() {
    let (folder, dir, files) = keeper();
    let new = Passphrase::new("theirs");
    let mut store = Store::open(&dir, &pass()).unwrap();
    for role in [Role::Viewer, Role::Annotator, Role::Reader] {
        store
            .add_account(role.name(), role, &new, KdfCost::CHEAP)
            .unwrap();
    }
    drop(store);
    for (role, may) in [
        (Role::Viewer, false),
        (Role::Annotator, false),
        (Role::Reader, true),
    ] {
        let store = Store::open_as(&dir, Some(role.name()), &new).unwrap();
        assert_eq!(store.keeping().is_ok(), may);
        let to = folder.path().join(role.name());
        let out = store.export_images("1.2.3", &to);
        assert_eq!(out.is_ok(), may, "{out:?}");
        assert_eq!(to.exists(), may);
        // Whoever may look may open.
        assert_eq!(store.kept_files(Some("1.2.3")).unwrap().len(), 3);
        assert!(store.vault().unwrap().is_some());
    }
    let mut viewer = Store::open_as(&dir, Some("viewer"), &new).unwrap();
    assert!(matches!(
        viewer.settle_kept(&[]),
        Err(StoreError::NotAllowed(_))
    ));
    drop((viewer, files));
    let store = Store::open(&dir, &pass()).unwrap();
    let (study, patient) = (store.reference("1.2.3"), store.reference("CANARY-4711"));
    let mut entries = Vec::new();
    store.read_audit(&mut |entry| entries.push(entry)).unwrap();
    let count = |kind: AuditKind| {
        let of = entries
            .iter()
            .filter(|e| e.kind == kind && e.study == study);
        of.count()
    };
    assert_eq!(
        (count(AuditKind::ImagesKept), count(AuditKind::Exported)),
        (1, 1)
    );
    assert!(count(AuditKind::StudyViewed) >= 1);
    let kept = entries
        .iter()
        .find(|e| e.kind == AuditKind::ImagesKept && e.study == study);
    let kept = kept.unwrap();
    assert_eq!(
        (kept.patient.as_str(), kept.detail.as_str()),
        (patient.as_str(), "3 files")
    );
    let denied = entries
        .iter()
        .filter(|e| e.kind == AuditKind::Denied)
        .count();
    assert!(denied >= 5, "{denied}");
}
