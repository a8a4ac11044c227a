//! One run of the program, watched: what it printed, how it ended, what it took.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Memory that no process may exceed (R1 to R3 of the safety table).
const MOST_MEMORY: u64 = 512 << 20;

/// What a run gave.
pub struct Ran {
    /// Lines of files by the file's name.
    files: BTreeMap<String, Value>,
    /// The last line.
    pub summary: Value,
    /// Lines of files, before names became keys.
    lines: usize,
    /// `None`: ended by a signal.
    code: Option<i32>,
    errors: String,
    /// Largest VmHWM of the program or of a process that decodes for it.
    peak: u64,
    pub took: Duration,
}

impl Ran {
    /// `inspect --json` with two threads.
    pub fn inspect(paths: &[&Path], flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
            .args(["inspect", "--json", "--jobs", "2"])
            .args(flags)
            .args(paths)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let mut out = child.stdout.take().unwrap();
        let mut err = child.stderr.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        let mut peak = 0;
        let status = loop {
            peak = peak.max(largest(child.id()));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            thread::sleep(Duration::from_millis(2));
        };
        let took = start.elapsed();
        let (text, errors) = (reader.join().unwrap(), complaints.join().unwrap());
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let (summary, rows) = lines.split_last().expect("a summary");
        let name = |row: &Value| {
            let path = Path::new(row["path"].as_str().unwrap());
            path.file_name().unwrap().to_string_lossy().into_owned()
        };
        Self {
            files: rows.iter().map(|row| (name(row), row.clone())).collect(),
            summary: summary["summary"].clone(),
            lines: rows.len(),
            code: status.code(),
            errors,
            peak,
            took,
        }
    }

    /// The process ended by itself, without a panic, within its memory, and accounts for every file.
    pub fn is_sound(&self, files: usize) {
        assert!(
            matches!(self.code, Some(0..=9)),
            "ended with {:?}: {}",
            self.code,
            self.errors
        );
        assert!(!self.errors.contains("panicked"), "{}", self.errors);
        assert!(
            self.peak <= MOST_MEMORY,
            "{} MiB of memory",
            self.peak >> 20
        );
        let number = |name: &str| self.summary[name].as_u64().unwrap();
        assert_eq!(number("received"), files as u64);
        assert_eq!(number("received"), number("shown") + number("rejected"));
        assert_eq!(self.lines, files);
        for row in self.files.values() {
            let code = row["code"].as_str().unwrap_or_default();
            assert!(
                !matches!(
                    code,
                    "PARSER_PANIC" | "CODEC_PANIC" | "CODEC_DIED" | "CODEC_TIME"
                ),
                "{row}"
            );
        }
    }

    /// Outcome and code of a file.
    pub fn outcome(&self, file: &str) -> String {
        let Some(row) = self.files.get(file) else {
            return "absent".to_owned();
        };
        let outcome = row["outcome"].as_str().unwrap();
        match row["code"].as_str() {
            Some(code) => format!("{outcome} {code}"),
            None => outcome.to_owned(),
        }
    }

    /// Whether a file has a warning with this code.
    pub fn warns(&self, file: &str, code: &str) -> bool {
        let findings = self
            .files
            .get(file)
            .and_then(|row| row["findings"].as_array());
        findings.is_some_and(|all| {
            all.iter()
                .any(|f| f["code"] == code && f["severity"] != "info")
        })
    }

    /// A field of a file's line.
    pub fn field(&self, file: &str, name: &str) -> Value {
        self.files
            .get(file)
            .map_or(Value::Null, |row| row[name].clone())
    }

    /// Codes of the findings of each layout of a series, with `--check`.
    pub fn layouts(&self, series: &str) -> Vec<Vec<String>> {
        let layouts = self.summary["layouts"].as_array().unwrap();
        let of_series = layouts
            .iter()
            .filter(|l| l["series_instance_uid"] == series);
        of_series
            .map(|layout| {
                let findings = layout["findings"].as_array().unwrap();
                let codes = findings
                    .iter()
                    .map(|f| f["code"].as_str().unwrap().to_owned());
                codes.collect()
            })
            .collect()
    }

    /// Numbers of the first finding with this code in a series.
    pub fn numbers(&self, series: &str, code: &str) -> Option<Value> {
        let layouts = self.summary["layouts"].as_array()?;
        let of_series = layouts
            .iter()
            .filter(|l| l["series_instance_uid"] == series);
        of_series
            .flat_map(|l| l["findings"].as_array().unwrap())
            .find(|f| f["code"] == code)
            .map(|f| f["numbers"].clone())
    }

    pub fn exit(&self) -> Option<i32> {
        self.code
    }
}

/// Largest VmHWM of a process and of its children, bytes; 0 where the system does not say.
fn largest(process: u32) -> u64 {
    let this = fs::read_link("/proc/self/exe").ok();
    let status = |id: &str| -> Option<u64> {
        // Until it runs its own program, a child counts the memory of the process that made it.
        if fs::read_link(format!("/proc/{id}/exe")).ok() == this {
            return None;
        }
        let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    };
    let own = process.to_string();
    let mut peak = status(&own).unwrap_or(0);
    let Ok(tasks) = fs::read_dir(format!("/proc/{own}/task")) else {
        return peak;
    };
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            peak = peak.max(status(child).unwrap_or(0));
        }
    }
    peak
}
