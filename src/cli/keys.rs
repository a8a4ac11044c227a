//! `negatoscope keys`: which keys mean which command, in a profile.

use super::{Common, Exit, Output};
use crate::{
    i18n::Language,
    workspace::{
        command::TABLE,
        keymap::{KeyMap, Profile},
    },
};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// Whose habits: default, ohif, horos, weasis, slicer
    #[arg(long, value_name = "NAME", default_value = "default")]
    profile: String,
    /// Language of the names: en or zh-CN
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: String,
}

/// Runs `keys`: a line for each command with its name for scripts, its keys, and its words.
pub fn run(args: &KeysArgs, common: &Common, out: &mut Output) -> Exit {
    let (Some(profile), Some(language)) = (
        Profile::named(&args.profile),
        Language::from_tag(&args.language),
    ) else {
        let names: Vec<&str> = Profile::ALL.iter().map(|p| p.name()).collect();
        out.error(format!(
            "the profiles are {}; the languages en and zh-CN",
            names.join(", ")
        ));
        return Exit::Usage;
    };
    let map = KeyMap::new(profile, BTreeMap::new());
    for row in TABLE {
        let keys: Vec<String> = map
            .chords(row.command)
            .iter()
            .map(ToString::to_string)
            .collect();
        let words = language.word(row.message_key);
        if common.json {
            out.json(&json!({ "command": row.command.name(), "keys": keys, "words": words }));
        } else {
            let (name, keys) = (row.command.name(), keys.join(" "));
            out.line(format!("{name:<28} {keys:<22} {words}"));
        }
    }
    Exit::Done
}
