//! Millimetres, and where they come from.

use super::read;
use crate::bad_input::build::{Bytes, EXPLICIT, Slice, write};
use negatoscope::model::geometry::{PixelBounds, Spacing, SpacingSource};

#[test]
fn millimetres_know_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let film = |modality: &str| {
        Slice {
            position: None,
            spacing: None,
            ..Slice::default()
        }
        .text(8, 0x60, b"CS", modality)
    };
    let check = |slice: Slice, expected: Option<(f64, f64, SpacingSource)>| {
        let path = write(folder.path(), "case", &slice.file(EXPLICIT));
        let found = match read(&path).image.unwrap().shared.spacing {
            Spacing::Millimetres {
                row_mm,
                column_mm,
                source,
            } => Some((row_mm, column_mm, source)),
            Spacing::Unknown { .. } => None,
        };
        assert_eq!(found, expected);
    };
    let (pixel, imager) = ((0x28, 0x30), (0x18, 0x1164));
    let with = |slice: Slice, tag: (u16, u16), text: &str| slice.text(tag.0, tag.1, b"DS", text);
    check(film("CR"), None);
    check(
        with(film("DX"), imager, r"0.2\0.1"),
        Some((0.2, 0.1, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(with(film("DX"), imager, r"0.2\0.2"), pixel, r"0.2\0.2"),
        Some((0.2, 0.2, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(with(film("DX"), imager, r"0.2\0.2"), pixel, r"0.18\0.18"),
        Some((0.18, 0.18, SpacingSource::Calibrated)),
    );
    // PS3.3 10.7.1: the same in the patient as at the detector means that nothing was corrected, unless said so.
    let both = |pixel_spacing: &str, kind: &str| {
        with(with(film("DX"), imager, r"0.2\0.2"), pixel, pixel_spacing)
            .text(0x28, 0xA02, b"CS", kind)
    };
    let (ermf, nominal) = ((0x18, 0x1114), (0x18, 0x2010));
    check(
        both(r"0.16\0.16", "GEOMETRY"),
        Some((0.16, 0.16, SpacingSource::GeometryCorrected)),
    );
    check(
        both(r"0.2\0.2", "FIDUCIAL"),
        Some((0.2, 0.2, SpacingSource::Fiducial)),
    );
    check(
        with(both(r"0.16\0.16", "GEOMETRY"), ermf, "1.25"),
        Some((0.16, 0.16, SpacingSource::GeometryCorrected)),
    );
    check(
        with(both(r"0.2\0.2", "GEOMETRY"), ermf, "1.25"),
        Some((0.2, 0.2, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(film("CR"), pixel, r"0.2\0.2"),
        Some((0.2, 0.2, SpacingSource::CalibrationUnknown)),
    );
    check(
        with(film("CR"), pixel, r"0.2\0.2").text(0x28, 0xA02, b"CS", "FIDUCIAL"),
        Some((0.2, 0.2, SpacingSource::Fiducial)),
    );
    // Nothing is nearer to the source than the source, and nothing is magnified 50 times.
    for factor in ["0.5", "50", "0", "-1.2"] {
        check(
            with(with(film("DX"), imager, r"0.2\0.2"), ermf, factor),
            Some((0.2, 0.2, SpacingSource::ImagerPixelSpacing)),
        );
    }
    check(
        with(with(film("CR"), nominal, r"0.3\0.3"), pixel, r"0.3\0.3"),
        Some((0.3, 0.3, SpacingSource::NominalScanned)),
    );
    check(
        with(with(film("OT"), nominal, r"0.3\0.3"), pixel, r"0.25\0.25"),
        Some((0.25, 0.25, SpacingSource::Calibrated)),
    );
    check(
        with(film("RTIMAGE"), (0x3002, 0x11), r"0.4\0.4"),
        Some((0.4, 0.4, SpacingSource::ImagerPixelSpacing)),
    );
    let grouped = |modality: &str, sequence: u16, tag: (u16, u16)| {
        let inner = Bytes::default().text(tag.0, tag.1, b"DS", r"0.2\0.1");
        let group = Bytes::default().sequence(0x28, sequence, &[inner]);
        let bytes = Bytes::default().sequence(0x5200, 0x9229, &[group]).0;
        let mut slice = film(modality);
        slice.more.push((0x5200, 0x9229, bytes));
        slice
    };
    // A tomogram is no projection, whatever its modality; enhanced XA keeps the detector's spacing in a group.
    check(
        grouped("MG", 0x9110, pixel),
        Some((0.2, 0.1, SpacingSource::PixelSpacing)),
    );
    check(
        grouped("XA", 0x9443, imager),
        Some((0.2, 0.1, SpacingSource::ImagerPixelSpacing)),
    );
    check(
        with(with(film("MG"), imager, r"0.1\0.1"), (0x18, 0x1114), "1.25"),
        Some((0.1 / 1.25, 0.1 / 1.25, SpacingSource::ImagerMagnified(1.25))),
    );
    check(
        with(film("OT"), (0x18, 0x2010), r"0.3\0.3"),
        Some((0.3, 0.3, SpacingSource::NominalScanned)),
    );
    let place = |[left, top, right, bottom]: [u32; 4]| {
        let ul = |bytes: Bytes, element, n: u32| bytes.put(0x18, element, b"UL", &n.to_le_bytes());
        let bytes = ul(Bytes::default().us(0x18, 0x6012, 1), 0x6018, left);
        ul(ul(ul(bytes, 0x601A, top), 0x601C, right), 0x601E, bottom)
    };
    let scaled = |bytes: Bytes, delta: f64, unit: u16| {
        bytes
            .us(0x18, 0x6024, unit)
            .us(0x18, 0x6026, unit)
            .put(0x18, 0x602C, b"FD", &delta.to_le_bytes())
            .put(0x18, 0x602E, b"FD", &(2.0 * delta).to_le_bytes())
    };
    let region = |delta, unit| scaled(Bytes::default().us(0x18, 0x6012, 1), delta, unit);
    let placed = |at, delta, unit| scaled(place(at), delta, unit);
    let scan = |regions: &[Bytes]| {
        let mut slice = film("US");
        let bytes = Bytes::default().sequence(0x18, 0x6011, regions).0;
        slice.more.push((0x18, 0x6011, bytes));
        slice
    };
    let within = |bounds: Option<[u32; 4]>| {
        let bounds = bounds.map(|[left, top, right, bottom]| PixelBounds {
            low: [left, top],
            high: [right, bottom],
        });
        Some((0.5, 0.25, SpacingSource::UltrasoundRegion(bounds)))
    };
    check(scan(&[region(0.025, 3)]), within(None));
    check(scan(&[region(0.025, 3), region(0.05, 3)]), None);
    // Where the spectrum is and where the tissue is not told.
    check(scan(&[region(0.025, 3), region(0.05, 4)]), None);
    let (left, right, low) = ([0, 0, 40, 30], [41, 0, 80, 30], [0, 30, 80, 60]);
    let spectrum = placed(low, 0.05, 4);
    check(scan(&[placed(left, 0.025, 3)]), within(Some(left)));
    check(
        scan(&[spectrum.clone(), placed(right, 0.025, 3)]),
        within(Some(right)),
    );
    check(
        scan(&[placed(left, 0.025, 3), placed(right, 0.025, 3), spectrum]),
        within(Some([0, 0, 80, 30])),
    );
    let halves = [
        placed([0, 30, 40, 60], 0.025, 3),
        placed([41, 30, 80, 60], 0.025, 3),
    ];
    let [lower_left, lower_right] = halves;
    check(
        scan(&[placed([0, 0, 80, 30], 0.05, 4), lower_left, lower_right]),
        within(Some([0, 30, 80, 60])),
    );
    let between = placed([20, 0, 60, 30], 0.05, 4);
    check(
        scan(&[placed(left, 0.025, 3), placed(right, 0.025, 3), between]),
        within(Some(left)),
    );
    check(
        scan(&[placed(left, 0.025, 3), placed(right, 0.05, 3)]),
        None,
    );
    check(scan(&[placed([40, 30, 0, 0], 0.025, 3)]), within(None));
    check(scan(&[region(0.0, 3)]), None);
}
