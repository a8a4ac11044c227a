//! The model that ships.

use super::devices::{copy_out, gpu, input, largest_difference, on_cpu};
use crate::support;
use image::ImageReader;
use negatoscope::{
    ai::{
        BurnDevice,
        infer::{MaskOutput, Segmenter},
        readback::{ProbabilityMap, read_back},
        registry::{LUNG_FIELDS, Model, Registry},
        scope::plausibility,
    },
    imaging::{metrics::Confusion, resample},
    model::pixels::{Frame, PixelBytes, StoredType},
    task::CancelToken,
};
use std::path::Path;

pub(super) fn lungs() -> Model {
    Registry::default().load(LUNG_FIELDS).unwrap()
}

pub(super) fn picture(path: &Path) -> Frame {
    let picture = ImageReader::open(path)
        .unwrap()
        .decode()
        .unwrap()
        .into_luma8();
    let (columns, rows) = picture.dimensions();
    let bytes = PixelBytes::from_vec(picture.into_raw());
    Frame::new(rows as usize, columns as usize, 1, StoredType::U8, bytes).unwrap()
}

pub(super) fn full_mask(map: &ProbabilityMap, frame: &Frame) -> Vec<bool> {
    let full = resample::bilinear(
        &map.values,
        [map.rows, map.columns],
        [frame.rows, frame.columns],
    )
    .unwrap();
    full.iter().map(|&p| p >= 0.5).collect()
}

#[test]
fn it_is_whole_small_and_says_where_it_comes_from() {
    let model = lungs();
    let card = &model.card;
    assert_eq!(card.id, LUNG_FIELDS);
    assert_eq!(model.weights.count(), card.weights.parameters);
    assert_eq!(card.network.parameters(), card.weights.parameters);
    assert!(card.weights.bytes <= 8 << 20);
    let words = format!("{:?}", card.about);
    for word in [
        "National Library of Medicine",
        "Montgomery",
        "Shenzhen",
        "Stirenko",
        "Jaeger",
        "Candemir",
    ] {
        assert!(words.contains(word), "the card does not name {word}");
    }
    assert!(!card.about.synthetic_only);
    assert_eq!(card.metrics[0].subset, "all");
    assert_eq!(card.metrics[0].cases, card.training.test.len());
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn it_finds_lungs_on_radiographs_that_it_has_not_seen() {
    let folder = support::data("lung-masks");
    let model = lungs();
    let names = &model.card.training.test;
    assert!(names.len() >= 40);
    let segmenter = Segmenter::new(&model, &BurnDevice::flex()).unwrap();
    let mut sum = 0.0;
    let mut odd = Vec::new();
    for name in names {
        let frame = picture(&folder.join("cxr").join(format!("{name}.png")));
        let truth = picture(&folder.join("masks").join(format!("{name}.png")));
        let truth: Vec<bool> = truth.values().map(|v| v > 127.0).collect();
        let result = segmenter
            .run(input(&frame), &CancelToken::default())
            .unwrap();
        let map = read_back(&result.probability).unwrap();
        sum += Confusion::of(&truth, &full_mask(&map, &frame))
            .unwrap()
            .dice();
        odd.extend(
            plausibility(&map, 0.5)
                .iter()
                .map(|f| (name.clone(), f.code)),
        );
    }
    let mean = sum / names.len() as f64;
    assert!(mean >= 0.96, "mean Dice {mean:.4}");
    // The same figure as on the card, so the card is true.
    let stated = model.card.metrics[0].dice_mean;
    assert!(
        (mean - stated).abs() < 1e-3,
        "{mean} measured, {stated} on the card"
    );
    assert!(odd.len() <= 1, "findings on plain radiographs: {odd:?}");
}

/// The one test on lavapipe above half a GFLOP.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn it_computes_the_same_on_the_drawing_device() {
    let model = lungs();
    let name = &model.card.training.test[0];
    let frame = picture(
        &support::data("lung-masks")
            .join("cxr")
            .join(format!("{name}.png")),
    );
    let expected = on_cpu(&model, &frame);
    let (_turn, context, burn) = gpu();
    let segmenter = Segmenter::new(&model, &burn).unwrap();
    let result = segmenter
        .run(input(&frame), &CancelToken::default())
        .unwrap();
    let MaskOutput::Gpu(shared) = result.probability.share().unwrap() else {
        panic!("the result left the GPU");
    };
    let found = copy_out(context, &shared);
    let difference = largest_difference(&found, &expected.values);
    assert!(difference < 1e-3, "{difference}");
    let differing = found
        .iter()
        .zip(&expected.values)
        .filter(|(a, b)| (**a >= 0.5) != (**b >= 0.5))
        .count();
    assert!(differing <= 4, "{differing} of 65536 pixels change sides");
}
