// Averages whose weights depend on how alike values are. The twin is imaging/filter/similar.rs.
//!include lib/filter.wgsl

@group(0) @binding(4) var<storage, read_write> result: array<u32>;

// Distance between patches beyond which there is no weight.
const FURTHEST = 5.0;

// Weights along an axis are in `table`; `first` is what a squared difference is multiplied with.
@compute @workgroup_size(8, 8)
fn bilateral(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    let middle = source[out];
    if is_none(middle) {
        result[out] = NONE;
        return;
    }
    // Sums of differences, not of values: they keep their digits.
    var sum = vec2f(0.0);
    let reach = i32(draw.reach);
    for (var j = -reach; j <= reach; j++) {
        let row = reflected(i32(at.y) + j, draw.rows);
        let down = bitcast<f32>(table[u32(j + reach)]);
        for (var i = -reach; i <= reach; i++) {
            let raw = source[place(reflected(i32(at.x) + i, draw.columns), row)];
            if !is_none(raw) {
                let difference = bitcast<f32>(raw) - bitcast<f32>(middle);
                let alike = exp(max(draw.first * difference * difference, -80.0));
                sum += down * bitcast<f32>(table[u32(i + reach)]) * alike * vec2f(difference, 1.0);
            }
        }
    }
    result[out] = bitcast<u32>(bitcast<f32>(middle) + sum.x / sum.y);
}

// Weights of a patch along an axis are in `table`.
@compute @workgroup_size(8, 8)
fn non_local_means(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    let middle = source[out];
    if is_none(middle) {
        result[out] = NONE;
        return;
    }
    let own = vec2i(at.xy);
    let half = i32(draw.reach);
    let reach = vec2i(i32(draw.distance));
    let begin = max(-reach, -own);
    let end = min(reach, vec2i(i32(draw.columns), i32(draw.rows)) - 1 - own);
    var sum = vec2f(0.0);
    for (var down = begin.y; down <= end.y; down++) {
        for (var across = begin.x; across <= end.x; across++) {
            let other = own + vec2i(across, down);
            let raw = source[place(other.x, other.y)];
            if is_none(raw) {
                continue;
            }
            var distance = 0.0;
            var far = false;
            for (var j = -half; j <= half; j++) {
                if distance > FURTHEST {
                    far = true;
                    break;
                }
                let row = mirrored(own.y + j, draw.rows);
                let other_row = mirrored(other.y + j, draw.rows);
                var along = 0.0;
                for (var i = -half; i <= half; i++) {
                    let a = source[place(mirrored(own.x + i, draw.columns), row)];
                    let b = source[place(mirrored(other.x + i, draw.columns), other_row)];
                    if !is_none(a) && !is_none(b) {
                        let difference = bitcast<f32>(a) - bitcast<f32>(b);
                        along += bitcast<f32>(table[u32(i + half)]) * difference * difference;
                    }
                }
                distance += bitcast<f32>(table[u32(j + half)]) * along;
            }
            if !far {
                let weight = exp(-min(distance, 80.0));
                sum += weight * vec2f(bitcast<f32>(raw) - bitcast<f32>(middle), 1.0);
            }
        }
    }
    result[out] = bitcast<u32>(bitcast<f32>(middle) + sum.x / sum.y);
}
