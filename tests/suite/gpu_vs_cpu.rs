//! Every picture of the GPU against its f64 twin: nearest within 1/255 everywhere, linear within 2/255.
//!
//! The phantoms are generated here. One device is made for all tests, and one test draws at a time.

use glam::{DAffine2, DAffine3, DMat2, DMat3, DQuat, DVec2, DVec3};
use negatoscope::{
    gpu::{Cargo, FrameTexture, GpuContext, GpuError, SharedBuffer, texture::LayerState},
    imaging::{cover, overlay, reslice, window},
    model::{
        cover::{Bits, CoverLayer, CoverShown, FrameCover, Shutter, ShutterShape, group_color},
        geometry::{BodyPlane, GridGeometry},
        lut::{LookupTable, ModalityLut, PaddingRange, Voi, VoiLutFunction, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        view::{GreyPipeline, Interpolation, OverlayStyle, SliceView, ViewPlane},
    },
    render::{
        Blit, CoverScene, OverlayScene, SliceRenderer, SliceScene, Target, TargetKind,
        map_from_viewport, upload_probabilities,
    },
};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

mod many_slices;
mod sampling;
mod slabs;

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

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn all_types_slopes_and_windows() {
    let bench = bench();
    let size = [61, 47, 1];
    let picture = [97, 83];
    for kind in TYPES {
        let (low, high) = range(kind);
        let near = (low + (high - low) * 0.7).round();
        for (slope, intercept) in [
            (1.0, 0.0),
            (1.0, -1024.0),
            (0.5, 3.0),
            (-2.0, 7.0),
            (0.1, -3.3),
        ] {
            let steps = 64.0;
            let frames = noisy(kind, near, steps, size, 7);
            let texture = texture_of(&bench.gpu, &frames);
            let at = |stored: f64| slope * stored + intercept;
            let unit = f64::abs(slope);
            let whole = (high - low) * unit;
            // The edge of a step lies a quarter beside a value: on the value itself, `slope * stored + intercept` is
            // an equality of rounded numbers, where the slope is no power of two.
            let step = at(near) + unit * 0.25;
            let mut vois = vec![
                windowed(at((low + high) * 0.5), whole + 1.0, VoiLutFunction::Linear),
                windowed(at(near), whole * 1e6 + 2.0, VoiLutFunction::Linear),
                windowed(at(near), steps * unit, VoiLutFunction::LinearExact),
                windowed(step + 0.5, 1.0, VoiLutFunction::Linear),
                windowed(at(near), steps * unit * 0.5, VoiLutFunction::Sigmoid),
                windowed(at(near), unit * 1e-3, VoiLutFunction::Sigmoid),
                windowed(step, 1e-9, VoiLutFunction::LinearExact),
            ];
            if steps * unit > 2.0 {
                vois.push(windowed(at(near), steps * unit, VoiLutFunction::Linear));
            }
            for (i, voi) in vois.into_iter().enumerate() {
                for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                    // Between values of 32 bits, f32 keeps 24: there linear pictures are for wide windows. A window
                    // narrower than a stored step is a cliff, on which interpolated values may fall either way.
                    let cliff = [3, 5, 6].contains(&i);
                    let fine = kind.bytes() >= 4 && ![0, 1].contains(&i);
                    if interpolation == Interpolation::Linear && (cliff || fine) {
                        continue;
                    }
                    let mut grey = grey(kind);
                    grey.modality_lut = ModalityLut::Rescale { slope, intercept };
                    grey.voi = voi.clone();
                    grey.inverted = i % 2 == 1;
                    let mapping = in_plane(picture, size, DVec2::new(0.61, 0.57), 0.0, 0.0);
                    let view = view(picture, mapping, grey, interpolation);
                    let name = format!("{kind:?}, slope {slope}, window {i} {:?}", voi.level());
                    check(&bench, &name, &frames, &texture, &view);
                    if ![1, 3, 5, 6].contains(&i) {
                        assert!(variety(&reslice::draw_cpu(&view, &frames)) > 20, "{name}");
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_step_on_a_stored_value_is_exact() {
    let bench = bench();
    let size = [64, 64, 1];
    for kind in [
        StoredType::U8,
        StoredType::I8,
        StoredType::U16,
        StoredType::I16,
        StoredType::U32,
        StoredType::I32,
    ] {
        let (low, high) = range(kind);
        let near = (low + (high - low) * 0.3).round();
        let frames = noisy(kind, near, 6.0, size, 3);
        let texture = texture_of(&bench.gpu, &frames);
        for slope in [1.0, 0.5, -0.25] {
            let mut grey = grey(kind);
            grey.modality_lut = ModalityLut::Rescale {
                slope,
                intercept: 2.0,
            };
            // C.11.2.1.2.1 with width 1: values up to center - 0.5 are black, that value itself too.
            grey.voi = Voi::window(slope * near + 2.0 + 0.5, 1.0);
            let mapping = in_plane([64, 64], size, DVec2::ONE, 0.0, 0.0);
            let view = view([64, 64], mapping, grey, Interpolation::Nearest);
            let cpu = reslice::draw_cpu(&view, &frames);
            assert_eq!(variety(&cpu), 2);
            compare(
                &format!("{kind:?} {slope}"),
                view.size,
                &drawn(&bench, &texture, &view, None),
                &cpu,
                0,
            );
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn tables_of_both_kinds() {
    let bench = bench();
    let size = [53, 41, 1];
    let picture = [106, 82];
    let jagged = |n: u64, bits: u32| -> Vec<u16> {
        let mut noise = Noise(n);
        (0..n)
            .map(|_| (noise.next() & ((1 << bits) - 1)) as u16)
            .collect()
    };
    let ramp: Vec<u16> = (0..4096).map(|i| (i * 16) as u16).collect();
    for kind in [
        StoredType::U8,
        StoredType::I16,
        StoredType::U16,
        StoredType::I32,
        StoredType::U32,
    ] {
        let near = if kind.signed() { -300.0 } else { 130.0 };
        let frames = noisy(kind, near, 2000.0, size, 11);
        let texture = texture_of(&bench.gpu, &frames);
        let first = near as i32 - 700;
        let modalities = [
            ModalityLut::IDENTITY,
            ModalityLut::Rescale {
                slope: 0.5,
                intercept: -10.0,
            },
            ModalityLut::Rescale {
                slope: 0.1,
                intercept: 0.05,
            },
            ModalityLut::Table(table(first, 16, jagged(1500, 16))),
            ModalityLut::Table(table(i32::MIN, 8, vec![200])),
        ];
        for (m, modality_lut) in modalities.into_iter().enumerate() {
            let vois = [
                Voi::window(20_000.0, 30_000.0),
                Voi::window(130.0, 1000.0),
                Voi::Table(table(-50, 16, ramp.clone())),
                Voi::Table(table(first, 12, jagged(900, 12))),
                Voi::Table(table(0, 8, vec![7])),
            ];
            for (v, voi) in vois.into_iter().enumerate() {
                for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                    // Between neighbouring entries a jagged table jumps; interpolated values fall either way.
                    if interpolation == Interpolation::Linear && v == 3 {
                        continue;
                    }
                    if kind.bytes() == 4 && interpolation == Interpolation::Linear && m != 3 {
                        continue;
                    }
                    let mut grey = grey(kind);
                    grey.modality_lut = modality_lut.clone();
                    grey.voi = voi.clone();
                    grey.inverted = m == 1;
                    let mapping = in_plane(picture, size, DVec2::splat(0.5), 0.0, 0.0);
                    let view = view(picture, mapping, grey, interpolation);
                    check(
                        &bench,
                        &format!("{kind:?}, modality {m}, voi {v}"),
                        &frames,
                        &texture,
                        &view,
                    );
                }
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn presentation_luts_follow_the_window() {
    let bench = bench();
    let size = [53, 41, 1];
    let picture = [106, 82];
    // A curve with a slope of at most 2, one that falls, and one with few entries.
    let curve = |n: usize, bits: u32| -> Vec<u16> {
        let white = f64::from((1u32 << bits) - 1);
        let at = |i: usize| (i as f64 / (n - 1) as f64).powi(2);
        (0..n).map(|i| (at(i) * white).round() as u16).collect()
    };
    let falling: Vec<u16> = curve(4096, 12).into_iter().rev().collect();
    let tables = [
        table(0, 16, curve(65_536, 16)),
        table(0, 12, falling),
        table(0, 10, vec![0, 100, 1023]),
        table(0, 8, vec![90]),
    ];
    let vois = [
        Voi::window(130.0, 1000.0),
        windowed(130.0, 700.0, VoiLutFunction::Sigmoid),
        Voi::Table(table(-370, 12, curve(1000, 12))),
        Voi::window(130.0, 1.0),
    ];
    for kind in [StoredType::I16, StoredType::U16, StoredType::F32] {
        let frames = noisy(kind, 130.0, 1500.0, size, 29);
        let texture = texture_of(&bench.gpu, &frames);
        for (t, presentation) in tables.iter().enumerate() {
            for (v, voi) in vois.iter().enumerate() {
                for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                    // A step, and a table of few entries, make a jump of what differs in the last digit.
                    if interpolation == Interpolation::Linear && v >= 2 {
                        continue;
                    }
                    let mut grey = grey(kind);
                    grey.voi = voi.clone();
                    grey.presentation = Some(presentation.clone());
                    grey.inverted = v == 1;
                    let mapping = in_plane(picture, size, DVec2::splat(0.5), 0.0, 0.0);
                    let view = view(picture, mapping, grey, interpolation);
                    let name = format!("{kind:?}, presentation {t}, voi {v}");
                    check(&bench, &name, &frames, &texture, &view);
                }
            }
        }
    }
}

/// A cover whose layers overlap: a shutter, a sparse plane, a full one over half of the frame, noise.
fn layered([columns, rows, _]: [usize; 3]) -> FrameCover {
    let shutter = Shutter {
        shapes: vec![
            ShutterShape::Circle {
                row: rows as i32 / 2,
                column: columns as i32 / 2,
                radius: columns as i32 / 2,
                row_step: 0.8,
            },
            ShutterShape::Polygon(Arc::from([[1, 5], [30, 36], [40, 2]])),
        ],
        bitmap_group: None,
        color: [0.5004, 0.25, 0.125],
    };
    let mut noise = Noise(77);
    let mut plane = |group: u16, keep: &mut dyn FnMut(&mut Noise, usize, usize) -> bool| {
        let across = Bits::words_per_row(columns);
        let mut words = vec![0u32; across * rows];
        for row in 0..rows {
            for column in 0..columns {
                let set = keep(&mut noise, column, row);
                words[row * across + column / 32] |= u32::from(set) << (column % 32);
            }
        }
        CoverLayer {
            group: Some(group),
            name: "plane".into(),
            color: group_color(group),
            bits: Bits::new(columns, rows, words).unwrap(),
        }
    };
    FrameCover {
        layers: vec![
            CoverLayer {
                group: None,
                name: String::new(),
                color: shutter.color,
                bits: cover::shutter_bits(&shutter, columns, rows, None).unwrap(),
            },
            plane(0x6000, &mut |_, column, row| (column + 2 * row) % 9 == 0),
            plane(0x6004, &mut |_, column, row| column < 6 && row > 3),
            plane(0x601E, &mut |noise, _, _| noise.unit() < 0.05),
        ],
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn covers_have_a_twin() {
    let bench = bench();
    // More columns than a word has bits, and no multiple of it.
    let size = [37, 41, 2];
    let frames = noisy(StoredType::I16, 40.0, 600.0, size, 5);
    let texture = texture_of(&bench.gpu, &frames);
    let layers = Arc::new(layered(size));
    let picture = [139, 127];
    let mut colors_seen = std::collections::BTreeSet::new();
    for degrees in [0.0, 90.0, 180.0, 33.0] {
        for (sx, sy) in [
            (0.31, 0.31),
            (-0.31, 0.31),
            (1.0, 1.0),
            (0.02, -0.02),
            (0.9, 0.4),
        ] {
            for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                for (graphics, shutter) in
                    [(true, true), (true, false), (false, true), (false, false)]
                {
                    let mapping = in_plane(picture, size, DVec2::new(sx, sy), degrees, 1.0);
                    let mut grey = grey(StoredType::I16);
                    grey.padding = Some(PaddingRange { low: 0, high: 60 });
                    let view = view(picture, mapping, grey, interpolation);
                    let shown = CoverShown { graphics, shutter };
                    let target = Target::new(&bench.gpu, picture, TargetKind::Picture).unwrap();
                    let scene = SliceScene {
                        view: &view,
                        texture: &texture,
                        cover: Some(CoverScene {
                            cover: &layers,
                            shown,
                        }),
                        overlay: None,
                    };
                    bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
                    let gpu = target.read_back().unwrap();
                    let bare = reslice::draw_cpu(&view, &frames);
                    let mut cpu = bare.clone();
                    cover::paint_cpu(&view, &layers, shown, &mut cpu);
                    let name = format!("{degrees}, {sx} {sy}, {interpolation:?}, {shown:?}");
                    compare(&name, picture, &gpu, &cpu, 2);
                    // What is painted is the same to the last bit, and nothing else is touched.
                    let mut painted = 0;
                    let pixels = gpu.chunks_exact(4).zip(cpu.chunks_exact(4));
                    for ((ours, twin), bare) in pixels.zip(bare.chunks_exact(4)) {
                        if twin != bare {
                            assert_eq!(ours, twin, "{name}");
                            colors_seen.insert(twin.to_vec());
                            painted += 1;
                        }
                    }
                    // Far in, the middle fills the picture, and the shutter hides none of it.
                    let far_in = sx == 0.02 && !graphics;
                    assert_eq!(
                        painted > 0,
                        (graphics || shutter) && !far_in,
                        "{name}: {painted}"
                    );
                }
            }
        }
    }
    // All three planes and the shutter were seen.
    assert_eq!(colors_seen.len(), 4, "{colors_seen:?}");
    // The bits went up once.
    let before = bench.gpu.door.snapshot();
    let mapping = in_plane(picture, size, DVec2::splat(0.5), 0.0, 0.0);
    let view = view(
        picture,
        mapping,
        grey(StoredType::I16),
        Interpolation::Linear,
    );
    let target = Target::new(&bench.gpu, picture, TargetKind::Picture).unwrap();
    let draw = |cover: &Arc<FrameCover>| {
        let shown = CoverShown::ALL;
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: Some(CoverScene { cover, shown }),
            overlay: None,
        };
        bench.renderer.draw(&bench.gpu, &target, &scene)
    };
    draw(&layers).unwrap();
    let moved = bench.gpu.door.since(&before);
    assert_eq!(moved.uploaded(Cargo::Pixels), 0);
    let other = Arc::new(layered([36, 41, 2]));
    assert!(matches!(draw(&other), Err(GpuError::Mismatch(_))));
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

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn planes_turns_and_zooms() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let size = [131, 117];
    let mut planes: Vec<(String, ViewPlane)> = vec![];
    for plane in BodyPlane::ALL {
        planes.push((
            plane.word().into(),
            ViewPlane::body(plane, grid.centre(), 1.0),
        ));
    }
    for slice in [0.0, 7.0, 7.5, 18.0] {
        planes.push((
            format!("slice {slice}"),
            ViewPlane::of_slice(&grid, slice, 1.0),
        ));
    }
    let normal = DVec3::new(0.3, -0.5, 0.8);
    planes.push((
        "oblique".into(),
        ViewPlane::oblique(grid.centre(), normal, DVec3::NEG_Y, 1.0).unwrap(),
    ));
    let mut sharp = hounsfield();
    sharp.voi = Voi::window(40.0, 12.0);
    for (name, plane) in planes {
        for quarters in 0..4 {
            for flipped in [false, true] {
                let mut plane = plane.turned(quarters).mirrored(flipped, quarters == 3);
                let fit = plane.fitting(&grid, size);
                for zoom in [0.3, 1.0, 17.0] {
                    plane.mm_per_pixel = fit / zoom;
                    for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                        for grey in [hounsfield(), sharp.clone()] {
                            let view = plane
                                .slice_view(&grid, size, interpolation, grey, 1)
                                .unwrap();
                            let name =
                                format!("{name}, {quarters} turns, flipped {flipped}, zoom {zoom}");
                            check(&bench, &name, &frames, &texture, &view);
                        }
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn ties_between_voxels_fall_the_same_way() {
    let bench = bench();
    let size = [90, 70, 5];
    let frames = noisy(StoredType::I16, 0.0, 10.0, size, 17);
    let texture = texture_of(&bench.gpu, &frames);
    let picture = [64, 64];
    // Pixel centres fall exactly on the borders of voxels: whole steps, halves, thirds, and turned by 45°.
    for (step, degrees) in [
        (1.0, 0.0),
        (2.0, 0.0),
        (1.0 / 3.0, 0.0),
        (0.1, 0.0),
        (1.0, 45.0),
        (0.7, 90.0),
    ] {
        for z in [2.0, 2.5, 1.5 + 1e-12] {
            let mut mapping = in_plane(picture, size, DVec2::splat(step), degrees, z);
            mapping.translation.x = (mapping.translation.x * 2.0).round() * 0.5;
            mapping.translation.y = (mapping.translation.y * 2.0).round() * 0.5 - 0.5;
            let mut grey = grey(StoredType::I16);
            grey.voi = Voi::window(0.5, 65536.0);
            let view = view(picture, mapping, grey, Interpolation::Nearest);
            let cpu = reslice::draw_cpu(&view, &frames);
            let gpu = drawn(&bench, &texture, &view, None);
            compare(
                &format!("step {step}, {degrees}°, z {z}"),
                picture,
                &gpu,
                &cpu,
                1,
            );
            assert!(variety(&cpu) > 10);
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn padding_is_black_and_never_mixed_in() {
    let bench = bench();
    let size = [31, 29, 3];
    let picture = [120, 110];
    for kind in TYPES {
        let frames = noisy(kind, 100.0, 50.0, size, 23);
        let texture = texture_of(&bench.gpu, &frames);
        let (low, high) = range(kind);
        let wide = (low + (high - low) * 0.4).max(-2e9) as i32;
        let ranges = [
            PaddingRange { low: 90, high: 110 },
            PaddingRange {
                low: wide.min(0),
                high: wide.max(0),
            },
            PaddingRange {
                low: i32::MIN,
                high: i32::MAX,
            },
            PaddingRange { low: -5, high: -5 },
            PaddingRange { low: 3, high: 2 },
        ];
        for (i, range) in ranges.into_iter().enumerate() {
            for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                let mut grey = grey(kind);
                grey.padding = Some(range);
                grey.inverted = true;
                grey.voi = Voi::window((low + high) * 0.5, (high - low) * 0.9);
                let mapping = in_plane(picture, size, DVec2::splat(0.26), 10.0, 1.25);
                let view = view(picture, mapping, grey, interpolation);
                check(
                    &bench,
                    &format!("{kind:?}, padding {i}"),
                    &frames,
                    &texture,
                    &view,
                );
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn what_is_no_number_is_no_image() {
    let bench = bench();
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, 0.25, 1e-42];
    for kind in [StoredType::F32, StoredType::F64] {
        let frames = [Some(frame_of(16, 16, 1, kind, |i, j| {
            odd[(i * 5 + j * 3) % odd.len()]
        }))];
        let texture = texture_of(&bench.gpu, &frames);
        for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
            let mut grey = grey(kind);
            grey.voi = windowed(0.3, 1.0, VoiLutFunction::LinearExact);
            grey.inverted = true;
            let mapping = in_plane([70, 70], [16, 16, 1], DVec2::splat(0.25), 0.0, 0.0);
            let view = view([70, 70], mapping, grey, interpolation);
            check(&bench, &format!("{kind:?}"), &frames, &texture, &view);
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn colour_passes_through() {
    let bench = bench();
    for (kind, white) in [(StoredType::U8, 255.0), (StoredType::U16, 65535.0)] {
        let mut noise = Noise(31);
        // 300 columns: rows of 900 bytes, neither a power of two nor a multiple of 256.
        let frames = [Some(frame_of(300, 21, 3, kind, |_, _| {
            (noise.unit() * white).round()
        }))];
        let texture = texture_of(&bench.gpu, &frames);
        for inverted in [false, true] {
            for (interpolation, step) in
                [(Interpolation::Nearest, 1.0), (Interpolation::Linear, 0.37)]
            {
                let mut grey = grey(kind);
                grey.inverted = inverted;
                let size = [301, 33];
                let mapping = in_plane(size, [300, 21, 1], DVec2::splat(step), 0.0, 0.0);
                let mut view = view(size, mapping, grey.clone(), interpolation);
                view.samples = 3;
                check(
                    &bench,
                    &format!("{kind:?}, inverted {inverted}"),
                    &frames,
                    &texture,
                    &view,
                );
            }
            // One pixel a voxel: the very bytes of the file.
            let mut grey = grey(kind);
            grey.inverted = inverted;
            let mapping = in_plane([300, 21], [300, 21, 1], DVec2::ONE, 0.0, 0.0);
            let mut view = view([300, 21], mapping, grey.clone(), Interpolation::Linear);
            view.samples = 3;
            let shown: Vec<u8> = drawn(&bench, &texture, &view, None)
                .chunks_exact(4)
                .flat_map(|p| [p[0], p[1], p[2]])
                .collect();
            let expected = window::display_u8(frames[0].as_ref().unwrap(), &grey);
            let worst = shown
                .iter()
                .zip(&expected)
                .map(|(a, b)| a.abs_diff(*b))
                .max();
            assert!(
                worst <= Some(if kind == StoredType::U8 { 0 } else { 1 }),
                "{worst:?}"
            );
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn slices_that_are_not_there_are_hatched() {
    let bench = bench();
    let (grid, mut frames) = phantom();
    for missing in [0, 3, 4, 9, 18] {
        frames[missing] = None;
    }
    let texture = texture_of(&bench.gpu, &frames);
    let size = [128, 128];
    let mut plane =
        ViewPlane::oblique(grid.centre(), DVec3::new(0.4, 0.8, 0.2), DVec3::Z, 1.0).unwrap();
    plane.mm_per_pixel = plane.fitting(&grid, size);
    for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
        let view = plane
            .slice_view(&grid, size, interpolation, hounsfield(), 1)
            .unwrap();
        check(&bench, "hatched", &frames, &texture, &view);
        let hatched = reslice::hatch(0, 0, false);
        let shown = drawn(&bench, &texture, &view, None);
        assert!(shown.chunks_exact(4).filter(|p| p[..3] == hatched).count() > 100);
    }
    // Beside a missing slice, but for rounding of the geometry: the slice itself is drawn.
    for (z, whole) in [(2.0 + 1e-6, true), (5.0 - 1e-6, true), (2.0 + 1e-3, false)] {
        let flat = ViewPlane::of_slice(&grid, z, 0.7);
        let view = flat
            .slice_view(&grid, [57, 43], Interpolation::Linear, hounsfield(), 1)
            .unwrap();
        check(&bench, &format!("slice {z}"), &frames, &texture, &view);
        let shown = drawn(&bench, &texture, &view, None);
        let hatched = reslice::hatch(20, 20, false);
        assert_eq!(
            shown[(20 * 57 + 20) * 4..][..3] != hatched,
            whole,
            "slice {z}"
        );
    }
    // A slice that failed is hatched the other way round; one that came late is drawn.
    let flat = ViewPlane::of_slice(&grid, 3.0, 0.7);
    let view = flat
        .slice_view(&grid, [57, 43], Interpolation::Linear, hounsfield(), 1)
        .unwrap();
    texture.mark_failed(3).unwrap();
    assert_eq!(texture.state(3), Some(LayerState::Failed));
    for (i, p) in drawn(&bench, &texture, &view, None)
        .chunks_exact(4)
        .enumerate()
    {
        let (x, y) = (i as u32 % 57, i as u32 / 57);
        // 0.8 mm between rows at 0.7 mm a pixel: the picture's 43 rows all lie inside.
        assert_eq!(p[..3], reslice::hatch(x, y, true), "({x}, {y})");
    }
    let late = phantom().1[3].take();
    texture.upload(3, late.as_ref().unwrap()).unwrap();
    frames[3] = late;
    check(&bench, "late", &frames, &texture, &view);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn modality_values_come_back_exactly() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let size = [90, 80];
    let mut plane = ViewPlane::of_slice(&grid, 7.0, 0.5);
    for (interpolation, bound) in [(Interpolation::Nearest, 0.0), (Interpolation::Linear, 1e-3)] {
        let view = plane
            .slice_view(&grid, size, interpolation, hounsfield(), 1)
            .unwrap();
        let target = Target::new(&bench.gpu, size, TargetKind::Values).unwrap();
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
        };
        bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
        let gpu = target.read_values().unwrap();
        let cpu = reslice::values_cpu(&view, &frames);
        assert_eq!(gpu.len(), cpu.len());
        let mut numbers = 0;
        for (a, b) in gpu.iter().zip(&cpu) {
            assert_eq!(a.is_nan(), b.is_nan());
            if !a.is_nan() {
                numbers += 1;
                assert!((a - b).abs() <= bound, "{a} {b}");
            }
        }
        assert!(numbers > 1000 && numbers < gpu.len());
        plane = plane.panned(3.3, 4.4);
    }
}

/// Frames arrive while their series is drawn, as in every window that opens one. wgpu takes two locks in opposite order
/// for that; without the door's own lock this stops for ever within some hundred rounds.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn drawing_while_frames_arrive_comes_to_an_end() {
    let bench = bench();
    let (grid, frames) = phantom();
    let frames: Vec<Frame> = frames.into_iter().flatten().collect();
    let first = frames[0].clone();
    let view = ViewPlane::of_slice(&grid, 2.0, 2.0)
        .slice_view(&grid, [24, 24], Interpolation::Nearest, hounsfield(), 1)
        .unwrap();
    let gpu = bench.gpu.clone();
    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let renderer = SliceRenderer::new(&gpu).unwrap();
        let target = Target::new(&gpu, view.size, TargetKind::Picture).unwrap();
        for _ in 0..150 {
            let texture = FrameTexture::new(
                &gpu,
                first.columns,
                first.rows,
                frames.len(),
                first.stored_type,
                first.samples,
            )
            .unwrap();
            std::thread::scope(|scope| {
                for half in 0..2 {
                    let (texture, frames) = (&texture, &frames);
                    scope.spawn(move || {
                        for (layer, frame) in frames.iter().enumerate() {
                            if layer % 2 == half {
                                texture.upload(layer, frame).unwrap();
                            }
                        }
                    });
                }
                while texture.loaded_layers() < frames.len() {
                    let scene = SliceScene {
                        view: &view,
                        texture: &texture,
                        cover: None,
                        overlay: None,
                    };
                    renderer.draw(&gpu, &target, &scene).unwrap();
                }
            });
        }
        done.send(()).unwrap();
    });
    let ended = waiting.recv_timeout(std::time::Duration::from_secs(120));
    assert!(ended.is_ok(), "drawing and uploading wait for each other");
}

/// A smooth map with two blobs, or the same cut to 0 and 1.
fn map(shape: [usize; 2], binary: bool) -> Vec<f32> {
    let blob = |x: f64, y: f64, cx: f64, cy: f64, r: f64| {
        (-((x - cx).powi(2) + (y - cy).powi(2)) / (r * r)).exp()
    };
    (0..shape[0] * shape[1])
        .map(|i| {
            let x = (i % shape[1]) as f64 / shape[1] as f64;
            let y = (i / shape[1]) as f64 / shape[0] as f64;
            let p = blob(x, y, 0.31, 0.43, 0.21) + blob(x, y, 0.77, 0.52, 0.13);
            if binary {
                f32::from(u8::from(p > 0.5))
            } else {
                p.min(1.0) as f32
            }
        })
        .collect()
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn overlays_have_a_twin() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let size = [140, 120];
    let mut styles = vec![OverlayStyle::AI];
    for (threshold, opacity, outline_px, dashed) in [
        (0.5, 0.35, 0.0, false),
        (0.3, 0.0, 1.0, false),
        (0.71, 0.5, 3.0, true),
        (0.5, 1.0, 7.5, false),
    ] {
        styles.push(OverlayStyle {
            threshold,
            opacity,
            outline_px,
            dashed,
            color: [0.9, 0.4, 0.1],
        });
    }
    for shape in [[43, 57], [32, 32], [101, 64]] {
        for binary in [false, true] {
            let values = map(shape, binary);
            let buffer = upload_probabilities(&bench.gpu, shape, &values).unwrap();
            for (turn, zoom) in [(0, 1.0), (1, 4.7), (3, 0.4), (0, 30.0)] {
                let mut plane = ViewPlane::of_slice(&grid, 9.0, 0.6).turned(turn);
                plane.mm_per_pixel /= zoom;
                let view = plane
                    .slice_view(&grid, size, Interpolation::Nearest, hounsfield(), 1)
                    .unwrap();
                let mapping = map_from_viewport(&view, [43, 57], shape);
                for style in &styles {
                    let scene = OverlayScene {
                        buffer: &buffer,
                        style: *style,
                        map_from_viewport: mapping,
                    };
                    let gpu = drawn(&bench, &texture, &view, Some(scene));
                    let plain = reslice::draw_cpu(&view, &frames);
                    let mut cpu = plain.clone();
                    let twin = overlay::ProbabilityMap {
                        shape,
                        values: &values,
                    };
                    overlay::draw_cpu(&mut cpu, size, &twin, style, &mapping);
                    let name =
                        format!("{shape:?}, binary {binary}, turn {turn}, zoom {zoom}, {style:?}");
                    compare(&name, size, &gpu, &cpu, 2);
                    if zoom <= 1.0 {
                        assert_ne!(cpu, plain, "{name}");
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_mask_is_drawn_where_it_lies_without_a_copy() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let size = [100, 90];
    let shape = [43, 57];
    let values = map(shape, false);
    // As if a network had left it: in the middle of a larger buffer, at an element that no alignment knows.
    let lead = 77;
    let mut padded = vec![0.9f32; lead];
    padded.extend(&values);
    padded.extend([0.9; 50]);
    let bytes: Vec<u8> = padded.iter().flat_map(|v| v.to_le_bytes()).collect();
    let before = bench.gpu.door.snapshot();
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let buffer = bench
        .gpu
        .door
        .new_buffer(Cargo::ModelState, "network", usage, &bytes)
        .unwrap();
    assert_eq!(
        bench.gpu.door.since(&before).uploaded(Cargo::ModelState),
        bytes.len() as u64
    );
    let shared = SharedBuffer::new(
        buffer,
        lead as u64 * 4,
        values.len() as u64 * 4,
        shape,
        Box::new(()),
    );
    let view = ViewPlane::of_slice(&grid, 9.0, 0.5)
        .slice_view(&grid, size, Interpolation::Linear, hounsfield(), 1)
        .unwrap();
    let scene = OverlayScene {
        buffer: &shared,
        style: OverlayStyle::AI,
        map_from_viewport: map_from_viewport(&view, shape, shape),
    };

    let before = bench.gpu.door.snapshot();
    let gpu = drawn(&bench, &texture, &view, Some(scene));
    let moved = bench.gpu.door.since(&before);
    for cargo in [
        Cargo::Mask,
        Cargo::ModelState,
        Cargo::ModelInput,
        Cargo::Pixels,
    ] {
        assert_eq!(
            (moved.uploaded(cargo), moved.read_back(cargo)),
            (0, 0),
            "{cargo:?}"
        );
    }
    assert_eq!(moved.read_back(Cargo::Picture), 100 * 90 * 4);
    assert_eq!(moved.read_back_in_all(), 100 * 90 * 4);
    assert!(moved.uploaded(Cargo::Uniform) > 0 && moved.uploaded(Cargo::Uniform) < 1024);

    let mut cpu = reslice::draw_cpu(&view, &frames);
    let twin = overlay::ProbabilityMap {
        shape,
        values: &values,
    };
    overlay::draw_cpu(
        &mut cpu,
        size,
        &twin,
        &OverlayStyle::AI,
        &scene.map_from_viewport,
    );
    compare("shared mask", size, &gpu, &cpu, 2);

    // The counter is no ornament: a forced read-back of the mask is counted.
    let before = bench.gpu.door.snapshot();
    let back = bench
        .gpu
        .door
        .read_buffer(Cargo::Mask, &shared.buffer, shared.offset, shared.size)
        .unwrap();
    assert_eq!(
        bench.gpu.door.since(&before).read_back(Cargo::Mask),
        shared.size
    );
    let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(back, expected);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_window_drag_uploads_no_pixels() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let target = Target::new(&bench.gpu, [64, 64], TargetKind::Picture).unwrap();
    let plane = ViewPlane::of_slice(&grid, 9.0, 0.8);
    let mut view = plane
        .slice_view(&grid, [64, 64], Interpolation::Linear, hounsfield(), 1)
        .unwrap();
    let mut draw = |voi| {
        view.grey.voi = voi;
        let before = bench.gpu.door.snapshot();
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
        };
        bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
        bench.gpu.door.since(&before)
    };
    draw(Voi::window(40.0, 400.0));
    let moved = draw(Voi::window(41.0, 402.0));
    assert_eq!(moved.uploaded_in_all(), moved.uploaded(Cargo::Uniform));
    // The numbers of one picture: plane, slab, grey chain.
    assert!(moved.uploaded_in_all() <= 512, "{moved:?}");
    // A table is uploaded once, and stays when another one was drawn in between.
    let ramp = Voi::Table(table(0, 8, (0..256).collect()));
    assert_eq!(draw(ramp.clone()).uploaded(Cargo::Lut), 1024);
    draw(Voi::window(40.0, 400.0));
    assert_eq!(draw(ramp).uploaded(Cargo::Lut), 0);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn frames_may_come_from_many_threads() {
    let bench = bench();
    let size = [300, 200, 24];
    let frames = noisy(StoredType::U16, 1000.0, 400.0, size, 41);
    let texture = FrameTexture::new(&bench.gpu, 300, 200, 24, StoredType::U16, 1).unwrap();
    assert_eq!(texture.memory_bytes(), 300 * 200 * 24 * 2);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (texture, frames) = (&texture, &frames);
            scope.spawn(move || {
                for layer in (thread..24).step_by(4) {
                    texture
                        .upload(layer, frames[layer].as_ref().unwrap())
                        .unwrap();
                }
            });
        }
    });
    let mut grey = grey(StoredType::U16);
    grey.voi = Voi::window(1000.0, 600.0);
    // A cut along the slices, so that every layer is seen.
    let mapping = DAffine3 {
        matrix3: DMat3::from_cols(DVec3::X, DVec3::new(0.0, 1.3, 0.2), DVec3::Z),
        translation: DVec3::new(-0.5, 0.0, 0.0),
    };
    let view = view([300, 115], mapping, grey, Interpolation::Linear);
    check(&bench, "threads", &frames, &texture, &view);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn large_frames_are_uploaded_in_runs() {
    let bench = bench();
    // 8.4 MB: three runs of at most 4 MiB, the last one short.
    let frame = frame_of(3001, 1401, 1, StoredType::U16, |i, j| {
        ((i * 31 + j * 17) % 4096) as f64
    });
    let frames = [Some(frame)];
    let texture = texture_of(&bench.gpu, &frames);
    let mut grey = grey(StoredType::U16);
    grey.voi = Voi::window(2048.0, 4096.0);
    let size = [750, 1401];
    for x in [0.0, 2251.0] {
        let mapping = DAffine3::from_translation(DVec3::new(x - 0.5, -0.5, 0.0));
        let view = view(size, mapping, grey.clone(), Interpolation::Nearest);
        check(&bench, "large", &frames, &texture, &view);
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn what_does_not_fit_is_refused_with_words() {
    let bench = bench();
    let gpu = &bench.gpu;
    let limits = gpu.device.limits();
    let new =
        |columns, layers, kind, samples| FrameTexture::new(gpu, columns, 4, layers, kind, samples);
    let side = limits.max_texture_dimension_2d as usize;
    let layers = FrameTexture::most_frames(gpu, 4);
    assert!(matches!(
        new(side + 1, 1, StoredType::U8, 1),
        Err(GpuError::FrameTooLarge { .. })
    ));
    assert!(matches!(
        new(4, layers + 1, StoredType::U8, 1),
        Err(GpuError::TooManyLayers { .. })
    ));
    assert!(matches!(
        new(0, 1, StoredType::U8, 1),
        Err(GpuError::Mismatch(_))
    ));
    assert!(matches!(
        new(4, 1, StoredType::F32, 3),
        Err(GpuError::Mismatch(_))
    ));
    assert!(new(side, 1, StoredType::U8, 1).is_ok());
    let texture = new(4, 2, StoredType::U8, 1).unwrap();
    let frame = |columns, kind| frame_of(columns, 4, 1, kind, |_, _| 0.0);
    assert!(texture.upload(2, &frame(4, StoredType::U8)).is_err());
    assert!(texture.upload(0, &frame(5, StoredType::U8)).is_err());
    assert!(texture.upload(0, &frame(4, StoredType::I8)).is_err());
    assert!(texture.mark_failed(2).is_err());
    assert_eq!(texture.loaded_layers(), 0);
    assert!(Target::new(gpu, [0, 5], TargetKind::Picture).is_err());
    let target = Target::new(gpu, [4, 4], TargetKind::Picture).unwrap();
    let mut wrong = view(
        [5, 4],
        DAffine3::IDENTITY,
        grey(StoredType::U8),
        Interpolation::Nearest,
    );
    let draw = |view: &SliceView, overlay| {
        let scene = SliceScene {
            view,
            texture: &texture,
            cover: None,
            overlay,
        };
        bench.renderer.draw(gpu, &target, &scene)
    };
    assert!(draw(&wrong, None).is_err());
    wrong.size = [4, 4];
    assert!(draw(&wrong, None).is_ok());
    wrong.grey.stored_type = StoredType::U16;
    assert!(draw(&wrong, None).is_err());
    wrong.grey.stored_type = StoredType::U8;
    assert!(upload_probabilities(gpu, [2, 2], &[0.0; 3]).is_err());
    assert!(upload_probabilities(gpu, [0, 0], &[]).is_err());
    let shared = upload_probabilities(gpu, [2, 2], &[0.0; 4]).unwrap();
    let mut short = shared.clone();
    short.shape = [3, 2];
    let over = |buffer| OverlayScene {
        buffer,
        style: OverlayStyle::AI,
        map_from_viewport: DAffine2::IDENTITY,
    };
    assert!(draw(&wrong, Some(over(&shared))).is_ok());
    assert!(draw(&wrong, Some(over(&short))).is_err());
    assert!(!gpu.take_error());
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_window_gets_the_picture_pixel_by_pixel() {
    let bench = bench();
    let gpu = &bench.gpu;
    let (grid, frames) = phantom();
    let texture = texture_of(gpu, &frames);
    let size = [40, 30];
    let view = ViewPlane::of_slice(&grid, 9.0, 1.0)
        .slice_view(&grid, size, Interpolation::Linear, hounsfield(), 1)
        .unwrap();
    let picture = Target::new(gpu, size, TargetKind::Picture).unwrap();
    let scene = SliceScene {
        view: &view,
        texture: &texture,
        cover: None,
        overlay: None,
    };
    bench.renderer.draw(gpu, &picture, &scene).unwrap();
    let expected = picture.read_back().unwrap();
    let origin = [13u32, 7];
    for format in [
        wgpu::TextureFormat::Rgba8Unorm,
        wgpu::TextureFormat::Bgra8Unorm,
        wgpu::TextureFormat::Rgba8UnormSrgb,
    ] {
        let window = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d {
                width: 64,
                height: 48,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let blit = Blit::new(gpu, format).unwrap();
        let binding = blit.bind(gpu, &picture);
        binding.place(gpu, origin.map(|v| v as i32)).unwrap();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &window.create_view(&Default::default()),
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::WHITE),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            // The viewport is a pixel wider and higher than the picture.
            pass.set_viewport(origin[0] as f32, origin[1] as f32, 41.0, 31.0, 0.0, 1.0);
            blit.paint(&mut pass, &binding);
        }
        gpu.queue.submit([encoder.finish()]);
        let shown = gpu
            .door
            .read_texture(Cargo::Picture, &window, 0, 4)
            .unwrap();
        for (i, pixel) in shown.chunks_exact(4).enumerate() {
            let (x, y) = (i as u32 % 64, i as u32 / 64);
            let (px, py) = (x.wrapping_sub(origin[0]), y.wrapping_sub(origin[1]));
            let want = if px < 40 && py < 30 {
                let at = (py * 40 + px) as usize * 4;
                [expected[at], expected[at + 1], expected[at + 2]]
            } else if px < 41 && py < 31 {
                [0; 3]
            } else {
                [255; 3]
            };
            let worst = (0..3).map(|c| pixel[c].abs_diff(want[c])).max().unwrap();
            // Encoding as sRGB rounds once more.
            let bound = u8::from(format.is_srgb());
            assert!(worst <= bound, "{format:?} ({x}, {y}): {pixel:?} {want:?}");
        }
    }
    assert!(!gpu.take_error());
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn far_views_are_black_and_harmless() {
    let bench = bench();
    let frames = noisy(StoredType::I16, 0.0, 100.0, [9, 8, 7], 2);
    let texture = texture_of(&bench.gpu, &frames);
    for scale in [1e3, 1e5, 1e12, -1e5, f64::NAN] {
        let mut mapping = in_plane([50, 50], [9, 8, 7], DVec2::splat(scale), 30.0, 3.0);
        mapping.translation.z = scale;
        for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
            let view = view([50, 50], mapping, grey(StoredType::I16), interpolation);
            check(&bench, &format!("scale {scale}"), &frames, &texture, &view);
        }
    }
    let flipped = DAffine2::from_mat2_translation(DMat2::IDENTITY * 1e9, DVec2::splat(-1e12));
    let buffer = upload_probabilities(&bench.gpu, [2, 2], &[1.0; 4]).unwrap();
    let scene = OverlayScene {
        buffer: &buffer,
        style: OverlayStyle::AI,
        map_from_viewport: flipped,
    };
    let near = in_plane([50, 50], [9, 8, 7], DVec2::splat(0.2), 0.0, 3.0);
    let view = view(
        [50, 50],
        near,
        grey(StoredType::I16),
        Interpolation::Nearest,
    );
    let plain = drawn(&bench, &texture, &view, None);
    assert_eq!(drawn(&bench, &texture, &view, Some(scene)), plain);
}
