//! Standardized uptake values: by what a modality value of a PET series is multiplied, and why there may be no
//! such number. The twin of nothing on the GPU: SUV is the modality value times one factor for each frame.
//!
//! SUV is the activity in a millilitre over the dose for each gram of the body (PS3.3 C.8.9.1, QIBA profile for
//! FDG-PET): `value [Bq/ml] × body [g] / (dose [Bq] × share of it left at the moment the values mean)`. By hand:
//! 70 kg, 370 MBq of F-18 (6586.2 s), values corrected to a scan that began 3600 s after the injection:
//! 2^(-3600/6586.2) = 0.68463, of the dose 253.31 MBq are left, 70 000 g / 253.31e6 Bq = 2.7634e-4 g/Bq,
//! so 5000 Bq/ml are an SUV of 1.3817. Values that are corrected to the injection (ADMIN) take the dose whole;
//! letting it decay as well corrects twice (a reader that did so gave 2.096 for 1.00). Values without correction
//! (NONE) mean the mean activity of their own frame, so each frame has a factor.
//!
//! What stays true: nothing that is missing is filled in, but for what the standard itself says an absence means
//! (SUV Type); a refusal names the attributes; neither refusals nor `Debug` tell anything of the patient.
//!
//! Deliberately not here: scans that begin before the injection (dynamic series) and enhanced PET, whose times are
//! other attributes: both are refused. SUV from dose and weight that a person types in: whoever does that fills in
//! [`PetFacts`] and says so. Residual dose in the syringe: Radionuclide Total Dose is the net dose.

mod attribute;
mod body;
mod decay;
mod nuclide;
mod refusal;
mod series;
#[cfg(test)]
mod tests;

pub use attribute::Attribute;
pub use decay::{DecayCorrection, FrameDecay};
pub use refusal::{SuvRefusal, SuvRefusalKind};
pub use series::of_layout;

use crate::model::{
    date::Date,
    finding::{Finding, Severity},
    pet::{PetFacts, RadiopharmaceuticalFacts, TimeOfDay},
};
use decay::Notes;
use std::fmt;

/// What uptake is related to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuvKind {
    /// SUVbw, body weight, g/ml.
    BodyWeight,
    /// SUVlbm, lean body mass by James, g/ml.
    LeanBodyMassJames,
    /// SUVlbm, lean body mass by Janmahasatian, g/ml.
    LeanBodyMassJanmahasatian,
    /// SUVbsa, body surface by Du Bois, cm²/ml.
    BodySurfaceArea,
    /// SUVlbm of a formula that the file does not name, g/ml: as stored only, never computed.
    LeanBodyMassUnnamed,
    /// SUVibw, ideal body weight, g/ml: as stored only, since the standard names no formula.
    IdealBodyWeight,
}

impl SuvKind {
    /// All kinds, the usual one first.
    pub const ALL: [Self; 6] = [
        Self::BodyWeight,
        Self::LeanBodyMassJames,
        Self::LeanBodyMassJanmahasatian,
        Self::BodySurfaceArea,
        Self::LeanBodyMassUnnamed,
        Self::IdealBodyWeight,
    ];

    /// Unit of the value.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::BodySurfaceArea => "cm²/ml",
            _ => "g/ml",
        }
    }

    /// Stable lower-case word, as in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BodyWeight => "suvbw",
            Self::LeanBodyMassJames => "suvlbm_james",
            Self::LeanBodyMassJanmahasatian => "suvlbm_janma",
            Self::BodySurfaceArea => "suvbsa",
            Self::LeanBodyMassUnnamed => "suvlbm",
            Self::IdealBodyWeight => "suvibw",
        }
    }

    /// The kind with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Name with its formula, as drawn beside a value.
    pub const fn label(self) -> &'static str {
        match self {
            Self::BodyWeight => "SUVbw",
            Self::LeanBodyMassJames => "SUVlbm (James)",
            Self::LeanBodyMassJanmahasatian => "SUVlbm (Janmahasatian)",
            Self::BodySurfaceArea => "SUVbsa (Du Bois)",
            Self::LeanBodyMassUnnamed => "SUVlbm (formula not named)",
            Self::IdealBodyWeight => "SUVibw",
        }
    }

    /// Size of the body in this respect, grams or square centimetres.
    fn body(self, facts: &PetFacts) -> Result<f64, SuvRefusal> {
        match self {
            Self::BodyWeight => Ok(1000.0 * body::weight_kg(facts)?),
            Self::LeanBodyMassJames => Ok(1000.0 * body::james_kg(facts)?),
            Self::LeanBodyMassJanmahasatian => Ok(1000.0 * body::janmahasatian_kg(facts)?),
            Self::BodySurfaceArea => body::surface_cm2(facts),
            Self::LeanBodyMassUnnamed | Self::IdealBodyWeight => Err(SuvRefusal::new(
                SuvRefusalKind::Unsupported,
                &[Attribute::SuvType],
                "no formula is named for this kind",
            )),
        }
    }
}

/// What an input was, for the screen.
#[derive(Clone, PartialEq)]
pub enum InputValue {
    /// A number with its unit.
    Number(f64, &'static str),
    /// A term of the standard.
    Term(&'static str),
    /// A time of the day of the scan.
    Time(TimeOfDay),
    /// A day and a time.
    Moment {
        /// The day.
        date: Date,
        /// The time.
        time: TimeOfDay,
    },
    /// Differs from frame to frame.
    Used,
}

/// An attribute that the factor rests on.
#[derive(Clone, PartialEq)]
pub struct Input {
    /// Where the value is from.
    pub attribute: Attribute,
    /// The value as the file has it.
    pub value: InputValue,
}

/// Inputs are a patient's weight, dose and times: only the name is printed.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attribute)
    }
}

/// By which way modality values become SUV.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SuvPath {
    /// Bq/ml, dose and decay.
    Dose(DecayCorrection),
    /// A factor of the maker to body-weight SUV.
    MakerFactor,
    /// Stored as SUV.
    Stored(SuvKind),
}

/// From modality values to SUV.
#[derive(Clone, Debug, PartialEq)]
pub struct SuvScale {
    /// The way.
    pub path: SuvPath,
    /// Decay of the dose: one entry for all frames, one for each frame, or none where it does not enter.
    pub decay: Vec<FrameDecay>,
    /// For each kind the factor before decay, or why there is none.
    kinds: Vec<(SuvKind, Result<f64, SuvRefusal>)>,
    /// What the factor rests on, in the order in which it is told.
    pub inputs: Vec<Input>,
    /// What needs care.
    pub warnings: Vec<Finding>,
}

impl SuvScale {
    /// What to multiply modality values of a frame (from 0, in the order of [`PetFacts::frames`]) with.
    ///
    /// # Errors
    /// What this kind lacks, though another may be had.
    pub fn factor(&self, kind: SuvKind, frame: usize) -> Result<f64, SuvRefusal> {
        let found = self.kinds.iter().find(|(k, _)| *k == kind);
        let before = match found {
            Some((_, factor)) => factor.clone()?,
            None => return Err(SuvRefusal::missing(&[Attribute::Units])),
        };
        match self.decay.as_slice() {
            [] => Ok(before),
            [common] => Ok(before / common.factor),
            each => each
                .get(frame)
                .map(|decay| before / decay.factor)
                .ok_or_else(|| SuvRefusal::missing(&[Attribute::AcquisitionTime])),
        }
    }

    /// The kinds that can be had, with the unit of each in [`SuvKind::unit`].
    pub fn kinds(&self) -> impl Iterator<Item = SuvKind> + '_ {
        let known = self.kinds.iter().filter(|(_, factor)| factor.is_ok());
        known.map(|(kind, _)| *kind)
    }

    /// Whether all frames have the same factor.
    pub const fn is_uniform(&self) -> bool {
        self.decay.len() <= 1
    }
}

/// By what modality values are multiplied to become SUV.
///
/// # Errors
/// When no kind of SUV can be had, with the attributes that are missing or contradictory.
pub fn scale(facts: &PetFacts) -> Result<SuvScale, SuvRefusal> {
    let units = required(facts.units.as_deref(), Attribute::Units)?;
    let correction = corrections(facts)?;
    let mut notes = Notes {
        inputs: Vec::new(),
        warnings: Vec::new(),
    };
    let (path, decay, kinds) = match units {
        "BQML" => {
            notes.used(Attribute::Units, InputValue::Term("BQML"));
            by_dose(facts, correction, 1.0, &mut notes)?
        }
        "CNTS" => philips(facts, correction, &mut notes)?,
        "GML" | "CM2ML" => stored(facts, units, &mut notes)?,
        _ => {
            return Err(SuvRefusal::new(
                SuvRefusalKind::Unsupported,
                &[Attribute::Units],
                "the values are no activity concentration and no SUV",
            ));
        }
    };
    let own = match path {
        SuvPath::Stored(kind) => kind,
        _ => SuvKind::BodyWeight,
    };
    if let Some((_, Err(refusal))) = kinds.iter().find(|(kind, _)| *kind == own) {
        return Err(refusal.clone());
    }
    body_inputs(facts, &mut notes);
    Ok(SuvScale {
        path,
        decay,
        kinds,
        inputs: notes.inputs,
        warnings: notes.warnings,
    })
}

type Way = (
    SuvPath,
    Vec<FrameDecay>,
    Vec<(SuvKind, Result<f64, SuvRefusal>)>,
);

fn required(value: Option<&str>, attribute: Attribute) -> Result<&str, SuvRefusal> {
    let value = value.map(str::trim).filter(|v| !v.is_empty());
    value.ok_or_else(|| SuvRefusal::missing(&[attribute]))
}

/// Corrected Image (0028,0051) and Decay Correction (0054,1102), which must fit.
fn corrections(facts: &PetFacts) -> Result<DecayCorrection, SuvRefusal> {
    let corrected = facts.corrected_image.as_deref().unwrap_or_default();
    if corrected.iter().all(|c| c.trim().is_empty()) {
        return Err(SuvRefusal::missing(&[Attribute::CorrectedImage]));
    }
    let has = |term: &str| corrected.iter().any(|c| c.trim() == term);
    let names = [Attribute::CorrectedImage, Attribute::DecayCorrection];
    let lacks = |why| {
        Err(SuvRefusal::new(
            SuvRefusalKind::NotCorrected,
            &names[..1],
            why,
        ))
    };
    if !has("ATTN") {
        return lacks("the values are not corrected for attenuation (ATTN)");
    }
    let decay = required(
        facts.decay_correction.as_deref(),
        Attribute::DecayCorrection,
    )?;
    match (decay, has("DECY")) {
        ("START", true) => Ok(DecayCorrection::Start),
        ("ADMIN", true) => Ok(DecayCorrection::Admin),
        ("NONE", false) => Ok(DecayCorrection::None),
        ("START" | "ADMIN", false) => {
            lacks("decay correction is named, but the values are not corrected for decay (DECY)")
        }
        ("NONE", true) => {
            let why = "one says that decay is corrected (DECY), the other that it is not";
            Err(SuvRefusal::contradiction(&names, why))
        }
        _ => {
            let why = "not one of START, ADMIN and NONE";
            Err(SuvRefusal::new(
                SuvRefusalKind::Unsupported,
                &names[1..],
                why,
            ))
        }
    }
}

/// From activity: `activity` takes modality values to Bq/ml.
fn by_dose(
    facts: &PetFacts,
    correction: DecayCorrection,
    activity: f64,
    notes: &mut Notes,
) -> Result<Way, SuvRefusal> {
    let sequence = Attribute::RadiopharmaceuticalInformation;
    let tracer = match facts.radiopharmaceuticals.as_slice() {
        [] => return Err(SuvRefusal::missing(&[sequence])),
        [one] => one,
        _ => {
            let why = "several radiopharmaceuticals: which of them is seen is not told";
            return Err(SuvRefusal::contradiction(&[sequence], why));
        }
    };
    let weight = body::weight_kg(facts)?;
    let dose = dose_bq(tracer, weight, notes)?;
    let half_life = half_life_secs(tracer, correction, notes)?;
    let term = match correction {
        DecayCorrection::Start => "START",
        DecayCorrection::Admin => "ADMIN",
        DecayCorrection::None => "NONE",
    };
    notes.used(Attribute::DecayCorrection, InputValue::Term(term));
    let decay = decay::decay(facts, tracer, correction, half_life, notes)?;
    let kinds = SuvKind::ALL.map(|kind| {
        let body = kind.body(facts);
        (kind, body.map(|body| activity * body / dose))
    });
    Ok((SuvPath::Dose(correction), decay, kinds.into()))
}

/// Radionuclide Total Dose, judged. Megabecquerel or kilobecquerel written as becquerel is the usual fault.
fn dose_bq(
    tracer: &RadiopharmaceuticalFacts,
    weight_kg: f64,
    notes: &mut Notes,
) -> Result<f64, SuvRefusal> {
    let attribute = Attribute::TotalDose;
    let dose = tracer.total_dose_bq;
    let dose = dose.ok_or_else(|| SuvRefusal::missing(&[attribute]))?;
    // Animals of some grams are given less than people.
    let least = if weight_kg < 1.0 { 1e4 } else { 1e6 };
    let why = match dose {
        d if !d.is_finite() || d <= 0.0 => "no dose was given",
        d if d < 1e4 => "no dose in becquerel; it looks like megabecquerel",
        d if d < least => "no dose in becquerel; it looks like kilobecquerel",
        d if d > 1e10 => "no dose that a person is given",
        _ => {
            if !(1e7..=3e9).contains(&dose) && weight_kg >= 1.0 {
                let text = "the dose is unusual";
                notes.warn("SUV_DOSE_UNUSUAL", Severity::Warning, text);
            }
            notes.used(attribute, InputValue::Number(dose, "Bq"));
            return Ok(dose);
        }
    };
    Err(SuvRefusal::implausible(attribute, dose, why))
}

/// Radionuclide Half Life, judged by the nuclide where that is known. It does not enter for ADMIN.
fn half_life_secs(
    tracer: &RadiopharmaceuticalFacts,
    correction: DecayCorrection,
    notes: &mut Notes,
) -> Result<Option<f64>, SuvRefusal> {
    let attribute = Attribute::HalfLife;
    let Some(half_life) = tracer.half_life_secs else {
        return match correction {
            DecayCorrection::Admin => Ok(None),
            _ => Err(SuvRefusal::missing(&[attribute])),
        };
    };
    if !(30.0..=1e8).contains(&half_life) {
        return Err(SuvRefusal::implausible(
            attribute,
            half_life,
            "no half life in seconds",
        ));
    }
    let nuclide = tracer.nuclide.as_ref();
    match nuclide
        .and_then(|(scheme, code)| nuclide::deviation(scheme.trim(), code.trim(), half_life))
    {
        Some(apart) if apart > 0.1 => {
            let names = [attribute, Attribute::RadionuclideCode];
            let mut refusal = SuvRefusal::contradiction(&names, "not the half life of the nuclide");
            refusal.value = Some(half_life);
            return Err(refusal);
        }
        Some(apart) if apart > 0.01 => {
            let finding = Finding::new(
                "SUV_HALF_LIFE_DIFFERS",
                Severity::Warning,
                "the half life is more than 1 % off that of the nuclide",
            );
            notes.warnings.push(finding.with("percent", 100.0 * apart));
        }
        Some(_) => {}
        None => notes.warn(
            "SUV_HALF_LIFE_UNCHECKED",
            Severity::Info,
            "the nuclide is not named or not known: the half life is taken as it is",
        ),
    }
    notes.used(attribute, InputValue::Number(half_life, "s"));
    Ok(Some(half_life))
}

/// Counts of Philips: a factor to body-weight SUV, or one to Bq/ml.
fn philips(
    facts: &PetFacts,
    correction: DecayCorrection,
    notes: &mut Notes,
) -> Result<Way, SuvRefusal> {
    notes.used(Attribute::Units, InputValue::Term("CNTS"));
    let names = [Attribute::PhilipsSuvScale, Attribute::PhilipsActivityScale];
    let own = facts.philips.as_ref();
    let own = own.ok_or_else(|| SuvRefusal::missing(&names))?;
    if own.creator.as_deref().map(str::trim) != Some("Philips PET Private Group") {
        return Err(SuvRefusal::missing(&[Attribute::PhilipsCreator]));
    }
    // Philips writes 0 for a factor that does not exist; below zero is neither.
    for (name, value) in [(names[0], own.suv_scale), (names[1], own.activity_scale)] {
        if let Some(value) = value.filter(|v| !v.is_finite() || *v < 0.0) {
            return Err(SuvRefusal::implausible(name, value, "no factor"));
        }
    }
    let activity = decay::positive(own.activity_scale);
    let Some(to_suv) = decay::positive(own.suv_scale) else {
        let activity = activity.ok_or_else(|| SuvRefusal::missing(&names))?;
        notes.used(names[1], InputValue::Number(activity, "Bq/ml"));
        return by_dose(facts, correction, activity, notes);
    };
    notes.used(names[0], InputValue::Number(to_suv, "g/ml"));
    if let Some(activity) = activity {
        let mut aside = Notes {
            inputs: Vec::new(),
            warnings: Vec::new(),
        };
        if let Ok((_, decay, kinds)) = by_dose(facts, correction, activity, &mut aside)
            && let (Some((_, Ok(before))), [decay]) = (kinds.first(), decay.as_slice())
        {
            let apart = (before / decay.factor / to_suv - 1.0).abs();
            if apart > 0.1 {
                let why = "one gives another SUV than the other with dose, weight and times";
                return Err(SuvRefusal::contradiction(&names, why));
            }
            if apart > 0.01 {
                notes.warn(
                    "SUV_MAKER_FACTOR_DIFFERS",
                    Severity::Warning,
                    "the SUV factor of the maker is not quite the one of dose, weight and times",
                );
            }
        }
    }
    let kinds = from_own(facts, SuvKind::BodyWeight, to_suv);
    Ok((SuvPath::MakerFactor, Vec::new(), kinds))
}

/// Values stored as SUV, of the kind that SUV Type (0054,1006) says.
fn stored(facts: &PetFacts, units: &str, notes: &mut Notes) -> Result<Way, SuvRefusal> {
    let names = [Attribute::Units, Attribute::SuvType];
    let stated = facts.suv_type.as_deref().map(str::trim);
    let stated = stated.filter(|t| !t.is_empty());
    let unit = if units == "GML" { "GML" } else { "CM2ML" };
    notes.used(names[0], InputValue::Term(unit));
    let (kind, term) = match (unit, stated) {
        ("GML", Some("BW")) => (SuvKind::BodyWeight, "BW"),
        ("GML", Some("LBMJAMES128")) => (SuvKind::LeanBodyMassJames, "LBMJAMES128"),
        ("GML", Some("LBMJANMA")) => (SuvKind::LeanBodyMassJanmahasatian, "LBMJANMA"),
        // "by James method" in the standard, but with either of two numbers in use for men.
        ("GML", Some("LBM")) => (SuvKind::LeanBodyMassUnnamed, "LBM"),
        ("GML", Some("IBW")) => (SuvKind::IdealBodyWeight, "IBW"),
        ("CM2ML", Some("BSA")) => (SuvKind::BodySurfaceArea, "BSA"),
        // PS3.3 C.8.9.1: "If absent, and the Units are GML, then the type of SUV shall be assumed to be BW".
        ("GML", None) => {
            let text = "SUV Type is absent, which means body weight (PS3.3 C.8.9.1)";
            notes.warn("SUV_TYPE_ABSENT", Severity::Info, text);
            (SuvKind::BodyWeight, "BW")
        }
        ("CM2ML", None) => (SuvKind::BodySurfaceArea, "BSA"),
        (_, Some("BW" | "LBM" | "LBMJAMES128" | "LBMJANMA" | "IBW" | "BSA")) => {
            let why = "this type is not of this unit";
            return Err(SuvRefusal::contradiction(&names, why));
        }
        _ => {
            let why = "a type of SUV that is not known";
            return Err(SuvRefusal::new(
                SuvRefusalKind::Unsupported,
                &names[1..],
                why,
            ));
        }
    };
    notes.used(names[1], InputValue::Term(term));
    Ok((
        SuvPath::Stored(kind),
        Vec::new(),
        from_own(facts, kind, 1.0),
    ))
}

/// All kinds from a factor to one of them: dose and decay are the same for all, so only the bodies' ratio enters.
fn from_own(
    facts: &PetFacts,
    own: SuvKind,
    factor: f64,
) -> Vec<(SuvKind, Result<f64, SuvRefusal>)> {
    let ratio = |kind: SuvKind| {
        if kind == own {
            return Ok(factor);
        }
        Ok(factor * kind.body(facts)? / own.body(facts)?)
    };
    SuvKind::ALL.map(|kind| (kind, ratio(kind))).into()
}

/// Weight, size and sex, where they are sane and something may rest on them.
fn body_inputs(facts: &PetFacts, notes: &mut Notes) {
    if let Ok(weight) = body::weight_kg(facts) {
        notes.used(Attribute::PatientWeight, InputValue::Number(weight, "kg"));
        if weight < 1.0 {
            let text = "the weight is that of an animal";
            notes.warn("SUV_WEIGHT_UNUSUAL", Severity::Warning, text);
        }
    }
    if let Ok(size) = body::size_m(facts) {
        notes.used(Attribute::PatientSize, InputValue::Number(size, "m"));
    }
    let sex = match facts.patient_sex.as_deref() {
        Some("M") => "M",
        Some("F") => "F",
        _ => return,
    };
    notes.used(Attribute::PatientSex, InputValue::Term(sex));
}
