//! Painting: a ball of the brush into a volume and on to the device; strokes taken back and done again.

use super::{
    Cases, Failure,
    drawing::{finish, with_gpu},
    measure::{Case, Samples, quantile},
};
use crate::{
    console::Exit,
    gpu::{BoxWriter, Cargo, GpuContext},
    model::{
        edit::{Edit, Kept},
        geometry::GridGeometry,
        segmentation::{
            Delta, Segment, Segmentation, SegmentationEdit, SegmentationId, VoxelBox, VoxelChange,
            Voxels,
        },
    },
    render::segments::DeviceLayer,
    store::codec::fingerprint,
    tools::brush::{self, BrushShape, Stamp},
    workspace::undo::{History, Step},
};
use clap::Args;
use glam::{DAffine3, DVec3};
use std::{sync::Arc, time::Instant};

/// Arguments of `bench brush`.
#[derive(Clone, Debug, Args)]
pub struct BrushArgs {
    /// Stamps of the stroke
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub stamps: usize,
    /// Radius of the ball, pixels
    #[arg(long, value_name = "PX", default_value_t = 20.0)]
    pub radius: f64,
    /// Strokes that are taken back and done again
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub strokes: usize,
    /// Slices of the volume that they are painted into
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub slices: usize,
}

/// Runs `bench brush`.
pub(super) fn run(args: &BrushArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    stamps(args, "brush-stamp", grid([512, 512, 300]), cases)?;
    // More than one binding of a device holds: in bricks there.
    stamps(args, "brush-stamp-bricks", grid([2048, 2048, 1024]), cases)?;
    strokes(args, cases)
}

/// A grid with pixels of a millimetre and slices of two.
fn grid(size: [usize; 3]) -> GridGeometry {
    GridGeometry {
        size,
        patient_from_voxel: DAffine3::from_scale(DVec3::new(1.0, 1.0, 2.0)),
    }
}

/// Numbers that look like nothing, the same every time.
fn noise(seed: u64) -> impl FnMut(f64) -> f64 {
    let mut state = seed;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 * below
    }
}

fn stamps(
    args: &BrushArgs,
    name: &'static str,
    grid: GridGeometry,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let gpu = GpuContext::headless()?;
    let mut writer = BoxWriter::new(&gpu)?;
    let mut layer = DeviceLayer::new(&gpu, grid.size)?;
    let mut voxels = Voxels::new(grid.size);
    let mut samples = Samples::default();
    let mut next = noise(3);
    let (mut boxes, mut only_cpu) = (0_u64, Vec::new());
    // Far enough from the border that the whole ball is inside.
    let rim = DVec3::new(40.0, 40.0, 60.0);
    let [x, y, z] = grid.size.map(|n| n as f64);
    let free = DVec3::new(x, y, 2.0 * z) - 2.0 * rim - DVec3::new(2.0, 2.0, 0.0);
    finish(&gpu)?;
    let before = gpu.door.snapshot();
    for number in 0..args.stamps.max(1) {
        let stamp = Stamp {
            centre: rim + DVec3::new(next(free.x), next(free.y), next(free.z)),
            normal: DVec3::Z,
            radius: args.radius,
            shape: BrushShape::Sphere,
        };
        let label = 1 + (number % 3) as u16;
        let changed = samples.run(|| {
            let start = Instant::now();
            let changed = brush::stamp(&mut voxels, &grid, &stamp, |_, _| label);
            only_cpu.push(start.elapsed().as_secs_f64() * 1e3);
            layer.follow(&gpu, &mut writer, &voxels).map(|_| changed)
        })?;
        boxes += changed.map_or(0, |part| part.voxels() as u64);
        finish(&gpu)?;
    }
    let copies = gpu.door.since(&before);
    let uploaded = copies.uploaded(Cargo::Mask);
    let case = Case::new(
        name,
        format!("ball of {} px in {x} × {y} × {z}", args.radius),
        samples.clone(),
    )
    .with("wall_p50_ms", quantile(&samples.wall_ms, 0.5))
    .with("wall_p99_ms", quantile(&samples.wall_ms, 0.99))
    .with("voxels_p50_ms", quantile(&only_cpu, 0.5))
    .with("box_bytes", boxes / args.stamps.max(1) as u64)
    .with("uploaded_a_stamp", uploaded / args.stamps.max(1) as u64)
    .with("uploaded_of_box", uploaded as f64 / boxes.max(1) as f64);
    cases.push(&with_gpu(case, &gpu, &copies));
    Ok(())
}

fn strokes(args: &BrushArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let failed = |what: &str| Failure::new(Exit::Internal, what);
    let grid = grid([512, 512, args.slices.max(16)]);
    let id = SegmentationId("2.25.1".into());
    let mut kept = Kept::default();
    let bare = Segmentation::new(id.clone(), grid);
    let segment = SegmentationEdit::Segment {
        of: id.clone(),
        from: None,
        to: Some(Box::new(Segment::new(1, "s"))),
    };
    for edit in [SegmentationEdit::Put(Arc::new(bare)), segment] {
        let edit = Edit::Segmentation(edit);
        kept.apply(&edit)
            .map_err(|_| failed("the edit was not taken"))?;
    }
    let mut history = History::default();
    let mut next = noise(5);
    let (mut painting, mut committing) = (Samples::default(), Samples::default());
    let mut steps = 0;
    let first = kept.segmentations.get(&id).map(fingerprint);
    for number in 0..args.strokes.max(1) {
        let layer = kept.segmentations.get(&id).and_then(|s| s.layers().first());
        let before = layer.ok_or_else(|| failed("the layer is gone"))?.clone();
        let mut after = before.clone();
        let depth = 2.0 * grid.size[2] as f64;
        let from = DVec3::new(40.0 + next(430.0), 40.0 + next(430.0), next(depth).floor());
        let to = from + DVec3::new(next(120.0) - 60.0, next(120.0) - 60.0, 0.0);
        // As hands do it: most strokes are discs in a slice, every tenth a ball.
        let shape = match number % 10 {
            0 => BrushShape::Sphere,
            _ => BrushShape::Disc,
        };
        let label = u16::from(number % 7 != 6);
        let mut dirty: Option<VoxelBox> = None;
        painting.run(|| {
            for centre in brush::along(from, to, 10.0, 1.0) {
                let stamp = Stamp {
                    centre,
                    normal: DVec3::Z,
                    radius: 10.0,
                    shape,
                };
                if let Some(part) = brush::stamp(&mut after, &grid, &stamp, |_, _| label) {
                    dirty = Some(dirty.map_or(part, |all| all.union(&part)));
                }
            }
        });
        let edit = committing.run(|| {
            after.tidy(&dirty?);
            let delta = Delta::between(&before, &after).filter(|delta| !delta.is_empty())?;
            let change = VoxelChange {
                of: id.clone(),
                layer: 0,
                delta,
                source: Arc::default(),
            };
            let edit = Edit::Segmentation(SegmentationEdit::Voxels(Arc::new(change)));
            kept.apply(&edit).ok()?;
            Some(edit)
        });
        if let Some(edit) = edit {
            steps += 1;
            history.push(Step {
                edits: vec![edit],
                live: None,
                in_journal: false,
            });
        }
    }
    let last = kept.segmentations.get(&id).map(fingerprint);
    let (mut undo, mut redo) = (Samples::default(), Samples::default());
    let mut back = 0;
    while undo.run(|| {
        let step = history.undo().cloned();
        step.is_some_and(|step| {
            step.edits
                .iter()
                .rev()
                .all(|e| kept.apply(&e.inverse()).is_ok())
        })
    }) {
        back += 1;
    }
    let at_first = kept.segmentations.get(&id).map(fingerprint) == first;
    while redo.run(|| {
        let step = history.redo().cloned();
        step.is_some_and(|step| step.edits.iter().all(|e| kept.apply(e).is_ok()))
    }) {}
    let at_last = kept.segmentations.get(&id).map(fingerprint) == last;
    if !(at_first || back < steps) || !at_last {
        return Err(failed("undo and redo did not restore the voxels"));
    }
    let input = format!("{steps} strokes, 512x512x{}", grid.size[2]);
    cases.push(&Case::new("brush-stroke", &input, painting));
    cases.push(&Case::new("brush-commit", &input, committing));
    for (name, samples) in [("undo-strokes", undo), ("redo-strokes", redo)] {
        let case = Case::new(name, &input, samples.clone())
            .with("kept_bytes", history.held_bytes())
            .with("steps", back)
            .with("wall_p50_ms", quantile(&samples.wall_ms, 0.5))
            .with("wall_max_ms", quantile(&samples.wall_ms, 1.0));
        cases.push(&case);
    }
    Ok(())
}
