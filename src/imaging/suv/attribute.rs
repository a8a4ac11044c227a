//! The attributes that SUV is made of, so that a refusal can name them.

use std::fmt;

macro_rules! attributes {
    ($($variant:ident, $group:literal, $element:literal, $name:literal;)*) => {
        /// An attribute, by its name in PS3.6.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Attribute {
            $(#[doc = $name] $variant,)*
        }

        impl Attribute {
            /// Name in PS3.6; for private elements the name their maker gives.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Group and element. Private elements as they are with the first block reserved.
            pub const fn tag(self) -> (u16, u16) {
                match self { $(Self::$variant => ($group, $element),)* }
            }
        }
    };
}

attributes! {
    Units, 0x0054, 0x1001, "Units";
    SuvType, 0x0054, 0x1006, "SUV Type";
    CorrectedImage, 0x0028, 0x0051, "Corrected Image";
    DecayCorrection, 0x0054, 0x1102, "Decay Correction";
    SeriesDate, 0x0008, 0x0021, "Series Date";
    SeriesTime, 0x0008, 0x0031, "Series Time";
    AcquisitionDate, 0x0008, 0x0022, "Acquisition Date";
    AcquisitionTime, 0x0008, 0x0032, "Acquisition Time";
    TimezoneOffset, 0x0008, 0x0201, "Timezone Offset From UTC";
    FrameReferenceTime, 0x0054, 0x1300, "Frame Reference Time";
    DecayFactor, 0x0054, 0x1321, "Decay Factor";
    ActualFrameDuration, 0x0018, 0x1242, "Actual Frame Duration";
    RadiopharmaceuticalInformation, 0x0054, 0x0016, "Radiopharmaceutical Information Sequence";
    StartTime, 0x0018, 0x1072, "Radiopharmaceutical Start Time";
    StartDateTime, 0x0018, 0x1078, "Radiopharmaceutical Start DateTime";
    TotalDose, 0x0018, 0x1074, "Radionuclide Total Dose";
    HalfLife, 0x0018, 0x1075, "Radionuclide Half Life";
    RadionuclideCode, 0x0054, 0x0300, "Radionuclide Code Sequence";
    PatientWeight, 0x0010, 0x1030, "Patient's Weight";
    PatientSize, 0x0010, 0x1020, "Patient's Size";
    PatientSex, 0x0010, 0x0040, "Patient's Sex";
    PhilipsCreator, 0x7053, 0x0010, "Private Creator of Philips PET";
    PhilipsSuvScale, 0x7053, 0x1000, "Philips SUV Scale Factor";
    PhilipsActivityScale, 0x7053, 0x1009, "Philips Activity Concentration Scale Factor";
    GeScanDateTime, 0x0009, 0x100D, "GE Scan DateTime";
}

/// Name and tag: `Units (0054,1001)`.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, element) = self.tag();
        write!(f, "{} ({group:04X},{element:04X})", self.name())
    }
}
