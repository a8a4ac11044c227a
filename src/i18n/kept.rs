//! Messages with arguments that were made lately: a window says the same ones sixty times a second.
//!
//! Each thread keeps its own, so that none waits for another one, and few, so that they cost little memory and what they
//! say of somebody is gone soon.

use super::{Language, Value};
use std::{cell::RefCell, collections::HashMap};

/// How many; after that all but those of late are forgotten.
const MESSAGES: usize = 256;
/// Longer ones are made anew each time, bytes of their arguments.
const LONGEST: usize = 200;

/// Messages by language, key and arguments: those of late, and those of the time before.
#[derive(Default)]
struct Kept {
    wanted: Vec<u8>,
    messages: [HashMap<Box<[u8]>, Option<String>>; 2],
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// The message that was made before from the very same, or the one that `make` makes.
pub(super) fn or_made(
    language: Language,
    key: &str,
    args: &[(&str, Value<'_>)],
    make: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let mut make = Some(make);
    let found = KEPT.try_with(|kept| {
        let mut kept = kept.try_borrow_mut().ok()?;
        kept.ask(language, key, args)?;
        let Kept {
            wanted,
            messages: [lately, before],
        } = &mut *kept;
        if let Some(message) = lately.get(wanted.as_slice()) {
            return Some(message.clone());
        }
        let message = match before.remove(wanted.as_slice()) {
            Some(message) => message,
            None => make.take().and_then(|make| make()),
        };
        if lately.len() >= MESSAGES {
            *before = std::mem::take(lately);
        }
        lately.insert(wanted.as_slice().into(), message.clone());
        Some(message)
    });
    match found {
        Ok(Some(message)) => message,
        // Too long to be kept, or the thread ends.
        _ => make.take().and_then(|make| make()),
    }
}

impl Kept {
    /// Writes down what is asked for, so that different questions differ; `None` for what is too long to be kept.
    fn ask(&mut self, language: Language, key: &str, args: &[(&str, Value<'_>)]) -> Option<()> {
        let wanted = &mut self.wanted;
        wanted.clear();
        wanted.push(language as u8);
        text(wanted, key);
        for (name, value) in args {
            text(wanted, name);
            match value {
                Value::Text(words) => {
                    wanted.push(0);
                    text(wanted, words);
                }
                Value::Number(number) => {
                    wanted.push(1);
                    wanted.extend(number.to_bits().to_le_bytes());
                }
                Value::Fixed(number, digits) => {
                    wanted.extend([2, *digits]);
                    wanted.extend(number.to_bits().to_le_bytes());
                }
            }
        }
        (wanted.len() <= LONGEST).then_some(())
    }
}

/// A text with its length before it: where it ends is no question of what it holds.
fn text(wanted: &mut Vec<u8>, words: &str) {
    wanted.extend(words.len().to_le_bytes());
    wanted.extend(words.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn made(args: &[(&str, Value<'_>)], times: &Cell<usize>) -> Option<String> {
        or_made(Language::English, "some-key", args, || {
            times.set(times.get() + 1);
            Some(format!("{args:?}"))
        })
    }

    #[test]
    fn the_same_question_is_answered_once_and_every_other_one_anew() {
        let times = Cell::new(0);
        let questions: Vec<Vec<(&str, Value<'_>)>> = vec![
            vec![],
            vec![("a", "b".into())],
            vec![("ab", "".into())],
            vec![("a", 1.0.into())],
            vec![("a", Value::Fixed(1.0, 0))],
            vec![("a", Value::Fixed(1.0, 1))],
            vec![("a", "1".into())],
            vec![("a", "b".into()), ("c", "d".into())],
            vec![("a", (-0.0).into())],
            vec![("a", 0.0.into())],
        ];
        for _ in 0..3 {
            for args in &questions {
                assert_eq!(made(args, &times), Some(format!("{args:?}")));
            }
        }
        assert_eq!(times.get(), questions.len());
    }

    #[test]
    fn few_are_kept_and_long_ones_are_not() {
        let times = Cell::new(0);
        for n in 0..3 * MESSAGES {
            made(&[("n", n.into())], &times);
            // What is asked for again and again stays.
            made(&[("always", "there".into())], &times);
        }
        assert_eq!(times.get(), 3 * MESSAGES + 1);
        KEPT.with_borrow(|kept| {
            let count: usize = kept.messages.iter().map(HashMap::len).sum();
            assert!(count <= 2 * MESSAGES, "{count}");
        });
        let long = "x".repeat(LONGEST);
        times.set(0);
        for _ in 0..3 {
            made(&[("long", long.as_str().into())], &times);
        }
        assert_eq!(times.get(), 3);
    }

    #[test]
    fn a_message_may_be_made_from_another_one() {
        let inner = || or_made(Language::English, "inner", &[], || Some("in".to_owned()));
        let outer = or_made(Language::English, "outer", &[], || Some(inner()? + "side"));
        assert_eq!(outer.as_deref(), Some("inside"));
    }
}
