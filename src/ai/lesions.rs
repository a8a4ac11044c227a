//! Lesions in a CT: a U-Net looks at each slice with its neighbours, and what it marks is cut into lesions.
//!
//! The volume is brought to the spacing that the network was trained at. Only the part of each slice around air inside
//! the body is looked at: a nodule of the lung lies in or beside air.

use super::{
    AiError, BurnDevice,
    card::{CardVolume, ModelCard, SLICES},
    readback,
    registry::Model,
    unet::UNet,
};
use crate::{
    gpu::Cargo,
    imaging::{
        components::{Component, components},
        resample,
        window::modality_value,
    },
    model::volume::Volume,
    task::{CancelToken, Progress},
};
use burn::tensor::{Tensor, TensorData, activation::sigmoid};

/// Below this there is air, or lung.
const AIR_HU: f32 = -400.0;
/// What lies outside of the volume, or has no value.
const OUTSIDE_HU: f32 = -1000.0;
/// How far around the air is looked.
const MARGIN_MM: f64 = 14.0;
/// A spacing within this share of the trained one is taken as it is.
const SAME_SPACING: f64 = 0.03;

/// Hounsfield values of a CT, columns fastest, then rows, then slices.
#[derive(Clone, Debug, PartialEq)]
pub struct HounsfieldGrid {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Distance of columns, rows, slices.
    pub spacing_mm: [f64; 3],
    /// The values.
    pub values: Vec<f32>,
}

/// A lesion.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesion {
    /// Its voxels.
    pub part: Component,
    /// Their volume, cubic millimetres.
    pub volume_mm3: f64,
    /// Diameter of the ball of that volume.
    pub diameter_mm: f64,
    /// Mean probability inside.
    pub mean_probability: f64,
    /// Highest probability inside.
    pub peak_probability: f64,
}

/// What was found, on the grid of the volume that was asked about.
#[derive(Clone, Debug)]
pub struct Lesions {
    /// Probability of each voxel.
    pub probability: Vec<f32>,
    /// Number of the lesion of each voxel, from 1; 0 for none.
    pub labels: Vec<u32>,
    /// The lesions, largest first; [`Component::label`] is the number in the labels.
    pub list: Vec<Lesion>,
}

/// The part of a slice that is looked at: columns and rows, the upper ends excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) columns: [usize; 2],
    pub(crate) rows: [usize; 2],
}

/// A lesion model on a device.
#[derive(Debug)]
pub struct LesionFinder {
    card: ModelCard,
    volume: CardVolume,
    network: UNet,
    device: BurnDevice,
}

impl HounsfieldGrid {
    /// The values of a CT volume; voxels without a value count as air.
    ///
    /// # Errors
    /// A volume that is not in Hounsfield units, or has no spacing along its axes.
    pub fn of(volume: &Volume) -> Result<Self, AiError> {
        if volume.unit != crate::model::lut::ModalityUnit::Hounsfield {
            return Err(AiError::Data(
                "the volume is not in Hounsfield units".into(),
            ));
        }
        let matrix = volume.grid.patient_from_voxel.matrix3;
        let spacing_mm = [matrix.x_axis, matrix.y_axis, matrix.z_axis].map(glam::DVec3::length);
        let padded = |stored: f64| {
            volume
                .padding
                .is_some_and(|p| stored >= f64::from(p.low) && stored <= f64::from(p.high))
        };
        let values = volume
            .frames
            .iter()
            .flat_map(|frame| frame.values())
            .map(|stored| {
                let value = modality_value(stored, &volume.modality_lut) as f32;
                if value.is_finite() && !padded(stored) {
                    value
                } else {
                    OUTSIDE_HU
                }
            })
            .collect();
        Ok(Self {
            size: volume.grid.size,
            spacing_mm,
            values,
        })
    }

    fn plane(&self, slice: usize) -> &[f32] {
        let count = self.size[0] * self.size[1];
        self.values
            .get(slice * count..(slice + 1) * count)
            .unwrap_or_default()
    }

    /// The same volume at another number of voxels, outer edges on outer edges.
    fn resampled(&self, to: [usize; 3]) -> Result<Self, AiError> {
        let [columns, rows, slices] = self.size;
        let failed = |error: resample::ResampleError| AiError::Compute(error.to_string());
        let mut planes = Vec::with_capacity(to[0] * to[1] * slices);
        for slice in 0..slices {
            let plane = self.plane(slice);
            let finer = to[0] >= columns && to[1] >= rows;
            planes.extend(
                if finer {
                    resample::bilinear(plane, [rows, columns], [to[1], to[0]])
                } else {
                    resample::area(plane, [rows, columns], [to[1], to[0]])
                }
                .map_err(failed)?,
            );
        }
        let count = to[0] * to[1];
        let values = if to[2] >= slices {
            resample::bilinear(&planes, [slices, count], [to[2], count])
        } else {
            resample::area(&planes, [slices, count], [to[2], count])
        }
        .map_err(failed)?;
        let scale = |axis: usize| self.size[axis] as f64 / to[axis] as f64;
        Ok(Self {
            size: to,
            spacing_mm: [0, 1, 2].map(|axis| self.spacing_mm[axis] * scale(axis)),
            values,
        })
    }

    /// Where air inside the body lies in a slice, with a margin; sides are multiples of `multiple` where the slice
    /// allows it. `None` where there is hardly any.
    pub(crate) fn window(&self, slice: usize, multiple: usize) -> Option<Window> {
        let [columns, rows, _] = self.size;
        let plane = self.plane(slice);
        let air: Vec<bool> = plane.iter().map(|&v| v < AIR_HU).collect();
        let inner = not_from_border(&air, columns, rows);
        let (mut low, mut high, mut count) = ([usize::MAX; 2], [0usize; 2], 0usize);
        for (index, _) in inner.iter().enumerate().filter(|(_, inside)| **inside) {
            let at = [index % columns, index / columns];
            count += 1;
            for axis in 0..2 {
                low[axis] = low[axis].min(at[axis]);
                high[axis] = high[axis].max(at[axis]);
            }
        }
        let pixel = self.spacing_mm[0] * self.spacing_mm[1];
        if (count as f64) * pixel < 60.0 {
            return None;
        }
        let around = |axis: usize| {
            let whole = self.size[axis];
            let margin = (MARGIN_MM / self.spacing_mm[axis]).ceil() as usize;
            let begin = low[axis].saturating_sub(margin);
            let end = (high[axis] + 1 + margin).min(whole);
            let side = (end - begin).next_multiple_of(multiple);
            let begin = begin.min(whole.saturating_sub(side));
            [begin, begin + side]
        };
        Some(Window {
            columns: around(0),
            rows: around(1),
        })
    }

    /// The network's input for a window of a slice: `slices` planes, the middle one is the slice; beyond the ends of the
    /// volume its first and last slice are repeated, beyond the sides there is air.
    pub(crate) fn input(
        &self,
        slice: usize,
        window: Window,
        slices: usize,
        [low, high]: [f64; 2],
    ) -> Vec<f32> {
        let [columns, rows, depth] = self.size;
        let scale = 2.0 / (high - low);
        let unit = |hu: f32| ((f64::from(hu) - low) * scale - 1.0).clamp(-1.0, 1.0) as f32;
        let (width, height) = (
            window.columns[1] - window.columns[0],
            window.rows[1] - window.rows[0],
        );
        let mut out = Vec::with_capacity(slices * width * height);
        for plane in 0..slices {
            let at = (slice + plane)
                .saturating_sub(slices / 2)
                .min(depth.saturating_sub(1));
            let values = self.plane(at);
            for row in window.rows[0]..window.rows[1] {
                for column in window.columns[0]..window.columns[1] {
                    let inside = column < columns && row < rows;
                    let value = inside
                        .then(|| values.get(row * columns + column).copied())
                        .flatten();
                    out.push(unit(value.unwrap_or(OUTSIDE_HU)));
                }
            }
        }
        out
    }
}

/// The pixels of a mask that do not hang together with one on the border of the picture.
fn not_from_border(mask: &[bool], columns: usize, rows: usize) -> Vec<bool> {
    let mut inner = mask.to_vec();
    let mut open: Vec<usize> = (0..rows)
        .flat_map(|row| {
            let step = if row == 0 || row + 1 == rows {
                1
            } else {
                columns.saturating_sub(1).max(1)
            };
            (0..columns)
                .step_by(step)
                .map(move |column| row * columns + column)
        })
        .collect();
    while let Some(index) = open.pop() {
        match inner.get_mut(index) {
            Some(value) if *value => *value = false,
            _ => continue,
        }
        let (column, row) = (index % columns, index / columns);
        if column > 0 {
            open.push(index - 1);
        }
        if column + 1 < columns {
            open.push(index + 1);
        }
        if row > 0 {
            open.push(index - columns);
        }
        if row + 1 < rows {
            open.push(index + columns);
        }
    }
    inner
}

impl LesionFinder {
    /// Puts the weights of a checked model on a device.
    ///
    /// # Errors
    /// A model that does not look at volumes.
    pub fn new(model: &Model, device: &BurnDevice) -> Result<Self, AiError> {
        let Some(volume) = model.card.input.volume else {
            return Err(AiError::Card(format!(
                "`{}` does not look at volumes",
                model.card.id
            )));
        };
        debug_assert_eq!(model.card.input.preprocessing, SLICES);
        device.note_upload(Cargo::ModelState, model.weights.count());
        Ok(Self {
            network: UNet::new(&model.card.network, &model.weights, device.burn())?,
            card: model.card.clone(),
            volume,
            device: device.clone(),
        })
    }

    /// The model's card.
    pub const fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Looks through a volume; cancelled between slices.
    ///
    /// # Errors
    /// A stop on request, a volume that is empty or too large, a device that fails.
    pub fn find(
        &self,
        grid: &HounsfieldGrid,
        cancel: &CancelToken,
        progress: &Progress,
    ) -> Result<Lesions, AiError> {
        if grid.values.len() != grid.size.iter().product::<usize>() || grid.values.is_empty() {
            return Err(AiError::Data("the volume is empty".into()));
        }
        let trained = self.volume.spacing_mm;
        let close =
            (0..3).all(|axis| (grid.spacing_mm[axis] / trained[axis] - 1.0).abs() <= SAME_SPACING);
        let probability = if close {
            self.probability(grid, cancel, progress)?
        } else {
            let to = [0, 1, 2].map(|axis| {
                let extent = grid.size[axis] as f64 * grid.spacing_mm[axis];
                ((extent / trained[axis]).round() as usize).clamp(1, 4096)
            });
            let there = grid.resampled(to)?;
            let values = self.probability(&there, cancel, progress)?;
            HounsfieldGrid { values, ..there }
                .resampled(grid.size)?
                .values
        };
        Ok(cut(
            grid,
            probability,
            &self.volume,
            self.card.input.threshold,
        ))
    }

    /// Probability of each voxel of a volume at the trained spacing.
    fn probability(
        &self,
        grid: &HounsfieldGrid,
        cancel: &CancelToken,
        progress: &Progress,
    ) -> Result<Vec<f32>, AiError> {
        let [columns, rows, slices] = grid.size;
        let channels = self.card.network.input_channels;
        let device = self.device.burn();
        let go_on = || {
            // An error of the device comes out where the result is used.
            let _ = device.sync();
            !cancel.is_cancelled()
        };
        progress.set_total(slices as u64);
        let mut out = vec![0.0f32; grid.values.len()];
        for slice in 0..slices {
            if cancel.is_cancelled() {
                return Err(AiError::Cancelled);
            }
            progress.set(slice as u64);
            let Some(window) = grid.window(slice, self.card.network.multiple()) else {
                continue;
            };
            let input = grid.input(slice, window, channels, self.volume.window_hu);
            let (width, height) = (
                window.columns[1] - window.columns[0],
                window.rows[1] - window.rows[0],
            );
            let input = match self.card.input.mirrored {
                true => mirror_images(&input, [channels, height, width]),
                false => input,
            };
            self.device.note_upload(Cargo::ModelInput, input.len());
            let pictures = input.len() / (channels * height * width).max(1);
            let data = TensorData::new(input, [pictures, channels, height, width]);
            let logits = self
                .network
                .forward_while(Tensor::<4>::from_data(data, device), &go_on)?;
            let found = readback::numbers(sigmoid(averaged(logits)), &self.device)?;
            for (row, line) in (window.rows[0]..).zip(found.chunks_exact(width.max(1))) {
                let begin = (slice * rows + row) * columns + window.columns[0];
                let length = width.min(columns - window.columns[0]);
                if row < rows
                    && let (Some(to), Some(from)) =
                        (out.get_mut(begin..begin + length), line.get(..length))
                {
                    to.copy_from_slice(from);
                }
            }
        }
        progress.set(slices as u64);
        Ok(out)
    }
}

/// The ways in which a network may see slices turned over: left and right (1), front and back (2), head and feet (4).
const TURNS: usize = 8;

/// A picture of `[planes, rows, columns]`, and behind it the others of [`TURNS`].
fn mirror_images(input: &[f32], [planes, rows, columns]: [usize; 3]) -> Vec<f32> {
    let mut out = Vec::with_capacity(TURNS * input.len());
    for turn in 0..TURNS {
        for plane in 0..planes {
            let plane = if turn & 4 > 0 {
                planes - 1 - plane
            } else {
                plane
            };
            for row in 0..rows {
                let row = if turn & 2 > 0 { rows - 1 - row } else { row };
                let begin = (plane * rows + row) * columns;
                let line = input.get(begin..begin + columns).unwrap_or_default();
                match turn & 1 > 0 {
                    true => out.extend(line.iter().rev()),
                    false => out.extend_from_slice(line),
                }
            }
        }
    }
    out
}

/// The mean of the answers to one picture, or to it and its mirror images in the order of [`mirror_images`].
fn averaged(logits: Tensor<4>) -> Tensor<4> {
    let [pictures, ..] = logits.dims();
    if pictures != TURNS {
        return logits;
    }
    let of = |turn: usize| {
        let answer = logits.clone().narrow(0, turn, 1);
        match turn & 3 {
            0 => answer,
            1 => answer.flip([3]),
            2 => answer.flip([2]),
            _ => answer.flip([2, 3]),
        }
    };
    let sum = (1..TURNS).fold(of(0), |sum, turn| sum + of(turn));
    sum * (1.0 / TURNS as f64)
}

/// The lesions of a probability that are large and sure enough, largest first.
pub(crate) fn cut(
    grid: &HounsfieldGrid,
    probability: Vec<f32>,
    volume: &CardVolume,
    threshold: f32,
) -> Lesions {
    let mask: Vec<bool> = probability.iter().map(|&p| p >= threshold).collect();
    let (mut labels, parts) = components(&mask, grid.size);
    let voxel_mm3: f64 = grid.spacing_mm.iter().product();
    let mut sums = vec![(0.0f64, 0.0f64); parts.len() + 1];
    for (&label, &p) in labels.iter().zip(&probability) {
        if let Some((sum, peak)) = sums.get_mut(label as usize) {
            *sum += f64::from(p);
            *peak = peak.max(f64::from(p));
        }
    }
    let mut list: Vec<Lesion> = parts
        .into_iter()
        .filter(|part| part.voxels as f64 * voxel_mm3 >= volume.smallest_mm3)
        .map(|part| {
            let volume_mm3 = part.voxels as f64 * voxel_mm3;
            let (sum, peak) = sums.get(part.label as usize).copied().unwrap_or_default();
            Lesion {
                mean_probability: sum / part.voxels.max(1) as f64,
                peak_probability: peak,
                diameter_mm: (volume_mm3 * 6.0 / std::f64::consts::PI).cbrt(),
                volume_mm3,
                part,
            }
        })
        .collect();
    list.retain(|lesion| lesion.peak_probability >= volume.least_peak);
    list.sort_by_key(|lesion| std::cmp::Reverse(lesion.part.voxels));
    // Numbered anew, so that the largest is the first and none is left over.
    let mut number = vec![0u32; sums.len()];
    for (new, lesion) in (1u32..).zip(&mut list) {
        if let Some(slot) = number.get_mut(lesion.part.label as usize) {
            *slot = new;
        }
        lesion.part.label = new;
    }
    for label in &mut labels {
        *label = number.get(*label as usize).copied().unwrap_or(0);
    }
    Lesions {
        probability,
        labels,
        list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> HounsfieldGrid {
        // A body of 40 × 30 pixels with two holes of air in a picture of 64 × 48; the outside is air, too.
        let size = [64, 48, 3];
        let values = (0..64 * 48 * 3)
            .map(|index| {
                let (x, y) = (index % 64, index / 64 % 48);
                let body = (12..52).contains(&x) && (9..39).contains(&y);
                let hole = (18..24).contains(&x) || (40..46).contains(&x);
                match body && !(hole && (15..30).contains(&y)) {
                    true => 40.0,
                    false => -900.0,
                }
            })
            .collect();
        HounsfieldGrid {
            size,
            spacing_mm: [2.0, 2.0, 5.0],
            values,
        }
    }

    #[test]
    fn only_air_inside_the_body_is_looked_at() {
        let grid = grid();
        let window = grid.window(1, 8).unwrap();
        // 18 - 7 to 46 + 7 is 42 columns, and 48 is the next multiple; 15 - 7 to 30 + 7 is 29 rows, and 32.
        assert_eq!(
            window,
            Window {
                columns: [11, 59],
                rows: [8, 40]
            }
        );
        let solid = HounsfieldGrid {
            values: vec![40.0; grid.values.len()],
            ..grid
        };
        assert_eq!(solid.window(1, 8), None);
    }

    #[test]
    fn mirror_images_are_turned_back_and_averaged() {
        let values: Vec<f32> = (0..3 * 2 * 4).map(|i| (i * i % 17) as f32).collect();
        let all = mirror_images(&values, [3, 2, 4]);
        assert_eq!(all.len(), 8 * values.len());
        assert_eq!(all[..24], values[..]);
        assert_eq!(all[24..28], [values[3], values[2], values[1], values[0]]);
        assert_eq!(all[48..52], values[4..8]);
        assert_eq!(all[96..100], values[16..20]);
        // A network that answers with the middle plane answers each of them with that plane, turned.
        let device = burn::tensor::Device::flex();
        let middle: Vec<f32> = all.chunks(24).flat_map(|v| v[8..16].to_vec()).collect();
        let data = TensorData::new(middle, [8, 1, 2, 4]);
        let mean: Vec<f32> = averaged(Tensor::from_data(data, &device))
            .into_data()
            .iter::<f32>()
            .collect();
        assert_eq!(mean, values[8..16]);
    }

    #[test]
    fn neighbours_beyond_the_ends_are_the_last_slice_and_values_are_clipped() {
        let mut grid = grid();
        let plane = 64 * 48;
        for (index, value) in grid.values.iter_mut().enumerate() {
            *value = [-1000.0, -300.0, 900.0][index / plane];
        }
        let window = Window {
            columns: [60, 68],
            rows: [0, 8],
        };
        let input = grid.input(0, window, 3, [-1000.0, 400.0]);
        assert_eq!(input.len(), 3 * 64);
        assert_eq!((input[0], input[64], input[128]), (-1.0, -1.0, 0.0));
        // Beyond the right edge there is air.
        assert_eq!(input[128 + 4], -1.0);
        assert_eq!(grid.input(2, window, 3, [-1000.0, 400.0])[128], 1.0);
    }

    #[test]
    fn resampling_keeps_the_extent_and_the_mean() {
        let grid = grid();
        let finer = grid.resampled([128, 96, 6]).unwrap();
        assert_eq!(finer.spacing_mm, [1.0, 1.0, 2.5]);
        let back = finer.resampled(grid.size).unwrap();
        let mean = |g: &HounsfieldGrid| {
            g.values.iter().map(|&v| f64::from(v)).sum::<f64>() / g.values.len() as f64
        };
        assert!((mean(&back) - mean(&grid)).abs() < 1.0);
    }
}
