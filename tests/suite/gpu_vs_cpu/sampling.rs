//! Cubic interpolation, and pictures with fewer pixels than voxels.

use super::{
    Noise, bench, check, drawn, frame_of, grey, in_plane, noisy, texture_of, variety, view,
    windowed,
};
use glam::{DAffine3, DMat3, DQuat, DVec2, DVec3};
use negatoscope::{
    imaging::reslice,
    model::{
        lut::{ModalityLut, PaddingRange, VoiLutFunction},
        pixels::StoredType,
        view::{GreyPipeline, Interpolation, SliceView},
    },
};

fn hounsfield_of(kind: StoredType) -> GreyPipeline {
    GreyPipeline {
        modality_lut: ModalityLut::Rescale {
            slope: 0.5,
            intercept: -20.0,
        },
        voi: windowed(40.0, 700.0, VoiLutFunction::Linear),
        ..grey(kind)
    }
}

/// A plane that leans through all slices, enlarged.
fn leaning(size: [u32; 2], grid: [usize; 3], scale: f64) -> DAffine3 {
    let middle = DVec3::from_array(grid.map(|n| n as f64 * 0.5 - 0.5));
    let turn = DMat3::from_quat(DQuat::from_euler(glam::EulerRot::XYZ, 0.3, -0.4, 0.2));
    let matrix3 = turn * DMat3::from_diagonal(DVec3::splat(scale));
    let centre = DVec3::new(f64::from(size[0]) * 0.5, f64::from(size[1]) * 0.5, 0.0);
    DAffine3 {
        matrix3,
        translation: middle - matrix3 * centre,
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn cubic_is_the_twin_on_planes_of_slices_and_askew() {
    let bench = bench();
    let size = [31, 23, 9];
    let picture = [89, 71];
    for kind in [
        StoredType::U8,
        StoredType::U16,
        StoredType::I16,
        StoredType::F32,
    ] {
        let mut frames = noisy(kind, 100.0, 150.0, size, 5);
        let texture = texture_of(&bench.gpu, &frames);
        let mut grey = hounsfield_of(kind);
        grey.voi = match kind {
            StoredType::U8 => windowed(40.0, 150.0, VoiLutFunction::Linear),
            StoredType::U16 => windowed(16_000.0, 30_000.0, VoiLutFunction::Linear),
            _ => grey.voi,
        };
        let flat = in_plane(picture, size, DVec2::new(0.31, 0.27), 25.0, 4.0);
        let between = in_plane(picture, size, DVec2::new(0.31, 0.27), 0.0, 3.4);
        let askew = leaning(picture, size, 0.23);
        for (name, mapping) in [("flat", flat), ("between", between), ("askew", askew)] {
            let view = view(picture, mapping, grey.clone(), Interpolation::Cubic);
            let drawn = drawn(&bench, &texture, &view, None);
            assert!(variety(&drawn) > 50, "{kind:?} {name}");
            check(
                &bench,
                &format!("cubic {kind:?} {name}"),
                &frames,
                &texture,
                &view,
            );
            let linear = SliceView {
                interpolation: Interpolation::Linear,
                ..view.clone()
            };
            assert_ne!(drawn, reslice::draw_cpu(&linear, &frames), "{name}");
            // Where padding or a slice is missing among the neighbours, linear stands in, on both sides.
            let mut padded = view;
            padded.grey.padding = Some(PaddingRange { low: 60, high: 110 });
            check(
                &bench,
                &format!("padded {kind:?} {name}"),
                &frames,
                &texture,
                &padded,
            );
        }
        frames[6] = None;
        let texture = texture_of(&bench.gpu, &frames);
        let view = view(picture, askew, grey, Interpolation::Cubic);
        check(&bench, &format!("gap {kind:?}"), &frames, &texture, &view);
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn cubic_colour_is_the_twin() {
    let bench = bench();
    let mut noise = Noise(3);
    let frames = vec![Some(frame_of(17, 13, 3, StoredType::U8, |_, _| {
        (noise.unit() * 255.0).round()
    }))];
    let texture = texture_of(&bench.gpu, &frames);
    let mapping = in_plane([64, 64], [17, 13, 1], DVec2::new(0.21, 0.23), 10.0, 0.0);
    for (area, voxels) in [(false, 0.21), (true, 2.6)] {
        let mut view = view(
            [64, 64],
            mapping,
            grey(StoredType::U8),
            Interpolation::Cubic,
        );
        view.samples = 3;
        view.area = area;
        if area {
            let scale = DVec2::new(voxels, voxels * 0.9);
            view.voxel_from_viewport = in_plane([64, 64], [17, 13, 1], scale, 90.0, 0.0);
        }
        check(&bench, "colour", &frames, &texture, &view);
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn reduced_pictures_are_the_twin() {
    let bench = bench();
    let size = [211, 173, 7];
    for kind in [StoredType::U8, StoredType::I16, StoredType::F32] {
        let mut frames = noisy(kind, 100.0, 150.0, size, 9);
        let texture = texture_of(&bench.gpu, &frames);
        let mut across = in_plane([60, 5], size, DVec2::new(3.7, 1.0), 0.0, 0.0);
        // Columns to the right, slices down: a coronal cut, reduced along one of its axes.
        across.matrix3.y_axis = DVec3::new(0.0, 0.0, 1.6);
        across.translation = DVec3::new(-3.0, 80.3, -1.2);
        let at = |x, y, degrees| in_plane([60, 50], size, DVec2::new(x, y), degrees, 3.0);
        let views = [
            ("fitted", [60, 50], at(3.53, 3.47, 0.0)),
            ("turned", [60, 50], at(3.0, 4.0, 90.0)),
            ("upside down", [60, 50], at(2.2, 5.1, 180.0)),
            ("one way", [60, 50], at(0.4, 2.9, 0.0)),
            ("whole steps", [60, 50], at(2.0, 4.0, 0.0)),
            ("coronal", [60, 5], across),
            (
                "a single pixel",
                [1, 1],
                in_plane([1, 1], size, DVec2::new(211.0, 173.0), 0.0, 2.0),
            ),
        ];
        for (name, picture, mapping) in views {
            let mut view = view(picture, mapping, hounsfield_of(kind), Interpolation::Linear);
            view.area = true;
            let grid = reslice::PixelGrid::of(&mapping);
            assert!(reslice::area::half_widths(&view, &grid).is_some(), "{name}");
            check(
                &bench,
                &format!("area {kind:?} {name}"),
                &frames,
                &texture,
                &view,
            );
            view.grey.padding = Some(PaddingRange { low: 60, high: 110 });
            check(
                &bench,
                &format!("padded area {kind:?} {name}"),
                &frames,
                &texture,
                &view,
            );
        }
        frames[3] = None;
        let texture = texture_of(&bench.gpu, &frames);
        for mapping in [across, at(3.53, 3.47, 0.0)] {
            let mut view = view(
                [60, 50],
                mapping,
                hounsfield_of(kind),
                Interpolation::Linear,
            );
            view.area = true;
            check(&bench, "gap", &frames, &texture, &view);
        }
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_fine_pattern_does_not_alias_when_it_is_reduced() {
    let bench = bench();
    // A line screen of one voxel black, one white: an anti-scatter grid on a radiograph.
    let frames = vec![Some(frame_of(400, 300, 1, StoredType::U8, |column, _| {
        if column % 2 == 0 { 0.0 } else { 200.0 }
    }))];
    let texture = texture_of(&bench.gpu, &frames);
    let size = [100, 75];
    let mapping = in_plane(size, [400, 300, 1], DVec2::splat(4.0), 0.0, 0.0);
    // Moved a little, so that points fall on the dark lines.
    let moved = DAffine3 {
        translation: mapping.translation - DVec3::new(0.5, 0.0, 0.0),
        ..mapping
    };
    let mut view = view(size, moved, grey(StoredType::U8), Interpolation::Linear);
    let points = drawn(&bench, &texture, &view, None);
    view.area = true;
    let areas = drawn(&bench, &texture, &view, None);
    let inner = |picture: &[u8]| -> Vec<u8> {
        let pixels = picture.chunks_exact(4).map(|p| p[0]).skip(5 * 100 + 5);
        pixels.take(80).collect()
    };
    assert!(inner(&points).iter().all(|v| v.abs_diff(100) > 50));
    assert!(inner(&areas).iter().all(|v| v.abs_diff(100) <= 1));
    // Enlarged, an area is a point, whatever is asked for.
    let mapping = in_plane(size, [400, 300, 1], DVec2::splat(0.7), 0.0, 0.0);
    view.voxel_from_viewport = mapping;
    let enlarged = drawn(&bench, &texture, &view, None);
    view.area = false;
    assert_eq!(enlarged, drawn(&bench, &texture, &view, None));
}
