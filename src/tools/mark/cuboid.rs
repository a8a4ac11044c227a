//! A box in the patient in the hand: drawn in one plane, and given its depth in another.
//!
//! Must stay true: its edges stay at right angles; what is moved in a plane changes nothing across it.

use super::lens::Lens;
use crate::model::{
    annotation::{MarkKind, Shape},
    cuboid::Cuboid,
};
use glam::{DVec2, DVec3};

/// How far an edge may be off the normal of a plane that has the other two in it: the cosine of two degrees and a half.
const ALONG: f64 = 0.999;
/// An edge is never made shorter, millimetres.
const LEAST_MM: f64 = 0.1;

/// A box that was drawn in a plane from one corner to the opposite one: as deep as its shorter side, half of it to each side of
/// the plane, until a hand says better in another plane.
pub(super) fn drawn(lens: &Lens, from: DVec3, to: DVec3) -> Option<Shape> {
    let [a, c] = [lens.screen(from), lens.screen(to)];
    let corner = lens.point(DVec2::new(c.x, a.y));
    let (across, down) = (corner - from, to - corner);
    let depth = across.length().min(down.length());
    let normal = across.cross(down).try_normalize()?;
    let found = Cuboid {
        corner: from - normal * (depth / 2.0),
        edges: [across, down, normal * depth],
    };
    Some(Shape::new(MarkKind::Box, found.points()))
}

/// The two edges of a box that lie in a plane, where the third one goes straight through it.
fn in_plane(found: &Cuboid, lens: &Lens) -> Option<[usize; 2]> {
    let steep = |edge: &DVec3| {
        let along = edge.normalize_or_zero();
        let base = found.corner;
        (lens.depth(base + along) - lens.depth(base)).abs() >= ALONG
    };
    let through = found.edges.iter().position(steep)?;
    Some(match through {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    })
}

/// Corners of what is seen of a box in a plane, with the shares of the two edges that they have.
const CORNERS: [[f64; 2]; 4] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];

/// Where the handles are, viewport pixels; none in a plane that cuts it slantwise.
pub(super) fn handles(points: &[DVec3], lens: &Lens) -> Vec<DVec2> {
    let Some(found) = Cuboid::from_points(points) else {
        return Vec::new();
    };
    let Some([i, j]) = in_plane(&found, lens) else {
        return Vec::new();
    };
    let (u, v) = (found.edges[i], found.edges[j]);
    CORNERS
        .map(|[s, t]| lens.screen(found.corner + u * s + v * t))
        .into()
}

/// What is seen of a box in a plane, viewport pixels.
pub(super) fn outline(points: &[DVec3], lens: &Lens) -> Vec<DVec2> {
    let Some(found) = Cuboid::from_points(points) else {
        return points.iter().map(|p| lens.screen(*p)).collect();
    };
    let cut = found.section(|p| lens.depth(p));
    match cut.is_empty() {
        // Flat in the plane.
        true => {
            let [a, b, c, _] = found.points();
            [a, b, c, a + c - b].map(|p| lens.screen(p)).into()
        }
        false => cut.iter().map(|p| lens.screen(*p)).collect(),
    }
}

/// The box with one of its handles at another place of the plane; the opposite one stays.
pub(super) fn reshaped(
    points: &[DVec3],
    lens: &Lens,
    handle: usize,
    to: DVec2,
    equal: bool,
) -> Option<Shape> {
    let mut found = Cuboid::from_points(points)?;
    let [i, j] = in_plane(&found, lens)?;
    let [s, t] = *CORNERS.get(handle)?;
    let (u, v) = (found.edges[i], found.edges[j]);
    let fixed = found.corner + u * (1.0 - s) + v * (1.0 - t);
    let by = lens.point(to) - fixed;
    let held = |edge: DVec3, share: f64| {
        let along = edge.normalize_or_zero();
        // How far the hand is from the corner that stays, in the direction in which it was.
        let way = if share > 0.5 { along } else { -along };
        (along, by.dot(way))
    };
    let ((along_u, mut x), (along_v, mut y)) = (held(u, s), held(v, t));
    if equal {
        let side = x.abs().max(y.abs());
        (x, y) = (side.copysign(x), side.copysign(y));
    }
    let least = |length: f64| match length.abs() < LEAST_MM {
        true => LEAST_MM.copysign(length),
        false => length,
    };
    let (x, y) = (least(x), least(y));
    let (new_u, new_v) = (along_u * x, along_v * y);
    // The corner from which edges begin: the one that stays, or the one that moves.
    let away = |share: f64, edge: DVec3| if share > 0.5 { DVec3::ZERO } else { -edge };
    found.corner = fixed + away(s, new_u) + away(t, new_v);
    found.edges[i] = new_u;
    found.edges[j] = new_v;
    Some(Shape::new(MarkKind::Box, found.points()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::mark::{
        grip::{Grip, Part, hit},
        lens::tests::axial,
    };
    use glam::{DAffine3, DMat3};

    /// Half a millimetre a pixel, a coronal plane at y = -60: columns to the left, rows to the feet.
    fn coronal() -> Lens {
        Lens::new(DAffine3 {
            matrix3: DMat3::from_cols(DVec3::X * 0.5, DVec3::NEG_Z * 0.5, DVec3::Y),
            translation: DVec3::new(-100.0, -60.0, 90.0),
        })
        .unwrap()
    }

    fn cuboid(shape: &Shape) -> Cuboid {
        Cuboid::from_points(&shape.points).unwrap()
    }

    #[test]
    fn a_box_gets_its_depth_in_another_plane() {
        let axial = axial();
        let at = DVec2::new;
        // 40 × 20 pixels: 20 × 10 mm, and so 10 mm deep about z = 40.
        let [a, c] = [at(20.0, 30.0), at(60.0, 50.0)].map(|p| axial.point(p));
        let shape = drawn(&axial, a, c).unwrap();
        assert_eq!(cuboid(&shape).sides(), [20.0, 10.0, 10.0]);
        let depths = cuboid(&shape).corners().map(|p| p.z);
        assert!(
            depths.iter().all(|z| *z == 35.0 || *z == 45.0),
            "{depths:?}"
        );
        assert_eq!(outline(&shape.points, &axial).len(), 4);
        // In a coronal plane through it, the lower right corner goes 30 pixels down: 15 mm to the feet.
        let coronal = coronal();
        let seen = handles(&shape.points, &coronal);
        assert_eq!(seen.len(), 4);
        let (index, lowest) = seen
            .iter()
            .enumerate()
            .max_by(|a, b| (a.1.x + a.1.y).total_cmp(&(b.1.x + b.1.y)))
            .unwrap();
        assert_eq!(
            hit(&shape, &coronal, *lowest, 1.0, true),
            Some(Part::Handle(index))
        );
        let grip = Grip::new(shape.clone(), Part::Handle(index), *lowest);
        let deeper = grip.moved(&coronal, *lowest + at(4.0, 30.0), false);
        let (old, new) = (cuboid(&shape), cuboid(&deeper));
        let mut sides = new.sides();
        sides.sort_by(f64::total_cmp);
        let wanted = [10.0, 22.0, 25.0];
        let near = sides.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near, "{sides:?}");
        // Across the plane nothing changes: it is as long from front to back as before.
        let span = |c: &Cuboid, axis: usize| {
            let all = c.corners().map(|p| p[axis]);
            let low = all.iter().copied().fold(f64::INFINITY, f64::min);
            let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            [low, high]
        };
        assert_eq!(span(&old, 1), span(&new, 1));
        assert_eq!(span(&old, 2)[1], span(&new, 2)[1], "the other end stays");
        assert!((span(&new, 2)[0] - 20.0).abs() < 1e-9);
        // A handle that goes over the other side turns it over, and never makes it flat.
        for index in 0..4 {
            let place = handles(&deeper.points, &axial)[index];
            for by in [at(-400.0, 3.0), at(250.0, 250.0), at(0.0, 0.0)] {
                let grip = Grip::new(deeper.clone(), Part::Handle(index), place);
                let turned = cuboid(&grip.moved(&axial, place + by, false));
                let [x, y, z] = turned.edges;
                assert!(x.dot(y).abs() + y.dot(z).abs() + z.dot(x).abs() < 1e-6);
                assert!(turned.sides().iter().all(|side| *side >= LEAST_MM - 1e-9));
                let fixed = handles(&deeper.points, &axial)[(index + 2) % 4];
                let kept = handles(&turned.points(), &axial);
                let near = kept.iter().any(|p| p.distance(fixed) < 1e-6);
                assert!(near, "{index} {by}");
            }
        }
        // Moved as a whole, it moves in the plane that is looked at.
        let grip = Grip::new(shape.clone(), Part::Whole, at(20.0, 30.0));
        let moved = cuboid(&grip.moved(&coronal, at(30.0, 30.0), false));
        assert_eq!(moved.edges, old.edges);
        assert_eq!(moved.corner, old.corner + DVec3::X * 5.0);
    }

    #[test]
    fn a_slanted_plane_shows_it_and_has_no_handles() {
        let axial = axial();
        let [a, c] = [DVec2::new(20.0, 30.0), DVec2::new(60.0, 50.0)].map(|p| axial.point(p));
        let shape = drawn(&axial, a, c).unwrap();
        let slanted = Lens::new(DAffine3 {
            matrix3: DMat3::from_rotation_x(0.6),
            translation: cuboid(&shape).corner + DVec3::new(3.0, 3.0, 3.0),
        })
        .unwrap();
        assert!(handles(&shape.points, &slanted).is_empty());
        assert!(outline(&shape.points, &slanted).len() >= 4);
        assert!(drawn(&axial, a, a).is_none());
    }
}
