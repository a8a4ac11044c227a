//! The pages of a database whose structure is damaged: each page that is as it was written is read for itself.
//!
//! SQLCipher 4 seals every page (4,096 bytes: AES-256 in CBC mode, then 16 bytes of initial vector, then HMAC-SHA512 over
//! both and the number of the page), so a page tells whether it is as it was written without any other. What leads to a
//! row need not be readable: rows lie in leaves of tables and in all pages of tables without row ids, and their columns
//! say of which table they are. Where the first page is gone, SQLite itself reads nothing.
//!
//! Must stay true: nothing is taken from a page that does not prove itself. Freed pages hold nothing (`secure_delete`),
//! so no row comes back that was deleted.

use super::{StoreError, database};
use crate::store::key::StoreKey;
use aes::{
    Aes256,
    cipher::{Block, BlockCipherDecrypt as _},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::pbkdf2_hmac;
use rusqlite::{Connection, params_from_iter, types::Value};
use sha2::Sha512;
use std::{collections::HashMap, fs, path::Path};
use zeroize::Zeroizing;

const PAGE: usize = 4096;
const VECTOR: usize = 16;
const SEAL: usize = 64;
/// Bytes of a page that the database has for itself.
const USABLE: usize = PAGE - VECTOR - SEAL;
/// What SQLCipher changes in each byte of the salt for the key of the seals, and how often it derives.
const SEAL_MASK: u8 = 0x3A;
const SEAL_ROUNDS: u32 = 2;
/// The largest record that a store writes.
const MOST_BYTES: usize = 1 << 30;

/// Notes that a store keeps.
const NOTES: [&str; 6] = [
    "journal",
    "session",
    "worklists",
    "queue",
    "audit",
    "remembered:",
];

/// Opens single pages.
struct Opener {
    cipher: Aes256,
    seal_key: Zeroizing<[u8; 32]>,
}

impl Opener {
    fn new(key: &StoreKey) -> Self {
        let raw = database::raw_key(key);
        let mut seal_key = Zeroizing::new([0; 32]);
        let salt = database::salt(key).map(|byte| byte ^ SEAL_MASK);
        pbkdf2_hmac::<Sha512>(raw.as_slice(), &salt, SEAL_ROUNDS, seal_key.as_mut_slice());
        Self {
            cipher: Aes256::new((&*raw).into()),
            seal_key,
        }
    }

    /// What a page holds, where it is as it was written; pages count from 1.
    fn open(&self, page: &[u8], number: u32) -> Option<Vec<u8>> {
        // The first page begins with the salt of the file.
        let begin = if number == 1 { VECTOR } else { 0 };
        let sealed = page.get(begin..USABLE + VECTOR)?;
        let seal = page.get(USABLE + VECTOR..PAGE)?;
        let mut mac = Hmac::<Sha512>::new_from_slice(self.seal_key.as_slice()).ok()?;
        mac.update(sealed);
        mac.update(&number.to_le_bytes());
        mac.verify_slice(seal).ok()?;
        let (text, vector) = sealed.split_at_checked(USABLE - begin)?;
        let mut out = vec![0; begin];
        let mut before: [u8; 16] = vector.try_into().ok()?;
        for sealed in text.chunks_exact(16) {
            let sealed: [u8; 16] = sealed.try_into().ok()?;
            let mut block = Block::<Aes256>::from(sealed);
            self.cipher.decrypt_block(&mut block);
            out.extend(block.iter().zip(before).map(|(byte, with)| byte ^ with));
            before = sealed;
        }
        Some(out)
    }
}

/// A number of SQLite of one to nine bytes, and where the next thing begins.
fn varint(bytes: &[u8], mut at: usize) -> Option<(i64, usize)> {
    let mut value = 0u64;
    for place in 0..9 {
        let byte = *bytes.get(at)?;
        at += 1;
        if place == 8 {
            value = (value << 8) | u64::from(byte);
            break;
        }
        value = (value << 7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((value.cast_signed(), at))
}

fn size(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (value, at) = varint(bytes, at)?;
    Some((
        usize::try_from(value).ok().filter(|v| *v <= MOST_BYTES)?,
        at,
    ))
}

fn big_endian(bytes: &[u8]) -> i64 {
    let sign = bytes.first().is_some_and(|b| b & 0x80 != 0);
    let begin = if sign { -1 } else { 0 };
    bytes
        .iter()
        .fold(begin, |value: i64, byte| (value << 8) | i64::from(*byte))
}

/// The columns of a record; nothing where it has another form.
fn columns(record: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = size(record, 0)?;
    let mut data = header;
    let mut out = Vec::new();
    while at < header {
        let (kind, next) = size(record, at)?;
        at = next;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let bytes = record.get(data..data.checked_add(length)?)?;
        data += length;
        out.push(match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(big_endian(bytes)),
            7 => Value::Real(f64::from_bits(big_endian(bytes).cast_unsigned())),
            _ if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
        });
    }
    (data == record.len()).then_some(out)
}

/// All pages that prove themselves, by number.
struct Pages(HashMap<u32, Vec<u8>>);

impl Pages {
    fn read(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let bytes = match fs::read(path) {
            // A database that is gone has no pages.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(StoreError::io("reading the damaged database"))?,
        };
        let opener = Opener::new(key);
        let pages = (1u32..).zip(bytes.chunks_exact(PAGE));
        Ok(Self(
            pages
                .filter_map(|(number, page)| Some((number, opener.open(page, number)?)))
                .collect(),
        ))
    }

    /// A record of which so many bytes lie in a page, the others in pages of their own, one leading to the next.
    fn whole(&self, page: &[u8], at: usize, bytes: usize, most: usize) -> Option<Vec<u8>> {
        if bytes <= most {
            return Some(page.get(at..at + bytes)?.to_vec());
        }
        let least = (USABLE - 12) * 32 / 255 - 23;
        let fitting = least + (bytes - least) % (USABLE - 4);
        let local = if fitting <= most { fitting } else { least };
        let mut out = page.get(at..at + local)?.to_vec();
        let link = |bytes: &[u8], at: usize| {
            let link = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(link))
        };
        let mut next = link(page, at + local)?;
        while out.len() < bytes {
            let more = self.0.get(&next)?;
            next = link(more, 0)?;
            out.extend(more.get(4..)?.iter().take(bytes - out.len()));
        }
        Some(out)
    }

    /// Hands out the records of one page, with their row ids where they have one.
    fn records(&self, number: u32, page: &[u8], take: &mut dyn FnMut(Option<i64>, Vec<Value>)) {
        let begin = if number == 1 { 100 } else { 0 };
        let kind = page.get(begin).copied().unwrap_or_default();
        // Leaves of tables; leaves and inner pages of indexes, of which tables without row ids are made.
        let (cells, child) = match kind {
            0x0D | 0x0A => (begin + 8, 0),
            0x02 => (begin + 12, 4),
            _ => return,
        };
        let most = match kind {
            0x0D => USABLE - 35,
            _ => (USABLE - 12) * 64 / 255 - 23,
        };
        let short = |at: usize| {
            let bytes = page.get(at..at + 2)?.try_into().ok()?;
            Some(usize::from(u16::from_be_bytes(bytes)))
        };
        for cell in 0..short(begin + 3).unwrap_or_default() {
            let record = || {
                let (bytes, at) = size(page, short(cells + 2 * cell)? + child)?;
                let (row, at) = match kind {
                    0x0D => varint(page, at).map(|(row, at)| (Some(row), at))?,
                    _ => (None, at),
                };
                Some((row, columns(&self.whole(page, at, bytes, most)?)?))
            };
            if let Some((row, columns)) = record() {
                take(row, columns);
            }
        }
    }
}

/// The table of a record, and its columns as they are inserted.
fn placed(row: Option<i64>, mut columns: Vec<Value>) -> Option<(&'static str, Vec<Value>)> {
    let form: String = columns
        .iter()
        .map(|value| match value {
            Value::Null => 'n',
            Value::Integer(_) => 'i',
            Value::Real(_) => 'r',
            Value::Text(_) => 't',
            Value::Blob(_) => 'b',
        })
        .collect();
    let table = match (row, form.as_str()) {
        (Some(_), "ttttt") => return Some(("resource", columns)),
        (Some(_), "nttttttti") => "subject",
        (Some(_), "nittttt") => "study",
        (Some(_), "nittitt" | "nittntt") => "series",
        (None, "ttttt") => return Some(("patient", columns)),
        (None, "bittitii" | "bittntii") => return Some(("instance", columns)),
        (None, "ttt") => return Some(("account", columns)),
        (None, "tb") => {
            // The index of files by UID has the same form.
            let Some(Value::Text(name)) = columns.first() else {
                return None;
            };
            let known = NOTES.iter().any(|note| name.starts_with(note));
            return known.then_some(("meta", columns));
        }
        // The index that keeps subjects apart has all that the table has.
        (None, "tttttttii") => {
            let row = columns.pop()?;
            columns.insert(0, row);
            return Some(("subject", columns));
        }
        _ => return None,
    };
    if let (Some(row), Some(first)) = (row, columns.first_mut()) {
        *first = Value::Integer(row);
    }
    Some((table, columns))
}

/// Takes over every row that a page that is as it was written has and that is not there yet; how many those were.
///
/// Columns are named, so tables of which a later version has more columns fill as they did when it came.
pub(super) fn take_over(
    path: &Path,
    key: &StoreKey,
    fresh: &Connection,
) -> Result<u64, StoreError> {
    let pages = Pages::read(path, key)?;
    let mut numbers: Vec<u32> = pages.0.keys().copied().collect();
    numbers.sort_unstable();
    let transaction = fresh.unchecked_transaction()?;
    let (mut count, mut refused) = (0, None);
    for number in numbers {
        let Some(page) = pages.0.get(&number) else {
            continue;
        };
        pages.records(number, page, &mut |row, columns| {
            let Some((table, values)) = placed(row, columns) else {
                return;
            };
            let places = vec!["?"; values.len()].join(", ");
            let sql = format!("INSERT OR IGNORE INTO {table} VALUES ({places})");
            let kept = transaction
                .prepare_cached(&sql)
                .and_then(|mut insert| insert.execute(params_from_iter(values)));
            match kept {
                Ok(new) => count += new as u64,
                Err(error) => refused = Some(error),
            }
        });
    }
    if let Some(error) = refused {
        return Err(error.into());
    }
    transaction.commit()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_without_what_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let key = StoreKey::random().unwrap();
        let database = database::connect(&path, &key, true).unwrap();
        let long = |n: usize| "x".repeat(n * 37 % 9000);
        for n in 0..400 {
            let insert = "INSERT INTO resource VALUES (?1, 'Condition', ?2, '', ?3)";
            let id = format!("c{n}");
            database
                .execute(insert, [&format!("p{}", n % 9), &id, &long(n)])
                .unwrap();
            let insert = "INSERT INTO patient VALUES (?1, ?2, '王', '', 'now')";
            database
                .execute(insert, [&format!("p{n}"), &long(n % 7)])
                .unwrap();
            let insert = "INSERT INTO subject VALUES (?1, ?2, '', '', ?2, '', '', '', 1)";
            database
                .execute(insert, rusqlite::params![n as i64 - 200, id])
                .unwrap();
            let insert = "INSERT INTO study VALUES (?1, ?1, ?2, '', '', '', '')";
            database
                .execute(insert, rusqlite::params![n as i64 - 200, id])
                .unwrap();
            let insert = "INSERT INTO series VALUES (?1, ?1, ?2, 'CT', ?3, '', '')";
            let number = (n % 3 > 0).then_some(n as i64 * 1000);
            database
                .execute(insert, rusqlite::params![n as i64 - 200, id, number])
                .unwrap();
            let insert = "INSERT INTO instance VALUES (?1, ?2, '', ?3, ?4, '', 1, 300)";
            let place = format!("/{n}/{}", long(n % 11)).into_bytes();
            let values = rusqlite::params![place, n as i64 - 200, id, number];
            database.execute(insert, values).unwrap();
        }
        database
            .execute("DELETE FROM resource WHERE id = 'c7'", [])
            .unwrap();
        database::set_meta(&database, "worklists", long(201).as_bytes()).unwrap();
        database
            .execute("INSERT INTO account VALUES ('Lee', 'reader', 'now')", [])
            .unwrap();
        database::checkpoint(&database).unwrap();
        let all = |database: &Connection| -> Vec<String> {
            let tables = [
                "resource", "patient", "subject", "study", "series", "instance", "account", "meta",
            ];
            let mut rows = Vec::new();
            for table in tables {
                let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
                let width = statement.column_count();
                let mut found = statement.query([]).unwrap();
                while let Some(row) = found.next().unwrap() {
                    let row: Vec<Value> = (0..width).map(|c| row.get(c).unwrap()).collect();
                    rows.push(format!("{table} {row:?}"));
                }
            }
            rows.sort();
            rows
        };
        let expected = all(&database);
        drop(database);
        let mut bytes = fs::read(&path).unwrap();
        let harm = |bytes: &mut Vec<u8>, page: usize| bytes[page * PAGE + 1000] ^= 1;
        // The first page leads to all others.
        harm(&mut bytes, 0);
        let harmed = folder.path().join("harmed.db");
        fs::write(&harmed, &bytes).unwrap();
        let fresh = |name: &str| {
            let database = database::connect(&folder.path().join(name), &key, true).unwrap();
            database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
            database
        };
        let first = fresh("first.db");
        let count = take_over(&harmed, &key, &first).unwrap();
        assert_eq!(count as usize, expected.len());
        assert_eq!(all(&first), expected);
        // Another page costs what lies in it, and nothing is made up.
        for page in (3..bytes.len() / PAGE).step_by(11) {
            let mut bytes = bytes.clone();
            harm(&mut bytes, page);
            fs::write(&harmed, &bytes).unwrap();
            let other = fresh(&format!("{page}.db"));
            take_over(&harmed, &key, &other).unwrap();
            let left = all(&other);
            assert!(left.iter().all(|row| expected.binary_search(row).is_ok()));
            assert!(
                left.len() + 250 > expected.len(),
                "page {page}: {}",
                left.len()
            );
        }
        // Another key opens nothing.
        let other = fresh("other.db");
        assert_eq!(
            take_over(&harmed, &StoreKey::random().unwrap(), &other).unwrap(),
            0
        );
    }
}
