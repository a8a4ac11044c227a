//! RLE Lossless (PS3.5 annex G). Written here because the codec of `dicom-rs` aborts or panics on hostile headers and
//! does not know 32 bits; every count and offset is checked before use.

use super::guard::Fault;

fn refused(code: &'static str, what: String) -> Fault {
    Fault::rejected(code, what)
}

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
    let segments = segments(frame, samples * size)?;
    let step = samples * size;
    for (index, segment) in segments.iter().enumerate() {
        // Segments hold the most significant byte of a sample first.
        let (sample, byte) = (index / size, index % size);
        let first = sample * size + (size - 1 - byte);
        unpack(segment, index, plane, |place, run| {
            let places = out.iter_mut().skip(first + place * step).step_by(step);
            match run {
                Run::Literal(bytes) => places.zip(bytes).for_each(|(o, b)| *o = *b),
                Run::Repeat(byte, count) => places.take(count).for_each(|o| *o = byte),
            }
        })?;
    }
    Ok(())
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

enum Run<'a> {
    Literal(&'a [u8]),
    Repeat(u8, usize),
}

/// Unpacks a segment into exactly `plane` bytes; what follows them is padding.
fn unpack(
    segment: &[u8],
    index: usize,
    plane: usize,
    mut put: impl FnMut(usize, Run<'_>),
) -> Result<(), Fault> {
    let (mut at, mut place) = (0, 0);
    let short = || {
        let text = format!("RLE segment {} ends before its plane is full", index + 1);
        refused("RLE_SHORT", text)
    };
    while place < plane {
        let Some(&code) = segment.get(at) else {
            return Err(short());
        };
        at += 1;
        let count = match code {
            0..=127 => {
                let count = usize::from(code) + 1;
                let run = segment.get(at..at + count).ok_or_else(short)?;
                at += count;
                if place + count <= plane {
                    put(place, Run::Literal(run));
                }
                count
            }
            128 => 0,
            129..=255 => {
                let count = 257 - usize::from(code);
                let &byte = segment.get(at).ok_or_else(short)?;
                at += 1;
                if place + count <= plane {
                    put(place, Run::Repeat(byte, count));
                }
                count
            }
        };
        place += count;
        if place > plane {
            return Err(refused(
                "RLE_OVERRUN",
                format!("RLE segment {} runs past its plane", index + 1),
            ));
        }
    }
    Ok(())
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
}
