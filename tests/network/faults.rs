//! The faults that every service is put through, and the running of many cases side by side.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::future::join_all;
use mimecast_ttp::ingest::report::FeedReport;
use simulators::log::Log;

use crate::{
    bench::{Bench, PLENTY, Service, complete},
    proxy::{Fault, Rule},
};

/// So many that they do not end before the connector gives up.
pub const FOREVER: usize = 1000;

/// What is over after one request, or a few.
pub const PASSING: [(usize, Fault); 9] = [
    (1, Fault::ResetBefore),
    (1, Fault::ResetAfter),
    (1, Fault::TruncatedBody),
    (3, Fault::ResetBefore),
    (1, Fault::status(500)),
    (2, Fault::status(502)),
    (3, Fault::status(503)),
    (2, Fault::throttle(1)),
    (
        1,
        Fault::Drip {
            bytes: 16,
            every: Duration::from_millis(5),
        },
    ),
];

/// What does not come to an end by itself.
pub const ENDLESS: [Fault; 4] = [
    Fault::Swallowed,
    Fault::StalledHead,
    Fault::StalledBody,
    Fault::Drip {
        bytes: 1,
        every: Duration::from_secs(1),
    },
];

/// What comes again at every attempt.
pub const LASTING: [Fault; 5] = [
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::TruncatedBody,
    Fault::status(500),
    Fault::status(503),
];

/// A fault that only takes its time costs no attempt.
pub const fn costs_an_attempt(fault: Fault) -> bool {
    !matches!(fault, Fault::Drip { .. })
}

/// Runs cases side by side: most of their time they wait.
pub async fn all<C, W: Future<Output = ()>>(
    cases: impl IntoIterator<Item = C>,
    work: impl Fn(C) -> W,
) {
    let running: Vec<_> = cases.into_iter().map(work).collect();
    assert!(!running.is_empty());
    join_all(running).await;
}

/// A pass over the URL feed that meets a fault at one service.
pub async fn pass_with(service: Service, rule: Rule, budget: Duration) -> (Bench, FeedReport) {
    let bench = Bench::start().await;
    bench.to(service).add(rule);
    let report = bench.pass(budget).await;
    (bench, report)
}

/// A pass over the URL feed while a service refuses connections, until it has done so at least once.
async fn pass_with_a_refusal(service: Service) -> (Bench, FeedReport) {
    let bench = Bench::start().await;
    let proxy = bench.to(service);
    proxy.refuse().await;
    let attempt_refused = || match service {
        // The store signs each attempt by the clock, and the second follows a refused one.
        Service::Store => bench.store_clock.asked.load(Ordering::SeqCst) >= 2,
        // The others wait by the clock behind a refused one.
        _ => bench.clock.waits.load(Ordering::SeqCst) >= 1,
    };
    let listening_again = async {
        while !attempt_refused() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(proxy.requests(), 0, "nothing came through");
        proxy.listen();
    };
    let (report, ()) = tokio::join!(bench.pass(PLENTY), listening_again);
    (bench, report)
}

/// A refusal for a moment costs an attempt and nothing else; not for the store, whose attempts are not
/// in the report.
pub async fn a_brief_refusal_is_survived(service: Service) {
    let (bench, report) = pass_with_a_refusal(service).await;
    complete(&report, "refused");
    assert!(
        matches!(service, Service::Store) || report.counts.retries > 0,
        "{report}"
    );
    bench.all_arrived_once(Log::Url, "refused");
}
