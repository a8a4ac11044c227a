//! A chest CT without contrast medium, made from a seed, with its truth.

use super::{
    PhantomError,
    anatomy::{Anatomy, Side},
    paint::{Organ, PlaneGrid, Setting, paint_plane},
    random::{Random, add_soft_noise, seed_for},
};
use crate::{
    model::{
        geometry::GridGeometry,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
    task::{CancelToken, Progress},
};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;

/// Stored value = Hounsfield units + this; so all stored values of the phantom lie in 12 bits.
pub const STORED_OFFSET: f64 = 1024.0;

/// What a nodule is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoduleKind {
    /// Soft tissue.
    Solid,
    /// Lung that is denser than the rest, its vessels still to be seen.
    GroundGlass,
    /// Chalk.
    Calcified,
}

impl NoduleKind {
    /// Stable lower-case word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::GroundGlass => "ground-glass",
            Self::Calcified => "calcified",
        }
    }
}

/// A ball in a lung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nodule {
    /// Side of the body.
    pub side: Side,
    /// Centre, patient LPS, millimetres.
    pub centre_lps: [f64; 3],
    /// Diameter, millimetres.
    pub diameter_mm: f64,
    /// Value within, Hounsfield units, before noise.
    pub hounsfield: f64,
    /// What it is made of.
    pub kind: NoduleKind,
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtSpec {
    /// Decides the person and the noise.
    pub seed: u64,
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Distance of pixel centres along a row, of rows, of slices; millimetres.
    pub spacing_mm: [f64; 3],
    /// Standard deviation of the noise, Hounsfield units.
    pub noise_hu: f64,
    /// Whether the truth holds an organ number for each voxel.
    pub labels: bool,
}

impl Default for CtSpec {
    /// A demo that is made and loaded quickly: 256 × 256 × 160 voxels of 1.4 × 1.4 × 2 mm.
    fn default() -> Self {
        Self {
            seed: 1,
            size: [256, 256, 160],
            spacing_mm: [1.4, 1.4, 2.0],
            noise_hu: 12.0,
            labels: true,
        }
    }
}

impl CtSpec {
    /// `CT300` of the benches: 512 × 512 × `slices` voxels of 0.78125 × 0.78125 mm, 1 mm apart, noise 14 HU.
    pub const fn bench(seed: u64, slices: usize) -> Self {
        Self {
            seed,
            size: [512, 512, slices],
            spacing_mm: [0.781_25, 0.781_25, 1.0],
            noise_hu: 14.0,
            labels: false,
        }
    }

    /// Where the voxels lie: rows to the patient's left, columns to the back, slices to the head; the middle
    /// of the grid at (0, 6, -2).
    pub fn grid(&self) -> GridGeometry {
        let [dx, dy, dz] = self.spacing_mm;
        let half = |axis: usize, step: f64| {
            (self.size.get(axis).copied().unwrap_or(1) as f64 - 1.0) * 0.5 * step
        };
        // Positions are written with few digits: rounded to a hundredth of a millimetre.
        let round = |v: f64| (v * 100.0).round() / 100.0;
        GridGeometry {
            size: self.size,
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(DVec3::new(dx, dy, dz)),
                translation: DVec3::new(
                    round(-half(0, dx)),
                    round(6.0 - half(1, dy)),
                    round(-2.0 - half(2, dz)),
                ),
            },
        }
    }

    fn check(&self) -> Result<(), PhantomError> {
        let voxels = self.size.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
        let sane = self.size.iter().all(|s| (1..=8192).contains(s))
            && voxels.is_some_and(|n| n <= 1 << 33)
            && self.spacing_mm.iter().all(|s| (0.05..=50.0).contains(s))
            && (0.0..=500.0).contains(&self.noise_hu);
        if sane {
            Ok(())
        } else {
            Err(PhantomError::Size)
        }
    }
}

/// One organ of the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrganTruth {
    /// Which.
    pub organ: Organ,
    /// Voxels with its number.
    pub voxels: u64,
    /// Mean of their centres, patient LPS, millimetres.
    pub centroid_lps: [f64; 3],
    /// Their volume, millilitres.
    pub volume_ml: f64,
}

/// What is known of a phantom CT.
#[derive(Clone, Debug, PartialEq)]
pub struct CtTruth {
    /// Nodules, largest first.
    pub nodules: Vec<Nodule>,
    /// Organs that are in the picture, in order of their numbers.
    pub organs: Vec<OrganTruth>,
    /// Standard deviation of the noise, Hounsfield units.
    pub noise_hu: f64,
    /// Number of [`Organ`] of each voxel, slice by slice; empty when not asked for.
    pub labels: Vec<u8>,
}

/// A CT and its truth.
#[derive(Clone, Debug)]
pub struct CtPhantom {
    /// The voxels: `I16`, 0 to 4095, Hounsfield units = stored - 1024.
    pub volume: Volume,
    /// What it shows.
    pub truth: CtTruth,
}

/// Nodules of a person: kind, side, range of height, diameter and value; the place within follows the seed.
const NODULES: [(NoduleKind, Side, [f64; 2], f64, f64); 5] = [
    (NoduleKind::Solid, Side::Right, [60.0, 92.0], 24.0, 38.0),
    (NoduleKind::Solid, Side::Left, [28.0, 70.0], 16.0, 34.0),
    (
        NoduleKind::GroundGlass,
        Side::Right,
        [-12.0, 22.0],
        14.0,
        -560.0,
    ),
    (NoduleKind::Solid, Side::Left, [-52.0, -20.0], 10.0, 30.0),
    (
        NoduleKind::Calcified,
        Side::Right,
        [-52.0, -28.0],
        7.0,
        420.0,
    ),
];

/// Least distance of a nodule from the lung's surface and from other nodules.
const ROOM_MM: f64 = 5.0;

/// How far a ball is from the surface of its lung, from the airway (less 3 mm) and from the nodules.
fn room_at(anatomy: &Anatomy, nodules: &[Nodule], side: Side, point: DVec3, radius: f64) -> f64 {
    // The surface may be nearer above or below than within the plane: look there too.
    let lung = [-radius - 4.0, 0.0, radius + 4.0]
        .iter()
        .map(|dz| anatomy.cut(point.z + dz).lung(side, point.x, point.y))
        .fold(f64::MIN, f64::max);
    let airway = anatomy
        .airway
        .iter()
        .map(|t| t.distance(point))
        .fold(f64::MAX, f64::min);
    let others = nodules
        .iter()
        .map(|n| DVec3::from_array(n.centre_lps).distance(point) - n.diameter_mm * 0.5)
        .fold(f64::MAX, f64::min);
    (-lung - radius)
        .min(airway - radius - 3.0)
        .min(others - radius)
}

/// Nodules at random for the person of a seed, for learning and for tests: a number within `count`, diameters within
/// `diameter_mm` (small ones as often as large ones), of all kinds, placed by the rules of [`nodules()`]. Where no
/// place is left there are fewer.
pub fn scattered_nodules(seed: u64, count: [usize; 2], diameter_mm: [f64; 2]) -> Vec<Nodule> {
    let anatomy = Anatomy::new(seed);
    let mut random = Random::new(seed, "scattered nodules");
    let wanted = random.between(count[0] as f64, count[1] as f64 + 1.0) as usize;
    let mut nodules: Vec<Nodule> = Vec::new();
    let [low, high] = diameter_mm.map(f64::ln);
    for _ in 0..wanted {
        let diameter_mm = (random.between(low, high).exp() * 10.0).round() / 10.0;
        let (kind, values) = match random.uniform() {
            u if u < 0.6 => (NoduleKind::Solid, [15.0, 60.0]),
            u if u < 0.85 => (NoduleKind::GroundGlass, [-660.0, -450.0]),
            _ => (NoduleKind::Calcified, [200.0, 700.0]),
        };
        let hounsfield = random.between(values[0], values[1]).round();
        for _ in 0..200 {
            let side = if random.uniform() < 0.5 {
                Side::Right
            } else {
                Side::Left
            };
            let point = DVec3::new(
                side.sign() * random.between(12.0, 128.0),
                random.between(-80.0, 84.0),
                random.between(-110.0, 125.0),
            );
            if room_at(&anatomy, &nodules, side, point, diameter_mm * 0.5) >= ROOM_MM {
                nodules.push(Nodule {
                    side,
                    centre_lps: point.to_array(),
                    diameter_mm,
                    hounsfield,
                    kind,
                });
                break;
            }
        }
    }
    nodules.sort_by(|a, b| b.diameter_mm.total_cmp(&a.diameter_mm));
    nodules
}

/// Chooses places for the nodules of a person: wholly within a lung, at least 5 mm from its surface and from
/// each other.
pub(crate) fn place_nodules(anatomy: &Anatomy) -> Vec<Nodule> {
    let mut random = Random::new(anatomy.seed, "nodules");
    let mut nodules: Vec<Nodule> = Vec::new();
    for (kind, side, heights, diameter_mm, hounsfield) in NODULES {
        let mut best: Option<(f64, DVec3)> = None;
        for _ in 0..400 {
            let round = |v: f64| (v * 10.0).round() / 10.0;
            let point = DVec3::new(
                round(side.sign() * random.between(30.0, 118.0)),
                round(random.between(-60.0, 66.0)),
                round(random.between(heights[0], heights[1])),
            );
            let room = room_at(anatomy, &nodules, side, point, diameter_mm * 0.5);
            if room >= ROOM_MM {
                best = Some((room, point));
                break;
            }
            if best.is_none_or(|b| room > b.0) {
                best = Some((room, point));
            }
        }
        if let Some((_, point)) = best {
            nodules.push(Nodule {
                side,
                centre_lps: point.to_array(),
                diameter_mm,
                hounsfield,
                kind,
            });
        }
    }
    nodules
}

/// The nodules of a seed's person.
pub fn nodules(seed: u64) -> Vec<Nodule> {
    place_nodules(&Anatomy::new(seed))
}

/// Makes the CT of a seed.
///
/// # Errors
/// As [`ct_with()`].
pub fn ct(
    spec: &CtSpec,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<CtPhantom, PhantomError> {
    ct_with(spec, nodules(spec.seed), progress, cancel)
}

/// Makes the CT of a seed's person with these nodules. Slices are made in parallel on the current rayon pool; the result does not depend on
/// how many threads there are.
///
/// # Errors
/// [`PhantomError::Size`] for a grid that is empty, huge or not finite; [`PhantomError::Cancelled`].
pub fn ct_with(
    spec: &CtSpec,
    nodules: Vec<Nodule>,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<CtPhantom, PhantomError> {
    spec.check()?;
    let anatomy = Anatomy::new(spec.seed);
    let grid = spec.grid();
    let [columns, rows, slices] = spec.size;
    let origin = grid.patient_from_voxel.translation;
    let plane_grid = PlaneGrid {
        first: [origin.x, origin.y],
        step: [spec.spacing_mm[0], spec.spacing_mm[1]],
        columns,
        rows,
        weave: None,
    };
    progress.set_total(slices as u64);
    let noise_seed = seed_for(spec.seed, "noise");
    let painted: Vec<Slice> = (0..slices)
        .into_par_iter()
        .map(|k| {
            if cancel.is_cancelled() {
                return Err(PhantomError::Cancelled);
            }
            let z = origin.z + k as f64 * spec.spacing_mm[2];
            let mut plane = paint_plane(&anatomy, &nodules, z, plane_grid, Setting::Lying);
            let seed = noise_seed.wrapping_add((k as u64) << 40);
            add_soft_noise(&mut plane.hounsfield, columns, seed, spec.noise_hu as f32);
            let mut counts = [Count::default(); 17];
            for (i, organ) in plane.organs.iter().enumerate() {
                if let Some(count) = counts.get_mut(usize::from(*organ)) {
                    count.add(i % columns, i / columns, k);
                }
            }
            let bytes: Vec<u8> = plane
                .hounsfield
                .iter()
                .flat_map(|hu| stored(*hu).to_le_bytes())
                .collect();
            let frame = Frame::new(
                rows,
                columns,
                1,
                StoredType::I16,
                PixelBytes::from_vec(bytes),
            )
            .ok_or(PhantomError::Size)?;
            progress.add(1);
            let organs = if spec.labels {
                plane.organs
            } else {
                Vec::new()
            };
            Ok(Slice {
                frame,
                organs,
                counts,
            })
        })
        .collect::<Result<_, _>>()?;
    let mut labels = Vec::with_capacity(if spec.labels {
        columns * rows * slices
    } else {
        0
    });
    let mut counts = [Count::default(); 17];
    let mut frames = Vec::with_capacity(slices);
    for slice in painted {
        labels.extend_from_slice(&slice.organs);
        for (total, part) in counts.iter_mut().zip(slice.counts) {
            total.voxels += part.voxels;
            for (t, p) in total.sum.iter_mut().zip(part.sum) {
                *t += p;
            }
        }
        frames.push(slice.frame);
    }
    let voxel_ml = spec.spacing_mm.iter().product::<f64>() / 1000.0;
    let organs = Organ::ALL
        .iter()
        .filter_map(|organ| {
            let count = counts.get(*organ as usize)?;
            let n = count.voxels as f64;
            let mean = DVec3::from_array(count.sum.map(|s| s as f64 / n));
            (count.voxels > 0).then(|| OrganTruth {
                organ: *organ,
                voxels: count.voxels,
                centroid_lps: grid.patient_from_voxel.transform_point3(mean).to_array(),
                volume_ml: n * voxel_ml,
            })
        })
        .collect();
    Ok(CtPhantom {
        volume: Volume {
            grid,
            frames,
            modality_lut: ModalityLut::Rescale {
                slope: 1.0,
                intercept: -STORED_OFFSET,
            },
            unit: ModalityUnit::Hounsfield,
            padding: None,
        },
        truth: CtTruth {
            nodules,
            organs,
            noise_hu: spec.noise_hu,
            labels,
        },
    })
}

struct Slice {
    frame: Frame,
    organs: Vec<u8>,
    counts: [Count; 17],
}

/// Voxels of an organ and the sums of their indices.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    voxels: u64,
    sum: [u64; 3],
}

impl Count {
    const fn add(&mut self, column: usize, row: usize, slice: usize) {
        self.voxels += 1;
        self.sum[0] += column as u64;
        self.sum[1] += row as u64;
        self.sum[2] += slice as u64;
    }
}

/// 12-bit stored value of Hounsfield units.
fn stored(hounsfield: f32) -> i16 {
    (f64::from(hounsfield) + STORED_OFFSET)
        .round()
        .clamp(0.0, 4095.0) as i16
}
