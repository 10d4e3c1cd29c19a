//! The script of a day: which records its plot has, and when they happen.

use super::{
    Plan,
    calendar::{self, DAY},
    dice::Dice,
};
use Chapter::{Chief, Insider, Login, Parcel, Payroll, Refused, Target};
use Ending::{Permitted, Released, Stopped, Through, TurnedBack, WentOn};
use simulators::log::Log;

/// How many records of the plan there are for each plot.
const RECORDS: usize = 1000;

/// What an attacker is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chapter {
    /// Many senders, one host, many users.
    Parcel,
    /// A page that was blocked, until an administrator let it pass.
    Refused,
    /// Many senders, one file under many names, many users.
    Payroll,
    /// A mailbox of the company that somebody else controls.
    Insider,
    /// The chief executive's name on a stranger's address; the victims do what the letters ask for.
    Chief,
    /// Everything at once against one user.
    Target,
    /// A page that steals passwords.
    Login,
}

/// How it ends for the intended victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Blocked or held.
    Stopped,
    /// A warning was heeded.
    TurnedBack,
    /// A warning was ignored.
    WentOn,
    /// Blocked or held at first, and let through by the user.
    Released,
    /// Let through by an administrator.
    Permitted,
    /// Not stopped at all.
    Through,
}

/// The script of a day: minutes after midnight, log, chapter, intended victim, sender, how it
/// ended. Nothing happens from 12:00 to 13:00, see [`calendar::silent_hour`].
#[rustfmt::skip]
const SCRIPT: [(i64, Log, Chapter, usize, usize, Ending); 44] = [
    (520, Log::Url, Parcel, 0, 0, Stopped),
    (523, Log::Url, Parcel, 1, 1, Stopped),
    (527, Log::Url, Parcel, 2, 2, Through),
    (534, Log::Url, Parcel, 3, 0, Stopped),
    (541, Log::Url, Parcel, 4, 3, WentOn),
    (549, Log::Url, Parcel, 5, 1, Stopped),
    (556, Log::Url, Parcel, 6, 4, TurnedBack),
    (570, Log::Url, Parcel, 7, 2, Stopped),
    (588, Log::Url, Parcel, 8, 0, Released),
    (605, Log::Url, Refused, 0, 0, Stopped),
    (633, Log::Url, Refused, 0, 0, Permitted),
    (655, Log::Attachment, Payroll, 0, 0, Stopped),
    (655, Log::Attachment, Payroll, 1, 0, Stopped),
    (655, Log::Attachment, Payroll, 2, 0, Through),
    (668, Log::Attachment, Payroll, 3, 1, Stopped),
    (668, Log::Attachment, Payroll, 4, 1, Stopped),
    (681, Log::Attachment, Payroll, 5, 2, Released),
    (681, Log::Attachment, Payroll, 6, 2, Stopped),
    (681, Log::Attachment, Payroll, 7, 2, Stopped),
    (790, Log::Url, Insider, 0, 0, Stopped),
    (791, Log::Url, Insider, 1, 0, Stopped),
    (794, Log::Url, Insider, 2, 0, Through),
    (797, Log::Url, Insider, 3, 0, Stopped),
    (803, Log::Url, Insider, 4, 0, WentOn),
    (806, Log::Attachment, Insider, 5, 0, Stopped),
    (835, Log::Impersonation, Chief, 0, 0, Stopped),
    (835, Log::Impersonation, Chief, 1, 0, Stopped),
    (835, Log::Impersonation, Chief, 2, 0, Through),
    (835, Log::Impersonation, Chief, 3, 0, Stopped),
    (835, Log::Impersonation, Chief, 4, 0, Through),
    (835, Log::Impersonation, Chief, 5, 0, Stopped),
    (838, Log::Attachment, Chief, 4, 0, Through),
    (861, Log::Url, Chief, 2, 0, Through),
    (871, Log::Url, Target, 0, 0, Stopped),
    (876, Log::Url, Target, 0, 1, WentOn),
    (881, Log::Attachment, Target, 0, 2, Stopped),
    (885, Log::Impersonation, Target, 0, 3, Stopped),
    (890, Log::Url, Target, 0, 4, Stopped),
    (896, Log::Impersonation, Target, 0, 5, Through),
    (902, Log::Attachment, Target, 0, 6, Stopped),
    (909, Log::Url, Target, 0, 7, Stopped),
    (917, Log::Impersonation, Target, 0, 8, Stopped),
    (955, Log::Url, Login, 0, 0, WentOn),
    (961, Log::Url, Login, 1, 0, Stopped),
];

/// One record of a plot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beat {
    /// Unix seconds.
    pub(super) at: i64,
    pub(super) chapter: Chapter,
    /// Numbers the people whom the chapter affects.
    pub(super) reader: usize,
    /// Numbers the senders; one sender's records in a log are one message.
    pub(super) sender: usize,
    pub(super) ending: Ending,
}

/// The records that the plots put into a log, in order of time.
pub(super) fn beats(plan: &Plan, log: Log) -> Vec<Beat> {
    let (first, end) = (plan.start.timestamp(), plan.end.timestamp());
    let days = (calendar::day(first)..=calendar::day(end))
        .filter(|day| !calendar::is_weekend(day * DAY))
        .filter(|day| first < day * DAY + SCRIPT[0].0 * 60 && day * DAY + 17 * 3600 < end)
        .take(plan.records / RECORDS);
    days.flat_map(|day| {
        let of_log = SCRIPT.iter().filter(move |scene| scene.1 == log);
        of_log.map(move |&(minute, _, chapter, reader, sender, ending)| {
            let minute = day * 24 * 60 + minute;
            let mut dice = Dice::new(plan.seed, &[SECOND, minute.unsigned_abs()]);
            Beat {
                at: minute * 60 + i64::try_from(dice.below(60)).unwrap_or(0),
                chapter,
                reader,
                sender,
                ending,
            }
        })
    })
    .collect()
}

/// What dice are rolled for; the other purposes are in [`super::scene`].
const SECOND: u64 = 7;
