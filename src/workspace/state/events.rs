//! What workers have to tell, and what follows from it: a study that grows, and what of it opens first.

use super::{Layout, Workspace};
use crate::workspace::{
    command::Command, event::Event, keeper::Origin, library::SeriesNode, measuring::MarkAction,
    settings::SideTab, view::ViewKind,
};
use std::sync::Arc;

impl Workspace {
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Library {
                done,
                found: of_then,
                ..
            } if !Arc::ptr_eq(&of_then, &self.found) => {
                if let Some(job) = done {
                    self.scanning = self.scanning.saturating_sub(1);
                    self.jobs.finish(job);
                }
            }
            Event::ScanFailed(job) => self.scan_failed(job),
            Event::Library { library, done, .. } => {
                self.take_library(library);
                self.bands.follow(&self.library, done.is_some());
                self.rebind();
                if let Some(job) = done {
                    self.scanning = self.scanning.saturating_sub(1);
                    self.jobs.finish(job);
                    self.passphrases.after(job, &self.library.locked);
                }
                if !self.opened_first {
                    self.open_first(done.is_some());
                }
                if done.is_some() {
                    self.show_wanted_picture();
                    self.measuring.touch();
                }
                if done.is_some() && self.scanning == 0 {
                    let before = self.arrangement();
                    self.restore_layout();
                    // What was kept of the study counts over its protocol.
                    if self.arrangement() == before {
                        match self.settings.hang {
                            true => self.hang_opened(),
                            false => self.recall_monitor_layout(),
                        }
                    }
                    self.show_sight();
                    self.want_masks();
                }
                self.library_changed(done.is_some());
            }
            Event::Frames => {}
            Event::List(answer) => self.take_list(*answer),
            Event::Known(news) => self.take_known(news),
            Event::Thumbnail { series, picture } => self.small.take(series, picture),
            Event::Document { object, state } => self.take_document(&object, state),
            Event::Tags(shown) => self.take_tags(shown),
            Event::ChosenExport(folder) => self.export_marks(folder),
            Event::ChosenSegmentation(path) => self.save_segmentation(path),
            Event::SegmentationSaved(result) => self.take_saved(result),
            Event::ChosenTraining(folder) => self.training.data = Some(folder),
            Event::Training(news) => self.take_training(news),
            Event::Classified(outcome) => self.take_class(*outcome),
            Event::ChosenCurve(read) => self.take_curve(read),
            Event::MarksSent(result) => self.take_sent(result),
            Event::MarksRead(read) => self.take_marks(read),
            Event::Copied(text) => {
                self.copied = Some(text);
                self.notify("notice-copied", String::new());
            }
            Event::Evaluation(read) => self.take_evaluation(read),
            Event::ChosenEvaluation(path) => self.open_evaluation(path),
            Event::ChosenEvaluationImages(folder) => {
                self.evaluation.images = Some(folder);
            }
            Event::Record(answer) => {
                self.record.answer(answer);
                self.follow_search();
            }
            Event::Words(answer) => self.take_words(answer),
            Event::Whereabouts(answer) => self.take_whereabouts(answer.map(|places| *places)),
            Event::RecordChanged => self.record.refresh(),
            Event::Store(news) => self.take_store(news),
            Event::Mask(outcome) => {
                self.jobs.finish(outcome.job);
                match outcome.result {
                    Ok(mask) => {
                        self.masks.insert(outcome.frame, mask);
                        self.masks.visible = true;
                        self.settings.side_tab = SideTab::Ai;
                    }
                    Err((key, detail)) => self.notify(key, detail),
                }
            }
            Event::Explained(outcome) => {
                self.jobs.finish(outcome.job);
                match outcome.result {
                    Ok(map) => {
                        self.explanations.insert(outcome.frame, map);
                        self.explanations.visible = true;
                        self.settings.side_tab = SideTab::Ai;
                    }
                    Err((key, detail)) => self.notify(key, detail),
                }
            }
            Event::MaskRead(news) => self.take_mask_file(*news),
            Event::VolumeMask(news) => self.take_volume_mask(*news),
            Event::LesionModel(model) => self.volume_masks.lesions = Some(model),
            Event::PointModels(models) => self.take_point_models(models),
            Event::VolumeModels(models) => self.volume_masks.models = models,
            Event::DemoReady { job, result } => {
                self.jobs.finish(job);
                match result {
                    Ok(demo) => {
                        self.close_all();
                        self.open(demo.images.clone());
                        if let Some(store) = demo.take_store() {
                            self.attach_record(Origin::Given(Box::new(store)));
                        }
                        self.settings.show_side = true;
                        self.settings.side_tab = SideTab::Record;
                        self.demo = Some(demo);
                    }
                    Err(reason) => self.notify("notice-demo-failed", reason),
                }
            }
            Event::Chosen(paths) => self.open(paths),
            Event::SortedOut(sorted) => self.take_sorted(*sorted),
            Event::ChosenRecord(paths) => {
                self.import_records(paths);
                self.settings.side_tab = SideTab::Record;
            }
            Event::RecordWhose(paths) => {
                self.record.ask_whose(paths);
                self.settings.side_tab = SideTab::Record;
            }
            Event::RecordTable(looked) => self.ask_mapping(*looked),
            Event::TableChecked(generation, checked) => self.take_checked(generation, *checked),
            Event::Audit(read) => self.take_audit(read),
            Event::ChosenAudit(folder, form) => self.write_audit(folder, form),
            Event::Cohort(answer) => self.take_cohort(answer.map(|answer| *answer)),
            Event::ChosenCohort(folder) => self.export_cohort(folder),
            Event::Previewed(answer) => self.take_previewed(answer),
            Event::Shelf(news) => self.take_shelf(news),
            Event::Notice { key, detail } => self.notify(key, detail),
            Event::Counted { key, count } => self.notify_count(key, count, String::new()),
            Event::ProposedMark { job, result } => {
                self.jobs.finish(job);
                match result {
                    Ok(mark) => self.act_on_mark(MarkAction::Add(mark)),
                    Err((key, detail)) => self.notify(key, detail),
                }
            }
            Event::LabelSchema { read, asked } => self.take_schema(read, asked),
            Event::ChosenSchema(path) => self.open_schema(path, true),
            Event::Measured(answer) => self.take_measured(*answer),
            Event::Proposed(news) => self.take_proposed(*news),
            Event::SegmentTool(applied) => self.take_tool(*applied),
            Event::SegmentPreview(previewed) => self.take_preview(*previewed),
            Event::SegmentPointsTaken(taken) => self.take_points(*taken),
            Event::SegmentPointed(news) => self.take_pointed(*news),
            Event::SegmentWire(found) => self.take_wire(*found),
            Event::SegmentsCounted(counted) => self.take_segment_numbers(*counted),
            Event::VoxelOrigins(found) => self.take_origins(*found),
            Event::MasksJudged(found) => self.take_judged(*found),
            Event::MasksTaken(taken) => self.take_taken(*taken),
            Event::Deid(news) => self.take_deid(news),
            Event::Unlock(answer) => self.take_unlock(answer),
            Event::Broken(broken) => self.take_broken(broken),
            Event::Remembered(answer) => self.take_remembered(answer),
            Event::JobEnded(job) => self.jobs.finish(job),
        }
    }

    /// Viewports keep their series when the scan finds more of it; what was found is asked for at once.
    fn rebind(&mut self) {
        let mut changed = false;
        for index in 0..self.viewports.len() {
            let Some(node) = self.viewports.get(index).and_then(|v| v.node.clone()) else {
                continue;
            };
            if self.library.find(&node.key).is_some() {
                continue;
            }
            let successor = self.library.successor(&node).cloned();
            let display = successor.as_ref().map(|s| self.display(s, index));
            changed = true;
            if let Some(viewport) = self.viewports.get_mut(index) {
                match (successor, display) {
                    (Some(node), Some(display)) => {
                        // A file that came late may end what was a clean volume.
                        if viewport.kind.is_cut() && !display.is_volume() {
                            viewport.kind = ViewKind::Stack;
                            viewport.crosshair = None;
                        }
                        viewport.node = Some(node);
                        viewport.display = Some(display);
                    }
                    _ => viewport.clear(),
                }
            }
        }
        if changed {
            if self.layout == Layout::Mpr
                && self.viewports.iter().all(|v| v.kind == ViewKind::Stack)
            {
                self.layout = Layout::ONE;
                self.active = 0;
            }
            self.request_frames();
        }
    }

    fn open_first(&mut self, done: bool) {
        let object = self.library.objects().next().cloned();
        // The pictures of a mask may still come.
        let first = self
            .first_to_show()
            .filter(|first| done || !first.is_mask());
        if let Some(first) = first {
            self.opened_first = true;
            self.start_tool();
            self.show(0, &first);
        } else if let Some(first) = object.filter(|_| done) {
            // A picture opens first; where there is none, what the first object says.
            self.opened_first = true;
            self.show_object(0, &first, None);
        }
    }

    /// The demo opens in four views on its largest nodule.
    fn show_sight(&mut self) {
        let Some(point) = self.demo.as_mut().and_then(|demo| demo.sight.take()) else {
            return;
        };
        if self.is_enabled(Command::LayoutMpr) {
            self.set_layout(Layout::Mpr);
            self.set_crosshair(0, point);
        }
    }

    /// The largest series of the newest study of the first patient opens first.
    fn first_to_show(&self) -> Option<Arc<SeriesNode>> {
        let studies = self.library.patients.iter().flat_map(|p| &p.studies);
        let mut firsts = studies.filter_map(|s| s.first_series());
        let any = firsts.clone().next();
        firsts.find(|s| !s.is_mask()).or(any).cloned()
    }
}
