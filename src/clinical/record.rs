//! Resources to the panels' record: a thin mapping, sorted as the panels want it.
//!
//! Must stay true: a resource marked as entered in error, or refuted, is never shown as a fact.

use super::{
    duplicates,
    elements::{
        LOINC, choice_date, code, concept, date, list, number, observation_value, person_name,
        text, visible, words,
    },
    fhir::{ReferenceIndex, Resource},
    genes::resources::{Genomics, genomics},
    loss::is_shown,
    ranges, record_more as more,
};
use crate::model::{
    date::Date,
    identity::{PatientIdentity, PersonName, Phi, Sex},
    record::{
        Allergy, Coding, Condition, Encounter, Flag, ImagingStudy, Medication, ObservationSeries,
        ObservationValue, PatientRecord, Procedure, TypicalRange,
    },
};
use serde_json::Value;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// Builds the record of one patient from the resources that belong to that patient; resources of nobody (a
/// Medication, say) may be among them and answer references.
pub fn build_record(resources: &[Resource]) -> PatientRecord {
    let index = ReferenceIndex::new(resources);
    let values: Vec<Value> = resources
        .iter()
        .map(|r| {
            if is_shown(&r.kind) {
                r.value()
            } else {
                Value::Null
            }
        })
        .collect();
    let lookup = Lookup {
        values: &values,
        index: &index,
    };
    let mut record = PatientRecord::default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (resource, value) in resources.iter().zip(&values) {
        if resource.patient.is_some() {
            *counts.entry(&resource.kind).or_default() += 1;
        }
        if resource.kind == "Patient" {
            record.fhir_id.clone_from(&resource.id);
            read_patient(value, &mut record);
        }
    }
    record.counts = counts
        .into_iter()
        .map(|(kind, count)| (kind.to_owned(), count, is_shown(kind)))
        .collect();
    let merged = duplicates::merged(resources, &values);
    let mut series = SeriesBuilder::default();
    for (resource, value) in resources.iter().zip(&values) {
        if is_void(value) {
            continue;
        }
        if merged.contains(&(resource.kind.as_str(), resource.id.as_str())) {
            record.merged += 1;
            continue;
        }
        match resource.kind.as_str() {
            "AllergyIntolerance" => record.allergies.push(allergy(value)),
            "Condition" => record.conditions.push(condition(value)),
            "MedicationRequest" | "MedicationStatement" => {
                record.medications.push(medication(value, &lookup));
            }
            "Observation" => match genomics(value) {
                Some(Genomics::Gene(call)) => record.genes.push(call),
                Some(Genomics::Variant(call)) => record.variants.push(call),
                Some(Genomics::Guidance(guidance)) => record.guidance.push(guidance),
                None => series.add(value, &record.identity),
            },
            "DiagnosticReport" => record.reports.push(more::report(resource, value)),
            "DocumentReference" => record.reports.push(more::document(resource, value)),
            "Immunization" => record.immunizations.push(more::immunization(value)),
            "CarePlan" => record.care_plans.push(more::care_plan(value, |r| {
                lookup
                    .follow(value, r)
                    .map(|target| words(target.get("code")))
            })),
            "FamilyMemberHistory" => record.family.push(more::relative(value)),
            "Claim" | "ExplanationOfBenefit" => record.claims.push(more::claim(value)),
            "Procedure" => record.procedures.push(Procedure {
                code: concept(value.get("code"), ""),
                performed: choice_date(value, "performed"),
                reason: reason(value, &lookup),
            }),
            "Encounter" => record.encounters.push(Encounter {
                code: concept(list(value, "type").first(), ""),
                class: value
                    .get("class")
                    .map(|c| text(c, "code").to_owned())
                    .unwrap_or_default(),
                start: value.get("period").and_then(|p| date(p, "start")),
                reason: reason(value, &lookup),
            }),
            "ImagingStudy" => record.imaging_studies.push(imaging_study(value)),
            _ => {}
        }
    }
    record.observations = series.finish();
    sort(&mut record);
    record
}

/// Identity, identifiers and names of a Patient resource.
pub fn patient_identity(patient: &Resource) -> PatientRecord {
    let mut record = PatientRecord {
        fhir_id: patient.id.clone(),
        ..PatientRecord::default()
    };
    read_patient(&patient.value(), &mut record);
    record
}

/// Resources that state nothing: entered in error, refuted, cancelled, not done.
fn is_void(value: &Value) -> bool {
    matches!(
        text(value, "status"),
        "entered-in-error" | "cancelled" | "not-done"
    ) || matches!(
        code(value.get("verificationStatus")).as_str(),
        "entered-in-error" | "refuted"
    )
}

struct Lookup<'a> {
    values: &'a [Value],
    index: &'a ReferenceIndex<'a>,
}

impl Lookup<'_> {
    /// The resource behind a Reference, inside `holder` or in the record.
    fn follow<'b>(&'b self, holder: &'b Value, reference: &Value) -> Option<&'b Value> {
        let reference = text(reference, "reference");
        match reference.strip_prefix('#') {
            Some(id) => list(holder, "contained")
                .iter()
                .find(|inner| text(inner, "id") == id),
            None => self.values.get(self.index.find(reference)?),
        }
    }
}

fn read_patient(patient: &Value, record: &mut PatientRecord) {
    let mut medical = None;
    for identifier in list(patient, "identifier") {
        let value = text(identifier, "value").trim();
        if value.is_empty() {
            continue;
        }
        let kind = identifier.get("type").map(|t| code(Some(t)));
        let named = kind.filter(|k| !k.is_empty()).unwrap_or_else(|| {
            let words = words(identifier.get("type"));
            if words.is_empty() {
                text(identifier, "system").to_owned()
            } else {
                words
            }
        });
        if named == "MR" && medical.is_none() {
            medical = Some(value.to_owned());
        }
        record.identifiers.push((named, Phi::new(value.to_owned())));
    }
    let names = list(patient, "name");
    let main = ["official", "usual", ""]
        .iter()
        .find_map(|wanted| names.iter().find(|n| text(n, "use") == *wanted))
        .or(names.first());
    let mut name = main.map(person_name).unwrap_or_default();
    for other in names {
        if main.is_some_and(|main| std::ptr::eq(main, other)) {
            continue;
        }
        let other_name = person_name(other);
        // A second representation of a current name fills an empty group; any other name stands for itself.
        let current = !matches!(text(other, "use"), "maiden" | "old" | "nickname" | "temp");
        if current && fill(&mut name, &other_name) {
            continue;
        }
        record.other_names.push(Phi::new(other_name));
    }
    record.identity = PatientIdentity {
        name: Phi::new(name),
        id: Phi::new(
            medical
                .or_else(|| {
                    record
                        .identifiers
                        .first()
                        .map(|(_, value)| value.reveal().clone())
                })
                .unwrap_or_default(),
        ),
        issuer: Phi::default(),
        birth_date: Phi::new(date(patient, "birthDate")),
        sex: Phi::new(Sex::parse(text(patient, "gender"))),
        synthetic: is_synthetic(patient),
    };
    record.deceased = date(patient, "deceasedDateTime");
}

fn fill(name: &mut PersonName, other: &PersonName) -> bool {
    let pairs = [
        (&mut name.alphabetic, &other.alphabetic),
        (&mut name.ideographic, &other.ideographic),
        (&mut name.phonetic, &other.phonetic),
    ];
    let mut filled = false;
    for (own, offered) in pairs {
        if own.is_empty() && !offered.is_empty() {
            own.clone_from(offered);
            filled = true;
        }
    }
    filled
}

/// Whether the resource says that the patient is made up: the tag of test data (v3 ActReason `HTEST`), or the
/// identifier system of the Synthea generator.
fn is_synthetic(patient: &Value) -> bool {
    let labels = patient.get("meta").into_iter().flat_map(|meta| {
        list(meta, "tag")
            .iter()
            .chain(list(meta, "security"))
            .collect::<Vec<_>>()
    });
    let mut labels = labels.map(|l| text(l, "code"));
    labels.any(|code| code == "HTEST" || code.starts_with("synthea"))
        || list(patient, "identifier")
            .iter()
            .any(|i| text(i, "system").ends_with("synthetichealth/synthea"))
}

fn allergy(value: &Value) -> Allergy {
    Allergy {
        code: concept(value.get("code"), ""),
        status: code(value.get("clinicalStatus")),
        criticality: text(value, "criticality").to_owned(),
        recorded: date(value, "recordedDate").or_else(|| choice_date(value, "onset")),
    }
}

fn condition(value: &Value) -> Condition {
    Condition {
        code: concept(value.get("code"), ""),
        clinical_status: code(value.get("clinicalStatus")),
        onset: choice_date(value, "onset").or_else(|| date(value, "recordedDate")),
        abated: choice_date(value, "abatement"),
    }
}

fn medication(value: &Value, lookup: &Lookup<'_>) -> Medication {
    let referenced = || {
        let reference = value.get("medicationReference")?;
        let found = lookup
            .follow(value, reference)
            .map(|m| concept(m.get("code"), ""));
        Some(found.unwrap_or_else(|| Coding {
            display: visible(text(reference, "display")),
            ..Coding::default()
        }))
    };
    let stated = value.get("medicationCodeableConcept");
    let dosage = list(value, "dosageInstruction")
        .iter()
        .chain(list(value, "dosage"))
        .map(dosage_words)
        .filter(|words| !words.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    Medication {
        code: stated
            .map(|c| concept(Some(c), ""))
            .or_else(referenced)
            .unwrap_or_default(),
        status: text(value, "status").to_owned(),
        authored: date(value, "authoredOn")
            .or_else(|| choice_date(value, "effective"))
            .or_else(|| date(value, "dateAsserted")),
        dosage,
    }
}

/// The dosage as its author wrote it, else put together from its parts.
fn dosage_words(dosage: &Value) -> String {
    let written = visible(text(dosage, "text"));
    if !written.is_empty() {
        return written;
    }
    let mut parts = Vec::new();
    let dose = list(dosage, "doseAndRate")
        .first()
        .and_then(|d| d.get("doseQuantity"));
    if let Some(amount) = dose.and_then(|d| d.get("value")).and_then(Value::as_f64) {
        let unit = dose.map(super::elements::unit).unwrap_or_default();
        parts.push(format!("{} {unit}", number(amount)).trim().to_owned());
    }
    if let Some(repeat) = dosage.get("timing").and_then(|t| t.get("repeat")) {
        let figure = |name: &str| repeat.get(name).and_then(Value::as_f64);
        if let (Some(times), Some(period)) = (figure("frequency"), figure("period")) {
            parts.push(format!(
                "{}× in {} {}",
                number(times),
                number(period),
                text(repeat, "periodUnit")
            ));
        }
    }
    if dosage.get("asNeededBoolean").and_then(Value::as_bool) == Some(true)
        || dosage.get("asNeededCodeableConcept").is_some()
    {
        parts.push("as needed".into());
    }
    for instruction in list(dosage, "additionalInstruction") {
        parts.push(words(Some(instruction)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn reason(value: &Value, lookup: &Lookup<'_>) -> String {
    let stated = words(list(value, "reasonCode").first());
    if !stated.is_empty() {
        return stated;
    }
    let Some(reference) = list(value, "reasonReference").first() else {
        return String::new();
    };
    let followed = lookup
        .follow(value, reference)
        .map(|target| words(target.get("code")))
        .unwrap_or_default();
    if followed.is_empty() {
        visible(text(reference, "display"))
    } else {
        followed
    }
}

fn imaging_study(value: &Value) -> ImagingStudy {
    let series = list(value, "series");
    let mut modalities: Vec<String> = list(value, "modality")
        .iter()
        .chain(series.iter().filter_map(|s| s.get("modality")))
        .map(|m| text(m, "code").to_owned())
        .filter(|code| !code.is_empty())
        .collect();
    modalities.sort_unstable();
    modalities.dedup();
    let mut sites: Vec<String> = series
        .iter()
        .filter_map(|s| s.get("bodySite"))
        .map(|site| visible(text(site, "display")))
        .filter(|site| !site.is_empty())
        .collect();
    sites.dedup();
    let first_series = series.first();
    let title = first_series
        .and_then(|s| list(s, "instance").first())
        .map(|i| visible(text(i, "title")));
    let description = [
        visible(text(value, "description")),
        words(list(value, "procedureCode").first()),
        first_series
            .map(|s| visible(text(s, "description")))
            .unwrap_or_default(),
        title.unwrap_or_default(),
    ]
    .into_iter()
    .find(|words| !words.is_empty());
    ImagingStudy {
        // FHIR R4 ImagingStudy.identifier: the Study Instance UID as a urn:oid.
        study_uid: list(value, "identifier")
            .iter()
            .filter(|i| {
                matches!(
                    text(i, "system"),
                    "urn:dicom:uid" | "urn:ietf:rfc:3986" | ""
                )
            })
            .find_map(|i| text(i, "value").strip_prefix("urn:oid:"))
            .unwrap_or_default()
            .to_owned(),
        started: date(value, "started"),
        modalities,
        description: description.unwrap_or_default(),
        body_site: sites.join(", "),
    }
}

/// A time to sort by: the day, then the text as written (times of one day in one zone sort as text).
type Moment = (Option<i64>, String);

#[derive(Default)]
struct SeriesBuilder {
    by_code: HashMap<(String, String), usize>,
    series: Vec<(ObservationSeries, Vec<(Moment, ObservationValue)>)>,
}

impl SeriesBuilder {
    fn add(&mut self, observation: &Value, identity: &PatientIdentity) {
        let categories = list(observation, "category");
        let category = categories
            .iter()
            .map(|c| code(Some(c)))
            .find(|c| !c.is_empty())
            .unwrap_or_default();
        let day = choice_date(observation, "effective").or_else(|| date(observation, "issued"));
        let written = ["effectiveDateTime", "effectiveInstant", "issued"]
            .iter()
            .map(|name| text(observation, name))
            .find(|t| !t.is_empty())
            .unwrap_or_default();
        let moment = (day.map(Date::days_since_epoch), written.to_owned());
        let parts = std::iter::once(observation).chain(list(observation, "component"));
        for part in parts {
            let mut value = ObservationValue {
                date: day,
                ..ObservationValue::default()
            };
            if !observation_value(part, &mut value) {
                let absent = words(part.get("dataAbsentReason"));
                if absent.is_empty() {
                    // A panel that only groups other observations has no value of its own.
                    continue;
                }
                value.text = absent;
            }
            let what = concept(part.get("code"), LOINC);
            value.interpretation = code(list(part, "interpretation").first());
            value.reference = reference_range(part, &value.unit);
            if value.reference == (None, None) && what.system == LOINC && value.value.is_some() {
                let (sex, birth) = (*identity.sex.reveal(), *identity.birth_date.reveal());
                value.typical = ranges::typical(&what.code, &value.unit, sex, birth, day);
            }
            value.flag = flag(&value);
            self.push(what, &category, moment.clone(), value);
        }
    }

    fn push(&mut self, what: Coding, category: &str, moment: Moment, value: ObservationValue) {
        let key = if what.code.is_empty() {
            (String::new(), what.display.clone())
        } else {
            (what.system.clone(), what.code.clone())
        };
        let place = *self.by_code.entry(key).or_insert_with(|| {
            self.series.push((
                ObservationSeries {
                    code: what,
                    category: category.to_owned(),
                    values: Vec::new(),
                },
                Vec::new(),
            ));
            self.series.len() - 1
        });
        if let Some((_, values)) = self.series.get_mut(place) {
            values.push((moment, value));
        }
    }

    fn finish(self) -> Vec<ObservationSeries> {
        let mut all: Vec<ObservationSeries> = self
            .series
            .into_iter()
            .map(|(mut series, mut values)| {
                values.sort_by(|a, b| a.0.cmp(&b.0));
                series.values = values.into_iter().map(|(_, value)| value).collect();
                series
            })
            .collect();
        all.sort_by_cached_key(|s| {
            let name = s.code.display.to_lowercase();
            (name, s.code.code.clone(), s.code.system.clone())
        });
        all
    }
}

/// Low and high of the first range that is not for a special case, in the unit of the value.
fn reference_range(part: &Value, unit: &str) -> (Option<f64>, Option<f64>) {
    list(part, "referenceRange")
        .iter()
        .filter(|range| matches!(code(range.get("type")).as_str(), "" | "normal"))
        .map(|range| {
            let bound = |name: &str| {
                let quantity = range.get(name)?;
                let own = super::elements::unit(quantity);
                (own.is_empty() || own == unit)
                    .then(|| quantity.get("value").and_then(Value::as_f64))
                    .flatten()
            };
            (bound("low"), bound("high"))
        })
        .find(|range| *range != (None, None))
        .unwrap_or_default()
}

/// How a value lies: what the laboratory said counts before any comparison.
fn flag(value: &ObservationValue) -> Flag {
    match value.interpretation.as_str() {
        "N" => return Flag::Normal,
        "L" | "LU" | "<" => return Flag::Low,
        "H" | "HU" | ">" => return Flag::High,
        "LL" => return Flag::CriticalLow,
        "HH" => return Flag::CriticalHigh,
        "A" | "AA" | "POS" | "DET" => return Flag::Abnormal,
        _ => {}
    }
    let Some(amount) = value.value else {
        return Flag::Unknown;
    };
    let (low, high) = match (&value.reference, &value.typical) {
        ((None, None), Some(TypicalRange { low, high, .. })) => (*low, *high),
        (own, _) => *own,
    };
    match (low, high) {
        (None, None) => Flag::Unknown,
        (Some(low), _) if amount < low => Flag::Low,
        (_, Some(high)) if amount > high => Flag::High,
        _ => Flag::Normal,
    }
}

/// Newest first; what has no date comes last.
fn newest(date: Option<Date>) -> Reverse<Option<i64>> {
    Reverse(date.map(Date::days_since_epoch))
}

fn sort(record: &mut PatientRecord) {
    let active = |status: &str| !matches!(status, "active" | "recurrence" | "relapse");
    record.allergies.sort_by_cached_key(|a| {
        (
            active(&a.status),
            a.code.display.to_lowercase(),
            newest(a.recorded),
        )
    });
    record.conditions.sort_by_cached_key(|c| {
        let name = c.code.display.to_lowercase();
        (active(&c.clinical_status), newest(c.onset), name)
    });
    record.medications.sort_by_cached_key(|m| {
        (
            active(&m.status),
            newest(m.authored),
            m.code.display.to_lowercase(),
        )
    });
    record
        .procedures
        .sort_by_cached_key(|p| (newest(p.performed), p.code.display.to_lowercase()));
    record
        .encounters
        .sort_by_cached_key(|e| (newest(e.start), e.code.display.to_lowercase()));
    record
        .imaging_studies
        .sort_by_cached_key(|s| (newest(s.started), s.study_uid.clone()));
    record
        .reports
        .sort_by_cached_key(|r| (newest(r.date), r.code.display.to_lowercase(), r.id.clone()));
    record
        .immunizations
        .sort_by_cached_key(|i| (newest(i.date), i.code.display.to_lowercase()));
    record.care_plans.sort_by_cached_key(|p| {
        (
            active(&p.status),
            newest(p.start),
            p.code.display.to_lowercase(),
        )
    });
    record
        .family
        .sort_by_cached_key(|r| (r.relationship.display.to_lowercase(), newest(r.noted)));
    record
        .claims
        .sort_by_cached_key(|c| (newest(c.date), c.is_benefit, c.code.display.to_lowercase()));
    record
        .genes
        .sort_by_cached_key(|g| (g.gene.clone(), g.method.clone()));
    record.variants.sort_by_cached_key(|v| v.name.clone());
    record
        .guidance
        .sort_by_cached_key(|g| (g.drug.clone(), g.source.clone(), g.population.clone()));
}
