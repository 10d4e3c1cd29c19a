//! The same record in other words.

use std::fmt::Write;

use super::reader::{elements, members};

/// The same content in other words: other white space, other escapes and, if wished, the members in
/// the opposite order. What is nested deeper than fingerprints look stays as it is.
pub(super) fn rewrite(value: &str, reverse: bool, depth: usize) -> String {
    const AS_DEEP_AS_FINGERPRINTS_LOOK: usize = 32;
    if value.starts_with('"') {
        return respell(value);
    }
    if depth >= AS_DEEP_AS_FINGERPRINTS_LOOK {
        return value.to_owned();
    }
    let inner = |value: &str| rewrite(value, reverse, depth + 1);
    if let Some(mut members) = members(value) {
        if reverse {
            members.reverse();
        }
        let members: Vec<_> = members
            .into_iter()
            .map(|(name, value)| format!("\n{}\t:\r{}", respell(name), inner(value)))
            .collect();
        return format!("{{ {} }}", members.join(" ,"));
    }
    if value.starts_with('[')
        && let Some(elements) = elements(value)
    {
        let elements: Vec<_> = elements.into_iter().map(inner).collect();
        return format!("[ {} ]", elements.join("\n,\t"));
    }
    value.to_owned()
}

/// The same string with an escape for every other character that has none.
fn respell(literal: &str) -> String {
    let mut out = String::new();
    let mut inside = literal.strip_prefix('"').unwrap();
    inside = inside.strip_suffix('"').unwrap();
    let mut characters = inside.chars();
    let mut turn = false;
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.next() {
                Some('/') => out.push('/'),
                Some(escaped) => out.extend(['\\', escaped]),
                None => {}
            }
            continue;
        }
        turn = !turn;
        // The digits of an escape must stay as they are, and which these are is not tracked here.
        if turn && !character.is_ascii_hexdigit() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04X}").unwrap();
            }
        } else {
            out.push(character);
        }
    }
    format!("\"{out}\"")
}
