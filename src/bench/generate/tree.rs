//! `TREE100K`: many small studies, as an archive's folder holds them.

use super::{Failure, io_failure};
use crate::{
    bench::people::{REGIONS, dice, person},
    console::Exit,
    dicom::write::{SeriesIdentity, ct_slice, ct_slice_name},
    model::{
        date::Date,
        geometry::GridGeometry,
        identity::Phi,
        lut::{ModalityLut, ModalityUnit, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        study::{SeriesDescription, StudyDescription},
        volume::Volume,
    },
    phantom::identifier::uid,
};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Side of a slice, pixels.
const SIDE: usize = 16;
/// Series of a study, and slices of a series.
const SERIES: usize = 2;
const SLICES: usize = 25;

/// Writes so many studies; about three a patient.
pub(super) fn write(dir: &Path, seed: u64, studies: usize) -> Result<Vec<PathBuf>, Failure> {
    let mut next = dice(seed);
    let people: Vec<_> = (0..studies.div_ceil(3))
        .map(|number| person(number, &mut next))
        .collect();
    let identities: Vec<SeriesIdentity> = (0..studies)
        .map(|number| SeriesIdentity {
            patient: people[next(people.len())].clone(),
            study: StudyDescription {
                uid: uid(seed, &format!("tree study {number}")),
                date: Some(Date {
                    year: 2016 + next(11) as u16,
                    month: 1 + next(12) as u8,
                    day: 1 + next(28) as u8,
                }),
                time: format!("{:02}:{:02}:00", next(24), next(60)),
                description: REGIONS[next(REGIONS.len())].into(),
                accession_number: Phi::new(format!("ACC{:08}", next(100_000_000))),
                ..StudyDescription::default()
            },
            study_id: number.to_string(),
            comment: "Bench input TREE100K".into(),
            windows: vec![WindowLevel {
                center: 128.0,
                width: 256.0,
            }],
            ..SeriesIdentity::default()
        })
        .collect();
    let paths: Result<Vec<Vec<PathBuf>>, Failure> = identities
        .into_par_iter()
        .enumerate()
        .map(|(number, identity)| write_study(dir, seed, number, identity))
        .collect();
    Ok(paths?.concat())
}

fn write_study(
    dir: &Path,
    seed: u64,
    number: usize,
    mut identity: SeriesIdentity,
) -> Result<Vec<PathBuf>, Failure> {
    // A hundred studies a folder, as archives do it.
    let folder = dir.join(format!("{:03}/{number:05}", number / 100));
    fs::create_dir_all(&folder).map_err(io_failure)?;
    let mut paths = Vec::with_capacity(SERIES * SLICES);
    for series in 1..=SERIES {
        identity.series = SeriesDescription {
            uid: uid(seed, &format!("tree series {number} {series}")),
            modality: "CT".into(),
            number: i32::try_from(series).ok(),
            description: format!("Series {series}"),
            frame_of_reference_uid: uid(seed, &format!("tree frame of reference {number}")),
            ..SeriesDescription::default()
        };
        let volume = Volume {
            grid: GridGeometry {
                size: [SIDE, SIDE, SLICES],
                patient_from_voxel: DAffine3 {
                    matrix3: DMat3::from_diagonal(DVec3::new(20.0, 20.0, 5.0)),
                    translation: DVec3::ZERO,
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
        for slice in 0..SLICES {
            let value = |pixel: usize| ((pixel * 7 + slice * 5 + number) % 256) as u16;
            let bytes = (0..SIDE * SIDE).flat_map(|p| value(p).to_le_bytes());
            let pixels = PixelBytes::from_vec(bytes.collect());
            let frame = Frame::new(SIDE, SIDE, 1, StoredType::U16, pixels)
                .ok_or_else(|| Failure::new(Exit::Internal, "a slice of the wrong size"))?;
            let file = ct_slice(&volume, &frame, slice, &identity).map_err(io_failure)?;
            let path = folder.join(format!("S{series}-{}", ct_slice_name(slice)));
            fs::write(&path, file).map_err(io_failure)?;
            paths.push(path);
        }
    }
    Ok(paths)
}
