//! `negatoscope demo`: writes the synthetic study with its record and truth, and opens the window on it.

use super::{AppError, Options};
use crate::{
    console::{Common, Exit, Output},
    task::{CancelToken, Progress},
    workspace::{
        demo::{self, DemoFiles},
        settings_file::SettingsFile,
    },
};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for the demo's files; without it they vanish when the window closes
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Render the window into a PNG instead of opening it
    #[arg(long, value_name = "FILE.png")]
    pub screenshot: Option<PathBuf>,
    /// Size of the rendered window in points
    #[arg(long, value_name = "WxH", default_value = "1440x900", value_parser = parse_size)]
    pub size: [f32; 2],
    /// Only write the files
    #[arg(long)]
    pub no_window: bool,
}

#[cfg(feature = "screen")]
use super::screen::parse_size;

#[cfg(not(feature = "screen"))]
fn parse_size(text: &str) -> Result<[f32; 2], String> {
    Err(format!(
        "`{text}`: this build cannot render the window without a display"
    ))
}

/// Writes the demo into a folder, or into one of its own, and takes its record into a throw-away store.
///
/// # Errors
/// [`AppError::Demo`] with what could not be written.
pub fn write(
    folder: Option<PathBuf>,
    seed: Option<u64>,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<DemoFiles, AppError> {
    demo::write(folder, seed, progress, cancel).map_err(|e| AppError::Demo(e.to_string()))
}

/// Runs `demo`.
pub fn run(args: &DemoArgs, common: &Common, out: &mut Output) -> Exit {
    if args.no_window {
        return files_only(args, common, out);
    }
    // A picture of the window is the same for everybody; the window itself is that of its user.
    let settings_folder = match args.screenshot {
        Some(_) => None,
        None => SettingsFile::usual_folder(),
    };
    let options = Options {
        demo: true,
        settings_folder,
        demo_folder: args.out.clone(),
        ..Options::of(common)
    };
    let result = match &args.screenshot {
        Some(path) => screenshot(options, args, path),
        None => super::window::run(options),
    };
    match result {
        Ok(()) => {
            if let Some(path) = &args.screenshot {
                out.line(path.display().to_string());
            }
            Exit::Done
        }
        Err(error) => {
            out.error(error.to_string());
            match error {
                AppError::NoDisplay | AppError::NoAdapter(_) => Exit::Usage,
                AppError::Io(_) | AppError::Demo(_) => Exit::Io,
                _ => Exit::Internal,
            }
        }
    }
}

fn files_only(args: &DemoArgs, common: &Common, out: &mut Output) -> Exit {
    let Some(folder) = args.out.clone() else {
        out.error("`demo --no-window` needs `--out DIR`");
        return Exit::Usage;
    };
    match write(
        Some(folder),
        common.seed,
        &Progress::default(),
        &CancelToken::default(),
    ) {
        Ok(files) => {
            if common.json {
                out.json(&serde_json::json!({
                    "folder": files.folder,
                    "images": files.images,
                    "records": files.bundles,
                    "truth": files.truth,
                }));
            } else {
                out.line(files.folder.display().to_string());
            }
            Exit::Done
        }
        Err(error) => {
            out.error(error.to_string());
            Exit::Io
        }
    }
}

/// The window a stranger should see first: the CT in four views, the record beside it.
#[cfg(feature = "screen")]
fn screenshot(options: Options, args: &DemoArgs, path: &std::path::Path) -> Result<(), AppError> {
    let mut stage = super::stage::Stage::open(options, args.size)?;
    stage.settle()?;
    stage.save(path)
}

#[cfg(not(feature = "screen"))]
fn screenshot(
    _options: Options,
    _args: &DemoArgs,
    _path: &std::path::Path,
) -> Result<(), AppError> {
    Err(AppError::Window(
        "this build cannot render the window without a display".into(),
    ))
}
