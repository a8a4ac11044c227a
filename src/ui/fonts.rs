//! Fonts: egui's own for Latin, and a subset of Droid Sans Fallback so that hanzi always render.

use egui::{FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

/// Adds the Chinese font behind the Latin ones.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    let chinese = FontData::from_static(crate::i18n::HAN_FONT);
    fonts.font_data.insert("cjk".to_owned(), Arc::new(chinese));
    // Arrows, of keys and buttons, are in the monospaced font only.
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.push("Hack".to_owned());
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts
            .families
            .entry(family)
            .or_default()
            .push("cjk".to_owned());
    }
    ctx.set_fonts(fonts);
}
