//! A large single picture: one breast from above, fat and glandular tissue, a few specks of calcium.
//! For loading and drawing of large frames; it has no clinical truth beside where the specks are.

use super::{
    PhantomError,
    random::{NoisePlane, Random, add_soft_noise, seed_for},
    shape::smooth_step,
};
use crate::model::pixels::{Frame, PixelBytes, StoredType};
use rayon::prelude::*;

/// A mammogram.
#[derive(Clone, Debug)]
pub struct Mammogram {
    /// `U16`, 0 to 4095, high values white (MONOCHROME2).
    pub frame: Frame,
    /// Pixel distance, millimetres at the detector.
    pub pixel_mm: f64,
    /// Column and row of each speck.
    pub specks: Vec<[f64; 2]>,
}

/// Width of the detector, millimetres.
const WIDTH_MM: f64 = 179.2;

/// Makes a mammogram whose chest wall is the left border; 2560 columns give pixels of 0.07 mm.
///
/// # Errors
/// [`PhantomError::Size`] for an empty or huge picture.
pub fn mammogram(seed: u64, columns: usize, rows: usize) -> Result<Mammogram, PhantomError> {
    if !(16..=8192).contains(&columns) || !(16..=8192).contains(&rows) || rows > columns * 3 {
        return Err(PhantomError::Size);
    }
    let pixel_mm = WIDTH_MM / columns as f64;
    let middle = rows as f64 * pixel_mm * 0.5;
    let depth = WIDTH_MM * 0.62;
    let half = (middle * 0.86).min(depth * 1.05);
    let reach = WIDTH_MM.max(2.0 * middle);
    let noise: Vec<(NoisePlane, f64)> = [(34.0, 0.55), (13.0, 0.32), (5.0, 0.2), (2.0, 0.1)]
        .into_iter()
        .enumerate()
        .map(|(i, (scale, weight))| {
            let layer = NoisePlane::new(seed_for(seed, "breast") ^ i as u64, scale, 3.0, reach);
            (layer, weight)
        })
        .collect();
    let mut random = Random::new(seed, "specks");
    let specks: Vec<[f64; 2]> = (0..9)
        .map(|_| {
            let x = depth * 0.45 + random.between(-6.0, 6.0);
            let y = middle + half * 0.2 + random.between(-6.0, 6.0);
            [x / pixel_mm, y / pixel_mm]
        })
        .collect();
    let mut plane = vec![0.0f32; columns * rows];
    plane
        .par_chunks_exact_mut(columns)
        .enumerate()
        .for_each(|(row, line)| {
            let y = (row as f64 + 0.5) * pixel_mm - middle;
            for (column, value) in line.iter_mut().enumerate() {
                let x = (column as f64 + 0.5) * pixel_mm;
                // Thickness falls to the skin; beyond it is air.
                let edge = 1.0 - (x / depth).hypot(y / half);
                if edge <= 0.0 {
                    *value = 60.0;
                    continue;
                }
                let thick = smooth_step(0.0, 0.22, edge);
                let texture: f64 = noise.iter().map(|(n, weight)| weight * n.at(x, y)).sum();
                let gland = smooth_step(-0.05, 0.5, texture + 0.9 * edge - 0.35);
                let skin = 260.0 * smooth_step(0.025, 0.0, edge);
                let mut grey = 420.0 + thick * (900.0 + 1450.0 * gland + 160.0 * texture) + skin;
                for speck in &specks {
                    let (dx, dy) = (column as f64 - speck[0], row as f64 - speck[1]);
                    grey += 1100.0 * (-(dx * dx + dy * dy) * pixel_mm * pixel_mm / 0.06).exp();
                }
                *value = grey as f32;
            }
        });
    add_soft_noise(&mut plane, columns, seed_for(seed, "breast noise"), 24.0);
    let bytes: Vec<u8> = plane
        .iter()
        .flat_map(|v| (v.round().clamp(0.0, 4095.0) as u16).to_le_bytes())
        .collect();
    let frame = Frame::new(
        rows,
        columns,
        1,
        StoredType::U16,
        PixelBytes::from_vec(bytes),
    )
    .ok_or(PhantomError::Size)?;
    Ok(Mammogram {
        frame,
        pixel_mm,
        specks,
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
}
