//! The lesions that somebody marked on the studies of the patient on the screen.

use super::Workspace;
use crate::{
    clinical::advice::course::{Course, LesionMark, Role, course, diameters_mm},
    model::annotation::Annotation,
};

impl Workspace {
    /// Their course over all open studies of the patient in the active cell.
    pub fn lesion_course(&self) -> Course {
        if !self
            .open_marks()
            .any(|mark| Role::of_group(&mark.group).is_some())
        {
            return Course::default();
        }
        let marks: Vec<LesionMark> = self
            .marks_in_order()
            .into_iter()
            .filter_map(|mark| self.lesion_mark(mark))
            .collect();
        course(&marks)
    }

    fn lesion_mark(&self, mark: &Annotation) -> Option<LesionMark> {
        let role = Role::of_group(&mark.group)?;
        let (node, _) = self.place_of_mark(mark)?;
        let measured = self.measuring.of(mark).and_then(|f| f.as_ref().ok());
        let quantities = measured.map_or(&[][..], |m| &m.measurement.quantities);
        let numbers = quantities
            .iter()
            .map(|q| (q.name.as_str(), q.value, q.unit.as_str()));
        Some(LesionMark {
            date: node.study.date,
            lesion: mark.label.clone(),
            role,
            kind: mark.shape.kind,
            diameters_mm: diameters_mm(numbers),
        })
    }
}
