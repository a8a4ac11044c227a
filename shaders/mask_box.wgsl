// A box of words at its place in a packed mask. The Rust side is gpu/mask_box.rs.

struct BoxDraw {
    // First word of a row, first row, first slice, and rows of a slice of the mask.
    first: vec4u,
    // Words, rows and slices of the box, and words of a row of the mask.
    size: vec4u,
}

@group(0) @binding(0) var<uniform> draw: BoxDraw;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(8, 8, 1)
fn cs_box(@builtin(global_invocation_id) id: vec3u) {
    if any(id >= draw.size.xyz) {
        return;
    }
    let row = (draw.first.z + id.z) * draw.first.w + draw.first.y + id.y;
    mask[row * draw.size.w + draw.first.x + id.x] = words[(id.z * draw.size.y + id.y) * draw.size.x + id.x];
}
