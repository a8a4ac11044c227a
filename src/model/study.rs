//! Study > Series > Instance > Frame, as read from headers alone.

use super::{
    archive::Member,
    cine::CineFacts,
    content::ObjectDescription,
    cover::DisplayModules,
    date::Date,
    facts::FrameFacts,
    finding::Finding,
    geometry::{ImagePlane, Spacing},
    identity::{PatientIdentity, Phi},
    lut::{LookupTable, ModalityLut, ModalityUnit, PaddingRange, Photometric, Voi},
    pet::PetFacts,
    pixels::StoredType,
    worklist::Priority,
};
use std::{path::Path, sync::Arc};

/// Where an instance lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file. Never written. For a member of an archive the archive's path with the member's name behind it: it names
    /// the member, and nothing is opened by it.
    pub path: Arc<Path>,
    /// Its kind, decided by content and not by extension.
    pub kind: SourceKind,
    /// Bytes of the file, or of the member, when it was scanned.
    pub bytes: u64,
    /// Where it lies in an archive, or that a store keeps it, when that is so.
    pub member: Option<Arc<Member>>,
}

impl Source {
    /// Whether it is kept in a store, encrypted; else it is a file that the store may know the place of.
    pub fn is_kept(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.is_kept())
    }
}

/// Kind of a file that can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// DICOM, with or without preamble and meta header.
    Dicom,
    /// PNG picture.
    Png,
    /// JPEG picture outside DICOM.
    Jpeg,
    /// TIFF picture, of one page or several.
    Tiff,
    /// Research volume: NIfTI, NRRD or MetaImage.
    Volume,
}

/// One SOP instance (or one picture file) and what its header says.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The file.
    pub source: Source,
    /// SOP Class UID (0008,0016); empty for picture files.
    pub sop_class_uid: String,
    /// SOP Instance UID (0008,0018); for picture files made from the content's hash.
    pub sop_instance_uid: String,
    /// Transfer Syntax UID (0002,0010); empty for picture files.
    pub transfer_syntax_uid: String,
    /// Who.
    pub patient: Arc<PatientIdentity>,
    /// Which study.
    pub study: Arc<StudyDescription>,
    /// Which series.
    pub series: Arc<SeriesDescription>,
    /// Instance Number (0020,0013).
    pub instance_number: Option<i32>,
    /// How the picture was made, for the corner of the viewport.
    pub technique: Technique,
    /// The picture; `None` for objects without one (reports, presentation states).
    pub image: Option<ImageDescription>,
    /// What a PET image says of dose, body and times; `None` for others. It holds one [`FrameFacts`].
    ///
    /// [`FrameFacts`]: super::pet::FrameFacts
    pub pet: Option<Arc<PetFacts>>,
    /// What a list says of an object that is more, or other, than a picture; `None` for plain pictures.
    pub object: Option<Arc<ObjectDescription>>,
    /// What was noticed while reading the header.
    pub findings: Vec<Finding>,
}

/// General Study module (PS3.3 C.7.2.1) and Patient Study module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudyDescription {
    /// Study Instance UID (0020,000D).
    pub uid: String,
    /// Study Date (0008,0020).
    pub date: Option<Date>,
    /// Study Time (0008,0030), as `hh:mm:ss`, empty when absent.
    pub time: String,
    /// Study Description (0008,1030).
    pub description: String,
    /// Accession Number (0008,0050).
    pub accession_number: Phi<String>,
    /// Institution Name (0008,0080).
    pub institution: Phi<String>,
    /// Patient's Age (0010,1010) as written, for example `057Y`.
    pub patient_age: Phi<String>,
    /// Requested Procedure Priority (0040,1003), else Study Priority ID (0032,000C).
    pub priority: Priority,
}

/// General Series module (PS3.3 C.7.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesDescription {
    /// Series Instance UID (0020,000E).
    pub uid: String,
    /// Modality (0008,0060), for example `CT`.
    pub modality: String,
    /// Series Number (0020,0011).
    pub number: Option<i32>,
    /// Series Description (0008,103E).
    pub description: String,
    /// Protocol Name (0018,1030).
    pub protocol: String,
    /// Body Part Examined (0018,0015).
    pub body_part: String,
    /// Laterality (0020,0060) or Image Laterality (0020,0062).
    pub laterality: String,
    /// View Position (0018,5101).
    pub view_position: String,
    /// Patient Position (0018,5100), for example `FFS`.
    pub patient_position: String,
    /// Frame of Reference UID (0020,0052), empty when absent.
    pub frame_of_reference_uid: String,
}

/// Acquisition facts that the viewport shows; absent ones are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Technique {
    /// KVP (0018,0060).
    pub kvp: Option<f64>,
    /// Exposure (0018,1152), mAs.
    pub exposure_mas: Option<f64>,
    /// Convolution Kernel (0018,1210).
    pub kernel: String,
    /// Repetition Time (0018,0080), ms.
    pub repetition_time_ms: Option<f64>,
    /// Echo Time (0018,0081), ms.
    pub echo_time_ms: Option<f64>,
    /// Magnetic Field Strength (0018,0087), T.
    pub field_strength_t: Option<f64>,
    /// Contrast/Bolus Agent (0018,0010).
    pub contrast_agent: String,
    /// Times of frames; `None` when the object says nothing of them.
    pub cine: Option<Arc<CineFacts>>,
    /// Images in Acquisition (0020,1002): how many images the acquisition gave.
    pub images_in_acquisition: Option<u32>,
    /// Acquisition date and time, or Content Date and Time, as text; empty when absent.
    pub acquired: String,
    /// First value of Patient Orientation (0020,0020): where in the patient the columns lead, for example `P`; empty when
    /// absent.
    pub columns_lead_to: String,
    /// Its second value: where the rows lead, for example `F`.
    pub rows_lead_to: String,
}

/// Image Pixel module (PS3.3 C.7.6.3) and what belongs to it, checked: the numbers fit each other.
#[derive(Clone, Debug)]
pub struct ImageDescription {
    /// Rows (0028,0010), at least 1.
    pub rows: usize,
    /// Columns (0028,0011), at least 1.
    pub columns: usize,
    /// Number of Frames (0028,0008), at least 1.
    pub frames: usize,
    /// Samples per Pixel (0028,0002): 1 or 3.
    pub samples: usize,
    /// Bits Allocated (0028,0100).
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101).
    pub bits_stored: u16,
    /// High Bit (0028,0102).
    pub high_bit: u16,
    /// Pixel Representation (0028,0103) is 1.
    pub signed: bool,
    /// Type of a decoded value.
    pub stored_type: StoredType,
    /// Photometric Interpretation (0028,0004) as in the file.
    pub photometric: Photometric,
    /// Palette Color Lookup Tables: red, green, blue.
    pub palette: Option<Arc<[LookupTable; 3]>>,
    /// Padding, when declared.
    pub padding: Option<PaddingRange>,
    /// Presentation LUT Shape is INVERSE (2050,0020).
    pub presentation_inverse: bool,
    /// Lossy Image Compression (0028,2110), ratios and methods, or implied by the transfer syntax.
    pub lossy: Option<LossyCompression>,
    /// What all frames share.
    pub shared: FrameDescription,
    /// One per frame for multi-frame objects that differ by frame, else empty.
    pub per_frame: Vec<FrameDescription>,
    /// Overlay planes, shutter, presentation LUT.
    pub display: Arc<DisplayModules>,
    /// How the object belongs to others, and what tells its frames apart.
    pub parts: ObjectParts,
}

/// What an object says about frames that lie at one place, and about objects that are one with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectParts {
    /// One for all frames, or one per frame.
    pub facts: Vec<FrameFacts>,
    /// The concatenation that it is a part of.
    pub concatenation: Option<Concatenation>,
    /// The matrix that holds the frames as tiles, where the file holds one large picture.
    pub mosaic: Option<Mosaic>,
}

/// A large object written as several (PS3.3 C.7.6.16.2.2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concatenation {
    /// Concatenation UID (0020,9161).
    pub uid: String,
    /// In-concatenation Number (0020,9162), from 1.
    pub number: u16,
    /// In-concatenation Total Number (0020,9163), when it is said.
    pub total: Option<u16>,
    /// Concatenation Frame Offset Number (0020,9228), when it is said.
    pub offset: Option<u32>,
}

/// A picture whose tiles are slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mosaic {
    /// Tiles in a row; there are as many rows of tiles.
    pub across: usize,
}

impl ImageDescription {
    /// The description of a frame, counted from 0.
    pub fn frame(&self, index: usize) -> &FrameDescription {
        self.per_frame.get(index).unwrap_or(&self.shared)
    }

    /// What tells a frame from others at its place; `None` when nothing is said.
    pub fn facts(&self, frame: usize) -> Option<&FrameFacts> {
        match self.parts.facts.as_slice() {
            [one] if self.per_frame.len() < 2 || self.parts.mosaic.is_some() => Some(one),
            all => all.get(frame),
        }
    }

    /// Whether the lowest value is white. Presentation LUT Shape INVERSE is how an image header says that it is
    /// MONOCHROME1 (PS3.3 C.8.11.3.1.2 ties the two together), so both at once are one inversion, not two.
    /// A Presentation LUT Sequence gives P-values itself: nothing is inverted behind it.
    pub fn lowest_is_white(&self) -> bool {
        self.display.presentation_lut.is_none()
            && (self.photometric == Photometric::Monochrome1 || self.presentation_inverse)
    }

    /// Bytes of one decoded frame (RGB or index samples).
    pub fn frame_bytes(&self) -> usize {
        self.rows
            .saturating_mul(self.columns)
            .saturating_mul(self.samples)
            .saturating_mul(self.stored_type.bytes())
    }
}

/// What may differ from frame to frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameDescription {
    /// Where it lies in the patient; `None` when the object does not say, or says nonsense.
    pub plane: Option<ImagePlane>,
    /// Distance of pixel centres.
    pub spacing: Spacing,
    /// Slice Thickness (0018,0050).
    pub slice_thickness_mm: Option<f64>,
    /// Stored to modality value.
    pub modality_lut: ModalityLut,
    /// Unit of the modality value.
    pub unit: ModalityUnit,
    /// Windows and VOI LUTs in file order; LUTs first (they win by default, PS3.3 C.11.2).
    pub voi: Vec<Voi>,
}

impl FrameDescription {
    /// The window or table of the file with a name, in any case, or with a number counted from 1.
    pub fn voi_chosen(&self, words: &str) -> Option<&Voi> {
        let named = |voi: &&Voi| !words.is_empty() && voi.name().eq_ignore_ascii_case(words);
        let numbered = || {
            let index = words.parse::<usize>().ok()?.checked_sub(1)?;
            self.voi.get(index)
        };
        self.voi.iter().find(named).or_else(numbered)
    }
}

/// What the file says of irreversible compression.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossyCompression {
    /// Lossy Image Compression Ratio (0028,2112), all values; empty when missing.
    pub ratios: Vec<f64>,
    /// Lossy Image Compression Method (0028,2114), or the name of the transfer syntax.
    pub methods: Vec<String>,
    /// The transfer syntax is lossy although the flag does not say so.
    pub undeclared: bool,
}

/// A file that does not open, with the reason. It stays visible as a grey tile.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The file.
    pub path: Arc<Path>,
    /// Class of the refusal.
    pub outcome: RejectionKind,
    /// Stable upper-case code, for example `LEN_PAST_END`.
    pub code: &'static str,
    /// One sentence in English, free of identity.
    pub detail: String,
}

impl Rejection {
    /// Whether it is a sound directory of files (DICOMDIR): nothing to look at, and nothing wrong either.
    pub fn is_directory(&self) -> bool {
        self.code == "DICOMDIR"
    }
}

/// Class of a refusal; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionKind {
    /// Malformed, or not an image file (exit 3).
    Rejected,
    /// Would cost more than the budget (exit 4).
    Limit,
    /// Well formed, but not supported (exit 5).
    Unsupported,
    /// Encrypted, and not under a passphrase that is known (exit 6).
    Locked,
    /// The disk did not give it (exit 9).
    Io,
}
