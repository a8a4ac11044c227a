//! Chapter "geometry and series", 70 to 81: what only several files together show. Each case is a series of its own; all
//! of them lie in one folder, so a clean case shows besides that nothing leaks from the others.

use super::{folder_of, run::Ran};
use crate::{
    bad_input::build::{EXPLICIT, Slice},
    support::Dice,
};
use glam::{DMat3, DVec3};
use std::path::Path;

/// A case: its series, the codes that it must have and those that it must not have.
struct Case {
    name: &'static str,
    slices: Vec<Slice>,
    must: Vec<&'static str>,
    /// How many layouts come of it; `None`: as many as like.
    layouts: Option<usize>,
}

fn series_uid(case: usize) -> String {
    format!("1.2.3.7.{case}")
}

/// `count` slices 2 mm apart.
fn stack(case: usize, count: usize) -> Vec<Slice> {
    let slice = |i: usize| Slice {
        study: format!("1.2.3.6.{case}"),
        series: series_uid(case),
        uid: format!("1.2.3.7.{case}.{}", i + 1),
        number: i as i32 + 1,
        position: Some([0.0, 0.0, 2.0 * i as f64]),
        ..Slice::default()
    };
    (0..count).map(slice).collect()
}

type Change = fn(&mut Vec<Slice>);

#[rustfmt::skip]
const CASES: &[(&str, Change, &[&str], Option<usize>)] = &[
    ("clean", |_| {}, &[], Some(1)),
    ("clean, shuffled", |s| s.reverse(), &[], Some(1)),
    ("a gap in the middle", |s| { s.remove(4); }, &["SLICE_GAP"], Some(1)),
    ("three gone in the middle", |s| { s.drain(3..6); }, &["SLICE_GAP"], Some(1)),
    ("two gaps", |s| { s.remove(2); s.remove(6); }, &["SLICE_GAP"], Some(1)),
    ("the last gone, said by the acquisition",
        |s| { of_acquisition(s, "10"); s.pop(); }, &["IMAGES_MISSING"], Some(1)),
    ("the first gone, said by the acquisition",
        |s| { of_acquisition(s, "10"); s.remove(0); }, &["IMAGES_MISSING"], Some(1)),
    ("all there, said by the acquisition", |s| of_acquisition(s, "10"), &[], Some(1)),
    ("more there than said", |s| of_acquisition(s, "4"), &[], Some(1)),
    ("a gap is said once", |s| { of_acquisition(s, "10"); s.remove(4); }, &["SLICE_GAP"], Some(1)),
    ("without places, a number gone",
        |s| { placeless(s); s.remove(4); }, &["NO_GEOMETRY", "NUMBERS_MISSING"], Some(1)),
    ("without places, all there", |s| placeless(s), &["NO_GEOMETRY"], Some(1)),
    ("without places, radiographs",
        |s| { placeless(s); s.remove(4); all(s, |x| x.text(8, 0x60, b"CS", "DX")); }, &["NO_GEOMETRY"], Some(1)),
    ("a place missing", |s| s[3].position = None, &["NO_GEOMETRY"], Some(1)),
    ("all at one place", |s| s.iter_mut().for_each(|x| x.position = Some([0.0; 3])), &["SINGLE_POSITION"], Some(1)),
    ("one place twice", |s| s[5].position = s[4].position, &["DUPLICATE_POSITION"], Some(1)),
    ("a place far away", |s| s[5].position = Some([0.0, 0.0, 1e20]), &["ORIENTATION_INVALID"], None),
    ("half a per cent of jitter", |s| jitter(s, 0.01), &["IRREGULAR_SPACING"], Some(1)),
    ("five per cent of jitter", |s| jitter(s, 0.1), &["IRREGULAR_SPACING"], Some(1)),
    ("ten digits of jitter", |s| jitter(s, 1e-9), &[], Some(1)),
    ("the other way round", |s| reverse_numbers(s), &[], Some(1)),
    ("numbers all equal", |s| s.iter_mut().for_each(|x| x.number = 1), &[], Some(1)),
    ("numbers mixed up", |s| { s[1].number = 9; s[8].number = 2; }, &["NUMBERS_DISORDERED"], Some(1)),
    ("a tilted gantry", |s| tilt(s), &["GANTRY_TILT_CORRECTED"], Some(1)),
    ("shifted slices", |s| s[5].position = Some([5.0, 0.0, 10.0]), &["SHIFTED_SLICES"], Some(1)),
    ("two directions", |s| s[5..].iter_mut().for_each(|x| x.orientation = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]), &["ORIENTATION_SPLIT"], Some(2)),
    ("directions that turn", |s| turn(s), &["MIXED_ORIENTATION"], Some(1)),
    ("another spacing", |s| s[3].spacing = Some("0.7\\0.7".into()), &["MIXED_SPACING"], Some(1)),
    ("another rescale", |s| s[3].rescale = Some(("-1000", "1")), &["MIXED_RESCALE"], Some(1)),
    ("another size", |s| s[3] = smaller(&s[3]), &["MIXED_SIZE"], Some(2)),
    ("another modality", |s| change(&mut s[3], |x| x.text(8, 0x60, b"CS", "PT")), &["MIXED_MODALITY"], Some(2)),
    ("half of another modality", |s| s[5..].iter_mut().for_each(|x| change(x, |x| x.text(8, 0x60, b"CS", "MR"))), &["MIXED_MODALITY"], Some(2)),
    ("other bits", |s| (s[3].stored, s[3].high) = (12, 11), &["MIXED_BITS"], Some(1)),
    ("other padding", |s| change(&mut s[3], |x| x.with(0x28, 0x120, b"SS", &[0, 0x80])), &["MIXED_PADDING"], Some(1)),
    ("turned over", |s| s[3].photometric = "MONOCHROME1", &["MIXED_PHOTOMETRIC"], Some(1)),
    ("another frame of reference", |s| change(&mut s[3], |x| x.text(0x20, 0x52, b"UI", "1.2.9")), &["MIXED_FRAME_OF_REFERENCE"], Some(1)),
    ("a localizer", |s| s[0].image_type = "ORIGINAL\\PRIMARY\\LOCALIZER", &["LOCALIZER"], Some(2)),
    ("two patients", |s| s[5..].iter_mut().for_each(|x| x.patient = ("ROE^RICHARD", "P2")), &["PATIENT_MISMATCH", "SERIES_OF_PATIENTS"], Some(2)),
    ("one id, two names", |s| s[5..].iter_mut().for_each(|x| x.patient = ("ROE^RICHARD", "P1")), &["PATIENT_MISMATCH"], Some(2)),
    ("two studies", |s| s[5..].iter_mut().for_each(|x| x.study = "1.2.3.66".into()), &["SERIES_OF_STUDIES"], Some(2)),
    ("two studies of two patients", |s| s[5..].iter_mut().for_each(|x| { x.study = "1.2.3.67".into(); x.patient = ("ROE^RICHARD", "P2"); }), &["SERIES_OF_PATIENTS"], Some(2)),
    ("half without a name", |s| s[5..].iter_mut().for_each(|x| x.patient = ("", "")), &["PATIENT_NOT_NAMED"], Some(1)),
    ("all without a name", |s| s.iter_mut().for_each(|x| x.patient = ("", "")), &[], Some(1)),
    ("a copy", |s| s.push(s[4].clone()), &["DUPLICATE_INSTANCE"], Some(1)),
    ("other pixels under one identifier", |s| { let mut x = s[4].clone(); x.pixels[40] ^= 1; s.push(x); }, &["DUPLICATE_INSTANCE", "SAME_UID_OTHER_PIXELS"], Some(1)),
    ("another shape under one identifier", |s| { let mut x = smaller(&s[4]); x.uid = s[4].uid.clone(); s.push(x); }, &["SAME_UID_OTHER_PIXELS"], None),
    ("another side in the text", |s| all(s, |x| x.text(0x20, 0x62, b"CS", "R").text(8, 0x103E, b"LO", "LT FOOT")), &["LATERALITY_TEXT"], Some(1)),
    ("no spacing", |s| s.iter_mut().for_each(|x| x.spacing = None), &["UNCALIBRATED"], Some(1)),
    ("bits that are missing", |s| all(s, |x| x.without(0x28, 0x101)), &["MISSING_TYPE_1"], Some(1)),
];

fn change(slice: &mut Slice, how: impl Fn(Slice) -> Slice) {
    *slice = how(slice.clone());
}

fn all(slices: &mut [Slice], how: impl Fn(Slice) -> Slice) {
    slices.iter_mut().for_each(|slice| change(slice, &how));
}

fn of_acquisition(slices: &mut [Slice], images: &str) {
    all(slices, |x| {
        x.text(0x20, 0x12, b"IS", "1")
            .text(0x20, 0x1002, b"IS", images)
    });
}

fn placeless(slices: &mut [Slice]) {
    slices.iter_mut().for_each(|slice| slice.position = None);
}

fn jitter(slices: &mut [Slice], by: f64) {
    for (i, slice) in slices.iter_mut().enumerate() {
        slice.position = Some([0.0, 0.0, 2.0 * i as f64 + if i % 2 == 1 { by } else { 0.0 }]);
    }
}

fn reverse_numbers(slices: &mut [Slice]) {
    let count = slices.len() as i32;
    for (i, slice) in slices.iter_mut().enumerate() {
        slice.number = count - i as i32;
    }
}

fn tilt(slices: &mut [Slice]) {
    for (i, slice) in slices.iter_mut().enumerate() {
        slice.position = Some([0.0, 0.4 * i as f64, 2.0 * i as f64]);
    }
}

fn turn(slices: &mut [Slice]) {
    for (i, slice) in slices.iter_mut().enumerate() {
        let angle = 0.02 * i as f64;
        slice.orientation = [
            angle.cos(),
            angle.sin(),
            0.0,
            -angle.sin(),
            angle.cos(),
            0.0,
        ];
    }
}

fn smaller(slice: &Slice) -> Slice {
    let mut slice = slice.clone();
    slice.rows = 4;
    slice.native(&[0; 64])
}

fn cases() -> Vec<Case> {
    let make = |(number, (name, change, must, layouts)): (
        usize,
        &(&'static str, Change, &'static [&'static str], Option<usize>),
    )| {
        let mut slices = stack(number, 10);
        change(&mut slices);
        Case {
            name,
            slices,
            must: must.to_vec(),
            layouts: *layouts,
        }
    };
    CASES.iter().enumerate().map(make).collect()
}

/// Findings that say nothing against a series.
const QUIET: &[&str] = &[
    "SINGLE_SLICE",
    "NUMBERS_DISORDERED",
    "LOCALIZER",
    "NO_GEOMETRY",
    "UNCALIBRATED",
];

fn write(root: &Path, cases: &[Case]) -> usize {
    write_all(root, &cases.iter().collect::<Vec<_>>())
}

fn write_all(root: &Path, cases: &[&Case]) -> usize {
    let mut files = 0;
    for (number, case) in cases.iter().enumerate() {
        let names: Vec<String> = (0..case.slices.len())
            .map(|i| format!("{number:03}-{i:03}.dcm"))
            .collect();
        let bytes = names
            .iter()
            .zip(&case.slices)
            .map(|(n, s)| (n.as_str(), s.file(EXPLICIT)));
        let bytes: Vec<(&str, Vec<u8>)> = bytes.collect();
        folder_of(root, &format!("{number:03}"), &bytes);
        files += bytes.len();
    }
    files
}

#[test]
fn series_say_what_is_wrong_with_them_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let cases = cases();
    let files = write(root.path(), &cases);
    let ran = Ran::inspect(&[root.path()], &["--check", "--decode"]);
    ran.is_sound(files);
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let layouts = ran.layouts(&series_uid(number));
        let codes: Vec<&String> = layouts.iter().flatten().collect();
        for code in &case.must {
            if !codes.iter().any(|c| c == code) {
                wrong.push(format!("{}: no {code} among {codes:?}", case.name));
            }
        }
        let serious = codes.iter().filter(|c| !QUIET.contains(&c.as_str()));
        if case.must.is_empty() && serious.count() > 0 {
            wrong.push(format!("{}: {codes:?}, expected none", case.name));
        }
        if case.layouts.is_some_and(|count| count != layouts.len()) {
            wrong.push(format!("{}: {} layouts", case.name, layouts.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Numbers, where the safety table names them: "3 of 120 images missing (between 41 and 45)".
    let of = |name: &str, code: &str| {
        let number = cases.iter().position(|c| c.name == name).unwrap();
        ran.numbers(&series_uid(number), code).unwrap()
    };
    let gap = of("three gone in the middle", "SLICE_GAP");
    assert_eq!((&gap["count"], &gap["total"]), (&3.0.into(), &10.0.into()));
    assert_eq!((&gap["after"], &gap["before"]), (&3.0.into(), &7.0.into()));
    let missing = of("the last gone, said by the acquisition", "IMAGES_MISSING");
    assert_eq!(
        (&missing["count"], &missing["total"]),
        (&1.0.into(), &10.0.into())
    );
    let numbers = of("without places, a number gone", "NUMBERS_MISSING");
    assert_eq!(
        (&numbers["after"], &numbers["before"]),
        (&4.0.into(), &6.0.into())
    );
}

/// As many digits as a decimal string has room for.
fn short(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

/// Turns a whole series in space: what is wrong with it stays wrong.
fn turn_all(slices: &mut [Slice], axis: DVec3, angle: f64, shift: DVec3) {
    let rotation = DMat3::from_axis_angle(axis, angle);
    for slice in slices {
        if let Some(position) = &mut slice.position {
            let turned = rotation * DVec3::from_array(*position) + shift;
            *position = turned.to_array().map(short);
        }
        let o = slice.orientation;
        let row = rotation * DVec3::new(o[0], o[1], o[2]);
        let column = rotation * DVec3::new(o[3], o[4], o[5]);
        slice.orientation = [row.x, row.y, row.z, column.x, column.y, column.z].map(short);
    }
}

/// Studies with faults, and as many without in between: each longer, turned and shuffled at random. All faults are found,
/// and at most one clean study in a hundred is called faulty (R20 of the safety table: 2,000 and 1,000 of them with
/// NEGATOSCOPE_FULL=1).
#[test]
fn made_up_studies_with_faults_are_told_from_clean_ones() {
    let full = std::env::var_os("NEGATOSCOPE_FULL").is_some_and(|v| v == "1");
    let (faulty, clean) = if full { (2000, 1000) } else { (94, 60) };
    let faults: Vec<_> = CASES.iter().filter(|c| !c.2.is_empty()).collect();
    let sound: Vec<_> = CASES.iter().filter(|c| c.2.is_empty()).collect();
    let mut dice = Dice(2026);
    let mut cases = Vec::new();
    for number in 0..faulty + clean {
        let (name, change, must, _) = match number < faulty {
            true => faults[number % faults.len()],
            false => sound[number % sound.len()],
        };
        // An acquisition says that it has ten.
        let more = if name.contains("acquisition") {
            0
        } else {
            dice.roll(4)
        };
        let mut slices = stack(number, 10 + more);
        change(&mut slices);
        let part = |dice: &mut Dice| dice.roll(2001) as f64 / 1000.0 - 1.0;
        let axis = DVec3::new(part(&mut dice), part(&mut dice), part(&mut dice) + 2.0);
        let shift = DVec3::new(part(&mut dice), part(&mut dice), part(&mut dice)) * 300.0;
        // A place far away stays where it is: what is added to it is lost.
        let far = slices
            .iter()
            .flat_map(|s| s.position)
            .flatten()
            .any(|x| x > 1e6);
        if !far && dice.roll(4) > 0 {
            turn_all(&mut slices, axis.normalize(), part(&mut dice) * 3.0, shift);
        }
        for at in (1..slices.len()).rev() {
            slices.swap(at, dice.roll(at + 1));
        }
        cases.push(Case {
            name,
            slices,
            must: must.to_vec(),
            layouts: None,
        });
    }
    let (mut missed, mut alarms) = (Vec::new(), Vec::new());
    // Parts, so that one run does not hold all of them.
    for part in (0..cases.len()).collect::<Vec<_>>().chunks(200) {
        let root = tempfile::tempdir().unwrap();
        let own: Vec<&Case> = part.iter().map(|n| &cases[*n]).collect();
        write_all(root.path(), &own);
        let ran = Ran::inspect(&[root.path()], &["--check"]);
        for (number, case) in part.iter().zip(own) {
            let layouts = ran.layouts(&series_uid(*number));
            let codes: Vec<&String> = layouts.iter().flatten().collect();
            for code in case
                .must
                .iter()
                .filter(|code| !codes.iter().any(|c| c == *code))
            {
                missed.push(format!(
                    "{} ({number}): no {code} among {codes:?}",
                    case.name
                ));
            }
            let serious = codes.iter().any(|c| !QUIET.contains(&c.as_str()));
            if case.must.is_empty() && serious {
                alarms.push(format!("{} ({number}): {codes:?}", case.name));
            }
        }
    }
    println!(
        "{faulty} faulty: {} missed; {clean} clean: {} alarms",
        missed.len(),
        alarms.len()
    );
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(alarms.len() * 100 <= clean, "{}", alarms.join("\n"));
}
