//! A plane in the patient, with two axes of millimetres: outlines are flat there.

use super::{MeasureError, ZERO};
use crate::model::geometry::{ImagePlane, Spacing};
use glam::{DAffine2, DMat2, DVec2, DVec3};

/// Points further than this from the plane of an outline are not on it; what writing three decimals does is.
pub(super) const FLAT_MM: f64 = 0.01;

/// A plane through a point, with directions to the right and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    /// The point that is (0, 0).
    pub origin: DVec3,
    /// Unit direction of the first axis.
    pub right: DVec3,
    /// Unit direction of the second axis, orthogonal to `right`.
    pub down: DVec3,
}

impl Plane {
    /// The plane of two directions; the first keeps its direction. `None` when they are parallel or zero.
    pub fn spanned(origin: DVec3, u: DVec3, v: DVec3) -> Option<Self> {
        let right = u.try_normalize()?;
        let across = v - right * right.dot(v);
        // The part of `v` that is left must be more than rounding.
        if across.length() <= 1e-9 * v.length() {
            return None;
        }
        Some(Self {
            origin,
            right,
            down: across.try_normalize()?,
        })
    }

    /// A plane through a point across a direction, with axes that depend on the direction alone.
    pub fn across(origin: DVec3, normal: DVec3) -> Option<Self> {
        let normal = normal.try_normalize()?;
        let (right, down) = normal.any_orthonormal_pair();
        Some(Self {
            origin,
            right,
            down,
        })
    }

    /// A plane through a point, parallel to a frame and with its axes.
    pub const fn along(frame: &ImagePlane, origin: DVec3) -> Self {
        Self {
            origin,
            right: frame.along_row,
            down: frame.along_column,
        }
    }

    /// The plane that all points lie in. Its first axis runs from the first point to the one farthest away, so it
    /// follows the outline and not the view.
    ///
    /// # Errors
    /// Points on one line, or off the plane by more than a hundredth of a millimetre.
    pub fn through(points: &[DVec3]) -> Result<Self, MeasureError> {
        let first = points.first().copied().ok_or(MeasureError::Degenerate)?;
        let farthest = |key: &dyn Fn(DVec3) -> f64| {
            points
                .iter()
                .map(|p| *p - first)
                .max_by(|a, b| key(*a).total_cmp(&key(*b)))
                .unwrap_or_default()
        };
        let u = farthest(&|p| p.length_squared());
        let length = u.length();
        if length < ZERO {
            return Err(MeasureError::Degenerate);
        }
        let v = farthest(&|p| u.cross(p).length_squared());
        let plane = Self::spanned(first, u, v)
            .filter(|_| u.cross(v).length() > 1e-9 * length * length)
            .ok_or(MeasureError::Degenerate)?;
        let normal = plane.normal();
        let deviation_mm = points
            .iter()
            .map(|p| (*p - first).dot(normal).abs())
            .fold(0.0, f64::max);
        if deviation_mm > FLAT_MM {
            return Err(MeasureError::NotPlanar { deviation_mm });
        }
        Ok(plane)
    }

    /// Unit normal.
    pub fn normal(&self) -> DVec3 {
        self.right.cross(self.down)
    }

    /// A patient point on the plane's axes.
    pub fn flat(&self, point: DVec3) -> DVec2 {
        let step = point - self.origin;
        DVec2::new(step.dot(self.right), step.dot(self.down))
    }

    /// The patient point of a place on the plane.
    pub fn patient(&self, flat: DVec2) -> DVec3 {
        self.origin + self.right * flat.x + self.down * flat.y
    }

    /// Pixels (column, row) of a frame from places on this plane, along the frame's normal.
    pub(super) fn pixel_from_flat(&self, frame: &ImagePlane, spacing: Spacing) -> DAffine2 {
        let (row, column) = spacing.row_column();
        let pixel = |v: DVec3| {
            DVec2::new(
                v.dot(frame.along_row) / column,
                v.dot(frame.along_column) / row,
            )
        };
        DAffine2 {
            matrix2: DMat2::from_cols(pixel(self.right), pixel(self.down)),
            translation: pixel(self.origin - frame.origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_found_and_points_come_back() {
        let (u, v) = (DVec3::new(0.6, 0.8, 0.0), DVec3::new(0.0, 0.0, 1.0));
        let origin = DVec3::new(100.0, -50.0, 700.0);
        let points: Vec<DVec3> = [(0., 0.), (10., 0.), (10., 10.), (0., 10.)]
            .map(|(a, b)| origin + u * a + v * b)
            .into();
        let plane = Plane::through(&points).unwrap();
        assert!(plane.normal().dot(u.cross(v)).abs() > 1.0 - 1e-12);
        for p in &points {
            assert!(plane.patient(plane.flat(*p)).distance(*p) < 1e-12);
        }
        // A bow tie has no area of one sign, but a plane.
        let bow = [points[0], points[2], points[1], points[3]];
        assert!(Plane::through(&bow).is_ok());
        let mut bent = points.clone();
        bent[2] += u.cross(v) * 0.1;
        let off = Plane::through(&bent).map_err(|e| e.code());
        assert_eq!(off, Err("NOT_PLANAR"));
        let line = [origin, origin + u, origin + u * 2.0];
        assert_eq!(Plane::through(&line), Err(MeasureError::Degenerate));
        assert_eq!(Plane::through(&[origin; 4]), Err(MeasureError::Degenerate));
    }
}
