//! Pictures that leave the window: to the clipboard, or as a PNG.
//!
//! The window's thread draws the cells once more into a list of shapes ([`crate::ui::picture_out`]) and goes on; a
//! thread of its own has the device draw them at the asked size, waits for the pixels, and writes the file whole or
//! not at all.

use super::{AppError, Program, dialogs};
use crate::{
    formats::png::write_picture,
    gpu::{GpuContext, door::Cargo},
    task::spawn_named,
    ui::picture_out as drawing,
    workspace::{event::Event, picture_out::PictureWish},
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::{ClippedPrimitive, Context, TexturesDelta};
use egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Where a picture goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// To the clipboard.
    Clipboard,
    /// Into a file that a dialog asks for.
    Ask,
    /// Into this file.
    File(PathBuf),
}

/// What it takes to draw outside of the window; made at the first picture.
pub struct PictureOut {
    ctx: Context,
    renderer: Arc<Mutex<Renderer>>,
    format: wgpu::TextureFormat,
    copied: (Sender<egui::ColorImage>, Receiver<egui::ColorImage>),
}

/// Everything that the drawing thread needs.
struct Sheet {
    gpu: GpuContext,
    renderer: Arc<Mutex<Renderer>>,
    format: wgpu::TextureFormat,
    jobs: Vec<ClippedPrimitive>,
    textures: TexturesDelta,
    size: [u32; 2],
    scale: f32,
}

impl PictureOut {
    /// Ready to draw for a window of this format.
    pub fn new(gpu: &GpuContext, format: wgpu::TextureFormat) -> Self {
        let options = RendererOptions::default();
        Self {
            ctx: drawing::context(),
            renderer: Arc::new(Mutex::new(Renderer::new(&gpu.device, format, options))),
            format,
            copied: unbounded(),
        }
    }
}

impl Sheet {
    /// Draws and waits for the pixels: RGBA, rows from the top.
    fn pixels(&self) -> Result<Vec<u8>, AppError> {
        let (device, queue) = (&self.gpu.device, &self.gpu.queue);
        let screen = ScreenDescriptor {
            size_in_pixels: self.size,
            pixels_per_point: self.scale,
        };
        let texture = self.gpu.door.texture(&wgpu::TextureDescriptor {
            label: Some("picture"),
            size: wgpu::Extent3d {
                width: self.size[0],
                height: self.size[1],
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = self.gpu.door.view(&texture, &Default::default());
        let mut renderer = self.renderer.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, deltas) in &self.textures.set {
            for delta in deltas {
                renderer.update_texture(device, queue, *id, delta);
            }
        }
        let mut encoder = device.create_command_encoder(&Default::default());
        let before = renderer.update_buffers(device, queue, &mut encoder, &self.jobs, &screen);
        {
            let mut pass = encoder
                .begin_render_pass(&wgpu::RenderPassDescriptor {
                    label: Some("picture"),
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view: &view,
                        resolve_target: None,
                        ops: wgpu::Operations {
                            load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                            store: wgpu::StoreOp::Store,
                        },
                        depth_slice: None,
                    })],
                    ..Default::default()
                })
                .forget_lifetime();
            renderer.render(&mut pass, &self.jobs, &screen);
        }
        queue.submit(before.into_iter().chain(std::iter::once(encoder.finish())));
        for id in &self.textures.free {
            renderer.free_texture(id);
        }
        drop(renderer);
        let mut bytes = self.gpu.door.read_texture(Cargo::Picture, &texture, 0, 4)?;
        let swapped = matches!(
            self.format,
            wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Bgra8UnormSrgb
        );
        for pixel in bytes.as_chunks_mut::<4>().0 {
            if swapped {
                pixel.swap(0, 2);
            }
            pixel[3] = 255;
        }
        Ok(bytes)
    }
}

/// Writes a picture; the notice that says so.
fn save(path: &Path, size: [u32; 2], rgba: &[u8]) -> Result<&'static str, AppError> {
    write_picture(path, rgba, size, image::ExtendedColorType::Rgba8)?;
    Ok("notice-picture-saved")
}

impl Program {
    /// Sends a picture on its way; it arrives, or a notice says why not.
    pub fn picture_out(&mut self, wish: PictureWish, to: Destination) {
        let gpu = self.workspace.gpu.clone();
        let format = self.state.blit.format();
        let out = self
            .picture_out
            .get_or_insert_with(|| PictureOut::new(&gpu, format));
        let limit = gpu.device.limits().max_texture_dimension_2d;
        let size = wish.pixels(self.state.cells_pixels, limit);
        let hidden = self.workspace.settings.hide_identity;
        self.workspace.settings.hide_identity = hidden || !wish.identity;
        let output = drawing::draw(&out.ctx, &self.workspace, &mut self.state, &wish, size);
        self.workspace.settings.hide_identity = hidden;
        let scale = output.pixels_per_point;
        let sheet = Sheet {
            gpu,
            renderer: out.renderer.clone(),
            format: out.format,
            jobs: out.ctx.tessellate(output.shapes, scale),
            textures: output.textures_delta,
            size,
            scale,
        };
        let copied = out.copied.0.clone();
        let events = self.workspace.sender();
        let job = self.workspace.jobs.start("job-picture-out").id;
        let ending = self.workspace.ending(job);
        let body = move || {
            let _ending = ending;
            let result = sheet.pixels().and_then(|bytes| match to {
                Destination::Clipboard => {
                    let size = sheet.size.map(|s| s as usize);
                    let picture = egui::ColorImage::from_rgba_unmultiplied(size, &bytes);
                    let _ = copied.send(picture);
                    Ok("notice-picture-copied")
                }
                Destination::File(path) => save(&path, sheet.size, &bytes),
                Destination::Ask => match dialogs::save_as("negatoscope.png", "PNG", &["png"]) {
                    Some(path) => save(&path, sheet.size, &bytes),
                    None => Ok(""),
                },
            });
            let notice = match result {
                Ok("") => None,
                Ok(key) => Some((key, String::new())),
                Err(error) => Some(("notice-picture-failed", error.to_string())),
            };
            if let Some((key, detail)) = notice {
                let _ = events.send(Event::Notice { key, detail });
            }
        };
        if spawn_named("picture", body).is_err() {
            self.workspace
                .notify("notice-picture-failed", String::new());
        }
    }

    /// Hands pictures that are ready to the clipboard.
    pub(super) fn hand_over_pictures(&self, ctx: &Context) {
        if let Some(out) = &self.picture_out {
            for picture in out.copied.1.try_iter() {
                ctx.copy_image(picture);
            }
        }
    }
}
