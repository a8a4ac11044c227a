//! Renal function from creatinine.

use crate::model::identity::Sex;

/// Where the equation is published.
pub const SOURCE: &str = "CKD-EPI 2021, N Engl J Med 385:1737";

/// Estimated glomerular filtration rate, mL/min/1.73 m², by the CKD-EPI equation of 2021 without race. `creatinine` in
/// mg/dL, age in years; `None` below 18, for an unknown sex, or for a creatinine that no living person has.
pub fn egfr(creatinine: f64, age: u16, sex: Sex) -> Option<f64> {
    let (kappa, alpha, factor) = match sex {
        Sex::Female => (0.7, -0.241, 1.012),
        Sex::Male => (0.9, -0.302, 1.0),
        _ => return None,
    };
    if age < 18 || !(0.05..=50.0).contains(&creatinine) {
        return None;
    }
    let ratio: f64 = creatinine / kappa;
    let low = ratio.min(1.0).powf(alpha);
    let high = ratio.max(1.0).powf(-1.200);
    Some(142.0 * low * high * 0.9938_f64.powi(i32::from(age)) * factor)
}

/// Creatinine in mg/dL from a value with a UCUM unit.
pub fn creatinine_mg_dl(value: f64, unit: &str) -> Option<f64> {
    match unit {
        "mg/dL" | "mg/dl" => Some(value),
        // 1 mg/dL is 88.42 µmol/L (molar mass 113.12 g/mol).
        "umol/L" | "µmol/L" | "μmol/L" => Some(value / 88.42),
        _ => None,
    }
}

/// Category of KDIGO 2012: G1 to G5.
pub fn category(egfr: f64) -> &'static str {
    match egfr {
        v if v >= 90.0 => "G1",
        v if v >= 60.0 => "G2",
        v if v >= 45.0 => "G3a",
        v if v >= 30.0 => "G3b",
        v if v >= 15.0 => "G4",
        _ => "G5",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand from the published equation; a man of 50 with 0.9 mg/dL and a woman of 50 with 0.7 mg/dL have the
    /// ratio 1, so only age and sex count: 142 × 0.9938^50 = 104.05, × 1.012 = 105.30.
    #[test]
    fn the_equation_gives_worked_figures() {
        let check = |creatinine, age, sex, expected: f64| {
            let found = egfr(creatinine, age, sex).expect("a value");
            assert!(
                (found - expected).abs() < 0.05,
                "{creatinine} {age}: {found}, {expected}"
            );
        };
        check(0.9, 50, Sex::Male, 104.05);
        check(0.7, 50, Sex::Female, 105.30);
        // (1.8 / 0.9)^-1.2 = 0.43528; 142 × 0.43528 × 0.9938^60 (0.68858) = 42.56
        check(1.8, 60, Sex::Male, 42.56);
        // (0.35 / 0.7)^-0.241 = 1.18181; 142 × 1.18181 × 0.9938^30 (0.82980) × 1.012 = 140.93
        check(0.35, 30, Sex::Female, 140.93);
        assert_eq!(egfr(1.0, 17, Sex::Male), None);
        assert_eq!(egfr(1.0, 40, Sex::Unknown), None);
        assert_eq!(egfr(0.0, 40, Sex::Male), None);
        assert_eq!(creatinine_mg_dl(88.42, "umol/L"), Some(1.0));
        assert_eq!(creatinine_mg_dl(1.0, "g/L"), None);
    }

    #[test]
    fn categories_begin_where_kdigo_begins_them() {
        for (value, expected) in [
            (90.0, "G1"),
            (89.9, "G2"),
            (60.0, "G2"),
            (59.9, "G3a"),
            (45.0, "G3a"),
            (44.9, "G3b"),
            (29.9, "G4"),
            (14.9, "G5"),
        ] {
            assert_eq!(category(value), expected, "{value}");
        }
    }
}
