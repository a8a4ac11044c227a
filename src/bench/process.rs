//! What the system says of this process. Linux only; elsewhere every answer is `None`.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    sync::OnceLock,
};

/// Processor time of all threads so far, milliseconds. From the scheduler's own count in nanoseconds where there is
/// one (threads that ended are then left out, so pools must outlive a measurement), else in clock ticks. The count of
/// a running thread is brought up to date when it yields, so this one does.
pub(super) fn cpu_ms() -> Option<f64> {
    std::thread::yield_now();
    let mut nanoseconds = 0u64;
    let mut threads = 0;
    if let Ok(tasks) = fs::read_dir("/proc/self/task") {
        for task in tasks.flatten() {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            if let Some(value) = text.split_whitespace().next().and_then(|v| v.parse().ok()) {
                let value: u64 = value;
                nanoseconds += value;
                threads += 1;
            }
        }
    }
    if threads > 0 && nanoseconds > 0 {
        return Some(nanoseconds as f64 / 1e6);
    }
    ticks_ms(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Processor time of this thread so far, milliseconds; `None` where the system does not say.
pub(super) fn thread_cpu_ms() -> Option<f64> {
    thread_local! {
        // Opened once: opening it takes a multiple of reading it.
        static COUNTS: Option<File> = File::open("/proc/thread-self/schedstat").ok();
    }
    // Brings the count up to date, see above.
    std::thread::yield_now();
    COUNTS.with(|file| {
        let mut bytes = [0; 64];
        let length = read_from_start(file.as_ref()?, &mut bytes)?;
        let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
        let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
        Some(nanoseconds as f64 / 1e6)
    })
}

fn read_from_start(mut file: &File, bytes: &mut [u8]) -> Option<usize> {
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read(bytes).ok()
}

/// Allocations of the main thread so far, where the program runs under `benches/allocations`, which counts them from
/// outside: a counting allocator of our own would need `unsafe`.
pub(super) fn allocations() -> Option<u64> {
    static COUNTS: OnceLock<Option<File>> = OnceLock::new();
    let file = COUNTS.get_or_init(|| File::open(std::env::var_os("NEGATOSCOPE_ALLOCATIONS")?).ok());
    let mut bytes = [0; 8];
    let length = read_from_start(file.as_ref()?, &mut bytes)?;
    (length == bytes.len()).then(|| u64::from_le_bytes(bytes))
}

/// `utime` and `stime` of `/proc/self/stat`; a tick is 10 ms on every Linux that Rust supports (USER_HZ).
fn ticks_ms(stat: &str) -> Option<f64> {
    // The name in parentheses may hold spaces; fields are counted behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10.0)
}

/// Bytes that read calls gave so far; page faults of mappings are not among them.
pub(super) fn bytes_read() -> Option<u64> {
    number_after(&fs::read_to_string("/proc/self/io").ok()?, "rchar:")
}

/// Largest resident set since the last [`forget_peak`], bytes.
pub(super) fn peak_rss() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    number_after(&status, "VmHWM:")?.checked_mul(1024)
}

/// Largest resident set of another process so far, bytes.
pub(super) fn peak_rss_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    number_after(&status, "VmHWM:")?.checked_mul(1024)
}

/// Resident set now, bytes.
pub(super) fn rss() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    number_after(&status, "VmRSS:")?.checked_mul(1024)
}

/// Lets the peak begin anew at what is resident now (proc(5), clear_refs). Without the right to do so the peak stays
/// that of the whole process.
pub(super) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Milliseconds since this process was started, to a tick of 10 ms.
pub(super) fn age_ms() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let started: f64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let uptime: f64 = fs::read_to_string("/proc/uptime")
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(uptime * 1e3 - started * 10.0)
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_is_skipped() {
        let stat = "12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(ticks_ms(stat), Some(3000.0));
        assert_eq!(ticks_ms("nothing"), None);
        assert_eq!(
            number_after("VmRSS:\t  77 kB\nVmHWM:\t 99 kB", "VmHWM:"),
            Some(99)
        );
    }

    /// In a process of its own: the numbers are those of the whole process, and other tests free memory, end threads
    /// and reset the peak at any moment.
    #[cfg(target_os = "linux")]
    #[test]
    fn work_is_seen_in_the_numbers() {
        const ALONE: &str = "NEGATOSCOPE_TEST_ALONE";
        if std::env::var_os(ALONE).is_none() {
            let output = std::process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "bench::process::tests::work_is_seen_in_the_numbers",
                ])
                .env(ALONE, "1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && said.contains("1 passed"),
                "{said}"
            );
            return;
        }
        let (cpu, read) = (cpu_ms().unwrap(), bytes_read().unwrap());
        let mut sum = 0u64;
        while cpu_ms().unwrap() < cpu + 25.0 {
            sum = (0..100_000u64).fold(sum, |a, b| a.wrapping_mul(31).wrapping_add(b));
        }
        std::hint::black_box(sum);
        let before = rss().unwrap();
        let held = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(rss().unwrap() >= before + (60 << 20));
        drop(held);
        assert!(rss().unwrap() < before + (32 << 20));
        assert!(peak_rss().unwrap() >= before + (60 << 20));
        forget_peak();
        // Where the system allows it, the peak has come down; it never lies below what is resident.
        assert!(peak_rss().unwrap() + (1 << 20) >= rss().unwrap());
        // Reading these very files counts.
        assert!(bytes_read().unwrap() > read);
    }
}
