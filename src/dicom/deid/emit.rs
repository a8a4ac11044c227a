//! Elements as bytes, in any of the three ways to write them (PS3.5 section 7.1).

use crate::dicom::{guard::UNDEFINED, syntax::Encoding};
use dicom_object::Tag;

/// A stretch of the new file.
#[derive(Debug)]
pub(super) enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes of the source: offset and count.
    Copy(u64, u64),
}

/// A new data set in the making: bytes, and stretches of the source between them.
#[derive(Debug, Default)]
pub(super) struct Sink {
    done: Vec<Piece>,
    /// What is being written.
    pub(super) open: Vec<u8>,
}

impl Sink {
    pub(super) fn copy(&mut self, offset: u64, count: u64) {
        if count > 0 {
            self.flush();
            self.done.push(Piece::Copy(offset, count));
        }
    }

    fn flush(&mut self) {
        if !self.open.is_empty() {
            self.done.push(Piece::Bytes(std::mem::take(&mut self.open)));
        }
    }

    pub(super) fn pieces(mut self) -> Vec<Piece> {
        self.flush();
        self.done
    }
}

/// How a data set is written.
#[derive(Clone, Copy)]
pub(super) struct Writer(pub(super) Encoding);

impl Writer {
    fn u16(self, value: u16) -> [u8; 2] {
        match self.0.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self.0.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        }
    }

    pub(super) fn tag(self, out: &mut Vec<u8>, tag: Tag) {
        out.extend(self.u16(tag.0));
        out.extend(self.u16(tag.1));
    }

    /// Tag, VR and length. A value that is too long for the short form of its VR is written as UN.
    pub(super) fn head(self, out: &mut Vec<u8>, tag: Tag, vr: [u8; 2], length: u32) {
        self.tag(out, tag);
        if self.0.implicit {
            out.extend(self.u32(length));
            return;
        }
        let long = crate::dicom::guard::long_form(vr);
        match u16::try_from(length) {
            Ok(short) if !long => {
                out.extend(vr);
                out.extend(self.u16(short));
            }
            _ => {
                out.extend(if long { vr } else { *b"UN" });
                out.extend([0, 0]);
                out.extend(self.u32(length));
            }
        }
    }

    /// A whole element, padded to an even length.
    pub(super) fn put(self, out: &mut Vec<u8>, tag: Tag, vr: [u8; 2], value: &[u8]) {
        let odd = value.len() % 2 == 1;
        self.head(out, tag, vr, value.len() as u32 + u32::from(odd));
        out.extend(value);
        if odd {
            let zero = matches!(&vr, b"UI" | b"OB" | b"UN");
            out.push(if zero { 0 } else { b' ' });
        }
    }

    pub(super) fn open_sequence(self, out: &mut Vec<u8>, tag: Tag, vr: [u8; 2]) {
        self.head(out, tag, vr, UNDEFINED);
    }

    pub(super) fn open_item(self, out: &mut Vec<u8>) {
        self.tag(out, Tag(0xFFFE, 0xE000));
        out.extend([0xFF; 4]);
    }

    pub(super) fn close_item(self, out: &mut Vec<u8>) {
        self.tag(out, Tag(0xFFFE, 0xE00D));
        out.extend([0; 4]);
    }

    pub(super) fn close_sequence(self, out: &mut Vec<u8>) {
        self.tag(out, Tag(0xFFFE, 0xE0DD));
        out.extend([0; 4]);
    }

    /// A sequence of one item whose elements are texts.
    pub(super) fn sequence(self, out: &mut Vec<u8>, tag: Tag, items: &[&[(Tag, [u8; 2], &[u8])]]) {
        self.open_sequence(out, tag, *b"SQ");
        for item in items {
            self.open_item(out);
            for (tag, vr, value) in *item {
                self.put(out, *tag, *vr, value);
            }
            self.close_item(out);
        }
        self.close_sequence(out);
    }
}

/// A whole meta header behind its preamble (PS3.10 section 7.1).
pub(super) fn meta(class: &str, instance: &str, syntax: &str) -> Vec<u8> {
    let writer = Writer(Encoding::EXPLICIT);
    let mut body = Vec::with_capacity(256);
    writer.put(&mut body, Tag(2, 1), *b"OB", &[0, 1]);
    for (element, vr, value) in [
        (0x0002, b"UI", class),
        (0x0003, b"UI", instance),
        (0x0010, b"UI", syntax),
        (0x0012, b"UI", crate::dicom::write::IMPLEMENTATION_CLASS),
        (0x0013, b"SH", "NEGATOSCOPE"),
    ] {
        writer.put(&mut body, Tag(2, element), *vr, value.as_bytes());
    }
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    let length = (body.len() as u32).to_le_bytes();
    writer.put(&mut out, Tag(2, 0), *b"UL", &length);
    out.extend(body);
    out
}
