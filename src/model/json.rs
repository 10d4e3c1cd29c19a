//! Walking JSON text that is already known to be valid.
//!
//! Records arrive as slices that a JSON parser has checked. Looking into them again needs no second
//! parser and no tree: members and elements are found by their delimiters alone. On text that is not
//! valid JSON the walk gives meaningless slices, but it always ends and never panics; the scan, which
//! checks by itself, relies on that.

/// The members of an object, in their order, as raw slices: the key with its quotes and the value.
/// Duplicate keys are all there. Empty for anything that is not an object.
pub(crate) fn members(object: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = inside(object, b'{');
    std::iter::from_fn(move || {
        let (key, after) = take_value(rest)?;
        let (value, after) = take_value(after.trim_ascii_start().strip_prefix(':')?)?;
        rest = next_item(after);
        Some((key, value))
    })
}

/// The elements of an array as raw slices. Empty for anything that is not an array.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = &str> {
    let mut rest = inside(array, b'[');
    std::iter::from_fn(move || {
        let (value, after) = take_value(rest)?;
        rest = next_item(after);
        Some(value)
    })
}

/// Appends what the string literal `raw` (with its quotes) denotes. A lone surrogate escape, which
/// UTF-8 cannot hold, becomes the three bytes that UTF-8 would use for it if it could: two different
/// strings stay different.
pub(crate) fn unescape_into(out: &mut Vec<u8>, raw: &str) {
    let mut rest = raw
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(raw)
        .as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => rest = unescape_unicode(out, rest),
            other => out.push(other),
        }
    }
    out.extend_from_slice(rest);
}

/// `rest` follows `\u`. Appends the character and returns what comes after it.
fn unescape_unicode<'a>(out: &mut Vec<u8>, rest: &'a [u8]) -> &'a [u8] {
    let Some((unit, after)) = take_hex4(rest) else {
        return rest;
    };
    let pair = after
        .strip_prefix(b"\\u")
        .and_then(take_hex4)
        .filter(|(low, _)| (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(low));
    let (code, after) = match pair {
        Some((low, after)) => (0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), after),
        None => (unit, after),
    };
    match char::from_u32(code) {
        Some(character) => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        None => out.extend([
            0xe0 | low_byte(code >> 12),
            0x80 | low_byte(code >> 6) & 0x3f,
            0x80 | low_byte(code) & 0x3f,
        ]),
    }
    after
}

fn low_byte(code: u32) -> u8 {
    code.to_le_bytes()[0]
}

fn take_hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let code = digits
        .iter()
        .try_fold(0, |code, byte| Some(code << 4 | digit(byte)?))?;
    Some((code, rest))
}

fn inside(text: &str, open: u8) -> &str {
    text.trim_ascii_start()
        .strip_prefix(char::from(open))
        .unwrap_or_default()
}

fn next_item(after: &str) -> &str {
    after
        .trim_ascii_start()
        .strip_prefix(',')
        .unwrap_or_default()
}

/// Splits off the value that `text` begins with. `None` at a closing bracket or the end.
fn take_value(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_ascii_start();
    let length = match text.as_bytes().first()? {
        b'}' | b']' | b',' | b':' => return None,
        b'"' => string_length(text.as_bytes()),
        b'{' | b'[' => nested_length(text.as_bytes()),
        _ => text
            .bytes()
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(text.len()),
    };
    // The length ends after an ASCII delimiter or before one, so on a character's border.
    text.split_at_checked(length)
}

/// The length of the string literal at the start of `text`, with both quotes.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        // Skip the escaped character; an escape's further digits hold neither quote nor backslash.
        at += 1;
    }
    text.len()
}

/// The length of the object or array at the start of `text`.
pub(super) fn nested_length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string_length(&text[at..]);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_come_in_order_with_duplicates() {
        let object = r#" { "a" : 1 , "b\"" : {"x":[1,"}"]} ,"a":null, "c":"\\" } "#;
        let found: Vec<_> = members(object).collect();
        assert_eq!(
            found,
            [
                (r#""a""#, "1"),
                (r#""b\"""#, r#"{"x":[1,"}"]}"#),
                (r#""a""#, "null"),
                (r#""c""#, r#""\\""#)
            ]
        );
        assert_eq!(members("{}").count(), 0);
        assert_eq!(members("[1]").count(), 0);
        assert_eq!(
            elements("[ 1, \"a,b\" ,[2,3], {} ]").collect::<Vec<_>>(),
            ["1", "\"a,b\"", "[2,3]", "{}"]
        );
    }

    #[test]
    fn every_escape_is_read() {
        for (raw, text) in [
            (r#""plain""#, "plain".as_bytes()),
            (r#""\"\\\/\b\f\n\r\t""#, b"\"\\/\x08\x0c\n\r\t"),
            (r#""\u00e9\ud83d\udd12""#, "é🔒".as_bytes()),
            (r#""\ud83d!""#, b"\xed\xa0\xbd!"),
            (r#""\ud83d\u0041""#, b"\xed\xa0\xbdA"),
        ] {
            let mut out = Vec::new();
            unescape_into(&mut out, raw);
            assert_eq!(out, text, "{raw}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_walk_sees_what_a_parser_sees(value in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            if let Some(object) = value.as_object() {
                let walked: serde_json::Map<_, _> = members(&text)
                    .map(|(key, value)| (serde_json::from_str(key).unwrap(), serde_json::from_str(value).unwrap()))
                    .collect();
                prop_assert_eq!(&walked, object);
            }
            if let Some(array) = value.as_array() {
                let walked: Vec<serde_json::Value> = elements(&text).map(|value| serde_json::from_str(value).unwrap()).collect();
                prop_assert_eq!(&walked, array);
            }
            if let Some(string) = value.as_str() {
                let mut out = Vec::new();
                unescape_into(&mut out, &text);
                prop_assert_eq!(out, string.as_bytes());
            }
        }

        #[test]
        fn the_walk_ends_on_any_text(text in any::<String>()) {
            let _ = members(&text).count();
            let _ = elements(&text).count();
            let _ = members(&format!("{{{text}")).count();
            unescape_into(&mut Vec::new(), &text);
        }
    }
}
