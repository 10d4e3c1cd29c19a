//! From the runs of a line to its numbers.

use std::time::Duration;

use serde::Serialize;

use super::{
    cpu::Cpu,
    measure::Measured,
    options::{Case, Options},
};
use crate::{
    cli::{feeds, simulated::SinkKind},
    model::feed::Feed,
};

/// A line of the table; what a system cannot tell is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) records: usize,
    /// The setting `parallel_ranges`, if it was set.
    pub(super) parallel: Option<usize>,
    /// Records that arrived, each once and unchanged.
    pub(super) stored: usize,
    pub(super) megabytes_read: f64,
    pub(super) wall_seconds: f64,
    pub(super) records_per_second: f64,
    pub(super) cpu_us_per_record: Option<PerRecord>,
    /// The simulators' processor time, during the pass.
    pub(super) simulators_us_per_record: Option<f64>,
    pub(super) peak_mib: Option<f64>,
    pub(super) calls: u64,
    pub(super) posts: usize,
    pub(super) saves: Option<u64>,
    pub(super) start_ms: f64,
    pub(super) fetch_alone_seconds: f64,
    /// The pass's wall time by that of fetching alone.
    pub(super) ratio: f64,
}

/// Processor time in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct PerRecord {
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) total: f64,
}

/// Everything that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    pub(super) version: &'static str,
    /// The feeds that share the records.
    pub(super) feeds: Vec<Feed>,
    pub(super) lookback_days: u16,
    pub(super) page_latency_ms: u64,
    pub(super) post_latency_ms: u64,
    pub(super) sink: SinkKind,
    pub(super) quota: u32,
    pub(super) repeat: u16,
    pub(super) lines: &'a [Line],
}

impl<'a> Report<'a> {
    pub(super) fn new(options: &Options, lines: &'a [Line]) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            feeds: feeds(&options.feeds),
            lookback_days: options.lookback_days,
            page_latency_ms: options.page_latency_ms,
            post_latency_ms: options.post_latency_ms,
            sink: options.sink,
            quota: options.quota,
            repeat: options.repeat,
            lines,
        }
    }
}

/// The numbers of a line: each time is that of the run in the middle by that time, so that user and
/// system add up; memory is the largest, and counts, which hardly differ, are those of the last run.
pub(super) fn line(case: Case, runs: &[Measured]) -> Option<Line> {
    let last = runs.last()?;
    let records = float(case.records.max(1) as u64);
    let by_record = |time: Duration| time.as_secs_f64() * 1e6 / records;
    let wall = middle(runs.iter().map(|run| run.wall), |one| one)?.as_secs_f64();
    let fetch = middle(runs.iter().map(|run| run.fetch_alone), |one| one)?.as_secs_f64();
    let cpu = middle(runs.iter().filter_map(|run| run.cpu), Cpu::total);
    let simulators = middle(runs.iter().filter_map(|run| run.simulators), Cpu::total);
    let peak = runs.iter().filter_map(|run| run.peak).max();
    Some(Line {
        records: case.records,
        parallel: case.parallel,
        stored: last.stored,
        megabytes_read: float(last.bytes_read) / 1e6,
        wall_seconds: wall,
        records_per_second: records / wall,
        cpu_us_per_record: cpu.map(|cpu| PerRecord {
            user: by_record(cpu.user),
            system: by_record(cpu.system),
            total: by_record(cpu.total()),
        }),
        simulators_us_per_record: simulators.map(|cpu| by_record(cpu.total())),
        peak_mib: peak.map(|kibibytes| f64::from(kibibytes) / 1024.0),
        calls: last.calls,
        posts: last.posts,
        saves: last.saves,
        start_ms: middle(runs.iter().map(|run| run.start), |one| one)?.as_secs_f64() * 1e3,
        fetch_alone_seconds: fetch,
        ratio: wall / fetch,
    })
}

/// The one in the middle; of an even number, the lesser of the two there.
fn middle<T: Copy, K: Ord>(all: impl Iterator<Item = T>, by: fn(T) -> K) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by_key(|one| by(*one));
    let half = all.len().checked_sub(1)? / 2;
    Some(all.swap_remove(half))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number that large is rounded anyway"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(wall: u64, user: u64, peak: u32) -> Measured {
        let cpu = |user| Cpu {
            user: Duration::from_millis(user),
            system: Duration::from_millis(1),
        };
        Measured {
            stored: 1000,
            bytes_read: 800_000,
            wall: Duration::from_millis(wall),
            cpu: Some(cpu(user)),
            simulators: Some(cpu(2)),
            peak: Some(peak),
            calls: 9,
            posts: 3,
            saves: Some(7),
            start: Duration::from_millis(8),
            fetch_alone: Duration::from_millis(50),
        }
    }

    #[test]
    fn times_are_those_of_the_middle_and_memory_that_of_the_largest() {
        let case = Case {
            records: 1000,
            parallel: Some(4),
        };
        let runs = [run(100, 3, 2048), run(400, 9, 4096), run(200, 2, 1024)];
        let line = line(case, &runs).unwrap();
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
        assert!(close(line.wall_seconds, 0.2) && close(line.records_per_second, 5000.0));
        let cpu = line.cpu_us_per_record.unwrap();
        assert!(close(cpu.user, 3.0) && close(cpu.system, 1.0) && close(cpu.total, 4.0));
        assert!(close(line.simulators_us_per_record.unwrap(), 3.0));
        assert!(close(line.peak_mib.unwrap(), 4.0));
        assert!(close(line.ratio, 4.0) && close(line.start_ms, 8.0));
        assert!(close(line.megabytes_read, 0.8));
        assert!(super::line(case, &[]).is_none());
    }

    #[test]
    fn what_the_system_does_not_tell_is_absent() {
        let case = Case {
            records: 1000,
            parallel: None,
        };
        let silent = Measured {
            cpu: None,
            peak: None,
            ..run(100, 3, 0)
        };
        let line = line(case, &[silent]).unwrap();
        assert_eq!((line.cpu_us_per_record, line.peak_mib), (None, None));
        assert!(line.simulators_us_per_record.is_some());
    }

    #[test]
    fn an_even_number_of_runs_has_a_middle_too() {
        assert_eq!(middle([4, 1, 2, 9].into_iter(), |one| one), Some(2));
        assert_eq!(middle([4].into_iter(), |one| one), Some(4));
        assert_eq!(middle(std::iter::empty::<u8>(), |one| one), None);
    }
}
