//! Many patients at once, through the store and the command line; and words found in all records.

use crate::{
    bad_input::build::Slice,
    store::{made, run, text},
    support::Dice,
};
use glam::DVec3;
use negatoscope::{
    clinical::cohort::{Kind, query::Query, statistics::summary},
    dicom::{
        element_with_keyword,
        scan::{ScanOptions, read_instance},
    },
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, MarkKind, PointSpace, Shape,
        },
        date::Date,
        edit::Edit,
        identity::{PatientIdentity, PersonName, Phi, Sex},
        study::{Instance, SeriesDescription, Source, SourceKind, StudyDescription, Technique},
    },
    store::{Passphrase, Store, amend::place_of, derived},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

fn today() -> Date {
    Date::parse("2024-06-01").unwrap()
}

fn bundle(resources: &[Value]) -> Vec<u8> {
    let entries: Vec<Value> = resources.iter().map(|r| json!({"resource": r})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
        .to_string()
        .into_bytes()
}

const DISEASES: [(&str, &str); 5] = [
    ("44054006", "Diabetes mellitus type 2"),
    ("38341003", "Essential hypertension"),
    ("13645005", "Chronic obstructive lung disease"),
    ("195967001", "Asthma"),
    ("84114007", "Heart failure"),
];

/// What a made-up patient has, as a test knows it without the program.
#[derive(Default)]
struct Known {
    female: bool,
    born: i32,
    diseases: Vec<usize>,
    creatinine: Option<f64>,
    nodule_mm: Option<f64>,
}

/// A made-up patient with `n` in the name.
fn patient(n: usize, dice: &mut Dice) -> (Vec<Value>, Known) {
    let id = format!("p{n:05}");
    let subject = json!({"reference": format!("Patient/{id}")});
    let mut known = Known {
        female: dice.roll(2) == 0,
        born: 1930 + dice.roll(70) as i32,
        ..Known::default()
    };
    let mut all = vec![json!({
        "resourceType": "Patient", "id": id, "birthDate": format!("{}-06-15", known.born),
        "gender": if known.female { "female" } else { "male" },
        "name": [{"family": format!("Canary{n}"), "given": ["Yellow"]}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": format!("MRN{n:05}")}],
    })];
    for (number, (code, name)) in DISEASES.iter().enumerate() {
        if dice.roll(4) == 0 {
            known.diseases.push(number);
            all.push(json!({
                "resourceType": "Condition", "id": format!("{id}c{number}"), "subject": subject,
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": code, "display": name}]},
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "onsetDateTime": format!("{}-03-01", 2005 + dice.roll(15)),
            }));
        }
    }
    for visit in 0..dice.roll(12) {
        let value = (40 + dice.roll(260)) as f64 / 100.0;
        // The newest counts; some laboratories give µmol/L.
        let molar = dice.roll(3) == 0;
        let (amount, unit) = match molar {
            true => ((value / 0.011_312).round(), "umol/L"),
            false => (value, "mg/dL"),
        };
        known.creatinine = Some(if molar { amount * 0.011_312 } else { amount });
        all.push(json!({
            "resourceType": "Observation", "id": format!("{id}o{visit}"), "status": "final",
            "subject": subject, "effectiveDateTime": format!("{}-0{}-11", 2010 + visit, 1 + dice.roll(9)),
            "category": [{"coding": [{"code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}]},
            "valueQuantity": {"value": amount, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        }));
    }
    if dice.roll(3) == 0 {
        let size = 3 + dice.roll(15);
        known.nodule_mm = Some(size as f64);
        let words = match dice.roll(2) {
            0 => format!("There is a {size} mm nodule in the right upper lobe."),
            _ => format!("右肺上叶见结节，大小约 {size} mm。"),
        };
        all.push(json!({
            "resourceType": "DiagnosticReport", "id": format!("{id}r"), "status": "final",
            "subject": subject, "effectiveDateTime": "2023-10-10", "conclusion": words,
            "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2", "display": "Chest CT"}]},
        }));
    }
    (all, known)
}

fn filled(store: &mut Store, count: usize) -> Vec<Known> {
    let mut dice = Dice(11);
    let mut known = Vec::new();
    let mut part = Vec::new();
    for n in 0..count {
        let (resources, one) = patient(n, &mut dice);
        part.extend(resources);
        known.push(one);
    }
    store.import_bundle(&bundle(&part)).unwrap();
    known
}

/// Queries with the same written out by hand.
fn golden() -> Vec<(&'static str, fn(&Known) -> bool)> {
    vec![
        ("", |_| true),
        ("sex:F", |k| k.female),
        ("sex:M", |k| !k.female),
        ("born<1950", |k| k.born < 1950),
        ("born=1950..1960 sex:F", |k| {
            k.female && (1950..=1960).contains(&k.born)
        }),
        // On 1 June the birthday in June is still to come.
        ("age>=65", |k| 2023 - k.born >= 65),
        ("age<40 -condition:asthma", |k| {
            2023 - k.born < 40 && !k.diseases.contains(&3)
        }),
        ("condition:44054006", |k| k.diseases.contains(&0)),
        ("condition:diabetes", |k| k.diseases.contains(&0)),
        ("condition:diabetes condition:hypertension", |k| {
            k.diseases.contains(&0) && k.diseases.contains(&1)
        }),
        ("condition:diabetes or condition:asthma", |k| {
            k.diseases.contains(&0) || k.diseases.contains(&3)
        }),
        ("condition#>=3", |k| k.diseases.len() >= 3),
        ("-condition", |k| k.diseases.is_empty()),
        ("value:2160-0>1.5", |k| {
            k.creatinine.is_some_and(|c| c > 1.5)
        }),
        ("value:creatinine<=0.9", |k| {
            k.creatinine.is_some_and(|c| c <= 0.9)
        }),
        ("value:2160-0=1..2mg/dL sex:M", |k| {
            !k.female && k.creatinine.is_some_and(|c| (1.0..=2.0).contains(&c))
        }),
        ("-value:2160-0", |k| k.creatinine.is_none()),
        ("finding:nodule=6..8", |k| {
            k.nodule_mm.is_some_and(|n| (6.0..=8.0).contains(&n))
        }),
        ("finding:结节>8mm@2y value:2160-0>1.2", |k| {
            k.nodule_mm.is_some_and(|n| n > 8.0) && k.creatinine.is_some_and(|c| c > 1.2)
        }),
        (
            "finding:nodule age>=60 condition:heart or finding:nodule>15",
            |k| {
                (k.nodule_mm.is_some() && 2023 - k.born >= 60 && k.diseases.contains(&4))
                    || k.nodule_mm.is_some_and(|n| n > 15.0)
            },
        ),
    ]
}

#[test]
fn twenty_queries_find_what_is_known_and_in_time() {
    let mut store = Store::throw_away().unwrap();
    let known = filled(&mut store, 1000);
    let begin = Instant::now();
    let cohort = store.cohort().unwrap();
    let made = begin.elapsed();
    let begin = Instant::now();
    let again = store.cohort().unwrap();
    let loaded = begin.elapsed();
    assert_eq!((cohort.len(), again.len()), (1000, 1000));
    assert_eq!(cohort.facts(), again.facts());
    let mut slowest = 0.0_f64;
    for (text, holds) in golden() {
        let begin = Instant::now();
        let query = Query::parse(text, today(), element_with_keyword).unwrap();
        let found = query.find(&cohort, today());
        let counted = summary(&cohort, &found, today());
        slowest = slowest.max(begin.elapsed().as_secs_f64() * 1e3);
        let expected: Vec<usize> = (0..1000).filter(|n| holds(&known[*n])).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(counted.patients, expected.len());
    }
    println!(
        "1,000 patients, {} facts: made in {:.0} ms, loaded in {:.0} ms, slowest query with counts {slowest:.1} ms",
        cohort.facts(),
        made.as_secs_f64() * 1e3,
        loaded.as_secs_f64() * 1e3
    );
    // The code of tests is not optimised; it is measured where it is.
    assert!(slowest < 1000.0, "{slowest} ms");
}

fn person(id: &str, family: &str, birth: &str, sex: Sex) -> PatientIdentity {
    PatientIdentity {
        name: Phi::new(PersonName::parse(&format!("{family}^Yellow"))),
        id: Phi::new(id.into()),
        birth_date: Phi::new(Date::parse(birth)),
        sex: Phi::new(sex),
        ..PatientIdentity::default()
    }
}

fn picture(who: &PatientIdentity, study: &str, modality: &str) -> Arc<Instance> {
    Arc::new(Instance {
        source: Source {
            path: std::path::PathBuf::from(format!("/{study}.dcm")).into(),
            kind: SourceKind::Dicom,
            bytes: 1000,
            member: None,
        },
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        sop_instance_uid: format!("{study}.1"),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        patient: Arc::new(who.clone()),
        study: Arc::new(StudyDescription {
            uid: study.into(),
            date: Date::parse("20240102"),
            description: "Thorax".into(),
            ..StudyDescription::default()
        }),
        series: Arc::new(SeriesDescription {
            uid: format!("{study}.2"),
            modality: modality.into(),
            body_part: "CHEST".into(),
            ..SeriesDescription::default()
        }),
        instance_number: Some(1),
        technique: Technique::default(),
        image: None,
        pet: None,
        object: None,
        findings: Vec::new(),
    })
}

#[test]
fn pictures_marks_and_networks_are_facts_of_whom_they_belong_to() {
    let mut store = Store::throw_away().unwrap();
    let known = filled(&mut store, 3);
    let sex = |n: usize| {
        if known[n].female {
            Sex::Female
        } else {
            Sex::Male
        }
    };
    let birth = |n: usize| format!("{}0615", known[n].born);
    let own = person("MRN00001", "Canary1", &birth(1), sex(1));
    // The same number and another person: no record is theirs.
    let other = person("MRN00002", "Somebody", "19010101", sex(2));
    store
        .index_instances(&[picture(&own, "1.1", "CT"), picture(&other, "1.2", "MR")])
        .unwrap();
    let mut mark = Annotation::new(
        AnnotationId("a".into()),
        AnnotationTarget {
            study_uid: "1.1".into(),
            series_uid: "1.1.2".into(),
            instance_uid: "1.1.1".into(),
            frame: 1,
            frame_of_reference_uid: String::new(),
        },
        PointSpace::Patient,
        Shape::new(MarkKind::Length, [DVec3::ZERO, DVec3::new(3.0, 4.0, 0.0)]),
    );
    mark.label = "lesion".into();
    let mut found = mark.clone();
    found.id = AnnotationId("b".into());
    found.author = Author::Model {
        id: "ct-lesions".into(),
        version: "1".into(),
    };
    store.commit(&[Edit::Add(mark), Edit::Add(found)]).unwrap();
    let cohort = store.cohort().unwrap();
    assert_eq!(cohort.len(), 4);
    let ids = |text: &str| -> Vec<String> {
        let query = Query::parse(text, today(), element_with_keyword).unwrap();
        let found = query.find(&cohort, today());
        found
            .iter()
            .map(|n| cohort.person(*n).unwrap().id.reveal().clone())
            .collect()
    };
    assert_eq!(ids("picture:CT@1y"), ["p00001"]);
    assert_eq!(ids("picture:chest"), ["p00001", "dicom:1"]);
    assert_eq!(ids("picture:MR -record"), ["dicom:1"]);
    assert_eq!(ids("mark:length=5"), ["p00001"]);
    assert_eq!(ids("mark:lesion>5"), Vec::<String>::new());
    assert_eq!(ids("ai:ct-lesions>=5mm@2024"), ["p00001"]);
}

/// Two series of a patient: thin slices of 80 or 100 kV in a hard kernel, thick ones of 120 kV in a soft one.
fn headers(folder: &Path, n: usize, known: &Known) -> Vec<PathBuf> {
    let sex = if known.female { "F" } else { "M" };
    let slice = |series: u8, kvp: &str, thickness: &str, kernel: &str| {
        let slice = Slice {
            study: format!("1.2.9.{n}"),
            series: format!("1.2.9.{n}.{series}"),
            uid: format!("1.2.9.{n}.{series}.1"),
            ..Slice::default()
        };
        slice
            .text(0x08, 0x20, b"DA", "20240102")
            .text(0x10, 0x10, b"PN", &format!("Canary{n}^Yellow"))
            .text(0x10, 0x20, b"LO", &format!("MRN{n:05}"))
            .text(0x10, 0x30, b"DA", &format!("{}0615", known.born))
            .text(0x10, 0x40, b"CS", sex)
            .text(0x18, 0x50, b"DS", thickness)
            .text(0x18, 0x60, b"DS", kvp)
            .text(0x18, 0x1210, b"SH", kernel)
            .text(
                0x19,
                0x1010,
                b"LO",
                if n.is_multiple_of(7) { "gated" } else { "free" },
            )
            .write(folder, &format!("{n}-{series}.dcm"))
    };
    let low = if n.is_multiple_of(2) { "80" } else { "100" };
    vec![slice(1, low, "1.25", "B60f"), slice(2, "120", "5", "B30f")]
}

#[test]
fn elements_of_headers_narrow_beside_all_the_rest_and_in_time() {
    const PATIENTS: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::throw_away().unwrap();
    let known = filled(&mut store, PATIENTS);
    let options = ScanOptions::default();
    let instances: Vec<Arc<Instance>> = (0..PATIENTS)
        .flat_map(|n| headers(folder.path(), n, &known[n]))
        .map(|path| Arc::new(read_instance(&path, &options).unwrap()))
        .collect();
    store.index_instances(&instances).unwrap();
    let all: [(&str, fn(usize, &Known) -> bool); 9] = [
        ("tag:KVP=80", |n, _| n % 2 == 0),
        ("-tag:KVP=80 sex:F", |n, k| n % 2 == 1 && k.female),
        // Of one series, not of one patient.
        ("tag:KVP<110&SliceThickness>2", |_, _| false),
        ("tag:KVP<110 tag:SliceThickness>2", |_, _| true),
        ("tag:ConvolutionKernel=b60F&(0018,0060)=100", |n, _| {
            n % 2 == 1
        }),
        ("tag:(0019,1010):gat", |n, _| n % 7 == 0),
        ("tag:KVP=80@2023", |_, _| false),
        (
            "tag:KVP=80@1y condition:diabetes value:2160-0>1.5",
            |n, k| n % 2 == 0 && k.diseases.contains(&0) && k.creatinine.is_some_and(|c| c > 1.5),
        ),
        ("tag:00190010=x or finding:nodule>15", |_, k| {
            k.nodule_mm.is_some_and(|n| n > 15.0)
        }),
    ];
    let mut times = Vec::new();
    for (text, holds) in all {
        let query = Query::parse(text, today(), element_with_keyword).unwrap();
        let begin = Instant::now();
        let cohort = store.cohort_with(&query.tags()).unwrap();
        let loaded = begin.elapsed();
        let begin = Instant::now();
        let found = query.find(&cohort, today());
        let counted = summary(&cohort, &found, today());
        times.push((loaded, begin.elapsed()));
        let expected: Vec<usize> = (0..PATIENTS).filter(|n| holds(*n, &known[*n])).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(counted.patients, expected.len());
        assert_eq!(cohort.unread, 0);
        // Elements are no facts: they are neither counted nor exported.
        assert_eq!(cohort.facts(), store.cohort().unwrap().facts());
    }
    let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
    let (first, rest) = times.split_first().unwrap();
    let slowest = rest.iter().map(|(_, query)| ms(*query)).fold(0.0, f64::max);
    let loading = rest.iter().map(|(load, _)| ms(*load)).fold(0.0, f64::max);
    println!(
        "{PATIENTS} patients, {} series: headers read in {:.0} ms, loaded in at most {loading:.0} ms, slowest query with counts {slowest:.1} ms",
        instances.len(),
        ms(first.0)
    );
    assert!(slowest < 1000.0, "{slowest} ms");
    // A file that is gone is said, and does not stand for what it said not.
    store
        .index_instances(&[picture(
            &person("X", "Gone", "19500101", Sex::Male),
            "1.77",
            "CT",
        )])
        .unwrap();
    let query = Query::parse("tag:KVP", today(), element_with_keyword).unwrap();
    let cohort = store.cohort_with(&query.tags()).unwrap();
    assert_eq!((cohort.len(), cohort.unread), (PATIENTS + 1, 1));
    assert_eq!(query.find(&cohort, today()).len(), PATIENTS);
    for wrong in ["tag:", "tag:NoSuchKeyword=1", "tag:KVP>x", "tag"] {
        assert!(
            Query::parse(wrong, today(), element_with_keyword).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_changes_is_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
    let mut store = Store::create(&dir, &pass, negatoscope::store::KdfCost::CHEAP).unwrap();
    filled(&mut store, 20);
    let count = |store: &Store, text: &str| {
        let query = Query::parse(text, today(), element_with_keyword).unwrap();
        query.find(&store.cohort().unwrap(), today()).len()
    };
    let before = count(&store, "condition:asthma");
    let condition = |id: &str, name: &str| {
        json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p00000"},
            "code": {"text": name}, "onsetDateTime": "2020-01-01"})
    };
    store
        .import_bundle(&bundle(&[condition("new", "Psittacosis of the canary")]))
        .unwrap();
    assert_eq!(count(&store, "condition:psittacosis"), 1);
    let hits = store.search_records("psittacosis cana", None, 9).unwrap();
    assert_eq!(
        (hits.len(), hits[0].patient.reveal().as_str()),
        (1, "p00000")
    );
    // A correction, and the correction taken back.
    let place = place_of("p00000", "Condition", "new");
    let other = condition("new", "Ornithosis").to_string();
    store.amend(vec![(place, Phi::new(other))]).unwrap();
    assert_eq!(count(&store, "condition:psittacosis"), 0);
    assert_eq!(count(&store, "condition:ornithosis"), 1);
    assert!(
        store
            .search_records("psittacosis", None, 9)
            .unwrap()
            .is_empty()
    );
    drop(store);
    let mut store = Store::open(&dir, &pass).unwrap();
    assert_eq!(count(&store, "condition:ornithosis"), 1);
    store.undo().unwrap().unwrap();
    assert_eq!(count(&store, "condition:psittacosis"), 1);
    assert_eq!(count(&store, "condition:asthma"), before);
    // What is derived is made anew when it is gone or spoiled, and nothing in it can be read.
    drop(store);
    let bytes = fs::read(dir.join(derived::FILE)).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    assert!(!holds(b"anary") && !holds(b"p00000") && !holds(b"SQLite"));
    fs::write(dir.join(derived::FILE), b"rubbish").unwrap();
    let mut store = Store::open(&dir, &pass).unwrap();
    assert_eq!(count(&store, "condition:psittacosis"), 1);
    // A patient who is taken out is gone from it, and it is gone under another key.
    store.erase_patient("MRN00000").unwrap();
    assert_eq!(count(&store, "condition:psittacosis"), 0);
    assert_eq!(count(&store, ""), 19);
    store
        .rekey(&Passphrase::new("q"), negatoscope::store::KdfCost::CHEAP)
        .unwrap();
    assert!(!dir.join(derived::FILE).exists());
    let store = Store::open(&dir, &Passphrase::new("q")).unwrap();
    assert_eq!(count(&store, ""), 19);
}

#[test]
fn the_command_line_counts_searches_and_exports() {
    let (folder, dir) = made();
    let file = folder.path().join("all.json");
    let mut dice = Dice(11);
    let mut known: Vec<Known> = Vec::new();
    let resources: Vec<Value> = (0..60)
        .flat_map(|n| {
            let (resources, one) = patient(n, &mut dice);
            known.push(one);
            resources
        })
        .collect();
    fs::write(&file, bundle(&resources)).unwrap();
    let pass = "correct horse";
    let file = file.to_string_lossy().into_owned();
    assert_eq!(
        run(&dir, pass, &["record", "import", &file], "")
            .status
            .code(),
        Some(0)
    );
    let clock = ["--clock", "2024-06-01T00:00:00Z"];
    let command = |arguments: &[&str]| run(&dir, pass, &[arguments, &clock].concat(), "");
    let found = command(&[
        "cohort",
        "find",
        "finding:nodule>=6",
        "sex:F",
        "--json",
        "--spread",
        "2160-0",
        "--list",
    ]);
    let value: Value = serde_json::from_str(&text(&found.stdout)).unwrap();
    let wanted = |k: &&Known| k.female && k.nodule_mm.is_some_and(|n| n >= 6.0);
    let expected: Vec<&Known> = known.iter().filter(wanted).collect();
    assert_eq!(value["patients"], expected.len());
    assert_eq!(
        (&value["of"], &value["sex"]["F"]),
        (&json!(60), &json!(expected.len()))
    );
    let values: Vec<f64> = expected.iter().filter_map(|k| k.creatinine).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread = &value["spreads"]["2160-0"];
    assert_eq!(spread["patients"], values.len());
    assert!((spread["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
    assert!(
        value["list"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| p["id"] == "[redacted]")
    );
    assert_eq!(
        command(&["cohort", "find", "colour:red"]).status.code(),
        Some(2)
    );
    let search = command(&["record", "search", "右肺上叶", "--json"]);
    let lines: Vec<Value> = text(&search.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let chinese = resources
        .iter()
        .filter(|r| r.to_string().contains("右肺上叶"))
        .count();
    assert!(chinese > 3);
    assert_eq!(lines.last().unwrap()["summary"]["found"], chinese);
    assert!(!text(&search.stdout).contains("Canary"));
    // The tables: nobody is named, every fact is there, nothing is written over.
    let tables = folder.path().join("tables");
    let out = tables.to_string_lossy().into_owned();
    let export = command(&["cohort", "export", &out, "--json"]);
    assert_eq!(export.status.code(), Some(0), "{}", text(&export.stderr));
    let value: Value = serde_json::from_str(&text(&export.stdout)).unwrap();
    assert_eq!(value["patients"], 60);
    assert_eq!(command(&["cohort", "export", &out]).status.code(), Some(2));
    let mut files: BTreeMap<String, usize> = BTreeMap::new();
    let mut words = false;
    let mut open = vec![tables.clone()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let plain = [bytes.clone(), unpacked(&bytes)].concat();
            for canary in ["Canary", "MRN0", "p00001", "2023-10-10"] {
                let needle = canary.as_bytes();
                let there = plain.windows(needle.len()).any(|w| w == needle);
                assert!(!there, "{canary}");
            }
            words |= plain.windows(8).any(|w| w == b"Diabetes");
            let name = path
                .strip_prefix(&tables)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            files.insert(name, bytes.len());
        }
    }
    assert_eq!(value["files"], files.len());
    assert!(words, "the search looks into the pages");
    assert!(files.contains_key("patients/part-0.parquet"));
    assert!(
        files
            .keys()
            .any(|f| f.starts_with("facts/kind=value/modality=none/year=20"))
    );
    assert!(Kind::ALL.iter().all(|k| Kind::named(k.word()) == Some(*k)));
}

/// All gzip members of a file, unpacked.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for at in 0..bytes.len().saturating_sub(10) {
        if bytes[at..].starts_with(&[0x1F, 0x8B, 8]) {
            let mut page = Vec::new();
            let read = flate2::read::GzDecoder::new(&bytes[at..]).read_to_end(&mut page);
            if read.is_ok() {
                out.extend(page);
            }
        }
    }
    out
}
