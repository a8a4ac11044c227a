// Values of a picture into a plane, and a plane into a texture of frames.
@group(0) @binding(0) var values: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> plane: array<u32>;
@group(0) @binding(2) var<storage, read> finished: array<u32>;
@group(0) @binding(3) var frame: texture_storage_2d<r32uint, write>;

@compute @workgroup_size(8, 8)
fn take(@builtin(global_invocation_id) at: vec3u) {
    let size = textureDimensions(values);
    if any(at.xy >= size) {
        return;
    }
    plane[at.y * size.x + at.x] = bitcast<u32>(textureLoad(values, vec2i(at.xy), 0).x);
}

@compute @workgroup_size(8, 8)
fn give(@builtin(global_invocation_id) at: vec3u) {
    let size = textureDimensions(frame);
    if any(at.xy >= size) {
        return;
    }
    textureStore(frame, vec2i(at.xy), vec4u(finished[at.y * size.x + at.x], 0u, 0u, 0u));
}
