//! Random numbers that depend on a seed and a place only, never on the order of work or the number of threads.

/// A generator of the SplitMix64 kind (Steele, Lea, Flood 2014): a counter and a mixing function.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// Mixes the bits of a number so that neighbours have nothing in common.
pub(crate) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One number from a seed and the name of what it is for.
pub(crate) fn seed_for(seed: u64, purpose: &str) -> u64 {
    purpose.bytes().fold(mix(seed), |state, byte| {
        mix(state ^ u64::from(byte).wrapping_mul(0x0100_0000_01b3))
    })
}

impl Random {
    /// A stream of its own for each purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self(seed_for(seed, purpose))
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }
}

/// Nearly normal, mean 0, standard deviation 1: four 16-bit uniforms added (Irwin-Hall), bounded by ±3.46.
pub(crate) fn normal(bits: u64) -> f32 {
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    // Each uniform on 0..=65535 has variance (65536² - 1) / 12; four of them have the sum's.
    (sum as f32 - 131_070.0) / 37_837.227
}

/// Adds noise of the given standard deviation to a row-major plane, correlated like that of a soft
/// reconstruction kernel: white noise smoothed by the binomial weights 1 4 6 4 1 along both axes and scaled
/// back to its standard deviation.
pub(crate) fn add_soft_noise(plane: &mut [f32], columns: usize, seed: u64, sigma: f32) {
    if columns == 0 || sigma <= 0.0 {
        return;
    }
    let rows = plane.len() / columns;
    const WEIGHTS: [f32; 5] = [1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
    // The sum of squared weights of the 2-D kernel is (70/256)²; its root is 70/256.
    let scale = sigma * 256.0 / 70.0;
    // Rows of smoothed-along-x noise, two above and two below the plane, so that no border shows.
    let across = columns + 4;
    let mut white = vec![0.0f32; across];
    let mut band = vec![0.0f32; (rows + 4) * columns];
    for (y, row) in band.chunks_exact_mut(columns).enumerate() {
        let start = seed.wrapping_add((y as u64).wrapping_mul(0x1_0000_0001));
        for (x, value) in white.iter_mut().enumerate() {
            *value = normal(mix(start ^ (x as u64) << 20));
        }
        for (value, window) in row.iter_mut().zip(white.windows(5)) {
            *value = window.iter().zip(WEIGHTS).map(|(v, w)| v * w).sum();
        }
    }
    for (y, row) in plane.chunks_exact_mut(columns).enumerate() {
        for (k, weight) in WEIGHTS.iter().enumerate() {
            let from = band.get((y + k) * columns..(y + k + 1) * columns);
            for (value, noise) in row.iter_mut().zip(from.unwrap_or_default()) {
                *value += noise * (weight * scale);
            }
        }
    }
}

/// Smooth noise in one axial plane: random values on the points of a lattice in space, blended between;
/// about -1 to 1. The blending along z is done once.
#[derive(Clone, Debug)]
pub(crate) struct NoisePlane {
    first: [i64; 2],
    columns: usize,
    scale: f64,
    corners: Vec<f64>,
}

fn ease(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

impl NoisePlane {
    /// Cells of `scale_mm` millimetres in the plane at height `z`, for points within ±`reach_mm` of the middle.
    pub(crate) fn new(seed: u64, scale_mm: f64, z: f64, reach_mm: f64) -> Self {
        let level = z / scale_mm;
        let layer = level.floor();
        let part = ease(level - layer);
        let half = (reach_mm / scale_mm).ceil() as i64 + 1;
        let columns = (2 * half + 2) as usize;
        let value = |x: i64, y: i64, z: i64| {
            let key = x.wrapping_mul(73_856_093)
                ^ y.wrapping_mul(19_349_663)
                ^ z.wrapping_mul(83_492_791);
            (mix(seed ^ key as u64) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let layer = layer as i64;
        let corners = (-half..half + 2)
            .flat_map(|y| (-half..half + 2).map(move |x| (x, y)))
            .map(|(x, y)| {
                let low = value(x, y, layer);
                low + (value(x, y, layer + 1) - low) * part
            })
            .collect();
        Self {
            first: [-half, -half],
            columns,
            scale: 1.0 / scale_mm,
            corners,
        }
    }

    /// The noise at a point; 0 beyond the reach.
    pub(crate) fn at(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x * self.scale, y * self.scale);
        let (cell_x, cell_y) = (x.floor(), y.floor());
        let (u, v) = (ease(x - cell_x), ease(y - cell_y));
        let column = cell_x as i64 - self.first[0];
        let row = cell_y as i64 - self.first[1];
        if column < 0 || row < 0 || column as usize + 1 >= self.columns {
            return 0.0;
        }
        let start = row as usize * self.columns + column as usize;
        let (Some([a, b]), Some([c, d])) = (
            self.corners.get(start..start + 2),
            self.corners
                .get(start + self.columns..start + self.columns + 2),
        ) else {
            return 0.0;
        };
        let (low, high) = (a + (b - a) * u, c + (d - c) * u);
        low + (high - low) * v
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_noise_has_the_standard_deviation_asked_for() {
        let mut plane = vec![0.0f32; 512 * 512];
        add_soft_noise(&mut plane, 512, 7, 14.0);
        let n = plane.len() as f64;
        let mean = plane.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = plane
            .iter()
            .map(|v| (f64::from(*v) - mean).powi(2))
            .sum::<f64>()
            / n;
        // Correlated over about 5 × 5 pixels: 262 144 / 13 independent values give the mean to 0.1 and the
        // deviation to 0.07 (one standard error); three of those are allowed.
        assert!(mean.abs() < 0.3, "{mean}");
        assert!((variance.sqrt() - 14.0).abs() < 0.25, "{}", variance.sqrt());
        // Neighbours agree as a 1 4 6 4 1 kernel says: correlation at lag 1 is 56/70.
        let lag: f64 = plane
            .windows(2)
            .map(|w| f64::from(w[0]) * f64::from(w[1]))
            .sum::<f64>()
            / n
            / variance;
        assert!((lag - 0.8).abs() < 0.01, "{lag}");
    }

    #[test]
    fn plane_noise_is_continuous_and_bounded() {
        let (a, b) = (
            NoisePlane::new(5, 9.0, 4.0, 50.0),
            NoisePlane::new(5, 9.0, 4.01, 50.0),
        );
        let mut largest: f64 = 0.0;
        for i in 0..2000 {
            let (x, y) = (f64::from(i) * 0.045 - 45.0, 30.0 - f64::from(i) * 0.03);
            // Slopes are at most 2 · 1.5 a cell and axis; cells are 9 mm.
            assert!((a.at(x, y) - a.at(x + 0.01, y)).abs() < 0.01 * 3.0 / 9.0 + 1e-9);
            assert!((a.at(x, y) - b.at(x, y)).abs() < 0.01 * 3.0 / 9.0 + 1e-9);
            largest = largest.max(a.at(x, y).abs());
        }
        assert!(largest > 0.3 && largest <= 1.0, "{largest}");
        assert_eq!(a.at(400.0, 0.0), 0.0);
    }

    #[test]
    fn streams_are_separate_and_repeat() {
        let mut a = Random::new(1, "ribs");
        let mut b = Random::new(1, "ribs");
        let mut c = Random::new(1, "lungs");
        let first = a.next();
        assert_eq!(first, b.next());
        assert_ne!(first, c.next());
        let mean = (0..10_000).map(|_| a.uniform()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
