//! Series whose planes lie in several directions: scouts among slices, three planes in one series.
//!
//! Must stay true: every frame that was given is in exactly one run. Planes that turn a little from slice to slice, or
//! each its own way (radial series), stay together: apart they would be pictures without neighbours.

use crate::model::{
    geometry::{BodyPlane, ImagePlane},
    layout::FrameRef,
};

/// Orientations closer than this are one stack (1°, as the sine); whether it is even enough for a volume is asked later.
const SAME_STACK: f64 = 0.017_45;
/// Stacks of several directions are at least as far apart (3°, as the sine); else the planes turn from slice to slice.
const WELL_APART: f64 = 0.052_34;
/// As many single pictures of directions of their own may go apart.
const MOST_SINGLES: usize = 3;

/// Frames whose planes lie in one direction.
pub(super) struct Run {
    pub(super) frames: Vec<(FrameRef, ImagePlane)>,
    pub(super) body: BodyPlane,
    /// A few pictures beside a stack of another direction: scouts.
    pub(super) scout: bool,
}

/// Whether two planes have one direction; `limit` is the largest sine between their axes.
pub(super) fn close(a: &ImagePlane, b: &ImagePlane, limit: f64) -> bool {
    let apart = |a: glam::DVec3, b: glam::DVec3| {
        let sine = a.cross(b).length();
        if a.dot(b) < 0.0 { 1.0 } else { sine }
    };
    apart(a.along_row, b.along_row) <= limit && apart(a.along_column, b.along_column) <= limit
}

/// Gathers frames by the direction of their planes, in the order in which directions first appear, or the stack first
/// where the others are scouts. One run comes back when they should not be parted.
pub(super) fn runs(frames: Vec<(FrameRef, ImagePlane)>) -> Vec<Run> {
    let mut firsts: Vec<ImagePlane> = Vec::new();
    let mut of_frame = Vec::with_capacity(frames.len());
    for (_, plane) in &frames {
        let known = firsts.iter().position(|f| close(f, plane, SAME_STACK));
        of_frame.push(known.unwrap_or(firsts.len()));
        if known.is_none() {
            firsts.push(*plane);
            if firsts.len() > 64 {
                return whole(frames);
            }
        }
    }
    let mut sizes = vec![0usize; firsts.len()];
    for run in &of_frame {
        if let Some(size) = sizes.get_mut(*run) {
            *size += 1;
        }
    }
    let apart = firsts.iter().enumerate().all(|(i, a)| {
        let others = firsts.iter().skip(i + 1);
        others.into_iter().all(|b| !close(a, b, WELL_APART))
    });
    let singles = sizes.iter().filter(|s| **s == 1).count();
    if firsts.len() < 2 || !apart || singles > MOST_SINGLES {
        return whole(frames);
    }
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let scout = |size: usize| size <= MOST_SINGLES && size * 4 <= largest;
    let mut runs: Vec<Run> = firsts
        .iter()
        .zip(&sizes)
        .map(|(plane, size)| Run {
            frames: Vec::new(),
            body: BodyPlane::of_normal(plane.normal()),
            scout: scout(*size),
        })
        .collect();
    for (frame, run) in frames.into_iter().zip(of_frame) {
        if let Some(run) = runs.get_mut(run) {
            run.frames.push(frame);
        }
    }
    runs.sort_by_key(|r| r.scout);
    runs
}

fn whole(frames: Vec<(FrameRef, ImagePlane)>) -> Vec<Run> {
    let normal = frames.first().map_or(glam::DVec3::Z, |(_, p)| p.normal());
    vec![Run {
        frames,
        body: BodyPlane::of_normal(normal),
        scout: false,
    }]
}
