//! The words for a part of a series: `b=1000`, `TE 30 ms`, `phase 3 of 20`.

use crate::model::{
    facts::{Axis, FactKey},
    geometry::BodyPlane,
    layout::PartTerm,
};

/// A value of an attribute among those that a series was split by.
pub(super) struct Chosen<'a> {
    pub(super) axis: Axis,
    /// All values, in the order of the parts.
    pub(super) values: &'a [FactKey],
    /// Which one, from 0.
    pub(super) number: usize,
    /// The values differ from place to place; only their order counts.
    pub(super) ranked: bool,
}

fn made(
    key: &'static str,
    numbers: Vec<(&'static str, f64)>,
    word: String,
    text: String,
) -> PartTerm {
    PartTerm {
        key,
        numbers,
        word,
        text,
    }
}

/// A value with as many digits as it needs, at most two behind the point.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The term for a value.
pub(super) fn term(chosen: &Chosen<'_>) -> PartTerm {
    let (number, count) = (chosen.number + 1, chosen.values.len());
    let place = vec![("number", number as f64), ("count", count as f64)];
    let value = match chosen.values.get(chosen.number) {
        Some(FactKey::Number(value)) if !chosen.ranked => Some(*value as f64 / 1e4),
        _ => None,
    };
    // Rounded as shown, so that a translation shows the same.
    let rounded = value.map(|v| (v * 100.0).round() / 100.0);
    let with_value = |key, text: &dyn Fn(String) -> String| {
        let value = rounded?;
        let text = text(short(value));
        Some(made(key, vec![("value", value)], String::new(), text))
    };
    let found = match chosen.axis {
        Axis::ImageType => word_of_type(chosen.values, chosen.number)
            .map(|word| made("part-image-type", Vec::new(), word.clone(), word)),
        Axis::Kernel => match chosen.values.get(chosen.number) {
            Some(FactKey::Word(word)) => {
                let word = word.replace('\\', " ");
                let text = format!("kernel {word}");
                Some(made("part-kernel", Vec::new(), word, text))
            }
            _ => None,
        },
        Axis::DiffusionBValue => with_value("part-b-value", &|v| format!("b={v}")),
        Axis::DiffusionDirection => {
            // Where one of the values is "none", the others are counted without it.
            let absent = |key: &&FactKey| matches!(key, FactKey::Absent);
            let all = chosen.values.iter();
            let directions = all.clone().filter(|k| !absent(k)).count();
            match chosen.values.get(chosen.number) {
                Some(FactKey::Direction(_)) => {
                    let earlier = all.take(chosen.number).filter(|k| !absent(k)).count() + 1;
                    let numbers = vec![("number", earlier as f64), ("count", directions as f64)];
                    let text = format!("direction {earlier} of {directions}");
                    Some(made("part-direction", numbers, String::new(), text))
                }
                _ => {
                    let text = "no direction".to_owned();
                    Some(made("part-no-direction", Vec::new(), String::new(), text))
                }
            }
        }
        Axis::EchoTime => with_value("part-echo-time", &|v| format!("TE {v} ms")),
        Axis::EchoNumber => with_value("part-echo", &|v| format!("echo {v}")),
        Axis::InversionTime => with_value("part-inversion-time", &|v| format!("TI {v} ms")),
        Axis::FlipAngle => with_value("part-flip-angle", &|v| format!("flip angle {v}°")),
        Axis::Kvp => with_value("part-kvp", &|v| format!("{v} kV")),
        Axis::EnergyWindow => with_value("part-energy-window", &|v| format!("energy window {v}")),
        Axis::Detector => with_value("part-detector", &|v| format!("detector {v}")),
        Axis::CardiacPhase => with_value("part-cardiac-phase", &|v| format!("cardiac phase {v} %")),
        Axis::AcquisitionNumber => with_value("part-acquisition", &|v| format!("acquisition {v}")),
        Axis::TriggerTime => with_value("part-trigger-time", &|v| format!("phase at {v} ms")),
        Axis::TemporalPosition
        | Axis::GatedPhase
        | Axis::FrameReferenceTime
        | Axis::Dimensions
        | Axis::AcquisitionTime
        | Axis::ContentTime => None,
    };
    found.unwrap_or_else(|| {
        let text = format!("phase {number} of {count}");
        made("part-phase", place, String::new(), text)
    })
}

/// The values of an image type that it does not share with all the others: `M`, `P`, `ADC`.
fn word_of_type(values: &[FactKey], number: usize) -> Option<String> {
    let split = |key: &FactKey| -> Vec<String> {
        match key {
            FactKey::Word(word) => word.split('\\').map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    let all: Vec<Vec<String>> = values.iter().map(split).collect();
    let own = all.get(number)?;
    let differs = |at: usize| all.iter().any(|other| other.get(at) != own.get(at));
    let words: Vec<&str> = own
        .iter()
        .enumerate()
        .filter(|(at, word)| differs(*at) && !word.is_empty())
        .map(|(_, word)| word.as_str())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// One of several stacks that differ in how their planes lie.
pub(super) fn plane(body: BodyPlane, number: usize, count: usize) -> PartTerm {
    let key = match body {
        BodyPlane::Axial => "part-axial",
        BodyPlane::Coronal => "part-coronal",
        BodyPlane::Sagittal => "part-sagittal",
    };
    let numbers = vec![("number", number as f64), ("count", count as f64)];
    let text = format!("{}, plane {number} of {count}", body.word());
    made(key, numbers, String::new(), text)
}

/// One of several stacks that nothing tells apart.
pub(super) fn repeat(number: usize, count: usize) -> PartTerm {
    let numbers = vec![("number", number as f64), ("count", count as f64)];
    let text = format!("repeat {number} of {count}");
    made("part-repeat", numbers, String::new(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::Fact;

    #[test]
    fn terms_read_as_people_say_them() {
        let check = |axis, values: &[Fact], number, expected: &str| {
            let values: Vec<FactKey> = values.iter().map(Fact::key).collect();
            let chosen = Chosen {
                axis,
                values: &values,
                number,
                ranked: false,
            };
            assert_eq!(term(&chosen).text, expected);
        };
        let numbers = |all: &[f64]| -> Vec<Fact> { all.iter().map(|v| Fact::Number(*v)).collect() };
        check(Axis::DiffusionBValue, &numbers(&[0.0, 1000.0]), 1, "b=1000");
        check(Axis::EchoTime, &numbers(&[2.46, 30.0]), 0, "TE 2.46 ms");
        check(Axis::EchoTime, &numbers(&[2.46, 30.0]), 1, "TE 30 ms");
        check(
            Axis::TemporalPosition,
            &numbers(&[4.0, 9.0]),
            1,
            "phase 2 of 2",
        );
        check(
            Axis::TriggerTime,
            &numbers(&[12.5, 40.0]),
            0,
            "phase at 12.5 ms",
        );
        let types = [
            Fact::Word("ORIGINAL\\PRIMARY\\M\\ND".to_owned()),
            Fact::Word("ORIGINAL\\PRIMARY\\P\\ND".to_owned()),
        ];
        check(Axis::ImageType, &types, 0, "M");
        check(Axis::ImageType, &types, 1, "P");
        let directions = [
            Fact::Direction([1.0, 0.0, 0.0]),
            Fact::Direction([0.0, 1.0, 0.0]),
        ];
        check(Axis::DiffusionDirection, &directions, 1, "direction 2 of 2");
    }
}
