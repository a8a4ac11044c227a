//! The shaders parse and validate, their uniforms lie where Rust puts them, and nothing copies past the door.
//! No GPU is needed.

use naga::{
    front::wgsl,
    valid::{Capabilities, ValidationFlags, Validator},
};
use negatoscope::gpu::shader::{PASSES, SOURCES, assemble};
use std::{
    fs,
    mem::{offset_of, size_of},
    path::{Path, PathBuf},
};

fn parsed(name: &str) -> naga::Module {
    let text = assemble(name).unwrap();
    let module = wgsl::parse_str(&text)
        .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&text)));
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&text)));
    module
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with an extension, sorted.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_pass_is_valid_with_plain_capabilities() {
    for pass in PASSES {
        let module = parsed(pass);
        let stages = |stage| {
            let of_stage = module.entry_points.iter().filter(|e| e.stage == stage);
            of_stage.count()
        };
        if ["filter_", "blend_", "mask_", "answer_", "forest_", "walker"]
            .iter()
            .any(|p| pass.starts_with(p))
        {
            // These only compute.
            assert_eq!(
                stages(naga::ShaderStage::Compute),
                module.entry_points.len()
            );
            continue;
        }
        assert_eq!(stages(naga::ShaderStage::Vertex), 1, "{pass}");
        assert!(stages(naga::ShaderStage::Fragment) >= 1, "{pass}");
    }
}

#[test]
fn every_file_is_embedded_and_every_include_is_used() {
    let folder = root().join("shaders");
    let on_disk: Vec<String> = files(&folder, "wgsl")
        .iter()
        .map(|path| {
            path.strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/")
        })
        .collect();
    let mut embedded: Vec<&str> = SOURCES.iter().map(|source| source.0).collect();
    embedded.sort_unstable();
    assert_eq!(on_disk, embedded);
    for (name, _) in SOURCES {
        let asked_for = format!("//!include {name}");
        let used = SOURCES.iter().any(|(_, text)| text.contains(&asked_for));
        assert!(used || PASSES.contains(name), "{name} is never used");
    }
}

/// Names and offsets of a struct's members and its size, as the shader has them.
fn layout_of(module: &naga::Module, name: &str) -> (Vec<(String, usize)>, usize) {
    let (_, ty) = module
        .types
        .iter()
        .find(|(_, ty)| ty.name.as_deref() == Some(name))
        .unwrap_or_else(|| panic!("no struct {name}"));
    let naga::TypeInner::Struct { members, span } = &ty.inner else {
        panic!("{name} is no struct");
    };
    let members = members
        .iter()
        .map(|member| (member.name.clone().unwrap(), member.offset as usize))
        .collect();
    (members, *span as usize)
}

macro_rules! named_layout {
    ($pass:literal, $ty:ident, [$($field:ident),* $(,)?]) => {{
        let (members, span) = layout_of(&parsed($pass), stringify!($ty));
        let ours = vec![$((stringify!($field).to_owned(), offset_of!($ty, $field))),*];
        assert_eq!(members, ours, "{}", $pass);
        assert_eq!(span, size_of::<$ty>(), "{}", $pass);
        ours
    }};
}

macro_rules! same_layout {
    ($pass:literal, $ty:ident, [$($field:ident),* $(,)?]) => {{
        let ours = named_layout!($pass, $ty, [$($field),*]);
        // The macro lists every field: the last one ends where the struct does.
        assert_eq!(ours.last().unwrap().1 + 4, size_of::<$ty>());
    }};
}

#[test]
fn uniforms_lie_where_the_shader_looks() {
    use negatoscope::gpu::{
        answer_mask::gpu_data::AnswerDraw, blend::gpu_data::BlendDraw, mask_box::BoxDraw,
    };
    use negatoscope::render::{
        blit::gpu_data::BlitDraw,
        cover::gpu_data::CoverDraw,
        drift::gpu_data::DriftDraw,
        filter::gpu_data::FilterDraw,
        forest::gpu_data::{ForestDraw, MaskDraw},
        labels::gpu_data::LabelDraw,
        overlay::gpu_data::OverlayDraw,
        slice_draw::gpu_data::SliceDraw,
        walker::gpu_data::WalkDraw,
    };
    same_layout!(
        "drift.wgsl",
        DriftDraw,
        [window, by, scale, pixels_per_point, decode, unused]
    );
    same_layout!(
        "slice.wgsl",
        SliceDraw,
        [
            start_hi,
            start_lo,
            step_x_hi,
            step_x_lo,
            step_y_hi,
            step_y_lo,
            size,
            depth_hi,
            depth_lo,
            half_hi,
            half_lo,
            bricks,
            base,
            rest,
            base_x,
            rest_x,
            base_y,
            rest_y,
            sign_shift,
            sign_flip,
            inverted,
            zero,
            zero_value,
            value_scale,
            value_offset,
            padding_low,
            padding_high,
            padding_low_value,
            padding_high_value,
            color_scale,
            display_scale,
            display_offset,
            modality_start,
            modality_length,
            modality_first,
            voi_start,
            voi_length,
            voi_scale,
            no_value,
            presentation_start,
            presentation_length,
            presentation_scale,
            black,
            white,
            brick_zero,
            unused,
        ]
    );
    same_layout!(
        "cover.wgsl",
        CoverDraw,
        [
            start_hi, start_lo, step_x_hi, step_x_lo, step_y_hi, step_y_lo, colors, columns, rows,
            layers, shown,
        ]
    );
    same_layout!(
        "overlay.wgsl",
        OverlayDraw,
        [
            start_hi,
            start_lo,
            step_x_hi,
            step_x_lo,
            step_y_hi,
            step_y_lo,
            color,
            stops,
            columns,
            rows,
            first,
            reach,
            threshold,
            opacity,
            outline_px,
            dashed,
            margin,
            tile_px,
            tiles_across,
            skip_empty,
            reached,
            viewport_width,
            viewport_height,
            coloured,
            spare,
        ]
    );
    same_layout!(
        "filter_window.wgsl",
        FilterDraw,
        [
            columns,
            rows,
            reach,
            distance,
            first,
            second,
            tile_columns,
            tile_rows,
            tiles_across,
            tiles_down,
            limit,
            spare,
        ]
    );
    same_layout!(
        "forest_spread.wgsl",
        ForestDraw,
        [columns, rows, slices, highest]
    );
    same_layout!(
        "forest_mask.wgsl",
        MaskDraw,
        [columns, rows, label, limited]
    );
    same_layout!(
        "walker.wgsl",
        WalkDraw,
        [columns, rows, count, groups, label, first, last, tolerance]
    );
    same_layout!("blit.wgsl", BlitDraw, [origin, decode, screen]);
    // These two end with a table.
    named_layout!(
        "labels.wgsl",
        LabelDraw,
        [
            start_hi, start_lo, step_x_hi, step_x_lo, step_y_hi, step_y_lo, depth_hi, depth_lo,
            size, kind, edge, opacity, colors,
        ]
    );
    named_layout!("mask_box.wgsl", BoxDraw, [first, size]);
    named_layout!("answer_mask.wgsl", AnswerDraw, [size, answer, least]);
    named_layout!(
        "blend_window.wgsl",
        BlendDraw,
        [
            in_window, window, part, in_cell, cell, in_mask, mask, strides, values
        ]
    );
}

/// Calls that move bytes between CPU and GPU.
const COPIES: [&str; 12] = [
    ".write_buffer(",
    ".write_buffer_with(",
    ".write_texture(",
    "create_buffer_init(",
    "create_texture_with_data(",
    "map_async(",
    "get_mapped_range",
    "copy_buffer_to_buffer(",
    "copy_buffer_to_texture(",
    "copy_texture_to_buffer(",
    "mapped_at_creation: true",
    "StagingBelt",
];

fn copies_in(text: &str) -> Vec<&'static str> {
    COPIES
        .into_iter()
        .filter(|call| text.contains(call))
        .collect()
}

#[test]
fn only_the_door_copies_between_cpu_and_gpu() {
    let source = root().join("src");
    let door = source.join("gpu").join("door");
    for path in files(&source, "rs") {
        let found = copies_in(&fs::read_to_string(&path).unwrap());
        if path == door.join("loss.rs") {
            // It asks whether the device is there; nothing is copied.
            assert_eq!(found, ["map_async("]);
        } else if path.with_extension("") == door || path.starts_with(&door) {
            // The door itself is found out, so the search works.
            assert!(
                found.contains(&"map_async(") && found.iter().any(|call| call.starts_with("copy_")),
                "{}",
                path.display()
            );
        } else {
            assert!(
                found.is_empty(),
                "{found:?} beside the door in {}",
                path.display()
            );
        }
    }
}
