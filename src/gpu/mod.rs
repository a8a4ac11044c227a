//! The device, the counted door for copies, shaders, textures, shared buffers.
//!
//! Must stay true: every copy between CPU and GPU memory goes through [`door::CopyDoor`] or is reported to it;
//! nothing here panics on a GPU error; nothing here knows what a picture means.

pub mod answer_mask;
pub mod blend;
pub mod brick_mask;
pub mod bricks;
pub mod context;
pub mod door;
pub mod error;
pub mod mask;
pub mod mask_box;
pub mod shader;
pub mod shared_buffer;
pub mod texture;

pub use brick_mask::BrickMask;
pub use bricks::Bricks;
pub use context::{Fault, FaultWatch, GpuContext};
pub use door::{Cargo, CopyCounts, CopyDoor, Made, loss::LossProbe};
pub use error::GpuError;
pub use mask::{MaskBits, MaskVolume};
pub use mask_box::{BoxWriter, MaskBox};
pub use shared_buffer::SharedBuffer;
pub use texture::{Bound, FrameTexture, LayerState};
