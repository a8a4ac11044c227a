//! Where the screen lies in the space of a mark: viewport pixels to points and back.

use glam::{DAffine3, DMat3, DVec2, DVec3};

/// How a mark lies to the plane that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// In it, within the thickness of what is shown.
    In,
    /// Beside it by less than a slice, or across it.
    Near,
    /// Elsewhere.
    Off,
}

/// How a picture of before lies now: larger and elsewhere, but neither turned nor of another plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// How much larger.
    pub scale: f64,
    /// Where the viewport pixel (0, 0) of before is now.
    pub by: DVec2,
}

impl Drift {
    /// Where a viewport pixel of before is now.
    pub fn at(&self, before: DVec2) -> DVec2 {
        before * self.scale + self.by
    }
}

/// Part of a pixel by which a picture of a thousand may differ when it is told how it drifted.
const DRIFT: f64 = 1e-5;

/// The plane of a view in the space of the points, and how large a viewport pixel is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    space_from_screen: DAffine3,
    screen_from_space: DAffine3,
}

impl Lens {
    /// A lens from the map of viewport pixels (x, y, depth in millimetres along the unit normal) to points; `None`
    /// when it is flat or not finite.
    pub fn new(space_from_screen: DAffine3) -> Option<Self> {
        let determinant = space_from_screen.matrix3.determinant();
        (space_from_screen.is_finite() && determinant.abs() > 1e-15).then(|| Self {
            space_from_screen,
            screen_from_space: space_from_screen.inverse(),
        })
    }

    /// A lens onto the pixels of a frame: column and row of viewport pixels, which have no depth.
    pub fn of_pixels(voxel_from_viewport: &DAffine3) -> Option<Self> {
        let mut map = *voxel_from_viewport;
        map.matrix3.x_axis.z = 0.0;
        map.matrix3.y_axis.z = 0.0;
        map.matrix3.z_axis = DVec3::Z;
        map.translation.z = 0.0;
        Self::new(map)
    }

    /// The point under a viewport pixel, in the plane.
    pub fn point(&self, at: DVec2) -> DVec3 {
        self.space_from_screen.transform_point3(at.extend(0.0))
    }

    /// The viewport pixel of a point, seen along the normal.
    pub fn screen(&self, point: DVec3) -> DVec2 {
        self.screen_from_space.transform_point3(point).truncate()
    }

    /// How far a point lies behind the plane, millimetres.
    pub fn depth(&self, point: DVec3) -> f64 {
        self.screen_from_space.transform_point3(point).z
    }

    /// The step in space of a step on the screen.
    pub fn step(&self, by: DVec2) -> DVec3 {
        self.space_from_screen.transform_vector3(by.extend(0.0))
    }

    /// A point moved so that it is seen at a viewport pixel, keeping its depth.
    pub fn moved_to(&self, point: DVec3, at: DVec2) -> DVec3 {
        point + self.step(at - self.screen(point))
    }

    /// How what was seen through a lens of before lies in this one; `None` where it does not look onto the same plane
    /// from the same side and the same way up.
    pub fn drift(&self, before: &Self) -> Option<Drift> {
        let map = self.screen_from_space * before.space_from_screen;
        let scale = map.matrix3.x_axis.x;
        let expected = DMat3::from_diagonal(DVec3::new(scale, scale, 1.0));
        let same = map.matrix3.abs_diff_eq(expected, DRIFT * scale.abs())
            && map.translation.z.abs() <= DRIFT;
        (same && scale > 0.0 && scale.is_finite()).then_some(Drift {
            scale,
            by: map.translation.truncate(),
        })
    }

    /// How a body with these corners lies to the plane: in it where the plane goes through.
    pub fn passes(&self, corners: &[DVec3], half_mm: f64) -> Lies {
        let depths = corners.iter().map(|p| self.depth(*p));
        let (low, high) = depths.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| {
            (l.min(d), h.max(d))
        });
        let half = half_mm + 0.01;
        if !low.is_finite() || !high.is_finite() {
            Lies::Off
        } else if low <= half && high >= -half {
            Lies::In
        } else if low <= 3.0 * half && high >= -3.0 * half {
            Lies::Near
        } else {
            Lies::Off
        }
    }

    /// How points lie to the plane; `half_mm` to each side is what the plane shows.
    pub fn lies(&self, points: &[DVec3], half_mm: f64) -> Lies {
        let depths = points.iter().map(|p| self.depth(*p));
        let (low, high) = depths.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| {
            (l.min(d), h.max(d))
        });
        // A hundredth of a millimetre is what rounding of positions in files comes to.
        let half = half_mm + 0.01;
        if !low.is_finite() || !high.is_finite() {
            Lies::Off
        } else if low >= -half && high <= half {
            Lies::In
        } else if low <= 3.0 * half && high >= -3.0 * half {
            Lies::Near
        } else {
            Lies::Off
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Half a millimetre a pixel, an axial plane at z = 40.
    pub(in crate::tools::mark) fn axial() -> Lens {
        Lens::new(DAffine3 {
            matrix3: DMat3::from_cols(DVec3::X * 0.5, DVec3::Y * 0.5, DVec3::Z),
            translation: DVec3::new(-100.0, -80.0, 40.0),
        })
        .unwrap()
    }

    #[test]
    fn there_and_back_again() {
        let lens = axial();
        let at = DVec2::new(31.25, 7.5);
        let point = lens.point(at);
        assert_eq!(point, DVec3::new(-84.375, -76.25, 40.0));
        assert!(lens.screen(point).distance(at) < 1e-12);
        let behind = point + DVec3::Z * 3.0;
        assert!((lens.depth(behind) - 3.0).abs() < 1e-12);
        let moved = lens.moved_to(behind, at + DVec2::new(2.0, -4.0));
        assert!(moved.distance(behind + DVec3::new(1.0, -2.0, 0.0)) < 1e-12);
        let flat = DAffine3::from_scale(DVec3::new(1.0, 0.0, 1.0));
        assert_eq!(Lens::new(flat), None);
    }

    #[test]
    fn a_picture_drifts_when_it_is_moved_and_made_larger_and_not_when_it_is_another() {
        let before = axial();
        let with = |matrix3: DMat3, translation: DVec3| {
            Lens::new(DAffine3 {
                matrix3,
                translation,
            })
            .unwrap()
        };
        // Half as many millimetres a pixel, and somewhere else.
        let steps = DMat3::from_diagonal(DVec3::new(0.25, 0.25, 1.0));
        let corner = DVec3::new(-90.0, -60.0, 40.0);
        let now = with(steps, corner);
        let drift = now.drift(&before).unwrap();
        assert!((drift.scale - 2.0).abs() < 1e-9);
        for at in [DVec2::ZERO, DVec2::new(100.0, 37.5)] {
            let expected = now.screen(before.point(at));
            assert!(drift.at(at).distance(expected) < 1e-9, "{at}");
        }
        let same = |lens: Lens| lens.drift(&before);
        assert_eq!(same(with(steps, corner + DVec3::Z)), None, "another plane");
        let turned = DMat3::from_rotation_z(0.01) * steps;
        assert_eq!(same(with(turned, corner)), None, "turned");
        let mirrored = DMat3::from_diagonal(DVec3::new(-0.25, 0.25, 1.0));
        assert_eq!(same(with(mirrored, corner)), None, "mirrored");
        let stretched = DMat3::from_diagonal(DVec3::new(0.25, 0.2, 1.0));
        assert_eq!(same(with(stretched, corner)), None, "stretched");
        let behind = DMat3::from_diagonal(DVec3::new(0.25, 0.25, -1.0));
        assert_eq!(same(with(behind, corner)), None, "from behind");
    }

    #[test]
    fn pixels_have_no_depth() {
        let map = DAffine3 {
            matrix3: DMat3::from_cols(
                DVec3::new(0.0, 2.0, 0.0),
                DVec3::new(-1.0, 0.0, 0.0),
                DVec3::new(0.0, 0.0, 7.0),
            ),
            translation: DVec3::new(9.0, 3.0, 5.0),
        };
        let lens = Lens::of_pixels(&map).unwrap();
        assert_eq!(lens.point(DVec2::new(1.0, 2.0)), DVec3::new(7.0, 5.0, 0.0));
    }

    #[test]
    fn what_lies_where() {
        let lens = axial();
        let check = |depths: &[f64], expected: Lies| {
            let points: Vec<DVec3> = depths.iter().map(|d| DVec3::Z * (40.0 + d)).collect();
            assert_eq!(lens.lies(&points, 1.0), expected, "{depths:?}");
        };
        check(&[0.0, 0.9], Lies::In);
        check(&[-1.0, 1.0], Lies::In);
        check(&[0.0, 1.2], Lies::Near);
        check(&[2.5], Lies::Near);
        check(&[-30.0, 30.0], Lies::Near);
        check(&[3.5, 30.0], Lies::Off);
        check(&[f64::NAN], Lies::Off);
        check(&[], Lies::Off);
    }
}
