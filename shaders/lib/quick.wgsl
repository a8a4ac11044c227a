// Linear interpolation where there is little but the weights to care for: integers of at most 16 bits, all slices there.
// The same voxels with the same weights as `point_at` chooses, to 10^-6 voxel, in much less time.
//
// A position less one half is `base + k * step`, kept in multiples of 2^-12 so that f32 adds it up exactly in grids of
// up to 2048 voxels, and `rest + k * more`, which is less than a few voxels.
struct Ray {
    base: vec3f,
    rest: vec3f,
    step: vec3f,
    more: vec3f,
}

struct Place {
    low: vec3f,
    // Of the next voxel along each axis.
    weight: vec3f,
}

fn coarse_of(at: Position) -> vec3f {
    return vec3f(at.hi) + vec3f(vec3i(at.lo >> vec3u(20u))) * (1.0 / 4096.0);
}

fn rest_of(at: Position) -> vec3f {
    return vec3f(vec3i(at.lo & vec3u(0xfffffu))) * FRACTION_UNIT;
}

fn ray_of(x: u32, y: u32) -> Ray {
    let at = vec2f(f32(x), f32(y));
    let base = draw.base.xyz + at.x * draw.base_x.xyz + at.y * draw.base_y.xyz;
    let rest = draw.rest.xyz + at.x * draw.rest_x.xyz + at.y * draw.rest_y.xyz;
    if PROJECTION == 0u {
        return Ray(base, rest, vec3f(0.0), vec3f(0.0));
    }
    let step = Position(draw.depth_hi.xyz, draw.depth_lo.xyz);
    return Ray(base, rest, coarse_of(step), rest_of(step));
}

fn ray_place(ray: Ray, k: f32) -> Place {
    let coarse = ray.base + k * ray.step;
    let whole = floor(coarse);
    let part = (coarse - whole) + (ray.rest + k * ray.more);
    let carry = floor(part);
    return Place(whole + carry, part - carry);
}

fn beyond(place: Place) -> bool {
    let last = vec3f(draw.size.xyz) - 1.0;
    return any(place.low + place.weight < vec3f(-0.5)) || any((place.low - last) + place.weight >= vec3f(0.5));
}

// Linear between the four voxels of a slice: the difference to the reference value times its weight, and the weight, which
// is 1 where no voxel is padding.
fn quick_slice(corner: vec2f, slice: i32, weight: vec2f) -> vec2f {
    let flip = draw.sign_flip >> draw.sign_shift;
    let stored = bitcast<vec4i>(textureGather(0, frames, four, corner, slice) ^ vec4u(flip)) - bitcast<i32>(flip);
    let found = vec4f(stored - bitcast<i32>(draw.zero ^ draw.sign_flip));
    if HAS_PADDING {
        let low = bitcast<i32>(draw.padding_low ^ draw.sign_flip);
        let high = bitcast<i32>(draw.padding_high ^ draw.sign_flip);
        let left = 1.0 - weight.x;
        let upper = 1.0 - weight.y;
        let all = vec4f(left * weight.y, weight.x * weight.y, weight.x * upper, left * upper);
        let kept = select(all, vec4f(0.0), (stored >= vec4i(low)) & (stored <= vec4i(high)));
        return vec2f(dot(found, kept), dot(kept, vec4f(1.0)));
    }
    let both = found.wx + (found.zy - found.wx) * weight.x;
    return vec2f(both.x + (both.y - both.x) * weight.y, 1.0);
}

// The same between slices. Voxels beyond the border are those at the border, as the sampler gives them.
fn quick_value(place: Place) -> vec2f {
    let texel = 1.0 / vec2f(draw.size.xy);
    let corner = (place.low.xy + 1.0) * texel;
    var weight = place.weight;
    if HAS_PADDING {
        // Less weight than 2^-16 is none (see `between`): a voxel that is all there is must not count with it.
        weight = select(weight, vec3f(0.0), weight < vec3f(1.0 / 65536.0));
        weight = select(weight, vec3f(1.0), weight > vec3f(1.0 - 1.0 / 65536.0));
    }
    if LINEAR == 1u {
        let slice = i32(floor(place.low.z + place.weight.z + 0.5));
        return quick_slice(corner, slice, weight.xy);
    }
    let slice = i32(place.low.z);
    let near = quick_slice(corner, max(slice, 0), weight.xy);
    let far = quick_slice(corner, min(slice + 1, i32(draw.size.z) - 1), weight.xy);
    if HAS_PADDING {
        return near * (1.0 - weight.z) + far * weight.z;
    }
    return vec2f(near.x + (far.x - near.x) * weight.z, 1.0);
}

fn quick_point(ray: Ray) -> Sample {
    let place = ray_place(ray, 0.0);
    if beyond(place) {
        return Sample(OUTSIDE, vec3f(0.0));
    }
    let found = quick_value(place);
    if HAS_PADDING {
        if found.y == 0.0 {
            return Sample(PADDING, vec3f(0.0));
        }
        return Sample(VALUE, vec3f(found.x / found.y, 0.0, 0.0));
    }
    return Sample(VALUE, vec3f(found.x, 0.0, 0.0));
}

// How many points from this one on cannot change a projection that has found `best`: all those in a brick whose extreme
// is no more. 0 where this point must be looked at.
fn quick_skip(ray: Ray, place: Place, best: f32) -> f32 {
    let brick = vec3u(max(place.low, vec3f(0.0))) >> vec3u(3u);
    let word = bricks[(brick.z * draw.bricks.y + brick.y) * draw.bricks.x + brick.x];
    let rank = select(word & 0xffffu, word >> 16u, PROJECTION == MIP);
    let extreme = f32(i32(rank) - draw.brick_zero);
    let more = select((extreme < best), (extreme > best), PROJECTION == MIP);
    if more {
        return 0.0;
    }
    // Points until the first border of the brick; one that is looked at again does no harm.
    let inside = place.low + place.weight - vec3f(brick << vec3u(3u));
    let ahead = select(-inside, 8.0 - inside, ray.step > vec3f(0.0));
    let ways = select(ahead / ray.step, vec3f(65536.0), abs(ray.step) < vec3f(1e-3));
    return floor(clamp(min(min(ways.x, ways.y), ways.z) + 0.98, 1.0, 65535.0));
}

// What lies along a ray. Only its part inside the grid is walked; both ends are tested exactly.
fn quick_slab(ray: Ray) -> Sample {
    let points = f32(draw.bricks.w);
    let size = vec3f(draw.size.xyz);
    let one = (-0.5 - ray.base) / ray.step;
    let other = (size - 0.5 - ray.base) / ray.step;
    let still = abs(ray.step) < vec3f(1e-3);
    let low = select(min(one, other), vec3f(0.0), still);
    let high = select(max(one, other), vec3f(points), still);
    var k = clamp(floor(max(max(low.x, low.y), low.z)) - 1.0, 0.0, points);
    var end = clamp(ceil(min(min(high.x, high.y), high.z)) + 2.0, 0.0, points);
    while k < end && beyond(ray_place(ray, k)) {
        k += 1.0;
    }
    while k < end && beyond(ray_place(ray, end - 1.0)) {
        end -= 1.0;
    }
    if k >= end {
        return Sample(OUTSIDE, vec3f(0.0));
    }
    if PROJECTION == MEAN {
        var count = end - k;
        var sum = 0.0;
        while k < end {
            let found = quick_value(ray_place(ray, k));
            if HAS_PADDING {
                let there = found.y > 0.0;
                sum += select(0.0, found.x / found.y, there);
                count -= select(1.0, 0.0, there);
            } else {
                sum += found.x;
            }
            k += 1.0;
        }
        if HAS_PADDING && count == 0.0 {
            return Sample(PADDING, vec3f(0.0));
        }
        return Sample(VALUE, vec3f(sum / count, 0.0, 0.0));
    }
    // Less than this changes nothing. But padding is drawn otherwise: where there may be some, a value must be found.
    var best = select(draw.white, draw.black, PROJECTION == MIP);
    if HAS_PADDING {
        best = select(1e30, -1e30, PROJECTION == MIP);
    }
    var any_there = !HAS_PADDING;
    while k < end {
        var place = ray_place(ray, k);
        if SKIP {
            // Neighbouring pixels wait for each other here, and then look together.
            loop {
                let skipped = quick_skip(ray, place, best);
                k += skipped;
                if skipped == 0.0 || k >= end {
                    break;
                }
                place = ray_place(ray, k);
            }
            if k >= end {
                break;
            }
        }
        let found = quick_value(place);
        var value = found.x;
        if HAS_PADDING {
            let there = found.y > 0.0;
            any_there = any_there || there;
            value = select(best, found.x / found.y, there);
        }
        best = select(min(best, value), max(best, value), PROJECTION == MIP);
        if (PROJECTION == MIP && best > draw.white) || (PROJECTION == MINIP && best < draw.black) {
            break;
        }
        k += 1.0;
    }
    if !any_there {
        return Sample(PADDING, vec3f(0.0));
    }
    return Sample(VALUE, vec3f(best, 0.0, 0.0));
}
