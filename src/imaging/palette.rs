//! PALETTE COLOR: indices to RGB (PS3.3 C.7.9).

use crate::model::{
    lut::LookupTable,
    pixels::{Frame, PixelBytes, StoredType},
};

/// Looks every index up in the three tables; 8 bits a sample. Indices below the first entry take the first, above
/// the last the last (C.7.9.1). `None` when the frame is not made of indices.
pub fn expand(frame: &Frame, palette: &[LookupTable; 3]) -> Option<Frame> {
    if frame.samples != 1 {
        return None;
    }
    let mut rgb = Vec::with_capacity(frame.rows.checked_mul(frame.columns)?.checked_mul(3)?);
    for index in frame.values() {
        for table in palette {
            let last = table.entries.len().checked_sub(1)?;
            let at = (index - f64::from(table.first_mapped)).clamp(0.0, last as f64) as usize;
            let entry = u32::from(*table.entries.get(at)?);
            // The high bits are the colour; a table of 8 bits holds nothing else.
            rgb.push(((entry << 8 >> table.bits.clamp(8, 16)) & 0xFF) as u8);
        }
    }
    Frame::new(
        frame.rows,
        frame.columns,
        3,
        StoredType::U8,
        PixelBytes::from_vec(rgb),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(first: i32, bits: u8, entries: &[u16]) -> LookupTable {
        LookupTable {
            first_mapped: first,
            entries: entries.into(),
            bits,
            explanation: String::new(),
        }
    }

    #[test]
    fn indices_become_colours_and_ends_are_clamped() {
        let frame = Frame::new(
            1,
            4,
            1,
            StoredType::U8,
            PixelBytes::from_vec(vec![0, 1, 2, 9]),
        )
        .unwrap();
        let palette = [
            table(0, 16, &[0x0000, 0x80FF, 0xFF00]),
            table(1, 16, &[0x1000, 0x2000]),
            table(0, 8, &[1, 2, 3]),
        ];
        let rgb = expand(&frame, &palette).unwrap();
        let expected = [0, 0x10, 1, 0x80, 0x10, 2, 0xFF, 0x20, 3, 0xFF, 0x20, 3];
        assert_eq!(rgb.pixels.as_slice(), expected);
    }
}
