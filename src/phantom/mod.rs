//! Generators with known truth: CT phantom, projected radiographs, head, breast and ultrasound, the matching record.
//!
//! Everything is made analytically from a seed: the same seed gives the same bytes, however many threads work.
//! The person does not exist; names say so. Nothing is written here: the callers write files.

pub(crate) mod anatomy;
pub mod ct;
pub mod demo;
pub mod head;
pub mod identifier;
pub mod mammogram;
pub mod marker;
pub(crate) mod paint;
pub mod radiograph;
pub(crate) mod random;
pub mod record;
mod record_story;
pub(crate) mod shape;
pub(crate) mod skeleton;
pub mod sonogram;
pub(crate) mod vessels;

pub use anatomy::Side;
pub use ct::{
    CtPhantom, CtSpec, CtTruth, Nodule, NoduleKind, OrganTruth, ct, ct_with, nodules,
    scattered_nodules,
};
pub use demo::{Demo, DemoCt, DemoRadiograph, DemoSize, DemoSpec, DemoStudy, demo};
pub use head::{Head, HeadSpec, Weighting, head};
pub use mammogram::{BreastView, Mammogram, MammogramSpec, breast, mammogram};
pub use marker::{MarkerCube, MarkerPhantom, MarkerSpec, marker};
pub use paint::Organ;
pub use radiograph::{ProjectedNodule, Radiograph, RadiographSpec, RadiographTruth, radiograph};
pub use record::{RecordStudy, near_miss_record, record};
pub use sonogram::{Sonogram, SonogramSpec, sonogram};

/// Why a phantom was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhantomError {
    /// The grid is empty, huge or not finite.
    #[error("the size asked for is empty, huge or not finite")]
    Size,
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
}
