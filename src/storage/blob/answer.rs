//! Which answers of blob storage are usable, judged before the official crate acts on them.
//!
//! The crate plans a download by the `Content-Range` of the first answer. It allocates that plan, so
//! that a total of 2^63 bytes aborts the process, and it fills a part that is shorter than asked for with
//! zeros. It reads lists until there is no `NextMarker`.

use azure_core::{
    error::ErrorKind,
    http::{
        StatusCode,
        headers::{HeaderName, Headers},
    },
};

use crate::storage::{MAX_BYTES, MAX_KEYS, MAX_MIB};

/// The most pages of one list; the service puts 5,000 names on each.
pub(super) const MAX_LIST_PAGES: usize = 200;

/// The largest answer that carries no blob: a page of a list takes a few megabytes.
const MAX_OTHER_BYTES: u64 = 16 * 1024 * 1024;

/// Why an answer is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// The blob could only be read in part.
    #[error("the blob is larger than {MAX_MIB} MiB")]
    BlobTooLarge,
    /// No answer is that long.
    #[error("the answer of blob storage is too long")]
    AnswerTooLong,
    /// The parts would not make the blob.
    #[error("blob storage answered with another part of the blob than the one asked for")]
    OtherPart,
    /// There is always another page.
    #[error(
        "the list of blobs does not end: it has more than {MAX_LIST_PAGES} pages or {MAX_KEYS} names"
    )]
    ListTooLong,
}

impl Unusable {
    /// What to do about it.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::BlobTooLarge => {
                "look at the blob in the storage account; this program writes none so large"
            }
            Self::ListTooLong => {
                "look at the container in the storage account, and remove what nobody needs"
            }
            Self::AnswerTooLong | Self::OtherPart => {
                "check the address in AzureWebJobsStorage, and whether a proxy changes its answers"
            }
        }
    }
}

/// Of a kind that the crate does not try again.
impl From<Unusable> for azure_core::Error {
    fn from(unusable: Unusable) -> Self {
        Self::new(ErrorKind::Other, unusable)
    }
}

/// A part of a blob, from its first byte to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    first: u64,
    last: u64,
}

impl Part {
    /// What a request asks for; `None` for the whole.
    pub(super) fn asked(request: &Headers) -> Option<Self> {
        let range = request.get_optional_str(&HeaderName::from_static("range"))?;
        Self::read(range.strip_prefix("bytes=")?)
    }

    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        Some(Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        })
    }
}

/// The longest body of an answer.
pub(super) const fn max_body(asked: Option<Part>) -> u64 {
    match asked {
        Some(_) => MAX_BYTES,
        None => MAX_OTHER_BYTES,
    }
}

/// What an answer with a longer body is.
pub(super) const fn too_long(asked: Option<Part>) -> Unusable {
    match asked {
        Some(_) => Unusable::BlobTooLarge,
        None => Unusable::AnswerTooLong,
    }
}

/// The length of the whole blob, as the head of an answer tells it.
pub(super) fn total(answer: &Headers) -> Option<u64> {
    Some(content_range(range_header(answer)?)?.1)
}

/// Judges the head of an answer. Returns how long the body must be, where it carries a part.
pub(super) fn judge(
    asked: Option<Part>,
    status: StatusCode,
    answer: &Headers,
) -> Result<Option<u64>, Unusable> {
    let length = answer
        .get_optional_str(&HeaderName::from_static("content-length"))
        .and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > max_body(asked)) {
        return Err(too_long(asked));
    }
    if !status.is_success() {
        return Ok(None);
    }
    match (asked, range_header(answer)) {
        (Some(asked), Some(header)) => {
            let (part, total) = content_range(header).ok_or(Unusable::OtherPart)?;
            length_of(part, asked, total).map(Some)
        }
        (None, None) => Ok(None),
        // A service that knows no ranges sends the whole.
        (Some(Part { first: 0, .. }), None) if status == StatusCode::Ok => Ok(None),
        _ => Err(Unusable::OtherPart),
    }
}

/// How long `part` is, if it is the one asked for of a blob of `total` bytes.
fn length_of(part: Part, asked: Part, total: u64) -> Result<u64, Unusable> {
    if total > MAX_BYTES {
        return Err(Unusable::BlobTooLarge);
    }
    let end = total.min(asked.last.saturating_add(1));
    match end.checked_sub(asked.first) {
        Some(length) if length > 0 && part.first == asked.first && part.last == end - 1 => {
            Ok(length)
        }
        _ => Err(Unusable::OtherPart),
    }
}

fn range_header(answer: &Headers) -> Option<&str> {
    answer.get_optional_str(&HeaderName::from_static("content-range"))
}

/// The part and the length of the whole.
fn content_range(text: &str) -> Option<(Part, u64)> {
    let (part, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((Part::read(part)?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        asked: Option<&str>,
        status: StatusCode,
        range: &str,
    ) -> Result<Option<u64>, Unusable> {
        let (mut request, mut answer) = (Headers::new(), Headers::new());
        if let Some(asked) = asked {
            request.insert("range", asked.to_owned());
        }
        if !range.is_empty() {
            answer.insert("content-range", range.to_owned());
        }
        judge(Part::asked(&request), status, &answer)
    }

    #[test]
    fn the_part_that_was_asked_for_is_taken() {
        let partial = StatusCode::PartialContent;
        for (asked, range, length) in [
            ("bytes=0-9", "bytes 0-9/100", 10),
            ("bytes=90-109", "bytes 90-99/100", 10),
            ("bytes=0-4194303", "bytes 0-0/1", 1),
            ("bytes=0-9", "bytes 0-9/67108864", 10),
        ] {
            assert_eq!(
                judged(Some(asked), partial, range),
                Ok(Some(length)),
                "{range}"
            );
        }
        assert_eq!(judged(Some("bytes=0-9"), StatusCode::Ok, ""), Ok(None));
        assert_eq!(judged(None, StatusCode::Ok, ""), Ok(None));
        let beyond = StatusCode::RequestedRangeNotSatisfiable;
        assert_eq!(judged(Some("bytes=0-9"), beyond, "bytes */0"), Ok(None));
    }

    #[test]
    fn a_blob_above_the_limit_is_refused_by_the_head_of_its_first_part() {
        for total in ["67108865", "9223372036854775808", "18446744073709551615"] {
            let range = format!("bytes 0-9/{total}");
            assert_eq!(
                judged(Some("bytes=0-9"), StatusCode::PartialContent, &range),
                Err(Unusable::BlobTooLarge),
                "{range}"
            );
        }
    }

    #[test]
    fn any_other_part_is_refused() {
        let partial = StatusCode::PartialContent;
        for (asked, status, range) in [
            (Some("bytes=0-9"), partial, "bytes 0-8/100"),
            (Some("bytes=0-9"), partial, "bytes 1-9/100"),
            (
                Some("bytes=0-9"),
                partial,
                "bytes 0-18446744073709551615/100",
            ),
            (Some("bytes=0-9"), partial, "bytes 0-0/0"),
            (Some("bytes=0-9"), partial, "bytes */100"),
            (Some("bytes=0-9"), partial, "bytes 0-9/*"),
            (Some("bytes=0-9"), partial, "bytes 0-9/99999999999999999999"),
            (Some("bytes=0-9"), partial, "what"),
            (Some("bytes=0-9"), partial, ""),
            (Some("bytes=10-19"), StatusCode::Ok, ""),
            (Some("bytes=10-19"), partial, "bytes 0-9/100"),
            (Some("bytes=10-19"), partial, "bytes 10-4/5"),
            (None, StatusCode::Ok, "bytes 0-9/10"),
        ] {
            assert_eq!(
                judged(asked, status, range),
                Err(Unusable::OtherPart),
                "{range}"
            );
        }
    }

    #[test]
    fn a_body_above_the_limit_is_refused_by_its_length() {
        for (asked, length, error) in [
            (None, "16777217", Unusable::AnswerTooLong),
            (
                Some(Part { first: 0, last: 9 }),
                "67108865",
                Unusable::BlobTooLarge,
            ),
        ] {
            let mut answer = Headers::new();
            answer.insert("content-length", length);
            assert_eq!(
                judge(asked, StatusCode::Ok, &answer),
                Err(error),
                "{length}"
            );
        }
    }
}
