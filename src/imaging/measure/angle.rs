//! Angles, by the arc tangent of cross and dot product: exact to the last digits near 0°, 90° and 180° alike.

use super::{MeasureError, Measurement, Ruler};
use glam::DVec3;

/// The angle at the middle one of three points, 0° to 180°.
///
/// # Errors
/// Points that are no points, or a leg without length.
pub fn angle(ruler: &Ruler, points: [DVec3; 3]) -> Result<Measurement, MeasureError> {
    let metric = ruler.metrics(&points)?;
    let &[a, vertex, b] = metric.as_slice() else {
        return Err(MeasureError::ZeroLength);
    };
    Ruler::distance(a, vertex)?;
    Ruler::distance(b, vertex)?;
    let mut measurement = ruler.begin("angle", &points);
    let value = between(a - vertex, b - vertex);
    measurement.quantities.push(ruler.degrees("angle", value));
    Ok(measurement)
}

/// The angle of two lines that need not meet, 0° to 90°. In patient space the lines may lie in different planes:
/// it is the angle of their directions.
///
/// # Errors
/// Points that are no points, or a line without length.
pub fn cobb(ruler: &Ruler, lines: [[DVec3; 2]; 2]) -> Result<Measurement, MeasureError> {
    let all = lines.as_flattened();
    let metric = ruler.metrics(all)?;
    let &[a, b, c, d] = metric.as_slice() else {
        return Err(MeasureError::ZeroLength);
    };
    Ruler::distance(a, b)?;
    Ruler::distance(c, d)?;
    let mut measurement = ruler.begin("cobb", all);
    let value = acute(b - a, d - c);
    measurement
        .quantities
        .push(ruler.degrees("cobb_angle", value));
    Ok(measurement)
}

/// Angle of two directions, radians, 0 to π.
fn between(u: DVec3, v: DVec3) -> f64 {
    u.cross(v).length().atan2(u.dot(v))
}

/// Angle of two lines, radians, 0 to π/2.
pub(super) fn acute(u: DVec3, v: DVec3) -> f64 {
    u.cross(v).length().atan2(u.dot(v).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::measure::ruler::tests::{millimetres, patient_ruler, pixel_ruler};
    use crate::model::geometry::Spacing;

    fn at(x: f64, y: f64) -> DVec3 {
        DVec3::new(x, y, 0.0)
    }

    #[test]
    fn angles_are_those_in_the_patient_and_not_on_the_grid() {
        let check = |spacing: Spacing, expected: f64| {
            let points = [at(20.0, 10.0), at(10.0, 10.0), at(20.0, 20.0)];
            let m = angle(&pixel_ruler(spacing), points).unwrap();
            assert!((m.value("angle").unwrap() - expected).abs() < 1e-12);
            assert_eq!(m.quantities[0].unit, "°");
        };
        check(millimetres(1.0, 1.0), 45.0);
        check(millimetres(3f64.sqrt(), 1.0), 60.0);
        check(
            Spacing::Unknown {
                aspect: 3f64.sqrt(),
            },
            60.0,
        );
    }

    #[test]
    fn every_degree_is_met() {
        let ruler = patient_ruler();
        for degrees in 0..=180 {
            let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
            let points = [at(100.0, 0.0), at(0.0, 0.0), at(7.0 * cos, 7.0 * sin)];
            let value = angle(&ruler, points).unwrap().value("angle").unwrap();
            assert!((value - f64::from(degrees)).abs() < 1e-9);
            let lines = [
                [points[0], points[1]],
                [at(1.0, 5.0), points[2] + at(1.0, 5.0)],
            ];
            let value = cobb(&ruler, lines).unwrap().value("cobb_angle").unwrap();
            let acute = f64::from(degrees.min(180 - degrees));
            assert!((value - acute).abs() < 1e-9, "{value} {acute}");
        }
        let none = angle(&ruler, [at(1.0, 1.0), at(1.0, 1.0), at(2.0, 2.0)]);
        assert_eq!(none, Err(MeasureError::ZeroLength));
        let none = cobb(&ruler, [[at(1.0, 1.0); 2], [at(1.0, 1.0), at(2.0, 2.0)]]);
        assert_eq!(none, Err(MeasureError::ZeroLength));
    }
}
