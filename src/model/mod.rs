//! What the rest of the program talks about: identities, studies, geometry, look-up tables, pixels,
//! views, findings, annotations, records and results.
//!
//! Must stay true: this module does no input or output and knows no GPU, no toolkit and no file format.
//! Its names are those of the DICOM and FHIR standards. Patient space is DICOM LPS in millimetres, `f64`.

pub mod access;
pub mod annotation;
pub mod archive;
pub mod arrangement;
pub mod calibration;
pub mod cine;
pub mod content;
pub mod cover;
pub mod cuboid;
pub mod cuts;
pub mod date;
pub mod edit;
pub mod elements;
pub mod exchange;
pub mod explanation;
pub mod facts;
pub mod filter;
pub mod finding;
pub mod geometry;
pub mod identity;
pub mod inference;
pub mod labelling;
pub mod labels;
pub mod layout;
pub mod lut;
pub mod passphrase;
pub mod pet;
pub mod pixels;
pub mod queue;
pub mod reading;
pub mod record;
pub mod report;
pub mod segmentation;
pub mod slab;
pub mod study;
pub mod view;
pub mod volume;
pub mod worklist;
