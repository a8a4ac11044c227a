//! The window while a network runs: frames with and without, and how soon a cancel is acknowledged.

use super::{
    Cases, Failure,
    drawing::with_gpu,
    measure::{Case, Samples, quantile},
    process, scenery,
};
use crate::{
    ai::{
        card::{About, CardInput, CardTraining, CardWeights, ModelCard, PREPROCESSING, sha256_hex},
        sliding::input::{Intensity, Preparation},
        unet::UNetConfig,
        volume_card::{CardLabel, VolumePart},
    },
    app::frames::Frames,
    console::{Backend, Common, Exit},
    workspace::{Action, Command, volume_masks::VolumeModelEntry},
};
use clap::Args;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Arguments of `bench network`.
#[derive(Clone, Debug, Args)]
pub struct NetworkArgs {
    /// Slices of the made-up CT
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub slices: usize,
    /// Size of the window
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = super::drawing::parse_size)]
    pub size: [u32; 2],
    /// Channels of the first level of the U-Net, which has random weights
    #[arg(long, value_name = "W", default_value_t = 16)]
    pub width: usize,
    /// Side of its windows
    #[arg(long, value_name = "S", default_value_t = 256)]
    pub side: usize,
    /// Frames with the network at rest, and as many while it runs
    #[arg(long, value_name = "K", default_value_t = 200)]
    pub repeat: usize,
    /// Frames a second, as a screen asks for them
    #[arg(long, value_name = "HZ", default_value_t = 60.0)]
    pub rate: f64,
}

const MODEL: &str = "bench-volume";

/// Longest wait for a network to begin or to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `bench network`.
pub(super) fn run(
    args: &NetworkArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    if common.backend == Backend::Cpu {
        return Err(Failure::new(
            Exit::Unsupported,
            "the window is drawn by the graphics device only",
        ));
    }
    let models = tempfile::tempdir().map_err(|e| Failure::new(Exit::Io, e))?;
    let operations = write_model(models.path(), args, common.seed.unwrap_or(1))?;
    let folder = Some(models.path().to_owned());
    let (mut frames, made) = scenery::window(common, args.size, &[], args.slices, 0, folder)?;
    frames.command(Command::LayoutMpr);
    frames.settle()?;
    frames.program_mut().workspace.volume_masks.models = vec![VolumeModelEntry {
        id: MODEL.into(),
        title: MODEL.into(),
        synthetic_only: true,
        mirror_images: 1,
    }];
    // The first run makes pipelines and loads the model.
    begin(&mut frames)?;
    end(&mut frames)?;
    process::forget_peak();
    let [mut idle, mut busy, mut ends] = [const { Samples::new() }; 3];
    let mut pace = Pace::new(args.rate);
    for step in 0..args.repeat.max(1) {
        pace.wait();
        idle.run(|| draw(&mut frames, args, step))?;
    }
    let (mut windows, mut seconds) = (0, 0.0);
    let before = frames.program().workspace.gpu.door.snapshot();
    let mut step = 0;
    while step < args.repeat.max(1) {
        begin(&mut frames)?;
        let started = Instant::now();
        let mut done = 0;
        while step < args.repeat.max(1) && is_running(&frames) {
            pace.wait();
            busy.run(|| draw(&mut frames, args, step))?;
            done = windows_done(&frames).unwrap_or(done);
            step += 1;
        }
        windows += done;
        seconds += started.elapsed().as_secs_f64();
        if is_running(&frames) {
            ends.run(|| end(&mut frames))?;
        }
    }
    // And a few times only for the cancel.
    for _ in ends.wall_ms.len()..3 {
        begin(&mut frames)?;
        ends.run(|| end(&mut frames))?;
    }
    let gpu = frames.program().workspace.gpu.clone();
    let copies = gpu.door.since(&before);
    let p99 = |samples: &Samples| quantile(&samples.wall_ms, 0.99);
    let p50 = |samples: &Samples| quantile(&samples.wall_ms, 0.5);
    let ratio = p99(&busy)
        .zip(p99(&idle).filter(|ms| *ms > 0.0))
        .map(|(busy, idle)| (busy / idle * 1000.0).round() / 1000.0);
    let name = format!("width {}, windows of {}", args.width, args.side);
    let mut case = with_gpu(Case::new("network", name, busy.clone()), &gpu, &copies)
        .with("idle_p50_ms", p50(&idle))
        .with("idle_p99_ms", p99(&idle))
        .with("busy_p50_ms", p50(&busy))
        .with("busy_p99_ms", p99(&busy))
        .with("p99_to_idle", ratio)
        .with("cancel_ms", quantile(&ends.wall_ms, 1.0))
        .with("windows", windows)
        .with("windows_per_s", windows as f64 / seconds.max(1e-9))
        .with("gflop_a_window", operations as f64 / 1e9);
    case.frames = Some(1);
    cases.push(&case);
    drop(made);
    Ok(())
}

/// Frames at the rate of a screen, none of them early.
struct Pace {
    next: Instant,
    step: Duration,
}

impl Pace {
    fn new(rate: f64) -> Self {
        Self {
            next: Instant::now(),
            step: Duration::from_secs_f64(1.0 / rate.clamp(1.0, 1000.0)),
        }
    }

    fn wait(&mut self) {
        let now = Instant::now();
        if let Some(early) = self.next.checked_duration_since(now) {
            std::thread::sleep(early);
        }
        self.next = now.max(self.next) + self.step;
    }
}

/// A frame whose three planes lie elsewhere than in the one before.
fn draw(frames: &mut Frames, args: &NetworkArgs, step: usize) -> Result<(), Failure> {
    let cell = frames.program().workspace.active;
    let index = step % args.slices.max(1);
    frames
        .program_mut()
        .workspace
        .act(Action::GoTo { cell, index });
    frames.frame(|| ());
    Ok(frames.finish()?)
}

fn is_running(frames: &Frames) -> bool {
    !frames.program().workspace.jobs.running().is_empty()
}

fn windows_done(frames: &Frames) -> Option<usize> {
    let workspace = &frames.program().workspace;
    let job = workspace.jobs.running().first()?;
    usize::try_from(job.progress.get().0).ok()
}

/// Starts the network and waits until it has computed something.
fn begin(frames: &mut Frames) -> Result<(), Failure> {
    frames.command(Command::SegmentVolume);
    let started = Instant::now();
    while windows_done(frames).unwrap_or(0) == 0 {
        frames.frame(|| ());
        frames.finish()?;
        let over = !is_running(frames) || started.elapsed() > PATIENCE;
        if over {
            let notices = &frames.program().workspace.notices;
            let text = format!("the network did not begin: {notices:?}");
            return Err(Failure::new(Exit::Internal, text));
        }
    }
    Ok(())
}

/// Cancels, and waits until the window knows that it ended.
fn end(frames: &mut Frames) -> Result<(), Failure> {
    frames.program().workspace.jobs.cancel_all();
    let started = Instant::now();
    while is_running(frames) {
        frames.frame(|| ());
        if started.elapsed() > PATIENCE {
            return Err(Failure::new(Exit::Internal, "the network did not end"));
        }
    }
    Ok(())
}

/// Writes a model with random weights; operations of a window.
fn write_model(folder: &Path, args: &NetworkArgs, seed: u64) -> Result<u64, Failure> {
    let network = UNetConfig {
        input_channels: 1,
        classes: 2,
        depth: 4,
        width: args.width,
        patch: 1,
    };
    network.check()?;
    if args.side == 0 || args.side > 1024 || !args.side.is_multiple_of(network.multiple()) {
        let text = format!("the side must be a multiple of {}", network.multiple());
        return Err(Failure::new(Exit::Usage, text));
    }
    let weights = network.random_weights(seed).folded()?;
    let bytes = weights.to_bytes()?;
    let label = |value: u8, name: &str| CardLabel {
        value,
        name: name.into(),
        color: None,
    };
    let card = ModelCard {
        format: 1,
        id: MODEL.into(),
        version: "1".into(),
        trained: String::new(),
        about: About::default(),
        network,
        input: CardInput {
            side: args.side,
            preprocessing: PREPROCESSING.into(),
            threshold: 0.5,
            mirrored: false,
            volume: None,
        },
        volume: Some(VolumePart {
            exclusive: true,
            input: Preparation {
                intensity: Intensity::Standardised,
                ..Preparation::default()
            },
            labels: vec![label(0, "background"), label(1, "something")],
        }),
        scope: None,
        usual: None,
        weights: CardWeights {
            file: format!("{MODEL}.safetensors"),
            sha256: sha256_hex(&bytes),
            bytes: bytes.len() as u64,
            parameters: network.parameters(),
        },
        training: CardTraining {
            seed,
            epochs: 0,
            best_epoch: 0,
            train: vec![],
            validation: vec![],
            test: vec![],
        },
        metrics: vec![],
        classifier: None,
        lesions: None,
    };
    weights.save(&folder.join(&card.weights.file))?;
    let text = card.to_toml()?;
    std::fs::write(folder.join(format!("{MODEL}.toml")), text)
        .map_err(|e| Failure::new(Exit::Io, e))?;
    Ok(network.operations(args.side, args.side))
}
