//! Log lines that keep their level through the Functions host.
//!
//! The host knows no levels: a line on stdout becomes Information, a line on stderr Error, or Warning
//! if it contains "warn" anywhere. So errors go to stderr and everything else to stdout, each event is
//! one line, and the level stands in front in words.

use std::{fmt, io};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer, writer::MakeWriterExt},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Who reads the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The Functions host, which tells levels by the stream and adds times itself.
    Host,
    /// A person at a terminal: everything on stderr, so that stdout holds results alone.
    Person,
}

/// Libraries whose chatter is never wanted and may show addresses.
const QUIET: [&str; 7] = [
    "azure_core",
    "azure_identity",
    "typespec_client_core",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
];

/// Starts logging. `filter` is the text of `RUST_LOG`, such as `debug` or `mimecast_ttp=debug`; the
/// usual lines of the reader without.
pub fn install(reader: Audience, filter: Option<&str>) {
    let usual = match reader {
        Audience::Host => Targets::new().with_default(Level::INFO),
        // The report at the end says what the lines of the pass say.
        Audience::Person => Targets::new()
            .with_default(Level::WARN)
            .with_target("mimecast_ttp::ingest::pass", LevelFilter::OFF),
    };
    let mut targets: Targets = filter
        .map(without_quiet)
        .filter(|text| !text.is_empty())
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual);
    for name in QUIET {
        targets = targets.with_target(name, Level::WARN);
    }
    let layer = tracing_subscriber::fmt::layer().event_format(OneLine { reader });
    let registry = tracing_subscriber::registry().with(targets);
    // Installing twice can only happen in tests; the first one stays.
    drop(match reader {
        Audience::Host => registry
            .with(layer.with_writer(io::stderr.with_max_level(Level::ERROR).or_else(io::stdout)))
            .try_init(),
        Audience::Person => registry.with(layer.with_writer(io::stderr)).try_init(),
    });
}

/// The filter without what it says of the quiet libraries: their own parts would win over the whole.
fn without_quiet(filter: &str) -> String {
    let quiet = |part: &&str| QUIET.iter().any(|name| part.trim().starts_with(name));
    let kept: Vec<_> = filter.split(',').filter(|part| !quiet(part)).collect();
    kept.join(",")
}

/// `LEVEL message name=value`, always one line.
struct OneLine {
    reader: Audience,
}

impl<S, N> FormatEvent<S, N> for OneLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let mut line = Line::default();
        event.record(&mut line);
        let text = one_line(&format!("{level} {}{}", line.message, line.fields));
        match (self.reader, level) {
            (Audience::Host, Level::ERROR) => writeln!(writer, "{}", keep_error(&text)),
            _ => writeln!(writer, "{text}"),
        }
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.fields
                .extend([" ", field.name(), "=", &format!("{value:?}")]);
        }
    }
}

/// One physical line is one log record for the host.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}

/// Keeps an error an error: a quoted answer may contain "warn" (a click's action, for one), which
/// would make the host call the line a warning.
fn keep_error(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find("warn") {
        let (before, after) = rest.split_at(at + 2);
        kept.push_str(before);
        kept.push('-');
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_makes_the_quiet_libraries_speak() {
        let filter = "debug,typespec_client_core::http=trace, azure_core=debug,mimecast_ttp=trace";
        assert_eq!(without_quiet(filter), "debug,mimecast_ttp=trace");
    }

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(
            one_line("ERROR two\n  lines\r\nthree"),
            "ERROR two | lines | three"
        );
    }

    #[test]
    fn an_error_that_quotes_a_warning_stays_an_error() {
        let kept = keep_error("ERROR began `{\"action\":\"warn\"}` Warning é");
        assert!(!kept.to_ascii_lowercase().contains("warn"), "{kept}");
        assert_eq!(kept, "ERROR began `{\"action\":\"wa-rn\"}` Wa-rning é");
        assert_eq!(keep_error("ERROR plain"), "ERROR plain");
    }
}
