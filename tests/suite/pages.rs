//! Picture files of many pages: each page is right, and the file goes to the process that decodes it once.

use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource as _},
        scan::{ScanOptions, read_instance},
        worker::{DEFAULT_MEMORY, Workers},
    },
    model::study::Instance,
};
use std::{io::Cursor, path::Path, sync::Arc};
use tiff::encoder::{TiffEncoder, colortype};

const PAGES: usize = 40;
const SIDE: u32 = 128;

fn value(page: usize, at: usize, salt: usize) -> u16 {
    ((page * 977 + at * 31 + salt) % 65_521) as u16
}

fn write(path: &Path, salt: usize) -> u64 {
    let mut file = Cursor::new(Vec::new());
    let mut tiff = TiffEncoder::new(&mut file).unwrap();
    for page in 0..PAGES {
        let values: Vec<u16> = (0..(SIDE * SIDE) as usize)
            .map(|at| value(page, at, salt))
            .collect();
        tiff.write_image::<colortype::Gray16>(SIDE, SIDE, &values)
            .unwrap();
    }
    let bytes = file.into_inner();
    std::fs::write(path, &bytes).unwrap();
    bytes.len() as u64
}

fn check(source: &FileFrames, instance: &Instance, page: usize, salt: usize) {
    let frame = source.read_frame(instance, page).unwrap();
    let expected: Vec<u8> = (0..(SIDE * SIDE) as usize)
        .flat_map(|at| value(page, at, salt).to_le_bytes())
        .collect();
    assert_eq!(frame.pixels.as_slice(), expected, "page {page}");
}

/// Bytes that this thread read and wrote so far.
#[cfg(target_os = "linux")]
fn moved() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let number = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    (number("rchar:"), number("wchar:"))
}

#[test]
#[cfg(target_os = "linux")]
fn the_file_goes_to_the_decoder_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.tif");
    let bytes = write(&path, 0);
    let workers = Arc::new(Workers::new(
        env!("CARGO_BIN_EXE_negatoscope").into(),
        DEFAULT_MEMORY,
    ));
    for workers in [Some(workers), None] {
        let source = FileFrames::default().with_workers(workers.clone());
        let instance = read_instance(&path, &ScanOptions::default()).unwrap();
        assert_eq!(instance.image.as_ref().unwrap().frames, PAGES);
        let before = moved();
        for page in (0..PAGES).rev() {
            check(&source, &instance, page, 0);
        }
        let after = moved();
        let frames = PAGES as u64 * u64::from(SIDE * SIDE) * 2;
        // Once from the disk, and each frame once from the decoder.
        assert!(
            after.0 - before.0 < bytes + frames + (1 << 20),
            "{}",
            after.0 - before.0
        );
        assert!(
            after.1 - before.1 < bytes + (1 << 20),
            "{}",
            after.1 - before.1
        );
    }
}

#[test]
fn another_file_of_the_same_name_is_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.tif");
    let workers = Arc::new(Workers::new(
        env!("CARGO_BIN_EXE_negatoscope").into(),
        DEFAULT_MEMORY,
    ));
    let source = FileFrames::default().with_workers(Some(workers));
    for salt in [0, 5] {
        write(&path, salt);
        let instance = read_instance(&path, &ScanOptions::default()).unwrap();
        for page in [0, 17, PAGES - 1] {
            check(&source, &instance, page, salt);
        }
    }
    // A single-page picture in between does not disturb the file that is kept.
    let other = folder.path().join("one.png");
    image::GrayImage::from_fn(5, 4, |x, y| image::Luma([(x * 10 + y) as u8]))
        .save(&other)
        .unwrap();
    let one = read_instance(&other, &ScanOptions::default()).unwrap();
    let instance = read_instance(&path, &ScanOptions::default()).unwrap();
    for page in [3, 4] {
        check(&source, &instance, page, 5);
        assert_eq!(
            source.read_frame(&one, 0).unwrap().value(4, 3, 0),
            Some(43.0)
        );
    }
}
