//! Patients, studies and series on the left: current above priors, a small picture each, what did not open below.

use super::{
    bands,
    context::{Dragged, UiContext},
    icons, overlay_text,
    study_list::table,
    theme, unlock, widgets,
};
use crate::{
    model::{
        geometry::BodyPlane, identity::PatientIdentity, reading::ReadStatus, study::Rejection,
    },
    workspace::{
        Action, content_words,
        library::{Library, ObjectNode, PatientNode, SeriesNode, StudyNode},
        study_list::Held,
    },
};
use egui::{
    Align2, Color32, FontId, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    vec2,
};
use std::sync::Arc;

/// Width of the panel, points.
pub const WIDTH: f32 = 216.0;
const THUMB: f32 = 56.0;
const ROW: f32 = 64.0;

/// What stands where, made anew when the library or the shown patient changes.
#[derive(Debug, Default)]
pub struct BrowserRows {
    library: Option<Arc<Library>>,
    first: Option<Arc<PatientIdentity>>,
    rows: Vec<(f32, Row)>,
    height: f32,
}

#[derive(Clone, Debug)]
enum Row {
    Patient(usize),
    Study(usize, usize),
    Series(Arc<SeriesNode>),
    Object(Arc<ObjectNode>),
}

impl Row {
    const fn height(&self) -> f32 {
        match self {
            Self::Patient(_) => 28.0,
            Self::Study(..) => 28.0,
            Self::Series(_) | Self::Object(_) => ROW,
        }
    }
}

/// Lists up to this height are drawn whole, so that all of it can be read out; of longer ones what is in sight.
const WHOLE: f32 = 12_000.0;

const GAP: f32 = 2.0;

impl BrowserRows {
    /// The shown patient stands first, the others below in the library's order.
    /// Those that `hidden` names are left out.
    fn update(
        &mut self,
        library: &Arc<Library>,
        shown: Option<&Arc<PatientIdentity>>,
        hidden: impl Fn(&PatientIdentity) -> bool,
    ) {
        let same = self
            .library
            .as_ref()
            .is_some_and(|l| Arc::ptr_eq(l, library));
        if same && self.first.as_ref() == shown {
            return;
        }
        let listed = library.patients.iter().enumerate();
        let mut order: Vec<usize> = listed
            .filter(|(_, p)| shown == Some(&p.identity) || !hidden(&p.identity))
            .map(|(at, _)| at)
            .collect();
        if let Some(shown) = shown {
            let is_shown = |at: &usize| {
                let patient = library.patients.get(*at);
                !patient.is_some_and(|p| p.identity == *shown)
            };
            order.sort_by_key(is_shown);
        }
        let several = order.len() > 1;
        let (mut rows, mut y) = (Vec::new(), 0.0);
        let mut push = |row: Row| {
            let top = y;
            y += row.height() + GAP;
            rows.push((top, row));
        };
        for at in order {
            let Some(patient) = library.patients.get(at) else {
                continue;
            };
            if several {
                push(Row::Patient(at));
            }
            for (number, study) in patient.studies.iter().enumerate() {
                push(Row::Study(at, number));
                study
                    .series
                    .iter()
                    .cloned()
                    .map(Row::Series)
                    .for_each(&mut push);
                study
                    .objects
                    .iter()
                    .cloned()
                    .map(Row::Object)
                    .for_each(&mut push);
            }
        }
        self.library = Some(Arc::clone(library));
        self.first = shown.cloned();
        self.rows = rows;
        self.height = y;
    }
}

/// Draws the browser.
pub fn study_browser_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let library = context.workspace.library.clone();
    let shown = context
        .workspace
        .active_viewport()
        .and_then(|v| v.patient())
        .cloned();
    let mut browser = std::mem::take(&mut context.state.browser);
    let workspace = context.workspace;
    browser.update(&library, shown.as_ref(), |patient| {
        let mut cells = workspace.visible_cells();
        let on_screen = cells.any(|cell| {
            let shown = workspace.viewports.get(cell).and_then(|v| v.patient());
            shown.is_some_and(|shown| **shown == *patient)
        });
        workspace.list.is_fetched(patient) && !on_screen
    });
    egui::ScrollArea::vertical()
        .auto_shrink([false, false])
        .show_viewport(ui, |ui, sight| {
            ui.spacing_mut().item_spacing.y = GAP;
            let (rect, _) =
                ui.allocate_exact_size(vec2(ui.available_width(), browser.height), Sense::hover());
            let sight = match browser.height <= WHOLE {
                true => f32::NEG_INFINITY..f32::INFINITY,
                false => sight.min.y - ROW..sight.max.y + ROW,
            };
            let from = browser.rows.partition_point(|(y, _)| *y < sight.start);
            for (y, row) in browser.rows.iter().skip(from) {
                if *y > sight.end {
                    break;
                }
                let place =
                    Rect::from_min_size(rect.min + vec2(0.0, *y), vec2(rect.width(), row.height()));
                // A child of its own, so that rows out of sight need no room.
                let mut child = ui.new_child(egui::UiBuilder::new().max_rect(place));
                browser_row(context, &mut child, &library, row);
            }
            rejected(context, ui, &library.rejected);
            ui.add_space(8.0);
        });
    context.state.browser = browser;
    // In the frame of the release the cell below the pointer takes it, and cells are drawn after this panel.
    if ui.input(|i| !i.pointer.any_down() && !i.pointer.any_released()) {
        context.state.dragged = None;
    }
}

fn browser_row(context: &mut UiContext<'_>, ui: &mut Ui, library: &Library, row: &Row) {
    match row {
        Row::Patient(at) => {
            if let Some(patient) = library.patients.get(*at) {
                patient_title(context, ui, patient);
            }
        }
        Row::Study(at, number) => {
            if let Some(patient) = library.patients.get(*at)
                && let Some(study) = patient.studies.get(*number)
            {
                study_title(context, ui, patient, study);
            }
        }
        Row::Series(series) => series_row(context, ui, series),
        Row::Object(object) => object_row(context, ui, object),
    }
}

fn patient_title(context: &UiContext<'_>, ui: &mut Ui, patient: &PatientNode) {
    ui.add_space(6.0);
    let text = if context.workspace.settings.hide_identity {
        context.word("badge-identity-hidden").to_owned()
    } else {
        overlay_text::name_text(context.language(), &patient.identity)
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        bands::band_ui(context, ui, &patient.identity, 16.0);
        widgets::line(ui, RichText::new(text).strong().color(theme::TEXT));
    });
}

fn study_title(context: &mut UiContext<'_>, ui: &mut Ui, patient: &PatientNode, study: &StudyNode) {
    ui.add_space(6.0);
    let date = match study.description.date {
        Some(_) if context.workspace.settings.hide_identity => String::new(),
        Some(date) => date.to_string(),
        None => context.word("list-study-undated").to_owned(),
    };
    let held = context
        .workspace
        .held(&study.description.uid, &patient.identity);
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let status = context.workspace.marks.read_status(&study.description.uid);
        if status != ReadStatus::New {
            let (sign, response) = ui.allocate_exact_size(vec2(11.0, 14.0), Sense::hover());
            table::sign(ui, sign, status);
            let word = context.word(table::status_word(status));
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
            response.on_hover_text(word);
        }
        if !date.is_empty() {
            ui.label(
                RichText::new(date)
                    .size(theme::SMALL_PT)
                    .strong()
                    .color(theme::TEXT),
            );
        }
        if !study.description.description.is_empty() {
            widgets::line(
                ui,
                RichText::new(study.description.description.clone())
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            );
        }
        if held == Held::Kept {
            let word = context.word("list-files-kept-short");
            let text = RichText::new(word).size(theme::SMALL_PT);
            ui.label(text.color(theme::OK));
        }
    });
    let id = ui
        .scope_id()
        .with(("study", &patient.identity, &study.description.uid));
    let response = ui.interact(row.response.rect, id, Sense::click());
    let name = context.word("list-hang-study");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let hover = match held.message_key() {
        None => name.to_owned(),
        Some(key) => {
            let (files, where_) = (context.word("list-files"), context.word(key));
            format!("{name}\n{files}: {where_}")
        }
    };
    if response.on_hover_text(hover).clicked() {
        context.actions.push(Action::HangStudy {
            patient: patient.identity.clone(),
            study: study.description.uid.clone(),
        });
    }
}

fn series_row(context: &mut UiContext<'_>, ui: &mut Ui, series: &Arc<SeriesNode>) {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::click_and_drag());
    let shown: Vec<usize> = context
        .workspace
        .visible_cells()
        .filter(|&c| {
            context
                .workspace
                .viewports
                .get(c)
                .and_then(|v| v.node.as_ref())
                .is_some_and(|n| n.key == series.key)
        })
        .collect();
    let title = series_title(context, series);
    response.widget_info(|| {
        WidgetInfo::selected(Role::ListItem, true, !shown.is_empty(), title.clone())
    });
    if ui.is_rect_visible(rect) {
        draw_row(
            context,
            ui,
            rect,
            series,
            &title,
            !shown.is_empty(),
            response.hovered(),
        );
    }
    if response.clicked() {
        let cell = context.workspace.active;
        context.actions.push(Action::Show {
            cell,
            series: series.key.clone(),
        });
    }
    if response.drag_started() {
        context.state.dragged = Some(Dragged::Series(series.key.clone()));
    }
    widgets::hover_text(response, || row_tooltip(context, series, &title));
}

/// What a series is called: its description, else the protocol, else what of the body lies how in it, else its number.
fn series_title(context: &UiContext<'_>, series: &SeriesNode) -> String {
    let described = &series.description;
    for text in [&described.description, &described.protocol] {
        if !text.is_empty() {
            return text.clone();
        }
    }
    let plane = plane_word(context, series).unwrap_or_default();
    let words = [
        described.body_part.as_str(),
        described.laterality.as_str(),
        described.view_position.as_str(),
        plane,
    ];
    let words: Vec<&str> = words.into_iter().filter(|w| !w.is_empty()).collect();
    match (words.is_empty(), described.number) {
        (false, _) => words.join(" "),
        (true, Some(number)) => context.tr(
            "list-series-number",
            &[("number", f64::from(number).into())],
        ),
        (true, None) => context.word("list-series-unnamed").to_owned(),
    }
}

/// In which plane of the body the first frame lies.
fn plane_word(context: &UiContext<'_>, series: &SeriesNode) -> Option<&'static str> {
    let first = series.layout.frames.first()?;
    let image = first.instance.image.as_ref()?;
    let plane = image.frame(first.frame).plane.as_ref()?;
    let normal = plane.along_row.cross(plane.along_column);
    Some(context.word(match BodyPlane::of_normal(normal) {
        BodyPlane::Axial => "overlay-axial",
        BodyPlane::Coronal => "overlay-coronal",
        BodyPlane::Sagittal => "overlay-sagittal",
    }))
}

/// All that a row says and more, untruncated.
fn row_tooltip(context: &UiContext<'_>, series: &SeriesNode, title: &str) -> String {
    let described = &series.description;
    let mut lines = vec![title.to_owned()];
    let mut facts = second_line(context, series);
    if let Some(number) = described.number {
        let number = context.tr(
            "list-series-number",
            &[("number", f64::from(number).into())],
        );
        facts = format!("{number}  {facts}");
    }
    lines.push(facts);
    let plane = plane_word(context, series).unwrap_or_default();
    let more = [
        described.protocol.as_str(),
        described.body_part.as_str(),
        described.laterality.as_str(),
        described.view_position.as_str(),
        plane,
    ];
    let more: Vec<&str> = more
        .into_iter()
        .filter(|w| !w.is_empty() && *w != title)
        .collect();
    if !more.is_empty() {
        lines.push(more.join("  "));
    }
    for finding in &series.layout.findings {
        lines.push(overlay_text::finding_text(context.language(), finding));
    }
    lines.join("\n")
}

/// Which part, modality, number of images.
fn second_line(context: &UiContext<'_>, series: &SeriesNode) -> String {
    let count = series.layout.frames.len();
    let images = context.tr("list-images", &[("count", count.into())]);
    let modality = series.description.modality.clone();
    let part = overlay_text::part_text(context.language(), &series.layout.part);
    let words = [part, modality, images];
    let second = words.iter().filter(|w| !w.is_empty());
    second.cloned().collect::<Vec<_>>().join("  ")
}

fn draw_row(
    context: &mut UiContext<'_>,
    ui: &Ui,
    rect: Rect,
    series: &SeriesNode,
    title: &str,
    shown: bool,
    hovered: bool,
) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if shown || hovered {
        painter.rect_filled(rect, 4.0, theme::RAISED);
    }
    let picture = Rect::from_min_size(
        rect.min + Vec2::splat((ROW - THUMB) / 2.0),
        Vec2::splat(THUMB),
    );
    painter.rect_filled(picture, 2.0, theme::IMAGE);
    if let Some(texture) = thumbnail(context, ui, &series.key) {
        let size = texture.size_vec2();
        let fitted = size * (THUMB / size.max_elem().max(1.0));
        painter.image(
            texture.id(),
            Rect::from_center_size(picture.center(), fitted),
            Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0)),
            Color32::WHITE,
        );
    }
    if shown {
        painter.rect_stroke(
            picture,
            2.0,
            Stroke::new(1.0, theme::ACCENT),
            StrokeKind::Outside,
        );
    }
    if has_key_image(context, series) {
        let corner = Rect::from_min_size(picture.right_top() + vec2(-16.0, 2.0), Vec2::splat(14.0));
        painter.rect_filled(corner, 3.0, theme::APP.gamma_multiply(0.8));
        icons::paint(&painter, corner, icons::Icon::Key, theme::ACCENT);
    }
    let lines = Lines::beside(picture, rect);
    let text = |y: f32, text: String, size: f32, color: Color32| {
        lines.text(ui, &painter, y, &text, size, color);
    };
    text(6.0, title.to_owned(), theme::BODY_PT, theme::TEXT);
    let second = second_line(context, series);
    text(25.0, second, theme::SMALL_PT, theme::TEXT_DIM);
    let warnings = series
        .layout
        .findings
        .iter()
        .filter(|f| f.severity >= crate::model::finding::Severity::Warning)
        // True of every radiograph, and said beside each of its numbers.
        .filter(|f| f.code != "SPACING_AT_DETECTOR")
        .count();
    let third = match (warnings, series.layout.volume) {
        (0, Some(_)) => String::from("MPR"),
        (0, None) => String::new(),
        (n, _) => context.tr("list-notes", &[("count", n.into())]),
    };
    let color = if warnings > 0 {
        theme::WARN
    } else {
        theme::TEXT_FAINT
    };
    text(43.0, third, theme::SMALL_PT, color);
}

/// Whether a series holds a key image.
fn has_key_image(context: &UiContext<'_>, series: &SeriesNode) -> bool {
    let mut keys = context.workspace.marks.key_images().iter();
    keys.any(|key| key.series_uid == series.description.uid)
}

fn thumbnail(context: &mut UiContext<'_>, ui: &Ui, key: &str) -> Option<egui::TextureHandle> {
    if let Some(handle) = context.state.thumbnails.get(key) {
        return Some(handle.clone());
    }
    let Some(thumbnail) = context.workspace.small.get(key) else {
        // Series that still grow get a new key with every file.
        if !context.workspace.small.is_asked(key) && !context.workspace.is_scanning() {
            context.actions.push(Action::Small(key.to_owned()));
        }
        return None;
    };
    let image = egui::ColorImage::from_rgba_unmultiplied(thumbnail.size, &thumbnail.rgba);
    let handle = ui
        .ctx()
        .load_texture("thumbnail", image, egui::TextureOptions::LINEAR);
    context
        .state
        .thumbnails
        .insert(key.to_owned(), handle.clone());
    Some(handle)
}

/// An object without a picture: what it is, its title, its day.
fn object_row(context: &mut UiContext<'_>, ui: &mut Ui, object: &Arc<ObjectNode>) {
    let size = vec2(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let words = context.language();
    let hide = context.workspace.settings.hide_identity;
    let instance = &object.instance;
    let kind = words.word(object.kind().message_key());
    let title = match &instance.object {
        Some(described) => content_words::title(words, described, hide),
        None => kind.to_owned(),
    };
    let shown = context.workspace.visible_cells().any(|cell| {
        let viewport = context.workspace.viewports.get(cell);
        let document = viewport.and_then(|v| v.document.as_ref());
        document.is_some_and(|d| d.object.key == object.key)
    });
    let date = match &instance.object {
        Some(described) if !hide => {
            let date = described.date.map(|d| d.to_string()).unwrap_or_default();
            format!("{date} {}", described.time).trim().to_owned()
        }
        _ => String::new(),
    };
    // What it is says more than its modality.
    let second = match instance.series.modality.as_str() {
        modality if title == kind => modality,
        _ => kind,
    };
    let name = [title.as_str(), second, date.as_str()];
    let name: Vec<&str> = name.into_iter().filter(|part| !part.is_empty()).collect();
    let name = name.join(", ");
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, shown, &name));
    if ui.is_rect_visible(rect) {
        let clip = rect.intersect(ui.clip_rect());
        let painter = ui.painter().with_clip_rect(clip);
        if shown || response.hovered() {
            painter.rect_filled(rect, 4.0, theme::RAISED);
        }
        let place = rect.min + Vec2::splat((ROW - THUMB) / 2.0);
        let tile = Rect::from_min_size(place, Vec2::splat(THUMB));
        painter.rect_filled(tile, 2.0, theme::APP);
        let glyph = Rect::from_center_size(tile.center(), Vec2::splat(28.0));
        let color = if shown { theme::TEXT } else { theme::TEXT_DIM };
        icons::paint(&painter, glyph, icons::of_object(object.kind()), color);
        if shown {
            let stroke = Stroke::new(1.0, theme::ACCENT);
            painter.rect_stroke(tile, 2.0, stroke, StrokeKind::Outside);
        }
        let lines = Lines::beside(tile, rect);
        lines.text(ui, &painter, 6.0, &title, theme::BODY_PT, theme::TEXT);
        lines.text(ui, &painter, 25.0, second, theme::SMALL_PT, theme::TEXT_DIM);
        lines.text(ui, &painter, 43.0, &date, theme::SMALL_PT, theme::TEXT_DIM);
    }
    if response.clicked() {
        context.actions.push(Action::ShowObject {
            cell: context.workspace.active,
            object: object.key.clone(),
        });
    }
    if response.drag_started() {
        context.state.dragged = Some(Dragged::Object(object.key.clone()));
    }
    widgets::hover_text(response, || name.replace(", ", "\n"));
}

/// Where the lines of text beside a tile stand.
struct Lines {
    x: f32,
    top: f32,
    width: f32,
}

impl Lines {
    fn beside(tile: Rect, row: Rect) -> Self {
        let x = tile.right() + 8.0;
        Self {
            x,
            top: row.top(),
            width: row.right() - x - 6.0,
        }
    }

    fn text(
        &self,
        ui: &Ui,
        painter: &egui::Painter,
        y: f32,
        text: &str,
        size: f32,
        color: Color32,
    ) {
        let font = FontId::proportional(size);
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
        job.wrap = egui::text::TextWrapping::truncate_at_width(self.width);
        let galley = ui.fonts_mut(|f| f.layout_job(job));
        painter.galley(egui::pos2(self.x, self.top + y), galley, color);
    }
}

/// Files that do not open, each with its reason.
fn rejected(context: &mut UiContext<'_>, ui: &mut Ui, rejected: &[Rejection]) {
    if rejected.is_empty() {
        return;
    }
    widgets::section(ui, context.word("rejected-title"), Some(rejected.len()));
    if !context.workspace.library.locked.is_empty() && unlock::again_ui(context, ui) {
        context.actions.push(Action::AskPassphrase);
    }
    for rejection in rejected.iter().take(200) {
        let name = rejection
            .path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let name = if context.workspace.settings.hide_identity {
            rejection.code.to_owned()
        } else {
            name
        };
        grey_tile(
            ui,
            &name,
            &format!("{}: {}", rejection.code, rejection.detail),
        );
    }
}

fn grey_tile(ui: &mut Ui, title: &str, reason: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 38.0), Sense::hover());
    response
        .widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("{title}: {reason}")));
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, theme::RAISED.gamma_multiply(0.6));
    let inner = rect.shrink2(vec2(8.0, 4.0));
    let clipped = painter.with_clip_rect(inner.intersect(ui.clip_rect()));
    clipped.text(
        inner.left_top(),
        Align2::LEFT_TOP,
        title,
        FontId::proportional(theme::SMALL_PT),
        theme::TEXT_DIM,
    );
    clipped.text(
        inner.left_bottom(),
        Align2::LEFT_BOTTOM,
        reason,
        FontId::proportional(theme::SMALL_PT),
        theme::TEXT_FAINT,
    );
    response.on_hover_text(format!("{title}\n{reason}"));
}
