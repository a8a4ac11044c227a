//! Luma and chroma to red, green, blue (PS3.3 C.7.6.3.1.2), full range.

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
    fn two_pixels_share_chroma() {
        let mut out = [0; 6];
        spread_422(&[10, 20, 30, 40], 1, &mut out);
        assert_eq!(out, [10, 30, 40, 20, 30, 40]);
    }
}
