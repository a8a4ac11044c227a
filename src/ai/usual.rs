//! Whether a picture looks at all like those that a model was trained with.
//!
//! A header may be wrong or missing, and a network answers anything. Thirty-three plain numbers of the network's input
//! (quantiles, a coarse picture, edges at three scales, symmetry, the border) have a mean and a covariance over the
//! training pictures; the Mahalanobis distance from them, divided by the root of their number, says how unusual
//! another one is. From where on it is flagged is the 98th percentile of pictures that did not train: two of a hundred
//! usual pictures are flagged too. That is a plain test: what passes it may still be something that the model does
//! not know.

use super::AiError;
use crate::{
    imaging::resample,
    model::finding::{Finding, Severity},
};
use serde::{Deserialize, Serialize};

/// Name of the numbers that this version computes.
const MEASURES: &str = "quantiles, coarse 4 x 4, edges at 3 scales, symmetry, border";

/// How many there are.
const COUNT: usize = 33;

/// Side that pictures are brought to.
const SIDE: usize = 64;

/// Share of the diagonal in the covariance: so few pictures tell little of how the numbers go together.
const SHRINKAGE: f64 = 0.1;

/// Least variance of a number.
const LEAST: f64 = 1e-6;

/// Pictures that did not train up to this share are usual.
const USUAL_SHARE: f64 = 0.98;

/// Fewest pictures that say anything.
const FEWEST: usize = 20;

const QUANTILES: [f64; 9] = [0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95];

/// What the inputs of a model usually look like; a part of its card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsualInputs {
    /// The numbers that are measured; this version knows one list of them.
    pub measures: String,
    /// Pictures that the mean and the factor come from.
    pub pictures: usize,
    /// Pictures that the limit comes from.
    pub held_out: usize,
    /// A distance above this is flagged.
    pub limit: f64,
    /// Mean of each number.
    pub mean: Vec<f64>,
    /// Lower triangle of the Cholesky factor of the covariance, row by row.
    pub factor: Vec<f64>,
}

impl UsualInputs {
    /// Learns from prepared inputs, `side * side` values each: those that trained, and those that did not.
    ///
    /// # Errors
    /// [`AiError::Data`] for fewer than twenty of either.
    pub fn learn(
        trained: &[Vec<f32>],
        held_out: &[Vec<f32>],
        side: usize,
    ) -> Result<Self, AiError> {
        if trained.len() < FEWEST || held_out.len() < FEWEST {
            return Err(AiError::Data(format!(
                "{} and {} pictures are too few to tell what is usual; {FEWEST} of each are needed",
                trained.len(),
                held_out.len()
            )));
        }
        let measured: Result<Vec<_>, AiError> = trained.iter().map(|p| measures(p, side)).collect();
        let measured = measured?;
        let count = measured.len() as f64;
        let mean: Vec<f64> = (0..COUNT)
            .map(|i| measured.iter().filter_map(|m| m.get(i)).sum::<f64>() / count)
            .map(rounded)
            .collect();
        let off = |m: &[f64], i: usize| {
            m.get(i).copied().unwrap_or_default() - mean.get(i).copied().unwrap_or_default()
        };
        let covariance = |i: usize, j: usize| {
            let sum: f64 = measured.iter().map(|m| off(m, i) * off(m, j)).sum();
            let both = sum / (count - 1.0);
            match i == j {
                true => both + LEAST,
                false => both * (1.0 - SHRINKAGE),
            }
        };
        let mut usual = Self {
            measures: MEASURES.into(),
            pictures: trained.len(),
            held_out: held_out.len(),
            limit: 0.0,
            factor: cholesky(covariance)?,
            mean,
        };
        let distances: Result<Vec<f64>, AiError> =
            held_out.iter().map(|p| usual.distance(p, side)).collect();
        let mut distances = distances?;
        distances.sort_unstable_by(f64::total_cmp);
        let last = (distances.len() - 1) as f64;
        let place = USUAL_SHARE * last;
        let at = |i: f64| distances.get(i as usize).copied().unwrap_or_default();
        let (low, high) = (at(place.floor()), at(place.ceil()));
        usual.limit = rounded(low + (high - low) * place.fract());
        Ok(usual)
    }

    /// Refuses a part of a card that fits nothing.
    pub(crate) fn check(&self) -> Result<(), AiError> {
        let finite = |values: &[f64]| values.iter().all(|v| v.is_finite());
        let diagonal = (0..COUNT).map(|i| self.factor.get(i * (i + 3) / 2));
        let sane = self.measures == MEASURES
            && self.mean.len() == COUNT
            && self.factor.len() == COUNT * (COUNT + 1) / 2
            && finite(&self.mean)
            && finite(&self.factor)
            && diagonal.into_iter().all(|d| d.is_some_and(|d| *d > 0.0))
            && self.limit.is_finite()
            && self.limit > 0.0;
        match sane {
            true => Ok(()),
            false => Err(AiError::Card(
                "what the card says of usual inputs does not fit".into(),
            )),
        }
    }

    /// How unusual a prepared input is; about 1 for those that trained.
    ///
    /// # Errors
    /// A picture of another size.
    pub fn distance(&self, picture: &[f32], side: usize) -> Result<f64, AiError> {
        let measured = measures(picture, side)?;
        // Forward substitution: the factor times what is solved is the difference from the mean.
        let mut solved: Vec<f64> = Vec::with_capacity(COUNT);
        for (i, (value, mean)) in measured.iter().zip(&self.mean).enumerate() {
            let row = self.factor.get(i * (i + 1) / 2..).unwrap_or(&[]);
            let known: f64 = row.iter().zip(&solved).map(|(f, s)| f * s).sum();
            let diagonal = row.get(i).copied().unwrap_or(1.0);
            solved.push((value - mean - known) / diagonal);
        }
        let sum: f64 = solved.iter().map(|s| s * s).sum();
        Ok((sum / COUNT as f64).sqrt())
    }

    /// The finding for a picture that is unusual.
    ///
    /// # Errors
    /// As for [`Self::distance`].
    pub fn finding(&self, picture: &[f32], side: usize) -> Result<Option<Finding>, AiError> {
        let distance = self.distance(picture, side)?;
        let times = distance / self.limit;
        let sentence = format!(
            "The picture does not look like those the model was trained with (distance {times:.1}, where 1 is the usual limit)"
        );
        let finding = Finding::new("UNUSUAL_INPUT", Severity::Warning, sentence)
            .with("times", (times * 10.0).round() / 10.0);
        Ok((times > 1.0).then_some(finding))
    }
}

/// Enough digits for a distance that is good to a thousandth, and short to read.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The lower triangle of the factor of a matrix that is symmetric and positive definite.
fn cholesky(matrix: impl Fn(usize, usize) -> f64) -> Result<Vec<f64>, AiError> {
    let mut factor: Vec<f64> = Vec::with_capacity(COUNT * (COUNT + 1) / 2);
    for i in 0..COUNT {
        for j in 0..=i {
            let at = |row: usize, k: usize| factor.get(row * (row + 1) / 2 + k).copied();
            let known: f64 = (0..j)
                .map(|k| at(i, k).unwrap_or_default() * at(j, k).unwrap_or_default())
                .sum();
            let rest = matrix(i, j) - known;
            let value = match i == j {
                true if rest > 0.0 => rest.sqrt(),
                true => {
                    let text = "the pictures are too much alike to tell what is usual";
                    return Err(AiError::Data(text.into()));
                }
                false => rest / at(j, j).unwrap_or(1.0),
            };
            factor.push(value);
        }
    }
    Ok(factor.into_iter().map(rounded).collect())
}

/// The numbers of a prepared input.
fn measures(picture: &[f32], side: usize) -> Result<Vec<f64>, AiError> {
    let wrong = |e: resample::ResampleError| AiError::Compute(e.to_string());
    let grid = resample::area(picture, [side, side], [SIDE, SIDE]).map_err(wrong)?;
    let mut sorted: Vec<f32> = picture.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    let mut out: Vec<f64> = QUANTILES
        .iter()
        .map(|q| sorted.get((q * last).round() as usize).copied())
        .map(|v| v.map_or(0.0, f64::from))
        .collect();
    let coarse = resample::area(&grid, [SIDE, SIDE], [4, 4]).map_err(wrong)?;
    out.extend(coarse.into_iter().map(f64::from));
    let mut level = grid.clone();
    let mut size = SIDE;
    for _ in 0..3 {
        let at = |x: usize, y: usize| level.get(y * size + x).copied().map_or(0.0, f64::from);
        let steps = (size * (size - 1)) as f64;
        let (mut across, mut down) = (0.0, 0.0);
        for y in 0..size {
            for x in 0..size - 1 {
                across += (at(x + 1, y) - at(x, y)).abs();
                down += (at(y, x + 1) - at(y, x)).abs();
            }
        }
        out.extend([across, down].map(|sum| (sum / steps + 1e-3).ln()));
        level = resample::area(&level, [size, size], [size / 2, size / 2]).map_err(wrong)?;
        size /= 2;
    }
    let at = |x: usize, y: usize| grid.get(y * SIDE + x).copied().map_or(0.0, f64::from);
    let places = || (0..SIDE * SIDE).map(|i| (i % SIDE, i / SIDE));
    let mean = places().map(|(x, y)| at(x, y)).sum::<f64>() / (SIDE * SIDE) as f64;
    let (mut both, mut alone) = (0.0, 0.0);
    for (x, y) in places() {
        let here = at(x, y) - mean;
        both += here * (at(SIDE - 1 - x, y) - mean);
        alone += here * here;
    }
    out.push(if alone > 0.0 { both / alone } else { 0.0 });
    let border = |(x, y): &(usize, usize)| {
        let near = |p: usize| !(4..SIDE - 4).contains(&p);
        near(*x) || near(*y)
    };
    let ring: Vec<f64> = places().filter(border).map(|(x, y)| at(x, y)).collect();
    out.push(ring.iter().sum::<f64>() / ring.len().max(1) as f64);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::{preprocess::standardise, random::Random};

    /// Two dark ovals on bright ground, as different from another as seeds are.
    fn film(seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed, &[]);
        let shift = [random.range(-3.0, 3.0), random.range(-3.0, 3.0)];
        let (wide, depth) = (random.range(8.0, 11.0), random.range(0.8, 1.2));
        let mut picture: Vec<f32> = (0..SIDE * SIDE)
            .map(|i| {
                let (x, y) = ((i % SIDE) as f64 - shift[0], (i / SIDE) as f64 - shift[1]);
                let oval = |cx: f64| ((x - cx) / wide).powi(2) + ((y - 32.0) / 20.0).powi(2) <= 1.0;
                let dark = if oval(20.0) || oval(44.0) { depth } else { 0.0 };
                (1.0 - dark + 0.05 * random.normal()) as f32
            })
            .collect();
        standardise(&mut picture);
        picture
    }

    fn usual() -> UsualInputs {
        let films = |seeds: std::ops::Range<u64>| seeds.map(film).collect::<Vec<_>>();
        UsualInputs::learn(&films(0..60), &films(100..150), SIDE).unwrap()
    }

    #[test]
    fn other_pictures_are_flagged_and_usual_ones_are_not() {
        let usual = usual();
        usual.check().unwrap();
        let unusual = |p: &[f32]| usual.finding(p, SIDE).unwrap();
        let flagged = (200..300).filter(|s| unusual(&film(*s)).is_some()).count();
        // Two of a hundred are expected; the limit itself comes from fifty pictures.
        assert!(flagged <= 10, "{flagged} of 100 usual pictures");
        let mut upright = film(1);
        upright.reverse();
        let mut disc: Vec<f32> = (0..SIDE * SIDE)
            .map(|i| {
                let (x, y) = ((i % SIDE) as f64 - 32.0, (i / SIDE) as f64 - 32.0);
                f32::from(u8::from(x * x + y * y < 500.0))
            })
            .collect();
        standardise(&mut disc);
        let negative: Vec<f32> = film(1).iter().map(|v| -v).collect();
        let mut random = Random::new(1, &[]);
        let mut noise: Vec<f32> = (0..SIDE * SIDE).map(|_| random.normal() as f32).collect();
        standardise(&mut noise);
        let turned: Vec<f32> = (0..SIDE * SIDE)
            .map(|i| film(1)[(i % SIDE) * SIDE + i / SIDE])
            .collect();
        for other in [disc, negative, noise, turned, vec![0.0; SIDE * SIDE]] {
            assert_eq!(unusual(&other).map(|f| f.code), Some("UNUSUAL_INPUT"));
        }
    }

    #[test]
    fn it_goes_through_the_card_and_nonsense_is_refused() {
        let usual = usual();
        let text = toml::to_string(&usual).unwrap();
        assert_eq!(toml::from_str::<UsualInputs>(&text).unwrap(), usual);
        for wrong in [
            UsualInputs {
                limit: 0.0,
                ..usual.clone()
            },
            UsualInputs {
                mean: vec![0.0; 3],
                ..usual.clone()
            },
            UsualInputs {
                factor: vec![0.0; usual.factor.len()],
                ..usual.clone()
            },
            UsualInputs {
                measures: "other".into(),
                ..usual.clone()
            },
        ] {
            assert!(matches!(wrong.check(), Err(AiError::Card(_))));
        }
        assert!(usual.distance(&[0.0; 9], SIDE).is_err());
        assert!(UsualInputs::learn(&[], &[], SIDE).is_err());
    }
}
