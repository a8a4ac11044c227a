//! The log of who did what: a table that is narrowed, whether the log is whole, and the way out of it.

use super::{context::UiContext, theme, widgets};
use crate::{
    i18n::Value,
    model::access::AuditKind,
    store::{AuditEntry, audit_forms::iso},
    workspace::{
        Action,
        audit_view::{AuditAction, AuditFilter, AuditForm, AuditRead},
    },
};
use egui::{ComboBox, RichText, ScrollArea, TextEdit, Ui, vec2};
use std::sync::Arc;

/// Height of a row, points.
const ROW: f32 = 20.0;
/// Widths of the columns but for the last, points: when, who, what.
const COLUMNS: [f32; 3] = [150.0, 110.0, 170.0];

/// Draws the log when it is open.
pub fn audit_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.workspace.audit.open {
        return;
    }
    let read = Arc::clone(&context.workspace.audit.read);
    let before = context.workspace.audit.filter.clone();
    let mut filter = before.clone();
    let mut open = true;
    let area = ui.ctx().content_rect();
    let size = vec2(
        900.0_f32.min(area.width() - 60.0),
        560.0_f32.min(area.height() - 120.0),
    );
    egui::Window::new(context.word("audit-title"))
        .id(egui::Id::unique("audit"))
        .open(&mut open)
        .collapsible(false)
        .default_size(size)
        .default_pos(area.center() - size / 2.0)
        .show(ui.ctx(), |ui| {
            state_ui(context, ui, &read);
            ui.add_space(6.0);
            filter_ui(context, ui, &read, &mut filter);
            ui.separator();
            table_ui(context, ui, &read);
        });
    if filter != before {
        context
            .actions
            .push(Action::Audit(AuditAction::Narrow(filter)));
    }
    if !open {
        context.actions.push(Action::Audit(AuditAction::Close));
    }
}

/// Whether the log is whole, and its head.
fn state_ui(context: &mut UiContext<'_>, ui: &mut Ui, read: &AuditRead) {
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            for (form, key) in [
                (AuditForm::Csv, "audit-write-csv"),
                (AuditForm::Fhir, "audit-write-fhir"),
            ] {
                if ui.button(context.word(key)).clicked() {
                    context.actions.push(Action::WriteAudit(form));
                }
            }
            if ui.button(context.word("audit-read")).clicked() {
                context.actions.push(Action::Audit(AuditAction::Read));
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let Some(report) = &read.report else {
                    widgets::dim(ui, context.word("panel-loading"));
                    return;
                };
                match &report.problem {
                    None if report.damaged_before => {
                        let text = context.word("audit-damaged-before");
                        widgets::line(ui, RichText::new(text).color(theme::WARN));
                    }
                    None => {
                        let count = [("count", Value::from(report.entries as usize))];
                        let text = context.tr("audit-sound", &count);
                        let text = RichText::new(text).color(theme::OK);
                        let line = widgets::line(ui, text);
                        if let Some(head) = report.head {
                            line.on_hover_text(head.text());
                        }
                    }
                    Some((number, _)) => {
                        let count = [("number", Value::from(*number as usize))];
                        let text = context.tr("audit-broken", &count);
                        widgets::line(ui, RichText::new(text).color(theme::ERROR).strong());
                    }
                }
            });
        });
    });
}

fn filter_ui(context: &UiContext<'_>, ui: &mut Ui, read: &AuditRead, filter: &mut AuditFilter) {
    ui.horizontal_wrapped(|ui| {
        let all = context.word("audit-all-users");
        let shown = match filter.user.is_empty() {
            true => all,
            false => filter.user.as_str(),
        };
        ComboBox::from_id_salt("audit user")
            .selected_text(shown.to_owned())
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut filter.user, String::new(), all);
                for user in &read.users {
                    ui.selectable_value(&mut filter.user, user.clone(), user);
                }
            });
        let all = context.word("audit-all-kinds");
        let shown = filter.kind.map_or(all, |kind| context.word(kind_key(kind)));
        ComboBox::from_id_salt("audit kind")
            .selected_text(shown)
            .width(170.0)
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut filter.kind, None, all);
                for kind in AuditKind::ALL {
                    let word = context.word(kind_key(kind));
                    ui.selectable_value(&mut filter.kind, Some(kind), word);
                }
            });
        ui.checkbox(&mut filter.refused, context.word("audit-refused"));
        let field = TextEdit::singleline(&mut filter.words)
            .hint_text(context.word("audit-words"))
            .desired_width(180.0);
        ui.add(field);
        let shown = [("count", Value::from(context.workspace.audit.shown.len()))];
        widgets::dim(ui, context.tr("audit-shown", &shown));
        if read.left_out > 0 {
            let count = [("count", Value::from(read.left_out))];
            widgets::dim(ui, context.tr("audit-left-out", &count));
        }
    });
}

fn table_ui(context: &UiContext<'_>, ui: &mut Ui, read: &AuditRead) {
    let shown = &context.workspace.audit.shown;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show_rows(ui, ROW, shown.len(), |ui, rows| {
            for number in shown.get(rows).unwrap_or_default() {
                if let Some(entry) = read.entries.get(*number) {
                    row_ui(context, ui, entry);
                }
            }
        });
}

fn row_ui(context: &UiContext<'_>, ui: &mut Ui, entry: &AuditEntry) {
    let kind = context.word(kind_key(entry.kind));
    let time = iso(entry.time_ms).replace(['T', 'Z'], " ");
    let detail = detail_text(context, &entry.detail);
    let color = match entry.done {
        true => theme::TEXT,
        false => theme::WARN,
    };
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        ui.spacing_mut().item_spacing.x = 8.0;
        for (text, width) in [time.trim(), &entry.user, kind].into_iter().zip(COLUMNS) {
            ui.allocate_ui_with_layout(
                vec2(width, ROW),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| {
                    ui.set_min_width(width);
                    widgets::line(ui, RichText::new(text).color(color).size(theme::SMALL_PT));
                },
            );
        }
        let mut words = Vec::new();
        if !entry.done {
            words.push(context.word("audit-not-done").to_owned());
        }
        words.extend((!detail.is_empty()).then_some(detail));
        for reference in [&entry.patient, &entry.study] {
            if let Some(short) = reference.get(..8) {
                words.push(short.to_owned());
            }
        }
        let text = RichText::new(words.join("  "));
        widgets::line(ui, text.color(theme::TEXT_DIM).size(theme::SMALL_PT)).on_hover_text(
            format!(
                "{} {}\n{}\n{} {}",
                entry.number,
                entry.role.name(),
                entry.detail,
                entry.patient,
                entry.study
            ),
        );
    });
}

/// The detail of an entry in the user's language where it is one of the program's own; what else stands there was written
/// by somebody, or is a name.
fn detail_text(context: &UiContext<'_>, detail: &str) -> String {
    let key = match detail {
        "studies" => "audit-detail-studies",
        "records" => "audit-detail-records",
        "words of records" => "audit-detail-words",
        "cohort" => "audit-detail-cohort",
        "quality" => "audit-detail-quality",
        _ => "",
    };
    if !key.is_empty() {
        return context.word(key).to_owned();
    }
    let numbers = |pattern: &str| numbers_of(detail, pattern);
    let told = |key, [first, second]: [usize; 2]| {
        let values = [
            ("first", Value::from(first)),
            ("second", Value::from(second)),
        ];
        context.tr(key, &values)
    };
    if let Some([commits]) = numbers("# commits").as_deref() {
        return told("audit-detail-commits", [*commits, 0]);
    }
    for (pattern, key) in [
        ("# new, # replaced", "audit-detail-resources"),
        ("# new files, # again", "audit-detail-files"),
        ("cohort: # patients, # facts", "audit-detail-tables"),
    ] {
        if let Some([first, second]) = numbers(pattern).as_deref() {
            return told(key, [*first, *second]);
        }
    }
    detail.to_owned()
}

/// The numbers where `#` stands in a pattern, when a text is of it.
fn numbers_of(text: &str, pattern: &str) -> Option<Vec<usize>> {
    let mut rest = text;
    let mut found = Vec::new();
    for (place, part) in pattern.split('#').enumerate() {
        if place > 0 {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (digits, after) = rest.split_at_checked(end)?;
            found.push(digits.parse().ok()?);
            rest = after;
        }
        rest = rest.strip_prefix(part)?;
    }
    rest.is_empty().then_some(found)
}

const fn kind_key(kind: AuditKind) -> &'static str {
    match kind {
        AuditKind::Begun => "audit-begun",
        AuditKind::Opened => "audit-opened",
        AuditKind::Closed => "audit-closed",
        AuditKind::LoginFailed => "audit-login-failed",
        AuditKind::Locked => "audit-locked",
        AuditKind::Unlocked => "audit-unlocked",
        AuditKind::BreakGlass => "audit-break-glass",
        AuditKind::Denied => "audit-denied",
        AuditKind::Query => "audit-query",
        AuditKind::StudyViewed => "audit-study-viewed",
        AuditKind::RecordViewed => "audit-record-viewed",
        AuditKind::Edited => "audit-edited",
        AuditKind::Undone => "audit-undone",
        AuditKind::StudiesImported => "audit-studies-imported",
        AuditKind::ImagesKept => "audit-images-kept",
        AuditKind::RecordsImported => "audit-records-imported",
        AuditKind::Exported => "audit-exported",
        AuditKind::Anonymized => "audit-anonymized",
        AuditKind::Erased => "audit-erased",
        AuditKind::Verified => "audit-verified",
        AuditKind::BackedUp => "audit-backed-up",
        AuditKind::Restored => "audit-restored",
        AuditKind::Recovered => "audit-recovered",
        AuditKind::Rekeyed => "audit-rekeyed",
        AuditKind::UserAdded => "audit-user-added",
        AuditKind::UserRemoved => "audit-user-removed",
        AuditKind::RoleChanged => "audit-role-changed",
        AuditKind::PassphraseChanged => "audit-passphrase-changed",
        AuditKind::KeyRemembered => "audit-key-remembered",
        AuditKind::KeyForgotten => "audit-key-forgotten",
        AuditKind::AuditRead => "audit-audit-read",
        AuditKind::AuditDamaged => "audit-audit-damaged",
        AuditKind::Failed => "audit-failed",
    }
}

#[cfg(test)]
mod tests {
    use super::numbers_of;

    #[test]
    fn numbers_of_a_pattern_are_read() {
        assert_eq!(numbers_of("5 commits", "# commits"), Some(vec![5]));
        let two = "12 new, 3 replaced";
        assert_eq!(numbers_of(two, "# new, # replaced"), Some(vec![12, 3]));
        for other in ["commits", "5 commits more", "x commits", "5  commits", ""] {
            assert_eq!(numbers_of(other, "# commits"), None, "{other}");
        }
    }
}
