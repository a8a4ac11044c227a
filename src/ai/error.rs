//! What can go wrong with networks.

use crate::model::finding::Finding;
use std::{io, path::PathBuf};

/// An error of this module. Paths come last; nothing names a patient.
#[derive(Debug, thiserror::Error)]
pub enum AiError {
    /// The description of a network makes no sense.
    #[error("network description: {0}")]
    Network(String),
    /// A weights file is damaged, or is not a weights file.
    #[error("weights file: {0}")]
    Weights(String),
    /// The file is not the one its card describes.
    #[error("SHA-256 is {found}, the model card says {expected}")]
    Hash {
        /// Of the file.
        found: String,
        /// On the card.
        expected: String,
    },
    /// A model card is not valid.
    #[error("model card: {0}")]
    Card(String),
    /// No model of this name.
    #[error("no model is called `{0}`")]
    UnknownModel(String),
    /// The compute device cannot be used.
    #[error("device: {0}")]
    Device(String),
    /// The picture is outside of what the model was made for.
    #[error("{}", .0.sentence)]
    Input(Finding),
    /// Stopped on request; there is no result.
    #[error("cancelled")]
    Cancelled,
    /// The network did not compute.
    #[error("the network did not compute: {0}")]
    Compute(String),
    /// A training task is not valid.
    #[error("training task: {0}")]
    Task(String),
    /// Training data do not fit the task.
    #[error("training data: {0}")]
    Data(String),
    /// The disk did not do it.
    #[error("{what}: {source}: {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
        /// Where.
        path: PathBuf,
    },
}

impl AiError {
    /// For `map_err` on file operations.
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, source, path }
    }
}
