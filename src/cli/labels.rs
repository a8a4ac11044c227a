//! `negatoscope labels`: the tools of the annotator's bench over files.

pub(super) mod files;
mod work;

use super::{Common, Exit, Output, series::Refusal};
use crate::imaging::segment::{Combine, islands::Neighbours, margin::Shell};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Arguments of `labels`.
#[derive(Debug, Args)]
pub struct LabelsArgs {
    /// What is done
    #[command(subcommand)]
    pub operation: Operation,
}

/// Labels that are worked on, and where the result goes.
#[derive(Debug, Args)]
pub struct Target {
    /// Labels: a volume of whole numbers, 0 for none (NIfTI, NRRD, MetaImage)
    pub path: PathBuf,
    /// Only this label (default: each by itself)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub label: Option<u16>,
    /// New voxels take those of other labels too (default: only those of none)
    #[arg(long)]
    pub over: bool,
    /// File to write: .nii, .nii.gz, .nrrd or .mha
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Seeds that labels spread from.
#[derive(Debug, Args)]
pub struct Seeds {
    /// Seeds: a volume of labels, 0 where the answer is asked for
    pub path: PathBuf,
    /// The picture, on the same grid: a series, or a research volume
    #[arg(long, value_name = "PATH")]
    pub image: PathBuf,
    /// A label that stands for "not any": it is taken out of the answer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub background: Option<u16>,
    /// File to write: .nii, .nii.gz, .nrrd or .mha
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// How a surface is smoothed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Smoothing {
    /// What most voxels of a box are
    Median,
    /// Blurred, and cut at one half
    Gaussian,
    /// Shrunk and grown again
    Opening,
    /// Grown and shrunk again
    Closing,
}

/// Which voxels hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Touching {
    /// 6 neighbours
    Faces,
    /// 18 neighbours
    Edges,
    /// 26 neighbours
    Corners,
}

impl From<Touching> for Neighbours {
    fn from(touching: Touching) -> Self {
        match touching {
            Touching::Faces => Self::Faces,
            Touching::Edges => Self::Edges,
            Touching::Corners => Self::Corners,
        }
    }
}

/// Where a shell lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Within the label
    Inside,
    /// Around it
    Outside,
    /// Half to each side
    Middle,
}

impl From<Side> for Shell {
    fn from(side: Side) -> Self {
        match side {
            Side::Inside => Self::Inside,
            Side::Outside => Self::Outside,
            Side::Middle => Self::Middle,
        }
    }
}

/// How two masks are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// In either
    Add,
    /// In the first alone
    Subtract,
    /// In both
    Intersect,
    /// In exactly one
    Differ,
    /// In the second
    Copy,
}

impl From<How> for Combine {
    fn from(how: How) -> Self {
        match how {
            How::Add => Self::Add,
            How::Subtract => Self::Subtract,
            How::Intersect => Self::Intersect,
            How::Differ => Self::Differ,
            How::Copy => Self::Copy,
        }
    }
}

/// Across which axis slices lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// Slices of rows and slices
    Columns,
    /// Slices of columns and slices
    Rows,
    /// Slices of columns and rows, as they are stored
    Slices,
}

impl Axis {
    const fn index(self) -> usize {
        match self {
            Self::Columns => 0,
            Self::Rows => 1,
            Self::Slices => 2,
        }
    }
}

/// The tools.
#[derive(Debug, Subcommand)]
pub enum Operation {
    /// Grow or shrink by millimetres
    Margin {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// Millimetres: above 0 grows, below 0 shrinks
        #[arg(long, value_name = "MM", allow_hyphen_values = true)]
        mm: f64,
    },
    /// Smooth the surface
    Smooth {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// How
        #[arg(long, value_enum, default_value = "median")]
        kind: Smoothing,
        /// Reach of the box, deviation of the Gaussian, radius of the ball
        #[arg(long, value_name = "MM", default_value_t = 1.0)]
        mm: f64,
    },
    /// Keep the largest part, drop small ones, or make each part a label
    Islands {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// Only the largest part stays
        #[arg(long, conflicts_with_all = ["least_ml", "split"])]
        largest: bool,
        /// Parts of less than this go
        #[arg(long, value_name = "ML", conflicts_with = "split")]
        least_ml: Option<f64>,
        /// Each part becomes a label of its own, largest first, from 1
        #[arg(long)]
        split: bool,
        /// Which voxels hang together
        #[arg(long, value_enum, default_value = "faces")]
        touching: Touching,
    },
    /// Fill what a label shuts in
    Holes {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// Slice by slice across this axis (default: in the volume)
        #[arg(long, value_enum)]
        across: Option<Axis>,
    },
    /// A shell in place of the label
    Hollow {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// Thickness
        #[arg(long, value_name = "MM")]
        mm: f64,
        /// Where it lies
        #[arg(long, value_enum, default_value = "inside")]
        side: Side,
    },
    /// Put the labels of two files together
    Boolean {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// The second file
        #[arg(long, value_name = "FILE")]
        with: PathBuf,
        /// How
        #[arg(long, value_enum)]
        how: How,
    },
    /// Fill between the slices that are drawn
    Between {
        /// Labels and result
        #[command(flatten)]
        target: Target,
        /// Across which axis they were drawn
        #[arg(long, value_enum, default_value = "slices")]
        across: Axis,
    },
    /// What lies in a range of values, or above Otsu's threshold
    Threshold {
        /// The picture: a series, or a research volume
        image: PathBuf,
        /// Lowest and highest value
        #[arg(long, value_name = "LOW,HIGH", value_parser = parse_range, allow_hyphen_values = true, required_unless_present = "otsu")]
        range: Option<[f64; 2]>,
        /// So many classes by Otsu's criterion; the lowest is 0
        #[arg(long, value_name = "CLASSES", conflicts_with = "range", value_parser = clap::value_parser!(u8).range(2..=5))]
        otsu: Option<u8>,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// What hangs together with a seed in a range of values
    Grow {
        /// The picture: a series, or a research volume
        image: PathBuf,
        /// Column, row, slice from 0; may be given again
        #[arg(long, value_name = "X,Y,Z", value_parser = parse_seed, required = true)]
        at: Vec<[usize; 3]>,
        /// Lowest and highest value
        #[arg(long, value_name = "LOW,HIGH", value_parser = parse_range, allow_hyphen_values = true)]
        range: [f64; 2],
        /// Only so far from the first seed
        #[arg(long, value_name = "MM")]
        within_mm: Option<f64>,
        /// Only in the slice of the first seed across this axis
        #[arg(long, value_enum)]
        flat: Option<Axis>,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// What an outline shuts in that follows edges from anchor to anchor
    Livewire {
        /// The picture: a series, or a research volume
        image: PathBuf,
        /// Across which axis the slice lies
        #[arg(long, value_enum, default_value = "slices")]
        across: Axis,
        /// The slice, from 0
        #[arg(long, value_name = "N")]
        slice: usize,
        /// Column and row in the slice, from 0 (across columns: row and slice; across rows: column and slice); three or more
        #[arg(long, value_name = "X,Y", value_parser = parse_anchor, required = true)]
        anchor: Vec<[usize; 2]>,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Basins around markers over the slope of the picture
    Watershed {
        /// Seeds, picture and result
        #[command(flatten)]
        seeds: Seeds,
        /// Over the values themselves
        #[arg(long)]
        values: bool,
    },
    /// Seeds take what is most like them
    GrowCut {
        /// Seeds, picture and result
        #[command(flatten)]
        seeds: Seeds,
    },
    /// Seeds take what is nearest to them over ground that costs where values change
    Geodesic {
        /// Seeds, picture and result
        #[command(flatten)]
        seeds: Seeds,
        /// 0 for the way alone, 1 for the values alone
        #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
        contrast: f64,
    },
    /// Seeds take what a random walk most probably meets them from
    RandomWalker {
        /// Seeds, picture and result
        #[command(flatten)]
        seeds: Seeds,
        /// How much the walk shuns steps between unlike values
        #[arg(long, value_name = "N", default_value_t = 130.0)]
        beta: f64,
    },
    /// Size, form and values of each label
    Statistics {
        /// Labels
        path: PathBuf,
        /// The picture, on the same grid
        #[arg(long, value_name = "PATH")]
        image: Option<PathBuf>,
    },
}

fn parse_range(text: &str) -> Result<[f64; 2], String> {
    let parts: Option<Vec<f64>> = text.split(',').map(|p| p.trim().parse().ok()).collect();
    match parts.as_deref() {
        Some(&[low, high]) if low <= high => Ok([low, high]),
        _ => Err(format!(
            "`{text}` is no range: two numbers, the lower one first"
        )),
    }
}

fn parse_seed(text: &str) -> Result<[usize; 3], String> {
    let parts: Option<Vec<usize>> = text.split(',').map(|p| p.trim().parse().ok()).collect();
    match parts.as_deref() {
        Some(&[x, y, z]) => Ok([x, y, z]),
        _ => Err(format!(
            "`{text}` is no place: column, row and slice from 0"
        )),
    }
}

fn parse_anchor(text: &str) -> Result<[usize; 2], String> {
    let parts: Option<Vec<usize>> = text.split(',').map(|p| p.trim().parse().ok()).collect();
    match parts.as_deref() {
        Some(&[x, y]) => Ok([x, y]),
        _ => Err(format!(
            "`{text}` is no place in a slice: two whole numbers from 0"
        )),
    }
}

/// Runs `labels`.
pub fn run(args: &LabelsArgs, common: &Common, out: &mut Output) -> Exit {
    match work::labels(&args.operation, common, out) {
        Ok(()) => Exit::Done,
        Err(Refusal { exit, message }) => {
            out.error(message);
            exit
        }
    }
}
