//! A box in the patient: the geometry of marks of [`super::annotation::MarkKind::Box`].

use glam::DVec3;

/// A corner and the three edges that begin there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cuboid {
    /// The corner.
    pub corner: DVec3,
    /// The edges.
    pub edges: [DVec3; 3],
}

impl Cuboid {
    /// From the points of a mark: three corners of a face in order, and the corner beside the first one that is not of that face.
    /// `None` for another number of points.
    pub fn from_points(points: &[DVec3]) -> Option<Self> {
        let &[a, b, c, d] = points else { return None };
        Some(Self {
            corner: a,
            edges: [b - a, c - b, d - a],
        })
    }

    /// The points of its mark.
    pub fn points(&self) -> [DVec3; 4] {
        let [x, y, z] = self.edges;
        let a = self.corner;
        [a, a + x, a + x + y, a + z]
    }

    /// All eight corners.
    pub fn corners(&self) -> [DVec3; 8] {
        std::array::from_fn(|index| {
            (0..3)
                .filter(|axis| index >> axis & 1 == 1)
                .filter_map(|axis| self.edges.get(axis))
                .fold(self.corner, |at, edge| at + *edge)
        })
    }

    /// Lengths of the edges.
    pub fn sides(&self) -> [f64; 3] {
        self.edges.map(DVec3::length)
    }

    /// Where a plane cuts it: corners one after the other around. `depth` is the distance of a point from that plane; a plane
    /// beside the box counts as the nearest one that touches it. Empty where the box is flat.
    pub fn section(&self, depth: impl Fn(DVec3) -> f64) -> Vec<DVec3> {
        let corners = self.corners();
        let depths = corners.map(&depth);
        let (low, high) = depths
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), d| {
                (low.min(*d), high.max(*d))
            });
        let span = high - low;
        if span.is_nan() || span < 1e-9 {
            return Vec::new();
        }
        // Inside of it, so that each edge is on one side or the other of the plane.
        let level = 0.0_f64.clamp(low + 1e-7 * span, high - 1e-7 * span);
        let mut cuts = Vec::new();
        for from in 0..8_usize {
            for axis in 0..3 {
                let to = from | 1 << axis;
                if to == from {
                    continue;
                }
                let (Some(&a), Some(&b)) = (corners.get(from), corners.get(to)) else {
                    continue;
                };
                let (p, q) = (depth(a) - level, depth(b) - level);
                if (p < 0.0) != (q < 0.0) {
                    cuts.push(a + (b - a) * (p / (p - q)));
                }
            }
        }
        around(cuts)
    }
}

/// Points of a convex outline in their order around its middle.
fn around(mut points: Vec<DVec3>) -> Vec<DVec3> {
    let middle = points.iter().sum::<DVec3>() / points.len().max(1) as f64;
    let Some(first) = points.first().map(|p| *p - middle) else {
        return points;
    };
    let normal = points
        .iter()
        .map(|p| first.cross(*p - middle))
        .max_by(|a, b| a.length_squared().total_cmp(&b.length_squared()))
        .unwrap_or(DVec3::Z);
    let side = normal.cross(first).normalize_or_zero();
    let along = first.normalize_or_zero();
    let angle = |p: &DVec3| (*p - middle).dot(side).atan2((*p - middle).dot(along));
    points.sort_by(|a, b| angle(a).total_cmp(&angle(b)));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube() -> Cuboid {
        Cuboid {
            corner: DVec3::new(1.0, 2.0, 3.0),
            edges: [DVec3::X * 4.0, DVec3::Y * 6.0, DVec3::Z * 8.0],
        }
    }

    fn area(points: &[DVec3]) -> f64 {
        let first = points[0];
        let pairs = points.windows(2);
        pairs
            .map(|p| (p[0] - first).cross(p[1] - first).length() / 2.0)
            .sum()
    }

    #[test]
    fn points_and_edges_are_two_ways_to_say_it() {
        let cube = cube();
        assert_eq!(Cuboid::from_points(&cube.points()), Some(cube));
        assert_eq!(Cuboid::from_points(&cube.points()[..3]), None);
        assert_eq!(cube.sides(), [4.0, 6.0, 8.0]);
        let far = cube.corners()[7];
        assert_eq!(far, DVec3::new(5.0, 8.0, 11.0));
    }

    #[test]
    fn planes_cut_it_where_it_is() {
        let cube = cube();
        let cut = cube.section(|p| p.z - 5.0);
        assert_eq!(cut.len(), 4);
        assert!((area(&cut) - 24.0).abs() < 1e-9);
        assert!(cut.iter().all(|p| (p.z - 5.0).abs() < 1e-9));
        // Beside it: the face that is nearest.
        for (z, face) in [(-40.0, 3.0), (90.0, 11.0), (3.0, 3.0), (11.0, 11.0)] {
            let cut = cube.section(|p| p.z - z);
            assert!((area(&cut) - 24.0).abs() < 1e-6);
            assert!(cut.iter().all(|p| (p.z - face).abs() < 1e-5), "{z}");
        }
        // Through three edges, and through six.
        let slanted = DVec3::ONE.normalize();
        let three = cube.section(|p| (p - cube.corner).dot(slanted) - 1.0);
        assert_eq!(three.len(), 3);
        let middle = cube.corner + DVec3::new(2.0, 3.0, 4.0);
        let six = cube.section(|p| (p - middle).dot(slanted));
        assert_eq!(six.len(), 6);
        let flat = Cuboid {
            edges: [DVec3::X, DVec3::Y, DVec3::ZERO],
            ..cube
        };
        assert!(flat.section(|p| p.z - 3.0).is_empty());
        assert_eq!(flat.section(|p| p.x - 1.5).len(), 4);
    }
}
