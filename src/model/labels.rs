//! Masks of volumes in words: what the numbers of their voxels mean, and how they look.

use super::{geometry::GridGeometry, view::OverlayStyle};

/// What the byte of a voxel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The number of a label, 0 for none.
    Labels,
    /// A probability, 0 to 255.
    Probability,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The number in the mask; 0 is the background.
    pub value: u8,
    /// Its name.
    pub name: String,
    /// sRGB colour.
    pub color: [u8; 3],
    /// Not drawn.
    pub hidden: bool,
    /// Its outline is dashed whatever the others' is: nobody has looked at it yet.
    pub dashed: bool,
}

impl Label {
    /// A label in the colour that its number has where nobody chose one.
    pub fn new(value: u8, name: impl Into<String>) -> Self {
        Self {
            value,
            name: name.into(),
            color: color_of(value),
            hidden: false,
            dashed: false,
        }
    }
}

/// The colour of a label number where nobody chose one: hues far apart for neighbouring numbers, of one lightness, so
/// that none stands out.
pub fn color_of(value: u8) -> [u8; 3] {
    // Steps of the golden angle never meet again.
    let hue = (f64::from(value) * 137.507_764 + 130.0) % 360.0;
    let lightness = if value.is_multiple_of(2) { 0.78 } else { 0.66 };
    let (chroma, radians) = (0.125, hue.to_radians());
    let (a, b) = (chroma * radians.cos(), chroma * radians.sin());
    // Oklab to linear sRGB (Ottosson 2020).
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ]
    .map(|linear| {
        let v = linear.clamp(0.0, 1.0);
        let code = match v <= 0.003_130_8 {
            true => 12.92 * v,
            false => 1.055 * v.powf(1.0 / 2.4) - 0.055,
        };
        (code * 255.0).round() as u8
    })
}

/// How a mask of a volume is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskLook {
    /// What its bytes mean.
    pub meaning: Meaning,
    /// Threshold of probabilities, opacity, outline; its colour is that of probabilities.
    pub style: OverlayStyle,
    /// Colours of the labels.
    pub labels: std::sync::Arc<[Label]>,
}

impl MaskLook {
    /// Colour of a byte that is drawn: red, green, blue from 0 to 1.
    pub fn color(&self, byte: u8) -> [f32; 3] {
        match self.meaning {
            Meaning::Probability => self.style.color,
            Meaning::Labels => {
                let label = self.labels.iter().find(|label| label.value == byte);
                label
                    .map_or_else(|| color_of(byte), |label| label.color)
                    .map(|code| f32::from(code) / 255.0)
            }
        }
    }

    /// Whether a byte is drawn: it is large enough, and its label is not hidden.
    pub fn is_drawn(&self, byte: u8) -> bool {
        let hidden = |label: &Label| label.value == byte && label.hidden;
        let labels = self.meaning == Meaning::Labels && self.labels.iter().any(hidden);
        byte >= self.least() && !labels
    }

    /// Whether the outline around a byte is dashed.
    pub fn is_dashed(&self, byte: u8) -> bool {
        let dashed = |label: &Label| label.value == byte && label.dashed;
        let labels = self.meaning == Meaning::Labels && self.labels.iter().any(dashed);
        self.style.dashed || labels
    }

    /// The least byte that is drawn.
    pub fn least(&self) -> u8 {
        match self.meaning {
            Meaning::Labels => 1,
            // The smallest byte at or above the threshold; 0 is never drawn.
            Meaning::Probability => (self.style.threshold * 255.0).ceil().clamp(1.0, 255.0) as u8,
        }
    }
}

/// How many voxels of a mask have each byte.
pub fn counts(mask: &[u8]) -> [u64; 256] {
    let mut counts = [0; 256];
    for byte in mask {
        counts[usize::from(*byte)] += 1;
    }
    counts
}

/// Millilitres of a voxel.
pub fn voxel_ml(grid: &GridGeometry) -> f64 {
    grid.patient_from_voxel.matrix3.determinant().abs() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbouring_labels_differ() {
        let colors: Vec<[u8; 3]> = (1..=60).map(color_of).collect();
        let distance = |a: [u8; 3], b: [u8; 3]| -> i32 {
            (0..3)
                .map(|i| (i32::from(a[i]) - i32::from(b[i])).abs())
                .sum()
        };
        for pair in colors.windows(2) {
            assert!(distance(pair[0], pair[1]) > 60, "{pair:?}");
        }
        assert_eq!(colors.iter().collect::<BTreeSet<_>>().len(), 60);
    }

    #[test]
    fn the_threshold_is_met_by_the_byte_that_reaches_it() {
        let mut look = MaskLook {
            meaning: Meaning::Probability,
            style: OverlayStyle::AI,
            labels: std::sync::Arc::from([]),
        };
        assert_eq!(look.least(), 128);
        look.style.threshold = 0.0;
        assert_eq!(look.least(), 1);
        look.style.threshold = 1.0;
        assert_eq!(look.least(), 255);
        look.meaning = Meaning::Labels;
        assert_eq!(look.least(), 1);
    }
}
