//! The lossless process with Huffman coding (T.81 annex H, process 14).
//!
//! A row of differences is read first and then turned into samples: reading is bound by the chain of codes,
//! prediction by a chain of additions, and each loop stays small.

use super::{
    Header, Scan, Tables, corrupt,
    huffman::{Bits, Broken, Entropy, Meaning, Pairs, Table},
    unsupported,
};
use crate::dicom::guard::Fault;

/// A lossless picture: its values go to the output as they come.
#[derive(Debug)]
pub(super) struct Frame {
    precision: u8,
    rows: usize,
    columns: usize,
    /// Which components a scan has brought.
    done: Vec<bool>,
}

/// Pictures of fewer values are not worth a table of pairs.
const WORTH_PAIRS: usize = 1 << 15;

/// One component of a scan.
#[derive(Debug)]
struct Channel {
    place: usize,
    table: Table,
    row: Vec<u16>,
    above: Vec<u16>,
}

impl Frame {
    pub(super) fn new(header: &Header) -> Result<Self, Fault> {
        let several = header.components.len() > 1;
        if several && header.sampling() != (1, 1) {
            return Err(unsupported("subsampling in a lossless JPEG picture"));
        }
        Ok(Self {
            precision: header.precision,
            rows: usize::from(header.rows),
            columns: usize::from(header.columns),
            done: vec![false; header.components.len()],
        })
    }

    /// Decodes a scan into its components of `out`; whether all components are there now.
    pub(super) fn scan(
        &mut self,
        scan: &Scan,
        tables: &Tables,
        entropy: &Entropy,
        out: &mut [u8],
    ) -> Result<bool, Fault> {
        let predict: fn(&mut [u16], &[u16]) = match scan.start {
            1 => predict::<1>,
            2 => predict::<2>,
            3 => predict::<3>,
            4 => predict::<4>,
            5 => predict::<5>,
            6 => predict::<6>,
            7 => predict::<7>,
            _ => return Err(corrupt("a lossless scan without a predictor")),
        };
        if scan.low >= self.precision {
            return Err(corrupt("a point transform that leaves no bits"));
        }
        let mut channels = Vec::new();
        for &(place, table, _) in &scan.components {
            match self.done.get_mut(place) {
                Some(done) if !*done => *done = true,
                _ => return Err(corrupt("a component that comes twice")),
            }
            channels.push(Channel {
                place,
                table: tables.table(table, Meaning::Lossless)?,
                row: vec![0; self.columns],
                above: vec![0; self.columns],
            });
        }
        // An interval is a whole number of lines (H.1.1), which lets prediction begin anew at a line's start.
        if !tables.restart.is_multiple_of(self.columns) {
            return Err(unsupported(
                "a restart interval within a line of a lossless picture",
            ));
        }
        let lines = match tables.restart / self.columns {
            0 => self.rows,
            lines => lines,
        };
        let pairs = self.pairs(scan, tables, entropy, &channels);
        let mut mixed = vec![
            0;
            if pairs.is_some() {
                self.columns * channels.len()
            } else {
                0
            }
        ];
        let middle = 1 << (self.precision - scan.low - 1);
        let width = self.done.len() * if self.precision <= 8 { 1 } else { 2 };
        let bands = out.chunks_mut((self.columns * width).saturating_mul(lines).max(1));
        for (index, band) in bands.enumerate() {
            let mut bits = entropy.interval(index)?;
            for (line, target) in band.chunks_exact_mut(self.columns * width).enumerate() {
                match &pairs {
                    Some(pairs) => read_pairs(&mut bits, pairs, &mut channels, &mut mixed)?,
                    None => read_line(&mut bits, &mut channels)?,
                }
                for channel in &mut channels {
                    if line == 0 {
                        predict_first(&mut channel.row, middle);
                    } else {
                        predict(&mut channel.row, &channel.above);
                    }
                    self.write(&channel.row, scan.low, channel.place, target)?;
                    std::mem::swap(&mut channel.row, &mut channel.above);
                }
            }
        }
        Ok(self.done.iter().all(|done| *done))
    }

    /// Differences by twos, if they are short enough for that on average and all components use one code.
    fn pairs(
        &self,
        scan: &Scan,
        tables: &Tables,
        entropy: &Entropy,
        channels: &[Channel],
    ) -> Option<Pairs> {
        let values = self.rows * self.columns * channels.len();
        let codes = |table: usize| tables.dc.get(table);
        let mut used = scan.components.iter().map(|(_, table, _)| codes(*table));
        let first = used.next()?;
        let short = entropy.len() < values / 8 * 6;
        let worth = short && values >= WORTH_PAIRS && used.all(|other| other == first);
        worth.then(|| channels.first().map(|c| Pairs::new(&c.table)))?
    }

    /// Writes a row of one component; the point transform is undone here (H.2.2 multiplies by 2 to the Pt).
    fn write(&self, row: &[u16], shift: u8, place: usize, target: &mut [u8]) -> Result<(), Broken> {
        let count = self.done.len();
        let shift = u32::from(shift);
        if self.precision <= 8 {
            let all = row.iter().fold(0, |all, value| all | value);
            if all.wrapping_shl(shift) > 255 || all > 255 {
                return Err(Broken::Range);
            }
            let places = target.iter_mut().skip(place).step_by(count);
            places
                .zip(row)
                .for_each(|(to, value)| *to = value.wrapping_shl(shift) as u8);
            return Ok(());
        }
        let (pairs, _) = target.as_chunks_mut::<2>();
        if count == 1 {
            let places = pairs.iter_mut().zip(row);
            places.for_each(|(to, value)| *to = value.wrapping_shl(shift).to_le_bytes());
        } else {
            let places = pairs.iter_mut().skip(place).step_by(count);
            places
                .zip(row)
                .for_each(|(to, value)| *to = value.wrapping_shl(shift).to_le_bytes());
        }
        Ok(())
    }
}

/// Reads the differences of one line of all components.
fn read_line(bits: &mut Bits<'_>, channels: &mut [Channel]) -> Result<(), Broken> {
    match channels {
        [one] => read_one(bits, &one.table, &mut one.row)?,
        [a, b, c] => {
            let rows = a.row.iter_mut().zip(&mut b.row).zip(&mut c.row);
            for ((first, second), third) in rows {
                bits.refill();
                *first = bits.difference(&a.table)?;
                *second = bits.difference(&b.table)?;
                bits.refill();
                *third = bits.difference(&c.table)?;
            }
        }
        _ => {
            let columns = channels.first().map_or(0, |c| c.row.len());
            for column in 0..columns {
                for channel in channels.iter_mut() {
                    bits.refill();
                    if let Some(place) = channel.row.get_mut(column) {
                        *place = bits.difference(&channel.table)?;
                    }
                }
            }
        }
    }
    bits.check()
}

/// Reads the differences of one line of all components, which share one code.
fn read_pairs(
    bits: &mut Bits<'_>,
    pairs: &Pairs,
    channels: &mut [Channel],
    mixed: &mut [u16],
) -> Result<(), Broken> {
    match channels {
        [one] => *bits = bits.differences(&one.table, pairs, &mut one.row)?,
        [first, ..] => {
            *bits = bits.differences(&first.table, pairs, mixed)?;
            let count = channels.len();
            for (place, channel) in channels.iter_mut().enumerate() {
                let own = mixed.iter().skip(place).step_by(count);
                channel.row.iter_mut().zip(own).for_each(|(to, v)| *to = *v);
            }
        }
        [] => {}
    }
    bits.check()
}

/// Two differences fit into what one refill brings: 12 bits of code and 15 more each. Longer ones refill themselves.
fn read_one(bits: &mut Bits<'_>, table: &Table, row: &mut [u16]) -> Result<(), Broken> {
    let mut own = *bits;
    let (pairs, last) = row.as_chunks_mut::<2>();
    for [first, second] in pairs {
        own.refill();
        *first = own.difference(table)?;
        *second = own.difference(table)?;
    }
    for place in last {
        own.refill();
        *place = own.difference(table)?;
    }
    *bits = own;
    Ok(())
}

/// The first line of the scan or of a restart interval: the middle of the range, then the left neighbour (H.1.2.1).
fn predict_first(row: &mut [u16], middle: u16) {
    let mut left = middle;
    for value in row {
        left = left.wrapping_add(*value);
        *value = left;
    }
}

/// Any other line: the neighbour above at its start, then the predictor of table H.1. Sums are modulo 65536; Ra is
/// the left neighbour, Rb the one above, Rc the one above to the left.
fn predict<const PREDICTOR: u8>(row: &mut [u16], above: &[u16]) {
    let (Some((first, rest)), Some((&up, ups))) = (row.split_first_mut(), above.split_first())
    else {
        return;
    };
    *first = first.wrapping_add(up);
    let mut ra = *first;
    let mut rc = up;
    let half = |a: u16, b: u16| (i32::from(a).wrapping_sub(i32::from(b)) >> 1) as u16;
    for (value, &rb) in rest.iter_mut().zip(ups) {
        let prediction = match PREDICTOR {
            1 => ra,
            2 => rb,
            3 => rc,
            4 => ra.wrapping_add(rb.wrapping_sub(rc)),
            5 => ra.wrapping_add(half(rb, rc)),
            6 => rb.wrapping_add(half(ra, rc)),
            _ => (u32::from(ra).wrapping_add(u32::from(rb)) >> 1) as u16,
        };
        ra = prediction.wrapping_add(*value);
        rc = rb;
        *value = ra;
    }
}
