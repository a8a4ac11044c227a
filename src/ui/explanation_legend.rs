//! What lies over a picture when an explanation does: its colours with their ends, how it was made, by which model, of
//! which day, and that it is no diagnosis (safety S20).

use super::{context::UiContext, halo::haloed, theme};
use crate::{
    i18n::Value,
    model::explanation::{MapPalette, Method},
    workspace::{explaining::ExplanationDisplay, settings::OverlayText},
};
use egui::{Align2, Color32, FontId, Mesh, Painter, Rect, Shape, Stroke, pos2, vec2};

/// Size of the colour bar, points.
const BAR: [f32; 2] = [140.0, 10.0];

/// Height of a line of text.
const LINE: f32 = 16.0;

/// Cells smaller than this have no room for a legend.
const LEAST: [f32; 2] = [300.0, 260.0];

/// Key of the message catalogue for a method.
pub const fn method_key(method: Method) -> &'static str {
    match method {
        Method::GradCam => "explain-grad-cam",
        Method::IntegratedGradients => "explain-integrated-gradients",
        Method::Occlusion => "explain-occlusion",
        Method::Entropy => "explain-entropy",
        Method::Disagreement => "explain-disagreement",
    }
}

/// What the ends of the colours stand for.
fn ends(context: &UiContext<'_>, map: &ExplanationDisplay) -> [String; 2] {
    let scale = Value::Fixed(f64::from(map.facts.scale), 2);
    let with = |key| context.tr(key, &[("scale", scale.clone())]);
    match map.facts.method {
        Method::GradCam => [
            context.word("explain-none").to_owned(),
            context.word("explain-most").to_owned(),
        ],
        Method::IntegratedGradients | Method::Occlusion => {
            [with("explain-against"), with("explain-for")]
        }
        Method::Entropy => [
            context.word("explain-sure").to_owned(),
            context.word("explain-unsure").to_owned(),
        ],
        Method::Disagreement => ["0".to_owned(), "1".to_owned()],
    }
}

/// The lines of a legend: method and class, model, day, notice.
pub fn lines(context: &UiContext<'_>, map: &ExplanationDisplay) -> Vec<String> {
    let method = context.word(method_key(map.facts.method));
    let first = match &map.facts.class {
        Some(class) => {
            let class = super::class_panel::class_name(context, class);
            let parts = [("method", method.into()), ("class", class.into())];
            context.tr("explain-of-class", &parts)
        }
        None => method.to_owned(),
    };
    let model = &map.provenance.model;
    let names = [
        ("model", model.id.as_str().into()),
        ("version", model.version.as_str().into()),
    ];
    let date = [("date", model.trained.as_str().into())];
    let mut lines = vec![
        first,
        context.tr("badge-ai-model", &names),
        context.tr("badge-ai-trained", &date),
    ];
    if let Some(probability) = map.facts.probability {
        let percent = Value::Fixed(probability * 100.0, 0);
        lines.push(context.tr("explain-probability", &[("percent", percent)]));
    }
    if let Some(missed) = map.facts.missed {
        let percent = Value::Fixed(missed * 100.0, 1);
        lines.push(context.tr("explain-missed", &[("percent", percent)]));
    }
    lines.push(context.word("ai-notice").to_owned());
    lines
}

/// Paints the legend at the left edge, between the corner texts. Gives back the room it takes and what it says.
pub fn paint(
    context: &UiContext<'_>,
    painter: &Painter,
    rect: Rect,
    map: &ExplanationDisplay,
) -> (Option<Rect>, Vec<String>) {
    let lines = lines(context, map);
    if context.overlay_amount() == OverlayText::None {
        return (None, lines);
    }
    if rect.width() < LEAST[0] || rect.height() < LEAST[1] {
        // No room for all of it: that it is no diagnosis is said everywhere.
        let at = rect.left_center() + vec2(30.0, 0.0);
        let notice = context.word("ai-notice");
        haloed(
            painter,
            at,
            Align2::LEFT_CENTER,
            notice,
            theme::SMALL_PT,
            theme::AI,
        );
        return (None, lines);
    }
    let height = LINE * lines.len() as f32 + BAR[1] + 6.0;
    let left = rect.left() + 44.0;
    let mut y = rect.center().y - height / 2.0;
    let widest = lines
        .iter()
        .map(|line| {
            let font = FontId::proportional(theme::OVERLAY_PT);
            let galley = painter.layout_no_wrap(line.clone(), font, theme::TEXT);
            galley.size().x
        })
        .fold(BAR[0], f32::max);
    // Over bright pictures a halo is not enough for so many words.
    let room = Rect::from_min_size(pos2(left, y), vec2(widest, height + LINE + 4.0));
    painter.rect_filled(room.expand(8.0), 4.0, Color32::from_black_alpha(150));
    let write = |y: f32, text: &str, color: Color32| {
        let at = pos2(left, y);
        haloed(
            painter,
            at,
            Align2::LEFT_TOP,
            text,
            theme::OVERLAY_PT,
            color,
        );
    };
    for (place, line) in lines.iter().enumerate() {
        let color = if place == 0 { theme::TEXT } else { theme::AI };
        write(y, line, color);
        y += LINE;
    }
    y += 2.0;
    let bar = Rect::from_min_size(pos2(left, y), vec2(BAR[0], BAR[1]));
    colours(painter, bar, map.facts.method.palette());
    let [low, high] = ends(context, map);
    write(bar.bottom() + 3.0, &low, theme::TEXT);
    let at = pos2(bar.right(), bar.bottom() + 3.0);
    haloed(
        painter,
        at,
        Align2::RIGHT_TOP,
        &high,
        theme::OVERLAY_PT,
        theme::TEXT,
    );
    (Some(room.expand(8.0)), lines)
}

/// The colours over black, as they lie over the picture at full opacity.
pub fn colours(painter: &Painter, bar: Rect, palette: MapPalette) {
    let steps = 64;
    let mut mesh = Mesh::default();
    for i in 0..=steps {
        let value = f64::from(i) / f64::from(steps);
        let [r, g, b, a] = palette.at(value);
        let code = |v: f64| (v * a * 255.0).round() as u8;
        let color = Color32::from_rgb(code(r), code(g), code(b));
        let x = bar.left() + value as f32 * bar.width();
        mesh.colored_vertex(pos2(x, bar.top()), color);
        mesh.colored_vertex(pos2(x, bar.bottom()), color);
        if i > 0 {
            let at = 2 * i as u32;
            mesh.add_triangle(at - 2, at - 1, at);
            mesh.add_triangle(at, at - 1, at + 1);
        }
    }
    painter.add(Shape::mesh(mesh));
    painter.rect_stroke(
        bar,
        0.0,
        Stroke::new(1.0, theme::TEXT_DIM),
        egui::StrokeKind::Outside,
    );
}
