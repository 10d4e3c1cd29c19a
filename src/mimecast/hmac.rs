//! The signature of API 1.0 ("Authorization" page of Mimecast's API documentation):
//! `base64(HMAC-SHA1(base64_decode(secret key), "{date}:{request id}:{path}:{application key}"))`.
//!
//! The body is not signed. The application key is signed and never sent; the application id is sent
//! and never signed.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::net::keys::HmacKey;

/// The signature of one request. `date` and `request_id` are the very strings of the headers.
#[must_use]
pub fn sign(
    secret_key: &HmacKey,
    date: &str,
    request_id: &str,
    path: &str,
    app_key: &SecretString,
) -> String {
    let app_key = app_key.expose_secret();
    secret_key.sign_sha1(&format!("{date}:{request_id}:{path}:{app_key}"))
}

/// The date as `x-mc-date` wants it: `Tue, 24 Nov 2015 12:50:11 UTC`, English whatever the locale.
#[must_use]
pub fn header_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::{HmacKey, header_date};

    const APP_KEY: &str = "b7a1f0e2-5c3d-4e6f-9a8b-0c1d2e3f4a5b";
    const SECRET_A: &str =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    const SECRET_B: &str =
        "//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaKfnJmWk5CNioeEgX57eHVyb2xpZmNgXVpXVFFOS0hFQg==";

    fn sign(secret: &str, date: &str, id: &str, path: &str) -> String {
        let key = HmacKey::decode(&secret.into()).unwrap();
        super::sign(&key, date, id, path, &APP_KEY.into())
    }

    #[test]
    fn the_signature_is_the_documented_one() {
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
            assert_eq!(sign(secret, date, id, path), signature);
        }
    }

    #[test]
    fn the_known_mistakes_give_the_known_wrong_signatures() {
        let (date, id, path) = (
            "Tue, 24 Nov 2015 12:50:11 UTC",
            "8578FCFC-A305-4D9A-99CB-F4D5ECEFE297",
            "/api/ttp/url/get-logs",
        );
        let right = sign(SECRET_A, date, id, path);
        let undecoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, SECRET_A);
        for (mistake, wrong) in [
            (
                sign(&undecoded, date, id, path),
                "oAEf0QIXqznZoRgGMAaPwZUuvhk=",
            ),
            (
                sign(SECRET_A, "Tue, 24 Nov 2015 12:50:11 GMT", id, path),
                "EgPW6Ufgi5rhvUps4f4mEis4OLo=",
            ),
            (
                sign(SECRET_A, date, &id.to_lowercase(), path),
                "KgAEjRQR4xPgRaKUxKKhC5BD1jM=",
            ),
            (
                sign(
                    SECRET_A,
                    date,
                    id,
                    &format!("https://eu-api.mimecast.com{path}"),
                ),
                "FKUdyMWcRvsk95S3COd6AsmpNFM=",
            ),
            (
                HmacKey::decode(&SECRET_A.into())
                    .unwrap()
                    .sign_sha256(&format!("{date}:{id}:{path}:{APP_KEY}")),
                "6rn+G3bxEib+sNEc4QOtKKKV9CxAbUs6pQE3KuwqhUk=",
            ),
        ] {
            assert_eq!(mistake, wrong);
            assert_ne!(mistake, right);
        }
    }

    #[test]
    fn the_date_is_english_with_two_digits_and_utc() {
        let time = crate::model::event_time::parse("2026-01-05T00:00:09.9Z").unwrap();
        assert_eq!(header_date(time), "Mon, 05 Jan 2026 00:00:09 UTC");
    }
}
