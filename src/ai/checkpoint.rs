//! The state of a training run between epochs: one file, so that it is never half of one epoch and half of
//! another.

use super::{AiError, weights::Weights};
use std::path::Path;

/// One line of the learning curve.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: u32,
    /// Step size of the last step.
    pub learning_rate: f32,
    /// Mean loss of the training steps.
    pub train_loss: f32,
    /// Mean loss of the validation pictures.
    pub validation_loss: f32,
    /// Mean Dice of the validation pictures at their own size.
    pub validation_dice: f32,
    /// Wall seconds of the epoch; the only column that differs from run to run.
    pub seconds: f32,
}

/// What a run needs to go on.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Weights with their normalisation.
    pub weights: Weights,
    /// First moments of Adam.
    pub first_moments: Weights,
    /// Second moments of Adam.
    pub second_moments: Weights,
    /// Steps taken.
    pub steps: usize,
    /// Finished epochs.
    pub curve: Vec<EpochRecord>,
}

const COLUMNS: usize = 6;

impl Checkpoint {
    /// The epoch with the highest validation Dice; the earliest of equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.curve.iter().reduce(|best, this| {
            if this.validation_dice > best.validation_dice {
                this
            } else {
                best
            }
        })
    }

    /// Writes the checkpoint; the old one stays until the new one is whole.
    pub fn save(&self, path: &Path) -> Result<(), AiError> {
        let mut all = Weights::default();
        all.extend_under("network/", self.weights.clone());
        all.extend_under("first/", self.first_moments.clone());
        all.extend_under("second/", self.second_moments.clone());
        let rows: Vec<f32> = self
            .curve
            .iter()
            .flat_map(|r| {
                [
                    r.epoch as f32,
                    r.learning_rate,
                    r.train_loss,
                    r.validation_loss,
                    r.validation_dice,
                    r.seconds,
                ]
            })
            .collect();
        all.insert("curve".into(), vec![self.curve.len(), COLUMNS], rows);
        // Two halves below 2¹⁶ each are exact in f32.
        let steps = vec![(self.steps >> 16) as f32, (self.steps & 0xFFFF) as f32];
        all.insert("steps".into(), vec![2], steps);
        all.save(path)
    }

    /// Reads a checkpoint.
    pub fn load(path: &Path) -> Result<Self, AiError> {
        let mut all = Weights::load(path)?;
        let broken = || AiError::Weights("this is not a training checkpoint".into());
        let curve = all.get("curve").ok_or_else(broken)?;
        let curve = curve
            .values
            .as_chunks::<COLUMNS>()
            .0
            .iter()
            .map(
                |&[
                    epoch,
                    learning_rate,
                    train_loss,
                    validation_loss,
                    validation_dice,
                    seconds,
                ]| EpochRecord {
                    epoch: epoch as u32,
                    learning_rate,
                    train_loss,
                    validation_loss,
                    validation_dice,
                    seconds,
                },
            )
            .collect();
        let steps = match all.get("steps").map(|array| array.values.as_slice()) {
            Some(&[high, low]) => ((high as usize) << 16) | low as usize,
            _ => return Err(broken()),
        };
        Ok(Self {
            weights: all.split_off("network/"),
            first_moments: all.split_off("first/"),
            second_moments: all.split_off("second/"),
            steps,
            curve,
        })
    }

    /// The learning curve as CSV.
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "epoch,learning_rate,train_loss,validation_loss,validation_dice,seconds\n",
        );
        for r in &self.curve {
            text.push_str(&format!(
                "{},{:.6e},{:.6},{:.6},{:.6},{:.1}\n",
                r.epoch,
                r.learning_rate,
                r.train_loss,
                r.validation_loss,
                r.validation_dice,
                r.seconds
            ));
        }
        text
    }
}
