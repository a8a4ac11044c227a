//! A film of ultrasound: a liver seen through a curved probe, with a cyst, breathing a little.
//!
//! Speckle moves with the tissue; behind the cyst the picture is brighter, as sound that crossed water is. The scale
//! is what the region of the object says (PS3.3 C.8.5.5).

use super::{
    PhantomError,
    random::{Random, mix, seed_for},
    shape::{ellipse, smooth_step},
};
use crate::model::pixels::{Frame, PixelBytes, StoredType};
use rayon::prelude::*;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SonogramSpec {
    /// Decides the person.
    pub seed: u64,
    /// Decides the speckle: one for each examination.
    pub exposure: u64,
    /// Frames of the film.
    pub frames: usize,
    /// Diameter of the cyst, millimetres.
    pub cyst_mm: f64,
}

impl Default for SonogramSpec {
    /// 16 frames, a cyst of 24 mm.
    fn default() -> Self {
        Self {
            seed: 1,
            exposure: 0,
            frames: 16,
            cyst_mm: 24.0,
        }
    }
}

/// A film and what is known of it.
#[derive(Clone, Debug)]
pub struct Sonogram {
    /// Frames of `U8`, grey, one after the other in time.
    pub frames: Vec<Frame>,
    /// Distance of pixel centres, both ways, millimetres.
    pub pixel_mm: f64,
    /// First column, first row, last column, last row of the region that the scale belongs to.
    pub region: [u32; 4],
    /// Column and row of the middle of the cyst in each frame.
    pub cyst: Vec<[f64; 2]>,
    /// Its diameter, millimetres.
    pub cyst_mm: f64,
    /// From one frame to the next, milliseconds.
    pub frame_ms: f64,
}

/// Size of a frame, pixels.
pub const COLUMNS: usize = 640;
/// Rows of a frame.
pub const ROWS: usize = 480;
const PIXEL_MM: f64 = 0.32;
/// Milliseconds from frame to frame.
const FRAME_MS: f64 = 66.0;
/// Middle of the probe's curve, pixels; radii of its surface and of the deepest echo; half of its angle.
const APEX: [f64; 2] = [300.0, -118.0];
const SURFACE: f64 = 150.0;
const DEEPEST: f64 = 572.0;
const HALF_ANGLE: f64 = 0.5;
/// The fan within the frame, with a border.
const REGION: [u32; 4] = [20, 8, 579, 463];

/// One of several random numbers of a cell of a lattice, uniform in 0 to 1.
fn cell(seed: u64, x: i64, y: i64) -> f64 {
    let key = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663);
    (mix(seed ^ key as u64) >> 11) as f64 / (1u64 << 53) as f64
}

/// Speckle about 1: random amplitudes on a lattice, blended, squared as a detector does.
fn speckle(seed: u64, x: f64, y: f64) -> f64 {
    let blended = |seed: u64, x: f64, y: f64| {
        let (column, row) = (x.floor(), y.floor());
        let (u, v) = (x - column, y - row);
        let (column, row) = (column as i64, row as i64);
        let at = |i, j| cell(seed, column + i, row + j) - 0.5;
        let low = at(0, 0) + (at(1, 0) - at(0, 0)) * u;
        let high = at(0, 1) + (at(1, 1) - at(0, 1)) * u;
        low + (high - low) * v
    };
    let (re, im) = (blended(seed, x, y), blended(!seed, x + 7.3, y - 3.1));
    (re.hypot(im) * 4.6).min(2.6)
}

/// Where the person's parts lie, millimetres from the middle of the probe's curve: right and deep.
struct Anatomy {
    cyst: [f64; 2],
    vessels: Vec<([f64; 2], [f64; 2], f64)>,
    dome: f64,
}

impl Anatomy {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, "sonogram");
        let mut between = |low, high| random.between(low, high);
        Self {
            cyst: [between(-16.0, 14.0), between(98.0, 108.0)],
            vessels: vec![
                ([between(26.0, 34.0), between(82.0, 90.0)], [3.2, 9.0], 0.7),
                (
                    [between(-42.0, -34.0), between(90.0, 98.0)],
                    [2.6, 8.0],
                    -0.5,
                ),
                (
                    [between(8.0, 16.0), between(134.0, 140.0)],
                    [4.5, 13.0],
                    1.2,
                ),
                (
                    [between(-26.0, -20.0), between(126.0, 134.0)],
                    [2.2, 6.0],
                    0.4,
                ),
            ],
            dome: between(162.0, 168.0),
        }
    }
}

/// Makes the film. Frames are made in parallel on the current rayon pool; the result does not depend on the number of
/// threads.
///
/// # Errors
/// [`PhantomError::Size`] for no or very many frames, or a cyst that does not fit.
pub fn sonogram(spec: &SonogramSpec) -> Result<Sonogram, PhantomError> {
    if !(1..=256).contains(&spec.frames) || !(2.0..=40.0).contains(&spec.cyst_mm) {
        return Err(PhantomError::Size);
    }
    let anatomy = Anatomy::new(spec.seed);
    let seed = seed_for(spec.seed, "speckle").wrapping_add(spec.exposure);
    // Half a breath in the film: down and back.
    let breath = |nth: usize| {
        let phase = nth as f64 / spec.frames as f64 * std::f64::consts::TAU;
        [0.8 * phase.sin(), 2.4 * (1.0 - phase.cos())]
    };
    let frames = (0..spec.frames)
        .into_par_iter()
        .map(|nth| {
            let moved = breath(nth);
            let bytes: Vec<u8> = (0..ROWS * COLUMNS)
                .map(|n| grey(&anatomy, spec, seed, moved, n % COLUMNS, n / COLUMNS))
                .collect();
            let pixels = PixelBytes::from_vec(bytes);
            Frame::new(ROWS, COLUMNS, 1, StoredType::U8, pixels).ok_or(PhantomError::Size)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let cyst = (0..spec.frames).map(|nth| {
        let moved = breath(nth);
        let place = |axis: usize| {
            let [x, y] = [anatomy.cyst, moved].map(|p| p.get(axis).copied().unwrap_or(0.0));
            APEX.get(axis).copied().unwrap_or(0.0) + (x + y) / PIXEL_MM
        };
        [place(0), place(1)]
    });
    Ok(Sonogram {
        cyst: cyst.collect(),
        frames,
        pixel_mm: PIXEL_MM,
        region: REGION,
        cyst_mm: spec.cyst_mm,
        frame_ms: FRAME_MS,
    })
}

/// The value of one pixel.
fn grey(
    anatomy: &Anatomy,
    spec: &SonogramSpec,
    seed: u64,
    moved: [f64; 2],
    column: usize,
    row: usize,
) -> u8 {
    if let Some(value) = furniture(column, row) {
        return value;
    }
    let (px, py) = (column as f64 - APEX[0], row as f64 - APEX[1]);
    let radius = px.hypot(py);
    let angle = px.atan2(py);
    let edge = (HALF_ANGLE - angle.abs()) * radius;
    if !(SURFACE..=DEEPEST).contains(&radius) || edge < 0.0 {
        return 0;
    }
    // Tissue under this pixel: what breathed is where it was.
    let (x, y) = (px * PIXEL_MM - moved[0], py * PIXEL_MM - moved[1]);
    let depth = (radius - SURFACE) * PIXEL_MM;
    let mut echo = 78.0;
    // Layers of the wall of the belly, bright and dark in turn; they do not breathe.
    let wall = smooth_step(17.0, 13.0, depth);
    echo += wall * (30.0 + 46.0 * (depth * 1.15).sin());
    echo += 150.0 * (-(depth - 17.5).powi(2) / 1.1).exp();
    for (centre, radii, turn) in &anatomy.vessels {
        let (dx, dy) = (x - centre[0], y - centre[1]);
        let (c, s) = (turn.cos(), turn.sin());
        let off = ellipse(c * dx + s * dy, c * dy - s * dx, radii[0], radii[1]);
        echo *= 0.14 + 0.86 * smooth_step(-0.6, 0.6, off);
        echo += 74.0 * (-(off - 0.7).powi(2) / 0.5).exp();
    }
    // The diaphragm: a bright bow, and lung behind it.
    let bow = (x + 20.0).hypot(y - 60.0) - (anatomy.dome - 60.0);
    echo += 170.0 * (-bow * bow / 1.6).exp();
    echo *= 1.0 - 0.72 * smooth_step(1.0, 5.0, bow);
    let rim = spec.cyst_mm * 0.5;
    let off = (x - anatomy.cyst[0]).hypot(y - anatomy.cyst[1]) - rim;
    echo += 66.0 * (-(off - 0.4).powi(2) / 0.35).exp();
    echo *= 0.03 + 0.97 * smooth_step(-0.5, 0.5, off);
    let behind = smooth_step(rim + 1.5, rim - 3.0, (x - anatomy.cyst[0]).abs())
        * smooth_step(0.0, 5.0, y - anatomy.cyst[1] - rim * 0.9);
    echo *= 1.0 + 0.55 * behind * smooth_step(60.0, 5.0, y - anatomy.cyst[1]);
    // Speckle is longer across the beam, the more so the deeper.
    let (along, across) = (y.hypot(x) / 0.62, x.atan2(y) * 105.0);
    let grain = 0.34 + 0.66 * speckle(seed, across, along);
    let gain = 1.0 - 0.30 * smooth_step(50.0, 130.0, depth);
    let soft = smooth_step(0.0, 4.0, edge) * smooth_step(DEEPEST, DEEPEST - 8.0, radius);
    (echo * grain * gain * soft).round().clamp(0.0, 250.0) as u8
}

/// The grey bar at the right and marks of a centimetre of depth beside the fan.
fn furniture(column: usize, row: usize) -> Option<u8> {
    if (606..616).contains(&column) && (60..300).contains(&row) {
        return Some((255 - (row - 60) * 255 / 239) as u8);
    }
    let cm = 10.0 / PIXEL_MM;
    let first = SURFACE + APEX[1];
    let below = row as f64 - first;
    let nth = (below / cm).round();
    let on = below >= -0.5 && (below - nth * cm).abs() < 0.5 && nth * cm < DEEPEST - SURFACE;
    let long = (nth as i64) % 5 == 0;
    (on && (590..if long { 600 } else { 595 }).contains(&column)).then_some(190)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cyst_is_dark_as_large_as_said_and_breathes() {
        let spec = SonogramSpec {
            frames: 4,
            ..SonogramSpec::default()
        };
        let film = sonogram(&spec).unwrap();
        assert_eq!(film.frames.len(), 4);
        for (frame, [x, y]) in film.frames.iter().zip(&film.cyst) {
            let radius = film.cyst_mm * 0.5 / film.pixel_mm;
            let mean = |low: f64, high: f64| {
                let (mut sum, mut n) = (0.0, 0.0);
                for row in 0..ROWS {
                    for column in 0..COLUMNS {
                        let r = (column as f64 - x).hypot(row as f64 - y);
                        if (low..high).contains(&r) {
                            sum += frame.value(column, row, 0).unwrap();
                            n += 1.0;
                        }
                    }
                }
                sum / n
            };
            let (inside, outside) = (mean(0.0, radius - 3.0), mean(radius + 3.0, radius + 14.0));
            assert!(inside < 12.0 && outside > 40.0, "{inside} {outside}");
        }
        assert!((film.cyst[2][1] - film.cyst[0][1] - 4.8 / film.pixel_mm).abs() < 1e-9);
        let [left, top, right, bottom] = film.region.map(|v| v as usize);
        let outside = (0..ROWS).flat_map(|r| (0..COLUMNS).map(move |c| (c, r)));
        let lit = outside
            .filter(|(c, r)| !(left..=right).contains(c) || !(top..=bottom).contains(r))
            .filter(|(c, r)| film.frames[0].value(*c, *r, 0).unwrap() > 0.0)
            // Beside the bar and the marks of depth nothing lies beyond the region.
            .filter(|(c, _)| *c < 590);
        assert_eq!(lit.count(), 0);
        assert!(sonogram(&SonogramSpec { frames: 0, ..spec }).is_err());
    }
}
