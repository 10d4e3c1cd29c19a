//! Drawings. They stretch to the space they are given, so all text is outside them, and all their
//! numbers are whole: a unit across is an hour, a unit up is one counted item.

use chrono::DateTime;

use super::html::{self, clock, escape, number, push};

/// The hours that a chart covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// The first, in hours since 1970 began.
    pub(super) first: i64,
    pub(super) hours: usize,
}

impl Span {
    /// The hours, one after the other.
    pub(super) fn iter(self) -> impl Iterator<Item = i64> {
        (self.first..).take(self.hours)
    }
}

/// What one colour stands for.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) word: &'static str,
    /// The class that has the colour.
    pub(super) class: &'static str,
    /// A number for each hour.
    pub(super) values: Vec<u32>,
}

impl Series {
    fn at(&self, hour: usize) -> u32 {
        self.values.get(hour).copied().unwrap_or(0)
    }

    fn total(&self) -> u32 {
        self.values.iter().sum()
    }
}

/// How several series share an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bars {
    /// One on top of the other, the first lowest.
    Stacked,
    /// Side by side.
    Grouped,
}

/// Bars over the hours with their axes; `None` where there is nothing to draw.
pub(super) fn over_time(span: Span, series: &[Series], bars: Bars, title: &str) -> Option<String> {
    let height = |hour: usize| -> u32 {
        let values = series.iter().map(|series| series.at(hour));
        match bars {
            Bars::Stacked => values.sum(),
            Bars::Grouped => values.max().unwrap_or(0),
        }
    };
    let most = (0..span.hours).map(height).max().filter(|most| *most > 0)?;
    let top = rounded(most);
    // Side by side each bar is a unit wide, with one more between the hours.
    let step = match bars {
        Bars::Stacked => 1,
        Bars::Grouped => series.len() + 1,
    };
    let mut out = format!(
        "<div class=\"plot\"><div class=\"y\" aria-hidden=\"true\"><span>{}</span><span>{}</span><span>0</span></div>\
         <svg role=\"img\" aria-label=\"{}: at most {} in an hour\" viewBox=\"0 0 {} {top}\" preserveAspectRatio=\"none\">",
        number(top),
        number(top / 2),
        escape(title),
        number(most),
        span.hours * step,
    );
    for line in [0, top / 2, top] {
        push(
            &mut out,
            format_args!(
                "<line class=\"grid\" x1=\"0\" y1=\"{line}\" x2=\"{}\" y2=\"{line}\"/>",
                span.hours * step
            ),
        );
    }
    for (hour, start) in span.iter().enumerate() {
        let left = hour * step;
        let (rects, values) = hour_bars(series, bars, hour, left, top);
        // The whole height tells what the hour holds, not only the bar.
        push(
            &mut out,
            format_args!(
                "<g><title>{} UTC: {}</title>{rects}<rect class=\"hit\" x=\"{left}\" y=\"0\" width=\"{step}\" height=\"{top}\"/></g>",
                hour_text(start),
                escape(&values),
            ),
        );
    }
    out.push_str("</svg>");
    out.push_str(&hours_below(span));
    out.push_str("</div>");
    Some(out)
}

/// The bars of one hour, and their values in words.
fn hour_bars(
    series: &[Series],
    bars: Bars,
    hour: usize,
    left: usize,
    top: u32,
) -> (String, String) {
    let mut values = Vec::new();
    let mut rects = String::new();
    let mut y = top;
    for (index, one) in series.iter().enumerate() {
        let value = one.at(hour);
        if value == 0 {
            continue;
        }
        values.push(format!("{} {}", one.word, number(value)));
        let x = match bars {
            Bars::Stacked => left,
            Bars::Grouped => {
                y = top;
                left + index
            }
        };
        y = y.saturating_sub(value);
        push(
            &mut rects,
            format_args!(
                "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"1\" height=\"{value}\"/>",
                one.class
            ),
        );
    }
    if values.is_empty() {
        values.push("nothing".to_owned());
    }
    (rects, values.join(", "))
}

/// The colours of a chart, with the total of each.
pub(super) fn legend(series: &[Series]) -> String {
    let mut out = "<ul class=\"legend\">".to_owned();
    for one in series {
        let total = one.total();
        push(
            &mut out,
            format_args!(
                "<li>{} <data class=\"sum\" value=\"{total}\">{}</data></li>",
                html::key(one.class, one.word),
                number(total),
            ),
        );
    }
    out.push_str("</ul>");
    out
}

/// A small chart without axes, for a quick look.
pub(super) fn spark(values: &[u32], class: &str) -> String {
    let top = values.iter().copied().max().unwrap_or(0).max(1);
    let mut out = format!(
        "<svg class=\"spark\" aria-hidden=\"true\" viewBox=\"0 0 {} {top}\" preserveAspectRatio=\"none\">",
        values.len()
    );
    for (x, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
        push(
            &mut out,
            format_args!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"1\" height=\"{value}\"/>",
                top - value
            ),
        );
    }
    out.push_str("</svg>");
    out
}

/// One bar of several colours, of which the longest bar of its chart holds `most`.
pub(super) fn bar(parts: impl IntoIterator<Item = (&'static str, u32)>, most: u32) -> String {
    let mut out = format!(
        "<svg class=\"bar\" aria-hidden=\"true\" viewBox=\"0 0 {} 1\" preserveAspectRatio=\"none\">",
        most.max(1)
    );
    let mut x = 0;
    for (class, width) in parts {
        if width > 0 {
            push(
                &mut out,
                format_args!(
                    "<rect class=\"{class}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"1\"/>"
                ),
            );
        }
        x += width;
    }
    out.push_str("</svg>");
    out
}

/// The names of days at their beginnings, and of noons.
fn hours_below(span: Span) -> String {
    let mut out = "<div class=\"x\" aria-hidden=\"true\">".to_owned();
    for (place, hour) in span.iter().enumerate() {
        let (class, text) = match hour.rem_euclid(24) {
            // So near to the end there is no room for it.
            0 if place * 8 > span.hours * 7 => continue,
            0 => ("day", day_text(hour)),
            12 => ("noon", "12:00".to_owned()),
            _ => continue,
        };
        push(
            &mut out,
            format_args!(
                "<span class=\"{class}\" style=\"left:calc(100% * {place} / {})\">{text}</span>",
                span.hours
            ),
        );
    }
    out.push_str("</div>");
    out
}

fn hour_text(hour: i64) -> String {
    DateTime::from_timestamp(hour * 3600, 0).map_or_else(String::new, clock)
}

fn day_text(hour: i64) -> String {
    let time = DateTime::from_timestamp(hour * 3600, 0);
    time.map_or_else(String::new, |time| time.format("%a %-d %b").to_string())
}

/// The next number up that halves well.
fn rounded(most: u32) -> u32 {
    let mut tens = 1_u32;
    loop {
        for steps in [2, 4, 6, 8, 10, 12, 16] {
            let top = tens.saturating_mul(steps);
            if top >= most {
                return top;
            }
        }
        tens = tens.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_number_that_halves() {
        let tops = [1, 2, 3, 7, 11, 100, 101, 4_100].map(rounded);
        assert_eq!(tops, [2, 2, 4, 8, 12, 100, 120, 6_000]);
        assert!(rounded(u32::MAX) >= u32::MAX - 9);
    }

    #[test]
    fn bars_stand_on_each_other_or_side_by_side() {
        let series = |class, values| Series {
            word: class,
            class,
            values,
        };
        let two = [series("a", vec![3, 0]), series("b", vec![1, 0])];
        let span = Span {
            first: 23,
            hours: 2,
        };
        let stacked = over_time(span, &two, Bars::Stacked, "T").unwrap();
        assert!(stacked.contains("class=\"a\" x=\"0\" y=\"1\" width=\"1\" height=\"3\""));
        assert!(stacked.contains("class=\"b\" x=\"0\" y=\"0\" width=\"1\" height=\"1\""));
        assert!(stacked.contains("<title>Thu 1 Jan 23:00 UTC: a 3, b 1</title>"));
        assert!(stacked.contains("Fri 2 Jan</span>") && stacked.contains(": nothing</title>"));
        let grouped = over_time(span, &two, Bars::Grouped, "T").unwrap();
        assert!(grouped.contains("class=\"b\" x=\"1\" y=\"3\" width=\"1\" height=\"1\""));
        assert_eq!(
            over_time(span, &[series("a", vec![0, 0])], Bars::Stacked, "T"),
            None
        );
    }
}
