//! Repeatable random numbers. The standard library has none, and burn's generator is one per process,
//! so that parallel work would change the sequence.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough to shuffle and to augment.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence named by a seed and any number of indices (epoch, sample, purpose).
    pub fn new(seed: u64, path: &[u64]) -> Self {
        let mut random = Self(seed);
        for &step in path {
            random.0 = random.next_bits() ^ step.wrapping_mul(0xD1B5_4A32_D192_ED03);
        }
        random.next_bits();
        random
    }

    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and variance 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Puts a list into random order (Fisher and Yates). The bias of the modulo is below 2⁻⁴⁰ for lists of
    /// up to 2²⁴ items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = (self.next_bits() % (i as u64 + 1)) as usize;
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_paths_name_sequences() {
        let first = |seed, path: &[u64]| Random::new(seed, path).next_bits();
        assert_eq!(first(7, &[1, 2]), first(7, &[1, 2]));
        assert_ne!(first(7, &[1, 2]), first(7, &[2, 1]));
        assert_ne!(first(7, &[1, 2]), first(8, &[1, 2]));
        assert_ne!(first(7, &[0]), first(7, &[]));
    }

    #[test]
    fn the_distributions_have_their_moments() {
        let mut random = Random::new(1, &[]);
        let n = 100_000;
        let units: Vec<f64> = (0..n).map(|_| random.unit()).collect();
        let normals: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let var =
            |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>() / v.len() as f64 - mean(v).powi(2);
        // Five standard errors each.
        assert!((mean(&units) - 0.5).abs() < 5.0 * (1.0f64 / 12.0 / n as f64).sqrt());
        assert!(mean(&normals).abs() < 5.0 / (n as f64).sqrt());
        assert!((var(&normals) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
        assert!(units.iter().all(|u| (0.0..1.0).contains(u)));
    }

    #[test]
    fn shuffling_keeps_all_items() {
        let mut items: Vec<u32> = (0..100).collect();
        Random::new(3, &[]).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
