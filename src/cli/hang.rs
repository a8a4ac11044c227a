//! `hang`: which protocol hangs a study, what stands in which cell stage by stage, and which prior is beside it and why.

use super::{Common, Exit, Output, inspect::exit_of, series::instances};
use crate::{
    model::study::Rejection,
    workspace::{
        hanging::{
            built_in::built_in,
            item::StudyItems,
            matching::{self, Hung},
            priors::{self, Ranked},
            protocol::{MOST_BYTES, Protocol, Show},
            words::Sequence,
        },
        library::{Library, PatientNode, StudyNode},
    },
};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `hang`.
#[derive(Debug, Args)]
pub struct HangArgs {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Hang by this protocol: the short name of a built-in one, or a file
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub protocol: Option<String>,
    /// Only the study with this Study Instance UID
    #[arg(long, value_name = "UID")]
    pub study: Option<String>,
}

/// Runs `hang`.
pub fn run(args: &HangArgs, common: &Common, out: &mut Output) -> Exit {
    let chosen = match args.protocol.as_deref().map(protocol).transpose() {
        Ok(chosen) => chosen,
        Err((exit, message)) => {
            out.error(message);
            return exit;
        }
    };
    let (library, rejection) = read(args, common);
    let mut values = Vec::new();
    for patient in &library.patients {
        for study in &patient.studies {
            let wanted = args
                .study
                .as_ref()
                .is_none_or(|uid| *uid == study.description.uid);
            if wanted && !study.series.is_empty() {
                values.push(describe(patient, study, chosen.as_ref(), common));
            }
        }
    }
    if values.is_empty() {
        return match rejection {
            Some(r) if library.patients.is_empty() => {
                out.error(format!("[{}] {}: {}", r.code, r.detail, r.path.display()));
                exit_of(r.outcome)
            }
            _ => {
                out.error("no study with pictures");
                Exit::Usage
            }
        };
    }
    if common.json {
        out.json(&json!({ "studies": values }));
    } else {
        for value in &values {
            print(value, out);
        }
    }
    Exit::Done
}

fn protocol(name: &str) -> Result<Protocol, (Exit, String)> {
    if let Some(found) = built_in().iter().find(|p| p.id == name) {
        return Ok(found.clone());
    }
    let path = PathBuf::from(name);
    if path.extension().is_none_or(|e| e != "toml") {
        let names: Vec<&str> = built_in().iter().map(|p| p.id.as_str()).collect();
        let text = format!("no such protocol; there are {}", names.join(", "));
        return Err((Exit::Usage, text));
    }
    let size = std::fs::metadata(&path).map(|m| m.len());
    let text = match size {
        Ok(size) if size > MOST_BYTES as u64 => {
            let text = format!("a protocol has at most {MOST_BYTES} bytes");
            return Err((Exit::Limit, text));
        }
        Ok(_) => std::fs::read_to_string(&path),
        Err(error) => Err(error),
    };
    let text = text.map_err(|e| (Exit::Io, format!("the protocol cannot be read: {e}")))?;
    let id = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut protocol = Protocol::parse(&id, &text).map_err(|e| (Exit::Rejected, e.to_string()))?;
    protocol.own = true;
    Ok(protocol)
}

fn read(args: &HangArgs, common: &Common) -> (Library, Option<Rejection>) {
    let (instances, rejected) = instances(&args.paths, common);
    let first = rejected.first().cloned();
    (Library::build(&instances, rejected), first)
}

/// What hangs a study, without identity: dates and descriptions are shown with `--show-phi`.
fn describe(
    patient: &PatientNode,
    study: &StudyNode,
    chosen: Option<&Protocol>,
    common: &Common,
) -> Value {
    let items = StudyItems::of_node(study);
    let others: Vec<StudyItems> = patient
        .studies
        .iter()
        .filter(|s| s.description.uid != study.description.uid)
        .map(StudyItems::of_node)
        .collect();
    let ranked = priors::rank(&items, &others);
    let protocol = chosen.or_else(|| matching::choose(built_in(), &items, &ranked));
    let stages: Vec<Value> = protocol
        .map(|protocol| {
            (0..protocol.stages.len())
                .filter_map(|n| matching::hang(protocol, n, &items, &ranked))
                .map(|hung| stage(protocol, &hung, patient, common))
                .collect()
        })
        .unwrap_or_default();
    let mut value = json!({
        "study_uid": study.description.uid,
        "modality": items.modality(),
        "protocol": protocol.map(|p| p.id.as_str()),
        "stages": stages,
        "priors": ranked.iter().map(|r| prior(r, common)).collect::<Vec<_>>(),
    });
    if common.show_phi
        && let Some(map) = value.as_object_mut()
    {
        let date = study.description.date.map(|d| d.to_string());
        map.insert("date".into(), json!(date));
        map.insert("description".into(), json!(study.description.description));
    }
    value
}

fn prior(ranked: &Ranked<'_>, common: &Common) -> Value {
    let mut value = json!({
        "study_uid": ranked.study.uid,
        "why": ranked.reasons(),
        "days_before": ranked.likeness.days,
        "hangs": ranked.hangable(),
    });
    if common.show_phi
        && let Some(map) = value.as_object_mut()
    {
        let date = ranked.study.date.map(|d| d.to_string());
        map.insert("date".into(), json!(date));
    }
    value
}

fn stage(protocol: &Protocol, hung: &Hung<'_>, patient: &PatientNode, common: &Common) -> Value {
    let rule = protocol.stages.get(hung.stage);
    let cells = hung.cells.iter().enumerate().map(|(n, cell)| {
        let Some(cell) = cell else {
            return json!({ "cell": n + 1, "series_uid": null });
        };
        let item = cell.item;
        let mut value = json!({
            "cell": n + 1,
            "series_uid": item.series_uid,
            "image": cell.image + 1,
            "modality": item.modality,
            "view": (!item.view.is_empty()).then_some(item.view),
            "side": item.side.map(|s| format!("{s:?}")),
            "sequence": item.sequence.map(Sequence::word),
            "plane": item.plane.map(|p| p.word()),
            "prior": cell.prior,
            "show": match cell.show {
                Show::Stack => "stack",
                Show::Axial => "axial",
                Show::Coronal => "coronal",
                Show::Sagittal => "sagittal",
                Show::Volume => "volume",
            },
            "window": (!cell.window.is_empty()).then_some(&cell.window),
            "by_rule": !cell.filled,
        });
        if common.show_phi
            && let Some(map) = value.as_object_mut()
        {
            let mut series = patient.studies.iter().flat_map(|s| &s.series);
            let node = series.find(|s| s.key == item.series);
            let text = node.map(|s| s.description.description.clone());
            map.insert("description".into(), json!(text));
        }
        value
    });
    json!({
        "stage": hung.stage + 1,
        "name": rule.map(|s| s.name.as_str()),
        "layout": hung.layout.word(),
        "link": rule.map(|s| s.link.iter().map(|l| format!("{l:?}").to_lowercase()).collect::<Vec<_>>()),
        "prior_study_uid": hung.prior.map(|p| p.uid.as_str()),
        "cells": cells.collect::<Vec<_>>(),
    })
}

/// The same for people.
fn print(value: &Value, out: &mut Output) {
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let get = |v: &Value, key: &str| v.get(key).cloned().unwrap_or_default();
    out.line(format!(
        "{}  {}  protocol {}",
        text(&get(value, "study_uid")),
        text(&get(value, "modality")),
        text(&get(value, "protocol")),
    ));
    for stage in list(&get(value, "stages")) {
        out.line(format!(
            "  stage {} {}  {}",
            get(&stage, "stage"),
            text(&get(&stage, "name")),
            text(&get(&stage, "layout")),
        ));
        for cell in list(&get(&stage, "cells")) {
            let prior = if get(&cell, "prior") == json!(true) {
                "  prior"
            } else {
                ""
            };
            out.line(format!(
                "    {}  {}  image {}{prior}",
                get(&cell, "cell"),
                text(&get(&cell, "series_uid")),
                get(&cell, "image"),
            ));
        }
    }
    for prior in list(&get(value, "priors")) {
        let why: Vec<String> = list(&get(&prior, "why")).iter().map(text).collect();
        out.line(format!(
            "  prior {}  {} days before  {}",
            text(&get(&prior, "study_uid")),
            get(&prior, "days_before"),
            why.join(", "),
        ));
    }
}
