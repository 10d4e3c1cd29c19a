//! What a proxy does to an exchange, and to which.

use std::time::Duration;

/// One way to break an exchange or to hold it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset before a byte of the request was read.
    ResetBefore,
    /// The request is served, the answer thrown away, and the connection reset.
    ResetAfter,
    /// The request is read and goes nowhere; no byte of an answer comes.
    Swallowed,
    /// Half of the request's body is handed on; then nothing more goes either way.
    StalledRequest,
    /// The request is served, but no byte of the answer comes.
    StalledHead,
    /// The request is served; after half of the answer's body nothing more comes.
    StalledBody,
    /// The request is read, and handed on when the proxy is released, even if the client is gone by
    /// then.
    HeldRequest,
    /// The request is served; the answer comes when the proxy is released.
    HeldAnswer,
    /// The request is served; the connection is closed after half of the answer's body.
    TruncatedBody,
    /// The request is served; the answer comes so many bytes at a time.
    Drip { bytes: usize, every: Duration },
    /// This answer, and the request goes nowhere.
    Status {
        status: u16,
        retry_after: Option<u64>,
    },
}

impl Fault {
    /// A status without a word about when to come again.
    pub const fn status(status: u16) -> Self {
        let retry_after = None;
        Self::Status {
            status,
            retry_after,
        }
    }

    /// Too many requests; come again in so many seconds.
    pub const fn throttle(seconds: u64) -> Self {
        Self::Status {
            status: 429,
            retry_after: Some(seconds),
        }
    }
}

/// Which requests are broken, and how.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Everything that the head of a request must hold.
    pub on: &'static [&'static str],
    /// So many of them pass before.
    pub skip: usize,
    /// So many of them are broken then.
    pub times: usize,
    /// How.
    pub fault: Fault,
}
