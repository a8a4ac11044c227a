//! One device for everything: the window, the offscreen pictures and the networks.

use super::{door::CopyDoor, error::GpuError};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
    faults: Arc<Faults>,
}

/// Kind of an error that the device reported and no scope caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its memory is full.
    OutOfMemory,
    /// It refused a command.
    Refused,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "the graphics memory is full",
            Self::Refused => "the graphics device refused a command",
        })
    }
}

/// Errors that no scope caught.
#[derive(Default)]
struct Faults {
    /// One was seen since it was asked for last.
    fresh: AtomicBool,
    count: AtomicU64,
    last: Mutex<Option<Fault>>,
}

impl Faults {
    fn note(&self, fault: Fault) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        self.count.fetch_add(1, Ordering::AcqRel);
        self.fresh.store(true, Ordering::Release);
    }
}

/// Sees errors of the device from the moment on at which it was made.
#[derive(Clone)]
pub struct FaultWatch {
    faults: Arc<Faults>,
    from: u64,
}

impl FaultWatch {
    /// The last error since then.
    pub fn seen(&self) -> Option<Fault> {
        if self.faults.count.load(Ordering::Acquire) == self.from {
            return None;
        }
        *self
            .faults
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
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
            faults: Arc::default(),
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
        let faults = Arc::clone(&self.faults);
        self.device
            .on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                faults.note(match error {
                    wgpu::Error::OutOfMemory { .. } => Fault::OutOfMemory,
                    _ => Fault::Refused,
                });
                tracing::error!("graphics device: {error}");
            }));
    }

    /// Whether an error was seen since the last call.
    pub fn take_error(&self) -> bool {
        self.faults.fresh.swap(false, Ordering::AcqRel)
    }

    /// Watches for errors from now on.
    pub fn watch(&self) -> FaultWatch {
        FaultWatch {
            faults: Arc::clone(&self.faults),
            from: self.faults.count.load(Ordering::Acquire),
        }
    }

    /// Whether the device has room for so many bytes more: it is asked for them, and they are given back.
    pub fn has_room(&self, bytes: u64) -> bool {
        let limit = self.device.limits().max_buffer_size.clamp(4, 1 << 30);
        let asked = self.checked(bytes, || {
            let mut left = bytes;
            let mut held = Vec::new();
            while left > 0 {
                let size = left.min(limit).next_multiple_of(4);
                held.push(self.door.buffer(&wgpu::BufferDescriptor {
                    label: Some("room"),
                    size,
                    usage: wgpu::BufferUsages::STORAGE,
                    mapped_at_creation: false,
                }));
                left = left.saturating_sub(size);
            }
            held
        });
        match asked {
            Ok(held) => {
                for buffer in held {
                    buffer.destroy();
                }
                true
            }
            Err(_) => false,
        }
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
