//! Panels of events over time.

use super::{
    event::Outcome,
    html::{self, figure},
    svg::{self, Bars, Series, Span},
    tally::{Hour, Tally},
};
use simulators::log::Log;

/// The part of the events that has a colour of its own: class, word, logs, outcomes.
pub(super) type Slice<'a> = (&'static str, &'static str, Vec<Log>, &'a [Outcome]);

/// Each of the outcomes, in one log.
pub(super) fn slices<'a>(log: Log, outcomes: &'a [Outcome]) -> Vec<Slice<'a>> {
    let slice = |outcome: &'a Outcome| {
        (
            outcome.class(),
            outcome.word(),
            vec![log],
            std::slice::from_ref(outcome),
        )
    };
    outcomes.iter().map(slice).collect()
}

/// The panel of some slices, hour by hour.
pub(super) fn over_time(
    tally: &Tally,
    span: Span,
    id: &str,
    title: &str,
    about: &str,
    slices: &[Slice<'_>],
) -> String {
    let series: Vec<_> = slices
        .iter()
        .map(|(class, word, logs, outcomes)| Series {
            word,
            class,
            values: hourly(tally, span, |hour| hour.count(logs, outcomes)),
        })
        .collect();
    let plot = svg::over_time(span, &series, Bars::Stacked, title);
    let body = plot.map_or_else(
        || html::empty(html::NOTHING),
        |plot| plot + &svg::legend(&series),
    );
    figure(id, title, about, &body)
}

fn hourly(tally: &Tally, span: Span, count: impl Fn(&Hour) -> u32) -> Vec<u32> {
    let value = |hour| tally.hours.get(&hour).map_or(0, &count);
    span.iter().map(value).collect()
}
