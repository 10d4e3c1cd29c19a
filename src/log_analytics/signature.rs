//! The signature of the HTTP Data Collector API, as Microsoft documents it: HMAC-SHA256 over method,
//! body length in **bytes**, content type, date and path, one to a line.

/// Part of the string to sign; a charset after it would make the signature wrong.
pub(super) const CONTENT_TYPE: &str = "application/json";

/// The string that a post signs.
#[must_use]
pub(super) fn string_to_sign(body_bytes: usize, date: &str) -> String {
    format!("POST\n{body_bytes}\n{CONTENT_TYPE}\nx-ms-date:{date}\n/api/logs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::keys::HmacKey;

    const K1: &str =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    const K2: &str =
        "0VlsNCWrUY3WST4kY6nbQgHq28s2uo4XDN7T9RgaCZvQ/iHI+5lIGev5dzoGD7NYjXub8arEf9yFPcdX+6oTmg==";

    fn sign(key: &str, date: &str, body: &str) -> String {
        HmacKey::decode(&key.into())
            .unwrap()
            .sign_sha256(&string_to_sign(body.len(), date))
    }

    #[test]
    fn the_signature_is_the_documented_one_and_counts_bytes() {
        let long = format!("[\"{}\"]", "a".repeat(3_145_724));
        for (key, date, body, signature) in [
            (
                K1,
                "Mon, 05 Jan 2026 09:07:03 GMT",
                "[]",
                "pyjTV+wuZyYTax9CHqDbnQhUXowF+MMvP1AJTlRMDIU=",
            ),
            (
                K1,
                "Tue, 03 Feb 2026 23:59:59 GMT",
                r#"[{"id":"evt-1","action":"block","hits":2}]"#,
                "IOkk7gtjwpkulLcFoUrXbI2Hgyx+/XmXa8cKOwnZgd4=",
            ),
            (
                K1,
                "Sun, 01 Mar 2026 00:00:00 GMT",
                r#"[{"subject":"Überweisung für Zoë – 請求書 ✉"}]"#,
                "LaDNG3xeGQbJHE6lzMKMmVm2qfpw0A/I3QbZq/vWj4E=",
            ),
            (
                K1,
                "Fri, 31 Jul 2026 12:30:45 GMT",
                r#"[{"subject":"📎 déjà vu"},{"subject":"日本"}]"#,
                "t0myTgYstt/pYGu7aGfbbZXE+1eNVXzEYkMvS6EBP1A=",
            ),
            (
                K2,
                "Tue, 03 Feb 2026 23:59:59 GMT",
                r#"[{"id":"evt-1","action":"block","hits":2}]"#,
                "ZlPpNOiGI9UNtvHGb16iPlHLyn5Z4DnJw40HwNndIBY=",
            ),
            (
                K1,
                "Mon, 05 Jan 2026 09:07:03 GMT",
                long.as_str(),
                "IymjbdnPBLCAjzGoUBm+EyfvFXpWthJ/YovUrZm9UgA=",
            ),
        ] {
            assert_eq!(sign(key, date, body), signature);
        }
    }

    #[test]
    fn the_known_mistakes_give_the_known_wrong_signatures() {
        let key = HmacKey::decode(&K1.into()).unwrap();
        let (march, july) = (
            "Sun, 01 Mar 2026 00:00:00 GMT",
            "Fri, 31 Jul 2026 12:30:45 GMT",
        );
        assert_eq!(
            key.sign_sha256(&string_to_sign(43, march)),
            "NSrFdL0Tu9JmO1DoHF7xdvkVEYbrLfjSmBpsirIaGj0="
        );
        assert_eq!(
            key.sign_sha256(&string_to_sign(42, july)),
            "u3czxZEUo507YpRNLMfxEvlx2uU6BLvvG3yfI6oak+s="
        );
        let charset = string_to_sign(42, "Tue, 03 Feb 2026 23:59:59 GMT")
            .replace("json", "json; charset=utf-8");
        assert_eq!(
            key.sign_sha256(&charset),
            "oIMMAQ0mTrnAazfCud52ekJR1wgg9PMjDsqp9j5z/IQ="
        );
        let undecoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, K1);
        let undecoded = HmacKey::decode(&undecoded.into()).unwrap();
        assert_eq!(
            undecoded.sign_sha256(&string_to_sign(42, "Tue, 03 Feb 2026 23:59:59 GMT")),
            "cP5vawkx1Xy4THC/RFpVsWY1kbArOD5sXhGgQ0L0mpk="
        );
    }
}
