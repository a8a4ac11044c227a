//! A lost graphics device: the window hands over to a new process, which goes on where this one was.
//!
//! There is no way back for a device that is lost, nor for the networks that have joined it: see the notes on burn. What
//! is not on a disk goes through a pipe to the next process; that waits until this one is gone, so that two never have
//! one store.

use super::Program;
use crate::workspace::state::handover::Handover;
use std::{
    fmt,
    io::{self, Read as _, Write as _},
    process::{Command, Stdio},
    sync::Arc,
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

impl Program {
    /// Looks whether the device is still there, and hands over when it is not.
    pub(super) fn follow_device(&mut self) {
        if let Some(after) = self.options.lose_device_after
            && self.begun.elapsed() >= after
        {
            self.options.lose_device_after = None;
            self.workspace.gpu.device.destroy();
        }
        if self.leaving || !self.probe.is_lost() {
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
