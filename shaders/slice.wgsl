// One plane through a grid of voxels: sampling, modality LUT, VOI LUT. Its twin is imaging/reslice.rs.
//!include lib/fullscreen.wgsl
//!include lib/position.wgsl
//!include lib/voi.wgsl

// 0: the nearest voxel. 1: linear within the slices, which the plane follows. 2: linear along all axes.
override LINEAR: u32 = 2u;
// Three samples a pixel.
override COLOR: bool = false;
// Some slices are not there.
override CHECK_STATES: bool = true;
// A layer of the texture holds several slices.
override STACKED: bool = false;

// The Rust side is render/slice_draw.rs; a test compares names, offsets and sizes.
struct SliceDraw {
    start_hi: vec4i,
    start_lo: vec4u,
    step_x_hi: vec4i,
    step_x_lo: vec4u,
    step_y_hi: vec4i,
    step_y_lo: vec4u,
    // Columns, rows, slices; how many slices lie below each other in a layer.
    size: vec4u,
    sign_shift: u32,
    sign_flip: u32,
    inverted: u32,
    zero: u32,
    zero_value: f32,
    value_scale: f32,
    value_offset: f32,
    padding_low: u32,
    padding_high: u32,
    padding_low_value: f32,
    padding_high_value: f32,
    color_scale: f32,
    display_scale: f32,
    display_offset: f32,
    modality_start: u32,
    modality_length: u32,
    modality_first: i32,
    voi_start: u32,
    voi_length: u32,
    voi_scale: f32,
    // Bits of a quiet NaN: constants that are none do not pass the compiler.
    no_value: u32,
    presentation_start: u32,
    presentation_length: u32,
    presentation_scale: f32,
}

@group(0) @binding(0) var<uniform> draw: SliceDraw;
@group(0) @binding(1) var frames: texture_2d_array<u32>;
@group(0) @binding(2) var<storage, read> slice_states: array<u32>;
@group(0) @binding(3) var<storage, read> luts: array<f32>;

const OUTSIDE = 0u;
const WAITING = 1u;
const FAILED = 2u;
const PADDING = 3u;
const VALUE = 4u;

struct Sample {
    kind: u32,
    // The difference to the reference value in x, or colour.
    value: vec3f,
}

struct Sum {
    value: vec3f,
    weight: f32,
}

// Adds a voxel; padding is left out.
fn add_voxel(sum: Sum, column: i32, row: i32, slice: i32, weight: f32) -> Sum {
    var place = vec2i(column, row);
    var layer = slice;
    if STACKED {
        layer = slice / i32(draw.size.w);
        place.y += (slice - layer * i32(draw.size.w)) * i32(draw.size.y);
    }
    let raw = textureLoad(frames, place, layer, 0);
    if COLOR {
        return Sum(sum.value + weight * vec3f(raw.xyz), sum.weight + weight);
    }
    let padding = is_padding(raw.x);
    let value = select(weight * difference(raw.x), 0.0, padding);
    return Sum(vec3f(sum.value.x + value, 0.0, 0.0), sum.weight + select(weight, 0.0, padding));
}

fn add_slice(sum: Sum, columns: Neighbours, rows: Neighbours, slice: i32, weight: f32) -> Sum {
    let upper = weight * rows.low_weight;
    let lower = weight * rows.high_weight;
    var result = add_voxel(sum, columns.low, rows.low, slice, upper * columns.low_weight);
    result = add_voxel(result, columns.high, rows.low, slice, upper * columns.high_weight);
    result = add_voxel(result, columns.low, rows.high, slice, lower * columns.low_weight);
    return add_voxel(result, columns.high, rows.high, slice, lower * columns.high_weight);
}

// What lies at a pixel of the viewport.
fn sample_at(x: u32, y: u32) -> Sample {
    let start = Position(draw.start_hi.xyz, draw.start_lo.xyz);
    let along_x = position_scale(Position(draw.step_x_hi.xyz, draw.step_x_lo.xyz), x);
    let along_y = position_scale(Position(draw.step_y_hi.xyz, draw.step_y_lo.xyz), y);
    let at = position_add(position_add(start, along_x), along_y);
    if any(at.hi < vec3i(0)) || any(at.hi >= vec3i(draw.size.xyz)) {
        return Sample(OUTSIDE, vec3f(0.0));
    }
    var slices = Neighbours(at.hi.z, at.hi.z, 1.0, 0.0);
    if LINEAR == 2u {
        slices = neighbours(at.hi.z, at.lo.z, draw.size.z);
    }
    if CHECK_STATES {
        // Nothing is made up over a slice that is not there.
        let low = slice_states[slices.low];
        let high = slice_states[slices.high];
        if low != 1u || high != 1u {
            return Sample(select(WAITING, FAILED, low == 2u || high == 2u), vec3f(0.0));
        }
    }
    var sum = Sum(vec3f(0.0), 0.0);
    if LINEAR == 0u {
        sum = add_voxel(sum, at.hi.x, at.hi.y, slices.low, 1.0);
    } else {
        let columns = neighbours(at.hi.x, at.lo.x, draw.size.x);
        let rows = neighbours(at.hi.y, at.lo.y, draw.size.y);
        sum = add_slice(sum, columns, rows, slices.low, slices.low_weight);
        if LINEAR == 2u {
            sum = add_slice(sum, columns, rows, slices.high, slices.high_weight);
        }
    }
    if sum.weight == 0.0 {
        return Sample(PADDING, vec3f(0.0));
    }
    return Sample(VALUE, sum.value / sum.weight);
}

// Code value of the hatch that stands for a slice that is not there (imaging/reslice.rs has the same numbers).
fn hatch(x: u32, y: u32, failed: bool) -> vec3f {
    let line = (select(x + y, x - y, failed) & 7u) < 2u;
    if failed {
        return select(vec3f(32.0, 16.0, 14.0), vec3f(112.0, 44.0, 36.0), line);
    }
    return select(vec3f(20.0), vec3f(64.0), line);
}

@fragment
fn fs_picture(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let x = u32(position.x);
    let y = u32(position.y);
    let found = sample_at(x, y);
    var display = vec3f(0.0);
    if COLOR {
        display = clamp(found.value * draw.color_scale, vec3f(0.0), vec3f(1.0));
    } else {
        display = vec3f(display_value(found.value.x));
    }
    display = select(display, 1.0 - display, draw.inverted != 0u);
    // Rounded here, half up, because devices may round either way when they store.
    var code = floor(display * 255.0 + 0.5);
    if CHECK_STATES && (found.kind == WAITING || found.kind == FAILED) {
        code = hatch(x, y, found.kind == FAILED);
    }
    if found.kind == OUTSIDE || found.kind == PADDING {
        code = vec3f(0.0);
    }
    return vec4f(code / 255.0, 1.0);
}

// The modality value itself; no number where there is no image.
@fragment
fn fs_value(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let found = sample_at(u32(position.x), u32(position.y));
    var value = bitcast<f32>(draw.no_value);
    if found.kind == VALUE {
        if COLOR {
            value = (found.value.x + found.value.y + found.value.z) / 3.0;
        } else {
            value = modality_value(found.value.x);
        }
    }
    return vec4f(value, 0.0, 0.0, 1.0);
}
