//! Page tokens: opaque to the caller, and refused if a byte was changed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    listing::{Filter, Listing, Place},
    signature::hmac_sha1,
};
use crate::log::Log;

/// Bytes of the seal in front of the text; enough to notice a change.
const SEAL_BYTES: usize = 8;

/// What a token carries: the query and where in its results the page begins.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    #[serde(rename = "l")]
    log: String,
    #[serde(rename = "f")]
    from: i64,
    #[serde(rename = "t")]
    to: i64,
    #[serde(rename = "o")]
    oldest_first: bool,
    #[serde(rename = "v")]
    visible_until: i64,
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    filters: Vec<(String, String)>,
    #[serde(rename = "p")]
    position: usize,
    #[serde(rename = "s")]
    seen: usize,
    #[serde(rename = "c")]
    total: usize,
    #[serde(rename = "n")]
    turn: u32,
    #[serde(rename = "z")]
    size: usize,
}

/// The token for the page of `listing` at `place`, sealed with `key`.
pub(super) fn write(key: &[u8], listing: &Listing, place: &Place) -> String {
    let text = Text {
        log: listing.log.name().to_owned(),
        from: listing.from,
        to: listing.to,
        oldest_first: listing.oldest_first,
        visible_until: listing.visible_until,
        filters: listing
            .filters
            .iter()
            .map(|filter| (filter.member.to_owned(), filter.value.clone()))
            .collect(),
        position: place.position,
        seen: place.seen,
        total: place.total,
        turn: place.turn,
        size: place.size,
    };
    #[expect(clippy::expect_used, reason = "numbers and texts always make JSON")]
    let text = serde_json::to_vec(&text).expect("numbers and texts");
    let mut sealed = seal(key, &text);
    sealed.extend(text);
    URL_SAFE_NO_PAD.encode(sealed)
}

/// Reads a token that [`write()`] made with the same key.
pub(super) fn read(key: &[u8], token: &str) -> Option<(Listing, Place)> {
    let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (found, text) = sealed.split_at_checked(SEAL_BYTES)?;
    if found != seal(key, text) {
        return None;
    }
    let text: Text = serde_json::from_slice(text).ok()?;
    let log = Log::ALL.into_iter().find(|log| log.name() == text.log)?;
    let filters = text
        .filters
        .into_iter()
        .map(|(member, value)| Filter::of(log, &member, value))
        .collect::<Option<_>>()?;
    let listing = Listing {
        log,
        from: text.from,
        to: text.to,
        oldest_first: text.oldest_first,
        visible_until: text.visible_until,
        filters,
    };
    let place = Place {
        position: text.position,
        seen: text.seen,
        total: text.total,
        turn: text.turn,
        size: text.size,
    };
    Some((listing, place))
}

fn seal(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut seal = hmac_sha1(key, text);
    seal.truncate(SEAL_BYTES);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Listing, Place) {
        let listing = Listing {
            log: Log::Attachment,
            from: -5,
            to: 9,
            oldest_first: true,
            visible_until: 77,
            filters: vec![Filter::of(Log::Attachment, "result", "safe".to_owned()).unwrap()],
        };
        let place = Place {
            position: 3,
            seen: 2,
            total: 8,
            turn: 1,
            size: 2,
        };
        (listing, place)
    }

    #[test]
    fn a_token_gives_back_what_went_in() {
        let (listing, place) = sample();
        let token = write(b"key", &listing, &place);
        assert_eq!(read(b"key", &token), Some((listing, place)));
    }

    #[test]
    fn a_token_with_any_character_changed_is_refused() {
        let (listing, place) = sample();
        let token = write(b"key", &listing, &place);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(read(b"key", &changed), None, "{changed}");
        }
        assert_eq!(read(b"other key", &token), None);
        assert_eq!(read(b"key", ""), None);
    }
}
