//! Storage connection strings, as `AzureWebJobsStorage` holds them.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::storage_account::is_account_name;
use crate::net::{address::is_safe, keys::HmacKey};

/// The account that every emulator has, and its key: public constants, not a secret.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// How to sign requests.
#[derive(Debug)]
pub enum Signing {
    /// With an account key.
    Key {
        /// The account.
        account: String,
        /// Its key.
        key: HmacKey,
    },
    /// Not at all: the address carries a shared access signature.
    InAddress,
}

/// Where the blob service is and how to sign requests to it.
pub struct BlobAccess {
    /// The service's address; with a shared access signature in its query, if there is one.
    pub endpoint: Url,
    /// How to sign.
    pub signing: Signing,
}

/// An address may hold a signature: neither it nor a key is ever shown.
impl fmt::Debug for BlobAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut endpoint = self.endpoint.clone();
        endpoint.set_query(None);
        f.debug_struct("BlobAccess")
            .field("endpoint", &endpoint.as_str())
            .finish_non_exhaustive()
    }
}

/// What is wrong with a connection string. Never quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    /// A part without an equals sign.
    #[error("part {number} is not NAME=VALUE")]
    NotAPair {
        /// Which part, from 1.
        number: usize,
    },
    /// Something needed is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Something is there but not usable.
    #[error("`{name}` {fault}")]
    Invalid {
        /// The part.
        name: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}

/// Reads a connection string with an account key or a shared access signature, or
/// `UseDevelopmentStorage=true`. Names are taken in any case, unknown ones are passed over, as
/// Microsoft's own parsers do.
///
/// The address is https. Plain http is only for this machine and for the emulator, whose key is public.
pub fn parse(text: &str) -> Result<BlobAccess, ConnectionStringError> {
    let pairs = pairs(text)?;
    let find = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
            .filter(|value| !value.is_empty())
    };
    if find("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return emulator(find("DevelopmentStorageProxyUri").unwrap_or("http://127.0.0.1"));
    }
    let account = find("AccountName");
    if account.is_some_and(|account| !is_account_name(account)) {
        return Err(invalid(
            "AccountName",
            "is not 3 to 24 lower-case letters and digits",
        ));
    }
    let signature = find("SharedAccessSignature");
    let mut endpoint = match (find("BlobEndpoint"), account) {
        (Some(endpoint), account) => {
            let is_emulators = account == Some(EMULATOR_ACCOUNT) && signature.is_none();
            let endpoint = address("BlobEndpoint", endpoint)?;
            if !is_safe(&endpoint) && !is_emulators {
                return Err(invalid(
                    "BlobEndpoint",
                    "is not https; plain http is only for this machine and the emulator",
                ));
            }
            endpoint
        }
        (None, Some(account)) => account_endpoint(
            account,
            find("DefaultEndpointsProtocol").unwrap_or("https"),
            find("EndpointSuffix").unwrap_or("core.windows.net"),
        )?,
        (None, None) => return Err(ConnectionStringError::Missing("AccountName")),
    };
    if let Some(signature) = signature {
        endpoint.set_query(Some(signature.trim_start_matches('?')));
        return Ok(BlobAccess {
            endpoint,
            signing: Signing::InAddress,
        });
    }
    let account = account.ok_or(ConnectionStringError::Missing("AccountName"))?;
    let key = find("AccountKey").ok_or(ConnectionStringError::Missing("AccountKey"))?;
    key_access(endpoint, account, key)
}

/// The address of an account in one of Azure's clouds.
fn account_endpoint(
    account: &str,
    protocol: &str,
    suffix: &str,
) -> Result<Url, ConnectionStringError> {
    if !protocol.eq_ignore_ascii_case("https") {
        return Err(invalid(
            "DefaultEndpointsProtocol",
            "is not https; plain http is only for this machine and the emulator",
        ));
    }
    // A suffix with a path, a port or a user name would lead to another host than it seems to.
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    suffix
        .split('.')
        .all(is_label)
        .then(|| Url::parse(&format!("https://{account}.blob.{suffix}")).ok())
        .flatten()
        .ok_or_else(|| invalid("EndpointSuffix", "is no host name"))
}

fn key_access(
    endpoint: Url,
    account: &str,
    key: &str,
) -> Result<BlobAccess, ConnectionStringError> {
    let key = HmacKey::decode(&SecretString::from(key))
        .map_err(|_| invalid("AccountKey", "is not base64"))?;
    Ok(BlobAccess {
        endpoint,
        signing: Signing::Key {
            account: account.to_owned(),
            key,
        },
    })
}

fn emulator(proxy: &str) -> Result<BlobAccess, ConnectionStringError> {
    let mut endpoint = address("DevelopmentStorageProxyUri", proxy)?;
    if endpoint
        .set_port(Some(endpoint.port().unwrap_or(10000)))
        .is_err()
    {
        return Err(invalid(
            "DevelopmentStorageProxyUri",
            "is not an address with a port",
        ));
    }
    endpoint.set_path(EMULATOR_ACCOUNT);
    key_access(endpoint, EMULATOR_ACCOUNT, EMULATOR_KEY)
}

fn pairs(text: &str) -> Result<Vec<(&str, &str)>, ConnectionStringError> {
    text.split(';')
        .map(str::trim)
        .enumerate()
        .filter(|(_, part)| !part.is_empty())
        .map(|(index, part)| {
            // Only at the first sign: keys end in more of them.
            let (key, value) = part
                .split_once('=')
                .ok_or(ConnectionStringError::NotAPair { number: index + 1 })?;
            Ok((key.trim(), value.trim()))
        })
        .collect()
}

const fn invalid(name: &'static str, fault: &'static str) -> ConnectionStringError {
    ConnectionStringError::Invalid { name, fault }
}

fn address(name: &'static str, text: &str) -> Result<Url, ConnectionStringError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| invalid(name, "gives no http or https address"))?;
    // Such parts would be secrets in a place that is shown.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(name, "holds a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid(
            name,
            "holds more than scheme, host and path; a signature belongs in SharedAccessSignature",
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
