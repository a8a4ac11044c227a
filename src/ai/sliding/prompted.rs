//! A network that is shown points beside the picture: one window of it, around what belongs.
//!
//! Must stay true: points that do not fit one window are refused, not left out; the answer lies on the grid of the volume, each
//! of its voxels with that of the nearest voxel of the network. Where the network runs on the device that draws, the answer stays
//! there: what is read back of it is how many voxels it has and their mean probability.

use super::{
    VolumeModel, blend,
    budget::{self, Free},
    input::NetworkInput,
};
use crate::{
    ai::{AiError, BurnDevice, device::Pace, guidance::Guidance, network::OutputKind, readback},
    gpu::{
        Cargo, GpuContext, GpuError, MaskVolume,
        answer_mask::{AnswerMask, AnswerPlace, answer_mask},
    },
    imaging::segment::Bits,
    model::volume::Volume,
    task::CancelToken,
};
use burn::tensor::{Tensor, TensorData};
use glam::{DAffine3, DVec3};

/// What a reader pointed at, in the patient (LPS, millimetres).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// What belongs.
    pub plus: Vec<DVec3>,
    /// What does not.
    pub minus: Vec<DVec3>,
}

/// The voxels that belong, where they are.
#[derive(Clone, Debug)]
pub enum Inside {
    /// In memory.
    Here(Bits),
    /// On the device that draws, one bit each.
    There(MaskVolume),
}

impl Inside {
    /// Columns, rows and slices.
    pub const fn size(&self) -> [usize; 3] {
        match self {
            Self::Here(bits) => bits.size(),
            Self::There(mask) => mask.size(),
        }
    }

    /// The voxels in memory. From a device they are read back, counted as [`Cargo::Mask`], which waits for it.
    ///
    /// # Errors
    /// [`GpuError::ReadBack`]; [`GpuError::Mismatch`] where they are on a device and none is given.
    pub fn bits(&self, gpu: Option<&GpuContext>) -> Result<Bits, GpuError> {
        match (self, gpu) {
            (Self::Here(bits), _) => Ok(bits.clone()),
            (Self::There(mask), Some(gpu)) => {
                let bytes = mask.read_back(gpu)?;
                let bits = Bits::where_is(&bytes, mask.size(), |byte| *byte != 0);
                bits.ok_or(GpuError::Mismatch("the mask has another size"))
            }
            (Self::There(_), None) => Err(GpuError::Mismatch("the voxels are on a device")),
        }
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Prompted {
    /// First voxel (column, row, slice) of the part of the volume that the network looked at.
    pub low: [usize; 3],
    /// The voxels of that part which belong.
    pub inside: Inside,
    /// How many they are.
    pub voxels: u64,
    /// Mean probability of them, as the network says it; 0 where there are none.
    pub confidence: f64,
    /// Slices, rows and columns of the window.
    pub window: [usize; 3],
    /// Its first voxel on the network's grid; below 0 where the window is larger than the grid.
    pub start: [i64; 3],
    /// Probabilities of its voxels, columns fastest; none where they stayed on the device.
    pub probability: Vec<f32>,
}

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Compute(what.into()))
}

/// Runs an interactive network on the window around the points that belong.
///
/// # Errors
/// A network that takes no points or answers with more than one class; no point that belongs inside of the volume; points farther
/// apart than a window; memory; what the network says; [`AiError::Cancelled`].
pub fn answer(
    model: &VolumeModel,
    volume: &Volume,
    points: &Points,
    device: &BurnDevice,
    cancel: &CancelToken,
) -> Result<Prompted, AiError> {
    if device.on_gpu() && device.context().is_none() {
        return Err(AiError::Device("nothing draws with it".into()));
    }
    let network = model.network.as_ref();
    let shape = network.shape();
    shape.check()?;
    let Some(guidance) = &model.guidance else {
        return refuse("it takes no points");
    };
    let one_class = matches!(
        (shape.output, shape.classes),
        (OutputKind::Sigmoid, 1) | (OutputKind::Softmax, 2)
    );
    if shape.input_channels != 1 + Guidance::CHANNELS || !one_class {
        return Err(AiError::Network(
            "a network by points takes one picture and two channels of points, and tells one class"
                .into(),
        ));
    }
    let pace = Pace::new(device, cancel);
    let input = NetworkInput::new(volume, &model.preparation, &|| !cancel.is_cancelled())?;
    let size = input.grid().size;
    let window = budget::choose(network, size, Free::of(device, None), device)?.window;
    let grid = input.grid().geometry(&volume.grid);
    let Some(from_patient) = grid.voxel_from_patient() else {
        return refuse("the volume spans no space");
    };
    let place = |point: &DVec3| {
        let at = from_patient.transform_point3(*point).round();
        let at = [at.z, at.y, at.x];
        let inside = (0..3).all(|axis| at[axis] >= 0.0 && at[axis] < size[axis] as f64);
        inside.then(|| at.map(|v| v as i64))
    };
    let plus: Vec<[i64; 3]> = points.plus.iter().filter_map(place).collect();
    let minus: Vec<[i64; 3]> = points.minus.iter().filter_map(place).collect();
    let Some(start) = start_of(&plus, size, window)? else {
        return refuse("no point that belongs lies in the volume");
    };
    let local = |list: &[[i64; 3]]| -> Vec<[usize; 3]> {
        let inside = |at: &[i64; 3]| {
            let mut local = [0; 3];
            for axis in 0..3 {
                local[axis] = usize::try_from(at[axis] - start[axis]).ok()?;
            }
            (0..3)
                .all(|axis| local[axis] < window[axis])
                .then_some(local)
        };
        list.iter().filter_map(inside).collect()
    };
    let mut values = input.window(start, window, !device.on_gpu());
    values.extend(guidance.channels(window, &local(&plus), &local(&minus)));
    device.note_upload(Cargo::ModelInput, values.len());
    let [slices, rows, columns] = window;
    let data = TensorData::new(values, [1, 1 + Guidance::CHANNELS, slices, rows, columns]);
    let tensor = Tensor::<5>::from_data(data, device.burn());
    let logits = network.forward(tensor, &|| pace.go_on());
    pace.check()?;
    let logits = logits?;
    let part = Part::of(volume, input.grid().volume_from_network, start, window)?;
    let line = match shape.output {
        OutputKind::Sigmoid => model.threshold,
        OutputKind::Softmax => 0.5,
    };
    let prompted = |inside, voxels, confidence, probability| Prompted {
        low: part.low,
        inside,
        voxels,
        confidence,
        window,
        start,
        probability,
    };
    if let Some(gpu) = device.context() {
        let AnswerMask { mask, voxels, mean } = part.on_device(gpu, logits, line)?;
        pace.go_on();
        pace.check()?;
        return Ok(prompted(Inside::There(mask), voxels, mean, Vec::new()));
    }
    let logits = readback::numbers(logits, device)?;
    let probability = probabilities(&logits, shape.output);
    pace.go_on();
    pace.check()?;
    let (inside, confidence) = part.in_memory(&probability, line);
    let voxels = inside.count();
    Ok(prompted(
        Inside::Here(inside),
        voxels,
        confidence,
        probability,
    ))
}

/// Where the window begins that has all points nearest to its middle; `None` without points.
fn start_of(
    plus: &[[i64; 3]],
    size: [usize; 3],
    window: [usize; 3],
) -> Result<Option<[i64; 3]>, AiError> {
    let Some(&first) = plus.first() else {
        return Ok(None);
    };
    let mut start = [0; 3];
    for (axis, start) in start.iter_mut().enumerate() {
        let places = || plus.iter().map(|at| at[axis]);
        let low = places().min().unwrap_or(first[axis]);
        let high = places().max().unwrap_or(first[axis]);
        let (size, window) = (size[axis] as i64, window[axis] as i64);
        if high - low >= window {
            return refuse(format!(
                "the points that belong lie {} voxels apart, and the network looks at {window}",
                high - low + 1
            ));
        }
        *start = match size >= window {
            true => ((low + high + 1) / 2 - window / 2).clamp(0, size - window),
            // A smaller volume lies in the middle.
            false => -((window - size) / 2),
        };
    }
    Ok(Some(start))
}

/// Probability that a logit says.
fn chance(logit: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32
}

/// The least logit whose probability reaches a line.
fn least(line: f32) -> f32 {
    // All finite numbers in their order, so that halving meets each of them.
    let key = |x: f32| match x.to_bits() {
        bits if bits >> 31 == 0 => bits | 1 << 31,
        bits => !bits,
    };
    let number = |key: u32| match key >> 31 {
        0 => f32::from_bits(!key),
        _ => f32::from_bits(key & !(1 << 31)),
    };
    let (mut low, mut high) = (key(f32::MIN), key(f32::MAX));
    while low < high {
        let middle = low + (high - low) / 2;
        match chance(number(middle)) >= line {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    number(high)
}

/// Probability of the one class at each voxel.
fn probabilities(logits: &[f32], output: OutputKind) -> Vec<f32> {
    match output {
        OutputKind::Sigmoid => logits.iter().map(|&x| chance(x)).collect(),
        OutputKind::Softmax => {
            let (not, yes) = logits.split_at(logits.len() / 2);
            let pairs = not.iter().zip(yes);
            pairs.map(|(not, yes)| chance(yes - not)).collect()
        }
    }
}

/// The part of a volume that a window covers, and which voxel of the window is nearest to each of its own.
#[derive(Debug)]
struct Part {
    /// First voxel.
    low: [usize; 3],
    /// For columns, rows and slices of the volume: the axis of the window (0 slices) that follows them, and for each the nearest
    /// voxel along it. Grids of networks follow the axes of the volume, so that one says nothing of another.
    nearest: [(usize, Vec<Option<usize>>); 3],
    /// Slices, rows and columns of the window.
    window: [usize; 3],
}

impl Part {
    fn of(
        volume: &Volume,
        volume_from_network: DAffine3,
        start: [i64; 3],
        window: [usize; 3],
    ) -> Result<Self, AiError> {
        let network_from_volume = volume_from_network.inverse();
        if !network_from_volume.is_finite() {
            return refuse("the network's grid spans no space");
        }
        let [slices, rows, columns] = window;
        let first = DVec3::new(start[2] as f64, start[1] as f64, start[0] as f64) - 0.5;
        let sides = DVec3::new(columns as f64, rows as f64, slices as f64);
        let ends = [first, first + sides].map(|p| volume_from_network.transform_point3(p));
        let (near, far) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let whole = volume.grid.size;
        let low: [usize; 3] =
            std::array::from_fn(|axis| (near[axis].ceil().max(0.0) as usize).min(whole[axis] - 1));
        let end: [usize; 3] = std::array::from_fn(|axis| {
            ((far[axis].floor() + 1.0).max(0.0) as usize).clamp(low[axis] + 1, whole[axis])
        });
        let nearest = std::array::from_fn(|axis| {
            let follows = network_from_volume.matrix3.col(axis).abs().max_position();
            let of_window = 2 - follows;
            let places = (low[axis]..end[axis]).map(|at| {
                let mut voxel = DVec3::ZERO;
                voxel[axis] = at as f64;
                let there = network_from_volume.transform_point3(voxel);
                let index = (there - first - 0.5).round()[follows];
                let inside = index >= 0.0 && index < window[of_window] as f64;
                inside.then_some(index as usize)
            });
            (of_window, places.collect())
        });
        Ok(Self {
            low,
            nearest,
            window,
        })
    }

    /// How far the answers lie from the first one, for columns, rows and slices of the volume, by the steps of the window.
    fn places(&self, steps: [usize; 3]) -> [Vec<Option<usize>>; 3] {
        std::array::from_fn(|axis| {
            let (of_window, nearest) = &self.nearest[axis];
            let step = steps[*of_window];
            nearest.iter().map(|at| Some((*at)? * step)).collect()
        })
    }

    /// The voxels that reach the line, and their mean probability.
    fn in_memory(&self, probability: &[f32], line: f32) -> (Bits, f64) {
        let [_, rows, columns] = self.window;
        let places = self.places([rows * columns, columns, 1]);
        let chance = |at: [usize; 3]| {
            let mut index = 0;
            for axis in 0..3 {
                index += places[axis].get(at[axis]).copied()??;
            }
            probability.get(index).copied()
        };
        let size = [0, 1, 2].map(|axis| places[axis].len());
        let inside = Bits::from_fn(size, |at| chance(at).is_some_and(|chance| chance >= line));
        let (mut sum, mut count) = (0.0, 0u64);
        for at in inside.ones() {
            sum += f64::from(chance(at).unwrap_or(0.0));
            count += 1;
        }
        (inside, sum / count.max(1) as f64)
    }

    /// The same, made where the logits are.
    fn on_device(
        &self,
        gpu: &GpuContext,
        logits: Tensor<5>,
        line: f32,
    ) -> Result<AnswerMask, AiError> {
        let [_, classes, ..] = logits.dims();
        blend::bound(logits, |answers| {
            let [by_class, by_slice, by_row, by_column] = answers.strides;
            let places = self.places([by_slice, by_row, by_column]);
            let place = AnswerPlace {
                nearest: [0, 1, 2].map(|axis| places[axis].as_slice()),
                other: (classes == 2).then_some(by_class),
                least: least(line),
            };
            answer_mask(gpu, answers, &place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_all_points_or_there_is_none() {
        let at = |plus: &[[i64; 3]], size, window| start_of(plus, size, window);
        assert_eq!(at(&[], [9; 3], [4; 3]).unwrap(), None);
        let one = at(&[[5, 0, 8]], [10, 10, 10], [4, 4, 4]).unwrap().unwrap();
        assert_eq!(one, [3, 0, 6]);
        // A small volume lies in the middle of the window.
        let small = at(&[[1, 1, 1]], [3, 10, 10], [8, 4, 4]).unwrap().unwrap();
        assert_eq!(small, [-2, 0, 0]);
        assert!(at(&[[0; 3], [3, 0, 0]], [9; 3], [4; 3]).is_ok());
        let far = at(&[[0; 3], [4, 0, 0]], [9; 3], [4; 3]).unwrap_err();
        assert!(far.to_string().contains("5 voxels apart"), "{far}");
        for line in [0.01, 0.3, 0.5, 0.500_001, 0.87, 0.999_999] {
            let least = least(line);
            assert!(
                chance(least) >= line && chance(least.next_down()) < line,
                "{line}"
            );
        }
        assert!((-1e-6..=0.0).contains(&least(0.5)));
        assert_eq!(least(0.0), f32::MIN);
        let two = probabilities(&[0.0, 1.0, 2.0, 1.0], OutputKind::Softmax);
        assert!((two[0] - 0.880_797).abs() < 1e-5 && two[1] == 0.5);
    }
}
