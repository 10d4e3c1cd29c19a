//! Where Mimecast is, and who we are to it.

use secrecy::SecretString;
use url::Url;

use super::reader::{GUID_EXAMPLE, SettingsReader, shown};
use crate::mimecast::{ApplicationKeys, Client, Credentials, Login};

const BASE: &str = "mimecast_base_url";
const V1_EXAMPLE: &str = "https://eu-api.mimecast.com";
const V2_EXAMPLE: &str = "https://api.services.mimecast.com";

/// The settings of API 1.0, without those that only renew a binding.
const KEYS: [&str; 4] = [
    "mimecast_app_id",
    "mimecast_app_key",
    "mimecast_access_key",
    "mimecast_secret_key",
];

/// API 2.0 where its settings are given, else API 1.0.
pub(super) fn read(reader: &mut SettingsReader<'_>) -> Option<(Url, Credentials)> {
    let is_v2 = reader.is_set("mimecast_client_id") || reader.is_set("mimecast_client_secret");
    let example = if is_v2 { V2_EXAMPLE } else { V1_EXAMPLE };
    let base = reader
        .required(BASE, example)
        .and_then(|value| reader.address(BASE, &value, example));
    if let Some(base) = &base {
        check_host(reader, base, is_v2);
    }
    let credentials = if is_v2 {
        client(reader).map(Credentials::Client)
    } else if KEYS.iter().any(|name| reader.is_set(name)) {
        keys(reader).map(Credentials::Keys)
    } else {
        reader.fault(
            "mimecast_client_id",
            "is missing, and so are the keys of API 1.0",
            "the Client ID of an API 2.0 application, with its mimecast_client_secret; or mimecast_app_id, mimecast_app_key, mimecast_access_key and mimecast_secret_key of an API 1.0 application",
        );
        None
    };
    base.zip(credentials)
}

/// Neither API knows the other's credentials, and each has hosts of its own.
fn check_host(reader: &mut SettingsReader<'_>, base: &Url, is_v2: bool) {
    let host = base.host_str().unwrap_or_default();
    if !host.ends_with(".mimecast.com") {
        return;
    }
    let found = shown(host);
    match (host.ends_with(".services.mimecast.com"), is_v2) {
        (true, false) => reader.fault(
            BASE,
            format!("{found} is a host of API 2.0, but the keys are those of API 1.0"),
            "https://eu-api.mimecast.com, or set mimecast_client_id and mimecast_client_secret",
        ),
        (false, true) => reader.fault(
            BASE,
            format!("{found} is a host of API 1.0, but mimecast_client_id is of API 2.0"),
            V2_EXAMPLE,
        ),
        _ => {}
    }
}

fn client(reader: &mut SettingsReader<'_>) -> Option<Client> {
    let id = reader.header_text(
        "mimecast_client_id",
        "the Client ID of the API 2.0 application",
    );
    let secret = reader.header_text(
        "mimecast_client_secret",
        "the Client Secret of the API 2.0 application",
    );
    Some(Client {
        id: id?,
        secret: secret?.into(),
    })
}

fn keys(reader: &mut SettingsReader<'_>) -> Option<ApplicationKeys> {
    let app_id = reader.header_text("mimecast_app_id", GUID_EXAMPLE);
    let app_key = reader
        .header_text("mimecast_app_key", GUID_EXAMPLE)
        .map(SecretString::from);
    let access_key = reader
        .header_text("mimecast_access_key", "about 150 letters, digits, - and _")
        .map(SecretString::from);
    let secret_key = reader.key("mimecast_secret_key");
    let login = login(reader);
    Some(ApplicationKeys {
        app_id: app_id?,
        app_key: app_key?,
        access_key: access_key?,
        secret_key: secret_key?,
        login,
    })
}

fn login(reader: &mut SettingsReader<'_>) -> Option<Login> {
    let email = reader.optional("mimecast_email");
    let password = reader.optional("mimecast_password").map(SecretString::from);
    match (
        reader.is_set("mimecast_email"),
        reader.is_set("mimecast_password"),
    ) {
        (true, false) => reader.fault(
            "mimecast_password",
            "is missing beside mimecast_email",
            "the cloud password of that user, or neither of the two",
        ),
        (false, true) => reader.fault(
            "mimecast_email",
            "is missing beside mimecast_password",
            "svc-ttp@example.com, or neither of the two",
        ),
        _ => {}
    }
    email
        .zip(password)
        .map(|(email, password)| Login { email, password })
}
