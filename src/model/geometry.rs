//! Where pixels lie in the patient: DICOM LPS (x to the left, y to the back, z to the head), millimetres.
//!
//! The centre of the first pixel is at index (0, 0). Letters are computed from the very matrix that samples.

use super::calibration::CalibratedBy;
use glam::{DAffine3, DMat3, DVec3};

/// Where a millimetre comes from. A length without a source is in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpacingSource {
    /// Pixel Spacing (0028,0030) of an image that no projection has magnified.
    PixelSpacing,
    /// Pixel Spacing of a projection that is corrected or calibrated, the file does not say how (PS3.3 10.7.1.1).
    Calibrated,
    /// Pixel Spacing corrected for a known or assumed magnification: GEOMETRY of PS3.3 10.7.1.2.
    GeometryCorrected,
    /// Pixel Spacing calibrated against an object of known size: FIDUCIAL of PS3.3 10.7.1.2.
    Fiducial,
    /// Pixel Spacing of a projection that may be at the detector or in the patient.
    CalibrationUnknown,
    /// Imager Pixel Spacing (0018,1164): at the detector, not corrected for magnification.
    ImagerPixelSpacing,
    /// Imager Pixel Spacing divided by Estimated Radiographic Magnification Factor (0018,1114).
    ImagerMagnified(f64),
    /// Nominal Scanned Pixel Spacing (0018,2010) of a digitised film.
    NominalScanned,
    /// Physical Delta of an ultrasound region (0018,602C/602E), and the pixels that it holds for.
    UltrasoundRegion(Option<PixelBounds>),
    /// The header of a research volume (NIfTI, NRRD, MetaImage), which names no attribute.
    VolumeHeader,
    /// A line of known length that a person drew: see [`super::calibration`].
    User(CalibratedBy),
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelBounds {
    /// First column and first row, from 0.
    pub low: [u32; 2],
    /// Last column and last row, both inside.
    pub high: [u32; 2],
}

impl PixelBounds {
    /// Whether a place (column and row, a pixel's centre at whole numbers) lies on one of the pixels.
    pub fn contains(self, column: f64, row: f64) -> bool {
        let [first_column, first_row] = self.low.map(|n| f64::from(n) - 0.5);
        let [last_column, last_row] = self.high.map(|n| f64::from(n) + 0.5);
        (first_column..=last_column).contains(&column) && (first_row..=last_row).contains(&row)
    }
}

/// Distance between pixel centres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spacing {
    /// Known millimetres and where they come from.
    Millimetres {
        /// Between rows (first value of Pixel Spacing), positive and finite.
        row_mm: f64,
        /// Between columns (second value), positive and finite.
        column_mm: f64,
        /// The attribute behind them.
        source: SpacingSource,
    },
    /// Not known; only the ratio of row to column distance is (Pixel Aspect Ratio, 1 when absent).
    Unknown {
        /// Row distance divided by column distance.
        aspect: f64,
    },
}

impl Spacing {
    /// Row and column distance: millimetres where known, else column = 1 pixel.
    pub const fn row_column(self) -> (f64, f64) {
        match self {
            Self::Millimetres {
                row_mm, column_mm, ..
            } => (row_mm, column_mm),
            Self::Unknown { aspect } => (aspect, 1.0),
        }
    }

    /// The source when calibrated.
    pub const fn source(self) -> Option<SpacingSource> {
        match self {
            Self::Millimetres { source, .. } => Some(source),
            Self::Unknown { .. } => None,
        }
    }

    /// The unit with its source, as drawn beside a length.
    pub fn unit_label(self) -> String {
        match self.source() {
            Some(SpacingSource::PixelSpacing) => "mm (Pixel Spacing)".into(),
            Some(SpacingSource::Calibrated) => "mm (calibrated)".into(),
            Some(SpacingSource::GeometryCorrected) => "mm (geometry corrected)".into(),
            Some(SpacingSource::Fiducial) => "mm (fiducial calibrated)".into(),
            Some(SpacingSource::CalibrationUnknown) => {
                "mm (Pixel Spacing, calibration unknown)".into()
            }
            Some(SpacingSource::ImagerPixelSpacing) => "mm at detector (not corrected)".into(),
            Some(SpacingSource::ImagerMagnified(f)) => format!("mm (magnification {f:.2})"),
            Some(SpacingSource::NominalScanned) => "mm (nominal scanned)".into(),
            Some(SpacingSource::UltrasoundRegion(_)) => "mm (ultrasound region)".into(),
            Some(SpacingSource::VolumeHeader) => "mm (volume header)".into(),
            Some(SpacingSource::User(CalibratedBy { by, on })) => {
                format!("mm (user calibration by {}, {on})", by.text())
            }
            None => "px (uncalibrated)".into(),
        }
    }
}

/// The Image Plane module (PS3.3 C.7.6.2) of one frame, checked: directions are unit and orthogonal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImagePlane {
    /// Image Position (Patient): centre of the first pixel.
    pub origin: DVec3,
    /// Direction of increasing column index (first three values of Image Orientation).
    pub along_row: DVec3,
    /// Direction of increasing row index (last three values).
    pub along_column: DVec3,
}

impl ImagePlane {
    /// Accepts the two attributes when finite, unit within 1e-3 and orthogonal within 1e-3;
    /// small errors of rounding are removed.
    pub fn new(position: [f64; 3], orientation: [f64; 6]) -> Option<Self> {
        let origin = DVec3::from_array(position);
        let [a, b, c, d, e, f] = orientation;
        let (row, column) = (DVec3::new(a, b, c), DVec3::new(d, e, f));
        let sane = origin.is_finite()
            && row.is_finite()
            && column.is_finite()
            && (row.length() - 1.0).abs() < 1e-3
            && (column.length() - 1.0).abs() < 1e-3
            && row.dot(column).abs() < 1e-3;
        if !sane || origin.abs().max_element() > 1e7 {
            return None;
        }
        let along_row = row.normalize();
        let along_column = (column - along_row * along_row.dot(column)).normalize();
        Some(Self {
            origin,
            along_row,
            along_column,
        })
    }

    /// Unit normal, `along_row × along_column`.
    pub fn normal(&self) -> DVec3 {
        self.along_row.cross(self.along_column)
    }

    /// Patient point of (column, row) indices for the given spacing.
    pub fn patient_from_pixel(&self, spacing: Spacing, column: f64, row: f64) -> DVec3 {
        let (row_mm, column_mm) = spacing.row_column();
        self.origin + self.along_row * (column * column_mm) + self.along_column * (row * row_mm)
    }
}

/// Names the patient direction of a vector with up to two letters (`A`, `AR`), the larger first;
/// a component under `sin 10°` gives no second letter. Empty for a zero vector.
pub fn orientation_letters(direction: DVec3) -> String {
    let mut parts = [
        (direction.x, 'L', 'R'),
        (direction.y, 'P', 'A'),
        (direction.z, 'H', 'F'),
    ];
    let length = direction.length();
    if length < 1e-9 || !length.is_finite() {
        return String::new();
    }
    parts.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    parts
        .iter()
        .take(2)
        .enumerate()
        .filter(|(i, p)| *i == 0 || p.0.abs() / length > 0.174)
        .map(|(_, p)| if p.0 > 0.0 { p.1 } else { p.2 })
        .collect()
}

/// Where columns and rows of a picture lead that lies nowhere in the patient, in the letters of its file: Patient Orientation
/// (0020,0020), PS3.3 C.7.6.1.1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leads {
    columns: String,
    rows: String,
}

impl Leads {
    /// Reads both values; `None` where they are no directions of the human body, or the same one.
    pub fn read(columns: &str, rows: &str) -> Option<Self> {
        let valid = |text: &str| {
            let letters = text.chars().count();
            (1..=3).contains(&letters) && text.chars().all(|c| opposite(c).is_some())
        };
        let leads = Self {
            columns: columns.trim().to_owned(),
            rows: rows.trim().to_owned(),
        };
        let axis = |text: &str| {
            text.chars()
                .next()
                .and_then(|c| opposite(c).map(|o| c.min(o)))
        };
        let apart = axis(&leads.columns) != axis(&leads.rows);
        (valid(&leads.columns) && valid(&leads.rows) && apart).then_some(leads)
    }

    /// Letters of a direction in the picture: along its columns (x to the right) and its rows (y down).
    pub fn letters(&self, direction: DVec3) -> String {
        let (lead, forward) = match direction.x.abs() >= direction.y.abs() {
            true => (&self.columns, direction.x > 0.0),
            false => (&self.rows, direction.y > 0.0),
        };
        match forward {
            true => lead.clone(),
            false => lead.chars().filter_map(opposite).collect(),
        }
    }
}

/// The letter of the other end of the body.
const fn opposite(letter: char) -> Option<char> {
    Some(match letter {
        'L' => 'R',
        'R' => 'L',
        'A' => 'P',
        'P' => 'A',
        'H' => 'F',
        'F' => 'H',
        _ => return None,
    })
}

/// One of the three body planes, by the direction its normal mostly follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyPlane {
    /// Normal along head-foot.
    Axial,
    /// Normal along front-back.
    Coronal,
    /// Normal along left-right.
    Sagittal,
}

impl BodyPlane {
    /// All three, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// The plane whose normal is nearest to the given one.
    pub fn of_normal(normal: DVec3) -> Self {
        let n = normal.abs();
        if n.z >= n.x && n.z >= n.y {
            Self::Axial
        } else if n.y >= n.x {
            Self::Coronal
        } else {
            Self::Sagittal
        }
    }

    /// Screen axes of the radiological convention: (to the right of the screen, down the screen), LPS.
    /// Axial is seen from the feet, coronal from the front, sagittal from the left.
    pub const fn screen_axes(self) -> (DVec3, DVec3) {
        match self {
            Self::Axial => (DVec3::X, DVec3::Y),
            Self::Coronal => (DVec3::X, DVec3::NEG_Z),
            Self::Sagittal => (DVec3::Y, DVec3::NEG_Z),
        }
    }

    /// Stable lower-case word for the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }
}

/// A regular grid of voxels and where it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridGeometry {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Patient millimetres from voxel index (column, row, slice); index 0 is the centre of the first voxel.
    pub patient_from_voxel: DAffine3,
}

impl GridGeometry {
    /// Lengths of one step along each index, millimetres.
    pub fn spacing_mm(&self) -> [f64; 3] {
        let m = self.patient_from_voxel.matrix3;
        [m.x_axis.length(), m.y_axis.length(), m.z_axis.length()]
    }

    /// Inverse mapping; `None` when the grid is flat or not finite.
    pub fn voxel_from_patient(&self) -> Option<DAffine3> {
        let m = self.patient_from_voxel;
        (m.is_finite() && m.matrix3.determinant().abs() > 1e-12).then(|| m.inverse())
    }

    /// The middle of the grid in patient space.
    pub fn centre(&self) -> DVec3 {
        let half = DVec3::new(
            self.size[0] as f64,
            self.size[1] as f64,
            self.size[2] as f64,
        ) * 0.5
            - 0.5;
        self.patient_from_voxel.transform_point3(half)
    }

    /// The grid of a single frame: slices = 1, with one unit of depth along the normal.
    pub fn of_plane(plane: &ImagePlane, spacing: Spacing, columns: usize, rows: usize) -> Self {
        let (row_mm, column_mm) = spacing.row_column();
        Self {
            size: [columns, rows, 1],
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_cols(
                    plane.along_row * column_mm,
                    plane.along_column * row_mm,
                    plane.normal(),
                ),
                translation: plane.origin,
            },
        }
    }

    /// The grid of a frame that says nothing of the patient: x to the right, y down, unit depth.
    pub fn unoriented(spacing: Spacing, columns: usize, rows: usize) -> Self {
        let (row, column) = spacing.row_column();
        Self {
            size: [columns, rows, 1],
            patient_from_voxel: DAffine3::from_scale(DVec3::new(column, row, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_a_file_turn_with_the_picture() {
        let mlo = Leads::read("A", "FR ").unwrap();
        let [x, y] = [DVec3::X, DVec3::Y];
        let around = [-x, x, -y, y].map(|d| mlo.letters(d));
        assert_eq!(around, ["P", "A", "HL", "FR"]);
        // A quarter turn to the right: columns lead down, rows to the left.
        let turned = [y, -y, -x, x].map(|d| mlo.letters(d));
        assert_eq!(turned, ["FR", "HL", "P", "A"]);
        for (columns, rows) in [("", "F"), ("L", "R"), ("L", "L"), ("X", "F"), ("LLLL", "F")] {
            assert_eq!(Leads::read(columns, rows), None, "{columns} {rows}");
        }
    }

    #[test]
    fn letters_follow_the_vector() {
        let check = |v: [f64; 3], expected: &str| {
            assert_eq!(orientation_letters(DVec3::from_array(v)), expected)
        };
        check([1.0, 0.0, 0.0], "L");
        check([-1.0, 0.0, 0.0], "R");
        check([0.0, 1.0, 0.0], "P");
        check([0.0, 0.0, -2.0], "F");
        check([0.5, -0.86, 0.0], "AL");
        check([0.1, -0.99, 0.0], "A");
        check([0.0, 0.0, 0.0], "");
    }

    #[test]
    fn bounds_hold_whole_pixels() {
        let bounds = PixelBounds {
            low: [10, 20],
            high: [19, 20],
        };
        assert!(bounds.contains(9.5, 20.0) && bounds.contains(19.5, 20.5));
        assert!(!bounds.contains(9.4, 20.0) && !bounds.contains(10.0, 20.6));
        assert!(!bounds.contains(f64::NAN, 20.0));
    }

    #[test]
    fn planes_with_bad_vectors_are_refused() {
        let ok = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert!(ImagePlane::new([0.0; 3], ok).is_some());
        assert!(ImagePlane::new([0.0; 3], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]).is_none());
        assert!(ImagePlane::new([0.0; 3], [0.0; 6]).is_none());
        assert!(ImagePlane::new([f64::NAN, 0.0, 0.0], ok).is_none());
        assert!(ImagePlane::new([1e20, 0.0, 0.0], ok).is_none());
    }

    #[test]
    fn a_pixel_lands_where_the_standard_says() {
        // PS3.3 C.7.6.2.1.1: column index steps along the row direction by the second spacing value.
        let plane = ImagePlane::new([10.0, 20.0, 30.0], [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]).unwrap();
        let spacing = Spacing::Millimetres {
            row_mm: 2.0,
            column_mm: 0.5,
            source: SpacingSource::PixelSpacing,
        };
        assert_eq!(
            plane.patient_from_pixel(spacing, 4.0, 3.0),
            DVec3::new(10.0, 22.0, 24.0)
        );
        let grid = GridGeometry::of_plane(&plane, spacing, 8, 8);
        assert_eq!(
            grid.patient_from_voxel
                .transform_point3(DVec3::new(4.0, 3.0, 0.0)),
            DVec3::new(10.0, 22.0, 24.0)
        );
    }
}
