//! Packed masks of volumes over planes and slabs, drawn where they lie.

use super::{Bench, bench, compare, frame_of, grey, texture_of};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    gpu::{BoxWriter, Cargo, FrameTexture, GpuError, MaskBits, MaskBox, MaskVolume},
    imaging::{
        labels::{self, LabelMap, LabelPlane},
        reslice,
    },
    model::{
        geometry::{BodyPlane, GridGeometry},
        labels::{Label, MaskLook, Meaning},
        pixels::{Frame, StoredType},
        segmentation::Voxels,
        slab::{Projection, Slab, SlabSteps},
        view::{Interpolation, OverlayStyle, SliceView, ViewPlane},
    },
    render::{LabelScene, SliceScene, Target, TargetKind, segments::DeviceLayer},
};

const SIZE: [usize; 3] = [40, 36, 22];
/// Columns that are no multiple of four, nor of 32.
const MASK: [usize; 3] = [37, 51, 18];

fn volume() -> (GridGeometry, Vec<Option<Frame>>) {
    let grid = GridGeometry {
        size: SIZE,
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_diagonal(DVec3::new(0.9, 1.0, 2.0)),
            translation: DVec3::new(-18.0, -16.0, -20.0),
        },
    };
    let frames = (0..SIZE[2])
        .map(|slice| {
            Some(frame_of(SIZE[0], SIZE[1], 1, StoredType::I16, |x, y| {
                ((x * 3 + y * 5 + slice * 7) % 90) as f64
            }))
        })
        .collect();
    (grid, frames)
}

/// Another grid over the same space: oblique, finer across, coarser along.
fn mask_grid() -> GridGeometry {
    let turn = DMat3::from_axis_angle(DVec3::new(0.2, 0.9, -0.3).normalize(), 0.3);
    let spacing = DVec3::new(0.95, 0.7, 2.3);
    let matrix3 = turn * DMat3::from_diagonal(spacing);
    let middle = DVec3::new(18.0, 25.0, 8.5);
    GridGeometry {
        size: MASK,
        patient_from_voxel: DAffine3 {
            matrix3,
            translation: -(matrix3 * middle),
        },
    }
}

/// Balls of several labels that touch, and a smooth ball of probabilities.
fn bytes(meaning: Meaning, most: u8) -> Vec<u8> {
    let grid = mask_grid();
    let mut bytes = Vec::new();
    for z in 0..MASK[2] {
        for y in 0..MASK[1] {
            for x in 0..MASK[0] {
                let index = DVec3::new(x as f64, y as f64, z as f64);
                let place = grid.patient_from_voxel.transform_point3(index);
                bytes.push(match meaning {
                    Meaning::Probability => {
                        let away = (place - DVec3::new(2.0, -1.0, 1.0)).length();
                        (255.0 * (1.3 - away / 14.0)).clamp(0.0, 255.0) as u8
                    }
                    Meaning::Labels => {
                        let ball = |centre: [f64; 3], radius: f64| {
                            (place - DVec3::from_array(centre)).length() < radius
                        };
                        let label = match () {
                            () if ball([-4.0, 0.0, 0.0], 7.0) => 1,
                            () if ball([5.0, 3.0, 2.0], 8.0) => 2,
                            () if ball([0.0, -9.0, -9.0], 5.0) => 200,
                            () => 0,
                        };
                        u8::min(label, most)
                    }
                });
            }
        }
    }
    bytes
}

fn packed(bench: &Bench, bytes: &[u8]) -> MaskVolume {
    let mask = MaskVolume::new(&bench.gpu, MASK, MaskBits::Eight).unwrap();
    // In two parts, as a worker brings them.
    let (first, rest) = bytes.split_at(MASK[0] * 60);
    mask.upload_rows(&bench.gpu, 0, first).unwrap();
    mask.upload_rows(&bench.gpu, 60, rest).unwrap();
    mask
}

fn views(grid: &GridGeometry) -> Vec<(&'static str, SliceView)> {
    let through = DVec3::new(1.0, 0.5, 0.2);
    let size = [90, 80];
    let oblique = ViewPlane::oblique(
        through,
        DVec3::new(0.5, 0.4, 0.8),
        DVec3::new(0.0, -1.0, 0.3),
        0.45,
    );
    let planes = [
        ("axial", ViewPlane::body(BodyPlane::Axial, through, 0.5)),
        ("coronal", ViewPlane::body(BodyPlane::Coronal, through, 0.6)),
        (
            "sagittal",
            ViewPlane::body(BodyPlane::Sagittal, through, 0.11),
        ),
        (
            "slice",
            ViewPlane::of_slice(grid, 11.0, 0.7)
                .turned(1)
                .mirrored(true, false),
        ),
        ("oblique", oblique.unwrap()),
    ];
    let mut views = Vec::new();
    for (name, plane) in planes {
        let view = |slab: Option<SlabSteps>| SliceView {
            slab,
            ..plane
                .slice_view(grid, size, Interpolation::Nearest, grey(StoredType::I16), 1)
                .unwrap()
        };
        views.push((name, view(None)));
        let slab = Slab {
            projection: Projection::Mip,
            thickness_mm: 12.0,
        };
        views.push((name, view(slab.steps(grid, plane.normal()))));
    }
    views
}

fn place(grid: &GridGeometry, view: &SliceView) -> LabelPlane {
    let mask_from_voxel = mask_grid().voxel_from_patient().unwrap() * grid.patient_from_voxel;
    LabelPlane {
        mask_from_viewport: mask_from_voxel * view.voxel_from_viewport,
        slab: view.slab.map(|slab| SlabSteps {
            step: mask_from_voxel.matrix3 * slab.step,
            ..slab
        }),
    }
}

fn looks(meaning: Meaning) -> Vec<MaskLook> {
    [
        (0.5, 0.35, 1.5, true),
        (0.25, 0.0, 1.0, false),
        (0.8, 0.6, 4.0, false),
        (0.5, 1.0, 0.0, false),
    ]
    .into_iter()
    .map(|(threshold, opacity, outline_px, dashed)| MaskLook {
        meaning,
        style: OverlayStyle {
            threshold,
            opacity,
            outline_px,
            dashed,
            color: [0.2, 0.9, 0.4],
            palette: None,
        },
        labels: [Label::new(1, "one"), Label::new(2, "two")].into(),
    })
    .collect()
}

fn with_labels(
    bench: &Bench,
    texture: &FrameTexture,
    view: &SliceView,
    scene: LabelScene<'_>,
) -> Vec<u8> {
    let target = Target::new(&bench.gpu, view.size, TargetKind::Picture).unwrap();
    let scene = SliceScene {
        view,
        texture,
        cover: None,
        overlay: None,
        labels: Some(scene),
    };
    bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
    let picture = target.read_back().unwrap();
    assert!(!bench.gpu.take_error(), "the device reported an error");
    picture
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn masks_of_volumes_have_a_twin() {
    let bench = bench();
    let (grid, frames) = volume();
    let texture = texture_of(&bench.gpu, &frames);
    for (meaning, most, bits) in [
        (Meaning::Labels, 255, MaskBits::Eight),
        (Meaning::Labels, 1, MaskBits::One),
        (Meaning::Probability, 255, MaskBits::Eight),
    ] {
        let bytes = bytes(meaning, most);
        let eight = packed(&bench, &bytes);
        let mask = match bits {
            MaskBits::Eight => eight,
            MaskBits::One => eight.to_bits(&bench.gpu, 1).unwrap(),
        };
        assert_eq!(mask.bits(), bits);
        assert!(mask.read_back(&bench.gpu).unwrap() == bytes);
        let map = LabelMap {
            size: MASK,
            bytes: &bytes,
        };
        for (name, view) in views(&grid) {
            let plane = place(&grid, &view);
            for look in looks(meaning) {
                let scene = LabelScene {
                    mask: &mask,
                    look: &look,
                    plane,
                };
                let gpu = with_labels(&bench, &texture, &view, scene);
                let plain = reslice::draw_cpu(&view, &frames);
                let mut cpu = plain.clone();
                labels::draw_cpu(&mut cpu, view.size, &map, &look, &plane);
                let slab = view.slab.is_some();
                let name = format!(
                    "{name}, slab {slab}, {meaning:?}, {bits:?}, {:?}",
                    look.style
                );
                compare(&name, view.size, &gpu, &cpu, 1);
                // Where the view is all inside there is no border.
                if look.style.opacity > 0.0 {
                    assert_ne!(cpu, plain, "{name}");
                }
            }
        }
    }
}

/// A mask that is the volume's own voxels falls on them in every plane: where the picture is bright, and nowhere else.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_mask_lies_on_what_it_marks() {
    let bench = bench();
    let (grid, _) = volume();
    let inside = |x: usize, y: usize, z: usize| {
        let at = DVec3::new(x as f64 - 17.0, y as f64 - 20.0, (z as f64 - 9.0) * 1.7);
        at.length() < 9.0
    };
    let frames: Vec<Option<Frame>> = (0..SIZE[2])
        .map(|z| {
            Some(frame_of(SIZE[0], SIZE[1], 1, StoredType::I16, |x, y| {
                if inside(x, y, z) { 1000.0 } else { -1000.0 }
            }))
        })
        .collect();
    let texture = texture_of(&bench.gpu, &frames);
    let mut bytes = Vec::new();
    for z in 0..SIZE[2] {
        for y in 0..SIZE[1] {
            bytes.extend((0..SIZE[0]).map(|x| u8::from(inside(x, y, z))));
        }
    }
    let mask = MaskVolume::new(&bench.gpu, SIZE, MaskBits::Eight).unwrap();
    mask.upload_rows(&bench.gpu, 0, &bytes).unwrap();
    let look = MaskLook {
        meaning: Meaning::Labels,
        style: OverlayStyle {
            opacity: 1.0,
            outline_px: 0.0,
            ..OverlayStyle::AI
        },
        labels: [Label {
            value: 1,
            name: String::new(),
            color: [0, 255, 0],
            hidden: false,
            dashed: false,
        }]
        .into(),
    };
    for (name, view) in views(&grid) {
        if view.slab.is_some() {
            continue;
        }
        let plane = LabelPlane {
            mask_from_viewport: view.voxel_from_viewport,
            slab: None,
        };
        let scene = LabelScene {
            mask: &mask,
            look: &look,
            plane,
        };
        let before = bench.gpu.door.snapshot();
        let drawn = with_labels(&bench, &texture, &view, scene);
        let counts = bench.gpu.door.since(&before);
        assert_eq!(counts.uploaded(Cargo::Mask), 0);
        assert_eq!(counts.read_back(Cargo::Mask), 0);
        let plain = reslice::draw_cpu(&view, &frames);
        let mut marked = 0;
        for (pixel, was) in drawn
            .as_chunks::<4>()
            .0
            .iter()
            .zip(plain.as_chunks::<4>().0)
        {
            let bright = was[0] > 200;
            assert_eq!(
                *pixel == [0, 255, 0, 255],
                bright,
                "{name} {pixel:?} {was:?}"
            );
            marked += usize::from(bright);
        }
        assert!(marked > 100, "{name}");
    }
}

/// What is hidden is not drawn, and what lies behind it in a slab is; one of two outlines may be dashed alone.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn hidden_and_dashed_labels_have_a_twin() {
    let bench = bench();
    let (grid, frames) = volume();
    let texture = texture_of(&bench.gpu, &frames);
    let bytes = bytes(Meaning::Labels, 255);
    let mask = packed(&bench, &bytes);
    let map = LabelMap {
        size: MASK,
        bytes: &bytes,
    };
    for (hidden, dashed) in [(1, 2), (2, 200), (200, 1)] {
        let labels = [1, 2, 200].map(|value| Label {
            hidden: value == hidden,
            dashed: value == dashed,
            ..Label::new(value, "")
        });
        let look = MaskLook {
            meaning: Meaning::Labels,
            style: OverlayStyle {
                dashed: false,
                outline_px: 2.0,
                ..OverlayStyle::AI
            },
            labels: labels.into(),
        };
        for (name, view) in views(&grid) {
            let plane = place(&grid, &view);
            let scene = LabelScene {
                mask: &mask,
                look: &look,
                plane,
            };
            let gpu = with_labels(&bench, &texture, &view, scene);
            let mut cpu = reslice::draw_cpu(&view, &frames);
            labels::draw_cpu(&mut cpu, view.size, &map, &look, &plane);
            compare(
                &format!("{name}, without {hidden}"),
                view.size,
                &gpu,
                &cpu,
                1,
            );
            // Laid over a finished picture it is the same.
            let target = Target::new(&bench.gpu, view.size, TargetKind::Picture).unwrap();
            let plain = SliceScene {
                view: &view,
                texture: &texture,
                cover: None,
                overlay: None,
                labels: None,
            };
            bench.renderer.draw(&bench.gpu, &target, &plain).unwrap();
            bench.renderer.lay(&bench.gpu, &target, &scene).unwrap();
            assert!(target.read_back().unwrap() == gpu, "{name}");
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn boxes_go_to_their_place_and_nothing_else_does() {
    let bench = bench();
    let mask = MaskVolume::new(&bench.gpu, MASK, MaskBits::Eight).unwrap();
    let mut wanted = vec![0_u8; MASK.iter().product()];
    let mut writer = BoxWriter::new(&bench.gpu).unwrap();
    let boxes = [
        ([0, 0, 0], [5, 3, 2]),
        ([13, 7, 4], [9, 20, 11]),
        // Up to the end of rows that are no whole words.
        ([30, 50, 17], [7, 1, 1]),
        ([0, 0, 0], MASK),
        ([36, 2, 3], [1, 1, 1]),
    ];
    let mut next = 1_u8;
    for (first, size) in boxes {
        let part = MaskBox::around(first, size, MASK[0]);
        assert!(part.first[0] <= first[0] && part.first[0].is_multiple_of(4));
        let mut bytes = Vec::new();
        for z in part.first[2]..part.first[2] + part.size[2] {
            for y in part.first[1]..part.first[1] + part.size[1] {
                for x in part.first[0]..part.first[0] + part.size[0] {
                    next = next.wrapping_mul(5).wrapping_add(3);
                    wanted[(z * MASK[1] + y) * MASK[0] + x] = next;
                    bytes.push(next);
                }
            }
        }
        let before = bench.gpu.door.snapshot();
        writer.write(&bench.gpu, &mask, &part, &bytes).unwrap();
        let up = bench.gpu.door.since(&before).uploaded(Cargo::Mask);
        assert_eq!(up, part.bytes() as u64);
        assert!(
            mask.read_back(&bench.gpu).unwrap() == wanted,
            "{first:?} {size:?}"
        );
    }
    let outside = MaskBox {
        first: [0, 0, 0],
        size: [40, 1, 1],
    };
    assert!(writer.write(&bench.gpu, &mask, &outside, &[0; 40]).is_err());
    let crooked = MaskBox {
        first: [2, 0, 0],
        size: [4, 1, 1],
    };
    assert!(writer.write(&bench.gpu, &mask, &crooked, &[0; 4]).is_err());
    let part = MaskBox::around([0, 0, 0], [4, 1, 1], MASK[0]);
    assert!(writer.write(&bench.gpu, &mask, &part, &[0; 3]).is_err());
}

/// A layer that does not fit one binding is held in bricks, and every picture is the same as of one that does.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_layer_in_bricks_is_drawn_as_one_that_fits() {
    let bench = bench();
    let gpu = &bench.gpu;
    let (grid, frames) = volume();
    let texture = texture_of(gpu, &frames);
    let mut writer = BoxWriter::new(gpu).unwrap();
    let mut whole = DeviceLayer::new(gpu, MASK).unwrap();
    // No voxel by voxel, and room for ever more bricks: it grows while it is painted.
    let mut bricks = DeviceLayer::within(gpu, MASK, [0, 1 << 30]).unwrap();
    assert!(bricks.mask().table().is_some() && whole.mask().table().is_none());
    // The same bytes stand for the same numbers, whichever is met first.
    for number in [1, 2, 200, 700] {
        assert_eq!(whole.view(number), bricks.view(number));
    }
    let mut voxels = Voxels::new(MASK);
    let mut noise = super::Noise(5);
    let labels = bytes(Meaning::Labels, 255);
    let mut states = Vec::new();
    for stroke in 0..7 {
        match stroke {
            // All of it at once, then boxes, and all of it taken away and given again.
            0 | 6 => voxels = Voxels::from_dense(MASK, labels.iter().map(|l| u16::from(*l))),
            5 => voxels = Voxels::new(MASK),
            _ => {
                for _ in 0..12 {
                    let at: [usize; 3] =
                        std::array::from_fn(|axis| (noise.unit() * MASK[axis] as f64) as usize);
                    let number = [0, 1, 2, 700][(noise.unit() * 4.0) as usize];
                    for z in at[2]..at[2] + 4 {
                        for y in at[1]..at[1] + 9 {
                            voxels.map_row([y, z], at[0]..at[0] + 11, |_, _| number);
                        }
                    }
                }
                voxels.tidy(&voxels.whole());
            }
        }
        states.push(voxels.clone());
        for layer in [&mut whole, &mut bricks] {
            assert!(layer.follow(gpu, &mut writer, &voxels).unwrap());
            assert!(!layer.follow(gpu, &mut writer, &voxels).unwrap());
        }
        for (name, view) in views(&grid) {
            let plane = place(&grid, &view);
            let look = looks(Meaning::Labels).remove(0);
            let drawn = |layer: &DeviceLayer| {
                let scene = LabelScene {
                    mask: layer.mask(),
                    look: &look,
                    plane,
                };
                with_labels(&bench, &texture, &view, scene)
            };
            assert!(drawn(&whole) == drawn(&bricks), "{name}, stroke {stroke}");
        }
    }
    // Where there is no room it says so, with how much there is.
    let mut small = DeviceLayer::within(gpu, MASK, [0, 3 * 4096]).unwrap();
    let refused = small.follow(gpu, &mut writer, &states[0]).unwrap_err();
    let GpuError::MaskTooLarge { bytes, limit } = refused else {
        panic!("{refused}");
    };
    assert_eq!((bytes, limit), (4 * 4096, 3 * 4096));
}

/// 2048 × 2048 × 1024 voxels: painted, shown, and no more memory than what was painted takes.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn the_largest_grid_is_painted_and_shown() {
    let bench = bench();
    let gpu = &bench.gpu;
    let size = [2048, 2048, 1024];
    let (grid, frames) = volume();
    let texture = texture_of(gpu, &frames);
    let mut writer = BoxWriter::new(gpu).unwrap();
    let mut layer = DeviceLayer::new(gpu, size).unwrap();
    assert!(
        layer.mask().table().is_some(),
        "one binding does not take it"
    );
    let mut voxels = Voxels::new(size);
    // The same balls in the middle of it, and at its far corner, as in the small mask.
    let labels = bytes(Meaning::Labels, 2);
    assert_eq!((layer.view(1), layer.view(2)), (1, 2));
    let corners = [
        [1000, 1003, 500],
        std::array::from_fn(|axis| size[axis] - MASK[axis]),
    ];
    for corner in corners {
        for z in 0..MASK[2] {
            for y in 0..MASK[1] {
                let from = (z * MASK[1] + y) * MASK[0];
                voxels.map_row(
                    [corner[1] + y, corner[2] + z],
                    corner[0]..corner[0] + MASK[0],
                    |x, _| u16::from(labels[from + x - corner[0]]),
                );
            }
        }
    }
    voxels.tidy(&voxels.whole());
    let before = gpu.door.snapshot();
    assert!(layer.follow(gpu, &mut writer, &voxels).unwrap());
    let up = gpu.door.since(&before).uploaded(Cargo::Mask);
    let table = 4 * size.iter().map(|n| n.div_ceil(16) as u64).product::<u64>();
    let painted = voxels.occupied().count() as u64 * 4096;
    assert!(up <= painted + table, "{up} {painted}");
    assert!(
        layer.held_bytes() <= table + 2 * painted.max(1 << 20),
        "{}",
        layer.held_bytes()
    );
    assert!(voxels.held_bytes() < 12 << 20, "{}", voxels.held_bytes());
    let small = packed(&bench, &labels);
    let look = looks(Meaning::Labels).remove(0);
    for corner in corners {
        for (name, view) in views(&grid) {
            let plane = place(&grid, &view);
            let far = DAffine3::from_translation(DVec3::from_array(corner.map(|n| n as f64)));
            let moved = LabelPlane {
                mask_from_viewport: far * plane.mask_from_viewport,
                ..plane
            };
            let drawn = |mask, plane| {
                let scene = LabelScene {
                    mask,
                    look: &look,
                    plane,
                };
                with_labels(&bench, &texture, &view, scene)
            };
            assert!(
                drawn(&small, plane) == drawn(layer.mask(), moved),
                "{name} {corner:?}"
            );
        }
    }
}
