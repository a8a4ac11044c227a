//! From a volume to what a network sees of it: its grid, its values, window by window.
//!
//! The network's grid follows the axes of the volume (turned over and exchanged when the network wants it so), and
//! covers the same space, outer edges on outer edges: along each axis it has as many voxels as the wanted distance
//! makes of the length, rounded. Values are linear between the centres of voxels and continue beyond the outermost
//! ones. Normalisation comes before that, voxel by voxel, so that it needs no second volume in memory.

use crate::{
    ai::AiError,
    imaging::{statistics::is_image, window::modality_value},
    model::{geometry::GridGeometry, volume::Volume},
};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What a network wants of a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// Distance of voxels along slices, rows and columns of the network, millimetres; without it that of the volume.
    #[serde(default)]
    pub spacing_mm: Option<[f64; 3]>,
    /// Whether the axes follow the patient.
    #[serde(default)]
    pub axes: Axes,
    /// What becomes of modality values.
    #[serde(default)]
    pub intensity: Intensity,
}

/// How the axes of a network lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axes {
    /// As those of the volume, whichever way they run.
    #[default]
    Stored,
    /// Columns mostly to the left, rows mostly to the back, slices mostly to the head: turned over and exchanged, never
    /// interpolated for that.
    Lps,
    /// Columns mostly to the right, rows mostly to the front, slices mostly to the head.
    Ras,
    /// Slices mostly to the left, rows mostly to the feet, columns mostly to the front: a head as FreeSurfer conforms it,
    /// whose first axis is the outermost for a network that was trained on such arrays.
    Lia,
    /// For slices, rows and columns of the network: which of slices (0), rows (1) and columns (2) of the volume they are.
    Exchanged([usize; 3]),
}

/// What becomes of modality values before a network sees them. Padding counts as the lowest value of the volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Intensity {
    /// Nothing.
    Unchanged,
    /// Mean 0 and standard deviation 1 over the whole volume.
    #[default]
    Standardised,
    /// The same over what is not zero; zero stays zero.
    StandardisedInside,
    /// Cut at two values, then a fixed mean is subtracted and a fixed deviation divided by.
    Fixed {
        /// Lowest value.
        low: f64,
        /// Highest value.
        high: f64,
        /// Mean.
        mean: f64,
        /// Deviation, above zero.
        deviation: f64,
    },
    /// Two values become 0 and 1; beyond them it is cut.
    Range {
        /// Becomes 0.
        low: f64,
        /// Becomes 1; above `low`.
        high: f64,
    },
    /// Two quantiles of the volume become 0 and 1; beyond them it is cut.
    Quantiles {
        /// Share of the voxels below 0, from 0 to 1.
        low: f64,
        /// Share of the voxels below 1, above `low`.
        high: f64,
    },
}

impl Preparation {
    /// A distance of voxels that leaves an axis as it is.
    pub const AS_IT_IS: f64 = 0.0;

    /// Refuses what makes no sense.
    pub fn check(&self) -> Result<(), AiError> {
        let refuse = |what: &str| Err(AiError::Card(what.into()));
        let spacing = |mm: &f64| *mm == Self::AS_IT_IS || (0.01..=100.0).contains(mm);
        if let Axes::Exchanged(mut order) = self.axes {
            order.sort_unstable();
            if order != [0, 1, 2] {
                return refuse("exchanged axes are 0, 1 and 2, each once");
            }
        }
        if !self.spacing_mm.is_none_or(|mm| mm.iter().all(spacing)) {
            return refuse("the distances of voxels must be 0.01 to 100 mm");
        }
        let sound = match self.intensity {
            Intensity::Unchanged | Intensity::Standardised | Intensity::StandardisedInside => true,
            Intensity::Fixed {
                low,
                high,
                mean,
                deviation,
            } => low < high && mean.is_finite() && deviation.is_finite() && deviation > 0.0,
            Intensity::Range { low, high } => low < high && low.is_finite() && high.is_finite(),
            Intensity::Quantiles { low, high } => {
                (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && low < high
            }
        };
        match sound {
            true => Ok(()),
            false => refuse("the intensities make no sense"),
        }
    }
}

/// Most voxels along an axis of a network's grid, and in all.
const MOST_SIDE: usize = 4096;
const MOST_VOXELS: u64 = 1 << 32;

/// The grid of a network over a volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkGrid {
    /// Slices, rows, columns.
    pub size: [usize; 3],
    /// Voxel of the volume (column, row, slice) from that of the network (column, row, slice).
    pub volume_from_network: DAffine3,
}

impl NetworkGrid {
    /// The grid that a network wants over a volume.
    pub fn of(volume: &GridGeometry, preparation: &Preparation) -> Result<Self, AiError> {
        let axes = turned_axes(volume, preparation.axes);
        let spacing = volume.spacing_mm();
        let wanted = preparation.spacing_mm;
        let (mut size, mut columns) = ([0; 3], [DVec3::ZERO; 3]);
        let mut first = DVec3::ZERO;
        // Of the network: 0 columns, 1 rows, 2 slices.
        for axis in 0..3 {
            let (of_volume, forward) = axes[axis];
            let there = volume.size[of_volume];
            let length = there as f64 * spacing[of_volume];
            // `wanted` counts slices first.
            let count = match wanted {
                Some(wanted) if wanted[2 - axis] != Preparation::AS_IT_IS => {
                    (length / wanted[2 - axis]).round().max(1.0)
                }
                _ => there as f64,
            };
            if count.is_nan() || count > MOST_SIDE as f64 {
                return Err(AiError::Compute(format!(
                    "the network's grid would have {count:.0} voxels along an axis; {MOST_SIDE} are the most"
                )));
            }
            size[2 - axis] = count as usize;
            let scale = there as f64 / count;
            let step = if forward { scale } else { -scale };
            columns[axis][of_volume] = step;
            // The centre of the first voxel lies half of its own width behind the edge.
            first[of_volume] = match forward {
                true => 0.5 * scale - 0.5,
                false => there as f64 - 0.5 - 0.5 * scale,
            };
        }
        let voxels: u64 = size.iter().map(|n| *n as u64).product();
        if voxels > MOST_VOXELS {
            return Err(AiError::Compute(format!(
                "the network's grid would have {voxels} voxels; {MOST_VOXELS} are the most"
            )));
        }
        Ok(Self {
            size,
            volume_from_network: DAffine3 {
                matrix3: DMat3::from_cols(columns[0], columns[1], columns[2]),
                translation: first,
            },
        })
    }

    /// Where the grid lies.
    pub fn geometry(&self, volume: &GridGeometry) -> GridGeometry {
        let [slices, rows, columns] = self.size;
        GridGeometry {
            size: [columns, rows, slices],
            patient_from_voxel: volume.patient_from_voxel * self.volume_from_network,
        }
    }
}

/// For columns, rows and slices of the network: which axis of the volume they follow, and whether forward.
fn turned_axes(volume: &GridGeometry, axes: Axes) -> [(usize, bool); 3] {
    let wanted = match axes {
        Axes::Stored => return [(0, true), (1, true), (2, true)],
        Axes::Lps => [DVec3::X, DVec3::Y, DVec3::Z],
        Axes::Ras => [DVec3::NEG_X, DVec3::NEG_Y, DVec3::Z],
        Axes::Lia => [DVec3::NEG_Y, DVec3::NEG_Z, DVec3::X],
        Axes::Exchanged([slices, rows, columns]) => {
            return [columns, rows, slices].map(|axis| (2 - axis.min(2), true));
        }
    };
    let m = volume.patient_from_voxel.matrix3;
    let directions = [m.x_axis, m.y_axis, m.z_axis].map(|d| d.normalize_or_zero());
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    // The exchange that fits best as a whole: picking axis by axis could take one twice.
    let fit = |order: &[usize; 3]| -> f64 {
        (0..3)
            .map(|axis| directions[order[axis]].dot(wanted[axis]).abs())
            .sum()
    };
    let mut best = orders[0];
    for order in orders {
        if fit(&order) > fit(&best) + 1e-9 {
            best = order;
        }
    }
    std::array::from_fn(|axis| (best[axis], directions[best[axis]].dot(wanted[axis]) >= 0.0))
}

/// A volume as a network sees it.
pub(super) struct NetworkInput<'a> {
    volume: &'a Volume,
    grid: NetworkGrid,
    /// What padding and what is no number count as.
    lowest: f64,
    low: f64,
    high: f64,
    shift: f64,
    scale: f64,
    /// Zero stays zero.
    zero_stays: bool,
}

impl<'a> NetworkInput<'a> {
    /// Looks at all values once.
    pub(super) fn new(
        volume: &'a Volume,
        preparation: &Preparation,
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, AiError> {
        preparation.check()?;
        let grid = NetworkGrid::of(&volume.grid, preparation)?;
        if volume.frames.iter().any(|frame| frame.samples != 1) {
            return Err(AiError::Compute("the volume has colours".into()));
        }
        let zero_stays = preparation.intensity == Intensity::StandardisedInside;
        let found = Summary::of(volume, zero_stays, go_on)?;
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        let (mut shift, mut scale) = (0.0, 1.0);
        match preparation.intensity {
            Intensity::Unchanged => {}
            Intensity::Standardised | Intensity::StandardisedInside => {
                shift = found.mean;
                scale = reciprocal(found.deviation);
            }
            Intensity::Fixed {
                low: least,
                high: most,
                mean,
                deviation,
            } => (low, high, shift, scale) = (least, most, mean, reciprocal(deviation)),
            Intensity::Range {
                low: least,
                high: most,
            } => (low, high, shift, scale) = (least, most, least, reciprocal(most - least)),
            Intensity::Quantiles {
                low: least,
                high: most,
            } => {
                let [least, most] = quantiles(volume, &found, [least, most]);
                (low, high, shift, scale) = (least, most, least, reciprocal(most - least));
            }
        }
        Ok(Self {
            volume,
            grid,
            lowest: found.low,
            low,
            high,
            shift,
            scale,
            zero_stays,
        })
    }

    /// The network's grid.
    pub(super) const fn grid(&self) -> &NetworkGrid {
        &self.grid
    }

    /// A normalised value of the volume.
    fn value(&self, column: usize, row: usize, slice: usize) -> f64 {
        let volume = self.volume;
        let image = volume.frames.get(slice).and_then(|frame| {
            let stored = frame.value(column, row, 0)?;
            is_image(stored, frame.stored_type, volume.padding)
                .then(|| modality_value(stored, &volume.modality_lut))
        });
        let value = image.filter(|v| v.is_finite()).unwrap_or(self.lowest);
        if self.zero_stays && value == 0.0 {
            return 0.0;
        }
        (value.clamp(self.low, self.high) - self.shift) * self.scale
    }

    /// The value at a voxel of the network.
    fn at(&self, slice: usize, row: usize, column: usize) -> f32 {
        let m = &self.grid.volume_from_network;
        let place = m.transform_point3(DVec3::new(column as f64, row as f64, slice as f64));
        let mut low = [0; 3];
        let mut rest = [0.0; 3];
        for axis in 0..3 {
            let last = (self.volume.grid.size[axis] - 1) as f64;
            let at = place[axis].clamp(0.0, last);
            // Rounding of the mapping must not blur a grid that is the volume's own.
            let whole = at.round();
            let at = if (at - whole).abs() < 1e-6 { whole } else { at };
            low[axis] = at.floor() as usize;
            rest[axis] = at - at.floor();
        }
        let mut sum = 0.0;
        for corner in 0..8usize {
            let mut weight = 1.0;
            let mut index = low;
            for axis in 0..3 {
                let upper = corner >> axis & 1 == 1;
                weight *= if upper { rest[axis] } else { 1.0 - rest[axis] };
                index[axis] += usize::from(upper);
            }
            if weight > 0.0 {
                sum += weight * self.value(index[0], index[1], index[2]);
            }
        }
        sum as f32
    }

    /// The values of a window that starts at a voxel of the network (before the grid where negative); zero beside the
    /// grid.
    pub(super) fn window(&self, start: [i64; 3], window: [usize; 3], parallel: bool) -> Vec<f32> {
        let [_, rows, columns] = window;
        let mut values = vec![0.0f32; window.iter().product()];
        let inside = |axis: usize, offset: usize| {
            let at = usize::try_from(start[axis] + offset as i64).ok()?;
            (at < self.grid.size[axis]).then_some(at)
        };
        let fill = |(line, values): (usize, &mut [f32])| {
            let (Some(slice), Some(row)) = (inside(0, line / rows), inside(1, line % rows)) else {
                return;
            };
            for (offset, value) in values.iter_mut().enumerate() {
                if let Some(column) = inside(2, offset) {
                    *value = self.at(slice, row, column);
                }
            }
        };
        match parallel {
            true => values.par_chunks_mut(columns).enumerate().for_each(fill),
            false => values.chunks_mut(columns).enumerate().for_each(fill),
        }
        values
    }
}

fn reciprocal(value: f64) -> f64 {
    if value > 1e-9 { value.recip() } else { 0.0 }
}

/// What is known of all image values of a volume.
struct Summary {
    low: f64,
    high: f64,
    mean: f64,
    deviation: f64,
}

impl Summary {
    /// Of all values, or of those that are not zero only.
    fn of(
        volume: &Volume,
        inside: bool,
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, AiError> {
        // Around the first value, so that the squares keep their digits.
        let first = image_values(volume).next().unwrap_or(0.0);
        let (mut count, mut sum, mut squares) = (0u64, 0.0, 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for slice in 0..volume.frames.len() {
            if !go_on() {
                return Err(AiError::Cancelled);
            }
            for value in slice_values(volume, slice) {
                if inside && value == 0.0 {
                    continue;
                }
                let away = value - first;
                count += 1;
                sum += away;
                squares += away * away;
                low = low.min(value);
                high = high.max(value);
            }
        }
        if count == 0 {
            return Err(AiError::Compute("the volume holds no values".into()));
        }
        let n = count as f64;
        Ok(Self {
            low,
            high,
            mean: first + sum / n,
            deviation: (squares / n - (sum / n).powi(2)).max(0.0).sqrt(),
        })
    }
}

fn slice_values(volume: &Volume, slice: usize) -> impl Iterator<Item = f64> + '_ {
    volume.frames.get(slice).into_iter().flat_map(|frame| {
        frame
            .values()
            .filter(|stored| is_image(*stored, frame.stored_type, volume.padding))
            .map(|stored| modality_value(stored, &volume.modality_lut))
            .filter(|value| value.is_finite())
    })
}

fn image_values(volume: &Volume) -> impl Iterator<Item = f64> + '_ {
    (0..volume.frames.len()).flat_map(|slice| slice_values(volume, slice))
}

/// Values below which given shares of the voxels lie, by two passes over 2¹⁶ bins: exact to a bin of the second.
fn quantiles(volume: &Volume, found: &Summary, shares: [f64; 2]) -> [f64; 2] {
    const BINS: usize = 1 << 16;
    shares.map(|share| {
        let (mut low, mut width) = (found.low, found.high - found.low);
        let mut before = 0u64;
        let total = image_values(volume).count() as f64;
        let rank = (share * (total - 1.0)).round().max(0.0) as u64;
        for _ in 0..2 {
            if width <= 0.0 {
                return low;
            }
            let mut bins = vec![0u64; BINS + 1];
            for value in image_values(volume) {
                let at = (value - low) / width * BINS as f64;
                if (0.0..=BINS as f64).contains(&at)
                    && let Some(bin) = bins.get_mut(at as usize)
                {
                    *bin += 1;
                }
            }
            let mut seen = before;
            let mut chosen = BINS;
            for (index, bin) in bins.iter().enumerate() {
                if seen + bin > rank {
                    chosen = index;
                    break;
                }
                seen += bin;
            }
            before = seen;
            low += chosen as f64 / BINS as f64 * width;
            width /= BINS as f64;
        }
        low
    })
}

/// Labels of a network's grid on another grid that covers the same space: for each of its voxels the label of the
/// nearest voxel, so that nothing is made up between labels. `labels` is columns fastest, as is the answer.
pub fn labels_on(
    labels: &[u8],
    from: &GridGeometry,
    to: &GridGeometry,
) -> Result<Vec<u8>, AiError> {
    let refuse = || AiError::Compute("the grids do not fit each other".into());
    let from_to = from.voxel_from_patient().ok_or_else(refuse)? * to.patient_from_voxel;
    let [columns, rows, slices] = to.size;
    if labels.len() != from.size.iter().product::<usize>() || columns == 0 {
        return Err(refuse());
    }
    let mut out = vec![0u8; columns * rows * slices];
    let [wide, high, deep] = from.size;
    let index = |place: f64, count: usize| {
        let whole = place.round();
        // A place in the outer half of the outermost voxel is its own, rounding included.
        (whole > -1.0 && whole < count as f64 + 0.5)
            .then(|| (whole.max(0.0) as usize).min(count - 1))
            .filter(|_| place > -0.5 - 1e-6 && place < count as f64 - 0.5 + 1e-6)
    };
    out.par_chunks_mut(columns)
        .enumerate()
        .for_each(|(line, voxels)| {
            let (row, slice) = ((line % rows) as f64, (line / rows) as f64);
            for (column, voxel) in voxels.iter_mut().enumerate() {
                let at = from_to.transform_point3(DVec3::new(column as f64, row, slice));
                if let (Some(x), Some(y), Some(z)) =
                    (index(at.x, wide), index(at.y, high), index(at.z, deep))
                {
                    *voxel = labels.get((z * high + y) * wide + x).copied().unwrap_or(0);
                }
            }
        });
    Ok(out)
}
