//! What goes up to the device, when, and what is refused.

use super::{bench, check, frame_of, grey, hounsfield, noisy, phantom, table, texture_of, view};
use glam::{DAffine2, DAffine3, DMat3, DVec3};
use negatoscope::{
    gpu::{Cargo, FrameTexture, GpuError},
    model::{
        lut::Voi,
        pixels::{Frame, StoredType},
        view::{Interpolation, OverlayStyle, SliceView, ViewPlane},
    },
    render::{OverlayScene, SliceRenderer, SliceScene, Target, TargetKind, upload_probabilities},
};

/// Frames arrive while their series is drawn, as in every window that opens one. wgpu takes two locks in opposite order
/// for that; without the door's own lock this stops for ever within some hundred rounds.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn drawing_while_frames_arrive_comes_to_an_end() {
    let bench = bench();
    let (grid, frames) = phantom();
    let frames: Vec<Frame> = frames.into_iter().flatten().collect();
    let first = frames[0].clone();
    let view = ViewPlane::of_slice(&grid, 2.0, 2.0)
        .slice_view(&grid, [24, 24], Interpolation::Nearest, hounsfield(), 1)
        .unwrap();
    let gpu = bench.gpu.clone();
    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let renderer = SliceRenderer::new(&gpu).unwrap();
        let target = Target::new(&gpu, view.size, TargetKind::Picture).unwrap();
        for _ in 0..150 {
            let texture = FrameTexture::new(
                &gpu,
                first.columns,
                first.rows,
                frames.len(),
                first.stored_type,
                first.samples,
            )
            .unwrap();
            std::thread::scope(|scope| {
                for half in 0..2 {
                    let (texture, frames) = (&texture, &frames);
                    scope.spawn(move || {
                        for (layer, frame) in frames.iter().enumerate() {
                            if layer % 2 == half {
                                texture.upload(layer, frame).unwrap();
                            }
                        }
                    });
                }
                while texture.loaded_layers() < frames.len() {
                    let scene = SliceScene {
                        view: &view,
                        texture: &texture,
                        cover: None,
                        overlay: None,
                        labels: None,
                    };
                    renderer.draw(&gpu, &target, &scene).unwrap();
                }
            });
        }
        done.send(()).unwrap();
    });
    let ended = waiting.recv_timeout(std::time::Duration::from_secs(120));
    assert!(ended.is_ok(), "drawing and uploading wait for each other");
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_window_drag_uploads_no_pixels() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let target = Target::new(&bench.gpu, [64, 64], TargetKind::Picture).unwrap();
    let plane = ViewPlane::of_slice(&grid, 9.0, 0.8);
    let mut view = plane
        .slice_view(&grid, [64, 64], Interpolation::Linear, hounsfield(), 1)
        .unwrap();
    let mut draw = |voi| {
        view.grey.voi = voi;
        let before = bench.gpu.door.snapshot();
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
        bench.gpu.door.since(&before)
    };
    draw(Voi::window(40.0, 400.0));
    let moved = draw(Voi::window(41.0, 402.0));
    assert_eq!(moved.uploaded_in_all(), moved.uploaded(Cargo::Uniform));
    // The numbers of one picture: plane, slab, grey chain.
    assert!(moved.uploaded_in_all() <= 512, "{moved:?}");
    // A table is uploaded once, and stays when another one was drawn in between.
    let ramp = Voi::Table(table(0, 8, (0..256).collect()));
    assert_eq!(draw(ramp.clone()).uploaded(Cargo::Lut), 1024);
    draw(Voi::window(40.0, 400.0));
    assert_eq!(draw(ramp).uploaded(Cargo::Lut), 0);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn frames_may_come_from_many_threads() {
    let bench = bench();
    let size = [300, 200, 24];
    let frames = noisy(StoredType::U16, 1000.0, 400.0, size, 41);
    let texture = FrameTexture::new(&bench.gpu, 300, 200, 24, StoredType::U16, 1).unwrap();
    assert_eq!(texture.memory_bytes(), 300 * 200 * 24 * 2);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (texture, frames) = (&texture, &frames);
            scope.spawn(move || {
                for layer in (thread..24).step_by(4) {
                    texture
                        .upload(layer, frames[layer].as_ref().unwrap())
                        .unwrap();
                }
            });
        }
    });
    let mut grey = grey(StoredType::U16);
    grey.voi = Voi::window(1000.0, 600.0);
    // A cut along the slices, so that every layer is seen.
    let mapping = DAffine3 {
        matrix3: DMat3::from_cols(DVec3::X, DVec3::new(0.0, 1.3, 0.2), DVec3::Z),
        translation: DVec3::new(-0.5, 0.0, 0.0),
    };
    let view = view([300, 115], mapping, grey, Interpolation::Linear);
    check(&bench, "threads", &frames, &texture, &view);
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn large_frames_are_uploaded_in_runs() {
    let bench = bench();
    // 8.4 MB: three runs of at most 4 MiB, the last one short.
    let frame = frame_of(3001, 1401, 1, StoredType::U16, |i, j| {
        ((i * 31 + j * 17) % 4096) as f64
    });
    let frames = [Some(frame)];
    let texture = texture_of(&bench.gpu, &frames);
    let mut grey = grey(StoredType::U16);
    grey.voi = Voi::window(2048.0, 4096.0);
    let size = [750, 1401];
    for x in [0.0, 2251.0] {
        let mapping = DAffine3::from_translation(DVec3::new(x - 0.5, -0.5, 0.0));
        let view = view(size, mapping, grey.clone(), Interpolation::Nearest);
        check(&bench, "large", &frames, &texture, &view);
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn what_does_not_fit_is_refused_with_words() {
    let bench = bench();
    let gpu = &bench.gpu;
    let limits = gpu.device.limits();
    let new =
        |columns, layers, kind, samples| FrameTexture::new(gpu, columns, 4, layers, kind, samples);
    let side = limits.max_texture_dimension_2d as usize;
    let layers = FrameTexture::most_frames(gpu, 4);
    assert!(matches!(
        new(side + 1, 1, StoredType::U8, 1),
        Err(GpuError::FrameTooLarge { .. })
    ));
    assert!(matches!(
        new(4, layers + 1, StoredType::U8, 1),
        Err(GpuError::TooManyLayers { .. })
    ));
    assert!(matches!(
        new(0, 1, StoredType::U8, 1),
        Err(GpuError::Mismatch(_))
    ));
    assert!(matches!(
        new(4, 1, StoredType::F32, 3),
        Err(GpuError::Mismatch(_))
    ));
    assert!(new(side, 1, StoredType::U8, 1).is_ok());
    let texture = new(4, 2, StoredType::U8, 1).unwrap();
    let frame = |columns, kind| frame_of(columns, 4, 1, kind, |_, _| 0.0);
    assert!(texture.upload(2, &frame(4, StoredType::U8)).is_err());
    assert!(texture.upload(0, &frame(5, StoredType::U8)).is_err());
    assert!(texture.upload(0, &frame(4, StoredType::I8)).is_err());
    assert!(texture.mark_failed(2).is_err());
    assert_eq!(texture.loaded_layers(), 0);
    assert!(Target::new(gpu, [0, 5], TargetKind::Picture).is_err());
    let target = Target::new(gpu, [4, 4], TargetKind::Picture).unwrap();
    let mut wrong = view(
        [5, 4],
        DAffine3::IDENTITY,
        grey(StoredType::U8),
        Interpolation::Nearest,
    );
    let draw = |view: &SliceView, overlay| {
        let scene = SliceScene {
            view,
            texture: &texture,
            cover: None,
            overlay,
            labels: None,
        };
        bench.renderer.draw(gpu, &target, &scene)
    };
    assert!(draw(&wrong, None).is_err());
    wrong.size = [4, 4];
    assert!(draw(&wrong, None).is_ok());
    wrong.grey.stored_type = StoredType::U16;
    assert!(draw(&wrong, None).is_err());
    wrong.grey.stored_type = StoredType::U8;
    assert!(upload_probabilities(gpu, [2, 2], &[0.0; 3]).is_err());
    assert!(upload_probabilities(gpu, [0, 0], &[]).is_err());
    let shared = upload_probabilities(gpu, [2, 2], &[0.0; 4]).unwrap();
    let mut short = shared.clone();
    short.shape = [3, 2];
    let over = |buffer| OverlayScene {
        buffer,
        style: OverlayStyle::AI,
        map_from_viewport: DAffine2::IDENTITY,
    };
    assert!(draw(&wrong, Some(over(&shared))).is_ok());
    assert!(draw(&wrong, Some(over(&short))).is_err());
    assert!(!gpu.take_error());
}
