//! The command line on a store: edits line by line, and refusals told apart by their codes.

use super::{contents, made, run, text};
use crate::support::PROGRAM;
use negatoscope::store::Store;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

#[test]
fn edit_answers_every_line() {
    let (_folder, dir) = made();
    let lines = [
        r#"{"op":"add","id":"n1","study":"1.2","series":"1.2.3","instance":"1.2.3.4","frame":1,"space":"patient","shape":"line","points":[[12.5,-40,101.25],[18,-36.5,101.25]],"label":"结节"}"#,
        r#"{"op":"add","instance":"1.2.3.1.8","space":"pixel","shape":"polygon","points":[[10,10],[20,10],[20,30]]}"#,
        "",
        r#"{"op":"relabel","id":"n1","label":"granuloma"}"#,
        r#"{"op":"reshape","id":"n1","shape":"point","points":[[1,2,3]]}"#,
        r#"{"op":"remove","id":"n2"}"#,
        r#"{"op":"add","id":"n1","instance":"1","shape":"point","points":[[1,2]]}"#,
        r#"{"op":"add","id":"n3","instance":"1","shape":"line","points":[[1,2]]}"#,
        r#"{"op":"add","id":"n3","instance":"1","shape":"point","points":[[1e308,2,3]],"colour":"CANARY"}"#,
        r#"{"op":"CANARY"}"#,
        r#"{"op":"add","id":"n4""#,
        "\u{FEFF}",
        r#"{"op":"undo"}"#,
        r#"{"op":"undo"}"#,
        r#"{"op":"redo"}"#,
        r#"{"op":"redo"}"#,
        r#"{"op":"redo"}"#,
        r#"{"op":"add","id":"z","instance":"1","frame":0,"shape":"point","points":[[1,2]]}"#,
        r#"{"op":"code","id":"n1","code":{"value":"27925004","scheme":"SCT","meaning":"Nodule"}}"#,
        r#"{"op":"group","id":"n1","group":"right lung"}"#,
        r#"{"op":"lock","id":"n1","on":true}"#,
        r#"{"op":"hide","id":"n1","on":true}"#,
        r#"{"op":"remove","id":"n1"}"#,
        r#"{"op":"key-image","study":"1.2","instance":"1.2.3.4","frame":2,"on":true}"#,
        r#"{"op":"key-image","instance":"1.2.3.4","frame":1,"on":false}"#,
        r#"{"op":"read-status","study":"1.2","status":"final"}"#,
        r#"{"op":"read-status","study":"1.2","status":"CANARY"}"#,
        r#"{"op":"report","study":"1.2","text":"Nodule 结节"}"#,
        r#"{"op":"add","id":"a","instance":"1","shape":"arrow","points":[[1,2],[3,4]],"author":{"model":{"id":"m","version":"2"}}}"#,
        r#"{"op":"add","id":"b","instance":"1","shape":"cobb","points":[[1,2],[3,4],[5,6]]}"#,
    ];
    let output = run(
        &dir,
        "correct horse",
        &["edit", "--stdin"],
        &lines.join("\n"),
    );
    let answers: Vec<String> = text(&output.stdout)
        .lines()
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    let id = answers[1].strip_prefix("ACK 2 ").unwrap().to_owned();
    assert_eq!(id.len(), 36);
    let expected = [
        "ACK 1",
        &format!("ACK 2 {id}"),
        "ACK 4",
        "ACK 5",
        "ERR 6 MISSING",
        "ERR 7 EXISTS",
        "ERR 8 INVALID",
        "ERR 9 NOT_AN_OPERATION",
        "ERR 10 NOT_AN_OPERATION",
        "ERR 11 NOT_JSON",
        "ERR 12 NOT_JSON",
        "ACK 13",
        "ACK 14",
        "ACK 15",
        "ACK 16",
        "ERR 17 NOTHING",
        "ERR 18 INVALID",
        "ACK 19",
        "ACK 20",
        "ACK 21",
        "ACK 22",
        "ERR 23 LOCKED",
        "ACK 24",
        "ERR 25 MISSING",
        "ACK 26",
        "ERR 27 NOT_AN_OPERATION",
        "ACK 28",
        "ACK 29",
        "ERR 30 INVALID",
    ];
    assert_eq!(answers, expected);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stdout).contains("CANARY"));

    let list = run(&dir, "correct horse", &["edit", "--list"], "");
    assert_eq!(list.status.code(), Some(0));
    let lines: Vec<Value> = text(&list.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let (marks, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|l| l["op"] == "add");
    assert_eq!(marks.len(), 3);
    assert_eq!(others.len(), 3);
    let first = marks.iter().find(|m| m["id"] == "n1").unwrap();
    assert_eq!(first["label"], "granuloma");
    assert_eq!(first["points"], json!([[1.0, 2.0, 3.0]]));
    assert_eq!(
        (&first["locked"], &first["hidden"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(first["code"]["meaning"], "Nodule");

    // What is listed can be put into another store, and is then the same.
    let (_other, second) = made();
    let copied = run(
        &second,
        "correct horse",
        &["edit", "--stdin"],
        &text(&list.stdout),
    );
    assert_eq!(copied.status.code(), Some(0));
    let again = run(&second, "correct horse", &["edit", "--list"], "");
    assert_eq!(again.stdout, list.stdout);
}

#[test]
fn the_command_line_tells_its_refusals_apart() {
    let (_folder, dir) = made();
    let code = |output: &Output| output.status.code();
    let without = |arguments: &[&str], dir: &Path| {
        Command::new(PROGRAM)
            .args(arguments)
            .arg("--store")
            .arg(dir)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    for command in [
        &["list"][..],
        &["record", "show", "p"],
        &["edit", "--list"],
        &["store", "verify"],
        &["record", "import", "x.json"],
    ] {
        let output = without(command, &dir);
        assert_eq!(code(&output), Some(6), "{command:?}");
        assert!(
            text(&output.stderr).contains("--passphrase-fd"),
            "{command:?}"
        );
        let wrong = run(&dir, "wrong", command, "");
        assert_eq!(code(&wrong), Some(6), "{command:?}");
        assert!(
            text(&wrong.stderr).contains("wrong passphrase"),
            "{command:?}"
        );
        // Who comes in needs not wait for tries before.
        let right = run(&dir, "correct horse", &["store", "status"], "");
        assert_eq!(code(&right), Some(0));
    }
    let status = without(&["store", "status", "--json"], &dir);
    let value: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (code(&status), &value["state"]),
        (Some(0), &json!("locked"))
    );
    assert_eq!(value["kdf"]["memory_kib"], 32);
    let status = run(&dir, "correct horse", &["store", "status", "--json"], "");
    let value: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(value["state"], "open");

    let before = contents(&dir);
    assert_eq!(code(&run(&dir, "other", &["store", "init"], "")), Some(3));
    assert!(contents(&dir) == before);
    let nowhere = dir.join("nowhere");
    assert_eq!(code(&run(&nowhere, "x", &["list"], "")), Some(9));
    assert!(!nowhere.exists());
    assert_eq!(code(&run(&nowhere, "", &["store", "init"], "")), Some(2));

    // The real cost is at least 64 MiB and three passes, and is written down.
    let real = dir.with_file_name("real");
    assert_eq!(code(&run(&real, "x", &["store", "init"], "")), Some(0));
    let cost = Store::key_status(&real).unwrap().cost;
    assert!(cost.memory_kib >= 64 << 10 && cost.passes >= 3);
    assert_eq!(code(&run(&real, "x", &["store", "verify"], "")), Some(0));

    // The passphrase through a descriptor of its own.
    let secret = dir.with_file_name("secret");
    fs::write(&secret, "correct horse\nnot this").unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("exec \"$0\" list --store \"$1\" --passphrase-fd 3 3<\"$2\"")
        .args([PROGRAM.as_ref(), dir.as_os_str(), secret.as_os_str()])
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(0));
    let closed = Command::new(PROGRAM)
        .args(["list", "--passphrase-fd", "77", "--store"])
        .arg(&dir)
        .output()
        .unwrap();
    assert_eq!(code(&closed), Some(6));

    let mut bytes = before[&dir.join("edits.journal")].clone();
    bytes[40] ^= 1;
    fs::write(dir.join("edits.journal"), bytes).unwrap();
    let add = r#"{"op":"add","instance":"1","shape":"point","points":[[1,2]]}"#;
    let output = run(&dir, "correct horse", &["edit", "--stdin"], add);
    assert_eq!(code(&output), Some(8));
    assert!(text(&output.stdout).starts_with("ERR 1 DAMAGED"));
    let output = run(&dir, "correct horse", &["store", "verify", "--json"], "");
    assert_eq!(code(&output), Some(8));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["sound"], false);
}
