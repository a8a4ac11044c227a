//! Which monitors there are, and where the windows stand on them.

use super::Program;
use crate::{
    ui::windows::{go_to, place_of},
    workspace::monitors::{Monitor, Monitors},
};
use std::time::{Duration, Instant};

/// So often monitors are looked for, when a frame is drawn at all.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

impl Program {
    /// Looks which monitors there are; what was kept for them comes back.
    pub(super) fn follow_monitors(&mut self, ctx: &egui::Context, frame: &eframe::Frame) {
        let recent = |at: Instant| at.elapsed() < LOOK_AGAIN;
        let Some(window) = frame
            .winit_window()
            .filter(|_| !self.looked.is_some_and(recent))
        else {
            return;
        };
        self.looked = Some(Instant::now());
        let monitors = window.available_monitors().map(|monitor| {
            let (at, size) = (monitor.position(), monitor.size());
            Monitor {
                at: [at.x, at.y],
                size: [size.width, size.height],
                name: monitor.name().unwrap_or_default(),
            }
        });
        if self.workspace.windows.main.is_none() {
            self.note_main_window(ctx);
        }
        if let Some(place) = self
            .workspace
            .take_monitors(Monitors::new(monitors.collect()))
        {
            for command in go_to(place, ctx.pixels_per_point()) {
                ctx.send_viewport_cmd(command);
            }
        }
    }

    fn note_main_window(&mut self, ctx: &egui::Context) {
        if let Some(place) = place_of(ctx) {
            self.workspace.window_at(None, place);
        }
    }

    /// Keeps where the windows stand.
    pub(super) fn keep_windows(&mut self, ctx: &egui::Context) {
        self.note_main_window(ctx);
        if let Some(wait) = self.workspace.keep_windows() {
            ctx.request_repaint_after(wait);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.workspace.note_windows();
        // The newest preferences too: the thread that writes them ends with the file.
        if let Some(file) = &mut self.settings_file {
            file.keep(&self.workspace.settings);
        }
    }
}
