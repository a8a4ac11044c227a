//! Series whose SUV was chosen before the header was written (`tests/data/suv.tsv`, written by
//! `scripts/make-suv-reference`), and hostile facts.

use super::*;
use crate::model::pet::{FrameFacts, GeFacts, Moment, PhilipsFacts, parse_utc_offset};

const TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/suv.tsv"));

/// Fields of one part of a line.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split(';').filter_map(|f| f.split_once('=')).collect())
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.get(key).map(|v| v.parse().unwrap())
    }

    fn date(&self, key: &str) -> Option<Date> {
        self.get(key).and_then(Date::parse)
    }

    fn time(&self, key: &str) -> Option<TimeOfDay> {
        self.get(key).and_then(TimeOfDay::parse)
    }

    fn moment(&self, key: &str) -> Option<Moment> {
        self.get(key).and_then(Moment::parse)
    }
}

fn facts(header: &str, frames: &str) -> (PetFacts, Vec<f64>) {
    let head = Fields::of(header);
    let frames: Vec<Fields<'_>> = frames
        .split('|')
        .filter(|f| !f.is_empty())
        .map(Fields::of)
        .collect();
    let tracer = RadiopharmaceuticalFacts {
        start_time: head.time("st"),
        start_date_time: head.moment("sdt"),
        total_dose_bq: head.number("dose"),
        half_life_secs: head.number("half"),
        nuclide: head.get("code").and_then(|c| {
            let (scheme, code) = c.split_once(' ')?;
            Some((scheme.to_owned(), code.to_owned()))
        }),
    };
    let has_tracer = ["st", "sdt", "dose", "half", "code"]
        .iter()
        .any(|k| head.get(k).is_some());
    let copies = if head.get("twice").is_some() { 2 } else { 1 };
    let corrected = head.get("corrected");
    let values = |f: &Fields<'_>| f.number("stored").unwrap() * f.number("slope").unwrap();
    let facts = PetFacts {
        units: head.text("units"),
        suv_type: head.text("type"),
        corrected_image: corrected.map(|c| c.split('\\').map(str::to_owned).collect()),
        decay_correction: head.text("decay"),
        series_date: head.date("sdate"),
        series_time: head.time("stime"),
        frames: frames
            .iter()
            .map(|f| FrameFacts {
                acquisition_date: f.date("ad"),
                acquisition_time: f.time("at"),
                utc_offset_minutes: f.get("tz").and_then(parse_utc_offset),
                frame_reference_time_ms: f.number("frt"),
                actual_frame_duration_ms: f.number("dur"),
                decay_factor: f.number("df"),
            })
            .collect(),
        radiopharmaceuticals: vec![tracer; if has_tracer { copies } else { 0 }],
        patient_weight_kg: head.number("weight"),
        patient_size_m: head.number("size"),
        patient_sex: head.text("sex"),
        philips: (head.get("suvs").is_some() || head.get("act").is_some()).then(|| PhilipsFacts {
            creator: head.text("creator"),
            suv_scale: head.number("suvs"),
            activity_scale: head.number("act"),
        }),
        ge: head.get("ge").is_some().then(|| GeFacts {
            creator: head.text("gec"),
            scan: head.moment("ge"),
        }),
    };
    (facts, frames.iter().map(values).collect())
}

fn tag(attribute: Attribute) -> String {
    let (group, element) = attribute.tag();
    format!("{group:04X},{element:04X}")
}

fn column(kind: SuvKind) -> &'static str {
    match kind {
        SuvKind::BodyWeight => "bw",
        SuvKind::LeanBodyMassJames => "james",
        SuvKind::LeanBodyMassJanmahasatian => "janma",
        SuvKind::BodySurfaceArea => "bsa",
        SuvKind::LeanBodyMassUnnamed => "lbm",
        SuvKind::IdealBodyWeight => "ibw",
    }
}

/// Compares one line; the largest relative error of its numbers, and how many there were.
fn check(line: &str) -> (f64, usize) {
    let parts: Vec<&str> = line.split('\t').collect();
    let &[name, header, frames, expected] = parts.as_slice() else {
        panic!("columns: {line}");
    };
    let (facts, values) = facts(header, frames);
    let found = scale(&facts);
    if let Some(refusal) = expected.strip_prefix("REFUSE ") {
        let found = found.expect_err(name);
        let tags: Vec<String> = found.attributes.iter().map(|a| tag(*a)).collect();
        let mut wanted = refusal.split(' ');
        assert_eq!(found.code(), wanted.next().unwrap(), "{name}: {found:?}");
        let wanted: Vec<&str> = wanted.collect();
        // What a sequence of one item names first, it names alone.
        assert_eq!(
            tags.first().map(String::as_str),
            wanted.first().copied(),
            "{name}: {found:?}"
        );
        assert!(
            wanted.iter().all(|w| tags.iter().any(|t| t == w)),
            "{name}: {found:?}"
        );
        assert!(
            found
                .attributes
                .iter()
                .all(|a| found.sentence.contains(a.name()))
        );
        return (0.0, 0);
    }
    let found = found.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    let expected = Fields::of(expected);
    let mut codes: Vec<&str> = found.warnings.iter().map(|w| w.code).collect();
    codes.sort_unstable();
    assert_eq!(codes.join(","), expected.get("warn").unwrap(), "{name}");
    let (mut worst, mut count) = (0.0f64, 0);
    for kind in SuvKind::ALL {
        let wanted = expected.get(column(kind)).unwrap();
        if let Some(attribute) = wanted.strip_prefix('!') {
            let refusal = found.factor(kind, 0).expect_err(name);
            assert_eq!(tag(refusal.attributes[0]), attribute, "{name} {kind:?}");
            assert!(found.kinds().all(|k| k != kind));
            continue;
        }
        let wanted: Vec<f64> = wanted.split(',').map(|v| v.parse().unwrap()).collect();
        assert_eq!(wanted.len(), values.len(), "{name}");
        for (frame, (value, wanted)) in values.iter().zip(&wanted).enumerate() {
            let suv = value * found.factor(kind, frame).unwrap();
            let error = (suv / wanted - 1.0).abs();
            assert!(error <= 1e-9, "{name} {kind:?} {frame}: {suv} for {wanted}");
            worst = worst.max(error);
            count += 1;
        }
    }
    (worst, count)
}

#[test]
fn chosen_values_come_back() {
    let (mut worst, mut numbers, mut refused) = (0.0f64, 0, 0);
    for line in TABLE.lines() {
        let (error, count) = check(line);
        worst = worst.max(error);
        numbers += count;
        refused += usize::from(count == 0);
    }
    assert!(worst < 1e-12, "{worst:e}");
    assert!(worst < 1e-12, "{worst:e}");
    assert!(numbers > 1000 && refused > 60);
}

/// The line of the table with this name.
fn case(name: &str) -> PetFacts {
    let of = |line: &str| {
        let parts: Vec<&str> = line.split('\t').collect();
        (parts[0] == name).then(|| facts(parts[1], parts[2]).0)
    };
    TABLE.lines().find_map(of).unwrap()
}

#[test]
fn the_example_of_the_module_head() {
    let found = scale(&case("complete START BQML")).unwrap();
    let suv = 5000.0 * found.factor(SuvKind::BodyWeight, 0).unwrap();
    assert!((suv - 1.3817).abs() < 5e-5, "{suv}");
    assert!((found.decay[0].factor - 0.68463).abs() < 5e-6);
    assert_eq!(found.decay[0].decay_secs, 3600.0);
    let used: Vec<Attribute> = found.inputs.iter().map(|i| i.attribute).collect();
    for attribute in [
        Attribute::PatientWeight,
        Attribute::TotalDose,
        Attribute::SeriesTime,
        Attribute::StartDateTime,
        Attribute::HalfLife,
        Attribute::DecayCorrection,
    ] {
        assert!(used.contains(&attribute), "{attribute}");
    }
}

#[test]
fn a_dose_corrected_to_the_injection_does_not_decay_again() {
    let name = "ADMIN object of ones (decayed twice it would read 2.096)";
    let mut facts = case(name);
    let right = scale(&facts)
        .unwrap()
        .factor(SuvKind::BodyWeight, 0)
        .unwrap();
    facts.decay_correction = Some("START".into());
    facts.frames.iter_mut().for_each(|f| f.decay_factor = None);
    let twice = scale(&facts)
        .unwrap()
        .factor(SuvKind::BodyWeight, 0)
        .unwrap();
    assert!((twice / right - 2.096).abs() < 1e-6);
}

#[test]
fn nothing_of_the_patient_is_printed() {
    let mut facts = case("complete START BQML");
    let text = format!("{facts:?} {:?}", scale(&facts));
    for secret in ["370", "175", "1.75", "2024", "09:30", "0930", "10:30"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    facts.patient_weight_kg = Some(70_123.0);
    let refusal = scale(&facts).unwrap_err();
    assert!(!format!("{refusal:?} {}", refusal.sentence).contains("70123"));
    assert_eq!(refusal.value, Some(70_123.0));
    facts.patient_weight_kg = None;
    let sentence = scale(&facts).unwrap_err().sentence;
    assert!(sentence.starts_with("SUV unavailable: Patient's Weight (0010,1030)"));
}

#[test]
fn numbers_that_are_none_give_a_refusal_or_a_number_never_a_panic() {
    let absurd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::MIN_POSITIVE,
        -1e300,
        1e300,
        1e-300,
        1e9,
        1e18,
    ];
    let names = [
        "complete START BQML",
        "complete NONE CNTS",
        "late series time, counted back",
        "Philips factor M",
        "GML BW F",
    ];
    for name in names {
        for value in absurd {
            for place in 0..9 {
                let mut facts = case(name);
                let value = Some(value);
                for frame in &mut facts.frames {
                    match place {
                        0 => frame.frame_reference_time_ms = value,
                        1 => frame.actual_frame_duration_ms = value,
                        2 => frame.decay_factor = value,
                        _ => {}
                    }
                }
                for tracer in &mut facts.radiopharmaceuticals {
                    match place {
                        3 => tracer.total_dose_bq = value,
                        4 => tracer.half_life_secs = value,
                        _ => {}
                    }
                }
                match place {
                    5 => facts.patient_weight_kg = value,
                    6 => facts.patient_size_m = value,
                    7 | 8 => {
                        let scale = facts.philips.get_or_insert_default();
                        *(if place == 7 {
                            &mut scale.suv_scale
                        } else {
                            &mut scale.activity_scale
                        }) = value;
                    }
                    _ => {}
                }
                if let Ok(found) = scale(&facts) {
                    for kind in found.kinds() {
                        let factor = found.factor(kind, 0).unwrap();
                        assert!(
                            factor > 0.0 && factor.is_finite(),
                            "{name} {place} {value:?} {kind:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn times_are_read_strictly() {
    let micros = |t: &str| TimeOfDay::parse(t).map(TimeOfDay::micros);
    assert_eq!(micros("000000"), Some(0));
    assert_eq!(micros("235960.999999 "), Some(86_400_999_999));
    assert_eq!(micros("093000.5"), Some(34_200_500_000));
    for bad in [
        "",
        "09",
        "0930",
        "09:30:00",
        "240000",
        "096000",
        "093061",
        "093000.",
        "093000.1234567",
        "+93000",
        "09300 ",
    ] {
        assert_eq!(micros(bad), None, "{bad}");
    }
    let moment = Moment::parse("20240229093000.25-0330").unwrap();
    assert_eq!(
        (moment.utc_offset_minutes, moment.time.to_string()),
        (Some(-210), "09:30:00".into())
    );
    for bad in [
        "20240229",
        "202402290930",
        "20230229093000",
        "20240229093000+1500",
        "20240229093000+01",
        "2024é229093000",
        "+0100",
    ] {
        assert!(Moment::parse(bad).is_none(), "{bad}");
    }
    assert_eq!(parse_utc_offset("+1400"), Some(840));
    assert_eq!(parse_utc_offset("-1300"), None);
    assert_eq!(parse_utc_offset("é100"), None);
}
