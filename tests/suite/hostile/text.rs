//! Text, 39: character sets that are unknown, contradict each other or the bytes.

use super::{Table, base};
use crate::bad_input::build::Slice;

fn named(set: &str, name: &[u8]) -> Slice {
    base().text(8, 5, b"CS", set).with(0x10, 0x10, b"PN", name)
}

#[test]
fn character_sets() {
    let mut table = Table::default();
    table.slice(
        "UTF-8",
        named("ISO_IR 192", "Wang^XiaoDong=王^小东".as_bytes()),
        "ok",
    );
    table.slice(
        "unknown set",
        named("KLINGON", b"DOE^JANE"),
        "warn CHARSET_UNKNOWN",
    );
    table.slice(
        "many unknown sets",
        named(&["X\\"; 500].concat(), b"DOE^JANE"),
        "warn CHARSET_UNKNOWN",
    );
    table.slice(
        "UTF-8 that is none",
        named("ISO_IR 192", b"DOE^J\xFF\xFEANE"),
        "warn TEXT_UNDECODABLE",
    );
    table.slice(
        "overlong UTF-8",
        named("ISO_IR 192", b"DOE^\xC0\xAF"),
        "warn TEXT_UNDECODABLE",
    );
    let gbk: &[u8] = b"\xCD\xF5^\xD0\xA1\xB6\xAB";
    table.slice("GBK", named("GBK", gbk), "ok");
    table.slice(
        "GBK as Latin 1",
        named("ISO_IR 100", gbk),
        "warn TEXT_MISLABELLED",
    );
    table.slice(
        "an order of right to left",
        named("ISO_IR 192", "DOE^\u{202E}ENAJ".as_bytes()),
        "warn TEXT_REORDERED",
    );
    table.slice("bells", named("ISO_IR 100", b"DOE^\x07\x08JANE"), "ok");
    table.slice(
        "colours of a terminal",
        named("ISO_IR 100", b"DOE^\x07\x08\x1B[31mJANE"),
        "warn TEXT_UNDECODABLE",
    );
    table.slice(
        "an escape that never ends",
        named("ISO 2022 IR 6\\ISO 2022 IR 87", b"DOE^\x1B$"),
        "warn TEXT_UNDECODABLE",
    );
    table.slice(
        "an escape to nowhere",
        named("ISO 2022 IR 6\\ISO 2022 IR 87", b"DOE^\x1B$)Zabc"),
        "warn TEXT_UNDECODABLE",
    );
    let mut long = base();
    let comment = crate::bad_input::build::Bytes::default()
        .put(0x10, 0x4000, b"UT", &vec![0xC3; 5 << 20])
        .0;
    long.more.push((0x10, 0x4000, comment));
    table.slice("5 MB of comments", long, "limit VALUE_TOO_LONG");
    table.check("text");
}
