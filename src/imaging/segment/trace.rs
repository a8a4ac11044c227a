//! Level tracing: the closed line around what hangs together with a pixel and is at least as bright (or as dark) as it.

use super::{
    bits::Bits,
    grow::{Limit, grow},
    image::Values,
    islands::filled_in_slices,
    outline::{Loop, outlines},
};
use crate::task::CancelToken;

/// What a line at the level of a pixel shuts in.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// The pixels within the line, a picture of one slice; holes are filled.
    pub region: Bits,
    /// The line along the edges of pixels (corners have whole coordinates).
    pub line: Loop,
}

/// Which side of the level is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Values at or above the level.
    #[default]
    Above,
    /// Values at or below it.
    Below,
}

/// The line through a pixel of a picture (columns fastest) along its own value. `None` where there is no value.
pub fn trace(values: &[f32], size: [usize; 2], at: [usize; 2], side: Side) -> Option<Traced> {
    let region = region(values, size, at, side, &CancelToken::default())?;
    let line = outlines(&region, 0).into_iter().next()?;
    Some(Traced { region, line })
}

/// What that line shuts in, alone. `None` once cancelled, too.
pub fn region(
    values: &[f32],
    [columns, rows]: [usize; 2],
    at: [usize; 2],
    side: Side,
    cancel: &CancelToken,
) -> Option<Bits> {
    let size = [columns, rows, 1];
    let image = Values::new(values, size)?;
    let level = f64::from(*values.get(at[1].checked_mul(columns)? + at[0])?);
    if at[0] >= columns || !level.is_finite() {
        return None;
    }
    let range = match side {
        Side::Above => [level, f64::INFINITY],
        Side::Below => [f64::NEG_INFINITY, level],
    };
    let seed = [[at[0], at[1], 0]];
    let whole = Limit::whole(size);
    let region = grow(&image, &seed, range, &whole, None, cancel)?;
    Some(filled_in_slices(&region, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hill_is_traced_at_its_height() {
        // Height falls with the distance from the top, with a pit on the way.
        let size = [41usize, 31];
        let height = |x: usize, y: usize| {
            let d = (x as f64 - 20.0).hypot(y as f64 - 15.0);
            if (x, y) == (22, 15) {
                0.0
            } else {
                100.0 - 3.0 * d
            }
        };
        let values: Vec<f32> = (0..41 * 31)
            .map(|i| height(i % 41, i / 41) as f32)
            .collect();
        let found = trace(&values, size, [29, 15], Side::Above).unwrap();
        let expected = Bits::from_fn([41, 31, 1], |[x, y, _]| {
            (x as f64 - 20.0).hypot(y as f64 - 15.0) <= 9.0
        });
        assert_eq!(found.region, expected);
        assert_eq!(
            crate::imaging::segment::outline::filled(&[found.line], 41, 31),
            expected
        );
        let below = trace(&values, size, [0, 0], Side::Below).unwrap();
        assert!(below.region.get([0, 0, 0]) && !below.region.get([20, 15, 0]));
        let pit = trace(&values, size, [22, 15], Side::Below).unwrap();
        assert_eq!(pit.region.count(), 1);
        assert!(trace(&values, size, [41, 0], Side::Above).is_none());
        assert!(trace(&[f32::NAN], [1, 1], [0, 0], Side::Above).is_none());
    }
}
