//! Faces in volumes of the head: taken out of real ones, everything else untouched, and refused where they are not found.

use super::*;
use crate::{bad_input::build::Slice, support::data};
use negatoscope::{
    dicom::{
        deid::{DeidEvent, DeidOption, anonymize},
        frames::{FileFrames, FrameSource as _},
        scan::{ScanOptions, read_instance},
    },
    model::{pixels::Frame, study::Instance},
    task::{CancelToken, Progress},
};
use std::path::PathBuf;

/// Reads a folder into another one; what was refused comes back as code and reason.
fn through_folder(from: &[PathBuf], to: &Path) -> (Vec<PathBuf>, Vec<(&'static str, String)>) {
    let options = [DeidOption::CleanFaces].into_iter().collect();
    let mut refused = Vec::new();
    let mut written = Vec::new();
    let summary = anonymize(
        from,
        to,
        settings(options),
        true,
        &CancelToken::default(),
        &Progress::default(),
        &mut |event| match event {
            DeidEvent::Written { output, .. } => written.push(to.join(output)),
            DeidEvent::Rejected(rejection) => refused.push((rejection.code, rejection.detail)),
        },
    )
    .unwrap();
    assert_eq!(summary.written + summary.again, written.len());
    (written, refused)
}

fn frame_of(path: &Path) -> (Instance, Frame) {
    let instance = read_instance(path, &ScanOptions::default()).unwrap();
    let frame = FileFrames::default().read_frame(&instance, 0).unwrap();
    (instance, frame)
}

fn slices_of(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_face_of_a_real_head_goes_and_all_else_stays_bit_for_bit() {
    for (series, bridge) in [
        ("HFS/3_t1_fl2d_sag", "supine"),
        ("HFDL/2_t1_fl2d_sag", "on the left side"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let source = data("mr-brain-t1").join(series);
        let before = slices_of(&source);
        let (written, refused) = through_folder(&[source], folder.path());
        assert_eq!(refused, [], "{bridge}");
        assert_eq!(written.len(), before.len());
        let (mut gone, mut all, mut signal) = (0_usize, 0_usize, 0.0);
        for (old, new) in before.iter().zip(&written) {
            let ((old_instance, old), (new_instance, new)) = (frame_of(old), frame_of(new));
            assert_eq!((old.rows, old.columns), (new.rows, new.columns));
            let darkest = old.values().fold(f64::INFINITY, f64::min);
            assert_eq!(old_instance.instance_number, new_instance.instance_number);
            for (at, (was, is)) in old.values().zip(new.values()).enumerate() {
                all += 1;
                if was == is {
                    continue;
                }
                gone += 1;
                signal += was;
                assert_eq!(is, darkest, "what is taken out is the darkest value");
                // These slices are sagittal: rows run down, columns to the back. What goes lies in front and below.
                let (row, column) = (at / old.columns, at % old.columns);
                assert!(
                    column < old.columns / 2 && row > old.rows / 5,
                    "{row}, {column}"
                );
            }
        }
        let share = gone as f64 / all as f64;
        println!(
            "{series}: {gone} of {all} voxels ({:.1} %) taken out",
            share * 100.0
        );
        assert!((0.01..0.25).contains(&share), "{share}");
        assert!(signal / gone as f64 > 20.0, "not air alone");
        let bytes = fs::read(&written[0]).unwrap();
        // Recognizable Visual Features: NO, and the method's code.
        let mark = [0x28, 0x00, 0x02, 0x03, b'C', b'S', 2, 0, b'N', b'O'];
        assert!(bytes.windows(mark.len()).any(|w| w == mark));
        assert!(bytes.windows(6).any(|w| w == b"113102"));
        // Once more there is no face left to be found, and what cannot be told is not written.
        let again = tempfile::tempdir().unwrap();
        let (written, refused) = through_folder(&[folder.path().to_owned()], again.path());
        assert_eq!((written.len(), refused.len()), (0, before.len()));
        assert!(refused.iter().all(|(code, _)| *code == "FACE"));
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn a_head_whose_nose_is_not_in_the_volume_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (written, refused) = through_folder(&[data("ct-head-tiny")], folder.path());
    assert_eq!(written, Vec::<PathBuf>::new());
    let faces = refused.iter().filter(|(code, _)| *code == "FACE");
    assert_eq!(faces.count(), 93);
    assert!(refused.iter().any(|(_, reason)| reason.contains("no nose")));
}

#[test]
fn flat_pictures_are_refused_and_other_parts_of_the_body_stay() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("in");
    fs::create_dir(&source).unwrap();
    let head = Slice::default().text(0x18, 0x15, b"CS", "HEAD");
    head.write(&source, "head.dcm");
    let chest = Slice {
        uid: "1.2.3.5".into(),
        study: "1.2.3.8".into(),
        series: "1.2.3.9".into(),
        ..Slice::default()
    };
    let chest = chest.text(0x18, 0x15, b"CS", "CHEST");
    let chest_path = chest.write(&source, "chest.dcm");
    let out = folder.path().join("out");
    let (written, refused) = through_folder(&[source], &out);
    assert_eq!((written.len(), refused.len()), (1, 1));
    let (code, reason) = &refused[0];
    assert_eq!(*code, "FACE");
    assert!(reason.contains("flat"), "{reason}");
    let ((_, old), (_, new)) = (frame_of(&chest_path), frame_of(&written[0]));
    assert_eq!(old.pixels.as_slice(), new.pixels.as_slice());
    let bytes = fs::read(&written[0]).unwrap();
    let mark = [0x28, 0x00, 0x02, 0x03];
    assert!(!bytes.windows(mark.len()).any(|w| w == mark));
}
