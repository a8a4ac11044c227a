//! The filters of the active cell: add, order, switch, change, take away. A change is one step of undo.

use super::{context::UiContext, icons::Icon, overlay_text, theme, widgets};
use crate::{
    i18n::Language,
    model::filter::{FilterKind, FilterStack, FilterStep, MOST_FILTERS, Parameter},
    workspace::{
        Action, Command,
        view::{RESULT_PERCENT, ViewState, VoiChoice},
    },
};
use egui::{Align, Button, DragValue, Layout, RichText, Slider, Ui, vec2};

/// Width of the panel, points.
const WIDTH: f32 = 300.0;

/// What the panel remembers between frames.
#[derive(Clone, Debug, Default)]
pub struct FilterPanel {
    /// It is open.
    pub open: bool,
    /// The view before the drag of a slider that is still held, and its cell.
    before: Option<(usize, ViewState)>,
}

/// The badge's words for a stack: `Unsharp 2/1.5, Median 1`.
pub fn stack_text(words: Language, stack: &FilterStack) -> String {
    let texts = stack.active().map(|step| {
        let name = words.word(step.kind.message_key());
        let numbers = step.numbers();
        if numbers.is_empty() {
            name.to_owned()
        } else {
            format!("{name} {numbers}")
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Draws the panel beside the pictures when it is open.
pub fn filter_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let mut panel = std::mem::take(&mut context.state.filter_panel);
    let cell = context.workspace.active;
    let viewport = context.workspace.viewports.get(cell);
    let Some(viewport) = viewport.filter(|v| panel.open && v.display.is_some()) else {
        context.state.filter_panel = panel;
        return;
    };
    let before = viewport.view.clone();
    let mut view = before.clone();
    let width = viewport.voi().level().map_or(256.0, |level| level.width);
    let colour = viewport.image().is_some_and(|image| image.samples > 1);
    let mut held = false;
    egui::Panel::right("filters")
        .exact_size(WIDTH)
        .frame(egui::Frame::new().fill(theme::PANEL).inner_margin(12.0))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(context.word("filter-title")).strong());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let name = context.word("button-close");
                    let close = Icon::Close;
                    let dim = theme::TEXT_DIM;
                    if widgets::icon_button(ui, close, name, true, false, dim).clicked() {
                        panel.open = false;
                    }
                });
            });
            ui.add_space(4.0);
            if colour {
                let text = RichText::new(context.word("filter-no-colour")).color(theme::WARN);
                ui.label(text);
                ui.add_space(4.0);
            }
            egui::ScrollArea::vertical().show(ui, |ui| {
                let mut filters = view.filters.clone();
                held = steps_ui(context, ui, &mut filters);
                ui.add_enabled_ui(!colour, |ui| add_ui(context, ui, &mut filters, width));
                foot_ui(context, ui, &mut filters);
                if filters != view.filters {
                    view.set_filters(filters);
                }
                held |= window_ui(context, ui, &mut view);
            });
        });
    if view != before {
        context.actions.push(Action::View { cell, view });
        // While a slider is held its changes belong to one step.
        let first = panel.before.take().unwrap_or((cell, before));
        panel.before = Some(first);
    }
    if !held && let Some((cell, before)) = panel.before.take() {
        context.actions.push(Action::Commit { cell, before });
    }
    context.state.filter_panel = panel;
}

/// How slopes and differences are windowed: over the middle of what comes out. Whether a field is held.
fn window_ui(context: &UiContext<'_>, ui: &mut Ui, view: &mut ViewState) -> bool {
    if !view.filters.changes_range() {
        return false;
    }
    let mut held = false;
    ui.separator();
    let mut on = matches!(view.voi, VoiChoice::Result { .. });
    if ui
        .checkbox(&mut on, context.word("filter-window"))
        .on_hover_text(context.word("filter-window-tip"))
        .changed()
    {
        view.voi = match (&view.voi, on) {
            (VoiChoice::Result { before, .. }, false) => *before.clone(),
            (voi, _) => VoiChoice::Result {
                percent: RESULT_PERCENT,
                before: Box::new(voi.clone()),
            },
        };
    }
    if let VoiChoice::Result { percent, .. } = &mut view.voi {
        let [low, high] = *percent;
        let fields = [
            ("filter-window-from", 0..=high.saturating_sub(1)),
            ("filter-window-to", low.saturating_add(1)..=100),
        ];
        ui.horizontal(|ui| {
            ui.add_space(20.0);
            for ((key, range), value) in fields.into_iter().zip(percent.iter_mut()) {
                let label = context.word(key);
                let text = ui.label(RichText::new(label).color(theme::TEXT_DIM));
                let field = DragValue::new(value).range(range).suffix(" %");
                let field = ui.add(field).labelled_by(text.id);
                held |= field.dragged() || field.has_focus();
            }
        });
    }
    held
}

/// The filters, first to last. Whether a slider is held.
fn steps_ui(context: &UiContext<'_>, ui: &mut Ui, stack: &mut FilterStack) -> bool {
    let mut held = false;
    let (mut raise, mut remove) = (None, None);
    let count = stack.steps().len();
    if count == 0 {
        widgets::dim(ui, context.word("filter-none"));
    }
    for index in 0..count {
        let Some(step) = stack.step_mut(index) else {
            continue;
        };
        ui.horizontal(|ui| {
            let name = format!("{}  {}", index + 1, context.word(step.kind.message_key()));
            ui.checkbox(&mut step.on, name);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let small = |text: &str| Button::new(text).min_size(vec2(24.0, 22.0));
                let label = |key: &'static str| format!("{} {}", context.word(key), index + 1);
                let button = ui.add(small("×"));
                if named(button, &label("filter-remove")).clicked() {
                    remove = Some(index);
                }
                let down = ui.add_enabled(index + 1 < count, small("↓"));
                if named(down, &label("filter-later")).clicked() {
                    raise = Some(index + 1);
                }
                let up = ui.add_enabled(index > 0, small("↑"));
                if named(up, &label("filter-earlier")).clicked() {
                    raise = Some(index);
                }
            });
        });
        held |= numbers_ui(context, ui, step);
        ui.add_space(4.0);
    }
    if let Some(index) = raise {
        stack.raise(index);
    }
    if let Some(index) = remove {
        stack.remove(index);
    }
    held
}

/// A tooltip that is the accessible name too.
fn named(response: egui::Response, text: &str) -> egui::Response {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, text));
    response.on_hover_text(text)
}

fn numbers_ui(context: &UiContext<'_>, ui: &mut Ui, step: &mut FilterStep) -> bool {
    let mut held = false;
    for (index, parameter) in step.kind.parameters().iter().enumerate() {
        let mut value = step.value(index);
        let key = parameter_key(step.kind, parameter);
        ui.horizontal(|ui| {
            ui.add_space(20.0);
            let (low, high) = range_of(parameter, value);
            let slider = Slider::new(&mut value, low..=high)
                .logarithmic(parameter.modality_units || high / low.max(1e-9) > 40.0)
                .show_value(false);
            let slider = match parameter.step > 0.0 {
                true => slider.step_by(parameter.step),
                false => slider,
            };
            ui.spacing_mut().slider_width = 100.0;
            let label = context.word(key);
            let slider = ui.add(slider);
            slider.widget_info(|| egui::WidgetInfo::slider(true, step.value(index), label));
            let number = DragValue::new(&mut value)
                .range(parameter.low..=parameter.high)
                .max_decimals(match parameter.step >= 1.0 {
                    true => 0,
                    false => 3,
                })
                .speed((high - low) / 400.0);
            let number = ui.add(number);
            held |= slider.dragged() || number.dragged() || number.has_focus();
            ui.label(
                RichText::new(label)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            );
        });
        step.set(index, value);
    }
    held
}

/// What a slider covers: numbers in modality units reach over three decades around their value's power of ten.
fn range_of(parameter: &Parameter, value: f64) -> (f64, f64) {
    if !parameter.modality_units {
        return (parameter.low, parameter.high);
    }
    let decade = 10f64.powf(value.max(parameter.low).log10().floor());
    (
        (decade / 100.0).max(parameter.low),
        (decade * 100.0).min(parameter.high),
    )
}

/// Key of the message catalogue for a number.
fn parameter_key(kind: FilterKind, parameter: &Parameter) -> &'static str {
    match (kind, parameter.name) {
        (_, "sigma") | (FilterKind::Unsharp, "radius") => "filter-number-sigma",
        (_, "radius") => "filter-number-radius",
        (_, "range") => "filter-number-range",
        (_, "strength") => "filter-number-strength",
        (_, "patch") => "filter-number-patch",
        (_, "distance") => "filter-number-distance",
        (_, "amount") => "filter-number-amount",
        (_, "tiles") => "filter-number-tiles",
        (_, "clip") => "filter-number-clip",
        _ => "filter-number-gamma",
    }
}

fn add_ui(context: &UiContext<'_>, ui: &mut Ui, stack: &mut FilterStack, width: f64) {
    ui.separator();
    let room = stack.steps().len() < MOST_FILTERS;
    ui.add_enabled_ui(room, |ui| {
        ui.menu_button(context.word("filter-add"), |ui| {
            for kind in FilterKind::ALL {
                let name = context.word(kind.message_key());
                let key = format!("{}-tip", kind.message_key());
                let mut button = ui.button(name);
                if let Some(tip) = context.language().find(&key, &[]) {
                    button = button.on_hover_text(tip);
                }
                if button.clicked() {
                    // There is room: the menu is not open otherwise.
                    let _ = stack.push(FilterStep::for_window(kind, width));
                    ui.close();
                }
            }
        });
    });
}

fn foot_ui(context: &mut UiContext<'_>, ui: &mut Ui, stack: &mut FilterStack) {
    ui.horizontal(|ui| {
        let original = context.workspace.show_original;
        let text = context.word(Command::ShowOriginal.row().message_key);
        let button = Button::new(text).selected(original);
        let tip = context.tooltip(Command::ShowOriginal);
        if ui.add(button).on_hover_text(tip).clicked() {
            context.run(Command::ShowOriginal);
        }
        let clear = Button::new(context.word("filter-clear"));
        if ui.add_enabled(!stack.steps().is_empty(), clear).clicked() {
            stack.clear();
        }
    });
    ui.add_space(2.0);
    ui.label(
        RichText::new(context.word("filter-note"))
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM),
    );
}

/// Lines over the picture that say what was done to it (safety S19), and whether they warn.
pub fn badges(
    words: Language,
    viewport: &crate::workspace::view::Viewport,
    shown: &CellFilters,
) -> Vec<(String, bool)> {
    let stack = &viewport.view.filters;
    let mut lines = Vec::new();
    if !stack.is_active() {
        return lines;
    }
    if shown.original {
        lines.push((words.word("badge-original").to_owned(), false));
        return lines;
    }
    if let Some(applied) = &shown.shown.applied {
        let key = match shown.cut {
            true => "badge-processed-cut",
            false => "badge-processed",
        };
        let filters = stack_text(words, applied);
        lines.push((words.tr(key, &[("filters", filters.as_str().into())]), true));
    }
    if let Some(reason) = shown.refused {
        lines.push((words.word(reason).to_owned(), true));
    } else if let Some(reason) = &shown.shown.failed {
        let text = words.tr("badge-filter-failed", &[("reason", reason.as_str().into())]);
        lines.push((text, true));
    } else if shown.shown.awaited {
        lines.push((words.word("badge-filter-awaited").to_owned(), true));
    }
    lines
}

/// What a cell's picture was last drawn with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellFilters {
    /// What the picture shows.
    pub shown: super::filtered::FilterShown,
    /// The original is shown on purpose.
    pub original: bool,
    /// The plane is a cut.
    pub cut: bool,
    /// Key of the reason why the filters are not applied.
    pub refused: Option<&'static str>,
}

impl CellFilters {
    /// As lines of a corner.
    pub fn lines(
        &self,
        words: Language,
        viewport: &crate::workspace::view::Viewport,
    ) -> Vec<overlay_text::Line> {
        let lines = badges(words, viewport, self).into_iter();
        lines
            .map(|(text, warns)| match warns {
                true => overlay_text::Line::warn(text, "why-filters"),
                false => overlay_text::Line::dim(text),
            })
            .collect()
    }
}
