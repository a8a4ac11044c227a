//! The benches of harm in small: a store that is damaged, wrong passphrases, forged logs, and hasty switches between
//! patients (R8 to R10 and R20 of the safety table; docs/reliability.md has them in full).

use crate::{support::program, ui_snapshots::alone};
use serde_json::Value;

fn bench(arguments: &[&str]) -> Value {
    let said = program(&[&["bench"], arguments, &["--json"]].concat());
    let line = said.lines().last().unwrap();
    serde_json::from_str(line).unwrap()
}

fn none(case: &Value, names: &[&str]) {
    for name in names {
        assert_eq!(case[name], 0, "{name}: {case}");
    }
}

#[test]
fn damage_is_seen_and_repaired() {
    let case = bench(&["damage", "--flips", "40", "--cuts", "12", "--seed", "5"]);
    none(
        &case,
        &[
            "unseen",
            "called_wrong_passphrase",
            "unrepaired",
            "more_than_there_was",
            "not_restored",
        ],
    );
    assert_eq!((&case["changed"], &case["cut"]), (&40.into(), &12.into()));
    assert!(case["restores"].as_u64().unwrap() >= 5);
    // A cut database loses what was cut off; on the whole nearly everything stays.
    assert!(case["kept_mean"].as_f64().unwrap() > 0.9, "{case}");
}

#[test]
fn wrong_passphrases_open_nothing() {
    let case = bench(&["passphrases", "--rounds", "60"]);
    none(&case, &["opened", "taken_for_something_else"]);
    assert_eq!(case["damage_seen_as_damage"], 12);
}

#[test]
fn forged_logs_are_seen() {
    let case = bench(&["forgery", "--entries", "200", "--rounds", "8"]);
    none(&case, &["unseen", "first_entry_misnamed"]);
    assert_eq!(case["forged"], 56);
    assert_eq!(case["older_copy_whole_in_itself"], true);
    assert_eq!(case["older_copy_told_by_a_head"], true);
}

#[test]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn switches_between_patients_show_nobody_else() {
    let _alone = alone();
    let case = bench(&["switches", "--count", "300", "--seed", "3"]);
    none(&case, &["wrong"]);
    let seen = |what: &str| case["seen"][what].as_u64().unwrap_or(0);
    for what in [
        "picture",
        "mask",
        "record",
        "no record yet",
        "text",
        "report",
        "disease",
        "mark",
    ] {
        assert!(seen(what) > 5, "{what}: {case}");
    }
}
