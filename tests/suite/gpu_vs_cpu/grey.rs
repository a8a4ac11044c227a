//! The grey chain: stored types, rescale, windows, tables of both kinds, presentation LUTs, padding; and colour beside it.

use super::{
    Noise, TYPES, bench, check, compare, drawn, frame_of, grey, in_plane, noisy, range, table,
    texture_of, variety, view, windowed,
};
use glam::DVec2;
use negatoscope::{
    imaging::{reslice, window},
    model::{
        lut::{ModalityLut, PaddingRange, Voi, VoiLutFunction},
        pixels::StoredType,
        view::Interpolation,
    },
};

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
