//! Why there is no answer.

use std::time::Duration;

use crate::net::trust::{self, CertificateFault};

/// What of an answer came before it broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its status.
    pub status: u16,
    /// Whether a part of its body came, or was announced.
    pub has_body: bool,
}

/// Why there is no answer.
///
/// The sources are reqwest's errors without the address, whose query may hold a signature.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// No connection either, since the certificate that came is not accepted. Another attempt meets
    /// the same one.
    #[error(transparent)]
    Certificate(CertificateFault),
    /// No answer, or not all of it, in time.
    #[error("no complete answer{} within {:.1} s", with_status(*.received), .time.as_secs_f64())]
    TimedOut {
        /// What had come already.
        received: Option<Received>,
        /// The time that the exchange was given.
        time: Duration,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection broke{}", with_status(*.received))]
    Broken {
        /// What had come already.
        received: Option<Received>,
        /// What broke it.
        #[source]
        source: reqwest::Error,
    },
    /// The request cannot be sent as it is.
    #[error("the request cannot be built")]
    Request(#[source] reqwest::Error),
    /// The body is larger than anything expected.
    #[error("the answer (status {status}) is larger than {limit} bytes")]
    TooLarge {
        /// The status it came with.
        status: u16,
        /// The limit in bytes.
        limit: usize,
    },
}

fn with_status(received: Option<Received>) -> String {
    received.map_or_else(String::new, |Received { status, .. }| {
        format!(" (status {status})")
    })
}

impl TransportError {
    /// The status of an answer whose rest did not come.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Broken { received, .. } | Self::TimedOut { received, .. } => {
                received.map(|received| received.status)
            }
            Self::TooLarge { status, .. } => Some(*status),
            Self::Connect(_) | Self::Certificate(_) | Self::Request(_) => None,
        }
    }

    /// What to do about it, where that does not depend on who was called.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Certificate(fault) => Some(fault.advice()),
            _ => None,
        }
    }

    /// Whether a part of a body came with it, or was announced.
    #[must_use]
    pub fn has_body(&self) -> bool {
        match self {
            Self::Broken { received, .. } | Self::TimedOut { received, .. } => {
                received.is_some_and(|received| received.has_body)
            }
            Self::TooLarge { .. } => true,
            Self::Connect(_) | Self::Certificate(_) | Self::Request(_) => false,
        }
    }
}

pub(super) fn transport(error: reqwest::Error, received: Option<Received>) -> TransportError {
    if let Some(fault) = trust::fault_in(&error) {
        return TransportError::Certificate(fault);
    }
    let source = error.without_url();
    if source.is_connect() {
        TransportError::Connect(source)
    } else if source.is_builder() {
        TransportError::Request(source)
    } else {
        TransportError::Broken { received, source }
    }
}
