// Labels spread over the cheapest paths: each voxel takes the best of what its six neighbours offer and what it has, over and
// over. A group does that for a tile in its own memory until nothing in it changes; a pass carries it on to the tiles beside it.
// Where the highest level counts, costs are settled first (cs_spread) and labels follow them (cs_name). The Rust side is
// render/forest.rs, the twin imaging/segment/forest.rs.
//
// A tile is looked at when it or one beside it changed in the pass before: what did not change is the same in both buffers.

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
// Which tiles changed in the pass before, and in this one.
@group(0) @binding(6) var<storage, read> moved_before: array<u32>;
@group(0) @binding(7) var<storage, read_write> moved_after: array<u32>;

// Voxels of a tile, and with those around it.
const TILE = vec3u(8u, 8u, 4u);
const AROUND = vec3u(10u, 10u, 6u);
const HELD = 600u;
// Rounds in a tile, at most.
const ROUNDS = 24u;

var<workgroup> keys: array<vec2u, 600>;
var<workgroup> grounds: array<u32, 600>;
var<workgroup> moving: u32;

fn tiles() -> vec3u {
    return (vec3u(draw.columns, draw.rows, draw.slices) + TILE - 1u) / TILE;
}

fn tile_at(tile: vec3u) -> u32 {
    let count = tiles();
    return (tile.z * count.y + tile.y) * count.x + tile.x;
}

// Whether a tile, or one that shares a face with it, changed in the pass before.
fn is_awake(tile: vec3u) -> bool {
    let count = tiles();
    var awake = moved_before[tile_at(tile)];
    if tile.x > 0u {
        awake |= moved_before[tile_at(tile - vec3u(1u, 0u, 0u))];
    }
    if tile.x + 1u < count.x {
        awake |= moved_before[tile_at(tile + vec3u(1u, 0u, 0u))];
    }
    if tile.y > 0u {
        awake |= moved_before[tile_at(tile - vec3u(0u, 1u, 0u))];
    }
    if tile.y + 1u < count.y {
        awake |= moved_before[tile_at(tile + vec3u(0u, 1u, 0u))];
    }
    if tile.z > 0u {
        awake |= moved_before[tile_at(tile - vec3u(0u, 0u, 1u))];
    }
    if tile.z + 1u < count.z {
        awake |= moved_before[tile_at(tile + vec3u(0u, 0u, 1u))];
    }
    return awake != 0u;
}

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

// Brings a tile and what lies around it into the memory of the group; beyond the grid there is nothing.
fn held(tile: vec3u, index: u32) {
    let size = vec3u(draw.columns, draw.rows, draw.slices);
    for (var i = index; i < HELD; i += 256u) {
        let local = vec3u(i % AROUND.x, i / AROUND.x % AROUND.y, i / (AROUND.x * AROUND.y));
        // Before the first voxel the difference wraps, and lies outside.
        let place = tile * TILE + local - 1u;
        keys[i] = vec2u(NEVER, NEVER);
        grounds[i] = WALL;
        if all(place < size) {
            let at = (place.z * size.y + place.y) * size.x + place.x;
            keys[i] = before[at];
            grounds[i] = level_of(at);
        }
    }
}

// The better of what a voxel has and what a neighbour along an axis offers.
fn offered(best: vec2u, own: u32, next: u32, axis: u32) -> vec2u {
    let made = stepped(keys[next], grounds[next], own, axis);
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
    let there = keys[next];
    let made = stepped(there, grounds[next], own, axis);
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

const DOWN = AROUND.x;
const DEEP = AROUND.x * AROUND.y;

// What a voxel of the tile becomes by the costs of its neighbours.
fn cheapest(at: u32) -> vec2u {
    var best = keys[at];
    let own = grounds[at];
    if own != WALL {
        best = offered(best, own, at - 1u, 0u);
        best = offered(best, own, at + 1u, 0u);
        best = offered(best, own, at - DOWN, 1u);
        best = offered(best, own, at + DOWN, 1u);
        best = offered(best, own, at - DEEP, 2u);
        best = offered(best, own, at + DEEP, 2u);
    }
    return best;
}

// What it becomes by the label of the neighbour that its cost comes from.
fn name_of(at: u32) -> vec2u {
    let old = keys[at];
    let own = grounds[at];
    // Seeds have taken no step, and keep theirs.
    if own == WALL || old.x == NEVER || old.x == 0u {
        return old;
    }
    var pick = Pick(NEVER, NEVER, 0u);
    pick = named(pick, old, own, at - 1u, 0u);
    pick = named(pick, old, own, at + 1u, 0u);
    pick = named(pick, old, own, at - DOWN, 1u);
    pick = named(pick, old, own, at + DOWN, 1u);
    pick = named(pick, old, own, at - DEEP, 2u);
    pick = named(pick, old, own, at + DEEP, 2u);
    return vec2u(old.x, (old.y & 4294901760u) | pick.label);
}

// The whole work of a group.
fn work(names: bool, tile: vec3u, local: vec3u, index: u32) {
    if !is_awake(tile) {
        if index == 0u {
            moved_after[tile_at(tile)] = 0u;
        }
        return;
    }
    held(tile, index);
    let at = (local.z + 1u) * DEEP + (local.y + 1u) * DOWN + local.x + 1u;
    for (var round = 0u; round < ROUNDS; round++) {
        if index == 0u {
            moving = 0u;
        }
        workgroupBarrier();
        var now = keys[at];
        if names {
            now = name_of(at);
        } else {
            now = cheapest(at);
        }
        // All that change anything write the same.
        if any(now != keys[at]) {
            moving = 1u;
        }
        workgroupBarrier();
        keys[at] = now;
        if workgroupUniformLoad(&moving) == 0u {
            break;
        }
    }
    if index == 0u {
        moving = 0u;
    }
    workgroupBarrier();
    let size = vec3u(draw.columns, draw.rows, draw.slices);
    let place = tile * TILE + local;
    if all(place < size) {
        let to = (place.z * size.y + place.y) * size.x + place.x;
        if any(keys[at] != before[to]) {
            moving = 1u;
        }
        after[to] = keys[at];
    }
    let moved = workgroupUniformLoad(&moving);
    if index == 0u {
        moved_after[tile_at(tile)] = moved;
        if moved != 0u {
            atomicStore(&changed[0], 1u);
        }
    }
}

@compute @workgroup_size(8, 8, 4)
fn cs_spread(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
    work(false, tile, local, index);
}

@compute @workgroup_size(8, 8, 4)
fn cs_name(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
    work(true, tile, local, index);
}
