//! A head in magnetic resonance: one made-up brain with a lesion, seen with several weightings.
//!
//! Tissues are laid over each other from the outside in; each weighting gives every tissue its own brightness, as
//! textbooks order them (T1: fat, white, grey, water; T2: water, lesion, grey, white; FLAIR: T2 with the water of
//! ventricles and furrows dark). The values are of no unit, as in magnetic resonance.

use super::{
    PhantomError,
    random::{NoisePlane, Random, add_soft_noise, seed_for},
    shape::{Ellipsoid, smooth_step},
};
use crate::model::{
    geometry::GridGeometry,
    lut::{ModalityLut, ModalityUnit},
    pixels::{Frame, PixelBytes, StoredType},
    volume::Volume,
};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;

/// How a series weights the tissues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// Longitudinal relaxation: fat bright, water dark.
    T1,
    /// Transverse relaxation: water bright.
    T2,
    /// T2 with free water suppressed.
    Flair,
}

impl Weighting {
    /// All, in the order of an examination.
    pub const ALL: [Self; 3] = [Self::T1, Self::T2, Self::Flair];

    /// Name as in series descriptions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::Flair => "FLAIR",
        }
    }

    /// Repetition, echo and inversion time, milliseconds; without inversion `None`.
    pub const fn times_ms(self) -> (f64, f64, Option<f64>) {
        match self {
            Self::T1 => (520.0, 12.0, None),
            Self::T2 => (4800.0, 98.0, None),
            Self::Flair => (9000.0, 110.0, Some(2500.0)),
        }
    }
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadSpec {
    /// Decides the person.
    pub seed: u64,
    /// Decides the noise: one for each examination.
    pub exposure: u64,
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Distance of columns, of rows, of slices; millimetres.
    pub spacing_mm: [f64; 3],
    /// How far the head lies from where it lay for other examinations, millimetres.
    pub shift_mm: [f64; 3],
    /// Diameter of the lesion, millimetres.
    pub lesion_mm: f64,
}

impl Default for HeadSpec {
    /// 192 × 224 × 24 voxels of 1 × 1 × 6 mm, a lesion of 18 mm.
    fn default() -> Self {
        Self {
            seed: 1,
            exposure: 0,
            size: [192, 224, 24],
            spacing_mm: [1.0, 1.0, 6.0],
            shift_mm: [0.0; 3],
            lesion_mm: 18.0,
        }
    }
}

/// A head and where its lesion lies.
#[derive(Clone, Debug)]
pub struct Head {
    /// One volume for each of [`Weighting::ALL`], `U16`, 0 to about 1500, no unit.
    pub volumes: Vec<(Weighting, Volume)>,
    /// Centre of the lesion, patient LPS, millimetres.
    pub lesion_lps: [f64; 3],
    /// Its diameter, millimetres.
    pub lesion_mm: f64,
}

/// Brightness of a tissue in T1, T2 and FLAIR.
type Tissue = [f32; 3];

const AIR: Tissue = [12.0, 10.0, 10.0];
const FAT: Tissue = [980.0, 760.0, 560.0];
const MUSCLE: Tissue = [420.0, 240.0, 260.0];
const BONE: Tissue = [90.0, 60.0, 50.0];
const WATER: Tissue = [190.0, 1240.0, 110.0];
const GREY: Tissue = [500.0, 690.0, 620.0];
const WHITE: Tissue = [690.0, 470.0, 470.0];
const DEEP: Tissue = [560.0, 560.0, 540.0];
const LESION: Tissue = [330.0, 980.0, 1080.0];
const OEDEMA: Tissue = [470.0, 860.0, 900.0];

/// The person's variable measures.
struct Anatomy {
    lesion: DVec3,
    widening: f64,
    seed: u64,
}

impl Anatomy {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, "head");
        let side = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
        let round = |v: f64| (v * 10.0).round() / 10.0;
        Self {
            lesion: DVec3::new(
                round(side * random.between(30.0, 34.0)),
                round(random.between(8.0, 22.0)),
                round(random.between(24.0, 30.0)),
            ),
            widening: random.between(0.9, 1.15),
            seed,
        }
    }
}

/// Adds a tissue where a distance (millimetres, negative inside) says so, soft over `soft` millimetres.
fn lay(value: &mut Tissue, tissue: &Tissue, distance: f64, soft: f64) {
    let part = (0.5 - distance / soft).clamp(0.0, 1.0) as f32;
    for (v, t) in value.iter_mut().zip(tissue) {
        *v += (t - *v) * part;
    }
}

/// Solids that do not change from voxel to voxel.
struct Solids {
    scalp: Ellipsoid,
    skull: Ellipsoid,
    table: Ellipsoid,
    dura: Ellipsoid,
    brain: Ellipsoid,
    white: Ellipsoid,
    ventricles: Vec<Ellipsoid>,
    deep: Vec<Ellipsoid>,
    cerebellum: Ellipsoid,
    stem: Ellipsoid,
    eyes: Vec<Ellipsoid>,
    face: Ellipsoid,
}

impl Solids {
    fn new(anatomy: &Anatomy) -> Self {
        let at = |x, y, z| DVec3::new(x, y, z);
        let straight = |centre, radii| Ellipsoid::straight(centre, radii);
        let wide = anatomy.widening;
        let both = |x: f64, y: f64, z: f64, radii: DVec3, direction: DVec3| {
            [-1.0, 1.0].map(|side| {
                let along = at(direction.x * side, direction.y, direction.z);
                Ellipsoid::along(at(x * side, y, z), radii, along, DVec3::Z)
            })
        };
        let mut ventricles = both(
            11.0,
            -14.0,
            22.0,
            at(26.0, 8.0, 4.6 * wide),
            at(0.12, -1.0, -0.1),
        )
        .to_vec();
        ventricles.extend(both(
            17.0,
            24.0,
            20.0,
            at(24.0, 8.0, 5.6 * wide),
            at(0.22, 1.0, -0.2),
        ));
        ventricles.push(straight(at(0.0, 4.0, 4.0), at(1.9 * wide, 12.0, 11.0)));
        ventricles.push(straight(at(0.0, 40.0, -34.0), at(7.0, 5.0, 9.0)));
        let mut deep = both(11.0, 12.0, 8.0, at(15.0, 10.0, 8.0), at(0.3, 1.0, 0.0)).to_vec();
        deep.extend(both(
            24.0,
            -6.0,
            6.0,
            at(20.0, 11.0, 6.0),
            at(0.25, 1.0, 0.0),
        ));
        deep.extend(both(
            14.0,
            -24.0,
            14.0,
            at(11.0, 9.0, 6.5),
            at(0.1, 1.0, 0.0),
        ));
        Self {
            scalp: straight(at(0.0, 2.0, 0.0), at(77.0, 97.0, 101.0)),
            skull: straight(at(0.0, 2.0, 0.0), at(71.5, 91.5, 95.5)),
            table: straight(at(0.0, 2.0, 0.0), at(68.8, 88.8, 92.8)),
            dura: straight(at(0.0, 2.0, 0.0), at(65.5, 85.5, 89.5)),
            brain: straight(at(0.0, 2.0, 2.0), at(63.0, 83.0, 85.0)),
            white: straight(at(0.0, 2.0, 4.0), at(54.0, 74.0, 74.0)),
            ventricles,
            deep,
            cerebellum: straight(at(0.0, 50.0, -44.0), at(48.0, 31.0, 25.0)),
            stem: Ellipsoid::along(
                at(0.0, 22.0, -48.0),
                at(40.0, 12.0, 13.0),
                at(0.0, 0.35, -1.0),
                DVec3::X,
            ),
            eyes: [-1.0, 1.0]
                .map(|s| straight(at(31.0 * s, -76.0, -36.0), DVec3::splat(12.0)))
                .to_vec(),
            face: straight(at(0.0, -40.0, -62.0), at(58.0, 60.0, 58.0)),
        }
    }
}

/// Noise of one slice: folds of the cortex, its depth, texture.
struct Folds {
    wide: NoisePlane,
    narrow: NoisePlane,
    texture: NoisePlane,
    bias: NoisePlane,
}

impl Folds {
    fn new(seed: u64, z: f64) -> Self {
        let plane = |name: &str, scale: f64| NoisePlane::new(seed_for(seed, name), scale, z, 130.0);
        Self {
            wide: plane("gyri", 13.0),
            narrow: plane("sulci", 6.5),
            texture: plane("texture", 3.0),
            bias: plane("coil", 120.0),
        }
    }
}

fn tissue_at(
    solids: &Solids,
    folds: &Folds,
    lesion: DVec3,
    lesion_mm: f64,
    p: DVec3,
    soft: f64,
) -> Tissue {
    let mut value = AIR;
    let scalp = solids.scalp.distance(p).min(solids.face.distance(p));
    lay(&mut value, &FAT, scalp, soft);
    if scalp > 2.0 {
        return value;
    }
    lay(&mut value, &MUSCLE, solids.face.distance(p) + 8.0, soft);
    for eye in &solids.eyes {
        lay(&mut value, &FAT, eye.distance(p) - 6.0, soft);
        lay(&mut value, &WATER, eye.distance(p), soft);
    }
    lay(&mut value, &BONE, solids.skull.distance(p), soft);
    // Marrow between the tables.
    lay(
        &mut value,
        &[620.0, 420.0, 330.0],
        (solids.table.distance(p) + 0.4).abs() - 0.9,
        soft,
    );
    lay(&mut value, &WATER, solids.dura.distance(p), soft);
    let (wide, narrow) = (folds.wide.at(p.x, p.y), folds.narrow.at(p.x, p.y));
    // Furrows reach far in where the folds' noise is near zero.
    let depth = -solids.brain.distance(p);
    let furrow = (1.0 - (wide.abs() * 5.5).min(1.0)) * smooth_step(19.0, 3.0, depth);
    // Between the halves, in front and behind and above: deep within there is none.
    let cleft = {
        let outside = smooth_step(30.0, 44.0, (p.y - 4.0).abs()).max(smooth_step(38.0, 46.0, p.z));
        1.3 + 0.6 * narrow - p.x.abs() - 60.0 * (1.0 - outside)
    };
    let surface = solids.brain.distance(p) + furrow * 3.4 + 0.7 * narrow;
    lay(&mut value, &GREY, surface.max(cleft), soft);
    let cortex = 2.9 + 0.5 * narrow;
    let white = solids.white.distance(p) + furrow * 6.5 + 3.2 * (wide - 0.15) + cortex * 0.3;
    lay(
        &mut value,
        &WHITE,
        white.max(surface + cortex).max(cleft + cortex),
        soft,
    );
    for nucleus in &solids.deep {
        lay(&mut value, &DEEP, nucleus.distance(p), soft * 1.5);
    }
    let cerebellum = solids.cerebellum.distance(p);
    lay(&mut value, &WATER, cerebellum - 1.6, soft);
    lay(&mut value, &GREY, cerebellum, soft);
    let leaves = ((p.y * 0.9 + p.z * 0.6 + 4.0 * wide) * 0.9).sin();
    lay(
        &mut value,
        &WHITE,
        (cerebellum + 4.0).max(0.9 - leaves * 1.6),
        soft,
    );
    lay(&mut value, &WHITE, solids.stem.distance(p), soft);
    for chamber in &solids.ventricles {
        lay(&mut value, &WATER, chamber.distance(p), soft);
    }
    let off = p.distance(lesion);
    let rim = lesion_mm * 0.5;
    lay(
        &mut value,
        &OEDEMA,
        off - rim * 1.55 + 2.2 * wide,
        soft * 3.0,
    );
    lay(&mut value, &LESION, off - rim, soft);
    value
}

/// Makes the head. Slices are made in parallel on the current rayon pool; the result does not depend on how many
/// threads there are.
///
/// # Errors
/// [`PhantomError::Size`] for a grid that is empty or huge, or a lesion that is larger than half a brain.
pub fn head(spec: &HeadSpec) -> Result<Head, PhantomError> {
    let [columns, rows, slices] = spec.size;
    let sane = spec.size.iter().all(|s| (1..=512).contains(s))
        && spec.spacing_mm.iter().all(|s| (0.2..=20.0).contains(s))
        && spec.shift_mm.iter().all(|s| s.abs() <= 20.0)
        && (2.0..=40.0).contains(&spec.lesion_mm);
    if !sane {
        return Err(PhantomError::Size);
    }
    let anatomy = Anatomy::new(spec.seed);
    let solids = Solids::new(&anatomy);
    let [dx, dy, dz] = spec.spacing_mm;
    let step = DVec3::new(dx, dy, dz);
    let half =
        DVec3::new(columns as f64 - 1.0, rows as f64 - 1.0, slices as f64 - 1.0) * step * 0.5;
    let shift = DVec3::from_array(spec.shift_mm);
    let grid = GridGeometry {
        size: spec.size,
        patient_from_voxel: DAffine3 {
            matrix3: DMat3::from_diagonal(step),
            // The upper head is what is looked at.
            translation: DVec3::new(0.0, 0.0, 12.0) - half,
        },
    };
    let soft = dx.max(dy) * 1.2;
    let seed = seed_for(spec.seed, "head noise").wrapping_add(spec.exposure << 20);
    let planes: Vec<Vec<Tissue>> = (0..slices)
        .into_par_iter()
        .map(|k| {
            let z = grid.patient_from_voxel.translation.z + k as f64 * dz - shift.z;
            let folds = Folds::new(anatomy.seed, z);
            let voxel = |i: usize, j: usize| {
                let at = DVec3::new(i as f64, j as f64, k as f64);
                let p = grid.patient_from_voxel.transform_point3(at) - shift;
                let value = tissue_at(&solids, &folds, anatomy.lesion, spec.lesion_mm, p, soft);
                let texture =
                    1.0 + 0.025 * folds.texture.at(p.x, p.y) + 0.09 * folds.bias.at(p.x, p.y);
                value.map(|v| v * texture as f32)
            };
            (0..rows)
                .flat_map(|j| (0..columns).map(move |i| (i, j)))
                .map(|(i, j)| voxel(i, j))
                .collect()
        })
        .collect();
    let volumes = Weighting::ALL
        .into_iter()
        .enumerate()
        .map(|(nth, weighting)| {
            let frames = planes.iter().enumerate().map(|(k, plane)| {
                let mut grey: Vec<f32> = plane.iter().filter_map(|t| t.get(nth).copied()).collect();
                let own = seed ^ seed_for(k as u64, weighting.name());
                add_soft_noise(&mut grey, columns, own, 13.0);
                let bytes = grey
                    .iter()
                    .flat_map(|v| (v.abs().round().min(4095.0) as u16).to_le_bytes());
                let pixels = PixelBytes::from_vec(bytes.collect());
                Frame::new(rows, columns, 1, StoredType::U16, pixels).ok_or(PhantomError::Size)
            });
            let volume = Volume {
                grid,
                frames: frames.collect::<Result<_, _>>()?,
                modality_lut: ModalityLut::IDENTITY,
                unit: ModalityUnit::Unspecified,
                padding: None,
            };
            Ok((weighting, volume))
        });
    Ok(Head {
        volumes: volumes.collect::<Result<_, PhantomError>>()?,
        lesion_lps: (anatomy.lesion + shift).to_array(),
        lesion_mm: spec.lesion_mm,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(lesion_mm: f64, shift_mm: [f64; 3]) -> HeadSpec {
        HeadSpec {
            size: [96, 112, 30],
            spacing_mm: [2.0, 2.0, 4.0],
            lesion_mm,
            shift_mm,
            ..HeadSpec::default()
        }
    }

    /// Mean of what lies within `reach` millimetres of a point.
    fn mean(volume: &Volume, at: DVec3, reach: f64) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        let [columns, rows, slices] = volume.grid.size;
        for k in 0..slices {
            for j in 0..rows {
                for i in 0..columns {
                    let voxel = DVec3::new(i as f64, j as f64, k as f64);
                    let p = volume.grid.patient_from_voxel.transform_point3(voxel);
                    if p.distance(at) <= reach {
                        sum += volume.stored(i, j, k).unwrap();
                        n += 1.0;
                    }
                }
            }
        }
        sum / n
    }

    #[test]
    fn each_weighting_orders_the_tissues_as_it_should() {
        let made = head(&small(18.0, [0.0; 3])).unwrap();
        let lesion = DVec3::from_array(made.lesion_lps);
        // Across the midline lies white matter, where the anterior horns are water.
        let healthy = DVec3::new(-lesion.x.signum() * 27.0, lesion.y, 34.0);
        // In the front of a side ventricle.
        let water = DVec3::new(-lesion.x.signum() * 11.0, -14.0, 22.0);
        for (weighting, volume) in &made.volumes {
            let [l, h, w] = [
                mean(volume, lesion, 5.0),
                mean(volume, healthy, 4.0),
                mean(volume, water, 2.5),
            ];
            match weighting {
                Weighting::T1 => assert!(h > l + 150.0 && l > w + 30.0, "{l} {h} {w}"),
                Weighting::T2 => assert!(w > h + 200.0 && l > h + 200.0, "{l} {h} {w}"),
                Weighting::Flair => assert!(l > h + 300.0 && h > w + 100.0, "{l} {h} {w}"),
            }
        }
    }

    #[test]
    fn a_shifted_head_has_its_lesion_shifted_and_a_smaller_one_is_smaller() {
        let flair = |spec: &HeadSpec| {
            let mut made = head(spec).unwrap();
            let (_, volume) = made.volumes.swap_remove(2);
            (volume, DVec3::from_array(made.lesion_lps))
        };
        let (now, at) = flair(&small(18.0, [0.0; 3]));
        let (before, then) = flair(&small(10.0, [3.0, -2.0, 4.0]));
        assert_eq!(then - at, DVec3::new(3.0, -2.0, 4.0));
        let bright = |v: &Volume| {
            let all = v.frames.iter().flat_map(|f| {
                (0..f.rows * f.columns).map(move |n| f.value(n % f.columns, n / f.columns, 0))
            });
            all.flatten().filter(|v| *v > 990.0).count()
        };
        assert!(
            bright(&now) > bright(&before) * 2,
            "{} {}",
            bright(&now),
            bright(&before)
        );
        assert!(mean(&before, then, 3.0) > 950.0);
        assert!(
            head(&HeadSpec {
                lesion_mm: f64::NAN,
                ..HeadSpec::default()
            })
            .is_err()
        );
        assert!(
            head(&HeadSpec {
                size: [0, 1, 1],
                ..HeadSpec::default()
            })
            .is_err()
        );
    }
}
