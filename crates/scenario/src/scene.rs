//! Everything a record is made from.

use super::{
    Plan,
    beat::Beat,
    calendar,
    cast::{self, Person},
    dice::Dice,
    json::{self, Json, Members, Spelling},
    row, serial,
    timeline::Timeline,
};
use simulators::log::Log;

// The purposes of dice, so that they are unrelated. Number 1 is that of the timeline.
const MESSAGE: u64 = 2;
const ROW: u64 = 3;
const WAVE: u64 = 4;
const MAILING: u64 = 5;
const PLOT: u64 = 6;

/// Records of one second are grouped into messages within blocks of so many, so that finding the
/// message of a record takes the same short time in a burst of hundreds.
const BLOCK: usize = 32;

/// One record about to be written. What all records of a message share is rolled with `message`,
/// the rest with `row`.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) log: Log,
    /// Unix seconds.
    pub(super) at: i64,
    /// Which record of its message it is.
    pub(super) nth: usize,
    /// Goes into one member, see [`serial::member`].
    pub(super) serial: String,
    pub(super) message: Dice,
    pub(super) row: Dice,
    seed: u64,
    odd_times: bool,
}

impl Scene {
    pub(super) fn new(plan: &Plan, log: Log, index: usize, timeline: &Timeline) -> Self {
        let (nth, message) = match timeline.beat(index) {
            // One message for each sender of a chapter.
            Some(beat) => {
                let mut dice = plot_dice(plan.seed, beat);
                let parts = [MESSAGE, log as u64, dice.roll(), wide(beat.sender)];
                (0, Dice::new(plan.seed, &parts))
            }
            None => {
                let first = message_of(plan.seed, log, index, timeline);
                let parts = [MESSAGE, log as u64, wide(first)];
                (index - first, Dice::new(plan.seed, &parts))
            }
        };
        Self {
            log,
            at: timeline.moment(index).at,
            nth,
            serial: serial::serial(log, index),
            message,
            row: Dice::new(plan.seed, &[ROW, log as u64, wide(index)]),
            seed: plan.seed,
            odd_times: plan.odd_times,
        }
    }

    /// Dice for what a chapter of a day's plot shares over the logs.
    pub(super) fn plot(&self, beat: &Beat) -> Dice {
        plot_dice(self.seed, beat)
    }

    /// A colleague; the others of the same message are others.
    pub(super) fn recipient(&mut self, nth: usize) -> Person {
        let first = self.message.index(cast::STAFF);
        cast::staff(first + nth * 7)
    }

    /// Dice for the mailing number `number` of the day: it reaches people at many times.
    pub(super) fn mailing(&self, number: u64) -> Dice {
        let day = calendar::day(self.at).unsigned_abs();
        Dice::new(self.seed, &[MAILING, self.log as u64, day, number])
    }

    /// Whether this message belongs to the attack on this log that day. Most do not; while a wave
    /// rolls, which is a few hours on every other working day, a third of all.
    pub(super) fn in_wave(&mut self) -> bool {
        let share = if self.wave_rolls() { 330 } else { 25 };
        self.message.per_mille(share)
    }

    fn wave_rolls(&self) -> bool {
        let day = calendar::day(self.at).unsigned_abs();
        let mut dice = Dice::new(self.seed, &[WAVE, self.log as u64, day]);
        let today = dice.per_mille(500) && !calendar::is_weekend(self.at);
        let minute = self.at.rem_euclid(24 * 3600).unsigned_abs() / 60;
        let start = 8 * 60 + dice.below(6 * 60);
        today && (start..start + 90 + dice.below(120)).contains(&minute)
    }

    /// The time of the record, as text.
    pub(super) fn when(&mut self) -> String {
        row::when(self.at, self.odd_times, &mut self.row)
    }

    /// Writes the members down, with the wear that real rows show.
    pub(super) fn write(mut self, mut members: Members) -> String {
        let kept = [serial::member(self.log), self.log.time_member()];
        row::wear(&mut members, kept, &mut self.row);
        self.write_whole(members)
    }

    /// The same without the wear.
    pub(super) fn write_whole(mut self, mut members: Members) -> String {
        json::arrange(&mut members, &mut self.row);
        json::text(&members, Spelling::roll(&mut self.row))
    }
}

/// The index of the first record of the message that record `index` belongs to.
fn message_of(seed: u64, log: Log, index: usize, timeline: &Timeline) -> usize {
    let second = timeline.same_second(index);
    let block = second.start + (index - second.start) / BLOCK * BLOCK;
    let mut dice = Dice::new(seed, &[0, log as u64, wide(block)]);
    let mut first = block;
    loop {
        let size = match dice.below(100) {
            0..=54 => 1,
            55..=74 => 2,
            75..=86 => 3,
            87..=95 => 5,
            _ => 8,
        };
        if index < first + size {
            return first;
        }
        first += size;
    }
}

fn plot_dice(seed: u64, beat: &Beat) -> Dice {
    let day = calendar::day(beat.at).unsigned_abs();
    Dice::new(seed, &[PLOT, day, beat.chapter as u64])
}

fn wide(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

/// The `Message-ID` of a message from `domain`, in the shapes that mail programs and broken
/// gateways give it.
pub(super) fn message_id(dice: &mut Dice, domain: &str) -> String {
    match dice.below(100) {
        0..=39 => format!("<{}.{}@{domain}>", dice.hex(12), dice.hex(4).to_uppercase()),
        40..=64 => {
            let host = format!("DB7PR{:02}MB{:04}", dice.below(20), dice.below(10_000));
            let tail = dice.hex(6).to_uppercase();
            format!("<{host}{tail}@{host}.eurprd01.prod.example>")
        }
        65..=84 => {
            let parts = [8, 4, 4, 4, 12].map(|digits| dice.hex(digits));
            format!("<{}@{domain}>", parts.join("-"))
        }
        85..=93 => format!("<CA{}+{}=w@mail.{domain}>", dice.hex(9), dice.hex(5)),
        94..=95 => format!("<CAF7x+{}\"quoted\"\\back\\@mx.{domain}>", dice.hex(4)),
        96..=98 => format!("{}-{}@email.{domain}", dice.hex(8), dice.hex(6)),
        _ => "<>".to_owned(),
    }
}

/// An address from the ranges set aside for documentation.
pub(super) fn ip(dice: &mut Dice) -> String {
    let last = 1 + dice.below(254);
    match dice.below(20) {
        0..=6 => format!("203.0.113.{last}"),
        7..=13 => format!("198.51.100.{last}"),
        14..=17 => format!("192.0.2.{last}"),
        _ => format!("2001:db8:{:x}::{last:x}", dice.below(4096)),
    }
}

/// The part of an address after the `@`.
pub(super) fn domain_of(address: &str) -> &str {
    address
        .rsplit_once('@')
        .map_or(address, |(_, domain)| domain)
}

/// A member where there is one.
pub(super) fn push(members: &mut Members, name: &'static str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        members.push((name, value.into()));
    }
}
