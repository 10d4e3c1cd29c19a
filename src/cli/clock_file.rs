//! The simulated time, in builds that have the simulators: `simulated_clock_file` names the file that
//! a scenario keeps. The deployed binary is built without and knows only the machine's clock.

use std::{io, path::Path, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{ingest::ports::Clock, system::SystemClock};
use simulators::clock::ClockFile;

/// Names the file.
pub(super) const SETTING: &str = "simulated_clock_file";

/// The file's wall clock over this machine's monotonic one.
pub(super) struct SimulatedClock {
    file: ClockFile,
    machine: SystemClock,
}

/// The clock that the setting names, if it is set.
pub(super) fn from(lookup: &dyn Fn(&str) -> Option<String>) -> Option<io::Result<SimulatedClock>> {
    let path = lookup(SETTING)?;
    Some(
        ClockFile::open(Path::new(&path)).map(|file| SimulatedClock {
            file,
            machine: SystemClock::start(),
        }),
    )
}

#[async_trait]
impl Clock for SimulatedClock {
    /// A scenario that has gone away takes its time with it; this machine's is the next best.
    fn now(&self) -> DateTime<Utc> {
        self.file.read().unwrap_or_else(|_| self.machine.now())
    }

    fn elapsed(&self) -> Duration {
        self.machine.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.machine.sleep(duration).await;
    }
}
