//! A frame of the whole window beside the plainest one that a device can draw.

use super::{
    Cases, Failure,
    drawing::{BlitFloor, FrameArgs, scene_word, with_gpu},
    measure::{Case, Samples, quantile},
    process, scenery,
};
use crate::{
    app::frames::Frames,
    console::{Backend, Common, Exit},
    gpu::CopyCounts,
    model::lut::WindowLevel,
    workspace::{Action, view::VoiChoice},
};

/// Runs `bench frame --scene full`: each frame has another window, so picture, mask and everything around them are drawn
/// anew; the still frames between them show what the toolkit's part costs.
pub(super) fn full(
    args: &FrameArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    if common.backend == Backend::Cpu {
        return Err(Failure::new(
            Exit::Unsupported,
            "the window is drawn by the graphics device only",
        ));
    }
    let seed = common.seed.unwrap_or(1);
    let (mut frames, made) = scenery::window(common, args.size, &[], args.slices, 60, None)?;
    let cell = frames.program().workspace.active;
    let index = args.slices / 2;
    frames
        .program_mut()
        .workspace
        .act(Action::GoTo { cell, index });
    frames.settle()?;
    scenery::marks(&mut frames, args.marks, seed)?;
    scenery::mask(&mut frames)?;
    let gpu = frames.program().workspace.gpu.clone();
    let floor = BlitFloor::new(&gpu, args.size)?;
    floor.draw(&gpu)?;
    draw(&mut frames, cell, 0)?;
    process::forget_peak();
    let [mut samples, mut floors, mut still] = [const { Samples::new() }; 3];
    let (mut copies, mut drawn) = (CopyCounts::default(), 0);
    for step in 1..=args.repeat.max(1) {
        floors.run(|| floor.draw(&gpu))?;
        let (before, pictures) = (gpu.door.snapshot(), frames.program().pictures_drawn());
        samples.run(|| draw(&mut frames, cell, step))?;
        copies = gpu.door.since(&before);
        drawn += frames.program().pictures_drawn() - pictures;
        still.run(|| -> Result<(), Failure> {
            frames.frame(|| ());
            Ok(frames.finish()?)
        })?;
    }
    if drawn < args.repeat.max(1) as u64 {
        let text = "not every frame drew the picture anew";
        return Err(Failure::new(Exit::Internal, text));
    }
    let least = |samples: &Samples| quantile(&samples.cpu_ms, 0.0);
    let ratio = |samples: &Samples| {
        let pair = least(samples).zip(least(&floors).filter(|ms| *ms > 0.0));
        pair.map(|(cpu, floor)| (cpu / floor * 1000.0).round() / 1000.0)
    };
    let (whole, resting) = (ratio(&samples), ratio(&still));
    let mut case = with_gpu(
        Case::new("frame", scene_word(args), samples.clone()),
        &gpu,
        &copies,
    )
    .with("floor_cpu_ms", least(&floors))
    .with("cpu_to_blit", whole)
    .with("still_cpu_ms", least(&still))
    .with("still_to_blit", resting)
    .with("marks", args.marks);
    case.frames = Some(1);
    case.floor_ms = floors.best();
    cases.push(&case);
    drop(made);
    Ok(())
}

/// A frame whose picture has another window than the one before.
fn draw(frames: &mut Frames, cell: usize, step: usize) -> Result<(), Failure> {
    let none = || Failure::new(Exit::Internal, "there is no view");
    let workspace = &mut frames.program_mut().workspace;
    let viewport = workspace.viewports.get_mut(cell).ok_or_else(none)?;
    viewport.view.voi = VoiChoice::Custom(WindowLevel {
        center: 40.0 + step as f64,
        width: 400.0,
    });
    frames.frame(|| ());
    Ok(frames.finish()?)
}
