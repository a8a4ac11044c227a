//! Whole files: names, pictures, objects without one, chunks, and files that change while they are open.

use super::{lay_out_folder, read, stack};
use crate::{
    bad_input::build::{Bytes, CT, EXPLICIT, IMPLICIT, Slice, file, jpeg_of, write},
    support,
};
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::{FileFrames, FrameSource as _},
        load::{chunk_ranges, load_volume, read_chunk},
    },
    model::{geometry::Spacing, pixels::StoredType, study::SourceKind},
    task::{CancelToken, Progress},
};
use std::sync::Arc;

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn names_are_read_in_their_character_sets() {
    let name = |file: &str| {
        let path = support::data("dicom-pydicom/charset_files").join(file);
        let instance = read(&path);
        let name = instance.patient.name.reveal();
        (
            name.alphabetic.clone(),
            name.ideographic.clone(),
            name.phonetic.clone(),
        )
    };
    let check = |file: &str, alphabetic: &str, ideographic: &str, phonetic: &str| {
        let found = name(file);
        let expected = (
            alphabetic.to_owned(),
            ideographic.to_owned(),
            phonetic.to_owned(),
        );
        assert_eq!(found, expected, "{file}");
    };
    check("chrX1.dcm", "Wang^XiaoDong", "王^小東", "");
    check("chrX2.dcm", "Wang^XiaoDong", "王^小东", "");
    check("chrI2.dcm", "Hong^Gildong", "洪^吉洞", "홍^길동");
    check("chrH31.dcm", "Yamada^Tarou", "山田^太郎", "やまだ^たろう");
    check("chrArab.dcm", "قباني^لنزار", "", "");
    check("chrGreek.dcm", "Διονυσιος", "", "");
    check("chrRuss.dcm", "Люкceмбypг", "", "");
    check("chrGerm.dcm", "Äneas^Rüdiger", "", "");
    check("chrFren.dcm", "Buc^Jérôme", "", "");
    check("chrHbrw.dcm", "שרון^דבורה", "", "");
}

#[test]
fn pictures_open_as_uncalibrated_objects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    let grey: image::ImageBuffer<image::Luma<u16>, Vec<u16>> =
        image::ImageBuffer::from_fn(7, 3, |x, y| image::Luma([(x * 9000 + y) as u16]));
    grey.save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    let instance = read(&path);
    assert_eq!(instance.source.kind, SourceKind::Png);
    let picture = instance.image.as_ref().unwrap();
    assert_eq!(
        (picture.rows, picture.columns, picture.stored_type),
        (3, 7, StoredType::U16)
    );
    assert_eq!(picture.shared.spacing, Spacing::Unknown { aspect: 1.0 });
    let frame = FileFrames::default().read_frame(&instance, 0).unwrap();
    assert_eq!(frame.value(6, 2, 0), Some(54_002.0));
    assert!(instance.sop_instance_uid.starts_with("2.25."));
    assert_eq!(read(&path).sop_instance_uid, instance.sop_instance_uid);
    // A colour picture with transparency loses only that.
    let colour = image::RgbaImage::from_fn(2, 1, |x, _| image::Rgba([x as u8, 10, 20, 30]));
    colour
        .save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
    let instance = read(&path);
    let frame = FileFrames::default().read_frame(&instance, 0).unwrap();
    assert_eq!(
        frame.values().collect::<Vec<_>>(),
        [0.0, 10.0, 20.0, 1.0, 10.0, 20.0]
    );
    std::fs::write(&path, jpeg_of(16, 8)).unwrap();
    let instance = read(&path);
    assert_eq!(instance.source.kind, SourceKind::Jpeg);
    assert!(instance.image.as_ref().unwrap().lossy.is_some());
    assert_eq!(
        FileFrames::default()
            .read_frame(&instance, 0)
            .unwrap()
            .columns,
        16
    );
}

#[test]
fn chunks_are_whole_slices_that_share_memory() {
    let folder = tempfile::tempdir().unwrap();
    // 1 MiB a slice: four a chunk.
    let bytes = vec![7u8; 1 << 20];
    stack(folder.path(), 6, |_, s| {
        (s.rows, s.columns) = (1024, 512);
        s.pixels = Bytes::default().put(0x7FE0, 0x10, b"OW", &bytes).0;
    });
    let layouts = lay_out_folder(folder.path());
    assert_eq!(chunk_ranges(&layouts[0]), [0..4, 4..6]);
    let source = FileFrames::default();
    let frames = read_chunk(&layouts[0], &source, 4..6).unwrap();
    assert_eq!(frames.len(), 2);
    let start = |i: usize| frames[i].pixels.as_slice().as_ptr();
    assert_eq!(start(1) as usize - start(0) as usize, 1 << 20);
    assert!(read_chunk(&layouts[0], &source, 6..9).unwrap().is_empty());
    let cancel = CancelToken::default();
    cancel.cancel();
    let stopped = load_volume(&layouts[0], &source, &cancel, &Progress::default());
    assert!(stopped.unwrap_err().to_string().contains("cancelled"));
}

#[test]
fn a_file_that_changed_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = Slice::default().write(folder.path(), "case");
    let instance = read(&path);
    let source = FileFrames::default();
    assert!(source.read_frame(&instance, 0).is_ok());
    assert_eq!(
        source.read_frame(&instance, 1).unwrap_err().code(),
        "NO_SUCH_FRAME"
    );
    assert_eq!(
        source
            .read_frame_into(&instance, 0, &mut [0; 7])
            .unwrap_err()
            .code(),
        "DESTINATION"
    );
    Slice::default()
        .text(8, 0x70, b"LO", "longer")
        .write(folder.path(), "case");
    assert_eq!(
        source.read_frame(&instance, 0).unwrap_err().code(),
        "FILE_CHANGED"
    );
}

#[test]
fn objects_without_a_picture_are_objects() {
    let folder = tempfile::tempdir().unwrap();
    let report = Bytes::default()
        .text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.88.33")
        .text(8, 0x18, b"UI", "1.2.3.9")
        .text(8, 0x60, b"CS", "SR");
    let path = write(folder.path(), "report", &file(EXPLICIT, &report.0));
    let instance = read(&path);
    assert!(instance.image.is_none());
    assert_eq!(lay_out(&[Arc::new(instance)]).len(), 0);
    let implicit = [8u8, 0, 0x16, 0, 4, 0, 0, 0, b'1', b'.', b'2', 0];
    let path = write(folder.path(), "implicit", &file(IMPLICIT, &implicit));
    assert_eq!(read(&path).sop_class_uid, "1.2");
    assert_ne!(CT, "1.2");
}
