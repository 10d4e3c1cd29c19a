//! Tokens that say strange things of their lives, and identities that come late.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

struct Noon;

#[async_trait]
impl Clock for Noon {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp(1_000_000, 0).unwrap()
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    async fn sleep(&self, _: Duration) {}
}

#[test]
fn a_life_is_told_in_seconds_or_by_its_end_as_a_number_or_a_text() {
    let lives = |rest: &str| {
        let body = format!(r#"{{"access_token":"t"{rest}}}"#);
        issued(body.as_bytes(), &Noon)
            .map(|issued| issued.lives.as_secs())
            .map_err(|error| error.to_string())
    };
    let unusable = || Err("the token cannot be used".to_owned());
    for (rest, expected) in [
        (r#","expires_in":3599"#, Ok(3599)),
        (r#","expires_in":3599.0"#, Ok(3599)),
        (r#","expires_in":"3599""#, Ok(3599)),
        (r#","expires_in":1e400"#, Ok(86_400)),
        (r#","expires_in":18446744073709551615"#, Ok(86_400)),
        (r#","expires_on":"1000060""#, Ok(60)),
        (r#","expires_on":1000060"#, Ok(60)),
        (r#","expires_on":"9223372036854775807""#, Ok(86_400)),
        (r#","expires_on":"-9223372036854775808""#, unusable()),
        (r#","expires_on":"999999""#, unusable()),
        (r#","expires_on":"soon""#, unusable()),
        (r#","expires_in":0"#, unusable()),
        (r#","expires_in":null,"expires_on":null"#, Ok(300)),
        ("", Ok(300)),
    ] {
        assert_eq!(lives(rest), expected, "{rest}");
    }
}

/// Gives tokens that claim to live for ever.
struct Endless;

#[async_trait]
impl Issuer for Endless {
    async fn issue(&self, _: Duration) -> Result<Issued, TokenError> {
        Ok(Issued {
            secret: "t".into(),
            lives: Duration::MAX,
        })
    }
}

#[tokio::test]
async fn no_life_of_a_token_overflows_the_time_of_its_end() {
    let credential = Credential {
        issuer: Box::new(Endless),
        clock: Arc::new(Noon),
    };
    let token = credential.get_token(&[], None).await.unwrap();
    assert!(token.expires_on > OffsetDateTime::now_utc());
}

/// Fails so often, then gives tokens.
struct Failing(AtomicU32);

#[async_trait]
impl Issuer for Failing {
    async fn issue(&self, _: Duration) -> Result<Issued, TokenError> {
        let left = self.0.load(Ordering::SeqCst);
        if left == 0 {
            return Ok(Issued {
                secret: "t".into(),
                lives: Duration::from_secs(60),
            });
        }
        self.0.store(left - 1, Ordering::SeqCst);
        Err(TokenError::unavailable("not yet", None, None))
    }
}

#[tokio::test]
async fn an_identity_that_is_not_there_yet_is_asked_again() {
    for (failures, works) in [(0, true), (2, true), (3, false)] {
        let credential = Credential {
            issuer: Box::new(Failing(AtomicU32::new(failures))),
            clock: Arc::new(Noon),
        };
        let token = credential.get_token(&[], None).await;
        assert_eq!(token.is_ok(), works, "{failures}");
    }
}
