//! What headers say, for queries over many patients: the texts and numbers of one file of each series of the index.
//!
//! It is made when a query asks for it first, lies in the database of what is derived, and is made anew for a series
//! whose first file is another one. What cannot be read is counted and tried again the next time.

use super::{Store, StoreError, derived::Derived};
use crate::{
    clinical::cohort::tags::{Said, Wished, is_asked_for},
    dicom::{
        content::elements,
        scan::{ScanOptions, read_structure},
    },
    model::elements::Held,
};
use rusqlite::params;
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

/// Longest value that is kept, bytes: what is longer is no filter.
const LONGEST: usize = 128;
/// Most values of a series.
const MOST: usize = 4000;
/// Series that are read between two writings.
const BATCH: usize = 200;

/// What headers say, by number of the study's row.
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// With the number of the series; those of a series stand together.
    pub by_study: HashMap<i64, Vec<(u32, Said)>>,
    /// Series whose file could not be read.
    pub unread: usize,
}

/// A series of the index with its first file.
struct Series {
    id: i64,
    study: i64,
    path: Vec<u8>,
    bytes: i64,
}

impl Store {
    /// What headers say of these elements; files are read only where something is asked.
    pub(super) fn elements_of(&self, tags: &Wished) -> Result<Elements, StoreError> {
        let mut out = Elements::default();
        if tags.is_empty() {
            return Ok(out);
        }
        let mut derived = self.derived()?;
        self.read_headers(&mut derived)?;
        let connection = derived.facts();
        let unread = "SELECT COUNT(*) FROM tagged WHERE read = 0";
        out.unread = connection.query_row(unread, [], |row| super::database::count(row, 0))?;
        let mut statement = connection.prepare_cached(
            "SELECT tagged.study, tag.series, tag.value FROM tag
             JOIN tagged ON tagged.series = tag.series WHERE tag.tag = ?1",
        )?;
        for tag in tags {
            let mut rows = statement.query([i64::from(*tag)])?;
            while let Some(row) = rows.next()? {
                let series: i64 = row.get(1)?;
                let said = Said {
                    tag: *tag,
                    value: row.get(2)?,
                };
                let series = u32::try_from(series).unwrap_or(u32::MAX);
                let of_study = out.by_study.entry(row.get(0)?).or_default();
                of_study.push((series, said));
            }
        }
        for of_study in out.by_study.values_mut() {
            of_study.sort_by_key(|(series, _)| *series);
        }
        Ok(out)
    }

    /// Reads the headers of series that are new or have another first file, and forgets those that are gone.
    fn read_headers(&self, derived: &mut Derived) -> Result<(), StoreError> {
        // The first file by number; MIN takes the other columns of its row along (SQLite, "bare columns").
        let mut statement = self.connection.prepare(
            "SELECT series.id, series.study, instance.path, instance.bytes,
                    MIN(COALESCE(instance.number, 0))
             FROM series JOIN instance ON instance.series = series.id GROUP BY series.id",
        )?;
        let series: Vec<Series> = statement
            .query_map([], |row| {
                Ok(Series {
                    id: row.get(0)?,
                    study: row.get(1)?,
                    path: row.get(2)?,
                    bytes: row.get(3)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        let known: HashMap<i64, (i64, Vec<u8>, i64, bool)> = derived
            .facts()
            .prepare("SELECT series, study, path, bytes, read FROM tagged")?
            .query_map([], |row| {
                let of = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                Ok((row.get(0)?, of))
            })?
            .collect::<Result<_, _>>()?;
        let there: BTreeSet<i64> = series.iter().map(|s| s.id).collect();
        let gone: Vec<i64> = known
            .keys()
            .filter(|k| !there.contains(k))
            .copied()
            .collect();
        let stale: Vec<&Series> = series
            .iter()
            .filter(|s| {
                let same = |(study, path, bytes, read): &(i64, Vec<u8>, i64, bool)| {
                    *read && *study == s.study && *path == s.path && *bytes == s.bytes
                };
                !known.get(&s.id).is_some_and(same)
            })
            .collect();
        if !gone.is_empty() {
            let transaction = derived.facts_mut().transaction()?;
            for id in gone {
                transaction.execute("DELETE FROM tag WHERE series = ?1", [id])?;
                transaction.execute("DELETE FROM tagged WHERE series = ?1", [id])?;
            }
            transaction.commit()?;
        }
        let options = ScanOptions::default();
        if let Some(vault) = self.vault()? {
            options.keys.add_vault(vault);
        }
        for batch in stale.chunks(BATCH) {
            let transaction = derived.facts_mut().transaction()?;
            for one in batch {
                let said = said_by(&self.place(one.path.clone()), &options);
                transaction
                    .prepare_cached("DELETE FROM tag WHERE series = ?1")?
                    .execute([one.id])?;
                transaction
                    .prepare_cached(
                        "INSERT OR REPLACE INTO tagged (series, study, path, bytes, read)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![
                        one.id,
                        one.study,
                        one.path,
                        one.bytes,
                        said.is_some()
                    ])?;
                let mut add = transaction.prepare_cached(
                    "INSERT OR IGNORE INTO tag (tag, series, value) VALUES (?1, ?2, ?3)",
                )?;
                for (tag, value) in said.unwrap_or_default() {
                    add.execute(params![i64::from(tag), one.id, value])?;
                }
            }
            transaction.commit()?;
        }
        Ok(())
    }
}

/// The texts and numbers of a file's header at any depth; `None` where it cannot be read.
fn said_by(path: &Path, options: &ScanOptions) -> Option<BTreeSet<(u32, String)>> {
    let structure = read_structure(path, options).ok()?;
    let table = elements(&structure, false).ok()?;
    let mut out = BTreeSet::new();
    for row in &table.rows {
        let Held::Text(text) = &row.held else {
            continue;
        };
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= LONGEST;
        if fits && out.len() < MOST && is_asked_for(row.vr, row.depth) {
            let tag = (u32::from(row.tag.0) << 16) | u32::from(row.tag.1);
            out.insert((tag, text.to_owned()));
        }
    }
    Some(out)
}
