//! Layers in bricks on the device: a stamp brings up its box and no more, and what lies there is what the layer says.

use super::{Noise, bench};
use glam::{DAffine3, DVec3};
use negatoscope::{
    gpu::{
        BoxWriter, Cargo, GpuContext, GpuError, MaskBox,
        brick_mask::{BrickChange, BrickMask, BrickPart, SIDE, VOLUME},
    },
    model::{
        geometry::GridGeometry,
        segmentation::{VoxelBox, Voxels},
    },
    render::segments::DeviceLayer,
    tools::brush::{self, BrushShape, Stamp},
};

/// Columns, rows and slices that are no multiples of a brick's.
const SIZE: [usize; 3] = [117, 101, 55];

fn grid(size: [usize; 3]) -> GridGeometry {
    GridGeometry {
        size,
        patient_from_voxel: DAffine3::from_scale(DVec3::new(1.0, 1.0, 2.0)),
    }
}

/// All voxels as they lie on the device, columns fastest.
fn read(gpu: &GpuContext, layer: &DeviceLayer) -> Vec<u8> {
    let mask = layer.mask();
    let all = |buffer: &wgpu::Buffer| {
        let size = buffer.size();
        gpu.door.read_buffer(Cargo::Mask, buffer, 0, size).unwrap()
    };
    let pool = all(mask.buffer());
    let table = all(mask.table().expect("a layer in bricks"));
    let entries = table.chunks_exact(4);
    let table: Vec<u32> = entries
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let size = mask.size();
    let across = size.map(|n| n.div_ceil(SIDE));
    let mut voxels = Vec::with_capacity(size.iter().product());
    for z in 0..size[2] {
        for y in 0..size[1] {
            for x in 0..size[0] {
                let brick = (z / SIDE * across[1] + y / SIDE) * across[0] + x / SIDE;
                let inside = (z % SIDE * SIDE + y % SIDE) * SIDE + x % SIDE;
                voxels.push(match table[brick] as usize {
                    0 => 0,
                    slot => pool[(slot - 1) * VOLUME + inside],
                });
            }
        }
    }
    voxels
}

/// Discs and balls of several numbers, also taken away, across the borders of bricks: after each the device has what the layer
/// has, voxel for voxel, whether bricks came, went, or got the slot of one that had gone.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn stamps_across_bricks_leave_on_the_device_what_the_layer_has() {
    let bench = bench();
    let gpu = &bench.gpu;
    let grid = grid(SIZE);
    let mut writer = BoxWriter::new(gpu).unwrap();
    let mut layer = DeviceLayer::within(gpu, SIZE, [0, 1 << 30]).unwrap();
    let mut voxels = Voxels::new(SIZE);
    let mut noise = Noise(11);
    let mut reused = false;
    for number in 0..60 {
        let label = [1, 300, 0, 2, 0][number % 5];
        let centre = DVec3::new(
            (noise.unit() * SIZE[0] as f64).round(),
            (noise.unit() * SIZE[1] as f64).round(),
            (noise.unit() * SIZE[2] as f64).round() * 2.0,
        );
        let stamp = Stamp {
            centre,
            normal: DVec3::Z,
            // What takes away is larger, so that bricks become empty.
            radius: if label == 0 {
                30.0
            } else {
                3.0 + noise.unit() * 14.0
            },
            shape: match number % 3 {
                0 => BrushShape::Disc,
                _ => BrushShape::Sphere,
            },
        };
        let held = voxels.occupied().count();
        let changed = brush::stamp(&mut voxels, &grid, &stamp, |_, _| label);
        // A stroke is tidied when it ends; some are followed as they are.
        if number % 2 == 0
            && let Some(part) = changed
        {
            voxels.tidy(&part);
            reused |= voxels.occupied().count() < held;
        }
        layer.follow(gpu, &mut writer, &voxels).unwrap();
        if number % 4 == 3 || number == 59 {
            let views = [1, 2, 300].map(|label| (label, layer.view(label)));
            let wanted = voxels.to_dense().into_iter().map(|label| {
                let view = views.iter().find(|(of, _)| *of == label);
                view.map_or(0, |(_, view)| *view)
            });
            let found = read(gpu, &layer);
            let differ = found
                .iter()
                .zip(wanted)
                .filter(|(is, wanted)| **is != *wanted);
            assert_eq!(differ.count(), 0, "after stamp {number}");
        }
    }
    assert!(reused, "no brick became empty");
    // All of it taken back at once.
    let blank = Voxels::new(SIZE);
    assert!(layer.follow(gpu, &mut writer, &blank).unwrap());
    assert!(read(gpu, &layer).iter().all(|byte| *byte == 0));
}

/// Bytes that stamps bring up, of those of their boxes: 2048 × 2048 × 1024 voxels are held in bricks.
fn share(gpu: &GpuContext, shape: BrushShape, radius: f64) -> f64 {
    let grid = grid([2048, 2048, 1024]);
    let mut writer = BoxWriter::new(gpu).unwrap();
    let mut layer = DeviceLayer::new(gpu, grid.size).unwrap();
    assert!(
        layer.mask().table().is_some(),
        "one binding does not take it"
    );
    let mut voxels = Voxels::new(grid.size);
    let mut noise = Noise(7);
    let (mut boxes, mut up) = (0, 0);
    for number in 0..24 {
        // Close to each other, so that most meet bricks that are there.
        let stamp = Stamp {
            centre: DVec3::new(
                900.0 + (noise.unit() * 90.0).round(),
                1100.0 + (noise.unit() * 90.0).round(),
                600.0 + (noise.unit() * 40.0).round() * 2.0,
            ),
            normal: DVec3::Z,
            radius,
            shape,
        };
        let mut painted = voxels.clone();
        let changed = brush::stamp(&mut painted, &grid, &stamp, |_, _| 1 + number % 3);
        let part = changed.expect("a stamp of another number changes voxels");
        let before = gpu.door.snapshot();
        assert!(layer.follow(gpu, &mut writer, &painted).unwrap());
        let copies = gpu.door.since(&before);
        assert_eq!(copies.read_back_in_all(), 0);
        let one = copies.uploaded(Cargo::Mask);
        assert!(
            one <= 2 * part.voxels() as u64,
            "{one} bytes for a box of {:?}",
            part.size()
        );
        boxes += part.voxels() as u64;
        up += one;
        voxels = painted;
    }
    assert!(up > 0);
    up as f64 / boxes as f64
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_stamp_in_bricks_brings_up_its_box_and_no_more() {
    let bench = bench();
    // A disc is one voxel thick, so that whole words and the place of each brick count for more.
    for (shape, radius, most) in [
        (BrushShape::Sphere, 20.0, 1.2),
        (BrushShape::Sphere, 12.0, 1.2),
        (BrushShape::Disc, 20.0, 1.4),
    ] {
        let share = share(&bench.gpu, shape, radius);
        assert!(share <= most, "{share} of the box for {shape:?} {radius}");
    }
}

/// What changed of bricks is told as tightly as of boxes: a voxel is a voxel, and zeros that were left are none.
#[test]
fn a_changed_brick_says_what_changed_of_it() {
    let mut before = Voxels::new(SIZE);
    before.map_row([20, 20], 10..40, |_, _| 5);
    let mut after = before.clone();
    after.map_row([21, 22], 15..17, |_, _| 6);
    let changed: Vec<_> = after.changed_bricks(&before).collect();
    let parts: Vec<VoxelBox> = changed.iter().map(|changed| changed.part).collect();
    let part = |first, end| VoxelBox { first, end };
    assert_eq!(
        parts,
        [part([15, 5, 6], [16, 6, 7]), part([0, 5, 6], [1, 6, 7])]
    );
    let boxes = after.changed_boxes(&before);
    assert_eq!(boxes, [part([15, 21, 22], [17, 22, 23])]);
    // The same numbers in bricks of their own differ in nothing.
    let mut same = after.clone();
    same.map_row([21, 22], 15..17, |_, _| 7);
    same.map_row([21, 22], 15..17, |_, _| 6);
    assert_eq!(same.changed_bricks(&after).count(), 0);
    let mut gone = before.clone();
    gone.map_row([20, 20], 10..40, |_, _| 0);
    assert!(gone.changed_bricks(&before).all(|c| c.numbers.is_none()));
    assert_eq!(gone.changed_bricks(&before).count(), 3);
    assert_eq!(gone.changed_bricks(&Voxels::new(SIZE)).count(), 0);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn what_is_no_box_of_a_brick_is_refused() {
    let bench = bench();
    let gpu = &bench.gpu;
    let mut writer = BoxWriter::new(gpu).unwrap();
    let mut mask = BrickMask::new(gpu, SIZE, 1 << 20).unwrap();
    let good = BrickPart {
        place: MaskBox {
            first: [4, 1, 2],
            size: [8, 2, 1],
        },
        voxels: vec![1; 16],
    };
    let mut of = |brick, first, size, count| {
        let part = BrickPart {
            place: MaskBox { first, size },
            voxels: vec![1; count],
        };
        let change = BrickChange {
            brick,
            part: Some(part),
        };
        mask.write(gpu, &mut writer, [change].into_iter())
    };
    for (brick, first, size, count) in [
        (0, [12, 0, 0], [8, 1, 1], 8),
        (0, [0, 15, 0], [4, 2, 1], 8),
        (0, [2, 0, 0], [4, 1, 1], 4),
        (0, [0, 0, 0], [4, 0, 1], 0),
        (0, [0, 0, 0], [4, 1, 1], 5),
        (0, [0, 0, usize::MAX], [4, 1, 1], 4),
        (1 << 20, [0, 0, 0], [4, 1, 1], 4),
    ] {
        let refused = of(brick, first, size, count);
        assert!(matches!(refused, Err(GpuError::Mismatch(_))), "{first:?}");
    }
    let MaskBox { first, size } = good.place;
    of(3, first, size, good.voxels.len()).unwrap();
}
