//! What the window is cleared with: the colour of most of what stands in it.
//!
//! Clearing costs a device next to nothing, a fill as much as a picture of the same size; so what has this colour is
//! not filled.

use super::{daylight, theme};
use egui::{Color32, Ui};

/// The colour that a frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    /// Whoever shows the frame clears with [`Self::shown`] first; otherwise it is filled.
    pub cleared: bool,
    /// The colour as panels name it.
    color: Color32,
    /// The colour in the theme that is on.
    pub shown: Color32,
}

impl Default for Back {
    fn default() -> Self {
        Self {
            cleared: true,
            color: theme::APP,
            shown: theme::APP,
        }
    }
}

impl Back {
    /// Begins a frame.
    pub(super) fn begin(&mut self, ui: &Ui, color: Color32) {
        self.color = color;
        self.shown = daylight::shown(ui.ctx(), color);
        if !self.cleared {
            ui.painter().rect_filled(ui.max_rect(), 0.0, color);
        }
    }

    /// What is to be filled for an area of this colour.
    pub(super) fn fill(self, color: Color32) -> Color32 {
        if color == self.color {
            Color32::TRANSPARENT
        } else {
            color
        }
    }

    /// As the device takes it: code values, or linear light where the target stores that.
    pub fn clear(self, linear: bool) -> [f32; 4] {
        if linear {
            egui::Rgba::from(self.shown).to_array()
        } else {
            self.shown.to_normalized_gamma_f32()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_colour_of_the_window_is_not_filled() {
        let back = Back::default();
        assert_eq!(back.fill(theme::APP), Color32::TRANSPARENT);
        assert_eq!(back.fill(theme::PANEL), theme::PANEL);
    }

    /// By day panels still name the colour of the night, and the device gets the other one.
    #[test]
    fn the_device_gets_the_colour_of_the_theme() {
        let ctx = egui::Context::default();
        let mut back = Back::default();
        for on in [false, true] {
            daylight::set(&ctx, on);
            let _ = ctx.run_ui(egui::RawInput::default(), |ui| back.begin(ui, theme::PANEL));
            assert_eq!(back.fill(theme::PANEL), Color32::TRANSPARENT);
            let shown = if on {
                daylight::by_day(theme::PANEL)
            } else {
                theme::PANEL
            };
            let code = shown.to_normalized_gamma_f32();
            assert_eq!(back.clear(false), code);
            // IEC 61966-2-1: linear light lies below the code value between black and white.
            assert!(back.clear(true)[0] < code[0]);
        }
    }
}
