//! Faults that meet one feed only.

use mimecast_ttp::{ingest::report::Outcome, model::feed::Feed};
use simulators::log::Log;

use crate::{
    bench::{Bench, LITTLE, PLENTY, Service, complete},
    faults::{FOREVER, all},
    proxy::{Fault, Rule},
};

#[tokio::test]
async fn a_fault_for_one_feed_does_not_delay_the_others() {
    const PAGES: &[&str] = &["/api/ttp/url/get-logs"];
    const POSTS: &[&str] = &["/api/logs", "log-type: MimecastTTPUrl"];
    const LOADS: &[&str] = &["GET ", "url-checkpoint.txt"];
    const SAVES: &[&str] = &["PUT ", "url-checkpoint.txt"];
    let cases = [
        (Service::Mimecast, PAGES, Fault::StalledHead),
        (Service::Mimecast, PAGES, Fault::ResetBefore),
        (Service::Sink, POSTS, Fault::Swallowed),
        (Service::Sink, POSTS, Fault::status(503)),
        (Service::Store, LOADS, Fault::StalledHead),
        (Service::Store, SAVES, Fault::Swallowed),
        (Service::Store, SAVES, Fault::status(503)),
    ];
    all(cases, async |(service, on, fault)| {
        let case = format!("{on:?}: {fault:?}");
        let bench = Bench::start().await;
        bench.to(service).add(Rule {
            on,
            skip: 0,
            times: FOREVER,
            fault,
        });
        let reports = bench.pass_of_all(LITTLE).await;
        assert!(bench.to(service).broken() > 0, "{case}");
        assert_eq!(reports[0].feed, Feed::Url);
        assert_ne!(reports[0].outcome, Outcome::Complete, "{case}");
        assert_eq!(bench.count(Log::Url), 0, "{case}");
        for (report, log) in reports[1..]
            .iter()
            .zip([Log::Attachment, Log::Impersonation])
        {
            complete(report, &case);
            bench.all_arrived_once(log, &case);
        }
        bench.to(service).heal();
        complete(&bench.pass(PLENTY).await, &case);
        bench.all_arrived_once(Log::Url, &case);
    })
    .await;
}
