//! The plainest program that shows something in a window: window, device, one pipeline, one triangle. What the start of
//! ours is measured against.

use super::{
    AppError,
    watch::{Clock, FirstFrame},
    window::has_display,
};
use crate::gpu::context::block_on;
use std::{borrow::Cow, sync::Arc, time::Instant};
use winit::{
    application::ApplicationHandler,
    dpi::LogicalSize,
    event::WindowEvent,
    event_loop::{ActiveEventLoop, EventLoop},
    window::{Window, WindowId},
};

const SHADER: &str = "
@vertex fn vs(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1u) - 0.5, f32(index >> 1u) - 0.5, 0.0, 1.0);
}
@fragment fn fs() -> @location(0) vec4f {
    return vec4f(1.0);
}
";

/// Opens the window, notes its first frame, closes it.
///
/// # Errors
/// [`AppError::NoDisplay`], [`AppError::NoAdapter`], [`AppError::Window`].
pub fn first_frame(clock: Clock) -> Result<FirstFrame, AppError> {
    if !has_display() {
        return Err(AppError::NoDisplay);
    }
    let mut program = Minimal {
        clock,
        called: Instant::now(),
        shown: None,
        seen: None,
    };
    let events = EventLoop::new().map_err(|e| AppError::Window(e.to_string()))?;
    let ended = events.run_app(&mut program);
    ended.map_err(|e| AppError::Window(e.to_string()))?;
    program
        .seen
        .unwrap_or_else(|| Err(AppError::Window("it closed before its first frame".into())))
}

struct Minimal {
    clock: Clock,
    called: Instant,
    shown: Option<Shown>,
    seen: Option<Result<FirstFrame, AppError>>,
}

/// The window and what draws in it.
struct Shown {
    window: Arc<Window>,
    surface: wgpu::Surface<'static>,
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::RenderPipeline,
    adapter: String,
}

impl ApplicationHandler for Minimal {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        match Shown::open(events) {
            Ok(shown) => {
                shown.window.request_redraw();
                self.shown = Some(shown);
            }
            Err(error) => {
                self.seen = Some(Err(error));
                events.exit();
            }
        }
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let (Some(shown), None) = (&self.shown, &self.seen) else {
            return;
        };
        match event {
            WindowEvent::RedrawRequested if shown.draw() => {
                self.seen = Some(Ok(FirstFrame {
                    clock_ms: (self.clock)(),
                    since_call_ms: self.called.elapsed().as_secs_f64() * 1e3,
                    adapter: shown.adapter.clone(),
                }));
                events.exit();
            }
            WindowEvent::RedrawRequested => shown.window.request_redraw(),
            WindowEvent::CloseRequested => events.exit(),
            _ => {}
        }
    }
}

impl Shown {
    fn open(events: &ActiveEventLoop) -> Result<Self, AppError> {
        let attributes = Window::default_attributes()
            .with_title("Negatoscope")
            .with_inner_size(LogicalSize::new(1440.0, 900.0));
        let wrong = |error: &dyn std::fmt::Display| AppError::Window(error.to_string());
        let window = events.create_window(attributes).map_err(|e| wrong(&e))?;
        let window = Arc::new(window);
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::PRIMARY;
        let instance = wgpu::Instance::new(descriptor);
        let surface = instance.create_surface(window.clone());
        let surface = surface.map_err(|e| wrong(&e))?;
        let wish = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            compatible_surface: Some(&surface),
            ..Default::default()
        };
        let adapter = block_on(instance.request_adapter(&wish))
            .map_err(|e| AppError::NoAdapter(e.to_string()))?;
        let made = block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()));
        let (device, queue) = made.map_err(|e| AppError::NoAdapter(e.to_string()))?;
        let size = window.inner_size();
        let [width, height] = [size.width, size.height].map(|n| n.max(1));
        let config = surface
            .get_default_config(&adapter, width, height)
            .ok_or_else(|| AppError::NoAdapter("the adapter draws in no window".into()))?;
        surface.configure(&device, &config);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(Cow::Borrowed(SHADER)),
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: None,
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vs"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fs"),
                compilation_options: Default::default(),
                targets: &[Some(config.format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        Ok(Self {
            window,
            surface,
            device,
            queue,
            pipeline,
            adapter: adapter.get_info().name,
        })
    }

    /// Draws and presents; `false` when there is nothing to draw into yet.
    fn draw(&self) -> bool {
        let texture = match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(texture)
            | wgpu::CurrentSurfaceTexture::Suboptimal(texture) => texture,
            _ => return false,
        };
        let view = texture.texture.create_view(&Default::default());
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: None,
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            pass.set_pipeline(&self.pipeline);
            pass.draw(0..3, 0..1);
        }
        self.queue.submit([encoder.finish()]);
        self.window.pre_present_notify();
        self.queue.present(texture);
        true
    }
}
