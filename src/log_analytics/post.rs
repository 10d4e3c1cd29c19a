//! Posting a batch until it is taken or not: what both ways into Log Analytics share.

use bytes::Bytes;

use crate::{
    ingest::{
        ports::{Receipt, Rejection, SinkError},
        report::health::HealthRows,
    },
    model::batch::Batch,
    net::{
        http::{self, Response, TransportError},
        retry::{Attempt, RetryError},
    },
};

/// What is posted at once: rows for one table.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) log_type: &'static str,
    pub(super) count: usize,
    /// A JSON array.
    pub(super) body: &'a Bytes,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        Self {
            log_type: batch.feed().log_type(),
            count: batch.rows().len(),
            body: batch.body(),
        }
    }

    pub(super) const fn of_health(rows: &'a HealthRows) -> Self {
        Self {
            log_type: HEALTH_LOG_TYPE,
            count: rows.count,
            body: &rows.body,
        }
    }
}

/// The log type of the rows about passes.
const HEALTH_LOG_TYPE: &str = "MimecastTTPHealth";

/// Error bodies are a few hundred bytes.
pub(super) const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// What went wrong with a post.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("Log Analytics cannot be reached: {error}. What to do: {advice}")]
    Transport {
        error: TransportError,
        advice: &'static str,
    },
    #[error(
        "Log Analytics answered {status} {said} to {rows} row{plural} ({bytes} bytes, request id {}). What to do: {advice}",
        .request_id.as_deref().unwrap_or("none"),
        plural = if *.rows == 1 { "" } else { "s" }
    )]
    Refused {
        status: u16,
        said: String,
        rows: usize,
        bytes: usize,
        request_id: Option<String>,
        advice: &'static str,
    },
    #[error("{0}")]
    NotAuthorised(String),
}

impl PostError {
    /// A refusal in the service's own words: its code and message, if it has any.
    pub(super) fn refused(
        posted: Rows<'_>,
        answer: &Response,
        code: &str,
        message: &str,
        advice: &'static str,
    ) -> Self {
        let said = if code.is_empty() {
            format!("`{}`", http::excerpt(&answer.body))
        } else {
            format!("{code} ({})", http::excerpt(message.as_bytes()))
        };
        Self::Refused {
            status: answer.status.as_u16(),
            said,
            rows: posted.count,
            bytes: posted.body.len(),
            request_id: answer.header("x-ms-request-id").map(ToOwned::to_owned),
            advice,
        }
    }

    fn refusal(self) -> Rejection {
        let (status, request_id) = match &self {
            Self::Refused {
                status, request_id, ..
            } => (Some(*status), request_id.clone()),
            Self::Transport { .. } | Self::NotAuthorised(_) => (None, None),
        };
        Rejection {
            cause: self.into(),
            status,
            request_id,
        }
    }
}

/// How an attempt ended that is not made again.
pub(super) enum Ended {
    Taken,
    /// A part of it may pass.
    Content(PostError),
}

/// What trying came to, for the pass. Where the connection broke each time and the body is large enough to
/// be `cut_off` for it, the content is held to be at fault.
pub(super) fn receipt(
    result: Result<(Ended, u32), RetryError<PostError>>,
    cut_off: bool,
) -> Result<Receipt, SinkError> {
    match result {
        Ok((Ended::Taken, attempts)) => Ok(Receipt::after(attempts)),
        Ok((Ended::Content(error), _)) => Err(SinkError::Content(error.refusal())),
        Err(RetryError::Failed { error, .. }) if cut_off && error.is_broken() => {
            Err(SinkError::Content(error.refusal()))
        }
        Err(ref gave_up @ RetryError::Failed { attempts, .. }) => Err(SinkError::Failed {
            cause: gave_up.to_string().into(),
            attempts,
        }),
        Err(RetryError::Throttled { wait }) => Err(SinkError::Throttled(wait)),
        Err(gave_up) => Err(SinkError::OutOfTime(format!("Log Analytics: {gave_up}"))),
    }
}

impl PostError {
    const fn is_broken(&self) -> bool {
        matches!(
            self,
            Self::Transport {
                error: TransportError::Broken { .. },
                ..
            }
        )
    }
}

/// What an attempt comes to that got no whole answer.
pub(super) fn no_answer(
    error: TransportError,
    taken: u16,
    advice: &'static str,
) -> Attempt<Ended, PostError> {
    match error {
        // It has said that it took the batch; what more it had to say does not matter.
        error if error.status() == Some(taken) => Attempt::Done(Ended::Taken),
        error @ TransportError::Request(_) => Attempt::Stop(PostError::Transport { error, advice }),
        error => Attempt::Again {
            error: PostError::Transport { error, advice },
            after: None,
        },
    }
}
