//! How fast something grows.

use std::f64::consts::{LN_2, PI};

/// Volume in mm³ of an ellipsoid with these extents in mm; one extent is a sphere, two have the geometric mean third.
pub fn volume_mm3(extents_mm: &[f64]) -> Option<f64> {
    if extents_mm.iter().any(|e| !e.is_finite() || *e <= 0.0) {
        return None;
    }
    let product = match extents_mm {
        [d] => d.powi(3),
        [a, b] => a * b * (a * b).sqrt(),
        [a, b, c] => a * b * c,
        _ => return None,
    };
    Some(PI / 6.0 * product)
}

/// Days in which a volume doubles (Schwartz 1961); negative where it shrinks, `None` where it stays or time stands still.
pub fn doubling_days(first: f64, second: f64, days: f64) -> Option<f64> {
    let growth = (second / first).ln();
    (first > 0.0 && second > 0.0 && days > 0.0 && growth.abs() > 1e-12)
        .then(|| days * LN_2 / growth)
}

/// The same from diameters: three times the logarithm, as volume goes with the cube.
pub fn doubling_days_of_diameters(first_mm: f64, second_mm: f64, days: f64) -> Option<f64> {
    doubling_days(first_mm.powi(3), second_mm.powi(3), days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_is_what_the_word_says() {
        let close = |found: Option<f64>, expected: f64| {
            let found = found.expect("a value");
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs(),
                "{found}, {expected}"
            );
        };
        close(doubling_days(500.0, 1000.0, 90.0), 90.0);
        close(doubling_days(500.0, 4000.0, 90.0), 30.0);
        close(doubling_days(1000.0, 500.0, 90.0), -90.0);
        // A sphere of 10 mm doubles its volume at 10 × 2^(1/3) mm.
        close(
            doubling_days_of_diameters(10.0, 10.0 * 2f64.cbrt(), 120.0),
            120.0,
        );
        // 26 % in diameter is close to a doubling of the volume (Fleischner 2017, measuring nodules): 1.26³ = 2.000376.
        close(
            doubling_days_of_diameters(10.0, 12.6, 100.0),
            100.0 * LN_2 / 2.000376f64.ln(),
        );
        assert_eq!(doubling_days(10.0, 10.0, 10.0), None);
        assert_eq!(doubling_days(0.0, 10.0, 10.0), None);
        close(volume_mm3(&[10.0]), 523.598_775_598_298_8);
        close(volume_mm3(&[10.0, 20.0, 30.0]), PI * 1000.0);
        close(volume_mm3(&[10.0, 10.0]), 523.598_775_598_298_8);
        assert_eq!(volume_mm3(&[]), None);
        assert_eq!(volume_mm3(&[0.0]), None);
    }
}
