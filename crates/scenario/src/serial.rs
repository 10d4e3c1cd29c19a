//! The number that identifies a record.

use serde_json::Value;

use simulators::log::Log;

/// What a record carries in one of its natural members: `url-000123`.
pub(super) fn serial(log: Log, index: usize) -> String {
    format!("{}-{index:06}", log.name())
}

/// The member that carries the serial.
pub(super) const fn member(log: Log) -> &'static str {
    match log {
        Log::Url => "url",
        Log::Attachment => "fileName",
        Log::Impersonation => "id",
    }
}

/// The index of the record that `row` was made from; `None` where the row carries none.
#[must_use]
pub fn serial_of(log: Log, row: &Value) -> Option<usize> {
    let text = row.get(member(log))?.as_str()?;
    let (_, rest) = text.rsplit_once(&format!("{}-", log.name()))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_read_back_from_its_member_alone() {
        let row = serde_json::json!({
            "url": "https://a.example/url-7/?c=1&l=sale-url-000123#top",
            "fileName": "Q1 attachment-1234567.xlsx",
            "id": "MTOKEN:eNqr-impersonation-000004",
        });
        assert_eq!(serial_of(Log::Url, &row), Some(123));
        assert_eq!(serial_of(Log::Attachment, &row), Some(1_234_567));
        assert_eq!(serial_of(Log::Impersonation, &row), Some(4));
        assert_eq!(serial_of(Log::Url, &serde_json::json!({"url": null})), None);
        assert_eq!(
            serial_of(Log::Url, &serde_json::json!({"url": "url-"})),
            None
        );
        assert_eq!(serial_of(Log::Url, &serde_json::json!([])), None);
    }
}
