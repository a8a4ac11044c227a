//! The same window without a display: real program, real device, real frames, driven by calls instead of a mouse.

use super::{AppError, Options, Program, frames::until_quiet, window};
use crate::formats::png::write_picture;
use egui::{Pos2, vec2};
use egui_kittest::Harness;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

/// A window in memory.
pub struct Stage {
    harness: Harness<'static, Program>,
}

/// Longest wait for everything to arrive.
const PATIENCE: Duration = Duration::from_secs(300);

impl Stage {
    /// Opens the window in memory.
    ///
    /// # Errors
    /// [`AppError::NoAdapter`] when no graphics device is there, [`AppError::Window`] when the program does not start.
    #[expect(
        clippy::panic,
        reason = "the harness has no other way out; it is caught a few lines below"
    )]
    pub fn open(options: Options, size: [f32; 2]) -> Result<Self, AppError> {
        // The test harness panics when there is no adapter or the program does not start; that becomes an error here.
        probe_adapter()?;
        let build = || {
            let state = egui_kittest::wgpu::create_render_state(
                window::wgpu_setup(),
                egui_wgpu::RendererOptions::PREDICTABLE,
            );
            let renderer = egui_kittest::wgpu::WgpuTestRenderer::from_render_state(state);
            Harness::builder()
                .with_size(vec2(size[0], size[1]))
                .with_max_steps(64)
                .with_accessibility_check(false)
                // A foreign name may hold any character; that our own words render is a test's business.
                .allow_missing_glyphs()
                .renderer(renderer)
                .build_eframe(|cc| {
                    let state = cc.wgpu_render_state.as_ref();
                    let program = state
                        .ok_or_else(|| AppError::Window("no graphics device".into()))
                        .and_then(|state| Program::new(&cc.egui_ctx, state, options));
                    match program {
                        Ok(mut program) => {
                            // The harness begins with nothing, not with a colour.
                            program.state.back.cleared = false;
                            program
                        }
                        Err(error) => std::panic::panic_any(error.to_string()),
                    }
                })
        };
        let harness = catch_unwind(AssertUnwindSafe(build)).map_err(|payload| {
            let text = payload.downcast_ref::<String>().cloned();
            AppError::Window(text.unwrap_or_else(|| "the program did not start".into()))
        })?;
        Ok(Self { harness })
    }

    /// The program, for looking.
    pub fn program(&self) -> &Program {
        self.harness.state()
    }

    /// The program, for calls that a test makes directly.
    pub fn program_mut(&mut self) -> &mut Program {
        self.harness.state_mut()
    }

    /// The harness, for finding widgets by their label.
    pub fn harness(&mut self) -> &mut Harness<'static, Program> {
        &mut self.harness
    }

    /// One frame.
    pub fn step(&mut self) {
        self.harness.step();
    }

    /// Draws until nothing runs and nothing changes any more.
    ///
    /// # Errors
    /// [`AppError::Restless`].
    pub fn settle(&mut self) -> Result<(), AppError> {
        until_quiet(PATIENCE, || {
            self.harness.step();
            Ok(self.program().workspace.is_idle())
        })
    }

    /// Carries a command out, with everything that the window does for it.
    pub fn command(&mut self, command: crate::workspace::Command) {
        let ctx = self.harness.ctx.clone();
        let action = crate::workspace::Action::Run(command);
        self.program_mut().carry_out(&ctx, vec![action]);
    }

    /// Moves the pointer.
    pub fn hover(&mut self, at: [f32; 2]) {
        self.harness.hover_at(Pos2::new(at[0], at[1]));
        self.harness.step();
    }

    /// Moves the pointer while keys are held.
    pub fn hover_with(&mut self, at: [f32; 2], modifiers: egui::Modifiers) {
        let moved = egui::Event::PointerMoved(Pos2::new(at[0], at[1]));
        self.harness.event_modifiers(moved, modifiers);
        self.harness.step();
    }

    /// Presses a button, moves in steps, lets go.
    pub fn drag(
        &mut self,
        from: [f32; 2],
        to: [f32; 2],
        button: egui::PointerButton,
        modifiers: egui::Modifiers,
    ) {
        self.drag_along(&[from, to], button, modifiers);
    }

    /// Presses a button at the first of some points, moves in steps past the others, lets go at the last.
    pub fn drag_along(
        &mut self,
        way: &[[f32; 2]],
        button: egui::PointerButton,
        modifiers: egui::Modifiers,
    ) {
        const STEPS: usize = 8;
        let mut points = way.iter().map(|at| Pos2::new(at[0], at[1]));
        let Some(mut from) = points.next() else {
            return;
        };
        self.hover([from.x, from.y]);
        self.press(from, button, modifiers, true);
        for to in points {
            for step in 1..=STEPS {
                let at = from + (to - from) * (step as f32 / STEPS as f32);
                self.harness
                    .event_modifiers(egui::Event::PointerMoved(at), modifiers);
                self.harness.step();
            }
            from = to;
        }
        self.press(from, button, modifiers, false);
    }

    /// Clicks at a point.
    pub fn click(&mut self, at: [f32; 2], button: egui::PointerButton, modifiers: egui::Modifiers) {
        let pos = Pos2::new(at[0], at[1]);
        self.hover(at);
        self.press(pos, button, modifiers, true);
        self.press(pos, button, modifiers, false);
    }

    fn press(
        &mut self,
        pos: Pos2,
        button: egui::PointerButton,
        modifiers: egui::Modifiers,
        pressed: bool,
    ) {
        let event = egui::Event::PointerButton {
            pos,
            button,
            pressed,
            modifiers,
        };
        self.harness.event_modifiers(event, modifiers);
        self.harness.step();
    }

    /// Turns the wheel by notches; positive scrolls back.
    pub fn wheel(&mut self, at: [f32; 2], notches: f32, modifiers: egui::Modifiers) {
        self.hover(at);
        let event = egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Line,
            delta: vec2(0.0, notches),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers,
        };
        if modifiers.alt {
            // Alt stays down until the wheel has come to rest.
            self.harness.event(egui::Event::ModifiersChanged(modifiers));
            self.harness.event(event);
        } else {
            self.harness.event_modifiers(event, modifiers);
        }
        for _ in 0..12 {
            self.harness.step();
        }
        if modifiers.alt {
            let none = egui::Modifiers::NONE;
            self.harness.event(egui::Event::ModifiersChanged(none));
            self.harness.step();
        }
    }

    /// Presses and releases a key.
    pub fn key(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.step();
        self.harness.step();
    }

    /// Asks the window to close, as the cross in its corner does.
    pub fn close(&mut self) {
        let input = self.harness.input_mut();
        let root = input.viewports.entry(egui::ViewportId::ROOT).or_default();
        root.events.push(egui::ViewportEvent::Close);
        self.harness.step();
        let input = self.harness.input_mut();
        if let Some(root) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            root.events.clear();
        }
    }

    /// The window as RGBA.
    ///
    /// # Errors
    /// [`AppError::Window`] when the device did not give the picture.
    pub fn screenshot(&mut self) -> Result<image::RgbaImage, AppError> {
        self.harness.render().map_err(AppError::Window)
    }

    /// Writes the window as a PNG.
    ///
    /// # Errors
    /// [`AppError::Window`], [`AppError::Io`].
    pub fn save(&mut self, path: &Path) -> Result<(), AppError> {
        let picture = self.screenshot()?;
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let size = [picture.width(), picture.height()];
        write_picture(path, &picture, size, image::ExtendedColorType::Rgba8)?;
        Ok(())
    }
}

/// Says so when there is no adapter, before anything panics about it.
pub(super) fn probe_adapter() -> Result<(), AppError> {
    crate::gpu::GpuContext::headless()
        .map(|_| ())
        .map_err(|e| AppError::NoAdapter(e.to_string()))
}
