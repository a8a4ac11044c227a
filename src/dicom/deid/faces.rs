//! Faces in pictures of the head (PS3.15 E.3.2, Clean Recognizable Visual Features Option): which files show one, and
//! what of their pixels is taken out.
//!
//! A face is found in a volume, so the files of a run are assembled first. Of what may show a head and gives no volume,
//! or none in which a face is found, no copy is written, with the reason. Pixels behind the surface that is cut along stay
//! what they were.

use super::Deidentifier;
use crate::{
    dicom::{
        assemble::lay_out,
        guard::{Fault, Structure},
        load::load_volume,
        scan::read_instance,
    },
    imaging::deface::{FaceCut, find_face},
    model::{geometry::GridGeometry, layout::SeriesLayout, pixels::Frame},
    task::{CancelToken, Progress},
};
use dicom_dictionary_std::tags;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Parts of the body in which no face is, as Body Part Examined names them (PS3.16 annex L). Necks and spines are none of
/// them: their volumes reach up to the chin and further.
const FACELESS: [&str; 50] = [
    "ABDOMEN",
    "ABDOMENPELVIS",
    "ANKLE",
    "AORTA",
    "ARM",
    "BLADDER",
    "BREAST",
    "CALCANEUS",
    "CALF",
    "CHEST",
    "CHESTABDOMEN",
    "CHESTABDPELVIS",
    "CLAVICLE",
    "COCCYX",
    "COLON",
    "DUODENUM",
    "ELBOW",
    "EXTREMITY",
    "FEMUR",
    "FINGER",
    "FOOT",
    "FOREARM",
    "HAND",
    "HEART",
    "HIP",
    "HUMERUS",
    "JOINT",
    "KIDNEY",
    "KNEE",
    "LEG",
    "LIVER",
    "LSPINE",
    "LUNG",
    "PANCREAS",
    "PATELLA",
    "PELVIS",
    "PROSTATE",
    "RIB",
    "SCAPULA",
    "SHOULDER",
    "SPLEEN",
    "SSPINE",
    "STERNUM",
    "STOMACH",
    "THIGH",
    "THORAX",
    "TOE",
    "TSPINE",
    "UTERUS",
    "WRIST",
];

/// Kinds of pictures that show no face, whatever they are of: they look into the body or at tissue.
const FACELESS_KINDS: [&str; 13] = [
    "MG", "US", "IVUS", "SM", "GM", "OPT", "OCT", "IVOCT", "BMD", "ECG", "EPS", "HD", "RESP",
];

/// What is done about a file.
#[derive(Clone)]
enum Verdict {
    /// A face is taken out of these frames, by number from 0, which are these slices.
    Cut(Arc<Cut>, Arc<Vec<(usize, usize)>>),
    /// No copy is written.
    Refused(&'static str),
}

struct Cut {
    face: FaceCut,
    grid: GridGeometry,
}

/// What is known of the files of a run.
#[derive(Default)]
pub(super) struct Faces {
    verdicts: HashMap<PathBuf, Verdict>,
}

/// What is taken out of an object.
pub(super) struct Face {
    cut: Arc<Cut>,
    slices: Arc<Vec<(usize, usize)>>,
}

impl Face {
    /// Gives the pixels of a frame that show a face the value of its darkest pixel.
    pub(super) fn take_out(&self, number: usize, frame: &Frame, bytes: &mut [u8]) {
        let Some((_, slice)) = self.slices.iter().find(|(frame, _)| *frame == number) else {
            return;
        };
        let (gone, count) = self.cut.face.of_slice(&self.cut.grid, *slice);
        if count == 0 {
            return;
        }
        let size = frame.samples * frame.stored_type.bytes();
        let darkest = frame
            .values()
            .enumerate()
            .reduce(|a, b| if b.1 < a.1 { b } else { a })
            .map_or(0, |(place, _)| place / frame.samples);
        let all = frame.pixels.as_slice();
        let Some(dark) = all.get(darkest * size..(darkest + 1) * size) else {
            return;
        };
        for (pixel, gone) in bytes.chunks_exact_mut(size).zip(gone) {
            if gone {
                pixel.copy_from_slice(dark);
            }
        }
    }
}

impl Faces {
    /// What is taken out of a file.
    ///
    /// # Errors
    /// `FACE` where a face may be in it that cannot be taken out.
    pub(super) fn of(&self, path: &Path, structure: &Structure) -> Result<Option<Face>, Fault> {
        let refused = |text: &str| Err(Fault::unsupported("FACE", text));
        if structure.pixels.is_none() || is_faceless(structure) {
            return Ok(None);
        }
        match self.verdicts.get(path) {
            Some(Verdict::Cut(cut, slices)) => Ok(Some(Face {
                cut: Arc::clone(cut),
                slices: Arc::clone(slices),
            })),
            Some(Verdict::Refused(reason)) => refused(reason),
            None => refused(
                "a picture that may show a face and belongs to no volume in which it could be found",
            ),
        }
    }
}

/// Whether the object says that it shows a part of the body, or is of a kind, in which no face is.
fn is_faceless(structure: &Structure) -> bool {
    let kind = structure.ascii(tags::MODALITY);
    let part = structure
        .ascii(tags::BODY_PART_EXAMINED)
        .replace([' ', '_'], "");
    FACELESS_KINDS.contains(&kind.as_str()) || FACELESS.contains(&part.to_uppercase().as_str())
}

impl Deidentifier {
    /// Looks for faces in the volumes that files make up.
    pub(super) fn find_faces(&mut self, files: &[Arc<Path>], cancel: &CancelToken) {
        if !self.options.has(super::DeidOption::CleanFaces) {
            return;
        }
        let options = self.scan_options();
        let instances: Vec<_> = files
            .par_iter()
            .filter_map(|path| read_instance(path, &options).ok().map(Arc::new))
            .collect();
        for layout in lay_out(&instances) {
            if cancel.is_cancelled() {
                return;
            }
            self.look_for_face(&layout, cancel);
        }
    }

    fn look_for_face(&mut self, layout: &SeriesLayout, cancel: &CancelToken) {
        let verdict = self.face_of(layout, cancel).map(Arc::new);
        // The frames of each file, and which slices they are.
        let mut files: BTreeMap<&Path, Vec<(usize, usize)>> = BTreeMap::new();
        for (slice, frame) in layout.frames.iter().enumerate() {
            let of_file = files.entry(&frame.instance.source.path).or_default();
            of_file.push((frame.frame, slice));
        }
        for (path, slices) in files {
            // An object in several volumes is cut in all of them, or not written.
            let verdict = match &verdict {
                Err(reason) => Verdict::Refused(reason),
                Ok(cut) => match self.faces.verdicts.get(path) {
                    None => Verdict::Cut(Arc::clone(cut), Arc::new(slices)),
                    Some(_) => Verdict::Refused("its frames make up several volumes"),
                },
            };
            self.faces.verdicts.insert(path.to_owned(), verdict);
        }
        // What came twice lies in no volume.
        for frame in &layout.duplicates {
            let path = frame.instance.source.path.to_path_buf();
            let reason = "it came twice, and only one of both belongs to a volume";
            let known = self.faces.verdicts.entry(path);
            known.or_insert(Verdict::Refused(reason));
        }
    }

    fn face_of(&self, layout: &SeriesLayout, cancel: &CancelToken) -> Result<Cut, &'static str> {
        let Some(grid) = layout.volume else {
            return Err(
                "a flat picture, or one whose slices make up no regular volume: a face cannot be found in it",
            );
        };
        let image = layout.first_instance().and_then(|i| i.image.as_ref());
        if image.is_none_or(|image| image.samples != 1) {
            return Err("a picture in colour: a face cannot be found in it");
        }
        let volume = load_volume(layout, &self.frames(), cancel, &Progress::default())
            .map_err(|_| "its pixels cannot be read, so that a face cannot be found in it")?;
        let face = find_face(&volume).map_err(crate::imaging::deface::NoFace::sentence)?;
        Ok(Cut { face, grid })
    }
}
