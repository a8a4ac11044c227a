//! `negatoscope record calc course`: the course of the lesions that were marked on studies.

use crate::{
    cli::{Common, Exit, Output, series::instances},
    clinical::advice::{
        course::{Course, Fault, LesionMark, Role, course, diameters_mm},
        response,
    },
    model::{annotation::MarkKind, date::Date},
};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read as _,
    path::PathBuf,
};

/// Bytes of a file of marks that are read.
const LONGEST: u64 = 256 << 20;

/// Arguments of `record calc course`.
#[derive(Debug, Args)]
pub struct CourseArgs {
    /// Marks with their numbers, as the window and `annotations` write them (JSON)
    #[arg(value_name = "MARKS.json")]
    pub marks: PathBuf,
    /// The studies that they were drawn on: their days are read from there
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Marks {
    marks: Vec<Mark>,
}

/// What counts of a mark; the rest of the file is for others.
#[derive(Deserialize)]
struct Mark {
    study_instance_uid: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    quantities: BTreeMap<String, Number>,
}

#[derive(Deserialize)]
struct Number {
    value: Option<f64>,
    #[serde(default)]
    unit: String,
}

/// Runs `record calc course`.
pub fn run(args: &CourseArgs, common: &Common, out: &mut Output) -> Exit {
    let mut text = Vec::new();
    let read = File::open(&args.marks).and_then(|f| f.take(LONGEST + 1).read_to_end(&mut text));
    if let Err(error) = read {
        out.error(format!("{}: {}", error.kind(), args.marks.display()));
        return Exit::Io;
    }
    if text.len() as u64 > LONGEST {
        out.error(format!("too long: {}", args.marks.display()));
        return Exit::Limit;
    }
    let file: Marks = match serde_json::from_slice(&text) {
        Ok(file) => file,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            out.error(format!("no list of marks, line {line}, column {column}"));
            return Exit::Rejected;
        }
    };
    let (objects, _) = instances(&args.paths, common);
    let days: HashMap<&str, Option<Date>> = objects
        .iter()
        .map(|object| (object.study.uid.as_str(), object.study.date))
        .collect();
    // Two people in one sum would be nobody's.
    let wanted = |mark: &&Mark| Role::of_group(&mark.group).is_some();
    let mut people: Vec<&str> = objects
        .iter()
        .filter(|o| {
            let mut marks = file.marks.iter().filter(wanted);
            marks.any(|m| m.study_instance_uid == o.study.uid)
        })
        .map(|o| o.patient.id.reveal().as_str())
        .collect();
    people.sort_unstable();
    people.dedup();
    if people.len() > 1 {
        out.error("the marks are on studies of several patients");
        return Exit::Rejected;
    }
    let marks: Vec<LesionMark> = file
        .marks
        .iter()
        .filter_map(|mark| lesion_mark(mark, &days))
        .collect();
    let found = course(&marks);
    if common.json {
        out.json(&course_json(&found));
    } else {
        print(&found, out);
    }
    match found.faults.is_empty() {
        true => Exit::Done,
        false => Exit::Finding,
    }
}

fn lesion_mark(mark: &Mark, days: &HashMap<&str, Option<Date>>) -> Option<LesionMark> {
    let numbers = mark
        .quantities
        .iter()
        .map(|(name, number)| (name.as_str(), number.value, number.unit.as_str()));
    Some(LesionMark {
        date: days
            .get(mark.study_instance_uid.as_str())
            .copied()
            .flatten(),
        lesion: mark.label.clone(),
        role: Role::of_group(&mark.group)?,
        kind: MarkKind::named(&mark.kind)?,
        diameters_mm: diameters_mm(numbers),
    })
}

fn fault_text(fault: &Fault) -> String {
    match fault {
        Fault::NoDate(count) => format!("{count} marks on studies without a known day"),
        Fault::NoName(count) => format!("{count} marks without a label"),
        Fault::NotMeasured(name, date) => format!("{name}: no diameter in mm on {date}"),
        Fault::TooManyTargets(count) => format!("{count} targets, five at most count"),
        Fault::NotAtBaseline(name) => format!("{name}: not marked at baseline"),
    }
}

const fn fault_code(fault: &Fault) -> &'static str {
    match fault {
        Fault::NoDate(_) => "NO_DATE",
        Fault::NoName(_) => "NO_NAME",
        Fault::NotMeasured(..) => "NOT_MEASURED",
        Fault::TooManyTargets(_) => "TOO_MANY_TARGETS",
        Fault::NotAtBaseline(_) => "NOT_AT_BASELINE",
    }
}

fn course_json(course: &Course) -> Value {
    json!({
        "source": response::SOURCE,
        "dates": course.dates.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "lesions": course.lesions.iter().map(|l| json!({
            "name": l.name, "role": l.role.group(), "sizes_mm": l.sizes_mm,
            "doubling_days": l.doubling_days,
        })).collect::<Vec<_>>(),
        "baseline_mm": course.baseline_mm,
        "assessments": course.assessments.iter().map(|a| json!({
            "sum_mm": a.sum_mm, "from_baseline_percent": a.from_baseline,
            "from_nadir_percent": a.from_nadir, "targets": a.targets.code(),
            "overall": a.overall.code(),
        })).collect::<Vec<_>>(),
        "findings": course.faults.iter().map(|f| json!({
            "code": fault_code(f), "detail": fault_text(f),
        })).collect::<Vec<_>>(),
    })
}

fn print(course: &Course, out: &mut Output) {
    let dates: Vec<String> = course.dates.iter().map(ToString::to_string).collect();
    out.line(format!("{:24} {}", "", dates.join(" ")));
    for lesion in &course.lesions {
        let sizes = lesion.sizes_mm.iter().map(|size| match size {
            Some(mm) => format!("{mm:10.1}"),
            None => format!("{:>10}", "-"),
        });
        out.line(format!(
            "{:24} {}",
            lesion.name,
            sizes.collect::<Vec<_>>().join(" ")
        ));
        if lesion.doubling_days.iter().any(Option::is_some) {
            let days = lesion.doubling_days.iter().map(|days| match days {
                Some(days) => format!("{days:8.0} d"),
                None => " ".repeat(10),
            });
            let days = days.collect::<Vec<_>>().join(" ");
            out.line(format!("{:24} {days}", "  doubling time").trim_end());
        }
    }
    if !course.assessments.is_empty() {
        let mut sums = vec![format!("{:10.1}", course.baseline_mm)];
        sums.extend(
            course
                .assessments
                .iter()
                .map(|a| format!("{:10.1}", a.sum_mm)),
        );
        out.line(format!("{:24} {}", "sum, mm", sums.join(" ")));
        let mut said = vec![format!("{:>10}", "baseline")];
        let codes = course.assessments.iter().map(|a| a.overall.code());
        said.extend(codes.map(|code| format!("{code:>10}")));
        out.line(format!(
            "{:24} {}",
            response::SOURCE.split(',').next().unwrap_or_default(),
            said.join(" ")
        ));
    }
    for fault in &course.faults {
        out.note(format!("{}: {}", fault_code(fault), fault_text(fault)));
    }
}
