//! Maps that say why a network answers as it does: what they are called and how they are coloured.

/// How a map is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The last features weighted by the gradient of the class.
    GradCam,
    /// Gradients on the way from a flat picture.
    IntegratedGradients,
    /// What the answer loses when a part is covered.
    Occlusion,
    /// Entropy of a mask's probability.
    Entropy,
    /// Difference of the answers for the picture and its mirror image.
    Disagreement,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::GradCam,
        Self::IntegratedGradients,
        Self::Occlusion,
        Self::Entropy,
        Self::Disagreement,
    ];

    /// Its name on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad-cam",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Occlusion => "occlusion",
            Self::Entropy => "entropy",
            Self::Disagreement => "disagreement",
        }
    }

    /// The method of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether it is about a mask, and not about a class.
    pub const fn is_of_masks(self) -> bool {
        matches!(self, Self::Entropy | Self::Disagreement)
    }

    /// Whether its values speak for or against.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::IntegratedGradients | Self::Occlusion)
    }

    /// The colours of its values from 0 to 1.
    pub const fn palette(self) -> MapPalette {
        match self {
            Self::GradCam => MapPalette::Heat,
            Self::IntegratedGradients | Self::Occlusion => MapPalette::Signed,
            Self::Entropy | Self::Disagreement => MapPalette::Doubt,
        }
    }
}

/// What an explanation says of itself beside its colours.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplanationFacts {
    /// How it was made.
    pub method: Method,
    /// What the strongest colour stands for: logits, bits, or a difference of probabilities.
    pub scale: f32,
    /// The class it is about, where it is about one.
    pub class: Option<String>,
    /// Probability of the class, where the model gives one.
    pub probability: Option<f64>,
    /// By how much attributions that should add up to the answer miss it, as a share.
    pub missed: Option<f64>,
}

/// Colours of a map over a picture. Lightness rises with the value, so that they can be told apart without hue, and
/// what is no evidence is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapPalette {
    /// None to most: nothing, violet, orange, light yellow.
    Heat,
    /// Against, none, for: blue, nothing, orange.
    Signed,
    /// Sure to in doubt: nothing, violet, light violet.
    Doubt,
}

/// A colour with its opacity; code values and share, 0 to 1.
pub type Stop = [f32; 4];

/// Stops of a palette, at equal distances from 0 to 1.
pub const STOPS: usize = 9;

impl MapPalette {
    /// The stops.
    pub const fn stops(self) -> [Stop; STOPS] {
        match self {
            Self::Heat => [
                [0.24, 0.06, 0.42, 0.00],
                [0.34, 0.07, 0.46, 0.12],
                [0.50, 0.11, 0.46, 0.35],
                [0.66, 0.17, 0.39, 0.60],
                [0.80, 0.26, 0.28, 0.78],
                [0.91, 0.39, 0.16, 0.88],
                [0.97, 0.55, 0.08, 0.94],
                [0.99, 0.74, 0.22, 0.97],
                [0.99, 0.94, 0.60, 1.00],
            ],
            Self::Signed => [
                [0.55, 0.80, 1.00, 1.00],
                [0.36, 0.65, 0.98, 0.85],
                [0.22, 0.50, 0.90, 0.60],
                [0.15, 0.37, 0.75, 0.28],
                [0.50, 0.50, 0.50, 0.00],
                [0.75, 0.30, 0.08, 0.28],
                [0.90, 0.42, 0.08, 0.60],
                [0.98, 0.60, 0.16, 0.85],
                [1.00, 0.82, 0.45, 1.00],
            ],
            Self::Doubt => [
                [0.35, 0.18, 0.60, 0.00],
                [0.40, 0.22, 0.65, 0.15],
                [0.46, 0.28, 0.71, 0.32],
                [0.52, 0.35, 0.77, 0.48],
                [0.59, 0.43, 0.84, 0.62],
                [0.66, 0.51, 0.91, 0.74],
                [0.74, 0.62, 0.96, 0.84],
                [0.83, 0.74, 0.99, 0.92],
                [0.93, 0.88, 1.00, 1.00],
            ],
        }
    }

    /// Colour and opacity at a value, linear between stops; values beyond 0 and 1 are those of the ends.
    pub fn at(self, value: f64) -> [f64; 4] {
        let stops = self.stops();
        let place = value.clamp(0.0, 1.0) * (STOPS - 1) as f64;
        let low = (place.floor() as usize).min(STOPS - 2);
        let share = place - low as f64;
        let stop = |i: usize| stops.get(i).copied().unwrap_or([0.0; 4]).map(f64::from);
        let (a, b) = (stop(low), stop(low + 1));
        std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.name()), Some(method));
        }
        assert_eq!(Method::named("guess"), None);
    }

    #[test]
    fn no_evidence_is_not_drawn_and_more_is_lighter() {
        let light = |p: MapPalette, v| {
            let [r, g, b, _] = p.at(v);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        assert_eq!(MapPalette::Heat.at(0.0)[3], 0.0);
        assert_eq!(MapPalette::Doubt.at(-3.0)[3], 0.0);
        assert_eq!(MapPalette::Signed.at(0.5)[3], 0.0);
        for palette in [MapPalette::Heat, MapPalette::Doubt] {
            for i in 0..64 {
                let (a, b) = (f64::from(i) / 64.0, f64::from(i + 1) / 64.0);
                assert!(
                    light(palette, b) >= light(palette, a) - 1e-9,
                    "{palette:?} {a}"
                );
                assert!(palette.at(b)[3] >= palette.at(a)[3]);
            }
        }
        for i in 1..=32 {
            let off = f64::from(i) / 64.0;
            let [against, toward] = [0.5 - off, 0.5 + off].map(|v| MapPalette::Signed.at(v));
            assert!(
                (against[3] - toward[3]).abs() < 1e-6,
                "as strong for as against"
            );
            assert!(against[2] > against[0] && toward[0] > toward[2]);
        }
    }
}
