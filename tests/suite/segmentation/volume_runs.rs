//! Volumes through the command line, the worker and the window, with a model whose answer is known.

use super::{
    commands::{lines, run},
    devices::gpu,
};
use crate::ui_snapshots::{alone, texts};
use egui_kittest::kittest::Queryable as _;
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    ai::{
        AiError, BurnDevice,
        card::{About, CardInput, CardTraining, CardWeights, ModelCard, PREPROCESSING, sha256_hex},
        registry::Registry,
        sliding::{
            Conduct, VolumeMask,
            input::{Axes, Intensity, Preparation},
        },
        unet::UNetConfig,
        volume_card::{CardLabel, VolumePart, volume_model},
        weights::Weights,
        worker::{Answer, NetworkWorker, Outcome, VolumeRequest},
    },
    app::{Options, screen, stage::Stage},
    cli::Exit,
    console::DeviceChoice,
    formats::{self, VolumeOut},
    gpu::Cargo,
    i18n::Language,
    model::{
        geometry::GridGeometry,
        labels::Meaning,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
    workspace::{Action, Command, state::Layout},
};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

/// Above this value a voxel belongs.
const THRESHOLD: f64 = 600.0;

/// A U-Net that says where the picture is brighter than [`THRESHOLD`]: its convolutions pass the middle of their kernel
/// on along the skip connection.
fn weights(config: &UNetConfig, levels: &[f32]) -> Weights {
    let mut weights = Weights::default();
    for (name, shape) in config.tensors(false) {
        let mut values = vec![0.0f32; shape.iter().product()];
        let through = ["encoder.0.", "decoder.0."]
            .iter()
            .any(|p| name.starts_with(p));
        if through && name.ends_with("weight") {
            // From channel 0 to channel 0, in the middle of 3 × 3.
            values[4] = 1.0;
        }
        if name == "head.weight" {
            for (class, _) in levels.iter().enumerate() {
                values[class * shape[1]] = 8.0 * (class + 1) as f32;
            }
        }
        if name == "head.bias" {
            // Class k + 1 takes over from class k at its level.
            let mut sum = 0.0;
            for (class, level) in levels.iter().enumerate() {
                sum -= 8.0 * level;
                values[class] = sum;
            }
        }
        weights.insert(name, shape, values);
    }
    weights
}

/// Writes the model `threshold` (one class) or `bands` (background and two labels) into a folder.
fn write_model(folder: &Path, id: &str, exclusive: bool, input: Preparation) {
    let levels: &[f32] = match exclusive {
        // Values enter as 0 to 1 of 0 to 1000.
        false => &[0.6],
        true => &[0.0, 0.6, 0.8],
    };
    let config = UNetConfig {
        input_channels: 1,
        classes: levels.len(),
        depth: 2,
        width: 4,
        patch: 1,
    };
    let bytes = weights(&config, levels).to_bytes().unwrap();
    let label = |value, name: &str| CardLabel {
        value,
        name: name.into(),
        color: None,
    };
    let labels = match exclusive {
        false => vec![label(1, "bright")],
        true => vec![
            label(0, "background"),
            label(1, "bright"),
            label(7, "brightest"),
        ],
    };
    let card = ModelCard {
        format: 1,
        id: id.into(),
        version: "1".into(),
        trained: "2026-11-30".into(),
        about: About {
            title: format!("Model {id}"),
            finds: "bright voxels".into(),
            modalities: vec!["CT".into()],
            ..About::default()
        },
        network: config,
        input: CardInput {
            side: 16,
            preprocessing: PREPROCESSING.into(),
            threshold: 0.5,
            mirrored: false,
            volume: None,
        },
        volume: Some(VolumePart {
            exclusive,
            input,
            labels,
        }),
        scope: None,
        usual: None,
        weights: CardWeights {
            file: format!("{id}.safetensors"),
            sha256: sha256_hex(&bytes),
            bytes: bytes.len() as u64,
            parameters: config.parameters(),
        },
        training: CardTraining {
            seed: 1,
            epochs: 1,
            best_epoch: 1,
            train: vec![],
            validation: vec![],
            test: vec![],
        },
        metrics: vec![],
        classifier: None,
        lesions: None,
    };
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(format!("{id}.safetensors")), bytes).unwrap();
    fs::write(folder.join(format!("{id}.toml")), card.to_toml().unwrap()).unwrap();
}

fn as_stored() -> Preparation {
    Preparation {
        spacing_mm: None,
        axes: Axes::Stored,
        intensity: Intensity::Range {
            low: 0.0,
            high: 1000.0,
        },
    }
}

/// Oblique, unequal distances, rows running to the head and columns to the right.
fn oblique() -> GridGeometry {
    let turn = DMat3::from_axis_angle(DVec3::new(0.4, 0.2, -0.7).normalize(), 0.3);
    let axes = DMat3::from_cols(DVec3::NEG_X * 1.5, DVec3::Z * 2.0, DVec3::Y * 2.5);
    GridGeometry {
        size: [38, 30, 21],
        patient_from_voxel: DAffine3 {
            matrix3: turn * axes,
            translation: DVec3::new(30.0, -25.0, 12.0),
        },
    }
}

/// Bright in the middle, dark outside: 1000 less 25 a millimetre of distance from a place of the patient.
fn ball(grid: GridGeometry) -> Volume {
    let middle = grid.centre();
    let value = |index: DVec3| {
        let away = (grid.patient_from_voxel.transform_point3(index) - middle).length();
        (1000.0 - 25.0 * away).clamp(-900.0, 3000.0) as i16
    };
    let [columns, rows, slices] = grid.size;
    let frames = (0..slices)
        .map(|z| {
            let mut bytes = Vec::new();
            for y in 0..rows {
                for x in 0..columns {
                    let index = DVec3::new(x as f64, y as f64, z as f64);
                    bytes.extend(value(index).to_le_bytes());
                }
            }
            let pixels = PixelBytes::from_vec(bytes);
            Frame::new(rows, columns, 1, StoredType::I16, pixels).unwrap()
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

fn values(volume: &Volume) -> Vec<f64> {
    volume.frames.iter().flat_map(|f| f.values()).collect()
}

fn read(path: &Path) -> Volume {
    formats::read(path, &formats::Limits::default())
        .unwrap()
        .volumes
        .remove(0)
}

#[test]
fn the_command_writes_a_mask_on_the_volumes_own_grid() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_model(at, "threshold", false, as_stored());
    let coarse = Preparation {
        spacing_mm: Some([2.1, 1.3, 1.9]),
        axes: Axes::Lps,
        ..as_stored()
    };
    write_model(at, "coarse", false, coarse);
    write_model(at, "bands", true, as_stored());
    let volume = ball(oblique());
    formats::write(&at.join("volume.nii.gz"), &VolumeOut::new(&volume)).unwrap();
    // As any other program meets it.
    let volume = read(&at.join("volume.nii.gz"));
    let truth = values(&volume);
    let segment = |model: &str, out: &str, device: &str| {
        let ended = run(
            at,
            &[
                "segment",
                "@volume.nii.gz",
                "--model",
                model,
                "--out",
                out,
                "--device",
                device,
                "--json",
            ],
        );
        let line = lines(&ended).remove(0);
        (line, read(&at.join(&out[1..])))
    };
    let (line, mask) = segment("@threshold.toml", "@mask.nii.gz", "cpu");
    assert!(mask.grid.size == volume.grid.size);
    let (a, b) = (mask.grid.patient_from_voxel, volume.grid.patient_from_voxel);
    assert!(a.abs_diff_eq(b, 1e-4), "{a} {b}");
    let found = values(&mask);
    let expected: Vec<f64> = truth
        .iter()
        .map(|v| f64::from(u8::from(*v >= THRESHOLD)))
        .collect();
    // A value at the threshold itself may fall on either side by rounding.
    let off = |found: &[f64], within: f64| {
        found
            .iter()
            .zip(&expected)
            .zip(&truth)
            .filter(|((f, e), v)| f != e && (**v - THRESHOLD).abs() > within)
            .count()
    };
    assert_eq!(off(&found, 1.0), 0);
    let voxels = found.iter().filter(|v| **v == 1.0).count();
    assert!(voxels > 500);
    assert_eq!(line["outcome"], "ok");
    assert_eq!(line["segments"][0]["label"], "bright");
    assert_eq!(line["segments"][0]["voxels"], voxels);
    let ml = line["segments"][0]["volume_ml"].as_f64().unwrap();
    // A ball of radius 16 mm.
    let ball_ml = 4.0 / 3.0 * std::f64::consts::PI * 1.6f64.powi(3);
    assert!((ml / ball_ml - 1.0).abs() < 0.04, "{ml} {ball_ml}");
    assert_eq!(line["device"], "CPU (flex)");
    assert!(line["memory_bytes"].as_u64().unwrap() > 0);
    // On another grid: off by half a voxel of it at most, which is 2.5 mm and so 63 units.
    let (line, mask) = segment("@coarse.toml", "@coarse.nrrd", "cpu");
    assert_eq!(off(&values(&mask), 63.0), 0);
    assert_ne!(line["network_size"], line["size"]);
    // Several labels.
    let (line, mask) = segment("@bands.toml", "@bands.nii.gz", "cpu");
    for (label, value) in values(&mask).iter().zip(&truth) {
        let expected = match value {
            v if (v - 600.0).abs() <= 1.0 || (v - 800.0).abs() <= 1.0 => continue,
            v if *v > 800.0 => 7.0,
            v if *v > 600.0 => 1.0,
            _ => 0.0,
        };
        assert_eq!(*label, expected, "{value}");
    }
    let numbers: Vec<_> = line["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 7]);
}

#[test]
fn the_command_refuses_what_it_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_model(at, "bands", true, as_stored());
    formats::write(&at.join("volume.nii.gz"), &VolumeOut::new(&ball(oblique()))).unwrap();
    let segment = |out: &str, more: &[&str]| {
        let mut line = vec![
            "segment",
            "@volume.nii.gz",
            "--model",
            "@bands.toml",
            "--out",
            out,
        ];
        line.extend(more);
        run(at, &line)
    };
    let dicom = segment("@mask.dcm", &[]);
    assert_eq!(dicom.exit, Exit::Unsupported, "{}", dicom.err);
    assert!(dicom.err.contains("no DICOM objects"));
    let small = segment("@mask.nii.gz", &["--max-memory", "47K"]);
    assert_eq!(small.exit, Exit::Limit, "{}", small.err);
    assert!(
        small.err.contains("memory does not suffice"),
        "{}",
        small.err
    );
    assert!(!at.join("mask.nii.gz").exists());
    // The lung model is for pictures and says so.
    let lungs = run(at, &["segment", "@volume.nii.gz", "--out", "@mask.png"]);
    assert_ne!(lungs.exit, Exit::Done);
}

fn worker(device: BurnDevice) -> (NetworkWorker, mpsc::Receiver<Answer>) {
    let (send, receive) = mpsc::channel();
    let worker = NetworkWorker::start(device, Registry::new(None), move |answer| {
        let _ = send.send(answer);
    })
    .unwrap();
    (worker, receive)
}

fn request(
    view: u64,
    folder: &Path,
    conduct: Conduct,
    breaks_at: Option<usize>,
) -> (VolumeRequest, Arc<Mutex<Vec<usize>>>) {
    let registry = Registry::new(Some(folder.to_owned()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let request = VolumeRequest {
        view,
        model: "threshold".into(),
        load: Box::new(move |device| volume_model(&registry.load("threshold")?, device)),
        volume: Box::new(|| Ok(ball(oblique()))),
        input_uid: "1.2.3".into(),
        conduct,
        tell: Box::new(move |news, model| {
            assert_eq!(model.labels[0].name, "bright");
            telling.lock().unwrap().push(news.done);
            assert_ne!(Some(news.done), breaks_at, "this one breaks");
            Ok(())
        }),
    };
    (request, told)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn the_worker_survives_a_job_that_breaks_and_cancels_at_once() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), "threshold", false, as_stored());
    let (worker, answers) = worker(BurnDevice::flex());
    let (broken, told) = request(1, folder.path(), Conduct::default(), Some(3));
    worker.request_volume(broken);
    let answer = answers.recv_timeout(LONG).unwrap();
    let Outcome::Failed(error) = answer.outcome else {
        panic!("{:?}", answer.outcome);
    };
    assert!(
        matches!(error, AiError::Compute(_)) && error.is_of_device(),
        "{error}"
    );
    assert_eq!(*told.lock().unwrap(), [1, 2, 3]);
    // The next job runs as if nothing had happened.
    let (good, told) = request(1, folder.path(), Conduct::default(), None);
    worker.request_volume(good);
    let Outcome::Volume(proposal) = answers.recv_timeout(LONG).unwrap().outcome else {
        panic!("no proposal");
    };
    let windows = proposal.segmented.windows;
    assert_eq!(*told.lock().unwrap(), (1..=windows).collect::<Vec<_>>());
    assert_eq!(proposal.segmented.meaning, Meaning::Probability);
    assert!(matches!(proposal.segmented.mask, VolumeMask::Cpu(_)));
    assert_eq!(proposal.provenance.model.id, "threshold");
    // Cancelled in the middle: answered before the call returns, and the thread is free soon after.
    let conduct = Conduct::default();
    let progress = conduct.progress.clone();
    let (long, _) = request(1, folder.path(), conduct, None);
    worker.request_volume(long);
    let start = Instant::now();
    while progress.get().0 == 0 && start.elapsed() < LONG {
        std::thread::sleep(Duration::from_millis(1));
    }
    let start = Instant::now();
    worker.cancel(1);
    let answer = answers.try_recv().expect("answered before cancel returned");
    assert!(matches!(answer.outcome, Outcome::Cancelled));
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
    let (after, _) = request(2, folder.path(), Conduct::default(), None);
    worker.request_volume(after);
    let answer = answers.recv_timeout(LONG).unwrap();
    assert!(matches!(answer.outcome, Outcome::Volume(_)));
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn the_worker_leaves_the_mask_on_the_drawing_device() {
    let (_turn, context, device) = gpu();
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), "threshold", false, as_stored());
    let (worker, answers) = worker(device);
    let before = context.door.snapshot();
    let (request, _) = request(1, folder.path(), Conduct::default(), None);
    worker.request_volume(request);
    let Outcome::Volume(proposal) = answers.recv_timeout(LONG).unwrap().outcome else {
        panic!("no proposal");
    };
    let counts = context.door.since(&before);
    assert_eq!(
        (counts.uploaded(Cargo::Mask), counts.read_back_in_all()),
        (0, 0)
    );
    let VolumeMask::Gpu(mask) = &proposal.segmented.mask else {
        panic!("the mask left the device");
    };
    drop(worker);
    let found = mask.read_back(context).unwrap();
    for (byte, value) in found.iter().zip(values(&ball(oblique()))) {
        if (value - THRESHOLD).abs() > 2.0 {
            assert_eq!(*byte >= 128, value > THRESHOLD, "{byte} {value}");
        }
    }
}

fn stage_with(folder: &Path, device: DeviceChoice) -> Stage {
    let options = Options {
        plain: true,
        paths: vec![folder.join("volume.nii.gz")],
        language: Some(Language::English),
        device,
        threads: Some(2),
        models_folder: Some(folder.to_owned()),
        ..Options::default()
    };
    let mut stage = Stage::open(options, [1000.0, 700.0]).unwrap();
    stage.settle().unwrap();
    // They are looked for on a thread of their own.
    let start = Instant::now();
    while stage.program().workspace.volume_masks.models.is_empty() && start.elapsed() < LONG {
        stage.step();
    }
    stage.command(Command::LayoutMpr);
    stage.settle().unwrap();
    stage.command(Command::ShowAi);
    stage.settle().unwrap();
    stage
}

/// The mask is over the bright ball in all three planes, says that it is AI, and its looks move no byte of it.
#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn the_window_shows_the_mask_in_every_plane() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_model(at, "threshold", false, as_stored());
    write_model(at, "bands", true, as_stored());
    formats::write(&at.join("volume.nii.gz"), &VolumeOut::new(&ball(oblique()))).unwrap();
    let mut stage = stage_with(at, DeviceChoice::Cpu);
    assert_eq!(stage.program().workspace.layout, Layout::Mpr);
    let models = &stage.program().workspace.volume_masks.models;
    assert_eq!(models.len(), 2);
    let gpu = stage.program().workspace.gpu.clone();
    let before = gpu.door.snapshot();
    stage
        .program_mut()
        .workspace
        .act(Action::VolumeModel("bands".into()));
    stage.command(Command::SegmentVolume);
    stage.settle().unwrap();
    let (_, mask) = stage.program().workspace.active_volume_mask().unwrap();
    assert!(!mask.in_progress());
    assert!(mask.uploaded && mask.findings.is_empty());
    // Computed on the CPU: each window came once, and nothing went back.
    let counts = gpu.door.since(&before);
    assert!(counts.uploaded(Cargo::Mask) > 0);
    assert_eq!(counts.read_back_in_all(), 0);
    let tree = screen::describe(&mut stage);
    for cell in 0..3 {
        let text = texts(&tree, cell);
        for part in ["AI, not for diagnostic use", "bands"] {
            assert!(text.contains(part), "`{part}` is missing in {cell}\n{text}");
        }
    }
    let harness = stage.harness();
    for label in ["brightest", "CPU (flex)"] {
        assert!(
            harness.query_all_by_label_contains(label).next().is_some(),
            "{label}"
        );
    }
    // Opacity is a uniform.
    let (drawn, counts) = (stage.program().pictures_drawn(), gpu.door.snapshot());
    let with = stage.screenshot().unwrap();
    let mut style = stage.program().workspace.masks.style;
    style.opacity = 0.9;
    stage.program_mut().workspace.act(Action::MaskStyle(style));
    stage.settle().unwrap();
    assert_ne!(stage.screenshot().unwrap(), with);
    // Each of the planes was drawn anew.
    assert!(stage.program().pictures_drawn() >= drawn + 3);
    let moved = gpu.door.since(&counts);
    assert_eq!(
        (moved.uploaded(Cargo::Mask), moved.read_back(Cargo::Mask)),
        (0, 0)
    );
    let series = {
        let (series, _) = stage.program().workspace.active_volume_mask().unwrap();
        series.to_owned()
    };
    stage
        .program_mut()
        .workspace
        .act(Action::RemoveVolumeMask(series));
    stage.settle().unwrap();
    assert!(stage.program().workspace.active_volume_mask().is_none());
}

/// The same on the device that draws: between the last kernel and the frame no byte of the mask moves.
#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn a_mask_made_on_the_drawing_device_is_drawn_without_a_copy() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_model(at, "threshold", false, as_stored());
    formats::write(&at.join("volume.nii.gz"), &VolumeOut::new(&ball(oblique()))).unwrap();
    let mut stage = stage_with(at, DeviceChoice::Gpu);
    let gpu = stage.program().workspace.gpu.clone();
    let without = stage.screenshot().unwrap();
    let before = gpu.door.snapshot();
    stage.command(Command::SegmentVolume);
    stage.settle().unwrap();
    let counts = gpu.door.since(&before);
    assert_eq!(
        (counts.uploaded(Cargo::Mask), counts.read_back_in_all()),
        (0, 0)
    );
    let (_, mask) = stage.program().workspace.active_volume_mask().unwrap();
    assert!(!mask.uploaded && !mask.in_progress());
    let mask = mask.mask.clone();
    assert_ne!(stage.screenshot().unwrap(), without);
    // A forced read-back is seen by the door.
    let before = gpu.door.snapshot();
    mask.read_back(&gpu).unwrap();
    assert!(gpu.door.since(&before).read_back(Cargo::Mask) > 0);
}
