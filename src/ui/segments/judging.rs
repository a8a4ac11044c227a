//! Masks of two readers who are compared: how much they share, and which of them counts.

use crate::{
    i18n::{Language, Value},
    ui::{context::UiContext, theme, widgets},
    workspace::{
        Action,
        segmenting::{
            SegmentAction,
            judging::{JudgedSegment, Taken},
        },
    },
};
use egui::{Align, Button, Color32, Layout, RichText, Sense, Ui, Vec2};

const fn key_of(taken: Taken) -> (&'static str, &'static str) {
    match taken {
        Taken::Left => ("judge-left", "judge-left-tip"),
        Taken::Right => ("judge-right", "judge-right-tip"),
        Taken::Union => ("judge-union", "judge-union-tip"),
        Taken::Shared => ("judge-shared", "judge-shared-tip"),
    }
}

/// Whether there is something to take: of a segment that only one has nothing can be put together.
fn can_take(row: &JudgedSegment, taken: Taken) -> bool {
    let [left, right] = row.of.each_ref().map(Option::is_some);
    match taken {
        Taken::Left => left,
        Taken::Right => right,
        Taken::Union | Taken::Shared => left && right,
    }
}

/// Draws the section; nothing while nobody is compared, or neither painted anything here.
pub(in crate::ui) fn judging_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let judging = &workspace.segmenting.judging;
    let Some(found) = judging.found().filter(|found| !found.rows.is_empty()) else {
        return;
    };
    let words = context.language();
    widgets::section(ui, words.word("judging"), Some(found.rows.len()));
    let mut asked = Vec::new();
    let (mut difference, mut taken) = (judging.shows_difference, judging.shows_taken);
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut difference, words.word("judging-difference"));
        for (color, key) in super::layers::ALONE
            .into_iter()
            .zip(["judging-left", "judging-right"])
        {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
            let [r, g, b] = color;
            ui.painter()
                .rect_filled(rect, 2.0, Color32::from_rgb(r, g, b));
            widgets::dim(ui, words.word(key));
        }
    });
    ui.checkbox(&mut taken, words.word("judging-taken"));
    if (difference, taken) != (judging.shows_difference, judging.shows_taken) {
        asked.push(SegmentAction::ShowJudged { difference, taken });
    }
    for (at, row) in found.rows.iter().enumerate() {
        ui.push_id(("judged", at), |ui| {
            ui.horizontal(|ui| {
                widgets::line(ui, RichText::new(&row.label).color(theme::TEXT));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_space(4.0);
                    figures(words, ui, row);
                });
            });
            ui.horizontal_wrapped(|ui| {
                for taken in Taken::ALL {
                    if button(words, ui, taken, can_take(row, taken)) {
                        asked.push(SegmentAction::Judge(vec![at], taken));
                    }
                }
            });
        });
    }
    if found.rows.len() > 1 {
        ui.horizontal_wrapped(|ui| {
            widgets::dim(ui, words.word("judging-all"));
            for taken in Taken::ALL {
                let rows = found.rows.iter().enumerate();
                let rows: Vec<usize> = rows
                    .filter(|(_, row)| can_take(row, taken))
                    .map(|(at, _)| at)
                    .collect();
                if button(words, ui, taken, !rows.is_empty()) {
                    asked.push(SegmentAction::Judge(rows, taken));
                }
            }
        });
    }
    ui.add_space(4.0);
    context
        .actions
        .extend(asked.into_iter().map(Action::Segment));
}

fn button(words: Language, ui: &mut Ui, taken: Taken, useful: bool) -> bool {
    let (key, tip) = key_of(taken);
    let button = Button::new(RichText::new(words.word(key)).size(theme::SMALL_PT));
    let response = ui.add_enabled(useful, button);
    response.on_hover_text(words.word(tip)).clicked()
}

/// Dice, and the volume that each has.
fn figures(words: Language, ui: &mut Ui, row: &JudgedSegment) {
    let dice = row.dice();
    let text = dice.map_or_else(|| "–".to_owned(), |dice| format!("{dice:.3}"));
    let color = match dice {
        Some(dice) if dice >= 1.0 => theme::TEXT_DIM,
        _ => theme::WARN,
    };
    let args = [("dice", text.as_str().into())];
    let text = RichText::new(words.tr("judging-dice", &args));
    ui.label(text.size(theme::SMALL_PT).color(color));
    let sides = row.of.iter().zip(row.voxels);
    let volumes: Vec<String> = sides
        .map(|(of, voxels)| {
            let ml = row.voxel_ml * voxels as f64;
            let decimals = if ml < 10.0 { 2 } else { 1 };
            match of {
                Some(_) => words.tr("segment-ml", &[("ml", Value::Fixed(ml, decimals))]),
                None => "–".to_owned(),
            }
        })
        .collect();
    widgets::dim(ui, volumes.join(" / "));
}
