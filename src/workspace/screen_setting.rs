//! How the screen was measured, and whether pictures are corrected for it (PS3.14).

use crate::imaging::gsdf::{CurveError, DisplayCurve, LEVELS, contrast_deviation};
use std::sync::Arc;

/// Luminances of the screen, cd/m², as the user typed them.
#[derive(Clone, Debug, PartialEq)]
pub struct ScreenSetting {
    /// Pictures are corrected.
    pub on: bool,
    /// Luminance of black, without stray light.
    pub darkest: f64,
    /// Luminance of white, without stray light.
    pub brightest: f64,
    /// Stray light.
    pub ambient: f64,
    /// Exponent of the screen's own curve.
    pub gamma: f64,
    /// Measured luminances from a file, instead of the numbers.
    pub measured: Option<Arc<DisplayCurve>>,
}

impl Default for ScreenSetting {
    /// Numbers of an office screen, and no correction: nobody measured it.
    fn default() -> Self {
        Self {
            on: false,
            darkest: 0.3,
            brightest: 250.0,
            ambient: 0.5,
            gamma: 2.2,
            measured: None,
        }
    }
}

impl ScreenSetting {
    /// The screen's curve.
    ///
    /// # Errors
    /// [`CurveError::Numbers`].
    pub fn curve(&self) -> Result<DisplayCurve, CurveError> {
        match &self.measured {
            Some(curve) => Ok(DisplayCurve::clone(curve)),
            None => DisplayCurve::power_law(self.darkest, self.brightest, self.ambient, self.gamma),
        }
    }

    /// What pictures go through on their way to the screen.
    ///
    /// # Errors
    /// [`CurveError::Numbers`].
    pub fn correction(&self) -> Result<Correction, CurveError> {
        let curve = self.curve()?;
        let table = curve.table();
        let of = |p: u8| table.get(usize::from(p)).copied().unwrap_or(p);
        Ok(Correction {
            extremes: curve.extremes(),
            before: contrast_deviation(|level| curve.luminance(level)),
            after: contrast_deviation(|p| curve.luminance(of(p))),
            table: Arc::new(table),
        })
    }
}

/// A table, and how well the screen follows the standard with and without it.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The driving level of each P-value.
    pub table: Arc<[u8; LEVELS]>,
    /// Darkest and brightest luminance with stray light.
    pub extremes: (f64, f64),
    /// Largest deviation of contrast without the table; 0.1 is 10 %.
    pub before: f64,
    /// The same with it.
    pub after: f64,
}
