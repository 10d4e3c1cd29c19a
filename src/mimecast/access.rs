//! What authorises a call: the signature of a binding, or a token.

use std::{sync::Arc, time::Duration};

use reqwest::header::{self, HeaderName};

use super::{
    binding::{Binding, BindingVersion},
    caller::Caller,
    credentials::Credentials,
    oauth::MimecastTokens,
};
use crate::{
    ingest::ports::Store,
    model::deadline::Deadline,
    net::{
        retry::AttemptError,
        token::{Token, TokenError, Tokens},
    },
};

/// The way that the credentials go.
#[derive(Debug)]
pub(super) enum Access {
    /// API 1.0.
    Signed(Binding),
    /// API 2.0.
    Bearer(Tokens),
}

/// What authorised one call.
#[derive(Debug)]
pub(super) enum Authorization<'a> {
    Signed(&'a Binding, BindingVersion),
    Bearer(&'a Tokens, Token),
}

impl Access {
    pub(super) fn new(credentials: Credentials, caller: &Arc<Caller>) -> Self {
        let caller = Arc::clone(caller);
        match credentials {
            Credentials::Keys(keys) => Self::Signed(Binding::new(caller, keys)),
            Credentials::Client(client) => {
                let clock = Arc::clone(&caller.clock);
                Self::Bearer(Tokens::new(
                    Box::new(MimecastTokens { caller, client }),
                    clock,
                ))
            }
        }
    }

    /// Lets a refused login be known to later runs.
    pub(super) fn remember_in(&mut self, store: Arc<dyn Store>) {
        if let Self::Signed(binding) = self {
            binding.remember_in(store);
        }
    }

    pub(super) const fn is_bearer(&self) -> bool {
        matches!(self, Self::Bearer(_))
    }

    /// The headers of a call of `path`.
    pub(super) async fn headers(
        &self,
        path: &str,
        deadline: Deadline,
    ) -> Result<(Vec<(HeaderName, String)>, Authorization<'_>), TokenError> {
        match self {
            Self::Signed(binding) => {
                let (headers, seen) = binding.sign(path);
                Ok((headers, Authorization::Signed(binding, seen)))
            }
            Self::Bearer(tokens) => {
                let token = tokens.get(deadline).await?;
                let headers = vec![(header::AUTHORIZATION, token.bearer())];
                Ok((headers, Authorization::Bearer(tokens, token)))
            }
        }
    }
}

impl Authorization<'_> {
    /// Puts something new in its place for the next call, unless that has been done. `expired` is the error
    /// of the call.
    pub(super) async fn renew(
        self,
        expired: impl AttemptError,
        longest: Duration,
        deadline: Deadline,
    ) -> Result<(), TokenError> {
        match self {
            Self::Signed(binding, seen) => binding.renew(seen, expired, longest, deadline).await,
            Self::Bearer(tokens, token) => {
                tokens.refused(&token).await;
                Ok(())
            }
        }
    }
}
