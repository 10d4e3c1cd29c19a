//! The table for a person.

use super::summary::Line;
use crate::cli::aligned::aligned;

/// The table as text. The column of `parallel_ranges` is there if it was set.
pub(super) fn render(lines: &[Line]) -> String {
    let shows_parallel = lines.iter().any(|line| line.parallel.is_some());
    let mut rows = vec![head(shows_parallel)];
    rows.extend(lines.iter().map(|line| row(line, shows_parallel)));
    aligned(&rows)
}

fn head(shows_parallel: bool) -> Vec<String> {
    let mut cells = vec!["records"];
    if shows_parallel {
        cells.push("parallel");
    }
    cells.extend([
        "MB read",
        "wall s",
        "records/s",
        "us/record: user",
        "sys",
        "total",
        "simulators",
        "peak MiB",
        "calls",
        "posts",
        "saves",
        "start ms",
        "fetch s",
        "ratio",
    ]);
    cells.into_iter().map(str::to_owned).collect()
}

fn row(line: &Line, shows_parallel: bool) -> Vec<String> {
    let cpu = line.cpu_us_per_record;
    let mut cells = vec![line.records.to_string()];
    if shows_parallel {
        cells.push(line.parallel.map_or("-".to_owned(), |n| n.to_string()));
    }
    cells.extend([
        format!("{:.1}", line.megabytes_read),
        format!("{:.2}", line.wall_seconds),
        format!("{:.0}", line.records_per_second),
        known(cpu.map(|cpu| cpu.user), 2),
        known(cpu.map(|cpu| cpu.system), 2),
        known(cpu.map(|cpu| cpu.total), 2),
        known(line.simulators_us_per_record, 2),
        known(line.peak_mib, 1),
        line.calls.to_string(),
        line.posts.to_string(),
        line.saves.map_or(UNKNOWN.to_owned(), |n| n.to_string()),
        format!("{:.0}", line.start_ms),
        format!("{:.2}", line.fetch_alone_seconds),
        format!("{:.2}", line.ratio),
    ]);
    cells
}

const UNKNOWN: &str = "unknown";

fn known(number: Option<f64>, decimals: usize) -> String {
    number.map_or(UNKNOWN.to_owned(), |number| format!("{number:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::summary::PerRecord;

    fn line() -> Line {
        Line {
            records: 100_000,
            parallel: None,
            stored: 100_000,
            megabytes_read: 81.34,
            wall_seconds: 1.5,
            records_per_second: 66_666.7,
            cpu_us_per_record: Some(PerRecord {
                user: 2.0,
                system: 0.5,
                total: 2.5,
            }),
            simulators_us_per_record: Some(1.25),
            peak_mib: Some(31.96),
            calls: 230,
            posts: 84,
            saves: Some(90),
            start_ms: 7.6,
            fetch_alone_seconds: 0.5,
            ratio: 3.0,
        }
    }

    #[test]
    fn columns_line_up_and_end_with_the_ratio() {
        let small = Line {
            records: 10,
            ..line()
        };
        let text = render(&[small, line()]);
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths.len(), 3);
        assert!(lengths.iter().all(|length| *length == lengths[0]), "{text}");
        assert!(text.contains("81.3") && text.contains("32.0"), "{text}");
        assert!(text.ends_with("3.00"), "{text}");
        assert!(!text.contains("parallel"));
    }

    #[test]
    fn what_was_set_is_shown_and_what_is_unknown_is_said() {
        let line = Line {
            parallel: Some(4),
            cpu_us_per_record: None,
            peak_mib: None,
            saves: None,
            ..line()
        };
        let text = render(&[line]);
        assert!(text.contains("parallel"), "{text}");
        assert_eq!(text.matches("unknown").count(), 5, "{text}");
    }
}
