//! The cardiothoracic ratio: the width of the heart by the inner width of the thorax, on a frontal chest film.
//!
//! Both widths lie on one film, so their ratio does not depend on its calibration; magnification differs a little
//! between the depths of heart and thorax, which no ratio from one film can know.

use super::{MeasureError, Measurement, Quantity, Ruler, warning};
use glam::DVec3;

/// Widths further from parallel than this are said to be.
const PARALLEL_TOLERANCE_DEGREES: f64 = 5.0;

/// Both widths and their ratio; each is given by its right and its left end.
///
/// # Errors
/// Points that are no points, or a width that is none.
pub fn cardiothoracic(
    ruler: &Ruler,
    heart: [DVec3; 2],
    thorax: [DVec3; 2],
) -> Result<Measurement, MeasureError> {
    let all = [heart[0], heart[1], thorax[0], thorax[1]];
    let metric = ruler.metrics(&all)?;
    let &[a, b, c, d] = metric.as_slice() else {
        return Err(MeasureError::PointCount {
            given: all.len(),
            wanted: "4",
        });
    };
    let (heart_width, thorax_width) = (Ruler::distance(a, b)?, Ruler::distance(c, d)?);
    let mut measurement = ruler.begin("cardiothoracic-ratio", &all);
    let length = ruler.quantity("heart_width", heart_width, 1);
    measurement.quantities.push(Quantity {
        name: "ratio".into(),
        value: Some(heart_width / thorax_width),
        unit: String::new(),
        source: length.source.clone(),
        label: String::new(),
    });
    measurement.quantities.push(length);
    measurement
        .quantities
        .push(ruler.quantity("thorax_width", thorax_width, 1));
    let off = super::angle::acute(b - a, d - c).to_degrees();
    if off > PARALLEL_TOLERANCE_DEGREES {
        measurement.warnings.push(warning(
            "NOT_PARALLEL",
            "degrees",
            off,
            format!("the widths of heart and thorax are {off:.1}° off each other"),
        ));
    }
    Ok(measurement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::measure::ruler::tests::{UNKNOWN, millimetres, pixel_ruler};

    fn at(x: f64, y: f64) -> DVec3 {
        DVec3::new(x, y, 0.0)
    }

    #[test]
    fn the_ratio_is_that_of_the_widths() {
        let (heart, thorax) = (
            [at(20.0, 30.0), at(33.0, 30.0)],
            [at(10.0, 40.0), at(36.0, 40.0)],
        );
        for (spacing, unit) in [(millimetres(0.5, 0.2), "mm"), (UNKNOWN, "px")] {
            let found = cardiothoracic(&pixel_ruler(spacing), heart, thorax).unwrap();
            // Twice 13 columns are 26; the spacing cancels but for the last bit.
            assert!((found.value("ratio").unwrap() - 0.5).abs() < 1e-15);
            let width = found.value("thorax_width").unwrap();
            let expected = 26.0 * spacing.row_column().1;
            assert!((width - expected).abs() < 1e-12);
            assert_eq!(found.quantities[1].unit, unit);
            assert!(!found.warns("NOT_PARALLEL"));
        }
        let slanted = [at(10.0, 40.0), at(36.0, 44.0)];
        let found = cardiothoracic(&pixel_ruler(UNKNOWN), heart, slanted).unwrap();
        assert!(found.warns("NOT_PARALLEL"));
        let none = cardiothoracic(&pixel_ruler(UNKNOWN), heart, [thorax[0]; 2]);
        assert_eq!(none, Err(MeasureError::ZeroLength));
    }
}
