//! Files that are kept in the store: they come back byte for byte, whatever happens on the way, and tell nobody anything.

mod command_line;

use super::{contents, made, pass, run, text};
use crate::{
    bad_input::build::Slice,
    support::{Dice, PROGRAM},
};
use negatoscope::{
    dicom::{
        archive::Keyring,
        frames::{FileFrames, FrameSource as _},
        guard::Limits,
        scan::{ScanEvent, ScanOptions, scan},
    },
    model::study::{Instance, Rejection},
    store::{
        KdfCost, NotKept, Passphrase, SealedObject, Store, StoreError, StudyRow, VerifyReport,
        copies::backups,
    },
    task::{CancelToken, Progress},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// GB18030 for 金丝雀.
const HAN_GB18030: &[u8] = b"\xBD\xF0\xCB\xBF\xC8\xB8";

/// A slice of 256 KiB, so that it is kept in several chunks.
fn slice(patient: (&'static str, &'static str), study: &str, number: i32) -> Slice {
    let values: Vec<u8> = (0..128 * 1024i32)
        .flat_map(|v| ((v * 31 + number * 7) as i16).to_le_bytes())
        .collect();
    Slice {
        patient,
        study: study.into(),
        series: format!("{study}.1"),
        uid: format!("{study}.1.{number}"),
        number,
        rows: 512,
        columns: 256,
        position: Some([0.0, 0.0, f64::from(number)]),
        ..Slice::default()
    }
    .native(&values)
}

/// Three slices of one patient, and one of another, whose name is Chinese.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        slice(("KANARIENVOGEL^TWEETY", "CANARY-4711"), "1.2.3", number)
            .write(folder.path(), &format!("canary-{number}.dcm"));
    }
    slice(("", "P-2"), "1.2.9", 1)
        .text(0x0008, 0x0005, b"CS", "GB18030")
        .with(0x0010, 0x0010, b"PN", HAN_GB18030)
        .write(folder.path(), "other.dcm");
    folder
}

fn events(paths: &[PathBuf], keys: &Keyring) -> (Vec<Arc<Instance>>, Vec<Rejection>) {
    let found = Mutex::new((Vec::new(), Vec::new()));
    let options = ScanOptions {
        keys: keys.clone(),
        ..ScanOptions::default()
    };
    let (cancel, progress) = (CancelToken::default(), Progress::default());
    scan(paths, &options, &cancel, &progress, &|event| {
        let mut found = found.lock().unwrap();
        match event {
            ScanEvent::Instance(instance) => found.0.push(instance),
            ScanEvent::Rejected(rejection) => found.1.push(rejection),
        }
    });
    found.into_inner().unwrap()
}

/// Seals without telling the index.
fn seal(store: &Store, folder: &Path) -> Vec<SealedObject> {
    let keeping = store.keeping().unwrap();
    let (instances, rejected) = events(&[folder.to_owned()], &Keyring::default());
    assert!(rejected.is_empty(), "{rejected:?}");
    let limits = Limits::default();
    let seal = |i: &Arc<Instance>| keeping.seal(i, &limits, &Keyring::default()).unwrap();
    instances.iter().filter_map(seal).collect()
}

fn keep(store: &mut Store, folder: &Path) -> usize {
    let sealed = seal(store, folder);
    store.settle_kept(&sealed).unwrap();
    sealed.iter().filter(|object| object.new).count()
}

/// A store that keeps the files.
fn keeper() -> (tempfile::TempDir, PathBuf, tempfile::TempDir) {
    let (folder, dir) = made();
    let files = files();
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(keep(&mut store, files.path()), 4);
    (folder, dir, files)
}

fn keys_of(store: &Store) -> Keyring {
    let keys = Keyring::default();
    keys.add_vault(store.vault().unwrap().unwrap());
    keys
}

fn blob_paths(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = match fs::read_dir(dir.join("blobs")) {
        Ok(entries) => entries.map(|e| e.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    paths.sort();
    paths
}

/// The content of all files below a folder, without their names.
fn bytes_below(folder: &Path) -> BTreeSet<Vec<u8>> {
    contents(folder).into_values().collect()
}

/// What a study is written out as.
fn written_out(store: &Store, study: &str) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let written = store.export_images(study, &out).unwrap();
    assert_eq!(written.missing, 0);
    let files: BTreeMap<_, _> = contents(&out);
    assert_eq!(files.len(), written.files);
    files.into_values().collect()
}

fn summary(studies: &[StudyRow]) -> Vec<String> {
    let of = |s: &StudyRow| {
        format!(
            "{} {:?} {:?} {:?} {} {:?} {} {} {:?} {} {} {} {} {}",
            s.uid,
            s.patient.name.reveal().display(),
            s.patient.id.reveal(),
            s.patient.birth_date.reveal(),
            s.patient.sex.reveal().code(),
            s.date,
            s.time,
            s.description,
            s.modalities,
            s.series,
            s.instances,
            s.images,
            s.bytes,
            s.kept
        )
    };
    studies.iter().map(of).collect()
}

fn wrong(report: &VerifyReport) -> Vec<String> {
    let wrong = report.checks.iter().filter(|check| !check.sound);
    wrong.map(|c| format!("{}: {}", c.part, c.detail)).collect()
}

fn checked(dir: &Path) -> Vec<String> {
    wrong(&Store::verify_folder(dir, &pass()).unwrap())
}

#[test]
fn what_is_kept_comes_back_byte_for_byte_and_opens_like_any_file() {
    let (_folder, dir, files) = keeper();
    let (instances, _) = events(&[files.path().to_owned()], &Keyring::default());
    let frames = FileFrames::default();
    let truth: BTreeMap<String, _> = instances
        .iter()
        .map(|i| (i.sop_instance_uid.clone(), frames.read_frame(i, 0).unwrap()))
        .collect();
    let originals = bytes_below(files.path());
    // Nothing is done to the files, and nobody needs them any more.
    drop(files);
    let store = Store::open(&dir, &pass()).unwrap();
    let studies = store.studies().unwrap();
    assert!(studies.iter().all(|s| s.kept == s.instances));
    let out: Vec<Vec<u8>> = ["1.2.3", "1.2.9"]
        .iter()
        .flat_map(|study| written_out(&store, study))
        .collect();
    assert_eq!(out.len(), 4);
    assert!(out.into_iter().collect::<BTreeSet<_>>() == originals);
    // The names of files that are written out are numbers.
    let folder = tempfile::tempdir().unwrap();
    store
        .export_images("1.2.3", &folder.path().join("o"))
        .unwrap();
    let names: Vec<_> = contents(&folder.path().join("o")).into_keys().collect();
    assert!(names[0].ends_with("000001.dcm") && names.len() == 3);
    assert!(matches!(
        store.export_images("1.2.3", &folder.path().join("o")),
        Err(StoreError::NotEmpty(_))
    ));
    assert!(matches!(
        store.export_images("1.2", &folder.path().join("p")),
        Err(StoreError::UnknownStudy)
    ));
    // The same objects and the same pixels, through the same readers.
    let mut paths = store.study_files("1.2.3").unwrap();
    paths.extend(store.study_files("1.2.9").unwrap());
    assert_eq!(paths.len(), 4);
    let keys = keys_of(&store);
    let (kept, rejected) = events(&paths, &keys);
    assert!(rejected.is_empty(), "{rejected:?}");
    let frames = FileFrames::default().with_keys(keys);
    for instance in &kept {
        assert!(instance.source.is_kept());
        let frame = frames.read_frame(instance, 0).unwrap();
        let wanted = &truth[&instance.sop_instance_uid];
        assert_eq!(frame.pixels.as_slice(), wanted.pixels.as_slice());
    }
    let uids: BTreeSet<_> = kept.iter().map(|i| i.sop_instance_uid.clone()).collect();
    assert_eq!(uids, truth.into_keys().collect());
    // Without the key they say that they are locked, and not that they are damaged.
    let (none, rejected) = events(&paths, &Keyring::default());
    assert!(none.is_empty());
    assert!(
        rejected.iter().all(|r| r.code == "BLOB_LOCKED"),
        "{rejected:?}"
    );
    // A folder of blobs is read like a folder of files.
    let (all, _) = events(&[dir.join("blobs")], &keys_of(&store));
    assert_eq!(all.len(), 4);
}

#[test]
fn the_same_file_is_kept_once() {
    let (_folder, dir, files) = keeper();
    let mut store = Store::open(&dir, &pass()).unwrap();
    let before = contents(&dir.join("blobs"));
    assert_eq!(before.len(), 4);
    // Again, from the same place and from another one.
    assert_eq!(keep(&mut store, files.path()), 0);
    let elsewhere = tempfile::tempdir().unwrap();
    for path in contents(files.path()).keys() {
        fs::copy(path, elsewhere.path().join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(keep(&mut store, elsewhere.path()), 0);
    assert!(contents(&dir.join("blobs")) == before, "no blob changed");
    assert_eq!(store.kept_size().unwrap().0, 4);
    assert_eq!(store.study_files("1.2.3").unwrap().len(), 3);
    // Importing where the file lies, or what is kept, changes nothing.
    let (instances, _) = events(&[files.path().to_owned()], &Keyring::default());
    let report = store.index_instances(&instances).unwrap();
    assert_eq!((report.new, report.again), (0, 4));
    let paths = store.study_files("1.2.3").unwrap();
    let (kept, _) = events(&paths, &keys_of(&store));
    assert_eq!(store.index_instances(&kept).unwrap().again, 3);
    let rows = summary(&store.studies().unwrap());
    // What is kept need not be kept.
    let keeping = store.keeping().unwrap();
    for instance in &kept {
        let sealed = keeping.seal(instance, &Limits::default(), &keys_of(&store));
        assert!(sealed.unwrap().is_none());
    }
    assert_eq!(summary(&store.studies().unwrap()), rows);
    // Another file at the place of one that is kept is another file.
    slice(("KANARIENVOGEL^TWEETY", "CANARY-4711"), "1.2.3", 8).write(files.path(), "canary-1.dcm");
    assert_eq!(keep(&mut store, files.path()), 1);
    assert_eq!(store.study_files("1.2.3").unwrap().len(), 4);
}

#[test]
fn damage_is_found_wherever_it_is() {
    let (_folder, dir, files) = keeper();
    assert_eq!(checked(&dir), [""; 0]);
    let blobs = blob_paths(&dir);
    let (first, second) = (&blobs[0], &blobs[1]);
    let sound = fs::read(first).unwrap();
    let chunk = 65536 + 16;
    let body = sound.len() % chunk;
    // Sign, version, length, mark, random bytes, head, its tag, each chunk and each tag, the very end.
    let mut places = vec![0, 7, 8, 12, 15, 16, 23, 24, 47, 48, 60, 200];
    places.extend((0..sound.len()).step_by(9973));
    places.extend((1..=sound.len() / chunk).map(|n| sound.len() - n * chunk));
    places.extend([body - 1, body, sound.len() - 17, sound.len() - 1]);
    for place in places {
        let mut bytes = sound.clone();
        bytes[place] ^= 1 << (place % 8);
        fs::write(first, &bytes).unwrap();
        assert_eq!(checked(&dir).len(), 1, "byte {place}");
    }
    for length in [
        0,
        1,
        40,
        300,
        sound.len() / 2,
        sound.len() - chunk,
        sound.len() - 1,
    ] {
        fs::write(first, &sound[..length]).unwrap();
        assert_eq!(checked(&dir).len(), 1, "{length} bytes");
    }
    fs::write(first, [sound.clone(), vec![0; chunk]].concat()).unwrap();
    assert_eq!(checked(&dir).len(), 1, "a chunk more");
    // One in the place of another, and both exchanged.
    let other = fs::read(second).unwrap();
    fs::write(first, &other).unwrap();
    assert_eq!(checked(&dir).len(), 1);
    fs::write(second, &sound).unwrap();
    assert_eq!(checked(&dir).len(), 2);
    fs::write(first, &sound).unwrap();
    fs::write(second, &other).unwrap();
    assert_eq!(checked(&dir), [""; 0]);
    // One that is gone.
    fs::remove_file(first).unwrap();
    assert_eq!(checked(&dir), ["kept files: 1 files are missing"]);
    fs::write(first, &sound).unwrap();
    // Each copy of the key.
    for name in ["blobs.key", "blobs.key.copy"] {
        let path = dir.join(name);
        let key = fs::read(&path).unwrap();
        for place in (0..key.len()).step_by(11) {
            let mut bytes = key.clone();
            bytes[place] ^= 2;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(checked(&dir).len(), 1, "byte {place} of {name}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(checked(&dir).len(), 1, "{name} is gone");
        fs::write(&path, &key).unwrap();
    }
    assert_eq!(checked(&dir), [""; 0]);
    // With exit code 8 on the command line.
    let mut bytes = sound.clone();
    bytes[70_000] ^= 1;
    fs::write(first, &bytes).unwrap();
    let said = run(&dir, "correct horse", &["store", "verify", "--json"], "");
    assert_eq!(said.status.code(), Some(8));
    // What is damaged gives nothing, and the rest of the study opens.
    let store = Store::open(&dir, &pass()).unwrap();
    let keys = keys_of(&store);
    let paths: Vec<PathBuf> = ["1.2.3", "1.2.9"]
        .iter()
        .flat_map(|uid| store.study_files(uid).unwrap())
        .collect();
    let (kept, rejected) = events(&paths, &keys);
    // The header is in the first chunk, the damage behind it.
    assert_eq!((kept.len(), rejected.len()), (4, 0));
    let frames = FileFrames::default().with_keys(keys);
    let whole = |i: &&Arc<Instance>| frames.read_frame(i, 0).is_ok();
    assert_eq!(kept.iter().filter(whole).count(), 3);
    drop(files);
}

#[test]
fn the_library_is_made_again_from_the_blobs_alone() {
    let (_folder, dir, files) = keeper();
    let store = Store::open(&dir, &pass()).unwrap();
    let before = summary(&store.studies().unwrap());
    let out = [written_out(&store, "1.2.3"), written_out(&store, "1.2.9")];
    drop((store, files));
    let lose: [&dyn Fn(); 3] = [
        &|| fs::remove_file(dir.join("store.db")).unwrap(),
        // The first bytes and a few pages, so that no table is left whole.
        &|| {
            let mut bytes = fs::read(dir.join("store.db")).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
            fs::write(dir.join("store.db"), bytes).unwrap();
        },
        // The database and both files of the key but one.
        &|| {
            fs::remove_file(dir.join("store.db")).unwrap();
            fs::remove_file(dir.join("blobs.key")).unwrap();
        },
    ];
    for lose in lose {
        lose();
        assert!(!checked(&dir).is_empty());
        let report = Store::repair(&dir, &pass()).unwrap();
        assert_eq!((report.kept_taken, report.kept_lost), (4, 0));
        assert_eq!(checked(&dir), [""; 0]);
        let store = Store::open(&dir, &pass()).unwrap();
        assert_eq!(summary(&store.studies().unwrap()), before);
        assert!([written_out(&store, "1.2.3"), written_out(&store, "1.2.9")] == out);
    }
    // Both files of the key: the database has it too.
    fs::remove_file(dir.join("blobs.key")).unwrap();
    fs::remove_file(dir.join("blobs.key.copy")).unwrap();
    assert_eq!(checked(&dir).len(), 2);
    let report = Store::repair(&dir, &pass()).unwrap();
    assert!(report.keys && report.kept_lost == 0);
    assert_eq!(checked(&dir), [""; 0]);
    // The command line says so too.
    fs::remove_file(dir.join("store.db")).unwrap();
    let said = run(&dir, "correct horse", &["store", "recover", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&text(&said.stdout)).unwrap();
    assert_eq!(value["kept_taken"], 4);
    assert_eq!(value["kept_lost"], 0);
}

#[test]
fn damaged_blobs_are_had_again_where_they_can_be() {
    let (folder, dir, files) = keeper();
    let copy = folder.path().join("copy");
    let store = Store::open(&dir, &pass()).unwrap();
    store.backup(Some(&copy)).unwrap();
    let before = summary(&store.studies().unwrap());
    drop(store);
    let blobs = blob_paths(&dir);
    let harm = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    // From where they lay.
    harm(&blobs[0]);
    fs::remove_file(&blobs[1]).unwrap();
    let report = Store::repair(&dir, &pass()).unwrap();
    assert_eq!((report.kept_mended, report.kept_lost), (2, 0));
    assert_eq!(checked(&dir), [""; 0]);
    assert_eq!(blob_paths(&dir), blobs);
    // From a copy of the store, once the files are gone.
    drop(files);
    fs::create_dir_all(dir.join("backups")).unwrap();
    fs::rename(&copy, dir.join("backups/20300101T000000000Z")).unwrap();
    harm(&blobs[2]);
    let report = Store::repair(&dir, &pass()).unwrap();
    assert_eq!((report.kept_mended, report.kept_lost), (1, 0));
    let store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(summary(&store.studies().unwrap()), before);
    drop(store);
    // And lost where neither is: it is put aside, the library says where it lay, and the store is sound.
    fs::remove_dir_all(dir.join("backups")).unwrap();
    harm(&blobs[3]);
    let said = run(&dir, "correct horse", &["store", "recover", "--json"], "");
    assert_eq!(said.status.code(), Some(1));
    let value: serde_json::Value = serde_json::from_str(&text(&said.stdout)).unwrap();
    assert_eq!(
        (&value["kept_mended"], &value["kept_lost"]),
        (&0.into(), &1.into())
    );
    assert_eq!(checked(&dir), [""; 0]);
    let store = Store::open(&dir, &pass()).unwrap();
    let studies = store.studies().unwrap();
    let (files, kept) = studies
        .iter()
        .fold((0, 0), |(f, k), s| (f + s.instances, k + s.kept));
    assert_eq!((files, kept), (4, 3));
    let aside = blob_paths(&dir);
    let aside = aside
        .iter()
        .filter(|p| p.to_string_lossy().contains(".damaged-"));
    assert_eq!(aside.count(), 1);
}

#[test]
fn another_key_of_the_store_leaves_what_is_kept_as_it_is() {
    let (_folder, dir, files) = keeper();
    drop(files);
    let before = contents(&dir.join("blobs"));
    let new = Passphrase::new("new one");
    let store = Store::open(&dir, &pass()).unwrap();
    let (studies, out) = (
        summary(&store.studies().unwrap()),
        written_out(&store, "1.2.3"),
    );
    let old_key = fs::read(dir.join("blobs.key")).unwrap();
    store.rekey(&new, KdfCost::CHEAP).unwrap();
    assert!(contents(&dir.join("blobs")) == before);
    assert!(fs::read(dir.join("blobs.key")).unwrap() != old_key);
    assert!(Store::open(&dir, &pass()).is_err());
    let store = Store::open(&dir, &new).unwrap();
    assert_eq!(summary(&store.studies().unwrap()), studies);
    assert!(written_out(&store, "1.2.3") == out);
    drop(store);
    assert!(Store::verify_folder(&dir, &new).unwrap().is_sound());
    // And the blobs alone are enough under the new key.
    fs::remove_file(dir.join("store.db")).unwrap();
    assert_eq!(Store::repair(&dir, &new).unwrap().kept_taken, 4);
}

/// What must not be found anywhere: names, IDs and UIDs of the files, their names, and the names of their folder.
fn assert_nobody(dir: &Path, words: &[&str]) {
    let mut waiting = vec![dir.to_owned()];
    let mut looked = 0;
    while let Some(path) = waiting.pop() {
        let name = path
            .strip_prefix(dir)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
        let bytes = fs::read(&path).unwrap_or_default();
        looked += 1;
        for word in words {
            assert!(!name.contains(word), "{word} in the name {name}");
            let little: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = word.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for needle in [word.as_bytes(), &little, &big] {
                let found = bytes.windows(needle.len()).any(|w| w == needle);
                assert!(!found, "{word} in {name}");
            }
        }
        let gb = bytes.windows(HAN_GB18030.len()).any(|w| w == HAN_GB18030);
        assert!(!gb, "GB18030 in {name}");
    }
    assert!(looked > 8, "{looked}");
}

const NOBODY: [&str; 7] = [
    "KANARIENVOGEL",
    "CANARY-4711",
    "金丝雀",
    "1.2.3.1.2",
    "1.2.840.10008",
    "canary-",
    "other.dcm",
];

#[test]
fn a_patient_who_is_taken_out_leaves_no_blob_and_no_store_tells_anything() {
    let (_folder, dir, files) = keeper();
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_nobody(&dir, &NOBODY);
    // What a crash leaves: sealed, and not in the index.
    let late = tempfile::tempdir().unwrap();
    slice(("KANARIENVOGEL^TWEETY", "CANARY-4711"), "1.2.4", 1).write(late.path(), "late.dcm");
    let sealed = seal(&store, late.path());
    assert_eq!((sealed.len(), blob_paths(&dir).len()), (1, 5));
    store.backup(None).unwrap();
    assert_nobody(&dir, &NOBODY);
    let keys = keys_of(&store);
    let stays = store.study_files("1.2.9").unwrap();
    let report = store.erase_patient("CANARY-4711").unwrap();
    assert_eq!((report.kept, report.files, report.studies), (4, 0, 1));
    assert_eq!(blob_paths(&dir).len(), 1);
    for copy in backups(&dir) {
        assert_eq!(blob_paths(&copy).len(), 1);
    }
    assert_nobody(&dir, &NOBODY);
    drop(store);
    assert_eq!(checked(&dir), [""; 0]);
    // The files themselves are nobody's business, and the other patient stays.
    assert_eq!(contents(files.path()).len(), 4);
    assert_eq!(events(&stays, &keys).0.len(), 1);
    // Nothing of it comes back from the blobs.
    fs::remove_file(dir.join("store.db")).unwrap();
    Store::repair(&dir, &pass()).unwrap();
    let store = Store::open(&dir, &pass()).unwrap();
    let ids: Vec<_> = store
        .studies()
        .unwrap()
        .into_iter()
        .map(|s| s.uid)
        .collect();
    assert_eq!(ids, ["1.2.9"]);
}

#[cfg(unix)]
#[test]
fn copies_have_what_is_kept_and_take_no_room_for_it() {
    use std::os::unix::fs::MetadataExt as _;
    let (folder, dir, files) = keeper();
    drop(files);
    let store = Store::open(&dir, &pass()).unwrap();
    let (own, _) = store.backup(None).unwrap();
    let outside = folder.path().join("outside");
    let (_, bytes) = store.backup(Some(&outside)).unwrap();
    assert!(bytes > 4 * 256 * 1024);
    let before = summary(&store.studies().unwrap());
    drop(store);
    for ((one, copy), elsewhere) in blob_paths(&dir)
        .iter()
        .zip(blob_paths(&own))
        .zip(blob_paths(&outside))
    {
        let inode = |path: &Path| path.metadata().unwrap().ino();
        assert_eq!(inode(one), inode(&copy));
        assert_ne!(inode(one), inode(&elsewhere));
    }
    for copy in [&own, &outside] {
        assert_eq!(checked(copy), [""; 0]);
    }
    // What is kept after the copy goes with the restoring, what is lost comes back; and what stood there is a copy.
    let more = tempfile::tempdir().unwrap();
    slice(("DOE^JANE", "D-1"), "1.2.5", 1).write(more.path(), "a.dcm");
    let mut store = Store::open(&dir, &pass()).unwrap();
    keep(&mut store, more.path());
    drop(store);
    fs::remove_file(&blob_paths(&dir)[2]).unwrap();
    for from in [&outside, &own] {
        Store::restore(&dir, from, &pass()).unwrap();
        assert_eq!(checked(&dir), [""; 0]);
        let store = Store::open(&dir, &pass()).unwrap();
        assert_eq!(summary(&store.studies().unwrap()), before);
        assert_eq!(written_out(&store, "1.2.3").len(), 3);
    }
}

#[test]
fn a_killed_keeping_leaves_a_sound_store() {
    let (_folder, dir) = made();
    let files = tempfile::tempdir().unwrap();
    for number in 0..150 {
        slice(("DOE^JANE", "D-1"), "1.2.3", number).write(files.path(), &format!("{number}.dcm"));
    }
    let mut dice = Dice(11);
    let mut cut_short = 0;
    for _ in 0..10 {
        let before = blob_paths(&dir).len();
        let mut child = Command::new(PROGRAM)
            .args(["store", "keep", "--passphrase-fd", "0", "--store"])
            .args([&dir, files.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(b"correct horse\n")
            .unwrap();
        // The moment counts from the first new blob, so that it falls among them.
        while blob_paths(&dir).len() <= before && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_micros(200));
        }
        thread::sleep(Duration::from_micros(dice.roll(30_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(checked(&dir), [""; 0], "no repair by hand");
        let mut store = Store::open(&dir, &pass()).unwrap();
        assert!(
            !dir.join("keeping").exists(),
            "what was half sealed is gone"
        );
        let named: BTreeSet<String> = store
            .kept_files(None)
            .unwrap()
            .into_iter()
            .map(|file| file.blob)
            .collect();
        cut_short += usize::from(named.len() < 150);
        // Whatever the index names opens.
        let paths = store.study_files("1.2.3").unwrap();
        let (opened, rejected) = events(&paths, &keys_of_or_none(&store));
        assert_eq!((opened.len(), rejected.len()), (named.len(), 0));
        // What was sealed and not named is taken in by keeping it again.
        if cut_short > 6 {
            keep(&mut store, files.path());
            assert_eq!(store.kept_files(None).unwrap().len(), 150);
            break;
        }
    }
    assert!(cut_short > 2, "it was killed while it worked: {cut_short}");
}

fn keys_of_or_none(store: &Store) -> Keyring {
    let keys = Keyring::default();
    if let Some(vault) = store.vault().unwrap() {
        keys.add_vault(vault);
    }
    keys
}

/// A NIfTI-1 header of 4 × 3 × 2 bytes.
fn nifti(magic: &[u8; 4], offset: f32) -> Vec<u8> {
    let mut bytes = vec![0u8; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    for (i, n) in [3i16, 4, 3, 2, 1, 1, 1, 1].iter().enumerate() {
        put(40 + 2 * i, &n.to_le_bytes());
    }
    put(70, &2i16.to_le_bytes());
    put(72, &8i16.to_le_bytes());
    for i in 0..4 {
        put(76 + 4 * i, &1f32.to_le_bytes());
    }
    put(108, &offset.to_le_bytes());
    put(254, &1i16.to_le_bytes());
    for row in 0..3 {
        put(280 + 20 * row, &1f32.to_le_bytes());
    }
    put(344, magic);
    bytes
}

#[test]
fn other_kinds_of_files_are_kept_too_and_half_of_one_is_not() {
    let (_folder, dir) = made();
    let files = tempfile::tempdir().unwrap();
    let voxels: Vec<u8> = (0..24).collect();
    let volume = [nifti(b"n+1\0", 352.0), voxels.clone()].concat();
    fs::write(files.path().join("v.nii"), volume).unwrap();
    let picture = image::GrayImage::from_fn(50, 40, |x, y| image::Luma([(x * 5 + y) as u8]));
    picture.save(files.path().join("p.png")).unwrap();
    let zip = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archives/infozip.zip");
    fs::copy(zip, files.path().join("z.zip")).unwrap();
    let archive = Keyring::of(pass());
    let (instances, _) = events(&[files.path().to_owned()], &archive);
    let mut store = Store::open(&dir, &pass()).unwrap();
    let keeping = store.keeping().unwrap();
    let seal = |i: &Arc<Instance>| keeping.seal(i, &Limits::default(), &archive).unwrap();
    let sealed: Vec<_> = instances.iter().filter_map(seal).collect();
    store.settle_kept(&sealed).unwrap();
    // The volume, the picture, and two members of an archive, whose passphrase nobody needs any more.
    assert_eq!((instances.len(), blob_paths(&dir).len()), (4, 4));
    drop(files);
    let keys = keys_of(&store);
    let frames = FileFrames::default().with_keys(keys.clone());
    for row in store.studies().unwrap() {
        let paths = store.study_files(&row.uid).unwrap();
        let (kept, rejected) = events(&paths, &keys);
        assert_eq!((kept.len(), rejected.len()), (paths.len(), 0), "{paths:?}");
        for instance in kept {
            let known = instances
                .iter()
                .find(|i| i.sop_instance_uid == instance.sop_instance_uid);
            assert_eq!(known.unwrap().source.kind, instance.source.kind);
            if instance.image.is_some() {
                frames.read_frame(&instance, 0).unwrap();
            }
        }
        let out = written_out(&store, &row.uid);
        assert_eq!(out.len(), paths.len());
    }
    // The header without the voxels would be no copy.
    let pair = tempfile::tempdir().unwrap();
    fs::write(pair.path().join("pair.hdr"), &nifti(b"ni1\0", 0.0)[..348]).unwrap();
    fs::write(pair.path().join("pair.img"), voxels).unwrap();
    let (instances, _) = events(&[pair.path().join("pair.hdr")], &Keyring::default());
    assert_eq!(instances.len(), 1);
    let before = blob_paths(&dir);
    let refused = keeping.seal(&instances[0], &Limits::default(), &Keyring::default());
    match refused {
        Err(NotKept::Rejected(rejection)) => assert_eq!(rejection.code, "DETACHED_DATA"),
        other => panic!("{other:?}"),
    }
    // A file that is another one by now is not kept as what it was.
    let changing = tempfile::tempdir().unwrap();
    let path = slice(("DOE^JANE", "D-1"), "1.2.5", 1).write(changing.path(), "a.dcm");
    let (instances, _) = events(&[path], &Keyring::default());
    slice(("DOE^JANE", "D-1"), "1.2.6", 2).write(changing.path(), "a.dcm");
    let refused = keeping.seal(&instances[0], &Limits::default(), &Keyring::default());
    assert!(matches!(refused, Err(NotKept::Rejected(r)) if r.code == "FILE_CHANGED"));
    assert_eq!(blob_paths(&dir), before);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_file() {
    const FRAME: u64 = 32 << 20;
    const FRAMES: u64 = 10;
    let (folder, dir) = made();
    // 320 MiB of pixels, which take no room on the disk.
    let files = tempfile::tempdir().unwrap();
    let head = Slice {
        rows: 4096,
        columns: 4096,
        frames: Some("10"),
        pixels: Vec::new(),
        ..Slice::default()
    };
    let path = head.write(files.path(), "large.dcm");
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    let bytes = u32::try_from(FRAME * FRAMES).unwrap();
    file.write_all(b"\xE0\x7F\x10\x00OW\0\0").unwrap();
    file.write_all(&bytes.to_le_bytes()).unwrap();
    let start = file.metadata().unwrap().len();
    file.set_len(start + FRAME * FRAMES).unwrap();
    drop(file);
    // Something to tell frames by.
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(start + 7 * FRAME)).unwrap();
    file.write_all(b"the eighth").unwrap();
    drop(file);
    let peak = |arguments: &[&str]| -> u64 {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .args(["--passphrase-fd", "0", "--store"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(b"correct horse\n")
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
            most = most.max(kib.unwrap_or_default() * 1024);
            thread::sleep(Duration::from_millis(2));
        }
        let mut said = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert!(child.wait().unwrap().success(), "{arguments:?}: {said}");
        most
    };
    let out = folder.path().join("out");
    let kept = peak(&["store", "keep", path.to_str().unwrap()]);
    let verified = peak(&["store", "verify"]);
    let written = peak(&["store", "export-images", "1.2.3.1", out.to_str().unwrap()]);
    for (what, most) in [("keep", kept), ("verify", verified), ("export", written)] {
        assert!(most > 1 << 20 && most < 160 << 20, "{what}: {most} bytes");
    }
    // A frame in the middle is read without the rest.
    let store = Store::open(&dir, &pass()).unwrap();
    let keys = keys_of(&store);
    let (kept, _) = events(&store.study_files("1.2.3.1").unwrap(), &keys);
    let frame = FileFrames::default()
        .with_keys(keys)
        .read_frame(&kept[0], 7)
        .unwrap();
    assert!(frame.pixels.as_slice().starts_with(b"the eighth"));
    let written = fs::metadata(out.join("000001.dcm")).unwrap().len();
    assert_eq!(written, start + FRAME * FRAMES);
}

#[test]
fn without_the_passphrase_nothing_of_it_opens() {
    let (_folder, dir, files) = keeper();
    drop(files);
    let other = tempfile::tempdir().unwrap();
    let other = other.path().join("store");
    let mut strange = Store::create(&other, &Passphrase::new("p"), KdfCost::CHEAP).unwrap();
    let more = tempfile::tempdir().unwrap();
    slice(("DOE^JANE", "D-1"), "1.2.5", 1).write(more.path(), "a.dcm");
    keep(&mut strange, more.path());
    assert!(matches!(
        Store::open(&dir, &Passphrase::new("Correct horse")),
        Err(StoreError::WrongPassphrase)
    ));
    // The key of another store does not do either, also where its files are put into the folder.
    let blobs = blob_paths(&dir);
    let (opened, rejected) = events(&blobs, &keys_of(&strange));
    assert_eq!(opened.len(), 0);
    assert!(
        rejected.iter().all(|r| r.code == "BLOB_LOCKED"),
        "{rejected:?}"
    );
    for name in ["blobs.key", "blobs.key.copy"] {
        fs::copy(other.join(name), dir.join(name)).unwrap();
    }
    let store = Store::open(&dir, &pass()).unwrap();
    // The copy in the database is still the right one.
    let (opened, _) = events(&blobs, &keys_of(&store));
    assert_eq!(opened.len(), 4);
    drop(store);
    assert_eq!(checked(&dir).len(), 2);
}
