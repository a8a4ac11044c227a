//! The Image Pixel module (PS3.3 C.7.6.3), checked until its numbers fit each other and the data.

use super::{
    elements::{DataSet, Numbers, integer, items, numbers, text, texts},
    encapsulated::{ExtendedTable, Fragments, FrameTable, codestream_starts},
    facts::object_parts,
    functional::{Context, describe, nuclear_slices},
    guard::{Fault, PixelPlace, Structure},
    jpeg_ls, jpeg_xl, jpeg2000,
    lookup::palettes,
    mosaic,
    native::NativeShape,
    syntax::{Loss, Packing},
};
use crate::model::{
    finding::{Finding, Severity},
    lut::{PaddingRange, Photometric},
    pixels::StoredType,
    study::{FrameDescription, ImageDescription, LossyCompression, ObjectParts, RejectionKind},
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::{ops::Range, sync::Arc};

/// Most frames of one object.
const MOST_FRAMES: i64 = 1_000_000;

/// Frames of more bytes must be packed less than [`MOST_RATIO`] to one.
const HUGE_FRAME: u64 = 32 << 20;
const MOST_RATIO: u64 = 200;

/// Fragments of one frame that are looked at for whether a picture begins there.
const MOST_STARTS: usize = 4096;

fn number(data_set: &DataSet, tag: Tag, name: &str) -> Result<Option<i64>, Fault> {
    integer(data_set, tag)
        .map_err(|()| Fault::rejected("BAD_NUMBER", format!("{name} {tag} is not a whole number")))
}

fn required(data_set: &DataSet, tag: Tag, name: &str) -> Result<i64, Fault> {
    number(data_set, tag, name)?
        .ok_or_else(|| Fault::rejected("MISSING_ATTRIBUTE", format!("{name} {tag} is missing")))
}

fn within(
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    tag: Tag,
    name: &str,
) -> Result<i64, Fault> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Fault::rejected(
        "OUT_OF_RANGE",
        format!(
            "{name} {tag} is {value}, outside {} to {}",
            range.start(),
            range.end()
        ),
    ))
}

/// Names of attributes that an object must have and lacks, in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Missing(Vec<&'static str>);

impl Missing {
    /// Notes an attribute.
    pub(super) fn note(&mut self, name: &'static str) {
        if !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// What is said of them (Type 1: there, with a value; PS3.5 section 7.4.1).
    pub(super) fn into_finding(self) -> Option<Finding> {
        if self.0.is_empty() {
            return None;
        }
        let names = self.0.join(", ");
        let text = format!("required attributes are missing or empty: {names}");
        let finding = Finding::new("MISSING_TYPE_1", Severity::Warning, text);
        Some(finding.with_term("attributes", names))
    }
}

/// A number that must be there; the likely value is taken where it is not, and the lack is noted.
fn assumed(
    data_set: &DataSet,
    tag: Tag,
    name: &'static str,
    likely: i64,
    missing: &mut Missing,
) -> Result<i64, Fault> {
    let found = number(data_set, tag, name)?;
    if found.is_none() {
        missing.note(name);
    }
    Ok(found.unwrap_or(likely))
}

/// Describes the picture of an object that has pixels.
///
/// # Errors
/// Everything that does not fit, by its code; see the constants in the text of this module.
pub(super) fn describe_image(
    structure: &Structure,
    data_set: &DataSet,
    modality: &str,
    sop_class: &str,
    missing: &mut Missing,
    findings: &mut Vec<Finding>,
) -> Result<ImageDescription, Fault> {
    let Some(pixels) = &structure.pixels else {
        return Err(Fault::rejected(
            "NO_PIXEL_DATA",
            "the object describes a picture and has no pixel data",
        ));
    };
    if structure.syntax.packing == Packing::Unsupported {
        return Err(Fault::unsupported(
            "UNSUPPORTED_SYNTAX",
            format!(
                "the transfer syntax {} ({}) is not supported",
                structure.syntax.uid, structure.syntax.name
            ),
        ));
    }
    let rows = within(
        required(data_set, tags::ROWS, "Rows")?,
        1..=65_535,
        tags::ROWS,
        "Rows",
    )?;
    let columns = required(data_set, tags::COLUMNS, "Columns")?;
    let columns = within(columns, 1..=65_535, tags::COLUMNS, "Columns")?;
    let samples = match assumed(
        data_set,
        tags::SAMPLES_PER_PIXEL,
        "Samples per Pixel",
        1,
        missing,
    )? {
        n @ (1 | 3) => n as usize,
        4 => {
            return Err(Fault::unsupported(
                "SAMPLES",
                "four samples per pixel (0028,0002) are not supported",
            ));
        }
        n => {
            let text = format!("Samples per Pixel (0028,0002) is {n}");
            return Err(Fault::rejected("OUT_OF_RANGE", text));
        }
    };
    let bits = Bits::read(data_set, pixels.tag, missing)?;
    if bits.high + 1 != bits.stored {
        findings.push(Finding::new(
            "HIGH_BIT",
            Severity::Info,
            "the stored bits are not the lowest ones; they are taken from where High Bit says",
        ));
    }
    let packing = structure.syntax.packing;
    let photometric = photometric(data_set, samples, modality, packing, missing)?;
    let frames = number(data_set, tags::NUMBER_OF_FRAMES, "Number of Frames")?.unwrap_or(1);
    let frames = within(
        frames,
        1..=MOST_FRAMES,
        tags::NUMBER_OF_FRAMES,
        "Number of Frames",
    )? as usize;
    let palette = match photometric {
        Photometric::PaletteColor => Some(Arc::new(palettes(data_set, bits.signed)?)),
        _ => None,
    };
    planar(structure, data_set, samples, findings)?;
    let stored_range = bits.range();
    // Only grey values can be padding (PS3.3 C.7.5.1.1.2).
    let padding = match (samples, photometric) {
        (3, _) | (_, Photometric::PaletteColor) => None,
        _ => padding(data_set, &bits, findings),
    };
    let image_type = texts(data_set, tags::IMAGE_TYPE);
    let context = Context {
        modality,
        sop_class,
        image_type: &image_type,
        stored_range,
    };
    let shared = describe(data_set, None, None, &context, findings)?;
    let mut image = ImageDescription {
        rows: rows as usize,
        columns: columns as usize,
        frames,
        samples,
        bits_allocated: bits.allocated,
        bits_stored: bits.stored,
        high_bit: bits.high,
        signed: bits.signed,
        stored_type: bits.stored_type,
        photometric,
        palette,
        padding,
        // MONOCHROME1 and INVERSE name one and the same inversion (PS3.3 C.8.11.3.1.2), so the shape counts
        // only where the photometric interpretation does not say it already.
        presentation_inverse: photometric != Photometric::Monochrome1
            && text(data_set, tags::PRESENTATION_LUT_SHAPE) == "INVERSE",
        lossy: lossy(structure, data_set),
        shared,
        per_frame: Vec::new(),
        display: Arc::default(),
        parts: ObjectParts::default(),
    };
    // First whether the frames are there: describing each of a million that are not would take minutes.
    check_size(structure, &image, findings)?;
    image.per_frame = per_frame(data_set, frames, &context, &image.shared, findings)?;
    image.parts = object_parts(structure, data_set, frames, modality);
    if structure.syntax.packing == Packing::Jpeg2000
        && let Some(bytes) = first_codestream(structure)
        && jpeg2000::is_signed(&bytes).is_some_and(|signed| signed != image.signed)
    {
        findings.push(Finding::new(
            "SIGN_MISMATCH",
            Severity::Warning,
            "the codestream and Pixel Representation (0028,0103) differ in whether values have a sign",
        ));
    }
    mosaic::take_apart(structure, &image_type, &mut image, findings);
    Ok(image)
}

/// Bits of a stored value.
struct Bits {
    allocated: u16,
    stored: u16,
    high: u16,
    signed: bool,
    stored_type: StoredType,
}

impl Bits {
    fn read(data_set: &DataSet, pixel_tag: Tag, missing: &mut Missing) -> Result<Self, Fault> {
        let allocated = required(data_set, tags::BITS_ALLOCATED, "Bits Allocated")?;
        let wrong = |what: String| Fault::rejected("BITS_INCONSISTENT", what);
        let float = match pixel_tag {
            tags::FLOAT_PIXEL_DATA => Some((32, StoredType::F32)),
            tags::DOUBLE_FLOAT_PIXEL_DATA => Some((64, StoredType::F64)),
            _ => None,
        };
        if let Some((needed, stored_type)) = float {
            if allocated != needed {
                return Err(wrong(format!(
                    "{allocated} bits allocated to floating-point pixels"
                )));
            }
            let bits = needed as u16;
            return Ok(Self {
                allocated: bits,
                stored: bits,
                high: bits - 1,
                signed: true,
                stored_type,
            });
        }
        let signed = match assumed(
            data_set,
            tags::PIXEL_REPRESENTATION,
            "Pixel Representation",
            0,
            missing,
        )? {
            0 => false,
            1 => true,
            n => {
                let text = format!("Pixel Representation (0028,0103) is {n}");
                return Err(Fault::rejected("OUT_OF_RANGE", text));
            }
        };
        let stored_type = match (allocated, signed) {
            (1 | 8, false) => StoredType::U8,
            (8, true) => StoredType::I8,
            (16, false) => StoredType::U16,
            (16, true) => StoredType::I16,
            (32, false) => StoredType::U32,
            (32, true) => StoredType::I32,
            _ => return Err(wrong(format!("{allocated} bits allocated"))),
        };
        let stored = assumed(
            data_set,
            tags::BITS_STORED,
            "Bits Stored",
            allocated,
            missing,
        )?;
        let high = assumed(data_set, tags::HIGH_BIT, "High Bit", stored - 1, missing)?;
        if !(1..=allocated).contains(&stored) || high >= allocated || high + 1 < stored {
            return Err(wrong(format!(
                "{allocated} bits allocated, {stored} stored, high bit {high}"
            )));
        }
        Ok(Self {
            allocated: allocated as u16,
            stored: stored as u16,
            high: high as u16,
            signed,
            stored_type,
        })
    }

    /// Lowest and highest value that the stored bits can hold; 0 to 1 for floating point.
    fn range(&self) -> (f64, f64) {
        let bits = i32::from(self.stored);
        match (self.stored_type, self.signed) {
            (StoredType::F32 | StoredType::F64, _) => (0.0, 1.0),
            (_, false) => (0.0, 2f64.powi(bits) - 1.0),
            (_, true) => (-(2f64.powi(bits - 1)), 2f64.powi(bits - 1) - 1.0),
        }
    }
}

fn photometric(
    data_set: &DataSet,
    samples: usize,
    modality: &str,
    packing: Packing,
    missing: &mut Missing,
) -> Result<Photometric, Fault> {
    let name = text(data_set, tags::PHOTOMETRIC_INTERPRETATION);
    let found = match name.as_str() {
        "MONOCHROME1" => Photometric::Monochrome1,
        "MONOCHROME2" => Photometric::Monochrome2,
        "PALETTE COLOR" => Photometric::PaletteColor,
        "RGB" => Photometric::Rgb,
        // What JPEG XL makes of colour within its codestream (PS3.3 C.7.6.3.1.2); its decoder gives RGB.
        "XYB" if packing == Packing::JpegXl => Photometric::Rgb,
        "YBR_FULL" | "YBR_RCT" | "YBR_ICT" => Photometric::YbrFull,
        "YBR_FULL_422" => Photometric::YbrFull422,
        // Parametric maps and some old objects leave it out; one sample can only be grey.
        "" if samples == 1 && !modality.is_empty() => {
            missing.note("Photometric Interpretation");
            Photometric::Monochrome2
        }
        "YBR_PARTIAL_422" | "YBR_PARTIAL_420" | "HSV" | "ARGB" | "CMYK" | "XYB" => {
            return Err(Fault::unsupported(
                "PHOTOMETRIC",
                format!("the photometric interpretation {name} is not supported"),
            ));
        }
        _ => {
            return Err(Fault::rejected(
                "BAD_PHOTOMETRIC",
                "the photometric interpretation (0028,0004) is missing or unknown",
            ));
        }
    };
    let colour = matches!(
        found,
        Photometric::Rgb | Photometric::YbrFull | Photometric::YbrFull422
    );
    if colour != (samples == 3) {
        return Err(Fault::rejected(
            "BAD_PHOTOMETRIC",
            format!("{samples} samples per pixel do not fit {name}"),
        ));
    }
    Ok(found)
}

/// Planar Configuration (0028,0006) matters only for native colour.
fn planar(
    structure: &Structure,
    data_set: &DataSet,
    samples: usize,
    findings: &mut Vec<Finding>,
) -> Result<(), Fault> {
    if samples == 1 {
        return Ok(());
    }
    match number(data_set, tags::PLANAR_CONFIGURATION, "Planar Configuration")? {
        Some(0 | 1) => Ok(()),
        None => {
            if structure.syntax.packing == Packing::Native {
                findings.push(Finding::new(
                    "NO_PLANAR",
                    Severity::Warning,
                    "Planar Configuration is missing; colours are taken as interleaved",
                ));
            }
            Ok(())
        }
        Some(n) => Err(Fault::rejected(
            "OUT_OF_RANGE",
            format!("Planar Configuration (0028,0006) is {n}"),
        )),
    }
}

/// Pixel Padding Value and its range limit (PS3.3 C.7.5.1.1.2), which may be written with the wrong sign.
fn padding(data_set: &DataSet, bits: &Bits, findings: &mut Vec<Finding>) -> Option<PaddingRange> {
    let read = |tag| -> Option<i32> {
        let raw = numbers(data_set, tag).first()?;
        let raw = raw as i64;
        Some(match bits.stored_type {
            StoredType::I16 => i32::from(raw as i16),
            StoredType::U16 => i32::from(raw as u16),
            // The value has 16 bits whatever the pixels have.
            StoredType::U8 => i32::from(raw as u16),
            StoredType::I8 => i32::from(raw as i16),
            _ => i32::try_from(raw).ok()?,
        })
    };
    let value = read(tags::PIXEL_PADDING_VALUE)?;
    let limit = read(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
    let (low, high) = bits.range();
    let outside = |v: i32| f64::from(v) < low || f64::from(v) > high;
    if outside(value) && outside(limit) {
        findings.push(Finding::new(
            "PADDING_RANGE",
            Severity::Warning,
            "the pixel padding value cannot occur in the pixels",
        ));
    }
    Some(PaddingRange {
        low: value.min(limit),
        high: value.max(limit),
    })
}

/// What the file says of irreversible compression, and what its transfer syntax says (PS3.3 C.7.6.1.1.5).
fn lossy(structure: &Structure, data_set: &DataSet) -> Option<LossyCompression> {
    let declared = text(data_set, tags::LOSSY_IMAGE_COMPRESSION) == "01";
    let by_syntax = match structure.syntax.loss {
        Loss::Always => true,
        Loss::None => false,
        Loss::Possible => {
            first_codestream(structure).is_some_and(|bytes| match structure.syntax.packing {
                Packing::JpegXl => jpeg_xl::is_lossy(&bytes).unwrap_or(true),
                // What is no JPEG at all is refused when it is decoded.
                Packing::Jpeg => super::jpeg::is_lossy(&bytes).unwrap_or(false),
                Packing::JpegLs => jpeg_ls::read_header(&bytes).is_ok_and(|h| h.near > 0),
                _ => jpeg2000::is_irreversible(&bytes),
            })
        }
    };
    if !declared && !by_syntax {
        return None;
    }
    let mut methods = texts(data_set, tags::LOSSY_IMAGE_COMPRESSION_METHOD);
    methods.retain(|m| !m.is_empty());
    if methods.is_empty() && by_syntax {
        methods.push(structure.syntax.name.to_owned());
    }
    let ratios = numbers(data_set, tags::LOSSY_IMAGE_COMPRESSION_RATIO).values();
    Some(LossyCompression {
        ratios: ratios.into_iter().filter(|r| *r > 0.0).collect(),
        methods,
        undeclared: by_syntax && !declared,
    })
}

/// The beginning of the first fragment.
pub(super) fn first_codestream(structure: &Structure) -> Option<Vec<u8>> {
    let PixelPlace::Encapsulated(fragments) = &structure.pixels.as_ref()?.place else {
        return None;
    };
    let first = fragments.list.iter().find(|f| f.length > 0)?;
    let length = u64::from(first.length.min(4096));
    structure.source.read_vec(first.offset, length).ok()
}

/// One description a frame where they differ, else none.
fn per_frame(
    data_set: &DataSet,
    frames: usize,
    context: &Context<'_>,
    shared: &FrameDescription,
    findings: &mut Vec<Finding>,
) -> Result<Vec<FrameDescription>, Fault> {
    let groups = items(data_set, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).len();
    let offsets = match numbers(data_set, tags::GRID_FRAME_OFFSET_VECTOR) {
        Numbers::Values(values) if frames > 1 => values.len(),
        _ => 0,
    };
    let slices = match frames {
        1 => 0,
        _ => nuclear_slices(data_set, context).len(),
    };
    if groups == 0 && offsets == 0 && slices == 0 {
        return Ok(Vec::new());
    }
    let told = groups.max(offsets).max(slices);
    if told != frames {
        findings.push(
            Finding::new(
                "FRAME_GROUPS",
                Severity::Warning,
                format!("{frames} frames and {told} descriptions of frames"),
            )
            .with("frames", frames as f64)
            .with("descriptions", told as f64),
        );
    }
    let all: Result<Vec<FrameDescription>, Fault> = (0..frames.min(told))
        .map(|k| describe(data_set, Some(k), Some(shared), context, findings))
        .collect();
    let mut all = all?;
    // A frame without its own group must not inherit a position that is not its own.
    let rest = FrameDescription {
        plane: None,
        ..shared.clone()
    };
    all.resize(frames, rest);
    Ok(if all.iter().all(|f| f == shared) {
        Vec::new()
    } else {
        all
    })
}

/// Whether the declared frames are really there, and small enough.
fn check_size(
    structure: &Structure,
    image: &ImageDescription,
    findings: &mut Vec<Finding>,
) -> Result<(), Fault> {
    let pixels = structure.pixels.as_ref();
    let too_large = || {
        Fault::new(
            RejectionKind::Limit,
            "FRAME_TOO_LARGE",
            format!(
                "a frame of {} x {} with {} samples is larger than is decoded",
                image.columns, image.rows, image.samples
            ),
        )
    };
    match pixels.map(|p| &p.place) {
        Some(PixelPlace::Native { length, .. }) => {
            let shape = NativeShape::of(image, structure, *length);
            let needed = shape.total_bytes(image.frames);
            if *length < needed {
                return Err(Fault::rejected(
                    "PIXEL_DATA_SHORT",
                    format!(
                        "Pixel Data hold {length} bytes and {} frames need {needed}",
                        image.frames
                    ),
                ));
            }
            if *length > needed + needed % 2 {
                let text = format!("Pixel Data hold {length} bytes and {needed} are used");
                findings.push(
                    Finding::new("PIXEL_DATA_LONG", Severity::Warning, text)
                        .with("bytes", *length as f64)
                        .with("used", needed as f64),
                );
            }
            if image.frame_bytes() > structure.limits.frame_bytes {
                return Err(too_large());
            }
        }
        Some(PixelPlace::Encapsulated(fragments)) => {
            if image.frame_bytes() > structure.limits.frame_bytes {
                return Err(too_large());
            }
            let table = FrameTable::build(
                &structure.source,
                fragments,
                &extended_table(structure)?,
                image.frames,
            )?;
            if table.guessed {
                findings.push(Finding::new(
                    "NO_OFFSET_TABLE",
                    Severity::Info,
                    "no offset table; frames were found by where a codestream begins",
                ));
            }
            frames_in_fragments(structure, fragments, &table, findings)?;
            not_a_bomb(image, fragments, &table)?;
            if structure.syntax.packing == Packing::Jpeg
                && let Some(bytes) = first_codestream(structure)
            {
                super::jpeg::check_supported(&bytes)?;
            }
        }
        None => {}
    }
    Ok(())
}

/// Refuses a huge frame that a few bytes are said to hold: such a picture shows nothing and costs everything. Frames
/// as they come from detectors and scanners lie far below, blank ones included.
fn not_a_bomb(
    image: &ImageDescription,
    fragments: &Fragments,
    table: &FrameTable,
) -> Result<(), Fault> {
    let needed = image.frame_bytes() as u64;
    if needed <= HUGE_FRAME {
        return Ok(());
    }
    for range in &table.frames {
        let parts = fragments.list.get(range.clone()).unwrap_or_default();
        let packed: u64 = parts.iter().map(|f| u64::from(f.length)).sum();
        if packed.saturating_mul(MOST_RATIO) < needed {
            let text = format!("a frame of {needed} bytes in {packed} compressed ones");
            return Err(Fault::new(RejectionKind::Limit, "FRAME_RATIO", text));
        }
    }
    Ok(())
}

/// Fragments of one frame that look like frames of their own, so that something is not shown; and frames whose coding
/// allows one fragment only.
fn frames_in_fragments(
    structure: &Structure,
    fragments: &Fragments,
    table: &FrameTable,
    findings: &mut Vec<Finding>,
) -> Result<(), Fault> {
    let filled = |range: &Range<usize>| -> Vec<usize> {
        let list = fragments.list.get(range.clone()).unwrap_or_default();
        let filled = list.iter().zip(range.clone()).filter(|(f, _)| f.length > 0);
        filled.map(|(_, index)| index).collect()
    };
    let divided: Vec<Vec<usize>> = table
        .frames
        .iter()
        .filter(|range| range.len() > 1)
        .map(filled)
        .filter(|parts| parts.len() > 1)
        .collect();
    match structure.syntax.packing {
        // One fragment holds one frame (PS3.5 section A.4.2, A.4.11).
        Packing::Rle | Packing::DeflatedFrame if !divided.is_empty() => {
            let text = "frames lie in several fragments each, which their coding does not allow";
            let finding = Finding::new("FRAME_DIVIDED", Severity::Warning, text);
            findings.push(finding.with("frames", divided.len() as f64));
        }
        Packing::Jpeg | Packing::JpegLs | Packing::Jpeg2000 => {
            let mut begun = 0;
            for parts in &divided {
                let looked_at = parts.get(..MOST_STARTS).unwrap_or(parts);
                let starts = codestream_starts(&structure.source, fragments, looked_at)?;
                begun += starts.len().saturating_sub(1);
            }
            if begun > 0 {
                let (frames, found) = (table.frames.len(), table.frames.len() + begun);
                let text = format!(
                    "Pixel Data hold {found} pictures and {frames} are declared; the others are not shown"
                );
                findings.push(
                    Finding::new("FRAMES_UNDECLARED", Severity::Warning, text)
                        .with("found", found as f64)
                        .with("frames", frames as f64),
                );
            }
        }
        _ => {}
    }
    Ok(())
}

/// The Extended Offset Table, when there is one.
pub(super) fn extended_table(structure: &Structure) -> Result<ExtendedTable, Fault> {
    let read = |tag| -> Result<Vec<u64>, Fault> {
        let Some(element) = structure.element(tag) else {
            return Ok(Vec::new());
        };
        let length = element.end - element.value;
        if length > 8 * structure.limits.fragments as u64 {
            return Err(Fault::new(
                RejectionKind::Limit,
                "FRAGMENTS",
                "an extended offset table longer than is read",
            ));
        }
        let bytes = structure.source.read_vec(element.value, length)?;
        let entries = bytes.chunks_exact(8).filter_map(|c| c.try_into().ok());
        Ok(entries.map(u64::from_le_bytes).collect())
    };
    Ok(ExtendedTable {
        offsets: read(tags::EXTENDED_OFFSET_TABLE)?,
        lengths: read(tags::EXTENDED_OFFSET_TABLE_LENGTHS)?,
    })
}
