// Labels spread over the cheapest paths, one step a pass: each voxel takes the best of what its six neighbours offer and what
// it has. Where the highest level counts, costs are settled first (cs_spread) and labels follow them (cs_name). The Rust side is
// render/forest.rs, the twin imaging/segment/forest.rs.

struct ForestDraw {
    columns: u32,
    rows: u32,
    slices: u32,
    // 1: the highest level on the path counts, then its steps there. 0: the sum of costs.
    highest: u32,
}

// A level where no path goes.
const WALL = 65535u;
// Differences of levels that have a cost.
const LEVELS = 4096u;
// The cost of what no seed has reached.
const NEVER = 4294967295u;

@group(0) @binding(0) var<uniform> draw: ForestDraw;
// Two levels a word, the lower half first.
@group(0) @binding(1) var<storage, read> levels: array<u32>;
// Costs by axis and difference.
@group(0) @binding(2) var<storage, read> costs: array<u32>;
// Cost (or steps), then level above label, 16 bits each.
@group(0) @binding(3) var<storage, read> before: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> after: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> changed: array<atomic<u32>>;

fn level_of(at: u32) -> u32 {
    return (levels[at >> 1u] >> (16u * (at & 1u))) & 65535u;
}

// Whether a key comes before another: level, cost, and label where both are settled at once.
fn better(a: vec2u, b: vec2u) -> bool {
    let la = a.y >> 16u;
    let lb = b.y >> 16u;
    if la != lb {
        return la < lb;
    }
    if a.x != b.x {
        return a.x < b.x;
    }
    return draw.highest == 0u && (a.y & 65535u) < (b.y & 65535u);
}

// What a neighbour's key becomes at a voxel of this level; NEVER where no path leads on.
fn stepped(key: vec2u, level: u32, own: u32, axis: u32) -> vec2u {
    if key.x == NEVER || level == WALL {
        return vec2u(NEVER, NEVER);
    }
    if draw.highest == 1u {
        if own > (key.y >> 16u) {
            return vec2u(1u, own << 16u);
        }
        return vec2u(key.x + 1u, key.y & 4294901760u);
    }
    let apart = select(level - own, own - level, own > level);
    let step = max(costs[axis * LEVELS + min(apart, LEVELS - 1u)], 1u);
    if step > NEVER - key.x || key.x + step == NEVER {
        return vec2u(NEVER, NEVER);
    }
    return vec2u(key.x + step, key.y);
}

// The better of what a voxel has and what a neighbour along an axis offers.
fn offered(best: vec2u, own: u32, next: u32, axis: u32) -> vec2u {
    let made = stepped(before[next], level_of(next), own, axis);
    if made.x != NEVER && better(made, best) {
        return made;
    }
    return best;
}

// The neighbour that a label comes from: its level and steps, and its label, 0 where that is not known yet.
struct Pick {
    level: u32,
    steps: u32,
    label: u32,
}

// The earlier of two neighbours from which a voxel's key comes; of equal ones the one with the lower label.
fn named(pick: Pick, key: vec2u, own: u32, next: u32, axis: u32) -> Pick {
    let there = before[next];
    let made = stepped(there, level_of(next), own, axis);
    if made.x != key.x || (made.y >> 16u) != (key.y >> 16u) {
        return pick;
    }
    let other = Pick(there.y >> 16u, there.x, there.y & 65535u);
    if other.level != pick.level {
        if other.level < pick.level {
            return other;
        }
        return pick;
    }
    if other.steps != pick.steps {
        if other.steps < pick.steps {
            return other;
        }
        return pick;
    }
    if other.label != 0u && (pick.label == 0u || other.label < pick.label) {
        return other;
    }
    return pick;
}

@compute @workgroup_size(64, 1, 1)
fn cs_spread(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let x = id.x;
    let row = id.z * groups.y + id.y;
    if x >= draw.columns || row >= draw.rows * draw.slices {
        return;
    }
    let y = row % draw.rows;
    let z = row / draw.rows;
    let at = row * draw.columns + x;
    let slice = draw.columns * draw.rows;
    let old = before[at];
    var best = old;
    let own = level_of(at);
    if own != WALL {
        if x > 0u {
            best = offered(best, own, at - 1u, 0u);
        }
        if x + 1u < draw.columns {
            best = offered(best, own, at + 1u, 0u);
        }
        if y > 0u {
            best = offered(best, own, at - draw.columns, 1u);
        }
        if y + 1u < draw.rows {
            best = offered(best, own, at + draw.columns, 1u);
        }
        if z > 0u {
            best = offered(best, own, at - slice, 2u);
        }
        if z + 1u < draw.slices {
            best = offered(best, own, at + slice, 2u);
        }
    }
    after[at] = best;
    if any(best != old) {
        atomicStore(&changed[0], 1u);
    }
}

@compute @workgroup_size(64, 1, 1)
fn cs_name(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let x = id.x;
    let row = id.z * groups.y + id.y;
    if x >= draw.columns || row >= draw.rows * draw.slices {
        return;
    }
    let y = row % draw.rows;
    let z = row / draw.rows;
    let at = row * draw.columns + x;
    let slice = draw.columns * draw.rows;
    let old = before[at];
    let own = level_of(at);
    var label = old.y & 65535u;
    // Seeds have taken no step, and keep theirs.
    if own != WALL && old.x != NEVER && old.x != 0u {
        var pick = Pick(NEVER, NEVER, 0u);
        if x > 0u {
            pick = named(pick, old, own, at - 1u, 0u);
        }
        if x + 1u < draw.columns {
            pick = named(pick, old, own, at + 1u, 0u);
        }
        if y > 0u {
            pick = named(pick, old, own, at - draw.columns, 1u);
        }
        if y + 1u < draw.rows {
            pick = named(pick, old, own, at + draw.columns, 1u);
        }
        if z > 0u {
            pick = named(pick, old, own, at - slice, 2u);
        }
        if z + 1u < draw.slices {
            pick = named(pick, old, own, at + slice, 2u);
        }
        label = pick.label;
    }
    after[at] = vec2u(old.x, (old.y & 4294901760u) | label);
    if label != (old.y & 65535u) {
        atomicStore(&changed[0], 1u);
    }
}
