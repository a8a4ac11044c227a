//! Averages the answers of windows that overlap, and packs what they say into a mask, on the way.
//!
//! Each cell of the plan has sums while some of its windows are still to come; with the last one they are let go. So
//! memory follows the border of what is computed, not the whole of it. Sums are whole numbers: whatever the order of the
//! windows, the result is the same to the bit. `gpu/blend.rs` does the same on the device.

use super::plan::{Part, Plan, weights};
use crate::{
    ai::{AiError, BurnDevice, readback},
    gpu::{
        GpuError, MaskBits, MaskVolume,
        blend::{Answers, BlendPass, Decision, Sums, WindowPart},
    },
};
use burn::tensor::Tensor;
use burn_wgpu::{AutoCompiler, Wgpu};
use cubecl::wgpu::WgpuServer;
use std::collections::HashMap;

/// Logits are cut at this; beyond it a probability is 0 or 1 within 10⁻¹³.
const LIMIT: f32 = 32.0;

/// Steps of a logit that are told apart between whole numbers.
const STEPS: f32 = 2048.0;

/// Has a pass of ours read logits where they lie. Whatever it submits comes behind what computes them.
pub(super) fn bound<T>(
    logits: Tensor<5>,
    pass: impl FnOnce(&Answers<'_>) -> Result<T, GpuError>,
) -> Result<T, AiError> {
    let compute = |error: &dyn std::fmt::Debug| AiError::Compute(format!("{error:?}"));
    let device = logits.device();
    let primitive = logits
        .try_into_primitive::<Wgpu>()
        .map_err(|error| compute(&error))?;
    let strides: Vec<usize> = primitive.meta.strides().iter().copied().collect();
    let &[_, by_class, by_slice, by_row, by_column] = strides.as_slice() else {
        return Err(AiError::Compute("the answer has another rank".into()));
    };
    let resource = primitive
        .client
        .get_resource::<WgpuServer<AutoCompiler>>(primitive.handle.clone())
        .map_err(|error| compute(&error))?;
    // Submitted before our passes: there is one queue.
    device.flush().map_err(|error| compute(&error))?;
    let bound = resource.resource();
    Ok(pass(&Answers {
        buffer: &bound.buffer,
        offset: bound.offset,
        size: bound.size,
        strides: [by_class, by_slice, by_row, by_column],
    })?)
}

/// Where a mask is while it is made.
#[derive(Debug)]
pub(super) enum Canvas {
    /// On the device that draws.
    Gpu(MaskVolume),
    /// In memory: one byte a voxel, columns fastest.
    Cpu(Vec<u8>),
}

/// The sums of a cell.
struct Cell {
    left: usize,
    sums: CellSums,
}

enum CellSums {
    Gpu(Sums),
    /// For each class the sums of all positions, then the weights.
    Cpu(Vec<i32>),
}

/// Averages and packs.
pub(super) struct Blender<'a> {
    plan: &'a Plan,
    values: Vec<u8>,
    decision: Decision,
    weights: Vec<u32>,
    pass: Option<BlendPass>,
    cells: HashMap<[usize; 3], Cell>,
    canvas: Canvas,
    device: BurnDevice,
    open_bytes: u64,
    most_open_bytes: u64,
}

impl<'a> Blender<'a> {
    /// For a plan, and classes of which each has its byte.
    pub(super) fn new(
        plan: &'a Plan,
        values: &[u8],
        decision: Decision,
        device: &BurnDevice,
    ) -> Result<Self, AiError> {
        let weights = weights(plan.window());
        let [slices, rows, columns] = plan.size();
        let (pass, canvas) = match device.context() {
            Some(gpu) => {
                let pass = BlendPass::new(gpu, plan.window(), &weights, values, decision)?;
                let mask = MaskVolume::new(gpu, [columns, rows, slices], MaskBits::Eight)?;
                (Some(pass), Canvas::Gpu(mask))
            }
            None => (None, Canvas::Cpu(vec![0; slices * rows * columns])),
        };
        Ok(Self {
            plan,
            values: values.to_vec(),
            decision,
            weights,
            pass,
            cells: HashMap::new(),
            canvas,
            device: device.clone(),
            open_bytes: 0,
            most_open_bytes: 0,
        })
    }

    /// The mask so far.
    pub(super) const fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// The mask.
    pub(super) fn into_canvas(self) -> Canvas {
        self.canvas
    }

    /// The most that the sums took.
    pub(super) const fn most_open_bytes(&self) -> u64 {
        self.most_open_bytes
    }

    /// Adds the logits `[1, classes, slices, rows, columns]` of the window that starts at a padded position.
    pub(super) fn add(&mut self, start: [usize; 3], logits: Tensor<5>) -> Result<(), AiError> {
        let window = self.plan.window();
        if logits.dims() != [1, self.values.len(), window[0], window[1], window[2]] {
            return Err(AiError::Compute(format!(
                "the answer has the shape {:?}",
                logits.dims()
            )));
        }
        let cells = self.plan.cells(start);
        for (index, part) in &cells {
            if !self.cells.contains_key(index) {
                let cell = self.open(part)?;
                self.cells.insert(*index, cell);
            }
        }
        if self.pass.is_some() {
            self.add_on_device(start, &cells, logits)?;
        } else {
            self.add_in_memory(start, &cells, logits)?;
        }
        for (index, _) in &cells {
            let finished = self.cells.get_mut(index).is_some_and(|cell| {
                cell.left = cell.left.saturating_sub(1);
                cell.left == 0
            });
            if finished && let Some(cell) = self.cells.remove(index) {
                self.open_bytes = self.open_bytes.saturating_sub(cell.sums.bytes());
                if let (CellSums::Gpu(sums), Some(pass)) = (cell.sums, &mut self.pass) {
                    pass.give_back(sums);
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, part: &Part) -> Result<Cell, AiError> {
        let positions = part.count();
        let sums = match &mut self.pass {
            Some(pass) => CellSums::Gpu(pass.sums(positions)?),
            None => CellSums::Cpu(vec![0; positions * (self.values.len() + 1)]),
        };
        self.open_bytes += sums.bytes();
        self.most_open_bytes = self.most_open_bytes.max(self.open_bytes);
        Ok(Cell {
            left: self.plan.covering(part),
            sums,
        })
    }

    fn add_on_device(
        &self,
        start: [usize; 3],
        cells: &[([usize; 3], Part)],
        logits: Tensor<5>,
    ) -> Result<(), AiError> {
        let mut parts = Vec::with_capacity(cells.len());
        for (index, cell) in cells {
            let (Some(inside), Some(open)) = (self.plan.inside(cell), self.cells.get(index)) else {
                continue;
            };
            if let CellSums::Gpu(sums) = &open.sums {
                let from = |origin: [usize; 3]| {
                    std::array::from_fn(|axis| inside.start[axis] - origin[axis])
                };
                let part = WindowPart {
                    size: inside.size,
                    in_window: from(start),
                    in_cell: from(cell.start),
                    cell: cell.size,
                    in_mask: from(self.plan.lead()),
                };
                parts.push((part, sums));
            }
        }
        if let (Some(pass), Canvas::Gpu(mask)) = (&self.pass, &self.canvas) {
            bound(logits, |answers| pass.add(answers, &parts, mask))?;
        }
        Ok(())
    }

    fn add_in_memory(
        &mut self,
        start: [usize; 3],
        cells: &[([usize; 3], Part)],
        logits: Tensor<5>,
    ) -> Result<(), AiError> {
        let numbers = readback::numbers(logits, &self.device)?;
        let window = self.plan.window();
        let in_window: usize = window.iter().product();
        let [_, rows, columns] = self.plan.size();
        let lead = self.plan.lead();
        let Canvas::Cpu(mask) = &mut self.canvas else {
            return Ok(());
        };
        let classes = self.values.len();
        for (index, part) in cells {
            let (Some(inside), Some(open)) = (self.plan.inside(part), self.cells.get_mut(index))
            else {
                continue;
            };
            let CellSums::Cpu(sums) = &mut open.sums else {
                continue;
            };
            let positions = part.count();
            for z in inside.start[0]..inside.start[0] + inside.size[0] {
                for y in inside.start[1]..inside.start[1] + inside.size[1] {
                    for x in inside.start[2]..inside.start[2] + inside.size[2] {
                        let at =
                            ((z - start[0]) * window[1] + y - start[1]) * window[2] + x - start[2];
                        let place = ((z - part.start[0]) * part.size[1] + y - part.start[1])
                            * part.size[2]
                            + x
                            - part.start[2];
                        let weight = self.weights.get(at).copied().unwrap_or(1).cast_signed();
                        for class in 0..classes {
                            let logit = numbers.get(class * in_window + at).copied();
                            let sum = sums.get_mut(class * positions + place);
                            if let (Some(logit), Some(sum)) = (logit, sum) {
                                if !logit.is_finite() {
                                    return Err(AiError::Compute(
                                        "the answer holds numbers that are not finite".into(),
                                    ));
                                }
                                *sum += weight * stepped(logit);
                            }
                        }
                        if let Some(whole) = sums.get_mut(classes * positions + place) {
                            *whole += weight;
                        }
                        let of_class = |class: usize| sums.get(class * positions + place).copied();
                        let byte = decide(self.decision, &self.values, of_class);
                        let voxel = ((z - lead[0]) * rows + y - lead[1]) * columns + x - lead[2];
                        if let Some(voxel) = mask.get_mut(voxel) {
                            *voxel = byte;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl CellSums {
    const fn bytes(&self) -> u64 {
        match self {
            Self::Gpu(sums) => sums.bytes(),
            Self::Cpu(sums) => 4 * sums.len() as u64,
        }
    }
}

/// A logit in whole steps.
fn stepped(logit: f32) -> i32 {
    (logit.clamp(-LIMIT, LIMIT) * STEPS + 0.5).floor() as i32
}

/// The byte that sums say; `sum(classes)` is that of the weights.
fn decide(decision: Decision, values: &[u8], sum: impl Fn(usize) -> Option<i32>) -> u8 {
    let sums = values.iter().enumerate();
    let sums = sums.filter_map(|(class, value)| Some((sum(class)?, *value)));
    match decision {
        Decision::Largest => {
            let better =
                |best: (i32, u8), next: (i32, u8)| if next.0 > best.0 { next } else { best };
            sums.reduce(better).map_or(0, |best| best.1)
        }
        Decision::Last => sums
            .filter(|(sum, _)| *sum >= 0)
            .last()
            .map_or(0, |last| last.1),
        Decision::Probability => {
            let (first, whole) = (sum(0).unwrap_or(0), sum(values.len()).unwrap_or(0));
            if whole == 0 {
                return 0;
            }
            let mean = first as f32 / (whole as f32 * STEPS);
            (255.0 / (1.0 + (-mean).exp()) + 0.5).floor() as u8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_decide() {
        let say = |decision, sums: &[i32]| {
            let values: Vec<u8> = (0..sums.len() - 1).map(|k| 10 * k as u8).collect();
            decide(decision, &values, |k| sums.get(k).copied())
        };
        assert_eq!(say(Decision::Largest, &[5, 9, 9, 1]), 10);
        assert_eq!(say(Decision::Largest, &[-5, -9, -6, 1]), 0);
        assert_eq!(say(Decision::Last, &[-5, 0, 3, -1, 1]), 20);
        assert_eq!(say(Decision::Last, &[-5, -1, 1]), 0);
        assert_eq!(say(Decision::Probability, &[0, 511]), 128);
        assert_eq!(say(Decision::Probability, &[-1, 511]), 127);
        assert_eq!(say(Decision::Probability, &[511 * 2048 * 32, 511]), 255);
    }

    #[test]
    fn steps_are_fine_and_bounded() {
        for logit in [0.0, 0.3, -0.3, 7.77, -31.9] {
            assert!((stepped(logit) as f32 / STEPS - logit).abs() <= 0.5 / STEPS);
        }
        assert_eq!(stepped(1e9), 65536);
        assert_eq!(stepped(-1e9), -65536);
        // 27 windows at most, each with the largest weight.
        assert!(27 * 511 * 65536i64 < i64::from(i32::MAX));
    }
}
