//! Memory of an open series: all of it, or as much as the window holds under a budget.

use super::{
    Cases, Failure, drawing,
    measure::{Case, Samples, quantile},
    process,
    series::{self, SeriesArgs, largest, name_of, pixel_bytes},
};
use crate::{
    console::{Common, Exit},
    dicom::frames::{FileFrames, FrameSource},
    gpu::GpuContext,
    model::{
        geometry::GridGeometry,
        layout::SeriesLayout,
        lut::Voi,
        view::{GreyPipeline, Interpolation, SliceView, ViewPlane},
    },
    render::{SliceRenderer, SliceScene, Target, TargetKind},
    workspace::display::{FrameState, SeriesDisplay},
};
use clap::Args;
use std::sync::Arc;

/// Arguments of `bench mem`.
#[derive(Clone, Debug, Args)]
pub struct MemArgs {
    #[command(flatten)]
    series: SeriesArgs,
    /// Upper bound of decoded pixels, as the window has it: opens the series, shows the middle slice and scrolls
    #[arg(long, value_name = "SIZE", value_parser = crate::console::parse_size)]
    budget: Option<u64>,
    /// In the window: opens the series, pages through it, closes it, and all of it once more
    #[cfg(feature = "screen")]
    #[arg(long, conflicts_with = "budget")]
    window: bool,
    /// Slices that are scrolled through under a budget
    #[arg(long, value_name = "N", default_value_t = 256)]
    steps: usize,
}

/// Runs `bench mem`.
pub(super) fn run(args: &MemArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    #[cfg(feature = "screen")]
    if args.window {
        return in_window(args, common, cases);
    }
    match args.budget.or(common.max_memory) {
        Some(budget) => under_budget(args, budget, cases),
        None => series::memory(&args.series, cases),
    }
}

/// Shows slices of a series as the window does.
struct Stage {
    gpu: GpuContext,
    renderer: SliceRenderer,
    target: Target,
    layout: Arc<SeriesLayout>,
    source: Box<dyn FrameSource>,
}

const SIZE: [u32; 2] = [1024, 1024];

impl Stage {
    fn view(&self, frame: usize) -> Option<SliceView> {
        let reference = self.layout.frames.get(frame)?;
        let image = reference.instance.image.as_ref()?;
        let description = image.frame(reference.frame);
        let grid = match &description.plane {
            Some(plane) => {
                GridGeometry::of_plane(plane, description.spacing, image.columns, image.rows)
            }
            None => GridGeometry::unoriented(description.spacing, image.columns, image.rows),
        };
        let mut plane = ViewPlane::of_slice(&grid, 0.0, 1.0);
        plane.mm_per_pixel = plane.fitting(&grid, SIZE);
        let own = description.voi.first().cloned();
        let grey = GreyPipeline {
            stored_type: image.stored_type,
            modality_lut: description.modality_lut.clone(),
            voi: own.unwrap_or(Voi::window(40.0, 400.0)),
            inverted: image.lowest_is_white(),
            padding: image.padding,
            presentation: image.display.presentation_lut.clone(),
        };
        plane.slice_view(&grid, SIZE, Interpolation::Linear, grey, image.samples)
    }

    /// Reads a frame where it is not there, and draws it.
    fn show(&self, display: &SeriesDisplay, frame: usize) -> Result<(), Failure> {
        let missing =
            |what: &str| Failure::new(Exit::Rejected, format!("slice {}: {what}", frame + 1));
        let chunk = display
            .chunk_of(frame)
            .ok_or_else(|| missing("no such slice"))?;
        if display.wants(chunk) {
            display.load_chunk(chunk, self.source.as_ref(), &self.gpu);
        }
        if let FrameState::Failed(reason) = display.frame(frame) {
            return Err(missing(&reason));
        }
        let layer = display
            .layer_of(frame)
            .ok_or_else(|| missing("not resident"))?;
        let texture = match display.texture() {
            Some(Ok(texture)) => texture,
            Some(Err(reason)) => return Err(missing(reason)),
            None => return Err(missing("no texture")),
        };
        let mut view = self
            .view(frame)
            .ok_or_else(|| missing("the slice is flat"))?;
        view.voxel_from_viewport.translation.z = layer as f64;
        let scene = SliceScene {
            view: &view,
            texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        self.renderer.draw(&self.gpu, &self.target, &scene)?;
        drawing::finish(&self.gpu)
    }
}

fn under_budget(args: &MemArgs, budget: u64, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let layout = Arc::new(largest(&args.series.dir)?);
    let gpu = GpuContext::headless()?;
    let renderer = SliceRenderer::new(&gpu)?;
    renderer.warm(&gpu)?;
    let target = Target::new(&gpu, SIZE, TargetKind::Picture)?;
    drawing::finish(&gpu)?;
    let stage = Stage {
        gpu,
        renderer,
        target,
        layout: Arc::clone(&layout),
        source: Box::new(FileFrames::default()),
    };
    let total = layout.frames.len();
    process::forget_peak();
    let before = process::rss();
    // Half for this memory and half for the device's, as the workspace does.
    let open = || SeriesDisplay::new(String::new(), Arc::clone(&layout), budget / 2, &stage.gpu);
    let (mut first, mut steps) = (Samples::default(), Samples::default());
    let display = first.run(|| -> Result<SeriesDisplay, Failure> {
        let display = open();
        stage.show(&display, total / 2)?;
        Ok(display)
    })?;
    for step in 1..=args.steps {
        let frame = (total / 2 + step) % total.max(1);
        steps.run(|| stage.show(&display, frame))?;
    }
    let above = |value: Option<u64>| {
        let added = value.zip(before);
        added.map(|(value, before)| value as i64 - before as i64)
    };
    let (loaded, peak) = (above(process::rss()), above(process::peak_rss()));
    let resident = display.resident_bytes();
    let (volume, reduced) = (display.is_volume(), display.reduced());
    drop(display);
    drawing::finish(&stage.gpu)?;
    let after = above(process::rss());
    let share = |bytes: Option<i64>| {
        bytes.map(|b| (b as f64 / budget.max(1) as f64 * 1000.0).round() / 1000.0)
    };
    let mut case = Case::new(
        "mem",
        format!("{} within {budget} bytes", name_of(&layout)),
        steps.clone(),
    )
    .with("pixel_bytes", pixel_bytes(&layout))
    .with("budget", budget)
    .with("first_slice_ms", first.best())
    .with("step_ms_p99", quantile(&steps.wall_ms, 0.99))
    .with("cut_in_any_plane", volume)
    .with("reduced", reduced)
    .with("resident_bytes", resident)
    .with("rss_added_loaded", loaded)
    .with("rss_added_peak", peak)
    .with("peak_to_budget", share(peak))
    .with("rss_added_after", after);
    case.frames = Some(args.steps as u64 + 1);
    cases.push(&case);
    Ok(())
}

/// Opens a series in the window and closes it again, twice: what the window, the toolkit and the device keep of it.
#[cfg(feature = "screen")]
fn in_window(args: &MemArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    use crate::{
        app::{Options, frames::Frames},
        i18n::Language,
        workspace::Command,
    };
    let dir = tempfile::tempdir().map_err(|e| Failure::new(Exit::Io, e))?;
    let options = Options {
        language: Some(Language::English),
        plain: true,
        settings_folder: Some(dir.path().join("settings")),
        ..Options::of(common)
    };
    let layout = largest(&args.series.dir)?;
    let (name, pixels) = (name_of(&layout), pixel_bytes(&layout));
    drop(layout);
    let mut frames = Frames::open(options, [1920, 1080])?;
    frames.settle()?;
    // The first time the window also makes what it needs for any picture, and keeps that: pipelines, buffers, letters.
    for round in 1..=2 {
        process::forget_peak();
        let before = process::rss();
        let above = |value: Option<u64>| {
            let added = value.zip(before);
            added.map(|(value, before)| value as i64 - before as i64)
        };
        let mut samples = Samples::default();
        samples.run(|| -> Result<(), Failure> {
            let path = args.series.dir.clone();
            frames.program_mut().workspace.open(vec![path]);
            frames.settle()?;
            frames.point([960.0, 500.0]);
            for step in 0..40 {
                frames.wheel(if step < 20 { -1.0 } else { 1.0 });
                frames.frame(|| ());
                frames.finish()?;
            }
            Ok(frames.settle()?)
        })?;
        let (loaded, peak) = (above(process::rss()), above(process::peak_rss()));
        frames.command(Command::CloseAll);
        frames.settle()?;
        let after = above(process::rss());
        let given_back =
            loaded
                .zip(after)
                .filter(|(loaded, _)| *loaded > 0)
                .map(|(loaded, after)| {
                    let share = 1.0 - after as f64 / loaded as f64;
                    (share * 1000.0).round() / 1000.0
                });
        let share = |bytes: Option<i64>| {
            bytes.map(|bytes| (bytes as f64 / pixels.max(1) as f64 * 1000.0).round() / 1000.0)
        };
        let case = Case::new("mem-window", format!("{name}, time {round}"), samples)
            .with("pixel_bytes", pixels)
            .with("rss_added_loaded", loaded)
            .with("rss_added_peak", peak)
            .with("loaded_to_pixels", share(loaded))
            .with("rss_added_after", after)
            .with("given_back", given_back);
        cases.push(&case);
    }
    Ok(())
}
