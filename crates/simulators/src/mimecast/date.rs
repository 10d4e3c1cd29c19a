//! The two spellings of time on this wire.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Reads the `x-mc-date` header: `Tue, 24 Nov 2015 12:50:11 UTC`.
///
/// Older vendor pages end it in `GMT`, so that is read too. The weekday must be the right one and
/// the day must have two digits.
pub(super) fn parse_header(text: &str) -> Option<DateTime<Utc>> {
    const FORM: &str = "%a, %d %b %Y %H:%M:%S";
    let body = text
        .strip_suffix(" UTC")
        .or_else(|| text.strip_suffix(" GMT"))?;
    let time = NaiveDateTime::parse_from_str(body, FORM).ok()?;
    // The parser forgives a missing zero and stray blanks; writing the time anew does not.
    (time.format(FORM).to_string() == body).then(|| time.and_utc())
}

/// The time for the `Date` header of an answer, which HTTP spells with `GMT`.
pub(super) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads `from` and `to` as Unix seconds: `2015-11-16T14:49:18+0000` as documented, and the
/// spellings with `Z` and `+00:00` that published clients send and are served with.
pub(super) fn parse_field(text: &str) -> Option<i64> {
    const FORM: &str = "%Y-%m-%dT%H:%M:%S";
    if let Some(body) = text.strip_suffix('Z') {
        let time = NaiveDateTime::parse_from_str(body, FORM).ok()?;
        return (time.format(FORM).to_string() == body).then(|| time.and_utc().timestamp());
    }
    let time = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z").ok()?;
    ["%z", "%:z"]
        .iter()
        .any(|offset| time.format(&format!("{FORM}{offset}")).to_string() == text)
        .then(|| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_date_is_read_strictly() {
        let expected = DateTime::from_timestamp(1_448_369_411, 0);
        assert_eq!(parse_header("Tue, 24 Nov 2015 12:50:11 UTC"), expected);
        assert_eq!(parse_header("Tue, 24 Nov 2015 12:50:11 GMT"), expected);
        for wrong in [
            "",
            "Mon, 24 Nov 2015 12:50:11 UTC",
            "Tue, 3 Nov 2015 12:50:11 UTC",
            "Tue,  24 Nov 2015 12:50:11 UTC",
            "Tue, 24 Nov 2015 12:50:11",
            "Tue, 24 Nov 2015 12:50:11 +0000",
            "2015-11-24T12:50:11Z",
        ] {
            assert_eq!(parse_header(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_answer_date_is_in_http_form() {
        let time = DateTime::from_timestamp(1_448_369_411, 0).unwrap();
        assert_eq!(http_date(time), "Tue, 24 Nov 2015 12:50:11 GMT");
    }

    #[test]
    fn the_three_spellings_of_a_field_date_mean_the_same() {
        for text in [
            "2015-11-16T14:49:18+0000",
            "2015-11-16T14:49:18Z",
            "2015-11-16T14:49:18+00:00",
            "2015-11-16T16:49:18+0200",
        ] {
            assert_eq!(parse_field(text), Some(1_447_685_358), "{text}");
        }
        for wrong in [
            "",
            "yesterday",
            "2015-11-16",
            "2015-11-16T14:49:18",
            "2015-11-16 14:49:18+0000",
            "2015-11-16T14:49:18.5+0000",
            "2015-13-16T14:49:18Z",
            "2015-11-16T4:49:18Z",
            "1447685358",
        ] {
            assert_eq!(parse_field(wrong), None, "{wrong}");
        }
    }
}
