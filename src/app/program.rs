//! The program behind the window: workspace, network worker, dialogs.

use super::{
    AppError,
    restart::{DeviceWatch, GoingOn},
};
use crate::{
    console::{Common, DeviceChoice, Exit, read_passphrase},
    dicom::{archive::Keyring, frames::FileFrames, worker::Workers},
    gpu::GpuContext,
    i18n::Language,
    model::passphrase::Passphrase,
    store::{Store, remember::is_remembered_anywhere},
    ui::{UiState, fonts, theme},
    workspace::{
        Waker, Workspace, marks::StorePlace, settings::Settings, settings_file::SettingsFile,
    },
};
use std::{path::PathBuf, sync::Arc};

/// How the program starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Files and folders to open.
    pub paths: Vec<PathBuf>,
    /// Write the demo and open it.
    pub demo: bool,
    /// Where the demo goes; a folder of its own that vanishes at the end, when absent.
    pub demo_folder: Option<PathBuf>,
    /// Language; the system's when absent.
    pub language: Option<Language>,
    /// Where networks run.
    pub device: DeviceChoice,
    /// Upper bound of decoded pixels in memory, bytes.
    pub max_memory: Option<u64>,
    /// Decode threads; one a core when absent.
    pub threads: Option<usize>,
    /// Seed of the demo.
    pub seed: Option<u64>,
    /// FHIR bundles to show beside the pictures, in a store that vanishes at the end.
    pub records: Vec<PathBuf>,
    /// Who decodes compressed frames; this process where there are none.
    pub workers: Option<Arc<Workers>>,
    /// Passphrases of encrypted archives.
    pub keys: Keyring,
    /// Where the store that keeps marks is, or may be made; without it nothing is kept and nobody is asked.
    pub store: Option<StorePlace>,
    /// Its passphrase, when it came with the command line.
    pub store_passphrase: Option<Passphrase>,
    /// Account that the store is opened as; its owner where none is named.
    pub account: Option<String>,
    /// Opened studies stay as they are instead of hanging by their protocol.
    pub plain: bool,
    /// What is done when the graphics device is lost; nothing when absent.
    pub on_loss: Option<super::restart::OnLoss>,
    /// What another process of this program handed over.
    pub handover: Option<crate::workspace::state::handover::Handover>,
    /// The graphics device is thrown away after this long: to see that the work goes on.
    pub lose_device_after: Option<std::time::Duration>,
    /// Where imported models are.
    pub models_folder: Option<PathBuf>,
    /// Where preferences are kept; nowhere when absent.
    pub settings_folder: Option<PathBuf>,
}

impl Options {
    /// What the flags of every command say.
    pub fn of(common: &Common) -> Self {
        Self {
            device: common.device,
            max_memory: common.max_memory,
            threads: common.jobs,
            seed: common.seed,
            workers: common.workers.clone(),
            keys: common.keys.clone(),
            store: common.store.clone().map(store_place),
            models_folder: common.models_folder(),
            account: common.user.clone(),
            ..Self::default()
        }
    }
}

/// A folder, and whether a store is in it.
fn store_place(dir: PathBuf) -> StorePlace {
    let exists = Store::key_status(&dir).is_ok();
    StorePlace { dir, exists }
}

impl Options {
    /// The same with the store of this account where the command line names none: marks ask for it. And its passphrase
    /// from `--passphrase-fd`.
    ///
    /// # Errors
    /// How the command ends, and one sentence.
    pub fn with_store(mut self, common: &Common) -> Result<Self, (Exit, String)> {
        let usual = || {
            let folders = directories::ProjectDirs::from("", "", "negatoscope")?;
            Some(store_place(folders.data_dir().join("store")))
        };
        self.store = self.store.or_else(usual);
        self.with_passphrase(common)
    }

    /// The same with the passphrase of the store from `--passphrase-fd`.
    ///
    /// # Errors
    /// How the command ends, and one sentence.
    pub fn with_passphrase(mut self, common: &Common) -> Result<Self, (Exit, String)> {
        self.store_passphrase = common.passphrase_fd.map(read_passphrase).transpose()?;
        Ok(self)
    }
}

/// The running program.
pub struct Program {
    /// What is open.
    pub workspace: Workspace,
    /// The window's own state.
    pub state: UiState,
    pub(super) options: Options,
    #[cfg(feature = "ai")]
    pub(super) networks: super::networks::Networks,
    pub(super) fullscreen: bool,
    pub(super) title: String,
    /// Something was put into the clipboard since the window was locked last.
    pub(super) copied: bool,
    /// Closing was agreed to.
    pub(super) leaving: bool,
    pub(super) picture_out: Option<super::picture_out::PictureOut>,
    pub(super) settings_file: Option<SettingsFile>,
    /// When monitors were looked for last.
    pub(super) looked: Option<std::time::Instant>,
    /// Sees that the device is lost, where something is done then.
    pub(super) watch: Option<DeviceWatch>,
    /// What another process handed over is not on the screen yet.
    pub(super) going_on: Option<GoingOn>,
    /// How often the window was drawn.
    pub frames: u64,
}

/// Default bound of decoded pixels: a quarter of the memory that is there, between 512 MiB and 4 GiB.
fn memory_budget() -> u64 {
    let total = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(8 << 30, |kib| kib << 10);
    (total / 4).clamp(512 << 20, 4 << 30)
}

impl Program {
    /// Starts the program on the toolkit's device.
    ///
    /// # Errors
    /// [`AppError::Gpu`] when the device refuses our shaders, [`AppError::Io`] when no thread can be started.
    pub fn new(
        ctx: &egui::Context,
        render_state: &egui_wgpu::RenderState,
        mut options: Options,
    ) -> Result<Self, AppError> {
        fonts::install(ctx);
        let gpu = GpuContext::from_parts(
            render_state.instance.clone(),
            render_state.adapter.clone(),
            render_state.device.clone(),
            render_state.queue.clone(),
        );
        let repaint = ctx.clone();
        let waker = Waker::new(move || repaint.request_repaint());
        let language = options.language.unwrap_or_else(Language::of_system);
        let mut settings =
            Settings::new(language, options.max_memory.unwrap_or_else(memory_budget));
        let folder = options.settings_folder.as_deref();
        let settings_file = folder.map(|folder| SettingsFile::open(folder, &mut settings));
        if let Some(language) = options.language {
            settings.language = language;
        }
        settings.hang &= !options.plain;
        theme::follow(ctx, settings.theme, settings.scale_percent);
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = options.threads.unwrap_or(cores);
        let mut state = UiState::new(&gpu, render_state.target_format)?;
        state.toolkit = Some(Arc::clone(&render_state.renderer));
        let source = FileFrames::default()
            .with_workers(options.workers.clone())
            .with_keys(options.keys.clone());
        let gpu_of_program = gpu.clone();
        let mut workspace = Workspace::new(gpu, Arc::new(source), settings, threads, waker)?;
        workspace.passphrases.keys = options.keys.clone();
        if let Some(folder) = &options.settings_folder {
            workspace.open_shelf(folder.clone());
            workspace.open_windows(folder);
            workspace.open_own_schema(folder);
        }
        if let Some(place) = options.store.clone() {
            workspace.set_store_place(place.clone());
            workspace.access.account.clone_from(&options.account);
            let handed = options.handover.as_mut().and_then(|h| h.store.take());
            if let Some(passphrase) = options.store_passphrase.take().or(handed) {
                workspace.open_store(passphrase);
            } else if is_remembered_anywhere(&place.dir) {
                workspace.open_remembered();
            }
        }
        if let Some(handover) = &options.handover {
            workspace.take_over(handover);
        }
        let mut paths = options.paths.clone();
        let more = options.handover.iter().flat_map(|h| h.paths.iter());
        paths.extend(more.cloned());
        let mut seen = std::collections::HashSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        workspace.open(paths);
        #[cfg(feature = "ai")]
        {
            workspace.training.tasks = super::training::tasks();
        }
        let (waker, after) = (workspace.waker.clone(), options.lose_device_after);
        let going_on = options.handover.as_ref().map(GoingOn::after);
        let watch = options.on_loss.is_some();
        let watch = watch.then(|| DeviceWatch::start(&gpu_of_program, waker, after));
        let mut program = Self {
            #[cfg(feature = "ai")]
            networks: super::networks::Networks::new(options.device, options.models_folder.clone()),
            workspace,
            state,
            options,
            fullscreen: false,
            title: String::new(),
            copied: false,
            leaving: false,
            picture_out: None,
            settings_file,
            looked: None,
            watch,
            going_on,
            frames: 0,
        };
        #[cfg(feature = "ai")]
        super::volume_networks::look_for_models(
            program.options.models_folder.clone(),
            program.workspace.sender(),
            program.workspace.waker.clone(),
        );
        if program.options.demo {
            program.start_demo();
        }
        if !program.options.records.is_empty() {
            let records = program.options.records.clone();
            program.open_records(records);
        }
        Ok(program)
    }

    /// How many pictures the renderer drew; repeated frames are not among them.
    pub const fn pictures_drawn(&self) -> u64 {
        self.state.drawn
    }

    /// Takes bundles into the open store, or into one that vanishes at the end, away from the UI thread.
    pub(super) fn open_records(&mut self, paths: Vec<PathBuf>) {
        self.workspace.import_records(paths);
    }
}

impl eframe::App for Program {
    fn clear_color(&self, _: &egui::Visuals) -> [f32; 4] {
        self.state.back.clear(self.state.blit.format().is_srgb())
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.follow_monitors(ctx, frame);
        self.receive(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}
