//! What SUV is related to: body weight, lean body mass, body surface. Weight in kilograms, size in metres.

use super::{Attribute, SuvRefusal};
use crate::model::pet::PetFacts;

/// Weights that an examination can have, kilograms; the small ones are animals.
const WEIGHT_KG: std::ops::RangeInclusive<f64> = 0.005..=500.0;
/// Sizes that a person can have, metres.
const SIZE_M: std::ops::RangeInclusive<f64> = 0.2..=2.8;

/// Patient's Weight, judged.
pub(super) fn weight_kg(facts: &PetFacts) -> Result<f64, SuvRefusal> {
    let attribute = Attribute::PatientWeight;
    let weight = facts
        .patient_weight_kg
        .ok_or_else(|| SuvRefusal::missing(&[attribute]))?;
    if WEIGHT_KG.contains(&weight) {
        return Ok(weight);
    }
    let why = "no weight in kilograms";
    Err(SuvRefusal::implausible(attribute, weight, why))
}

/// Patient's Size, judged.
pub(super) fn size_m(facts: &PetFacts) -> Result<f64, SuvRefusal> {
    let attribute = Attribute::PatientSize;
    let size = facts
        .patient_size_m
        .ok_or_else(|| SuvRefusal::missing(&[attribute]))?;
    if SIZE_M.contains(&size) {
        return Ok(size);
    }
    let why = if (20.0..=280.0).contains(&size) {
        "no size in metres; it looks like centimetres"
    } else {
        "no size in metres"
    };
    Err(SuvRefusal::implausible(attribute, size, why))
}

/// Whether the patient is female; lean body mass is known for men and women only.
fn is_female(facts: &PetFacts) -> Result<bool, SuvRefusal> {
    let attribute = Attribute::PatientSex;
    match facts.patient_sex.as_deref() {
        Some("F") => Ok(true),
        Some("M") => Ok(false),
        Some("O") => Err(SuvRefusal::new(
            super::SuvRefusalKind::Unsupported,
            &[attribute],
            "lean body mass is defined for M and F only",
        )),
        _ => Err(SuvRefusal::missing(&[attribute])),
    }
}

/// Lean body mass by James (1976) in the form that PS3.3 C.8.9.1 calls `LBMJAMES128`, kilograms:
/// men 1.10 W - 128 (W / H)², women 1.07 W - 148 (W / H)², H in centimetres. (A misprint with 120 is in use.)
///
/// The parabola has a top: beyond it more weight would mean less lean mass, and there is no number.
pub(super) fn james_kg(facts: &PetFacts) -> Result<f64, SuvRefusal> {
    let (weight, size) = (weight_kg(facts)?, size_m(facts)?);
    let (linear, square) = if is_female(facts)? {
        (1.07, 148.0)
    } else {
        (1.10, 128.0)
    };
    let ratio = weight / (100.0 * size);
    if 2.0 * square * ratio > linear * 100.0 * size {
        return Err(SuvRefusal::new(
            super::SuvRefusalKind::Unsupported,
            &[Attribute::PatientWeight, Attribute::PatientSize],
            "beyond the range of the formula of James",
        ));
    }
    Ok(linear * weight - square * ratio * ratio)
}

/// Lean body mass by Janmahasatian (2005), `LBMJANMA`, kilograms: men 9270 W / (6680 + 216 BMI),
/// women 9270 W / (8780 + 244 BMI).
pub(super) fn janmahasatian_kg(facts: &PetFacts) -> Result<f64, SuvRefusal> {
    let (weight, size) = (weight_kg(facts)?, size_m(facts)?);
    let index = weight / (size * size);
    Ok(if is_female(facts)? {
        9270.0 * weight / (8780.0 + 244.0 * index)
    } else {
        9270.0 * weight / (6680.0 + 216.0 * index)
    })
}

/// Body surface by Du Bois (1916), square centimetres: 71.84 W^0.425 H^0.725, H in centimetres.
pub(super) fn surface_cm2(facts: &PetFacts) -> Result<f64, SuvRefusal> {
    let (weight, size) = (weight_kg(facts)?, size_m(facts)?);
    Ok(71.84 * weight.powf(0.425) * (100.0 * size).powf(0.725))
}
