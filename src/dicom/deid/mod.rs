//! De-identification: the Basic Application Level Confidentiality Profile of PS3.15 annex E and its options.
//!
//! A source is read and never written. What goes out is put together element by element (`rewrite`) by the standard's
//! table (`table`); pixels are copied from file to file, so that memory does not grow with them. What takes the place of
//! what identifies follows from a secret (`secret`), so that two runs with one key file agree and nobody without it can
//! go back.

mod dicomdir;
mod emit;
mod faces;
mod job;
mod options;
mod pixel_text;
mod rewrite;
mod secret;
mod stand_in;
mod table;
mod value;

pub use job::{DeidEvent, Summary, anonymize};
pub use options::{DeidOption, DeidOptions};
pub use pixel_text::{BurnedIn, BurnedText};
pub use secret::Secret;

use super::{
    archive::Keyring,
    bytes::ByteSource,
    frames::FileFrames,
    guard::{Fault, Limits, PixelPlace, Structure, key},
    scan::{ScanOptions, structure_of},
    syntax,
    worker::Workers,
};
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_object::Tag;
use emit::{Piece, Sink, Writer};
use pixel_text::Reader;
use rewrite::Rewrite;
use serde_json::{Value as Json, json};
use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};
use table::Table;
use value::Vocabulary;

/// What is noted of every change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// Which element, and what was done.
    Changes,
    /// What stood there, too.
    Values,
}

/// One element that is not as it was.
#[derive(Clone, Debug)]
pub struct Change {
    /// The sequences around it, with the number of the item from 0.
    path: Vec<(Tag, usize)>,
    tag: Tag,
    /// Code of PS3.15 table E.1-1a: X, Z, D, U or C.
    pub code: &'static str,
    /// What asked for it: the profile, an option, or what the value holds.
    pub why: &'static str,
    old: Option<String>,
}

impl Change {
    /// The element, with the sequences around it.
    pub fn place(&self) -> String {
        let step = |(tag, item): &(Tag, usize)| format!("{tag}[{item}].");
        let path: String = self.path.iter().map(step).collect();
        format!("{path}{}", self.tag)
    }

    /// Its keyword; empty when it has none.
    pub fn name(&self) -> &'static str {
        name_of(self.tag)
    }

    /// As JSON: where, which, what, why; with the value that stood there when it was asked for.
    pub fn json(&self) -> Json {
        let mut json = json!({
            "at": self.place(),
            "name": self.name(),
            "action": self.code,
            "why": self.why,
        });
        if let Some(old) = &self.old {
            json["was"] = json!(old);
        }
        json
    }
}

/// The keyword of an attribute, for messages; empty when it has none.
fn name_of(tag: Tag) -> &'static str {
    let entry = dicom_dictionary_std::StandardDataDictionary.by_tag(tag);
    entry.map_or("", |e| e.alias())
}

/// What a de-identification is asked for.
#[derive(Debug)]
pub struct Settings {
    /// The options of the profile.
    pub options: DeidOptions,
    /// From which everything follows that takes the place of something.
    pub secret: Secret,
    /// What is noted.
    pub detail: Detail,
    /// What is done about text in the pixels.
    pub burned: BurnedIn,
    /// What a file may cost.
    pub limits: Limits,
    /// Who decodes compressed frames.
    pub workers: Option<Arc<Workers>>,
    /// Keys of what stores keep.
    pub keys: Keyring,
    /// Threads.
    pub jobs: usize,
}

impl Settings {
    /// The Basic Profile with one secret.
    pub fn new(secret: Secret) -> Self {
        Self {
            options: DeidOptions::default(),
            secret,
            detail: Detail::None,
            burned: BurnedIn::Report,
            limits: Limits::default(),
            workers: None,
            keys: Keyring::default(),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Makes objects anew; shared by all threads of a run.
pub struct Deidentifier {
    options: DeidOptions,
    secret: Secret,
    detail: Detail,
    burned: BurnedIn,
    limits: Limits,
    workers: Option<Arc<Workers>>,
    keys: Keyring,
    table: Table,
    /// Which files show a face, where faces are taken out.
    faces: faces::Faces,
    words: Vocabulary,
    /// De-identification Method Code Sequence, and the method in words: the same for all.
    method: (String, Vec<(&'static str, &'static str)>),
}

impl Deidentifier {
    /// Reads the table.
    pub fn new(settings: Settings) -> Self {
        let mut codes = vec![("113100", "Basic Application Confidentiality Profile")];
        codes.extend(settings.options.iter().map(DeidOption::code));
        let words: Vec<&str> = settings.options.iter().map(DeidOption::word).collect();
        let mut method = format!(
            "negatoscope {}\\PS3.15 Basic Profile",
            env!("CARGO_PKG_VERSION")
        );
        for word in words {
            method.push('\\');
            method.push_str(word);
        }
        Self {
            options: settings.options,
            secret: settings.secret,
            detail: settings.detail,
            burned: settings.burned,
            limits: settings.limits,
            workers: settings.workers,
            keys: settings.keys,
            table: Table::new(),
            faces: faces::Faces::default(),
            words: Vocabulary::new(),
            method: (method, codes),
        }
    }

    /// How files are read.
    fn scan_options(&self) -> ScanOptions {
        ScanOptions {
            limits: self.limits,
            keys: self.keys.clone(),
        }
    }

    /// Where frames come from.
    fn frames(&self) -> FileFrames {
        FileFrames::with_limits(self.limits)
            .with_workers(self.workers.clone())
            .with_keys(self.keys.clone())
    }

    /// The UID that stands for another; empty ones and those of the standard stay.
    fn uid(&self, uid: &str) -> String {
        let uid = uid.trim_matches(['\0', ' ']);
        if uid.is_empty() || uid.starts_with("1.2.840.10008.") {
            return uid.to_owned();
        }
        self.secret.uid(uid)
    }

    /// Reads an object and decides about every element of it. Nothing is written.
    ///
    /// # Errors
    /// Those of the guard, `DICOMDIR` for a directory of files, `NO_INSTANCE` for an object without identity, and
    /// `BURNED_IN` when text in the pixels is refused.
    pub fn plan(&self, path: &Path) -> Result<Plan, Fault> {
        let structure = structure_of(path, &self.scan_options())?;
        let mut new = Rewrite::new(self, &structure);
        new.class = new.text_of(Tag(0x0008, 0x0016));
        if new.class.is_empty() {
            new.class.clone_from(&structure.media_class);
        }
        if new.class == MEDIA_DIRECTORY || structure.element(Tag(0x0004, 0x1220)).is_some() {
            let text = "a directory of files; it is written anew for the files that are";
            return Err(Fault::unsupported("DICOMDIR", text));
        }
        let [instance, study, series] = [0x0008_0018, 0x0020_000D, 0x0020_000E]
            .map(|k: u32| new.text_of(Tag((k >> 16) as u16, k as u16)));
        if new.class.is_empty() || instance.is_empty() {
            let text = "the object has no SOP Class or SOP Instance UID; it is none that can be named anew";
            return Err(Fault::rejected("NO_INSTANCE", text));
        }
        let patient = self.patient_of(&mut new, &study);
        new.pseudonym = self.secret.pseudonym(&patient);
        new.days = self.secret.days(&patient);
        let kept = self.options.has(DeidOption::RetainUids);
        let [instance, study, series] = [instance, study, series].map(|uid| match kept {
            true => uid,
            false => self.uid(&uid),
        });
        let mut entry = self.entry_of(&mut new);
        let mut text = BurnedText {
            risk: pixel_text::risk(&structure),
            ..BurnedText::default()
        };
        let face = match self.options.has(DeidOption::CleanFaces) {
            true => self.faces.of(path, &structure)?,
            false => None,
        };
        let mut covered = self.look_at_pixels(path, &structure, &mut text)?;
        if face.is_some() && covered.is_none() {
            let reader = Reader::open(path, &self.scan_options(), self.frames());
            let unread = || Fault::unsupported("FACE_UNREAD", "its pixels cannot be read");
            covered = Some(reader.ok_or_else(unread)?);
        }
        self.mark(&mut new, text.covered, face.is_some());
        let syntax = self.syntax_of(&structure, covered.is_some());
        let writer = Writer(structure.encoding);
        if let Some(reader) = &covered {
            new.describe_pixels(reader, writer)?;
        }
        new.run()?;
        let (class, mut changes, pseudonym) = (new.class, new.changes, new.pseudonym);
        if face.is_some() && self.detail != Detail::None {
            changes.push(Change {
                path: Vec::new(),
                tag: Tag(0x7FE0, 0x0010),
                code: "C",
                why: DeidOption::CleanFaces.word(),
                old: None,
            });
        }
        let mut sink = new.sink;
        let mask = match covered {
            Some(reader) => Some(self.film(writer, &mut sink, reader, &text, face)?),
            None => {
                pixels(&structure, writer, &mut sink)?;
                None
            }
        };
        let clear = match mask {
            None => embedded_overlays(&structure),
            Some(_) => None,
        };
        let meta = emit::meta(&class, &instance, syntax);
        entry.syntax = syntax.to_owned();
        Ok(Plan {
            entry,
            class,
            instance,
            study,
            series,
            patient: pseudonym,
            changes,
            text,
            meta,
            pieces: sink.pieces(),
            film: mask,
            clear,
            big_endian: structure.encoding.big_endian,
            source: structure.source.clone(),
        })
    }

    /// What a directory of the new files says of this one, as far as it stays.
    fn entry_of(&self, new: &mut Rewrite<'_>) -> dicomdir::Entry {
        let stays = |option| self.options.has(option);
        let dates = stays(DeidOption::RetainFullDates);
        let moved = stays(DeidOption::RetainModifiedDates);
        let date = new.bytes_of(Tag(0x0008, 0x0020));
        let date = match moved {
            true => value::shift(*b"DA", &date, new.days).unwrap_or_default(),
            false if dates => date,
            false => Vec::new(),
        };
        let time = match dates || moved {
            true => new.text_of(Tag(0x0008, 0x0030)),
            false => String::new(),
        };
        dicomdir::Entry {
            date: String::from_utf8_lossy(&date).trim().to_owned(),
            time,
            modality: new.text_of(Tag(0x0008, 0x0060)),
            series_number: new.text_of(Tag(0x0020, 0x0011)),
            instance_number: new.text_of(Tag(0x0020, 0x0013)),
            ..dicomdir::Entry::default()
        }
    }

    /// What tells one patient from another: the ID with who issued it, else name and birth date, else the study.
    fn patient_of(&self, new: &mut Rewrite<'_>, study: &str) -> String {
        let name = new.bytes_of(Tag(0x0010, 0x0010));
        let id = new.text_of(Tag(0x0010, 0x0020));
        let issuer = new.text_of(Tag(0x0010, 0x0021));
        let birth = new.text_of(Tag(0x0010, 0x0030));
        new.who.add(&name);
        for tag in [
            Tag(0x0010, 0x0020),
            Tag(0x0010, 0x1000),
            Tag(0x0010, 0x1001),
            Tag(0x0010, 0x1005),
            Tag(0x0010, 0x1060),
            Tag(0x0008, 0x0050),
        ] {
            let bytes = new.bytes_of(tag);
            new.who.add(&bytes);
        }
        let name = String::from_utf8_lossy(&name).trim().to_owned();
        match (id.is_empty(), name.is_empty() && birth.is_empty()) {
            (false, _) => format!("id\u{0}{id}\u{0}{issuer}"),
            (true, false) => format!("name\u{0}{name}\u{0}{birth}"),
            (true, true) => format!("study\u{0}{study}"),
        }
    }

    /// What says of the object that it was de-identified, and how (PS3.3 C.7.1.1, PS3.15 E.1.1).
    fn mark(&self, new: &mut Rewrite<'_>, covered: bool, faceless: bool) {
        let writer = Writer(new.structure.encoding);
        let mut set = |tag: Tag, vr: &[u8; 2], value: &[u8]| {
            let mut bytes = Vec::with_capacity(value.len() + 12);
            writer.put(&mut bytes, tag, *vr, value);
            new.set.insert(key(tag), bytes);
        };
        let name = new.pseudonym.clone().into_bytes();
        set(Tag(0x0010, 0x0010), b"PN", &name);
        set(Tag(0x0010, 0x0020), b"LO", &name);
        set(Tag(0x0012, 0x0062), b"CS", b"YES");
        set(Tag(0x0012, 0x0063), b"LO", self.method.0.as_bytes());
        let dates = match () {
            () if self.options.has(DeidOption::RetainFullDates) => "UNMODIFIED",
            () if self.options.has(DeidOption::RetainModifiedDates) => "MODIFIED",
            () => "REMOVED",
        };
        set(Tag(0x0028, 0x0303), b"CS", dates.as_bytes());
        if covered {
            set(Tag(0x0028, 0x0301), b"CS", b"NO");
        }
        if faceless {
            // Recognizable Visual Features (PS3.3 C.7.6.1.1).
            set(Tag(0x0028, 0x0302), b"CS", b"NO");
        }
        let items: Vec<[(Tag, [u8; 2], &[u8]); 3]> = self
            .method
            .1
            .iter()
            .map(|(code, meaning)| {
                [
                    (Tag(0x0008, 0x0100), *b"SH", code.as_bytes()),
                    (Tag(0x0008, 0x0102), *b"SH", b"DCM".as_slice()),
                    (Tag(0x0008, 0x0104), *b"LO", meaning.as_bytes()),
                ]
            })
            .collect();
        let items: Vec<&[(Tag, [u8; 2], &[u8])]> = items.iter().map(|i| i.as_slice()).collect();
        let mut bytes = Vec::with_capacity(256);
        writer.sequence(&mut bytes, Tag(0x0012, 0x0064), &items);
        new.set.insert(key(Tag(0x0012, 0x0064)), bytes);
    }

    /// Looks for text where it is to be feared; gives who reads the frames when they are to be covered.
    fn look_at_pixels(
        &self,
        path: &Path,
        structure: &Structure,
        text: &mut BurnedText,
    ) -> Result<Option<Reader>, Fault> {
        let mask = match &self.burned {
            BurnedIn::Mask(boxes) => Some(boxes),
            _ => None,
        };
        let given = mask.is_some_and(|boxes| !boxes.is_empty());
        if structure.pixels.is_none() || (text.risk.is_empty() && !given) {
            return Ok(None);
        }
        let Some(reader) = Reader::open(path, &self.scan_options(), self.frames()) else {
            text.unread = true;
            return match self.burned {
                BurnedIn::Report => Ok(None),
                _ => Err(Fault::unsupported(
                    "BURNED_IN_UNREAD",
                    "its pixels cannot be looked at for text",
                )),
            };
        };
        if !text.risk.is_empty() {
            reader.look(mask.is_some() || self.burned == BurnedIn::Refuse, text);
        }
        if text.unread && self.burned != BurnedIn::Report {
            let reason = "not all of its pixels can be looked at for text";
            return Err(Fault::unsupported("BURNED_IN_UNREAD", reason));
        }
        if self.burned == BurnedIn::Refuse && !text.boxes.is_empty() {
            let found = text.boxes.len();
            let reason = format!("text in the pixels ({found} lines); it is not written");
            return Err(Fault::rejected("BURNED_IN", reason));
        }
        let Some(boxes) = mask else {
            return Ok(None);
        };
        for number in 0..reader.count() {
            text.boxes.extend(boxes.iter().map(|b| (number, *b)));
        }
        text.covered = !text.boxes.is_empty();
        Ok(text.covered.then_some(reader))
    }

    /// The transfer syntax of what is written: as read, where that is how it really is written.
    fn syntax_of(&self, structure: &Structure, native: bool) -> &'static str {
        let packed = structure.syntax.packing != syntax::Packing::Native;
        match packed && !native && structure.pixels.is_some() {
            true => structure.syntax.uid,
            false => structure.encoding.uid(),
        }
    }

    /// Pixel Data of the covered frames, native; the frames follow one by one when the file is written.
    fn film(
        &self,
        writer: Writer,
        sink: &mut Sink,
        reader: Reader,
        text: &BurnedText,
        face: Option<faces::Face>,
    ) -> Result<Film, Fault> {
        let first = reader.frame(0).map_err(refused)?;
        let bytes = first.pixels.as_slice().len() as u64 * reader.count() as u64;
        let Ok(length) = u32::try_from(bytes + bytes % 2) else {
            let text = "the covered picture is too large for one element";
            return Err(Fault::unsupported("TOO_LARGE", text));
        };
        let wide = first.stored_type.bytes() > 1;
        let vr = if wide { *b"OW" } else { *b"OB" };
        writer.head(&mut sink.open, Tag(0x7FE0, 0x0010), vr, length);
        Ok(Film {
            reader,
            boxes: match text.covered {
                true => text.boxes.clone(),
                false => Vec::new(),
            },
            face,
            odd: bytes % 2 == 1,
            swap: writer.0.big_endian.then_some(first.stored_type.bytes()),
        })
    }
}

fn refused(error: super::FrameError) -> Fault {
    Fault::new(error.kind(), error.code(), error.to_string())
}

/// Media Storage Directory Storage.
pub(super) const MEDIA_DIRECTORY: &str = "1.2.840.10008.1.3.10";

impl Rewrite<'_> {
    /// Elements that say how covered pixels are written: native, colours by pixel.
    fn describe_pixels(&mut self, reader: &Reader, writer: Writer) -> Result<(), Fault> {
        let frame = reader.frame(0).map_err(refused)?;
        let mut set = |element: u16, vr: &[u8; 2], value: &[u8]| {
            let mut bytes = Vec::new();
            let tag = Tag(0x0028, element);
            writer.put(&mut bytes, tag, *vr, value);
            self.set.insert(key(tag), bytes);
        };
        let number = |value: u16| match writer.0.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let bits = (frame.stored_type.bytes() * 8) as u16;
        set(0x0100, b"US", &number(bits));
        if frame.samples == 3 {
            set(0x0004, b"CS", b"RGB");
            set(0x0006, b"US", &number(0));
        }
        Ok(())
    }
}

/// Pixels as they are.
fn pixels(structure: &Structure, writer: Writer, sink: &mut Sink) -> Result<(), Fault> {
    let Some(pixels) = &structure.pixels else {
        return Ok(());
    };
    match &pixels.place {
        PixelPlace::Native { offset, length } => {
            let even = length + length % 2;
            let Ok(written) = u32::try_from(even) else {
                let text = "pixels of more bytes than an element can hold";
                return Err(Fault::rejected("LEN_PAST_END", text));
            };
            writer.head(&mut sink.open, pixels.tag, pixels.vr, written);
            sink.copy(*offset, *length);
            if length % 2 == 1 {
                sink.open.push(0);
            }
        }
        PixelPlace::Encapsulated(fragments) => {
            writer.open_sequence(&mut sink.open, pixels.tag, *b"OB");
            let table = &fragments.basic_table;
            writer.tag(&mut sink.open, super::guard::ITEM);
            sink.open.extend((table.len() as u32 * 4).to_le_bytes());
            sink.open
                .extend(table.iter().flat_map(|offset| offset.to_le_bytes()));
            let start = fragments.base;
            let end = fragments
                .list
                .last()
                .map_or(fragments.base, |last| last.offset + u64::from(last.length));
            sink.copy(start, end - start);
            writer.close_sequence(&mut sink.open);
        }
    }
    Ok(())
}

/// Old overlays lie in bits of the pixels that no value uses (PS3.3 C.9.2, retired). As their description goes, so must
/// they: the bits of a value that stay.
fn embedded_overlays(structure: &Structure) -> Option<u16> {
    let group = |e: &&super::guard::Element| e.tag.0 >> 8 == 0x60 && e.tag.1 == 0x0102;
    let data = |group: u16| structure.element(Tag(group, 0x3000)).is_some();
    let embedded = structure
        .elements
        .iter()
        .filter(group)
        .any(|e| !data(e.tag.0));
    let native = matches!(
        structure.pixels.as_ref().map(|p| &p.place),
        Some(PixelPlace::Native { .. })
    );
    if !embedded || !native {
        return None;
    }
    let number = |tag| {
        let element = structure.element(tag)?;
        let bytes = structure.source.read_vec(element.value, 2).ok()?;
        Some(structure.encoding.u16(bytes.try_into().ok()?))
    };
    let allocated = number(Tag(0x0028, 0x0100))?;
    let stored = number(Tag(0x0028, 0x0101))?;
    let high = number(Tag(0x0028, 0x0102))?;
    let fits = allocated == 16 && (1..16).contains(&stored) && high < 16 && high + 1 >= stored;
    let bits = u32::from(stored);
    let mask = (((1u32 << bits) - 1) << (u32::from(high) + 1 - bits)) as u16;
    fits.then_some(mask)
}

/// Frames that are covered as they are written.
struct Film {
    reader: Reader,
    boxes: Vec<(usize, crate::imaging::glyphs::PixelBox)>,
    /// What of them shows a face.
    face: Option<faces::Face>,
    odd: bool,
    /// Bytes of a value, when its most significant byte comes first.
    swap: Option<usize>,
}

/// An object that was decided about and not written yet.
pub struct Plan {
    /// SOP Class UID.
    pub class: String,
    /// SOP Instance UID of what is written.
    pub instance: String,
    /// Study Instance UID of what is written.
    pub study: String,
    /// Series Instance UID of what is written.
    pub series: String,
    /// The pseudonym of the patient.
    pub patient: String,
    /// Every change, when a report is asked for.
    pub changes: Vec<Change>,
    /// Text in the pixels.
    pub text: BurnedText,
    /// What a DICOMDIR says of it beside that.
    entry: dicomdir::Entry,
    meta: Vec<u8>,
    pieces: Vec<Piece>,
    film: Option<Film>,
    /// Bits of a pixel that stay.
    clear: Option<u16>,
    big_endian: bool,
    source: ByteSource,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan({} changes)", self.changes.len())
    }
}

impl Plan {
    /// What a directory says of it at its place.
    fn entry_at(&self, place: &Path) -> dicomdir::Entry {
        dicomdir::Entry {
            place: place.to_owned(),
            patient: self.patient.clone(),
            study: self.study.clone(),
            series: self.series.clone(),
            instance: self.instance.clone(),
            class: self.class.clone(),
            ..self.entry.clone()
        }
    }

    /// Writes the object, whole or not at all; a file that is there is never replaced.
    ///
    /// # Errors
    /// `AlreadyExists` when another file has the name; those of the disk.
    pub fn write(&self, path: &Path) -> io::Result<crate::files::Put> {
        crate::files::put_new(path, |file| self.write_to(file))
    }

    fn write_to(&self, file: &mut File) -> io::Result<()> {
        file.write_all(&self.meta)?;
        let last = self
            .pieces
            .iter()
            .rposition(|p| matches!(p, Piece::Copy(..)));
        for (number, piece) in self.pieces.iter().enumerate() {
            match (piece, self.clear) {
                (Piece::Bytes(bytes), _) => file.write_all(bytes)?,
                // The last stretch that is copied is the pixels.
                (Piece::Copy(offset, count), Some(mask)) if Some(number) == last => {
                    self.copy_masked(*offset, *count, mask, file)?;
                }
                (Piece::Copy(offset, count), _) => self.source.copy_to(*offset, *count, file)?,
            }
        }
        if let Some(film) = &self.film {
            film.write_to(file)?;
        }
        Ok(())
    }

    fn copy_masked(&self, offset: u64, count: u64, mask: u16, file: &mut File) -> io::Result<()> {
        const STRETCH: u64 = 1 << 20;
        let order = match self.big_endian {
            true => mask.to_be_bytes(),
            false => mask.to_le_bytes(),
        };
        let mut at = 0;
        while at < count {
            let length = STRETCH.min(count - at);
            let mut bytes = self.source.read_vec(offset + at, length)?;
            for pair in bytes.chunks_exact_mut(2) {
                for (byte, bits) in pair.iter_mut().zip(order) {
                    *byte &= bits;
                }
            }
            file.write_all(&bytes)?;
            at += length;
        }
        Ok(())
    }
}

impl Film {
    fn write_to(&self, file: &mut File) -> io::Result<()> {
        for number in 0..self.reader.count() {
            let frame = self
                .reader
                .frame(number)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            let boxes: Vec<_> = self
                .boxes
                .iter()
                .filter(|(n, _)| *n == number)
                .map(|(_, b)| *b)
                .collect();
            let mut bytes = pixel_text::covered(&frame, &boxes);
            if let Some(face) = &self.face {
                face.take_out(number, &frame, &mut bytes);
            }
            if let Some(size) = self.swap.filter(|s| *s > 1) {
                bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            }
            file.write_all(&bytes)?;
        }
        if self.odd {
            file.write_all(&[0])?;
        }
        Ok(())
    }
}
