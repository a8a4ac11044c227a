//! The rules about the sources, as functions from a file to what it does wrong.

use super::source::{Token, crate_paths, is_path_mark, roots, tokens, without_tests};

/// Modules and their layers. A module uses only modules with a lower number.
pub const LAYERS: &[(&str, u8)] = &[
    ("model", 0),
    ("task", 0),
    ("i18n", 0),
    ("diary", 0),
    ("files", 0),
    ("formats", 1),
    ("gpu", 1),
    ("imaging", 1),
    ("dicom", 2),
    ("clinical", 2),
    ("phantom", 2),
    ("store", 3),
    ("render", 3),
    ("ai", 3),
    ("tools", 4),
    ("workspace", 5),
    ("ui", 6),
    ("console", 6),
    ("app", 7),
    ("cli", 7),
    ("bench", 8),
];

/// Outside crates (`*` at the end: every name that begins so) and the only modules that name them.
pub const CRATES: &[(&str, &[&str])] = &[
    ("burn", &["ai"]),
    ("burn_*", &["ai"]),
    ("cubecl*", &["ai"]),
    ("dicom_*", &["dicom"]),
    ("flate2", &["formats", "clinical"]),
    ("pdf_writer", &["clinical"]),
    ("skrifa", &["clinical"]),
    ("egui", &["ui", "app"]),
    ("eframe", &["ui", "app"]),
    ("egui_wgpu", &["ui", "app"]),
    ("egui_kittest", &["app"]),
    ("rfd", &["ui", "app"]),
    ("winit", &["app"]),
    ("rusqlite", &["store"]),
    ("fluent_bundle", &["i18n"]),
    ("sys_locale", &["i18n"]),
    ("unic_langid", &["i18n"]),
    ("tracing_subscriber", &["diary"]),
    (
        "wgpu",
        &[
            "gpu",
            "render",
            "ai",
            "workspace",
            "ui",
            "app",
            "cli",
            "bench",
        ],
    ),
];

/// Names that `model` does not use: it has no input, no output and no file format.
const NOT_IN_MODEL: &[&str] = &["serde", "serde_json", "wgpu", "tracing", "toml", "image"];

/// Parts of the standard library that `model` does not use.
const NOT_IN_MODEL_STD: &[&str] = &["fs", "io", "env", "net", "process", "thread"];

/// Nothing opens a network connection, so nothing names one.
const NETWORK: &[&str] = &["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs"];

/// Files with `unsafe`, each with the reason.
pub const UNSAFE_FILES: &[(&str, &str)] = &[];

/// Calls that bring a tensor's values to the CPU: all that `burn` 0.22, `cubecl` 0.11 and `wgpu` have.
pub const READ_BACK: &[&str] = &[
    "into_data",
    "into_data_as",
    "into_data_async",
    "into_data_dtype",
    "to_data",
    "to_data_as",
    "to_data_async",
    "to_data_dtype",
    "try_into_data",
    "try_into_data_as",
    "try_into_data_dtype",
    "try_to_data",
    "try_to_data_as",
    "try_to_data_dtype",
    "try_into_vec_as",
    "try_to_vec_as",
    "into_scalar",
    "into_scalar_async",
    "try_into_scalar",
    "try_into_scalar_async",
    "argwhere",
    "argwhere_async",
    "nonzero",
    "nonzero_async",
    "mask_select",
    "mask_select_async",
    "read_one",
    "read_one_unchecked",
    "read_one_unchecked_tensor",
    "read_one_tensor_async",
    "read_tensor",
    "read_tensor_async",
    "read_async",
    "read_lazy",
    "read_lazy_async",
    "read_buffer",
    "read_texture",
    "map_async",
    "get_mapped_range",
    "copy_buffer_to_buffer",
    "copy_texture_to_buffer",
];

/// Files of `ai` that may read back, each with the reason. The inference path is not among them: a mask reaches
/// the screen as the buffer it was computed in.
pub const READ_BACK_FILES: &[(&str, &str)] = &[
    (
        "ai/readback.rs",
        "the one way of a mask to the CPU, taken when it is accepted or exported",
    ),
    (
        "ai/learner.rs",
        "training reads its loss, and the weights when it saves them",
    ),
    (
        "ai/train/masks.rs",
        "training compares its masks with the true ones on the CPU",
    ),
    (
        "ai/train/classes.rs",
        "training compares its classes with the true ones on the CPU",
    ),
    (
        "ai/train/lesions.rs",
        "training compares its lesions with the planted ones on the CPU",
    ),
];

/// Calls that move bytes between CPU and GPU; they pass the counted door in `gpu`.
const GPU_DOOR: &[&str] = &[
    "map_async",
    "get_mapped_range",
    "get_mapped_range_mut",
    "write_buffer",
    "write_buffer_with",
    "write_texture",
    "create_buffer_init",
    "create_texture_with_data",
    "copy_buffer_to_texture",
    "copy_texture_to_buffer",
];

/// Calls that make something on the device; they are counted by the same door.
const GPU_MAKERS: &[&str] = &[
    "create_texture",
    "create_view",
    "create_buffer",
    "create_bind_group",
];

/// Longest file, in lines.
const LINES: usize = 1000;

fn layer_of(module: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, layer)| *layer)
}

/// The module of a path below `src`: its first folder, or its name. `lib` and `main` wire everything.
pub fn module_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or_default();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Everything wrong with one file; `path` is below `src`, with `/`.
pub fn check(path: &str, source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let module = module_of(path);
    let all = tokens(source);
    let (program, tests) = without_tests(&all);
    let wires_all = matches!(module, "lib" | "main");

    let lines = source.lines().count();
    if lines > LINES {
        wrong.push(format!("{path}: {lines} lines, {LINES} at most"));
    }
    if !wires_all {
        match layer_of(module) {
            None => wrong.push(format!("{path}: module `{module}` has no layer")),
            Some(layer) => {
                check_layers(path, module, layer, &program, false, &mut wrong);
                check_layers(path, module, layer, &tests, true, &mut wrong);
            }
        }
        check_crates(path, module, &all, &mut wrong);
    }
    check_words(path, module, &program, &all, &mut wrong);
    wrong
}

fn check_layers(
    path: &str,
    module: &str,
    layer: u8,
    tokens: &[Token],
    in_tests: bool,
    wrong: &mut Vec<String>,
) {
    for used in crate_paths(tokens) {
        if used == module || (in_tests && used == "model") {
            continue;
        }
        match layer_of(&used) {
            Some(other) if other < layer => {}
            Some(other) => wrong.push(format!(
                "{path}: `{module}` (layer {layer}) uses `{used}` (layer {other})"
            )),
            None => wrong.push(format!("{path}: `crate::{used}` is no module with a layer")),
        }
    }
    // `super::super::…` may leave the module unseen.
    for i in 0..tokens.len() {
        if tokens[i].is_word("super")
            && is_path_mark(tokens, i + 1)
            && tokens.get(i + 3).is_some_and(|t| t.is_word("super"))
        {
            wrong.push(format!("{path}: `super::super`; write `crate::…`"));
        }
    }
    // A top-level file reaches its siblings with one `super`.
    if !path.contains('/') && !in_tests {
        for i in 0..tokens.len() {
            if tokens[i].is_word("super") && is_path_mark(tokens, i + 1) {
                wrong.push(format!(
                    "{path}: `super` leaves the module; write `crate::…`"
                ));
            }
        }
    }
}

fn check_crates(path: &str, module: &str, tokens: &[Token], wrong: &mut Vec<String>) {
    for root in roots(tokens) {
        for (name, modules) in CRATES {
            let named = match name.strip_suffix('*') {
                Some(prefix) => root.starts_with(prefix),
                None => root == *name,
            };
            if named && !modules.contains(&module) {
                wrong.push(format!("{path}: names `{root}`; only {modules:?} do"));
            }
        }
        if module == "model" && NOT_IN_MODEL.contains(&root.as_str()) {
            wrong.push(format!("{path}: `model` names `{root}`"));
        }
    }
    if module == "model" {
        for used in std_modules(tokens) {
            if NOT_IN_MODEL_STD.contains(&used.as_str()) {
                wrong.push(format!("{path}: `model` names `std::{used}`"));
            }
        }
    }
}

/// First names behind `std::`, use trees opened.
fn std_modules(tokens: &[Token]) -> Vec<String> {
    let renamed: Vec<Token> = tokens
        .iter()
        .map(|token| match token {
            Token::Word(word) if word == "std" => Token::Word("crate".to_owned()),
            Token::Word(word) if word == "crate" => Token::Word("self".to_owned()),
            other => other.clone(),
        })
        .collect();
    crate_paths(&renamed)
}

fn check_words(
    path: &str,
    module: &str,
    program: &[Token],
    all: &[Token],
    wrong: &mut Vec<String>,
) {
    let listed = |list: &[(&str, &str)]| list.iter().any(|(file, _)| *file == path);
    let has = |word: &str| program.iter().any(|t| t.is_word(word));
    let calls = |word: &str| {
        (0..program.len()).any(|i| {
            program[i].is_word(word)
                && program.get(i + 1).is_some_and(|t| {
                    t.is_mark('(') || (t.is_mark(':') && is_path_mark(program, i + 1))
                })
                && !i.checked_sub(1).is_some_and(|k| program[k].is_word("fn"))
        })
    };
    if all.iter().any(|t| t.is_word("unsafe")) && !listed(UNSAFE_FILES) {
        wrong.push(format!("{path}: `unsafe`"));
    }
    for (i, token) in program.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let is_macro = program.get(i + 1).is_some_and(|t| t.is_mark('!'));
        if is_macro
            && matches!(
                word.as_str(),
                "print" | "println" | "eprint" | "eprintln" | "dbg"
            )
        {
            wrong.push(format!("{path}: `{word}!`; write to `console::Output`"));
        }
        if is_macro && matches!(word.as_str(), "todo" | "unimplemented") {
            wrong.push(format!("{path}: `{word}!`"));
        }
    }
    // Not `.stdout(…)`: that is another process's.
    let opens = |word: &str| {
        (1..program.len()).any(|i| {
            program[i].is_word(word)
                && program.get(i + 1).is_some_and(|t| t.is_mark('('))
                && !program[i - 1].is_mark('.')
        })
    };
    if module != "console" && opens("stdout") {
        wrong.push(format!(
            "{path}: opens `stdout`; only `console` writes there"
        ));
    }
    if !matches!(module, "console" | "diary") && opens("stderr") {
        wrong.push(format!(
            "{path}: opens `stderr`; only `console` and `diary` write there"
        ));
    }
    for name in NETWORK {
        if has(name) {
            wrong.push(format!("{path}: `{name}`; nothing opens a connection"));
        }
    }
    for call in READ_BACK {
        if module == "ai" && calls(call) && !listed(READ_BACK_FILES) {
            wrong.push(format!(
                "{path}: `{call}` reads back; only {:?} do",
                files(READ_BACK_FILES)
            ));
        }
    }
    for call in GPU_DOOR {
        if module != "gpu" && calls(call) {
            wrong.push(format!(
                "{path}: `{call}`; copies pass the counted door in `gpu`"
            ));
        }
    }
    for call in GPU_MAKERS {
        // The minimal program has a device of its own.
        if !path.starts_with("gpu/door") && path != "app/minimal.rs" && calls(call) {
            wrong.push(format!(
                "{path}: `{call}`; what is made on the device is counted by the door in `gpu`"
            ));
        }
    }
}

fn files<'a>(list: &[(&'a str, &str)]) -> Vec<&'a str> {
    list.iter().map(|(file, _)| *file).collect()
}

/// Whether a file calls one of the read-back functions.
pub fn reads_back(source: &str) -> bool {
    let (program, _) = without_tests(&tokens(source));
    program
        .iter()
        .any(|token| matches!(token, Token::Word(word) if READ_BACK.contains(&word.as_str())))
}
