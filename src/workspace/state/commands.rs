//! What each command does, and when it is of use.

use super::{Effect, Layout, Workspace};
use crate::{
    model::{access::Right, explanation::Method},
    tools::{Tool, navigate::zoom_wheeled},
    workspace::{
        command::{Command, Needs},
        evaluation::EvaluationAction,
        insight::RecordView,
        measuring::export::MarkFormat,
        planes, presets,
        settings::SideTab,
        view::{ViewState, VoiChoice},
    },
};

impl Workspace {
    /// Whether a command is of use now.
    pub fn is_enabled(&self, command: Command) -> bool {
        let viewport = self.active_viewport();
        let picture = viewport.is_some_and(|v| v.display.is_some());
        match command.row().needs {
            Needs::Nothing => true,
            Needs::Study => !self.library.patients.is_empty(),
            Needs::List => !self.list.index().is_empty(),
            Needs::Picture => picture,
            Needs::Content => self.has_content(),
            Needs::Marks => self.has_marks(),
            Needs::Frame => self.shows_frame(),
            Needs::Report => self.shows_report(),
            Needs::View => viewport.is_some_and(|v| v.patient().is_some()),
            Needs::Volume => viewport
                .and_then(|v| v.display.as_ref())
                .is_some_and(|d| d.is_volume()),
            Needs::Cut => viewport.is_some_and(|v| v.kind.is_cut()),
            Needs::Free => self.is_free(),
            Needs::Partner => self.is_free() && self.layout.partner(self.active).is_some(),
            Needs::ModelVolume => {
                self.volume_masks.model().is_some()
                    && viewport
                        .and_then(|v| v.display.as_ref())
                        .is_some_and(|d| d.is_volume())
            }
            Needs::ModelLesions => {
                let display = viewport.and_then(|v| v.display.as_ref());
                self.volume_masks.lesions.is_some() && display.is_some_and(|d| d.is_volume())
            }
            Needs::ModelInput => picture && cfg!(feature = "ai"),
            Needs::Calibration => self.calibration_shown().is_some(),
            Needs::TrainingReady => self.training.can_start(),
            Needs::TrainingRun => self.training.runs(),
            Needs::Linked => self.linking.has_ties(),
            Needs::Mark => self.selected_mark().is_some(),
            Needs::Segmentation => self.active_segmentation().is_some(),
            Needs::Mask => self.can_propose(),
            Needs::Segment => self.active_segment().is_some(),
            Needs::Undo => self.marks.history.available().0,
            Needs::Redo => self.marks.history.available().1,
            Needs::Account => self.can_lock(),
            Needs::RememberedKey => self.access.remembered && self.can_lock(),
            Needs::Job => {
                !self.jobs.running().is_empty() || self.maximised || self.films.any_running()
            }
        }
    }

    /// Carries a command out; what it asks of the program around comes back.
    pub fn execute(&mut self, command: Command) -> Option<Effect> {
        // What was written is a step of its own before anything else is one.
        self.keep_reports(true);
        if !self.is_enabled(command) || self.access.locked {
            return None;
        }
        let right = match command {
            Command::AddToLibrary | Command::KeepCopies => Some(Right::ImportStudies),
            Command::ImportRecord => Some(Right::ImportRecords),
            _ => None,
        };
        if right.is_some_and(|right| !self.allowed(right)) {
            return None;
        }
        if let Some(tool) = command.tool() {
            self.tool = tool;
            self.leave_drawing();
            if let Tool::Mark(kind) = tool {
                self.measuring.last = kind;
            }
            return None;
        }
        if let Some(digit) = command.preset_digit() {
            self.apply_preset(digit);
            return None;
        }
        if self.segment_command(command) {
            return None;
        }
        // One key chooses a class or a segment, by what is in the hand.
        if let Some(digit) = command.label_digit()
            && self.labels_voxels()
        {
            self.choose_segment(usize::from(digit));
            return None;
        }
        if self.label_command(command) {
            return None;
        }
        if self.link_command(command) || self.film_command(command) || self.execute_hanging(command)
        {
            return None;
        }
        match command {
            Command::LayoutPicker => return Some(Effect::LayoutPicker),
            Command::OpenFiles => return Some(Effect::ChooseFiles),
            Command::OpenFolder => return Some(Effect::ChooseFolder),
            Command::OpenDemo => return Some(Effect::Demo),
            Command::ImportRecord => return Some(Effect::ChooseRecord),
            Command::Quit => return Some(Effect::Quit),
            Command::NextPanel => return Some(Effect::NextPanel),
            Command::Palette => return Some(Effect::Palette),
            Command::Help => return Some(Effect::Help),
            Command::CopyPicture => return Some(Effect::CopyPicture),
            Command::Anonymize => return Some(Effect::DeidDialog),
            Command::Lock => self.lock(),
            Command::BreakGlass => self.access.asking_reason = true,
            Command::ForgetKey => self.forget_key(),
            Command::SavePicture => return Some(Effect::PictureDialog),
            Command::Settings => return Some(Effect::Settings),
            Command::KeySettings => return Some(Effect::KeySettings),
            Command::LightTheme => self.settings.toggle_theme(),
            Command::LargerText => self.settings.set_scale(self.settings.scale_percent + 10),
            Command::SmallerText => self.settings.set_scale(self.settings.scale_percent - 10),
            Command::Language => return Some(Effect::Language),
            Command::FullScreen => return Some(Effect::FullScreen),
            Command::Loupe => return Some(Effect::Loupe),
            Command::LoupeWindow => return Some(Effect::LoupeWindow),
            Command::WindowNumbers => return Some(Effect::WindowNumbers),
            Command::MonitorSize => return Some(Effect::MonitorSize),
            Command::LifeSize => return self.life_size(),
            Command::ExplainGradCam => return Some(Effect::Explain(Method::GradCam)),
            Command::ExplainIntegrated => {
                return Some(Effect::Explain(Method::IntegratedGradients));
            }
            Command::ExplainOcclusion => return Some(Effect::Explain(Method::Occlusion)),
            Command::ExplainEntropy => return Some(Effect::Explain(Method::Entropy)),
            Command::ExplainDisagreement => return Some(Effect::Explain(Method::Disagreement)),
            Command::ToggleExplanation => self.explanations.visible ^= true,
            Command::OpenEvaluation => return Some(Effect::ChooseEvaluation),
            Command::ShowEvaluation => {
                let shown = !self.evaluation.shown;
                return self.act_on_evaluation(EvaluationAction::Show(shown));
            }
            Command::SegmentLungs => return Some(Effect::Segment),
            Command::SegmentVolume => return Some(Effect::SegmentVolume),
            Command::FindLesions => return Some(Effect::FindLesions),
            Command::NetworksOnCpu => return Some(Effect::NetworksOnCpu),
            Command::CloseAll => self.close_all(),
            Command::LayoutOne => self.with_layout(|w| w.set_layout(Layout::ONE)),
            Command::LayoutTwo => self.with_layout(|w| w.set_layout(Layout::TWO)),
            Command::LayoutFour => self.with_layout(|w| w.set_layout(Layout::FOUR)),
            Command::LayoutMpr => self.with_layout(|w| w.set_layout(Layout::Mpr)),
            Command::Content => self.toggle_content(),
            Command::Tags => self.toggle_tags(),
            Command::ExportMarks => return Some(Effect::ChooseExport),
            Command::SaveSegmentation => return self.segmentation_leaves(false),
            Command::SaveMeasured => return self.segmentation_leaves(true),
            Command::ShowMarks => self.want_marks(),
            Command::KeyImage => self.toggle_key_image(),
            Command::NextKeyImage => self.step_key_image(1),
            Command::PreviousKeyImage => self.step_key_image(-1),
            Command::Maximise => self.maximise(!self.maximised),
            Command::NextView => self.activate_next(1),
            Command::PreviousView => self.activate_next(-1),
            Command::OverlayText => self.settings.overlay_text = self.settings.overlay_text.next(),
            Command::LockPlanes => self.settings.lock_planes ^= true,
            Command::ResetPlanes => self.with_layout(Self::reset_planes),
            Command::Filters => return Some(Effect::Filters),
            Command::ScreenSetting => return Some(Effect::ScreenSetting),
            Command::TestPicture => return Some(Effect::TestPicture),
            Command::ShowOriginal => self.show_original ^= true,
            Command::ToggleGraphics => self.settings.cover.graphics ^= true,
            Command::ToggleShutter => self.settings.cover.shutter ^= true,
            Command::HideIdentity => self.settings.hide_identity = !self.settings.hide_identity,
            Command::ToggleBrowser => self.settings.show_browser = !self.settings.show_browser,
            Command::ToggleSide => self.settings.show_side = !self.settings.show_side,
            Command::ToggleStatus => self.settings.show_status = !self.settings.show_status,
            Command::ShowRecord => self.show_tab(SideTab::Record),
            Command::ShowTimeline => self.show_record(RecordView::Timeline),
            Command::ShowConsiderations => self.show_record(RecordView::Considerations),
            Command::ShowGenes => self.show_record(RecordView::Genes),
            Command::ShowGraph => self.show_record(RecordView::Graph),
            Command::ShowCohort => self.show_cohort(),
            Command::SearchRecords => self.show_search(),
            Command::ShowAudit => self.show_audit(),
            Command::ShowQuality => self.show_record(RecordView::Quality),
            Command::ShowAi => self.show_tab(SideTab::Ai),
            Command::ShowFindings => self.show_tab(SideTab::Findings),
            Command::ShowLabels => self.show_tab(SideTab::Labels),
            Command::ChooseSchema => return Some(Effect::ChooseSchema),
            Command::ShowReport => self.show_tab(SideTab::Report),
            Command::ShowSegments => self.show_tab(SideTab::Segments),
            Command::ClassifyTuberculosis => return Some(Effect::Classify),
            Command::Training => self.training.open ^= true,
            Command::StartTraining => return Some(Effect::Train),
            Command::PauseTraining => {
                let pause = &self.training.pause;
                pause.set(!pause.is_set());
            }
            Command::StopTraining => self.stop_training(),
            Command::ToggleMasks => self.masks.visible = !self.masks.visible,
            Command::NextImage => self.step(self.active, 1),
            Command::PreviousImage => self.step(self.active, -1),
            Command::NextImage10 => self.step(self.active, 10),
            Command::PreviousImage10 => self.step(self.active, -10),
            Command::FirstImage => self.step(self.active, i64::MIN / 2),
            Command::LastImage => self.step(self.active, i64::MAX / 2),
            Command::NextSeries => self.with_layout(|w| w.change_series(1)),
            Command::PreviousSeries => self.with_layout(|w| w.change_series(-1)),
            Command::NameMark => return self.show_selected_mark().then_some(Effect::NameMark),
            Command::DeleteMark | Command::LockMark | Command::HideMark => {
                self.command_mark(command);
            }
            Command::ToggleMarks => self.measuring.shown = !self.measuring.shown,
            Command::NextFinding => self.step_mark(1),
            Command::PreviousFinding => self.step_mark(-1),
            Command::Calibrate => self.begin_calibration(),
            Command::RemoveCalibration => self.remove_calibration(),
            Command::MeasureCardiothoracic => return Some(Effect::Cardiothoracic),
            Command::ExportMarksCsv => return Some(Effect::SaveMarks(MarkFormat::Csv)),
            Command::ExportMarksJson => return Some(Effect::SaveMarks(MarkFormat::Json)),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::Cancel => {
                if self.jobs.running().is_empty() && !self.films.any_running() {
                    self.maximise(false);
                }
                self.films.stop_all();
                self.jobs.cancel_all();
            }
            _ if self.run_list_command(command) => {}
            _ => self.change_view(command),
        }
        None
    }

    /// Changes the active view by command, as one step of undo.
    fn change_view(&mut self, command: Command) {
        let Some(viewport) = self.viewports.get_mut(self.active) else {
            return;
        };
        let before = viewport.view.clone();
        let view = &mut viewport.view;
        match command {
            Command::ZoomIn => view.zoom = zoom_wheeled(view.zoom, 2.0),
            Command::ZoomOut => view.zoom = zoom_wheeled(view.zoom, -2.0),
            Command::Fit => {
                view.zoom = 1.0;
                view.centre = None;
            }
            Command::ResetView => {
                let voi = match (&view.voi, &self.layout, self.active) {
                    // The second axial cell keeps the window that makes it a second one.
                    (VoiChoice::Preset(_), Layout::Mpr, 1) => view.voi.clone(),
                    _ => VoiChoice::File,
                };
                *view = ViewState {
                    voi,
                    framing: view.framing,
                    ..ViewState::default()
                };
            }
            Command::Invert => view.inverted = !view.inverted,
            Command::RotateRight => view.turn = view.turn.rotated_right(),
            Command::RotateLeft => view.turn = view.turn.rotated_left(),
            Command::FlipHorizontal => view.turn = view.turn.flipped_horizontally(),
            Command::FlipVertical => view.turn = view.turn.flipped_vertically(),
            Command::WindowFile => {
                let windows = viewport.frame_description().map_or(0, |d| d.voi.len());
                let next = match viewport.view.voi {
                    VoiChoice::File if windows > 1 => VoiChoice::FileIndex(1),
                    VoiChoice::FileIndex(i) if i + 1 < windows => VoiChoice::FileIndex(i + 1),
                    _ => VoiChoice::File,
                };
                viewport.view.voi = next;
            }
            Command::WindowAuto => view.voi = VoiChoice::Auto,
            _ => planes::change_sampling(view, command),
        }
        self.remember(self.active, before);
    }

    fn apply_preset(&mut self, digit: u8) {
        let Some(viewport) = self.viewports.get_mut(self.active) else {
            return;
        };
        let before = viewport.view.clone();
        let modality = viewport
            .node
            .as_ref()
            .map(|n| n.description.modality.clone());
        match modality.and_then(|m| presets::preset_on_key(&m, digit)) {
            Some(preset) => viewport.view.voi = VoiChoice::Preset(preset.name.clone()),
            // Where a modality has no numeric presets, the digits list the file's own windows.
            None => {
                let index = usize::from(digit - 1);
                if viewport
                    .frame_description()
                    .is_some_and(|d| index < d.voi.len())
                {
                    viewport.view.voi = VoiChoice::FileIndex(index);
                }
            }
        }
        self.remember(self.active, before);
    }

    fn activate_next(&mut self, by: isize) {
        let cells = self.layout.cells() as isize;
        self.active = (self.active as isize + by).rem_euclid(cells) as usize;
        self.request_frames();
    }

    /// Opens a part of the record panel.
    pub(in crate::workspace) fn show_record(&mut self, view: RecordView) {
        self.settings.show_side = true;
        self.settings.side_tab = SideTab::Record;
        self.record.view = view;
    }

    fn show_tab(&mut self, tab: SideTab) {
        self.settings.show_side = !(self.settings.show_side && self.settings.side_tab == tab);
        self.settings.side_tab = tab;
    }
}
