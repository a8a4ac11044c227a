//! The drawing device: same numbers as the CPU, the tensor's own buffer, nothing read back, and the worker.

use super::{TINY, lively_weights};
use negatoscope::{
    ai::{
        AiError, BurnDevice,
        card::{About, CardInput, CardTraining, CardWeights, ModelCard, PREPROCESSING, sha256_hex},
        device,
        infer::{MaskOutput, Segmenter},
        preprocess::FrameInput,
        readback::{ProbabilityMap, read_back},
        registry::{Model, Registry},
        unet::UNetConfig,
        worker::{Answer, NetworkWorker, Outcome, Request, Ticket},
    },
    gpu::{Cargo, GpuContext, SharedBuffer},
    model::{
        lut::ModalityLut,
        pixels::{Frame, PixelBytes, StoredType},
    },
    task::CancelToken,
};
use std::{
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    time::{Duration, Instant},
};

/// One device for all tests, used by one test at a time.
pub(crate) fn gpu() -> (MutexGuard<'static, ()>, &'static GpuContext, BurnDevice) {
    static CONTEXT: OnceLock<GpuContext> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let c = CONTEXT
        .get_or_init(|| GpuContext::headless().expect("a Vulkan adapter; lavapipe is enough"));
    (turn, c, device::of_context(c).unwrap())
}

fn model(config: UNetConfig, side: usize) -> Model {
    let weights = lively_weights(&config, 31).folded().unwrap();
    let bytes = weights.to_bytes().unwrap();
    Model {
        card: ModelCard {
            format: 1,
            id: "tiny".into(),
            version: "0.1".into(),
            trained: "2026-11-23".into(),
            about: About::default(),
            network: config,
            classifier: None,
            input: CardInput {
                side,
                preprocessing: PREPROCESSING.into(),
                threshold: 0.5,
                mirrored: false,
                volume: None,
            },
            volume: None,
            weights: CardWeights {
                file: "tiny.safetensors".into(),
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
            lesions: None,
            scope: None,
            usual: None,
        },
        weights,
    }
}

pub(super) fn wavy_frame(rows: usize, columns: usize) -> Frame {
    let bytes = (0..rows * columns)
        .flat_map(|i| {
            let (x, y) = (
                (i % columns) as f32 / columns as f32,
                (i / columns) as f32 / rows as f32,
            );
            let value = 2000.0 + 1500.0 * (9.0 * x).sin() * (7.0 * y + 2.0 * x).cos();
            (value as u16).to_le_bytes()
        })
        .collect();
    Frame::new(
        rows,
        columns,
        1,
        StoredType::U16,
        PixelBytes::from_vec(bytes),
    )
    .unwrap()
}

pub(super) fn input(frame: &Frame) -> FrameInput<'_> {
    FrameInput {
        frame,
        modality_lut: &ModalityLut::IDENTITY,
        padding: None,
        inverted: false,
    }
}

/// Copies a shared buffer to the CPU by hand, as a test may.
pub(super) fn copy_out(context: &GpuContext, shared: &SharedBuffer) -> Vec<f32> {
    let staging = context.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: shared.size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = context.device.create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(&shared.buffer, shared.offset, &staging, 0, shared.size);
    context.queue.submit([encoder.finish()]);
    staging
        .slice(..)
        .map_async(wgpu::MapMode::Read, |result| result.unwrap());
    context
        .device
        .poll(wgpu::PollType::wait_indefinitely())
        .unwrap();
    let bytes = staging.slice(..).get_mapped_range().unwrap();
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect()
}

pub(super) fn on_cpu(model: &Model, frame: &Frame) -> ProbabilityMap {
    let segmenter = Segmenter::new(model, &BurnDevice::flex()).unwrap();
    let result = segmenter
        .run(input(frame), &CancelToken::default())
        .unwrap();
    read_back(&result.probability).unwrap()
}

pub(super) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn both_devices_compute_the_same_and_the_buffer_is_the_tensors_own() {
    let (_turn, context, burn) = gpu();
    let frame = wavy_frame(70, 50);
    for patch in [1, 2] {
        let config = UNetConfig {
            width: 8,
            patch,
            ..TINY
        };
        let model = model(config, 64);
        assert!(config.operations(64, 64) < 500_000_000);
        let expected = on_cpu(&model, &frame);
        let spread = largest_difference(&expected.values, &vec![expected.values[0]; 64 * 64]);
        assert!(
            spread > 0.05,
            "the picture says too little to compare: {spread}"
        );
        let segmenter = Segmenter::new(&model, &burn).unwrap();
        let result = segmenter
            .run(input(&frame), &CancelToken::default())
            .unwrap();
        let MaskOutput::Gpu(shared) = result.probability.share().unwrap() else {
            panic!("the result of a GPU left it");
        };
        assert_eq!(shared.shape, [64, 64]);
        assert_eq!(shared.size, 4 * 64 * 64);
        assert_eq!(
            shared.offset % u64::from(context.device.limits().min_storage_buffer_offset_alignment),
            0
        );
        assert!(shared.buffer.usage().contains(wgpu::BufferUsages::STORAGE));
        // The numbers must survive the tensor, and later work on the same device.
        drop(result);
        segmenter
            .run(input(&wavy_frame(33, 90)), &CancelToken::default())
            .unwrap();
        let found = copy_out(context, &shared);
        let difference = largest_difference(&found, &expected.values);
        assert!(difference < 1e-4, "patch {patch}: {difference}");
    }
}

#[test]
fn the_door_counts_a_forced_read_back_and_nothing_else() {
    let (_turn, context, burn) = gpu();
    let model = model(TINY, 32);
    let before = context.door.snapshot();
    let segmenter = Segmenter::new(&model, &burn).unwrap();
    let result = segmenter
        .run(input(&wavy_frame(32, 32)), &CancelToken::default())
        .unwrap();
    let shared = result.probability.share().unwrap();
    assert!(matches!(shared, MaskOutput::Gpu(_)));
    let counts = context.door.since(&before);
    assert_eq!(counts.read_back_in_all(), 0);
    assert_eq!(counts.uploaded(Cargo::Mask), 0);
    assert_eq!(counts.uploaded(Cargo::ModelInput), 4 * 32 * 32);
    assert_eq!(
        counts.uploaded(Cargo::ModelState),
        4 * TINY.parameters() as u64
    );
    let map = read_back(&result.probability).unwrap();
    assert_eq!(
        context.door.since(&before).read_back(Cargo::Mask),
        4 * 32 * 32
    );
    assert_eq!((map.rows, map.columns), (32, 32));
    // On the CPU nothing crosses a bus.
    let before = context.door.snapshot();
    on_cpu(&model, &wavy_frame(32, 32));
    assert_eq!(context.door.since(&before), Default::default());
}

#[test]
fn a_device_is_joined_once() {
    let (_turn, c, burn) = gpu();
    let again = device::join(&c.instance, &c.adapter, &c.device, &c.queue).unwrap();
    assert_eq!(format!("{again:?}"), format!("{burn:?}"));
    assert!(burn.on_gpu() && burn.name().ends_with("(wgpu)"));
    // A software rasteriser draws but does not infer unless forced to.
    let auto = device::auto(&c.instance, &c.adapter, &c.device, &c.queue).unwrap();
    let software = c.adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    assert_eq!(auto.on_gpu(), !software);
}

/// The files that a mask passes on its way to the screen read nothing back.
#[test]
fn the_way_to_the_screen_reads_nothing_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ai");
    let calls = [
        "into_data",
        "to_data",
        "into_scalar",
        "to_vec_as",
        "into_vec_as",
        "into_data_as",
        "map_async",
        "try_execute",
    ];
    let mut seen = 0;
    for name in [
        "device.rs",
        "infer.rs",
        "worker.rs",
        "unet.rs",
        "preprocess.rs",
        "registry.rs",
        "card.rs",
        "weights.rs",
        "scope.rs",
    ] {
        let source = fs::read_to_string(folder.join(name)).unwrap();
        for call in calls {
            assert!(!source.contains(call), "{name} calls {call}");
        }
        seen += 1;
    }
    assert_eq!(seen, 9);
    let one = fs::read_to_string(folder.join("readback.rs")).unwrap();
    assert!(
        calls.iter().any(|call| one.contains(call)),
        "the list of calls has aged"
    );
}

fn models_folder() -> (tempfile::TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    // Large enough that the CPU needs a while: about 10 GFLOP.
    let config = UNetConfig {
        width: 24,
        patch: 1,
        ..TINY
    };
    for (id, model) in [("tiny", model(TINY, 32)), ("slow", model(config, 512))] {
        let bytes = model.weights.to_bytes().unwrap();
        let mut card = model.card;
        card.id = id.into();
        card.weights.file = format!("{id}.safetensors");
        fs::write(folder.path().join(&card.weights.file), bytes).unwrap();
        fs::write(
            folder.path().join(format!("{id}.toml")),
            card.to_toml().unwrap(),
        )
        .unwrap();
    }
    let registry = Registry::new(Some(folder.path().into()));
    (folder, registry)
}

fn request(view: u64, model: &str) -> Request {
    Request {
        to_measure: false,
        explain: None,
        view,
        model: model.into(),
        frame: wavy_frame(64, 48),
        modality_lut: ModalityLut::IDENTITY,
        padding: None,
        inverted: false,
        input_uid: "1.2.3".into(),
    }
}

fn worker(device: BurnDevice) -> (NetworkWorker, mpsc::Receiver<Answer>, tempfile::TempDir) {
    let (folder, registry) = models_folder();
    let (send, receive) = mpsc::channel();
    let worker = NetworkWorker::start(device, registry, move |answer| {
        let _ = send.send(answer);
    })
    .unwrap();
    (worker, receive, folder)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn the_worker_answers_with_a_proposal() {
    let (worker, answers, _folder) = worker(BurnDevice::flex());
    let ticket = worker.request(request(5, "tiny"));
    let answer = answers.recv_timeout(LONG).unwrap();
    assert_eq!((answer.ticket, answer.view), (ticket, 5));
    let Outcome::Done(proposal) = answer.outcome else {
        panic!("{:?}", answer.outcome);
    };
    let MaskOutput::Cpu(map) = &proposal.mask else {
        panic!("the CPU device has no buffers");
    };
    assert_eq!((map.rows, map.columns, map.values.len()), (32, 32, 1024));
    let p = &proposal.provenance;
    assert_eq!(
        (p.model.id.as_str(), p.input_uid.as_str(), p.device.as_str()),
        ("tiny", "1.2.3", "CPU (flex)")
    );
    assert_eq!(p.model.sha256.len(), 64);
    assert!(p.seconds > 0.0);
    // 64 rows and 48 columns on a grid of 32: two rows, one and a half columns a pixel.
    let scale = proposal.frame_from_probability.matrix2;
    assert_eq!((scale.x_axis.x, scale.y_axis.y), (1.5, 2.0));
    let unknown = worker.request(request(5, "nothing"));
    let answer = answers.recv_timeout(LONG).unwrap();
    assert_eq!(answer.ticket, unknown);
    assert!(matches!(
        answer.outcome,
        Outcome::Failed(AiError::UnknownModel(_))
    ));
    assert!(!worker.is_busy());
}

#[test]
fn the_worker_hands_over_the_buffer_on_a_gpu() {
    let (_turn, context, burn) = gpu();
    let (worker, answers, _folder) = worker(burn);
    worker.request(request(1, "tiny"));
    let Outcome::Done(proposal) = answers.recv_timeout(LONG).unwrap().outcome else {
        panic!("no proposal");
    };
    let MaskOutput::Gpu(shared) = &proposal.mask else {
        panic!("the mask left the GPU");
    };
    // Known only in CPU memory; nothing was read back to find it.
    assert_eq!(proposal.provenance.mean_probability, None);
    drop(worker);
    let expected = on_cpu(&model(TINY, 32), &wavy_frame(64, 48));
    assert!(largest_difference(&copy_out(context, shared), &expected.values) < 1e-4);
}

#[test]
fn cancelling_is_answered_at_once_and_the_newest_request_wins() {
    let (worker, answers, _folder) = worker(BurnDevice::flex());
    let slow = worker.request(request(1, "slow"));
    // Let it begin.
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    worker.cancel(1);
    let answer = answers.try_recv().expect("answered before cancel returned");
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(answer.ticket, slow);
    assert!(matches!(answer.outcome, Outcome::Cancelled));
    // Three of one view in a row, one of another: only the last of the first view is computed.
    let tickets: Vec<Ticket> = ["slow", "slow", "tiny"]
        .map(|m| worker.request(request(1, m)))
        .to_vec();
    let other = worker.request(request(2, "tiny"));
    let mut ends: Vec<(Ticket, bool)> = (0..4)
        .map(|_| {
            let answer = answers.recv_timeout(LONG).unwrap();
            (answer.ticket, matches!(answer.outcome, Outcome::Done(_)))
        })
        .collect();
    ends.sort();
    assert_eq!(
        ends,
        [
            (tickets[0], false),
            (tickets[1], false),
            (tickets[2], true),
            (other, true)
        ]
    );
    // The thrown-away results never arrive, and ending answers what is left.
    worker.request(request(3, "slow"));
    drop(worker);
    let last = answers.recv_timeout(LONG).unwrap();
    assert_eq!(last.view, 3);
    assert!(matches!(last.outcome, Outcome::Cancelled));
    assert!(answers.recv_timeout(Duration::from_millis(100)).is_err());
}
