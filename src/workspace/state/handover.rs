//! What a window hands over to the one that takes its place when the graphics device is lost.

use super::{super::view::Viewport, Workspace};
use crate::{
    model::{edit::Edit, passphrase::Passphrase},
    store::codec::{Commit, Kind, check_gesture, decode, encode, in_parts},
};
use std::path::PathBuf;

/// Everything that the next window cannot find on a disk. It goes through a pipe and never to a file.
#[derive(Clone, Default)]
pub struct Handover {
    /// Of the store that was open.
    pub store: Option<Passphrase>,
    /// Of archives that were opened.
    pub archives: Vec<Passphrase>,
    /// What was opened, in this order.
    pub paths: Vec<PathBuf>,
    /// The window is locked, and stays so.
    pub locked: bool,
    /// Without a store: marks, calibrations, reports, states and layouts.
    pub edits: Vec<Edit>,
}

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (paths, edits) = (self.paths.len(), self.edits.len());
        write!(f, "Handover({paths} paths, {edits} edits)")
    }
}

/// The first bytes of a handover.
const HEAD: &[u8; 8] = b"NGHAND1\n";

/// Most bytes of a handover.
const MOST: usize = 256 << 20;

/// Edits of one commit: journals take so many at once.
const EDITS_AT_ONCE: usize = 256;

impl Handover {
    /// As bytes for a pipe.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = HEAD.to_vec();
        let mut put = |kind: u8, content: &[u8]| {
            bytes.push(kind);
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend_from_slice(content);
        };
        if let Some(passphrase) = &self.store {
            put(b'S', passphrase.bytes());
        }
        if self.locked {
            put(b'L', &[]);
        }
        for passphrase in &self.archives {
            put(b'A', passphrase.bytes());
        }
        for path in &self.paths {
            put(b'P', path.as_os_str().as_encoded_bytes());
        }
        for edits in in_parts(&self.edits, EDITS_AT_ONCE) {
            let commit = Commit {
                kind: Kind::Done,
                time_ms: 0,
                edits: edits.to_vec(),
            };
            if check_gesture(edits).is_ok() {
                put(b'E', &encode(&commit));
            }
        }
        bytes
    }

    /// From the bytes of a pipe; `None` when they are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(HEAD)?;
        let mut found = Self::default();
        while let Some((kind, after)) = rest.split_first() {
            let (length, after) = after.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            if length > MOST {
                return None;
            }
            let content = after.get(..length)?;
            rest = after.get(length..)?;
            match kind {
                b'S' => found.store = Some(Passphrase::new(content)),
                b'L' => found.locked = true,
                b'A' => found.archives.push(Passphrase::new(content)),
                b'P' => found.paths.push(path_of(content)?),
                b'E' => found.edits.extend(decode(content)?.edits),
                _ => return None,
            }
        }
        Some(found)
    }
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    Some(OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    // What is no text cannot be handed over there.
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

impl Workspace {
    /// What the next window needs. What a store keeps is sent to it on the way.
    pub fn hand_over(&mut self) -> Handover {
        self.keep_reports(true);
        self.note_standing();
        self.note_windows();
        let kept = self.marks.is_kept();
        Handover {
            store: self.marks.passphrase.clone().filter(|_| kept),
            locked: self.access.locked,
            archives: self.passphrases.keys.passphrases(),
            paths: self.opened.clone(),
            edits: if kept {
                Vec::new()
            } else {
                self.all_as_edits()
            },
        }
    }

    /// Everything that would be kept, as edits of an empty state; and how the window stands.
    fn all_as_edits(&self) -> Vec<Edit> {
        let mut edits = self.marks.kept().as_edits();
        let study = |v: &Viewport| v.study().map(|s| s.uid.clone());
        let active = self.active_viewport().and_then(study);
        if let Some(study_uid) = active.or_else(|| self.viewports.iter().find_map(study)) {
            edits.retain(
                |edit| !matches!(edit, Edit::Layout { study_uid: of, .. } if *of == study_uid),
            );
            edits.push(Edit::Layout {
                study_uid,
                from: String::new(),
                to: self.layout_text(&self.arrangement()),
            });
        }
        edits
    }

    /// Takes over what another window handed over; before anything is opened.
    pub fn take_over(&mut self, handover: &Handover) {
        for passphrase in handover.archives.iter().rev() {
            self.passphrases.keys.add(passphrase.clone());
        }
        // Only what has a passphrase can be unlocked.
        self.access.locked = handover.locked && self.marks.place.is_some();
        self.marks.take_over(&handover.edits);
        self.follow_calibrations();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handover_goes_through_a_pipe() {
        let handover = Handover {
            store: Some(Passphrase::new(*b"correct horse")),
            locked: true,
            archives: vec![Passphrase::new(*b"one"), Passphrase::new(*b"two")],
            paths: vec![PathBuf::from("/tmp/a b"), PathBuf::from("rel/\u{80ba}")],
            edits: vec![Edit::Layout {
                study_uid: "1.2".into(),
                from: String::new(),
                to: "text".into(),
            }],
        };
        let bytes = handover.to_bytes();
        let back = Handover::from_bytes(&bytes).unwrap();
        assert_eq!(back.store, handover.store);
        assert!(back.locked);
        assert_eq!(back.archives, handover.archives);
        assert_eq!(back.paths, handover.paths);
        assert_eq!(back.edits, handover.edits);
        // Whatever is cut off is nothing, and so is what is not one.
        for end in 0..bytes.len() {
            let cut = bytes.get(..end).unwrap();
            if let Some(part) = Handover::from_bytes(cut) {
                assert!(part.edits.is_empty(), "{end}");
            }
        }
        assert!(Handover::from_bytes(b"other").is_none());
        assert!(!format!("{handover:?}").contains("horse"));
    }
}
