//! A tiny writer of DICOM bytes for tests: right by default, wrong on request.

use std::path::{Path, PathBuf};

/// A data set in explicit VR little endian, in the order in which it is written.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// An element with the length its VR has room for.
    pub fn put(mut self, group: u16, element: u16, vr: &[u8; 2], value: &[u8]) -> Self {
        self.0.extend(group.to_le_bytes());
        self.0.extend(element.to_le_bytes());
        self.0.extend(vr);
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" || vr == b"OB" { 0 } else { b' ' });
        }
        if matches!(
            vr,
            b"OB" | b"OW" | b"OF" | b"OD" | b"OV" | b"SQ" | b"UN" | b"UT"
        ) {
            self.0.extend([0, 0]);
            self.0.extend((value.len() as u32).to_le_bytes());
        } else {
            self.0.extend((value.len() as u16).to_le_bytes());
        }
        self.0.extend(value);
        self
    }

    pub fn text(self, group: u16, element: u16, vr: &[u8; 2], value: &str) -> Self {
        self.put(group, element, vr, value.as_bytes())
    }

    pub fn us(self, group: u16, element: u16, value: u16) -> Self {
        self.put(group, element, b"US", &value.to_le_bytes())
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// A header whose length is a lie.
    pub fn lie(mut self, group: u16, element: u16, vr: &[u8; 2], length: u32) -> Self {
        self.0.extend(group.to_le_bytes());
        self.0.extend(element.to_le_bytes());
        self.0.extend(vr);
        if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT") {
            self.0.extend([0, 0]);
            self.0.extend(length.to_le_bytes());
        } else {
            self.0.extend((length as u16).to_le_bytes());
        }
        self
    }

    /// A sequence of defined length.
    pub fn sequence(self, group: u16, element: u16, items: &[Bytes]) -> Self {
        let mut value = Vec::new();
        for item in items {
            value.extend([0xFE, 0xFF, 0x00, 0xE0]);
            value.extend((item.0.len() as u32).to_le_bytes());
            value.extend(&item.0);
        }
        self.put(group, element, b"SQ", &value)
    }
}

/// An encapsulated Pixel Data element.
pub fn fragments(table: &[u32], list: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 255, 255, 255, 255];
    let table: Vec<u8> = table.iter().flat_map(|t| t.to_le_bytes()).collect();
    for fragment in std::iter::once(table.as_slice()).chain(list.iter().copied()) {
        bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
        bytes.extend((fragment.len() as u32).to_le_bytes());
        bytes.extend(fragment);
    }
    bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    bytes
}

/// A Part 10 file.
pub fn file(syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let meta = Bytes::default()
        .put(2, 1, b"OB", &[0, 1])
        .text(2, 2, b"UI", CT)
        .text(2, 3, b"UI", "1.2.3.4")
        .text(2, 0x10, b"UI", syntax)
        .text(2, 0x12, b"UI", "1.2.3");
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    let length = (meta.0.len() as u32).to_le_bytes();
    file.extend(Bytes::default().put(2, 0, b"UL", &length).0);
    file.extend(meta.0);
    file.extend(data_set);
    file
}

pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub const RLE: &str = "1.2.840.10008.1.2.5";
pub const DEFLATED_FRAME: &str = "1.2.840.10008.1.2.8.1";

/// A small CT slice whose parts can be exchanged one by one.
#[derive(Clone)]
pub struct Slice {
    pub patient: (&'static str, &'static str),
    pub study: String,
    pub series: String,
    pub uid: String,
    pub number: i32,
    pub rows: u16,
    pub columns: u16,
    pub samples: u16,
    pub photometric: &'static str,
    pub frames: Option<&'static str>,
    pub allocated: u16,
    pub stored: u16,
    pub high: u16,
    pub signed: u16,
    pub position: Option<[f64; 3]>,
    pub orientation: [f64; 6],
    pub spacing: Option<String>,
    pub rescale: Option<(&'static str, &'static str)>,
    pub image_type: &'static str,
    /// More elements, each as (group, element, bytes of the whole element); they replace those of the same tag.
    pub more: Vec<(u16, u16, Vec<u8>)>,
    /// The whole Pixel Data element.
    pub pixels: Vec<u8>,
}

impl Default for Slice {
    fn default() -> Self {
        let values: Vec<u8> = (0..64i16)
            .flat_map(|v| (v * 10 - 100).to_le_bytes())
            .collect();
        Self {
            patient: ("DOE^JANE", "P1"),
            study: "1.2.3.1".into(),
            series: "1.2.3.2".into(),
            uid: "1.2.3.4".into(),
            number: 1,
            rows: 8,
            columns: 8,
            samples: 1,
            photometric: "MONOCHROME2",
            frames: None,
            allocated: 16,
            stored: 16,
            high: 15,
            signed: 1,
            position: Some([0.0; 3]),
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            spacing: Some("0.5\\0.5".into()),
            rescale: Some(("-1024", "1")),
            image_type: "ORIGINAL\\PRIMARY\\AXIAL",
            more: Vec::new(),
            pixels: Bytes::default().put(0x7FE0, 0x10, b"OW", &values).0,
        }
    }
}

impl Slice {
    /// Replaces or adds an element.
    pub fn with(mut self, group: u16, element: u16, vr: &[u8; 2], value: &[u8]) -> Self {
        let bytes = Bytes::default().put(group, element, vr, value).0;
        self.more.push((group, element, bytes));
        self
    }

    /// Replaces or adds a text element.
    pub fn text(self, group: u16, element: u16, vr: &[u8; 2], value: &str) -> Self {
        self.with(group, element, vr, value.as_bytes())
    }

    /// Leaves an element out.
    pub fn without(mut self, group: u16, element: u16) -> Self {
        self.more.push((group, element, Vec::new()));
        self
    }

    /// Native pixel bytes.
    pub fn native(mut self, values: &[u8]) -> Self {
        self.pixels = Bytes::default().put(0x7FE0, 0x10, b"OW", values).0;
        self
    }

    pub fn data_set(&self) -> Vec<u8> {
        let join = |values: &[f64]| {
            let texts: Vec<String> = values.iter().map(|v| format!("{v:.9}")).collect();
            texts.join("\\")
        };
        let mut elements: Vec<(u16, u16, Vec<u8>)> = Vec::new();
        let mut add = |group, element, vr: &[u8; 2], value: &[u8]| {
            let bytes = Bytes::default().put(group, element, vr, value).0;
            elements.push((group, element, bytes));
        };
        add(8, 8, b"CS", self.image_type.as_bytes());
        add(8, 0x16, b"UI", CT.as_bytes());
        add(8, 0x18, b"UI", self.uid.as_bytes());
        add(8, 0x60, b"CS", b"CT");
        add(0x10, 0x10, b"PN", self.patient.0.as_bytes());
        add(0x10, 0x20, b"LO", self.patient.1.as_bytes());
        add(0x20, 0x0D, b"UI", self.study.as_bytes());
        add(0x20, 0x0E, b"UI", self.series.as_bytes());
        add(0x20, 0x11, b"IS", b"3");
        add(0x20, 0x13, b"IS", self.number.to_string().as_bytes());
        if let Some(position) = self.position {
            add(0x20, 0x32, b"DS", join(&position).as_bytes());
            add(0x20, 0x37, b"DS", join(&self.orientation).as_bytes());
        }
        add(0x28, 2, b"US", &self.samples.to_le_bytes());
        add(0x28, 4, b"CS", self.photometric.as_bytes());
        if let Some(frames) = self.frames {
            add(0x28, 8, b"IS", frames.as_bytes());
        }
        add(0x28, 0x10, b"US", &self.rows.to_le_bytes());
        add(0x28, 0x11, b"US", &self.columns.to_le_bytes());
        if let Some(spacing) = &self.spacing {
            add(0x28, 0x30, b"DS", spacing.as_bytes());
        }
        add(0x28, 0x100, b"US", &self.allocated.to_le_bytes());
        add(0x28, 0x101, b"US", &self.stored.to_le_bytes());
        add(0x28, 0x102, b"US", &self.high.to_le_bytes());
        add(0x28, 0x103, b"US", &self.signed.to_le_bytes());
        if let Some((intercept, slope)) = self.rescale {
            add(0x28, 0x1052, b"DS", intercept.as_bytes());
            add(0x28, 0x1053, b"DS", slope.as_bytes());
        }
        for (group, element, bytes) in &self.more {
            elements.retain(|e| (e.0, e.1) != (*group, *element));
            elements.push((*group, *element, bytes.clone()));
        }
        elements.sort_by_key(|e| (e.0, e.1));
        let mut data_set: Vec<u8> = elements.into_iter().flat_map(|e| e.2).collect();
        data_set.extend(&self.pixels);
        data_set
    }

    pub fn file(&self, syntax: &str) -> Vec<u8> {
        file(syntax, &self.data_set())
    }

    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        write(folder, name, &self.file(EXPLICIT))
    }
}

pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A raw deflate stream of stored blocks.
pub fn deflate_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let count = bytes.chunks(65_535).count().max(1);
    for (i, chunk) in bytes.chunks(65_535).enumerate() {
        out.push(u8::from(i + 1 == count));
        out.extend((chunk.len() as u16).to_le_bytes());
        out.extend((!(chunk.len() as u16)).to_le_bytes());
        out.extend(chunk);
    }
    out
}

/// A raw deflate stream that inflates to about `length` zeros at 1032:1: a dynamic block in which length 258 and
/// distance 1 take one bit each.
pub fn deflate_zeros(length: usize) -> Vec<u8> {
    let (mut out, mut held, mut count) = (Vec::new(), 0u64, 0u32);
    let mut put = |value: u64, bits: u32| {
        held |= value << count;
        count += bits;
        while count >= 8 {
            out.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    };
    put(0b101, 3); // last block, dynamic codes
    put(29, 5); // 286 literal and length codes
    put(0, 5); // one distance code
    put(14, 4); // 18 lengths of length codes: 18 takes 1 bit; 2 and 1 take 2
    for place in 0..18 {
        put(
            match place {
                2 => 1,
                15 | 17 => 2,
                _ => 0,
            },
            3,
        );
    }
    let (run, one, two) = ((0b0, 1), (0b01, 2), (0b11, 2));
    let zeros = |put: &mut dyn FnMut(u64, u32), many: u64| {
        put(run.0, run.1);
        put(many - 11, 7);
    };
    put(two.0, two.1); // literal 0 takes 2 bits
    zeros(&mut put, 138);
    zeros(&mut put, 117);
    put(two.0, two.1); // the end takes 2 bits
    zeros(&mut put, 28);
    put(one.0, one.1); // length 258 takes 1 bit
    put(one.0, one.1); // distance 1 takes 1 bit
    put(0b01, 2); // literal 0
    for _ in 0..length / 258 {
        put(0b00, 2);
    }
    put(0b11, 2);
    put(0, 7);
    out
}

/// A PackBits RLE frame whose segments are literal runs.
pub fn rle_frame(planes: &[&[u8]]) -> Vec<u8> {
    let mut bytes = (planes.len() as u32).to_le_bytes().to_vec();
    let mut segments = Vec::new();
    for plane in planes {
        bytes.extend((64 + segments.len() as u32).to_le_bytes());
        for run in plane.chunks(128) {
            segments.push(run.len() as u8 - 1);
            segments.extend(run);
        }
        if segments.len() % 2 == 1 {
            segments.push(0x80);
        }
    }
    bytes.resize(64, 0);
    bytes.extend(segments);
    bytes
}

/// A grey baseline JPEG of the `image` crate.
pub fn jpeg_of(columns: u32, rows: u32) -> Vec<u8> {
    let picture =
        image::GrayImage::from_fn(columns, rows, |x, y| image::Luma([(x * 20 + y * 5) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

/// A file with several frames, each at its depth in millimetres, in the order given.
pub fn enhanced(depths: &[i32]) -> Vec<u8> {
    let item = |sequence: (u16, u16), content: Bytes| {
        Bytes::default().sequence(sequence.0, sequence.1, &[content])
    };
    let shared = Bytes(
        [
            item(
                (0x20, 0x9116),
                Bytes::default().text(0x20, 0x37, b"DS", r"0\1\0\0\0\-1"),
            )
            .0,
            item(
                (0x28, 0x9110),
                Bytes::default()
                    .text(0x18, 0x50, b"DS", "3")
                    .text(0x28, 0x30, b"DS", r"2\0.5"),
            )
            .0,
            item(
                (0x28, 0x9145),
                Bytes::default()
                    .text(0x28, 0x1052, b"DS", "-10")
                    .text(0x28, 0x1053, b"DS", "2")
                    .text(0x28, 0x1054, b"LO", "HU"),
            )
            .0,
        ]
        .concat(),
    );
    let frames: Vec<Bytes> = depths
        .iter()
        .map(|depth| {
            let position = format!(r"{}\10\20", 3 * depth);
            let window = Bytes::default()
                .text(0x28, 0x1050, b"DS", &format!("{}", 40 + depth))
                .text(0x28, 0x1051, b"DS", "400");
            Bytes(
                [
                    item(
                        (0x20, 0x9113),
                        Bytes::default().text(0x20, 0x32, b"DS", &position),
                    )
                    .0,
                    item((0x28, 0x9132), window).0,
                ]
                .concat(),
            )
        })
        .collect();
    let values: Vec<u8> = depths
        .iter()
        .flat_map(|d| (0..12).map(move |i| (d * 100 + i) as i16))
        .flat_map(i16::to_le_bytes)
        .collect();
    let mut slice = Slice {
        rows: 3,
        columns: 4,
        position: None,
        spacing: None,
        rescale: None,
        ..Slice::default()
    }
    .native(&values)
    .text(0x28, 8, b"IS", &depths.len().to_string());
    let sequences = Bytes::default()
        .sequence(0x5200, 0x9229, &[shared])
        .sequence(0x5200, 0x9230, &frames);
    slice.more.push((0x5200, 0x9229, sequences.0));
    slice.file(EXPLICIT)
}
