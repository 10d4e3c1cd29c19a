//! What the headers of a call say of the caller: untrusted, and shown only in the expected form.

use axum::http::{HeaderMap, HeaderName, header};

const INVOCATION_ID: HeaderName = HeaderName::from_static("x-azure-functions-invocationid");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longer ones are nobody's: the host sends a GUID.
const MAX_ID_LENGTH: usize = 64;

/// The host's id for the invocation.
pub(super) fn invocation_id(headers: &HeaderMap) -> Option<&str> {
    let is_id = |id: &&str| {
        (1..=MAX_ID_LENGTH).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    only(headers, &INVOCATION_ID).filter(is_id)
}

/// The trace that the call belongs to, which Application Insights calls its operation: the second part
/// of a `traceparent` such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
pub(super) fn operation_id(headers: &HeaderMap) -> Option<&str> {
    let parts: Vec<_> = only(headers, &TRACE_PARENT)?.split('-').collect();
    let [version, trace, parent, flags, later @ ..] = parts.as_slice() else {
        return None;
    };
    let is_valid = is_hex(version, 2)
        && *version != "ff"
        && is_id(trace, 32)
        && is_id(parent, 16)
        && is_hex(flags, 2)
        // Only later versions may say more.
        && (later.is_empty() || *version != "00");
    is_valid.then_some(*trace)
}

/// Whether the Functions host calls: it names each invocation.
pub(super) fn is_host(headers: &HeaderMap) -> bool {
    invocation_id(headers).is_some()
}

/// Whether a page in a browser calls. Browsers add `Origin` to every POST of a page, and tell in
/// `Sec-Fetch-Site` whose page it is; `none` is a person who typed the address.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers
            .get("sec-fetch-site")
            .is_some_and(|site| site != "none")
}

/// The value of a header that came once, as text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An id of zeros is none.
fn is_id(text: &str, digits: usize) -> bool {
    is_hex(text, digits) && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn with(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn the_operation_is_the_trace_of_a_valid_traceparent() {
        for value in [
            format!("00-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-00"),
            format!("01-{TRACE}-b7ad6b7169203331-01-what-comes-later"),
        ] {
            assert_eq!(
                operation_id(&with(&TRACE_PARENT, &[&value])),
                Some(TRACE),
                "{value}"
            );
        }
    }

    #[test]
    fn any_other_traceparent_gives_none() {
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        for value in [
            String::new(),
            TRACE.to_owned(),
            good.to_uppercase(),
            good.replacen("00", "ff", 1),
            good.replacen("00", "0", 1),
            good.replace(TRACE, &"0".repeat(32)),
            good.replace("b7ad6b7169203331", &"0".repeat(16)),
            good.replace(TRACE, &"a".repeat(31)),
            good.replace('c', "g"),
            good.replace("-01", "-1"),
            good.clone() + "-more",
            good.clone() + " ",
            good.replace(TRACE, "ERROR forged line with blanks 12"),
            good.replace("0a", "\u{e9}"),
        ] {
            assert_eq!(
                operation_id(&with(&TRACE_PARENT, &[&value])),
                None,
                "{value}"
            );
        }
        assert_eq!(operation_id(&with(&TRACE_PARENT, &[&good, &good])), None);
        assert_eq!(operation_id(&HeaderMap::new()), None);
    }

    #[test]
    fn an_invocation_id_has_the_form_of_one() {
        let id = "f5ceaafd-c451-4932-8d0e-1e3068940e0e";
        assert_eq!(invocation_id(&with(&INVOCATION_ID, &[id])), Some(id));
        for value in ["", "an id with=blanks", "a\tb", "\u{e9}", &"a".repeat(65)] {
            assert_eq!(
                invocation_id(&with(&INVOCATION_ID, &[value])),
                None,
                "{value}"
            );
        }
    }
}
