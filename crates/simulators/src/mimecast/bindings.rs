//! Bindings: pairs of access key and secret key, and how long they live.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha512};

/// All bindings of the service user.
pub(super) struct Bindings {
    ttl: Option<Duration>,
    state: Mutex<State>,
}

struct State {
    pairs: HashMap<String, Binding>,
    minted: u64,
}

struct Binding {
    secret: Vec<u8>,
    life: Life,
}

#[derive(Clone, Copy)]
enum Life {
    Endless,
    Until(DateTime<Utc>),
    Over,
}

/// A pair as a login hands it out.
pub(super) struct Pair {
    pub(super) access_key: String,
    pub(super) secret_key: String,
}

// By hand: keys stay out of sight.
impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings")
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl Bindings {
    /// The binding that exists from the start, made at `now`. `secret` is the decoded secret key.
    pub(super) fn new(
        access_key: &str,
        secret: Vec<u8>,
        ttl: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Self {
        let life = life(ttl, now);
        let pairs = HashMap::from([(access_key.to_owned(), Binding { secret, life })]);
        Self {
            ttl,
            state: Mutex::new(State { pairs, minted: 0 }),
        }
    }

    /// The decoded secret of a known access key, expired or not.
    pub(super) fn secret(&self, access_key: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state
            .pairs
            .get(access_key)
            .map(|binding| binding.secret.clone())
    }

    /// Whether the access key is known, expired or not.
    pub(super) fn knows(&self, access_key: &str) -> bool {
        self.lock().pairs.contains_key(access_key)
    }

    /// Whether the access key may be used at `now`.
    pub(super) fn alive(&self, access_key: &str, now: DateTime<Utc>) -> bool {
        match self
            .lock()
            .pairs
            .get(access_key)
            .map(|binding| binding.life)
        {
            Some(Life::Endless) => true,
            Some(Life::Until(end)) => now < end,
            Some(Life::Over) | None => false,
        }
    }

    /// Ends the life of every binding; they stay known.
    pub(super) fn expire_all(&self) {
        for binding in self.lock().pairs.values_mut() {
            binding.life = Life::Over;
        }
    }

    /// Gives a known binding a new life from `now` on and returns the very same pair.
    pub(super) fn revive(&self, access_key: &str, now: DateTime<Utc>) -> Option<Pair> {
        let mut state = self.lock();
        let binding = state.pairs.get_mut(access_key)?;
        binding.life = life(self.ttl, now);
        Some(Pair {
            access_key: access_key.to_owned(),
            secret_key: STANDARD.encode(&binding.secret),
        })
    }

    /// Ends a known binding for good and makes another in its place.
    pub(super) fn replace(&self, access_key: &str, now: DateTime<Utc>) -> Option<Pair> {
        self.lock().pairs.get_mut(access_key)?.life = Life::Over;
        Some(self.mint(now))
    }

    /// Makes a new binding. Keys have the lengths seen live: some 150 and 88 characters.
    pub(super) fn mint(&self, now: DateTime<Utc>) -> Pair {
        let mut state = self.lock();
        state.minted += 1;
        let number = state.minted;
        let digest = |word: &str| Sha512::digest(format!("invented {word} {number}")).to_vec();
        let access_key = URL_SAFE_NO_PAD
            .encode([digest("access key"), digest("access key, continued")].concat());
        let secret = digest("secret key");
        let secret_key = STANDARD.encode(&secret);
        let life = life(self.ttl, now);
        let _ = state
            .pairs
            .insert(access_key.clone(), Binding { secret, life });
        Pair {
            access_key,
            secret_key,
        }
    }

    /// Forgets a binding; returns whether it existed.
    pub(super) fn forget(&self, access_key: &str) -> bool {
        self.lock().pairs.remove(access_key).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn life(ttl: Option<Duration>, now: DateTime<Utc>) -> Life {
    ttl.map_or(Life::Endless, |ttl| Life::Until(now + ttl))
}
