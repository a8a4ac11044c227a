//! From files to the first slice, and the memory it takes.

use super::{
    Cases, Failure, drawing, floor,
    measure::{Case, Samples, quantile},
    process,
};
use crate::{
    console::Exit,
    dicom::{
        FileFrames, FrameSource as _,
        assemble::lay_out,
        load::load_volume,
        scan::{self as walk, ScanEvent, ScanOptions},
    },
    gpu::{CopyCounts, FrameTexture, GpuContext},
    model::{
        geometry::GridGeometry,
        layout::SeriesLayout,
        lut::Voi,
        study::Instance,
        view::{GreyPipeline, Interpolation, ViewPlane},
        volume::Volume,
    },
    render::{SliceRenderer, SliceScene, Target, TargetKind},
    task::{CancelToken, Progress},
};
use clap::Args;
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Arguments of the benches that read a folder.
#[derive(Clone, Debug, Args)]
pub struct SeriesArgs {
    /// Folder of DICOM files
    pub dir: PathBuf,
    /// Runs
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub repeat: usize,
}

/// Headers of all files, sorted into series.
fn read_headers(dir: &Path) -> (Vec<SeriesLayout>, usize) {
    let found: Mutex<(Vec<Arc<Instance>>, usize)> = Mutex::default();
    walk::scan(
        &[dir.to_path_buf()],
        &ScanOptions::default(),
        &CancelToken::default(),
        &Progress::default(),
        &|event| {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                ScanEvent::Instance(instance) => found.0.push(instance),
                ScanEvent::Rejected(_) => found.1 += 1,
            }
        },
    );
    let (instances, rejected) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    (lay_out(&instances), rejected)
}

/// The series with the most frames.
pub(super) fn largest(dir: &Path) -> Result<SeriesLayout, Failure> {
    read_headers(dir)
        .0
        .into_iter()
        .max_by_key(|layout| layout.frames.len())
        .ok_or_else(|| Failure::new(Exit::Rejected, "the folder holds no picture that opens"))
}

pub(super) fn name_of(layout: &SeriesLayout) -> String {
    let image = layout.first_instance().and_then(|i| i.image.as_ref());
    let (columns, rows) = image.map_or((0, 0), |i| (i.columns, i.rows));
    format!("{columns} x {rows} x {}", layout.frames.len())
}

pub(super) fn pixel_bytes(layout: &SeriesLayout) -> u64 {
    let bytes = |f: &crate::model::layout::FrameRef| {
        let image = f.instance.image.as_ref();
        image.map_or(0, |i| i.frame_bytes() as u64)
    };
    layout.frames.iter().map(bytes).sum()
}

/// Runs `work` and says how many bytes were read meanwhile.
fn reading<T>(read: &mut Option<u64>, work: impl FnOnce() -> T) -> T {
    let before = process::bytes_read();
    let value = work();
    *read = before
        .zip(process::bytes_read())
        .map(|(before, after)| after.saturating_sub(before));
    value
}

/// Runs `bench scan`.
pub(super) fn scan(args: &SeriesArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let files = floor::files(&args.dir)?;
    let (series, rejected) = read_headers(&args.dir);
    let (mut samples, mut floors) = (Samples::default(), Samples::default());
    let mut read = None;
    process::forget_peak();
    for _ in 0..args.repeat.max(1) {
        floors
            .run(|| floor::heads(&files))
            .map_err(|e| Failure::new(Exit::Io, e))?;
        reading(&mut read, || samples.run(|| read_headers(&args.dir)));
    }
    let mut case = Case::new("scan", format!("{} files", files.len()), samples)
        .with("series", series.len())
        .with("rejected", rejected);
    case.bytes_read = read;
    case.frames = Some(files.len() as u64);
    case.floor_ms = floors.best();
    cases.push(&case);
    Ok(())
}

pub(super) fn volume_of(layout: &SeriesLayout) -> Result<Volume, Failure> {
    let source = FileFrames::default();
    load_volume(
        layout,
        &source,
        &CancelToken::default(),
        &Progress::default(),
    )
    .map_err(|error| Failure::new(Exit::Rejected, error))
}

/// Runs `bench load`: headers are known, every run fills fresh memory.
pub(super) fn load(args: &SeriesArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let layout = largest(&args.dir)?;
    let files = floor::files(&args.dir)?;
    let mut buffer = floor::Buffer::for_files(&files)?;
    buffer.fill().map_err(|e| Failure::new(Exit::Io, e))?;
    let (mut samples, mut floors) = (Samples::default(), Samples::default());
    let mut read = None;
    let mut peak = None;
    for _ in 0..args.repeat.max(1) {
        floors
            .run(|| buffer.fill())
            .map_err(|e| Failure::new(Exit::Io, e))?;
        process::forget_peak();
        let held = process::rss();
        let volume = reading(&mut read, || samples.run(|| volume_of(&layout)))?;
        peak = process::peak_rss()
            .zip(held)
            .map(|(p, h)| p.saturating_sub(h));
        drop(volume);
    }
    let pixels = pixel_bytes(&layout);
    let mut case = Case::new("load", name_of(&layout), samples).with("pixel_bytes", pixels);
    case.bytes_read = read;
    case.frames = Some(layout.frames.len() as u64);
    case.floor_ms = floors.best();
    if let Some(peak) = peak {
        let ratio = peak as f64 / pixels.max(1) as f64;
        case = case
            .with("peak_rss_added", peak)
            .with("peak_to_pixels", (ratio * 1000.0).round() / 1000.0);
    }
    cases.push(&case);
    Ok(())
}

/// Runs `bench first-slice`: the index and the device are there, nothing is decoded; the clock stops when the middle
/// slice is drawn.
pub(super) fn first_slice(args: &SeriesArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let size = [1024, 1024];
    let layout = largest(&args.dir)?;
    let gpu = GpuContext::headless()?;
    let renderer = SliceRenderer::new(&gpu)?;
    let chosen = layout
        .frames
        .get(layout.frames.len() / 2)
        .ok_or_else(|| Failure::new(Exit::Rejected, "the series is empty"))?;
    let image = chosen
        .instance
        .image
        .as_ref()
        .ok_or_else(|| Failure::new(Exit::Rejected, "the series has no pictures"))?;
    let description = image.frame(chosen.frame);
    let grid = match &description.plane {
        Some(plane) => {
            GridGeometry::of_plane(plane, description.spacing, image.columns, image.rows)
        }
        None => GridGeometry::unoriented(description.spacing, image.columns, image.rows),
    };
    let mut plane = ViewPlane::of_slice(&grid, 0.0, 1.0);
    plane.mm_per_pixel = plane.fitting(&grid, size);
    let grey = GreyPipeline {
        stored_type: image.stored_type,
        modality_lut: description.modality_lut.clone(),
        voi: description
            .voi
            .first()
            .cloned()
            .unwrap_or(Voi::window(40.0, 400.0)),
        inverted: image.lowest_is_white(),
        padding: image.padding,
        presentation: image.display.presentation_lut.clone(),
    };
    let view = plane
        .slice_view(&grid, size, Interpolation::Linear, grey, image.samples)
        .ok_or_else(|| Failure::new(Exit::Rejected, "the slice is flat"))?;
    let show = |copies: &mut CopyCounts| -> Result<(), Failure> {
        let before = gpu.door.snapshot();
        let frame = FileFrames::default()
            .read_frame(&chosen.instance, chosen.frame)
            .map_err(|error| Failure::new(Exit::Rejected, error))?;
        let texture = FrameTexture::fitting(
            &gpu,
            frame.columns,
            frame.rows,
            1,
            frame.stored_type,
            frame.samples,
        )?;
        texture.upload(0, &frame)?;
        let target = Target::new(&gpu, size, TargetKind::Picture)?;
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        renderer.draw(&gpu, &target, &scene)?;
        drawing::finish(&gpu)?;
        *copies = gpu.door.since(&before);
        Ok(())
    };
    let mut copies = CopyCounts::default();
    show(&mut copies)?;
    // At least: the file is read and one picture of this size is drawn.
    let mut floors = Samples::default();
    let blit = drawing::blit_floor(&gpu, size, args.repeat)?;
    let mut bytes = Vec::new();
    let (mut samples, mut read) = (Samples::default(), None);
    process::forget_peak();
    for _ in 0..args.repeat.max(1) {
        floors
            .run(|| -> std::io::Result<()> {
                bytes.clear();
                File::open(&chosen.instance.source.path)?.read_to_end(&mut bytes)?;
                Ok(())
            })
            .map_err(|e| Failure::new(Exit::Io, e))?;
        reading(&mut read, || samples.run(|| show(&mut copies)))?;
    }
    let mut case = drawing::with_gpu(
        Case::new("first-slice", name_of(&layout), samples),
        &gpu,
        &copies,
    );
    case.bytes_read = read;
    case.frames = Some(1);
    case.floor_ms = floors
        .best()
        .zip(quantile(&blit.wall_ms, 0.0))
        .map(|(read, draw)| read + draw);
    cases.push(&case);
    Ok(())
}

/// Runs `bench upload`.
pub(super) fn upload(args: &SeriesArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let layout = largest(&args.dir)?;
    let volume = volume_of(&layout)?;
    let gpu = GpuContext::headless()?;
    let bytes = pixel_bytes(&layout) as usize;
    let from = vec![1u8; bytes];
    let mut to = vec![2u8; bytes];
    let (mut samples, mut floors) = (Samples::default(), Samples::default());
    let mut copies = CopyCounts::default();
    process::forget_peak();
    for _ in 0..args.repeat.max(1) {
        floors.run(|| to.copy_from_slice(std::hint::black_box(&from)));
        std::hint::black_box(&mut to);
        let before = gpu.door.snapshot();
        let texture = samples.run(|| drawing::texture_of(&gpu, &volume))?;
        copies = gpu.door.since(&before);
        drop(texture);
        drawing::finish(&gpu)?;
    }
    let mut case = drawing::with_gpu(
        Case::new("upload", name_of(&layout), samples),
        &gpu,
        &copies,
    );
    case.frames = Some(volume.frames.len() as u64);
    case.floor_ms = floors.best();
    cases.push(&case);
    Ok(())
}

/// Runs `bench mem`: what is resident before, with the volume in memory, and after it was dropped.
pub(super) fn memory(args: &SeriesArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let layout = largest(&args.dir)?;
    let pixels = pixel_bytes(&layout);
    for _ in 0..args.repeat.max(1) {
        process::forget_peak();
        let before = process::rss();
        let mut samples = Samples::default();
        let volume = samples.run(|| volume_of(&layout))?;
        let loaded = process::rss();
        let mut case = Case::new("mem", name_of(&layout), samples);
        drop(volume);
        let after = process::rss();
        case.frames = Some(layout.frames.len() as u64);
        let above = |value: Option<u64>| {
            value
                .zip(before)
                .map(|(value, before)| value as i64 - before as i64)
        };
        let ratio = above(case.peak_rss).map(|peak| peak as f64 / pixels.max(1) as f64);
        case = case
            .with("pixel_bytes", pixels)
            .with("rss_before", before)
            .with("rss_added_loaded", above(loaded))
            .with("rss_added_peak", above(process::peak_rss()))
            .with("rss_added_after", above(after))
            .with(
                "peak_to_pixels",
                ratio.map(|r| (r * 1000.0).round() / 1000.0),
            );
        cases.push(&case);
    }
    Ok(())
}
