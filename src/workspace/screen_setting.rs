//! How the screen was measured, and whether pictures are corrected for it (PS3.14).

use super::{Workspace, monitors::Monitor};
use crate::imaging::gsdf::{CurveError, DisplayCurve, LEVELS, contrast_deviation};
use std::{collections::BTreeMap, sync::Arc};

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

/// The corrections of all screens that are measured and to be corrected.
pub fn corrections(screens: &BTreeMap<String, ScreenSetting>) -> BTreeMap<String, Correction> {
    let corrected = screens.iter().filter(|(_, setting)| setting.on);
    corrected
        .filter_map(|(monitor, setting)| Some((monitor.clone(), setting.correction().ok()?)))
        .collect()
}

impl Workspace {
    /// Under what the measurement of a screen is kept: 0 where nobody knows which it is, else monitors from 1.
    pub fn screen_key(&self, screen: usize) -> String {
        let at = screen.checked_sub(1);
        let monitor = at.and_then(|at| self.windows.monitors.list().get(at));
        monitor.map(Monitor::key).unwrap_or_default()
    }

    /// What pictures go through on a screen.
    pub fn correction_on(&self, screen: usize) -> Option<&Correction> {
        self.corrections.get(&self.screen_key(screen))
    }

    /// How a monitor was measured, or is to be corrected or not.
    pub fn set_screen(&mut self, monitor: String, setting: ScreenSetting) {
        match setting.on.then(|| setting.correction()) {
            Some(Ok(correction)) => {
                self.corrections.insert(monitor.clone(), correction);
            }
            _ => {
                self.corrections.remove(&monitor);
            }
        }
        self.settings.screens.insert(monitor, setting);
    }

    /// A file of luminances was read: its monitor is corrected by it from now on.
    pub(super) fn take_curve(&mut self, read: Result<DisplayCurve, String>) {
        let monitor = std::mem::take(&mut self.windows.measured);
        match read {
            Ok(curve) => {
                let before = self.settings.screens.get(&monitor).cloned();
                let setting = ScreenSetting {
                    on: true,
                    measured: Some(Arc::new(curve)),
                    ..before.unwrap_or_default()
                };
                self.set_screen(monitor, setting);
                self.notify("notice-curve-read", String::new());
            }
            Err(reason) => self.notify("notice-curve-unread", reason),
        }
    }
}
