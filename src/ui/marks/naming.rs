//! The selected mark gets its name where it stands: a field with the words of the coded list that fit what is typed.

use super::writing::MAX_TEXT;
use crate::{
    model::annotation::{Annotation, AnnotationId},
    ui::{context::UiContext, theme},
    workspace::{
        Action,
        measuring::{
            MarkAction, MarkChange,
            labels::{MarkLabel, exact, matching},
        },
        view::{Picture, Viewport},
    },
};
use egui::{Button, Key, Modifiers, Rect, RichText, TextEdit, Ui, vec2};

/// Words that are offered at once.
const MOST: usize = 8;
/// Width of the field, points.
const WIDTH: f32 = 250.0;

/// A name that is being typed.
pub struct Naming {
    cell: usize,
    mark: AnnotationId,
    text: String,
    /// The chosen one of the words that are offered.
    chosen: Option<usize>,
    begun: bool,
}

impl Naming {
    /// Begins with the name that the mark has.
    pub fn of(cell: usize, mark: &Annotation) -> Self {
        Self {
            cell,
            mark: mark.id.clone(),
            text: mark.label.clone(),
            chosen: None,
            begun: false,
        }
    }
}

/// How typing ended.
enum End {
    /// This is the name.
    Name(MarkChange),
    /// It stays as it was.
    Dropped,
}

/// Draws field and words beside the mark. Enter takes the chosen word, else what was typed; Escape drops it.
pub(in crate::ui) fn naming_ui(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
) {
    let Some(mut naming) = context.state.marks.naming.take_if(|n| n.cell == cell) else {
        return;
    };
    let site = viewport.mark_site(picture);
    let mark = context.workspace.marks.set().get(&naming.mark);
    let place = site.as_ref().zip(mark).and_then(|(site, mark)| {
        let (lens, _) = site.sees(mark)?;
        let screen = mark.shape.points.iter().map(|p| lens.screen(*p));
        screen.max_by(|a, b| a.x.total_cmp(&b.x))
    });
    // A mark that is not in sight, or gone, is not named.
    let Some(place) = place else { return };
    let mut end = None;
    let (away, size) = (vec2(14.0, 22.0), vec2(WIDTH + 24.0, 290.0));
    super::field_beside(ui, "mark name", rect, (place, away), size, |ui| {
        ui.set_width(WIDTH);
        end = field_and_words(context, ui, &mut naming);
    });
    match end {
        None => context.state.marks.naming = Some(naming),
        Some(End::Name(change)) => {
            let action = MarkAction::Change(naming.mark, change);
            context.actions.push(Action::Mark(action));
        }
        Some(End::Dropped) => {}
    }
}

fn field_and_words(context: &UiContext<'_>, ui: &mut Ui, naming: &mut Naming) -> Option<End> {
    let words = context.language();
    let offered: Vec<&MarkLabel> = matching(words, &naming.text).take(MOST).collect();
    let step = ui.input_mut(|i| {
        let mut took = |key| i.consume_key(Modifiers::NONE, key);
        (took(Key::ArrowDown), took(Key::ArrowUp))
    });
    let last = offered.len().checked_sub(1);
    naming.chosen = match (naming.chosen, step) {
        (None, (true, _)) => last.map(|_| 0),
        (Some(at), (true, _)) => last.map(|last| (at + 1).min(last)),
        (Some(at), (_, true)) => at.checked_sub(1),
        (chosen, _) => chosen.filter(|at| *at < offered.len()),
    };
    let field = TextEdit::singleline(&mut naming.text)
        .hint_text(context.word("mark-label"))
        .char_limit(MAX_TEXT)
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    response.widget_info(|| {
        let name = context.word("mark-label");
        let mut info = egui::WidgetInfo::labeled(egui::Role::TextInput, true, name);
        info.current_text_value = Some(naming.text.clone());
        info
    });
    if !std::mem::replace(&mut naming.begun, true) {
        response.request_focus();
    }
    if response.changed() {
        naming.chosen = None;
    }
    let take = |label: &MarkLabel| {
        let change = MarkChange::Label(label.word(words), Some(label.code()));
        Some(End::Name(change))
    };
    let mut end = None;
    ui.add_space(2.0);
    for (nth, label) in offered.iter().enumerate() {
        let code = label.code();
        let dim = RichText::new(format!("{} {}", code.scheme, code.value));
        let row = Button::selectable(naming.chosen == Some(nth), label.word(words))
            .shortcut_text(dim.size(theme::SMALL_PT).color(theme::TEXT_FAINT))
            .min_size(vec2(ui.available_width(), 24.0));
        if ui.add(row).clicked() {
            end = take(label);
        }
    }
    if end.is_some() {
        return end;
    }
    if ui.input(|i| i.key_pressed(Key::Escape)) {
        return Some(End::Dropped);
    }
    if response.lost_focus() {
        if !ui.input(|i| i.key_pressed(Key::Enter)) {
            // A press on one of the words takes the focus before it is a click.
            let within = ui.input(|i| i.pointer.any_down() || i.pointer.any_released());
            let inside = ui.rect_contains_pointer(ui.min_rect());
            return (!(within && inside)).then_some(End::Dropped);
        }
        let chosen = naming.chosen.and_then(|nth| offered.get(nth));
        if let Some(label) = chosen {
            return take(label);
        }
        let text = naming.text.trim();
        let code = exact(words, text).map(MarkLabel::code);
        return Some(End::Name(MarkChange::Label(text.to_owned(), code)));
    }
    None
}
