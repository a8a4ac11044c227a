use super::*;
use crate::imaging::measure::ruler::tests::{UNKNOWN, millimetres, patient_ruler, pixel_ruler};
use crate::model::geometry::Spacing;
use glam::{DQuat, EulerRot};

fn at(x: f64, y: f64) -> DVec3 {
    DVec3::new(x, y, 0.0)
}

fn near(found: &Placed, name: &str, expected: f64) {
    let value = found.measurement.value(name).unwrap();
    let error = (value - expected).abs() / expected.abs().max(1.0);
    assert!(error < 1e-12, "{name} {value} is not {expected}");
}

#[test]
fn perimeters_of_ellipses_are_those_of_the_elliptic_integral() {
    // SciPy 1.17: 4 a ellipe(1 - (b / a)^2); scripts/numpy_numbers.py.
    let expected = [
        (2.0, 1.0, 9.688448220547675),
        (10.0, 1.0, 40.63974180100896),
        (1.0, 1.0, std::f64::consts::TAU),
        (1000.0, 1.0, 4000.015588104689),
        (5.0, 4.999, 31.41278502179201),
        (1.0, 1e-6, 4.000000000029403),
    ];
    for (a, b, perimeter) in expected {
        let found = ellipse_perimeter(a, b);
        assert!((found / perimeter - 1.0).abs() < 1e-12, "{a} {b} {found}");
    }
}

#[test]
fn rectangles_turned_and_stretched() {
    let ruler = pixel_ruler(millimetres(0.5, 2.0));
    // 4 columns of 2 mm by 6 rows of 0.5 mm.
    let forms = [
        OutlineForm::RectangleAlongPixels([at(10.0, 10.0), at(14.0, 16.0)]),
        OutlineForm::RectangleCorners([at(10.0, 10.0), at(14.0, 10.0), at(14.0, 16.0)]),
        OutlineForm::RectangleAxes([at(12.0, 13.0), at(14.0, 13.0), at(12.0, 16.0)]),
    ];
    for form in &forms {
        let found = place(form, &ruler, None).unwrap();
        near(&found, "area", 24.0);
        near(&found, "perimeter", 22.0);
        near(&found, "width", 8.0);
        near(&found, "height", 3.0);
        assert!(found.measurement.warnings.is_empty());
        let [low, high] = found.outline.bounds();
        assert!((low - DVec2::new(20.0, 5.0)).length() < 1e-12);
        assert!((high - DVec2::new(28.0, 8.0)).length() < 1e-12);
    }
    // Turned by 45° in metric: the corners are not at right angles on the grid, but in the patient.
    let d = 3.0;
    let turned = [
        at(20.0, 20.0),
        at(20.0 + d / 2.0, 20.0 + d / 0.5),
        at(20.0, 20.0 + 2.0 * d / 0.5),
    ];
    let found = place(&OutlineForm::RectangleCorners(turned), &ruler, None).unwrap();
    near(&found, "area", 18.0);
    assert!(found.measurement.warnings.is_empty());
    // The same points on square pixels are skew.
    let square = pixel_ruler(UNKNOWN);
    let found = place(&OutlineForm::RectangleCorners(turned), &square, None).unwrap();
    assert!(found.measurement.warns("NOT_PERPENDICULAR"));
    let two = OutlineForm::RectangleAlongPixels([at(0.0, 0.0), at(1.0, 1.0)]);
    assert!(place(&two, &patient_ruler(), None).is_err());
}

#[test]
fn ellipses_and_circles() {
    let ruler = pixel_ruler(millimetres(0.5, 2.0));
    let found = place(
        &OutlineForm::Ellipse([at(20.0, 20.0), at(23.0, 20.0), at(20.0, 24.0)]),
        &ruler,
        None,
    );
    let found = found.unwrap();
    near(&found, "area", PI * 6.0 * 2.0);
    near(&found, "major_axis", 12.0);
    near(&found, "minor_axis", 4.0);
    near(
        &found,
        "perimeter",
        6.0 * 2.0 / 2.0 * ellipse_perimeter(2.0, 2.0 / 3.0) / 2.0,
    );
    // A rim 3 columns or 12 rows away is the same circle of 6 mm.
    for rim in [at(23.0, 20.0), at(20.0, 32.0)] {
        let found = place(&OutlineForm::Circle([at(20.0, 20.0), rim]), &ruler, None).unwrap();
        near(&found, "area", PI * 36.0);
        near(&found, "perimeter", 12.0 * PI);
        near(&found, "radius", 6.0);
    }
    // Conjugate half-diameters of an ellipse of 5 by 3, 30° on: the same ellipse, and said to be skew.
    let t = 30f64.to_radians();
    let ends = [
        at(5.0 * t.cos(), 3.0 * t.sin()),
        at(-5.0 * t.sin(), 3.0 * t.cos()),
    ];
    let form = OutlineForm::Ellipse([DVec3::ZERO, ends[0], ends[1]]);
    let found = place(&form, &pixel_ruler(UNKNOWN), None).unwrap();
    near(&found, "area", PI * 15.0);
    near(&found, "major_axis", 10.0);
    near(&found, "minor_axis", 6.0);
    assert!(found.measurement.warns("NOT_PERPENDICULAR"));
    assert_eq!(found.measurement.quantities[0].unit, "px²");
}

#[test]
fn outlines_in_the_patient_are_the_same_in_every_direction() {
    let ruler = patient_ruler();
    for step in 0..50 {
        let t = f64::from(step);
        let turn = DQuat::from_euler(EulerRot::XYZ, t * 0.31, t * 0.17, t * 0.53);
        let centre = DVec3::new(120.5, -87.25, 933.0);
        let p = |x: f64, y: f64| centre + turn * DVec3::new(x, y, 0.0);
        let measured = |form| place(&form, &ruler, Some(turn * DVec3::Z)).unwrap();
        let found = measured(OutlineForm::RectangleCorners([
            p(0., 0.),
            p(8., 8.),
            p(4., 12.),
        ]));
        assert!((found.measurement.value("area").unwrap() - 64.0).abs() < 1e-9);
        let found = measured(OutlineForm::Ellipse([p(1., 1.), p(7., 1.), p(1., 3.)]));
        assert!((found.measurement.value("area").unwrap() - 12.0 * PI).abs() < 1e-9);
        let radius_mm = 6.0;
        let found = measured(OutlineForm::CircleRadius { centre, radius_mm });
        assert!((found.measurement.value("area").unwrap() - 36.0 * PI).abs() < 1e-9);
        let corners = vec![
            p(0., 0.),
            p(10., 0.),
            p(10., 4.),
            p(4., 4.),
            p(4., 10.),
            p(0., 10.),
        ];
        let found = measured(OutlineForm::Polygon(corners));
        assert!((found.measurement.value("area").unwrap() - 64.0).abs() < 1e-9);
        assert!((found.measurement.value("perimeter").unwrap() - 40.0).abs() < 1e-9);
        assert!(found.measurement.warnings.is_empty());
    }
}

#[test]
fn area_and_perimeter_do_not_change_when_pixels_are_flipped_or_turned() {
    let points = [
        (3.5, 4.0),
        (20.25, 6.5),
        (17.0, 19.75),
        (9.0, 12.0),
        (5.5, 30.0),
    ];
    let (row, column) = (0.7, 1.3);
    let mut all = Vec::new();
    for way in 0..8 {
        let turned: Vec<DVec3> = points
            .iter()
            .map(|(x, y)| {
                let (x, y) = if way & 4 == 0 { (*x, *y) } else { (*y, *x) };
                let x = if way & 1 == 0 { x } else { 47.0 - x };
                let y = if way & 2 == 0 { y } else { 47.0 - y };
                at(x, y)
            })
            .collect();
        let spacing = if way & 4 == 0 {
            millimetres(row, column)
        } else {
            millimetres(column, row)
        };
        for form in [
            OutlineForm::Polygon(turned.clone()),
            OutlineForm::Spline(turned.clone()),
            OutlineForm::Ellipse([turned[1], turned[2], turned[4]]),
        ] {
            let found = place(&form, &pixel_ruler(spacing), None).unwrap();
            let value = |name| found.measurement.value(name).unwrap();
            all.push([value("area"), value("perimeter")]);
        }
    }
    for (i, pair) in all.iter().enumerate() {
        for (found, first) in pair.iter().zip(all[i % 3]) {
            assert!((found - first).abs() < 1e-10 * first, "{pair:?}");
        }
    }
}

#[test]
fn what_holds_nothing_is_refused_and_crossings_are_said() {
    let ruler = pixel_ruler(UNKNOWN);
    let code = |form: OutlineForm| place(&form, &ruler, None).map(|_| ()).map_err(|e| e.code());
    let polygon = |points: &[(f64, f64)]| {
        OutlineForm::Polygon(points.iter().map(|(x, y)| at(*x, *y)).collect())
    };
    assert_eq!(code(polygon(&[(0., 0.), (1., 1.)])), Err("POINT_COUNT"));
    assert_eq!(
        code(polygon(&[(0., 0.), (1., 1.), (2., 2.)])),
        Err("DEGENERATE")
    );
    assert_eq!(code(polygon(&[(1., 1.); 9])), Err("DEGENERATE"));
    assert_eq!(
        code(polygon(&[(0., 0.), (f64::NAN, 1.), (2., 2.)])),
        Err("NOT_FINITE")
    );
    let many = OutlineForm::Polygon(vec![DVec3::ZERO; 10_000_000]);
    assert_eq!(code(many), Err("TOO_MANY_POINTS"));
    assert_eq!(
        code(OutlineForm::Spline(vec![DVec3::ZERO; 5000])),
        Err("TOO_MANY_POINTS")
    );
    let flat = [at(0.0, 0.0), at(5.0, 0.0), at(9.0, 0.0)];
    assert_eq!(code(OutlineForm::Ellipse(flat)), Err("DEGENERATE"));
    assert_eq!(code(OutlineForm::RectangleCorners(flat)), Err("DEGENERATE"));
    assert_eq!(code(OutlineForm::Circle([flat[0]; 2])), Err("ZERO_LENGTH"));
    let circle = |radius_mm| OutlineForm::CircleRadius {
        centre: at(5.0, 5.0),
        radius_mm,
    };
    assert_eq!(code(circle(3.0)), Err("RADIUS_UNCALIBRATED"));
    let calibrated = |radius| {
        let ruler = pixel_ruler(millimetres(1.0, 1.0));
        place(&circle(radius), &ruler, None)
            .map(|_| ())
            .map_err(|e| e.code())
    };
    assert_eq!(calibrated(3.0), Ok(()));
    assert_eq!(calibrated(-3.0), Err("NEGATIVE_RADIUS"));
    assert_eq!(calibrated(0.0), Err("ZERO_LENGTH"));
    assert_eq!(calibrated(f64::INFINITY), Err("NOT_FINITE"));
    let unknown = place(&circle(3.0), &patient_ruler(), None).map(|_| ());
    assert_eq!(unknown, Err(MeasureError::PlaneUnknown));

    let closed = polygon(&[(0., 0.), (4., 0.), (4., 0.), (4., 3.), (0., 3.), (0., 0.)]);
    let found = place(&closed, &ruler, None).unwrap();
    near(&found, "area", 12.0);
    near(&found, "perimeter", 14.0);
    assert!(!found.measurement.warns("SELF_CROSSING"));
    let eight = polygon(&[(0., 0.), (4., 4.), (4., 0.), (0., 4.)]);
    let found = place(&eight, &ruler, None).unwrap();
    near(&found, "area", 8.0);
    assert!(found.measurement.warns("SELF_CROSSING"));
    let tall = pixel_ruler(Spacing::Unknown { aspect: 2.0 });
    near(&place(&closed, &tall, None).unwrap(), "area", 24.0);
}
