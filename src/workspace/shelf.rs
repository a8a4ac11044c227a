//! What a user keeps of arrangements: layouts by name, and hanging protocols of their own. Files in the folder of the
//! settings: `layouts.toml`, `hanging_protocols/NAME.toml`, and `label_schemas/NAME.toml`, which are only read.
//!
//! Must stay true: nothing here identifies a patient; the window's thread never touches the disk, a worker does, in the order
//! in which it was asked; a file that is damaged is said, left alone, and kept beside before its name is written to; without a
//! folder nothing is kept beyond this session.

use super::{
    event::Event,
    hanging::protocol::{MOST_BYTES, Protocol},
    segmenting::schema::{self, LabelSchema},
    state::CellSet,
    windows::StoredView,
};
use crate::{files::write_whole, model::arrangement::Layout, task::Serial};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Most layouts and most protocols.
pub const MOST: usize = 200;

/// Name of the file with the layouts.
const LAYOUTS: &str = "layouts.toml";

/// Layouts by name.
#[derive(Debug)]
pub struct Shelf {
    /// The folder of the settings; `None` keeps nothing.
    pub folder: Option<PathBuf>,
    layouts: Vec<SavedLayout>,
    file: OnDisk,
    worker: Serial,
}

/// What is known of the file with the layouts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum OnDisk {
    /// It is this shelf, or there is none.
    #[default]
    Ours,
    /// It is being read; whether something has to be written then.
    Awaited { changed: bool },
    /// It could not be read.
    Damaged,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            folder: None,
            layouts: Vec::new(),
            file: OnDisk::Ours,
            worker: Serial::new("shelf"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedLayout {
    name: String,
    layout: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    detached: Vec<usize>,
    /// Where the windows of those cells stand, by the set of monitors.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    windows: BTreeMap<String, Vec<StoredView>>,
}

#[derive(Default, Serialize, Deserialize)]
struct LayoutFile {
    #[serde(default)]
    layout: Vec<SavedLayout>,
}

/// The window may end before the file was read: what was saved by then is written behind it all the same.
impl Drop for Shelf {
    fn drop(&mut self) {
        let Some(folder) = self.folder.take() else {
            return;
        };
        if self.file != (OnDisk::Awaited { changed: true }) {
            return;
        }
        let mut last = Self::default();
        last.layouts = std::mem::take(&mut self.layouts);
        self.worker.run(move || {
            let ShelfNews::Found { layouts, .. } = read(&folder) else {
                return;
            };
            let readable = match layouts {
                Ok(Some(text)) => last.take(&text),
                Ok(None) => true,
                Err(_) => false,
            };
            // Nobody is there to be told of an error any more.
            let _ = write(&folder.join(LAYOUTS), &last.text(), !readable);
        });
    }
}

/// What a worker tells.
#[derive(Debug)]
pub enum ShelfNews {
    /// What was found in the folder.
    Found {
        /// The text of `layouts.toml`, where there is one; `Err` when it cannot be read.
        layouts: Result<Option<String>, io::ErrorKind>,
        /// Protocols of the user.
        protocols: Vec<Protocol>,
        /// Files that are none, by name.
        damaged: Vec<String>,
    },
    /// Lists of labels of the user, and files that are none, by name.
    Schemas(Vec<LabelSchema>, Vec<String>),
    /// A protocol was written.
    Saved(String),
    /// Something could not be written, and why.
    Failed(String),
}

impl Shelf {
    /// The names of the layouts, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.layouts.iter().map(|l| l.name.as_str())
    }

    /// The layout of a name, and the cells in windows of their own.
    pub fn layout(&self, name: &str) -> Option<(Layout, CellSet)> {
        let saved = self.layouts.iter().find(|l| l.name == name)?;
        let detached = saved.detached.iter().copied().collect();
        Some((Layout::of_word(&saved.layout)?, detached))
    }

    /// Where the windows of a layout stood on a set of monitors.
    pub fn places(&self, name: &str, monitors: &str) -> &[StoredView] {
        let saved = self.layouts.iter().find(|l| l.name == name);
        let places = saved.and_then(|l| l.windows.get(monitors));
        places.map_or(&[], Vec::as_slice)
    }

    /// Keeps a layout; one of the same name is replaced, but for where its windows stand on other sets of monitors.
    pub fn put_layout(
        &mut self,
        name: &str,
        layout: &Layout,
        detached: CellSet,
        (monitors, places): (&str, Vec<StoredView>),
    ) {
        let old = self.layouts.iter().find(|l| l.name == name);
        let mut windows = old.map(|l| l.windows.clone()).unwrap_or_default();
        if !monitors.is_empty() && !places.is_empty() {
            windows.insert(monitors.to_owned(), places);
        }
        let saved = SavedLayout {
            name: name.to_owned(),
            layout: layout.word(),
            detached: detached.collect(),
            windows,
        };
        let full = self.layouts.len() >= MOST;
        match self.layouts.iter_mut().find(|l| l.name == name) {
            Some(old) => *old = saved,
            None if !full => self.layouts.push(saved),
            None => {}
        }
    }

    /// Forgets a layout.
    pub fn remove_layout(&mut self, name: &str) {
        self.layouts.retain(|l| l.name != name);
    }

    /// The layouts as the text of a file.
    pub fn text(&self) -> String {
        let file = LayoutFile {
            layout: self.layouts.clone(),
        };
        toml::to_string(&file).unwrap_or_default()
    }

    /// Takes the layouts of a file's text before those that were saved since; `false` when it is none.
    pub fn take(&mut self, text: &str) -> bool {
        let Ok(file) = toml::from_str::<LayoutFile>(text) else {
            return false;
        };
        let since = std::mem::replace(&mut self.layouts, file.layout);
        let again = |l: &SavedLayout| since.iter().any(|s| s.name == l.name);
        self.layouts
            .retain(|l| Layout::of_word(&l.layout).is_some() && !again(l));
        self.layouts.extend(since);
        self.layouts.truncate(MOST);
        true
    }
}

/// Reads what is kept in a folder; called by a worker.
pub fn read(folder: &Path) -> ShelfNews {
    let text = |path: &Path| -> io::Result<String> {
        match fs::metadata(path)?.len() {
            size if size > MOST_BYTES as u64 * 4 => Err(io::ErrorKind::FileTooLarge.into()),
            _ => fs::read_to_string(path),
        }
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("hanging_protocols"))
        .map(|entries| {
            entries
                .filter_map(|e| Some(e.ok()?.path()))
                .take(MOST * 4)
                .collect()
        })
        .unwrap_or_default();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let (mut protocols, mut damaged) = (Vec::new(), Vec::new());
    for path in files.into_iter().take(MOST) {
        let id = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        let Some(id) = id else { continue };
        match text(&path).ok().and_then(|t| Protocol::parse(&id, &t).ok()) {
            Some(mut protocol) => {
                protocol.own = true;
                protocols.push(protocol);
            }
            None => damaged.push(id),
        }
    }
    ShelfNews::Found {
        layouts: match text(&folder.join(LAYOUTS)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.kind()),
        },
        protocols,
        damaged,
    }
}

/// Writes a file and the folders that it lies in. One that is damaged goes to another name before.
fn write(path: &Path, text: &str, damaged: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if damaged {
        fs::rename(path, path.with_extension("damaged.toml"))?;
    }
    write_whole(path, text.as_bytes())
}

impl super::Workspace {
    /// Keeps layouts and protocols in a folder from now on, and reads what is there.
    pub fn open_shelf(&mut self, folder: PathBuf) {
        self.shelf.folder = Some(folder.clone());
        self.shelf.file = OnDisk::Awaited { changed: false };
        let (events, waker) = (self.sender(), self.waker.clone());
        // Without a thread nothing is kept; the layouts stay in this session.
        self.shelf.worker.run(move || {
            let _ = events.send(Event::Shelf(read(&folder)));
            let (schemas, damaged) = schema::read_folder(&folder.join("label_schemas"));
            let _ = events.send(Event::Shelf(ShelfNews::Schemas(schemas, damaged)));
            waker.wake("shelf");
        });
    }

    /// Has the layouts written.
    pub(super) fn keep_shelf(&mut self) {
        let Some(folder) = &self.shelf.folder else {
            return;
        };
        let path = folder.join(LAYOUTS);
        match &mut self.shelf.file {
            OnDisk::Awaited { changed } => *changed = true,
            now => {
                let damaged = std::mem::take(now) == OnDisk::Damaged;
                let text = self.shelf.text();
                self.write_later(path, text, None, damaged);
            }
        }
    }

    /// Writes on the worker, which tells what came of it.
    fn write_later(&mut self, path: PathBuf, text: String, saved: Option<String>, damaged: bool) {
        let (events, waker) = (self.sender(), self.waker.clone());
        let asked = self.shelf.worker.run(move || {
            let news = match write(&path, &text, damaged) {
                Ok(()) => saved.map(ShelfNews::Saved),
                Err(error) => Some(ShelfNews::Failed(error.kind().to_string())),
            };
            if let Some(news) = news {
                let _ = events.send(Event::Shelf(news));
                waker.wake("shelf");
            }
        });
        if !asked {
            let busy = io::ErrorKind::ResourceBusy.to_string();
            self.notify("notice-shelf-failed", busy);
        }
    }

    /// Takes the protocol that was made by example among the user's, and has it written.
    pub fn save_draft(&mut self) {
        let Some((id, text)) = self.keep_draft() else {
            return;
        };
        match &self.shelf.folder {
            Some(folder) => {
                let path = folder.join("hanging_protocols").join(format!("{id}.toml"));
                self.write_later(path, text, Some(id), false);
            }
            None => self.notify("notice-protocol-not-kept", String::new()),
        }
    }

    /// Takes in what a worker tells.
    pub(super) fn take_shelf(&mut self, news: ShelfNews) {
        match news {
            ShelfNews::Found {
                layouts,
                protocols,
                damaged,
            } => {
                let readable = match layouts {
                    Ok(Some(text)) => self.shelf.take(&text),
                    Ok(None) => true,
                    Err(_) => false,
                };
                self.hanging.own = protocols;
                let mut damaged = damaged;
                let now = match readable {
                    true => OnDisk::Ours,
                    false => OnDisk::Damaged,
                };
                if !readable {
                    damaged.push(LAYOUTS.into());
                }
                let before = std::mem::replace(&mut self.shelf.file, now);
                if before == (OnDisk::Awaited { changed: true }) {
                    self.keep_shelf();
                }
                if !damaged.is_empty() {
                    self.notify("notice-shelf-damaged", damaged.join(", "));
                }
            }
            ShelfNews::Schemas(own, damaged) => {
                // One's own stand first, and in the place of those of the same name.
                let schemas = &mut self.segmenting.schemas;
                schemas.retain(|s| own.iter().all(|o| o.name != s.name));
                schemas.splice(0..0, own);
                if !damaged.is_empty() {
                    self.notify("notice-shelf-damaged", damaged.join(", "));
                }
            }
            ShelfNews::Saved(id) => self.notify("notice-protocol-saved", id),
            ShelfNews::Failed(reason) => self.notify("notice-shelf-failed", reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arrangement::{Grid, Parting};

    #[test]
    fn layouts_come_back_by_name() {
        let free = Layout::TWO.split(1, Parting::Level, 0.3).unwrap();
        let mut shelf = Shelf::default();
        for (name, layout) in [
            ("two", Layout::TWO),
            ("free", free.clone()),
            ("tiles", Layout::Tiles(Grid::new(4, 3))),
            ("two", Layout::FOUR),
        ] {
            shelf.put_layout(name, &layout, CellSet::one(1), ("", Vec::new()));
        }
        let mut other = Shelf::default();
        assert!(other.take(&shelf.text()));
        assert_eq!(other.names().collect::<Vec<_>>(), ["two", "free", "tiles"]);
        assert_eq!(other.layout("two"), Some((Layout::FOUR, CellSet::one(1))));
        assert_eq!(other.layout("free"), Some((free, CellSet::one(1))));
        other.remove_layout("free");
        assert_eq!(other.layout("free"), None);
        assert!(!other.take("nonsense ["));
        assert_eq!(other.names().count(), 2, "what was there stays");
        let mut early = Shelf::default();
        early.put_layout("two", &Layout::TWO, CellSet::default(), ("", Vec::new()));
        assert!(early.take(&shelf.text()));
        assert_eq!(early.names().collect::<Vec<_>>(), ["free", "tiles", "two"]);
        assert_eq!(
            early.layout("two"),
            Some((Layout::TWO, CellSet::default())),
            "what was saved before the file was read counts"
        );
    }

    #[test]
    fn what_is_saved_before_the_file_was_read_outlives_the_window() {
        let dir = tempfile::tempdir().unwrap();
        let end_early = |name: &str| {
            let mut shelf = Shelf::default();
            shelf.folder = Some(dir.path().to_owned());
            shelf.put_layout(name, &Layout::TWO, CellSet::default(), ("", Vec::new()));
            shelf.file = OnDisk::Awaited { changed: true };
        };
        end_early("first");
        end_early("second");
        let ShelfNews::Found { layouts, .. } = read(dir.path()) else {
            panic!();
        };
        let mut shelf = Shelf::default();
        assert!(shelf.take(&layouts.unwrap().unwrap()));
        assert_eq!(shelf.names().collect::<Vec<_>>(), ["first", "second"]);
    }

    #[test]
    fn what_a_folder_holds_is_read_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let nothing = read(dir.path());
        assert!(
            matches!(nothing, ShelfNews::Found { layouts: Ok(None), protocols, damaged } if protocols.is_empty() && damaged.is_empty())
        );
        let good = "name = \"Mine\"\n[[stage]]\nlayout = \"1x1\"\n";
        write(&dir.path().join("hanging_protocols/mine.toml"), good, false).unwrap();
        write(
            &dir.path().join("hanging_protocols/bad.toml"),
            "name = 3",
            false,
        )
        .unwrap();
        write(&dir.path().join("hanging_protocols/notes.txt"), "x", false).unwrap();
        let ShelfNews::Found {
            protocols, damaged, ..
        } = read(dir.path())
        else {
            panic!();
        };
        assert_eq!(protocols.len(), 1);
        assert!(protocols[0].own && protocols[0].id == "mine");
        assert_eq!(damaged, ["bad"]);
    }
}
