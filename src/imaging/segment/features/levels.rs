//! The grey levels of a segment, in the box around it.

use super::{
    super::{bits::Bits, image::Image},
    FeatureError, MOST_LEVELS,
};

/// How values become grey levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bins {
    /// Steps of this width; their borders are multiples of it.
    Width(f64),
    /// So many equal steps from the lowest to the highest value.
    Count(usize),
}

/// A segment in grey levels.
pub(super) struct Levels {
    /// Size of the box around it.
    pub size: [usize; 3],
    /// The level of each voxel of the box from 1, 0 beside the segment; columns fastest.
    pub levels: Vec<u16>,
    /// The highest level.
    pub highest: usize,
    /// Values of the segment's voxels, in their order.
    pub values: Vec<f64>,
}

impl Levels {
    /// Levels of the voxels of a segment that have a value.
    pub fn of(image: &dyn Image, segment: &Bits, bins: Bins) -> Result<Self, FeatureError> {
        let [low, high] = segment.bounds().ok_or(FeatureError::Empty)?;
        let size = [0, 1, 2].map(|axis| high[axis] + 1 - low[axis]);
        let mut row = vec![f64::NAN; image.size()[0]];
        let (mut values, mut places) = (Vec::new(), Vec::new());
        let mut held = None;
        for (y, z, run) in segment.runs() {
            if held != Some((y, z)) {
                image.row(y, z, &mut row);
                held = Some((y, z));
            }
            for x in run {
                let value = row.get(x).copied().unwrap_or(f64::NAN);
                if value.is_finite() {
                    values.push(value);
                    places.push(((z - low[2]) * size[1] + y - low[1]) * size[0] + x - low[0]);
                }
            }
        }
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if values.is_empty() {
            return Err(FeatureError::Empty);
        }
        let level: Box<dyn Fn(f64) -> f64> = match bins {
            Bins::Width(width) if width > 0.0 && width.is_finite() => {
                let first = (least / width).floor();
                Box::new(move |value: f64| (value / width).floor() - first)
            }
            Bins::Count(count) if count > 0 => {
                let step = (most - least) / count as f64;
                Box::new(move |value: f64| match step > 0.0 {
                    true => ((value - least) / step).floor().min(count as f64 - 1.0),
                    false => 0.0,
                })
            }
            _ => return Err(FeatureError::Settings),
        };
        let highest = level(most) + 1.0;
        if highest > MOST_LEVELS as f64 {
            return Err(FeatureError::TooManyLevels(highest.min(1e18) as u64));
        }
        let mut levels = vec![0u16; size.iter().product()];
        for (&value, place) in values.iter().zip(places) {
            if let Some(slot) = levels.get_mut(place) {
                *slot = level(value) as u16 + 1;
            }
        }
        Ok(Self {
            size,
            levels,
            highest: highest as usize,
            values,
        })
    }

    /// Level of a place of the box; 0 outside.
    pub fn at(&self, [x, y, z]: [usize; 3]) -> u16 {
        if x >= self.size[0] || y >= self.size[1] || z >= self.size[2] {
            return 0;
        }
        let index = (z * self.size[1] + y) * self.size[0] + x;
        self.levels.get(index).copied().unwrap_or(0)
    }

    /// Level of a neighbour; 0 outside of the box.
    pub fn beside(&self, at: [usize; 3], step: [isize; 3]) -> u16 {
        moved(at, step).map_or(0, |next| self.at(next))
    }

    /// Places and levels of the segment's voxels, in their order.
    pub fn voxels(&self) -> impl Iterator<Item = ([usize; 3], u16)> + '_ {
        let [columns, rows, _] = self.size;
        self.levels
            .iter()
            .enumerate()
            .filter(|(_, level)| **level > 0)
            .map(move |(index, level)| {
                let place = [
                    index % columns,
                    index / columns % rows,
                    index / (columns * rows),
                ];
                (place, *level)
            })
    }

    /// How many voxels the segment has.
    pub fn count(&self) -> f64 {
        self.values.len() as f64
    }
}

/// A place a step further, unless an index would be below 0.
pub(super) fn moved(at: [usize; 3], step: [isize; 3]) -> Option<[usize; 3]> {
    let x = at[0].checked_add_signed(step[0])?;
    let y = at[1].checked_add_signed(step[1])?;
    let z = at[2].checked_add_signed(step[2])?;
    Some([x, y, z])
}

/// Steps to all 26 neighbours.
pub(super) fn neighbours() -> impl Iterator<Item = [isize; 3]> {
    super::DIRECTIONS
        .into_iter()
        .flat_map(|step| [step, step.map(|s| -s)])
}
