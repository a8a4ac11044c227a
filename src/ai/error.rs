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
    /// Memory does not suffice, in numbers.
    #[error("memory does not suffice: {0}")]
    Memory(String),
    /// The device reported an error while the network ran; its result is not to be trusted.
    #[error("{0}; the result was thrown away")]
    Fault(crate::gpu::Fault),
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

impl From<crate::gpu::GpuError> for AiError {
    fn from(error: crate::gpu::GpuError) -> Self {
        match error {
            crate::gpu::GpuError::OutOfMemory { bytes } => Self::Memory(format!(
                "the graphics device does not give {} MiB more",
                bytes.div_ceil(1 << 20)
            )),
            other => Self::Device(other.to_string()),
        }
    }
}

impl AiError {
    /// Whether the CPU may do what the graphics device did not.
    pub const fn is_of_device(&self) -> bool {
        matches!(
            self,
            Self::Memory(_) | Self::Fault(_) | Self::Device(_) | Self::Compute(_)
        )
    }

    /// For `map_err` on file operations.
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, source, path }
    }
}
