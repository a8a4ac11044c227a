//! Marks and key images as DICOM objects: key object selections, presentation states, measurement reports.
//!
//! Must stay true: sources are never written, each object is a new instance in a series of its own; patient and study
//! are those of the source, as it writes them; every length carries its unit and where its millimetres come from (safety
//! S16), every object the notice (S1), and what a network made its name and version (S20). Points are written as 32-bit
//! floats, as the standard has them. What cannot be said in a format is left out by name, never bent to fit.
//! Not here: measuring, choosing what leaves, the disk.
//!
//! What others have no word for (the kind of a mark, its group, whether it is locked) is added under
//! `codes::SCHEME`, so that a file of ours comes back as it was; others read past it.

pub(in crate::dicom) mod codes;
mod key_objects;
mod presentation;
mod report;
mod segments;
pub(in crate::dicom) mod shapes;
pub(super) mod tree;

pub use key_objects::write_key_objects;
pub use presentation::write_presentation;
pub use report::write_report;
pub use segments::{MeasuredSegment, write_segment_report};

use super::elements::Elements;
use crate::{
    dicom::raster::uid_from,
    model::{
        exchange::{NOTICE, SourceObject},
        study::Instance,
    },
};

/// Implementation Class UID of all files written here.
use super::IMPLEMENTATION_CLASS;

/// What an object says of its making.
#[derive(Clone, Debug)]
pub struct Making {
    /// The moment, as `YYYYMMDD` and `hhmmss`.
    pub date: String,
    /// Time of that day.
    pub time: String,
    /// All UIDs are made from this and from what they are for: the same seed gives the same files.
    pub uid_seed: String,
    /// Who sends them; may be empty.
    pub author: String,
}

impl Making {
    /// Made now: the clock of this computer, UIDs that nobody else has.
    pub fn now(author: &str) -> Self {
        let now = jiff::Zoned::now();
        Self {
            date: now.strftime("%Y%m%d").to_string(),
            time: now.strftime("%H%M%S").to_string(),
            uid_seed: uuid::Uuid::new_v4().to_string(),
            author: author.to_owned(),
        }
    }

    pub(super) fn uid(&self, purpose: &[&str]) -> String {
        let mut parts: Vec<&[u8]> = vec![b"marks", self.uid_seed.as_bytes()];
        parts.extend(purpose.iter().map(|p| p.as_bytes()));
        uid_from(&parts)
    }
}

/// A Part 10 file with the modules that all these objects share: SOP Common, Patient, General Study, General Series,
/// (Enhanced) General Equipment.
pub(super) struct Head<'a> {
    pub(super) class: &'a str,
    pub(super) modality: &'a str,
    pub(super) series_number: i32,
    pub(super) description: &'a str,
    pub(super) instance_uid: String,
    pub(super) series_uid: String,
}

impl Head<'_> {
    /// With the terms of marks explained.
    fn elements(&self, source: &SourceObject, making: &Making) -> Elements {
        let mut e = self.plain(source, making, codes::MODEL);
        // The private codes are explained where they are used (PS3.3 section C.12.1.1.14).
        let mut scheme = Elements::default();
        scheme.text(0x0008, 0x0102, b"SH", codes::SCHEME);
        scheme.text(
            0x0008,
            0x0115,
            b"ST",
            "Kinds and states of marks of Negatoscope",
        );
        scheme.text(0x0008, 0x0116, b"ST", codes::MANUFACTURER);
        e.items(0x0008, 0x0110, &[scheme]);
        e
    }

    /// As every object has them, made by a part of this program.
    pub(super) fn plain(&self, source: &SourceObject, making: &Making, model: &str) -> Elements {
        let mut e = Elements::default();
        for ((group, element), vr, value) in &source.modules {
            e.copied(*group, *element, vr, value);
        }
        e.text(0x0008, 0x0005, b"CS", "ISO_IR 192");
        e.text(0x0008, 0x0012, b"DA", &making.date);
        e.text(0x0008, 0x0013, b"TM", &making.time);
        e.text(0x0008, 0x0016, b"UI", self.class);
        e.text(0x0008, 0x0018, b"UI", &self.instance_uid);
        e.text(0x0008, 0x0021, b"DA", &making.date);
        e.text(0x0008, 0x0031, b"TM", &making.time);
        e.text(0x0008, 0x0060, b"CS", self.modality);
        e.text(0x0008, 0x0070, b"LO", codes::MANUFACTURER);
        e.text(0x0008, 0x103E, b"LO", self.description);
        e.text(0x0008, 0x1090, b"LO", model);
        // Type 1 of Enhanced General Equipment; a program has none, so its installation says that much.
        e.text(0x0018, 0x1000, b"LO", "0");
        e.text(0x0018, 0x1020, b"LO", env!("CARGO_PKG_VERSION"));
        e.text(0x0020, 0x000E, b"UI", &self.series_uid);
        e.text(0x0020, 0x0011, b"IS", &self.series_number.to_string());
        e.text(0x0020, 0x0013, b"IS", "1");
        e
    }

    pub(super) fn file(&self, elements: &Elements) -> Vec<u8> {
        elements.file(self.class, &self.instance_uid, IMPLEMENTATION_CLASS)
    }

    /// The same in implicit VR.
    pub(super) fn file_implicit(&self, elements: &Elements) -> Vec<u8> {
        elements.file_implicit(self.class, &self.instance_uid, IMPLEMENTATION_CLASS)
    }
}

/// One instance, and a frame of it where it has several (SOP Instance Reference Macro, Image SOP Instance Reference
/// Macro: PS3.3 tables 10-11 and 10-3).
fn reference(source: &SourceObject, frames: &[u32]) -> Elements {
    instance_reference(&source.instance, frames)
}

/// The same of an instance.
pub(super) fn instance_reference(instance: &Instance, frames: &[u32]) -> Elements {
    let mut item = Elements::default();
    item.text(0x0008, 0x1150, b"UI", &instance.sop_class_uid);
    item.text(0x0008, 0x1155, b"UI", &instance.sop_instance_uid);
    let several = instance.image.as_ref().is_some_and(|i| i.frames > 1);
    if several && !frames.is_empty() {
        let numbers: Vec<String> = frames.iter().map(u32::to_string).collect();
        item.text(0x0008, 0x1160, b"IS", &numbers.join("\\"));
    }
    item
}

/// Instances by study and series (Hierarchical SOP Instance Reference Macro, PS3.3 table C.17-3).
fn evidence<'a>(sources: impl Iterator<Item = &'a SourceObject>) -> Vec<Elements> {
    let mut studies: Vec<(String, Vec<(String, Vec<Elements>)>)> = Vec::new();
    for source in sources {
        let (study, series) = (&source.instance.study.uid, &source.instance.series.uid);
        let at = studies.iter().position(|(uid, _)| uid == study);
        let at = at.unwrap_or_else(|| {
            studies.push((study.clone(), Vec::new()));
            studies.len() - 1
        });
        let Some((_, all)) = studies.get_mut(at) else {
            continue;
        };
        let inner = all.iter().position(|(uid, _)| uid == series);
        let inner = inner.unwrap_or_else(|| {
            all.push((series.clone(), Vec::new()));
            all.len() - 1
        });
        if let Some((_, items)) = all.get_mut(inner) {
            items.push(reference(source, &[]));
        }
    }
    studies
        .into_iter()
        .map(|(study, series)| {
            let mut item = Elements::default();
            item.text(0x0020, 0x000D, b"UI", &study);
            let series: Vec<Elements> = series
                .into_iter()
                .map(|(uid, instances)| {
                    let mut item = Elements::default();
                    item.text(0x0020, 0x000E, b"UI", &uid);
                    item.items(0x0008, 0x1199, &instances);
                    item
                })
                .collect();
            item.items(0x0008, 0x1115, &series);
            item
        })
        .collect()
}

/// A moment in UTC as DT with its zone, in all of its 26 characters: some readers take padding for a part of it. `None`
/// for one that is not known.
fn moment(ms: i64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(ms)
        .ok()
        .filter(|_| ms > 0)?;
    Some(format!("{}+0000", time.strftime("%Y%m%d%H%M%S%.6f")))
}

/// The notice with what an object is.
fn notice(what: &str) -> String {
    format!("{what}. {NOTICE}")
}

/// A person's name as PN: what somebody typed is one component.
pub(super) fn person(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if matches!(c, '\\' | '=') || c.is_control() {
                ' '
            } else {
                c
            }
        })
        .take(64)
        .collect();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests;
