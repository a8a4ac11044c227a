//! More slices than a texture of the device has layers.

use super::{bench, check, drawn, noisy, texture_of, variety, view, windowed};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::model::{
    lut::{ModalityLut, VoiLutFunction},
    pixels::StoredType,
    view::{GreyPipeline, Interpolation},
};

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_volume_longer_than_the_device_has_layers_is_cut_right() {
    let bench = bench();
    let layers = bench.gpu.device.limits().max_texture_array_layers as usize;
    let slices = layers * 2 + 77;
    let size = [7, 5, slices];
    let mut frames = noisy(StoredType::I16, 100.0, 900.0, size, 11);
    frames[layers + 3] = None;
    let texture = texture_of(&bench.gpu, &frames);
    assert_eq!(texture.stacked(), 3);
    assert_eq!(texture.size(), size);
    let tall = slices as f64;
    // Straight along the slices, and a plane that leans through all of them; both cross the borders of many layers.
    let straight = DMat3::from_cols(
        DVec3::new(7.0 / 60.0, 0.0, 0.0),
        DVec3::new(0.0, 0.0, tall / 900.0),
        DVec3::Y,
    );
    let leaning = DMat3::from_cols(
        DVec3::new(6.0 / 60.0, 0.01, 3.3),
        DVec3::new(0.0, 5.0 / 900.0, tall / 900.0),
        DVec3::Y,
    );
    for (name, matrix3, translation) in [
        ("straight", straight, DVec3::new(-0.4, 2.0, -0.4)),
        ("leaning", leaning, DVec3::new(0.2, -0.3, -40.0)),
    ] {
        for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
            let mapping = DAffine3 {
                matrix3,
                translation,
            };
            let grey = GreyPipeline {
                stored_type: StoredType::I16,
                modality_lut: ModalityLut::Rescale {
                    slope: 1.0,
                    intercept: -24.0,
                },
                voi: windowed(76.0, 1200.0, VoiLutFunction::Linear),
                inverted: false,
                padding: None,
                presentation: None,
            };
            let view = view([60, 900], mapping, grey, interpolation);
            let picture = drawn(&bench, &texture, &view, None);
            assert!(variety(&picture) > 50, "{name}");
            check(&bench, name, &frames, &texture, &view);
        }
    }
}
