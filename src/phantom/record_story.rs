//! What happened to the made-up patient: long-standing diabetes, high blood pressure, failing kidneys, a severe
//! reaction to iodinated contrast medium, and a shadow in the right lung that has grown in two years.

use super::record::{Bundle, RecordStudy};
use crate::model::{date::Date, identity::PatientIdentity};
use serde_json::{Value, json};

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
const ATC: &str = "http://www.whocc.no/atc";
const UCUM: &str = "http://unitsofmeasure.org";

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }], "text": display })
}

fn status(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code }] })
}

/// `months` and `days` before a day, as FHIR writes it; days stay within 1 to 28.
fn before(day: Date, months: u32, days: u32) -> String {
    let count = i64::from(day.year) * 12 + i64::from(day.month.max(1)) - 1 - i64::from(months);
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let within = 1 + (i64::from(day.day.max(1)) + 27 - i64::from(days)).rem_euclid(28);
    format!("{year:04}-{month:02}-{within:02}")
}

/// Glomerular filtration rate of a man, CKD-EPI 2021, mL/min/1.73 m²; creatinine in µmol/L.
fn filtration_rate(creatinine: f64, age: f64) -> f64 {
    let ratio = creatinine / 88.42 / 0.9;
    142.0 * ratio.min(1.0).powf(-0.302) * ratio.max(1.0).powf(-1.2) * 0.9938f64.powf(age)
}

struct Test {
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    unit_code: &'static str,
    low: Option<f64>,
    high: Option<f64>,
    category: &'static str,
    values: [f64; 6],
}

/// Months before the newest study, of the six samples.
const SAMPLES: [u32; 6] = [26, 20, 13, 8, 3, 0];

const TESTS: [Test; 12] = [
    Test {
        code: "14682-9",
        name: "Creatinine",
        unit: "µmol/L",
        unit_code: "umol/L",
        low: Some(57.0),
        high: Some(111.0),
        category: "laboratory",
        values: [98.0, 104.0, 117.0, 129.0, 141.0, 152.0],
    },
    Test {
        code: "1988-5",
        name: "C reactive protein",
        unit: "mg/L",
        unit_code: "mg/L",
        low: None,
        high: Some(5.0),
        category: "laboratory",
        values: [2.1, 1.8, 3.0, 4.6, 11.2, 24.8],
    },
    Test {
        code: "718-7",
        name: "Haemoglobin",
        unit: "g/L",
        unit_code: "g/L",
        low: Some(130.0),
        high: Some(175.0),
        category: "laboratory",
        values: [146.0, 143.0, 138.0, 133.0, 127.0, 121.0],
    },
    Test {
        code: "14749-6",
        name: "Glucose",
        unit: "mmol/L",
        unit_code: "mmol/L",
        low: Some(3.9),
        high: Some(6.1),
        category: "laboratory",
        values: [8.4, 7.9, 8.8, 7.2, 7.6, 9.1],
    },
    Test {
        code: "4548-4",
        name: "Haemoglobin A1c",
        unit: "%",
        unit_code: "%",
        low: Some(4.0),
        high: Some(6.0),
        category: "laboratory",
        values: [7.6, 7.4, 7.8, 7.1, 7.2, 7.5],
    },
    Test {
        code: "6690-2",
        name: "Leukocytes",
        unit: "10*9/L",
        unit_code: "10*9/L",
        low: Some(3.5),
        high: Some(9.5),
        category: "laboratory",
        values: [6.4, 6.1, 7.0, 6.8, 8.2, 9.9],
    },
    Test {
        code: "777-3",
        name: "Platelets",
        unit: "10*9/L",
        unit_code: "10*9/L",
        low: Some(125.0),
        high: Some(350.0),
        category: "laboratory",
        values: [221.0, 230.0, 244.0, 238.0, 287.0, 331.0],
    },
    Test {
        code: "2823-3",
        name: "Potassium",
        unit: "mmol/L",
        unit_code: "mmol/L",
        low: Some(3.5),
        high: Some(5.3),
        category: "laboratory",
        values: [4.4, 4.5, 4.3, 4.8, 4.9, 5.1],
    },
    Test {
        code: "8867-4",
        name: "Heart rate",
        unit: "/min",
        unit_code: "/min",
        low: None,
        high: None,
        category: "vital-signs",
        values: [72.0, 74.0, 70.0, 76.0, 81.0, 88.0],
    },
    Test {
        code: "29463-7",
        name: "Body weight",
        unit: "kg",
        unit_code: "kg",
        low: None,
        high: None,
        category: "vital-signs",
        values: [81.5, 81.0, 80.2, 78.4, 75.9, 72.6],
    },
    Test {
        code: "8310-5",
        name: "Body temperature",
        unit: "°C",
        unit_code: "Cel",
        low: None,
        high: None,
        category: "vital-signs",
        values: [36.6, 36.5, 36.7, 36.6, 36.9, 37.4],
    },
    Test {
        code: "2708-6",
        name: "Oxygen saturation in arterial blood",
        unit: "%",
        unit_code: "%",
        low: None,
        high: None,
        category: "vital-signs",
        values: [98.0, 98.0, 97.0, 97.0, 96.0, 94.0],
    },
];

/// Systolic and diastolic pressure at the six samples.
const PRESSURES: [(f64, f64); 6] = [
    (148.0, 88.0),
    (142.0, 84.0),
    (139.0, 82.0),
    (144.0, 86.0),
    (136.0, 80.0),
    (131.0, 78.0),
];

fn quantity(value: f64, unit: &str, code: &str) -> Value {
    json!({ "value": value, "unit": unit, "system": UCUM, "code": code })
}

fn category(code: &str) -> Value {
    json!([status("observation-category", code)])
}

/// One measured number.
fn observation(bundle: &mut Bundle, test: &Test, value: f64, day: &str, encounter: &str) -> String {
    let mut resource = json!({
        "status": "final",
        "category": category(test.category),
        "code": concept(LOINC, test.code, test.name),
        "subject": bundle.subject(),
        "encounter": { "reference": encounter },
        "effectiveDateTime": format!("{day}T08:15:00Z"),
        "valueQuantity": quantity(value, test.unit, test.unit_code)
    });
    if test.low.is_some() || test.high.is_some() {
        let mut range = serde_json::Map::new();
        if let Some(low) = test.low {
            range.insert("low".into(), quantity(low, test.unit, test.unit_code));
        }
        if let Some(high) = test.high {
            range.insert("high".into(), quantity(high, test.unit, test.unit_code));
        }
        let code = match (test.low, test.high) {
            (Some(low), _) if value < low => "L",
            (_, Some(high)) if value > high => "H",
            _ => "N",
        };
        if let Some(map) = resource.as_object_mut() {
            map.insert("referenceRange".into(), json!([range]));
            map.insert(
                "interpretation".into(),
                json!([status("v3-ObservationInterpretation", code)]),
            );
        }
    }
    bundle.add("Observation", resource)
}

/// Adds everything but the Patient.
pub(super) fn tell(
    bundle: &mut Bundle,
    identity: &PatientIdentity,
    day: Date,
    studies: &[RecordStudy],
) {
    let encounters = tell_encounters(bundle, day);
    tell_conditions(bundle, day);
    tell_allergies(bundle, day);
    tell_medications(bundle, day);
    tell_numbers(bundle, identity, day, &encounters);
    tell_procedures(bundle, day);
    for (index, study) in studies.iter().enumerate() {
        tell_study(bundle, study, index);
    }
}

fn tell_encounters(bundle: &mut Bundle, day: Date) -> Vec<String> {
    let mut urls = Vec::new();
    for (i, months) in SAMPLES.into_iter().enumerate() {
        let newest = i + 1 == SAMPLES.len();
        let (class, class_name, reason) = if newest {
            ("IMP", "inpatient encounter", "Cough and loss of weight")
        } else {
            ("AMB", "ambulatory", "Diabetes review")
        };
        let date = before(day, months, 0);
        let mut period = json!({ "start": format!("{date}T08:00:00Z") });
        if let (false, Some(map)) = (newest, period.as_object_mut()) {
            map.insert("end".into(), format!("{date}T09:00:00Z").into());
        }
        urls.push(bundle.add(
            "Encounter",
            json!({
                "status": if newest { "in-progress" } else { "finished" },
                "class": {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "code": class,
                    "display": class_name
                },
                "type": [concept(SNOMED, "185349003", "Encounter for check up")],
                "subject": bundle.subject(),
                "period": period,
                "reasonCode": [{ "text": reason }]
            }),
        ));
    }
    urls
}

fn tell_conditions(bundle: &mut Bundle, day: Date) {
    let list = [
        (
            concept(SNOMED, "44054006", "Type 2 diabetes mellitus"),
            14 * 12,
            "active",
            None,
        ),
        (
            concept(SNOMED, "38341003", "Hypertensive disorder"),
            11 * 12,
            "active",
            None,
        ),
        (
            concept(SNOMED, "433144002", "Chronic kidney disease stage 3"),
            13,
            "active",
            None,
        ),
        (
            concept(
                ICD10,
                "R91.8",
                "Other nonspecific abnormal finding of lung field",
            ),
            0,
            "active",
            None,
        ),
        (
            concept(SNOMED, "233604007", "Pneumonia"),
            6 * 12 + 2,
            "resolved",
            Some(6 * 12 + 1),
        ),
    ];
    for (code, months, clinical, abated) in list {
        let mut resource = json!({
            "clinicalStatus": status("condition-clinical", clinical),
            "verificationStatus": status("condition-ver-status", "confirmed"),
            "category": [status("condition-category", "problem-list-item")],
            "code": code,
            "subject": bundle.subject(),
            "onsetDateTime": before(day, months, 3)
        });
        if let (Some(months), Some(map)) = (abated, resource.as_object_mut()) {
            map.insert("abatementDateTime".into(), before(day, months, 3).into());
        }
        bundle.add("Condition", resource);
    }
}

fn tell_allergies(bundle: &mut Bundle, day: Date) {
    let list = [
        (
            concept(ATC, "V08AB02", "Iohexol (iodinated contrast medium)"),
            "high",
            (concept(SNOMED, "39579001", "Anaphylaxis"), "severe"),
            6 * 12 + 2,
        ),
        (
            concept(ATC, "J01CA04", "Amoxicillin"),
            "low",
            (concept(SNOMED, "126485001", "Urticaria"), "mild"),
            19 * 12,
        ),
    ];
    for (code, criticality, (manifestation, severity), months) in list {
        bundle.add(
            "AllergyIntolerance",
            json!({
                "clinicalStatus": status("allergyintolerance-clinical", "active"),
                "verificationStatus": status("allergyintolerance-verification", "confirmed"),
                "type": "allergy",
                "category": ["medication"],
                "criticality": criticality,
                "code": code,
                "patient": bundle.subject(),
                "recordedDate": before(day, months, 1),
                "reaction": [{ "manifestation": [manifestation], "severity": severity }]
            }),
        );
    }
}

fn tell_medications(bundle: &mut Bundle, day: Date) {
    let list = [
        (
            "A10BA02",
            "Metformin",
            "active",
            13 * 12,
            "1000 mg by mouth twice a day",
        ),
        (
            "C08CA01",
            "Amlodipine",
            "active",
            9 * 12,
            "5 mg by mouth once a day",
        ),
        (
            "C10AA05",
            "Atorvastatin",
            "active",
            8 * 12,
            "20 mg by mouth in the evening",
        ),
        (
            "B01AC06",
            "Acetylsalicylic acid",
            "active",
            5 * 12,
            "100 mg by mouth once a day",
        ),
        (
            "J01AA02",
            "Doxycycline",
            "completed",
            3,
            "100 mg by mouth twice a day for 7 days",
        ),
        (
            "C03AA03",
            "Hydrochlorothiazide",
            "stopped",
            11 * 12,
            "25 mg by mouth once a day",
        ),
    ];
    for (code, name, state, months, dosage) in list {
        bundle.add(
            "MedicationRequest",
            json!({
                "status": state,
                "intent": "order",
                "medicationCodeableConcept": concept(ATC, code, name),
                "subject": bundle.subject(),
                "authoredOn": before(day, months, 2),
                "dosageInstruction": [{ "text": dosage }]
            }),
        );
    }
}

fn tell_numbers(bundle: &mut Bundle, identity: &PatientIdentity, day: Date, encounters: &[String]) {
    for (sample, (months, encounter)) in SAMPLES.into_iter().zip(encounters).enumerate() {
        let date = before(day, months, 0);
        let mut panel = Vec::new();
        for test in &TESTS {
            let Some(value) = test.values.get(sample) else {
                continue;
            };
            let url = observation(bundle, test, *value, &date, encounter);
            if test.category == "laboratory" {
                panel.push(json!({ "reference": url }));
            }
            if test.code == "14682-9" {
                let at = Date::parse(&date).unwrap_or(day);
                let born = identity.birth_date.reveal().unwrap_or(at);
                let age = f64::from(born.years_until(at).unwrap_or(60));
                let rate = Test {
                    code: "98979-8",
                    name: "Glomerular filtration rate estimated (CKD-EPI 2021)",
                    unit: "mL/min/1.73 m2",
                    unit_code: "mL/min/{1.73_m2}",
                    low: Some(60.0),
                    high: None,
                    category: "laboratory",
                    values: [0.0; 6],
                };
                let value = filtration_rate(*value, age).round();
                let url = observation(bundle, &rate, value, &date, encounter);
                panel.push(json!({ "reference": url }));
            }
        }
        if let Some((systolic, diastolic)) = PRESSURES.get(sample) {
            let part = |code, name, value| {
                json!({
                    "code": concept(LOINC, code, name),
                    "valueQuantity": quantity(value, "mm[Hg]", "mm[Hg]")
                })
            };
            bundle.add(
                "Observation",
                json!({
                    "status": "final",
                    "category": category("vital-signs"),
                    "code": concept(LOINC, "85354-9", "Blood pressure"),
                    "subject": bundle.subject(),
                    "encounter": { "reference": encounter },
                    "effectiveDateTime": format!("{date}T08:10:00Z"),
                    "component": [
                        part("8480-6", "Systolic blood pressure", *systolic),
                        part("8462-4", "Diastolic blood pressure", *diastolic)
                    ]
                }),
            );
        }
        bundle.add(
            "DiagnosticReport",
            json!({
                "status": "final",
                "category": [status("v2-0074", "LAB")],
                "code": { "text": "Blood chemistry and count" },
                "subject": bundle.subject(),
                "encounter": { "reference": encounter },
                "effectiveDateTime": format!("{date}T08:15:00Z"),
                "result": panel
            }),
        );
    }
    bundle.add(
        "Observation",
        json!({
            "status": "final",
            "category": category("social-history"),
            "code": concept(LOINC, "72166-2", "Tobacco smoking status"),
            "subject": bundle.subject(),
            "effectiveDateTime": before(day, 0, 0),
            "valueCodeableConcept": concept(SNOMED, "8517006", "Ex-smoker")
        }),
    );
}

fn tell_procedures(bundle: &mut Bundle, day: Date) {
    let list = [
        ("73761001", "Colonoscopy", 41, "Screening"),
        ("80146002", "Appendectomy", 32 * 12, "Appendicitis"),
    ];
    for (code, name, months, reason) in list {
        bundle.add(
            "Procedure",
            json!({
                "status": "completed",
                "code": concept(SNOMED, code, name),
                "subject": bundle.subject(),
                "performedDateTime": before(day, months, 5),
                "reasonCode": [{ "text": reason }]
            }),
        );
    }
}

fn tell_study(bundle: &mut Bundle, study: &RecordStudy, index: usize) {
    let modality = |code: &str| json!({ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": code });
    let site = json!({ "system": SNOMED, "code": "51185008", "display": "Thoracic structure" });
    let url = bundle.add(
        "ImagingStudy",
        json!({
            "identifier": [
                { "system": "urn:dicom:uid", "value": format!("urn:oid:{}", study.uid) },
                {
                    "type": status("v2-0203", "ACSN"),
                    "value": study.accession
                }
            ],
            "status": "available",
            "modality": [modality(&study.modality)],
            "subject": bundle.subject(),
            "started": study.started,
            "numberOfSeries": 1,
            "numberOfInstances": study.instances,
            "description": study.description,
            "series": [{
                "uid": study.series_uid,
                "modality": modality(&study.modality),
                "description": study.description,
                "numberOfInstances": study.instances,
                "bodySite": site
            }]
        }),
    );
    // The newest study waits for its report; the older ones have theirs.
    if index == 0 {
        return;
    }
    let conclusion = if study.modality == "CT" {
        "Several lesions of both lungs, the largest in the right upper lobe. No contrast medium because of a known severe reaction."
    } else {
        "Round shadow in the right upper field. No effusion. Heart of normal size. Check in three months."
    };
    let (code, name) = if study.modality == "CT" {
        ("24627-2", "CT Chest")
    } else {
        ("30745-4", "XR Chest Views")
    };
    bundle.add(
        "DiagnosticReport",
        json!({
            "status": "final",
            "category": [status("v2-0074", "RAD")],
            "code": concept(LOINC, code, name),
            "subject": bundle.subject(),
            "effectiveDateTime": study.started,
            "imagingStudy": [{ "reference": url }],
            "conclusion": conclusion
        }),
    );
}

/// The other person's record: short, and without what matters for the first.
pub(super) fn tell_near_miss(bundle: &mut Bundle, day: Date) {
    bundle.add(
        "AllergyIntolerance",
        json!({
            "clinicalStatus": status("allergyintolerance-clinical", "active"),
            "verificationStatus": status("allergyintolerance-verification", "confirmed"),
            "code": { "text": "No known drug allergy" },
            "patient": bundle.subject(),
            "recordedDate": before(day, 4, 2)
        }),
    );
    bundle.add(
        "Condition",
        json!({
            "clinicalStatus": status("condition-clinical", "active"),
            "verificationStatus": status("condition-ver-status", "confirmed"),
            "category": [status("condition-category", "problem-list-item")],
            "code": concept(SNOMED, "195967001", "Asthma"),
            "subject": bundle.subject(),
            "onsetDateTime": before(day, 20 * 12, 4)
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_are_real_days() {
        let day = Date::parse("2026-03-16").unwrap();
        assert_eq!(before(day, 0, 0), "2026-03-16");
        assert_eq!(before(day, 3, 0), "2025-12-16");
        assert_eq!(before(day, 26, 0), "2024-01-16");
        for months in 0..400 {
            for days in 0..40 {
                assert!(Date::parse(&before(day, months, days)).is_some());
            }
        }
    }

    #[test]
    fn the_filtration_rate_follows_the_published_formula() {
        // A man of 60 with 1.0 mg/dL: 142 · (1/0.9)^-1.2 · 0.9938^60 = 86.2 by hand.
        assert!((filtration_rate(88.42, 60.0) - 86.2).abs() < 0.1);
        // Below 0.9 mg/dL the other exponent counts: 0.6 mg/dL at 30.
        let expected = 142.0 * (0.6f64 / 0.9).powf(-0.302) * 0.9938f64.powf(30.0);
        assert!((filtration_rate(0.6 * 88.42, 30.0) - expected).abs() < 1e-9);
    }
}
