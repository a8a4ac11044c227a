//! Window presets by modality, from `assets/window_presets.toml`.

use crate::model::lut::WindowLevel;
use serde::Deserialize;
use std::sync::LazyLock;

/// A named window.
#[derive(Clone, Debug, Deserialize)]
pub struct Preset {
    /// Stable name; `preset-<name>` is its key in the message catalogue.
    pub name: String,
    /// Modality it belongs to.
    pub modality: String,
    /// Width in modality values.
    pub width: f64,
    /// Centre in modality values.
    pub center: f64,
    /// Digit on the keyboard, 0 for none.
    #[serde(default)]
    pub key: u8,
    /// A general teaching value that no viewer we read publishes with numbers.
    #[serde(default)]
    pub teaching: bool,
}

impl Preset {
    /// Centre and width.
    pub const fn level(&self) -> WindowLevel {
        WindowLevel {
            center: self.center,
            width: self.width,
        }
    }
}

#[derive(Deserialize)]
struct PresetFile {
    #[serde(default)]
    preset: Vec<Preset>,
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    toml::from_str::<PresetFile>(include_str!("../../assets/window_presets.toml"))
        .map(|file| file.preset)
        .unwrap_or_default()
});

/// The presets of a modality, in file order.
pub fn presets_for(modality: &str) -> impl Iterator<Item = &'static Preset> + '_ {
    PRESETS.iter().filter(move |p| p.modality == modality)
}

/// The preset with this name.
pub fn preset_named(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|p| p.name == name)
}

/// The preset on a digit key for a modality.
pub fn preset_on_key(modality: &str, key: u8) -> Option<&'static Preset> {
    presets_for(modality).find(|p| p.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_ct_are_the_table() {
        let check = |key, width, center| {
            let level = preset_on_key("CT", key).unwrap().level();
            assert_eq!((level.width, level.center), (width, center), "{key}");
        };
        check(1, 400.0, 40.0);
        check(2, 1500.0, -600.0);
        check(3, 2000.0, 400.0);
        check(4, 80.0, 40.0);
        check(9, 600.0, 200.0);
        assert!(preset_on_key("MR", 1).is_none());
        let keys: std::collections::BTreeSet<_> = presets_for("CT").map(|p| p.key).collect();
        assert_eq!(keys.len(), presets_for("CT").count(), "no digit twice");
    }
}
