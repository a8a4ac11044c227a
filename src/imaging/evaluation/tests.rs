use super::*;

const TABLE: &str = "name,patient,label,score\n\
    a,1,1,0.9\r\n\"b, the second\",1,0,0.8\n\nc,2,1,0.4\nd,3,0,0.1\n";

#[test]
fn a_table_of_scores_becomes_an_evaluation() {
    let e = Evaluation::read(TABLE, &Rules::default()).unwrap();
    assert_eq!((e.kind, e.cases.len()), (Kind::Classification, 4));
    assert_eq!(e.cases[1].name, "b, the second");
    let value = |name| e.summary_of(name).map(|s| s.value);
    // Of four pairs three are in order; half of the decisions at 0.5 are right.
    assert_eq!(value("auroc"), Some(0.75));
    assert_eq!(value("accuracy"), Some(0.5));
    assert_eq!(value("specificity"), Some(0.5));
    let by = e.intervals.as_ref().map(|i| (i.by.as_str(), i.groups));
    assert_eq!(by, Some(("patient", 3)));
    let accuracy = e.summary_of("accuracy").unwrap();
    assert!(accuracy.low.unwrap() <= 0.5 && accuracy.high.unwrap() >= 0.5);
    // The farther on the wrong side, the worse.
    assert_eq!(e.worst, ["b, the second", "c"]);
    assert_eq!(
        (e.roc.len(), e.precision_recall.len(), e.reliability.len()),
        (5, 5, 10)
    );
    assert_eq!(e.roc[0].threshold, None);
    let again = Evaluation::read(&serde_json::to_string(&e).unwrap(), &Rules::default());
    assert_eq!(again.unwrap(), e);
    let text = markdown(&e);
    for part in [
        "| AUROC | 0.7500 |",
        "b, the second | 0 | 0.8000",
        "| positive | 1 | 1 |",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_table_of_figures_becomes_an_evaluation() {
    let text = "name,subset,dice,iou,hd95_px,assd_px\nx,s,0.9,0.8,3,1\ny,s,0.5,0.3,,\n";
    let e = Evaluation::read(text, &Rules::default()).unwrap();
    assert_eq!(e.kind, Kind::Segmentation);
    assert_eq!(e.length_unit.as_deref(), Some("px"));
    let hd95 = e.summary_of("hd95").unwrap();
    assert_eq!((hd95.value, hd95.cases), (3.0, 1));
    let dice = e.summary_of("dice").unwrap();
    assert_eq!((dice.value, dice.cases), (0.7, 2));
    assert_eq!((dice.low, dice.high), (Some(0.5), Some(0.9)));
    assert_eq!(e.worst, ["y", "x"]);
    assert!(markdown(&e).contains("HD95 (px)"));
}

#[test]
fn what_is_wrong_with_a_table_is_said() {
    let of = |text: &str| {
        Evaluation::read(text, &Rules::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(of(""), "there is no case to evaluate");
    assert_eq!(of("label,score\n"), "there is no case to evaluate");
    assert_eq!(of("score\n1\n"), "the table has no column label");
    assert_eq!(
        of("label,score\n1,0.5\n2,0.5\n"),
        "line 3: `2` is neither 0 nor 1"
    );
    assert_eq!(of("label,score\n1,NaN\n"), "line 2: `NaN` is not a number");
    assert_eq!(
        of("label,score\n1\n"),
        "line 2: 1 fields where the header has 2"
    );
    assert_eq!(
        of("label,score\n\"1,0.5\n"),
        "line 2: a quotation mark is never closed"
    );
    assert!(of("a,b\n1,2\n").contains("none of a figure"));
    assert!(of("{\"format\":1}").starts_with("this is no evaluation"));
}

#[test]
fn one_class_has_figures_but_no_curve() {
    let e = Evaluation::read("label,score\n1,0.5\n1,0.7\n", &Rules::default()).unwrap();
    assert!(e.roc.is_empty() && e.summary_of("auroc").is_none());
    assert_eq!(e.summary_of("recall").map(|s| s.value), Some(1.0));
    assert!(e.summary_of("specificity").is_none());
}

#[test]
fn patients_become_numbers() {
    let mut e = Evaluation::read(TABLE, &Rules::default()).unwrap();
    e.cases[2].patient = Some("Doe^Jane".into());
    e.number_patients();
    let named: Vec<_> = e
        .cases
        .iter()
        .filter_map(|c| c.patient.as_deref())
        .collect();
    assert_eq!(named, ["1", "1", "2", "3"]);
}

#[test]
fn names_without_endings() {
    let names = ["a/b/c.nii.gz", "c.png", "c", "d.e/c.NII.GZ", "x\\c.tar"];
    assert!(names.iter().all(|n| table::stem(n) == "c"), "{names:?}");
    assert_eq!(table::stem(".png"), ".png");
}
