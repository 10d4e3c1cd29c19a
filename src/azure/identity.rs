//! Tokens of Microsoft Entra: for client credentials, and for the managed identity of the app.
//!
//! Both are small enough to be asked for here; so one way serves every service, and it can be tried
//! against simulators, which have no https.

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    time::OffsetDateTime,
};
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::{
    ingest::{error::Explain, ports::Clock},
    net::{
        http::{HttpClient, Limits, Request, Response, TransportError},
        token::{Issued, Issuer, LONGEST_LIFETIME, LifetimeError, TokenError, lifetime},
    },
};

/// Tokens are a few kilobytes.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// One try of a token for blob storage.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// The version of the managed identity endpoint of App Service and Functions.
const IDENTITY_API_VERSION: &str = "2019-08-01";

/// Client credentials of an application.
pub struct ClientCredentials {
    /// Sends.
    pub http: HttpClient,
    /// Such as `https://login.microsoftonline.com`.
    pub authority: Url,
    /// The tenant's id or domain.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// Its secret.
    pub secret: SecretString,
    /// What the token is for, such as `https://monitor.azure.com`.
    pub audience: String,
    /// For `Retry-After`.
    pub clock: Arc<dyn Clock>,
}

/// The managed identity of the app: the system-assigned one, or one of the user-assigned.
pub struct ManagedIdentity {
    /// Sends; never through a proxy.
    pub http: HttpClient,
    /// `IDENTITY_ENDPOINT`: an address of this machine, or a link-local one.
    pub endpoint: Url,
    /// `IDENTITY_HEADER`, which proves that the caller is the app.
    pub header: SecretString,
    /// The client id of a user-assigned identity.
    pub client_id: Option<String>,
    /// What the token is for.
    pub audience: String,
    /// Turns the expiry time in an answer into a lifetime.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("authority", &self.authority.as_str())
            .field("client_id", &self.client_id)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedIdentity")
            .field("client_id", &self.client_id)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    /// Seconds; a number or a text.
    expires_in: Option<Box<RawValue>>,
    /// Seconds since 1970; a text as documented.
    expires_on: Option<Box<RawValue>>,
}

/// What Entra answers to an error.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    error: String,
    error_description: String,
}

#[async_trait]
impl Issuer for ClientCredentials {
    /// Source: Microsoft identity platform, "client credentials flow".
    async fn issue(&self, time: Duration) -> Result<Issued, TokenError> {
        let mut url = self.authority.clone();
        url.set_path(&format!("/{}/oauth2/v2.0/token", self.tenant));
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.secret.expose_secret())
            .append_pair("scope", &format!("{}/.default", self.audience))
            .append_pair("grant_type", "client_credentials")
            .finish();
        let form_type = "application/x-www-form-urlencoded".to_owned();
        let request = Request {
            method: Method::POST,
            url,
            headers: vec![(header::CONTENT_TYPE, form_type)],
            body: form.into(),
        };
        let response = send(&self.http, request, time, Issuing::Entra).await?;
        read(&response, &*self.clock, |status, body| {
            let advice = advice(&body.error_description);
            let detail = response.tell(&format!("{} ({})", body.error, body.error_description));
            (IdentityError::Entra { status, detail }, advice)
        })
    }
}

/// What helps against the errors that an operator can mend.
fn advice(description: &str) -> &'static str {
    let says = |code: &str| description.contains(code);
    if says("AADSTS7000215") {
        "active_directory_app_secret is not a secret of this application; take its value, not its id"
    } else if says("AADSTS7000222") {
        "active_directory_app_secret has expired: make a new one"
    } else if says("AADSTS700016") {
        "active_directory_app_id is not known in active_directory_tenant_id"
    } else if says("AADSTS90002") {
        "check active_directory_tenant_id, and active_directory_authority for other clouds"
    } else {
        "check active_directory_tenant_id, active_directory_app_id and active_directory_app_secret"
    }
}

#[async_trait]
impl Issuer for ManagedIdentity {
    /// Source: App Service, "REST endpoint reference" of managed identities.
    async fn issue(&self, time: Duration) -> Result<Issued, TokenError> {
        let mut url = self.endpoint.clone();
        let _pairs = url
            .query_pairs_mut()
            .append_pair("resource", &self.audience)
            .append_pair("api-version", IDENTITY_API_VERSION)
            .extend_pairs(self.client_id.as_ref().map(|id| ("client_id", id)));
        let request = Request {
            method: Method::GET,
            url,
            headers: vec![(
                HeaderName::from_static("x-identity-header"),
                self.header.expose_secret().to_owned(),
            )],
            body: bytes::Bytes::new(),
        };
        // A proxy would see the header that proves who we are, and could give any token.
        let http = self.http.without_proxy();
        let response = send(&http, request, time, Issuing::ManagedIdentity).await?;
        read(&response, &*self.clock, |status, _| {
            let detail = response.excerpt();
            let advice = "check that the app has the identity that the settings name";
            (IdentityError::ManagedIdentity { status, detail }, advice)
        })
    }
}

/// Who gives tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Issuing {
    Entra,
    ManagedIdentity,
}

impl fmt::Display for Issuing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entra => "Microsoft Entra",
            Self::ManagedIdentity => "The managed identity endpoint",
        })
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum IdentityError {
    #[error("{issuing} cannot be reached for a token")]
    Unreachable {
        issuing: Issuing,
        #[source]
        source: TransportError,
    },
    #[error("Microsoft Entra answered {status} to the request for a token: {detail}")]
    Entra { status: u16, detail: String },
    #[error("The managed identity endpoint answered {status}: `{detail}`")]
    ManagedIdentity { status: u16, detail: String },
    /// What came instead is not shown: it may hold a token.
    #[error("the answer to the token request contains no token")]
    NoToken,
    #[error("the token cannot be used")]
    Unusable(#[source] LifetimeError),
}

async fn send(
    http: &HttpClient,
    request: Request,
    time: Duration,
    issuing: Issuing,
) -> Result<Response, TokenError> {
    let limits = Limits {
        time,
        body_bytes: MAX_RESPONSE_BYTES,
    };
    http.send(request, limits).await.map_err(|error| {
        let wrap = |source| IdentityError::Unreachable { issuing, source };
        TokenError::unanswered(error, Some("check outbound network access"), wrap)
    })
}

/// The token of a response, or what `refused` makes of it.
fn read(
    response: &Response,
    clock: &dyn Clock,
    refused: impl FnOnce(u16, ErrorBody) -> (IdentityError, &'static str),
) -> Result<Issued, TokenError> {
    let status = response.status.as_u16();
    if status == 200 {
        return issued(&response.body, clock).map_err(|error| {
            let advice = matches!(error, IdentityError::Unusable(_)).then_some(LIFETIME_ADVICE);
            TokenError::refused(error, advice)
        });
    }
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    let (error, advice) = refused(status, body);
    Err(match status {
        408 | 429 | 500..=599 => {
            let after = response.retry_after(clock.now());
            TokenError::unavailable(error, Some(advice), after)
        }
        _ => TokenError::refused(error, Some(advice)),
    })
}

const LIFETIME_ADVICE: &str =
    "check this machine's clock, and that nothing else answers in place of the token service";

fn issued(body: &[u8], clock: &dyn Clock) -> Result<Issued, IdentityError> {
    let answered: TokenResponse =
        serde_json::from_slice(body).map_err(|_| IdentityError::NoToken)?;
    if answered.access_token.is_empty() {
        return Err(IdentityError::NoToken);
    }
    let (life, end) = (&answered.expires_in, &answered.expires_on);
    let lives = lifetime(life.as_deref(), end.as_deref(), clock.now());
    Ok(Issued {
        lives: lives.map_err(IdentityError::Unusable)?,
        secret: answered.access_token.into(),
    })
}

/// An issuer for the official clients, which keep tokens and renew them by themselves, but ask only
/// once for each.
pub struct Credential {
    /// Where tokens come from.
    pub issuer: Box<dyn Issuer>,
    /// For the waits in between.
    pub clock: Arc<dyn Clock>,
}

/// The identity endpoint has been seen to fail shortly after the start of an app.
const MAX_ATTEMPTS: u32 = 3;

const RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

impl Credential {
    async fn issue(&self) -> Result<Issued, TokenError> {
        let mut tries = 1;
        loop {
            match self.issuer.issue(ATTEMPT_TIMEOUT).await {
                Err(error) if error.is_retryable() && tries < MAX_ATTEMPTS => tries += 1,
                result => return result,
            }
            self.clock.sleep(RETRY_INTERVAL).await;
        }
    }
}

#[async_trait]
impl TokenCredential for Credential {
    /// A token for what the issuer is for, whatever `_scopes` says: they are the same.
    async fn get_token(
        &self,
        _scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let issued = self.issue().await.map_err(|error| {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                error.explain(),
            )
        })?;
        Ok(AccessToken::new(
            issued.secret.expose_secret().to_owned(),
            OffsetDateTime::now_utc() + issued.lives.min(LONGEST_LIFETIME),
        ))
    }
}
