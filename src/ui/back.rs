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
