//! `negatoscope record mapping`: what the columns of a table mean, drawn up as the window does it, with what is wrong.

use crate::{
    cli::{Common, Exit, Output},
    clinical::{
        FhirError, Hints,
        fhir::MAX_BYTES,
        table::{Checked, check_table, fault_sentence},
        table_draft::{Draft, Look, ROLES, decoded, look},
    },
    files::write_whole,
};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `record mapping`.
#[derive(Debug, Args)]
pub struct MappingArgs {
    /// A table with a header, separated by comma, semicolon, tab or bar
    #[arg(value_name = "TABLE")]
    pub table: PathBuf,
    /// Meaning of a column: a role of a long table, `measure` for a column of a wide one, `-` for none
    #[arg(long = "column", value_name = "NAME=ROLE")]
    pub columns: Vec<String>,
    /// LOINC code of a column that is a measure
    #[arg(long = "loinc", value_name = "NAME=CODE")]
    pub loincs: Vec<String>,
    /// UCUM unit of a column that is a measure
    #[arg(long = "unit", value_name = "NAME=UNIT")]
    pub units: Vec<String>,
    /// Write the mapping here; over nothing that exists
    #[arg(long, value_name = "FILE.toml")]
    pub out: Option<PathBuf>,
    /// Hold the table against this mapping instead of drawing one up
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["columns", "loincs", "units", "out"])]
    pub check: Option<PathBuf>,
}

/// Whose the rows are taken to be where no column says it: checking does not need to know.
const SOMEBODY: &str = "somebody";

/// Runs `record mapping`: exit code 1 while units are to be said or rows have faults.
pub fn run(args: &MappingArgs, common: &Common, out: &mut Output) -> Exit {
    let text = match read(&args.table) {
        Ok(text) => text,
        Err(exit) => {
            out.error(format!(
                "the table cannot be read: {}",
                args.table.display()
            ));
            return exit;
        }
    };
    if let Some(file) = &args.check {
        return match std::fs::read_to_string(file) {
            Ok(mapping) => match check(&text, &mapping) {
                Ok(checked) => {
                    print_checked(&checked, None, common, out);
                    exit_of(&checked, false)
                }
                Err(error) => refused(&error, out),
            },
            Err(error) => {
                out.error(format!("the mapping file: {}", error.kind()));
                Exit::Io
            }
        };
    }
    let look = match look(&text) {
        Ok(look) if look.header.len() > 1 => look,
        Ok(_) => {
            out.error("this is no table: it has fewer than two columns");
            return Exit::Rejected;
        }
        Err(error) => {
            out.error(error.to_string());
            return Exit::Rejected;
        }
    };
    let mut draft = Draft::guess(&look);
    if let Err(wrong) = change(&mut draft, &look, args) {
        out.error(wrong);
        return Exit::Usage;
    }
    let mapping = draft.text(&look);
    let checked = match check(&text, &mapping) {
        Ok(checked) => checked,
        Err(error) => return refused(&error, out),
    };
    let open = draft.unready();
    print_draft(&draft, &look, &mapping, common, out);
    print_checked(&checked, Some(&look), common, out);
    if let Some(path) = &args.out {
        if !open.is_empty() {
            out.error("not written: units are to be said with --unit");
            return Exit::Finding;
        }
        if path.exists() {
            out.error(format!("exists already: {}", path.display()));
            return Exit::Usage;
        }
        if let Err(error) = write_whole(path, mapping.as_bytes()) {
            out.error(format!("{}: {}", path.display(), error.kind()));
            return Exit::Io;
        }
    }
    exit_of(&checked, !open.is_empty())
}

fn read(path: &Path) -> Result<String, Exit> {
    let size = std::fs::metadata(path).map_err(|_| Exit::Io)?.len();
    if size > MAX_BYTES as u64 {
        return Err(Exit::Limit);
    }
    let bytes = std::fs::read(path).map_err(|_| Exit::Io)?;
    Ok(decoded(&bytes))
}

fn check(text: &str, mapping: &str) -> Result<Checked, FhirError> {
    let hints = Hints {
        patient: None,
        mapping: Some(mapping),
    };
    match check_table(text, &hints) {
        Err(FhirError::NoPatient) => check_table(
            text,
            &Hints {
                patient: Some(SOMEBODY),
                ..hints
            },
        ),
        other => other,
    }
}

fn refused(error: &FhirError, out: &mut Output) -> Exit {
    out.error(error.to_string());
    Exit::Rejected
}

fn exit_of(checked: &Checked, open: bool) -> Exit {
    match open || !checked.fault_counts.is_empty() {
        true => Exit::Finding,
        false => Exit::Done,
    }
}

/// Carries out what was said of columns.
fn change(draft: &mut Draft, look: &Look, args: &MappingArgs) -> Result<(), String> {
    let column = |pair: &str| -> Result<(usize, String), String> {
        let (name, value) = pair
            .rsplit_once('=')
            .ok_or_else(|| format!("NAME=… is expected: {pair}"))?;
        let mut names = look.header.iter();
        let column = names.position(|known| known.trim() == name.trim());
        let column = column.ok_or_else(|| format!("no column has this name: {name}"))?;
        Ok((column, value.trim().to_owned()))
    };
    for pair in &args.columns {
        let (column, role) = column(pair)?;
        let role = match role.as_str() {
            "-" => None,
            role if ROLES.contains(&role) => Some(role),
            role => {
                let known = ROLES.join(", ");
                return Err(format!("no role of a column: {role}; there are {known}"));
            }
        };
        draft.set_role(look, column, role);
    }
    let is_measure = |draft: &Draft, column: usize| match draft.measures.contains_key(&column) {
        true => Ok(()),
        false => {
            let name = look.header.get(column).map_or("", |name| name.trim());
            Err(format!(
                "the column is no measure: {name}; say --column '{name}=measure' first"
            ))
        }
    };
    for pair in &args.loincs {
        let (column, loinc) = column(pair)?;
        is_measure(draft, column)?;
        draft.set_loinc(look, column, &loinc);
    }
    for pair in &args.units {
        let (column, unit) = column(pair)?;
        is_measure(draft, column)?;
        if let Some(measure) = draft.measures.get_mut(&column) {
            measure.set_unit(&unit);
            if !measure.is_ready() {
                let code = &measure.loinc;
                return Err(format!(
                    "{unit} is no unit of UCUM in which {code} is given"
                ));
            }
        }
    }
    Ok(())
}

fn print_draft(draft: &Draft, look: &Look, mapping: &str, common: &Common, out: &mut Output) {
    let name = |column: usize| look.header.get(column).map_or("", |name| name.trim());
    if common.json {
        let columns: Vec<Value> = draft
            .roles
            .iter()
            .enumerate()
            .map(|(column, role)| {
                let measure = draft.measures.get(&column).map(|measure| {
                    json!({
                        "loinc": measure.loinc,
                        "display": measure.display,
                        "unit": measure.unit,
                        "unit_from": measure.from.word(),
                        "units": measure.units(),
                        "ready": measure.is_ready(),
                    })
                });
                json!({"column": column + 1, "name": name(column), "role": role, "measure": measure})
            })
            .collect();
        out.json(&json!({
            "resource": draft.resource,
            "separator": look.separator.to_string(),
            "columns": columns,
            "mapping": mapping,
        }));
        return;
    }
    for line in mapping.lines() {
        out.line(line);
    }
    for column in draft.unready() {
        let units = draft.measures.get(&column).map(|measure| measure.units());
        let units = units.unwrap_or_default().join(", ");
        let text = format!(
            "the unit of a column is not known: --unit '{}=…'",
            name(column)
        );
        out.note(match units.is_empty() {
            true => text,
            false => format!("{text}, one of {units}"),
        });
    }
}

fn print_checked(checked: &Checked, look: Option<&Look>, common: &Common, out: &mut Output) {
    if common.json {
        for fault in &checked.faults {
            out.json(&json!({
                "row": fault.row,
                "column": (fault.column > 0).then_some(fault.column),
                "code": fault.code,
                "detail": fault_sentence(fault.code),
            }));
        }
        out.json(&json!({"summary": {
            "rows": checked.rows,
            "facts": checked.facts,
            "rows_without_facts": checked.empty,
            "repeated": checked.twice,
            "faults": checked.fault_counts,
            "columns_not_read": checked.unread,
        }}));
        return;
    }
    for fault in &checked.faults {
        let column = fault.column.checked_sub(1);
        let name = look.and_then(|look| look.header.get(column?));
        let place = match (column, name) {
            (None, _) => String::new(),
            (Some(_), Some(name)) => format!(", {}", name.trim()),
            (Some(column), None) => format!(", column {}", column + 1),
        };
        let sentence = fault_sentence(fault.code);
        out.note(format!("row {}{place}: {sentence}", fault.row));
    }
    out.note(format!(
        "{} rows give {} facts; {} give nothing, {} facts repeat another",
        checked.rows, checked.facts, checked.empty, checked.twice
    ));
}
