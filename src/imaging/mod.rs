//! CPU algorithms: the f64 reference of every GPU picture, statistics, resampling, metrics.

pub mod burned_text;
pub mod calibrate;
pub mod components;
pub mod cover;
pub mod filter;
pub mod gsdf;
pub mod labels;
pub mod measure;
pub mod metrics;
pub mod overlay;
pub mod palette;
pub mod pattern;
pub mod resample;
pub mod reslice;
pub mod statistics;
pub mod suv;
pub mod texture;
pub mod thorax;
pub mod window;
