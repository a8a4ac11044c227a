//! Deflated data sets: streams that another library packed, whole, cut and flipped.

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use negatoscope::dicom::{
    bytes::ByteSource,
    guard::{Fault, Limits, Structure},
};
use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

/// Deflated Explicit VR Little Endian.
const DEFLATED: &[u8] = b"1.2.840.10008.1.2.1.99";

/// A data set of one value of bytes, encapsulated document (0042,0011).
fn data_set(value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x42, 0, 0x11, 0, b'O', b'B', 0, 0];
    let padded = value.len().next_multiple_of(2);
    bytes.extend((padded as u32).to_le_bytes());
    bytes.extend(value);
    bytes.resize(12 + padded, 0);
    bytes
}

/// A file with a deflated data set, and what the program makes of it.
fn read(packed: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let mut file = vec![0; 128];
    file.extend(b"DICM\x02\0\0\0UL\x04\0");
    file.extend((8 + DEFLATED.len() as u32).to_le_bytes());
    file.extend(b"\x02\0\x10\0UI");
    file.extend((DEFLATED.len() as u16).to_le_bytes());
    file.extend(DEFLATED);
    file.extend(packed);
    let limits = Limits {
        inflated_bytes: limit,
        ..Limits::default()
    };
    let structure = Structure::of_source(ByteSource::Memory(Arc::new(file)), &limits)?;
    Ok(structure.source.read_vec(0, structure.source.len())?)
}

fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::new(level));
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Bytes of many kinds: patterns of every short distance, long runs, words like pixels, noise.
fn inputs() -> Vec<Vec<u8>> {
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut all = vec![Vec::new(), vec![7], vec![0; 300_000]];
    for distance in 1..=40usize {
        let pattern: Vec<u8> = (0..distance).map(|_| random() as u8).collect();
        let lengths = [3, 7, 8, 9, 15, 16, 17, 31, 33, 257, 258, 259, 600];
        let runs = lengths.map(|length| pattern.iter().copied().cycle().take(length));
        all.push(runs.into_iter().flatten().collect());
    }
    let mut level = 1000u32;
    let pixel = |_| {
        level = (level + random() % 9 - 4).clamp(100, 4000);
        (level as u16).to_le_bytes()
    };
    all.push((0..60_000).flat_map(pixel).collect());
    // Few literals of short codes and many of long ones.
    let skewed = |_| (random() as u16).leading_zeros() as u8 * 13 + (random() % 3) as u8;
    all.push((0..100_000).map(skewed).collect());
    all.push((0..50_000).map(|_| random() as u8).collect());
    all
}

#[test]
fn inflates_what_another_library_deflated() {
    for (number, value) in inputs().iter().enumerate() {
        let bytes = data_set(value);
        for level in [0, 1, 6, 9] {
            let packed = deflate(&bytes, level);
            let what = format!("input {number}, level {level}");
            let found = read(&packed, bytes.len()).unwrap();
            assert!(found == bytes, "{what}");
            let fault = read(&packed, bytes.len() - 1).unwrap_err();
            assert_eq!(fault.code, "INFLATE_LIMIT", "{what}");
            for cut in [1, 2, 7, 8, 9, packed.len() / 2] {
                let kept = &packed[..packed.len() - cut];
                let fault = read(kept, bytes.len()).unwrap_err();
                assert_eq!(fault.code, "INFLATE_CUT", "{what}, {cut} bytes less");
            }
            // What follows the stream is not looked at.
            let longer = [packed.as_slice(), &[0xA5; 20]].concat();
            assert!(read(&longer, bytes.len()).unwrap() == bytes, "{what}");
        }
    }
}

#[test]
fn flipped_bits_give_an_error_or_what_another_library_makes_of_them() {
    const MOST: usize = 1 << 22;
    let bytes = data_set(&inputs()[43]);
    let packed = deflate(&bytes, 6);
    let (mut same, mut refused) = (0, 0);
    for number in 0..2000usize {
        let mut wrong = packed.clone();
        let place = number * 7919 % wrong.len();
        wrong[place] ^= 1 << (number % 8);
        let mut theirs = Vec::new();
        let decoder = DeflateDecoder::new(wrong.as_slice());
        let done = decoder.take(MOST as u64).read_to_end(&mut theirs);
        match read(&wrong, MOST) {
            Ok(ours) => {
                // They refuse codes that leave room even where nothing uses it.
                assert!(done.is_err() || ours == theirs, "bit {number}");
                same += 1;
            }
            // They take what lies before the beginning as zeros; and elements may be what is wrong.
            Err(fault) => {
                let stream = fault.code.starts_with("INFLATE");
                let lenient = fault.detail.contains("before the beginning");
                let all = theirs.len() == MOST;
                assert!(
                    done.is_err() || !stream || lenient || all,
                    "bit {number}: {fault}"
                );
                refused += 1;
            }
        }
    }
    assert!(
        same > 100 && refused > 100,
        "{same} read, {refused} refused"
    );
}
