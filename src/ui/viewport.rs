//! One cell: picture, text, crosshair, scale, and the gestures on it.

use super::{
    bands, cine_bar,
    context::{Drag, Dragged, UiContext},
    corner_draw::{self, KeptCorners},
    document::document_ui,
    explanation_legend,
    filtered::FilterScene,
    gestures::gestures,
    halo::{self, over_picture},
    loupe, marks, number_fields,
    overlay_text::{self, About},
    picture::{PictureCallback, Scene, WantedFilters},
    plane_handles, reference, segments, spacing_text, theme,
    volume_panel::volume_lines,
};
use crate::{
    model::{identity::PatientIdentity, layout::FrameRef, study::Instance},
    tools::{Gesture, Tool},
    workspace::{
        Action, Command, Workspace,
        display::{FrameState, SeriesDisplay},
        filtering::filter_view,
        masks,
        settings::OverlayText,
        view::{Picture, Viewport, VoiChoice},
    },
};
use egui::{
    Align2, Color32, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};
use std::sync::Arc;

/// Size of the letters of orientation.
const LETTER_PT: f32 = 15.0;
/// In cells narrower than this the text of the corners stays clear of them.
const NARROW_PT: f32 = 280.0;

/// Draws a cell and turns gestures on it into wishes.
pub fn viewport_ui(context: &mut UiContext<'_>, ui: &mut Ui, cell: usize, rect: Rect) {
    let whole = snap(ui, rect);
    // The bar of a film stands below the picture, never over it.
    let rect = snap(ui, cine_bar::rest(context, cell, whole));
    let response = ui.interact(
        rect,
        ui.scope_id().with(("viewport", cell)),
        Sense::click_and_drag(),
    );
    let painter = ui.painter().with_clip_rect(whole);
    // Its place comes first, its shape last: a picture covers all of the cell, and a fill below it would cost as much.
    let back = painter.add(egui::Shape::Noop);
    if let Some(cache) = context.state.pictures.get_mut(cell) {
        cache.covers = false;
    }
    cell_ui(context, ui, cell, (whole, rect), &response, &painter);
    let cache = context.state.pictures.get(cell);
    if !cache.is_some_and(|cache| cache.covers) {
        painter.set(back, egui::Shape::rect_filled(whole, 0.0, theme::IMAGE));
    }
}

/// `whole` is the cell, `rect` what the bar of a film leaves to the picture.
fn cell_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    cell: usize,
    (whole, rect): (Rect, Rect),
    response: &Response,
    painter: &egui::Painter,
) {
    let Some(mut viewport) = context.workspace.viewports.get(cell).cloned() else {
        return;
    };
    if context.workspace.show_original {
        // The window of the result says nothing about the original.
        viewport.result_window = None;
    }
    let size = pixel_size(ui, rect);
    if context.workspace.linking.size_of(cell) != Some(size) {
        context.actions.push(Action::Sized { cell, size });
    }
    let before = viewport.view.clone();
    if let Some(picture) = viewport.picture(size) {
        gestures(context, ui, response, cell, rect, &mut viewport, &picture);
        if viewport.view != before {
            context.actions.push(Action::View {
                cell,
                view: viewport.view.clone(),
            });
        }
    }
    drop_target(context, ui, response, cell, whole);
    let texts = match (&viewport.document, viewport.picture(size)) {
        (Some(document), _) => {
            if response.clicked() || response.secondary_clicked() {
                context.actions.push(Action::Activate(cell));
            }
            let texts = document_ui(context, ui, cell, rect, document);
            patient_frame(context, painter, whole, &viewport);
            texts
        }
        (None, Some(picture)) => {
            let texts = contents(context, ui, cell, rect, &viewport, &picture);
            cine_bar::cine_bar_ui(context, ui, cell, whole, picture.position.0);
            patient_frame(context, painter, whole, &viewport);
            texts
        }
        (None, None) => {
            context.state.marks.forget(cell);
            empty(context, painter, rect);
            Vec::new()
        }
    };
    let name = context.tr("viewport-name", &[("number", (cell + 1).into())]);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Canvas, true, name.clone());
        info.current_text_value = Some(texts.join("\n"));
        info
    });
    if context.workspace.active == cell && context.workspace.layout.cells() > 1 {
        painter.rect_stroke(
            whole,
            0.0,
            Stroke::new(1.0, theme::ACCENT),
            StrokeKind::Inside,
        );
    }
}

/// Moves the edges to whole device pixels, so that the picture is copied and not resampled.
fn snap(ui: &Ui, rect: Rect) -> Rect {
    let scale = ui.ctx().pixels_per_point();
    let round = |p: Pos2| pos2((p.x * scale).round() / scale, (p.y * scale).round() / scale);
    Rect::from_min_max(round(rect.min), round(rect.max))
}

fn pixel_size(ui: &Ui, rect: Rect) -> [u32; 2] {
    let scale = ui.ctx().pixels_per_point();
    [rect.width(), rect.height()].map(|s| (s * scale).round().max(1.0) as u32)
}

fn empty(context: &UiContext<'_>, painter: &egui::Painter, rect: Rect) {
    let galley = painter.layout(
        context.word("overlay-empty").to_owned(),
        egui::FontId::proportional(theme::BODY_PT),
        theme::TEXT_FAINT,
        (rect.width() - 16.0).max(40.0),
    );
    let place = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size());
    painter.galley(place.min, galley, theme::TEXT_FAINT);
}

/// Picture, text and marks of a cell that shows something. Returns the texts, for the accessibility tree.
fn contents(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
) -> Vec<String> {
    let Some(display) = &viewport.display else {
        return Vec::new();
    };
    let painter = ui.painter().with_clip_rect(rect);
    let Some(reference) = display.layout.frames.get(picture.frame).cloned() else {
        return Vec::new();
    };
    let is_cut = viewport.kind.is_cut() && display.is_volume();
    let state = display.frame(picture.frame);
    let mut texts = Vec::new();
    match (&state, is_cut) {
        (FrameState::Failed(reason), false) => {
            undecodable(context, &painter, rect, reason);
            texts.push(context.word("badge-cannot-decode").to_owned());
        }
        (FrameState::Waiting, false) => {
            let progress = display.progress();
            let text = context.tr(
                "overlay-loading",
                &[
                    ("done", progress.loaded.into()),
                    ("total", progress.total.into()),
                ],
            );
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                text,
                egui::FontId::proportional(theme::BODY_PT),
                theme::TEXT_DIM,
            );
        }
        _ => {
            if let Err(reason) =
                draw_picture(context, ui, cell, rect, viewport, picture, &reference)
            {
                undecodable(context, &painter, rect, &reason);
            }
        }
    }
    reference::paint(context, ui, cell, rect, viewport, picture);
    scale_bar(
        context,
        &painter,
        rect,
        ui.ctx().pixels_per_point(),
        picture,
    );
    slice_bar(&painter, rect, picture, display.progress());
    letters(context, &painter, rect, picture, &mut texts);
    let corners = corners_of(context, cell, rect, viewport, picture, &reference);
    let inner = corner_room(context, rect, picture);
    let hover = context.state.hover.as_ref().filter(|h| h.cell == cell);
    let hover = hover.map_or("", |h| h.text.as_str());
    let words = context.language();
    let mut none = None;
    let kept = context.state.pictures.get_mut(cell);
    let kept = kept.map_or(&mut none, |cache| &mut cache.corners);
    let fitted = KeptCorners::fitted(kept, &painter, words, inner, (&corners, hover));
    let mut taken = corner_draw::occupied(inner, &corners, &fitted, hover);
    taken.extend(beside_picture(context, rect, picture));
    let names = plane_handles::paint(
        context,
        &painter,
        (rect, &taken),
        ui.ctx().pixels_per_point(),
        cell,
        viewport,
        picture,
        ui.ctx().pointer_latest_pos(),
    );
    taken.extend(names);
    let explanation = match viewport.is_cut() {
        true => None,
        false => context
            .workspace
            .explanations
            .shown(&masks::key_of(&reference)),
    };
    if let Some((map, _)) = explanation {
        let (legend, said) = explanation_legend::paint(context, &painter, rect, map);
        taken.extend(legend);
        texts.extend(said);
    }
    texts.extend(marks::paint(
        context,
        &painter,
        cell,
        (rect, inner),
        viewport,
        picture,
        taken,
    ));
    marks::writing_ui(context, ui, cell, rect, viewport, picture);
    marks::naming_ui(context, ui, cell, rect, viewport, picture);
    marks::hover_ui(context, ui, cell);
    segments::ring(context, ui, &painter, cell, rect, picture);
    texts.extend(corner_text(
        context,
        ui,
        (&painter, inner),
        cell,
        (&corners, &fitted),
    ));
    if context.state.loupe.on && matches!(state, FrameState::Loaded(_)) {
        loupe::paint(context, ui, rect, viewport, picture, &reference);
    }
    number_fields::window_field_ui(context, ui, cell, rect);
    if let Some(drag) = &context.state.drag
        && drag.cell == cell
        && let Some(pointer) = ui.ctx().pointer_latest_pos()
    {
        drag_label(context, &painter, viewport, picture, drag, pointer);
    }
    texts
}

/// Safety S3: with several patients on the screen every cell is framed in its patient's colour.
fn patient_frame(
    context: &UiContext<'_>,
    painter: &egui::Painter,
    rect: Rect,
    viewport: &Viewport,
) {
    if let Some(patient) = viewport.patient()
        && context.workspace.several_patients()
    {
        bands::frame(painter, rect, context.workspace.bands.of(patient));
    }
}

fn draw_picture(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
    reference: &FrameRef,
) -> Result<(), String> {
    let Some(display) = &viewport.display else {
        return Ok(());
    };
    let workspace = context.workspace;
    let is_cut = viewport.kind.is_cut() && display.is_volume();
    let frame_key = masks::key_of(reference);
    let map = match is_cut {
        true => None,
        false => context.map_over(&frame_key),
    };
    let layers = segments::layers(context, viewport, picture);
    let scene = Scene {
        display,
        view: &picture.view,
        cover: picture
            .cover
            .as_ref()
            .map(|c| (c, workspace.settings.cover)),
        map,
        segments: layers,
        volume: workspace
            .volume_masks
            .get(&display.key)
            .zip(context.mask_style()),
        filters: filters_of(workspace, cell, viewport, picture, display),
    };
    let state = &mut *context.state;
    let Some(cache) = state.pictures.get_mut(cell) else {
        return Ok(());
    };
    let drawn = cache.update(
        &workspace.gpu,
        &state.renderer,
        &mut state.filter_renderer,
        &state.blit,
        &scene,
    )?;
    state.drawn += u64::from(drawn);
    let result = cache.filters.shown.window;
    let by_result =
        matches!(viewport.view.voi, VoiChoice::Result { .. }) && !workspace.show_original;
    if by_result && result.is_some() && result != viewport.result_window {
        let level = result;
        context.actions.push(Action::ResultWindow { cell, level });
    }
    let scale = ui.ctx().pixels_per_point();
    let origin = [rect.min.x, rect.min.y].map(|v| (v * scale).round() as i32);
    if let Some(source) = cache.place(&workspace.gpu, origin, state.windows.screen) {
        cache.covers = true;
        let callback = PictureCallback {
            blit: state.blit.clone(),
            source,
        };
        ui.painter()
            .with_clip_rect(rect)
            .add(egui_wgpu::Callback::new_paint_callback(rect, callback));
    }
    Ok(())
}

/// What the filters of a cell are to be applied to; nothing where none is on.
fn filters_of<'a>(
    workspace: &'a Workspace,
    cell: usize,
    viewport: &'a Viewport,
    picture: &Picture,
    display: &'a Arc<SeriesDisplay>,
) -> WantedFilters<'a> {
    let stack = &viewport.view.filters;
    let is_cut = viewport.kind.is_cut() && display.is_volume();
    WantedFilters {
        cell,
        worker: &workspace.filtering,
        scene: match filter_view(viewport, picture) {
            _ if !stack.is_active() => None,
            _ if workspace.show_original => Some(Err("badge-original")),
            Err(reason) => Some(Err(reason.message_key())),
            Ok(view) => Some(Ok(FilterScene {
                cell,
                display,
                frame: (!is_cut).then_some(picture.frame),
                view,
                stack,
                worker: &workspace.filtering,
                percent: match &viewport.view.voi {
                    VoiChoice::Result { percent, .. } => Some(*percent),
                    _ => None,
                },
            })),
        },
        original: workspace.show_original,
        cut: is_cut,
    }
}

/// Safety S12: a labelled placeholder, not black, not the previous frame.
fn undecodable(context: &UiContext<'_>, painter: &egui::Painter, rect: Rect, reason: &str) {
    let step = 14.0;
    let stroke = Stroke::new(1.0, theme::RAISED);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment(
            [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())],
            stroke,
        );
        x += step;
    }
    over_picture(
        painter,
        rect.center() - vec2(0.0, 12.0),
        Align2::CENTER_CENTER,
        context.word("badge-cannot-decode"),
        15.0,
        theme::ERROR,
    );
    over_picture(
        painter,
        rect.center() + vec2(0.0, 12.0),
        Align2::CENTER_CENTER,
        reason,
        theme::SMALL_PT,
        theme::TEXT_DIM,
    );
}

/// Where letters and the ruler stand at the border of a cell.
fn beside_picture(context: &UiContext<'_>, rect: Rect, picture: &Picture) -> Vec<Rect> {
    if context.overlay_amount() == crate::workspace::settings::OverlayText::None {
        return Vec::new();
    }
    let mut taken = Vec::new();
    if picture.oriented {
        let letter = vec2(26.0, 20.0);
        let inner = rect.shrink2(vec2(10.0, 6.0));
        taken.extend([
            Align2::LEFT_CENTER.anchor_size(inner.left_center() + vec2(14.0, 0.0), letter),
            Align2::RIGHT_CENTER.anchor_size(inner.right_center() - vec2(14.0, 0.0), letter),
            Align2::CENTER_TOP.anchor_size(inner.center_top(), letter),
            Align2::CENTER_BOTTOM.anchor_size(inner.center_bottom() - vec2(0.0, 10.0), letter),
        ]);
    }
    if picture.spacing.source().is_some() {
        let ruler = vec2(20.0, rect.height() * 0.4);
        taken.push(Align2::LEFT_CENTER.anchor_size(rect.left_center(), ruler));
    }
    taken
}

/// What the corners of a cell say.
fn corners_of(
    context: &mut UiContext<'_>,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
    reference: &FrameRef,
) -> overlay_text::Corners {
    let workspace = context.workspace;
    let Some(display) = &viewport.display else {
        return Default::default();
    };
    context.count_rejected();
    let hover = context.state.hover.as_ref().filter(|h| h.cell == cell);
    // A cut is not the frame that lies nearest to it.
    let (is_key, mut ai) = match viewport.is_cut() {
        true => (false, Vec::new()),
        false => (
            is_key_image(context, &reference.instance, reference.frame),
            ai_lines(context, &reference.instance, reference.frame),
        ),
    };
    if ai.is_empty()
        && let Some(display) = &viewport.display
    {
        ai = volume_lines(context, &display.key);
    }
    if ai.is_empty() {
        ai = segments::network_lines(context, cell);
    }
    let source = overlay_text::Source {
        language: context.language(),
        viewport,
        instance: &reference.instance,
        frame_in_instance: reference.frame,
        picture,
        amount: context.overlay_amount(),
        cover: workspace.settings.cover,
        hide_identity: workspace.settings.hide_identity,
        beside: beside(workspace, &reference.instance.patient),
        findings: &workspace.findings(cell),
        progress: display.progress(),
        days_before: workspace.days_before(cell),
        hover: hover.map(|h| h.text.as_str()),
        life_size: workspace.is_life_size(picture),
        rejected: context.rejected_beside(&reference.instance),
        key_image: is_key,
        ai,
        filters: context
            .state
            .pictures
            .get(cell)
            .map(|p| p.filters.clone())
            .unwrap_or_default(),
    };
    overlay_text::corners(&source, rect.width())
}

/// The room of the corners. In a narrow cell the letters above and below have lines of their own.
fn corner_room(context: &UiContext<'_>, rect: Rect, picture: &Picture) -> Rect {
    let lettered = context.overlay_amount() != OverlayText::None && picture.oriented;
    match lettered && rect.width() < NARROW_PT {
        true => rect.shrink2(vec2(0.0, LETTER_PT)),
        false => rect,
    }
}

/// Draws the corners of a cell.
fn corner_text(
    context: &mut UiContext<'_>,
    ui: &Ui,
    place: (&egui::Painter, Rect),
    cell: usize,
    (corners, fitted): (&overlay_text::Corners, &corner_draw::Fitted),
) -> Vec<String> {
    let id = ui.scope_id().with(("corner", cell));
    let words = context.language();
    let (texts, clicked) = corner_draw::paint(ui, words, id, place, corners, fitted);
    match clicked {
        About::Window => {
            context.actions.push(Action::Activate(cell));
            context.run(Command::WindowNumbers);
        }
        About::Findings => {
            context.actions.push(Action::Activate(cell));
            context.actions.push(Action::List);
        }
        About::Nothing | About::Why(_) => {}
    }
    texts.to_vec()
}

/// The letter of the patient's band, where another patient's pictures are on the screen too.
fn beside(workspace: &Workspace, patient: &PatientIdentity) -> Option<String> {
    let band = workspace.bands.of(patient)?;
    workspace.several_patients().then(|| band.letter())
}

/// Whether a frame, counted from 0, is a key image.
fn is_key_image(context: &UiContext<'_>, instance: &Instance, frame: usize) -> bool {
    let number = u32::try_from(frame + 1).unwrap_or(u32::MAX);
    let keys = context.workspace.marks.key_images();
    keys.contains(&instance.sop_instance_uid, number)
}

/// What an AI overlay always says of itself (safety S20).
fn ai_lines(context: &UiContext<'_>, instance: &Instance, frame: usize) -> Vec<String> {
    let workspace = context.workspace;
    let key = (Arc::clone(&instance.source.path), frame);
    if workspace.explanations.shown(&key).is_some() {
        // Its legend says all of it.
        return Vec::new();
    }
    let Some(mask) = workspace.masks.get(&key) else {
        return Vec::new();
    };
    if !workspace.masks.visible {
        return vec![context.word("badge-ai-hidden").to_owned()];
    }
    let model = &mask.provenance.model;
    let mut lines = vec![
        context.word("ai-notice").to_owned(),
        context.tr(
            "badge-ai-model",
            &[
                ("model", model.id.as_str().into()),
                ("version", model.version.as_str().into()),
            ],
        ),
        context.tr(
            "badge-ai-threshold",
            &[(
                "threshold",
                crate::i18n::Value::Fixed(f64::from(workspace.masks.style.threshold), 2),
            )],
        ),
    ];
    if let Some(mean) = mask.provenance.mean_probability {
        let percent = crate::i18n::Value::Fixed(f64::from(mean) * 100.0, 0);
        lines.push(context.tr("badge-ai-confidence", &[("percent", percent)]));
    }
    lines
}

fn letters(
    context: &UiContext<'_>,
    painter: &egui::Painter,
    rect: Rect,
    picture: &Picture,
    texts: &mut Vec<String>,
) {
    let Some([left, right, top, bottom]) = picture.letters() else {
        return;
    };
    texts.push(format!("{left} {right} {top} {bottom}"));
    if context.overlay_amount() == OverlayText::None {
        return;
    }
    let inner = rect.shrink2(vec2(10.0, 6.0));
    let [beside, below] = [vec2(14.0, 0.0), vec2(0.0, 10.0)];
    let places = [
        (inner.left_center() + beside, Align2::LEFT_CENTER, left),
        (inner.right_center() - beside, Align2::RIGHT_CENTER, right),
        (inner.center_top(), Align2::CENTER_TOP, top),
        (inner.center_bottom() - below, Align2::CENTER_BOTTOM, bottom),
    ];
    let lines = places.map(|(at, anchor, letter)| {
        let line = halo::line(painter, letter, LETTER_PT);
        let place = anchor.anchor_size(at, line.size());
        (place.min, line, theme::TEXT)
    });
    halo::draw_all(painter, lines.into());
}

/// A ruler at the left edge, in millimetres; absent when the object is not calibrated (safety S11).
fn scale_bar(
    context: &UiContext<'_>,
    painter: &egui::Painter,
    rect: Rect,
    scale: f32,
    picture: &Picture,
) {
    if context.overlay_amount() == OverlayText::None
        || picture.spacing.source().is_none()
        || rect.height() < 160.0
    {
        return;
    }
    let mm_per_point = picture.unit_per_pixel * f64::from(scale);
    let longest = f64::from(rect.height()) * 0.35 * mm_per_point;
    let length_mm = [
        500.0, 200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1,
    ]
    .into_iter()
    .find(|l| *l <= longest)
    .unwrap_or(0.1);
    let length = (length_mm / mm_per_point) as f32;
    let x = rect.left() + 5.0;
    let middle = rect.center().y;
    let (top, bottom) = (middle - length / 2.0, middle + length / 2.0);
    let mark = |from: Pos2, to: Pos2| {
        painter.line_segment([from, to], Stroke::new(3.0, Color32::from_black_alpha(160)));
        painter.line_segment([from, to], Stroke::new(1.2, theme::TEXT_DIM));
    };
    mark(pos2(x, top), pos2(x, bottom));
    for tenth in 0..=10 {
        let y = top + length * tenth as f32 / 10.0;
        let width = if tenth % 5 == 0 { 8.0 } else { 4.0 };
        mark(pos2(x, y), pos2(x + width, y));
    }
    let text = if length_mm >= 10.0 {
        format!("{:.0} cm", length_mm / 10.0)
    } else {
        format!("{length_mm} mm")
    };
    let source = spacing_text::unless_plain(context.language(), picture.spacing);
    for (line, text) in std::iter::once(text).chain(source).enumerate() {
        over_picture(
            painter,
            pos2(
                x + 2.0,
                bottom + 4.0 + line as f32 * (theme::SMALL_PT + 3.0),
            ),
            Align2::LEFT_TOP,
            &text,
            theme::SMALL_PT,
            theme::TEXT_DIM,
        );
    }
}

/// Where in the series: a thin bar at the right edge, brighter where slices have arrived.
fn slice_bar(
    painter: &egui::Painter,
    rect: Rect,
    picture: &Picture,
    progress: crate::workspace::display::LoadProgress,
) {
    let (index, count) = picture.position;
    if count < 2 {
        return;
    }
    let track = Rect::from_min_max(
        pos2(rect.right() - 4.0, rect.top() + 4.0),
        pos2(rect.right() - 2.0, rect.bottom() - 4.0),
    );
    painter.rect_filled(track, 1.0, theme::RAISED);
    let arrived = progress.loaded as f32 / progress.total.max(1) as f32;
    if arrived < 1.0 {
        let filled = Rect::from_min_size(track.min, vec2(track.width(), track.height() * arrived));
        painter.rect_filled(filled, 1.0, theme::TEXT_FAINT);
    }
    let height = (track.height() / count as f32).max(14.0);
    let y = track.top() + (track.height() - height) * index as f32 / (count - 1) as f32;
    let thumb = Rect::from_min_size(pos2(track.left() - 1.0, y), vec2(4.0, height));
    painter.rect_filled(thumb, 2.0, theme::TEXT_DIM);
}

/// The tool's number at the cursor while dragging.
fn drag_label(
    context: &UiContext<'_>,
    painter: &egui::Painter,
    viewport: &Viewport,
    picture: &Picture,
    drag: &Drag,
    pointer: Pos2,
) {
    let text = match drag.gesture {
        Gesture::Drag {
            tool: Tool::WindowLevel,
            ..
        } => overlay_text::window_numbers(context.language(), &viewport.voi()),
        Gesture::Drag {
            tool: Tool::Zoom, ..
        } => format!("{:.0} %", picture.magnification * 100.0),
        Gesture::Drag {
            tool: Tool::Scroll, ..
        } => format!("{} / {}", picture.position.0 + 1, picture.position.1),
        Gesture::Drag { .. } => return,
        Gesture::WindowRegion => {
            let region = Rect::from_two_pos(drag.start, pointer);
            painter.rect_stroke(
                region,
                0.0,
                Stroke::new(1.0, theme::ACCENT),
                StrokeKind::Middle,
            );
            return;
        }
    };
    over_picture(
        painter,
        pointer + vec2(16.0, 16.0),
        Align2::LEFT_TOP,
        &text,
        theme::OVERLAY_PT,
        theme::ACCENT,
    );
}

fn drop_target(context: &mut UiContext<'_>, ui: &Ui, response: &Response, cell: usize, rect: Rect) {
    let over = ui
        .ctx()
        .pointer_latest_pos()
        .is_some_and(|p| rect.contains(p));
    if let Some(dragged) = context.state.dragged.clone()
        && over
    {
        ui.painter().rect_stroke(
            rect,
            0.0,
            Stroke::new(2.0, theme::ACCENT),
            StrokeKind::Inside,
        );
        if ui.input(|i| i.pointer.any_released()) {
            context.actions.push(match dragged {
                Dragged::Series(series) => Action::Show { cell, series },
                Dragged::Object(object) => Action::ShowObject { cell, object },
            });
        }
    }
    // With a measuring tool a double click ends a mark.
    if response.double_clicked()
        && !matches!(context.workspace.tool, Tool::Mark(_) | Tool::Paint(_))
    {
        context.actions.push(Action::Activate(cell));
        context.run(Command::Maximise);
    }
}
