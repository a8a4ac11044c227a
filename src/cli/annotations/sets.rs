//! Sets of labels for learning: COCO, YOLO (boxes and pose), Pascal VOC and a table, out of the store and into it. docs/label-sets.md.

use super::{Common, Exit, ExportArgs, ImportArgs, Output, series, store_cli};
use crate::{
    cli::{inspect::limits, pixels::display_codes},
    dicom::frames::FrameSource,
    files::write_whole,
    formats::png::write_picture,
    imaging::measure::{Anchor, target_frame},
    model::{
        annotation::AnnotationTarget,
        edit::{Edit, Kept},
        layout::{FrameRef, SeriesLayout},
    },
    store::codec::check_edit,
    workspace::{
        label_schema::LabelSchema,
        label_sets::{
            Brought, Gathered, LabelSet, MOST_BYTES, SetError, Wanted, bring, coco, gather,
            key::{self, Key},
            pose,
            split::{self, Part, Shares},
            table, voc, yolo,
        },
    },
};
use clap::ValueEnum;
use image::ExtendedColorType;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A form of a set of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SetForm {
    /// COCO: one JSON file
    Coco,
    /// YOLO: a text file a picture
    Yolo,
    /// YOLO pose: keypoints, a text file a picture
    YoloPose,
    /// Pascal VOC: an XML file a picture
    Voc,
    /// A table, `labels.csv`
    Csv,
}

impl SetForm {
    /// Its word in paths and ids.
    const fn word(self) -> &'static str {
        match self {
            Self::Coco => "coco",
            Self::Yolo => "yolo",
            Self::YoloPose => "yolo-pose",
            Self::Voc => "voc",
            Self::Csv => "csv",
        }
    }
}

/// Most files of a set that are read.
const MOST_FILES: usize = 1_000_000;

/// Writes the sets that are asked for; what became no label is among what was left, with its reason.
pub(super) fn export(
    args: &ExportArgs,
    forms: &[SetForm],
    kept: &Kept,
    layouts: &[Arc<SeriesLayout>],
    common: &Common,
    out: &mut Output,
) -> Result<Value, Exit> {
    let schema = match &args.schema {
        Some(path) => LabelSchema::read(path).map_err(|error| {
            out.error(format!("{error}: {}", path.display()));
            Exit::Rejected
        })?,
        None => LabelSchema::built_in().clone(),
    };
    let wanted = Wanted {
        reader: args.reader.clone(),
        study: args.study.clone(),
        hidden: args.hidden,
        all_pictures: args.all_pictures,
    };
    let (mut gathered, left) = gather(kept, layouts, &wanted);
    if let Some(shares) = args.split {
        let texts: Vec<Vec<String>> = gathered.iter().map(of_whom).collect();
        let parts = split::split(&texts, shares, args.seed);
        if split::leaks(&texts, &parts) > 0 {
            out.error("the split would put one patient into two parts");
            return Err(Exit::Internal);
        }
        for (gathered, part) in gathered.iter_mut().zip(parts) {
            gathered.picture.part = Some(part);
        }
    }
    let set = LabelSet {
        pictures: gathered.iter().map(|g| g.picture.clone()).collect(),
    };
    let io = |error: io::Error, out: &mut Output| {
        out.error(format!("{error}: {}", args.out.display()));
        match error.kind() {
            io::ErrorKind::PermissionDenied => Exit::Denied,
            _ => Exit::Io,
        }
    };
    let mut written = Vec::new();
    for form in forms {
        let writer = Writer {
            folder: args.out.join(form.word()),
            set: &set,
            gathered: &gathered,
            images: args.images,
            common,
        };
        let texts = match form {
            SetForm::Coco => writer.coco(&schema),
            SetForm::Yolo => writer.yolo(args.split.is_some()),
            SetForm::YoloPose => writer.pose(&schema, args.split.is_some()),
            SetForm::Voc => writer.voc(),
            SetForm::Csv => continue,
        };
        writer.write(&texts).map_err(|error| io(error, out))?;
        if writer.images {
            for picture in writer.pictures(*form, out)? {
                out.note(picture);
            }
        }
        if matches!(form, SetForm::Yolo | SetForm::Voc) && set.without_area() > 0 {
            let count = set.without_area();
            out.note(format!(
                "{count} labels are points or lines: {} has no form for them",
                form.word()
            ));
        }
        if *form == SetForm::YoloPose && set.without_points() > 0 {
            let count = set.without_points();
            out.note(format!(
                "{count} labels are no points: {} has no form for them",
                form.word()
            ));
        }
        written.push(json!({
            "form": form.word(),
            "path": writer.folder.display().to_string(),
            "pictures": set.pictures.len(),
            "labels": set.pictures.iter().map(|p| p.labels.len()).sum::<usize>(),
        }));
    }
    if forms.contains(&SetForm::Csv) {
        let of_study = |uid: &str| args.study.as_deref().is_none_or(|study| study == uid);
        let marks = kept.marks.iter();
        let marks = marks.filter(|m| of_study(&m.target.study_uid) && (args.hidden || !m.hidden));
        let answers = kept.answers.iter();
        let answers = answers.filter(|(q, _)| of_study(&q.subject.study_uid));
        let path = args.out.join(table::FILE);
        put(&path, table::write(marks, answers).as_bytes()).map_err(|error| io(error, out))?;
        written.push(json!({"form": "csv", "path": path.display().to_string()}));
    }
    let left: Vec<Value> = left
        .iter()
        .map(|l| json!({"id": l.id, "code": l.reason.code(), "sentence": l.reason.to_string()}))
        .collect();
    Ok(json!({"sets": written, "left": left}))
}

/// What a picture shares with the others of its patient: texts that stay in memory.
fn of_whom(gathered: &Gathered) -> Vec<String> {
    let instance = &gathered.frame.instance;
    let patient = &instance.patient;
    let id = patient.id.reveal().trim();
    let issuer = patient.issuer.reveal().trim();
    let name = patient.name.reveal();
    let born = patient
        .birth_date
        .reveal()
        .map_or(String::new(), |d| d.to_string());
    let text = |what: &str, text: String| match text.is_empty() {
        true => String::new(),
        false => format!("{what} {text}"),
    };
    let person = match name.is_empty() || born.is_empty() {
        true => String::new(),
        false => {
            let (alphabetic, other) = name.comparison_key();
            format!("{alphabetic}={other} {born}")
        }
    };
    let id = match id.is_empty() {
        true => String::new(),
        false => format!("{id} {issuer}"),
    };
    vec![
        text("id", id),
        text("person", person),
        text("study", instance.study.uid.clone()),
    ]
}

/// Writes a new file; one that is there is not written over.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_whole(path, bytes)
}

/// The points of a set that a schema knows, else none.
fn points_of(schema: &LabelSchema, set: &str) -> Vec<String> {
    let known = schema.keypoint_set(set);
    known.map_or(Vec::new(), |s| s.points.clone())
}

/// Writes one form.
struct Writer<'a> {
    folder: PathBuf,
    set: &'a LabelSet,
    gathered: &'a [Gathered],
    images: bool,
    common: &'a Common,
}

type Texts = Vec<(PathBuf, String)>;

impl Writer<'_> {
    fn write(&self, texts: &Texts) -> io::Result<()> {
        for (name, text) in texts {
            put(&self.folder.join(name), text.as_bytes())?;
        }
        put(
            &self.folder.join(key::FILE),
            key::write(self.set).as_bytes(),
        )
    }

    fn coco(&self, schema: &LabelSchema) -> Texts {
        let known = |set: &str| points_of(schema, set);
        let files = coco::write(self.set, &known).into_iter();
        files
            .map(|(part, value)| {
                let name = match part {
                    Some(part) => format!("annotations/instances_{}.json", part.name()),
                    None => "annotations/instances.json".to_owned(),
                };
                (PathBuf::from(name), format!("{value}\n"))
            })
            .collect()
    }

    fn yolo(&self, split: bool) -> Texts {
        let names = self.set.box_classes();
        let mut texts = vec![(PathBuf::from(yolo::CLASSES), yolo::classes(&names, split))];
        for picture in &self.set.pictures {
            let folder = Path::new("labels").join(yolo::folder(picture.part));
            let name = format!("{}.txt", key::stem(&picture.file));
            texts.push((folder.join(name), yolo::write(picture, &names)));
        }
        texts
    }

    fn pose(&self, schema: &LabelSchema, split: bool) -> Texts {
        let sets = coco::point_sets(self.set, &|set| points_of(schema, set));
        let mut texts = vec![(PathBuf::from(yolo::CLASSES), pose::classes(&sets, split))];
        for picture in &self.set.pictures {
            let folder = Path::new("labels").join(yolo::folder(picture.part));
            let name = format!("{}.txt", key::stem(&picture.file));
            texts.push((folder.join(name), pose::write(picture, &sets)));
        }
        texts
    }

    fn voc(&self) -> Texts {
        let mut texts = Vec::new();
        for gathered in self.gathered {
            let picture = &gathered.picture;
            let depth = match gathered.frame.instance.image.as_ref() {
                Some(image) if image.samples == 3 || image.palette.is_some() => 3,
                _ => 1,
            };
            let name = format!("Annotations/{}.xml", key::stem(&picture.file));
            texts.push((name.into(), voc::write(picture, "JPEGImages", depth)));
        }
        let parts = [None].into_iter().chain(Part::ALL.map(Some));
        for part in parts {
            let names: Vec<&str> = self
                .set
                .pictures
                .iter()
                .filter(|p| p.part == part)
                .map(|p| key::stem(&p.file))
                .collect();
            if !names.is_empty() {
                let name = part.map_or("trainval", Part::name);
                let text = names.join("\n") + "\n";
                texts.push((format!("ImageSets/Main/{name}.txt").into(), text));
            }
        }
        texts
    }

    /// Where the picture of a form lies.
    fn place(form: SetForm, picture: &crate::workspace::label_sets::Picture) -> PathBuf {
        match form {
            SetForm::Yolo | SetForm::YoloPose => {
                Path::new("images").join(yolo::folder(picture.part))
            }
            SetForm::Voc => PathBuf::from("JPEGImages"),
            SetForm::Coco | SetForm::Csv => match picture.part {
                Some(part) => Path::new("images").join(part.name()),
                None => PathBuf::from("images"),
            },
        }
        .join(&picture.file)
    }

    /// Writes the pictures as they are shown at first, without anything over them; what could not be drawn comes back.
    fn pictures(&self, form: SetForm, out: &mut Output) -> Result<Vec<String>, Exit> {
        let source = self.common.frame_source(limits(self.common));
        let mut failed = Vec::new();
        for gathered in self.gathered {
            let path = self.folder.join(Self::place(form, &gathered.picture));
            match draw(&gathered.frame, &source) {
                Ok((codes, color)) => {
                    let size = gathered.picture.size.map(|n| u32::try_from(n).unwrap_or(0));
                    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
                    let made = made.and_then(|()| write_picture(&path, &codes, size, color));
                    made.map_err(|error| {
                        out.error(format!("{error}: {}", path.display()));
                        Exit::Io
                    })?;
                }
                Err(why) => failed.push(format!("not drawn: {} {why}", gathered.picture.file)),
            }
        }
        Ok(failed)
    }
}

fn draw(
    frame: &FrameRef,
    source: &dyn FrameSource,
) -> Result<(Vec<u8>, ExtendedColorType), String> {
    let instance = &frame.instance;
    let image = instance.image.as_ref().ok_or("it has no picture")?;
    let pixels = source
        .read_frame(instance, frame.frame)
        .map_err(|error| format!("[{}] {error}", error.code()))?;
    let (samples, codes) = display_codes(image, frame.frame, &pixels, None);
    let color = match samples {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        n => return Err(format!("it has {n} samples a pixel")),
    };
    Ok((codes, color))
}

/// Takes a set into the store.
pub(super) fn import(args: &ImportArgs, form: SetForm, common: &Common, out: &mut Output) -> Exit {
    let mut store = match args.dry_run {
        true => None,
        false => match store_cli::open(common, out) {
            Ok(store) => Some(store),
            Err(exit) => return exit,
        },
    };
    let mut edits = Vec::new();
    let mut known = store.as_ref().map(|s| s.kept().clone()).unwrap_or_default();
    let (mut skipped, mut unread, mut unfit) = (0, 0, 0);
    let (mut marks, mut answers) = (0, 0);
    for path in &args.files {
        let read = read(path, form, args, store.as_ref(), common);
        let (brought, left) = match read {
            Ok(read) => read,
            Err(error) => {
                out.error(format!("{error}: {}", path.display()));
                return match error {
                    SetError::TooLarge => Exit::Limit,
                    SetError::Io(_) => Exit::Io,
                    SetError::Form(_) | SetError::NoKey(_) => Exit::Rejected,
                };
            }
        };
        unread += left;
        let adds = brought.marks.into_iter().map(Edit::Add);
        let says = brought.answers.into_iter().map(|(question, answer)| {
            let from = None;
            let to = Some(answer);
            Edit::Say { question, from, to }
        });
        for edit in adds.chain(says) {
            if check_edit(&edit).is_err() {
                unfit += 1;
                continue;
            }
            // A mark or an answer that is there stays as it is.
            if known.apply(&edit).is_err() {
                skipped += 1;
                continue;
            }
            match edit {
                Edit::Add(_) => marks += 1,
                _ => answers += 1,
            }
            edits.push(edit);
        }
    }
    if let Some(store) = &mut store
        && !edits.is_empty()
    {
        // Gestures have a largest size.
        for gesture in edits.chunks(10_000) {
            if let Err(error) = store.commit(gesture) {
                out.error(error.to_string());
                return store_cli::exit_of(&error);
            }
        }
    }
    if common.json {
        out.json(&json!({
            "marks": marks,
            "answers": answers,
            "there_already": skipped,
            "unread": unread,
            "unfit": unfit,
        }));
    } else {
        out.line(format!(
            "{marks} marks, {answers} tags and grades, {skipped} there already"
        ));
        if unread + unfit > 0 {
            out.note(format!(
                "{unread} labels are masks without a pixel, {unfit} do not fit"
            ));
        }
    }
    match unread + unfit {
        0 => Exit::Done,
        _ => Exit::Finding,
    }
}

/// The root of a set: the folder that is named, or of a file the nearest one above with a key.
fn root_of(path: &Path) -> PathBuf {
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(path),
    };
    let mut above = folder.ancestors().take(3);
    let found = above.find(|folder| folder.join(key::FILE).is_file());
    found.unwrap_or(folder).to_owned()
}

fn read(
    path: &Path,
    form: SetForm,
    args: &ImportArgs,
    store: Option<&crate::store::Store>,
    common: &Common,
) -> Result<(Brought, usize), SetError> {
    if form == SetForm::Csv {
        let file = match path.is_dir() {
            true => path.join(table::FILE),
            false => path.to_owned(),
        };
        return Ok((table::read(&text_of(&file)?)?, 0));
    }
    let root = root_of(path);
    let key = args.key.clone().unwrap_or_else(|| root.join(key::FILE));
    let mut key = Key::parse(&text_of(&key)?)?;
    let studies: BTreeSet<String> = key.targets().map(|t| t.study_uid.clone()).collect();
    let layouts = series(&args.images, store, &studies, common);
    key.fill_sizes(|target: &AnnotationTarget| {
        let layout = layouts.iter().find(|l| target_frame(l, target).is_some())?;
        let frame = layout.frames.get(target_frame(layout, target)?)?;
        Some(Anchor::of(&frame.instance, frame.frame)?.size)
    });
    let (set, left) = match form {
        SetForm::Coco => {
            let files = files(path, "json", &root.join("annotations"))?;
            let (mut set, mut left) = (LabelSet::default(), 0);
            for file in files {
                let (more, unread) = coco::read(&text_of(&file)?, &key)?;
                set.pictures.extend(more.pictures);
                left += unread;
            }
            (set, left)
        }
        SetForm::Yolo => {
            let names = yolo::read_classes(&text_of(&root.join(yolo::CLASSES))?)?;
            let files = texts(&files(path, "txt", &root.join("labels"))?)?;
            (yolo::read(&files, &names, &key)?, 0)
        }
        SetForm::YoloPose => {
            let shape = pose::read_shape(&text_of(&root.join(yolo::CLASSES))?)?;
            let files = texts(&files(path, "txt", &root.join("labels"))?)?;
            (pose::read(&files, &shape, &key)?, 0)
        }
        SetForm::Voc | SetForm::Csv => {
            let files = texts(&files(path, "xml", &root.join("Annotations"))?)?;
            (voc::read(&files, &key)?, 0)
        }
    };
    Ok((bring(&set, &layouts, form.word()), left))
}

fn io_error(error: &io::Error) -> SetError {
    SetError::Io(error.kind().to_string())
}

fn text_of(path: &Path) -> Result<String, SetError> {
    crate::workspace::label_sets::read_text(path).map_err(|error| match error {
        SetError::Io(why) => SetError::Io(format!(
            "{why} ({})",
            path.file_name().unwrap_or_default().to_string_lossy()
        )),
        other => other,
    })
}

/// All files, with a bound for their sum.
fn texts(files: &[PathBuf]) -> Result<Vec<(String, String)>, SetError> {
    let mut bytes = 0;
    let mut all = Vec::new();
    for file in files {
        let text = text_of(file)?;
        bytes += text.len() as u64;
        if bytes > MOST_BYTES {
            return Err(SetError::TooLarge);
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        all.push((name.into_owned(), text));
    }
    Ok(all)
}

/// The file that is named, or those with an ending below the folder that holds labels, in the order of their names.
fn files(path: &Path, ending: &str, labels: &Path) -> Result<Vec<PathBuf>, SetError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut folders = vec![match labels.is_dir() {
        true => labels.to_owned(),
        false => path.to_owned(),
    }];
    let mut found = Vec::new();
    let mut depth = 0;
    while !folders.is_empty() && depth < 4 {
        let mut below = Vec::new();
        for folder in folders {
            for entry in fs::read_dir(&folder).map_err(|e| io_error(&e))? {
                let path = entry.map_err(|e| io_error(&e))?.path();
                if path.is_dir() {
                    below.push(path);
                } else if path
                    .extension()
                    .is_some_and(|e| e.eq_ignore_ascii_case(ending))
                {
                    found.push(path);
                }
                if found.len() > MOST_FILES {
                    return Err(SetError::TooLarge);
                }
            }
        }
        folders = below;
        depth += 1;
    }
    found.sort();
    match found.is_empty() {
        true => Err(SetError::Form(format!("there is no .{ending} file in it"))),
        false => Ok(found),
    }
}

/// Reads `70,15,15`.
pub(super) fn shares(text: &str) -> Result<Shares, String> {
    Shares::parse(text).ok_or_else(|| format!("`{text}` is not three shares"))
}
