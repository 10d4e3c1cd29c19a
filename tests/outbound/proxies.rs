//! What goes through a proxy, and what never does.

use std::sync::Arc;

use simulators::{
    log::Log,
    log_analytics::{LogsIngestion, MemoryRows, logs_ingestion},
};

use crate::{
    support::tls::{Certificate, ISSUER, authority},
    web_proxy::WebProxy,
    world::{RECORDS, World, port},
};

/// An environment that names a proxy for everything.
fn through(proxy: &str) -> Vec<(&str, &str)> {
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"]
        .map(|name| (name, proxy))
        .into()
}

#[tokio::test]
async fn no_call_to_this_machine_goes_through_a_proxy() {
    let world = World::start(Certificate::Good).await;
    let proxy = WebProxy::start(world.front.address.port()).await;
    let (proxy_url, file) = (proxy.url(), authority());
    let mut environment = through(&proxy_url);
    environment.push(("SSL_CERT_FILE", file.to_str().unwrap()));
    // Mimecast by https, Log Analytics by plain http.
    let settings = world.settings(&world.front.url());
    let done = world.run(&settings, &environment).await;
    assert_eq!(done.code, 0, "{}", done.text);
    assert_eq!(world.delivered(), RECORDS);
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

/// A proxy would read the header that proves who the app is, and could give any token. In Azure the
/// endpoint may have a link-local address; here `0.0.0.0` stands for one that is no loopback address.
#[tokio::test]
async fn the_managed_identity_is_never_asked_through_a_proxy() {
    let world = World::start(Certificate::Good).await;
    let rule = include_str!("../../deploy/logs-ingestion.json");
    let rule = logs_ingestion::Rule::in_template(rule).unwrap();
    let mut config = logs_ingestion::Config::new(world.services.clock.clone(), rule);
    let rows = Arc::new(MemoryRows::default());
    config.sinks = vec![rows.clone()];
    let service = LogsIngestion::start(config.clone(), 0).await.unwrap();
    let endpoint = service.identity_endpoint();
    assert!(endpoint.contains("127.0.0.1"), "{endpoint}");
    let mut settings = world.settings(&world.services.mimecast.base_url());
    settings.extend(
        [
            ("logs_ingestion_endpoint", service.base_url()),
            ("logs_ingestion_rule_id", config.rule_id.clone()),
            (
                "IDENTITY_ENDPOINT",
                endpoint.replace("127.0.0.1", "0.0.0.0"),
            ),
            ("IDENTITY_HEADER", config.identity_header.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let proxy = WebProxy::start(port(&service.base_url())).await;
    let done = world.run(&settings, &through(&proxy.url())).await;
    assert_eq!(proxy.asked(), Vec::<String>::new());
    assert_eq!(done.code, 0, "{}", done.text);
    assert_eq!(rows.count(Log::Url.table()), RECORDS);
}

#[tokio::test]
async fn calls_elsewhere_go_through_the_proxy_and_one_that_inspects_tls_is_told_by_its_issuer() {
    let file = authority();
    let trusted = ("SSL_CERT_FILE", file.to_str().unwrap());
    for (authorities, works) in [(Some(trusted), true), (None, false)] {
        let world = World::start(Certificate::Good).await;
        let proxy = WebProxy::start(world.front.address.port()).await;
        let proxy_url = proxy.url();
        let mut environment = vec![("HTTPS_PROXY", proxy_url.as_str())];
        environment.extend(authorities);
        let settings = world.settings("https://mimecast.test");
        let done = world.run(&settings, &environment).await;
        if works {
            assert_eq!(done.code, 0, "{}", done.text);
            assert_eq!(world.delivered(), RECORDS);
        } else {
            let whose = format!("the certificate of mimecast.test, issued by {ISSUER}");
            done.failed(&[whose.as_str(), "SSL_CERT_FILE"], "untrusted");
        }
        let asked = proxy.asked();
        assert!(!asked.is_empty());
        for line in asked {
            assert!(line.starts_with("CONNECT mimecast.test:443 "), "{line}");
        }
    }
}
