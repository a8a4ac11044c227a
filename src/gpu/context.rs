//! One device for everything: the window, the offscreen pictures and the networks.

use super::{door::CopyDoor, error::GpuError};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

/// The handles of one device. Clones share it.
#[derive(Clone)]
pub struct GpuContext {
    /// Where the adapter came from.
    pub instance: wgpu::Instance,
    /// The physical device.
    pub adapter: wgpu::Adapter,
    /// The logical device.
    pub device: wgpu::Device,
    /// Its only queue.
    pub queue: wgpu::Queue,
    /// What the adapter says of itself.
    pub info: wgpu::AdapterInfo,
    /// The counted door for copies.
    pub door: Arc<CopyDoor>,
    failed: Arc<AtomicBool>,
}

impl std::fmt::Debug for GpuContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GpuContext({}, {:?})", self.info.name, self.info.backend)
    }
}

impl GpuContext {
    /// Joins a device that somebody else made, in the window the toolkit.
    pub fn from_parts(
        instance: wgpu::Instance,
        adapter: wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
    ) -> Self {
        Self {
            info: adapter.get_info(),
            door: Arc::new(CopyDoor::new(device.clone(), queue.clone())),
            failed: Arc::default(),
            instance,
            adapter,
            device,
            queue,
        }
    }

    /// A device without a window: Vulkan first (fast to start, and what is tested), then whatever there is.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] or [`GpuError::NoDevice`].
    pub fn headless() -> Result<Self, GpuError> {
        let mut reason = String::from("no backend is enabled");
        for backends in [wgpu::Backends::VULKAN, wgpu::Backends::PRIMARY] {
            let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
            descriptor.backends = backends;
            let instance = wgpu::Instance::new(descriptor);
            let options = wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            };
            let adapter = match block_on(instance.request_adapter(&options)) {
                Ok(adapter) => adapter,
                Err(error) => {
                    reason = error.to_string();
                    continue;
                }
            };
            let (device, queue) = block_on(adapter.request_device(&device_descriptor(&adapter)))
                .map_err(|error| GpuError::NoDevice(error.to_string()))?;
            let context = Self::from_parts(instance, adapter, device, queue);
            context.install_error_handler();
            return Ok(context);
        }
        Err(GpuError::NoAdapter(reason))
    }

    /// Whether the adapter computes on the CPU (lavapipe, WARP): it draws, but networks do better elsewhere.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Logs errors that no scope caught and remembers that there was one, instead of panicking. To be called after
    /// burn joined the device, because burn installs a handler that panics; burn's device-lost callback stays.
    pub fn install_error_handler(&self) {
        let failed = Arc::clone(&self.failed);
        self.device
            .on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                failed.store(true, Ordering::Release);
                tracing::error!("graphics device: {error}");
            }));
    }

    /// Whether an error was seen since the last call.
    pub fn take_error(&self) -> bool {
        self.failed.swap(false, Ordering::AcqRel)
    }

    /// Runs `work` and turns a validation or memory error that it raised into an error value. `bytes` is what the
    /// work allocates, for the message.
    pub(crate) fn checked<T>(&self, bytes: u64, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let value = work();
        let refused = block_on(validation.pop());
        let exhausted = block_on(memory.pop());
        match (exhausted, refused) {
            (Some(_), _) => Err(GpuError::OutOfMemory { bytes }),
            (None, Some(error)) => Err(GpuError::Refused(error.to_string())),
            (None, None) => Ok(value),
        }
    }
}

/// What is asked of an adapter: all it has, because the network runtime looks at the adapter and not at the device;
/// no mappable primary buffers (slow memory on discrete cards), nothing experimental.
pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    wgpu::DeviceDescriptor {
        label: Some("negatoscope"),
        required_features: adapter.features()
            - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS
            - wgpu::Features::all_experimental_mask(),
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread. Native wgpu futures are ready at once.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
