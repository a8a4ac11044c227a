//! Planes through the volume: turned, mirrored, enlarged, between voxels, over slices that are not there, far away.

use super::{
    bench, check, compare, drawn, grey, hounsfield, in_plane, noisy, phantom, texture_of, variety,
    view,
};
use glam::{DAffine2, DMat2, DVec2, DVec3};
use negatoscope::{
    gpu::texture::LayerState,
    imaging::reslice,
    model::{
        geometry::BodyPlane,
        lut::Voi,
        pixels::StoredType,
        view::{Interpolation, OverlayStyle, ViewPlane},
    },
    render::{OverlayScene, upload_probabilities},
};

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
