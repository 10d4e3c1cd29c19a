//! The managed identity of the function app.

use std::sync::Arc;

use azure_core::{
    credentials::TokenCredential,
    http::{ClientOptions, Transport},
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};

use crate::http::HttpClient;

/// The identity that the platform gives this app: the system-assigned one, or the user-assigned one
/// with the given client id. Tokens are kept and renewed early by the credential itself.
pub fn managed(
    http: &HttpClient,
    client_id: Option<&str>,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(|id| UserAssignedId::ClientId(id.to_owned())),
        client_options: ClientOptions {
            transport: Some(Transport::new(Arc::new(http.inner().clone()))),
            ..ClientOptions::default()
        },
    };
    Ok(ManagedIdentityCredential::new(Some(options))?)
}
