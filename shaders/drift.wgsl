// Triangles that were cut for a view of before, in the view of now: their places move and grow apart with the picture,
// while lines stay as thin and letters as large as they are.

// The Rust side is render/drift.rs; a test compares names, offsets and sizes.
struct DriftDraw {
    // The window in points of the user interface.
    window: vec2f,
    // Where the point (0, 0) of before is now.
    by: vec2f,
    // How much farther places are apart.
    scale: f32,
    pixels_per_point: f32,
    // The target encodes linear light as sRGB when it stores.
    decode: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> draw: DriftDraw;
@group(1) @binding(0) var letters: texture_2d<f32>;
@group(1) @binding(1) var letters_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4f,
    @location(0) uv: vec2f,
    // Premultiplied, in code values.
    @location(1) color: vec4f,
}

// `anchor` is the place that a corner belongs to; the third number is 1 where it moves by whole pixels only, as letters
// do: they would be smeared otherwise.
@vertex
fn vs_drift(
    @location(0) place: vec2f,
    @location(1) uv: vec2f,
    @location(2) color: vec4f,
    @location(3) anchor: vec3f,
) -> Corner {
    let exact = anchor.xy * (draw.scale - 1.0) + draw.by;
    let whole = round(exact * draw.pixels_per_point) / draw.pixels_per_point;
    let at = place + select(exact, whole, anchor.z > 0.5);
    var corner: Corner;
    corner.position = vec4f(2.0 * at.x / draw.window.x - 1.0, 1.0 - 2.0 * at.y / draw.window.y, 0.0, 1.0);
    corner.uv = uv;
    corner.color = color;
    return corner;
}

fn linear_from_code(code: vec3f) -> vec3f {
    return select(pow((code + 0.055) / 1.055, vec3f(2.4)), code / 12.92, code <= vec3f(0.04045));
}

@fragment
fn fs_drift(corner: Corner) -> @location(0) vec4f {
    let code = corner.color * textureSample(letters, letters_sampler, corner.uv);
    return vec4f(select(code.rgb, linear_from_code(code.rgb), draw.decode != 0u), code.a);
}
