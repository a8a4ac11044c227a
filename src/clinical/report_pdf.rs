//! A report as PDF (ISO 32000-1): A4 pages, plain text, headings, a head and a foot on every page.
//!
//! Latin text stands in Helvetica, one of the fonts every reader has (ISO 32000-1, 9.6.2.2); hanzi stand in the
//! program's own font, which is embedded when there are any. Text can be selected and searched. A character that
//! neither font has becomes `?` and is counted, so that whoever asked can say so. No picture is in it.

use crate::{i18n::HAN_FONT, model::report::Report};
use pdf_writer::{
    Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use skrifa::{FontRef, GlyphId, MetadataProvider as _, instance::LocationRef, prelude::Size};
use std::{collections::BTreeMap, io::Write as _};

/// What stands around the text.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Title of the document.
    pub title: String,
    /// Lines under the title: whose, which study, when.
    pub head: Vec<String>,
    /// The line at the foot of every page.
    pub foot: String,
}

/// A PDF with what could not be shown.
#[derive(Debug)]
pub struct ReportPdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// Pages.
    pub pages: usize,
    /// Characters that neither font has.
    pub unknown: usize,
}

const PAGE: [f32; 2] = [595.0, 842.0];
const MARGIN: f32 = 56.0;
const BODY: f32 = 10.5;
const LEADING: f32 = 15.5;

/// Advance widths of Helvetica for the characters 32 to 126, thousandths of the size (Adobe's metrics).
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// How a character is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    /// A byte of Windows-1252 in Helvetica.
    Latin(u8),
    /// A glyph of the embedded font.
    Han(u16),
}

struct Fonts<'a> {
    font: Option<FontRef<'a>>,
    /// Glyphs in use, for widths and for text that is copied out.
    used: BTreeMap<u16, char>,
    unknown: usize,
}

impl Fonts<'_> {
    fn shown(&mut self, c: char) -> Shown {
        let mut buffer = [0; 4];
        let text: &str = c.encode_utf8(&mut buffer);
        let (bytes, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
        if let (false, [byte]) = (lost, &*bytes)
            && *byte >= 0x20
        {
            return Shown::Latin(*byte);
        }
        let glyph = self.font.as_ref().and_then(|font| font.charmap().map(c));
        match glyph.and_then(|g| u16::try_from(g.to_u32()).ok()) {
            Some(glyph) if glyph > 0 => {
                self.used.insert(glyph, c);
                Shown::Han(glyph)
            }
            _ => {
                self.unknown += 1;
                Shown::Latin(b'?')
            }
        }
    }

    fn width(&self, shown: Shown) -> f32 {
        match shown {
            Shown::Latin(byte) => {
                let at = usize::from(byte).wrapping_sub(32);
                // Accented letters are about as wide as their base; this is for breaking lines only.
                f32::from(HELVETICA.get(at).copied().unwrap_or(600)) / 1000.0
            }
            Shown::Han(glyph) => self.advance(glyph) / 1000.0,
        }
    }

    fn advance(&self, glyph: u16) -> f32 {
        let Some(font) = &self.font else {
            return 1000.0;
        };
        let metrics = font.glyph_metrics(Size::new(1000.0), LocationRef::default());
        metrics
            .advance_width(GlyphId::new(u32::from(glyph)))
            .unwrap_or(1000.0)
    }

    /// Breaks a text into lines of at most this width at a size: at blanks, and beside any hanzi.
    fn lines(&mut self, text: &str, size: f32, width: f32) -> Vec<Vec<Shown>> {
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let mut line: Vec<Shown> = Vec::new();
            let (mut used, mut break_at) = (0.0, 0);
            for c in paragraph.chars() {
                let shown = match c {
                    '\t' => Shown::Latin(b' '),
                    '\r' => continue,
                    c => self.shown(c),
                };
                let advance = self.width(shown) * size;
                if used + advance > width && !line.is_empty() {
                    let cut = if break_at > 0 { break_at } else { line.len() };
                    let rest = line.split_off(cut);
                    lines.push(std::mem::take(&mut line));
                    let blank = |s: &&Shown| **s == Shown::Latin(b' ');
                    line = rest.iter().skip_while(blank).copied().collect();
                    used = line.iter().map(|s| self.width(*s) * size).sum();
                    break_at = 0;
                }
                // Signs that close something do not begin a line.
                let closes = "，。、；：！？）》”’,.;:!?)".contains(c);
                if matches!(shown, Shown::Han(_)) && !closes {
                    break_at = line.len();
                }
                line.push(shown);
                used += advance;
                if shown == Shown::Latin(b' ') {
                    break_at = line.len();
                }
            }
            lines.push(line);
        }
        lines
    }
}

/// Writes a line in runs of one font.
fn show(content: &mut Content, line: &[Shown], latin: Name<'_>, size: f32, at: [f32; 2]) {
    content.begin_text();
    content.next_line(at[0], at[1]);
    let mut rest = line;
    while let Some(first) = rest.first() {
        let is_latin = |s: &Shown| matches!(s, Shown::Latin(_));
        let same = |s: &&Shown| is_latin(s) == is_latin(first);
        let count = rest.iter().take_while(same).count();
        let (run, behind) = rest.split_at(count);
        let bytes: Vec<u8> = run
            .iter()
            .flat_map(|s| match s {
                Shown::Latin(byte) => vec![*byte],
                Shown::Han(glyph) => glyph.to_be_bytes().to_vec(),
            })
            .collect();
        let font = if is_latin(first) { latin } else { Name(b"H") };
        content.set_font(font, size);
        content.show(Str(&bytes));
        rest = behind;
    }
    content.end_text();
}

/// A line on its way to a page.
struct Row {
    shown: Vec<Shown>,
    bold: bool,
    size: f32,
    before: f32,
}

/// Writes the report; its live numbers are put in before.
pub fn write(report: &Report, frame: &Frame) -> ReportPdf {
    let mut fonts = Fonts {
        font: FontRef::new(HAN_FONT).ok(),
        used: BTreeMap::new(),
        unknown: 0,
    };
    let width = PAGE[0] - 2.0 * MARGIN;
    let mut rows: Vec<Row> = Vec::new();
    let mut push = |fonts: &mut Fonts<'_>, text: &str, bold: bool, size: f32, before: f32| {
        // Bold letters are a little wider than those that are measured.
        let room = if bold { width * 0.93 } else { width };
        for (at, shown) in fonts.lines(text, size, room).into_iter().enumerate() {
            let before = if at == 0 { before } else { 0.0 };
            rows.push(Row {
                shown,
                bold,
                size,
                before,
            });
        }
    };
    push(&mut fonts, &frame.title, true, 16.0, 0.0);
    for line in &frame.head {
        push(&mut fonts, line, false, 9.5, 0.0);
    }
    for section in &report.sections {
        if !section.title.is_empty() {
            push(&mut fonts, &section.title, true, 12.0, 12.0);
        }
        push(&mut fonts, section.text.trim_end(), false, BODY, 2.0);
    }
    let foot = fonts.lines(&frame.foot, 8.5, width - 60.0);
    let pages = paginate(&rows);
    let count = pages.len();
    let contents: Vec<Vec<u8>> = pages
        .iter()
        .enumerate()
        .map(|(at, rows)| {
            let mut content = Content::new();
            for (row, y) in rows {
                let name = if row.bold { Name(b"B") } else { Name(b"L") };
                show(&mut content, &row.shown, name, row.size, [MARGIN, *y]);
            }
            if let Some(line) = foot.first() {
                show(&mut content, line, Name(b"L"), 8.5, [MARGIN, 34.0]);
            }
            let number: Vec<Shown> = format!("{} / {count}", at + 1)
                .bytes()
                .map(Shown::Latin)
                .collect();
            let at = [PAGE[0] - MARGIN - 30.0, 34.0];
            show(&mut content, &number, Name(b"L"), 8.5, at);
            content.finish().into_vec()
        })
        .collect();
    let bytes = assemble(&contents, &fonts, frame);
    ReportPdf {
        bytes,
        pages: count,
        unknown: fonts.unknown,
    }
}

/// Rows with their heights from the foot of the page, page by page. A heading takes the line after it along.
fn paginate(rows: &[Row]) -> Vec<Vec<(&Row, f32)>> {
    let (top, bottom) = (PAGE[1] - MARGIN, 60.0);
    let mut pages = vec![Vec::new()];
    let mut y = top;
    for row in rows {
        let step = row.before + LEADING * (row.size / BODY).max(0.9);
        let needed = if row.bold { step + 2.0 * LEADING } else { step };
        let started = pages.last().is_some_and(|p: &Vec<_>| !p.is_empty());
        if y - needed < bottom && started {
            pages.push(Vec::new());
            y = top;
        }
        y -= step;
        if let Some(page) = pages.last_mut() {
            page.push((row, y));
        }
    }
    pages
}

fn assemble(contents: &[Vec<u8>], fonts: &Fonts<'_>, frame: &Frame) -> Vec<u8> {
    let mut next = 0;
    let mut reference = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, info) = (reference(), reference(), reference());
    let (latin, bold) = (reference(), reference());
    let han = (!fonts.used.is_empty()).then(|| [(); 5].map(|()| reference()));
    let pages: Vec<(Ref, Ref)> = contents
        .iter()
        .map(|_| (reference(), reference()))
        .collect();
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info)
        .title(TextStr(&frame.title))
        .creator(TextStr("Negatoscope"));
    pdf.pages(tree)
        .kids(pages.iter().map(|(page, _)| *page))
        .count(i32::try_from(pages.len()).unwrap_or(i32::MAX));
    for ((page, body), content) in pages.iter().zip(contents) {
        let mut writer = pdf.page(*page);
        writer.parent(tree);
        writer.media_box(Rect::new(0.0, 0.0, PAGE[0], PAGE[1]));
        writer.contents(*body);
        let mut resources = writer.resources();
        let mut names = resources.fonts();
        names.pair(Name(b"L"), latin);
        names.pair(Name(b"B"), bold);
        if let Some([font, ..]) = han {
            names.pair(Name(b"H"), font);
        }
        names.finish();
        resources.finish();
        writer.finish();
        pdf.stream(*body, content);
    }
    for (font, name) in [(latin, &b"Helvetica"[..]), (bold, &b"Helvetica-Bold"[..])] {
        pdf.type1_font(font)
            .base_font(Name(name))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    if let Some(parts) = han {
        embed(&mut pdf, parts, fonts);
    }
    pdf.finish()
}

/// Embeds the hanzi font as a Type 0 font with glyph numbers as codes (ISO 32000-1, 9.7).
fn embed(pdf: &mut Pdf, parts: [Ref; 5], fonts: &Fonts<'_>) {
    let [font, cid, descriptor, file, unicode] = parts;
    let name = Name(b"NegatoscopeHan");
    let system = SystemInfo {
        registry: Str(b"Adobe"),
        ordering: Str(b"Identity"),
        supplement: 0,
    };
    pdf.type0_font(font)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(unicode);
    let mut cid_font = pdf.cid_font(cid);
    cid_font
        .subtype(CidFontType::Type2)
        .base_font(name)
        .system_info(system)
        .font_descriptor(descriptor)
        .default_width(1000.0)
        .cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = cid_font.widths();
    for glyph in fonts.used.keys() {
        widths.consecutive(*glyph, [fonts.advance(*glyph)]);
    }
    widths.finish();
    cid_font.finish();
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(0.0, -200.0, 1000.0, 900.0))
        .italic_angle(0.0)
        .ascent(860.0)
        .descent(-140.0)
        .cap_height(700.0)
        .stem_v(80.0)
        .font_file2(file);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory does not fail.
    let _ = packed.write_all(HAN_FONT);
    let packed = packed.finish().unwrap_or_default();
    let length = i32::try_from(HAN_FONT.len()).unwrap_or(i32::MAX);
    pdf.stream(file, &packed)
        .filter(Filter::FlateDecode)
        .pair(Name(b"Length1"), length);
    let mut map = UnicodeCmap::<u16>::new(Name(b"NegatoscopeHanText"), system);
    for (glyph, c) in &fonts.used {
        map.pair(*glyph, *c);
    }
    pdf.cmap(unicode, &map.finish());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::Section;

    fn report(text: &str) -> Report {
        Report {
            sections: vec![Section {
                title: "Findings".into(),
                text: text.into(),
            }],
        }
    }

    #[test]
    fn long_reports_have_pages_and_every_line_is_within_its_page() {
        let words = "A nodule of 12.3 mm in the right upper lobe, unchanged. ".repeat(400);
        let pdf = write(&report(&words), &Frame::default());
        assert!(pdf.pages >= 5, "{}", pdf.pages);
        assert_eq!(pdf.unknown, 0);
        assert!(pdf.bytes.starts_with(b"%PDF-1."));
        // Latin needs no embedded font: such a file is small.
        assert!(pdf.bytes.len() < 200_000, "{}", pdf.bytes.len());
    }

    #[test]
    fn hanzi_are_embedded_and_what_no_font_has_is_counted() {
        let pdf = write(&report("右肺上叶结节 6 mm。无胸腔积液"), &Frame::default());
        assert_eq!((pdf.pages, pdf.unknown), (1, 0));
        assert!(pdf.bytes.len() > 400_000, "{}", pdf.bytes.len());
        let strange = write(&report("\u{E000}\u{1F600}"), &Frame::default());
        assert_eq!(strange.unknown, 2);
    }

    #[test]
    fn lines_break_at_blanks_and_beside_hanzi() {
        let mut fonts = Fonts {
            font: FontRef::new(HAN_FONT).ok(),
            used: BTreeMap::new(),
            unknown: 0,
        };
        let widths = |fonts: &Fonts<'_>, lines: &[Vec<Shown>]| -> Vec<f32> {
            let width = |l: &Vec<Shown>| l.iter().map(|s| fonts.width(*s) * 10.0).sum();
            lines.iter().map(width).collect()
        };
        let lines = fonts.lines("one two three four five six", 10.0, 60.0);
        assert!(lines.len() >= 2);
        for width in widths(&fonts, &lines) {
            assert!(width <= 60.0 + 2.8, "{width}");
        }
        let first: String = lines[0]
            .iter()
            .map(|s| match s {
                Shown::Latin(byte) => char::from(*byte),
                Shown::Han(_) => '\u{25A1}',
            })
            .collect();
        assert_eq!(first, "one two ");
        let lines = fonts.lines(&"肺".repeat(20), 10.0, 60.0);
        assert_eq!(lines.len(), 4);
        // A word that is wider than the line is cut rather than lost.
        let lines = fonts.lines(&"m".repeat(40), 10.0, 60.0);
        assert_eq!(lines.iter().map(Vec::len).sum::<usize>(), 40);
    }
}
