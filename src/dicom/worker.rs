//! Compressed frames decoded in processes of their own: a decoder that loops, asks for too much memory or dies costs
//! its frame and nothing else.
//!
//! The program starts itself with the hidden command `decode-worker` ([`serve`]). Requests go through its standard
//! input; a decoded frame comes back through memory that both processes have open, or behind the answer where the
//! system has no such thing. A process that dies, or that does not answer in time, is ended and replaced at the next
//! frame. What comes back is checked for its size before it is used.

mod child;
mod message;

pub use child::{asked_for, serve};

use super::{
    guard::Fault,
    syntax::Syntax,
    unpack::{Coding, unpack_frame, unpack_page},
};
use crate::{
    model::study::{Instance, RejectionKind},
    task::spawn_named,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use message::{Answer, Keep, Request};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// Bytes of address space that a process may use unless told otherwise.
pub const DEFAULT_MEMORY: u64 = 3 << 30;

/// Memory of a larger frame is given back as soon as the frame is where it belongs.
const LARGE_FRAME: usize = 32 << 20;

/// Idle processes that are kept for the next frames.
const KEPT: usize = 8;

/// How long a decoder may take: some seconds, and more for large frames.
fn patience(frame_bytes: usize) -> Duration {
    Duration::from_secs(20 + frame_bytes as u64 / (1 << 20))
}

/// Processes that decode.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    memory: u64,
    idle: Mutex<Vec<Worker>>,
}

impl Workers {
    /// Workers of this program, each with at most `memory` bytes of address space. Nothing is started before the
    /// first frame.
    pub fn new(program: PathBuf, memory: u64) -> Self {
        Self {
            program,
            memory,
            idle: Mutex::default(),
        }
    }

    /// Workers of the running program, which must hand its hidden command to [`serve`]; `None` when it does not know
    /// where it lies.
    pub fn of_this_program() -> Option<Arc<Self>> {
        let program = std::env::current_exe().ok()?;
        Some(Arc::new(Self::new(program, DEFAULT_MEMORY)))
    }

    /// Process numbers of the idle workers.
    pub fn idle_processes(&self) -> Vec<u32> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().map(|w| w.child.id()).collect()
    }

    /// Decodes a frame elsewhere.
    ///
    /// # Errors
    /// What the codec says; `CODEC_DIED` (rejected), `CODEC_TIME` (limit).
    pub(super) fn decode(
        &self,
        coding: &Coding,
        syntax: &Syntax,
        codestream: Vec<u8>,
        frame_limit: usize,
        destination: &mut [u8],
    ) -> Result<(), Fault> {
        let Some(mut worker) = self.take(|_| false) else {
            return unpack_frame(coding, syntax, codestream, frame_limit, destination);
        };
        let request = Request {
            coding: *coding,
            keep: Keep::No,
            syntax,
            frame_limit,
            codestream: &codestream,
        };
        let answer = worker.ask(&request, destination);
        self.settle(worker, answer, syntax)
    }

    /// Decodes a page of a picture file elsewhere. The file goes there once and stays for the next page; `read` is asked
    /// for it only then.
    ///
    /// # Errors
    /// As for [`Self::decode`], and what `read` says.
    pub(super) fn decode_page(
        &self,
        coding: &Coding,
        syntax: &Syntax,
        file: &FileKey,
        read: impl FnOnce() -> Result<Vec<u8>, Fault>,
        frame_limit: usize,
        destination: &mut [u8],
    ) -> Result<(), Fault> {
        let Some(mut worker) = self.take(|worker| worker.file.as_ref() == Some(file)) else {
            return unpack_page(coding, syntax, &read()?, frame_limit, destination);
        };
        let (keep, codestream) = match worker.file.as_ref() == Some(file) {
            true => (Keep::Again, Vec::new()),
            false => (Keep::File, read()?),
        };
        let request = Request {
            coding: *coding,
            keep,
            syntax,
            frame_limit,
            codestream: &codestream,
        };
        worker.file = Some(file.clone());
        let answer = worker.ask(&request, destination);
        self.settle(worker, answer, syntax)
    }

    /// An idle process, best one that is `wanted`, or a new one; `None` when none can be started.
    fn take(&self, wanted: impl Fn(&Worker) -> bool) -> Option<Worker> {
        let kept = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            match idle.iter().position(wanted) {
                Some(at) => Some(idle.swap_remove(at)),
                None => idle.pop(),
            }
        };
        // A kept process may have been ended from outside meanwhile; that is no fault of the frame.
        if let Some(worker) = kept.and_then(Worker::still_there) {
            return Some(worker);
        }
        let started = Worker::start(&self.program, self.memory);
        if let Err(error) = &started {
            tracing::warn!(target: "negatoscope", kind = %error.kind(), "no decode worker can be started");
        }
        started.ok()
    }

    /// Keeps a process that answered, and gives its answer.
    fn settle(
        &self,
        worker: Worker,
        answer: Result<Result<(), Fault>, Broken>,
        syntax: &Syntax,
    ) -> Result<(), Fault> {
        match answer {
            Ok(outcome) => {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < KEPT {
                    idle.push(worker);
                }
                outcome
            }
            // The process is ended by being dropped.
            Err(Broken::Died) => Err(Fault::rejected(
                "CODEC_DIED",
                format!("the decoder ended on the codestream ({})", syntax.name),
            )),
            Err(Broken::Late) => Err(Fault::new(
                RejectionKind::Limit,
                "CODEC_TIME",
                format!("the decoder took too long ({})", syntax.name),
            )),
        }
    }
}

/// Which picture file, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileKey {
    /// Made from the content when it was scanned.
    uid: String,
    path: Arc<Path>,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl FileKey {
    /// The file of an instance as it is now.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn of(instance: &Instance) -> Result<Self, Fault> {
        let path = &instance.source.path;
        let member = instance.source.member.as_ref();
        let found = std::fs::metadata(member.map_or(path, |m| &m.archive))?;
        Ok(Self {
            uid: instance.sop_instance_uid.clone(),
            path: Arc::clone(path),
            bytes: found.len(),
            modified: found.modified().ok(),
        })
    }
}

/// Why a process is of no more use.
enum Broken {
    Died,
    Late,
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Died
    }
}

/// One process.
#[derive(Debug)]
struct Worker {
    child: Child,
    requests: Option<ChildStdin>,
    answers: Receiver<Answer>,
    /// The memory that both have open.
    shared: Option<File>,
    /// The file of several pages that it keeps.
    file: Option<FileKey>,
}

impl Worker {
    fn start(program: &PathBuf, memory: u64) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(child::COMMAND)
            .arg(memory.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let (sender, receiver) = bounded(1);
        let mut worker = Self {
            child,
            requests,
            answers: receiver,
            shared: None,
            file: None,
        };
        let mut answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        // Answers are read on a thread, since only a channel can be waited for with a limit.
        spawn_named("decode-answers", move || {
            while let Ok(answer) = Answer::read(&mut answers) {
                if sender.send(answer).is_err() {
                    return;
                }
            }
        })?;
        match worker.answers.recv_timeout(Duration::from_secs(20)) {
            Ok(Answer::Ready { shared }) => {
                worker.shared = shared.and_then(|fd| open_shared(worker.child.id(), fd));
                let inline = [u8::from(worker.shared.is_none())];
                worker.stdin()?.write_all(&inline)?;
                Ok(worker)
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn stdin(&mut self) -> io::Result<&mut ChildStdin> {
        self.requests
            .as_mut()
            .ok_or(io::ErrorKind::BrokenPipe.into())
    }

    /// The process, unless it has ended.
    fn still_there(mut self) -> Option<Self> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    fn ask(
        &mut self,
        request: &Request<'_>,
        destination: &mut [u8],
    ) -> Result<Result<(), Fault>, Broken> {
        request.write(self.stdin()?, destination.len())?;
        let answer = self.answers.recv_timeout(patience(destination.len()));
        match answer {
            Ok(Answer::Shared) => {
                let shared = self.shared.as_mut().ok_or(Broken::Died)?;
                read_shared(shared, destination)?;
                Ok(Ok(()))
            }
            Ok(Answer::Inline(bytes)) if bytes.len() == destination.len() => {
                destination.copy_from_slice(&bytes);
                Ok(Ok(()))
            }
            Ok(Answer::Refused(fault)) => Ok(Err(fault)),
            Ok(Answer::Inline(_) | Answer::Ready { .. }) | Err(RecvTimeoutError::Disconnected) => {
                Err(Broken::Died)
            }
            Err(RecvTimeoutError::Timeout) => Err(Broken::Late),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its input ends a healthy process; a stuck one is ended.
        drop(self.requests.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The memory file of a process of ours, by its number there.
fn open_shared(process: u32, fd: u32) -> Option<File> {
    if cfg!(target_os = "linux") {
        let path = format!("/proc/{process}/fd/{fd}");
        let both = File::options().read(true).write(true).open(&path);
        return both.or_else(|_| File::open(&path)).ok();
    }
    None
}

fn read_shared(shared: &mut File, destination: &mut [u8]) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom};
    // This handle has a position of its own.
    shared.seek(SeekFrom::Start(0))?;
    shared.read_exact(destination)?;
    if destination.len() > LARGE_FRAME {
        // Where this is not allowed the memory waits for the next frame.
        let _ = shared.set_len(0);
    }
    Ok(())
}
