//! One try of a request to blob storage: its answer whole, within a time.
//!
//! The official crate tries again what fails before an answer begins. What breaks off or stalls after
//! its head, and what stalls altogether, it hands on or waits for. Placed inside its retries, this
//! makes a failed try of all three. What [`answer`] refuses fails without another try, and so does a
//! certificate that is not accepted.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{
        AsyncRawResponse, Context, Request,
        policies::{Policy, PolicyResult},
    },
};
use futures_util::StreamExt;

use super::answer::{self, Part, Unusable};
use crate::{ingest::ports::Clock, net::trust};

/// Reads each answer to its end, or gives up.
pub(super) struct WholeAttempt {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) time: Duration,
}

impl fmt::Debug for WholeAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeAttempt")
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Policy for WholeAttempt {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let Some((policy, rest)) = next.split_first() else {
            return Err(azure_core::Error::with_message(
                ErrorKind::Other,
                "the limit on a try is the last policy: there is no transport",
            ));
        };
        let asked = Part::asked(request.headers());
        let answer = async {
            let answer = policy.send(ctx, request, rest).await;
            whole(answer.map_err(final_if_untrusted)?, asked).await
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.clock.sleep(self.time) => Err(azure_core::Error::with_message(
                ErrorKind::Io,
                format!("no complete answer within {:.1} s", self.time.as_secs_f64()),
            )),
        }
    }
}

/// The crate tries again what concerns a connection. Another try meets the same certificate, so an error
/// that comes from one gets another kind.
fn final_if_untrusted(error: azure_core::Error) -> azure_core::Error {
    match trust::fault_in(&error) {
        Some(fault) => azure_core::Error::new(ErrorKind::Other, fault),
        None => error,
    }
}

/// The answer with its body in memory; the crate reads large blobs in parts of a few megabytes.
async fn whole(answer: AsyncRawResponse, asked: Option<Part>) -> PolicyResult {
    let (status, headers, mut body) = answer.deconstruct();
    let due = answer::judge(asked, status, &headers)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() as u64 > answer::max_body(asked) {
            return Err(answer::too_long(asked).into());
        }
    }
    if due.is_some_and(|due| due != bytes.len() as u64) {
        return Err(Unusable::OtherPart.into());
    }
    Ok(AsyncRawResponse::from_bytes(status, headers, bytes))
}
