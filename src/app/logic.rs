//! Before a frame is drawn: take in what workers have to tell. After it: carry the user's wishes out.

use super::{Program, demo, dialogs, picture_out::Destination};
use crate::{
    i18n::Language,
    model::{access::AuditKind, explanation::Method},
    store::AuditEvent,
    ui::{
        MonitorField, WindowField,
        deid_dialog::DeidDialog,
        marks::Naming,
        palette,
        picture_dialog::PictureDialog,
        settings::{self, Page},
        theme,
    },
    workspace::{Action, event::Event, picture_out::PictureWish, state::Effect},
};
use egui::ViewportCommand;

impl Program {
    /// Takes in news.
    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        self.follow_device();
        self.workspace.poll();
        self.follow_going_on(ctx);
        self.workspace.play(ctx.input(|i| i.time));
        // What a hand does, and not what the toolkit says by itself.
        let hand = ctx.input(|i| {
            let mut events = i.events.iter();
            let moves = events.any(|event| {
                matches!(
                    event,
                    egui::Event::Key { pressed: true, .. }
                        | egui::Event::Text(_)
                        | egui::Event::PointerMoved(_)
                        | egui::Event::PointerButton { .. }
                        | egui::Event::MouseWheel { .. }
                        | egui::Event::Touch { .. }
                )
            });
            moves.then_some(i.time)
        });
        if let Some(now) = hand {
            self.workspace.note_hand(now);
        }
        if let Some(wait) = self.workspace.films.wait_secs() {
            // Only while a film runs; a still window wakes for nothing.
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(wait));
        }
        #[cfg(feature = "ai")]
        {
            self.networks.obey(&self.workspace);
            self.networks.ask_by_points(&mut self.workspace);
        }
        self.workspace.follow_record();
        self.note_before_leaving(ctx);
        self.close_or_ask(ctx);
        self.workspace.follow_tags();
        if let Some(text) = self.workspace.copied.take() {
            ctx.copy_text(text);
        }
        self.forget_closed();
        if let Some(wait) = self.workspace.keep_reports(false) {
            ctx.request_repaint_after(wait);
        }
        self.hand_over_pictures(ctx);
        let settings = &self.workspace.settings;
        theme::follow(ctx, settings.theme, settings.scale_percent);
        if let Some(file) = &mut self.settings_file {
            file.keep(settings);
        }
        self.keep_windows(ctx);
        let title = self.window_title();
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// How the window stands is kept when its user looks elsewhere: nobody knows whether they come back.
    fn note_before_leaving(&mut self, ctx: &egui::Context) {
        let left = |event: &egui::Event| matches!(event, egui::Event::WindowFocused(false));
        if ctx.input(|i| i.events.iter().any(left)) {
            self.workspace.note_standing();
            self.workspace.note_windows();
        }
    }

    /// A window with something on no disk asks before it closes, and closes by itself once it is saved.
    fn close_or_ask(&mut self, ctx: &egui::Context) {
        let asked = ctx.input(|i| i.viewport().close_requested());
        if self.leaving {
            return;
        }
        if asked {
            self.workspace.note_standing();
            self.workspace.note_windows();
            if self.workspace.may_close() {
                self.leaving = true;
            } else {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            }
        } else if self.workspace.marks.closing && self.workspace.marks.unsaved() == 0 {
            self.leaving = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// The title never names the patient: it shows in task bars and window histories.
    pub(super) fn window_title(&self) -> String {
        let words = self.workspace.settings.language;
        let name = words.word("app-name");
        let modality = self.workspace.active_viewport().and_then(|v| {
            let node = v.node.as_ref().map(|n| n.description.modality.as_str());
            let object = v.document.as_ref().map(|d| &d.object.instance.series);
            node.or(object.map(|series| series.modality.as_str()))
        });
        let locked = self.workspace.access.locked;
        match modality.filter(|_| !locked) {
            Some(modality) if !modality.is_empty() => format!("{modality} – {name}"),
            _ => name.to_owned(),
        }
    }

    /// Thumbnails and pictures of closed series go.
    fn forget_closed(&mut self) {
        let known = &self.workspace.small;
        self.state
            .thumbnails
            .retain(|key, _| known.get(key).is_some());
        for (cache, viewport) in self
            .state
            .pictures
            .iter_mut()
            .zip(&self.workspace.viewports)
        {
            if viewport.node.is_none() {
                cache.clear();
            }
        }
    }

    /// Carries wishes out.
    pub fn carry_out(&mut self, ctx: &egui::Context, actions: Vec<Action>) {
        if actions.is_empty() {
            return;
        }
        for action in actions {
            if let Some(effect) = self.workspace.act(action) {
                self.effect(ctx, effect);
            }
        }
        // What was wished shows in the next frame; `draw` sees to what opens.
        self.workspace.waker.wake("action");
    }

    fn effect(&mut self, ctx: &egui::Context, effect: Effect) {
        let (events, waker) = (self.workspace.sender(), self.workspace.waker.clone());
        if effect.is_long() {
            self.workspace.note_standing();
        }
        if let Some(right) = effect.right()
            && !self.workspace.allowed(right)
        {
            return;
        }
        if effect.leaves() {
            let detail = effect.right().map_or("", crate::model::access::Right::name);
            let event = AuditEvent::new(AuditKind::Exported, detail);
            self.workspace.log(event);
        }
        match effect {
            Effect::DeidDialog => {
                let dialog = DeidDialog::new();
                self.state.deid_dialog = Some(dialog);
            }
            Effect::ChooseAudit(form) => {
                dialogs::choose(dialogs::What::Audit(form), events, waker);
            }
            Effect::ChooseCohort => dialogs::choose(dialogs::What::Cohort, events, waker),
            Effect::ChooseDeid => dialogs::choose(dialogs::What::Deid, events, waker),
            Effect::ChooseFiles => dialogs::choose(dialogs::What::Files, events, waker),
            Effect::ChooseFolder => dialogs::choose(dialogs::What::Folder, events, waker),
            Effect::ChooseRecord => dialogs::choose(dialogs::What::Record, events, waker),
            Effect::ChooseSchema => dialogs::choose(dialogs::What::Schema, events, waker),
            Effect::ChooseCurve => dialogs::choose(dialogs::What::Curve, events, waker),
            Effect::ChooseExport => dialogs::choose(dialogs::What::Export, events, waker),
            Effect::ChooseSegmentation => {
                dialogs::choose(dialogs::What::Segmentation, events, waker);
            }
            Effect::ChooseEvaluation => dialogs::choose(dialogs::What::Evaluation, events, waker),
            Effect::ChooseEvaluationImages => {
                dialogs::choose(dialogs::What::EvaluationImages, events, waker);
            }
            Effect::Demo => self.start_demo(),
            Effect::Segment => self.segment(),
            Effect::Explain(method) => self.explain(method),
            Effect::SegmentVolume => self.segment_volume(),
            Effect::FindLesions => self.find_lesions(),
            Effect::NetworksOnCpu => self.networks_on_cpu(),
            Effect::Classify => self.classify(),
            Effect::Train => self.train(),
            Effect::ChooseTraining => dialogs::choose(dialogs::What::Training, events, waker),
            Effect::NameMark => {
                if let Some(mark) = self.workspace.selected_mark() {
                    let naming = Naming::of(self.workspace.active, mark);
                    self.state.marks.name(naming);
                }
            }
            Effect::NextPanel => self.state.focus.step(),
            Effect::Palette => palette::toggle(&mut self.state.palette),
            Effect::LayoutPicker => self.state.picker.toggle(),
            Effect::Help => self.state.help = !self.state.help,
            Effect::PictureOut { wish, save } => {
                let to = if save {
                    Destination::Ask
                } else {
                    Destination::Clipboard
                };
                self.picture_out(wish, to);
            }
            Effect::CopyPicture => {
                let wish = PictureWish {
                    all: false,
                    identity: false,
                    size: None,
                    height_points: self.state.cells_points,
                };
                self.picture_out(wish, Destination::Clipboard);
            }
            Effect::PictureDialog => {
                let dialog = PictureDialog::new(self.state.cells_pixels);
                self.state.picture_dialog = Some(dialog);
            }
            Effect::ReportOut(format) => self.report_out(ctx, format),
            Effect::Settings => settings::toggle(&mut self.state.settings, Page::General),
            Effect::KeySettings => settings::toggle(&mut self.state.settings, Page::Keys),
            Effect::Cardiothoracic => self.cardiothoracic(),
            Effect::SaveMarks(format) => self.save_marks(format),
            Effect::Language => {
                let settings = &mut self.workspace.settings;
                settings.language = match settings.language {
                    Language::English => Language::SimplifiedChinese,
                    Language::SimplifiedChinese => Language::English,
                };
            }
            Effect::Loupe => {
                let (now, held) = ctx.input(|i| (i.time, i.key_down(egui::Key::Z)));
                self.state.loupe.toggle(now, held);
            }
            Effect::LoupeWindow => self.state.loupe.own_window ^= true,
            Effect::WindowNumbers => {
                let level = self
                    .workspace
                    .active_viewport()
                    .and_then(|v| v.voi().level());
                self.state.window_field = Some(WindowField::of(level));
            }
            Effect::MonitorSize => self.state.monitor_field = Some(MonitorField::default()),
            Effect::FullScreen => {
                self.fullscreen = !self.fullscreen;
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.fullscreen));
            }
            Effect::Filters => self.state.filter_panel.open ^= true,
            Effect::ScreenSetting => self.state.screen_check.panel ^= true,
            Effect::TestPicture => {
                let open = &mut self.state.screen_check.pattern;
                *open = match open {
                    Some(_) => None,
                    None => Some(crate::imaging::pattern::Pattern::Steps),
                };
            }
            Effect::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Effect::QuitAnyway => {
                self.leaving = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// Writes the demo in the background and opens it.
    pub(super) fn start_demo(&mut self) {
        let job = self.workspace.jobs.start("job-making-demo");
        let (events, waker) = (self.workspace.sender(), self.workspace.waker.clone());
        let (folder, seed) = (self.options.demo_folder.clone(), self.options.seed);
        let id = job.id;
        let body = move || {
            let result =
                demo::write(folder, seed, &job.progress, &job.cancel).map_err(|e| e.to_string());
            let _ = events.send(Event::DemoReady { job: id, result });
            waker.wake("demo");
        };
        if crate::task::spawn_named("demo", body).is_err() {
            self.workspace.jobs.finish(id);
        }
    }

    #[cfg(feature = "ai")]
    fn segment(&mut self) {
        self.networks.segment(&mut self.workspace);
    }

    #[cfg(feature = "ai")]
    fn classify(&mut self) {
        self.networks.classify(&mut self.workspace);
    }

    /// Where models and training runs are kept: beside the store.
    #[cfg(feature = "ai")]
    fn train(&mut self) {
        let platform = || {
            directories::ProjectDirs::from("", "", "negatoscope")
                .map(|dirs| dirs.data_dir().to_owned())
        };
        let root = self
            .options
            .store
            .as_ref()
            .map(|p| p.dir.clone())
            .or_else(platform);
        match root {
            Some(root) => super::training::start(&mut self.workspace, root),
            None => self.workspace.notify("notice-no-folder", String::new()),
        }
    }

    #[cfg(not(feature = "ai"))]
    fn classify(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(not(feature = "ai"))]
    fn train(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(feature = "ai")]
    fn cardiothoracic(&mut self) {
        self.networks.cardiothoracic(&mut self.workspace);
    }

    #[cfg(feature = "ai")]
    fn segment_volume(&mut self) {
        self.networks.segment_volume(&mut self.workspace);
    }

    #[cfg(feature = "ai")]
    fn find_lesions(&mut self) {
        self.networks.find_lesions(&mut self.workspace);
    }

    #[cfg(not(feature = "ai"))]
    fn find_lesions(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(feature = "ai")]
    fn networks_on_cpu(&mut self) {
        let key = match self.networks.toggle_cpu() {
            true => "notice-networks-on-cpu",
            false => "notice-networks-as-before",
        };
        self.workspace.notify(key, String::new());
    }

    #[cfg(not(feature = "ai"))]
    fn segment_volume(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(not(feature = "ai"))]
    fn networks_on_cpu(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(not(feature = "ai"))]
    fn cardiothoracic(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(feature = "ai")]
    fn explain(&mut self, method: Method) {
        self.networks.explain(&mut self.workspace, method);
    }

    #[cfg(not(feature = "ai"))]
    fn explain(&mut self, _method: Method) {
        self.workspace.notify("notice-no-ai", String::new());
    }

    #[cfg(not(feature = "ai"))]
    fn segment(&mut self) {
        self.workspace.notify("notice-no-ai", String::new());
    }
}
