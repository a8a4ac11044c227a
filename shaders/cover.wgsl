// Overlay planes and display shutters over a frame: one bit a pixel, nearest sampling. Its twin is imaging/cover.rs.
//!include lib/fullscreen.wgsl
//!include lib/position.wgsl

// The Rust side is render/cover.rs; a test compares names, offsets and sizes.
struct CoverDraw {
    start_hi: vec4i,
    start_lo: vec4u,
    step_x_hi: vec4i,
    step_x_lo: vec4u,
    step_y_hi: vec4i,
    step_y_lo: vec4u,
    // Colour of every layer, opaque.
    colors: array<vec4f, 17>,
    columns: u32,
    rows: u32,
    layers: u32,
    // One bit a layer: whether it is drawn.
    shown: u32,
}

@group(0) @binding(0) var<uniform> draw: CoverDraw;
// Layer after layer, row after row; rows begin at words.
@group(0) @binding(1) var<storage, read> bits: array<u32>;

@fragment
fn fs_cover(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let start = Position(draw.start_hi.xyz, draw.start_lo.xyz);
    let along_x = position_scale(Position(draw.step_x_hi.xyz, draw.step_x_lo.xyz), u32(position.x));
    let along_y = position_scale(Position(draw.step_y_hi.xyz, draw.step_y_lo.xyz), u32(position.y));
    let at = position_add(position_add(start, along_x), along_y).hi.xy;
    var color = vec4f(0.0);
    if any(at < vec2i(0)) || any(at >= vec2i(vec2u(draw.columns, draw.rows))) {
        return color;
    }
    let column = u32(at.x);
    let words = (draw.columns + 31u) / 32u;
    let word = u32(at.y) * words + column / 32u;
    for (var layer = 0u; layer < draw.layers; layer += 1u) {
        let bit = bits[layer * words * draw.rows + word] >> (column & 31u);
        if (bit & (draw.shown >> layer) & 1u) != 0u {
            color = draw.colors[layer];
        }
    }
    return color;
}
