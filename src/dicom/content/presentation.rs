//! Presentation states: what is shown of which images, and what is drawn over them (PS3.3 sections A.33, C.10, C.11).

use super::{
    tree::{Item, Tree},
    writer::{Writer, reference},
};
use crate::model::content::{Points, Value};
use dicom_dictionary_std::tags;

/// Most graphics of one layer that are listed one by one.
const MOST_GRAPHICS: usize = 2000;

/// The tree.
pub(super) fn content(writer: &mut Writer<'_, '_>) {
    let tree = writer.tree;
    let root = tree.root();
    referenced_images(writer, 0, root);
    displayed_areas(writer, root);
    spatial(writer, root);
    grey(writer, root);
    shutters(writer, root);
    layers(writer, root);
    annotations(writer, root);
    blending(writer, root);
}

/// The facts above the tree.
pub(super) fn head(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::CONTENT_LABEL,
            tags::CONTENT_DESCRIPTION,
            tags::CONTENT_CREATOR_NAME,
            tags::PRESENTATION_CREATION_DATE,
            tags::PRESENTATION_CREATION_TIME,
            tags::SERIES_DESCRIPTION,
            tags::INSTANCE_NUMBER,
        ],
    );
}

/// Images by series (Referenced Series Sequence), each a node.
pub(super) fn referenced_images(writer: &mut Writer<'_, '_>, depth: usize, item: Item) {
    let tree = writer.tree;
    let series: Vec<Item> = tree.items(item, tags::REFERENCED_SERIES_SEQUENCE).collect();
    for series in series {
        let images: Vec<Item> = [
            tags::REFERENCED_IMAGE_SEQUENCE,
            tags::REFERENCED_INSTANCE_SEQUENCE,
            tags::REFERENCED_SOP_SEQUENCE,
        ]
        .into_iter()
        .flat_map(|list| tree.items(series, list))
        .collect();
        let uid = tree.text(series, tags::SERIES_INSTANCE_UID);
        writer.fact(
            depth,
            ("content-referenced-series", "Referenced series"),
            Value::Uid(uid, ""),
        );
        writer.count(
            depth + 1,
            ("content-instances", "Instances"),
            images.len() as u64,
        );
        for image in images {
            let value = Value::Reference(Box::new(reference(tree, image)));
            writer.attribute(depth + 1, tags::REFERENCED_IMAGE_SEQUENCE, value);
        }
    }
}

/// How many images an item is about, when not all.
fn only_some(writer: &mut Writer<'_, '_>, depth: usize, item: Item) {
    let images: Vec<Item> = writer
        .tree
        .items(item, tags::REFERENCED_IMAGE_SEQUENCE)
        .collect();
    for image in images {
        let value = Value::Reference(Box::new(reference(writer.tree, image)));
        writer.attribute(depth, tags::REFERENCED_IMAGE_SEQUENCE, value);
    }
}

fn displayed_areas(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let areas: Vec<Item> = tree
        .items(root, tags::DISPLAYED_AREA_SELECTION_SEQUENCE)
        .collect();
    for (area, number) in areas.into_iter().zip(1..) {
        writer.heading(
            0,
            ("content-displayed-area", "Displayed area"),
            Some(number),
            Value::None,
            false,
        );
        writer.fields(
            1,
            area,
            &[
                tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER,
                tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER,
                tags::PRESENTATION_SIZE_MODE,
                tags::PRESENTATION_PIXEL_SPACING,
                tags::PRESENTATION_PIXEL_ASPECT_RATIO,
                tags::PRESENTATION_PIXEL_MAGNIFICATION_RATIO,
            ],
        );
        only_some(writer, 1, area);
    }
}

fn spatial(writer: &mut Writer<'_, '_>, root: Item) {
    if let Some(degrees) = writer.tree.whole(root, tags::IMAGE_ROTATION) {
        let value = Value::Quantity(degrees as f64, "°");
        writer.attribute(0, tags::IMAGE_ROTATION, value);
    }
    writer.field(0, root, tags::IMAGE_HORIZONTAL_FLIP);
}

/// Modality LUT, VOI LUT and presentation LUT: windows as numbers, tables by their explanation.
fn grey(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    writer.fields(
        0,
        root,
        &[
            tags::RESCALE_INTERCEPT,
            tags::RESCALE_SLOPE,
            tags::RESCALE_TYPE,
        ],
    );
    tables(writer, 0, root, tags::MODALITY_LUT_SEQUENCE);
    let softcopy: Vec<Item> = tree.items(root, tags::SOFTCOPY_VOILUT_SEQUENCE).collect();
    for (item, number) in softcopy.into_iter().zip(1..) {
        let name = ("content-grey-window", "Window");
        writer.heading(0, name, Some(number), Value::None, false);
        window(writer, 1, item);
        only_some(writer, 1, item);
    }
    window(writer, 0, root);
    tables(writer, 0, root, tags::PRESENTATION_LUT_SEQUENCE);
    writer.field(0, root, tags::PRESENTATION_LUT_SHAPE);
    tables(writer, 0, root, tags::MASK_SUBTRACTION_SEQUENCE);
}

fn window(writer: &mut Writer<'_, '_>, depth: usize, item: Item) {
    writer.fields(
        depth,
        item,
        &[
            tags::WINDOW_CENTER,
            tags::WINDOW_WIDTH,
            tags::WINDOW_CENTER_WIDTH_EXPLANATION,
            tags::VOILUT_FUNCTION,
        ],
    );
    tables(writer, depth, item, tags::VOILUT_SEQUENCE);
}

fn tables(writer: &mut Writer<'_, '_>, depth: usize, item: Item, tag: dicom_object::Tag) {
    let tables: Vec<Item> = writer.tree.items(item, tag).collect();
    for table in tables {
        writer.attribute(depth, tag, Value::None);
        writer.fields(
            depth + 1,
            table,
            &[
                tags::LUT_DESCRIPTOR,
                tags::LUT_EXPLANATION,
                tags::MODALITY_LUT_TYPE,
                tags::MASK_OPERATION,
                tags::CONTRAST_FRAME_AVERAGING,
                tags::APPLICABLE_FRAME_RANGE,
            ],
        );
    }
}

fn shutters(writer: &mut Writer<'_, '_>, root: Item) {
    writer.fields(
        0,
        root,
        &[
            tags::SHUTTER_SHAPE,
            tags::SHUTTER_LEFT_VERTICAL_EDGE,
            tags::SHUTTER_RIGHT_VERTICAL_EDGE,
            tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
            tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
            tags::CENTER_OF_CIRCULAR_SHUTTER,
            tags::RADIUS_OF_CIRCULAR_SHUTTER,
            tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
            tags::SHUTTER_PRESENTATION_VALUE,
        ],
    );
}

fn layers(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let layers: Vec<Item> = tree.items(root, tags::GRAPHIC_LAYER_SEQUENCE).collect();
    for layer in layers {
        let name = Value::Text(tree.text(layer, tags::GRAPHIC_LAYER));
        writer.heading(0, ("content-layer", "Layer"), None, name, true);
        writer.fields(
            1,
            layer,
            &[
                tags::GRAPHIC_LAYER_ORDER,
                tags::GRAPHIC_LAYER_DESCRIPTION,
                tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE,
                tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_CIE_LAB_VALUE,
            ],
        );
    }
}

/// Graphics and texts (PS3.3 section C.10.5), by annotation.
fn annotations(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let all: Vec<Item> = tree
        .items(root, tags::GRAPHIC_ANNOTATION_SEQUENCE)
        .collect();
    for (annotation, number) in all.into_iter().zip(1..) {
        let layer = Value::Text(tree.text(annotation, tags::GRAPHIC_LAYER));
        let name = ("content-annotation", "Annotation");
        writer.heading(0, name, Some(number), layer, true);
        only_some(writer, 1, annotation);
        let lists = [
            (tags::TEXT_OBJECT_SEQUENCE, Drawn::Text),
            (tags::GRAPHIC_OBJECT_SEQUENCE, Drawn::Graphic),
            (tags::COMPOUND_GRAPHIC_SEQUENCE, Drawn::Compound),
        ];
        for (list, kind) in lists {
            let drawn: Vec<Item> = tree.items(annotation, list).collect();
            let more = drawn.len().saturating_sub(MOST_GRAPHICS);
            writer.out.leave_out(more as u64);
            for item in drawn.into_iter().take(MOST_GRAPHICS) {
                kind.write(writer, item);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Drawn {
    Text,
    Graphic,
    Compound,
}

impl Drawn {
    fn write(self, writer: &mut Writer<'_, '_>, item: Item) {
        let tree = writer.tree;
        match self {
            Self::Text => {
                let text = Value::Text(tree.text(item, tags::UNFORMATTED_TEXT_VALUE));
                writer.heading(1, ("content-text-object", "Text"), None, text, true);
                writer.fields(
                    2,
                    item,
                    &[
                        tags::BOUNDING_BOX_ANNOTATION_UNITS,
                        tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER,
                        tags::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER,
                        tags::ANCHOR_POINT_ANNOTATION_UNITS,
                        tags::ANCHOR_POINT,
                    ],
                );
            }
            Self::Graphic => {
                let points = points(tree, item, tags::GRAPHIC_TYPE);
                let value = Value::Points(Box::new(points));
                writer.fact(1, ("content-graphic", "Graphic"), value);
                writer.fields(2, item, &[tags::GRAPHIC_FILLED]);
                let units = [tags::GRAPHIC_ANNOTATION_UNITS];
                writer.fields(2, item, &units);
            }
            Self::Compound => {
                let points = points(tree, item, tags::COMPOUND_GRAPHIC_TYPE);
                let value = Value::Points(Box::new(points));
                writer.fact(1, ("content-graphic", "Graphic"), value);
            }
        }
    }
}

fn points(tree: &Tree<'_>, item: Item, kind: dicom_object::Tag) -> Points {
    let kind = tree.text(item, kind);
    Writer::new(tree).points(item, tags::GRAPHIC_DATA, kind, 2)
}

/// What is laid over what, in blending and colour states.
fn blending(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let all: Vec<Item> = tree.items(root, tags::BLENDING_SEQUENCE).collect();
    for item in all {
        writer.attribute(
            0,
            tags::BLENDING_POSITION,
            Value::Term(tree.text(item, tags::BLENDING_POSITION)),
        );
        referenced_images(writer, 1, item);
        window(writer, 1, item);
    }
    writer.fields(
        0,
        root,
        &[
            tags::RELATIVE_OPACITY,
            tags::PALETTE_COLOR_LOOKUP_TABLE_UID,
            tags::ADVANCED_BLENDING_SEQUENCE,
            tags::BLENDING_DISPLAY_SEQUENCE,
            tags::VOLUMETRIC_PRESENTATION_STATE_INPUT_SEQUENCE,
            tags::PRESENTATION_INPUT_TYPE,
            tags::MULTI_PLANAR_RECONSTRUCTION_STYLE,
        ],
    );
}
