//! What a plan costs: operations, memory, and how far a result looks.

use super::plan::{Between, Cost, Op, Plan, Sides, larger};
use crate::ai::network::{Ledger, PassMemory};

impl Plan {
    /// The step after which the result of each step is no longer needed.
    pub(super) fn last_uses(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.steps.len()).collect();
        for (index, step) in self.steps.iter().enumerate() {
            for &input in &step.inputs {
                if let Some(last) = last.get_mut(input) {
                    *last = index;
                }
            }
        }
        last
    }

    /// Numbers of a step's result for one picture of this size.
    pub(super) fn numbers(&self, step: usize, size: Sides) -> u64 {
        let Some(step) = self.steps.get(step) else {
            return 0;
        };
        let pixels: u64 = match step.flat {
            true => 1,
            false => size
                .iter()
                .zip(step.reduction)
                .map(|(&side, r)| side.div_ceil(r) as u64)
                .product(),
        };
        pixels * step.channels as u64
    }

    /// What one picture of this size costs. Sides are along slices, rows and columns.
    pub fn cost(&self, size: Sides) -> Cost {
        let mut cost = Cost::default();
        for (index, step) in self.steps.iter().enumerate() {
            let own = self.numbers(index, size);
            cost.output = own;
            let weight = match step.op {
                Op::Convolution { weight, .. } | Op::Linear { weight, .. } => Some((weight, own)),
                // Each number that goes in is multiplied with the whole kernel of its channel.
                Op::Transposed { weight, .. } => {
                    let input = step.inputs.first().copied().unwrap_or(0);
                    Some((weight, self.numbers(input, size)))
                }
                _ => None,
            };
            if let Some((slot, times)) = weight
                && let Some(parameter) = self.parameters.get(slot)
            {
                let inner: usize = parameter.shape.iter().skip(1).product();
                cost.operations += 2 * times * inner as u64;
            }
        }
        cost
    }

    /// What a pass over `batch` inputs of this size takes: results that are still needed, and the work space of each
    /// step beside them.
    pub fn memory(&self, batch: usize, [slices, rows, columns]: Sides) -> PassMemory {
        let (batch, size) = match self.dimensions {
            3 => (batch, [slices, rows, columns]),
            _ => (batch * slices, [1, rows, columns]),
        };
        let last = self.last_uses();
        let numbers: Vec<u64> = (0..self.steps.len())
            .map(|step| self.numbers(step, size).saturating_mul(batch as u64))
            .collect();
        let of = |step: usize| numbers.get(step).copied().unwrap_or(0);
        let mut ledger = Ledger::default();
        for (index, step) in self.steps.iter().enumerate() {
            let read = step.inputs.first().map_or(0, |&input| of(input));
            let own = of(index);
            ledger.hold(own);
            ledger.borrow(match step.op {
                // Their input is brought into another order first, and their result comes in that order.
                Op::Convolution { .. } | Op::Transposed { .. } | Op::Linear { .. } => read + own,
                // The centred values, and their squares.
                Op::GroupNorm { .. } => 2 * own,
                Op::Enlarge { .. } => 2 * own,
                Op::BatchNorm { .. } | Op::MaxPool { .. } | Op::MeanPool { .. } => read,
                _ => 0,
            });
            for (earlier, &until) in last.iter().enumerate().take(index) {
                if until == index {
                    ledger.release(of(earlier));
                }
            }
        }
        ledger.memory(self.parameter_count())
    }

    /// How many pixels in each direction a logit looks, or `None` when it looks at the whole picture
    /// (normalisation over the picture, or a mean over it).
    pub fn reach(&self) -> Option<Sides> {
        let mut reach: Vec<Sides> = Vec::new();
        for step in &self.steps {
            let from = step.inputs.iter().filter_map(|&i| reach.get(i));
            let mut own = from.copied().reduce(larger).unwrap_or([0; 3]);
            let before = step
                .inputs
                .first()
                .map_or([1; 3], |&i| self.reduction_of(i));
            let grow = |own: &mut Sides, far: Sides| {
                for ((o, f), r) in own.iter_mut().zip(far).zip(before) {
                    *o += f * r;
                }
            };
            match &step.op {
                Op::GlobalMean | Op::GroupNorm { .. } | Op::Linear { .. } => return None,
                Op::Convolution {
                    padding, stride, ..
                } => grow(
                    &mut own,
                    larger(*padding, stride.map(|s| s.saturating_sub(1))),
                ),
                Op::Transposed { weight, stride, .. } => {
                    let shape = self.parameters.get(*weight).map(|p| p.shape.clone());
                    let kernel = shape.unwrap_or_default();
                    let from_end = |i: usize| kernel.len().checked_sub(3 - i);
                    let far = std::array::from_fn(|i| {
                        let k = from_end(i)
                            .filter(|&at| at >= 2)
                            .and_then(|at| kernel.get(at));
                        k.map_or(0, |k| {
                            k.saturating_sub(1)
                                .div_ceil(*stride.get(i).unwrap_or(&1).max(&1))
                        })
                    });
                    grow(&mut own, far);
                }
                Op::MaxPool { kernel, .. } | Op::MeanPool { kernel, .. } => {
                    grow(&mut own, kernel.map(|k| k.saturating_sub(1)));
                }
                Op::Enlarge { between, .. } => {
                    // Pixels of a cell look from its edges, and between cells also at the next one.
                    let cells = if *between == Between::Nearest { 1 } else { 2 };
                    grow(&mut own, [cells; 3]);
                }
                Op::Input
                | Op::BatchNorm { .. }
                | Op::Activate(_)
                | Op::Add
                | Op::Concat
                | Op::Keep => {}
            }
            reach.push(own);
        }
        reach.pop()
    }
}
