// A mask of a volume over a plane or a slab through it: labels or probabilities, packed. Its twin is imaging/labels.rs.
//
// The byte of every viewport pixel is looked up once (fs_byte: the nearest voxel; along a slab the first label that is
// met, or the largest probability). Fill and outline are made of these (fs_labels).
//!include lib/fullscreen.wgsl
//!include lib/position.wgsl

// The Rust side is render/labels.rs; a test compares names, offsets and sizes.
struct LabelDraw {
    // Position of the viewport's pixel less the margin, so of pixel (0, 0) of the texture of bytes; the first point of a
    // slab.
    start_hi: vec4i,
    start_lo: vec4u,
    step_x_hi: vec4i,
    step_x_lo: vec4u,
    step_y_hi: vec4i,
    step_y_lo: vec4u,
    // From one point of a slab to the next.
    depth_hi: vec4i,
    depth_lo: vec4u,
    // Columns, rows, slices, and words of a row.
    size: vec4u,
    // Bits a voxel, points of a slab, least byte that is drawn, 1 for probabilities.
    kind: vec4u,
    // Pixels around the viewport that the texture of bytes has, width of the outline in pixels, 1 for a mask in bricks.
    edge: vec4u,
    // Opacity of the fill.
    opacity: vec4f,
    // Colour of each byte, and 0 where it is not drawn (what lies behind it in a slab is seen), 1 where it is, 2 with a
    // dashed outline.
    colors: array<vec4f, 256>,
}

@group(0) @binding(0) var<uniform> draw: LabelDraw;
@group(0) @binding(1) var<storage, read> packed: array<u32>;
// Of a mask in bricks: which brick of the packed ones each is, from 1; 0 for one of zeros. Else not looked at.
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(1) @binding(0) var bytes: texture_2d<u32>;

// Voxels along an edge of a brick, and words of one.
const SIDE = 16u;
const BRICK_WORDS = 1024u;

const DASH_PERIOD = 8u;
const DASH_LENGTH = 5u;

fn byte_at(place: vec3i) -> u32 {
    if any(place < vec3i(0)) || any(place >= vec3i(draw.size.xyz)) {
        return 0u;
    }
    let at = vec3u(place);
    if draw.edge.z == 1u {
        let across = (draw.size.xy + SIDE - 1u) / SIDE;
        let brick = at / SIDE;
        let slot = table[(brick.z * across.y + brick.y) * across.x + brick.x];
        if slot == 0u {
            return 0u;
        }
        let inside = at % SIDE;
        let voxel = (inside.z * SIDE + inside.y) * SIDE + inside.x;
        return (packed[(slot - 1u) * BRICK_WORDS + voxel / 4u] >> (8u * (voxel & 3u))) & 255u;
    }
    let row = (at.z * draw.size.y + at.y) * draw.size.w;
    if draw.kind.x == 1u {
        return (packed[row + at.x / 32u] >> (at.x & 31u)) & 1u;
    }
    return (packed[row + at.x / 4u] >> (8u * (at.x & 3u))) & 255u;
}

@fragment
fn fs_byte(@builtin(position) position: vec4f) -> @location(0) u32 {
    let start = Position(draw.start_hi.xyz, draw.start_lo.xyz);
    let along_x = position_scale(Position(draw.step_x_hi.xyz, draw.step_x_lo.xyz), u32(position.x));
    let along_y = position_scale(Position(draw.step_y_hi.xyz, draw.step_y_lo.xyz), u32(position.y));
    var at = position_add(position_add(start, along_x), along_y);
    let depth = Position(draw.depth_hi.xyz, draw.depth_lo.xyz);
    var found = 0u;
    for (var k = 0u; k < draw.kind.y; k++) {
        let byte = byte_at(at.hi);
        if draw.kind.w == 1u {
            found = max(found, byte);
        } else if byte >= draw.kind.z && draw.colors[byte].w > 0.0 {
            found = byte;
            break;
        }
        at = position_add(at, depth);
    }
    return found;
}

// What is compared along borders: labels by number, probabilities by whether they are drawn.
fn class_of(byte: u32) -> u32 {
    let shown = byte >= draw.kind.z;
    return select(0u, select(byte, 1u, draw.kind.w == 1u), shown);
}

@fragment
fn fs_labels(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let pixel = vec2i(position.xy) + i32(draw.edge.x);
    let byte = textureLoad(bytes, pixel, 0).x;
    let here = class_of(byte);
    if here == 0u {
        return vec4f(0.0);
    }
    var border = false;
    var along = u32(position.x);
    for (var k = 1; k <= i32(draw.edge.y); k++) {
        let left = class_of(textureLoad(bytes, pixel - vec2i(k, 0), 0).x) != here;
        let right = class_of(textureLoad(bytes, pixel + vec2i(k, 0), 0).x) != here;
        let above = class_of(textureLoad(bytes, pixel - vec2i(0, k), 0).x) != here;
        let below = class_of(textureLoad(bytes, pixel + vec2i(0, k), 0).x) != here;
        // The nearest border decides along which way the dashes run.
        if !border && (left || right) {
            along = u32(position.y);
        }
        border = border || left || right || above || below;
    }
    let dash = draw.colors[byte].w < 1.5 || along % DASH_PERIOD < DASH_LENGTH;
    return vec4f(draw.colors[byte].rgb, select(draw.opacity.x, 1.0, border && dash));
}
