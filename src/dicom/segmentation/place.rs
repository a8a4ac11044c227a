//! Where the frames of a segmentation lie: on the grid of the pictures where their planes are the same, else on a grid
//! of their own.

use crate::{
    dicom::{content::segments::SegmentHeader, guard::Fault},
    model::{
        finding::{Finding, Severity},
        geometry::{GridGeometry, ImagePlane, Spacing},
        layout::SeriesLayout,
        study::{ImageDescription, Instance, RejectionKind},
    },
};
use glam::{DAffine3, DMat3, DVec3};
use std::collections::{BTreeMap, BTreeSet};

/// How far a voxel may lie beside a voxel of the pictures and be that one, in voxels.
const TOLERANCE: f64 = 0.05;

/// Most slices, and most voxels of a grid.
const MOST_SLICES: f64 = 65_536.0;
const MOST_VOXELS: u128 = 1 << 33;

/// Where the pixels of a frame are in the grid: the first one, and the steps along a row and along a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) at: [i64; 3],
    pub(super) along_row: [i64; 3],
    pub(super) along_column: [i64; 3],
}

impl Spot {
    /// A whole slice as it lies.
    const fn slice(slice: i64) -> Self {
        Self {
            at: [0, 0, slice],
            along_row: [1, 0, 0],
            along_column: [0, 1, 0],
        }
    }

    /// The voxel of a pixel.
    pub(super) fn voxel(&self, column: i64, row: i64) -> [i64; 3] {
        std::array::from_fn(|axis| {
            self.at[axis] + self.along_row[axis] * column + self.along_column[axis] * row
        })
    }

    /// Whether all pixels of a frame lie in a grid.
    fn fits(&self, columns: usize, rows: usize, size: [usize; 3]) -> bool {
        let (right, bottom) = (columns as i64 - 1, rows as i64 - 1);
        [(0, 0), (right, 0), (0, bottom), (right, bottom)]
            .into_iter()
            .all(|(column, row)| {
                let voxel = self.voxel(column, row);
                voxel
                    .into_iter()
                    .zip(size)
                    .all(|(at, n)| (0..n as i64).contains(&at))
            })
    }
}

/// A grid and where the frames are in it.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) grid: GridGeometry,
    pub(super) spots: Vec<Spot>,
}

/// Whether the pictures of a series say where they lie.
pub fn is_placed(layout: &SeriesLayout) -> bool {
    layout.frames.first().is_some_and(|frame| {
        let image = frame.instance.image.as_ref();
        image.is_some_and(|image| image.frame(frame.frame).plane.is_some())
    })
}

/// The grid that a mask over a series has: that of the volume; that of a single picture; columns, rows and frames where
/// nothing is said of the patient. `None` where the pictures form no regular grid.
pub fn grid_of(layout: &SeriesLayout) -> Option<GridGeometry> {
    if let Some(grid) = layout.volume {
        return Some(grid);
    }
    let first = layout.frames.first()?;
    let image = first.instance.image.as_ref()?;
    let frame = image.frame(first.frame);
    match (frame.plane, layout.frames.len()) {
        (Some(plane), 1) => {
            let (columns, rows) = (image.columns, image.rows);
            Some(GridGeometry::of_plane(&plane, frame.spacing, columns, rows))
        }
        (Some(_), _) => None,
        (None, frames) => {
            let same = |other: &ImageDescription| {
                (other.columns, other.rows) == (image.columns, image.rows)
            };
            let all = layout
                .frames
                .iter()
                .all(|f| f.instance.image.as_ref().is_some_and(same));
            let mut grid = GridGeometry::unoriented(frame.spacing, image.columns, image.rows);
            grid.size[2] = frames;
            all.then_some(grid)
        }
    }
}

/// Places the frames.
///
/// # Errors
/// `OTHER_STUDY`, `OTHER_FRAME_OF_REFERENCE`, `OTHER_PICTURES`, `OTHER_SIZE`, `UNPLACED`, `IRREGULAR`, `GRID_TOO_LARGE`.
pub(super) fn place(
    instance: &Instance,
    image: &ImageDescription,
    header: &SegmentHeader,
    on: Option<&SeriesLayout>,
    findings: &mut Vec<Finding>,
) -> Result<Placed, Fault> {
    if header.frames.len() != image.frames {
        let text = format!(
            "{} frames, and functional groups for {}",
            image.frames,
            header.frames.len()
        );
        return Err(Fault::rejected("FRAME_GROUPS", text));
    }
    let planes: Option<Vec<(ImagePlane, Spacing)>> = (0..image.frames)
        .map(|index| {
            let frame = image.frame(index);
            Some((frame.plane?, frame.spacing))
        })
        .collect();
    let Some(layout) = on else {
        return match planes {
            Some(planes) => own_grid(image, header, &planes),
            None => unplaced(image, header),
        };
    };
    let sources = sources(layout);
    let named = |frame: &crate::dicom::content::segments::FrameOf| {
        frame.sources.iter().any(|s| sources.contains_key(s))
    };
    let names = header.frames.iter().any(named);
    belongs(instance, layout, names)?;
    match planes.filter(|_| is_placed(layout)) {
        Some(planes) => {
            if let Some(spots) = grid_of(layout).and_then(|grid| {
                let spots = aligned(&grid, image, &planes)?;
                Some(Placed { grid, spots })
            }) {
                return Ok(spots);
            }
            let text = "the planes of the segmentation are not those of the pictures: it keeps a grid of its own";
            findings.push(Finding::new("OTHER_GRID", Severity::Info, text));
            own_grid(image, header, &planes)
        }
        None => by_source(image, header, layout, &sources),
    }
}

/// Pictures by SOP Instance UID and frame, counted from 1: their places in the layout.
fn sources(layout: &SeriesLayout) -> BTreeMap<(String, u32), usize> {
    let frames = layout.frames.iter().enumerate();
    frames
        .map(|(place, frame)| {
            let number = frame.frame as u32 + 1;
            ((frame.instance.sop_instance_uid.clone(), number), place)
        })
        .collect()
}

/// Whether an object is about the pictures at all.
///
/// # Errors
/// `OTHER_STUDY`, `OTHER_FRAME_OF_REFERENCE`, `OTHER_PICTURES`.
pub(in crate::dicom) fn belongs(
    instance: &Instance,
    layout: &SeriesLayout,
    names: bool,
) -> Result<(), Fault> {
    let Some(picture) = layout.first_instance() else {
        return Err(Fault::rejected("OTHER_PICTURES", "there are no pictures"));
    };
    let (own, theirs) = (&instance.study.uid, &picture.study.uid);
    if own != theirs && !names {
        let text = "the object belongs to another study than the pictures";
        return Err(Fault::rejected("OTHER_STUDY", text));
    }
    let own = &instance.series.frame_of_reference_uid;
    let theirs = &picture.series.frame_of_reference_uid;
    if !own.is_empty() && !theirs.is_empty() && own != theirs {
        let text = "the object lies in another frame of reference than the pictures";
        return Err(Fault::rejected("OTHER_FRAME_OF_REFERENCE", text));
    }
    if (own.is_empty() || theirs.is_empty()) && !names {
        let text =
            "the object names neither the frame of reference of the pictures nor one of them";
        return Err(Fault::rejected("OTHER_PICTURES", text));
    }
    Ok(())
}

fn affine(plane: &ImagePlane, spacing: Spacing) -> (DVec3, DVec3) {
    let (row_mm, column_mm) = spacing.row_column();
    (plane.along_row * column_mm, plane.along_column * row_mm)
}

/// A whole axis step, when a vector of voxels is one over the length of a frame.
fn axis(step: DVec3, length: usize) -> Option<[i64; 3]> {
    let whole = step.round();
    let drift = (step - whole).abs().max_element() * length.saturating_sub(1).max(1) as f64;
    let one = whole.abs().element_sum() == 1.0;
    (one && drift < TOLERANCE).then(|| whole.to_array().map(|v| v as i64))
}

/// The frames on the voxels of a grid, when all of them fall on voxels.
fn aligned(
    grid: &GridGeometry,
    image: &ImageDescription,
    planes: &[(ImagePlane, Spacing)],
) -> Option<Vec<Spot>> {
    let voxel_from_patient = grid.voxel_from_patient()?;
    planes
        .iter()
        .map(|(plane, spacing)| {
            let (row, column) = affine(plane, *spacing);
            let along_row = axis(voxel_from_patient.matrix3 * row, image.columns)?;
            let along_column = axis(voxel_from_patient.matrix3 * column, image.rows)?;
            let at = voxel_from_patient.transform_point3(plane.origin);
            let whole = at.round();
            let near = (at - whole).abs().max_element() < TOLERANCE;
            let spot = Spot {
                at: whole.to_array().map(|v| v as i64),
                along_row,
                along_column,
            };
            (near && spot.fits(image.columns, image.rows, grid.size)).then_some(spot)
        })
        .collect()
}

/// Frames of pictures that do not say where they lie: on the picture that they name.
fn by_source(
    image: &ImageDescription,
    header: &SegmentHeader,
    layout: &SeriesLayout,
    sources: &BTreeMap<(String, u32), usize>,
) -> Result<Placed, Fault> {
    let Some(grid) = grid_of(layout) else {
        let text = "the pictures form no regular grid, and the object does not say where it lies";
        return Err(Fault::rejected("IRREGULAR", text));
    };
    if [image.columns, image.rows] != [grid.size[0], grid.size[1]] {
        let text = format!(
            "the mask has {} columns and {} rows, the pictures have {} and {}",
            image.columns, image.rows, grid.size[0], grid.size[1]
        );
        return Err(Fault::rejected("OTHER_SIZE", text));
    }
    let spots = header.frames.iter().map(|frame| {
        let places: BTreeSet<usize> = frame
            .sources
            .iter()
            .filter_map(|source| sources.get(source).copied())
            .collect();
        match (places.len(), places.first()) {
            (1, Some(place)) => Ok(Spot::slice(*place as i64)),
            _ => {
                let text = "a frame does not say where it lies, and names no picture or several";
                Err(Fault::rejected("UNPLACED", text))
            }
        }
    });
    let spots = spots.collect::<Result<_, _>>()?;
    Ok(Placed { grid, spots })
}

/// Frames without a place and without pictures: a slice for each picture that they name.
fn unplaced(image: &ImageDescription, header: &SegmentHeader) -> Result<Placed, Fault> {
    let mut slices: BTreeMap<&[(String, u32)], i64> = BTreeMap::new();
    let mut spots = Vec::with_capacity(header.frames.len());
    for frame in &header.frames {
        let next = slices.len() as i64;
        let slice = *slices.entry(&frame.sources).or_insert(next);
        spots.push(Spot::slice(slice));
    }
    // Without a picture's name they are of one picture, if there is one of each segment.
    let mut seen = BTreeSet::new();
    let once = header.frames.iter().all(|f| seen.insert(f.segment));
    if header.frames.iter().any(|f| f.sources.is_empty()) && (slices.len() > 1 || !once) {
        let text = "frames say neither where they lie nor on which pictures";
        return Err(Fault::rejected("UNPLACED", text));
    }
    let mut grid = GridGeometry::unoriented(image.shared.spacing, image.columns, image.rows);
    grid.size[2] = slices.len();
    limited(&grid)?;
    Ok(Placed { grid, spots })
}

fn irregular(text: &str) -> Fault {
    Fault::rejected("IRREGULAR", text)
}

/// A grid through the frames themselves. Frames may come in any order and lack; then the slices between them are told
/// by Spacing Between Slices, or by the nearest two.
fn own_grid(
    image: &ImageDescription,
    header: &SegmentHeader,
    planes: &[(ImagePlane, Spacing)],
) -> Result<Placed, Fault> {
    let Some((first, spacing)) = planes.first() else {
        return Err(Fault::rejected("UNPLACED", "there is no frame"));
    };
    let (row, column) = affine(first, *spacing);
    let normal = first.normal();
    let same = planes.iter().all(|(plane, of)| {
        let (r, c) = affine(plane, *of);
        let drift =
            (r - row).length() * image.columns as f64 + (c - column).length() * image.rows as f64;
        drift < TOLERANCE * row.length().min(column.length()) * 2.0
    });
    if !same {
        return Err(irregular(
            "frames of one segmentation lie in different directions, or differ in spacing",
        ));
    }
    let mut places: Vec<(f64, DVec3)> = planes
        .iter()
        .map(|(plane, _)| (normal.dot(plane.origin - first.origin), plane.origin))
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    places.dedup_by(|b, a| b.0 - a.0 < 1e-3);
    let told = header
        .frames
        .iter()
        .map(|f| f.between_nm)
        .find(|nm| *nm > 0);
    let told = told.map(|nm| nm as f64 / 1e6);
    let (Some((low, origin)), Some((high, end))) =
        (places.first().copied(), places.last().copied())
    else {
        return Err(Fault::rejected("UNPLACED", "there is no frame"));
    };
    let thickness = image.frame(0).slice_thickness_mm;
    let single = told.or(thickness).unwrap_or(1.0);
    let (slices, step) = match places.len() {
        1 => (1, normal * single),
        _ => {
            let gaps = || {
                places.windows(2).map(|pair| match pair {
                    [a, b] => b.0 - a.0,
                    _ => 0.0,
                })
            };
            let nearest = gaps().fold(f64::INFINITY, f64::min);
            let whole = |mm: f64| {
                gaps().all(|gap| {
                    let n = gap / mm;
                    n.round() >= 1.0 && (n - n.round()).abs() < TOLERANCE
                })
            };
            let Some(mm) = told.into_iter().chain([nearest]).find(|mm| whole(*mm)) else {
                return Err(irregular("the frames lie at irregular distances"));
            };
            let count = ((high - low) / mm).round();
            if count >= MOST_SLICES {
                return Err(too_large());
            }
            (count as usize + 1, (end - origin) / count)
        }
    };
    let grid = GridGeometry {
        size: [image.columns, image.rows, slices],
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_cols(row, column, step),
            translation: origin,
        },
    };
    limited(&grid)?;
    match aligned(&grid, image, planes) {
        Some(spots) => Ok(Placed { grid, spots }),
        None => Err(irregular("the frames lie beside each other")),
    }
}

fn too_large() -> Fault {
    let text = "the grid of the segmentation would be larger than is read";
    Fault::new(RejectionKind::Limit, "GRID_TOO_LARGE", text)
}

fn limited(grid: &GridGeometry) -> Result<(), Fault> {
    let voxels: u128 = grid.size.iter().map(|n| *n as u128).product();
    match voxels <= MOST_VOXELS {
        true => Ok(()),
        false => Err(too_large()),
    }
}
