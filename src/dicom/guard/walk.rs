//! The walk over the elements of a data set: a loop with a stack of its own, never a recursion, so that no depth of
//! nesting can exhaust the thread's stack.

use super::*;

/// Whether these are two letters of PS3.5 table 6.2-1.
pub(super) const fn known_vr([first, second]: [u8; 2]) -> bool {
    match first {
        b'A' => matches!(second, b'E' | b'S' | b'T'),
        b'C' => second == b'S',
        b'D' => matches!(second, b'A' | b'S' | b'T'),
        b'F' => matches!(second, b'D' | b'L'),
        b'I' => second == b'S',
        b'L' => matches!(second, b'O' | b'T'),
        b'O' => matches!(second, b'B' | b'D' | b'F' | b'L' | b'V' | b'W'),
        b'P' => second == b'N',
        b'S' => matches!(second, b'H' | b'L' | b'Q' | b'S' | b'T' | b'V'),
        b'T' => second == b'M',
        b'U' => matches!(
            second,
            b'C' | b'I' | b'L' | b'N' | b'R' | b'S' | b'T' | b'V'
        ),
        _ => false,
    }
}

/// Whether the explicit header has a 32-bit length (PS3.5 section 7.1.2).
pub(in crate::dicom) const fn long_form(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"SQ"
            | b"SV"
            | b"UC"
            | b"UN"
            | b"UR"
            | b"UT"
            | b"UV"
    )
}

/// Bytes of one binary value; 1 for everything else (PS3.5 table 6.2-1).
const fn value_bytes(vr: [u8; 2]) -> u32 {
    match &vr {
        b"US" | b"SS" | b"OW" => 2,
        b"AT" | b"FL" | b"OF" | b"OL" | b"SL" | b"UL" => 4,
        b"FD" | b"OD" | b"OV" | b"SV" | b"UV" => 8,
        _ => 1,
    }
}

/// The VR that an implicit element has by its tag; `UN` for private and unknown ones.
pub(in crate::dicom) fn dictionary_vr(tag: Tag) -> [u8; 2] {
    use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
    if tag.0 % 2 == 1 {
        // Private; only who reserved a block is known (PS3.5 section 7.8.1).
        let creator = tag.1 >= 0x10 && tag.1 <= 0xFF;
        return if creator { *b"LO" } else { *b"UN" };
    }
    let entry = dicom_dictionary_std::StandardDataDictionary.by_tag(tag);
    let vr = entry.map(|e| e.vr().relaxed().to_bytes());
    vr.unwrap_or(*b"UN")
}

pub(in crate::dicom) struct Header {
    pub(in crate::dicom) vr: [u8; 2],
    pub(in crate::dicom) value: u64,
    pub(in crate::dicom) length: u32,
}

/// VR and length behind a tag that was read already.
pub(in crate::dicom) fn read_header(
    window: &mut Window<'_>,
    encoding: Encoding,
    at: u64,
    tag: Tag,
) -> Result<Header, Fault> {
    let cut = || {
        Fault::at(
            "ELEMENT_CUT",
            tag,
            at,
            "the data end within an element's header",
        )
    };
    let [a, b, c, d] = window.array::<4>(at + 4)?.ok_or_else(cut)?;
    if encoding.implicit {
        return Ok(Header {
            vr: *b"UN",
            value: at + 8,
            length: encoding.u32([a, b, c, d]),
        });
    }
    let vr = [a, b];
    if !known_vr(vr) {
        return Err(Fault::at(
            "BAD_VR",
            tag,
            at,
            "an unknown value representation",
        ));
    }
    if long_form(vr) {
        let length = window.array::<4>(at + 8)?.ok_or_else(cut)?;
        return Ok(Header {
            vr,
            value: at + 12,
            length: encoding.u32(length),
        });
    }
    Ok(Header {
        vr,
        value: at + 8,
        length: u32::from(encoding.u16([c, d])),
    })
}

/// An open sequence or item.
pub(super) struct Scope {
    /// Sequence (holds items) or item (holds elements).
    pub(super) sequence: bool,
    /// Where it ends; `None` until its delimiter.
    pub(super) end: Option<u64>,
    /// The nearest end of it or of what holds it.
    pub(super) bound: u64,
    /// Whether its elements lack a VR: all of them, or a UN of undefined length (PS3.5 section 6.2.2).
    pub(super) encoding: Encoding,
    /// Elements so far.
    pub(super) count: u32,
    /// Pixel Data within an item (an icon): its items are fragments.
    pub(super) opaque: bool,
}

pub(super) struct Walk<'a> {
    pub(super) source: &'a ByteSource,
    pub(super) window: Window<'a>,
    pub(super) encoding: Encoding,
    pub(super) limits: Limits,
    pub(super) elements: Vec<Element>,
    pub(super) pixels: Option<PixelElement>,
    pub(super) findings: Vec<Finding>,
    pub(super) items: u32,
    pub(super) total: u32,
    /// Where the items of the outermost sequence begin, for who asks.
    pub(super) marks: Option<Vec<u64>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: &'a ByteSource, encoding: Encoding, limits: &Limits) -> Self {
        Self {
            source,
            window: Window::new(source),
            encoding,
            limits: *limits,
            elements: Vec::with_capacity(160),
            pixels: None,
            findings: Vec::new(),
            items: 0,
            total: 0,
            marks: None,
        }
    }

    pub(super) fn note(&mut self, code: &'static str, text: &str) {
        if !self.findings.iter().any(|f| f.code == code) {
            self.findings
                .push(Finding::new(code, Severity::Warning, text));
        }
    }

    /// Walks the top level; pixels end it.
    pub(super) fn run(&mut self, mut at: u64, packing: Packing) -> Result<(), Fault> {
        let end = self.source.len();
        let mut previous = Tag(0, 0);
        let mut count = 0;
        // Filled only once elements are out of order.
        let mut seen = HashSet::new();
        while at < end {
            let Some(bytes) = self.window.array::<4>(at)? else {
                return self.trailing(at);
            };
            let tag = tag_of(self.encoding, bytes);
            if tag == Tag(0, 0) && self.all_zero(at)? {
                self.left_over(at);
                return Ok(());
            }
            if tag == ITEM {
                at = self.stray_item(at, end)?;
                self.count_element(&mut count, tag, at)?;
                continue;
            }
            if tag.0 == 0xFFFE {
                return Err(Fault::at(
                    "STRAY_DELIMITER",
                    tag,
                    at,
                    "a delimiter outside a sequence",
                ));
            }
            self.count_element(&mut count, tag, at)?;
            let header = read_header(&mut self.window, self.encoding, at, tag)?;
            if tag.0 == 0x7FE0 && matches!(tag.1, 0x0008 | 0x0009 | 0x0010) {
                at = self.pixel_element(tag, at, &header, packing)?;
                return self.behind_pixels(at, tag);
            }
            let next = self.element(tag, at, &header, end, self.encoding)?;
            let mut sequence = None;
            let (next, whole) = match next {
                Next::Behind(next) => (next, true),
                Next::Into(scope) => {
                    sequence = (!scope.opaque).then_some(scope.encoding);
                    self.nested(scope, header.value)?
                }
            };
            if tag.0 == 0 || tag.0 == 0xFFFF || tag.0 == 1 {
                self.note("ODD_GROUP", "elements of a group that files must not use");
            }
            let in_order = tag > previous || self.elements.is_empty();
            if !in_order {
                self.note(
                    "TAG_ORDER",
                    "elements are out of order or doubled; the first of each counts",
                );
                if seen.is_empty() {
                    seen.extend(self.elements.iter().map(|e| e.tag));
                }
            }
            let fresh = (in_order && seen.is_empty()) || seen.insert(tag);
            if fresh && whole {
                self.elements.push(Element {
                    tag,
                    vr: header.vr,
                    sequence,
                    start: at,
                    value: header.value,
                    end: next,
                });
            }
            previous = previous.max(tag);
            at = next;
        }
        Ok(())
    }

    /// Some writers give a sequence the length 0 and write its items behind it: such an item is stepped over.
    pub(super) fn stray_item(&mut self, at: u64, end: u64) -> Result<u64, Fault> {
        let length = self.window.array::<4>(at + 4)?.unwrap_or_default();
        let length = u64::from(self.encoding.u32(length));
        let next = at + 8 + length;
        if next > end {
            let what = "an item outside a sequence, longer than the file";
            return Err(Fault::at("STRAY_ITEM", ITEM, at, what));
        }
        self.note("STRAY_ITEM", "an item outside a sequence is stepped over");
        Ok(next)
    }

    /// Walks what follows the pixels. Private groups, signatures and padding are elements in their order (PS3.3 C.12.1.1.3,
    /// PS3.10 section 7.2). Anything else is no part of the data set; the picture before it is whole, so it is counted
    /// and left.
    fn behind_pixels(&mut self, mut at: u64, pixels: Tag) -> Result<(), Fault> {
        let end = self.source.len();
        let (mut previous, mut count) = (pixels, 0);
        while at < end {
            let Some((tag, next)) = self.element_behind(at, previous)? else {
                self.left_over(at);
                return Ok(());
            };
            self.count_element(&mut count, tag, at)?;
            (previous, at) = (tag, next);
        }
        Ok(())
    }

    /// A well-formed element behind the one before it, and where the next one begins.
    ///
    /// # Errors
    /// A second kind of pixels, and limits; everything else is `None`.
    fn element_behind(&mut self, at: u64, previous: Tag) -> Result<Option<(Tag, u64)>, Fault> {
        let Some(bytes) = self.window.array::<4>(at)? else {
            return Ok(None);
        };
        let tag = tag_of(self.encoding, bytes);
        let framed = match read_header(&mut self.window, self.encoding, at, tag) {
            Ok(header) => header,
            Err(fault) if fault.kind == RejectionKind::Rejected => return Ok(None),
            Err(fault) => return Err(fault),
        };
        if tag.0 == 0x7FE0 && matches!(tag.1, 0x0008 | 0x0009 | 0x0010) {
            return Err(two_pixel_data(tag, at));
        }
        if tag <= previous || tag.0 >= 0xFFFE {
            return Ok(None);
        }
        let end = self.source.len();
        let next = self.element(tag, at, &framed, end, self.encoding);
        let next = next.and_then(|next| match next {
            Next::Behind(next) => Ok(next),
            Next::Into(scope) => self.nested(scope, framed.value).map(|(next, _)| next),
        });
        match next {
            Ok(next) => Ok(Some((tag, next))),
            Err(fault) if fault.kind == RejectionKind::Rejected => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Names the bytes from `at` on, which belong to no element. A single zero byte makes the length even.
    fn left_over(&mut self, at: u64) {
        let bytes = self.source.len() - at;
        let padding = bytes == 1 && matches!(self.all_zero(at), Ok(true));
        if bytes == 0 || padding || self.findings.iter().any(|f| f.code == "TRAILING_BYTES") {
            return;
        }
        let text = format!("{bytes} bytes follow the last element and are not read");
        let finding = Finding::new("TRAILING_BYTES", Severity::Warning, text);
        self.findings.push(finding.with("bytes", bytes as f64));
    }

    pub(super) fn trailing(&mut self, at: u64) -> Result<(), Fault> {
        if self.all_zero(at)? {
            self.left_over(at);
            return Ok(());
        }
        Err(Fault::rejected(
            "ELEMENT_CUT",
            format!("the data end within an element's header, at byte {at}"),
        ))
    }

    /// Whether only zeros follow, looking at 16 bytes at most: an element of group 0 does not have them.
    pub(super) fn all_zero(&mut self, at: u64) -> Result<bool, Fault> {
        let left = (self.source.len() - at).min(16) as usize;
        let bytes = self.window.get(at, left)?;
        Ok(bytes.is_some_and(|b| b.iter().all(|b| *b == 0)))
    }

    pub(super) fn count_element(
        &mut self,
        count: &mut u32,
        tag: Tag,
        at: u64,
    ) -> Result<(), Fault> {
        *count += 1;
        self.total += 1;
        if *count > self.limits.elements_per_data_set || self.total > self.limits.elements {
            return Err(Fault::limit(
                "ELEMENTS",
                tag,
                at,
                "more elements than are read",
            ));
        }
        Ok(())
    }

    /// Checks one element that is not Pixel Data and says where the walk goes on.
    pub(super) fn element(
        &mut self,
        tag: Tag,
        at: u64,
        header: &Header,
        bound: u64,
        encoding: Encoding,
    ) -> Result<Next, Fault> {
        let scope = |end, bound, encoding, opaque| {
            Next::Into(Scope {
                sequence: true,
                end,
                bound,
                encoding,
                count: 0,
                opaque,
            })
        };
        if header.length == UNDEFINED {
            return match &header.vr {
                b"SQ" => Ok(scope(None, bound, encoding, false)),
                // In implicit data sets this is a sequence; an explicit UN of undefined length holds
                // implicit little endian items (PS3.5 section 6.2.2 note).
                b"UN" => Ok(scope(None, bound, Encoding::IMPLICIT, false)),
                b"OB" | b"OW" if tag == tags::PIXEL_DATA => Ok(scope(None, bound, encoding, true)),
                _ => Err(Fault::at(
                    "LEN_UNDEFINED",
                    tag,
                    at,
                    "an undefined length where none is allowed",
                )),
            };
        }
        let end = header.value + u64::from(header.length);
        if end > bound {
            let what = format!(
                "a length of {} where {} bytes are left",
                header.length,
                bound.saturating_sub(header.value)
            );
            return Err(Fault::at("LEN_PAST_END", tag, at, &what));
        }
        if header.length % 2 == 1 {
            return Err(Fault::at("LEN_ODD", tag, at, "an odd length"));
        }
        // A reader that takes whole values only would leave the rest and lose its place: what follows would be read as
        // headers, with lengths that nobody has checked.
        // No value is longer than eight bytes.
        let whole = header.length.is_multiple_of(8) || {
            let vr = if encoding.implicit {
                dictionary_vr(tag)
            } else {
                header.vr
            };
            header.length.is_multiple_of(value_bytes(vr))
        };
        if !whole {
            let what = "a length that is no multiple of its value's";
            return Err(Fault::at("LEN_VALUE", tag, at, what));
        }
        let is_sequence = &header.vr == b"SQ"
            || (encoding.implicit && header.length >= 8 && tag.0 != 0x7FE0 && {
                let mark = self.window.array::<4>(header.value)?;
                mark == Some([0xFE, 0xFF, 0x00, 0xE0])
            });
        if is_sequence {
            return Ok(scope(Some(end), end, encoding, false));
        }
        Ok(Next::Behind(end))
    }

    /// Walks one sequence that was walked before.
    pub(super) fn sequence(&mut self, element: &Element) -> Result<(), Fault> {
        let header = read_header(&mut self.window, self.encoding, element.start, element.tag)?;
        let end = self.source.len();
        match self.element(element.tag, element.start, &header, end, self.encoding)? {
            Next::Into(scope) => self.nested(scope, header.value).map(|_| ()),
            Next::Behind(_) => Ok(()),
        }
    }

    /// Walks a sequence and everything within it without recursion; gives the offset behind it, and whether
    /// it was whole: a sequence that the end of the data ends is not.
    pub(super) fn nested(&mut self, outer: Scope, start: u64) -> Result<(u64, bool), Fault> {
        let mut stack = vec![outer];
        let mut depth = 1usize;
        let mut at = start;
        while let Some(scope) = stack.last() {
            if scope.end == Some(at) {
                depth -= usize::from(scope.sequence);
                stack.pop();
                continue;
            }
            let bound = scope.bound;
            let (encoding, sequence, count) = (scope.encoding, scope.sequence, scope.count);
            let open_end = scope.end.is_none();
            let opaque = scope.opaque;
            if at == bound && stack.iter().all(|s| s.end.is_none()) {
                self.note(
                    "NO_DELIMITER",
                    "the last sequence does not end with a delimiter",
                );
                return Ok((at, false));
            }
            if bound - at < 8 {
                return Err(Fault::rejected(
                    "ELEMENT_CUT",
                    format!("the data end within a sequence, at byte {at}"),
                ));
            }
            let tag = tag_of(encoding, self.window.array::<4>(at)?.unwrap_or_default());
            let length = encoding.u32(self.window.array::<4>(at + 4)?.unwrap_or_default());
            match (sequence, tag) {
                (true, Tag(0xFFFE, 0xE000)) => {
                    self.items += 1;
                    if self.items > self.limits.items {
                        return Err(Fault::limit("ITEMS", tag, at, "more items than are read"));
                    }
                    if let Some(marks) = self.marks.as_mut().filter(|_| depth == 1) {
                        marks.push(at);
                    }
                    let end = (length != UNDEFINED).then(|| at + 8 + u64::from(length));
                    if end.is_some_and(|end| end > bound) {
                        return Err(Fault::at(
                            "LEN_PAST_END",
                            tag,
                            at,
                            "an item longer than what holds it",
                        ));
                    }
                    if opaque {
                        at = end.ok_or_else(|| {
                            Fault::at("LEN_UNDEFINED", tag, at, "a fragment of undefined length")
                        })?;
                        continue;
                    }
                    stack.push(Scope {
                        sequence: false,
                        end,
                        bound: end.unwrap_or(bound),
                        encoding,
                        count: 0,
                        opaque: false,
                    });
                    at += 8;
                }
                (true, Tag(0xFFFE, 0xE0DD)) | (false, Tag(0xFFFE, 0xE00D)) if open_end => {
                    if length != 0 {
                        self.note("DELIMITER_LENGTH", "a delimiter has a length");
                    }
                    depth -= usize::from(sequence);
                    stack.pop();
                    at += 8;
                }
                (_, Tag(0xFFFE, _)) => {
                    return Err(Fault::at(
                        "STRAY_ITEM",
                        tag,
                        at,
                        "an item or delimiter out of place",
                    ));
                }
                (true, _) => {
                    return Err(Fault::at(
                        "BAD_ITEM",
                        tag,
                        at,
                        "an element where an item must be",
                    ));
                }
                (false, _) => {
                    let mut count = count;
                    self.count_element(&mut count, tag, at)?;
                    if let Some(scope) = stack.last_mut() {
                        scope.count = count;
                    }
                    let header = read_header(&mut self.window, encoding, at, tag)?;
                    match self.element(tag, at, &header, bound, encoding)? {
                        Next::Behind(end) => at = end,
                        Next::Into(inner) => {
                            depth += 1;
                            if depth > self.limits.nesting {
                                let what = "sequences nested deeper than are read";
                                return Err(Fault::limit("NESTING", tag, at, what));
                            }
                            at = header.value;
                            stack.push(inner);
                        }
                    }
                }
            }
        }
        Ok((at, true))
    }

    /// The elements of the item at `at`, and where the next one begins; `None` behind the last.
    fn item(&mut self, at: u64, bound: u64) -> Result<Option<(Vec<Element>, u64)>, Fault> {
        let encoding = self.encoding;
        let (tag, length) = match self.window.array::<8>(at)? {
            Some([a, b, c, d, length @ ..]) if at + 8 <= bound => {
                (tag_of(encoding, [a, b, c, d]), encoding.u32(length))
            }
            _ => return Ok(None),
        };
        if tag != ITEM {
            return Ok(None);
        }
        let open = length == UNDEFINED;
        let mut at = at + 8;
        let bound = if open {
            bound
        } else {
            bound.min(at + u64::from(length))
        };
        let mut elements = Vec::new();
        while at < bound {
            let bytes = self.window.array::<4>(at)?.unwrap_or_default();
            let tag = tag_of(encoding, bytes);
            if open && tag == Tag(0xFFFE, 0xE00D) {
                return Ok(Some((elements, at + 8)));
            }
            let header = read_header(&mut self.window, encoding, at, tag)?;
            let mut sequence = None;
            let end = match self.element(tag, at, &header, bound, encoding)? {
                Next::Behind(end) => end,
                Next::Into(scope) => {
                    sequence = (!scope.opaque).then_some(scope.encoding);
                    self.nested(scope, header.value)?.0
                }
            };
            elements.push(Element {
                tag,
                vr: header.vr,
                sequence,
                start: at,
                value: header.value,
                end,
            });
            at = end;
        }
        Ok(Some((elements, at)))
    }

    /// Pixel Data and its floating-point kin.
    pub(super) fn pixel_element(
        &mut self,
        tag: Tag,
        at: u64,
        header: &Header,
        packing: Packing,
    ) -> Result<u64, Fault> {
        if self.pixels.is_some() {
            return Err(two_pixel_data(tag, at));
        }
        let native = matches!(packing, Packing::Native);
        if header.length == UNDEFINED {
            if native || tag != tags::PIXEL_DATA {
                return Err(Fault::at(
                    "NATIVE_ENCAPSULATED",
                    tag,
                    at,
                    "fragments under a transfer syntax without compression",
                ));
            }
            let (fragments, end) =
                walk_fragments(self.source, header.value, self.limits.fragments)?;
            if !fragments.delimited {
                self.note(
                    "NO_DELIMITER",
                    "the fragments of Pixel Data do not end with a delimiter",
                );
            }
            self.pixels = Some(PixelElement {
                tag,
                vr: header.vr,
                place: PixelPlace::Encapsulated(fragments),
            });
            return Ok(end);
        }
        if !native && tag == tags::PIXEL_DATA {
            return Err(Fault::at(
                "COMPRESSED_NATIVE",
                tag,
                at,
                "native pixel data under a transfer syntax with compression",
            ));
        }
        let end = header.value + u64::from(header.length);
        if end > self.source.len() {
            let what = format!(
                "a length of {} where {} bytes are left",
                header.length,
                self.source.len().saturating_sub(header.value)
            );
            return Err(Fault::at("LEN_PAST_END", tag, at, &what));
        }
        self.pixels = Some(PixelElement {
            tag,
            vr: header.vr,
            place: PixelPlace::Native {
                offset: header.value,
                length: u64::from(header.length),
            },
        });
        Ok(end)
    }
}

fn two_pixel_data(tag: Tag, at: u64) -> Fault {
    Fault::at(
        "TWO_PIXEL_DATA",
        tag,
        at,
        "more than one kind of pixel data",
    )
}

pub(super) enum Next {
    Behind(u64),
    Into(Scope),
}

pub(in crate::dicom) const fn tag_of(encoding: Encoding, [a, b, c, d]: [u8; 4]) -> Tag {
    Tag(encoding.u16([a, b]), encoding.u16([c, d]))
}

/// The elements of each item of a sequence that was walked already. What is between `value` is its items, with or
/// without a delimiter; the guard lets nothing else pass, so the first thing that does not fit ends the list.
pub(in crate::dicom) fn items_of(
    source: &ByteSource,
    encoding: Encoding,
    limits: &Limits,
    value: std::ops::Range<u64>,
) -> Vec<Vec<Element>> {
    let mut walk = Walk::new(source, encoding, limits);
    let mut items = Vec::new();
    let mut at = value.start;
    while let Ok(Some((elements, next))) = walk.item(at, value.end) {
        items.push(elements);
        at = next;
    }
    items
}
