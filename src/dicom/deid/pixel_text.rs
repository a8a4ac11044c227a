//! Text in the pixels: where it is to be feared, where it is found, and covering it.

use crate::{
    dicom::{
        frames::{FileFrames, FrameError, FrameSource as _},
        guard::Structure,
        scan::{ScanOptions, read_object},
    },
    imaging::glyphs::{self, PixelBox},
    model::{
        pixels::{Frame, StoredType},
        study::Instance,
    },
};
use dicom_dictionary_std::tags;
use std::{path::Path, sync::Arc};

/// What is done about text in the pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BurnedIn {
    /// It is looked for and said.
    #[default]
    Report,
    /// What is found, and these rectangles, is covered.
    Mask(Vec<PixelBox>),
    /// A file with text in its pixels is not written.
    Refuse,
}

/// What was seen of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BurnedText {
    /// Why its pixels may hold text that nobody has taken out: a word in English, free of identity; empty when there is no
    /// reason to think so.
    pub risk: &'static str,
    /// Lines of text, by frame from 0.
    pub boxes: Vec<(usize, PixelBox)>,
    /// Whether they were covered.
    pub covered: bool,
    /// Whether the pixels could not be looked at.
    pub unread: bool,
}

/// Frames of an object that are looked at: the first, and so many spread over the others.
const LOOKED_AT: usize = 8;

/// Kinds of pictures into which devices write (PS3.15 E.3.1).
const WRITTEN_INTO: [&str; 9] = ["US", "IVUS", "ES", "OT", "SC", "XC", "GM", "SM", "DOC"];

/// Why the pixels of an object may hold text.
pub(super) fn risk(structure: &Structure) -> &'static str {
    let annotated = structure.ascii(tags::BURNED_IN_ANNOTATION);
    let modality = structure.ascii(tags::MODALITY);
    let class = structure.ascii(tags::SOP_CLASS_UID);
    if annotated == "NO" || structure.pixels.is_none() {
        return "";
    }
    if annotated == "YES" {
        return "the object says so";
    }
    if WRITTEN_INTO.contains(&modality.as_str()) {
        return "pictures of this modality often hold text";
    }
    if class.starts_with("1.2.840.10008.5.1.4.1.1.7") {
        return "a secondary capture";
    }
    // Films are digitised with what was written on them.
    if matches!(modality.as_str(), "CR" | "DX" | "RF" | "XA" | "MG" | "RG") && annotated.is_empty()
    {
        return "the object does not say that there is none";
    }
    ""
}

/// A picture as 8-bit grey, its values spread from black to white.
fn grey_of(frame: &Frame) -> Vec<u8> {
    let count = frame.rows * frame.columns;
    let bytes = frame.pixels.as_slice();
    if frame.stored_type == StoredType::U8 {
        return match frame.samples {
            1 => bytes.to_vec(),
            _ => bytes
                .chunks_exact(frame.samples)
                .map(|c| c.iter().copied().max().unwrap_or(0))
                .collect(),
        };
    }
    let at = |i: usize| {
        let (row, column) = (i / frame.columns, i % frame.columns);
        frame.value(column, row, 0).unwrap_or(0.0)
    };
    let values: Vec<f64> = (0..count).map(at).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = if high > low {
        255.0 / (high - low)
    } else {
        0.0
    };
    values.iter().map(|v| ((v - low) * scale) as u8).collect()
}

/// Reads the frames of one file.
pub(super) struct Reader {
    instance: Instance,
    frames: FileFrames,
}

impl Reader {
    pub(super) fn open(path: &Path, options: &ScanOptions, frames: FileFrames) -> Option<Self> {
        let instance = read_object(&Arc::from(path), options).ok()?;
        instance.image.as_ref()?;
        Some(Self { instance, frames })
    }

    pub(super) fn count(&self) -> usize {
        self.instance.image.as_ref().map_or(0, |i| i.frames)
    }

    pub(super) fn frame(&self, number: usize) -> Result<Frame, FrameError> {
        self.frames.read_frame(&self.instance, number)
    }

    /// Looks for text in some frames, or in all of them.
    pub(super) fn look(&self, all: bool, text: &mut BurnedText) {
        let count = self.count();
        let step = if all { 1 } else { count.div_ceil(LOOKED_AT) };
        for number in (0..count).step_by(step.max(1)) {
            match self.frame(number) {
                Ok(frame) => {
                    let found = glyphs::find_text(&grey_of(&frame), frame.columns, frame.rows);
                    text.boxes.extend(found.into_iter().map(|b| (number, b)));
                }
                Err(_) => text.unread = true,
            }
        }
    }
}

/// The bytes of a frame in which boxes are black.
pub(super) fn covered(frame: &Frame, boxes: &[PixelBox]) -> Vec<u8> {
    let mut bytes = frame.pixels.as_slice().to_vec();
    let pixel = frame.samples * frame.stored_type.bytes();
    for at in boxes {
        let right = (at.x + at.width).min(frame.columns);
        let bottom = (at.y + at.height).min(frame.rows);
        for row in at.y..bottom {
            let from = (row * frame.columns + at.x.min(right)) * pixel;
            let to = (row * frame.columns + right) * pixel;
            if let Some(stretch) = bytes.get_mut(from..to) {
                stretch.fill(0);
            }
        }
    }
    bytes
}
