//! All integration tests in one binary: each further one would link wgpu and burn again.

#![allow(
    clippy::field_reassign_with_default,
    clippy::zombie_processes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs
)]

#[cfg(feature = "screen")]
mod adjudicated;
mod archives;
mod bad_input;
#[cfg(feature = "screen")]
mod bir;
#[cfg(feature = "screen")]
mod calibrating;
#[cfg(feature = "screen")]
mod cases;
mod cohort;
mod content;
mod course;
mod covers;
mod decode_worker;
mod deid;
#[cfg(feature = "screen")]
mod device_loss;
mod dicom_reading;
mod elements;
mod filters;
mod foreign_marks;
mod gpu_vs_cpu;
#[cfg(feature = "screen")]
mod hands;
mod hanging;
mod hanging_data;
mod harm;
mod hostile;
mod inflating;
#[cfg(feature = "screen")]
mod keeping;
#[cfg(feature = "screen")]
mod key_images;
#[cfg(feature = "screen")]
mod keyboard;
#[cfg(feature = "screen")]
mod label_sets;
#[cfg(feature = "screen")]
mod label_task;
mod label_tools;
mod label_volumes;
#[cfg(feature = "screen")]
mod labelling;
mod large_frames;
mod layers;
#[cfg(feature = "screen")]
mod linked;
mod markers;
mod masks;
mod masks_refused;
mod measuring;
mod media;
#[cfg(feature = "ai")]
mod networks;
mod pages;
mod pet;
mod phantoms;
mod pictures_out;
mod privacy;
mod quality;
mod radiomics;
#[cfg(feature = "screen")]
mod reading_room;
#[cfg(feature = "screen")]
mod readings;
mod record;
mod record_import;
#[cfg(feature = "ai")]
mod segmentation;
mod shaders;
mod stacks;
mod storage_orders;
mod store;
mod support;
mod syntaxes;
mod text;
mod traces;
#[cfg(feature = "screen")]
mod ui_cohort;
#[cfg(feature = "screen")]
mod ui_documents;
#[cfg(feature = "screen")]
mod ui_evaluation;
mod ui_filters;
#[cfg(feature = "screen")]
mod ui_list;
mod ui_marks;
#[cfg(feature = "screen")]
mod ui_planes;
#[cfg(feature = "screen")]
mod ui_privacy;
#[cfg(feature = "screen")]
mod ui_record;
#[cfg(feature = "screen")]
mod ui_search;
mod ui_segments;
mod ui_snapshots;
#[cfg(all(feature = "ai", feature = "screen"))]
mod ui_training;
mod volumes;
