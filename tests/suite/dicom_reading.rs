//! What well-formed files give: pixels against an independent decoder, geometry against known markers, series
//! against what was done to them, and our own files read back.

mod files;
mod markers;
mod reference;
mod series;
mod spacing;
mod values;
mod written;

use crate::bad_input::build::Slice;
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::FileFrames,
        load::load_volume,
        scan::{ScanEvent, ScanOptions, read_instance, scan},
    },
    model::{layout::SeriesLayout, study::Instance, volume::Volume},
    task::{CancelToken, Progress},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

fn read(path: &Path) -> Instance {
    read_instance(path, &ScanOptions::default())
        .unwrap_or_else(|r| panic!("{}: {}", r.code, r.detail))
}

fn scan_all(paths: &[PathBuf]) -> (Vec<Arc<Instance>>, Vec<&'static str>) {
    let found = Mutex::new((Vec::new(), Vec::new()));
    let progress = Progress::default();
    scan(
        paths,
        &ScanOptions::default(),
        &CancelToken::default(),
        &progress,
        &|event| {
            let mut found = found.lock().unwrap();
            match event {
                ScanEvent::Instance(instance) => found.0.push(instance),
                ScanEvent::Rejected(rejection) => found.1.push(rejection.code),
            }
        },
    );
    let found = found.into_inner().unwrap();
    let files = (found.0.len() + found.1.len()) as u64;
    assert_eq!(progress.get(), (files, files));
    found
}

fn lay_out_folder(folder: &Path) -> Vec<SeriesLayout> {
    let (instances, rejected) = scan_all(&[folder.to_path_buf()]);
    assert_eq!(rejected, Vec::<&str>::new());
    lay_out(&instances)
}

fn codes(layout: &SeriesLayout) -> Vec<&'static str> {
    layout.findings.iter().map(|f| f.code).collect()
}

fn number(layout: &SeriesLayout, code: &str, name: &str) -> f64 {
    let finding = layout.findings.iter().find(|f| f.code == code).expect(code);
    finding.numbers.iter().find(|n| n.0 == name).expect(name).1
}

fn load(layout: &SeriesLayout) -> Volume {
    let progress = Progress::default();
    let source = FileFrames::default();
    let volume = load_volume(layout, &source, &CancelToken::default(), &progress).unwrap();
    let slices = layout.frames.len() as u64;
    assert_eq!(progress.get(), (slices, slices));
    volume
}

/// An axial stack of `count` slices, changed slice by slice.
fn stack(folder: &Path, count: usize, change: impl Fn(usize, &mut Slice)) {
    for k in 0..count {
        let mut slice = Slice {
            uid: format!("1.2.3.{k}"),
            number: k as i32 + 1,
            position: Some([0.0, 0.0, 3.0 * k as f64]),
            ..Slice::default()
        };
        change(k, &mut slice);
        slice.write(folder, &format!("{k:03}"));
    }
}
