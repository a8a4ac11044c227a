//! Numbers that describe many values: sum, mean, deviations, extremes, median, percentiles, histogram.
//!
//! Values of at most 16 bits are counted by stored value, so memory does not grow with the region and nothing is
//! rounded on the way; others are kept. Percentiles are linear between ranks (NumPy's default, definition 7 of Hyndman
//! and Fan 1996). The sample deviation divides by n - 1, the population deviation by n.

use super::{Counts, MAX_VALUES, MeasureError, exact_sum};
use crate::{
    imaging::{statistics::is_image, window::modality_value},
    model::{
        lut::{ModalityLut, PaddingRange},
        pixels::StoredType,
    },
};

/// Most percentiles that are asked for.
const MAX_PERCENTILES: usize = 101;
/// Most bins of a histogram.
const MAX_BINS: usize = 65536;

/// What is asked of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Percentiles, 0 to 100 each.
    pub percentiles: Vec<f64>,
    /// A histogram, where wanted.
    pub histogram: Option<Bins>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            percentiles: vec![5.0, 25.0, 75.0, 95.0],
            histogram: None,
        }
    }
}

/// Bins of equal width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    /// How many.
    pub count: usize,
    /// Lower border of the first (default: the lowest value).
    pub low: Option<f64>,
    /// Upper border of the last (default: the highest value).
    pub high: Option<f64>,
}

impl Ask {
    /// Refuses what cannot be answered.
    ///
    /// # Errors
    /// Shares outside 0 to 100, too many of them, or a histogram without bins or range.
    pub fn check(&self) -> Result<(), MeasureError> {
        let shares = &self.percentiles;
        if shares.len() > MAX_PERCENTILES || !shares.iter().all(|p| (0.0..=100.0).contains(p)) {
            return Err(MeasureError::BadOption {
                name: "percentiles",
            });
        }
        let bad = self.histogram.is_some_and(|bins| {
            let finite = |v: Option<f64>| v.is_none_or(f64::is_finite);
            let order = bins.low.zip(bins.high).is_none_or(|(low, high)| low < high);
            !(1..=MAX_BINS).contains(&bins.count)
                || !finite(bins.low)
                || !finite(bins.high)
                || !order
        });
        if bad {
            return Err(MeasureError::BadOption { name: "histogram" });
        }
        Ok(())
    }
}

/// Counts of values in bins of equal width; the upper border of the last bin belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Lower border of the first bin.
    pub low: f64,
    /// Upper border of the last bin.
    pub high: f64,
    /// Values in each bin.
    pub counts: Vec<u64>,
    /// Values below the first bin.
    pub below: u64,
    /// Values above the last bin.
    pub above: u64,
}

/// What values come to. There is at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// How many.
    pub n: u64,
    /// Their sum.
    pub sum: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of a sample, over n - 1; `None` for one value.
    pub sd_sample: Option<f64>,
    /// Standard deviation of the whole population, over n.
    pub sd_population: f64,
    /// Lowest.
    pub min: f64,
    /// Highest.
    pub max: f64,
    /// Middle one, or the mean of the two middle ones.
    pub median: f64,
    /// Percentiles that were asked for: share and value.
    pub percentiles: Vec<(f64, f64)>,
    /// Histogram, where asked for.
    pub histogram: Option<Histogram>,
}

/// Values in ascending order, equal ones together.
struct Runs {
    values: Vec<f64>,
    /// How many values there are up to and with each of `values`.
    up_to: Vec<u64>,
}

impl Runs {
    fn of(counted: impl Iterator<Item = (f64, u64)>) -> Self {
        let (mut values, mut up_to, mut total) = (Vec::new(), Vec::new(), 0);
        for (value, count) in counted {
            total += count;
            values.push(value);
            up_to.push(total);
        }
        Self { values, up_to }
    }

    fn total(&self) -> u64 {
        self.up_to.last().copied().unwrap_or_default()
    }

    fn counted(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let before = std::iter::once(0).chain(self.up_to.iter().copied());
        let counts = self
            .up_to
            .iter()
            .zip(before)
            .map(|(now, before)| now - before);
        self.values.iter().copied().zip(counts)
    }

    /// The value at a rank, from 0.
    fn at(&self, rank: u64) -> f64 {
        let index = self.up_to.partition_point(|seen| *seen <= rank);
        self.values.get(index).copied().unwrap_or_default()
    }

    /// The value at a share of 0 to 100.
    fn percentile(&self, share: f64) -> f64 {
        let place = (self.total() - 1) as f64 * (share / 100.0);
        let part = place - place.floor();
        let low = self.at(place.floor() as u64);
        let high = self.at((place.floor() as u64 + 1).min(self.total() - 1));
        // From the nearer end, so that the ends are met exactly.
        if part < 0.5 {
            low + (high - low) * part
        } else {
            high - (high - low) * (1.0 - part)
        }
    }

    fn statistics(&self, ask: &Ask) -> Option<Statistics> {
        let n = self.total();
        let (min, max) = (*self.values.first()?, *self.values.last()?);
        let sum = exact_sum(self.counted().map(|(v, c)| v * c as f64));
        let mean = sum / n as f64;
        let squares = exact_sum(
            self.counted()
                .map(|(v, c)| (v - mean) * (v - mean) * c as f64),
        );
        Some(Statistics {
            n,
            sum,
            mean,
            sd_sample: (n > 1).then(|| (squares / (n - 1) as f64).sqrt()),
            sd_population: (squares / n as f64).sqrt(),
            min,
            max,
            median: 0.5 * self.at((n - 1) / 2) + 0.5 * self.at(n / 2),
            percentiles: ask
                .percentiles
                .iter()
                .map(|p| (*p, self.percentile(*p)))
                .collect(),
            histogram: ask.histogram.map(|bins| self.histogram(bins, min, max)),
        })
    }

    fn histogram(&self, bins: Bins, min: f64, max: f64) -> Histogram {
        let (low, high) = (bins.low.unwrap_or(min), bins.high.unwrap_or(max));
        // As NumPy does for values that are all the same, and for a border on the wrong side of all values.
        let (low, high) = if low < high {
            (low, high)
        } else {
            (low - 0.5, low + 0.5)
        };
        let mut found = Histogram {
            low,
            high,
            counts: vec![0; bins.count],
            below: 0,
            above: 0,
        };
        let border = |i: usize| low + (high - low) * (i as f64 / bins.count as f64);
        for (value, count) in self.counted() {
            if value < low {
                found.below += count;
            } else if value > high {
                found.above += count;
            } else {
                let share = (value - low) / (high - low);
                let mut bin = ((share * bins.count as f64) as usize).min(bins.count - 1);
                // The product may round across a border.
                if value < border(bin) {
                    bin -= 1;
                } else if bin + 1 < bins.count && value >= border(bin + 1) {
                    bin += 1;
                }
                if let Some(bin) = found.counts.get_mut(bin) {
                    *bin += count;
                }
            }
        }
        found
    }
}

/// A percentile (0 to 100) of values in ascending order, linear between ranks; `None` without values.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let runs = Runs::of(sorted.iter().map(|v| (*v, 1)));
    (runs.total() > 0 && (0.0..=100.0).contains(&share)).then(|| runs.percentile(share))
}

/// Lowest value that is counted, and how many there are: all of 16 bits, with and without sign.
const LOWEST: i32 = -32768;
const COUNTED: usize = 32768 + 65536;

enum Tally {
    Counted(Vec<u64>),
    Kept(Vec<f64>),
}

/// Takes in values one by one.
pub(super) struct Collector<'a> {
    lut: &'a ModalityLut,
    stored_type: StoredType,
    padding: Option<PaddingRange>,
    tally: Tally,
    /// What became of them; `inside` and `outside` are the caller's.
    pub counts: Counts,
}

impl<'a> Collector<'a> {
    /// For stored values.
    pub(super) fn stored(
        lut: &'a ModalityLut,
        stored_type: StoredType,
        padding: Option<PaddingRange>,
    ) -> Self {
        Self {
            lut,
            stored_type,
            padding,
            tally: if stored_type.bytes() <= 2 {
                Tally::Counted(vec![0; COUNTED])
            } else {
                Tally::Kept(Vec::new())
            },
            counts: Counts::default(),
        }
    }

    /// For modality values that were made between pixels.
    pub(super) fn interpolated() -> Self {
        Self::stored(&ModalityLut::IDENTITY, StoredType::F64, None)
    }

    /// The modality value of a stored one; `None`, and counted as such, for padding and what is no number.
    pub(super) fn modality(&mut self, stored: f64) -> Option<f64> {
        if is_image(stored, self.stored_type, self.padding) {
            return Some(modality_value(stored, self.lut));
        }
        if stored.is_finite() {
            self.counts.padding += 1;
        } else {
            self.counts.not_finite += 1;
        }
        None
    }

    /// Takes in a stored value.
    pub(super) fn add(&mut self, stored: f64) -> Result<(), MeasureError> {
        if self.modality(stored).is_some() {
            self.count(stored)?;
        }
        Ok(())
    }

    /// Takes in a stored value that is known to be one of the image.
    pub(super) fn count(&mut self, stored: f64) -> Result<(), MeasureError> {
        match &mut self.tally {
            Tally::Counted(counts) => {
                if let Some(count) = counts.get_mut((stored as i32 - LOWEST) as usize) {
                    *count += 1;
                }
            }
            Tally::Kept(values) => {
                if values.len() >= MAX_VALUES {
                    return Err(MeasureError::TooManyValues);
                }
                values.push(modality_value(stored, self.lut));
            }
        }
        self.counts.n += 1;
        Ok(())
    }

    /// What the values come to; `None` when none counted.
    pub(super) fn finish(self, ask: &Ask) -> Option<Statistics> {
        let runs = match self.tally {
            Tally::Counted(counts) => {
                let mut found: Vec<(f64, u64)> = counts
                    .into_iter()
                    .zip(LOWEST..)
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, stored)| (modality_value(f64::from(stored), self.lut), count))
                    .collect();
                found.sort_by(|a, b| a.0.total_cmp(&b.0));
                Runs::of(found.into_iter())
            }
            Tally::Kept(mut values) => {
                values.sort_unstable_by(f64::total_cmp);
                Runs::of(values.into_iter().map(|v| (v, 1)))
            }
        };
        runs.statistics(ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From scripts/numpy_numbers.py, NumPy 2.4.6.
    const NUMPY: [(f64, f64); 14] = [
        (0.0, -299.0),
        (2.5, -274.3),
        (5.0, -249.8),
        (10.0, -201.2),
        (25.0, -50.0),
        (33.3, 36.187_999_999_999_99),
        (50.0, 202.0),
        (66.6, 371.376),
        (75.0, 458.0),
        (90.0, 607.400_000_000_000_1),
        (95.0, 656.2),
        (97.5, 681.099_999_999_999_9),
        (99.9, 706.564_000_000_000_1),
        (100.0, 707.0),
    ];

    fn collected(stored_type: StoredType, ask: &Ask) -> Statistics {
        let mut collector = Collector::stored(&ModalityLut::IDENTITY, stored_type, None);
        for i in 0..437 {
            collector
                .add(f64::from((i * 7919 + 13) % 1009 - 300))
                .unwrap();
        }
        collector.finish(ask).unwrap()
    }

    #[test]
    fn numbers_are_those_of_numpy_counted_or_kept() {
        let ask = |low, high, count| Ask {
            percentiles: NUMPY.map(|(share, _)| share).into(),
            histogram: Some(Bins { count, low, high }),
        };
        for stored_type in [StoredType::I16, StoredType::F64] {
            let found = collected(stored_type, &ask(None, None, 10));
            assert_eq!((found.n, found.sum), (437, 88805.0));
            assert_eq!((found.min, found.max, found.median), (-299.0, 707.0, 202.0));
            let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-11, "{a} {b}");
            near(found.mean, 203.21510297482837);
            near(found.sd_population, 292.02009186197506);
            near(found.sd_sample.unwrap(), 292.35478548685506);
            for ((share, value), (asked, expected)) in found.percentiles.iter().zip(NUMPY) {
                assert_eq!(*share, asked);
                near(*value, expected);
            }
            let bins = found.histogram.unwrap();
            assert_eq!(bins.counts, [46, 42, 43, 45, 43, 42, 45, 43, 43, 45]);
            let bins = collected(stored_type, &ask(Some(-100.0), Some(400.0), 7));
            let bins = bins.histogram.unwrap();
            assert_eq!(bins.counts, [32, 30, 31, 30, 32, 30, 31]);
            let all = bins.counts.iter().sum::<u64>() + bins.below + bins.above;
            assert_eq!(all, 437);
        }
    }

    #[test]
    fn few_values_and_none() {
        let few = [0.1, 0.2, 0.7, 1.3];
        let expected = [0.13, 0.175, 0.3, 0.45, 1.12];
        for (share, value) in [10.0, 25.0, 40.0, 50.0, 90.0].into_iter().zip(expected) {
            assert!((percentile(&few, share).unwrap() - value).abs() < 1e-15);
        }
        assert_eq!(percentile(&[], 50.0), None);
        assert_eq!(percentile(&few, 101.0), None);
        let mut one = Collector::stored(&ModalityLut::IDENTITY, StoredType::U8, None);
        one.add(7.0).unwrap();
        let found = one.finish(&Ask::default()).unwrap();
        assert_eq!((found.sd_sample, found.sd_population), (None, 0.0));
        assert_eq!(found.percentiles[0], (5.0, 7.0));
        let none = Collector::stored(&ModalityLut::IDENTITY, StoredType::U8, None);
        assert_eq!(none.finish(&Ask::default()), None);
    }

    #[test]
    fn a_small_spread_far_from_zero_is_kept() {
        let mut collector = Collector::interpolated();
        for i in 0..1000 {
            collector.add(1e9 + f64::from(i % 2)).unwrap();
        }
        let found = collector.finish(&Ask::default()).unwrap();
        assert_eq!((found.mean, found.sd_population), (1e9 + 0.5, 0.5));
    }

    #[test]
    fn falling_tables_are_sorted_by_what_they_give() {
        let lut = ModalityLut::Rescale {
            slope: -2.0,
            intercept: 10.0,
        };
        let mut collector = Collector::stored(&lut, StoredType::U8, None);
        for stored in [0.0, 1.0, 2.0, 2.0] {
            collector.add(stored).unwrap();
        }
        let found = collector.finish(&Ask::default()).unwrap();
        assert_eq!((found.min, found.max, found.median), (6.0, 10.0, 7.0));
    }

    #[test]
    fn questions_without_an_answer_are_refused() {
        let check = |percentiles: Vec<f64>, histogram| {
            let ask = Ask {
                percentiles,
                histogram,
            };
            ask.check().map_err(|e| e.code())
        };
        let bins = |count, low, high| Some(Bins { count, low, high });
        assert_eq!(check(vec![0.0, 100.0], bins(1, None, None)), Ok(()));
        assert_eq!(check(vec![100.1], None), Err("BAD_OPTION"));
        assert_eq!(check(vec![f64::NAN], None), Err("BAD_OPTION"));
        assert_eq!(check(vec![1.0; 102], None), Err("BAD_OPTION"));
        assert_eq!(check(vec![], bins(0, None, None)), Err("BAD_OPTION"));
        assert_eq!(
            check(vec![], bins(usize::MAX, None, None)),
            Err("BAD_OPTION")
        );
        assert_eq!(
            check(vec![], bins(3, Some(2.0), Some(1.0))),
            Err("BAD_OPTION")
        );
    }
}
