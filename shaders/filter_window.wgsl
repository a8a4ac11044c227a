// Order within a window. The twin is imaging/filter/rank.rs.
//!include lib/filter.wgsl

@group(0) @binding(4) var<storage, read_write> result: array<u32>;

// Lowest or highest value within a disk.
fn outermost(at: vec3u, highest: bool) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    let middle = source[out];
    if is_none(middle) {
        result[out] = NONE;
        return;
    }
    var found = key_of(middle);
    let reach = i32(draw.reach);
    for (var j = -reach; j <= reach; j++) {
        let row = reflected(i32(at.y) + j, draw.rows);
        for (var i = -reach; i <= reach; i++) {
            if i * i + j * j <= reach * reach {
                let raw = source[place(reflected(i32(at.x) + i, draw.columns), row)];
                if !is_none(raw) {
                    let key = key_of(raw);
                    found = select(min(found, key), max(found, key), highest);
                }
            }
        }
    }
    result[out] = bits_of(found);
}

@compute @workgroup_size(8, 8)
fn lowest(@builtin(global_invocation_id) at: vec3u) {
    outermost(at, false);
}

@compute @workgroup_size(8, 8)
fn highest(@builtin(global_invocation_id) at: vec3u) {
    outermost(at, true);
}

// The middle one of a square: found by halving the range of keys.
@compute @workgroup_size(8, 8)
fn median(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let out = at.y * draw.columns + at.x;
    if is_none(source[out]) {
        result[out] = NONE;
        return;
    }
    let reach = i32(draw.reach);
    var low = 0xffffffffu;
    var high = 0u;
    var count = 0u;
    for (var j = -reach; j <= reach; j++) {
        let row = reflected(i32(at.y) + j, draw.rows);
        for (var i = -reach; i <= reach; i++) {
            let raw = source[place(reflected(i32(at.x) + i, draw.columns), row)];
            if !is_none(raw) {
                let key = key_of(raw);
                low = min(low, key);
                high = max(high, key);
                count++;
            }
        }
    }
    let rank = count / 2u;
    while low < high {
        let middle = low + (high - low) / 2u;
        var below = 0u;
        for (var j = -reach; j <= reach; j++) {
            let row = reflected(i32(at.y) + j, draw.rows);
            for (var i = -reach; i <= reach; i++) {
                let raw = source[place(reflected(i32(at.x) + i, draw.columns), row)];
                below += select(0u, 1u, !is_none(raw) && key_of(raw) <= middle);
            }
        }
        if below > rank {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    result[out] = bits_of(low);
}
