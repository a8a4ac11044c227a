// What is known of a whole plane: lowest and highest value, histogram, Otsu's threshold. The twin is
// imaging/filter/range.rs.
//!include lib/filter.wgsl

// 0: highest of the keys turned over, so that zero means none; 1: highest key; 2: bits of the threshold; from 3 on the
// counts of 256 bins.
@group(0) @binding(4) var<storage, read_write> stats: array<atomic<u32>>;

const RUN = 32u;
const BINS = 256u;
const COUNTS = 3u;

@compute @workgroup_size(8, 8)
fn extremes(@builtin(global_invocation_id) at: vec3u) {
    if at.y >= draw.rows {
        return;
    }
    var low = 0u;
    var high = 0u;
    let end = min((at.x + 1u) * RUN, draw.columns);
    for (var column = at.x * RUN; column < end; column++) {
        let raw = source[at.y * draw.columns + column];
        if !is_none(raw) {
            low = max(low, ~key_of(raw));
            high = max(high, key_of(raw));
        }
    }
    if high > 0u {
        atomicMax(&stats[0], low);
        atomicMax(&stats[1], high);
    }
}

@compute @workgroup_size(8, 8)
fn histogram(@builtin(global_invocation_id) at: vec3u) {
    if at.x >= draw.columns || at.y >= draw.rows {
        return;
    }
    let raw = source[at.y * draw.columns + at.x];
    if is_none(raw) {
        return;
    }
    let low = bitcast<f32>(bits_of(~atomicLoad(&stats[0])));
    let high = bitcast<f32>(bits_of(atomicLoad(&stats[1])));
    let share = (bitcast<f32>(raw) - low) / (high - low);
    var bin = 0u;
    if high > low {
        bin = min(u32(share * f32(BINS)), BINS - 1u);
    }
    atomicAdd(&stats[COUNTS + bin], 1u);
}

@compute @workgroup_size(1)
fn threshold() {
    let low = bitcast<f32>(bits_of(~atomicLoad(&stats[0])));
    let high = bitcast<f32>(bits_of(atomicLoad(&stats[1])));
    var all = 0.0;
    var all_moment = 0.0;
    for (var bin = 0u; bin < BINS; bin++) {
        let count = f32(atomicLoad(&stats[COUNTS + bin]));
        all += count;
        all_moment += f32(bin) * count;
    }
    var below = 0.0;
    var moment = 0.0;
    var best = -1.0;
    var found = 0u;
    for (var bin = 0u; bin < BINS - 1u; bin++) {
        let count = f32(atomicLoad(&stats[COUNTS + bin]));
        below += count;
        moment += f32(bin) * count;
        let above = all - below;
        let apart = moment / max(below, 1.0) - (all_moment - moment) / max(above, 1.0);
        let variance = (below / all) * (above / all) * apart * apart;
        if variance > best {
            best = variance;
            found = bin;
        }
    }
    var middle = low;
    if high > low {
        middle = low + (f32(found) + 0.5) * ((high - low) / f32(BINS));
    }
    atomicStore(&stats[2], bitcast<u32>(middle));
}
