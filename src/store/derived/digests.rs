//! What is kept of each patient for counting over many: who, and facts whose common part is named by a number.

use super::{
    Derived,
    documents::{Made, documents_of},
    in_each,
    words::Document,
};
use crate::{
    clinical::{
        Resource,
        cohort::{Cohort, Fact, Packed, Person, day_of, facts},
        record::build_record,
    },
    model::identity::{Phi, Sex},
    store::{Store, StoreError},
};
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::HashMap;

/// What is made of the record of a patient; nothing where there is none any more.
#[derive(Default)]
pub(super) struct Digested {
    patient: String,
    digest: Option<Digest>,
    documents: Vec<Made>,
}

struct Digest {
    amended: String,
    sex: String,
    birth: Option<i32>,
    death: Option<i32>,
    facts: Vec<Fact>,
}

/// Somebody of whom there is a record, with the facts of it as a cohort names them.
pub(in crate::store) struct Counted {
    /// Who.
    pub person: Person,
    /// Facts.
    pub facts: Vec<Packed>,
}

/// The number of a term, which is made where it is new.
fn number_of(
    transaction: &Transaction<'_>,
    known: &mut HashMap<String, u32>,
    text: String,
) -> Result<u32, StoreError> {
    if let Some(number) = known.get(&text) {
        return Ok(*number);
    }
    let found: Option<u32> = transaction
        .prepare_cached("SELECT id FROM term WHERE text = ?1")?
        .query_row([&text], |row| row.get(0))
        .optional()?;
    let number = match found {
        Some(number) => number,
        None => transaction
            .prepare_cached("INSERT INTO term (text) VALUES (?1) RETURNING id")?
            .query_row([&text], |row| row.get(0))?,
    };
    known.insert(text, number);
    Ok(number)
}

impl Store {
    pub(super) fn made_of(
        &self,
        patient: &str,
        mark: &str,
        common: &[Resource],
    ) -> Result<Digested, StoreError> {
        let own = self.resources(patient)?;
        let mut digested = Digested {
            patient: patient.to_owned(),
            ..Digested::default()
        };
        if own.is_empty() {
            return Ok(digested);
        }
        digested.documents = documents_of(&own);
        let mut all = own;
        all.extend(common.iter().filter(|r| r.kind == "Medication").cloned());
        let record = build_record(&all);
        let identity = &record.identity;
        digested.digest = Some(Digest {
            amended: mark.to_owned(),
            sex: identity.sex.reveal().code().to_owned(),
            birth: day_of(*identity.birth_date.reveal()),
            death: day_of(record.deceased),
            facts: facts::facts_of(&record),
        });
        Ok(digested)
    }

    /// Everybody of whom there is a record; the terms of the facts are made known to the cohort.
    pub(in crate::store) fn digests(
        &self,
        cohort: &mut Cohort,
    ) -> Result<Vec<Counted>, StoreError> {
        let derived = self.derived()?;
        let facts = derived.facts();
        // Numbers of terms grow from 1, so a table by number has few holes.
        let mut numbers: Vec<Option<u32>> = Vec::new();
        let mut statement = facts.prepare("SELECT id, text FROM term ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: u32 = row.get(0)?;
            let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            numbers.resize(id as usize, None);
            numbers.push(facts::read_term(text).map(|term| cohort.know(term)));
        }
        let mut statement = facts
            .prepare("SELECT patient, sex, birth, death, facts FROM digest ORDER BY patient")?;
        let mut rows = statement.query([])?;
        let mut people = Vec::new();
        while let Some(row) = rows.next()? {
            let sex: String = row.get(1)?;
            let person = Person {
                id: Phi::new(row.get(0)?),
                sex: Sex::parse(&sex),
                birth: row.get(2)?,
                death: row.get(3)?,
                record: true,
            };
            let packed = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
            let facts = facts::unpack(packed).filter_map(|fact| {
                let term = numbers.get(fact.term as usize).copied().flatten()?;
                Some(Packed { term, ..fact })
            });
            let facts = facts.collect();
            people.push(Counted { person, facts });
        }
        Ok(people)
    }
}

impl Derived {
    /// Puts what was made of some patients in the place of what was there of them.
    pub(super) fn replace(&mut self, made: &[Digested]) -> Result<(), StoreError> {
        in_each(&mut self.shards, [(), ()], usize::MAX, |shard, ()| {
            let transaction = shard.transaction()?;
            for one in made {
                transaction
                    .prepare_cached(
                        "DELETE FROM word WHERE rowid IN
                         (SELECT id FROM document WHERE patient = ?1)",
                    )?
                    .execute([&one.patient])?;
                for table in ["document", "digest"] {
                    transaction
                        .prepare_cached(&format!("DELETE FROM {table} WHERE patient = ?1"))?
                        .execute([&one.patient])?;
                }
            }
            Ok(transaction.commit()?)
        })?;
        // Facts last: who has them has the words too.
        self.add(made.iter().flat_map(|one| {
            one.documents.iter().map(|d| Document {
                patient: &one.patient,
                kind: &d.kind,
                resource: &d.id,
                day: d.day,
                title: &d.title,
                body: &d.body,
            })
        }))?;
        let [first, _] = &mut self.shards;
        let transaction = first.transaction()?;
        let mut known = HashMap::new();
        for one in made {
            let Some(digest) = &one.digest else { continue };
            let mut packed = Vec::new();
            for fact in &digest.facts {
                let term = number_of(&transaction, &mut known, facts::term_text(fact))?;
                facts::pack(term, fact, &mut packed);
            }
            transaction
                .prepare_cached(
                    "INSERT INTO digest (patient, amended, sex, birth, death, facts)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    one.patient,
                    digest.amended,
                    digest.sex,
                    digest.birth,
                    digest.death,
                    packed
                ])?;
        }
        Ok(transaction.commit()?)
    }
}
