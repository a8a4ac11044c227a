//! Whether the device is still there.
//!
//! A lost device says so once, through a callback, and there is only one: burn takes it when it joins. But whatever is
//! asked of a lost device fails, and mapping a few bytes answers soon. Nothing is read.

use crate::gpu::context::GpuContext;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

/// Nothing is asked.
const AT_REST: u8 = 0;
/// An answer is on its way.
const ASKED: u8 = 1;
/// The device is there, and the bytes are mapped.
const THERE: u8 = 2;
/// It is gone.
const GONE: u8 = 3;

#[derive(Debug)]
struct Question {
    buffer: wgpu::Buffer,
    state: Arc<AtomicU8>,
}

/// Asks a device from time to time.
#[derive(Debug)]
pub struct LossProbe {
    gpu: GpuContext,
    /// Two: what was asked just before the device went may never be answered.
    questions: [Question; 2],
    last: Option<Instant>,
}

impl LossProbe {
    /// How often it asks at most.
    pub const EVERY: Duration = Duration::from_millis(500);

    /// For a device.
    pub fn new(gpu: &GpuContext) -> Self {
        let question = || Question {
            buffer: gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("probe"),
                size: 8,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            state: Arc::new(AtomicU8::new(AT_REST)),
        };
        Self {
            gpu: gpu.clone(),
            questions: [question(), question()],
            last: None,
        }
    }

    /// Asks when it is time to; whether the device is gone. The answer may come with a later call.
    pub fn is_lost(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= Self::EVERY);
        if due {
            // Hands out what was answered; does not wait.
            let _ = self.gpu.device.poll(wgpu::PollType::Poll);
        }
        let mut free = None;
        for question in &self.questions {
            match question.state.load(Ordering::Acquire) {
                GONE => return true,
                ASKED => continue,
                THERE => {
                    // The device may have gone since, and its buffers with it.
                    if self.gpu.checked(0, || question.buffer.unmap()).is_err() {
                        return true;
                    }
                    question.state.store(AT_REST, Ordering::Release);
                }
                _ => {}
            }
            free = Some(question);
        }
        let Some(question) = free.filter(|_| due) else {
            return false;
        };
        self.last = Some(Instant::now());
        question.state.store(ASKED, Ordering::Release);
        let state = Arc::clone(&question.state);
        question
            .buffer
            .slice(..)
            .map_async(wgpu::MapMode::Read, move |answer| {
                let found = if answer.is_ok() { THERE } else { GONE };
                state.store(found, Ordering::Release);
            });
        question.state.load(Ordering::Acquire) == GONE
    }
}
