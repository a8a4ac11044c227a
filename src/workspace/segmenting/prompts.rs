//! Points and scribbles that say what belongs to a segment and what does not, and what follows from them in a box around
//! them: by random walks in a slice, by geodesic distance in space. On the device that draws, where that suits; the answer is then
//! drawn from its memory.

use super::cut::keep_values;
use crate::{
    gpu::{GpuContext, GpuError, MaskVolume},
    imaging::segment::{
        Bits, Image,
        forest::{Costs, Ground, geodesic},
        image::crop,
        walker::{System, Walk, from_strokes},
    },
    model::geometry::GridGeometry,
    render::{
        forest::{self, Spread},
        walker,
    },
    task::CancelToken,
};
use glam::{DAffine3, DVec3};

/// How far the box reaches beyond what was drawn, millimetres; half of what was drawn where that is more.
const AROUND_MM: f64 = 20.0;
/// Most voxels of a box.
const MOST: usize = 32 << 20;
/// How much values count against the way in geodesic distance.
const CONTRAST: f64 = 0.9;

/// What was drawn, in voxels of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompts {
    /// What belongs to the segment.
    pub plus: Vec<[usize; 3]>,
    /// What does not.
    pub minus: Vec<[usize; 3]>,
    /// The axis across which the one slice lies that is looked at; `None` for space.
    pub slice: Option<usize>,
    /// Only values from here to there.
    pub range: Option<[f64; 2]>,
}

impl Prompts {
    /// What it was told, as voxels remember it.
    pub(super) fn prompt(&self) -> String {
        let place = if self.slice.is_some() {
            "slice"
        } else {
            "space"
        };
        let (plus, minus) = (self.plus.len(), self.minus.len());
        let mut prompt = format!("{place} {plus} plus {minus} minus");
        if let Some([low, high]) = self.range {
            prompt.push_str(&format!(" range {low} {high}"));
        }
        prompt
    }

    /// Lowest and highest index of the box.
    fn bounds(&self, size: [usize; 3], spacing: [f64; 3]) -> Option<[[usize; 3]; 2]> {
        let mut all = self.plus.iter().chain(&self.minus);
        let first = *all.next()?;
        let (mut low, mut high) = (first, first);
        for at in all {
            for axis in 0..3 {
                low[axis] = low[axis].min(at[axis]);
                high[axis] = high[axis].max(at[axis]);
            }
        }
        for axis in 0..3 {
            if self.slice == Some(axis) {
                continue;
            }
            let drawn = (high[axis] - low[axis]) as f64;
            let around = (AROUND_MM / spacing[axis].max(1e-3))
                .max(drawn / 2.0)
                .ceil() as usize;
            low[axis] = low[axis].saturating_sub(around);
            high[axis] = high[axis].saturating_add(around);
        }
        let high = std::array::from_fn(|axis| high[axis].min(size[axis].saturating_sub(1)));
        (0..3)
            .all(|axis| low[axis] <= high[axis])
            .then_some([low, high])
    }

    /// The box around what was drawn, with its values and strokes. `None` where nothing was said to belong, and where it is too
    /// large.
    fn around(&self, values: &dyn Image, spacing: [f64; 3]) -> Option<Around> {
        let size = values.size();
        let [low, high] = self.bounds(size, spacing)?;
        let part: [usize; 3] = std::array::from_fn(|axis| high[axis] - low[axis] + 1);
        if self.plus.is_empty() || part.iter().product::<usize>() > MOST {
            return None;
        }
        let inside = |at: &[usize; 3]| -> Option<[usize; 3]> {
            let here = (0..3).all(|axis| (low[axis]..=high[axis]).contains(&at[axis]));
            here.then(|| std::array::from_fn(|axis| at[axis] - low[axis]))
        };
        let mut plus = Bits::new(part);
        self.plus
            .iter()
            .filter_map(inside)
            .for_each(|at| plus.set(at, true));
        let mut minus = Bits::from_fn(part, |at| {
            (0..3).any(|axis| {
                let rim = at[axis] == 0 || at[axis] + 1 == part[axis];
                self.slice != Some(axis) && part[axis] > 2 && rim
            })
        });
        self.minus
            .iter()
            .filter_map(inside)
            .for_each(|at| minus.set(at, true));
        // What was drawn last counts nowhere: what belongs does.
        for at in plus.ones() {
            minus.set(at, false);
        }
        let (dense, _) = crop(values, low, high);
        Some(Around {
            low,
            part,
            dense,
            plus,
            minus,
        })
    }

    /// What follows: nearer to what belongs than to what does not and to the rim of the box. `None` where nothing was said to
    /// belong, where the box is too large, and once cancelled. With a device, that is asked where it suits; it comes to the same.
    pub(super) fn voxels(
        &self,
        values: &dyn Image,
        spacing: [f64; 3],
        gpu: Option<&GpuContext>,
        cancel: &CancelToken,
    ) -> Option<Bits> {
        let around = self.around(values, spacing)?;
        let there = gpu.and_then(
            |gpu| match around.answer(gpu, self.slice, spacing, cancel) {
                Some(Ok(found)) => found.labels(gpu).ok(),
                // What the device cannot do the twin does.
                Some(Err(_)) | None => None,
            },
        );
        let Around {
            low,
            part,
            dense,
            plus,
            minus,
        } = around;
        let strokes = [&plus, &minus];
        let found = match (there, self.slice) {
            (Some(labels), _) => Bits::from_label(&labels, part, &1)?,
            (None, _) if cancel.is_cancelled() => return None,
            (None, Some(_)) => {
                from_strokes(&dense, part, spacing, strokes, Walk::default(), cancel)?
            }
            (None, None) => geodesic(&dense, part, spacing, strokes, CONTRAST, cancel)?,
        };
        let mut bits = found.placed(low, values.size());
        if let Some(range) = self.range {
            keep_values(&mut bits, range, values);
        }
        Some(bits)
    }

    /// What follows, as a mask in the memory of the device, with its grid and how many voxels it has. `None` where a device does not
    /// suit or cannot, and where [`Self::voxels`] has nothing.
    pub(super) fn on_device(
        &self,
        values: &dyn Image,
        grid: &GridGeometry,
        gpu: &GpuContext,
        cancel: &CancelToken,
    ) -> Option<(MaskVolume, GridGeometry, u64)> {
        let spacing = grid.spacing_mm();
        let around = self.around(values, spacing)?;
        let found = around.answer(gpu, self.slice, spacing, cancel)?.ok()?;
        let allowed = self.range.map(|[low, high]| {
            let inside = |v: &f32| low <= f64::from(*v) && f64::from(*v) <= high;
            Bits::where_is(&around.dense, around.part, inside)
        });
        let allowed = match allowed {
            Some(bits) => Some(bits?),
            None => None,
        };
        let (mask, voxels) = found.mask(gpu, 1, allowed.as_ref()).ok()?;
        let first = DVec3::from_array(around.low.map(|n| n as f64));
        let grid = GridGeometry {
            size: around.part,
            patient_from_voxel: grid.patient_from_voxel * DAffine3::from_translation(first),
        };
        Some((mask, grid, voxels))
    }
}

/// The box around what was drawn.
struct Around {
    low: [usize; 3],
    part: [usize; 3],
    dense: Vec<f32>,
    plus: Bits,
    minus: Bits,
}

impl Around {
    /// Random walks in a slice, geodesic distance in space, on the device; `None` where that does not suit, and once cancelled.
    fn answer(
        &self,
        gpu: &GpuContext,
        slice: Option<usize>,
        spacing: [f64; 3],
        cancel: &CancelToken,
    ) -> Option<Result<Spread, GpuError>> {
        let mut seeds = vec![0u16; self.dense.len()];
        self.plus.stamp(1, &mut seeds);
        self.minus.stamp(2, &mut seeds);
        if slice.is_some() {
            let walk = Walk::default();
            let suits = walker::suits(gpu, self.dense.len());
            let system = suits
                .then(|| System::new(&self.dense, self.part, spacing, &seeds, walk.beta))
                .flatten()?;
            return walker::walk_there(gpu, &system, walk, cancel).transpose();
        }
        if !forest::suits(gpu, self.dense.len()) {
            return None;
        }
        let ground = Ground::of_differences(&self.dense, self.part, None)?;
        let costs = Costs::geodesic(spacing, CONTRAST);
        forest::spread_there(gpu, &ground, &seeds, &costs, cancel).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::segment::Values;

    /// Two bright balls that touch: a stroke in one and a stroke in the other part them; alone, the first stays in its ball.
    #[test]
    fn strokes_say_what_belongs() {
        let size = [60, 40, 40];
        let ball = |at: [usize; 3], x: f64| {
            let d = [at[0] as f64 - x, at[1] as f64 - 20.0, at[2] as f64 - 20.0];
            d.iter().map(|v| v * v).sum::<f64>() <= 81.0
        };
        let values: Vec<f32> = (0..60 * 40 * 40)
            .map(|i| {
                let at = [i % 60, i / 60 % 40, i / 2400];
                if ball(at, 20.0) || ball(at, 39.0) {
                    100.0
                } else {
                    0.0
                }
            })
            .collect();
        let image = Values::new(&values, size).unwrap();
        for slice in [Some(2), None] {
            let prompts = Prompts {
                plus: (16..24).map(|x| [x, 20, 20]).collect(),
                minus: (36..42).map(|x| [x, 20, 20]).collect(),
                slice,
                range: None,
            };
            let token = CancelToken::default();
            let found = prompts.voxels(&image, [1.0; 3], None, &token).unwrap();
            let wanted = Bits::from_fn(size, |at| {
                ball(at, 20.0) && (slice.is_none() || at[2] == 20)
            });
            let dice = 2.0 * found.shared(&wanted) as f64 / (found.count() + wanted.count()) as f64;
            assert!(dice > 0.97, "{slice:?} {dice}");
            let only = Prompts {
                range: Some([-1.0, 50.0]),
                ..prompts.clone()
            };
            let dark = only.voxels(&image, [1.0; 3], None, &token).unwrap();
            assert_eq!(dark.shared(&wanted), 0);
            let none = Prompts {
                plus: Vec::new(),
                ..prompts
            };
            assert!(none.voxels(&image, [1.0; 3], None, &token).is_none());
        }
    }
}
