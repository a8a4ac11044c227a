//! Slabs: 101 points a pixel through a made-up volume.

use super::{
    Cases, Failure,
    drawing::{FrameArgs, dump, finish, grey_of, texture_of, with_gpu},
    measure::{Case, Samples, quantile},
    process,
};
use crate::{
    console::{Backend, Exit},
    gpu::{CopyCounts, GpuContext},
    imaging::reslice,
    model::{
        geometry::BodyPlane,
        slab::{Projection, SlabSteps, step_along_mm},
        view::{Interpolation, SliceView, ViewPlane},
        volume::Volume,
    },
    render::{SliceRenderer, SliceScene, Target, TargetKind},
};
use clap::ValueEnum;
use glam::DVec3;

/// Points along the normal.
const POINTS: u32 = 101;

/// What a slab shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Maximum.
    #[default]
    Mip,
    /// Minimum.
    Minip,
    /// Mean.
    Mean,
}

impl Kind {
    const fn projection(self) -> Projection {
        match self {
            Self::Mip => Projection::Mip,
            Self::Minip => Projection::MinIp,
            Self::Mean => Projection::Mean,
        }
    }
}

/// A slab through the middle of a volume: along the slices, or askew to all axes.
fn view(args: &FrameArgs, volume: &Volume) -> Result<SliceView, Failure> {
    let none = || Failure::new(Exit::Internal, "no such plane");
    let middle = volume.grid.centre();
    let fit = ViewPlane::body(BodyPlane::Axial, middle, 1.0).fitting(&volume.grid, args.size);
    let plane = match args.along {
        true => ViewPlane::body(BodyPlane::Axial, middle, fit),
        false => {
            let normal = DVec3::new(0.15, -0.2, 1.0);
            ViewPlane::oblique(middle, normal, DVec3::NEG_Y, fit).ok_or_else(none)?
        }
    };
    let grey = grey_of(volume)?;
    let mut view = plane
        .slice_view(&volume.grid, args.size, Interpolation::Linear, grey, 1)
        .ok_or_else(none)?;
    let voxel_from_patient = volume.grid.voxel_from_patient().ok_or_else(none)?.matrix3;
    let normal = plane.normal();
    let step_mm = step_along_mm(&voxel_from_patient, normal);
    view.slab = Some(SlabSteps {
        projection: args.projection.projection(),
        count: POINTS,
        step: voxel_from_patient * normal * step_mm,
    });
    Ok(view)
}

/// Runs `bench frame --scene slab`.
pub(super) fn slab(
    args: &FrameArgs,
    backend: Backend,
    volume: &Volume,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let view = view(args, volume)?;
    let [width, height] = args.size;
    let way = if args.along { "along" } else { "askew" };
    let input = format!(
        "slab {} {way} {width} x {height} x {POINTS}",
        args.projection.projection().word()
    );
    let points = f64::from(width) * f64::from(height) * f64::from(POINTS);
    let finished = |case: Case| {
        let cpu = quantile(&case.cpu_ms, 0.0);
        let each = cpu.map(|ms| (ms * 1e9 / points).round() / 1e3);
        case.with("cpu_ns_a_point", each)
    };
    let mut samples = Samples::default();
    if backend == Backend::Cpu {
        let frames: Vec<_> = volume.frames.iter().cloned().map(Some).collect();
        process::forget_peak();
        let mut picture = vec![];
        for _ in 0..args.repeat.max(1) {
            picture = samples.run(|| reslice::draw_cpu(&view, &frames));
        }
        cases.push(&finished(Case::new("frame-cpu", input, samples)));
        return dump(args, &[view], &picture);
    }
    let gpu = GpuContext::headless()?;
    let texture = texture_of(&gpu, volume)?;
    let renderer = match args.naive {
        true => SliceRenderer::naive(&gpu)?,
        false => SliceRenderer::new(&gpu)?,
    };
    let mut noting = Samples::default();
    noting.run(|| -> Result<(), Failure> {
        for (slice, frame) in volume.frames.iter().enumerate() {
            texture.note_values(slice, frame)?;
        }
        Ok(())
    })?;
    let target = Target::new(&gpu, view.size, TargetKind::Picture)?;
    let draw = || -> Result<(), Failure> {
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        renderer.draw(&gpu, &target, &scene)?;
        finish(&gpu)
    };
    draw()?;
    process::forget_peak();
    let mut copies = CopyCounts::default();
    for _ in 0..args.repeat.max(1) {
        let before = gpu.door.snapshot();
        samples.run(draw)?;
        copies = gpu.door.since(&before);
    }
    let mut case = with_gpu(Case::new("frame", input, samples), &gpu, &copies);
    case.frames = Some(1);
    // What the bricks cost once, when a volume is loaded.
    cases.push(&finished(case).with("bricks_cpu_ms", quantile(&noting.cpu_ms, 0.0)));
    match args.dump.is_some() {
        true => dump(args, &[view], &target.read_back()?),
        false => Ok(()),
    }
}
