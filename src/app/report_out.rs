//! A report leaves the window: to the clipboard, as Markdown, as PDF. Its numbers are what the marks measure now.

use super::{Program, dialogs};
use crate::{
    clinical::report_pdf,
    files::write_whole,
    task::spawn_named,
    ui::{mark_text, overlay_text},
    workspace::{event::Event, report::ReportFormat},
};

impl Program {
    /// Lines that say whose report it is; with identity hidden they say that.
    fn report_head(&self) -> Vec<String> {
        let workspace = &self.workspace;
        let words = workspace.settings.language;
        let mut head = Vec::new();
        let active = workspace.active_viewport();
        if let Some((patient, study)) = active.and_then(|v| v.patient().zip(v.study())) {
            if workspace.settings.hide_identity {
                head.push(words.word("badge-identity-hidden").to_owned());
            } else {
                let name = overlay_text::name_text(words, patient);
                let born = overlay_text::birth_text(words, patient, study.date);
                head.push(format!("{name}  {}  {born}", patient.id.reveal()));
                let date = study.date.map(|d| d.to_string()).unwrap_or_default();
                head.push(format!("{date}  {}", study.description));
            }
        }
        head
    }

    /// The report of the active study, on its way out.
    pub(super) fn report_out(&mut self, ctx: &egui::Context, format: ReportFormat) {
        let workspace = &self.workspace;
        let words = workspace.settings.language;
        let Some(study) = workspace.report_study() else {
            return;
        };
        let say = |name: &_| {
            let mark = workspace.mark_named(name)?;
            let found = workspace.measuring.of(mark);
            Some(mark_text::short(words, mark.shape.kind, found).join(", "))
        };
        let report = workspace
            .report_of(study)
            .resolved(say, words.word("report-mark-gone"));
        let (title, notice) = (words.word("report-title"), words.word("app-notice"));
        let head = self.report_head();
        let lines = head.iter().map(|line| format!("{line}  \n"));
        let markdown = format!(
            "# {title}\n\n{}\n{}\n\n---\n{notice}\n",
            lines.collect::<String>(),
            report.write()
        );
        if format == ReportFormat::Copied {
            ctx.copy_text(markdown);
            self.workspace.notify("notice-report-copied", String::new());
            return;
        }
        let frame = report_pdf::Frame {
            title: title.to_owned(),
            head,
            foot: notice.to_owned(),
        };
        let events = self.workspace.sender();
        let job = self.workspace.jobs.start("job-report-out").id;
        let ending = self.workspace.ending(job);
        let body = move || {
            let _ending = ending;
            let (name, bytes, unknown) = match format {
                ReportFormat::Pdf => {
                    let pdf = report_pdf::write(&report, &frame);
                    (("report.pdf", "PDF", "pdf"), pdf.bytes, pdf.unknown)
                }
                _ => (("report.md", "Markdown", "md"), markdown.into_bytes(), 0),
            };
            if let Some(path) = dialogs::save_as(name.0, name.1, &[name.2]) {
                let (key, detail) = match write_whole(&path, &bytes) {
                    Ok(()) if unknown > 0 => ("notice-report-letters", unknown.to_string()),
                    Ok(()) => ("notice-report-saved", String::new()),
                    Err(error) => ("notice-report-failed", error.kind().to_string()),
                };
                let _ = events.send(Event::Notice { key, detail });
            }
        };
        if let Err(error) = spawn_named("report", body) {
            let reason = error.kind().to_string();
            self.workspace.notify("notice-report-failed", reason);
        }
    }
}
