//! The one series that a command is about.

use super::{
    Common, Exit,
    inspect::{exit_of, in_pool, limits},
};
use crate::{
    dicom::{
        assemble::lay_out,
        scan::{ScanEvent, scan},
    },
    gpu::GpuError,
    model::{
        layout::{FrameRef, SeriesLayout},
        study::{Instance, Rejection, RejectionKind},
    },
    task::{CancelToken, Progress},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Why a command does not give what was asked for.
#[derive(Debug)]
pub struct Refusal {
    /// How the command ends.
    pub exit: Exit,
    /// One sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }
}

impl From<GpuError> for Refusal {
    fn from(error: GpuError) -> Self {
        let exit = match &error {
            GpuError::NoAdapter(_) | GpuError::NoDevice(_) => Exit::Usage,
            GpuError::FrameTooLarge { .. }
            | GpuError::TooManyLayers { .. }
            | GpuError::MaskTooLarge { .. }
            | GpuError::OutOfMemory { .. } => Exit::Limit,
            GpuError::Mismatch(_) => Exit::Unsupported,
            GpuError::Refused(_) | GpuError::ReadBack(_) => Exit::Internal,
        };
        Self::new(exit, error.to_string())
    }
}

/// Whether all slices of a series fit under `--max-memory`, where one is given.
///
/// # Errors
/// [`Exit::Limit`] with both numbers.
pub fn fits(layout: &SeriesLayout, common: &Common) -> Result<(), Refusal> {
    let bytes = |frame: &FrameRef| {
        let image = frame.instance.image.as_ref();
        image.map_or(0, |i| i.frame_bytes() as u64)
    };
    let needed: u64 = layout.frames.iter().map(bytes).sum();
    match common.max_memory {
        Some(most) if needed > most => {
            let [needed, most] = [needed, most].map(|n| n.div_ceil(1 << 20));
            let text = format!("the volume takes {needed} MiB and --max-memory allows {most}");
            Err(Refusal::new(Exit::Limit, text))
        }
        _ => Ok(()),
    }
}

/// Objects below some paths, and what does not open.
pub fn instances(paths: &[PathBuf], common: &Common) -> (Vec<Arc<Instance>>, Vec<Rejection>) {
    let found = Mutex::new((Vec::new(), Vec::new()));
    in_pool(common, || {
        scan(
            paths,
            &common.scan_options(limits(common)),
            &CancelToken::default(),
            &Progress::default(),
            &|event| {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    ScanEvent::Instance(instance) => found.0.push(instance),
                    ScanEvent::Rejected(rejection) => found.1.push(rejection),
                }
            },
        );
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the headers below a path and gives its layouts, with the first refusal.
pub fn layouts(path: &Path, common: &Common) -> (Vec<SeriesLayout>, Option<Rejection>) {
    let (instances, rejected) = instances(&[path.to_path_buf()], common);
    // What a passphrase would open is told first: there may be junk before it.
    let locked = |r: &&Rejection| r.outcome == RejectionKind::Locked;
    let told = rejected.iter().find(locked).or(rejected.first()).cloned();
    (lay_out(&instances), told)
}

/// The series at a path: the one that was named, or the one with most frames; the first of its parts that has as many, or
/// the part that was named.
///
/// # Errors
/// The reason why the first file does not open, when none does; [`Exit::Usage`] when there is no such series or part.
pub fn choose(
    path: &Path,
    series: Option<&str>,
    part: Option<usize>,
    common: &Common,
) -> Result<SeriesLayout, Refusal> {
    let (layouts, rejection) = layouts(path, common);
    let none = layouts.is_empty();
    let wanted = |layout: &SeriesLayout| {
        let uid = layout.first_instance().map(|i| i.series.uid.as_str());
        series.is_none() || uid == series
    };
    let mut chosen: Vec<SeriesLayout> = layouts.into_iter().filter(wanted).collect();
    // Stable: of parts that have as many frames the first one comes first.
    chosen.sort_by_key(|layout| std::cmp::Reverse(layout.frames.len()));
    if let (Some(number), Some(largest)) = (part, chosen.first()) {
        let uid = largest.first_instance().map(|i| i.series.uid.clone());
        let count = largest.part.count;
        let named = chosen.into_iter().find(|layout| {
            let own = layout.first_instance().map(|i| i.series.uid.clone());
            own == uid && layout.part.number == number
        });
        return named.ok_or_else(|| {
            let text = format!("--part {number} is not among 1 to {count}");
            Refusal::new(Exit::Usage, text)
        });
    }
    chosen.into_iter().next().ok_or_else(|| match rejection {
        Some(rejection) if none => Refusal::new(
            exit_of(rejection.outcome),
            format!(
                "[{}] {}: {}",
                rejection.code,
                rejection.detail,
                rejection.path.display()
            ),
        ),
        _ => Refusal::new(Exit::Usage, format!("no such series: {}", path.display())),
    })
}
