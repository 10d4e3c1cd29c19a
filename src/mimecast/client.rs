//! Reading pages: authorise, send, decide, and again where that helps.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::Url;
use tracing::debug;

use super::{
    access::Access,
    caller::{self, Caller},
    credentials::Credentials,
    decision::{self, Decision, Words},
    pace::{Pace, Turn},
    wire::{self, PageError, UnreadPage, Verdict},
};
use crate::{
    ingest::ports::{Clock, LogSource, PageRequest, Randomness, SourceError},
    model::{deadline::Deadline, feed::Feed, page::Page, record::RecordScanner},
    net::{
        http::{self, HttpClient, Response, TransportError},
        retry::{Attempt, Policy, RetryError, Trying},
    },
};

/// To wait so long for the next call is the ordinary pace of a run, which the next run need not know of.
const MAX_PACED_WAIT: Duration = Duration::from_secs(60);

/// Mimecast as a source of records.
pub struct MimecastSource {
    caller: Arc<Caller>,
    access: Access,
    pace: Pace,
    /// What was learned of each feed's records, kept from page to page.
    scanners: [Mutex<RecordScanner>; 3],
    policy: Policy,
}

impl fmt::Debug for MimecastSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MimecastSource")
            .field("base", &self.caller.base.as_str())
            .finish_non_exhaustive()
    }
}

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(
        "Mimecast cannot be reached: {0}. What to do: check mimecast_base_url and the way out of the network"
    )]
    Transport(#[from] TransportError),
    #[error("Mimecast answered {status}: {said}. What to do: {advice}")]
    Refused {
        status: u16,
        said: String,
        advice: &'static str,
    },
    #[error("{shape} (status {status}); it begins `{begin}`")]
    Shape {
        shape: PageError,
        status: u16,
        begin: String,
    },
    #[error("{0}")]
    NotAuthorised(String),
}

/// How a call ended that is neither a page nor an error to retry.
enum Ended {
    Page(Page),
    TokenRefused(CallError),
}

impl MimecastSource {
    /// A source that calls `base` with `credentials`.
    #[must_use]
    pub fn new(
        http: HttpClient,
        base: Url,
        credentials: Credentials,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        let caller = Arc::new(Caller {
            http,
            base,
            clock,
            random,
        });
        Self {
            access: Access::new(credentials, &caller),
            caller,
            pace: Pace::default(),
            scanners: Feed::ALL.map(|feed| Mutex::new(RecordScanner::new(feed))),
            policy: Policy::STANDARD,
        }
    }

    fn scanner(&self, feed: Feed) -> MutexGuard<'_, RecordScanner> {
        let [url, attachment, impersonation] = &self.scanners;
        let scanner = match feed {
            Feed::Url => url,
            Feed::Attachment => attachment,
            Feed::Impersonation => impersonation,
        };
        scanner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn to call, if that is before the deadline.
    async fn turn(&self, deadline: Deadline) -> Result<Turn<'_>, SourceError> {
        loop {
            let now = self.caller.clock.elapsed();
            let wait = match self.pace.turn(now) {
                Ok(turn) => return Ok(turn),
                Err(wait) => wait,
            };
            match deadline.remaining(now) {
                Some(left) if left > wait => self.caller.clock.sleep(wait).await,
                _ if wait > MAX_PACED_WAIT => return Err(SourceError::Throttled(wait)),
                _ => {
                    return Err(SourceError::OutOfTime(format!(
                        "Mimecast: the run budget ended {} ms before its rate limit allowed the next call",
                        wait.as_millis()
                    )));
                }
            }
        }
    }

    /// One attempt at a page.
    async fn attempt(
        &self,
        request: PageRequest<'_>,
        renewed: &mut bool,
        time: Duration,
        deadline: Deadline,
        turn: &Turn<'_>,
    ) -> Attempt<Ended, CallError> {
        let path = wire::path(request.feed);
        let (headers, pass) = match self.access.headers(path, deadline).await {
            Ok(headers) => headers,
            Err(error) => return error.into_attempt(CallError::NotAuthorised),
        };
        // Waiting for a token has taken its time.
        let Some(left) = deadline.remaining(self.caller.clock.elapsed()) else {
            let cause = "the time was over before the call".to_owned();
            return again(CallError::NotAuthorised(cause), None);
        };
        let time = time.min(left);
        let body = wire::request_body(request);
        let answer = self
            .caller
            .post(path, headers, wire::JSON, body, time)
            .await;
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error @ (TransportError::TooLarge { .. } | TransportError::Request(_))) => {
                return Attempt::Stop(error.into());
            }
            Err(error) => return again(error.into(), None),
        };
        if let Some((left, reset)) = caller::calls_left(&answer) {
            turn.answered(self.caller.clock.elapsed(), left, reset);
        }
        let status = answer.status.as_u16();
        let (verdict, shape) = if status == 200 {
            let body = std::mem::take(&mut answer.body);
            let page = wire::page(&mut self.scanner(request.feed), body);
            let page = page.map_err(|UnreadPage { why, body }| {
                answer.body = body;
                why
            });
            match page {
                Ok(page) => return Attempt::Done(Ended::Page(page)),
                Err(PageError::Failure(verdict)) => (Some(verdict), None),
                Err(shape @ PageError::OtherShape(_)) => {
                    return Attempt::Stop(CallError::Shape {
                        shape,
                        status,
                        begin: http::excerpt(&answer.body),
                    });
                }
                Err(shape @ PageError::NotJson(_)) => (None, Some(shape)),
            }
        } else {
            (wire::verdict(&answer.body), None)
        };
        let error = match shape {
            Some(shape) => CallError::Shape {
                shape,
                status,
                begin: http::excerpt(&answer.body),
            },
            None => self.refused(request.feed, &answer, verdict.as_ref()),
        };
        let said = decision::Said {
            with_page_token: request.token.is_some(),
            with_bearer: self.access.is_bearer(),
            ..self.caller.said(&answer, verdict.as_ref())
        };
        match decision::decide(said) {
            Decision::RestartRange => Attempt::Done(Ended::TokenRefused(error)),
            Decision::Retry(after) => {
                debug!(feed = %request.feed, status, ?after, "call to be made again");
                again(error, after)
            }
            Decision::Renew if *renewed && decision::may_pass(verdict.as_ref()) => {
                again(error, None)
            }
            Decision::Renew if *renewed => Attempt::Stop(error),
            Decision::Renew => {
                let longest = self.policy.attempt_time;
                match pass.renew(error, longest, deadline).await {
                    Ok(()) => {
                        *renewed = true;
                        Attempt::AtOnce
                    }
                    Err(error) => error.into_attempt(CallError::NotAuthorised),
                }
            }
            // A success would have been a page.
            Decision::Refuse | Decision::Accept => Attempt::Stop(error),
        }
    }

    fn refused(&self, feed: Feed, answer: &Response, verdict: Option<&Verdict>) -> CallError {
        let status = wire::effective_status(answer.status.as_u16(), verdict);
        let mut said = match verdict {
            Some(verdict) if !verdict.failures.is_empty() => Words(&verdict.failures).to_string(),
            _ if answer.body.is_empty() => "no body".to_owned(),
            _ => format!("`{}`", http::excerpt(&answer.body)),
        };
        if status == 401
            && !self.access.is_bearer()
            && let Some(difference) = self.clock_difference(answer)
        {
            said.push_str(&difference);
        }
        CallError::Refused {
            status,
            said,
            advice: decision::advice(feed, status, verdict, self.access.is_bearer()),
        }
    }

    /// A wrong clock makes every signature wrong: name the difference, where it is more than a
    /// minute.
    fn clock_difference(&self, answer: &Response) -> Option<String> {
        let theirs = chrono::DateTime::parse_from_rfc2822(answer.header("date")?).ok()?;
        let seconds = (self.caller.clock.now() - theirs.to_utc()).num_seconds();
        (seconds.abs() > 60).then(|| {
            format!(
                "; this machine's clock is {} s {} Mimecast's",
                seconds.abs(),
                if seconds > 0 { "ahead of" } else { "behind" }
            )
        })
    }
}

fn again<T>(error: CallError, after: Option<Duration>) -> Attempt<T, CallError> {
    Attempt::Again { error, after }
}

#[async_trait]
impl LogSource for MimecastSource {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, SourceError> {
        let mut trying = Trying::new(
            &*self.caller.clock,
            &*self.caller.random,
            self.policy,
            deadline,
        );
        let mut renewed = false;
        let result = loop {
            let turn = self.turn(deadline).await?;
            let time = match trying.begin() {
                Ok(time) => time,
                Err(gave_up) => break Err(gave_up),
            };
            let attempt = self
                .attempt(request, &mut renewed, time, deadline, &turn)
                .await;
            drop(turn);
            if let Some(result) = trying.end(attempt).await {
                break result;
            }
        };
        match result {
            Ok((Ended::Page(mut page), attempts)) => {
                page.attempts = attempts;
                Ok(page)
            }
            Ok((Ended::TokenRefused(error), _)) => Err(SourceError::PageTokenRefused(error.into())),
            Err(ref gave_up @ RetryError::Failed { attempts, .. }) => Err(SourceError::Failed {
                cause: gave_up.to_string().into(),
                attempts,
            }),
            Err(RetryError::Throttled { wait }) => Err(SourceError::Throttled(wait)),
            Err(gave_up) => Err(SourceError::OutOfTime(format!("Mimecast: {gave_up}"))),
        }
    }
}
