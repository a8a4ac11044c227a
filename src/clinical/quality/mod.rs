//! The quality of data in a record: what is missing, contradicts itself, cannot be, has a wrong unit, came twice, or
//! has no sound code; with a score, and a correction where one follows.
//!
//! Must stay true: nothing is corrected here; a correction is a proposal that somebody takes or leaves. Every rule
//! counts what it looked at, so that a score says of how much. No finding quotes identity.

pub mod codes;
mod duplicates;
mod people;
pub mod quantities;
mod resources;
pub mod ucum;
mod units;

use super::{elements::text, fhir::Resource};
use crate::model::{date::Date, identity::PatientIdentity};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

pub use people::{Double, double_patients};

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Something is missing.
    Completeness,
    /// Two things contradict each other.
    Consistency,
    /// Something cannot be.
    Plausibility,
    /// A unit.
    Units,
    /// Something came twice.
    Duplicates,
    /// A code.
    Codes,
}

impl Class {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Completeness,
        Self::Consistency,
        Self::Plausibility,
        Self::Units,
        Self::Duplicates,
        Self::Codes,
    ];

    /// Word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::Consistency => "consistency",
            Self::Plausibility => "plausibility",
            Self::Units => "units",
            Self::Duplicates => "duplicates",
            Self::Codes => "codes",
        }
    }

    /// Message of its name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Completeness => "quality-completeness",
            Self::Consistency => "quality-consistency",
            Self::Plausibility => "quality-plausibility",
            Self::Units => "quality-units",
            Self::Duplicates => "quality-duplicates",
            Self::Codes => "quality-codes",
        }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident, $class:ident, $code:literal, $key:literal, $sentence:literal;)*) => {
        /// A rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// All rules.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Stable upper-case code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it is about.
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }

            /// Message of its sentence.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// Its sentence for files.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

rules! {
    /// A Patient without a name.
    NoName, Completeness, "NO_NAME", "quality-no-name", "the patient has no name";
    /// A Patient without a birth date.
    NoBirthDate, Completeness, "NO_BIRTH_DATE", "quality-no-birth-date", "the patient has no birth date";
    /// A Patient without a sex.
    NoSex, Completeness, "NO_SEX", "quality-no-sex", "the patient has no sex";
    /// A Patient without an identifier.
    NoIdentifier, Completeness, "NO_IDENTIFIER", "quality-no-identifier", "the patient has no identifier";
    /// A fact without a day.
    NoDate, Completeness, "NO_DATE", "quality-no-date", "nothing says when";
    /// A fact without code and words.
    NoCode, Completeness, "NO_CODE", "quality-no-code", "nothing says what";
    /// An observation without a value.
    NoValue, Completeness, "NO_VALUE", "quality-no-value", "a final observation has no value";
    /// Before the birth.
    BeforeBirth, Consistency, "BEFORE_BIRTH", "quality-before-birth", "it lies before the birth";
    /// After the death.
    AfterDeath, Consistency, "AFTER_DEATH", "quality-after-death", "it lies after the death";
    /// An end before its beginning.
    EndBeforeStart, Consistency, "END_BEFORE_START", "quality-end-before-start", "it ends before it begins";
    /// Something that the other sex has.
    SexContradicts, Consistency, "SEX_CONTRADICTS", "quality-sex-contradicts", "it does not go with the sex";
    /// A condition that is active and over.
    ActiveAndOver, Consistency, "ACTIVE_AND_OVER", "quality-active-and-over", "it is called active and has an end";
    /// Systolic below diastolic.
    PressureSwapped, Consistency, "PRESSURE_SWAPPED", "quality-pressure-swapped", "systolic pressure is below diastolic";
    /// A reference that leads nowhere.
    LostReference, Consistency, "LOST_REFERENCE", "quality-lost-reference", "it refers to something that is not there";
    /// A picture under this Patient ID of somebody else.
    PictureOfAnother, Consistency, "PICTURE_OF_ANOTHER", "quality-picture-of-another", "a picture under an identifier of the patient has another name, birth date or sex";
    /// A study that the record tells otherwise than its pictures.
    StudyDiffers, Consistency, "STUDY_DIFFERS", "quality-study-differs", "day or modality of a study differ from its pictures";
    /// A day that has not come.
    Future, Plausibility, "IN_FUTURE", "quality-future", "it lies in the future";
    /// Older than anybody.
    TooOld, Plausibility, "TOO_OLD", "quality-too-old", "the patient would be older than 120 years";
    /// A value that nobody has.
    Impossible, Plausibility, "IMPOSSIBLE_VALUE", "quality-impossible", "no living person has this value";
    /// A height or weight far from all others of the patient.
    Outlier, Plausibility, "OUTLIER", "quality-outlier", "it is far from all other values of the patient";
    /// A number without a unit.
    UnitMissing, Units, "UNIT_MISSING", "quality-unit-missing", "the value has no unit";
    /// A unit that is known and not written as UCUM.
    UnitSpelling, Units, "UNIT_SPELLING", "quality-unit-spelling", "the unit is not written as UCUM";
    /// A unit that nobody knows.
    UnitUnknown, Units, "UNIT_UNKNOWN", "quality-unit-unknown", "the unit is not of UCUM";
    /// A unit that does not go with the code.
    UnitOfCode, Units, "UNIT_NOT_OF_CODE", "quality-unit-of-code", "the unit does not go with the code";
    /// A value that is usual in another unit.
    UnitSwapped, Units, "UNIT_SWAPPED", "quality-unit-swapped", "the value is usual in another unit and impossible in this one";
    /// One code in units that cannot be compared.
    UnitMixed, Units, "UNIT_MIXED", "quality-unit-mixed", "most other values of this code have another unit";
    /// A fact that came twice.
    DuplicateFact, Duplicates, "DUPLICATE_FACT", "quality-duplicate-fact", "the same fact came twice";
    /// A patient who came twice.
    DuplicatePatient, Duplicates, "DUPLICATE_PATIENT", "quality-duplicate-patient", "another patient has the same name, birth date and sex";
    /// Words without a code.
    CodeMissing, Codes, "CODE_MISSING", "quality-code-missing", "it has words and no code";
    /// A code without a system.
    SystemMissing, Codes, "SYSTEM_MISSING", "quality-system-missing", "the code has no system";
    /// A code that its system cannot have.
    CodeForm, Codes, "CODE_NOT_OF_SYSTEM", "quality-code-form", "the code is none of its system";
    /// A status that FHIR does not allow.
    Status, Codes, "STATUS_NOT_ALLOWED", "quality-status", "the status is none that FHIR allows";
    /// A gender that FHIR does not allow.
    Gender, Codes, "GENDER_NOT_ALLOWED", "quality-gender", "the gender is none that FHIR allows";
}

/// How a resource is to be changed: values at JSON pointers (RFC 6901).
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    steps: Vec<(String, Value)>,
}

impl Patch {
    fn one(pointer: impl Into<String>, value: Value) -> Self {
        Self {
            steps: vec![(pointer.into(), value)],
        }
    }

    fn and(mut self, pointer: impl Into<String>, value: Value) -> Self {
        self.steps.push((pointer.into(), value));
        self
    }

    /// Carries it out; steps whose parent is not there do nothing.
    fn apply(&self, resource: &mut Value) {
        for (pointer, value) in &self.steps {
            let Some((parent, name)) = pointer.rsplit_once('/') else {
                continue;
            };
            match resource.pointer_mut(parent) {
                Some(Value::Object(members)) => {
                    members.insert(name.to_owned(), value.clone());
                }
                Some(Value::Array(items)) => {
                    let at = name.parse().unwrap_or(usize::MAX);
                    if let Some(slot) = items.get_mut(at) {
                        *slot = value.clone();
                    } else if name == "-" {
                        items.push(value.clone());
                    }
                }
                _ => {}
            }
        }
    }
}

/// What would mend a defect.
#[derive(Clone, Debug, PartialEq)]
pub enum Fix {
    /// The resource is changed.
    Change(Patch),
    /// It is put behind the resource with this id.
    Behind(String),
}

/// One defect.
#[derive(Clone, PartialEq)]
pub struct Defect {
    /// Against which rule.
    pub rule: Rule,
    /// Type of the resource; empty for what belongs to no resource.
    pub kind: String,
    /// Id of the resource.
    pub id: String,
    /// The element.
    pub element: String,
    /// What the resource is about, in words of its code.
    pub words: String,
    /// Its day.
    pub day: Option<Date>,
    /// What is there, and behind an arrow what the correction makes of it.
    pub detail: String,
    /// What would mend it, where that follows.
    pub fix: Option<Fix>,
}

/// The rule alone: ids and words can identify somebody.
impl std::fmt::Debug for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Defect({} {})", self.rule.code(), self.kind)
    }
}

impl Defect {
    /// Names it within a record.
    pub fn key(&self) -> String {
        let (rule, kind, id) = (self.rule.code(), &self.kind, &self.id);
        match self.element.is_empty() {
            true => format!("{rule} {kind}/{id}"),
            false => format!("{rule} {kind}/{id} {}", self.element),
        }
    }
}

/// A resource as it is to be read from now on.
#[derive(Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its text.
    pub json: String,
}

/// How many things of a class were looked at, and how many were wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Looked at.
    pub looked: usize,
    /// Wrong.
    pub wrong: usize,
}

impl Tally {
    /// Percent that were right; `None` where nothing was looked at.
    pub fn score(self) -> Option<f64> {
        (self.looked > 0).then(|| 100.0 * (1.0 - self.wrong as f64 / self.looked as f64))
    }

    /// Adds another.
    pub const fn add(&mut self, other: Self) {
        self.looked += other.looked;
        self.wrong += other.wrong;
    }
}

/// The quality of a record.
#[derive(Clone, Default, PartialEq)]
pub struct Quality {
    /// By class, in the order of [`Class::ALL`].
    pub tallies: [Tally; 6],
    /// Resources that were looked at.
    pub resources: usize,
    /// Defects, by class and rule.
    pub defects: Vec<Defect>,
    /// Texts of the resources with a correction, and ids of the patient for Linkages.
    bases: BTreeMap<(String, String), String>,
    patient: String,
}

/// Counts alone.
impl std::fmt::Debug for Quality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Quality({} defects)", self.defects.len())
    }
}

/// The mean of the scores of all classes that looked at something, percent.
pub fn total(tallies: &[Tally; 6]) -> Option<f64> {
    let scores: Vec<f64> = tallies.iter().filter_map(|t| t.score()).collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

/// A study of the index of pictures.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Who the pictures say it is.
    pub patient: PatientIdentity,
    /// Study Instance UID.
    pub study_uid: String,
    /// Its day.
    pub date: Option<Date>,
    /// Its modalities.
    pub modalities: Vec<String>,
}

/// What is beside the resources of a patient.
#[derive(Clone, Debug, Default)]
pub struct Beside<'a> {
    /// Today; without it nothing lies in the future.
    pub today: Option<Date>,
    /// Studies under identifiers of the patient.
    pub pictures: &'a [Picture],
    /// Resources that belong to nobody, for references.
    pub common: &'a [Resource],
}

impl Quality {
    /// Looks at the resources of one patient as they are read.
    pub fn of(patient: &str, resources: &[Resource], beside: &Beside<'_>) -> Self {
        let values: Vec<Value> = resources.iter().map(Resource::value).collect();
        let mut judge = Judge::new(patient, resources, &values, beside);
        judge.patient();
        judge.resources();
        judge.quantities();
        judge.duplicates();
        judge.pictures();
        judge.finish()
    }

    /// The score, percent; `None` of an empty record.
    pub fn score(&self) -> Option<f64> {
        total(&self.tallies)
    }

    /// The resources as they are once these defects are mended; several of one resource one after the other.
    pub fn mended(&self, defects: &[&Defect]) -> Vec<Mended> {
        let mut changed: BTreeMap<(String, String), Value> = BTreeMap::new();
        let mut out = Vec::new();
        for defect in defects {
            let key = (defect.kind.clone(), defect.id.clone());
            match &defect.fix {
                Some(Fix::Change(patch)) => {
                    let Some(base) = self.bases.get(&key) else {
                        continue;
                    };
                    let value = changed.entry(key).or_insert_with(|| amended(base));
                    patch.apply(value);
                }
                Some(Fix::Behind(keep)) => {
                    let patient = &self.patient;
                    let (kind, id) = (&defect.kind, &defect.id);
                    let linkage = super::duplicates::linkage(patient, kind, keep, id, true);
                    out.push(Mended {
                        kind: "Linkage".into(),
                        id: text(&linkage, "id").to_owned(),
                        json: linkage.to_string(),
                    });
                }
                None => {}
            }
        }
        out.extend(changed.into_iter().map(|((kind, id), value)| Mended {
            kind,
            id,
            json: value.to_string(),
        }));
        out
    }
}

/// Says of which text a resource is a correction, so that one of an older text is not read in the place of a newer one.
pub const AMENDS: &str = "urn:negatoscope:amends";

/// What tells one text of a resource from another.
pub fn text_mark(json: &str) -> String {
    let digest = Sha256::digest(json.as_bytes());
    digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// The mark of the text that a resource is a correction of.
pub fn amends(json: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    super::elements::list(&value, "extension")
        .iter()
        .find(|e| text(e, "url") == AMENDS)
        .map(|e| text(e, "valueString").to_owned())
}

/// A resource that says of what text it is a correction.
fn amended(base: &str) -> Value {
    let mut value: Value = serde_json::from_str(base).unwrap_or_default();
    let known = amends(base).is_some();
    if let Some(members) = value.as_object_mut().filter(|_| !known) {
        let own = json!({"url": AMENDS, "valueString": text_mark(base)});
        match members.get_mut("extension") {
            Some(Value::Array(items)) => items.push(own),
            _ => {
                members.insert("extension".into(), json!([own]));
            }
        }
    }
    value
}

/// What rules work on, and what they found.
struct Judge<'a> {
    resources: &'a [Resource],
    values: &'a [Value],
    beside: &'a Beside<'a>,
    birth: Option<Date>,
    death: Option<Date>,
    female: Option<bool>,
    found: Quality,
}

/// What a rule says of one resource.
struct Word {
    element: String,
    detail: String,
    fix: Option<Fix>,
}

impl Word {
    fn at(element: impl Into<String>) -> Self {
        Self {
            element: element.into(),
            detail: String::new(),
            fix: None,
        }
    }

    fn says(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    fn mend(mut self, patch: Patch) -> Self {
        self.fix = Some(Fix::Change(patch));
        self
    }
}

impl<'a> Judge<'a> {
    fn new(
        patient: &str,
        resources: &'a [Resource],
        values: &'a [Value],
        beside: &'a Beside<'a>,
    ) -> Self {
        let person = resources
            .iter()
            .zip(values)
            .find(|(r, _)| r.kind == "Patient");
        let person = person.map(|(_, value)| value);
        let date = |name| person.and_then(|p| super::elements::date(p, name));
        let gender = person.map(|p| text(p, "gender")).unwrap_or_default();
        Self {
            resources,
            values,
            beside,
            birth: date("birthDate"),
            death: date("deceasedDateTime"),
            female: match codes::gender_of(gender) {
                Some("female") => Some(true),
                Some("male") => Some(false),
                _ => None,
            },
            found: Quality {
                patient: patient.to_owned(),
                resources: resources.len(),
                ..Quality::default()
            },
        }
    }

    /// Counts what a rule looked at, and keeps what it found.
    fn hold(&mut self, rule: Rule, number: usize, wrong: Option<Word>) {
        let place = Class::ALL.iter().position(|c| *c == rule.class());
        let Some(tally) = place.and_then(|p| self.found.tallies.get_mut(p)) else {
            return;
        };
        tally.looked += 1;
        let Some(word) = wrong else { return };
        tally.wrong += 1;
        let (resource, value) = match (self.resources.get(number), self.values.get(number)) {
            (Some(resource), Some(value)) => (resource, value),
            _ => return,
        };
        if matches!(word.fix, Some(Fix::Change(_))) {
            let key = (resource.kind.clone(), resource.id.clone());
            self.found.bases.insert(key, resource.json.clone());
        }
        self.found.defects.push(Defect {
            rule,
            kind: resource.kind.clone(),
            id: resource.id.clone(),
            element: word.element,
            words: resources::words_of(value),
            day: resources::days_of(value).first().map(|(_, day)| *day),
            detail: word.detail,
            fix: word.fix,
        });
    }

    fn finish(mut self) -> Quality {
        self.found
            .defects
            .sort_by_cached_key(|d| (d.rule.class(), d.rule, d.day, d.kind.clone(), d.id.clone()));
        self.found
    }
}

/// Whether a day lies before another, as far as both are known.
fn before(one: Date, other: Date) -> bool {
    if one.month == 0 || other.month == 0 {
        return one.year < other.year;
    }
    if one.day == 0 || other.day == 0 {
        return (one.year, one.month) < (other.year, other.month);
    }
    one.days_since_epoch() < other.days_since_epoch()
}

#[cfg(test)]
mod tests;
