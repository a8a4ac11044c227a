//! Files made byte by byte, by a second hand: not by the writers.

use super::{orientation::tests::axis_orders, *};
use crate::model::{
    geometry::{GridGeometry, orientation_letters},
    lut::{ModalityLut, ModalityUnit},
    pixels::{Frame, PixelBytes, StoredType},
};
use glam::{DAffine3, DMat3, DVec3};
use std::fs;

/// Bytes of numbers in either byte order.
fn order<const N: usize>(big: bool, mut le: [u8; N]) -> [u8; N] {
    if big {
        le.reverse();
    }
    le
}

/// A NIfTI-1 header with 4 bytes behind it; 3x2x2 voxels of `datatype`, sform from `rows`.
fn nifti1(big: bool, datatype: i16, bits: i16, rows: [f32; 12]) -> Vec<u8> {
    let mut h = vec![0; 352];
    let mut put = |at: usize, bytes: &[u8]| h[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &order(big, 348i32.to_le_bytes()));
    for (i, n) in [3i16, 3, 2, 2, 1, 1, 1, 1].iter().enumerate() {
        put(40 + i * 2, &order(big, n.to_le_bytes()));
    }
    put(70, &order(big, datatype.to_le_bytes()));
    put(72, &order(big, bits.to_le_bytes()));
    for (i, n) in [1f32, 1.0, 2.0, 3.0].iter().enumerate() {
        put(76 + i * 4, &order(big, n.to_le_bytes()));
    }
    put(108, &order(big, 352f32.to_le_bytes()));
    put(123, &[2]);
    put(254, &order(big, 1i16.to_le_bytes()));
    for (i, n) in rows.iter().enumerate() {
        put(280 + i * 4, &order(big, n.to_le_bytes()));
    }
    put(344, b"n+1\0");
    h
}

/// The same in NIfTI-2.
fn nifti2(big: bool, datatype: i16, bits: i16, rows: [f64; 12]) -> Vec<u8> {
    let mut h = vec![0; 544];
    let mut put = |at: usize, bytes: &[u8]| h[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &order(big, 540i32.to_le_bytes()));
    put(4, b"n+2\0\r\n\x1a\n");
    put(12, &order(big, datatype.to_le_bytes()));
    put(14, &order(big, bits.to_le_bytes()));
    for (i, n) in [3i64, 3, 2, 2, 1, 1, 1, 1].iter().enumerate() {
        put(16 + i * 8, &order(big, n.to_le_bytes()));
    }
    for (i, n) in [1f64, 1.0, 2.0, 3.0].iter().enumerate() {
        put(104 + i * 8, &order(big, n.to_le_bytes()));
    }
    put(168, &order(big, 544i64.to_le_bytes()));
    put(500, &order(big, 2i32.to_le_bytes()));
    put(348, &order(big, 1i32.to_le_bytes()));
    for (i, n) in rows.iter().enumerate() {
        put(400 + i * 8, &order(big, n.to_le_bytes()));
    }
    h
}

const ROWS: [f32; 12] = [1.0, 0.0, 0.0, -5.0, 0.0, 2.0, 0.0, 6.0, 0.0, 0.0, 3.0, 7.0];

/// Twelve values of a type by its NRRD and MetaImage names and NIfTI code, as bytes and as numbers.
struct Typed {
    nrrd: &'static str,
    meta: &'static str,
    code: i16,
    bytes: fn(bool) -> Vec<u8>,
    values: [f64; 12],
}

const fn numbers(low: f64, high: f64) -> [f64; 12] {
    [
        low, high, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 100.0,
    ]
}

macro_rules! typed {
    ($nrrd:literal, $meta:literal, $code:literal, $number:ty, $low:expr, $high:expr) => {
        Typed {
            nrrd: $nrrd,
            meta: $meta,
            code: $code,
            bytes: |big| {
                let all = numbers($low, $high).map(|v| v as $number);
                all.iter()
                    .flat_map(|v| order(big, v.to_le_bytes()))
                    .collect()
            },
            values: numbers($low, $high),
        }
    };
}

fn types() -> [Typed; 10] {
    [
        typed!("uchar", "MET_UCHAR", 2, u8, 0.0, 255.0),
        typed!("signed char", "MET_CHAR", 256, i8, -128.0, 127.0),
        typed!("ushort", "MET_USHORT", 512, u16, 9.0, 65_535.0),
        typed!("short", "MET_SHORT", 4, i16, -32_768.0, 32_767.0),
        typed!("uint", "MET_UINT", 768, u32, 9.0, 4_294_967_295.0),
        typed!("int", "MET_INT", 8, i32, -2_147_483_648.0, 2_147_483_647.0),
        typed!(
            "long long",
            "MET_LONG_LONG",
            1024,
            i64,
            -9_007_199_254_740_992.0,
            1e12
        ),
        typed!(
            "uint64",
            "MET_ULONG_LONG",
            1280,
            u64,
            9.0,
            9_007_199_254_740_992.0
        ),
        typed!("float", "MET_FLOAT", 16, f32, -0.5, 16_777_216.0),
        typed!("double", "MET_DOUBLE", 64, f64, -0.1, 1e300),
    ]
}

fn values(volume: &Volume) -> Vec<f64> {
    volume.frames.iter().flat_map(Frame::values).collect()
}

fn get(kind: FormatKind, bytes: Vec<u8>) -> Read {
    read_bytes(kind, bytes, &Limits::default()).unwrap()
}

fn code(kind: FormatKind, bytes: Vec<u8>) -> &'static str {
    read_bytes(kind, bytes, &Limits::default()).map_or_else(|e| e.code(), |_| "read")
}

fn codes(read: &Read) -> Vec<&'static str> {
    read.findings.iter().map(|f| f.code).collect()
}

fn nrrd_file(kind: &str, endian: &str, encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "NRRD0005\n# made by hand:\ntype: {kind}\ndimension: 3\nspace: RAS\nsizes: 3 2 2\n\
         space directions: (1,0,0) (0, 2, 0) (0,0,3)\nendian: {endian}\nencoding: {encoding}\n\
         space origin: (-5,6,7)\nkey:=value: of a person\nspace units: \"mm\" \"mm\" \"mm\"\n\n"
    );
    [head.as_bytes(), body].concat()
}

fn meta_file(kind: &str, big: bool, packed: bool, body: &[u8]) -> Vec<u8> {
    let (big, packed) = (
        ["False", "True"][usize::from(big)],
        ["False", "True"][usize::from(packed)],
    );
    let head = format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = {big}\r\n\
         CompressedData = {packed}\nTransformMatrix = -1 0 0 0 -1 0 0 0 1\nOffset = 5 -6 7\n\
         ElementSpacing = 1 2 3\nDimSize = 3 2 2\nElementType = {kind}\nElementDataFile = LOCAL\n"
    );
    [head.as_bytes(), body].concat()
}

/// All small files hold the same grid, whatever their world.
fn small_grid() -> DAffine3 {
    DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::new(-1.0, -2.0, 3.0)),
        translation: DVec3::new(5.0, -6.0, 7.0),
    }
}

/// The same twelve values in every format, encoding and byte order.
fn small_files(t: &Typed) -> Vec<(FormatKind, Vec<u8>)> {
    let mut all = Vec::new();
    for big in [false, true] {
        let body = (t.bytes)(big);
        let bits = body.len() as i16 / 12 * 8;
        let one = [nifti1(big, t.code, bits, ROWS), body.clone()].concat();
        let two = [nifti2(big, t.code, bits, ROWS.map(f64::from)), body.clone()].concat();
        all.push((FormatKind::NiftiGzip, pack::gzip(&[&one]).unwrap()));
        all.push((FormatKind::NiftiGzip, pack::gzip(&[&two]).unwrap()));
        all.push((FormatKind::Nifti, one));
        all.push((FormatKind::Nifti, two));
        let endian = ["little", "big"][usize::from(big)];
        let hex: String = body.iter().map(|b| format!("{b:02x}\n")).collect();
        let text: String = t.values.iter().map(|v| format!("{v} ")).collect();
        for (encoding, body) in [
            ("raw", body.clone()),
            ("gzip", pack::gzip(&[&body]).unwrap()),
            ("hex", hex.into_bytes()),
            ("ascii", text.into_bytes()),
        ] {
            all.push((FormatKind::Nrrd, nrrd_file(t.nrrd, endian, encoding, &body)));
        }
        let packed = pack::zlib(&body).unwrap();
        all.push((FormatKind::MetaImage, meta_file(t.meta, big, true, &packed)));
        all.push((FormatKind::MetaImage, meta_file(t.meta, big, false, &body)));
    }
    all
}

#[test]
fn every_type_comes_in_every_encoding_and_byte_order() {
    let mut count = 0;
    for t in types() {
        for (kind, bytes) in small_files(&t) {
            assert_eq!(sniff(&bytes, "x"), Some(kind), "{}", t.nrrd);
            let read = get(kind, bytes);
            let volume = &read.volumes[0];
            assert_eq!(values(volume), t.values, "{kind:?} {}", t.nrrd);
            assert_eq!(volume.grid.size, [3, 2, 2]);
            assert_eq!(volume.grid.patient_from_voxel, small_grid(), "{kind:?}");
            assert_eq!(volume.modality_lut, ModalityLut::IDENTITY);
            assert_eq!(read.placement, Placement::Patient);
            let expected: &[&str] = match t.code {
                1024 | 1280 => &["INTEGER_AS_FLOAT"],
                _ => &[],
            };
            assert_eq!(codes(&read), expected, "{kind:?} {}", t.nrrd);
            count += 1;
        }
    }
    assert_eq!(count, 200);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let t = &types()[3];
    for (kind, bytes) in small_files(t) {
        let says = |word: &str| String::from_utf8_lossy(&bytes).contains(word);
        // A number written as text may be cut into another one, and the gap behind the last is no loss.
        let spare = match (says("encoding: ascii"), says("encoding: hex")) {
            (true, _) => 4,
            (_, true) => 1,
            _ => 0,
        };
        let end = bytes.len() - spare;
        for end in 0..end {
            let cut = bytes[..end].to_vec();
            let result = read_bytes(kind, cut, &Limits::default());
            assert!(result.is_err(), "{kind:?} cut at {end} of {}", bytes.len());
        }
    }
}

#[test]
fn changed_bytes_never_panic_and_never_give_half_a_volume() {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    let limits = Limits {
        pixel_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut read = 0;
    for t in types() {
        for (kind, bytes) in small_files(&t) {
            for _ in 0..150 {
                let mut changed = bytes.clone();
                for _ in 0..1 + next() % 4 {
                    let at = next() % changed.len();
                    match next() % 4 {
                        0 => changed[at] = next() as u8,
                        1 => changed[at] ^= 1 << (next() % 8),
                        2 => drop(changed.remove(at)),
                        _ => changed.insert(at, b"0123456789-.() \n\xFF"[next() % 17]),
                    }
                }
                let _ = sniff(&changed, "x.nii.gz");
                let Ok(found) = read_bytes(kind, changed, &limits) else {
                    continue;
                };
                read += 1;
                for volume in &found.volumes {
                    assert_eq!(volume.frames.len(), volume.grid.size[2]);
                    assert!(volume.grid.voxel_from_patient().is_some());
                    let [columns, rows, slices] = volume.grid.size;
                    let count = columns * rows * slices * volume.frames[0].samples;
                    assert_eq!(values(volume).len(), count);
                }
            }
        }
    }
    assert!(read > 1000, "{read}");
}

#[test]
fn all_axis_orders_keep_their_place() {
    let t = &types()[0];
    let body = (t.bytes)(false);
    for m in axis_orders() {
        let rows: Vec<f32> = (0..3)
            .flat_map(|r| {
                [
                    m.x_axis[r] as f32,
                    m.y_axis[r] as f32,
                    m.z_axis[r] as f32,
                    10.0 * r as f32,
                ]
            })
            .collect();
        let rows = <[f32; 12]>::try_from(rows).unwrap();
        let file = [nifti1(false, t.code, 8, rows), body.clone()].concat();
        let grid = get(FormatKind::Nifti, file).volumes[0].grid;
        for axis in 0..3 {
            // NIfTI letters name +x R, +y A, +z S; the model names LPS and H for the head.
            let column = m.col(axis);
            let ras = [('R', 'L'), ('A', 'P'), ('H', 'F')];
            let main = column.abs().max_position();
            let expected = if column[main] > 0.0 {
                ras[main].0
            } else {
                ras[main].1
            };
            let lps = grid.patient_from_voxel.matrix3.col(axis);
            assert_eq!(orientation_letters(lps), expected.to_string());
        }
        // Written in every format, it comes back as it was.
        let volume = get(FormatKind::Nrrd, nrrd_file("uchar", "little", "raw", &body))
            .volumes
            .remove(0);
        let volume = Volume { grid, ..volume };
        for kind in [
            FormatKind::Nifti,
            FormatKind::NiftiGzip,
            FormatKind::Nrrd,
            FormatKind::MetaImage,
        ] {
            for nifti2 in [false, true] {
                let out = VolumeOut {
                    nifti2,
                    ..VolumeOut::new(&volume)
                };
                let (bytes, findings) = write_bytes(kind, &out).unwrap();
                assert_eq!(findings.len(), 0);
                let back = get(kind, bytes);
                assert_eq!(back.volumes[0].grid, grid, "{kind:?}");
                assert_eq!(values(&back.volumes[0]), t.values);
                assert!(!codes(&back).contains(&"FORMS_DISAGREE"));
            }
        }
    }
}

#[test]
fn the_qform_alone_says_the_same_as_the_sform() {
    let t = &types()[0];
    for m in axis_orders() {
        let turned = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_x(-0.2) * m;
        let grid = GridGeometry {
            size: [3, 2, 2],
            patient_from_voxel: DAffine3 {
                matrix3: turned * DMat3::from_diagonal(DVec3::new(0.5, 0.75, 3.0)),
                translation: DVec3::new(-100.25, 33.5, 7.0),
            },
        };
        let body = nrrd_file("uchar", "little", "raw", &(t.bytes)(false));
        let volume = Volume {
            grid,
            ..get(FormatKind::Nrrd, body).volumes.remove(0)
        };
        for (nifti2, sform, tight) in [(false, 254, 1e-4), (true, 348, 1e-9)] {
            let out = VolumeOut {
                nifti2,
                ..VolumeOut::new(&volume)
            };
            let mut bytes = write_bytes(FormatKind::Nifti, &out).unwrap().0;
            bytes[sform] = 0;
            let read = get(FormatKind::Nifti, bytes);
            assert_eq!(read.placement, Placement::Patient);
            let back = read.volumes[0].grid.patient_from_voxel;
            assert!(
                back.abs_diff_eq(grid.patient_from_voxel, tight),
                "{m:?}\n{back:?}"
            );
        }
    }
}

#[test]
fn a_shear_survives() {
    let t = &types()[0];
    let mut volume = get(
        FormatKind::Nrrd,
        nrrd_file("uchar", "little", "raw", &(t.bytes)(false)),
    )
    .volumes
    .remove(0);
    let shear = DMat3::from_cols(
        DVec3::X * 0.5,
        DVec3::new(0.25, 1.0, 0.0),
        DVec3::new(0.0, 0.125, -2.0),
    );
    volume.grid.patient_from_voxel.matrix3 = shear;
    for kind in [FormatKind::Nifti, FormatKind::Nrrd, FormatKind::MetaImage] {
        let back = get(kind, write_bytes(kind, &VolumeOut::new(&volume)).unwrap().0);
        let m = back.volumes[0].grid.patient_from_voxel.matrix3;
        assert!(m.abs_diff_eq(shear, 1e-15), "{kind:?}");
    }
}

#[test]
fn what_is_not_known_is_said_and_stays_so() {
    let t = &types()[0];
    let body = (t.bytes)(false);
    let mut bytes = [nifti1(false, t.code, 8, ROWS), body.clone()].concat();
    bytes[254] = 0;
    let read = get(FormatKind::Nifti, bytes.clone());
    assert_eq!(read.placement, Placement::Unoriented);
    assert_eq!(codes(&read), ["ORIENTATION_UNKNOWN"]);
    assert_eq!(read.volumes[0].grid.spacing_mm(), [1.0, 2.0, 3.0]);
    bytes[80..92].fill(0);
    assert_eq!(
        get(FormatKind::Nifti, bytes).placement,
        Placement::Uncalibrated
    );
    let text = String::from_utf8(nrrd_file(
        "uchar",
        "little",
        "ascii",
        b"0 1 2 3 4 5 6 7 8 9 10 11",
    ))
    .unwrap();
    let other = text.replace("space: RAS", "space: scanner-xyz");
    let read = get(FormatKind::Nrrd, other.into_bytes());
    assert_eq!(read.placement, Placement::Unoriented);
    assert_eq!(read.volumes[0].grid.spacing_mm(), [1.0, 2.0, 3.0]);
    let meta =
        String::from_utf8_lossy(&meta_file("MET_CHAR", false, false, &body[2..])).into_owned();
    let meta = meta
        .replace("TransformMatrix = -1 0 0 0 -1 0 0 0 1\n", "")
        .into_bytes();
    let unsure = get(FormatKind::MetaImage, [meta, vec![0; 2]].concat());
    assert_eq!(unsure.placement, Placement::Unoriented);
    for placement in [Placement::Unoriented, Placement::Uncalibrated] {
        for kind in [FormatKind::Nifti, FormatKind::Nrrd, FormatKind::MetaImage] {
            let out = VolumeOut {
                placement,
                ..VolumeOut::new(&unsure.volumes[0])
            };
            let back = get(kind, write_bytes(kind, &out).unwrap().0);
            // NIfTI has no way to leave distances out; its unit says that they mean nothing.
            let expected = match kind {
                FormatKind::Nifti => Placement::Unoriented,
                _ => placement,
            };
            assert_eq!(back.placement, expected, "{kind:?}");
        }
    }
}

#[test]
fn nifti_headers_mean_what_the_standard_says() {
    let t = &types()[3];
    let body = (t.bytes)(false);
    let with = |changes: &[(usize, &[u8])]| {
        let mut bytes = [nifti1(false, t.code, 16, ROWS), body.clone()].concat();
        for (at, new) in changes {
            bytes[*at..at + new.len()].copy_from_slice(new);
        }
        bytes
    };
    let scaled = get(
        FormatKind::Nifti,
        with(&[(112, &0.5f32.to_le_bytes()), (116, &(-3f32).to_le_bytes())]),
    );
    let lut = ModalityLut::Rescale {
        slope: 0.5,
        intercept: -3.0,
    };
    assert_eq!(scaled.volumes[0].modality_lut, lut);
    assert_eq!(values(&scaled.volumes[0]), t.values);
    let none = get(
        FormatKind::Nifti,
        with(&[(112, &f32::NAN.to_le_bytes()), (116, &9f32.to_le_bytes())]),
    );
    assert_eq!(none.volumes[0].modality_lut, ModalityLut::IDENTITY);
    for (unit, x) in [(1u8, 1000.0), (3, 1e-3), (2, 1.0), (0, 1.0)] {
        let grid = get(FormatKind::Nifti, with(&[(123, &[unit])])).volumes[0].grid;
        assert_eq!(
            grid.patient_from_voxel.matrix3.x_axis,
            DVec3::new(-x, 0.0, 0.0)
        );
        assert_eq!(grid.patient_from_voxel.translation.x, 5.0 * x);
    }
    // Twelve values as two volumes, the second refused by the budget.
    let mut series = with(&[
        (40, &4i16.to_le_bytes()),
        (46, &1i16.to_le_bytes()),
        (48, &2i16.to_le_bytes()),
    ]);
    let read = get(FormatKind::Nifti, series.clone());
    assert_eq!(read.volumes.len(), 2);
    assert_eq!(values(&read.volumes[1]), t.values[6..]);
    let limits = Limits {
        pixel_bytes: 12,
        ..Limits::default()
    };
    let less = read_bytes(FormatKind::Nifti, series.clone(), &limits).unwrap();
    assert_eq!(
        (less.volumes.len(), codes(&less)),
        (1, vec!["VOLUMES_LEFT_OUT"])
    );
    series.pop();
    assert_eq!(
        read_bytes(FormatKind::Nifti, series, &limits)
            .unwrap_err()
            .code(),
        "DATA_CUT"
    );
    let label = get(FormatKind::Nifti, with(&[(68, &1002i16.to_le_bytes())]));
    assert!(label.labels && codes(&label) == ["INTENT_LABEL"]);
    let disagree = with(&[(252, &[1]), (268, &50f32.to_le_bytes())]);
    assert_eq!(codes(&get(FormatKind::Nifti, disagree)), ["FORMS_DISAGREE"]);
    let unsized_header = with(&[(0, &[0; 4])]);
    assert_eq!(
        codes(&get(FormatKind::Nifti, unsized_header)),
        ["HEADER_LENGTH"]
    );
    let refused: [(&[(usize, &[u8])], &str); 12] = [
        (&[(70, &32i16.to_le_bytes())], "DATATYPE"),
        (&[(70, &2304i16.to_le_bytes())], "DATATYPE"),
        (&[(40, &0i16.to_le_bytes())], "DIMENSIONS"),
        (&[(42, &(-3i16).to_le_bytes())], "DIMENSIONS"),
        (&[(42, &4i16.to_le_bytes())], "DATA_CUT"),
        (&[(108, &100f32.to_le_bytes())], "DATA_OFFSET"),
        (&[(108, &352.5f32.to_le_bytes())], "DATA_OFFSET"),
        (&[(108, &1e30f32.to_le_bytes())], "HEADER_TOO_LONG"),
        (&[(280, &f32::NAN.to_le_bytes())], "AFFINE_INVALID"),
        (&[(280, &0f32.to_le_bytes())], "AFFINE_FLAT"),
        (&[(344, b"\0\0\0\0")], "NOT_NIFTI"),
        (&[(68, &3006i16.to_le_bytes())], "CIFTI"),
    ];
    for (changes, expected) in refused {
        assert_eq!(code(FormatKind::Nifti, with(changes)), expected);
    }
    let rgb = with(&[(70, &128i16.to_le_bytes()), (40, &2i16.to_le_bytes())]);
    let rgb = get(FormatKind::Nifti, rgb);
    assert_eq!(
        (rgb.volumes[0].frames[0].samples, rgb.volumes[0].grid.size),
        (3, [3, 2, 1])
    );
    assert_eq!(codes(&rgb), ["BITPIX_MISMATCH", "TRAILING_BYTES"]);
}

#[test]
fn nrrd_headers_mean_what_the_format_says() {
    let numbers = b"0 1 2 3 4 5 6 7 8 9 10 11";
    let base = String::from_utf8(nrrd_file("uchar", "little", "ascii", numbers)).unwrap();
    let with = |from: &str, to: &str| {
        assert!(base.contains(from), "{from}");
        base.replace(from, to).into_bytes()
    };
    let refused = [
        ("type: uchar", "type: block", "DATATYPE"),
        ("encoding: ascii", "encoding: bzip2", "ENCODING"),
        (
            "space: RAS",
            "space: right-anterior-superior-time",
            "NRRD_SPACE",
        ),
        ("sizes: 3 2 2", "sizes: 3 2", "FIELD_INVALID"),
        ("sizes: 3 2 2", "sizes: 3 2 0", "DIMENSIONS"),
        ("sizes: 3 2 2", "sizes: 3 2 3", "DATA_CUT"),
        (
            "sizes: 3 2 2",
            "sizes: 99999999999 99999999999 99999999999",
            "GRID_TOO_LARGE",
        ),
        ("dimension: 3", "dimension: 17", "FIELD_INVALID"),
        ("(1,0,0)", "(1,0)", "FIELD_INVALID"),
        ("(1,0,0)", "(nan,0,0)", "AFFINE_INVALID"),
        ("(1,0,0)", "(0,2,0)", "AFFINE_FLAT"),
        ("type: uchar", "type: uchar\ntype: uchar", "FIELD_TWICE"),
        ("type: uchar", "type: uchar\ndata file: LIST", "MULTI_FILE"),
        (
            "type: uchar",
            "type: uchar\ndata file: x%03d.raw 1 9 1",
            "MULTI_FILE",
        ),
        (
            "type: uchar",
            "type: uchar\ndata file: ../x.raw",
            "DATA_FILE_NAME",
        ),
        (
            "type: uchar",
            "type: uchar\ndata file: x.raw",
            "DETACHED_DATA",
        ),
        ("type: uchar", "type: uchar\nbyte skip: -2", "FIELD_INVALID"),
        ("type: uchar", "type: uchar\nbyte skip: -1", "DATA_OFFSET"),
        ("type: uchar", "type: uchar\nline skip: 5", "FIELD_INVALID"),
        ("type: uchar", "type: uchar\nnonsense", "HEADER_LINE"),
        ("\n0 1 2", "\n0 x 2", "DATA_TEXT"),
        ("\n0 1 2", "\n0 256 2", "DATA_TEXT"),
        ("NRRD0005", "NRRD0009", "NRRD_VERSION"),
    ];
    for (from, to, expected) in refused {
        assert_eq!(code(FormatKind::Nrrd, with(from, to)), expected, "{to}");
    }
    let skipped = with("type: uchar", "type: uchar\nlineskip: 1\nbyte skip: 2");
    let skipped = String::from_utf8(skipped)
        .unwrap()
        .replace("\n0 1 2", "\nx\ny 0 1 2");
    assert_eq!(
        values(&get(FormatKind::Nrrd, skipped.into_bytes()).volumes[0])[..3],
        [0.0, 1.0, 2.0]
    );
    let microns = get(
        FormatKind::Nrrd,
        with("\"mm\" \"mm\" \"mm\"", "\"um\" \"mm\" \"cm\""),
    );
    let expected = [1e-3, 2.0, 30.0];
    for (got, wanted) in microns.volumes[0].grid.spacing_mm().iter().zip(expected) {
        assert!((got - wanted).abs() < 1e-12);
    }
    // A list of volumes behind the axes of space, RGB before them, anything else refused.
    let axes = |sizes: &str, directions: &str| {
        let text = base
            .replace("dimension: 3", "dimension: 4")
            .replace("sizes: 3 2 2", sizes);
        text.replace("(1,0,0) (0, 2, 0) (0,0,3)", directions)
            .into_bytes()
    };
    let space = "(1,0,0) (0,2,0) (0,0,3)";
    let list = get(
        FormatKind::Nrrd,
        axes("sizes: 3 2 1 2", &format!("{space} none")),
    );
    assert_eq!((list.volumes.len(), values(&list.volumes[1])[0]), (2, 6.0));
    let rgb = get(
        FormatKind::Nrrd,
        axes("sizes: 3 2 2 1", &format!("none {space}")),
    );
    assert_eq!(
        (rgb.volumes[0].frames[0].samples, rgb.volumes[0].grid.size),
        (3, [2, 2, 1])
    );
    let vectors = axes("sizes: 2 3 2 1", &format!("none {space}"));
    assert_eq!(code(FormatKind::Nrrd, vectors), "VECTOR_VALUES");
    let between = axes("sizes: 3 2 2 1", "(1,0,0) (0,2,0) none (0,0,3)");
    assert_eq!(code(FormatKind::Nrrd, between), "NRRD_AXES");
}

#[test]
fn metaimage_headers_mean_what_the_format_says() {
    let base = meta_file("MET_UCHAR", false, false, b"abcdefghijkl");
    let base = String::from_utf8(base).unwrap();
    let with = |from: &str, to: &str| {
        assert!(base.contains(from), "{from}");
        base.replace(from, to).into_bytes()
    };
    let refused = [
        ("MET_UCHAR", "MET_STRING", "DATATYPE"),
        ("BinaryData = True", "BinaryData = False", "ENCODING"),
        ("BinaryData = True", "BinaryData = Maybe", "FIELD_INVALID"),
        ("ObjectType = Image", "ObjectType = Mesh", "OBJECT_TYPE"),
        ("NDims = 3", "NDims = 4", "FIELD_INVALID"),
        ("DimSize = 3 2 2", "DimSize = 3 2 -2", "FIELD_INVALID"),
        ("DimSize = 3 2 2", "DimSize = 3 2 3", "DATA_CUT"),
        (
            "ElementSpacing = 1 2 3",
            "ElementSpacing = 1 0 3",
            "FIELD_INVALID",
        ),
        (
            "ElementSpacing = 1 2 3",
            "ElementSpacing = 1 2 nan",
            "FIELD_INVALID",
        ),
        ("-1 0 0 0 -1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "AFFINE_FLAT"),
        ("File = LOCAL", "File = LIST", "MULTI_FILE"),
        ("File = LOCAL", "File = x%d.raw 1 2 1", "MULTI_FILE"),
        ("File = LOCAL", "File = /x.raw", "DATA_FILE_NAME"),
        ("File = LOCAL", "File = x.raw", "DETACHED_DATA"),
        (
            "DimSize",
            "ElementNumberOfChannels = 2\nDimSize",
            "VECTOR_VALUES",
        ),
        ("DimSize", "HeaderSize = 3\nDimSize", "FIELD_INVALID"),
        ("DimSize", "nonsense\nDimSize", "HEADER_LINE"),
    ];
    for (from, to, expected) in refused {
        assert_eq!(
            code(FormatKind::MetaImage, with(from, to)),
            expected,
            "{to}"
        );
    }
    // The matrix lists directions of axes, not rows of a matrix that is multiplied with an index.
    let turned = get(
        FormatKind::MetaImage,
        with("-1 0 0 0 -1 0 0 0 1", "0 1 0 -1 0 0 0 0 1"),
    );
    let m = turned.volumes[0].grid.patient_from_voxel.matrix3;
    assert_eq!(m.x_axis, DVec3::new(0.0, 1.0, 0.0));
    assert_eq!(m.y_axis, DVec3::new(-2.0, 0.0, 0.0));
    let cm = get(
        FormatKind::MetaImage,
        with("DimSize", "DistanceUnits = cm\nDimSize"),
    );
    assert_eq!(cm.volumes[0].grid.spacing_mm(), [10.0, 20.0, 30.0]);
    assert_eq!(codes(&cm), ["UNITS_CONVERTED"]);
    let scaled = get(
        FormatKind::MetaImage,
        with("DimSize", "ElementToIntensityFunctionSlope = 2\nDimSize"),
    );
    let lut = ModalityLut::Rescale {
        slope: 2.0,
        intercept: 0.0,
    };
    assert_eq!(scaled.volumes[0].modality_lut, lut);
}

#[test]
fn data_files_lie_beside_their_header() {
    let folder = std::env::temp_dir().join(format!("formats-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let t = &types()[3];
    let body = (t.bytes)(false);
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    file("v.raw", &body);
    file("v.raw.gz", &pack::gzip(&[&body]).unwrap());
    file("long.raw", &[&b"line\nxx"[..], &body].concat());
    file("v.img", &body);
    let mut pair = nifti1(false, t.code, 16, ROWS);
    pair[344..348].copy_from_slice(b"ni1\0");
    pair[108..112].fill(0);
    let nrrd = |data: &str, encoding: &str| {
        let text = String::from_utf8(nrrd_file("short", "little", encoding, b"")).unwrap();
        text.replace("dimension", &format!("data file: {data}\ndimension"))
            .trim_end()
            .to_owned()
    };
    let meta = |data: &str| {
        let text = String::from_utf8(meta_file("MET_SHORT", false, false, b"")).unwrap();
        text.replace("= LOCAL", data)
    };
    let good = [
        file("v.hdr", &pair),
        file("a.nhdr", nrrd("v.raw", "raw").as_bytes()),
        file("b.nhdr", nrrd("./v.raw.gz", "gzip").as_bytes()),
        file(
            "c.nhdr",
            nrrd("long.raw\nline skip: 1\nbyte skip: 2", "raw").as_bytes(),
        ),
        file("d.nhdr", nrrd("long.raw\nbyte skip: -1", "raw").as_bytes()),
        file("e.mhd", meta("= v.raw").as_bytes()),
        file(
            "f.mhd",
            meta("= long.raw")
                .replace("DimSize", "HeaderSize = 7\nDimSize")
                .as_bytes(),
        ),
        file(
            "g.mhd",
            meta("= long.raw")
                .replace("DimSize", "HeaderSize = -1\nDimSize")
                .as_bytes(),
        ),
    ];
    for path in &good {
        let read = read(path, &Limits::default()).unwrap();
        assert_eq!(values(&read.volumes[0]), t.values, "{path:?}");
        assert_eq!(read.volumes[0].grid.patient_from_voxel, small_grid());
    }
    let code = |path: &Path| read(path, &Limits::default()).unwrap_err().code();
    assert_eq!(
        code(&file("h.mhd", meta("= none.raw").as_bytes())),
        "DATA_FILE_MISSING"
    );
    assert_eq!(
        code(&file("h.mhd", meta("= ../v.raw").as_bytes())),
        "DATA_FILE_NAME"
    );
    assert_eq!(code(&folder), "NOT_A_FILE");
    assert_eq!(code(&folder.join("v.raw")), "NOT_VOLUME");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", folder.join("link.raw")).unwrap();
        assert_eq!(
            code(&file("h.mhd", meta("= link.raw").as_bytes())),
            "DATA_FILE_NAME"
        );
    }
    let small = Limits {
        file_bytes: 100,
        ..Limits::default()
    };
    assert_eq!(read(&good[0], &small).unwrap_err().code(), "FILE_TOO_LARGE");
    // Writing: whole, and the same bytes each time.
    let volume = read(&good[0], &Limits::default())
        .unwrap()
        .volumes
        .remove(0);
    for name in ["o.nii", "o.nii.gz", "o.nrrd", "o.mha"] {
        let path = folder.join(name);
        let hounsfield = Volume {
            unit: ModalityUnit::Hounsfield,
            ..volume.clone()
        };
        write(&path, &VolumeOut::new(&hounsfield)).unwrap();
        let first = fs::read(&path).unwrap();
        write(&path, &VolumeOut::new(&hounsfield)).unwrap();
        assert_eq!(first, fs::read(&path).unwrap());
        assert_eq!(
            values(&read(&path, &Limits::default()).unwrap().volumes[0]),
            t.values
        );
    }
    assert!(!folder.join("o.nii.part").exists());
    let wrong = write(&folder.join("o.png"), &VolumeOut::new(&volume));
    assert_eq!(wrong.unwrap_err().code(), "NAME");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn rgb_is_written_and_read() {
    let pixels = PixelBytes::from_vec((0..24).collect());
    let volume = Volume {
        grid: GridGeometry {
            size: [4, 2, 1],
            patient_from_voxel: small_grid(),
        },
        frames: vec![Frame::new(2, 4, 3, StoredType::U8, pixels).unwrap()],
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    };
    for kind in [FormatKind::Nifti, FormatKind::Nrrd, FormatKind::MetaImage] {
        for placement in [Placement::Patient, Placement::Unoriented] {
            let out = VolumeOut {
                placement,
                ..VolumeOut::new(&volume)
            };
            let back = get(kind, write_bytes(kind, &out).unwrap().0);
            assert_eq!(back.volumes[0].frames[0].samples, 3);
            assert_eq!(
                values(&back.volumes[0]),
                (0..24).map(f64::from).collect::<Vec<_>>()
            );
        }
    }
}
