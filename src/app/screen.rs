//! `negatoscope screen`: drives the real window headlessly, line by line, and says what is on it.
//!
//! One line, one step; `#` begins a comment; words with blanks stand in double quotes.
//! docs/screen.md has the whole language and an example.

mod hand;
mod tree;

pub use tree::describe;

use super::{AppError, Options, picture_out::Destination, stage::Stage};
use crate::{
    console::{Common, Exit, Output},
    files::write_whole,
    i18n::Language,
    ui::keys,
    workspace::{Action, Command, content_words, library::ObjectNode, picture_out::PictureWish},
};
use clap::Args;
use egui::{Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use glam::DVec2;
use std::path::{Path, PathBuf};

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
    /// What `$NAME` stands for in the script; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_value)]
    pub set: Vec<(String, String)>,
    /// Folder for a picture and a tree of each part that a line `step NAME` begins
    #[arg(long, value_name = "DIR")]
    pub parts: Option<PathBuf>,
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
    let script = Script::read(script, &args.set)?;
    let mut stage = Stage::open(options, args.size)?;
    stage.settle()?;
    let parts = args.parts.as_deref();
    let mut number = 0;
    script.play(&mut stage, out, &mut |stage, name| {
        number += 1;
        match parts {
            Some(folder) => keep_part(stage, folder, number, name),
            None => Ok(()),
        }
    })?;
    stage.settle()?;
    if let Some(path) = &args.out {
        stage.save(path)?;
    }
    if let Some(path) = &args.tree {
        write_tree(&mut stage, path)?;
    }
    if common.json {
        let value = describe(&mut stage);
        out.json(&value);
    }
    Ok(())
}

/// Picture and tree of the window as a part of the script left it.
fn keep_part(stage: &mut Stage, folder: &Path, number: usize, name: &str) -> Result<(), AppError> {
    stage.save(&folder.join(format!("{number:02}-{name}.png")))?;
    write_tree(stage, &folder.join(format!("{number:02}-{name}.json")))
}

fn write_tree(stage: &mut Stage, path: &Path) -> Result<(), AppError> {
    let value = describe(stage);
    let text = serde_json::to_vec_pretty(&value).map_err(std::io::Error::other)?;
    Ok(write_whole(path, &text)?)
}

/// A script, read and not yet carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    lines: Vec<(usize, Vec<String>)>,
}

impl Script {
    /// Reads a script; `$name` in it stands for the value of that name.
    ///
    /// # Errors
    /// [`AppError::Script`] where a name has no value.
    pub fn read(text: &str, values: &[(String, String)]) -> Result<Self, AppError> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let words: Result<Vec<String>, String> = split(line)
                .into_iter()
                .map(|word| filled(&word, values))
                .collect();
            let line = index + 1;
            let words = words.map_err(|name| AppError::Script {
                line,
                reason: format!("`${name}` has no value"),
            })?;
            if !words.is_empty() {
                lines.push((line, words));
            }
        }
        Ok(Self { lines })
    }

    /// Carries it out. At the end of each part that a line `step NAME` begins, `after` is told its name.
    ///
    /// # Errors
    /// [`AppError::Script`] with the line that could not be carried out, and those of `after`.
    pub fn play(
        &self,
        stage: &mut Stage,
        out: &mut Output,
        after: &mut dyn FnMut(&mut Stage, &str) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let mut part: Option<&str> = None;
        for (line, words) in &self.lines {
            let failed = |reason: String| AppError::Script {
                line: *line,
                reason,
            };
            if let [word, name @ ..] = words.as_slice()
                && word == "step"
            {
                let [name] = name else {
                    return Err(failed("`step` needs one name".into()));
                };
                if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                    return Err(failed(format!("`{name}` is no name of letters and digits")));
                }
                if let Some(name) = part.replace(name) {
                    after(stage, name)?;
                }
                continue;
            }
            step(stage, words, out).map_err(|error| match error {
                StepError::App(error) => error,
                StepError::Script(reason) => failed(match part {
                    Some(name) => format!("{reason} (in step {name})"),
                    None => reason,
                }),
            })?;
        }
        match part {
            Some(name) => after(stage, name),
            None => Ok(()),
        }
    }
}

/// A word with its `$names` replaced; the name that has no value as an error. A dollar before anything else is itself.
fn filled(word: &str, values: &[(String, String)]) -> Result<String, String> {
    let mut parts = word.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        if name.is_empty() {
            text.push('$');
        } else {
            let value = values.iter().find(|(known, _)| known == name);
            text += &value.ok_or(name)?.1;
        }
        text += rest;
    }
    Ok(text)
}

/// Reads `name=value`.
fn parse_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a value is NAME=VALUE")?;
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !fits {
        return Err(format!("`{name}` is no name of letters and digits"));
    }
    Ok((name.to_owned(), value.to_owned()))
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
            let at = point(stage, word(1)?)?;
            stage.hover_with(at, modifiers);
        }
        "drag" => hand::drag(stage, words)?,
        "segmentation" => hand::segmentation(stage, words)?,
        "picture" => picture(stage, words)?,
        "wheel" => {
            let (_, modifiers) = buttons(words.get(3..).unwrap_or_default())?;
            let at = point(stage, word(1)?)?;
            stage.wheel(at, number(word(2)?)? as f32, modifiers);
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
            let text = match text.strip_prefix('%') {
                Some(key) => word_of(stage, key)?,
                None => text,
            };
            stage.harness().event(egui::Event::Text(text));
            stage.settle()?;
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
        "watch" => {
            let seconds = words.get(1).and_then(|w| w.parse::<f64>().ok());
            let seconds = seconds
                .filter(|s| (0.0..=3600.0).contains(s))
                .unwrap_or(1.0);
            let end = std::time::Instant::now() + std::time::Duration::from_secs_f64(seconds);
            while std::time::Instant::now() < end {
                stage.step();
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        "close" => {
            stage.close();
            stage.settle()?;
        }
        "tree" => {
            stage.settle()?;
            write_tree(stage, Path::new(word(1)?))?;
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
    let at = if is_point(target) {
        point(stage, target)?
    } else {
        let label = match target.strip_prefix('%') {
            Some(key) => word_of(stage, key)?,
            None => target.clone(),
        };
        let harness = stage.harness();
        let exact = harness.query_all_by_label(&label).last();
        let found = exact.or_else(|| harness.query_all_by_label_contains(&label).last());
        let Some(node) = found else {
            return Err(StepError::Script(format!("nothing is labelled `{label}`")));
        };
        let at = node.rect().center();
        [at.x, at.y]
    };
    stage.click(at, button, modifiers);
    Ok(stage.settle()?)
}

/// The words of the window that have this key in the catalogue of messages.
fn word_of(stage: &Stage, key: &str) -> Result<String, StepError> {
    let language = stage.program().workspace.settings.language;
    language
        .find(key, &[])
        .ok_or_else(|| StepError::Script(format!("`{key}` is no message")))
}

/// Whether a word names a point and not a label.
fn is_point(word: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().is_ok();
    let place = match word.split_once('@') {
        Some((view, place)) if view.is_empty() || number(view) => place,
        Some(_) => return false,
        None => word,
    };
    place
        .split_once(',')
        .is_some_and(|(x, y)| number(x) && number(y))
}

/// `X,Y` in points of the window; `@X,Y` column and row of the picture in the active view, counted from 0 and centred on
/// pixels; `N@X,Y` those of view N, counted from 1.
fn point(stage: &mut Stage, word: &str) -> Result<[f32; 2], StepError> {
    let bad = |reason: String| StepError::Script(reason);
    let (view, place) = match word.split_once('@') {
        Some((view, place)) => (Some(view), place),
        None => (None, word),
    };
    let (x, y) = place
        .split_once(',')
        .ok_or_else(|| bad("a point is X,Y".into()))?;
    let (x, y) = (number(x)?, number(y)?);
    let Some(view) = view else {
        return Ok([x as f32, y as f32]);
    };
    let cell = match view {
        "" => stage.program().workspace.active,
        nth => nth
            .parse::<usize>()
            .ok()
            .and_then(|n| n.checked_sub(1))
            .ok_or_else(|| bad(format!("`{nth}` is no view")))?,
    };
    let none = || bad(format!("view {} shows no picture of such pixels", cell + 1));
    let workspace = &stage.program().workspace;
    let (viewport, size) = workspace
        .viewports
        .get(cell)
        .zip(workspace.linking.size_of(cell))
        .ok_or_else(none)?;
    let at = viewport
        .picture(size)
        .and_then(|picture| picture.viewport_of_pixel(DVec2::new(x, y)))
        .ok_or_else(none)?;
    let language = workspace.settings.language;
    let name = language.tr("viewport-name", &[("number", (cell + 1).into())]);
    let harness = stage.harness();
    let found = harness.query_by_label(&name).map(|node| node.rect());
    let rect = found.ok_or_else(none)?;
    let at = at * f64::from(rect.width()) / f64::from(size[0].max(1));
    let within = |v: f64, side: f32| (0.0..=f64::from(side)).contains(&v);
    if !within(at.x, rect.width()) || !within(at.y, rect.height()) {
        return Err(bad(format!("{place} is not in sight in view {}", cell + 1)));
    }
    Ok([rect.left() + at.x as f32, rect.top() + at.y as f32])
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
    fn names_stand_for_their_values() {
        let values = [("list", "modality:CT"), ("a_1", "3,4")].map(|(n, v)| (n.into(), v.into()));
        assert_eq!(
            filled("$list status:$list$", &values).unwrap(),
            "modality:CT status:modality:CT$"
        );
        assert_eq!(filled("2@$a_1", &values).unwrap(), "2@3,4");
        assert_eq!(filled("$missing.", &values), Err("missing".into()));
        let script = Script::read("key L\n# x\ndrag $list $no", &values);
        assert!(matches!(script, Err(AppError::Script { line: 3, .. })));
        // A value is one word, whatever is in it.
        let script = Script::read("type $list", &[("list".into(), "a b".into())]).unwrap();
        assert_eq!(
            script.lines,
            [(1, vec!["type".to_owned(), "a b".to_owned()])]
        );
        assert_eq!(parse_value("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(parse_value("=b").is_err() && parse_value("a b=c").is_err());
    }

    #[test]
    fn points_are_told_from_labels() {
        for word in ["3,4", "-3.5, 4", "@3,4", "2@3.5,4"] {
            assert!(is_point(word), "{word}");
        }
        for word in ["Open", "a@3,4", "3", "W 400, L 40", "@", "name@host"] {
            assert!(!is_point(word), "{word}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(parse_size("800x600"), Ok([800.0, 600.0]));
        assert!(parse_size("800").is_err());
        assert!(parse_size("1x1").is_err());
        assert!(parse_size("100000x100").is_err());
    }
}
