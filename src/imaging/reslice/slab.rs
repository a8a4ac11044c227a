//! Slabs: the largest, the smallest or the mean modality value along the normal of a plane.
//!
//! Must stay true: no value is made over a slice that is not there. A point that needs one is left out of the
//! projection (the window says that such a picture is provisional); where all points need one the pixel is hatched.

use super::{ONE, Sample, point};
use crate::model::{
    pixels::Frame,
    slab::{Projection, SlabSteps},
    view::{Interpolation, SliceView},
};

/// Largest way from one point of a slab to the next, voxels.
const STEP_LIMIT: f64 = 16.0;

/// The way from one point to the next, and from the plane to the first point; fixed-point numbers.
pub fn fixed_steps(slab: &SlabSteps) -> ([i64; 3], [i64; 3]) {
    let step = slab.step.to_array().map(|v| {
        // The cast makes 0 of what is no number.
        (v.clamp(-STEP_LIMIT, STEP_LIMIT) * ONE as f64).round() as i64
    });
    let before = i64::from(slab.count.saturating_sub(1) / 2);
    (step, step.map(|v| -v * before))
}

/// What a slab shows at the position of its plane's pixel.
pub(super) fn sample(
    view: &SliceView,
    frames: &[Option<Frame>],
    position: [i64; 3],
    slab: &SlabSteps,
) -> Sample {
    let between = match view.interpolation {
        Interpolation::Nearest => Interpolation::Nearest,
        Interpolation::Linear | Interpolation::Cubic => Interpolation::Linear,
    };
    let (step, first) = fixed_steps(slab);
    let start: [i64; 3] = std::array::from_fn(|i| position[i] + first[i]);
    let mut found = Found::new(slab.projection);
    let (mut missing, mut padding) = (false, false);
    for k in 0..i64::from(slab.count) {
        let at = std::array::from_fn(|i| start[i] + step[i] * k);
        match point(view, frames, at, between) {
            Sample::Outside => {}
            Sample::Missing => missing = true,
            Sample::Padding => padding = true,
            Sample::Value(value) => found.add([value; 3]),
            Sample::Color(color) => found.add(color),
        }
    }
    match found.result() {
        Some(color) if view.samples == 3 => Sample::Color(color),
        Some([value, ..]) => Sample::Value(value),
        None if missing => Sample::Missing,
        None if padding => Sample::Padding,
        None => Sample::Outside,
    }
}

/// What was found so far along the normal.
struct Found {
    projection: Projection,
    count: f64,
    values: [f64; 3],
}

impl Found {
    const fn new(projection: Projection) -> Self {
        Self {
            projection,
            count: 0.0,
            values: [0.0; 3],
        }
    }

    fn add(&mut self, values: [f64; 3]) {
        for (kept, value) in self.values.iter_mut().zip(values) {
            *kept = match self.projection {
                _ if self.count == 0.0 => value,
                Projection::Mip => kept.max(value),
                Projection::MinIp => kept.min(value),
                Projection::Mean => *kept + value,
            };
        }
        self.count += 1.0;
    }

    fn result(&self) -> Option<[f64; 3]> {
        let divisor = match self.projection {
            Projection::Mean => self.count,
            Projection::Mip | Projection::MinIp => 1.0,
        };
        (self.count > 0.0).then(|| self.values.map(|value| value / divisor))
    }
}
