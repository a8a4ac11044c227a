//! Everything of a record on one line of time: lanes by kind, and the part of a record that lies in a span.

use crate::model::{
    date::Date,
    record::{Coding, PatientRecord},
};

/// What stands in one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Imaging studies.
    Imaging,
    /// Reports and notes.
    Reports,
    /// Marks that somebody made in pictures.
    Marks,
    /// Marks that networks made.
    Networks,
    /// Conditions and allergies, from their onset to their end.
    Conditions,
    /// Medications.
    Medications,
    /// Laboratory values.
    Labs,
    /// Vital signs.
    Vitals,
    /// Other observations.
    Others,
    /// Procedures and immunisations.
    Procedures,
    /// Encounters and care plans.
    Encounters,
    /// Claims and what was paid.
    Claims,
}

impl Lane {
    /// All lanes from above.
    pub const ALL: [Self; 12] = [
        Self::Imaging,
        Self::Reports,
        Self::Marks,
        Self::Networks,
        Self::Conditions,
        Self::Medications,
        Self::Labs,
        Self::Vitals,
        Self::Others,
        Self::Procedures,
        Self::Encounters,
        Self::Claims,
    ];
}

/// What an event leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Leads {
    /// Nothing more than its words.
    Nowhere,
    /// A study: its Study Instance UID.
    Study(String),
    /// A series of values: its number in [`PatientRecord::observations`].
    Values(usize),
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its lane.
    pub lane: Lane,
    /// Day it began, days since 1970-01-01.
    pub day: i64,
    /// Day it ended, where it lasted and ended.
    pub end: Option<i64>,
    /// Its words.
    pub words: String,
    /// The value is marked, or the allergy is one of high criticality.
    pub marked: bool,
    /// What it leads to.
    pub leads: Leads,
}

/// A mark in a picture, for the line.
#[derive(Clone, PartialEq)]
pub struct MarkOnLine {
    /// Day of its study, days since 1970-01-01.
    pub day: i64,
    /// Its words.
    pub words: String,
    /// Study Instance UID.
    pub study_uid: String,
    /// A network made it.
    pub network: bool,
}

/// Nothing of it.
impl std::fmt::Debug for MarkOnLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarkOnLine")
    }
}

/// All events of a record, by day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Events in order of their days.
    pub events: Vec<Event>,
    /// Events without a day.
    pub undated: usize,
}

impl Timeline {
    /// Puts a record on the line.
    pub fn of(record: &PatientRecord) -> Self {
        let mut line = Self::default();
        for study in &record.imaging_studies {
            let words = [
                study.modalities.join("/"),
                study.description.clone(),
                study.body_site.clone(),
            ];
            let words: Vec<String> = words.into_iter().filter(|w| !w.is_empty()).collect();
            let leads = match study.study_uid.is_empty() {
                true => Leads::Nowhere,
                false => Leads::Study(study.study_uid.clone()),
            };
            line.add(Lane::Imaging, study.started, None, words.join("  "), leads);
        }
        for report in &record.reports {
            line.plain(Lane::Reports, report.date, &report.code);
        }
        for condition in &record.conditions {
            let words = name(&condition.code);
            line.add(
                Lane::Conditions,
                condition.onset,
                condition.abated,
                words,
                Leads::Nowhere,
            );
        }
        for allergy in &record.allergies {
            line.plain(Lane::Conditions, allergy.recorded, &allergy.code);
            line.mark_last(allergy.criticality == "high" && allergy.recorded.is_some());
        }
        for drug in &record.medications {
            line.plain(Lane::Medications, drug.authored, &drug.code);
        }
        for (number, series) in record.observations.iter().enumerate() {
            let lane = match series.category.as_str() {
                "laboratory" => Lane::Labs,
                "vital-signs" => Lane::Vitals,
                _ => Lane::Others,
            };
            for value in &series.values {
                let said = match value.value {
                    Some(number) => format!("{number} {}", value.unit),
                    None => value.text.clone(),
                };
                let words = format!("{}  {said}", name(&series.code));
                let words = words.trim_end().to_owned();
                // Words cannot be plotted.
                let leads = match value.value {
                    Some(_) => Leads::Values(number),
                    None => Leads::Nowhere,
                };
                line.add(lane, value.date, None, words, leads);
                line.mark_last(value.flag.is_abnormal() && value.date.is_some());
            }
        }
        for procedure in &record.procedures {
            line.plain(Lane::Procedures, procedure.performed, &procedure.code);
        }
        for shot in &record.immunizations {
            line.plain(Lane::Procedures, shot.date, &shot.code);
        }
        for encounter in &record.encounters {
            line.plain(Lane::Encounters, encounter.start, &encounter.code);
        }
        for plan in &record.care_plans {
            line.plain(Lane::Encounters, plan.start, &plan.code);
        }
        for claim in &record.claims {
            line.plain(Lane::Claims, claim.date, &claim.code);
        }
        line.events.sort_by_key(|event| event.day);
        line
    }

    /// The same with marks of pictures on it.
    #[must_use]
    pub fn with_marks(&self, marks: Vec<MarkOnLine>) -> Self {
        let mut line = self.clone();
        line.events.extend(marks.into_iter().map(|mark| Event {
            lane: match mark.network {
                true => Lane::Networks,
                false => Lane::Marks,
            },
            day: mark.day,
            end: None,
            words: mark.words,
            marked: false,
            leads: Leads::Study(mark.study_uid),
        }));
        line.events.sort_by_key(|event| event.day);
        line
    }

    /// The lanes that hold something, in their order.
    pub fn lanes(&self) -> Vec<Lane> {
        let mut lanes: Vec<Lane> = self.events.iter().map(|e| e.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    fn plain(&mut self, lane: Lane, date: Option<Date>, code: &Coding) {
        self.add(lane, date, None, name(code), Leads::Nowhere);
    }

    fn add(
        &mut self,
        lane: Lane,
        date: Option<Date>,
        end: Option<Date>,
        words: String,
        leads: Leads,
    ) {
        let Some(day) = date.map(Date::days_since_epoch) else {
            self.undated += 1;
            return;
        };
        self.events.push(Event {
            lane,
            day,
            end: end.map(Date::days_since_epoch).filter(|end| *end > day),
            words,
            marked: false,
            leads,
        });
    }

    fn mark_last(&mut self, on: bool) {
        if let Some(last) = self.events.last_mut().filter(|_| on) {
            last.marked = true;
        }
    }

    /// First and last day, one apart at least; `None` without an event.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.events.first()?.day;
        let last = self.events.iter().map(|e| e.end.unwrap_or(e.day)).max()?;
        Some((first, last.max(first + 1)))
    }

    /// Numbers of the events that began from the first to the last of these days.
    pub fn begun(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let first = self.events.partition_point(|e| e.day < from);
        let last = self.events.partition_point(|e| e.day <= to);
        first..last.max(first)
    }
}

fn name(code: &Coding) -> String {
    match code.display.is_empty() {
        true => code.code.clone(),
        false => code.display.clone(),
    }
}

/// What of a record lies in a span of days, both ends included: conditions that were there in it, and everything else
/// that happened in it. Allergies stay, whenever they were noticed. What has no day is left out: nothing says that it belongs there.
pub fn within(record: &PatientRecord, from: i64, to: i64) -> PatientRecord {
    let inside = |date: Option<Date>| {
        date.map(Date::days_since_epoch)
            .is_some_and(|day| (from..=to).contains(&day))
    };
    let mut part = record.clone();
    part.conditions.retain(|c| {
        let began = c.onset.map(Date::days_since_epoch);
        let ended = c.abated.map(Date::days_since_epoch);
        began.is_some_and(|day| day <= to) && ended.is_none_or(|day| day >= from)
            // A condition that is over without a day of its end was there on its first day at least.
            && (ended.is_some() || matches!(c.clinical_status.as_str(), "active" | "recurrence" | "relapse") || inside(c.onset))
    });
    part.medications.retain(|m| inside(m.authored));
    for series in &mut part.observations {
        series.values.retain(|v| inside(v.date));
    }
    part.observations.retain(|s| !s.values.is_empty());
    part.procedures.retain(|p| inside(p.performed));
    part.encounters.retain(|e| inside(e.start));
    part.imaging_studies.retain(|s| inside(s.started));
    part.reports.retain(|r| inside(r.date));
    part.immunizations.retain(|i| inside(i.date));
    part.care_plans.retain(|p| inside(p.start));
    part.claims.retain(|c| inside(c.date));
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{
        Condition, Encounter, Flag, ImagingStudy, ObservationSeries, ObservationValue,
    };

    fn day(text: &str) -> Option<Date> {
        Date::parse(text)
    }

    fn record() -> PatientRecord {
        let value = |date: &str, number, flag| ObservationValue {
            date: day(date),
            value: Some(number),
            unit: "mg/dL".into(),
            flag,
            ..ObservationValue::default()
        };
        PatientRecord {
            imaging_studies: vec![ImagingStudy {
                study_uid: "1.2".into(),
                started: day("2020-03-01"),
                modalities: vec!["CT".into()],
                ..ImagingStudy::default()
            }],
            observations: vec![ObservationSeries {
                category: "laboratory".into(),
                values: vec![
                    value("2019-01-01", 0.9, Flag::Normal),
                    value("2021-01-01", 2.0, Flag::High),
                ],
                ..ObservationSeries::default()
            }],
            conditions: vec![Condition {
                clinical_status: "resolved".into(),
                onset: day("2018-01-01"),
                abated: day("2020-01-01"),
                ..Condition::default()
            }],
            encounters: vec![Encounter::default()],
            ..PatientRecord::default()
        }
    }

    #[test]
    fn events_stand_in_order_with_what_they_lead_to() {
        let line = Timeline::of(&record());
        let seen: Vec<(Lane, bool, &Leads)> = line
            .events
            .iter()
            .map(|e| (e.lane, e.marked, &e.leads))
            .collect();
        assert_eq!(
            seen,
            [
                (Lane::Conditions, false, &Leads::Nowhere),
                (Lane::Labs, false, &Leads::Values(0)),
                (Lane::Imaging, false, &Leads::Study("1.2".into())),
                (Lane::Labs, true, &Leads::Values(0)),
            ]
        );
        assert_eq!(line.undated, 1);
        let days = |text| day(text).unwrap().days_since_epoch();
        assert_eq!(line.span(), Some((days("2018-01-01"), days("2021-01-01"))));
        assert_eq!(line.begun(days("2019-01-01"), days("2020-03-01")), 1..3);
        assert_eq!(line.begun(days("2022-01-01"), days("2020-01-01")), 4..4);
        assert_eq!(Timeline::default().span(), None);
    }

    #[test]
    fn marks_stand_on_the_day_of_their_study() {
        let line = Timeline::of(&record());
        let mark = |network| MarkOnLine {
            day: day("2020-03-01").unwrap().days_since_epoch(),
            words: "nodule  8 mm".into(),
            study_uid: "1.2".into(),
            network,
        };
        let with = line.with_marks(vec![mark(true), mark(false)]);
        assert_eq!(with.events.len(), line.events.len() + 2);
        let lanes = [
            Lane::Imaging,
            Lane::Marks,
            Lane::Networks,
            Lane::Conditions,
            Lane::Labs,
        ];
        assert_eq!(with.lanes(), lanes);
        let led = with
            .events
            .iter()
            .find(|e| e.lane == Lane::Networks)
            .unwrap();
        assert_eq!(led.leads, Leads::Study("1.2".into()));
        assert!(with.events.is_sorted_by_key(|e| e.day));
    }

    #[test]
    fn a_span_keeps_what_lies_in_it() {
        let days = |text| day(text).unwrap().days_since_epoch();
        let part = within(&record(), days("2019-06-01"), days("2020-12-31"));
        assert_eq!(part.imaging_studies.len(), 1);
        assert!(part.observations.is_empty());
        // It began before and ended in the span.
        assert_eq!(part.conditions.len(), 1);
        // Nothing says when the encounter was.
        assert!(part.encounters.is_empty());
        let later = within(&record(), days("2020-06-01"), days("2021-12-31"));
        assert!(later.conditions.is_empty());
        assert_eq!(later.observations[0].values.len(), 1);
    }
}
