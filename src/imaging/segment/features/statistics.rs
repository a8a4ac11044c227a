//! What is said of a segment while it is painted.

use super::Shape;
use crate::imaging::{
    metrics::distance::percentile,
    segment::{bits::Bits, image::Image},
};

/// Size, form and values of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Its form. Its volume is that of its voxels, as they are counted.
    pub shape: Shape,
    /// Voxels that have a value.
    pub valued: u64,
    /// Mean of the values, standard deviation over all, lowest, highest, median, 5th and 95th percentile (linear between ranks);
    /// `None` where no voxel has a value.
    pub values: Option<Values>,
}

/// Statistics of values, in their unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation, divided by the number of values.
    pub deviation: f64,
    /// Lowest.
    pub min: f64,
    /// Highest.
    pub max: f64,
    /// The middle one.
    pub median: f64,
    /// 5 % lie below.
    pub p5: f64,
    /// 95 % lie below.
    pub p95: f64,
}

/// Statistics of a segment over an image of its size; `None` for an empty segment. `spacing` is millimetres from column to column,
/// row to row, slice to slice.
pub fn statistics(image: &dyn Image, segment: &Bits, spacing: [f64; 3]) -> Option<Statistics> {
    let shape = Shape::of(segment, spacing)?;
    let mut row = vec![f64::NAN; image.size()[0]];
    let mut values = Vec::new();
    let mut held = None;
    for (y, z, run) in segment.runs() {
        if held != Some((y, z)) {
            image.row(y, z, &mut row);
            held = Some((y, z));
        }
        let part = row.get(run).unwrap_or_default();
        values.extend(part.iter().copied().filter(|v| v.is_finite()));
    }
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as f64;
    let share = |s: f64| percentile(&values, s);
    let said = || {
        let mean = values.iter().sum::<f64>() / n;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        Some(Values {
            mean,
            deviation: square.sqrt(),
            min: values.first().copied()?,
            max: values.last().copied()?,
            median: share(0.5)?,
            p5: share(0.05)?,
            p95: share(0.95)?,
        })
    };
    Some(Statistics {
        shape,
        valued: values.len() as u64,
        values: said(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::segment::image::Values as Numbers;

    #[test]
    fn a_segment_is_told_in_numbers() {
        let size = [5, 4, 3];
        let mut numbers: Vec<f32> = (0..60).map(|v| v as f32).collect();
        numbers[59] = f32::NAN;
        let image = Numbers::new(&numbers, size).unwrap();
        let part = Bits::from_fn(size, |[x, y, z]| (z * 4 + y) * 5 + x >= 50);
        let found = statistics(&image, &part, [1.0, 2.0, 3.0]).unwrap();
        assert_eq!((found.shape.voxels, found.valued), (10, 9));
        assert_eq!(found.shape.voxel_volume, 60.0);
        let values = found.values.unwrap();
        assert_eq!((values.mean, values.median), (54.0, 54.0));
        assert_eq!((values.min, values.max), (50.0, 58.0));
        // Of nine numbers in a row: (n² - 1) / 12.
        assert!((values.deviation - (80.0f64 / 12.0).sqrt()).abs() < 1e-12);
        assert!((values.p5 - 50.4).abs() < 1e-12 && (values.p95 - 57.6).abs() < 1e-12);
        let hole = Bits::from_fn(size, |at| at == [4, 3, 2]);
        assert!(
            statistics(&image, &hole, [1.0; 3])
                .unwrap()
                .values
                .is_none()
        );
        assert!(statistics(&image, &Bits::new(size), [1.0; 3]).is_none());
    }
}
