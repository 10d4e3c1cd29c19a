//! What can go wrong on purpose.

use std::time::Duration;

/// What a scripted post meets. Every fault except the storing ones and [`Fault::Slow`] is the service's
/// first word: nothing of the post is checked or stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// That status, with the body that Microsoft documents for it, or none. 200 is the post that
    /// was accepted but never appears, which was observed.
    Status(u16),
    /// 429 without a body. `Retry-After` is not documented for this API; with a value it is sent,
    /// in seconds or as an HTTP date, or as nonsense.
    Throttled {
        /// The value of the header.
        retry_after: Option<String>,
    },
    /// The post is read, then the connection is closed without storing or answering.
    DropBeforeStoring,
    /// The post is stored as usual, then the connection is closed: the lost answer. A post that
    /// would be refused gets its refusal.
    StoreThenDrop,
    /// The post is stored as usual, then answered with that status: 500 and 503 leave open whether
    /// anything was stored. A post that would be refused gets its refusal.
    StoreThenStatus(u16),
    /// The post waits this long, in real time, and then continues as usual. If the client gives up
    /// meanwhile, nothing is stored; for the other case there is [`Fault::StoreThenDrop`].
    Slow(Duration),
    /// 403 `InvalidAuthorization`, as for a key that was changed.
    Refuse403,
    /// 400 `InvalidDataFormat`, as for a body that is not JSON.
    BadFormat400,
    /// As for a body above the limit.
    TooLarge,
}
