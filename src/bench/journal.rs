//! The journal of edits under fire, and how long a long one takes to open.
//!
//! `kill` runs `edit --stdin` on random operations of every kind and kills it at a random moment; the store is then
//! opened and held, bit for bit, against an account of the operations that was kept in memory. `lost` counts rounds in
//! which something acknowledged is missing, `different` those in which what is there is not what the operations give.

use super::{
    Cases, Failure,
    measure::{Case, Samples, quantile},
};
use crate::{
    cli::edit::operation::{self, Ledger},
    console::{Common, Exit},
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        edit::{Edit, Kept},
        reading::ReadStatus,
    },
    store::{KdfCost, Passphrase, Store, StoreError},
};
use clap::Args;
use glam::DVec3;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Arguments of `bench kill`.
#[derive(Clone, Debug, Args)]
pub struct KillArgs {
    /// How often a process is started and killed
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub rounds: u32,
}

/// Arguments of `bench replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Commits of the journal
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub commits: u32,
    /// How often it is opened
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub repeat: u32,
}

const PASSPHRASE: &str = "bench";
/// A store takes so many rounds; then a new one begins.
const ROUNDS_A_STORE: u32 = 50;
/// Operations that a process is given.
const OPERATIONS: usize = 600;
/// Gestures that can be taken back.
const UNDO_DEPTH: usize = 1000;

/// Random numbers that a seed repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end.max(1)
    }

    fn one_of<T: Copy>(&mut self, list: &[T], other: T) -> T {
        let at = self.below(list.len() as u64) as usize;
        list.get(at).copied().unwrap_or(other)
    }

    fn number(&mut self) -> f64 {
        f64::from_bits((1023 << 52) | self.below(1 << 52)) * 300.0 - 450.0
    }
}

/// What the operations give, kept in memory: no journal, no codec.
#[derive(Clone, Default)]
struct Account {
    kept: Kept,
    done: VecDeque<Vec<Edit>>,
    undone: Vec<Vec<Edit>>,
    commits: u64,
}

impl Ledger for Account {
    fn kept(&self) -> &Kept {
        &self.kept
    }

    fn commit(&mut self, edits: &[Edit]) -> Result<(), StoreError> {
        self.kept.apply_all(edits).map_err(StoreError::Conflict)?;
        self.commits += 1;
        self.undone.clear();
        self.done.push_back(edits.to_vec());
        if self.done.len() > UNDO_DEPTH {
            self.done.pop_front();
        }
        Ok(())
    }

    fn undo(&mut self) -> Result<bool, StoreError> {
        let Some(edits) = self.done.pop_back() else {
            return Ok(false);
        };
        self.kept.take_back(&edits);
        self.commits += 1;
        self.undone.push(edits);
        Ok(true)
    }

    fn redo(&mut self) -> Result<bool, StoreError> {
        let Some(edits) = self.undone.pop() else {
            return Ok(false);
        };
        self.kept.apply_all(&edits).map_err(StoreError::Conflict)?;
        self.commits += 1;
        self.done.push_back(edits);
        Ok(true)
    }
}

/// One operation. Some fit nothing; they are answered with an error and change nothing.
fn operation(dice: &mut Dice, round: u32, at: usize) -> Value {
    let id = |dice: &mut Dice| {
        let of = u64::from(round % ROUNDS_A_STORE) + 1;
        format!("r{}n{}", dice.below(of), dice.below(OPERATIONS as u64))
    };
    let shape = |dice: &mut Dice| {
        let kind = dice.one_of(&MarkKind::ALL, MarkKind::Point);
        let least = *kind.point_count().start() as u64;
        let more = u64::from(kind.point_count().contains(&(least as usize + 3)));
        let count = least + more * dice.below(30);
        let points: Vec<[f64; 3]> = (0..count)
            .map(|_| [dice.number(), dice.number(), dice.number()])
            .collect();
        (kind.name(), points)
    };
    let study = format!("1.2.{}", dice.below(20));
    match dice.below(16) {
        0..=5 => {
            let (kind, points) = shape(dice);
            let label = if dice.below(2) == 0 { "" } else { "结节" };
            json!({"op": "add", "id": format!("r{}n{at}", round % ROUNDS_A_STORE),
                "study": study, "series": "1.2.3", "instance": format!("1.2.3.{}", dice.below(50)),
                "frame": 1 + dice.below(9), "frame_of_reference": "1.2.9", "shape": kind,
                "points": points, "label": label, "created_ms": dice.below(1 << 40)})
        }
        6 | 7 => {
            let (kind, points) = shape(dice);
            json!({"op": "reshape", "id": id(dice), "shape": kind, "points": points})
        }
        8 => json!({"op": "relabel", "id": id(dice), "label": format!("l{}", dice.below(99))}),
        9 => json!({"op": "code", "id": id(dice), "code":
            {"value": format!("{}", dice.below(9)), "scheme": "SCT", "meaning": "Nodule"}}),
        10 => json!({"op": "remove", "id": id(dice)}),
        11 => json!({"op": "hide", "id": id(dice), "on": dice.below(2) == 0}),
        12 => {
            json!({"op": "key-image", "study": study, "instance": format!("1.{}", dice.below(30)),
            "on": dice.below(3) > 0})
        }
        13 => {
            let status = dice.one_of(&ReadStatus::ALL, ReadStatus::New).name();
            json!({"op": "read-status", "study": study, "status": status})
        }
        14 => {
            json!({"op": "report", "study": study, "text": "x".repeat(dice.below(3000) as usize)})
        }
        _ if dice.below(3) == 0 => json!({"op": "redo"}),
        _ => json!({"op": "undo"}),
    }
}

/// Carries a line out on the account; whether it was more than an error.
fn carry_out(account: &mut Account, line: &str) -> bool {
    let read = operation::read(line.as_bytes());
    read.is_ok_and(|op| operation::carry_out(account, op).is_ok())
}

/// What became of the rounds.
#[derive(Default)]
struct Tally {
    killed: u32,
    acknowledged: u64,
    lost: u32,
    different: u32,
    unopened: u32,
}

/// Runs `bench kill`.
pub(super) fn kill(args: &KillArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let io = |error: std::io::Error| Failure::new(Exit::Io, error);
    let seed = common.seed.unwrap_or(1);
    let mut dice = Dice(seed);
    let program = std::env::current_exe().map_err(io)?;
    let mut tally = Tally::default();
    let mut opening = Vec::new();
    let mut samples = Samples::default();
    let done: Result<(), Failure> = samples.run(|| {
        let mut round = 0;
        while round < args.rounds {
            let folder = tempfile::tempdir().map_err(io)?;
            let dir = folder.path().join("store");
            let store = Store::create(&dir, &Passphrase::new(PASSPHRASE), KdfCost::CHEAP);
            drop(store.map_err(|e| Failure::new(Exit::Io, e))?);
            let mut account = Account::default();
            for _ in 0..ROUNDS_A_STORE.min(args.rounds - round) {
                let lines: Vec<String> = (0..OPERATIONS)
                    .map(|at| operation(&mut dice, round, at).to_string())
                    .collect();
                let answers = run_and_kill(&program, &dir, &lines, &mut dice).map_err(io)?;
                tally.killed += u32::from(answers.len() < lines.len());
                check(
                    &dir,
                    &mut account,
                    &lines,
                    &answers,
                    &mut tally,
                    &mut opening,
                );
                round += 1;
            }
        }
        Ok(())
    });
    done?;
    let bad = tally.lost + tally.different + tally.unopened;
    let case = Case::new(
        "kill",
        format!("{} rounds, seed {seed}", args.rounds),
        samples,
    )
    .with("rounds", args.rounds)
    .with("killed_while_editing", tally.killed)
    .with("acknowledged", tally.acknowledged)
    .with("lost", tally.lost)
    .with("different", tally.different)
    .with("unopened", tally.unopened)
    .with("open_ms_median", quantile(&opening, 0.5))
    .with("open_ms_max", quantile(&opening, 1.0));
    cases.push(&case);
    if bad > 0 {
        return Err(Failure::new(
            Exit::Finding,
            format!("{bad} rounds went wrong"),
        ));
    }
    Ok(())
}

/// Starts `edit --stdin`, feeds it, kills it at a random moment; what it answered.
fn run_and_kill(
    program: &Path,
    dir: &Path,
    lines: &[String],
    dice: &mut Dice,
) -> std::io::Result<Vec<String>> {
    let mut child = Command::new(program)
        .args(["edit", "--stdin", "--passphrase-fd", "0", "--store"])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let text = format!("{PASSPHRASE}\n{}\n", lines.join("\n"));
    let writer = std::thread::spawn(move || {
        // The reader may be gone by then; that is the point.
        let _ = stdin.map(|mut stdin| stdin.write_all(text.as_bytes()));
    });
    let reader = std::thread::spawn(move || {
        let mut answers = Vec::new();
        let _ = stdout.map(|mut stdout| stdout.read_to_end(&mut answers));
        answers
    });
    // One in eight while it starts, the others anywhere among the edits.
    let moment = if dice.below(8) == 0 {
        dice.below(60_000)
    } else {
        60_000 + dice.below(700_000)
    };
    std::thread::sleep(Duration::from_micros(moment));
    child.kill()?;
    child.wait()?;
    let _ = writer.join();
    let answers = reader.join().unwrap_or_default();
    // A line without its end was not heard.
    let text = String::from_utf8_lossy(&answers);
    let whole = text
        .rfind('\n')
        .map_or("", |end| text.get(..end).unwrap_or(""));
    Ok(whole.lines().map(str::to_owned).collect())
}

/// Opens the store and holds it against the account, which goes on from what was found.
fn check(
    dir: &Path,
    account: &mut Account,
    lines: &[String],
    answers: &[String],
    tally: &mut Tally,
    opening: &mut Vec<f64>,
) {
    let begin = Instant::now();
    let store = Store::open(dir, &Passphrase::new(PASSPHRASE));
    opening.push(begin.elapsed().as_secs_f64() * 1e3);
    let Ok(store) = store else {
        tally.unopened += 1;
        return;
    };
    if store.journal_damage().is_some() {
        tally.unopened += 1;
    }
    let mut different = false;
    // Every answer is the one that the operation deserves.
    for (line, answer) in lines.iter().zip(answers) {
        let done = carry_out(account, line);
        different |= done != answer.starts_with("ACK ");
        tally.acknowledged += u64::from(done);
    }
    tally.lost += u32::from(store.commits() < account.commits);
    // What was on its way when the process died may be there or not.
    for line in lines.iter().skip(answers.len()) {
        if account.commits >= store.commits() {
            break;
        }
        carry_out(account, line);
    }
    different |= account.commits != store.commits() || !same(store.kept(), &account.kept);
    tally.different += u32::from(different);
}

/// Bit for bit: the texts of numbers tell all of them apart, also 0 and -0.
fn same(a: &Kept, b: &Kept) -> bool {
    a == b && operation::list(a).eq(operation::list(b))
}

/// Runs `bench replay`.
pub(super) fn replay(args: &ReplayArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::new(Exit::Io, error);
    let folder = tempfile::tempdir().map_err(|e| Failure::new(Exit::Io, e))?;
    let dir = folder.path().join("store");
    let pass = Passphrase::new(PASSPHRASE);
    let mut store = Store::create(&dir, &pass, KdfCost::CHEAP).map_err(failed)?;
    let target = AnnotationTarget {
        study_uid: "1.2.840.1".into(),
        series_uid: "1.2.840.1.1".into(),
        instance_uid: "1.2.840.1.1.1".into(),
        frame: 1,
        frame_of_reference_uid: "1.2.840.1.9".into(),
    };
    let mut dice = Dice(1);
    let mut edits = (0..args.commits).map(|number| {
        let points = [(); 2].map(|()| DVec3::new(dice.number(), dice.number(), dice.number()));
        let shape = Shape::new(MarkKind::Length, points);
        let id = AnnotationId(format!("{number:032}"));
        Edit::Add(Annotation::new(
            id,
            target.clone(),
            PointSpace::Patient,
            shape,
        ))
    });
    let mut writing = Samples::default();
    writing
        .run(|| edits.try_for_each(|edit| store.commit(&[edit]).map(drop)))
        .map_err(failed)?;
    let wrote = writing.best().unwrap_or_default();
    drop(store);
    let bytes = std::fs::metadata(dir.join("edits.journal")).map_or(0, |data| data.len());
    let mut samples = Samples::default();
    for _ in 0..args.repeat.max(1) {
        let store = samples.run(|| Store::open(&dir, &pass)).map_err(failed)?;
        if store.marks().len() != args.commits as usize {
            return Err(Failure::new(Exit::Finding, "marks are missing"));
        }
    }
    let case = Case::new("replay", format!("{} commits", args.commits), samples)
        .with("journal_bytes", bytes)
        .with("commit_ms", wrote / f64::from(args.commits.max(1)));
    cases.push(&case);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_are_of_every_kind_and_most_fit() {
        let (mut dice, mut account) = (Dice(3), Account::default());
        let mut done = 0;
        for at in 0..OPERATIONS {
            done += usize::from(carry_out(
                &mut account,
                &operation(&mut dice, 0, at).to_string(),
            ));
        }
        assert!(done > OPERATIONS / 2, "{done} fit");
        assert!(account.kept.marks.len() > 50);
        assert!(!account.kept.key_images.is_empty());
        assert!(!account.kept.read_status.is_empty() && !account.kept.reports.is_empty());
    }
}
