//! The store: keys, journal, database, and the command line on top of them.

use glam::DVec3;
use negatoscope::{
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
        },
        date::Date,
        edit::{Edit, Kept, ViewPlace},
        identity::{PatientIdentity, PersonName, Phi, Sex},
        reading::ReadStatus,
        study::{Instance, SeriesDescription, Source, SourceKind, StudyDescription, Technique},
    },
    store::{KdfCost, Passphrase, RecordMatch, Store, StoreError},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_negatoscope");

fn pass() -> Passphrase {
    Passphrase::new("correct horse")
}

/// A folder with an empty store in it.
fn made() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    drop(Store::create(&dir, &pass(), KdfCost::CHEAP).unwrap());
    (folder, dir)
}

fn mark(id: &str, label: &str) -> Annotation {
    let target = AnnotationTarget {
        study_uid: "1.2.3".into(),
        series_uid: "1.2.3.4".into(),
        instance_uid: "1.2.3.4.5".into(),
        frame: 2,
        frame_of_reference_uid: String::new(),
    };
    let ends = [DVec3::new(0.1, 0.2, 0.3), DVec3::new(-1.0 / 3.0, 1e-9, 4.0)];
    let shape = Shape::new(MarkKind::Length, ends);
    Annotation {
        label: label.into(),
        ..Annotation::new(AnnotationId(id.into()), target, PointSpace::Patient, shape)
    }
}

fn add(id: &str) -> Edit {
    Edit::Add(mark(id, "label"))
}

/// Every file of a folder with its bytes.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn patient(id: &str, family: &str, birth: &str, number: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "birthDate": birth, "gender": "female",
        "name": [{"family": family, "given": ["Ada"]}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": number}]})
}

fn bundle(resources: &[Value]) -> Vec<u8> {
    let entries: Vec<Value> = resources.iter().map(|r| json!({"resource": r})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
        .to_string()
        .into_bytes()
}

fn dicom(id: &str, name: &str, birth: &str) -> PatientIdentity {
    PatientIdentity {
        name: Phi::new(PersonName::parse(name)),
        id: Phi::new(id.into()),
        birth_date: Phi::new(Date::parse(birth)),
        sex: Phi::new(Sex::Female),
        ..PatientIdentity::default()
    }
}

/// Runs the program with the passphrase and `input` on standard input.
fn run(dir: &Path, passphrase: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .arg("--store")
        .arg(dir)
        .args(["--passphrase-fd", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends early closes the pipe.
    let _ = stdin.write_all(format!("{passphrase}\n{input}").as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_store_is_made_once_and_opened_again() {
    let (_folder, dir) = made();
    let before = contents(&dir);
    assert!(matches!(
        Store::create(&dir, &pass(), KdfCost::CHEAP),
        Err(StoreError::Exists(_))
    ));
    assert!(contents(&dir) == before, "untouched");
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a"), add("b")]).unwrap();
    assert!(matches!(Store::open(&dir, &pass()), Err(StoreError::Busy)));
    drop(store);
    let store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(
        store.marks().get(&AnnotationId("b".into())),
        Some(&mark("b", "label"))
    );
    assert_eq!(store.commits(), 1, "one gesture");
    assert!(store.last_saved_ms().is_some());
    assert!(store.verify().unwrap().is_sound());

    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(
        Store::create(foreign.path(), &pass(), KdfCost::CHEAP),
        Err(StoreError::NotEmpty(_))
    ));
    assert_eq!(contents(foreign.path()).len(), 1);
    assert!(matches!(
        Store::open(foreign.path(), &pass()),
        Err(StoreError::Missing(_))
    ));
    // An empty folder is taken.
    let empty = tempfile::tempdir().unwrap();
    drop(Store::create(empty.path(), &pass(), KdfCost::CHEAP).unwrap());
}

#[test]
fn many_wrong_passphrases_open_nothing() {
    let (_folder, dir) = made();
    for number in 0..200 {
        let wrong = Passphrase::new(format!("correct horse{number}"));
        assert!(matches!(
            Store::open(&dir, &wrong),
            Err(StoreError::WrongPassphrase)
        ));
    }
    for wrong in ["", "correct hors", "Correct horse", "correct horse\n"] {
        assert!(matches!(
            Store::open(&dir, &Passphrase::new(wrong)),
            Err(StoreError::WrongPassphrase)
        ));
    }
}

/// A small generator of numbers that repeat (Knuth's MMIX constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

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
    let mut numbers = Numbers(1);
    let mut tried = BTreeMap::<PathBuf, usize>::new();
    for (path, bytes) in sound.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        for round in 0..60 {
            let place = match round {
                0..20 => round * 7 % bytes.len(),
                _ => numbers.below(bytes.len()),
            };
            let mut changed = bytes.clone();
            changed[place] ^= 1 << numbers.below(8);
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
    assert_eq!(tried.len(), 4, "key, copy, database, journal");
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
        if let Err(error) = opened {
            assert!(
                matches!(error, StoreError::Damaged { .. }),
                "{name}: {error}"
            );
        }
        restore();
    }
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
}

#[test]
fn a_killed_edit_loses_nothing_that_was_acknowledged() {
    let (_folder, dir) = made();
    let mut numbers = Numbers(7);
    let mut acknowledged = BTreeSet::new();
    let mut sent = BTreeSet::new();
    let mut cut_short = 0;
    for round in 0..25 {
        let mut child = Command::new(PROGRAM)
            .args(["edit", "--stdin", "--passphrase-fd", "0", "--store"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let lines: Vec<String> = (0..5000).map(|n| format!("r{round}n{n}")).collect();
        sent.extend(lines.iter().cloned());
        let writer = thread::spawn({
            let lines = lines.clone();
            move || {
                let _ = stdin.write_all(b"correct horse\n");
                for id in &lines {
                    let line = format!(
                        "{{\"op\":\"add\",\"id\":\"{id}\",\"instance\":\"1.2\",\"shape\":\"point\",\"points\":[[1,2,3]]}}\n"
                    );
                    if stdin.write_all(line.as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
        // The moment counts from the first answer, so that it falls among the edits.
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        answers.read_line(&mut first).unwrap();
        let delay = numbers.below(20_000) as u64;
        thread::sleep(Duration::from_micros(delay));
        child.kill().unwrap();
        let mut rest = String::new();
        answers.read_to_string(&mut rest).unwrap();
        child.wait().unwrap();
        writer.join().unwrap();
        let all = first + &rest;
        let mut count = 0;
        for line in all.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
            let number: usize = line.trim().strip_prefix("ACK ").unwrap().parse().unwrap();
            // The answers count the lines after the passphrase.
            acknowledged.insert(lines[number - 1].clone());
            count += 1;
        }
        cut_short += usize::from(count < lines.len());
        let begin = Instant::now();
        let store = Store::open(&dir, &pass()).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2));
        assert_eq!(store.journal_damage(), None, "no repair by hand");
        let kept: BTreeSet<String> = store.marks().iter().map(|m| m.id.0.clone()).collect();
        assert_eq!(acknowledged.difference(&kept).count(), 0, "round {round}");
        assert_eq!(kept.difference(&sent).count(), 0);
    }
    assert!(acknowledged.len() > 25, "{} edits", acknowledged.len());
    assert!(
        cut_short >= 20,
        "{cut_short} rounds were killed while editing"
    );
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
}

#[test]
fn edit_answers_every_line() {
    let (_folder, dir) = made();
    let lines = [
        r#"{"op":"add","id":"n1","study":"1.2","series":"1.2.3","instance":"1.2.3.4","frame":1,"space":"patient","shape":"line","points":[[12.5,-40,101.25],[18,-36.5,101.25]],"label":"结节"}"#,
        r#"{"op":"add","instance":"1.2.3.1.8","space":"pixel","shape":"polygon","points":[[10,10],[20,10],[20,30]]}"#,
        "",
        r#"{"op":"relabel","id":"n1","label":"granuloma"}"#,
        r#"{"op":"reshape","id":"n1","shape":"point","points":[[1,2,3]]}"#,
        r#"{"op":"remove","id":"n2"}"#,
        r#"{"op":"add","id":"n1","instance":"1","shape":"point","points":[[1,2]]}"#,
        r#"{"op":"add","id":"n3","instance":"1","shape":"line","points":[[1,2]]}"#,
        r#"{"op":"add","id":"n3","instance":"1","shape":"point","points":[[1e308,2,3]],"colour":"CANARY"}"#,
        r#"{"op":"CANARY"}"#,
        r#"{"op":"add","id":"n4""#,
        "\u{FEFF}",
        r#"{"op":"undo"}"#,
        r#"{"op":"undo"}"#,
        r#"{"op":"redo"}"#,
        r#"{"op":"redo"}"#,
        r#"{"op":"redo"}"#,
        r#"{"op":"add","id":"z","instance":"1","frame":0,"shape":"point","points":[[1,2]]}"#,
        r#"{"op":"code","id":"n1","code":{"value":"27925004","scheme":"SCT","meaning":"Nodule"}}"#,
        r#"{"op":"group","id":"n1","group":"right lung"}"#,
        r#"{"op":"lock","id":"n1","on":true}"#,
        r#"{"op":"hide","id":"n1","on":true}"#,
        r#"{"op":"remove","id":"n1"}"#,
        r#"{"op":"key-image","study":"1.2","instance":"1.2.3.4","frame":2,"on":true}"#,
        r#"{"op":"key-image","instance":"1.2.3.4","frame":1,"on":false}"#,
        r#"{"op":"read-status","study":"1.2","status":"final"}"#,
        r#"{"op":"read-status","study":"1.2","status":"CANARY"}"#,
        r#"{"op":"report","study":"1.2","text":"Nodule 结节"}"#,
        r#"{"op":"add","id":"a","instance":"1","shape":"arrow","points":[[1,2],[3,4]],"author":{"model":{"id":"m","version":"2"}}}"#,
        r#"{"op":"add","id":"b","instance":"1","shape":"cobb","points":[[1,2],[3,4],[5,6]]}"#,
    ];
    let output = run(
        &dir,
        "correct horse",
        &["edit", "--stdin"],
        &lines.join("\n"),
    );
    let answers: Vec<String> = text(&output.stdout)
        .lines()
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    let id = answers[1].strip_prefix("ACK 2 ").unwrap().to_owned();
    assert_eq!(id.len(), 36);
    let expected = [
        "ACK 1",
        &format!("ACK 2 {id}"),
        "ACK 4",
        "ACK 5",
        "ERR 6 MISSING",
        "ERR 7 EXISTS",
        "ERR 8 INVALID",
        "ERR 9 NOT_AN_OPERATION",
        "ERR 10 NOT_AN_OPERATION",
        "ERR 11 NOT_JSON",
        "ERR 12 NOT_JSON",
        "ACK 13",
        "ACK 14",
        "ACK 15",
        "ACK 16",
        "ERR 17 NOTHING",
        "ERR 18 INVALID",
        "ACK 19",
        "ACK 20",
        "ACK 21",
        "ACK 22",
        "ERR 23 LOCKED",
        "ACK 24",
        "ERR 25 MISSING",
        "ACK 26",
        "ERR 27 NOT_AN_OPERATION",
        "ACK 28",
        "ACK 29",
        "ERR 30 INVALID",
    ];
    assert_eq!(answers, expected);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stdout).contains("CANARY"));

    let list = run(&dir, "correct horse", &["edit", "--list"], "");
    assert_eq!(list.status.code(), Some(0));
    let lines: Vec<Value> = text(&list.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let (marks, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|l| l["op"] == "add");
    assert_eq!(marks.len(), 3);
    assert_eq!(others.len(), 3);
    let first = marks.iter().find(|m| m["id"] == "n1").unwrap();
    assert_eq!(first["label"], "granuloma");
    assert_eq!(first["points"], json!([[1.0, 2.0, 3.0]]));
    assert_eq!(
        (&first["locked"], &first["hidden"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(first["code"]["meaning"], "Nodule");

    // What is listed can be put into another store, and is then the same.
    let (_other, second) = made();
    let copied = run(
        &second,
        "correct horse",
        &["edit", "--stdin"],
        &text(&list.stdout),
    );
    assert_eq!(copied.status.code(), Some(0));
    let again = run(&second, "correct horse", &["edit", "--list"], "");
    assert_eq!(again.stdout, list.stdout);
}

#[test]
fn the_command_line_tells_its_refusals_apart() {
    let (_folder, dir) = made();
    let code = |output: &Output| output.status.code();
    let without = |arguments: &[&str], dir: &Path| {
        Command::new(PROGRAM)
            .args(arguments)
            .arg("--store")
            .arg(dir)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    for command in [
        &["list"][..],
        &["record", "show", "p"],
        &["edit", "--list"],
        &["store", "verify"],
        &["record", "import", "x.json"],
    ] {
        let output = without(command, &dir);
        assert_eq!(code(&output), Some(6), "{command:?}");
        assert!(
            text(&output.stderr).contains("--passphrase-fd"),
            "{command:?}"
        );
        let wrong = run(&dir, "wrong", command, "");
        assert_eq!(code(&wrong), Some(6), "{command:?}");
        assert!(
            text(&wrong.stderr).contains("wrong passphrase"),
            "{command:?}"
        );
    }
    let status = without(&["store", "status", "--json"], &dir);
    let value: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (code(&status), &value["state"]),
        (Some(0), &json!("locked"))
    );
    assert_eq!(value["kdf"]["memory_kib"], 32);
    let status = run(&dir, "correct horse", &["store", "status", "--json"], "");
    let value: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(value["state"], "open");

    let before = contents(&dir);
    assert_eq!(code(&run(&dir, "other", &["store", "init"], "")), Some(3));
    assert!(contents(&dir) == before);
    let nowhere = dir.join("nowhere");
    assert_eq!(code(&run(&nowhere, "x", &["list"], "")), Some(9));
    assert!(!nowhere.exists());
    assert_eq!(code(&run(&nowhere, "", &["store", "init"], "")), Some(2));

    // The real cost is at least 64 MiB and three passes, and is written down.
    let real = dir.with_file_name("real");
    assert_eq!(code(&run(&real, "x", &["store", "init"], "")), Some(0));
    let cost = Store::key_status(&real).unwrap().cost;
    assert!(cost.memory_kib >= 64 << 10 && cost.passes >= 3);
    assert_eq!(code(&run(&real, "x", &["store", "verify"], "")), Some(0));

    // The passphrase through a descriptor of its own.
    let secret = dir.with_file_name("secret");
    fs::write(&secret, "correct horse\nnot this").unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("exec \"$0\" list --store \"$1\" --passphrase-fd 3 3<\"$2\"")
        .args([PROGRAM.as_ref(), dir.as_os_str(), secret.as_os_str()])
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(0));
    let closed = Command::new(PROGRAM)
        .args(["list", "--passphrase-fd", "77", "--store"])
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(code(&closed), Some(6));

    let mut bytes = before[&dir.join("edits.journal")].clone();
    bytes[40] ^= 1;
    fs::write(dir.join("edits.journal"), bytes).unwrap();
    let add = r#"{"op":"add","instance":"1","shape":"point","points":[[1,2]]}"#;
    let output = run(&dir, "correct horse", &["edit", "--stdin"], add);
    assert_eq!(code(&output), Some(8));
    assert!(text(&output.stdout).starts_with("ERR 1 DAMAGED"));
    let output = run(&dir, "correct horse", &["store", "verify", "--json"], "");
    assert_eq!(code(&output), Some(8));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["sound"], false);
}

#[test]
fn bundles_are_imported_and_shown_by_the_command_line() {
    let (folder, dir) = made();
    let good = folder.path().join("good.json");
    let value = json!({"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p"},
        "code": {"text": "Sodium"}, "valueQuantity": {"value": 140, "unit": "mmol/L"}});
    fs::write(
        &good,
        bundle(&[patient("p", "Byron", "1815-12-10", "77"), value]),
    )
    .unwrap();
    let bad = folder.path().join("bad.json");
    fs::write(&bad, "{\"resourceType\":\n").unwrap();
    let deep = folder.path().join("deep.json");
    fs::write(&deep, "[".repeat(100_000)).unwrap();
    let import = |files: &[&Path]| {
        let mut arguments = vec!["record", "import", "--json"];
        arguments.extend(files.iter().map(|f| f.to_str().unwrap()));
        let output = run(&dir, "correct horse", &arguments, "");
        let lines: Vec<Value> = text(&output.stdout)
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        (output.status.code(), lines)
    };
    let (code, lines) = import(&[&good]);
    assert_eq!(code, Some(0));
    assert_eq!(lines.len(), 2);
    let summary = &lines[1]["summary"];
    assert_eq!(summary["counts"], json!({"Observation": 1, "Patient": 1}));
    assert_eq!(
        (&summary["new"], &summary["rejected"]),
        (&json!(2), &json!(0))
    );
    let (code, lines) = import(&[&good]);
    assert_eq!(
        (code, &lines[1]["summary"]["unchanged"]),
        (Some(0), &json!(2))
    );
    let (code, lines) = import(&[&bad]);
    assert_eq!(
        (code, &lines[0]["code"]),
        (Some(3), &json!("FHIR_NOT_JSON"))
    );
    assert!(
        lines[0]["detail"]
            .as_str()
            .unwrap()
            .contains("line 2, column 1")
    );
    let (code, lines) = import(&[&deep]);
    assert_eq!((code, &lines[0]["outcome"]), (Some(4), &json!("limit")));
    assert_eq!(import(&[&folder.path().join("none.json")]).0, Some(9));
    let (code, lines) = import(&[&bad, &good, &deep]);
    assert_eq!((code, lines.len()), (Some(1), 4));
    assert_eq!(lines[3]["summary"]["rejected"], 2);

    for name in ["p", "77"] {
        let output = run(
            &dir,
            "correct horse",
            &["record", "show", name, "--json"],
            "",
        );
        assert_eq!(output.status.code(), Some(0));
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(value["counts"], json!({"Observation": 1, "Patient": 1}));
        assert_eq!(value["observations"][0]["values"][0]["value"], 140.0);
        assert_eq!(value["patient"]["name"], "[redacted]");
    }
    let show = ["record", "show", "p", "--json", "--show-phi"];
    let value: Value =
        serde_json::from_slice(&run(&dir, "correct horse", &show, "").stdout).unwrap();
    assert_eq!(value["patient"]["name"], "Byron, Ada");
    let nobody = run(&dir, "correct horse", &["record", "show", "nobody"], "");
    assert_eq!(nobody.status.code(), Some(3));
    let list = run(&dir, "correct horse", &["list", "--json"], "");
    let value: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(value["records"][0]["resources"], 2);
    assert_eq!(value["studies"], json!([]));
}

#[test]
fn importing_again_changes_nothing_and_nobody_is_merged() {
    let mut store = Store::throw_away().unwrap();
    let first = bundle(&[patient("p", "Byron", "1815-12-10", "77")]);
    let report = store.import_bundle(&first).unwrap();
    assert_eq!((report.new, report.unchanged, report.replaced), (1, 0, 0));
    let report = store.import_bundle(&first).unwrap();
    assert_eq!((report.new, report.unchanged, report.replaced), (0, 1, 0));
    // A married name: the same person.
    let married = bundle(&[patient("p", "King", "1815-12-10", "77")]);
    assert_eq!(store.import_bundle(&married).unwrap().replaced, 1);
    assert_eq!(store.patients().unwrap().len(), 1);
    // The same logical id from elsewhere: another person.
    for other in [
        patient("p", "Babbage", "1791-12-26", "77"),
        patient("p", "Babbage", "1815-12-10", "5"),
    ] {
        let before = store.resources("p").unwrap();
        let error = store.import_bundle(&bundle(&[other])).unwrap_err();
        assert!(matches!(error, StoreError::PatientConflict));
        assert_eq!(store.resources("p").unwrap(), before);
    }
    // An error in the file leaves the store as it was.
    let mut broken = bundle(&[patient("q", "Hopper", "1906-12-09", "8")]);
    broken.pop();
    assert!(matches!(
        store.import_bundle(&broken),
        Err(StoreError::Fhir(_))
    ));
    assert_eq!(store.sizes().unwrap().patients, 1);
    // The text comes out as it went in.
    let kept = store.resources("p").unwrap();
    assert_eq!(
        kept[0].json,
        patient("p", "King", "1815-12-10", "77").to_string()
    );
}

#[test]
fn a_record_is_found_by_identity_and_never_on_a_doubt() {
    let mut store = Store::throw_away().unwrap();
    let resources = [
        patient("p", "Byron", "1815-12-10", "77"),
        patient("twin-1", "Noether", "1882-03-23", "5"),
        patient("twin-2", "Noether", "1882-03-23", "5"),
        json!({"resourceType": "Patient", "id": "plain", "birthDate": "1903-02-02",
            "gender": "female", "name": [{"family": "Sophie", "given": ["Anna"]}]}),
    ];
    store.import_bundle(&bundle(&resources)).unwrap();
    let word = |who: PatientIdentity| match store.find_record(&who).unwrap() {
        RecordMatch::Same(record) => format!("same {}", record.fhir_id),
        RecordMatch::Unsure(record, _) => format!("unsure {}", record.fhir_id),
        RecordMatch::Mismatch(reason) => format!("mismatch: {reason}"),
        RecordMatch::None => "none".into(),
    };
    assert_eq!(word(dicom("77", "BYRON^ADA", "18151210")), "same p");
    // The near miss: the number of one, the name or birth date of another.
    assert_eq!(
        word(dicom("77", "NOETHER^ADA", "18151210")),
        "mismatch: the names differ"
    );
    assert_eq!(
        word(dicom("77", "BYRON^ADA", "18151211")),
        "mismatch: the birth dates differ"
    );
    assert_eq!(word(dicom("77", "", "18151210")), "unsure p");
    assert_eq!(word(dicom("", "BYRON^ADA", "18151210")), "unsure p");
    // Another number with the same name and birth date is somebody else.
    assert_eq!(word(dicom("78", "BYRON^ADA", "18151210")), "none");
    assert_eq!(word(dicom("5", "NOETHER^ADA", "18820323")), "unsure twin-1");
    assert_eq!(word(dicom("9", "SOPHIE^ANNA", "19030202")), "unsure plain");
    assert_eq!(word(dicom("9", "NOBODY^ANNA", "19030202")), "none");
    assert_eq!(word(PatientIdentity::default()), "none");
    assert_eq!(store.patient_by_any_id("5").unwrap(), None, "two have it");
    assert_eq!(store.patient_by_any_id("77").unwrap().as_deref(), Some("p"));
}

fn instance(
    path: &Path,
    who: &PatientIdentity,
    study: &str,
    series: &str,
    number: i32,
) -> Arc<Instance> {
    Arc::new(Instance {
        source: Source {
            path: path.into(),
            kind: SourceKind::Dicom,
            bytes: 1000,
            member: None,
        },
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        sop_instance_uid: format!("{series}.{number}"),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        patient: Arc::new(who.clone()),
        study: Arc::new(StudyDescription {
            uid: study.into(),
            date: Date::parse("20200102"),
            time: "10:11:12".into(),
            description: "Chest".into(),
            ..StudyDescription::default()
        }),
        series: Arc::new(SeriesDescription {
            uid: series.into(),
            modality: if series.ends_with('1') { "CT" } else { "SR" }.into(),
            number: Some(1),
            ..SeriesDescription::default()
        }),
        instance_number: Some(number),
        technique: Technique::default(),
        pet: None,
        object: None,
        image: None,
        findings: Vec::new(),
    })
}

#[test]
fn studies_are_indexed_and_patients_kept_apart() {
    let mut store = Store::throw_away().unwrap();
    let ada = dicom("77", "BYRON^ADA", "18151210");
    let emmy = dicom("5", "NOETHER^EMMY", "18820323");
    #[cfg(unix)]
    let odd: PathBuf = {
        use std::os::unix::ffi::OsStrExt as _;
        std::ffi::OsStr::from_bytes(b"/data/\xFF\xFE.dcm").into()
    };
    #[cfg(not(unix))]
    let odd = PathBuf::from("/data/odd.dcm");
    let files = [
        instance(Path::new("/data/b.dcm"), &ada, "1.9", "1.9.1", 2),
        instance(&odd, &ada, "1.9", "1.9.1", 1),
        instance(Path::new("/data/c.dcm"), &ada, "1.9", "1.9.2", 1),
        // The same Study Instance UID for another patient: two rows, never one.
        instance(Path::new("/data/d.dcm"), &emmy, "1.9", "1.9.1", 3),
    ];
    let report = store.index_instances(&files).unwrap();
    assert_eq!((report.new, report.again), (4, 0));
    let report = store.index_instances(&files[..2]).unwrap();
    assert_eq!((report.new, report.again), (0, 2));
    let studies = store.studies().unwrap();
    assert_eq!(studies.len(), 2);
    let of_ada = studies.iter().find(|s| s.patient == ada).unwrap();
    assert_eq!(
        (of_ada.series, of_ada.instances, of_ada.bytes),
        (2, 3, 3000)
    );
    assert_eq!(of_ada.modalities, ["CT", "SR"]);
    assert_eq!(of_ada.date, Date::parse("20200102"));
    let files_of_study = store.study_files("1.9").unwrap();
    assert_eq!(files_of_study.len(), 4);
    assert_eq!(files_of_study[0], odd);
    // A file that now holds something else leaves nothing behind.
    let moved = instance(Path::new("/data/d.dcm"), &ada, "1.9", "1.9.2", 4);
    store.index_instances(&[moved]).unwrap();
    assert_eq!(store.studies().unwrap().len(), 1);
}

#[test]
fn a_throw_away_store_leaves_nothing() {
    let mut store = Store::throw_away().unwrap();
    let dir = store.dir().to_owned();
    store.commit(&[add("a")]).unwrap();
    assert!(dir.join("store.db").exists());
    drop(store);
    assert!(!dir.exists());
    assert!(!dir.parent().unwrap().exists());
}

#[test]
fn undo_survives_a_restart() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    store.commit(&[add("a")]).unwrap();
    store.commit(&[add("b")]).unwrap();
    drop(store);
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.can_undo_redo(), (true, false));
    store.undo().unwrap().unwrap();
    drop(store);
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert_eq!(store.marks().len(), 1);
    store.redo().unwrap().unwrap();
    assert_eq!(store.marks().len(), 2);
    store.undo().unwrap().unwrap();
    store.undo().unwrap().unwrap();
    assert_eq!(store.undo().unwrap(), None);
}

/// Runs a script in a mount namespace of its own; `None` where the system does not allow it.
pub fn in_namespace(script: &str, arguments: &[&Path]) -> Option<Output> {
    let allowed = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"])
        .output()
        .is_ok_and(|o| o.status.success());
    allowed.then(|| {
        Command::new("unshare")
            .args(["-m", "sh", "-c", script, PROGRAM])
            .args(arguments)
            .output()
            .unwrap()
    })
}

#[test]
fn a_full_disk_is_said_and_nothing_false_is_acknowledged() {
    let (folder, dir) = made();
    let label = "x".repeat(20_000);
    let lines: String = (0..200)
        .map(|n| {
            format!(
                "{{\"op\":\"add\",\"id\":\"m{n}\",\"instance\":\"1\",\"shape\":\"point\",\"points\":[[1,2]],\"label\":\"{label}\"}}\n"
            )
        })
        .collect();
    let input = folder.path().join("input");
    fs::write(&input, format!("correct horse\n{lines}")).unwrap();
    let script = "mount -t tmpfs -o size=1m none /mnt && cp -r \"$1\" /mnt/store && \
        \"$0\" edit --stdin --store /mnt/store --passphrase-fd 0 <\"$2\"; echo \"exit $?\"; \
        echo 'correct horse' | \"$0\" edit --list --store /mnt/store --passphrase-fd 0 | wc -l";
    let Some(output) = in_namespace(script, &[&dir, &input]) else {
        println!("skipped: no mount namespaces here");
        return;
    };
    let text = text(&output.stdout);
    let acknowledged = text.lines().filter(|l| l.starts_with("ACK")).count();
    let refused = text.lines().filter(|l| l.contains("NOT_SAVED")).count();
    assert!(acknowledged > 5, "{text:.300}");
    assert!(refused > 100);
    assert!(text.contains("NOT saved"));
    assert!(text.contains("exit 9"), "{}", &text[text.len() - 40..]);
    let listed: usize = text.lines().last().unwrap().trim().parse().unwrap();
    assert_eq!(
        listed, acknowledged,
        "what was acknowledged is there, and only that"
    );
}

#[test]
fn a_read_only_folder_is_said() {
    let (_folder, dir) = made();
    let script = "mount -t tmpfs none /mnt && cp -r \"$1\" /mnt/store && \
        mount -o remount,ro /mnt && cd / && \
        for command in 'store init --store /mnt/new' 'list --store /mnt/store'; do \
        echo 'correct horse' | \"$0\" $command --passphrase-fd 0; echo \"exit $?\"; done";
    let Some(output) = in_namespace(script, &[&dir]) else {
        println!("skipped: no mount namespaces here");
        return;
    };
    assert_eq!(
        text(&output.stdout),
        "exit 7\nexit 7\n",
        "{}",
        text(&output.stderr)
    );
    assert!(text(&output.stderr).to_lowercase().contains("read-only"));
}

/// The store that a version of the formats wrote; every later version must open it.
fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/journal-v{version}"))
}

/// A copy of it that may be written on.
fn golden_copy(version: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in contents(&golden(version)) {
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
    let dir = golden(2);
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
}

#[test]
fn the_store_of_version_2_opens() {
    let folder = golden_copy(2);
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
    let folder = golden_copy(1);
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
    let folder = golden_copy(1);
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
