//! A reading's report: sections of plain text, with numbers that stay linked to marks.
//!
//! Its written form is the text that the journal keeps and that leaves as Markdown: `## ` begins a section, and
//! `[[id]]` stands for what the mark with this id measures at the moment somebody looks. Reading and writing are
//! inverse for every report (a test says so); a line of the user's that would begin a section is kept apart by a
//! backslash.

use super::annotation::AnnotationId;

/// One part of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its heading, one line.
    pub title: String,
    /// Its text, with the places of live numbers.
    pub text: String,
}

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The sections in order.
    pub sections: Vec<Section>,
}

/// A stretch of a section's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What this mark measures.
    Mark(AnnotationId),
}

const HEADING: &str = "## ";

impl Report {
    /// Reads the written form. Text before the first heading is a section without one.
    pub fn parse(text: &str) -> Self {
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        if text.is_empty() {
            return Self::default();
        }
        for line in text.split('\n') {
            if let Some(title) = line.strip_prefix(HEADING) {
                sections.push((title.to_owned(), Vec::new()));
                continue;
            }
            if sections.is_empty() {
                sections.push((String::new(), Vec::new()));
            }
            let kept = line.strip_prefix('\\').filter(|rest| {
                // Only what writing has put there is taken away.
                rest.trim_start_matches('\\').starts_with(HEADING)
            });
            if let Some((_, lines)) = sections.last_mut() {
                lines.push(kept.unwrap_or(line).to_owned());
            }
        }
        let section = |(title, lines): (String, Vec<String>)| Section {
            title,
            text: lines.join("\n"),
        };
        Self {
            sections: sections.into_iter().map(section).collect(),
        }
    }

    /// The written form.
    pub fn write(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (at, section) in self.sections.iter().enumerate() {
            if at > 0 || !section.title.is_empty() {
                let title: String = section.title.replace(['\n', '\r'], " ");
                lines.push(format!("{HEADING}{title}"));
                if section.text.is_empty() {
                    continue;
                }
            }
            for line in section.text.split('\n') {
                if line.trim_start_matches('\\').starts_with(HEADING) {
                    lines.push(format!("\\{line}"));
                } else {
                    lines.push(line.to_owned());
                }
            }
        }
        lines.join("\n")
    }

    /// Whether nobody has written anything.
    pub fn is_blank(&self) -> bool {
        self.sections.iter().all(|s| s.text.trim().is_empty())
    }

    /// The report with every live number put in by `say`; one that `say` does not know says so with `unknown`.
    pub fn resolved(&self, say: impl Fn(&AnnotationId) -> Option<String>, unknown: &str) -> Self {
        let text = |text: &str| -> String {
            pieces(text)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Mark(id) => say(&id).unwrap_or_else(|| unknown.to_owned()),
                })
                .collect()
        };
        let sections = self.sections.iter().map(|s| Section {
            title: s.title.clone(),
            text: text(&s.text),
        });
        Self {
            sections: sections.collect(),
        }
    }

    /// The marks it speaks of, in order, each once.
    pub fn marks(&self) -> Vec<AnnotationId> {
        let mut found = Vec::new();
        for section in &self.sections {
            for piece in pieces(&section.text) {
                if let Piece::Mark(id) = piece
                    && !found.contains(&id)
                {
                    found.push(id);
                }
            }
        }
        found
    }
}

/// The place of a mark's live number in a text.
pub fn chip(id: &AnnotationId) -> String {
    format!("[[{}]]", id.0)
}

/// A text in its stretches. Brackets that hold no id are text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[[") {
        // Looking no farther than an id goes keeps a text of nothing but brackets from taking its square in time.
        let end = after.find(['\n', '[', ']', ' ']).unwrap_or(after.len());
        let (id, behind) = after.split_at(end);
        let behind = behind.strip_prefix("]]");
        let Some(behind) = behind.filter(|_| (1..=256).contains(&id.len())) else {
            // The brackets themselves stay text, and what follows them is looked at again.
            let upto = before.len() + 2;
            push_text(&mut found, rest.get(..upto).unwrap_or(rest));
            rest = after;
            continue;
        };
        push_text(&mut found, before);
        found.push(Piece::Mark(AnnotationId(id.to_owned())));
        rest = behind;
    }
    push_text(&mut found, rest);
    found
}

fn push_text<'a>(found: &mut Vec<Piece<'a>>, text: &'a str) {
    if !text.is_empty() {
        found.push(Piece::Text(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(title: &str, text: &str) -> Section {
        Section {
            title: title.into(),
            text: text.into(),
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let check = |sections: Vec<Section>| {
            let report = Report { sections };
            assert_eq!(Report::parse(&report.write()), report, "{}", report.write());
        };
        check(vec![]);
        check(vec![section("Findings", "Nodule [[a1]].\n\nNo effusion.")]);
        check(vec![
            section("Technique", ""),
            section("Findings", "x"),
            section("印象", "无异常"),
        ]);
        check(vec![section(
            "A",
            "## not a heading\n\\## neither\n\\\\## nor this\n\\n",
        )]);
        check(vec![
            section("", "before any heading"),
            section("B", "\n\nblank lines\n"),
        ]);
        check(vec![section("A", " "), section("", "")]);
    }

    #[test]
    fn a_title_is_one_line() {
        let report = Report {
            sections: vec![section("two\nlines", "x")],
        };
        assert_eq!(report.write(), "## two lines\nx");
    }

    #[test]
    fn numbers_are_put_in_when_somebody_looks() {
        let report = Report {
            sections: vec![section("F", "Nodule [[a]], was [[b]]; [[ ]] [[c")],
        };
        let say = |id: &AnnotationId| (id.0 == "a").then(|| "12.3 mm".to_owned());
        let text = &report.resolved(say, "(removed)").sections[0].text;
        assert_eq!(text, "Nodule 12.3 mm, was (removed); [[ ]] [[c");
        assert_eq!(
            report.marks(),
            [AnnotationId("a".into()), AnnotationId("b".into())]
        );
        assert_eq!(chip(&AnnotationId("a".into())), "[[a]]");
    }

    #[test]
    fn brackets_that_hold_no_id_are_text() {
        let mark = |id: &str| Piece::Mark(AnnotationId(id.into()));
        let long = format!("[[{}]]", "x".repeat(257));
        for text in ["[[]]", "[[a]b]]", "[[a b]]", "[[a\n]]", "[[a", "]]", &long] {
            let whole: String = pieces(text)
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => *text,
                    Piece::Mark(id) => panic!("{id:?} in {text}"),
                })
                .collect();
            assert_eq!(whole, text);
        }
        assert_eq!(
            pieces("[[[[a]]]"),
            [Piece::Text("[["), mark("a"), Piece::Text("]")]
        );
        // Four million bytes of this would take minutes if each pair looked to the end.
        let brackets = "[[".repeat(1 << 18);
        let start = std::time::Instant::now();
        assert_eq!(pieces(&brackets).len(), 1 << 18);
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
    }
}
