//! Which kind of thing a SOP class is (PS3.4 table B.5-1, with the retired classes that archives still hold).

use crate::dicom::header::is_image_class;
use crate::model::content::ObjectKind;

/// Where storage classes begin.
const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";

/// The kind of an object, by its SOP Class UID.
pub fn kind_of(class_uid: &str) -> ObjectKind {
    match class_uid {
        "1.2.840.10008.5.1.4.38.1" => return ObjectKind::HangingProtocol,
        "1.2.840.10008.5.1.4.39.1" => return ObjectKind::ColorPalette,
        "1.2.840.10008.5.1.4.34.7" | "1.2.840.10008.5.1.4.34.10" => {
            return ObjectKind::Radiotherapy;
        }
        _ => {}
    }
    let Some(rest) = class_uid.strip_prefix(STORAGE) else {
        return ObjectKind::Other;
    };
    let family = rest.split('.').next().unwrap_or_default();
    match (family, rest) {
        (_, "88.59") => ObjectKind::KeyObjects,
        ("88", _) => ObjectKind::Report,
        ("104", _) => ObjectKind::Document,
        ("11", "11") => ObjectKind::Other,
        ("11", _) => ObjectKind::PresentationState,
        ("9", _) => ObjectKind::Waveform,
        (_, "66.4" | "66.7" | "66.8") => ObjectKind::Segmentation,
        (_, "66.5" | "68.1" | "68.2") => ObjectKind::Surface,
        (_, "66.6") => ObjectKind::Tractography,
        (_, "66.1" | "66.2" | "66.3") => ObjectKind::Registration,
        (_, "66") => ObjectKind::RawData,
        (_, "67") => ObjectKind::ValueMapping,
        (_, "481.3") => ObjectKind::StructureSet,
        (_, "481.5" | "481.8") => ObjectKind::Plan,
        (_, "481.2") => ObjectKind::Dose,
        (_, "481.4" | "481.6" | "481.7" | "481.9") => ObjectKind::TreatmentRecord,
        (_, "481.1") => ObjectKind::Picture,
        ("481", _) => ObjectKind::Radiotherapy,
        ("78" | "79" | "80" | "81", _) => ObjectKind::Measurements,
        _ if is_image_class(class_uid) => ObjectKind::Picture,
        _ => ObjectKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_of_their_kind() {
        let check = |rest: &str, kind| {
            assert_eq!(kind_of(&format!("{STORAGE}{rest}")), kind, "{rest}");
        };
        check("88.33", ObjectKind::Report);
        check("88.67", ObjectKind::Report);
        check("88.59", ObjectKind::KeyObjects);
        check("11.1", ObjectKind::PresentationState);
        check("11.12", ObjectKind::PresentationState);
        check("11", ObjectKind::Other);
        check("9.1.1", ObjectKind::Waveform);
        check("9.4.2", ObjectKind::Waveform);
        check("104.1", ObjectKind::Document);
        check("104.5", ObjectKind::Document);
        check("66.4", ObjectKind::Segmentation);
        check("66.5", ObjectKind::Surface);
        check("66.3", ObjectKind::Registration);
        check("66", ObjectKind::RawData);
        check("67", ObjectKind::ValueMapping);
        check("481.1", ObjectKind::Picture);
        check("481.2", ObjectKind::Dose);
        check("481.3", ObjectKind::StructureSet);
        check("481.8", ObjectKind::Plan);
        check("481.9", ObjectKind::TreatmentRecord);
        check("481.13", ObjectKind::Radiotherapy);
        check("78.7", ObjectKind::Measurements);
        check("2", ObjectKind::Picture);
        assert_eq!(
            kind_of("1.2.840.10008.5.1.4.39.1"),
            ObjectKind::ColorPalette
        );
        assert_eq!(kind_of("1.2.3"), ObjectKind::Other);
        assert_eq!(kind_of(""), ObjectKind::Other);
    }
}
