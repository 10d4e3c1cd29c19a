//! Whose certificates are trusted.

use crate::{
    support::tls::{Certificate, ISSUER, authority},
    world::{RECORDS, World},
};

#[tokio::test]
async fn an_authority_that_the_environment_names_is_trusted() {
    let file = authority();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&file, folder.path().join("company.pem")).unwrap();
    for (variable, path) in [
        ("SSL_CERT_FILE", file.as_path()),
        ("SSL_CERT_DIR", folder.path()),
    ] {
        let world = World::start(Certificate::Good).await;
        let settings = world.settings(&world.front.url());
        let path = path.to_str().unwrap();
        let done = world.run(&settings, &[(variable, path)]).await;
        assert_eq!(done.code, 0, "{variable}: {}", done.text);
        assert_eq!(world.delivered(), RECORDS, "{variable}: {}", done.text);
        assert!(world.front.hellos() > 0, "{variable}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_stops_the_feed_at_once_and_says_whose_it_is() {
    let file = authority();
    let file = file.to_str().unwrap();
    for (certificate, trusted, reason, advice) in [
        (
            Certificate::Good,
            None,
            "this machine does not trust that issuer",
            "What to do: most likely a proxy on the way inspects TLS",
        ),
        (
            Certificate::Expired,
            Some(file),
            "it has expired",
            "What to do: check this machine's clock",
        ),
        (
            Certificate::OtherName,
            Some(file),
            "it is not valid for that host",
            "What to do: check the address in the settings",
        ),
    ] {
        let case = format!("{certificate:?}");
        let world = World::start(certificate).await;
        let environment: Vec<_> = trusted
            .map(|file| ("SSL_CERT_FILE", file))
            .into_iter()
            .collect();
        let settings = world.settings(&world.front.url());
        let done = world.run(&settings, &environment).await;
        let whose = format!("the certificate of 127.0.0.1, issued by {ISSUER}, is refused");
        done.failed(
            &["Mimecast cannot be reached", whose.as_str(), reason, advice],
            &case,
        );
        // It says so where there was more than one.
        assert!(!done.text.contains("attempts"), "{case}: {}", done.text);
        assert!((1..5).contains(&world.front.hellos()), "{case}");
        assert_eq!(world.delivered(), 0, "{case}");
    }
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_reported_by_their_variable() {
    let world = World::start(Certificate::Good).await;
    let nothing = [("SSL_CERT_FILE", "/no/such/file")];
    let settings = world.settings(&world.front.url());
    let done = world.run(&settings, &nothing).await;
    done.failed(
        &[
            "no CA certificate can be read from where SSL_CERT_FILE points",
            "What to do: SSL_CERT_FILE must name a readable file",
        ],
        "no such file",
    );
}

/// Reading them takes as long as a whole start of the program.
#[tokio::test]
async fn authorities_are_read_with_the_first_tls_connection_and_not_at_the_start() {
    let world = World::start(Certificate::Good).await;
    let nothing = [("SSL_CERT_FILE", "/no/such/file")];
    let settings = world.settings(&world.services.mimecast.base_url());
    let done = world.run(&settings, &nothing).await;
    assert_eq!(done.code, 0, "{}", done.text);
    assert_eq!(world.delivered(), RECORDS);
}
