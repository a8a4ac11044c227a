//! All elements of an object: the table, on the command line and in the window, and marks through the command line.

use crate::{bad_input::build::Slice, support::program};
use negatoscope::{
    dicom::{
        content::elements,
        guard::{Limits, Structure},
    },
    model::elements::{Change, ElementRow, Held, Query, compare},
};
use serde_json::{Value, json};
use std::path::Path;

fn slice(folder: &Path, name: &str, uid: &str) -> String {
    let slice = Slice {
        uid: uid.into(),
        number: 1,
        position: Some([0.0, 0.0, 0.0]),
        ..Slice::default()
    };
    slice.write(folder, name);
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_table_has_meta_header_elements_and_pixels_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = slice(folder.path(), "a.dcm", "1.2.3.4.1");
    let structure = Structure::of_file(Path::new(&path), &Limits::default()).unwrap();
    let table = elements(&structure, false).unwrap();
    let tags: Vec<(u16, u16)> = table.rows.iter().map(|r| r.tag).collect();
    assert!(tags.is_sorted(), "{tags:?}");
    assert_eq!(tags[0], (2, 0));
    let last = table.rows.last().unwrap();
    assert_eq!((last.tag, last.keyword), ((0x7FE0, 0x10), "PixelData"));
    assert_eq!(last.held, Held::Away);
    let row = |keyword: &str| -> &ElementRow {
        table.rows.iter().find(|r| r.keyword == keyword).unwrap()
    };
    assert_eq!(row("SOPInstanceUID").text(), Some("1.2.3.4.1"));
    assert_eq!(row("TransferSyntaxUID").text(), Some("1.2.840.10008.1.2.1"));
    assert!(row("PatientName").personal && !row("Rows").personal);
    assert_eq!(table.search(&Query::new("bitsallocated"), true).len(), 1);
}

#[test]
fn pixels_that_differ_are_a_difference_only_when_they_were_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.dcm", "b.dcm"].map(|name| slice(folder.path(), name, "1.2.3.4.1"));
    let mut bytes = std::fs::read(&paths[1]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&paths[1], bytes).unwrap();
    let read = |path: &str, digests| {
        let structure = Structure::of_file(Path::new(path), &Limits::default()).unwrap();
        elements(&structure, digests).unwrap()
    };
    let changed = |a: &str, b: &str| -> Vec<(u16, u16)> {
        let (a, b) = (read(a, true), read(b, true));
        let rows = compare(&a, &b);
        let rows = rows.iter().filter(|r| r.change != Change::Same);
        rows.map(|r| a.rows[r.first.unwrap() as usize].tag)
            .collect()
    };
    assert_eq!(changed(&paths[0], &paths[0]), []);
    assert_eq!(changed(&paths[0], &paths[1]), [(0x7FE0, 0x10)]);
    // Without a look nothing is claimed to be the same.
    let (a, b) = (read(&paths[0], false), read(&paths[0], false));
    assert!(compare(&a, &b).iter().any(|r| r.change == Change::Changed));
}

#[test]
fn the_command_line_lists_searches_and_hides() {
    let folder = tempfile::tempdir().unwrap();
    let path = slice(folder.path(), "a.dcm", "1.2.3.4.1");
    let answer = |arguments: &[&str]| -> Value {
        let all = [&["tags", path.as_str(), "--json"], arguments].concat();
        serde_json::from_str(&program(&all)).unwrap()
    };
    let found = answer(&["--search", "patient name"]);
    assert_eq!(found["elements"][0]["tag"], "(0010,0010)");
    assert_eq!(found["elements"][0]["value"], "[redacted]");
    let shown = answer(&["--search", "0010,0010", "--show-phi"]);
    assert_ne!(shown["elements"][0]["value"], "[redacted]");
    let model = program(&["tags", path.as_str(), "--model"]);
    let model: Value = serde_json::from_str(&model).unwrap();
    assert_eq!(
        model["00080018"],
        json!({"vr": "UI", "Value": ["1.2.3.4.1"]})
    );
    assert_eq!(model["00020010"], Value::Null);
    assert!(model["7FE00010"]["BulkDataURI"].is_string());
    let same = program(&["tags", path.as_str(), "--diff", path.as_str(), "--json"]);
    let same: Value = serde_json::from_str(&same).unwrap();
    assert_eq!(same["different"], 0);
}

#[cfg(feature = "screen")]
mod window {
    use super::*;
    use crate::ui_snapshots::{alone, run, stage};
    use egui_kittest::kittest::Queryable as _;
    use negatoscope::workspace::{
        Action, Command,
        tags::{CompareWith, TagsShown},
    };
    use std::{thread, time::Duration};

    /// Two slices.
    fn two() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for k in 0..2 {
            let slice = Slice {
                uid: format!("1.2.3.4.{k}"),
                number: k + 1,
                position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
                ..Slice::default()
            };
            slice.write(folder.path(), &format!("{k}.dcm"));
        }
        folder
    }

    #[test]
    fn what_was_read_for_one_object_is_never_shown_as_another() {
        let _one = alone();
        let folder = two();
        let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
        let workspace = &mut stage.program_mut().workspace;
        workspace.execute(Command::Tags);
        // Read by then, and not taken in: closed, opened again on another image.
        thread::sleep(Duration::from_millis(400));
        for command in [Command::Tags, Command::NextImage, Command::Tags] {
            workspace.execute(command);
        }
        for _ in 0..200 {
            workspace.poll();
            if let (Some((instance, _)), TagsShown::One(table)) =
                (workspace.tags.instance(), &workspace.tags.shown)
            {
                assert_eq!(table.instance_uid, instance.sop_instance_uid);
                if table.instance_uid == "1.2.3.4.1" {
                    return;
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the second image was never read");
    }

    #[test]
    fn the_browser_follows_the_shown_image_and_compares_it() {
        let _one = alone();
        let folder = two();
        let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
        let holds = |stage: &mut negatoscope::app::stage::Stage, text: &str| {
            stage.settle().unwrap();
            stage
                .harness()
                .query_all_by_label_contains(text)
                .next()
                .is_some()
        };
        run(&mut stage, Command::Tags);
        assert!(holds(&mut stage, "SOPInstanceUID 1.2.3.4.0"));
        run(&mut stage, Command::NextImage);
        assert!(holds(&mut stage, "SOPInstanceUID 1.2.3.4.1"));
        assert!(holds(&mut stage, "PatientName"));
        run(&mut stage, Command::HideIdentity);
        assert!(holds(&mut stage, "PatientName hidden"));
        run(&mut stage, Command::LayoutTwo);
        let workspace = &mut stage.program_mut().workspace;
        let series = workspace.library.series().next().unwrap().key.clone();
        workspace.act(Action::Show { cell: 1, series });
        workspace.act(Action::CompareTags(CompareWith::Cell(0)));
        assert!(holds(&mut stage, "InstanceNumber"));
        assert!(!holds(&mut stage, "BitsAllocated"));
    }
}
