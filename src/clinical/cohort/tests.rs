use super::{
    export::{ExportKey, export},
    facts::{pack, read_term, term_text, unpack},
    query::Query,
    statistics::{spread, summary},
    *,
};

/// None of these queries asks about elements of headers.
const fn element_with_keyword(_: &str) -> Option<u32> {
    None
}

fn today() -> Date {
    Date::parse("2024-06-01").unwrap()
}

fn day(text: &str) -> Option<i32> {
    day_of(Date::parse(text))
}

fn person(id: &str, sex: Sex, birth: &str) -> Person {
    Person {
        id: Phi::new(id.into()),
        sex,
        birth: day(birth),
        death: None,
        record: true,
    }
}

fn fact(kind: Kind, code: &str, words: &str, on: &str) -> Fact {
    Fact {
        code: code.into(),
        words: words.into(),
        day: day(on),
        ..Fact::new(kind)
    }
}

fn value(code: &str, words: &str, on: &str, value: f64, unit: &str) -> Fact {
    Fact {
        value: Some(value),
        unit: unit.into(),
        ..fact(Kind::Value, code, words, on)
    }
}

/// Four patients.
fn cohort() -> Cohort {
    let mut cohort = Cohort::default();
    cohort.add(
        person("a", Sex::Female, "1950-06-01"),
        [
            Fact {
                active: true,
                ..fact(Kind::Condition, "44054006", "Diabetes", "2010-01-01")
            },
            value("2160-0", "Creatinine", "2020-01-01", 0.9, "mg/dL"),
            value("2160-0", "Creatinine", "2024-01-01", 177.0, "umol/L"),
            fact(Kind::Picture, "CT", "Chest", "2024-03-01"),
        ],
    );
    cohort.add(
        person("b", Sex::Male, "1980-06-02"),
        [
            Fact {
                end: day("2012-01-01"),
                ..fact(Kind::Condition, "44054006", "Diabetes", "2010-01-01")
            },
            value("2160-0", "Creatinine", "2023-01-01", 1.1, "mg/dL"),
            Fact {
                value: Some(7.0),
                unit: "mm".into(),
                place: "right upper lobe".into(),
                ..fact(Kind::Finding, "nodule", "nodule", "2024-02-01")
            },
        ],
    );
    cohort.add(
        Person {
            death: day("2021-01-01"),
            ..person("c", Sex::Male, "1931-01-01")
        },
        [
            fact(Kind::Drug, "6809", "Metformin", "2015-01-01"),
            fact(Kind::Study, "CT/SR", "Abdomen", "2019-05-05"),
            fact(Kind::Study, "MR", "Abdomen", "2020-05-05"),
            value("2160-0", "Creatinine", "2019-01-01", 3.0, "furlong"),
        ],
    );
    cohort.add(person("d", Sex::Unknown, ""), []);
    cohort
}

fn found(query: &str) -> String {
    let cohort = cohort();
    let query = Query::parse(query, today(), element_with_keyword).unwrap();
    let numbers = query.find(&cohort, today());
    numbers.iter().map(|n| ["a", "b", "c", "d"][*n]).collect()
}

#[test]
fn queries_find_who_is_meant() {
    for (query, expected) in [
        ("", "abcd"),
        ("sex:F", "a"),
        ("sex:男", "bc"),
        ("age>=74", "ac"),
        ("age>=75", "c"),
        ("age<44", "b"),
        ("age=90", "c"),
        ("born<1950", "c"),
        ("born=1950..1980", "ab"),
        ("dead", "c"),
        ("alive -sex:F", "bd"),
        ("condition:diabetes", "ab"),
        ("condition:44054006", "ab"),
        ("condition!:diabetes", "a"),
        ("condition:diabetes@2011", "ab"),
        ("condition:diabetes@2013", "a"),
        ("condition:diabetes@2009", ""),
        ("drug:二甲双胍", "c"),
        ("drug:metformin", "c"),
        ("-drug:metformin -condition", "d"),
        // The newest value, in the usual unit or in that of the query.
        ("value:2160-0>1.5", "a"),
        ("value:2160-0>1.5mg/dL", "a"),
        ("value:creatinine>=177umol/L", "a"),
        ("value:2160-0<1", ""),
        ("value*:2160-0<1", "a"),
        ("value:2160-0=1..1.2", "b"),
        // A unit that nothing converts is compared with nothing.
        ("value:2160-0>0", "ab"),
        ("value:2160-0", "abc"),
        ("finding:nodule=6..8@1y", "b"),
        ("finding:结节>=7mm", "b"),
        ("finding:nodule>7", ""),
        ("finding:upper", "b"),
        ("picture:ct@6m", "a"),
        ("study:CT", "c"),
        ("study#>=2", "c"),
        ("study#>=2@2019", ""),
        ("study#<1", "abd"),
        ("picture:CT or study:MR", "ac"),
        ("sex:F condition:diabetes or dead study:sr", "ac"),
        ("condition:\"dia betes\"", ""),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
}

#[test]
fn what_is_no_query_is_said() {
    for (query, word) in [
        ("colour:red", "colour:red"),
        ("age>", "age>"),
        ("age>=x", "age>=x"),
        ("sex:green", "sex:green"),
        ("value:x@yesterday", "value:x@yesterday"),
        ("value:x@3q", "value:x@3q"),
        ("study#many", "study#many"),
        ("condition:a or", "or"),
        ("or", "or"),
    ] {
        let error = Query::parse(query, today(), element_with_keyword).unwrap_err();
        assert_eq!(error.0, word, "{query}");
    }
}

#[test]
fn facts_come_back_from_their_text() {
    let mut facts = vec![
        value(
            "2160-0",
            "Creatinine\nserum",
            "2020-01-01",
            1.0 / 3.0,
            "mg/dL",
        ),
        Fact {
            active: true,
            end: Some(-7),
            place: "左".into(),
            system: "s".into(),
            ..fact(Kind::Gene, "*1/*2", "CYP2C19", "")
        },
    ];
    facts.extend(Kind::ALL.map(Fact::new));
    let (mut bytes, mut terms) = (Vec::new(), Vec::new());
    for fact in &facts {
        pack(terms.len() as u32, fact, &mut bytes);
        terms.push(read_term(&term_text(fact)).unwrap());
    }
    facts[0].words = "Creatinine serum".into();
    let again: Vec<Fact> = unpack(&bytes)
        .map(|packed| {
            let term = terms[packed.term as usize].clone();
            Fact {
                kind: term.kind,
                system: term.system,
                code: term.code,
                words: term.words,
                place: term.place,
                unit: term.unit,
                day: packed.day,
                end: packed.end,
                active: packed.active,
                value: packed.value,
            }
        })
        .collect();
    assert_eq!(again, facts);
    // Cut anywhere, what is whole is read and nothing is made up.
    let whole: Vec<_> = unpack(&bytes).collect();
    for end in 0..bytes.len() {
        let part: Vec<_> = unpack(&bytes[..end]).collect();
        assert!(part.len() < whole.len() && whole.starts_with(&part));
    }
    for text in [
        "",
        "nonsense",
        "condition",
        "\u{1F}",
        "gene\u{1F}\u{1F}\u{1F}\u{1F}\u{1F}\u{1F}",
    ] {
        assert_eq!(read_term(text), None, "{text:?}");
    }
}

#[test]
fn counts_and_spreads() {
    let cohort = cohort();
    let all: Vec<usize> = (0..4).collect();
    let sum = summary(&cohort, &all, today());
    assert_eq!(
        (sum.patients, sum.facts, sum.dead, sum.no_age),
        (4, 11, 1, 1)
    );
    assert_eq!(sum.sexes, [1, 2, 0, 1]);
    assert_eq!(sum.ages, [0, 0, 0, 0, 1, 0, 0, 1, 0, 1]);
    assert_eq!(sum.years, [(2019, 1), (2020, 1), (2024, 1)].into());
    let values = &sum.common[&Kind::Value];
    assert_eq!(
        (values.len(), values[0].patients),
        (1, 3),
        "units and days make no difference"
    );
    // 177 µmol/L is 2.002 mg/dL.
    let spread = spread(&cohort, &all, "2160-0").unwrap();
    assert_eq!(
        (spread.patients, spread.left_out, spread.unit.as_str()),
        (2, 1, "mg/dL")
    );
    assert!((spread.mean - (177.0 * 0.011_312 + 1.1) / 2.0).abs() < 1e-12);
    assert!((spread.quartiles[2] - spread.mean).abs() < 1e-12);
    assert_eq!(spread.bars.iter().sum::<usize>(), 2);
    assert!(statistics::spread(&cohort, &all, "nothing").is_none());
}

#[test]
fn what_goes_out_names_nobody() {
    let mut cohort = Cohort::default();
    cohort.add(
        person("MRN-SECRET", Sex::Female, "1920-01-01"),
        [
            Fact {
                system: "http://snomed.info/sct".into(),
                active: true,
                ..fact(Kind::Condition, "44054006", "Diabetes", "2010-03-04")
            },
            fact(Kind::Condition, "", "Neighbour of Mr Secret", "2010-03-04"),
            fact(Kind::Mark, "length", "Secret label", "2010-03-04"),
            fact(Kind::Picture, "CT", "Secret description", "2010-03-04"),
            fact(Kind::Picture, "../../x", "", "2010-03-04"),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let key = ExportKey::new([7; 32]);
    let written = export(&cohort, &[0], &key, today(), folder.path()).unwrap();
    assert_eq!(
        (written.patients, written.facts, written.words_left_out),
        (1, 5, 3)
    );
    let mut names: Vec<String> = written
        .files
        .iter()
        .map(|f| f.to_string_lossy().into_owned())
        .collect();
    names.sort();
    let year =
        Date::of_ms(i64::from(day("2010-03-04").unwrap() + key.shift("MRN-SECRET")) * 86_400_000);
    let year = year.unwrap().year;
    assert_eq!(
        names,
        [
            format!("facts/kind=condition/modality=none/year={year}/part-0.parquet"),
            format!("facts/kind=mark/modality=none/year={year}/part-0.parquet"),
            format!("facts/kind=picture/modality=CT/year={year}/part-0.parquet"),
            format!("facts/kind=picture/modality=unknown/year={year}/part-0.parquet"),
            "patients/part-0.parquet".into(),
        ]
    );
    assert!(
        export(&cohort, &[0], &key, today(), folder.path()).is_err(),
        "nothing is written over"
    );
    // The same key, the same names; another one, others.
    assert_eq!(key.pseudonym("x"), ExportKey::new([7; 32]).pseudonym("x"));
    assert_ne!(key.pseudonym("x"), ExportKey::new([8; 32]).pseudonym("x"));
    assert!((0..500).all(|n| (-365..=-1).contains(&key.shift(&n.to_string()))));
}
