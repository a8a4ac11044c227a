//! A lost graphics device: the window hands over to a new process, which goes on where this one was.
//!
//! There is no way back for a device that is lost, nor for the networks that have joined it: see the notes on burn. What
//! is not on a disk goes through a pipe to the next process; that waits until this one is gone, so that two never have
//! one store.

use super::Program;
use crate::{
    gpu::{GpuContext, LossProbe},
    task::spawn_named,
    workspace::{Waker, display::FrameState, state::handover::Handover},
};
use std::{
    fmt,
    io::{self, Read as _, Write as _},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// The flag with which the next process begins.
pub const FLAG: &str = "--go-on";

/// A process that lost its device this soon does not begin another one: the next would lose it as well.
const TOO_SOON: Duration = Duration::from_secs(10);

/// How long what is unsaved is waited for.
const SAVING: Duration = Duration::from_millis(1500);

/// Bytes that a handover may have.
const MOST_BYTES: u64 = 512 << 20;

/// What is done with what is handed over when the device is lost.
#[derive(Clone)]
pub struct OnLoss(Arc<dyn Fn(Handover) + Send + Sync>);

impl OnLoss {
    /// Calls this, on the window's thread.
    pub fn new(act: impl Fn(Handover) + Send + Sync + 'static) -> Self {
        Self(Arc::new(act))
    }

    /// Begins the next process and ends this one.
    pub fn next_process() -> Self {
        let begun = Instant::now();
        Self::new(move |handover| {
            let next = begin(&handover);
            let early = begun.elapsed() < TOO_SOON && std::env::args_os().any(|a| a == FLAG);
            match next {
                Ok(_) if !early => {
                    tracing::error!("the graphics device was lost; a new process goes on");
                    std::process::exit(0);
                }
                Ok(mut child) => {
                    let _ = child.kill();
                    tracing::error!("the graphics device was lost again at once");
                }
                Err(error) => tracing::error!(
                    "the graphics device was lost, and no process could be started: {error}"
                ),
            }
            std::process::exit(crate::console::Exit::Internal as i32);
        })
    }
}

impl fmt::Debug for OnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnLoss")
    }
}

/// Starts the next process. The pipe stays open as long as this process lives.
fn begin(handover: &Handover) -> io::Result<std::process::Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments(std::env::args().skip(1)))
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(pipe) = &mut child.stdin {
        pipe.write_all(&handover.to_bytes())?;
        pipe.flush()?;
    }
    Ok(child)
}

/// The arguments of the next process: those of this one, less what cannot be read twice.
fn arguments(own: impl Iterator<Item = String>) -> Vec<String> {
    let secret = ["--passphrase-fd", "--archive-passphrase-fd"];
    let mut kept = vec![FLAG.to_owned()];
    let mut own = own;
    while let Some(argument) = own.next() {
        if secret.contains(&argument.as_str()) {
            own.next();
            continue;
        }
        let with_value = secret
            .iter()
            .any(|s| argument.starts_with(&format!("{s}=")));
        if !with_value && argument != FLAG {
            kept.push(argument);
        }
    }
    kept
}

/// What the process before hands over: all of standard input, which ends with that process.
///
/// # Errors
/// There is nothing of the kind.
pub fn received() -> io::Result<Handover> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)?;
    let none = || io::Error::new(io::ErrorKind::InvalidData, "this is no handover");
    Handover::from_bytes(&bytes).ok_or_else(none)
}

/// A thread that asks the device whether it is still there. A window at rest draws nothing, so the loss has to wake it;
/// as long as the device is there, nothing is woken.
#[derive(Debug)]
pub(super) struct DeviceWatch {
    lost: Arc<AtomicBool>,
    /// The thread ends when the other end of this goes.
    _hold: mpsc::Sender<()>,
}

impl DeviceWatch {
    /// Watches a device; it is thrown away `after` this long, where that is wanted. Without a thread nothing is ever lost.
    pub(super) fn start(gpu: &GpuContext, waker: Waker, after: Option<Duration>) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let (hold, held) = mpsc::channel();
        let mut probe = LossProbe::new(gpu);
        let (device, told, begun) = (gpu.device.clone(), Arc::clone(&lost), Instant::now());
        let mut after = after;
        let watch = move || {
            while held.recv_timeout(LossProbe::EVERY / 2) == Err(mpsc::RecvTimeoutError::Timeout) {
                if after.is_some_and(|after| begun.elapsed() >= after) {
                    after = None;
                    tracing::warn!("the graphics device is thrown away, as was asked");
                    device.destroy();
                }
                if probe.is_lost() {
                    told.store(true, Ordering::Release);
                    waker.wake("device");
                    return;
                }
            }
        };
        if let Err(error) = spawn_named("device-watch", watch) {
            tracing::warn!("nobody watches the graphics device: {error}");
        }
        Self { lost, _hold: hold }
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// A process that goes on: until it shows what was open, and says so.
#[derive(Debug)]
pub(super) struct GoingOn {
    begun: Instant,
    /// Something was open.
    pictures: bool,
    /// It was drawn in the frame before.
    drawn: bool,
}

impl GoingOn {
    pub(super) fn after(handover: &Handover) -> Self {
        Self {
            begun: Instant::now(),
            pictures: !handover.paths.is_empty(),
            drawn: false,
        }
    }
}

impl Program {
    /// Says when what was handed over is on the screen again.
    pub(super) fn follow_going_on(&mut self, ctx: &egui::Context) {
        let Some(going_on) = &mut self.going_on else {
            return;
        };
        if going_on.drawn {
            tracing::warn!(
                "what was open is shown again {} ms after this process took over",
                going_on.begun.elapsed().as_millis()
            );
            self.going_on = None;
            return;
        }
        let viewport = self.workspace.active_viewport();
        let shown = viewport.and_then(|viewport| {
            let display = viewport.display.as_ref()?;
            Some(display.frame(viewport.frame_shown()))
        });
        if !going_on.pictures || matches!(shown, Some(FrameState::Loaded(_))) {
            going_on.drawn = true;
            ctx.request_repaint();
        }
    }

    /// Hands over when the device is lost.
    pub(super) fn follow_device(&mut self) {
        if self.leaving || !self.watch.as_ref().is_some_and(DeviceWatch::is_lost) {
            return;
        }
        let Some(act) = self.options.on_loss.clone() else {
            return;
        };
        self.leaving = true;
        self.workspace.jobs.cancel_all();
        let handover = self.workspace.hand_over();
        let begun = Instant::now();
        while self.workspace.marks.is_busy() && begun.elapsed() < SAVING {
            self.workspace.poll();
            std::thread::sleep(Duration::from_millis(5));
        }
        (act.0)(handover);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_process_is_asked_for_the_same() {
        let own = [
            "--store",
            "x",
            "--passphrase-fd",
            "3",
            "a b",
            "--archive-passphrase-fd=4",
            FLAG,
            "c",
        ];
        let next = arguments(own.iter().map(|s| (*s).to_owned()));
        assert_eq!(next, [FLAG, "--store", "x", "a b", "c"]);
    }
}
