//! `negatoscope screen`: drives the real window headlessly, line by line, and says what is on it.
//!
//! One line, one step; `#` begins a comment; words with blanks stand in double quotes.
//! docs/screen.md has the whole language and an example.

use super::{AppError, Options, Program, picture_out::Destination, stage::Stage};
use crate::{
    console::{Common, Exit, Output},
    files::write_whole,
    i18n::Language,
    ui::keys,
    workspace::{
        Action, Command, content_words, document::DocumentState, keeper::Unkept,
        library::ObjectNode, marks::SaveState, picture_out::PictureWish, view::ViewKind,
    },
};
use clap::Args;
use egui::{Modifiers, PointerButton, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `screen`.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// The script; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    pub script: PathBuf,
    /// Where the last picture goes
    #[arg(long, value_name = "FILE.png")]
    pub out: Option<PathBuf>,
    /// Where the accessibility tree and the texts of each viewport go, as JSON
    #[arg(long, value_name = "FILE.json")]
    pub tree: Option<PathBuf>,
    /// Size of the window in points
    #[arg(long, value_name = "WxH", default_value = "1440x900", value_parser = parse_size)]
    pub size: [f32; 2],
    /// Language of the window: en or zh-CN
    #[arg(long, value_name = "TAG", default_value = "en")]
    pub language: String,
}

/// Reads `1440x900`.
pub fn parse_size(text: &str) -> Result<[f32; 2], String> {
    let (w, h) = text
        .split_once(['x', 'X'])
        .ok_or("a size is WIDTHxHEIGHT")?;
    let side = |s: &str| -> Result<f32, String> {
        let value: u32 = s
            .trim()
            .parse()
            .map_err(|_| format!("`{s}` is not a number"))?;
        if (64..=8192).contains(&value) {
            Ok(value as f32)
        } else {
            Err("a side is 64 to 8192".into())
        }
    };
    Ok([side(w)?, side(h)?])
}

/// Runs `screen`.
pub fn run(args: &ScreenArgs, common: &Common, out: &mut Output) -> Exit {
    let script = if args.script.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(&args.script)
    };
    let script = match script {
        Ok(script) => script,
        Err(error) => {
            out.error(format!("the script cannot be read: {error}"));
            return Exit::Io;
        }
    };
    let options = Options {
        language: Language::from_tag(&args.language),
        ..Options::of(common)
    };
    let options = match options.with_passphrase(common) {
        Ok(options) => options,
        Err((exit, text)) => {
            out.error(text);
            return exit;
        }
    };
    match play(&script, options, args, common, out) {
        Ok(()) => Exit::Done,
        Err(error) => {
            out.error(error.to_string());
            match error {
                AppError::Script { .. } => Exit::Usage,
                AppError::NoAdapter(_) | AppError::NoDisplay => Exit::Usage,
                AppError::Io(_) => Exit::Io,
                _ => Exit::Internal,
            }
        }
    }
}

fn play(
    script: &str,
    options: Options,
    args: &ScreenArgs,
    common: &Common,
    out: &mut Output,
) -> Result<(), AppError> {
    let mut stage = Stage::open(options, args.size)?;
    stage.settle()?;
    for (index, line) in script.lines().enumerate() {
        let words = split(line);
        if words.is_empty() {
            continue;
        }
        step(&mut stage, &words, out).map_err(|error| match error {
            StepError::App(error) => error,
            StepError::Script(reason) => AppError::Script {
                line: index + 1,
                reason,
            },
        })?;
    }
    stage.settle()?;
    if let Some(path) = &args.out {
        stage.save(path)?;
    }
    if let Some(path) = &args.tree {
        let value = describe(&mut stage);
        let text = serde_json::to_vec_pretty(&value).map_err(std::io::Error::other)?;
        write_whole(path, &text)?;
    }
    if common.json {
        let value = describe(&mut stage);
        out.json(&value);
    }
    Ok(())
}

enum StepError {
    App(AppError),
    Script(String),
}

impl From<AppError> for StepError {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

/// Words of a line; double quotes keep blanks together, `#` outside of them ends the line.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut begun) = (false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            '#' if !quoted => break,
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

fn step(stage: &mut Stage, words: &[String], out: &mut Output) -> Result<(), StepError> {
    let word = |i: usize| {
        words.get(i).map(String::as_str).ok_or_else(|| {
            StepError::Script(format!(
                "`{}` needs more words",
                words.first().map_or("", String::as_str)
            ))
        })
    };
    match word(0)? {
        "open" => {
            let paths = words.iter().skip(1).map(PathBuf::from).collect();
            stage.program_mut().workspace.open(paths);
            stage.settle()?;
        }
        "demo" => {
            stage.program_mut().start_demo();
            stage.settle()?;
        }
        "record" => {
            let paths = words.iter().skip(1).map(PathBuf::from).collect();
            stage.program_mut().open_records(paths);
            stage.settle()?;
        }
        "language" => {
            let language = Language::from_tag(word(1)?)
                .ok_or_else(|| StepError::Script("unknown language".into()))?;
            stage.program_mut().workspace.act(Action::Speak(language));
            stage.settle()?;
        }
        "command" => command(stage, word(1)?)?,
        "series" => show_series(stage, words)?,
        "slice" => {
            let cell = stage.program().workspace.active;
            let index = number(word(1)?)?.max(1.0) as usize - 1;
            stage
                .program_mut()
                .workspace
                .act(Action::GoTo { cell, index });
            stage.settle()?;
        }
        "filters" => filters(stage, words)?,
        "click" => click(stage, words)?,
        "hover" => {
            let (_, modifiers) = buttons(words.get(2..).unwrap_or_default())?;
            stage.hover_with(point(word(1)?)?, modifiers);
        }
        "drag" => {
            let (from, to) = (point(word(1)?)?, point(word(2)?)?);
            let (button, modifiers) = buttons(words.get(3..).unwrap_or_default())?;
            stage.drag(from, to, button, modifiers);
            stage.settle()?;
        }
        "picture" => picture(stage, words)?,
        "wheel" => {
            let (_, modifiers) = buttons(words.get(3..).unwrap_or_default())?;
            stage.wheel(point(word(1)?)?, number(word(2)?)? as f32, modifiers);
            stage.settle()?;
        }
        "key" => {
            let shortcut =
                keys::parse(word(1)?).ok_or_else(|| StepError::Script("unknown key".into()))?;
            stage.key(shortcut.modifiers, shortcut.logical_key);
            stage.settle()?;
        }
        "type" => {
            let text = words.get(1..).unwrap_or_default().join(" ");
            stage.harness().event(egui::Event::Text(text));
            stage.step();
        }
        "wait" | "idle" => {
            let frames = words
                .get(1)
                .and_then(|w| w.parse::<usize>().ok())
                .unwrap_or(0);
            for _ in 0..frames.min(10_000) {
                stage.step();
            }
            stage.settle()?;
        }
        "screenshot" => {
            stage.settle()?;
            let path = PathBuf::from(word(1)?);
            stage.save(&path)?;
            out.note(format!("{}", path.display()));
        }
        other => return Err(StepError::Script(format!("`{other}` is not a step"))),
    }
    Ok(())
}

/// Runs a command by its key in the table (`cmd-layout-mpr`, or `layout-mpr`).
fn command(stage: &mut Stage, name: &str) -> Result<(), StepError> {
    let row = Command::named(name.strip_prefix("cmd-").unwrap_or(name))
        .map(Command::row)
        .ok_or_else(|| StepError::Script(format!("`{name}` is not a command")))?;
    if !stage.program().workspace.is_enabled(row.command) {
        return Err(StepError::Script(format!("`{name}` is not enabled now")));
    }
    let ctx = stage.harness().ctx.clone();
    stage
        .program_mut()
        .carry_out(&ctx, vec![Action::Run(row.command)]);
    Ok(stage.settle()?)
}

/// A picture that leaves the window: `picture FILE.png [all] [identity] [WxH]`.
fn picture(stage: &mut Stage, words: &[String]) -> Result<(), StepError> {
    let missing = || StepError::Script("`picture` needs a file".into());
    let path = words.get(1).ok_or_else(missing)?;
    let options = words.get(2..).unwrap_or_default();
    let named = |word: &str| options.iter().any(|o| o == word);
    let size = options.iter().find_map(|o| parse_size(o).ok());
    let size = size.map(|sides| sides.map(|s| s as u32));
    let program = stage.program_mut();
    let wish = PictureWish {
        all: named("all"),
        identity: named("identity"),
        size,
        height_points: program.state.cells_points,
    };
    program.picture_out(wish, Destination::File(path.into()));
    Ok(stage.settle()?)
}

/// Shows a series by a part of its UID, description or modality.
fn show_series(stage: &mut Stage, words: &[String]) -> Result<(), StepError> {
    let wanted = words.get(1..).unwrap_or_default().join(" ");
    let workspace = &stage.program().workspace;
    let found = workspace
        .library
        .series()
        .find(|s| {
            s.description.uid.contains(&wanted)
                || s.description.description.contains(&wanted)
                || s.description.modality == wanted
        })
        .map(|s| s.key.clone());
    let object = || {
        let language = workspace.settings.language;
        let fits = |o: &&std::sync::Arc<ObjectNode>| {
            let series = &o.instance.series;
            let title = o.instance.object.as_ref();
            o.instance.sop_instance_uid.contains(&wanted)
                || series.description.contains(&wanted)
                || series.modality == wanted
                || title.is_some_and(|t| content_words::title(language, t, false).contains(&wanted))
        };
        workspace
            .library
            .objects()
            .find(fits)
            .map(|o| o.key.clone())
    };
    let cell = workspace.active;
    let action = match (found, object()) {
        (Some(series), _) => Action::Show { cell, series },
        (None, Some(object)) => Action::ShowObject { cell, object },
        (None, None) => {
            return Err(StepError::Script(format!("no series fits `{wanted}`")));
        }
    };
    stage.program_mut().workspace.act(action);
    Ok(stage.settle()?)
}

/// Gives the active view these filters, as one step of undo.
fn filters(stage: &mut Stage, words: &[String]) -> Result<(), StepError> {
    let workspace = &mut stage.program_mut().workspace;
    let texts = words.get(1..).unwrap_or_default();
    let done = workspace.set_filters(workspace.active, texts);
    done.map_err(|error| StepError::Script(error.to_string()))?;
    Ok(stage.settle()?)
}

fn click(stage: &mut Stage, words: &[String]) -> Result<(), StepError> {
    let target = words
        .get(1)
        .ok_or_else(|| StepError::Script("`click` needs a label or a point".into()))?;
    let (button, modifiers) = buttons(words.get(2..).unwrap_or_default())?;
    match point(target) {
        Ok(at) => stage.click(at, button, modifiers),
        Err(_) => {
            let harness = stage.harness();
            let found = {
                let exact = harness.query_all_by_label(target).last();
                exact.or_else(|| harness.query_all_by_label_contains(target).last())
            };
            let Some(node) = found else {
                return Err(StepError::Script(format!("nothing is labelled `{target}`")));
            };
            let at = node.rect().center();
            stage.click([at.x, at.y], button, modifiers);
        }
    }
    Ok(stage.settle()?)
}

fn point(word: &str) -> Result<[f32; 2], StepError> {
    let (x, y) = word
        .split_once(',')
        .ok_or_else(|| StepError::Script("a point is X,Y".into()))?;
    Ok([number(x)? as f32, number(y)? as f32])
}

fn number(word: &str) -> Result<f64, StepError> {
    let value: f64 = word
        .trim()
        .parse()
        .map_err(|_| StepError::Script(format!("`{word}` is not a number")))?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(StepError::Script("a number must be finite".into()))
    }
}

fn buttons(words: &[String]) -> Result<(PointerButton, Modifiers), StepError> {
    let mut button = PointerButton::Primary;
    let mut modifiers = Modifiers::NONE;
    for word in words {
        match word.as_str() {
            "left" => button = PointerButton::Primary,
            "right" => button = PointerButton::Secondary,
            "middle" => button = PointerButton::Middle,
            "ctrl" => modifiers = modifiers.plus(Modifiers::COMMAND).plus(Modifiers::CTRL),
            "shift" => modifiers = modifiers.plus(Modifiers::SHIFT),
            "alt" => modifiers = modifiers.plus(Modifiers::ALT),
            other => {
                return Err(StepError::Script(format!(
                    "`{other}` is no button and no modifier"
                )));
            }
        }
    }
    Ok((button, modifiers))
}

/// What is on the screen as JSON: the accessibility tree, and for each viewport its texts and numbers.
pub fn describe(stage: &mut Stage) -> Value {
    let size = stage.harness().ctx.content_rect().size();
    let nodes: Vec<Value> = stage
        .harness()
        .root()
        .children_recursive()
        .filter_map(|node| {
            let n = node.accesskit_node();
            let (label, value) = (n.label(), n.value());
            if label.is_none() && value.is_none() {
                return None;
            }
            let rect = node.rect();
            Some(json!({
                "role": format!("{:?}", n.role()),
                "label": label,
                "value": value,
                "disabled": n.is_disabled(),
                "rect": [rect.min.x, rect.min.y, rect.max.x, rect.max.y],
            }))
        })
        .collect();
    let texts: Vec<String> = nodes
        .iter()
        .filter(|n| n.get("role").and_then(Value::as_str) == Some(&format!("{:?}", Role::Canvas)))
        .map(|n| {
            n.get("value")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    let program = stage.program();
    let viewports: Vec<Value> = program
        .workspace
        .visible_cells()
        .enumerate()
        .map(|(at, cell)| viewport(program, cell, texts.get(at).map_or("", String::as_str)))
        .collect();
    json!({
        "size": [size.x, size.y],
        "title": program.window_title(),
        "language": program.workspace.settings.language.tag(),
        "active": program.workspace.active,
        "viewports": viewports,
        "keeping": keeping(program),
        "frames_drawn": program.frames,
        "pictures_drawn": program.state.drawn,
        "repaint_causes": program.workspace.waker.causes(),
        "nodes": nodes,
    })
}

/// What is kept and whether it is on the disk.
fn keeping(program: &Program) -> Value {
    let marks = &program.workspace.marks;
    let (state, reason) = match marks.state() {
        SaveState::NothingKept(Unkept::NoStore) => ("nothing-kept", None),
        SaveState::NothingKept(Unkept::InUse) => ("nothing-kept", Some("in-use")),
        SaveState::NothingKept(Unkept::Damaged) => ("nothing-kept", Some("damaged")),
        SaveState::Saved { .. } => ("saved", None),
        SaveState::Saving => ("saving", None),
        SaveState::Opening => ("opening", None),
        SaveState::NotSaved { reason } => ("not-saved", Some(reason.word())),
    };
    let (undo, redo) = marks.history.available();
    json!({
        "state": state,
        "reason": reason,
        "marks": marks.set().len(),
        "key_images": marks.key_images().len(),
        "unsaved": marks.unsaved(),
        "selected": marks.selected.as_ref().map(|id| id.0.as_str()),
        "undo": undo,
        "redo": redo,
    })
}

fn viewport(program: &Program, cell: usize, text: &str) -> Value {
    let Some(viewport) = program.workspace.viewports.get(cell) else {
        return Value::Null;
    };
    let kind = match viewport.kind {
        _ if viewport.document.is_some() => "document",
        ViewKind::Stack => "stack",
        ViewKind::Plane(plane) => plane.word(),
        ViewKind::Oblique(_) => "oblique",
    };
    let node = viewport.node.as_ref();
    let level = viewport.voi().level();
    let document = viewport.document.as_ref().map(|view| {
        let items = match program.workspace.document(cell) {
            Some(DocumentState::Ready(content)) => Some(content.nodes.len()),
            _ => None,
        };
        json!({
            "sop_instance_uid": view.object.instance.sop_instance_uid,
            "object": view.object.kind().word(),
            "items": items,
            "closed": view.closed.len(),
        })
    });
    json!({
        "series_uid": node.map(|n| n.description.uid.as_str()),
        "kind": kind,
        "document": document,
        "slice": viewport.slice_index() + 1,
        "slices": viewport.slice_count(),
        "zoom": viewport.view.zoom,
        "window": level.map(|l| [l.center, l.width]),
        "inverted": viewport.inverted(),
        "mask": program.workspace.frame_key(cell).is_some_and(|k| program.workspace.masks.get(&k).is_some()),
        "findings": program.workspace.findings(cell).iter().map(|f| f.code).collect::<Vec<_>>(),
        "text": text.lines().collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_words() {
        assert_eq!(
            split("click \"Open the demo\" right # why"),
            ["click", "Open the demo", "right"]
        );
        assert_eq!(split("   # nothing"), [""; 0]);
        assert_eq!(split("type \"\""), ["type", ""]);
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(parse_size("800x600"), Ok([800.0, 600.0]));
        assert!(parse_size("800").is_err());
        assert!(parse_size("1x1").is_err());
        assert!(parse_size("100000x100").is_err());
    }
}
