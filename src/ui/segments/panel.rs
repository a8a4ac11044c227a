//! The panel of segmentations: what is in the hand, the segments with their volumes, what is said of the chosen one.

use crate::{
    i18n::Value,
    model::segmentation::{Segment, SegmentOrigin, SegmentState, Segmentation},
    tools::brush::{BrushShape, RADIUS_RANGE},
    ui::{
        context::UiContext,
        icons::{self, Icon},
        theme, widgets,
    },
    workspace::{
        Action, Command,
        segmenting::{
            SegmentAction, SegmentChange, SegmentNumbers,
            apply::{Joining, SegmentTool},
        },
    },
};
use egui::{
    Align, Align2, Button, Color32, ComboBox, DragValue, FontId, Layout, RichText, Sense, Slider,
    TextEdit, Ui, Vec2, vec2,
};

/// Height of a row, points.
const ROW: f32 = 28.0;
/// Lists with up to so many rows are laid out whole; of longer ones what is in sight.
const WHOLE: usize = 60;
/// Longest name, characters.
const MAX_NAME: usize = 64;

/// What is being typed.
pub struct Fields {
    /// Of which segment, and as it was when typing began.
    of: Option<(String, u16, String)>,
    label: String,
    /// The title of which segmentation is being typed, as it was when typing began, and as it is typed.
    title_of: Option<(String, String)>,
    title: String,
    /// Millimetres of tools on whole segments.
    mm: f64,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            of: None,
            label: String::new(),
            title_of: None,
            title: String::new(),
            mm: 2.0,
        }
    }
}

fn act(context: &mut UiContext<'_>, action: SegmentAction) {
    context.actions.push(Action::Segment(action));
}

/// Draws the panel.
pub(in crate::ui) fn panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    ui.add_space(8.0);
    let Some(place) = workspace.segment_place(workspace.active) else {
        widgets::dim(ui, context.word("segments-no-picture"));
        return;
    };
    if workspace.hides_some(&place) {
        widgets::dim(ui, context.word("segments-blind"));
    }
    super::judging_ui(context, ui);
    let whole = workspace.segmentation_at(&place);
    begin_ui(context, ui, whole, &place);
    let Some(whole) = whole else {
        ui.add_space(8.0);
        widgets::dim(ui, context.word("segments-none"));
        brush_ui(context, ui);
        return;
    };
    if let Some(why) = context.state.segments.held.refusal(&whole.id) {
        let text = format!("{} ({why})", context.word("segments-not-drawn"));
        ui.label(RichText::new(text).color(theme::WARN));
    }
    super::origins::origins_ui(context, ui, whole);
    brush_ui(context, ui);
    list_ui(context, ui, whole);
    whole_ui(context, ui, whole);
    look_ui(context, ui);
}

/// Which segmentation, a new one, away with it.
fn begin_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    whole: Option<&Segmentation>,
    place: &crate::workspace::segmenting::SegmentPlace,
) {
    let workspace = context.workspace;
    let words = context.language();
    let all: Vec<&Segmentation> = workspace
        .segmentations_over(place)
        .into_iter()
        .filter(|s| place.takes(s) && workspace.may_change(s))
        .collect();
    let name = |s: &Segmentation| match s.title.is_empty() {
        false => s.title.clone(),
        true => {
            let number = all.iter().position(|other| other.id == s.id).unwrap_or(0) + 1;
            words.tr("segmentation-name", &[("number", number.into())])
        }
    };
    if let Some(whole) = whole.filter(|_| all.len() > 1) {
        ComboBox::from_id_salt("segmentation")
            .width(ui.available_width() - 8.0)
            .selected_text(name(whole))
            .show_ui(ui, |ui| {
                for other in &all {
                    if ui
                        .selectable_label(other.id == whole.id, name(other))
                        .clicked()
                    {
                        context
                            .actions
                            .push(Action::Segment(SegmentAction::Choose(other.id.clone())));
                    }
                }
            });
    }
    if let Some(whole) = whole {
        title_ui(context, ui, whole, &name(whole));
    }
    ui.horizontal_wrapped(|ui| {
        let new = Button::new(RichText::new(context.word("cmd-segmentation-new")).strong());
        let tip = context.tooltip(Command::NewSegmentation);
        if ui.add(new).on_hover_text(tip).clicked() {
            act(context, SegmentAction::New);
        }
        let segmenting = &workspace.segmenting;
        let chosen = segmenting.schema.clone();
        let title = |name: &Option<String>| {
            let found = segmenting
                .schemas
                .iter()
                .find(|s| Some(&s.name) == name.as_ref());
            found
                .map_or(context.word("segments-no-schema"), |s| s.title(words))
                .to_owned()
        };
        let mut schema = chosen.clone();
        ComboBox::from_id_salt("schema")
            .selected_text(title(&chosen))
            .show_ui(ui, |ui| {
                let names = segmenting.schemas.iter().map(|s| Some(s.name.clone()));
                for name in std::iter::once(None).chain(names) {
                    ui.selectable_value(&mut schema, name.clone(), title(&name));
                }
            })
            .response
            .on_hover_text(context.word("segments-schema"));
        if schema != chosen {
            act(context, SegmentAction::Schema(schema));
        }
    });
}

/// What the segmentation is called, to be typed over; out with it, and away with it.
fn title_ui(context: &mut UiContext<'_>, ui: &mut Ui, whole: &Segmentation, name: &str) {
    let mut fields = std::mem::take(&mut context.state.segments.fields);
    let now = (whole.id.0.clone(), whole.title.clone());
    if fields.title_of.as_ref() != Some(&now) {
        fields.title.clone_from(&whole.title);
        fields.title_of = Some(now);
    }
    let mut title = None;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(4.0);
            let name_of_bin = context.word("cmd-segmentation-delete");
            let bin =
                widgets::icon_button(ui, Icon::Bin, name_of_bin, true, false, theme::TEXT_DIM);
            if bin.on_hover_text(name_of_bin).clicked() {
                act(context, SegmentAction::Delete);
            }
            let tip = context.tooltip(Command::SaveSegmentation);
            let save = ui.button(context.word("segments-save"));
            if save.on_hover_text(tip).clicked() {
                context.run(Command::SaveSegmentation);
            }
            let tip = context.tooltip(Command::SaveMeasured);
            let word = context.word("cmd-segmentation-measured");
            let measured =
                widgets::icon_button(ui, Icon::Report, word, true, false, theme::TEXT_DIM);
            if measured.on_hover_text(tip).clicked() {
                context.run(Command::SaveMeasured);
            }
            let field = TextEdit::singleline(&mut fields.title)
                .hint_text(name)
                .char_limit(MAX_NAME)
                .desired_width(ui.available_width().max(60.0));
            let response = ui.add(field);
            let typed = fields.title.trim();
            if response.lost_focus() && typed != whole.title {
                title = Some(typed.to_owned());
            }
            response.on_hover_text(context.word("segmentation-title"));
        });
    });
    context.state.segments.fields = fields;
    if let Some(title) = title {
        act(context, SegmentAction::Rename(title));
    }
}

/// What is in the hand.
fn brush_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    widgets::section(ui, context.word("segments-tools"), None);
    ui.horizontal_wrapped(|ui| {
        for (command, icon) in [
            (Command::ToolBrush, Icon::Paint),
            (Command::ToolEraser, Icon::Eraser),
            (Command::ToolGrow, Icon::Grow),
            (Command::ToolScissors, Icon::Scissors),
            (Command::ToolTrace, Icon::Trace),
            (Command::ToolWire, Icon::Wire),
            (Command::ToolPrompt, Icon::Prompt),
        ] {
            let on = command.tool() == Some(workspace.tool);
            widgets::command_button(context, ui, icon, command, on);
        }
    });
    by_points_ui(context, ui);
    let mut brush = workspace.segmenting.brush.clone();
    egui::Grid::new("brush")
        .num_columns(2)
        .spacing([12.0, 6.0])
        .show(ui, |ui| {
            widgets::dim(ui, context.word("brush-form"));
            ui.horizontal(|ui| {
                for (shape, key) in [
                    (BrushShape::Disc, "brush-disc"),
                    (BrushShape::Sphere, "brush-sphere"),
                ] {
                    let tip = context.tooltip(Command::BrushShape);
                    let choice = ui.selectable_label(brush.shape == shape, context.word(key));
                    if choice.on_hover_text(tip).clicked() {
                        brush.shape = shape;
                    }
                }
            });
            ui.end_row();
            let label = widgets::dim(ui, context.word("brush-radius"));
            let slider = Slider::new(&mut brush.radius, RADIUS_RANGE.0..=RADIUS_RANGE.1)
                .logarithmic(true)
                .fixed_decimals(1)
                .suffix(" mm");
            ui.add(slider)
                .labelled_by(label.id)
                .on_hover_text(context.word("brush-radius-tip"));
            ui.end_row();
            widgets::dim(ui, context.word("brush-only"));
            ui.horizontal(|ui| {
                let mut limited = brush.range.is_some();
                let check = ui.checkbox(&mut limited, context.word("brush-range"));
                check.on_hover_text(context.word("brush-range-tip"));
                let [mut low, mut high] = brush.range.unwrap_or_else(|| window_range(context));
                ui.add_enabled(
                    limited,
                    DragValue::new(&mut low).speed(1.0).fixed_decimals(0),
                );
                widgets::dim(ui, "–");
                ui.add_enabled(
                    limited,
                    DragValue::new(&mut high).speed(1.0).fixed_decimals(0),
                );
                brush.range = limited.then_some([low, high.max(low)]);
            });
            ui.end_row();
            let label = widgets::dim(ui, context.word("brush-tolerance"));
            let tolerance = DragValue::new(&mut brush.tolerance)
                .range(0.0..=10_000.0)
                .prefix("± ");
            ui.add(tolerance)
                .labelled_by(label.id)
                .on_hover_text(context.word("brush-tolerance-tip"));
            ui.end_row();
            widgets::dim(ui, context.word("brush-others"));
            ui.checkbox(&mut brush.over, context.word("brush-over"))
                .on_hover_text(context.word("brush-over-tip"));
            ui.end_row();
        });
    if brush != workspace.segmenting.brush {
        act(context, SegmentAction::Brush(brush));
    }
}

/// Who answers to points and scribbles, where a network can.
fn by_points_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let segmenting = &context.workspace.segmenting;
    let prompts = Command::ToolPrompt.tool() == Some(context.workspace.tool);
    if segmenting.point_models.is_empty() || !prompts {
        return;
    }
    let title = |id: &Option<String>| {
        let models = segmenting.point_models.iter();
        let mut found = models.filter(|m| Some(&m.id) == id.as_ref());
        found.next().map_or_else(
            || context.word("segments-points-by-tools").to_owned(),
            |m| m.title.clone(),
        )
    };
    let mut chosen = segmenting.by_network.clone();
    ui.horizontal(|ui| {
        let label = widgets::dim(ui, context.word("segments-points-by"));
        ComboBox::from_id_salt("points by")
            .width(ui.available_width() - 8.0)
            .selected_text(title(&chosen))
            .show_ui(ui, |ui| {
                let ids = segmenting.point_models.iter().map(|m| Some(m.id.clone()));
                for id in std::iter::once(None).chain(ids) {
                    ui.selectable_value(&mut chosen, id.clone(), title(&id));
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text(context.word("segments-points-by-tip"));
    });
    if chosen.is_some() {
        widgets::dim(ui, context.word("ai-notice"));
        let made_up = |m: &&crate::workspace::volume_masks::VolumeModelEntry| {
            Some(&m.id) == chosen.as_ref() && m.synthetic_only
        };
        if segmenting.point_models.iter().any(|m| made_up(&m)) {
            widgets::tag(ui, context.word("badge-ai-synthetic"), theme::WARN);
        }
    }
    if chosen != segmenting.by_network {
        act(context, SegmentAction::ByNetwork(chosen));
    }
}

/// What the window of the active view shows between black and white.
fn window_range(context: &UiContext<'_>) -> [f64; 2] {
    let viewport = context.workspace.active_viewport();
    let level = viewport.and_then(|v| v.voi().level());
    level.map_or([0.0, 100.0], |level| {
        let half = level.width / 2.0;
        [(level.center - half).round(), (level.center + half).round()]
    })
}

fn list_ui(context: &mut UiContext<'_>, ui: &mut Ui, whole: &Segmentation) {
    let workspace = context.workspace;
    widgets::section(ui, context.word("panel-tab-segments"), Some(whole.len()));
    let chosen = workspace.segment_of(whole).map(|s| s.number);
    // Somebody who has it read out gets all of it.
    let all = whole.len() <= WHOLE || ui.ctx().has_accesskit_node(ui.unique_id());
    for (at, segment) in whole.segments().enumerate() {
        let size = Vec2::new(ui.available_width(), ROW);
        let place = egui::Rect::from_min_size(ui.cursor().min, size);
        let selected = chosen == Some(segment.number);
        if all || selected || ui.is_rect_visible(place) {
            row(context, ui, whole, segment, at, selected);
        } else {
            ui.allocate_space(size);
        }
    }
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let name = context.word("cmd-segment-new");
        let tip = context.tooltip(Command::NewSegment);
        if ui.button(name).on_hover_text(tip).clicked() {
            act(context, SegmentAction::Add);
        }
        let words = context.language();
        ui.menu_button(context.word("segments-add-of"), |ui| {
            egui::ScrollArea::vertical()
                .max_height(380.0)
                .show(ui, |ui| {
                    for schema in &workspace.segmenting.schemas {
                        widgets::dim(ui, schema.title(words));
                        for label in &schema.labels {
                            if ui.selectable_label(false, label.name(words)).clicked() {
                                let label = Box::new(label.clone());
                                context
                                    .actions
                                    .push(Action::Segment(SegmentAction::AddOf(label)));
                                ui.close();
                            }
                        }
                    }
                });
        });
        let mut solo = workspace.segmenting.solo;
        let tip = context.tooltip(Command::SoloSegment);
        if ui
            .checkbox(&mut solo, context.word("segments-solo"))
            .on_hover_text(tip)
            .changed()
        {
            act(context, SegmentAction::Solo(solo));
        }
    });
}

/// Millilitres as people read them.
fn ml_text(context: &UiContext<'_>, numbers: &SegmentNumbers) -> String {
    match numbers.ml {
        Some(ml) => {
            let decimals = if ml < 10.0 { 2 } else { 1 };
            context.tr("segment-ml", &[("ml", Value::Fixed(ml, decimals))])
        }
        None => context.tr(
            "segment-pixels",
            &[("count", (numbers.voxels as usize).into())],
        ),
    }
}

/// How sure the network was that made a segment.
pub(super) fn probability_text(words: crate::i18n::Language, segment: &Segment) -> Option<String> {
    let probability = segment.probability?;
    let args = [("probability", Value::Fixed(probability, 2))];
    Some(words.tr("segment-probability", &args))
}

pub(super) const fn state_key(state: SegmentState) -> &'static str {
    match state {
        SegmentState::Proposed => "segment-proposed",
        SegmentState::Accepted => "segment-accepted",
        SegmentState::Edited => "segment-edited",
        SegmentState::Rejected => "segment-rejected",
    }
}

const fn state_color(state: SegmentState) -> Color32 {
    match state {
        SegmentState::Proposed => theme::AI,
        SegmentState::Accepted => theme::OK,
        SegmentState::Edited => theme::TEXT_DIM,
        SegmentState::Rejected => theme::ERROR,
    }
}

fn row(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    whole: &Segmentation,
    segment: &Segment,
    at: usize,
    selected: bool,
) {
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let numbers = context
        .workspace
        .segmenting
        .numbers
        .of(&whole.id, segment.number);
    let volume = numbers.map_or_else(String::new, |n| ml_text(context, n));
    let state = context.word(state_key(segment.state)).to_owned();
    let parts = [Some(segment.label.clone()), Some(state)];
    let parts = parts
        .into_iter()
        .chain([probability_text(context.language(), segment)])
        .chain([Some(volume.clone())]);
    let parts: Vec<String> = parts.flatten().filter(|part| !part.is_empty()).collect();
    let said = parts.join(" ");
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, &said));
    if selected {
        ui.painter()
            .rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.16));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, theme::RAISED);
    }
    let [r, g, b] = segment.color;
    let swatch =
        egui::Rect::from_center_size(rect.left_center() + vec2(12.0, 0.0), vec2(13.0, 13.0));
    let color = Color32::from_rgb(r, g, b);
    match segment.is_drawn() {
        true => ui.painter().rect_filled(swatch, 3.0, color),
        false => ui
            .painter()
            .rect_stroke(swatch, 3.0, (1.2, color), egui::StrokeKind::Inside),
    };
    // The digit of the key that chooses it.
    if at < 9 {
        ui.painter().text(
            rect.left_center() + vec2(28.0, 0.0),
            Align2::CENTER_CENTER,
            (at + 1).to_string(),
            FontId::proportional(11.0),
            theme::TEXT_FAINT,
        );
    }
    let inner = egui::Rect::from_min_max(rect.min + vec2(38.0, 0.0), rect.max - vec2(4.0, 0.0));
    let mut line = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(inner)
            .layout(Layout::right_to_left(Align::Center)),
    );
    for (icon, key, on, change) in [
        (
            Icon::Lock,
            "mark-lock",
            segment.locked,
            SegmentChange::Lock(!segment.locked),
        ),
        (
            if segment.hidden {
                Icon::EyeShut
            } else {
                Icon::Eye
            },
            "mark-hide",
            segment.hidden,
            SegmentChange::Hide(!segment.hidden),
        ),
    ] {
        let name = context.word(key);
        let color = if on { theme::TEXT } else { theme::TEXT_FAINT };
        let (place, button) = line.allocate_exact_size(Vec2::splat(20.0), Sense::click());
        button.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, name));
        icons::paint(line.painter(), place.shrink(3.0), icon, color);
        if button.on_hover_text(name).clicked() {
            act(context, SegmentAction::Change(segment.number, change));
        }
    }
    line.label(
        RichText::new(volume)
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM),
    );
    // Of a proposal that says how sure the network was that stands in the place of the word, which its colour says.
    let sure = probability_text(context.language(), segment);
    let word = context.word(state_key(segment.state));
    match sure {
        Some(sure) if segment.state == SegmentState::Proposed => {
            let tag = widgets::tag(&mut line, &sure, state_color(segment.state));
            tag.on_hover_text(format!(
                "{word}  {}",
                context.word("segment-probability-note")
            ));
        }
        _ if segment.state != SegmentState::Edited => {
            widgets::tag(&mut line, word, state_color(segment.state));
        }
        _ => {}
    }
    line.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let color = match segment.is_drawn() {
            true => theme::TEXT,
            false => theme::TEXT_FAINT,
        };
        widgets::line(ui, RichText::new(&segment.label).color(color));
    });
    if response.clicked() {
        act(context, SegmentAction::Select(segment.number));
    }
    if selected {
        ui.indent(("segment", segment.number), |ui| {
            opened(context, ui, whole, segment, numbers);
        });
    }
}

/// What is said of the chosen segment.
fn opened(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    whole: &Segmentation,
    segment: &Segment,
    numbers: Option<&SegmentNumbers>,
) {
    let mut fields = std::mem::take(&mut context.state.segments.fields);
    let now = (whole.id.0.clone(), segment.number, segment.label.clone());
    if fields.of.as_ref() != Some(&now) {
        fields.label.clone_from(&segment.label);
        fields.of = Some(now);
    }
    let mut change = None;
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let mut color = segment.color;
        let picked = ui.color_edit_button_srgb(&mut color);
        picked.on_hover_text(context.word("segment-color"));
        if color != segment.color {
            change = Some(SegmentChange::Color(color));
        }
        let field = TextEdit::singleline(&mut fields.label)
            .char_limit(MAX_NAME)
            .desired_width((ui.available_width() - 44.0).max(60.0));
        let response = ui.add_enabled(!segment.locked, field);
        let label = fields.label.trim();
        if response.lost_focus() && label != segment.label && !label.is_empty() {
            change = Some(SegmentChange::Label(label.to_owned(), None));
        }
        let name = context.word("cmd-segment-delete");
        let free = !segment.locked;
        let bin = widgets::icon_button(ui, Icon::Bin, name, free, false, theme::TEXT_DIM);
        if bin.on_hover_text(name).clicked() && free {
            act(context, SegmentAction::Remove(segment.number));
        }
    });
    for code in [&segment.property_type, &segment.anatomic_region]
        .into_iter()
        .flatten()
    {
        let text = format!("{} {}  {}", code.scheme, code.value, code.meaning);
        widgets::dim(ui, text);
    }
    layer_ui(context, ui, whole, segment);
    if let Some(numbers) = numbers {
        let count = context.tr(
            "segment-voxels",
            &[("count", (numbers.voxels as usize).into())],
        );
        widgets::dim(ui, format!("{}   {count}", ml_text(context, numbers)));
        if let Some(values) = &numbers.values {
            let text = context.tr(
                "segment-values",
                &[
                    ("mean", Value::Fixed(values.mean, 1)),
                    ("sd", Value::Fixed(values.deviation, 1)),
                    ("min", Value::Fixed(values.min, 0)),
                    ("max", Value::Fixed(values.max, 0)),
                ],
            );
            widgets::dim(ui, text);
        }
    }
    let mut next = false;
    state_ui(context, ui, segment, (&mut change, &mut next));
    ui.add_space(6.0);
    context.state.segments.fields = fields;
    if let Some(change) = change {
        act(context, SegmentAction::Change(segment.number, change));
    }
    if next {
        context.run(Command::NextProposal);
    }
}

/// In which layer it lies, where there is more than one to choose from.
fn layer_ui(context: &mut UiContext<'_>, ui: &mut Ui, whole: &Segmentation, segment: &Segment) {
    let mut layers = whole.other_layers(segment.number);
    if layers.is_empty() {
        return;
    }
    layers.push(segment.layer);
    layers.sort_unstable();
    let mut layer = segment.layer;
    ui.horizontal(|ui| {
        let label = widgets::dim(ui, context.word("segment-layer"));
        let tip = context.tooltip(Command::MoveSegment);
        let free = !segment.locked;
        let count = whole.layers().len();
        ui.add_enabled_ui(free, |ui| {
            ComboBox::from_id_salt(("layer", segment.number))
                .width(56.0)
                .selected_text((layer + 1).to_string())
                .show_ui(ui, |ui| {
                    for other in layers {
                        let text = match other < count {
                            true => (other + 1).to_string(),
                            false => context.word("segment-layer-new").to_owned(),
                        };
                        ui.selectable_value(&mut layer, other, text);
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text(tip);
        });
    });
    if layer != segment.layer {
        act(context, SegmentAction::Move(segment.number, layer));
    }
}

/// How far somebody stands behind it, who and when, and the two answers.
fn state_ui(
    context: &UiContext<'_>,
    ui: &mut Ui,
    segment: &Segment,
    (change, next): (&mut Option<SegmentChange>, &mut bool),
) {
    let mut parts = vec![context.word(state_key(segment.state)).to_owned()];
    if segment.changed_ms > 0 {
        parts.push(crate::workspace::marks::clock(segment.changed_ms));
    }
    if !segment.by.is_empty() {
        parts.push(segment.by.clone());
    }
    let color = state_color(segment.state);
    ui.label(
        RichText::new(parts.join("  "))
            .size(theme::SMALL_PT)
            .color(color),
    );
    let made = match &segment.origin {
        SegmentOrigin::Manual => None,
        SegmentOrigin::SemiAutomatic { algorithm, version } => Some((algorithm, version, None)),
        SegmentOrigin::Automatic {
            algorithm,
            version,
            sha256,
        } => Some((algorithm, version, sha256.get(..16))),
    };
    if let Some((algorithm, version, sha256)) = made {
        let text = format!("{algorithm} {version} {}", sha256.unwrap_or_default());
        widgets::dim(ui, text.trim().to_owned());
        if let Some(sure) = probability_text(context.language(), segment) {
            let note = context.word("segment-probability-note");
            widgets::dim(ui, format!("{sure}  {note}"));
        }
        if context.workspace.volume_masks.is_synthetic_only(algorithm) {
            widgets::tag(ui, context.word("badge-ai-synthetic"), theme::WARN);
        }
    }
    ui.horizontal_wrapped(|ui| {
        for (command, state) in [
            (Command::AcceptSegment, SegmentState::Accepted),
            (Command::RejectSegment, SegmentState::Rejected),
        ] {
            let word = context.word(command.row().message_key);
            let button = Button::new(RichText::new(word).size(theme::SMALL_PT));
            let useful = segment.state != state;
            let tip = context.tooltip(command);
            if ui.add_enabled(useful, button).on_hover_text(tip).clicked() {
                *change = Some(SegmentChange::State(state));
            }
        }
        if context.workspace.has_proposals() {
            let command = Command::NextProposal;
            let word = RichText::new(context.word(command.row().message_key));
            let button = Button::new(word.size(theme::SMALL_PT));
            let tip = context.tooltip(command);
            if ui.add(button).on_hover_text(tip).clicked() {
                *next = true;
            }
        }
    });
}

/// Tools on the whole of the chosen segment.
fn whole_ui(context: &mut UiContext<'_>, ui: &mut Ui, whole: &Segmentation) {
    let Some(segment) = context.workspace.segment_of(whole) else {
        return;
    };
    widgets::section(ui, context.word("segments-whole"), None);
    let free = !segment.locked;
    let mut mm = context.state.segments.fields.mm;
    let mut chosen = None;
    ui.horizontal(|ui| {
        let label = widgets::dim(ui, context.word("segments-by"));
        let field = DragValue::new(&mut mm)
            .range(0.1..=50.0)
            .speed(0.1)
            .fixed_decimals(1);
        ui.add(field.suffix(" mm")).labelled_by(label.id);
    });
    ui.horizontal_wrapped(|ui| {
        let tools = [
            ("segment-grow-margin", SegmentTool::Margin(mm)),
            ("segment-shrink", SegmentTool::Margin(-mm)),
            ("segment-smooth", SegmentTool::Smooth(mm)),
            ("segment-open", SegmentTool::Open(mm)),
            ("segment-close", SegmentTool::Close(mm)),
            ("segment-fill-holes", SegmentTool::FillHoles),
            ("segment-fill-between", SegmentTool::FillBetween),
            ("segment-largest", SegmentTool::Largest),
            ("segment-without-small", SegmentTool::WithoutSmall(0.1)),
            ("segment-grow-cut", SegmentTool::GrowCut),
            ("segment-watershed", SegmentTool::Watershed),
        ];
        for (key, tool) in tools {
            let button = Button::new(RichText::new(context.word(key)).size(theme::SMALL_PT));
            if ui.add_enabled(free, button).clicked() {
                chosen = Some(tool);
            }
        }
        for (key, how) in [
            ("segment-add", Joining::Add),
            ("segment-subtract", Joining::Subtract),
            ("segment-intersect", Joining::Intersect),
        ] {
            // Segments of one layer have no voxel in common.
            let others = whole.segments().filter(|s| {
                s.number != segment.number && (how == Joining::Add || s.layer != segment.layer)
            });
            let others: Vec<&Segment> = others.take(WHOLE).collect();
            let word = RichText::new(context.word(key)).size(theme::SMALL_PT);
            if !free || others.is_empty() {
                ui.add_enabled(false, Button::new(word));
                continue;
            }
            ui.menu_button(word, |ui| {
                for other in &others {
                    if ui.selectable_label(false, &other.label).clicked() {
                        chosen = Some(SegmentTool::Combine(how, other.number));
                        ui.close();
                    }
                }
            });
        }
    });
    context.state.segments.fields.mm = mm;
    if let Some(tool) = chosen {
        act(context, SegmentAction::Apply(tool));
    }
}

/// Opacity and outline.
fn look_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    widgets::section(ui, context.word("segments-look"), None);
    let before = context.workspace.segmenting.style;
    let mut style = before;
    egui::Grid::new("look of segments")
        .num_columns(2)
        .spacing([12.0, 4.0])
        .show(ui, |ui| {
            for (key, value, range) in [
                ("ai-opacity", &mut style.opacity, 0.0..=1.0),
                ("ai-outline", &mut style.outline_px, 0.0..=4.0),
            ] {
                let label = widgets::dim(ui, context.word(key));
                ui.add(Slider::new(value, range).fixed_decimals(2))
                    .labelled_by(label.id);
                ui.end_row();
            }
        });
    if style != before {
        act(context, SegmentAction::Style(style));
    }
}
