//! One version of what must be one, and licences that agree with ours.

use super::root;
use std::{collections::BTreeMap, fs, process::Command};

/// Two of these in one program would not fit each other: devices, shaders, windows, data sets, databases.
const ONE_VERSION: &[&str] = &[
    "wgpu",
    "wgpu-core",
    "wgpu-hal",
    "naga",
    "egui",
    "eframe",
    "egui-wgpu",
    "burn-wgpu",
    "cubecl-wgpu",
    "glam",
    "rusqlite",
    "libsqlite3-sys",
    "dicom-object",
    "dicom-core",
];

/// Names and versions of a lock file.
fn locked(text: &str) -> Vec<(String, String)> {
    let value = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("name = ") && pair[1].starts_with("version = "))
        .map(|pair| (value(pair[0]), value(pair[1])))
        .collect()
}

/// Names of [`ONE_VERSION`] that are there more than once, or not at all.
fn not_one(packages: &[(String, String)]) -> Vec<String> {
    ONE_VERSION
        .iter()
        .filter_map(|name| {
            let versions: Vec<&str> = packages
                .iter()
                .filter(|(n, _)| n == name)
                .map(|(_, version)| version.as_str())
                .collect();
            (versions.len() != 1).then(|| format!("{name}: {versions:?}"))
        })
        .collect()
}

#[test]
fn one_version_of_what_must_be_one() {
    let text = fs::read_to_string(root().join("Cargo.lock")).expect("the lock file");
    let mut packages = locked(&text);
    assert!(packages.len() > 300, "{} packages read", packages.len());
    assert_eq!(not_one(&packages), [""; 0]);
    // The checker sees a second one, and one that is gone.
    packages.push(("wgpu".to_owned(), "29.0.0".to_owned()));
    packages.retain(|(name, _)| name != "naga");
    assert_eq!(not_one(&packages).len(), 2);
}

#[test]
fn the_tool_chain_is_pinned_to_what_the_package_asks() {
    let read = |path: &str| -> toml::Table {
        let text = fs::read_to_string(root().join(path)).expect("a file of the repository");
        text.parse().expect("TOML")
    };
    let channel = read("rust-toolchain.toml");
    let channel = channel["toolchain"]["channel"].as_str().expect("a channel");
    let asked = read("Cargo.toml");
    let asked = asked["package"]["rust-version"]
        .as_str()
        .expect("a version");
    assert!(
        channel.starts_with(&format!("{asked}.")),
        "{channel}, {asked}"
    );
}

/// What a licence expression allows us, given the licences that we accept: `OR` needs one side, `AND` both,
/// `/` is the old form of `OR`. `None` when it does not parse.
fn accepts(expression: &str, accepted: &[String]) -> Option<bool> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let verdict = either(&words, &mut at, accepted)?;
    (at == words.len()).then_some(verdict)
}

fn either(words: &[&str], at: &mut usize, accepted: &[String]) -> Option<bool> {
    let mut verdict = both(words, at, accepted)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        verdict |= both(words, at, accepted)?;
    }
    Some(verdict)
}

fn both(words: &[&str], at: &mut usize, accepted: &[String]) -> Option<bool> {
    let mut verdict = one(words, at, accepted)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        verdict &= one(words, at, accepted)?;
    }
    Some(verdict)
}

fn one(words: &[&str], at: &mut usize, accepted: &[String]) -> Option<bool> {
    let first = *words.get(*at)?;
    *at += 1;
    if first == "(" {
        let verdict = either(words, at, accepted)?;
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return closed.then_some(verdict);
    }
    if matches!(first, ")" | "OR" | "AND" | "WITH") {
        return None;
    }
    let mut name = first.to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{first} WITH {}", words.get(*at + 1)?);
        *at += 2;
    }
    Some(accepted.contains(&name))
}

#[test]
fn the_licence_reader_reads() {
    let accepted = [
        "MIT",
        "Apache-2.0",
        "Zlib",
        "Apache-2.0 WITH LLVM-exception",
    ];
    let accepted: Vec<String> = accepted.iter().map(ToString::to_string).collect();
    for (expression, verdict) in [
        ("MIT", Some(true)),
        ("GPL-3.0-only", Some(false)),
        ("MIT OR GPL-3.0-only", Some(true)),
        ("GPL-3.0-only/MIT", Some(true)),
        ("MIT AND GPL-3.0-only", Some(false)),
        ("MIT AND Zlib", Some(true)),
        ("GPL-2.0-only OR MIT AND GPL-3.0-only", Some(false)),
        ("(MIT OR GPL-2.0-only) AND Zlib", Some(true)),
        ("(MIT OR Apache-2.0) AND OFL-1.1", Some(false)),
        ("Apache-2.0 WITH LLVM-exception", Some(true)),
        ("MIT WITH LLVM-exception", Some(false)),
        ("", None),
        ("MIT OR", None),
        ("(MIT", None),
        ("MIT MIT", None),
    ] {
        assert_eq!(accepts(expression, &accepted), verdict, "{expression}");
    }
}

/// The packages that are built into the program here: name and version, licence expression.
pub fn built_packages() -> BTreeMap<(String, String), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let tree = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--offline", "--locked", "--all-features", "--quiet"])
        .args(["--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--format", "{p}|{l}"])
        .output()
        .expect("cargo runs");
    let error = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "cargo tree: {error}");
    String::from_utf8_lossy(&tree.stdout)
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
            let mut words = package.split(' ');
            let name = words.next()?.to_owned();
            let version = words.next()?.trim_start_matches('v').to_owned();
            Some(((name, version), licence.to_owned()))
        })
        .collect()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the list is of the Linux build")]
fn every_licence_agrees_with_ours() {
    let deny = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let deny: toml::Table = deny.parse().expect("TOML");
    let accepted: Vec<String> = deny["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|licence| licence.as_str().expect("text").to_owned())
        .collect();
    let packages = built_packages();
    assert!(packages.len() > 300, "{} packages read", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|(_, licence)| accepts(licence, &accepted) != Some(true))
        .map(|((name, version), licence)| format!("{name} {version}: `{licence}`"))
        .collect();
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
    // Nothing is allowed that nobody needs.
    for licence in &accepted {
        let needed = packages
            .values()
            .any(|used| used.contains(licence.as_str()));
        assert!(
            needed,
            "no package names {licence}: take it off the list in deny.toml"
        );
    }
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "the notices are of the Linux build"
)]
fn the_notices_name_every_package() {
    let notices = fs::read_to_string(root().join("THIRD-PARTY-NOTICES.md")).expect("the notices");
    let missing: Vec<String> = built_packages()
        .into_iter()
        .filter(|((name, _), _)| name != env!("CARGO_PKG_NAME"))
        .map(|((name, version), licence)| format!("| {name} | {version} | {licence} |"))
        .filter(|row| !notices.contains(row.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "run scripts/make-notices; missing:\n{}",
        missing.join("\n")
    );
}
