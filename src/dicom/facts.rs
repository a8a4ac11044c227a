//! What an object says about frames that lie at one place: attributes of classic objects and private groups, vectors of
//! nuclear medicine, functional groups of enhanced objects. And the concatenation that an object is a part of.
//!
//! Nothing here refuses a file: what cannot be read is not said.

use super::{
    elements::{DataSet, ascii, first_item, items, numbers, numbers_of, parse_decimal, text},
    functional::Groups,
    guard::{Element, Structure, key},
};
use crate::model::{
    facts::{Axis, FrameFacts},
    study::{Concatenation, ObjectParts},
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;

/// Complex Image Component (0008,9208).
const COMPLEX_IMAGE_COMPONENT: Tag = Tag(0x0008, 0x9208);
/// Frame Type (0008,9007) of the frame type groups.
const FRAME_TYPE: Tag = Tag(0x0008, 0x9007);
/// Unassigned Per-Frame Converted Attributes Sequence (0020,9171) of legacy converted objects.
const UNASSIGNED: Tag = Tag(0x0020, 0x9171);
/// Frame Content Sequence (0020,9111).
const FRAME_CONTENT: Tag = Tag(0x0020, 0x9111);

/// Longest vector or private value that is read, bytes.
const MOST_BYTES: u64 = 2 << 20;

/// Most frames whose vectors are followed.
const MOST_VECTOR: usize = 65_536;

/// Short values of classic objects that are read here alone.
pub(super) const TEXTS: &[Tag] = &[
    tags::ECHO_NUMBERS,
    tags::INVERSION_TIME,
    tags::FLIP_ANGLE,
    tags::TEMPORAL_POSITION_IDENTIFIER,
    tags::TRIGGER_TIME,
    tags::FRAME_REFERENCE_TIME,
    tags::ACQUISITION_NUMBER,
];

/// Reads the facts and the concatenation. One list of facts for all frames, or one per frame where groups or vectors
/// describe them one by one.
pub(super) fn object_parts(
    structure: &Structure,
    data_set: &DataSet,
    frames: usize,
    modality: &str,
) -> ObjectParts {
    let mut parts = ObjectParts {
        concatenation: concatenation(structure),
        ..ObjectParts::default()
    };
    if modality == "SEG" {
        // Segments lie over each other on purpose; they are one object.
        return parts;
    }
    let object = classic(structure, data_set);
    let groups = items(data_set, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).len();
    if groups > 0 {
        let places = dimensions_without_places(data_set);
        let nothing = DataSet::default();
        // What all frames share tells none of them apart, and would cost memory for each.
        let of_frame = |k| enhanced(&Groups::of_frame_alone(&nothing, data_set, k), &places);
        parts.facts = (0..frames.min(groups)).map(of_frame).collect();
    } else if let Some(vectors) = Vectors::read(structure, frames) {
        parts.facts = (0..frames).map(|k| vectors.facts(k)).collect();
    } else if !object.is_empty() {
        parts.facts = vec![object];
    }
    parts
}

/// Attributes of the object as a whole.
fn classic(structure: &Structure, data_set: &DataSet) -> FrameFacts {
    let mut facts = FrameFacts::default();
    let decimal = |tag| first_decimal(&ascii(data_set, tag));
    facts.add_word(
        Axis::ImageType,
        plain_words(&ascii(data_set, tags::IMAGE_TYPE)),
    );
    facts.add_number(Axis::Kvp, decimal(tags::KVP));
    facts.add_word(
        Axis::Kernel,
        plain_words(&ascii(data_set, tags::CONVOLUTION_KERNEL)),
    );
    let (b_value, direction) = diffusion(structure);
    facts.add_number(Axis::DiffusionBValue, b_value);
    facts.add_direction(Axis::DiffusionDirection, direction);
    facts.add_number(Axis::EchoTime, decimal(tags::ECHO_TIME));
    facts.add_number(Axis::EchoNumber, decimal(tags::ECHO_NUMBERS));
    facts.add_number(Axis::InversionTime, decimal(tags::INVERSION_TIME));
    facts.add_number(Axis::FlipAngle, decimal(tags::FLIP_ANGLE));
    let position = decimal(tags::TEMPORAL_POSITION_IDENTIFIER).or_else(|| {
        structure
            .binary(tags::TEMPORAL_POSITION_INDEX)
            .first()
            .copied()
    });
    facts.add_number(Axis::TemporalPosition, position);
    let percentage = structure.binary(tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE);
    facts.add_number(Axis::CardiacPhase, percentage.first().copied());
    facts.add_number(Axis::TriggerTime, decimal(tags::TRIGGER_TIME));
    facts.add_number(
        Axis::FrameReferenceTime,
        decimal(tags::FRAME_REFERENCE_TIME),
    );
    facts.add_number(Axis::AcquisitionNumber, decimal(tags::ACQUISITION_NUMBER));
    let clock = |tag| seconds_of_day(&ascii(data_set, tag));
    let combined = ascii(data_set, tags::ACQUISITION_DATE_TIME);
    let acquired =
        clock(tags::ACQUISITION_TIME).or_else(|| combined.get(8..).and_then(seconds_of_day));
    facts.add_number(Axis::AcquisitionTime, acquired);
    facts.add_number(Axis::ContentTime, clock(tags::CONTENT_TIME));
    facts
}

/// The values of an image type or a kernel as one word, short and without signs that could pretend something.
fn plain_words(value: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || " _/+-".contains(c);
    let values = value.split('\\').take(16).map(|v| {
        let word: String = v.trim().chars().filter(|c| known(*c)).take(16).collect();
        word
    });
    let joined: Vec<String> = values.collect();
    if joined.iter().all(String::is_empty) {
        return String::new();
    }
    joined.join("\\")
}

fn first_decimal(value: &str) -> Option<f64> {
    parse_decimal(value.split('\\').next()?)
}

/// `TM` or the second half of a `DT` as seconds of the day.
fn seconds_of_day(value: &str) -> Option<f64> {
    let plain: String = value.chars().filter(|c| *c != ':').collect();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let whole = whole.get(..6).filter(|w| digits(w))?;
    let part = |range: std::ops::Range<usize>| whole.get(range).and_then(|p| p.parse::<f64>().ok());
    let seconds = part(0..2)? * 3600.0 + part(2..4)? * 60.0 + part(4..6)?;
    let end = fraction.find(|c: char| !c.is_ascii_digit());
    let fraction = fraction.get(..end.unwrap_or(fraction.len())).unwrap_or("");
    let behind = format!("0.{fraction}0").parse::<f64>().unwrap_or(0.0);
    Some(seconds + behind)
}

/// b-value and direction: the standard's attributes, or those of the three private groups that came before them.
fn diffusion(structure: &Structure) -> (Option<f64>, Option<[f64; 3]>) {
    let first = |values: Vec<f64>| values.first().copied();
    let triple = |values: Vec<f64>| <[f64; 3]>::try_from(values).ok();
    let private = |group, creator, element| structure.private(group, creator, element);
    let decimal =
        |element: Option<&Element>| element.and_then(|e| first_decimal(&structure.ascii(e.tag)));
    let b_value = first(structure.binary(tags::DIFFUSION_B_VALUE))
        .or_else(|| decimal(private(0x0019, "SIEMENS MR HEADER", 0x0C)))
        .or_else(|| {
            let raw = decimal(private(0x0043, "GEMS_PARM_01", 0x39))?;
            // Newer versions add 10⁹ to say that the number is to be trusted.
            Some(if raw >= 1e9 { raw % 1e5 } else { raw })
        })
        .or_else(|| {
            let element = private(0x2001, "Philips Imaging DD 001", 0x03)?;
            first(structure.binary(element.tag))
        })
        .filter(|b| (0.0..1e6).contains(b));
    let each = |group, creator, elements: [u8; 3], read: &dyn Fn(Tag) -> Option<f64>| {
        let mut out = [0.0; 3];
        for (value, element) in out.iter_mut().zip(elements) {
            *value = read(private(group, creator, element)?.tag)?;
        }
        Some(out)
    };
    let text_of = |tag| first_decimal(&structure.ascii(tag));
    let binary_of = |tag| first(structure.binary(tag));
    let direction = triple(structure.binary(tags::DIFFUSION_GRADIENT_ORIENTATION))
        .or_else(|| {
            let element = private(0x0019, "SIEMENS MR HEADER", 0x0E)?;
            triple(structure.binary(element.tag))
        })
        .or_else(|| each(0x0019, "GEMS_ACQU_01", [0xBB, 0xBC, 0xBD], &text_of))
        .or_else(|| {
            let creator = "Philips MR Imaging DD 001";
            each(0x2005, creator, [0xB0, 0xB1, 0xB2], &binary_of)
        });
    (b_value, direction)
}

/// Facts of one frame of an enhanced object.
fn enhanced(groups: &Groups<'_>, places: &[bool]) -> FrameFacts {
    let mut facts = FrameFacts::default();
    let first = |sequence, tag| numbers_of(groups.get(sequence, tag)?).first();
    let legacy = |tag| first(UNASSIGNED, tag);
    let frame_type = [
        tags::MR_IMAGE_FRAME_TYPE_SEQUENCE,
        tags::CT_IMAGE_FRAME_TYPE_SEQUENCE,
        tags::PET_FRAME_TYPE_SEQUENCE,
    ]
    .into_iter()
    .find_map(|sequence| groups.group(sequence));
    if let Some(group) = frame_type {
        let component = text(group, COMPLEX_IMAGE_COMPONENT);
        let kind = format!("{}\\{component}", text(group, FRAME_TYPE));
        facts.add_word(Axis::ImageType, plain_words(kind.trim_matches('\\')));
    }
    facts.add_number(Axis::Kvp, first(tags::CTX_RAY_DETAILS_SEQUENCE, tags::KVP));
    if let Some(group) = groups.group(tags::CT_RECONSTRUCTION_SEQUENCE) {
        facts.add_word(
            Axis::Kernel,
            plain_words(&text(group, tags::CONVOLUTION_KERNEL)),
        );
    }
    let diffusion = tags::MR_DIFFUSION_SEQUENCE;
    facts.add_number(
        Axis::DiffusionBValue,
        first(diffusion, tags::DIFFUSION_B_VALUE),
    );
    let direction = groups.group(diffusion).and_then(|group| {
        let item = first_item(group, tags::DIFFUSION_GRADIENT_DIRECTION_SEQUENCE)?;
        <[f64; 3]>::try_from(numbers(item, tags::DIFFUSION_GRADIENT_ORIENTATION).values()).ok()
    });
    facts.add_direction(Axis::DiffusionDirection, direction);
    let echo = first(tags::MR_ECHO_SEQUENCE, tags::EFFECTIVE_ECHO_TIME);
    facts.add_number(Axis::EchoTime, echo.or_else(|| legacy(tags::ECHO_TIME)));
    let inversion = first(tags::MR_MODIFIER_SEQUENCE, tags::INVERSION_TIMES);
    let inversion = inversion.or_else(|| legacy(tags::INVERSION_TIME));
    facts.add_number(Axis::InversionTime, inversion);
    let timing = tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE;
    facts.add_number(Axis::FlipAngle, first(timing, tags::FLIP_ANGLE));
    let position = first(FRAME_CONTENT, tags::TEMPORAL_POSITION_INDEX)
        .or_else(|| {
            let sequence = tags::TEMPORAL_POSITION_SEQUENCE;
            first(sequence, tags::TEMPORAL_POSITION_TIME_OFFSET)
        })
        .or_else(|| legacy(tags::TEMPORAL_POSITION_IDENTIFIER));
    facts.add_number(Axis::TemporalPosition, position);
    let cardiac = tags::CARDIAC_SYNCHRONIZATION_SEQUENCE;
    facts.add_number(
        Axis::CardiacPhase,
        first(cardiac, tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE),
    );
    let delay = first(cardiac, tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME);
    let delay = delay.or_else(|| legacy(tags::TRIGGER_TIME));
    facts.add_number(Axis::TriggerTime, delay);
    if let Some(content) = groups.group(FRAME_CONTENT) {
        let values = numbers(content, tags::DIMENSION_INDEX_VALUES).values();
        let kept: Vec<String> = values
            .iter()
            .zip(places)
            .filter(|(_, place)| !**place)
            .map(|(v, _)| format!("{v:08}"))
            .collect();
        facts.add_word(Axis::Dimensions, kept.join("."));
        let number = numbers(content, tags::FRAME_ACQUISITION_NUMBER).first();
        facts.add_number(Axis::AcquisitionNumber, number);
        let time = text(content, tags::FRAME_ACQUISITION_DATE_TIME);
        let time = time.get(8..).and_then(seconds_of_day);
        facts.add_number(Axis::AcquisitionTime, time);
    }
    facts.add_number(Axis::AcquisitionNumber, legacy(tags::ACQUISITION_NUMBER));
    facts
}

/// For each dimension of Dimension Index Sequence (PS3.3 C.7.6.17) whether it says where a frame lies.
fn dimensions_without_places(data_set: &DataSet) -> Vec<bool> {
    let dimensions = items(data_set, tags::DIMENSION_INDEX_SEQUENCE);
    let is_place = |item: &DataSet| {
        let pointed = item.get(tags::DIMENSION_INDEX_POINTER)?.tag()?;
        Some(matches!(
            pointed,
            tags::IMAGE_POSITION_PATIENT
                | tags::IMAGE_ORIENTATION_PATIENT
                | tags::IN_STACK_POSITION_NUMBER
                | tags::STACK_ID
                | tags::IMAGE_POSITION_VOLUME
                | tags::IMAGE_ORIENTATION_VOLUME
                | tags::ROW_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX
                | tags::COLUMN_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX
        ))
    };
    // What cannot be read is taken as a place: it splits nothing.
    let all = dimensions.iter().take(64);
    all.map(|item| is_place(item).unwrap_or(true)).collect()
}

/// The vectors of nuclear medicine (PS3.3 C.8.4.8), one entry a frame.
struct Vectors {
    energy: Vec<f64>,
    detector: Vec<f64>,
    gates: Vec<Vec<f64>>,
}

impl Vectors {
    fn read(structure: &Structure, frames: usize) -> Option<Self> {
        let vector = |tag| {
            let values = structure.binary(tag);
            if values.len() == frames {
                values
            } else {
                Vec::new()
            }
        };
        let vectors = Self {
            energy: vector(tags::ENERGY_WINDOW_VECTOR),
            detector: vector(tags::DETECTOR_VECTOR),
            gates: vec![
                vector(tags::PHASE_VECTOR),
                vector(tags::RR_INTERVAL_VECTOR),
                vector(tags::TIME_SLOT_VECTOR),
            ],
        };
        let said = (2..=MOST_VECTOR).contains(&frames)
            && !(vectors.energy.is_empty()
                && vectors.detector.is_empty()
                && vectors.gates.iter().all(Vec::is_empty));
        said.then_some(vectors)
    }

    fn facts(&self, frame: usize) -> FrameFacts {
        let mut facts = FrameFacts::default();
        facts.add_number(Axis::EnergyWindow, self.energy.get(frame).copied());
        facts.add_number(Axis::Detector, self.detector.get(frame).copied());
        let gates = self.gates.iter().filter(|v| !v.is_empty());
        let gate = gates.fold(None, |number, vector| {
            let entry = vector.get(frame).copied()?;
            Some(number.unwrap_or(0.0) * 65536.0 + entry)
        });
        facts.add_number(Axis::GatedPhase, gate);
        facts
    }
}

/// The concatenation that an object belongs to.
fn concatenation(structure: &Structure) -> Option<Concatenation> {
    let uid = structure.ascii(tags::CONCATENATION_UID);
    let sane =
        !uid.is_empty() && uid.len() <= 64 && uid.chars().all(|c| c.is_ascii_digit() || c == '.');
    let whole = |tag| structure.binary(tag).first().copied();
    let number = whole(tags::IN_CONCATENATION_NUMBER).filter(|n| *n >= 1.0)?;
    sane.then(|| Concatenation {
        uid,
        number: number as u16,
        total: whole(tags::IN_CONCATENATION_TOTAL_NUMBER)
            .filter(|n| *n >= 1.0)
            .map(|n| n as u16),
        offset: whole(tags::CONCATENATION_FRAME_OFFSET_NUMBER).map(|n| n as u32),
    })
}

/// How a known attribute is written in binary.
#[derive(Clone, Copy)]
enum Binary {
    U16,
    U32,
    F32,
    F64,
}

impl Structure {
    /// Values of a binary element by what its tag is known to hold, or by its VR for private ones; empty when absent,
    /// long, not a whole number of values, or not finite.
    fn binary(&self, tag: Tag) -> Vec<f64> {
        let Some(element) = self.element(tag) else {
            return Vec::new();
        };
        let length = element.end - element.value;
        if length > MOST_BYTES {
            return Vec::new();
        }
        let kind = match (tag, &element.vr) {
            (_, b"US") => Binary::U16,
            (_, b"UL") => Binary::U32,
            (_, b"FL") => Binary::F32,
            (_, b"FD") => Binary::F64,
            (Tag(0x0054, _) | tags::IN_CONCATENATION_NUMBER, _)
            | (tags::IN_CONCATENATION_TOTAL_NUMBER, _) => Binary::U16,
            (tags::CONCATENATION_FRAME_OFFSET_NUMBER | tags::TEMPORAL_POSITION_INDEX, _) => {
                Binary::U32
            }
            (Tag(0x2001 | 0x2005, _) | tags::NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE, _) => Binary::F32,
            _ => Binary::F64,
        };
        let bytes = self.source.read_vec(element.value, length);
        let bytes = bytes.unwrap_or_default();
        // Unknown values stay little endian (PS3.5 section 6.2.2, note 2).
        let big = self.encoding.big_endian && &element.vr != b"UN";
        let values: Vec<f64> = match kind {
            Binary::U16 => each(&bytes, big, |b| f64::from(u16::from_le_bytes(b))),
            Binary::U32 => each(&bytes, big, |b| f64::from(u32::from_le_bytes(b))),
            Binary::F32 => each(&bytes, big, |b| f64::from(f32::from_le_bytes(b))),
            Binary::F64 => each(&bytes, big, f64::from_le_bytes),
        };
        if values.iter().all(|v| v.is_finite()) {
            values
        } else {
            Vec::new()
        }
    }

    /// A private element, by who reserved its block (PS3.5 section 7.8.1).
    pub(super) fn private(&self, group: u16, creator: &str, element: u8) -> Option<&Element> {
        let first = key(Tag(group, 0x10));
        let first = self.elements.partition_point(|e| key(e.tag) < first);
        let creators = self.elements.iter().skip(first);
        let block = creators
            .take_while(|e| e.tag.0 == group && e.tag.1 <= 0xFF)
            .find(|e| self.ascii(e.tag).trim_end() == creator)?
            .tag
            .1;
        self.element(Tag(group, block << 8 | u16::from(element)))
    }
}

fn each<const N: usize>(bytes: &[u8], big: bool, value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Vec::new();
    }
    let in_order = chunks.iter().map(|chunk| {
        let mut chunk = *chunk;
        if big {
            chunk.reverse();
        }
        value(chunk)
    });
    in_order.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_of_the_day() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(seconds_of_day(text), expected, "{text}");
        };
        check("010203", Some(3723.0));
        check("010203.5", Some(3723.5));
        check("01:02:03.25", Some(3723.25));
        check("010203.500000+0100", Some(3723.5));
        check("0102", None);
        check("abcdef", None);
        check("", None);
    }

    #[test]
    fn image_types_keep_their_values_apart() {
        assert_eq!(
            plain_words("ORIGINAL\\PRIMARY\\M\\ND "),
            "ORIGINAL\\PRIMARY\\M\\ND"
        );
        assert_eq!(plain_words("\\\\"), "");
        assert_eq!(plain_words("A\u{202e}B"), "AB");
    }

    #[test]
    fn binary_values_are_whole_or_nothing() {
        assert_eq!(
            each(&[1, 0, 2, 0], false, |b| f64::from(u16::from_le_bytes(b))),
            [1.0, 2.0]
        );
        assert_eq!(
            each(&[0, 1], true, |b| f64::from(u16::from_le_bytes(b))),
            [1.0]
        );
        assert!(each(&[1, 0, 2], false, |b| f64::from(u16::from_le_bytes(b))).is_empty());
    }
}
