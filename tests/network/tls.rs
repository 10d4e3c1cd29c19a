//! Addresses that begin with https and lead to something else.

use mimecast_ttp::model::feed::Feed;
use simulators::log::Log;

use crate::{
    bench::{Bench, LITTLE, PLENTY, Service, complete, failed},
    faults::all,
    support::tls::ISSUER,
    tls_server::{TlsServer, Trouble},
};

const SERVICES: [(Service, &str); 3] = [
    (Service::Mimecast, "Mimecast"),
    (Service::Sink, "Log Analytics"),
    (Service::Store, "blob storage"),
];

#[tokio::test]
async fn a_tls_error_fails_the_feed_with_advice_until_it_is_repaired() {
    let troubles = [
        (Trouble::Plaintext, "message"),
        (Trouble::Cut, "reset"),
        (Trouble::SelfSigned, "certificate"),
        (Trouble::Silence, ""),
    ];
    let cases = SERVICES
        .into_iter()
        .flat_map(|service| troubles.map(|trouble| (service, trouble)));
    all(cases, async |((service, name), (trouble, says))| {
        let case = format!("{service:?}: {trouble:?}");
        let bench = Bench::start().await;
        let server = TlsServer::start(trouble).await;
        let ports = bench.ports_at(service, &server.url());
        let budget = if trouble == Trouble::Silence {
            LITTLE
        } else {
            PLENTY
        };
        let mut reports = bench.pass_over(&ports, &[Feed::Url], budget).await;
        failed(
            &reports.feeds.remove(0),
            &[name, says, "What to do: "],
            &case,
        );
        assert!(server.hellos() > 0, "{case}");
        assert_eq!(bench.to(service).requests(), 0, "{case}");
        assert_eq!(bench.count(Log::Url), 0, "{case}");
        complete(&bench.pass(PLENTY).await, &case);
        bench.all_arrived_once(Log::Url, &case);
    })
    .await;
}

/// No wait mends a certificate. A proxy that inspects TLS shows one of its own for every service.
#[tokio::test]
async fn a_certificate_that_is_not_accepted_fails_the_feed_at_the_first_attempt() {
    let troubles = [
        (Trouble::OtherAuthority, "does not trust that issuer"),
        (Trouble::Expired, "it has expired"),
    ];
    let cases = SERVICES
        .into_iter()
        .flat_map(|service| troubles.map(|trouble| (service, trouble)));
    all(cases, async |((service, name), (trouble, reason))| {
        let case = format!("{service:?}: {trouble:?}");
        let bench = Bench::start().await;
        let server = TlsServer::start(trouble).await;
        let ports = bench.ports_at(service, &server.url());
        let report = bench.pass_over(&ports, &[Feed::Url], PLENTY).await;
        let report = &report.feeds[0];
        let whose = format!("the certificate of 127.0.0.1, issued by {ISSUER}");
        let says = [
            name,
            " cannot be reached",
            whose.as_str(),
            reason,
            "What to do: ",
        ];
        failed(report, &says, &case);
        assert_eq!(report.counts.retries, 0, "{case}: {report}");
        // Up to four ranges are read side by side, each with an attempt of its own.
        assert!((1..=4).contains(&server.hellos()), "{case}");
        complete(&bench.pass(PLENTY).await, &case);
        bench.all_arrived_once(Log::Url, &case);
    })
    .await;
}
