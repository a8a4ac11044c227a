use super::*;
use crate::imaging::measure::{
    OutlineForm, Ruler, place, probe_frame, probe_volume,
    ruler::tests::{anchor, millimetres, patient_ruler, pixel_ruler},
};
use crate::model::{
    geometry::ImagePlane,
    lut::{ModalityLut, ModalityUnit, PaddingRange, Photometric},
    pixels::{Frame, PixelBytes, StoredType},
};
use glam::{DQuat, EulerRot};

const PLAIN: ModalityUnit = ModalityUnit::Unspecified;

/// A frame of i16 from a rule of column and row.
fn frame(columns: usize, rows: usize, value: impl Fn(usize, usize) -> i16) -> Frame {
    let bytes: Vec<u8> = (0..rows * columns)
        .flat_map(|i| value(i % columns, i / columns).to_le_bytes())
        .collect();
    let bytes = PixelBytes::from_vec(bytes);
    Frame::new(rows, columns, 1, StoredType::I16, bytes).unwrap()
}

fn grey(frame: &Frame) -> FramePixels<'_> {
    FramePixels {
        frame,
        modality_lut: &ModalityLut::IDENTITY,
        unit: &PLAIN,
        padding: None,
        photometric: Photometric::Monochrome2,
    }
}

fn at(x: f64, y: f64) -> DVec3 {
    DVec3::new(x, y, 0.0)
}

fn rectangle(ruler: &Ruler, a: DVec3, b: DVec3) -> Placed {
    place(&OutlineForm::RectangleAlongPixels([a, b]), ruler, None).unwrap()
}

fn value(found: &Measurement, name: &str) -> f64 {
    found.value(name).unwrap_or(f64::NAN)
}

#[test]
fn a_checkerboard_is_what_the_hand_counts() {
    let board = frame(64, 48, |c, r| if (c + r) % 2 == 0 { 100 } else { -20 });
    let spacing = millimetres(0.5, 2.0);
    let (ruler, anchor) = (pixel_ruler(spacing), anchor(spacing));
    // 5 columns by 3 rows, centres on the border included; (10, 10) is one of the eight high ones.
    let placed = rectangle(&ruler, at(10.0, 10.0), at(14.0, 12.0));
    let found = roi_on_frame(&placed, &anchor, &grey(&board), &Ask::default()).unwrap();
    let counts = found.counts.unwrap();
    assert_eq!((counts.inside, counts.n, counts.outside), (15, 15, 0));
    assert_eq!(value(&found, "sum"), 8.0 * 100.0 - 7.0 * 20.0);
    assert_eq!(value(&found, "mean"), 44.0);
    let squares = 8.0 * 56.0 * 56.0 + 7.0 * 64.0 * 64.0;
    assert!((value(&found, "sd_population") - (squares / 15.0f64).sqrt()).abs() < 1e-12);
    assert!((value(&found, "sd_sample") - (squares / 14.0f64).sqrt()).abs() < 1e-12);
    assert_eq!(value(&found, "median"), 100.0);
    assert_eq!((value(&found, "min"), value(&found, "max")), (-20.0, 100.0));
    assert!(found.warnings.is_empty());
    // The area is that of the shape, not of the pixels.
    assert_eq!(placed.measurement.value("area"), Some(8.0));
}

#[test]
fn padding_and_what_lies_outside_are_counted_and_not_measured() {
    let picture = frame(64, 48, |c, _| if c == 0 { -2000 } else { 7 });
    let spacing = millimetres(1.0, 1.0);
    let placed = rectangle(&pixel_ruler(spacing), at(-2.0, 0.0), at(2.0, 9.0));
    let lut = ModalityLut::Rescale {
        slope: 2.0,
        intercept: -1024.0,
    };
    let pixels = FramePixels {
        modality_lut: &lut,
        unit: &ModalityUnit::Hounsfield,
        padding: Some(PaddingRange {
            low: -2000,
            high: -2000,
        }),
        ..grey(&picture)
    };
    let found = roi_on_frame(&placed, &anchor(spacing), &pixels, &Ask::default()).unwrap();
    let counts = found.counts.unwrap();
    assert_eq!((counts.inside, counts.n), (50, 20));
    assert_eq!((counts.padding, counts.outside), (10, 20));
    assert_eq!(value(&found, "mean"), -1010.0);
    assert!(found.warns("OUTSIDE_IMAGE") && found.warns("PADDING_EXCLUDED"));
    let mean = found.quantities.iter().find(|q| q.name == "mean").unwrap();
    assert_eq!(
        (mean.unit.as_str(), mean.source.as_str()),
        ("HU", "Rescale Slope and Intercept")
    );
    let beside = rectangle(&pixel_ruler(spacing), at(-9.0, 0.0), at(-2.0, 9.0));
    let found = roi_on_frame(&beside, &anchor(spacing), &pixels, &Ask::default()).unwrap();
    assert_eq!(found.counts.unwrap().outside, 80);
    assert!(found.warns("NOTHING_COUNTED") && found.value("mean").is_none());
}

#[test]
fn colour_is_measured_by_channel_and_palettes_are_not() {
    let bytes: Vec<u8> = (0..64 * 48).flat_map(|i| [i as u8, 10, 200]).collect();
    let rgb = Frame::new(48, 64, 3, StoredType::U8, PixelBytes::from_vec(bytes)).unwrap();
    let spacing = millimetres(1.0, 1.0);
    let placed = rectangle(&pixel_ruler(spacing), at(0.0, 0.0), at(2.0, 0.2));
    let pixels = FramePixels {
        photometric: Photometric::Rgb,
        unit: &ModalityUnit::Hounsfield,
        ..grey(&rgb)
    };
    let found = roi_on_frame(&placed, &anchor(spacing), &pixels, &Ask::default()).unwrap();
    assert_eq!(value(&found, "red.mean"), 1.0);
    assert_eq!(value(&found, "blue.max"), 200.0);
    assert_eq!(found.counts.unwrap().n, 3);
    assert!(found.quantities.iter().all(|q| q.unit.is_empty()));
    let indices = frame(64, 48, |_, _| 3);
    let pixels = FramePixels {
        photometric: Photometric::PaletteColor,
        ..grey(&indices)
    };
    let refused = roi_on_frame(&placed, &anchor(spacing), &pixels, &Ask::default());
    assert_eq!(refused, Err(MeasureError::PaletteIndices));
}

#[test]
fn patient_outlines_find_the_pixels_of_their_frame() {
    let picture = frame(64, 48, |c, r| (c * 10 + r) as i16);
    let spacing = millimetres(0.5, 2.0);
    let mut anchor = anchor(spacing);
    anchor.plane = ImagePlane::new([10.0, -5.0, 30.0], [0.0, 0.6, -0.8, 1.0, 0.0, 0.0]);
    let plane = anchor.plane.unwrap();
    let p = |c: f64, r: f64| plane.patient_from_pixel(spacing, c, r);
    let corners = [p(10.0, 10.0), p(14.0, 10.0), p(14.0, 12.0)];
    let pixel = rectangle(&pixel_ruler(spacing), at(10.0, 10.0), at(14.0, 12.0));
    let expected = roi_on_frame(&pixel, &anchor, &grey(&picture), &Ask::default()).unwrap();
    let form = OutlineForm::RectangleCorners(corners);
    let placed = place(&form, &patient_ruler(), None).unwrap();
    let found = roi_on_frame(&placed, &anchor, &grey(&picture), &Ask::default()).unwrap();
    assert_eq!(found, expected);
    assert_eq!(value(&found, "mean"), 131.0);
    // Half a slice off it is still that slice, further it is not, and a tilted outline is on none.
    let off = |mm: f64, tilt: f64| {
        let n = plane.normal();
        let moved = [
            corners[0] + n * mm,
            corners[1] + n * mm,
            corners[2] + n * (mm + tilt),
        ];
        let placed = place(
            &OutlineForm::RectangleCorners(moved),
            &patient_ruler(),
            None,
        )
        .unwrap();
        roi_on_frame(&placed, &anchor, &grey(&picture), &Ask::default())
    };
    assert!(off(0.9, 0.0).unwrap().warns("OFF_PLANE"));
    assert_eq!(off(1.1, 0.0).map_err(|e| e.code()), Err("NOT_ON_FRAME"));
    assert_eq!(off(0.0, 0.5).map_err(|e| e.code()), Err("NOT_ON_FRAME"));
    anchor.plane = None;
    let nowhere = roi_on_frame(&placed, &anchor, &grey(&picture), &Ask::default());
    assert_eq!(nowhere, Err(MeasureError::NoPatientSpace));
}

#[test]
fn statistics_do_not_change_when_pixels_are_flipped_or_turned() {
    // A square picture and an outline with corners and edges on centres; the picture turns with the outline.
    let rule = |c: usize, r: usize| ((c * 31 + r * 17) % 97) as i16;
    let corners = [
        (5.0, 5.0),
        (30.0, 5.0),
        (30.0, 12.5),
        (40.0, 30.0),
        (20.5, 28.0),
        (5.0, 40.0),
    ];
    let mut first = None;
    for way in 0..8 {
        let back = |c: usize, r: usize| {
            let (c, r) = (
                if way & 1 == 0 { c } else { 47 - c },
                if way & 2 == 0 { r } else { 47 - r },
            );
            if way & 4 == 0 { (c, r) } else { (r, c) }
        };
        let picture = frame(48, 48, |c, r| {
            let (c, r) = back(c, r);
            rule(c, r)
        });
        let points = corners.map(|(x, y)| {
            let (x, y) = if way & 4 == 0 { (x, y) } else { (y, x) };
            let x = if way & 1 == 0 { x } else { 47.0 - x };
            let y = if way & 2 == 0 { y } else { 47.0 - y };
            at(x, y)
        });
        let spacing = if way & 4 == 0 {
            millimetres(0.7, 1.1)
        } else {
            millimetres(1.1, 0.7)
        };
        let form = OutlineForm::Polygon(points.into());
        let placed = place(&form, &pixel_ruler(spacing), None).unwrap();
        let mut anchor = anchor(spacing);
        anchor.size = [48, 48];
        let found = roi_on_frame(&placed, &anchor, &grey(&picture), &Ask::default()).unwrap();
        let first = first.get_or_insert_with(|| found.clone());
        assert_eq!(found, *first, "way {way}");
    }
}

/// A volume of f32 whose value is linear in patient space.
fn gradient(grid: &GridGeometry, slope: DVec3, at_zero: f64) -> Vec<Option<Frame>> {
    let [columns, rows, slices] = grid.size;
    (0..slices)
        .map(|k| {
            let bytes: Vec<u8> = (0..rows * columns)
                .flat_map(|i| {
                    let voxel = DVec3::new((i % columns) as f64, (i / columns) as f64, k as f64);
                    let p = grid.patient_from_voxel.transform_point3(voxel);
                    (p.dot(slope) + at_zero).to_le_bytes()
                })
                .collect();
            Frame::new(
                rows,
                columns,
                1,
                StoredType::F64,
                PixelBytes::from_vec(bytes),
            )
        })
        .collect()
}

fn volume<'a>(grid: &'a GridGeometry, frames: &'a [Option<Frame>]) -> VolumePixels<'a> {
    VolumePixels {
        grid,
        frames,
        modality_lut: &ModalityLut::IDENTITY,
        unit: &ModalityUnit::Hounsfield,
        padding: None,
    }
}

fn sheared() -> GridGeometry {
    GridGeometry {
        size: [48, 40, 36],
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_cols(
                DVec3::new(1.1, 0.0, 0.1),
                DVec3::new(0.0, 1.4, 0.0),
                DVec3::new(0.2, -0.5, 1.9),
            ),
            translation: DVec3::new(-20.0, 35.0, 400.0),
        },
    }
}

/// Numbers from 0 to 1 that look random and are the same each time.
fn numbers() -> impl FnMut() -> f64 {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[test]
fn the_mean_on_oblique_planes_through_a_gradient_is_known() {
    let grid = sheared();
    let slope = DVec3::new(3.0, -2.0, 5.0);
    let frames = gradient(&grid, slope, -1500.0);
    let volume = volume(&grid, &frames);
    let ruler = patient_ruler();
    let mut random = numbers();
    for n in 0..200 {
        let turn = DQuat::from_euler(
            EulerRot::ZYX,
            random() * 6.3,
            random() * 6.3,
            random() * 6.3,
        );
        let jitter = DVec3::new(random(), random(), random()) * 4.0 - 2.0;
        let centre = grid.centre() + jitter;
        let p = |x: f64, y: f64| centre + turn * DVec3::new(x, y, 0.0);
        let triangle = [p(-9.0, -6.0), p(9.0, -6.0), p(0.0, 12.0)];
        let form = match n % 4 {
            0 => OutlineForm::RectangleAxes([centre, p(9.0, 0.0), p(0.0, 6.0)]),
            1 => OutlineForm::Ellipse([centre, p(10.0, 0.0), p(0.0, 7.0)]),
            2 => OutlineForm::CircleRadius {
                centre,
                radius_mm: 9.0,
            },
            _ => OutlineForm::Polygon(triangle.into()),
        };
        // The centroid of each of them is the centre.
        let expected = centre.dot(slope) - 1500.0;
        let placed = place(&form, &ruler, Some(turn * DVec3::Z)).unwrap();
        let found = roi_in_volume(&placed, &volume, 0.25, &Ask::default()).unwrap();
        let error = ((value(&found, "mean") - expected) / expected).abs();
        assert!(error < 1e-3, "{n}: {error}");
        let covered = found.counts.unwrap().n as f64 * 0.25 * 0.25;
        let area = placed.measurement.value("area").unwrap();
        assert!((covered / area - 1.0).abs() < 0.08, "{n}: {covered} {area}");
        assert!(found.warns("INTERPOLATED") && !found.warns("OUTSIDE_IMAGE"));
    }
}

#[test]
fn sampling_refuses_what_it_cannot_know() {
    let grid = sheared();
    let mut frames = gradient(&grid, DVec3::X, 0.0);
    let ruler = patient_ruler();
    let placed = |radius_mm| {
        let centre = grid.centre();
        let form = OutlineForm::CircleRadius { centre, radius_mm };
        place(&form, &ruler, Some(DVec3::new(1.0, 1.0, 1.0))).unwrap()
    };
    let code = |frames: &[Option<Frame>], radius, step| {
        let found = roi_in_volume(
            &placed(radius),
            &volume(&grid, frames),
            step,
            &Ask::default(),
        );
        found
            .map(|f| f.counts.unwrap().outside > 0)
            .map_err(|e| e.code())
    };
    assert_eq!(code(&frames, 5.0, 1.0), Ok(false));
    assert_eq!(code(&frames, 100.0, 1.0), Ok(true));
    assert_eq!(code(&frames, 100.0, 1e-9), Err("REGION_TOO_LARGE"));
    assert_eq!(code(&frames, 100.0, 0.0), Err("BAD_OPTION"));
    assert_eq!(code(&frames, 100.0, f64::NAN), Err("BAD_OPTION"));
    assert_eq!(code(&frames, 100.0, 1e6), Err("BAD_OPTION"));
    let range = slices_of_plane(&grid, &placed(5.0));
    assert!(range.len() < 12, "{range:?}");
    // Only those slices are needed.
    for (k, frame) in frames.iter_mut().enumerate() {
        if !range.contains(&k) {
            *frame = None;
        }
    }
    assert_eq!(code(&frames, 5.0, 1.0), Ok(false));
    assert_eq!(code(&frames, 30.0, 1.0), Err("SLICE_MISSING"));
    let spacing = millimetres(1.0, 1.0);
    let pixel = rectangle(&pixel_ruler(spacing), at(0.0, 0.0), at(5.0, 5.0));
    let refused = roi_in_volume(&pixel, &volume(&grid, &frames), 1.0, &Ask::default());
    assert_eq!(refused, Err(MeasureError::NoPatientSpace));
}

#[test]
fn a_point_has_the_value_of_its_voxel_and_the_one_between() {
    let grid = sheared();
    let slope = DVec3::new(3.0, -2.0, 5.0);
    let frames = gradient(&grid, slope, 7.0);
    let volume = volume(&grid, &frames);
    let ruler = patient_ruler();
    let voxel = DVec3::new(20.3, 15.8, 11.4);
    let point = grid.patient_from_voxel.transform_point3(voxel);
    let found = probe_volume(&ruler, &volume, point).unwrap();
    let nearest = grid
        .patient_from_voxel
        .transform_point3(DVec3::new(20.0, 16.0, 11.0));
    assert!((value(&found, "value") - (nearest.dot(slope) + 7.0)).abs() < 1e-9);
    assert!((value(&found, "interpolated") - (point.dot(slope) + 7.0)).abs() < 1e-6);
    let outside = probe_volume(&ruler, &volume, DVec3::ZERO).unwrap();
    assert!(outside.warns("OUTSIDE_IMAGE") && outside.value("value").is_none());

    let picture = frame(64, 48, |c, r| (c * 100 + r) as i16);
    let spacing = millimetres(0.5, 2.0);
    let probe = |point| {
        let pixels = FramePixels {
            padding: Some(PaddingRange { low: 0, high: 0 }),
            ..grey(&picture)
        };
        probe_frame(&pixel_ruler(spacing), &anchor(spacing), &pixels, point).unwrap()
    };
    assert_eq!(probe(at(12.4, 3.6)).value("value"), Some(1204.0));
    assert!(probe(at(0.2, -0.2)).warns("PADDING_EXCLUDED"));
    assert_eq!(probe(at(0.2, -0.2)).value("stored"), Some(0.0));
    assert!(probe(at(64.0, 0.0)).warns("OUTSIDE_IMAGE"));
    let patient = DVec3::new(24.8, 1.8, 0.3);
    let found = probe_frame(&ruler, &anchor(spacing), &grey(&picture), patient).unwrap();
    assert_eq!(found.value("value"), Some(1204.0));
    let off = probe_frame(
        &ruler,
        &anchor(spacing),
        &grey(&picture),
        patient + DVec3::Z,
    );
    assert_eq!(off.map_err(|e| e.code()), Err("NOT_ON_FRAME"));
}
