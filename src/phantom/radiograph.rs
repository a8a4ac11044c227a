//! Chest radiographs (PA, upright) projected from the same made-up person, with their truth.
//!
//! The tube stands behind the patient, the detector in front of the chest; the picture is seen as if facing the
//! patient, so the patient's left is on the right of the picture. Rays are straight (Beer-Lambert along each),
//! scatter is a blurred share of what arrives, noise follows the counted photons, and the picture is processed
//! as detectors do: logarithm, less of what is coarse, more of what is fine, a curve to 12 bits.

use super::{
    PhantomError,
    anatomy::Anatomy,
    ct::{Nodule, place_nodules},
    paint::{Organ, PlaneGrid, Setting, paint_plane},
    random::{mix, normal, seed_for},
};
use crate::{
    model::pixels::{Frame, PixelBytes, StoredType},
    task::{CancelToken, Progress},
};
use rayon::prelude::*;

/// What to make.
#[derive(Clone, Debug, PartialEq)]
pub struct RadiographSpec {
    /// Decides the person.
    pub seed: u64,
    /// Decides the noise: one for each exposure.
    pub exposure: u64,
    /// Columns of the detector.
    pub columns: usize,
    /// Rows of the detector.
    pub rows: usize,
    /// Distance of detector pixels, millimetres at the detector.
    pub pixel_mm: f64,
    /// How far the patient stands to the left (x) and how far up (z), millimetres.
    pub shift_mm: [f64; 2],
    /// The nodules; `None` for those of the seed's CT.
    pub nodules: Option<Vec<Nodule>>,
}

impl Default for RadiographSpec {
    /// 43 cm square, 0.6 mm pixels.
    fn default() -> Self {
        Self {
            seed: 1,
            exposure: 0,
            columns: 720,
            rows: 720,
            pixel_mm: 0.6,
            shift_mm: [0.0, 0.0],
            nodules: None,
        }
    }
}

/// Source to detector, millimetres: Distance Source to Detector (0018,1110).
pub const SOURCE_DETECTOR_MM: f64 = 1800.0;
/// The detector plane, millimetres in front of patient y = 0.
const DETECTOR_Y: f64 = -150.0;
/// Height of the central ray.
const CENTRAL_Z: f64 = 8.0;
/// Water at the effective energy of a 120 kV beam behind its filter, 1/mm.
const WATER_PER_MM: f64 = 0.0195;
/// Steps of the ray through the body, front to back, millimetres.
const DEPTH_STEP_MM: f64 = 4.0;
/// The body lies between these.
const DEPTH: [f64; 2] = [-117.0, 126.0];

impl RadiographSpec {
    /// How much larger a thing at depth `y` appears on the detector.
    pub fn magnification(&self, y: f64) -> f64 {
        SOURCE_DETECTOR_MM / (DETECTOR_Y + SOURCE_DETECTOR_MM - y)
    }

    /// Column and row (from 0, fractions of a pixel) where a point of the patient is seen.
    pub fn project(&self, point_lps: [f64; 3]) -> [f64; 2] {
        let [x, y, z] = point_lps;
        let scale = self.magnification(y) / self.pixel_mm;
        [
            (self.columns as f64 - 1.0) * 0.5 + (x + self.shift_mm[0]) * scale,
            (self.rows as f64 - 1.0) * 0.5 - (z + self.shift_mm[1] - CENTRAL_Z) * scale,
        ]
    }

    fn check(&self) -> Result<(), PhantomError> {
        let sane = (16..=4096).contains(&self.columns)
            && (16..=4096).contains(&self.rows)
            && (0.1..=10.0).contains(&self.pixel_mm)
            && self.columns as f64 * self.pixel_mm <= 600.0
            && self.rows as f64 * self.pixel_mm <= 600.0
            && self.shift_mm.iter().all(|s| s.abs() <= 50.0);
        if sane {
            Ok(())
        } else {
            Err(PhantomError::Size)
        }
    }
}

/// Where a nodule is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProjectedNodule {
    /// The nodule.
    pub nodule: Nodule,
    /// Column and row of its centre, from 0.
    pub column_row: [f64; 2],
    /// Its diameter on the detector, pixels.
    pub diameter_px: f64,
}

/// What is known of a phantom radiograph. Masks are row-major, 0 or 1, as large as the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct RadiographTruth {
    /// Nodules as they are seen.
    pub nodules: Vec<ProjectedNodule>,
    /// The lung fields as readers outline them: rays with at least 8 mm of lung, lung making up at least half of
    /// what lies inside the chest wall, and at most 14 mm of heart, aorta or belly.
    pub lung_fields: Vec<u8>,
    /// All lung, also behind heart and diaphragm: rays with at least 3 mm of it.
    pub lung_projection: Vec<u8>,
}

/// A radiograph and its truth.
#[derive(Clone, Debug)]
pub struct Radiograph {
    /// `U16`, 0 to 4095, high values white (MONOCHROME2), for presentation.
    pub frame: Frame,
    /// Window centre and width that show it.
    pub window: [f64; 2],
    /// Imager Pixel Spacing, millimetres at the detector.
    pub pixel_mm: f64,
    /// What it shows.
    pub truth: RadiographTruth,
}

/// Attenuation and kinds of tissue of the whole body, `[z][y][x]`.
struct Body {
    columns: usize,
    depths: usize,
    first_x: f64,
    first_z: f64,
    step: f64,
    planes: Vec<BodyPlane>,
}

struct BodyPlane {
    attenuation: Vec<f32>,
    organs: Vec<u8>,
}

impl Body {
    fn row<'a, T>(&self, all: &'a [T], depth: usize) -> &'a [T] {
        all.get(depth * self.columns..(depth + 1) * self.columns)
            .unwrap_or_default()
    }
}

/// Attenuation of a Hounsfield value: bone weighs more at the lower energies of a radiograph.
fn attenuation(hounsfield: f32) -> f32 {
    let bone = (hounsfield - 120.0).max(0.0) * 0.45;
    (WATER_PER_MM as f32) * ((1000.0 + hounsfield + bone) / 1000.0).max(0.0)
}

/// Makes a radiograph. Runs in parallel on the current rayon pool; the result does not depend on the number of
/// threads.
///
/// # Errors
/// [`PhantomError::Size`] for a detector that is empty, huge or not finite; [`PhantomError::Cancelled`].
pub fn radiograph(
    spec: &RadiographSpec,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Radiograph, PhantomError> {
    spec.check()?;
    let anatomy = Anatomy::new(spec.seed);
    let nodules = match &spec.nodules {
        Some(nodules) => nodules.clone(),
        None => place_nodules(&anatomy),
    };
    let body = paint_upright(spec, &anatomy, &nodules, progress, cancel)?;
    let rays = project_body(spec, &body, cancel)?;
    drop(body);
    let grey = process(spec, &rays);
    progress.add(1);
    let bytes: Vec<u8> = grey.iter().flat_map(|v| v.to_le_bytes()).collect();
    let frame = Frame::new(
        spec.rows,
        spec.columns,
        1,
        StoredType::U16,
        PixelBytes::from_vec(bytes),
    )
    .ok_or(PhantomError::Size)?;
    let projected = nodules
        .iter()
        .map(|nodule| ProjectedNodule {
            nodule: *nodule,
            column_row: spec.project(nodule.centre_lps),
            diameter_px: nodule.diameter_mm * spec.magnification(nodule.centre_lps[1])
                / spec.pixel_mm,
        })
        .collect();
    let mask = |test: fn(&Ray) -> bool| rays.iter().map(|r| u8::from(test(r))).collect();
    Ok(Radiograph {
        frame,
        window: [2048.0, 4096.0],
        pixel_mm: spec.pixel_mm,
        truth: RadiographTruth {
            nodules: projected,
            lung_fields: mask(|r| {
                r.lung_mm >= 8.0 && r.lung_mm >= 0.5 * r.inside_mm && r.hiding_mm <= 14.0
            }),
            lung_projection: mask(|r| r.lung_mm >= 3.0),
        },
    })
}

fn paint_upright(
    spec: &RadiographSpec,
    anatomy: &Anatomy,
    nodules: &[Nodule],
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<Body, PhantomError> {
    // Fine enough for the detector where the body touches it, not finer than the eye can use.
    let step = (spec.pixel_mm / 1.05).max(0.75);
    let half_x = spec.columns as f64 * spec.pixel_mm * 0.5 + spec.shift_mm[0].abs() + 2.0 * step;
    let half_z = spec.rows as f64 * spec.pixel_mm * 0.5 + spec.shift_mm[1].abs() + 2.0 * step;
    let columns = (2.0 * half_x / step).ceil() as usize;
    let slices = (2.0 * half_z / step).ceil() as usize;
    let depths = ((DEPTH[1] - DEPTH[0]) / DEPTH_STEP_MM) as usize;
    let first_z = CENTRAL_Z - half_z;
    let grid = PlaneGrid {
        first: [-half_x, DEPTH[0] + DEPTH_STEP_MM * 0.5],
        step: [step, DEPTH_STEP_MM],
        columns,
        rows: depths,
        weave: None,
    };
    progress.set_total(slices as u64 + 1);
    let planes = (0..slices)
        .into_par_iter()
        .map(|k| {
            if cancel.is_cancelled() {
                return Err(PhantomError::Cancelled);
            }
            let z = first_z + k as f64 * step;
            let woven = PlaneGrid {
                weave: Some(k),
                ..grid
            };
            let plane = paint_plane(anatomy, nodules, z, woven, Setting::Upright);
            progress.add(1);
            Ok(BodyPlane {
                attenuation: plane
                    .hounsfield
                    .iter()
                    .map(|hu| attenuation(*hu) * DEPTH_STEP_MM as f32)
                    .collect(),
                organs: plane.organs,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Body {
        columns,
        depths,
        first_x: -half_x,
        first_z,
        step,
        planes,
    })
}

/// What one ray met.
#[derive(Clone, Copy, Debug, Default)]
struct Ray {
    /// Line integral of the attenuation.
    depth: f32,
    /// Lung, nodules included.
    lung_mm: f32,
    /// Everything inside the chest wall.
    inside_mm: f32,
    /// Heart, aorta and organs of the belly.
    hiding_mm: f32,
}

fn project_body(
    spec: &RadiographSpec,
    body: &Body,
    cancel: &CancelToken,
) -> Result<Vec<Ray>, PhantomError> {
    let mut rays = vec![Ray::default(); spec.columns * spec.rows];
    rays.par_chunks_exact_mut(spec.columns)
        .enumerate()
        .try_for_each(|(row, line)| {
            if cancel.is_cancelled() {
                return Err(PhantomError::Cancelled);
            }
            for depth in 0..body.depths {
                project_row(spec, body, depth, row, line);
            }
            // Rays away from the middle run a little longer through each layer.
            let down = ((spec.rows as f64 - 1.0) * 0.5 - row as f64) * spec.pixel_mm;
            for (column, ray) in line.iter_mut().enumerate() {
                let across = (column as f64 - (spec.columns as f64 - 1.0) * 0.5) * spec.pixel_mm;
                let lean = (1.0 + (across * across + down * down) / SOURCE_DETECTOR_MM.powi(2))
                    .sqrt() as f32;
                ray.depth *= lean;
                ray.lung_mm *= lean;
                ray.inside_mm *= lean;
                ray.hiding_mm *= lean;
            }
            Ok(())
        })?;
    Ok(rays)
}

/// Adds what one layer of the body does to one row of the detector.
fn project_row(spec: &RadiographSpec, body: &Body, depth: usize, row: usize, line: &mut [Ray]) {
    let y = DEPTH[0] + (depth as f64 + 0.5) * DEPTH_STEP_MM;
    let scale = spec.pixel_mm / spec.magnification(y);
    let z = ((spec.rows as f64 - 1.0) * 0.5 - row as f64) * scale + CENTRAL_Z - spec.shift_mm[1];
    // Three planes and three columns with weights that fall to zero: every one of the four woven phases of
    // `PlaneGrid` counts one quarter, wherever the ray passes.
    let level = (z - body.first_z) / body.step - 0.5;
    if level < 0.0 {
        return;
    }
    let k = level as usize;
    let Some([low, middle, high]) = body.planes.get(k..k + 3) else {
        return;
    };
    let part_z = level.fract() as f32;
    let mut sums = Vec::with_capacity(body.columns);
    sums.extend(
        body.row(&low.attenuation, depth)
            .iter()
            .zip(body.row(&middle.attenuation, depth))
            .zip(body.row(&high.attenuation, depth))
            .map(|((a, b), c)| 0.5 * (a * (1.0 - part_z) + b + c * part_z)),
    );
    // For the kinds of tissue the nearest two by two points.
    let (near, far) = if part_z < 0.5 {
        (low, middle)
    } else {
        (middle, high)
    };
    let (near, far) = (body.row(&near.organs, depth), body.row(&far.organs, depth));
    let first = -(spec.columns as f64 - 1.0) * 0.5 * scale - spec.shift_mm[0] - body.first_x;
    for (column, ray) in line.iter_mut().enumerate() {
        let place = (first + column as f64 * scale) / body.step - 0.5;
        if place < 0.0 {
            continue;
        }
        let i = place as usize;
        let part_x = (place - i as f64) as f32;
        let Some([a, b, c]) = sums.get(i..i + 3) else {
            continue;
        };
        ray.depth += 0.5 * (a * (1.0 - part_x) + b + c * part_x);
        let i = i + usize::from(part_x >= 0.5);
        let (Some(near), Some(far)) = (near.get(i..i + 2), far.get(i..i + 2)) else {
            continue;
        };
        let part = DEPTH_STEP_MM as f32 * 0.25;
        for organ in near.iter().chain(far) {
            if Organ::is_lung(*organ) {
                ray.lung_mm += part;
            }
            if Organ::is_inside_chest_wall(*organ) {
                ray.inside_mm += part;
            }
            if Organ::hides_lung(*organ) {
                ray.hiding_mm += part;
            }
        }
    }
}

/// Attenuation that becomes middle grey, and the steepness there.
const MIDDLE: f32 = 2.45;
const STEEPNESS: f32 = 2.3;

/// From line integrals to the picture.
fn process(spec: &RadiographSpec, rays: &[Ray]) -> Vec<u16> {
    let columns = spec.columns;
    let px = |mm: f64| (mm / spec.pixel_mm).max(0.3);
    let primary: Vec<f32> = rays.iter().map(|r| (-r.depth).exp()).collect();
    let scatter = blur(&primary, columns, px(28.0));
    let seed = seed_for(spec.seed ^ mix(spec.exposure), "radiograph noise");
    // Photons counted in a pixel without a patient.
    let photons = (60_000.0 * spec.pixel_mm * spec.pixel_mm / 0.36) as f32;
    let exposure: Vec<f32> = primary
        .iter()
        .zip(&scatter)
        .enumerate()
        .map(|(i, (p, s))| {
            let counted = photons * (p * 0.9 + s * 0.10 + 0.0004);
            let noisy = counted + counted.sqrt() * normal(mix(seed ^ i as u64));
            -(noisy.max(1.0) / photons).ln()
        })
        .collect();
    // The screen of the detector spreads light by about one pixel.
    let sharp = blur(&exposure, columns, px(0.35));
    let fine = blur(&sharp, columns, px(2.5));
    let coarse = blur(&sharp, columns, px(32.0));
    sharp
        .iter()
        .zip(fine)
        .zip(coarse)
        .map(|((value, fine), coarse)| {
            let flat = value - 0.38 * (coarse - 2.2) + 0.55 * (value - fine);
            // A film-like curve: a soft toe for air, a soft shoulder for the spine.
            let curve = 1.0 / (1.0 + (-(flat - MIDDLE) * STEEPNESS).exp());
            let floor = 1.0 / (1.0 + (MIDDLE * STEEPNESS).exp());
            let grey = ((curve - floor) / (0.985 - floor)).clamp(0.0, 1.0);
            (grey * 4095.0).round() as u16
        })
        .collect()
}

/// Nearly Gaussian blur of a row-major picture: three running means along each axis; borders repeat.
fn blur(picture: &[f32], columns: usize, sigma_px: f64) -> Vec<f32> {
    let rows = picture.len() / columns.max(1);
    // Three means of odd width w have variance (w² - 1) / 4.
    let half = (((4.0 * sigma_px * sigma_px + 1.0).sqrt() - 1.0) * 0.5).round() as usize;
    let mut across = picture.to_vec();
    let mut spare = vec![0.0; columns.max(rows)];
    for line in across.chunks_exact_mut(columns) {
        for _ in 0..3 {
            running_mean(line, &mut spare, half);
        }
    }
    let mut column = vec![0.0; rows];
    for x in 0..columns {
        for (value, line) in column.iter_mut().zip(across.chunks_exact(columns)) {
            *value = line.get(x).copied().unwrap_or_default();
        }
        for _ in 0..3 {
            running_mean(&mut column, &mut spare, half);
        }
        for (value, line) in column.iter().zip(across.chunks_exact_mut(columns)) {
            if let Some(place) = line.get_mut(x) {
                *place = *value;
            }
        }
    }
    across
}

fn running_mean(line: &mut [f32], spare: &mut [f32], half: usize) {
    let n = line.len();
    let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) else {
        return;
    };
    if half == 0 {
        return;
    }
    let at = |i: isize, line: &[f32]| -> f64 {
        let value = if i < 0 {
            first
        } else {
            line.get(i as usize).copied().unwrap_or(last)
        };
        f64::from(value)
    };
    let reach = half as isize;
    let mut sum: f64 = (-reach..=reach).map(|i| at(i, line)).sum();
    let width = (2 * half + 1) as f64;
    for (i, out) in spare.iter_mut().take(n).enumerate() {
        *out = (sum / width) as f32;
        let i = i as isize;
        sum += at(i + reach + 1, line) - at(i - reach, line);
    }
    for (value, mean) in line.iter_mut().zip(spare.iter()) {
        *value = *mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blurred_point_keeps_its_sum_and_has_the_spread_asked_for() {
        let mut picture = vec![0.0f32; 101 * 101];
        picture[50 * 101 + 50] = 1.0;
        let blurred = blur(&picture, 101, 6.0);
        let sum: f32 = blurred.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        let variance: f64 = blurred
            .iter()
            .enumerate()
            .map(|(i, v)| f64::from(*v) * ((i % 101) as f64 - 50.0).powi(2))
            .sum();
        // The width is a whole number of pixels: sigma is right to half a pixel.
        assert!((variance.sqrt() - 6.0).abs() < 0.5, "{}", variance.sqrt());
    }

    #[test]
    fn points_are_seen_facing_the_patient() {
        let spec = RadiographSpec::default();
        let left = spec.project([100.0, 0.0, 0.0]);
        let right = spec.project([-100.0, 0.0, 0.0]);
        let head = spec.project([0.0, 0.0, 100.0]);
        assert!(left[0] > right[0] && head[1] < left[1]);
        // What lies further from the detector is larger: 1800 / (1650 - y).
        assert!((spec.magnification(0.0) - 1800.0 / 1650.0).abs() < 1e-12);
        assert!(spec.magnification(80.0) > spec.magnification(-80.0));
    }
}
