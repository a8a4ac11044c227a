//! What is drawn into: modality values, and a window.

use super::{bench, hounsfield, phantom, texture_of};
use negatoscope::{
    gpu::Cargo,
    imaging::reslice,
    model::view::{Interpolation, ViewPlane},
    render::{Blit, SliceScene, Target, TargetKind},
};

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn modality_values_come_back_exactly() {
    let bench = bench();
    let (grid, frames) = phantom();
    let texture = texture_of(&bench.gpu, &frames);
    let size = [90, 80];
    let mut plane = ViewPlane::of_slice(&grid, 7.0, 0.5);
    for (interpolation, bound) in [(Interpolation::Nearest, 0.0), (Interpolation::Linear, 1e-3)] {
        let view = plane
            .slice_view(&grid, size, interpolation, hounsfield(), 1)
            .unwrap();
        let target = Target::new(&bench.gpu, size, TargetKind::Values).unwrap();
        let scene = SliceScene {
            view: &view,
            texture: &texture,
            cover: None,
            overlay: None,
            labels: None,
        };
        bench.renderer.draw(&bench.gpu, &target, &scene).unwrap();
        let gpu = target.read_values().unwrap();
        let cpu = reslice::values_cpu(&view, &frames);
        assert_eq!(gpu.len(), cpu.len());
        let mut numbers = 0;
        for (a, b) in gpu.iter().zip(&cpu) {
            assert_eq!(a.is_nan(), b.is_nan());
            if !a.is_nan() {
                numbers += 1;
                assert!((a - b).abs() <= bound, "{a} {b}");
            }
        }
        assert!(numbers > 1000 && numbers < gpu.len());
        plane = plane.panned(3.3, 4.4);
    }
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_window_gets_the_picture_pixel_by_pixel() {
    let bench = bench();
    let gpu = &bench.gpu;
    let (grid, frames) = phantom();
    let texture = texture_of(gpu, &frames);
    let size = [40, 30];
    let view = ViewPlane::of_slice(&grid, 9.0, 1.0)
        .slice_view(&grid, size, Interpolation::Linear, hounsfield(), 1)
        .unwrap();
    let picture = Target::new(gpu, size, TargetKind::Picture).unwrap();
    let scene = SliceScene {
        view: &view,
        texture: &texture,
        cover: None,
        overlay: None,
        labels: None,
    };
    bench.renderer.draw(gpu, &picture, &scene).unwrap();
    let expected = picture.read_back().unwrap();
    let origin = [13u32, 7];
    for format in [
        wgpu::TextureFormat::Rgba8Unorm,
        wgpu::TextureFormat::Bgra8Unorm,
        wgpu::TextureFormat::Rgba8UnormSrgb,
    ] {
        let window = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d {
                width: 64,
                height: 48,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let blit = Blit::new(gpu, format).unwrap();
        let binding = blit.bind(gpu, &picture);
        binding.place(gpu, origin.map(|v| v as i32), 0).unwrap();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &window.create_view(&Default::default()),
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::WHITE),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            // The viewport is a pixel wider and higher than the picture.
            pass.set_viewport(origin[0] as f32, origin[1] as f32, 41.0, 31.0, 0.0, 1.0);
            blit.paint(&mut pass, &binding);
        }
        gpu.queue.submit([encoder.finish()]);
        let shown = gpu
            .door
            .read_texture(Cargo::Picture, &window, 0, 4)
            .unwrap();
        for (i, pixel) in shown.chunks_exact(4).enumerate() {
            let (x, y) = (i as u32 % 64, i as u32 / 64);
            let (px, py) = (x.wrapping_sub(origin[0]), y.wrapping_sub(origin[1]));
            let want = if px < 40 && py < 30 {
                let at = (py * 40 + px) as usize * 4;
                [expected[at], expected[at + 1], expected[at + 2]]
            } else if px < 41 && py < 31 {
                [0; 3]
            } else {
                [255; 3]
            };
            let worst = (0..3).map(|c| pixel[c].abs_diff(want[c])).max().unwrap();
            // Encoding as sRGB rounds once more.
            let bound = u8::from(format.is_srgb());
            assert!(worst <= bound, "{format:?} ({x}, {y}): {pixel:?} {want:?}");
        }
    }
    assert!(!gpu.take_error());
}
