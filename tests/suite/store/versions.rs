//! Stores that earlier versions of the formats wrote.

use super::{bundle, contents, dicom, instance, mark, patient};
use glam::DVec3;
use negatoscope::{
    model::{
        access::{AuditKind, Role},
        annotation::{AnnotationId, Author, Code, MarkKind, PointSpace, Shape},
        edit::{Edit, Kept, ViewPlace},
        identity::Phi,
        reading::ReadStatus,
    },
    store::{AuditEvent, KdfCost, Passphrase, Store, StoreError},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Stores that versions of the formats wrote; every later version must open them.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}"))
}

/// A copy of one that may be written on.
fn golden_copy(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(&golden(name)) {
        fs::write(folder.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    folder
}

const GOLDEN_PASSPHRASE: &str = "观片 fixture";

/// What version 1 could write.
fn golden_edits() -> Vec<Edit> {
    let mut pixel = mark("outline", "边界");
    pixel.space = PointSpace::Pixel;
    let outline = [
        DVec3::new(0.5, 0.5, 0.0),
        DVec3::new(10.25, 0.5, 0.0),
        DVec3::new(10.25, 7.0, 0.0),
    ];
    pixel.shape = Shape::new(MarkKind::Polygon, outline);
    let reshaped = Shape::new(MarkKind::Point, [DVec3::new(-0.0, 1e-300, 512.0)]);
    vec![
        Edit::Add(mark("length", "")),
        Edit::Add(pixel),
        Edit::Relabel {
            id: AnnotationId("length".into()),
            from: String::new(),
            to: "12 mm".into(),
        },
        Edit::Reshape {
            id: AnnotationId("length".into()),
            from: mark("length", "").shape,
            to: reshaped,
        },
        Edit::Add(mark("gone", "x")),
        Edit::Remove(mark("gone", "x")),
    ]
}

/// What came with version 2: everything that a mark may say, and what is no mark.
fn golden_edits_2() -> Vec<Edit> {
    let study_uid = || "1.2.3".to_owned();
    let mut kinds: Vec<Edit> = MarkKind::ALL
        .into_iter()
        // Boxes came later.
        .filter(|kind| *kind != MarkKind::Box)
        .map(|kind| {
            let points = (0..*kind.point_count().start())
                .map(|n| DVec3::new(n as f64, -0.0, 1.0 / 3.0))
                .collect::<Vec<_>>();
            let mut mark = mark(&format!("a {}", kind.name()), "标签");
            mark.shape = Shape::new(kind, points);
            mark.target.frame_of_reference_uid = "1.2.3.9".into();
            Edit::Add(mark)
        })
        .collect();
    let from = mark("kept", "x");
    let mut to = from.clone();
    to.code = Some(Code {
        value: "27925004".into(),
        scheme: "SCT".into(),
        meaning: "结节".into(),
    });
    (to.group, to.locked, to.hidden, to.created_ms) = ("右肺".into(), true, true, -1);
    to.author = Author::Model {
        id: "lungs".into(),
        version: "2".into(),
    };
    let mut foreign = mark("foreign", "");
    foreign.author = Author::Foreign("Other".into());
    kinds.extend([
        Edit::Add(from.clone()),
        Edit::Revise {
            from: Box::new(from.clone()),
            to: Box::new(to),
        },
        Edit::Add(foreign),
        Edit::KeyImage {
            target: from.target.clone(),
            on: true,
        },
        Edit::View {
            place: ViewPlace {
                study_uid: study_uid(),
                series_uid: "1.2.3.4".into(),
                first_instance_uid: "1.2.3.4.5".into(),
                cell: 1,
            },
            from: String::new(),
            to: r#"{"zoom":2}"#.into(),
        },
        Edit::Layout {
            study_uid: study_uid(),
            from: String::new(),
            to: r#"{"grid":[2,2]}"#.into(),
        },
        Edit::ReadStatus {
            study_uid: study_uid(),
            from: ReadStatus::New,
            to: ReadStatus::Preliminary,
        },
        Edit::Report {
            study_uid: study_uid(),
            from: Phi::default(),
            to: Phi::new("报告".into()),
        },
    ]);
    kinds
}

fn golden_note() -> Edit {
    Edit::Layout {
        study_uid: "1.2.3".into(),
        from: String::new(),
        to: r#"{"grid":[1,1]}"#.into(),
    }
}

#[test]
#[ignore = "writes the fixture; only for a new version of the formats, into a new folder"]
fn write_the_golden_store() {
    let dir = golden("store-v2");
    let mut store =
        Store::create(&dir, &Passphrase::new(GOLDEN_PASSPHRASE), KdfCost::CHEAP).unwrap();
    for edit in golden_edits().into_iter().chain(golden_edits_2()) {
        store.commit(&[edit]).unwrap();
    }
    store.undo().unwrap().unwrap();
    store.redo().unwrap().unwrap();
    store.note(&[golden_note()]).unwrap();
    store
        .import_bundle(&bundle(&[patient("p", "Byron", "1815-12-10", "77")]))
        .unwrap();
    let ada = dicom("77", "BYRON^ADA", "18151210");
    store
        .index_instances(&[instance(Path::new("/data/b.dcm"), &ada, "1.9", "1.9.1", 2)])
        .unwrap();
    let lee = Passphrase::new("Lee fixture");
    store
        .add_account("Lee", Role::Annotator, &lee, KdfCost::CHEAP)
        .unwrap();
    let event = AuditEvent::new(AuditKind::Exported, "a picture").of_patient("77");
    store.log_now(event).unwrap();
}

#[test]
fn the_store_with_accounts_and_a_log_opens() {
    let folder = golden_copy("store-v2");
    let pass = Passphrase::new(GOLDEN_PASSPHRASE);
    assert!(
        Store::verify_folder(folder.path(), &pass)
            .unwrap()
            .is_sound()
    );
    let lee = Passphrase::new("Lee fixture");
    let mut store = Store::open_as(folder.path(), Some("lee"), &lee).unwrap();
    assert_eq!(store.role(), Role::Annotator);
    store.commit(&[Edit::Add(mark("of Lee", ""))]).unwrap();
    drop(store);
    let store = Store::open(folder.path(), &pass).unwrap();
    let mut expected = Kept::default();
    expected
        .apply_all(&[golden_edits(), golden_edits_2()].concat())
        .unwrap();
    expected.apply(&golden_note()).unwrap();
    expected.apply(&Edit::Add(mark("of Lee", ""))).unwrap();
    assert_eq!(store.kept(), &expected);
    assert_eq!(store.accounts().unwrap().len(), 2);
    let patient = store.reference("77");
    let mut exported = Vec::new();
    let report = store
        .read_audit(&mut |entry| {
            if entry.kind == AuditKind::Exported {
                exported.push((entry.detail, entry.patient));
            }
        })
        .unwrap();
    assert_eq!(report.problem, None);
    assert!(!report.damaged_before);
    assert_eq!(exported, [("a picture".to_owned(), patient)]);
}

#[test]
fn the_store_that_kept_no_images_opens_and_refers_to_them_as_before() {
    let folder = golden_copy("store-v3");
    let pass = Passphrase::new(GOLDEN_PASSPHRASE);
    let mut store = Store::open(folder.path(), &pass).unwrap();
    let [study] = &store.studies().unwrap()[..] else {
        panic!("one study");
    };
    assert_eq!(
        (study.uid.as_str(), study.instances, study.kept),
        ("1.9", 2, 0)
    );
    let files = store.study_files("1.9").unwrap();
    assert_eq!(files, ["/data/1.dcm", "/data/2.dcm"].map(PathBuf::from));
    assert_eq!(store.kept_size().unwrap(), (0, 0));
    assert_eq!(store.resources("p").unwrap().len(), 2);
    assert!(store.verify().unwrap().is_sound());
    // It is written on.
    let ada = dicom("77", "BYRON^ADA", "18151210");
    let third = instance(Path::new("/data/3.dcm"), &ada, "1.9", "1.9.1", 3);
    store.index_instances(&[third]).unwrap();
    drop(store);
    let store = Store::open(folder.path(), &pass).unwrap();
    assert_eq!(store.study_files("1.9").unwrap().len(), 3);
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn an_earlier_store_gets_a_log_and_accounts() {
    for name in ["journal-v1", "journal-v2"] {
        let folder = golden_copy(name);
        let pass = Passphrase::new(GOLDEN_PASSPHRASE);
        let mut store = Store::open(folder.path(), &pass).unwrap();
        let lee = Passphrase::new("Lee");
        store
            .add_account("Lee", Role::Viewer, &lee, KdfCost::CHEAP)
            .unwrap();
        let mut kinds = Vec::new();
        let report = store.read_audit(&mut |e| kinds.push(e.kind)).unwrap();
        assert_eq!(report.problem, None, "{name}");
        assert_eq!(
            kinds[..3],
            [AuditKind::Begun, AuditKind::Opened, AuditKind::UserAdded],
            "{name}"
        );
        drop(store);
        drop(Store::open_as(folder.path(), Some("Lee"), &lee).unwrap());
        assert!(
            Store::verify_folder(folder.path(), &pass)
                .unwrap()
                .is_sound()
        );
    }
}

#[test]
fn the_store_of_version_2_opens() {
    let folder = golden_copy("journal-v2");
    let mut store = Store::open(folder.path(), &Passphrase::new(GOLDEN_PASSPHRASE)).unwrap();
    let mut expected = Kept::default();
    let edits = [golden_edits(), golden_edits_2()].concat();
    expected.apply_all(&edits).unwrap();
    expected.apply(&golden_note()).unwrap();
    assert_eq!(store.kept(), &expected);
    assert_eq!(store.commits(), edits.len() as u64 + 3);
    assert!(store.verify().unwrap().is_sound());
    store.undo().unwrap().unwrap();
    assert!(store.kept().reports.is_empty());
}

#[test]
fn the_store_of_version_1_opens() {
    let folder = golden_copy("journal-v1");
    let pass = Passphrase::new(GOLDEN_PASSPHRASE);
    assert!(matches!(
        Store::open(folder.path(), &Passphrase::new("fixture")),
        Err(StoreError::WrongPassphrase)
    ));
    let mut store = Store::open(folder.path(), &pass).unwrap();
    let mut expected = negatoscope::model::edit::AnnotationSet::default();
    for edit in golden_edits() {
        expected.apply(&edit).unwrap();
    }
    assert_eq!(store.marks(), &expected);
    assert_eq!(store.commits(), 8);
    let reshaped = store.marks().get(&AnnotationId("length".into())).unwrap();
    assert_eq!(reshaped.shape.kind, MarkKind::Point);
    assert_eq!(reshaped.shape.points[0].x.to_bits(), (-0.0f64).to_bits());
    assert!(store.verify().unwrap().is_sound());
    assert_eq!(store.patients().unwrap()[0].identity.id.reveal(), "77");
    assert_eq!(store.studies().unwrap()[0].uid, "1.9");
    store.undo().unwrap().unwrap();
    assert!(store.marks().get(&AnnotationId("gone".into())).is_some());
}

#[test]
fn the_store_of_version_1_is_written_on() {
    let folder = golden_copy("journal-v1");
    let old = fs::read(folder.path().join("edits.journal")).unwrap();
    let pass = Passphrase::new(GOLDEN_PASSPHRASE);
    let mut store = Store::open(folder.path(), &pass).unwrap();
    for edit in golden_edits_2() {
        store.commit(&[edit]).unwrap();
    }
    store.undo().unwrap().unwrap();
    store.redo().unwrap().unwrap();
    let kept = store.kept().clone();
    drop(store);
    let new = fs::read(folder.path().join("edits.journal")).unwrap();
    assert_eq!(new[..old.len()], old, "what was there stays as it was");
    let store = Store::open(folder.path(), &pass).unwrap();
    assert_eq!(store.journal_damage(), None);
    assert_eq!(store.kept(), &kept);
    assert!(store.verify().unwrap().is_sound());
}
