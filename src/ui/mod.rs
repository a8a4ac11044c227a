//! The window's panels, widgets, theme and paint callbacks.
//!
//! Must stay true: functions here read the workspace and push [`crate::workspace::Action`]s; they change nothing themselves, never
//! decode, never wait for the GPU or the disk. Colours and sizes come from [`theme`].

pub mod ai_panel;
pub mod back;
pub mod bands;
pub mod banner;
pub mod calibration;
mod cine_bar;
pub mod context;
mod corner_fit;
pub mod daylight;
pub mod document;
mod document_row;
pub mod filter_panel;
pub mod filtered;
pub mod findings_panel;
pub mod focus;
pub mod fonts;
mod gestures;
pub mod hanging_words;
pub mod help;
pub mod icons;
pub mod keeping;
pub mod keys;
pub mod layout;
pub mod layout_picker;
pub mod link_question;
mod loupe;
pub mod mark_text;
pub mod marks;
pub mod menu_bar;
pub mod mixing;
mod number_fields;
pub mod overlay_text;
pub mod palette;
pub mod picture;
pub mod picture_dialog;
pub mod picture_out;
pub mod plane_handles;
mod probe;
pub mod protocol_editor;
pub mod record_panel;
pub mod reference;
pub mod report_panel;
pub mod root;
pub mod sampling_text;
pub mod screen_check;
pub mod settings;
pub mod side_panel;
pub mod spacing_text;
pub mod sparkline;
pub mod start_screen;
pub mod status_bar;
pub mod study_browser;
pub mod study_list;
pub mod tags;
pub mod theme;
pub mod unlock;
pub mod viewport;
pub mod widgets;
pub mod windows;

pub use context::{UiContext, UiState};
pub use number_fields::{MonitorField, WindowField};
pub use root::root_ui;
