//! Points of a reader as channels of a network, beside the picture: one of the points that belong, one of those that do not.
//!
//! Conventions are those of MONAI (`AddGuidanceSignald` of DeepGrow, `AddGuidanceSignalDeepEditd`): a voxel with a point is 1,
//! the rest 0; blurred by a Gaussian whose weight of a voxel is the integral over it, cut beyond four deviations; brought to 0
//! to 1. Where there is no point a channel is 0. Balls are for networks that were shown those.

use super::AiError;
use serde::{Deserialize, Serialize};

/// How points become channels; on a card `guidance` of the input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guidance {
    /// What becomes of a point.
    pub form: GuidanceForm,
    /// Which of the two channels comes first, after the picture.
    #[serde(default)]
    pub first: GuidanceFirst,
}

/// What becomes of a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GuidanceForm {
    /// A Gaussian.
    Gaussian {
        /// Deviation, voxels of the network.
        sigma: f64,
    },
    /// 1 where a voxel is at most so far away.
    Ball {
        /// Voxels of the network.
        radius: f64,
    },
}

/// Which channel comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuidanceFirst {
    /// That of points that belong.
    #[default]
    Foreground,
    /// That of points that do not.
    Background,
}

/// Gaussians are cut beyond so many deviations.
const TRUNCATED: f64 = 4.0;

impl Guidance {
    /// Channels that it adds.
    pub const CHANNELS: usize = 2;

    /// Refuses what makes no channel.
    pub(super) fn check(&self) -> Result<(), AiError> {
        let size = match self.form {
            GuidanceForm::Gaussian { sigma } => sigma,
            GuidanceForm::Ball { radius } => radius,
        };
        match (0.1..=32.0).contains(&size) {
            true => Ok(()),
            false => Err(AiError::Card(
                "points become Gaussians or balls of 0.1 to 32 voxels".into(),
            )),
        }
    }

    /// Both channels of a window of slices, rows and columns, one after the other, columns fastest. Points are slice, row, column
    /// of the window; those outside of it count nowhere. A window of one slice is a picture.
    pub fn channels(
        &self,
        window: [usize; 3],
        plus: &[[usize; 3]],
        minus: &[[usize; 3]],
    ) -> Vec<f32> {
        let (first, second) = match self.first {
            GuidanceFirst::Foreground => (plus, minus),
            GuidanceFirst::Background => (minus, plus),
        };
        let mut both = self.form.channel(window, first);
        both.extend(self.form.channel(window, second));
        both
    }
}

impl GuidanceForm {
    fn channel(&self, window: [usize; 3], points: &[[usize; 3]]) -> Vec<f32> {
        let mut channel = vec![0.0f32; window.iter().product()];
        let mut inside: Vec<[usize; 3]> = points.to_vec();
        inside.retain(|at| (0..3).all(|axis| at[axis] < window[axis]));
        // Twice the same point is one.
        inside.sort_unstable();
        inside.dedup();
        if inside.is_empty() {
            return channel;
        }
        let mut each = |reach: usize, put: &dyn Fn(&mut f32, [usize; 3])| {
            let planar = window[0] == 1;
            for point in &inside {
                let span = |axis: usize| {
                    let at = point[axis];
                    let reach = if planar && axis == 0 { 0 } else { reach };
                    at.saturating_sub(reach)..(at + reach + 1).min(window[axis])
                };
                for z in span(0) {
                    for y in span(1) {
                        for x in span(2) {
                            let away = [
                                z.abs_diff(point[0]),
                                y.abs_diff(point[1]),
                                x.abs_diff(point[2]),
                            ];
                            if let Some(slot) = channel.get_mut((z * window[1] + y) * window[2] + x)
                            {
                                put(slot, away);
                            }
                        }
                    }
                }
            }
        };
        match *self {
            Self::Gaussian { sigma } => {
                let weights = kernel(sigma);
                let of = |away: usize| weights.get(away).copied().unwrap_or(0.0);
                let planar = window[0] == 1;
                each(weights.len() - 1, &|slot, [z, y, x]| {
                    let deep = if planar { 1.0 } else { of(z) };
                    *slot += (deep * of(y) * of(x)) as f32;
                });
                let (low, high) = channel
                    .iter()
                    .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
                        (low.min(v), high.max(v))
                    });
                if high > low {
                    for value in &mut channel {
                        *value = (*value - low) / (high - low);
                    }
                }
            }
            Self::Ball { radius } => {
                let square = radius * radius;
                each(radius as usize, &|slot, away| {
                    let apart: usize = away.iter().map(|n| n * n).sum();
                    if apart as f64 <= square {
                        *slot = 1.0;
                    }
                });
            }
        }
        channel
    }
}

/// Weights of a Gaussian by distance in voxels: its integral over the voxel.
fn kernel(sigma: f64) -> Vec<f64> {
    let tail = ((sigma * TRUNCATED).max(0.5) + 0.5) as usize;
    let t = std::f64::consts::FRAC_1_SQRT_2 / sigma;
    (0..=tail)
        .map(|away| {
            let x = away as f64;
            (0.5 * (erf(t * (x + 0.5)) - erf(t * (x - 0.5)))).max(0.0)
        })
        .collect()
}

/// The error function by its series of positive terms (Abramowitz and Stegun 7.1.6), to the digits of `f64`.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
        if term.abs() < 1e-17 * sum.abs() {
            break;
        }
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_has_its_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, value) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (2.0, 0.995_322_265_0),
        ] {
            assert!((erf(x) - value).abs() < 1e-10 && (erf(-x) + value).abs() < 1e-10);
        }
        assert_eq!(erf(7.0), 1.0);
        let weights = kernel(2.0);
        assert_eq!(weights.len(), 9);
        let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
        assert!((sum - 1.0).abs() < 1e-4);
    }

    #[test]
    fn channels_have_their_order_and_their_shape() {
        let window = [5, 6, 7];
        let ball = GuidanceForm::Ball { radius: 1.0 };
        let guidance = Guidance {
            form: ball,
            first: GuidanceFirst::Foreground,
        };
        let plus = [[2, 3, 3], [2, 3, 3], [9, 0, 0]];
        let both = guidance.channels(window, &plus, &[]);
        assert_eq!(both.len(), 2 * 5 * 6 * 7);
        let (first, second) = both.split_at(210);
        assert_eq!(first.iter().sum::<f32>(), 7.0, "a ball of radius 1");
        assert!(second.iter().all(|v| *v == 0.0));
        let other = Guidance {
            first: GuidanceFirst::Background,
            ..guidance
        };
        let turned = other.channels(window, &plus, &[]);
        assert_eq!((&turned[210..], &turned[..210]), (first, second));
        // In a picture a point reaches into no other slice.
        let flat = guidance.channels([1, 6, 7], &[[0, 3, 3]], &[[0, 0, 0]]);
        assert_eq!(flat[..42].iter().sum::<f32>(), 5.0);
        assert_eq!(flat[42..].iter().sum::<f32>(), 3.0);
        for size in [0.0, 33.0, f64::NAN] {
            let wrong = Guidance {
                form: GuidanceForm::Gaussian { sigma: size },
                ..guidance
            };
            assert!(wrong.check().is_err());
        }
        let text = toml::to_string(&guidance).unwrap();
        assert_eq!(toml::from_str::<Guidance>(&text).unwrap(), guidance);
    }
}
