//! Reports while they are written: templates, the draft of the open study, and when a draft is kept.
//!
//! Must stay true: a draft is kept by itself (after a pause in typing, and before anything else happens to its
//! study); one pause is one step of undo; an undo that changes the kept text changes the draft.

use super::Workspace;
use crate::{
    i18n::Language,
    model::{
        annotation::AnnotationId,
        report::{Report, Section},
    },
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A pause in typing this long keeps the draft.
pub const PAUSE: Duration = Duration::from_millis(1200);

/// Words in every language of the window.
#[derive(Clone, Debug, Deserialize)]
struct Words {
    en: String,
    #[serde(rename = "zh-CN")]
    zh_cn: String,
}

impl Words {
    fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::SimplifiedChinese => &self.zh_cn,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
struct TemplateSection {
    title: Words,
    text: Option<Words>,
}

/// What a report begins with.
#[derive(Clone, Debug, Deserialize)]
pub struct Template {
    /// Stable name.
    pub name: String,
    modalities: Vec<String>,
    body_parts: Vec<String>,
    title: Words,
    #[serde(rename = "section")]
    sections: Vec<TemplateSection>,
}

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    [
        include_str!("../../assets/report_templates/general.toml"),
        include_str!("../../assets/report_templates/chest-radiograph.toml"),
        include_str!("../../assets/report_templates/ct-chest.toml"),
        include_str!("../../assets/report_templates/mammogram.toml"),
        include_str!("../../assets/report_templates/mr-brain.toml"),
    ]
    .into_iter()
    .filter_map(|text| toml::from_str(text).ok())
    .collect()
});

impl Template {
    /// All, the general one first.
    pub fn all() -> &'static [Self] {
        &TEMPLATES
    }

    /// The template with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|t| t.name == name)
    }

    /// The one that fits a modality and a body part best; the general one where none fits.
    pub fn fitting(modality: &str, body_part: &str) -> Option<&'static Self> {
        let part = body_part.to_ascii_uppercase();
        let fits = |t: &&Self| {
            t.modalities.iter().any(|m| m == modality)
                && t.body_parts.iter().any(|p| part.contains(p.as_str()))
        };
        TEMPLATES.iter().find(fits).or_else(|| TEMPLATES.first())
    }

    /// Its title.
    pub fn title(&self, language: Language) -> &str {
        self.title.in_language(language)
    }

    /// A report that has only what the template brings.
    pub fn report(&self, language: Language) -> Report {
        let sections = self.sections.iter().map(|section| {
            let text = section.text.as_ref();
            Section {
                title: section.title.in_language(language).to_owned(),
                text: text.map_or_else(String::new, |t| t.in_language(language).to_owned()),
            }
        });
        Report {
            sections: sections.collect(),
        }
    }
}

/// The report of one study while it is written.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// As it is on the screen.
    pub report: Report,
    /// The text that is kept.
    kept: String,
    changed: Option<Instant>,
    /// What is on the screen was refused when it was to be kept.
    refused: bool,
}

impl Draft {
    /// Begins with the kept text.
    pub fn of(kept: &str) -> Self {
        Self {
            report: Report::parse(kept),
            kept: kept.to_owned(),
            changed: None,
            refused: false,
        }
    }

    /// Notes a change made at a moment.
    pub fn change(&mut self, report: Report, now: Instant) {
        if report != self.report {
            self.report = report;
            self.changed = Some(now);
        }
    }

    /// Whether something is not kept yet.
    pub fn is_open(&self) -> bool {
        self.changed.is_some() || self.refused
    }

    /// When the draft is to be kept, if nothing more is typed.
    pub fn due(&self) -> Option<Instant> {
        self.changed.map(|at| at + PAUSE)
    }

    /// What is to be kept now: the text before and after. A draft that reads as before needs no keeping.
    pub fn take_change(&mut self) -> Option<(String, String)> {
        if !self.is_open() {
            return None;
        }
        (self.changed, self.refused) = (None, false);
        let text = self.report.write();
        (text != self.kept).then(|| (std::mem::replace(&mut self.kept, text.clone()), text))
    }

    /// What was taken last could not be kept: it stays on the screen, and open.
    pub fn refuse(&mut self, kept: String) {
        (self.kept, self.refused) = (kept, true);
    }

    /// The kept text changed elsewhere (undo, another command): the draft follows.
    pub fn follow(&mut self, kept: &str) {
        if kept != self.kept {
            *self = Self::of(kept);
        }
    }
}

/// Drafts by Study Instance UID.
#[derive(Debug, Default)]
pub struct Drafts {
    drafts: BTreeMap<String, Draft>,
}

impl Drafts {
    /// The draft of a study; it begins with the kept text.
    pub fn of(&mut self, study_uid: &str, kept: &str) -> &mut Draft {
        self.drafts
            .entry(study_uid.to_owned())
            .or_insert_with(|| Draft::of(kept))
    }

    /// The draft of a study, when there is one.
    pub fn get(&self, study_uid: &str) -> Option<&Draft> {
        self.drafts.get(study_uid)
    }

    /// Follows what is kept, after an undo or a look into the store.
    pub fn follow<'a>(&mut self, kept: impl Fn(&str) -> &'a str) {
        for (study_uid, draft) in &mut self.drafts {
            draft.follow(kept(study_uid));
        }
    }

    /// What is due: study, text before, text after. All of it when `all`.
    pub fn take_due(&mut self, now: Instant, all: bool) -> Vec<(String, String, String)> {
        let mut due = Vec::new();
        for (study_uid, draft) in &mut self.drafts {
            if (all && draft.is_open() || draft.due().is_some_and(|at| at <= now))
                && let Some((from, to)) = draft.take_change()
            {
                due.push((study_uid.clone(), from, to));
            }
        }
        due
    }

    /// The next moment at which something is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.drafts.values().filter_map(Draft::due).min()
    }

    /// Whether something is not kept yet.
    pub fn is_open(&self) -> bool {
        self.drafts.values().any(Draft::is_open)
    }

    /// Forgets all drafts.
    pub fn clear(&mut self) {
        self.drafts.clear();
    }
}

/// How a report leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// To the clipboard, as Markdown.
    Copied,
    /// A Markdown file.
    Markdown,
    /// A PDF.
    Pdf,
}

impl Workspace {
    /// The study whose report is written: that of the active view.
    pub fn report_study(&self) -> Option<&str> {
        let study = self.active_viewport()?.study()?;
        let uid = study.uid.as_str();
        (!uid.is_empty() && !self.library.is_of_several(uid)).then_some(uid)
    }

    /// Whether the open study has no report because its UID is that of another person's study, too.
    pub fn is_report_ambiguous(&self) -> bool {
        let study = self.active_viewport().and_then(|v| v.study());
        study.is_some_and(|study| self.library.is_of_several(&study.uid))
    }

    /// Modality and body part of the active view, for the template that fits.
    pub fn report_subject(&self) -> (&str, &str) {
        let viewport = self.active_viewport();
        let node = viewport.and_then(|v| v.node.as_ref());
        node.map_or(("", ""), |node| {
            let series = &node.description;
            (series.modality.as_str(), series.body_part.as_str())
        })
    }

    /// The report of a study as it is on the screen.
    pub fn report_of(&self, study_uid: &str) -> Report {
        match self.drafts.get(study_uid) {
            Some(draft) => draft.report.clone(),
            None => Report::parse(self.marks.report(study_uid)),
        }
    }

    /// Whether something of a report is not kept yet.
    pub fn is_report_open(&self, study_uid: &str) -> bool {
        self.drafts.get(study_uid).is_some_and(Draft::is_open)
    }

    /// Changes a report; it is kept after a pause in writing.
    pub fn write_report(&mut self, study_uid: &str, report: Report) {
        let kept = self.marks.report(study_uid).to_owned();
        self.drafts
            .of(study_uid, &kept)
            .change(report, Instant::now());
        self.waker.wake("report");
    }

    /// Keeps what is due, or everything that is open. Gives the time until the next is due.
    pub fn keep_reports(&mut self, all: bool) -> Option<Duration> {
        let now = Instant::now();
        for (study_uid, from, text) in self.drafts.take_due(now, all) {
            let kept = self.marks.report(&study_uid);
            if text != kept && !self.set_report(&study_uid, &text) {
                self.drafts.of(&study_uid, &from).refuse(from.clone());
                self.marks.report_refused(&study_uid);
                self.notify("notice-report-refused", String::new());
            }
        }
        let marks = &self.marks;
        self.drafts.follow(|study_uid| marks.report(study_uid));
        self.drafts
            .next_due()
            .map(|at| at.saturating_duration_since(now))
    }

    /// The mark that a report names by the beginning of its id, when there is exactly one.
    pub fn mark_named(&self, name: &AnnotationId) -> Option<&crate::model::annotation::Annotation> {
        if let Some(mark) = self.marks.set().get(name) {
            return Some(mark);
        }
        let mut found = self
            .marks
            .set()
            .iter()
            .filter(|mark| mark.id.0.ends_with(&name.0));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// A short name of a mark that no other mark has: the end of its id.
    pub fn short_mark_name(&self, id: &AnnotationId) -> AnnotationId {
        let text = &id.0;
        for length in [6, 10, 16] {
            let from = text.len().saturating_sub(length);
            if let Some(end) = text.get(from..) {
                let short = AnnotationId(end.to_owned());
                if self.mark_named(&short).is_some_and(|mark| mark.id == *id) {
                    return short;
                }
            }
        }
        id.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_read_and_speaks_both_languages() {
        assert_eq!(
            Template::all().len(),
            5,
            "a template that is not read is left out"
        );
        for template in Template::all() {
            for language in Language::ALL {
                let report = template.report(language);
                assert!(
                    report.sections.len() >= 5 && report.is_blank(),
                    "{}",
                    template.name
                );
                assert!(report.sections.iter().all(|s| !s.title.is_empty()));
                assert_eq!(Report::parse(&report.write()), report);
            }
        }
        let check = |modality, part, name| {
            assert_eq!(Template::fitting(modality, part).unwrap().name, name);
        };
        check("CT", "CHEST", "ct-chest");
        check("DX", "Chest", "chest-radiograph");
        check("MR", "BRAIN", "mr-brain");
        check("CT", "KNEE", "general");
        check("US", "", "general");
    }

    #[test]
    fn a_pause_keeps_the_draft_as_one_step() {
        let start = Instant::now();
        let mut drafts = Drafts::default();
        let typed = |text: &str| Report::parse(&format!("## Findings\n{text}"));
        drafts.of("1.2", "").change(typed("n"), start);
        drafts.of("1.2", "").change(typed("no"), start + PAUSE / 2);
        assert!(
            drafts.take_due(start + PAUSE, false).is_empty(),
            "still typing"
        );
        let due = drafts.take_due(start + PAUSE * 2, false);
        let expected = (
            "1.2".to_owned(),
            String::new(),
            "## Findings\nno".to_owned(),
        );
        assert_eq!(due, [expected]);
        assert!(!drafts.is_open() && drafts.next_due().is_none());
        // Undo changes the kept text, and the draft follows.
        drafts.follow(|_| "");
        assert!(drafts.get("1.2").unwrap().report.sections.is_empty());
        // Typing there and back is no step.
        drafts.of("1.2", "").change(typed("x"), start);
        drafts.of("1.2", "").change(Report::default(), start);
        assert!(drafts.take_due(start, true).is_empty());
    }
}
