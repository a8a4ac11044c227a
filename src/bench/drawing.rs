//! Pictures: one again and again, and paging through a series.
//!
//! Drawn by the renderer of the window into offscreen targets. The clock stops when the device has finished, so on a
//! software adapter the processor time of its threads is in the numbers.

use super::{
    Cases, Failure,
    measure::{Case, Samples, quantile},
    process, slab,
};
use crate::{
    console::{Backend, Common, Exit},
    formats::png::write_picture,
    gpu::{CopyCounts, FrameTexture, GpuContext, GpuError, SharedBuffer},
    imaging::reslice,
    model::{
        geometry::BodyPlane,
        lut::Voi,
        pixels::Frame,
        view::{GreyPipeline, Interpolation, OverlayStyle, SliceView, ViewPlane},
        volume::Volume,
    },
    phantom::{CtSpec, Organ, ct},
    render::{
        Blit, OverlayScene, SliceRenderer, SliceScene, Target, TargetKind, map_from_viewport,
        upload_probabilities,
    },
    task::{CancelToken, Progress},
};
use clap::{Args, ValueEnum};
use glam::DVec3;
use std::path::PathBuf;

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scene {
    /// One CT slice, window and linear interpolation.
    #[default]
    #[value(name = "2d")]
    Slice,
    /// The same with a probability map over it.
    Overlay,
    /// Three oblique planes through a volume, each a quarter of the size.
    Mpr,
    /// A slab of 101 points.
    Slab,
    /// The whole window: a CT slice with mask and 200 marks between the panels, its window moved before each frame.
    #[cfg(feature = "screen")]
    Full,
}

impl Scene {
    const fn word(self) -> &'static str {
        match self {
            Self::Slice => "2d",
            Self::Overlay => "overlay",
            Self::Mpr => "mpr",
            Self::Slab => "slab",
            #[cfg(feature = "screen")]
            Self::Full => "full",
        }
    }
}

/// Arguments of `bench frame`.
#[derive(Clone, Debug, Args)]
pub struct FrameArgs {
    /// Width and height
    #[arg(long, value_name = "WxH", default_value = "3840x2160", value_parser = parse_size)]
    pub size: [u32; 2],
    /// What is drawn
    #[arg(long, value_enum, default_value_t)]
    pub scene: Scene,
    /// Marks (full)
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub marks: usize,
    /// Pictures
    #[arg(long, value_name = "K", default_value_t = 10)]
    pub repeat: usize,
    /// Slices of the made-up volume (mpr, slab)
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub slices: usize,
    /// What a slab shows
    #[arg(long, value_enum, default_value_t)]
    pub projection: slab::Kind,
    /// A slab along the slices, instead of askew to the voxels
    #[arg(long)]
    pub along: bool,
    /// Voxel by voxel and every point of a slab: the plain way, to compare with
    #[arg(long)]
    pub naive: bool,
    /// Write the last picture
    #[arg(long, value_name = "OUT.png")]
    pub dump: Option<PathBuf>,
}

/// Arguments of `bench scroll`.
#[derive(Clone, Debug, Args)]
pub struct ScrollArgs {
    /// Width and height
    #[arg(long, value_name = "WxH", default_value = "1024x1024", value_parser = parse_size)]
    pub size: [u32; 2],
    /// Steps
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub steps: usize,
    /// Slices of the made-up series
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub slices: usize,
    /// Upload the slice of each step, as if no slice were resident
    #[arg(long)]
    pub upload: bool,
}

pub(super) fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let wrong = || format!("`{text}` is not WxH");
    let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let side = |text: &str| {
        text.trim()
            .parse::<u32>()
            .ok()
            .filter(|n| (1..=16384).contains(n))
            .ok_or_else(wrong)
    };
    Ok([side(width)?, side(height)?])
}

/// Waits until the device has done what was submitted.
pub(super) fn finish(gpu: &GpuContext) -> Result<(), Failure> {
    gpu.device
        .poll(wgpu::PollType::wait_indefinitely())
        .map(|_| ())
        .map_err(|error| Failure::new(Exit::Internal, error))
}

/// A window that shows soft tissue.
pub(super) fn grey_of(volume: &Volume) -> Result<GreyPipeline, Failure> {
    let first = first_frame(volume)?;
    Ok(GreyPipeline {
        stored_type: first.stored_type,
        modality_lut: volume.modality_lut.clone(),
        voi: Voi::window(40.0, 400.0),
        inverted: false,
        padding: volume.padding,
        presentation: None,
    })
}

pub(super) fn first_frame(volume: &Volume) -> Result<&Frame, Failure> {
    volume
        .frames
        .first()
        .ok_or_else(|| Failure::new(Exit::Usage, "the volume is empty"))
}

/// A slice of a volume fitted into a picture.
pub(super) fn slice_view(
    volume: &Volume,
    slice: usize,
    size: [u32; 2],
) -> Result<SliceView, Failure> {
    let mut plane = ViewPlane::of_slice(&volume.grid, slice as f64, 1.0);
    plane.mm_per_pixel = plane.fitting(&volume.grid, size);
    plane_view(volume, plane, size)
}

fn plane_view(volume: &Volume, plane: ViewPlane, size: [u32; 2]) -> Result<SliceView, Failure> {
    plane
        .slice_view(
            &volume.grid,
            size,
            Interpolation::Linear,
            grey_of(volume)?,
            1,
        )
        .ok_or_else(|| Failure::new(Exit::Usage, "the volume is flat"))
}

/// Three planes that lie askew to the voxels.
fn oblique_views(volume: &Volume, size: [u32; 2]) -> Result<Vec<SliceView>, Failure> {
    let middle = volume.grid.centre();
    let fit = ViewPlane::body(BodyPlane::Axial, middle, 1.0).fitting(&volume.grid, size);
    [
        (DVec3::new(0.15, -0.2, 1.0), DVec3::NEG_Y),
        (DVec3::new(0.2, 1.0, 0.1), DVec3::Z),
        (DVec3::new(1.0, 0.15, -0.2), DVec3::Z),
    ]
    .into_iter()
    .map(|(normal, up)| {
        let plane = ViewPlane::oblique(middle, normal, up, fit)
            .ok_or_else(|| Failure::new(Exit::Internal, "no such plane"))?;
        plane_view(volume, plane, size)
    })
    .collect()
}

/// A made-up volume of 512 × 512 slices, and the lungs of its middle slice as a probability map.
fn phantom_volume(common: &Common, slices: usize) -> Result<(Volume, Vec<f32>), Failure> {
    let spec = CtSpec {
        labels: true,
        ..CtSpec::bench(common.seed.unwrap_or(1), slices)
    };
    let phantom = ct(&spec, &Progress::default(), &CancelToken::default())?;
    let [columns, rows, _] = spec.size;
    let lungs = phantom
        .truth
        .labels
        .chunks_exact(columns * rows)
        .nth(slices / 2)
        .unwrap_or_default()
        .iter()
        .map(|label| if Organ::is_lung(*label) { 0.97 } else { 0.02 })
        .collect();
    Ok((phantom.volume, lungs))
}

/// All slices of a volume on the device.
pub(super) fn texture_of(gpu: &GpuContext, volume: &Volume) -> Result<FrameTexture, Failure> {
    let first = first_frame(volume)?;
    let texture = FrameTexture::new(
        gpu,
        first.columns,
        first.rows,
        volume.frames.len(),
        first.stored_type,
        first.samples,
    )?;
    for (layer, frame) in volume.frames.iter().enumerate() {
        texture.upload(layer, frame)?;
    }
    gpu.door.flush();
    finish(gpu)?;
    Ok(texture)
}

/// Copies a finished picture into another target, as the window does with every frame: nothing can be drawn faster.
pub(super) struct BlitFloor {
    from: Target,
    to: Target,
    blit: Blit,
}

impl BlitFloor {
    pub(super) fn new(gpu: &GpuContext, size: [u32; 2]) -> Result<Self, GpuError> {
        Ok(Self {
            from: Target::new(gpu, size, TargetKind::Picture)?,
            to: Target::new(gpu, size, TargetKind::Picture)?,
            blit: Blit::new(gpu, TargetKind::Picture.format())?,
        })
    }

    pub(super) fn draw(&self, gpu: &GpuContext) -> Result<(), Failure> {
        let binding = self.blit.bind(gpu, &self.from);
        binding.place(gpu, [0, 0], 0)?;
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("floor"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: self.to.view(),
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            self.blit.paint(&mut pass, &binding);
        }
        gpu.queue.submit([encoder.finish()]);
        finish(gpu)
    }
}

fn size_word(size: [u32; 2]) -> String {
    format!("{} x {}", size[0], size[1])
}

/// The case `floor-blit`.
pub(super) fn blit_floor(gpu: &GpuContext, size: [u32; 2], repeat: usize) -> Result<Case, Failure> {
    process::forget_peak();
    let floor = BlitFloor::new(gpu, size)?;
    floor.draw(gpu)?;
    let mut samples = Samples::default();
    for _ in 0..repeat.max(1) {
        samples.run(|| floor.draw(gpu))?;
    }
    let mut case = Case::new("floor-blit", size_word(size), samples);
    case.adapter = Some(gpu.info.name.clone());
    case.frames = Some(1);
    Ok(case)
}

/// Adds adapter and copies to a case.
pub(super) fn with_gpu(mut case: Case, gpu: &GpuContext, copies: &CopyCounts) -> Case {
    case.adapter = Some(gpu.info.name.clone());
    case.bytes_uploaded = Some(copies.uploaded_in_all());
    case.bytes_readback = Some(copies.read_back_in_all());
    case
}

/// Runs `bench frame`.
pub(super) fn frame(
    args: &FrameArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    #[cfg(feature = "screen")]
    if args.scene == Scene::Full {
        return super::window_frame::full(args, common, cases);
    }
    let slices = match args.scene {
        Scene::Mpr | Scene::Slab => args.slices.clamp(1, 2000),
        _ => 1,
    };
    let (volume, lungs) = phantom_volume(common, slices)?;
    let [width, height] = args.size;
    let views = match args.scene {
        Scene::Mpr => oblique_views(&volume, [(width / 2).max(1), (height / 2).max(1)])?,
        Scene::Slab => return slab::slab(args, common.backend, &volume, cases),
        _ => vec![slice_view(&volume, 0, args.size)?],
    };
    match common.backend {
        Backend::Cpu => frame_on_cpu(args, &volume, &views, cases),
        Backend::Gpu => frame_on_gpu(args, &volume, &views, &lungs, cases),
    }
}

fn frame_on_cpu(
    args: &FrameArgs,
    volume: &Volume,
    views: &[SliceView],
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    if args.scene == Scene::Overlay {
        return Err(Failure::new(
            Exit::Unsupported,
            "the overlay is drawn by the graphics device only",
        ));
    }
    let frames: Vec<_> = volume.frames.iter().cloned().map(Some).collect();
    process::forget_peak();
    let mut samples = Samples::default();
    let mut picture = Vec::new();
    for _ in 0..args.repeat.max(1) {
        picture = samples.run(|| {
            views
                .iter()
                .map(|view| reslice::draw_cpu(view, &frames))
                .next_back()
                .unwrap_or_default()
        });
    }
    let mut case = Case::new("frame-cpu", scene_word(args), samples);
    case.frames = Some(views.len() as u64);
    cases.push(&case);
    dump(args, views, &picture)
}

fn frame_on_gpu(
    args: &FrameArgs,
    volume: &Volume,
    views: &[SliceView],
    lungs: &[f32],
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let gpu = GpuContext::headless()?;
    let texture = texture_of(&gpu, volume)?;
    let renderer = match args.naive {
        true => SliceRenderer::naive(&gpu)?,
        false => SliceRenderer::new(&gpu)?,
    };
    let first = first_frame(volume)?;
    let map = [first.rows, first.columns];
    let mask: Option<SharedBuffer> = match args.scene {
        Scene::Overlay => Some(upload_probabilities(&gpu, map, lungs)?),
        _ => None,
    };
    let mut pictures = Vec::new();
    for view in views {
        pictures.push((view, Target::new(&gpu, view.size, TargetKind::Picture)?));
    }
    let draw = || -> Result<(), Failure> {
        for (view, target) in &pictures {
            let overlay = mask.as_ref().map(|buffer| OverlayScene {
                buffer,
                style: OverlayStyle::AI,
                map_from_viewport: map_from_viewport(view, map, map),
            });
            let scene = SliceScene {
                view,
                texture: &texture,
                cover: None,
                overlay,
                labels: None,
            };
            renderer.draw(&gpu, target, &scene)?;
        }
        finish(&gpu)
    };
    let floor = BlitFloor::new(&gpu, args.size)?;
    floor.draw(&gpu)?;
    draw()?;
    process::forget_peak();
    let (mut samples, mut floors) = (Samples::default(), Samples::default());
    let mut copies = CopyCounts::default();
    for _ in 0..args.repeat.max(1) {
        floors.run(|| floor.draw(&gpu))?;
        let before = gpu.door.snapshot();
        samples.run(draw)?;
        copies = gpu.door.since(&before);
    }
    let floor_cpu = quantile(&floors.cpu_ms, 0.0);
    let cpu = quantile(&samples.cpu_ms, 0.0);
    let pixels: f64 = views
        .iter()
        .map(|view| f64::from(view.size[0]) * f64::from(view.size[1]))
        .sum();
    let mut case = with_gpu(Case::new("frame", scene_word(args), samples), &gpu, &copies);
    if let Some(cpu) = cpu {
        case = case.with("cpu_ns_a_pixel", (cpu * 1e9 / pixels).round() / 1e3);
    }
    case.frames = Some(views.len() as u64);
    case.floor_ms = floors.best();
    if let (Some(cpu), Some(floor)) = (cpu, floor_cpu)
        && floor > 0.0
    {
        case = case
            .with("floor_cpu_ms", floor)
            .with("cpu_to_blit", (cpu / floor * 1000.0).round() / 1000.0);
    }
    cases.push(&case);
    match pictures.last() {
        Some((_, target)) if args.dump.is_some() => dump(args, views, &target.read_back()?),
        _ => Ok(()),
    }
}

pub(super) fn scene_word(args: &FrameArgs) -> String {
    format!("{} {}", args.scene.word(), size_word(args.size))
}

/// Writes the last picture of the last view.
pub(super) fn dump(args: &FrameArgs, views: &[SliceView], rgba: &[u8]) -> Result<(), Failure> {
    let (Some(path), Some(view)) = (&args.dump, views.last()) else {
        return Ok(());
    };
    write_picture(path, rgba, view.size, image::ExtendedColorType::Rgba8)
        .map_err(|error| Failure::new(Exit::Io, format!("{error}: {}", path.display())))
}

/// Runs `bench scroll`: there and back through the slices, each presented before the next is asked for.
pub(super) fn scroll(
    args: &ScrollArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let slices = args.slices.clamp(1, 2000);
    let (volume, _) = phantom_volume(common, slices)?;
    let views = (0..slices)
        .map(|slice| slice_view(&volume, slice, args.size))
        .collect::<Result<Vec<_>, _>>()?;
    let gpu = GpuContext::headless()?;
    let texture = texture_of(&gpu, &volume)?;
    let renderer = SliceRenderer::new(&gpu)?;
    let target = Target::new(&gpu, args.size, TargetKind::Picture)?;
    let show = |slice: usize| -> Result<(), Failure> {
        let (Some(view), Some(frame)) = (views.get(slice), volume.frames.get(slice)) else {
            return Err(Failure::new(Exit::Internal, "no such slice"));
        };
        if args.upload {
            texture.upload(slice, frame)?;
        }
        let scene = SliceScene {
            view,
            texture: &texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        renderer.draw(&gpu, &target, &scene)?;
        finish(&gpu)
    };
    // The same slice again and again, for the price of a step beyond it.
    let mut still = Samples::default();
    for _ in 0..20 {
        still.run(|| show(slices / 2))?;
    }
    process::forget_peak();
    let before = gpu.door.snapshot();
    let mut samples = Samples::default();
    let mut presented = 0u64;
    for step in 0..args.steps.max(1) {
        let place = step % (2 * slices).max(1);
        let slice = if place < slices {
            place
        } else {
            2 * slices - 1 - place
        };
        samples.run(|| show(slice))?;
        presented += 1;
    }
    let copies = gpu.door.since(&before);
    let [median, p99, resting] = [
        quantile(&samples.wall_ms, 0.5),
        quantile(&samples.wall_ms, 0.99),
        quantile(&still.wall_ms, 0.5),
    ];
    let name = if args.upload {
        "scroll-upload"
    } else {
        "scroll"
    };
    let input = format!("{} steps, {}", args.steps, size_word(args.size));
    let mut case = with_gpu(Case::new(name, input, samples), &gpu, &copies);
    case.frames = Some(presented);
    case.floor_ms = still.best();
    cases.push(
        &case
            .with("requested", args.steps.max(1))
            .with("p50_ms", median)
            .with("p99_ms", p99)
            .with("still_p50_ms", resting),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_two_numbers() {
        assert_eq!(parse_size("3840x2160"), Ok([3840, 2160]));
        assert!(parse_size("3840").is_err() && parse_size("0x3").is_err());
    }
}
