//! The signature of API 1.0, computed independently here so that a mistake of the connector shows.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// HMAC-SHA1 of `message` under `key`.
pub(super) fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any key length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// What Mimecast documents as the signature: date, request id, path and application key joined by
/// colons, signed with the decoded secret key. The body is not included.
pub(super) fn sign(secret: &[u8], date: &str, id: &str, path: &str, app_key: &str) -> String {
    let message = format!("{date}:{id}:{path}:{app_key}");
    STANDARD.encode(hmac_sha1(secret, message.as_bytes()))
}

/// Access key and signature of an `Authorization: MC {access key}:{signature}` header.
pub(super) fn parse_authorization(header: &str) -> Option<(&str, &str)> {
    let (key, signature) = header.strip_prefix("MC ")?.split_once(':')?;
    let whole = !key.is_empty() && !key.contains(' ') && !signature.is_empty();
    whole.then_some((key, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET_A: &str =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    const SECRET_B: &str =
        "//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaKfnJmWk5CNioeEgX57eHVyb2xpZmNgXVpXVFFOS0hFQg==";
    const APP_KEY: &str = "b7a1f0e2-5c3d-4e6f-9a8b-0c1d2e3f4a5b";

    #[test]
    fn the_known_vectors_are_signed_as_known() {
        for (secret, date, id, path, signature) in [
            (
                SECRET_A,
                "Tue, 24 Nov 2015 12:50:11 UTC",
                "8578FCFC-A305-4D9A-99CB-F4D5ECEFE297",
                "/api/ttp/url/get-logs",
                "5ZBi91BfZdoM+dZtcznBU1cy9mA=",
            ),
            (
                SECRET_A,
                "Mon, 05 Jan 2026 00:00:09 UTC",
                "3f0d6a1e-7c42-4b59-9d18-2e6f0a4c8b71",
                "/api/ttp/attachment/get-logs",
                "tCPt8BqTRTtpZi5AbZPsjlyf5a4=",
            ),
            (
                SECRET_B,
                "Thu, 29 Feb 2024 23:59:59 UTC",
                "c91b7e50-12a4-4f3d-8e66-70d5b2f9a3ce",
                "/api/ttp/impersonation/get-logs",
                "4mebhSlelOBaY5AE2Rh++9sx37o=",
            ),
            (
                SECRET_B,
                "Sun, 01 Mar 2026 08:30:00 UTC",
                "00000000-0000-4000-8000-000000000001",
                "/api/login/logout",
                "Cp7KYMhty/Y0wkPZuw6afoq9EoM=",
            ),
        ] {
            let secret = STANDARD.decode(secret).unwrap();
            assert_eq!(sign(&secret, date, id, path, APP_KEY), signature, "{path}");
        }
    }

    #[test]
    fn an_authorization_is_key_and_signature_or_nothing() {
        assert_eq!(parse_authorization("MC k-_:s+/="), Some(("k-_", "s+/=")));
        for wrong in [
            "",
            "MC",
            "MC key",
            "MC :sig",
            "MC key:",
            "mc key:sig",
            "MC  key:sig",
            "Basic-Cloud a:b",
        ] {
            assert_eq!(parse_authorization(wrong), None, "{wrong}");
        }
    }
}
