//! Radiomic features of a segment, as pyradiomics (van Griethuysen et al. 2017) defines and names them: first order, shape, and
//! five matrices of grey levels. Definitions agree with the Image Biomarker Standardisation Initiative except where pyradiomics
//! says otherwise (kurtosis is not excess kurtosis, and moments are over all).
//!
//! Must stay true: the picture is not resampled, normalised or filtered; neighbours are the 26 at distance 1; matrices of
//! directions are made symmetric (co-occurrence), and features are the mean over directions.

mod cooccurrence;
mod dependence;
mod eigen;
mod first_order;
mod levels;
mod mesh;
mod runs;
mod shape;
mod statistics;
#[cfg(test)]
mod tests;
mod tones;
mod zones;

pub use levels::Bins;
pub use shape::Shape;
pub use statistics::{Statistics, statistics};

use super::{bits::Bits, image::Image};
use crate::task::CancelToken;
use levels::Levels;

/// How features are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Grey levels.
    pub bins: Bins,
    /// Added to all values before their squares are summed (energy, total energy, root mean square).
    pub shift: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bins: Bins::Width(25.0),
            shift: 0.0,
        }
    }
}

/// Features of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name: `shape`, `firstorder`, `glcm`, `glrlm`, `glszm`, `gldm`, `ngtdm`.
    pub name: &'static str,
    /// Names and values. A value that does not exist (a mean over no direction) is not a number.
    pub features: Vec<(&'static str, f64)>,
}

/// Why there are no features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// The segment holds no voxel with a value.
    #[error("the segment holds no voxel that has a value")]
    Empty,
    /// The mask has another size than the image.
    #[error("the mask has another size than the image")]
    Size,
    /// Bins without width or number, or spacing that is none.
    #[error("bins and spacing must be above 0")]
    Settings,
    /// So many grey levels that matrices of them would not end.
    #[error("{0} grey levels are more than {MOST_LEVELS}; choose wider bins")]
    TooManyLevels(u64),
    /// The work was called off.
    #[error("cancelled")]
    Cancelled,
}

/// Most grey levels of a matrix.
pub const MOST_LEVELS: usize = 1024;

/// Steps to the 13 neighbours that come first along each line of a cube of 27 (columns, rows, slices).
const DIRECTIONS: [[isize; 3]; 13] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 0],
    [-1, 1, 0],
    [1, 0, 1],
    [-1, 0, 1],
    [0, 1, 1],
    [0, -1, 1],
    [1, 1, 1],
    [-1, 1, 1],
    [1, -1, 1],
    [-1, -1, 1],
];

/// Keeps logarithms of 0 finite: the distance from 1 to the next number.
const EPSILON: f64 = f64::EPSILON;

/// All features of a segment. `spacing` is millimetres from column to column, row to row, slice to slice.
///
/// # Errors
/// See [`FeatureError`].
pub fn features(
    image: &dyn Image,
    segment: &Bits,
    spacing: [f64; 3],
    settings: &Settings,
    cancel: &CancelToken,
) -> Result<Vec<Group>, FeatureError> {
    if segment.size() != image.size() {
        return Err(FeatureError::Size);
    }
    if !spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Err(FeatureError::Settings);
    }
    let levels = Levels::of(image, segment, settings.bins)?;
    let going = || match cancel.is_cancelled() {
        true => Err(FeatureError::Cancelled),
        false => Ok(()),
    };
    let shape = Shape::of(segment, spacing).ok_or(FeatureError::Empty)?;
    going()?;
    let mut groups = vec![
        Group {
            name: "shape",
            features: shape.features(),
        },
        Group {
            name: "firstorder",
            features: first_order::features(&levels, spacing, settings.shift),
        },
    ];
    let matrices: [(&'static str, fn(&Levels) -> Vec<(&'static str, f64)>); 5] = [
        ("glcm", cooccurrence::features),
        ("glrlm", runs::features),
        ("glszm", zones::features),
        ("gldm", dependence::features),
        ("ngtdm", tones::features),
    ];
    for (name, make) in matrices {
        going()?;
        let features = make(&levels);
        groups.push(Group { name, features });
    }
    Ok(groups)
}

/// Means over directions of features that are made for each; directions without any are left out.
fn averaged(found: &[Vec<(&'static str, f64)>]) -> Vec<(&'static str, f64)> {
    let Some(first) = found.first() else {
        return Vec::new();
    };
    first
        .iter()
        .enumerate()
        .map(|(index, (name, _))| {
            let values: Vec<f64> = found
                .iter()
                .filter_map(|f| f.get(index).map(|(_, v)| *v))
                .filter(|v| !v.is_nan())
                .collect();
            (*name, values.iter().sum::<f64>() / values.len() as f64)
        })
        .collect()
}
