//! Every picture of the GPU against its f64 twin: nearest within 1/255 everywhere, linear within 2/255.
//!
//! The phantoms are generated here. One device is made for all tests, and one test draws at a time.

mod answers;
mod bricks;
mod covers;
mod forest;
mod grey;
mod labels;
mod many_slices;
mod masks;
mod planes;
mod sampling;
mod slabs;
mod targets;
mod uploads;
mod walker;

use glam::{DAffine3, DMat3, DQuat, DVec2, DVec3};
use negatoscope::{
    gpu::{FrameTexture, GpuContext},
    imaging::reslice,
    model::{
        geometry::GridGeometry,
        lut::{LookupTable, ModalityLut, Voi, VoiLutFunction, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        view::{GreyPipeline, Interpolation, SliceView},
    },
    render::{OverlayScene, SliceRenderer, SliceScene, Target, TargetKind},
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

struct Bench {
    gpu: GpuContext,
    renderer: SliceRenderer,
}

/// The device, for one test at a time. Without an adapter the test fails and says how to leave it out.
fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Result<Mutex<Bench>, String>> = OnceLock::new();
    let made = BENCH.get_or_init(|| {
        let gpu = GpuContext::headless().map_err(|error| error.to_string())?;
        let renderer = SliceRenderer::new(&gpu).map_err(|error| error.to_string())?;
        Ok(Mutex::new(Bench { gpu, renderer }))
    });
    match made {
        Ok(bench) => bench.lock().unwrap_or_else(PoisonError::into_inner),
        Err(error) => panic!(
            "{error}; install a software adapter (Mesa lavapipe), or build with NEGATOSCOPE_NO_GPU=1 to leave these tests out"
        ),
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn bytes_of(value: f64, kind: StoredType) -> Vec<u8> {
    match kind {
        StoredType::U8 => vec![value as u8],
        StoredType::I8 => (value as i8).to_le_bytes().into(),
        StoredType::U16 => (value as u16).to_le_bytes().into(),
        StoredType::I16 => (value as i16).to_le_bytes().into(),
        StoredType::U32 => (value as u32).to_le_bytes().into(),
        StoredType::I32 => (value as i32).to_le_bytes().into(),
        StoredType::F32 => (value as f32).to_le_bytes().into(),
        StoredType::F64 => value.to_le_bytes().into(),
    }
}

fn frame_of(
    columns: usize,
    rows: usize,
    samples: usize,
    kind: StoredType,
    mut value: impl FnMut(usize, usize) -> f64,
) -> Frame {
    let mut bytes = vec![];
    for row in 0..rows {
        for column in 0..columns * samples {
            bytes.extend(bytes_of(value(column, row), kind));
        }
    }
    Frame::new(rows, columns, samples, kind, PixelBytes::from_vec(bytes)).unwrap()
}

const TYPES: [StoredType; 8] = [
    StoredType::U8,
    StoredType::I8,
    StoredType::U16,
    StoredType::I16,
    StoredType::U32,
    StoredType::I32,
    StoredType::F32,
    StoredType::F64,
];

/// Lowest and highest value that the phantoms of a type hold.
fn range(kind: StoredType) -> (f64, f64) {
    match kind {
        StoredType::U8 => (0.0, 255.0),
        StoredType::I8 => (-128.0, 127.0),
        StoredType::U16 => (0.0, 65535.0),
        StoredType::I16 => (-32768.0, 32767.0),
        StoredType::U32 => (0.0, 4_294_967_295.0),
        StoredType::I32 => (-2_147_483_648.0, 2_147_483_647.0),
        StoredType::F32 | StoredType::F64 => (-3000.0, 3000.0),
    }
}

/// Half noise over the whole range of the type, half values close to `near`.
fn noisy(
    kind: StoredType,
    near: f64,
    spread: f64,
    size: [usize; 3],
    seed: u64,
) -> Vec<Option<Frame>> {
    let (low, high) = range(kind);
    let mut noise = Noise(seed);
    let integer = !matches!(kind, StoredType::F32 | StoredType::F64);
    (0..size[2])
        .map(|_| {
            Some(frame_of(size[0], size[1], 1, kind, |_, _| {
                let value = if noise.next() & 1 == 0 {
                    low + (high - low) * noise.unit()
                } else {
                    near + (noise.unit() - 0.5) * spread
                };
                let value = value.clamp(low, high);
                if integer { value.round() } else { value }
            }))
        })
        .collect()
}

fn grey(kind: StoredType) -> GreyPipeline {
    GreyPipeline {
        stored_type: kind,
        modality_lut: ModalityLut::IDENTITY,
        voi: Voi::window(128.0, 256.0),
        inverted: false,
        padding: None,
        presentation: None,
    }
}

fn view(
    size: [u32; 2],
    mapping: DAffine3,
    grey: GreyPipeline,
    interpolation: Interpolation,
) -> SliceView {
    SliceView {
        size,
        voxel_from_viewport: mapping,
        interpolation,
        grey,
        samples: 1,
        area: false,
        slab: None,
    }
}

/// Viewport pixels to voxels: scaled, turned in the plane, so that the grid's middle is in the picture's middle.
fn in_plane(
    size: [u32; 2],
    grid: [usize; 3],
    voxels_per_pixel: DVec2,
    degrees: f64,
    z: f64,
) -> DAffine3 {
    let middle = DVec3::new(grid[0] as f64 * 0.5 - 0.5, grid[1] as f64 * 0.5 - 0.5, z);
    let turn = DMat3::from_rotation_z(degrees.to_radians());
    let scale = DMat3::from_diagonal(voxels_per_pixel.extend(1.0));
    let matrix3 = scale * turn;
    let centre = DVec3::new(f64::from(size[0]) * 0.5, f64::from(size[1]) * 0.5, 0.0);
    DAffine3 {
        matrix3,
        translation: middle - matrix3 * centre,
    }
}

fn texture_of(gpu: &GpuContext, frames: &[Option<Frame>]) -> FrameTexture {
    let first = frames.iter().flatten().next().unwrap();
    let texture = FrameTexture::new(
        gpu,
        first.columns,
        first.rows,
        frames.len(),
        first.stored_type,
        first.samples,
    )
    .unwrap();
    for (layer, frame) in frames.iter().enumerate() {
        if let Some(frame) = frame {
            texture.upload(layer, frame).unwrap();
        }
    }
    assert_eq!(texture.loaded_layers(), frames.iter().flatten().count());
    texture
}

fn drawn(
    bench: &Bench,
    texture: &FrameTexture,
    view: &SliceView,
    overlay: Option<OverlayScene<'_>>,
) -> Vec<u8> {
    let target = Target::new(&bench.gpu, view.size, TargetKind::Picture).unwrap();
    let scene = SliceScene {
        view,
        texture,
        cover: None,
        overlay,
        labels: None,
    };
    bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
    let picture = target.read_back().unwrap();
    assert!(!bench.gpu.take_error(), "the device reported an error");
    picture
}

/// Fails when two RGBA pictures differ by more than `bound` anywhere, and says where.
fn compare(name: &str, size: [u32; 2], gpu: &[u8], cpu: &[u8], bound: u8) {
    assert_eq!(gpu.len(), cpu.len(), "{name}");
    assert_eq!(cpu.len(), size[0] as usize * size[1] as usize * 4, "{name}");
    let worst = gpu
        .iter()
        .zip(cpu)
        .enumerate()
        .max_by_key(|(_, (a, b))| a.abs_diff(**b));
    let (i, (a, b)) = worst.unwrap();
    let beyond = gpu
        .iter()
        .zip(cpu)
        .filter(|(a, b)| a.abs_diff(**b) > bound)
        .count();
    let (x, y) = (i / 4 % size[0] as usize, i / 4 / size[0] as usize);
    assert!(
        beyond == 0,
        "{name}: {beyond} samples beyond {bound}/255; at ({x}, {y}) GPU {a}, CPU {b}"
    );
}

fn check(
    bench: &Bench,
    name: &str,
    frames: &[Option<Frame>],
    texture: &FrameTexture,
    view: &SliceView,
) {
    let bound = match view.interpolation {
        Interpolation::Nearest => 1,
        Interpolation::Linear | Interpolation::Cubic => 2,
    };
    let name = format!("{name}, {:?}", view.interpolation);
    let cpu = reslice::draw_cpu(view, frames);
    compare(
        &name,
        view.size,
        &drawn(bench, texture, view, None),
        &cpu,
        bound,
    );
}

/// How many different code values a picture holds: a test that compares black with black proves nothing.
fn variety(picture: &[u8]) -> usize {
    let mut seen = [false; 256];
    picture
        .chunks_exact(4)
        .for_each(|p| seen[p[0] as usize] = true);
    seen.iter().filter(|&&s| s).count()
}

fn table(first_mapped: i32, bits: u8, entries: Vec<u16>) -> LookupTable {
    LookupTable {
        first_mapped,
        entries: entries.into(),
        bits,
        explanation: String::new(),
    }
}

fn windowed(center: f64, width: f64, function: VoiLutFunction) -> Voi {
    Voi::Window {
        level: WindowLevel { center, width },
        function,
        explanation: String::new(),
    }
}

/// A smooth body with noise, spacing 0.8 × 0.7 × 2.5 mm, oblique in the patient.
fn phantom() -> (GridGeometry, Vec<Option<Frame>>) {
    let size = [57, 43, 19];
    let turn = DQuat::from_euler(glam::EulerRot::XYZ, 0.2, -0.3, 0.4);
    let grid = GridGeometry {
        size,
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_quat(turn) * DMat3::from_diagonal(DVec3::new(0.7, 0.8, 2.5)),
            translation: DVec3::new(-31.7, 12.3, 404.4),
        },
    };
    let mut noise = Noise(5);
    let frames = (0..size[2])
        .map(|k| {
            Some(frame_of(size[0], size[1], 1, StoredType::I16, |i, j| {
                let p = DVec3::new(i as f64 / 57.0, j as f64 / 43.0, k as f64 / 19.0) - 0.5;
                let body = if p.length() < 0.45 {
                    1040.0 + 900.0 * (9.0 * p.x).sin()
                } else {
                    24.0
                };
                (body + 60.0 * noise.unit()).round()
            }))
        })
        .collect();
    (grid, frames)
}

fn hounsfield() -> GreyPipeline {
    GreyPipeline {
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        voi: Voi::window(40.0, 400.0),
        ..grey(StoredType::I16)
    }
}
