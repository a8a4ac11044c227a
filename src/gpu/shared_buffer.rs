//! A GPU buffer that somebody else owns, bound by our shaders without a copy.

use std::{any::Any, fmt};

/// A run of bytes in a `wgpu::Buffer` with the guard that keeps the memory from being reused.
///
/// Shapes are in elements, row-major, innermost last; the content is contiguous.
#[derive(Clone)]
pub struct SharedBuffer {
    /// The buffer, on the device that draws.
    pub buffer: wgpu::Buffer,
    /// Byte offset of the first element; a multiple of the device's storage offset alignment.
    pub offset: u64,
    /// Bytes used.
    pub size: u64,
    /// Rows and columns of the f32 probability.
    pub shape: [usize; 2],
    guard: std::sync::Arc<dyn Any + Send + Sync>,
}

impl SharedBuffer {
    /// Wraps a buffer; `guard` is dropped with the last clone.
    pub fn new(
        buffer: wgpu::Buffer,
        offset: u64,
        size: u64,
        shape: [usize; 2],
        guard: Box<dyn Any + Send + Sync>,
    ) -> Self {
        Self {
            buffer,
            offset,
            size,
            shape,
            guard: guard.into(),
        }
    }

    /// Whether other handles keep the memory too.
    pub fn is_shared(&self) -> bool {
        std::sync::Arc::strong_count(&self.guard) > 1
    }
}

impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBuffer({:?}, {} bytes)", self.shape, self.size)
    }
}
