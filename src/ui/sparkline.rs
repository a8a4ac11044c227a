//! A trend in the height of a line of text.

use super::theme;
use crate::model::record::ObservationValue;
use egui::{Color32, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2, pos2};

/// Draws values over time with the reference range as a band. Values in another unit than the last one are left out:
/// mixed units must not make a trend.
pub fn sparkline(ui: &mut Ui, values: &[ObservationValue], size: Vec2) {
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let Some(last) = values.iter().rev().find(|v| v.value.is_some()) else {
        return;
    };
    let points: Vec<(f64, f64)> = values
        .iter()
        .filter(|v| v.unit == last.unit)
        .filter_map(|v| Some((v.date?.days_since_epoch() as f64, v.value?)))
        .collect();
    if points.len() < 2 {
        return;
    }
    let range = |pick: fn(&(f64, f64)) -> f64| {
        points
            .iter()
            .map(pick)
            .fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)))
    };
    let (t0, t1) = range(|p| p.0);
    let (mut low, mut high) = range(|p| p.1);
    let (reference_low, reference_high) = last.reference;
    if let Some(l) = reference_low {
        low = low.min(l);
    }
    if let Some(h) = reference_high {
        high = high.max(h);
    }
    let span = (high - low).max(1e-9);
    let inner = rect.shrink2(Vec2::new(2.0, 3.0));
    let y = |v: f64| inner.bottom() - ((v - low) / span) as f32 * inner.height();
    let x = |t: f64| inner.left() + ((t - t0) / (t1 - t0).max(1e-9)) as f32 * inner.width();
    if reference_low.is_some() || reference_high.is_some() {
        let top = reference_high.map_or(inner.top(), y);
        let bottom = reference_low.map_or(inner.bottom(), y);
        let band = Rect::from_min_max(pos2(inner.left(), top), pos2(inner.right(), bottom));
        ui.painter()
            .rect_filled(band, 1.0, Color32::from_white_alpha(10));
    }
    let line: Vec<Pos2> = points.iter().map(|p| pos2(x(p.0), y(p.1))).collect();
    let end = line.last().copied();
    ui.painter()
        .add(Shape::line(line, Stroke::new(1.2, theme::TEXT_DIM)));
    if let Some(end) = end {
        ui.painter().circle_filled(end, 2.0, theme::TEXT);
    }
}
