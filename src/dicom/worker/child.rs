//! The process that decodes.

use super::{
    LARGE_FRAME,
    message::{Answer, Arrived, Keep},
};
use crate::dicom::unpack::{unpack_frame, unpack_page};
use std::{
    fs::File,
    io::{self, Read, Write},
};

/// The hidden command that starts it.
pub(super) const COMMAND: &str = "decode-worker";

/// The memory limit in the arguments of a process that is asked to decode for another one.
pub fn asked_for(mut arguments: impl Iterator<Item = String>) -> Option<u64> {
    if arguments.next()? != COMMAND {
        return None;
    }
    arguments.next()?.parse().ok()
}

/// Decodes what arrives until it ends. `memory` is the most address space this process may take.
///
/// # Errors
/// A broken pipe or a broken request: the program is gone, and so goes this.
pub fn serve(memory: u64, mut requests: impl Read, mut answers: impl Write) -> io::Result<()> {
    limit_memory(memory);
    let mut shared = shared_memory();
    Answer::Ready {
        shared: shared.as_ref().and_then(number_of),
    }
    .write(&mut answers)?;
    let mut inline = [0];
    requests.read_exact(&mut inline)?;
    if inline != [0] {
        shared = None;
    }
    let mut frame = Vec::new();
    // The last file of several pages.
    let mut file = Vec::new();
    loop {
        let request = match Arrived::read(&mut requests) {
            Ok(request) => request,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        frame.clear();
        frame.resize(request.destination, 0);
        let (coding, syntax, limit) = (&request.coding, request.syntax, request.frame_limit);
        let decoded = match request.keep {
            Keep::No => unpack_frame(coding, syntax, request.codestream, limit, &mut frame),
            Keep::File => {
                file = request.codestream;
                unpack_page(coding, syntax, &file, limit, &mut frame)
            }
            Keep::Again => unpack_page(coding, syntax, &file, limit, &mut frame),
        };
        let answer = match decoded {
            Err(fault) => Answer::Refused(fault),
            Ok(()) => match shared.as_mut().map(|file| put(file, &mut frame)) {
                Some(Ok(())) => Answer::Shared,
                _ => Answer::Inline(std::mem::take(&mut frame)),
            },
        };
        answer.write(&mut answers)?;
    }
}

/// Writes the frame into the memory that both have open. A large one is given away from its end on, so that it is not
/// there twice, and its memory is not kept for the next frame.
fn put(file: &mut File, frame: &mut Vec<u8>) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom};
    while frame.len() > LARGE_FRAME {
        let at = frame.len() - LARGE_FRAME / 2;
        file.seek(SeekFrom::Start(at as u64))?;
        file.write_all(frame.get(at..).unwrap_or_default())?;
        frame.truncate(at);
        frame.shrink_to_fit();
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(frame)
}

/// Memory that another process can open as a file; it has no name and vanishes with its last user.
fn shared_memory() -> Option<File> {
    #[cfg(target_os = "linux")]
    {
        let fd = rustix::fs::memfd_create("frame", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
        Some(File::from(fd))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(target_os = "linux")]
fn number_of(file: &File) -> Option<u32> {
    use std::os::fd::AsRawFd as _;
    u32::try_from(file.as_raw_fd()).ok()
}

#[cfg(not(target_os = "linux"))]
fn number_of(_: &File) -> Option<u32> {
    None
}

/// An allocation beyond it fails, and the failure ends this process only.
fn limit_memory(bytes: u64) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let limit = |bytes| Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        let _ = setrlimit(Resource::As, limit(bytes));
        // Nothing is kept of a crash: it would hold pixels.
        let _ = setrlimit(Resource::Core, limit(0));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}
