// Contrast-limited adaptive histogram equalisation. The twin is imaging/filter/clahe.rs.
//!include lib/filter.wgsl

@group(0) @binding(4) var<storage, read_write> result: array<u32>;

const LEVELS = 16384.0;
const BINS = 256u;
const BIN_LEVELS = 65u;
const NO_BIN = 0xffffffffu;

// n / d * scale, rounded half to even; n at most d, which is at most 65535, as is scale.
fn rounded_share(n: u32, d: u32, scale: u32) -> u32 {
    let product = n * scale;
    let whole = product / d;
    let twice = 2u * (product - whole * d);
    let up = twice > d || (twice == d && (whole & 1u) == 1u);
    return whole + select(0u, 1u, up);
}

// The bin of each value between the extremes in `second`: rounded to 16 bits first, then to the levels. Whole values
// are counted in integers, so that they fall into the bins that they fall into in f64.
@compute @workgroup_size(8, 8)
fn bins(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    let raw = source[out];
    if is_none(raw) {
        result[out] = NO_BIN;
        return;
    }
    let low = bitcast<f32>(bits_of(~second[0]));
    let high = bitcast<f32>(bits_of(second[1]));
    let value = bitcast<f32>(raw);
    let range = high - low;
    var code = 0u;
    if range > 0.0 {
        if range <= 65535.0 && floor(value) == value && floor(low) == low && floor(high) == high {
            code = rounded_share(u32(value - low), u32(range), 65535u);
        } else {
            code = u32(round((value - low) / range * 65535.0));
        }
    }
    result[out] = rounded_share(min(code, 65535u), 65535u, u32(LEVELS) - 1u) / BIN_LEVELS;
}

// The levels that bins become in a tile; one invocation a tile. `first` is the limit as a share of the pixels.
@compute @workgroup_size(1)
fn maps(@builtin(global_invocation_id) at: vec3u) {
    var counts: array<u32, BINS>;
    var pixels = 0u;
    for (var j = 0u; j < draw.tile_rows; j++) {
        let row = mirrored(i32(at.y * draw.tile_rows + j), draw.rows);
        for (var i = 0u; i < draw.tile_columns; i++) {
            let column = mirrored(i32(at.x * draw.tile_columns + i), draw.columns);
            let bin = source[place(column, row)];
            if bin != NO_BIN {
                counts[min(bin, BINS - 1u)] += 1u;
                pixels++;
            }
        }
    }
    let first = (at.y * draw.tiles_across + at.x) * BINS;
    if pixels == 0u {
        for (var bin = 0u; bin < BINS; bin++) {
            result[first + bin] = bitcast<u32>(min(f32(bin * BIN_LEVELS), LEVELS - 1.0));
        }
        return;
    }
    var limit = draw.limit;
    if pixels != draw.tile_columns * draw.tile_rows {
        limit = max(u32(draw.first * f32(pixels)), 1u);
    }
    var excess = 0;
    for (var bin = 0u; bin < BINS; bin++) {
        if counts[bin] > limit {
            excess += i32(counts[bin] - limit);
            counts[bin] = limit;
        }
    }
    let each = u32(excess) / BINS;
    let upper = limit - min(each, limit);
    for (var bin = 0u; bin < BINS; bin++) {
        let count = counts[bin];
        if count < upper {
            counts[bin] = count + each;
            excess -= i32(each);
        }
    }
    for (var bin = 0u; bin < BINS; bin++) {
        let count = counts[bin];
        if count >= upper && count < limit {
            excess -= i32(limit - count);
            counts[bin] = limit;
        }
    }
    while excess > 0 {
        let before = excess;
        for (var start = 0u; start < BINS; start++) {
            var under = 0;
            for (var bin = 0u; bin < BINS; bin++) {
                under += select(0, 1, counts[bin] < limit);
            }
            let step = u32(max(under / excess, 1));
            for (var bin = start; bin < BINS; bin += step) {
                if counts[bin] < limit {
                    counts[bin] += 1u;
                    excess -= 1;
                }
            }
            if excess <= 0 {
                break;
            }
        }
        if excess == before {
            break;
        }
    }
    var sum = 0u;
    let scale = (LEVELS - 1.0) / f32(pixels);
    for (var bin = 0u; bin < BINS; bin++) {
        sum += counts[bin];
        // A little more than nothing, so that whole levels are not lost to rounding.
        let level = floor(f32(sum) * scale + 0.001);
        result[first + bin] = bitcast<u32>(min(level, LEVELS - 1.0));
    }
}

struct Beside {
    low: u32,
    high: u32,
    share: f32,
}

fn beside(at: u32, tile: u32, tiles: u32) -> Beside {
    let shifted = at + tile / 2u;
    let upper = shifted / tile;
    let low = select(upper - 1u, 0u, upper == 0u);
    return Beside(min(low, tiles - 1u), min(upper, tiles - 1u), f32(shifted % tile) / f32(tile));
}

fn level_of(x: u32, y: u32, bin: u32) -> f32 {
    return bitcast<f32>(second[(y * draw.tiles_across + x) * BINS + bin]);
}

// The level of each pixel from its bin and the maps of the four tiles around it, which are `second`.
@compute @workgroup_size(8, 8)
fn levels(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    let bin = source[out];
    if bin == NO_BIN {
        result[out] = NONE;
        return;
    }
    let x = beside(at.x, draw.tile_columns, draw.tiles_across);
    let y = beside(at.y, draw.tile_rows, draw.tiles_down);
    let upper = mix(level_of(x.low, y.low, bin), level_of(x.high, y.low, bin), x.share);
    let lower = mix(level_of(x.low, y.high, bin), level_of(x.high, y.high, bin), x.share);
    result[out] = bitcast<u32>(floor(mix(upper, lower, y.share) + 0.002));
}
