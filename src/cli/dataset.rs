//! `negatoscope dataset`: sets of pictures with masks for learning, from one form into another.

mod input;
mod output;

use super::{
    Common, Exit, Output, masks,
    series::{self, Refusal},
};
use crate::{
    dicom::segmentation::Wanted,
    model::{layout::SeriesLayout, segmentation::Segmentation, study::SourceKind},
    workspace::label_sets::split::{Part, Shares, leaks, split},
};
use clap::{Args, ValueEnum};
use input::{Case, MaskOf};
use output::Writer;
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf};

/// Arguments of `dataset`.
#[derive(Debug, Args)]
pub struct DatasetArgs {
    /// The set: a JSON list of cases (image, label, and where there are some name, patient; MONAI datalists are such), the
    /// folder of an nnU-Net data set, or a COCO file
    path: PathBuf,
    /// Form to write
    #[arg(long, value_enum)]
    form: SetForm,
    /// Folder to write into: new, or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Shares of patients to learn from, to choose by and to test with, as 70,15,15 (default: the parts that the set has,
    /// else all to learn from)
    #[arg(long, value_name = "A,B,C", value_parser = parse_shares)]
    split: Option<Shares>,
    /// COCO: polygons on the edges of pixels in place of run lengths
    #[arg(long)]
    polygons: bool,
}

/// A form of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SetForm {
    /// nnU-Net raw: imagesTr, labelsTr, imagesTs, labelsTs, dataset.json
    Nnunet,
    /// MONAI: images, labels, datalist.json
    Monai,
    /// COCO: a picture of each slice with a mask, annotations in one file for each part
    Coco,
    /// A picture and a PNG mask of each slice with a mask
    Png,
}

fn parse_shares(text: &str) -> Result<Shares, String> {
    Shares::parse(text).ok_or_else(|| format!("`{text}` is not three shares, as 70,15,15"))
}

/// Runs `dataset`.
pub fn run(args: &DatasetArgs, common: &Common, out: &mut Output) -> Exit {
    match convert(args, common, out) {
        Ok(()) => Exit::Done,
        Err(refusal) => {
            out.error(refusal.message);
            refusal.exit
        }
    }
}

/// What a picture shares with others of its patient: Patient ID and study, what the set says, else its own name.
fn texts_of(case: &Case, layout: &SeriesLayout) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(patient) = case.patient.as_deref().filter(|p| !p.is_empty()) {
        texts.push(format!("said {patient}"));
    }
    if let Some(first) = layout.first_instance()
        && first.source.kind == SourceKind::Dicom
    {
        let patient = first.patient.id.reveal();
        if !patient.is_empty() {
            texts.push(format!("patient {patient}"));
        }
        if !first.study.uid.is_empty() {
            texts.push(format!("study {}", first.study.uid));
        }
    }
    // The same picture twice is the same patient, whatever is said of it.
    let pictures = layout
        .frames
        .iter()
        .map(|f| f.instance.sop_instance_uid.as_str());
    texts.extend(
        pictures
            .take(1)
            .filter(|uid| !uid.is_empty())
            .map(|uid| format!("picture {uid}")),
    );
    texts
}

fn convert(args: &DatasetArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    let set = input::read(&args.path)?;
    if set.cases.is_empty() {
        return Err(Refusal::new(Exit::Rejected, "the set has no case"));
    }
    let mut layouts = Vec::with_capacity(set.cases.len());
    let mut texts = Vec::with_capacity(set.cases.len());
    for case in &set.cases {
        let layout = series::choose(&case.image, None, None, common)?;
        texts.push(texts_of(case, &layout));
        layouts.push(layout);
    }
    let parts: Vec<Part> = match args.split {
        Some(shares) => split(&texts, shares, common.seed.unwrap_or(0)),
        None => set
            .cases
            .iter()
            .map(|c| c.part.unwrap_or(Part::Train))
            .collect(),
    };
    let leaking = leaks(&texts, &parts);
    if leaking > 0 {
        let text = format!(
            "[LEAK] {leaking} patients, studies or pictures are in several parts; split anew with --split"
        );
        return Err(Refusal::new(Exit::Rejected, text));
    }
    let mut writer = Writer::new(&args.out, args.form, args.polygons)?;
    for (((case, layout), part), count) in set.cases.iter().zip(&layouts).zip(&parts).zip(1..) {
        let mut seg = mask_of(case, layout, common)?;
        for (number, name) in &set.labels {
            if let Some(mut segment) = seg.segment(*number).cloned() {
                segment.label.clone_from(name);
                seg.put_segment(segment);
            }
        }
        let name = match case.name.as_str() {
            "" => format!("case_{count:04}"),
            name => name.to_owned(),
        };
        writer.case(&name, layout, &seg, *part, common)?;
    }
    writer.finish()?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for part in &parts {
        *counts.entry(part.name()).or_default() += 1;
    }
    if common.json {
        out.json(&json!({
            "cases": set.cases.len(),
            "parts": counts,
            "labels": writer.labels(),
            "out": args.out.display().to_string(),
        }));
    } else {
        let counts: Vec<String> = counts
            .iter()
            .map(|(part, n)| format!("{n} {part}"))
            .collect();
        out.line(format!("{} cases: {}", set.cases.len(), counts.join(", ")));
    }
    Ok(())
}

fn mask_of(case: &Case, layout: &SeriesLayout, common: &Common) -> Result<Segmentation, Refusal> {
    match &case.mask {
        MaskOf::File(path) => {
            let read = masks::read(path, Some(layout), Wanted::default(), common)?;
            Ok(read.segmentation)
        }
        MaskOf::Coco(annotations) => input::painted(annotations, layout),
    }
}
