//! The words of the program in the reader's language.
//!
//! The messages lie in `assets/i18n/*.ftl` (Fluent) and are part of the binary. A [`Language`] is a small `Copy`
//! value that the window keeps beside its other settings; there is no global language, so two windows, or two
//! tests, may speak different ones. Lookups fall back to English and then to the key itself: a missing message
//! shows, it never fails.
//!
//! Must stay true: both catalogues have the same keys and the same placeables (`tests/suite/layers.rs` proves it),
//! and every hanzi in them is in the shipped font.

mod catalogue;
mod kept;
mod language;
mod value;

pub use catalogue::Catalogue;
pub use language::Language;
pub use value::Value;

/// The font with the hanzi of GB 2312 (assets/fonts), for the window and for documents.
pub static HAN_FONT: &[u8] = include_bytes!("../../assets/fonts/negatoscope-han.ttf");
