//! Stored values of native forms, and how headers say that they are shown.

use super::read;
use crate::bad_input::build::{
    Bytes, DEFLATED, DEFLATED_FRAME, EXPLICIT, RLE, Slice, deflate_stored, file, fragments,
    rle_frame, write,
};
use negatoscope::{
    dicom::frames::{FileFrames, FrameSource as _},
    model::{
        lut::{ModalityLut, ModalityUnit, Voi, VoiLutFunction, WindowLevel},
        pixels::StoredType,
    },
};

#[test]
fn native_forms_come_out_as_stored_values() {
    let folder = tempfile::tempdir().unwrap();
    let source = FileFrames::default();
    let values = |slice: &Slice, syntax: &str, frame: usize| {
        let path = write(folder.path(), "case", &slice.file(syntax));
        let frame = source.read_frame(&read(&path), frame).unwrap();
        frame.values().map(|v| v as i64).collect::<Vec<_>>()
    };
    let base = || Slice {
        rows: 2,
        columns: 2,
        signed: 0,
        ..Slice::default()
    };
    // 12 bits of 16, rubbish above, signed and unsigned; then in the high bits.
    let words = |values: [u16; 4]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let twelve = |signed, high, raw| {
        Slice {
            stored: 12,
            high,
            signed,
            ..base()
        }
        .native(&words(raw))
    };
    assert_eq!(
        values(&twelve(0, 11, [0xF001, 0x0FFF, 0x1800, 7]), EXPLICIT, 0),
        [1, 4095, 2048, 7]
    );
    assert_eq!(
        values(&twelve(1, 11, [0xF001, 0x0FFF, 0x1800, 7]), EXPLICIT, 0),
        [1, -1, -2048, 7]
    );
    assert_eq!(
        values(&twelve(0, 15, [0x0010, 0xFFFF, 0x8000, 0x70]), EXPLICIT, 0),
        [1, 4095, 2048, 7]
    );
    // Three frames of 3 x 3 single bits: 27 bits, frames not at bytes.
    let bits = |syntax: &str, pixels: Vec<u8>, frame| {
        let mut slice = Slice {
            rows: 3,
            columns: 3,
            allocated: 1,
            stored: 1,
            high: 0,
            signed: 0,
            frames: Some("3"),
            rescale: None,
            ..Slice::default()
        };
        slice.pixels = pixels;
        values(&slice, syntax, frame)
    };
    let packed = [0b0000_0001u8, 0b0000_0010, 0b0000_0100, 0b0000_0100];
    let native = || Bytes::default().put(0x7FE0, 0x10, b"OB", &packed).0;
    assert_eq!(bits(EXPLICIT, native(), 0), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bits(EXPLICIT, native(), 1), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bits(EXPLICIT, native(), 2), [1, 0, 0, 0, 0, 0, 0, 0, 1]);
    let segment = rle_frame(&[&[0b1000_0001, 1]]);
    let coded = fragments(&[], &[&segment, &segment, &segment]);
    assert_eq!(bits(RLE, coded, 1), [1, 0, 0, 0, 0, 0, 0, 1, 1]);
    // Colour by plane, and interleaved.
    let colour = |planar: u8, bytes: &[u8]| {
        let slice = Slice {
            samples: 3,
            photometric: "RGB",
            allocated: 8,
            stored: 8,
            high: 7,
            ..base()
        };
        values(
            &slice.native(bytes).with(0x28, 6, b"US", &[planar, 0]),
            EXPLICIT,
            0,
        )
    };
    let interleaved: Vec<u8> = (1..=12).collect();
    let planes = [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12];
    assert_eq!(colour(0, &interleaved), (1..=12).collect::<Vec<i64>>());
    assert_eq!(colour(1, &planes), (1..=12).collect::<Vec<i64>>());
    // Red, green, blue and white in halved chroma: two pixels share their mean chroma.
    let halved = Slice {
        samples: 3,
        photometric: "YBR_FULL_422",
        allocated: 8,
        stored: 8,
        high: 7,
        ..base()
    }
    .native(&[76, 76, 85, 255, 255, 255, 128, 128])
    .with(0x28, 6, b"US", &[0, 0]);
    assert_eq!(
        values(&halved, EXPLICIT, 0),
        [254, 0, 0, 254, 0, 0, 255, 255, 255, 255, 255, 255]
    );
    // RLE of 32 bits, most significant plane first.
    let wide = rle_frame(&[&[1; 4], &[2; 4], &[3; 4], &[4, 5, 6, 7]]);
    let mut slice = Slice {
        allocated: 32,
        stored: 32,
        high: 31,
        ..base()
    };
    slice.pixels = fragments(&[], &[&wide]);
    assert_eq!(
        values(&slice, RLE, 0),
        [0x0102_0304, 0x0102_0305, 0x0102_0306, 0x0102_0307]
    );
    // Deflated frames, deflated data set, fragments of native pixels.
    let raw = words([1, 2, 3, 65_535]);
    let mut slice = base();
    slice.pixels = fragments(&[], &[&deflate_stored(&raw)]);
    assert_eq!(values(&slice, DEFLATED_FRAME, 0), [1, 2, 3, 65_535]);
    slice.pixels = fragments(&[], &[&raw]);
    assert_eq!(
        values(&slice, "1.2.840.10008.1.2.1.98", 0),
        [1, 2, 3, 65_535]
    );
    let deflated = file(DEFLATED, &deflate_stored(&base().native(&raw).data_set()));
    let path = write(folder.path(), "deflated", &deflated);
    let frame = source.read_frame(&read(&path), 0).unwrap();
    assert_eq!(frame.pixels.as_slice(), raw);
    // Floating point.
    let floats: Vec<u8> = [0.5f32, -1.5, 1e20, 0.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut slice = Slice {
        allocated: 32,
        stored: 32,
        high: 31,
        ..base()
    };
    slice.pixels = Bytes::default().put(0x7FE0, 8, b"OF", &floats).0;
    let path = write(folder.path(), "float", &slice.file(EXPLICIT));
    let frame = source.read_frame(&read(&path), 0).unwrap();
    assert_eq!(frame.stored_type, StoredType::F32);
    assert_eq!(
        frame.values().collect::<Vec<_>>(),
        [0.5, -1.5, f64::from(1e20f32), 0.0]
    );
}

#[test]
fn headers_say_how_values_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let picture = |slice: Slice| {
        let path = write(folder.path(), "case", &slice.file(EXPLICIT));
        read(&path).image.unwrap()
    };
    let windows = picture(
        Slice::default()
            .text(0x28, 0x1050, b"DS", r"-600\40")
            .text(0x28, 0x1051, b"DS", r"1500\400")
            .text(0x28, 0x1055, b"LO", r"LUNG\SOFT")
            .text(0x28, 0x1056, b"CS", "SIGMOID"),
    );
    let window = |center, width, explanation: &str| Voi::Window {
        level: WindowLevel { center, width },
        function: VoiLutFunction::Sigmoid,
        explanation: explanation.into(),
    };
    assert_eq!(
        windows.shared.voi,
        [window(-600.0, 1500.0, "LUNG"), window(40.0, 400.0, "SOFT")]
    );
    assert_eq!(windows.shared.unit, ModalityUnit::Hounsfield);
    let item = |descriptor: [i16; 3], data: &[u16]| {
        let words = |w: &[u8]| w.to_vec();
        let descriptor: Vec<u8> = descriptor.iter().flat_map(|v| v.to_le_bytes()).collect();
        let data: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        Bytes::default()
            .put(0x28, 0x3002, b"SS", &words(&descriptor))
            .text(0x28, 0x3003, b"LO", "SMOOTH")
            .put(0x28, 0x3006, b"OW", &data)
    };
    let with_sequence = |element: u16, item: Bytes| {
        let mut slice = Slice::default();
        let bytes = Bytes::default().sequence(0x28, element, &[item]).0;
        slice.more.push((0x28, element, bytes));
        picture(slice)
    };
    let voi = with_sequence(0x3010, item([4, -1024, 12], &[0, 10, 4000, 4095]));
    let Some(Voi::Table(table)) = voi.shared.voi.first() else {
        panic!("no table");
    };
    assert_eq!((table.first_mapped, table.bits), (-1024, 12));
    assert_eq!(&*table.entries, [0, 10, 4000, 4095]);
    assert_eq!(table.explanation, "SMOOTH");
    let modality = with_sequence(0x3000, item([2, -5, 16], &[100, 200]));
    let ModalityLut::Table(table) = &modality.shared.modality_lut else {
        panic!("no table");
    };
    assert_eq!(
        (table.first_mapped, &*table.entries),
        (-5, [100u16, 200].as_slice())
    );
    let padding = picture(
        Slice::default()
            .with(0x28, 0x120, b"SS", &(-2000i16).to_le_bytes())
            .with(0x28, 0x121, b"SS", &(-1900i16).to_le_bytes()),
    );
    assert_eq!(
        padding.padding.map(|p| (p.low, p.high)),
        Some((-2000, -1900))
    );
    let lossy = picture(
        Slice::default()
            .text(0x28, 0x2110, b"CS", "01")
            .text(0x28, 0x2112, b"DS", r"2.5\10")
            .text(0x28, 0x2114, b"CS", "ISO_10918_1"),
    );
    let lossy = lossy.lossy.unwrap();
    assert_eq!((lossy.ratios, lossy.undeclared), (vec![2.5, 10.0], false));
}
