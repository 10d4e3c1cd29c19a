//! Who we are to Mimecast.

use secrecy::SecretString;

use crate::net::keys::HmacKey;

/// What calls are authorised with.
#[derive(Debug)]
pub enum Credentials {
    /// API 1.0: every call is signed.
    Keys(ApplicationKeys),
    /// API 2.0: every call carries a token.
    Client(Client),
}

/// The keys of an API 1.0 application.
#[derive(Debug)]
pub struct ApplicationKeys {
    /// The Application ID, sent with every call.
    pub app_id: String,
    /// The Application Key, signed but never sent.
    pub app_key: SecretString,
    /// The access key, which names the binding of a user to the application.
    pub access_key: SecretString,
    /// The secret key of that binding, by which requests are signed.
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

/// The client credentials of an API 2.0 application.
#[derive(Debug)]
pub struct Client {
    /// The Client ID.
    pub id: String,
    /// The Client Secret.
    pub secret: SecretString,
}
