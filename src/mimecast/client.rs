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
    access::{Access, Authorization},
    call_error::CallError,
    caller::{self, Caller},
    credentials::Credentials,
    decision::{self, Decision, FailureList},
    rate_limiter::{CallPermit, RateLimiter},
    wire::{self, PageError, UnreadPage, Verdict},
};
use crate::{
    ingest::{
        error::{ErrorKind, ServiceError},
        ports::{Clock, LogSource, PageRequest, Patience, Randomness, Store},
    },
    model::{
        checkpoint::Service, deadline::Deadline, feed::Feed, page::Page, record::RecordScanner,
    },
    net::{
        http::{HttpClient, Response},
        retry::{self, Context, Next, Once, Policy},
    },
};

/// How long a call may take for a range that has failed before, and can be halved.
const IMPATIENT_ATTEMPT_TIME: Duration = Duration::from_secs(20);

/// Mimecast as a source of records.
pub struct MimecastSource {
    caller: Arc<Caller>,
    access: Access,
    limiter: RateLimiter,
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

/// What came of one call.
enum Called<'a> {
    Page(Page),
    Failed(CallError),
    /// What authorised the call has expired, and a renewal may help.
    Expired(Authorization<'a>, CallError),
}

impl From<CallError> for Called<'_> {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
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
            limiter: RateLimiter::default(),
            scanners: Feed::ALL.map(|feed| Mutex::new(RecordScanner::new(feed))),
            policy: Policy::STANDARD,
        }
    }

    /// The same source, which remembers in `store` that a login was refused: none follows for a while, not
    /// even after a restart, lest Mimecast locks the account.
    #[must_use]
    pub fn remembering_in(mut self, store: Arc<dyn Store>) -> Self {
        self.access.remember_in(store);
        self
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

    /// Waits until the rate limit allows a call, if that is before the deadline.
    async fn permit(&self, context: &Context<'_>) -> Result<CallPermit<'_>, CallError> {
        loop {
            match self.limiter.permit(context.clock.elapsed()) {
                Ok(permit) => return Ok(permit),
                Err(wait) if context.left().is_some_and(|left| left > wait) => {
                    context.clock.sleep(wait).await;
                }
                Err(wait) => return Err(CallError::Paced(wait)),
            }
        }
    }

    /// One attempt at a page; `renewal` is the one renewal that a page is worth. One that failed is none.
    async fn attempt(
        &self,
        request: PageRequest<'_>,
        context: &Context<'_>,
        renewal: &Once,
    ) -> Result<Page, CallError> {
        match self.call(request, context).await {
            Called::Page(page) => Ok(page),
            Called::Expired(authorization, error) if !renewal.is_done() => {
                let longest = self.policy.attempt_time;
                let renewed = authorization.renew(error, longest, context.deadline);
                renewed.await.map_err(CallError::NotAuthorized)?;
                renewal.done();
                Err(CallError::Renewed)
            }
            Called::Expired(_, error) | Called::Failed(error) => Err(error),
        }
    }

    /// One call for a page.
    async fn call(&self, request: PageRequest<'_>, context: &Context<'_>) -> Called<'_> {
        let permit = match self.permit(context).await {
            Ok(permit) => permit,
            Err(error) => return error.into(),
        };
        let path = wire::path(request.feed);
        let (headers, authorization) = match self.access.headers(path, context.deadline).await {
            Ok(headers) => headers,
            Err(error) => return CallError::NotAuthorized(error).into(),
        };
        // Waiting for a permit and for a token has taken its time.
        let Some(time) = context.attempt_time() else {
            return CallError::NoTimeLeft.into();
        };
        let body = wire::request_body(request);
        let sent = self.caller.clock.now();
        let response = self.caller.post(path, headers, wire::JSON, body, time);
        let response = match response.await {
            Ok(response) => response,
            Err(error) if error.status().is_some() => return CallError::Incomplete(error).into(),
            Err(error) => return CallError::Unreachable(error).into(),
        };
        let now = self.caller.clock.now();
        if let Some((left, reset)) = caller::calls_left(&response, now) {
            permit.answered(context.clock.elapsed(), left, reset);
        }
        let clock_ahead = response.clock_ahead(sent, now);
        match self.read(request, response) {
            Ok(mut page) => {
                page.clock_ahead = clock_ahead;
                Called::Page(page)
            }
            Err((error, Decision::Renew)) => Called::Expired(authorization, error),
            Err((error, _)) => error.into(),
        }
    }

    /// The page of a response, or why there is none and what that means.
    fn read(
        &self,
        request: PageRequest<'_>,
        mut response: Response,
    ) -> Result<Page, (CallError, Decision)> {
        let status = response.status.as_u16();
        let (mut verdict, mut shape) = (None, None);
        if status == 200 {
            let body = std::mem::take(&mut response.body);
            match wire::page(&mut self.scanner(request.feed), body) {
                Ok(page) => return Ok(page),
                Err(UnreadPage { why, description }) => match why {
                    PageError::Failure(named) => verdict = Some(named),
                    other => shape = Some((other, description)),
                },
            }
        } else {
            verdict = wire::verdict(&response.body);
        }
        let decision = match shape {
            // No other attempt gives another shape.
            Some((
                PageError::OtherShape(_) | PageError::NotText | PageError::GiantRecord(_),
                _,
            )) => Decision::Refuse,
            _ => decision::decide(decision::AnswerSummary {
                with_page_token: request.token.is_some(),
                with_bearer: self.access.is_bearer(),
                ..self.caller.summary(&response, verdict.as_ref())
            }),
        };
        let next = match decision {
            Decision::Retry(after) => {
                debug!(
                    feed = %request.feed,
                    status,
                    after_seconds = after.map(|after| after.as_secs_f64()),
                    "The call will be repeated."
                );
                Next::Retry(after)
            }
            Decision::RestartRange => Next::Stop(ErrorKind::PageTokenRefused),
            // Once the renewal has not helped.
            Decision::Renew if decision::is_transient(verdict.as_ref()) => Next::Retry(None),
            Decision::Refuse if matches!(shape, Some((PageError::GiantRecord(_), _))) => {
                Next::Stop(ErrorKind::PageTooLarge)
            }
            Decision::Refuse if shape.is_some() => Next::Stop(ErrorKind::Unreadable),
            // A success would have been a page.
            Decision::Renew | Decision::Refuse | Decision::Accept => Next::Stop(ErrorKind::Failed),
        };
        let error = match shape {
            Some((source, description)) => CallError::NoPage {
                source,
                status,
                description,
                next,
            },
            None => self.refused(request.feed, &response, verdict.as_ref(), next),
        };
        Err((error, decision))
    }

    fn refused(
        &self,
        feed: Feed,
        response: &Response,
        verdict: Option<&Verdict>,
        next: Next,
    ) -> CallError {
        let status = wire::effective_status(response.status.as_u16(), verdict);
        let mut detail = match verdict {
            Some(verdict) if !verdict.failures.is_empty() => {
                response.tell(&FailureList(&verdict.failures).to_string())
            }
            _ if response.body.is_empty() => "no body".to_owned(),
            _ => format!("`{}`", response.excerpt()),
        };
        let least = match verdict {
            Some(verdict) if decision::ends_in_future(verdict) => Some(1),
            _ if status == 401 && !self.access.is_bearer() => Some(60),
            _ => None,
        };
        if let Some(difference) = least.and_then(|least| self.clock_difference(response, least)) {
            detail.push_str(&difference);
        }
        CallError::Refused {
            status,
            detail,
            advice: decision::advice(feed, status, verdict, self.access.is_bearer()),
            next,
        }
    }

    /// A wrong clock makes every signature wrong, or ranges end in Mimecast's future: names the
    /// difference, where it is at least so many seconds.
    fn clock_difference(&self, response: &Response, least: i64) -> Option<String> {
        let seconds = (self.caller.clock.now() - response.served_at()?).num_seconds();
        (seconds.abs() >= least).then(|| {
            format!(
                "; this machine's clock is {} s {} Mimecast's",
                seconds.abs(),
                if seconds > 0 { "ahead of" } else { "behind" }
            )
        })
    }
}

#[async_trait]
impl LogSource for MimecastSource {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, ServiceError> {
        let policy = match request.patience {
            Patience::Usual => self.policy,
            Patience::One => Policy {
                attempts: 1,
                attempt_time: IMPATIENT_ATTEMPT_TIME,
                ..self.policy
            },
            Patience::Two => Policy {
                attempts: 2,
                ..self.policy
            },
        };
        let context = Context {
            service: Service::Mimecast,
            clock: &*self.caller.clock,
            random: &*self.caller.random,
            policy,
            deadline,
        };
        let renewal = Once::default();
        let attempt = |_| self.attempt(request, &context, &renewal);
        let (mut page, attempts) = retry::run(context, attempt).await?;
        page.attempts = attempts;
        Ok(page)
    }
}
