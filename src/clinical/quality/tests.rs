use super::*;
use crate::{
    clinical::read_bundle,
    model::identity::{PatientIdentity, PersonName, Phi, Sex},
};

const TODAY: &str = "2024-06-01";

fn quantity(value: f64, unit: &str) -> Value {
    json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit})
}

fn lab(id: &str, loinc: &str, name: &str, day: &str, value: Value) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc, "display": name}]},
        "subject": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/e"},
        "effectiveDateTime": day, "valueQuantity": value,
    })
}

/// A record in which nothing is wrong.
fn clean() -> Vec<Value> {
    let subject = json!({"reference": "Patient/p"});
    let snomed = |code: &str, name: &str| json!({"coding": [{"system": "http://snomed.info/sct", "code": code, "display": name}]});
    let pressure = |loinc: &str, value: f64| {
        json!({
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
            "valueQuantity": quantity(value, "mm[Hg]"),
        })
    };
    let mut all = vec![
        json!({
            "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-04-05",
            "deceasedDateTime": "2024-02-01",
            "name": [{"family": "Test", "given": ["Anna"]}], "identifier": [{"value": "MRN1"}],
        }),
        json!({
            "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
            "subject": subject, "type": [snomed("185345009", "Encounter for symptom")],
            "period": {"start": "2020-01-01T09:00:00Z", "end": "2020-01-01T10:00:00Z"},
        }),
        json!({
            "resourceType": "Condition", "id": "c", "subject": subject,
            "code": snomed("44054006", "Diabetes"), "onsetDateTime": "2010-02-03",
            "clinicalStatus": {"coding": [{"code": "active"}]},
        }),
        json!({
            "resourceType": "Condition", "id": "over", "subject": subject,
            "code": snomed("38341003", "Hypertension"), "onsetDateTime": "2010-02-03",
            "abatementDateTime": "2012-01-01", "clinicalStatus": {"coding": [{"code": "resolved"}]},
        }),
        json!({
            "resourceType": "MedicationRequest", "id": "m", "status": "active", "subject": subject,
            "authoredOn": "2019-01-01",
            "medicationCodeableConcept": {"coding": [{
                "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6809",
                "display": "Metformin"}]},
        }),
        json!({
            "resourceType": "Procedure", "id": "x", "status": "completed", "subject": subject,
            "code": snomed("80146002", "Appendectomy"),
            "performedPeriod": {"start": "1990-01-01", "end": "1990-01-02"},
        }),
        json!({
            "resourceType": "Observation", "id": "bp", "status": "final", "subject": subject,
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
            "effectiveDateTime": "2020-01-01",
            "component": [pressure("8480-6", 131.0), pressure("8462-4", 82.0)],
        }),
        lab(
            "crea",
            "2160-0",
            "Creatinine",
            "2020-01-01",
            quantity(0.9, "mg/dL"),
        ),
        lab(
            "crea2",
            "2160-0",
            "Creatinine",
            "2021-01-01",
            quantity(1.0, "mg/dL"),
        ),
        lab(
            "gluc",
            "2339-0",
            "Glucose",
            "2020-01-01",
            quantity(104.0, "mg/dL"),
        ),
        lab(
            "temp",
            "8310-5",
            "Temperature",
            "2020-01-01",
            quantity(37.1, "Cel"),
        ),
    ];
    for year in 2015..2023 {
        let weight = quantity(70.0 + f64::from(year - 2015), "kg");
        let day = format!("{year}-05-05");
        let id = format!("weight{year}");
        all.push(lab(&id, "29463-7", "Body Weight", &day, weight));
        let other = quantity(20.0 + f64::from(year - 2015), "ug/L");
        all.push(lab(
            &format!("iron{year}"),
            "2276-4",
            "Ferritin",
            &day,
            other,
        ));
    }
    all
}

fn resources(values: &[Value]) -> Vec<Resource> {
    let entries: Vec<Value> = values.iter().map(|r| json!({"resource": r})).collect();
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
    let mut read = read_bundle(bundle.to_string().as_bytes())
        .unwrap()
        .resources;
    for resource in &mut read {
        resource.patient = Some("p".into());
    }
    read
}

fn judged(values: &[Value], pictures: &[Picture]) -> Quality {
    let beside = Beside {
        today: Date::parse(TODAY),
        pictures,
        common: &[],
    };
    Quality::of("p", &resources(values), &beside)
}

fn picture(sex: &str, day: &str) -> Picture {
    Picture {
        patient: PatientIdentity {
            name: Phi::new(PersonName::parse("Test^Anna")),
            id: Phi::new("MRN1".into()),
            birth_date: Phi::new(Date::parse("1960-04-05")),
            sex: Phi::new(Sex::parse(sex)),
            ..PatientIdentity::default()
        },
        study_uid: "1.2.3".into(),
        date: Date::parse(day),
        modalities: vec!["CT".into()],
    }
}

#[test]
fn a_clean_record_has_a_full_score() {
    let quality = judged(&clean(), &[picture("F", "2020-01-01")]);
    let found: Vec<String> = quality.defects.iter().map(Defect::key).collect();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(quality.score(), Some(100.0));
    // Every class looked at something.
    assert!(quality.tallies.iter().all(|t| t.looked > 0));
    assert!(Quality::of("p", &[], &Beside::default()).score().is_none());
}

/// Changes one resource of the clean record.
fn with(id: &str, change: impl FnOnce(&mut Value)) -> Vec<Value> {
    let mut values = clean();
    let found = values.iter_mut().find(|v| text(v, "id") == id).unwrap();
    change(found);
    values
}

fn without(id: &str, name: &str) -> Vec<Value> {
    with(id, |v| {
        v.as_object_mut().unwrap().shift_remove(name);
    })
}

fn set(id: &str, pointer: &str, value: Value) -> Vec<Value> {
    with(id, |v| *v.pointer_mut(pointer).unwrap() = value)
}

fn more(value: Value) -> Vec<Value> {
    let mut values = clean();
    values.push(value);
    values
}

/// One defect of each kind, and the resource that has it.
fn seeds() -> Vec<(Rule, &'static str, Vec<Value>)> {
    let twin = lab(
        "crea3",
        "2160-0",
        "Creatinine",
        "2020-01-01",
        quantity(0.9, "mg/dL"),
    );
    let unit = |id, code: Value| set(id, "/valueQuantity", code);
    vec![
        (Rule::NoName, "p", without("p", "name")),
        (Rule::NoBirthDate, "p", without("p", "birthDate")),
        (Rule::NoSex, "p", without("p", "gender")),
        (Rule::NoIdentifier, "p", without("p", "identifier")),
        (Rule::NoDate, "gluc", without("gluc", "effectiveDateTime")),
        (Rule::NoDate, "m", without("m", "authoredOn")),
        (Rule::NoCode, "c", without("c", "code")),
        (Rule::NoValue, "gluc", without("gluc", "valueQuantity")),
        (
            Rule::BeforeBirth,
            "x",
            set("x", "/performedPeriod/start", json!("1959-01-01")),
        ),
        (
            Rule::AfterDeath,
            "gluc",
            set("gluc", "/effectiveDateTime", json!("2024-02-02")),
        ),
        (
            Rule::EndBeforeStart,
            "x",
            set("x", "/performedPeriod/end", json!("1989-12-31")),
        ),
        (
            Rule::EndBeforeStart,
            "e",
            set("e", "/period/end", json!("2019-12-31")),
        ),
        (
            Rule::SexContradicts,
            "c",
            set("c", "/code/coding/0/display", json!("Prostate cancer")),
        ),
        (
            Rule::ActiveAndOver,
            "over",
            set("over", "/clinicalStatus/coding/0/code", json!("active")),
        ),
        (
            Rule::PressureSwapped,
            "bp",
            set("bp", "/component/0/valueQuantity/value", json!(71.0)),
        ),
        (
            Rule::LostReference,
            "gluc",
            set("gluc", "/encounter/reference", json!("Encounter/gone")),
        ),
        (
            Rule::Future,
            "e",
            // A death is followed by papers; what happened after it would be wrong twice.
            with("e", |v| {
                v["period"] = json!({"start": "2031-01-01", "end": "2031-01-02"});
            }),
        ),
        (
            Rule::TooOld,
            "p",
            set("p", "/birthDate", json!("1890-01-01")),
        ),
        (
            Rule::Impossible,
            "temp",
            unit("temp", quantity(-4.0, "Cel")),
        ),
        (
            Rule::Impossible,
            "weight2016",
            unit("weight2016", quantity(9_000_000.0, "kg")),
        ),
        (
            Rule::Outlier,
            "weight2017",
            unit("weight2017", quantity(7.2, "kg")),
        ),
        (
            Rule::UnitMissing,
            "iron2018",
            unit("iron2018", json!({"value": 23.0})),
        ),
        (
            Rule::UnitSpelling,
            "crea",
            unit("crea", json!({"value": 0.9, "unit": "mg/dl"})),
        ),
        (
            Rule::UnitSpelling,
            "temp",
            unit("temp", json!({"value": 37.0, "unit": "°C"})),
        ),
        (
            Rule::UnitUnknown,
            "iron2018",
            unit("iron2018", quantity(23.0, "(drops)")),
        ),
        (
            Rule::UnitOfCode,
            "gluc",
            unit("gluc", quantity(104.0, "kg")),
        ),
        (
            Rule::UnitSwapped,
            "crea",
            unit("crea", quantity(88.0, "mg/dL")),
        ),
        (
            Rule::UnitSwapped,
            "gluc",
            unit("gluc", quantity(5.6, "mg/dL")),
        ),
        (
            Rule::UnitSwapped,
            "temp",
            unit("temp", quantity(98.6, "Cel")),
        ),
        (
            Rule::UnitMixed,
            "iron2018",
            unit("iron2018", quantity(23.0, "mmol/L")),
        ),
        (Rule::DuplicateFact, "crea3", more(twin)),
        (
            Rule::CodeMissing,
            "c",
            set("c", "/code", json!({"text": "Pneumothorax"})),
        ),
        (
            Rule::CodeMissing,
            "m",
            set(
                "m",
                "/medicationCodeableConcept",
                json!({"text": "二甲双胍"}),
            ),
        ),
        (
            Rule::SystemMissing,
            "iron2018",
            with("iron2018", |v| {
                v["code"]["coding"][0]
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("system");
            }),
        ),
        (
            Rule::CodeForm,
            "iron2018",
            set("iron2018", "/code/coding/0/code", json!("2276-5")),
        ),
        (
            Rule::CodeForm,
            "c",
            set("c", "/code/coding/0/code", json!("44054007")),
        ),
        (Rule::Status, "gluc", set("gluc", "/status", json!("Final"))),
        (Rule::Gender, "p", set("p", "/gender", json!("女"))),
    ]
}

#[test]
fn every_seeded_defect_is_found_and_nothing_else() {
    let mut rules = std::collections::BTreeSet::new();
    for (rule, id, values) in seeds() {
        let quality = judged(&values, &[]);
        let found: Vec<(Rule, &str)> = quality
            .defects
            .iter()
            .map(|d| (d.rule, d.id.as_str()))
            .collect();
        assert_eq!(found, [(rule, id)], "{}", rule.code());
        assert!(quality.score().unwrap() < 100.0);
        rules.insert(rule);
    }
    for (rule, id, pictures, values) in [
        (
            Rule::PictureOfAnother,
            "p",
            picture("M", "2020-01-01"),
            clean(),
        ),
        (
            Rule::StudyDiffers,
            "i",
            picture("F", "2020-01-09"),
            more(json!({
                "resourceType": "ImagingStudy", "id": "i", "status": "available",
                "subject": {"reference": "Patient/p"}, "started": "2020-01-01",
                "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
                "modality": [{"code": "CT"}],
            })),
        ),
    ] {
        let quality = judged(&values, &[pictures]);
        let found: Vec<(Rule, &str)> = quality
            .defects
            .iter()
            .map(|d| (d.rule, d.id.as_str()))
            .collect();
        assert_eq!(found, [(rule, id)]);
        rules.insert(rule);
    }
    // That of patients is not of one record.
    rules.insert(Rule::DuplicatePatient);
    let all: std::collections::BTreeSet<Rule> = Rule::ALL.iter().copied().collect();
    assert_eq!(rules, all, "every rule has a seed");
}

#[test]
fn what_can_be_mended_is_sound_afterwards() {
    let mut mended_rules = 0;
    for (rule, _, mut values) in seeds() {
        let quality = judged(&values, &[]);
        let defects: Vec<&Defect> = quality.defects.iter().filter(|d| d.fix.is_some()).collect();
        if defects.is_empty() {
            continue;
        }
        mended_rules += 1;
        for mended in quality.mended(&defects) {
            let value: Value = serde_json::from_str(&mended.json).unwrap();
            match values.iter_mut().find(|v| text(v, "id") == mended.id) {
                Some(old) => {
                    // What it is a correction of stands in it.
                    assert_eq!(amends(&mended.json), Some(text_mark(&old.to_string())));
                    *old = value;
                }
                None => values.push(value),
            }
        }
        let after = judged(&values, &[]);
        assert_eq!(after.defects, Vec::new(), "{}", rule.code());
        assert_eq!(after.score(), Some(100.0));
    }
    assert!(mended_rules >= 14, "{mended_rules}");
    let text_of = |rule: Rule| {
        let all = seeds();
        let (_, _, values) = all.iter().find(|(r, ..)| *r == rule).unwrap();
        let quality = judged(values, &[]);
        quality.defects[0].detail.clone()
    };
    assert_eq!(text_of(Rule::UnitSwapped), "88 mg/dL → 0.9955 mg/dL");
    assert_eq!(text_of(Rule::PressureSwapped), "71/82 → 82/71");
    assert_eq!(text_of(Rule::UnitMissing), "23 → 23 ug/L");
}

#[test]
fn patients_who_came_twice_are_found() {
    let person = |id: &str, family: &str, birth: &str| {
        let value = json!({"resourceType": "Patient", "id": id, "birthDate": birth,
            "gender": "male", "name": [{"family": family, "given": ["Jan"]}]});
        Resource {
            kind: "Patient".into(),
            id: id.into(),
            full_url: String::new(),
            patient: Some(id.into()),
            json: value.to_string(),
        }
    };
    let people = [
        person("a", "Novak", "1970-01-01"),
        person("b", "Novak", "1970-01-02"),
        person("c", "NOVAK", "1970-01-01"),
        person("d", "Novak", ""),
        person("e", "Novak", ""),
    ];
    let doubles = double_patients(&people);
    assert_eq!(doubles.len(), 1);
    assert_eq!(
        (doubles[0].first.as_str(), doubles[0].second.as_str()),
        ("a", "c")
    );
}

#[test]
fn partly_known_days_are_compared_as_far_as_they_are_known() {
    let day = |text| Date::parse(text).unwrap();
    assert!(before(day("2019"), day("2020-01-01")));
    assert!(!before(day("2020"), day("2020-05-01")) && !before(day("2020-05-01"), day("2020")));
    assert!(before(day("2020-04"), day("2020-05-01")));
    assert!(!before(day("2020-05"), day("2020-05-31")));
    assert!(before(day("2020-05-01"), day("2020-05-02")));
}
