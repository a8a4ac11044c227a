//! The patient's record as the panels show it. Read from FHIR R4 by `clinical::fhir`; the resources
//! themselves stay in the store as they came.

use super::{date::Date, identity::PatientIdentity};

/// A code with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coding {
    /// System URI.
    pub system: String,
    /// Code.
    pub code: String,
    /// Words for the reader.
    pub display: String,
}

/// Everything the record panel shows of one patient. `Debug` tells the counts only.
#[derive(Clone, Default)]
pub struct PatientRecord {
    /// Logical id of the FHIR Patient.
    pub fhir_id: String,
    /// Who.
    pub identity: PatientIdentity,
    /// All identifiers of the Patient resource, for matching Patient ID: (type or system, value).
    pub identifiers: Vec<(String, crate::model::identity::Phi<String>)>,
    /// Maiden, old and other names that are not the one in `identity`.
    pub other_names: Vec<crate::model::identity::Phi<crate::model::identity::PersonName>>,
    /// Day of death, when recorded.
    pub deceased: Option<Date>,
    /// AllergyIntolerance, active first.
    pub allergies: Vec<Allergy>,
    /// Condition, active first, then by onset, newest first.
    pub conditions: Vec<Condition>,
    /// MedicationRequest / MedicationStatement, active first, newest first.
    pub medications: Vec<Medication>,
    /// Laboratory and vital-sign series, one a code, in order of name.
    pub observations: Vec<ObservationSeries>,
    /// Procedure, newest first.
    pub procedures: Vec<Procedure>,
    /// Encounter, newest first.
    pub encounters: Vec<Encounter>,
    /// ImagingStudy, newest first.
    pub imaging_studies: Vec<ImagingStudy>,
    /// DiagnosticReport, and DocumentReference of notes, newest first.
    pub reports: Vec<Report>,
    /// Immunization, newest first.
    pub immunizations: Vec<Immunization>,
    /// CarePlan, active first, newest first.
    pub care_plans: Vec<CarePlan>,
    /// FamilyMemberHistory, by relationship.
    pub family: Vec<Relative>,
    /// Claim and ExplanationOfBenefit, newest first.
    pub claims: Vec<Claim>,
    /// Genes with their diplotypes, by symbol.
    pub genes: Vec<GeneCall>,
    /// Variants that are not the reference.
    pub variants: Vec<VariantCall>,
    /// Drug recommendations of a laboratory's report on genes, by drug.
    pub guidance: Vec<DrugGuidance>,
    /// Resources that were merged into another and are not shown.
    pub merged: usize,
    /// Resources by type: (type, how many came, whether the panels show them).
    pub counts: Vec<(String, usize, bool)>,
}

impl std::fmt::Debug for PatientRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PatientRecord")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// AllergyIntolerance.
#[derive(Clone, Debug, Default)]
pub struct Allergy {
    /// Substance.
    pub code: Coding,
    /// `active`, `inactive`, `resolved`, or empty.
    pub status: String,
    /// `low`, `high`, `unable-to-assess`, or empty.
    pub criticality: String,
    /// Recorded on.
    pub recorded: Option<Date>,
}

/// Condition.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// What.
    pub code: Coding,
    /// `active`, `resolved`…
    pub clinical_status: String,
    /// Onset.
    pub onset: Option<Date>,
    /// Abatement.
    pub abated: Option<Date>,
}

/// MedicationRequest or MedicationStatement.
#[derive(Clone, Debug, Default)]
pub struct Medication {
    /// What.
    pub code: Coding,
    /// `active`, `stopped`, `completed`…
    pub status: String,
    /// Authored on.
    pub authored: Option<Date>,
    /// Dosage text, empty when absent.
    pub dosage: String,
}

/// Observations of one code over time.
#[derive(Clone, Debug, Default)]
pub struct ObservationSeries {
    /// What is measured.
    pub code: Coding,
    /// `laboratory`, `vital-signs`, `survey`…, or empty.
    pub category: String,
    /// Values in order of time, oldest first.
    pub values: Vec<ObservationValue>,
}

/// One Observation (or component).
#[derive(Clone, Debug, Default)]
pub struct ObservationValue {
    /// Effective day.
    pub date: Option<Date>,
    /// Number, when the value is a quantity.
    pub value: Option<f64>,
    /// UCUM unit, empty when absent.
    pub unit: String,
    /// The value as text, when it is not a quantity.
    pub text: String,
    /// Reference range of the resource itself: low, high.
    pub reference: (Option<f64>, Option<f64>),
    /// Interpretation code of the resource (`H`, `L`, `N`…), empty when absent.
    pub interpretation: String,
    /// Range from the built-in table, only where the resource gives none, the unit is the table's, and the patient
    /// was an adult of known sex where the table asks for it.
    pub typical: Option<TypicalRange>,
    /// How the value lies, from `interpretation`, else `reference`, else `typical`.
    pub flag: Flag,
}

/// A typical adult range; a guide for the eye, not the laboratory's own range.
#[derive(Clone, Debug, PartialEq)]
pub struct TypicalRange {
    /// Lower bound, same unit as the value.
    pub low: Option<f64>,
    /// Upper bound, same unit as the value.
    pub high: Option<f64>,
    /// Where the range comes from.
    pub source: &'static str,
}

/// How a value lies against its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flag {
    /// No range and no interpretation.
    #[default]
    Unknown,
    /// Inside.
    Normal,
    /// Below.
    Low,
    /// Above.
    High,
    /// Below, and said to be critical.
    CriticalLow,
    /// Above, and said to be critical.
    CriticalHigh,
    /// Said to be abnormal without a direction.
    Abnormal,
}

impl Flag {
    /// Whether the value is marked.
    pub const fn is_abnormal(self) -> bool {
        !matches!(self, Self::Unknown | Self::Normal)
    }

    /// HL7 interpretation code (v3 ObservationInterpretation), empty when unknown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Normal => "N",
            Self::Low => "L",
            Self::High => "H",
            Self::CriticalLow => "LL",
            Self::CriticalHigh => "HH",
            Self::Abnormal => "A",
        }
    }
}

/// Procedure.
#[derive(Clone, Debug, Default)]
pub struct Procedure {
    /// What.
    pub code: Coding,
    /// When performed.
    pub performed: Option<Date>,
    /// Why, empty when absent.
    pub reason: String,
}

/// Encounter.
#[derive(Clone, Debug, Default)]
pub struct Encounter {
    /// Type.
    pub code: Coding,
    /// Class code (`AMB`, `IMP`, `EMER`…).
    pub class: String,
    /// Begin.
    pub start: Option<Date>,
    /// Why, empty when absent.
    pub reason: String,
}

/// ImagingStudy.
#[derive(Clone, Debug, Default)]
pub struct ImagingStudy {
    /// Study Instance UID, empty when absent.
    pub study_uid: String,
    /// Begin.
    pub started: Option<Date>,
    /// Modality codes.
    pub modalities: Vec<String>,
    /// Procedure or description.
    pub description: String,
    /// Body site.
    pub body_site: String,
}

/// DiagnosticReport, or a note.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Logical id of the resource.
    pub id: String,
    /// What.
    pub code: Coding,
    /// Effective day.
    pub date: Option<Date>,
    /// `final`, `preliminary`…
    pub status: String,
    /// Conclusion or text, empty where the report only groups observations.
    pub text: String,
    /// Observations that it groups.
    pub results: usize,
}

/// Immunization.
#[derive(Clone, Debug, Default)]
pub struct Immunization {
    /// Vaccine.
    pub code: Coding,
    /// When given.
    pub date: Option<Date>,
}

/// CarePlan.
#[derive(Clone, Debug, Default)]
pub struct CarePlan {
    /// What.
    pub code: Coding,
    /// `active`, `completed`…
    pub status: String,
    /// Begin.
    pub start: Option<Date>,
    /// What is to be done.
    pub activities: Vec<String>,
    /// What it is for.
    pub addresses: Vec<String>,
}

/// FamilyMemberHistory: what a relative has or had. Names of relatives stay in the store.
#[derive(Clone, Debug, Default)]
pub struct Relative {
    /// Mother, brother …
    pub relationship: Coding,
    /// When it was noted.
    pub noted: Option<Date>,
    /// The relative died.
    pub deceased: bool,
    /// Conditions.
    pub conditions: Vec<RelativeCondition>,
}

/// A condition of a relative.
#[derive(Clone, Debug, Default)]
pub struct RelativeCondition {
    /// What.
    pub code: Coding,
    /// When it began, as it was written: `52 a`, `childhood`; empty where that is not known.
    pub onset: String,
    /// It contributed to the death.
    pub fatal: bool,
}

/// Claim or ExplanationOfBenefit.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Whether it is the answer of the payer.
    pub is_benefit: bool,
    /// First service.
    pub code: Coding,
    /// Begin of the billable period.
    pub date: Option<Date>,
    /// What was asked for.
    pub total: Option<f64>,
    /// What was paid, of a benefit.
    pub paid: Option<f64>,
    /// ISO 4217 code.
    pub currency: String,
}

/// A gene with its diplotype.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneCall {
    /// Symbol.
    pub gene: String,
    /// `*1/*2`.
    pub diplotype: String,
    /// What it means for drugs, several parted by `; `.
    pub phenotype: String,
    /// Activity score.
    pub activity: Option<f64>,
    /// Who called it.
    pub method: String,
    /// Positions that were not called and the like.
    pub note: String,
}

/// A variant that is not the reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantCall {
    /// Place and bases.
    pub name: String,
    /// Genes.
    pub genes: Vec<String>,
    /// dbSNP numbers.
    pub ids: Vec<String>,
    /// Bases of both chromosomes.
    pub genotype: String,
    /// Clinical significance, empty where none is given.
    pub significance: String,
}

/// A recommendation for a drug by a laboratory's report on genes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DrugGuidance {
    /// Drug.
    pub drug: String,
    /// Genes that it looks at.
    pub genes: Vec<String>,
    /// What to do.
    pub recommendation: String,
    /// `Strong`, `Moderate`…
    pub strength: String,
    /// For whom.
    pub population: String,
    /// Why.
    pub implication: String,
    /// Who says so.
    pub source: String,
    /// Where it is published.
    pub link: String,
}
