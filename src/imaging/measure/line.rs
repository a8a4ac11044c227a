//! Lengths: of a line, of a path, of two diameters, and of a point from a line.

use super::{MeasureError, Measurement, Ruler, exact_sum, warning};
use crate::model::finding::{Finding, Severity};
use glam::DVec3;

/// Diameters further from a right angle than this are said to be.
const RIGHT_ANGLE_TOLERANCE_DEGREES: f64 = 5.0;

/// The distance of two points.
///
/// # Errors
/// Points that are no points, or coincide.
pub fn length(ruler: &Ruler, points: [DVec3; 2]) -> Result<Measurement, MeasureError> {
    let [a, b] = [ruler.metric(points[0])?, ruler.metric(points[1])?];
    let mut measurement = ruler.begin("length", &points);
    let value = Ruler::distance(a, b)?;
    measurement
        .quantities
        .push(ruler.quantity("length", value, 1));
    Ok(measurement)
}

/// The length of a path, closed by a last step back to its beginning where asked.
///
/// # Errors
/// Fewer than two points, too many, or a path that stays where it is.
pub fn polyline(
    ruler: &Ruler,
    points: &[DVec3],
    closed: bool,
) -> Result<Measurement, MeasureError> {
    let metric = ruler.metrics(points)?;
    let (Some(first), Some(last), true) = (metric.first(), metric.last(), metric.len() >= 2) else {
        return Err(MeasureError::PointCount {
            given: points.len(),
            wanted: "2 or more",
        });
    };
    let steps = metric.array_windows().map(|[a, b]| a.distance(*b));
    let back = closed.then(|| last.distance(*first));
    let value = exact_sum(steps.chain(back));
    if value < super::ZERO {
        return Err(MeasureError::ZeroLength);
    }
    let mut measurement = ruler.begin("polyline", points);
    measurement
        .quantities
        .push(ruler.quantity("length", value, 1));
    Ok(measurement)
}

/// Two diameters of one thing; the longer one is named first, whichever was drawn first.
///
/// # Errors
/// Points that are no points, or a diameter without length.
pub fn bidirectional(ruler: &Ruler, lines: [[DVec3; 2]; 2]) -> Result<Measurement, MeasureError> {
    let all = lines.as_flattened();
    let metric = ruler.metrics(all)?;
    let &[a, b, c, d] = metric.as_slice() else {
        return Err(MeasureError::PointCount {
            given: all.len(),
            wanted: "4",
        });
    };
    let (one, other) = (Ruler::distance(a, b)?, Ruler::distance(c, d)?);
    let between = super::angle::acute(b - a, d - c);
    let mut measurement = ruler.begin("bidirectional", all);
    measurement.quantities.extend([
        ruler.quantity("long_axis", one.max(other), 1),
        ruler.quantity("short_axis", one.min(other), 1),
        ruler.degrees("angle_between", between),
    ]);
    let off = 90.0 - between.to_degrees();
    if off > RIGHT_ANGLE_TOLERANCE_DEGREES {
        measurement.warnings.push(warning(
            "NOT_PERPENDICULAR",
            "degrees",
            off,
            format!("the diameters are {off:.1}° off a right angle"),
        ));
    }
    let gap = gap(a, b - a, c, d - c);
    // A hundredth of the longer diameter: ends that are meant to touch are drawn by hand.
    if gap > 0.01 * one.max(other) {
        measurement.warnings.push(Finding::new(
            "AXES_APART",
            Severity::Warning,
            "the diameters do not cross",
        ));
    }
    Ok(measurement)
}

/// Smallest distance of two segments, each a beginning and a step.
fn gap(a: DVec3, u: DVec3, b: DVec3, v: DVec3) -> f64 {
    let on = |p: DVec3, start: DVec3, step: DVec3| {
        let t = ((p - start).dot(step) / step.length_squared()).clamp(0.0, 1.0);
        (start + step * t).distance(p)
    };
    // The nearest points are the crossing of the two lines where both segments hold it, else an end of one of them.
    let ends = on(a, b, v)
        .min(on(a + u, b, v))
        .min(on(b, a, u))
        .min(on(b + v, a, u));
    let normal = u.cross(v);
    let square = normal.length_squared();
    if square <= 1e-24 * u.length_squared() * v.length_squared() {
        return ends;
    }
    let s = (b - a).cross(v).dot(normal) / square;
    let t = (b - a).cross(u).dot(normal) / square;
    if (0.0..=1.0).contains(&s) && (0.0..=1.0).contains(&t) {
        (a + u * s).distance(b + v * t)
    } else {
        ends
    }
}

/// The distance of a point from the straight line through two others, and the foot of the perpendicular.
///
/// # Errors
/// Points that are no points, or a line without direction.
pub fn perpendicular(
    ruler: &Ruler,
    point: DVec3,
    line: [DVec3; 2],
) -> Result<Measurement, MeasureError> {
    let p = ruler.metric(point)?;
    let [a, b] = [ruler.metric(line[0])?, ruler.metric(line[1])?];
    let length = Ruler::distance(a, b)?;
    let direction = (b - a) / length;
    let along = (p - a).dot(direction);
    let mut measurement = ruler.begin("perpendicular", &[point, line[0], line[1]]);
    let distance = (p - a).cross(direction).length();
    measurement
        .quantities
        .push(ruler.quantity("distance", distance, 1));
    let foot = ruler.point(a + direction * along);
    measurement.places.push(("foot", foot));
    let beyond = (-along).max(along - length);
    if beyond > 1e-6 * length {
        measurement.warnings.push(
            Finding::new(
                "FOOT_BEYOND_LINE",
                Severity::Info,
                "the foot of the perpendicular lies beyond the ends of the line",
            )
            .with("beyond", beyond),
        );
    }
    Ok(measurement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::measure::ruler::tests::{UNKNOWN, millimetres, patient_ruler, pixel_ruler};
    use crate::model::geometry::Spacing;
    use glam::{DQuat, EulerRot};

    fn at(x: f64, y: f64, z: f64) -> DVec3 {
        DVec3::new(x, y, z)
    }

    #[test]
    fn three_four_five() {
        let check = |spacing: Spacing, expected: f64, unit: &str| {
            let points = [at(10.0, 10.0, 0.0), at(13.0, 14.0, 0.0)];
            let m = length(&pixel_ruler(spacing), points).unwrap();
            assert!((m.value("length").unwrap() - expected).abs() < 1e-12);
            assert_eq!(m.quantities[0].unit, unit);
        };
        check(millimetres(1.0, 1.0), 5.0, "mm");
        check(UNKNOWN, 5.0, "px");
        // 3 columns of 2 mm and 4 rows of 0.5 mm; then 3 columns of 1 and 4 rows of 2 column distances.
        check(millimetres(0.5, 2.0), 40f64.sqrt(), "mm");
        check(Spacing::Unknown { aspect: 2.0 }, 73f64.sqrt(), "px");
        let far = [at(-1000.0, 500.0, 1e6), at(-997.0, 504.0, 1e6)];
        let m = length(&patient_ruler(), far).unwrap();
        assert_eq!(m.value("length"), Some(5.0));
        let none = length(&patient_ruler(), [DVec3::ONE; 2]);
        assert_eq!(none, Err(MeasureError::ZeroLength));
    }

    #[test]
    fn oblique_lines_are_as_long_as_straight_ones() {
        for step in 0..100 {
            let t = f64::from(step);
            let turn = DQuat::from_euler(EulerRot::XYZ, t * 0.1, t * 0.37, t * 0.73);
            let centre = at(-217.3, 88.1, 1200.7);
            let points = [centre, centre + turn * at(30.0, -40.0, 120.0)];
            let m = length(&patient_ruler(), points).unwrap();
            assert!((m.value("length").unwrap() - 130.0).abs() < 1e-11);
        }
    }

    #[test]
    fn paths_are_the_sum_of_their_steps() {
        let square = [(0., 0.), (4., 0.), (4., 3.), (0., 3.)].map(|(x, y)| at(x, y, 0.0));
        let ruler = pixel_ruler(millimetres(2.0, 1.0));
        let value = |closed| {
            polyline(&ruler, &square, closed)
                .unwrap()
                .value("length")
                .unwrap()
        };
        assert_eq!((value(false), value(true)), (14.0, 20.0));
        let code = |points: &[DVec3]| polyline(&ruler, points, true).map_err(|e| e.code());
        assert_eq!(code(&square[..1]), Err("POINT_COUNT"));
        assert_eq!(code(&[DVec3::ZERO; 5]), Err("ZERO_LENGTH"));
    }

    #[test]
    fn diameters_are_ordered_and_judged() {
        let ruler = patient_ruler();
        let short = [at(0.0, -3.0, 5.0), at(0.0, 3.0, 5.0)];
        let long = [at(-5.0, 0.0, 5.0), at(5.0, 0.0, 5.0)];
        let m = bidirectional(&ruler, [short, long]).unwrap();
        assert_eq!(m.value("long_axis"), Some(10.0));
        assert_eq!(m.value("short_axis"), Some(6.0));
        assert_eq!(m.value("angle_between"), Some(90.0));
        assert!(m.warnings.is_empty());
        let slanted = [at(-3.0, -3.0, 5.0), at(3.0, 3.0, 5.0)];
        let m = bidirectional(&ruler, [long, slanted]).unwrap();
        assert!((m.value("angle_between").unwrap() - 45.0).abs() < 1e-12);
        assert!(m.warns("NOT_PERPENDICULAR") && !m.warns("AXES_APART"));
        let apart = [at(9.0, -3.0, 5.0), at(9.0, 3.0, 5.0)];
        let m = bidirectional(&ruler, [long, apart]).unwrap();
        assert!(m.warns("AXES_APART") && !m.warns("NOT_PERPENDICULAR"));
        let other_slice = short.map(|p| p + DVec3::Z);
        assert!(
            bidirectional(&ruler, [long, other_slice])
                .unwrap()
                .warns("AXES_APART")
        );
        let parallel = bidirectional(&ruler, [long, long.map(|p| p + DVec3::Y)]).unwrap();
        assert_eq!(parallel.value("angle_between"), Some(0.0));
    }

    #[test]
    fn a_point_has_its_foot_on_the_line() {
        // In metric: the line runs along a diagonal of 3 mm by 4 mm.
        let ruler = pixel_ruler(millimetres(4.0, 3.0));
        let line = [at(0.0, 0.0, 0.0), at(10.0, 10.0, 0.0)];
        let m = perpendicular(&ruler, at(10.0, 0.0, 0.0), line).unwrap();
        assert!((m.value("distance").unwrap() - 24.0).abs() < 1e-12);
        let (_, foot) = m.places[0];
        assert!(foot.distance(at(3.6, 3.6, 0.0)) < 1e-12, "{foot}");
        assert!(m.warnings.is_empty());
        let m = perpendicular(&ruler, at(-5.0, -5.0, 0.0), line).unwrap();
        assert!(m.value("distance").unwrap() < 1e-12 && m.warns("FOOT_BEYOND_LINE"));
        assert!(m.warns("POINT_OUTSIDE_IMAGE"));
        let none = perpendicular(&ruler, DVec3::ZERO, [DVec3::X; 2]);
        assert_eq!(none, Err(MeasureError::ZeroLength));
    }
}
