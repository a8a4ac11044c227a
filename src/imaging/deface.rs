//! Faces in volumes of the head: found by the shape of the skin, and what of a volume shows them.
//!
//! The head is sampled along the axes of the body. In the profile of the skin, seen from the front, the nose is what both
//! cheeks fall away from; above it the bridge lies behind the brow. From bridge and brow follows a surface that is the
//! same for all: it runs from the skin of the brow back and down behind eyelids, nose, lips and chin. What lies in front
//! of it is taken out, so that nothing of the relief of the face stays, and nothing behind it is touched. At the height of
//! the bridge it lies 12 mm behind the skin, where sinuses are; the brain begins further back and higher.
//!
//! Must stay true: where the landmarks are not found nothing is said to be a face, and the caller refuses.

use super::segment::threshold::Histogram;
use crate::model::{
    geometry::GridGeometry,
    lut::{ModalityLut, ModalityUnit},
    volume::Volume,
};
use glam::{DAffine3, DVec3};
use std::collections::VecDeque;

/// Distance of the samples, millimetres.
const STEP: f64 = 2.0;
/// Most samples: more than any volume of a head needs.
const MOST_SAMPLES: usize = 40_000_000;
/// Levels of values where a threshold is looked for.
const LEVELS: usize = 256;
/// Between soft tissue and air, Hounsfield units.
const AIR_HU: f64 = -300.0;
/// How far beside the nose the cheeks are looked at, millimetres.
const CHEEK: f64 = 20.0;
/// Half the width of the band in which the profile is taken, millimetres.
const BAND: f64 = 4.0;
/// How far the nose stands out before the cheeks at least, millimetres.
const NOSE: f64 = 6.0;
/// How far the bridge lies behind the tip of the nose, and behind the brow, at least; millimetres.
const BEHIND_TIP: f64 = 8.0;
const BEHIND_BROW: f64 = 2.0;
/// How far the bridge is above the tip, and the brow above the bridge; millimetres.
const BRIDGE_ABOVE: [f64; 2] = [12.0, 75.0];
const BROW_ABOVE: f64 = 40.0;
/// How wide a head is at its bridge, millimetres.
const WIDTH: [f64; 2] = [80.0, 260.0];

/// Why no face can be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFace {
    /// The grid cannot be inverted, or is too large to be looked through.
    Grid,
    /// Nothing stands out from the air.
    Empty,
    /// No nose with a bridge and a brow above it is seen: it is no head, its face is not covered, or it is gone already.
    NotFound,
    /// What looks like a nose does not belong to something as wide as a head.
    NotAHead,
}

impl NoFace {
    /// A sentence in English.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Grid => "its voxels have no regular place in the body",
            Self::Empty => "nothing in it stands out from the air",
            Self::NotFound => {
                "no nose with a bridge and a brow above it is seen; it is no head, or its face is not in it as a whole"
            }
            Self::NotAHead => {
                "what looks like a nose does not belong to something as wide as a head"
            }
        }
    }
}

/// The surface in front of which a face lies, in patient coordinates (LPS, millimetres).
#[derive(Clone, Debug, PartialEq)]
pub struct FaceCut {
    /// The deepest point of the bridge of the nose.
    pub bridge: DVec3,
    /// The brow above it.
    pub brow: DVec3,
    /// The tip of the nose.
    pub tip: DVec3,
    /// Height and how far back the surface lies there, from above down.
    line: [(f64, f64); 5],
}

impl FaceCut {
    fn new(bridge: DVec3, brow: DVec3, tip: DVec3) -> Self {
        let (z, y) = (bridge.z, bridge.y);
        Self {
            bridge,
            brow,
            tip,
            line: [
                (brow.z + 8.0, brow.y),
                (z, y + 12.0),
                (z - 35.0, y + 35.0),
                (z - 70.0, y + 50.0),
                (f64::NEG_INFINITY, y + 50.0),
            ],
        }
    }

    /// How far back the surface lies at a height; `None` above the brow.
    fn depth(&self, z: f64) -> Option<f64> {
        let pairs = self.line.iter().zip(self.line.iter().skip(1));
        for ((high, front), (low, back)) in pairs {
            if z <= *high && z > *low {
                let share = match low.is_finite() {
                    true => (high - z) / (high - low),
                    false => 1.0,
                };
                return Some(front + share * (back - front));
            }
        }
        None
    }

    /// Whether a point lies in front of the surface: it is taken out.
    pub fn holds(&self, point: DVec3) -> bool {
        self.depth(point.z).is_some_and(|back| point.y < back)
    }

    /// Which pixels of a slice are taken out, row by row; and how many.
    pub fn of_slice(&self, grid: &GridGeometry, slice: usize) -> (Vec<bool>, usize) {
        let [columns, rows, _] = grid.size;
        let m = grid.patient_from_voxel;
        let mut out = Vec::with_capacity(columns * rows);
        let mut count = 0;
        for row in 0..rows {
            let begin = m.transform_point3(DVec3::new(0.0, row as f64, slice as f64));
            for column in 0..columns {
                let gone = self.holds(begin + m.matrix3.x_axis * column as f64);
                count += usize::from(gone);
                out.push(gone);
            }
        }
        (out, count)
    }
}

/// Samples along the axes of the body: left, back, up.
struct Samples {
    size: [usize; 3],
    origin: DVec3,
    values: Vec<f32>,
}

impl Samples {
    fn of(volume: &Volume) -> Option<Self> {
        let grid = &volume.grid;
        let into = grid.voxel_from_patient()?;
        let last = grid.size.map(|n| n.saturating_sub(1) as f64);
        let mut low = DVec3::INFINITY;
        let mut high = DVec3::NEG_INFINITY;
        for corner in 0..8 {
            let at = |axis: usize| {
                if corner >> axis & 1 == 1 {
                    last[axis]
                } else {
                    0.0
                }
            };
            let point = grid
                .patient_from_voxel
                .transform_point3(DVec3::new(at(0), at(1), at(2)));
            (low, high) = (low.min(point), high.max(point));
        }
        let extent = high - low;
        let size = extent.to_array().map(|mm| (mm / STEP).ceil() as usize + 1);
        let count = size
            .iter()
            .try_fold(1_usize, |all, n| all.checked_mul(*n))?;
        if !extent.is_finite() || count > MOST_SAMPLES {
            return None;
        }
        let scale = |stored: f64| match &volume.modality_lut {
            ModalityLut::Rescale { slope, intercept } => slope * stored + intercept,
            ModalityLut::Table(_) => stored,
        };
        let mut values = Vec::with_capacity(count);
        for z in 0..size[2] {
            for y in 0..size[1] {
                for x in 0..size[0] {
                    let point = low + STEP * DVec3::new(x as f64, y as f64, z as f64);
                    let value = nearest(volume, &into, point).map_or(f64::NAN, scale);
                    values.push(value as f32);
                }
            }
        }
        Some(Self {
            size,
            origin: low,
            values,
        })
    }

    const fn at(&self, x: usize, y: usize, z: usize) -> usize {
        (z * self.size[1] + y) * self.size[0] + x
    }

    /// What is no air: the largest part that hangs together.
    fn head(&self, unit: &ModalityUnit) -> Option<Vec<bool>> {
        let known = self.values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = known
            .clone()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        let threshold = match unit {
            // Where nothing is as dark as air the numbers are no Hounsfield units, whatever the unit is called.
            ModalityUnit::Hounsfield if f64::from(low) < AIR_HU => AIR_HU,
            // A quarter of the way from the mean of air to that of tissue, for fat and bone of low signal are tissue as well.
            _ => {
                let values = known.map(f64::from);
                let parts = otsu(values.clone(), [low, high].map(f64::from))?;
                let mean = |tissue: bool| {
                    let of = values.clone().filter(|v| (*v > parts) == tissue);
                    let (sum, count) = of.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
                    (count > 0.0).then(|| sum / count)
                };
                let (air, tissue) = (mean(false)?, mean(true)?);
                air + (tissue - air) / 4.0
            }
        };
        let tissue: Vec<bool> = self
            .values
            .iter()
            .map(|v| v.is_finite() && f64::from(*v) > threshold)
            .collect();
        largest(&tissue, self.size)
    }

    fn point(&self, x: usize, y: f64, z: usize) -> DVec3 {
        let across = DVec3::new(x as f64 * STEP, y, z as f64 * STEP);
        self.origin + across
    }
}

/// Otsu's threshold of values between two.
fn otsu(values: impl Iterator<Item = f64>, [low, high]: [f64; 2]) -> Option<f64> {
    if high <= low {
        return None;
    }
    let width = (high - low) / LEVELS as f64;
    let mut counts = vec![0_u64; LEVELS];
    for value in values {
        let level = (((value - low) / width) as usize).min(LEVELS - 1);
        if let Some(count) = counts.get_mut(level) {
            *count += 1;
        }
    }
    Histogram { low, width, counts }.otsu()
}

fn nearest(volume: &Volume, into: &DAffine3, point: DVec3) -> Option<f64> {
    let voxel = into.transform_point3(point).round();
    let inside = voxel.cmpge(DVec3::ZERO).all();
    let [x, y, z] = voxel.to_array().map(|v| v as usize);
    inside.then(|| volume.stored(x, y, z)).flatten()
}

/// The largest part of a mask that hangs together by faces.
fn largest(mask: &[bool], size: [usize; 3]) -> Option<Vec<bool>> {
    let [nx, ny, nz] = size;
    let mut label = vec![0_u32; mask.len()];
    let mut counts = vec![0_usize];
    let mut open = VecDeque::new();
    for start in 0..mask.len() {
        if !mask.get(start).copied().unwrap_or(false) || label.get(start) != Some(&0) {
            continue;
        }
        let number = counts.len() as u32;
        let mut count = 0;
        if let Some(slot) = label.get_mut(start) {
            *slot = number;
        }
        open.push_back(start);
        while let Some(at) = open.pop_front() {
            count += 1;
            let (x, y, z) = (at % nx, at / nx % ny, at / (nx * ny));
            let steps = [
                (x > 0).then(|| at - 1),
                (x + 1 < nx).then_some(at + 1),
                (y > 0).then(|| at - nx),
                (y + 1 < ny).then_some(at + nx),
                (z > 0).then(|| at - nx * ny),
                (z + 1 < nz).then_some(at + nx * ny),
            ];
            for next in steps.into_iter().flatten() {
                if mask.get(next) == Some(&true)
                    && let Some(slot) = label.get_mut(next)
                    && *slot == 0
                {
                    *slot = number;
                    open.push_back(next);
                }
            }
        }
        counts.push(count);
    }
    let (number, _) = counts
        .iter()
        .enumerate()
        .skip(1)
        .max_by_key(|(_, count)| **count)?;
    Some(label.iter().map(|l| *l as usize == number).collect())
}

/// The skin as it is seen from the front: for each place across and each height how far back it begins, millimetres.
struct Skin {
    size: [usize; 2],
    front: Vec<Option<f64>>,
}

impl Skin {
    fn of(samples: &Samples, head: &[bool]) -> Self {
        let [nx, ny, nz] = samples.size;
        let mut front = Vec::with_capacity(nx * nz);
        for z in 0..nz {
            for x in 0..nx {
                let mut column = 0..ny;
                let first = column.find(|y| head.get(samples.at(x, *y, z)) == Some(&true));
                front.push(first.map(|y| y as f64 * STEP));
            }
        }
        Self {
            size: [nx, nz],
            front,
        }
    }

    fn at(&self, x: usize, z: usize) -> Option<f64> {
        let [nx, nz] = self.size;
        (x < nx && z < nz).then(|| self.front.get(z * nx + x).copied().flatten())?
    }

    /// The profile about a place across: what stands out most in a band, without lone samples.
    fn profile(&self, x: usize) -> Vec<Option<f64>> {
        let half = (BAND / STEP) as usize;
        let band: Vec<Option<f64>> = (0..self.size[1])
            .map(|z| {
                let across = x.saturating_sub(half)..=x + half;
                across.filter_map(|x| self.at(x, z)).reduce(f64::min)
            })
            .collect();
        (0..band.len())
            .map(|z| {
                let near = z.saturating_sub(1)..(z + 2).min(band.len());
                let mut three: Vec<f64> = band.get(near)?.iter().filter_map(|v| *v).collect();
                three.sort_by(f64::total_cmp);
                band.get(z).copied().flatten()?;
                three.get(three.len() / 2).copied()
            })
            .collect()
    }
}

/// A nose with its bridge and brow.
struct Landmarks {
    score: f64,
    x: usize,
    tip: (usize, f64),
    bridge: (usize, f64),
    brow: (usize, f64),
}

fn landmarks(skin: &Skin) -> Option<Landmarks> {
    let steps = |mm: f64| (mm / STEP) as usize;
    let cheek = steps(CHEEK);
    let [nx, nz] = skin.size;
    let mut best: Option<Landmarks> = None;
    for x in cheek..nx.saturating_sub(cheek) {
        let profile = skin.profile(x);
        let at = |z: usize| profile.get(z).copied().flatten();
        for z in 2..nz.saturating_sub(steps(BRIDGE_ABOVE[0])) {
            let (Some(tip), Some(left), Some(right)) =
                (at(z), skin.at(x - cheek, z), skin.at(x + cheek, z))
            else {
                continue;
            };
            let [left, right] = [left - tip, right - tip];
            if left.min(right) < NOSE {
                continue;
            }
            let Some((bridge, brow)) = bridge_above(&at, z, tip, nz) else {
                continue;
            };
            let dip = bridge.1 - brow.1;
            let score = left.min(right) + (left + right) / 4.0 + dip;
            if best.as_ref().is_none_or(|best| score > best.score) {
                best = Some(Landmarks {
                    score,
                    x,
                    tip: (z, tip),
                    bridge,
                    brow,
                });
            }
        }
    }
    best
}

type Place = (usize, f64);

/// The deepest bridge above a tip, with the brow above that: it lies behind all that is between, and before it a brow
/// that stands out less than the nose.
fn bridge_above(
    at: &impl Fn(usize) -> Option<f64>,
    tip_z: usize,
    tip: f64,
    height: usize,
) -> Option<(Place, Place)> {
    let steps = |mm: f64| (mm / STEP) as usize;
    let first = tip_z + steps(BRIDGE_ABOVE[0]);
    let last = (tip_z + steps(BRIDGE_ABOVE[1])).min(height.saturating_sub(4));
    // How far back the skin lies at most between tip and bridge.
    let mut back = (tip_z..first).filter_map(at).fold(tip, f64::max);
    let mut best: Option<(f64, Place, Place)> = None;
    for z in first..last {
        let Some(bridge) = at(z) else { continue };
        let deepest = bridge >= back;
        back = back.max(bridge);
        if !deepest || bridge - tip < BEHIND_TIP {
            continue;
        }
        let above = z + 1..(z + steps(BROW_ABOVE)).min(height);
        let brow = above
            .filter_map(|z| Some((z, at(z)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some(brow) = brow else { continue };
        let dip = bridge - brow.1;
        let less = brow.1 >= tip + 2.0;
        if dip >= BEHIND_BROW && less && best.is_none_or(|(known, ..)| dip > known) {
            best = Some((dip, (z, bridge), brow));
        }
    }
    best.map(|(_, bridge, brow)| (bridge, brow))
}

/// Finds the face of a head.
///
/// # Errors
/// Why there is none that can be taken out.
pub fn find_face(volume: &Volume) -> Result<FaceCut, NoFace> {
    let samples = Samples::of(volume).ok_or(NoFace::Grid)?;
    let head = samples.head(&volume.unit).ok_or(NoFace::Empty)?;
    let skin = Skin::of(&samples, &head);
    let found = landmarks(&skin).ok_or(NoFace::NotFound)?;
    // As wide as a head at the height of the bridge.
    let z = found.bridge.0;
    let [nx, ..] = samples.size;
    let mut across = (0..nx).filter(|x| skin.at(*x, z).is_some());
    let first = across.next();
    let width = first
        .zip(across.next_back())
        .map_or(0.0, |(a, b)| (b - a) as f64 * STEP);
    if !(WIDTH[0]..=WIDTH[1]).contains(&width) {
        return Err(NoFace::NotAHead);
    }
    let point = |(z, y): Place| samples.point(found.x, y, z);
    Ok(FaceCut::new(
        point(found.bridge),
        point(found.brow),
        point(found.tip),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pixels::{Frame, PixelBytes, StoredType};
    use glam::DMat3;

    fn ellipsoid(p: DVec3, centre: [f64; 3], radii: [f64; 3]) -> bool {
        ((p - DVec3::from_array(centre)) / DVec3::from_array(radii)).length_squared() < 1.0
    }

    fn brain(p: DVec3) -> bool {
        ellipsoid(p, [0.0, 5.0, 15.0], [64.0, 82.0, 72.0])
    }

    fn nose(p: DVec3) -> bool {
        let t = (-20.0 - p.z) / 38.0;
        (0.0..=1.0).contains(&t)
            && p.x.abs() < 6.0 + 10.0 * t
            && p.y > -95.0 - 27.0 * t
            && p.y < -60.0
    }

    /// A head of geometry; looking to −y, the vertex at +z.
    fn head(p: DVec3, with_nose: bool) -> bool {
        let skull = ellipsoid(p, [0.0; 3], [76.0, 96.0, 110.0]) && p.z > -60.0;
        let jaw = ellipsoid(p, [0.0, -35.0, -75.0], [58.0, 60.0, 55.0]);
        let brow = ellipsoid(p, [0.0, -88.0, 2.0], [45.0, 13.0, 8.0]);
        let neck = p.truncate().length() < 55.0 && p.z < -40.0;
        skull || jaw || brow || neck || (with_nose && nose(p))
    }

    fn made(
        size: [usize; 3],
        patient_from_voxel: DAffine3,
        inside: impl Fn(DVec3) -> f64,
    ) -> Volume {
        let frames = (0..size[2])
            .map(|z| {
                let mut bytes = Vec::new();
                for y in 0..size[1] {
                    for x in 0..size[0] {
                        let p = patient_from_voxel
                            .transform_point3(DVec3::new(x as f64, y as f64, z as f64));
                        bytes.extend((inside(p) as i16).to_le_bytes());
                    }
                }
                let pixels = PixelBytes::from_vec(bytes);
                Frame::new(size[1], size[0], 1, StoredType::I16, pixels).unwrap()
            })
            .collect();
        Volume {
            grid: GridGeometry {
                size,
                patient_from_voxel,
            },
            frames,
            modality_lut: ModalityLut::IDENTITY,
            unit: ModalityUnit::Hounsfield,
            padding: None,
        }
    }

    fn ct(p: DVec3) -> f64 {
        match (brain(p), head(p, true)) {
            (true, _) => 35.0,
            (_, true) => 60.0,
            _ => -1000.0,
        }
    }

    /// Axial slices of 3 mm, and sagittal ones.
    fn grids() -> [([usize; 3], DAffine3); 2] {
        let axial = DAffine3::from_mat3_translation(
            DMat3::from_diagonal(DVec3::new(2.0, 2.0, 3.0)),
            DVec3::new(-100.0, -140.0, -130.0),
        );
        // Rows run down, columns back, slices from the right to the left.
        let sagittal = DAffine3::from_mat3_translation(
            DMat3::from_cols(2.0 * DVec3::Y, -2.0 * DVec3::Z, -4.0 * DVec3::X),
            DVec3::new(96.0, -140.0, 126.0),
        );
        [([101, 130, 86], axial), ([130, 128, 49], sagittal)]
    }

    #[test]
    fn the_face_goes_and_the_brain_stays_however_the_slices_run() {
        for (size, affine) in grids() {
            let volume = made(size, affine, ct);
            let cut = find_face(&volume).unwrap();
            assert!(
                cut.tip.x.abs() < 6.0 && (cut.tip.y + 122.0).abs() < 8.0,
                "{cut:?}"
            );
            assert!((cut.bridge.z + 20.0).abs() < 8.0, "{cut:?}");
            assert!((cut.bridge.y + 95.0).abs() < 5.0, "{cut:?}");
            assert!((cut.brow.z - 2.0).abs() < 8.0, "{cut:?}");
            let mut gone = 0;
            for slice in 0..size[2] {
                let (mask, count) = cut.of_slice(&volume.grid, slice);
                gone += count;
                for (at, held) in mask.iter().enumerate() {
                    let (x, y) = (at % size[0], at / size[0]);
                    let p = affine.transform_point3(DVec3::new(x as f64, y as f64, slice as f64));
                    assert!(!(brain(p) && *held), "a voxel of the brain at {p}");
                    // All of the nose and the lips in front of the jaw.
                    let face =
                        nose(p) && p.y < -100.0 || (head(p, true) && p.y < -93.0 && p.z < -60.0);
                    assert!(!face || *held, "a voxel of the face stays at {p}");
                    assert!(!(p.z > 20.0 && *held), "above the brow at {p}");
                }
            }
            assert!(gone > 1000);
        }
    }

    #[test]
    fn what_is_no_head_has_no_face() {
        let [(size, affine), _] = grids();
        let without = made(
            size,
            affine,
            |p| if head(p, false) { 60.0 } else { -1000.0 },
        );
        assert_eq!(find_face(&without), Err(NoFace::NotFound));
        let trunk = made(size, affine, |p| {
            let inside = ellipsoid(DVec3::new(p.x, p.y, 0.0), [0.0; 3], [95.0, 80.0, 1.0]);
            if inside { 40.0 } else { -1000.0 }
        });
        assert_eq!(find_face(&trunk), Err(NoFace::NotFound));
        let air = made(size, affine, |_| -1000.0);
        assert_eq!(find_face(&air), Err(NoFace::Empty));
        // A nose before something that is no head.
        let small = made(size, affine, |p| {
            let inside = head(p / 0.3, true);
            if inside { 60.0 } else { -1000.0 }
        });
        assert!(find_face(&small).is_err());
    }

    #[test]
    fn tissue_is_told_from_air_without_a_unit_too() {
        let [(size, affine), _] = grids();
        let mut volume = made(size, affine, |p| match (brain(p), head(p, true)) {
            (true, _) => 700.0,
            (_, true) => 420.0,
            _ => f64::from((p.x as i32 ^ p.y as i32) & 15),
        });
        volume.unit = ModalityUnit::Unspecified;
        let cut = find_face(&volume).unwrap();
        assert!((cut.tip.y + 122.0).abs() < 8.0, "{cut:?}");
    }
}
