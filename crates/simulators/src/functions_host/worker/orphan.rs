//! What is left of a handler whose host was killed.

use tokio::process::Child;

/// A handler whose host was killed. It works on, beside the handler of the next host; nobody reads
/// what it prints, and nobody else ends it. Dropping it kills it.
#[derive(Debug)]
pub struct Orphan(Child);

impl Orphan {
    /// `child` is killed when it is dropped.
    pub(super) fn new(child: Child) -> Self {
        Self(child)
    }

    /// Its process id; `None` once its end was seen.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.0.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Kills it and waits for its end.
    pub async fn kill(mut self) {
        // It fails only where the process is gone already.
        drop(self.0.kill().await);
    }
}
