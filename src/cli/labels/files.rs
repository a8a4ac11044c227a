//! Labels and pictures of files, on one grid.

use crate::{
    cli::{Common, Exit, series, series::Refusal, volume::load},
    formats::{self, VolumeOut},
    imaging::segment::{Image as _, Modality},
    model::{
        geometry::GridGeometry,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
};
use std::path::Path;

/// Difference of two grids, in millimetres, that writing an affine with 32 bits may make.
const GRID_MM: f64 = 1e-2;

/// The volume of a path: a series, or a research volume.
pub fn volume(path: &Path, common: &Common) -> Result<Volume, Refusal> {
    let layout = series::choose(path, None, None, common)?;
    let volume = load(&layout, path, common)?;
    match Modality::new(&volume) {
        Some(_) => Ok(volume),
        None => {
            let text = format!("the picture has colours: {}", path.display());
            Err(Refusal::new(Exit::Unsupported, text))
        }
    }
}

/// The labels of a path, with the volume that holds them.
pub fn labels(path: &Path, common: &Common) -> Result<(Vec<u16>, Volume), Refusal> {
    let volume = volume(path, common)?;
    let odd = || {
        let text = format!(
            "labels are whole numbers from 0 to 65535; this volume holds others: {}",
            path.display()
        );
        Refusal::new(Exit::Rejected, text)
    };
    let values = Modality::new(&volume).ok_or_else(odd)?;
    let [columns, rows, slices] = volume.grid.size;
    let mut labels = Vec::with_capacity(columns * rows * slices);
    let mut row = vec![f64::NAN; columns];
    for z in 0..slices {
        for y in 0..rows {
            values.row(y, z, &mut row);
            for value in &row {
                let label = *value as u16;
                if f64::from(label) != *value {
                    return Err(odd());
                }
                labels.push(label);
            }
        }
    }
    Ok((labels, volume))
}

/// Whether two grids are the same, voxel on voxel.
pub fn same_grid(a: &GridGeometry, b: &GridGeometry, path: &Path) -> Result<(), Refusal> {
    let refuse = |why: String| {
        let text = format!("{why}: {}", path.display());
        Err(Refusal::new(Exit::Rejected, text))
    };
    if a.size != b.size {
        return refuse(format!(
            "{} × {} × {} voxels are not the {} × {} × {} of the labels",
            b.size[0], b.size[1], b.size[2], a.size[0], a.size[1], a.size[2]
        ));
    }
    // All corners, so that small differences of steps add up as they do in the volume.
    let far = a.size.map(|side| side.saturating_sub(1) as f64);
    for corner in 0..8 {
        let at = glam::DVec3::from_array(
            [0, 1, 2].map(|i| if corner >> i & 1 == 1 { far[i] } else { 0.0 }),
        );
        let apart =
            a.patient_from_voxel.transform_point3(at) - b.patient_from_voxel.transform_point3(at);
        if apart.length() > GRID_MM {
            return refuse("the voxels lie elsewhere in space than those of the labels".into());
        }
    }
    Ok(())
}

/// Whether labels can be written under a name; asked before anything is read.
pub fn check_output(path: &Path) -> Result<(), Refusal> {
    match formats::kind_to_write(path) {
        Some(_) => Ok(()),
        None => {
            let text = "the name of the output ends in none of .nii, .nii.gz, .nrrd, .mha";
            Err(Refusal::new(Exit::Usage, text))
        }
    }
}

/// Writes labels on the grid of a volume: 8 bits where that is enough, else 16.
pub fn write(path: &Path, labels: &[u16], like: &Volume) -> Result<(), Refusal> {
    let [columns, rows, _] = like.grid.size;
    let narrow = labels.iter().all(|&label| label <= 255);
    let frame = |slice: &[u16]| {
        let (kind, bytes) = match narrow {
            true => (StoredType::U8, slice.iter().map(|&l| l as u8).collect()),
            false => {
                let bytes = slice.iter().flat_map(|l| l.to_le_bytes()).collect();
                (StoredType::U16, bytes)
            }
        };
        Frame::new(rows, columns, 1, kind, PixelBytes::from_vec(bytes))
    };
    let frames: Option<Vec<Frame>> = labels
        .chunks_exact((columns * rows).max(1))
        .map(frame)
        .collect();
    let odd = || Refusal::new(Exit::Internal, "a slice of the wrong size");
    let volume = Volume {
        grid: like.grid,
        frames: frames.ok_or_else(odd)?,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    };
    let mut whole = VolumeOut::new(&volume);
    whole.labels = true;
    formats::write(path, &whole)?;
    Ok(())
}
