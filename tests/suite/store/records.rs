//! Records and the index of studies.

use super::{bundle, dicom, instance, made, pass, patient, run, text};
use negatoscope::{
    model::{date::Date, identity::PatientIdentity},
    store::{RecordMatch, Store, StoreError},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn what_searching_needs_is_made_ready_a_little_at_a_time() {
    let (_folder, dir) = made();
    let mut store = Store::open(&dir, &pass()).unwrap();
    assert!(!store.tend_derived().unwrap(), "there is nobody");
    assert!(!dir.join("derived.db").exists());
    for n in 0..40 {
        let person = patient(&format!("p{n}"), "Byron", "1815-12-10", &n.to_string());
        let fever = json!({"resourceType": "Condition", "id": format!("c{n}"), "code": {"text": "Fever"},
            "subject": {"reference": format!("Patient/p{n}")}});
        store.import_bundle(&bundle(&[person, fever])).unwrap();
    }
    assert_eq!(store.sizes().unwrap().patients, 40);
    let mut steps = 1;
    while store.tend_derived().unwrap() {
        steps += 1;
    }
    assert!(steps >= 3, "{steps}");
    let found = store.search_records("fever", None, 99).unwrap().len();
    assert_eq!(found, 40);
    assert!(!store.tend_derived().unwrap(), "all is there");
    assert_eq!(
        store.search_records("fever", None, 99).unwrap().len(),
        found
    );
    store.erase_patient("7").unwrap();
    assert!(
        store
            .search_records("fever", Some("p7"), 99)
            .unwrap()
            .is_empty()
    );
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
