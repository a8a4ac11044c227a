//! Operations on the values of a whole volume (row 14): growing, components, Gaussian, dilation, Otsu, resampling, and
//! histograms of gradients of one slice.

use super::{
    Cases, Failure,
    measure::{Case, Samples},
    process,
    series::{largest, name_of, volume_of},
};
use crate::{
    console::Exit,
    imaging::{
        field::{Extreme, extreme, gaussian, resampled},
        segment::{
            Bits, Image as _, Modality, Values,
            grow::{Limit, grow},
            islands::{Islands, Neighbours},
            threshold::{Histogram, threshold},
        },
        texture::oriented_gradients,
    },
    model::volume::Volume,
    task::CancelToken,
};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `bench image`.
#[derive(Clone, Debug, Args)]
pub struct ImageArgs {
    /// What is done
    #[arg(value_enum)]
    pub operation: Operation,
    /// Folder of DICOM files
    pub dir: PathBuf,
    /// Runs
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub repeat: usize,
    /// Range of values that grows, and of what hangs together
    #[arg(
        long,
        value_name = "LOW,HIGH",
        default_value = "-200,300",
        allow_hyphen_values = true
    )]
    pub range: String,
}

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    /// All of them, one after the other
    All,
    /// Region growing from a seed in the middle
    Grow,
    /// Connected components over faces, as labels
    Components,
    /// Gaussian of 2 mm
    Gaussian,
    /// Dilation by a ball of two voxels
    Dilate,
    /// Erosion by the same ball
    Erode,
    /// Histogram and Otsu's threshold
    Otsu,
    /// Resampling to 1 mm
    Resample,
    /// Histograms of oriented gradients of the middle slice
    Hog,
}

impl Operation {
    const EACH: [Self; 8] = [
        Self::Grow,
        Self::Components,
        Self::Gaussian,
        Self::Dilate,
        Self::Erode,
        Self::Otsu,
        Self::Resample,
        Self::Hog,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::All => "image",
            Self::Grow => "image grow",
            Self::Components => "image components",
            Self::Gaussian => "image gaussian",
            Self::Dilate => "image dilate",
            Self::Erode => "image erode",
            Self::Otsu => "image otsu",
            Self::Resample => "image resample",
            Self::Hog => "image hog",
        }
    }
}

/// What all operations work on.
struct Input<'a> {
    volume: &'a Volume,
    values: Vec<i16>,
    size: [usize; 3],
    spacing: [f64; 3],
    range: [f64; 2],
    seed: [usize; 3],
}

/// Runs `bench image`.
pub(super) fn run(args: &ImageArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let ends: Vec<f64> = args
        .range
        .split(',')
        .filter_map(|t| t.trim().parse().ok())
        .collect();
    let &[low, high] = ends.as_slice() else {
        return Err(Failure::new(
            Exit::Usage,
            "a range is two numbers: LOW,HIGH",
        ));
    };
    let layout = largest(&args.dir)?;
    let volume = volume_of(&layout)?;
    let image = Modality::new(&volume)
        .ok_or_else(|| Failure::new(Exit::Rejected, "the series has colours"))?;
    let size = image.size();
    let mut values = Vec::with_capacity(size.iter().product());
    let mut row = vec![0.0; size[0]];
    for z in 0..size[2] {
        for y in 0..size[1] {
            image.row(y, z, &mut row);
            values.extend(row.iter().map(|v| v.clamp(-32768.0, 32767.0) as i16));
        }
    }
    // The first voxel of the range to the right of the middle.
    let middle = size.map(|side| side / 2);
    let fits = |x: &usize| {
        let value = image.value([*x, middle[1], middle[2]]);
        value >= low && value <= high
    };
    let seed = (middle[0]..size[0]).chain(0..middle[0]).find(fits);
    let none = || {
        Failure::new(
            Exit::Rejected,
            "no voxel of the middle row lies in the range",
        )
    };
    let input = Input {
        volume: &volume,
        values,
        size,
        spacing: volume.grid.spacing_mm(),
        range: [low, high],
        seed: [seed.ok_or_else(none)?, middle[1], middle[2]],
    };
    let chosen: Vec<Operation> = match args.operation {
        Operation::All => Operation::EACH.to_vec(),
        one => vec![one],
    };
    for operation in chosen {
        let mut samples = Samples::new();
        let mut told = Vec::new();
        process::forget_peak();
        for _ in 0..args.repeat.max(1) {
            told = once(operation, &input, &mut samples)?;
        }
        let mut case = Case::new(operation.name(), name_of(&layout), samples)
            .with("spacing_mm", input.spacing.to_vec());
        for (name, value) in told {
            case = case.with(name, value);
        }
        case.frames = Some(size[2] as u64);
        cases.push(&case);
    }
    Ok(())
}

/// One run; what is told of its result lets a script compare it with that of another program.
fn once(
    operation: Operation,
    input: &Input<'_>,
    samples: &mut Samples,
) -> Result<Vec<(&'static str, serde_json::Value)>, Failure> {
    let token = CancelToken::default();
    let size = input.size;
    let ended = || Failure::new(Exit::Internal, "the work ended early");
    let image = Modality::new(input.volume).ok_or_else(ended)?;
    let plain = Values::new(&input.values, size).ok_or_else(ended)?;
    let sum = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>();
    let whole = |values: &[i16]| values.iter().map(|&v| i64::from(v)).sum::<i64>();
    Ok(match operation {
        Operation::Grow => {
            let limit = Limit::whole(size);
            let seeds = [input.seed];
            let found = samples.run(|| grow(&image, &seeds, input.range, &limit, None, &token));
            let voxels = found.ok_or_else(ended)?.count();
            vec![
                ("voxels", voxels.into()),
                ("seed", input.seed.to_vec().into()),
                ("range", input.range.to_vec().into()),
            ]
        }
        Operation::Components => {
            let mask: Bits = threshold(&image, input.range);
            let bools = mask.to_bools();
            let (parts, labelled) = samples.run(|| {
                // From bytes to labels, as the peers have it.
                let islands =
                    Bits::from_bools(&bools, size).map(|b| Islands::of(&b, Neighbours::Faces));
                islands.map_or((0, 0), |islands| {
                    (islands.parts.len(), islands.labels(u16::MAX).len())
                })
            });
            vec![("parts", parts.into()), ("voxels", labelled.into())]
        }
        Operation::Gaussian => {
            let sigma = input.spacing.map(|step| 2.0 / step);
            let found = samples.run(|| gaussian(&input.values, size, sigma, &token));
            vec![
                ("sum", sum(&found.ok_or_else(ended)?).into()),
                ("sigma_mm", 2.0.into()),
            ]
        }
        Operation::Dilate | Operation::Erode => {
            let which = match operation {
                Operation::Dilate => Extreme::Highest,
                _ => Extreme::Lowest,
            };
            let found = samples.run(|| extreme(&input.values, size, [2; 3], which, &token));
            vec![
                ("sum", whole(&found.ok_or_else(ended)?).into()),
                ("radius", 2.into()),
            ]
        }
        Operation::Otsu => {
            let found = samples.run(|| Histogram::of(&plain, None, 256).and_then(|h| h.otsu()));
            vec![("threshold", found.into())]
        }
        Operation::Resample => {
            let to =
                [0, 1, 2].map(|i| ((size[i] as f64 * input.spacing[i]).round() as usize).max(1));
            let found = samples.run(|| resampled(&input.values, size, to, &token));
            vec![
                ("sum", sum(&found.ok_or_else(ended)?).into()),
                ("size", to.to_vec().into()),
            ]
        }
        Operation::Hog => {
            let slice = size[0] * size[1];
            let start = size[2] / 2 * slice;
            let middle = input.values.get(start..start + slice).unwrap_or_default();
            let side = size[0].min(size[1]);
            let picture: Vec<f32> = middle
                .chunks(size[0].max(1))
                .take(side)
                .flat_map(|row| row.iter().take(side).map(|&v| f32::from(v)))
                .collect();
            let found = samples.run(|| oriented_gradients(&picture, side, 8));
            vec![
                ("sum", found.iter().sum::<f64>().into()),
                ("cell", 8.into()),
            ]
        }
        Operation::All => Vec::new(),
    })
}
