// One plane through a grid of voxels: sampling, modality LUT, VOI LUT. Its twin is imaging/reslice.rs.
//!include lib/position.wgsl
//!include lib/voi.wgsl
//!include lib/cubic.wgsl
//!include lib/area.wgsl

// 0: the nearest voxel. 1: linear within the slices, which the plane follows. 2: linear along all axes. 3 and 4: cubic.
override LINEAR: u32 = 2u;
// Pixels are larger than voxels, and show the mean of what is under them.
override AREA: bool = false;
// What becomes of the values along the normal; 0: there is one plane.
override PROJECTION: u32 = 0u;
// The bricks say what a slab need not look at; where it is QUICK.
override SKIP: bool = false;
// Linear, of integers of at most 16 bits in a grid of at most 2048 voxels along each axis, all slices there, no modality
// table.
override QUICK: bool = false;
// Four voxels are looked up at once; without, the plain way that measurements compare with.
override FOUR: bool = true;
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
    // From one point of a slab to the next; its first point lies at `start`.
    depth_hi: vec4i,
    depth_lo: vec4u,
    // Half of the width of a pixel, in voxels.
    half_hi: vec4i,
    half_lo: vec4u,
    // Bricks along columns, rows and slices; points of a slab.
    bricks: vec4u,
    // Position of the first pixel less one half, steps to the right and down: in multiples of 2^-12, and the rest.
    base: vec4f,
    rest: vec4f,
    base_x: vec4f,
    rest_x: vec4f,
    base_y: vec4f,
    rest_y: vec4f,
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
    // Differences beyond which nothing changes the picture: those of black and of white.
    black: f32,
    white: f32,
    // Rank of the reference value among those of the bricks.
    brick_zero: i32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> given: SliceDraw;
// What this pixel works with. Software devices read a uniform again for every pixel, number by number, which takes as
// long as the picture itself: so the numbers of the common pictures come with the triangle.
var<private> draw: SliceDraw;

struct Triangle {
    @builtin(position) position: vec4f,
    @location(0) @interpolate(flat) start_1: vec4u,
    @location(1) @interpolate(flat) start_2: vec4u,
    @location(2) @interpolate(flat) right_1: vec4u,
    @location(3) @interpolate(flat) right_2: vec4u,
    @location(4) @interpolate(flat) below_1: vec4u,
    @location(5) @interpolate(flat) below_2: vec4u,
    @location(6) @interpolate(flat) size: vec4u,
    @location(7) @interpolate(flat) depth_hi: vec4i,
    @location(8) @interpolate(flat) depth_lo: vec4u,
    @location(9) @interpolate(flat) bricks: vec4u,
    @location(10) @interpolate(flat) stored: vec4u,
    @location(11) @interpolate(flat) display: vec4f,
    @location(12) @interpolate(flat) modality: vec4f,
    @location(13) @interpolate(flat) padding: vec2u,
}

// One triangle that covers the viewport.
@vertex
fn vs_slice(@builtin(vertex_index) index: u32) -> Triangle {
    var out: Triangle;
    let corner = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    out.position = vec4f(corner * 2.0 - 1.0, 0.0, 1.0);
    if QUICK {
        out.start_1 = bitcast<vec4u>(given.base);
        out.start_2 = bitcast<vec4u>(given.rest);
        out.right_1 = bitcast<vec4u>(given.base_x);
        out.right_2 = bitcast<vec4u>(given.rest_x);
        out.below_1 = bitcast<vec4u>(given.base_y);
        out.below_2 = bitcast<vec4u>(given.rest_y);
    } else {
        out.start_1 = bitcast<vec4u>(given.start_hi);
        out.start_2 = given.start_lo;
        out.right_1 = bitcast<vec4u>(given.step_x_hi);
        out.right_2 = given.step_x_lo;
        out.below_1 = bitcast<vec4u>(given.step_y_hi);
        out.below_2 = given.step_y_lo;
    }
    out.size = given.size;
    out.depth_hi = given.depth_hi;
    out.depth_lo = given.depth_lo;
    out.bricks = given.bricks;
    out.stored = vec4u(given.sign_shift, given.sign_flip, given.inverted, given.zero);
    out.display = vec4f(given.display_scale, given.display_offset, given.black, given.white);
    out.modality = vec4f(given.zero_value, given.value_scale, given.value_offset, given.color_scale);
    out.padding = vec2u(given.padding_low, given.padding_high);
    return out;
}

fn take(triangle: Triangle) {
    draw = given;
    if QUICK {
        draw.base = bitcast<vec4f>(triangle.start_1);
        draw.rest = bitcast<vec4f>(triangle.start_2);
        draw.base_x = bitcast<vec4f>(triangle.right_1);
        draw.rest_x = bitcast<vec4f>(triangle.right_2);
        draw.base_y = bitcast<vec4f>(triangle.below_1);
        draw.rest_y = bitcast<vec4f>(triangle.below_2);
    } else {
        draw.start_hi = bitcast<vec4i>(triangle.start_1);
        draw.start_lo = triangle.start_2;
        draw.step_x_hi = bitcast<vec4i>(triangle.right_1);
        draw.step_x_lo = triangle.right_2;
        draw.step_y_hi = bitcast<vec4i>(triangle.below_1);
        draw.step_y_lo = triangle.below_2;
    }
    draw.size = triangle.size;
    draw.depth_hi = triangle.depth_hi;
    draw.depth_lo = triangle.depth_lo;
    draw.bricks = triangle.bricks;
    draw.sign_shift = triangle.stored.x;
    draw.sign_flip = triangle.stored.y;
    draw.inverted = triangle.stored.z;
    draw.zero = triangle.stored.w;
    draw.display_scale = triangle.display.x;
    draw.display_offset = triangle.display.y;
    draw.black = triangle.display.z;
    draw.white = triangle.display.w;
    draw.zero_value = triangle.modality.x;
    draw.value_scale = triangle.modality.y;
    draw.value_offset = triangle.modality.z;
    draw.color_scale = triangle.modality.w;
    draw.padding_low = triangle.padding.x;
    draw.padding_high = triangle.padding.y;
}

@group(0) @binding(1) var frames: texture_2d_array<u32>;
@group(0) @binding(2) var<storage, read> slice_states: array<u32>;
@group(0) @binding(3) var<storage, read> luts: array<f32>;
@group(0) @binding(4) var<storage, read> bricks: array<u32>;
@group(0) @binding(5) var four: sampler;

const MIP = 1u;
const MINIP = 2u;
const MEAN = 3u;

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

// Where the rows of a slice begin, and in which layer.
fn place_of(slice: i32) -> vec2i {
    if STACKED {
        let layer = slice / i32(draw.size.w);
        return vec2i((slice - layer * i32(draw.size.w)) * i32(draw.size.y), layer);
    }
    return vec2i(0, slice);
}

// Adds a stored value; padding is left out.
fn add_value(sum: Sum, raw: u32, weight: f32) -> Sum {
    let padding = is_padding(raw);
    let value = select(weight * difference(raw), 0.0, padding);
    return Sum(vec3f(sum.value.x + value, 0.0, 0.0), sum.weight + select(weight, 0.0, padding));
}

fn add_voxel(sum: Sum, column: i32, row: i32, slice: i32, weight: f32) -> Sum {
    let place = place_of(slice);
    let raw = textureLoad(frames, vec2i(column, row + place.x), place.y, 0);
    if COLOR {
        return Sum(sum.value + weight * vec3f(raw.xyz), sum.weight + weight);
    }
    return add_value(sum, raw.x, weight);
}

// A voxel, the next ones to the right and below, and the one below that: as stored, counted from below left against
// the clock. One look takes much less time than four. The corner between the four lies half a voxel from any other.
fn four_of(column: i32, row: i32, slice: i32) -> vec4u {
    let place = place_of(slice);
    let corner = vec2f(vec2i(column, row + place.x) + 1);
    return textureGather(0, frames, four, corner / vec2f(draw.size.xy * vec2u(1u, draw.size.w)), place.y);
}

fn add_slice(sum: Sum, columns: Neighbours, rows: Neighbours, slice: i32, weight: f32) -> Sum {
    let upper = weight * rows.low_weight;
    let lower = weight * rows.high_weight;
    if COLOR || !FOUR {
        var result = add_voxel(sum, columns.low, rows.low, slice, upper * columns.low_weight);
        result = add_voxel(result, columns.high, rows.low, slice, upper * columns.high_weight);
        result = add_voxel(result, columns.low, rows.high, slice, lower * columns.low_weight);
        return add_voxel(result, columns.high, rows.high, slice, lower * columns.high_weight);
    }
    let found = four_of(columns.low, rows.low, slice);
    var result = add_value(sum, found.w, upper * columns.low_weight);
    result = add_value(result, found.z, upper * columns.high_weight);
    result = add_value(result, found.x, lower * columns.low_weight);
    return add_value(result, found.y, lower * columns.high_weight);
}

// The position of a pixel of the viewport: on the plane, or at the first point of a slab.
fn position_of(x: u32, y: u32) -> Position {
    let start = Position(draw.start_hi.xyz, draw.start_lo.xyz);
    let along_x = position_scale(Position(draw.step_x_hi.xyz, draw.step_x_lo.xyz), x);
    let along_y = position_scale(Position(draw.step_y_hi.xyz, draw.step_y_lo.xyz), y);
    return position_add(position_add(start, along_x), along_y);
}

fn is_outside(at: Position) -> bool {
    return any(at.hi < vec3i(0)) || any(at.hi >= vec3i(draw.size.xyz));
}

// Whether all slices of a range are there: VALUE, else WAITING or FAILED. Nothing is made up over one that is not.
fn state_of(low: i32, high: i32) -> u32 {
    var kind = VALUE;
    for (var slice = low; slice <= high; slice++) {
        let state = slice_states[slice];
        if state == 2u {
            return FAILED;
        }
        if state != 1u {
            kind = WAITING;
        }
    }
    return kind;
}

fn mean_of(sum: Sum) -> Sample {
    if sum.weight == 0.0 {
        return Sample(PADDING, vec3f(0.0));
    }
    return Sample(VALUE, sum.value / sum.weight);
}

// The nearest voxel, or linear between the neighbours.
fn point_at(at: Position) -> Sample {
    if is_outside(at) {
        return Sample(OUTSIDE, vec3f(0.0));
    }
    var slices = Neighbours(at.hi.z, at.hi.z, 1.0, 0.0);
    if LINEAR == 2u || LINEAR == 4u {
        slices = neighbours(at.hi.z, at.lo.z, draw.size.z);
    }
    if CHECK_STATES {
        let state = state_of(slices.low, slices.high);
        if state != VALUE {
            return Sample(state, vec3f(0.0));
        }
    }
    var sum = Sum(vec3f(0.0), 0.0);
    if LINEAR == 0u {
        sum = add_voxel(sum, at.hi.x, at.hi.y, slices.low, 1.0);
    } else {
        let columns = neighbours(at.hi.x, at.lo.x, draw.size.x);
        let rows = neighbours(at.hi.y, at.lo.y, draw.size.y);
        sum = add_slice(sum, columns, rows, slices.low, slices.low_weight);
        if LINEAR == 2u || LINEAR == 4u {
            sum = add_slice(sum, columns, rows, slices.high, slices.high_weight);
        }
    }
    return mean_of(sum);
}

// Cubic; PADDING where a voxel or a slice that it needs is not there, and linear stands in.
fn cubic_at(at: Position) -> Sample {
    let last = vec3i(draw.size.xyz) - 1;
    let columns = taps_of(at.hi.x, at.lo.x);
    let rows = taps_of(at.hi.y, at.lo.y);
    var slices = Taps(at.hi.z, true, vec4f(0.0, 1.0, 0.0, 0.0));
    if LINEAR == 4u {
        slices = taps_of(at.hi.z, at.lo.z);
    }
    var total = vec3f(0.0);
    for (var k = taps_first(slices); k <= taps_last(slices); k++) {
        let slice = clamp(slices.low + k, 0, last.z);
        if CHECK_STATES && slice_states[slice] != 1u {
            return Sample(PADDING, vec3f(0.0));
        }
        for (var j = taps_first(rows); j <= taps_last(rows); j++) {
            let row = clamp(rows.low + j, 0, last.y);
            let weight = slices.weights[k + 1] * rows.weights[j + 1];
            for (var i = taps_first(columns); i <= taps_last(columns); i++) {
                let column = clamp(columns.low + i, 0, last.x);
                let found = add_voxel(Sum(vec3f(0.0), 0.0), column, row, slice, 1.0);
                if found.weight == 0.0 {
                    return Sample(PADDING, vec3f(0.0));
                }
                total += weight * columns.weights[i + 1] * found.value;
            }
        }
    }
    return Sample(VALUE, total);
}

// The mean over a pixel.
fn area_at(at: Position) -> Sample {
    let half = Position(draw.half_hi.xyz, draw.half_lo.xyz);
    let low = position_sub(at, half);
    let high = position_add(at, half);
    let columns = span_of(low.hi.x, low.lo.x, high.hi.x, high.lo.x, draw.size.x);
    let rows = span_of(low.hi.y, low.lo.y, high.hi.y, high.lo.y, draw.size.y);
    let slices = span_of(low.hi.z, low.lo.z, high.hi.z, high.lo.z, draw.size.z);
    if CHECK_STATES {
        let state = state_of(slices.first, slices.last);
        if state != VALUE {
            return Sample(state, vec3f(0.0));
        }
    }
    var sum = Sum(vec3f(0.0), 0.0);
    for (var slice = slices.first; slice <= slices.last; slice++) {
        let slice_weight = span_weight(slices, slice);
        for (var row = rows.first; row <= rows.last; row++) {
            let weight = slice_weight * span_weight(rows, row);
            for (var column = columns.first; column <= columns.last; column++) {
                sum = add_voxel(sum, column, row, slice, weight * span_weight(columns, column));
            }
        }
    }
    return mean_of(sum);
}

// What lies along the normal of a pixel. Points that need a slice which is not there are left out; one that failed
// shows as such.
fn slab_at(start: Position) -> Sample {
    let step = Position(draw.depth_hi.xyz, draw.depth_lo.xyz);
    let points = draw.bricks.w;
    var at = start;
    var kept = Sample(OUTSIDE, vec3f(0.0));
    var count = 0.0;
    var k = 0u;
    while k < points {
        let found = point_at(at);
        at = position_add(at, step);
        k += 1u;
        if found.kind == VALUE {
            if count == 0.0 {
                kept = found;
            } else if PROJECTION == MIP {
                kept.value = max(kept.value, found.value);
            } else if PROJECTION == MINIP {
                kept.value = min(kept.value, found.value);
            } else {
                kept.value += found.value;
            }
            count += 1.0;
        } else if found.kind == FAILED {
            return found;
        } else if count == 0.0 && found.kind != OUTSIDE && kept.kind != WAITING {
            kept.kind = found.kind;
        }
    }
    if PROJECTION == MEAN && count > 0.0 {
        kept.value /= count;
    }
    return kept;
}

//!include lib/quick.wgsl

// What lies at a pixel of the viewport.
fn sample_at(x: u32, y: u32) -> Sample {
    if QUICK && PROJECTION != 0u {
        return quick_slab(ray_of(x, y));
    }
    if QUICK && !AREA && LINEAR < 3u {
        return quick_point(ray_of(x, y));
    }
    let at = position_of(x, y);
    if PROJECTION != 0u {
        return slab_at(at);
    }
    if AREA {
        if is_outside(at) {
            return Sample(OUTSIDE, vec3f(0.0));
        }
        return area_at(at);
    }
    if LINEAR >= 3u && !is_outside(at) {
        let found = cubic_at(at);
        if found.kind == VALUE {
            return found;
        }
    }
    return point_at(at);
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
fn fs_picture(triangle: Triangle) -> @location(0) vec4f {
    take(triangle);
    let x = u32(triangle.position.x);
    let y = u32(triangle.position.y);
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
fn fs_value(triangle: Triangle) -> @location(0) vec4f {
    take(triangle);
    let found = sample_at(u32(triangle.position.x), u32(triangle.position.y));
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
