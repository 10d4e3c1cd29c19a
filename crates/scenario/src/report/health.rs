//! The panels about what the connector reports about itself.

use std::collections::BTreeMap;

use super::{
    about::About,
    html::{self, clock, figure, foreign, number},
    pass::{Pass, TABLE},
    svg::{self, Bars, Series, Span},
    tally::hour_of,
};
use simulators::log::Log;

const NO_ROWS: &str = "No health rows: the connector is not running, cannot reach the workspace, or does not send health rows.";

fn of_feed(passes: &[Pass], log: Log) -> impl Iterator<Item = &Pass> + Clone {
    passes.iter().filter(move |pass| pass.feed == log.name())
}

/// How each feed is, in short.
pub(super) fn now(passes: &[Pass], about: &About) -> String {
    let title = "The connector now: silence is not quiet";
    let rows = Log::ALL.map(|log| {
        let feed = || of_feed(passes, log);
        let delivered: u32 = feed().map(|pass| pass.delivered).sum();
        let Some(last) = feed().max_by_key(|pass| pass.time) else {
            let none = || "\u{2013}".to_owned();
            return vec![
                log.name().into(),
                "no row".into(),
                none(),
                none(),
                "0".into(),
            ];
        };
        let minutes = (about.now - last.time).num_minutes().max(0).unsigned_abs();
        vec![
            log.name().to_owned(),
            foreign(&last.outcome),
            seconds(last.lag_seconds),
            number(minutes),
            number(delivered),
        ]
    });
    let heads = ["Feed", "Last pass", "Lag (s)", "Minutes since", "Delivered"];
    let body = html::table(title, &heads, &rows);
    figure(
        "overview-health",
        title,
        "each feed at its last pass",
        &body,
    )
}

fn seconds(seconds: Option<u32>) -> String {
    seconds.map_or_else(|| "unknown".to_owned(), number)
}

/// The panels of the last part of the page.
pub(super) fn panels(passes: &[Pass], span: Span) -> String {
    [
        last_passes(passes),
        lag(passes, span),
        outcomes(passes, span),
        delivered(passes, span),
        totals(passes),
    ]
    .concat()
}

fn last_passes(passes: &[Pass]) -> String {
    let title = "Each feed at its last pass";
    let mut rows = Vec::new();
    for log in Log::ALL {
        if let Some(last) = of_feed(passes, log).max_by_key(|pass| pass.time) {
            let message = if last.message.is_empty() {
                "nothing to say".to_owned()
            } else {
                foreign(&last.message)
            };
            rows.push(vec![
                log.name().to_owned(),
                foreign(&last.outcome),
                seconds(last.lag_seconds),
                clock(last.time),
                foreign(&last.version),
                message,
            ]);
        }
    }
    let heads = [
        "Feed", "Outcome", "Lag (s)", "At (UTC)", "Version", "Message",
    ];
    let body = table_or_empty(title, &heads, &rows);
    figure("health-now", title, "one row a feed", &body)
}

fn lag(passes: &[Pass], span: Span) -> String {
    let series = by_feed(passes, span, |worst, pass| {
        worst.max(pass.lag_seconds.unwrap_or(0))
    });
    let title = "Lag over time (seconds, worst of each slot)";
    let about = "seconds by hour; an hour without a bar is one without a pass";
    let body = svg::over_time(span, &series, Bars::Grouped, title).map(|plot| {
        let keys = series
            .iter()
            .map(|one| format!("<li>{}</li>", html::key(one.class, one.word)));
        format!(
            "{plot}<ul class=\"legend\">{}</ul>",
            keys.collect::<String>()
        )
    });
    figure(
        "health-lag",
        title,
        about,
        &body.unwrap_or_else(|| html::empty(NO_ROWS)),
    )
}

fn delivered(passes: &[Pass], span: Span) -> String {
    let series = by_feed(passes, span, |sum, pass| sum + pass.delivered);
    let title = "Records delivered over time, by feed";
    let about = "records by hour of the pass; what an outage held up comes at once";
    chart("health-delivered", title, about, span, &series)
}

fn by_feed(passes: &[Pass], span: Span, fold: impl Fn(u32, &Pass) -> u32) -> [Series; 3] {
    Log::ALL.map(|log| Series {
        word: log.name(),
        class: log.name(),
        values: by_hour(span, of_feed(passes, log), &fold),
    })
}

fn by_hour<'a>(
    span: Span,
    passes: impl Iterator<Item = &'a Pass>,
    fold: impl Fn(u32, &Pass) -> u32,
) -> Vec<u32> {
    let mut hours = BTreeMap::<i64, u32>::new();
    for pass in passes {
        let value = hours.entry(hour_of(pass.time)).or_default();
        *value = fold(*value, pass);
    }
    let value = |hour: i64| hours.get(&hour).copied().unwrap_or(0);
    span.iter().map(value).collect()
}

fn outcomes(passes: &[Pass], span: Span) -> String {
    let words = [
        ("failed", "stopped"),
        ("out_of_time", "suspicious"),
        ("waiting", "inconclusive"),
        ("race_lost", "clean"),
        ("complete", "complete"),
    ];
    let series = words.map(|(word, class)| Series {
        word,
        class,
        values: by_hour(
            span,
            passes.iter().filter(|pass| pass.outcome == word),
            |count, _| count + 1,
        ),
    });
    let title = "Passes over time, by outcome";
    chart(
        "health-outcomes",
        title,
        "rows by hour, one a feed and pass",
        span,
        &series,
    )
}

fn chart(id: &str, title: &str, about: &str, span: Span, series: &[Series]) -> String {
    let plot = svg::over_time(span, series, Bars::Stacked, title);
    let body = plot.map_or_else(|| html::empty(NO_ROWS), |plot| plot + &svg::legend(series));
    figure(id, title, about, &body)
}

fn totals(passes: &[Pass]) -> String {
    let title = "What the passes did";
    let mut rows = Vec::new();
    for log in Log::ALL {
        let feed = || of_feed(passes, log);
        let sum = |count: fn(&Pass) -> u32| number(feed().map(count).sum::<u32>());
        let count = feed().count();
        if count == 0 {
            continue;
        }
        let time: f64 = feed().map(|pass| pass.duration_seconds).sum();
        let missing = feed().map(|pass| pass.missing).max().unwrap_or(0);
        rows.push(vec![
            log.name().to_owned(),
            format!("<data class=\"sum\" value=\"{count}\">{count}</data>"),
            sum(|pass| u32::from(pass.outcome == "failed")),
            sum(|pass| pass.delivered),
            sum(|pass| pass.duplicates),
            sum(|pass| pass.quarantined),
            number(missing),
            sum(|pass| pass.calls),
            sum(|pass| pass.retries),
            format!("{time:.1}"),
        ]);
    }
    let heads = [
        "Feed",
        "Passes",
        "Failed",
        "Delivered",
        "Duplicates",
        "Quarantined",
        "Missing",
        "Calls",
        "Retries",
        "Seconds",
    ];
    let about = format!(
        "{} rows in {TABLE}",
        number(u32::try_from(passes.len()).unwrap_or(u32::MAX))
    );
    figure(
        "health-totals",
        title,
        &about,
        &table_or_empty(title, &heads, &rows),
    )
}

fn table_or_empty(title: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        html::empty(NO_ROWS)
    } else {
        html::table(title, heads, rows)
    }
}
