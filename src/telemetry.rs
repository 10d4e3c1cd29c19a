//! Log lines that keep their level through the Functions host.
//!
//! The host knows no levels: a line on stdout becomes Information, a line on stderr Error, or Warning
//! if it contains "warn" anywhere. So errors go to stderr and everything else to stdout, each event is
//! one line, and begins with the level in words. The fields follow the message: first those of the
//! event, then those of its spans: the invocation, the feed, the range or the post.

mod fields;
mod line;

use std::io::{self, Write};

use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::MakeWriter,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Scope},
    util::SubscriberInitExt,
};

use self::{fields::Fields, line::Line};

/// Who reads the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The Functions host, which tells levels by the stream and adds times itself.
    Host,
    /// A person at a terminal: everything on stderr, so that stdout holds results alone.
    Person,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `LEVEL message name=value`.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// The format that a value of `LOG_FORMAT` names; `None` for one that names none.
    #[must_use]
    pub fn named(value: &str) -> Option<Self> {
        match value.trim() {
            "" | "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Which lines there are, and how they are written.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a> {
    /// Who reads them.
    pub reader: Audience,
    /// How they are written.
    pub format: Format,
    /// The text of `RUST_LOG`, such as `debug` or `mimecast_ttp=debug`; the usual lines of the reader
    /// without.
    pub filter: Option<&'a str>,
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

/// The fields that tell one invocation from another: a person's command is not called by a host.
const OF_THE_HOST: [&str; 2] = ["invocation", "operation"];

/// Starts logging.
pub fn install(lines: Lines<'_>) {
    // Installing twice can only happen in tests; the first one stays.
    drop(subscriber(lines, io::stdout, io::stderr).try_init());
}

/// What writes the lines into `out` and `err`.
pub fn subscriber<O, E>(
    lines: Lines<'_>,
    out: O,
    err: E,
) -> impl Subscriber + Send + Sync + use<O, E>
where
    O: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    E: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(LineWriter {
        reader: lines.reader,
        format: lines.format,
        wanted: lines.wanted(),
        out,
        err,
    })
}

impl Lines<'_> {
    fn wanted(&self) -> Targets {
        let usual = Targets::new().with_default(match self.reader {
            Audience::Host => Level::INFO,
            // The report at the end says what the lines of the pass say.
            Audience::Person => Level::WARN,
        });
        let mut targets: Targets = self
            .filter
            .map(without_quiet)
            .filter(|text| !text.is_empty())
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual);
        for name in QUIET {
            targets = targets.with_target(name, Level::WARN);
        }
        targets
    }
}

/// The filter without what it says of the quiet libraries: their own parts would win over the whole.
fn without_quiet(filter: &str) -> String {
    let quiet = |part: &&str| QUIET.iter().any(|name| part.trim().starts_with(name));
    let kept: Vec<_> = filter.split(',').filter(|part| !quiet(part)).collect();
    kept.join(",")
}

/// Writes a line for every event that is wanted.
struct LineWriter<O, E> {
    reader: Audience,
    format: Format,
    wanted: Targets,
    out: O,
    err: E,
}

impl<O, E> LineWriter<O, E> {
    fn line(&self, line: &Line<'_>) -> String {
        let keeps_error = self.reader == Audience::Host && line.level == Level::ERROR;
        match self.format {
            Format::Text if keeps_error => line::keep_error(&line.text()),
            Format::Text => line.text(),
            Format::Json if keeps_error => line::keep_json_error(&line.json()),
            Format::Json => line.json(),
        }
    }

    fn shows(&self, name: &str) -> bool {
        self.reader == Audience::Host || !OF_THE_HOST.contains(&name)
    }
}

impl<S, O, E> Layer<S> for LineWriter<O, E>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    O: for<'w> MakeWriter<'w> + 'static,
    E: for<'w> MakeWriter<'w> + 'static,
{
    /// The own spans always: whatever lines are wanted, they say what they belong to.
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let is_own = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
        (metadata.is_span() && is_own)
            || self
                .wanted
                .would_enable(metadata.target(), metadata.level())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let mut around = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                for (name, value) in &fields.values {
                    if self.shows(name) && !own.has(name) {
                        around.set(name, value.clone());
                    }
                }
            }
        }
        own.values.extend(around.values);
        let line = Line::new(event.metadata(), own);
        let text = self.line(&line) + "\n";
        // Nobody is left to be told when this fails.
        drop(match self.reader {
            Audience::Host if line.level != Level::ERROR => {
                self.out.make_writer().write_all(text.as_bytes())
            }
            _ => self.err.make_writer().write_all(text.as_bytes()),
        });
    }
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
    fn a_format_is_named_or_left_out() {
        for (value, format) in [
            ("", Some(Format::Text)),
            ("text", Some(Format::Text)),
            (" json\n", Some(Format::Json)),
            ("JSON lines", None),
        ] {
            assert_eq!(Format::named(value), format, "{value:?}");
        }
    }
}
