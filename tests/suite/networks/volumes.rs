//! Models of others over whole volumes: what the engine shows them is what their makers showed them.

use super::{foreign, numbers::compare, seed, uniform};
use burn::tensor::{Tensor, TensorData};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    ai::{
        BurnDevice,
        import::Wishes,
        networks::Net,
        registry::{ImportedModel, Registry},
        sliding::{Conduct, VolumeMask, input::labels_on, segment_volume},
        volume_import::ForVolumes,
    },
    model::{
        geometry::GridGeometry,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
};
use std::path::Path;

/// A model as it is found in a registry, and what is in it.
fn taken(path: &Path) -> (ForVolumes, ImportedModel) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Some(folder.path().join("models")));
    let card = registry.take_in(path, &Wishes::default()).unwrap();
    let found = ForVolumes::find(&registry, &card.id).unwrap().unwrap();
    (found, registry.load_imported(&card.id).unwrap().unwrap())
}

/// A volume whose axes run as the columns of `axes` say (columns, rows, slices), with the value of each voxel.
fn volume(axes: DMat3, size: [usize; 3], value: impl Fn([usize; 3]) -> f32) -> Volume {
    let [columns, rows, slices] = size;
    let frame = |slice| {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| [column, row, slice]));
        let bytes = places.flat_map(|place| value(place).to_le_bytes());
        let pixels = PixelBytes::from_vec(bytes.collect());
        Frame::new(rows, columns, 1, StoredType::F32, pixels).unwrap()
    };
    Volume {
        grid: GridGeometry {
            size,
            patient_from_voxel: DAffine3 {
                matrix3: axes,
                translation: DVec3::new(-20.0, 31.0, 7.0),
            },
        },
        frames: (0..slices).map(frame).collect(),
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    }
}

/// What the engine says of a volume, on the volume's own grid.
fn run(model: &ForVolumes, mirror: bool, volume: &Volume) -> Vec<u8> {
    let device = BurnDevice::flex();
    let model = model.load(&device, mirror).unwrap();
    let result = segment_volume(
        &model,
        volume,
        &device,
        &Conduct::default(),
        &mut |_| Ok(()),
    )
    .unwrap();
    let VolumeMask::Cpu(labels) = &result.mask else {
        panic!("computed elsewhere");
    };
    labels_on(labels, &result.grid, &volume.grid).unwrap()
}

/// The logits of all folds, and of mirror images along these axes, by the network itself.
fn mean(model: &ImportedModel, seen: &[f32], side: usize, mirrors: &[&[isize]]) -> Vec<f32> {
    let device = BurnDevice::flex();
    let data = TensorData::new(seen.to_vec(), [1, 1, side, side, side]);
    let x = Tensor::<5>::from_data(data, &device.tensor_device());
    let turned = |x: Tensor<5>, axes: &[isize]| axes.iter().fold(x, |x, &axis| x.flip([axis]));
    let mut sum: Option<Tensor<5>> = None;
    for weights in &model.folds {
        let net = Net::new(&model.plan, weights, &device.tensor_device()).unwrap();
        for axes in mirrors {
            let answer = turned(net.forward(turned(x.clone(), axes)).unwrap(), axes);
            sum = Some(sum.map_or(answer.clone(), |sum| sum + answer));
        }
    }
    let passes = (model.folds.len() * mirrors.len()) as f64;
    (sum.unwrap() / passes)
        .into_data()
        .try_into_vec_as()
        .unwrap()
}

/// The labels as numbers that [`compare`] takes: 1 for the class of a voxel, else 0.
fn as_answers(labels: &[u8], classes: usize) -> Vec<f32> {
    let of = |class: usize| {
        labels
            .iter()
            .map(move |&l| f32::from(usize::from(l) == class))
    };
    (0..classes).flat_map(of).collect()
}

/// A head is shown with its first axis to the left, the second to the feet, the third to the front, however it is stored.
#[test]
fn a_head_is_shown_as_it_was_in_training() {
    const SIDE: usize = 16;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("Model");
    foreign::tensorflow(&place, |_, _| ());
    let (model, parts) = taken(&place);
    // From 0 to 255, as the smallest and the largest become 0 and 1.
    let mut values: Vec<f32> = uniform(seed("head"), SIDE.pow(3));
    for value in &mut values {
        *value = ((*value + 1.0) * 127.5).round();
    }
    (values[0], values[1]) = (0.0, 255.0);
    let seen: Vec<f32> = values.iter().map(|v| v / 255.0).collect();
    let logits = mean(&parts, &seen, SIDE, &[&[]]);
    let of = |[left, feet, front]: [usize; 3]| (left * SIDE + feet) * SIDE + front;
    let far = SIDE - 1;
    let [x, y, z] = [DVec3::X, DVec3::Y, DVec3::Z];
    type Place = fn([usize; 3], usize) -> [usize; 3];
    let stored: [(DMat3, Place); 3] = [
        // As FreeSurfer writes it.
        (DMat3::from_cols(x, -z, -y), |[c, r, s], _| [c, r, s]),
        // Axial slices from the feet up.
        (DMat3::from_cols(x, y, z), |[c, r, s], far| {
            [c, far - s, far - r]
        }),
        // Sagittal slices from left to right.
        (DMat3::from_cols(y, -z, -x), |[c, r, s], far| {
            [far - s, r, far - c]
        }),
    ];
    for (axes, place) in stored {
        let volume = volume(axes, [SIDE; 3], |at| values[of(place(at, far))]);
        let found = run(&model, false, &volume);
        let mut there = vec![0; values.len()];
        for (index, label) in found.iter().enumerate() {
            let at = [index % SIDE, index / SIDE % SIDE, index / SIDE / SIDE];
            there[of(place(at, far))] = *label;
        }
        let (_, same) = compare(&as_answers(&there, 3), &logits, 3);
        assert!(same >= 0.999, "{axes}: {same}");
        let classes: std::collections::BTreeSet<u8> = there.into_iter().collect();
        assert!(classes.len() > 1, "the fixture says one class everywhere");
    }
}

/// Folds of nnU-Net and their mirror images, on voxels of its own size.
#[test]
fn folds_and_mirror_images_answer_for_a_volume() {
    const SIDE: usize = 16;
    let (model, parts) = taken(&super::fixture(foreign::THREE));
    let values: Vec<f32> = uniform(seed("kidney"), SIDE.pow(3));
    // Beyond both bounds of the card, which cuts.
    let values: Vec<f32> = values.iter().map(|v| (v * 1000.0).round()).collect();
    let scaled = |v: &f32| (v.clamp(-700.0, 800.0) - 40.0) / 100.0;
    let seen: Vec<f32> = values.iter().map(scaled).collect();
    let axes = DMat3::from_cols(DVec3::X, DVec3::Y, 2.0 * DVec3::Z);
    let volume = volume(axes, [SIDE; 3], |[c, r, s]| {
        values[(s * SIDE + r) * SIDE + c]
    });
    let all: [&[isize]; 8] = [&[], &[2], &[3], &[4], &[2, 3], &[2, 4], &[3, 4], &[2, 3, 4]];
    let mut answers = Vec::new();
    for (mirror, mirrors) in [(false, &all[..1]), (true, &all[..])] {
        let labels = run(&model, mirror, &volume);
        let (_, same) = compare(
            &as_answers(&labels, 3),
            &mean(&parts, &seen, SIDE, mirrors),
            3,
        );
        assert!(same >= 0.999, "{mirror}: {same}");
        answers.push(labels);
    }
    assert_ne!(answers[0], answers[1]);
}
