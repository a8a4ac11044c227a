//! Made-up people for large inputs: names in Latin letters and in hanzi, the same for the same seed.

use crate::model::{
    date::Date,
    identity::{PatientIdentity, PersonName, Phi, Sex},
};

const FAMILIES: [(&str, &str); 12] = [
    ("Wang", "王"),
    ("Li", "李"),
    ("Zhang", "张"),
    ("Chen", "陈"),
    ("Müller", ""),
    ("Petrov", ""),
    ("Garcia", ""),
    ("Smith", ""),
    ("Nguyen", ""),
    ("Okafor", ""),
    ("Haddad", ""),
    ("Silva", ""),
];
const GIVEN: [(&str, &str); 10] = [
    ("Wei", "伟"),
    ("Fang", "芳"),
    ("Ming", "明"),
    ("Anna", ""),
    ("Jürgen", ""),
    ("Maria", ""),
    ("Omar", ""),
    ("Linh", ""),
    ("Ada", ""),
    ("Paul", ""),
];
pub(super) const REGIONS: [&str; 8] = [
    "Chest",
    "Abdomen",
    "Knee left",
    "Head",
    "Spine",
    "Pelvis",
    "Hand right",
    "胸部",
];
pub(super) const MODALITIES: [&str; 6] = ["CT", "MR", "DX", "US", "MG", "XA"];

/// Whole numbers below what is asked, evenly spread.
pub(super) fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    }
}

/// Somebody who does not exist.
pub(super) fn person(number: usize, next: &mut impl FnMut(usize) -> usize) -> PatientIdentity {
    let (family, given) = (FAMILIES[next(FAMILIES.len())], GIVEN[next(GIVEN.len())]);
    let hanzi = match family.1.is_empty() || given.1.is_empty() {
        true => String::new(),
        false => format!("={}^{}", family.1, given.1),
    };
    let name = format!("{}^{}{hanzi}", family.0, given.0);
    PatientIdentity {
        name: Phi::new(PersonName::parse(&name)),
        id: Phi::new(format!("P{number:07}")),
        birth_date: Phi::new(Some(Date {
            year: 1930 + next(80) as u16,
            month: 1 + next(12) as u8,
            day: 1 + next(28) as u8,
        })),
        sex: Phi::new([Sex::Female, Sex::Male][next(2)]),
        synthetic: true,
        ..PatientIdentity::default()
    }
}
