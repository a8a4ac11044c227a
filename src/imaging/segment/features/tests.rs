//! Segments that are no usual ones. `tests/suite/radiomics.rs` holds the features against those of pyradiomics.

use super::*;
use crate::imaging::segment::Values;

#[test]
fn odd_segments_are_told_or_refused() {
    let size = [6, 5, 4];
    let flat = vec![7i16; 120];
    let image = Values::new(&flat, size).unwrap();
    let token = CancelToken::default();
    let with =
        |segment: &Bits, settings: &Settings| features(&image, segment, [1.0; 3], settings, &token);
    let usual = Settings::default();
    // One voxel: no neighbours, so no directions.
    let one = Bits::from_fn(size, |at| at == [2, 2, 2]);
    let groups = with(&one, &usual).unwrap();
    let of = |group: &str, name: &str| {
        let group = groups.iter().find(|g| g.name == group).unwrap();
        group.features.iter().find(|f| f.0 == name).unwrap().1
    };
    assert!(of("glcm", "Contrast").is_nan() && of("glrlm", "RunEntropy").is_nan());
    assert_eq!(
        (of("firstorder", "Mean"), of("ngtdm", "Coarseness")),
        (7.0, 1e6)
    );
    // One value everywhere.
    let groups = with(&Bits::full(size), &usual).unwrap();
    let glcm = groups.iter().find(|g| g.name == "glcm").unwrap();
    for (name, value) in &glcm.features {
        assert!(value.is_finite(), "{name}");
    }
    assert_eq!(with(&Bits::new(size), &usual), Err(FeatureError::Empty));
    assert_eq!(
        with(&Bits::full([6, 5, 3]), &usual),
        Err(FeatureError::Size)
    );
    let bad = Settings {
        bins: Bins::Width(0.0),
        ..usual
    };
    assert_eq!(with(&one, &bad), Err(FeatureError::Settings));
    let wide: Vec<i32> = (0..120).map(|v| v * 1000).collect();
    let image = Values::new(&wide, size).unwrap();
    let many = features(&image, &Bits::full(size), [1.0; 3], &usual, &token);
    assert_eq!(many, Err(FeatureError::TooManyLevels(4761)));
}
