//! What the host logs, and what it makes of the handler's output.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::log_filter::LogFilter;

/// Records that are kept; the oldest go first.
const KEPT: usize = 20_000;

/// Characters of a record that are kept. The real host cuts elsewhere, later.
const TEXT_LIMIT: usize = 32 * 1024;

/// The category of the handler's output.
pub(super) const CONSOLE: &str = "Host.Function.Console";
/// The category of the listeners' lines.
pub(super) const TIMERS: &str = "Host.Triggers.Timer";
/// The category of the host's own messages about the handler.
pub(super) const HOST: &str =
    "Microsoft.Azure.WebJobs.Script.Workers.HttpFunctionInvocationDispatcher";
/// The category of what the host says while it starts.
pub(super) const STARTUP: &str = "Host.Startup";
/// The category of the host's second line about a run.
pub(super) const RESULTS: &str = "Host.Results";

/// How severe a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not shown by the host's default filter.
    Debug,
    /// Ordinary progress.
    Information,
    /// Something that an operator may look at.
    Warning,
    /// A failure.
    Error,
}

/// One line of the host's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// How severe it is.
    pub level: Level,
    /// Who says it: `Host.Function.Console` for the handler's output, `Function.<Name>.User` for
    /// the `Logs` of an answer, `Function.<Name>` for the host's lines about a run.
    pub category: String,
    /// What is said. An exception follows on lines of its own.
    pub text: String,
}

/// Sees each record as it comes.
pub type OnLog = Arc<dyn Fn(&LogRecord) + Send + Sync>;

/// The host's log, shared by all its parts.
#[derive(Clone, Default)]
pub(super) struct Logbook {
    records: Arc<Mutex<VecDeque<LogRecord>>>,
    filter: Arc<LogFilter>,
    on_log: Option<OnLog>,
}

impl fmt::Debug for Logbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logbook").finish_non_exhaustive()
    }
}

impl Logbook {
    pub(super) fn new(filter: LogFilter, on_log: Option<OnLog>) -> Self {
        Self {
            records: Arc::default(),
            filter: Arc::new(filter),
            on_log,
        }
    }

    pub(super) fn add(&self, level: Level, category: impl Into<String>, text: impl Into<String>) {
        let category = category.into();
        if !self.filter.passes(level, &category) {
            return;
        }
        let mut text = text.into();
        if text.len() > TEXT_LIMIT {
            text = text.chars().take(TEXT_LIMIT).chain(['…']).collect();
        }
        let record = LogRecord {
            level,
            category,
            text,
        };
        if let Some(on_log) = &self.on_log {
            on_log(&record);
        }
        let mut records = self.lock();
        if records.len() == KEPT {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(super) fn records(&self) -> Vec<LogRecord> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<LogRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// What the host makes of one line of output (its source): the record, without the worker's id in
/// the category of system lines.
pub(super) fn classify(stream: Stream, line: &str, stderr_is_for_errors: bool) -> LogRecord {
    let folded = line.to_ascii_lowercase();
    let sounds_bad = ["error", "fail", "severe", "unhandled exception"]
        .iter()
        .any(|word| folded.contains(word));
    let level = match stream {
        Stream::Stderr if folded.contains("warn") => Level::Warning,
        Stream::Stderr if stderr_is_for_errors || sounds_bad => Level::Error,
        Stream::Stdout | Stream::Stderr => Level::Information,
    };
    let (category, text) = if let Some(rest) = without_prefix(line, "LanguageWorkerConsoleLog") {
        ("Worker.HttpWorkerProcess", rest)
    } else if let Some(rest) = without_prefix(line, "azfuncjsonlog:") {
        ("Host.Function.ToolingConsoleLog", rest)
    } else {
        (CONSOLE, line)
    };
    LogRecord {
        level,
        category: category.to_owned(),
        text: text.to_owned(),
    }
}

fn without_prefix<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = line.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Cuts a stream of bytes into lines, and lines that are too long short. A carriage return, a line
/// feed, or both end a line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    cut: bool,
    /// Whether a carriage return ended the line before: a line feed belongs to it.
    returned: bool,
}

impl Lines {
    /// Takes what was read and gives the lines that end in it.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut done = Vec::new();
        let mut rest = bytes;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(end);
            let belongs_to_return =
                self.returned && line.is_empty() && tail.first() == Some(&b'\n');
            self.returned = tail.first() == Some(&b'\r');
            if !belongs_to_return {
                self.take(line);
                done.push(self.end());
            }
            rest = tail.get(1..).unwrap_or_default();
        }
        self.returned &= rest.is_empty();
        self.take(rest);
        done
    }

    /// The last line, where the stream ends without a line feed.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.line.is_empty()).then(|| self.end())
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = TEXT_LIMIT - self.line.len();
        self.cut |= bytes.len() > room;
        self.line.extend(bytes.iter().take(room));
    }

    fn end(&mut self) -> String {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.cut) {
            line.extend("…".as_bytes());
        }
        String::from_utf8_lossy(&line).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_classified_by_stream_and_words() {
        use Level::{Error, Information, Warning};
        let cases = [
            (Stream::Stdout, true, "error: no", Information),
            (Stream::Stderr, true, "starting", Error),
            (Stream::Stderr, true, "WARNing: slow", Warning),
            (Stream::Stderr, false, "starting", Information),
            (Stream::Stderr, false, "Failed to start", Error),
            (Stream::Stderr, false, "warn: error", Warning),
        ];
        for (stream, for_errors, line, level) in cases {
            let record = classify(stream, line, for_errors);
            assert_eq!((record.level, record.text.as_str()), (level, line));
            assert_eq!(record.category, CONSOLE);
        }
    }

    #[test]
    fn prefixes_take_a_line_out_of_the_console() {
        let system = classify(Stream::Stdout, "LanguageWorkerConsoleLogup", true);
        assert_eq!(system.category, "Worker.HttpWorkerProcess");
        assert_eq!(system.text, "up");
        let tooling = classify(Stream::Stdout, "azfuncjsonlog:{}", true);
        assert_eq!(tooling.category, "Host.Function.ToolingConsoleLog");
        assert_eq!(tooling.text, "{}");
    }

    #[test]
    fn lines_are_found_across_reads_and_cut_at_the_limit() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\r\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\n\nthree"), ["two", ""]);
        assert_eq!(lines.finish().as_deref(), Some("three"));
        assert_eq!(lines.finish(), None);
        assert_eq!(lines.push(b"four\r"), ["four"]);
        assert_eq!(lines.push(b"\nfive\rsix\n\r\n"), ["five", "six", ""]);
        for _ in 0..3 {
            assert!(lines.push(&vec![b'x'; TEXT_LIMIT]).is_empty());
        }
        let long = lines.push(b"\nnext\n");
        assert_eq!(long[0].chars().count(), TEXT_LIMIT + 1);
        assert!(long[0].ends_with('…'));
        assert_eq!(long[1], "next");
    }

    #[test]
    fn the_oldest_records_go_first() {
        let book = Logbook::default();
        for n in 0..=KEPT {
            book.add(Level::Information, HOST, n.to_string());
        }
        let records = book.records();
        assert_eq!(records.len(), KEPT);
        assert_eq!(records[0].text, "1");
    }
}
