// Random walks to strokes: the linear system of one label solved by conjugate gradients that are scaled by the diagonal, and the
// most probable label of each voxel. The Rust side is render/walker.rs, the twin imaging/segment/walker.rs.
//
// One round is cs_times, cs_length, cs_step, cs_turn, cs_follow. Sums are taken by groups and then by one group, always in the same
// order: the same device comes to the same bits.

struct WalkDraw {
    columns: u32,
    rows: u32,
    count: u32,
    // Groups that the voxels take, and so sums of groups.
    groups: u32,
    label: u32,
    // 1 for the first label, and for the last one: that gets what the others have left.
    first: u32,
    last: u32,
    // The residual at which solving ends, relative to the right-hand side.
    tolerance: f32,
}

// As in forest_mask.wgsl: what no stroke reaches.
const NEVER = 4294967295u;
// Places of `scalars`: 1 when solved, the energy of the residual, how far to go, how much of the old direction stays, and the
// square of the residual that is small enough.
const DONE = 0;
const ENERGY = 1;
const LENGTH = 2;
const TURN = 3;
const TARGET = 4;

@group(0) @binding(0) var<uniform> draw: WalkDraw;
// Weights of the steps to the next voxel along each axis; and the sum of the weights of all steps, 0 for seeds and for what none
// reaches.
@group(0) @binding(1) var<storage, read> system: array<vec4f>;
// How probable the label is, as bits of f32, and the label; NEVER where there is none.
@group(0) @binding(2) var<storage, read_write> keys: array<vec2u>;
// The probability of the label, and what all labels before it have left.
@group(0) @binding(3) var<storage, read_write> found: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> rest: array<f32>;
@group(0) @binding(5) var<storage, read_write> direction: array<f32>;
@group(0) @binding(6) var<storage, read_write> image: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec2f>;
@group(0) @binding(8) var<storage, read_write> scalars: array<f32>;

const GROUP = 256u;
const PART = 16u;
var<workgroup> shared_sums: array<vec2f, GROUP>;
var<workgroup> part_sums: array<vec2f, PART>;

// The sum over a group, for its first thread: by sixteens, so that a group has to wait for itself twice only, which is what
// an adapter that computes on the CPU takes longest for.
fn group_sum(value: vec2f, local: u32) -> vec2f {
    shared_sums[local] = value;
    workgroupBarrier();
    if local < PART {
        var sum = vec2f(0.0);
        for (var k = 0u; k < GROUP / PART; k++) {
            sum += shared_sums[local + k * PART];
        }
        part_sums[local] = sum;
    }
    workgroupBarrier();
    var sum = vec2f(0.0);
    if local == 0u {
        for (var k = 0u; k < PART; k++) {
            sum += part_sums[k];
        }
    }
    return sum;
}

// The sum over all groups, for one group.
fn whole_sum(local: u32) -> vec2f {
    var sum = vec2f(0.0);
    for (var at = local; at < draw.groups; at += GROUP) {
        sum += sums[at];
    }
    return group_sum(sum, local);
}

// 1 for a seed of the label.
fn seed(at: u32) -> f32 {
    let key = keys[at];
    return select(0.0, 1.0, system[at].w == 0.0 && key.x != NEVER && key.y == draw.label);
}

// What a seed of the label gives a neighbour.
fn given(at: u32) -> f32 {
    let here = system[at];
    let slice = draw.columns * draw.rows;
    var sum = 0.0;
    if here.x > 0.0 {
        sum += here.x * seed(at + 1u);
    }
    if here.y > 0.0 {
        sum += here.y * seed(at + draw.columns);
    }
    if here.z > 0.0 {
        sum += here.z * seed(at + slice);
    }
    if at % draw.columns > 0u {
        sum += system[at - 1u].x * seed(at - 1u);
    }
    if at / draw.columns % draw.rows > 0u {
        sum += system[at - draw.columns].y * seed(at - draw.columns);
    }
    if at >= slice {
        sum += system[at - slice].z * seed(at - slice);
    }
    return sum;
}

@compute @workgroup_size(256)
fn cs_begin(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(local_invocation_index) local: u32,
    @builtin(workgroup_id) group: vec3u,
) {
    let at = id.x;
    var sum = vec2f(0.0);
    if at < draw.count {
        let left = select(found[at].y, 1.0, draw.first == 1u);
        let degree = system[at].w;
        var right = 0.0;
        var scaled = 0.0;
        if degree > 0.0 {
            right = given(at);
            scaled = right / degree;
        }
        found[at] = vec2f(0.0, left);
        rest[at] = right;
        direction[at] = scaled;
        image[at] = 0.0;
        sum = vec2f(right * scaled, right * right);
    }
    let whole = group_sum(sum, local);
    if local == 0u {
        sums[group.x] = whole;
    }
}

@compute @workgroup_size(256)
fn cs_start(@builtin(local_invocation_index) local: u32) {
    let whole = whole_sum(local);
    if local == 0u {
        scalars[DONE] = select(1.0, 0.0, whole.x > 0.0);
        scalars[ENERGY] = whole.x;
        scalars[TARGET] = draw.tolerance * draw.tolerance * whole.y;
    }
}

// The direction as the system maps it. Differences are taken before they are weighted: nothing is lost where all values are alike.
@compute @workgroup_size(256)
fn cs_times(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(local_invocation_index) local: u32,
    @builtin(workgroup_id) group: vec3u,
) {
    let at = id.x;
    var sum = 0.0;
    if at < draw.count {
        let here = system[at];
        if here.w > 0.0 {
            let slice = draw.columns * draw.rows;
            let mine = direction[at];
            var out = 0.0;
            if here.x > 0.0 {
                out += here.x * (mine - direction[at + 1u]);
            }
            if here.y > 0.0 {
                out += here.y * (mine - direction[at + draw.columns]);
            }
            if here.z > 0.0 {
                out += here.z * (mine - direction[at + slice]);
            }
            if at % draw.columns > 0u {
                out += system[at - 1u].x * (mine - direction[at - 1u]);
            }
            if at / draw.columns % draw.rows > 0u {
                out += system[at - draw.columns].y * (mine - direction[at - draw.columns]);
            }
            if at >= slice {
                out += system[at - slice].z * (mine - direction[at - slice]);
            }
            image[at] = out;
            sum = mine * out;
        }
    }
    let whole = group_sum(vec2f(sum, 0.0), local);
    if local == 0u {
        sums[group.x] = whole;
    }
}

@compute @workgroup_size(256)
fn cs_length(@builtin(local_invocation_index) local: u32) {
    let whole = whole_sum(local);
    if local == 0u {
        if scalars[DONE] == 0.0 && whole.x > 0.0 {
            scalars[LENGTH] = scalars[ENERGY] / whole.x;
        } else {
            scalars[LENGTH] = 0.0;
            scalars[DONE] = 1.0;
        }
    }
}

@compute @workgroup_size(256)
fn cs_step(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(local_invocation_index) local: u32,
    @builtin(workgroup_id) group: vec3u,
) {
    let at = id.x;
    var sum = vec2f(0.0);
    if at < draw.count {
        let degree = system[at].w;
        if degree > 0.0 {
            let length = scalars[LENGTH];
            let right = rest[at] - length * image[at];
            found[at].x += length * direction[at];
            rest[at] = right;
            sum = vec2f(right * right / degree, right * right);
        }
    }
    let whole = group_sum(sum, local);
    if local == 0u {
        sums[group.x] = whole;
    }
}

@compute @workgroup_size(256)
fn cs_turn(@builtin(local_invocation_index) local: u32) {
    let whole = whole_sum(local);
    if local == 0u && scalars[DONE] == 0.0 {
        scalars[TURN] = whole.x / scalars[ENERGY];
        scalars[ENERGY] = whole.x;
        if !(whole.x > 0.0) || whole.y <= scalars[TARGET] {
            scalars[DONE] = 1.0;
        }
    }
}

@compute @workgroup_size(256)
fn cs_follow(@builtin(global_invocation_id) id: vec3u) {
    let at = id.x;
    if at >= draw.count {
        return;
    }
    let degree = system[at].w;
    if degree > 0.0 {
        direction[at] = rest[at] / degree + scalars[TURN] * direction[at];
    }
}

// Each voxel keeps the label that is more probable than those before it.
@compute @workgroup_size(256)
fn cs_name(@builtin(global_invocation_id) id: vec3u) {
    let at = id.x;
    if at >= draw.count || system[at].w == 0.0 {
        return;
    }
    let both = found[at];
    let chance = select(both.x, both.y, draw.last == 1u);
    found[at].y = both.y - chance;
    let key = keys[at];
    if key.y == 0u || chance > bitcast<f32>(key.x) {
        keys[at] = vec2u(bitcast<u32>(chance), draw.label);
    }
}
