//! The first part of the page: all feeds together.

use std::collections::HashSet;

use super::{
    about::About,
    bars::ranked,
    chart::Ranked,
    event::Outcome,
    health,
    hours::{Slice, over_time},
    html::{self, figure, number},
    svg::{self, Span},
    tally::{Hour, Tally},
};
use simulators::log::Log;

const DAY: i64 = 24;

pub(super) fn panels(tally: &Tally, span: Span, about: &About) -> String {
    let by_feed = Log::ALL.map(|log| (log.name(), log.name(), vec![log], &Outcome::ALL[..]));
    let all = Log::ALL.to_vec();
    let by_verdict: [Slice<'_>; 4] = [
        ("stopped", "malicious", all.clone(), &Outcome::MALICIOUS),
        (
            "suspicious",
            "suspicious",
            all.clone(),
            &[Outcome::Suspicious],
        ),
        (
            "inconclusive",
            "inconclusive",
            all.clone(),
            &[Outcome::Inconclusive],
        ),
        ("clean", "clean", all, &[Outcome::Clean]),
    ];
    [
        tiles(tally),
        over_time(
            tally,
            span,
            "overview-by-feed",
            "Events over time, by feed",
            "events by hour",
            &by_feed,
        ),
        over_time(
            tally,
            span,
            "overview-by-verdict",
            "Events over time, by verdict",
            "events by hour",
            &by_verdict,
        ),
        funnel(tally),
        health::now(&tally.passes, about),
        ranked(tally, Ranked::MostTargeted),
        ranked(tally, Ranked::Campaigns),
    ]
    .concat()
}

/// Feeds by how far their events got.
fn funnel(tally: &Tally) -> String {
    let title = "How far it came";
    let rows = Log::ALL.map(|log| {
        let sum = |outcomes: &[Outcome]| -> u32 {
            tally
                .hours
                .values()
                .map(|hour| hour.count(&[log], outcomes))
                .sum()
        };
        let (seen, malicious, through) = (
            sum(&Outcome::ALL),
            sum(&Outcome::MALICIOUS),
            sum(&[Outcome::Through]),
        );
        let parts = Outcome::ALL.map(|outcome| (outcome.class(), sum(&[outcome])));
        let share = if malicious == 0 {
            String::new()
        } else {
            let percent = 100.0 * f64::from(through) / f64::from(malicious);
            format!("<small>{percent:.1} %</small>")
        };
        vec![
            format!("{}{}", log.name(), svg::bar(parts, seen)),
            format!(
                "<data class=\"sum\" value=\"{seen}\">{}</data>",
                number(seen)
            ),
            number(sum(&[Outcome::Suspicious, Outcome::Inconclusive])),
            number(malicious),
            number(through) + &share,
        ]
    });
    let heads = ["Feed", "Seen", "Not sure", "Malicious", "Got through"];
    figure(
        "overview-funnel",
        title,
        "events by feed (not sure: suspicious or inconclusive); each bar is all of a feed",
        &html::table(title, &heads, &rows),
    )
}

fn tiles(tally: &Tally) -> String {
    let end = tally.hours.keys().next_back().map_or(0, |last| last + 1);
    let first = tally.hours.keys().next().copied().unwrap_or(end);
    let span = Span {
        first,
        hours: usize::try_from(end - first).unwrap_or(0),
    };
    let events = |logs: &'static [Log], outcomes: &'static [Outcome]| {
        move |hours: &mut dyn Iterator<Item = &Hour>| -> u32 {
            hours.map(|hour| hour.count(logs, outcomes)).sum()
        }
    };
    let users = |of: fn(&Hour) -> &HashSet<u32>| {
        move |hours: &mut dyn Iterator<Item = &Hour>| -> u32 {
            let users: HashSet<u32> = hours.flat_map(|hour| of(hour).iter().copied()).collect();
            u32::try_from(users.len()).unwrap_or(u32::MAX)
        }
    };
    let tile =
        |title: &str, class: &str, count: &dyn Fn(&mut dyn Iterator<Item = &Hour>) -> u32| {
            let within =
                |from: i64, to: i64| count(&mut tally.hours.range(from..to).map(|(_, hour)| hour));
            let hourly: Vec<_> = span.iter().map(|hour| within(hour, hour + 1)).collect();
            let total = within(first, end);
            format!(
                "<li><h4>{title}</h4><p class=\"big\">{}</p>{}<p>{}</p></li>",
                number(total),
                svg::spark(&hourly, class),
                change(within(end - DAY, end), within(end - 2 * DAY, end - DAY)),
            )
        };
    let body = [
        tile("Events", "url", &events(&Log::ALL, &Outcome::ALL)),
        tile(
            "Malicious",
            "stopped",
            &events(&Log::ALL, &Outcome::MALICIOUS),
        ),
        tile(
            "Got through",
            "through",
            &events(&Log::ALL, &[Outcome::Through]),
        ),
        tile("Users targeted", "stopped", &users(|hour| &hour.targeted)),
        tile("Users reached", "through", &users(|hour| &hour.reached)),
        tile(
            "Impersonations",
            "impersonation",
            &events(&[Log::Impersonation], &Outcome::ALL),
        ),
    ];
    let body = format!("<ul class=\"tiles\">{}</ul>", body.concat());
    figure(
        "overview-tiles",
        "At a glance, against the day before",
        "in all, by hour, and the last 24 hours",
        &body,
    )
}

/// The last day against the one before it.
fn change(last: u32, before: u32) -> String {
    let day = format!("last 24 h: <b>{}</b>", number(last));
    if last == before {
        return format!("{day}, as many as the day before");
    }
    if before == 0 {
        return format!("{day}, none the day before");
    }
    let percent = 100.0 * (f64::from(last) - f64::from(before)) / f64::from(before);
    format!("{day}, {percent:+.0} % against the day before")
}
