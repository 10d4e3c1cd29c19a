//! What the host sends for a run of a timer, byte for byte.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeStruct},
};
use uuid::Uuid;

use super::{
    schedule::Zone,
    timer::{Reason, Run, Status, whole_ticks},
};

/// The version that the emulator claims to have.
pub const HOST_VERSION: &str = "4.1037.0.23568";

/// Everything that the body of a run is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) function: &'a str,
    pub(super) binding: &'a str,
    pub(super) adjust_for_dst: bool,
    pub(super) run: &'a Run,
    /// Old hosts left out the offset of dates in the year 1.
    pub(super) year_one_without_offset: bool,
    /// The input of an operator's call.
    pub(super) input: Option<&'a str>,
    /// The zone in which the host shows dates.
    pub(super) zone: Zone,
    pub(super) retry_context: bool,
    pub(super) serialized_at: DateTime<Utc>,
    pub(super) rand_guid: Uuid,
}

impl Content<'_> {
    /// The body: compact, in the key order of the host (its source).
    pub(super) fn body(&self) -> String {
        // Maps with text keys and numbers that are finite: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("Content", 2)?;
        body.serialize_field("Data", &Single(self.binding, TimerInfo(self)))?;
        body.serialize_field("Metadata", &Metadata(self))?;
        body.end()
    }
}

struct Single<'a, T>(&'a str, T);

impl<T: Serialize> Serialize for Single<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

struct TimerInfo<'a>(&'a Content<'a>);

impl Serialize for TimerInfo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = self.0;
        let status = content.run.status.map(|status| WireStatus {
            status,
            zone: content.zone,
            offset: !content.year_one_without_offset,
        });
        let mut info = serializer.serialize_struct("TimerInfo", 3)?;
        info.serialize_field("Schedule", &Single("AdjustForDST", content.adjust_for_dst))?;
        info.serialize_field("ScheduleStatus", &status)?;
        info.serialize_field("IsPastDue", &content.run.is_past_due)?;
        info.end()
    }
}

struct WireStatus {
    status: Status,
    zone: Zone,
    offset: bool,
}

impl Serialize for WireStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Status {
            last,
            next,
            last_updated,
        } = self.status;
        let local = |time| local_date(time, self.zone);
        let date = |time: Option<DateTime<Utc>>| match time {
            Some(time) => local(time),
            None if self.offset => local(year_one()),
            None => date(year_one()),
        };
        let mut status = serializer.serialize_struct("ScheduleStatus", 3)?;
        status.serialize_field("Last", &date(last))?;
        status.serialize_field("Next", &local(next))?;
        status.serialize_field("LastUpdated", &date(last_updated))?;
        status.end()
    }
}

struct Metadata<'a>(&'a Content<'a>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = self.0;
        let mut map = serializer.serialize_map(None)?;
        // Keys that end in "trigger" are dropped by the host.
        if content.run.reason == Reason::Admin
            && let Some(input) = content.input
            && !content.binding.to_ascii_lowercase().ends_with("trigger")
        {
            // JSON within JSON, as all metadata. A text cannot fail.
            let input = serde_json::to_string(input).unwrap_or_default();
            map.serialize_entry(content.binding, &input)?;
        }
        map.serialize_entry("sys", &System(content))?;
        if content.retry_context {
            map.serialize_entry("RetryContext", &RetryContext::default())?;
        }
        map.end()
    }
}

struct System<'a>(&'a Content<'a>);

impl Serialize for System<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut system = serializer.serialize_struct("sys", 3)?;
        system.serialize_field("MethodName", self.0.function)?;
        system.serialize_field("UtcNow", &format!("{}Z", date(self.0.serialized_at)))?;
        system.serialize_field("RandGuid", &self.0.rand_guid.to_string())?;
        system.end()
    }
}

/// That of a first attempt under a policy of three retries.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RetryContext {
    retry_count: u32,
    max_retry_count: u32,
    exception: Option<()>,
    instance: Option<()>,
    state: Empty,
}

#[derive(Default, Serialize)]
struct Empty {}

impl Default for RetryContext {
    fn default() -> Self {
        Self {
            retry_count: 0,
            max_retry_count: 3,
            exception: None,
            instance: None,
            state: Empty {},
        }
    }
}

/// `default(DateTimeOffset)` of .NET: a time that there was not.
fn year_one() -> DateTime<Utc> {
    let day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default();
    day.and_time(NaiveTime::MIN).and_utc()
}

/// A date without offset, its fraction trimmed as Newtonsoft does it.
fn date(time: DateTime<Utc>) -> String {
    let time = whole_ticks(time);
    let whole = time.format("%Y-%m-%dT%H:%M:%S");
    let fraction = format!(".{:07}", time.nanosecond() / 100);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{whole}{fraction}")
}

/// A date with the offset of the host's zone, in whole minutes as .NET has them. Where the clocks
/// went by the sun, .NET showed the next minute for Berlin. What it shows for the year 1 west of Greenwich,
/// where the local time lies before all that it can hold, is unconfirmed: here it stays in UTC.
fn local_date(time: DateTime<Utc>, zone: Zone) -> String {
    let seconds = zone.offset(time).num_seconds();
    let minutes = seconds.div_euclid(60) + i64::from(seconds.rem_euclid(60) > 0);
    let minutes = if time + TimeDelta::minutes(minutes) < year_one() {
        0
    } else {
        minutes
    };
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let local = date(time + TimeDelta::minutes(minutes));
    format!("{local}{sign}{hours:02}:{rest:02}")
}

/// A date in .NET's round-trip form, as the log lines show it.
pub(super) fn round_trip(time: DateTime<Utc>) -> String {
    let time = whole_ticks(time);
    let whole = time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let whole = whole.trim_end_matches('Z');
    format!("{whole}.{:07}+00:00", time.nanosecond() / 100)
}

#[cfg(test)]
mod tests;
