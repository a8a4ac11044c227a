//! Masks that do not belong to the pictures, or are more than can be taken: each refused with its reason by the window and
//! by the command line, and what was there stays.

use crate::{
    masks::{making, pictures_of},
    support::{PROGRAM, program},
    ui_snapshots::{alone, run, stage},
};
use negatoscope::{
    app::stage::Stage,
    dicom::{segmentation::grid_of, write::segmentation::write_segmentation},
    model::segmentation::{
        Painter, Segment, Segmentation, SegmentationId,
        exchange::{Form, Pictures},
    },
    store::codec::fingerprint,
    workspace::{Action, Command},
};
use std::{fs, path::Path};

/// The pictures that are open.
const OPEN: [&str; 3] = ["1.2.3", "1.2.3.4", "1.2.3.9"];

/// A mask over pictures of these UIDs, of so many columns; what is painted is the caller's.
fn mask_over(
    folder: &Path,
    columns: usize,
    uids: [&str; 3],
    form: Form,
    paint: impl FnOnce(&mut Segmentation),
) {
    let elsewhere = tempfile::tempdir().unwrap();
    let (layout, source) = pictures_of(elsewhere.path(), columns, uids);
    let mut seg = Segmentation::new(SegmentationId("2.25.9".into()), grid_of(&layout).unwrap());
    paint(&mut seg);
    let on = Pictures {
        layout: &layout,
        source: &source,
    };
    let made = write_segmentation(&seg, form, None, &on, &making()).unwrap();
    fs::write(folder.join("mask.dcm"), &made.bytes).unwrap();
}

fn one(seg: &mut Segmentation) {
    seg.put_segment(Segment::new(1, "one"));
    let mut painter = Painter::new(seg.layer_mut(0).unwrap());
    painter.map_row([5, 1], 3..9, |_, _| 1);
}

fn told(stage: &Stage) -> Vec<(&'static str, String)> {
    let all = stage.program().workspace.notices.iter();
    all.map(|n| (n.key, n.detail.clone())).collect()
}

/// A window with the pictures and something painted over them, into which the mask is opened: what became of it.
fn opened(ct: &Path, folder: &Path) -> (Stage, Segmentation) {
    let mut stage = stage(vec![ct.to_owned()], Vec::new());
    run(&mut stage, Command::NewSegmentation);
    let before = stage
        .program()
        .workspace
        .active_segmentation()
        .unwrap()
        .clone();
    let open = Action::Open(vec![folder.join("mask.dcm")]);
    stage.program_mut().workspace.act(open);
    stage.settle().unwrap();
    (stage, before)
}

#[test]
fn masks_of_other_pictures_are_refused_with_the_reason() {
    let _one = alone();
    let ct = tempfile::tempdir().unwrap();
    pictures_of(ct.path(), 21, OPEN);
    for (uids, code, reason) in [
        (
            ["1.2.99", "1.2.99.4", "1.2.99.9"],
            "OTHER_STUDY",
            "the pictures that it lies on are not open",
        ),
        (
            ["1.2.3", "1.2.3.4", "1.2.3.77"],
            "OTHER_FRAME_OF_REFERENCE",
            "another frame of reference",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        mask_over(folder.path(), 21, uids, Form::Binary, one);
        let (stage, before) = opened(ct.path(), folder.path());
        let workspace = &stage.program().workspace;
        let kept: Vec<&Segmentation> = workspace.marks.segmentations().collect();
        assert_eq!(kept.len(), 1, "{code}");
        assert_eq!(fingerprint(kept[0]), fingerprint(&before), "{code}");
        let told = told(&stage);
        let found = told.iter().find(|n| n.0 == "notice-mask-refused");
        assert!(
            found.is_some_and(|n| n.1.contains(reason)),
            "{code} {told:?}"
        );
        // The command line says the same by its code, and writes nothing.
        let out = folder.path().join("out.nii.gz");
        let ended = std::process::Command::new(PROGRAM)
            .arg("convert-labels")
            .arg(folder.path().join("mask.dcm"))
            .arg("--image")
            .arg(ct.path())
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains(code), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn as_many_segments_as_there_are_numbers_are_taken_and_not_one_more() {
    let _one = alone();
    let ct = tempfile::tempdir().unwrap();
    pictures_of(ct.path(), 21, OPEN);
    let folder = tempfile::tempdir().unwrap();
    mask_over(folder.path(), 21, OPEN, Form::LabelMap, |seg| {
        for number in 1..=u16::MAX {
            seg.put_segment(Segment::new(number, "s"));
        }
        let mut painter = Painter::new(seg.layer_mut(0).unwrap());
        for n in 0..21 * 15 * 4 {
            painter.set([n % 21, n / 21 % 15, n / 315], (n * 51) as u16);
        }
    });
    let (mut stage, _) = opened(ct.path(), folder.path());
    let whole = stage
        .program()
        .workspace
        .active_segmentation()
        .unwrap()
        .clone();
    assert_eq!(whole.len(), 65_535, "{:?}", told(&stage));
    run(&mut stage, Command::NewSegment);
    let now = stage.program().workspace.active_segmentation().unwrap();
    assert_eq!(fingerprint(now), fingerprint(&whole));
    assert_eq!(told(&stage).last().unwrap().0, "notice-segments-full");
    // Away and back as one step.
    run(&mut stage, Command::Undo);
    assert_eq!(stage.program().workspace.marks.segmentations().count(), 1);
    run(&mut stage, Command::Redo);
    let mut all = stage.program().workspace.marks.segmentations();
    assert!(all.any(|s| fingerprint(s) == fingerprint(&whole)));
    let [from, out] = ["mask.dcm", "out.nii.gz"].map(|name| folder.path().join(name));
    let image = ct.path().to_str().unwrap();
    let [from, out] = [&from, &out].map(|path| path.to_str().unwrap());
    program(&["convert-labels", from, "--image", image, "--out", out]);
}

/// Seventy segments that all have one voxel: read and written by the command line; the window keeps no more layers than a
/// journal does, and says so.
#[test]
fn segments_that_overlap_in_more_layers_than_are_kept_are_refused() {
    let _one = alone();
    let ct = tempfile::tempdir().unwrap();
    pictures_of(ct.path(), 21, OPEN);
    let folder = tempfile::tempdir().unwrap();
    mask_over(folder.path(), 21, OPEN, Form::Binary, |seg| {
        for number in 1..=70 {
            let mut segment = Segment::new(number, format!("s{number}"));
            segment.layer = usize::from(number) - 1;
            assert!(seg.put_segment(segment));
            let mut painter = Painter::new(seg.layer_mut(usize::from(number) - 1).unwrap());
            painter.set([4, 5, 1], number);
        }
    });
    let (stage, before) = opened(ct.path(), folder.path());
    let workspace = &stage.program().workspace;
    let kept: Vec<&Segmentation> = workspace.marks.segmentations().collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fingerprint(kept[0]), fingerprint(&before));
    let told = told(&stage);
    let found = told.iter().find(|n| n.0 == "notice-mask-unkept");
    assert!(found.is_some_and(|n| n.1.contains("70 layers")), "{told:?}");
    let [from, out] = ["mask.dcm", "again.dcm"].map(|name| folder.path().join(name));
    let image = ct.path().to_str().unwrap();
    let [from, out] = [&from, &out].map(|path| path.to_str().unwrap());
    program(&["convert-labels", from, "--image", image, "--out", out]);
}

/// A mask with other columns that says where it lies is laid on the voxels of the pictures; a volume of numbers has to
/// have those very voxels.
#[test]
fn a_mask_of_another_size_is_where_it_says_or_nowhere() {
    let _one = alone();
    let ct = tempfile::tempdir().unwrap();
    pictures_of(ct.path(), 21, OPEN);
    let folder = tempfile::tempdir().unwrap();
    mask_over(folder.path(), 19, OPEN, Form::Binary, one);
    let (stage, before) = opened(ct.path(), folder.path());
    let workspace = &stage.program().workspace;
    let kept: Vec<&Segmentation> = workspace.marks.segmentations().collect();
    assert_eq!(kept.len(), 2);
    let read = kept.iter().find(|s| s.id != before.id).unwrap();
    assert_eq!(read.grid.size, [21, 15, 4], "on the voxels of the pictures");
    assert!((3..9).all(|x| read.contains(1, [x, 5, 1])) && !read.contains(1, [9, 5, 1]));
    let there = before.grid.patient_from_voxel;
    assert!(read.grid.patient_from_voxel.abs_diff_eq(there, 1e-6));
    // As a volume of numbers it lies there, too; one that reaches beyond the pictures lies nowhere.
    for (columns, fits) in [(19, true), (23, false)] {
        let folder = tempfile::tempdir().unwrap();
        mask_over(folder.path(), columns, OPEN, Form::Binary, one);
        let [from, out] = ["mask.dcm", "mask.nii.gz"].map(|name| folder.path().join(name));
        let out = out.to_str().unwrap();
        program(&["convert-labels", from.to_str().unwrap(), "--out", out]);
        let again = folder.path().join("again.nrrd");
        let ended = std::process::Command::new(PROGRAM)
            .args(["convert-labels", out, "--image"])
            .arg(ct.path())
            .arg("--out")
            .arg(&again)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.success(), fits, "{said}");
        assert_eq!(said.contains("OTHER_GRID"), !fits, "{said}");
        assert_eq!(again.exists(), fits);
    }
}
