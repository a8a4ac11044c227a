//! `negatoscope radiomics`: features of a segment.

use super::{
    Common, Exit, Output,
    labels::files::{labels, same_grid, volume},
    series::Refusal,
};
use crate::{
    imaging::segment::{
        Bits, Modality,
        features::{Bins, FeatureError, Settings, features},
    },
    task::CancelToken,
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Arguments of `radiomics`.
#[derive(Debug, Args)]
pub struct RadiomicsArgs {
    /// The picture: a series, or a research volume
    pub image: PathBuf,
    /// Labels on the same grid (NIfTI, NRRD, MetaImage)
    pub mask: PathBuf,
    /// The label whose features are made
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub label: u16,
    /// Width of a grey level, in the unit of the values
    #[arg(long, value_name = "W", default_value_t = 25.0)]
    pub bin_width: f64,
    /// So many grey levels from the lowest to the highest value instead
    #[arg(long, value_name = "N", conflicts_with = "bin_width")]
    pub bin_count: Option<usize>,
    /// Added to all values before they are squared (energy and root mean square)
    #[arg(
        long,
        value_name = "C",
        default_value_t = 0.0,
        allow_hyphen_values = true
    )]
    pub shift: f64,
}

impl From<FeatureError> for Refusal {
    fn from(error: FeatureError) -> Self {
        let exit = match error {
            FeatureError::Empty | FeatureError::Size => Exit::Rejected,
            FeatureError::Settings => Exit::Usage,
            FeatureError::TooManyLevels(_) => Exit::Limit,
            FeatureError::Cancelled => Exit::Internal,
        };
        Self::new(exit, error.to_string())
    }
}

/// Runs `radiomics`.
pub fn run(args: &RadiomicsArgs, common: &Common, out: &mut Output) -> Exit {
    match tell(args, common, out) {
        Ok(()) => Exit::Done,
        Err(Refusal { exit, message }) => {
            out.error(message);
            exit
        }
    }
}

fn tell(args: &RadiomicsArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    let (found, mask) = labels(&args.mask, common)?;
    let image = volume(&args.image, common)?;
    same_grid(&mask.grid, &image.grid, &args.image)?;
    let inside = || Refusal::new(Exit::Internal, "a mask of the wrong size");
    let segment = Bits::from_label(&found, mask.grid.size, &args.label).ok_or_else(inside)?;
    if segment.is_empty() {
        let text = format!("no voxel has label {}: {}", args.label, args.mask.display());
        return Err(Refusal::new(Exit::Rejected, text));
    }
    let values = Modality::new(&image).ok_or_else(inside)?;
    let settings = Settings {
        bins: args
            .bin_count
            .map_or(Bins::Width(args.bin_width), Bins::Count),
        shift: args.shift,
    };
    let spacing = image.grid.spacing_mm();
    let groups = features(
        &values,
        &segment,
        spacing,
        &settings,
        &CancelToken::default(),
    )?;
    if common.json {
        let mut all = Map::new();
        for group in &groups {
            for (name, value) in &group.features {
                all.insert(format!("original_{}_{name}", group.name), json!(value));
            }
        }
        let bins = match settings.bins {
            Bins::Width(width) => json!({ "width": width }),
            Bins::Count(count) => json!({ "count": count }),
        };
        out.json(&json!({
            "image": args.image.display().to_string(),
            "mask": args.mask.display().to_string(),
            "label": args.label,
            "voxels": segment.count(),
            "spacing_mm": spacing,
            "bins": bins,
            "shift": args.shift,
            "features": Value::Object(all),
        }));
        return Ok(());
    }
    for group in &groups {
        for (name, value) in &group.features {
            out.line(format!("{} {name}: {value}", group.name));
        }
    }
    Ok(())
}
