//! CPU algorithms: the f64 reference of every GPU picture, statistics, resampling, metrics.

pub mod calibrate;
pub mod components;
pub mod contours;
pub mod cover;
pub mod deface;
pub mod evaluation;
pub mod field;
pub mod filter;
pub mod glyphs;
pub mod gsdf;
pub mod labels;
pub mod measure;
pub mod metrics;
pub mod overlay;
pub mod palette;
pub mod pattern;
pub mod resample;
pub mod reslice;
pub mod segment;
pub mod statistics;
pub mod suv;
pub mod texture;
pub mod thorax;
pub mod window;
