//! Research volumes (NIfTI, NRRD, MetaImage) as objects of the same kind as DICOM ones, so that everything behind the
//! reader treats them alike. They say nothing of patient, study or modality, and nothing is made up for them.

use super::{
    archive::Archives,
    bytes::ByteSource,
    guard::{Fault, Limits},
    raster::uid_from,
};
use crate::{
    formats::{self, FormatError, FormatKind, Placement},
    model::{
        finding::{Finding, Severity},
        geometry::{GridGeometry, ImagePlane, Spacing, SpacingSource},
        identity::PatientIdentity,
        lut::Photometric,
        pixels::StoredType,
        study::{
            FrameDescription, ImageDescription, Instance, ObjectParts, RejectionKind,
            SeriesDescription, Source, SourceKind, StudyDescription, Technique,
        },
        volume::Volume,
    },
};
use glam::DVec3;
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of volumes that are kept for the next frame.
const KEPT_BYTES: usize = 1 << 30;

impl From<FormatError> for Fault {
    fn from(error: FormatError) -> Self {
        Self::new(error.kind(), error.code(), error.to_string())
    }
}

/// Whether a file begins like a volume.
pub(super) fn sniff(head: &[u8], path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    formats::sniff(head, &name).is_some()
}

fn budget(limits: &Limits) -> formats::Limits {
    formats::Limits {
        pixel_bytes: formats::Limits::default()
            .pixel_bytes
            .min(limits.frame_bytes.saturating_mul(4)),
        ..formats::Limits::default()
    }
}

fn read(path: &Path, limits: &Limits) -> Result<formats::Read, Fault> {
    Ok(formats::read(path, &budget(limits))?)
}

/// The same from bytes, which have no file beside them.
fn read_source(path: &Path, source: &ByteSource, limits: &Limits) -> Result<formats::Read, Fault> {
    let budget = budget(limits);
    if source.len() > budget.file_bytes {
        let text = format!("a volume of {} bytes", source.len());
        return Err(Fault::new(RejectionKind::Limit, "FILE_TOO_LARGE", text));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let head = source.read_vec(0, source.len().min(formats::SNIFF_BYTES as u64))?;
    let kind = formats::sniff(&head, &name).ok_or_else(changed)?;
    let bytes = source.read_vec(0, source.len())?;
    Ok(formats::read_bytes(kind, bytes, &budget)?)
}

/// Describes a file. Its slices become frames; of several volumes the first is shown.
///
/// # Errors
/// Those of the format.
pub(super) fn describe(path: &Arc<Path>, bytes: u64, limits: &Limits) -> Result<Instance, Fault> {
    describe_read(path, bytes, read(path, limits)?)
}

/// Describes a member of an archive in the same way.
///
/// # Errors
/// Those of the format; `DETACHED_DATA` when its voxels are in another file.
pub(super) fn describe_member(
    path: &Arc<Path>,
    source: &ByteSource,
    limits: &Limits,
) -> Result<Instance, Fault> {
    describe_read(path, source.len(), read_source(path, source, limits)?)
}

fn describe_read(path: &Arc<Path>, bytes: u64, read: formats::Read) -> Result<Instance, Fault> {
    let formats::Read {
        kind,
        volumes,
        placement,
        mut findings,
        ..
    } = read;
    let several = volumes.len();
    let volume = volumes.into_iter().next();
    let volume = volume.ok_or_else(|| Fault::rejected("NO_VOLUME", "the file holds no volume"))?;
    if several > 1 {
        let text = format!("the file holds {several} volumes; the first is shown");
        let finding = Finding::new("SEVERAL_VOLUMES", Severity::Warning, text);
        findings.push(finding.with("count", several as f64));
    }
    let image = image(&volume, placement, &mut findings)?;
    let mut hash = Sha256::new();
    for frame in &volume.frames {
        hash.update(frame.pixels.as_slice());
    }
    for value in volume.grid.patient_from_voxel.to_cols_array() {
        hash.update(value.to_le_bytes());
    }
    let hash = hash.finalize();
    let series = SeriesDescription {
        uid: uid_from(&[b"series", hash.as_slice()]),
        description: name_of(kind).to_owned(),
        ..SeriesDescription::default()
    };
    let study = StudyDescription {
        uid: uid_from(&[b"study", hash.as_slice()]),
        ..StudyDescription::default()
    };
    Ok(Instance {
        source: Source {
            path: Arc::clone(path),
            kind: SourceKind::Volume,
            bytes,
            member: None,
        },
        sop_class_uid: String::new(),
        sop_instance_uid: uid_from(&[hash.as_slice()]),
        transfer_syntax_uid: String::new(),
        patient: Arc::new(PatientIdentity::default()),
        study: Arc::new(study),
        series: Arc::new(series),
        instance_number: None,
        technique: Technique::default(),
        pet: None,
        object: None,
        image: Some(image),
        findings,
    })
}

const fn name_of(kind: FormatKind) -> &'static str {
    match kind {
        FormatKind::Nifti | FormatKind::NiftiGzip | FormatKind::NiftiPair => "NIfTI",
        FormatKind::Nrrd => "NRRD",
        FormatKind::MetaImage => "MetaImage",
    }
}

fn image(
    volume: &Volume,
    placement: Placement,
    findings: &mut Vec<Finding>,
) -> Result<ImageDescription, Fault> {
    let first = volume.frames.first();
    let first = first.ok_or_else(|| Fault::rejected("NO_VOLUME", "the volume has no slices"))?;
    let bits = first.stored_type.bytes() as u16 * 8;
    let shared = FrameDescription {
        plane: None,
        spacing: spacing(&volume.grid, placement),
        slice_thickness_mm: None,
        modality_lut: volume.modality_lut.clone(),
        unit: volume.unit.clone(),
        voi: Vec::new(),
    };
    let frames = volume.frames.len();
    let planes: Option<Vec<ImagePlane>> = match placement {
        Placement::Patient => (0..frames).map(|k| plane(&volume.grid, k)).collect(),
        Placement::Unoriented | Placement::Uncalibrated => None,
    };
    if planes.is_none() && placement == Placement::Patient {
        let text = "rows and columns are not at right angles; shown as a stack without positions";
        findings.push(Finding::new("SHEARED_PLANE", Severity::Warning, text));
    }
    let of_plane = |plane: ImagePlane| FrameDescription {
        plane: Some(plane),
        ..shared.clone()
    };
    let per_frame: Vec<FrameDescription> = planes.into_iter().flatten().map(of_plane).collect();
    let (shared, per_frame) = match per_frame.as_slice() {
        [only] => (only.clone(), Vec::new()),
        _ => (shared.clone(), per_frame),
    };
    Ok(ImageDescription {
        rows: first.rows,
        columns: first.columns,
        frames,
        samples: first.samples,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: first.stored_type.signed(),
        stored_type: first.stored_type,
        photometric: if first.samples == 3 {
            Photometric::Rgb
        } else {
            Photometric::Monochrome2
        },
        palette: None,
        padding: volume
            .padding
            .filter(|_| first.stored_type != StoredType::F64),
        presentation_inverse: false,
        lossy: None,
        shared,
        per_frame,
        display: Arc::default(),
        parts: ObjectParts::default(),
    })
}

fn spacing(grid: &GridGeometry, placement: Placement) -> Spacing {
    let [column_mm, row_mm, _] = grid.spacing_mm();
    match placement {
        Placement::Patient | Placement::Unoriented => Spacing::Millimetres {
            row_mm,
            column_mm,
            source: SpacingSource::VolumeHeader,
        },
        Placement::Uncalibrated => Spacing::Unknown {
            aspect: row_mm / column_mm,
        },
    }
}

/// The plane of a slice; `None` when rows and columns are not at right angles.
fn plane(grid: &GridGeometry, slice: usize) -> Option<ImagePlane> {
    let m = grid.patient_from_voxel;
    let origin = m.transform_point3(DVec3::new(0.0, 0.0, slice as f64));
    let (row, column) = (
        m.matrix3.x_axis.normalize().to_array(),
        m.matrix3.y_axis.normalize().to_array(),
    );
    let orientation = [row[0], row[1], row[2], column[0], column[1], column[2]];
    ImagePlane::new(origin.to_array(), orientation)
}

/// Volumes that were read, the last ones kept: a packed file is unpacked once, not once a slice.
#[derive(Debug, Default)]
pub(super) struct VolumeCache {
    kept: Mutex<VecDeque<(Arc<Path>, u64, Arc<Volume>)>>,
}

impl VolumeCache {
    /// A slice of the first volume of a file.
    pub(super) fn read_into(
        &self,
        instance: &Instance,
        frame: usize,
        limits: &Limits,
        archives: &Archives,
        destination: &mut [u8],
    ) -> Result<(), Fault> {
        let volume = self.volume(instance, limits, archives)?;
        let pixels = volume.frames.get(frame).map(|f| f.pixels.as_slice());
        match pixels.filter(|p| p.len() == destination.len()) {
            Some(pixels) => {
                destination.copy_from_slice(pixels);
                Ok(())
            }
            None => Err(changed()),
        }
    }

    fn volume(
        &self,
        instance: &Instance,
        limits: &Limits,
        archives: &Archives,
    ) -> Result<Arc<Volume>, Fault> {
        let (path, bytes) = (&instance.source.path, instance.source.bytes);
        // Held while reading, so that threads that want slices of one file read it once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(p, b, _)| p == path && *b == bytes);
        if let Some((_, _, volume)) = found {
            return Ok(Arc::clone(volume));
        }
        let read = match &instance.source.member {
            Some(member) => read_source(path, &archives.open(member, limits, false)?, limits)?,
            None if std::fs::metadata(path)?.len() != bytes => return Err(changed()),
            None => read(path, limits)?,
        };
        let volume = read.volumes.into_iter().next();
        let volume = Arc::new(volume.ok_or_else(changed)?);
        kept.push_back((Arc::clone(path), bytes, Arc::clone(&volume)));
        let held = |k: &VecDeque<(Arc<Path>, u64, Arc<Volume>)>| -> usize {
            let of =
                |v: &Volume| -> usize { v.frames.iter().map(|f| f.pixels.as_slice().len()).sum() };
            k.iter().map(|(_, _, v)| of(v)).sum()
        };
        while kept.len() > 1 && held(&kept) > KEPT_BYTES {
            kept.pop_front();
        }
        Ok(volume)
    }
}

fn changed() -> Fault {
    Fault::new(
        RejectionKind::Io,
        "FILE_CHANGED",
        "the file changed since it was scanned",
    )
}
