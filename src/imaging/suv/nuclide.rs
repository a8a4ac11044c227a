//! Half lives of the nuclides of CID 4020 that are used, to check what a file says. Never in place of it.

/// A nuclide by its codes (PS3.16 CID 4020: SNOMED CT, and SNOMED RT of older files) and the range of half lives
/// in use, seconds: evaluations differ, and scanners keep the value they were made with.
struct Nuclide {
    sct: &'static str,
    srt: &'static str,
    half_life_secs: [f64; 2],
}

const fn nuclide(sct: &'static str, srt: &'static str, low: f64, high: f64) -> Nuclide {
    Nuclide {
        sct,
        srt,
        half_life_secs: [low, high],
    }
}

const NUCLIDES: [Nuclide; 13] = [
    nuclide("40565003", "C-105A1", 1220.0, 1224.0), // C-11, 20.36 min
    nuclide("21576001", "C-107A1", 597.6, 598.2),   // N-13, 9.965 min
    nuclide("129504001", "C-B1038", 122.0, 122.3),  // O-15
    nuclide("77004003", "C-111A1", 6582.0, 6588.0), // F-18, 109.77 min
    nuclide("425364008", "C-127A4", 1422.0, 1422.0), // Cu-60, 23.7 min
    nuclide("422934004", "C-127A5", 578.0, 585.0),  // Cu-62, 9.67 min
    nuclide("3932008", "C-127A2", 45_720.0, 45_730.0), // Cu-64, 12.70 h
    nuclide("35337001", "C-131A3", 4057.0, 4080.0), // Ga-68, 67.71 min
    nuclide("79523006", "C-113A2", 58_300.0, 58_330.0), // Br-76, 16.2 h
    nuclide("79197006", "C-159A2", 75.0, 76.4),     // Rb-82, 1.26 min
    nuclide("10738001", "C-162A3", 53_060.0, 53_070.0), // Y-86, 14.74 h
    nuclide("63360001", "C-168A4", 282_200.0, 282_300.0), // Zr-89, 78.41 h
    nuclide("40937006", "C-114A5", 360_800.0, 361_000.0), // I-124, 4.176 d
];

/// By how much a half life lies outside of what is known of the nuclide, as a share (0 inside); `None` for a
/// nuclide that is not in the table.
pub(super) fn deviation(scheme: &str, code: &str, half_life_secs: f64) -> Option<f64> {
    let found = NUCLIDES.iter().find(|n| match scheme {
        "SCT" => n.sct == code,
        "SRT" | "SNM3" | "99SDM" => n.srt == code,
        _ => false,
    })?;
    let [low, high] = found.half_life_secs;
    let known = half_life_secs.clamp(low, high);
    Some((half_life_secs - known).abs() / known)
}
