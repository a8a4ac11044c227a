//! What is put into a message.

use fluent_bundle::{
    FluentValue,
    types::{FluentNumber, FluentNumberOptions},
};
use std::borrow::Cow;

/// Digits after the point of a [`Value::Number`]: 0.625 mm, but 13.5°. Trailing zeros are dropped.
const fn number_digits(value: f64) -> u8 {
    if value.abs() < 10.0 { 3 } else { 1 }
}

/// Shown in place of a number that is none.
const NO_NUMBER: &str = "–";

/// An argument of a message. Numbers also choose plural forms.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text, put in as it is.
    Text(Cow<'a, str>),
    /// A number with at most three digits after the point below 10, else with one.
    Number(f64),
    /// A number with exactly so many digits after the point (at most 9).
    Fixed(f64, u8),
}

impl<'a> Value<'a> {
    pub(super) fn to_fluent(&'a self) -> FluentValue<'a> {
        match self {
            Self::Text(text) => FluentValue::from(text.as_ref()),
            Self::Number(value) => number(*value, number_digits(*value), 0),
            Self::Fixed(value, digits) => {
                let digits = (*digits).min(9);
                number(*value, digits, usize::from(digits))
            }
        }
    }
}

/// Rounds to `digits` and shows at least `shown` of them.
fn number(value: f64, digits: u8, shown: usize) -> FluentValue<'static> {
    // Fluent's plural rules cannot take infinities and would end the thread on them.
    if !value.is_finite() {
        return FluentValue::from(NO_NUMBER);
    }
    let factor = 10_f64.powi(i32::from(digits));
    let scaled = (value * factor).round() / factor;
    // Beyond 2^53 there is no digit after the point to round; `+ 0.0` turns -0 into 0.
    let rounded = if scaled.is_finite() { scaled } else { value } + 0.0;
    let options = FluentNumberOptions {
        minimum_fraction_digits: (shown > 0).then_some(shown),
        ..FluentNumberOptions::default()
    };
    FluentValue::Number(FluentNumber::new(rounded, options))
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<f32> for Value<'_> {
    fn from(value: f32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Number(f64::from(value))
    }
}

impl From<usize> for Value<'_> {
    /// Exact up to 2^53.
    fn from(value: usize) -> Self {
        Self::Number(value as f64)
    }
}

impl From<u64> for Value<'_> {
    /// Exact up to 2^53.
    fn from(value: u64) -> Self {
        Self::Number(value as f64)
    }
}
