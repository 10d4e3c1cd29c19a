//! The runs that a scenario asks for by name.

use chrono::{DateTime, TimeDelta, Utc};

use super::timer::{Reason, Run, Status, Timer, whole_ticks};

/// How late a made-up run before this one began.
const LATENESS: TimeDelta = TimeDelta::nanoseconds(3_121_400);

/// The situation that a request describes. Dates follow from the function's schedule and the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On time, after a run on time.
    Normal,
    /// A tick was missed while no listener ran.
    PastDue,
    /// The first run ever: dates in the year 1.
    FirstRun,
    /// The same from an old host, which leaves out the offset of these dates.
    FirstRunWithoutOffset,
    /// A tick was missed because the run before took too long: not past due.
    LateNotPastDue,
    /// At the start of the listener, between ticks.
    RunOnStartup,
    /// Without `ScheduleStatus`, as with `useMonitor` false.
    StatusNull,
    /// An operator asked for it: the status is the timer's true one. With an input the metadata has an
    /// additional member.
    Admin,
}

impl Kind {
    /// The run of that kind, made up around the time.
    pub(super) fn run(self, timer: &Timer, now: DateTime<Utc>) -> Run {
        let schedule = timer.schedule();
        let now = whole_ticks(now);
        let scheduled = schedule.last_at_or_before(now);
        let missed = schedule.last_before(scheduled);
        let after = |before: DateTime<Utc>, next| {
            let last = Some(before + LATENESS);
            Some(Status {
                last,
                next,
                last_updated: last,
            })
        };
        let first = Some(Status {
            last: None,
            next: scheduled,
            last_updated: None,
        });
        let (status, reason) = match self {
            Kind::Normal => (after(missed, scheduled), Reason::Schedule),
            Kind::PastDue => (after(schedule.last_before(missed), missed), Reason::PastDue),
            Kind::LateNotPastDue => (
                after(schedule.last_before(missed), missed),
                Reason::Schedule,
            ),
            Kind::FirstRun | Kind::FirstRunWithoutOffset => (first, Reason::Schedule),
            Kind::StatusNull => (None, Reason::Schedule),
            Kind::RunOnStartup => (
                after(scheduled, schedule.next_after(now)),
                Reason::RunOnStartup,
            ),
            Kind::Admin => return timer.admin(now),
        };
        Run {
            started: now,
            status,
            is_past_due: reason == Reason::PastDue,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions_host::schedule::Schedule;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-10T{text}Z"))
            .unwrap()
            .to_utc()
    }

    #[test]
    fn each_kind_tells_its_own_story() {
        let mut timer = Timer::new(Schedule::parse("0 */5 * * * *").unwrap(), false, true);
        timer.start_listener(at("09:36:00"));
        // Last without its lateness, Next, IsPastDue.
        let cases = [
            (Kind::Normal, Some("09:30:00"), "09:35:00", false),
            (Kind::PastDue, Some("09:25:00"), "09:30:00", true),
            (Kind::LateNotPastDue, Some("09:25:00"), "09:30:00", false),
            (Kind::FirstRun, None, "09:35:00", false),
            (Kind::FirstRunWithoutOffset, None, "09:35:00", false),
            (Kind::RunOnStartup, Some("09:35:00"), "09:40:00", false),
            (Kind::Admin, None, "09:40:00", false),
        ];
        for (kind, last, next, is_past_due) in cases {
            let run = kind.run(&timer, at("09:37:20"));
            let status = run.status.unwrap();
            assert_eq!(
                status.last,
                last.map(|last| at(last) + LATENESS),
                "{kind:?}"
            );
            assert_eq!(status.next, at(next), "{kind:?}");
            assert_eq!(run.is_past_due, is_past_due, "{kind:?}");
        }
        assert_eq!(Kind::StatusNull.run(&timer, at("09:37:20")).status, None);
    }
}
