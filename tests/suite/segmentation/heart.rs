//! The heart's width by the lung fields, beside the mediastinum as radiologists drew it.
//!
//! Their lung masks are no measure for it: they run on behind the heart, up to two thirds of its width.

use super::bundled::{full_mask, lungs, picture};
use super::devices::input;
use crate::support;
use image::ImageReader;
use negatoscope::{
    ai::{BurnDevice, infer::Segmenter, readback::read_back},
    imaging::thorax::thorax_widths,
    task::CancelToken,
};
use std::{fs, path::Path};

/// Leftmost and rightmost column of the cardiomediastinum below a third of its height, where the heart is: the sum of the
/// greatest distances to both sides of the midline, as the ratio is read by hand.
fn drawn_width(folder: &Path, film: &str) -> f64 {
    let table = fs::read_to_string(folder.join("structure.csv")).unwrap();
    let rows = table.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let rows: Vec<Vec<&str>> = rows.collect();
    let column = |name: &str| rows[0].iter().position(|c| *c == name).unwrap();
    let row = rows.iter().find(|r| {
        r[column("Filename")] == film && r[column("Template Name")] == "Cardiomediastinum"
    });
    let row = row.unwrap();
    let mask = row[column("Mask")];
    let mask = ImageReader::open(folder.join(mask)).unwrap();
    let mask = mask.decode().unwrap().into_rgba8();
    let ends: Vec<Option<(usize, usize)>> = mask
        .rows()
        .map(|row| {
            let drawn: Vec<usize> = row
                .enumerate()
                .filter(|(_, p)| p.0[0] > 0)
                .map(|(x, _)| x)
                .collect();
            Some((*drawn.first()?, *drawn.last()?))
        })
        .collect();
    let first = ends.iter().position(Option::is_some).unwrap();
    let last = ends.iter().rposition(Option::is_some).unwrap();
    let heart = &ends[first + (last - first) * 35 / 100..=last];
    let low = heart.iter().flatten().map(|e| e.0).min().unwrap();
    let high = heart.iter().flatten().map(|e| e.1).max().unwrap();
    (high - low) as f64 + 1.0
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_heart_is_about_as_wide_as_radiologists_drew_it() {
    let folder = support::data("lung-masks").join("multiclass");
    let model = lungs();
    let segmenter = Segmenter::new(&model, &BurnDevice::flex()).unwrap();
    // Largest error that is accepted of each: the first two are upright, the third lies in bed with tubes over the heart.
    for (film, most) in [
        ("X-ray_of_cyst_in_pneumocystis_pneumonia_1.jpg", 0.04),
        ("pneumocystis-pneumonia-1.jpg", 0.04),
        ("ARDSSevere.png", 0.10),
    ] {
        let frame = picture(&folder.join("images").join(film));
        let result = segmenter
            .run(input(&frame), &CancelToken::default())
            .unwrap();
        let map = read_back(&result.probability).unwrap();
        let mask = full_mask(&map, &frame);
        let found = thorax_widths(&mask, [frame.rows, frame.columns]).unwrap();
        let width = found.heart[1][0] - found.heart[0][0];
        let error = width / drawn_width(&folder, film) - 1.0;
        assert!(error.abs() <= most, "{film}: {error:+.3}");
    }
}
