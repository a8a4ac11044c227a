//! Why the window does not open.

/// Errors at the edge of the program.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Neither an X11 nor a Wayland display.
    #[error(
        "there is no display; `negatoscope demo --screenshot FILE.png` and `negatoscope screen` work without one"
    )]
    NoDisplay,
    /// No adapter, or none that can draw.
    #[error(
        "no graphics device can draw the window ({0}); `negatoscope render --backend cpu` works without one"
    )]
    NoAdapter(String),
    /// The toolkit gave up.
    #[error("the window could not be opened: {0}")]
    Window(String),
    /// The device refused.
    #[error("{0}")]
    Gpu(#[from] crate::gpu::GpuError),
    /// A thread or a file could not be made.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The demo could not be written.
    #[error("the demo could not be written: {0}")]
    Demo(String),
    /// A script does not make sense; line and reason.
    #[error("line {line}: {reason}")]
    Script {
        /// Line of the script, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Something did not come to rest in time.
    #[error("the window did not come to rest within {0} seconds")]
    Restless(u64),
}
