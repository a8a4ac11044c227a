//! What is made of the depth: the slab that the arguments ask for, and what the report says of it.

use super::{Mode, RenderArgs, View};
use crate::{
    cli::{Exit, series::Refusal},
    model::{
        slab::{Projection, Slab, SlabSteps},
        view::SliceView,
    },
};
use serde_json::{Value, json};

/// The slab that is asked for.
pub(super) fn slab_of(args: &RenderArgs) -> Result<Option<Slab>, Refusal> {
    let refused = |text: &str| Err(Refusal::new(Exit::Usage, text));
    let projection = match args.mode {
        Mode::Slice if args.slab.is_some() => {
            return refused("a slab needs --mode mip, minip or mean");
        }
        Mode::Slice => return Ok(None),
        Mode::Mip => Projection::Mip,
        Mode::Minip => Projection::MinIp,
        Mode::Mean => Projection::Mean,
    };
    let Some(thickness_mm) = args.slab else {
        return refused("--mode mip, minip and mean need the thickness of the --slab");
    };
    if !(thickness_mm.is_finite() && thickness_mm >= 0.0) {
        return refused("the thickness of a slab is 0 mm or more");
    }
    if args.view == View::Stack {
        return refused("a slab needs a cut: --view axial, coronal, sagittal or oblique");
    }
    Ok(Some(Slab {
        projection,
        thickness_mm,
    }))
}

/// What `--json` says of the depth: the points that were looked at, and their distance.
pub(super) fn report(slab: Option<&Slab>, view: &SliceView, step_mm: f64) -> Value {
    let points = |steps: &SlabSteps| {
        json!({
            "projection": steps.projection.word(),
            "thickness_mm": slab.map(|slab| slab.thickness_mm),
            "points": steps.count,
            "step_mm": step_mm,
        })
    };
    view.slab.as_ref().map_or(Value::Null, points)
}
