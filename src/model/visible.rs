//! Text from outside as it may be shown: in one line, without characters that move the cursor, recolour a
//! terminal or reorder what is read, and never long.

use std::{borrow::Cow, fmt::Write};

/// The most characters that are shown of one text.
pub const MAX_VISIBLE: usize = 300;

/// `text` with every character that is not plainly visible escaped, cut after [`MAX_VISIBLE`] characters.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.trim().chars();
    for character in characters.by_ref().take(MAX_VISIBLE) {
        push(&mut shown, character);
    }
    if characters.next().is_some() {
        shown.push_str("...");
    }
    shown
}

/// A whole output as it may be written: the last defence, where its parts should be visible already. Line
/// feeds stay; other hidden characters become escapes as JSON writes them, so that JSON stays JSON and means
/// the same.
#[must_use]
pub fn escape_hidden(text: &str) -> Cow<'_, str> {
    let is_harmless = |character: char| character == '\n' || !is_hidden(character);
    if text.chars().all(is_harmless) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmless(character) {
            shown.push(character);
        } else {
            push_escape(&mut shown, character);
        }
    }
    shown.into()
}

fn push(shown: &mut String, character: char) {
    match character {
        '\n' | '\r' | '\t' => shown.push(' '),
        hidden if is_hidden(hidden) => push_escape(shown, hidden),
        plain => shown.push(plain),
    }
}

fn push_escape(shown: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a string does not fail.
        let _written = write!(shown, "\\u{unit:04x}");
    }
}

/// C0, C1 and DEL; marks and overrides of writing direction; separators of lines and paragraphs; what takes
/// no room.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_or_hides_text_is_shown() {
        for (text, expected) in [
            ("plain \u{e9} \u{4e2d}", "plain \u{e9} \u{4e2d}"),
            ("a\u{1b}[31mred", "a\\u001b[31mred"),
            ("a\nb\tc\r", "a b c"),
            ("a\u{9b}2J", "a\\u009b2J"),
            ("moc.\u{202e}live", "moc.\\u202elive"),
            ("a\u{2028}b\u{2029}c", "a\\u2028b\\u2029c"),
            ("\u{feff}a\u{200b}b", "\\ufeffa\\u200bb"),
        ] {
            assert_eq!(visible(text), expected);
            let lines = escape_hidden(text);
            assert!(lines.lines().all(|line| !line.contains(is_hidden)));
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = visible(&"\u{1b}".repeat(31_000_000));
        assert!(shown.ends_with("...") && shown.len() < 10 * MAX_VISIBLE);
        assert_eq!(visible(&"x".repeat(MAX_VISIBLE)).len(), MAX_VISIBLE);
    }

    #[test]
    fn what_is_escaped_in_json_means_the_same() {
        let value = serde_json::json!({"subject": "a\u{202e}b\u{2028}c\u{1b}d\u{e0001}e\nf"});
        let json = escape_hidden(&value.to_string()).into_owned();
        assert!(!json.contains(is_hidden));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap(),
            value
        );
    }
}
