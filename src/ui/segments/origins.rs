//! What lies under the pointer of segments, and where a voxel comes from.

use super::panel::{probability_text, state_key};
use crate::{
    i18n::Language,
    model::{
        annotation::Author,
        segmentation::{SegmentOrigin, Segmentation},
    },
    store::VoxelOrigin,
    ui::{context::UiContext, theme, widgets},
    workspace::{
        Action, Command,
        marks::moment,
        segmenting::{SegmentAction, origins::voxel_at},
        view::Viewport,
    },
};
use egui::{RichText, Ui};
use glam::DVec3;

/// Most segments that are told at the pointer.
const MOST_TOLD: usize = 4;

/// Lines about the drawn segments at a point: name, how far somebody stands behind it, who or what made it.
pub(in crate::ui) fn texts_at(
    context: &UiContext<'_>,
    viewport: &Viewport,
    point: DVec3,
) -> Vec<String> {
    let workspace = context.workspace;
    let all = &workspace.marks.kept().segmentations;
    if all.is_empty() || !workspace.masks.visible {
        return Vec::new();
    }
    let Some(place) = viewport.segment_place() else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for whole in workspace.segmentations_in(viewport, &place) {
        let Some(at) = voxel_at(whole, point) else {
            continue;
        };
        let here = whole.layers().iter().map(|layer| layer.get(at));
        let segments = here.filter_map(|number| whole.segment(number));
        for segment in segments.filter(|s| s.is_drawn()) {
            let mut parts = vec![segment.label.clone()];
            parts.push(context.word(state_key(segment.state)).to_owned());
            parts.extend(probability_text(context.language(), segment));
            match &segment.origin {
                SegmentOrigin::Automatic {
                    algorithm, version, ..
                } => parts.push(format!("{algorithm} {version}")),
                _ if !segment.by.is_empty() => parts.push(segment.by.clone()),
                _ => {}
            }
            lines.push(parts.join("  "));
        }
    }
    lines.truncate(MOST_TOLD);
    lines
}

/// What a tool is called; what has no name in the window as the journal has it.
fn tool_name(words: Language, tool: &str) -> String {
    let command = |command: Command| words.word(command.row().message_key).to_owned();
    let key = match tool {
        "brush" => return command(Command::ToolBrush),
        "eraser" => return command(Command::ToolEraser),
        "grow" => return command(Command::ToolGrow),
        "level-trace" => return command(Command::ToolTrace),
        "prompts" => return command(Command::ToolPrompt),
        "scissors" => return command(Command::ToolScissors),
        "delete" => return command(Command::DeleteSegment),
        "move" => return command(Command::MoveSegment),
        "margin" => "segment-grow-margin",
        "smooth" => "segment-smooth",
        "open" => "segment-open",
        "close" => "segment-close",
        "fill-holes" => "segment-fill-holes",
        "fill-between" => "segment-fill-between",
        "largest-part" => "segment-largest",
        "without-small" => "segment-without-small",
        "add" => "segment-add",
        "subtract" => "segment-subtract",
        "intersect" => "segment-intersect",
        "grow-cut" => "segment-grow-cut",
        "watershed" => "segment-watershed",
        "model" => "origin-model",
        "file" => "origin-file",
        "restore" => "origin-restore",
        "copy" => "origin-copy",
        "reviewer" => "origin-reviewer",
        "edit" => "origin-edit",
        other => return other.to_owned(),
    };
    words.word(key).to_owned()
}

fn who(by: &Author) -> String {
    match by {
        Author::Person(name) | Author::Foreign(name) => name.clone(),
        Author::Model { id, version } => format!("{id} {version}"),
    }
}

/// The section of the panel; nothing while nobody asked about a voxel of this segmentation.
pub(super) fn origins_ui(context: &mut UiContext<'_>, ui: &mut Ui, whole: &Segmentation) {
    let origins = &context.workspace.segmenting.origins;
    let Some(asked) = origins.asked.as_ref().filter(|asked| asked.of == whole.id) else {
        return;
    };
    let words = context.language();
    let mut close = false;
    widgets::section(ui, words.word("origin-title"), None);
    let [x, y, z] = asked.at;
    ui.horizontal(|ui| {
        let index = format!("{x}, {y}, {z}");
        let args = [("index", index.as_str().into())];
        widgets::dim(ui, words.tr("overlay-voxel", &args));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            close = ui.small_button(words.word("origin-close")).clicked();
        });
    });
    match &origins.found {
        None => {
            widgets::dim(ui, words.word("origin-reading"));
        }
        Some(found) if found.is_empty() => {
            widgets::dim(ui, words.word("origin-none"));
        }
        Some(found) => {
            for origin in found.iter().rev() {
                change_ui(words, ui, whole, origin);
            }
        }
    }
    ui.add_space(4.0);
    if close {
        context
            .actions
            .push(Action::Segment(SegmentAction::ForgetOrigin));
    }
}

/// One change: to what, by which tool, what that was told, who and when.
fn change_ui(words: Language, ui: &mut Ui, whole: &Segmentation, origin: &VoxelOrigin) {
    let to = match origin.to {
        0 => words.word("origin-away").to_owned(),
        number => match whole.segment(number) {
            Some(segment) => segment.label.clone(),
            None => words.tr("segment-name", &[("number", usize::from(number).into())]),
        },
    };
    let source = &origin.source;
    let tool = tool_name(words, &source.tool);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(tool).color(theme::TEXT));
        ui.label(RichText::new(format!("→ {to}")).color(theme::TEXT_DIM));
    });
    let mut parts = Vec::new();
    let by = who(&source.by);
    parts.extend((!by.is_empty()).then_some(by));
    if source.at_ms > 0 {
        parts.push(moment(source.at_ms));
    }
    if !source.prompt.is_empty() {
        parts.push(source.prompt.clone());
    }
    if !parts.is_empty() {
        widgets::dim(ui, parts.join("  "));
    }
}
