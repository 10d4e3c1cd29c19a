//! Addresses that begin with https and lead to something else.

use mimecast_ttp::model::feed::Feed;
use simulators::log::Log;

use crate::{
    bench::{Bench, LITTLE, PLENTY, Service, complete, failed},
    faults::all,
    tls_server::{TlsServer, Trouble},
};

#[tokio::test]
async fn a_tls_error_fails_the_feed_with_advice_until_it_is_repaired() {
    let services = [
        (Service::Mimecast, "Mimecast"),
        (Service::Sink, "Log Analytics"),
        (Service::Store, "blob storage"),
    ];
    let troubles = [
        (Trouble::Plaintext, "message"),
        (Trouble::Cut, "reset"),
        (Trouble::SelfSigned, "certificate"),
        (Trouble::Silence, ""),
    ];
    let cases = services
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
