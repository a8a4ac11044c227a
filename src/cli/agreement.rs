//! `negatoscope agreement`: how well readers agree, in a store, in a table, or in masks. docs/agreement.md.

use super::{Common, Exit, Output, annotations::series, evaluate::grid::Grid, store as store_cli};
use crate::{
    imaging::metrics::agreement::Weights,
    workspace::{
        agreement::{Agreement, DiceMatrix, Ratings, dice, dice_of_segments, ratings},
        label_sets::{Wanted, gather, read_text, table},
    },
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, path::PathBuf};

/// Arguments of `agreement`.
#[derive(Debug, Args)]
pub struct AgreementArgs {
    /// Images that were labelled, for Dice of outlines (default: where the store knows them to lie)
    paths: Vec<PathBuf>,
    /// Only this study
    #[arg(long, value_name = "UID", conflicts_with_all = ["table", "masks"])]
    study: Option<String>,
    /// A table in the place of a store: a column a reader, a row a thing, whole numbers; empty where nobody looked
    #[arg(long, value_name = "FILE.csv", conflicts_with = "masks")]
    table: Option<PathBuf>,
    /// Masks of the same thing, one for each reader, in the place of a store: their Dice matrix
    #[arg(long, value_name = "FILE", num_args = 2..)]
    masks: Vec<PathBuf>,
}

/// Runs `agreement`.
pub fn run(args: &AgreementArgs, common: &Common, out: &mut Output) -> Exit {
    if !args.masks.is_empty() {
        return masks(args, common, out);
    }
    if let Some(path) = &args.table {
        let read = read_text(path).and_then(|text| table::ratings(&text));
        return match read {
            Ok(rated) => {
                let readers = rated.readers.clone();
                tell(&[rated], &readers, [Vec::new(), Vec::new()], common, out);
                Exit::Done
            }
            Err(error) => {
                out.error(format!("{error}: {}", path.display()));
                Exit::Rejected
            }
        };
    }
    let store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    let kept = store.kept();
    let rated = ratings(kept, args.study.as_deref());
    let marks = kept.marks.iter().map(|m| m.target.study_uid.clone());
    let studies: BTreeSet<String> = marks
        .filter(|uid| args.study.as_ref().is_none_or(|study| study == uid))
        .collect();
    let layouts = series(&args.paths, Some(&store), &studies, common);
    let wanted = Wanted {
        study: args.study.clone(),
        ..Wanted::default()
    };
    let (gathered, _) = gather(kept, &layouts, &wanted);
    let outlined = dice(kept, &gathered);
    let painted = dice_of_segments(kept, args.study.as_deref());
    let names: BTreeSet<String> = rated
        .iter()
        .flat_map(|r| &r.readers)
        .chain(outlined.iter().chain(&painted).flat_map(|m| &m.readers))
        .cloned()
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    let matrices = [(outlined, "pictures"), (painted, "series")].map(|(all, over)| {
        all.into_iter()
            .filter(|m| m.readers.len() > 1)
            .map(|m| matrix_json(&m, over, &names, common))
            .collect()
    });
    tell(&rated, &names, matrices, common, out);
    Exit::Done
}

fn matrix_json(matrix: &DiceMatrix, over: &str, names: &[String], common: &Common) -> Value {
    let mut value = Map::new();
    value.insert("class".into(), json!(matrix.class));
    let readers = said(&matrix.readers, names, common);
    value.insert("readers".into(), json!(readers));
    value.insert("dice".into(), json!(matrix.matrix));
    value.insert(over.into(), json!(matrix.pictures));
    value.into()
}

/// Readers as they are printed: accounts are names of people.
fn said(readers: &[String], all: &[String], common: &Common) -> Vec<String> {
    readers
        .iter()
        .map(|reader| {
            let number = all.iter().position(|known| known == reader).unwrap_or(0) + 1;
            match (common.show_phi, reader.is_empty()) {
                (true, false) => reader.clone(),
                (true, true) => "owner".to_owned(),
                (false, _) => format!("reader {number}"),
            }
        })
        .collect()
}

fn tell(
    rated: &[Ratings],
    all: &[String],
    [outlines, segments]: [Vec<Value>; 2],
    common: &Common,
    out: &mut Output,
) {
    let found: Vec<(Vec<String>, Agreement)> = rated
        .iter()
        .map(|r| (said(&r.readers, all, common), r.agreement()))
        .collect();
    if common.json {
        let ratings: Vec<Value> = rated
            .iter()
            .zip(&found)
            .map(|(rated, (readers, agreement))| rating_json(rated, readers, agreement))
            .collect();
        return out.json(&json!({"ratings": ratings, "outlines": outlines, "segments": segments}));
    }
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    for (rated, (readers, agreement)) in rated.iter().zip(&found) {
        let kind = if rated.graded { "score" } else { "tag" };
        out.line(format!("{kind} {}", rated.name));
        for pair in &agreement.pairs {
            let [a, b] = pair
                .readers
                .map(|at| readers.get(at).map_or("", String::as_str));
            let kappa: Vec<String> = Weights::ALL
                .iter()
                .zip(pair.kappa)
                .map(|(weights, kappa)| format!("{} {}", weights.name(), number(kappa)))
                .collect();
            out.line(format!(
                "  {a} and {b}: {} things, the same {}, kappa {}",
                pair.things,
                number(pair.same),
                kappa.join(", "),
            ));
        }
        let icc = match rated.graded {
            true => format!(", ICC(2,1) {}", number(agreement.icc)),
            false => String::new(),
        };
        out.line(format!(
            "  all: {} things, Fleiss' kappa {}{icc}",
            agreement.complete,
            number(agreement.fleiss),
        ));
    }
    for (kind, matrices) in [("outlines", &outlines), ("segments", &segments)] {
        for matrix in matrices {
            out.line(format!("{kind} {matrix}"));
        }
    }
    if rated.is_empty() && outlines.is_empty() && segments.is_empty() {
        out.note("no two readers labelled the same thing");
    }
}

fn rating_json(rated: &Ratings, readers: &[String], agreement: &Agreement) -> Value {
    let pairs: Vec<Value> = agreement
        .pairs
        .iter()
        .map(|pair| {
            let mut value = Map::new();
            let names = pair
                .readers
                .map(|at| readers.get(at).cloned().unwrap_or_default());
            value.insert("readers".into(), json!(names));
            value.insert("things".into(), pair.things.into());
            value.insert("same".into(), json!(pair.same));
            for (weights, kappa) in Weights::ALL.iter().zip(pair.kappa) {
                value.insert(format!("kappa_{}", weights.name()), json!(kappa));
            }
            value.into()
        })
        .collect();
    json!({
        "name": rated.name,
        "kind": if rated.graded { "score" } else { "tag" },
        "readers": readers,
        "pairs": pairs,
        "complete": agreement.complete,
        "fleiss": agreement.fleiss,
        "icc": agreement.icc,
    })
}

/// Dice of every two masks.
fn masks(args: &AgreementArgs, common: &Common, out: &mut Output) -> Exit {
    let mut grids: Vec<Grid> = Vec::new();
    for path in &args.masks {
        let grid = Grid::read(path, None, common).and_then(|grid| {
            let first = grids.first();
            first
                .map_or(Ok(()), |first| grid.fits(first))
                .map(|()| grid)
        });
        match grid {
            Ok(grid) => grids.push(grid),
            Err((exit, why)) => {
                out.error(why);
                return exit;
            }
        }
    }
    let masks: Vec<Vec<bool>> = grids.iter().map(|grid| grid.mask(None)).collect();
    let matrix: Vec<Vec<f64>> = masks
        .iter()
        .map(|a| {
            let dice = |b: &Vec<bool>| {
                crate::imaging::metrics::Confusion::of(a, b).map_or(f64::NAN, |c| c.dice())
            };
            masks.iter().map(dice).collect()
        })
        .collect();
    if common.json {
        let files: Vec<String> = args
            .masks
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        out.json(&json!({"files": files, "dice": matrix}));
        return Exit::Done;
    }
    for (path, row) in args.masks.iter().zip(&matrix) {
        let row: Vec<String> = row.iter().map(|d| format!("{d:.4}")).collect();
        out.line(format!("{}  {}", row.join("  "), path.display()));
    }
    Exit::Done
}
