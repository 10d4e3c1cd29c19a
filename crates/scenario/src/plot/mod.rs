//! The plots: what attackers do to a few people in a day, told across the three logs.
//!
//! Most of a scenario is rolled record by record. What an analyst looks for is connected: a page that
//! was blocked is reached half an hour later; somebody with the chief executive's name writes, and a
//! click follows. So a working day has a plot: [`super::beat`] has its script, and its records are written
//! out here and cast by the seed. There is one at most for each thousand records of the plan, so that plots
//! do not drown the rest.

mod file;
mod letter;
mod link;

use super::{
    beat::Beat,
    cast::{self, CHIEF, Person},
    dice::Dice,
    scene::Scene,
};
use simulators::log::Log;

/// The JSON text of a record. Nothing is missing from it, since the plot may turn on any of it.
pub(super) fn record(mut scene: Scene, beat: &Beat) -> String {
    let set = Set::new(scene.plot(beat));
    let members = match scene.log {
        Log::Url => link::members(&mut scene, beat, &set),
        Log::Attachment => file::members(&mut scene, beat, &set),
        Log::Impersonation => letter::members(&mut scene, beat, &set),
    };
    scene.write_whole(members)
}

/// What the records of a chapter share over the logs.
struct Set {
    /// The first of the staff whom it affects.
    first: usize,
    /// A domain that looks like the company's.
    lookalike: &'static str,
    /// Of a file.
    hash: String,
    /// One of several names, for any use.
    name: usize,
}

impl Set {
    fn new(mut dice: Dice) -> Self {
        Self {
            first: dice.index(cast::STAFF),
            lookalike: dice.pick(&["fabrikarn.example", "fabrlkam.example"]),
            hash: dice.hex(64),
            name: dice.index(3),
        }
    }

    fn reader(&self, beat: &Beat) -> Person {
        cast::staff(self.first + beat.reader * 7)
    }

    /// The colleague whose mailbox it is.
    fn insider(&self) -> Person {
        cast::staff(self.first + cast::STAFF / 2)
    }

    /// The address of the one who is not the chief executive.
    fn namesake(&self) -> String {
        let local = CHIEF.1.split('@').next().unwrap_or_default();
        format!("{local}@{}", self.lookalike)
    }
}
