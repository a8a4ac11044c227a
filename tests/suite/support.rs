//! What several tests need.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

/// A folder of the shared real data. Tests that call this carry
/// `#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]`, so they show as ignored without it.
pub fn data(group: &str) -> PathBuf {
    let root = std::env::var_os("NEGATOSCOPE_DATA")
        .expect("NEGATOSCOPE_DATA was set when this test was built");
    PathBuf::from(root).join(group)
}
