//! Filters of `pixels` and `render`: the same that the window applies.

use super::{Exit, series::Refusal};
use crate::{
    gpu::{FrameTexture, GpuContext},
    imaging::{
        filter::{FilterPlane, FilterView, apply},
        reslice,
    },
    model::{
        filter::{FilterStack, FilterStep},
        lut::{Voi, VoiLutFunction},
        pixels::Frame,
        view::SliceView,
    },
    render::{FilterRenderer, SliceRenderer, SliceScene, Target, TargetKind},
    task::CancelToken,
};

/// Reads the filters of a command line; those in modality units have a share of the window's width as default.
///
/// # Errors
/// [`Exit::Usage`] with what is wrong.
pub fn stack_of(texts: &[String], voi: &Voi) -> Result<FilterStack, Refusal> {
    let width = voi.level().map_or(1.0, |level| level.width);
    let mut stack = FilterStack::default();
    for text in texts {
        FilterStep::parse(text, width)
            .and_then(|step| stack.push(step))
            .map_err(|error| Refusal::new(Exit::Usage, error.to_string()))?;
    }
    Ok(stack)
}

/// Filters a plane of modality values, no number where there is no image.
///
/// # Errors
/// [`Exit::Unsupported`] for an empty plane.
pub fn filtered(
    stack: &FilterStack,
    columns: usize,
    rows: usize,
    values: Vec<f64>,
) -> Result<FilterPlane, Refusal> {
    FilterPlane::new(columns, rows, values)
        .and_then(|plane| apply(stack, plane, &CancelToken::default()))
        .ok_or_else(|| Refusal::new(Exit::Unsupported, "there is nothing to filter"))
}

/// The filtered plane of a view, by the f64 reference.
///
/// # Errors
/// See [`filtered`].
pub fn plane_cpu(
    stack: &FilterStack,
    views: &FilterView,
    frames: &[Option<Frame>],
) -> Result<FilterPlane, Refusal> {
    let [columns, rows] = views.plane.size.map(|n| n as usize);
    let values = reslice::values_cpu(&views.plane, frames);
    let values = values.into_iter().map(f64::from).collect();
    filtered(stack, columns, rows, values)
}

/// The window over the middle of a filtered plane, as the panel of filters has it; `None` where it is of one value.
pub fn result_voi(plane: &FilterPlane, percent: [u8; 2]) -> Option<Voi> {
    let level = plane.window(percent)?;
    Some(Voi::Window {
        level,
        // LINEAR has no width below 1 (PS3.3 C.11.2.1.2.1).
        function: match level.width < 1.0 {
            true => VoiLutFunction::LinearExact,
            false => VoiLutFunction::Linear,
        },
        explanation: String::new(),
    })
}

/// The filtered plane as a frame of floats.
///
/// # Errors
/// [`Exit::Internal`] when it has no pixels.
pub fn frame_of(plane: &FilterPlane) -> Result<Frame, Refusal> {
    plane
        .to_frame()
        .ok_or_else(|| Refusal::new(Exit::Internal, "the filtered plane has no pixels"))
}

/// The filtered plane of a view on the device.
///
/// # Errors
/// What the device says.
pub fn texture_gpu(
    gpu: &GpuContext,
    renderer: &SliceRenderer,
    stack: &FilterStack,
    views: &FilterView,
    frames: &FrameTexture,
) -> Result<FrameTexture, Refusal> {
    let size = views.plane.size;
    let source = Target::new(gpu, size, TargetKind::Values)?;
    let scene = SliceScene {
        view: &views.plane,
        texture: frames,
        cover: None,
        overlay: None,
        labels: None,
    };
    renderer.draw(gpu, &source, &scene)?;
    let result = FrameTexture::computed(gpu, size[0] as usize, size[1] as usize)?;
    FilterRenderer::new(gpu)?.run(gpu, stack, &source, &result)?;
    Ok(result)
}

/// The planes of a view, when it can be filtered. `finest` is the smallest distance of voxels in viewport pixels; 0 for a
/// view along one frame.
///
/// # Errors
/// [`Exit::Unsupported`] for colour.
pub fn views_of(view: &SliceView, size: [usize; 3], finest: f64) -> Result<FilterView, Refusal> {
    let [columns, rows, _] = size;
    if finest > 0.0 {
        FilterView::of_cut(view, size, finest)
    } else {
        FilterView::of_frame(view, [columns, rows])
    }
    .ok_or_else(|| Refusal::new(Exit::Unsupported, "filters act on grey pictures only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_in_order() {
        let stack = stack_of(
            &["bilateral sigma=2".to_owned(), "sobel".to_owned()],
            &Voi::window(40.0, 400.0),
        )
        .unwrap();
        let texts: Vec<_> = stack.steps().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["bilateral sigma=2 range=40", "sobel"]);
        let refused = stack_of(&["blur".to_owned()], &Voi::window(0.0, 1.0)).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
    }
}
