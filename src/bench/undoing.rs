//! Taking back and doing again: marks, outlines drawn by hand, views, layouts, in a window with a series open.

use super::{
    Cases, Failure,
    measure::{Case, Samples, quantile},
    process, scenery,
};
use crate::{
    app::frames::Frames,
    console::{Common, Exit},
    model::{
        annotation::{MarkKind, Shape},
        edit::Edit,
    },
    workspace::{Action, Command},
};
use clap::Args;
use std::time::Instant;

/// Arguments of `bench undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// Steps of each kind of work
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub steps: usize,
    /// Points of an outline drawn by hand
    #[arg(long, value_name = "N", default_value_t = 600)]
    pub points: usize,
    /// How often all steps are taken back and done again
    #[arg(long, value_name = "K", default_value_t = 3)]
    pub repeat: usize,
}

/// Runs `bench undo`.
pub(super) fn run(args: &UndoArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let steps = args.steps.clamp(1, 500);
    let seed = common.seed.unwrap_or(1);
    let (mut frames, made) = scenery::window(common, [1920, 1080], &[], 20, 60, None)?;
    let mut edits = scenery::edits(&frames.program().workspace, steps, seed)?;
    for edit in &edits {
        commit(&mut frames, vec![edit.clone()])?;
    }
    case(args, &mut frames, cases, "undo-marks", steps)?;
    // The same marks once more as outlines of many points, each one a change of what is there.
    for (number, edit) in edits.iter_mut().enumerate() {
        let Edit::Add(mark) = edit else { continue };
        let centre = mark.shape.points.first().copied().unwrap_or_default();
        let points = (0..args.points.max(3)).map(|at| {
            let turn = std::f64::consts::TAU * at as f64 / args.points.max(3) as f64;
            let far = 12.0 + 2.0 * (turn * 5.0 + number as f64).sin();
            centre + glam::DVec3::new(far * turn.cos(), far * turn.sin(), 0.0)
        });
        let mut revised = mark.clone();
        revised.shape = Shape::new(MarkKind::Freehand, points.collect::<Vec<_>>());
        let from = Box::new(mark.clone());
        let to = Box::new(revised);
        commit(&mut frames, vec![Edit::Revise { from, to }])?;
    }
    case(args, &mut frames, cases, "undo-outlines", steps)?;
    let shown = [
        Command::ZoomIn,
        Command::Invert,
        Command::RotateRight,
        Command::ZoomOut,
        Command::WindowAuto,
        Command::FlipVertical,
        Command::WindowFile,
    ];
    for command in shown.iter().cycle().take(steps) {
        frames.command(*command);
    }
    case(args, &mut frames, cases, "undo-views", steps)?;
    let layouts = [Command::LayoutFour, Command::LayoutMpr, Command::LayoutOne];
    for command in layouts.iter().cycle().take(steps) {
        frames.command(*command);
    }
    case(args, &mut frames, cases, "undo-layouts", steps)?;
    drop(made);
    Ok(())
}

fn commit(frames: &mut Frames, edits: Vec<Edit>) -> Result<(), Failure> {
    match frames.program_mut().workspace.commit(edits) {
        true => Ok(()),
        false => Err(Failure::new(Exit::Internal, "the edit was not taken")),
    }
}

/// Takes the last steps back and does them again, each alone on the clock; then forgets them.
fn case(
    args: &UndoArgs,
    frames: &mut Frames,
    cases: &mut Cases<'_>,
    name: &str,
    steps: usize,
) -> Result<(), Failure> {
    frames.settle()?;
    let kept = frames.program().workspace.marks.history.held_bytes();
    let mut samples = Samples::default();
    process::forget_peak();
    for _ in 0..args.repeat.max(1) {
        for command in [Command::Undo, Command::Redo] {
            for _ in 0..steps {
                let workspace = &mut frames.program_mut().workspace;
                if !workspace.is_enabled(command) {
                    let text = format!("{name}: there are fewer steps than were made");
                    return Err(Failure::new(Exit::Internal, text));
                }
                let (start, cpu) = (Instant::now(), process::thread_cpu_ms());
                workspace.act(Action::Run(command));
                samples.wall_ms.push(start.elapsed().as_secs_f64() * 1e3);
                let spent = process::thread_cpu_ms().zip(cpu);
                samples.cpu_ms.extend(spent.map(|(to, from)| to - from));
            }
            frames.settle()?;
        }
    }
    let input = format!("{steps} steps");
    let at = |values: &[f64], share| quantile(values, share);
    let case = Case::new(name, input, samples.clone())
        .with("kept_bytes", kept)
        .with("cpu_p50_ms", at(&samples.cpu_ms, 0.5))
        .with("cpu_p99_ms", at(&samples.cpu_ms, 0.99))
        .with("cpu_max_ms", at(&samples.cpu_ms, 1.0))
        .with("wall_p99_ms", at(&samples.wall_ms, 0.99))
        .with("wall_max_ms", at(&samples.wall_ms, 1.0));
    cases.push(&case);
    frames.program_mut().workspace.marks.history.clear();
    Ok(())
}
