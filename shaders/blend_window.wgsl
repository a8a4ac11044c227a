// Answers of a network for a part of a window: added to the sums of their cell, decided, packed into the mask.
// Its twin is ai/sliding/blend.rs, bit for bit.
//
// Sums are whole numbers, so that the order in which windows come does not matter: a logit is cut at 32 and counts in
// steps of 1/2048, a weight goes to 511, and 27 windows lie over a voxel at most, which makes less than 2^31.

// The Rust side is gpu/blend.rs; a test compares names, offsets and sizes.
struct BlendDraw {
    // First column, row and slice of the part within its window, and how many classes.
    in_window: vec4u,
    // Columns, rows and slices of the window, and the index of its first answer in the binding.
    window: vec4u,
    // Columns, rows and slices of the part, and how sums become bytes: 0 largest, 1 last, 2 probability.
    part: vec4u,
    // First column, row and slice of the part within its cell, and how many positions the cell has.
    in_cell: vec4u,
    // Columns, rows and slices of the cell.
    cell: vec4u,
    // First column, row and slice of the part within the mask.
    in_mask: vec4u,
    // Words of a row of the mask, and its rows.
    mask: vec4u,
    // From one answer to the next along columns, rows, slices and classes.
    strides: vec4u,
    // The byte of each class, four a word.
    values: array<vec4u, 16>,
}

@group(0) @binding(0) var<uniform> draw: BlendDraw;
@group(0) @binding(1) var<storage, read> answers: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<i32>;
@group(0) @binding(4) var<storage, read_write> packed: array<u32>;

const LIMIT = 32.0;
const STEPS = 2048.0;

fn value_of(class_index: u32) -> u32 {
    let word = draw.values[class_index / 16u][(class_index / 4u) % 4u];
    return (word >> (8u * (class_index % 4u))) & 255u;
}

// Adds a position of the part and gives the byte that its sums say.
fn blended(at: vec3u) -> u32 {
    let in_window = draw.in_window.xyz + at;
    let in_cell = draw.in_cell.xyz + at;
    let weight_at = (in_window.z * draw.window.y + in_window.y) * draw.window.x + in_window.x;
    let weight = i32(weights[weight_at]);
    let place = (in_cell.z * draw.cell.y + in_cell.y) * draw.cell.x + in_cell.x;
    let classes = draw.in_window.w;
    let positions = draw.in_cell.w;
    var answer = draw.window.w + in_window.x * draw.strides.x + in_window.y * draw.strides.y + in_window.z * draw.strides.z;
    var byte = 0u;
    var largest = 0;
    var first = 0;
    for (var k = 0u; k < classes; k++) {
        let logit = clamp(answers[answer], -LIMIT, LIMIT);
        let sum = sums[k * positions + place] + weight * i32(floor(logit * STEPS + 0.5));
        sums[k * positions + place] = sum;
        answer += draw.strides.w;
        if k == 0u {
            first = sum;
        }
        let wins = select(sum >= 0, k == 0u || sum > largest, draw.part.w == 0u);
        if wins {
            largest = sum;
            byte = value_of(k);
        }
    }
    let whole = sums[classes * positions + place] + weight;
    sums[classes * positions + place] = whole;
    if draw.part.w == 2u {
        let mean = f32(first) / (f32(whole) * STEPS);
        byte = u32(floor(255.0 / (1.0 + exp(-mean)) + 0.5));
    }
    return byte;
}

@compute @workgroup_size(8, 8, 1)
fn cs_blend(@builtin(global_invocation_id) id: vec3u) {
    // Positions of this word that belong to the part.
    let before = draw.in_mask.x % 4u;
    let from_lane = select(0u, before, id.x == 0u);
    let end = draw.part.x + before;
    if id.x * 4u >= end || id.y >= draw.part.y || id.z >= draw.part.z {
        return;
    }
    let to_lane = min(4u, end - id.x * 4u);
    let row = (draw.in_mask.z + id.z) * draw.mask.y + draw.in_mask.y + id.y;
    let word = row * draw.mask.x + draw.in_mask.x / 4u + id.x;
    var value = packed[word];
    for (var lane = from_lane; lane < to_lane; lane++) {
        let byte = blended(vec3u(id.x * 4u + lane - before, id.y, id.z));
        value = insertBits(value, byte, 8u * lane, 8u);
    }
    packed[word] = value;
}
