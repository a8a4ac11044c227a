//! What is on the screen, as JSON: docs/screen.md has its members.

use crate::{
    app::{Program, stage::Stage},
    workspace::{document::DocumentState, keeper::Unkept, marks::SaveState, view::ViewKind},
};
use egui::accesskit::Role;
use egui_kittest::kittest::NodeT as _;
use serde_json::{Value, json};

/// What is on the screen as JSON: the accessibility tree, and for each viewport its texts and numbers.
pub fn describe(stage: &mut Stage) -> Value {
    let size = stage.harness().ctx.content_rect().size();
    let nodes: Vec<Value> = stage
        .harness()
        .root()
        .children_recursive()
        .filter_map(|node| {
            let n = node.accesskit_node();
            let (label, value) = (n.label(), n.value());
            if label.is_none() && value.is_none() {
                return None;
            }
            let rect = node.rect();
            Some(json!({
                "role": format!("{:?}", n.role()),
                "label": label,
                "value": value,
                "disabled": n.is_disabled(),
                "rect": [rect.min.x, rect.min.y, rect.max.x, rect.max.y],
            }))
        })
        .collect();
    let texts: Vec<String> = nodes
        .iter()
        .filter(|n| n.get("role").and_then(Value::as_str) == Some(&format!("{:?}", Role::Canvas)))
        .map(|n| {
            n.get("value")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    let program = stage.program();
    let access = &program.workspace.access;
    // Behind a locked window nothing is on the screen.
    let cells = program.workspace.visible_cells();
    let viewports: Vec<Value> = cells
        .filter(|_| !access.locked)
        .enumerate()
        .map(|(at, cell)| viewport(program, cell, texts.get(at).map_or("", String::as_str)))
        .collect();
    json!({
        "size": [size.x, size.y],
        "title": program.window_title(),
        "language": program.workspace.settings.language.tag(),
        "active": program.workspace.active,
        "viewports": viewports,
        "hanging": hanging(program),
        "list": {
            "shown": program.workspace.list.shown,
            "query": if access.locked { "" } else { program.workspace.list.text.as_str() },
            "found": program.workspace.list.rows().len(),
            "studies": program.workspace.list.index().len(),
        },
        "evaluation": evaluation(program),
        "keeping": keeping(program),
        "locked": access.locked,
        "user": access.who.as_ref().map(|(name, _)| name),
        "role": program.workspace.role().name(),
        "frames_drawn": program.frames,
        "pictures_drawn": program.state.drawn,
        "repaint_causes": program.workspace.waker.causes(),
        "nodes": nodes,
    })
}

/// Which stage of which protocol hangs, and what stands beside it.
fn hanging(program: &Program) -> Value {
    let hanging = &program.workspace.hanging;
    let Some(hangs) = hanging.now.as_ref().filter(|_| !hanging.changed) else {
        return Value::Null;
    };
    json!({
        "study_uid": hangs.study,
        "protocol": hangs.protocol,
        "stage": hangs.stage + 1,
        "stages": hangs.stages,
        "prior": hangs.prior.as_ref().map(|(uid, _)| uid),
    })
}

/// The page of an evaluation; null while none was read.
fn evaluation(program: &Program) -> Value {
    let page = &program.workspace.evaluation;
    let Some(e) = page.evaluation() else {
        return Value::Null;
    };
    json!({
        "shown": page.shown,
        "cases": e.cases.len(),
        "threshold": page.threshold,
        "confusion": page.counts.map(|c| json!({
            "true_positive": c.true_positive,
            "false_positive": c.false_positive,
            "false_negative": c.false_negative,
            "true_negative": c.true_negative,
        })),
        "first": page.rows.first().and_then(|row| e.cases.get(*row)).map(|c| c.name.as_str()),
        "selected": page.selected.and_then(|s| e.cases.get(s)).map(|c| c.name.as_str()),
    })
}

/// What is kept and whether it is on the disk.
fn keeping(program: &Program) -> Value {
    let marks = &program.workspace.marks;
    let (state, reason) = match marks.state() {
        SaveState::NothingKept(Unkept::NoStore) => ("nothing-kept", None),
        SaveState::NothingKept(Unkept::InUse) => ("nothing-kept", Some("in-use")),
        SaveState::NothingKept(Unkept::Damaged) => ("nothing-kept", Some("damaged")),
        SaveState::Saved { .. } => ("saved", None),
        SaveState::Saving => ("saving", None),
        SaveState::Opening => ("opening", None),
        SaveState::NotSaved { reason } => ("not-saved", Some(reason.word())),
    };
    let (undo, redo) = marks.history.available();
    json!({
        "state": state,
        "reason": reason,
        "marks": marks.set().len(),
        "key_images": marks.key_images().len(),
        "unsaved": marks.unsaved(),
        "remembered": program.workspace.access.remembered,
        "selected": marks.selected.as_ref().map(|id| id.0.as_str()),
        "undo": undo,
        "redo": redo,
    })
}

fn viewport(program: &Program, cell: usize, text: &str) -> Value {
    let Some(viewport) = program.workspace.viewports.get(cell) else {
        return Value::Null;
    };
    let kind = match viewport.kind {
        _ if viewport.document.is_some() => "document",
        ViewKind::Stack => "stack",
        ViewKind::Plane(plane) => plane.word(),
        ViewKind::Oblique(_) => "oblique",
    };
    let node = viewport.node.as_ref();
    let level = viewport.voi().level();
    let document = viewport.document.as_ref().map(|view| {
        let items = match program.workspace.document(cell) {
            Some(DocumentState::Ready(content)) => Some(content.nodes.len()),
            _ => None,
        };
        json!({
            "sop_instance_uid": view.object.instance.sop_instance_uid,
            "object": view.object.kind().word(),
            "items": items,
            "closed": view.closed.len(),
        })
    });
    json!({
        "study_uid": node.map(|n| n.study.uid.as_str()),
        "series_uid": node.map(|n| n.description.uid.as_str()),
        "days_before": program.workspace.days_before(cell),
        "instance_uid": viewport.instance().map(|i| i.sop_instance_uid.as_str()),
        "kind": kind,
        "document": document,
        "slice": viewport.slice_index() + 1,
        "slices": viewport.slice_count(),
        "zoom": viewport.view.zoom,
        "window": level.map(|l| [l.center, l.width]),
        "inverted": viewport.inverted(),
        "mask": program.workspace.frame_key(cell).is_some_and(|k| program.workspace.masks.get(&k).is_some()),
        "findings": program.workspace.findings(cell).iter().map(|f| f.code).collect::<Vec<_>>(),
        "text": text.lines().collect::<Vec<_>>(),
    })
}
