//! Facts that came twice.

use super::{super::duplicates, Fix, Judge, Rule, Word};
use std::collections::HashMap;

impl Judge<'_> {
    /// Pairs of resources that are equal but for what only tells them apart; those that are merged count as one.
    pub(super) fn duplicates(&mut self) {
        let kinds = duplicates::compared();
        let pairs = duplicates::find(self.resources);
        let twins: HashMap<(&str, &str), &str> = pairs
            .iter()
            .filter(|p| p.exact)
            .map(|p| ((p.kind.as_str(), p.second.as_str()), p.first.as_str()))
            .collect();
        for (number, resource) in self.resources.iter().enumerate() {
            if !kinds.contains(&resource.kind.as_str()) {
                continue;
            }
            let twin = twins.get(&(resource.kind.as_str(), resource.id.as_str()));
            let wrong = twin.map(|first| Word {
                element: String::new(),
                detail: format!("{}/{first}", resource.kind),
                fix: Some(Fix::Behind((*first).to_owned())),
            });
            self.hold(Rule::DuplicateFact, number, wrong);
        }
    }
}
