//! A segmentation network: the bundled one, or the reference U-Net with random weights.

use super::{
    Cases, Failure,
    measure::{Case, Samples},
    process,
};
use crate::{
    ai::{
        AiError, BurnDevice, device,
        infer::Segmenter,
        learning::TrainingSteps,
        preprocess::{self, FrameInput},
        readback,
        registry::Model,
        registry::Registry,
        unet::UNetConfig,
        weights::Weights,
    },
    console::{Common, DeviceChoice, Exit},
    model::lut::ModalityLut,
    phantom::{RadiographSpec, radiograph},
    task::{CancelToken, Progress},
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Arguments of `bench unet`.
#[derive(Clone, Debug, Args)]
pub struct UnetArgs {
    /// Channels of the first level of the reference U-Net (5 levels, 3 × 3 convolutions); without it the bundled lung
    /// model runs
    #[arg(long, value_name = "W")]
    pub width: Option<usize>,
    /// Side of the input
    #[arg(long, value_name = "S", default_value_t = 256)]
    pub size: usize,
    /// Runs
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub repeat: usize,
    /// Write the random weights as safetensors, so that another runtime can run the same network
    #[arg(long, value_name = "FILE", requires = "width")]
    pub weights_out: Option<PathBuf>,
    /// Write the prepared picture (`input`) and what the network made of it (`probability`) as safetensors, so that another
    /// runtime can be held against it
    #[arg(long, value_name = "FILE", conflicts_with = "train")]
    pub trace_out: Option<PathBuf>,
    /// Measure training steps (Adam, cross-entropy plus Dice, normalisation over the batch) in the place of inference, and
    /// print the losses, which another framework gets from the same weights
    #[arg(long, requires = "width")]
    pub train: bool,
    /// Pictures of a training step
    #[arg(long, value_name = "N", default_value_t = 1, requires = "train")]
    pub batch: usize,
}

/// Step size of the measured training.
const RATE: f64 = 0.001;

impl From<AiError> for Failure {
    fn from(error: AiError) -> Self {
        Self::new(Exit::Unsupported, error)
    }
}

/// Runs `bench unet`.
pub(super) fn run(args: &UnetArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let on_gpu = match common.device {
        DeviceChoice::Auto => None,
        DeviceChoice::Gpu => Some(true),
        DeviceChoice::Cpu => Some(false),
    };
    let device = device::headless(on_gpu)?;
    if let (true, Some(width)) = (args.train, args.width) {
        cases.push(&training(args, width, &device, common.seed.unwrap_or(1))?);
        return Ok(());
    }
    let model = model(args, common.seed.unwrap_or(1))?;
    let film = radiograph(
        &RadiographSpec {
            columns: 256,
            rows: 256,
            pixel_mm: 1.68,
            ..RadiographSpec::default()
        },
        &Progress::default(),
        &CancelToken::default(),
    )?;
    let input = FrameInput {
        frame: &film.frame,
        modality_lut: &ModalityLut::IDENTITY,
        padding: None,
        inverted: false,
    };
    cases.push(&measure(args, &model, &device, input)?);
    Ok(())
}

fn model(args: &UnetArgs, seed: u64) -> Result<Model, Failure> {
    let bundled = Registry::default().load("lung-fields")?;
    let Some(width) = args.width else {
        return Ok(bundled);
    };
    let network = reference(width, args.size)?;
    let weights = network.random_weights(seed).folded()?;
    if let Some(path) = &args.weights_out {
        weights.save(path)?;
    }
    let mut card = bundled.card;
    card.network = network;
    card.input.side = args.size;
    card.input.mirrored = false;
    Ok(Model { card, weights })
}

/// The reference U-Net.
fn reference(width: usize, size: usize) -> Result<UNetConfig, Failure> {
    let network = UNetConfig {
        input_channels: 1,
        classes: 1,
        depth: 5,
        width,
        patch: 1,
    };
    network.check()?;
    if size == 0 || size > 4096 || !size.is_multiple_of(network.multiple()) {
        return Err(Failure::new(
            Exit::Usage,
            format!("the size must be a multiple of {}", network.multiple()),
        ));
    }
    Ok(network)
}

/// Steps of learning. Picture and mask are waves that any program can make; the first step compiles kernels and is kept
/// apart. The losses are in the order of the steps.
fn training(
    args: &UnetArgs,
    width: usize,
    device: &BurnDevice,
    seed: u64,
) -> Result<Case, Failure> {
    process::forget_peak();
    let (size, batch) = (args.size, args.batch.clamp(1, 256));
    let network = reference(width, size)?;
    let weights = network.random_weights(seed);
    if let Some(path) = &args.weights_out {
        weights.save(path)?;
    }
    let mut steps =
        TrainingSteps::new(&network, weights, waves(size, batch), (size, RATE), device)?;
    let mut losses = Vec::new();
    let mut first = Samples::default();
    first.run(|| steps.step().map(|loss| losses.push(loss)))?;
    let mut samples = Samples::default();
    for _ in 0..args.repeat.max(1) {
        samples.run(|| steps.step().map(|loss| losses.push(loss)))?;
    }
    let name = format!("width {width}, {size}, training, batch {batch}");
    let operations = 3 * batch as u64 * network.operations(size, size);
    let mut case = Case::new("unet", name, samples)
        .with("first_ms", first.best())
        .with("parameters", network.parameters())
        .with("gflop", operations as f64 / 1e9)
        .with("losses", losses);
    case.frames = Some(batch as u64);
    case.adapter = Some(device.name().to_owned());
    Ok(case)
}

/// Pictures of waves and the masks of their crests.
fn waves(size: usize, batch: usize) -> (Vec<f32>, Vec<f32>) {
    let wave = |index: usize| {
        let (picture, row, column) = (index / (size * size), index / size % size, index % size);
        let phase = picture as f64 + 0.05 * row as f64 + 0.03 * column as f64;
        (phase.sin() + (0.11 * column as f64).cos()) as f32
    };
    let values: Vec<f32> = (0..batch * size * size).map(wave).collect();
    let masks = values
        .iter()
        .map(|&v| f32::from(u8::from(v > 0.5)))
        .collect();
    (values, masks)
}

/// Writes what goes into the network and what comes out of it.
fn trace(path: &Path, segmenter: &Segmenter, input: FrameInput<'_>) -> Result<(), Failure> {
    let side = segmenter.card().input.side;
    let (values, _) = preprocess::prepare(input, side)?;
    let segmented = segmenter.run(input, &CancelToken::default())?;
    let map = readback::read_back(&segmented.probability)?;
    let mut tensors = Weights::default();
    tensors.insert("input".into(), vec![1, 1, side, side], values);
    let shape = vec![1, 1, map.rows, map.columns];
    tensors.insert("probability".into(), shape, map.values);
    Ok(tensors.save(path)?)
}

fn measure(
    args: &UnetArgs,
    model: &Model,
    device: &BurnDevice,
    input: FrameInput<'_>,
) -> Result<Case, Failure> {
    process::forget_peak();
    let segmenter = Segmenter::new(model, device)?;
    let cancel = CancelToken::default();
    // The first run compiles kernels and is kept apart.
    let mut first = Samples::default();
    first.run(|| segmenter.run(input, &cancel))?;
    let mut samples = Samples::default();
    for _ in 0..args.repeat.max(1) {
        samples.run(|| segmenter.run(input, &cancel))?;
    }
    if let Some(path) = &args.trace_out {
        trace(path, &segmenter, input)?;
    }
    let side = model.card.input.side;
    let operations = model.card.network.operations(side, side);
    let best = samples.best();
    let name = args.width.map_or_else(
        || format!("lung-fields {side}"),
        |width| format!("width {width}, {side}"),
    );
    let mut case = Case::new("unet", name, samples)
        .with("first_ms", first.best())
        .with("parameters", model.card.network.parameters())
        .with("gflop", operations as f64 / 1e9);
    case.frames = Some(1);
    case.adapter = Some(device.name().to_owned());
    if let Some(ms) = best
        && ms > 0.0
    {
        case = case.with(
            "gflop_per_s",
            (operations as f64 / ms / 1e4).round() / 100.0,
        );
    }
    Ok(case)
}
