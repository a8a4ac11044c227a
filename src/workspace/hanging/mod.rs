//! Hanging: which series of a study stands in which cell, with which window, beside which prior.
//!
//! Pure: facts of the study and protocols go in, an arrangement comes out. What is shown, and what the reader arranged by
//! hand, is the workspace's business. docs/hanging.md describes the files.

pub mod built_in;
pub mod example;
pub mod item;
pub mod matching;
pub mod previews;
pub mod priors;
pub mod protocol;
pub mod words;

#[cfg(test)]
mod tests;
