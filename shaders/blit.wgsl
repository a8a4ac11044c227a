// A finished picture into a window, pixel by pixel.
//!include lib/fullscreen.wgsl

// The Rust side is render/blit.rs; a test compares names, offsets and sizes.
struct BlitDraw {
    // Where the picture's first pixel lies in the window.
    origin: vec2i,
    // The target encodes linear light as sRGB when it stores; code values must be decoded first.
    decode: u32,
    // The screen that it is drawn for.
    screen: u32,
}

@group(0) @binding(0) var<uniform> draw: BlitDraw;
@group(0) @binding(1) var picture: texture_2d<f32>;

// What each of eight screens is driven with for each of 256 code values, four side by side (PS3.14).
struct Levels {
    values: array<vec4f, 512>,
}
@group(0) @binding(2) var<uniform> levels: Levels;

fn level(code: f32) -> f32 {
    let index = u32(code * 255.0 + 0.5);
    return levels.values[draw.screen * 64u + index / 4u][index % 4u];
}

fn linear_from_code(code: vec3f) -> vec3f {
    return select(pow((code + 0.055) / 1.055, vec3f(2.4)), code / 12.92, code <= vec3f(0.04045));
}

@fragment
fn fs_blit(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let pixel = vec2i(position.xy) - draw.origin;
    if any(pixel < vec2i(0)) || any(pixel >= vec2i(textureDimensions(picture))) {
        return vec4f(0.0, 0.0, 0.0, 1.0);
    }
    let stored = textureLoad(picture, pixel, 0).rgb;
    let code = vec3f(level(stored.r), level(stored.g), level(stored.b));
    return vec4f(select(code, linear_from_code(code), draw.decode != 0u), 1.0);
}
