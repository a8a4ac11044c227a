//! What people write in descriptions, read as parts of the body, views, sides, sequences and planes.
//!
//! Must stay true: attributes count over words, and a word that may mean several things means nothing.

use crate::model::geometry::BodyPlane;
use serde::{Deserialize, Serialize};

/// A region of the body, coarse enough that every hospital's words fall into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// Skull and brain, face, orbits, sinuses.
    Head,
    /// Neck.
    Neck,
    /// Thorax and lungs.
    Chest,
    /// Heart and great vessels.
    Heart,
    /// Breasts.
    Breast,
    /// Abdomen.
    Abdomen,
    /// Pelvis.
    Pelvis,
    /// Any part of the spine.
    Spine,
    /// Shoulder to fingers.
    UpperLimb,
    /// Hip to toes.
    LowerLimb,
    /// All of it.
    WholeBody,
}

impl Region {
    /// The word of protocol files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Neck => "neck",
            Self::Chest => "chest",
            Self::Heart => "heart",
            Self::Breast => "breast",
            Self::Abdomen => "abdomen",
            Self::Pelvis => "pelvis",
            Self::Spine => "spine",
            Self::UpperLimb => "upper-limb",
            Self::LowerLimb => "lower-limb",
            Self::WholeBody => "whole-body",
        }
    }

    /// The region with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        REGIONS.iter().copied().find(|r| r.word() == word)
    }

    /// Whether an examination of one usually shows something of the other.
    pub fn is_near(self, other: Self) -> bool {
        use Region::{Abdomen, Chest, Head, Heart, Neck, Pelvis, WholeBody};
        let near = |a, b| {
            matches!(
                (a, b),
                (Chest, Heart) | (Chest, Abdomen) | (Abdomen, Pelvis) | (Head, Neck)
            ) || a == WholeBody
        };
        self == other || near(self, other) || near(other, self)
    }
}

/// All regions.
pub const REGIONS: [Region; 11] = [
    Region::Head,
    Region::Neck,
    Region::Chest,
    Region::Heart,
    Region::Breast,
    Region::Abdomen,
    Region::Pelvis,
    Region::Spine,
    Region::UpperLimb,
    Region::LowerLimb,
    Region::WholeBody,
];

/// A part of the body: its region, and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyPart {
    /// Coarse.
    pub region: Region,
    /// Fine: one word of the table below.
    pub name: &'static str,
}

/// Part, region, words that name it. Words of Body Part Examined (PS3.16 Annex L) and of descriptions; hanzi too.
const PARTS: &[(&str, Region, &[&str])] = &[
    (
        "whole-body",
        Region::WholeBody,
        &["wholebody", "totalbody", "全身"],
    ),
    ("trunk", Region::WholeBody, &["cap", "胸腹", "胸腹盆"]),
    ("head-neck", Region::Neck, &["headneck", "头颈"]),
    (
        "brain",
        Region::Head,
        &["brain", "cerebral", "neuro", "schadel", "脑"],
    ),
    ("sinus", Region::Head, &["sinus", "sinuses", "鼻窦"]),
    ("orbit", Region::Head, &["orbit", "orbits", "eye", "眼"]),
    (
        "jaw",
        Region::Head,
        &["jaw", "mandible", "maxilla", "dental", "tooth", "颌", "牙"],
    ),
    (
        "head",
        Region::Head,
        &[
            "head", "skull", "cranium", "face", "temporal", "kopf", "tete", "头", "颅",
        ],
    ),
    (
        "cspine",
        Region::Spine,
        &["cspine", "cervicalspine", "颈椎"],
    ),
    (
        "tspine",
        Region::Spine,
        &["tspine", "thoracicspine", "dorsalspine", "胸椎"],
    ),
    (
        "lspine",
        Region::Spine,
        &[
            "lspine",
            "lsspine",
            "lumbarspine",
            "lumbar",
            "lumbosacral",
            "腰椎",
        ],
    ),
    (
        "sacrum",
        Region::Spine,
        &["sspine", "sacrum", "coccyx", "骶"],
    ),
    (
        "spine",
        Region::Spine,
        &["spine", "wirbelsaule", "脊柱", "脊"],
    ),
    (
        "neck",
        Region::Neck,
        &["neck", "thyroid", "larynx", "carotid", "颈", "甲状腺"],
    ),
    (
        "heart",
        Region::Heart,
        &[
            "heart",
            "cardiac",
            "coronary",
            "cardio",
            "smartscore",
            "echocardiogram",
            "心",
            "冠脉",
        ],
    ),
    (
        "breast",
        Region::Breast,
        &["breast", "mammo", "mammography", "mamma", "乳"],
    ),
    (
        "chest",
        Region::Chest,
        &[
            "chest",
            "thorax",
            "lung",
            "lungs",
            "thoracic",
            "rib",
            "ribs",
            "pulmonary",
            "mediastinum",
            "胸",
            "肺",
        ],
    ),
    (
        "abdomen",
        Region::Abdomen,
        &[
            "abdomen",
            "abdominal",
            "liver",
            "kidney",
            "kidneys",
            "pancreas",
            "spleen",
            "bowel",
            "colon",
            "abdo",
            "腹",
            "肝",
            "肾",
        ],
    ),
    (
        "pelvis",
        Region::Pelvis,
        &[
            "pelvis",
            "pelvic",
            "prostate",
            "bladder",
            "uterus",
            "rectum",
            "盆",
            "前列腺",
        ],
    ),
    (
        "shoulder",
        Region::UpperLimb,
        &["shoulder", "clavicle", "scapula", "肩"],
    ),
    (
        "arm",
        Region::UpperLimb,
        &["arm", "humerus", "forearm", "radius", "ulna"],
    ),
    ("elbow", Region::UpperLimb, &["elbow", "肘"]),
    ("wrist", Region::UpperLimb, &["wrist", "腕"]),
    (
        "hand",
        Region::UpperLimb,
        &["hand", "finger", "thumb", "手"],
    ),
    ("hip", Region::LowerLimb, &["hip", "hips", "髋"]),
    (
        "leg",
        Region::LowerLimb,
        &[
            "leg", "thigh", "femur", "tibia", "fibula", "calf", "股", "胫",
        ],
    ),
    ("knee", Region::LowerLimb, &["knee", "patella", "膝"]),
    ("ankle", Region::LowerLimb, &["ankle", "踝"]),
    (
        "foot",
        Region::LowerLimb,
        &["foot", "toe", "calcaneus", "heel", "足"],
    ),
];

/// A side of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Right.
    R,
    /// Left.
    L,
}

/// A family of magnetic resonance sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequence {
    /// T1 weighted.
    T1,
    /// T1 weighted after contrast medium.
    T1Contrast,
    /// T2 weighted.
    T2,
    /// T2* or susceptibility weighted.
    T2Star,
    /// Proton density.
    Pd,
    /// Fluid suppressed.
    Flair,
    /// Fat suppressed by inversion.
    Stir,
    /// Diffusion weighted.
    Dwi,
    /// Apparent diffusion coefficient.
    Adc,
    /// Angiography.
    Angio,
    /// Perfusion and other series in time.
    Perfusion,
}

impl Sequence {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::T1,
        Self::T1Contrast,
        Self::T2,
        Self::T2Star,
        Self::Pd,
        Self::Flair,
        Self::Stir,
        Self::Dwi,
        Self::Adc,
        Self::Angio,
        Self::Perfusion,
    ];

    /// The word of protocol files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::T1 => "t1",
            Self::T1Contrast => "t1-contrast",
            Self::T2 => "t2",
            Self::T2Star => "t2-star",
            Self::Pd => "pd",
            Self::Flair => "flair",
            Self::Stir => "stir",
            Self::Dwi => "dwi",
            Self::Adc => "adc",
            Self::Angio => "angio",
            Self::Perfusion => "perfusion",
        }
    }

    /// The sequence with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// The words of a text: runs of letters and digits in lower case; what is not ASCII is searched as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    tokens: Vec<String>,
    text: String,
}

impl Words {
    /// The words of texts. What stands in two texts is two words.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = Self::default();
        for text in texts {
            // A description is short; more of it says nothing more.
            let text: String = text.chars().take(256).collect::<String>().to_lowercase();
            words.tokens.extend(
                text.split(|c: char| !c.is_ascii_alphanumeric())
                    .filter(|t| !t.is_empty())
                    .map(str::to_owned),
            );
            words.text.push_str(&text);
            words.text.push('\n');
        }
        words
    }

    /// The words in ASCII, in their order.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether a word stands there: as a whole, or as the beginning of a longer one where that is not another thing
    /// ("t1" begins "t1w", but not "t10", the vertebra).
    pub fn has(&self, word: &str) -> bool {
        let word = word.trim().to_lowercase();
        if word.is_empty() {
            return false;
        }
        if !word.chars().all(|c| c.is_ascii_alphanumeric()) {
            return self.text.contains(&word);
        }
        self.tokens.iter().any(|token| {
            let Some(rest) = token.strip_prefix(word.as_str()) else {
                return false;
            };
            let next = rest.chars().next();
            match next {
                None => true,
                Some(c) if word.ends_with(|c: char| c.is_ascii_digit()) => !c.is_ascii_digit(),
                Some(_) => word.len() >= 4,
            }
        })
    }

    /// Whether one of these words stands there.
    pub fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.has(w))
    }
}

/// The part of the body: of the attribute first, then of the words, then of the study's.
pub fn body_part(attribute: &str, series: &Words, study: &Words) -> Option<BodyPart> {
    let squeezed: String = attribute
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    let own = Words::of([squeezed.as_str(), attribute]);
    [&own, series, study].into_iter().find_map(part_in)
}

fn part_in(words: &Words) -> Option<BodyPart> {
    // "C spine" is two words for one part.
    let two: Vec<String> = words.tokens.windows(2).map(|pair| pair.concat()).collect();
    let find = |(name, region, names): &(&'static str, Region, &[&str])| {
        let named = names.iter().any(|n| {
            if n.is_ascii() {
                words.tokens.iter().chain(&two).any(|t| t == n)
            } else {
                words.text.contains(n)
            }
        });
        named.then_some(BodyPart {
            region: *region,
            name,
        })
    };
    PARTS.iter().find_map(find)
}

/// Which side: of the attribute, else of the words beside a paired part (`R CC`, `RMLO`, `LT KNEE`).
pub fn side(attribute: &str, words: &Words) -> Option<Side> {
    match attribute.trim() {
        "R" => return Some(Side::R),
        "L" => return Some(Side::L),
        "B" => return None,
        _ => {}
    }
    let mut found = Vec::new();
    for token in &words.tokens {
        let side = match token.as_str() {
            "r" | "rt" | "right" | "rcc" | "rmlo" | "rml" | "rlm" | "rxccl" => Side::R,
            "l" | "lt" | "left" | "lcc" | "lmlo" | "lml" | "llm" | "lxccl" => Side::L,
            _ => continue,
        };
        if !found.contains(&side) {
            found.push(side);
        }
    }
    if words.text.contains('右') && !found.contains(&Side::R) {
        found.push(Side::R);
    }
    if words.text.contains('左') && !found.contains(&Side::L) {
        found.push(Side::L);
    }
    // "L spine" and "left lateral" are no side of a paired part.
    let lone = ["spine", "lat", "lateral"];
    match found.as_slice() {
        [one] if !words.has_any(&lone) => Some(*one),
        _ => None,
    }
}

/// The view of a projection, in one spelling: of View Position (0018,5101), else of the words. Empty when nobody says.
pub fn view(attribute: &str, words: &Words) -> &'static str {
    // Longer names first: "MLO" is not "ML".
    const VIEWS: &[(&str, &[&str])] = &[
        ("MLO", &["mlo", "rmlo", "lmlo"]),
        ("XCCL", &["xccl", "rxccl", "lxccl"]),
        ("CC", &["cc", "rcc", "lcc"]),
        ("LM", &["lm", "rlm", "llm"]),
        ("ML", &["ml", "rml", "lml"]),
        ("PA", &["pa"]),
        ("AP", &["ap"]),
        (
            "LAT",
            &[
                "lat", "lateral", "ll", "rl", "llat", "rlat", "profil", "侧位",
            ],
        ),
        (
            "OBL",
            &["obl", "oblique", "rao", "lao", "rpo", "lpo", "斜位"],
        ),
        ("PA", &["正位", "frontal"]),
    ];
    let find = |words: &Words| {
        VIEWS.iter().find(|(_, names)| {
            names.iter().any(|n| {
                if n.is_ascii() {
                    words.tokens.iter().any(|t| t == n)
                } else {
                    words.text.contains(n)
                }
            })
        })
    };
    let own = Words::of([attribute]);
    find(&own)
        .or_else(|| find(words))
        .map_or("", |(view, _)| view)
}

/// The sequence that the words name; else the one that echo and repetition time make likely (ms).
pub fn sequence(words: &Words, repetition: Option<f64>, echo: Option<f64>) -> Option<Sequence> {
    let whole = |wanted: &[&str]| words.tokens.iter().any(|t| wanted.contains(&t.as_str()));
    let contrast = (whole(&[
        "gd", "gad", "gado", "contrast", "post", "ce", "c", "kontrast",
    ]) || words.text.contains("增强"))
        && !whole(&["wo", "without", "non", "pre", "nativ"]);
    let t1 = words.has_any(&[
        "t1", "mprage", "spgr", "bravo", "vibe", "tfl3d", "lava", "thrive",
    ]) || words.text.contains("mp-rage");
    let by_word = if words.has_any(&["adc", "表观"]) {
        Some(Sequence::Adc)
    } else if words.has_any(&[
        "dwi",
        "diff",
        "diffusion",
        "dti",
        "trace",
        "tracew",
        "弥散",
        "扩散",
    ]) {
        Some(Sequence::Dwi)
    } else if words.has_any(&[
        "perf",
        "perfusion",
        "dsc",
        "dce",
        "asl",
        "bold",
        "fmri",
        "灌注",
    ]) {
        Some(Sequence::Perfusion)
    } else if words.has_any(&["tof", "mra", "angio", "cemra", "pc3d"]) {
        Some(Sequence::Angio)
    } else if words.has_any(&["swi", "swan", "t2star", "hemo", "gre"]) || words.text.contains("t2*")
    {
        Some(Sequence::T2Star)
    } else if words.has_any(&["stir"]) {
        Some(Sequence::Stir)
    } else if t1 && contrast {
        Some(Sequence::T1Contrast)
    } else if t1 {
        // A T1 FLAIR is T1 weighted.
        Some(Sequence::T1)
    } else if words.has_any(&["flair", "darkfluid", "tirm"]) || words.text.contains("dark-fluid") {
        Some(Sequence::Flair)
    } else if words.has_any(&["t2", "haste", "ssfse", "ciss", "fiesta"]) {
        Some(Sequence::T2)
    } else if words.has_any(&["pd", "proton"]) {
        Some(Sequence::Pd)
    } else {
        None
    };
    let by_times = match (repetition, echo) {
        (Some(repetition), Some(echo)) if echo > 0.0 => {
            if repetition < 1200.0 && echo < 30.0 {
                Some(Sequence::T1)
            } else if repetition > 1800.0 && echo > 70.0 {
                Some(Sequence::T2)
            } else if repetition > 1800.0 && echo < 40.0 {
                Some(Sequence::Pd)
            } else {
                None
            }
        }
        _ => None,
    };
    by_word.or(by_times)
}

/// The plane that the words name, for series whose positions say none.
pub fn plane(words: &Words) -> Option<BodyPlane> {
    let named = [
        (
            BodyPlane::Axial,
            &["ax", "axial", "tra", "trans", "transverse", "轴位", "横断"][..],
        ),
        (BodyPlane::Coronal, &["cor", "coronal", "冠状"][..]),
        (BodyPlane::Sagittal, &["sag", "sagittal", "矢状"][..]),
    ];
    let mut found = named.iter().filter(|(_, names)| {
        names.iter().any(|n| {
            if n.is_ascii() {
                words.tokens.iter().any(|t| t == n)
            } else {
                words.text.contains(n)
            }
        })
    });
    match (found.next(), found.next()) {
        (Some((plane, _)), None) => Some(*plane),
        _ => None,
    }
}

/// Whether the words name a scout: a picture for planning, not for reading.
pub fn is_scout(words: &Words) -> bool {
    words.has_any(&[
        "localizer",
        "localiser",
        "loc",
        "scout",
        "topogram",
        "surview",
        "scanogram",
        "survey",
        "3plane",
        "pilot",
        "定位",
    ])
}
