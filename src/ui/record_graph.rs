//! The knowledge graph: drawn, searched, walked with the keyboard, and why each node is there.

use super::{context::UiContext, record_insight::is_chinese, theme, widgets};
use crate::{
    clinical::{
        graph::{EdgeKind, Graph, Node, NodeKind},
        text::Assertion,
    },
    model::record::PatientRecord,
    workspace::{
        Action,
        finding_place::{FindingPlace, Link},
        insight::Insight,
    },
};
use egui::{
    Align2, Color32, FontId, Label, Pos2, Rect, RichText, Sense, Stroke, TextEdit, Ui, vec2,
};

/// Height of the picture, points.
const HEIGHT: f32 = 340.0;
/// Most names that are written into the picture.
const MOST_NAMES: usize = 26;
/// Most hits of a search that are listed.
const MOST_HITS: usize = 12;

/// What the panel remembers while it is open.
#[derive(Clone, Debug, Default)]
struct Walk {
    query: String,
    selected: Option<String>,
    /// Middle of the picture in units of the layout.
    middle: [f32; 2],
    /// Points a unit; none until it was fitted.
    scale: Option<f32>,
    /// Where the selected finding is seen: of which node, and what was known then.
    place: Option<((String, (u64, usize, usize)), Option<FindingPlace>)>,
}

fn color(kind: NodeKind) -> Color32 {
    match kind {
        NodeKind::Patient => theme::TEXT,
        NodeKind::Condition => theme::WARN,
        NodeKind::Drug => theme::OK,
        NodeKind::Gene => theme::AI,
        NodeKind::Finding => theme::ACCENT,
        NodeKind::Anatomy => theme::PRIOR,
        NodeKind::Image | NodeKind::Report => theme::TEXT_DIM,
        NodeKind::Allergy => theme::ERROR,
        NodeKind::Consideration => theme::SAGITTAL,
    }
}

fn kind_key(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Patient => "panel-graph-patient",
        NodeKind::Condition => "panel-graph-condition",
        NodeKind::Drug => "panel-graph-drug",
        NodeKind::Gene => "panel-graph-gene",
        NodeKind::Finding => "panel-graph-finding",
        NodeKind::Anatomy => "panel-graph-anatomy",
        NodeKind::Image => "panel-graph-image",
        NodeKind::Report => "panel-graph-report",
        NodeKind::Allergy => "panel-graph-allergy",
        NodeKind::Consideration => "panel-graph-consideration",
    }
}

fn edge_key(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Has => "panel-edge-has",
        EdgeKind::Takes => "panel-edge-takes",
        EdgeKind::AllergicTo => "panel-edge-allergic-to",
        EdgeKind::Recorded => "panel-edge-recorded",
        EdgeKind::Says => "panel-edge-says",
        EdgeKind::At => "panel-edge-at",
        EdgeKind::SameAs => "panel-edge-same-as",
        EdgeKind::Concerns => "panel-edge-concerns",
        EdgeKind::SpeaksFor => "panel-edge-speaks-for",
        EdgeKind::SpeaksAgainst => "panel-edge-speaks-against",
        EdgeKind::Shows => "panel-edge-shows",
    }
}

/// Words of a node, with what the text says of it.
fn node_words(context: &UiContext<'_>, node: &Node, chinese: bool) -> String {
    let words = node.words.get(chinese);
    let key = match node.assertion {
        Assertion::Present | Assertion::Conditional => return words.to_owned(),
        Assertion::Absent => "panel-assertion-absent",
        Assertion::Possible => "panel-assertion-possible",
        Assertion::History => "panel-assertion-history",
        Assertion::Family => "panel-assertion-family",
    };
    format!("{words} ({})", context.word(key))
}

/// Draws the graph of the record.
pub fn graph_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    record: &PatientRecord,
    insight: &Insight,
) {
    let chinese = is_chinese(context);
    let id = ui.scope_id().with("record graph");
    let mut walk: Walk = ui.data(|d| d.get_temp(id)).unwrap_or_default();
    let graph = &insight.graph;
    // Another patient's graph does not have the node: nothing is selected then.
    let mut selected = walk.selected.as_deref().and_then(|key| graph.find(key));
    ui.add_space(6.0);
    let field = TextEdit::singleline(&mut walk.query)
        .hint_text(context.word("panel-graph-search"))
        .desired_width(f32::INFINITY);
    ui.add(field);
    if let Some(hit) = hits(context, ui, graph, &walk.query, chinese) {
        selected = Some(hit);
    }
    ui.add_space(4.0);
    if let Some(clicked) = picture(context, ui, insight, &mut walk, selected, chinese) {
        selected = Some(clicked);
    }
    legend(context, ui, graph);
    let hidden = graph.nodes.len() - insight.drawn.len() + graph.left_out;
    if hidden > 0 {
        widgets::dim(
            ui,
            context.tr("panel-graph-left-out", &[("count", hidden.into())]),
        );
    }
    match selected.and_then(|n| graph.nodes.get(n).map(|node| (n, node))) {
        None => {
            widgets::dim(ui, context.word("panel-graph-choose"));
        }
        Some((number, node)) => {
            title(context, ui, node, chinese);
            if node.kind == NodeKind::Finding {
                let known = (node.key.clone(), context.workspace.links_known());
                let kept = walk.place.take().filter(|(of, _)| *of == known);
                let (of, place) = kept.unwrap_or_else(|| {
                    let workspace = context.workspace;
                    (known, workspace.place_of_finding(graph, record, number))
                });
                place_ui(context, ui, place.as_ref());
                walk.place = Some((of, place));
            }
            if let Some(next) = details(context, ui, graph, number, chinese) {
                selected = Some(next);
            }
        }
    }
    walk.selected = selected
        .and_then(|n| graph.nodes.get(n))
        .map(|n| n.key.clone());
    ui.data_mut(|d| d.insert_temp(id, walk));
}

/// What the colours mean, of the kinds that are there.
fn legend(context: &UiContext<'_>, ui: &mut Ui, graph: &Graph) {
    let mut kinds: Vec<NodeKind> = graph.nodes.iter().map(|n| n.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for kind in kinds {
            let (rect, _) = ui.allocate_exact_size(vec2(8.0, 16.0), Sense::hover());
            ui.painter().circle_filled(rect.center(), 3.5, color(kind));
            widgets::dim(ui, context.word(kind_key(kind)));
            ui.add_space(4.0);
        }
    });
}

/// What a search finds, as buttons; the one that was chosen.
fn hits(
    context: &UiContext<'_>,
    ui: &mut Ui,
    graph: &Graph,
    query: &str,
    chinese: bool,
) -> Option<usize> {
    if query.trim().is_empty() {
        return None;
    }
    let found = graph.search(query);
    if found.is_empty() {
        widgets::dim(ui, context.word("panel-graph-none"));
    }
    let mut chosen = None;
    for number in found.iter().take(MOST_HITS) {
        if let Some(node) = graph.nodes.get(*number)
            && row(context, ui, node, chinese)
        {
            chosen = Some(*number);
        }
    }
    if found.len() > MOST_HITS {
        let more = context.tr("panel-more", &[("count", (found.len() - MOST_HITS).into())]);
        widgets::dim(ui, more);
    }
    chosen
}

/// One node as a button with its colour and kind.
fn row(context: &UiContext<'_>, ui: &mut Ui, node: &Node, chinese: bool) -> bool {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::hover());
        ui.painter()
            .circle_filled(rect.center(), 4.0, color(node.kind));
        let words = node_words(context, node, chinese);
        let button = egui::Button::new(RichText::new(&words).color(theme::TEXT))
            .frame(false)
            .truncate();
        ui.add(button)
            .on_hover_text(format!("{}\n{words}", context.word(kind_key(node.kind))))
            .clicked()
    })
    .inner
}

/// The drawn graph; the node that was clicked.
fn picture(
    context: &UiContext<'_>,
    ui: &mut Ui,
    insight: &Insight,
    walk: &mut Walk,
    selected: Option<usize>,
    chinese: bool,
) -> Option<usize> {
    let size = vec2(ui.available_width(), HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| {
        let name = context.tr(
            "panel-graph-area",
            &[("nodes", insight.graph.nodes.len().into())],
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, name)
    });
    let reach = insight
        .places
        .iter()
        .flatten()
        .fold(1.0f32, |most, c| most.max(c.abs()));
    let fitted = (size.x.min(size.y) / 2.0 - 16.0) / reach;
    let mut scale = walk.scale.unwrap_or(fitted);
    if response.dragged() {
        let by = response.drag_delta();
        walk.middle = [walk.middle[0] - by.x / scale, walk.middle[1] - by.y / scale];
    }
    if response.double_clicked() {
        *walk = Walk {
            query: std::mem::take(&mut walk.query),
            ..Walk::default()
        };
        scale = fitted;
    } else if response.hovered() {
        let zoom = ui.input(|i| i.zoom_delta());
        if (zoom - 1.0).abs() > f32::EPSILON {
            scale = (scale * zoom).clamp(fitted * 0.5, fitted * 12.0);
            walk.scale = Some(scale);
        }
    }
    let middle = walk.middle;
    let place = |i: usize| -> Option<Pos2> {
        let at = insight.places.get(i)?;
        Some(rect.center() + vec2((at[0] - middle[0]) * scale, (at[1] - middle[1]) * scale))
    };
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 4.0, theme::APP);
    let graph = &insight.graph;
    let mut drawn_at = vec![None; graph.nodes.len()];
    for (i, number) in insight.drawn.iter().enumerate() {
        if let Some(slot) = drawn_at.get_mut(*number) {
            *slot = place(i);
        }
    }
    let at = |n: usize| drawn_at.get(n).copied().flatten();
    let why = selected.map(|n| graph.why(n)).unwrap_or_default();
    for (number, edge) in graph.edges.iter().enumerate() {
        let (Some(a), Some(b)) = (at(edge.from), at(edge.to)) else {
            continue;
        };
        let touches = selected.is_some_and(|n| edge.from == n || edge.to == n);
        let stroke = match (why.contains(&number), touches) {
            (true, _) => Stroke::new(2.0, theme::ACCENT),
            (_, true) => Stroke::new(1.0, theme::TEXT_FAINT),
            _ => Stroke::new(1.0, theme::CONTROL),
        };
        painter.line_segment([a, b], stroke);
    }
    nodes(&painter, rect, graph, &insight.drawn, &drawn_at, selected);
    names(
        context,
        &painter,
        rect,
        graph,
        &insight.drawn,
        &drawn_at,
        selected,
        chinese,
    );
    let near = |pointer: Pos2| {
        insight
            .drawn
            .iter()
            .filter_map(|n| Some((*n, at(*n)?.distance(pointer))))
            .filter(|(_, distance)| *distance < 14.0)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(n, _)| n)
    };
    let clicked = response
        .clicked()
        .then(|| response.interact_pointer_pos().and_then(near))
        .flatten();
    let under = response.hover_pos().and_then(near);
    if let Some(node) = under.and_then(|n| graph.nodes.get(n)) {
        let words = node_words(context, node, chinese);
        response
            .on_hover_text_at_pointer(format!("{}\n{words}", context.word(kind_key(node.kind))));
    }
    clicked
}

fn nodes(
    painter: &egui::Painter,
    rect: Rect,
    graph: &Graph,
    drawn: &[usize],
    drawn_at: &[Option<Pos2>],
    selected: Option<usize>,
) {
    for number in drawn {
        let (Some(node), Some(Some(centre))) = (graph.nodes.get(*number), drawn_at.get(*number))
        else {
            continue;
        };
        if !rect.expand(8.0).contains(*centre) {
            continue;
        }
        let radius = if node.kind == NodeKind::Patient {
            7.0
        } else {
            4.5
        };
        // Denied and doubtful findings are rings: nothing that was denied looks like a fact.
        let hollow = !matches!(node.assertion, Assertion::Present);
        if hollow {
            painter.circle_filled(*centre, radius, theme::APP);
            painter.circle_stroke(*centre, radius, Stroke::new(1.5, color(node.kind)));
        } else {
            painter.circle_filled(*centre, radius, color(node.kind));
        }
        if selected == Some(*number) {
            painter.circle_stroke(*centre, radius + 4.0, Stroke::new(2.0, theme::TEXT));
        }
    }
}

/// Names beside nodes, the selected one and its neighbours first, as long as none lies on another.
fn names(
    context: &UiContext<'_>,
    painter: &egui::Painter,
    rect: Rect,
    graph: &Graph,
    drawn: &[usize],
    drawn_at: &[Option<Pos2>],
    selected: Option<usize>,
    chinese: bool,
) {
    let near = selected.map(|n| graph.neighbours(n)).unwrap_or_default();
    let mut order: Vec<usize> = drawn.to_vec();
    order.sort_by_key(|n| (selected != Some(*n), !near.contains(n), *n));
    let mut taken: Vec<Rect> = Vec::new();
    for number in order {
        if taken.len() >= MOST_NAMES {
            break;
        }
        let (Some(node), Some(Some(centre))) = (graph.nodes.get(number), drawn_at.get(number))
        else {
            continue;
        };
        let mut words = node_words(context, node, chinese);
        if words.chars().count() > 24 {
            words = words.chars().take(23).chain(['…']).collect();
        }
        let lit = selected == Some(number) || near.contains(&number);
        let ink = if lit { theme::TEXT } else { theme::TEXT_DIM };
        let galley = painter.layout_no_wrap(words, FontId::proportional(theme::SMALL_PT), ink);
        // To the right, else to the left: on no other name and on no node.
        let right = *centre + vec2(9.0, 0.0);
        let left = *centre - vec2(9.0, 0.0);
        let free = |place: &Rect| {
            let dots = drawn_at.iter().flatten();
            rect.contains_rect(*place)
                && taken.iter().all(|t| !t.intersects(*place))
                && (lit
                    || dots
                        .into_iter()
                        .all(|dot| !place.expand(3.0).contains(*dot)))
        };
        let place = [(Align2::LEFT_CENTER, right), (Align2::RIGHT_CENTER, left)]
            .map(|(align, at)| align.anchor_size(at, galley.size()))
            .into_iter()
            .find(free);
        if let Some(place) = place {
            painter.galley(place.min, galley, ink);
            taken.push(place.expand(1.0));
        }
    }
}

/// What a node is.
fn title(context: &UiContext<'_>, ui: &mut Ui, node: &Node, chinese: bool) {
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        widgets::tag(ui, context.word(kind_key(node.kind)), color(node.kind));
        ui.label(
            RichText::new(node_words(context, node, chinese))
                .strong()
                .color(theme::TEXT),
        );
    });
}

/// A button to where a finding is seen, with what links it; a sentence where nothing does.
fn place_ui(context: &mut UiContext<'_>, ui: &mut Ui, place: Option<&FindingPlace>) {
    let Some(place) = place else {
        ui.add(
            Label::new(
                RichText::new(context.word("panel-graph-no-place"))
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            )
            .wrap(),
        );
        return;
    };
    let why = match place.link {
        Link::Mark => "panel-graph-by-mark",
        Link::Reference => "panel-graph-by-reference",
        Link::KeyImage => "panel-graph-by-key-image",
        Link::Mask => "panel-graph-by-mask",
    };
    if ui.button(context.word("panel-graph-see")).clicked() {
        let place = Box::new(place.clone());
        context.actions.push(Action::SeeFinding(place));
    }
    ui.add(
        Label::new(
            RichText::new(context.word(why))
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        )
        .wrap(),
    );
}

/// Why a node is shown, and what it hangs together with; the one that was chosen next.
fn details(
    context: &UiContext<'_>,
    ui: &mut Ui,
    graph: &Graph,
    number: usize,
    chinese: bool,
) -> Option<usize> {
    let why = graph.why(number);
    if !why.is_empty() {
        widgets::section(ui, context.word("panel-graph-why"), None);
        for edge in why.iter().filter_map(|e| graph.edges.get(*e)) {
            let name = |n: usize| {
                graph
                    .nodes
                    .get(n)
                    .map(|n| n.words.get(chinese))
                    .unwrap_or_default()
            };
            let text = format!(
                "{} · {} · {}",
                name(edge.from),
                context.word(edge_key(edge.kind)),
                name(edge.to)
            );
            ui.add(Label::new(RichText::new(text).color(theme::TEXT)).wrap());
            let date = edge.origin.date.map(|d| d.to_string()).unwrap_or_default();
            let from = format!("{date} {} {}", edge.origin.kind, edge.origin.words);
            ui.add(
                Label::new(
                    RichText::new(from.trim())
                        .size(theme::SMALL_PT)
                        .color(theme::TEXT_DIM),
                )
                .wrap(),
            );
        }
    }
    let near = graph.neighbours(number);
    widgets::section(ui, context.word("panel-graph-neighbours"), Some(near.len()));
    let mut chosen = None;
    for other in near.iter().take(60) {
        if let Some(node) = graph.nodes.get(*other)
            && row(context, ui, node, chinese)
        {
            chosen = Some(*other);
        }
    }
    chosen
}
