//! What a hand does with the button down, and the file that a segmentation leaves as.

use super::{StepError, buttons, is_point, point};
use crate::{
    app::stage::Stage,
    workspace::{Action, Command, effect::Effect, event::Event},
};
use std::path::PathBuf;

/// `drag X,Y X,Y… [left|right|middle] [ctrl] [shift] [alt]`: from the first point past all others.
pub(super) fn drag(stage: &mut Stage, words: &[String]) -> Result<(), StepError> {
    let words = words.get(1..).unwrap_or_default();
    let points = words.iter().take_while(|word| is_point(word)).count();
    if points < 2 {
        return Err(StepError::Script("`drag` needs two points or more".into()));
    }
    let (way, rest) = words.split_at(points);
    let (button, modifiers) = buttons(rest)?;
    let mut places = Vec::with_capacity(points);
    for word in way {
        places.push(point(stage, word)?);
    }
    stage.drag_along(&places, button, modifiers);
    Ok(stage.settle()?)
}

/// `segmentation FILE [measured]`: the active segmentation as “Save as…” writes it, or “Save segmentation with measurements…”.
pub(super) fn segmentation(stage: &mut Stage, words: &[String]) -> Result<(), StepError> {
    let missing = || StepError::Script("`segmentation` needs a file".into());
    let path = PathBuf::from(words.get(1).ok_or_else(missing)?);
    let command = match words.get(2).map(String::as_str) {
        None => Command::SaveSegmentation,
        Some("measured") => Command::SaveMeasured,
        Some(word) => {
            let text = format!("`segmentation` knows no `{word}`");
            return Err(StepError::Script(text));
        }
    };
    let workspace = &mut stage.program_mut().workspace;
    let asked = workspace.act(Action::Run(command));
    if !matches!(asked, Some(Effect::ChooseSegmentation)) {
        return Err(StepError::Script("there is no segmentation".into()));
    }
    let begun = std::time::Instant::now();
    let _ = workspace.sender().send(Event::ChosenSegmentation(path));
    stage.settle()?;
    let mut notices = stage.program().workspace.notices.iter();
    let keys = [
        "notice-segmentation-unsaved",
        "notice-segmentation-unmeasured",
    ];
    let failed = notices.find(|notice| keys.contains(&notice.key) && notice.since >= begun);
    match failed {
        Some(notice) => Err(StepError::Script(format!(
            "the segmentation was not written: {}",
            notice.detail
        ))),
        None => Ok(()),
    }
}
