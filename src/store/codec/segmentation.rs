//! Segmentations in the journal: edit 12, then 1 there (head), 2 gone (head), 3 segment (id; before and after: 0, or 1
//! and segment), 4 voxels or 5 title (id; before and after).
//!
//! Head: id, title, study, series and frame of reference UID, frame (0, or 1 and instance UID, number (4)), columns,
//! rows, slices (4 each), twelve f64: patient from voxel, column by column.
//! Segment: number (2), label, category, type and region (each a code: 0, or 1 and value, scheme, meaning), colour (3
//! bytes), layer (4), flags (1: bit 0 locked, bit 1 hidden, bit 2 with a probability), state (1: 0 proposed, 1 accepted, 2 edited, 3 rejected),
//! origin (0 manual; 1 semiautomatic: algorithm, version; 2 automatic: algorithm, version, SHA-256), who, time (8,
//! signed), tracking UID, and the probability (f64) of those that have one: journals from before it have none.
//! Voxels: id, layer (4), tool, prompt, author as of a mark, time (8, signed), columns, rows, slices (4 each), 1 where
//! before and after of the runs change places, packing (0: length (4), runs; 1: length of the runs (4), length (4), runs
//! as a zlib stream). The runs are those of [`Delta`].

use super::{
    MAX_ID, MAX_LABEL, MAX_PAYLOAD, Reader, check_texts, put_author, put_code, put_length,
    put_text, put_texts,
};
use crate::formats;
use crate::model::{
    annotation::{Author, Code},
    geometry::GridGeometry,
    segmentation::{
        Delta, Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationEdit,
        SegmentationId, VoxelChange, VoxelSource, Voxels,
        change::{MAX_LAYERS, is_possible},
    },
};
use glam::{DAffine3, DMat3, DVec3};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Longest runs of a change, bytes.
pub const MAX_RUNS: usize = 48 << 20;
/// Runs shorter than this are kept as they are.
const PACKED_FROM: usize = 512;

/// States by the number that stands for them.
const STATES: [SegmentState; 4] = [
    SegmentState::Proposed,
    SegmentState::Accepted,
    SegmentState::Edited,
    SegmentState::Rejected,
];

/// SHA-256 of all that a segmentation is: equal ones have equal digests, on every machine and after every way that led
/// there.
pub fn fingerprint(segmentation: &Segmentation) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut bytes = Vec::new();
    put_head(&mut bytes, segmentation);
    put_length(&mut bytes, segmentation.len());
    for segment in segmentation.segments() {
        put_segment(&mut bytes, segment);
    }
    put_length(&mut bytes, segmentation.layers().len());
    hash.update(&bytes);
    let blank = Voxels::new(segmentation.grid.size);
    for layer in segmentation.layers() {
        if let Some(delta) = Delta::between(&blank, layer) {
            let (_, runs, _) = delta.parts();
            hash.update((runs.len() as u64).to_le_bytes());
            hash.update(runs);
        }
    }
    hash.finalize().into()
}

/// Says what keeps an edit out of the journal.
pub(super) fn check(edit: &SegmentationEdit) -> Result<(), &'static str> {
    check_id(edit.of())?;
    match edit {
        SegmentationEdit::Put(whole) | SegmentationEdit::Drop(whole) => {
            let uids = [
                &whole.study_uid,
                &whole.series_uid,
                &whole.frame_of_reference_uid,
            ];
            check_texts(uids, MAX_ID, "a UID is too long")?;
            check_texts([&whole.title], MAX_LABEL, "the title is too long")?;
            if let Some((uid, number)) = &whole.frame {
                check_texts([uid], MAX_ID, "a UID is too long")?;
                if *number == 0 {
                    return Err("frames count from 1");
                }
            }
            if !whole.has_possible_grid() {
                return Err("the grid has no voxels, or too many");
            }
            if !whole.is_bare() {
                return Err("segments and voxels are edits of their own");
            }
            Ok(())
        }
        SegmentationEdit::Segment { from, to, .. } => {
            let both = [from, to].into_iter().flatten();
            both.map(|s| check_segment(s))
                .collect::<Result<Vec<_>, _>>()?;
            match (from, to) {
                (None, None) => Err("there is no segment in it"),
                (Some(a), Some(b)) if a.number != b.number => Err("a segment keeps its number"),
                _ => Ok(()),
            }
        }
        SegmentationEdit::Voxels(change) => {
            let (size, runs, _) = change.delta.parts();
            if !is_possible(size) || change.layer >= MAX_LAYERS {
                return Err("the grid or the layer is not possible");
            }
            if runs.len() > MAX_RUNS {
                return Err("the change is too large");
            }
            let source = &change.source;
            check_texts([&source.tool], MAX_ID, "the name of the tool is too long")?;
            check_texts([&source.prompt], MAX_LABEL, "the prompt is too long")?;
            super::check_author(&source.by)?;
            match change.delta.is_empty() {
                true => Err("nothing changes"),
                false => change.delta.check().map_err(|_| "the change is damaged"),
            }
        }
        SegmentationEdit::Title { from, to, .. } => {
            check_texts([from, to], MAX_LABEL, "the title is too long")
        }
    }
}

fn check_id(id: &SegmentationId) -> Result<(), &'static str> {
    match id.0.is_empty() || id.0.len() > MAX_ID {
        true => Err("the id is empty or too long"),
        false => Ok(()),
    }
}

fn check_segment(segment: &Segment) -> Result<(), &'static str> {
    if segment.number == 0 || segment.layer >= MAX_LAYERS {
        return Err("no segment has this number or this layer");
    }
    let texts = [&segment.label, &segment.by];
    check_texts(texts, MAX_LABEL, "the label is too long")?;
    check_texts([&segment.tracking_uid], MAX_ID, "a UID is too long")?;
    let probability = segment.probability.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&probability) {
        return Err("a probability is a number from 0 to 1");
    }
    let codes = [
        &segment.category,
        &segment.property_type,
        &segment.anatomic_region,
    ];
    for code in codes.into_iter().flatten() {
        let parts = [&code.value, &code.scheme, &code.meaning];
        check_texts(parts, MAX_LABEL, "the code is too long")?;
    }
    let texts = match &segment.origin {
        SegmentOrigin::Manual => return Ok(()),
        SegmentOrigin::SemiAutomatic { algorithm, version } => [algorithm, version, version],
        SegmentOrigin::Automatic {
            algorithm,
            version,
            sha256,
        } => [algorithm, version, sha256],
    };
    check_texts(texts, MAX_LABEL, "the name of the algorithm is too long")
}

/// At most so many bytes does an edit take. Runs may get shorter: whoever waits at the window does not wait for that.
pub(super) fn weight(edit: &SegmentationEdit) -> usize {
    let mut bytes = Vec::new();
    match edit {
        SegmentationEdit::Voxels(change) => {
            put_voxel_head(&mut bytes, change);
            bytes.len() + 32 + change.delta.parts().1.len()
        }
        other => {
            put(&mut bytes, other);
            bytes.len() + 1
        }
    }
}

/// Appends an edit.
pub(super) fn put(out: &mut Vec<u8>, edit: &SegmentationEdit) {
    match edit {
        SegmentationEdit::Put(whole) => {
            out.push(1);
            put_head(out, whole);
        }
        SegmentationEdit::Drop(whole) => {
            out.push(2);
            put_head(out, whole);
        }
        SegmentationEdit::Segment { of, from, to } => {
            out.push(3);
            put_text(out, &of.0);
            for segment in [from, to] {
                match segment {
                    None => out.push(0),
                    Some(segment) => {
                        out.push(1);
                        put_segment(out, segment);
                    }
                }
            }
        }
        SegmentationEdit::Voxels(change) => {
            out.push(4);
            put_voxel_head(out, change);
            put_runs(out, &change.delta);
        }
        SegmentationEdit::Title { of, from, to } => {
            out.push(5);
            put_texts(out, [&of.0, from, to]);
        }
    }
}

fn put_head(out: &mut Vec<u8>, whole: &Segmentation) {
    put_texts(
        out,
        [
            &whole.id.0,
            &whole.title,
            &whole.study_uid,
            &whole.series_uid,
            &whole.frame_of_reference_uid,
        ],
    );
    match &whole.frame {
        None => out.push(0),
        Some((uid, number)) => {
            out.push(1);
            put_text(out, uid);
            out.extend(number.to_le_bytes());
        }
    }
    put_size(out, whole.grid.size);
    for number in whole.grid.patient_from_voxel.to_cols_array() {
        out.extend(number.to_bits().to_le_bytes());
    }
}

fn put_size(out: &mut Vec<u8>, size: [usize; 3]) {
    for side in size {
        put_length(out, side);
    }
}

fn put_segment(out: &mut Vec<u8>, segment: &Segment) {
    out.extend(segment.number.to_le_bytes());
    put_text(out, &segment.label);
    put_code(out, segment.category.as_ref());
    put_code(out, segment.property_type.as_ref());
    put_code(out, segment.anatomic_region.as_ref());
    out.extend(segment.color);
    put_length(out, segment.layer);
    let probability = u8::from(segment.probability.is_some()) << 2;
    out.push(u8::from(segment.locked) | u8::from(segment.hidden) << 1 | probability);
    out.push(super::place_in(&STATES, &segment.state));
    match &segment.origin {
        SegmentOrigin::Manual => out.push(0),
        SegmentOrigin::SemiAutomatic { algorithm, version } => {
            out.push(1);
            put_texts(out, [algorithm, version]);
        }
        SegmentOrigin::Automatic {
            algorithm,
            version,
            sha256,
        } => {
            out.push(2);
            put_texts(out, [algorithm, version, sha256]);
        }
    }
    put_text(out, &segment.by);
    out.extend(segment.changed_ms.to_le_bytes());
    put_text(out, &segment.tracking_uid);
    if let Some(probability) = segment.probability {
        out.extend(probability.to_bits().to_le_bytes());
    }
}

fn put_voxel_head(out: &mut Vec<u8>, change: &VoxelChange) {
    put_text(out, &change.of.0);
    put_length(out, change.layer);
    put_texts(out, [&change.source.tool, &change.source.prompt]);
    put_author(out, &change.source.by);
    out.extend(change.source.at_ms.to_le_bytes());
}

fn put_runs(out: &mut Vec<u8>, delta: &Delta) {
    let (size, runs, inverted) = delta.parts();
    put_size(out, size);
    out.push(u8::from(inverted));
    let packed = (runs.len() >= PACKED_FROM)
        .then(|| packed_runs(runs))
        .flatten();
    match packed.filter(|packed| packed.len() + 4 < runs.len()) {
        Some(packed) => {
            out.push(1);
            put_length(out, runs.len());
            put_length(out, packed.len());
            out.extend(packed);
        }
        None => {
            out.push(0);
            put_length(out, runs.len());
            out.extend(runs);
        }
    }
}

fn packed_runs(bytes: &[u8]) -> Option<Vec<u8>> {
    formats::packed(bytes).ok()
}

fn unpacked_runs(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    match length > MAX_RUNS.min(MAX_PAYLOAD) {
        true => None,
        false => formats::unpacked(bytes, length).ok(),
    }
}

impl Reader<'_> {
    pub(super) fn segmentation(&mut self) -> Option<SegmentationEdit> {
        Some(match self.byte()? {
            1 => SegmentationEdit::Put(Arc::new(self.head()?)),
            2 => SegmentationEdit::Drop(Arc::new(self.head()?)),
            3 => SegmentationEdit::Segment {
                of: SegmentationId(self.text()?),
                from: self.segment()?,
                to: self.segment()?,
            },
            4 => SegmentationEdit::Voxels(Arc::new(self.voxels()?)),
            5 => SegmentationEdit::Title {
                of: SegmentationId(self.text()?),
                from: self.text()?,
                to: self.text()?,
            },
            _ => return None,
        })
    }

    fn size(&mut self) -> Option<[usize; 3]> {
        let size = [self.length()?, self.length()?, self.length()?];
        is_possible(size).then_some(size)
    }

    fn head(&mut self) -> Option<Segmentation> {
        let id = SegmentationId(self.text()?);
        let names: [String; 4] = [self.text()?, self.text()?, self.text()?, self.text()?];
        let frame = match self.flag()? {
            false => None,
            true => Some((self.text()?, u32::from_le_bytes(self.array()?))),
        };
        let size = self.size()?;
        let matrix3 = DMat3::from_cols(self.point()?, self.point()?, self.point()?);
        let translation: DVec3 = self.point()?;
        let patient_from_voxel = DAffine3 {
            matrix3,
            translation,
        };
        let grid = GridGeometry {
            size,
            patient_from_voxel,
        };
        let mut whole = Segmentation::new(id, grid);
        whole.frame = frame;
        [
            whole.title,
            whole.study_uid,
            whole.series_uid,
            whole.frame_of_reference_uid,
        ] = names;
        Some(whole)
    }

    fn optional_code(&mut self) -> Option<Option<Code>> {
        if !self.flag()? {
            return Some(None);
        }
        Some(Some(Code {
            value: self.text()?,
            scheme: self.text()?,
            meaning: self.text()?,
        }))
    }

    /// Outer `None`: these bytes are none.
    fn segment(&mut self) -> Option<Option<Box<Segment>>> {
        if !self.flag()? {
            return Some(None);
        }
        let number = u16::from_le_bytes(self.array()?);
        let mut segment = Segment::new(number, self.text()?);
        segment.category = self.optional_code()?;
        segment.property_type = self.optional_code()?;
        segment.anatomic_region = self.optional_code()?;
        segment.color = self.array()?;
        segment.layer = self.length()?;
        let flags = self.byte()?;
        if flags > 7 {
            return None;
        }
        (segment.locked, segment.hidden) = (flags & 1 != 0, flags & 2 != 0);
        segment.state = *STATES.get(usize::from(self.byte()?))?;
        segment.origin = match self.byte()? {
            0 => SegmentOrigin::Manual,
            1 => SegmentOrigin::SemiAutomatic {
                algorithm: self.text()?,
                version: self.text()?,
            },
            2 => SegmentOrigin::Automatic {
                algorithm: self.text()?,
                version: self.text()?,
                sha256: self.text()?,
            },
            _ => return None,
        };
        segment.by = self.text()?;
        segment.changed_ms = i64::from_le_bytes(self.array()?);
        segment.tracking_uid = self.text()?;
        if flags & 4 != 0 {
            segment.probability = Some(f64::from_bits(u64::from_le_bytes(self.array()?)));
        }
        Some(Some(Box::new(segment)))
    }

    fn voxels(&mut self) -> Option<VoxelChange> {
        let of = SegmentationId(self.text()?);
        let layer = self.length()?;
        let source = VoxelSource {
            tool: self.text()?,
            prompt: self.text()?,
            by: self.author()?,
            at_ms: i64::from_le_bytes(self.array()?),
        };
        let size = self.size()?;
        let inverted = self.flag()?;
        let runs = match self.byte()? {
            0 => {
                let length = self.length()?;
                self.take(length)?.to_vec()
            }
            1 => {
                let (length, stored) = (self.length()?, self.length()?);
                unpacked_runs(self.take(stored)?, length)?
            }
            _ => return None,
        };
        Some(VoxelChange {
            of,
            layer,
            delta: Delta::from_parts(size, runs, inverted),
            source: Arc::new(source),
        })
    }

    pub(super) fn author(&mut self) -> Option<Author> {
        Some(match self.byte()? {
            0 => Author::Person(self.text()?),
            1 => Author::Model {
                id: self.text()?,
                version: self.text()?,
            },
            2 => Author::Foreign(self.text()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "segmentation_tests.rs"]
pub(crate) mod tests;
