//! Opening the real window.

use super::{AppError, Options, Program};
use crate::{
    gpu::context::device_descriptor,
    task::spawn_named,
    workspace::{monitors::Place, windows},
};
use egui_wgpu::{WgpuSetup, WgpuSetupCreateNew};
use std::sync::{Arc, mpsc};

/// No noise over flat colours: there is no gradient in the window that it would help, and on a software device it is
/// a large part of each pixel.
pub(super) const DITHERING: bool = false;

/// How the toolkit makes the device: all that the adapter has, because burn joins it later.
pub fn wgpu_setup() -> WgpuSetup {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    if cfg!(target_os = "linux") && std::env::var_os("WGPU_BACKEND").is_none() && !has_device() {
        // OpenGL would be the same processor once more, and asking it takes as long as a frame.
        setup.instance_descriptor.backends = wgpu::Backends::PRIMARY;
    }
    setup.power_preference = wgpu::PowerPreference::HighPerformance;
    setup.device_descriptor = Arc::new(device_descriptor);
    WgpuSetup::CreateNew(setup)
}

/// Whether the system has a graphics device that is not the processor.
fn has_device() -> bool {
    ["/dev/dri", "/dev/dxg", "/dev/nvidiactl", "/dev/kgsl-3d0"]
        .iter()
        .any(|path| std::path::Path::new(path).exists())
}

/// Loads the system's graphics drivers beside the opening of the window, which takes as long. They stay loaded until what
/// comes back is dropped; the toolkit has its own hold on them then.
fn drivers_ahead() -> mpsc::Sender<()> {
    let (hold, held) = mpsc::channel();
    let load = move || {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::PRIMARY;
        let instance = wgpu::Instance::new(descriptor);
        // Until the other end goes.
        let _ = held.recv();
        drop(instance);
    };
    // Without the thread the window opens as well, later.
    let _ = spawn_named("drivers", load);
    hold
}

/// Whether a window can be opened at all.
pub fn has_display() -> bool {
    if cfg!(any(target_os = "windows", target_os = "macos")) {
        return true;
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET")
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// [`AppError::NoDisplay`], [`AppError::NoAdapter`], [`AppError::Window`].
pub fn run(options: Options) -> Result<(), AppError> {
    run_with(options, |program| program)
}

/// Opens the window with an application around the program (the benches watch it from there).
///
/// # Errors
/// As [`run`].
pub fn run_with<A: eframe::App + 'static>(
    options: Options,
    wrap: impl FnOnce(Program) -> A + 'static,
) -> Result<(), AppError> {
    let folder = options.settings_folder.as_deref();
    let place = folder.and_then(windows::last_place);
    open_at(place, |cc, state| {
        Ok(wrap(Program::new(&cc.egui_ctx, state, options)?))
    })
}

/// Opens the window with any application in it.
///
/// # Errors
/// As [`run`].
pub(super) fn open<A: eframe::App + 'static>(
    make: impl FnOnce(&eframe::CreationContext<'_>, &egui_wgpu::RenderState) -> Result<A, AppError>
    + 'static,
) -> Result<(), AppError> {
    open_at(None, make)
}

fn open_at<A: eframe::App + 'static>(
    place: Option<Place>,
    make: impl FnOnce(&eframe::CreationContext<'_>, &egui_wgpu::RenderState) -> Result<A, AppError>
    + 'static,
) -> Result<(), AppError> {
    if !has_display() {
        return Err(AppError::NoDisplay);
    }
    let drivers = drivers_ahead();
    let mut native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Negatoscope")
            .with_app_id("negatoscope")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([640.0, 420.0])
            .with_drag_and_drop(true)
            .with_icon(icon()),
        dithering: DITHERING,
        ..Default::default()
    };
    native.wgpu_options.wgpu_setup = wgpu_setup();
    if let Some(place) = place {
        // Nobody can say yet how dense the monitor is: the first frame puts right what this misses.
        let builder = native
            .viewport
            .with_inner_size(place.size.map(|side| side as f32))
            .with_maximized(place.maximised);
        native.viewport = match place.at {
            Some(at) => builder.with_position(at.map(|v| v as f32)),
            None => builder,
        };
    }
    let result = eframe::run_native(
        "negatoscope",
        native,
        Box::new(move |cc| {
            let state = cc
                .wgpu_render_state
                .as_ref()
                .ok_or("the toolkit has no graphics device")?;
            drop(drivers);
            Ok(Box::new(make(cc, state)?))
        }),
    );
    result.map_err(|error| match error {
        eframe::Error::Wgpu(error) => AppError::NoAdapter(error.to_string()),
        error => AppError::Window(error.to_string()),
    })
}

fn icon() -> egui::IconData {
    let decoded = image::load_from_memory(include_bytes!("../../assets/icons/negatoscope-256.png"));
    match decoded {
        Ok(picture) => {
            let rgba = picture.to_rgba8();
            egui::IconData {
                width: rgba.width(),
                height: rgba.height(),
                rgba: rgba.into_raw(),
            }
        }
        Err(_) => egui::IconData::default(),
    }
}
