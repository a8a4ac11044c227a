//! Whether what people wrote names the other side of the body than the laterality attributes do.
//!
//! Must stay true: no alarm where a text only describes a projection ("left lateral") or where a letter means something
//! else ("L spine"). So a side counts only beside a part of the body that there are two of.

use crate::model::finding::{Finding, Severity};

/// Parts that there are two of, and the views of one breast, in capitals.
const PAIRED: &[&str] = &[
    "ANKLE",
    "ARM",
    "BREAST",
    "CALCANEUS",
    "CALF",
    "CC",
    "CLAVICLE",
    "EAR",
    "ELBOW",
    "EYE",
    "FEMUR",
    "FIBULA",
    "FINGER",
    "FOOT",
    "FOREARM",
    "HAND",
    "HEEL",
    "HIP",
    "HUMERUS",
    "KNEE",
    "LEG",
    "MLO",
    "ORBIT",
    "PATELLA",
    "SCAPULA",
    "SHOULDER",
    "THIGH",
    "THUMB",
    "TIBIA",
    "TOE",
    "ULNA",
    "WRIST",
];

/// The same in hanzi; one character each.
const PAIRED_HANZI: &str = "膝手足踝腕肘肩髋股胫腿臂眼耳乳指趾";

/// Words that name a side, and words that do so only directly beside a paired part.
const LEFT: &[&str] = &["LEFT", "LINKS", "GAUCHE"];
const RIGHT: &[&str] = &["RIGHT", "RECHTS", "DROIT", "DROITE"];
const LEFT_SHORT: &[&str] = &["LT", "L"];
const RIGHT_SHORT: &[&str] = &["RT", "R"];

/// Words behind a side that make it one of the projection.
const PROJECTION: &[&str] = &[
    "LATERAL",
    "LAT",
    "ANTERIOR",
    "POSTERIOR",
    "OBLIQUE",
    "DECUBITUS",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    const fn letter(self) -> &'static str {
        match self {
            Self::Left => "L",
            Self::Right => "R",
        }
    }
}

/// Compares the side of the attributes (`L` or `R`; PS3.3 C.7.3.1, C.8.11.1.1.2) with texts of the series.
pub(super) fn check(laterality: &str, texts: &[&str]) -> Option<Finding> {
    let declared = match laterality {
        "L" => Side::Left,
        "R" => Side::Right,
        _ => return None,
    };
    let said = side_of(texts).filter(|side| *side != declared)?;
    let text = format!(
        "the laterality attribute says {} and the text of the series {}",
        declared.letter(),
        said.letter()
    );
    Some(
        Finding::new("LATERALITY_TEXT", Severity::Warning, text)
            .with_term("attribute", declared.letter())
            .with_term("text", said.letter()),
    )
}

/// The one side that texts name; `None` when they name none, or both.
fn side_of(texts: &[&str]) -> Option<Side> {
    let mut found = [false; 2];
    let mut note = |side: Side| {
        if let Some(slot) = found.get_mut(side as usize) {
            *slot = true;
        }
    };
    // Words of all texts; an empty one between them, so that nothing is beside what stands in another text.
    let upper: Vec<String> = texts.iter().map(|t| t.to_uppercase()).collect();
    let words: Vec<&str> = upper
        .iter()
        .flat_map(|t| {
            let words = t.split(|c: char| !c.is_alphanumeric());
            words.filter(|w| !w.is_empty()).chain([""])
        })
        .collect();
    let paired = |word: Option<&&str>| {
        word.is_some_and(|w| PAIRED.contains(w) || PAIRED.contains(&w.trim_end_matches('S')))
    };
    let anywhere = words.iter().any(|w| paired(Some(w)));
    for (i, word) in words.iter().enumerate() {
        let next = words.get(i + 1);
        let beside = paired(next) || (i > 0 && paired(words.get(i - 1)));
        let of_projection = next.is_some_and(|w| PROJECTION.contains(w));
        let long = anywhere && !of_projection;
        if (long && LEFT.contains(word)) || (beside && LEFT_SHORT.contains(word)) {
            note(Side::Left);
        }
        if (long && RIGHT.contains(word)) || (beside && RIGHT_SHORT.contains(word)) {
            note(Side::Right);
        }
        // Views of a breast in one word: LCC, RMLO.
        match word.split_at_checked(1) {
            Some(("L", "CC" | "MLO")) => note(Side::Left),
            Some(("R", "CC" | "MLO")) => note(Side::Right),
            _ => {}
        }
    }
    if texts
        .iter()
        .any(|t| t.contains(|c: char| PAIRED_HANZI.contains(c)))
    {
        for text in texts {
            if text.contains('左') {
                note(Side::Left);
            }
            if text.contains('右') {
                note(Side::Right);
            }
        }
    }
    match found {
        [true, false] => Some(Side::Left),
        [false, true] => Some(Side::Right),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_counts_beside_a_paired_part_only() {
        let check = |texts: &[&str], expected: Option<Side>| {
            assert_eq!(side_of(texts), expected, "{texts:?}");
        };
        check(&["LEFT KNEE"], Some(Side::Left));
        check(&["Knee, right, AP"], Some(Side::Right));
        check(&["RT HAND"], Some(Side::Right));
        check(&["HAND R"], Some(Side::Right));
        check(&["L-ANKLE 2 views"], Some(Side::Left));
        check(&["左膝正侧位"], Some(Side::Left));
        check(&["右 手"], Some(Side::Right));
        check(&["LEFT AP", "", "KNEE"], Some(Side::Left));
        check(&["R MLO"], Some(Side::Right));
        check(&["LCC"], Some(Side::Left));
        check(&["hands left"], Some(Side::Left));
        for quiet in [
            "L SPINE",
            "LEFT LATERAL CHEST",
            "CHEST RIGHT ANTERIOR OBLIQUE",
            "RT PLAN KNEE",
            "LEFT AND RIGHT KNEE",
            "BOTH HANDS",
            "左右膝",
            "左侧位胸",
            "LEFT LATERAL KNEE",
            "ARMS DOWN",
            "THORAX LEFT VENTRICLE",
            "",
        ] {
            check(&[quiet], None);
        }
        // A letter is not beside what stands in another text.
        check(&["AP L", "HAND"], None);
    }

    #[test]
    fn only_another_side_is_an_alarm() {
        let code = |laterality: &str, text: &str| check(laterality, &[text]).map(|f| f.code);
        assert_eq!(code("R", "LEFT KNEE"), Some("LATERALITY_TEXT"));
        assert_eq!(code("L", "LEFT KNEE"), None);
        assert_eq!(code("B", "LEFT KNEE"), None);
        assert_eq!(code("", "LEFT KNEE"), None);
    }
}
