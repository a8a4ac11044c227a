//! Segmentations in all three forms on pictures that lie in every direction, written and read back: voxel for voxel.

use super::*;
use crate::{
    dicom::{
        FileFrames, FrameSource as _,
        assemble::lay_out,
        guard::Limits,
        header::read_dicom,
        segmentation::{Wanted, grid_of, read_segmentation},
        write::{SeriesIdentity, write_ct_series},
    },
    model::{
        exchange::SourceObject,
        geometry::GridGeometry,
        layout::SeriesLayout,
        lut::ModalityLut,
        pixels::{Frame, PixelBytes, StoredType},
        segmentation::{Painter, SegmentState, SegmentationId, exchange::SegmentationRead},
        volume::Volume,
    },
    task::CancelToken,
};
use glam::{DAffine3, DMat3};
use std::{fs, path::Path, sync::Arc};

/// Numbers that look like nothing, the same every time.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A CT of a size, turned by a matrix, as files, and laid out.
fn series(folder: &Path, size: [usize; 3], turn: DMat3) -> (SeriesLayout, SourceObject) {
    let [columns, rows, slices] = size;
    let frame = || {
        let pixels = PixelBytes::from_vec(vec![0; columns * rows * 2]);
        Frame::new(rows, columns, 1, StoredType::I16, pixels).unwrap()
    };
    let matrix = DMat3::from_cols(turn.x_axis * 0.7, turn.y_axis * 1.3, turn.z_axis * 2.5);
    let volume = Volume {
        grid: GridGeometry {
            size,
            patient_from_voxel: DAffine3 {
                matrix3: matrix,
                translation: DVec3::new(-31.5, 12.25, 88.0),
            },
        },
        frames: (0..slices).map(|_| frame()).collect(),
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        unit: Default::default(),
        padding: None,
    };
    let mut identity = SeriesIdentity::default();
    identity.study.uid = "1.2.3".into();
    identity.series.uid = "1.2.3.4".into();
    identity.series.frame_of_reference_uid = "1.2.3.9".into();
    let paths = write_ct_series(folder, &volume, &identity).unwrap();
    let limits = Limits::default();
    let instances: Vec<_> = paths
        .into_iter()
        .map(|path| Arc::new(read_dicom(&Arc::from(path), &limits).unwrap()))
        .collect();
    let layout = lay_out(&instances).into_iter().next().unwrap();
    let first = layout.first_instance().unwrap();
    let source = FileFrames::default().read_source(first).unwrap();
    (layout, source)
}

fn making(seed: &str) -> Making {
    Making {
        date: "20240229".into(),
        time: "142301".into(),
        uid_seed: seed.into(),
        author: "Reader".into(),
    }
}

/// Segments with balls and boxes in them; odd numbers in the first layer, even ones over them.
fn painted(grid: GridGeometry, numbers: &[u16], noise: &mut Noise) -> Segmentation {
    let mut seg = Segmentation::new(SegmentationId("2.25.77".into()), grid);
    seg.title = "Organs".into();
    for (place, number) in numbers.iter().enumerate() {
        let mut segment = Segment::new(*number, format!("segment {number}"));
        segment.layer = place % 2;
        match place % 3 {
            0 => {
                segment.origin = SegmentOrigin::Automatic {
                    algorithm: "organs".into(),
                    version: "1.2".into(),
                    sha256: "ab".repeat(32),
                };
                segment.state = SegmentState::Accepted;
                segment.probability = Some(0.625);
            }
            1 => {
                segment.origin = SegmentOrigin::SemiAutomatic {
                    algorithm: "grow".into(),
                    version: "0.7".into(),
                };
                segment.tracking_uid = format!("2.25.{}", 1000 + place);
            }
            _ => segment.state = SegmentState::Rejected,
        }
        if place % 2 == 0 {
            let code = |value: &str, meaning: &str| {
                Some(Code {
                    value: value.into(),
                    scheme: "SCT".into(),
                    meaning: meaning.into(),
                })
            };
            segment.category = code("123037004", "Anatomical Structure");
            segment.property_type = code("10200004", "Liver");
        }
        seg.put_segment(segment);
        let [columns, rows, slices] = grid.size;
        // Some slices stay empty.
        let z = noise.below(slices);
        let mut painter = Painter::new(seg.layer_mut(place % 2).unwrap());
        for slice in [z, (z + 2) % slices] {
            let y = noise.below(rows);
            let x = noise.below(columns);
            for row in y..(y + 1 + noise.below(9)).min(rows) {
                painter.map_row([row, slice], x..x + 1 + noise.below(11), |_, _| *number);
            }
        }
    }
    seg
}

/// Writes a segmentation into a folder and reads it again, on pictures or alone.
fn through(
    folder: &Path,
    seg: &Segmentation,
    form: Form,
    fractions: Option<&Fractions>,
    pictures: &Pictures<'_>,
    on: bool,
) -> SegmentationRead {
    let made = write_segmentation(seg, form, fractions, pictures, &making("test")).unwrap();
    read_bytes(folder, &made.bytes, on.then_some(pictures.layout)).unwrap()
}

fn read_bytes(
    folder: &Path,
    bytes: &[u8],
    on: Option<&SeriesLayout>,
) -> Result<SegmentationRead, crate::dicom::FrameError> {
    let path = folder.join("seg.dcm");
    fs::write(&path, bytes).unwrap();
    let instance = read_dicom(&Arc::from(path), &Limits::default()).unwrap();
    let wanted = Wanted { fractions: true };
    let frames = FileFrames::default();
    read_segmentation(&instance, &frames, on, wanted, &CancelToken::default())
}

/// The numbers at every voxel, layers together.
fn members(seg: &Segmentation, at: [usize; 3]) -> Vec<u16> {
    let mut all: Vec<u16> = seg
        .segments()
        .map(|s| s.number)
        .filter(|number| seg.contains(*number, at))
        .collect();
    all.sort_unstable();
    all
}

fn same_voxels(a: &Segmentation, b: &Segmentation) {
    assert_eq!(a.grid.size, b.grid.size);
    let [columns, rows, slices] = a.grid.size;
    for z in 0..slices {
        for y in 0..rows {
            for x in 0..columns {
                assert_eq!(members(a, [x, y, z]), members(b, [x, y, z]), "{x} {y} {z}");
            }
        }
    }
}

/// All ways in which rows, columns and slices of right angles lie, and a skew one.
fn turns() -> Vec<DMat3> {
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let mut all = Vec::new();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        for signs in 0..8 {
            let sign = |bit: usize| if signs >> bit & 1 == 1 { -1.0 } else { 1.0 };
            let [a, b, c] = order.map(|n| axes[n]);
            all.push(DMat3::from_cols(a * sign(0), b * sign(1), c * sign(2)));
        }
    }
    let skew = DMat3::from_euler(glam::EulerRot::XYZ, 0.4, -0.3, 0.9);
    all.push(skew);
    // Slices that lean, as of a tilted gantry.
    all.push(DMat3::from_cols(
        DVec3::X,
        DVec3::Y,
        DVec3::new(0.0, 0.2, 1.0),
    ));
    all
}

#[test]
fn masks_come_back_voxel_for_voxel_in_every_direction() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise(3);
    for (count, turn) in turns().into_iter().enumerate() {
        let home = folder.path().join(count.to_string());
        let (layout, source) = series(&home, [13, 11, 5], turn);
        let pictures = Pictures {
            layout: &layout,
            source: &source,
        };
        let Some(grid) = grid_of(&layout) else {
            // A leaning stack is no volume here; a mask may still have such a grid.
            let grid = GridGeometry {
                size: [13, 11, 5],
                patient_from_voxel: DAffine3 {
                    matrix3: turn,
                    translation: DVec3::ZERO,
                },
            };
            let seg = painted(grid, &[1, 2], &mut noise);
            let made = write_segmentation(&seg, Form::Binary, None, &pictures, &making("lean"));
            assert!(made.is_ok());
            continue;
        };
        let seg = painted(grid, &[1, 2, 3, 7], &mut noise);
        let read = through(&home, &seg, Form::Binary, None, &pictures, true);
        assert_eq!(read.findings, []);
        same_voxels(&seg, &read.segmentation);
        assert_eq!(read.segmentation.grid, grid);
        // Alone it has a grid of its own, which lies where the pictures lie.
        let alone = through(&home, &seg, Form::Binary, None, &pictures, false).segmentation;
        let to_pictures = grid.voxel_from_patient().unwrap() * alone.grid.patient_from_voxel;
        let [columns, rows, slices] = alone.grid.size;
        let mut voxels = 0;
        for z in 0..slices {
            for y in 0..rows {
                for x in 0..columns {
                    let at = to_pictures.transform_point3(DVec3::new(x as f64, y as f64, z as f64));
                    assert!((at - at.round()).abs().max_element() < 1e-3);
                    let there = at.round().to_array().map(|v| v as usize);
                    let own = members(&alone, [x, y, z]);
                    voxels += own.len();
                    assert_eq!(own, members(&seg, there));
                }
            }
        }
        let painted: u64 = seg
            .layers()
            .iter()
            .flat_map(|l| l.counts().into_values())
            .sum();
        assert_eq!(voxels as u64, painted);
    }
}

#[test]
fn segments_keep_what_is_said_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = series(folder.path(), [20, 9, 4], DMat3::IDENTITY);
    let pictures = Pictures {
        layout: &layout,
        source: &source,
    };
    let grid = grid_of(&layout).unwrap();
    let seg = painted(grid, &[2, 5, 6, 9], &mut Noise(5));
    for form in [Form::Binary, Form::LabelMap] {
        let mut seg = seg.clone();
        if form == Form::LabelMap {
            seg.set_layer(1, crate::model::segmentation::Voxels::new(grid.size));
        }
        let read = through(folder.path(), &seg, form, None, &pictures, true);
        same_voxels(&seg, &read.segmentation);
        assert_eq!(
            (read.form, read.segmentation.title.as_str()),
            (form, "Organs")
        );
        for segment in seg.segments() {
            let mut back = read.segmentation.segment(segment.number).unwrap().clone();
            back.layer = segment.layer;
            assert_eq!(&back, segment, "{form:?}");
        }
        assert_eq!(read.segmentation.series_uid, "1.2.3.4");
        assert_eq!(read.segmentation.frame_of_reference_uid, "1.2.3.9");
    }
}

#[test]
fn label_maps_hold_numbers_of_sixteen_bits_and_no_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = series(folder.path(), [19, 7, 3], DMat3::IDENTITY);
    let pictures = Pictures {
        layout: &layout,
        source: &source,
    };
    let grid = grid_of(&layout).unwrap();
    let mut seg = Segmentation::new(SegmentationId("2.25.78".into()), grid);
    for number in [1, 255, 256, 65_535] {
        seg.put_segment(Segment::new(number, "x"));
        let mut painter = Painter::new(seg.layer_mut(0).unwrap());
        let at = usize::from(number) % 7;
        painter.map_row([at, at % 3], at..at + 5, |_, _| number);
    }
    let read = through(folder.path(), &seg, Form::LabelMap, None, &pictures, true);
    same_voxels(&seg, &read.segmentation);
    let mut over = Segment::new(300, "over");
    over.layer = 1;
    seg.put_segment(over);
    Painter::new(seg.layer_mut(1).unwrap()).map_row([1, 1], 0..19, |_, _| 300);
    let refused = write_segmentation(&seg, Form::LabelMap, None, &pictures, &making("x"));
    assert_eq!(refused.unwrap_err(), NotWritten::Overlap);
    let read = through(folder.path(), &seg, Form::Binary, None, &pictures, true);
    same_voxels(&seg, &read.segmentation);
    assert_eq!(read.segmentation.layers().len(), 2);
}

#[test]
fn fractions_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = series(folder.path(), [11, 7, 4], DMat3::IDENTITY);
    let pictures = Pictures {
        layout: &layout,
        source: &source,
    };
    let grid = grid_of(&layout).unwrap();
    let mut seg = Segmentation::new(SegmentationId("2.25.79".into()), grid);
    seg.put_segment(Segment::new(1, "tumour"));
    let mut map = vec![0_u8; 11 * 7 * 4];
    for (at, value) in map.iter_mut().enumerate().skip(100).take(120) {
        *value = (at * 7 % 201) as u8;
    }
    let fractions = Fractions {
        kind: FractionKind::Occupancy,
        maximum: 200,
        maps: [(1, map.clone())].into(),
    };
    let read = through(
        folder.path(),
        &seg,
        Form::Fractional,
        Some(&fractions),
        &pictures,
        true,
    );
    assert_eq!(read.fractions, Some(fractions));
    let inside = read.segmentation.layers()[0].to_dense();
    let wanted: Vec<u16> = map.iter().map(|v| u16::from(*v >= 100)).collect();
    assert_eq!(inside, wanted);
    let none = write_segmentation(
        &painted(grid, &[4], &mut Noise(1)),
        Form::Fractional,
        None,
        &pictures,
        &making("x"),
    );
    assert_eq!(none.unwrap_err(), NotWritten::NoFractions(4));
}

#[test]
fn ninety_five_segments_that_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = series(folder.path(), [33, 17, 6], DMat3::IDENTITY);
    let pictures = Pictures {
        layout: &layout,
        source: &source,
    };
    let numbers: Vec<u16> = (1..=95).collect();
    let seg = painted(grid_of(&layout).unwrap(), &numbers, &mut Noise(11));
    let read = through(folder.path(), &seg, Form::Binary, None, &pictures, true);
    same_voxels(&seg, &read.segmentation);
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (layout, source) = series(&folder.path().join("a"), [12, 8, 3], DMat3::IDENTITY);
    let pictures = Pictures {
        layout: &layout,
        source: &source,
    };
    let grid = grid_of(&layout).unwrap();
    let empty = Segmentation::new(SegmentationId("2.25.1".into()), grid);
    let refused = write_segmentation(&empty, Form::Binary, None, &pictures, &making("x"));
    assert_eq!(refused.unwrap_err(), NotWritten::NoSegment);
    let seg = painted(grid, &[1], &mut Noise(2));
    let made = write_segmentation(&seg, Form::Binary, None, &pictures, &making("x")).unwrap();
    let swapped = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let mut bytes = made.bytes.clone();
        let places: Vec<usize> = bytes
            .windows(from.len())
            .enumerate()
            .filter(|(_, w)| *w == from.as_bytes())
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        let read = read_bytes(folder.path(), &bytes, Some(&layout));
        read.map(|_| "").unwrap_or_else(|error| error.code())
    };
    assert_eq!(swapped("1.2.3.9", "1.2.3.8"), "OTHER_FRAME_OF_REFERENCE");
    assert_eq!(swapped("BINARY", "FUNNY1"), "SEGMENTATION_TYPE");
    // A segment that the frames do not belong to.
    let segments = [0x62, 0, 4, 0, b'U', b'S', 2, 0, 1, 0];
    let at = made.bytes.windows(10).position(|w| w == segments).unwrap();
    let mut bytes = made.bytes.clone();
    bytes[at + 8] = 9;
    let read = read_bytes(folder.path(), &bytes, Some(&layout));
    assert_eq!(read.unwrap_err().code(), "SEGMENT_UNDESCRIBED");
    // Pictures of another study, which it does not name.
    let mut other = layout.clone();
    for frame in &mut other.frames {
        let mut instance = (*frame.instance).clone();
        let mut study = (*instance.study).clone();
        study.uid = "1.2.99".into();
        instance.study = Arc::new(study);
        instance.sop_instance_uid.push_str(".1");
        frame.instance = Arc::new(instance);
    }
    let read = read_bytes(folder.path(), &made.bytes, Some(&other));
    assert_eq!(read.unwrap_err().code(), "OTHER_STUDY");
}
