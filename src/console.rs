//! Flags, streams and exit codes that the window, the commands and the benches share.
//!
//! Must stay true: this is the only place that writes to standard output; to standard error write only this
//! and [`crate::diary`].

use crate::{
    dicom::{
        archive::Keyring,
        frames::FileFrames,
        guard::Limits,
        scan::ScanOptions,
        worker::{self, Workers},
    },
    model::{access::AuditKind, passphrase::Passphrase},
    store::{AuditEvent, Store, SystemKeyring, remember::is_remembered_anywhere},
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
    sync::Arc,
};

/// Where pictures are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// The renderer of the window.
    #[default]
    Gpu,
    /// Its f64 reference.
    Cpu,
}

/// Where networks run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// The device that draws when it is a real GPU, else the CPU.
    #[default]
    Auto,
    /// The device that draws, whatever it is.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Print JSON (one value, or one object a line where many inputs are read)
    #[arg(long, global = true)]
    pub json: bool,
    /// Folder of the encrypted store (default: the platform's data folder)
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// File descriptor to read the passphrase from, up to its end or first line feed
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<i32>,
    /// Account of the store (default: its owner)
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Do what a reader may although the account may not, for a reason that the log keeps
    #[arg(long, global = true, value_name = "REASON")]
    pub break_glass: Option<String>,
    /// File descriptor to read the passphrase of encrypted archives from, in the same way
    #[arg(long, global = true, value_name = "N")]
    pub archive_passphrase_fd: Option<i32>,
    /// Where pictures are drawn
    #[arg(long, global = true, value_enum, default_value_t)]
    pub backend: Backend,
    /// Where networks run
    #[arg(long, global = true, value_enum, default_value_t)]
    pub device: DeviceChoice,
    /// Seed of everything random
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads (default: one a core)
    #[arg(long, global = true, value_name = "N")]
    pub jobs: Option<usize>,
    /// Upper bound of memory for decoded data, for example 512M or 2G
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    pub max_memory: Option<u64>,
    /// Print patient identity; without it names and ids are `[redacted]`
    #[arg(long, global = true)]
    pub show_phi: bool,
    /// No messages beside errors
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Fix the clock to this ISO instant, for output that repeats to the byte
    #[arg(long, global = true, value_name = "ISO")]
    pub clock: Option<String>,
    /// Who decodes compressed frames; this process where there are none.
    #[arg(skip)]
    pub workers: Option<Arc<Workers>>,
    /// Passphrases of encrypted archives.
    #[arg(skip)]
    pub keys: Keyring,
}

/// Longest passphrase that is read, bytes.
const MAX_PASSPHRASE: usize = 4096;

/// Reads a passphrase from a file descriptor, up to its end or first line feed.
///
/// # Errors
/// How the command ends, and one sentence.
pub fn read_passphrase(number: i32) -> Result<Passphrase, (Exit, String)> {
    let read = match number {
        // Reopening standard input would lose what this process has read ahead.
        0 => read_line(&mut io::stdin().lock()),
        _ => open_descriptor(number).and_then(|mut file| read_line(&mut file)),
    };
    match read {
        Ok(bytes) if bytes.len() > MAX_PASSPHRASE => {
            let text = format!("the passphrase is longer than {MAX_PASSPHRASE} bytes");
            Err((Exit::Usage, text))
        }
        Ok(bytes) => Ok(Passphrase::new(bytes)),
        Err(error) => {
            let text = format!(
                "the passphrase could not be read from descriptor {number}: {}",
                error.kind()
            );
            Err((Exit::Locked, text))
        }
    }
}

#[cfg(unix)]
fn open_descriptor(number: i32) -> io::Result<File> {
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    File::open(format!("{folder}/{number}"))
}

#[cfg(not(unix))]
fn open_descriptor(_number: i32) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bytes up to the first line feed, one at a time: what follows belongs to somebody else.
fn read_line(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(MAX_PASSPHRASE + 1);
    let mut byte = [0];
    while line.len() <= MAX_PASSPHRASE {
        match source.read(&mut byte) {
            Ok(0) => break,
            Ok(_) if byte == [b'\n'] => break,
            Ok(_) => line.extend(byte),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(line)
}

/// Decodes frames for another process of this program, over the standard streams; `memory` is the most address space
/// this one may take.
///
/// # Errors
/// The other process is gone.
pub fn decode_for_another(memory: u64) -> io::Result<()> {
    worker::serve(memory, io::stdin().lock(), io::stdout().lock())
}

impl Common {
    /// Where imported models are: below the store's folder, else below that of this account.
    pub fn models_folder(&self) -> Option<PathBuf> {
        let platform = || {
            directories::ProjectDirs::from("", "", "negatoscope")
                .map(|dirs| dirs.data_dir().to_owned())
        };
        let root = self.store.clone().or_else(platform);
        root.map(|root| root.join("models"))
    }

    /// Where frames come from.
    pub fn frame_source(&self, limits: Limits) -> FileFrames {
        FileFrames::with_limits(limits)
            .with_workers(self.workers.clone())
            .with_keys(self.keys.clone())
    }

    /// How files are scanned.
    pub fn scan_options(&self, limits: Limits) -> ScanOptions {
        ScanOptions {
            limits,
            keys: self.keys.clone(),
        }
    }

    /// Reads what `--archive-passphrase-fd` names.
    ///
    /// # Errors
    /// As [`read_passphrase`].
    pub fn take_archive_passphrase(&mut self) -> Result<(), (Exit, String)> {
        if let Some(number) = self.archive_passphrase_fd {
            self.keys.add(read_passphrase(number)?);
        }
        Ok(())
    }

    /// Lets paths be opened that lead to what a store keeps, as files are: the store is opened for its key when the first
    /// of them is met, and its log says so.
    pub fn open_kept_files(&self) {
        let (number, user) = (self.passphrase_fd, self.user.clone());
        self.keys.unlock_with(move |dir| {
            let user = user.as_deref();
            let opened = match number {
                Some(number) => Store::open_as(dir, user, &read_passphrase(number).ok()?),
                None if is_remembered_anywhere(dir) => {
                    Store::open_remembered(dir, user, &SystemKeyring)
                }
                None => return None,
            };
            let store = opened.ok()?;
            let event = AuditEvent::new(AuditKind::StudyViewed, "kept files, by a command");
            store.log_now(event).ok()?;
            store.vault().ok()?
        });
    }

    /// `text`, or `[redacted]` unless identity was asked for.
    pub fn phi<'a>(&self, text: &'a str) -> &'a str {
        if self.show_phi { text } else { "[redacted]" }
    }

    /// Now in UTC as `YYYY-MM-DDThh:mm:ssZ`, or the fixed clock.
    pub fn now(&self) -> String {
        self.clock.clone().unwrap_or_else(|| {
            jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string()
        })
    }
}

/// A number of bytes such as `512M` or `2G`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text
        .trim()
        .trim_end_matches(['b', 'B'])
        .trim_end_matches('i');
    let (number, factor) = match text.chars().last() {
        Some('k' | 'K') => (&text[..text.len() - 1], 1 << 10),
        Some('m' | 'M') => (&text[..text.len() - 1], 1 << 20),
        Some('g' | 'G') => (&text[..text.len() - 1], 1u64 << 30),
        _ => (text, 1),
    };
    let number: u64 = number
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is not a size"))?;
    number
        .checked_mul(factor)
        .ok_or_else(|| format!("`{text}` is too large"))
}

/// How a command ended; the number is the process's exit code (cli contract).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Ran, and something was found: a verification failed, one of several inputs was rejected.
    Finding = 1,
    /// Wrong usage, or no display.
    Usage = 2,
    /// The one input was rejected.
    Rejected = 3,
    /// A limit was exceeded.
    Limit = 4,
    /// Not supported.
    Unsupported = 5,
    /// Locked, or wrong passphrase.
    Locked = 6,
    /// Permission denied.
    Denied = 7,
    /// The store is damaged.
    StoreDamaged = 8,
    /// Disk or input/output.
    Io = 9,
    /// Internal error: always a defect.
    Internal = 70,
}

/// Standard output and standard error, the only place that writes to them.
pub struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    quiet: bool,
}

impl Output {
    /// The process's streams.
    pub fn stdio(quiet: bool) -> Self {
        Self {
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            quiet,
        }
    }

    /// Streams of a test.
    pub fn to(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            err,
            quiet: false,
        }
    }

    /// A line of result. A closed pipe ends the output silently, as is the custom.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.out, "{}", text.as_ref());
    }

    /// A JSON value on one line.
    pub fn json(&mut self, value: &impl Serialize) {
        if serde_json::to_writer(&mut self.out, value).is_ok() {
            let _ = writeln!(self.out);
        }
    }

    /// A message, not shown with `--quiet`.
    pub fn note(&mut self, text: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(self.err, "{}", text.as_ref());
        }
    }

    /// An error message, always shown.
    pub fn error(&mut self, text: impl AsRef<str>) {
        self.flush();
        let _ = writeln!(self.err, "negatoscope: {}", text.as_ref());
    }

    /// Brings everything out; needed before an acknowledgement counts.
    pub fn flush(&mut self) {
        let _ = self.out.flush();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("512M"), Ok(512 << 20));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert_eq!(parse_size("77"), Ok(77));
        assert!(parse_size("many").is_err());
        assert!(parse_size("99999999999999G").is_err());
    }
}
