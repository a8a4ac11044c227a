//! What can go wrong between the program and the GPU.

/// Errors of the GPU layer. None carries anything of the patient.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// No usable adapter.
    #[error("no graphics adapter was found ({0}); `--backend cpu` draws without one")]
    NoAdapter(String),
    /// The adapter gave no device.
    #[error("the graphics adapter gave no device: {0}")]
    NoDevice(String),
    /// A frame is larger than the device's textures.
    #[error(
        "a frame of {columns}×{rows} pixels is larger than this device's textures ({limit}×{limit})"
    )]
    FrameTooLarge {
        /// Columns of the frame.
        columns: usize,
        /// Rows of the frame.
        rows: usize,
        /// Largest side that the device takes.
        limit: u32,
    },
    /// More slices than a texture has layers.
    #[error("{layers} slices are more than a texture of this device holds ({limit})")]
    TooManyLayers {
        /// Slices asked for.
        layers: usize,
        /// Layers that the device takes.
        limit: u32,
    },
    /// A mask is larger than what the device binds at once.
    #[error("a mask of {bytes} bytes is larger than this device binds at once ({limit} bytes)")]
    MaskTooLarge {
        /// Bytes of the mask.
        bytes: u64,
        /// Bytes that one binding holds.
        limit: u64,
    },
    /// The device has no memory left for it.
    #[error("the graphics memory does not hold {bytes} more bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// A frame, buffer or layer does not fit what it is meant for.
    #[error("{0}")]
    Mismatch(&'static str),
    /// A shader, a pipeline or a command was refused: a defect of this program.
    #[error("the graphics device refused a command: {0}")]
    Refused(String),
    /// A picture did not come back.
    #[error("reading back from the graphics device failed: {0}")]
    ReadBack(String),
}
