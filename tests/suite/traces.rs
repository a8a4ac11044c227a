//! What a whole run leaves on the disk, in logs and in what it printed: while it runs, when it has ended, and when it was
//! killed. Of the people in the files there is nothing to be read, in UTF-8, UTF-16 or GB18030.

use crate::{bad_input::build::Slice, support::PROGRAM};
use serde_json::json;
use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

const PASSPHRASE: &str = "Wellensittichpass";
/// What stands in the files, with its bytes in GB18030 where they differ from those of UTF-8.
const SECRETS: [(&str, &[u8]); 14] = [
    (PASSPHRASE, b""),
    ("Wellensittich", b""),
    ("WELLENSITTICH", b""),
    ("虎皮鹦鹉", b"\xBB\xA2\xC6\xA4\xF0\xD0\xF0\xC4"),
    ("SITTICH-0815", b""),
    ("1899-08-07", b""),
    ("18990807", b""),
    ("ACC-SITTICH", b""),
    (ANSWERS[0], b""),
    ("Sittichbefund", b""),
    ("Sittichmarke", b""),
    ("Sittichsegment", b""),
    ("Sittichliste", b""),
    (ANSWERS[1], b""),
];

/// What a record says of an illness and of a value: commands that ask for it print it.
const ANSWERS: [&str; 2] = ["Sittich fever", "sittich-gene-4"];

/// All that is looked for: by its first four bytes.
struct Needles(HashMap<[u8; 4], Vec<(String, Vec<u8>)>>);

impl Needles {
    fn new() -> Self {
        let mut all: HashMap<[u8; 4], Vec<(String, Vec<u8>)>> = HashMap::new();
        for (text, gb18030) in SECRETS {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for bytes in [text.as_bytes().to_vec(), little, big, gb18030.to_vec()] {
                if let Some(first) = bytes.first_chunk::<4>() {
                    let of = all.entry(*first).or_default();
                    of.push((text.to_owned(), bytes));
                }
            }
        }
        Self(all)
    }

    /// What of it is in some bytes.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, window) in bytes.windows(4).enumerate() {
            let first: [u8; 4] = window.try_into().unwrap();
            for (text, whole) in self.0.get(&first).into_iter().flatten() {
                if bytes[at..].starts_with(whole) && !found.contains(&text.as_str()) {
                    found.push(text);
                }
            }
        }
        found
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(path) = waiting.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => waiting.extend(entries.flatten().map(|e| e.path())),
            Err(_) => found.push(path),
        }
    }
    found
}

/// A world of its own for the program: its home, its temporary files, its store; and files of somebody outside of it.
struct World {
    folder: TempDir,
    needles: Needles,
    searched: usize,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["world", "world/tmp", "world/home", "world/out", "files"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let world = Self {
            folder,
            needles: Needles::new(),
            searched: 0,
        };
        world.write_files();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_files(&self) {
        let scans = self.path("files/scans");
        fs::create_dir(&scans).unwrap();
        for k in 0..3 {
            let slice = Slice {
                patient: ("WELLENSITTICH^ANNA", "SITTICH-0815"),
                uid: format!("1.2.9.1.{k}"),
                study: "1.2.9".into(),
                series: "1.2.9.1".into(),
                number: k + 1,
                position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
                ..Slice::default()
            };
            let slice = slice
                .with(8, 5, b"CS", b"GB18030")
                .with(8, 0x50, b"SH", b"ACC-SITTICH")
                .with(0x10, 0x30, b"DA", b"18990807")
                .with(
                    0x10,
                    0x10,
                    b"PN",
                    b"WELLENSITTICH^ANNA=\xBB\xA2\xC6\xA4\xF0\xD0\xF0\xC4",
                );
            slice.write(&scans, &format!("Wellensittich-{k}.dcm"));
        }
        let subject = json!({"reference": "Patient/w"});
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "w", "birthDate": "1899-08-07",
                "gender": "female", "name": [{"family": "Wellensittich", "given": ["虎皮鹦鹉"]}],
                "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "SITTICH-0815"}]}},
            {"resource": {"resourceType": "Condition", "id": "c", "subject": subject,
                "code": {"text": "Sittich fever"}, "onsetDateTime": "2020-01-01"}},
            {"resource": {"resourceType": "Observation", "id": "o", "subject": subject, "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}], "text": "sittich-gene-4"},
                "effectiveDateTime": "2020-01-01", "valueQuantity": {"value": 1.0, "unit": "mg/dL"}}},
        ]});
        fs::write(self.path("files/record.json"), bundle.to_string()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let home = self.path("world/home");
        command
            .args(arguments)
            .arg("--store")
            .arg(self.path("world/store"))
            .args(["--passphrase-fd", "0"])
            .env("HOME", &home)
            .env("TMPDIR", self.path("world/tmp"))
            .env("NEGATOSCOPE_LOG", "trace")
            .current_dir(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, below) in [
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "runtime"),
        ] {
            command.env(name, home.join(below));
        }
        command
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Starts a command whose messages go into a file, which is searched as well: nobody empties its pipe.
    fn spawn_logged(&self, arguments: &[&str], name: &str) -> Child {
        let log = fs::File::create(self.path("world/out").join(name)).unwrap();
        self.command(arguments).stderr(log).spawn().unwrap()
    }

    /// Runs a command to its end; what it printed is searched like a file.
    fn run(&self, arguments: &[&str], input: &str, code: i32) -> String {
        let mut child = self.spawn(arguments);
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(format!("{PASSPHRASE}\n{input}").as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        let mut found = self.needles.found(&said);
        if arguments
            .first()
            .is_some_and(|a| ["record", "cohort"].contains(a))
        {
            // What somebody has is the answer; who it is stays hidden.
            found.retain(|text| !ANSWERS.contains(text));
        }
        if arguments.first() == Some(&"inspect") {
            // Files are called what their owner called them.
            found.retain(|text| *text != "Wellensittich");
        }
        assert!(
            found.is_empty(),
            "{found:?} printed by {arguments:?}: {text}"
        );
        text
    }

    /// Searches all that the program can have written.
    fn search(&mut self, when: &str) {
        for path in files_below(&self.path("world")) {
            let name = path.to_string_lossy().into_owned();
            let found = self.needles.found(name.as_bytes());
            assert!(found.is_empty(), "{when}: {found:?} is the name of {name}");
            // A file that went away meanwhile has been searched where it went.
            let Ok(bytes) = fs::read(&path) else { continue };
            let found = self.needles.found(&bytes);
            assert!(found.is_empty(), "{when}: {found:?} in {name}");
            self.searched += 1;
        }
    }
}

/// Lines of `edit --stdin` that say somebody's name in everything that can be kept.
fn edits() -> Vec<String> {
    let lines = [
        json!({"op": "add", "id": "m", "study": "1.2.9", "series": "1.2.9.1", "instance": "1.2.9.1.0",
            "frame": 1, "space": "patient", "shape": "length", "points": [[0, 0, 0], [9, 9, 0]],
            "label": "Sittichmarke 虎皮鹦鹉"}),
        json!({"op": "report", "study": "1.2.9", "text": "Sittichbefund of Wellensittich 虎皮鹦鹉"}),
        json!({"op": "segmentation", "id": "s", "size": [8, 8, 3], "study": "1.2.9", "series": "1.2.9.1",
            "frame_of_reference": "", "title": "Sittichsegment of WELLENSITTICH",
            "patient_from_voxel": [[0.5, 0, 0], [0, 0.5, 0], [0, 0, -3], [0, 0, 0]]}),
        json!({"op": "segment", "of": "s", "number": 1, "label": "Sittichsegment 虎皮鹦鹉",
            "color": [200, 10, 10], "by": "Wellensittich"}),
        json!({"op": "calibrate", "study": "1.2.9", "series": "1.2.9.1", "instance": "1.2.9.1.0",
            "points": [[0, 0], [12, 0]], "true_mm": 12, "by": "Wellensittich"}),
        json!({"op": "tag", "study": "1.2.9", "name": "nodule", "on": true, "reader": "Wellensittich"}),
        json!({"op": "amend", "patient": "w", "type": "Condition", "id": "c",
            "text": r#"{"resourceType":"Condition","id":"c","code":{"text":"Sittich fever, amended"}}"#}),
    ];
    lines.iter().map(ToString::to_string).collect()
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let needles = Needles::new();
    assert_eq!(needles.found(b"... Wellensittich ..."), ["Wellensittich"]);
    for (text, gb18030) in SECRETS {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [text.as_bytes(), &little, &big, gb18030] {
            let page = [&[0; 99], bytes, &[0; 99]].concat();
            assert_eq!(
                needles.found(&page).contains(&text),
                !bytes.is_empty(),
                "{text}"
            );
        }
    }
    let world = World::new();
    let own = files_below(&world.path("files"));
    assert!(own.len() == 4, "{own:?}");
    for file in own {
        assert!(!needles.found(&fs::read(file).unwrap()).is_empty());
    }
}

#[test]
fn a_run_leaves_nothing_to_read() {
    let mut world = World::new();
    let scans = world.path("files/scans").to_string_lossy().into_owned();
    let bundle = world.path("files/record.json");
    let bundle = bundle.to_string_lossy().into_owned();
    let out = world.path("world/out").to_string_lossy().into_owned();
    world.run(
        &[
            "store",
            "init",
            "--kdf-memory-kib",
            "32",
            "--kdf-passes",
            "1",
        ],
        "",
        0,
    );
    world.run(&["import", &scans], "", 0);
    world.run(&["record", "import", &bundle], "", 0);
    world.run(&["edit", "--stdin"], &(edits().join("\n") + "\n"), 0);
    world.search("after editing");
    let derived = world.path("world/store/derived.db");
    assert!(!derived.exists());
    // What is derived of records, and what asks it.
    world.run(&["record", "search", "fever"], "", 0);
    assert!(derived.exists());
    world.run(&["cohort", "find", "condition:fever", "--list"], "", 0);
    // It has defects.
    world.run(&["record", "quality", "--all"], "", 1);
    world.run(&["record", "show", "SITTICH-0815"], "", 0);
    world.run(&["queue", "add", "--study", "1.2.9"], "", 0);
    world.run(&["list"], "", 0);
    world.run(&["inspect", &scans], "", 0);
    // Tables and copies without identity.
    world.run(
        &[
            "cohort",
            "export",
            &format!("{out}/tables"),
            "condition:fever",
        ],
        "",
        0,
    );
    world.run(&["anonymize", &scans, &format!("{out}/copies")], "", 0);
    assert!(files_below(&world.path("world/out")).len() >= 4);
    world.run(&["store", "backup"], "", 0);
    world.run(&["audit", "list"], "", 0);
    world.search("after commands");
    // While one works, with logs that were not put together yet; then it is killed.
    let mut child = world.spawn_logged(&["edit", "--stdin"], "edit.log");
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{PASSPHRASE}").unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 0..40 {
        let line = json!({"op": "report", "study": "1.2.9", "text": format!("Sittichbefund {number} 虎皮鹦鹉")});
        writeln!(stdin, "{line}").unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.starts_with("ACK"), "{answer}");
    }
    world.search("while editing");
    child.kill().unwrap();
    child.wait().unwrap();
    world.search("after editing was killed");
    if !cfg!(no_gpu) {
        in_a_window(&mut world, &scans);
    }
    // The next run sweeps what a killed one left in temporary files, and everything is there.
    let shown = world.run(&["store", "status", "--json"], "", 0);
    assert!(
        shown.contains(r#""studies":1"#) && shown.contains(r#""journal":"sound""#),
        "{shown}"
    );
    world.run(&["erase-patient", "SITTICH-0815"], "", 0);
    world.search("after the patient was taken out");
    println!("{} files searched", world.searched);
    assert!(world.searched > 100);
}

/// A window: pictures, small pictures, record, reports; searched while it is open, and killed.
fn in_a_window(world: &mut World, scans: &str) {
    let script = world.path("files/script");
    fs::write(
        &script,
        format!(
            "open \"{scans}\"\ncommand panel-tab-report\ncommand panel-tab-record\nwait\nwatch 60\n"
        ),
    )
    .unwrap();
    let script = script.to_string_lossy().into_owned();
    let mut child = world.spawn_logged(&["screen", "--script", &script], "screen.log");
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{PASSPHRASE}").unwrap();
    drop(stdin);
    let begun = std::time::Instant::now();
    while begun.elapsed().as_secs() < 12 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(400));
        world.search("while a window is open");
    }
    assert!(child.try_wait().unwrap().is_none(), "it was still open");
    child.kill().unwrap();
    let mut said = Vec::new();
    let _ = child.stdout.take().unwrap().read_to_end(&mut said);
    child.wait().unwrap();
    assert!(world.needles.found(&said).is_empty());
    world.search("after the window was killed");
}
