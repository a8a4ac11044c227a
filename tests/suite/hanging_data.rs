//! Hanging over real studies, and the command that says what would hang.

use crate::support::data;
use clap::Parser;
use negatoscope::{
    cli::hang::{HangArgs, run},
    console::{Common, Exit, Output},
    workspace::{hanging::protocol::Protocol, shelf::Shelf},
};
use serde_json::Value;
use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn hang(path: &Path, more: &[&str]) -> (Exit, Value, String) {
    let flags = ["hang", "--json"].iter().chain(more);
    let common = Flags::parse_from(flags).common;
    let args = HangArgs {
        paths: vec![path.to_owned()],
        protocol: None,
        study: None,
    };
    let (out, err) = (Sink::default(), Sink::default());
    let mut output = Output::to(Box::new(out.clone()), Box::new(err.clone()));
    let exit = run(&args, &common, &mut output);
    output.flush();
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    let value = serde_json::from_str(&text).unwrap_or_default();
    (exit, value, text)
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_studies_hang_by_their_protocols() {
    // Folder, modality, and the protocols of its studies.
    for (part, expected) in [
        ("ct-chest-abdomen", &["ct-chest"][..]),
        ("mr-brain-t1", &["mr"]),
        ("xray", &["cr-dx"]),
        ("dicom-mr-misc", &["mr"]),
    ] {
        let (exit, value, _) = hang(&data(part), &[]);
        assert_eq!(exit, Exit::Done, "{part}");
        let studies = value["studies"].as_array().unwrap();
        let found: std::collections::BTreeSet<&str> = studies
            .iter()
            .map(|s| s["protocol"].as_str().unwrap())
            .collect();
        for protocol in expected {
            assert!(found.contains(protocol), "{part}: {found:?}");
        }
    }
}

/// Every study of the whole collection hangs, and the first stage shows something of it in its first cell.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn every_real_study_hangs_and_nobody_is_named() {
    for part in [
        "dicom-pydicom",
        "dicom-fo",
        "dicom-transfer-syntaxes",
        "dicom-seg-sr",
        "xray",
    ] {
        let (_, value, text) = hang(&data(part), &[]);
        let studies = value["studies"].as_array().cloned().unwrap_or_default();
        assert!(!studies.is_empty(), "{part}");
        for study in &studies {
            let first = &study["stages"][0];
            assert!(study["protocol"].is_string(), "{study}");
            assert!(
                first["cells"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|c| c["series_uid"].is_string()),
                "{study}"
            );
            if study["modality"] == "MG" {
                assert_eq!(study["protocol"], "mg");
            }
        }
        assert!(
            !text.contains("description") && !text.contains("\"date\""),
            "{part}"
        );
    }
}

/// The documented examples are read.
#[test]
fn the_documented_files_are_read() {
    let document = include_str!("../../docs/hanging.md");
    let mut examples = document.split("```toml\n").skip(1);
    let mut example = || examples.next().unwrap().split("```").next().unwrap();
    let protocol = Protocol::parse("example", example()).unwrap();
    assert_eq!(protocol.stages.len(), 2);
    assert_eq!(protocol.stages[1].cells[1].like, Some(1));
    let mut shelf = Shelf::default();
    assert!(shelf.take(example()));
    let (layout, detached) = shelf.layout("two and one").unwrap();
    assert_eq!((layout.cells(), detached.collect::<Vec<_>>()), (3, vec![2]));
}
