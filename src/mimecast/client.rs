//! Reading pages: sign, send, decide, and again where that helps.

mod renewal;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{Method, Url, header};
use secrecy::{ExposeSecret, SecretString};
use tracing::debug;

use super::{
    credentials::{Credentials, Keys, Login},
    decision::{self, Decision, Said, Words},
    hmac,
    pace::{Pace, Turn},
    wire::{self, NotAPage, Unread, Verdict},
};
use crate::{
    http::{self, Answer, HttpClient, Limits, Request, TransportError},
    ingest::ports::{Clock, LogSource, PageRequest, Randomness, SourceError},
    model::{deadline::Deadline, feed::Feed, page::Page, record::Examiner},
    retry::{Attempt, GaveUp, Policy, Trying},
};

/// The largest page that is read. 500 records with several long links each stay far below.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

/// To wait so long for the next call is the ordinary pace of a run, which the next run need not know of.
const LONGEST_PACE: Duration = Duration::from_secs(60);

/// Mimecast as a source of records.
pub struct MimecastSource {
    http: HttpClient,
    base: Url,
    app_id: String,
    app_key: SecretString,
    login: Option<Login>,
    keys: RwLock<Arc<Keys>>,
    /// How often the binding was renewed; tells a caller whether someone else has done it meanwhile.
    renewals: AtomicU64,
    renewing: tokio::sync::Mutex<()>,
    pace: Pace,
    /// What was learned of each feed's records, kept from page to page.
    examiners: [Mutex<Examiner>; 3],
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    policy: Policy,
}

impl fmt::Debug for MimecastSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MimecastSource")
            .field("base", &self.base.as_str())
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
        shape: NotAPage,
        status: u16,
        begin: String,
    },
    #[error("the binding has expired and renewing it failed: {0}")]
    Renewal(String),
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
        let Credentials {
            app_id,
            app_key,
            access_key,
            secret_key,
            login,
        } = credentials;
        Self {
            http,
            base,
            app_id,
            app_key,
            login,
            keys: RwLock::new(Arc::new(Keys {
                access_key,
                secret_key,
            })),
            renewals: AtomicU64::new(0),
            renewing: tokio::sync::Mutex::new(()),
            pace: Pace::default(),
            examiners: Feed::ALL.map(|feed| Mutex::new(Examiner::new(feed))),
            clock,
            random,
            policy: Policy::STANDARD,
        }
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn examiner(&self, feed: Feed) -> MutexGuard<'_, Examiner> {
        let [url, attachment, impersonation] = &self.examiners;
        let examiner = match feed {
            Feed::Url => url,
            Feed::Attachment => attachment,
            Feed::Impersonation => impersonation,
        };
        examiner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn to call, if that is before the deadline.
    async fn turn(&self, deadline: Deadline) -> Result<Turn<'_>, SourceError> {
        loop {
            let now = self.clock.elapsed();
            let wait = match self.pace.turn(now) {
                Ok(turn) => return Ok(turn),
                Err(wait) => wait,
            };
            match deadline.remaining(now) {
                Some(left) if left > wait => self.clock.sleep(wait).await,
                _ if wait > LONGEST_PACE => return Err(SourceError::Throttled(wait)),
                _ => {
                    return Err(SourceError::OutOfTime(format!(
                        "Mimecast: the run budget ended {} ms before its rate limit allowed the next call",
                        wait.as_millis()
                    )));
                }
            }
        }
    }

    /// One signed call, with a date and an id of its own.
    async fn call(
        &self,
        path: &str,
        body: Vec<u8>,
        time: Duration,
        turn: &Turn<'_>,
    ) -> Result<Answer, TransportError> {
        let keys = self.keys();
        let date = hmac::header_date(self.clock.now());
        let id = self.request_id();
        let signature = hmac::sign(&keys.secret_key, &date, &id, path, &self.app_key);
        let authorization = format!("MC {}:{signature}", keys.access_key.expose_secret());
        let answer = self.post(path, authorization, date, id, body, time).await?;
        if let (Some(left), Some(reset)) =
            (number(&answer, "x-ratelimit-remaining"), reset(&answer))
        {
            turn.answered(self.clock.elapsed(), left, reset);
        }
        Ok(answer)
    }

    async fn post(
        &self,
        path: &str,
        authorization: String,
        date: String,
        id: String,
        body: Vec<u8>,
        time: Duration,
    ) -> Result<Answer, TransportError> {
        let mut url = self.base.clone();
        url.set_path(path);
        let request = Request {
            method: Method::POST,
            url,
            headers: vec![
                (header::AUTHORIZATION, authorization),
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::ACCEPT, "application/json".to_owned()),
                (
                    header::HeaderName::from_static("x-mc-app-id"),
                    self.app_id.clone(),
                ),
                (header::HeaderName::from_static("x-mc-date"), date),
                (header::HeaderName::from_static("x-mc-req-id"), id),
            ],
            body: body.into(),
        };
        let limits = Limits {
            time,
            body_bytes: MAX_PAGE_BYTES,
        };
        self.http.send(request, limits).await
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
        let renewals = self.renewals.load(Ordering::SeqCst);
        let mut answer = match self
            .call(
                wire::path(request.feed),
                wire::request_body(request),
                time,
                turn,
            )
            .await
        {
            Ok(answer) => answer,
            Err(error @ (TransportError::TooLarge { .. } | TransportError::Request(_))) => {
                return Attempt::Stop(error.into());
            }
            Err(error) => return again(error.into(), None),
        };
        let status = answer.status.as_u16();
        let (verdict, shape) = if status == 200 {
            let body = std::mem::take(&mut answer.body);
            let page = wire::page(&mut self.examiner(request.feed), body);
            let page = page.map_err(|Unread { why, body }| {
                answer.body = body;
                why
            });
            match page {
                Ok(page) => return Attempt::Done(Ended::Page(page)),
                Err(NotAPage::Failure(verdict)) => (Some(verdict), None),
                Err(shape @ NotAPage::OtherShape(_)) => {
                    return Attempt::Stop(CallError::Shape {
                        shape,
                        status,
                        begin: http::excerpt(&answer.body),
                    });
                }
                Err(shape @ NotAPage::NotJson(_)) => (None, Some(shape)),
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
            None => self.refused(&answer, verdict.as_ref()),
        };
        match decision::decide(self.said(&answer, verdict.as_ref(), request.token.is_some())) {
            Decision::RestartRange => Attempt::Done(Ended::TokenRefused(error)),
            Decision::Retry(after) => {
                debug!(feed = %request.feed, status, ?after, "call to be made again");
                again(error, after)
            }
            Decision::RenewBinding if *renewed => Attempt::Stop(error),
            Decision::RenewBinding => match self.renew(renewals, error, deadline).await {
                Ok(()) => {
                    *renewed = true;
                    Attempt::AtOnce
                }
                Err(attempt) => attempt,
            },
            // A success would have been a page.
            Decision::Refuse | Decision::Accept => Attempt::Stop(error),
        }
    }

    fn said<'a>(
        &self,
        answer: &Answer,
        verdict: Option<&'a Verdict>,
        with_token: bool,
    ) -> Said<'a> {
        Said {
            status: answer.status.as_u16(),
            verdict,
            rate_limit_reset: reset(answer),
            retry_after: answer.retry_after(self.clock.now()),
            with_token,
        }
    }

    fn refused(&self, answer: &Answer, verdict: Option<&Verdict>) -> CallError {
        let status = wire::effective_status(answer.status.as_u16(), verdict);
        let mut said = match verdict {
            Some(verdict) if !verdict.failures.is_empty() => Words(&verdict.failures).to_string(),
            _ if answer.body.is_empty() => "no body".to_owned(),
            _ => format!("`{}`", http::excerpt(&answer.body)),
        };
        if status == 401
            && let Some(difference) = self.clock_difference(answer)
        {
            said.push_str(&difference);
        }
        CallError::Refused {
            status,
            said,
            advice: decision::advice(status, verdict),
        }
    }

    /// A wrong clock makes every signature wrong: name the difference, where it is more than a
    /// minute.
    fn clock_difference(&self, answer: &Answer) -> Option<String> {
        let theirs = chrono::DateTime::parse_from_rfc2822(answer.header("date")?).ok()?;
        let seconds = (self.clock.now() - theirs.to_utc()).num_seconds();
        (seconds.abs() > 60).then(|| {
            format!(
                "; this machine's clock is {} s {} Mimecast's",
                seconds.abs(),
                if seconds > 0 { "ahead of" } else { "behind" }
            )
        })
    }

    fn request_id(&self) -> String {
        uuid::Builder::from_random_bytes(self.random.bits().to_be_bytes())
            .into_uuid()
            .to_string()
    }
}

/// In what time there will be more calls.
fn reset(answer: &Answer) -> Option<Duration> {
    number(answer, "x-ratelimit-reset").map(Duration::from_millis)
}

fn number(answer: &Answer, header: &str) -> Option<u64> {
    answer.header(header)?.trim().parse().ok()
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
        let mut trying = Trying::new(&*self.clock, &*self.random, self.policy, deadline);
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
            Err(ref gave_up @ GaveUp::Failed { attempts, .. }) => Err(SourceError::Failed {
                cause: gave_up.to_string().into(),
                attempts,
            }),
            Err(GaveUp::Throttled { wait }) => Err(SourceError::Throttled(wait)),
            Err(gave_up) => Err(SourceError::OutOfTime(format!("Mimecast: {gave_up}"))),
        }
    }
}
