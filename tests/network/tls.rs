//! Addresses that begin with https and lead to something else.

use mimecast_ttp::{model::feed::Feed, simulator::log::Log};

use crate::{
    bench::{Bench, LITTLE, PLENTY, Service, complete, failed},
    faults::all,
    tls_server::{TlsServer, Trouble},
};

/// Each service behind each trouble, and then as it should be.
async fn fails_with_advice_until_it_is_mended(service: Service, names: &str) {
    let troubles = [
        (Trouble::Plaintext, "message"),
        (Trouble::Cut, "reset"),
        (Trouble::SelfSigned, "certificate"),
        (Trouble::Silence, ""),
    ];
    all(troubles, async |(trouble, says)| {
        let case = format!("{trouble:?}");
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
            &[names, says, "What to do: "],
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

#[tokio::test]
async fn a_tls_error_of_mimecast_fails_the_feed_with_advice_until_it_is_mended() {
    fails_with_advice_until_it_is_mended(Service::Mimecast, "Mimecast").await;
}

#[tokio::test]
async fn a_tls_error_of_the_sink_fails_the_feed_with_advice_until_it_is_mended() {
    fails_with_advice_until_it_is_mended(Service::Sink, "Log Analytics").await;
}

#[tokio::test]
async fn a_tls_error_of_the_store_fails_the_feed_with_advice_until_it_is_mended() {
    fails_with_advice_until_it_is_mended(Service::Store, "blob storage").await;
}
