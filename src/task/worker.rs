//! Threads with names.

use std::{io, thread};

/// Starts a named thread. Its stack is 8 MiB: decoders of foreign crates may recurse.
pub fn spawn_named<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(8 << 20)
        .spawn(body)
}

/// Lets the calling thread, and those it starts, stand back where others want the processor; on Linux, elsewhere nothing
/// changes. For long work beside a window.
pub fn stand_back() {
    // Linux counts threads as processes here, and "none" is the caller. What it refuses costs smoothness only.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, STANDS_BACK);
}

/// Niceness of work that stands back: a tenth of the share of the window's threads.
#[cfg(target_os = "linux")]
const STANDS_BACK: i32 = 10;
