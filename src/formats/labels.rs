//! Segmentations as label volumes and back: one number a voxel.

use super::FormatError;
use crate::model::{
    geometry::GridGeometry,
    labels::Label,
    lut::{ModalityLut, ModalityUnit},
    pixels::{Frame, PixelBytes, StoredType},
    segmentation::{
        Painter, Segment, SegmentState, Segmentation, SegmentationId, Voxels, exchange::NotWritten,
    },
    volume::Volume,
};
use glam::{DAffine3, DVec3};
use std::{collections::BTreeMap, ops::Range};

/// How far a voxel may lie beside a voxel of another grid and be that one, in voxels.
const TOLERANCE: f64 = 0.05;

/// The segments of a volume of whole numbers from 0 to 65,535, in one layer; each number but 0 is one. Where the only
/// number is 255 the volume is a mask, and its segment is number 1.
///
/// # Errors
/// `SAMPLES`, `NOT_LABELS`.
pub fn from_volume(volume: &Volume, id: SegmentationId) -> Result<Segmentation, FormatError> {
    let not_labels = || {
        let text = "the values are no labels: whole numbers from 0 to 65535";
        FormatError::rejected("NOT_LABELS", text)
    };
    let (slope, intercept) = match &volume.modality_lut {
        ModalityLut::Rescale { slope, intercept } => (*slope, *intercept),
        ModalityLut::Table(_) => return Err(not_labels()),
    };
    let [columns, rows, slices] = volume.grid.size;
    let fits = volume.frames.len() == slices
        && volume
            .frames
            .iter()
            .all(|f| (f.columns, f.rows) == (columns, rows));
    if !fits || volume.frames.iter().any(|f| f.samples != 1) {
        let text = "a volume of labels has one value a voxel and slices of one size";
        return Err(FormatError::rejected("SAMPLES", text));
    }
    let mut layer = Voxels::new(volume.grid.size);
    let mut painter = Painter::new(&mut layer);
    for (slice, frame) in volume.frames.iter().enumerate() {
        let numbers = numbers_of(frame, slope, intercept).ok_or_else(not_labels)?;
        for (row, line) in numbers.chunks_exact(columns.max(1)).enumerate() {
            let mut at = 0;
            for run in line.chunk_by(|a, b| a == b) {
                let from = at;
                at += run.len();
                if let Some(number) = run.first().copied().filter(|n| *n != 0) {
                    painter.map_row([row, slice], from..at, |_, _| number);
                }
            }
        }
    }
    drop(painter);
    let mut seg = Segmentation::new(id, volume.grid);
    let mut found: Vec<u16> = layer.counts().into_keys().collect();
    if found == [255] {
        let numbers = layer.to_dense().into_iter().map(|n| u16::from(n != 0));
        layer = Voxels::from_dense(volume.grid.size, numbers);
        found = vec![1];
    }
    seg.set_layer(0, layer);
    for number in found {
        seg.put_segment(Segment::new(number, format!("Segment {number}")));
    }
    Ok(seg)
}

/// The values of a frame as labels; `None` when one is none.
fn numbers_of(frame: &Frame, slope: f64, intercept: f64) -> Option<Vec<u16>> {
    let same = slope == 1.0 && intercept == 0.0;
    match frame.stored_type {
        StoredType::U8 if same => {
            let bytes = frame.pixels.as_slice().iter();
            Some(bytes.map(|b| u16::from(*b)).collect())
        }
        StoredType::U16 if same => {
            let (pairs, _) = frame.pixels.as_slice().as_chunks::<2>();
            Some(pairs.iter().map(|p| u16::from_le_bytes(*p)).collect())
        }
        _ => frame
            .values()
            .map(|value| {
                let value = value * slope + intercept;
                let whole = value.round();
                let near = (value - whole).abs() < 1e-6 && (0.0..=65_535.0).contains(&whole);
                near.then_some(whole as u16)
            })
            .collect(),
    }
}

/// A volume with the number of a segment at each of its voxels, of 8 bits where they suffice.
///
/// # Errors
/// [`NotWritten::Overlap`].
pub fn to_volume(seg: &Segmentation) -> Result<Volume, NotWritten> {
    let [columns, rows, slices] = seg.grid.size;
    let wide = seg.segments().any(|segment| segment.number > 255);
    let mut frames = Vec::with_capacity(slices);
    for slice in 0..slices {
        let mut part = crate::model::segmentation::VoxelBox {
            first: [0; 3],
            end: seg.grid.size,
        };
        (part.first[2], part.end[2]) = (slice, slice + 1);
        let mut all = vec![0_u16; columns * rows];
        for (number, layer) in seg.layers().iter().enumerate() {
            let own = |value: u16| seg.segment(value).is_some_and(|s| s.layer == number);
            for (to, from) in all.iter_mut().zip(layer.read(&part)) {
                if from == 0 || !own(from) {
                    continue;
                }
                if *to != 0 {
                    return Err(NotWritten::Overlap);
                }
                *to = from;
            }
        }
        let (kind, bytes) = match wide {
            true => (
                StoredType::U16,
                all.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ),
            false => (StoredType::U8, all.iter().map(|v| *v as u8).collect()),
        };
        let frame = Frame::new(rows, columns, 1, kind, PixelBytes::from_vec(bytes));
        frames.push(frame.ok_or(NotWritten::TooLarge)?);
    }
    Ok(Volume {
        grid: seg.grid,
        frames,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    })
}

/// A segmentation on another grid whose voxels are the same, whatever order rows, columns and slices have in either:
/// voxels are moved, none is made up. `None` where the grids do not fall together, or where it does not fit in.
pub fn onto(seg: &Segmentation, grid: &GridGeometry) -> Option<Segmentation> {
    if seg.grid == *grid {
        return Some(seg.clone());
    }
    let inverse = grid.voxel_from_patient()?;
    let map: DAffine3 = inverse * seg.grid.patient_from_voxel;
    let axes = [map.matrix3.x_axis, map.matrix3.y_axis, map.matrix3.z_axis];
    let mut steps = [[0_i64; 3]; 3];
    for ((step, axis), length) in steps.iter_mut().zip(axes).zip(seg.grid.size) {
        let whole = axis.round();
        // A single slice has no step that counts.
        let drift = (axis - whole).abs().max_element() * length.saturating_sub(1) as f64;
        let one = whole.abs().element_sum() == 1.0 || length == 1;
        if !one || drift > TOLERANCE {
            return None;
        }
        *step = whole.to_array().map(|v| v as i64);
    }
    let origin = map.transform_point3(DVec3::ZERO);
    let at = origin.round();
    if (origin - at).abs().max_element() > TOLERANCE {
        return None;
    }
    let at = at.to_array().map(|v| v as i64);
    let moved = |voxel: [usize; 3]| -> Option<[usize; 3]> {
        let mut there = at;
        for (step, n) in steps.iter().zip(voxel) {
            for (sum, one) in there.iter_mut().zip(step) {
                *sum += one * n as i64;
            }
        }
        let inside = there
            .iter()
            .zip(grid.size)
            .all(|(v, n)| (0..n as i64).contains(v));
        inside.then(|| there.map(|v| v as usize))
    };
    // Nothing may fall beside the grid, painted or not.
    moved([0; 3])?;
    moved(seg.grid.size.map(|n| n.saturating_sub(1)))?;
    let mut out = seg.clone();
    out.grid = *grid;
    let along = steps[0][0].abs() == 1;
    for (number, layer) in seg.layers().iter().enumerate() {
        let mut voxels = Voxels::new(grid.size);
        let mut painter = Painter::new(&mut voxels);
        for part in layer.occupied() {
            let numbers = layer.read(&part);
            let width = part.size()[0].max(1);
            for (line, row) in numbers.chunks_exact(width).enumerate() {
                let height = part.size()[1].max(1);
                let (y, z) = (part.first[1] + line % height, part.first[2] + line / height);
                let mut x = part.first[0];
                for run in row.chunk_by(|a, b| a == b) {
                    let columns = x..x + run.len();
                    x = columns.end;
                    if let Some(value) = run.first().copied().filter(|v| *v != 0) {
                        paint(&mut painter, columns, [y, z], along, &moved, value);
                    }
                }
            }
        }
        drop(painter);
        out.set_layer(number, voxels);
    }
    Some(out)
}

fn paint(
    painter: &mut Painter<'_>,
    columns: Range<usize>,
    [y, z]: [usize; 2],
    along: bool,
    moved: &impl Fn([usize; 3]) -> Option<[usize; 3]>,
    value: u16,
) {
    if along {
        let ends = moved([columns.start, y, z]).zip(moved([columns.end.saturating_sub(1), y, z]));
        if let Some((a, b)) = ends {
            painter.map_row([a[1], a[2]], a[0].min(b[0])..a[0].max(b[0]) + 1, |_, _| {
                value
            });
        }
        return;
    }
    for there in columns.filter_map(|x| moved([x, y, z])) {
        painter.set(there, value);
    }
}

/// One byte a voxel for drawing, and what the bytes mean: segments that are drawn, each in its colour, the later over the
/// earlier. `None` when there are more than 255.
pub fn drawn(seg: &Segmentation) -> Option<(Vec<u8>, Vec<Label>)> {
    let shown: Vec<&Segment> = seg.segments().filter(|s| s.is_drawn()).collect();
    let mut values = BTreeMap::new();
    let mut labels = Vec::with_capacity(shown.len());
    for (segment, value) in shown.iter().zip(1_usize..) {
        let value = u8::try_from(value).ok()?;
        values.insert(segment.number, value);
        labels.push(Label {
            color: segment.color,
            // What nobody has looked at is told from what somebody stands behind.
            dashed: segment.state == SegmentState::Proposed,
            ..Label::new(value, segment.label.clone())
        });
    }
    let [columns, rows, slices] = seg.grid.size;
    let mut bytes = vec![0_u8; columns * rows * slices];
    for (number, layer) in seg.layers().iter().enumerate() {
        for part in layer.occupied() {
            let numbers = layer.read(&part);
            let size = part.size();
            for (line, row) in numbers.chunks_exact(size[0].max(1)).enumerate() {
                let (y, z) = (
                    part.first[1] + line % size[1].max(1),
                    part.first[2] + line / size[1].max(1),
                );
                let start = (z * rows + y) * columns + part.first[0];
                let to = bytes.get_mut(start..start + row.len()).unwrap_or_default();
                for (byte, n) in to.iter_mut().zip(row).filter(|(_, n)| **n != 0) {
                    let own = seg.segment(*n).is_some_and(|s| s.layer == number);
                    if let Some(value) = values.get(n).filter(|_| own) {
                        *byte = *value;
                    }
                }
            }
        }
    }
    Some((bytes, labels))
}

/// How many voxels each segment has.
pub fn counts(seg: &Segmentation) -> BTreeMap<u16, u64> {
    let mut counts = BTreeMap::new();
    for (number, layer) in seg.layers().iter().enumerate() {
        for (value, count) in layer.counts() {
            if seg.segment(value).is_some_and(|s| s.layer == number) {
                counts.insert(value, count);
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DMat3;

    fn grid(size: [usize; 3], matrix3: DMat3, translation: DVec3) -> GridGeometry {
        GridGeometry {
            size,
            patient_from_voxel: DAffine3 {
                matrix3,
                translation,
            },
        }
    }

    fn scattered(grid: GridGeometry) -> Segmentation {
        let mut seg = Segmentation::new(SegmentationId("2.25.5".into()), grid);
        seg.put_segment(Segment::new(3, "a"));
        let mut over = Segment::new(400, "b");
        over.layer = 1;
        seg.put_segment(over);
        for (layer, number) in [(0, 3), (1, 400)] {
            let mut painter = Painter::new(seg.layer_mut(layer).unwrap());
            for n in 0..40_usize {
                painter.set([n * 7 % 19, n * 5 % 6, n % 4], number);
            }
        }
        seg
    }

    #[test]
    fn masks_move_to_flipped_grids_and_back() {
        let own = grid([19, 6, 4], DMat3::IDENTITY, DVec3::new(5.0, 6.0, 7.0));
        let seg = scattered(own);
        // Columns become slices, rows run backwards, with a margin of two.
        let matrix = DMat3::from_cols(DVec3::Z, -DVec3::Y, DVec3::X);
        let other = grid([8, 9, 23], matrix, DVec3::new(3.0, 12.0, 5.0));
        let there = onto(&seg, &other).unwrap();
        assert_eq!(counts(&there), counts(&seg));
        let map = other.voxel_from_patient().unwrap() * own.patient_from_voxel;
        for x in 0..19 {
            for y in 0..6 {
                for z in 0..4 {
                    let at = map.transform_point3(DVec3::new(x as f64, y as f64, z as f64));
                    let at = at.round().to_array().map(|v| v as usize);
                    for number in [3, 400] {
                        assert_eq!(seg.contains(number, [x, y, z]), there.contains(number, at));
                    }
                }
            }
        }
        // Back it would have to lose the margin.
        assert_eq!(onto(&there, &own), None);
        let half = grid([19, 6, 4], DMat3::IDENTITY, DVec3::new(5.5, 6.0, 7.0));
        assert_eq!(onto(&seg, &half), None);
    }

    #[test]
    fn labels_become_volumes_and_come_back() {
        let own = grid([19, 6, 4], DMat3::IDENTITY, DVec3::ZERO);
        let mut seg = scattered(own);
        assert_eq!(to_volume(&seg).unwrap_err(), NotWritten::Overlap);
        seg.set_layer(1, Voxels::new(own.size));
        let volume = to_volume(&seg).unwrap();
        let back = from_volume(&volume, SegmentationId("2.25.6".into())).unwrap();
        assert_eq!(back.layers()[0], seg.layers()[0]);
        assert_eq!(back.len(), 1);
    }

    #[test]
    fn values_that_are_no_labels_are_refused() {
        let bytes: Vec<u8> = [0.0_f32, 1.5]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let frame = Frame::new(1, 2, 1, StoredType::F32, PixelBytes::from_vec(bytes)).unwrap();
        let volume = Volume {
            grid: grid([2, 1, 1], DMat3::IDENTITY, DVec3::ZERO),
            frames: vec![frame],
            modality_lut: ModalityLut::IDENTITY,
            unit: ModalityUnit::Unspecified,
            padding: None,
        };
        let refused = from_volume(&volume, SegmentationId("2.25.6".into()));
        assert_eq!(refused.unwrap_err().code(), "NOT_LABELS");
    }
}
