//! The protocols that come with the program, from `assets/hanging_protocols`.

use super::protocol::Protocol;
use std::sync::LazyLock;

macro_rules! files {
    ($($id:literal)*) => {
        /// Short name and text of each file.
        pub const FILES: &[(&str, &str)] = &[$((
            $id,
            include_str!(concat!("../../../assets/hanging_protocols/", $id, ".toml")),
        )),*];
    };
}

files! {
    "annotator" "cr-dx" "ct" "ct-chest" "ct-head" "mg" "mr" "other" "pt-ct" "us-xa-rf"
}

static BUILT_IN: LazyLock<Vec<Protocol>> = LazyLock::new(|| {
    // A test sees to it that all of them are read.
    FILES
        .iter()
        .filter_map(|(id, text)| Protocol::parse(id, text).ok())
        .collect()
});

/// All protocols that come with the program.
pub fn built_in() -> &'static [Protocol] {
    &BUILT_IN
}
