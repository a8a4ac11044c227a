//! Maps of probabilities over the picture, drawn where they lie.

use super::{bench, compare, drawn, hounsfield, phantom, texture_of};
use negatoscope::{
    gpu::{Cargo, SharedBuffer},
    imaging::{overlay, reslice},
    model::explanation::MapPalette,
    model::view::{Interpolation, OverlayStyle, ViewPlane},
    render::{OverlayScene, map_from_viewport, upload_probabilities},
};

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
            palette: None,
        });
    }
    for palette in [MapPalette::Heat, MapPalette::Signed, MapPalette::Doubt] {
        styles.push(OverlayStyle::explaining(palette, 0.8));
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
