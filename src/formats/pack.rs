//! gzip (RFC 1952) and zlib (RFC 1950) streams: as many bytes as asked for, never as many as they hold.
//!
//! Must stay true: the caller's count is the budget, so a bomb ends where the picture ends; check sums are
//! verified and a stream that stops early is refused, down to the last byte of its trailer. The loop is our own
//! because the readers of `flate2` take a zlib stream without its trailer for a whole one.

use super::{FormatError, source::reserve};
use flate2::{
    Compression, Crc, Decompress, FlushDecompress, GzBuilder, Status, write::ZlibEncoder,
};
use std::io::{self, Write};

/// Deflate makes at most 258 bytes of two bits, so nothing packed is larger than this many times its size.
const DEFLATE_RATIO: u64 = 1032;
/// What may follow the voxels in a stream before it is called a bomb.
const SURPLUS: usize = 1 << 20;
/// First step of growing buffers.
const STEP: usize = 16 << 20;

/// Whether these are the first bytes of a gzip stream.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B, 8])
}

/// A packed stream that is read forward.
pub(super) struct Inflater<'a> {
    input: &'a [u8],
    state: Decompress,
    /// Check sum of the gzip member at hand; `None` for zlib, whose sum the decoder checks.
    sum: Option<Crc>,
    done: bool,
}

impl<'a> Inflater<'a> {
    /// A gzip stream of one or more members, or a zlib stream.
    pub(super) fn new(input: &'a [u8]) -> Result<Self, FormatError> {
        let gzip = is_gzip(input);
        let mut stream = Self {
            input,
            state: Decompress::new(!gzip),
            sum: gzip.then(Crc::new),
            done: false,
        };
        if gzip {
            stream.input = behind_gzip_header(input)?;
        }
        Ok(stream)
    }

    /// Fills the room as far as the stream lasts.
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, FormatError> {
        let mut filled = 0;
        while !self.done {
            let Some(space) = room.get_mut(filled..).filter(|s| !s.is_empty()) else {
                break;
            };
            let before = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(self.input, space, FlushDecompress::None)
                .map_err(|_| corrupt("it is not a deflate stream"))?;
            let taken = usize::try_from(self.state.total_in() - before.0).unwrap_or(0);
            let made = usize::try_from(self.state.total_out() - before.1).unwrap_or(0);
            if let (Some(sum), Some(new)) = (&mut self.sum, space.get(..made)) {
                sum.update(new);
            }
            self.input = self.input.get(taken..).unwrap_or_default();
            filled += made;
            match status {
                Status::StreamEnd => self.end_of_member()?,
                Status::Ok | Status::BufError if taken == 0 && made == 0 => return Err(cut()),
                Status::Ok | Status::BufError => {}
            }
        }
        Ok(filled)
    }

    fn end_of_member(&mut self) -> Result<(), FormatError> {
        let Some(sum) = self.sum.take() else {
            self.done = true;
            return Ok(());
        };
        let (trailer, rest) = self.input.split_first_chunk::<8>().ok_or_else(cut)?;
        let [a, b, c, d, e, f, g, h] = *trailer;
        if u32::from_le_bytes([a, b, c, d]) != sum.sum()
            || u32::from_le_bytes([e, f, g, h]) != sum.amount()
        {
            return Err(corrupt("its check sum is wrong"));
        }
        self.input = rest;
        // Members may follow each other (RFC 1952 section 2.2); other bytes are not ours.
        self.done = !is_gzip(rest);
        if !self.done {
            self.input = behind_gzip_header(rest)?;
            self.state.reset(false);
            self.sum = Some(Crc::new());
        }
        Ok(())
    }

    /// Exactly `count` bytes.
    ///
    /// The count is checked against what the packed bytes could possibly make before any memory is taken, and
    /// memory is taken as bytes come.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<u8>, FormatError> {
        let possible = (self.input.len() as u64)
            .saturating_mul(DEFLATE_RATIO)
            .saturating_add(1 << 16);
        if count as u64 > possible {
            return Err(cut());
        }
        let mut bytes = Vec::new();
        while bytes.len() < count {
            let at = bytes.len();
            let step = (count - at).min(at.max(STEP));
            reserve(&mut bytes, step)?;
            bytes.resize(at + step, 0);
            let room = bytes.get_mut(at..).unwrap_or_default();
            if self.fill(room)? < step {
                return Err(cut());
            }
        }
        Ok(bytes)
    }

    /// Passes over `count` bytes.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), FormatError> {
        let mut room = [0; 4096];
        while count > 0 {
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(room.len());
            if self.fill(room.get_mut(..step).unwrap_or_default())? < step {
                return Err(cut());
            }
            count -= step as u64;
        }
        Ok(())
    }

    /// Runs to the end of the stream, which verifies it; whether anything was left.
    pub(super) fn finish(mut self) -> Result<bool, FormatError> {
        let mut room = [0; 4096];
        let mut left = 0;
        while !self.done {
            left += self.fill(&mut room)?;
            if left > SURPLUS {
                let text = "the packed data goes on far behind the last voxel";
                return Err(FormatError::limit("INFLATE_LIMIT", text));
            }
        }
        Ok(left > 0 || !self.input.is_empty())
    }
}

fn cut() -> FormatError {
    FormatError::rejected("DATA_CUT", "the packed data ends before the voxels do")
}

fn corrupt(why: &str) -> FormatError {
    FormatError::rejected(
        "INFLATE_CORRUPT",
        format!("the packed data is damaged: {why}"),
    )
}

/// RFC 1952 section 2.3: ten bytes, then what the flags announce. Names and comments are passed over unread.
fn behind_gzip_header(input: &[u8]) -> Result<&[u8], FormatError> {
    let (head, mut rest) = input.split_first_chunk::<10>().ok_or_else(cut)?;
    let [_, _, _, flags, ..] = *head;
    if flags & 0xE0 != 0 {
        return Err(corrupt("its header has reserved flags"));
    }
    if flags & 4 != 0 {
        let (length, behind) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        let length = usize::from(u16::from_le_bytes(*length));
        rest = behind.get(length..).ok_or_else(cut)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|b| *b == 0).ok_or_else(cut)?;
            rest = rest.get(end + 1..).ok_or_else(cut)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..).ok_or_else(cut)?;
    }
    Ok(rest)
}

/// The first bytes that a gzip stream makes, as far as its beginning tells; for recognising what is inside.
pub(super) fn peek(head: &[u8], count: usize) -> Vec<u8> {
    let mut room = vec![0; count];
    let mut made = 0;
    if let Ok(mut stream) = Inflater::new(head) {
        // Byte by byte, so that the end of what we were given loses none of what came before it.
        while let Some(next) = room.get_mut(made..made + 1)
            && matches!(stream.fill(next), Ok(1))
        {
            made += 1;
        }
    }
    room.truncate(made);
    room
}

/// A gzip stream that depends on nothing but the bytes: no time, no name, no system.
pub(super) fn gzip(parts: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::fast());
    for part in parts {
        encoder.write_all(part)?;
    }
    encoder.finish()
}

/// A zlib stream.
pub(super) fn zlib(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A zlib stream of bytes.
///
/// # Errors
/// Those of memory.
pub fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    zlib(bytes)
}

/// Exactly `count` bytes of a zlib stream that has no more. Nothing is reserved on the word of the count.
///
/// # Errors
/// [`FormatError`] when it is no such stream, or has another length.
pub fn unpacked(bytes: &[u8], count: usize) -> Result<Vec<u8>, FormatError> {
    let mut stream = Inflater::new(bytes)?;
    let out = stream.take(count)?;
    match stream.finish()? {
        false => Ok(out),
        true => Err(corrupt("it has more bytes than it says")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        (0..70_000u32)
            .map(|i| (i.wrapping_mul(i) >> 7) as u8)
            .collect()
    }

    fn unpack(packed: &[u8], count: usize) -> Result<(Vec<u8>, bool), FormatError> {
        let mut stream = Inflater::new(packed)?;
        let bytes = stream.take(count)?;
        Ok((bytes, stream.finish()?))
    }

    #[test]
    fn both_wrappings_come_back_and_a_missing_or_changed_byte_is_seen() {
        let data = sample();
        for packed in [gzip(&[&data]).unwrap(), zlib(&data).unwrap()] {
            assert_eq!(unpack(&packed, data.len()).unwrap(), (data.clone(), false));
            let ends = (0..20).chain(packed.len() - 20..packed.len());
            for end in ends {
                assert!(unpack(&packed[..end], data.len()).is_err(), "cut at {end}");
            }
            for at in packed.len() - 4..packed.len() {
                let mut bad = packed.clone();
                bad[at] ^= 1;
                assert!(unpack(&bad, data.len()).is_err(), "changed at {at}");
            }
        }
    }

    #[test]
    fn members_follow_each_other_and_what_follows_them_is_told() {
        let mut packed = gzip(&[b"abc"]).unwrap();
        packed.extend(gzip(&[b"", b"def"]).unwrap());
        assert_eq!(unpack(&packed, 6).unwrap(), (b"abcdef".to_vec(), false));
        assert_eq!(unpack(&packed, 5).unwrap(), (b"abcde".to_vec(), true));
        packed.extend([0; 7]);
        assert_eq!(unpack(&packed, 6).unwrap(), (b"abcdef".to_vec(), true));
        assert_eq!(unpack(&packed, 7).unwrap_err().code(), "DATA_CUT");
    }

    #[test]
    fn a_bomb_costs_what_was_asked_for() {
        let packed = gzip(&[&vec![0; 32 << 20]]).unwrap();
        assert_eq!(unpack(&packed, 10).unwrap_err().code(), "INFLATE_LIMIT");
        let small = gzip(&[b"x"]).unwrap();
        assert_eq!(unpack(&small, usize::MAX).unwrap_err().code(), "DATA_CUT");
    }

    #[test]
    fn optional_gzip_fields_are_passed_over() {
        let plain = gzip(&[b"voxels"]).unwrap();
        let mut packed = plain[..10].to_vec();
        packed[3] = 4 | 8 | 16 | 2;
        packed.extend(b"\x03\0xyzname\0comment\0hc");
        packed.extend(&plain[10..]);
        assert_eq!(unpack(&packed, 6).unwrap().0, b"voxels");
        assert_eq!(peek(&packed[..packed.len() - 9], 4), b"voxe");
        assert_eq!(peek(&packed[..12], 4), b"");
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end], 6).is_err());
        }
    }

    #[test]
    fn the_same_bytes_pack_to_the_same_bytes() {
        let packed = gzip(&[b"ab"]).unwrap();
        assert_eq!(packed[..10], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255]);
    }
}
