//! A viewport: which series it shows, and how. Turns that into the numbers that the renderer draws.

mod steps;
mod turn;

pub use turn::ScreenTurn;

use super::{
    display::{SeriesDisplay, displayed_type},
    document::DocumentView,
    framing::{Framing, parts},
    library::SeriesNode,
    loader::FALLBACK_VOI,
};
use crate::dicom::window_default::window_default;
use crate::model::{
    cover::FrameCover,
    cuts::{Cuts, PlaneAxes},
    filter::FilterStack,
    geometry::{BodyPlane, GridGeometry, Leads, Spacing, orientation_letters},
    identity::PatientIdentity,
    layout::FrameRef,
    lut::{ModalityLut, Voi, VoiLutFunction, WindowLevel},
    slab::{Slab, step_along_mm},
    study::{FrameDescription, ImageDescription, Instance, StudyDescription},
    view::{GreyPipeline, Interpolation, SliceView},
};
use glam::{DAffine3, DMat2, DMat3, DVec2, DVec3};
use std::sync::Arc;
use steps::PlaneSteps;

/// What a viewport shows of its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewKind {
    /// The frames as they were made, one after the other.
    #[default]
    Stack,
    /// A cut through the volume at the crosshair.
    Plane(BodyPlane),
    /// The same, turned away from the body plane whose name it bears: see [`Viewport::cuts`].
    Oblique(BodyPlane),
}

impl ViewKind {
    /// The name of the plane of a cut.
    pub const fn plane(self) -> Option<BodyPlane> {
        match self {
            Self::Plane(plane) | Self::Oblique(plane) => Some(plane),
            Self::Stack => None,
        }
    }

    /// Whether the volume is cut.
    pub const fn is_cut(self) -> bool {
        self.plane().is_some()
    }
}

/// Which window is on.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum VoiChoice {
    /// The n-th of the file, or the automatic one when the file has none.
    #[default]
    File,
    /// The file's window or LUT with this index.
    FileIndex(usize),
    /// Percentiles of the data.
    Auto,
    /// A preset by name.
    Preset(String),
    /// Dragged or typed.
    Custom(WindowLevel),
    /// The middle of what filters made of the picture, from one percentile of it to another.
    Result {
        /// Percent of the values below the window, and below its end.
        percent: [u8; 2],
        /// What is on again without those filters.
        before: Box<Self>,
    },
}

/// Percentiles of a filtered picture that its window reaches between at first.
pub const RESULT_PERCENT: [u8; 2] = [5, 95];

/// Everything that the user may change about a view, apart from which slice: the unit of undo and reset.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewState {
    /// Point of the patient (or of the frame's plane) in the middle; `None` for the middle of the picture.
    pub centre: Option<DVec3>,
    /// Relative to the picture that just fits.
    pub zoom: f64,
    /// Turned and flipped.
    pub turn: ScreenTurn,
    /// Inverted by the user.
    pub inverted: bool,
    /// Over the modality values, before the window.
    pub filters: FilterStack,
    /// Window.
    pub voi: VoiChoice,
    /// Between voxels.
    pub interpolation: Interpolation,
    /// Pictures with fewer pixels than voxels show means, and do not alias.
    pub area: bool,
    /// What is made of the depth of a cut.
    pub slab: Option<Slab>,
    /// How it was hung.
    pub framing: Framing,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            centre: None,
            zoom: 1.0,
            turn: ScreenTurn::default(),
            inverted: false,
            filters: FilterStack::default(),
            voi: VoiChoice::File,
            interpolation: Interpolation::Linear,
            area: true,
            slab: None,
            framing: Framing::default(),
        }
    }
}

impl ViewState {
    /// Other filters. A window over their result is put on with the first whose values are of another kind, and goes with
    /// the last.
    pub fn set_filters(&mut self, filters: FilterStack) {
        let (before, now) = (self.filters.changes_range(), filters.changes_range());
        self.filters = filters;
        match (before, now, &self.voi) {
            (false, true, VoiChoice::Result { .. }) => {}
            (false, true, voi) => {
                self.voi = VoiChoice::Result {
                    percent: RESULT_PERCENT,
                    before: Box::new(voi.clone()),
                };
            }
            (true, false, VoiChoice::Result { before, .. }) => self.voi = *before.clone(),
            _ => {}
        }
    }
}

/// One cell of the layout.
#[derive(Clone, Debug, Default)]
pub struct Viewport {
    /// The series in it.
    pub node: Option<Arc<SeriesNode>>,
    /// Its frames.
    pub display: Option<Arc<SeriesDisplay>>,
    /// What an object says, in the place of a picture: then there is no series.
    pub document: Option<DocumentView>,
    /// What is shown of it.
    pub kind: ViewKind,
    /// Frame of a stack, from 0.
    pub slice: usize,
    /// Point through which the cuts go; `None` for the middle of the volume.
    pub crosshair: Option<DVec3>,
    /// Directions of the cuts.
    pub cuts: Cuts,
    /// How it is shown.
    pub view: ViewState,
    /// The window that [`VoiChoice::Result`] means, once it is known.
    pub result_window: Option<WindowLevel>,
    /// Only marks of this account are seen in it.
    pub reader_only: Option<String>,
}

/// Places of an oblique plane along its normal, a millimetre.
const DEPTHS_A_MM: f64 = 1e6;

/// A picture to draw, with what the overlay text needs.
#[derive(Clone, Debug)]
pub struct Picture {
    /// For the renderer.
    pub view: SliceView,
    /// What the header lays over the frame; never over a cut, which is none of the frames.
    pub cover: Option<Arc<FrameCover>>,
    /// Patient (or plane) point of viewport pixel (x, y, 0).
    pub patient_from_viewport: DAffine3,
    /// Whether that space is the patient's; else letters are unknown.
    pub oriented: bool,
    /// Where columns and rows lead of a frame that lies nowhere in the patient.
    pub leads: Option<Leads>,
    /// Screen axes, unit vectors.
    pub right: DVec3,
    /// Down the screen.
    pub down: DVec3,
    /// Millimetres (or pixels, when uncalibrated) of one viewport pixel.
    pub unit_per_pixel: f64,
    /// Image pixels are shown this large: 1 is 1:1.
    pub magnification: f64,
    /// Distance of pixel centres and its source.
    pub spacing: Spacing,
    /// Frame or slice index from 0, and how many there are.
    pub position: (usize, usize),
    /// The frame whose identity is drawn: the very object whose pixels are shown (nearest slice for a cut).
    pub frame: usize,
    /// Position along the normal in millimetres, when oriented and not oblique.
    pub location_mm: Option<f64>,
}

impl Picture {
    /// Letters at the left, right, top and bottom edge; `None` when the object says nothing.
    pub fn letters(&self) -> Option<[String; 4]> {
        let edges = [-self.right, self.right, -self.down, self.down];
        match &self.leads {
            _ if self.oriented => Some(edges.map(orientation_letters)),
            Some(leads) => Some(edges.map(|edge| leads.letters(edge))),
            None => None,
        }
    }

    /// Voxel indices (column, row, slice) under a viewport pixel.
    pub fn voxel_at(&self, x: f64, y: f64) -> DVec3 {
        self.view
            .voxel_from_viewport
            .transform_point3(DVec3::new(x, y, 0.0))
    }

    /// Viewport pixel of a column and a row of what is drawn, counted from the centre of the first one; `None` in a cut
    /// that shows another two axes.
    pub fn viewport_of_pixel(&self, pixel: DVec2) -> Option<DVec2> {
        let voxel = &self.view.voxel_from_viewport;
        let (right, down) = (voxel.matrix3.x_axis, voxel.matrix3.y_axis);
        let turn = DMat2::from_cols(right.truncate(), down.truncate());
        let depth = right.z.abs().max(down.z.abs());
        let flat = turn.determinant().abs() > 1e-12 && depth < 1e-9;
        flat.then(|| turn.inverse() * (pixel - voxel.translation.truncate()))
    }

    /// Patient (or plane) point under a viewport pixel.
    pub fn patient_at(&self, x: f64, y: f64) -> DVec3 {
        self.patient_from_viewport
            .transform_point3(DVec3::new(x, y, 0.0))
    }

    /// Viewport pixel of a patient point, projected along the normal.
    pub fn viewport_of(&self, point: DVec3) -> DVec2 {
        let offset = point - self.patient_from_viewport.translation;
        DVec2::new(offset.dot(self.right), offset.dot(self.down)) / self.unit_per_pixel
    }
}

impl Viewport {
    /// Shows a series from its beginning.
    pub fn show(&mut self, node: Arc<SeriesNode>, display: Arc<SeriesDisplay>, kind: ViewKind) {
        self.node = Some(node);
        self.display = Some(display);
        self.document = None;
        self.kind = kind;
        self.slice = 0;
        self.crosshair = None;
        self.cuts = Cuts::default();
        self.view = ViewState::default();
        self.result_window = None;
        self.reader_only = None;
    }

    /// Whose object is shown.
    pub fn patient(&self) -> Option<&Arc<PatientIdentity>> {
        let document = self.document.as_ref().map(|d| &d.object.instance.patient);
        document.or(self.node.as_ref().map(|n| &n.patient))
    }

    /// Of which study.
    pub fn study(&self) -> Option<&Arc<StudyDescription>> {
        let document = self.document.as_ref().map(|d| &d.object.instance.study);
        document.or(self.node.as_ref().map(|n| &n.study))
    }

    /// Shows nothing.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many slices there are to scroll through.
    pub fn slice_count(&self) -> usize {
        let Some(display) = &self.display else {
            return 0;
        };
        match (self.steps(), display.layout.volume) {
            (Some(steps), Some(_)) => steps.count,
            _ => display.layout.frames.len(),
        }
    }

    /// Index of the shown slice, from 0.
    pub fn slice_index(&self) -> usize {
        let Some(display) = &self.display else {
            return 0;
        };
        match (self.steps(), display.layout.volume) {
            (Some(steps), Some(grid)) => {
                steps.index_of(self.crosshair.unwrap_or_else(|| grid.centre()))
            }
            _ => self.slice,
        }
    }

    /// Goes to a slice (clamped to the ends).
    pub fn go_to_slice(&mut self, index: usize) {
        let Some(display) = &self.display else { return };
        let last = self.slice_count().saturating_sub(1);
        let index = index.min(last);
        match (self.steps(), display.layout.volume) {
            (Some(steps), Some(grid)) => {
                let point = self.crosshair.unwrap_or_else(|| grid.centre());
                self.crosshair = Some(steps.moved_to(point, index));
            }
            _ => self.slice = index,
        }
    }

    /// The frame whose object is shown: the stack's, or the nearest slice of the cut's middle.
    pub fn frame_shown(&self) -> usize {
        let Some(display) = &self.display else {
            return 0;
        };
        match (self.kind, display.layout.volume) {
            (kind, Some(grid)) if kind.is_cut() && display.is_volume() => {
                let point = self.crosshair.unwrap_or_else(|| grid.centre());
                let slice = grid
                    .voxel_from_patient()
                    .map_or(0.0, |m| m.transform_point3(point).z.round());
                (slice.max(0.0) as usize).min(grid.size[2].saturating_sub(1))
            }
            _ => self.slice,
        }
    }

    /// The image description of the shown frame.
    pub fn image(&self) -> Option<&ImageDescription> {
        self.display.as_ref()?.image_of(self.frame_shown())
    }

    /// The object of the shown frame.
    pub fn instance(&self) -> Option<&Arc<Instance>> {
        let display = self.display.as_ref()?;
        let reference = display.layout.frames.get(self.frame_shown())?;
        Some(&reference.instance)
    }

    /// The description of the shown frame.
    pub fn frame_description(&self) -> Option<&FrameDescription> {
        let display = self.display.as_ref()?;
        let reference = display.layout.frames.get(self.frame_shown())?;
        Some(reference.instance.image.as_ref()?.frame(reference.frame))
    }

    /// How long after the beat of the heart the shown frame was made, where the series has other phases too.
    pub fn phase_ms(&self) -> Option<f64> {
        let display = self.display.as_ref()?;
        let frames = &display.layout.frames;
        let shown = frames.get(self.frame_shown())?;
        let own = shown.trigger_time_ms()?;
        let another = |frame: Option<&FrameRef>| {
            let other = frame.filter(|frame| frame.lies_with(shown));
            let time = other.and_then(FrameRef::trigger_time_ms);
            time.is_some_and(|time| (time - own).abs() > 1e-4)
        };
        let part_of_several = display.layout.part.count > 1;
        (part_of_several || another(frames.first()) || another(frames.last())).then_some(own)
    }

    /// The window or LUT that is on.
    pub fn voi(&self) -> Voi {
        let automatic = || {
            self.display
                .as_ref()
                .and_then(|d| d.first_voi().cloned())
                .unwrap_or(FALLBACK_VOI)
        };
        let of_file = |index: usize| {
            self.frame_description()
                .and_then(|d| d.voi.get(index).cloned())
        };
        let preset = |name: &str| {
            let known = super::presets::preset_named(name);
            known.map_or_else(automatic, |p| Voi::window(p.center, p.width))
        };
        let custom = |level: WindowLevel| Voi::Window {
            level,
            function: self.function_of(level),
            explanation: String::new(),
        };
        match &self.view.voi {
            VoiChoice::File => of_file(0).unwrap_or_else(automatic),
            VoiChoice::FileIndex(index) => of_file(*index).unwrap_or_else(automatic),
            VoiChoice::Auto => self.automatic_voi().unwrap_or_else(automatic),
            VoiChoice::Preset(name) => preset(name),
            VoiChoice::Result { before, .. } => match (self.result_window, before.as_ref()) {
                (Some(level), _) => custom(level),
                // Not known yet: as before, so that nothing flashes.
                (None, VoiChoice::Preset(name)) => preset(name),
                (None, VoiChoice::Custom(level)) => custom(*level),
                (None, _) => of_file(0).unwrap_or_else(automatic),
            },
            VoiChoice::Custom(level) => custom(*level),
        }
    }

    /// How a window maps that was dragged or typed: as the file's own, and exactly where LINEAR has no such width
    /// (PS3.3 C.11.2.1.2.1: at least 1).
    fn function_of(&self, level: WindowLevel) -> VoiLutFunction {
        let of_file = self.frame_description().map_or(&[][..], |d| &d.voi);
        let opened = self.display.as_ref().and_then(|d| d.first_voi());
        let function = of_file.iter().chain(opened).find_map(|voi| match voi {
            Voi::Window { function, .. } => Some(*function),
            Voi::Table(_) => None,
        });
        match function.unwrap_or_default() {
            VoiLutFunction::Linear if level.width < 1.0 => VoiLutFunction::LinearExact,
            function => function,
        }
    }

    /// Whether the file says how its pixels are windowed.
    pub fn has_own_window(&self) -> bool {
        self.frame_description().is_some_and(|d| !d.voi.is_empty())
    }

    fn automatic_voi(&self) -> Option<Voi> {
        let display = self.display.as_ref()?;
        let index = self.frame_shown();
        display.automatic_voi(index, || {
            let reference = display.layout.frames.get(index)?;
            let super::display::FrameState::Loaded(frame) = display.frame(index) else {
                return None;
            };
            let image = reference.instance.image.as_ref()?;
            // Without the file's own windows the default is that of the data.
            let mut description = image.frame(reference.frame).clone();
            description.voi.clear();
            Some(window_default(
                &description,
                &frame,
                image.padding,
                image.bits_stored,
            ))
        })
    }

    /// Whether the display is inverted in all: by the object and by the user.
    pub fn inverted(&self) -> bool {
        self.image().is_some_and(ImageDescription::lowest_is_white) ^ self.view.inverted
    }

    /// The picture for a viewport of this many pixels; `None` while nothing can be drawn.
    pub fn picture(&self, size: [u32; 2]) -> Option<Picture> {
        let display = self.display.as_ref()?;
        let size = size.map(|s| s.max(1));
        let index = self.frame_shown();
        let image = display.image_of(index)?;
        let description = self.frame_description()?;
        let is_cut = self.kind.is_cut() && display.is_volume();
        let (grid, layer) = match (is_cut, display.layout.volume) {
            (true, Some(grid)) => (grid, 0),
            _ => (
                frame_grid(image, description),
                display.layer_of(index).unwrap_or(0),
            ),
        };
        let oriented = is_cut || description.plane.is_some();
        let technique = display
            .layout
            .frames
            .get(index)
            .map(|f| &f.instance.technique);
        let (right, down) = self.screen_axes(&grid);
        let normal = right.cross(down);
        let fit = match self.kind {
            // The picture keeps its scale while the plane turns.
            ViewKind::Oblique(plane) => {
                let (right, down) = plane.screen_axes();
                let (right, down) = self.view.turn.axes(right, down);
                fit_unit_per_pixel(&grid, right, down, size)
            }
            _ => fit_unit_per_pixel(&grid, right, down, size),
        };
        let (_, column_unit) = description.spacing.row_column();
        let framing = self.view.framing;
        let fit = framing.unit_per_pixel(fit, column_unit, size);
        let unit_per_pixel = fit / self.view.zoom;
        let through = if is_cut {
            self.crosshair.unwrap_or_else(|| grid.centre())
        } else {
            grid.patient_from_voxel.translation
        };
        let centre = self.view.centre.unwrap_or_else(|| {
            let columns = grid.patient_from_voxel.matrix3.x_axis * grid.size[0] as f64;
            let cell_width = unit_per_pixel * f64::from(size[0]);
            // Of a part the middle stays where it is, however large it is shown.
            let picture = extent_of(&grid, right, down).map(|side| side / fit);
            match framing.part_offset(picture, size) {
                Some([x, y]) => grid.centre() + (right * x + down * y) * fit,
                None => {
                    grid.centre() + right * framing.offset(columns.dot(right) / 2.0, cell_width)
                }
            }
        });
        let depth = (through - centre).dot(normal);
        let depth = match self.kind {
            // Moving the crosshair within an oblique plane must not move the plane by what rounding makes of it: then
            // it would be drawn again.
            ViewKind::Oblique(_) => (depth * DEPTHS_A_MM).round() / DEPTHS_A_MM,
            _ => depth,
        };
        let centre = centre + normal * depth;
        let corner = centre
            - right * (unit_per_pixel * f64::from(size[0]) / 2.0)
            - down * (unit_per_pixel * f64::from(size[1]) / 2.0);
        let patient_from_viewport = DAffine3 {
            matrix3: DMat3::from_cols(right * unit_per_pixel, down * unit_per_pixel, normal),
            translation: corner,
        };
        let mut voxel_from_viewport = grid.voxel_from_patient()? * patient_from_viewport;
        if !is_cut {
            voxel_from_viewport.translation.z = layer as f64;
            voxel_from_viewport.matrix3.x_axis.z = 0.0;
            voxel_from_viewport.matrix3.y_axis.z = 0.0;
        }
        let mixed = display.layout.mixed_rescale;
        let (stored_type, samples) = displayed_type(image, mixed);
        let view = SliceView {
            size,
            voxel_from_viewport,
            interpolation: self.view.interpolation,
            grey: GreyPipeline {
                stored_type,
                // Slices with scales of their own are on the GPU as modality values.
                modality_lut: if mixed {
                    ModalityLut::IDENTITY
                } else {
                    description.modality_lut.clone()
                },
                voi: self.voi(),
                inverted: self.inverted(),
                padding: image.padding.filter(|_| !mixed),
                presentation: image.display.presentation_lut.clone(),
            },
            samples,
            area: self.view.area,
            slab: self
                .view
                .slab
                .filter(|_| is_cut)
                .and_then(|slab| slab.steps(&grid, normal)),
        };
        Some(Picture {
            view,
            cover: display.cover(index).filter(|_| !is_cut),
            patient_from_viewport,
            oriented,
            leads: technique
                .filter(|_| !oriented)
                .and_then(|said| Leads::read(&said.columns_lead_to, &said.rows_lead_to)),
            right,
            down,
            unit_per_pixel,
            magnification: column_unit / unit_per_pixel,
            spacing: description.spacing,
            position: (self.slice_index(), self.slice_count()),
            frame: index,
            location_mm: (oriented && !matches!(self.kind, ViewKind::Oblique(_)))
                .then(|| through.dot(normal.normalize())),
        })
    }

    /// Which part of the picture fills a cell of this size, counted from 0, and into how many it goes; `None` where all of
    /// the picture is shown.
    pub fn part(&self, size: [u32; 2]) -> Option<(u16, u16)> {
        let framing = self.view.framing;
        let part = framing.part?;
        let display = self.display.as_ref()?;
        let image = display.image_of(self.frame_shown())?;
        let description = self.frame_description()?;
        let grid = frame_grid(image, description);
        let (right, down) = self.screen_axes(&grid);
        let fit = fit_unit_per_pixel(&grid, right, down, size);
        let (_, column_unit) = description.spacing.row_column();
        let fit = framing.unit_per_pixel(fit, column_unit, size);
        let [across, along] = parts(extent_of(&grid, right, down).map(|side| side / fit), size);
        let count = u16::try_from(across * along).unwrap_or(u16::MAX);
        Some((part.min(count.saturating_sub(1)), count))
    }

    /// The positions along the normal of a cut through a volume.
    fn steps(&self) -> Option<PlaneSteps> {
        let display = self.display.as_ref().filter(|d| d.is_volume())?;
        let grid = display.layout.volume?;
        match self.kind {
            ViewKind::Plane(plane) => Some(PlaneSteps::new(&grid, plane)),
            ViewKind::Oblique(plane) => Some(PlaneSteps::oblique(
                &grid,
                plane,
                self.cuts.axes(plane).normal(),
            )),
            ViewKind::Stack => None,
        }
    }

    /// Distance of neighbouring positions along the normal of a cut, and of neighbouring points of its slab, millimetres.
    pub fn slab_step_mm(&self) -> Option<f64> {
        let plane = self.kind.plane()?;
        let grid = self.display.as_ref()?.layout.volume?;
        let voxel_from_patient = grid.voxel_from_patient()?.matrix3;
        Some(step_along_mm(
            &voxel_from_patient,
            self.cuts.axes(plane).normal(),
        ))
    }

    /// Unit vectors to the right and down the screen, in the space of the grid.
    fn screen_axes(&self, grid: &GridGeometry) -> (DVec3, DVec3) {
        let (right, down) = match self.kind {
            ViewKind::Plane(plane) => plane.screen_axes(),
            ViewKind::Oblique(plane) => {
                let PlaneAxes { right, down } = self.cuts.axes(plane);
                (right, down)
            }
            ViewKind::Stack => {
                let m = grid.patient_from_voxel.matrix3;
                (m.x_axis.normalize(), m.y_axis.normalize())
            }
        };
        self.view.turn.axes(right, down)
    }

    /// Moves the picture by viewport pixels.
    pub fn pan(&mut self, picture: &Picture, dx: f64, dy: f64) {
        let middle = picture.view.size.map(|s| f64::from(s) / 2.0);
        let centre = picture.patient_at(middle[0], middle[1]);
        let moved = picture.right * dx + picture.down * dy;
        self.view.centre = Some(centre - moved * picture.unit_per_pixel);
    }

    /// Changes the zoom, keeping the point under a viewport pixel where it is.
    pub fn zoom_at(&mut self, picture: &Picture, x: f64, y: f64, zoom: f64) {
        let (lowest, highest) = crate::tools::navigate::ZOOM_RANGE;
        let zoom = zoom.clamp(lowest, highest);
        let anchor = picture.patient_at(x, y);
        let middle = picture.view.size.map(|s| f64::from(s) / 2.0);
        let centre = picture.patient_at(middle[0], middle[1]);
        self.view.centre = Some(anchor + (centre - anchor) * (self.view.zoom / zoom));
        self.view.zoom = zoom;
    }
}

/// The grid of one frame of a stack.
pub(super) fn frame_grid(image: &ImageDescription, description: &FrameDescription) -> GridGeometry {
    match &description.plane {
        Some(plane) => {
            GridGeometry::of_plane(plane, description.spacing, image.columns, image.rows)
        }
        None => GridGeometry::unoriented(description.spacing, image.columns, image.rows),
    }
}

/// Width and height of a picture of the grid, in its units.
fn extent_of(grid: &GridGeometry, right: DVec3, down: DVec3) -> [f64; 2] {
    let m = grid.patient_from_voxel.matrix3;
    [right, down].map(|axis| {
        let sides = [m.x_axis, m.y_axis, m.z_axis];
        let sides = sides.iter().zip(grid.size).map(|(step, n)| {
            // A single slice has no depth to fit.
            let n = if n == 1 { 0.0 } else { n as f64 };
            step.dot(axis).abs() * n
        });
        sides.sum()
    })
}

/// Units per pixel at which the whole grid just fits, seen along the normal of the screen.
fn fit_unit_per_pixel(grid: &GridGeometry, right: DVec3, down: DVec3, size: [u32; 2]) -> f64 {
    let [width, height] = extent_of(grid, right, down);
    let fit = (width / f64::from(size[0])).max(height / f64::from(size[1]));
    if fit.is_finite() && fit > 1e-9 {
        fit
    } else {
        1.0
    }
}
