//! The quality of data: against the real bundles with defects put into them, through a store whose corrections are
//! taken back, and on the command line.

use crate::{
    store::{made, run, text},
    support::{self, Dice},
};
use negatoscope::{
    clinical::{
        quality::{Defect, Quality, Rule, text_mark},
        read_bundle,
    },
    model::{date::Date, edit::Edit, identity::Phi},
    store::{Passphrase, Store, StoreError, amend::place_of},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

fn today() -> Option<Date> {
    Date::parse("2024-06-01")
}

/// The entries of the real bundles.
fn bundles() -> Vec<Vec<Value>> {
    let mut paths: Vec<_> = fs::read_dir(support::data("fhir"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    let read = |path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let bundles = paths.into_iter().map(read);
    bundles
        .map(|b| b["entry"].as_array().unwrap().clone())
        .collect()
}

fn judged(entries: &[Value]) -> Quality {
    let text = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let mut store = Store::throw_away().unwrap();
    store.import_bundle(text.to_string().as_bytes()).unwrap();
    let patient = store.patients().unwrap()[0].fhir_id.reveal().clone();
    store.quality(&patient, today()).unwrap()
}

fn counts(quality: &Quality) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for defect in &quality.defects {
        *counts.entry(defect.rule.code()).or_default() += 1;
    }
    counts
}

/// What is found in the made-up people of Synthea is there: `record_figures.py` counts the same without this program.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn what_is_found_in_the_real_bundles_is_there() {
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    let mut resources = 0;
    for entries in bundles() {
        let quality = judged(&entries);
        resources += quality.resources;
        assert!(quality.score().unwrap() > 95.0);
        for (rule, count) in counts(&quality) {
            *all.entry(rule).or_default() += count;
        }
    }
    println!("{resources} resources: {all:?}");
    let figures: Value =
        serde_json::from_str(include_str!("../data/quality_figures.json")).unwrap();
    let expected: BTreeMap<&str, usize> = figures["defects"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(rule, count)| (rule.as_str(), count.as_u64().unwrap() as usize))
        .collect();
    assert_eq!(all, expected);
}

type Spoil = fn(&mut Value) -> bool;

fn member<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    value.pointer_mut(pointer)
}

fn is(value: &Value, kind: &str) -> bool {
    value["resourceType"] == kind
}

fn loinc(value: &Value, code: &str) -> bool {
    is(value, "Observation") && value["code"]["coding"][0]["code"] == code
}

/// Ways to spoil a resource; `false` where it is not one that can be spoiled so.
const SPOILS: &[(Rule, Spoil)] = &[
    (Rule::NoName, |v| {
        is(v, "Patient") && v.as_object_mut().unwrap().shift_remove("name").is_some()
    }),
    (Rule::NoSex, |v| {
        is(v, "Patient") && v.as_object_mut().unwrap().shift_remove("gender").is_some()
    }),
    (Rule::NoIdentifier, |v| {
        is(v, "Patient")
            && v.as_object_mut()
                .unwrap()
                .shift_remove("identifier")
                .is_some()
    }),
    (Rule::Gender, |v| {
        is(v, "Patient") && {
            v["gender"] = json!(if v["gender"] == "female" { "F" } else { "M" });
            true
        }
    }),
    (Rule::NoDate, |v| {
        is(v, "Immunization")
            && v.as_object_mut()
                .unwrap()
                .shift_remove("occurrenceDateTime")
                .is_some()
    }),
    (Rule::NoValue, |v| {
        loinc(v, "4548-4")
            && v.as_object_mut()
                .unwrap()
                .shift_remove("valueQuantity")
                .is_some()
    }),
    (Rule::BeforeBirth, |v| {
        is(v, "Immunization") && {
            v["occurrenceDateTime"] = json!("1801-01-01");
            true
        }
    }),
    (Rule::EndBeforeStart, |v| {
        is(v, "Encounter") && {
            v["period"]["end"] = json!("1990-01-01T00:00:00Z");
            v["period"]["start"] = json!("1999-01-02T00:00:00Z");
            true
        }
    }),
    (Rule::Future, |v| {
        is(v, "Immunization") && {
            v["occurrenceDateTime"] = json!("2150-01-01");
            true
        }
    }),
    (Rule::LostReference, |v| {
        is(v, "Immunization") && {
            v["encounter"] = json!({"reference": "Encounter/nowhere"});
            true
        }
    }),
    (Rule::UnitSwapped, |v| {
        // Creatinine of 88 µmol/L with the unit of the other.
        loinc(v, "38483-4") && {
            v["valueQuantity"]["value"] = json!(88.4);
            true
        }
    }),
    (Rule::UnitSwapped, |v| {
        loinc(v, "2339-0") && {
            v["valueQuantity"]["value"] = json!(5.4);
            true
        }
    }),
    (Rule::UnitSpelling, |v| {
        loinc(v, "2339-0") && {
            let value = v["valueQuantity"]["value"].clone();
            v["valueQuantity"] = json!({"value": value, "unit": "mg/dl"});
            true
        }
    }),
    (Rule::UnitMissing, |v| {
        loinc(v, "2339-0") && {
            let value = v["valueQuantity"]["value"].clone();
            v["valueQuantity"] = json!({"value": value});
            true
        }
    }),
    (Rule::UnitOfCode, |v| {
        loinc(v, "2339-0") && {
            v["valueQuantity"]["code"] = json!("kg");
            true
        }
    }),
    (Rule::Impossible, |v| {
        loinc(v, "8302-2") && {
            v["valueQuantity"]["value"] = json!(-17);
            true
        }
    }),
    (Rule::PressureSwapped, |v| {
        loinc(v, "55284-4") && {
            let Some(values) = v["component"].as_array_mut() else {
                return false;
            };
            let code = |c: &Value| c["code"]["coding"][0]["code"].clone();
            for component in values.iter_mut() {
                let swapped = if code(component) == "8480-6" { 70 } else { 120 };
                component["valueQuantity"]["value"] = json!(swapped);
            }
            values.len() == 2
        }
    }),
    (Rule::CodeMissing, |v| {
        is(v, "Condition") && {
            v["code"] = json!({"text": "Something that nobody coded"});
            true
        }
    }),
    (Rule::CodeForm, |v| {
        is(v, "Condition") && {
            // One digit of an identifier of SNOMED CT exchanged for another.
            let Some(code) = member(v, "/code/coding/0/code") else {
                return false;
            };
            let mut digits: Vec<u8> = code.as_str().unwrap().bytes().collect();
            digits[0] = if digits[0] == b'9' {
                b'1'
            } else {
                digits[0] + 1
            };
            *code = json!(String::from_utf8(digits).unwrap());
            true
        }
    }),
    (Rule::SystemMissing, |v| {
        is(v, "Procedure")
            && member(v, "/code/coding/0")
                .and_then(Value::as_object_mut)
                .is_some_and(|c| c.shift_remove("system").is_some())
    }),
    (Rule::Status, |v| {
        is(v, "Immunization") && {
            v["status"] = json!("COMPLETED ");
            true
        }
    }),
    (Rule::ActiveAndOver, |v| {
        is(v, "Condition") && v.get("abatementDateTime").is_some() && {
            v["clinicalStatus"]["coding"][0]["code"] = json!("active");
            true
        }
    }),
];

/// Each kind of defect is put into each real bundle where it can be; all are found, and nothing else comes with them.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn every_defect_put_into_the_real_bundles_is_found() {
    let keys = |quality: &Quality| -> Vec<String> {
        let mut keys: Vec<String> = quality
            .defects
            .iter()
            .map(|d| format!("{} {}/{}", d.rule.code(), d.kind, d.id))
            .collect();
        keys.sort();
        keys
    };
    let mut dice = Dice(7);
    let (mut put, mut found, mut by_rule) = (0, 0, BTreeMap::new());
    for entries in bundles() {
        let before = keys(&judged(&entries));
        // Whether a resource is sound as it is.
        let sound = |id: &str| !before.iter().any(|k| k.ends_with(&format!("/{id}")));
        for (rule, spoil) in SPOILS {
            let able: Vec<usize> = (0..entries.len())
                .filter(|n| {
                    let resource = &entries[*n]["resource"];
                    sound(resource["id"].as_str().unwrap()) && spoil(&mut resource.clone())
                })
                .collect();
            if able.is_empty() {
                continue;
            }
            let chosen = able[dice.roll(able.len())];
            let mut spoiled = entries.clone();
            let resource = &mut spoiled[chosen]["resource"];
            assert!(spoil(resource));
            let id = resource["id"].as_str().unwrap().to_owned();
            let kind = resource["resourceType"].as_str().unwrap().to_owned();
            let after = judged(&spoiled);
            let seeded = format!("{} {kind}/{id}", rule.code());
            put += 1;
            let hit = keys(&after).contains(&seeded);
            found += usize::from(hit);
            assert!(hit, "{seeded} was not found");
            *by_rule.entry(rule.code()).or_insert(0) += 1;
            // What else is found is about the same resource, or was there before.
            let others: Vec<String> = keys(&after)
                .into_iter()
                .filter(|k| !before.contains(k) && !k.ends_with(&format!("/{id}")))
                .collect();
            assert_eq!(others, Vec::<String>::new(), "{seeded}");
        }
    }
    println!("{found} of {put} seeded defects found: {by_rule:?}");
    assert_eq!(found, put);
    assert!(put >= 150, "{put}");
    assert!(by_rule.len() >= 18, "{by_rule:?}");
}

fn quantity(value: f64, unit: &str) -> Value {
    json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit})
}

fn observation(id: &str, value: f64) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final",
        "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2020-05-06",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}]},
        "valueQuantity": quantity(value, "mg/dL")})
}

/// A patient with a value whose unit was mistaken, and one that came twice.
fn record() -> Vec<Value> {
    let mut twin = observation("twin", 1.0);
    twin["effectiveDateTime"] = json!("2021-05-06");
    let mut other = twin.clone();
    other["id"] = json!("twin2");
    vec![
        json!({"resourceType": "Patient", "id": "p", "birthDate": "1960-03-04", "gender": "female",
            "name": [{"family": "Canary", "given": ["Yellow"]}],
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "77"}]}),
        observation("swapped", 88.4),
        twin,
        other,
    ]
}

fn bundle(resources: &[Value]) -> Vec<u8> {
    let entries: Vec<Value> = resources.iter().map(|r| json!({"resource": r})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
        .to_string()
        .into_bytes()
}

fn mend(store: &mut Store, wanted: impl Fn(&Defect) -> bool) {
    let quality = store.quality("p", today()).unwrap();
    let chosen: Vec<&Defect> = quality.defects.iter().filter(|d| wanted(d)).collect();
    assert!(!chosen.is_empty());
    let changes = quality
        .mended(&chosen)
        .into_iter()
        .map(|m| (place_of("p", &m.kind, &m.id), Phi::new(m.json)))
        .collect();
    store.amend(changes).unwrap().unwrap();
}

fn creatinine(store: &Store) -> Vec<f64> {
    let record = store.record("p").unwrap();
    let values = &record.observations[0].values;
    values.iter().filter_map(|v| v.value).collect()
}

#[test]
fn corrections_are_edits_and_what_came_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
    let mut store = Store::create(&dir, &pass, negatoscope::store::KdfCost::CHEAP).unwrap();
    store.import_bundle(&bundle(&record())).unwrap();
    let rules = |store: &Store| {
        let quality = store.quality("p", today()).unwrap();
        let rules: Vec<Rule> = quality.defects.iter().map(|d| d.rule).collect();
        rules
    };
    assert_eq!(rules(&store), [Rule::UnitSwapped, Rule::DuplicateFact]);
    assert_eq!(creatinine(&store), [88.4, 1.0, 1.0]);
    let place = place_of("p", "Observation", "swapped");
    let came = store.as_it_came(&place).unwrap().unwrap();
    // One gesture for both.
    mend(&mut store, |_| true);
    assert_eq!(rules(&store), []);
    assert_eq!(creatinine(&store), [1.0, 1.0]);
    assert_eq!(store.record("p").unwrap().merged, 1);
    assert_eq!(store.amended("p"), 2);
    assert_eq!(store.as_it_came(&place).unwrap(), Some(came.clone()));
    // It lasts, and is taken back and done again like any edit.
    drop(store);
    let mut store = Store::open(&dir, &pass).unwrap();
    assert_eq!(creatinine(&store), [1.0, 1.0]);
    store.undo().unwrap().unwrap();
    assert_eq!(rules(&store), [Rule::UnitSwapped, Rule::DuplicateFact]);
    assert_eq!(creatinine(&store), [88.4, 1.0, 1.0]);
    store.redo().unwrap().unwrap();
    assert_eq!(rules(&store), []);
    // A second correction of the same text is none.
    let text = store.kept().amendments[&place].clone();
    assert!(
        store
            .amend(vec![(place.clone(), text.clone())])
            .unwrap()
            .is_none()
    );
    // The same file again changes nothing; a newer text is read as it came.
    store.import_bundle(&bundle(&record())).unwrap();
    assert_eq!(rules(&store), []);
    store
        .import_bundle(&bundle(&[record()[0].clone(), observation("swapped", 1.7)]))
        .unwrap();
    assert_eq!(creatinine(&store), [1.7, 1.0]);
    assert_eq!(rules(&store), []);
    // What a correction is of stands in it.
    let mark = negatoscope::clinical::quality::amends(text.reveal());
    assert_eq!(mark, Some(text_mark(&came)));
    // Nothing of it stays when the patient is taken out.
    store.erase_patient("77").unwrap();
    assert!(store.kept().amendments.is_empty());
    assert!(matches!(
        store.quality("p", today()),
        Err(StoreError::UnknownPatient)
    ));
}

#[test]
fn merging_is_a_step_of_undo() {
    let mut store = Store::throw_away().unwrap();
    store.import_bundle(&bundle(&record())).unwrap();
    store
        .merge_resources("p", "Observation", "twin", "twin2")
        .unwrap();
    assert_eq!(store.record("p").unwrap().merged, 1);
    store.undo().unwrap().unwrap();
    assert_eq!(store.record("p").unwrap().merged, 0);
    store.redo().unwrap().unwrap();
    store
        .part_resources("p", "Observation", "twin", "twin2")
        .unwrap();
    assert_eq!(store.record("p").unwrap().merged, 0);
    assert!(matches!(
        store.merge_resources("p", "Observation", "twin", "gone"),
        Err(StoreError::UnknownPatient)
    ));
    // A correction that starts from another state does not fit.
    let place = place_of("p", "Observation", "twin");
    let edit = Edit::Amend {
        place,
        from: Phi::new("{}".into()),
        to: Phi::new(String::new()),
    };
    assert!(matches!(
        store.commit(&[edit]),
        Err(StoreError::Conflict(_))
    ));
}

#[test]
fn the_command_line_finds_and_corrects() {
    let (folder, dir) = made();
    let file = folder.path().join("r.json");
    fs::write(&file, bundle(&record())).unwrap();
    let file = file.to_string_lossy().into_owned();
    let pass = "correct horse";
    let import = run(&dir, pass, &["record", "import", &file], "");
    assert_eq!(import.status.code(), Some(0));
    let quality = |more: &[&str]| {
        let arguments = [
            &[
                "record",
                "quality",
                "77",
                "--json",
                "--clock",
                "2024-06-01T00:00:00Z",
            ],
            more,
        ]
        .concat();
        let output = run(&dir, pass, &arguments, "");
        let said = text(&output.stdout);
        let value: Value = serde_json::from_str(&said).unwrap_or_default();
        (output.status.code(), value, said)
    };
    let (code, value, said) = quality(&[]);
    assert_eq!(code, Some(1));
    let defects = value["defects"].as_array().unwrap();
    assert_eq!(defects.len(), 2);
    assert_eq!(
        defects[0]["key"],
        "UNIT_SWAPPED Observation/swapped valueQuantity"
    );
    assert_eq!(defects[0]["detail"], "88.4 mg/dL → 1 mg/dL");
    assert_eq!(defects[1]["correction"], "merge");
    assert!(!said.contains("Canary") && value["patient"] == "[redacted]");
    let (code, value, _) = quality(&["--fix", "UNIT_SWAPPED Observation/swapped valueQuantity"]);
    assert_eq!(
        (code, &value["fixed"], &value["amended"]),
        (Some(1), &json!(1), &json!(1))
    );
    let (code, value, _) = quality(&["--fix-all"]);
    assert_eq!((code, &value["score"]), (Some(0), &json!(100.0)));
    let undo = run(&dir, pass, &["edit", "--stdin"], "{\"op\":\"undo\"}\n");
    assert_eq!(text(&undo.stdout), "ACK 1\n");
    assert_eq!(quality(&[]).1["defects"].as_array().unwrap().len(), 1);
    let (code, value, _) = quality(&["--as-it-came", "Observation/swapped"]);
    assert_eq!(
        (code, value["defects"].as_array().unwrap().len()),
        (Some(1), 2)
    );
    assert_eq!(quality(&["--fix", "NO_SUCH"]).0, Some(1));
    assert_eq!(quality(&["--fix-all", "NO_SUCH"]).0, Some(2));
    let all = run(&dir, pass, &["record", "quality", "--all", "--json"], "");
    assert_eq!(all.status.code(), Some(1));
    let lines: Vec<Value> = text(&all.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(summary["patients"], 1);
    assert_eq!(
        summary["rules"],
        json!({"DUPLICATE_FACT": 1, "UNIT_SWAPPED": 1})
    );
    // What is kept is listed as operations that bring it back.
    let _ = quality(&["--fix-all"]);
    let list = run(&dir, pass, &["edit", "--list"], "");
    let listed = text(&list.stdout);
    assert_eq!(listed.matches("\"op\":\"amend\"").count(), 2, "{listed}");
    let (_other, second) = made();
    run(&second, pass, &["record", "import", &file], "");
    let again = run(&second, pass, &["edit", "--stdin"], &listed);
    assert_eq!(text(&again.stdout), "ACK 1\nACK 2\n");
    assert!(read_bundle(&bundle(&record())).is_ok());
}
