//! The page, put together.

use chrono::DateTime;

use super::{
    about::About,
    bars::ranked,
    chart::Ranked,
    event::Outcome,
    health,
    hours::{Slice, over_time, slices},
    html::{self, clock, number, push},
    overview,
    svg::Span,
    tally::{Tally, hour_of},
};
use simulators::log::Log;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn render(tally: &Tally, about: &About) -> String {
    let span = span(tally);
    let sections = [
        ("overview", "Overview", overview::panels(tally, span, about)),
        ("url", "URL", url(tally, span)),
        ("attachment", "Attachment", attachment(tally, span)),
        ("impersonation", "Impersonation", impersonation(tally, span)),
        ("health", "Health", health::panels(&tally.passes, span)),
    ];
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta name=\"color-scheme\" content=\"light dark\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\
         <title>Mimecast Targeted Threat Protection</title>\n<style>\n{STYLE}</style></head><body>\n\
         <header><h1>Mimecast Targeted Threat Protection</h1><p>{}</p>{}</header><nav>",
        lead(tally, span, about),
        keys(),
    );
    for (id, title, _) in &sections {
        push(&mut page, format_args!("<a href=\"#{id}\">{title}</a> "));
    }
    page.push_str("</nav>\n<main>\n");
    for (id, title, panels) in &sections {
        push(
            &mut page,
            format_args!(
                "<section id=\"{id}\"><h2>{title}</h2><div class=\"panels\">\n{panels}</div></section>\n"
            ),
        );
    }
    push(
        &mut page,
        format_args!(
            "</main><footer><p>Drawn by mimecast-ttp {} from the rows that the simulated workspace stored. \
             The charts have the same titles as in the workbooks; times are in UTC.</p></footer></body></html>\n",
            env!("CARGO_PKG_VERSION")
        ),
    );
    page
}

fn lead(tally: &Tally, span: Span, about: &About) -> String {
    let hour = |hour: i64| DateTime::from_timestamp(hour * 3600, 0).map_or_else(String::new, clock);
    let end = span.first + i64::try_from(span.hours).unwrap_or(0);
    let copies = if tally.copies == 0 {
        String::new()
    } else {
        format!(" Copies of rows left out: {}.", number(tally.copies))
    };
    format!(
        "What the analyst sees of the demo: {} records of an invented company (seed {}), {} to {} UTC.{copies}",
        number(about.records as u64),
        about.seed,
        hour(span.first),
        hour(end),
    )
}

/// What the colours of bars mean.
fn keys() -> String {
    let words = Outcome::ALL.map(|outcome| {
        let (class, word) = (outcome.class(), outcome.word());
        format!("<li>{}</li>", html::key(class, word))
    });
    format!("<ul class=\"legend\">{}</ul>", words.concat())
}

/// From the first hour in which something happened to the last.
fn span(tally: &Tally) -> Span {
    let passes = tally.passes.iter().map(|pass| hour_of(pass.time));
    let hours = || tally.hours.keys().copied().chain(passes.clone());
    let first = hours().min().unwrap_or(0);
    let last = hours().max().unwrap_or(first);
    Span {
        first,
        hours: usize::try_from(last - first + 1).unwrap_or(1),
    }
}

/// How a click or a file ended; Mimecast calls none of them suspicious.
const ENDINGS: [Outcome; 4] = [
    Outcome::Through,
    Outcome::Stopped,
    Outcome::Inconclusive,
    Outcome::Clean,
];

fn url(tally: &Tally, span: Span) -> String {
    let title = "Clicks over time, by how they ended";
    let slices = slices(Log::Url, &ENDINGS);
    over_time(
        tally,
        span,
        "url-over-time",
        title,
        "clicks by hour",
        &slices,
    ) + &ranked_all(
        tally,
        &[
            Ranked::UrlActions,
            Ranked::UrlCategories,
            Ranked::UrlRecipients,
            Ranked::UrlSenders,
            Ranked::UrlHosts,
            Ranked::TheftBrands,
            Ranked::AdminOverrides,
            Ranked::UserOverrides,
            Ranked::Awareness,
        ],
    )
}

fn attachment(tally: &Tally, span: Span) -> String {
    let title = "Attachments over time, by how they ended";
    let slices = slices(Log::Attachment, &ENDINGS);
    over_time(
        tally,
        span,
        "attachment-over-time",
        title,
        "files by hour",
        &slices,
    ) + &ranked_all(
        tally,
        &[
            Ranked::FileResults,
            Ranked::FileRecipients,
            Ranked::FileTypes,
            Ranked::FileActions,
            Ranked::FileHashes,
        ],
    )
}

fn impersonation(tally: &Tally, span: Span) -> String {
    let title = "Impersonations over time, by verdict";
    let letters = || vec![Log::Impersonation];
    let suspicious = &[Outcome::Suspicious];
    let slices: [Slice<'_>; 2] = [
        ("stopped", "malicious", letters(), &Outcome::MALICIOUS),
        ("suspicious", "suspicious", letters(), suspicious),
    ];
    over_time(
        tally,
        span,
        "impersonation-over-time",
        title,
        "messages by hour",
        &slices,
    ) + &ranked_all(
        tally,
        &[
            Ranked::LetterActions,
            Ranked::LetterRecipients,
            Ranked::LetterIdentifiers,
            Ranked::LetterDomains,
        ],
    )
}

fn ranked_all(tally: &Tally, charts: &[Ranked]) -> String {
    charts.iter().map(|chart| ranked(tally, *chart)).collect()
}
