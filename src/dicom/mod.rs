//! Files to model and back: guard, headers, pixels, series assembly, writers.
//!
//! Bytes pass [`guard`] first: it walks the structure with a stack of its own, checks every length against
//! what is really there and keeps to budgets. Values of a header are taken from the elements that it has walked
//! (`elements`; a test compares them with those that `dicom-object` reads). Native pixels are read where they lie; a
//! compressed frame is handed to a codec alone ([`frames`]), in another process where there are any ([`worker`]). What
//! lies in an archive is read there ([`archive`]), and so is what a store keeps ([`sealed`]).
//!
//! Must stay true: no file may cost more memory than its budget, no recursion follows the input's depth, a
//! frame is whole or refused, and nothing that identifies a patient reaches an error text.
//! Not here: windows and LUTs are evaluated in `imaging`, the store and the network are elsewhere.

pub mod archive;
pub mod assemble;
pub mod bytes;
pub mod charset;
mod colour;
pub mod content;
mod cover;
pub mod deid;
mod directory;
mod elements;
pub mod encapsulated;
mod facts;
pub mod frames;
mod functional;
pub mod guard;
pub mod header;
mod image;
mod inflate;
mod j2k;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod jpeg_xl;
mod laterality;
pub mod load;
mod lookup;
mod mosaic;
mod native;
mod pet;
pub mod raster;
mod rle;
mod same_uid;
pub mod scan;
pub mod sealed;
pub mod segmentation;
mod spacing;
pub mod syntax;
mod t81;
mod unpack;
mod volume_file;
pub mod window_default;
pub mod worker;
pub mod write;

pub use frames::{FileFrames, FrameError, FrameSource};

/// The number of the element with a keyword of the standard (PS3.6), group above element: `KVP` is 0x0018_0060.
pub fn element_with_keyword(keyword: &str) -> Option<u32> {
    use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
    let entry = dicom_dictionary_std::StandardDataDictionary.by_name(keyword)?;
    let tag = entry.tag();
    Some((u32::from(tag.0) << 16) | u32::from(tag.1))
}
