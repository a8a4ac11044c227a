//! `negatoscope queue`: which studies are to be labelled, by whom, how far each is, how long it took. docs/queue.md.

use super::{Common, Exit, Output, list::studies_found, store as store_cli};
use crate::model::queue::{Case, CaseQueue, CaseState, QueueProgress};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Arguments of `queue`.
#[derive(Debug, Args)]
pub struct QueueArgs {
    #[command(subcommand)]
    command: QueueCommand,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    /// Put studies of the store into the queue
    Add(AddArgs),
    /// All cases, in order
    List(ReaderArgs),
    /// The next case of a reader
    Next(NextArgs),
    /// Say how far cases are
    State(StateArgs),
    /// How many cases are how far, and how long they took
    Progress(ReaderArgs),
    /// Take cases out of the queue; what was drawn stays
    Remove(RemoveArgs),
    /// Whether readers see what others drew and said
    Blind(BlindArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Studies by their Study Instance UID
    #[arg(long, value_name = "UID")]
    study: Vec<String>,
    /// Studies that a search finds, as `list --query`; an empty text finds all
    #[arg(long, value_name = "TEXT", conflicts_with = "study")]
    query: Option<String>,
    /// Accounts that each of them is for: a case each (default: whoever comes first)
    #[arg(long, value_name = "NAME")]
    to: Vec<String>,
}

#[derive(Debug, Args)]
struct ReaderArgs {
    /// Only cases of this account, and those for everybody
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

#[derive(Debug, Args)]
struct NextArgs {
    /// Account (default: the one that opens the store)
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Behind this study
    #[arg(long, value_name = "UID")]
    behind: Option<String>,
    /// The next one that is flagged
    #[arg(long)]
    flagged: bool,
}

#[derive(Debug, Args)]
struct StateArgs {
    /// waiting, in-progress, flagged, done
    #[arg(value_parser = parse_state)]
    state: CaseState,
    /// Study Instance UID
    #[arg(long, value_name = "UID", required = true)]
    study: Vec<String>,
    /// Account (default: the one that opens the store)
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// Study Instance UID; without one all cases
    #[arg(long, value_name = "UID")]
    study: Vec<String>,
}

#[derive(Debug, Args)]
struct BlindArgs {
    /// on or off
    #[arg(value_name = "on|off", action = clap::ArgAction::Set, value_parser = parse_switch)]
    on: bool,
}

fn parse_state(text: &str) -> Result<CaseState, String> {
    let names = CaseState::ALL.map(CaseState::name).join(", ");
    CaseState::named(text).ok_or_else(|| format!("a state is one of {names}"))
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

/// Runs `queue`.
pub fn run(args: &QueueArgs, common: &Common, out: &mut Output) -> Exit {
    let mut store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    let mut queue = match store.case_queue() {
        Ok(queue) => queue,
        Err(error) => return store_cli::report(&error, out),
    };
    let before = queue.clone();
    let me = match store.user() {
        name if name.eq_ignore_ascii_case(crate::store::accounts::OWNER) => String::new(),
        name => name.to_owned(),
    };
    let exit = match &args.command {
        QueueCommand::Add(args) => match add(args, &store, &mut queue, common, out) {
            Ok(()) => Exit::Done,
            Err(exit) => exit,
        },
        QueueCommand::List(args) => {
            list(&queue, args.reader.as_deref(), common, out);
            Exit::Done
        }
        QueueCommand::Next(args) => {
            let reader = args.reader.as_deref().unwrap_or(&me);
            let next = queue.next(reader, args.behind.as_deref(), args.flagged);
            match next.and_then(|at| queue.cases.get(at)) {
                Some(case) => {
                    tell(case, common, out);
                    Exit::Done
                }
                None => {
                    out.note("no case is left");
                    Exit::Finding
                }
            }
        }
        QueueCommand::State(args) => {
            let reader = args.reader.as_deref().unwrap_or(&me);
            state(args, reader, &mut queue, out)
        }
        QueueCommand::Progress(args) => {
            progress(&queue.progress(args.reader.as_deref()), common, out);
            Exit::Done
        }
        QueueCommand::Remove(args) => {
            let gone = |case: &Case| args.study.is_empty() || args.study.contains(&case.study_uid);
            queue.cases.retain(|case| !gone(case));
            counted(
                "removed",
                before.cases.len() - queue.cases.len(),
                common,
                out,
            );
            Exit::Done
        }
        QueueCommand::Blind(args) => {
            queue.blind = args.on;
            Exit::Done
        }
    };
    if queue != before
        && let Err(error) = store.set_case_queue(&queue)
    {
        return store_cli::report(&error, out);
    }
    exit
}

fn counted(what: &str, count: usize, common: &Common, out: &mut Output) {
    match common.json {
        true => out.json(&json!({ what: count })),
        false => out.line(format!("{count} cases {what}")),
    }
}

fn add(
    args: &AddArgs,
    store: &crate::store::Store,
    queue: &mut CaseQueue,
    common: &Common,
    out: &mut Output,
) -> Result<(), Exit> {
    let found = studies_found(
        store,
        args.query.as_deref().unwrap_or_default(),
        common,
        out,
    )?;
    let uids: Vec<String> = match &args.query {
        Some(_) => found,
        None if args.study.is_empty() => {
            out.error("name studies with --study, or search with --query");
            return Err(Exit::Usage);
        }
        None => {
            if let Some(unknown) = args.study.iter().find(|uid| !found.contains(uid)) {
                out.error(format!("the store knows no study {unknown}"));
                return Err(Exit::Rejected);
            }
            args.study.clone()
        }
    };
    let mut added = 0;
    for uid in &uids {
        match args.to.is_empty() {
            true => added += usize::from(queue.add(uid, "")),
            false => {
                for reader in &args.to {
                    added += usize::from(queue.add(uid, reader));
                }
            }
        }
    }
    counted("added", added, common, out);
    Ok(())
}

fn state(args: &StateArgs, reader: &str, queue: &mut CaseQueue, out: &mut Output) -> Exit {
    let now = jiff::Timestamp::now().as_millisecond();
    let mut missing = 0;
    for uid in &args.study {
        match queue.find(uid, reader) {
            Some(at) => {
                queue.set_state(at, args.state, now);
            }
            None => {
                missing += 1;
                out.error(format!("no case of this reader: {uid}"));
            }
        }
    }
    match missing {
        0 => Exit::Done,
        n if n == args.study.len() => Exit::Rejected,
        _ => Exit::Finding,
    }
}

fn case_json(case: &Case, common: &Common) -> Value {
    json!({
        "study_instance_uid": case.study_uid,
        "reader": name(&case.reader, common),
        "state": case.state.name(),
        "active_seconds": seconds(case.active_ms),
        "changed_ms": case.changed_ms,
    })
}

/// Accounts are names of people.
fn name<'a>(reader: &'a str, common: &Common) -> &'a str {
    match reader.is_empty() || common.show_phi {
        true => reader,
        false => "[redacted]",
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn tell(case: &Case, common: &Common, out: &mut Output) {
    if common.json {
        out.json(&case_json(case, common));
        return;
    }
    let reader = match case.reader.is_empty() {
        true => "anybody",
        false => name(&case.reader, common),
    };
    out.line(format!(
        "{}  {:<11}  {:>7.0} s  {reader}",
        case.study_uid,
        case.state.name(),
        seconds(case.active_ms),
    ));
}

fn list(queue: &CaseQueue, reader: Option<&str>, common: &Common, out: &mut Output) {
    let mine =
        |case: &&Case| reader.is_none_or(|reader| case.reader.is_empty() || case.reader == reader);
    for case in queue.cases.iter().filter(mine) {
        tell(case, common, out);
    }
    if common.json {
        let progress = progress_json(&queue.progress(reader));
        out.json(&json!({"summary": progress, "blind": queue.blind}));
    }
}

fn progress_json(progress: &QueueProgress) -> Value {
    let mut value = json!({
        "cases": progress.all,
        "percent": progress.percent(),
        "active_seconds": seconds(progress.active_ms),
        "mean_seconds": progress.mean_ms().map(seconds),
    });
    if let Some(map) = value.as_object_mut() {
        for (state, count) in CaseState::ALL.iter().zip(progress.by_state) {
            map.insert(state.name().replace('-', "_"), count.into());
        }
    }
    value
}

fn progress(progress: &QueueProgress, common: &Common, out: &mut Output) {
    if common.json {
        return out.json(&progress_json(progress));
    }
    let states: Vec<String> = CaseState::ALL
        .iter()
        .zip(progress.by_state)
        .map(|(state, count)| format!("{count} {}", state.name()))
        .collect();
    let mean = progress
        .mean_ms()
        .map_or(String::new(), |ms| format!(", {:.0} s a case", seconds(ms)));
    out.line(format!(
        "{} %: {} of {} ({}){mean}",
        progress.percent(),
        progress.done(),
        progress.all,
        states.join(", "),
    ));
}
