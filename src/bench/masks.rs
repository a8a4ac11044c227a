//! A segmentation object of a whole series, written and read.

use super::{
    Cases, Failure,
    measure::{Case, Samples},
    process, series,
};
use crate::{
    console::Exit,
    dicom::{
        FileFrames, FrameSource as _,
        guard::Limits,
        header::read_dicom,
        segmentation::{Wanted, grid_of, read_segmentation},
        write::{marks::Making, segmentation::write_segmentation},
    },
    model::{
        geometry::GridGeometry,
        segmentation::{
            Painter, Segment, Segmentation, SegmentationId,
            exchange::{Form, Pictures},
        },
    },
    task::CancelToken,
};
use clap::Args;
use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Arguments of `bench seg`.
#[derive(Clone, Debug, Args)]
pub struct SegArgs {
    /// Folder of a DICOM series
    pub dir: PathBuf,
    /// Segmentation object to read (default: the one that was written)
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Runs
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub repeat: usize,
}

fn failed(error: impl Display) -> Failure {
    Failure::new(Exit::Rejected, error)
}

/// An ellipsoid that touches every slice.
fn painted(grid: GridGeometry) -> Segmentation {
    let mut seg = Segmentation::new(SegmentationId("2.25.1".into()), grid);
    seg.put_segment(Segment::new(1, "body"));
    let [columns, rows, slices] = grid.size.map(|n| n as f64);
    if let Some(layer) = seg.layer_mut(0) {
        let mut painter = Painter::new(layer);
        for z in 0..grid.size[2] {
            for y in 0..grid.size[1] {
                let away = |at: usize, n: f64, share: f64| (at as f64 - n / 2.0) / (n * share);
                let left = 1.0 - away(z, slices, 0.57).powi(2) - away(y, rows, 0.35).powi(2);
                if left > 0.0 {
                    let half = left.sqrt() * columns * 0.39;
                    let from = (columns * 0.47 - half).max(0.0) as usize;
                    painter.map_row([y, z], from..(columns * 0.47 + half) as usize, |_, _| 1);
                }
            }
        }
    }
    seg
}

/// Runs `bench seg`.
pub(super) fn run(args: &SegArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let layout = series::largest(&args.dir)?;
    let name = series::name_of(&layout);
    let grid = grid_of(&layout).ok_or_else(|| failed("the series is no regular volume"))?;
    let seg = painted(grid);
    let frames = FileFrames::default();
    let place = tempfile::tempdir().map_err(failed)?;
    let own = place.path().join("seg.dcm");
    let first = layout
        .first_instance()
        .ok_or_else(|| failed("no picture"))?;
    process::forget_peak();
    let mut samples = Samples::new();
    let mut bytes = 0;
    for _ in 0..args.repeat.max(1) {
        bytes = samples.run(|| -> Result<usize, Failure> {
            let source = frames.read_source(first).map_err(failed)?;
            let pictures = Pictures {
                layout: &layout,
                source: &source,
            };
            let made = write_segmentation(&seg, Form::Binary, None, &pictures, &Making::now(""));
            let made = made.map_err(failed)?;
            fs::write(&own, &made.bytes).map_err(failed)?;
            Ok(made.bytes.len())
        })?;
    }
    let mut case =
        Case::new("seg write", name.clone(), samples).with("bytes_written", bytes as u64);
    case.frames = Some(grid.size[2] as u64);
    cases.push(&case);
    let path: Arc<Path> = Arc::from(args.file.clone().unwrap_or(own));
    let mut samples = Samples::new();
    let mut voxels = 0;
    for _ in 0..args.repeat.max(1) {
        let read = samples.run(|| -> Result<_, Failure> {
            let instance = read_dicom(&path, &Limits::default()).map_err(failed)?;
            let (wanted, cancel) = (Wanted::default(), CancelToken::default());
            // Nothing is kept from the run before.
            let frames = FileFrames::default();
            read_segmentation(&instance, &frames, Some(&layout), wanted, &cancel).map_err(failed)
        })?;
        voxels = read
            .segmentation
            .layers()
            .iter()
            .flat_map(|l| l.counts().into_values())
            .sum();
    }
    let mut case = Case::new("seg read", name, samples).with("voxels", voxels);
    case.frames = Some(grid.size[2] as u64);
    cases.push(&case);
    Ok(())
}
