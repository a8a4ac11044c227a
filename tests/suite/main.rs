//! All integration tests in one binary: each further one would link wgpu and burn again.

#![allow(
    clippy::field_reassign_with_default,
    clippy::zombie_processes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs
)]

mod bad_input;
mod covers;
mod decode_worker;
mod dicom_reading;
mod gpu_vs_cpu;
mod hostile;
mod layers;
mod media;
mod pet;
mod phantoms;
mod privacy;
mod record;
#[cfg(feature = "ai")]
mod segmentation;
mod shaders;
mod stacks;
mod store;
mod support;
#[cfg(feature = "screen")]
mod ui_snapshots;
mod volumes;
