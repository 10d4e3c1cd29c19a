//! Who we are to Mimecast.

use secrecy::SecretString;

use crate::keys::HmacKey;

/// The keys of an API 1.0 application.
#[derive(Debug)]
pub struct Credentials {
    /// The Application ID, sent with every call.
    pub app_id: String,
    /// The Application Key, signed but never sent.
    pub app_key: SecretString,
    /// Names the binding.
    pub access_key: SecretString,
    /// Signs.
    pub secret_key: HmacKey,
    /// Renews an expired binding; without it expiry stops the feeds.
    pub login: Option<Login>,
}

/// The service user of the binding.
#[derive(Debug)]
pub struct Login {
    /// The user's address.
    pub email: String,
    /// The Mimecast cloud password.
    pub password: SecretString,
}

/// The keys in use.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) access_key: SecretString,
    pub(super) secret_key: HmacKey,
}
