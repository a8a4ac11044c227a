//! Frames larger than the device's textures, and series larger than their budget.

use crate::bad_input::build::Slice;
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::FileFrames,
        scan::{ScanOptions, read_instance},
    },
    gpu::{FrameTexture, GpuContext, GpuError},
    imaging::reslice,
    model::{
        lut::{ModalityLut, Voi},
        pixels::{Frame, PixelBytes, StoredType},
        view::{GreyPipeline, Interpolation, SliceView},
    },
    render::{SliceRenderer, SliceScene, Target, TargetKind},
    workspace::display::{FrameState, SeriesDisplay},
};
use std::sync::Arc;

const LIMIT: u32 = 512;

/// The device of this machine, with textures of at most 512 pixels a side.
fn small_device() -> GpuContext {
    let whole = GpuContext::headless().unwrap();
    let descriptor = wgpu::DeviceDescriptor {
        required_limits: wgpu::Limits {
            max_texture_dimension_2d: LIMIT,
            ..wgpu::Limits::default()
        },
        ..Default::default()
    };
    let mut request = std::pin::pin!(whole.adapter.request_device(&descriptor));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let (device, queue) = loop {
        if let std::task::Poll::Ready(made) = request.as_mut().poll(&mut context) {
            break made.unwrap();
        }
    };
    GpuContext::from_parts(whole.instance.clone(), whole.adapter.clone(), device, queue)
}

fn grey() -> GreyPipeline {
    GreyPipeline {
        stored_type: StoredType::U16,
        modality_lut: ModalityLut::IDENTITY,
        voi: Voi::window(2000.0, 4000.0),
        inverted: false,
        padding: None,
        presentation: None,
    }
}

/// A slope along both sides with a bright square in one corner.
fn film(columns: usize, rows: usize) -> Frame {
    let values = (0..rows).flat_map(|y| {
        (0..columns).flat_map(move |x| {
            let square = (columns - 300..columns - 100).contains(&x) && (50..200).contains(&y);
            let value = if square { 4000 } else { x + 2 * y / 3 };
            (value as u16).to_le_bytes()
        })
    });
    let pixels = PixelBytes::from_vec(values.collect());
    Frame::new(rows, columns, 1, StoredType::U16, pixels).unwrap()
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn frames_larger_than_a_texture_are_drawn_where_they_lie() {
    let gpu = small_device();
    let (columns, rows) = (1250, 901);
    assert!(matches!(
        FrameTexture::new(&gpu, columns, rows, 1, StoredType::U16, 1),
        Err(GpuError::FrameTooLarge { .. })
    ));
    let texture = FrameTexture::fitting(&gpu, columns, rows, 2, StoredType::U16, 1).unwrap();
    assert_eq!(texture.reduced(), 3);
    assert_eq!(texture.frame_size(), [columns, rows]);
    assert_eq!(texture.size(), [417, 301, 2]);
    let frame = film(columns, rows);
    texture.upload(1, &frame).unwrap();
    let renderer = SliceRenderer::new(&gpu).unwrap();
    let size = [256, 192];
    let target = Target::new(&gpu, size, TargetKind::Picture).unwrap();
    // Whole, enlarged about the square, turned by a quarter.
    let views = [
        (
            DMat3::from_diagonal(DVec3::new(4.9, 4.7, 1.0)),
            DVec3::new(1.5, 0.5, 1.0),
        ),
        (
            DMat3::from_diagonal(DVec3::new(1.5, 1.5, 1.0)),
            DVec3::new(860.0, 3.0, 1.0),
        ),
        (
            DMat3::from_cols(
                DVec3::new(0.0, 4.6, 0.0),
                DVec3::new(-6.2, 0.0, 0.0),
                DVec3::Z,
            ),
            DVec3::new(1240.0, 2.0, 1.0),
        ),
    ];
    for (matrix3, translation) in views {
        let view = SliceView {
            size,
            voxel_from_viewport: DAffine3 {
                matrix3,
                translation,
            },
            interpolation: Interpolation::Linear,
            grey: grey(),
            samples: 1,
            area: false,
            slab: None,
        };
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        renderer.draw(&gpu, &target, &scene).unwrap();
        let drawn = target.read_back().unwrap();
        let full = reslice::draw_cpu(&view, &[None, Some(frame.clone())]);
        let mut apart = 0;
        for (a, b) in drawn.chunks_exact(4).zip(full.chunks_exact(4)) {
            // A grey level is 15.7 values; a texel stands for 3 x 3 pixels of a slope of 1.2.
            apart += usize::from(a[0].abs_diff(b[0]) > 1);
        }
        // Only along the square's edges and the picture's border, three pixels wide.
        let allowed = (size[0] * size[1]) as usize / 20;
        assert!(apart <= allowed, "{apart} of {allowed}: {matrix3}");
    }
    assert!(!gpu.take_error());
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_series_beyond_its_budget_scrolls_within_it() {
    let folder = tempfile::tempdir().unwrap();
    let (side, slices) = (256u16, 24);
    let frame_bytes = 2 * u64::from(side) * u64::from(side);
    let instances: Vec<_> = (0..slices)
        .map(|k| {
            let values: Vec<u8> = (0..u32::from(side) * u32::from(side))
                .flat_map(|at| ((at % 251 + k) as i16).to_le_bytes())
                .collect();
            let path = Slice {
                uid: format!("1.2.3.{k}"),
                rows: side,
                columns: side,
                position: Some([0.0, 0.0, f64::from(k)]),
                ..Slice::default()
            }
            .native(&values)
            .write(folder.path(), &format!("{k}.dcm"));
            Arc::new(read_instance(&path, &ScanOptions::default()).unwrap())
        })
        .collect();
    let layout = Arc::new(lay_out(&instances).swap_remove(0));
    assert!(layout.volume.is_some());
    let gpu = GpuContext::headless().unwrap();
    let source = FileFrames::default();
    let all = SeriesDisplay::new("a".into(), layout.clone(), frame_bytes * 24, &gpu);
    assert!(all.is_volume());
    let display = SeriesDisplay::new("b".into(), layout, frame_bytes * 5 + 100, &gpu);
    assert!(!display.is_volume() && !display.all_fit());
    assert_eq!(display.most_bytes(), frame_bytes * 5);
    for step in [12, 13, 14, 15, 16, 17, 18, 3, 12, 23, 0, 1, 2] {
        let chunk = display.chunk_of(step).unwrap();
        if display.wants(chunk) {
            display.load_chunk(chunk, &source, &gpu);
        }
        let layer = display.layer_of(step).unwrap();
        assert!(layer < 5);
        let FrameState::Loaded(frame) = display.frame(step) else {
            panic!("slice {step} is not there");
        };
        assert_eq!(frame.value(3, 0, 0), Some((3 + step) as f64));
        assert!(display.resident_bytes() <= frame_bytes * 5);
        let texture = display.texture().unwrap().as_ref().unwrap();
        assert_eq!(texture.size()[2], 5);
    }
}
