use super::*;

mod streams;

use streams::{CASES, picture};

/// A codestream of another encoder.
struct Case {
    name: &'static str,
    /// Columns, rows, components, bits.
    size: [usize; 4],
    /// FNV-1a of what a peer decodes; `None` where the picture itself must come out.
    sum: Option<u64>,
    hex: &'static str,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let digits: Vec<u32> = self.hex.chars().filter_map(|c| c.to_digit(16)).collect();
        let pairs = digits.as_chunks::<2>().0;
        pairs.iter().map(|[a, b]| (a * 16 + b) as u8).collect()
    }
}

fn try_decode(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let header = header(bytes)?;
    if header.bytes() > 1 << 22 {
        return Err(unsupported("what tests have no time for"));
    }
    let mut out = vec![0xA5; header.bytes()];
    decode(bytes, &mut out, 1 << 24).map(|_| out)
}

fn code(bytes: &[u8]) -> &'static str {
    try_decode(bytes).map_or_else(|fault| fault.code, |_| "fine")
}

fn fnv(bytes: &[u8]) -> u64 {
    let start = 0xCBF2_9CE4_8422_2325_u64;
    bytes.iter().fold(start, |sum, b| {
        (sum ^ u64::from(*b)).wrapping_mul(0x100_0000_01B3)
    })
}

/// The case whose name holds `part`.
fn named(part: &str) -> Vec<u8> {
    CASES
        .iter()
        .find(|c| c.name.contains(part))
        .unwrap()
        .bytes()
}

/// Where a marker is.
fn find(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).position(|w| w == [0xFF, marker]).unwrap()
}

#[test]
fn codestreams_of_other_encoders_give_what_their_peers_see() {
    for case in CASES {
        let out = try_decode(&case.bytes()).unwrap();
        let shown = picture(case.size);
        match case.sum {
            Some(sum) => {
                assert_eq!(fnv(&out), sum, "{}", case.name);
                assert_eq!(out.len(), shown.len(), "{}", case.name);
            }
            // The last bits that a point transform takes away are lost.
            None if case.name.contains("+pt 3") => {
                let (pairs, _) = shown.as_chunks::<2>();
                let kept = pairs
                    .iter()
                    .flat_map(|p| (u16::from_le_bytes(*p) >> 3 << 3).to_le_bytes());
                assert_eq!(out, kept.collect::<Vec<_>>(), "{}", case.name);
            }
            None => assert_eq!(out, shown, "{}", case.name),
        }
    }
}

#[test]
fn no_truncation_gives_a_part_of_a_picture() {
    for case in CASES {
        let bytes = case.bytes();
        let whole = try_decode(&bytes).unwrap();
        for end in 0..bytes.len() {
            match try_decode(&bytes[..end]) {
                // Only the end of image, and a last byte that is all padding, can be missed.
                Ok(out) => assert!(
                    out == whole && end + 3 >= bytes.len(),
                    "{} {end}",
                    case.name
                ),
                Err(fault) => assert!(
                    matches!(fault.code, "JPEG_SHORT" | "JPEG_CORRUPT"),
                    "{} {end} {fault:?}",
                    case.name
                ),
            }
        }
        assert_eq!(try_decode(&bytes[..bytes.len() - 2]).unwrap(), whole);
    }
}

#[test]
fn damaged_codestreams_do_not_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below
    };
    let (mut fine, mut refused) = (0, 0);
    for round in 0..6000 {
        let mut bytes = CASES[round % CASES.len()].bytes();
        for _ in 0..=random(3) {
            let place = random(bytes.len());
            match random(4) {
                0 => bytes[place] ^= 1 << random(8),
                1 => bytes[place] = random(256) as u8,
                2 => bytes[place] = 0xFF,
                _ => {
                    let end = (place + 1 + random(4)).min(bytes.len());
                    bytes.drain(place..end);
                }
            }
        }
        match try_decode(&bytes) {
            Ok(_) => fine += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(fine > 500 && refused > 500, "{fine} {refused}");
}

/// Bits as an entropy-coded segment.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Writer {
    fn put(&mut self, value: u32, count: u32) {
        self.bits = self.bits << count | u64::from(value) & ((1 << count) - 1);
        self.count += count;
        while self.count >= 8 {
            let byte = (self.bits >> (self.count - 8)) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.put(u32::MAX, 8 - self.count);
        }
        self.bytes
    }
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&[0xFF, marker], length.as_slice(), body].concat()
}

/// A lossless encoder for what the others do not write: restart intervals, components in scans of their own, all 17
/// categories, codes of 16 bits. The code has one code word of 6 bits for each category, or of 16 with `long`.
struct Lossless {
    bits: u32,
    columns: usize,
    rows: usize,
    components: usize,
    predictor: u8,
    /// Lines between restart markers.
    lines: usize,
    interleaved: bool,
    long: bool,
}

impl Lossless {
    fn encode(&self, values: &[u16]) -> Vec<u8> {
        let mut counts = [0u8; 16];
        counts[if self.long { 15 } else { 5 }] = 17;
        let symbols: Vec<u8> = (0..17).collect();
        let mut bytes = vec![0xFF, 0xD8];
        let mut frame = vec![self.bits as u8];
        frame.extend((self.rows as u16).to_be_bytes());
        frame.extend((self.columns as u16).to_be_bytes());
        frame.push(self.components as u8);
        (0..self.components).for_each(|c| frame.extend([c as u8, 0x11, 0]));
        bytes.extend(segment(0xC3, &frame));
        bytes.extend(segment(0xC4, &[&[0], counts.as_slice(), &symbols].concat()));
        let interval = (self.lines * self.columns) as u16;
        bytes.extend(segment(0xDD, &interval.to_be_bytes()));
        let all: Vec<usize> = (0..self.components).collect();
        let scans: Vec<&[usize]> = match self.interleaved {
            true => vec![&all],
            false => all.chunks(1).collect(),
        };
        for scan in scans {
            let mut header = vec![scan.len() as u8];
            scan.iter().for_each(|c| header.extend([*c as u8, 0]));
            header.extend([self.predictor, 0, 0]);
            bytes.extend(segment(0xDA, &header));
            bytes.extend(self.data(values, scan));
        }
        bytes.extend([0xFF, 0xD9]);
        bytes
    }

    fn data(&self, values: &[u16], scan: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::default();
        let at = |x: usize, y: usize, c: usize| {
            i32::from(values[(y * self.columns + x) * self.components + c])
        };
        for y in 0..self.rows {
            let begins = y == 0 || (self.lines > 0 && y % self.lines == 0);
            if begins && y > 0 {
                bytes.extend(std::mem::take(&mut writer).finish());
                bytes.extend([0xFF, 0xD0 + ((y / self.lines - 1) % 8) as u8]);
            }
            for x in 0..self.columns {
                for &c in scan {
                    let guess = match (x, begins, self.predictor) {
                        (0, true, _) => 1 << (self.bits - 1),
                        (0, false, _) => at(0, y - 1, c),
                        (_, true, _) | (_, _, 1) => at(x - 1, y, c),
                        (_, _, other) => {
                            let (a, b) = (at(x - 1, y, c), at(x, y - 1, c));
                            let corner = at(x - 1, y - 1, c);
                            match other {
                                2 => b,
                                3 => corner,
                                4 => a + b - corner,
                                5 => a + ((b - corner) >> 1),
                                6 => b + ((a - corner) >> 1),
                                _ => (a + b) >> 1,
                            }
                        }
                    };
                    let difference = (at(x, y, c) - guess) as u16;
                    self.difference(difference, &mut writer);
                }
            }
        }
        bytes.extend(writer.finish());
        bytes
    }

    fn difference(&self, difference: u16, writer: &mut Writer) {
        let signed = i32::from(difference as i16);
        let category = match difference {
            0x8000 => 16,
            _ => 32 - signed.unsigned_abs().leading_zeros(),
        };
        writer.put(category, if self.long { 16 } else { 6 });
        if category < 16 {
            let low = if signed < 0 { signed - 1 } else { signed };
            writer.put(low as u32, category);
        }
    }
}

/// Values over the whole range, half of them close to each other.
fn values(count: usize, bits: u32) -> Vec<u16> {
    let mut state = 0x2545_F491u32;
    let mask = (1u32 << bits) - 1;
    (0..count)
        .map(|place| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = match state >> 30 {
                0 => state >> 8,
                // Far apart: differences of 32768 come up.
                1 => (place as u32 % 2) << (bits - 1),
                _ => place as u32 / 3 + (state >> 24) % 5,
            };
            (value & mask) as u16
        })
        .collect()
}

fn bytes_of(values: &[u16], bits: u32) -> Vec<u8> {
    let size = if bits <= 8 { 1 } else { 2 };
    let bytes = values.iter().map(|v| v.to_le_bytes());
    bytes.flat_map(|b| b.into_iter().take(size)).collect()
}

#[test]
fn lossless_pictures_come_back_in_every_form() {
    let mut count = 0;
    for predictor in 1..=7 {
        for bits in 2..=16 {
            for (components, interleaved) in
                [(1, true), (2, true), (3, true), (3, false), (4, true)]
            {
                for (lines, long) in [(0, false), (1, true), (3, false)] {
                    let coder = Lossless {
                        bits,
                        columns: 9,
                        rows: 23,
                        components,
                        predictor,
                        lines,
                        interleaved,
                        long,
                    };
                    let shown = values(9 * 23 * components, bits);
                    let out = try_decode(&coder.encode(&shown)).unwrap();
                    assert!(
                        out == bytes_of(&shown, bits),
                        "{predictor} {bits} {components} {interleaved} {lines} {long}"
                    );
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 7 * 15 * 5 * 3);
}

/// Large and flat, so that differences are read by twos.
#[test]
fn large_lossless_pictures_are_read_by_twos() {
    for (components, bits) in [(1, 16), (3, 8), (1, 12)] {
        let coder = Lossless {
            bits,
            columns: 251,
            rows: 140,
            components,
            predictor: 1,
            lines: 7,
            interleaved: true,
            long: false,
        };
        let far = |place: usize| {
            if place.is_multiple_of(97) {
                1 << (bits - 1)
            } else {
                0
            }
        };
        let shown: Vec<u16> = (0..251 * 140 * components)
            .map(|place| (far(place) + place / 400 % 100) as u16)
            .collect();
        // The code of this encoder has 6 bits for each; one more code makes zeros short.
        let bytes = shorten(&coder, &shown);
        assert!(bytes.len() < shown.len() * 6 / 8);
        assert!(try_decode(&bytes).unwrap() == bytes_of(&shown, bits));
        let cut = bytes.len() / 2;
        assert_ne!(code(&bytes[..cut]), "fine");
    }
}

/// Encodes with a code where category 0 is `0`, 1 is `10`, and the others have 7 bits.
fn shorten(coder: &Lossless, values: &[u16]) -> Vec<u8> {
    let long = coder.encode(values);
    let bits = {
        let mut writer = Writer::default();
        let mut bytes = Vec::new();
        let at = find(&long, 0xDA) + 2;
        let at = at + usize::from(long[at + 1]);
        let end = long.len() - 2;
        let mut reader: Vec<u8> = Vec::new();
        let recode = |reader: &mut Vec<u8>, writer: &mut Writer| {
            let (mut place, total) = (0, reader.len() * 8);
            let take = |place: &mut usize, count: usize| {
                let mut value = 0u32;
                for _ in 0..count {
                    let bit = reader[*place / 8] >> (7 - *place % 8) & 1;
                    value = value << 1 | u32::from(bit);
                    *place += 1;
                }
                value
            };
            let mut left = coder.columns * coder.components * coder.lines;
            while left > 0 && place + 6 <= total {
                left -= 1;
                let category = take(&mut place, 6);
                match category {
                    0 => writer.put(0, 1),
                    1 => writer.put(0b10, 2),
                    _ => writer.put(0b110_0000 + category - 2, 7),
                }
                if category < 16 {
                    let extra = take(&mut place, category as usize);
                    writer.put(extra, category);
                }
            }
            reader.clear();
        };
        let mut place = at;
        while place < end {
            match (long[place], long[place + 1]) {
                (0xFF, 0) => {
                    reader.push(0xFF);
                    place += 2;
                }
                (0xFF, marker) => {
                    recode(&mut reader, &mut writer);
                    bytes.extend(std::mem::take(&mut writer).finish());
                    bytes.extend([0xFF, marker]);
                    place += 2;
                }
                (byte, _) => {
                    reader.push(byte);
                    place += 1;
                }
            }
        }
        recode(&mut reader, &mut writer);
        bytes.extend(writer.finish());
        bytes
    };
    let table = find(&long, 0xC4);
    let mut out = long[..table].to_vec();
    let mut counts = [0u8; 16];
    (counts[0], counts[1], counts[6]) = (1, 1, 15);
    let symbols: Vec<u8> = (0..17).collect();
    out.extend(segment(0xC4, &[&[0], counts.as_slice(), &symbols].concat()));
    let scan = find(&long, 0xDA);
    out.extend(&long[find(&long, 0xDD)..scan + 2 + usize::from(long[scan + 3])]);
    out.extend(bits);
    out.extend([0xFF, 0xD9]);
    out
}

#[test]
fn what_is_not_decoded_is_named() {
    let baseline = named("quality 85");
    let frame = find(&baseline, 0xC0);
    let with = |place: usize, value: u8| {
        let mut bytes = baseline.clone();
        bytes[place] = value;
        code(&bytes)
    };
    assert_eq!(code(&baseline), "fine");
    for process in [0xC9, 0xCA, 0xCB, 0xC5, 0xC6, 0xC7, 0xCD] {
        assert_eq!(with(frame + 1, process), "JPEG_UNSUPPORTED");
    }
    assert_eq!(with(frame + 4, 9), "JPEG_CORRUPT", "precision");
    assert_eq!(with(frame + 11, 0x51), "JPEG_CORRUPT", "sampling");
    assert_eq!(with(frame + 12, 2), "JPEG_CORRUPT", "no such table");
    assert_eq!(code(b""), "JPEG_CORRUPT");
    assert_eq!(code(&baseline[..2]), "JPEG_SHORT");
    let mut out = vec![0; 19 * 13 + 1];
    let fault = decode(&baseline, &mut out, 1 << 20).unwrap_err();
    assert_eq!(fault.code, "JPEG_SIZE");
    out.pop();
    let fault = decode(&baseline, &mut out, 100).unwrap_err();
    assert_eq!(
        (fault.kind, fault.code),
        (RejectionKind::Limit, "FRAME_TOO_LARGE")
    );
    let mut subsampled = named("predictor 5");
    let frame = find(&subsampled, 0xC3);
    subsampled[frame + 11] = 0x21;
    assert_eq!(code(&subsampled), "JPEG_UNSUPPORTED");
}

#[test]
fn restart_markers_have_to_count() {
    let bytes = named("every two MCUs");
    for (from, to) in [(0xD0, 0xD1), (0xD1, 0xD0)] {
        let mut wrong = bytes.clone();
        let place = find(&wrong, from);
        wrong[place + 1] = to;
        assert_eq!(code(&wrong), "JPEG_CORRUPT");
    }
    // An interval that is gone takes the ones behind it out of order, the last one leaves too few.
    let last = bytes
        .windows(2)
        .rposition(|w| w[0] == 0xFF && (0xD0..=0xD7).contains(&w[1]));
    let mut less = bytes.clone();
    less.drain(last.unwrap()..bytes.len() - 2);
    assert_eq!(code(&less), "JPEG_SHORT");
}

#[test]
fn the_number_of_lines_may_follow() {
    let bytes = named("quality 85");
    let whole = try_decode(&bytes).unwrap();
    let frame = find(&bytes, 0xC0);
    let mut open = bytes[..bytes.len() - 2].to_vec();
    open.splice(frame + 5..frame + 7, [0, 0]);
    assert_eq!(code(&open), "JPEG_CORRUPT");
    open.extend(segment(0xDC, &[0, 13]));
    open.extend([0xFF, 0xD9]);
    assert_eq!(try_decode(&open).unwrap(), whole);
}

#[test]
fn fill_bytes_and_a_missing_end_are_let_pass() {
    let bytes = named("a scan for each component");
    let whole = try_decode(&bytes).unwrap();
    let mut filled = Vec::new();
    let mut inside = false;
    for (place, &byte) in bytes.iter().enumerate() {
        // Before every marker segment that the walk meets behind entropy-coded data.
        let next = bytes.get(place + 1).copied().unwrap_or_default();
        if byte == 0xFF && inside && matches!(next, 0xC4 | 0xDA | 0xD9) {
            filled.extend([0xFF; 3]);
        }
        inside |= byte == 0xFF && next == 0xDA;
        filled.push(byte);
    }
    assert!(filled.len() > bytes.len() + 6);
    assert_eq!(try_decode(&filled).unwrap(), whole);
    // A component that never comes is not a picture.
    let last = bytes.windows(2).rposition(|w| w == [0xFF, 0xDA]).unwrap();
    let mut less = bytes[..last].to_vec();
    less.extend([0xFF, 0xD9]);
    assert_eq!(code(&less), "JPEG_SHORT");
}

#[test]
fn a_progressive_picture_needs_all_of_its_bits() {
    let bytes = named("dcmcjpeg +ep");
    let scans: Vec<usize> = (0..bytes.len() - 1)
        .filter(|at| bytes[*at..*at + 2] == [0xFF, 0xDA])
        .collect();
    assert!(scans.len() > 3);
    for scan in scans {
        let mut less = bytes[..scan].to_vec();
        less.extend([0xFF, 0xD9]);
        assert_eq!(
            code(&less),
            if scan == find(&bytes, 0xDA) {
                "JPEG_CORRUPT"
            } else {
                "JPEG_SHORT"
            }
        );
    }
}

#[test]
fn a_scan_does_not_come_twice() {
    // A first scan of the mean, and then more of its bits than there can be.
    let bytes = named("dcmcjpeg +ep");
    let scan = find(&bytes, 0xDA);
    let second = scan
        + 2
        + bytes[scan + 2..]
            .windows(2)
            .position(|w| w == [0xFF, 0xC4])
            .unwrap();
    let mut many = bytes[..second].to_vec();
    many.extend(&bytes[scan..second]);
    many.extend([0xFF, 0xD9]);
    assert_eq!(code(&many), "JPEG_CORRUPT", "a first scan twice");
}
