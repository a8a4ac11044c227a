//! Networks by points: channels as MONAI makes them, answers as PyTorch gives them (tests/data/guidance/make.py).

use super::{seed, uniform};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    ai::{
        AiError, BurnDevice,
        guidance::{Guidance, GuidanceFirst, GuidanceForm},
        import::Wishes,
        registry::Registry,
        sliding::{
            Conduct,
            prompted::{Points, Prompted, answer},
            segment_volume,
        },
        volume_import::{ForVolumes, is_for_points, is_for_volumes},
        weights::Weights,
    },
    model::{
        geometry::GridGeometry,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
    task::CancelToken,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/guidance")
}

fn expected(name: &str) -> Vec<f32> {
    let bytes = fs::read(folder().join("expected.safetensors")).unwrap();
    let arrays = Weights::from_bytes(&bytes).unwrap();
    arrays.get(name).unwrap().values.clone()
}

/// What a description says of the small network, with the lines of its input and output.
fn description(input: &str, output: &str) -> String {
    format!(
        "weights = \"by-points.safetensors\"\nid = \"by-points\"\nversion = \"3\"\n\
        [about]\ntitle = \"Anything, by points\"\nfinds = \"anything\"\nmodalities = [\"CT\"]\nlicence = \"CC0-1.0\"\n\
        terms = \"made up\"\ndata_owners = []\ncitations = []\nintended_use = \"tests\"\nlimits = [\"random numbers\"]\n\
        synthetic_only = true\n\
        [network]\nfamily = \"monai-unet\"\ndimensions = 3\ninput_channels = 3\nclasses = 1\nchannels = [4, 8]\n\
        strides = [2]\nkernel = 3\nup_kernel = 3\nunits = 0\nnorm = {{ kind = \"batch\" }}\nact = {{ kind = \"prelu\" }}\n\
        bias = true\nact_first = false\n\
        [input]\nkind = \"resampled\"\nspacing_mm = [1.0, 1.0, 1.0]\ntranspose = [0, 1, 2]\npatch = [16, 16, 16]\n\
        mirror = []\nchannels = [{{ name = \"picture\", scaling = {{ by = \"kept\" }} }}]\n{input}\n\
        [output]\nexclusive = false\n{output}\n"
    )
}

const POINTS: &str = "guidance = { form = { kind = \"gaussian\", sigma = 2.0 } }";
const LABEL: &str = "labels = [{ value = 1, name = \"thing\" }]";

/// Takes the small network in, into a folder of models.
pub(crate) fn taken_in(models: &Path) -> Result<String, AiError> {
    with(models, &description(POINTS, LABEL))
}

fn with(models: &Path, text: &str) -> Result<String, AiError> {
    let place = tempfile::tempdir().unwrap();
    let name = "by-points.safetensors";
    fs::copy(folder().join(name), place.path().join(name)).unwrap();
    let path = place.path().join("by-points.import.toml");
    fs::write(&path, text).unwrap();
    let registry = Registry::new(Some(models.to_owned()));
    registry
        .take_in(&path, &Wishes::default())
        .map(|card| card.id)
}

fn volume(size: [usize; 3], steps: DVec3, values: &[f32]) -> Volume {
    let [columns, rows, slices] = size;
    let frame = |slice: usize| {
        let start = slice * rows * columns;
        let bytes = values[start..start + rows * columns]
            .iter()
            .flat_map(|v| v.to_le_bytes());
        let pixels = PixelBytes::from_vec(bytes.collect());
        Frame::new(rows, columns, 1, StoredType::F32, pixels).unwrap()
    };
    Volume {
        grid: GridGeometry {
            size,
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(steps),
                translation: DVec3::new(-20.0, 31.0, 7.0),
            },
        },
        frames: (0..slices).map(frame).collect(),
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    }
}

/// Points as slice, row, column.
fn points(volume: &Volume, plus: &[[usize; 3]], minus: &[[usize; 3]]) -> Points {
    let place = |[z, y, x]: &[usize; 3]| {
        let at = DVec3::new(*x as f64, *y as f64, *z as f64);
        volume.grid.patient_from_voxel.transform_point3(at)
    };
    Points {
        plus: plus.iter().map(place).collect(),
        minus: minus.iter().map(place).collect(),
    }
}

#[test]
fn channels_of_points_are_those_of_monai() {
    let volume = [9, 12, 14];
    let plus = [[4, 5, 6], [4, 6, 8], [0, 0, 0], [4, 5, 6]];
    let minus = [[8, 11, 3], [2, 3, 13]];
    let flat = |points: &[[usize; 3]]| -> Vec<[usize; 3]> {
        points.iter().map(|[_, y, x]| [0, *y, *x]).collect()
    };
    for (name, window, plus, minus, sigma) in [
        ("deepgrow-3d", volume, plus.to_vec(), minus.to_vec(), 2.0),
        ("deepgrow-2d", [1, 12, 14], flat(&plus), flat(&minus), 2.0),
        (
            "deepgrow-3d-plus-only",
            volume,
            plus.to_vec(),
            Vec::new(),
            1.5,
        ),
        ("deepedit-3d", volume, plus.to_vec(), minus.to_vec(), 3.0),
    ] {
        let guidance = Guidance {
            form: GuidanceForm::Gaussian { sigma },
            first: GuidanceFirst::Foreground,
        };
        let found = guidance.channels(window, &plus, &minus);
        let wanted = expected(name);
        assert_eq!(found.len(), wanted.len());
        let far = found.iter().zip(&wanted);
        let far = far.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 2e-6, "{name}: {far}");
    }
}

#[test]
fn a_network_by_points_answers_as_its_framework_does() {
    let models = tempfile::tempdir().unwrap();
    let id = taken_in(models.path()).unwrap();
    let registry = Registry::new(Some(models.path().to_owned()));
    let card = registry.load_imported(&id).unwrap().unwrap().card;
    assert!(is_for_points(&card) && !is_for_volumes(&card));
    let device = BurnDevice::flex();
    let found = ForVolumes::find(&registry, &id).unwrap().unwrap();
    let model = found.load(&device, false).unwrap();
    let picture: Vec<f32> = uniform(seed("picture"), 16 * 16 * 16);
    let whole = volume([16; 3], DVec3::ONE, &picture);
    let ask = |volume: &Volume, plus: &[[usize; 3]], minus: &[[usize; 3]]| {
        let points = points(volume, plus, minus);
        answer(&model, volume, &points, &device, &CancelToken::default())
    };
    let (plus, minus) = ([[8, 8, 7], [9, 6, 7]], [[3, 12, 12]]);
    let prompted: Prompted = ask(&whole, &plus, &minus).unwrap();
    assert_eq!((prompted.start, prompted.low), ([0; 3], [0; 3]));
    let wanted = expected("probability");
    let far = prompted.probability.iter().zip(&wanted);
    let far = far.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-3, "{far}");
    let inside = wanted.iter().filter(|p| **p >= 0.5);
    let (count, sum) = inside.fold((0u64, 0.0), |(n, sum), p| (n + 1, sum + f64::from(*p)));
    assert!(count > 100 && count < 4000, "{count}");
    assert_eq!(prompted.voxels, count);
    let bits = |prompted: &Prompted| prompted.inside.bits(None).unwrap();
    assert_eq!(bits(&prompted).count(), count);
    assert!((prompted.confidence - sum / count as f64).abs() < 1e-3);
    // Where the points lie counts.
    let other = ask(&whole, &[[3, 12, 12]], &[[8, 8, 7]]).unwrap();
    assert_ne!(bits(&other), bits(&prompted));
    // Half as fine: each voxel has the answer of the network's voxel that is nearest.
    let coarse: Vec<f32> = (0..512).map(|i| (i as f32 * 0.37).sin()).collect();
    let coarse = volume([8; 3], DVec3::splat(2.0), &coarse);
    let found = ask(&coarse, &[[4, 4, 4]], &[]).unwrap();
    assert_eq!((found.inside.size(), found.low), ([8; 3], [0; 3]));
    for at in [[0, 0, 0], [3, 5, 1], [7, 7, 7]] {
        // The centre of a voxel of 2 mm lies between two of 1 mm, of which the farther one is taken.
        let [x, y, z] = at.map(|v| 2 * v + 1);
        let p = found.probability[(z * 16 + y) * 16 + x];
        let [x, y, z] = at.map(|v| 2 * v);
        let q = found.probability[(z * 16 + y) * 16 + x];
        let inside = bits(&found).get(at);
        assert!(inside == (p >= 0.5) || inside == (q >= 0.5));
    }
    // Of a larger volume the window around the points is looked at.
    let large: Vec<f32> = (0..40 * 40 * 20).map(|i| (i as f32 * 0.11).cos()).collect();
    let large = volume([40, 40, 20], DVec3::ONE, &large);
    let found = ask(&large, &[[10, 30, 5]], &[[2, 2, 2]]).unwrap();
    assert_eq!((found.start, found.low), ([2, 22, 0], [0, 22, 2]));
    assert_eq!(found.inside.size(), [16; 3]);
    // What is refused, and why.
    for (plus, reason) in [
        (&[][..], "no point that belongs"),
        (&[[1, 1, 1], [1, 1, 30]][..], "30 voxels apart"),
    ] {
        let error = ask(&large, plus, &[]).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let stopped = CancelToken::default();
    stopped.cancel();
    let at = points(&whole, &plus, &[]);
    let found = answer(&model, &whole, &at, &device, &stopped);
    assert!(matches!(found, Err(AiError::Cancelled)));
    let plain = segment_volume(
        &model,
        &whole,
        &device,
        &Conduct::default(),
        &mut |_| Ok(()),
    );
    assert!(plain.unwrap_err().to_string().contains("points"));
}

/// On the device that draws the answer stays there; it is that of the processor, whichever way the axes of the volume run.
#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn an_answer_stays_on_the_device_and_is_that_of_the_processor() {
    use crate::segmentation::devices::gpu;
    use negatoscope::{ai::sliding::prompted::Inside, gpu::Cargo};
    let models = tempfile::tempdir().unwrap();
    let id = taken_in(models.path()).unwrap();
    let registry = Registry::new(Some(models.path().to_owned()));
    let found = ForVolumes::find(&registry, &id).unwrap().unwrap();
    let (_turn, context, device) = gpu();
    let flex = BurnDevice::flex();
    let here = found.load(&flex, false).unwrap();
    let found = ForVolumes::find(&registry, &id).unwrap().unwrap();
    let there = found.load(&device, false).unwrap();
    let values: Vec<f32> = (0..40 * 40 * 20).map(|i| (i as f32 * 0.11).cos()).collect();
    for (size, steps) in [
        ([40, 40, 20], DVec3::ONE),
        ([40, 40, 20], DVec3::new(-1.0, 1.0, -1.0)),
        ([9, 11, 7], DVec3::new(1.7, 1.3, 2.1)),
    ] {
        let volume = volume(size, steps, &values);
        let points = points(&volume, &[[5, 8, 6], [4, 7, 6]], &[[2, 2, 2]]);
        let cancel = CancelToken::default();
        let wanted = answer(&here, &volume, &points, &flex, &cancel).unwrap();
        let before = context.door.snapshot();
        let found = answer(&there, &volume, &points, &device, &cancel).unwrap();
        let copies = context.door.since(&before);
        assert!(copies.uploaded(Cargo::ModelInput) > 0);
        assert_eq!(
            (copies.uploaded(Cargo::Mask), copies.read_back(Cargo::Mask)),
            (0, 0)
        );
        assert!(matches!(found.inside, Inside::There(_)) && found.probability.is_empty());
        assert_eq!(
            (found.low, found.start, found.window, found.inside.size()),
            (
                wanted.low,
                wanted.start,
                wanted.window,
                wanted.inside.size()
            )
        );
        assert!((found.confidence - wanted.confidence).abs() < 1e-3);
        let bits = found.inside.bits(Some(context)).unwrap();
        let wanted = wanted.inside.bits(None).unwrap();
        assert_eq!(bits.count(), found.voxels);
        assert!(found.voxels > 0 && found.inside.bits(None).is_err());
        let all = bits.size().iter().product::<usize>() as u64;
        let differ = bits.count() + wanted.count() - 2 * bits.shared(&wanted);
        // Numbers that differ in their last digits lie on both sides of the line now and then.
        assert!(differ * 500 <= all, "{differ} of {all}");
    }
    let points = Points::default();
    let volume = volume([16; 3], DVec3::ONE, &values[..4096]);
    let none = answer(&there, &volume, &points, &device, &CancelToken::default());
    assert!(none.is_err());
}

#[test]
fn cards_of_networks_by_points_are_checked() {
    let models = tempfile::tempdir().unwrap();
    for (input, output, reason) in [
        ("", LABEL, "one entry for each input channel"),
        (
            "guidance = { form = { kind = \"gaussian\", sigma = 99.0 } }",
            LABEL,
            "0.1 to 32 voxels",
        ),
        (
            "guidance = { form = { kind = \"star\", sigma = 2.0 } }",
            LABEL,
            "star",
        ),
    ] {
        let error = with(models.path(), &description(input, output)).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
