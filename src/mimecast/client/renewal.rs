//! Renewing an expired binding, once for all feeds.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use secrecy::ExposeSecret;
use tracing::{info, warn};

use super::{CallError, Ended, MimecastSource, again};
use crate::{
    mimecast::{
        decision::{self, Decision, Words},
        hmac, login, wire,
    },
    model::deadline::Deadline,
    retry::Attempt,
};

impl MimecastSource {
    /// Renews the binding, unless another feed has done so since `seen` was read. Otherwise gives how
    /// the attempt ends.
    pub(super) async fn renew(
        &self,
        seen: u64,
        expired: CallError,
        deadline: Deadline,
    ) -> Result<(), Attempt<Ended, CallError>> {
        let Some(login) = &self.login else {
            return Err(Attempt::Stop(expired));
        };
        let _turn = self.renewing.lock().await;
        if self.renewals.load(Ordering::SeqCst) != seen {
            return Ok(());
        }
        // Waiting for the turn has taken its time.
        let Some(left) = deadline.remaining(self.clock.elapsed()) else {
            return Err(again(expired, None));
        };
        let keys = self.keys();
        let answer = self
            .post(
                login::PATH,
                login::authorization(login),
                hmac::header_date(self.clock.now()),
                self.request_id(),
                wire::renewal_body(&login.email, keys.access_key.expose_secret()),
                left.min(self.policy.attempt_time),
            )
            .await
            .map_err(|error| again(CallError::Renewal(error.to_string()), None))?;
        let verdict = wire::verdict(&answer.body);
        let said = self.said(&answer, verdict.as_ref(), false);
        match decision::decide(said) {
            Decision::Accept => {}
            // The body of a login is never shown: a successful one holds keys.
            decision => {
                let words = verdict
                    .map_or_else(String::new, |verdict| Words(&verdict.failures).to_string());
                let error = CallError::Renewal(format!(
                    "the login was answered {} {words}. What to do: check mimecast_email and mimecast_password (the cloud password), or create new keys",
                    answer.status.as_u16()
                ));
                return Err(match decision {
                    Decision::Retry(after) => again(error, after),
                    _ => Attempt::Stop(error),
                });
            }
        }
        if let Some(new) = login::adopted(&answer.body, &keys) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
            warn!(
                "Mimecast answered new keys on renewal; they are used until this process ends. Put new keys into the settings."
            );
        }
        self.renewals.fetch_add(1, Ordering::SeqCst);
        info!("The expired Mimecast binding is renewed.");
        Ok(())
    }
}
