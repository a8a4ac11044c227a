//! What the window asks of the workspace: commands, and the few gestures that carry values.

use super::{
    Command,
    command::Group,
    effect::Effect,
    hanging::protocol::Protocol,
    masks::FrameKey,
    picture_out::PictureWish,
    report::ReportFormat,
    settings::{Settings, SideTab},
    state::{FilmWish, Layout, Wanted, Workspace},
    view::{ViewState, Viewport, VoiChoice},
};
use crate::{
    i18n::Language,
    model::{
        arrangement::{Grid, Parting},
        geometry::BodyPlane,
        identity::PatientIdentity,
        passphrase::Passphrase,
        report::Report,
        view::OverlayStyle,
    },
    tools::Tool,
};
use glam::DVec3;
use std::{path::PathBuf, sync::Arc};

/// One wish. The window collects them while it draws; the program carries them out afterwards.
#[derive(Clone, Debug)]
pub enum Action {
    /// Choose a training task by its place in the list.
    TrainingTask(usize),
    /// Choose a folder of pictures to learn from.
    ChooseTraining,
    /// Carry a command out.
    Run(Command),
    /// Make a cell the active one.
    Activate(usize),
    /// Show a series in a cell.
    Show {
        /// Cell.
        cell: usize,
        /// Key of the series.
        series: String,
    },
    /// Show what an object says in a cell.
    ShowObject {
        /// Cell.
        cell: usize,
        /// Key of the object.
        object: String,
    },
    /// Show the instance that a document refers to.
    ShowReference {
        /// Cell of the document.
        cell: usize,
        /// SOP Instance UID.
        instance: String,
        /// Frame, counted from 1.
        frame: Option<u32>,
    },
    /// Open or close a node of a document.
    ToggleNode {
        /// Cell.
        cell: usize,
        /// Place of the node.
        node: usize,
    },
    /// Bring a node of a document into sight.
    SeeNode {
        /// Cell.
        cell: usize,
        /// Place of the node.
        node: usize,
    },
    /// Open all nodes of a document, or close them.
    CloseNodes {
        /// Cell.
        cell: usize,
        /// Close them.
        closed: bool,
    },
    /// Another layout, while a gesture on it runs.
    Layout(Layout),
    /// A gesture on the layout ended; this is how it was before.
    LayoutDone(Layout),
    /// Parts a cell in two at a fraction of itself.
    Split {
        /// Cell.
        cell: usize,
        /// Which way the line runs.
        way: Parting,
        /// From the left, or from above.
        at: f64,
    },
    /// One series as tiles.
    Tiles(Grid),
    /// A cell into a window of its own, or back.
    Detach(usize),
    /// A window stands here now: that of a cell, or the main one.
    WindowAt {
        /// Cell; `None` for the main window.
        cell: Option<usize>,
        /// Where.
        place: super::monitors::Place,
    },
    /// Save the layout under a name.
    SaveLayout(String),
    /// Arrange the cells as a saved layout says.
    RecallLayout(String),
    /// Forget a saved layout.
    ForgetLayout(String),
    /// Hang a patient's study.
    HangStudy {
        /// Whose.
        patient: Arc<PatientIdentity>,
        /// Study Instance UID.
        study: String,
    },
    /// Hang what is read by a protocol, by its short name.
    HangBy(String),
    /// Another draft of a protocol; `None` leaves it.
    Draft(Option<Box<Protocol>>),
    /// Keep the draft.
    SaveDraft,
    /// Show a patient beside another one, or leave it.
    AnswerMixing(bool),
    /// Move by slices.
    Step {
        /// Cell.
        cell: usize,
        /// How many, signed.
        by: i64,
    },
    /// Go to a slice.
    GoTo {
        /// Cell.
        cell: usize,
        /// Index from 0.
        index: usize,
    },
    /// The view changed while a gesture runs.
    View {
        /// Cell.
        cell: usize,
        /// The new state.
        view: ViewState,
    },
    /// A gesture ended: one step of undo.
    Commit {
        /// Cell.
        cell: usize,
        /// The state before the gesture.
        before: ViewState,
    },
    /// A cell has another size on the screen.
    Sized {
        /// Cell.
        cell: usize,
        /// Device pixels.
        size: [u32; 2],
    },
    /// Millimetres of a pixel of the monitor.
    PixelPitch(f64),
    /// Something of the film in a cell.
    Film {
        /// Cell.
        cell: usize,
        /// What.
        wish: FilmWish,
    },
    /// Link views of different patients, or leave it.
    AnswerLink(bool),
    /// A gesture ended that changed several cells: one step of undo, from how they stood before.
    CommitLayout(Box<super::state::Arrangement>),
    /// Choose a window of the active cell, as one step of undo.
    Window(VoiChoice),
    /// The window of what filters made of a picture is known.
    ResultWindow {
        /// Cell.
        cell: usize,
        /// The window.
        level: Option<crate::model::lut::WindowLevel>,
    },
    /// Put the crosshair on a point.
    Crosshair {
        /// Cell.
        cell: usize,
        /// Patient point.
        point: DVec3,
    },
    /// Turn a plane of the volume in a cell, as seen in that cell.
    TurnPlanes {
        /// Cell.
        cell: usize,
        /// Which plane.
        moved: BodyPlane,
        /// The normal of what the cell shows.
        axis: DVec3,
        /// Radians, to the right hand.
        angle: f64,
    },
    /// Make the slab of a cell thicker or thinner by notches of the wheel.
    Thicken {
        /// Cell.
        cell: usize,
        /// Notches, signed.
        notches: i64,
    },
    /// Draw masks like this.
    MaskStyle(OverlayStyle),
    /// Run this model on volumes from now on.
    VolumeModel(String),
    /// Show models mirror images of volumes too, where their cards allow it.
    VolumeMirrors(bool),
    /// Take the mask over a series away.
    RemoveVolumeMask(String),
    /// Take a mask away.
    RemoveMask(FrameKey),
    /// List what was noticed.
    List,
    /// A picture for the clipboard or a file.
    PictureOut {
        /// Which.
        wish: PictureWish,
        /// Into a file, else to the clipboard.
        save: bool,
    },
    /// Write in the report of a study.
    ReportText {
        /// Study Instance UID.
        study: String,
        /// As it reads now.
        report: Report,
    },
    /// The report of the active study leaves.
    ReportOut(ReportFormat),
    /// Take a tool into the hand.
    Tool(Tool),
    /// Other preferences.
    Settings(Box<Settings>),
    /// The true length of a line, or none.
    Calibration(super::calibrating::CalibrationAnswer),
    /// Something of the marks.
    Mark(super::measuring::MarkAction),
    /// Something of readers who are compared.
    Adjudicate(super::adjudicating::AdjudicateAction),
    /// Something of the case queue.
    Case(super::cases::CaseAction),
    /// Something of the labels for learning.
    Label(super::labelling::LabelAction),
    /// Something of the segmentations.
    Segment(super::segmenting::SegmentAction),
    /// Open a tab on the right.
    Tab(SideTab),
    /// Open a part of the record panel.
    RecordView(super::insight::RecordView),
    /// Let the chart show what lies in these days, or everything.
    RecordSpan(Option<(i64, i64)>),
    /// Whether files that do not say it belong to the patient on the screen.
    AnswerWhose(bool),
    /// Join two facts of the record, or part them again.
    MergeFacts {
        /// The two, the one that stays in sight first.
        pair: crate::clinical::duplicates::Pair,
        /// Join them.
        join: bool,
    },
    /// Mend defects of the record on the screen: their numbers in its list.
    Mend(Vec<usize>),
    /// The log of who did what.
    Audit(super::audit_view::AuditAction),
    /// The log leaves.
    WriteAudit(super::audit_view::AuditForm),
    /// Many patients at once.
    Cohort(super::cohort_view::CohortAction),
    /// They leave as tables.
    ExportCohort,
    /// Words of all records.
    Search(super::record_search::SearchAction),
    /// What the columns of a table mean.
    Mapping(super::mapping::MappingAction),
    /// Show where a finding of a text is.
    SeeFinding(Box<super::finding_place::FindingPlace>),
    /// A study of the record was asked for that is not open.
    StudyNotOpen,
    /// Stop a job.
    CancelJob(super::jobs::JobId),
    /// Put a message away.
    DismissNotice(usize),
    /// Another opacity of explanations.
    ExplanationOpacity(f32),
    /// Show explanations, or not.
    ShowExplanations(bool),
    /// Take the explanation of a frame away.
    RemoveExplanation(FrameKey),
    /// Something on the page of an evaluation.
    Evaluation(super::evaluation::EvaluationAction),
    /// Open files and folders.
    Open(Vec<PathBuf>),
    /// Try a passphrase on the archive that is asked about.
    TryPassphrase(Passphrase),
    /// Leave the archive that is asked about locked.
    LeaveLocked,
    /// Ask for the passphrases of what was left locked.
    AskPassphrase,
    /// Open the store with this passphrase, or make it.
    OpenStore(Passphrase),
    /// Whether this computer is to remember the key of the store that opens next.
    RememberKey(bool),
    /// Keep nothing.
    KeepNothing,
    /// Ask for the passphrase of the store.
    AskStore,
    /// Something about copies without identity.
    Deid(super::deid::DeidAction),
    /// Lock the window.
    Lock,
    /// Try a passphrase on the locked window.
    TryUnlock(Passphrase),
    /// The reason why more is to be allowed; nothing closes the question.
    BreakGlass(Option<String>),
    /// Do not close.
    StayOpen,
    /// Close although something is on no disk.
    CloseAnyway,
    /// Copy rows of a table as the DICOM JSON Model.
    CopyElements {
        /// The table.
        table: Arc<crate::model::elements::ElementTable>,
        /// First row.
        from: usize,
        /// Behind the last row.
        to: usize,
    },
    /// Compare the object in the tag browser with another.
    CompareTags(super::tags::CompareWith),
    /// A screen was measured, or is to be corrected or not.
    Screen {
        /// The monitor, as [`super::settings::Settings::screens`] has it.
        monitor: String,
        /// How it was measured.
        setting: super::screen_setting::ScreenSetting,
    },
    /// Choose a file of measured luminances of a monitor.
    ChooseCurve(String),
    /// Speak another language.
    Speak(Language),
    /// Make the small picture of a series.
    Small(String),
    /// Something about the list of studies.
    Studies(super::study_list::ListAction),
}

impl Action {
    /// Whether the reader arranges or changes what is shown: then nothing hangs by itself any more.
    fn is_by_hand(&self) -> bool {
        match self {
            Self::Run(command) => {
                let group = command.row().group;
                matches!(group, Group::Image | Group::Window | Group::Navigate)
                    || matches!(
                        command,
                        Command::LayoutOne
                            | Command::LayoutTwo
                            | Command::LayoutFour
                            | Command::LayoutMpr
                            | Command::Tiles
                            | Command::SplitRight
                            | Command::SplitDown
                            | Command::JoinCells
                    )
            }
            Self::Show { .. }
            | Self::ShowObject { .. }
            | Self::ShowReference { .. }
            | Self::Step { .. }
            | Self::GoTo { .. }
            | Self::View { .. }
            | Self::Window(_)
            | Self::Crosshair { .. }
            | Self::Layout(_)
            | Self::Split { .. }
            | Self::Tiles(_)
            | Self::RecallLayout(_) => true,
            _ => false,
        }
    }
}

impl Workspace {
    /// Carries a wish out; what it asks of the program around comes back.
    pub fn act(&mut self, action: Action) -> Option<super::state::Effect> {
        self.hanging.by_hand |= action.is_by_hand();
        match action {
            // Escape leaves the list before it means anything else.
            Action::Run(Command::Cancel) if self.list.shown => {
                self.act_on_list(super::study_list::ListAction::Show(false));
            }
            Action::Run(Command::Cancel) if self.evaluation.shown => self.evaluation.shown = false,
            Action::Evaluation(action) => return self.act_on_evaluation(action),
            Action::Run(command) => return self.execute(command),
            Action::Activate(cell) => {
                if self.active != cell && cell < self.layout.cells() {
                    self.active = cell;
                    self.request_frames();
                }
            }
            Action::Show { cell, series } => {
                self.with_layout(|w| w.show_or_ask(cell, Wanted::Series(series)));
            }
            Action::ShowObject { cell, object } => {
                self.show_or_ask(cell, Wanted::Object(object));
            }
            Action::Layout(layout) => self.set_shape(layout),
            Action::LayoutDone(before) => self.layout_done(before),
            Action::Split { cell, way, at } => self.with_layout(|w| {
                w.split_cell(cell, way, at);
            }),
            Action::Tiles(grid) => self.with_layout(|w| w.set_tiles(grid)),
            Action::Detach(cell) => self.toggle_detached(cell),
            Action::WindowAt { cell, place } => self.window_at(cell, place),
            Action::SaveLayout(name) => self.save_layout(&name),
            Action::RecallLayout(name) => self.with_layout(|w| w.recall_layout(&name)),
            Action::ForgetLayout(name) => self.forget_layout(&name),
            Action::HangStudy { patient, study } => {
                self.with_layout(|w| w.read_study(&patient, &study));
            }
            Action::HangBy(protocol) => self.with_layout(|w| {
                w.hang_by(&protocol);
            }),
            Action::Draft(Some(protocol)) => self.revise_draft(*protocol),
            Action::Draft(None) => self.hanging.draft = None,
            Action::SaveDraft => self.save_draft(),
            Action::AnswerMixing(yes) => self.with_layout(|w| w.answer_mixing(yes)),
            Action::ShowReference {
                cell,
                instance,
                frame,
            } => self.show_reference(cell, &instance, frame),
            Action::ToggleNode { cell, node } => self.with_document(cell, |d, _| d.toggle(node)),
            Action::SeeNode { cell, node } => self.with_document(cell, |d, content| {
                if let Some(content) = content {
                    d.show_node(content, node);
                }
            }),
            Action::CloseNodes { cell, closed } => self.with_document(cell, |d, content| {
                if let Some(content) = content {
                    d.close_all(content, closed);
                }
            }),
            Action::Step { cell, by } => self.step(cell, by),
            Action::GoTo { cell, index } => self.go_to_slice(cell, index),
            Action::View { cell, view } => {
                if let Some(before) = self.viewports.get(cell).map(|v| v.view.clone()) {
                    self.with_viewport(cell, |v| v.view = view);
                    self.films.stop(cell);
                    // Tiles are one view; linked views follow each in its own scale.
                    if !self.share_tile_view(cell) {
                        self.follow_view(cell, &before);
                    }
                }
            }
            Action::Sized { cell, size } => self.linking.set_size(cell, size),
            Action::PixelPitch(mm) => self.settings.pixel_pitch_mm = Some(mm),
            Action::Film { cell, wish } => self.change_film(cell, wish),
            Action::AnswerLink(yes) => self.answer_link(yes),
            Action::Commit { cell, before } => self.remember(cell, before),
            Action::CommitLayout(before) => self.remember_layout(*before),
            Action::Window(voi) => {
                let cell = self.active;
                if let Some(before) = self.viewports.get(cell).map(|v| v.view.clone()) {
                    self.with_viewport(cell, |v| v.view.voi = voi);
                    self.remember(cell, before);
                }
            }
            Action::ResultWindow { cell, level } => {
                self.with_viewport(cell, |v| v.result_window = level);
            }
            Action::Crosshair { cell, point } => self.set_crosshair(cell, point),
            Action::TurnPlanes {
                cell,
                moved,
                axis,
                angle,
            } => self.turn_planes(cell, moved, axis, angle),
            Action::Thicken { cell, notches } => {
                self.thicken(cell, notches);
            }
            Action::ExplanationOpacity(opacity) => {
                self.explanations.opacity = opacity.clamp(0.0, 1.0);
            }
            Action::ShowExplanations(visible) => self.explanations.visible = visible,
            Action::RemoveExplanation(frame) => self.explanations.remove(&frame),
            Action::TrainingTask(task) => self.training.task = task,
            Action::ChooseTraining => return Some(Effect::ChooseTraining),
            Action::MaskStyle(style) => self.masks.style = style,
            Action::VolumeModel(id) => self.volume_masks.chosen = Some(id),
            Action::VolumeMirrors(wanted) => self.volume_masks.mirrors = wanted,
            Action::RemoveVolumeMask(series) => self.volume_masks.remove(&series),
            Action::RemoveMask(frame) => self.masks.remove(&frame),
            Action::List => {
                self.settings.show_side = true;
                self.settings.side_tab = SideTab::Findings;
            }
            Action::PictureOut { wish, save } => {
                return Some(super::state::Effect::PictureOut { wish, save });
            }
            Action::ReportText { study, report } => self.write_report(&study, report),
            Action::ReportOut(format) => {
                self.keep_reports(true);
                return Some(super::state::Effect::ReportOut(format));
            }
            Action::Tool(tool) => {
                self.tool = tool;
                self.leave_drawing();
            }
            Action::Settings(settings) => {
                self.settings = *settings;
                self.corrections = super::screen_setting::corrections(&self.settings.screens);
            }
            Action::Calibration(answer) => self.answer_calibration(answer),
            Action::Mark(action) => self.act_on_mark(action),
            Action::Adjudicate(action) => self.adjudicate(action),
            Action::Case(action) => self.act_on_cases(action),
            Action::Label(super::labelling::LabelAction::Choose) => {
                return Some(Effect::ChooseSchema);
            }
            Action::Label(action) => self.act_on_labels(action),
            Action::Segment(action) => self.act_on_segments(action),
            Action::Tab(tab) => self.settings.side_tab = tab,
            Action::RecordView(view) => self.record.view = view,
            Action::RecordSpan(span) => self.record.set_span(span),
            Action::AnswerWhose(yes) => self.record.answer_whose(yes),
            Action::MergeFacts { pair, join } => {
                self.merge_facts(&pair, join);
            }
            Action::Mend(which) => {
                self.mend(&which);
            }
            Action::Audit(action) => self.act_on_audit(action),
            Action::WriteAudit(form) => return Some(Effect::ChooseAudit(form)),
            Action::Cohort(action) => self.act_on_cohort(action),
            Action::ExportCohort => return Some(Effect::ChooseCohort),
            Action::Search(action) => self.act_on_search(action),
            Action::Mapping(action) => self.act_on_mapping(action),
            Action::SeeFinding(place) => self.see_finding(*place),
            Action::StudyNotOpen => self.notify("notice-study-not-open", String::new()),
            Action::CancelJob(id) => {
                if let Some(job) = self.jobs.running().iter().find(|j| j.id == id) {
                    job.cancel.cancel();
                }
            }
            Action::DismissNotice(index) => {
                if index < self.notices.len() {
                    self.notices.remove(index);
                }
            }
            Action::Open(paths) => self.open(paths),
            Action::TryPassphrase(passphrase) => self.try_passphrase(passphrase),
            Action::LeaveLocked => self.leave_locked(),
            Action::AskPassphrase => self.ask_passphrase(),
            Action::OpenStore(passphrase) => self.open_store(passphrase),
            Action::RememberKey(on) => self.access.remember = on,
            Action::KeepNothing => self.keep_nothing(),
            Action::AskStore => self.ask_for_store(true),
            Action::Deid(action) => return self.act_on_deid(action),
            Action::Lock => self.lock(),
            Action::TryUnlock(passphrase) => self.try_unlock(passphrase),
            Action::BreakGlass(Some(reason)) => self.break_glass(reason),
            Action::BreakGlass(None) => self.access.asking_reason = false,
            Action::StayOpen => self.marks.closing = false,
            Action::CloseAnyway => return Some(super::state::Effect::QuitAnyway),
            Action::CopyElements { table, from, to } => self.copy_elements(table, from, to),
            Action::CompareTags(with) => self.tags.with = with,
            Action::Screen { monitor, setting } => self.set_screen(monitor, setting),
            Action::ChooseCurve(monitor) => {
                self.windows.measured = monitor;
                return Some(super::state::Effect::ChooseCurve);
            }
            Action::Speak(language) => self.settings.language = language,
            Action::Small(series) => self.want_small(&series),
            Action::Studies(action) => self.act_on_list(action),
        }
        None
    }

    fn with_viewport(&mut self, cell: usize, change: impl FnOnce(&mut Viewport)) {
        if let Some(viewport) = self.viewports.get_mut(cell) {
            change(viewport);
        }
    }
}
