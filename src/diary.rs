//! What the program writes about itself: messages for whoever looks into a problem, and crash files.
//!
//! Must stay true: nothing that identifies a patient gets in. Therefore
//! - only this program's own events pass; those of other crates may quote what a file contains,
//! - a panic's message is written only when it is text of the source code, never when it was put together from
//!   values,
//! - crash files name functions, not values, and no folder of the machine that built the program.

use std::{
    backtrace::Backtrace,
    cell::Cell,
    fmt::Write as _,
    fs,
    io::{self, Write},
    panic::{self, PanicHookInfo, UnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter, fmt::MakeWriter, layer::SubscriberExt as _,
};

/// Environment variable with the log filter, for example `debug` or `negatoscope::dicom=trace`.
pub const LOG_VARIABLE: &str = "NEGATOSCOPE_LOG";

/// Bytes that one run writes into the log file at most.
const FILE_LIMIT: u64 = 8 << 20;

/// Crash files that one run writes at most; a defect in a loop must not fill the disk.
const CRASHES_PER_RUN: u64 = 8;

/// Crash files kept in the folder, the newest.
const CRASHES_KEPT: usize = 32;

/// Functions named in a crash file at most.
const FUNCTIONS_NAMED: usize = 96;

/// Stands in a crash file for a message that may carry values.
const WITHHELD: &str = "(withheld: it may carry data of a file)";

/// Where the diary goes.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// Log filter; `None` takes [`LOG_VARIABLE`], and without that warnings and errors.
    pub filter: Option<String>,
    /// Also write the log here.
    pub file: Option<PathBuf>,
    /// Folder of crash files, made when the first is written; `None` writes none.
    pub crashes: Option<PathBuf>,
}

impl Diary {
    /// The usual places: no log file, crash files in the platform's data folder.
    pub fn usual() -> Self {
        Self {
            crashes: directories::ProjectDirs::from("", "", "negatoscope")
                .map(|folders| folders.data_local_dir().join("crashes")),
            ..Self::default()
        }
    }

    /// Starts the log and sets the panic hook; the first call of a process counts for the log.
    ///
    /// # Errors
    /// When the log file cannot be opened; the panic hook is set all the same.
    pub fn start(self) -> io::Result<()> {
        set_panic_hook(self.crashes);
        let filter = self
            .filter
            .or_else(|| std::env::var(LOG_VARIABLE).ok())
            .unwrap_or_default();
        let file = self.file.as_deref().map(BoundedFile::open).transpose()?;
        let sink = Sink { file };
        // A second start, as in tests, keeps the first one's log.
        let _ = tracing::subscriber::set_global_default(subscriber(&filter, sink));
        Ok(())
    }
}

/// Runs a job whose panics are expected and become an error of that job: decoders of other crates on hostile
/// files. No crash file and no message is written for them; the place is.
///
/// # Errors
/// The place where `job` panicked.
pub fn contain<T>(job: impl FnOnce() -> T + UnwindSafe) -> Result<T, Contained> {
    let outer = CONTAINED.with(|depth| depth.replace(depth.get() + 1));
    LAST_PLACE.with(|place| place.take());
    let result = panic::catch_unwind(job);
    CONTAINED.with(|depth| depth.set(outer));
    result.map_err(|_| Contained {
        place: LAST_PLACE.with(|place| place.take()).unwrap_or_default(),
    })
}

/// A panic that [`contain`] stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped at {place}")]
pub struct Contained {
    /// Source file and line, free of machine paths; empty when no hook was set.
    pub place: String,
}

thread_local! {
    static CONTAINED: Cell<u32> = const { Cell::new(0) };
    static LAST_PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Events of this program that the filter lets through, as plain lines.
fn subscriber<W>(filter: &str, sink: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse_lossy(filter);
    let own = filter::filter_fn(|event| is_own(event.target()));
    tracing_subscriber::registry().with(
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(sink)
            .with_filter(own)
            .with_filter(wanted),
    )
}

fn is_own(target: &str) -> bool {
    target
        .strip_prefix("negatoscope")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Standard error, and the log file where there is one.
#[derive(Clone)]
struct Sink {
    file: Option<BoundedFile>,
}

impl<'w> MakeWriter<'w> for Sink {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A closed standard error, or a full disk, must not end the program that reports them.
        let _ = io::stderr().write_all(bytes);
        if let Some(file) = &self.file {
            file.append(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that takes [`FILE_LIMIT`] bytes and then no more. The log of the run before is kept as `NAME.old`.
#[derive(Clone)]
struct BoundedFile(Arc<Mutex<(fs::File, u64)>>);

impl BoundedFile {
    fn open(path: &Path) -> io::Result<Self> {
        if path.exists() {
            let mut old = path.as_os_str().to_owned();
            old.push(".old");
            fs::rename(path, old)?;
        }
        Ok(Self(Arc::new(Mutex::new((private_file(path)?, 0)))))
    }

    fn append(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = state.1.saturating_add(bytes.len() as u64);
        if after <= FILE_LIMIT && state.0.write_all(bytes).is_ok() {
            state.1 = after;
        }
    }
}

/// A new file that only its owner may read.
fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn set_panic_hook(crashes: Option<PathBuf>) {
    let written = AtomicU64::new(0);
    panic::set_hook(Box::new(move |panic| {
        let place = panic
            .location()
            .map(|at| format!("{}:{}", public_path(at.file()), at.line()))
            .unwrap_or_default();
        if CONTAINED.with(Cell::get) > 0 {
            tracing::debug!(place, "contained");
            LAST_PLACE.with(|last| last.set(Some(place)));
            return;
        }
        let this = thread::current();
        let thread = this.name().unwrap_or("without a name");
        let message = own_words(panic).unwrap_or(WITHHELD);
        // Not `eprintln!`: it panics itself when standard error is closed.
        let mut err = io::stderr();
        let _ = writeln!(
            err,
            "negatoscope: internal error in thread `{thread}` at {place}: {message}"
        );
        let number = written.fetch_add(1, Ordering::Relaxed);
        if let Some(folder) = &crashes
            && number < CRASHES_PER_RUN
            && let Some(path) = write_crash(folder, number, thread, &place, message)
        {
            let _ = writeln!(
                err,
                "negatoscope: a report without patient data is in {}",
                path.display()
            );
        }
    }));
}

/// The panic's message when it is text of the source: formatting makes a `String`, a bare literal stays `&'static`.
fn own_words<'p>(panic: &'p PanicHookInfo<'_>) -> Option<&'p str> {
    panic.payload().downcast_ref::<&'static str>().copied()
}

fn write_crash(
    folder: &Path,
    number: u64,
    thread: &str,
    place: &str,
    message: &str,
) -> Option<PathBuf> {
    fs::create_dir_all(folder).ok()?;
    let now = jiff::Timestamp::now();
    let path = folder.join(format!(
        "crash-{}-{}-{number}.txt",
        now.strftime("%Y%m%dT%H%M%S"),
        std::process::id()
    ));
    let mut text = String::new();
    let _ = writeln!(text, "negatoscope {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(
        text,
        "system {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let _ = writeln!(text, "time {}", now.strftime("%Y-%m-%dT%H:%M:%SZ"));
    let _ = writeln!(text, "thread {thread}");
    let _ = writeln!(text, "place {place}");
    let _ = writeln!(text, "message {message}");
    let _ = writeln!(text, "functions, innermost first:");
    for function in functions(&Backtrace::force_capture().to_string()) {
        let _ = writeln!(text, "  {function}");
    }
    let mut file = private_file(&path).ok()?;
    file.write_all(text.as_bytes()).ok()?;
    sweep(folder);
    Some(path)
}

/// Keeps the newest [`CRASHES_KEPT`] crash files; their names begin with the time.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut crashes: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("crash-") && name.ends_with(".txt"))
        })
        .collect();
    crashes.sort();
    let surplus = crashes.len().saturating_sub(CRASHES_KEPT);
    for path in crashes.iter().take(surplus) {
        let _ = fs::remove_file(path);
    }
}

/// The functions of a printed backtrace, each with its place: lines `  12: name`, below them `at path:line:column`.
fn functions(backtrace: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in backtrace.lines() {
        let line = line.trim_start();
        if let Some(place) = line.strip_prefix("at ") {
            let mut parts = place.rsplitn(3, ':');
            let (_column, at) = (parts.next(), parts.next());
            if let (Some(at), Some(path), Some(last)) = (at, parts.next(), out.last_mut()) {
                let _ = write!(last, "  {}:{at}", public_path(path));
            }
        } else if let Some((number, name)) = line.split_once(": ")
            && number.bytes().all(|b| b.is_ascii_digit())
        {
            if out.len() == FUNCTIONS_NAMED {
                break;
            }
            out.push(name.to_owned());
        }
    }
    out
}

/// A source path without the folders of the machine that built the program: `src/…` of this package,
/// `crate-1.2.3/src/…` of another, else the last three parts.
fn public_path(path: &str) -> String {
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|part| *part != ".")
        .collect();
    // Packages lie in `registry/src/<index>/<package>`.
    let registry = parts
        .windows(2)
        .position(|pair| pair == ["registry", "src"])
        .map(|at| at + 3);
    let begin = match registry {
        Some(begin) if begin < parts.len() => begin,
        _ if parts.first() == Some(&"src") => 0,
        _ => parts.len().saturating_sub(3),
    };
    parts.get(begin..).unwrap_or_default().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const SECRET: &str = "DOE^JOHN^NEVERLAND";
    const FOLDER: &str = "NEGATOSCOPE_TEST_CRASHES";

    /// Runs in a process of its own, so that the hook is set there only.
    #[test]
    #[ignore = "run by the test below in a process of its own"]
    fn child_that_panics() {
        let folder = PathBuf::from(std::env::var_os(FOLDER).expect("run by the test below"));
        let diary = Diary {
            filter: Some("trace".to_owned()),
            file: Some(folder.join("log.txt")),
            crashes: Some(folder),
        };
        diary.start().expect("the folder is there");
        tracing::warn!("own event");
        tracing::error!(target: "dicom_object", "value {SECRET}");
        let in_thread = |name: &str, job: fn()| {
            let worker = thread::Builder::new().name(name.to_owned()).spawn(job);
            assert!(worker.expect("a thread").join().is_err());
        };
        in_thread("decoder", || {
            let name = SECRET.to_lowercase().to_uppercase();
            panic!("cannot read {name}");
        });
        in_thread("plain", || panic!("no frame to show"));
        let contained = contain(|| {
            let name = SECRET.to_owned();
            assert_eq!(name, "", "quiet");
        });
        let place = contained.expect_err("it panics").place;
        assert!(place.starts_with("src/diary.rs:"), "{place}");
        let payload = contain(|| panic::panic_any(SECRET.to_owned()));
        assert!(payload.is_err());
    }

    #[test]
    fn a_panic_tells_no_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "diary::tests::child_that_panics"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .output()
            .expect("it runs");
        let out = String::from_utf8_lossy(&child.stdout);
        let err = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{out}\n{err}");
        assert!(out.contains("1 passed"), "{out}");

        assert!(
            err.contains("internal error in thread `decoder` at src/diary.rs:"),
            "{err}"
        );
        assert!(err.contains(WITHHELD), "{err}");
        assert!(err.contains("thread `plain`"), "{err}");
        assert!(err.contains("no frame to show"), "{err}");
        assert!(err.contains("own event"), "{err}");
        assert_eq!(
            err.matches("internal error").count(),
            2,
            "contained ones are quiet: {err}"
        );

        let mut crashes = 0;
        let mut all = format!("{out}{err}");
        for entry in fs::read_dir(folder.path()).expect("the folder") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("text");
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            if name.starts_with("crash-") {
                crashes += 1;
                assert!(text.contains("place src/diary.rs:"), "{text}");
                assert!(
                    text.matches("src/diary.rs:").count() >= 3,
                    "names functions: {text}"
                );
                assert!(text.contains("core::panicking::panic_fmt"), "{text}");
                assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
                assert!(!text.contains("/rustc/"), "{text}");
            }
            all.push_str(&text);
        }
        assert_eq!(crashes, 2);
        assert!(all.contains("own event"));
        for word in ["DOE^", "JOHN", "NEVERLAND"] {
            assert!(!all.contains(word), "{word} got out: {all}");
        }
    }

    #[test]
    fn only_own_targets_pass() {
        assert!(is_own("negatoscope"));
        assert!(is_own("negatoscope::dicom::read"));
        assert!(!is_own("negatoscope_else"));
        assert!(!is_own("dicom_object::file"));
        assert!(!is_own(""));
    }

    #[test]
    fn source_paths_lose_the_machine() {
        for (path, expected) in [
            ("src/dicom/read.rs", "src/dicom/read.rs"),
            (
                "/home/jane/.cargo/registry/src/index-0123/dicom-parser-0.10.1/src/lib.rs",
                "dicom-parser-0.10.1/src/lib.rs",
            ),
            (
                r"C:\Users\jane\.cargo\registry\src\index-0123\wgpu-30.0.1\src\api.rs",
                "wgpu-30.0.1/src/api.rs",
            ),
            (
                "/rustc/59807616e/library/core/src/slice/index.rs",
                "src/slice/index.rs",
            ),
            ("/home/jane/registry/src/x", "registry/src/x"),
            ("", ""),
        ] {
            assert_eq!(public_path(path), expected);
        }
    }

    #[test]
    fn a_backtrace_becomes_functions_with_places() {
        let printed = "   0: core::panicking::panic_fmt\n             \
                       at /rustc/59807616e/library/core/src/panicking.rs:80:14\n   \
                       1: negatoscope::dicom::read\n             at ./src/dicom/read.rs:12:5\n   \
                       2: clone3\nnote: more: here\n";
        assert_eq!(
            functions(printed),
            [
                "core::panicking::panic_fmt  core/src/panicking.rs:80",
                "negatoscope::dicom::read  src/dicom/read.rs:12",
                "clone3",
            ]
        );
        let deep: String = (0..200).map(|n| format!("  {n}: f\n")).collect();
        assert_eq!(functions(&deep).len(), FUNCTIONS_NAMED);
        assert_eq!(functions("at nowhere\n: \nat a:b").len(), 1);
    }

    #[test]
    fn old_crash_files_go() {
        let folder = tempfile::tempdir().expect("a folder");
        for n in 0..CRASHES_KEPT + 3 {
            fs::write(folder.path().join(format!("crash-2026{n:03}.txt")), "x").expect("written");
        }
        fs::write(folder.path().join("log.txt"), "x").expect("written");
        sweep(folder.path());
        let left = fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, CRASHES_KEPT + 1);
        assert!(!folder.path().join("crash-2026002.txt").exists());
        assert!(folder.path().join("crash-2026003.txt").exists());
    }

    #[test]
    fn a_log_file_ends_at_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.txt");
        fs::write(&path, "before").expect("written");
        let file = BoundedFile::open(&path).expect("opened");
        let half = vec![b'x'; (FILE_LIMIT / 2) as usize];
        for _ in 0..3 {
            file.append(&half);
        }
        assert_eq!(fs::metadata(&path).expect("there").len(), FILE_LIMIT);
        let old = fs::read_to_string(folder.path().join("log.txt.old"));
        assert_eq!(old.expect("kept"), "before");
    }
}
