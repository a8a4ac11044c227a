//! What a segmentation says of its segments and frames, for reading its voxels (PS3.3 C.8.20).
//!
//! Must stay true: a segment that is described twice, a frame of a segment that is not described, a form that is not
//! known are refused; nothing is made up for them. Where frames lie is read with their pictures.

use super::{
    tree::{Item, Tree},
    writer::code_in,
};
use crate::{
    dicom::{
        colour::rgb_from_lab,
        guard::{Fault, Structure},
        header::safe_uid,
        write::segmentation::{CREATOR, MODEL},
    },
    model::{
        annotation::Code,
        segmentation::{
            Segment, SegmentOrigin, SegmentState,
            exchange::{Form, FractionKind},
        },
    },
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::collections::{BTreeMap, BTreeSet};

/// Private elements of our own segments: creator, state, number, which codes nobody chose, how sure the network was.
const OWN_CREATOR: Tag = Tag(0x0063, 0x0010);
const OWN_STATE: Tag = Tag(0x0063, 0x1001);
const OWN_NUMBER: Tag = Tag(0x0063, 0x1002);
const OWN_OPEN: Tag = Tag(0x0063, 0x1003);
const OWN_PROBABILITY: Tag = Tag(0x0063, 0x1004);

/// Most pictures that one frame is said to come from.
const MOST_SOURCES: usize = 64;

/// A picture that a frame was made on: SOP Instance UID and frame, counted from 1.
pub type SourceFrame = (String, u32);

/// What a frame says beside where it lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameOf {
    /// Number of its segment in the file; `None` in a label map.
    pub segment: Option<u16>,
    /// Pictures that it was made on.
    pub sources: Vec<SourceFrame>,
    /// Spacing Between Slices (0018,0088) in nanometres; 0 when absent.
    pub between_nm: u64,
}

/// The object without its voxels.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentHeader {
    /// Which form.
    pub form: Form,
    /// Kind and greatest value of a FRACTIONAL one.
    pub fraction: Option<(FractionKind, u16)>,
    /// Series Description, else Content Description, else Content Label.
    pub title: String,
    /// Maker and model of the program.
    pub maker: String,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// The segments by their number in the file; each has the number that it gets here.
    pub segments: BTreeMap<u16, Segment>,
    /// One for each frame.
    pub frames: Vec<FrameOf>,
    /// Series that it names.
    pub series: BTreeSet<String>,
    /// Value of what is no segment in a label map.
    pub background: u16,
}

/// Reads what a segmentation says of its segments and frames.
///
/// # Errors
/// `NOT_SEGMENTATION`, `SEGMENTATION_TYPE`, `NO_SEGMENT`, `SEGMENT_NUMBER`, `SEGMENT_UNDESCRIBED`,
/// `MAXIMUM_FRACTION`.
pub fn segments(structure: &Structure) -> Result<SegmentHeader, Fault> {
    let tree = Tree::read(structure, |_| true)?;
    let root = tree.root();
    let form = match tree.text(root, tags::SEGMENTATION_TYPE).as_str() {
        "BINARY" => Form::Binary,
        "FRACTIONAL" => Form::Fractional,
        "LABELMAP" => Form::LabelMap,
        "" => {
            let text = "the object does not say of which type its segmentation (0062,0001) is";
            return Err(Fault::rejected("NOT_SEGMENTATION", text));
        }
        _ => {
            let text = "the segmentation type (0062,0001) is not known";
            return Err(Fault::unsupported("SEGMENTATION_TYPE", text));
        }
    };
    let fraction = match form {
        Form::Fractional => Some(fraction(&tree, root)?),
        _ => None,
    };
    let manufacturer = tree.text(root, tags::MANUFACTURER);
    let model = tree.text(root, tags::MANUFACTURER_MODEL_NAME);
    let mut described = BTreeMap::new();
    let mut own_numbers = Vec::new();
    for item in tree.items(root, tags::SEGMENT_SEQUENCE) {
        let number = tree.whole(item, tags::SEGMENT_NUMBER);
        let number = number.and_then(|n| u16::try_from(n).ok());
        // A label map may describe its background as a segment.
        let Some(number) = number.filter(|n| *n > 0 || form == Form::LabelMap) else {
            let text = "a segment's number (0062,0004) is missing or out of its range";
            return Err(Fault::rejected("SEGMENT_NUMBER", text));
        };
        let segment = segment(&tree, item, number);
        own_numbers.push(tree.whole(item, OWN_NUMBER).filter(|_| own(&tree, item)));
        if described.insert(number, segment).is_some() {
            let text = format!("segment {number} is described twice");
            return Err(Fault::rejected("SEGMENT_NUMBER", text));
        }
    }
    if described.is_empty() {
        let text = "no segment is described (0062,0002)";
        return Err(Fault::rejected("NO_SEGMENT", text));
    }
    if model == MODEL {
        renumber(&mut described, &own_numbers);
    }
    let background = tree
        .whole(root, tags::PIXEL_PADDING_VALUE)
        .and_then(|n| u16::try_from(n).ok())
        .unwrap_or(0);
    if form == Form::LabelMap {
        described.remove(&background);
        described.remove(&0);
    }
    let frames = frames(&tree, root, form, &described)?;
    let series = tree
        .items(root, tags::REFERENCED_SERIES_SEQUENCE)
        .map(|item| safe_uid(&tree.text(item, tags::SERIES_INSTANCE_UID)))
        .collect();
    let titles = [
        tags::SERIES_DESCRIPTION,
        tags::CONTENT_DESCRIPTION,
        tags::CONTENT_LABEL,
    ];
    let title = titles.into_iter().map(|tag| tree.text(root, tag));
    Ok(SegmentHeader {
        form,
        fraction,
        title: title
            .into_iter()
            .find(|t| !t.is_empty())
            .unwrap_or_default(),
        maker: format!("{manufacturer} {model}").trim().to_owned(),
        instance_uid: safe_uid(&tree.text(root, tags::SOP_INSTANCE_UID)),
        segments: described,
        frames,
        series,
        background,
    })
}

fn fraction(tree: &Tree<'_>, root: Item) -> Result<(FractionKind, u16), Fault> {
    let maximum = tree.whole(root, tags::MAXIMUM_FRACTIONAL_VALUE);
    let maximum = maximum
        .and_then(|n| u16::try_from(n).ok())
        .filter(|n| (1..=255).contains(n));
    let Some(maximum) = maximum else {
        let text = "Maximum Fractional Value (0062,000E) is not between 1 and 255";
        return Err(Fault::rejected("MAXIMUM_FRACTION", text));
    };
    let kind = match tree.text(root, tags::SEGMENTATION_FRACTIONAL_TYPE).as_str() {
        "OCCUPANCY" => FractionKind::Occupancy,
        _ => FractionKind::Probability,
    };
    Ok((kind, maximum))
}

fn own(tree: &Tree<'_>, item: Item) -> bool {
    tree.text(item, OWN_CREATOR) == CREATOR
}

/// Gives segments the numbers back that they had here, when all of them are told and none twice.
fn renumber(described: &mut BTreeMap<u16, Segment>, own: &[Option<i64>]) {
    let numbers: BTreeSet<u16> = own
        .iter()
        .filter_map(|n| n.and_then(|n| u16::try_from(n).ok()))
        .filter(|n| *n > 0)
        .collect();
    if numbers.len() != described.len() || own.len() != described.len() {
        return;
    }
    // Items are in the order of the file, which is that of the numbers in what is written here.
    let told = own.iter().flatten().filter_map(|n| u16::try_from(*n).ok());
    for (segment, number) in described.values_mut().zip(told) {
        segment.number = number;
    }
}

fn annotation_code(tree: &Tree<'_>, item: Item, tag: Tag) -> Option<Code> {
    let code = code_in(tree, item, tag)?;
    Some(Code {
        value: code.value,
        scheme: code.scheme,
        meaning: code.meaning,
    })
}

fn segment(tree: &Tree<'_>, item: Item, number: u16) -> Segment {
    let mut segment = Segment::new(number, tree.text(item, tags::SEGMENT_LABEL));
    segment.category = annotation_code(tree, item, tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE);
    segment.property_type =
        annotation_code(tree, item, tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE);
    segment.anatomic_region = annotation_code(tree, item, tags::ANATOMIC_REGION_SEQUENCE);
    segment.tracking_uid = safe_uid(&tree.text(item, tags::TRACKING_UID));
    let lab = tree.numbers(item, tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE, 3);
    if let Ok(lab) = <[f64; 3]>::try_from(lab)
        && lab.iter().all(|v| (0.0..=65_535.0).contains(v))
    {
        let rgb = rgb_from_lab(lab.map(|v| v as u16));
        segment.color = rgb.map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8);
    }
    let identity = tree.first(item, tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE);
    let said = |tag| identity.map_or_else(String::new, |of| tree.text(of, tag));
    let algorithm = match said(tags::ALGORITHM_NAME) {
        name if name.is_empty() => tree.text(item, tags::SEGMENT_ALGORITHM_NAME),
        name => name,
    };
    let version = said(tags::ALGORITHM_VERSION);
    let parameters = said(tags::ALGORITHM_PARAMETERS);
    let hash = parameters.strip_prefix("sha256=").unwrap_or_default();
    let hash = Some(hash).filter(|h| h.len() == 64 && h.chars().all(|c| c.is_ascii_hexdigit()));
    (segment.origin, segment.state) = match tree.text(item, tags::SEGMENT_ALGORITHM_TYPE).as_str() {
        "AUTOMATIC" => (
            SegmentOrigin::Automatic {
                algorithm,
                version,
                sha256: hash.unwrap_or_default().to_owned(),
            },
            SegmentState::Proposed,
        ),
        "SEMIAUTOMATIC" => (
            SegmentOrigin::SemiAutomatic { algorithm, version },
            SegmentState::Edited,
        ),
        _ => (SegmentOrigin::Manual, SegmentState::Edited),
    };
    if own(tree, item) {
        let state = tree.text(item, OWN_STATE).to_ascii_lowercase();
        segment.state = SegmentState::named(&state).unwrap_or(segment.state);
        let sure = tree.numbers(item, OWN_PROBABILITY, 1);
        let sure = sure.first().copied();
        segment.probability = sure.filter(|p| (0.0..=1.0).contains(p));
        let open = tree.text(item, OWN_OPEN);
        if matches!(open.as_str(), "BOTH" | "CATEGORY") {
            segment.category = None;
        }
        if matches!(open.as_str(), "BOTH" | "TYPE") {
            segment.property_type = None;
        }
    }
    segment
}

/// What the groups say of each frame; those of a frame win over those of all.
fn frames(
    tree: &Tree<'_>,
    root: Item,
    form: Form,
    described: &BTreeMap<u16, Segment>,
) -> Result<Vec<FrameOf>, Fault> {
    let shared = tree.first(root, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let of_all = shared.map(|item| frame(tree, item)).unwrap_or_default();
    let mut frames = Vec::new();
    for item in tree.items(root, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE) {
        let mut own = frame(tree, item);
        own.segment = own.segment.or(of_all.segment);
        if own.sources.is_empty() {
            own.sources.clone_from(&of_all.sources);
        }
        if own.between_nm == 0 {
            own.between_nm = of_all.between_nm;
        }
        match (form, own.segment) {
            (Form::LabelMap, _) => own.segment = None,
            (_, Some(number)) if described.contains_key(&number) => {}
            (_, Some(number)) => {
                let text = format!("a frame belongs to segment {number}, which is not described");
                return Err(Fault::rejected("SEGMENT_UNDESCRIBED", text));
            }
            (_, None) => {
                let text = "a frame does not say to which segment (0062,000B) it belongs";
                return Err(Fault::rejected("SEGMENT_UNDESCRIBED", text));
            }
        }
        frames.push(own);
    }
    Ok(frames)
}

fn frame(tree: &Tree<'_>, group: Item) -> FrameOf {
    let segment = tree
        .first(group, tags::SEGMENT_IDENTIFICATION_SEQUENCE)
        .and_then(|item| tree.whole(item, tags::REFERENCED_SEGMENT_NUMBER))
        .and_then(|n| u16::try_from(n).ok());
    let mut sources = Vec::new();
    for derivation in tree.items(group, tags::DERIVATION_IMAGE_SEQUENCE) {
        for image in tree.items(derivation, tags::SOURCE_IMAGE_SEQUENCE) {
            let uid = safe_uid(&tree.text(image, tags::REFERENCED_SOP_INSTANCE_UID));
            let mut numbers = tree.numbers(image, tags::REFERENCED_FRAME_NUMBER, MOST_SOURCES);
            if numbers.is_empty() {
                numbers.push(1.0);
            }
            let whole = numbers.into_iter().filter(|n| *n >= 1.0 && *n < 4e9);
            sources.extend(whole.map(|n| (uid.clone(), n as u32)));
            sources.truncate(MOST_SOURCES);
        }
    }
    let between = tree
        .first(group, tags::PIXEL_MEASURES_SEQUENCE)
        .map(|item| tree.numbers(item, tags::SPACING_BETWEEN_SLICES, 1))
        .and_then(|values| values.first().copied())
        .filter(|mm| (1e-6..1e6).contains(mm));
    FrameOf {
        segment,
        sources,
        between_nm: between.map_or(0, |mm| (mm * 1e6).round() as u64),
    }
}
