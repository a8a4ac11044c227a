//! What every panel gets: the workspace to read, a list to push wishes into, words in the user's language.

use super::{
    deid_dialog::DeidDialog,
    document::DocumentLayout,
    keys::Holding,
    layout::LineDrag,
    layout_picker::PickerState,
    lock_screen::LockField,
    loupe::Loupe,
    number_fields::{MonitorField, WindowField},
    picture::{PictureCache, SceneMap},
    picture_dialog::PictureDialog,
    protocol_editor::EditorState,
    settings::SettingsView,
    unlock::PassphraseField,
};
use crate::{
    i18n::{Language, Value},
    model::{study::Instance, view::OverlayStyle},
    render::{blit::Blit, slice::SliceRenderer},
    tools::{navigate::ScrollSteps, window_level::WindowDrag},
    workspace::{
        Action, Command, Workspace, library::Library, masks::FrameKey, settings::OverlayText,
        state::Arrangement, view::ViewState,
    },
};
use glam::DVec3;
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// State of the window itself: open pop-ups, running gestures, pictures. Nothing of it is worth keeping.
pub struct UiState {
    /// What the window is cleared with.
    pub back: super::back::Back,
    /// Draws slices.
    pub renderer: SliceRenderer,
    /// Filters pictures; made with the first filter.
    pub filter_renderer: Option<crate::render::FilterRenderer>,
    /// The filter panel.
    pub filter_panel: super::filter_panel::FilterPanel,
    /// The display panel and the test picture.
    pub screen_check: super::screen_check::ScreenCheck,
    /// Brings finished pictures to the screen.
    pub blit: Arc<Blit>,
    /// The toolkit's half that draws; triangles that stay the same are drawn with its textures.
    pub toolkit: Option<super::marks::buffer::Toolkit>,
    /// A picture that leaves is being drawn: it has nothing to take hold of.
    pub leaving: bool,
    /// Windows of views.
    pub windows: super::windows::ViewWindows,
    /// One picture a cell.
    pub pictures: Vec<PictureCache>,
    /// Thumbnails on the GPU, by series key.
    pub thumbnails: HashMap<String, egui::TextureHandle>,
    /// The command palette is open, with what was typed.
    pub palette: Option<PaletteState>,
    /// The help is open.
    pub help: bool,
    /// The preferences are open.
    pub settings: Option<SettingsView>,
    /// What picture shall leave is asked.
    pub picture_dialog: Option<PictureDialog>,
    /// How copies without identity are made is asked.
    pub deid_dialog: Option<DeidDialog>,
    /// The passphrase that is typed on the locked window, and since when nobody did anything.
    pub lock_field: LockField,
    /// Size of all cells on the screen, pixels.
    pub cells_pixels: [u32; 2],
    /// Height of all cells on the screen, points.
    pub cells_points: u32,
    /// The section of the report that was written in last.
    pub report_section: usize,
    /// Which panel has the keyboard.
    pub focus: super::focus::FocusWalk,
    /// Keys that are held.
    pub hands: Holding,
    /// The choice of layouts.
    pub picker: PickerState,
    /// The editor of a protocol.
    pub editor: EditorState,
    /// A line between cells that is being dragged.
    pub line: Option<LineDrag>,
    /// The passphrase that is being typed.
    pub passphrase: PassphraseField,
    /// The line of a plane that is dragged.
    pub plane_drag: Option<super::plane_handles::PlaneDrag>,
    /// How all cells stood when that began: the planes turn in several.
    pub planes_before: Option<Box<Arrangement>>,
    /// The passphrase of the store that is being typed.
    pub store_field: super::keeping::StoreField,
    /// The running gesture.
    pub drag: Option<Drag>,
    /// The magnifier.
    pub loupe: Loupe,
    /// Window and level that are being typed.
    pub window_field: Option<WindowField>,
    /// The size of the monitor that is being typed.
    pub monitor_field: Option<MonitorField>,
    /// The true length of a line that is being typed.
    pub calibration_field: super::calibration::CalibrationField,
    /// Files that do not open, by their folder.
    pub rejected: RejectedFiles,
    /// What the hand does to marks.
    pub marks: super::marks::MarksState,
    /// What the hand does to segments, and what of them lies on the device.
    pub segments: super::segments::SegmentsState,
    /// Rest of the wheel.
    pub scroll: ScrollSteps,
    /// What the pointer is over.
    pub hover: Option<Hover>,
    /// What is dragged from the browser.
    pub dragged: Option<Dragged>,
    /// Rows of the documents, one list a cell.
    pub documents: Vec<DocumentLayout>,
    /// Rows of the study browser.
    pub browser: super::study_browser::BrowserRows,
    /// The list of studies.
    pub list: super::study_list::ListState,
    /// The page of an evaluation.
    pub evaluation: super::evaluation::EvaluationView,
    /// The tag browser's search and open rows.
    pub tags: super::tags::TagsView,
    /// Frames drawn by the renderer so far (not repeated ones), for the bench.
    pub drawn: u64,
}

/// How many files of each folder do not open, of one snapshot of the library.
#[derive(Debug, Default)]
pub struct RejectedFiles {
    library: std::sync::Weak<Library>,
    by_folder: HashMap<PathBuf, usize>,
}

/// What is dragged from the browser into a cell, by its key.
#[derive(Clone, Debug)]
pub enum Dragged {
    /// A series.
    Series(String),
    /// An object without a picture.
    Object(String),
}

/// The command palette.
#[derive(Clone, Debug, Default)]
pub struct PaletteState {
    /// What was typed.
    pub query: String,
    /// The chosen row.
    pub selected: usize,
}

/// A gesture from press to release.
#[derive(Clone, Debug)]
pub struct Drag {
    /// Cell.
    pub cell: usize,
    /// The view when it began.
    pub before: ViewState,
    /// Where it began, points.
    pub start: egui::Pos2,
    /// Slice when it began.
    pub start_slice: usize,
    /// What it does.
    pub gesture: crate::tools::Gesture,
    /// For windowing.
    pub window: Option<WindowDrag>,
    /// Where the pointer was last, points.
    pub last: egui::Pos2,
    /// Movement so far, scaled by the speed in force at each moment, points.
    pub moved: egui::Vec2,
}

/// The value under the pointer.
#[derive(Clone, Debug)]
pub struct Hover {
    /// Cell.
    pub cell: usize,
    /// Lines: values, place, label.
    pub text: String,
    /// Where it is, in the space of what the cell shows.
    pub point: DVec3,
}

impl UiState {
    /// The tables that pictures pass last, one a screen; nothing is uploaded while they stay the same.
    pub fn correct_screens(&self, workspace: &Workspace) {
        for screen in 0..crate::render::blit::UNCORRECTED {
            let correction = workspace.correction_on(screen);
            let table = correction.map(|c| c.table.as_ref());
            self.blit.correct(&workspace.gpu, screen, table);
        }
    }

    /// State for a window whose surface has this format.
    pub fn new(
        gpu: &crate::gpu::GpuContext,
        format: wgpu::TextureFormat,
    ) -> Result<Self, crate::gpu::GpuError> {
        Ok(Self {
            renderer: SliceRenderer::new(gpu)?,
            filter_renderer: None,
            filter_panel: Default::default(),
            screen_check: Default::default(),
            blit: Arc::new(Blit::new(gpu, format)?),
            toolkit: None,
            leaving: false,
            windows: Default::default(),
            pictures: Default::default(),
            thumbnails: HashMap::new(),
            palette: None,
            help: false,
            settings: None,
            picture_dialog: None,
            deid_dialog: None,
            lock_field: LockField::default(),
            cells_pixels: [1, 1],
            cells_points: 1,
            report_section: 0,
            focus: Default::default(),
            hands: Holding::default(),
            picker: PickerState::default(),
            editor: EditorState::default(),
            line: None,
            passphrase: PassphraseField::default(),
            plane_drag: None,
            planes_before: None,
            store_field: super::keeping::StoreField::default(),
            drag: None,
            loupe: Loupe::default(),
            rejected: RejectedFiles::default(),
            window_field: None,
            monitor_field: None,
            calibration_field: Default::default(),
            marks: super::marks::MarksState::default(),
            segments: super::segments::SegmentsState::default(),
            scroll: ScrollSteps::default(),
            hover: None,
            dragged: None,
            documents: Default::default(),
            browser: Default::default(),
            list: Default::default(),
            evaluation: Default::default(),
            tags: super::tags::TagsView::default(),
            back: super::back::Back::default(),
            drawn: 0,
        })
    }
}

/// What a panel may read, and where its wishes go.
pub struct UiContext<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The window's own state.
    pub state: &'a mut UiState,
    /// Wishes.
    pub actions: Vec<Action>,
}

impl<'a> UiContext<'a> {
    /// The user's language.
    pub fn language(&self) -> Language {
        self.workspace.settings.language
    }

    /// A word.
    pub fn word(&self, key: &'static str) -> &'static str {
        self.language().word(key)
    }

    /// A sentence.
    pub fn tr(&self, key: &str, args: &[(&str, Value<'_>)]) -> String {
        self.language().tr(key, args)
    }

    /// A command, please.
    pub fn run(&mut self, command: Command) {
        self.actions.push(Action::Run(command));
    }

    /// Name, explanation and shortcut of a command.
    pub fn tooltip(&self, command: Command) -> String {
        let row = command.row();
        let mut text = self.language().word(row.message_key).to_owned();
        if let Some(tip) = self
            .language()
            .find(&format!("{}-tip", row.message_key), &[])
        {
            text.push('\n');
            text.push_str(&tip);
        }
        let shortcut = self.shortcut(command);
        if !shortcut.is_empty() {
            text.push('\n');
            text.push_str(&shortcut);
        }
        text
    }

    /// Counts rejected files anew when the library has changed.
    pub fn count_rejected(&mut self) {
        let library = &self.workspace.library;
        let counted = &mut self.state.rejected;
        if std::ptr::eq(counted.library.as_ptr(), Arc::as_ptr(library)) {
            return;
        }
        counted.library = Arc::downgrade(library);
        counted.by_folder.clear();
        for rejected in &library.rejected {
            // What is no DICOM at all is no missing image.
            if rejected.code != "NOT_DICOM"
                && let Some(folder) = rejected.path.parent()
            {
                *counted.by_folder.entry(folder.to_owned()).or_default() += 1;
            }
        }
    }

    /// How many files beside an instance do not open.
    pub fn rejected_beside(&self, instance: &Instance) -> usize {
        let folder = instance.source.path.parent();
        let count = folder.and_then(|f| self.state.rejected.by_folder.get(f));
        count.copied().unwrap_or(0)
    }

    /// The first key of a command as people read it; empty where it has none.
    pub fn shortcut(&self, command: Command) -> String {
        let chords = self.workspace.settings.keys.chords(command);
        let first = chords.first().map(|chord| chord.to_string());
        first.map_or_else(String::new, |text| super::keys::display(&text))
    }

    /// How much text lies over the pictures now.
    pub fn overlay_amount(&self) -> OverlayText {
        if self.state.hands.peek {
            OverlayText::None
        } else {
            self.workspace.settings.overlay_text
        }
    }

    /// What lies over a frame: its explanation, or else its mask, as far as they are shown.
    pub fn map_over(&self, frame: &FrameKey) -> Option<SceneMap<'a>> {
        let workspace = self.workspace;
        if let Some((map, style)) = workspace.explanations.shown(frame) {
            return Some(SceneMap {
                buffer: &map.buffer,
                map_from_pixel: map.map_from_pixel,
                finished: &map.provenance.finished,
                style,
            });
        }
        let mask = workspace.masks.get(frame)?;
        workspace.masks.visible.then(|| SceneMap {
            buffer: &mask.buffer,
            map_from_pixel: mask.map_from_pixel,
            finished: &mask.provenance.finished,
            style: workspace.masks.style,
        })
    }

    /// How masks of volumes look, where they are shown.
    pub fn mask_style(&self) -> Option<OverlayStyle> {
        let masks = &self.workspace.masks;
        masks.visible.then_some(masks.style)
    }
}
