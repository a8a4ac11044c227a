//! Compressed frames decoded by other processes: the same pixels, refusals that arrive, and deaths that cost one frame.

use crate::bad_input::build::{RLE, Slice, fragments, rle_frame, write};
use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource as _},
        scan::{ScanOptions, read_instance},
        worker::{DEFAULT_MEMORY, Workers},
    },
    model::study::Instance,
};
use std::{path::Path, sync::Arc};

fn workers(memory: u64) -> Arc<Workers> {
    Arc::new(Workers::new(
        env!("CARGO_BIN_EXE_negatoscope").into(),
        memory,
    ))
}

fn frames(workers: &Arc<Workers>) -> FileFrames {
    FileFrames::default().with_workers(Some(Arc::clone(workers)))
}

/// A run-length slice of 64 × 48 whose values depend on `seed`, cut by some bytes at the end.
fn slice(folder: &Path, seed: u32, cut: usize) -> Instance {
    let value = |i: u32| (i * seed + i / 7) as u16 & 0x0FFF;
    let plane =
        |shift: u16| -> Vec<u8> { (0..64 * 48u32).map(|i| (value(i) >> shift) as u8).collect() };
    let mut frame = rle_frame(&[&plane(8), &plane(0)]);
    frame.truncate(frame.len() - cut);
    frame.resize(frame.len() + frame.len() % 2, 0);
    let slice = Slice {
        rows: 48,
        columns: 64,
        signed: 0,
        pixels: fragments(&[], &[&frame]),
        ..Slice::default()
    };
    let path = write(folder, &format!("{seed}-{cut}.dcm"), &slice.file(RLE));
    read_instance(&path, &ScanOptions::default()).unwrap()
}

#[test]
fn another_process_gives_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(DEFAULT_MEMORY);
    let (here, there) = (FileFrames::default(), frames(&workers));
    for seed in [3, 17, 255] {
        let instance = slice(folder.path(), seed, 0);
        let (here, there) = (
            here.read_frame(&instance, 0).unwrap(),
            there.read_frame(&instance, 0).unwrap(),
        );
        assert_eq!(here.pixels.as_slice(), there.pixels.as_slice());
        assert!(here.pixels.as_slice().iter().any(|b| *b != 0));
    }
    // One process served all of them.
    assert_eq!(workers.idle_processes().len(), 1);
    // A refusal arrives with its code.
    let cut = slice(folder.path(), 5, 400);
    let (here, there) = (
        here.read_frame(&cut, 0).unwrap_err(),
        there.read_frame(&cut, 0).unwrap_err(),
    );
    assert_eq!(here, there);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_was_ended_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(DEFAULT_MEMORY);
    let source = frames(&workers);
    let instance = slice(folder.path(), 7, 0);
    let first = source.read_frame(&instance, 0).unwrap();
    let processes = workers.idle_processes();
    assert_eq!(processes.len(), 1);
    for process in &processes {
        let killed = std::process::Command::new("kill")
            .args(["-9", &process.to_string()])
            .status();
        assert!(killed.unwrap().success());
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    let again = source.read_frame(&instance, 0).unwrap();
    assert_eq!(first.pixels.as_slice(), again.pixels.as_slice());
    assert_ne!(workers.idle_processes(), processes);
}

#[cfg(target_os = "linux")]
#[test]
fn a_frame_beyond_the_memory_of_the_process_is_refused_and_the_next_one_opens() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(480 << 20);
    let source = frames(&workers);
    // 500 MB of zeros: the limit of a frame allows them, the limit of the process does not.
    let run = |count: usize| -> Vec<u8> { [129u8, 0].repeat(count.div_ceil(128)) };
    let plane = run(16_000 * 16_000 - 16_000 * 400);
    let mut frame = 2u32.to_le_bytes().to_vec();
    frame.extend(64u32.to_le_bytes());
    frame.extend((64 + plane.len() as u32).to_le_bytes());
    frame.resize(64, 0);
    frame.extend(&plane);
    frame.extend(&plane);
    let large = Slice {
        rows: 15_600,
        columns: 16_000,
        pixels: fragments(&[], &[&frame]),
        ..Slice::default()
    };
    let path = write(folder.path(), "large.dcm", &large.file(RLE));
    let large = read_instance(&path, &ScanOptions::default()).unwrap();
    let mut destination = vec![0; large.image.as_ref().unwrap().frame_bytes()];
    let refused = source
        .read_frame_into(&large, 0, &mut destination)
        .unwrap_err();
    assert_eq!(refused.code(), "CODEC_DIED", "{refused}");
    let small = slice(folder.path(), 9, 0);
    assert!(source.read_frame(&small, 0).is_ok());
}
