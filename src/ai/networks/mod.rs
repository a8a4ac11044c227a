//! Networks: what they are as data, and how such data runs on a device.
//!
//! Each family has a file with its configuration, which turns into a [`Plan`]; [`Net`] runs any plan. Names of
//! tensors are those of the framework where the family comes from, so that its weights fit as they are.

mod cost;
mod densenet;
mod ensemble;
mod fold;
mod graph;
mod grid;
mod meshnet;
mod monai;
mod net;
mod plan;
mod planned;
mod resnet;
mod unet;

use super::AiError;
pub use densenet::{DenseNetConfig, Naming};
pub use ensemble::Ensemble;
pub use graph::{GraphConfig, GraphStep, Made};
pub use grid::Grid;
pub use meshnet::{MeshNetConfig, Rectifier};
pub use monai::{Act, BasicUNetConfig, MonaiUNetConfig, SegResNetConfig, Upsample};
pub use net::Net;
pub use plan::{Activation, Between, Cost, Kind, Op, Parameter, Plan, Sides, Step};
pub use planned::PlannedNetwork;
pub use resnet::ResNetConfig;
use serde::{Deserialize, Serialize};
pub use unet::{Down, Norm, StagedUNetConfig, Up};

/// What a network is, as a model's card keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Architecture {
    /// A U-Net of stages, as nnU-Net builds them.
    StagedUnet(StagedUNetConfig),
    /// A MeshNet.
    Meshnet(MeshNetConfig),
    /// MONAI's UNet.
    MonaiUnet(MonaiUNetConfig),
    /// MONAI's BasicUNet.
    BasicUnet(BasicUNetConfig),
    /// MONAI's SegResNet.
    Segresnet(SegResNetConfig),
    /// A residual network that classifies.
    Resnet(ResNetConfig),
    /// A densely connected network that classifies.
    Densenet(DenseNetConfig),
    /// A network of no family, step by step.
    Graph(GraphConfig),
}

impl Architecture {
    /// The network as steps; descriptions that make no network, or one too large to be meant, are errors.
    pub fn plan(&self) -> Result<Plan, AiError> {
        match self {
            Self::StagedUnet(config) => config.plan(),
            Self::Meshnet(config) => config.plan(),
            Self::MonaiUnet(config) => config.plan(),
            Self::BasicUnet(config) => config.plan(),
            Self::Segresnet(config) => config.plan(),
            Self::Resnet(config) => config.plan(),
            Self::Densenet(config) => config.plan(),
            Self::Graph(config) => config.plan(),
        }
    }

    /// For lists: `residual U-Net 3-D` and the like.
    pub fn word(&self) -> &'static str {
        match self {
            Self::StagedUnet(config) if config.residual => "residual U-Net",
            Self::StagedUnet(_) => "U-Net",
            Self::Meshnet(_) => "MeshNet",
            Self::MonaiUnet(_) => "UNet (MONAI)",
            Self::BasicUnet(_) => "BasicUNet (MONAI)",
            Self::Segresnet(_) => "SegResNet (MONAI)",
            Self::Resnet(_) => "ResNet",
            Self::Densenet(_) => "DenseNet",
            Self::Graph(_) => "network of steps",
        }
    }
}
