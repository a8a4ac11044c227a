//! Overlay planes and shutters over a frame.

use super::{Noise, bench, compare, grey, in_plane, noisy, texture_of, view};
use glam::DVec2;
use negatoscope::{
    gpu::{Cargo, GpuError},
    imaging::{cover, reslice},
    model::{
        cover::{Bits, CoverLayer, CoverShown, FrameCover, Shutter, ShutterShape, group_color},
        lut::PaddingRange,
        pixels::StoredType,
        view::Interpolation,
    },
    render::{CoverScene, SliceScene, Target, TargetKind},
};
use std::sync::Arc;

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
                        labels: None,
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
            labels: None,
        };
        bench.renderer.draw(&bench.gpu, &target, &scene)
    };
    draw(&layers).unwrap();
    let moved = bench.gpu.door.since(&before);
    assert_eq!(moved.uploaded(Cargo::Pixels), 0);
    let other = Arc::new(layered([36, 41, 2]));
    assert!(matches!(draw(&other), Err(GpuError::Mismatch(_))));
}
