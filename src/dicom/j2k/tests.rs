//! Codestreams of other encoders over pictures that the tests compute, and hostile bytes.

use super::*;

/// One line of tests/data/jpeg2000.tsv, which scripts/make-jpeg2000-reference writes.
struct Sample {
    name: &'static str,
    columns: u32,
    rows: u32,
    components: u32,
    bits: u32,
    signed: bool,
    codestream: Vec<u8>,
    /// What OpenJPEG makes of it, where it is not the picture itself.
    expected: Option<Vec<u8>>,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: &u8| (*c as char).to_digit(16).unwrap() as u8;
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty());
    pairs
        .iter()
        .map(|[a, b]| digit(a) << 4 | digit(b))
        .collect()
}

fn samples() -> Vec<Sample> {
    let table = include_str!("../../../tests/data/jpeg2000.tsv");
    let sample = |line: &'static str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |i: usize| fields[i].parse::<u32>().unwrap();
        Sample {
            name: fields[0],
            columns: number(1),
            rows: number(2),
            components: number(3),
            bits: number(4),
            signed: number(5) == 1,
            codestream: bytes(fields[6]),
            expected: Some(bytes(fields[7])).filter(|b| !b.is_empty()),
        }
    };
    table.lines().map(sample).collect()
}

impl Sample {
    fn width(&self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// The formula of scripts/make-jpeg2000-reference.
    fn picture(&self) -> Vec<i32> {
        let top = (1 << self.bits) - 1;
        let mut out = Vec::new();
        for y in 0..self.rows {
            for x in 0..self.columns {
                for c in 0..self.components {
                    let noise = (x * 73) ^ (y * 179) ^ (c * 31);
                    let noise = noise.wrapping_mul(2_654_435_761) >> 16;
                    let value = x * top / self.columns + y * 3 + (noise & (top >> 3));
                    let sign = i32::from(self.signed) << (self.bits - 1);
                    out.push((value & top) as i32 - sign);
                }
            }
        }
        out
    }

    fn values(&self, bytes: &[u8]) -> Vec<i32> {
        match (self.width(), self.signed) {
            (1, false) => bytes.iter().map(|b| i32::from(*b)).collect(),
            (1, true) => bytes.iter().map(|b| i32::from(*b as i8)).collect(),
            (_, false) => words(bytes).map(i32::from).collect(),
            (_, true) => words(bytes).map(|w| i32::from(w as i16)).collect(),
        }
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|b| u16::from_le_bytes(*b))
}

fn decode(codestream: &[u8], width: usize) -> Result<Vec<u8>, Broken> {
    decode_within(&Picture::read(codestream)?, width, 1 << 20)
}

/// Refused where the samples alone take more than the memory.
fn decode_within(picture: &Picture<'_>, width: usize, memory: usize) -> Result<Vec<u8>, Broken> {
    let header = picture.header();
    let samples = header.rows as usize * header.columns as usize * usize::from(header.components);
    if samples * width > memory {
        return Err(Broken::Memory);
    }
    let mut out = vec![0; samples * width];
    picture.decode(width, memory, &mut out)?;
    Ok(out)
}

#[test]
fn pictures_are_those_of_other_encoders() {
    let all = samples();
    assert!(all.len() > 40);
    for sample in &all {
        let name = sample.name;
        let header = Picture::read(&sample.codestream).unwrap().header();
        let found = (header.columns, header.rows, u32::from(header.components));
        assert_eq!(
            found,
            (sample.columns, sample.rows, sample.components),
            "{name}"
        );
        let found = (u32::from(header.precision), header.signed);
        assert_eq!(found, (sample.bits, sample.signed), "{name}");
        let decoded = decode(&sample.codestream, sample.width());
        let decoded = sample.values(&decoded.unwrap_or_else(|e| panic!("{name}: {e:?}")));
        let Some(expected) = &sample.expected else {
            assert_eq!(decoded, sample.picture(), "{name}");
            continue;
        };
        // Rounding is free where information is lost; what refines HT blocks is exact.
        let most = i32::from(!name.contains("passes"));
        let expected = sample.values(expected);
        assert_eq!(decoded.len(), expected.len(), "{name}");
        for (a, b) in decoded.iter().zip(&expected) {
            assert!((a - b).abs() <= most, "{name}: {a}, expected {b}");
        }
    }
}

#[test]
fn a_wider_value_holds_the_same_bits() {
    for sample in samples().iter().filter(|s| s.bits <= 8) {
        let narrow = decode(&sample.codestream, 1).unwrap();
        let wide = decode(&sample.codestream, 2).unwrap();
        let low: Vec<u8> = words(&wide).map(|w| w as u8).collect();
        assert_eq!(narrow, low, "{}", sample.name);
    }
}

#[test]
fn the_beginning_is_enough_for_the_wavelet() {
    for sample in &samples() {
        let header = Picture::read(&sample.codestream).unwrap().header();
        let enough = sample.codestream.len().min(150);
        let beginning = beginning(&sample.codestream[..enough]);
        assert_eq!(beginning.signed, Some(sample.signed), "{}", sample.name);
        let irreversible = Some(header.irreversible);
        assert_eq!(beginning.irreversible, irreversible, "{}", sample.name);
    }
}

#[test]
fn every_cut_is_refused() {
    for sample in &samples() {
        for end in 0..sample.codestream.len() {
            let cut = decode(&sample.codestream[..end], sample.width());
            assert!(cut.is_err(), "{} at {end}", sample.name);
        }
    }
}

/// Whole by its markers, but the last packets are not there.
#[test]
fn packets_that_are_missing_are_refused() {
    for name in ["grey of 12 bits", "HT grey", "layers left out"] {
        let all = samples();
        let sample = all.iter().find(|s| s.name == name).unwrap();
        let from = sample
            .codestream
            .windows(2)
            .position(|w| w == [0xFF, 0x90])
            .unwrap();
        let data = from + 14;
        for end in data..sample.codestream.len() - 3 {
            let mut short = sample.codestream[..end].to_vec();
            let length = (end - from) as u32;
            short[from + 6..from + 10].copy_from_slice(&length.to_be_bytes());
            short.extend([0xFF, 0xD9]);
            assert!(decode(&short, 2).is_err(), "{name} at {end}");
        }
    }
}

#[test]
fn damage_is_refused_or_makes_another_picture() {
    let all = samples();
    let mut state = 1u32;
    let mut dice = |sides: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % sides
    };
    let (mut refused, mut decoded) = (0, 0);
    for sample in &all {
        for round in 0..60 {
            let mut stream = sample.codestream.clone();
            // Headers, where a byte tells lengths and counts, more often than chance would have it.
            let end = if round % 2 == 0 {
                stream.len().min(120)
            } else {
                stream.len()
            };
            for _ in 0..1 + dice(4) {
                stream[dice(end)] = [0, 1, 0x7F, 0x80, 0xFF, dice(256) as u8][dice(6)];
            }
            let Ok(picture) = Picture::read(&stream) else {
                refused += 1;
                continue;
            };
            let header = picture.header();
            match decode_within(&picture, 2, 1 << 20) {
                Ok(bytes) => {
                    let size = header.rows * header.columns * u32::from(header.components) * 2;
                    assert_eq!(bytes.len(), size as usize, "{}", sample.name);
                    decoded += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 500 && decoded > 200, "{refused} {decoded}");
}

/// A main header for a picture of so many columns and rows in tiles, and tile-parts without a packet.
fn hollow(columns: u32, rows: u32, tile: u32, precinct: u8, layers: u16, tiles: u16) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
    for word in [columns, rows, 0, 0, tile, tile, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend([0, 1, 7, 1, 1, 0xFF, 0x52, 0, 13, 1, 0]);
    bytes.extend(layers.to_be_bytes());
    bytes.extend([0, 0, 0, 0, 0, 1, precinct]);
    bytes.extend([0xFF, 0x5C, 0, 4, 0x40, 0x40]);
    for tile in 0..tiles {
        bytes.extend([0xFF, 0x90, 0, 10]);
        bytes.extend(tile.to_be_bytes());
        bytes.extend([0, 0, 0, 15, 0, 1, 0xFF, 0x93, 0]);
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

#[test]
fn sizes_that_are_lies_take_no_memory() {
    let refusal = |stream: &[u8], memory: usize| {
        let picture = Picture::read(stream);
        picture
            .and_then(|p| decode_within(&p, 1, memory))
            .unwrap_err()
    };
    let early = Broken::Corrupt("packets that end early");
    // One packet of one block is all that is there.
    assert_eq!(
        refusal(&hollow(60_000, 60_000, 60_000, 0xFF, 1, 1), 1 << 30),
        Broken::Memory
    );
    assert_eq!(
        refusal(&hollow(8000, 8000, 8000, 0x00, 1, 1), 1 << 30),
        early
    );
    assert_eq!(refusal(&hollow(4, 4, 4, 0xFF, 65_535, 1), 1 << 30), early);
    // Each of the blocks would take more than a sample.
    assert_eq!(
        refusal(&hollow(8000, 8000, 8000, 0xFF, 1, 1), 400 << 20),
        Broken::Memory
    );
    assert_eq!(
        refusal(&hollow(400, 400, 1, 0xFF, 1, 1), 1 << 30),
        Broken::Tiles
    );
    assert_eq!(
        refusal(&hollow(200, 200, 1, 0xFF, 1, 1), 1 << 30),
        Broken::Missing(39_999, 40_000)
    );
    assert_eq!(refusal(&hollow(2, 2, 1, 0xFF, 1, 4), 3), Broken::Memory);
    let small = hollow(2, 2, 1, 0xFF, 1, 4);
    let short = Picture::read(&small).and_then(|p| p.decode(1, 1 << 20, &mut [0; 3]));
    assert_eq!(short, Err(Broken::Memory));
    // An empty packet is a picture without detail.
    let grey = decode(&hollow(2, 2, 1, 0xFF, 1, 4), 1);
    assert_eq!(grey, Ok(vec![128; 4]));
}

#[test]
fn lies_of_the_header_are_refused() {
    let whole = hollow(2, 2, 2, 0xFF, 1, 1);
    assert!(decode(&whole, 1).is_ok());
    let refusal = |at: usize, value: &[u8]| {
        let mut stream = whole.clone();
        stream[at..at + value.len()].copy_from_slice(value);
        decode(&stream, 1).map(|_| ()).unwrap_err()
    };
    assert_eq!(
        refusal(8, &[0, 0, 0, 0]),
        Broken::Corrupt("an impossible size")
    );
    assert_eq!(
        refusal(24, &[0, 0, 0, 0]),
        Broken::Corrupt("an impossible size")
    );
    assert_eq!(refusal(43, &[2]), Broken::Components);
    assert_eq!(
        refusal(42, &[39]),
        Broken::Corrupt("an impossible precision")
    );
    // Levels, block size, both kinds of blocks, wavelet.
    let style = Broken::Corrupt("an impossible coding style");
    assert_eq!(refusal(54, &[33]), style);
    assert_eq!(refusal(55, &[9]), style);
    assert_eq!(refusal(55, &[5, 4]), style);
    assert!(matches!(refusal(57, &[0xC0]), Broken::Unsupported(_)));
    assert_eq!(refusal(58, &[2]), style);
    assert_eq!(
        refusal(50, &[5]),
        Broken::Corrupt("a progression order that is none")
    );
    assert_eq!(refusal(51, &[0, 0]), style);
    assert_eq!(
        refusal(64, &[0x43]),
        Broken::Corrupt("an unknown quantisation")
    );
    // Tile, length, and number of a tile-part.
    let part = whole.windows(2).position(|w| w == [0xFF, 0x90]).unwrap();
    let other = Broken::Corrupt("a tile that is not part of the picture");
    assert_eq!(refusal(part + 4, &[0, 1]), other);
    assert_eq!(refusal(part + 6, &[0, 0, 1, 0]), Broken::Cut);
    assert_eq!(
        refusal(part + 10, &[1]),
        Broken::Corrupt("tile-parts out of order")
    );
}
