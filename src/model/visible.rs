//! Text from outside as it may be shown: in one line, without characters that move the cursor, recolour a
//! terminal or reorder what is read, and never long.

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

/// A whole line as it may be written: the last defence, where its parts should be visible already. Line
/// feeds and tabs become blanks, other characters as with [`visible`]; nothing is cut.
#[must_use]
pub fn one_line(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().all(|character| !is_hidden(character)) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut shown, character);
    }
    shown.into()
}

fn push(shown: &mut String, character: char) {
    match character {
        '\n' | '\r' | '\t' => shown.push(' '),
        hidden if is_hidden(hidden) => shown.extend(hidden.escape_unicode()),
        plain => shown.push(plain),
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
            ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
            ("a\nb\tc\r", "a b c"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("moc.\u{202e}live", "moc.\\u{202e}live"),
            ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
            ("\u{feff}a\u{200b}b", "\\u{feff}a\\u{200b}b"),
        ] {
            assert_eq!(visible(text), expected);
            assert!(!one_line(text).contains(is_hidden));
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let shown = visible(&"\u{1b}".repeat(31_000_000));
        assert!(shown.ends_with("...") && shown.len() < 10 * MAX_VISIBLE);
        assert_eq!(visible(&"x".repeat(MAX_VISIBLE)).len(), MAX_VISIBLE);
    }
}
