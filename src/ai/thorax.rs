//! The cardiothoracic ratio from the lung fields that the network proposes: brought to the size of the picture, cut at
//! the model's threshold, then measured as [`crate::imaging::thorax`] says.

use super::readback::ProbabilityMap;
use crate::imaging::{
    resample,
    thorax::{ThoraxError, ThoraxWidths, thorax_widths},
};

/// Longest side of the mask that is measured: a quarter of a millimetre on a film of 43 cm.
const MOST: usize = 1720;

/// The widths in pixels of a frame of (rows, columns).
///
/// # Errors
/// A mask that does not show them.
pub fn frame_widths(
    map: &ProbabilityMap,
    [rows, columns]: [usize; 2],
    threshold: f32,
) -> Result<ThoraxWidths, ThoraxError> {
    let shrunk = (rows.max(columns) as f64 / MOST as f64).max(1.0);
    let size = [rows, columns].map(|n| ((n as f64 / shrunk).round() as usize).max(1));
    let full = resample::bilinear(&map.values, [map.rows, map.columns], size);
    let full = full.map_err(|_| ThoraxError::Size)?;
    let mask: Vec<bool> = full.iter().map(|p| *p >= threshold).collect();
    let found = thorax_widths(&mask, size)?;
    // Outer edges lie on outer edges.
    let scale = [
        columns as f64 / size[1] as f64,
        rows as f64 / size[0] as f64,
    ];
    let place = |at: [f64; 2]| [0, 1].map(|i| (at[i] + 0.5) * scale[i] - 0.5);
    let pair = |ends: [[f64; 2]; 2]| ends.map(place);
    Ok(ThoraxWidths {
        heart: pair(found.heart),
        thorax: pair(found.thorax),
    })
}
