//! What the user prefers. Nothing here identifies anybody.

use super::{keymap::KeyMap, screen_setting::ScreenSetting};
use crate::{i18n::Language, model::cover::CoverShown, tools::MouseMap};
use std::collections::BTreeMap;

/// How much text lies over the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverlayText {
    /// All four corners.
    #[default]
    Full,
    /// Identity, image number, window.
    Minimal,
    /// Only what safety demands: notices, badges, "identity hidden".
    None,
}

impl OverlayText {
    /// The next of the three states.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Full => Self::Minimal,
            Self::Minimal => Self::None,
            Self::None => Self::Full,
        }
    }
}

/// Which tab is open on the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SideTab {
    /// The patient's record.
    #[default]
    Record,
    /// Masks and models.
    Ai,
    /// What was noticed about the study.
    Findings,
    /// Labels for learning.
    Labels,
    /// The report.
    Report,
    /// Segmentations.
    Segments,
}

/// Colours of the panels; the image area is black in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// A reading room at night.
    #[default]
    Dark,
    /// An office by day.
    Light,
}

/// Smallest and largest size of the window's text and buttons, percent.
pub const SCALE_RANGE: (u16, u16) = (75, 250);

/// Preferences and panels.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Language of the window.
    pub language: Language,
    /// Text over the pictures.
    pub overlay_text: OverlayText,
    /// Study browser on the left.
    pub show_browser: bool,
    /// Panel on the right.
    pub show_side: bool,
    /// Status line at the bottom.
    pub show_status: bool,
    /// Names, numbers and dates of birth are hidden everywhere.
    pub hide_identity: bool,
    /// What of a frame's overlay planes and shutter is drawn.
    pub cover: CoverShown,
    /// Planes that are turned stay at right angles.
    pub lock_planes: bool,
    /// What is opened starts with the scrolling tool on the left button, as IHE Basic Image Review has it.
    pub start_with_scroll: bool,
    /// Millimetres of a pixel of the monitor, as somebody entered them; unknown at first.
    pub pixel_pitch_mm: Option<f64>,
    /// Open tab on the right.
    pub side_tab: SideTab,
    /// Studies hang by their protocol when they are opened.
    pub hang: bool,
    /// Upper bound of decoded pixels in memory, bytes.
    pub memory_budget: u64,
    /// Which keys mean which command.
    pub keys: KeyMap,
    /// Which button does what.
    pub mouse: MouseMap,
    /// Minutes without a hand on mouse or keys until the window locks, where a store is open; 0 is never.
    pub lock_after_minutes: u16,
    /// Colours of the panels.
    pub theme: Theme,
    /// Size of text and buttons, percent of the system's.
    pub scale_percent: u16,
    /// How screens were measured, by monitor ([`Monitor::key`](super::monitors::Monitor::key)); one that the system does not
    /// name has no key.
    pub screens: BTreeMap<String, ScreenSetting>,
}

impl Settings {
    /// The defaults, in the system's language.
    pub fn new(language: Language, memory_budget: u64) -> Self {
        Self {
            language,
            overlay_text: OverlayText::Full,
            show_browser: true,
            show_side: false,
            show_status: true,
            hide_identity: false,
            cover: CoverShown::ALL,
            lock_planes: true,
            start_with_scroll: false,
            pixel_pitch_mm: None,
            side_tab: SideTab::Record,
            hang: true,
            memory_budget,
            keys: KeyMap::default(),
            mouse: MouseMap::default(),
            lock_after_minutes: 15,
            theme: Theme::Dark,
            scale_percent: 100,
            screens: BTreeMap::new(),
        }
    }

    /// Dark to light, and back.
    pub fn toggle_theme(&mut self) {
        self.theme = match self.theme {
            Theme::Dark => Theme::Light,
            Theme::Light => Theme::Dark,
        };
    }

    /// Another size of text and buttons, within what the window can hold.
    pub fn set_scale(&mut self, percent: u16) {
        self.scale_percent = percent.clamp(SCALE_RANGE.0, SCALE_RANGE.1);
    }
}
