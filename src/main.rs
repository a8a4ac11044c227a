//! The `negatoscope` program: parses the command line and hands over to the library.

use clap::{Parser, Subcommand};
use negatoscope::{
    app::{
        self, AppError, Options,
        restart::{self, OnLoss},
    },
    bench, cli,
    console::{self, Common, Exit, Output},
    diary::Diary,
    dicom::worker::{self, Workers},
    workspace::settings_file::SettingsFile,
};
use std::{
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::ExitCode,
};

/// Negatoscope (观片灯): a native radiology workstation. Research and education. Not for diagnostic use.
#[derive(Debug, Parser)]
#[command(name = "negatoscope", version, about)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
    /// Files and folders to open in the window
    paths: Vec<PathBuf>,
    /// FHIR bundles to show beside the pictures, in a store that vanishes with the window
    #[arg(long = "record", value_name = "FILE")]
    records: Vec<PathBuf>,
    /// Go on where the process before was, which says so on standard input
    #[arg(long = "go-on", hide = true)]
    go_on: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the synthetic demo and open the window on it
    Demo(app::demo::DemoArgs),
    /// Drive the real window without a display
    #[cfg(feature = "screen")]
    Screen(app::screen::ScreenArgs),
    /// The program's own measured work
    Bench(bench::BenchArgs),
    #[command(flatten)]
    Headless(cli::Command),
}

fn main() -> ExitCode {
    // Decoding for another process of this program: nothing else is set up.
    if let Some(memory) = worker::asked_for(std::env::args().skip(1)) {
        return ExitCode::from(u8::from(console::decode_for_another(memory).is_err()));
    }
    let mut arguments = Arguments::parse();
    arguments.common.workers = Workers::of_this_program();
    // A diary that cannot be kept is no reason not to work.
    let _ = Diary::usual().start();
    let quiet = arguments.common.quiet;
    // The panic hook has written down the place; the process still ends in an orderly way.
    let exit = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut out = Output::stdio(quiet);
        let exit = match arguments.common.take_archive_passphrase() {
            Ok(()) => run(arguments, &mut out),
            Err((exit, text)) => {
                out.error(text);
                exit
            }
        };
        out.flush();
        exit
    }));
    let exit = exit.unwrap_or_else(|_| {
        Output::stdio(quiet).error("an internal error happened; what was saved before is kept");
        Exit::Internal
    });
    ExitCode::from(exit as u8)
}

fn run(mut arguments: Arguments, out: &mut Output) -> Exit {
    let command = arguments.command.take();
    match command {
        Some(Command::Demo(args)) => app::demo::run(&args, &arguments.common, out),
        #[cfg(feature = "screen")]
        Some(Command::Screen(args)) => app::screen::run(&args, &arguments.common, out),
        Some(Command::Bench(args)) => bench::run(&args, &arguments.common, out),
        Some(Command::Headless(command)) => cli::run(command, &arguments.common, out),
        None => window(&arguments, out),
    }
}

fn window(arguments: &Arguments, out: &mut Output) -> Exit {
    let common = &arguments.common;
    let options = Options {
        paths: arguments.paths.clone(),
        records: arguments.records.clone(),
        settings_folder: SettingsFile::usual_folder(),
        ..Options::of(common)
    };
    let mut options = options;
    options.on_loss = Some(OnLoss::next_process());
    if arguments.go_on {
        match restart::received() {
            Ok(handover) => options.handover = Some(handover),
            Err(error) => {
                out.error(format!("nothing was handed over: {error}"));
                return Exit::Internal;
            }
        }
    } else {
        let after = std::env::var("NEGATOSCOPE_LOSE_DEVICE_AFTER").ok();
        options.lose_device_after = after
            .and_then(|seconds| seconds.parse().ok())
            .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    }
    let options = match options.with_store(common) {
        Ok(options) => options,
        Err((exit, text)) => {
            out.error(text);
            return exit;
        }
    };
    match app::window::run(options) {
        Ok(()) => Exit::Done,
        Err(error) => {
            out.error(error.to_string());
            match error {
                AppError::NoDisplay | AppError::NoAdapter(_) => Exit::Usage,
                _ => Exit::Internal,
            }
        }
    }
}
