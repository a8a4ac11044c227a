//! Opening encrypted members: the traditional cipher of PKZIP (APPNOTE 6.1), and AES as WinZip writes it (AE-1, AE-2).
//!
//! Must stay true: a wrong passphrase is told apart from damage as well as the method allows. The traditional cipher
//! has one byte to tell by, AES two, and behind these a code over the whole member.

use crate::model::{archive::Lock, passphrase::Passphrase};
use aes::{Aes128, Aes192, Aes256};
use ctr::{
    Ctr128LE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use zeroize::Zeroizing;

/// Bytes before the data of a member under the traditional cipher.
const HEADER: usize = 12;

/// Bytes of the code behind a member under AES.
const CODE: usize = 10;

/// Rounds of the key derivation, fixed by the format.
const ROUNDS: u32 = 1000;

/// Why a passphrase does not open a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It is another passphrase.
    Wrong,
    /// It is the right one, and the member was changed.
    Damaged,
}

/// Bytes that encryption adds to a member.
pub(super) const fn overhead(lock: Lock) -> usize {
    match lock {
        Lock::Traditional { .. } => HEADER,
        Lock::Aes { key_bytes } => salt_bytes(key_bytes) + 2 + CODE,
    }
}

const fn salt_bytes(key_bytes: u8) -> usize {
    key_bytes as usize / 2
}

/// Decrypts a member where it lies; the data is the part of the buffer that comes back.
pub(super) fn open<'a>(
    lock: Lock,
    bytes: &'a mut [u8],
    passphrase: &Passphrase,
) -> Result<&'a mut [u8], Closed> {
    match lock {
        Lock::Traditional { check } => open_traditional(bytes, passphrase.bytes(), check),
        Lock::Aes { key_bytes } => open_aes(bytes, passphrase.bytes(), key_bytes),
    }
}

/// The CRC-32 of one byte after another, without the inversions at the ends: what the traditional cipher mixes with.
const TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

const fn mix(sum: u32, byte: u8) -> u32 {
    TABLE[((sum ^ byte as u32) & 0xFF) as usize] ^ (sum >> 8)
}

/// The three keys of the traditional cipher.
struct Keys(Zeroizing<[u32; 3]>);

impl Keys {
    fn new(passphrase: &[u8]) -> Self {
        let mut keys = Self(Zeroizing::new([0x1234_5678, 0x2345_6789, 0x3456_7890]));
        passphrase.iter().for_each(|byte| keys.update(*byte));
        keys
    }

    fn update(&mut self, byte: u8) {
        let [a, b, c] = *self.0;
        let a = mix(a, byte);
        let b = b
            .wrapping_add(a & 0xFF)
            .wrapping_mul(134_775_813)
            .wrapping_add(1);
        *self.0 = [a, b, mix(c, (b >> 24) as u8)];
    }

    fn decrypt(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let mask = (self.0[2] | 2) & 0xFFFF;
            *byte ^= (mask.wrapping_mul(mask ^ 1) >> 8) as u8;
            self.update(*byte);
        }
    }
}

fn open_traditional<'a>(
    bytes: &'a mut [u8],
    passphrase: &[u8],
    check: u8,
) -> Result<&'a mut [u8], Closed> {
    let (header, data) = bytes.split_at_mut_checked(HEADER).ok_or(Closed::Damaged)?;
    let mut keys = Keys::new(passphrase);
    // The header is needed again when this is not the passphrase.
    let mut first: [u8; HEADER] = [0; HEADER];
    first.copy_from_slice(header);
    keys.decrypt(&mut first);
    if first[HEADER - 1] != check {
        return Err(Closed::Wrong);
    }
    keys.decrypt(data);
    Ok(data)
}

fn open_aes<'a>(
    bytes: &'a mut [u8],
    passphrase: &[u8],
    key_bytes: u8,
) -> Result<&'a mut [u8], Closed> {
    let (salt, rest) = bytes
        .split_at_mut_checked(salt_bytes(key_bytes))
        .ok_or(Closed::Damaged)?;
    let (verifier, rest) = rest.split_at_mut_checked(2).ok_or(Closed::Damaged)?;
    let length = rest.len().checked_sub(CODE).ok_or(Closed::Damaged)?;
    let (data, code) = rest.split_at_mut_checked(length).ok_or(Closed::Damaged)?;
    let size = usize::from(key_bytes);
    let mut derived = Zeroizing::new([0u8; 32 + 32 + 2]);
    let derived = derived.get_mut(..size * 2 + 2).ok_or(Closed::Damaged)?;
    pbkdf2_hmac::<Sha1>(passphrase, salt, ROUNDS, derived);
    let (key, others) = derived.split_at(size);
    let (code_key, check) = others.split_at(size);
    if check != verifier {
        return Err(Closed::Wrong);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(code_key).map_err(|_| Closed::Damaged)?;
    mac.update(data);
    // Compared in constant time.
    mac.verify_truncated_left(code)
        .map_err(|_| Closed::Damaged)?;
    match key_bytes {
        16 => count_over::<Ctr128LE<Aes128>>(key, data)?,
        24 => count_over::<Ctr128LE<Aes192>>(key, data)?,
        _ => count_over::<Ctr128LE<Aes256>>(key, data)?,
    }
    Ok(data)
}

/// The counter begins at one and is written in little endian, unlike anywhere else.
fn count_over<C: KeyIvInit + StreamCipher>(key: &[u8], data: &mut [u8]) -> Result<(), Closed> {
    let mut cipher = C::new_from_slices(key, &1u128.to_le_bytes()).map_err(|_| Closed::Damaged)?;
    cipher
        .try_apply_keystream(data)
        .map_err(|_| Closed::Damaged)
}
