//! What is open: the library, the series on display, viewports, masks, the record beside them, jobs, commands.
//!
//! Must stay true: no toolkit is known here. The UI thread reads this state every frame and sends commands;
//! everything slow happens on named workers that report through one channel ([`event::Event`]).

pub mod action;
pub mod bands;
pub mod calibrating;
pub mod cine;
pub mod command;
pub mod content_words;
pub mod demo;
pub mod display;
pub mod document;
pub mod effect;
pub mod event;
pub mod exchange;
pub mod filtering;
pub mod framing;
pub mod hanging;
pub mod insight;
pub mod jobs;
pub mod keeper;
pub mod keymap;
pub mod library;
pub mod link;
pub mod linking;
pub mod loader;
pub mod marks;
pub mod masks;
pub mod measuring;
pub mod monitors;
pub mod opening;
pub mod passphrase;
pub mod picture_out;
pub mod place;
pub mod planes;
pub mod presentation;
pub mod presets;
pub mod record_link;
pub mod report;
pub mod screen_setting;
pub mod sending;
pub mod settings;
pub mod settings_file;
pub mod shelf;
pub mod state;
pub mod study_list;
pub mod tags;
pub mod undo;
pub mod view;
pub mod waker;
pub mod windows;

pub use action::Action;
pub use command::Command;
pub use state::Workspace;
pub use waker::Waker;
