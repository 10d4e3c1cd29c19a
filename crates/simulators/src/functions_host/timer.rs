//! The status of a timer, and what the host sends to a run of it.
//!
//! The rules are those of the timer extension's source. Runs of one timer do not overlap; the next
//! time is computed from a run's start; ticks that were missed collapse into one; the status
//! advances whatever a run's result; a run is past due only where a listener, on starting, finds
//! that the recorded time has passed.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::schedule::Schedule;

/// What the status blob of a timer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// When the run before this one began; `None` is the year 0001 of a timer that never ran.
    pub last: Option<DateTime<Utc>>,
    /// The scheduled time of the coming run, or, during a run, of that run.
    pub next: DateTime<Utc>,
    /// When the status was written; `None` is the year 0001.
    pub last_updated: Option<DateTime<Utc>>,
}

/// Why a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The timer elapsed.
    Schedule,
    /// The listener started after the recorded time.
    PastDue,
    /// The function asks for a run at each start of the listener.
    RunOnStartup,
    /// An operator asked for it.
    Admin,
}

/// One run of a timer: what the handler receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When it began.
    pub started: DateTime<Utc>,
    /// `ScheduleStatus`; `None` where the host keeps none.
    pub status: Option<Status>,
    /// `IsPastDue`.
    pub is_past_due: bool,
    /// Why it began.
    pub reason: Reason,
}

/// A timer and its status, which outlives the listener.
#[derive(Debug, Clone)]
pub struct Timer {
    schedule: Schedule,
    run_on_startup: bool,
    monitored: bool,
    /// The blob.
    stored: Option<Status>,
    /// What the running listener holds in memory.
    current: Option<Status>,
    pending: Option<Reason>,
}

impl Timer {
    /// A timer that never ran and whose listener is not started yet. With `use_monitor` false the
    /// host keeps no status for it.
    #[must_use]
    pub fn new(schedule: Schedule, run_on_startup: bool, use_monitor: bool) -> Self {
        Self {
            schedule,
            run_on_startup,
            monitored: use_monitor,
            stored: None,
            current: None,
            pending: None,
        }
    }

    /// Replaces the schedule; the next start of the listener notices.
    pub fn change_schedule(&mut self, schedule: Schedule) {
        self.schedule = schedule;
    }

    /// Restarts the listener: afterwards [`Timer::begin`] may be past due.
    pub fn start_listener(&mut self, now: DateTime<Utc>) {
        let now = whole_ticks(now);
        self.pending = self.run_on_startup.then_some(Reason::RunOnStartup);
        let first = Status {
            last: None,
            next: self.schedule.next_after(now),
            last_updated: None,
        };
        if !(self.monitored && self.schedule.keeps_status()) {
            self.stored = None;
            self.current = Some(first);
            return;
        }
        let Some(mut stored) = self.stored else {
            // The blob is written with today's date, but the listener keeps the year 0001.
            self.current = Some(first);
            self.stored = Some(Status {
                last_updated: Some(now),
                ..first
            });
            return;
        };
        let basis = stored.last.or(stored.last_updated).unwrap_or(now);
        let expected = self.schedule.next_after(basis);
        if stored.next != expected {
            // The schedule changed: that alone must not make the run past due.
            let (next, updated) = if now > expected {
                (self.schedule.next_after(now), now)
            } else {
                (expected, basis)
            };
            stored = Status {
                last: None,
                next,
                last_updated: Some(updated),
            };
        }
        if now > stored.next {
            self.pending = Some(Reason::PastDue);
        }
        self.stored = Some(stored);
        self.current = Some(stored);
    }

    /// Begins the coming run. Starts the listener first if nobody did.
    #[must_use]
    pub fn begin(&mut self, now: DateTime<Utc>) -> Run {
        if self.current.is_none() {
            self.start_listener(now);
        }
        let reason = self.pending.take().unwrap_or(Reason::Schedule);
        Run {
            started: whole_ticks(now),
            status: self.current.filter(|_| self.stored.is_some()),
            is_past_due: reason == Reason::PastDue,
            reason,
        }
    }

    /// Ends a run that [`Timer::begin`] began, well or badly. Where the host dies during a run
    /// nobody calls this, and the run is past due once the listener starts again.
    pub fn finish(&mut self, run: &Run) {
        let planned = self.current.map(|status| status.next);
        let start = match (run.reason, planned) {
            // A timer that fires early counts as on time, or else it would fire twice.
            (Reason::Schedule, Some(planned)) => run.started.max(planned),
            _ => run.started,
        };
        let status = Status {
            last: Some(start),
            next: self.schedule.next_after(start),
            last_updated: Some(start),
        };
        self.current = Some(status);
        if self.stored.is_some() {
            self.stored = Some(status);
        }
    }

    /// What an admin run at `now` receives. It leaves the status unchanged.
    #[must_use]
    pub fn admin(&self, now: DateTime<Utc>) -> Run {
        Run {
            started: whole_ticks(now),
            status: self.stored,
            is_past_due: false,
            reason: Reason::Admin,
        }
    }

    /// When the coming run is due: `now` where the listener's start made one due, otherwise the
    /// scheduled time, which may have passed.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match (self.pending, self.current) {
            (None, Some(status)) => status.next,
            (None, None) => self.schedule.next_after(now),
            (Some(_), _) => now,
        }
    }

    /// What the status blob holds; `None` where there is none.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.stored
    }

    /// The schedule.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }
}

/// .NET counts time in steps of 100 ns.
pub(super) fn whole_ticks(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::nanoseconds(100))
        .unwrap_or(time)
}

#[cfg(test)]
mod tests;
