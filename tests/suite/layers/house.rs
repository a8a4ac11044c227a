//! Things that lie beside the code: fonts, the icon, scripts, documents.

use super::{files_below, root};
use std::{fs, path::Path};

const FONT: &str = "assets/fonts/negatoscope-han.ttf";

fn big_endian(bytes: &[u8], at: usize, count: usize) -> usize {
    bytes[at..at + count]
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Whether a TrueType font's character map (format 4 or 12) has a glyph for each of these; the missing ones.
/// OpenType specification, table `cmap`.
fn missing_glyphs(font: &[u8], wanted: impl Iterator<Item = char>) -> Vec<char> {
    let tables = big_endian(font, 4, 2);
    let cmap = (0..tables)
        .map(|n| 12 + 16 * n)
        .find(|at| &font[*at..at + 4] == b"cmap")
        .map(|at| big_endian(font, at + 8, 4))
        .expect("a character map");
    let maps: Vec<usize> = (0..big_endian(font, cmap + 2, 2))
        .map(|n| cmap + big_endian(font, cmap + 4 + 8 * n + 4, 4))
        .collect();
    wanted
        .filter(|c| !maps.iter().any(|map| glyph(font, *map, *c as usize) != 0))
        .collect()
}

fn glyph(font: &[u8], map: usize, code: usize) -> usize {
    match big_endian(font, map, 2) {
        4 => {
            let doubled = big_endian(font, map + 6, 2);
            for segment in (0..doubled).step_by(2) {
                let end = big_endian(font, map + 14 + segment, 2);
                let start_at = map + 16 + doubled + segment;
                let start = big_endian(font, start_at, 2);
                if !(start..=end).contains(&code) {
                    continue;
                }
                let delta = big_endian(font, start_at + doubled, 2);
                let range_at = start_at + 2 * doubled;
                let range = big_endian(font, range_at, 2);
                if range == 0 {
                    return (code + delta) & 0xFFFF;
                }
                let found = big_endian(font, range_at + range + 2 * (code - start), 2);
                return if found == 0 {
                    0
                } else {
                    (found + delta) & 0xFFFF
                };
            }
            0
        }
        12 => (0..big_endian(font, map + 12, 4))
            .map(|n| map + 16 + 12 * n)
            .find(|at| (big_endian(font, *at, 4)..=big_endian(font, at + 4, 4)).contains(&code))
            .map_or(0, |at| {
                big_endian(font, at + 8, 4) + code - big_endian(font, at, 4)
            }),
        _ => 0,
    }
}

#[test]
fn the_font_has_every_character_of_the_messages() {
    let font = fs::read(root().join(FONT)).expect("the font");
    assert!(font.len() <= 1_200_000, "{} bytes", font.len());
    let text = fs::read_to_string(root().join("assets/i18n/zh-CN.ftl")).expect("the catalogue");
    let hanzi = |c: &char| *c >= '\u{2E80}';
    let count = text.chars().filter(hanzi).count();
    assert!(count > 1000, "{count} characters looked up");
    let none: [char; 0] = [];
    assert_eq!(missing_glyphs(&font, text.chars().filter(hanzi)), none);
    // The first and last hanzi of both levels of GB 2312, and names that are common in patients.
    assert_eq!(
        missing_glyphs(&font, "啊座亍齄王李张刘陈杨黄赵吴周徐孙".chars()),
        none
    );
    // The reader sees what is not there: a rare hanzi outside of GB 2312, and a private character.
    assert_eq!(
        missing_glyphs(&font, "啊㐀\u{E000}".chars()),
        ['㐀', '\u{E000}']
    );
}

#[test]
fn every_asset_has_its_licence_beside_it() {
    for (asset, licence) in [
        (FONT, "assets/fonts/LICENSE-negatoscope-han.txt"),
        ("assets/icons/negatoscope-256.png", "LICENSE-MIT"),
    ] {
        assert!(root().join(asset).is_file(), "{asset}");
        assert!(root().join(licence).is_file(), "{licence}");
        let notices = fs::read_to_string(root().join("THIRD-PARTY-NOTICES.md")).expect("notices");
        let ours = licence == "LICENSE-MIT";
        assert!(
            ours || notices.contains(asset),
            "{asset} is not in the notices"
        );
    }
}

/// Cards of shipped models: `assets/models/*.toml` that speak of weights.
#[test]
fn shipped_models_name_whose_data_they_learnt_from() {
    let notices = fs::read_to_string(root().join("THIRD-PARTY-NOTICES.md")).expect("notices");
    for path in files_below(&root().join("assets/models"), "toml") {
        let text = fs::read_to_string(&path).expect("text");
        let card: toml::Table = text.parse().expect("TOML");
        let Some(file) = card.get("weights").and_then(|weights| weights.get("file")) else {
            continue;
        };
        let file = format!("assets/models/{}", file.as_str().expect("a name"));
        assert!(notices.contains(&file), "{file} is not in the notices");
        let citations = card["about"]["citations"].as_array().expect("a list");
        // What was made here has no owner to be cited.
        let made_here = card["about"]["synthetic_only"].as_bool() == Some(true);
        assert!(made_here || !citations.is_empty(), "{file} cites nobody");
        for citation in citations {
            let citation = citation.as_str().expect("text");
            assert!(notices.contains(citation), "the notices lack: {citation}");
        }
    }
}

#[test]
fn the_icon_is_a_square_picture_with_clear_corners() {
    let icon = image::open(root().join("assets/icons/negatoscope-256.png")).expect("a PNG");
    let icon = icon.to_rgba8();
    assert_eq!(icon.dimensions(), (256, 256));
    assert_eq!(icon.get_pixel(0, 0).0[3], 0);
    assert_eq!(icon.get_pixel(128, 128).0[3], 255);
}

#[test]
fn scripts_are_programs() {
    let mut paths: Vec<_> = fs::read_dir(root().join("scripts"))
        .expect("scripts")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    paths.push(root().join(".ci/run"));
    assert!(paths.len() >= 4);
    for path in paths {
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.starts_with("#!/usr/bin/env "), "{}", path.display());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{} cannot be run", path.display());
        }
    }
}

/// Targets of links in a document: `[text](target)`, without those of the network and those in comments.
fn links(text: &str) -> Vec<String> {
    let mut pieces = text.split("<!--");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        shown.push_str(piece.split_once("-->").map_or("", |(_, after)| after));
    }
    shown
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    assert_eq!(
        links("see [a](b.md#c), [d](https://e.f), <!-- [x](y) --> and ![](g.png)"),
        ["b.md", "g.png"]
    );
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        let text = fs::read_to_string(root().join(name)).expect("a document");
        for target in links(&text) {
            assert!(root().join(&target).exists(), "{name} links to {target}");
        }
    }
}

#[test]
fn the_map_names_every_module() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    for (module, layer) in super::LAYERS {
        let row = format!("| {layer} | `{module}` |");
        assert!(map.contains(&row), "ARCHITECTURE.md has no row `{row}`");
    }
}

/// Nothing in the repository names a folder of the machine it was written on.
#[test]
fn no_file_names_a_machine() {
    let folders = ["/home/", "/root/", "/Users/"];
    for (folder, extension) in [
        ("src", "rs"),
        ("tests", "rs"),
        ("assets", "ftl"),
        ("assets", "txt"),
        ("assets", "toml"),
        ("assets", "json"),
    ] {
        for path in files_below(&root().join(folder), extension) {
            if is_about_paths(&path) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for name in folders {
                assert!(!text.contains(name), "{} names {name}", path.display());
            }
        }
    }
}

/// These two speak of such folders.
fn is_about_paths(path: &Path) -> bool {
    path.ends_with("layers/house.rs") || path.ends_with("src/diary.rs")
}
