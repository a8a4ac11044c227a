//! The coefficients of one block as their scans code them (T.81 F.2.2 and G.1.2).

use super::{
    huffman::{Bits, Broken, Table},
    idct::Block,
};

/// For each place in zigzag order the place in the block (A.3.6). The other half is only seen by runs that are
/// refused right after.
const ZIGZAG: [u8; 128] = {
    let mut order = [63; 128];
    let (mut x, mut y, mut place) = (0i32, 0i32, 0);
    let mut up = true;
    while place < 64 {
        order[place] = (y * 8 + x) as u8;
        place += 1;
        let (ahead, back) = if up {
            (&mut x, &mut y)
        } else {
            (&mut y, &mut x)
        };
        // Along the diagonal, and around the corner at a border.
        if *ahead == 7 {
            *back += 1;
            up = !up;
        } else if *back == 0 {
            *ahead += 1;
            up = !up;
        } else {
            *ahead += 1;
            *back -= 1;
        }
    }
    order
};

/// The part of a coefficient's bits that a progressive scan brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) low: u32,
    pub(super) refine: bool,
}

/// Steps with the place of the coefficient, in zigzag order.
pub(super) fn ordered(steps: &[u16; 64]) -> [(u16, u8); 128] {
    let mut order = ZIGZAG.map(|place| (1, place));
    order
        .iter_mut()
        .zip(steps)
        .for_each(|(to, step)| to.0 = *step);
    order
}

/// No sample of 8 or 12 bits needs a coefficient of more than 16.
#[inline(always)]
pub(super) fn dequantized(value: i32, step: i32) -> i16 {
    value.wrapping_mul(step).clamp(-32768, 32767) as i16
}

/// Reads a block (F.2.2.1, F.2.2.2); the place of its last coefficient in zigzag order.
#[inline(always)]
pub(super) fn read_block(
    bits: &mut Bits<'_>,
    dc: &Table,
    ac: &Table,
    prediction: &mut i32,
    steps: &[(u16, u8); 128],
    block: &mut Block,
) -> Result<usize, Broken> {
    let mut own = *bits;
    own.refill();
    let difference = own.symbol(dc)?.value();
    *prediction = prediction.wrapping_add(difference);
    block[0] = dequantized(*prediction, i32::from(steps[0].0));
    let mut k = 0;
    'block: loop {
        own.refill();
        // As many symbols as one refill is good for.
        for _ in 0..2 {
            let symbol = own.symbol(ac)?;
            let run = symbol.run() as usize;
            if symbol.is_zero() {
                match run {
                    0 => break 'block,
                    15 => k += 16,
                    _ => return Err(Broken::Code),
                }
            } else {
                k += run + 1;
                let (step, place) = steps[k & 127];
                block[usize::from(place & 63)] = dequantized(symbol.value(), i32::from(step));
            }
            if k >= 63 {
                break 'block;
            }
        }
    }
    *bits = own;
    if k > 63 {
        return Err(Broken::Run);
    }
    Ok(k)
}

/// A band's first scan (G.1.2.2).
pub(super) fn first_ac(
    bits: &mut Bits<'_>,
    table: &Table,
    band: Band,
    passing: &mut u32,
    block: &mut Block,
) -> Result<(), Broken> {
    if *passing > 0 {
        *passing -= 1;
        return Ok(());
    }
    let mut own = *bits;
    let mut k = band.start;
    while k <= band.end {
        own.need();
        let symbol = own.symbol(table)?;
        let run = symbol.run();
        if symbol.is_zero() {
            if run < 15 {
                // Of the run of blocks, this one is the first.
                *passing = (1 << run) - 1 + own.take(run);
                break;
            }
            k += 16;
            continue;
        }
        k += run as usize;
        if k > band.end {
            return Err(Broken::Run);
        }
        let value = symbol.value().wrapping_shl(band.low) as i16;
        block[usize::from(ZIGZAG[k & 63] & 63)] = value;
        k += 1;
    }
    if k > band.end + 1 {
        return Err(Broken::Run);
    }
    *bits = own;
    Ok(())
}

/// A band's later scans, each one bit lower (G.1.2.3): coefficients that are known get a bit each on the way, and
/// runs count only those that are still zero.
pub(super) fn refine_ac(
    bits: &mut Bits<'_>,
    table: &Table,
    band: Band,
    passing: &mut u32,
    block: &mut Block,
) -> Result<(), Broken> {
    if *passing > 0 {
        // Most blocks of a run have nothing to refine; that is seen faster at once than place by place.
        let [_, others @ ..] = &*block;
        if others.iter().fold(0, |any, c| any | c) == 0 {
            *passing -= 1;
            return Ok(());
        }
    }
    let bit = 1i16 << band.low;
    let mut own = *bits;
    let mut places = ZIGZAG.iter().take(band.end + 1).skip(band.start);
    while *passing == 0 {
        if places.len() == 0 {
            *bits = own;
            return Ok(());
        }
        own.need();
        let symbol = own.symbol(table)?;
        let mut run = symbol.run();
        let value = match symbol.category() {
            0 if run < 15 => {
                *passing = (1 << run) + own.take(run);
                break;
            }
            0 => 0,
            1 if symbol.value() > 0 => bit,
            1 => -bit,
            _ => return Err(Broken::Code),
        };
        let mut placed = false;
        for place in places.by_ref() {
            let coefficient = &mut block[usize::from(place & 63)];
            if *coefficient != 0 {
                refine(&mut own, coefficient, bit);
            } else if run == 0 {
                *coefficient = value;
                placed = true;
                break;
            } else {
                run -= 1;
            }
        }
        if !placed {
            return Err(Broken::Run);
        }
    }
    for place in places {
        let coefficient = &mut block[usize::from(place & 63)];
        if *coefficient != 0 {
            refine(&mut own, coefficient, bit);
        }
    }
    *passing -= 1;
    *bits = own;
    Ok(())
}

#[inline(always)]
fn refine(bits: &mut Bits<'_>, coefficient: &mut i16, bit: i16) {
    // Away from zero, by masks: neither the bit nor the sign can be guessed.
    let set = bit & i16::from(bits.bit()).wrapping_neg();
    let negative = *coefficient >> 15;
    *coefficient = coefficient.wrapping_add((set ^ negative).wrapping_sub(negative));
}
