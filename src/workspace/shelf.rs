//! What a user keeps of arrangements: layouts by name, and hanging protocols of their own. Files in the folder of the
//! settings: `layouts.toml`, and `hanging_protocols/NAME.toml`.
//!
//! Must stay true: nothing here identifies a patient; the window's thread never touches the disk, a worker does; a file that
//! is damaged is left alone and said; without a folder nothing is kept beyond this session.

use super::{
    hanging::protocol::{MOST_BYTES, Protocol},
    waker::Waker,
};
use crate::model::arrangement::Layout;
use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Most layouts and most protocols.
pub const MOST: usize = 200;

/// Layouts by name.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The folder of the settings; `None` keeps nothing.
    pub folder: Option<PathBuf>,
    layouts: Vec<SavedLayout>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedLayout {
    name: String,
    layout: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    detached: Vec<usize>,
}

#[derive(Default, Serialize, Deserialize)]
struct LayoutFile {
    #[serde(default)]
    layout: Vec<SavedLayout>,
}

/// What a worker tells.
#[derive(Debug)]
pub enum ShelfNews {
    /// What was found in the folder.
    Found {
        /// The text of `layouts.toml`.
        layouts: Option<String>,
        /// Protocols of the user.
        protocols: Vec<Protocol>,
        /// Files that are none, by name.
        damaged: Vec<String>,
    },
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
    pub fn layout(&self, name: &str) -> Option<(Layout, Vec<usize>)> {
        let saved = self.layouts.iter().find(|l| l.name == name)?;
        Some((Layout::of_word(&saved.layout)?, saved.detached.clone()))
    }

    /// Keeps a layout; one of the same name is replaced.
    pub fn put_layout(&mut self, name: &str, layout: &Layout, detached: &[usize]) {
        let saved = SavedLayout {
            name: name.to_owned(),
            layout: layout.word(),
            detached: detached.to_vec(),
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

    /// Takes the layouts of a file's text; `false` when it is none.
    pub fn take(&mut self, text: &str) -> bool {
        let Ok(file) = toml::from_str::<LayoutFile>(text) else {
            return false;
        };
        self.layouts = file.layout;
        self.layouts.truncate(MOST);
        self.layouts
            .retain(|l| Layout::of_word(&l.layout).is_some());
        true
    }
}

/// Reads what is kept in a folder; called by a worker.
pub fn read(folder: &Path) -> ShelfNews {
    let text = |path: &Path| -> Option<String> {
        let size = fs::metadata(path).ok()?.len();
        (size <= MOST_BYTES as u64 * 4)
            .then(|| fs::read_to_string(path).ok())
            .flatten()
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
        match text(&path).and_then(|t| Protocol::parse(&id, &t).ok()) {
            Some(mut protocol) => {
                protocol.own = true;
                protocols.push(protocol);
            }
            None => damaged.push(id),
        }
    }
    ShelfNews::Found {
        layouts: text(&folder.join("layouts.toml")),
        protocols,
        damaged,
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

/// Writes on a worker, which tells when something went wrong.
pub fn write_later(
    path: PathBuf,
    text: String,
    saved: Option<String>,
    events: Sender<super::event::Event>,
    waker: Waker,
) {
    let body = move || {
        let news = match write(&path, &text) {
            Ok(()) => saved.map(ShelfNews::Saved),
            Err(error) => Some(ShelfNews::Failed(error.kind().to_string())),
        };
        if let Some(news) = news {
            let _ = events.send(super::event::Event::Shelf(news));
            waker.wake("shelf");
        }
    };
    // Without a thread nothing is kept; the layout itself stays in this session.
    let _ = crate::task::spawn_named("shelf", body);
}

impl super::Workspace {
    /// Keeps layouts and protocols in a folder from now on, and reads what is there.
    pub fn open_shelf(&mut self, folder: PathBuf) {
        self.shelf.folder = Some(folder.clone());
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let _ = events.send(super::event::Event::Shelf(read(&folder)));
            waker.wake("shelf");
        };
        let _ = crate::task::spawn_named("shelf", body);
    }

    /// Has the layouts written.
    pub(super) fn keep_shelf(&self) {
        if let Some(folder) = &self.shelf.folder {
            let path = folder.join("layouts.toml");
            write_later(
                path,
                self.shelf.text(),
                None,
                self.sender(),
                self.waker.clone(),
            );
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
                let (events, waker) = (self.sender(), self.waker.clone());
                write_later(path, text, Some(id), events, waker);
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
                let readable = layouts.is_none_or(|text| self.shelf.take(&text));
                self.hanging.own = protocols;
                let mut damaged = damaged;
                if !readable {
                    damaged.push("layouts.toml".into());
                }
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
            shelf.put_layout(name, &layout, &[1]);
        }
        let mut other = Shelf::default();
        assert!(other.take(&shelf.text()));
        assert_eq!(other.names().collect::<Vec<_>>(), ["two", "free", "tiles"]);
        assert_eq!(other.layout("two"), Some((Layout::FOUR, vec![1])));
        assert_eq!(other.layout("free"), Some((free, vec![1])));
        other.remove_layout("free");
        assert_eq!(other.layout("free"), None);
        assert!(!other.take("nonsense ["));
        assert_eq!(other.names().count(), 2, "what was there stays");
    }

    #[test]
    fn what_a_folder_holds_is_read_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let nothing = read(dir.path());
        assert!(
            matches!(nothing, ShelfNews::Found { layouts: None, protocols, damaged } if protocols.is_empty() && damaged.is_empty())
        );
        let good = "name = \"Mine\"\n[[stage]]\nlayout = \"1x1\"\n";
        write(&dir.path().join("hanging_protocols/mine.toml"), good).unwrap();
        write(&dir.path().join("hanging_protocols/bad.toml"), "name = 3").unwrap();
        write(&dir.path().join("hanging_protocols/notes.txt"), "x").unwrap();
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
