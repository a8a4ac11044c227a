//! Shapes as distances: negative inside, zero on the surface, millimetres (near the surface; far from it a
//! distance may be wrong in size, never in sign).

use glam::{DMat3, DVec3};

/// A smooth curve through points: cubic Hermite with the slopes of the neighbours, constant beyond the ends.
#[derive(Clone, Debug)]
pub(crate) struct Profile(Vec<(f64, f64)>);

impl Profile {
    /// Points in rising order of the first number.
    pub(crate) fn new(points: &[(f64, f64)]) -> Self {
        Self(points.to_vec())
    }

    /// The same curve with all values multiplied.
    pub(crate) fn scaled(mut self, factor: f64) -> Self {
        for point in &mut self.0 {
            point.1 *= factor;
        }
        self
    }

    /// Value at a place.
    pub(crate) fn at(&self, x: f64) -> f64 {
        let after = self.0.partition_point(|p| p.0 <= x);
        let (Some(&first), Some(&last)) = (self.0.first(), self.0.last()) else {
            return 0.0;
        };
        if after == 0 {
            return first.1;
        }
        let (Some(&(x0, y0)), Some(&(x1, y1))) = (self.0.get(after - 1), self.0.get(after)) else {
            return last.1;
        };
        let slope = |a: usize, b: usize| match (self.0.get(a), self.0.get(b)) {
            (Some(p), Some(q)) if q.0 > p.0 => (q.1 - p.1) / (q.0 - p.0),
            _ => 0.0,
        };
        let last_index = self.0.len() - 1;
        let m0 = slope(after.saturating_sub(2), after);
        let m1 = slope(after - 1, (after + 1).min(last_index));
        let h = x1 - x0;
        let t = (x - x0) / h;
        let (t2, t3) = (t * t, t * t * t);
        y0 * (2.0 * t3 - 3.0 * t2 + 1.0)
            + m0 * h * (t3 - 2.0 * t2 + t)
            + y1 * (3.0 * t2 - 2.0 * t3)
            + m1 * h * (t3 - t2)
    }

    /// Slope at a place.
    pub(crate) fn slope(&self, x: f64) -> f64 {
        (self.at(x + 0.5) - self.at(x - 0.5)).clamp(-20.0, 20.0)
    }
}

/// Smaller of two distances with the crease between them rounded over `k` millimetres.
pub(crate) fn smooth_min(a: f64, b: f64, k: f64) -> f64 {
    let near = k - (a - b).abs();
    let least = a.min(b);
    if near <= 0.0 {
        return least;
    }
    least - near * near * 0.25 / k
}

/// Larger of two distances, rounded likewise.
pub(crate) fn smooth_max(a: f64, b: f64, k: f64) -> f64 {
    -smooth_min(-a, -b, k)
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(crate) fn smooth_step(low: f64, high: f64, x: f64) -> f64 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Distance to a super-ellipse about the origin, |x/a|^2.5 + |y/b|^2.5 = 1, to first order: an ellipse whose
/// corners are filled, as a chest is.
pub(crate) fn super_ellipse(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let (u, v) = ((x / a).abs().max(1e-6), (y / b).abs().max(1e-6));
    let (u_p, v_p) = (u * u * u.sqrt(), v * v * v.sqrt());
    let sum = u_p + v_p;
    // f = sum^(1/2.5) - 1 and its gradient; the quotient is the distance near the curve.
    let root = sum.powf(0.4);
    let (slope_u, slope_v) = (u_p / (u * a), v_p / (v * b));
    let gradient = root / sum * (slope_u * slope_u + slope_v * slope_v).sqrt();
    ((root - 1.0) / gradient.max(1e-6)).max(-a.min(b))
}

/// Distance to an ellipse about the origin, to first order.
pub(crate) fn ellipse(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let (u, v) = (x / a, y / b);
    let (k0, k1) = (
        (u * u + v * v).sqrt(),
        ((u / a) * (u / a) + (v / b) * (v / b)).sqrt(),
    );
    if k1 < 1e-9 {
        return -a.min(b);
    }
    (k0 * (k0 - 1.0) / k1).max(-a.min(b))
}

/// An ellipsoid with its axes turned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ellipsoid {
    /// Centre, LPS millimetres.
    pub(crate) centre: DVec3,
    /// Half lengths along the own axes.
    pub(crate) radii: DVec3,
    /// Patient directions from own axes.
    pub(crate) axes: DMat3,
}

impl Ellipsoid {
    /// Axes along the patient's.
    pub(crate) const fn straight(centre: DVec3, radii: DVec3) -> Self {
        Self {
            centre,
            radii,
            axes: DMat3::IDENTITY,
        }
    }

    /// First axis along `direction`, second as near as can be to `second`.
    pub(crate) fn along(centre: DVec3, radii: DVec3, direction: DVec3, second: DVec3) -> Self {
        let x = direction.normalize_or(DVec3::X);
        let y = (second - x * x.dot(second)).normalize_or(x.any_orthonormal_vector());
        Self {
            centre,
            radii,
            axes: DMat3::from_cols(x, y, x.cross(y)),
        }
    }

    /// Distance, to first order.
    pub(crate) fn distance(&self, point: DVec3) -> f64 {
        let local = self.axes.transpose() * (point - self.centre);
        let scaled = local / self.radii;
        let (k0, k1) = (scaled.length(), (scaled / self.radii).length());
        if k1 < 1e-9 {
            return -self.radii.min_element();
        }
        k0 * (k0 - 1.0) / k1
    }

    /// Radius of a sphere about the centre that holds it.
    pub(crate) fn reach(&self) -> f64 {
        self.radii.max_element()
    }
}

/// A straight tube with round ends whose radius runs from one value to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tube {
    /// Begin.
    pub(crate) a: DVec3,
    /// End.
    pub(crate) b: DVec3,
    /// Radius at the begin.
    pub(crate) radius_a: f64,
    /// Radius at the end.
    pub(crate) radius_b: f64,
}

impl Tube {
    /// Distance to the surface.
    pub(crate) fn distance(&self, point: DVec3) -> f64 {
        let (axis, from) = (self.b - self.a, point - self.a);
        let t = (from.dot(axis) / axis.length_squared().max(1e-12)).clamp(0.0, 1.0);
        (from - axis * t).length() - (self.radius_a + (self.radius_b - self.radius_a) * t)
    }

    /// The larger radius.
    pub(crate) const fn reach(&self) -> f64 {
        self.radius_a.max(self.radius_b)
    }

    /// Smallest x, y and largest x, y of what lies within `margin` of the part that crosses plane `z`;
    /// `None` when nothing does.
    pub(crate) fn footprint(&self, z: f64, margin: f64) -> Option<[f64; 4]> {
        let reach = self.reach() + margin;
        let (low, high) = (self.a.z.min(self.b.z), self.a.z.max(self.b.z));
        if z < low - reach || z > high + reach {
            return None;
        }
        // Clip the axis to the slab of the plane; what is outside cannot come within reach.
        let rise = self.b.z - self.a.z;
        let (mut t0, mut t1) = (0.0, 1.0);
        if rise.abs() > 1e-9 {
            let (u, v) = ((z - reach - self.a.z) / rise, (z + reach - self.a.z) / rise);
            t0 = u.min(v).clamp(0.0, 1.0);
            t1 = u.max(v).clamp(0.0, 1.0);
        }
        let (p, q) = (self.a.lerp(self.b, t0), self.a.lerp(self.b, t1));
        Some([
            p.x.min(q.x) - reach,
            p.y.min(q.y) - reach,
            p.x.max(q.x) + reach,
            p.y.max(q.y) + reach,
        ])
    }
}

/// Tubes along a line of points, each point with its radius.
pub(crate) fn chain(points: &[(DVec3, f64)]) -> Vec<Tube> {
    points
        .windows(2)
        .filter_map(|pair| match pair {
            [(a, radius_a), (b, radius_b)] => Some(Tube {
                a: *a,
                b: *b,
                radius_a: *radius_a,
                radius_b: *radius_b,
            }),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_runs_through_its_points() {
        let profile = Profile::new(&[(0.0, 1.0), (10.0, 5.0), (20.0, 2.0)]);
        for (x, y) in [
            (-5.0, 1.0),
            (0.0, 1.0),
            (10.0, 5.0),
            (20.0, 2.0),
            (99.0, 2.0),
        ] {
            assert!((profile.at(x) - y).abs() < 1e-12);
        }
    }

    #[test]
    fn distances_are_true_where_they_are_known() {
        let sphere = Ellipsoid::straight(DVec3::new(1.0, 2.0, 3.0), DVec3::splat(5.0));
        assert!((sphere.distance(DVec3::new(1.0, 2.0, 11.0)) - 3.0).abs() < 1e-9);
        assert!((super_ellipse(13.0, 0.0, 10.0, 4.0) - 3.0).abs() < 1e-9);
        assert_eq!(ellipse(0.0, 0.0, 10.0, 4.0), -4.0);
        assert!((ellipse(0.0, 3.0, 10.0, 4.0) + 1.0).abs() < 1e-9);
        let tube = Tube {
            a: DVec3::ZERO,
            b: DVec3::new(0.0, 0.0, 10.0),
            radius_a: 2.0,
            radius_b: 1.0,
        };
        assert!((tube.distance(DVec3::new(4.0, 0.0, 5.0)) - 2.5).abs() < 1e-9);
        assert_eq!(tube.footprint(20.0, 1.0), None);
        let box_at_end = tube.footprint(12.0, 1.0).unwrap();
        assert!(box_at_end[0] <= -2.0 && box_at_end[2] >= 2.0);
    }
}
