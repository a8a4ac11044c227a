//! What a PET image says of dose, body and times (PS3.3 C.8.9), for SUV. Strict: what cannot be read is absent.

use super::{
    elements::{DataSet, items, numbers, read_data_set, text, texts},
    guard::{Fault, Structure, Want},
};
use crate::model::{
    date::Date,
    pet::{
        FrameFacts, GeFacts, Moment, PetFacts, PhilipsFacts, RadiopharmaceuticalFacts, TimeOfDay,
        parse_utc_offset,
    },
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;

const TEXTS: &[Tag] = &[
    tags::SERIES_DATE,
    tags::ACQUISITION_DATE,
    tags::SERIES_TIME,
    tags::ACQUISITION_TIME,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::PATIENT_SEX,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::ACTUAL_FRAME_DURATION,
    tags::CORRECTED_IMAGE,
    tags::UNITS,
    tags::SUV_TYPE,
    tags::DECAY_CORRECTION,
    tags::FRAME_REFERENCE_TIME,
    tags::DECAY_FACTOR,
];

/// Private groups whose elements are read: GE and Philips.
const GE: u16 = 0x0009;
const PHILIPS: u16 = 0x7053;

fn wanted(tag: Tag) -> Want {
    let creator = (0x10..=0xFF).contains(&tag.1);
    let of_maker = match tag.0 {
        GE => creator || tag.1 & 0xFF == 0x0D,
        PHILIPS => creator || matches!(tag.1 & 0xFF, 0x00 | 0x09),
        _ => false,
    };
    if TEXTS.contains(&tag) || of_maker {
        Want::Text
    } else if tag == tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE {
        Want::Large
    } else {
        Want::No
    }
}

/// Reads the facts of one image.
///
/// # Errors
/// Those of reading a header.
pub(super) fn read(structure: &Structure) -> Result<PetFacts, Fault> {
    let data = read_data_set(structure, wanted)?;
    let number = |tag| numbers(&data, tag).first();
    let word = |tag| Some(text(&data, tag)).filter(|t| !t.is_empty());
    let date = |tag| Date::parse(&text(&data, tag));
    let time = |tag| TimeOfDay::parse(&text(&data, tag));
    Ok(PetFacts {
        units: word(tags::UNITS),
        suv_type: word(tags::SUV_TYPE),
        corrected_image: Some(texts(&data, tags::CORRECTED_IMAGE)).filter(|t| !t.is_empty()),
        decay_correction: word(tags::DECAY_CORRECTION),
        series_date: date(tags::SERIES_DATE),
        series_time: time(tags::SERIES_TIME),
        frames: vec![FrameFacts {
            acquisition_date: date(tags::ACQUISITION_DATE),
            acquisition_time: time(tags::ACQUISITION_TIME),
            utc_offset_minutes: parse_utc_offset(&text(&data, tags::TIMEZONE_OFFSET_FROM_UTC)),
            frame_reference_time_ms: number(tags::FRAME_REFERENCE_TIME),
            actual_frame_duration_ms: number(tags::ACTUAL_FRAME_DURATION),
            decay_factor: number(tags::DECAY_FACTOR),
        }],
        radiopharmaceuticals: items(&data, tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE)
            .iter()
            .take(16)
            .map(tracer)
            .collect(),
        patient_weight_kg: number(tags::PATIENT_WEIGHT),
        patient_size_m: number(tags::PATIENT_SIZE),
        patient_sex: word(tags::PATIENT_SEX),
        philips: philips(&data),
        ge: ge(&data),
    })
}

fn tracer(item: &DataSet) -> RadiopharmaceuticalFacts {
    let nuclide = items(item, tags::RADIONUCLIDE_CODE_SEQUENCE).first();
    let number = |tag| numbers(item, tag).first();
    RadiopharmaceuticalFacts {
        start_time: TimeOfDay::parse(&text(item, tags::RADIOPHARMACEUTICAL_START_TIME)),
        start_date_time: Moment::parse(&text(item, tags::RADIOPHARMACEUTICAL_START_DATE_TIME)),
        total_dose_bq: number(tags::RADIONUCLIDE_TOTAL_DOSE),
        half_life_secs: number(tags::RADIONUCLIDE_HALF_LIFE),
        nuclide: nuclide.map(|code| {
            let scheme = text(code, tags::CODING_SCHEME_DESIGNATOR);
            (scheme, text(code, tags::CODE_VALUE))
        }),
    }
}

/// Number of the block that a creator reserved in a private group (PS3.5 section 7.8.1).
fn block(data: &DataSet, group: u16, creator: &str) -> Option<u16> {
    (0x10..=0xFF).find(|&block| text(data, Tag(group, block)) == creator)
}

fn philips(data: &DataSet) -> Option<PhilipsFacts> {
    let creator = "Philips PET Private Group";
    let block = block(data, PHILIPS, creator)? << 8;
    Some(PhilipsFacts {
        creator: Some(creator.to_owned()),
        suv_scale: numbers(data, Tag(PHILIPS, block)).first(),
        activity_scale: numbers(data, Tag(PHILIPS, block | 0x09)).first(),
    })
}

fn ge(data: &DataSet) -> Option<GeFacts> {
    let creator = "GEMS_PETD_01";
    let block = block(data, GE, creator)? << 8;
    Some(GeFacts {
        creator: Some(creator.to_owned()),
        scan: Moment::parse(&text(data, Tag(GE, block | 0x0D))),
    })
}
