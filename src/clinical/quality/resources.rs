//! Rules for each resource by itself and against the Patient.

use super::{
    super::{
        elements::{Target, code, concept, list, target, text},
        fhir::ReferenceIndex,
        text::{EntityKind, lexicon},
    },
    Judge, Patch, Rule, Word, before, codes,
};
use crate::model::date::Date;
use serde_json::{Value, json};

/// Types whose day and code are looked at, with the element of the code.
const CODED: [(&str, &str); 10] = [
    ("Observation", "code"),
    ("Condition", "code"),
    ("MedicationRequest", "medicationCodeableConcept"),
    ("MedicationStatement", "medicationCodeableConcept"),
    ("AllergyIntolerance", "code"),
    ("Procedure", "code"),
    ("Immunization", "vaccineCode"),
    ("DiagnosticReport", "code"),
    ("Encounter", "type"),
    ("ImagingStudy", ""),
];

/// Elements that say when.
const DAYS: [&str; 14] = [
    "effectiveDateTime",
    "effectivePeriod",
    "effectiveInstant",
    "onsetDateTime",
    "onsetPeriod",
    "performedDateTime",
    "performedPeriod",
    "occurrenceDateTime",
    "authoredOn",
    "period",
    "started",
    "dateAsserted",
    "issued",
    "recordedDate",
];

/// Words that only women have, and only men; whole words in English, parts in Chinese.
const WOMEN: [&str; 22] = [
    "pregnancy",
    "pregnant",
    "antenatal",
    "prenatal",
    "postpartum",
    "miscarriage",
    "preeclampsia",
    "eclampsia",
    "ovarian",
    "ovary",
    "uterine",
    "uterus",
    "endometriosis",
    "endometrial",
    "cervical cancer",
    "hysterectomy",
    "妊娠",
    "怀孕",
    "卵巢",
    "子宫",
    "流产",
    "产后",
];
const MEN: [&str; 12] = [
    "prostate",
    "prostatic",
    "prostatitis",
    "testicular",
    "testis",
    "vasectomy",
    "prostatectomy",
    "benign prostatic hyperplasia",
    "前列腺",
    "睾丸",
    "附睾",
    "阴茎",
];

/// Days that a resource names, with their elements, in the order of [`DAYS`].
pub(super) fn days_of(value: &Value) -> Vec<(&'static str, Date)> {
    let day = |name: &&'static str| {
        let element = value.get(*name)?;
        let written = match element {
            Value::String(written) => written.as_str(),
            period => match text(period, "start") {
                "" => text(period, "end"),
                start => start,
            },
        };
        Some((*name, Date::parse(written)?))
    };
    DAYS.iter().filter_map(day).collect()
}

/// What a resource is about.
pub(super) fn words_of(value: &Value) -> String {
    for name in ["code", "medicationCodeableConcept", "vaccineCode", "type"] {
        let found = match value.get(name) {
            Some(Value::Array(items)) => concept(items.first(), ""),
            other => concept(other, ""),
        };
        if !found.display.is_empty() {
            return found.display;
        }
        if !found.code.is_empty() {
            return found.code;
        }
    }
    String::new()
}

fn has_words(value: &Value, terms: &[&str]) -> bool {
    let words = words_of(value).to_lowercase();
    terms.iter().any(|term| match term.is_ascii() {
        true => words.match_indices(term).any(|(at, _)| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            let before = words.get(..at).unwrap_or_default().chars().next_back();
            let after = words
                .get(at + term.len()..)
                .unwrap_or_default()
                .chars()
                .next();
            edge(before) && edge(after)
        }),
        false => words.contains(term),
    })
}

/// What was entered in error or not done says nothing that could be wrong.
pub(super) fn is_void(value: &Value) -> bool {
    matches!(
        text(value, "status"),
        "entered-in-error" | "cancelled" | "not-done"
    ) || matches!(
        code(value.get("verificationStatus")).as_str(),
        "entered-in-error" | "refuted"
    )
}

impl Judge<'_> {
    /// The Patient itself.
    pub(super) fn patient(&mut self) {
        let people = self.resources.iter().zip(self.values).enumerate();
        let person = people
            .filter(|(_, (r, _))| r.kind == "Patient")
            .map(|(number, (_, value))| (number, value))
            .next();
        let Some((number, value)) = person else {
            return;
        };
        let named = list(value, "name").iter().any(|n| {
            !text(n, "family").trim().is_empty()
                || !text(n, "text").trim().is_empty()
                || !list(n, "given").is_empty()
        });
        let missing = |there: bool, element: &str| (!there).then(|| Word::at(element));
        self.hold(Rule::NoName, number, missing(named, "name"));
        let birth = text(value, "birthDate");
        self.hold(
            Rule::NoBirthDate,
            number,
            missing(!birth.is_empty(), "birthDate"),
        );
        let gender = text(value, "gender");
        self.hold(Rule::NoSex, number, missing(!gender.is_empty(), "gender"));
        let identified = list(value, "identifier")
            .iter()
            .any(|i| !text(i, "value").trim().is_empty());
        self.hold(
            Rule::NoIdentifier,
            number,
            missing(identified, "identifier"),
        );
        if !gender.is_empty() {
            let wrong = (!codes::GENDERS.contains(&gender)).then(|| {
                let word = Word::at("gender");
                match codes::gender_of(gender) {
                    Some(meant) => word
                        .says(format!("{gender} → {meant}"))
                        .mend(Patch::one("/gender", json!(meant))),
                    None => word,
                }
            });
            self.hold(Rule::Gender, number, wrong);
        }
        let (birth, today) = (self.birth, self.beside.today);
        if let (Some(birth), Some(today)) = (birth, today) {
            let future = before(today, birth).then(|| Word::at("birthDate"));
            self.hold(Rule::Future, number, future);
            let last = self.death.unwrap_or(today);
            let old = birth.years_until(last).is_some_and(|age| age > 120);
            self.hold(Rule::TooOld, number, old.then(|| Word::at("birthDate")));
        }
        if let (Some(birth), Some(death)) = (birth, self.death) {
            let wrong = before(death, birth).then(|| Word::at("deceasedDateTime"));
            self.hold(Rule::EndBeforeStart, number, wrong);
        }
    }

    /// Every resource of a kind that panels show.
    pub(super) fn resources(&mut self) {
        let index = ReferenceIndex::new(self.resources);
        let common = ReferenceIndex::new(self.beside.common);
        for (number, (resource, value)) in self.resources.iter().zip(self.values).enumerate() {
            let Some((_, element)) = CODED.iter().find(|(kind, _)| *kind == resource.kind) else {
                continue;
            };
            if is_void(value) {
                continue;
            }
            self.when(number, &resource.kind, value);
            if !element.is_empty() {
                self.what(number, &resource.kind, element, value);
            }
            self.status(number, &resource.kind, value);
            if resource.kind == "Observation" {
                self.value(number, value);
            }
            if matches!(resource.kind.as_str(), "Condition" | "Procedure")
                && let Some(female) = self.female
            {
                let wrong = has_words(value, if female { &MEN } else { &WOMEN });
                self.hold(
                    Rule::SexContradicts,
                    number,
                    wrong.then(|| Word::at("code")),
                );
            }
            for name in [
                "encounter",
                "medicationReference",
                "basedOn",
                "result",
                "hasMember",
            ] {
                for reference in list(value, name) {
                    let reference = text(reference, "reference");
                    let there = match target(reference) {
                        Target::Contained(id) => {
                            list(value, "contained").iter().any(|c| text(c, "id") == id)
                        }
                        Target::Conditional(_) => continue,
                        _ if reference.is_empty() => continue,
                        _ => index.find(reference).is_some() || common.find(reference).is_some(),
                    };
                    let wrong = (!there).then(|| Word::at(name));
                    self.hold(Rule::LostReference, number, wrong);
                }
            }
        }
    }

    fn when(&mut self, number: usize, kind: &str, value: &Value) {
        let days = days_of(value);
        // Since when an allergy is known matters little, and few say it.
        if kind != "AllergyIntolerance" {
            let wrong = days.is_empty().then(|| Word::at(""));
            self.hold(Rule::NoDate, number, wrong);
        }
        if let Some(birth) = self.birth {
            let wrong = days.iter().find(|(_, day)| before(*day, birth));
            let wrong = wrong.map(|(name, day)| Word::at(*name).says(day.to_string()));
            self.hold(Rule::BeforeBirth, number, wrong);
        }
        // Reports, encounters and bills may follow a death.
        let alive = matches!(
            kind,
            "Observation"
                | "Condition"
                | "MedicationRequest"
                | "Procedure"
                | "Immunization"
                | "ImagingStudy"
        );
        if let Some(death) = self.death.filter(|_| alive) {
            let wrong = days
                .iter()
                .find(|(name, day)| {
                    !matches!(*name, "issued" | "recordedDate") && before(death, *day)
                })
                .map(|(name, day)| Word::at(*name).says(day.to_string()));
            self.hold(Rule::AfterDeath, number, wrong);
        }
        if let Some(today) = self.beside.today {
            let wrong = days.iter().find(|(_, day)| before(today, *day));
            let wrong = wrong.map(|(name, day)| Word::at(*name).says(day.to_string()));
            self.hold(Rule::Future, number, wrong);
        }
        for (start, end) in [
            ("/period/start", "/period/end"),
            ("/performedPeriod/start", "/performedPeriod/end"),
            ("/effectivePeriod/start", "/effectivePeriod/end"),
            ("/onsetDateTime", "/abatementDateTime"),
        ] {
            let written = |pointer| value.pointer(pointer).and_then(Value::as_str);
            let (Some(start_text), Some(end_text)) = (written(start), written(end)) else {
                continue;
            };
            let (Some(from), Some(to)) = (Date::parse(start_text), Date::parse(end_text)) else {
                continue;
            };
            let wrong = before(to, from).then(|| {
                let element = end.trim_start_matches('/').replace('/', ".");
                Word::at(element).says(format!("{from} – {to}"))
            });
            self.hold(Rule::EndBeforeStart, number, wrong);
        }
        if kind == "Condition" && value.get("abatementDateTime").is_some() {
            let status = code(value.get("clinicalStatus"));
            let over = Date::parse(text(value, "abatementDateTime"));
            let past = match (over, self.beside.today) {
                (Some(over), Some(today)) => !before(today, over),
                _ => true,
            };
            let wrong = (matches!(status.as_str(), "active" | "recurrence" | "relapse") && past)
                .then(|| {
                    let patch = Patch::one("/clinicalStatus/coding/0/code", json!("resolved"))
                        .and("/clinicalStatus/coding/0/display", json!("Resolved"));
                    Word::at("clinicalStatus")
                        .says(format!("{status} → resolved"))
                        .mend(patch)
                });
            self.hold(Rule::ActiveAndOver, number, wrong);
        }
    }

    fn what(&mut self, number: usize, kind: &str, element: &str, value: &Value) {
        let (pointer, holder) = match value.get(element) {
            Some(Value::Array(items)) => (format!("/{element}/0"), items.first()),
            other => (format!("/{element}"), other),
        };
        if kind.starts_with("Medication")
            && holder.is_none()
            && value.get("medicationReference").is_some()
        {
            return;
        }
        let found = concept(holder, "");
        let nothing = found.code.is_empty() && found.display.is_empty();
        self.hold(Rule::NoCode, number, nothing.then(|| Word::at(element)));
        if nothing {
            return;
        }
        let codings = holder.map(|h| list(h, "coding")).unwrap_or_default();
        let coded = codings.iter().any(|c| !text(c, "code").is_empty());
        let missing = (!coded).then(|| {
            let word = Word::at(element);
            match known_term(kind, &found.display) {
                Some((system, code, display)) => word
                    .says(format!("{} → {code}", found.display))
                    .mend(Patch::one(
                        format!("{pointer}/coding"),
                        json!([{"system": system, "code": code, "display": display}]),
                    )),
                None => word,
            }
        });
        self.hold(Rule::CodeMissing, number, missing);
        for (place, coding) in codings.iter().enumerate() {
            let (system, code) = (text(coding, "system"), text(coding, "code"));
            if code.is_empty() {
                continue;
            }
            let lacking = system.is_empty().then(|| {
                let word = Word::at(format!("{element}.coding"));
                match codes::system_of(code) {
                    Some(known) => word.says(format!("{code} → {known}")).mend(Patch::one(
                        format!("{pointer}/coding/{place}/system"),
                        json!(known),
                    )),
                    None => word.says(code),
                }
            });
            self.hold(Rule::SystemMissing, number, lacking);
            if !system.is_empty() {
                let wrong = (!codes::fits(system, code)).then(|| {
                    let word = Word::at(format!("{element}.coding"));
                    match codes::system_of(code).filter(|known| *known != system) {
                        Some(known) => {
                            word.says(format!("{code}: {system} → {known}"))
                                .mend(Patch::one(
                                    format!("{pointer}/coding/{place}/system"),
                                    json!(known),
                                ))
                        }
                        None => word.says(format!("{system} {code}")),
                    }
                });
                self.hold(Rule::CodeForm, number, wrong);
            }
        }
    }

    fn status(&mut self, number: usize, kind: &str, value: &Value) {
        let Some(states) = codes::states(kind) else {
            return;
        };
        let status = text(value, "status");
        let wrong = (!states.contains(&status)).then(|| {
            let word = Word::at("status");
            match codes::state_of(kind, status) {
                Some(meant) => word
                    .says(format!("{status} → {meant}"))
                    .mend(Patch::one("/status", json!(meant))),
                None => word.says(status),
            }
        });
        self.hold(Rule::Status, number, wrong);
    }

    fn value(&mut self, number: usize, value: &Value) {
        let status = text(value, "status");
        if matches!(status, "registered" | "preliminary" | "unknown") {
            return;
        }
        let members = value.as_object();
        let there = members.is_some_and(|m| m.keys().any(|name| name.starts_with("value")))
            || ["component", "hasMember", "derivedFrom"]
                .iter()
                .any(|name| !list(value, name).is_empty())
            || value.get("dataAbsentReason").is_some();
        self.hold(Rule::NoValue, number, (!there).then(|| Word::at("value")));
        self.pressure(number, value);
    }

    /// Systolic (LOINC 8480-6) is above diastolic (8462-4).
    fn pressure(&mut self, number: usize, value: &Value) {
        let part = |loinc: &str| {
            let parts = list(value, "component").iter().enumerate();
            let mut parts = parts.filter(|(_, c)| concept(c.get("code"), "").code == loinc);
            let (place, found) = parts.next()?;
            let number = found.pointer("/valueQuantity/value")?.as_f64()?;
            Some((place, number))
        };
        let (Some((upper, systolic)), Some((lower, diastolic))) = (part("8480-6"), part("8462-4"))
        else {
            return;
        };
        let wrong = (systolic < diastolic).then(|| {
            let place = |n: usize| format!("/component/{n}/valueQuantity/value");
            Word::at("component")
                .says(format!("{systolic}/{diastolic} → {diastolic}/{systolic}"))
                .mend(Patch::one(place(upper), json!(diastolic)).and(place(lower), json!(systolic)))
        });
        self.hold(Rule::PressureSwapped, number, wrong);
    }
}

/// The code of words that are a name in the dictionary of what the type is about: system, code, name.
fn known_term(kind: &str, words: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let folded: Vec<char> = words.trim().chars().map(lexicon::fold).collect();
    let all = lexicon::lexicon();
    let (number, end) = all.names.longest(&folded, 0)?;
    let found = all.concept(number).filter(|_| end == folded.len())?;
    let fits = match kind {
        "Condition" => matches!(found.kind, EntityKind::Finding | EntityKind::Symptom),
        "MedicationRequest" | "MedicationStatement" => found.kind == EntityKind::Drug,
        _ => false,
    };
    (fits && !found.code.is_empty()).then(|| (found.system(), found.code, found.english))
}
