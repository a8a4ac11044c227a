//! Where marks are in a view: the lenses onto its plane, which marks are to be seen there, and what a mark that is
//! drawn there belongs to.

use crate::{
    imaging::measure::Anchor,
    model::{
        annotation::{Annotation, AnnotationTarget, Author, MarkKind, PointSpace, Shape},
        cuboid::Cuboid,
        geometry::GridGeometry,
        layout::FrameRef,
    },
    tools::mark::{Drift, Lens, Lies},
    workspace::view::{Picture, Viewport},
};
use glam::DVec3;

/// Half of what a frame shows when nothing says how thick it is, millimetres.
const HALF_MM: f64 = 0.5;

/// Points of patient and pixels that drift together differ by less than this in a view as wide as that, pixels.
const APART_PX: f64 = 0.05;
const FAR_PX: f64 = 4096.0;

/// A view as marks see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// The frame that is shown; for a cut the nearest.
    pub target: AnnotationTarget,
    /// Lens for points in the patient; none where the frame lies nowhere or has no millimetres.
    pub patient: Option<Lens>,
    /// Lens for the pixels of the frame; none for a cut.
    pub pixel: Option<Lens>,
    /// What the plane shows to each side, millimetres.
    pub half_mm: f64,
    /// The plane is that of the frame.
    along_frame: bool,
    /// Only marks of this account are seen.
    reader_only: Option<String>,
}

impl Viewport {
    /// The view as marks see it; `None` while it shows no frame.
    pub fn mark_site(&self, picture: &Picture) -> Option<Site> {
        let display = self.display.as_ref()?;
        let reference = display.layout.frames.get(picture.frame)?;
        let instance = &reference.instance;
        let anchor = Anchor::of(instance, reference.frame)?;
        let cut = self.kind.is_cut() && display.is_volume();
        let placed = picture.oriented && anchor.spacing.source().is_some();
        let patient = placed
            .then(|| Lens::new(picture.patient_from_viewport))
            .flatten();
        let pixel = match cut {
            true => None,
            false => Lens::of_pixels(&picture.view.voxel_from_viewport),
        };
        let normal = picture.right.cross(picture.down);
        let along_frame = anchor
            .plane
            .is_none_or(|plane| plane.normal().dot(normal).abs() > 1.0 - 1e-9);
        Some(Site {
            target: target_of(reference),
            patient,
            pixel,
            half_mm: match (cut, self.view.slab) {
                (true, Some(slab)) => slab.thickness_mm * 0.5,
                _ => half_mm(display.layout.volume.as_ref(), &anchor, normal),
            },
            along_frame,
            reader_only: self.reader_only.clone(),
        })
    }
}

/// A frame as the target of a mark.
pub fn target_of(reference: &FrameRef) -> AnnotationTarget {
    let instance = &reference.instance;
    AnnotationTarget {
        study_uid: instance.study.uid.clone(),
        series_uid: instance.series.uid.clone(),
        instance_uid: instance.sop_instance_uid.clone(),
        frame: u32::try_from(reference.frame + 1).unwrap_or(u32::MAX),
        frame_of_reference_uid: instance.series.frame_of_reference_uid.clone(),
    }
}

/// Half the distance to the next plane along a normal.
fn half_mm(grid: Option<&GridGeometry>, anchor: &Anchor, normal: DVec3) -> f64 {
    let step = grid.and_then(|grid| {
        let axes = grid.patient_from_voxel.matrix3;
        [axes.x_axis, axes.y_axis, axes.z_axis]
            .map(|a| {
                (
                    a.dot(normal).abs() / a.length().max(1e-9),
                    a.dot(normal).abs(),
                )
            })
            .into_iter()
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, step)| step * 0.5)
    });
    let thick = anchor.slice_thickness_mm.map(|t| t * 0.5);
    step.or(thick)
        .filter(|h| h.is_finite() && *h > 0.0)
        .unwrap_or(HALF_MM)
}

impl Site {
    /// The space that a mark drawn here has, and the lens onto it.
    pub fn drawing(&self) -> Option<(PointSpace, &Lens)> {
        match (&self.patient, &self.pixel) {
            (Some(lens), _) => Some((PointSpace::Patient, lens)),
            (None, Some(lens)) => Some((PointSpace::Pixel, lens)),
            (None, None) => None,
        }
    }

    /// Whether the same marks are seen here and there, in the same places. Which frame is the nearest to a cut says where
    /// a new mark belongs, and shows no other ones.
    pub fn is_same_sight(&self, other: &Self) -> bool {
        self.same_marks(other) && self.patient == other.patient && self.pixel == other.pixel
    }

    /// The same marks are seen through lenses of the same kinds.
    fn same_marks(&self, other: &Self) -> bool {
        // All of it, so that a field that is new is not forgotten here.
        let Self {
            target,
            patient: _,
            pixel,
            half_mm,
            along_frame,
            reader_only,
        } = self;
        let same_target = match pixel {
            Some(_) => *target == other.target,
            None => self.same_space(&other.target) && target.series_uid == other.target.series_uid,
        };
        same_target
            && *half_mm == other.half_mm
            && *along_frame == other.along_frame
            && *reader_only == other.reader_only
    }

    /// How what was seen here before lies now, where all the same marks are seen through the same planes and only the
    /// view was moved or made larger.
    pub fn drift(&self, before: &Self) -> Option<Drift> {
        let of = |now: &Option<Lens>, before: &Option<Lens>| match (now, before) {
            (Some(now), Some(before)) => now.drift(before).map(Some),
            (None, None) => Some(None),
            _ => None,
        };
        let patient = of(&self.patient, &before.patient)?;
        let pixel = of(&self.pixel, &before.pixel)?;
        if let (Some(one), Some(other)) = (patient, pixel) {
            // Both lenses look at one picture.
            let apart = one.by.distance(other.by) + (one.scale - other.scale).abs() * FAR_PX;
            if apart > APART_PX {
                return None;
            }
        }
        patient.or(pixel).filter(|_| self.same_marks(before))
    }

    /// Whether two targets share the space of patient points: one frame of reference, or one series where none is
    /// named (PS3.3 C.7.4.1).
    fn same_space(&self, other: &AnnotationTarget) -> bool {
        let (here, there) = (
            &self.target.frame_of_reference_uid,
            &other.frame_of_reference_uid,
        );
        match here.is_empty() && there.is_empty() {
            true => self.target.series_uid == other.series_uid,
            false => here == there,
        }
    }

    /// How a mark is seen here, and through which lens.
    pub fn sees(&self, mark: &Annotation) -> Option<(&Lens, Lies)> {
        if let Some(reader) = &self.reader_only
            && !matches!(&mark.author, Author::Person(name) if name == reader)
        {
            return None;
        }
        match mark.space {
            PointSpace::Pixel => {
                let same = mark.target.instance_uid == self.target.instance_uid
                    && mark.target.frame == self.target.frame;
                self.pixel.as_ref().filter(|_| same).map(|l| (l, Lies::In))
            }
            PointSpace::Patient => {
                let lens = self.patient.as_ref()?;
                if !self.same_space(&mark.target) {
                    return None;
                }
                let body = match mark.shape.kind {
                    MarkKind::Box => Cuboid::from_points(&mark.shape.points),
                    _ => None,
                };
                let lies = match body {
                    Some(body) => lens.passes(&body.corners(), self.half_mm),
                    None => lens.lies(&mark.shape.points, self.half_mm),
                };
                (lies != Lies::Off).then_some((lens, lies))
            }
        }
    }

    /// A shape as it is kept when it was drawn here. A circle keeps two points, which say no plane: on a plane that is
    /// not its frame's it is kept as an ellipse with equal axes.
    pub fn kept(&self, shape: Shape) -> Shape {
        let (MarkKind::Circle, &[centre, rim]) = (shape.kind, shape.points.as_slice()) else {
            return shape;
        };
        match &self.patient {
            Some(lens) if !self.along_frame => {
                let by = lens.screen(rim) - lens.screen(centre);
                Shape {
                    kind: MarkKind::Ellipse,
                    points: vec![centre, rim, centre + lens.step(by.perp())],
                }
            }
            _ => shape,
        }
    }
}
