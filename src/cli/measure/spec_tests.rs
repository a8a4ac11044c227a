use super::*;
use crate::cli::measure::task::Task;
use glam::DVec3;

fn entry(text: &str) -> Result<Task, String> {
    let spec = format!(r#"{{"measurements": [{text}]}}"#);
    let spec = Spec::parse(spec.as_bytes()).map_err(|e| format!("{} {e}", e.code()))?;
    spec.measurements[0].task().map_err(|e| e.code().to_owned())
}

fn refused(text: &str, code: &str) {
    let found = entry(text).expect_err(text);
    assert!(found.starts_with(code), "{text}: {found}");
}

#[test]
fn the_example_of_the_head_is_read() {
    let head = include_str!("spec.rs");
    let example: String = head
        .lines()
        .skip_while(|l| !l.contains("```json"))
        .skip(1)
        .take_while(|l| !l.contains("```"))
        .map(|l| l.trim_start_matches("//!"))
        .collect();
    let spec = Spec::parse(example.as_bytes()).unwrap();
    assert_eq!(spec.measurements.len(), 5);
    for entry in &spec.measurements {
        entry.task().unwrap();
    }
    assert_eq!(spec.measurements[2].ask().percentiles, [10.0, 90.0]);
}

#[test]
fn points_have_the_numbers_of_their_space() {
    let a = DVec3::new(1.0, 2.0, 3.0);
    let found =
        entry(r#"{"type": "length", "points": [[1, 2, 3], {"at": [4, 5, 6], "image": 2}]}"#);
    assert_eq!(found, Ok(Task::Length([a, DVec3::new(4.0, 5.0, 6.0)])));
    let found = entry(r#"{"type": "point", "space": "pixel", "points": [[1, 2]]}"#);
    assert_eq!(found, Ok(Task::Probe(DVec3::new(1.0, 2.0, 0.0))));
    refused(
        r#"{"type": "length", "points": [[1, 2], [3, 4]]}"#,
        "COORDINATES",
    );
    refused(
        r#"{"type": "point", "space": "pixel", "points": [[1, 2, 0]]}"#,
        "COORDINATES",
    );
    refused(
        r#"{"type": "length", "points": [[1, 2, 3]]}"#,
        "POINT_COUNT",
    );
    refused(
        r#"{"type": "cobb", "points": [[1, 2, 3], [1, 2, 4], [1, 3, 4]]}"#,
        "POINT_COUNT",
    );
    refused(
        r#"{"type": "circle", "points": [[1, 2, 3]]}"#,
        "POINT_COUNT",
    );
    refused(
        r#"{"type": "circle", "points": [[1, 2, 3], [2, 2, 3]], "radius_mm": 3}"#,
        "POINT_COUNT",
    );
    refused(
        r#"{"type": "volume", "points": [[1, 2, 3]]}"#,
        "POINT_COUNT",
    );
    refused(
        r#"{"type": "rectangle", "points": [[1, 2, 3], [2, 3, 3]]}"#,
        "POINT_COUNT",
    );
}

#[test]
fn fields_that_would_be_ignored_are_refused() {
    refused(
        r#"{"type": "length", "point": [], "points": [[1, 2, 3], [4, 5, 6]]}"#,
        "NOT_A_SPEC",
    );
    refused(r#"{"type": "lenght", "points": []}"#, "NOT_A_SPEC");
    refused(
        r#"{"type": "length", "points": [{"at": [1, 2, 3], "slice": 1}]}"#,
        "NOT_A_SPEC",
    );
    refused(
        r#"{"type": "length", "points": [[1e999, 0, 0], [4, 5, 6]]}"#,
        "NOT_A_SPEC",
    );
    refused(
        r#"{"type": "length", "points": [["1", 0, 0]]}"#,
        "NOT_A_SPEC",
    );
    let with = |kind: &str, field: &str| format!(r#"{{"type": "{kind}", "points": [], {field}}}"#);
    for (kind, field) in [
        ("length", r#""closed": true"#),
        ("ellipse", r#""centred": true"#),
        ("ellipse", r#""radius_mm": 3"#),
        ("sphere", r#""normal": [0, 0, 1]"#),
        ("length", r#""statistics": true"#),
        ("polygon", r#""sampling_mm": 1, "image": 3"#),
        ("polygon", r#""sampling_mm": 1, "space": "pixel""#),
        ("polygon", r#""low": 1"#),
        ("polygon", r#""statistics": false, "percentiles": [5]"#),
        ("angle", r#""histogram": {"bins": 3}"#),
        ("sphere", r#""image": 1"#),
        ("length", r#""image": 1, "instance": "1.2""#),
    ] {
        refused(&with(kind, field), "FIELD_NOT_FOR_TYPE");
    }
    let both = r#"{"type": "point", "points": [{"at": [1, 2, 3], "image": 1, "instance": "1.2"}]}"#;
    refused(both, "FIELD_CONFLICT");
}

#[test]
fn sizes_are_bounded() {
    let long = vec![b' '; MAX_BYTES + 1];
    assert_eq!(Spec::parse(&long).unwrap_err().code(), "TOO_LONG");
    let one = r#"{"type": "volume"}"#;
    let many = vec![one; MAX_MEASUREMENTS + 1].join(",");
    let many = format!(r#"{{"measurements": [{many}]}}"#);
    let refusal = Spec::parse(many.as_bytes()).unwrap_err();
    assert_eq!(refusal.code(), "TOO_MANY_MEASUREMENTS");
    let points = vec!["[0,0,0]"; 200_000].join(",");
    refused(
        &format!(r#"{{"type": "polygon", "points": [{points}]}}"#),
        "TOO_MANY_POINTS",
    );
    let id = "x".repeat(300);
    refused(&format!(r#"{{"id": "{id}", "type": "volume"}}"#), "BAD_ID");
    let deep = "[".repeat(100_000);
    assert_eq!(
        Spec::parse(deep.as_bytes()).unwrap_err().code(),
        "NOT_A_SPEC"
    );
}
