//! Values that are longer than a column takes whole, which the service cuts off without a word.

use super::json;

/// Objects nested deeper are not looked into.
const MAX_DEPTH: u32 = 8;

/// How many values of `record` are longer than `max_bytes`. Strings count by what they say, arrays by
/// their text, objects by their members: so the service makes columns of them.
pub(super) fn count(record: &str, max_bytes: usize) -> u32 {
    in_object(record, max_bytes, 0)
}

fn in_object(object: &str, max_bytes: usize, depth: u32) -> u32 {
    // Nearly every record ends here.
    if object.len() <= max_bytes || depth > MAX_DEPTH {
        return 0;
    }
    json::members(object)
        .map(|(_, value)| match value.as_bytes().first() {
            Some(b'{') => in_object(value, max_bytes, depth + 1),
            Some(b'"') if value.len() > max_bytes => {
                let mut says = Vec::with_capacity(value.len());
                json::unescape_into(&mut says, value);
                u32::from(says.len() > max_bytes)
            }
            _ => u32::from(value.len() > max_bytes),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_longer_than_a_column_are_counted_by_what_they_say() {
        for (record, long) in [
            (r#"{"a":"0123456789","b":"x","c":1}"#, 0),
            (
                r#"{"a":"0123456789x","b":{"c":"0123456789x","d":"short"}}"#,
                2,
            ),
            (r#"{"a":"\u0041\u0041\u0041"}"#, 0),
            (r#"{"a":"ééééé","b":"éééééé"}"#, 1),
            (r#"{"a":["0123","4567","8"]}"#, 1),
        ] {
            assert_eq!(count(record, 10), long, "{record}");
            assert_eq!(count(record, usize::MAX), 0, "{record}");
        }
    }
}
