//! What the simulated Mimecast is like.

use std::{fmt, sync::Arc, time::Duration};

use crate::{clock::SimClock, log::Log, records::RecordSet};

/// Behaviour of a [`Simulator`](super::Simulator), fixed at its start.
///
/// The credentials that [`Config::new`] fills in are invented.
#[derive(Clone)]
pub struct Config {
    /// The records that it returns.
    pub records: Arc<dyn RecordSet>,
    /// The simulated time: for the default range, for what is visible, for signatures' dates.
    pub clock: SimClock,
    /// Which API it is.
    pub api: Api,
    /// The client id of the API 2.0 application.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: String,
    /// How long a token lives, in simulated time.
    pub token_life: Duration,
    /// The JSON text that `expires_in` has in place of that life; where it is empty, there is none.
    pub expires_in: Option<String>,
    /// The application id: sent in `x-mc-app-id`, never signed.
    pub app_id: String,
    /// The application key: signed, never sent.
    pub app_key: String,
    /// The access key of the binding that exists from the start.
    pub access_key: String,
    /// The secret key that belongs to it, in padded base64.
    pub secret_key: String,
    /// The service user that may log in.
    pub email: String,
    /// The user's Mimecast cloud password.
    pub password: String,
    /// How far `x-mc-date` may be from the clock either way. Unconfirmed: no vendor figure is known.
    pub max_clock_skew: Duration,
    /// Calls per window and access key, all functions together. Seen live: 800.
    pub quota: u32,
    /// Length of the fixed window, on the real clock. Seen live: 5 s.
    pub quota_window: Duration,
    /// Calls per window of everyone without a known access key. Seen live: 5000.
    pub unknown_key_quota: u32,
    /// How long a binding lives in simulated time; `None` for keys that never expire.
    pub binding_ttl: Option<Duration>,
    /// Whether a refresh hands out a new pair instead of reviving the old one. Unconfirmed: every
    /// published client counts on the old pair. A pair replaced so stays known and expired.
    pub refresh_returns_new_keys: bool,
    /// Records per page where none is asked for.
    pub default_page_size: usize,
    /// Records per page at most; more is silently cut down to it. Unconfirmed.
    pub max_page_size: usize,
    /// How long each get-logs call takes, on the real clock.
    pub latency: Duration,
    /// Paging habits to show.
    pub quirks: Vec<Quirk>,
    /// Logs the user's role, or the application, may not read: answered 403.
    pub forbidden: Vec<Log>,
    /// How many of the latest calls [`Simulator::journal`](super::Simulator::journal) keeps.
    pub journal_limit: usize,
}

/// The two APIs. They have separate hosts, and neither takes the other's credentials; the get-logs
/// functions are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// 1.0: signed calls.
    V1,
    /// 2.0: bearer tokens.
    V2,
}

/// A way in which paging has been seen to differ, or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quirk {
    /// `totalCount` is missing; so is `resultCount` of the impersonation log. Seen in published samples.
    OmitTotalCount,
    /// The whole `pagination` object is missing where all rows fit on one page. Seen live.
    OmitPaginationWhenOnePage,
    /// The last page with rows names a `next`; that leads to an empty page, which names one as well.
    /// Each such token is a new one. Seen in published samples.
    TrailingEmptyPageWithNext,
    /// The last page of several names the very token it was asked for as its `next`. Unconfirmed.
    RepeatToken,
    /// The rows of a page come in mixed order; which rows a page holds stays as it is. Unconfirmed.
    ShuffleRows,
    /// An empty result is `"data":[]` instead of an empty array inside `data[0]`. Both were seen.
    BareEmptyData,
}

impl Config {
    /// A well-behaved Mimecast with invented credentials and the limits seen live.
    #[must_use]
    pub fn new(records: Arc<dyn RecordSet>, clock: SimClock) -> Self {
        Self {
            records,
            clock,
            api: Api::V1,
            client_id: "vTqD2sJ6demoClientId0123456789ab".to_owned(),
            client_secret: "Zk7+demo/Client=Secret&0123456789~".to_owned(),
            token_life: Duration::from_secs(1799),
            expires_in: None,
            app_id: "6f1d2c3b-0a9e-4b8d-8c7f-1e2d3c4b5a60".to_owned(),
            app_key: "b7a1f0e2-5c3d-4e6f-9a8b-0c1d2e3f4a5b".to_owned(),
            access_key: "mZq3xJ0kT7-demo_AccessKey_0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".to_owned(),
            secret_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==".to_owned(),
            email: "svc-ttp@example.com".to_owned(),
            password: "S3cret!Pass".to_owned(),
            max_clock_skew: Duration::from_secs(15 * 60),
            quota: 800,
            quota_window: Duration::from_secs(5),
            unknown_key_quota: 5000,
            binding_ttl: None,
            refresh_returns_new_keys: false,
            default_page_size: 100,
            max_page_size: 500,
            latency: Duration::ZERO,
            quirks: Vec::new(),
            forbidden: Vec::new(),
            journal_limit: 10_000,
        }
    }

    /// Whether `quirk` is on.
    pub(super) fn shows(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

// By hand: the credentials stay out even though they are invented, so that the habit holds.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("clock", &self.clock)
            .field("api", &self.api)
            .field("token_life", &self.token_life)
            .field("expires_in", &self.expires_in)
            .field("app_id", &self.app_id)
            .field("email", &self.email)
            .field("max_clock_skew", &self.max_clock_skew)
            .field("quota", &self.quota)
            .field("quota_window", &self.quota_window)
            .field("unknown_key_quota", &self.unknown_key_quota)
            .field("binding_ttl", &self.binding_ttl)
            .field("refresh_returns_new_keys", &self.refresh_returns_new_keys)
            .field("default_page_size", &self.default_page_size)
            .field("max_page_size", &self.max_page_size)
            .field("latency", &self.latency)
            .field("quirks", &self.quirks)
            .field("forbidden", &self.forbidden)
            .field("journal_limit", &self.journal_limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::GivenRecords;

    #[test]
    fn debug_shows_no_secret() {
        let config = Config::new(Arc::new(GivenRecords::default()), SimClock::real());
        let shown = format!("{config:?}");
        for secret in [
            &config.app_key,
            &config.access_key,
            &config.secret_key,
            &config.password,
            &config.client_secret,
        ] {
            assert!(!shown.contains(secret.as_str()), "{shown}");
        }
    }
}
