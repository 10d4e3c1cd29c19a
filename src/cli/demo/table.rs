//! The demo's final table.

use crate::cli::aligned::aligned;

/// One log's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) feed: &'static str,
    pub(super) made: usize,
    pub(super) delivered: usize,
    pub(super) lost: usize,
    pub(super) doubled: usize,
    pub(super) altered: usize,
    /// Rows that were read again and not delivered again.
    pub(super) dropped: usize,
    pub(super) retries: usize,
    pub(super) batches: usize,
    pub(super) lag_seconds: Option<i64>,
}

/// The table as text, columns as wide as they need to be.
pub(super) fn render(lines: &[Measured]) -> String {
    let head = [
        "feed",
        "made",
        "delivered",
        "lost",
        "doubled",
        "altered",
        "duplicates dropped",
        "retries",
        "batches",
        "lag",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(lines.iter().map(|line| {
        [
            line.feed.to_owned(),
            line.made.to_string(),
            line.delivered.to_string(),
            line.lost.to_string(),
            line.doubled.to_string(),
            line.altered.to_string(),
            line.dropped.to_string(),
            line.retries.to_string(),
            line.batches.to_string(),
            line.lag_seconds
                .map_or_else(|| "unknown".to_owned(), |seconds| format!("{seconds} s")),
        ]
    }));
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let line = Measured {
            feed: "impersonation",
            made: 1000,
            delivered: 1000,
            lost: 0,
            doubled: 0,
            altered: 0,
            dropped: 12,
            retries: 3,
            batches: 4,
            lag_seconds: Some(15),
        };
        let text = render(&[line]);
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths.len(), 2);
        assert_eq!(lengths[0], lengths[1]);
        assert!(text.ends_with("15 s"));
    }
}
