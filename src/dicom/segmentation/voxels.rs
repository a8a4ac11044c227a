//! The voxels of a segmentation: frames decoded, put in their places, segments that overlap in layers of their own.

use super::place::{Placed, Spot, place};
use crate::{
    dicom::{
        content::segments::SegmentHeader,
        frames::{FrameError, FrameSource, PackedBits},
        guard::Fault,
    },
    model::{
        layout::SeriesLayout,
        pixels::StoredType,
        segmentation::{
            RowRun, Segmentation, SegmentationId, Voxels,
            exchange::{Form, Fractions, SegmentationRead},
        },
        study::{Instance, RejectionKind},
    },
    task::CancelToken,
};
use rayon::prelude::*;
use std::{collections::BTreeMap, ops::Range};

/// Most runs of one segment, and most memory of all voxels: far above real masks.
const MOST_RUNS: usize = 1 << 24;
const MOST_BYTES: usize = 1 << 30;

/// Frames that are decoded at once.
const BATCH: usize = 64;

/// Rows that are filled at once.
const LOT: usize = 1 << 20;

/// What is wanted of a segmentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The values of a FRACTIONAL one, beside the voxels that reach half of the greatest.
    pub fractions: bool,
}

/// Pixels of a row with one number: from a column to before another.
#[derive(Clone, Copy, Debug)]
struct Run {
    row: u32,
    from: u32,
    to: u32,
    number: u16,
}

/// Reads a segmentation, on pictures where they are given. A voxel of a FRACTIONAL one belongs to a segment when its
/// value is at least half of Maximum Fractional Value.
///
/// # Errors
/// [`FrameError`] with the code of what does not fit: that of the object, of a frame, or of the place
/// (`OTHER_STUDY`, `OTHER_FRAME_OF_REFERENCE`, `OTHER_SIZE`, `UNPLACED`, `IRREGULAR`…); `CANCELLED`.
pub fn read_segmentation(
    instance: &Instance,
    frames: &dyn FrameSource,
    on: Option<&SeriesLayout>,
    wanted: Wanted,
    cancel: &CancelToken,
) -> Result<SegmentationRead, FrameError> {
    let header = frames.read_segments(instance)?;
    let image = instance.image.as_ref().ok_or(FrameError::NoPicture)?;
    if image.samples != 1 || !matches!(image.stored_type, StoredType::U8 | StoredType::U16) {
        let text = "the pixels of a segmentation are no unsigned numbers of 1, 8 or 16 bits";
        return Err(Fault::rejected("SEGMENTATION_PIXELS", text).into());
    }
    let mut findings = Vec::new();
    let placed = place(instance, image, &header, on, &mut findings)?;
    let mut reading = Reading {
        instance,
        frames,
        header: &header,
        placed: &placed,
        cancel,
        layers: vec![Voxels::new(placed.grid.size)],
        fractions: header
            .fraction
            .filter(|_| wanted.fractions)
            .map(|(kind, maximum)| Fractions {
                kind,
                maximum: u8::try_from(maximum).unwrap_or(u8::MAX),
                maps: BTreeMap::new(),
            }),
    };
    let layers_of = match header.form {
        Form::LabelMap => {
            reading.label_map()?;
            BTreeMap::new()
        }
        Form::Binary | Form::Fractional => reading.segments()?,
    };
    let (layers, fractions) = (reading.layers, reading.fractions);
    let mut seg = Segmentation::new(SegmentationId(header.instance_uid.clone()), placed.grid);
    seg.title.clone_from(&header.title);
    let picture = on.and_then(SeriesLayout::first_instance);
    seg.study_uid
        .clone_from(&picture.map_or(&instance.study, |p| &p.study).uid);
    seg.series_uid = match (picture, header.series.len()) {
        (Some(picture), _) => picture.series.uid.clone(),
        (None, 1) => header.series.first().cloned().unwrap_or_default(),
        (None, _) => String::new(),
    };
    seg.frame_of_reference_uid
        .clone_from(&instance.series.frame_of_reference_uid);
    for (number, voxels) in layers.into_iter().enumerate() {
        seg.set_layer(number, voxels);
    }
    for (number, mut segment) in header.segments.clone() {
        segment.layer = layers_of.get(&number).copied().unwrap_or(0);
        seg.put_segment(segment);
    }
    Ok(SegmentationRead {
        segmentation: seg,
        form: header.form,
        fractions,
        instance_uid: header.instance_uid.clone(),
        maker: header.maker.clone(),
        findings,
    })
}

fn too_large() -> FrameError {
    let text = "the voxels of the segmentation take more memory than is given to them";
    Fault::new(RejectionKind::Limit, "SEGMENTATION_TOO_LARGE", text).into()
}

struct Reading<'a> {
    instance: &'a Instance,
    frames: &'a dyn FrameSource,
    header: &'a SegmentHeader,
    placed: &'a Placed,
    cancel: &'a CancelToken,
    layers: Vec<Voxels>,
    fractions: Option<Fractions>,
}

/// Rows of the grid that a run covers: one, or one voxel each where rows of the frame run across.
fn rows_of(run: Run, spot: &Spot) -> impl Iterator<Item = ([usize; 2], Range<usize>)> {
    let (from, to, row) = (i64::from(run.from), i64::from(run.to), i64::from(run.row));
    let along = spot.along_row[0].abs() == 1;
    let spot = *spot;
    let pieces = if along { 1 } else { to - from };
    (0..pieces).map(move |piece| {
        let first = spot.voxel(from + piece, row);
        let last = match along {
            true => spot.voxel(to - 1, row),
            false => first,
        };
        // Placing has made sure that nothing lies outside.
        let index = |v: i64| usize::try_from(v).unwrap_or(usize::MAX);
        let columns = index(first[0].min(last[0]))..index(first[0].max(last[0])).saturating_add(1);
        ([index(first[1]), index(first[2])], columns)
    })
}

/// Gives the rows that runs cover away, so many at once, as long as it is wanted; whether it was to the end.
fn in_lots(all: &[(Spot, Vec<Run>)], mut take: impl FnMut(&[RowRun]) -> bool) -> bool {
    let index = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut lot = Vec::new();
    for (spot, runs) in all {
        for (row, columns) in runs.iter().flat_map(|run| rows_of(*run, spot)) {
            lot.push(RowRun {
                row: index(row[0]),
                slice: index(row[1]),
                from: index(columns.start),
                to: index(columns.end),
            });
            if lot.len() >= LOT {
                if !take(&lot) {
                    return false;
                }
                lot.clear();
            }
        }
    }
    take(&lot)
}

/// How many of the first values are one and the same.
fn same<N: Copy + PartialEq>(values: &[N]) -> usize {
    let Some(first) = values.first() else {
        return 0;
    };
    let (whole, _) = values.as_chunks::<16>();
    let equal = |lot: &&[N; 16]| lot.iter().fold(true, |same, value| same & (value == first));
    let far = whole.iter().take_while(equal).count() * 16;
    let rest = values.get(far..).unwrap_or_default();
    far + rest.iter().take_while(|value| *value == first).count()
}

/// Runs of set bits in the rows of a frame.
fn runs_of_bits(frame: &PackedBits) -> Vec<Run> {
    let mut runs = Vec::new();
    for row in 0..frame.rows {
        let start = frame.first + row * frame.columns;
        let end = start + frame.columns;
        let mut at = start;
        loop {
            let from = next_bit(&frame.bytes, at, end, true);
            if from >= end {
                break;
            }
            at = next_bit(&frame.bytes, from, end, false);
            runs.push(Run {
                row: row as u32,
                from: (from - start) as u32,
                to: (at - start) as u32,
                number: 1,
            });
        }
    }
    runs
}

/// The first bit of a kind from one on; `end` where there is none before it. Beyond the bytes are zeros.
fn next_bit(bytes: &[u8], mut at: usize, end: usize, set: bool) -> usize {
    while at < end {
        let rest = bytes.get(at / 8..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => rest
                .iter()
                .rev()
                .fold(0, |word, b| word << 8 | u64::from(*b)),
        };
        let word = if set { word } else { !word };
        let skip = at % 8;
        let found = (word >> skip).trailing_zeros() as usize;
        if found < 64 - skip {
            return (at + found).min(end);
        }
        at += 64 - skip;
    }
    end
}

impl Reading<'_> {
    /// The runs of some frames, each with its frame.
    fn runs(&self, indices: &[usize]) -> Result<Vec<(usize, Vec<Run>, Vec<u8>)>, FrameError> {
        if self.cancel.is_cancelled() {
            return Err(Fault::rejected("CANCELLED", "cancelled").into());
        }
        let bits = self.header.form == Form::Binary && self.fractions.is_none();
        let read = indices.par_iter().map(|index| {
            if bits && let Some(packed) = self.frames.read_frame_bits(self.instance, *index)? {
                return Ok((*index, runs_of_bits(&packed), Vec::new()));
            }
            let frame = self.frames.read_frame(self.instance, *index)?;
            let bytes = frame.pixels.as_slice();
            let runs = match frame.stored_type {
                StoredType::U16 => {
                    let (pairs, _) = bytes.as_chunks::<2>();
                    let numbers: Vec<u16> = pairs.iter().map(|p| u16::from_le_bytes(*p)).collect();
                    self.runs_of(&numbers, frame.columns)
                }
                _ => self.runs_of(bytes, frame.columns),
            };
            let kept = match self.fractions {
                Some(_) => bytes.to_vec(),
                None => Vec::new(),
            };
            Ok((*index, runs, kept))
        });
        read.collect()
    }

    /// Runs of pixels that belong to something.
    fn runs_of<N: Copy + PartialEq + Into<u16>>(&self, pixels: &[N], columns: usize) -> Vec<Run> {
        let least = match self.header.fraction {
            // Half of the greatest value, and never nothing.
            Some((_, maximum)) => maximum.div_ceil(2).max(1),
            None => 1,
        };
        let labels = self.header.form == Form::LabelMap;
        let number = |value: N| {
            let value: u16 = value.into();
            match labels {
                true if value == self.header.background => 0,
                true => value,
                false => u16::from(value >= least),
            }
        };
        let mut runs: Vec<Run> = Vec::new();
        for (row, line) in pixels.chunks_exact(columns.max(1)).enumerate() {
            let mut left = line;
            while let Some(value) = left.first() {
                let from = (line.len() - left.len()) as u32;
                let length = same(left);
                left = left.get(length..).unwrap_or_default();
                let at = from + length as u32;
                let number = number(*value);
                if number == 0 {
                    continue;
                }
                match runs.last_mut() {
                    Some(last)
                        if last.row == row as u32 && last.to == from && last.number == number =>
                    {
                        last.to = at;
                    }
                    _ => runs.push(Run {
                        row: row as u32,
                        from,
                        to: at,
                        number,
                    }),
                }
            }
        }
        runs
    }

    fn bounded(&self) -> Result<(), FrameError> {
        let held: usize = self.layers.iter().map(Voxels::held_bytes).sum();
        let maps: usize = self
            .fractions
            .iter()
            .flat_map(|f| f.maps.values())
            .map(Vec::len)
            .sum();
        match held + maps > MOST_BYTES {
            true => Err(too_large()),
            false => Ok(()),
        }
    }

    /// All frames of a label map, into one layer.
    fn label_map(&mut self) -> Result<(), FrameError> {
        let indices: Vec<usize> = (0..self.header.frames.len()).collect();
        for batch in indices.chunks(BATCH) {
            let read = self.runs(batch)?;
            let Some(layer) = self.layers.first_mut() else {
                continue;
            };
            for (index, runs, _) in read {
                let Some(spot) = self.placed.spots.get(index) else {
                    continue;
                };
                for run in runs {
                    let Some(segment) = self.header.segments.get(&run.number) else {
                        let text = format!(
                            "voxels have the number {}, and no segment with it is described",
                            run.number
                        );
                        return Err(Fault::rejected("SEGMENT_UNDESCRIBED", text).into());
                    };
                    for (row, columns) in rows_of(run, spot) {
                        layer.fill_row(row, columns, segment.number);
                    }
                }
            }
            self.bounded()?;
        }
        Ok(())
    }

    /// Segment after segment, each into the first layer where nothing is in its way; gives the layers by the numbers of
    /// the file.
    fn segments(&mut self) -> Result<BTreeMap<u16, usize>, FrameError> {
        let mut frames: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (index, frame) in self.header.frames.iter().enumerate() {
            if let Some(segment) = frame.segment {
                frames.entry(segment).or_default().push(index);
            }
        }
        let mut layers_of = BTreeMap::new();
        for (number, indices) in frames {
            let Some(segment) = self.header.segments.get(&number) else {
                continue;
            };
            self.room_for_values()?;
            let mut all: Vec<(Spot, Vec<Run>)> = Vec::new();
            let mut count = 0;
            for batch in indices.chunks(BATCH) {
                for (index, runs, values) in self.runs(batch)? {
                    let Some(spot) = self.placed.spots.get(index) else {
                        continue;
                    };
                    self.keep_values(segment.number, spot, &values);
                    count += runs.len();
                    all.push((*spot, runs));
                }
                if count > MOST_RUNS {
                    let text = format!("segment {number} has more runs of voxels than are read");
                    let fault = Fault::new(RejectionKind::Limit, "SEGMENTATION_TOO_LARGE", text);
                    return Err(fault.into());
                }
            }
            let clear = |layer: &Voxels| in_lots(&all, |rows| layer.rows_are_clear(rows));
            let place = self
                .layers
                .iter()
                .position(clear)
                .unwrap_or(self.layers.len());
            if place == self.layers.len() {
                self.layers.push(Voxels::new(self.placed.grid.size));
            }
            if let Some(layer) = self.layers.get_mut(place) {
                in_lots(&all, |rows| {
                    layer.fill_rows(rows, segment.number);
                    true
                });
            }
            layers_of.insert(number, place);
            self.bounded()?;
        }
        Ok(layers_of)
    }

    /// Whether the values of one more segment fit, where they are kept.
    fn room_for_values(&self) -> Result<(), FrameError> {
        let Some(fractions) = &self.fractions else {
            return Ok(());
        };
        let voxels = self.placed.grid.size.iter().product::<usize>();
        match voxels.saturating_mul(fractions.maps.len() + 1) <= MOST_BYTES {
            true => Ok(()),
            false => Err(too_large()),
        }
    }

    /// Keeps what a frame says between "not" and "wholly".
    fn keep_values(&mut self, number: u16, spot: &Spot, values: &[u8]) {
        let Some(fractions) = &mut self.fractions else {
            return;
        };
        let [columns, rows, slices] = self.placed.grid.size;
        let map = fractions
            .maps
            .entry(number)
            .or_insert_with(|| vec![0; columns * rows * slices]);
        let width = self.instance.image.as_ref().map_or(1, |i| i.columns.max(1));
        for (row, line) in values.chunks_exact(width).enumerate() {
            for (column, value) in line.iter().enumerate().filter(|(_, v)| **v != 0) {
                let at = spot.voxel(column as i64, row as i64);
                let [x, y, z] = at.map(|v| usize::try_from(v).unwrap_or(usize::MAX));
                let index = z
                    .checked_mul(rows)
                    .and_then(|n| n.checked_add(y)?.checked_mul(columns)?.checked_add(x));
                if let Some(slot) = index.and_then(|index| map.get_mut(index)) {
                    *slot = *value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_bits_are_those_of_single_pixels() {
        let mut state = 9_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for (columns, rows, first) in [
            (8_usize, 4, 0_usize),
            (37, 29, 5),
            (200, 3, 7),
            (64, 64, 0),
            (1, 9, 3),
        ] {
            for thin in [2, 9, 90] {
                let count = first + columns * rows;
                let mut bytes = vec![0_u8; count.div_ceil(8)];
                let mut kind = 0;
                for bit in 0..count {
                    if next() % thin == 0 {
                        kind = next() % 2;
                    }
                    bytes[bit / 8] |= (kind as u8) << (bit % 8);
                }
                let frame = PackedBits {
                    bytes,
                    first,
                    columns,
                    rows,
                };
                let mut pixels = vec![0; columns * rows];
                for run in runs_of_bits(&frame) {
                    assert!(run.from < run.to && run.to as usize <= columns);
                    let start = run.row as usize * columns;
                    pixels[start + run.from as usize..start + run.to as usize].fill(1);
                }
                for (pixel, value) in pixels.iter().enumerate() {
                    let bit = first + pixel;
                    assert_eq!(frame.bytes[bit / 8] >> (bit % 8) & 1, *value);
                }
            }
        }
    }

    #[test]
    fn equal_values_are_counted() {
        for length in 0..80 {
            for other in 0..=length {
                let mut values = vec![7_u8; length];
                if let Some(value) = values.get_mut(other) {
                    *value = 8;
                }
                let expected = if other == 0 { length.min(1) } else { other };
                assert_eq!(same(&values), expected, "{length} {other}");
            }
        }
    }
}
