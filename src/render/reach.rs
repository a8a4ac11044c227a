//! Which part of a viewport a cut reaches: nothing is computed for pixels that lie outside of the grid.
//!
//! Must stay true: too large is slow, too small is wrong. The part is that of the planes' equations in f64 with a pixel
//! around it; the shader still tests every pixel.

use super::slice_draw::slab_of;
use crate::{
    imaging::reslice::{FRACTION_BITS, slab::fixed_steps},
    model::view::SliceView,
};
use glam::{DVec2, DVec3};

/// Positions and steps beyond this are cut off in fixed point: then nothing is left out.
const FAR: f64 = 1e6;

/// The part of a viewport (x, y, width, height) in which a view may look at a grid of columns, rows and slices, with a
/// pixel around it; `None` when there is none.
pub(super) fn reached(view: &SliceView, grid: [usize; 3]) -> Option<[u32; 4]> {
    let size = view.size;
    let whole = [0, 0, size[0], size[1]];
    let at = view.voxel_from_viewport;
    let (right, down, start) = (at.matrix3.x_axis, at.matrix3.y_axis, at.translation);
    let far = |v: DVec3| !v.is_finite() || v.abs().max_element() > FAR;
    if far(start) || far(right * f64::from(size[0])) || far(down * f64::from(size[1])) {
        return Some(whole);
    }
    // The points of a slab, from the first to the last: how far they lie from the plane.
    let (mut before, mut behind) = (DVec3::ZERO, DVec3::ZERO);
    if let Some(slab) = slab_of(view) {
        let (step, first) = fixed_steps(slab);
        let voxels = |fixed: [i64; 3]| {
            DVec3::from_array(fixed.map(|v| v as f64)) / (1i64 << FRACTION_BITS) as f64
        };
        let first = voxels(first);
        let last = first + voxels(step) * f64::from(slab.count - 1);
        (before, behind) = (first.min(last), first.max(last));
    }
    let [width, height] = size.map(f64::from);
    let mut corners = vec![
        DVec2::ZERO,
        DVec2::new(width, 0.0),
        DVec2::new(width, height),
        DVec2::new(0.0, height),
    ];
    for axis in 0..3 {
        let step = DVec2::new(right[axis], down[axis]);
        // Half a voxel beyond the first and the last, and what rounding may make of it.
        let low = start[axis] + behind[axis] + 0.5 + 1e-6;
        let high = grid[axis] as f64 - 0.5 + 1e-6 - start[axis] - before[axis];
        corners = kept(&corners, step, low);
        corners = kept(&corners, -step, high);
    }
    let first = *corners.first()?;
    let (low, high) = corners
        .iter()
        .fold((first, first), |(l, h), c| (l.min(*c), h.max(*c)));
    // The casts saturate at the borders of the viewport.
    let from = |v: f64| (v - 1.0).floor().max(0.0) as u32;
    let to = |v: f64, end: u32| ((v + 1.0).ceil().max(0.0) as u32).min(end);
    let (x, y) = (from(low.x), from(low.y));
    let (end_x, end_y) = (to(high.x, size[0]), to(high.y, size[1]));
    (x < end_x && y < end_y).then(|| [x, y, end_x - x, end_y - y])
}

/// The part of a convex polygon in which `step * point + more` is not below zero.
fn kept(corners: &[DVec2], step: DVec2, more: f64) -> Vec<DVec2> {
    let height = |corner: DVec2| step.dot(corner) + more;
    let next = corners.iter().cycle().skip(1);
    let mut kept = Vec::with_capacity(corners.len() + 1);
    for (&from, &to) in corners.iter().zip(next) {
        let (a, b) = (height(from), height(to));
        if a >= 0.0 {
            kept.push(from);
        }
        if (a >= 0.0) != (b >= 0.0) {
            kept.push(from + (to - from) * (a / (a - b)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        lut::{ModalityLut, Voi},
        pixels::StoredType,
        slab::{Projection, SlabSteps},
        view::{GreyPipeline, Interpolation},
    };
    use glam::{DAffine3, DMat3};

    const GRID: [usize; 3] = [20, 30, 10];

    fn view(size: [u32; 2], right: DVec3, down: DVec3, start: DVec3) -> SliceView {
        SliceView {
            size,
            voxel_from_viewport: DAffine3 {
                matrix3: DMat3::from_cols(right, down, right.cross(down)),
                translation: start,
            },
            interpolation: Interpolation::Linear,
            grey: GreyPipeline {
                stored_type: StoredType::U16,
                modality_lut: ModalityLut::Rescale {
                    slope: 1.0,
                    intercept: 0.0,
                },
                voi: Voi::window(0.0, 1.0),
                presentation: None,
                inverted: false,
                padding: None,
            },
            samples: 1,
            area: false,
            slab: None,
        }
    }

    #[test]
    fn a_plane_along_the_slices_reaches_their_frame() {
        // Two pixels a voxel; the first voxel's border at pixel (10, 20).
        let start = DVec3::new(-5.5, -10.5, 4.0);
        let at = |z| {
            let start = DVec3 { z, ..start };
            reached(
                &view([100, 120], DVec3::X * 0.5, DVec3::Y * 0.5, start),
                GRID,
            )
        };
        assert_eq!(at(4.0), Some([8, 18, 44, 64]));
        assert_eq!(at(-0.6), None, "before the first slice");
        assert_eq!(at(9.6), None, "behind the last");
    }

    #[test]
    fn every_pixel_inside_of_the_grid_is_within() {
        // Askew planes and slabs in many places: what is left out is outside, and it is not much too large.
        let mut state = 7u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        let (mut wanted, mut given) = (0, 0);
        for round in 0..300 {
            let mut direction = || DVec3::new(next(), next(), next());
            let (right, down) = (direction(), direction());
            let start = DVec3::new(10.0, 15.0, 5.0) + direction() * 60.0;
            let mut view = view([40, 30], right, down, start);
            let normal = right.cross(down).normalize_or_zero() * 0.7;
            if round % 2 == 1 {
                view.slab = Some(SlabSteps {
                    projection: Projection::Mip,
                    count: 9,
                    step: normal,
                });
            }
            let found = reached(&view, GRID);
            let mut most: Option<[u32; 4]> = None;
            for (y, x) in (0..30).flat_map(|y| (0..40).map(move |x| (y, x))) {
                let middle = DVec3::new(f64::from(x) + 0.5, f64::from(y) + 0.5, 0.0);
                let at = view.voxel_from_viewport.transform_point3(middle);
                let points = if view.slab.is_some() { -4..=4 } else { 0..=0 };
                let inside = points.into_iter().any(|k| {
                    let at = at + normal * f64::from(k);
                    (0..3).all(|i| (-0.5..GRID[i] as f64 - 0.5).contains(&at[i]))
                });
                if !inside {
                    continue;
                }
                let [left, top, width, height] = found.expect("a pixel is left out");
                assert!((left..left + width).contains(&x), "{round}: {x} {found:?}");
                assert!((top..top + height).contains(&y), "{round}: {y} {found:?}");
                most = Some(most.map_or([x, y, x, y], |[l, t, r, b]| {
                    [l.min(x), t.min(y), r.max(x), b.max(y)]
                }));
            }
            if let (Some([l, t, r, b]), Some([.., width, height]), None) = (most, found, view.slab)
            {
                wanted += (r - l + 1) * (b - t + 1);
                given += width * height;
            }
        }
        // A pixel around, and sharp corners in which no middle of a pixel lies.
        assert!(wanted > 5000 && given < wanted * 8 / 5, "{wanted} {given}");
    }

    #[test]
    fn what_is_too_far_for_fixed_point_is_drawn_whole() {
        let far = view([7, 8], DVec3::X, DVec3::Y, DVec3::splat(1e7));
        assert_eq!(reached(&far, GRID), Some([0, 0, 7, 8]));
        let wild = view([7, 8], DVec3::splat(f64::NAN), DVec3::Y, DVec3::ZERO);
        assert_eq!(reached(&wild, GRID), Some([0, 0, 7, 8]));
    }
}
