//! A large single picture: one breast from above or from the side, fat and glandular tissue, a few specks of calcium,
//! a mass where one is asked for. It has no clinical truth beside where these are.

use super::{
    PhantomError,
    anatomy::Side,
    random::{NoisePlane, Random, add_soft_noise, seed_for},
    shape::smooth_step,
};
use crate::model::pixels::{Frame, PixelBytes, StoredType};
use rayon::prelude::*;

/// From where the breast is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreastView {
    /// Cranio-caudal: from above.
    Cc,
    /// Medio-lateral oblique: from the side, with the muscle of the chest.
    Mlo,
}

impl BreastView {
    /// View Position (0018,5101).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cc => "CC",
            Self::Mlo => "MLO",
        }
    }
}

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MammogramSpec {
    /// Decides the person.
    pub seed: u64,
    /// Decides the noise: one for each exposure.
    pub exposure: u64,
    /// Columns; their distance follows from the width of the detector.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Side of the body. The chest wall is the left border of a left breast, the right border of a right one.
    pub side: Side,
    /// From where.
    pub view: BreastView,
    /// Diameter of a mass in the outer half of the breast, millimetres.
    pub mass_mm: Option<f64>,
}

/// A mammogram.
#[derive(Clone, Debug)]
pub struct Mammogram {
    /// `U16`, 0 to 4095, high values white (MONOCHROME2).
    pub frame: Frame,
    /// Pixel distance, millimetres at the detector.
    pub pixel_mm: f64,
    /// Column and row of each speck.
    pub specks: Vec<[f64; 2]>,
    /// Column and row of the middle of the mass, where there is one.
    pub mass: Option<[f64; 2]>,
}

/// Width of the detector, millimetres.
const WIDTH_MM: f64 = 179.2;

/// Makes a mammogram from above whose chest wall is the left border; 2560 columns give pixels of 0.07 mm.
///
/// # Errors
/// [`PhantomError::Size`] for an empty or huge picture.
pub fn mammogram(seed: u64, columns: usize, rows: usize) -> Result<Mammogram, PhantomError> {
    breast(&MammogramSpec {
        seed,
        exposure: 0,
        columns,
        rows,
        side: Side::Left,
        view: BreastView::Cc,
        mass_mm: None,
    })
}

/// The parts of a breast that follow from the seed.
struct Breast {
    pixel_mm: f64,
    /// Half of the picture's height, of the breast's, and how far it stands out; millimetres.
    middle: f64,
    half: f64,
    depth: f64,
    noise: Vec<(NoisePlane, f64)>,
    /// Middle and radius of the mass, millimetres from the chest wall and from the upper border.
    mass: Option<([f64; 2], f64)>,
    view: BreastView,
    specks: Vec<[f64; 2]>,
}

impl Breast {
    fn new(spec: &MammogramSpec) -> Self {
        let pixel_mm = WIDTH_MM / spec.columns as f64;
        let middle = spec.rows as f64 * pixel_mm * 0.5;
        let depth = WIDTH_MM * 0.62;
        let half = (middle * 0.86).min(depth * 1.05);
        let reach = WIDTH_MM.max(2.0 * middle);
        let height = match spec.view {
            BreastView::Cc => 3.0,
            BreastView::Mlo => 41.0,
        };
        let own = match spec.side {
            Side::Left => "breast",
            Side::Right => "right breast",
        };
        let noise = [(34.0, 0.55), (13.0, 0.32), (5.0, 0.2), (2.0, 0.1)];
        let noise = noise.into_iter().enumerate().map(|(i, (scale, weight))| {
            let layer = NoisePlane::new(seed_for(spec.seed, own) ^ i as u64, scale, height, reach);
            (layer, weight)
        });
        let mut random = Random::new(spec.seed, "specks");
        let specks = (0..9).map(|_| {
            let x = depth * 0.45 + random.between(-6.0, 6.0);
            let y = middle + half * 0.2 + random.between(-6.0, 6.0);
            [x / pixel_mm, y / pixel_mm]
        });
        let specks = specks.collect();
        let up = match spec.view {
            BreastView::Cc => 0.34,
            BreastView::Mlo => 0.02,
        };
        let mass = spec
            .mass_mm
            .map(|diameter| ([depth * 0.52, middle - half * up], diameter * 0.5));
        Self {
            pixel_mm,
            middle,
            half,
            depth,
            noise: noise.collect(),
            mass,
            view: spec.view,
            specks,
        }
    }

    /// The grey at a point, millimetres from the chest wall and from the upper border, without the specks.
    fn grey(&self, x: f64, down: f64) -> f64 {
        let (x_on, y) = match self.view {
            BreastView::Cc => (x, down - self.middle),
            // From the side the breast hangs lower.
            BreastView::Mlo => (x, down - self.middle * 1.12),
        };
        // Thickness falls to the skin; beyond it is air.
        let edge = 1.0 - (x_on / self.depth).hypot(y / self.half);
        let muscle = match self.view {
            BreastView::Cc => f64::MIN,
            BreastView::Mlo => (1.0 - down / (self.middle * 1.35)) * self.depth * 0.52 - x,
        };
        if edge <= 0.0 && muscle <= 0.0 {
            return 60.0;
        }
        let thick = smooth_step(0.0, 0.22, edge);
        let texture: f64 = self
            .noise
            .iter()
            .map(|(n, weight)| weight * n.at(x, y))
            .sum();
        let gland = smooth_step(-0.05, 0.5, texture + 0.9 * edge - 0.35);
        let skin = 260.0 * smooth_step(0.025, 0.0, edge.max(0.0));
        let mut grey = 420.0 + thick * (900.0 + 1450.0 * gland + 160.0 * texture) + skin;
        if muscle > 0.0 {
            let part = smooth_step(0.0, 7.0, muscle);
            grey += part * (2250.0 + 190.0 * texture - grey);
        }
        if let Some(([mass_x, mass_y], radius)) = self.mass {
            // A lobed outline.
            let (dx, dy) = (x - mass_x, down - mass_y);
            let lobes = 1.0 + 0.07 * (5.0 * dy.atan2(dx)).sin();
            let part = smooth_step(0.9, -1.6, dx.hypot(dy) - radius * lobes);
            grey += part * (3050.0 + 160.0 * texture - grey).max(0.0);
        }
        grey
    }
}

/// Makes a mammogram. Rows are made in parallel on the current rayon pool; the result does not depend on the number of
/// threads.
///
/// # Errors
/// [`PhantomError::Size`] for an empty or huge picture, or a mass that is no size.
pub fn breast(spec: &MammogramSpec) -> Result<Mammogram, PhantomError> {
    let (columns, rows) = (spec.columns, spec.rows);
    if !(16..=8192).contains(&columns)
        || !(16..=8192).contains(&rows)
        || rows > columns * 3
        || spec.mass_mm.is_some_and(|mm| !(1.0..=60.0).contains(&mm))
    {
        return Err(PhantomError::Size);
    }
    let breast = Breast::new(spec);
    let pixel_mm = breast.pixel_mm;
    let mut plane = vec![0.0f32; columns * rows];
    plane
        .par_chunks_exact_mut(columns)
        .enumerate()
        .for_each(|(row, line)| {
            let down = (row as f64 + 0.5) * pixel_mm;
            for (column, value) in line.iter_mut().enumerate() {
                let mut grey = breast.grey((column as f64 + 0.5) * pixel_mm, down);
                if grey > 60.0 {
                    for speck in &breast.specks {
                        let (dx, dy) = (column as f64 - speck[0], row as f64 - speck[1]);
                        grey += 1100.0 * (-(dx * dx + dy * dy) * pixel_mm * pixel_mm / 0.06).exp();
                    }
                }
                *value = grey as f32;
            }
        });
    let noise = seed_for(spec.seed, "breast noise").wrapping_add(spec.exposure);
    add_soft_noise(&mut plane, columns, noise, 24.0);
    let mirrored = spec.side == Side::Right;
    if mirrored {
        plane
            .par_chunks_exact_mut(columns)
            .for_each(<[f32]>::reverse);
    }
    let bytes: Vec<u8> = plane
        .iter()
        .flat_map(|v| (v.round().clamp(0.0, 4095.0) as u16).to_le_bytes())
        .collect();
    let pixels = PixelBytes::from_vec(bytes);
    let frame = Frame::new(rows, columns, 1, StoredType::U16, pixels).ok_or(PhantomError::Size)?;
    let seen = |[x, y]: [f64; 2]| match mirrored {
        true => [columns as f64 - 1.0 - x, y],
        false => [x, y],
    };
    let mass = breast
        .mass
        .map(|([x, y], _)| seen([x / pixel_mm - 0.5, y / pixel_mm - 0.5]));
    Ok(Mammogram {
        frame,
        pixel_mm,
        specks: breast.specks.into_iter().map(seen).collect(),
        mass,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_breast_hangs_on_the_left_border_and_specks_are_bright() {
        let picture = mammogram(1, 640, 832).unwrap();
        let at = |x: usize, y: usize| picture.frame.value(x, y, 0).unwrap();
        assert!(at(10, 416) > 1000.0 && at(630, 416) < 300.0 && at(10, 10) < 300.0);
        for [x, y] in &picture.specks {
            let (x, y) = (x.round() as usize, y.round() as usize);
            // A ring of 12 pixels (3.4 mm) around is tissue without specks, or with fewer.
            let around = (at(x - 12, y) + at(x + 12, y) + at(x, y - 12) + at(x, y + 12)) / 4.0;
            assert!(at(x, y) > around + 300.0);
        }
        assert!(mammogram(1, 4, 4).is_err());
    }

    #[test]
    fn a_right_breast_hangs_at_the_right_and_a_mass_is_as_large_as_said() {
        let spec = MammogramSpec {
            seed: 1,
            exposure: 3,
            columns: 640,
            rows: 832,
            side: Side::Right,
            view: BreastView::Mlo,
            mass_mm: Some(18.0),
        };
        let with = breast(&spec).unwrap();
        let without = breast(&MammogramSpec {
            mass_mm: None,
            ..spec
        })
        .unwrap();
        let at = |m: &Mammogram, x: usize, y: usize| m.frame.value(x, y, 0).unwrap();
        assert!(at(&with, 630, 416) > 1000.0 && at(&with, 10, 416) < 300.0);
        // The muscle fills the upper corner at the chest wall.
        assert!(at(&with, 620, 20) > 1900.0, "{}", at(&with, 620, 20));
        let [x, y] = with.mass.unwrap();
        let changed = (0..832usize)
            .flat_map(|r| (0..640usize).map(move |c| (c, r)))
            .filter(|(c, r)| (at(&with, *c, *r) - at(&without, *c, *r)).abs() > 60.0);
        let (mut sum, mut n) = ([0.0, 0.0], 0.0);
        for (c, r) in changed {
            sum = [sum[0] + c as f64, sum[1] + r as f64];
            n += 1.0;
        }
        assert!((sum[0] / n - x).abs() < 4.0 && (sum[1] / n - y).abs() < 4.0);
        let diameter = 2.0 * (n / std::f64::consts::PI).sqrt() * with.pixel_mm;
        // The soft edge and dense tissue that already was as bright change what is seen of it.
        assert!((14.0..20.0).contains(&diameter), "{diameter}");
        let left = breast(&MammogramSpec {
            side: Side::Left,
            ..spec
        });
        let left = left.unwrap();
        assert!(at(&left, 10, 416) > 1000.0 && left.mass.unwrap()[0] < 320.0);
    }
}
