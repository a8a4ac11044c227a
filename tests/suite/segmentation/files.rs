//! Weights files, cards and the registry, with files that are damaged, wrong or hostile.

use super::{TINY, lively_weights};
use negatoscope::ai::{
    AiError,
    card::{About, CardInput, CardTraining, CardWeights, ModelCard, PREPROCESSING, sha256_hex},
    random::Random,
    registry::{self, Origin, Registry},
    weights::Weights,
};
use std::{fs, path::Path};

fn file_of(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn refusal(bytes: &[u8]) -> String {
    match Weights::from_bytes(bytes) {
        Err(AiError::Weights(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_holds_its_weights_to_the_bit() {
    let weights = lively_weights(&TINY, 21);
    let bytes = weights.to_bytes().unwrap();
    let back = Weights::from_bytes(&bytes).unwrap();
    let bits = |w: &Weights| -> Vec<(String, Vec<usize>, Vec<u32>)> {
        w.iter()
            .map(|(n, a)| {
                (
                    n.to_owned(),
                    a.shape.clone(),
                    a.values.iter().map(|v| v.to_bits()).collect(),
                )
            })
            .collect()
    };
    assert_eq!(bits(&back), bits(&weights));
    assert_eq!(back.to_bytes().unwrap(), bytes);
    assert_eq!(
        bytes[..8]
            .iter()
            .rev()
            .fold(0u64, |n, &b| n << 8 | u64::from(b))
            % 8,
        0
    );
}

#[test]
fn damaged_and_hostile_files_are_refused_with_a_reason() {
    let good = lively_weights(&TINY, 22).to_bytes().unwrap();
    let check = |bytes: &[u8], part: &str| {
        let found = refusal(bytes);
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    };
    check(&good[..good.len() - 1], "ends at byte");
    check(&good[..100], "the file has 92");
    check(&good[..5], "ends before its header");
    check(&[], "ends before its header");
    let mut longer = good.clone();
    longer.push(0);
    check(&longer, "the tensors need");
    // A header length of 2⁶³ must not be believed, nor one of 2⁴⁰ allocated.
    for huge in [u64::MAX, 1 << 63, 1 << 40, 1 << 21] {
        let mut bytes = huge.to_le_bytes().to_vec();
        bytes.extend(b"{}");
        check(&bytes, "header claims");
    }
    check(
        b"PK\x03\x04rest of a ZIP archive with a pickle in it",
        "pickle",
    );
    check(b"\x80\x02}q\x00(X\x06\x00\x00\x00weightq\x01", "pickle");
    let one = |shape: &str, offsets: &str, dtype: &str, data: &[u8]| {
        file_of(
            &format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#),
            data,
        )
    };
    assert!(Weights::from_bytes(&one("[2]", "[0,8]", "F32", &[0; 8])).is_ok());
    check(&one("[2]", "[0,4]", "F16", &[0; 4]), "only F32");
    check(
        &one("[3]", "[0,8]", "F32", &[0; 8]),
        "does not fit its length",
    );
    check(&one("[2]", "[8,0]", "F32", &[0; 8]), "gap");
    check(&one("[0]", "[8,8]", "F32", &[0; 8]), "gap");
    check(
        &one("[4294967296,4294967296]", "[0,8]", "F32", &[0; 8]),
        "does not fit its length",
    );
    check(
        &one("[1,1,1,1,1,1,1]", "[0,4]", "F32", &[0; 4]),
        "7 dimensions",
    );
    check(
        &one("[1]", "[0,4]", "F32", &f32::NAN.to_le_bytes()),
        "not finite",
    );
    check(
        &one("[1]", "[0,4]", "F32", &f32::INFINITY.to_le_bytes()),
        "not finite",
    );
    check(&one("[-1]", "[0,4]", "F32", &[0; 4]), "invalid value");
    check(&file_of("[]", &[]), "not JSON");
    check(&file_of("{\"a\":1", &[]), "not valid");
    let overlap = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    check(&file_of(overlap, &[0; 8]), "overlaps");
    // Deep nesting ends in an error, not in a stack that runs out.
    check(
        &file_of(&format!("{{\"a\":{}", "[".repeat(100_000)), &[]),
        "not valid",
    );
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let good = lively_weights(&TINY, 23).to_bytes().unwrap();
    let mut random = Random::new(23, &[]);
    let mut accepted = 0;
    for _ in 0..400 {
        let mut bytes = good.clone();
        for _ in 0..1 + random.next_bits() % 4 {
            // Mostly in the header, where it hurts.
            let place = (random.next_bits() as usize)
                % if random.unit() < 0.8 {
                    3000
                } else {
                    bytes.len()
                };
            bytes[place] = random.next_bits() as u8;
        }
        bytes.truncate(bytes.len() - (random.next_bits() % 3) as usize * 17);
        accepted += usize::from(Weights::from_bytes(&bytes).is_ok());
    }
    // Changed numbers are still numbers; most other damage is seen.
    assert!(
        accepted < 200,
        "{accepted} of 400 damaged files were accepted"
    );
}

#[test]
fn weights_of_another_network_are_refused() {
    let folded = lively_weights(&TINY, 24).folded().unwrap();
    let layout = TINY.tensors(false);
    assert!(folded.check_layout(&layout).is_ok());
    let mut surplus = folded.clone();
    surplus.insert("extra".into(), vec![1], vec![0.0]);
    let mut missing = folded.clone();
    missing.split_off("head.");
    let mut turned = folded.clone();
    turned.insert("head.bias".into(), vec![2, 2], vec![0.0; 4]);
    for (weights, part) in [
        (surplus, "`extra` does not belong"),
        (missing, "`head.weight` is missing"),
        (turned, "`head.bias` is [2, 2], the network needs [4]"),
    ] {
        let error = weights.check_layout(&layout).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn card(bytes: &[u8]) -> ModelCard {
    ModelCard {
        format: 1,
        id: "tiny".into(),
        version: "0.1".into(),
        trained: "2026-11-23".into(),
        about: About {
            title: "Ellipses".into(),
            ..About::default()
        },
        network: TINY,
        classifier: None,
        input: CardInput {
            side: 32,
            preprocessing: PREPROCESSING.into(),
            threshold: 0.5,
            mirrored: false,
            volume: None,
        },
        volume: None,
        weights: CardWeights {
            file: "weights.safetensors".into(),
            sha256: sha256_hex(bytes),
            bytes: bytes.len() as u64,
            parameters: TINY.parameters(),
        },
        training: CardTraining {
            seed: 1,
            epochs: 1,
            best_epoch: 1,
            train: vec![],
            validation: vec![],
            test: vec![],
        },
        metrics: vec![],
        lesions: None,
        scope: None,
        usual: None,
    }
}

fn write_model(folder: &Path, change: impl FnOnce(&mut ModelCard, &mut Vec<u8>)) {
    let mut bytes = lively_weights(&TINY, 25)
        .folded()
        .unwrap()
        .to_bytes()
        .unwrap();
    let mut card = card(&bytes);
    change(&mut card, &mut bytes);
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("weights.safetensors"), bytes).unwrap();
    fs::write(folder.join("weights.toml"), card.to_toml().unwrap()).unwrap();
}

#[test]
fn a_model_is_imported_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    write_model(&folder.path().join("new"), |_, _| ());
    let registry = Registry::new(Some(folder.path().join("models")));
    assert!(matches!(
        registry.load("tiny"),
        Err(AiError::UnknownModel(_))
    ));
    for file in ["new/weights.toml", "new/weights.safetensors"] {
        assert_eq!(
            registry.import(&folder.path().join(file)).unwrap().id,
            "tiny"
        );
        let model = registry.load("tiny").unwrap();
        assert_eq!(model.weights, lively_weights(&TINY, 25).folded().unwrap());
    }
    let (entries, broken) = registry.list();
    assert!(broken.is_empty());
    let ids: Vec<&str> = entries.iter().map(|e| e.card.id.as_str()).collect();
    assert_eq!(ids, ["chest-tb", "ct-lesions", "lung-fields", "tiny"]);
    assert_eq!(entries[0].origin, Origin::BuiltIn);
}

#[test]
fn models_that_are_not_what_their_card_says_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Some(folder.path().join("models")));
    let mut number = 0;
    let mut check = |part: &str, change: &dyn Fn(&mut ModelCard, &mut Vec<u8>)| {
        number += 1;
        let place = folder.path().join(number.to_string());
        write_model(&place, change);
        let error = registry
            .import(&place.join("weights.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "`{error}` does not say `{part}`");
        assert!(
            !folder.path().join("models").exists(),
            "something was imported"
        );
    };
    check("the model card says", &|_, bytes| bytes[5000] ^= 1);
    check("the model card says", &|_, bytes| bytes.truncate(4000));
    let rehash = |card: &mut ModelCard, bytes: &[u8]| card.weights.sha256 = sha256_hex(bytes);
    check("ends at byte", &|card, bytes| {
        bytes.truncate(bytes.len() - 4);
        rehash(card, bytes);
    });
    check("not finite", &|card, bytes| {
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        rehash(card, bytes);
    });
    check("header claims", &|card, bytes| {
        bytes[..8].copy_from_slice(&(1u64 << 60).to_le_bytes());
        rehash(card, bytes);
    });
    check("pickle", &|card, bytes| {
        *bytes = b"PK\x03\x04archive/data.pkl".to_vec();
        rehash(card, bytes);
    });
    check("the network needs", &|card, _| card.network.width = 8);
    check("does not belong to the network", &|card, _| {
        card.network.depth = 2
    });
    check("width 2 to 128", &|card, _| card.network.width = 1 << 40);
    check("does not know the preprocessing", &|card, _| {
        card.input.preprocessing = "magic".into()
    });
    check("input side", &|card, _| card.input.side = 33);
    check("threshold", &|card, _| card.input.threshold = f32::NAN);
    check("made of letters", &|card, _| {
        card.weights.file = "../../etc/passwd".into()
    });
    check("made of letters", &|card, _| card.id = "../tiny".into());
    check("format must be 1", &|card, _| card.format = 2);
    check("64 hexadecimal", &|card, _| {
        card.weights.sha256 = "abc".into()
    });
}

#[test]
fn files_of_other_kinds_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, part) in [
        ("model.pth", "pickle"),
        ("model.onnx", "ONNX"),
        ("model.zip", "a model file is"),
        ("lonely.safetensors", "need their card"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, b"x").unwrap();
        let error = registry::load_file(&path).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let path = folder.path().join("bad.toml");
    fs::write(&path, b"format = 1\nsurprise = 2").unwrap();
    assert!(matches!(registry::load_file(&path), Err(AiError::Card(_))));
    fs::write(&path, [0xFF; 8]).unwrap();
    assert!(matches!(registry::load_file(&path), Err(AiError::Card(_))));
    // A broken card in the folder is reported and hides nothing else.
    let (entries, broken) = Registry::new(Some(folder.path().into())).list();
    assert_eq!((entries.len(), broken.len()), (3, 1));
}
