// A probability map over a picture, sampled where the network left it. Its twin is imaging/overlay.rs.
//
// First the probability of every viewport pixel is interpolated (fs_probability), then the mask with its outline is
// made of the differences between neighbouring pixels (fs_overlay): each element of the map is fetched once a pixel.
//!include lib/fullscreen.wgsl
//!include lib/position.wgsl

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
    spare_0: u32,
    spare_1: u32,
    spare_2: u32,
}

@group(0) @binding(0) var<uniform> draw: OverlayDraw;
@group(0) @binding(1) var<storage, read> map: array<f32>;
@group(1) @binding(0) var probabilities: texture_2d<f32>;

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

@fragment
fn fs_probability(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let start = Position(draw.start_hi.xyz, draw.start_lo.xyz);
    let along_x = position_scale(Position(draw.step_x_hi.xyz, draw.step_x_lo.xyz), u32(position.x));
    let along_y = position_scale(Position(draw.step_y_hi.xyz, draw.step_y_lo.xyz), u32(position.y));
    let at = position_add(position_add(start, along_x), along_y);
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

@fragment
fn fs_overlay(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let x = u32(position.x);
    let y = u32(position.y);
    let pixel = vec2i(position.xy) + i32(draw.margin);
    let far = i32(draw.reach);
    let p = textureLoad(probabilities, pixel, 0).x;
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
