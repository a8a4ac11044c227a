//! What an AI result always carries (safety: model, version, hash, device, time, confidence).

/// A network the program knows.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelIdentity {
    /// Registry id, for example `lung-fields`.
    pub id: String,
    /// Version of the weights.
    pub version: String,
    /// SHA-256 of the weights file, lower-case hexadecimal.
    pub sha256: String,
    /// Day the training ended, ISO.
    pub trained: String,
}

/// Where a result comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceProvenance {
    /// The network.
    pub model: ModelIdentity,
    /// Device name, for example `llvmpipe (wgpu)` or `CPU (flex)`.
    pub device: String,
    /// Seconds of preprocessing and network, wall time.
    pub seconds: f64,
    /// When the result was made, ISO 8601 in UTC.
    pub finished: String,
    /// SOP Instance UID of the input frame.
    pub input_uid: String,
    /// Mean probability inside the mask at threshold 0.5, 0 to 1; `None` for an empty mask. Not calibrated.
    pub mean_probability: Option<f32>,
}

/// The words that go with every AI result.
pub const AI_NOTICE: &str = "AI, not for diagnostic use";

/// The words that every screen, picture and report carries.
pub const RESEARCH_NOTICE: &str = "Research and education. Not for diagnostic use.";
