//! The time of the simulated world.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};

/// A clock that a scenario moves: it ticks at the speed of the real one from the time it was last
/// set to. Clones share the time.
///
/// With a file (see [`SimClock::mirrored`]) another process can follow it through [`ClockFile`].
#[derive(Debug, Clone)]
pub struct SimClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    base: DateTime<Utc>,
    set_at: Instant,
    mirror: Option<PathBuf>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock of the simulated world"
)]
impl SimClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(State {
            base: now,
            set_at: Instant::now(),
            mirror: None,
        })))
    }

    /// A clock that shows this machine's time.
    #[must_use]
    pub fn real() -> Self {
        Self::at(Utc::now())
    }

    /// A clock that shows `now` and keeps the file at `path` in step, for [`ClockFile`].
    pub fn mirrored(now: DateTime<Utc>, path: &Path) -> io::Result<Self> {
        let clock = Self::at(now);
        clock.lock().mirror = Some(path.to_owned());
        clock.set(now)?;
        Ok(clock)
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let state = self.lock();
        state.base + state.set_at.elapsed()
    }

    /// Moves the clock to `now`. Fails only where the mirror file cannot be written.
    pub fn set(&self, now: DateTime<Utc>) -> io::Result<()> {
        let mut state = self.lock();
        state.base = now;
        state.set_at = Instant::now();
        match &state.mirror {
            Some(path) => std::fs::write(path, now.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => Ok(()),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) -> io::Result<()> {
        self.set(self.now() + by)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The other end of [`SimClock::mirrored`], for the process under test: the time that the file
/// names plus the time since it was written.
#[derive(Debug, Clone)]
pub struct ClockFile(PathBuf);

impl ClockFile {
    /// Follows the file at `path`; fails where it does not hold a time now.
    pub fn open(path: &Path) -> io::Result<Self> {
        let clock = Self(path.to_owned());
        clock.read().map(|_| clock)
    }

    /// The simulated time.
    pub fn read(&self) -> io::Result<DateTime<Utc>> {
        let text = std::fs::read_to_string(&self.0)?;
        let base = DateTime::parse_from_rfc3339(text.trim())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let written = std::fs::metadata(&self.0)?.modified()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock of the simulated world"
        )]
        let since = SystemTime::now()
            .duration_since(written)
            .unwrap_or_default();
        Ok(base.to_utc() + since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_follows_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let start = DateTime::parse_from_rfc3339("2026-03-02T08:00:00Z")
            .unwrap()
            .to_utc();
        let clock = SimClock::mirrored(start, &path).unwrap();
        let file = ClockFile::open(&path).unwrap();
        clock.advance(Duration::from_secs(3600)).unwrap();
        let seen = file.read().unwrap();
        assert!(seen >= start + Duration::from_secs(3600), "{seen}");
        assert!((seen - clock.now()).num_seconds().abs() < 60, "{seen}");
    }
}
