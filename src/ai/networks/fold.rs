//! Batch normalisation as part of the convolution before it.

use super::plan::{Kind, Op, Plan, Slot};
use crate::ai::{AiError, weights::Weights};

impl Plan {
    /// The same network where batch normalisation behind a convolution is part of the convolution:
    /// `γ (w·x + b - μ) / √(σ² + ε) + β` is a convolution with scaled weights and another bias.
    pub fn folded(&self, weights: &Weights) -> Result<(Self, Weights), AiError> {
        weights.check_layout(&self.tensors())?;
        let mut plan = self.clone();
        let mut weights = weights.clone();
        let mut readers = vec![0usize; self.steps.len()];
        for input in self.steps.iter().flat_map(|step| &step.inputs) {
            if let Some(count) = readers.get_mut(*input) {
                *count += 1;
            }
        }
        for index in 0..plan.steps.len() {
            let Some((place, norm)) = plan.foldable(index, &readers) else {
                continue;
            };
            plan.fold(index, place, norm, &mut weights)?;
        }
        plan.drop_unused(&mut weights);
        Ok((plan, weights))
    }

    /// The convolution before a batch normalisation that nobody else reads, and the normalisation's slots.
    fn foldable(&self, index: usize, readers: &[usize]) -> Option<(usize, ([Slot; 4], f64))> {
        let step = self.steps.get(index)?;
        let &[input] = step.inputs.as_slice() else {
            return None;
        };
        let alone = readers.get(input) == Some(&1);
        match (&step.op, self.steps.get(input).map(|s| &s.op)) {
            (
                Op::BatchNorm {
                    gain,
                    bias,
                    mean,
                    variance,
                    epsilon,
                },
                Some(Op::Convolution { .. }),
            ) if alone => Some((input, ([*gain, *bias, *mean, *variance], *epsilon))),
            _ => None,
        }
    }

    fn fold(
        &mut self,
        index: usize,
        place: usize,
        (slots, epsilon): ([Slot; 4], f64),
        weights: &mut Weights,
    ) -> Result<(), AiError> {
        let lost = || AiError::Weights("a normalisation lacks its numbers".into());
        let row = |slot: Slot| -> Result<Vec<f32>, AiError> {
            let name = self.parameters.get(slot).map(|p| p.name.as_str());
            let array = name.and_then(|name| weights.get(name));
            array.map(|a| a.values.clone()).ok_or_else(lost)
        };
        let [gain, shift, mean, variance] = [
            row(slots[0])?,
            row(slots[1])?,
            row(slots[2])?,
            row(slots[3])?,
        ];
        let Some(Op::Convolution { weight, bias, .. }) =
            self.steps.get(place).map(|s| s.op.clone())
        else {
            return Err(lost());
        };
        let before = bias.map(row).transpose()?;
        let scale: Vec<f64> = gain
            .iter()
            .zip(&variance)
            .map(|(&g, &v)| f64::from(g) / (f64::from(v) + epsilon).sqrt())
            .collect();
        let kernel = self.parameters.get(weight).ok_or_else(lost)?;
        let (name, shape) = (kernel.name.clone(), kernel.shape.clone());
        let values = &weights.get(&name).ok_or_else(lost)?.values;
        let each = values.len() / scale.len().max(1);
        let scaled = values
            .chunks_exact(each.max(1))
            .zip(&scale)
            .flat_map(|(kernel, s)| kernel.iter().map(move |&w| (f64::from(w) * s) as f32))
            .collect();
        let term = (0..scale.len()).map(|i| {
            let at = |row: &[f32]| row.get(i).map_or(0.0, |&v| f64::from(v));
            let own = before.as_deref().map_or(0.0, at);
            let scale = scale.get(i).copied().unwrap_or(0.0);
            (at(&shift) + (own - at(&mean)) * scale) as f32
        });
        let term: Vec<f32> = term.collect();
        weights.insert(name.clone(), shape, scaled);
        let slot = match bias {
            Some(slot) => slot,
            None => {
                let stem = name.strip_suffix(".weight").unwrap_or(&name);
                self.parameter(format!("{stem}.bias"), vec![term.len()], Kind::Bias)
            }
        };
        let bias_name = self.parameters.get(slot).map(|p| p.name.clone());
        weights.insert(bias_name.ok_or_else(lost)?, vec![term.len()], term);
        if let Some(Op::Convolution { bias, .. }) = self.steps.get_mut(place).map(|s| &mut s.op) {
            *bias = Some(slot);
        }
        if let Some(step) = self.steps.get_mut(index) {
            step.op = Op::Keep;
        }
        Ok(())
    }

    /// Lets go of tensors that no step reads.
    fn drop_unused(&mut self, weights: &mut Weights) {
        let mut number = vec![None; self.parameters.len()];
        let mut kept = Vec::new();
        let parameters = std::mem::take(&mut self.parameters);
        for step in &mut self.steps {
            for slot in step.op.slots() {
                let Some(place) = number.get_mut(*slot) else {
                    continue;
                };
                let new = *place.get_or_insert_with(|| {
                    kept.extend(parameters.get(*slot).cloned());
                    kept.len() - 1
                });
                *slot = new;
            }
        }
        self.parameters = kept;
        let mut left = Weights::default();
        for parameter in &self.parameters {
            if let Some(array) = weights.get(&parameter.name) {
                let (shape, values) = (array.shape.clone(), array.values.clone());
                left.insert(parameter.name.clone(), shape, values);
            }
        }
        *weights = left;
    }
}
