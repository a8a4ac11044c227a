//! What a step between two points is worth: millimetres with their source, or pixels.
//!
//! PS3.3 10.7.1.3 tells Pixel Spacing (calibrated, or of a cross-section) from Imager Pixel Spacing (at the detector)
//! and from Nominal Scanned Pixel Spacing; the model carries which it is, and no number leaves here without it.
//! Both distances of a frame come from one attribute, so one frame cannot mix sources; two frames can, and are refused.

use super::{MAX_COORDINATE, MAX_POINTS, MeasureError, Measurement, Quantity, ZERO, warning};
use crate::model::{
    annotation::PointSpace,
    finding::{Finding, Severity},
    geometry::{ImagePlane, Spacing, SpacingSource},
    study::Instance,
};
use glam::DVec3;

/// What one frame says of place and length.
#[derive(Clone, Debug, PartialEq)]
pub struct Anchor {
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Frame of the instance, from 0.
    pub frame: usize,
    /// Frame of Reference UID, empty when absent.
    pub frame_of_reference_uid: String,
    /// Where it lies.
    pub plane: Option<ImagePlane>,
    /// Distance of its pixels.
    pub spacing: Spacing,
    /// Columns and rows.
    pub size: [usize; 2],
    /// Slice Thickness.
    pub slice_thickness_mm: Option<f64>,
}

impl Anchor {
    /// What a frame (from 0) of an instance says; `None` when it has no such picture.
    pub fn of(instance: &Instance, frame: usize) -> Option<Self> {
        let image = instance.image.as_ref()?;
        let description = (frame < image.frames).then(|| image.frame(frame))?;
        Some(Self {
            series_uid: instance.series.uid.clone(),
            instance_uid: instance.sop_instance_uid.clone(),
            frame,
            frame_of_reference_uid: instance.series.frame_of_reference_uid.clone(),
            plane: description.plane,
            spacing: description.spacing,
            size: [image.columns, image.rows],
            slice_thickness_mm: description.slice_thickness_mm,
        })
    }

    fn same_frame(&self, other: &Self) -> bool {
        self.instance_uid == other.instance_uid
            && self.series_uid == other.series_uid
            && self.frame == other.frame
    }

    /// Patient points of both may be compared. Without a UID that holds within one series only: its images share
    /// one frame of reference (PS3.3 C.7.4.1).
    fn same_reference(&self, other: &Self) -> bool {
        if self.frame_of_reference_uid.is_empty() && other.frame_of_reference_uid.is_empty() {
            self.series_uid == other.series_uid
        } else {
            self.frame_of_reference_uid == other.frame_of_reference_uid
        }
    }
}

/// The scale of one measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    space: PointSpace,
    spacing: Spacing,
    size: [usize; 2],
}

impl Ruler {
    /// The scale for points that lie on these frames.
    ///
    /// # Errors
    /// Pixel points on two frames; patient points on a frame without place or spacing, in two frames of reference, or
    /// on frames whose millimetres come from different attributes.
    pub fn of<'a>(
        space: PointSpace,
        anchors: impl IntoIterator<Item = &'a Anchor>,
    ) -> Result<Self, MeasureError> {
        let mut anchors = anchors.into_iter();
        let first = anchors.next().ok_or(MeasureError::NoImage)?;
        if space == PointSpace::Patient {
            check_patient(first)?;
        }
        for other in anchors {
            match space {
                PointSpace::Pixel if !first.same_frame(other) => {
                    return Err(MeasureError::DifferentFrames);
                }
                PointSpace::Pixel => {}
                PointSpace::Patient => {
                    check_patient(other)?;
                    if !first.same_reference(other) {
                        return Err(MeasureError::DifferentFramesOfReference);
                    }
                    if first.spacing.source() != other.spacing.source() {
                        return Err(MeasureError::MixedSources {
                            first: first.spacing.unit_label(),
                            second: other.spacing.unit_label(),
                        });
                    }
                }
            }
        }
        Ok(Self {
            space,
            spacing: first.spacing,
            size: first.size,
        })
    }

    /// The space of the points.
    pub const fn space(&self) -> PointSpace {
        self.space
    }

    /// Whether lengths are millimetres.
    pub const fn in_millimetres(&self) -> bool {
        self.spacing.source().is_some()
    }

    /// Column and row distance in the unit of the results; 1 and 1 in patient space.
    pub const fn steps(&self) -> [f64; 2] {
        match self.space {
            PointSpace::Patient => [1.0, 1.0],
            PointSpace::Pixel => {
                let (row, column) = self.spacing.row_column();
                [column, row]
            }
        }
    }

    /// A point in the unit of the results: patient millimetres, or column and row times their distance.
    ///
    /// # Errors
    /// As [`Self::place`], and a pixel beside the ultrasound region that the distances are of: a spectrum or a
    /// time axis may be there (PS3.3 C.8.5.5.1.1).
    pub fn metric(&self, point: DVec3) -> Result<DVec3, MeasureError> {
        let place = self.place(point)?;
        match self.spacing.source() {
            Some(SpacingSource::UltrasoundRegion(Some(bounds)))
                if self.space == PointSpace::Pixel && !bounds.contains(point.x, point.y) =>
            {
                Err(MeasureError::OutsideRegion)
            }
            _ => Ok(place),
        }
    }

    /// A point as [`Self::metric`] has it, for what is no distance.
    ///
    /// # Errors
    /// What is no finite number, or absurdly large, or has a depth in pixel space.
    pub fn place(&self, point: DVec3) -> Result<DVec3, MeasureError> {
        if !point.is_finite() {
            return Err(MeasureError::NotFinite);
        }
        if point.abs().max_element() > MAX_COORDINATE {
            return Err(MeasureError::OutOfRange);
        }
        if self.space == PointSpace::Pixel && point.z != 0.0 {
            return Err(MeasureError::BadOption { name: "points" });
        }
        let [column, row] = self.steps();
        Ok(point * DVec3::new(column, row, 1.0))
    }

    /// All points in the unit of the results.
    ///
    /// # Errors
    /// As [`Self::metric`], and more points than [`MAX_POINTS`].
    pub fn metrics(&self, points: &[DVec3]) -> Result<Vec<DVec3>, MeasureError> {
        if points.len() > MAX_POINTS {
            return Err(MeasureError::TooManyPoints {
                given: points.len(),
            });
        }
        points.iter().map(|p| self.metric(*p)).collect()
    }

    /// Back from the unit of the results to the space of the points.
    pub fn point(&self, metric: DVec3) -> DVec3 {
        let [column, row] = self.steps();
        metric / DVec3::new(column, row, 1.0)
    }

    /// The distance of two metric points that must differ.
    pub(crate) fn distance(a: DVec3, b: DVec3) -> Result<f64, MeasureError> {
        let distance = a.distance(b);
        if distance < ZERO {
            return Err(MeasureError::ZeroLength);
        }
        Ok(distance)
    }

    /// A quantity of `power` 1 (length), 2 (area) or 3 (volume).
    pub(crate) fn quantity(&self, name: &str, value: f64, power: u32) -> Quantity {
        let source = self.spacing.unit_label();
        let (bare, rest) = source.split_once(' ').unwrap_or((&source, ""));
        let unit = match power {
            2 => format!("{bare}²"),
            3 => format!("{bare}³"),
            _ => bare.to_owned(),
        };
        let mut label = format!("{unit} {rest}");
        if let Some(aspect) = self.aspect() {
            label = format!("{label}, in column distances, aspect {aspect:.3} applied");
        }
        Quantity {
            name: name.to_owned(),
            value: Some(value),
            unit,
            source,
            label,
        }
    }

    /// An angle. Its source is that of the lengths: a wrong aspect of the pixels would turn it.
    pub(crate) fn degrees(&self, name: &str, radians: f64) -> Quantity {
        Quantity {
            name: name.to_owned(),
            value: Some(radians.to_degrees()),
            unit: "°".into(),
            source: self.spacing.unit_label(),
            label: "°".into(),
        }
    }

    /// Row distance over column distance of pixels without millimetres, when they are not square.
    fn aspect(&self) -> Option<f64> {
        match self.spacing {
            Spacing::Unknown { aspect } if aspect != 1.0 => Some(aspect),
            _ => None,
        }
    }

    /// A measurement with what must be said of the scale, and of points beside the image.
    pub(crate) fn begin(&self, kind: &'static str, points: &[DVec3]) -> Measurement {
        let mut measurement = Measurement::new(kind);
        measurement.warnings.extend(self.caveat());
        if let Some(aspect) = self.aspect() {
            measurement.warnings.push(
                Finding::new(
                    "ASPECT_APPLIED",
                    Severity::Info,
                    format!(
                        "pixels are not square: lengths count column distances, a row is {aspect} of them"
                    ),
                )
                .with("aspect", aspect),
            );
        }
        let beside = self.beside(points);
        if beside > 0 {
            measurement.warnings.push(warning(
                "POINT_OUTSIDE_IMAGE",
                "points",
                beside as f64,
                format!("{beside} of the points lie outside the image"),
            ));
        }
        measurement
    }

    /// Pixel points beyond the outer border of the outer pixels. Patient points have no border.
    fn beside(&self, points: &[DVec3]) -> usize {
        if self.space == PointSpace::Patient {
            return 0;
        }
        let [columns, rows] = self.size.map(|n| n as f64 - 0.5);
        points
            .iter()
            .filter(|p| p.x < -0.5 || p.y < -0.5 || p.x > columns || p.y > rows)
            .count()
    }

    /// What must be said of the calibration, with the codes that reading the header uses.
    fn caveat(&self) -> Option<Finding> {
        match self.spacing.source() {
            None => Some(Finding::new(
                "UNCALIBRATED",
                Severity::Warning,
                "the image has no pixel spacing; lengths are in pixels",
            )),
            Some(SpacingSource::CalibrationUnknown) => Some(Finding::new(
                "CALIBRATION_UNKNOWN",
                Severity::Warning,
                "millimetres may be those at the detector or in the patient; the file does not say",
            )),
            Some(SpacingSource::ImagerPixelSpacing) => Some(Finding::new(
                "SPACING_AT_DETECTOR",
                Severity::Info,
                "millimetres are those at the detector, not corrected for magnification",
            )),
            Some(SpacingSource::ImagerMagnified(factor)) => Some(
                Finding::new(
                    "SPACING_MAGNIFIED",
                    Severity::Info,
                    format!(
                        "millimetres are corrected by an estimated magnification of {factor:.2}"
                    ),
                )
                .with("factor", factor),
            ),
            Some(_) => None,
        }
    }
}

fn check_patient(anchor: &Anchor) -> Result<(), MeasureError> {
    if anchor.plane.is_none() {
        return Err(MeasureError::NoPatientSpace);
    }
    // Such a frame's own points would be pixels in the guise of millimetres.
    if anchor.spacing.source().is_none() {
        return Err(MeasureError::PatientUncalibrated);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::geometry::PixelBounds;

    pub(crate) const UNKNOWN: Spacing = Spacing::Unknown { aspect: 1.0 };

    pub(crate) fn millimetres(row_mm: f64, column_mm: f64) -> Spacing {
        Spacing::Millimetres {
            row_mm,
            column_mm,
            source: SpacingSource::PixelSpacing,
        }
    }

    pub(crate) fn anchor(spacing: Spacing) -> Anchor {
        Anchor {
            series_uid: "1.1".into(),
            instance_uid: "1.1.1".into(),
            frame: 0,
            frame_of_reference_uid: "1.9".into(),
            plane: ImagePlane::new([0.0; 3], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            spacing,
            size: [64, 48],
            slice_thickness_mm: Some(2.0),
        }
    }

    pub(crate) fn pixel_ruler(spacing: Spacing) -> Ruler {
        Ruler::of(PointSpace::Pixel, [&anchor(spacing)]).unwrap()
    }

    pub(crate) fn patient_ruler() -> Ruler {
        Ruler::of(PointSpace::Patient, [&anchor(millimetres(1.0, 1.0))]).unwrap()
    }

    #[test]
    fn the_words_are_those_of_the_spacing() {
        let check = |spacing: Spacing, power, unit: &str, label: &str| {
            let q = pixel_ruler(spacing).quantity("length", 1.0, power);
            assert_eq!((q.unit.as_str(), q.label.as_str()), (unit, label));
            assert_eq!(q.source, spacing.unit_label());
        };
        check(millimetres(1.0, 1.0), 1, "mm", "mm (Pixel Spacing)");
        check(millimetres(1.0, 1.0), 2, "mm²", "mm² (Pixel Spacing)");
        let from = |source| Spacing::Millimetres {
            row_mm: 1.0,
            column_mm: 1.0,
            source,
        };
        let at_detector = from(SpacingSource::ImagerPixelSpacing);
        check(at_detector, 1, "mm", "mm at detector (not corrected)");
        let magnified = from(SpacingSource::ImagerMagnified(1.2));
        check(magnified, 2, "mm²", "mm² (magnification 1.20)");
        check(UNKNOWN, 2, "px²", "px² (uncalibrated)");
        let tall = Spacing::Unknown { aspect: 2.0 };
        let label = "px (uncalibrated), in column distances, aspect 2.000 applied";
        check(tall, 1, "px", label);
        assert!(
            pixel_ruler(UNKNOWN)
                .begin("length", &[])
                .warns("UNCALIBRATED")
        );
        assert!(
            pixel_ruler(tall)
                .begin("length", &[])
                .warns("ASPECT_APPLIED")
        );
        let beside = [DVec3::new(-0.4, 47.4, 0.0), DVec3::new(63.6, 0.0, 0.0)];
        let begun = pixel_ruler(UNKNOWN).begin("length", &beside);
        assert!(begun.warns("POINT_OUTSIDE_IMAGE"));
    }

    #[test]
    fn points_of_two_frames_are_pixels_of_none() {
        let first = anchor(millimetres(1.0, 1.0));
        let mut second = first.clone();
        second.frame = 1;
        second.spacing = millimetres(0.5, 0.7);
        let code = |space, a: &Anchor, b: &Anchor| Ruler::of(space, [a, b]).map_err(|e| e.code());
        assert_eq!(
            code(PointSpace::Pixel, &first, &second),
            Err("DIFFERENT_FRAMES")
        );
        assert!(code(PointSpace::Patient, &first, &second).is_ok());
        second.series_uid = "1.2".into();
        assert!(code(PointSpace::Patient, &first, &second).is_ok());
        let mut none = (first.clone(), second.clone());
        none.0.frame_of_reference_uid.clear();
        let refused = Err("DIFFERENT_FRAMES_OF_REFERENCE");
        assert_eq!(code(PointSpace::Patient, &none.0, &none.1), refused);
        none.1.frame_of_reference_uid.clear();
        assert_eq!(code(PointSpace::Patient, &none.0, &none.1), refused);
        none.1.series_uid = "1.1".into();
        assert!(code(PointSpace::Patient, &none.0, &none.1).is_ok());
    }

    #[test]
    fn millimetres_of_two_kinds_are_not_mixed() {
        let first = anchor(millimetres(1.0, 1.0));
        let mut second = first.clone();
        second.spacing = Spacing::Millimetres {
            row_mm: 1.0,
            column_mm: 1.0,
            source: SpacingSource::ImagerMagnified(1.1),
        };
        let code = |second: &Anchor| {
            Ruler::of(PointSpace::Patient, [&first, second]).map_err(|e| e.code())
        };
        assert_eq!(code(&second), Err("MIXED_SOURCES"));
        second.spacing = UNKNOWN;
        assert_eq!(code(&second), Err("PATIENT_UNCALIBRATED"));
        second.plane = None;
        assert_eq!(code(&second), Err("NO_PATIENT_SPACE"));
        let none: [&Anchor; 0] = [];
        assert_eq!(
            Ruler::of(PointSpace::Pixel, none),
            Err(MeasureError::NoImage)
        );
    }

    #[test]
    fn a_scale_ends_with_its_region() {
        let region = PixelBounds {
            low: [4, 6],
            high: [20, 9],
        };
        let ruler = pixel_ruler(Spacing::Millimetres {
            row_mm: 0.5,
            column_mm: 0.25,
            source: SpacingSource::UltrasoundRegion(Some(region)),
        });
        let inside = ruler.metric(DVec3::new(20.0, 6.0, 0.0));
        assert_eq!(inside, Ok(DVec3::new(5.0, 3.0, 0.0)));
        let below = DVec3::new(20.0, 10.0, 0.0);
        assert_eq!(ruler.metric(below), Err(MeasureError::OutsideRegion));
        assert!(ruler.place(below).is_ok());
    }

    #[test]
    fn bad_points_are_refused() {
        let ruler = patient_ruler();
        let code = |p: [f64; 3]| ruler.metric(DVec3::from_array(p)).map_err(|e| e.code());
        assert_eq!(code([f64::NAN, 0.0, 0.0]), Err("NOT_FINITE"));
        assert_eq!(code([0.0, f64::INFINITY, 0.0]), Err("NOT_FINITE"));
        assert_eq!(code([0.0, 0.0, -1e8]), Err("OUT_OF_RANGE"));
        let deep = pixel_ruler(UNKNOWN).metric(DVec3::Z);
        assert_eq!(deep, Err(MeasureError::BadOption { name: "points" }));
        let many = vec![DVec3::ZERO; 10_000_000];
        let many = ruler.metrics(&many).map_err(|e| e.code());
        assert_eq!(many, Err("TOO_MANY_POINTS"));
    }
}
