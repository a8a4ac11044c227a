//! What networks say of whole frames: calibrated probabilities, or no answer.

use super::{Workspace, jobs::JobId, masks::FrameKey, settings::SideTab};
use crate::model::{finding::Finding, inference::InferenceProvenance};
use std::collections::HashMap;

/// What a network says of a frame.
#[derive(Clone, Debug)]
pub struct ClassShown {
    /// Calibrated probability of the positive class.
    pub probability: f64,
    /// Probabilities between these two are no answer.
    pub abstain: [f64; 2],
    /// It is one of them.
    pub abstained: bool,
    /// What the positive class is called, as the card says.
    pub positive: String,
    /// What the negative class is called.
    pub negative: String,
    /// Share of the positive class in the data that the probability was calibrated on.
    pub prevalence: f64,
    /// Area under the ROC curve on held-out patients with its interval, where the card has it.
    pub auroc: Option<[f64; 3]>,
    /// Model, version, hash, device, time.
    pub provenance: InferenceProvenance,
    /// What was noticed about input or result.
    pub findings: Vec<Finding>,
}

/// How a classification ended.
#[derive(Debug)]
pub struct ClassOutcome {
    /// The job.
    pub job: JobId,
    /// The frame.
    pub frame: FrameKey,
    /// The answer, or why there is none: (message key, identity-free detail).
    pub result: Result<ClassShown, (&'static str, String)>,
}

/// The answers of this session, by frame.
#[derive(Debug, Default)]
pub struct Classes(HashMap<FrameKey, ClassShown>);

impl Classes {
    /// The answer for a frame.
    pub fn get(&self, frame: &FrameKey) -> Option<&ClassShown> {
        self.0.get(frame)
    }

    /// Takes all answers away.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Workspace {
    /// Takes an answer and shows the panel it stands in.
    pub(super) fn take_class(&mut self, outcome: ClassOutcome) {
        self.jobs.finish(outcome.job);
        match outcome.result {
            Ok(shown) => {
                self.classes.0.insert(outcome.frame, shown);
                self.settings.side_tab = SideTab::Ai;
                // It stands nowhere else.
                self.settings.show_side = true;
            }
            Err((key, detail)) => self.notify(key, detail),
        }
    }
}
