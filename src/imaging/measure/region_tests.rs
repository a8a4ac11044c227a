use super::*;
use crate::imaging::measure::ruler::tests::{UNKNOWN, patient_ruler, pixel_ruler};
use crate::model::{
    lut::{ModalityLut, ModalityUnit, PaddingRange},
    pixels::{PixelBytes, StoredType},
};
use glam::DAffine3;

fn grid(size: [usize; 3], columns: [[f64; 3]; 3]) -> GridGeometry {
    let [x, y, z] = columns.map(DVec3::from_array);
    let mut grid = GridGeometry {
        size,
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_cols(x, y, z),
            translation: DVec3::ZERO,
        },
    };
    grid.patient_from_voxel.translation = DVec3::new(11.0, -7.0, 300.0) - grid.centre();
    grid
}

fn each(grid: &GridGeometry) -> impl Iterator<Item = [usize; 3]> {
    let [columns, rows, slices] = grid.size;
    (0..slices).flat_map(move |k| (0..rows).flat_map(move |j| (0..columns).map(move |i| [i, j, k])))
}

fn patient(grid: &GridGeometry, v: [usize; 3]) -> DVec3 {
    let voxel = DVec3::from_array(v.map(|n| n as f64));
    grid.patient_from_voxel.transform_point3(voxel)
}

fn frames(grid: &GridGeometry, value: impl Fn(DVec3) -> i16) -> Vec<Option<Frame>> {
    let [columns, rows, _] = grid.size;
    let bytes: Vec<u8> = each(grid)
        .flat_map(|v| value(patient(grid, v)).to_le_bytes())
        .collect();
    bytes
        .chunks(columns * rows * 2)
        .map(|slice| {
            let bytes = PixelBytes::from_vec(slice.to_vec());
            Frame::new(rows, columns, 1, StoredType::I16, bytes)
        })
        .collect()
}

fn pixels<'a>(grid: &'a GridGeometry, frames: &'a [Option<Frame>]) -> VolumePixels<'a> {
    VolumePixels {
        grid,
        frames,
        modality_lut: &ModalityLut::IDENTITY,
        unit: &ModalityUnit::Hounsfield,
        padding: Some(PaddingRange {
            low: -2000,
            high: -2000,
        }),
    }
}

fn measured(volume: &VolumePixels<'_>, shape: &Region, selection: Selection<'_>) -> Measurement {
    region(&patient_ruler(), volume, shape, selection, &Ask::default()).unwrap()
}

const SHEAR: [[f64; 3]; 3] = [[0.9, 0.1, 0.0], [-0.1, 0.8, 0.0], [0.1, -0.4, 1.2]];

#[test]
fn spheres_have_their_volume_on_straight_and_sheared_grids() {
    let straight = [[0.7, 0.0, 0.0], [0.0, 0.7, 0.0], [0.0, 0.0, 1.0]];
    for columns in [straight, SHEAR] {
        let grid = grid([64, 64, 48], columns);
        let centre = grid.centre() + DVec3::new(0.13, -0.21, 0.4);
        let frames = frames(&grid, |p| if p.distance(centre) < 14.0 { 60 } else { -100 });
        let volume = pixels(&grid, &frames);
        let truth = 4.0 / 3.0 * PI * 14f64.powi(3);
        // By the threshold inside a larger sphere, and by the shape itself.
        let larger = Region::Sphere {
            centre,
            radius_mm: 17.0,
        };
        let threshold = Selection::Threshold {
            low: 0.0,
            high: 200.0,
        };
        let found = measured(&volume, &larger, threshold);
        let itself = Region::Sphere {
            centre,
            radius_mm: 14.0,
        };
        let plain = measured(&volume, &itself, Selection::All);
        for m in [&found, &plain] {
            let ratio = m.value("volume").unwrap() / truth;
            assert!((ratio - 1.0).abs() < 0.005, "{ratio}");
            assert_eq!(m.value("mean"), Some(60.0));
            let ml = m.value("volume_ml").unwrap();
            assert!((ml - m.value("volume").unwrap() / 1000.0).abs() < 1e-12);
        }
        assert!((plain.value("shape_volume").unwrap() - truth).abs() < 1e-9);
        // Exactly the voxels that a plain search finds.
        let count = |radius: f64| {
            each(&grid)
                .filter(|v| patient(&grid, *v).distance(centre) <= radius)
                .count() as u64
        };
        let counts = found.counts.unwrap();
        assert_eq!(counts.n, count(14.0));
        assert_eq!(counts.inside, count(17.0));
        assert_eq!(counts.unselected, counts.inside - counts.n);
        let det = DMat3::from_cols_array_2d(&columns).determinant();
        assert!((found.value("voxel_volume").unwrap() - det).abs() < 1e-12);
        assert_eq!(found.quantities[0].label, "mm³ (Pixel Spacing)");
        assert_eq!(found.quantities[1].label, "ml (Pixel Spacing)");
    }
}

#[test]
fn boxes_hold_exactly_their_voxels() {
    let grid = grid([24, 20, 16], SHEAR);
    let frames = frames(&grid, |p| (p.x * 10.0) as i16);
    let volume = pixels(&grid, &frames);
    let centre = grid.centre();
    let tilted = [
        DVec3::new(3.1, 0.2, 0.3),
        DVec3::new(-0.3, 4.2, 1.0),
        DVec3::new(0.1, -1.0, 2.7),
    ];
    let shapes = [
        Region::between(
            centre - DVec3::new(4.0, 3.0, 2.0),
            centre + DVec3::new(3.0, 5.0, 4.0),
        ),
        Region::Box {
            centre,
            half: tilted,
        },
        // Larger than the grid: the rest lies outside.
        Region::Box {
            centre,
            half: tilted.map(|h| h * 6.0),
        },
        Region::Whole,
    ];
    for shape in shapes {
        let inside = |p: DVec3| match shape {
            Region::Box {
                centre,
                half: [a, b, c],
            } => {
                let local = DMat3::from_cols(a, b, c).inverse() * (p - centre);
                local.abs().max_element() <= 1.0
            }
            _ => true,
        };
        let values: Vec<f64> = each(&grid)
            .map(|v| patient(&grid, v))
            .filter(|p| inside(*p))
            .map(|p| (p.x * 10.0).trunc())
            .collect();
        let found = measured(&volume, &shape, Selection::All);
        let counts = found.counts.unwrap();
        assert_eq!(counts.n, values.len() as u64, "{shape:?}");
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((found.value("mean").unwrap() - mean).abs() < 1e-9);
        assert_eq!(found.warns("OUTSIDE_IMAGE"), counts.inside > counts.n);
        if let Some(truth) = found.value("shape_volume") {
            // All centres inside the shape, in the grid or beside it, fill it.
            let filled = counts.inside as f64 * found.value("voxel_volume").unwrap();
            assert!((filled / truth - 1.0).abs() < 0.12, "{filled} {truth}");
        }
    }
}

#[test]
fn labels_and_padding() {
    let grid = grid([10, 10, 10], SHEAR);
    let frames = frames(&grid, |p| if p.z > 300.0 { -2000 } else { 5 });
    let volume = pixels(&grid, &frames);
    let labels: Vec<u16> = (0..1000).map(|i| (i % 4) as u16).collect();
    let selection = Selection::Label {
        labels: &labels,
        label: 3,
    };
    let found = measured(&volume, &Region::Whole, selection);
    let counts = found.counts.unwrap();
    assert_eq!(counts.padding, 500);
    assert_eq!((counts.n, counts.unselected), (125, 375));
    assert!(found.warns("PADDING_EXCLUDED"));
}

#[test]
fn regions_that_cannot_be_are_refused() {
    let grid = grid([10, 10, 10], SHEAR);
    let mut frames = frames(&grid, |_| 0);
    let centre = grid.centre();
    let sphere = |radius_mm| Region::Sphere { centre, radius_mm };
    let code = |frames: &[Option<Frame>], shape: Region, selection: Selection<'_>| {
        let volume = pixels(&grid, frames);
        let found = region(
            &patient_ruler(),
            &volume,
            &shape,
            selection,
            &Ask::default(),
        );
        found.map(|_| ()).map_err(|e| e.code())
    };
    let all = Selection::All;
    assert_eq!(code(&frames, sphere(3.0), all), Ok(()));
    assert_eq!(code(&frames, sphere(-3.0), all), Err("NEGATIVE_RADIUS"));
    assert_eq!(code(&frames, sphere(0.0), all), Err("ZERO_LENGTH"));
    assert_eq!(code(&frames, sphere(f64::NAN), all), Err("NOT_FINITE"));
    assert_eq!(code(&frames, sphere(1e6), all), Err("REGION_TOO_LARGE"));
    let flat = Region::between(centre, centre + DVec3::X);
    assert_eq!(code(&frames, flat, all), Err("ZERO_LENGTH"));
    let [a, b] = [DVec3::X, DVec3::Y];
    let skew = Region::Box {
        centre,
        half: [a, b, a + b],
    };
    assert_eq!(code(&frames, skew, all), Err("DEGENERATE"));
    let nothing = Selection::Threshold {
        low: 2.0,
        high: 1.0,
    };
    assert_eq!(code(&frames, sphere(3.0), nothing), Err("BAD_OPTION"));
    let short = Selection::Label {
        labels: &[1],
        label: 1,
    };
    assert_eq!(code(&frames, sphere(3.0), short), Err("BAD_OPTION"));
    frames[5] = None;
    assert_eq!(code(&frames, sphere(3.0), all), Err("SLICE_MISSING"));
    let pixel = region(
        &pixel_ruler(UNKNOWN),
        &pixels(&grid, &frames),
        &sphere(3.0),
        all,
        &Ask::default(),
    );
    assert_eq!(pixel, Err(MeasureError::NoPatientSpace));
}
