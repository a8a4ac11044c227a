//! The facts of a series from those of its images.

use super::{SuvRefusal, SuvScale, scale};
use crate::model::{layout::SeriesLayout, pet::PetFacts};
use std::sync::Arc;

/// By what the modality values of a layout's frames are multiplied to become SUV; frames count in the layout's order.
/// `None` where no frame is of a PET object.
///
/// # Errors
/// See [`scale`].
pub fn of_layout(layout: &SeriesLayout) -> Option<Result<SuvScale, SuvRefusal>> {
    let frames = || layout.frames.iter().map(|f| f.instance.pet.as_ref());
    frames().any(|facts| facts.is_some()).then(|| {
        let images: Vec<Option<&Arc<PetFacts>>> = frames().collect();
        scale(&together(&images))
    })
}

/// One set of facts: what images do not agree on is not known.
fn together(images: &[Option<&Arc<PetFacts>>]) -> PetFacts {
    let Some(first) = images.iter().flatten().next() else {
        return PetFacts::default();
    };
    let mut all: PetFacts = (***first).clone();
    // An image that is none of PET says nothing, so nothing is common.
    let none = PetFacts::default();
    let others = || images.iter().map(|i| i.map_or(&none, |facts| facts));
    fn keep<T: PartialEq>(value: &mut Option<T>, mut same: impl Iterator<Item = bool>) {
        if !same.all(|same| same) {
            *value = None;
        }
    }
    macro_rules! common {
        ($($field:ident),*) => {
            $( keep(&mut all.$field, others().map(|o| o.$field == first.$field)); )*
        };
    }
    common!(
        units,
        suv_type,
        corrected_image,
        decay_correction,
        series_date,
        series_time,
        patient_weight_kg,
        patient_size_m,
        patient_sex,
        philips,
        ge
    );
    let count = first.radiopharmaceuticals.len();
    if !others().all(|o| o.radiopharmaceuticals.len() == count) {
        all.radiopharmaceuticals.clear();
    }
    for (i, tracer) in all.radiopharmaceuticals.iter_mut().enumerate() {
        let own = tracer.clone();
        let given = || others().filter_map(|o| o.radiopharmaceuticals.get(i));
        macro_rules! common {
            ($($field:ident),*) => {
                $( keep(&mut tracer.$field, given().map(|o| o.$field == own.$field)); )*
            };
        }
        common!(
            start_time,
            start_date_time,
            total_dose_bq,
            half_life_secs,
            nuclide
        );
    }
    all.frames = images
        .iter()
        .map(|image| {
            let own = image.and_then(|facts| facts.frames.first());
            own.cloned().unwrap_or_default()
        })
        .collect();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pet::{FrameFacts, RadiopharmaceuticalFacts};

    #[test]
    fn what_images_do_not_agree_on_is_not_known() {
        let image = |weight, dose, ms| {
            Arc::new(PetFacts {
                units: Some("BQML".into()),
                patient_weight_kg: Some(weight),
                radiopharmaceuticals: vec![RadiopharmaceuticalFacts {
                    total_dose_bq: Some(dose),
                    ..RadiopharmaceuticalFacts::default()
                }],
                frames: vec![FrameFacts {
                    frame_reference_time_ms: Some(ms),
                    ..FrameFacts::default()
                }],
                ..PetFacts::default()
            })
        };
        let (a, b, c) = (
            image(70.0, 3e8, 1.0),
            image(70.0, 3e8, 2.0),
            image(71.0, 3e8, 3.0),
        );
        let same = together(&[Some(&a), Some(&b)]);
        assert_eq!(same.patient_weight_kg, Some(70.0));
        assert_eq!(same.radiopharmaceuticals.len(), 1);
        let times: Vec<_> = same
            .frames
            .iter()
            .map(|f| f.frame_reference_time_ms)
            .collect();
        assert_eq!(times, [Some(1.0), Some(2.0)]);
        let other = together(&[Some(&a), Some(&c)]);
        assert_eq!(
            (other.patient_weight_kg, other.units.as_deref()),
            (None, Some("BQML"))
        );
        assert_eq!(together(&[Some(&a), None]).units, None);
    }
}
