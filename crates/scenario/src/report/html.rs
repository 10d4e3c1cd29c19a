//! Text as a page holds it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

/// Text from a row, which may hold anything: markup becomes text, and forbidden characters become a mark.
/// It runs from left to right, as addresses and hosts do, and the text around it keeps its place.
pub(super) fn foreign(text: &str) -> String {
    format!("<bdi dir=\"ltr\">{}</bdi>", escape(text))
}

/// Text without anything that a browser takes for markup.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(' '),
            _ if letter.is_control() => out.push('\u{FFFD}'),
            _ => out.push(letter),
        }
    }
    out
}

/// A number with thousands separators: `12,000`.
pub(super) fn number(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A time such as `Tue 3 Mar 09:05`, in UTC.
pub(super) fn clock(time: DateTime<Utc>) -> String {
    time.format("%a %-d %b %H:%M").to_string()
}

/// A panel of the page, named as its workbook names it.
pub(super) fn figure(id: &str, title: &str, about: &str, body: &str) -> String {
    format!(
        "<figure id=\"{id}\"><figcaption><h3>{title}</h3><p>{about}</p></figcaption>{body}</figure>\n",
        title = escape(title),
        about = escape(about),
    )
}

/// What a panel shows when none of its rows arrived.
pub(super) const NOTHING: &str = "Nothing of this kind was delivered.";

/// What a panel shows when it has nothing to show.
pub(super) fn empty(text: &str) -> String {
    format!("<p class=\"empty\">{}</p>", escape(text))
}

/// What the colours mean: class and word.
pub(super) fn key(class: &str, word: &str) -> String {
    format!(
        "<i class=\"key {class}\" aria-hidden=\"true\"></i>{}",
        escape(word)
    )
}

/// A table. The first cell of each row is its head; cells are markup.
pub(super) fn table(title: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table><thead><tr>",
        escape(title)
    );
    for head in heads {
        push(
            &mut out,
            format_args!("<th scope=\"col\">{}</th>", escape(head)),
        );
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            if place == 0 {
                push(&mut out, format_args!("<th scope=\"row\">{cell}</th>"));
            } else {
                push(&mut out, format_args!("<td>{cell}</td>"));
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

/// Appends; a string takes everything.
pub(super) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _written = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_holds_is_never_markup() {
        assert_eq!(
            foreign("<script>alert('1')</script> & \"é\"\n\u{1}"),
            "<bdi dir=\"ltr\">&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;é&quot; \u{FFFD}</bdi>"
        );
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        let texts = [0_u32, 999, 1000, 12_000, 1_234_567].map(number);
        assert_eq!(texts, ["0", "999", "1,000", "12,000", "1,234,567"]);
    }
}
