//! The state of a training run between epochs: one file, so that it is never half of one epoch and half of
//! another.

use super::{AiError, learner::Learned, weights::Weights};
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
    /// How well the validation part is done, the more the better: mean Dice of masks, Dice of lesions, AUROC of classes.
    pub validation_score: f32,
    /// Wall seconds of the epoch; the only column that differs from run to run.
    pub seconds: f32,
}

/// The state of a run.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Weights and the optimiser's memory.
    pub learned: Learned,
    /// Finished epochs.
    pub curve: Vec<EpochRecord>,
}

const COLUMNS: usize = 6;

impl Checkpoint {
    /// The epoch with the highest validation score; the earliest of equals.
    pub fn best(&self) -> Option<&EpochRecord> {
        self.curve.iter().reduce(|best, this| {
            if this.validation_score > best.validation_score {
                this
            } else {
                best
            }
        })
    }

    /// Writes the checkpoint; the old one stays until the new one is whole.
    pub fn save(&self, path: &Path) -> Result<(), AiError> {
        let mut all = Weights::default();
        let learned = &self.learned;
        all.extend_under("network/", learned.weights.clone());
        all.extend_under("first/", learned.first_moments.clone());
        all.extend_under("second/", learned.second_moments.clone());
        all.extend_under("average/", learned.average.clone());
        let rows: Vec<f32> = self
            .curve
            .iter()
            .flat_map(|r| {
                [
                    r.epoch as f32,
                    r.learning_rate,
                    r.train_loss,
                    r.validation_loss,
                    r.validation_score,
                    r.seconds,
                ]
            })
            .collect();
        all.insert("curve".into(), vec![self.curve.len(), COLUMNS], rows);
        // Two halves below 2¹⁶ each are exact in f32.
        let steps = vec![
            (learned.steps >> 16) as f32,
            (learned.steps & 0xFFFF) as f32,
        ];
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
                    validation_score,
                    seconds,
                ]| EpochRecord {
                    epoch: epoch as u32,
                    learning_rate,
                    train_loss,
                    validation_loss,
                    validation_score,
                    seconds,
                },
            )
            .collect();
        let steps = match all.get("steps").map(|array| array.values.as_slice()) {
            Some(&[high, low]) => ((high as usize) << 16) | low as usize,
            _ => return Err(broken()),
        };
        Ok(Self {
            learned: Learned {
                weights: all.split_off("network/"),
                first_moments: all.split_off("first/"),
                second_moments: all.split_off("second/"),
                average: all.split_off("average/"),
                steps,
            },
            curve,
        })
    }

    /// The learning curve as CSV; `score` names the score.
    pub fn csv(&self, score: &str) -> String {
        let mut text = format!(
            "epoch,learning_rate,train_loss,validation_loss,validation_{},seconds\n",
            score.to_ascii_lowercase()
        );
        for r in &self.curve {
            text.push_str(&format!(
                "{},{:.6e},{:.6},{:.6},{:.6},{:.1}\n",
                r.epoch,
                r.learning_rate,
                r.train_loss,
                r.validation_loss,
                r.validation_score,
                r.seconds
            ));
        }
        text
    }
}
