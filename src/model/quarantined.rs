//! A record that the sink refused for good, as it is kept until someone decides about it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{event_time, feed::Feed, fingerprint::Fingerprint, visible::visible};

const KIND: &str = "mimecast-ttp quarantine";
const VERSION: u32 = 1;

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The feed whose table it was for.
    pub feed: Feed,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// Its own time, or the end of the range it was read in.
    pub time: DateTime<Utc>,
    /// When it was set aside.
    pub held_at: DateTime<Utc>,
    /// What the sink answered.
    pub reason: String,
    /// With which status, where there was an answer.
    pub status: Option<u16>,
    /// The service's name for the request.
    pub request_id: Option<String>,
    /// The row as it was posted, byte for byte.
    pub row: String,
}

/// Why a text is no record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not what this program put into quarantine: {0}")]
pub struct NotQuarantined(String);

#[derive(Serialize, Deserialize)]
struct Document {
    kind: String,
    version: u32,
    feed: String,
    fingerprint: String,
    time: String,
    held_at: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    row: String,
}

impl Quarantined {
    /// The text to save.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "an empty text would lose the record"
    )]
    pub fn to_text(&self) -> String {
        let document = Document {
            kind: KIND.to_owned(),
            version: VERSION,
            feed: self.feed.name().to_owned(),
            fingerprint: self.fingerprint.to_string(),
            time: event_time::to_utc_text(self.time),
            held_at: event_time::to_utc_text(self.held_at),
            reason: self.reason.clone(),
            status: self.status,
            request_id: self.request_id.clone(),
            row: self.row.clone(),
        };
        serde_json::to_string_pretty(&document).expect("a struct of strings and numbers serializes")
    }

    /// Reads what [`Self::to_text`] wrote.
    pub fn read(text: &str) -> Result<Self, NotQuarantined> {
        // A reason may quote what it found.
        let not = |reason: &dyn ToString| NotQuarantined(visible(&reason.to_string()));
        let document: Document = serde_json::from_str(text).map_err(|error| not(&error))?;
        if document.kind != KIND || document.version > VERSION {
            return Err(not(&"it is of another kind or version"));
        }
        let time = |text: &str| {
            event_time::parse(text).ok_or_else(|| not(&format!("`{text}` is no time")))
        };
        Ok(Self {
            feed: document.feed.parse().map_err(|error| not(&error))?,
            fingerprint: document.fingerprint.parse().map_err(|error| not(&error))?,
            time: time(&document.time)?,
            held_at: time(&document.held_at)?,
            reason: document.reason,
            status: document.status,
            request_id: document.request_id,
            row: document.row,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprinter;

    #[test]
    fn what_is_set_aside_comes_back_to_the_byte() {
        let time = event_time::parse("2026-11-24T05:00:00Z").unwrap();
        let held = Quarantined {
            feed: Feed::Impersonation,
            fingerprint: Fingerprinter::default().take("{}"),
            time,
            held_at: time,
            reason: "Log Analytics answered 400 InvalidDataFormat".to_owned(),
            status: Some(400),
            request_id: None,
            row: "{\"subject\":\"\\ud800 \u{1} é\"}".to_owned(),
        };
        assert_eq!(Quarantined::read(&held.to_text()), Ok(held.clone()));
        for other in ["", "{}", &held.to_text().replace("impersonation", "mail")] {
            assert!(Quarantined::read(other).is_err(), "{other}");
        }
    }
}
