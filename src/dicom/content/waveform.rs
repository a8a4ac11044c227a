//! Waveforms: multiplex groups, channels and annotations (PS3.3 sections A.34, C.10.9, C.10.10).

use super::{
    tree::{Item, Tree},
    writer::{Writer, code_in, figures, rows},
};
use crate::model::{
    content::Value,
    finding::{Finding, Severity},
};
use dicom_dictionary_std::tags;

/// The facts above the tree.
pub(super) fn head(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::ACQUISITION_DATE_TIME,
            tags::CONTENT_DATE,
            tags::CONTENT_TIME,
            tags::SERIES_DESCRIPTION,
            tags::MANUFACTURER,
            tags::MANUFACTURER_MODEL_NAME,
            tags::INSTITUTION_NAME,
        ],
    );
}

/// The tree.
pub(super) fn content(writer: &mut Writer<'_, '_>, findings: &mut Vec<Finding>) {
    let tree = writer.tree;
    let root = tree.root();
    let groups: Vec<Item> = tree.items(root, tags::WAVEFORM_SEQUENCE).collect();
    for (group, number) in groups.into_iter().zip(1..) {
        self::group(writer, group, number, findings);
    }
    annotations(writer, root);
    let images: Vec<Item> = tree
        .items(root, tags::REFERENCED_INSTANCE_SEQUENCE)
        .collect();
    for image in images {
        let value = Value::Reference(Box::new(super::writer::reference(tree, image)));
        writer.attribute(0, tags::REFERENCED_INSTANCE_SEQUENCE, value);
    }
}

fn group(writer: &mut Writer<'_, '_>, group: Item, number: i64, findings: &mut Vec<Finding>) {
    let tree = writer.tree;
    let label = Value::Text(tree.text(group, tags::MULTIPLEX_GROUP_LABEL));
    let name = ("content-waveform-group", "Multiplex group");
    writer.heading(0, name, Some(number), label, true);
    writer.field(1, group, tags::WAVEFORM_ORIGINALITY);
    let channels = tree.whole(group, tags::NUMBER_OF_WAVEFORM_CHANNELS);
    let samples = tree.whole(group, tags::NUMBER_OF_WAVEFORM_SAMPLES);
    let rate = tree
        .numbers(group, tags::SAMPLING_FREQUENCY, 1)
        .first()
        .copied();
    writer.fields(
        1,
        group,
        &[
            tags::NUMBER_OF_WAVEFORM_CHANNELS,
            tags::NUMBER_OF_WAVEFORM_SAMPLES,
        ],
    );
    writer.quantity(1, group, tags::SAMPLING_FREQUENCY, "Hz");
    if let (Some(samples), Some(rate)) = (samples, rate)
        && rate > 0.0
    {
        let seconds = Value::Quantity(samples as f64 / rate, "s");
        writer.fact(1, ("content-duration", "Duration"), seconds);
    }
    writer.fields(
        1,
        group,
        &[
            tags::WAVEFORM_BITS_ALLOCATED,
            tags::WAVEFORM_SAMPLE_INTERPRETATION,
        ],
    );
    data(tree, group, channels, samples, findings);
    let defined: Vec<Item> = tree
        .items(group, tags::CHANNEL_DEFINITION_SEQUENCE)
        .collect();
    if channels.is_some_and(|n| n != defined.len() as i64) {
        let text = "a waveform has another number of channels than it says";
        push_once(findings, "WAVEFORM_CHANNELS_DIFFER", text);
    }
    for (channel, place) in defined.into_iter().zip(1..) {
        self::channel(writer, channel, place);
    }
}

/// Whether there are as many bytes as channels, samples and bits ask for.
fn data(
    tree: &Tree<'_>,
    group: Item,
    channels: Option<i64>,
    samples: Option<i64>,
    findings: &mut Vec<Finding>,
) {
    let bits = tree.whole(group, tags::WAVEFORM_BITS_ALLOCATED);
    let there = tree
        .find(group, tags::WAVEFORM_DATA)
        .map(|(_, entry)| i64::from(entry.length));
    let (Some(channels), Some(samples), Some(bits)) = (channels, samples, bits) else {
        return;
    };
    let wanted = channels
        .checked_mul(samples)
        .and_then(|n| n.checked_mul(bits / 8));
    let fits = match (wanted, there) {
        (Some(wanted), Some(there)) => there == wanted || there == wanted + wanted % 2,
        _ => false,
    };
    if !fits {
        let text = "a waveform has not as many bytes as its channels and samples ask for";
        push_once(findings, "WAVEFORM_DATA_LENGTH", text);
    }
}

fn push_once(findings: &mut Vec<Finding>, code: &'static str, text: &str) {
    if !findings.iter().any(|f| f.code == code) {
        findings.push(Finding::new(code, Severity::Warning, text));
    }
}

fn channel(writer: &mut Writer<'_, '_>, channel: Item, place: i64) {
    let tree = writer.tree;
    let number = tree.whole(channel, tags::WAVEFORM_CHANNEL_NUMBER);
    let source = code_in(tree, channel, tags::CHANNEL_SOURCE_SEQUENCE);
    let (value, personal) = match source {
        Some(code) => (Value::Code(Box::new(code)), false),
        None => (Value::Text(tree.text(channel, tags::CHANNEL_LABEL)), true),
    };
    let name = ("content-channel", "Channel");
    writer.heading(1, name, number.or(Some(place)), value, personal);
    writer.field(2, channel, tags::CHANNEL_LABEL);
    if let Some(sensitivity) = tree.numbers(channel, tags::CHANNEL_SENSITIVITY, 1).first() {
        let unit = code_in(tree, channel, tags::CHANNEL_SENSITIVITY_UNITS_SEQUENCE);
        let value = Value::Number {
            text: figures(*sensitivity),
            value: Some(*sensitivity),
            unit: unit.map(Box::new),
            qualifier: None,
        };
        writer.attribute(2, tags::CHANNEL_SENSITIVITY, value);
    }
    writer.fields(
        2,
        channel,
        &[
            tags::CHANNEL_SENSITIVITY_CORRECTION_FACTOR,
            tags::CHANNEL_BASELINE,
            tags::CHANNEL_SAMPLE_SKEW,
        ],
    );
    for tag in [
        tags::FILTER_LOW_FREQUENCY,
        tags::FILTER_HIGH_FREQUENCY,
        tags::NOTCH_FILTER_FREQUENCY,
    ] {
        writer.quantity(2, channel, tag, "Hz");
    }
}

/// Marks and measurements beside the curve.
fn annotations(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let all: Vec<Item> = tree
        .items(root, tags::WAVEFORM_ANNOTATION_SEQUENCE)
        .collect();
    for (item, number) in all.into_iter().zip(1..) {
        let measured = tree.numbers(item, tags::NUMERIC_VALUE, 4);
        let (value, personal) = if measured.is_empty() {
            let text = tree.text(item, tags::UNFORMATTED_TEXT_VALUE);
            match code_in(tree, item, tags::CONCEPT_CODE_SEQUENCE) {
                Some(code) => (Value::Code(Box::new(code)), false),
                None if text.is_empty() => (Value::None, false),
                None => (Value::Text(text), true),
            }
        } else {
            let unit = code_in(tree, item, tags::MEASUREMENT_UNITS_CODE_SEQUENCE);
            let number = Value::Number {
                text: rows(&measured),
                value: measured.first().copied(),
                unit: unit.map(Box::new),
                qualifier: None,
            };
            (number, false)
        };
        match code_in(tree, item, tags::CONCEPT_NAME_CODE_SEQUENCE) {
            Some(concept) => writer.concept(0, concept, value, personal),
            None => {
                let name = ("content-annotation", "Annotation");
                writer.heading(0, name, Some(number), value, personal);
            }
        }
        writer.fields(
            1,
            item,
            &[
                tags::REFERENCED_WAVEFORM_CHANNELS,
                tags::TEMPORAL_RANGE_TYPE,
                tags::REFERENCED_SAMPLE_POSITIONS,
                tags::REFERENCED_TIME_OFFSETS,
                tags::REFERENCED_DATE_TIME,
            ],
        );
    }
}
