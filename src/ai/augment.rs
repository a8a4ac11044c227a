//! Varied copies of a training picture and its mask.

use super::{random::Random, recipe::AugmentationRecipe};

/// One varied copy of a square picture (0 to 1) and its target (0 to 1), row-major. Both are sampled linearly at
/// the same places; outside the picture both are zero.
pub fn vary(
    image: &[f32],
    target: &[f32],
    side: usize,
    recipe: &AugmentationRecipe,
    random: &mut Random,
) -> (Vec<f32>, Vec<f32>) {
    let mut around = |limit: f64| random.range(-limit, limit);
    let angle = around(recipe.rotation_degrees).to_radians();
    let shift = [around(recipe.shift), around(recipe.shift)].map(|s| s * side as f64);
    let zoom = [around(recipe.scale), around(recipe.scale)].map(|s| 1.0 / (1.0 + s));
    let gamma = around(recipe.gamma).exp2();
    let contrast = 1.0 + around(recipe.contrast);
    let brightness = around(recipe.brightness);
    let noise = recipe.noise * random.unit();
    let flip = if random.unit() < recipe.flip {
        -1.0
    } else {
        1.0
    };
    let centre = (side as f64 - 1.0) / 2.0;
    let (sin, cos) = angle.sin_cos();
    let place = |column: usize, row: usize| {
        let (x, y) = (column as f64 - centre, row as f64 - centre);
        let (x, y) = (cos * x - sin * y, sin * x + cos * y);
        [
            flip * x * zoom[0] + centre + shift[0],
            y * zoom[1] + centre + shift[1],
        ]
    };
    let mut images = Vec::with_capacity(image.len());
    let mut targets = Vec::with_capacity(target.len());
    for row in 0..side {
        for column in 0..side {
            let at = place(column, row);
            let value = sample(image, side, at).clamp(0.0, 1.0).powf(gamma as f32);
            let varied = (f64::from(value) - 0.5) * contrast + 0.5 + brightness;
            images.push((varied + noise * random.normal()) as f32);
            targets.push(sample(target, side, at));
        }
    }
    (images, targets)
}

/// Linear between the four nearest pixels; pixels outside count as zero.
fn sample(values: &[f32], side: usize, [x, y]: [f64; 2]) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = ((x - left) as f32, (y - top) as f32);
    let at = |dx: f64, dy: f64| {
        let (column, row) = (left + dx, top + dy);
        let inside = |v: f64| v >= 0.0 && v < side as f64;
        if inside(column) && inside(row) {
            values
                .get(row as usize * side + column as usize)
                .copied()
                .unwrap_or(0.0)
        } else {
            0.0
        }
    };
    let upper = at(0.0, 0.0) * (1.0 - fx) + at(1.0, 0.0) * fx;
    let lower = at(0.0, 1.0) * (1.0 - fx) + at(1.0, 1.0) * fx;
    upper * (1.0 - fy) + lower * fy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn still() -> AugmentationRecipe {
        AugmentationRecipe {
            flip: 0.0,
            rotation_degrees: 0.0,
            shift: 0.0,
            scale: 0.0,
            gamma: 0.0,
            contrast: 0.0,
            brightness: 0.0,
            noise: 0.0,
        }
    }

    fn picture() -> Vec<f32> {
        (0..64).map(|i| i as f32 / 63.0).collect()
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        let (image, target) = vary(
            &picture(),
            &picture(),
            8,
            &still(),
            &mut Random::new(1, &[]),
        );
        for (a, b) in image.iter().zip(picture()) {
            assert!((a - b).abs() < 1e-6);
        }
        assert_eq!(target, picture());
    }

    #[test]
    fn a_flip_mirrors_picture_and_mask_alike() {
        let recipe = AugmentationRecipe {
            flip: 1.0,
            ..still()
        };
        let (_, target) = vary(&picture(), &picture(), 8, &recipe, &mut Random::new(1, &[]));
        for row in 0..8 {
            for column in 0..8 {
                assert!((target[row * 8 + column] - picture()[row * 8 + 7 - column]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let recipe = AugmentationRecipe {
            flip: 0.5,
            rotation_degrees: 20.0,
            shift: 0.1,
            scale: 0.2,
            gamma: 0.5,
            contrast: 0.2,
            brightness: 0.1,
            noise: 0.05,
        };
        let run = |seed| {
            vary(
                &picture(),
                &picture(),
                8,
                &recipe,
                &mut Random::new(seed, &[]),
            )
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5).0, run(6).0);
    }
}
