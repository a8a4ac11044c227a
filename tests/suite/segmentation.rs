//! Networks, their files, training, inference and the figures that judge them.

mod bundled;
mod commands;
pub(crate) mod devices;
mod explaining;
mod figures;
mod files;
mod heart;
mod lessons;
mod network;
mod sanity;
mod scores;
mod shipped;
mod training;
#[cfg(feature = "screen")]
mod volume_runs;
mod volumes;

use negatoscope::ai::{recipe::Recipe, unet::UNetConfig, weights::Weights};
use std::path::Path;

/// A network of a few thousand numbers.
const TINY: UNetConfig = UNetConfig {
    input_channels: 1,
    classes: 1,
    depth: 3,
    width: 4,
    patch: 2,
};

/// Random weights whose normalisation is not the identity, so that folding has something to do.
fn lively_weights(config: &UNetConfig, seed: u64) -> Weights {
    let start = config.random_weights(seed);
    let mut weights = Weights::default();
    let mut random = negatoscope::ai::random::Random::new(seed, &[1]);
    for (name, array) in start.iter() {
        let values = array
            .values
            .iter()
            .map(|&v| match name {
                _ if name.contains("running_var") || name.contains("gamma") => {
                    random.range(0.5, 1.5) as f32
                }
                _ if name.ends_with(".weight") => v,
                _ => random.range(-0.3, 0.3) as f32,
            })
            .collect();
        weights.insert(name.to_owned(), array.shape.clone(), values);
    }
    weights
}

/// A small training task in a folder: bright ellipses on dark ground, ten patients, masks beside them.
fn tiny_task(folder: &Path, epochs: usize) -> Recipe {
    for (index, patient) in ('a'..='j').enumerate() {
        let (mut picture, mut mask) =
            (image::GrayImage::new(40, 40), image::GrayImage::new(40, 40));
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let dx = f64::from(x) - 14.0 - index as f64;
            let dy = f64::from(y) - 18.0;
            let inside = dx * dx / 64.0 + dy * dy / 144.0 <= 1.0;
            let grain = ((x * 7 + y * 13 + index as u32 * 5) % 11) as u8;
            pixel.0 = [if inside { 180 } else { 60 } + 3 * grain];
            mask.put_pixel(x, y, image::Luma([if inside { 255 } else { 0 }]));
        }
        for (sub, content) in [("pictures", &picture), ("masks", &mask)] {
            std::fs::create_dir_all(folder.join(sub)).unwrap();
            content
                .save(folder.join(sub).join(format!("set_{patient}.png")))
                .unwrap();
        }
    }
    Recipe::parse(&format!(
        r#"
        version = 1
        model = "tiny"
        model_version = "0.1"
        seed = 11
        [data]
        images = "pictures"
        masks = "masks"
        mask_threshold = 127
        separator = "_"
        patient_fields = [1]
        stratum_fields = [0]
        train = 0.6
        validation = 0.2
        [network]
        input_channels = 1
        classes = 1
        depth = 2
        width = 4
        patch = 2
        [input]
        side = 32
        [training]
        cycles = [{epochs}]
        restart = 0.5
        batch = 3
        learning_rate = 0.01
        final_share = 0.1
        warm_up = 0.5
        [augmentation]
        flip = 0.5
        rotation_degrees = 5.0
        shift = 0.05
        scale = 0.1
        gamma = 0.2
        contrast = 0.1
        brightness = 0.05
        noise = 0.02
        [about]
        title = "Ellipses"
        finds = "ellipses"
        modalities = ["DX"]
        licence = "none"
        terms = "made up"
        data_owners = []
        citations = []
        intended_use = "tests"
        limits = []
        synthetic_only = true
        "#
    ))
    .unwrap()
}
