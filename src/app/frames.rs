//! The window in memory without a test's harness around it: what its own thread does for a frame, part by part.
//!
//! Must stay true: a frame runs as the toolkit runs it in the real window (news and layout, tessellation, painting), with
//! nothing added between. Whoever measures brings the clock; it is asked before, between and after the parts.

use super::{AppError, Options, Program, stage::probe_adapter, window};
use crate::{
    ui::keys,
    workspace::{Action, Command},
};
use egui::{Event, Modifiers, MouseWheelUnit, PointerButton, Pos2, Rect, TouchPhase, pos2, vec2};
use egui_wgpu::{RenderState, Renderer, RendererOptions, ScreenDescriptor};
use std::time::{Duration, Instant};

/// Longest wait for everything to arrive.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the clock said around the parts of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Parts<T> {
    /// Before anything.
    pub begun: T,
    /// After news were taken in, panels and cells laid out, and pictures drawn anew that changed.
    pub laid_out: T,
    /// After shapes became triangles.
    pub tessellated: T,
    /// After everything was recorded and handed to the device, which draws it beside this thread.
    pub painted: T,
}

/// What a frame brought to the device beside what the counted door knows of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Bytes of pictures that the toolkit uploaded: letters that were not drawn before, small pictures.
    pub texels: u64,
    /// Corners of triangles.
    pub vertices: usize,
}

/// A window in memory.
pub struct Frames {
    ctx: egui::Context,
    program: Program,
    toolkit: RenderState,
    target: wgpu::TextureView,
    size: [u32; 2],
    time: f64,
    at: Pos2,
    modifiers: Modifiers,
    events: Vec<Event>,
    wanted: Option<String>,
    seen: bool,
    brought: Brought,
}

impl Frames {
    /// Opens a window of this many pixels; a point is a pixel.
    ///
    /// # Errors
    /// [`AppError::NoAdapter`] when no graphics device is there, otherwise as [`Program::new`].
    pub fn open(options: Options, size: [u32; 2]) -> Result<Self, AppError> {
        // The next line would panic without an adapter.
        probe_adapter()?;
        let toolkit = egui_kittest::wgpu::create_render_state(
            window::wgpu_setup(),
            RendererOptions {
                dithering: window::DITHERING,
                ..Default::default()
            },
        );
        let ctx = egui::Context::default();
        let program = Program::new(&ctx, &toolkit, options)?;
        let gpu = &program.workspace.gpu;
        let texture = gpu.door.texture(&wgpu::TextureDescriptor {
            label: Some("window"),
            size: wgpu::Extent3d {
                width: size[0],
                height: size[1],
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: toolkit.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let target = gpu.door.view(&texture, &Default::default());
        Ok(Self {
            ctx,
            program,
            toolkit,
            target,
            size,
            time: 0.0,
            at: pos2(0.0, 0.0),
            modifiers: Modifiers::NONE,
            events: Vec::new(),
            wanted: None,
            seen: false,
            brought: Brought::default(),
        })
    }

    /// The program.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// The program, for calls that a measurement makes directly.
    pub const fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Moves the pointer with the next frame.
    pub fn point(&mut self, at: [f32; 2]) {
        self.at = pos2(at[0], at[1]);
        self.events.push(Event::PointerMoved(self.at));
    }

    /// Presses the left button (or the right one) or lets it go, with the next frame.
    pub fn press(&mut self, right: bool, pressed: bool) {
        self.events.push(Event::PointerButton {
            pos: self.at,
            button: match right {
                true => PointerButton::Secondary,
                false => PointerButton::Primary,
            },
            pressed,
            modifiers: self.modifiers,
        });
    }

    /// Turns the wheel with the next frame; positive scrolls back.
    pub fn wheel(&mut self, notches: f32) {
        self.events.push(Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: vec2(0.0, notches),
            phase: TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: self.modifiers,
        });
    }

    /// Presses a key, as `Ctrl+K`, and lets it go, with the next frame; `false` when there is no such key.
    pub fn key(&mut self, text: &str) -> bool {
        let Some(shortcut) = keys::parse(text) else {
            return false;
        };
        for pressed in [true, false] {
            self.events.push(Event::Key {
                key: shortcut.logical_key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: shortcut.modifiers,
            });
        }
        true
    }

    /// Carries a command out, with everything that the window does for it.
    pub fn command(&mut self, command: Command) {
        let ctx = self.ctx.clone();
        self.program.carry_out(&ctx, vec![Action::Run(command)]);
    }

    /// Looks for a text in the frames from now on.
    pub fn look_for(&mut self, text: Option<&str>) {
        self.wanted = text.map(str::to_owned);
        self.seen = false;
    }

    /// Whether the last frame showed the text.
    pub const fn seen(&self) -> bool {
        self.seen
    }

    /// What the last frame brought to the device.
    pub const fn brought(&self) -> Brought {
        self.brought
    }

    /// One frame with what was done since the last one. `note` is asked around its parts; the device may still be
    /// drawing when it ends, see [`Self::finish`].
    pub fn frame<T>(&mut self, mut note: impl FnMut() -> T) -> Parts<T> {
        self.time += 1.0 / 60.0;
        let size = vec2(self.size[0] as f32, self.size[1] as f32);
        let limit = self.toolkit.device.limits().max_texture_dimension_2d;
        let input = egui::RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
            max_texture_side: Some(limit as usize),
            time: Some(self.time),
            predicted_dt: 1.0 / 60.0,
            events: std::mem::take(&mut self.events),
            focused: true,
            ..Default::default()
        };
        let begun = note();
        let program = &mut self.program;
        let mut output = self.ctx.run_ui(input, |ui| {
            program.receive(ui.ctx());
            program.draw(ui);
        });
        let laid_out = note();
        if let Some(wanted) = &self.wanted {
            let mut shapes = output.shapes.iter();
            self.seen = shapes.any(|clipped| has_text(&clipped.shape, wanted));
        }
        let scale = output.pixels_per_point;
        let shapes = std::mem::take(&mut output.shapes);
        let jobs = self.ctx.tessellate(shapes, scale);
        let tessellated = note();
        self.paint(&jobs, &mut output.textures_delta, scale);
        Parts {
            begun,
            laid_out,
            tessellated,
            painted: note(),
        }
    }

    fn paint(
        &mut self,
        jobs: &[egui::ClippedPrimitive],
        textures: &mut egui::TexturesDelta,
        pixels_per_point: f32,
    ) {
        let (device, queue) = (&self.toolkit.device, &self.toolkit.queue);
        let screen = ScreenDescriptor {
            size_in_pixels: self.size,
            pixels_per_point,
        };
        self.brought = Brought::default();
        let mut renderer = self.toolkit.renderer.write();
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                let [width, height] = delta.image.size();
                self.brought.texels += 4 * width as u64 * height as u64;
                renderer.update_texture(device, queue, id, &delta);
            }
        }
        let mut encoder = device.create_command_encoder(&Default::default());
        let before = renderer.update_buffers(device, queue, &mut encoder, jobs, &screen);
        for job in jobs {
            if let egui::epaint::Primitive::Mesh(mesh) = &job.primitive {
                self.brought.vertices += mesh.vertices.len();
            }
        }
        let linear = self.toolkit.target_format.is_srgb();
        let back = self.program.state.back.clear(linear);
        let [r, g, b, a] = back.map(f64::from);
        let back = wgpu::Color { r, g, b, a };
        record(&renderer, &mut encoder, &self.target, jobs, &screen, back);
        queue.submit(before.into_iter().chain(std::iter::once(encoder.finish())));
        for id in textures.free.drain() {
            renderer.free_texture(&id);
        }
    }

    /// Waits until the device has drawn everything.
    ///
    /// # Errors
    /// [`AppError::Window`] when it is lost.
    pub fn finish(&self) -> Result<(), AppError> {
        self.toolkit
            .device
            .poll(wgpu::PollType::wait_indefinitely())
            .map(|_| ())
            .map_err(|error| AppError::Window(error.to_string()))
    }

    /// Frames until nothing runs and nothing changes any more.
    ///
    /// # Errors
    /// [`AppError::Restless`].
    pub fn settle(&mut self) -> Result<(), AppError> {
        until_quiet(PATIENCE, || {
            self.frame(|| ());
            self.finish()?;
            Ok(self.program.workspace.is_idle())
        })
    }
}

/// Draws frames, each of which says whether nothing runs, until three in a row do.
///
/// # Errors
/// What a frame gives; [`AppError::Restless`].
pub(super) fn until_quiet(
    patience: Duration,
    mut frame: impl FnMut() -> Result<bool, AppError>,
) -> Result<(), AppError> {
    let started = Instant::now();
    let mut quiet = 0;
    while quiet < 3 {
        if frame()? {
            quiet += 1;
        } else {
            quiet = 0;
            std::thread::sleep(Duration::from_millis(5));
        }
        if started.elapsed() > patience {
            return Err(AppError::Restless(patience.as_secs()));
        }
    }
    Ok(())
}

fn record(
    renderer: &Renderer,
    encoder: &mut wgpu::CommandEncoder,
    target: &wgpu::TextureView,
    jobs: &[egui::ClippedPrimitive],
    screen: &ScreenDescriptor,
    back: wgpu::Color,
) {
    let mut pass = encoder
        .begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("window"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(back),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        })
        .forget_lifetime();
    renderer.render(&mut pass, jobs, screen);
}

/// Whether a shape is, or holds, a text with these words in it.
fn has_text(shape: &egui::Shape, wanted: &str) -> bool {
    match shape {
        egui::Shape::Text(text) => text.galley.text().contains(wanted),
        egui::Shape::Vec(shapes) => shapes.iter().any(|shape| has_text(shape, wanted)),
        _ => false,
    }
}
