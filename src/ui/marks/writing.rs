//! A text is typed where it is to stand.

use crate::{
    model::annotation::Annotation,
    ui::{context::UiContext, theme},
    workspace::{
        Action,
        measuring::MarkAction,
        view::{Picture, Viewport},
    },
};
use egui::{Key, Rect, TextEdit, Ui, vec2};

/// Longest text of a mark, characters: what fits beside it.
pub const MAX_TEXT: usize = 200;
/// Width of the field, points.
const WIDTH: f32 = 210.0;

/// A text that is being typed.
pub struct Writing {
    cell: usize,
    mark: Annotation,
    text: String,
    begun: bool,
}

impl Writing {
    /// An empty text at the place of a mark.
    pub(super) const fn new(cell: usize, mark: Annotation) -> Self {
        Self {
            cell,
            mark,
            text: String::new(),
            begun: false,
        }
    }
}

/// Draws the field over the cell. Enter and leaving it keep the text, Escape drops it.
pub(in crate::ui) fn writing_ui(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
) {
    let Some(mut writing) = context.state.marks.writing.take_if(|w| w.cell == cell) else {
        return;
    };
    let site = viewport.mark_site(picture);
    let place = site.as_ref().and_then(|site| {
        let (lens, _) = site.sees(&writing.mark)?;
        Some(lens.screen(*writing.mark.shape.points.first()?))
    });
    let Some(place) = place else {
        // The picture went on to another slice: a text without a place in sight cannot be typed.
        context.state.marks.writing = None;
        return;
    };
    let mut ended = None;
    let (away, size) = (vec2(8.0, -14.0), vec2(WIDTH + 20.0, 40.0));
    super::field_beside(ui, "mark text", rect, (place, away), size, |ui| {
        let field = TextEdit::singleline(&mut writing.text)
            .hint_text(context.word("mark-text-hint"))
            .char_limit(MAX_TEXT)
            .text_color(theme::TEXT)
            .desired_width(WIDTH);
        let response = ui.add(field);
        if !std::mem::replace(&mut writing.begun, true) {
            response.request_focus();
        } else if ui.input(|i| i.key_pressed(Key::Escape)) {
            ended = Some(false);
        } else if response.lost_focus() {
            ended = Some(true);
        }
    });
    match ended {
        None => context.state.marks.writing = Some(writing),
        Some(true) if !writing.text.trim().is_empty() => {
            let mut mark = writing.mark;
            mark.label = writing.text.trim().to_owned();
            context
                .actions
                .push(Action::Mark(MarkAction::Add(Box::new(mark))));
        }
        Some(_) => {}
    }
}
