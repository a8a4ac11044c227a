//! The house rules, read from the sources themselves: layers, outside crates, versions, licences, messages, assets.
//!
//! `rules` says what the rules are. Each is tried on a small bad example first, so that a checker that sees
//! nothing fails here.

mod dependencies;
mod house;
mod messages;
mod rules;
mod source;

use rules::{CRATES, LAYERS, READ_BACK_FILES, UNSAFE_FILES, check, module_of, reads_back};
use source::{Token, crate_paths, files_below, roots, tokens, without_tests};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Sources below `src`: path with `/`, and text.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    files_below(&src, "rs")
        .into_iter()
        .map(|path| {
            let below = path.strip_prefix(&src).expect("below src");
            let name: Vec<_> = below.iter().map(|p| p.to_string_lossy()).collect();
            (name.join("/"), fs::read_to_string(&path).expect("text"))
        })
        .collect()
}

#[test]
fn every_file_keeps_the_rules() {
    let sources = sources();
    assert!(sources.len() > 40, "the walk found {} files", sources.len());
    let wrong: Vec<String> = sources
        .iter()
        .flat_map(|(path, source)| check(path, source))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_layer_and_every_layer_a_module() {
    let sources = sources();
    let there: BTreeSet<&str> = sources
        .iter()
        .map(|(path, _)| module_of(path))
        .filter(|module| !matches!(*module, "lib" | "main"))
        .collect();
    let listed: BTreeSet<&str> = LAYERS.iter().map(|(module, _)| *module).collect();
    assert_eq!(there, listed);
    for (_, modules) in CRATES {
        assert!(modules.iter().all(|m| listed.contains(m)), "{modules:?}");
    }
}

#[test]
fn exceptions_are_still_needed() {
    let sources = sources();
    for (file, reason) in READ_BACK_FILES {
        assert!(!reason.is_empty(), "{file} needs a reason");
        let source = sources.iter().find(|(path, _)| path == file);
        let needed = source.is_some_and(|(_, source)| reads_back(source));
        let has_networks = sources.iter().any(|(path, _)| path == "ai/infer.rs");
        assert!(
            needed || !has_networks,
            "{file} reads nothing back: take it off the list"
        );
    }
    for (file, reason) in UNSAFE_FILES {
        assert!(!reason.is_empty(), "{file} needs a reason");
        let source = sources.iter().find(|(path, _)| path == file);
        let text = source.map(|(_, text)| tokens(text)).unwrap_or_default();
        assert!(
            text.iter().any(|t| t.is_word("unsafe")),
            "{file}: take it off the list"
        );
    }
}

#[test]
fn shaders_belong_to_a_pass() {
    let shaders = root().join("shaders");
    if !shaders.is_dir() {
        return;
    }
    let includes = shaders.join("lib");
    let strays: Vec<PathBuf> = files_below(&shaders, "wgsl")
        .into_iter()
        .filter(|path| !path.starts_with(&includes))
        .filter(|path| {
            let stem = path.file_stem().expect("a name").to_str().expect("a name");
            // `filter_window.wgsl` is a part of the pass `filter`.
            let of =
                |module: &str, stem: &str| root().join(format!("src/{module}/{stem}.rs")).is_file();
            // Passes that compute a mask are below those that draw it.
            let pass = |stem: &str| of("render", stem) || of("gpu", stem);
            !pass(stem) && !stem.split_once('_').is_some_and(|(whole, _)| pass(whole))
        })
        .collect();
    assert!(
        strays.is_empty(),
        "no file in src/render or src/gpu has these stems: {strays:?}"
    );
}

/// Each bad example breaks one rule, and the checker says so.
#[test]
fn the_checker_sees_bad_examples() {
    for (path, source, complaint) in [
        // Layers
        (
            "model/a.rs",
            "use crate::gpu::Door;",
            "`model` (layer 0) uses `gpu`",
        ),
        ("model/a.rs", "use crate::task;", "uses `task` (layer 0)"),
        (
            "gpu/a.rs",
            "use crate::{model::X, imaging::{A, B}};",
            "uses `imaging`",
        ),
        (
            "dicom/a.rs",
            "fn f() { crate::clinical::read() }",
            "uses `clinical`",
        ),
        (
            "render/a.rs",
            "type T = Vec<crate::store::Row>;",
            "uses `store`",
        ),
        ("ui/a.rs", "pub(in crate::app) struct S;", "uses `app`"),
        ("ui/a.rs", "use crate::console::Output;", "uses `console`"),
        ("app/a.rs", "use crate::cli::Common;", "uses `cli`"),
        (
            "ai/a.rs",
            "#[cfg(test)] mod tests { use crate::render::X; }",
            "uses `render`",
        ),
        (
            "ai/a.rs",
            "#[cfg(test)] use crate::ui::X; fn f() {}",
            "uses `ui`",
        ),
        (
            "ai/a.rs",
            "macro_rules! m { () => { $crate::ui::f() } }",
            "uses `ui`",
        ),
        ("dicom/a.rs", "use crate::*;", "`crate::*`"),
        (
            "dicom/a.rs",
            "use crate::helpers::x;",
            "`crate::helpers` is no module",
        ),
        ("helpers.rs", "", "module `helpers` has no layer"),
        (
            "dicom/read/a.rs",
            "use super::super::ai::X;",
            "`super::super`",
        ),
        (
            "console.rs",
            "use super::app::X;",
            "`super` leaves the module",
        ),
        // Outside crates
        ("render/a.rs", "use burn::tensor::Tensor;", "names `burn`"),
        (
            "ui/a.rs",
            "fn f(t: burn_wgpu::Wgpu) {}",
            "names `burn_wgpu`",
        ),
        ("gpu/a.rs", "use ::cubecl::prelude::*;", "names `cubecl`"),
        (
            "cli/a.rs",
            "use dicom_object::open_file;",
            "names `dicom_object`",
        ),
        (
            "workspace/a.rs",
            "fn f(ui: &mut egui::Ui) {}",
            "names `egui`",
        ),
        (
            "ui/a.rs",
            "use egui_kittest::Harness;",
            "names `egui_kittest`",
        ),
        ("cli/a.rs", "use rfd;", "names `rfd`"),
        (
            "model/a.rs",
            "use serde::Serialize;",
            "`model` names `serde`",
        ),
        (
            "model/a.rs",
            "#[derive(serde::Serialize)] struct S;",
            "`model` names `serde`",
        ),
        ("model/a.rs", "use wgpu::Buffer;", "names `wgpu`"),
        ("model/a.rs", "use std::{fmt, fs::File};", "`std::fs`"),
        ("model/a.rs", "fn f() { std::io::stdin(); }", "`std::io`"),
        ("imaging/a.rs", "use wgpu::Buffer;", "names `wgpu`"),
        // Words
        ("ai/a.rs", "fn f() { unsafe { g() } }", "`unsafe`"),
        (
            "ai/a.rs",
            "#[cfg(test)] mod t { unsafe fn f() {} }",
            "`unsafe`",
        ),
        ("cli/a.rs", "fn f() { println!(\"x\"); }", "`println!`"),
        ("store/a.rs", "fn f() { eprintln!(\"x\"); }", "`eprintln!`"),
        ("store/a.rs", "fn f() { todo!() }", "`todo!`"),
        (
            "cli/a.rs",
            "use std::io; fn f() { io::stdout(); }",
            "opens `stdout`",
        ),
        (
            "ui/a.rs",
            "fn f() { std::io::stderr().lock(); }",
            "opens `stderr`",
        ),
        ("dicom/a.rs", "use std::net::TcpStream;", "`TcpStream`"),
        // Copies
        (
            "ai/infer.rs",
            "fn f(t: T) { t.into_data(); }",
            "`into_data` reads back",
        ),
        (
            "ai/infer.rs",
            "fn f(t: T) { T::into_scalar::<f32>(t); }",
            "`into_scalar` reads back",
        ),
        (
            "ai/net/a.rs",
            "fn f(b: B) { b.map_async(m, g); }",
            "`map_async` reads back",
        ),
        (
            "ai/infer.rs",
            "fn f(t: T) { t.try_into_vec_as::<f32>(); }",
            "`try_into_vec_as` reads back",
        ),
        (
            "render/a.rs",
            "fn f(b: B) { b.map_async(m, g); }",
            "counted door",
        ),
        (
            "ui/a.rs",
            "fn f(q: Q) { q.write_texture(t, b); }",
            "counted door",
        ),
        (
            "ai/readback.rs",
            "fn f(q: Q) { q.write_buffer(b, 0, x); }",
            "counted door",
        ),
        (
            "render/a.rs",
            "fn f(d: D) { d.create_bind_group(x); }",
            "is counted by the door",
        ),
    ] {
        let wrong = check(path, source);
        assert!(
            wrong.iter().any(|line| line.contains(complaint)),
            "{path}: {source}\n  expected: {complaint}\n  got: {wrong:?}"
        );
    }
    let long = "// line\n".repeat(1001);
    assert_eq!(check("ai/a.rs", &long).len(), 1);
}

#[test]
fn the_checker_lets_good_examples_pass() {
    for (path, source) in [
        (
            "gpu/a.rs",
            "use crate::{model::{view::A, lut}, task, gpu::B};",
        ),
        (
            "app/a.rs",
            "use crate::console::Output; use rfd::FileDialog;",
        ),
        (
            "ai/a.rs",
            "use crate::imaging::X; use burn::tensor::Tensor;",
        ),
        ("ai/readback.rs", "fn f(t: T) { t.into_data(); }"),
        (
            "ai/infer.rs",
            "#[cfg(test)] mod tests { fn f(t: T) { t.into_data(); } }",
        ),
        ("ai/infer.rs", "// t.into_data()\nfn into_data() {}"),
        (
            "model/a.rs",
            "use std::fmt; pub(crate) fn f() {} use super::date::Date;",
        ),
        (
            "model/a.rs",
            "/// See `crate::gpu`.\nconst A: &str = \"crate::gpu::x unsafe\";",
        ),
        (
            "model/a.rs",
            "const A: &str = r#\"use crate::ui::X; \"quoted\" \"#;",
        ),
        (
            "task/a.rs",
            "#[cfg(test)] mod tests { use crate::model::date::Date; }",
        ),
        (
            "store/a.rs",
            "fn f() { Command::new(x).stdout(Stdio::null()); }",
        ),
        (
            "dicom/a.rs",
            "fn f<'a>(x: &'a str) -> char { '\"' } fn g() { '\\''; }",
        ),
        ("workspace/a.rs", "use crate::tools::burn::X;"),
        ("main.rs", "use negatoscope::cli::Cli;"),
        ("lib.rs", "pub mod ai;"),
    ] {
        let wrong = check(path, source);
        assert!(wrong.is_empty(), "{path}: {source}\n  got: {wrong:?}");
    }
}

#[test]
fn the_reader_reads() {
    let words = |source: &str| {
        let all = tokens(source);
        let text = |t: &Token| match t {
            Token::Word(w) => w.clone(),
            Token::Text(t) => format!("\"{t}\""),
            Token::Mark(c) => c.to_string(),
        };
        all.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words("a /* b /* c */ d */ e // f\ng"), "a e g");
    assert_eq!(
        words(r##"x(r#"a"b"#, b"c\"d", "\\")"##),
        r#"x ( "a"b" , "c\"d" , "\\" )"#
    );
    assert_eq!(words("'a' 'b': loop { '\\n'; b'x' }"), ": loop { ; }");
    assert_eq!(words("for_r\"x\" 1.5e3"), "for_r \"x\" 1 . 5e3");
    assert_eq!(
        crate_paths(&tokens(
            "use crate::{a::{b, c}, d as e, f::*}; crate::g::h()"
        )),
        ["a", "d", "f", "g"]
    );
    assert_eq!(
        roots(&tokens(
            "use a::b; c::d::e(); ::f::g; use h as i; x.y::<z::W>()"
        )),
        ["a", "c", "f", "h", "y", "z"]
    );
    let (program, tests) = without_tests(&tokens(
        "fn a() {} #[cfg(test)] mod t { fn b() { {} } } fn c() {}",
    ));
    assert_eq!(program.len(), 12);
    assert!(tests.iter().any(|t| t.is_word("b")) && !tests.iter().any(|t| t.is_word("c")));
    // Unfinished input ends.
    for source in [
        "\"",
        "r#\"",
        "/*",
        "'",
        "'\\",
        "b'",
        "use crate::{",
        "#[cfg(test)]",
    ] {
        let all = tokens(source);
        without_tests(&all);
        crate_paths(&all);
    }
}
