//! Nothing that identifies a patient lies readable on the disk or is printed without being asked for.

use crate::bad_input::build::Slice;
use negatoscope::{
    clinical::read_bundle,
    dicom::{
        archive::Keyring,
        guard::Limits,
        scan::{ScanOptions, read_instance},
    },
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        date::Date,
        edit::Edit,
        identity::{PatientIdentity, PersonName, Phi, Sex},
        study::{Instance, SeriesDescription, Source, SourceKind, StudyDescription, Technique},
    },
    store::{KdfCost, Passphrase, Store},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_negatoscope");
const PASSPHRASE: &str = "Kanarienpassphrase";
const FAMILY: &str = "Kanarienvogel";
const HAN: &str = "金丝雀";
const HAN_GB18030: &[u8] = b"\xBD\xF0\xCB\xBF\xC8\xB8";
const NUMBER: &str = "CANARY-4711";
const BIRTH: &str = "1887-06-05";
const LABEL: &str = "canary label 金丝雀";
const PATH: &str = "/scans/canary-folder/image.dcm";
const ACCESSION: &str = "ACC-CANARY-1";
const CONDITION: &str = "Canary fever";
/// What identifies the patient, as text.
const IDENTITY: [&str; 6] = [FAMILY, HAN, NUMBER, BIRTH, "18870605", ACCESSION];
/// All that must not lie readable on the disk.
const SECRET: [&str; 10] = [
    FAMILY, HAN, NUMBER, BIRTH, "18870605", ACCESSION, LABEL, PATH, CONDITION, PASSPHRASE,
];

fn bundle() -> Vec<u8> {
    let patient = json!({"resourceType": "Patient", "id": "canary-id", "birthDate": BIRTH, "gender": "female",
        "name": [{"family": FAMILY, "given": [HAN]}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": NUMBER}]});
    let condition = json!({"resourceType": "Condition", "id": "c", "code": {"text": CONDITION},
        "subject": {"reference": "Patient/canary-id"}});
    json!({"resourceType": "Bundle", "type": "collection",
        "entry": [{"resource": patient}, {"resource": condition}]})
    .to_string()
    .into_bytes()
}

fn identity() -> PatientIdentity {
    PatientIdentity {
        name: Phi::new(PersonName::parse(&format!("{FAMILY}^Tweety={HAN}"))),
        id: Phi::new(NUMBER.into()),
        issuer: Phi::new("CANARY-ISSUER".into()),
        birth_date: Phi::new(Date::parse(BIRTH)),
        sex: Phi::new(Sex::Female),
        synthetic: false,
    }
}

fn instance() -> Arc<Instance> {
    Arc::new(Instance {
        source: Source {
            path: Path::new(PATH).into(),
            kind: SourceKind::Dicom,
            bytes: 1,
            member: None,
        },
        sop_class_uid: "1.2".into(),
        sop_instance_uid: "1.2.3".into(),
        transfer_syntax_uid: "1.2".into(),
        patient: Arc::new(identity()),
        study: Arc::new(StudyDescription {
            uid: "1.9".into(),
            accession_number: Phi::new(ACCESSION.into()),
            ..StudyDescription::default()
        }),
        series: Arc::new(SeriesDescription::default()),
        instance_number: None,
        technique: Technique::default(),
        pet: None,
        object: None,
        image: None,
        findings: Vec::new(),
    })
}

fn edit() -> Edit {
    let target = AnnotationTarget {
        study_uid: "1.9".into(),
        series_uid: "1.9.1".into(),
        instance_uid: "1.2.3".into(),
        frame: 1,
        frame_of_reference_uid: String::new(),
    };
    let shape = Shape::new(MarkKind::Point, [glam::DVec3::ONE]);
    Edit::Add(Annotation {
        label: LABEL.into(),
        ..Annotation::new(
            AnnotationId("mark".into()),
            target,
            PointSpace::Pixel,
            shape,
        )
    })
}

/// A store full of canaries; the open store comes along.
fn filled(dir: &Path) -> Store {
    let mut store = Store::create(dir, &Passphrase::new(PASSPHRASE), KdfCost::CHEAP).unwrap();
    store.import_bundle(&bundle()).unwrap();
    store.index_instances(&[instance()]).unwrap();
    store.commit(&[edit()]).unwrap();
    store
}

/// A file of the patient in the store: its name, what is in it, and the folder where it lay tell whose it is.
fn keep_file(store: &mut Store) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("canary-folder");
    fs::create_dir(&folder).unwrap();
    let path = Slice {
        patient: ("KANARIENVOGEL^TWEETY", NUMBER),
        ..Slice::default()
    }
    .text(0x0010, 0x0030, b"DA", "18870605")
    .text(0x0008, 0x0050, b"SH", ACCESSION)
    .text(0x0008, 0x0005, b"CS", "GB18030")
    .with(
        0x0010,
        0x0010,
        b"PN",
        &[FAMILY.as_bytes(), b"=", HAN_GB18030].concat(),
    )
    .write(&folder, &format!("{FAMILY}.dcm"));
    assert!(contains(&fs::read(&path).unwrap(), HAN_GB18030));
    let instance = read_instance(&path, &ScanOptions::default()).unwrap();
    assert_eq!(instance.patient.name.reveal().ideographic, HAN);
    let keeping = store.keeping().unwrap();
    let sealed = keeping.seal(&instance, &Limits::default(), &Keyring::default());
    store.settle_kept(&[sealed.unwrap().unwrap()]).unwrap();
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else {
            found.push(path);
        }
    }
    found
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// A canary in every encoding that the program could have written.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    vec![text.as_bytes().to_vec(), little, big]
}

fn assert_unreadable(dir: &Path) {
    let files = files_below(dir);
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let name = file.to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        for canary in SECRET {
            assert!(!name.contains(canary), "the name of {name}");
            for needle in encodings(canary) {
                assert!(!contains(&bytes, &needle), "{canary} in {name}");
            }
        }
        assert!(!contains(&bytes, HAN_GB18030), "GB18030 in {name}");
        assert!(!contains(&bytes, b"SQLite format 3"), "{name}");
        assert!(!contains(&bytes, b"resourceType"), "{name}");
        assert!(!name.contains("canary-folder"), "{name}");
    }
}

#[test]
fn no_file_of_a_store_is_readable() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    let mut store = filled(&dir);
    assert_unreadable(&dir);
    keep_file(&mut store);
    assert_eq!(store.kept_size().unwrap().0, 1);
    assert_unreadable(&dir);
    // Also while the write-ahead log is full.
    for number in 0..50 {
        let value =
            json!({"resourceType": "Basic", "id": format!("b{number}"), "text": SECRET.concat()});
        store.import_bundle(value.to_string().as_bytes()).unwrap();
    }
    assert_unreadable(&dir);
    drop(store);
    assert_unreadable(&dir);
    // And it is all there.
    let store = Store::open(&dir, &Passphrase::new(PASSPHRASE)).unwrap();
    assert_eq!(store.patients().unwrap()[0].identity.id.reveal(), NUMBER);
    let studies = store.studies().unwrap();
    assert!(studies.iter().all(|s| s.accession.reveal() == ACCESSION));
    assert_eq!(studies.iter().map(|s| s.kept).sum::<usize>(), 1);
    assert_eq!(store.marks().iter().next().unwrap().label, LABEL);
    assert_eq!(
        store.record("canary-id").unwrap().conditions[0]
            .code
            .display,
        CONDITION
    );
}

#[test]
fn the_search_for_canaries_finds_them() {
    let folder = tempfile::tempdir().unwrap();
    for (number, bytes) in encodings(HAN).into_iter().enumerate() {
        fs::write(folder.path().join(number.to_string()), bytes).unwrap();
    }
    for number in 3..6 {
        fs::write(folder.path().join(number.to_string()), b"harmless").unwrap();
    }
    let dir = folder.path().to_owned();
    assert!(std::panic::catch_unwind(|| assert_unreadable(&dir)).is_err());
}

#[test]
fn a_throw_away_store_is_unreadable_too() {
    let mut store = Store::throw_away().unwrap();
    store.import_bundle(&bundle()).unwrap();
    store.commit(&[edit()]).unwrap();
    assert_unreadable(store.dir());
}

#[test]
fn debug_and_errors_reveal_nobody() {
    let mut store = Store::throw_away().unwrap();
    let report = store.import_bundle(&bundle()).unwrap();
    store.index_instances(&[instance()]).unwrap();
    let mut printed = vec![
        format!("{store:?} {report:?}"),
        format!("{:?}", store.patients().unwrap()),
        format!("{:?}", store.studies().unwrap()),
        format!("{:?}", store.record("canary-id").unwrap()),
        format!("{:?}", store.find_record(&identity()).unwrap()),
        format!("{:?}", store.resources("canary-id").unwrap()),
        format!("{:?}", Passphrase::new(PASSPHRASE)),
        format!("{:?}", read_bundle(&bundle()).unwrap()),
    ];
    // Every way to break the file, cut and changed, says where and never what.
    let whole = bundle();
    for place in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[place] = b'{';
        for bytes in [&whole[..place], &changed] {
            if let Err(error) = store.import_bundle(bytes) {
                printed.push(format!("{error} {error:?}"));
            }
        }
    }
    assert!(printed.len() > 50);
    for text in printed {
        for canary in IDENTITY.iter().chain(&["canary-id", PASSPHRASE]) {
            assert!(!text.contains(canary), "{canary}: {text}");
        }
    }
}

fn run(dir: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .arg("--store")
        .arg(dir)
        .args(["--passphrase-fd", "0"])
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(format!("{PASSPHRASE}\n{input}").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn the_command_line_prints_identity_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    drop(filled(&dir));
    let file = folder.path().join("bundle.json");
    fs::write(&file, bundle()).unwrap();
    let broken = folder.path().join("broken.json");
    fs::write(&broken, &bundle()[..200]).unwrap();
    let (file, broken) = (file.to_str().unwrap(), broken.to_str().unwrap());
    let commands: [&[&str]; 8] = [
        &["list"],
        &["record", "show", NUMBER],
        &["record", "show", "canary-id"],
        &["record", "show", "CANARY-4712"],
        &["record", "import", file],
        &["record", "import", file, broken],
        &["store", "status"],
        &["store", "verify"],
    ];
    for command in commands {
        for json in [false, true] {
            let mut arguments = command.to_vec();
            if json {
                arguments.push("--json");
            }
            let text = run(&dir, &arguments, "");
            assert!(!text.is_empty(), "{command:?}");
            for canary in IDENTITY
                .iter()
                .chain(&["canary-id", "CANARY-4712", PASSPHRASE])
            {
                assert!(!text.contains(canary), "{canary} in {command:?}: {text}");
            }
        }
    }
    let bad = format!("{{\"op\":\"add\",\"label\":\"{LABEL}\",\"{FAMILY}\":1}}\n{FAMILY}\n");
    let text = run(&dir, &["edit", "--stdin"], &bad);
    assert!(!text.contains(FAMILY) && !text.contains(LABEL), "{text}");
    let shown = run(
        &dir,
        &["record", "show", NUMBER, "--json", "--show-phi"],
        "",
    );
    let value: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(value["patient"]["id"], NUMBER);
    assert_eq!(value["patient"]["birth_date"], BIRTH);
}
