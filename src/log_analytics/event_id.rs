//! The `id` of an impersonation record goes to the Logs Ingestion API as `eventId`: `id` is a reserved
//! column name there, and whether a stream may have it is not documented.

use crate::model::{batch::Batch, json};

const ID: &str = "\"id\"";
const EVENT_ID: &str = "\"eventId\"";

/// The body of a batch with the member `id` of each row under its other name.
pub(super) fn renamed(batch: &Batch) -> String {
    let mut body = String::with_capacity(batch.body().len() + batch.rows().len() * 5);
    body.push('[');
    for (number, row) in batch.rows().iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        push_renamed(&mut body, batch.text(row));
    }
    body.push(']');
    body
}

fn push_renamed(body: &mut String, row: &str) {
    let mut rest = row;
    for (key, _) in json::members(row) {
        if key != ID {
            continue;
        }
        // The key is a slice of the row, so its place is known.
        let at = key.as_ptr() as usize - row.as_ptr() as usize;
        let done = row.len() - rest.len();
        if let Some((before, behind)) = row
            .get(done..)
            .and_then(|from| from.split_at_checked(at - done))
        {
            body.push_str(before);
            body.push_str(EVENT_ID);
            rest = behind.strip_prefix(ID).unwrap_or(behind);
        }
    }
    body.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rows_own_id_is_renamed_and_nothing_else_is_touched() {
        for (row, expected) in [
            (
                r#"{"id":"a","x":{"id":1}}"#,
                r#"{"eventId":"a","x":{"id":1}}"#,
            ),
            (
                r#"{ "x" : "id" , "id" : [{"id":2}] }"#,
                r#"{ "x" : "id" , "eventId" : [{"id":2}] }"#,
            ),
            (r#"{"ID":1,"idx":2}"#, r#"{"ID":1,"idx":2}"#),
            ("{}", "{}"),
        ] {
            let mut body = String::new();
            push_renamed(&mut body, row);
            assert_eq!(body, expected);
        }
    }
}
