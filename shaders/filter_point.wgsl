// Pixel by pixel, and differences of neighbours. The twins are imaging/filter/edges.rs, range.rs and smooth.rs.
//!include lib/filter.wgsl

@group(0) @binding(4) var<storage, read_write> result: array<u32>;

// Whether there is a pixel here with a value; if there is a pixel without one, it stays so.
fn has_value(at: vec3u) -> bool {
    if at.x >= draw.columns || at.y >= draw.rows {
        return false;
    }
    let out = at.y * draw.columns + at.x;
    let none = is_none(source[out]);
    if none {
        result[out] = NONE;
    }
    return !none;
}

fn value(at: vec3u) -> f32 {
    return bitcast<f32>(source[at.y * draw.columns + at.x]);
}

fn put(at: vec3u, value: f32) {
    result[at.y * draw.columns + at.x] = bitcast<u32>(value);
}

// Adds what blurring took away; the blurred plane is `second`, the amount `first`.
@compute @workgroup_size(8, 8)
fn sharpen(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        let blurred = bitcast<f32>(second[at.y * draw.columns + at.x]);
        put(at, value(at) + (value(at) - blurred) * draw.first);
    }
}

@compute @workgroup_size(8, 8)
fn subtract(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        put(at, value(at) - bitcast<f32>(second[at.y * draw.columns + at.x]));
    }
}

// Difference of a neighbour to the middle; none where it has no value.
fn step_to(at: vec3u, x: i32, y: i32) -> f32 {
    let column = reflected(i32(at.x) + x, draw.columns);
    let raw = source[place(column, reflected(i32(at.y) + y, draw.rows))];
    return select(bitcast<f32>(raw) - value(at), 0.0, is_none(raw));
}

@compute @workgroup_size(8, 8)
fn laplacian(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        put(at, -(step_to(at, -1, 0) + step_to(at, 1, 0) + step_to(at, 0, -1) + step_to(at, 0, 1)));
    }
}

@compute @workgroup_size(8, 8)
fn sobel(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        let a = step_to(at, -1, -1);
        let c = step_to(at, 1, -1);
        let f = step_to(at, -1, 1);
        let h = step_to(at, 1, 1);
        let across = (c + 2.0 * step_to(at, 1, 0) + h - a - 2.0 * step_to(at, -1, 0) - f) / 4.0;
        let down = (f + 2.0 * step_to(at, 0, 1) + h - a - 2.0 * step_to(at, 0, -1) - c) / 4.0;
        put(at, sqrt((across * across + down * down) / 2.0));
    }
}

// What filter_range.wgsl found of a plane: lowest and highest value.
fn lowest(stats: u32) -> f32 {
    return bitcast<f32>(bits_of(~stats));
}

fn highest(stats: u32) -> f32 {
    return bitcast<f32>(bits_of(stats));
}

// Power law between the extremes in `second`; the exponent is `first`.
@compute @workgroup_size(8, 8)
fn power(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        let low = lowest(second[0]);
        let range = highest(second[1]) - low;
        let share = (value(at) - low) / range;
        var out = value(at);
        if range > 0.0 {
            out = low + range * select(0.0, pow(share, draw.first), share > 0.0);
        }
        put(at, out);
    }
}

// Two values, divided at the threshold in `second`.
@compute @workgroup_size(8, 8)
fn divide(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        let above = value(at) > bitcast<f32>(second[2]);
        put(at, select(lowest(second[0]), highest(second[1]), above));
    }
}

// Levels to the range of the picture: extremes of the picture in `second`, of the levels in `table`.
@compute @workgroup_size(8, 8)
fn rescale(@builtin(global_invocation_id) at: vec3u) {
    if has_value(at) {
        let low = lowest(second[0]);
        let darkest = lowest(table[0]);
        let range = highest(table[1]) - darkest;
        var share = 0.0;
        if range > 0.0 {
            share = (value(at) - darkest) / range;
        }
        put(at, low + (highest(second[1]) - low) * share);
    }
}
