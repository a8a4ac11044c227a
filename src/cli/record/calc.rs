//! `negatoscope record calc`: published rules for figures that are given. Needs no store.

use crate::{
    cli::{Common, Exit, Output},
    clinical::advice::{
        followup::{self, Density, MayoFacts, Nodule},
        growth, renal,
        response::{self, NonTarget, Target, TimePoint},
    },
    model::identity::Sex,
};
use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Arguments of `record calc`.
#[derive(Debug, Args)]
pub struct CalcArgs {
    /// Which rule.
    #[command(subcommand)]
    pub rule: Rule,
}

/// The rules.
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Estimated glomerular filtration rate (CKD-EPI 2021)
    Egfr(EgfrArgs),
    /// When to look at a lung nodule again (Fleischner 2017)
    Fleischner(FleischnerArgs),
    /// Probability of cancer of a solitary lung nodule (Mayo model)
    Mayo(MayoArgs),
    /// Volume doubling time from two sizes
    Doubling(DoublingArgs),
    /// Answer of tumours to treatment (RECIST 1.1)
    Recist(RecistArgs),
    /// The same, and doubling times, of the lesions that were marked on studies
    Course(super::course::CourseArgs),
}

/// A sex that the equation knows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SexArg {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Density of a nodule.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DensityArg {
    /// Solid.
    Solid,
    /// Part-solid.
    PartSolid,
    /// Ground glass alone.
    GroundGlass,
}

/// Arguments of `record calc egfr`.
#[derive(Debug, Args)]
pub struct EgfrArgs {
    /// Creatinine in serum or plasma
    #[arg(long)]
    pub creatinine: f64,
    /// mg/dL or umol/L
    #[arg(long, default_value = "mg/dL")]
    pub unit: String,
    /// Age in years
    #[arg(long)]
    pub age: u16,
    /// Sex
    #[arg(long, value_enum)]
    pub sex: SexArg,
}

/// Arguments of `record calc fleischner`.
#[derive(Debug, Args)]
pub struct FleischnerArgs {
    /// Mean diameter
    #[arg(long)]
    pub mm: f64,
    /// Density
    #[arg(long, value_enum)]
    pub density: DensityArg,
    /// Solid part of a part-solid nodule
    #[arg(long)]
    pub solid_mm: Option<f64>,
    /// Several nodules; the figures are of the most suspicious
    #[arg(long)]
    pub multiple: bool,
    /// High risk of cancer
    #[arg(long)]
    pub high_risk: bool,
    /// Cancer is known
    #[arg(long)]
    pub known_cancer: bool,
    /// Age in years
    #[arg(long)]
    pub age: u16,
}

/// Arguments of `record calc mayo`.
#[derive(Debug, Args)]
pub struct MayoArgs {
    /// Diameter
    #[arg(long)]
    pub mm: f64,
    /// Age in years
    #[arg(long)]
    pub age: f64,
    /// Smokes or smoked
    #[arg(long)]
    pub smoker: bool,
    /// A cancer outside of the chest, five years ago or longer
    #[arg(long)]
    pub cancer_before: bool,
    /// Spiculated
    #[arg(long)]
    pub spiculated: bool,
    /// In an upper lobe
    #[arg(long)]
    pub upper_lobe: bool,
}

/// Arguments of `record calc doubling`.
#[derive(Debug, Args)]
pub struct DoublingArgs {
    /// One to three extents of the first time, mm
    #[arg(long, num_args = 1..=3, required = true, value_name = "MM")]
    pub first: Vec<f64>,
    /// The same of the second time
    #[arg(long, num_args = 1..=3, required = true, value_name = "MM")]
    pub second: Vec<f64>,
    /// Days between
    #[arg(long)]
    pub days: f64,
}

/// Arguments of `record calc recist`.
#[derive(Debug, Args)]
pub struct RecistArgs {
    /// Examinations as JSON, the first being the baseline
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Course {
    timepoints: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    targets: Vec<Lesion>,
    #[serde(default)]
    non_target: NonTargetWord,
    #[serde(default)]
    new_lesion: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lesion {
    mm: Option<f64>,
    #[serde(default)]
    node: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NonTargetWord {
    #[default]
    None,
    Complete,
    Present,
    Progressive,
    NotEvaluated,
}

fn show(value: &Value, line: String, common: &Common, out: &mut Output) -> Exit {
    match common.json {
        true => out.json(value),
        false => out.line(line),
    }
    Exit::Done
}

/// Runs `record calc`.
pub fn run(args: &CalcArgs, common: &Common, out: &mut Output) -> Exit {
    match &args.rule {
        Rule::Egfr(args) => egfr(args, common, out),
        Rule::Fleischner(args) => fleischner(args, common, out),
        Rule::Mayo(args) => mayo(args, common, out),
        Rule::Doubling(args) => doubling(args, common, out),
        Rule::Recist(args) => recist(args, common, out),
        Rule::Course(args) => super::course::run(args, common, out),
    }
}

fn refuse(message: impl Into<String>, out: &mut Output) -> Exit {
    out.error(message.into());
    Exit::Rejected
}

fn egfr(args: &EgfrArgs, common: &Common, out: &mut Output) -> Exit {
    let sex = match args.sex {
        SexArg::Female => Sex::Female,
        SexArg::Male => Sex::Male,
    };
    let Some(creatinine) = renal::creatinine_mg_dl(args.creatinine, &args.unit) else {
        return refuse("the unit is mg/dL or umol/L", out);
    };
    let Some(value) = renal::egfr(creatinine, args.age, sex) else {
        return refuse(
            "the equation is for adults with a creatinine from 0.05 to 50 mg/dL",
            out,
        );
    };
    let category = renal::category(value);
    let json = json!({"egfr": value, "unit": "mL/min/{1.73_m2}", "category": category, "source": renal::SOURCE});
    show(
        &json,
        format!("{value:.0} mL/min/1.73 m² ({category}), {}", renal::SOURCE),
        common,
        out,
    )
}

fn fleischner(args: &FleischnerArgs, common: &Common, out: &mut Output) -> Exit {
    let nodule = Nodule {
        diameter_mm: args.mm,
        density: match args.density {
            DensityArg::Solid => Density::Solid,
            DensityArg::PartSolid => Density::PartSolid,
            DensityArg::GroundGlass => Density::GroundGlass,
        },
        multiple: args.multiple,
        solid_mm: args.solid_mm,
        high_risk: args.high_risk,
        age: args.age,
        known_cancer: args.known_cancer,
    };
    match followup::fleischner(&nodule) {
        Ok(found) => {
            let json = json!({
                "months": found.months.map(|(from, to)| [from, to]),
                "words": {"en": found.words.english, "zh": found.words.chinese},
                "source": followup::SOURCE,
            });
            show(
                &json,
                format!("{}; {}", found.words.english, followup::SOURCE),
                common,
                out,
            )
        }
        Err(reason) => refuse(reason.to_string(), out),
    }
}

fn mayo(args: &MayoArgs, common: &Common, out: &mut Output) -> Exit {
    if !(args.mm > 0.0 && args.mm <= 30.0 && args.age > 0.0 && args.age < 130.0) {
        return refuse("the model is for nodules of at most 30 mm", out);
    }
    let (terms, probability) = followup::mayo(&MayoFacts {
        age: args.age,
        smoker: args.smoker,
        cancer_before: args.cancer_before,
        diameter_mm: args.mm,
        spiculated: args.spiculated,
        upper_lobe: args.upper_lobe,
    });
    let json = json!({
        "probability": probability,
        "terms": terms.iter().map(|(words, value)| json!({"en": words.english, "zh": words.chinese, "adds": value})).collect::<Vec<_>>(),
        "source": followup::MAYO_SOURCE,
    });
    show(
        &json,
        format!("{:.1} %; {}", probability * 100.0, followup::MAYO_SOURCE),
        common,
        out,
    )
}

fn doubling(args: &DoublingArgs, common: &Common, out: &mut Output) -> Exit {
    let volumes = growth::volume_mm3(&args.first).zip(growth::volume_mm3(&args.second));
    let Some((first, second)) = volumes.filter(|_| args.first.len() == args.second.len()) else {
        return refuse("both times need the same number of extents above zero", out);
    };
    let days = growth::doubling_days(first, second, args.days);
    let change = (second - first) / first * 100.0;
    let json = json!({"first_mm3": first, "second_mm3": second, "change_percent": change, "doubling_days": days});
    let line = match days {
        Some(days) if days > 0.0 => format!("doubles in {days:.0} days ({change:+.0} %)"),
        Some(days) => format!("halves in {:.0} days ({change:+.0} %)", -days),
        None => "no change".to_owned(),
    };
    show(&json, line, common, out)
}

fn recist(args: &RecistArgs, common: &Common, out: &mut Output) -> Exit {
    let text = match fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => {
            out.error(format!("{}: {}", error.kind(), args.file.display()));
            return Exit::Io;
        }
    };
    let course: Course = match serde_json::from_str(&text) {
        Ok(course) => course,
        Err(error) => return refuse(format!("not a course of examinations: {error}"), out),
    };
    let sound = |p: &Point| {
        p.targets.len() <= response::MOST_TARGETS
            && p.targets
                .iter()
                .all(|t| t.mm.is_none_or(|mm| (0.0..=1000.0).contains(&mm)))
    };
    if !course.timepoints.iter().all(sound) {
        return refuse("at most five target lesions, each from 0 to 1000 mm", out);
    }
    let points: Vec<TimePoint> = course
        .timepoints
        .iter()
        .map(|p| TimePoint {
            targets: p
                .targets
                .iter()
                .map(|t| Target {
                    diameter_mm: t.mm,
                    node: t.node,
                })
                .collect(),
            non_target: match p.non_target {
                NonTargetWord::None => NonTarget::None,
                NonTargetWord::Complete => NonTarget::Complete,
                NonTargetWord::Present => NonTarget::Present,
                NonTargetWord::Progressive => NonTarget::Progressive,
                NonTargetWord::NotEvaluated => NonTarget::NotEvaluated,
            },
            new_lesion: p.new_lesion,
        })
        .collect();
    let found = response::assess(&points);
    let json = json!({
        "source": response::SOURCE,
        "assessments": found.iter().map(|a| json!({
            "sum_mm": a.sum_mm, "from_baseline_percent": a.from_baseline, "from_nadir_percent": a.from_nadir,
            "targets": a.targets.code(), "overall": a.overall.code(),
        })).collect::<Vec<_>>(),
    });
    let lines: Vec<String> = found
        .iter()
        .map(|a| {
            format!(
                "{:6.1} mm  {:+6.1} %  {:+6.1} %  {} {}",
                a.sum_mm,
                a.from_baseline,
                a.from_nadir,
                a.targets.code(),
                a.overall.code()
            )
        })
        .collect();
    show(&json, lines.join("\n"), common, out)
}
