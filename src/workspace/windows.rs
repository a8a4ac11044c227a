//! Where the windows stand, kept for each set of monitors: `windows.toml` in the folder of the settings (product B11).
//!
//! Must stay true: nothing of a patient is in it; with a set of monitors that was never there nothing is moved but what
//! nobody could see; a file that cannot be read gives the defaults.

use super::{
    Workspace,
    monitors::{Monitors, Place},
    settings_file::KeptFile,
    state::{CellSet, Layout},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Name of the file.
pub const FILE: &str = "windows.toml";
/// Most sets of monitors that are kept.
const MOST_SETS: usize = 64;
/// Windows have stood so for this long before it is kept; and at the end.
const SETTLED: Duration = Duration::from_secs(1);

/// A place as the files have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlace {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<[i32; 2]>,
    size: [u32; 2],
    #[serde(default, skip_serializing_if = "is_false")]
    maximised: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl From<Place> for StoredPlace {
    fn from(place: Place) -> Self {
        Self {
            at: place.at,
            size: place.size,
            maximised: place.maximised,
        }
    }
}

impl From<StoredPlace> for Place {
    fn from(place: StoredPlace) -> Self {
        Self {
            at: place.at,
            size: place.size.map(|side| side.clamp(64, 32_768)),
            maximised: place.maximised,
        }
    }
}

/// The window of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredView {
    /// Cell from 0.
    pub cell: usize,
    /// Where it stands.
    #[serde(flatten)]
    pub place: StoredPlace,
}

/// What is kept for one set of monitors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Set {
    #[serde(skip_serializing_if = "Option::is_none")]
    main: Option<StoredPlace>,
    #[serde(skip_serializing_if = "String::is_empty")]
    layout: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    detached: Vec<usize>,
    #[serde(rename = "view", skip_serializing_if = "Vec::is_empty")]
    views: Vec<StoredView>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    /// The set that was there last.
    last: String,
    set: BTreeMap<String, Set>,
}

impl Stored {
    fn read(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let small = fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= 1 << 20);
        let text = small.then(|| fs::read_to_string(&path).ok()).flatten();
        text.and_then(|text| toml::from_str(&text).ok())
            .unwrap_or_default()
    }
}

/// Where the main window stood last. For opening it there before anybody can say which monitors there are.
pub fn last_place(folder: &Path) -> Option<Place> {
    let stored = Stored::read(folder);
    stored.set.get(&stored.last)?.main.map(Place::from)
}

/// Where the windows stand, and what is kept of that.
#[derive(Debug, Default)]
pub struct Windows {
    /// The monitors that are there.
    pub monitors: Monitors,
    /// The main window.
    pub main: Option<Place>,
    /// The windows of views, by cell; also those that are closed, so that they come back where they were.
    pub views: BTreeMap<usize, Place>,
    /// The monitor for which a file of luminances is being chosen.
    pub measured: String,
    /// Counts how often open windows were told to go elsewhere.
    pub moved: u64,
    stored: Stored,
    file: Option<KeptFile>,
    changed: Option<Instant>,
}

impl Windows {
    /// What was kept for the monitors that are there.
    fn set(&self) -> Option<&Set> {
        self.stored.set.get(&self.monitors.key())
    }

    /// The places of the windows of these cells, for a layout that is saved.
    pub fn of_cells(&self, cells: CellSet) -> Vec<StoredView> {
        let place = |cell| {
            let place = StoredPlace::from(*self.views.get(&cell)?);
            Some(StoredView { cell, place })
        };
        cells.filter_map(place).collect()
    }

    /// Takes places that a saved layout had on these monitors.
    pub fn take_views(&mut self, views: &[StoredView]) {
        for view in views {
            let place = Place::from(view.place);
            if self.monitors.reach(place) {
                self.views.insert(view.cell, place);
            }
        }
    }

    /// The same, and windows that are open go there.
    pub fn recall_views(&mut self, views: &[StoredView]) {
        if !views.is_empty() {
            self.take_views(views);
            self.moved += 1;
        }
    }

    /// Cells have other numbers now; places of those that are no more are forgotten.
    pub(super) fn renumber(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        let views = std::mem::take(&mut self.views).into_iter();
        let views = views.filter_map(|(cell, place)| Some((moved(cell)?, place)));
        self.views = views.collect();
        // Windows are asked for anew where their cell is another one.
        self.moved += 1;
    }

    /// Writes what is not written yet, now.
    fn write(&mut self) {
        self.changed = None;
        if let Some(file) = &mut self.file
            && let Ok(text) = toml::to_string(&self.stored)
        {
            file.keep(text);
        }
    }
}

impl Workspace {
    /// Keeps places of windows in a folder from now on, and reads what is there.
    pub fn open_windows(&mut self, folder: &Path) {
        self.windows.stored = Stored::read(folder);
        self.windows.file = Some(KeptFile::new(folder.join(FILE)));
    }

    /// These monitors are there. What was kept for them comes back; returns where the main window shall stand then.
    pub fn take_monitors(&mut self, monitors: Monitors) -> Option<Place> {
        if monitors == self.windows.monitors {
            return None;
        }
        let first = self.windows.monitors.is_empty();
        let same_set = monitors.key() == self.windows.monitors.key();
        self.windows.monitors = monitors;
        if same_set && !first {
            return None;
        }
        let reached = self.windows.monitors.clone();
        let Some(set) = self.windows.set().cloned() else {
            // A set that nobody saw before: views whose window is nowhere come back into the main one.
            let seen = |cell: &usize| {
                self.windows
                    .views
                    .get(cell)
                    .is_none_or(|p| reached.reach(*p))
            };
            self.detached = self.detached.filter(seen).collect();
            self.windows.views.retain(|_, place| reached.reach(*place));
            return None;
        };
        self.windows.views.clear();
        self.windows.recall_views(&set.views);
        self.detached = set.detached.iter().copied().collect();
        let main = set
            .main
            .map(Place::from)
            .filter(|place| reached.reach(*place));
        main.filter(|place| Some(*place) != self.windows.main)
    }

    /// Arranges the cells as they stood on these monitors, where nothing else says how.
    pub(super) fn recall_monitor_layout(&mut self) {
        let kept = self.windows.set().map(|set| set.layout.clone());
        if let Some(layout) = kept.as_deref().and_then(Layout::of_word)
            && matches!(layout, Layout::Grid(_) | Layout::Free(_))
            && layout != self.layout
        {
            self.set_layout(layout);
        }
    }

    /// The main window, or that of a view, stands here now.
    pub fn window_at(&mut self, cell: Option<usize>, place: Place) {
        match cell {
            None => self.windows.main = Some(place),
            Some(cell) => {
                self.windows.views.insert(cell, place);
            }
        }
    }

    /// Keeps how the windows stand. Called every frame, and costs a comparison while nothing changes; returns when it wants
    /// to be called again.
    pub fn keep_windows(&mut self) -> Option<Duration> {
        let key = self.windows.monitors.key();
        if self.windows.file.is_none() || key.is_empty() {
            return None;
        }
        let cells = CellSet::first(crate::model::arrangement::MAX_CELLS);
        let now = Set {
            main: self.windows.main.map(StoredPlace::from),
            layout: match self.layout {
                Layout::Grid(_) | Layout::Free(_) => self.layout.word(),
                _ => self
                    .windows
                    .set()
                    .map(|s| s.layout.clone())
                    .unwrap_or_default(),
            },
            detached: self.detached.collect(),
            views: self.windows.of_cells(cells),
        };
        if self.windows.stored.last != key || self.windows.set() != Some(&now) {
            let stored = &mut self.windows.stored;
            while stored.set.len() >= MOST_SETS && !stored.set.contains_key(&key) {
                stored.set.pop_first();
            }
            stored.last.clone_from(&key);
            stored.set.insert(key, now);
            self.windows.changed = Some(Instant::now());
        }
        let left = SETTLED.saturating_sub(self.windows.changed?.elapsed());
        if left.is_zero() {
            self.windows.write();
            return None;
        }
        Some(left)
    }

    /// Writes how the windows stand, where that is not done yet.
    pub fn note_windows(&mut self) {
        self.keep_windows();
        if self.windows.changed.is_some() {
            self.windows.write();
        }
    }
}
