//! The date form of Azure's signed requests.

use chrono::{DateTime, Utc};

/// The date as `x-ms-date` wants it: `Mon, 05 Jan 2026 09:07:03 GMT`, English whatever the locale.
#[must_use]
pub fn header_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_english_with_two_digits_and_gmt() {
        let time = crate::model::event_time::parse("2026-01-05T09:07:03Z").unwrap();
        assert_eq!(header_date(time), "Mon, 05 Jan 2026 09:07:03 GMT");
    }
}
