//! Files with a few places changed at random.

use super::{
    build::{
        DEFLATED, EXPLICIT, RLE, Slice, deflate_stored, enhanced, file, fragments, jpeg_of,
        rle_frame, write,
    },
    outcome,
};
use crate::support::{self, Dice};
use std::path::Path;

/// Changes one to eight places: bits, bytes, interesting numbers, cut, doubled or removed runs.
fn mutate(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=dice.roll(8) {
        if out.is_empty() {
            break;
        }
        // The preamble is no place where much happens.
        let from = 128.min(out.len() - 1);
        let at = from + dice.roll(out.len() - from);
        match dice.roll(6) {
            0 => out[at] ^= 1 << dice.roll(8),
            1 => out[at] = dice.roll(256) as u8,
            2 => {
                let number = [0u32, 1, 0x7FFF, 0xFFFF, 0x7FFF_FFFE, 0xFFFF_FFFF][dice.roll(6)];
                for (byte, value) in out[at..].iter_mut().zip(number.to_le_bytes()) {
                    *byte = value;
                }
            }
            3 if dice.roll(4) == 0 => out.truncate(at),
            4 => {
                let end = (at + dice.roll(32)).min(out.len());
                let run = out[at..end].to_vec();
                out.splice(at..at, run);
            }
            _ => {
                let end = (at + dice.roll(16)).min(out.len());
                out.drain(at..end);
            }
        }
    }
    out
}

fn try_mutants(name: &str, seed: &[u8], count: usize, folder: &Path) {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed.len() as u64);
    for i in 0..count {
        let mutant = mutate(seed, &mut dice);
        let found = outcome(&write(folder, name, &mutant));
        assert!(!found.contains("PANIC"), "{name} {i}: {found}");
    }
}

#[test]
fn mutants_of_made_up_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let frame = rle_frame(&[&[0; 64], &(0..64).collect::<Vec<u8>>()]);
    let mut rle = Slice {
        frames: Some("2"),
        signed: 0,
        ..Slice::default()
    };
    rle.pixels = fragments(&[0, frame.len() as u32 + 8], &[&frame, &frame]);
    let mut jpeg = Slice {
        allocated: 8,
        stored: 8,
        high: 7,
        signed: 0,
        ..Slice::default()
    };
    jpeg.pixels = fragments(&[], &[&jpeg_of(8, 8)]);
    let rich = enhanced(&[2, 0, 1]);
    for (name, seed) in [
        ("native", Slice::default().file(EXPLICIT)),
        ("rle", rle.file(RLE)),
        ("jpeg", jpeg.file("1.2.840.10008.1.2.4.50")),
        (
            "deflated",
            file(DEFLATED, &deflate_stored(&Slice::default().data_set())),
        ),
        ("enhanced", rich),
        ("bare", Slice::default().data_set()),
    ] {
        try_mutants(name, &seed, 600, folder.path());
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn mutants_of_real_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "dicom-pydicom/test_files/MR_small_jp2klossless.dcm",
        "dicom-pydicom/test_files/SC_rgb_jpeg_gdcm.dcm",
        "dicom-pydicom/test_files/SC_rgb_jpeg_dcmtk.dcm",
        "dicom-pydicom/test_files/MR_small_RLE.dcm",
        "dicom-pydicom/test_files/MR_small_bigendian.dcm",
        "dicom-pydicom/test_files/rtdose.dcm",
        "dicom-pydicom/test_files/SC_rgb_gdcm_KY.dcm",
        "dicom-mr-misc/enh.dcm",
    ] {
        let seed = std::fs::read(support::data(path)).unwrap();
        try_mutants("real", &seed, 150, folder.path());
    }
}
