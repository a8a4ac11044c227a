//! Filters against scikit-image and scipy: dumps of tests/data/filters_reference.py.

mod device;

use negatoscope::{
    imaging::filter::{FilterPlane, apply_one},
    model::filter::{FilterKind, FilterStep},
    task::CancelToken,
};
use std::{collections::BTreeSet, fs, path::Path};

/// One row of filters.tsv with the picture it was made of.
pub struct Dump {
    /// The picture and the filter, as text.
    pub name: String,
    /// The filter.
    pub step: FilterStep,
    /// Before.
    pub picture: FilterPlane,
    /// After, as the reference says.
    pub expected: Vec<f64>,
}

impl Dump {
    /// Largest difference to the reference as a share of the picture's range of values.
    pub fn error(&self, found: &[f64]) -> f64 {
        let values = self.picture.values();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(found.len(), self.expected.len(), "{}", self.name);
        let worst = found.iter().zip(&self.expected).map(|(a, b)| (a - b).abs());
        // What is no number is no agreement.
        worst.fold(
            0.0,
            |w: f64, e| if e.is_nan() { f64::INFINITY } else { w.max(e) },
        ) / (high - low)
    }
}

/// All dumps.
pub fn dumps() -> Vec<Dump> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let bytes = fs::read(folder.join("filters.bin")).unwrap();
    let text = fs::read_to_string(folder.join("filters.tsv")).unwrap();
    let mut picture = None;
    let mut found = vec![];
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |i: usize| fields[i].parse::<usize>().unwrap();
        let (columns, rows, first) = (number(2), number(3), number(4));
        let values: Vec<f64> = bytes[4 * first..4 * (first + columns * rows)]
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f64::from(f32::from_le_bytes(*b)))
            .collect();
        if fields[1].is_empty() {
            picture = FilterPlane::new(columns, rows, values);
        } else {
            found.push(Dump {
                name: format!("{} {}", fields[0], fields[1]),
                step: FilterStep::parse(fields[1], 1.0).unwrap(),
                picture: picture.clone().unwrap(),
                expected: values,
            });
        }
    }
    found
}

/// How far the reference and ours may be apart, as a share of the picture's range: the 32-bit floats of the dump for
/// most; for equalisation one of its 16384 levels, which scikit-image adds up in 32-bit floats and cuts to whole ones.
pub fn bound(kind: FilterKind) -> f64 {
    match kind {
        FilterKind::Clahe => 1e-4,
        _ => 1e-6,
    }
}

#[test]
fn every_filter_equals_its_function_of_scikit_image() {
    let dumps = dumps();
    let kinds: BTreeSet<FilterKind> = dumps.iter().map(|d| d.step.kind).collect();
    assert_eq!(kinds.len(), FilterKind::ALL.len());
    for dump in dumps {
        let done = apply_one(&dump.step, &dump.picture, &CancelToken::default()).unwrap();
        let error = dump.error(done.values());
        assert!(error <= bound(dump.step.kind), "{}: {error:e}", dump.name);
        // The reference is not the picture itself, so the comparison can fail.
        assert!(dump.error(dump.picture.values()) > 1e-3, "{}", dump.name);
    }
}
