//! Names of protocols and stages, and how long ago a prior was.

use crate::{i18n::Language, workspace::state::Hangs};

/// The name of a protocol or stage: a user's own as it was written, a built-in one in the user's language.
pub fn name(words: Language, name: &str, own: bool) -> String {
    if own {
        return name.to_owned();
    }
    words.find(name, &[]).unwrap_or_else(|| name.to_owned())
}

/// What hangs: protocol, stage and how many there are.
pub fn hangs(words: Language, hangs: &Hangs) -> String {
    let protocol = name(words, &hangs.name, hangs.own);
    let stage = name(words, &hangs.stage_name, hangs.own);
    words.tr(
        "hanging-now",
        &[
            ("protocol", protocol.as_str().into()),
            ("stage", stage.as_str().into()),
        ],
    )
}

/// How long before: days, months or years, whichever is read at a glance.
pub fn before(words: Language, days: i64) -> String {
    let whole = |days_each: f64| ((days as f64) / days_each).floor().max(1.0);
    match days {
        ..=0 => words.word("overlay-prior-same-day").to_owned(),
        1..60 => words.tr("overlay-prior-days", &[("count", (days as f64).into())]),
        60..730 => words.tr("overlay-prior-months", &[("count", whole(30.4375).into())]),
        _ => words.tr("overlay-prior-years", &[("count", whole(365.25).into())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_at_a_glance() {
        for (days, expected) in [
            (0, "Prior, earlier that day"),
            (1, "Prior, 1 day earlier"),
            (59, "Prior, 59 days earlier"),
            (60, "Prior, 1 month earlier"),
            (365, "Prior, 11 months earlier"),
            (729, "Prior, 23 months earlier"),
            (731, "Prior, 2 years earlier"),
            (4000, "Prior, 10 years earlier"),
        ] {
            let text = before(Language::English, days);
            let plain: String = text
                .chars()
                .filter(|c| !matches!(c, '\u{2068}' | '\u{2069}'))
                .collect();
            assert_eq!(plain, expected, "{days}");
        }
    }
}
