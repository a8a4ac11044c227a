//! FHIR in, record out: against the real bundles, against figures of another program, and against bad input.

use crate::support;
use negatoscope::{
    clinical::{
        FhirError, ParsedBundle, Resource, build_record, elements,
        fhir::{MAX_BYTES, MAX_DEPTH},
        loss, read_bundle,
    },
    model::{
        date::Date,
        record::{Flag, PatientRecord},
    },
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

fn bundles() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(support::data("fhir"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort_by_key(|path| path.file_name().unwrap().to_owned());
    assert_eq!(paths.len(), 10);
    paths
}

fn bundle(resources: &[Value]) -> Vec<u8> {
    let entries: Vec<Value> = resources.iter().map(|r| json!({"resource": r})).collect();
    serde_json::to_vec(&json!({"resourceType": "Bundle", "type": "collection", "entry": entries}))
        .unwrap()
}

fn parse(resources: &[Value]) -> ParsedBundle {
    read_bundle(&bundle(resources)).unwrap()
}

fn adult() -> Value {
    json!({"resourceType": "Patient", "id": "p", "birthDate": "1960-03-04", "gender": "male",
        "name": [{"use": "official", "family": "Canary", "given": ["Yellow"]}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "77"}]})
}

fn observation(id: &str, more: Value) -> Value {
    let mut value = json!({"resourceType": "Observation", "id": id, "status": "final",
        "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2020-05-06T07:08:09Z",
        "code": {"coding": [{"system": elements::LOINC, "code": "2951-2", "display": "Sodium"}]}});
    for (name, part) in more.as_object().unwrap() {
        value[name] = part.clone();
    }
    value
}

fn quantity(value: f64, unit: &str) -> Value {
    json!({"value": value, "unit": unit, "system": elements::UCUM, "code": unit})
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_real_bundles_come_in_whole() {
    let mut total = 0;
    for path in bundles() {
        let bytes = fs::read(&path).unwrap();
        let parsed = read_bundle(&bytes).unwrap();
        // An independent count: nothing but generic JSON.
        let whole: Value = serde_json::from_slice(&bytes).unwrap();
        let entries = whole["entry"].as_array().unwrap();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for entry in entries {
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
        assert_eq!(parsed.report.counts, counts);
        assert_eq!(parsed.kind, "transaction");
        assert_eq!(parsed.report.received(), entries.len());
        assert_eq!(parsed.report.entries_without_resource, 0);
        assert_eq!(parsed.report.unresolved, BTreeMap::new());
        assert_eq!(parsed.report.doubts, []);
        assert_eq!(parsed.patients().len(), 1);
        let text = std::str::from_utf8(&bytes).unwrap();
        let mut at = 0;
        for (resource, entry) in parsed.resources.iter().zip(entries) {
            assert_eq!(resource.value(), entry["resource"]);
            assert_eq!(resource.full_url, entry["fullUrl"]);
            // The text is that of the file, byte by byte, in file order.
            at += text[at..].find(&resource.json).unwrap() + resource.json.len();
            let owned = entry["resource"].get("subject").is_some()
                || entry["resource"].get("patient").is_some()
                || resource.kind == "Patient";
            assert_eq!(resource.patient.is_some(), owned, "{}", resource.kind);
        }
        total += entries.len();
    }
    assert_eq!(total, 4286);
}

fn dates(text: &Value) -> Option<Date> {
    text.as_str().and_then(Date::parse)
}

fn check_curves(record: &PatientRecord, figures: &Value) {
    let curves = figures["curves"].as_object().unwrap();
    assert_eq!(record.observations.len(), curves.len());
    for series in &record.observations {
        let expected = &curves[&series.code.code];
        let values = &series.values;
        assert_eq!(values.len(), expected["count"], "{}", series.code.code);
        assert_eq!(values[0].date, dates(&expected["first"]));
        let last = values.last().unwrap();
        assert_eq!(last.date, dates(&expected["last"]));
        assert_eq!(last.value, expected["last_value"].as_f64());
        let sum: f64 = values.iter().filter_map(|v| v.value).sum();
        // The order of adding is that of the dates on both sides; equal dates may differ in the last bits.
        let truth = expected["sum"].as_f64().unwrap_or(0.0);
        assert!(
            (sum - truth).abs() <= 1e-12 * truth.abs(),
            "{}",
            series.code.code
        );
        assert!(values.is_sorted_by_key(|v| v.date.map(Date::days_since_epoch)));
    }
}

fn check_documents(record: &PatientRecord, figures: &Value) {
    let count = |name: &str| usize::try_from(figures[name].as_u64().unwrap()).unwrap();
    assert_eq!(record.reports.len(), count("reports"));
    let results: usize = record.reports.iter().map(|r| r.results).sum();
    assert_eq!(results, count("report_results"));
    assert_eq!(record.immunizations.len(), count("immunizations"));
    assert_eq!(
        record.immunizations.first().and_then(|i| i.date),
        dates(&figures["newest_immunization"])
    );
    assert_eq!(record.care_plans.len(), count("care_plans"));
    let (first, rest) = record.care_plans.split_at(count("active_care_plans"));
    assert!(
        first.iter().all(|p| p.status == "active") && rest.iter().all(|p| p.status != "active")
    );
    let parts = |of: fn(&negatoscope::model::record::CarePlan) -> usize| {
        record.care_plans.iter().map(of).sum::<usize>()
    };
    assert_eq!(parts(|p| p.activities.len()), count("activities"));
    assert_eq!(
        parts(|p| p.addresses.len()),
        count("addresses"),
        "references are followed"
    );
    let (benefits, claims): (Vec<_>, Vec<_>) = record.claims.iter().partition(|c| c.is_benefit);
    assert_eq!(
        (claims.len(), benefits.len()),
        (count("claims"), count("benefits"))
    );
    let claimed: f64 = claims.iter().filter_map(|c| c.total).sum();
    let paid: f64 = benefits.iter().filter_map(|c| c.paid).sum();
    assert!((claimed - figures["claimed"].as_f64().unwrap()).abs() < 0.01);
    assert!((paid - figures["paid"].as_f64().unwrap()).abs() < 0.01);
    assert!(
        record
            .claims
            .iter()
            .all(|c| c.currency == "USD" && !c.code.display.is_empty())
    );
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_records_have_the_figures_of_another_program() {
    let figures: Vec<Value> =
        serde_json::from_str(include_str!("../data/record_figures.json")).unwrap();
    for (path, figures) in bundles().iter().zip(&figures) {
        let parsed = read_bundle(&fs::read(path).unwrap()).unwrap();
        let patient = parsed.patients()[0].to_owned();
        let record = build_record(&parsed.for_patient(&patient));
        let count = |name: &str| usize::try_from(figures[name].as_u64().unwrap()).unwrap();
        assert_eq!(
            *record.identity.birth_date.reveal(),
            dates(&figures["birth"])
        );
        assert_eq!(
            *record.identity.sex.reveal(),
            negatoscope::model::identity::Sex::parse(figures["sex"].as_str().unwrap())
        );
        assert!(record.identity.synthetic);
        assert_eq!(record.identifiers.len(), count("identifiers"));
        assert_eq!(record.other_names.len(), count("other_names"));
        assert_eq!(record.deceased, dates(&figures["deceased"]));

        let mut allergies: Vec<&str> = record
            .allergies
            .iter()
            .map(|a| a.code.code.as_str())
            .collect();
        allergies.sort_unstable();
        assert_eq!(json!(allergies), figures["allergies"]);

        assert_eq!(record.conditions.len(), count("conditions"));
        let active = |status: &str| status == "active";
        let active_conditions = count("active_conditions");
        let (first, rest) = record.conditions.split_at(active_conditions);
        assert!(
            first.iter().all(|c| active(&c.clinical_status)),
            "active first"
        );
        assert!(rest.iter().all(|c| !active(&c.clinical_status)));
        assert_eq!(
            first.first().and_then(|c| c.onset),
            dates(&figures["newest_active_onset"])
        );
        let abated = record.conditions.iter().filter(|c| c.abated.is_some());
        assert_eq!(abated.count(), count("abated"));

        assert_eq!(record.medications.len(), count("medications"));
        let active_medications = count("active_medications");
        let (first, rest) = record.medications.split_at(active_medications);
        assert!(first.iter().all(|m| active(&m.status)), "active first");
        assert!(rest.iter().all(|m| !active(&m.status)));
        assert!(first.is_sorted_by_key(|m| std::cmp::Reverse(m.authored)));
        let dosed = record.medications.iter().filter(|m| !m.dosage.is_empty());
        assert_eq!(dosed.count(), count("with_dosage"));
        assert!(
            record
                .medications
                .iter()
                .all(|m| !m.code.display.is_empty())
        );

        check_curves(&record, figures);

        assert_eq!(record.procedures.len(), count("procedures"));
        assert_eq!(
            record.procedures[0].performed,
            dates(&figures["newest_procedure"])
        );
        let reasons = record.procedures.iter().filter(|p| !p.reason.is_empty());
        assert_eq!(
            reasons.count(),
            count("procedures_with_reason"),
            "references are followed"
        );

        assert_eq!(record.encounters.len(), count("encounters"));
        let mut classes: Vec<&str> = record.encounters.iter().map(|e| e.class.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        assert_eq!(json!(classes), figures["encounter_classes"]);
        let reasons = record.encounters.iter().filter(|e| !e.reason.is_empty());
        assert_eq!(reasons.count(), count("encounters_with_reason"));

        let studies: Vec<Value> = record
            .imaging_studies
            .iter()
            .map(|s| {
                let started = s.started.map(|d| d.to_string());
                json!([s.study_uid, started, s.modalities, s.body_site])
            })
            .collect();
        assert_eq!(json!(studies), figures["studies"]);
        let counts: BTreeMap<&str, usize> = record
            .counts
            .iter()
            .map(|(k, n, _)| (k.as_str(), *n))
            .collect();
        let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, number) in figures["counts"].as_object().unwrap() {
            // Of nobody: organisations and practitioners are kept, and are of no patient.
            if !matches!(kind.as_str(), "Organization" | "Practitioner") {
                expected.insert(kind, usize::try_from(number.as_u64().unwrap()).unwrap());
            }
        }
        assert_eq!(counts, expected);
        check_documents(&record, figures);
        assert!(
            record
                .imaging_studies
                .iter()
                .all(|s| !s.description.is_empty())
        );
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn typical_ranges_are_offered_to_adults_only() {
    let (mut offered, mut children) = (0, 0);
    for path in bundles() {
        let parsed = read_bundle(&fs::read(path).unwrap()).unwrap();
        let record = build_record(&parsed.resources);
        let birth = record.identity.birth_date.reveal().unwrap();
        for value in record.observations.iter().flat_map(|s| &s.values) {
            let age = birth.years_until(value.date.unwrap()).unwrap();
            offered += usize::from(value.typical.is_some());
            children += usize::from(age < 18);
            assert!(age >= 18 || value.typical.is_none());
            // Synthea writes neither ranges nor interpretations: a mark can only come from the table.
            assert_eq!(value.typical.is_none(), value.flag == Flag::Unknown);
            if let (Some(typical), Some(number)) = (&value.typical, value.value) {
                let expected = match (typical.low, typical.high) {
                    (Some(low), _) if number < low => Flag::Low,
                    (_, Some(high)) if number > high => Flag::High,
                    _ => Flag::Normal,
                };
                assert_eq!(value.flag, expected);
            }
        }
    }
    assert!(offered > 800, "{offered} values with a range");
    assert!(children > 50, "{children} values of children");
}

#[test]
fn what_the_laboratory_says_counts_first() {
    let flag = |more: Value| {
        let record = build_record(&parse(&[adult(), observation("1", more)]).resources);
        let value = record.observations[0].values[0].clone();
        (value.flag, value.typical.is_some(), value.reference)
    };
    let none = (None, None);
    assert_eq!(
        flag(json!({"valueQuantity": quantity(150.0, "mmol/L")})),
        (Flag::High, true, none)
    );
    assert_eq!(
        flag(json!({"valueQuantity": quantity(140.0, "mmol/L")})),
        (Flag::Normal, true, none)
    );
    // Another unit: no range, no mark.
    assert_eq!(
        flag(json!({"valueQuantity": quantity(150.0, "mg/dL")})),
        (Flag::Unknown, false, none)
    );
    let range = json!([{"low": quantity(100.0, "mmol/L"), "high": quantity(160.0, "mmol/L")}]);
    assert_eq!(
        flag(json!({"valueQuantity": quantity(150.0, "mmol/L"), "referenceRange": range})),
        (Flag::Normal, false, (Some(100.0), Some(160.0)))
    );
    assert_eq!(
        flag(
            json!({"valueQuantity": quantity(150.0, "mmol/L"), "referenceRange": range,
            "interpretation": [{"coding": [{"code": "HH"}]}]})
        )
        .0,
        Flag::CriticalHigh
    );
    // A range in another unit than the value is none.
    let other = json!([{"low": quantity(1.0, "g/L"), "high": quantity(2.0, "g/L")}]);
    assert_eq!(
        flag(json!({"valueQuantity": quantity(140.0, "mmol/L"), "referenceRange": other})),
        (Flag::Normal, true, none)
    );
}

#[test]
fn what_was_entered_in_error_is_kept_and_not_shown() {
    let refuted = json!({"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"},
        "verificationStatus": {"coding": [{"code": "refuted"}]}, "code": {"text": "Iodine"}});
    let wrong = json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
        "verificationStatus": {"coding": [{"code": "entered-in-error"}]}, "code": {"text": "Lupus"}});
    let mut value = observation("1", json!({"valueQuantity": quantity(140.0, "mmol/L")}));
    value["status"] = json!("entered-in-error");
    let parsed = parse(&[adult(), refuted, wrong, value]);
    let record = build_record(&parsed.resources);
    assert_eq!(parsed.report.received(), 4);
    assert_eq!(record.counts.iter().map(|c| c.1).sum::<usize>(), 4);
    assert!(record.allergies.is_empty() && record.conditions.is_empty());
    assert!(record.observations.is_empty());
}

#[test]
fn components_and_values_of_one_code_become_curves() {
    let part = |code: &str, value| {
        json!({"code": {"coding": [{"system": elements::LOINC, "code": code, "display": code}]},
            "valueQuantity": quantity(value, "mm[Hg]")})
    };
    let pressure = observation(
        "1",
        json!({"component": [part("8480-6", 120.0), part("8462-4", 80.0)],
            "category": [{"coding": [{"code": "vital-signs"}]}],
            "code": {"coding": [{"system": elements::LOINC, "code": "55284-4"}]}}),
    );
    let late = observation(
        "2",
        json!({"effectiveDateTime": "2021-01-01", "valueQuantity": quantity(139.0, "mmol/L")}),
    );
    let early = observation("3", json!({"valueQuantity": quantity(141.0, "mmol/L")}));
    let absent = observation(
        "4",
        json!({"effectiveDateTime": "2019", "dataAbsentReason": {"text": "haemolysed"}}),
    );
    let record = build_record(&parse(&[adult(), pressure, late, early, absent]).resources);
    let series: Vec<(&str, usize, &str)> = record
        .observations
        .iter()
        .map(|s| (s.code.code.as_str(), s.values.len(), s.category.as_str()))
        .collect();
    assert_eq!(
        series,
        [
            ("8462-4", 1, "vital-signs"),
            ("8480-6", 1, "vital-signs"),
            ("2951-2", 3, "")
        ]
    );
    let sodium = &record.observations[2].values;
    assert_eq!(sodium[0].text, "haemolysed");
    assert_eq!(
        (sodium[1].value, sodium[2].value),
        (Some(141.0), Some(139.0))
    );
}

#[test]
fn what_relatives_have_is_shown_without_their_names() {
    let relative = |id: &str, who: &str, more: Value| {
        let mut value = json!({"resourceType": "FamilyMemberHistory", "id": id, "status": "completed",
            "patient": {"reference": "Patient/p"}, "name": "Secret Name",
            "relationship": {"coding": [{"code": who, "display": who}]}});
        for (key, member) in more.as_object().unwrap() {
            value[key] = member.clone();
        }
        value
    };
    let parsed = parse(&[
        adult(),
        relative(
            "1",
            "mother",
            json!({"date": "2024-05-01", "deceasedAge": {"value": 61, "unit": "a"},
            "condition": [
                {"code": {"text": "Breast cancer"}, "onsetAge": {"value": 52, "unit": "years", "code": "a"},
                    "contributedToDeath": true},
                {"code": {"text": "Asthma"}, "onsetString": "childhood"}]}),
        ),
        relative(
            "2",
            "brother",
            json!({"deceasedBoolean": false, "condition": [
            {"code": {"text": "Stroke"}, "onsetRange": {"low": {"value": 40}, "high": {"value": 50, "unit": "a"}}}]}),
        ),
        relative("3", "aunt", json!({"status": "entered-in-error"})),
    ]);
    let record = build_record(&parsed.for_patient("p"));
    let seen: Vec<Value> = record
        .family
        .iter()
        .map(|r| {
            let had: Vec<Value> = r
                .conditions
                .iter()
                .map(|c| json!([c.code.display, c.onset, c.fatal]))
                .collect();
            json!([r.relationship.display, r.deceased, had])
        })
        .collect();
    let expected = json!([
        ["brother", false, [["Stroke", "40–50 a", false]]],
        [
            "mother",
            true,
            [
                ["Breast cancer", "52 a", true],
                ["Asthma", "childhood", false]
            ]
        ]
    ]);
    assert_eq!(json!(seen), expected);
    assert!(!format!("{:?}", record.family).contains("Secret"));
    let unread = parsed
        .report
        .unread
        .get(&("FamilyMemberHistory".into(), "name".into()));
    assert_eq!(unread, Some(&3));
}

#[test]
fn two_patients_of_one_bundle_are_kept_apart() {
    let mut other = adult();
    other["id"] = json!("q");
    let mut value = observation("1", json!({"valueQuantity": quantity(150.0, "mmol/L")}));
    value["subject"]["reference"] = json!("Patient/q");
    let organisation = json!({"resourceType": "Organization", "id": "o"});
    let orphan = json!({"resourceType": "Observation", "id": "x",
        "subject": {"reference": "Patient/elsewhere"}, "code": {}});
    let parsed = parse(&[adult(), other, value, organisation, orphan]);
    assert_eq!(parsed.patients(), ["elsewhere", "p", "q"]);
    let kinds =
        |id: &str| -> Vec<String> { parsed.for_patient(id).into_iter().map(|r| r.kind).collect() };
    assert_eq!(kinds("p"), ["Patient", "Organization"]);
    assert_eq!(kinds("q"), ["Patient", "Observation", "Organization"]);
    assert_eq!(kinds("elsewhere"), ["Organization", "Observation"]);
    let key = ("Observation".to_owned(), "Patient".to_owned());
    assert_eq!(parsed.report.unresolved, BTreeMap::from([(key, 1)]));
}

#[test]
fn references_are_answered_in_every_form() {
    let contained = json!({"resourceType": "MedicationRequest", "id": "1", "subject": {"reference": "Patient/p"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "Metformin"}}],
        "medicationReference": {"reference": "#m"}, "status": "active"});
    let apart = json!({"resourceType": "MedicationStatement", "id": "2",
        "subject": {"reference": "https://ehr.example/fhir/Patient/p/_history/4"},
        "medicationReference": {"reference": "Medication/w"}, "status": "active",
        "dosage": [{"text": "5 mg at night"}], "effectivePeriod": {"start": "2020-01"}});
    let medication = json!({"resourceType": "Medication", "id": "w", "code": {"text": "Warfarin"}});
    let lost = json!({"resourceType": "MedicationRequest", "id": "3", "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": "#nothing", "display": "Aspirin"}});
    let parsed = parse(&[adult(), contained, apart, medication, lost]);
    let record = build_record(&parsed.resources);
    let names: Vec<&str> = record
        .medications
        .iter()
        .map(|m| m.code.display.as_str())
        .collect();
    assert_eq!(names, ["Warfarin", "Metformin", "Aspirin"]);
    assert_eq!(record.medications[0].dosage, "5 mg at night");
    assert_eq!(parsed.report.unresolved.values().sum::<usize>(), 1);
    assert_eq!(parsed.report.references, 6);
}

#[test]
fn lines_of_resources_are_read() {
    let lines = [
        adult(),
        observation("1", json!({"valueInteger": 4})),
        json!({"resourceType": "Basic"}),
    ];
    let text = lines.iter().map(|l| format!("{l}\r\n")).collect::<String>();
    let parsed = read_bundle(text.as_bytes()).unwrap();
    assert_eq!(
        (parsed.kind.as_str(), parsed.report.received()),
        ("ndjson", 3)
    );
    // Without an id the text names the resource, the same each time.
    assert!(parsed.resources[2].id.starts_with("sha256-"));
    let single = read_bundle(format!("\u{FEFF}{}", adult()).as_bytes()).unwrap();
    assert_eq!(
        (single.kind.as_str(), single.report.received()),
        ("resource", 1)
    );
}

#[test]
fn every_type_and_number_is_kept_as_it_came() {
    let text = r#"{"resourceType":"Bundle","type":"batch","entry":[
        {"request":{"method":"DELETE","url":"Patient/1"}},
        {"fullUrl":"urn:uuid:5","resource":{ "resourceType" : "MolecularSequence", "decimal": 1.50, "big": 12345678901234567890123, "text": "\u00e9 \/" }}]}"#;
    let parsed = read_bundle(text.as_bytes()).unwrap();
    assert_eq!(parsed.report.entries_without_resource, 1);
    assert_eq!(parsed.resources[0].id, "5");
    assert_eq!(
        parsed.resources[0].json,
        r#"{ "resourceType" : "MolecularSequence", "decimal": 1.50, "big": 12345678901234567890123, "text": "\u00e9 \/" }"#
    );
    assert_eq!(parsed.report.not_shown(), 1);
    assert!(!loss::is_shown("MolecularSequence"));
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let fails = |text: &[u8]| read_bundle(text).unwrap_err();
    assert_eq!(fails(b""), FhirError::Empty);
    assert_eq!(fails(b" \n "), FhirError::Empty);
    let place = |error: FhirError| match error {
        FhirError::Syntax { position, .. }
        | FhirError::TooDeep { position, .. }
        | FhirError::NotFhir { position, .. }
        | FhirError::NotUtf8(position)
        | FhirError::RepeatedName(position)
        | FhirError::NumberRange(position) => (position.line, position.column, position.offset),
        other => panic!("{other}"),
    };
    let whole = bundle(&[adult()]);
    for length in 1..whole.len() {
        let error = fails(&whole[..length]);
        assert!(
            matches!(error, FhirError::Syntax { .. }),
            "cut at {length}: {error}"
        );
        assert_eq!(place(error).2, length, "cut at {length}");
    }
    let mut broken = whole.clone();
    broken[20] = 0xFF;
    assert_eq!(place(fails(&broken)), (1, 21, 20));
    // UTF-16 with its byte order mark.
    assert!(matches!(fails(b"\xFF\xFE{\0}\0"), FhirError::NotUtf8(_)));
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{\"resourceType\":\"Basic\",\n\"x\":{open}{close}}}").into_bytes()
    };
    let error = fails(&deep(100_000));
    assert!(error.is_limit());
    assert_eq!(place(error), (2, 4 + MAX_DEPTH, 25 + 4 + MAX_DEPTH - 1));
    assert!(read_bundle(&deep(MAX_DEPTH - 1)).is_ok());
    let error = fails(b"{\"resourceType\":\"Basic\",\n \"a\":1,\n \"\\u0061\":2}");
    assert!(matches!(error, FhirError::RepeatedName(_)));
    assert_eq!(place(error).0, 3);
    assert!(matches!(
        fails(b"{\"resourceType\":\"Basic\",\"n\":1e400}"),
        FhirError::NumberRange(_)
    ));
    for text in [
        "[]",
        "3",
        "{}",
        "{\"resourceType\":7}",
        "{\"resourceType\":\"Patient/../..\"}",
        "{\"resourceType\":\"Bundle\",\"entry\":{}}",
        "{\"resourceType\":\"Bundle\",\"type\":\"a b\"}",
        "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":null}]}",
        "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{}}]}",
    ] {
        assert!(
            matches!(fails(text.as_bytes()), FhirError::NotFhir { .. }),
            "{text}"
        );
    }
    assert!(matches!(
        fails(b"{\"resourceType\":\"Basic\"} {\"resourceType\":\"Basic\"}"),
        FhirError::Syntax { .. }
    ));
    let large = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(fails(&large), FhirError::TooLarge { .. }));
}

#[test]
fn doubts_are_named() {
    let mut future = adult();
    future["birthDate"] = json!("2090-01-01");
    future["deceasedBoolean"] = json!(true);
    let mut nonsense = adult();
    nonsense["id"] = json!("n");
    nonsense["birthDate"] = json!("yesterday");
    let mut twice = observation("1", json!({"valueQuantity": quantity(1.0, "mmol/L")}));
    let unitless = observation("1", json!({"valueQuantity": {"value": 140}}));
    let negative = observation("3", json!({"valueQuantity": quantity(-4.0, "mmol/L")}));
    twice["note"] = json!([{"text": "<script>alert(1)</script>".repeat(200_000)}]);
    let mut parsed = parse(&[future, nonsense, twice, unitless, negative]);
    parsed
        .report
        .check_dates(&parsed.resources, Date::parse("2026-01-01").unwrap());
    assert_eq!(
        parsed.report.doubt_counts.into_iter().collect::<Vec<_>>(),
        [
            ("BIRTH_DATE_IN_FUTURE", 1),
            ("BIRTH_DATE_UNREADABLE", 1),
            ("DECEASED_WITHOUT_DATE", 1),
            ("NEGATIVE_VALUE", 1),
            ("RESOURCE_TWICE", 1),
            ("UNIT_MISSING", 1),
        ]
    );
    assert_eq!(parsed.report.doubts.len(), 6);
    assert_eq!(parsed.report.doubts[0].number, 1);
}

#[test]
fn references_in_circles_end() {
    let link = |id: &str, to: &str| {
        json!({"resourceType": "Procedure", "id": id, "subject": {"reference": "Patient/p"},
            "code": {}, "reasonReference": [{"reference": format!("Procedure/{to}")}]})
    };
    let parsed = parse(&[adult(), link("a", "b"), link("b", "a"), link("c", "c")]);
    assert_eq!(build_record(&parsed.resources).procedures.len(), 3);
}

#[test]
fn nothing_of_a_resource_is_printed() {
    let parsed = parse(&[adult()]);
    let record = build_record(&parsed.resources);
    let text = format!("{parsed:?} {record:?}");
    for secret in ["Canary", "Yellow", "1960", "77", "\"p\""] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let error =
        read_bundle(b"{\"resourceType\":\"Patient\",\"Canary\":1,\"Canary\":2}").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("Canary"));
    let resource: &Resource = &parsed.resources[0];
    assert_eq!(format!("{resource:?}"), "Resource(Patient)");
}
