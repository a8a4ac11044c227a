//! Slabs: the largest, the smallest and the mean value along the normal, with and without bricks.

use super::{
    Bench, Noise, bench, check, compare, drawn, frame_of, grey, in_plane, range, texture_of, view,
    windowed,
};
use glam::{DAffine3, DMat3, DVec2, DVec3};
use negatoscope::{
    gpu::FrameTexture,
    imaging::reslice,
    model::{
        geometry::{BodyPlane, GridGeometry},
        lut::{ModalityLut, PaddingRange, VoiLutFunction},
        pixels::{Frame, StoredType},
        slab::{Projection, Slab, SlabSteps},
        view::{GreyPipeline, Interpolation, SliceView, ViewPlane},
    },
    render::{SliceScene, Target, TargetKind},
};

const SIZE: [usize; 3] = [53, 41, 37];

/// Soft noise with a few bright and dark spots, so that bricks differ.
fn spotted(kind: StoredType) -> Vec<Option<Frame>> {
    let mut noise = Noise(21);
    let (low, high) = range(kind);
    (0..SIZE[2])
        .map(|slice| {
            Some(frame_of(SIZE[0], SIZE[1], 1, kind, |column, row| {
                let spot = (column / 6 + row / 5 + slice / 7) % 11;
                let near = match spot {
                    0 => 100.0,
                    1 => 20.0,
                    _ => 60.0,
                };
                (near + (noise.unit() - 0.5) * 16.0)
                    .round()
                    .clamp(low, high)
            }))
        })
        .collect()
}

fn noted(bench: &Bench, frames: &[Option<Frame>]) -> FrameTexture {
    let texture = texture_of(&bench.gpu, frames);
    for (slice, frame) in frames.iter().enumerate() {
        texture.note_values(slice, frame.as_ref().unwrap()).unwrap();
    }
    assert!(texture.bricks().unwrap().buffer().is_some());
    texture
}

fn grid() -> GridGeometry {
    GridGeometry {
        size: SIZE,
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_diagonal(DVec3::new(0.8, 0.9, 1.5)),
            translation: DVec3::new(-20.0, 10.0, -30.0),
        },
    }
}

fn planes() -> [(&'static str, ViewPlane); 4] {
    let middle = grid().centre();
    let askew = ViewPlane::oblique(middle, DVec3::new(0.3, -0.5, 0.8), DVec3::NEG_Y, 0.61).unwrap();
    let steep = ViewPlane::oblique(middle, DVec3::new(-0.9, 0.2, 0.1), DVec3::Z, 0.83).unwrap();
    [
        ("axial", ViewPlane::body(BodyPlane::Axial, middle, 0.7)),
        (
            "coronal",
            ViewPlane::body(BodyPlane::Coronal, middle + DVec3::new(0.3, 0.7, -0.2), 0.7),
        ),
        ("askew", askew),
        ("steep", steep),
    ]
}

fn slab_view(
    plane: &ViewPlane,
    grey: GreyPipeline,
    interpolation: Interpolation,
    projection: Projection,
    thickness_mm: f64,
) -> SliceView {
    let mut view = plane
        .slice_view(&grid(), [97, 89], interpolation, grey, 1)
        .unwrap();
    let slab = Slab {
        projection,
        thickness_mm,
    };
    view.slab = slab.steps(&grid(), plane.normal());
    assert!(view.slab.unwrap().count >= 5);
    view
}

/// Grey chains in which a projection goes the other way, may stop early, or may not leave anything out.
fn chains(kind: StoredType) -> Vec<(&'static str, GreyPipeline)> {
    let of = |slope: f64, center: f64, width: f64| GreyPipeline {
        modality_lut: ModalityLut::Rescale {
            slope,
            intercept: 5.0,
        },
        voi: windowed(center, width, VoiLutFunction::Linear),
        ..grey(kind)
    };
    let mut inverted = of(1.0, 65.0, 60.0);
    inverted.inverted = true;
    let mut padded = of(1.0, 65.0, 160.0);
    padded.padding = Some(PaddingRange { low: 95, high: 101 });
    let mut dark_padded = inverted.clone();
    dark_padded.padding = Some(PaddingRange { low: 12, high: 24 });
    let mut sigmoid = of(1.0, 65.0, 60.0);
    sigmoid.voi = windowed(65.0, 60.0, VoiLutFunction::Sigmoid);
    vec![
        ("wide", of(1.0, 65.0, 160.0)),
        ("narrow", of(1.0, 65.0, 20.0)),
        ("falling", of(-1.5, -85.0, 160.0)),
        ("inverted", inverted),
        ("padded", padded),
        ("dark padded", dark_padded),
        ("sigmoid", sigmoid),
    ]
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn slabs_are_the_twin_and_bricks_change_nothing() {
    let bench = bench();
    for kind in [StoredType::I16, StoredType::U8, StoredType::F32] {
        let frames = spotted(kind);
        let everywhere = texture_of(&bench.gpu, &frames);
        let skipping = match kind {
            StoredType::F32 => None,
            _ => Some(noted(&bench, &frames)),
        };
        for (name, plane) in planes() {
            for (chain, grey) in chains(kind) {
                for projection in Projection::ALL {
                    for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
                        let view = slab_view(&plane, grey.clone(), interpolation, projection, 18.0);
                        let name = format!("{kind:?} {name} {chain} {projection:?}");
                        let cpu = reslice::draw_cpu(&view, &frames);
                        let bound = if interpolation == Interpolation::Nearest {
                            1
                        } else {
                            2
                        };
                        let plain = drawn(&bench, &everywhere, &view, None);
                        compare(&name, view.size, &plain, &cpu, bound);
                        if let Some(skipping) = &skipping {
                            let quick = drawn(&bench, skipping, &view, None);
                            compare(&format!("{name}, bricks"), view.size, &quick, &plain, 1);
                        }
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn values_of_slabs_are_not_cut_at_the_window() {
    let bench = bench();
    let frames = spotted(StoredType::I16);
    let texture = noted(&bench, &frames);
    let mut narrow = grey(StoredType::I16);
    narrow.voi = windowed(60.0, 2.0, VoiLutFunction::Linear);
    for (name, plane) in planes() {
        for projection in Projection::ALL {
            let view = slab_view(
                &plane,
                narrow.clone(),
                Interpolation::Linear,
                projection,
                18.0,
            );
            let target = Target::new(&bench.gpu, view.size, TargetKind::Values).unwrap();
            let scene = SliceScene {
                view: &view,
                texture: &texture,
                cover: None,
                overlay: None,
                labels: None,
            };
            bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
            let gpu = target.read_values().unwrap();
            let cpu = reslice::values_cpu(&view, &frames);
            for (i, (a, b)) in gpu.iter().zip(&cpu).enumerate() {
                let same = (a.is_nan() && b.is_nan()) || (a - b).abs() < 2e-3;
                assert!(same, "{name} {projection:?} at {i}: GPU {a}, CPU {b}");
            }
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn an_axial_slab_is_made_of_its_slices() {
    let bench = bench();
    let frames = spotted(StoredType::I16);
    let texture = noted(&bench, &frames);
    let grid = grid();
    let slice = grid
        .patient_from_voxel
        .transform_point3(DVec3::new(26.0, 20.0, 18.0));
    // One pixel a voxel is not square here; each pixel is compared with the voxel that it hits.
    let plane = ViewPlane::body(BodyPlane::Axial, slice, 0.8);
    let view = slab_view(
        &plane,
        grey(StoredType::I16),
        Interpolation::Nearest,
        Projection::Mip,
        6.0,
    );
    assert_eq!(view.slab.map(|s| s.count), Some(5));
    let values = reslice::values_cpu(&view, &frames);
    let shown = drawn(&bench, &texture, &view, None);
    let mut compared = 0;
    for (i, value) in values.iter().enumerate() {
        let (x, y) = (i % 97, i / 97);
        let at = DVec3::new(x as f64 + 0.5, y as f64 + 0.5, 0.0);
        let voxel = view.voxel_from_viewport.transform_point3(at).round();
        let inside = voxel.x >= 0.0 && voxel.x < 53.0 && voxel.y >= 0.0 && voxel.y < 41.0;
        if !inside {
            assert!(value.is_nan());
            continue;
        }
        let of_slice = |k: usize| {
            let frame = frames[k].as_ref().unwrap();
            frame.value(voxel.x as usize, voxel.y as usize, 0).unwrap()
        };
        let largest = (16..=20).map(of_slice).fold(f64::MIN, f64::max);
        assert_eq!(f64::from(*value), largest);
        assert!(shown[i * 4].abs_diff(largest as u8) <= 1);
        compared += 1;
    }
    assert!(compared > 1500, "{compared}");
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn nothing_is_made_over_slices_that_are_not_there() {
    let bench = bench();
    let mut frames = spotted(StoredType::I16);
    frames[12] = None;
    frames[13] = None;
    frames[25] = None;
    let texture = texture_of(&bench.gpu, &frames);
    for (name, plane) in planes() {
        for projection in Projection::ALL {
            let view = slab_view(
                &plane,
                chains(StoredType::I16).remove(0).1,
                Interpolation::Linear,
                projection,
                12.0,
            );
            check(
                &bench,
                &format!("{name} {projection:?}"),
                &frames,
                &texture,
                &view,
            );
        }
    }
    // A slice that will not come shows wherever the slab needs it: never a picture without it.
    texture.mark_failed(25).unwrap();
    let at_25 = grid()
        .patient_from_voxel
        .transform_point3(DVec3::new(26.0, 20.0, 26.0));
    let plane = ViewPlane::body(BodyPlane::Axial, at_25, 0.7);
    let view = slab_view(
        &plane,
        grey(StoredType::I16),
        Interpolation::Linear,
        Projection::Mean,
        8.0,
    );
    let shown = drawn(&bench, &texture, &view, None);
    let middle = (44 * 97 + 48) * 4;
    let hatch = reslice::hatch(48, 44, true);
    assert_eq!(shown[middle..middle + 3], hatch);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn colour_and_absurd_slabs_are_drawn() {
    let bench = bench();
    let mut noise = Noise(8);
    let frames: Vec<_> = (0..6)
        .map(|_| {
            Some(frame_of(19, 15, 3, StoredType::U8, |_, _| {
                (noise.unit() * 255.0).round()
            }))
        })
        .collect();
    let texture = texture_of(&bench.gpu, &frames);
    let mapping = in_plane([50, 40], [19, 15, 6], DVec2::new(0.4, 0.4), 20.0, 2.0);
    for projection in Projection::ALL {
        for (count, step) in [
            (5, DVec3::new(0.1, -0.2, 0.9)),
            (1, DVec3::NAN),
            (33, DVec3::splat(f64::INFINITY)),
            (4097, DVec3::new(0.0, 0.0, 1e-3)),
        ] {
            let mut view = view(
                [50, 40],
                mapping,
                grey(StoredType::U8),
                Interpolation::Linear,
            );
            view.samples = 3;
            view.slab = Some(SlabSteps {
                projection,
                count,
                step,
            });
            check(
                &bench,
                &format!("{projection:?} {count}"),
                &frames,
                &texture,
                &view,
            );
        }
    }
}
