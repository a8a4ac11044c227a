//! Pixels in every transfer syntax, width, sign and colour: what `pixels` stores is the truth, bit for bit where
//! nothing is lost, within one grey level of the reference decoder where something is.
//!
//! `tests/data/syntaxes.*` are made by `scripts/make-syntax-fixtures`, which says who wrote and who read them. The
//! tests print what they compared as a table:
//! `cargo test --release --test suite syntaxes -- --nocapture --test-threads 1`.

use crate::support;
use negatoscope::dicom::syntax;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, io::Read as _, path::Path, process::Command};

/// A table of tab-separated values by the names of its first line.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let head: Vec<String> = lines.next().unwrap().collect();
    lines
        .map(|line| head.iter().cloned().zip(line).collect())
        .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// What was compared, by kind of picture (syntax, bits, sign, photometric interpretation): files that were equal, close,
/// and wrong.
#[derive(Default)]
pub struct Table(BTreeMap<[String; 4], [usize; 3]>);

impl Table {
    pub fn count(&mut self, kind: [String; 4], verdict: usize) {
        self.0.entry(kind).or_default()[verdict] += 1;
    }

    /// As Markdown.
    pub fn text(&self, title: &str) -> String {
        let mut text = format!(
            "\n{title}\n\n| transfer syntax | bits stored / allocated | sign | photometric | equal | within 1 | wrong |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for ([syntax, bits, sign, photometric], [equal, close, wrong]) in &self.0 {
            text += &format!(
                "| {syntax} | {bits} | {sign} | {photometric} | {equal} | {close} | {wrong} |\n"
            );
        }
        let total = |at: usize| self.0.values().map(|v| v[at]).sum::<usize>();
        text + &format!("| all | | | | {} | {} | {} |", total(0), total(1), total(2))
    }
}

/// A transfer syntax by the last parts of its UID and its name.
pub fn named(uid: &str) -> String {
    let name = syntax::find(uid).map_or("?", |s| s.name);
    let short = uid.trim_start_matches("1.2.840.10008.");
    format!("{short} {name}")
}

fn signed(kind: &str) -> String {
    match kind.as_bytes().get(1) {
        Some(b'i') => "signed",
        Some(b'u') => "unsigned",
        _ => "float",
    }
    .to_owned()
}

/// One frame by the command that people use.
fn pixels(file: &Path, stage: &str) -> Result<(String, Vec<u8>), String> {
    let out = file.with_extension(format!("{stage}.npy"));
    let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(["pixels", "--quiet", "--stage", stage, "--out"])
        .args([&out, file])
        .output()
        .unwrap();
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).trim().to_owned());
    }
    Ok(support::npy(&out))
}

/// Values of an array in the type that NumPy names.
fn values(kind: &str, bytes: &[u8]) -> Vec<f64> {
    let size: usize = kind[2..].parse().unwrap();
    bytes
        .chunks_exact(size)
        .map(|v| match &kind[1..] {
            "u1" => f64::from(v[0]),
            "i1" => f64::from(v[0] as i8),
            "u2" => f64::from(u16::from_le_bytes(v.try_into().unwrap())),
            "i2" => f64::from(i16::from_le_bytes(v.try_into().unwrap())),
            "u4" => f64::from(u32::from_le_bytes(v.try_into().unwrap())),
            "i4" => f64::from(i32::from_le_bytes(v.try_into().unwrap())),
            "f4" => f64::from(f32::from_le_bytes(v.try_into().unwrap())),
            _ => f64::from_le_bytes(v.try_into().unwrap()),
        })
        .collect()
}

/// 0 equal, 1 within the tolerance, or why it is neither.
fn verdict(
    folder: &Path,
    number: usize,
    row: &BTreeMap<String, String>,
    all: &[u8],
) -> Result<usize, String> {
    let count = |name: &str| row[name].parse::<usize>().unwrap();
    let (start, length) = (count("offset"), count("bytes"));
    let file = folder.join(format!("{number}.dcm"));
    std::fs::write(&file, &all[start..start + length]).unwrap();
    let (header, stored) = pixels(&file, "stored")?;
    if !header.contains(&format!("'{}'", row["dtype"])) {
        return Err(format!("{header}, expected {}", row["dtype"]));
    }
    if !row["display_sha256"].is_empty() {
        let (header, shown) = pixels(&file, "display")?;
        if hexadecimal(&shown) != row["display_sha256"] {
            return Err(format!("other colours are shown: {header}"));
        }
    }
    if hexadecimal(&stored) == row["sha256"] {
        return Ok(0);
    }
    let tolerance = count("tolerance") as f64;
    let truth = &all[start + length..start + length + count("truth_bytes")];
    let (found, wanted) = (values(&row["dtype"], &stored), values(&row["dtype"], truth));
    if tolerance == 0.0 || found.len() != wanted.len() {
        return Err(format!("{} values are not the truth", found.len()));
    }
    let worst = found
        .iter()
        .zip(&wanted)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    if worst <= tolerance {
        Ok(1)
    } else {
        Err(format!("differs by {worst}, {tolerance} are allowed"))
    }
}

#[test]
fn every_syntax_width_sign_and_colour_gives_the_truth() {
    let mut all = Vec::new();
    flate2::read::GzDecoder::new(&include_bytes!("../data/syntaxes.bin")[..])
        .read_to_end(&mut all)
        .unwrap();
    let rows = rows(include_str!("../data/syntaxes.tsv"));
    let folder = tempfile::tempdir().unwrap();
    let verdicts: Vec<_> = rows
        .par_iter()
        .enumerate()
        .map(|(number, row)| verdict(folder.path(), number, row, &all))
        .collect();
    let mut table = Table::default();
    let mut wrong = Vec::new();
    for (row, verdict) in rows.iter().zip(verdicts) {
        let bits = format!("{} / {}", row["stored"], row["allocated"]);
        let high = row["high"].parse::<u16>().unwrap() + 1;
        let bits = match row["stored"].parse() == Ok(high) {
            true => bits,
            false => format!("{bits}, high bit {}", row["high"]),
        };
        let colour = match row["planar"].as_str() {
            "1" => format!("{} planar", row["photometric"]),
            _ => row["photometric"].clone(),
        };
        let kind = [named(&row["syntax"]), bits, signed(&row["dtype"]), colour];
        match verdict {
            Ok(class) => table.count(kind, class),
            Err(why) => {
                wrong.push(format!("{} {}: {why}", row["syntax"], row["form"]));
                table.count(kind, 2);
            }
        }
    }
    println!("{}", table.text("Made pictures"));
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
