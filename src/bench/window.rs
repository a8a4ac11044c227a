//! The real window: from the start of the process to the first frame, and what it costs when nothing happens.

use super::{
    Cases, Failure,
    measure::{Case, Samples},
    process,
};
use crate::{
    app::{AppError, Options, minimal, watch},
    console::{Common, Exit},
    workspace::Command,
};
use clap::Args;
use std::{path::PathBuf, time::Duration};

/// Arguments of `start`.
#[derive(Clone, Debug, Args)]
pub struct StartArgs {
    /// What ends the measurement; only the first frame is known
    #[arg(long, default_value = "first-frame", value_parser = ["first-frame"])]
    pub until: String,
    /// A window with nothing in it instead: what toolkit and device cost by themselves
    #[arg(long, conflicts_with = "paths")]
    pub bare: bool,
    /// A window with one triangle instead, without any toolkit: the plainest program that shows something
    #[arg(long, conflicts_with_all = ["paths", "bare"])]
    pub minimal: bool,
    /// Files and folders to open
    pub paths: Vec<PathBuf>,
}

/// Arguments of `idle`.
#[derive(Clone, Debug, Args)]
pub struct IdleArgs {
    /// How long
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// A command to carry out first, as `show-list`; may be given several times
    #[arg(long = "command", value_name = "NAME", value_parser = command)]
    pub commands: Vec<Command>,
    /// Files and folders to open first
    pub paths: Vec<PathBuf>,
}

fn command(name: &str) -> Result<Command, String> {
    Command::named(name).ok_or_else(|| format!("`{name}` is not a command"))
}

/// From the start of the process to the first frame that is drawn and may be clicked.
pub(super) fn start(
    args: &StartArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let seen = match (args.bare, args.minimal) {
        (true, _) => watch::bare_first_frame(process::age_ms),
        (_, true) => minimal::first_frame(process::age_ms),
        _ => watch::first_frame(options(&args.paths, common)?, process::age_ms),
    };
    let seen = seen.map_err(failure)?;
    let samples = Samples {
        wall_ms: vec![seen.clock_ms.unwrap_or(seen.since_call_ms)],
        cpu_ms: process::cpu_ms().into_iter().collect(),
    };
    let clock = if seen.clock_ms.is_some() {
        "process start, 10 ms ticks"
    } else {
        "call"
    };
    let name = match (args.bare, args.minimal) {
        (true, _) => "start-bare",
        (_, true) => "start-minimal",
        _ => "start",
    };
    let mut case = Case::new(name, input_name(&args.paths), samples)
        .with("since_call_ms", seen.since_call_ms)
        .with("clock", clock);
    case.adapter = Some(seen.adapter);
    case.frames = Some(1);
    cases.push(&case);
    Ok(())
}

/// Frames and processor time while nothing happens.
pub(super) fn idle(args: &IdleArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let length = Duration::from_secs(args.seconds.clamp(1, 3600));
    let commands = args.commands.clone();
    let options = options(&args.paths, common)?;
    let seen = watch::idle(options, commands, length, process::cpu_ms).map_err(failure)?;
    let samples = Samples {
        wall_ms: vec![seen.wall_ms],
        cpu_ms: seen.clock_ms.into_iter().collect(),
    };
    let causes: serde_json::Map<String, serde_json::Value> = seen
        .causes
        .iter()
        .map(|(cause, n)| ((*cause).to_owned(), (*n).into()))
        .collect();
    let mut case = Case::new("idle", input_name(&args.paths), samples)
        .with("pictures", seen.pictures)
        .with("repaint_causes", causes);
    case.adapter = Some(seen.adapter);
    case.frames = Some(seen.frames);
    cases.push(&case);
    Ok(())
}

fn input_name(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        "nothing open".into()
    } else {
        format!("{} paths open", paths.len())
    }
}

/// With the store that `--store` names, under the passphrase of `--passphrase-fd`.
fn options(paths: &[PathBuf], common: &Common) -> Result<Options, Failure> {
    let options = Options {
        paths: paths.to_vec(),
        ..Options::of(common)
    };
    let opened = options.with_passphrase(common);
    opened.map_err(|(exit, text)| Failure::new(exit, text))
}

fn failure(error: AppError) -> Failure {
    let exit = match error {
        AppError::NoDisplay | AppError::NoAdapter(_) => Exit::Usage,
        _ => Exit::Internal,
    };
    Failure::new(exit, error)
}
