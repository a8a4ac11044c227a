//! Networks on the device that draws (burn): architecture, inference, training, model registry.
//!
//! Must stay true: only this module names burn. Weights are data (safetensors), never code. On a GPU a mask reaches
//! the screen as the tensor's own buffer; numbers come back to the CPU only through `readback`. All networks of the
//! program run on the one thread of `worker`; training runs where its command runs. Nothing here opens a network
//! connection or downloads a model.

pub mod augment;
pub mod card;
pub mod checkpoint;
pub mod classes;
pub mod classical;
mod cpu;
pub mod data;
pub mod device;
mod error;
pub mod explain;
pub mod guidance;
pub mod import;
pub mod infer;
pub mod learner;
pub mod learning;
pub mod lesions;
pub mod loss;
pub mod network;
pub mod networks;
pub mod preprocess;
pub mod random;
pub mod readback;
pub mod recipe;
pub mod registry;
pub mod scope;
pub mod sliding;
pub mod thorax;
pub mod train;
pub mod unet;
pub mod usual;
pub mod volume_card;
pub mod volume_import;
pub mod weights;
pub mod worker;

pub use device::BurnDevice;
pub use error::AiError;
