//! The store: keys, journal, database, and the command line on top of them.

mod access;
mod command_line;
mod damage;
mod durable;
mod kept;
#[cfg(feature = "screen")]
mod kept_window;
mod log;
mod opening;
mod records;
pub mod remembering;
mod upkeep;
mod versions;

use crate::support::PROGRAM;
use glam::DVec3;
use negatoscope::{
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
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

fn pass() -> Passphrase {
    Passphrase::new("correct horse")
}

/// A folder with an empty store in it.
pub fn made() -> (TempDir, PathBuf) {
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
pub fn run(dir: &Path, passphrase: &str, arguments: &[&str], input: &str) -> Output {
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

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
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
