//! RLE Lossless (PS3.5 annex G). Written here because the codec of `dicom-rs` aborts or panics on hostile headers and
//! does not know 32 bits; every count and offset is checked before use.

use super::guard::Fault;

fn refused(code: &'static str, what: String) -> Fault {
    Fault::rejected(code, what)
}

/// Values that are unpacked from every segment before they are put together: little enough to stay in the nearest cache.
const BLOCK: usize = 4096;

/// The longest run, and a word that is written over.
const SLACK: usize = 128 + 16;

/// Decodes a frame of `samples` samples of `size` bytes, `plane` values a sample, into interleaved little-endian
/// values.
///
/// # Errors
/// `RLE_HEADER`, `RLE_SHORT`, `RLE_OVERRUN` (rejected).
pub(super) fn decode(
    frame: &[u8],
    samples: usize,
    size: usize,
    plane: usize,
    out: &mut [u8],
) -> Result<(), Fault> {
    let step = samples * size;
    let segments = segments(frame, step)?;
    let mut unpackers: Vec<Unpacker<'_>> = segments.into_iter().map(Unpacker::new).collect();
    for block in out.chunks_mut(BLOCK * step.max(1)) {
        let count = block.len() / step.max(1);
        for (index, unpacker) in unpackers.iter_mut().enumerate() {
            unpacker.fill(count).map_err(|why| why.fault(index))?;
        }
        interleave(&unpackers, size, count, block);
        for unpacker in &mut unpackers {
            unpacker.pass(count);
        }
    }
    debug_assert_eq!(out.len(), plane * step);
    match unpackers.iter().position(|u| u.ready > 0) {
        Some(index) => Err(Wrong::Overrun.fault(index)),
        None => Ok(()),
    }
}

/// Puts the unpacked bytes of all segments together: they hold the most significant byte of a sample first.
fn interleave(unpackers: &[Unpacker<'_>], size: usize, count: usize, out: &mut [u8]) {
    let step = unpackers.len();
    if let [one] = unpackers {
        out.copy_from_slice(one.bytes.get(..count).unwrap_or_default());
    } else if let ([high, low], 2) = (unpackers, size) {
        let (pairs, _) = out.as_chunks_mut::<2>();
        for (pair, (high, low)) in pairs.iter_mut().zip(high.bytes.iter().zip(&low.bytes)) {
            *pair = [*low, *high];
        }
    } else {
        for (index, unpacker) in unpackers.iter().enumerate() {
            let (sample, byte) = (index / size, index % size);
            let first = sample * size + (size - 1 - byte);
            let places = out.iter_mut().skip(first).step_by(step);
            places.zip(&unpacker.bytes).for_each(|(o, b)| *o = *b);
        }
    }
}

/// The segments that the 64-byte header names; their number must be the one expected.
fn segments(frame: &[u8], expected: usize) -> Result<Vec<&[u8]>, Fault> {
    let wrong = |what: &str| refused("RLE_HEADER", format!("the RLE header is wrong: {what}"));
    let header = frame
        .get(..64)
        .ok_or_else(|| wrong("shorter than 64 bytes"))?;
    let (words, _) = header.as_chunks::<4>();
    let words: Vec<usize> = words
        .iter()
        .map(|w| u32::from_le_bytes(*w) as usize)
        .collect();
    let Some((&count, offsets)) = words.split_first() else {
        return Err(wrong("empty"));
    };
    if count != expected || count == 0 {
        return Err(wrong(&format!(
            "{count} segments where {expected} are needed"
        )));
    }
    let used = offsets
        .get(..count)
        .ok_or_else(|| wrong("too many segments"))?;
    if used.first() != Some(&64) {
        return Err(wrong("the first segment does not follow the header"));
    }
    let ends = used.iter().skip(1).copied().chain([frame.len()]);
    let cut = used
        .iter()
        .zip(ends)
        .map(|(&start, end)| frame.get(start..end));
    cut.collect::<Option<Vec<_>>>()
        .ok_or_else(|| wrong("an offset past the end, or one that goes back"))
}

/// What is wrong with a segment.
enum Wrong {
    Short,
    Overrun,
}

impl Wrong {
    fn fault(self, index: usize) -> Fault {
        let number = index + 1;
        match self {
            Self::Short => refused(
                "RLE_SHORT",
                format!("RLE segment {number} ends before its plane is full"),
            ),
            Self::Overrun => refused(
                "RLE_OVERRUN",
                format!("RLE segment {number} runs past its plane"),
            ),
        }
    }
}

/// A segment that is unpacked block by block; what follows the last one is padding.
struct Unpacker<'a> {
    packed: &'a [u8],
    /// What was unpacked; the first `ready` bytes count.
    bytes: Vec<u8>,
    ready: usize,
}

impl<'a> Unpacker<'a> {
    fn new(packed: &'a [u8]) -> Self {
        Self {
            packed,
            bytes: vec![0; BLOCK + SLACK],
            ready: 0,
        }
    }

    /// Unpacks until `count` bytes are ready, [`BLOCK`] at most; the last run may give more.
    fn fill(&mut self, count: usize) -> Result<(), Wrong> {
        let (mut packed, mut ready) = (self.packed, self.ready);
        let bytes = self.bytes.as_mut_slice();
        while ready < count {
            let Some((&code, rest)) = packed.split_first() else {
                return Err(Wrong::Short);
            };
            match code {
                0..=127 => {
                    let length = usize::from(code) + 1;
                    let Some((run, behind)) = rest.split_at_checked(length) else {
                        return Err(Wrong::Short);
                    };
                    literal(bytes, ready, rest, run);
                    packed = behind;
                    ready += length;
                }
                128 => packed = rest,
                129..=255 => {
                    let Some((&byte, behind)) = rest.split_first() else {
                        return Err(Wrong::Short);
                    };
                    let length = 257 - usize::from(code);
                    let mut done = 0;
                    while done < length {
                        put(bytes, ready + done, [byte; 16]);
                        done += 16;
                    }
                    packed = behind;
                    ready += length;
                }
            }
        }
        (self.packed, self.ready) = (packed, ready);
        Ok(())
    }

    /// Forgets the first `count` bytes that were ready; the rest, less than a run, moves up.
    fn pass(&mut self, count: usize) {
        self.bytes.copy_within(count..self.ready.max(count), 0);
        self.ready = self.ready.saturating_sub(count);
    }
}

#[inline(always)]
fn put(bytes: &mut [u8], at: usize, word: [u8; 16]) {
    if let Some(room) = bytes.get_mut(at..).and_then(|b| b.first_chunk_mut()) {
        *room = word;
    }
}

/// Copies a run, by words where enough bytes follow it.
#[inline(always)]
fn literal(bytes: &mut [u8], at: usize, rest: &[u8], run: &[u8]) {
    if rest.len() < 128 + 16 {
        if let Some(room) = bytes.get_mut(at..at + run.len()) {
            room.copy_from_slice(run);
        }
        return;
    }
    let mut done = 0;
    while done < run.len() {
        if let Some(word) = rest.get(done..).and_then(|r| r.first_chunk::<16>()) {
            put(bytes, at + done, *word);
        }
        done += 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(segments: &[&[u8]]) -> Vec<u8> {
        let mut bytes = (segments.len() as u32).to_le_bytes().to_vec();
        let mut at = 64u32;
        for segment in segments {
            bytes.extend(at.to_le_bytes());
            at += segment.len() as u32;
        }
        bytes.resize(64, 0);
        segments.iter().for_each(|s| bytes.extend(*s));
        bytes
    }

    #[test]
    fn sixteen_bits_join_their_bytes() {
        // High bytes 1 1 1 2, low bytes 5 6 7 8.
        let bytes = frame(&[&[254, 1, 0, 2], &[3, 5, 6, 7, 8]]);
        let mut out = [0; 8];
        decode(&bytes, 1, 2, 4, &mut out).unwrap();
        assert_eq!(out, [5, 1, 6, 1, 7, 1, 8, 2]);
    }

    #[test]
    fn lies_are_refused() {
        let code = |bytes: &[u8]| {
            let mut out = [0; 4];
            decode(bytes, 1, 1, 4, &mut out).map_err(|f| f.code)
        };
        assert_eq!(code(&[1, 0, 0, 0]), Err("RLE_HEADER"));
        let mut many = frame(&[&[3, 1, 2, 3, 4]]);
        many[..4].copy_from_slice(&[255; 4]);
        assert_eq!(code(&many), Err("RLE_HEADER"));
        assert_eq!(code(&frame(&[])), Err("RLE_HEADER"));
        assert_eq!(code(&frame(&[&[3, 1, 2]])), Err("RLE_SHORT"));
        assert_eq!(code(&frame(&[&[1, 1, 2]])), Err("RLE_SHORT"));
        assert_eq!(code(&frame(&[&[129, 1]])), Err("RLE_OVERRUN"));
        let mut past = frame(&[&[3, 1, 2, 3, 4]]);
        past[4..8].copy_from_slice(&[0xF0, 0, 0, 0]);
        assert_eq!(code(&past), Err("RLE_HEADER"));
        assert_eq!(code(&frame(&[&[128, 3, 1, 2, 3, 4, 0]])), Ok(()));
    }

    /// The other way round: runs of two and more are repeated, the rest is copied.
    fn pack(plane: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut rest = plane;
        while let Some(&first) = rest.first() {
            let run = rest.iter().take(128).take_while(|b| **b == first).count();
            if run > 1 {
                packed.extend([(257 - run) as u8, first]);
                rest = &rest[run..];
                continue;
            }
            let until = rest.windows(2).take(127).position(|w| w[0] == w[1]);
            let count = until.unwrap_or(rest.len().min(128));
            packed.push(count as u8 - 1);
            packed.extend(&rest[..count]);
            rest = &rest[count..];
        }
        packed
    }

    #[test]
    fn frames_of_many_blocks_come_back() {
        let mut state = 9u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for (samples, size) in [(1, 1), (1, 2), (3, 1), (3, 2), (1, 4)] {
            for plane in [1usize, 2, 127, 4095, 4096, 4097, 3 * 4096 + 77] {
                let step = samples * size;
                // Noise, and now and then a run that crosses blocks.
                let mut pixels = vec![0u8; plane * step];
                let (mut value, mut left) = (0, 0);
                for byte in &mut pixels {
                    if left == 0 {
                        value = random() as u8;
                        left = if random() % 3 == 0 {
                            1 + random() % 900
                        } else {
                            1
                        };
                    }
                    left -= 1;
                    *byte = value;
                }
                let of_segment = |index: usize| {
                    let (sample, byte) = (index / size, index % size);
                    let first = sample * size + (size - 1 - byte);
                    let bytes = pixels.iter().skip(first).step_by(step).copied();
                    pack(&bytes.collect::<Vec<u8>>())
                };
                let segments: Vec<Vec<u8>> = (0..step).map(of_segment).collect();
                let parts: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
                let mut out = vec![0xEE; plane * step];
                decode(&frame(&parts), samples, size, plane, &mut out).unwrap();
                assert!(out == pixels, "{samples} x {size} x {plane}");
            }
        }
    }
}
