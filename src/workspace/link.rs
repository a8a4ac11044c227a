//! Which slice of one series shows what another one shows, and where the plane of one crosses that of another.
//!
//! Must stay true: planes are compared in patient millimetres only where both say so and name the same frame of
//! reference (PS3.3 C.7.4.1.1.1); elsewhere only a correspondence counts that somebody has stated, or that is assumed for a
//! prior that hangs beside, and said to be ([`Anchor`]). Distances
//! are measured along the normal of the slice that answers, so tilted, sheared and unevenly spaced series need nothing of
//! their own. Nothing here knows a viewport.

mod lines;

pub use lines::crossing;

use glam::DVec3;

/// Planes that stand steeper to each other than this do not scroll together: cos 45°, the middle between two body planes.
const SAME_WAY: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// One slice as a rectangle in the patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlicePlane {
    /// Its middle, millimetres.
    pub centre: DVec3,
    /// From the middle to the border of the last column, millimetres.
    pub half_row: DVec3,
    /// From the middle to the border of the last row, millimetres.
    pub half_column: DVec3,
}

impl SlicePlane {
    /// Unit normal; zero for a rectangle without area.
    pub fn normal(&self) -> DVec3 {
        self.half_row.cross(self.half_column).normalize_or_zero()
    }

    /// How far a point lies from the plane along its normal, millimetres, signed.
    pub fn distance_mm(&self, point: DVec3) -> f64 {
        (point - self.centre).dot(self.normal())
    }

    /// How far a point lies beside the rectangle, measured in it, millimetres; zero over it.
    fn beside_mm(&self, point: DVec3) -> f64 {
        let beyond = |half: DVec3| {
            let length = half.length();
            let along = (point - self.centre).dot(half.normalize_or_zero()).abs();
            (along - length).max(0.0)
        };
        beyond(self.half_row).hypot(beyond(self.half_column))
    }

    /// Whether two planes look the same way, so that going through one goes through the other.
    pub fn runs_with(&self, other: &Self) -> bool {
        self.normal().dot(other.normal()).abs() >= SAME_WAY
    }
}

/// A slice that answers, and how far it is from what was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Index of the slice.
    pub index: usize,
    /// From its plane to the point, millimetres, signed along its normal.
    pub distance_mm: f64,
}

/// The slice that lies nearest to a point along its own normal; of equally near ones that which the point lies over.
/// With `beside` only slices that look the same way as that plane are asked. `None` where no slice has a place.
pub fn nearest_slice(
    slices: impl Iterator<Item = Option<SlicePlane>>,
    point: DVec3,
    beside: Option<&SlicePlane>,
) -> Option<Nearest> {
    let mut best: Option<(Nearest, f64)> = None;
    for (index, slice) in slices.enumerate() {
        let Some(slice) = slice else { continue };
        if beside.is_some_and(|plane| !slice.runs_with(plane)) {
            continue;
        }
        let distance_mm = slice.distance_mm(point);
        if !distance_mm.is_finite() {
            continue;
        }
        let nearer = |(found, found_beside): &(Nearest, f64)| {
            let gain = found.distance_mm.abs() - distance_mm.abs();
            gain > 1e-6 || (gain > -1e-6 && slice.beside_mm(point) < found_beside - 1e-6)
        };
        if best.as_ref().is_none_or(nearer) {
            best = Some((Nearest { index, distance_mm }, slice.beside_mm(point)));
        }
    }
    best.map(|(found, _)| found)
}

/// The moment at which somebody said that what the views show is the same place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// Index of the slice then.
    pub index: usize,
    /// Its plane, where it has one.
    pub plane: Option<SlicePlane>,
}

/// How far a view has gone since it was anchored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// Millimetres in the patient along the anchor's normal.
    Millimetres(f64),
    /// Images.
    Images(i64),
}

impl Anchor {
    /// The way from the anchor to what the leader shows now, as its partner has to go it: in millimetres along the
    /// partner's normal where both have planes, else in images. Slices that are counted the other way round in the
    /// partner are gone through the other way round, since the directions of the patient are the same for both.
    pub fn way(&self, index: usize, plane: Option<&SlicePlane>, partner: &Self) -> Way {
        match (&self.plane, plane, &partner.plane) {
            (Some(from), Some(to), Some(other)) => {
                let along = from.distance_mm(to.centre);
                let turned = from.normal().dot(other.normal()) < 0.0;
                Way::Millimetres(if turned { -along } else { along })
            }
            _ => Way::Images(index as i64 - self.index as i64),
        }
    }

    /// The slice that a way from this anchor leads to; `slices` are all of the series.
    pub fn slice_after(
        &self,
        way: Way,
        count: usize,
        slices: impl Iterator<Item = Option<SlicePlane>>,
    ) -> Option<Nearest> {
        match (way, &self.plane) {
            (Way::Millimetres(mm), Some(plane)) => {
                let point = plane.centre + plane.normal() * mm;
                nearest_slice(slices, point, Some(plane))
            }
            (Way::Images(by), _) if count > 0 => {
                let wanted = (self.index as i64).saturating_add(by);
                let index = wanted.clamp(0, count as i64 - 1) as usize;
                Some(Nearest {
                    index,
                    distance_mm: 0.0,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
