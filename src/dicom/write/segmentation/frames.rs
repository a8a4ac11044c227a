//! Frames of a segmentation: which are there, and their pixels, packed.

use crate::model::segmentation::{
    Segmentation, VoxelBox, Voxels,
    exchange::{Form, Fractions, NotWritten},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A frame that is to be written.
pub(in crate::dicom::write) struct Planned {
    /// Number of the segment; `None` in a label map.
    pub(in crate::dicom::write) segment: Option<u16>,
    /// Slice of the grid.
    pub(in crate::dicom::write) slice: usize,
    /// Bits, least significant first, or bytes.
    pub(in crate::dicom::write) pixels: Vec<u8>,
}

/// All frames, one after the other.
pub(super) struct Packed {
    /// What they are, without their pixels.
    pub(super) frames: Vec<Planned>,
    /// Bits Allocated: 1, 8 or 16.
    pub(super) bits: u16,
    /// VR of Pixel Data.
    pub(super) vr: &'static [u8; 2],
    pub(super) bytes: Vec<u8>,
    /// Some voxel belongs to several segments.
    pub(super) overlap: bool,
}

/// Boxes around what a layer holds, one for each slab of bricks.
fn slabs(boxes: impl Iterator<Item = VoxelBox>) -> Vec<VoxelBox> {
    let mut slabs: BTreeMap<usize, VoxelBox> = BTreeMap::new();
    for held in boxes {
        let slab = slabs.entry(held.first[2]).or_insert(held);
        *slab = slab.union(&held);
    }
    slabs.into_values().collect()
}

/// One slice of a box.
fn slice_of(slab: &VoxelBox, slice: usize) -> VoxelBox {
    let (mut part, size) = (*slab, slab.size());
    part.first[2] = slice;
    part.end[2] = slice + usize::from(!size.contains(&0));
    part
}

/// The frames of one segment in a slab of 16 slices; those without a voxel are empty.
#[derive(Default)]
struct SlabFrames([Vec<u8>; 16]);

/// The frames of a slab as they are found.
struct Found {
    size: [usize; 3],
    all: BTreeMap<u16, SlabFrames>,
    /// The last one, as neighbours mostly belong to the same.
    last: Option<(u16, SlabFrames)>,
}

impl Found {
    /// Gives a segment the voxels of a row of 16 that have a bit.
    fn add(&mut self, number: u16, [x, y, z]: [usize; 3], mut mask: u16) {
        let [columns, rows, slices] = self.size;
        if y >= rows || z >= slices || x >= columns {
            return;
        }
        if columns - x < 16 {
            mask &= (1 << (columns - x)) - 1;
        }
        if self.last.as_ref().is_none_or(|(held, _)| *held != number) {
            if let Some((held, frames)) = self.last.take() {
                self.all.insert(held, frames);
            }
            let frames = self.all.remove(&number).unwrap_or_default();
            self.last = Some((number, frames));
        }
        let frames = self.last.as_mut().map(|(_, frames)| frames);
        let Some(bytes) = frames.and_then(|f| f.0.get_mut(z % 16)) else {
            return;
        };
        if bytes.is_empty() {
            // Two more, for the row that ends with the frame.
            bytes.resize((columns * rows).div_ceil(8) + 2, 0);
        }
        // Least significant bit first (PS3.5 section 8.1.1).
        let at = y * columns + x;
        let [a, b, c, _] = (u32::from(mask) << (at % 8)).to_le_bytes();
        if let Some([first, second, third]) = bytes.get_mut(at / 8..at / 8 + 3) {
            *first |= a;
            *second |= b;
            *third |= c;
        }
    }
}

/// A frame for each segment and slice that has a voxel, by segment and slice.
pub(in crate::dicom::write) fn binary(seg: &Segmentation) -> Vec<Planned> {
    let [columns, rows, _] = seg.grid.size;
    let length = (columns * rows).div_ceil(8);
    let layers = seg.layers().iter().enumerate();
    let work: Vec<(usize, &Voxels, usize)> = layers
        .flat_map(|(number, layer)| (0..layer.slabs()).map(move |slab| (number, layer, slab)))
        .collect();
    let frames = work.par_iter().map(|(number, layer, slab)| {
        let mut found = Found {
            size: seg.grid.size,
            all: BTreeMap::new(),
            last: None,
        };
        for (at, row) in layer.rows_of_slab(*slab) {
            let value = row[0];
            if row
                .iter()
                .fold(true, |same, other| same & (*other == value))
            {
                if value != 0 {
                    found.add(value, at, u16::MAX);
                }
                continue;
            }
            let mask = |value: u16| {
                let bits = row
                    .iter()
                    .zip(0..)
                    .map(|(n, bit)| u16::from(*n == value) << bit);
                bits.fold(0, |all, bit| all | bit)
            };
            let mut left = !mask(0);
            while let Some(value) = row.get(left.trailing_zeros() as usize) {
                let own = mask(*value);
                found.add(*value, at, own);
                left &= !own;
            }
        }
        let Found { mut all, last, .. } = found;
        all.extend(last);
        let own = |value: &u16| seg.segment(*value).is_some_and(|s| s.layer == *number);
        let frames = all.into_iter().filter(|(value, _)| own(value));
        let frames = frames.flat_map(|(value, frames)| {
            let slices = frames.0.into_iter().zip(slab * 16..);
            let held = slices.filter(|(pixels, _)| !pixels.is_empty());
            held.map(move |(mut pixels, slice)| {
                pixels.truncate(length);
                Planned {
                    segment: Some(value),
                    slice,
                    pixels,
                }
            })
        });
        frames.collect()
    });
    let frames: Vec<Vec<Planned>> = frames.collect();
    let mut frames: Vec<Planned> = frames.into_iter().flatten().collect();
    frames.sort_by_key(|frame| (frame.segment, frame.slice));
    frames
}

/// A frame for each segment and slice with a value above zero.
pub(super) fn fractional(
    seg: &Segmentation,
    fractions: Option<&Fractions>,
) -> Result<Vec<Planned>, NotWritten> {
    let [columns, rows, slices] = seg.grid.size;
    let area = columns * rows;
    let mut frames = Vec::new();
    for segment in seg.segments() {
        let map = fractions.and_then(|f| f.maps.get(&segment.number));
        let (Some(map), Some(fractions)) = (map, fractions) else {
            let layer = seg.layers().get(segment.layer);
            if fractions.is_some() && layer.is_none_or(|l| l.bounds(Some(segment.number)).is_none())
            {
                // Nothing is said, and nothing is there.
                continue;
            }
            return Err(NotWritten::NoFractions(segment.number));
        };
        if map.len() != area * slices || fractions.maximum == 0 {
            return Err(NotWritten::NoFractions(segment.number));
        }
        for (slice, values) in map.chunks_exact(area.max(1)).enumerate() {
            if values.iter().all(|value| *value == 0) {
                continue;
            }
            // Nothing is more than wholly.
            let pixels = values.iter().map(|v| (*v).min(fractions.maximum));
            frames.push(Planned {
                segment: Some(segment.number),
                slice,
                pixels: pixels.collect(),
            });
        }
    }
    Ok(frames)
}

/// A frame for each slice that has a voxel, with the numbers of all layers in 8 or 16 bits.
pub(super) fn label_map(seg: &Segmentation) -> Result<Vec<Planned>, NotWritten> {
    let [columns, rows, _] = seg.grid.size;
    let wide = is_wide(seg);
    let mut slices: BTreeMap<usize, Vec<(usize, VoxelBox)>> = BTreeMap::new();
    for (number, layer) in seg.layers().iter().enumerate() {
        for slab in slabs(layer.occupied()) {
            for slice in slab.range(2) {
                let part = slice_of(&slab, slice);
                slices.entry(slice).or_default().push((number, part));
            }
        }
    }
    let slices: Vec<(usize, Vec<(usize, VoxelBox)>)> = slices.into_iter().collect();
    let frames: Result<Vec<Option<Planned>>, NotWritten> = slices
        .par_iter()
        .map(|(slice, parts)| {
            let mut all = vec![0_u16; columns * rows];
            let mut any = false;
            for (number, part) in parts {
                let Some(layer) = seg.layers().get(*number) else {
                    continue;
                };
                let own = |value: u16| seg.segment(value).is_some_and(|s| s.layer == *number);
                let width = part.size()[0].max(1);
                for (row, line) in layer.read(part).chunks_exact(width).enumerate() {
                    let mut at = (part.first[1] + row) * columns + part.first[0];
                    for run in line.chunk_by(|a, b| a == b) {
                        let from = at;
                        at += run.len();
                        let value = run.first().copied().unwrap_or(0);
                        if value == 0 || !own(value) {
                            continue;
                        }
                        any = true;
                        let to = all.get_mut(from..at).unwrap_or_default();
                        if to.iter().any(|before| *before != 0) {
                            return Err(NotWritten::Overlap);
                        }
                        to.fill(value);
                    }
                }
            }
            let pixels = match wide {
                true => all.iter().flat_map(|v| v.to_le_bytes()).collect(),
                false => all.iter().map(|v| *v as u8).collect(),
            };
            Ok(any.then_some(Planned {
                segment: None,
                slice: *slice,
                pixels,
            }))
        })
        .collect();
    Ok(frames?.into_iter().flatten().collect())
}

/// Whether numbers need 16 bits.
fn is_wide(seg: &Segmentation) -> bool {
    seg.segments().any(|segment| segment.number > 255)
}

/// Puts frames one behind the other. Where nothing is painted one empty frame stands for all: an object has to have one.
pub(super) fn pack(
    seg: &Segmentation,
    form: Form,
    mut frames: Vec<Planned>,
) -> Result<Packed, NotWritten> {
    let [columns, rows, _] = seg.grid.size;
    let area = columns * rows;
    let bits: u16 = match form {
        Form::Binary => 1,
        Form::Fractional => 8,
        Form::LabelMap if is_wide(seg) => 16,
        Form::LabelMap => 8,
    };
    let length = (area * usize::from(bits)).div_ceil(8);
    if frames.is_empty() {
        let first = seg.segments().next().map(|segment| segment.number);
        frames.push(Planned {
            segment: first.filter(|_| form != Form::LabelMap),
            slice: 0,
            pixels: vec![0; length],
        });
    }
    let total = area * usize::from(bits) * frames.len();
    if total.div_ceil(8) > u32::MAX as usize - 1 || columns > 65_535 || rows > 65_535 {
        return Err(NotWritten::TooLarge);
    }
    let overlap = form == Form::Binary && overlaps(&frames);
    let mut bytes = Vec::with_capacity(total.div_ceil(8));
    let mut used = 0_usize;
    for frame in &mut frames {
        let pixels = std::mem::take(&mut frame.pixels);
        append(&mut bytes, &mut used, &pixels, area * usize::from(bits));
    }
    Ok(Packed {
        frames,
        bits,
        vr: if bits == 16 { b"OW" } else { b"OB" },
        bytes,
        overlap,
    })
}

/// Whether a voxel is in frames of two segments.
fn overlaps(frames: &[Planned]) -> bool {
    let mut slices: BTreeMap<usize, Vec<&Planned>> = BTreeMap::new();
    for frame in frames {
        slices.entry(frame.slice).or_default().push(frame);
    }
    slices.into_values().any(|frames| {
        let mut all = vec![0; frames.first().map_or(0, |f| f.pixels.len())];
        frames.len() > 1
            && frames.iter().any(|frame| {
                let twice = all
                    .iter()
                    .zip(&frame.pixels)
                    .any(|(a, b): (&u8, &u8)| a & b != 0);
                for (a, b) in all.iter_mut().zip(&frame.pixels) {
                    *a |= b;
                }
                twice
            })
    })
}

/// Appends the first bits of a frame where the last one ended: frames of single bits do not begin at bytes (PS3.5
/// section 8.2).
fn append(bytes: &mut Vec<u8>, used: &mut usize, frame: &[u8], bits: usize) {
    let shift = *used % 8;
    if shift == 0 {
        bytes.extend_from_slice(frame);
    } else {
        for byte in frame {
            if let Some(last) = bytes.last_mut() {
                *last |= byte << shift;
            }
            bytes.push(byte >> (8 - shift));
        }
    }
    *used += bits;
    bytes.truncate(used.div_ceil(8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_bits_follow_each_other_without_a_gap() {
        // Three frames of seven bits.
        let (mut bytes, mut used) = (Vec::new(), 0);
        for frame in [0b101_0101_u8, 0b111_1111, 0b000_0011] {
            append(&mut bytes, &mut used, &[frame], 7);
        }
        assert_eq!(used, 21);
        assert_eq!(bytes, [0b1101_0101, 0b1111_1111, 0b0_0000]);
        let bit = |n: usize| bytes[n / 8] >> (n % 8) & 1;
        let third: Vec<u8> = (14..21).map(bit).collect();
        assert_eq!(third, [1, 1, 0, 0, 0, 0, 0]);
    }
}
