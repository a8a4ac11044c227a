//! Checkpoints that are damaged, wrong, or meant to do harm: refused with the reason, nothing of them run.

use super::{archive, bytes, fixture};
use negatoscope::ai::{AiError, import::load_weights, networks::Architecture, random::Random};
use std::fs;

fn meshnet() -> Architecture {
    let cases: serde_json::Value = serde_json::from_slice(&bytes("cases.json")).unwrap();
    let list = cases.as_array().unwrap();
    let case = list.iter().find(|c| c["name"] == "meshnet-elu").unwrap();
    serde_json::from_value(case["architecture"].clone()).unwrap()
}

/// How a file is refused.
fn refusal(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    fs::write(&path, content).unwrap();
    match load_weights(&path, &meshnet(), &[]) {
        Err(AiError::Weights(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

fn pickle(content: &[u8]) -> Vec<u8> {
    archive(&[("a/data.pkl", content), ("a/version", b"3\n")])
}

#[test]
fn a_pickle_with_code_is_refused_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ran");
    let command = format!("touch {}", mark.display());
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_import_dotted_name"),
    ] {
        // GLOBAL, the command, a tuple of it, REDUCE: what os.system would run when the pickle is loaded.
        let mut code = b"\x80\x02c".to_vec();
        code.extend(format!("{module}\n{name}\n").bytes());
        code.push(b'X');
        code.extend((command.len() as u32).to_le_bytes());
        code.extend(command.bytes());
        code.extend(b"\x85R.");
        let found = refusal(&pickle(&code));
        assert!(found.contains(&format!("`{module}.{name}`")), "{found}");
        // The same by the name on the stack, in protocol 4.
        let mut code = b"\x80\x04".to_vec();
        for text in [module, name] {
            code.push(0x8C);
            code.push(text.len() as u8);
            code.extend(text.bytes());
        }
        code.extend(b"\x93.");
        assert!(refusal(&pickle(&code)).contains(&format!("`{module}.{name}`")));
    }
    assert!(!mark.exists(), "the command was run");
    // Extension codes, instances of classes, and calls of what is no name.
    for (code, part) in [
        (&b"\x80\x02\x82\x01."[..], "opcode 0x82"),
        (b"\x80\x02(ios\nsystem\n.", "opcode 0x69"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "opcode 0x81"),
        (b"\x80\x02})R.", "calls something that is no name"),
        (b"\x80\x02K\x01}b.", "changes an object"),
    ] {
        let found = refusal(&pickle(code));
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
}

#[test]
fn damaged_pickles_are_refused() {
    for (code, part) in [
        (&b""[..], "ends in the middle"),
        (b"\x80", "ends in the middle"),
        (b"\x80\x02X\xFF\xFF\xFF\xFFabc", "ends in the middle"),
        (
            b"\x80\x02\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFabc",
            "ends in the middle",
        ),
        (b"\x80\x02}", "ends in the middle"),
        (b"\x80\x02.", "damaged"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02t.", "damaged"),
        (b"\x80\x02(K\x01u.", "damaged"),
        (b"\x80\x02}(K\x01u.", "damaged"),
        (b"\x80\x02K\x01r\xFF\xFF\xFF\x7F.", "damaged"),
        (b"\x80\x02X\x02\x00\x00\x00\xC3\x28.", "damaged"),
        (b"\x80\x02K\x01.", "no dictionary of tensors"),
        (b"\x80\x02}.", "no dictionary of tensors"),
    ] {
        let found = refusal(&pickle(code));
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
    // Nothing grows without bound: copies of the top, and lists in lists.
    let mut deep = b"\x80\x02]".to_vec();
    deep.extend(vec![b'2'; 1_500_000]);
    assert!(refusal(&pickle(&deep)).contains("too deep"));
    let mut many = b"\x80\x02".to_vec();
    many.extend(b"N0".repeat(4_100_000));
    assert!(refusal(&pickle(&many)).contains("more than"));
    let mut nested = b"\x80\x02]".to_vec();
    nested.extend(b"]a".repeat(1000));
    nested.push(b'.');
    assert!(refusal(&pickle(&nested)).contains("no dictionary"));
}

/// A checkpoint of one tensor `output.bias` with these parts of its pickle.
fn one_tensor(
    storage: &str,
    count: u32,
    offset: u8,
    shape: &[u8],
    stride: &[u8],
    data: &[u8],
) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.push(b'X');
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.bytes());
    };
    let mut code = b"\x80\x02}".to_vec();
    text(&mut code, "output.bias");
    code.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    text(&mut code, "storage");
    code.extend(format!("ctorch\n{storage}\n").bytes());
    text(&mut code, "0");
    text(&mut code, "cpu");
    code.push(b'J');
    code.extend(count.to_le_bytes());
    code.extend(b"tQ");
    code.extend([b'K', offset]);
    for list in [shape, stride] {
        code.push(b'(');
        list.iter().for_each(|&n| code.extend([b'K', n]));
        code.push(b't');
    }
    code.extend(b"\x89ccollections\nOrderedDict\n)RtRs.");
    archive(&[("a/data.pkl", &code), ("a/data/0", data)])
}

#[test]
fn tensors_that_reach_beyond_their_storage_are_refused() {
    // Only this tensor is looked at: a network of one would take it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    let architecture = meshnet();
    let read = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        load_weights(&path, &architecture, &[])
            .unwrap_err()
            .to_string()
    };
    // In the order of the network the first tensor is missing; that is the refusal of a whole file with one tensor.
    let good = one_tensor("FloatStorage", 3, 0, &[3], &[1], &[0; 12]);
    assert!(read(&good).contains("`layers.0.weight` is missing"));
    let tensor = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        negatoscope::ai::import::read_tensor(&path, "output.bias")
    };
    assert_eq!(tensor(&good).unwrap().values, [0.0; 3]);
    let numbers: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    // Columns before rows, and an offset.
    let turned = one_tensor("FloatStorage", 6, 0, &[2, 3], &[1, 2], &numbers);
    assert_eq!(
        tensor(&turned).unwrap().values,
        [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]
    );
    let later = one_tensor("FloatStorage", 6, 4, &[2], &[1], &numbers);
    assert_eq!(tensor(&later).unwrap().values, [5.0, 6.0]);
    let halves: Vec<u8> = [0x3C00u16, 0xC000, 0x0001, 0x7BFF]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let half = one_tensor("HalfStorage", 4, 0, &[4], &[1], &halves);
    assert_eq!(
        tensor(&half).unwrap().values,
        [1.0, -2.0, 2f32.powi(-24), 65504.0]
    );
    let brain: Vec<u8> = [0x3F80u16, 0xC040]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let brain = one_tensor("BFloat16Storage", 2, 0, &[2], &[1], &brain);
    assert_eq!(tensor(&brain).unwrap().values, [1.0, -3.0]);
    let nan = f32::NAN.to_le_bytes();
    for (content, part) in [
        (
            one_tensor("FloatStorage", 3, 1, &[3], &[1], &[0; 12]),
            "beyond its storage",
        ),
        (
            one_tensor("FloatStorage", 3, 0, &[2], &[9], &[0; 12]),
            "beyond its storage",
        ),
        (
            one_tensor("FloatStorage", 3, 0, &[4], &[1], &[0; 12]),
            "beyond its storage",
        ),
        (
            one_tensor("FloatStorage", 4, 0, &[3], &[1], &[0; 12]),
            "16 are said",
        ),
        (
            one_tensor("FloatStorage", 0x7FFF_FFFF, 0, &[3], &[1], &[0; 12]),
            "are said",
        ),
        (
            one_tensor("LongStorage", 1, 0, &[1], &[1], &[0; 8]),
            "no numbers of a network",
        ),
        (
            one_tensor("FloatStorage", 1, 0, &[1], &[1], &nan),
            "not finite",
        ),
        (
            one_tensor(
                "FloatStorage",
                3,
                0,
                &[200, 200, 200, 200],
                &[0, 0, 0, 0],
                &[0; 12],
            ),
            "more than",
        ),
        (
            one_tensor("FloatStorage", 3, 0, &[3], &[1, 1], &[0; 12]),
            "damaged",
        ),
        (
            one_tensor("QUInt8Storage", 3, 0, &[3], &[1], &[0; 12]),
            "`torch.QUInt8Storage`",
        ),
    ] {
        let found = tensor(&content).unwrap_err().to_string();
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
}

#[test]
fn archives_that_are_damaged_or_bombs_are_refused() {
    let good = fs::read(fixture("meshnet-elu.pt")).unwrap();
    assert!(load_weights(&fixture("meshnet-elu.pt"), &meshnet(), &[]).is_ok());
    let check = |content: &[u8], part: &str| {
        let found = refusal(content);
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    };
    check(b"", "not a PyTorch checkpoint");
    check(b"GIF89a", "not a PyTorch checkpoint");
    check(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "bare pickle");
    check(&good[..good.len() / 2], "no directory");
    check(&good[..good.len() - 30], "no directory");
    check(&archive(&[("a/other", b"x")]), "no pickle");
    check(
        &archive(&[("a/data.pkl", b"."), ("b/data.pkl", b".")]),
        "or several",
    );
    check(
        &archive(&[("a/data.pkl", b"."), ("a/code/x.py", b"")]),
        "TorchScript",
    );
    check(
        &archive(&[("a/data.pkl", b"."), ("a/byteorder", b"big")]),
        "byte order",
    );
    check(
        &archive(&[("a/data.pkl", b"."), ("a/data.pkl", b".")]),
        "two members",
    );
    // A changed number is seen by its check sum.
    let mut flipped = good.clone();
    let place = flipped.windows(4).position(|w| w == b"data").unwrap();
    flipped[place + 700] ^= 1;
    assert!(!refusal(&flipped).is_empty());
    // A member that claims to be packed, or larger than the file.
    let at = good.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut packed = good.clone();
    packed[at + 10] = 8;
    check(&packed, "compressed");
    let mut large = good.clone();
    large[at + 20..at + 28].copy_from_slice(&[0xFE; 8]);
    check(&large, "are allowed");
    let mut beyond = good.clone();
    beyond[at + 20..at + 28].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]);
    assert!(!refusal(&beyond).is_empty());
    // A directory that claims more members, or another place, than there are.
    let end = good.len() - 22;
    for (place, value) in [(10, 0xFF), (8, 0xFF), (16, 0xFF), (12, 0xF0)] {
        let mut wrong = good.clone();
        wrong[end + place] ^= value;
        if place != 8 {
            assert!(!refusal(&wrong).is_empty());
        }
    }
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let good = fs::read(fixture("meshnet-elu.pt")).unwrap();
    let pickle_at = good.windows(8).position(|w| w == b"data.pkl").unwrap() + 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    let architecture = meshnet();
    let mut random = Random::new(5, &[]);
    for round in 0..400 {
        let mut content = good.clone();
        for _ in 0..1 + random.next_bits() % 4 {
            let end = content.len();
            // In the pickle, in the directory, anywhere.
            let (from, to) = match round % 3 {
                0 => (pickle_at, pickle_at + 1500),
                1 => (end - 1500, end),
                _ => (0, end),
            };
            let place = from + random.next_bits() as usize % (to.min(end) - from);
            content[place] = random.next_bits() as u8;
        }
        if round % 3 == 0 {
            // So that the damage is met behind the check sum.
            let size = {
                let at = content
                    .windows(4)
                    .position(|w| w == b"PK\x01\x02")
                    .unwrap_or(0);
                u32::from_le_bytes(content[at + 24..at + 28].try_into().unwrap()) as usize
            };
            let start = content
                .windows(2)
                .skip(pickle_at)
                .position(|w| w == b"\x80\x02");
            if let Some(start) = start {
                let start = start + pickle_at;
                let end = (start + size).min(content.len());
                let check = crc32fast::hash(&content[start..end]).to_le_bytes();
                let at = content
                    .windows(4)
                    .position(|w| w == b"PK\x01\x02")
                    .unwrap_or(0);
                content[at + 16..at + 20].copy_from_slice(&check);
            }
        }
        fs::write(&path, content).unwrap();
        // Refused or read; either way it ends.
        let _ = load_weights(&path, &architecture, &[]);
    }
}
