//! Preferences on the disk: `settings.toml` in the platform's folder for configuration.
//!
//! Must stay true: nothing of a patient is in it; a file that cannot be read, or holds what nobody knows, gives the
//! defaults for that part and is not an error; writing replaces the file whole or not at all and happens on a thread
//! of its own; the end waits for it. Identity is never kept hidden or shown across starts: a window begins by
//! showing whose pictures it shows (safety S2).

use super::{
    keymap::{KeyMap, Profile},
    screen_setting::ScreenSetting,
    settings::{OverlayText, Settings, SideTab, Theme},
};
use crate::{
    files::write_whole, i18n::Language, imaging::gsdf::DisplayCurve, task::Serial, tools::MouseMap,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Name of the file.
pub const FILE: &str = "settings.toml";
/// Longest file that is read, bytes.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    language: Option<String>,
    theme: Option<String>,
    scale_percent: Option<u16>,
    overlay_text: Option<String>,
    show_browser: Option<bool>,
    show_side: Option<bool>,
    show_status: Option<bool>,
    side_tab: Option<String>,
    hang: Option<bool>,
    lock_after_minutes: Option<u16>,
    lock_planes: Option<bool>,
    start_with_scroll: Option<bool>,
    pixel_pitch_mm: Option<f64>,
    key_profile: Option<String>,
    keys: BTreeMap<String, String>,
    mouse: BTreeMap<String, String>,
    screens: BTreeMap<String, StoredScreen>,
}

/// A screen as the file has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StoredScreen {
    on: bool,
    darkest: f64,
    brightest: f64,
    ambient: f64,
    gamma: f64,
    /// Luminances of all levels, where they were measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    measured: Vec<f64>,
}

impl StoredScreen {
    fn of(screen: &ScreenSetting) -> Self {
        let measured = screen.measured.as_ref().map(|c| c.luminances().to_vec());
        Self {
            on: screen.on,
            darkest: screen.darkest,
            brightest: screen.brightest,
            ambient: screen.ambient,
            gamma: screen.gamma,
            measured: measured.unwrap_or_default(),
        }
    }

    /// `None` where the numbers are those of no screen.
    fn setting(self) -> Option<ScreenSetting> {
        let measured = match self.measured.is_empty() {
            true => None,
            false => Some(DisplayCurve::of_levels(&self.measured).ok()?),
        };
        let setting = ScreenSetting {
            on: self.on,
            darkest: self.darkest,
            brightest: self.brightest,
            ambient: self.ambient,
            gamma: self.gamma,
            measured: measured.map(Arc::new),
        };
        setting.correction().ok()?;
        Some(setting)
    }
}

/// Most minutes without a hand on it until the window locks: a day.
const LONGEST_WATCH: u16 = 24 * 60;

const THEMES: [(&str, Theme); 2] = [("dark", Theme::Dark), ("light", Theme::Light)];
const AMOUNTS: [(&str, OverlayText); 3] = [
    ("full", OverlayText::Full),
    ("minimal", OverlayText::Minimal),
    ("none", OverlayText::None),
];
const TABS: [(&str, SideTab); 6] = [
    ("record", SideTab::Record),
    ("ai", SideTab::Ai),
    ("findings", SideTab::Findings),
    ("labels", SideTab::Labels),
    ("report", SideTab::Report),
    ("segments", SideTab::Segments),
];

fn name_of<T: Copy + PartialEq>(table: &[(&str, T)], value: T) -> Option<String> {
    let row = table.iter().find(|(_, v)| *v == value);
    row.map(|(name, _)| (*name).to_owned())
}

fn named<T: Copy>(table: &[(&str, T)], name: Option<&String>) -> Option<T> {
    let row = table
        .iter()
        .find(|(n, _)| Some(*n) == name.map(String::as_str));
    row.map(|(_, value)| *value)
}

impl Stored {
    fn of(settings: &Settings) -> Self {
        Self {
            language: Some(settings.language.tag().to_owned()),
            theme: name_of(&THEMES, settings.theme),
            scale_percent: Some(settings.scale_percent),
            overlay_text: name_of(&AMOUNTS, settings.overlay_text),
            show_browser: Some(settings.show_browser),
            show_side: Some(settings.show_side),
            show_status: Some(settings.show_status),
            side_tab: name_of(&TABS, settings.side_tab),
            hang: Some(settings.hang),
            lock_after_minutes: Some(settings.lock_after_minutes),
            lock_planes: Some(settings.lock_planes),
            start_with_scroll: Some(settings.start_with_scroll),
            key_profile: Some(settings.keys.profile().name().to_owned()),
            keys: settings.keys.own().clone(),
            mouse: settings.mouse.own(),
            pixel_pitch_mm: settings.pixel_pitch_mm,
            screens: settings
                .screens
                .iter()
                .map(|(m, s)| (m.clone(), StoredScreen::of(s)))
                .collect(),
        }
    }

    fn apply(self, settings: &mut Settings) {
        let language = self.language.as_deref().and_then(Language::from_tag);
        settings.language = language.unwrap_or(settings.language);
        settings.theme = named(&THEMES, self.theme.as_ref()).unwrap_or(settings.theme);
        settings.set_scale(self.scale_percent.unwrap_or(settings.scale_percent));
        let amount = named(&AMOUNTS, self.overlay_text.as_ref());
        settings.overlay_text = amount.unwrap_or(settings.overlay_text);
        settings.show_browser = self.show_browser.unwrap_or(settings.show_browser);
        settings.show_side = self.show_side.unwrap_or(settings.show_side);
        settings.show_status = self.show_status.unwrap_or(settings.show_status);
        settings.side_tab = named(&TABS, self.side_tab.as_ref()).unwrap_or(settings.side_tab);
        settings.hang = self.hang.unwrap_or(settings.hang);
        let lock = self.lock_after_minutes.filter(|m| *m <= LONGEST_WATCH);
        settings.lock_after_minutes = lock.unwrap_or(settings.lock_after_minutes);
        settings.lock_planes = self.lock_planes.unwrap_or(settings.lock_planes);
        let scroll = self.start_with_scroll;
        settings.start_with_scroll = scroll.unwrap_or(settings.start_with_scroll);
        let profile = self.key_profile.as_deref().and_then(Profile::named);
        settings.keys = KeyMap::new(profile.unwrap_or_default(), self.keys);
        settings.mouse = MouseMap::of(&self.mouse);
        let pitch = self.pixel_pitch_mm.filter(|mm| (0.01..10.0).contains(mm));
        settings.pixel_pitch_mm = pitch.or(settings.pixel_pitch_mm);
        let screens = self.screens.into_iter();
        settings.screens = screens
            .filter_map(|(m, s)| Some((m, s.setting()?)))
            .collect();
    }
}

/// A small file that is written whole or not at all, on a thread of its own. What was given to it is on the disk when it is
/// dropped, where the disk answers.
#[derive(Debug)]
pub struct KeptFile {
    path: PathBuf,
    writer: Serial,
}

impl KeptFile {
    /// The file at a path; nothing is written yet.
    pub const fn new(path: PathBuf) -> Self {
        Self {
            path,
            writer: Serial::new("settings"),
        }
    }

    /// Has a text written; `false` when the thread has too much to do, and the text is to be given again.
    pub fn keep(&mut self, text: String) -> bool {
        let path = self.path.clone();
        self.writer.run(move || {
            if let Err(error) = write(&path, &text) {
                tracing::warn!(kind = ?error.kind(), "the settings could not be kept");
            }
        })
    }
}

/// Where settings are kept between starts, and what the file held last.
#[derive(Debug)]
pub struct SettingsFile {
    file: KeptFile,
    kept: Stored,
}

impl SettingsFile {
    /// The platform's folder for configuration.
    pub fn usual_folder() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "negatoscope")?;
        Some(folders.config_dir().to_owned())
    }

    /// Takes what the file in a folder says into the settings. What it does not say stays as it is.
    pub fn open(folder: &Path, settings: &mut Settings) -> Self {
        let read = |path: &Path| {
            let small = fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MAX_BYTES);
            small.then(|| fs::read_to_string(path).ok()).flatten()
        };
        let stored = read(&folder.join(FILE)).and_then(|text| toml::from_str::<Stored>(&text).ok());
        if let Some(stored) = stored {
            stored.apply(settings);
        }
        Self {
            file: KeptFile::new(folder.join(FILE)),
            kept: Stored::of(settings),
        }
    }

    /// Keeps the settings where they differ from what was kept. Called every frame: comparing is all it does then.
    pub fn keep(&mut self, settings: &Settings) {
        let now = Stored::of(settings);
        if now == self.kept {
            return;
        }
        if let Ok(text) = toml::to_string_pretty(&now)
            && self.file.keep(text)
        {
            self.kept = now;
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_whole(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Command, keymap::Chord};

    fn settings() -> Settings {
        Settings::new(Language::English, 1 << 30)
    }

    #[test]
    fn what_was_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut changed = settings();
        changed.language = Language::SimplifiedChinese;
        changed.theme = Theme::Light;
        changed.set_scale(150);
        changed.hide_identity = true;
        changed.hang = false;
        changed.lock_planes = false;
        changed.start_with_scroll = true;
        changed.pixel_pitch_mm = Some(0.2115);
        let typed = ScreenSetting {
            on: true,
            brightest: 412.5,
            ..ScreenSetting::default()
        };
        let rising: Vec<f64> = (0..256).map(|n| 0.4 + f64::from(n)).collect();
        let measured = ScreenSetting {
            measured: DisplayCurve::of_levels(&rising).ok().map(Arc::new),
            ..ScreenSetting::default()
        };
        changed.screens.insert("DP-1 2048x2560".to_owned(), typed);
        changed.screens.insert(String::new(), measured);
        changed.keys = changed.keys.with_profile(Profile::Horos);
        let chord = Chord::parse("Ctrl+I").unwrap();
        changed.keys = changed.keys.with_chords(Command::Invert, &[chord]);
        let mut file = SettingsFile::open(folder.path(), &mut settings());
        file.keep(&changed);
        drop(file);
        let mut again = settings();
        SettingsFile::open(folder.path(), &mut again);
        assert_eq!(Stored::of(&again), Stored::of(&changed));
        assert_eq!(again.screens, changed.screens);
        assert_eq!(
            again.keys.chords(Command::Invert),
            changed.keys.chords(Command::Invert)
        );
        assert_eq!(
            (again.hang, again.lock_planes, again.start_with_scroll),
            (false, false, true)
        );
        assert!(
            !again.hide_identity,
            "every window begins by saying whose pictures it shows"
        );
    }

    #[test]
    fn a_broken_or_strange_file_gives_the_defaults() {
        let defaults = Stored::of(&settings());
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "",
            "not = [toml",
            "language = 7",
            "theme = \"pink\"\nscale_percent = 100\nfuture = { a = 1 }",
            "pixel_pitch_mm = -3.0\n[screens.a]\non = true\ndarkest = 0.0\n[screens.b]\nmeasured = [1.0, 2.0]",
        ] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let mut read = settings();
            SettingsFile::open(folder.path(), &mut read);
            assert_eq!(Stored::of(&read), defaults, "{text}");
        }
        fs::write(folder.path().join(FILE), "scale_percent = 60000").unwrap();
        let mut read = settings();
        SettingsFile::open(folder.path(), &mut read);
        assert_eq!(read.scale_percent, 250);
    }
}
