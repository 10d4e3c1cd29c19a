//! The source of a world: what it lists, and how it misbehaves.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, ServiceError},
        ports::{LogSource, PageRequest, Patience},
    },
    model::{
        checkpoint::Service,
        deadline::Deadline,
        feed::Feed,
        page::{Page, PageToken},
    },
};

use super::{World, at};

/// One thing that the source does instead of answering.
pub enum SourceFault {
    RefuseToken,
    Fail(&'static str),
    OutOfTime,
    Throttle(Duration),
    Panic,
}

/// A record of the URL feed.
#[derive(Clone)]
struct Given {
    /// From when on it shows.
    visible: DateTime<Utc>,
    /// Its own time.
    time: DateTime<Utc>,
    text: String,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one habit of the source, and tests combine them freely"
)]
pub(super) struct Source {
    records: Mutex<Vec<Given>>,
    gate: tokio::sync::Mutex<()>,
    page_size: AtomicUsize,
    pub(super) page_time: Duration,
    pub(super) count_time: Duration,
    pub(super) hidden: Option<(usize, u64)>,
    pub(super) excludes_to: bool,
    pub(super) says_total: bool,
    pub(super) silent_when_empty: bool,
    pub(super) lying_total: Option<u64>,
    pub(super) trailing_token: bool,
    pub(super) looping_token: bool,
    pub(super) empty_pages: bool,
    pub(super) ignores_ranges: bool,
    pub(super) newest_first: bool,
    pub(super) endless_at: Option<DateTime<Utc>>,
    clock_behind: Mutex<TimeDelta>,
    faults: Mutex<HashMap<u64, SourceFault>>,
    count_fault: Mutex<Option<SourceFault>>,
    unreadable: Mutex<Vec<RangeInclusive<DateTime<Utc>>>>,
    is_down: AtomicBool,
    hangs: AtomicBool,
    max_readable: AtomicU32,
    fetches: AtomicU64,
    counts: AtomicU64,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            records: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            page_size: AtomicUsize::new(3),
            page_time: Duration::ZERO,
            count_time: Duration::ZERO,
            hidden: None,
            excludes_to: false,
            says_total: true,
            silent_when_empty: false,
            lying_total: None,
            trailing_token: false,
            looping_token: false,
            empty_pages: false,
            ignores_ranges: false,
            newest_first: false,
            endless_at: None,
            clock_behind: Mutex::default(),
            faults: Mutex::default(),
            count_fault: Mutex::default(),
            unreadable: Mutex::default(),
            is_down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            max_readable: AtomicU32::new(u32::MAX),
            fetches: AtomicU64::new(0),
            counts: AtomicU64::new(0),
        }
    }
}

/// The text of a record with a serial number.
fn record(serial: u64, time: DateTime<Utc>) -> String {
    format!(
        r#"{{"url":"https://example.com/{serial}","n":{serial},"date":"{}"}}"#,
        time.format("%Y-%m-%dT%H:%M:%S+0000")
    )
}

impl World {
    /// Adds a record that shows from `visible` on; returns its serial number.
    pub fn add(&self, visible: DateTime<Utc>, time: DateTime<Utc>) -> u64 {
        let serial = self.source.records.lock().unwrap().len() as u64;
        self.add_text(visible, time, record(serial, time));
        serial
    }

    /// Adds a record that shows from now on; returns its serial number.
    pub fn add_late(&self, time: DateTime<Utc>) -> u64 {
        self.add(self.now(), time)
    }

    /// Adds a record with the given text.
    pub fn add_text(&self, visible: DateTime<Utc>, time: DateTime<Utc>, text: String) {
        self.source.records.lock().unwrap().push(Given {
            visible,
            time,
            text,
        });
    }

    /// How many records there are.
    pub fn serials_made(&self) -> u64 {
        self.source.records.lock().unwrap().len() as u64
    }

    pub fn set_page_size(&self, records: usize) {
        self.source.page_size.store(records, Ordering::SeqCst);
    }

    /// Sets what a fetch meets, by its number.
    pub fn break_fetch(&self, number: u64, fault: SourceFault) {
        self.source.faults.lock().unwrap().insert(number, fault);
    }

    /// Sets what the next count meets.
    pub fn break_count(&self, fault: SourceFault) {
        *self.source.count_fault.lock().unwrap() = Some(fault);
    }

    /// No answer that would hold a record of these times can be read.
    pub fn make_unreadable(&self, from: &str, to: &str) {
        let mut unreadable = self.source.unreadable.lock().unwrap();
        unreadable.push(at(from)..=at(to));
    }

    /// Every answer can be read again.
    pub fn make_readable(&self) {
        self.source.unreadable.lock().unwrap().clear();
    }

    /// By how much the source's clock is behind. Records show by the source's clock.
    pub fn set_clock_behind(&self, behind: TimeDelta) {
        *self.source.clock_behind.lock().unwrap() = behind;
    }

    /// What the source's clock shows.
    fn source_now(&self) -> DateTime<Utc> {
        self.now() - *self.source.clock_behind.lock().unwrap()
    }

    /// Whether no answer can be read.
    pub fn set_down(&self, is_down: bool) {
        self.source.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Whether what is unreadable ends no attempt before the deadline, unless the call is impatient.
    pub fn set_hanging(&self, hangs: bool) {
        self.source.hangs.store(hangs, Ordering::SeqCst);
    }

    /// Pages for which more records are asked for are too large.
    pub fn set_max_readable(&self, records: u32) {
        self.source.max_readable.store(records, Ordering::SeqCst);
    }

    fn is_unreadable(&self, request: PageRequest<'_>) -> bool {
        let unreadable = self.source.unreadable.lock().unwrap();
        self.source.is_down.load(Ordering::SeqCst)
            || self.listing(request).iter().any(|given| {
                let mut unreadable = unreadable.iter();
                unreadable.any(|times| times.contains(&given.time))
            })
    }

    /// No fetch meets a fault any more.
    pub fn heal_fetches(&self) {
        self.source.faults.lock().unwrap().clear();
    }

    /// Keeps the source from answering until this is dropped.
    pub async fn hold_source(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.source.gate.lock().await
    }

    /// How many pages were asked for.
    pub fn fetches(&self) -> u64 {
        self.source.fetches.load(Ordering::SeqCst)
    }

    /// How many counts were asked for.
    pub fn counts(&self) -> u64 {
        self.source.counts.load(Ordering::SeqCst)
    }

    /// What a range holds that shows by now.
    fn listing(&self, request: PageRequest<'_>) -> Vec<Given> {
        let (now, range) = (self.source_now(), request.range);
        let mut rows: Vec<_> = self
            .source
            .records
            .lock()
            .unwrap()
            .iter()
            .filter(|given| {
                request.feed == Feed::Url
                    && given.visible <= now
                    && (self.source.ignores_ranges
                        || (range.from()..=range.to()).contains(&given.time)
                            && !(self.source.excludes_to && given.time == range.to()))
            })
            .cloned()
            .collect();
        rows.sort_by_key(|given| given.time);
        if self.source.newest_first {
            rows.reverse();
        }
        rows
    }

    fn page(&self, request: PageRequest<'_>, number: u64) -> Page {
        let source = &self.source;
        let mut rows = self.listing(request);
        let counted = rows.len() as u64;
        if let Some((index, until)) = source.hidden
            && number <= until
            && index < rows.len()
        {
            rows.remove(index);
        }
        let token = request.token.map(PageToken::as_str);
        // A token of an empty page.
        let is_odd = token.is_some_and(|token| token.starts_with('e'));
        let offset = token.map_or(0, |token| token.trim_start_matches('e').parse().unwrap());
        let size = source.page_size.load(Ordering::SeqCst);
        let is_endless = rows.iter().any(|row| Some(row.time) == source.endless_at);
        let skipped = if is_endless {
            offset % rows.len()
        } else {
            offset
        };
        let texts: Vec<_> = rows
            .iter()
            .skip(skipped)
            .take(size.min(request.size as usize))
            .map(|given| &given.text)
            .collect();
        // Every second page is empty: a filter has taken what was on it.
        if source.empty_pages && is_odd {
            let mut page = Page::default();
            page.next = PageToken::new(format!("{offset}"));
            page.total = source.says_total.then_some(counted);
            page.attempts = 1;
            return page;
        }
        let mut page = Page::of(request.feed, &texts);
        let end = offset + texts.len();
        if is_endless || end < rows.len() || (source.trailing_token && !texts.is_empty()) {
            let empty = if source.empty_pages { "e" } else { "" };
            page.next = PageToken::new(format!("{empty}{end}"));
        }
        if source.looping_token && request.token.is_some() {
            page.next = request.token.cloned();
        }
        page.total = source
            .says_total
            .then_some(source.lying_total.unwrap_or(counted))
            .filter(|_| counted > 0 || !source.silent_when_empty);
        page.attempts = 1;
        page
    }
}

impl SourceFault {
    fn error(self) -> ServiceError {
        let error = |kind| ServiceError::new(Service::Mimecast, kind);
        match self {
            Self::RefuseToken => error(ErrorKind::PageTokenRefused).with_source("token refused"),
            Self::Fail(why) => error(ErrorKind::Failed).with_source(why),
            Self::OutOfTime => error(ErrorKind::DeadlineExceeded)
                .with_source("throttled")
                .with_advice(Some("wait")),
            Self::Throttle(wait) => error(ErrorKind::Throttled { retry_after: wait }),
            Self::Panic => panic!("the source broke"),
        }
    }
}

#[async_trait]
impl LogSource for World {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        _: Deadline,
    ) -> Result<Page, ServiceError> {
        let source = &self.source;
        let counting = request.size == 1;
        let (number, time) = if counting {
            source.counts.fetch_add(1, Ordering::SeqCst);
            (self.fetches(), source.count_time)
        } else {
            let before = source.fetches.fetch_add(1, Ordering::SeqCst);
            (before + 1, source.page_time)
        };
        self.take_time(time).await;
        drop(source.gate.lock().await);
        let fault = if counting {
            source.count_fault.lock().unwrap().take()
        } else {
            self.event(format!("fetch {number}"));
            source.faults.lock().unwrap().remove(&number)
        };
        if let Some(fault) = fault {
            return Err(fault.error());
        }
        if request.size > source.max_readable.load(Ordering::SeqCst) {
            let error = ServiceError::new(Service::Mimecast, ErrorKind::PageTooLarge);
            return Err(error.with_source("larger than 8388608 bytes"));
        }
        if self.is_unreadable(request) {
            let hangs = source.hangs.load(Ordering::SeqCst);
            let kind = if hangs && request.patience == Patience::Usual {
                ErrorKind::DeadlineExceeded
            } else {
                ErrorKind::Unreadable
            };
            let error = ServiceError::new(Service::Mimecast, kind);
            return Err(error.with_source("status 500"));
        }
        let mut page = self.page(request, number);
        page.clock_ahead = Some(*self.source.clock_behind.lock().unwrap());
        tokio::task::yield_now().await;
        Ok(page)
    }
}
