//! Panels of bars, each with its numbers.

use std::collections::BTreeMap;

use super::{
    chart::Ranked,
    event::Outcome,
    html::{self, clock, figure, foreign, number},
    ranking::{Count, Ranking},
    svg,
    tally::Tally,
};

/// The panel of a chart.
pub(super) fn ranked(tally: &Tally, chart: Ranked) -> String {
    let nothing = BTreeMap::new();
    let ranking = Ranking::new(chart, tally.ranked.get(&chart).unwrap_or(&nothing));
    let order = if chart.by_size() {
        "most frequent first"
    } else {
        "most malicious first"
    };
    let about = format!("{}, {order}", chart.unit().to_lowercase());
    if ranking.shown.is_empty() {
        return figure(
            chart.id(),
            chart.title(),
            &about,
            &html::empty(html::NOTHING),
        );
    }
    let mut heads = vec![chart.head(), chart.unit(), "Malicious", "Got through"];
    if !chart.is_of_users() {
        heads.push("Users");
    }
    if chart == Ranked::Campaigns {
        heads.extend(["Senders", "First (UTC)", "Last (UTC)"]);
    }
    let most = ranking.most();
    let mut rows: Vec<_> = ranking
        .shown
        .iter()
        .map(|(label, count)| row(chart, &label_of(chart, label, count), count, most))
        .collect();
    if ranking.more > 0 {
        let label = format!("<em>{} more</em>", number(ranking.more as u64));
        // An event has a place in several campaigns: they do not add up.
        let mut row = match chart {
            Ranked::Campaigns => vec![label],
            _ => numbers(&label, &ranking.rest),
        };
        row.resize(heads.len(), "\u{2013}".to_owned());
        rows.push(row);
    }
    let body = html::table(chart.title(), &heads, &rows);
    figure(chart.id(), chart.title(), &about, &body)
}

fn label_of(chart: Ranked, label: &str, count: &Count) -> String {
    let label = foreign(label);
    if chart == Ranked::FileHashes && !count.note.is_empty() {
        format!("{label}<small>{}</small>", foreign(&count.note))
    } else {
        label
    }
}

fn row(chart: Ranked, label: &str, count: &Count, most: u32) -> Vec<String> {
    let parts = Outcome::ALL.map(|outcome| (outcome.class(), count.outcomes[outcome as usize]));
    let mut row = numbers(&format!("{label}{}", svg::bar(parts, most)), count);
    if !chart.is_of_users() {
        row.push(number(count.users() as u64));
    }
    if chart == Ranked::Campaigns {
        row.push(number(count.senders() as u64));
        row.extend([count.first, count.last].map(|time| time.map_or_else(String::new, clock)));
    }
    row
}

fn numbers(label: &str, count: &Count) -> Vec<String> {
    let events = count.events();
    vec![
        label.to_owned(),
        format!(
            "<data class=\"sum\" value=\"{events}\">{}</data>",
            number(events)
        ),
        number(count.malicious()),
        number(count.through()),
    ]
}
