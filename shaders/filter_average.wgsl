// Averages with fixed weights, along rows and then along columns. The twin is imaging/filter/smooth.rs.
//!include lib/filter.wgsl

@group(0) @binding(4) var<storage, read_write> result: array<u32>;

// From values to sums of weighted values and of weights, side by side. The weights are in `table`.
@compute @workgroup_size(8, 8)
fn along_rows(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    var sum = vec2f(0.0);
    let reach = i32(draw.reach);
    for (var i = -reach; i <= reach; i++) {
        let raw = source[place(reflected(i32(at.x) + i, draw.columns), i32(at.y))];
        if !is_none(raw) {
            sum += bitcast<f32>(table[u32(i + reach)]) * vec2f(bitcast<f32>(raw), 1.0);
        }
    }
    let out = 2u * (at.y * draw.columns + at.x);
    result[out] = bitcast<u32>(sum.x);
    result[out + 1u] = bitcast<u32>(sum.y);
}

// From those sums to averages, where the plane in `second` has a value.
@compute @workgroup_size(8, 8)
fn along_columns(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    if is_none(second[out]) {
        result[out] = NONE;
        return;
    }
    var sum = vec2f(0.0);
    let reach = i32(draw.reach);
    for (var i = -reach; i <= reach; i++) {
        let first = 2u * place(i32(at.x), reflected(i32(at.y) + i, draw.rows));
        let part = vec2f(bitcast<f32>(source[first]), bitcast<f32>(source[first + 1u]));
        sum += bitcast<f32>(table[u32(i + reach)]) * part;
    }
    result[out] = bitcast<u32>(sum.x / sum.y);
}
