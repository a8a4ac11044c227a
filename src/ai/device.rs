//! Where networks run: on the device that draws, or on the CPU.
//!
//! burn does not make a device of its own. It joins the one that the window (or a headless context) has made, so
//! that a tensor's buffer can be bound by our shaders. That device must have been made with the features and
//! limits of its adapter: burn decides what to use by looking at the adapter, not at the device.

use super::AiError;
use crate::{
    gpu::{Cargo, Fault, FaultWatch, GpuContext},
    task::{CancelToken, stand_back},
};
use burn::tensor::{Device, wgpu::WgpuSetup};
use std::{
    fmt,
    num::NonZero,
    sync::{Mutex, PoisonError},
};

/// Kernels that go into one submission. Small, so that frames are drawn in between.
const TASKS_MAX: usize = 16;

/// A compute device and its name for provenance.
#[derive(Clone)]
pub struct BurnDevice {
    device: Device,
    name: String,
    on_gpu: bool,
    context: Option<GpuContext>,
}

impl fmt::Debug for BurnDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BurnDevice({}, {:?})", self.name, self.device)
    }
}

impl BurnDevice {
    /// The CPU: burn's `flex` backend.
    pub fn flex() -> Self {
        Self {
            device: Device::flex(),
            name: "CPU (flex)".into(),
            on_gpu: false,
            context: None,
        }
    }

    /// A handle that computes where a training run does; nothing that it copies is counted.
    pub(crate) fn of(device: &Device) -> Self {
        Self {
            device: device.clone(),
            ..Self::flex()
        }
    }

    /// The same device with the context that draws with it: copies are reported to its counted door, and its errors are
    /// seen. Nothing changes on the CPU.
    #[must_use]
    pub fn with_context(mut self, context: &GpuContext) -> Self {
        self.context = self.on_gpu.then(|| context.clone());
        self
    }

    /// The context that draws with it; `None` on the CPU.
    pub const fn context(&self) -> Option<&GpuContext> {
        self.context.as_ref()
    }

    /// Reports numbers that go to the device. On the CPU nothing crosses a bus.
    pub(crate) fn note_upload(&self, cargo: Cargo, numbers: usize) {
        if let Some(context) = &self.context {
            context.door.note_upload(cargo, 4 * numbers as u64);
        }
    }

    /// Reports numbers that come back.
    pub(crate) fn note_readback(&self, cargo: Cargo, numbers: usize) {
        if let Some(context) = &self.context {
            context.door.note_readback(cargo, 4 * numbers as u64);
        }
    }

    /// burn's handle, for whoever builds a network.
    pub fn tensor_device(&self) -> Device {
        self.device.clone()
    }

    /// burn's handle.
    pub(crate) const fn burn(&self) -> &Device {
        &self.device
    }

    /// As shown with results, for example `llvmpipe (wgpu)`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Threads for the CPU device that leave one core to the window, and stand back on the others; `None` on a GPU.
    pub(crate) fn pool(&self) -> Option<rayon::ThreadPool> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let build = |threads| named(threads).start_handler(|_| stand_back()).build().ok();
        (!self.on_gpu)
            .then(|| build(cores.saturating_sub(1).max(1)))
            .flatten()
    }

    /// Whether results stay in buffers of the drawing device.
    pub const fn on_gpu(&self) -> bool {
        self.on_gpu
    }
}

/// Lets a job go on or not, between pieces of its work: waits for what was submitted, so that frames of the window come in
/// between, and sees what the device reports meanwhile.
pub(crate) struct Pace<'a> {
    device: &'a BurnDevice,
    cancel: &'a CancelToken,
    watch: Option<FaultWatch>,
}

impl<'a> Pace<'a> {
    /// From now on.
    pub(crate) fn new(device: &'a BurnDevice, cancel: &'a CancelToken) -> Self {
        Self {
            device,
            cancel,
            watch: device.context().map(GpuContext::watch),
        }
    }

    fn fault(&self) -> Option<Fault> {
        self.watch.as_ref()?.seen()
    }

    /// Whether to go on.
    pub(crate) fn go_on(&self) -> bool {
        // What the device says here comes out of the watch, or where the result is used.
        let _ = self.device.device.sync();
        !self.cancel.is_cancelled() && self.fault().is_none()
    }

    /// Why not to go on.
    pub(crate) fn check(&self) -> Result<(), AiError> {
        match self.fault() {
            _ if self.cancel.is_cancelled() => Err(AiError::Cancelled),
            Some(fault) => Err(AiError::Fault(fault)),
            None => Ok(()),
        }
    }
}

/// Threads with names for networks on the CPU.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool, AiError> {
    named(threads)
        .build()
        .map_err(|error| AiError::Device(error.to_string()))
}

fn named(threads: usize) -> rayon::ThreadPoolBuilder {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("networks-{index}"))
}

/// What was joined before. Joining the same handles twice would make a second burn runtime with pools of its own.
/// Devices of two instances may be equal: their numbers count from the same start.
static JOINED: Mutex<Vec<(wgpu::Instance, wgpu::Device, BurnDevice)>> = Mutex::new(Vec::new());

/// Joins burn to a drawing device. The same device joined again gives the same answer.
///
/// burn installs its own handler for uncaptured errors of the device, one that panics; install yours after this.
/// Leave its device-lost callback in place.
pub fn join(
    instance: &wgpu::Instance,
    adapter: &wgpu::Adapter,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
) -> Result<BurnDevice, AiError> {
    let mut joined = JOINED.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |(of, handle, _): &&(_, _, _)| of == instance && handle == device;
    if let Some((.., known)) = joined.iter().find(same) {
        return Ok(known.clone());
    }
    let info = adapter.get_info();
    let setup = WgpuSetup {
        instance: instance.clone(),
        adapter: adapter.clone(),
        device: device.clone(),
        queue: queue.clone(),
        backend: info.backend,
    };
    let burn = Device::wgpu_options()
        .tasks_max(TASKS_MAX)
        .setup(setup)
        .init()
        .map_err(|error| AiError::Device(error.to_string()))?;
    let joined_device = BurnDevice {
        device: burn,
        name: format!("{} (wgpu)", info.name),
        on_gpu: true,
        context: None,
    };
    joined.push((instance.clone(), device.clone(), joined_device.clone()));
    Ok(joined_device)
}

/// The choice of `--device auto`: a software rasteriser draws but does not infer, `flex` is many times faster.
pub fn auto(
    instance: &wgpu::Instance,
    adapter: &wgpu::Adapter,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
) -> Result<BurnDevice, AiError> {
    if adapter.get_info().device_type == wgpu::DeviceType::Cpu {
        Ok(BurnDevice::flex())
    } else {
        join(instance, adapter, device, queue)
    }
}

/// The device of a command without a window. `Some(true)` forces the GPU, whatever it is, `Some(false)` the CPU;
/// `None` takes a real GPU when there is one, else the CPU.
pub fn headless(on_gpu: Option<bool>) -> Result<BurnDevice, AiError> {
    match on_gpu {
        Some(false) => Ok(BurnDevice::flex()),
        Some(true) => {
            let context = GpuContext::headless().map_err(|e| AiError::Device(e.to_string()))?;
            of_context(&context)
        }
        None => match GpuContext::headless() {
            Ok(context) if !context.is_software() => of_context(&context),
            _ => Ok(BurnDevice::flex()),
        },
    }
}

/// Joins burn to a context: its door counts the copies, and its error handler, which does not panic, goes in after
/// burn's.
pub fn of_context(context: &GpuContext) -> Result<BurnDevice, AiError> {
    let device = join(
        &context.instance,
        &context.adapter,
        &context.device,
        &context.queue,
    )?;
    context.install_error_handler();
    Ok(device.with_context(context))
}
