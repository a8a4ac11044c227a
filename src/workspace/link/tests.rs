//! Tables of grids against what follows from their making.

use super::*;
use glam::{DMat3, DVec2};

/// A stack: origin of the middle of slice 0, directions of rows and columns, the step from slice to slice.
struct Stack {
    centre: DVec3,
    row: DVec3,
    column: DVec3,
    step: DVec3,
    half: DVec2,
    count: usize,
}

impl Stack {
    fn slices(&self) -> impl Iterator<Item = Option<SlicePlane>> {
        (0..self.count).map(|k| {
            Some(SlicePlane {
                centre: self.centre + self.step * k as f64,
                half_row: self.row * self.half.x,
                half_column: self.column * self.half.y,
            })
        })
    }

    fn at(&self, index: usize) -> SlicePlane {
        self.slices().nth(index).flatten().unwrap()
    }
}

fn axial(first_z: f64, step: f64, count: usize) -> Stack {
    Stack {
        centre: DVec3::new(0.0, 0.0, first_z),
        row: DVec3::X,
        column: DVec3::Y,
        step: DVec3::Z * step,
        half: DVec2::new(120.0, 120.0),
        count,
    }
}

/// Turned about the row axis.
fn turned(stack: Stack, degrees: f64) -> Stack {
    let turn = DMat3::from_axis_angle(DVec3::X, degrees.to_radians());
    Stack {
        row: turn * stack.row,
        column: turn * stack.column,
        step: turn * stack.step,
        ..stack
    }
}

#[test]
fn the_slice_that_shows_a_plane_is_the_nearest_along_the_normal() {
    let check = |leader: &Stack, index: usize, other: &Stack, expected: Option<(usize, f64)>| {
        let plane = leader.at(index);
        let found = nearest_slice(other.slices(), plane.centre, Some(&plane));
        match (found, expected) {
            (Some(found), Some((index, mm))) => {
                assert_eq!(found.index, index);
                // Made of sums of a few numbers below 1000: far better than a nanometre.
                assert!((found.distance_mm - mm).abs() < 1e-9, "{found:?} {mm}");
            }
            (found, expected) => assert_eq!(found.is_none(), expected.is_none(), "{found:?}"),
        }
    };
    let thin = axial(0.0, 1.0, 100);
    let thick = axial(0.5, 5.0, 20);
    // 5 mm slices at 0.5, 5.5, 10.5…: z = 12 is 1.5 mm above the third.
    check(&thin, 12, &thick, Some((2, 1.5)));
    check(&thick, 2, &thin, Some((10, 0.5)));
    // Counted from the head instead of the feet: the normal is the same, the order is not.
    check(&thin, 12, &axial(95.5, -5.0, 20), Some((17, 1.5)));
    // Beyond the end the last slice answers, and says how far away it is.
    check(&axial(200.0, 1.0, 2), 0, &thick, Some((19, 104.5)));
    // A gantry tilt: slices lean by 20° but are stacked along z. The point in the middle of the leader's slice counts.
    let lean = turned(axial(0.0, 1.0, 1), 20.0);
    let tilted = Stack {
        step: DVec3::Z * 4.0,
        count: 30,
        ..lean
    };
    check(&thin, 41, &tilted, Some((10, 20f64.to_radians().cos())));
    // An oblique stack, 30° off, stepping along its own normal: slice 7 goes 7·3 mm along it.
    let oblique = turned(axial(0.0, 3.0, 40), 30.0);
    let along = |z: f64| z * 30f64.to_radians().cos();
    check(&thin, 24, &oblique, Some((7, along(24.0) - 21.0)));
    // A coronal stack is not gone through with an axial one.
    check(&thin, 24, &turned(axial(0.0, 3.0, 40), 80.0), None);
    // Of two slices in one plane that which the point lies over.
    let beside = Stack {
        centre: DVec3::new(500.0, 0.0, 3.0),
        step: DVec3::X * -500.0,
        count: 2,
        ..axial(0.0, 1.0, 1)
    };
    check(&thin, 3, &beside, Some((1, 0.0)));
}

#[test]
fn uneven_spacing_and_missing_places_are_gone_around() {
    let at = |z: f64| {
        Some(SlicePlane {
            centre: DVec3::Z * z,
            half_row: DVec3::X,
            half_column: DVec3::Y,
        })
    };
    let slices = [at(0.0), at(1.0), None, at(9.0), at(f64::NAN), at(10.0)];
    let check = |z: f64, expected: usize| {
        let found = nearest_slice(slices.into_iter(), DVec3::Z * z, None).unwrap();
        assert_eq!(found.index, expected, "{z}");
    };
    check(-5.0, 0);
    check(4.9, 1);
    check(5.1, 3);
    check(9.6, 5);
    assert!(nearest_slice([None, None].into_iter(), DVec3::ZERO, None).is_none());
}

#[test]
fn an_offset_is_kept_in_millimetres_or_in_images() {
    let anchor = |stack: &Stack, index| Anchor {
        index,
        plane: Some(stack.at(index)),
    };
    let check = |leader: &Stack, from: usize, to: usize, other: &Stack, at: usize, found: usize| {
        let (lead, follow) = (anchor(leader, from), anchor(other, at));
        let way = lead.way(to, Some(&leader.at(to)), &follow);
        let slice = follow
            .slice_after(way, other.count, other.slices())
            .unwrap();
        assert_eq!(slice.index, found);
    };
    let thin = axial(-300.0, 1.0, 200);
    let thick = axial(40.0, 5.0, 40);
    // Ten images of 1 mm are two of 5 mm, wherever the two frames of reference have their origin.
    check(&thin, 50, 60, &thick, 20, 22);
    check(&thin, 50, 38, &thick, 20, 18);
    check(&thick, 20, 22, &thin, 50, 60);
    // Both ways of counting go to the head together, and so do a picture seen from the feet and one from the head.
    check(&thin, 50, 60, &axial(40.0, -5.0, 40), 20, 18);
    let from_head = Stack {
        row: DVec3::NEG_X,
        ..axial(40.0, 5.0, 40)
    };
    check(&thin, 50, 60, &from_head, 20, 22);
    // Along the normals, oblique or not: 10 mm of the one are 10 mm of the other.
    check(&thin, 50, 60, &turned(axial(0.0, 2.0, 100), 35.0), 20, 25);
    // The ends hold.
    check(&thin, 50, 199, &thick, 35, 39);
    // Without a place images are counted.
    let bare = |index| Anchor { index, plane: None };
    let way = bare(3).way(9, None, &anchor(&thin, 50));
    assert_eq!(way, Way::Images(6));
    let found = bare(10).slice_after(way, 12, std::iter::empty()).unwrap();
    assert_eq!(found.index, 11);
    assert!(bare(0).slice_after(way, 0, std::iter::empty()).is_none());
}

/// The crossing as a second implementation finds it: the four edges of the rectangle are walked and each change of side
/// gives an end.
fn walked(slice: &SlicePlane, through: DVec3, normal: DVec3) -> Vec<DVec3> {
    let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
        .map(|(s, t)| slice.centre + slice.half_row * s + slice.half_column * t);
    let mut found = Vec::new();
    for i in 0..4 {
        let (a, b) = (corners[i], corners[(i + 1) % 4]);
        let (da, db) = ((a - through).dot(normal), (b - through).dot(normal));
        if (da < 0.0) != (db < 0.0) {
            found.push(a + (b - a) * (da / (da - db)));
        }
    }
    found
}

#[test]
fn reference_lines_are_those_of_the_edges() {
    // Numbers as a linear congruential generator gives them: the same each time.
    let mut seed = 20_240_917_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    };
    let (mut crossed, mut apart) = (0, 0);
    for _ in 0..20_000 {
        let mut vector = || DVec3::new(next(), next(), next());
        let row = vector().normalize();
        let column = row.cross(vector()).normalize();
        let normal = vector().normalize();
        let slice = SlicePlane {
            centre: vector() * 200.0,
            half_row: row * (20.0 + 200.0 * next().abs()),
            half_column: column * (20.0 + 200.0 * next().abs()),
        };
        if slice.normal().cross(normal).length() < 0.06 {
            continue;
        }
        let expected = walked(&slice, DVec3::ZERO, normal);
        match (crossing(&slice, DVec3::ZERO, normal), expected.as_slice()) {
            (None, []) => apart += 1,
            (Some([a, b]), [p, q]) => {
                crossed += 1;
                let same = (a - *p).length() + (b - *q).length();
                let swapped = (a - *q).length() + (b - *p).length();
                // A pixel is never below 0.01 mm: a ten-thousandth of half a pixel.
                assert!(same.min(swapped) < 1e-6, "{same} {swapped}");
            }
            // A corner that just touches the plane may be seen or not.
            (Some([a, b]), _) => assert!((a - b).length() < 1e-6),
            (None, [p, q]) => assert!((*p - *q).length() < 1e-6),
            (None, other) => panic!("{other:?}"),
        }
    }
    assert!(crossed > 5000 && apart > 500, "{crossed} {apart}");
    let flat = axial(0.0, 1.0, 1).at(0);
    assert!(crossing(&flat, DVec3::ZERO, DVec3::Z).is_none());
    assert!(crossing(&flat, DVec3::ZERO, DVec3::new(0.0, 0.04, 1.0).normalize()).is_none());
    assert!(crossing(&flat, DVec3::ZERO, DVec3::NAN).is_none());
}
