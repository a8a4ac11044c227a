//! The extents and the volume of a box in the patient.

use super::{MeasureError, Measurement, Ruler, warning};
use crate::model::cuboid::Cuboid;
use glam::DVec3;

/// How far off a right angle two edges may be, degrees: rounding of files is below that.
const OFF_DEGREES: f64 = 0.1;

/// Width, height and depth (the edges in the order of the points) and the volume of a box: three corners of a face in order, and
/// the corner beside the first one that is not of that face.
///
/// # Errors
/// Points that are no points, or an edge without length.
pub fn cuboid(ruler: &Ruler, points: [DVec3; 4]) -> Result<Measurement, MeasureError> {
    let metric = ruler.metrics(&points)?;
    let found = Cuboid::from_points(&metric).ok_or(MeasureError::PointCount {
        given: metric.len(),
        wanted: "4",
    })?;
    let [x, y, z] = found.edges;
    let side = |edge: DVec3| Ruler::distance(DVec3::ZERO, edge);
    let (width, height, depth) = (side(x)?, side(y)?, side(z)?);
    let mut measurement = ruler.begin("box", &points);
    let cubic = ruler.quantity("volume", x.cross(y).dot(z).abs(), 3);
    measurement.quantities.extend([
        ruler.quantity("width", width, 1),
        ruler.quantity("height", height, 1),
        ruler.quantity("depth", depth, 1),
        cubic,
    ]);
    let off = [(x, y), (y, z), (z, x)]
        .map(|(a, b)| 90.0 - super::angle::acute(a, b).to_degrees())
        .into_iter()
        .fold(0.0, f64::max);
    if off > OFF_DEGREES {
        measurement.warnings.push(warning(
            "NOT_PERPENDICULAR",
            "degrees",
            off,
            format!("the edges are {off:.1}° off a right angle"),
        ));
    }
    Ok(measurement)
}

#[cfg(test)]
mod tests {
    use super::{super::ruler::tests::patient_ruler, *};

    #[test]
    fn a_box_has_three_extents_and_a_volume() {
        let ruler = patient_ruler();
        let a = DVec3::new(-4.0, 2.0, 7.5);
        let points = |depth: DVec3| {
            [
                a,
                a + DVec3::X * 3.0,
                a + DVec3::new(3.0, -4.0, 0.0),
                a + depth,
            ]
        };
        let m = cuboid(&ruler, points(DVec3::Z * -5.0)).unwrap();
        let value = |name: &str| m.value(name).unwrap();
        assert_eq!(
            [value("width"), value("height"), value("depth")],
            [3.0, 4.0, 5.0]
        );
        assert_eq!(value("volume"), 60.0);
        assert!(m.warnings.is_empty());
        let unit = |name: &str| {
            m.quantities
                .iter()
                .find(|q| q.name == name)
                .unwrap()
                .unit
                .clone()
        };
        assert_eq!((unit("depth"), unit("volume")), ("mm".into(), "mm³".into()));
        assert!(
            cuboid(&ruler, points(DVec3::new(1.0, 0.0, 5.0)))
                .unwrap()
                .warns("NOT_PERPENDICULAR")
        );
        assert!(cuboid(&ruler, points(DVec3::ZERO)).is_err());
    }
}
