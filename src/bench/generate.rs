//! The standard inputs, as DICOM files.
//!
//! `CT300`: 300 files of 512 × 512 pixels, 16 bits allocated, 12 stored, 0.78125 × 0.78125 × 1 mm, 60 private text
//! elements a file as scanners write them. `CT3000`: ten times as many slices. `MG`: one picture of 2560 × 3328.
//! `VOL8G`: 1024 files of 2048 × 2048 pixels of 16 bits, 8 GiB; they are sparse, so that they take little room on disks that
//! know holes. `DX10K`: one radiograph of 10,000 × 10,000. `TREE100K`: 100,000 small instances in 2,000 studies of about
//! 700 patients, a folder a study. `READING`: a list to be read, eleven studies of five modalities with their priors.

mod reading;
mod tree;

use super::{
    Cases, Failure,
    measure::{Case, Samples},
    process,
};
use crate::{
    console::{Common, Exit},
    dicom::write::{
        Projection, RadiographDescription, SeriesIdentity, ct_slice, ct_slice_name,
        write_ct_series, write_radiograph,
    },
    model::{
        date::Date,
        geometry::{GridGeometry, Spacing, SpacingSource},
        identity::Phi,
        lut::{ModalityLut, ModalityUnit, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        study::{SeriesDescription, StudyDescription},
        volume::Volume,
    },
    phantom::{CtSpec, ct, demo, identifier::uid, mammogram},
    task::{CancelToken, Progress},
};
use clap::{Args, ValueEnum};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// A standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Input {
    /// 300 slices.
    #[value(name = "CT300", alias = "ct300")]
    Ct300,
    /// 3000 slices; takes 1.7 GB of memory while it is made.
    #[value(name = "CT3000", alias = "ct3000")]
    Ct3000,
    /// A mammogram.
    #[value(name = "MG", alias = "mg")]
    Mg,
    /// 1024 slices of 2048 x 2048, sparse files of 8 GiB.
    #[value(name = "VOL8G", alias = "vol8g")]
    Vol8g,
    /// A radiograph of 10,000 x 10,000.
    #[value(name = "DX10K", alias = "dx10k")]
    Dx10k,
    /// 2,000 studies of 50 small slices each.
    #[value(name = "TREE100K", alias = "tree100k")]
    Tree100k,
    /// Studies of five modalities with their priors.
    #[value(name = "READING", alias = "reading")]
    Reading,
}

/// Arguments of `bench gen`.
#[derive(Clone, Debug, Args)]
pub struct GenArgs {
    /// Which
    #[arg(value_enum)]
    pub name: Input,
    /// Folder, made where it does not exist; files in it are replaced
    pub dir: PathBuf,
    /// Slices of a CT, or studies of TREE100K, to make one of another size
    #[arg(long, value_name = "N")]
    pub slices: Option<usize>,
}

/// Private text elements in each file of a CT.
const PRIVATE_ELEMENTS: u16 = 60;
/// The group that holds them.
const PRIVATE_GROUP: u16 = 0x0019;

/// Runs `bench gen`.
pub(super) fn run(args: &GenArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    process::forget_peak();
    let seed = common.seed.unwrap_or(1);
    let mut samples = Samples::default();
    let (name, files) = match args.name {
        Input::Ct300 => ("CT300", 300),
        Input::Ct3000 => ("CT3000", 3000),
        Input::Mg => ("MG", 1),
        Input::Vol8g => ("VOL8G", 1024),
        Input::Dx10k => ("DX10K", 1),
        Input::Tree100k => ("TREE100K", 2000),
        Input::Reading => ("READING", 1),
    };
    let files = args.slices.filter(|_| files > 1).unwrap_or(files);
    let paths = samples.run(|| match args.name {
        Input::Vol8g => write_sparse_ct(&args.dir, seed, files),
        Input::Tree100k => tree::write(&args.dir, seed, files),
        Input::Reading => reading::write(&args.dir, seed),
        Input::Dx10k => write_large_film(&args.dir, seed).map(|path| vec![path]),
        Input::Mg => write_mammogram(&args.dir, seed).map(|path| vec![path]),
        Input::Ct300 | Input::Ct3000 => write_ct(&args.dir, name, seed, files, PRIVATE_ELEMENTS),
    })?;
    let mut bytes = 0;
    for path in &paths {
        bytes += fs::metadata(path).map_err(io_failure)?.len();
    }
    let mut case = Case::new("gen", name, samples).with("bytes_written", bytes);
    case.frames = Some(paths.len() as u64);
    cases.push(&case);
    Ok(())
}

fn io_failure(error: std::io::Error) -> Failure {
    Failure::new(Exit::Io, error)
}

fn identity(seed: u64, name: &str, modality: &str, window: [f64; 2]) -> SeriesIdentity {
    SeriesIdentity {
        patient: demo::identity(seed),
        study: StudyDescription {
            uid: uid(seed, &format!("bench {name} study")),
            date: Date::parse("20260316"),
            time: "10:42:00".into(),
            description: format!("{name} (SYNTHETIC)"),
            accession_number: Phi::new(format!("SYN-{name}")),
            ..StudyDescription::default()
        },
        series: SeriesDescription {
            uid: uid(seed, &format!("bench {name} series")),
            modality: modality.into(),
            number: Some(1),
            description: name.into(),
            patient_position: if modality == "CT" {
                "HFS".into()
            } else {
                String::new()
            },
            frame_of_reference_uid: uid(seed, &format!("bench {name} frame of reference")),
            ..SeriesDescription::default()
        },
        study_id: "1".into(),
        comment: format!("Bench input {name}"),
        windows: vec![WindowLevel {
            center: window[0],
            width: window[1],
        }],
        instance_uids: Vec::new(),
    }
}

/// A CT of three slices of somebody.
#[cfg(feature = "screen")]
pub(super) fn write_small_ct(
    dir: &Path,
    seed: u64,
    patient: crate::model::identity::PatientIdentity,
    study: StudyDescription,
    series: SeriesDescription,
) -> Result<(), Failure> {
    let spec = CtSpec::bench(seed, 3);
    let phantom = ct(&spec, &Progress::default(), &CancelToken::default())?;
    let identity = SeriesIdentity {
        patient,
        study,
        series,
        ..identity(seed, "CT", "CT", [40.0, 400.0])
    };
    write_ct_series(dir, &phantom.volume, &identity).map_err(io_failure)?;
    Ok(())
}

/// A CT as scanners write it; `elements` private elements in the first slice, 60 in all others.
pub(super) fn write_ct(
    dir: &Path,
    name: &str,
    seed: u64,
    slices: usize,
    elements: u16,
) -> Result<Vec<PathBuf>, Failure> {
    let mut spec = CtSpec::bench(seed, slices);
    if slices > 340 {
        // Longer than the body: the same body in thinner slices.
        spec.spacing_mm[2] = 300.0 / slices as f64;
    }
    let mut phantom = ct(&spec, &Progress::default(), &CancelToken::default())?;
    // All values lie in 0 to 4095: the same bytes are unsigned.
    for frame in &mut phantom.volume.frames {
        *frame = Frame::new(
            frame.rows,
            frame.columns,
            1,
            StoredType::U16,
            frame.pixels.clone(),
        )
        .ok_or_else(|| Failure::new(Exit::Internal, "a slice of the wrong size"))?;
    }
    let identity = identity(seed, name, "CT", [40.0, 400.0]);
    let paths = write_ct_series(dir, &phantom.volume, &identity).map_err(io_failure)?;
    drop(phantom);
    paths
        .par_iter()
        .enumerate()
        .try_for_each(|(slice, path)| -> Result<(), Failure> {
            let bytes = fs::read(path).map_err(io_failure)?;
            let count = if slice == 0 {
                elements
            } else {
                PRIVATE_ELEMENTS
            };
            let bytes = like_a_scanner(&bytes, slice, count)
                .ok_or_else(|| Failure::new(Exit::Internal, "the file has another form"))?;
            fs::write(path, bytes).map_err(io_failure)
        })?;
    Ok(paths)
}

/// Side of a slice of VOL8G, and the rows of it that hold something.
const LARGE_SIDE: usize = 2048;
const LARGE_ROWS: std::ops::Range<usize> = 1020..1036;

/// A volume far larger than memory should be: a band of values in each slice that name slice, row and column, the rest
/// holes in the file.
fn write_sparse_ct(dir: &Path, seed: u64, slices: usize) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(dir).map_err(io_failure)?;
    let identity = identity(seed, "VOL8G", "CT", [1024.0, 4096.0]);
    let step = DVec3::new(0.1, 0.1, 0.2);
    let volume = Volume {
        grid: GridGeometry {
            size: [LARGE_SIDE, LARGE_SIDE, slices],
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(step),
                translation: step * -0.5 * LARGE_SIDE as f64,
            },
        },
        frames: Vec::new(),
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: 0.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    };
    (0..slices)
        .into_par_iter()
        .map(|slice| {
            let mut bytes = vec![0; 2 * LARGE_SIDE * LARGE_SIDE];
            let rows = bytes.chunks_exact_mut(2 * LARGE_SIDE).enumerate();
            let band = rows.skip(LARGE_ROWS.start).take(LARGE_ROWS.len());
            for (row, values) in band {
                for (column, value) in values.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                    let number = (slice * 7 + row * 3 + column) % 4096;
                    *value = (number as u16).to_le_bytes();
                }
            }
            let pixels = PixelBytes::from_vec(bytes);
            let frame = Frame::new(LARGE_SIDE, LARGE_SIDE, 1, StoredType::U16, pixels)
                .ok_or_else(|| Failure::new(Exit::Internal, "a slice of the wrong size"))?;
            let file = ct_slice(&volume, &frame, slice, &identity).map_err(io_failure)?;
            let path = dir.join(ct_slice_name(slice));
            write_with_holes(&path, &file).map_err(io_failure)?;
            Ok(path)
        })
        .collect()
}

/// Writes a file whose blocks of zeros are left out, which reads as if they were there.
fn write_with_holes(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    const BLOCK: usize = 4096;
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let mut file = fs::File::create(path)?;
    file.set_len(bytes.len() as u64)?;
    for (number, block) in bytes.chunks(BLOCK).enumerate() {
        if !ZEROS.starts_with(block) {
            file.seek(SeekFrom::Start((number * BLOCK) as u64))?;
            file.write_all(block)?;
        }
    }
    Ok(())
}

/// A large radiograph: slopes, edges and some noise, so that codecs have work to do.
fn write_large_film(dir: &Path, seed: u64) -> Result<PathBuf, Failure> {
    let side = 10_000usize;
    let mut bytes = Vec::with_capacity(2 * side * side);
    let mut state = seed | 1;
    for row in 0..side {
        for column in 0..side {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let noise = (state >> 60) as usize;
            let edge = if (row / 500 + column / 700).is_multiple_of(2) {
                1500
            } else {
                0
            };
            let value = (row + 2 * column) / 20 + edge + noise;
            bytes.extend((value as u16).to_le_bytes());
        }
    }
    let frame = Frame::new(side, side, 1, StoredType::U16, PixelBytes::from_vec(bytes))
        .ok_or_else(|| Failure::new(Exit::Internal, "a film of the wrong size"))?;
    let description = RadiographDescription {
        projection: Projection::Digital,
        spacing: Spacing::Millimetres {
            row_mm: 0.04,
            column_mm: 0.04,
            source: SpacingSource::ImagerPixelSpacing,
        },
        view_position: "PA".into(),
        instance_number: 1,
        magnification: None,
    };
    let path = dir.join("DX10K.dcm");
    let identity = identity(seed, "DX10K", "DX", [1800.0, 3600.0]);
    write_radiograph(&path, &frame, &description, &identity).map_err(io_failure)?;
    Ok(path)
}

fn write_mammogram(dir: &Path, seed: u64) -> Result<PathBuf, Failure> {
    let picture = mammogram(seed, 2560, 3328)?;
    let mut identity = identity(seed, "MG", "MG", [2048.0, 4096.0]);
    identity.series.body_part = "BREAST".into();
    let description = RadiographDescription {
        projection: Projection::Digital,
        spacing: Spacing::Millimetres {
            row_mm: picture.pixel_mm,
            column_mm: picture.pixel_mm,
            source: SpacingSource::ImagerPixelSpacing,
        },
        view_position: "CC".into(),
        instance_number: 1,
        magnification: None,
    };
    let path = dir.join("MG.dcm");
    write_radiograph(&path, &picture.frame, &description, &identity).map_err(io_failure)?;
    Ok(path)
}

/// What scanners do and our writer does not: private elements between the public ones, and 12 of 16 bits stored.
/// `None` when the bytes are not an Explicit VR Little Endian file with the elements that are changed.
fn like_a_scanner(file: &[u8], slice: usize, elements: u16) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(file.len() + 4096);
    // Preamble and mark; the meta group tells its own length (PS3.10 7.1).
    let meta = usize::try_from(u32::from_le_bytes(file.get(140..144)?.try_into().ok()?)).ok()?;
    let mut at = 144usize.checked_add(meta)?;
    out.extend_from_slice(file.get(..at)?);
    let (mut inserted, mut patched) = (false, 0);
    while at < file.len() {
        let head = file.get(at..at + 8)?;
        let group = u16::from_le_bytes([head[0], head[1]]);
        let element = u16::from_le_bytes([head[2], head[3]]);
        if !inserted && group > PRIVATE_GROUP {
            private_elements(&mut out, slice, elements);
            inserted = true;
        }
        if (group, element) == (0x7FE0, 0x0010) {
            out.extend_from_slice(file.get(at..)?);
            at = file.len();
            continue;
        }
        // Long and short forms of the length (PS3.5 7.1.2).
        let long = matches!(
            &head[4..6],
            b"OB"
                | b"OD"
                | b"OF"
                | b"OL"
                | b"OV"
                | b"OW"
                | b"SQ"
                | b"SV"
                | b"UC"
                | b"UN"
                | b"UR"
                | b"UT"
                | b"UV"
        );
        let (start, length) = if long {
            let length = u32::from_le_bytes(file.get(at + 8..at + 12)?.try_into().ok()?);
            (12, usize::try_from(length).ok()?)
        } else {
            (8, usize::from(u16::from_le_bytes([head[6], head[7]])))
        };
        let end = at.checked_add(start)?.checked_add(length)?;
        let whole = file.get(at..end)?;
        let place = out.len() + start;
        out.extend_from_slice(whole);
        let value: Option<u16> = match (group, element) {
            // Bits Stored, High Bit.
            (0x0028, 0x0101) => Some(12),
            (0x0028, 0x0102) => Some(11),
            _ => None,
        };
        if let Some(value) = value {
            out.get_mut(place..place + 2)?
                .copy_from_slice(&value.to_le_bytes());
            patched += 1;
        }
        at = end;
    }
    (inserted && patched == 2).then_some(out)
}

/// Elements of a private block (PS3.5 7.8.1) that are used, of the 256 that it has.
const BLOCK_ELEMENTS: u16 = 240;

fn private_elements(out: &mut Vec<u8>, slice: usize, count: u16) {
    let mut text = |element: u16, value: &str| {
        let padded = value.len().next_multiple_of(2);
        out.extend_from_slice(&PRIVATE_GROUP.to_le_bytes());
        out.extend_from_slice(&element.to_le_bytes());
        out.extend_from_slice(b"LO");
        out.extend_from_slice(&(padded as u16).to_le_bytes());
        out.extend_from_slice(value.as_bytes());
        out.resize(out.len() + padded - value.len(), b' ');
    };
    // At most as many blocks as a group can reserve.
    let count = count.min(BLOCK_ELEMENTS * 0xEF);
    for block in 0..count.div_ceil(BLOCK_ELEMENTS) {
        text(0x0010 + block, "NEGATOSCOPE BENCH");
    }
    for i in 0..count {
        let (block, number) = (i / BLOCK_ELEMENTS, i % BLOCK_ELEMENTS);
        text(
            (0x0010 + block) * 0x100 + 1 + number,
            &format!(
                "SETTING {i} SLICE {slice} VALUE {}",
                slice * 7 + usize::from(i)
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(out: &mut Vec<u8>, group: u16, number: u16, vr: &[u8; 2], value: &[u8]) {
        out.extend_from_slice(&group.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(vr);
        if matches!(vr, b"OW" | b"SQ") {
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        } else {
            out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        }
        out.extend_from_slice(value);
    }

    #[test]
    fn private_elements_lie_between_the_public_ones() {
        let mut file = vec![0u8; 128];
        file.extend_from_slice(b"DICM");
        element(&mut file, 2, 0, b"UL", &0u32.to_le_bytes());
        element(&mut file, 0x0008, 0x2218, b"SQ", &[]);
        element(&mut file, 0x0018, 0x0050, b"DS", b"1 ");
        element(&mut file, 0x0020, 0x0013, b"IS", b"1 ");
        element(&mut file, 0x0028, 0x0101, b"US", &[16, 0]);
        element(&mut file, 0x0028, 0x0102, b"US", &[15, 0]);
        element(&mut file, 0x7FE0, 0x0010, b"OW", &[1, 2, 3, 4]);
        let made = like_a_scanner(&file, 3, PRIVATE_ELEMENTS).unwrap();
        let find = |what: &[u8]| made.windows(what.len()).position(|w| w == what);
        let private = find(b"NEGATOSCOPE BENCH").unwrap();
        assert!(find(&[0x18, 0, 0x50, 0]).unwrap() < private);
        assert!(private < find(&[0x20, 0, 0x13, 0]).unwrap());
        assert!(find(&[0x28, 0, 0x01, 1, b'U', b'S', 2, 0, 12, 0]).is_some());
        assert!(find(&[0x28, 0, 0x02, 1, b'U', b'S', 2, 0, 11, 0]).is_some());
        assert!(made.ends_with(&[1, 2, 3, 4]));
        let settings = made.windows(8).filter(|w| w == b"SETTING ").count();
        assert_eq!(settings, usize::from(PRIVATE_ELEMENTS));
        // A file that ends within an element is not changed into something else.
        assert_eq!(like_a_scanner(&file[..file.len() - 20], 3, 1), None);
        // More of them lie in further blocks, in the order of their tags.
        let many = like_a_scanner(&file, 3, 500).unwrap();
        let blocks = many.windows(17).filter(|w| w == b"NEGATOSCOPE BENCH");
        assert_eq!(blocks.count(), 3);
        let at = |tag: [u8; 4]| many.windows(4).position(|w| w == tag).unwrap();
        assert!(at([0x19, 0, 0x12, 0]) < at([0x19, 0, 0x01, 0x10]));
        assert!(at([0x19, 0, 0xF0, 0x10]) < at([0x19, 0, 0x01, 0x11]));
        assert!(at([0x19, 0, 0x01, 0x11]) < at([0x19, 0, 0x14, 0x12]));
    }
}
