//! How the simulated Mimecast is set up, and what can go wrong with it.

use std::{fmt, sync::Arc, time::Duration};

use crate::simulator::{clock::SimClock, log::Log, records::RecordSet};

/// How the simulator behaves. The credentials are invented.
#[derive(Clone)]
pub struct Config {
    /// The Application ID that calls must name.
    pub app_id: String,
    /// The Application Key that calls must sign.
    pub app_key: String,
    /// The access key of the binding.
    pub access_key: String,
    /// The secret key of the binding, base64.
    pub secret_key: String,
    /// The user who may renew the binding.
    pub email: String,
    /// That user's password.
    pub password: String,
    /// The records there are.
    pub records: Arc<dyn RecordSet>,
    /// The time it goes by.
    pub clock: SimClock,
    /// How far a call's date may be from it. The real limit is unconfirmed.
    pub max_clock_skew: Duration,
    /// Calls in each window of [`Config::quota_window`]; 800 in 5 s were seen live.
    pub quota: u32,
    /// The window of the quota, in this machine's time.
    pub quota_window: Duration,
    /// How long each get-logs call takes at least.
    pub latency: Duration,
    /// Whether renewing the binding gives new keys and ends the old ones. Unconfirmed of the real one.
    pub renewal_gives_new_keys: bool,
    /// Logs that the role may not read.
    pub forbidden: Vec<Log>,
    /// Oddities of paging.
    pub quirks: Quirks,
}

/// Oddities that were met in real answers.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each oddity comes or does not, whatever the others"
)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Quirks {
    /// `totalCount` is left out.
    pub no_total: bool,
    /// `pagination` is left out where there is one page.
    pub no_pagination: bool,
    /// The last page names a next one, which is empty.
    pub trailing_empty_page: bool,
    /// The last page names its own token again.
    pub repeated_token: bool,
}

impl Config {
    /// A well-behaved Mimecast with the given records.
    #[must_use]
    pub fn new(records: Arc<dyn RecordSet>, clock: SimClock) -> Self {
        Self {
            app_id: "6f1d2c3b-0a9e-4b8d-8c7f-1e2d3c4b5a60".to_owned(),
            app_key: "b7a1f0e2-5c3d-4e6f-9a8b-0c1d2e3f4a5b".to_owned(),
            access_key: "mZq3xJ0kT7-demo_AccessKey_0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".to_owned(),
            secret_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==".to_owned(),
            email: "svc-ttp@example.com".to_owned(),
            password: "S3cret!Pass".to_owned(),
            records,
            clock,
            max_clock_skew: Duration::from_secs(15 * 60),
            quota: 800,
            quota_window: Duration::from_secs(5),
            latency: Duration::ZERO,
            renewal_gives_new_keys: false,
            forbidden: Vec::new(),
            quirks: Quirks::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("quota", &self.quota)
            .field("latency", &self.latency)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}

/// What a call meets instead of its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, with a body in Mimecast's form.
    Status(u16),
    /// This status without a body, as a 400 was seen.
    EmptyBody(u16),
    /// 200, and this status inside.
    MetaStatus(u16),
    /// 200, and a failure of this code inside.
    FailCode(&'static str),
    /// 429 until the given milliseconds have passed.
    Throttled {
        /// `X-RateLimit-Reset`.
        reset_ms: u64,
    },
    /// 200 with a page of HTML, as a proxy would.
    NotJson,
    /// The connection breaks in the middle of the body.
    Truncated,
    /// A body of so many bytes.
    Huge(usize),
    /// Valid JSON of another shape.
    OtherShape,
    /// The answer comes after this time.
    Slow(Duration),
    /// The connection is closed without an answer.
    DropConnection,
    /// The page token is refused. How the TTP functions say so is unconfirmed.
    RefuseToken,
    /// The binding has expired, from here on until it is renewed.
    ExpireBinding,
}
