//! What was acknowledged is on the disk, and nothing else was: killed processes, full disks, read-only folders.

use super::{made, pass, text};
use crate::support::{Dice, PROGRAM, in_namespace};
use negatoscope::store::Store;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_killed_edit_loses_nothing_that_was_acknowledged() {
    let (_folder, dir) = made();
    let mut dice = Dice(7);
    let mut acknowledged = BTreeSet::new();
    let mut sent = BTreeSet::new();
    let mut cut_short = 0;
    for round in 0..25 {
        let mut child = Command::new(PROGRAM)
            .args(["edit", "--stdin", "--passphrase-fd", "0", "--store"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let lines: Vec<String> = (0..5000).map(|n| format!("r{round}n{n}")).collect();
        sent.extend(lines.iter().cloned());
        let writer = thread::spawn({
            let lines = lines.clone();
            move || {
                let _ = stdin.write_all(b"correct horse\n");
                for id in &lines {
                    let line = format!(
                        "{{\"op\":\"add\",\"id\":\"{id}\",\"instance\":\"1.2\",\"shape\":\"point\",\"points\":[[1,2,3]]}}\n"
                    );
                    if stdin.write_all(line.as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
        // The moment counts from the first answer, so that it falls among the edits.
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        answers.read_line(&mut first).unwrap();
        let delay = dice.roll(20_000) as u64;
        thread::sleep(Duration::from_micros(delay));
        child.kill().unwrap();
        let mut rest = String::new();
        answers.read_to_string(&mut rest).unwrap();
        child.wait().unwrap();
        writer.join().unwrap();
        let all = first + &rest;
        let mut count = 0;
        for line in all.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
            let number: usize = line.trim().strip_prefix("ACK ").unwrap().parse().unwrap();
            // The answers count the lines after the passphrase.
            acknowledged.insert(lines[number - 1].clone());
            count += 1;
        }
        cut_short += usize::from(count < lines.len());
        let begin = Instant::now();
        let store = Store::open(&dir, &pass()).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2));
        assert_eq!(store.journal_damage(), None, "no repair by hand");
        let kept: BTreeSet<String> = store.marks().iter().map(|m| m.id.0.clone()).collect();
        assert_eq!(acknowledged.difference(&kept).count(), 0, "round {round}");
        assert_eq!(kept.difference(&sent).count(), 0);
    }
    assert!(acknowledged.len() > 25, "{} edits", acknowledged.len());
    assert!(
        cut_short >= 20,
        "{cut_short} rounds were killed while editing"
    );
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
}

#[test]
fn a_full_disk_is_said_and_nothing_false_is_acknowledged() {
    let (folder, dir) = made();
    let label = "x".repeat(20_000);
    let lines: String = (0..200)
        .map(|n| {
            format!(
                "{{\"op\":\"add\",\"id\":\"m{n}\",\"instance\":\"1\",\"shape\":\"point\",\"points\":[[1,2]],\"label\":\"{label}\"}}\n"
            )
        })
        .collect();
    let input = folder.path().join("input");
    fs::write(&input, format!("correct horse\n{lines}")).unwrap();
    let script = "mount -t tmpfs -o size=1m none /mnt && cp -r \"$1\" /mnt/store && \
        \"$0\" edit --stdin --store /mnt/store --passphrase-fd 0 <\"$2\"; echo \"exit $?\"; \
        echo 'correct horse' | \"$0\" edit --list --store /mnt/store --passphrase-fd 0 | wc -l";
    let Some(output) = in_namespace(script, &[&dir, &input]) else {
        println!("skipped: no mount namespaces here");
        return;
    };
    let text = text(&output.stdout);
    let acknowledged = text.lines().filter(|l| l.starts_with("ACK")).count();
    let refused = text.lines().filter(|l| l.contains("NOT_SAVED")).count();
    assert!(acknowledged > 5, "{text:.300}");
    assert!(refused > 100);
    assert!(text.contains("NOT saved"));
    assert!(text.contains("exit 9"), "{}", &text[text.len() - 40..]);
    let listed: usize = text.lines().last().unwrap().trim().parse().unwrap();
    assert_eq!(
        listed, acknowledged,
        "what was acknowledged is there, and only that"
    );
}

#[test]
fn a_read_only_folder_is_said() {
    let (_folder, dir) = made();
    let script = "mount -t tmpfs none /mnt && cp -r \"$1\" /mnt/store && \
        mount -o remount,ro /mnt && cd / && \
        for command in 'store init --store /mnt/new' 'list --store /mnt/store'; do \
        echo 'correct horse' | \"$0\" $command --passphrase-fd 0; echo \"exit $?\"; done";
    let Some(output) = in_namespace(script, &[&dir]) else {
        println!("skipped: no mount namespaces here");
        return;
    };
    assert_eq!(
        text(&output.stdout),
        "exit 7\nexit 7\n",
        "{}",
        text(&output.stderr)
    );
    assert!(text(&output.stderr).to_lowercase().contains("read-only"));
}
