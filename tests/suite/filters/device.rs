//! Filters on the device against the same dumps, and against the f64 reference where there is padding.

use super::{Dump, dumps};
use glam::{DAffine3, DVec3};
use negatoscope::{
    gpu::{FrameTexture, GpuContext},
    imaging::filter::{FilterPlane, FilterView, apply_one},
    model::{
        filter::{FilterKind, FilterStack, FilterStep},
        lut::{ModalityLut, Voi},
        pixels::StoredType,
        view::{GreyPipeline, Interpolation, SliceView},
    },
    render::{FilterRenderer, SliceRenderer, SliceScene, Target, TargetKind},
    task::CancelToken,
};

/// What the device makes of a plane, read back through the pass that draws it.
struct Device {
    gpu: GpuContext,
    slices: SliceRenderer,
    filters: FilterRenderer,
}

impl Device {
    fn open() -> Self {
        let gpu = GpuContext::headless().unwrap();
        Self {
            slices: SliceRenderer::new(&gpu).unwrap(),
            filters: FilterRenderer::new(&gpu).unwrap(),
            gpu,
        }
    }

    fn run(&self, stack: &FilterStack, plane: &FilterPlane) -> Vec<f64> {
        let [columns, rows] = plane.size();
        let size = [columns as u32, rows as u32];
        let view = SliceView {
            size,
            voxel_from_viewport: DAffine3::from_translation(DVec3::new(-0.5, -0.5, 0.0)),
            interpolation: Interpolation::Nearest,
            grey: GreyPipeline {
                stored_type: StoredType::F32,
                modality_lut: ModalityLut::IDENTITY,
                voi: Voi::window(0.0, 100.0),
                inverted: false,
                padding: None,
                presentation: None,
            },
            samples: 1,
            area: false,
            slab: None,
        };
        let gpu = &self.gpu;
        let frames = FrameTexture::new(gpu, columns, rows, 1, StoredType::F32, 1).unwrap();
        frames.upload(0, &plane.to_frame().unwrap()).unwrap();
        let views = FilterView::of_frame(&view, [columns, rows]).unwrap();
        let draw = |view: &SliceView, texture: &FrameTexture| {
            let target = Target::new(gpu, size, TargetKind::Values).unwrap();
            let scene = SliceScene {
                view,
                texture,
                cover: None,
                overlay: None,
                labels: None,
            };
            self.slices.draw(gpu, &target, &scene).unwrap();
            target
        };
        let source = draw(&views.plane, &frames);
        let result = FrameTexture::computed(gpu, columns, rows).unwrap();
        let before = gpu.door.snapshot();
        self.filters.run(gpu, stack, &source, &result).unwrap();
        let moved = gpu.door.since(&before);
        // Numbers of passes and weights go up; no pixel goes anywhere.
        assert_eq!(moved.read_back_in_all(), 0);
        assert_eq!(moved.uploaded(negatoscope::gpu::Cargo::Pixels), 0);
        let values = draw(&views.result, &result).read_values().unwrap();
        values.into_iter().map(f64::from).collect()
    }

    fn one(&self, step: &FilterStep, plane: &FilterPlane) -> Vec<f64> {
        let mut stack = FilterStack::default();
        stack.push(*step).unwrap();
        self.run(&stack, plane)
    }
}

/// As a share of the picture's range of values.
const BOUND: f64 = 1e-4;

#[test]
fn the_device_equals_scikit_image() {
    let device = Device::open();
    for dump in dumps() {
        let error = dump.error(&device.one(&dump.step, &dump.picture));
        assert!(error <= BOUND, "{}: {error:e}", dump.name);
    }
}

/// Every third diagonal and a block of a picture are no image.
fn with_holes(dump: &Dump) -> FilterPlane {
    let [columns, rows] = dump.picture.size();
    let values = dump.picture.values().iter().enumerate().map(|(i, v)| {
        let (x, y) = (i % columns, i / columns);
        let hole = (x + y) % 7 == 0 || (x < 9 && y > rows - 8);
        if hole { f64::NAN } else { *v }
    });
    FilterPlane::new(columns, rows, values.collect()).unwrap()
}

#[test]
fn padding_is_treated_alike_on_both_sides() {
    let device = Device::open();
    let mut kinds = vec![];
    for dump in dumps() {
        if kinds.contains(&dump.step.kind) {
            continue;
        }
        kinds.push(dump.step.kind);
        let plane = with_holes(&dump);
        let expected = apply_one(&dump.step, &plane, &CancelToken::default()).unwrap();
        let found = device.one(&dump.step, &plane);
        let values = plane.values().iter().filter(|v| !v.is_nan());
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        for (a, b) in found.iter().zip(expected.values()) {
            assert_eq!(a.is_nan(), b.is_nan(), "{}", dump.name);
            // A level of equalisation may be cut either way.
            let bound = if dump.step.kind == FilterKind::Clahe {
                2e-4
            } else {
                BOUND
            };
            assert!(
                a.is_nan() || (a - b).abs() <= bound * (high - low),
                "{}",
                dump.name
            );
        }
    }
    assert_eq!(kinds.len(), FilterKind::ALL.len());
}

#[test]
fn a_stack_runs_in_its_order_and_leaves_out_what_is_off() {
    let device = Device::open();
    let dump = dumps().swap_remove(0);
    let mut stack = FilterStack::default();
    for text in [
        "median radius=1",
        "unsharp radius=1 amount=2",
        "otsu",
        "top-hat radius=2",
        "gaussian sigma=1",
    ] {
        stack.push(FilterStep::parse(text, 1.0).unwrap()).unwrap();
    }
    stack.step_mut(2).unwrap().on = false;
    let expected =
        negatoscope::imaging::filter::apply(&stack, dump.picture.clone(), &CancelToken::default());
    let dump = Dump {
        expected: expected.unwrap().into_values(),
        ..dump
    };
    assert!(dump.error(&device.run(&stack, &dump.picture)) <= BOUND);
    stack.raise(1);
    assert!(dump.error(&device.run(&stack, &dump.picture)) > BOUND);
}
