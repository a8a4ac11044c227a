//! Transfer syntaxes: how a data set is written and what packs its pixels (PS3.5 chapter 10, PS3.6 annex A).

/// What packs the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Native,
    /// Fragments that hold native pixels (Encapsulated Uncompressed).
    EncapsulatedNative,
    /// Run lengths, PS3.5 annex G.
    Rle,
    /// JPEG: baseline, extended, progressive (8 and 12 bits), lossless.
    Jpeg,
    /// JPEG 2000 and its high-throughput variant.
    Jpeg2000,
    /// JPEG-LS.
    JpegLs,
    /// JPEG XL.
    JpegXl,
    /// One deflated stream a frame.
    DeflatedFrame,
    /// A picture file outside DICOM, whole.
    Picture(Picture),
    /// A codec that is not here.
    Unsupported,
}

/// Kinds of picture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// PNG.
    Png,
    /// JPEG in its own file.
    Jpeg,
    /// TIFF, of one page or several.
    Tiff,
}

/// How the elements of a data set are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// No VR in the element headers.
    pub implicit: bool,
    /// Most significant byte first.
    pub big_endian: bool,
}

impl Encoding {
    /// Implicit VR Little Endian.
    pub const IMPLICIT: Self = Self {
        implicit: true,
        big_endian: false,
    };
    /// Explicit VR Little Endian.
    pub const EXPLICIT: Self = Self {
        implicit: false,
        big_endian: false,
    };
    /// Explicit VR Big Endian.
    pub const BIG_ENDIAN: Self = Self {
        implicit: false,
        big_endian: true,
    };

    /// The transfer syntax that writes data sets like this.
    pub const fn uid(self) -> &'static str {
        match (self.implicit, self.big_endian) {
            (true, _) => "1.2.840.10008.1.2",
            (false, false) => "1.2.840.10008.1.2.1",
            (false, true) => "1.2.840.10008.1.2.2",
        }
    }

    /// A 16-bit number as written.
    pub const fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    /// A 32-bit number as written.
    pub const fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

/// Whether what is packed is what was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Never loses anything.
    None,
    /// Always loses something.
    Always,
    /// The codestream decides.
    Possible,
}

/// One transfer syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Transfer Syntax UID.
    pub uid: &'static str,
    /// Its name in PS3.6.
    pub name: &'static str,
    /// How elements are written.
    pub encoding: Encoding,
    /// The whole data set is deflated.
    pub deflated: bool,
    /// What packs the pixels.
    pub packing: Packing,
    /// Whether the packing loses information.
    pub loss: Loss,
}

const fn explicit(uid: &'static str, name: &'static str, packing: Packing, loss: Loss) -> Syntax {
    Syntax {
        uid,
        name,
        encoding: Encoding::EXPLICIT,
        deflated: false,
        packing,
        loss,
    }
}

use Packing::{
    DeflatedFrame, EncapsulatedNative, Jpeg, Jpeg2000, JpegLs, JpegXl, Native, Rle, Unsupported,
};

/// Implicit VR Little Endian, the default of the standard.
pub const IMPLICIT_LITTLE_ENDIAN: Syntax = Syntax {
    encoding: Encoding::IMPLICIT,
    ..explicit(
        "1.2.840.10008.1.2",
        "Implicit VR Little Endian",
        Native,
        Loss::None,
    )
};

/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE_ENDIAN: Syntax = explicit(
    "1.2.840.10008.1.2.1",
    "Explicit VR Little Endian",
    Native,
    Loss::None,
);

/// Explicit VR Big Endian, retired.
pub const EXPLICIT_BIG_ENDIAN: Syntax = Syntax {
    encoding: Encoding::BIG_ENDIAN,
    ..explicit(
        "1.2.840.10008.1.2.2",
        "Explicit VR Big Endian",
        Native,
        Loss::None,
    )
};

/// All known transfer syntaxes, supported or not.
pub const SYNTAXES: &[Syntax] = &[
    IMPLICIT_LITTLE_ENDIAN,
    EXPLICIT_LITTLE_ENDIAN,
    EXPLICIT_BIG_ENDIAN,
    Syntax {
        deflated: true,
        ..explicit(
            "1.2.840.10008.1.2.1.99",
            "Deflated Explicit VR Little Endian",
            Native,
            Loss::None,
        )
    },
    explicit(
        "1.2.840.10008.1.2.1.98",
        "Encapsulated Uncompressed Explicit VR Little Endian",
        EncapsulatedNative,
        Loss::None,
    ),
    explicit("1.2.840.10008.1.2.5", "RLE Lossless", Rle, Loss::None),
    explicit(
        "1.2.840.10008.1.2.8.1",
        "Deflated Image Frame Compression",
        DeflatedFrame,
        Loss::None,
    ),
    explicit(
        "1.2.840.10008.1.2.4.50",
        "JPEG Baseline (Process 1)",
        Jpeg,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.51",
        "JPEG Extended (Process 2 & 4)",
        Jpeg,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.53",
        "JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8)",
        Jpeg,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.55",
        "JPEG Full Progression, Non-Hierarchical (Process 10 & 12)",
        Jpeg,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.57",
        "JPEG Lossless, Non-Hierarchical (Process 14)",
        Jpeg,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14)",
        Jpeg,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.80",
        "JPEG-LS Lossless",
        JpegLs,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Lossy (Near-Lossless)",
        JpegLs,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.90",
        "JPEG 2000 (Lossless Only)",
        Jpeg2000,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.91",
        "JPEG 2000",
        Jpeg2000,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 Part 2 Multi-component (Lossless Only)",
        Unsupported,
        Loss::None,
    ),
    explicit(
        "1.2.840.10008.1.2.4.93",
        "JPEG 2000 Part 2 Multi-component",
        Unsupported,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.94",
        "JPIP Referenced",
        Unsupported,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.95",
        "JPIP Referenced Deflate",
        Unsupported,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.100",
        "MPEG2 Main Profile / Main Level",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.101",
        "MPEG2 Main Profile / High Level",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.102",
        "MPEG-4 AVC/H.264 High Profile / Level 4.1",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.103",
        "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.104",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.105",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.106",
        "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.107",
        "HEVC/H.265 Main Profile / Level 5.1",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.108",
        "HEVC/H.265 Main 10 Profile / Level 5.1",
        Unsupported,
        Loss::Always,
    ),
    explicit(
        "1.2.840.10008.1.2.4.110",
        "JPEG XL Lossless",
        JpegXl,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.111",
        "JPEG XL JPEG Recompression",
        JpegXl,
        Loss::Always,
    ),
    explicit("1.2.840.10008.1.2.4.112", "JPEG XL", JpegXl, Loss::Possible),
    explicit(
        "1.2.840.10008.1.2.4.201",
        "High-Throughput JPEG 2000 (Lossless Only)",
        Jpeg2000,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)",
        Jpeg2000,
        Loss::Possible,
    ),
    explicit(
        "1.2.840.10008.1.2.4.203",
        "High-Throughput JPEG 2000",
        Jpeg2000,
        Loss::Possible,
    ),
];

/// Picture files in the words of transfer syntaxes, for those that decode. No object can name them: these are no UIDs.
static PICTURES: [Syntax; 3] = [
    explicit(
        "picture/png",
        "PNG",
        Packing::Picture(Picture::Png),
        Loss::None,
    ),
    explicit(
        "picture/jpeg",
        "JPEG",
        Packing::Picture(Picture::Jpeg),
        Loss::Always,
    ),
    explicit(
        "picture/tiff",
        "TIFF",
        Packing::Picture(Picture::Tiff),
        Loss::Possible,
    ),
];

/// How a picture file is packed.
pub fn of_picture(kind: Picture) -> &'static Syntax {
    let [png, jpeg, tiff] = &PICTURES;
    match kind {
        Picture::Png => png,
        Picture::Jpeg => jpeg,
        Picture::Tiff => tiff,
    }
}

/// A transfer syntax or a kind of picture file, by what [`Syntax::uid`] says.
pub(super) fn find_packing(uid: &str) -> Option<&'static Syntax> {
    find(uid).or_else(|| PICTURES.iter().find(|s| s.uid == uid))
}

/// The transfer syntax with this UID.
pub fn find(uid: &str) -> Option<&'static Syntax> {
    SYNTAXES.iter().find(|s| s.uid == uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_is_listed_once() {
        for (i, a) in SYNTAXES.iter().enumerate() {
            assert_eq!(SYNTAXES.iter().position(|b| a.uid == b.uid), Some(i));
        }
        assert_eq!(find("1.2.840.10008.1.2.5").map(|s| s.packing), Some(Rle));
        assert!(find("1.2.3").is_none());
    }
}
