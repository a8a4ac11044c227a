//! The coded terms of what leaves, and of what comes back (PS3.16 annex D; SNOMED CT as DICOM uses it; UCUM).

use crate::model::annotation::MarkKind;

/// Coding scheme of what no standard has a code for.
pub const SCHEME: &str = "99NEGATOSCOPE";
/// Manufacturer (0008,0070) of all that is written here.
pub const MANUFACTURER: &str = "Negatoscope";
/// Manufacturer's Model Name (0008,1090) of objects with marks.
pub const MODEL: &str = "Negatoscope marks";
/// Private Creator of elements in presentation states.
pub const CREATOR: &str = "NEGATOSCOPE MARKS 1";

/// Most frames that one reference names: as many as are read of one. They fit the length of a value in any transfer syntax.
pub const FRAMES_A_REFERENCE: usize = 1000;

/// Value, scheme, meaning.
pub type Concept = (&'static str, &'static str, &'static str);

pub const MEASUREMENT_REPORT: Concept = ("126000", "DCM", "Imaging Measurement Report");
pub const LANGUAGE: Concept = ("121049", "DCM", "Language of Content Item and Descendants");
pub const ENGLISH: Concept = ("en", "RFC5646", "English");
pub const PROCEDURE_REPORTED: Concept = ("121058", "DCM", "Procedure reported");
pub const IMAGING_PROCEDURE: Concept = ("363679005", "SCT", "Imaging procedure");
pub const IMAGE_LIBRARY: Concept = ("111028", "DCM", "Image Library");
pub const IMAGE_LIBRARY_GROUP: Concept = ("126200", "DCM", "Image Library Group");
pub const MEASUREMENTS: Concept = ("126010", "DCM", "Imaging Measurements");
pub const GROUP: Concept = ("125007", "DCM", "Measurement Group");
pub const TRACKING_ID: Concept = ("112039", "DCM", "Tracking Identifier");
pub const TRACKING_UID: Concept = ("112040", "DCM", "Tracking Unique Identifier");
pub const FINDING: Concept = ("121071", "DCM", "Finding");
pub const REGION: Concept = ("111030", "DCM", "Image Region");
pub const SOURCE: Concept = ("260753009", "SCT", "Source");
pub const PATH: Concept = ("121055", "DCM", "Path");
pub const COMMENT: Concept = ("121106", "DCM", "Comment");
pub const DERIVATION: Concept = ("121401", "DCM", "Derivation");
pub const CALIBRATION: Concept = ("122505", "DCM", "Calibration");
pub const OBSERVER_TYPE: Concept = ("121005", "DCM", "Observer Type");
pub const PERSON: Concept = ("121006", "DCM", "Person");
pub const DEVICE: Concept = ("121007", "DCM", "Device");
pub const PERSON_NAME: Concept = ("121008", "DCM", "Person Observer Name");
pub const DEVICE_UID: Concept = ("121012", "DCM", "Device Observer UID");
pub const DEVICE_NAME: Concept = ("121013", "DCM", "Device Observer Name");
pub const ALGORITHM_NAME: Concept = ("111001", "DCM", "Algorithm Name");
pub const ALGORITHM_VERSION: Concept = ("111003", "DCM", "Algorithm Version");
pub const OF_INTEREST: Concept = ("113000", "DCM", "Of Interest");
pub const KEY_DESCRIPTION: Concept = ("113012", "DCM", "Key Object Description");
pub const LONG_AXIS: Concept = ("103339001", "SCT", "Long axis");
pub const SHORT_AXIS: Concept = ("103340004", "SCT", "Short axis");
pub const COBB: Concept = ("285285000", "SCT", "Cobb angle");

/// Our own terms: what kind of mark a group is, the name of its group, its state, the knots of its curve.
pub const KIND: Concept = ("kind", SCHEME, "Kind of mark");
pub const MARK_GROUP: Concept = ("group", SCHEME, "Group of marks");
pub const STATE: Concept = ("state", SCHEME, "State of the mark");
pub const KNOTS: Concept = ("knots", SCHEME, "Points of the curve");

/// The code of a kind of mark. `variant` tells forms of one kind apart whose points say the same otherwise.
pub const fn kind_meaning(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Point => "Point",
        MarkKind::Length => "Length",
        MarkKind::Polyline => "Polyline",
        MarkKind::Angle => "Angle",
        MarkKind::Cobb => "Cobb angle",
        MarkKind::Bidirectional => "Bidirectional",
        MarkKind::Perpendicular => "Perpendicular",
        MarkKind::Ellipse => "Ellipse",
        MarkKind::Rectangle => "Rectangle",
        MarkKind::Circle => "Circle",
        MarkKind::Polygon => "Polygon",
        MarkKind::Freehand => "Freehand",
        MarkKind::Spline => "Spline",
        MarkKind::Arrow => "Arrow",
        MarkKind::Text => "Text",
        MarkKind::CardiothoracicRatio => "Cardiothoracic ratio",
        MarkKind::Box => "Box",
    }
}

/// A number's concept, and how it was derived from many where it was.
pub struct NumberCode {
    pub concept: (String, String, String),
    pub derivation: Option<(String, String, String)>,
}

fn owned(concept: Concept) -> (String, String, String) {
    let (value, scheme, meaning) = concept;
    (value.to_owned(), scheme.to_owned(), meaning.to_owned())
}

/// A term of ours for what a standard has none for: its name, readable.
fn own(name: &str) -> (String, String, String) {
    // A Code Value has 16 characters at most (PS3.3 section 8.1).
    let value: String = name.chars().filter(char::is_ascii).take(16).collect();
    let words = name.replace(['_', '.'], " ");
    let mut letters = words.chars();
    let meaning = letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    });
    (value, SCHEME.to_owned(), meaning)
}

/// The concept of a measured number by its name; `unit` tells what kind of values a statistic is of.
pub fn number_code(name: &str, unit: &str, kind: MarkKind) -> NumberCode {
    let shape: Option<Concept> = Some(match name {
        "ratio" if kind == MarkKind::CardiothoracicRatio => ("ctr", SCHEME, "Cardiothoracic ratio"),
        "length" if kind == MarkKind::Polyline => ("121211", "DCM", "Path length"),
        "length" => ("410668003", "SCT", "Length"),
        "angle" | "angle_between" => ("1483009", "SCT", "Angle"),
        "cobb_angle" => COBB,
        "long_axis" => LONG_AXIS,
        "short_axis" => SHORT_AXIS,
        "distance" => ("121206", "DCM", "Distance"),
        "area" => ("42798000", "SCT", "Area"),
        "perimeter" => ("131191004", "SCT", "Perimeter"),
        "width" => ("103355008", "SCT", "Width"),
        "height" => ("121207", "DCM", "Height"),
        "depth" => ("131197000", "SCT", "Depth"),
        "volume" if kind == MarkKind::Box => ("118565006", "SCT", "Volume"),
        "major_axis" => ("131187009", "SCT", "Major axis"),
        "minor_axis" => ("131188004", "SCT", "Minor axis"),
        "radius" => ("131190003", "SCT", "Radius"),
        "thorax_width" => ("11864-6", "LN", "Transverse Thoracic Diameter"),
        _ => ("", "", ""),
    })
    .filter(|(value, _, _)| !value.is_empty());
    if let Some(concept) = shape {
        return NumberCode {
            concept: owned(concept),
            derivation: None,
        };
    }
    // Uptake: `suvbw.mean`.
    let (uptake, name) = match name.split_once('.') {
        Some((kind, rest)) => match uptake_code(kind) {
            Some(concept) => (Some(concept), rest),
            None => (None, name),
        },
        None => (None, name),
    };
    let of_values = match unit {
        _ if uptake.is_some() => owned(uptake.unwrap_or_default()),
        "HU" => owned(("112031", "DCM", "Attenuation Coefficient")),
        _ => own("pixel_value"),
    };
    let derivation = match name {
        "mean" => Some(owned(("373098007", "SCT", "Mean"))),
        "median" => Some(owned(("373099004", "SCT", "Median"))),
        "min" => Some(owned(("255605001", "SCT", "Minimum"))),
        "max" => Some(owned(("56851009", "SCT", "Maximum"))),
        "sd_sample" => Some(owned(("386136009", "SCT", "Standard Deviation"))),
        "sd_population" => Some(owned(("121414", "DCM", "Standard deviation of population"))),
        "percentile_5" => Some(owned((
            "371888009",
            "SCT",
            "5th Percentile Value of population",
        ))),
        "percentile_95" => Some(owned((
            "371889001",
            "SCT",
            "95th Percentile Value of population",
        ))),
        "sum" => Some(own(name)),
        name if name.starts_with("percentile_") => Some(own(name)),
        _ => None,
    };
    let concept = match (name, &derivation) {
        (_, Some(_)) | ("value", None) => of_values,
        _ => own(name),
    };
    NumberCode {
        concept,
        derivation,
    }
}

/// The concept of an uptake by the word of its kind (PS3.16 CID 7469).
fn uptake_code(kind: &str) -> Option<Concept> {
    Some(match kind {
        "suvbw" => ("126401", "DCM", "SUVbw"),
        "suvlbm" | "suvlbm_james" | "suvlbm_janma" => ("126402", "DCM", "SUVlbm"),
        "suvbsa" => ("126403", "DCM", "SUVbsa"),
        "suvibw" => ("126404", "DCM", "SUVibw"),
        _ => return None,
    })
}

/// The unit of a number: that of an uptake says of which kind it is (PS3.16 CID 85). Units that tell formulas of lean body
/// mass apart are longer than a Code Value; there the source beside the number names the formula.
pub fn number_unit(name: &str, unit: &str) -> (String, &'static str, String) {
    let kind = name.split_once('.').map_or("", |(kind, _)| kind);
    let code = match kind {
        "suvbw" => ("g/ml{SUVbw}", "Standardized Uptake Value body weight"),
        "suvbsa" => (
            "cm2/ml{SUVbsa}",
            "Standardized Uptake Value body surface area",
        ),
        "suvibw" => (
            "g/ml{SUVibw}",
            "Standardized Uptake Value ideal body weight",
        ),
        _ => return unit_code(unit),
    };
    (code.0.to_owned(), "UCUM", code.1.to_owned())
}

/// A unit of the screen in UCUM, with its meaning.
pub fn unit_code(unit: &str) -> (String, &'static str, String) {
    let known = match unit {
        "mm" => ("mm", "millimeter"),
        "mm²" => ("mm2", "square millimeter"),
        "mm³" => ("mm3", "cubic millimeter"),
        "cm" => ("cm", "centimeter"),
        "cm²" => ("cm2", "square centimeter"),
        "ml" => ("ml", "milliliter"),
        "°" => ("deg", "degree"),
        "HU" => ("[hnsf'U]", "Hounsfield unit"),
        "px" => ("{pixels}", "pixels"),
        "px²" => ("{square_pixels}", "square pixels"),
        "%" => ("%", "percent"),
        "g/ml" => ("g/ml", "gram per milliliter"),
        "Bq/ml" => ("Bq/ml", "becquerels per milliliter"),
        "" => ("1", "no units"),
        other => {
            // What UCUM has no word for stands in braces, as text without a meaning of its own (UCUM section 2.3).
            let text: String = other
                .chars()
                .filter(|c| c.is_ascii_graphic() && !matches!(c, '{' | '}'))
                .take(14)
                .collect();
            return (format!("{{{text}}}"), "UCUM", other.to_owned());
        }
    };
    (known.0.to_owned(), "UCUM", known.1.to_owned())
}

/// A unit of the screen from its code in UCUM.
pub fn unit_text(code: &str, meaning: &str) -> String {
    let known = match code {
        "mm" => "mm",
        "mm2" => "mm²",
        "mm3" => "mm³",
        "cm" => "cm",
        "cm2" => "cm²",
        "ml" | "mL" => "ml",
        "deg" => "°",
        "[hnsf'U]" => "HU",
        "{pixels}" => "px",
        "{square_pixels}" => "px²",
        "%" => "%",
        "1" | "{ratio}" => "",
        "g/ml{SUVbw}" | "g/ml{SUVlbm}" | "g/ml{SUVibw}" => "g/ml",
        "cm2/ml{SUVbsa}" => "cm²/ml",
        _ if code.starts_with('{') => meaning,
        _ => code,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fit_their_elements() {
        let names = [
            "length",
            "angle",
            "cobb_angle",
            "mean",
            "sd_sample",
            "percentile_25",
            "value",
            "red.mean",
            "stored",
            "cardiothoracic_ratio",
            "n",
            "suvbw.mean",
            "suvlbm_james.max",
            "suvbsa.value",
        ];
        for name in names {
            for unit in ["mm", "HU", "", "g/ml{SUVbw}"] {
                let code = number_code(name, unit, MarkKind::Length);
                for (value, scheme, meaning) in
                    [Some(code.concept), code.derivation].into_iter().flatten()
                {
                    assert!(!value.is_empty() && value.len() <= 16, "{name} {value}");
                    assert!(
                        scheme.len() <= 16 && !meaning.is_empty() && meaning.len() <= 64,
                        "{name}"
                    );
                }
                let (value, _, meaning) = number_unit(name, unit);
                assert!(value.len() <= 16 && !meaning.is_empty(), "{unit}");
            }
        }
    }

    #[test]
    fn uptake_has_the_codes_of_the_standard() {
        let code = number_code("suvbw.max", "g/ml", MarkKind::Circle);
        let owned = |c: Concept| (c.0.to_owned(), c.1.to_owned(), c.2.to_owned());
        assert_eq!(code.concept, owned(("126401", "DCM", "SUVbw")));
        let most = owned(("56851009", "SCT", "Maximum"));
        assert_eq!(code.derivation, Some(most));
        let probe = number_code("suvbsa.value", "cm²/ml", MarkKind::Point);
        assert_eq!(probe.concept, owned(("126403", "DCM", "SUVbsa")));
        assert_eq!(probe.derivation, None);
        let (value, scheme, meaning) = number_unit("suvbsa.value", "cm²/ml");
        assert_eq!((value.as_str(), scheme), ("cm2/ml{SUVbsa}", "UCUM"));
        assert_eq!(unit_text(&value, &meaning), "cm²/ml");
        // The mean activity beside it stays what it is.
        let mean = number_code("mean", "Bq/ml", MarkKind::Circle);
        assert_eq!(mean.concept.0, "pixel_value");
    }

    #[test]
    fn units_come_back() {
        for unit in [
            "mm", "mm²", "°", "HU", "px", "px²", "", "%", "Bq/ml", "counts",
        ] {
            let (code, _, meaning) = unit_code(unit);
            assert_eq!(unit_text(&code, &meaning), unit);
        }
    }
}
