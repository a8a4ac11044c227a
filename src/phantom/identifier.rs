//! Identifiers that follow from a seed: always the same, and marked as made up.

use super::random::{mix, seed_for};

/// 128 bits for a seed and a name, with the version (8, custom) and variant of RFC 9562.
fn uuid_bits(seed: u64, name: &str) -> u128 {
    let high = seed_for(seed, name);
    let low = mix(high ^ seed_for(seed.rotate_left(32), name));
    let bits = u128::from(high) << 64 | u128::from(low);
    let bits = bits & !(0xf << 76) | 0x8 << 76;
    bits & !(0x3 << 62) | 0x2 << 62
}

/// A DICOM UID: `2.25.` and the UUID as a decimal number (PS3.5 B.2).
pub fn uid(seed: u64, name: &str) -> String {
    format!("2.25.{}", uuid_bits(seed, name))
}

/// A UUID as text.
pub fn uuid(seed: u64, name: &str) -> String {
    let hex = format!("{:032x}", uuid_bits(seed, name));
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_repeat_and_have_the_form_of_their_standards() {
        assert_eq!(uid(1, "study"), uid(1, "study"));
        assert_ne!(uid(1, "study"), uid(2, "study"));
        assert_ne!(uid(1, "study"), uid(1, "series"));
        for seed in 0..200 {
            let uid = uid(seed, "x");
            // PS3.5 chapter 9: at most 64 characters, no component with a leading zero.
            assert!(uid.len() <= 64 && !uid.contains(".0"), "{uid}");
            let uuid = uuid(seed, "x");
            assert_eq!(uuid.len(), 36);
            assert_eq!(uuid.as_bytes()[14], b'8');
            assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }
}
