//! Ranges of values: what lies in one, and where histograms say that it should begin.
//!
//! Sources: Otsu (1979) for two classes, Liao, Chen and Chung (2001) for more.

use super::{bits::Bits, image::Image};
use rayon::prelude::*;

/// The voxels whose values lie in a range, both ends included.
pub fn threshold(image: &dyn Image, range: [f64; 2]) -> Bits {
    let mut bits = Bits::new(image.size());
    bits.each_row_mut(|y, z, row| image.in_range(y, z, range, row));
    bits
}

/// How often values occur, in steps of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Lower end of the first step.
    pub low: f64,
    /// Width of a step.
    pub width: f64,
    /// Values in each step; the last holds its upper end, too.
    pub counts: Vec<u64>,
}

/// Most steps of a histogram that has one for each whole number.
const WHOLE: f64 = 65536.0;

impl Histogram {
    /// Of the values of an image, of those in a set where one is given: a step for each whole number where all values are
    /// whole and there are not too many of them, else `steps` from the lowest to the highest. `None` without values.
    pub fn of(image: &dyn Image, within: Option<&Bits>, steps: usize) -> Option<Self> {
        if within.is_none()
            && let Some((first, counts)) = image.whole_counts()
        {
            let low = counts.iter().position(|&c| c > 0)?;
            let high = counts.iter().rposition(|&c| c > 0)?;
            return Some(Self {
                low: first + low as f64 - 0.5,
                width: 1.0,
                counts: counts.get(low..=high)?.to_vec(),
            });
        }
        let size = image.size();
        let rows = |z: usize, each: &mut dyn FnMut(f64)| {
            let mut row = vec![f64::NAN; size[0]];
            for y in 0..size[1] {
                match within {
                    None => {
                        image.row(y, z, &mut row);
                        row.iter().filter(|v| v.is_finite()).for_each(|&v| each(v));
                    }
                    Some(bits) => {
                        let mut read = false;
                        for run in bits.runs_of(y, z) {
                            if !read {
                                image.row(y, z, &mut row);
                                read = true;
                            }
                            let part = row.get(run).unwrap_or_default();
                            part.iter().filter(|v| v.is_finite()).for_each(|&v| each(v));
                        }
                    }
                }
            }
        };
        // Lowest, highest, and whether all are whole.
        let (low, high, whole) = (0..size[2])
            .into_par_iter()
            .map(|z| {
                let mut found = (f64::INFINITY, f64::NEG_INFINITY, true);
                rows(z, &mut |value| {
                    found.0 = found.0.min(value);
                    found.1 = found.1.max(value);
                    found.2 &= value.fract() == 0.0;
                });
                found
            })
            .reduce(
                || (f64::INFINITY, f64::NEG_INFINITY, true),
                |a, b| (a.0.min(b.0), a.1.max(b.1), a.2 && b.2),
            );
        if low > high {
            return None;
        }
        let each_whole = whole && high - low < WHOLE;
        let (low, width, count) = match each_whole {
            true => (low - 0.5, 1.0, (high - low) as usize + 1),
            false if high > low => (low, (high - low) / steps.max(1) as f64, steps.max(1)),
            false => (low, 1.0, 1),
        };
        let span = width * count as f64;
        let counts = (0..size[2])
            .into_par_iter()
            .fold(
                || vec![0u64; count],
                |mut counts, z| {
                    rows(z, &mut |value| {
                        let step = ((value - low) / span * count as f64) as usize;
                        if let Some(count) = counts.get_mut(step.min(count - 1)) {
                            *count += 1;
                        }
                    });
                    counts
                },
            )
            .reduce(
                || vec![0u64; count],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                    a
                },
            );
        Some(Self { low, width, counts })
    }

    /// How many values it counts.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The middle of a step.
    pub fn middle(&self, step: usize) -> f64 {
        self.low + (step as f64 + 0.5) * self.width
    }

    /// The threshold between two classes that lie furthest apart (Otsu 1979): values above it are the upper class. The
    /// middle of a step; `None` where there is only one value.
    pub fn otsu(&self) -> Option<f64> {
        self.multi_otsu(2).and_then(|found| found.first().copied())
    }

    /// The thresholds between so many classes (2 to 5) that lie furthest apart, from low to high, each the middle of a step:
    /// values above it are the next class. `None` where there are fewer values than classes.
    pub fn multi_otsu(&self, classes: usize) -> Option<Vec<f64>> {
        if !(2..=5).contains(&classes) {
            return None;
        }
        // More than two classes take the square of the number of steps.
        let thick = self.thinned(if classes == 2 { 65536 } else { 1024 });
        let steps = thick.counts.len();
        if thick.counts.iter().filter(|&&c| c > 0).count() < classes {
            return None;
        }
        let (mut weight, mut moment) = (vec![0.0f64; steps + 1], vec![0.0f64; steps + 1]);
        for (step, &count) in thick.counts.iter().enumerate() {
            weight[step + 1] = weight[step] + count as f64;
            moment[step + 1] = moment[step] + count as f64 * step as f64;
        }
        // Weight times squared mean of the steps from a to before b; their sum grows with the variance between classes.
        let share = |a: usize, b: usize| {
            let (w, m) = (weight[b] - weight[a], moment[b] - moment[a]);
            if w > 0.0 { m * m / w } else { 0.0 }
        };
        if classes == 2 {
            let (mut best, mut found) = (f64::NEG_INFINITY, 0);
            for cut in 1..steps {
                let value = share(0, cut) + share(cut, steps);
                if weight[cut] > 0.0 && weight[cut] < weight[steps] && value > best * (1.0 + 1e-14)
                {
                    (best, found) = (value, cut - 1);
                }
            }
            return Some(vec![thick.middle(found)]);
        }
        // best[k][b]: the largest sum of k classes over the steps before b; from[k][b]: where the last of them begins.
        let mut best = vec![vec![f64::NEG_INFINITY; steps + 1]; classes + 1];
        let mut from = vec![vec![0usize; steps + 1]; classes + 1];
        best[0][0] = 0.0;
        for k in 1..=classes {
            for end in k..=steps {
                for start in (k - 1)..end {
                    let value = best[k - 1][start] + share(start, end);
                    if value > best[k][end] {
                        best[k][end] = value;
                        from[k][end] = start;
                    }
                }
            }
        }
        let mut cuts = Vec::new();
        let mut end = steps;
        for k in (2..=classes).rev() {
            end = from[k][end];
            cuts.push(thick.middle(end - 1));
        }
        cuts.reverse();
        Some(cuts)
    }

    /// The histogram with neighbouring steps put together until there are no more than `most`.
    fn thinned(&self, most: usize) -> Self {
        let group = self.counts.len().div_ceil(most.max(1)).max(1);
        let counts = self
            .counts
            .chunks(group)
            .map(|part| part.iter().sum())
            .collect();
        Self {
            low: self.low,
            width: self.width * group as f64,
            counts,
        }
    }

    /// The histogram in so many steps from the lowest to the highest value, for rules that are stated for a number of steps.
    #[must_use]
    pub fn in_steps(&self, steps: usize) -> Self {
        let steps = steps.max(1);
        let first = self.counts.iter().position(|&c| c > 0).unwrap_or(0);
        let last = self.counts.iter().rposition(|&c| c > 0).unwrap_or(0);
        let (low, high) = (self.middle(first), self.middle(last));
        let mut counts = vec![0; steps];
        let width = (high - low) / steps as f64;
        for (step, &count) in self.counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let place = match high > low {
                true => ((self.middle(step) - low) / (high - low) * steps as f64) as usize,
                false => 0,
            };
            if let Some(sum) = counts.get_mut(place.min(steps - 1)) {
                *sum += count;
            }
        }
        Self {
            low,
            width: if width > 0.0 { width } else { 1.0 },
            counts,
        }
    }
}

/// Mean and standard deviation (over all) of the values in a set; `None` without values. A brush stroke gives the range for
/// growing this way: mean ± a few deviations.
pub fn spread_of(image: &dyn Image, within: &Bits) -> Option<[f64; 2]> {
    let mut row = vec![f64::NAN; image.size()[0]];
    let (mut count, mut mean, mut squares) = (0.0f64, 0.0, 0.0);
    let mut held = None;
    for (y, z, run) in within.runs() {
        if held != Some((y, z)) {
            image.row(y, z, &mut row);
            held = Some((y, z));
        }
        for &value in row
            .get(run)
            .unwrap_or_default()
            .iter()
            .filter(|v| v.is_finite())
        {
            count += 1.0;
            let step = value - mean;
            mean += step / count;
            squares += step * (value - mean);
        }
    }
    (count > 0.0).then(|| [mean, (squares / count).sqrt()])
}

#[cfg(test)]
mod tests {
    use super::{
        super::{image::Values, noise::Noise},
        *,
    };

    fn bumps(seed: u64) -> Vec<i16> {
        let mut noise = Noise::new(seed);
        let bump = |n: &mut Noise, middle: f64, wide: f64| {
            let sum: f64 = (0..12).map(|_| n.unit()).sum::<f64>() - 6.0;
            (middle + wide * sum).round() as i16
        };
        (0..6000)
            .map(|i| match i % 6 {
                0 => bump(&mut noise, -800.0, 40.0),
                1 | 2 => bump(&mut noise, 40.0, 25.0),
                _ => bump(&mut noise, 700.0, 120.0),
            })
            .collect()
    }

    #[test]
    fn thresholds_take_both_ends() {
        let values = [1i16, 2, 3, 4, 5, 6];
        let image = Values::new(&values, [3, 2, 1]).unwrap();
        let bits = threshold(&image, [2.0, 4.0]);
        assert_eq!(bits.to_bools(), [false, true, true, true, false, false]);
    }

    #[test]
    fn classes_are_those_of_a_full_search() {
        let values = bumps(3);
        let image = Values::new(&values, [60, 100, 1]).unwrap();
        let full = Histogram::of(&image, None, 256).unwrap();
        // Counted as whole numbers, and looked at one by one.
        let all = Bits::full([60, 100, 1]);
        assert_eq!(Histogram::of(&image, Some(&all), 256).unwrap(), full);
        let floats: Vec<f32> = values.iter().map(|&v| f32::from(v)).collect();
        let floats = Values::new(&floats, [60, 100, 1]).unwrap();
        assert_eq!(Histogram::of(&floats, None, 256).unwrap(), full);
        assert_eq!(full.total(), 6000);
        assert_eq!(full.width, 1.0);
        let coarse = full.in_steps(48);
        assert_eq!(coarse.total(), 6000);
        // The variance between the classes from its definition.
        let between = |cuts: &[usize]| {
            let mut ends = vec![0];
            ends.extend(cuts.iter().map(|c| c + 1));
            ends.push(48);
            let n: f64 = coarse.total() as f64;
            let mean: f64 = (0..48)
                .map(|i| i as f64 * coarse.counts[i] as f64)
                .sum::<f64>()
                / n;
            ends.windows(2)
                .map(|w| {
                    let weight: f64 = (w[0]..w[1]).map(|i| coarse.counts[i] as f64).sum();
                    let sum: f64 = (w[0]..w[1])
                        .map(|i| i as f64 * coarse.counts[i] as f64)
                        .sum();
                    match weight > 0.0 {
                        true => weight / n * (sum / weight - mean).powi(2),
                        false => 0.0,
                    }
                })
                .sum::<f64>()
        };
        let step = |value: f64| ((value - coarse.low) / coarse.width - 0.5).round() as usize;
        let two = coarse.otsu().unwrap();
        let most = (0..47).map(|a| between(&[a])).fold(0.0, f64::max);
        assert!((between(&[step(two)]) - most).abs() < 1e-9);
        let three = coarse.multi_otsu(3).unwrap();
        let mut most = 0.0f64;
        for a in 0..46 {
            for b in a + 1..47 {
                most = most.max(between(&[a, b]));
            }
        }
        let found = between(&[step(three[0]), step(three[1])]);
        assert!((found - most).abs() < 1e-9, "{found} {most}");
        // They lie between the bumps.
        assert!(three[0] > -700.0 && three[0] < 0.0 && three[1] > 100.0 && three[1] < 500.0);
        assert!(coarse.multi_otsu(6).is_none());
    }

    #[test]
    fn one_value_has_no_classes() {
        let values = [7i16; 12];
        let image = Values::new(&values, [3, 2, 2]).unwrap();
        let histogram = Histogram::of(&image, None, 256).unwrap();
        assert_eq!((histogram.counts.len(), histogram.otsu()), (1, None));
        let nothing = [f32::NAN; 12];
        let image = Values::new(&nothing, [3, 2, 2]).unwrap();
        assert!(Histogram::of(&image, None, 256).is_none());
        // Part of the values, and numbers that are not whole.
        let halves: Vec<f32> = (0..12).map(|i| i as f32 / 2.0).collect();
        let image = Values::new(&halves, [3, 2, 2]).unwrap();
        let upper = threshold(&image, [3.0, 9.0]);
        let histogram = Histogram::of(&image, Some(&upper), 5).unwrap();
        assert_eq!((histogram.low, histogram.width), (3.0, 0.5));
        assert_eq!(histogram.counts, [1, 1, 1, 1, 2]);
        let [mean, deviation] = spread_of(&image, &upper).unwrap();
        assert!((mean - 4.25).abs() < 1e-12);
        assert!((deviation - (35.0f64 / 48.0).sqrt()).abs() < 1e-12);
    }
}
