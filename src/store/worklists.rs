//! Lists of studies that are kept under names. They may name patients, so they lie in the encrypted database.

use super::{Store, StoreError, database};
use crate::model::worklist::Worklist;
use serde_json::{Value, json};

/// Key of the note in the database.
const NOTE: &str = "worklists";

impl Store {
    /// The lists that are kept, in their order. What cannot be read is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn worklists(&self) -> Result<Vec<Worklist>, StoreError> {
        let note = database::meta(&self.connection, NOTE)?.unwrap_or_default();
        let value: Value = serde_json::from_slice(&note).unwrap_or_default();
        let lists = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |list: &Value, name: &str| Some(list.get(name)?.as_str()?.to_owned());
        Ok(lists
            .iter()
            .filter_map(|list| {
                Some(Worklist {
                    name: text(list, "name")?,
                    query: text(list, "query")?,
                })
            })
            .collect())
    }

    /// Keeps these lists and no others.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_worklists(&mut self, lists: &[Worklist]) -> Result<(), StoreError> {
        let lists: Vec<Value> = lists
            .iter()
            .map(|list| json!({"name": list.name, "query": list.query}))
            .collect();
        let note = Value::from(lists).to_string();
        database::set_meta(&self.connection, NOTE, note.as_bytes())?;
        self.checkpoint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_as_they_were() {
        let mut store = Store::throw_away().unwrap();
        assert_eq!(store.worklists().unwrap(), []);
        let lists = ["status:new", "陈 \"date:7d\""].map(|query| Worklist {
            name: format!("list of {query}"),
            query: query.to_owned(),
        });
        store.set_worklists(&lists).unwrap();
        assert_eq!(store.worklists().unwrap(), lists);
        database::set_meta(&store.connection, NOTE, b"no list").unwrap();
        assert_eq!(store.worklists().unwrap(), []);
    }
}
