//! A network over a volume, window by window: on networks whose answers are known.

use super::devices::gpu;
use burn::tensor::{Device, Tensor, TensorData, module::conv3d, ops::ConvOptions};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    ai::{
        AiError, BurnDevice,
        network::{Network, NetworkShape, OutputKind, PassMemory},
        random::Random,
        sliding::{
            Conduct, MaskSoFar, SegmentedVolume, VolumeMask, VolumeModel,
            budget::Order,
            input::{Axes, Intensity, NetworkGrid, Preparation, labels_on},
            plan::{self, Plan},
            segment_volume,
        },
    },
    gpu::{Cargo, Fault, GpuContext, MaskBits},
    model::{
        geometry::GridGeometry,
        inference::ModelIdentity,
        labels::{Label, Meaning},
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What happens in the middle of a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Accident {
    None,
    Refusal,
    NotANumber,
}

/// A convolution with a fixed kernel of 3 × 3 × 3 (or of one slice), a bias for each class: a network of one layer.
#[derive(Debug)]
struct Known {
    shape: NetworkShape,
    /// For each class the factor of the kernel and the bias.
    classes: Vec<[f32; 2]>,
    kernel: Kernel,
    device: Device,
    accident: Accident,
    context: Option<GpuContext>,
    passes: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernel {
    /// The voxel itself.
    Point,
    /// The mean of 27.
    Mean,
}

impl Known {
    fn weights(&self) -> Tensor<5> {
        let one: Vec<f32> = match self.kernel {
            Kernel::Point => (0..27).map(|k| if k == 13 { 1.0 } else { 0.0 }).collect(),
            Kernel::Mean => vec![1.0 / 27.0; 27],
        };
        let all: Vec<f32> = self
            .classes
            .iter()
            .flat_map(|[factor, _]| one.iter().map(move |w| w * factor))
            .collect();
        let data = TensorData::new(all, [self.classes.len(), 1, 3, 3, 3]);
        Tensor::from_data(data, &self.device)
    }
}

impl Network for Known {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn memory(&self, batch: usize, input: [usize; 3]) -> PassMemory {
        let voxels = (batch * input.iter().product::<usize>()) as u64;
        PassMemory {
            weights: 108 * self.classes.len() as u64,
            activations: 4 * voxels * (2 + self.classes.len() as u64),
            largest: 4 * voxels * self.classes.len() as u64,
        }
    }

    fn operations(&self, batch: usize, input: [usize; 3]) -> u64 {
        54 * (batch * self.classes.len() * input.iter().product::<usize>()) as u64
    }

    fn forward(&self, input: Tensor<5>, go_on: &dyn Fn() -> bool) -> Result<Tensor<5>, AiError> {
        let pass = self.passes.fetch_add(1, Ordering::Relaxed);
        if !go_on() {
            return Err(AiError::Cancelled);
        }
        let biases: Vec<f32> = self.classes.iter().map(|[_, bias]| *bias).collect();
        let mut bias =
            Tensor::<1>::from_data(TensorData::new(biases, [self.classes.len()]), &self.device);
        if pass == 2 {
            match self.accident {
                Accident::None => {}
                Accident::NotANumber => bias = bias * f32::NAN,
                Accident::Refusal => {
                    // Larger than any buffer may be: the device refuses, and nobody catches it.
                    let context = self.context.as_ref().expect("a device");
                    let _ = context.device.create_buffer(&wgpu::BufferDescriptor {
                        label: None,
                        size: u64::MAX / 2,
                        usage: wgpu::BufferUsages::STORAGE,
                        mapped_at_creation: false,
                    });
                }
            }
        }
        let options = ConvOptions::new([1, 1, 1], [1, 1, 1], [1, 1, 1], 1);
        Ok(conv3d(input, self.weights(), Some(bias), options))
    }
}

struct Setting {
    kernel: Kernel,
    classes: Vec<[f32; 2]>,
    output: OutputKind,
    patch: [usize; 3],
    preparation: Preparation,
    accident: Accident,
}

impl Setting {
    fn probability(kernel: Kernel) -> Self {
        Self {
            kernel,
            classes: vec![[3.0, -0.5]],
            output: OutputKind::Sigmoid,
            patch: [8, 12, 12],
            preparation: Preparation {
                intensity: Intensity::Unchanged,
                ..Preparation::default()
            },
            accident: Accident::None,
        }
    }

    fn labels() -> Self {
        Self {
            classes: vec![[0.0, 0.0], [2.0, -0.4], [-2.5, -1.0]],
            output: OutputKind::Softmax,
            ..Self::probability(Kernel::Mean)
        }
    }

    fn model(&self, device: &BurnDevice) -> (VolumeModel, Arc<AtomicUsize>) {
        let passes = Arc::new(AtomicUsize::new(0));
        let burn = match device.context() {
            Some(_) => device.tensor_device(),
            None => Device::flex(),
        };
        let count = self.classes.len();
        let first = u8::from(self.output == OutputKind::Sigmoid);
        let network = Known {
            shape: NetworkShape {
                input_channels: 1,
                classes: count,
                output: self.output,
                patch: self.patch,
                multiple: [1, 2, 2],
                reach: Some([1, 1, 1]),
            },
            classes: self.classes.clone(),
            kernel: self.kernel,
            device: burn,
            accident: self.accident,
            context: device.context().cloned(),
            passes: passes.clone(),
        };
        let model = VolumeModel {
            identity: ModelIdentity {
                id: "known".into(),
                version: "1".into(),
                sha256: String::new(),
                trained: String::new(),
            },
            network: Box::new(network),
            preparation: self.preparation,
            guidance: None,
            labels: (0..count as u8)
                .map(|k| Label::new(k + first, format!("class {k}")))
                .collect(),
            threshold: 0.5,
        };
        (model, passes)
    }
}

fn grid_of(size: [usize; 3]) -> GridGeometry {
    GridGeometry {
        size,
        patient_from_voxel: DAffine3::from_translation(DVec3::new(-10.0, 4.0, 7.0)),
    }
}

/// A volume of 32-bit floats, a function of the voxel's number and place in the patient.
fn volume(grid: GridGeometry, mut value: impl FnMut(usize, DVec3) -> f32) -> Volume {
    let [columns, rows, slices] = grid.size;
    let mut number = 0;
    let frames = (0..slices)
        .map(|z| {
            let mut bytes = Vec::with_capacity(4 * rows * columns);
            for y in 0..rows {
                for x in 0..columns {
                    let index = DVec3::new(x as f64, y as f64, z as f64);
                    let place = grid.patient_from_voxel.transform_point3(index);
                    bytes.extend(value(number, place).to_le_bytes());
                    number += 1;
                }
            }
            let pixels = PixelBytes::from_vec(bytes);
            Frame::new(rows, columns, 1, StoredType::F32, pixels).unwrap()
        })
        .collect();
    Volume {
        grid,
        frames,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    }
}

/// Noise around 0 with a few large blobs.
fn noise(size: [usize; 3], seed: u64) -> (Volume, Vec<f32>) {
    let mut random = Random::new(seed, &[7]);
    let mut values = Vec::new();
    let volume = volume(grid_of(size), |_, place| {
        let wave = (place.x * 0.4).sin() * (place.y * 0.3).cos() * (place.z * 0.5).sin();
        let value = (wave + random.range(-0.4, 0.4)) as f32;
        values.push(value);
        value
    });
    (volume, values)
}

fn run(
    model: &VolumeModel,
    volume: &Volume,
    device: &BurnDevice,
    conduct: &Conduct,
) -> Result<SegmentedVolume, AiError> {
    segment_volume(model, volume, device, conduct, &mut |_| Ok(()))
}

fn bytes_of(result: &SegmentedVolume, device: &BurnDevice) -> Vec<u8> {
    match &result.mask {
        VolumeMask::Cpu(bytes) => bytes.to_vec(),
        VolumeMask::Gpu(mask) => mask.read_back(device.context().unwrap()).unwrap(),
    }
}

/// The same in the plain way: every window for itself, all sums at once, in doubles.
fn reference(
    setting: &Setting,
    values: &[f32],
    [columns, rows, slices]: [usize; 3],
) -> Vec<[f64; 3]> {
    let size = [slices, rows, columns];
    let plan = Plan::new(size, setting.patch, 0.5).unwrap();
    let weights = plan::weights(setting.patch);
    let mut sums = vec![[0.0f64; 4]; values.len()];
    let lead = plan.lead();
    let at = |p: [i64; 3]| -> f64 {
        let inside = (0..3).all(|a| p[a] >= 0 && p[a] < size[a] as i64);
        match inside {
            true => {
                f64::from(values[(p[0] as usize * rows + p[1] as usize) * columns + p[2] as usize])
            }
            false => 0.0,
        }
    };
    for index in 0..plan.count() {
        let start = plan.start(index).unwrap();
        let window = plan.window();
        for (k, weight) in weights.iter().enumerate() {
            let offset = [
                k / (window[1] * window[2]),
                k / window[2] % window[1],
                k % window[2],
            ];
            let place: [i64; 3] =
                std::array::from_fn(|a| (start[a] + offset[a]) as i64 - lead[a] as i64);
            if !(0..3).all(|a| place[a] >= 0 && place[a] < size[a] as i64) {
                continue;
            }
            let answer = match setting.kernel {
                Kernel::Point => at(place),
                Kernel::Mean => {
                    let mut sum = 0.0;
                    for step in 0..27i64 {
                        let by = [step / 9 - 1, step / 3 % 3 - 1, step % 3 - 1];
                        // A window does not see beyond its border.
                        let seen = (0..3).all(|a| {
                            let p = offset[a] as i64 + by[a];
                            p >= 0 && p < window[a] as i64
                        });
                        if seen {
                            sum += at(std::array::from_fn(|a| place[a] + by[a]));
                        }
                    }
                    sum / 27.0
                }
            };
            let voxel =
                (place[0] as usize * rows + place[1] as usize) * columns + place[2] as usize;
            for (class, [factor, bias]) in setting.classes.iter().enumerate() {
                let logit = f64::from(*factor) * answer + f64::from(*bias);
                sums[voxel][class] += f64::from(*weight) * logit;
            }
            sums[voxel][3] += f64::from(*weight);
        }
    }
    sums.into_iter()
        .map(|s| [s[0] / s[3], s[1] / s[3], s[2] / s[3]])
        .collect()
}

const SIZE: [usize; 3] = [29, 26, 19];

#[test]
fn windows_are_averaged_as_the_plain_way_does_it() {
    let (volume, values) = noise(SIZE, 1);
    let device = BurnDevice::flex();
    for kernel in [Kernel::Point, Kernel::Mean] {
        let setting = Setting::probability(kernel);
        let (model, passes) = setting.model(&device);
        let result = run(&model, &volume, &device, &Conduct::default()).unwrap();
        assert_eq!(result.meaning, Meaning::Probability);
        assert_eq!(passes.load(Ordering::Relaxed), result.windows);
        let found = bytes_of(&result, &device);
        for (byte, truth) in found.iter().zip(reference(&setting, &values, SIZE)) {
            let expected = 255.0 / (1.0 + (-truth[0]).exp());
            assert!(
                (f64::from(*byte) - expected).abs() < 0.6,
                "{byte} {expected}"
            );
        }
    }
    let setting = Setting::labels();
    let (model, _) = setting.model(&device);
    let result = run(&model, &volume, &device, &Conduct::default()).unwrap();
    let found = bytes_of(&result, &device);
    let mut seen = [0; 3];
    for (byte, truth) in found.iter().zip(reference(&setting, &values, SIZE)) {
        seen[usize::from(*byte)] += 1;
        let best = truth.iter().copied().fold(f64::MIN, f64::max);
        assert!(best - truth[usize::from(*byte)] < 1e-3, "{byte} {truth:?}");
    }
    assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
}

/// Orders of windows: their own, backwards, shuffled.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![(0..count).collect::<Vec<_>>(), (0..count).rev().collect()];
    for seed in 0..3 {
        let mut random = Random::new(seed, &[3]);
        let mut shuffled: Vec<usize> = (0..count).collect();
        for k in (1..count).rev() {
            shuffled.swap(
                k,
                (random.range(0.0, 1.0) * (k + 1) as f64) as usize % (k + 1),
            );
        }
        all.push(shuffled);
    }
    all
}

fn same_in_every_order(device: &BurnDevice) {
    let (volume, _) = noise(SIZE, 2);
    for setting in [Setting::probability(Kernel::Mean), Setting::labels()] {
        let (model, _) = setting.model(device);
        let batch = run(&model, &volume, device, &Conduct::default()).unwrap();
        let expected = bytes_of(&batch, device);
        assert!(batch.windows > 30, "{}", batch.windows);
        for sequence in orders(batch.windows) {
            let conduct = Conduct {
                sequence: Some(sequence),
                ..Conduct::default()
            };
            let result = run(&model, &volume, device, &conduct).unwrap();
            assert!(bytes_of(&result, device) == expected);
        }
        // Nearest to a place that moves while it computes.
        let conduct = Conduct::default();
        let focus = conduct.focus.clone();
        let mut tell = |news: negatoscope::ai::sliding::News<'_>| {
            focus.set(Some(DVec3::splat(news.done as f64 * 3.0 % 20.0)));
            Ok(())
        };
        let result = segment_volume(&model, &volume, device, &conduct, &mut tell).unwrap();
        assert!(bytes_of(&result, device) == expected);
    }
}

#[test]
fn the_order_of_windows_changes_no_bit() {
    same_in_every_order(&BurnDevice::flex());
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn the_order_of_windows_changes_no_bit_on_the_drawing_device() {
    let (_turn, _, device) = gpu();
    same_in_every_order(&device);
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn both_devices_make_the_same_mask_and_nothing_of_it_is_copied() {
    let (_turn, context, device) = gpu();
    let (volume, _) = noise(SIZE, 3);
    let flex = BurnDevice::flex();
    for setting in [Setting::probability(Kernel::Mean), Setting::labels()] {
        let expected = {
            let (model, _) = setting.model(&flex);
            bytes_of(
                &run(&model, &volume, &flex, &Conduct::default()).unwrap(),
                &flex,
            )
        };
        let (model, _) = setting.model(&device);
        let before = context.door.snapshot();
        let result = run(&model, &volume, &device, &Conduct::default()).unwrap();
        let counts = context.door.since(&before);
        assert_eq!(counts.read_back_in_all(), 0);
        assert_eq!(counts.uploaded(Cargo::Mask), 0);
        let window: usize = setting.patch.iter().product();
        let inputs = 4 * (window * result.windows) as u64;
        assert_eq!(counts.uploaded(Cargo::ModelInput), inputs);
        let found = bytes_of(&result, &device);
        // A forced read-back is counted.
        let bytes = context.door.since(&before).read_back(Cargo::Mask);
        assert_eq!(bytes, 4 * 8 * 26 * 19);
        let off = found
            .iter()
            .zip(&expected)
            .filter(|(a, b)| match result.meaning {
                Meaning::Probability => a.abs_diff(**b) > 1,
                Meaning::Labels => a != b,
            })
            .count();
        // Logits differ by rounding, so a step of one may fall on the other side.
        assert!(off * 1000 < found.len(), "{off} of {}", found.len());
    }
    assert!(!context.take_error());
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn a_mask_of_one_label_takes_a_bit_a_voxel() {
    let (_turn, context, device) = gpu();
    let (volume, _) = noise([45, 26, 19], 4);
    let setting = Setting {
        classes: vec![[0.0, 0.0], [2.0, -0.1]],
        ..Setting::labels()
    };
    let (model, _) = setting.model(&device);
    let mut eight = Vec::new();
    let mut tell = |news: negatoscope::ai::sliding::News<'_>| {
        let MaskSoFar::Gpu(mask) = news.mask else {
            panic!("the mask left the device");
        };
        assert_eq!(mask.bits(), MaskBits::Eight);
        if news.done == news.total {
            eight = mask.read_back(context).unwrap();
        }
        Ok(())
    };
    let result = segment_volume(&model, &volume, &device, &Conduct::default(), &mut tell).unwrap();
    let VolumeMask::Gpu(mask) = &result.mask else {
        panic!("the mask left the device");
    };
    assert_eq!(mask.bits(), MaskBits::One);
    // Two words a row instead of twelve.
    assert_eq!(mask.buffer().size(), 4 * 2 * 26 * 19);
    assert!(eight.contains(&0) && eight.contains(&1));
    assert!(bytes_of(&result, &device) == eight);
}

#[test]
fn what_is_near_the_reader_comes_first_and_shows_at_once() {
    let device = BurnDevice::flex();
    let (volume, _) = noise([48, 48, 24], 5);
    let (model, _) = Setting::probability(Kernel::Point).model(&device);
    let conduct = Conduct::default();
    let place = volume
        .grid
        .patient_from_voxel
        .transform_point3(DVec3::new(40.0, 10.0, 20.0));
    conduct.focus.set(Some(place));
    let (mut parts, mut shown) = (Vec::new(), Vec::new());
    let mut tell = |news: negatoscope::ai::sliding::News<'_>| {
        let MaskSoFar::Cpu(bytes) = news.mask else {
            panic!("not in memory");
        };
        shown.push(bytes.iter().filter(|b| **b != 0).count());
        parts.push(news.changed);
        Ok(())
    };
    let result = segment_volume(&model, &volume, &device, &conduct, &mut tell).unwrap();
    assert_eq!(
        conduct.progress.get(),
        (result.windows as u64, result.windows as u64)
    );
    let holds = |part: &plan::Part| {
        [20, 10, 40]
            .iter()
            .enumerate()
            .all(|(a, p)| (part.start[a]..part.start[a] + part.size[a]).contains(p))
    };
    assert!(holds(&parts[0]), "{:?}", parts[0]);
    // Every voxel of the first window has its answer already, and no other.
    assert_eq!(shown[0], 8 * 12 * 12);
    assert_eq!(shown.last(), Some(&(48 * 48 * 24)));
    assert!(shown.windows(2).all(|pair| pair[0] <= pair[1]));
    // The farthest corner is computed last.
    assert_eq!(parts.last().unwrap().start, [0, 36, 0]);
    // Sums are kept along the border of what is done only.
    let all = 4 * 2 * 48 * 48 * 24;
    assert!(
        result.most_open_bytes < all * 3 / 4,
        "{}",
        result.most_open_bytes
    );
}

#[test]
fn memory_is_reckoned_before_anything_is_computed() {
    let device = BurnDevice::flex();
    let (volume, _) = noise([64, 64, 32], 6);
    let setting = Setting {
        patch: [16, 32, 32],
        ..Setting::probability(Kernel::Point)
    };
    let limited = |limit: u64| {
        let (model, passes) = setting.model(&device);
        let conduct = Conduct {
            limit: Some(limit),
            ..Conduct::default()
        };
        let result = run(&model, &volume, &device, &conduct);
        (result, passes.load(Ordering::Relaxed))
    };
    let (most, _) = limited(u64::MAX);
    let most = most.unwrap();
    assert_eq!(most.budget.order, Order::Nearest);
    assert_eq!(most.budget.window, [16, 32, 32]);
    assert!(most.budget.need < 4 << 20, "{}", most.budget.need);
    let (layers, _) = limited(most.budget.need - 1);
    let layers = layers.unwrap();
    assert_eq!(layers.budget.order, Order::Layers);
    assert_eq!(layers.budget.window, [16, 32, 32]);
    assert!(bytes_of(&layers, &device) == bytes_of(&most, &device));
    assert!(layers.most_open_bytes < most.budget.need / 2);
    let (smaller, _) = limited(layers.budget.need - 1);
    let smaller = smaller.unwrap();
    assert!(smaller.budget.smaller && smaller.budget.window == [16, 32, 24]);
    assert_eq!(smaller.findings[0].code, "SMALLER_WINDOW");
    let (none, passes) = limited(1 << 10);
    let error = none.unwrap_err();
    assert!(
        matches!(&error, AiError::Memory(text) if text.contains("MiB")),
        "{error}"
    );
    assert!(error.is_of_device());
    assert_eq!(passes, 0);
}

#[test]
fn a_cancelled_job_ends_with_its_window() {
    let device = BurnDevice::flex();
    let (volume, _) = noise(SIZE, 7);
    let (model, passes) = Setting::labels().model(&device);
    let conduct = Conduct::default();
    let mut tell = |news: negatoscope::ai::sliding::News<'_>| {
        if news.done == 3 {
            conduct.cancel.cancel();
        }
        Ok(())
    };
    let ended = segment_volume(&model, &volume, &device, &conduct, &mut tell);
    assert!(matches!(ended, Err(AiError::Cancelled)));
    assert_eq!(passes.load(Ordering::Relaxed), 4);
}

#[test]
fn an_answer_that_is_no_number_ends_the_job() {
    let device = BurnDevice::flex();
    let (volume, _) = noise(SIZE, 8);
    let setting = Setting {
        accident: Accident::NotANumber,
        ..Setting::labels()
    };
    let (model, _) = setting.model(&device);
    let error = run(&model, &volume, &device, &Conduct::default()).unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn an_error_of_the_device_ends_the_job_and_nothing_else() {
    let (_turn, context, device) = gpu();
    let (volume, _) = noise(SIZE, 9);
    let setting = Setting {
        accident: Accident::Refusal,
        ..Setting::labels()
    };
    let (model, passes) = setting.model(&device);
    let error = run(&model, &volume, &device, &Conduct::default()).unwrap_err();
    assert!(
        matches!(error, AiError::Fault(Fault::Refused | Fault::OutOfMemory)),
        "{error}"
    );
    assert!(error.is_of_device());
    // The window in which it happened was the last.
    assert_eq!(passes.load(Ordering::Relaxed), 3);
    assert!(context.take_error());
    // The device is as good as before.
    let (model, _) = Setting::labels().model(&device);
    run(&model, &volume, &device, &Conduct::default()).unwrap();
    assert!(!context.take_error());
}

/// Grids as scanners make them: oblique, of unequal distances, turned over, exchanged, sheared.
fn grids() -> Vec<(&'static str, GridGeometry)> {
    let turn = DMat3::from_axis_angle(DVec3::new(0.3, -0.5, 0.8).normalize(), 0.35);
    let of = |matrix3: DMat3, size| GridGeometry {
        size,
        patient_from_voxel: DAffine3 {
            matrix3,
            translation: DVec3::new(-20.0, 15.0, -8.0),
        },
    };
    let scale = DMat3::from_diagonal;
    vec![
        ("plain", of(scale(DVec3::new(1.0, 1.0, 2.0)), [30, 26, 14])),
        (
            "oblique",
            of(turn * scale(DVec3::new(0.9, 1.1, 2.5)), [32, 28, 12]),
        ),
        (
            "turned over",
            of(scale(DVec3::new(-1.2, -0.8, -3.0)), [26, 40, 10]),
        ),
        (
            "sagittal",
            of(
                DMat3::from_cols(DVec3::Y, DVec3::NEG_Z * 0.7, DVec3::X * 2.2),
                [28, 36, 13],
            ),
        ),
        (
            "sheared",
            of(
                DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::new(0.0, 0.5, 2.0)),
                [30, 30, 12],
            ),
        ),
    ]
}

/// A half-space of the patient comes back as that half-space on the volume's own grid, whatever the grid, and whatever
/// the network's.
#[test]
fn labels_come_back_to_where_they_were() {
    let device = BurnDevice::flex();
    let normal = DVec3::new(0.6, -0.3, 0.74).normalize();
    for (name, grid) in grids() {
        let middle = grid.centre();
        let towards = |place: DVec3| (place - middle).dot(normal);
        let volume = volume(grid, |_, place| towards(place) as f32);
        for spacing_mm in [None, Some([1.5, 1.5, 1.5]), Some([3.0, 0.9, 1.3])] {
            let exchanged = Axes::Exchanged([1, 2, 0]);
            for axes in [Axes::Stored, Axes::Lps, Axes::Ras, Axes::Lia, exchanged] {
                let setting = Setting {
                    kernel: Kernel::Point,
                    classes: vec![[0.0, 0.0], [1.0, 0.0]],
                    preparation: Preparation {
                        spacing_mm,
                        axes,
                        intensity: Intensity::Unchanged,
                    },
                    ..Setting::labels()
                };
                let (model, _) = setting.model(&device);
                let result = run(&model, &volume, &device, &Conduct::default()).unwrap();
                let labels = labels_on(&bytes_of(&result, &device), &result.grid, &grid).unwrap();
                let [columns, rows, _] = grid.size;
                // Nearest: off by half a diagonal of the network's voxel at most.
                let m = result.grid.patient_from_voxel.matrix3;
                let half = 0.5 * (m.x_axis.abs() + m.y_axis.abs() + m.z_axis.abs());
                let margin = half.dot(normal.abs()) + 1e-3;
                let mut sure = 0;
                for (k, label) in labels.iter().enumerate() {
                    let index = DVec3::new(
                        (k % columns) as f64,
                        (k / columns % rows) as f64,
                        (k / columns / rows) as f64,
                    );
                    let away = towards(grid.patient_from_voxel.transform_point3(index));
                    if away.abs() > margin {
                        assert_eq!(
                            *label,
                            u8::from(away > 0.0),
                            "{name} {spacing_mm:?} {axes:?} {index} {away}"
                        );
                        sure += 1;
                    }
                }
                assert!(sure * 2 > labels.len(), "{name}: {sure}");
            }
        }
    }
}

#[test]
fn a_networks_grid_covers_the_volume_edge_on_edge() {
    for (name, grid) in grids() {
        let exchanged = Axes::Exchanged([2, 0, 1]);
        for axes in [Axes::Stored, Axes::Lps, Axes::Ras, Axes::Lia, exchanged] {
            let preparation = Preparation {
                spacing_mm: Some([1.7, 1.1, 0.9]),
                axes,
                ..Preparation::default()
            };
            let network = NetworkGrid::of(&grid, &preparation).unwrap();
            let [slices, rows, columns] = network.size;
            let mut low = DVec3::splat(f64::MAX);
            let mut high = DVec3::splat(f64::MIN);
            for corner in 0..8 {
                let edge = |bit: usize, n: usize| match corner >> bit & 1 {
                    0 => -0.5,
                    _ => n as f64 - 0.5,
                };
                let at = DVec3::new(edge(0, columns), edge(1, rows), edge(2, slices));
                let place = network.volume_from_network.transform_point3(at);
                low = low.min(place);
                high = high.max(place);
            }
            let ends = DVec3::from_array(grid.size.map(|n| n as f64 - 0.5));
            assert!((low + 0.5).length() < 1e-9, "{name} {low}");
            assert!((high - ends).length() < 1e-9, "{name} {high}");
            let m = network.geometry(&grid).patient_from_voxel.matrix3;
            let signs = match axes {
                Axes::Stored | Axes::Exchanged(_) => continue,
                Axes::Lia => [-m.x_axis.y, -m.y_axis.z, m.z_axis.x],
                Axes::Lps => [m.x_axis.x, m.y_axis.y, m.z_axis.z],
                Axes::Ras => [-m.x_axis.x, -m.y_axis.y, m.z_axis.z],
            };
            assert!(signs.iter().all(|s| *s > 0.0), "{name} {axes:?} {m}");
        }
    }
}

#[test]
fn intensities_are_what_the_card_says() {
    let device = BurnDevice::flex();
    let (volume, values) = noise([20, 20, 20], 11);
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let deviation = (values
        .iter()
        .map(|v| (f64::from(*v) - mean).powi(2))
        .sum::<f64>()
        / n)
        .sqrt();
    let mut sorted = values.clone();
    sorted.sort_by(f32::total_cmp);
    let quantile = |share: f64| f64::from(sorted[(share * (n - 1.0)).round() as usize]);
    let (q10, q80) = (quantile(0.1), quantile(0.8));
    type Law = Box<dyn Fn(f64) -> f64>;
    let cases: Vec<(Intensity, Law)> = vec![
        (
            Intensity::Standardised,
            Box::new(move |v| (v - mean) / deviation),
        ),
        (
            Intensity::Fixed {
                low: -0.5,
                high: 0.6,
                mean: 0.1,
                deviation: 0.25,
            },
            Box::new(|v| (v.clamp(-0.5, 0.6) - 0.1) / 0.25),
        ),
        (
            Intensity::Range {
                low: -0.5,
                high: 0.5,
            },
            Box::new(|v| (v + 0.5).clamp(0.0, 1.0)),
        ),
        (
            Intensity::Quantiles {
                low: 0.1,
                high: 0.8,
            },
            Box::new(move |v| ((v - q10) / (q80 - q10)).clamp(0.0, 1.0)),
        ),
    ];
    for (intensity, law) in cases {
        let mut setting = Setting::probability(Kernel::Point);
        setting.preparation.intensity = intensity;
        setting.classes = vec![[1.0, 0.0]];
        let (model, _) = setting.model(&device);
        let result = run(&model, &volume, &device, &Conduct::default()).unwrap();
        for (byte, value) in bytes_of(&result, &device).iter().zip(&values) {
            let expected = 255.0 / (1.0 + (-law(f64::from(*value))).exp());
            assert!(
                (f64::from(*byte) - expected).abs() < 0.6,
                "{intensity:?}: {byte} {expected}"
            );
        }
    }
}

#[test]
fn a_planar_network_takes_slice_by_slice() {
    let device = BurnDevice::flex();
    let (volume, values) = noise([20, 18, 5], 12);
    let setting = Setting {
        patch: [1, 12, 12],
        ..Setting::probability(Kernel::Point)
    };
    let (model, _) = setting.model(&device);
    let result = run(&model, &volume, &device, &Conduct::default()).unwrap();
    assert_eq!(result.windows, 5 * 3 * 2);
    let truth = reference(&setting, &values, [20, 18, 5]);
    for (byte, truth) in bytes_of(&result, &device).iter().zip(truth) {
        let expected = 255.0 / (1.0 + (-truth[0]).exp());
        assert!((f64::from(*byte) - expected).abs() < 0.6);
    }
}
