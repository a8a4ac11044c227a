//! The bands that mark patients, beside their names and around their cells (safety S3).
//!
//! Colours that readers with any colour vision tell apart (after Okabe and Ito); a pattern and a letter beside them.

use super::{context::UiContext, theme};
use crate::{
    model::identity::PatientIdentity,
    workspace::bands::{Band, COLORS},
};
use egui::{Color32, Painter, Rect, RichText, Sense, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

const PALETTE: [Color32; COLORS] = [
    Color32::from_rgb(0x56, 0xB4, 0xE9),
    Color32::from_rgb(0xE6, 0x9F, 0x00),
    Color32::from_rgb(0x00, 0x9E, 0x73),
    Color32::from_rgb(0xF0, 0xE4, 0x42),
    Color32::from_rgb(0xCC, 0x79, 0xA7),
    Color32::from_rgb(0xD5, 0x5E, 0x00),
    Color32::from_rgb(0x00, 0x72, 0xB2),
];

/// Most pieces that can be told in a row of a list.
const MOST_PIECES: usize = 4;

/// The colour of a band; of no patient who is open, that of what is decoration only.
pub fn color(band: Option<Band>) -> Color32 {
    let of = band.and_then(|band| PALETTE.get(band.color()));
    of.copied().unwrap_or(theme::TEXT_FAINT)
}

/// Draws a band that stands upright. A patient of whom nothing is open has a hollow one.
pub fn paint(painter: &Painter, rect: Rect, band: Option<Band>) {
    let Some(band) = band else {
        let stroke = Stroke::new(1.0, theme::TEXT_FAINT);
        painter.rect_stroke(rect, 1.0, stroke, StrokeKind::Inside);
        return;
    };
    let pieces = band.pieces().min(MOST_PIECES) as f32;
    let gap = 2.0;
    let height = (rect.height() - gap * (pieces - 1.0)) / pieces;
    for piece in 0..band.pieces().min(MOST_PIECES) {
        let top = rect.top() + piece as f32 * (height + gap);
        let place = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height));
        painter.rect_filled(place, 1.0, color(Some(band)));
    }
}

/// The band of a patient as a part of a row; with several patients open its letter too. The name comes beside it.
pub fn band_ui(context: &UiContext<'_>, ui: &mut Ui, patient: &PatientIdentity, height: f32) {
    let bands = &context.workspace.bands;
    let band = bands.of(patient);
    let (rect, _) = ui.allocate_exact_size(vec2(4.0, height), Sense::hover());
    paint(ui.painter(), rect, band);
    if let Some(band) = band.filter(|_| bands.len() > 1) {
        let text = RichText::new(band.letter())
            .size(theme::SMALL_PT)
            .strong()
            .color(color(Some(band)));
        ui.label(text);
    }
}

/// The frame of a cell; broken where the band is.
pub fn frame(painter: &Painter, rect: Rect, band: Option<Band>) {
    let stroke = Stroke::new(2.0, color(band));
    let rect = rect.shrink(1.0);
    let pieces = band.map_or(1, Band::pieces).min(MOST_PIECES);
    if pieces == 1 {
        painter.rect_stroke(rect, 0.0, stroke, StrokeKind::Inside);
        return;
    }
    let rect = rect.shrink(1.0);
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    let dash = 48.0 / pieces as f32;
    painter.extend(Shape::dashed_line(&corners, stroke, dash, 8.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Severe forms after Machado, Oliveira and Fernandes (2009), for linear light.
    const SIGHT: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];

    fn product(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(v).map(|(m, x)| m * x).sum())
    }

    fn lab(color: Color32, sight: [[f64; 3]; 3]) -> [f64; 3] {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            }
        };
        let seen = product(sight, [color.r(), color.g(), color.b()].map(linear));
        let xyz = product(
            [
                [0.4124, 0.3576, 0.1805],
                [0.2126, 0.7152, 0.0722],
                [0.0193, 0.1192, 0.9505],
            ],
            seen.map(|v| v.clamp(0.0, 1.0)),
        );
        let f = |t: f64| {
            if t > 0.008_856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let [x, y, z] = [f(xyz[0] / 0.9505), f(xyz[1]), f(xyz[2] / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn colours_are_told_apart_by_every_eye() {
        for sight in SIGHT {
            for (n, a) in PALETTE.iter().enumerate() {
                for b in PALETTE.iter().take(n) {
                    let (p, q) = (lab(*a, sight), lab(*b, sight));
                    let distance: f64 = p.iter().zip(q).map(|(a, b)| (a - b).powi(2)).sum();
                    // Ten is seen at a glance; the nearest two are at sixteen.
                    assert!(distance.sqrt() > 15.0, "{a:?} {b:?}: {}", distance.sqrt());
                }
            }
        }
    }
}
