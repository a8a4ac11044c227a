//! When to look again at a lung nodule that was found by chance: Fleischner Society 2017.
//!
//! MacMahon et al., Radiology 284:228 (2017), tables 1 and 2. For adults of 35 years and more, without known cancer and
//! without immune suppression; not for screening.

use super::Words;

/// Where the rules are published.
pub const SOURCE: &str = "Fleischner Society 2017, Radiology 284:228";

/// What a nodule looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    /// Solid.
    Solid,
    /// Part-solid.
    PartSolid,
    /// Ground glass alone.
    GroundGlass,
}

/// Why no rule is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApplicable {
    /// Below 35 years.
    #[error("the rules are for adults of 35 years and more")]
    Young,
    /// Cancer is known.
    #[error("the rules are not for patients with known cancer")]
    Cancer,
    /// Not a size of a nodule.
    #[error("a nodule has a diameter of more than 0 and at most 30 mm")]
    Size,
}

/// A nodule, or the dominant one of several.
#[derive(Clone, Copy, Debug)]
pub struct Nodule {
    /// Mean of long and short axis, mm.
    pub diameter_mm: f64,
    /// Density.
    pub density: Density,
    /// Whether there are others.
    pub multiple: bool,
    /// Solid part of a part-solid nodule, mm.
    pub solid_mm: Option<f64>,
    /// High risk of cancer (smoking, family history, spiculation, upper lobe, emphysema, fibrosis).
    pub high_risk: bool,
    /// Age in years.
    pub age: u16,
    /// Cancer is known.
    pub known_cancer: bool,
}

/// When to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Months to the first examination, from and to; none where no follow-up is due.
    pub months: Option<(u8, u8)>,
    /// What the table says.
    pub words: Words,
}

fn follow(months: Option<(u8, u8)>, english: &str, chinese: &str) -> FollowUp {
    FollowUp {
        months,
        words: Words::new(english, chinese),
    }
}

/// Looks a nodule up.
pub fn fleischner(nodule: &Nodule) -> Result<FollowUp, NotApplicable> {
    if nodule.age < 35 {
        return Err(NotApplicable::Young);
    }
    if nodule.known_cancer {
        return Err(NotApplicable::Cancer);
    }
    if !(nodule.diameter_mm > 0.0 && nodule.diameter_mm <= 30.0) {
        return Err(NotApplicable::Size);
    }
    // The tables count whole millimetres: measurements are rounded (page 231).
    let size = nodule.diameter_mm.round();
    let none = || follow(None, "No routine follow-up", "无需常规随访");
    Ok(match (nodule.density, nodule.multiple) {
        (Density::Solid, false) => match (size, nodule.high_risk) {
            (s, false) if s < 6.0 => none(),
            (s, true) if s < 6.0 => follow(
                Some((12, 12)),
                "Optional CT at 12 months",
                "可选：12个月时复查CT",
            ),
            (s, false) if s <= 8.0 => follow(
                Some((6, 12)),
                "CT at 6–12 months, then consider CT at 18–24 months",
                "6–12个月复查CT，之后考虑18–24个月复查",
            ),
            (s, true) if s <= 8.0 => follow(
                Some((6, 12)),
                "CT at 6–12 months, then CT at 18–24 months",
                "6–12个月复查CT，之后18–24个月复查",
            ),
            _ => follow(
                Some((3, 3)),
                "Consider CT at 3 months, PET/CT, or tissue sampling",
                "考虑3个月复查CT、PET/CT或活检",
            ),
        },
        (Density::Solid, true) => match (size, nodule.high_risk) {
            (s, false) if s < 6.0 => none(),
            (s, true) if s < 6.0 => follow(
                Some((12, 12)),
                "Optional CT at 12 months",
                "可选：12个月时复查CT",
            ),
            (_, false) => follow(
                Some((3, 6)),
                "CT at 3–6 months, then consider CT at 18–24 months",
                "3–6个月复查CT，之后考虑18–24个月复查",
            ),
            (_, true) => follow(
                Some((3, 6)),
                "CT at 3–6 months, then CT at 18–24 months",
                "3–6个月复查CT，之后18–24个月复查",
            ),
        },
        (_, true) => match size {
            s if s < 6.0 => follow(
                Some((3, 6)),
                "CT at 3–6 months; if stable, consider CT at 2 and 4 years",
                "3–6个月复查CT；如稳定，考虑2年和4年复查",
            ),
            _ => follow(
                Some((3, 6)),
                "CT at 3–6 months; then by the most suspicious nodule",
                "3–6个月复查CT；之后按最可疑结节处理",
            ),
        },
        (Density::GroundGlass, false) => match size {
            s if s < 6.0 => none(),
            _ => follow(
                Some((6, 12)),
                "CT at 6–12 months to confirm it, then every 2 years until 5 years",
                "6–12个月复查CT确认持续存在，之后每2年复查至5年",
            ),
        },
        (Density::PartSolid, false) => match (size, nodule.solid_mm) {
            (s, _) if s < 6.0 => none(),
            (_, Some(solid)) if solid.round() >= 6.0 => follow(
                Some((3, 6)),
                "CT at 3–6 months to confirm it; a solid part of 6 mm or more is highly suspicious",
                "3–6个月复查CT确认；实性成分≥6毫米高度可疑",
            ),
            _ => follow(
                Some((3, 6)),
                "CT at 3–6 months to confirm it; if unchanged and the solid part below 6 mm, every year for 5 years",
                "3–6个月复查CT确认；如无变化且实性成分<6毫米，每年复查共5年",
            ),
        },
    })
}

/// Probability of cancer of a solitary nodule by the Mayo model: Swensen et al., Arch Intern Med 157:849 (1997).
pub const MAYO_SOURCE: &str = "Mayo model: Swensen 1997, Arch Intern Med 157:849";

/// Facts of the Mayo model.
#[derive(Clone, Copy, Debug, Default)]
pub struct MayoFacts {
    /// Age in years.
    pub age: f64,
    /// Smokes or smoked.
    pub smoker: bool,
    /// A cancer outside of the chest five years ago or longer.
    pub cancer_before: bool,
    /// Diameter, mm.
    pub diameter_mm: f64,
    /// Spiculated.
    pub spiculated: bool,
    /// In an upper lobe.
    pub upper_lobe: bool,
}

/// Terms of the logistic model, each with its name and what it adds; and the probability.
pub fn mayo(facts: &MayoFacts) -> (Vec<(Words, f64)>, f64) {
    let flag = |on: bool, weight: f64| if on { weight } else { 0.0 };
    let terms = vec![
        (Words::new("Constant", "常数"), -6.8272),
        (Words::new("Age", "年龄"), 0.0391 * facts.age),
        (Words::new("Smoking", "吸烟"), flag(facts.smoker, 0.7917)),
        (
            Words::new("Cancer outside of the chest", "胸外恶性肿瘤史"),
            flag(facts.cancer_before, 1.3388),
        ),
        (Words::new("Diameter", "直径"), 0.1274 * facts.diameter_mm),
        (
            Words::new("Spiculation", "毛刺"),
            flag(facts.spiculated, 1.0407),
        ),
        (
            Words::new("Upper lobe", "上叶"),
            flag(facts.upper_lobe, 0.7838),
        ),
    ];
    let sum: f64 = terms.iter().map(|t| t.1).sum();
    (terms, 1.0 / (1.0 + (-sum).exp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodule(diameter_mm: f64, density: Density, multiple: bool, high_risk: bool) -> Nodule {
        Nodule {
            diameter_mm,
            density,
            multiple,
            solid_mm: None,
            high_risk,
            age: 60,
            known_cancer: false,
        }
    }

    /// Every cell of tables 1 and 2 of the guideline.
    #[test]
    fn every_cell_of_the_tables() {
        use Density::{GroundGlass, PartSolid, Solid};
        let check = |n: Nodule, months: Option<(u8, u8)>| {
            assert_eq!(fleischner(&n).expect("a rule").months, months, "{n:?}")
        };
        for (size, low, high) in [
            (5.0, None, Some((12, 12))),
            (5.4, None, Some((12, 12))),
            (5.5, Some((6, 12)), Some((6, 12))),
            (8.0, Some((6, 12)), Some((6, 12))),
            (9.0, Some((3, 3)), Some((3, 3))),
        ] {
            check(nodule(size, Solid, false, false), low);
            check(nodule(size, Solid, false, true), high);
        }
        for (size, low, high) in [
            (5.0, None, Some((12, 12))),
            (6.0, Some((3, 6)), Some((3, 6))),
            (12.0, Some((3, 6)), Some((3, 6))),
        ] {
            check(nodule(size, Solid, true, false), low);
            check(nodule(size, Solid, true, true), high);
        }
        check(nodule(5.0, GroundGlass, false, false), None);
        check(nodule(6.0, GroundGlass, false, false), Some((6, 12)));
        check(nodule(5.0, PartSolid, false, false), None);
        check(nodule(6.0, PartSolid, false, false), Some((3, 6)));
        check(nodule(5.0, GroundGlass, true, false), Some((3, 6)));
        check(nodule(6.0, PartSolid, true, false), Some((3, 6)));
        let suspicious = Nodule {
            solid_mm: Some(6.0),
            ..nodule(10.0, PartSolid, false, false)
        };
        assert!(
            fleischner(&suspicious)
                .expect("a rule")
                .words
                .english
                .contains("highly suspicious")
        );
    }

    #[test]
    fn whom_the_rules_are_not_for() {
        let base = nodule(7.0, Density::Solid, false, false);
        assert_eq!(
            fleischner(&Nodule { age: 34, ..base }),
            Err(NotApplicable::Young)
        );
        assert_eq!(
            fleischner(&Nodule {
                known_cancer: true,
                ..base
            }),
            Err(NotApplicable::Cancer)
        );
        assert_eq!(
            fleischner(&Nodule {
                diameter_mm: 31.0,
                ..base
            }),
            Err(NotApplicable::Size)
        );
        assert_eq!(
            fleischner(&Nodule {
                diameter_mm: f64::NAN,
                ..base
            }),
            Err(NotApplicable::Size)
        );
    }

    /// −6.8272 + 0.0391·60 + 0.7917 + 0.1274·15 + 1.0407 + 0.7838 = 0.0460; 1 / (1 + e^−0.0460) = 0.5115.
    #[test]
    fn the_mayo_model_gives_a_worked_figure() {
        let facts = MayoFacts {
            age: 60.0,
            smoker: true,
            diameter_mm: 15.0,
            spiculated: true,
            upper_lobe: true,
            ..MayoFacts::default()
        };
        let (terms, probability) = mayo(&facts);
        assert_eq!(terms.len(), 7);
        assert!((probability - 0.5115).abs() < 5e-5, "{probability}");
    }
}
