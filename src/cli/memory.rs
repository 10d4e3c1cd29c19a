//! The most memory that a child process has held, where the system tells (Linux).
//!
//! Not the system's own sum over all ended children: that one counts the copy of this process, too,
//! which a child is before its program starts.

use std::fs;

/// The largest peak among this process's children, in KiB; `None` where it cannot be known.
pub(super) fn peak_of_children() -> Option<u32> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter_map(|pid| peak_of(pid.parse().ok()?))
        .max()
}

/// The peak of the running process `pid`, in KiB; `None` where it cannot be known.
pub(super) fn peak_of(pid: u32) -> Option<u32> {
    peak(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn peak(status: &str) -> Option<u32> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_status() {
        assert_eq!(
            peak("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   20480 kB\n"),
            Some(20_480)
        );
        assert_eq!(peak("Name:\tx\n"), None);
    }
}
