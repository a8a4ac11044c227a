//! Apache Parquet, writing only: the columns of a table for programs that count in many of them.
//!
//! What is written is the plain core of the format (parquet.thrift, format version 1): one data page of version 1 a
//! column and row group, encoding PLAIN, definition levels RLE/bit-packed, each page a gzip member or as it is; footer in
//! Thrift's compact protocol. No dictionaries, no statistics, no nesting. Same table, same bytes.

use flate2::{Compression, GzBuilder};
use std::io::{self, Write};

/// Most rows of a row group.
pub const GROUP_ROWS: usize = 1 << 16;

/// The values of a column; every one may be absent.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Text, UTF-8.
    Text(Vec<Option<String>>),
    /// Floating-point numbers of 64 bits.
    Double(Vec<Option<f64>>),
    /// Whole numbers of 64 bits.
    Integer(Vec<Option<i64>>),
    /// Days since 1970-01-01.
    Day(Vec<Option<i32>>),
    /// True or false.
    Truth(Vec<Option<bool>>),
}

impl Values {
    /// How many rows.
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Double(v) => v.len(),
            Self::Integer(v) => v.len(),
            Self::Day(v) => v.len(),
            Self::Truth(v) => v.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Physical type (`Type` of parquet.thrift).
    const fn physical(&self) -> i64 {
        match self {
            Self::Truth(_) => 0,
            Self::Day(_) => 1,
            Self::Integer(_) => 2,
            Self::Double(_) => 5,
            Self::Text(_) => 6,
        }
    }

    /// Definition levels and plain values of some rows.
    fn page(&self, rows: std::ops::Range<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Text(v) => put(&mut out, v.get(rows).unwrap_or_default(), |out, text| {
                out.extend((text.len() as u32).to_le_bytes());
                out.extend(text.as_bytes());
            }),
            Self::Double(v) => put(&mut out, v.get(rows).unwrap_or_default(), |out, number| {
                out.extend(number.to_le_bytes());
            }),
            Self::Integer(v) => put(&mut out, v.get(rows).unwrap_or_default(), |out, number| {
                out.extend(number.to_le_bytes());
            }),
            Self::Day(v) => put(&mut out, v.get(rows).unwrap_or_default(), |out, day| {
                out.extend(day.to_le_bytes());
            }),
            Self::Truth(v) => {
                let rows = v.get(rows).unwrap_or_default();
                levels(&mut out, rows.iter().map(Option::is_some));
                let known: Vec<bool> = rows.iter().flatten().copied().collect();
                out.extend(bits(known.into_iter()));
            }
        }
        out
    }
}

fn put<T>(out: &mut Vec<u8>, rows: &[Option<T>], one: impl Fn(&mut Vec<u8>, &T)) {
    levels(out, rows.iter().map(Option::is_some));
    for value in rows.iter().flatten() {
        one(out, value);
    }
}

/// Definition levels of one bit, with their length before them: one run where all are alike, else bit-packed.
fn levels(out: &mut Vec<u8>, there: impl ExactSizeIterator<Item = bool>) {
    let there: Vec<bool> = there.collect();
    let mut run = Vec::new();
    let first = there.first().copied().unwrap_or(true);
    if there.iter().all(|t| *t == first) {
        varint(&mut run, (there.len() as u64) << 1);
        run.push(u8::from(first));
    } else {
        varint(&mut run, (there.len().div_ceil(8) as u64) << 1 | 1);
        run.extend(bits(there.into_iter()));
    }
    out.extend((run.len() as u32).to_le_bytes());
    out.extend(run);
}

/// Bits, the lowest of a byte first.
fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, value) in values.enumerate() {
        if place % 8 == 0 {
            out.push(0);
        }
        if let Some(last) = out.last_mut() {
            *last |= u8::from(value) << (place % 8);
        }
    }
    out
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values,
}

impl Column {
    /// A column.
    pub const fn new(name: &'static str, values: Values) -> Self {
        Self { name, values }
    }
}

/// Writes a table. All columns must be equally long; `notes` are the file's key-value metadata.
///
/// # Errors
/// Those of the writer; `InvalidInput` where columns differ in length or there is none.
pub fn write_table(
    out: &mut impl Write,
    columns: &[Column],
    notes: &[(&str, &str)],
) -> io::Result<()> {
    let rows = columns.first().map_or(0, |c| c.values.len());
    if columns.is_empty() || columns.iter().any(|c| c.values.len() != rows) {
        let sentence = "the columns of a table are equally long";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    }
    out.write_all(b"PAR1")?;
    let mut at = 4;
    let mut groups = Vec::new();
    let mut begin = 0;
    while begin < rows {
        let end = (begin + GROUP_ROWS).min(rows);
        let mut chunks = Vec::new();
        for column in columns {
            let plain = column.values.page(begin..end);
            let mut packed = GzBuilder::new().write(Vec::new(), Compression::new(6));
            packed.write_all(&plain)?;
            let packed = packed.finish()?;
            // A page is far below 2 GiB: rows of a group are few and texts short.
            let header = page_header(plain.len(), packed.len(), end - begin);
            out.write_all(&header)?;
            out.write_all(&packed)?;
            chunks.push(Chunk {
                offset: at,
                plain: header.len() + plain.len(),
                packed: header.len() + packed.len(),
            });
            at += header.len() + packed.len();
        }
        groups.push((end - begin, chunks));
        begin = end;
    }
    let footer = footer(columns, rows, &groups, notes);
    out.write_all(&footer)?;
    out.write_all(&(footer.len() as u32).to_le_bytes())?;
    out.write_all(b"PAR1")
}

struct Chunk {
    offset: usize,
    plain: usize,
    packed: usize,
}

/// PLAIN and RLE of `Encoding`, GZIP of `CompressionCodec`.
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const GZIP: i64 = 2;

fn page_header(plain: usize, packed: usize, rows: usize) -> Vec<u8> {
    let mut t = Thrift::default();
    t.integer(1, I32, 0);
    t.integer(2, I32, plain as i64);
    t.integer(3, I32, packed as i64);
    t.open(5);
    t.integer(1, I32, rows as i64);
    t.integer(2, I32, PLAIN);
    t.integer(3, I32, RLE);
    t.integer(4, I32, RLE);
    t.close();
    t.close();
    t.out
}

fn footer(
    columns: &[Column],
    rows: usize,
    groups: &[(usize, Vec<Chunk>)],
    notes: &[(&str, &str)],
) -> Vec<u8> {
    let mut t = Thrift::default();
    t.integer(1, I32, 1);
    t.list(2, STRUCT, columns.len() + 1);
    // The root.
    t.begin();
    t.text(4, "schema");
    t.integer(5, I32, columns.len() as i64);
    t.close();
    for column in columns {
        t.begin();
        t.integer(1, I32, column.values.physical());
        // OPTIONAL
        t.integer(3, I32, 1);
        t.text(4, column.name);
        // UTF8 and DATE of ConvertedType, STRING and DATE of LogicalType.
        let kind = match column.values {
            Values::Text(_) => Some((0, 1)),
            Values::Day(_) => Some((6, 6)),
            _ => None,
        };
        if let Some((converted, logical)) = kind {
            t.integer(6, I32, converted);
            t.open(10);
            t.open(logical);
            t.close();
            t.close();
        }
        t.close();
    }
    t.integer(3, I64, rows as i64);
    t.list(4, STRUCT, groups.len());
    for (count, chunks) in groups {
        t.begin();
        t.list(1, STRUCT, chunks.len());
        for (column, chunk) in columns.iter().zip(chunks) {
            t.begin();
            t.integer(2, I64, chunk.offset as i64);
            t.open(3);
            t.integer(1, I32, column.values.physical());
            t.list(2, I32, 2);
            t.item(PLAIN);
            t.item(RLE);
            t.list(3, BINARY, 1);
            t.word(column.name);
            t.integer(4, I32, GZIP);
            t.integer(5, I64, *count as i64);
            t.integer(6, I64, chunk.plain as i64);
            t.integer(7, I64, chunk.packed as i64);
            t.integer(9, I64, chunk.offset as i64);
            t.close();
            t.close();
        }
        let bytes: usize = chunks.iter().map(|c| c.plain).sum();
        t.integer(2, I64, bytes as i64);
        t.integer(3, I64, *count as i64);
        t.close();
    }
    t.list(5, STRUCT, notes.len());
    for (key, value) in notes {
        t.begin();
        t.text(1, key);
        t.text(2, value);
        t.close();
    }
    t.text(
        6,
        concat!("negatoscope version ", env!("CARGO_PKG_VERSION")),
    );
    t.close();
    t.out
}

/// Types of Thrift's compact protocol.
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Thrift's compact protocol. It begins within a struct.
struct Thrift {
    out: Vec<u8>,
    /// The last field of each struct that is open.
    fields: Vec<u8>,
}

impl Default for Thrift {
    fn default() -> Self {
        Self {
            out: Vec::new(),
            fields: vec![0],
        }
    }
}

impl Thrift {
    /// Fields come in order, less than 15 apart.
    fn field(&mut self, number: u8, kind: u8) {
        if let Some(last) = self.fields.last_mut() {
            self.out.push(number.wrapping_sub(*last) << 4 | kind);
            *last = number;
        }
    }

    fn integer(&mut self, number: u8, kind: u8, value: i64) {
        self.field(number, kind);
        self.item(value);
    }

    /// A whole number without a field: zigzag.
    fn item(&mut self, value: i64) {
        varint(&mut self.out, ((value << 1) ^ (value >> 63)) as u64);
    }

    fn text(&mut self, number: u8, text: &str) {
        self.field(number, BINARY);
        self.word(text);
    }

    fn word(&mut self, text: &str) {
        varint(&mut self.out, text.len() as u64);
        self.out.extend(text.as_bytes());
    }

    fn list(&mut self, number: u8, kind: u8, length: usize) {
        self.field(number, LIST);
        match length {
            0..15 => self.out.push((length as u8) << 4 | kind),
            _ => {
                self.out.push(0xF0 | kind);
                varint(&mut self.out, length as u64);
            }
        }
    }

    /// A struct as a field.
    fn open(&mut self, number: u8) {
        self.field(number, STRUCT);
        self.begin();
    }

    /// A struct in a list.
    fn begin(&mut self) {
        self.fields.push(0);
    }

    fn close(&mut self) {
        self.fields.pop();
        self.out.push(0);
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Vec<Column> {
        let some = |n: usize| n % 7 != 3;
        vec![
            Column::new(
                "words",
                Values::Text(
                    (0..rows)
                        .map(|n| some(n).then(|| format!("行 {n}")))
                        .collect(),
                ),
            ),
            Column::new(
                "value",
                Values::Double(
                    (0..rows)
                        .map(|n| some(n + 1).then_some(n as f64 / 3.0))
                        .collect(),
                ),
            ),
            Column::new(
                "count",
                Values::Integer((0..rows).map(|n| Some(-(n as i64) << 33)).collect()),
            ),
            Column::new(
                "day",
                Values::Day(
                    (0..rows)
                        .map(|n| some(n + 2).then_some(n as i32 - 900))
                        .collect(),
                ),
            ),
            Column::new(
                "truth",
                Values::Truth(
                    (0..rows)
                        .map(|n| some(n + 3).then_some(n % 3 == 0))
                        .collect(),
                ),
            ),
        ]
    }

    #[test]
    fn the_file_has_its_marks_and_is_the_same_each_time() {
        for rows in [0, 1, 9, 1000] {
            let write = || {
                let mut out = Vec::new();
                write_table(&mut out, &table(rows), &[("schema", "1")]).unwrap();
                out
            };
            let bytes = write();
            assert_eq!(bytes, write());
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
            let tail = &bytes[bytes.len() - 8..bytes.len() - 4];
            let length = u32::from_le_bytes(tail.try_into().unwrap()) as usize;
            assert!(length + 12 <= bytes.len());
        }
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let mut columns = table(5);
        columns.push(Column::new("more", Values::Truth(vec![None; 4])));
        assert!(write_table(&mut Vec::new(), &columns, &[]).is_err());
        assert!(write_table(&mut Vec::new(), &[], &[]).is_err());
    }

    #[test]
    fn levels_and_numbers_are_those_of_the_format() {
        let mut out = Vec::new();
        // Encodings.md: a run of 10 times 1; then 1,0,1 bit-packed in one group of 8.
        levels(&mut out, [true; 10].into_iter());
        assert_eq!(out, [2, 0, 0, 0, 20, 1]);
        out.clear();
        levels(&mut out, [true, false, true].into_iter());
        assert_eq!(out, [2, 0, 0, 0, 3, 0b101]);
        out.clear();
        varint(&mut out, 300);
        assert_eq!(out, [0xAC, 0x02]);
        let mut t = Thrift::default();
        t.integer(1, I32, -1);
        t.integer(4, I64, 150);
        assert_eq!(t.out, [0x15, 1, 0x36, 0xAC, 0x02]);
    }

    /// Writes a table for readers that nobody here wrote, when told where.
    #[test]
    fn a_table_for_other_readers() {
        if let Some(path) = std::env::var_os("NEGATOSCOPE_PARQUET_OUT") {
            let mut file = std::fs::File::create(path).unwrap();
            write_table(&mut file, &table(200_000), &[("schema", "1")]).unwrap();
        }
    }
}
