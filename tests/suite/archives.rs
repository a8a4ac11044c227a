//! ZIP archives are read like folders, whatever is in them; those that lie are refused for what they lie about.

#[cfg(feature = "screen")]
mod window;
mod zip;

use crate::{
    bad_input::build::{Bytes, EXPLICIT, Slice, deflate_zeros, file, write},
    support::PROGRAM,
};
use negatoscope::{
    dicom::{
        archive::Keyring,
        frames::{FileFrames, FrameSource as _},
        scan::{ScanEvent, ScanOptions, read_instance, scan},
    },
    model::passphrase::Passphrase,
    task::{CancelToken, Progress},
};
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};
use zip::{Member, archive, end};

const PASSPHRASE: &str = "correct horse";

fn keys(passphrase: &str) -> ScanOptions {
    ScanOptions {
        keys: Keyring::of(Passphrase::new(passphrase)),
        ..ScanOptions::default()
    }
}

/// All events below a path.
fn events(path: &Path, options: &ScanOptions) -> Vec<ScanEvent> {
    let found = Mutex::new(Vec::new());
    scan(
        &[path.to_owned()],
        options,
        &CancelToken::default(),
        &Progress::default(),
        &|event| found.lock().unwrap().push(event),
    );
    found.into_inner().unwrap()
}

/// What came of every file: its path below `root`, and `ok`, the first finding or the code of the refusal.
fn rows(root: &Path, options: &ScanOptions) -> Vec<(String, String)> {
    let below = |path: &Path| {
        let rest = path.strip_prefix(root).unwrap();
        rest.to_string_lossy().into_owned()
    };
    let row = |event: &ScanEvent| match event {
        ScanEvent::Instance(i) => {
            let code = i.findings.first().map_or("ok", |f| f.code);
            (below(&i.source.path), code.to_owned())
        }
        ScanEvent::Rejected(r) => (below(&r.path), r.code.to_owned()),
    };
    events(root, options).iter().map(row).collect()
}

/// An archive of these members, and the code of each outcome.
fn codes(members: &[Member]) -> Vec<String> {
    of_bytes(&archive(members))
}

fn of_bytes(bytes: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.zip", bytes);
    let rows = rows(&path, &ScanOptions::default());
    rows.into_iter().map(|(_, code)| code).collect()
}

fn slice(number: i32) -> Vec<u8> {
    Slice {
        number,
        uid: format!("1.2.3.4.{number}"),
        position: Some([0.0, 0.0, f64::from(number)]),
        ..Slice::default()
    }
    .file(EXPLICIT)
}

fn png() -> Vec<u8> {
    let picture = image::GrayImage::from_fn(5, 4, |x, y| image::Luma([(x * 20 + y) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn nifti() -> Vec<u8> {
    let mut bytes = vec![0u8; 352 + 4 * 3 * 2];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    for (i, n) in [3i16, 4, 3, 2, 1, 1, 1, 1].iter().enumerate() {
        put(40 + 2 * i, &n.to_le_bytes());
    }
    put(70, &2i16.to_le_bytes());
    put(72, &8i16.to_le_bytes());
    for i in 0..4 {
        put(76 + 4 * i, &1f32.to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    put(254, &1i16.to_le_bytes());
    for row in 0..3 {
        put(280 + 20 * row, &1f32.to_le_bytes());
    }
    put(344, b"n+1\0");
    put(352, &(0..24).collect::<Vec<u8>>());
    bytes
}

/// Files of all kinds: path below a folder, and content.
fn tree() -> Vec<(&'static str, Vec<u8>)> {
    let frames: Vec<u8> = (0..8 * 8 * 3i16).flat_map(i16::to_le_bytes).collect();
    let several = Slice {
        frames: Some("3"),
        uid: "1.2.3.5".into(),
        series: "1.2.3.6".into(),
        ..Slice::default()
    }
    .native(&frames);
    vec![
        ("a/IM1", slice(1)),
        ("a/IM2", slice(2)),
        ("b/b/several.dcm", several.file(EXPLICIT)),
        ("empty", Vec::new()),
        ("picture.png", png()),
        ("readme.txt", b"no picture".to_vec()),
        ("volume.nii", nifti()),
    ]
}

fn frames_of(root: &Path, options: &ScanOptions) -> BTreeMap<String, Vec<Vec<u8>>> {
    let source = FileFrames::default().with_keys(options.keys.clone());
    let mut all = BTreeMap::new();
    for event in events(root, options) {
        let ScanEvent::Instance(instance) = event else {
            continue;
        };
        let count = instance.image.as_ref().unwrap().frames;
        let frames = (0..count).map(|frame| {
            let frame = source.read_frame(&instance, frame).unwrap();
            frame.pixels.as_slice().to_vec()
        });
        let path = instance.source.path.strip_prefix(root).unwrap();
        all.insert(path.to_string_lossy().into_owned(), frames.collect());
    }
    all
}

#[test]
fn an_archive_reads_like_the_folder_that_it_was_made_of() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("folder");
    for (path, bytes) in tree() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let options = ScanOptions::default();
    let mut expected = rows(&folder, &options);
    expected.sort();
    let pixels = frames_of(&folder, &options);
    assert_eq!(pixels.len(), 5);
    assert_eq!(pixels.values().map(Vec::len).sum::<usize>(), 8);
    let check = |name: &str, bytes: &[u8], inside: &str| {
        let archive = write(place.path(), name, bytes);
        let root = match inside {
            "" => archive.clone(),
            inside => archive.join(inside),
        };
        let mut found = rows(&archive, &options);
        if !inside.is_empty() {
            for row in &mut found {
                let short = row.0.strip_prefix(inside).unwrap();
                row.0 = short.trim_start_matches('/').to_owned();
            }
        }
        found.sort();
        assert_eq!(found, expected, "{name}");
        // A path that leads into the archive names the same.
        assert_eq!(frames_of(&root, &options), pixels, "{name}");
    };
    let made = |make: fn(&str, &[u8]) -> Member| -> Vec<Member> {
        // Folders have entries of their own in many archives.
        let folders = ["a/", "b/", "b/b/"].iter().map(|n| make(n, b""));
        folders
            .chain(tree().iter().map(|(name, bytes)| make(name, bytes)))
            .collect()
    };
    let stored = archive(&made(Member::stored));
    let deflated = archive(&made(Member::deflated));
    check("stored.zip", &stored, "");
    check("deflated.zip", &deflated, "");
    let wide = |make: fn(&str, &[u8]) -> Member| -> Vec<Member> {
        let all = made(make).into_iter();
        all.map(|m| m.with(|m| m.wide = true)).collect()
    };
    check("wide.zip", &archive(&wide(Member::deflated)), "");
    let streamed = made(Member::deflated).into_iter();
    let streamed: Vec<Member> = streamed.map(|m| m.with(|m| m.descriptor = true)).collect();
    check("streamed.zip", &archive(&streamed), "");
    let backslashes = made(Member::deflated).into_iter().map(|m| {
        m.with(|m| {
            m.name
                .iter_mut()
                .filter(|b| **b == b'/')
                .for_each(|b| *b = b'\\')
        })
    });
    check(
        "backslashes.zip",
        &archive(&backslashes.collect::<Vec<_>>()),
        "",
    );
    // Behind a comment, and behind other data that begins like an archive.
    let mut commented = deflated.clone();
    let at = commented.len() - 2;
    commented[at..].copy_from_slice(&7u16.to_le_bytes());
    commented.extend(b"comment");
    check("commented.zip", &commented, "");
    let shifted = [b"PK\x03\x04 and something else".as_slice(), &deflated].concat();
    check("shifted.zip", &shifted, "");
    // In archives within archives, in every combination.
    for (name, outer, inner) in [
        (
            "ss.zip",
            Member::stored as fn(&str, &[u8]) -> Member,
            &stored,
        ),
        ("sd.zip", Member::stored, &deflated),
        ("ds.zip", Member::deflated, &stored),
        ("dd.zip", Member::deflated, &deflated),
    ] {
        check(
            name,
            &archive(&[outer("in/inner.zip", inner)]),
            "in/inner.zip",
        );
    }
    let twice = archive(&[Member::deflated("2.zip", &deflated)]);
    let thrice = archive(&[Member::deflated("1.zip", &twice)]);
    check("thrice.zip", &thrice, "1.zip/2.zip");
}

#[test]
fn a_path_may_lead_into_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let members: Vec<Member> = tree().iter().map(|(n, b)| Member::deflated(n, b)).collect();
    let path = write(folder.path(), "a.zip", &archive(&members));
    let options = ScanOptions::default();
    let one = read_instance(&path.join("a/IM2"), &options).unwrap();
    assert_eq!(one.sop_instance_uid, "1.2.3.4.2");
    assert_eq!(one.source.path.as_ref(), path.join("a/IM2"));
    let code = |path: &Path| read_instance(path, &options).unwrap_err().code;
    assert_eq!(code(&path), "ARCHIVE_SEVERAL");
    assert_eq!(code(&path.join("a")), "ARCHIVE_SEVERAL");
    assert_eq!(code(&path.join("a/IM3")), "ARCHIVE_NO_MEMBER");
    assert_eq!(code(&path.join("readme.txt")), "NOT_DICOM");
    assert_eq!(code(&path.join("readme.txt/IM1")), "ARCHIVE_NO_MEMBER");
    assert_eq!(code(&folder.path().join("b.zip/IM1")), "IO");
    // The only object of an archive needs no name.
    let single = [
        Member::deflated("x", b"text"),
        Member::stored("IM1", &slice(1)),
    ];
    let path = write(folder.path(), "single.zip", &archive(&single));
    assert_eq!(
        read_instance(&path, &options).unwrap().sop_instance_uid,
        "1.2.3.4.1"
    );
}

#[test]
fn a_directory_in_an_archive_opens_what_it_names() {
    let ids = [r"IMAGES\IM1", r"IMAGES\GONE", r"..\SECRET"];
    let record = |name: &&str| {
        Bytes::default()
            .text(4, 0x1430, b"CS", "IMAGE")
            .text(4, 0x1500, b"CS", name)
    };
    let records: Vec<Bytes> = ids.iter().map(record).collect();
    let directory = Bytes::default()
        .text(4, 0x1130, b"CS", "TEST")
        .sequence(4, 0x1220, &records);
    let members = [
        Member::deflated("disc/DICOMDIR", &file(EXPLICIT, &directory.0)),
        Member::deflated("disc/images/im1", &slice(1)),
        Member::deflated("disc/images/IM2", &slice(2)),
        Member::stored("SECRET", &slice(3)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.zip", &archive(&members));
    let options = ScanOptions::default();
    let named = path.join("disc/DICOMDIR");
    let mut found: Vec<String> = events(&named, &options)
        .iter()
        .map(|event| match event {
            ScanEvent::Instance(i) => i.sop_instance_uid.clone(),
            ScanEvent::Rejected(r) => r.code.to_owned(),
        })
        .collect();
    found.sort();
    assert_eq!(found, ["1.2.3.4.1", "DICOMDIR_MISSING", "DICOMDIR_NAME"]);
    // Opened as a whole, everything in the archive is read, as in a folder.
    assert_eq!(rows(&path, &options).len(), 4);
}

#[test]
fn members_that_lie_are_refused_one_by_one() {
    let good = || Member::deflated("good", &slice(1));
    let zeros = |bytes: u64| {
        let data = deflate_zeros(40 << 20);
        Member {
            packed: data.len() as u64,
            data,
            bytes,
            crc: 0,
            ..Member::deflated("zeros", b"")
        }
    };
    let size = slice(1).len() as u64;
    let cases: Vec<(&str, Member)> = vec![
        ("ARCHIVE_CRC", good().with(|m| m.crc ^= 1)),
        (
            "ARCHIVE_CRC",
            Member::stored("s", &slice(1)).with(|m| m.crc ^= 1),
        ),
        ("ARCHIVE_SIZE", good().with(|m| m.bytes = size - 1)),
        ("ARCHIVE_SIZE", good().with(|m| m.bytes = size + 1)),
        ("ARCHIVE_SIZE", good().with(|m| m.bytes = 1 << 30)),
        (
            "ARCHIVE_SIZE",
            Member::stored("s", &slice(1)).with(|m| m.bytes = 10),
        ),
        (
            "INFLATE_CUT",
            good().with(|m| {
                m.data.truncate(100);
                m.packed = 100;
            }),
        ),
        ("INFLATE_CORRUPT", good().with(|m| m.data[0] = 7)),
        ("ARCHIVE_SIZE", zeros(100)),
        ("INFLATE_RATIO", zeros(40 << 20)),
        ("ARCHIVE_LIMIT", {
            // Ten thousand million zeros, honestly declared.
            let data = deflate_zeros(10_000_000_000);
            let packed = data.len() as u64;
            zeros(10_000_000_000).with(|m| (m.wide, m.data, m.packed) = (true, data, packed))
        }),
        ("ARCHIVE_RANGE", good().with(|m| m.packed = 1 << 20)),
        (
            "ARCHIVE_RANGE",
            good().with(|m| (m.wide, m.packed) = (true, u64::MAX - 10)),
        ),
        (
            "ARCHIVE_RANGE",
            good().with(|m| (m.wide, m.offset) = (true, Some(u64::MAX - 3))),
        ),
        ("ARCHIVE_RANGE", good().with(|m| m.offset = Some(1))),
        ("ARCHIVE_METHOD", good().with(|m| m.method = 12)),
        ("ARCHIVE_METHOD", good().with(|m| m.method = 9)),
        ("ARCHIVE_ENCRYPTION", good().with(|m| m.flags = 0x41)),
        (
            "ARCHIVE_ENCRYPTION",
            good().with(|m| (m.method, m.flags) = (99, 1)),
        ),
        (
            "ARCHIVE_LINK",
            Member::stored("link", b"/etc/passwd").unix(0o120_777),
        ),
        ("NOT_A_FILE", Member::stored("pipe", b"").unix(0o010_644)),
        ("EMPTY_FILE", Member::stored("nothing", b"")),
        ("NOT_DICOM", Member::deflated("text", b"some text")),
    ];
    for (code, member) in cases {
        let last = Member::stored("zz-last", &slice(9));
        let found = codes(&[member, last]);
        assert_eq!(found, [code, "ok"]);
    }
}

#[test]
fn names_are_shown_and_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("SECRET"), slice(7)).unwrap();
    for (name, shown) in [
        ("../SECRET", r"a.zip/\u{2e}\u{2e}/SECRET"),
        ("/etc/passwd", "a.zip/etc/passwd"),
        (r"C:\Windows\x", "a.zip/C:/Windows/x"),
        ("NUL.dcm", "a.zip/NUL.dcm"),
        ("a\0b", r"a.zip/a\u{0}b"),
        ("\u{202E}mcd", r"a.zip/\u{202e}mcd"),
    ] {
        let path = write(
            folder.path(),
            "a.zip",
            &archive(&[Member::deflated(name, &slice(1))]),
        );
        let options = ScanOptions::default();
        let found = events(&path, &options);
        let [ScanEvent::Instance(one)] = found.as_slice() else {
            panic!("{name:?}");
        };
        assert_eq!(
            one.source.path.strip_prefix(folder.path()).unwrap(),
            Path::new(shown)
        );
        assert_eq!(one.sop_instance_uid, "1.2.3.4.1");
        let warned: Vec<&str> = one.findings.iter().map(|f| f.code).collect();
        assert_eq!(warned, ["ARCHIVE_NAME"], "{name:?}");
        // The shown name leads back to it, and it can be read.
        assert!(
            read_instance(&one.source.path, &options).is_ok(),
            "{name:?}"
        );
        assert!(FileFrames::default().read_frame(one, 0).is_ok(), "{name:?}");
    }
    let twice = ["IM1", "im1", "IM1"].map(|name| Member::deflated(name, &slice(1)));
    let path = write(folder.path(), "b.zip", &archive(&twice));
    let found = rows(&path, &ScanOptions::default());
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(n, c)| (n.as_str(), c.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("IM1", "ok"),
            ("IM1 (3)", "ARCHIVE_NAME_TWICE"),
            ("im1", "ARCHIVE_NAME_TWICE"),
        ]
    );
}

#[test]
fn archives_that_lie_are_refused_as_a_whole() {
    let good = archive(&[Member::deflated("IM1", &slice(1))]);
    let check = |expected: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        assert_eq!(of_bytes(&bytes), [expected]);
    };
    let end = good.len() - 22;
    check("ok", &|_| {});
    check("ARCHIVE_CUT", &|b| b.truncate(end + 10));
    check("ARCHIVE_CUT", &|b| b.truncate(40));
    check("ARCHIVE_DIRECTORY", &|b| b[end + 10] = 2);
    check("ARCHIVE_DIRECTORY", &|b| {
        b[end + 12..end + 16].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x7F])
    });
    check("ARCHIVE_DIRECTORY", &|b| {
        b[end + 16..end + 20].copy_from_slice(&[0xFE; 4])
    });
    check("ARCHIVE_DIRECTORY", &|b| {
        // The name of the only entry reaches past the directory.
        let entry = b.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        b[entry + 28..entry + 30].copy_from_slice(&[0xFF, 0xFF]);
    });
    check("ARCHIVE_SPLIT", &|b| b[end + 4] = 1);
    assert_eq!(of_bytes(&archive(&[])), ["ARCHIVE_EMPTY"]);
    assert_eq!(
        of_bytes(&archive(&[Member::stored("a/", b"")])),
        ["ARCHIVE_EMPTY"]
    );
    // The ZIP64 record is somewhere else, and its numbers are absurd.
    let wide = archive(&[Member::deflated("IM1", &slice(1)).with(|m| m.wide = true)]);
    let locator = wide.len() - 42;
    let record = locator - 56;
    let check = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = wide.clone();
        change(&mut bytes);
        assert_eq!(of_bytes(&bytes), ["ARCHIVE_DIRECTORY"]);
    };
    check(&|b| b[locator + 8..locator + 16].fill(0xFF));
    check(&|b| b[locator + 8..locator + 16].fill(0));
    check(&|b| b[record + 40..record + 48].fill(0xFF));
    check(&|b| b[record + 48..record + 56].fill(0xFF));
    check(&|b| b[record + 32..record + 40].fill(0x7F));
    // Programs and documents are no studies.
    let jar = archive(&[
        Member::stored("META-INF/MANIFEST.MF", b"x"),
        Member::stored("A.class", b"x"),
    ]);
    assert_eq!(of_bytes(&jar), ["NOT_DICOM"]);
}

#[test]
fn members_do_not_share_bytes() {
    // Two entries for one place, and one member that holds the next.
    let one = Member::deflated("one", &slice(1));
    let two = Member::deflated("two", &slice(2)).with(|m| m.offset = Some(0));
    assert_eq!(
        codes(&[one.clone(), two]),
        ["ARCHIVE_OVERLAP", "ARCHIVE_OVERLAP"]
    );
    let inner = archive(&[Member::stored("x", &slice(3))]);
    let outer = Member::stored("outer", &inner);
    let mut bytes = archive(std::slice::from_ref(&outer));
    let directory = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    bytes.truncate(directory);
    let header = 30 + "outer".len() as u64;
    let quoted = Member::stored("x", &slice(3)).entry(header);
    let entries = [outer.entry(0), quoted].concat();
    assert_eq!(
        of_bytes(&end(bytes, &entries, 2, false)),
        ["ARCHIVE_OVERLAP", "ok"]
    );
}

#[test]
fn archives_within_archives_end() {
    // Sixteen in each, six deep, as the well-known bomb has it, with something to see on the upper levels.
    let mut bytes = archive(&[Member::deflated("0", &slice(0))]);
    for _ in 0..6 {
        let mut members: Vec<Member> = (0..16)
            .map(|n| Member::deflated(&format!("{n:02}.zip"), &bytes))
            .collect();
        members.push(Member::deflated("z", &slice(1)));
        bytes = archive(&members);
    }
    let found = of_bytes(&bytes);
    let count = |code: &str| found.iter().filter(|c| *c == code).count();
    // Four levels of archives are read, a thousand archives at most.
    assert_eq!(count("ok") + count("ARCHIVE_NESTED"), found.len());
    assert!((1..=1000).contains(&count("ok")), "{}", count("ok"));
    assert!(found.len() < 20_000, "{}", found.len());
}

#[test]
fn a_million_members_are_refused() {
    let member = Member::stored("0123456", b"");
    let entry = member.entry(0);
    let directory = entry.repeat(1_000_000);
    assert_eq!(
        of_bytes(&end(b"PK\x03\x04".to_vec(), &directory, 1_000_000, true)),
        ["ARCHIVE_MEMBERS"]
    );
    // As many as are listed lie about where they are, one refusal each.
    let directory = entry.repeat(50_000);
    let found = of_bytes(&end(b"PK\x03\x04".to_vec(), &directory, 50_000, false));
    assert_eq!(found.len(), 50_000);
    assert!(found.iter().all(|code| code.starts_with("ARCHIVE_")));
}

#[test]
fn an_archive_that_changed_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let members = [
        Member::deflated("IM1", &slice(1)),
        Member::stored("IM2", &slice(2)),
    ];
    let path = write(folder.path(), "a.zip", &archive(&members));
    let found = events(&path, &ScanOptions::default());
    let mut longer = archive(&members);
    longer.push(0);
    fs::write(&path, longer).unwrap();
    for event in found {
        let ScanEvent::Instance(instance) = event else {
            panic!("both opened");
        };
        let error = FileFrames::default().read_frame(&instance, 0).unwrap_err();
        assert_eq!(error.code(), "FILE_CHANGED");
    }
}

#[test]
fn a_scan_of_an_archive_can_be_cancelled_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let members: Vec<Member> = (0..200)
        .map(|n| Member::deflated(&format!("{n:03}"), &slice(n)))
        .collect();
    let path = write(folder.path(), "a.zip", &archive(&members));
    let (cancel, progress) = (CancelToken::default(), Progress::default());
    let count = Mutex::new(0);
    scan(
        std::slice::from_ref(&path),
        &ScanOptions::default(),
        &cancel,
        &progress,
        &|_| {
            *count.lock().unwrap() += 1;
            cancel.cancel();
        },
    );
    assert!(*count.lock().unwrap() <= 16);
    let progress = Progress::default();
    scan(
        &[path],
        &ScanOptions::default(),
        &CancelToken::default(),
        &progress,
        &|_| {},
    );
    assert_eq!(progress.get(), (201, 201));
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archives");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "zip"))
        .collect();
    found.sort();
    found
}

#[test]
fn encrypted_members_open_with_their_passphrase_only() {
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 10);
    for path in fixtures {
        let mixed = path.ends_with("mixed.zip");
        let of = |options: &ScanOptions| -> Vec<String> {
            rows(&path, options)
                .into_iter()
                .map(|(_, code)| code)
                .collect()
        };
        let locked = of(&ScanOptions::default());
        assert!(locked.contains(&"ARCHIVE_LOCKED".to_owned()), "{path:?}");
        assert_eq!(locked.contains(&"ok".to_owned()), mixed, "{path:?}");
        assert_eq!(
            locked.iter().filter(|c| *c != "ARCHIVE_LOCKED").count(),
            usize::from(mixed)
        );
        let wrong = of(&keys("wrong horse"));
        assert!(wrong.contains(&"ARCHIVE_PASSPHRASE".to_owned()), "{path:?}");
        // The right one is found among others.
        let options = keys(PASSPHRASE);
        options.keys.add(Passphrase::new("wrong horse"));
        let right = of(&options);
        assert!(right.iter().all(|c| c == "ok"), "{path:?}: {right:?}");
        let frames = frames_of(&path, &options);
        assert!(!frames.is_empty());
        for (name, frames) in frames {
            let number = if name.ends_with("IM2") { 200u16 } else { 100 };
            let expected: Vec<u8> = (0..64).flat_map(|i| (number + i).to_le_bytes()).collect();
            assert_eq!(frames, [expected], "{path:?} {name}");
        }
    }
}

#[test]
fn damage_under_encryption_is_told_from_a_wrong_passphrase() {
    let path = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archives");
        fs::read(folder.join(name)).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, at: usize, expected: &str| {
        let mut bytes = path(name);
        bytes[at] ^= 0x10;
        let archive = write(folder.path(), "damaged.zip", &bytes);
        let found = rows(&archive, &keys(PASSPHRASE));
        assert_eq!(found[0].1, expected, "{name}");
    };
    check("7z-aes128.zip", 150, "ARCHIVE_CRC");
    check("pyzipper-ae2.zip", 150, "ARCHIVE_CRC");
    // One byte is all that the traditional cipher tells a passphrase by; here it fits, but nothing else does.
    check("infozip-stored.zip", 150, "ARCHIVE_PASSPHRASE");
}

/// Runs the program with a passphrase on its standard input.
fn run(arguments: &[&str], input: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    if input.is_some() {
        command.args(["--archive-passphrase-fd", "0"]);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(format!("{}\n", input.unwrap_or_default()).as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_command_line_takes_a_passphrase_and_never_prints_it() {
    let out = tempfile::tempdir().unwrap();
    let array = out.path().join("a.npy");
    let array = array.to_str().unwrap();
    for path in fixtures() {
        if path.ends_with("mixed.zip") {
            continue;
        }
        let path = path.to_str().unwrap();
        let (exit, text, _) = run(&["inspect", path, "--json"], None);
        assert_eq!(exit, 6, "{text}");
        assert!(text.contains("ARCHIVE_LOCKED"), "{text}");
        let (exit, text, errors) = run(&["inspect", path, "--json"], Some("wrong horse"));
        assert_eq!(exit, 6, "{text}");
        assert!(text.contains("ARCHIVE_PASSPHRASE"), "{text}");
        assert!(!text.contains("horse") && !errors.contains("horse"));
        let (exit, text, _) = run(&["inspect", path, "--decode"], Some(PASSPHRASE));
        assert_eq!(exit, 0, "{text}");
        assert!(!text.contains("horse"));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archives");
    let one = folder.join("7z-aes128.zip");
    let one = one.to_str().unwrap();
    assert_eq!(run(&["pixels", one, "--out", array], None).0, 6);
    assert_eq!(run(&["pixels", one, "--out", array], Some(PASSPHRASE)).0, 0);
    let two = folder.join("infozip.zip");
    assert_eq!(
        run(
            &["pixels", two.to_str().unwrap(), "--out", array],
            Some(PASSPHRASE)
        )
        .0,
        3
    );
    let named = two.join("IM2");
    assert_eq!(
        run(
            &["pixels", named.to_str().unwrap(), "--out", array],
            Some(PASSPHRASE)
        )
        .0,
        0
    );
    let volume = out.path().join("v.nii");
    let arguments = [
        "volume",
        two.to_str().unwrap(),
        "--out",
        volume.to_str().unwrap(),
    ];
    assert_eq!(run(&arguments, None).0, 6);
    assert_eq!(run(&arguments, Some(PASSPHRASE)).0, 0);
    let (exit, text, _) = run(&["content", named.to_str().unwrap()], Some(PASSPHRASE));
    assert_eq!(exit, 0, "{text}");
    assert_eq!(run(&["content", one], None).0, 6);
    // Of a mixed archive the plain part opens.
    let mixed = folder.join("mixed.zip");
    let (exit, text, _) = run(&["inspect", mixed.to_str().unwrap()], None);
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("2 received, 1 shown"), "{text}");
}

#[test]
fn a_ring_of_keys_prints_nothing() {
    let options = keys("Kanarienpassphrase");
    assert!(!format!("{options:?}").contains("Kanarien"));
    let frames = FileFrames::default().with_keys(options.keys);
    assert!(!format!("{frames:?}").contains("Kanarien"));
}
