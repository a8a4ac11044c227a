//! Registrations, fiducials and real world value mappings (PS3.3 sections A.39, A.40, A.46).

use super::{
    presentation::referenced_images,
    tree::Item,
    writer::{Writer, code_in, figures, rows},
};
use crate::model::content::Value;
use dicom_dictionary_std::tags;

/// The facts above any of these trees.
pub(super) fn head(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::CONTENT_LABEL,
            tags::CONTENT_DESCRIPTION,
            tags::CONTENT_CREATOR_NAME,
            tags::CONTENT_DATE,
            tags::CONTENT_TIME,
            tags::FRAME_OF_REFERENCE_UID,
            tags::SERIES_DESCRIPTION,
            tags::MANUFACTURER,
        ],
    );
}

/// Matrices of a rigid, affine or deformable registration.
pub(super) fn registration(writer: &mut Writer<'_, '_>) {
    let tree = writer.tree;
    let root = tree.root();
    for list in [
        tags::REGISTRATION_SEQUENCE,
        tags::DEFORMABLE_REGISTRATION_SEQUENCE,
    ] {
        let all: Vec<Item> = tree.items(root, list).collect();
        for (item, number) in all.into_iter().zip(1..) {
            let name = ("content-registration", "Registration");
            writer.heading(0, name, Some(number), Value::None, false);
            writer.fields(
                1,
                item,
                &[
                    tags::FRAME_OF_REFERENCE_UID,
                    tags::SOURCE_FRAME_OF_REFERENCE_UID,
                    tags::REGISTRATION_TYPE_CODE_SEQUENCE,
                ],
            );
            writer.items(1, item, tags::REFERENCED_IMAGE_SEQUENCE);
            let matrices: Vec<Item> = [
                tags::MATRIX_REGISTRATION_SEQUENCE,
                tags::PRE_DEFORMATION_MATRIX_REGISTRATION_SEQUENCE,
                tags::POST_DEFORMATION_MATRIX_REGISTRATION_SEQUENCE,
            ]
            .into_iter()
            .flat_map(|tag| tree.items(item, tag))
            .collect();
            for matrix in matrices {
                self::matrix(writer, 1, matrix);
            }
            let grids: Vec<Item> = tree
                .items(item, tags::DEFORMABLE_REGISTRATION_GRID_SEQUENCE)
                .collect();
            for grid in grids {
                writer.attribute(1, tags::DEFORMABLE_REGISTRATION_GRID_SEQUENCE, Value::None);
                writer.fields(
                    2,
                    grid,
                    &[
                        tags::GRID_DIMENSIONS,
                        tags::GRID_RESOLUTION,
                        tags::IMAGE_POSITION_PATIENT,
                        tags::IMAGE_ORIENTATION_PATIENT,
                    ],
                );
            }
        }
    }
    referenced_images(writer, 0, root);
}

/// The items of Matrix Sequence, or one matrix: four rows each.
fn matrix(writer: &mut Writer<'_, '_>, depth: usize, item: Item) {
    let tree = writer.tree;
    writer.fields(depth, item, &[tags::REGISTRATION_TYPE_CODE_SEQUENCE]);
    let mut all: Vec<Item> = tree.items(item, tags::MATRIX_SEQUENCE).collect();
    if all.is_empty() {
        all.push(item);
    }
    for matrix in all {
        let kind = tree.text(matrix, tags::FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX_TYPE);
        let values = tree.numbers(matrix, tags::FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX, 16);
        if values.is_empty() {
            continue;
        }
        writer.attribute(
            depth,
            tags::FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX,
            Value::Term(kind),
        );
        for (row, number) in values.chunks(4).zip(1..) {
            let name = ("content-row", "Row");
            writer.heading(depth + 1, name, Some(number), Value::Term(rows(row)), false);
        }
    }
}

/// Points that mark the same place in several pictures.
pub(super) fn fiducials(writer: &mut Writer<'_, '_>) {
    let tree = writer.tree;
    let root = tree.root();
    let sets: Vec<Item> = tree.items(root, tags::FIDUCIAL_SET_SEQUENCE).collect();
    for (set, number) in sets.into_iter().zip(1..) {
        let name = ("content-fiducial-set", "Fiducial set");
        writer.heading(0, name, Some(number), Value::None, false);
        writer.field(1, set, tags::FRAME_OF_REFERENCE_UID);
        writer.items(1, set, tags::REFERENCED_IMAGE_SEQUENCE);
        let marks: Vec<Item> = tree.items(set, tags::FIDUCIAL_SEQUENCE).collect();
        for mark in marks {
            let label = Value::Text(tree.text(mark, tags::FIDUCIAL_IDENTIFIER));
            writer.heading(1, ("content-fiducial", "Fiducial"), None, label, true);
            writer.fields(
                2,
                mark,
                &[
                    tags::FIDUCIAL_DESCRIPTION,
                    tags::FIDUCIAL_IDENTIFIER_CODE_SEQUENCE,
                    tags::SHAPE_TYPE,
                    tags::CONTOUR_DATA,
                    tags::FIDUCIAL_UID,
                ],
            );
        }
    }
}

/// Which real values stored ones stand for.
pub(super) fn value_mapping(writer: &mut Writer<'_, '_>) {
    let tree = writer.tree;
    let root = tree.root();
    let images: Vec<Item> = tree
        .items(
            root,
            tags::REFERENCED_IMAGE_REAL_WORLD_VALUE_MAPPING_SEQUENCE,
        )
        .collect();
    for group in images {
        let maps: Vec<Item> = tree
            .items(group, tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE)
            .collect();
        for (map, number) in maps.into_iter().zip(1..) {
            mapping(writer, map, number);
        }
        let referenced: Vec<Item> = tree.items(group, tags::REFERENCED_IMAGE_SEQUENCE).collect();
        writer.count(
            0,
            ("content-instances", "Instances"),
            referenced.len() as u64,
        );
        for image in referenced {
            let value = Value::Reference(Box::new(super::writer::reference(tree, image)));
            writer.attribute(1, tags::REFERENCED_IMAGE_SEQUENCE, value);
        }
    }
    referenced_images(writer, 0, root);
}

fn mapping(writer: &mut Writer<'_, '_>, map: Item, number: i64) {
    let tree = writer.tree;
    let label = Value::Text(tree.text(map, tags::LUT_LABEL));
    let name = ("content-value-map", "Value map");
    writer.heading(0, name, Some(number), label, true);
    writer.fields(
        1,
        map,
        &[
            tags::LUT_EXPLANATION,
            tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
            tags::REAL_WORLD_VALUE_FIRST_VALUE_MAPPED,
            tags::REAL_WORLD_VALUE_LAST_VALUE_MAPPED,
        ],
    );
    for tag in [
        tags::REAL_WORLD_VALUE_SLOPE,
        tags::REAL_WORLD_VALUE_INTERCEPT,
    ] {
        let unit = code_in(tree, map, tags::MEASUREMENT_UNITS_CODE_SEQUENCE).map(Box::new);
        if let Some(value) = tree.numbers(map, tag, 1).first() {
            let number = Value::Number {
                text: figures(*value),
                value: Some(*value),
                unit,
                qualifier: None,
            };
            writer.attribute(1, tag, number);
        }
    }
    writer.fields(
        1,
        map,
        &[
            tags::REAL_WORLD_VALUE_LUT_DATA,
            tags::QUANTITY_DEFINITION_SEQUENCE,
        ],
    );
}
