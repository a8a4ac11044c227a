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
