//! Small pictures of series, made when a row that needs one comes into sight.

use crate::workspace::Workspace;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A small picture in the study browser.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    /// Width and height.
    pub size: [usize; 2],
    /// RGBA.
    pub rgba: Arc<[u8]>,
}

/// Pictures that are kept: 50 kB each.
const MOST: usize = 1024;

/// Small pictures by series key, and which were asked for.
#[derive(Debug, Default)]
pub struct SmallPictures {
    made: HashMap<String, Thumbnail>,
    /// Asked for and answered, with a picture or without one.
    asked: HashSet<String>,
    waiting: HashSet<String>,
}

impl SmallPictures {
    /// The picture of a series.
    pub fn get(&self, series: &str) -> Option<&Thumbnail> {
        self.made.get(series)
    }

    /// Whether somebody has asked for it already.
    pub fn is_asked(&self, series: &str) -> bool {
        self.asked.contains(series)
    }

    /// Whether one is still to come.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(in crate::workspace) fn take(&mut self, series: String, picture: Option<Thumbnail>) {
        // What was closed meanwhile is thrown away.
        if self.waiting.remove(&series)
            && let Some(picture) = picture
        {
            self.made.insert(series, picture);
        }
    }

    pub(in crate::workspace) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Workspace {
    /// Has the small picture of a series made, once.
    pub fn want_small(&mut self, series: &str) {
        if self.small.is_asked(series) {
            return;
        }
        let Some(node) = self.library.find(series).cloned() else {
            return;
        };
        if self.small.made.len() >= MOST {
            // The rows in sight ask again.
            self.small.clear();
        }
        let place = self.small.waiting.len() as u64;
        self.small.asked.insert(series.to_owned());
        self.small.waiting.insert(series.to_owned());
        self.loader.want_thumbnail(&node, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_what_was_closed_is_thrown_away() {
        let mut small = SmallPictures::default();
        let picture = || {
            Some(Thumbnail {
                size: [1, 1],
                rgba: [0; 4].into(),
            })
        };
        small.take("a".into(), picture());
        assert!(small.get("a").is_none());
        small.asked.insert("a".into());
        small.waiting.insert("a".into());
        assert!(small.is_waiting());
        small.take("a".into(), picture());
        assert!(small.get("a").is_some() && !small.is_waiting());
        // One that cannot be made is not asked for again.
        small.asked.insert("b".into());
        small.waiting.insert("b".into());
        small.take("b".into(), None);
        assert!(small.get("b").is_none() && !small.is_waiting() && small.is_asked("b"));
    }
}
