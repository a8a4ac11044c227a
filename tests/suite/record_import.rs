//! What else brings facts into a record: messages, tables, call sets; and what comes twice.

use crate::support;
use negatoscope::{
    clinical::{
        FhirError, Hints, ParsedBundle, Resource, build_record, duplicates, genes,
        genes::resources::{Genomics, genomics},
        read_record,
        text::lexicon,
    },
    model::{date::Date, record::PatientRecord},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

fn read(text: &str) -> Result<ParsedBundle, FhirError> {
    read_record(text.as_bytes(), &Hints::default())
}

fn record(bundle: &ParsedBundle) -> PatientRecord {
    let patients = bundle.patients();
    assert_eq!(patients.len(), 1);
    build_record(&bundle.for_patient(patients[0]))
}

fn table(text: &str, mapping: &str) -> Result<ParsedBundle, FhirError> {
    let hints = Hints {
        patient: Some("p"),
        mapping: Some(mapping),
    };
    read_record(text.as_bytes(), &hints)
}

fn sent(bundle: &ParsedBundle) -> BTreeMap<(String, String), String> {
    let key = |r: &Resource| (r.kind.clone(), r.id.clone());
    bundle
        .resources
        .iter()
        .map(|r| (key(r), r.json.clone()))
        .collect()
}

const ORU: &str = "MSH|^~\\&|LAB|HOSPITAL|||20240305083000||ORU^R01|42|P|2.5\r\
PID|1||77^^^H^MR||CANARY^YELLOW||19600304|M\r\
OBR|1||F9|24331-1^Lipid panel^LN|||20240305|||||||||||||||||F\r\
OBX|1|NM|2093-3^Cholesterol^LN||212|mg/dL|0-200|H|||F|||20240305083000+0800\r\
OBX|2|SN|33914-3^eGFR^LN||>^90|mL/min||N|||F\r\
OBX|3|TX|||no \\T\\ nothing \\F\\ else||||||F\r\
OBX|4|TX|||second line||||||F\r\
OBX|5|NM|1742-6^ALT^LN||||||||X\r\
AL1|1|DA|7980^Penicillin^RXNORM|SV^Severe\r\
DG1|1||I10^Hypertension^I10||20200102\r\
NK1|1|CANARY^GREEN\r";

#[test]
fn a_laboratory_message_becomes_a_record() {
    let bundle = read(ORU).unwrap();
    assert_eq!(bundle.kind, "hl7v2");
    // One Observation for each OBX; the message itself; nothing else is made up.
    let count = |kind: &str| bundle.report.counts.get(kind).copied().unwrap_or(0);
    let counts = [
        "Patient",
        "Observation",
        "DiagnosticReport",
        "AllergyIntolerance",
        "Condition",
        "DocumentReference",
    ]
    .map(count);
    assert_eq!(counts, [1, 5, 1, 1, 1, 1]);
    assert_eq!(
        bundle.report.unread.get(&("HL7v2".into(), "NK1".into())),
        Some(&1)
    );
    let record = record(&bundle);
    assert_eq!(record.identity.id.reveal(), "77");
    assert_eq!(
        *record.identity.birth_date.reveal(),
        Date::parse("1960-03-04")
    );
    let cholesterol = record
        .observations
        .iter()
        .find(|o| o.code.code == "2093-3")
        .unwrap();
    let value = &cholesterol.values[0];
    assert_eq!(
        (value.value, value.unit.as_str(), value.flag.code()),
        (Some(212.0), "mg/dL", "H")
    );
    assert_eq!(value.reference, (Some(0.0), Some(200.0)));
    let egfr = record
        .observations
        .iter()
        .find(|o| o.code.code == "33914-3")
        .unwrap();
    assert_eq!(
        (egfr.values[0].value, egfr.values[0].text.as_str()),
        (None, "> 90 mL/min")
    );
    let report = record.reports.iter().find(|r| r.results == 5).unwrap();
    assert_eq!(report.text, "no & nothing | else\nsecond line");
    assert_eq!(record.allergies[0].criticality, "high");
    assert_eq!(
        record.conditions[0].code.system,
        "http://hl7.org/fhir/sid/icd-10-cm"
    );
    // Cancelled: kept, not shown.
    assert!(record.observations.iter().all(|o| o.code.code != "1742-6"));
}

#[test]
fn the_same_message_again_is_the_same() {
    let once = sent(&read(ORU).unwrap());
    assert_eq!(once, sent(&read(ORU).unwrap()));
    assert_eq!(once, sent(&read(&ORU.replace('\r', "\n")).unwrap()));
    // The original is kept as it came.
    let original = once
        .iter()
        .find(|(key, _)| key.0 == "DocumentReference")
        .unwrap()
        .1;
    let value: Value = serde_json::from_str(original).unwrap();
    let data = value["content"][0]["attachment"]["data"].as_str().unwrap();
    assert_eq!(decoded(data), ORU.trim_end_matches('\r'));
}

/// Base64 by another way than the program's: bits in a row.
fn decoded(data: &str) -> String {
    let bits: String = data
        .chars()
        .filter(|c| *c != '=')
        .map(|c| {
            let digits: Vec<char> = ('A'..='Z')
                .chain('a'..='z')
                .chain('0'..='9')
                .chain(['+', '/'])
                .collect();
            format!("{:06b}", digits.iter().position(|d| *d == c).unwrap())
        })
        .collect();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap())
        .collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn broken_messages_are_refused_with_their_line() {
    let check =
        |text: &str, expected: &str| assert_eq!(read(text).unwrap_err().to_string(), expected);
    check(
        "MSH|^~\\&|A\rOBX|1\r",
        "not readable as HL7 v2 in line 1: no PID segment",
    );
    check(
        "MSH\rPID|1\r",
        "not readable as HL7 v2 in line 1: MSH without separators",
    );
    check(
        "BHS|^~\\&\rPID|1\r",
        "not readable as HL7 v2 in line 2: a segment before MSH",
    );
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_sample_messages_come_in_whole() {
    for (name, reports) in [("ORU-multiline-short.hl7", 1), ("ADT-multiline.hl7", 0)] {
        let bytes = fs::read(support::data("hl7v2").join(name)).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        // An independent count: lines by their first three letters.
        let lines = |segment: &str| {
            text.split(['\r', '\n'])
                .filter(|l| l.starts_with(segment))
                .count()
        };
        let bundle = read_record(&bytes, &Hints::default()).unwrap();
        let count = |kind: &str| bundle.report.counts.get(kind).copied().unwrap_or(0);
        assert_eq!(count("Observation"), lines("OBX"), "{name}");
        assert_eq!(
            (
                count("DiagnosticReport"),
                count("Encounter"),
                count("Patient")
            ),
            (reports, lines("PV1"), lines("PID"))
        );
        let notes = bundle
            .report
            .unread
            .get(&("HL7v2".into(), "NTE".into()))
            .copied()
            .unwrap_or(0);
        assert_eq!(notes, lines("NTE"));
        assert_eq!(bundle.report.unresolved, BTreeMap::new());
        assert!(record(&bundle).identity.birth_date.reveal().is_some());
    }
}

#[test]
fn a_table_of_values_becomes_observations() {
    let mapping = "resource = \"Observation\"\ncategory = \"laboratory\"\n[columns]\ncode = \"loinc\"\ndisplay = \"test\"\nvalue = \"result\"\nunit = \"unit\"\ndate = \"when\"\n[constants]\nsystem = \"http://loinc.org\"\n";
    let text = "loinc,test,result,unit,when,remark\n2160-0,Creatinine,1.8,mg/dL,2024-03-05,\n2160-0,Creatinine,1.8,mg/dL,2024-03-05,again\n2160-0,Creatinine,2.0,mg/dL,2024/4/5,\n,,,,2024-01-01,empty\n882-1,Blood group,A positive,,2020-01-01,\n";
    let bundle = table(text, mapping).unwrap();
    assert_eq!(bundle.report.counts.get("Observation"), Some(&3));
    let unread = |what: &str| {
        bundle
            .report
            .unread
            .get(&("CSV".into(), what.into()))
            .copied()
    };
    assert_eq!(unread("row without a value"), Some(1));
    assert_eq!(unread("row that repeats another"), Some(1));
    assert_eq!(unread("column 6"), Some(5));
    let record = record(&bundle);
    let creatinine = record
        .observations
        .iter()
        .find(|o| o.code.code == "2160-0")
        .unwrap();
    assert_eq!(
        creatinine
            .values
            .iter()
            .map(|v| v.value.unwrap())
            .collect::<Vec<_>>(),
        [1.8, 2.0]
    );
    assert_eq!(sent(&bundle), sent(&table(text, mapping).unwrap()));
}

#[test]
fn a_watch_writes_a_series() {
    let mapping = "resource = \"Observation\"\n[columns]\ndate = \"time\"\n[[measure]]\ncolumn = \"heart_rate\"\nloinc = \"8867-4\"\ndisplay = \"Heart rate\"\nunit = \"/min\"\n[[measure]]\ncolumn = \"sleep_min\"\nloinc = \"93832-4\"\ndisplay = \"Sleep duration\"\nunit = \"h\"\nscale = 0.016666666666666666\n";
    let text = "time,heart_rate,sleep_min\n2024-05-01 07:00,58,420\n2024-05-01 08:00,71,\n2024-05-02 07:00,60,390\nnever,80,1\n";
    let bundle = table(text, mapping).unwrap();
    let record = record(&bundle);
    let values = |code: &str| {
        let series = record
            .observations
            .iter()
            .find(|o| o.code.code == code)
            .unwrap();
        assert_eq!(series.category, "activity");
        series
            .values
            .iter()
            .map(|v| v.value.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(values("8867-4"), [58.0, 71.0, 60.0]);
    assert_eq!(values("93832-4"), [7.0, 6.5]);
    assert_eq!(
        bundle
            .report
            .unread
            .get(&("CSV".into(), "row without a value".into())),
        Some(&1)
    );
}

#[test]
fn tables_that_lack_something_say_what() {
    let check = |text: &str, mapping: &str, expected: &str| {
        assert_eq!(table(text, mapping).unwrap_err().to_string(), expected)
    };
    let map = "resource = \"Observation\"\n[columns]\nvalue = \"v\"\ncode = \"c\"\n";
    check(
        "c\n1\n",
        map,
        "not readable as CSV in line 1: a column of the mapping file is missing",
    );
    check(
        "c,v\n\"1\n",
        map,
        "not readable as CSV in line 2: a quotation is not closed",
    );
    check(
        "c,v\n",
        "resource = \"Claim\"\n",
        "not readable as mapping file in line 1: this type of resource is not made from tables",
    );
    check(
        "c,v\n",
        "resource = \"Observation\"\nfoo = 1\n",
        "not readable as mapping file in line 2: an unknown or missing entry",
    );
    let nobody = Hints {
        patient: None,
        mapping: Some(map),
    };
    assert_eq!(
        read_record(b"c,v\n1,2\n", &nobody).map(|b| b.kind),
        Err(FhirError::NoPatient)
    );
}

#[test]
fn what_came_twice_is_found_and_merged_and_stays() {
    let observation = |id: &str, value: f64| {
        format!(
            "{{\"resourceType\":\"Observation\",\"id\":\"{id}\",\"status\":\"final\",\"subject\":{{\"reference\":\"Patient/p\"}},\"effectiveDateTime\":\"2020-01-01T08:00:00Z\",\"code\":{{\"coding\":[{{\"system\":\"http://loinc.org\",\"code\":\"2160-0\"}}]}},\"valueQuantity\":{{\"value\":{value},\"unit\":\"mg/dL\"}}}}"
        )
    };
    let lines = [
        observation("a", 1.0),
        observation("b", 1.0),
        observation("c", 2.0),
    ]
    .join("\n");
    let mut bundle = read(&lines).unwrap();
    let pairs = duplicates::find(&bundle.resources);
    assert_eq!(pairs.len(), 1);
    assert_eq!(
        (
            pairs[0].first.as_str(),
            pairs[0].second.as_str(),
            pairs[0].exact
        ),
        ("a", "b", true)
    );
    let values =
        |bundle: &ParsedBundle| build_record(&bundle.resources).observations[0].values.len();
    assert_eq!(values(&bundle), 3);
    let linkage =
        read(&duplicates::linkage("p", "Observation", "a", "b", true).to_string()).unwrap();
    assert_eq!(linkage.resources[0].patient.as_deref(), Some("p"));
    bundle.resources.extend(linkage.resources);
    assert_eq!(values(&bundle), 2);
    assert_eq!(build_record(&bundle.resources).merged, 1);
    assert!(duplicates::find(&bundle.resources).is_empty());
}

fn example(name: &str) -> String {
    fs::read_to_string(support::data("genomics").join(name)).unwrap()
}

/// Genes of the example report that were called from the call set: symbol to label and phenotypes.
fn report_calls(report: &Value) -> BTreeMap<String, (String, String)> {
    let mut calls = BTreeMap::new();
    for (symbol, gene) in report["genes"].as_object().unwrap() {
        if gene["callSource"] != "MATCHER" {
            continue;
        }
        let diplotype = &gene["sourceDiplotypes"][0];
        let phenotypes: Vec<&str> = diplotype["phenotypes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .filter(|p| *p != "n/a")
            .collect();
        calls.insert(
            symbol.clone(),
            (
                diplotype["label"].as_str().unwrap().to_owned(),
                phenotypes.join("; "),
            ),
        );
    }
    calls
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_example_call_set_gives_the_diplotypes_of_the_report() {
    let report: Value = serde_json::from_str(&example("pharmcat.example.report.json")).unwrap();
    let expected = report_calls(&report);
    let source = example("pharmcat.example.vcf");
    let set = genes::read_vcf(&source).unwrap();
    let lines = source.lines().filter(|l| !l.starts_with('#')).count();
    assert_eq!((set.variants.len(), set.samples), (lines, 1));
    let calls: BTreeMap<String, (String, String)> = genes::call_genes(&set)
        .into_iter()
        .map(|d| {
            assert_eq!(d.missing, [""; 0], "{}", d.gene);
            (d.gene, (d.label, d.phenotype))
        })
        .collect();
    assert_eq!(expected.len(), 19);
    assert_eq!(calls, expected);
    // Every allele of the table lies where the report says that alleles of this name are told apart.
    for gene in genes::table::genes() {
        for allele in &gene.alleles {
            for (id, bases) in &allele.marks {
                let variants = report["genes"][gene.symbol]["variants"].as_array().unwrap();
                let variant = variants.iter().find(|v| v["dbSnpId"] == *id).unwrap();
                let named = variant["alleles"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|a| a == allele.name);
                assert!(named, "{} {} {id}", gene.symbol, allele.name);
                let line = set
                    .variants
                    .iter()
                    .find(|v| v.ids.iter().any(|i| i == id))
                    .unwrap();
                assert!(line.alternates.iter().any(|a| a == bases), "{id} {bases}");
            }
        }
    }
    // Every hint is for a drug that a guideline of the report is for, and names one of its papers.
    for gene in genes::table::genes() {
        for hint in &gene.hints {
            let drug = &report["drugs"]["CPIC Guideline Annotation"][hint.drug];
            let papers: Vec<&str> = drug["citations"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|c| c["pmid"].as_str())
                .collect();
            assert!(
                papers
                    .iter()
                    .any(|p| hint.source.ends_with(&format!("PMID {p}"))),
                "{} {}",
                gene.symbol,
                hint.drug
            );
            assert!(lexicon::concept(hint.drug).is_some());
        }
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_example_report_is_shown_whole() {
    let source = example("pharmcat.example.report.json");
    let report: Value = serde_json::from_str(&source).unwrap();
    let hints = Hints {
        patient: Some("p"),
        mapping: None,
    };
    let bundle = read_record(source.as_bytes(), &hints).unwrap();
    assert_eq!(bundle.kind, "pharmcat");
    let record = record(&bundle);
    let called: Vec<(&String, &Value)> = report["genes"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, g)| {
            !g["sourceDiplotypes"][0]["label"]
                .as_str()
                .unwrap()
                .starts_with("Unknown")
        })
        .collect();
    assert_eq!(record.genes.len(), called.len());
    for (symbol, gene) in called {
        let ours = record.genes.iter().find(|g| g.gene == *symbol).unwrap();
        let diplotype = &gene["sourceDiplotypes"][0];
        assert_eq!(ours.diplotype, diplotype["label"].as_str().unwrap());
        for phenotype in diplotype["phenotypes"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .filter(|p| *p != "n/a")
        {
            assert!(
                ours.phenotype.split("; ").any(|p| p == phenotype),
                "{symbol}: {phenotype}"
            );
        }
        assert_eq!(
            ours.activity,
            diplotype["activityScore"]
                .as_str()
                .and_then(|s| s.parse().ok())
        );
    }
    // Every annotation of every guideline of every drug is a recommendation of the record.
    let mut wanted = 0;
    for drugs in report["drugs"].as_object().unwrap().values() {
        for (name, drug) in drugs.as_object().unwrap() {
            for guideline in drug["guidelines"].as_array().unwrap() {
                for annotation in guideline["annotations"].as_array().unwrap() {
                    wanted += 1;
                    let strength = annotation["classification"].as_str().unwrap_or_default();
                    let population = annotation["population"].as_str().unwrap_or_default();
                    let found = record.guidance.iter().any(|g| {
                        g.drug == *name && g.strength == strength && g.population == population
                    });
                    assert!(found, "{name} {strength} {population}");
                }
            }
        }
    }
    assert!(wanted > 100);
    assert_eq!(record.guidance.len(), wanted);
}

#[test]
fn what_is_no_genomics_stays_an_observation() {
    let plain: Value =
        serde_json::from_str("{\"code\": {\"coding\": [{\"code\": \"2160-0\"}]}}").unwrap();
    assert!(genomics(&plain).is_none());
    let source = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\nchr10\t94842866\trs3758581\tA\tG\t.\tPASS\tPX=CYP2C19\tGT\t1/1\nchr10\t94781859\trs4244285\tG\tA\t.\tPASS\tPX=CYP2C19\tGT\t0/1\n";
    let hints = Hints {
        patient: Some("p"),
        mapping: None,
    };
    let bundle = read_record(source.as_bytes(), &hints).unwrap();
    let record = record(&bundle);
    assert_eq!(record.variants.len(), 2);
    assert!(
        record
            .variants
            .iter()
            .any(|v| v.genotype == "G/A" && v.ids == ["rs4244285"] && v.genes == ["CYP2C19"])
    );
    let call = record.genes.iter().find(|g| g.gene == "CYP2C19").unwrap();
    assert_eq!(
        (call.diplotype.as_str(), call.phenotype.as_str()),
        ("*1/*2", "Intermediate Metabolizer")
    );
    assert!(call.note.contains("2 of 4 positions not called"));
    assert!(matches!(
        bundle
            .resources
            .iter()
            .filter_map(|r| genomics(&r.value()))
            .next(),
        Some(Genomics::Variant(_))
    ));
}

#[test]
fn any_bytes_are_refused_or_read() {
    // Each form with bytes dropped, doubled and exchanged, by a fixed sequence: no panic, and a second reading of what
    // was read gives the same.
    let map = "resource = \"Observation\"\n[columns]\ncode = \"c\"\nvalue = \"v\"\ndate = \"d\"\n";
    let vcf = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\nchr10\t94842866\trs3758581\tA\tG\t.\tPASS\tPX=CYP2C19\tGT\t1/1\n";
    let report = "{\"pharmcatVersion\": \"3\", \"genes\": {\"TPMT\": {\"sourceDiplotypes\": [{\"label\": \"*1/*1\", \"phenotypes\": [\"x\"]}]}}, \"drugs\": {\"CPIC\": {\"a\": {\"guidelines\": [{\"id\": \"1\", \"annotations\": [{\"implications\": []}]}]}}}}";
    let forms: [(&str, Option<&str>); 4] = [
        (ORU, None),
        (vcf, None),
        (report, None),
        ("c,v,d\na,\"1\",2020-01-01\nb,2,20200102\n", Some(map)),
    ];
    let mut seed = 0x2545_F491_4F6C_DD1Du64;
    let (mut taken, mut refused) = (0, 0);
    for (text, mapping) in forms {
        for _ in 0..400 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..3 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let at = (seed >> 8) as usize % bytes.len().max(1);
                if bytes.len() < 2 {
                    break;
                }
                match seed % 4 {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, bytes[at]),
                    2 => bytes[at] = (seed >> 40) as u8,
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let hints = Hints {
                patient: Some("p"),
                mapping,
            };
            match read_record(&bytes, &hints) {
                Ok(bundle) => {
                    taken += 1;
                    build_record(&bundle.resources);
                    assert_eq!(sent(&bundle), sent(&read_record(&bytes, &hints).unwrap()));
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().contains("CANARY"));
                }
            }
        }
    }
    assert!(
        taken > 200 && refused > 200,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn a_mapping_is_drawn_up_on_the_command_line_and_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("watch.csv");
    let text = "time,HR (bpm),systolic,weight,remark\n2024-05-01 07:00,58,121,71.5,well\nnever,60,120,70,\n2024-05-02,fast,119,70,\n";
    std::fs::write(&file, text).unwrap();
    let run = |arguments: &[&str]| {
        let run = std::process::Command::new(crate::support::PROGRAM)
            .args(["record", "mapping", "--json"])
            .arg(&file)
            .args(arguments)
            .output()
            .unwrap();
        let lines = String::from_utf8(run.stdout).unwrap();
        let values: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (run.status.code().unwrap(), values)
    };
    // Kilograms or pounds: nothing says it.
    let (code, lines) = run(&[]);
    assert_eq!(code, 1);
    let columns = lines[0]["columns"].as_array().unwrap();
    let unit = |n: usize| {
        (
            &columns[n]["measure"]["unit"],
            &columns[n]["measure"]["unit_from"],
        )
    };
    assert_eq!(unit(1), (&json!("/min"), &json!("name")));
    assert_eq!(unit(2), (&json!("mm[Hg]"), &json!("values")));
    assert_eq!(columns[3]["measure"]["ready"], json!(false));
    let codes: Vec<&Value> = lines.iter().filter_map(|line| line.get("code")).collect();
    assert_eq!(codes, [&json!("ROW_BAD_DATE"), &json!("ROW_NOT_A_NUMBER")]);
    let mapping = folder.path().join("watch.toml");
    let out = mapping.to_str().unwrap();
    let (code, _) = run(&["--out", out]);
    assert!(code == 1 && !mapping.exists());
    let (code, lines) = run(&["--unit", "weight=kg", "--out", out]);
    assert_eq!(code, 1, "two rows have faults");
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(
        (&summary["facts"], &summary["rows_without_facts"]),
        (&json!(5), &json!(1))
    );
    // What was written is what the importer takes, and nothing is written over.
    let written = std::fs::read_to_string(&mapping).unwrap();
    let bundle = table(text, &written).unwrap();
    assert_eq!(bundle.resources.len(), 5);
    assert_eq!(run(&["--unit", "weight=kg", "--out", out]).0, 2);
    assert_eq!(run(&["--check", out]).0, 1);
    for wrong in [
        ["--unit", "weight=parsec"],
        ["--unit", "remark=kg"],
        ["--column", "weight=nonsense"],
        ["--column", "nobody=measure"],
    ] {
        assert_eq!(run(&wrong).0, 2, "{wrong:?}");
    }
}
