//! Native pixels (PS3.5 chapter 8, annex D): where a frame lies, and what must be repaired so that the rules of
//! [`Frame`](crate::model::pixels::Frame) hold.

use super::guard::Structure;
use crate::model::{lut::Photometric, pixels::StoredType, study::ImageDescription};

/// How the native pixels of an object are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NativeShape {
    /// Values of one sample plane.
    pub(super) plane: u64,
    /// Samples per pixel.
    pub(super) samples: u64,
    /// Bits of one value.
    pub(super) bits: u64,
    /// Chroma is written for every second pixel of a row.
    pub(super) halved_chroma: bool,
    /// One plane after the other.
    pub(super) planar: bool,
    /// Most significant byte first.
    pub(super) big_endian: bool,
    /// Bytes lie swapped in pairs (8 bits or less written as OW in big endian).
    pub(super) swapped_pairs: bool,
}

impl NativeShape {
    /// The shape of a picture whose Pixel Data hold `length` bytes.
    pub(super) fn of(image: &ImageDescription, structure: &Structure, length: u64) -> Self {
        let plane = image.rows as u64 * image.columns as u64;
        let bits = u64::from(image.bits_allocated);
        let mut shape = Self {
            plane,
            samples: image.samples as u64,
            bits,
            halved_chroma: false,
            planar: false,
            big_endian: structure.encoding.big_endian,
            swapped_pairs: false,
        };
        shape.swapped_pairs = shape.big_endian
            && bits <= 8
            && structure.pixels.as_ref().is_some_and(|p| &p.vr == b"OW");
        if image.samples == 3 {
            shape.planar = structure.planar() == 1;
            // Some writers declare 4:2:2 and write every chroma value; the length tells.
            let full = shape.total_bytes(image.frames);
            shape.halved_chroma = image.photometric == Photometric::YbrFull422
                && image.columns.is_multiple_of(2)
                && length < full;
            if shape.halved_chroma {
                shape.planar = false;
            }
        }
        shape
    }

    /// Bits of one frame as written.
    const fn frame_bits(&self) -> u64 {
        let values = if self.halved_chroma {
            self.plane * 2
        } else {
            self.plane * self.samples
        };
        values * self.bits
    }

    /// Bytes that `frames` frames take.
    pub(super) const fn total_bytes(&self, frames: usize) -> u64 {
        self.frame_bits().saturating_mul(frames as u64).div_ceil(8)
    }

    /// First bit and number of bits of a frame; frames of single bits do not begin at bytes.
    pub(super) const fn frame_at(&self, frame: usize) -> (u64, u64) {
        let bits = self.frame_bits();
        (bits.saturating_mul(frame as u64), bits)
    }

    /// Whether the bytes as written are the frame, up to swapping and masking in place.
    pub(super) const fn in_place(&self) -> bool {
        let rearranged =
            self.halved_chroma || self.swapped_pairs || (self.planar && self.samples > 1);
        self.bits >= 8 && !rearranged
    }
}

impl Structure {
    /// Planar Configuration (0028,0006), 0 when absent.
    pub(super) fn planar(&self) -> u16 {
        let Some(element) = self.element(dicom_dictionary_std::tags::PLANAR_CONFIGURATION) else {
            return 0;
        };
        let mut bytes = [0u8; 2];
        match self.source.read_exact_at(element.value, &mut bytes) {
            Ok(()) => self.encoding.u16(bytes),
            Err(_) => 0,
        }
    }
}

/// Reverses the bytes of every value.
pub(super) fn swap_bytes(bytes: &mut [u8], size: usize) {
    if size > 1 {
        for value in bytes.chunks_exact_mut(size) {
            value.reverse();
        }
    }
}

/// Swaps neighbouring bytes.
pub(super) fn swap_pairs(bytes: &mut [u8]) {
    for pair in bytes.chunks_exact_mut(2) {
        pair.reverse();
    }
}

/// Brings the stored bits of each little-endian value down to bit 0, clears what is above and extends the sign.
pub(super) fn repair_bits(bytes: &mut [u8], stored_type: StoredType, stored: u16, high: u16) {
    let width = stored_type.bytes() * 8;
    let (stored, high) = (u32::from(stored), u32::from(high));
    let full = stored as usize == width || matches!(stored_type, StoredType::F32 | StoredType::F64);
    if full || stored == 0 || high as usize >= width || high + 1 < stored {
        return;
    }
    // Shift left so that the highest stored bit is the highest of the type, then right with or without sign.
    let left = width as u32 - 1 - high;
    let right = width as u32 - stored;
    match stored_type {
        StoredType::U8 => {
            for b in bytes {
                *b = (*b << left) >> right;
            }
        }
        StoredType::I8 => {
            for b in bytes {
                *b = (((*b << left) as i8) >> right) as u8;
            }
        }
        StoredType::U16 => each(bytes, |v: [u8; 2]| {
            ((u16::from_le_bytes(v) << left) >> right).to_le_bytes()
        }),
        StoredType::I16 => each(bytes, |v: [u8; 2]| {
            (((u16::from_le_bytes(v) << left) as i16) >> right).to_le_bytes()
        }),
        StoredType::U32 => each(bytes, |v: [u8; 4]| {
            ((u32::from_le_bytes(v) << left) >> right).to_le_bytes()
        }),
        StoredType::I32 => each(bytes, |v: [u8; 4]| {
            (((u32::from_le_bytes(v) << left) as i32) >> right).to_le_bytes()
        }),
        StoredType::F32 | StoredType::F64 => {}
    }
}

fn each<const N: usize>(bytes: &mut [u8], change: impl Fn([u8; N]) -> [u8; N]) {
    let (values, _) = bytes.as_chunks_mut::<N>();
    for value in values {
        *value = change(*value);
    }
}

/// Single bits, lowest first, to one byte each (PS3.5 section 8.1.1).
pub(super) fn unpack_bits(packed: &[u8], first_bit: usize, out: &mut [u8]) -> bool {
    if first_bit.saturating_add(out.len()) > packed.len().saturating_mul(8) {
        return false;
    }
    let (lots, rest) = out.as_chunks_mut::<8>();
    let shift = first_bit % 8;
    let source = packed.get(first_bit / 8..).unwrap_or_default();
    let later = source.iter().skip(1).chain([&0]);
    let done = lots.len();
    for (lot, (low, high)) in lots.iter_mut().zip(source.iter().zip(later)) {
        let byte = u64::from((u16::from_le_bytes([*low, *high]) >> shift) as u8);
        // Bit k alone in byte k, then 1 where there is something.
        let alone = (byte * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
        let ones = ((alone + 0x7F7F_7F7F_7F7F_7F7F) >> 7) & 0x0101_0101_0101_0101;
        *lot = ones.to_le_bytes();
    }
    for (i, value) in rest.iter_mut().enumerate() {
        let bit = first_bit + done * 8 + i;
        *value = packed
            .get(bit / 8)
            .map_or(0, |byte| (byte >> (bit % 8)) & 1);
    }
    true
}

/// Planes one after the other to interleaved samples.
pub(super) fn interleave(planes: &[u8], samples: usize, size: usize, out: &mut [u8]) {
    let plane = planes.len() / samples.max(1);
    for (s, values) in planes.chunks_exact(plane.max(1)).take(samples).enumerate() {
        let pixels = out.chunks_exact_mut(samples * size);
        for (pixel, value) in pixels.zip(values.chunks_exact(size)) {
            if let Some(room) = pixel.get_mut(s * size..(s + 1) * size) {
                room.copy_from_slice(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bits_come_down_and_keep_their_sign() {
        let check = |value: u16, stored_type, stored, high, expected: u16| {
            let mut bytes = value.to_le_bytes();
            repair_bits(&mut bytes, stored_type, stored, high);
            assert_eq!(u16::from_le_bytes(bytes), expected, "{value:#x}");
        };
        check(0xF123, StoredType::U16, 12, 11, 0x0123);
        check(0xF123, StoredType::U16, 12, 15, 0x0F12);
        check(0x0800, StoredType::I16, 12, 11, 0xF800);
        check(0x07FF, StoredType::I16, 12, 11, 0x07FF);
        check(0x8000, StoredType::I16, 16, 15, 0x8000);
        let mut byte = [0b0001_1000u8];
        repair_bits(&mut byte, StoredType::I8, 5, 4);
        assert_eq!(byte, [0b1111_1000]);
        let mut wide = 0x00FF_FFFFu32.to_le_bytes();
        repair_bits(&mut wide, StoredType::I32, 24, 23);
        assert_eq!(i32::from_le_bytes(wide), -1);
    }

    #[test]
    fn planes_and_bits_unfold() {
        let mut out = [0; 6];
        interleave(&[1, 2, 3, 4, 5, 6], 3, 1, &mut out);
        assert_eq!(out, [1, 3, 5, 2, 4, 6]);
        let mut bits = [9; 6];
        assert!(unpack_bits(&[0b1000_0000, 0b0001_0101], 7, &mut bits));
        assert_eq!(bits, [1, 1, 0, 1, 0, 1]);
        assert!(!unpack_bits(&[0], 4, &mut bits));
        let packed: Vec<u8> = (0..40_u32).map(|n| (n * 157 % 251) as u8).collect();
        for first in 0..19 {
            for length in [0, 1, 7, 8, 9, 64, 301 - first] {
                let mut bits = vec![9; length];
                assert!(unpack_bits(&packed, first, &mut bits));
                for (i, bit) in bits.iter().enumerate() {
                    let at = first + i;
                    assert_eq!(*bit, packed[at / 8] >> (at % 8) & 1, "{first} {i}");
                }
            }
        }
    }
}
