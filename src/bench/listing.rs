//! As-you-type search over many studies, as the window does it, beside looking at every row anew.

use super::{
    Cases, Failure,
    measure::{Case, Samples, quantile},
    people::{MODALITIES, REGIONS, dice, person},
    process,
};
use crate::{
    console::{Common, Exit},
    model::{date::Date, identity::Phi, worklist::Priority},
    workspace::{
        library::Library,
        study_list::{
            Sort, StudyEntry,
            row::key_of,
            seek::{Desk, Question},
        },
    },
};
use clap::Args;
use std::sync::Arc;

/// Arguments of `bench list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Studies in the list
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    studies: usize,
    /// How often each text is typed
    #[arg(long, value_name = "N", default_value_t = 5)]
    repeat: usize,
}

/// What is typed, letter by letter: rare, common, two words, hanzi, a number, a date, with a narrowing word, nothing.
const TYPED: [&str; 9] = [
    "petrov anna",
    "wang",
    "chest ct",
    "张伟",
    "p0042",
    "2024-05",
    "status:new knee mr",
    "modality:US li",
    "zzzzzzzz",
];

/// Runs `bench list`.
pub(super) fn run(args: &ListArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    if args.studies == 0 {
        return Err(Failure::new(Exit::Usage, "there is nothing to search"));
    }
    let seed = common.seed.unwrap_or(1);
    let stored = Arc::new(studies(seed, args.studies));
    let library: Arc<Library> = Arc::default();
    let question = |text: &str| Question {
        number: 1,
        library: Arc::clone(&library),
        stored: Arc::clone(&stored),
        statuses: Arc::default(),
        text: text.to_owned(),
        today: Date::parse("20260316"),
        sort: Sort::default(),
    };
    process::forget_peak();
    let (mut build, mut keys, mut naive) =
        (Samples::default(), Samples::default(), Samples::default());
    let mut desk = Desk::default();
    for _ in 0..args.repeat.max(1) {
        desk = build.run(|| {
            let mut desk = Desk::default();
            desk.answer(question(""));
            desk
        });
    }
    let mut found = 0;
    for _ in 0..args.repeat.max(1) {
        for typed in TYPED {
            desk.answer(question(""));
            for end in typed.char_indices().map(|(at, c)| at + c.len_utf8()) {
                let text = typed.get(..end).unwrap_or_default();
                found += keys.run(|| desk.answer(question(text))).rows.len();
            }
            // The last letter alone, without any index.
            if !typed.contains(':') {
                let rows = naive.run(|| look_at_all(&stored, typed));
                let indexed = desk.answer(question(typed)).rows.len();
                if rows > indexed {
                    let text = format!("`{typed}` finds {indexed}, looking at all finds {rows}");
                    return Err(Failure::new(Exit::Internal, text));
                }
            }
        }
    }
    let input = format!("{} studies", args.studies);
    let slowest = quantile(&keys.wall_ms, 1.0);
    let plain = quantile(&naive.wall_ms, 0.5);
    let ratio = slowest.zip(plain).map(|(a, b)| a / b);
    let mut case = Case::new("list-index", input.clone(), build);
    case.frames = Some(args.studies as u64);
    cases.push(&case);
    let mut case = Case::new("list-key", input.clone(), keys.clone())
        .with("p99_ms", quantile(&keys.wall_ms, 0.99))
        .with("slowest_ms", slowest)
        .with("slowest_to_plain", ratio)
        .with("found", found);
    case.frames = Some(keys.wall_ms.len() as u64);
    cases.push(&case);
    cases.push(&Case::new("list-plain", input, naive));
    Ok(())
}

/// Lower-cases what each row says and looks for the words in it, once a letter.
fn look_at_all(entries: &[StudyEntry], typed: &str) -> usize {
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let fits = |entry: &&StudyEntry| {
        let name = entry.patient.name.reveal();
        let text = format!(
            "{} {} {} {} {} {} {}",
            name.alphabetic.to_lowercase(),
            name.ideographic.replace('^', ""),
            entry.patient.id.reveal().to_lowercase(),
            entry.accession.reveal().to_lowercase(),
            entry.description.to_lowercase(),
            entry.modalities.join(" ").to_lowercase(),
            entry.date.map(|d| d.to_string()).unwrap_or_default(),
        );
        words.iter().all(|word| text.contains(word.as_str()))
    };
    entries.iter().filter(fits).count()
}

/// Made-up studies: about three a patient, over eleven years.
pub(super) fn studies(seed: u64, count: usize) -> Vec<StudyEntry> {
    let mut next = dice(seed);
    let people: Vec<_> = (0..count.div_ceil(3))
        .map(|number| Arc::new(person(number, &mut next)))
        .collect();
    (0..count)
        .map(|number| {
            let patient = Arc::clone(&people[next(people.len())]);
            let modality = MODALITIES[next(MODALITIES.len())];
            let uid = format!("2.25.{seed}.{number}");
            let date = Date {
                year: 2016 + next(11) as u16,
                month: 1 + next(12) as u8,
                day: 1 + next(28) as u8,
            };
            StudyEntry {
                key: key_of(&uid, &patient),
                patient,
                uid,
                date: Some(date),
                time: format!("{:02}:{:02}:00", next(24), next(60)),
                description: format!("{} {modality}", REGIONS[next(REGIONS.len())]),
                accession: Phi::new(format!("ACC{:08}", next(100_000_000))),
                modalities: vec![modality.to_owned()],
                images: 1 + next(900),
                priority: Priority::Unknown,
                open: false,
                held: Default::default(),
            }
        })
        .collect()
}
