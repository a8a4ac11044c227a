//! The Grayscale Standard Display Function of PS3.14, and what makes a screen follow it.
//!
//! P-values are made so that equal steps of them are equally visible on every screen. The function says which
//! luminance the j-th just-noticeable difference (JND) has; a screen that was measured gets a table from P-values to
//! its own driving levels.
//!
//! Deliberately absent: colour. PS3.14 speaks of grey, and the table is applied to the grey of a picture.

/// JND indices that the function is defined for.
pub const JND_RANGE: (f64, f64) = (1.0, 1023.0);

/// Luminances that the function is defined for, candela per square metre.
pub const LUMINANCE_RANGE: (f64, f64) = (0.05, 4000.0);

/// Levels that a screen of eight bits is driven with.
pub const LEVELS: usize = 256;

/// Luminance in cd/m² of a JND index (PS3.14 section 7.1, equation 1); an index beyond the range is taken as its end.
pub fn luminance(jnd: f64) -> f64 {
    const NUMERATOR: [f64; 5] = [
        -1.301_187_7,
        8.024_263_6e-2,
        1.364_669_9e-1,
        -2.546_840_4e-2,
        1.363_533_4e-3,
    ];
    const DENOMINATOR: [f64; 6] = [
        1.0,
        -2.584_019_1e-2,
        -1.032_022_9e-1,
        2.874_562_0e-2,
        -3.197_897_7e-3,
        1.299_263_4e-4,
    ];
    let at = jnd.clamp(JND_RANGE.0, JND_RANGE.1).ln();
    10f64.powf(polynomial(&NUMERATOR, at) / polynomial(&DENOMINATOR, at))
}

/// JND index of a luminance in cd/m² (PS3.14 section 7.1, equation 2, which fits the inverse to about 0.01 JND); a
/// luminance beyond the range is taken as its end.
pub fn jnd(luminance: f64) -> f64 {
    const TERMS: [f64; 9] = [
        71.498_068,
        94.593_053,
        41.912_053,
        9.824_700_4,
        0.281_754_07,
        -1.187_845_5,
        -0.180_143_49,
        0.147_108_99,
        -0.017_046_845,
    ];
    let at = luminance
        .clamp(LUMINANCE_RANGE.0, LUMINANCE_RANGE.1)
        .log10();
    polynomial(&TERMS, at)
}

/// Terms from the constant one up (Horner).
fn polynomial(terms: &[f64], at: f64) -> f64 {
    terms.iter().rev().fold(0.0, |sum, term| sum * at + term)
}

/// Why the numbers of a screen are of no use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Numbers that no screen has.
    #[error(
        "a screen's darkest and brightest luminance are above 0 and at most 4000 cd/m², the brightest at least twice the darkest; stray light is 0 or more, gamma 1 to 4"
    )]
    Numbers,
    /// A line of a table.
    #[error("line {0} is not `level,luminance`: a whole number from 0 to 255 and a number above 0")]
    Line(usize),
    /// Luminances that do not rise.
    #[error("the luminances fall, or levels stand twice or out of order, at line {0}")]
    Order(usize),
    /// Too few measurements, or not at both ends.
    #[error(
        "measured luminances begin at level 0, end at level 255, and are at least {LEAST_MEASURED}"
    )]
    Few,
}

/// Fewest measured luminances of a screen; TG18 and IEC 62563-1 take 18.
const LEAST_MEASURED: usize = 8;

/// Longest table that is read.
const MOST_LINES: usize = 4096;

/// Luminance of each driving level of a screen in cd/m², stray light included.
#[derive(Clone, Debug, PartialEq)]
pub struct DisplayCurve(Vec<f64>);

impl DisplayCurve {
    /// A screen that follows a power law from its darkest to its brightest luminance (cd/m²), both measured without
    /// stray light, which is added to all.
    ///
    /// # Errors
    /// [`CurveError::Numbers`].
    pub fn power_law(
        lowest: f64,
        highest: f64,
        ambient: f64,
        gamma: f64,
    ) -> Result<Self, CurveError> {
        let sound = lowest > 0.0
            && highest >= 2.0 * lowest
            && highest <= LUMINANCE_RANGE.1
            && (0.0..=LUMINANCE_RANGE.1).contains(&ambient)
            && (1.0..=4.0).contains(&gamma);
        if !sound {
            return Err(CurveError::Numbers);
        }
        let of = |level: usize| {
            let share = (level as f64 / (LEVELS - 1) as f64).powf(gamma);
            ambient + lowest + (highest - lowest) * share
        };
        Ok(Self((0..LEVELS).map(of).collect()))
    }

    /// Reads measured luminances: lines `level,luminance` with levels 0 to 255 rising, the first 0, the last 255; a
    /// first line without numbers, empty ones and those with `#` in front do not count. Between measured levels the
    /// luminance is interpolated in its logarithm.
    ///
    /// # Errors
    /// [`CurveError`], with the line.
    pub fn from_csv(text: &str) -> Result<Self, CurveError> {
        let mut measured: Vec<(usize, f64)> = vec![];
        for (index, line) in text.lines().enumerate().take(MOST_LINES) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = line
                .split_once([',', ';', '\t'])
                .and_then(|(level, value)| {
                    let level = level.trim().parse::<usize>().ok().filter(|l| *l < LEVELS)?;
                    let value = value.trim().parse::<f64>().ok()?;
                    (value > 0.0 && value <= LUMINANCE_RANGE.1).then_some((level, value))
                });
            let Some((level, value)) = read else {
                if measured.is_empty() && !line.starts_with(|c: char| c.is_ascii_digit()) {
                    continue;
                }
                return Err(CurveError::Line(index + 1));
            };
            if measured
                .last()
                .is_some_and(|&(l, v)| l >= level || v > value)
            {
                return Err(CurveError::Order(index + 1));
            }
            measured.push((level, value));
        }
        let (Some(&(0, darkest)), Some(&(255, brightest))) = (measured.first(), measured.last())
        else {
            return Err(CurveError::Few);
        };
        if measured.len() < LEAST_MEASURED {
            return Err(CurveError::Few);
        }
        if brightest < 2.0 * darkest {
            return Err(CurveError::Numbers);
        }
        let mut curve = vec![darkest];
        for pair in measured.windows(2) {
            if let [(from, low), (to, high)] = *pair {
                let steps = to - from;
                curve.extend((1..=steps).map(|i| {
                    let share = i as f64 / steps as f64;
                    (low.ln() * (1.0 - share) + high.ln() * share).exp()
                }));
            }
        }
        Ok(Self(curve))
    }

    /// Luminances of all 256 levels, stray light included, that do not fall.
    ///
    /// # Errors
    /// [`CurveError`].
    pub fn of_levels(luminances: &[f64]) -> Result<Self, CurveError> {
        let sound = |l: &f64| *l > 0.0 && *l <= LUMINANCE_RANGE.1;
        let rise = luminances
            .windows(2)
            .position(|pair| pair.first() > pair.last());
        match (luminances, rise) {
            (all, _) if all.len() != LEVELS => Err(CurveError::Few),
            (_, Some(at)) => Err(CurveError::Order(at + 2)),
            ([darkest, .., brightest], None)
                if luminances.iter().all(sound) && *brightest >= 2.0 * darkest =>
            {
                Ok(Self(luminances.to_vec()))
            }
            _ => Err(CurveError::Numbers),
        }
    }

    /// Luminances of all levels in cd/m².
    pub fn luminances(&self) -> &[f64] {
        &self.0
    }

    /// Luminance of a driving level.
    pub fn luminance(&self, level: u8) -> f64 {
        self.0.get(usize::from(level)).copied().unwrap_or_default()
    }

    /// Darkest and brightest luminance, stray light included.
    pub fn extremes(&self) -> (f64, f64) {
        (self.luminance(0), self.luminance(255))
    }

    /// The luminance that a P-value (0 to 1) should have on this screen: as many JND from the darkest as its share of
    /// all that the screen can show (PS3.14 section 7.2).
    pub fn target(&self, p_value: f64) -> f64 {
        let (low, high) = self.extremes();
        let (from, to) = (jnd(low), jnd(high));
        luminance(from + (to - from) * p_value)
    }

    /// The driving level of each of 256 P-values: the one whose luminance is nearest to the target's, counted in JND.
    pub fn table(&self) -> [u8; LEVELS] {
        let levels: Vec<f64> = self.0.iter().map(|&l| jnd(l)).collect();
        let (from, to) = (
            levels.first().copied().unwrap_or_default(),
            levels.last().copied().unwrap_or_default(),
        );
        std::array::from_fn(|p| {
            let wanted = from + (to - from) * p as f64 / (LEVELS - 1) as f64;
            let above = levels.partition_point(|&l| l < wanted).min(LEVELS - 1);
            let below = above.saturating_sub(1);
            let off = |at: usize| (levels.get(at).copied().unwrap_or_default() - wanted).abs();
            (if off(below) < off(above) {
                below
            } else {
                above
            }) as u8
        })
    }
}

/// Largest relative deviation of contrast from the standard, over 18 P-values in equal steps as TG18-QC and IEC 62563-1
/// measure it: the contrast ΔL/L of each step against that of the function. 0.1 is the limit for a primary display.
pub fn contrast_deviation(shown: impl Fn(u8) -> f64) -> f64 {
    let levels: Vec<f64> = (0..18u8).map(|i| shown(i * 15)).collect();
    let (Some(&low), Some(&high)) = (levels.first(), levels.last()) else {
        return f64::INFINITY;
    };
    let (from, to) = (jnd(low), jnd(high));
    let target = |i: usize| luminance(from + (to - from) * i as f64 / 17.0);
    let contrast = |a: f64, b: f64| 2.0 * (b - a) / (b + a);
    let pairs = levels.windows(2).enumerate();
    let off = pairs.filter_map(|(i, pair)| match pair {
        [a, b] => Some((contrast(*a, *b) / contrast(target(i), target(i + 1)) - 1.0).abs()),
        _ => None,
    });
    off.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by colour-science 0.4.7 (`eotf_DICOMGSDF(j, out_int=True)` and its inverse) as a second implementation.
    const REFERENCE: &[(f64, f64)] = &[
        (1.0, 0.04998184691348245),
        (2.0, 0.05467866430057488),
        (3.0, 0.05937510636177054),
        (5.0, 0.06955310088301163),
        (10.0, 0.09906584881900596),
        (17.0, 0.14980957782800317),
        (32.0, 0.29838141918441474),
        (50.0, 0.5573816943815304),
        (64.0, 0.8278321004095232),
        (100.0, 1.8508327694817843),
        (150.0, 4.258568453421745),
        (200.0, 8.217852246985869),
        (255.0, 15.083091036971426),
        (256.0, 15.238314628496079),
        (300.0, 23.39891911240767),
        (400.0, 55.364006777606484),
        (512.0, 130.0652840121598),
        (600.0, 243.0098701267501),
        (700.0, 480.4998947327999),
        (800.0, 933.1874268542529),
        (900.0, 1795.081267318712),
        (1000.0, 3439.1589778925895),
        (1023.0, 3993.329585887327),
    ];

    #[test]
    fn luminances_are_those_of_the_standard() {
        assert!((luminance(512.0) - 130.065_284_012_159_8).abs() < 1e-10);
        assert!((jnd(130.065_284_012_159_8) - 511.996_480_6).abs() < 1e-7);
        for &(index, expected) in REFERENCE {
            assert!((luminance(index) / expected - 1.0).abs() < 1e-12, "{index}");
        }
        // Annex B of PS3.14 prints four decimals.
        for (index, printed) in [(1.0, 0.0500), (2.0, 0.0547), (1023.0, 3993.4040)] {
            assert!(
                (luminance(index) - printed).abs() < 6e-5 * f64::max(1.0, printed),
                "{index}"
            );
        }
        assert_eq!(luminance(0.0), luminance(1.0));
        assert_eq!(luminance(1e9), luminance(1023.0));
        assert_eq!(jnd(0.0), jnd(0.05));
    }

    #[test]
    fn the_inverse_meets_the_function_and_rises() {
        for index in 1..=1023 {
            let back = jnd(luminance(f64::from(index)));
            // What the standard's own fit leaves.
            assert!((back - f64::from(index)).abs() < 0.1, "{index} {back}");
        }
        assert!((1..1023).all(|i| luminance(f64::from(i + 1)) > luminance(f64::from(i))));
    }

    fn screens() -> [DisplayCurve; 3] {
        let measured: String = (0..18u32)
            .map(|i| {
                format!(
                    "{},{}\n",
                    i * 15,
                    0.6 + 420.0 * (f64::from(i) / 17.0).powf(1.9)
                )
            })
            .collect();
        [
            DisplayCurve::power_law(0.3, 350.0, 0.2, 2.2).unwrap(),
            DisplayCurve::power_law(0.8, 500.0, 1.0, 1.8).unwrap(),
            DisplayCurve::from_csv(&format!("level,luminance\n{measured}")).unwrap(),
        ]
    }

    #[test]
    fn a_corrected_screen_follows_the_function() {
        for curve in screens() {
            let table = curve.table();
            assert_eq!((table[0], table[255]), (0, 255));
            assert!(table.is_sorted());
            for (p, &level) in table.iter().enumerate() {
                // The level is the best or next to it: neither neighbour's luminances enclose a better one.
                let wanted = curve.target(p as f64 / 255.0);
                let off = |l: u8| (curve.luminance(l) - wanted).abs();
                let nearest = (0..=255)
                    .min_by(|a, b| off(*a).total_cmp(&off(*b)))
                    .unwrap();
                assert!(level.abs_diff(nearest) <= 1, "{p} {level} {nearest}");
            }
            let before = contrast_deviation(|level| curve.luminance(level));
            let after = contrast_deviation(|p| curve.luminance(table[usize::from(p)]));
            assert!(before > 0.1, "{before}");
            assert!(after < 0.1, "{after}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (low, high, ambient, gamma) in [
            (0.0, 300.0, 0.0, 2.2),
            (1.0, 1.5, 0.0, 2.2),
            (1.0, 5000.0, 0.0, 2.2),
            (1.0, 300.0, -1.0, 2.2),
            (1.0, 300.0, 0.0, 0.0),
            (f64::NAN, 300.0, 0.0, 2.2),
        ] {
            let made = DisplayCurve::power_law(low, high, ambient, gamma);
            assert_eq!(made, Err(CurveError::Numbers));
        }
        let read = |lines: &[&str]| DisplayCurve::from_csv(&lines.join("\n")).unwrap_err();
        assert_eq!(read(&[]), CurveError::Few);
        assert_eq!(read(&["0,1", "255,300"]), CurveError::Few);
        assert_eq!(read(&["0,1", "x,2"]), CurveError::Line(2));
        assert_eq!(read(&["0,1", "256,2"]), CurveError::Line(2));
        assert_eq!(read(&["0,1", "5,-2"]), CurveError::Line(2));
        assert_eq!(read(&["0,1", "5,2", "5,3"]), CurveError::Order(3));
        assert_eq!(read(&["0,1", "5,2", "6,1.5"]), CurveError::Order(3));
        let flat: Vec<String> = (0..18).map(|i| format!("{},{}", i * 15, 1.0)).collect();
        let flat: Vec<&str> = flat.iter().map(String::as_str).collect();
        assert_eq!(read(&flat), CurveError::Numbers);
    }
}
