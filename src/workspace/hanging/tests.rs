use super::{
    built_in::{FILES, built_in},
    example::{Shown, infer, preview},
    item::{Item, StudyItems},
    matching::{choose, fitting_grid, hang, is_for, next_stage},
    priors::{may_stand_beside, rank},
    protocol::{Protocol, ProtocolError, Rule, Show},
    words::{self, Region, Sequence, Side, Words},
};
use crate::model::{
    arrangement::{Grid, Layout},
    date::Date,
    geometry::BodyPlane,
};

/// An item from one line: `MODALITY/part/description` and then `side=R view=CC plane=axial n=120 volume hu`.
fn item(key: &str, line: &str) -> Item {
    let mut facts = line.split_whitespace();
    let mut head = facts.next().unwrap().split('/');
    let modality = head.next().unwrap().to_owned();
    let part = head.next().unwrap_or_default().replace('_', " ");
    let description = head.next().unwrap_or_default().replace('_', " ");
    let words = Words::of([description.as_str()]);
    let mut item = Item {
        series: key.to_owned(),
        series_uid: format!("1.2.{key}"),
        image: 0,
        frames: 1,
        part: words::body_part(&part, &words, &Words::default()),
        side: words::side("", &words),
        view: words::view("", &words),
        sequence: (modality == "MR")
            .then(|| words::sequence(&words, None, None))
            .flatten(),
        plane: words::plane(&words),
        scout: words::is_scout(&words),
        volume: false,
        hounsfield: modality == "CT",
        number: key.bytes().map(i32::from).sum(),
        calibrated: true,
        extent: [100.0, 100.0],
        columns_lead_to: String::new(),
        modality,
        words,
    };
    for fact in facts {
        match fact.split_once('=').unwrap_or((fact, "")) {
            ("side", side) => item.side = words::side(side, &Words::default()),
            ("view", view) => item.view = words::view(view, &Words::default()),
            ("plane", plane) => {
                item.plane = BodyPlane::ALL.into_iter().find(|p| p.word() == plane);
            }
            ("n", n) => item.frames = n.parse().unwrap(),
            ("image", n) => item.image = n.parse().unwrap(),
            ("volume", _) => item.volume = true,
            (other, _) => panic!("{other}"),
        }
    }
    item
}

/// A study: its day, then its items by key.
fn study(day: &str, items: &[(&str, &str)]) -> StudyItems {
    StudyItems {
        uid: format!("1.2.{day}.{}", items.first().map_or("", |i| i.0)),
        date: Date::parse(day),
        time: String::new(),
        words: Words::default(),
        items: items.iter().map(|(key, line)| item(key, line)).collect(),
    }
}

/// The keys that a stage shows, `-` for an empty cell, a prior's in brackets.
fn shown(hung: &super::matching::Hung<'_>) -> String {
    let cells = hung.cells.iter().map(|c| match c {
        None => "-".to_owned(),
        Some(c) if c.prior => format!("[{}]", c.item.series),
        Some(c) => c.item.series.clone(),
    });
    cells.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_file_that_comes_with_the_program_is_a_protocol() {
    for (id, text) in FILES {
        let protocol = Protocol::parse(id, text).unwrap_or_else(|e| panic!("{id}: {e}"));
        let again = Protocol::parse(id, &protocol.to_text().unwrap()).unwrap();
        assert_eq!(again, protocol, "{id}");
    }
    assert_eq!(built_in().len(), FILES.len());
}

#[test]
fn pictures_come_before_the_mask_over_them() {
    let liver = [
        ("a", "SEG//Liver n=3 plane=axial volume"),
        ("b", "CT/ABDOMEN/Portal n=3 plane=axial volume"),
    ];
    for items in [liver, [liver[1], liver[0]]] {
        let study = study("20240101", &items);
        let chosen = choose(built_in(), &study, &[]).expect("a protocol");
        let hung = next_stage(chosen, None, true, &study, &[]).expect("a stage");
        assert!(shown(&hung).starts_with('b'), "{}", shown(&hung));
    }
}

#[test]
fn words_of_real_descriptions_mean_what_people_mean() {
    let part = |attribute: &str, series: &str, study: &str| {
        let (series, study) = (Words::of([series]), Words::of([study]));
        words::body_part(attribute, &series, &study).map(|p| p.name)
    };
    for (attribute, series, study, expected) in [
        ("CHEST", "", "THORAX", Some("chest")),
        (
            "CSPINE",
            "Cervical LAT",
            "XR C Spine Comp Min 4 Views",
            Some("cspine"),
        ),
        (
            "",
            "Cervical OBLI 1",
            "XR C Spine Comp Min 4 Views",
            Some("cspine"),
        ),
        (
            "EXTREMITY",
            "",
            "Non-ossifying fibroma of distal tibia",
            Some("leg"),
        ),
        ("", "", "RT ANKLE", Some("ankle")),
        ("", "HELICAL CHEST", "CHEST", Some("chest")),
        ("", "SmartScore - Gated 0.5 sec", "", Some("heart")),
        (
            "",
            "Surview",
            "CT Upper Abdomen with contrast",
            Some("abdomen"),
        ),
        ("", "lung", "CT CAP", Some("chest")),
        (
            "HEAD",
            "Routine Brain",
            "CT, HEAD/BRAIN WO CONTRAST",
            Some("head"),
        ),
        ("BREAST", "MAMMOSCREENING 1E LEZING", "", Some("breast")),
        ("", "", "SHOULDER", Some("shoulder")),
        ("", "ANGIO Projected from   C", "Brain-MRA", Some("brain")),
        ("WHOLE BODY", "", "Whole Body Bone", Some("whole-body")),
        (
            "",
            "",
            "Tomoscintigrafia PET total body",
            Some("whole-body"),
        ),
        ("HEADNECK", "", "Thorax^1HEAD_NECK_PETCT", Some("head-neck")),
        ("", "胸部正位", "", Some("chest")),
        ("", "头颅平扫", "", Some("head")),
        ("", "腰椎MR", "", Some("lspine")),
        ("ANNOON", "aaaaaaaaa.", "", None),
        ("", "Testing File-set", "", None),
    ] {
        assert_eq!(
            part(attribute, series, study),
            expected,
            "{attribute}|{series}|{study}"
        );
    }
    let sequence = |text: &str, tr: f64, te: f64| {
        let time = |t: f64| (t > 0.0).then_some(t);
        words::sequence(&Words::of([text]), time(tr), time(te))
    };
    for (text, tr, te, expected) in [
        ("t1_fl2d_sag", 300.0, 2.46, Some(Sequence::T1)),
        ("t1_mpr_tra_gk_v4", 1900.0, 2.97, Some(Sequence::T1)),
        ("ep2d_diff_mddw_20_p2", 3000.0, 69.0, Some(Sequence::Dwi)),
        ("ep2d_diff_ADC", 3000.0, 69.0, Some(Sequence::Adc)),
        ("ANGIO Projected from   C", 30.0, 6.0, Some(Sequence::Angio)),
        ("T2W_FLAIR ax", 0.0, 0.0, Some(Sequence::Flair)),
        ("T1 FLAIR sag", 0.0, 0.0, Some(Sequence::T1)),
        ("AX T1 POST GAD", 0.0, 0.0, Some(Sequence::T1Contrast)),
        ("AX T1 posterior fossa", 0.0, 0.0, Some(Sequence::T1)),
        ("T1 without contrast", 0.0, 0.0, Some(Sequence::T1)),
        ("SAG STIR", 0.0, 0.0, Some(Sequence::Stir)),
        ("SWI_Images", 0.0, 0.0, Some(Sequence::T2Star)),
        ("T10 level", 0.0, 0.0, None),
        ("", 350.0, 27.0, Some(Sequence::T1)),
        ("", 4000.0, 240.0, Some(Sequence::T2)),
        ("", 1500.0, 50.0, None),
        ("T1增强", 0.0, 0.0, Some(Sequence::T1Contrast)),
    ] {
        assert_eq!(sequence(text, tr, te), expected, "{text} {tr} {te}");
    }
    let view = |attribute: &str, text: &str| words::view(attribute, &Words::of([text]));
    for (attribute, text, expected) in [
        ("PA", "", "PA"),
        ("LL", "Cervical LAT", "LAT"),
        ("", "Chest PA PA", "PA"),
        ("MLO", "MAMMOSCREENING", "MLO"),
        ("", "R CC", "CC"),
        ("", "L-MLO", "MLO"),
        ("", "RMLO", "MLO"),
        ("", "胸部侧位", "LAT"),
        ("", "Pancreas", ""),
    ] {
        assert_eq!(view(attribute, text), expected, "{attribute}|{text}");
    }
    let side = |attribute: &str, text: &str| words::side(attribute, &Words::of([text]));
    for (attribute, text, expected) in [
        ("R", "", Some(Side::R)),
        ("L", "RCC", Some(Side::L)),
        ("", "RT ANKLE", Some(Side::R)),
        ("", "L MLO", Some(Side::L)),
        ("", "L spine", None),
        ("", "left lateral", None),
        ("", "R and L knee", None),
        ("B", "R", None),
        ("U", "", None),
        ("", "左膝", Some(Side::L)),
    ] {
        assert_eq!(side(attribute, text), expected, "{attribute}|{text}");
    }
    for (text, expected) in [
        ("Scout", true),
        ("Surview", true),
        ("FAST LOCALIZER", true),
        ("T/S/C RF FAST PILOT", true),
        ("3-plane loc", true),
        (
            "Sagittal,1 stack,1 dimension,temporal position,ext loc ref",
            true,
        ),
        ("Routine Brain", false),
        ("Local recurrence", false),
    ] {
        assert_eq!(words::is_scout(&Words::of([text])), expected, "{text}");
    }
    for region in words::REGIONS {
        assert_eq!(Region::of_word(region.word()), Some(region));
        assert!(region.is_near(region));
    }
}

#[test]
fn studies_hang_by_the_table() {
    let chest = [("pa", "CR/CHEST/Chest_PA"), ("lat", "CR/CHEST/Chest_LAT")];
    let old = study(
        "20200101",
        &[
            ("old-lat", "DX/CHEST/Chest_LAT"),
            ("old-pa", "DX/CHEST/Chest_PA"),
        ],
    );
    let mg = |p: &str| {
        let line = |s: &str, v: &str| format!("MG/BREAST/ side={s} view={v}");
        let keys = ["lmlo", "rcc", "lcc", "rmlo"].map(|k| format!("{p}{k}"));
        let lines = [
            line("L", "MLO"),
            line("R", "CC"),
            line("L", "CC"),
            line("R", "MLO"),
        ];
        let pairs: Vec<(&str, &str)> = keys
            .iter()
            .map(String::as_str)
            .zip(lines.iter().map(String::as_str))
            .collect();
        study(if p.is_empty() { "20240101" } else { "20220101" }, &pairs)
    };
    let ct = study(
        "20240101",
        &[
            ("scout", "CT/CHEST/Scout n=2"),
            ("lung", "CT/CHEST/Lung_1mm n=300 plane=axial volume"),
            ("soft", "CT/CHEST/Soft_3mm n=100 plane=axial volume"),
            ("cor", "CT/CHEST/Coronal_reformat n=80 plane=coronal volume"),
        ],
    );
    let mr = study(
        "20240101",
        &[
            ("loc", "MR/BRAIN/localizer n=9"),
            ("dwi", "MR/BRAIN/DWI_b1000 n=40 plane=axial"),
            ("t2", "MR/BRAIN/AX_T2 n=25 plane=axial"),
            ("flair", "MR/BRAIN/AX_T2_FLAIR n=25 plane=axial"),
            ("t1", "MR/BRAIN/SAG_T1 n=25 plane=sagittal"),
        ],
    );
    // Study, priors, stage by stage: the layout's size and what stands in it.
    let check = |study: &StudyItems, others: &[StudyItems], protocol: &str, stages: &[&str]| {
        let priors = rank(study, others);
        let chosen = choose(built_in(), study, &priors).expect("a protocol");
        assert_eq!(chosen.id, protocol);
        let mut at = None;
        for expected in stages {
            let hung = next_stage(chosen, at, true, study, &priors).expect(expected);
            let grid = hung.layout.as_grid().unwrap();
            let text = format!("{}x{} {}", grid.columns(), grid.rows(), shown(&hung));
            assert_eq!(text, *expected, "{protocol}");
            at = Some(hung.stage);
        }
        assert!(
            next_stage(chosen, at, true, study, &priors).is_none(),
            "{protocol} goes on"
        );
    };
    check(&study("20240101", &chest[..1]), &[], "cr-dx", &["1x1 pa"]);
    check(&study("20240101", &chest), &[], "cr-dx", &["2x1 pa lat"]);
    check(
        &study("20240101", &chest),
        std::slice::from_ref(&old),
        "cr-dx",
        &[
            "2x1 pa lat",
            "2x1 pa [old-pa]",
            "2x2 pa [old-pa] lat [old-lat]",
        ],
    );
    // A prior of another region is none.
    check(
        &study("20240101", &chest[..1]),
        &[study("20230101", &[("hand", "CR/HAND/Hand_PA")])],
        "cr-dx",
        &["1x1 pa"],
    );
    check(
        &mg(""),
        &[],
        "mg",
        &[
            "2x2 rcc lcc rmlo lmlo",
            "1x1 rcc",
            "1x1 lcc",
            "1x1 rmlo",
            "1x1 lmlo",
            "2x2 lmlo rcc lcc rmlo",
        ],
    );
    check(
        &mg(""),
        &[mg("old-")],
        "mg",
        &[
            "2x2 rcc lcc rmlo lmlo",
            "4x2 rcc lcc [old-rcc] [old-lcc] rmlo lmlo [old-rmlo] [old-lmlo]",
            "1x1 rcc",
            "1x1 lcc",
            "1x1 rmlo",
            "1x1 lmlo",
            "2x2 lmlo rcc lcc rmlo",
        ],
    );
    check(
        &ct,
        &[],
        "ct-chest",
        &[
            "1x1 soft",
            "2x2 soft - - -",
            "2x1 soft soft",
            "3x1 soft soft soft",
        ],
    );
    check(
        &mr,
        &[],
        "mr",
        &[
            "2x2 t1 t2 flair dwi",
            "1x1 dwi",
            "3x2 dwi t2 flair t1 loc -",
        ],
    );
    let single = study("20240101", &[("clip", "US/ABDOMEN/ n=60")]);
    check(&single, &[], "us-xa-rf", &["1x1 clip"]);
    let clips = study(
        "20240101",
        &[
            ("a", "US//liver n=60"),
            ("b", "US//kidney n=9"),
            ("c", "US//spleen n=3"),
        ],
    );
    check(&clips, &[], "us-xa-rf", &["1x1 a", "2x2 a b c -"]);
    let pet = study(
        "20240101",
        &[
            ("ct", "CT//ctac n=300 volume"),
            ("nac", "PT//NAC n=300 volume"),
            ("ac", "PT//AC n=300 volume"),
        ],
    );
    check(&pet, &[], "pt-ct", &["2x2 ct ac ct ac", "1x1 ac"]);
    let pet = study(
        "20240101",
        &[
            ("ct", "CT//ctac n=300 volume"),
            ("ac", "PT//AC n=300 volume"),
            ("mip", "PT//MIP n=30"),
        ],
    );
    check(&pet, &[], "pt-ct", &["2x2 ct ac ct ac", "1x1 ac"]);
    check(
        &study("20240101", &[("odd", "XX//whatever")]),
        &[],
        "other",
        &["1x1 odd"],
    );
}

#[test]
fn windows_of_presets_need_values_that_they_speak_of() {
    let mut ct = study(
        "20240101",
        &[("ct", "CT/HEAD/brain n=30 plane=axial volume")],
    );
    let window = |ct: &StudyItems| {
        let protocol = choose(built_in(), ct, &[]).unwrap();
        assert_eq!(protocol.id, "ct-head");
        hang(protocol, 0, ct, &[]).unwrap().cells[0]
            .as_ref()
            .unwrap()
            .window
            .clone()
    };
    assert_eq!(window(&ct), "brain");
    ct.items[0].hounsfield = false;
    assert_eq!(window(&ct), "");
}

#[test]
fn a_protocol_of_the_user_comes_before_one_that_asks_for_as_much() {
    let ct = study(
        "20240101",
        &[("ct", "CT/HEAD/brain n=30 plane=axial volume")],
    );
    let own = |text: &str| {
        let mut own = Protocol::parse("mine", text).unwrap();
        own.own = true;
        own
    };
    let id = |own: Protocol| {
        let all: Vec<Protocol> = built_in().iter().cloned().chain([own]).collect();
        choose(&all, &ct, &[]).unwrap().id.clone()
    };
    let stage = "[[stage]]\nlayout = \"1x1\"\n[[stage.cell]]\nor_any = true\n";
    let with = |study: &str| format!("name = \"x\"\n[study]\n{study}\n{stage}");
    assert_eq!(
        id(own(&with("modality = [\"CT\"]\nregion = [\"head\"]"))),
        "mine"
    );
    assert_eq!(id(own(&with("modality = [\"CT\"]"))), "ct-head");
    assert_eq!(
        id(own(&with(
            "modality = [\"CT\"]\nregion = [\"head\"]\nwords = [\"angio\"]"
        ))),
        "ct-head"
    );
    assert_eq!(
        id(own(&with(
            "modality = [\"CT\"]\nregion = [\"head\"]\nwords = [\"angio|brain\"]"
        ))),
        "mine"
    );
}

#[test]
fn files_that_are_no_protocols_are_refused_with_the_place() {
    let stage = |rest: &str| format!("name = \"x\"\n[[stage]]\n{rest}");
    let check = |text: &str, expected: ProtocolError| {
        assert_eq!(Protocol::parse("x", text), Err(expected), "{text}");
    };
    check("name = \"x\"", ProtocolError::Stages);
    check(
        &stage("layout = \"9x1\""),
        ProtocolError::Layout { stage: 1 },
    );
    check(
        &stage("layout = \"two\""),
        ProtocolError::Layout { stage: 1 },
    );
    check(
        &stage("rects = [[0.0, 0.0, 0.5, 1.0]]"),
        ProtocolError::Layout { stage: 1 },
    );
    check(
        &stage("layout = \"1x1\"\n[[stage.cell]]\n[[stage.cell]]\n"),
        ProtocolError::Cells { stage: 1 },
    );
    check(
        &stage("layout = \"2x1\"\n[[stage.cell]]\nsame_as = 1\n"),
        ProtocolError::Reference { stage: 1, cell: 1 },
    );
    check(&"#".repeat(70_000), ProtocolError::Size);
    for text in [
        "nonsense",
        "name = 3",
        "[study]\nregion = [\"elbowroom\"]",
        "[study]\nname = 1",
    ] {
        assert!(
            matches!(Protocol::parse("x", text), Err(ProtocolError::Form(_))),
            "{text}"
        );
    }
}

#[test]
fn a_grid_is_as_small_as_what_it_holds() {
    for (count, most, expected) in [
        (1, (5, 5), (1, 1)),
        (2, (5, 5), (2, 1)),
        (3, (5, 5), (2, 2)),
        (5, (5, 5), (3, 2)),
        (7, (5, 5), (3, 3)),
        (99, (4, 4), (4, 4)),
        (2, (2, 1), (2, 1)),
    ] {
        let layout = fitting_grid(count, Grid::new(most.0, most.1));
        assert_eq!(layout, Layout::grid(expected.0, expected.1), "{count}");
    }
}

/// Fifty pairs: which of two earlier studies stands beside the one that is read. `>`: the first; `<`: the second.
#[test]
fn priors_are_ranked_in_fifty_cases() {
    let cases = "
        CT/CHEST | CT/CHEST 20230101 > CT/CHEST 20220101
        CT/CHEST | CT/CHEST 20200101 > CT/HEAD 20231231
        CT/CHEST | CT/CHEST 20200101 > CR/CHEST 20231231
        CT/CHEST | CR/CHEST 20200101 > CT/HEAD 20231231
        CT/CHEST | CR/CHEST 20200101 > MR/KNEE 20231231
        CT/CHEST | CT/ABDOMEN 20231231 < CT/CHEST 20100101
        CT/CHEST | CT/ABDOMEN 20200101 > CT/HEAD 20231231
        CT/CHEST | CT/HEART 20200101 > CT/HEAD 20231231
        CT/CHEST | CT/ABDOMEN 20231231 < CR/CHEST 20100101
        CT/CHEST | CT/CHEST 20230101 > MR/CHEST 20231231
        CT/HEAD | CT/BRAIN 20200101 > CT/NECK 20231231
        CT/HEAD | MR/HEAD 20200101 > CT/CHEST 20231231
        CT/HEAD | CT/HEAD 20200101 > CT/BRAIN 20231231
        CT/HEAD | CT/BRAIN 20200101 > MR/HEAD 20231231
        CT/HEAD | CT/SINUS 20230101 > MR/BRAIN 20231231
        CT/ABDOMEN | CT/ABDOMEN 20200101 > CT/PELVIS 20231231
        CT/ABDOMEN | CT/PELVIS 20200101 > CT/HEAD 20231231
        CT/ABDOMEN | MR/ABDOMEN 20230101 > US/KNEE 20231231
        CT/ABDOMEN | US/ABDOMEN 20230101 > US/ABDOMEN 20220101
        CT/ABDOMEN | MR/LIVER 20230101 > CT/HEAD 20231231
        MR/BRAIN | MR/BRAIN 20200101 > CT/BRAIN 20231231
        MR/BRAIN | CT/BRAIN 20200101 > MR/KNEE 20231231
        MR/BRAIN | MR/LSPINE 20231231 < CT/HEAD 20100101
        MR/LSPINE | MR/LSPINE 20200101 > MR/CSPINE 20231231
        MR/LSPINE | MR/CSPINE 20200101 > CR/LSPINE 20231231
        MR/LSPINE | CR/LSPINE 20200101 > MR/BRAIN 20231231
        MR/KNEE | MR/KNEE 20200101 > MR/ANKLE 20231231
        MR/KNEE | CR/KNEE 20200101 > MR/SHOULDER 20231231
        MR/KNEE/right_knee | MR/KNEE/right_knee 20200101 > MR/KNEE/left_knee 20231231
        MR/KNEE/right_knee | MR/KNEE/left_knee 20231231 < CR/HAND 20100101
        CR/CHEST/PA | CR/CHEST/PA 20200101 > CR/CHEST/LAT 20231231
        CR/CHEST/PA | CR/CHEST/PA 20230101 > CR/CHEST/PA 20200101
        CR/CHEST/PA | CR/CHEST/LAT 20200101 > DX/CHEST/PA 20231231
        CR/CHEST/PA | DX/CHEST/PA 20200101 > CR/HAND/PA 20231231
        CR/CHEST/PA | CT/CHEST 20200101 > CR/ABDOMEN 20231231
        CR/HAND/right_hand | CR/HAND/right_hand 20200101 > CR/HAND/left_hand 20231231
        CR/HAND | CR/HAND 20200101 > CR/WRIST 20231231
        CR/HAND | CR/WRIST 20200101 > CR/FOOT 20231231
        CR/FOOT | CR/ANKLE 20200101 > CR/WRIST 20231231
        CR/FOOT | CR/FOOT 20230101 > CR/FOOT 20221231
        MG/BREAST/R_CC | MG/BREAST/R_CC 20200101 > MG/BREAST/R_MLO 20231231
        MG/BREAST/R_CC | MG/BREAST/R_MLO 20200101 > MG/BREAST/L_CC 20231231
        MG/BREAST/R_CC | MG/BREAST/R_CC 20220101 > US/BREAST 20231231
        MG/BREAST/R_CC | US/BREAST 20220101 > CT/CHEST 20231231
        MG/BREAST/L_MLO | MG/BREAST/L_MLO 20220101 > MG/BREAST/L_CC 20231231
        PT/WHOLEBODY | PT/WHOLEBODY 20200101 > CT/CHEST 20231231
        US/ABDOMEN | US/ABDOMEN 20200101 > CT/ABDOMEN 20231231
        US/ABDOMEN | CT/ABDOMEN 20200101 > US/NECK 20231231
        XA/HEART | XA/HEART 20200101 > CT/HEART 20231231
        XA/HEART | CT/HEART 20200101 > XA/HEAD 20231231
        CT/CHEST | CT/CHEST 20200101 > CT/CHEST 0
        CT/CHEST | CT/HEAD 20200101 > CT/CHEST 0
    ";
    let mut count = 0;
    for line in cases.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (current, pair) = line.split_once(" | ").unwrap();
        let words: Vec<&str> = pair.split_whitespace().collect();
        let [first, day, sign, second, later] = words[..] else {
            panic!("{line}");
        };
        let current = study("20240101", &[("now", current)]);
        let others = [
            study(day, &[("first", first)]),
            study(later, &[("second", second)]),
        ];
        for turned in [false, true] {
            // The order in which they are found changes nothing.
            let mut others = others.to_vec();
            if turned {
                others.reverse();
            }
            let ranked = rank(&current, &others);
            let best = &ranked[0].study.items[0].series;
            let expected = if sign == ">" { "first" } else { "second" };
            assert_eq!(best, expected, "{line}");
        }
        count += 1;
    }
    assert!(count >= 50, "{count}");
}

#[test]
fn what_came_later_or_on_an_unknown_day_is_no_prior() {
    let current = study("20240101", &[("now", "CT/CHEST")]);
    let others = [
        study("20250101", &[("later", "CT/CHEST")]),
        study("", &[("undated", "CT/CHEST")]),
        study("2023", &[("year", "CT/CHEST")]),
        study("20231231", &[("eve", "CT/CHEST")]),
    ];
    let ranked = rank(&current, &others);
    let keys: Vec<&str> = ranked
        .iter()
        .map(|r| r.study.items[0].series.as_str())
        .collect();
    assert_eq!(keys, ["eve", "undated", "year"]);
    assert_eq!(ranked.iter().filter(|r| r.hangable()).count(), 1);
    assert_eq!(ranked[0].reasons(), ["modality", "body-part"]);
    assert!(ranked[1].reasons().contains(&"date-unknown"));
    // On the same day the time decides.
    let mut morning = study("20240101", &[("morning", "CT/CHEST")]);
    let mut now = current.clone();
    assert!(!rank(&now, std::slice::from_ref(&morning))[0].hangable());
    morning.time = "08:00:00".into();
    now.time = "09:00:00".into();
    assert!(rank(&now, std::slice::from_ref(&morning))[0].hangable());
    assert!(rank(&morning, std::slice::from_ref(&now)).is_empty());
}

#[test]
fn only_the_same_view_and_side_stand_side_by_side() {
    for (a, b, expected) in [
        ("CR/CHEST/PA", "DX/CHEST/AP", true),
        ("CR/CHEST/PA", "CR/CHEST/LAT", false),
        ("MG/BREAST/R_CC", "MG/BREAST/L_CC", false),
        ("MG/BREAST/R_CC", "MG/BREAST/R_MLO", false),
        ("MG/BREAST/R_CC", "MG/BREAST/R_CC", true),
        ("CT/CHEST", "CR/CHEST", false),
        ("CT/CHEST", "CT/HEAD", false),
        ("CT/CHEST", "CT/ABDOMEN", true),
        ("CT/CHEST", "CT", true),
    ] {
        assert_eq!(
            may_stand_beside(&item("a", a), &item("b", b)),
            expected,
            "{a} {b}"
        );
    }
}

/// Hung over the study it was made from, a protocol shows what it was made from.
#[test]
fn a_protocol_by_example_gives_the_example() {
    let mr = study(
        "20240101",
        &[
            ("loc", "MR/BRAIN/localizer n=9"),
            ("t1ax", "MR/BRAIN/AX_T1 n=25 plane=axial"),
            ("t1sag", "MR/BRAIN/SAG_T1 n=25 plane=sagittal"),
            ("t1gd", "MR/BRAIN/AX_T1_GD n=25 plane=axial"),
            ("t2", "MR/BRAIN/AX_T2 n=25 plane=axial"),
            ("t2fs", "MR/BRAIN/AX_T2_FS n=25 plane=axial"),
            ("swi", "MR/BRAIN/SWI n=25 plane=axial"),
            ("odd1", "MR/BRAIN/special_alpha n=25 plane=axial"),
            ("odd2", "MR/BRAIN/special_alpha_beta n=25 plane=axial"),
        ],
    );
    let find = |study: &StudyItems, key: &str| {
        study
            .items
            .iter()
            .find(|i| i.series == key)
            .unwrap()
            .clone()
    };
    let check = |study: &StudyItems, layout: Layout, keys: &[&str]| -> Protocol {
        let items: Vec<Option<Item>> = keys
            .iter()
            .map(|k| (*k != "-").then(|| find(study, k)))
            .collect();
        let cells: Vec<Shown<'_>> = items
            .iter()
            .map(|item| Shown {
                item: item.as_ref(),
                ..Shown::default()
            })
            .collect();
        let protocol = infer("mine", &layout, &cells, &[], study).unwrap();
        protocol.check().unwrap();
        let text = protocol.to_text().unwrap();
        let again = Protocol::parse("mine", &text).unwrap();
        let hung = hang(&again, 0, study, &[]).unwrap();
        assert_eq!(hung.layout, layout);
        assert_eq!(shown(&hung), keys.join(" "), "{text}");
        protocol
    };
    let protocol = check(&mr, Layout::FOUR, &["t2", "t1sag", "t1gd", "swi"]);
    assert_eq!(protocol.study.region, [Region::Head]);
    check(&mr, Layout::FOUR, &["t2fs", "t2", "-", "t1ax"]);
    check(&mr, Layout::TWO, &["odd1", "odd2"]);
    check(&mr, Layout::TWO, &["odd2", "odd1"]);
    check(
        &mr,
        Layout::grid(3, 3),
        &[
            "t1ax", "t1sag", "t1gd", "t2", "t2fs", "swi", "odd1", "odd2", "loc",
        ],
    );
    check(&mr, Layout::TWO, &["t1ax", "t1ax"]);
    // And it is for the next patient too, whose descriptions are not quite the same.
    let other = study(
        "20240202",
        &[
            ("b", "MR/HEAD/Axial_T2_TSE n=30 plane=axial"),
            ("a", "MR/HEAD/Sagittal_T1_TSE n=20 plane=sagittal"),
            ("c", "MR/HEAD/Axial_T1_TSE_Gd n=30 plane=axial"),
            ("d", "MR/HEAD/Axial_SWI n=80 plane=axial"),
        ],
    );
    assert!(is_for(&protocol, &other));
    assert_eq!(shown(&hang(&protocol, 0, &other, &[]).unwrap()), "b a c d");
    assert!(!is_for(
        &protocol,
        &study("20240202", &[("k", "MR/KNEE/SAG_T1")])
    ));
    let found = preview(&protocol, &[mr.clone(), other.clone()], |_| Vec::new());
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].cells[0].as_deref(), Some("b"));
    // Free cells come back as they were.
    let free = Layout::TWO
        .split(1, crate::model::arrangement::Parting::Level, 0.3)
        .unwrap();
    check(&mr, free, &["t2", "t1gd", "swi"]);
}

#[test]
fn an_example_with_a_prior_asks_for_the_prior_by_likeness() {
    let now = study(
        "20240101",
        &[("pa", "CR/CHEST/Chest_PA"), ("lat", "CR/CHEST/Chest_LAT")],
    );
    let old = study(
        "20230101",
        &[("opa", "CR/CHEST/Chest_PA"), ("olat", "CR/CHEST/Chest_LAT")],
    );
    let cells = [
        Shown {
            item: Some(&now.items[1]),
            ..Shown::default()
        },
        Shown {
            item: Some(&old.items[1]),
            prior: true,
            ..Shown::default()
        },
    ];
    let protocol = infer("lateral", &Layout::TWO, &cells, &[], &now).unwrap();
    assert_eq!(protocol.stages[0].cells[1].like, Some(1));
    let others = [old.clone()];
    let hung = hang(&protocol, 0, &now, &rank(&now, &others)).unwrap();
    assert_eq!(shown(&hung), "lat [olat]");
    // Without a prior there is nothing to compare.
    assert!(hang(&protocol, 0, &now, &[]).is_none());
    assert!(infer("x", &Layout::ONE, &[Shown::default()], &[], &now).is_none());
}

#[test]
fn a_rule_that_asks_nothing_fits_everything() {
    let all = Rule::default();
    assert!(all.fits(&item("x", "CT/CHEST/a")));
    assert_eq!(all.weight(), 0);
    let _ = Show::default();
}
