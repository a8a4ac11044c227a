//! A stack of filters over the picture of a view: which, in what order, with what numbers.
//!
//! Must stay true: a stack is a plain value, a part of how a view is shown (so undo covers it), and never touches
//! pixels: what is measured is measured on stored values. What the filters compute is in `imaging::filter`.

use std::fmt;

/// What a filter does. `docs/filters.md` defines each beside the function of scikit-image or scipy that it equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilterKind {
    /// Smooths with a Gaussian.
    Gaussian,
    /// Mean of a square.
    Mean,
    /// Median of a square.
    Median,
    /// Smooths within edges: weights fall with distance and with difference of values.
    Bilateral,
    /// Mean of pixels whose surroundings look alike.
    NonLocalMeans,
    /// Adds what a Gaussian takes away.
    Unsharp,
    /// Second derivative.
    Laplacian,
    /// Size of the gradient.
    Sobel,
    /// Histogram equalisation of tiles with limited contrast.
    Clahe,
    /// Power law between the lowest and the highest value.
    Gamma,
    /// Two values, divided where the classes differ most.
    Otsu,
    /// Lowest value within a disk.
    Erode,
    /// Highest value within a disk.
    Dilate,
    /// Erosion, then dilation: small bright spots go.
    Open,
    /// Dilation, then erosion: small dark spots go.
    Close,
    /// What opening takes away.
    TopHat,
}

/// A number of a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Name, as on the command line.
    pub name: &'static str,
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Value of a new filter; for modality units a share of the window's width, see [`FilterStep::for_window`].
    pub default: f64,
    /// Whole steps from `low`; 0 for any number.
    pub step: f64,
    /// Is in modality units (HU where there are any), not in pixels or plain numbers.
    pub modality_units: bool,
}

const fn plain(name: &'static str, low: f64, high: f64, default: f64) -> Parameter {
    Parameter {
        name,
        low,
        high,
        default,
        step: 0.0,
        modality_units: false,
    }
}

const fn whole(name: &'static str, low: f64, high: f64, default: f64, step: f64) -> Parameter {
    Parameter {
        step,
        ..plain(name, low, high, default)
    }
}

const fn units(name: &'static str, default: f64) -> Parameter {
    Parameter {
        modality_units: true,
        ..plain(name, 1e-6, 1e6, default)
    }
}

/// Most numbers of a filter.
pub const MOST_PARAMETERS: usize = 3;

/// Most filters of a stack.
pub const MOST_FILTERS: usize = 8;

impl FilterKind {
    /// All, in the order of the menu.
    pub const ALL: [Self; 16] = [
        Self::Gaussian,
        Self::Mean,
        Self::Median,
        Self::Bilateral,
        Self::NonLocalMeans,
        Self::Unsharp,
        Self::Laplacian,
        Self::Sobel,
        Self::Clahe,
        Self::Gamma,
        Self::Otsu,
        Self::Erode,
        Self::Dilate,
        Self::Open,
        Self::Close,
        Self::TopHat,
    ];

    /// Name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Bilateral => "bilateral",
            Self::NonLocalMeans => "nlm",
            Self::Unsharp => "unsharp",
            Self::Laplacian => "laplacian",
            Self::Sobel => "sobel",
            Self::Clahe => "clahe",
            Self::Gamma => "gamma",
            Self::Otsu => "otsu",
            Self::Erode => "erode",
            Self::Dilate => "dilate",
            Self::Open => "open",
            Self::Close => "close",
            Self::TopHat => "top-hat",
        }
    }

    /// Key of the message catalogue.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::Gaussian => "filter-gaussian",
            Self::Mean => "filter-mean",
            Self::Median => "filter-median",
            Self::Bilateral => "filter-bilateral",
            Self::NonLocalMeans => "filter-nlm",
            Self::Unsharp => "filter-unsharp",
            Self::Laplacian => "filter-laplacian",
            Self::Sobel => "filter-sobel",
            Self::Clahe => "filter-clahe",
            Self::Gamma => "filter-gamma",
            Self::Otsu => "filter-otsu",
            Self::Erode => "filter-erode",
            Self::Dilate => "filter-dilate",
            Self::Open => "filter-open",
            Self::Close => "filter-close",
            Self::TopHat => "filter-top-hat",
        }
    }

    /// Whether what comes out is of another kind than what went in (slopes, differences), so that the window of the picture
    /// says nothing about it.
    pub const fn changes_range(self) -> bool {
        matches!(self, Self::Laplacian | Self::Sobel | Self::TopHat)
    }

    /// Its numbers, in their order.
    pub const fn parameters(self) -> &'static [Parameter] {
        const SIGMA: Parameter = plain("sigma", 0.2, 20.0, 1.5);
        const RADIUS: Parameter = whole("radius", 1.0, 10.0, 1.0, 1.0);
        match self {
            Self::Gaussian => const { &[SIGMA] },
            Self::Mean => const { &[whole("radius", 1.0, 15.0, 1.0, 1.0)] },
            Self::Median => const { &[whole("radius", 1.0, 7.0, 1.0, 1.0)] },
            Self::Bilateral => const { &[plain("sigma", 0.5, 5.0, 1.5), units("range", 0.1)] },
            Self::NonLocalMeans => {
                const {
                    &[
                        units("strength", 0.1),
                        whole("patch", 3.0, 9.0, 5.0, 2.0),
                        whole("distance", 1.0, 10.0, 6.0, 1.0),
                    ]
                }
            }
            Self::Unsharp => {
                const {
                    &[
                        plain("radius", 0.2, 20.0, 2.0),
                        plain("amount", 0.0, 10.0, 1.5),
                    ]
                }
            }
            Self::Clahe => {
                const {
                    &[
                        whole("tiles", 1.0, 32.0, 8.0, 1.0),
                        plain("clip", 0.001, 1.0, 0.01),
                    ]
                }
            }
            Self::Gamma => const { &[plain("gamma", 0.1, 10.0, 0.7)] },
            Self::Erode | Self::Dilate | Self::Open | Self::Close | Self::TopHat => {
                const { &[RADIUS] }
            }
            Self::Laplacian | Self::Sobel | Self::Otsu => &[],
        }
    }
}

/// What is wrong with a filter that was written down.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FilterError {
    /// No such filter.
    #[error("there is no filter `{0}`")]
    Unknown(String),
    /// No such number.
    #[error("the filter `{filter}` has no `{name}`")]
    UnknownParameter {
        /// The filter.
        filter: &'static str,
        /// What was written.
        name: String,
    },
    /// Not a number, or beyond its limits.
    #[error("`{name}` of the filter `{filter}` is a number from {low} to {high}")]
    Value {
        /// The filter.
        filter: &'static str,
        /// The number.
        name: &'static str,
        /// Its smallest value.
        low: f64,
        /// Its largest value.
        high: f64,
    },
    /// Too many.
    #[error("a stack has at most {MOST_FILTERS} filters")]
    TooMany,
}

/// One filter of a stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilterStep {
    /// What it does.
    pub kind: FilterKind,
    /// Its numbers, as [`FilterKind::parameters`] orders them; what is beyond those is 0.
    values: [f64; MOST_PARAMETERS],
    /// Whether it is on.
    pub on: bool,
}

impl FilterStep {
    /// A filter with its defaults, for a picture whose window is this wide (modality values).
    pub fn for_window(kind: FilterKind, width: f64) -> Self {
        let mut step = Self {
            kind,
            values: [0.0; MOST_PARAMETERS],
            on: true,
        };
        let width = if width.is_finite() && width > 0.0 {
            width
        } else {
            1.0
        };
        for (index, parameter) in kind.parameters().iter().enumerate() {
            let scale = if parameter.modality_units { width } else { 1.0 };
            step.set(index, parameter.default * scale);
        }
        step
    }

    /// The n-th number; 0 where there is none.
    pub fn value(&self, index: usize) -> f64 {
        self.values.get(index).copied().unwrap_or_default()
    }

    /// Changes the n-th number, within its limits and to its steps. What is no number changes nothing.
    pub fn set(&mut self, index: usize, value: f64) {
        if let (Some(parameter), Some(slot)) = (
            self.kind.parameters().get(index),
            self.values.get_mut(index),
        ) && !value.is_nan()
        {
            let mut value = value.clamp(parameter.low, parameter.high);
            if parameter.step > 0.0 {
                value = parameter.low
                    + ((value - parameter.low) / parameter.step).round() * parameter.step;
            }
            *slot = value;
        }
    }

    /// Reads `gaussian sigma=1.5`; numbers that are not named have their defaults (those in modality units: 10 % of
    /// the width of a window).
    ///
    /// # Errors
    /// [`FilterError`]: the filter or a number is unknown, or beyond its limits.
    pub fn parse(text: &str, window_width: f64) -> Result<Self, FilterError> {
        let mut words = text.split([' ', ',']).filter(|w| !w.is_empty());
        let name = words.next().unwrap_or_default();
        let kind = FilterKind::ALL
            .into_iter()
            .find(|k| k.name() == name)
            .ok_or_else(|| FilterError::Unknown(name.to_owned()))?;
        let mut step = Self::for_window(kind, window_width);
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let (index, parameter) = kind
                .parameters()
                .iter()
                .enumerate()
                .find(|(_, p)| p.name == name)
                .ok_or_else(|| FilterError::UnknownParameter {
                    filter: kind.name(),
                    name: name.to_owned(),
                })?;
            let value = value
                .parse::<f64>()
                .ok()
                .filter(|v| (parameter.low..=parameter.high).contains(v))
                .ok_or(FilterError::Value {
                    filter: kind.name(),
                    name: parameter.name,
                    low: parameter.low,
                    high: parameter.high,
                })?;
            step.set(index, value);
        }
        Ok(step)
    }

    /// Its numbers as they stand in a badge: `2/1.5`; empty where there are none.
    pub fn numbers(&self) -> String {
        let count = self.kind.parameters().len();
        let numbers = self.values.iter().take(count).map(|v| short(*v));
        numbers.collect::<Vec<_>>().join("/")
    }
}

/// At most four significant digits, without zeros at the end.
fn short(value: f64) -> String {
    let digits = 3 - value.abs().max(1e-9).log10().floor() as i32;
    let text = format!("{value:.*}", digits.clamp(0, 6) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

impl fmt::Display for FilterStep {
    /// As [`FilterStep::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for (parameter, value) in self.kind.parameters().iter().zip(self.values) {
            write!(f, " {}={value}", parameter.name)?;
        }
        Ok(())
    }
}

/// Filters one after the other: the first takes the picture's modality values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterStack(Vec<FilterStep>);

impl FilterStack {
    /// The filters, first to last, on or off.
    pub fn steps(&self) -> &[FilterStep] {
        &self.0
    }

    /// Those that are on.
    pub fn active(&self) -> impl Iterator<Item = &FilterStep> {
        self.0.iter().filter(|step| step.on)
    }

    /// Whether it changes anything.
    pub fn is_active(&self) -> bool {
        self.active().next().is_some()
    }

    /// Whether the window of the picture says nothing about the result.
    pub fn changes_range(&self) -> bool {
        self.active().any(|step| step.kind.changes_range())
    }

    /// Puts a filter at the end.
    ///
    /// # Errors
    /// [`FilterError::TooMany`].
    pub fn push(&mut self, step: FilterStep) -> Result<(), FilterError> {
        if self.0.len() >= MOST_FILTERS {
            return Err(FilterError::TooMany);
        }
        self.0.push(step);
        Ok(())
    }

    /// Takes one away.
    pub fn remove(&mut self, index: usize) {
        if index < self.0.len() {
            self.0.remove(index);
        }
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Changes places with the one before.
    pub fn raise(&mut self, index: usize) {
        if index > 0 && index < self.0.len() {
            self.0.swap(index - 1, index);
        }
    }

    /// One of them, to change it.
    pub fn step_mut(&mut self, index: usize) -> Option<&mut FilterStep> {
        self.0.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for kind in FilterKind::ALL {
            let step = FilterStep::for_window(kind, 400.0);
            assert_eq!(FilterStep::parse(&step.to_string(), 1.0), Ok(step));
            assert!(kind.parameters().len() <= MOST_PARAMETERS);
        }
        let step = FilterStep::parse("unsharp radius=2,amount=0.25", 1.0).unwrap();
        assert_eq!((step.value(0), step.value(1)), (2.0, 0.25));
        assert_eq!(step.numbers(), "2/0.25");
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |text: &str| FilterStep::parse(text, 1.0).unwrap_err();
        assert_eq!(refused(""), FilterError::Unknown(String::new()));
        assert_eq!(refused("sharpen"), FilterError::Unknown("sharpen".into()));
        assert!(matches!(
            refused("gaussian width=2"),
            FilterError::UnknownParameter { .. }
        ));
        for text in [
            "gaussian sigma",
            "gaussian sigma=x",
            "gaussian sigma=0",
            "gaussian sigma=NaN",
            "median radius=8",
        ] {
            assert!(matches!(refused(text), FilterError::Value { .. }), "{text}");
        }
    }

    #[test]
    fn numbers_keep_to_their_steps() {
        let mut step = FilterStep::for_window(FilterKind::NonLocalMeans, 400.0);
        assert_eq!(
            (step.value(0), step.value(1), step.value(2)),
            (40.0, 5.0, 6.0)
        );
        step.set(1, 6.2);
        assert_eq!(step.value(1), 7.0);
        step.set(1, 99.0);
        assert_eq!(step.value(1), 9.0);
        step.set(1, f64::NAN);
        assert_eq!(step.value(1), 9.0);
        step.set(7, 1.0);
        assert_eq!(step.numbers(), "40/9/6");
    }

    #[test]
    fn a_stack_is_ordered_and_bounded() {
        let of = |kind| FilterStep::for_window(kind, 1.0);
        let mut stack = FilterStack::default();
        stack.push(of(FilterKind::Gaussian)).unwrap();
        stack.push(of(FilterKind::Sobel)).unwrap();
        stack.raise(1);
        stack.raise(0);
        stack.raise(9);
        let kinds = |s: &FilterStack| s.steps().iter().map(|s| s.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&stack), [FilterKind::Sobel, FilterKind::Gaussian]);
        stack.step_mut(0).unwrap().on = false;
        assert_eq!(stack.active().count(), 1);
        stack.remove(1);
        assert!(!stack.is_active());
        for _ in 1..MOST_FILTERS {
            stack.push(of(FilterKind::Otsu)).unwrap();
        }
        assert_eq!(stack.push(of(FilterKind::Otsu)), Err(FilterError::TooMany));
    }
}
