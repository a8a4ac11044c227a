// A probability map over a picture, sampled where the network left it. Its twin is imaging/overlay.rs.
//
// The viewport is laid out in square tiles. Tiles in which nothing can show are found first (cs_tiles) and cost nothing
// more. In the others the probability of every viewport pixel is interpolated (fs_probability), then the mask with its
// outline is made of the differences between neighbouring pixels (fs_overlay): each element of the map is fetched once
// a pixel.
//!include lib/position.wgsl

// Tiles reach as far around as differences do.
override AROUND: bool = false;

// The Rust side is render/overlay.rs; a test compares names, offsets and sizes.
struct OverlayDraw {
    // Position of the viewport's pixel less the margin, so of pixel (0, 0) of the texture of probabilities.
    start_hi: vec4i,
    start_lo: vec4u,
    step_x_hi: vec4i,
    step_x_lo: vec4u,
    step_y_hi: vec4i,
    step_y_lo: vec4u,
    color: vec4f,
    // Colours of an explanation, at equal distances from 0 to 1.
    stops: array<vec4f, 9>,
    columns: u32,
    rows: u32,
    // Index of the map's first element in the bound part of the buffer.
    first: u32,
    reach: u32,
    threshold: f32,
    opacity: f32,
    outline_px: f32,
    dashed: u32,
    // Pixels around the viewport that the texture of probabilities has.
    margin: u32,
    // Side of a tile in viewport pixels, and tiles in a row of them.
    tile_px: u32,
    tiles_across: u32,
    // Tiles in which nothing shows are left out.
    skip_empty: u32,
    // Part of the viewport that the map may reach: x, y, width, height.
    reached: vec4u,
    viewport_width: u32,
    viewport_height: u32,
    // 1 where the map is an explanation: each value has a colour.
    coloured: u32,
    spare: u32,
}

@group(0) @binding(0) var<uniform> draw: OverlayDraw;
@group(0) @binding(1) var<storage, read> map: array<f32>;
// Whether something may show in a tile: as cs_tiles writes it, and as vs_tile reads it.
@group(1) @binding(0) var<storage, read_write> marks: array<u32>;
@group(1) @binding(0) var<storage, read> shown: array<u32>;
@group(2) @binding(0) var probabilities: texture_2d<f32>;

const DASH_PERIOD = 8u;
const DASH_LENGTH = 5u;
const DASH_MARGIN = 1.001;
const FLAT = 0.000001;
// A pixel beside the map holds this less its probability: the border continues there, for the differences.
const BESIDE = -4.0;

fn map_value(column: i32, row: i32) -> f32 {
    return map[draw.first + u32(row) * draw.columns + u32(column)];
}

// The neighbours of a position that may lie outside: there the border continues.
fn within(hi: i32, lo: u32, size: u32) -> Neighbours {
    let last = i32(size) - 1;
    let beyond = select(lo, 0xffffffffu, hi > last);
    return neighbours(clamp(hi, 0, last), select(beyond, 0u, hi < 0), size);
}

// Where a pixel of the texture of probabilities lies in the map.
fn map_position(x: u32, y: u32) -> Position {
    let start = Position(draw.start_hi.xyz, draw.start_lo.xyz);
    let along_x = position_scale(Position(draw.step_x_hi.xyz, draw.step_x_lo.xyz), x);
    let along_y = position_scale(Position(draw.step_y_hi.xyz, draw.step_y_lo.xyz), y);
    return position_add(position_add(start, along_x), along_y);
}

// First pixel of a tile, and the one behind its last.
fn tile_start(tile: vec2u) -> vec2u {
    return draw.reached.xy + tile * draw.tile_px;
}

fn tile_end(tile: vec2u) -> vec2u {
    return min(tile_start(tile) + draw.tile_px, draw.reached.xy + draw.reached.zw);
}

const LANES = 64u;
// Bit patterns of floats that are not negative have the order of the floats.
var<workgroup> highest: atomic<u32>;
var<workgroup> one_less_lowest: atomic<u32>;

// Marks a tile unless every probability that its pixels and their neighbours may see is so far below the threshold
// that even the steepest difference between two of them draws nothing.
@compute @workgroup_size(64)
fn cs_tiles(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let tile = group.xy;
    let first = tile_start(tile) + draw.margin - draw.reach;
    let last = tile_end(tile) + draw.margin + draw.reach - 1u;
    // The mapping is affine, so the corners are the extremes.
    let a = map_position(first.x, first.y).hi.xy;
    let b = map_position(last.x, first.y).hi.xy;
    let c = map_position(first.x, last.y).hi.xy;
    let d = map_position(last.x, last.y).hi.xy;
    let border = vec2i(i32(draw.columns), i32(draw.rows)) - 1;
    let low = clamp(min(min(a, b), min(c, d)) - 1, vec2i(0), border);
    let high = clamp(max(max(a, b), max(c, d)) + 1, vec2i(0), border);
    let width = u32(high.x - low.x) + 1u;
    let count = width * (u32(high.y - low.y) + 1u);
    for (var i = lane; i < count; i += LANES) {
        let p = clamp(map_value(low.x + i32(i % width), low.y + i32(i / width)), 0.0, 1.0);
        atomicMax(&highest, bitcast<u32>(p));
        atomicMax(&one_less_lowest, bitcast<u32>(1.0 - p));
    }
    workgroupBarrier();
    if lane == 0u {
        let most = bitcast<f32>(atomicLoad(&highest));
        let least = 1.0 - bitcast<f32>(atomicLoad(&one_less_lowest));
        // Both differences at once: the square root of two, rounded up.
        let steepest = 1.4143 * (most - least) / f32(draw.reach);
        let nearest = draw.outline_px * 0.5 + 0.5;
        let nothing = draw.threshold - most > steepest * nearest + 0.0001;
        marks[tile.y * draw.tiles_across + tile.x] = select(1u, 0u, nothing);
    }
}

// Two triangles a tile; those of a tile in which nothing shows have no area.
@vertex
fn vs_tile(
    @builtin(vertex_index) vertex: u32,
    @builtin(instance_index) instance: u32,
) -> @builtin(position) vec4f {
    if draw.skip_empty != 0u && shown[instance] == 0u {
        return vec4f(2.0, 2.0, 0.0, 1.0);
    }
    let tile = vec2u(instance % draw.tiles_across, instance / draw.tiles_across);
    let far = vec2<bool>(((0x32u >> vertex) & 1u) != 0u, ((0x2cu >> vertex) & 1u) != 0u);
    var pixel = vec2f(select(tile_start(tile), tile_end(tile), far));
    var size = vec2f(f32(draw.viewport_width), f32(draw.viewport_height));
    if AROUND {
        let reach = f32(draw.reach);
        pixel += f32(draw.margin) + select(vec2f(-reach), vec2f(reach), far);
        size += 2.0 * f32(draw.margin);
    }
    let place = pixel / size * 2.0 - 1.0;
    return vec4f(place.x, -place.y, 0.0, 1.0);
}

@fragment
fn fs_probability(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = map_position(u32(position.x), u32(position.y));
    let c = within(at.hi.x, at.lo.x, draw.columns);
    let r = within(at.hi.y, at.lo.y, draw.rows);
    let upper = map_value(c.low, r.low) * c.low_weight + map_value(c.high, r.low) * c.high_weight;
    let lower = map_value(c.low, r.high) * c.low_weight + map_value(c.high, r.high) * c.high_weight;
    let probability = clamp(upper * r.low_weight + lower * r.high_weight, 0.0, 1.0);
    let inside = all(at.hi.xy >= vec2i(0)) && at.hi.x < i32(draw.columns) && at.hi.y < i32(draw.rows);
    return vec4f(select(BESIDE - probability, probability, inside), 0.0, 0.0, 1.0);
}

fn probability_at(pixel: vec2i) -> f32 {
    let stored = textureLoad(probabilities, pixel, 0).x;
    return select(stored, BESIDE - stored, stored < 0.0);
}

// Colour and opacity of a value of an explanation.
fn stop_colour(value: f32) -> vec4f {
    let place = clamp(value, 0.0, 1.0) * 8.0;
    let low = min(u32(place), 7u);
    return mix(draw.stops[low], draw.stops[low + 1u], place - f32(low));
}

@fragment
fn fs_overlay(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let x = u32(position.x);
    let y = u32(position.y);
    let pixel = vec2i(position.xy) + i32(draw.margin);
    let far = i32(draw.reach);
    let p = textureLoad(probabilities, pixel, 0).x;
    if draw.coloured != 0u {
        let colour = stop_colour(p);
        return vec4f(colour.rgb, select(colour.a * draw.opacity, 0.0, p < 0.0));
    }
    // The larger of the two one-sided differences: of a sharp edge, only one side sees the step.
    let gx = max(
        abs(probability_at(pixel + vec2i(far, 0)) - p),
        abs(probability_at(pixel - vec2i(far, 0)) - p),
    );
    let gy = max(
        abs(probability_at(pixel + vec2i(0, far)) - p),
        abs(probability_at(pixel - vec2i(0, far)) - p),
    );
    let slope = sqrt(gx * gx + gy * gy) / f32(draw.reach);
    var distance = select(-1000000.0, 1000000.0, p >= draw.threshold);
    if slope > FLAT {
        distance = (p - draw.threshold) / slope;
    }
    let fill = clamp(distance + 0.5, 0.0, 1.0) * draw.opacity;
    // An edge that changes mostly along x runs along y.
    let along = select(x, y, gx > gy * DASH_MARGIN);
    let dash = draw.dashed == 0u || along % DASH_PERIOD < DASH_LENGTH;
    let near = clamp(draw.outline_px * 0.5 - abs(distance) + 0.5, 0.0, 1.0);
    let outline = select(0.0, near, dash && draw.outline_px > 0.0);
    let opacity = 1.0 - (1.0 - fill) * (1.0 - outline);
    return vec4f(draw.color.rgb, select(opacity, 0.0, p < 0.0));
}
