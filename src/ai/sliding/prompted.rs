//! A network that is shown points beside the picture: one window of it, around what belongs.
//!
//! Must stay true: points that do not fit one window are refused, not left out; the answer lies on the grid of the volume, each
//! of its voxels with that of the nearest voxel of the network.

use super::{
    VolumeModel,
    budget::{self, Free},
    input::NetworkInput,
};
use crate::{
    ai::{AiError, BurnDevice, device::Pace, guidance::Guidance, network::OutputKind, readback},
    gpu::Cargo,
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

/// The answer.
#[derive(Clone, Debug)]
pub struct Prompted {
    /// First voxel (column, row, slice) of the part of the volume that the network looked at.
    pub low: [usize; 3],
    /// The voxels of that part which belong.
    pub inside: Bits,
    /// Mean probability of them, as the network says it; 0 where there are none.
    pub confidence: f64,
    /// Slices, rows and columns of the window.
    pub window: [usize; 3],
    /// Its first voxel on the network's grid; below 0 where the window is larger than the grid.
    pub start: [i64; 3],
    /// Probabilities of its voxels, columns fastest.
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
    let logits = readback::numbers(logits?, device)?;
    let probability = probabilities(&logits, shape.output);
    pace.go_on();
    pace.check()?;
    let line = match shape.output {
        OutputKind::Sigmoid => model.threshold,
        OutputKind::Softmax => 0.5,
    };
    let volume_from_network = input.grid().volume_from_network;
    let (low, inside, confidence) = on_volume(
        volume,
        volume_from_network,
        start,
        window,
        &probability,
        line,
    )?;
    Ok(Prompted {
        low,
        inside,
        confidence,
        window,
        start,
        probability,
    })
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

/// Probability of the one class at each voxel.
fn probabilities(logits: &[f32], output: OutputKind) -> Vec<f32> {
    let chance = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
    match output {
        OutputKind::Sigmoid => logits.iter().map(|&x| chance(x) as f32).collect(),
        OutputKind::Softmax => {
            let (not, yes) = logits.split_at(logits.len() / 2);
            let pairs = not.iter().zip(yes);
            pairs.map(|(not, yes)| chance(yes - not) as f32).collect()
        }
    }
}

/// The answer on the grid of the volume: first voxel and voxels of the part that the window covers, and their mean probability.
fn on_volume(
    volume: &Volume,
    volume_from_network: DAffine3,
    start: [i64; 3],
    [slices, rows, columns]: [usize; 3],
    probability: &[f32],
    line: f32,
) -> Result<([usize; 3], Bits, f64), AiError> {
    let network_from_volume = volume_from_network.inverse();
    if !network_from_volume.is_finite() {
        return refuse("the network's grid spans no space");
    }
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
    let part: [usize; 3] = std::array::from_fn(|axis| end[axis] - low[axis]);
    let chance = |at: [usize; 3]| {
        let at = DVec3::from_array(std::array::from_fn(|axis| (at[axis] + low[axis]) as f64));
        let there = (network_from_volume.transform_point3(at) - first - 0.5).round();
        let index = [there.z, there.y, there.x];
        let sides = [slices, rows, columns];
        let inside = (0..3).all(|axis| index[axis] >= 0.0 && index[axis] < sides[axis] as f64);
        let [z, y, x] = index.map(|v| v.max(0.0) as usize);
        let value = probability.get((z * rows + y) * columns + x);
        value.copied().filter(|_| inside).unwrap_or(0.0)
    };
    let inside = Bits::from_fn(part, |at| chance(at) >= line);
    let (mut sum, mut count) = (0.0, 0u64);
    for at in inside.ones() {
        sum += f64::from(chance(at));
        count += 1;
    }
    Ok((low, inside, sum / count.max(1) as f64))
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
        let two = probabilities(&[0.0, 1.0, 2.0, 1.0], OutputKind::Softmax);
        assert!((two[0] - 0.880_797).abs() < 1e-5 && two[1] == 0.5);
    }
}
