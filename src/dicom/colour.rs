//! Luma and chroma to red, green, blue (PS3.3 C.7.6.3.1.2), full range.

/// A colour in PCS-Values (PS3.3 C.10.7.1.1: CIELab under D50, 16 bits) as sRGB code values from 0 to 1.
pub(super) fn rgb_from_lab([l, a, b]: [u16; 3]) -> [f32; 3] {
    let lightness = f64::from(l) / 65_535.0 * 100.0;
    // 0x8080 is 0 and one unit is 257 steps, from -128 to 127.
    let chroma = |v: u16| (f64::from(v) - 32_896.0) / 257.0;
    let middle = (lightness + 16.0) / 116.0;
    let cubed = |f: f64| {
        if f > 6.0 / 29.0 {
            f.powi(3)
        } else {
            3.0 * (6.0f64 / 29.0).powi(2) * (f - 4.0 / 29.0)
        }
    };
    // The white of D50 (ICC.1).
    let x = 0.9642 * cubed(middle + chroma(a) / 500.0);
    let y = cubed(middle);
    let z = 0.8249 * cubed(middle - chroma(b) / 200.0);
    // From D50 to the primaries of sRGB with their white D65, Bradford adaptation included.
    let linear = [
        3.133_856_1 * x - 1.616_866_7 * y - 0.490_614_6 * z,
        -0.978_768_4 * x + 1.916_141_5 * y + 0.033_454_0 * z,
        0.071_945_3 * x - 0.228_991_4 * y + 1.405_242_7 * z,
    ];
    linear.map(|v| {
        let v = v.clamp(0.0, 1.0);
        let code = if v <= 0.003_130_8 {
            12.92 * v
        } else {
            1.055 * v.powf(1.0 / 2.4) - 0.055
        };
        code as f32
    })
}

/// A colour of the screen (sRGB codes) in PCS-Values: the way back of [`rgb_from_lab`].
pub(super) fn lab_from_rgb(rgb: [u8; 3]) -> [u16; 3] {
    let [r, g, b] = rgb.map(|code| {
        let v = f64::from(code) / 255.0;
        match v <= 0.040_45 {
            true => v / 12.92,
            false => ((v + 0.055) / 1.055).powf(2.4),
        }
    });
    let x = 0.436_074_7 * r + 0.385_064_9 * g + 0.143_080_4 * b;
    let y = 0.222_504_5 * r + 0.716_878_6 * g + 0.060_616_9 * b;
    let z = 0.013_932_2 * r + 0.097_104_5 * g + 0.714_173_3 * b;
    let root = |t: f64| match t > (6.0f64 / 29.0).powi(3) {
        true => t.cbrt(),
        false => t / (3.0 * (6.0f64 / 29.0).powi(2)) + 4.0 / 29.0,
    };
    let (x, y, z) = (root(x / 0.9642), root(y), root(z / 0.8249));
    let word = |v: f64| v.round().clamp(0.0, 65_535.0) as u16;
    [
        word((116.0 * y - 16.0) / 100.0 * 65_535.0),
        word(500.0 * (x - y) * 257.0 + 32_896.0),
        word(200.0 * (y - z) * 257.0 + 32_896.0),
    ]
}

/// Converts interleaved YBR_FULL to RGB in place; `size` is 1 or 2 bytes a value, `bits` its stored bits.
pub(super) fn rgb_from_ybr(bytes: &mut [u8], size: usize, bits: u16) {
    if size == 1 {
        let (pixels, _) = bytes.as_chunks_mut::<3>();
        for pixel in pixels {
            let [y, b, r] = *pixel;
            let rgb = convert(f32::from(y), f32::from(b), f32::from(r), 128.0, 255.0);
            *pixel = rgb.map(|v| v as u8);
        }
        return;
    }
    let half = f32::from(1u16 << (bits.clamp(1, 16) - 1));
    let (pixels, _) = bytes.as_chunks_mut::<6>();
    for pixel in pixels {
        let [a, b, c, d, e, f] = *pixel;
        let value = |low, high| f32::from(u16::from_le_bytes([low, high]));
        let rgb = convert(
            value(a, b),
            value(c, d),
            value(e, f),
            half,
            2.0 * half - 1.0,
        );
        let [r, g, b] = rgb.map(|v| (v as u16).to_le_bytes());
        *pixel = [r[0], r[1], g[0], g[1], b[0], b[1]];
    }
}

fn convert(y: f32, blue: f32, red: f32, half: f32, top: f32) -> [f32; 3] {
    let (cb, cr) = (blue - half, red - half);
    [
        y + 1.402 * cr,
        y - 0.344_136 * cb - 0.714_136 * cr,
        y + 1.772 * cb,
    ]
    .map(|v| v.round().clamp(0.0, top))
}

/// Spreads YBR_FULL_422 (Y1 Y2 B R for two pixels) over full pixels; `size` bytes a value.
pub(super) fn spread_422(halved: &[u8], size: usize, out: &mut [u8]) {
    let pairs = halved.chunks_exact(4 * size);
    for (pair, pixels) in pairs.zip(out.chunks_exact_mut(6 * size)) {
        // Where each of the six output values comes from.
        for (slot, from) in pixels.chunks_exact_mut(size).zip([0usize, 2, 3, 1, 2, 3]) {
            if let Some(value) = pair.get(from * size..(from + 1) * size) {
                slot.copy_from_slice(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_come_back() {
        // Rounded YBR_FULL of red, green, blue, white.
        let mut pixels = [76, 85, 255, 150, 44, 21, 29, 255, 107, 255, 128, 128];
        rgb_from_ybr(&mut pixels, 1, 8);
        let expected = [254, 0, 0, 0, 255, 1, 0, 0, 254, 255, 255, 255];
        for (a, b) in pixels.iter().zip(expected) {
            assert!(a.abs_diff(b) <= 1, "{pixels:?}");
        }
    }

    #[test]
    fn lab_values_of_primaries_are_primaries() {
        let check = |[l, a, b]: [f64; 3], expected: [f32; 3]| {
            let words = [
                (l * 655.35).round() as u16,
                (a * 257.0 + 32_896.0).round() as u16,
                (b * 257.0 + 32_896.0).round() as u16,
            ];
            let found = rgb_from_lab(words);
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 0.01, "{found:?} {expected:?}");
            }
        };
        // CIELab under D50 of sRGB colours, as colour management gives them.
        check([54.29, 80.81, 69.89], [1.0, 0.0, 0.0]);
        check([87.82, -79.29, 80.99], [0.0, 1.0, 0.0]);
        check([29.57, 68.30, -112.03], [0.0, 0.0, 1.0]);
        check([100.0, 0.0, 0.0], [1.0, 1.0, 1.0]);
        check([53.59, 0.0, 0.0], [0.502, 0.502, 0.502]);
        check([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]);
    }

    #[test]
    fn two_pixels_share_chroma() {
        let mut out = [0; 6];
        spread_422(&[10, 20, 30, 40], 1, &mut out);
        assert_eq!(out, [10, 30, 40, 20, 30, 40]);
    }
}
