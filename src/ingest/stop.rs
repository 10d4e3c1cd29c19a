//! Asking a pass to end early: it reads and posts nothing more, but waits for the answers of what is posted
//! and saves what came of it.

use tokio::sync::watch;

/// Asks passes to end.
#[derive(Debug)]
pub struct StopSender(watch::Sender<bool>);

/// Whether a pass is to end. Clones are of the same request.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Default for StopSender {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl StopSender {
    /// What passes are given.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    /// Asks all of them to end.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// One that is never requested.
    #[must_use]
    pub fn never() -> Self {
        StopSender::default().stop()
    }

    /// Whether it was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is.
    pub async fn requested(&self) {
        let mut requests = self.0.clone();
        if requests
            .wait_for(|is_requested| *is_requested)
            .await
            .is_err()
        {
            // Nobody is left to request it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_reaches_everybody_who_waits_or_asks_later() {
        let sender = StopSender::default();
        let (one, other) = (sender.stop(), sender.stop());
        assert!(!one.is_requested());
        sender.request();
        one.requested().await;
        other.clone().requested().await;
        assert!(other.is_requested() && sender.stop().is_requested());
        assert!(!Stop::never().is_requested());
    }
}
