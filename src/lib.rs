//! Negatoscope (观片灯): a native radiology workstation.
//!
//! The layers, lowest first; a module uses only modules with a lower number (`tests/suite/layers.rs` proves it):
//! 0 `model` `task` `i18n` `diary` `files` · 1 `formats` `gpu` `imaging` · 2 `dicom` `clinical` `phantom` · 3 `store` `render` `ai` · 4 `tools` ·
//! 5 `workspace` · 6 `ui` `console` · 7 `app` `cli` · 8 `bench`. ARCHITECTURE.md has the map.

#[cfg(feature = "ai")]
pub mod ai;
pub mod app;
pub mod bench;
pub mod cli;
pub mod clinical;
pub mod console;
pub mod diary;
pub mod dicom;
pub mod files;
pub mod formats;
pub mod gpu;
pub mod i18n;
pub mod imaging;
pub mod model;
pub mod phantom;
pub mod render;
pub mod store;
pub mod task;
pub mod tools;
pub mod ui;
pub mod workspace;
