//! Faults between the connector and Log Analytics.
//!
//! Here an answer that is lost behind a stored batch is the one case that may deliver it once more.

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;
use simulators::{log::Log, mimecast::Api};

use crate::{
    bench::{Bench, LITTLE, PLENTY, RECORDS, Service, complete, failed},
    faults::{
        ENDLESS, FOREVER, PASSING, a_brief_refusal_is_survived, all, costs_an_attempt, pass_with,
    },
    log_service::Way,
    proxy::{Fault, Rule},
};

const SERVICE: Service = Service::Sink;
const POSTS: &[&str] = &["/api/logs"];
const STREAM: &[&str] =
    &["/dataCollectionRules/dcr-5ca1ab1e000040008000b1a2b3c4d5e6/streams/Custom-MimecastTTPUrl_CL"];

/// The batch is stored, and no word about it comes through.
const fn is_lost_answer(fault: Fault) -> bool {
    matches!(fault, Fault::ResetAfter | Fault::StalledHead)
}

/// The head of the answer comes through, and with it the word that the batch is stored.
const fn says_that_it_is_stored(fault: Fault) -> bool {
    matches!(fault, Fault::StalledBody | Fault::TruncatedBody)
}

/// All is delivered; one batch again, if the answer to it was lost.
fn all_arrived(bench: &Bench, fault: Fault, times: usize, case: &str) {
    if is_lost_answer(fault) {
        let again = bench.all_arrived_and_one_batch_again(Log::Url, times, case);
        assert!(
            again > 0,
            "{case}: the fault did not do what it is there for"
        );
    } else {
        bench.all_arrived_once(Log::Url, case);
    }
}

#[tokio::test]
async fn a_pass_survives_transient_faults_of_the_data_collector_api() {
    let broken = all(PASSING, async |(times, fault)| {
        let case = format!("{times} x {fault:?}");
        let rule = Rule {
            on: POSTS,
            skip: 1,
            times,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, PLENTY).await;
        complete(&report, &case);
        all_arrived(&bench, fault, times, &case);
        assert_eq!(bench.to(SERVICE).broken(), times, "{case}");
        let costs = costs_an_attempt(fault) && !says_that_it_is_stored(fault);
        let retries = if costs { times } else { 0 };
        assert_eq!(report.counts.retries, retries as u64, "{case}: {report}");
        assert_eq!(report.counts.delivered, RECORDS, "{case}: {report}");
    });
    tokio::join!(broken, a_brief_refusal_is_survived(SERVICE));
}

/// The same over the Logs Ingestion API, and with Mimecast's API 2.0: whose acknowledgement has no body
/// that could break.
#[tokio::test]
async fn a_pass_survives_transient_faults_of_the_logs_ingestion_api() {
    let faults = PASSING.into_iter();
    let faults = faults.filter(|(_, fault)| !says_that_it_is_stored(*fault));
    all(faults, async |(times, fault)| {
        let case = format!("{times} x {fault:?}");
        let bench = Bench::with(Api::V2, Way::LogsIngestion).await;
        bench.to(SERVICE).add(Rule {
            on: STREAM,
            skip: 1,
            times,
            fault,
        });
        let report = bench.pass(PLENTY).await;
        complete(&report, &case);
        all_arrived(&bench, fault, times, &case);
        assert_eq!(bench.to(SERVICE).broken(), times, "{case}");
        let retries = if costs_an_attempt(fault) { times } else { 0 };
        assert_eq!(report.counts.retries, retries as u64, "{case}: {report}");
        assert_eq!(report.counts.delivered, RECORDS, "{case}: {report}");
    })
    .await;
}

#[tokio::test]
async fn an_endless_answer_of_the_sink_ends_the_pass_and_the_next_delivers_the_rest() {
    let cases = ENDLESS
        .into_iter()
        .filter(|fault| !says_that_it_is_stored(*fault))
        .flat_map(|fault| [(0, fault), (1, fault)]);
    all(cases, async |(skip, fault)| {
        let case = format!("{fault:?} at batch {skip}");
        let rule = Rule {
            on: POSTS,
            skip,
            times: 1,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, LITTLE).await;
        assert_eq!(bench.to(SERVICE).broken(), 1, "{case}");
        if skip == 0 {
            let says = ["Log Analytics: run budget exhausted", "What to do: "];
            failed(&report, &says, &case);
            assert_eq!(report.counts.delivered, 0, "{case}: {report}");
        } else {
            assert_eq!(report.outcome, Outcome::OutOfTime, "{case}: {report}");
        }
        complete(&bench.pass(PLENTY).await, &case);
        if matches!(fault, Fault::Drip { .. }) {
            // Stored, and cut in the middle of the head.
            bench.all_arrived_and_one_batch_again(Log::Url, 1, &case);
        } else {
            all_arrived(&bench, fault, 1, &case);
        }
    })
    .await;
}

#[tokio::test]
async fn an_acknowledged_batch_is_not_posted_again_when_the_answer_breaks_off() {
    let cases = [
        (Fault::StalledBody, 1, LITTLE),
        (Fault::TruncatedBody, FOREVER, PLENTY),
    ];
    all(cases, async |(fault, times, budget)| {
        let case = format!("{fault:?}");
        let rule = Rule {
            on: POSTS,
            skip: 0,
            times,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, budget).await;
        assert!(bench.to(SERVICE).broken() > 0, "{case}");
        assert!(report.counts.delivered > 0, "{case}: {report}");
        assert_eq!(report.counts.retries, 0, "{case}: {report}");
        bench.to(SERVICE).heal();
        complete(&bench.pass(PLENTY).await, &case);
        bench.all_arrived_once(Log::Url, &case);
    })
    .await;
}

async fn a_lasting_refusal_fails_the_feed() {
    let bench = Bench::start().await;
    bench.to(SERVICE).refuse().await;
    let report = bench.pass(PLENTY).await;
    let says = [
        "Log Analytics cannot be reached",
        "refused",
        "What to do: check log_analytics_workspace_id",
        "5 attempts",
    ];
    failed(&report, &says, "refused");
    assert_eq!(bench.to(SERVICE).requests(), 0);
    bench.to(SERVICE).listen();
    complete(&bench.pass(PLENTY).await, "refused");
    bench.all_arrived_once(Log::Url, "refused");
}

#[tokio::test]
async fn an_unreachable_sink_fails_the_feed_with_advice() {
    let lasting = [
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::status(500),
        Fault::status(503),
        Fault::status(429),
    ];
    let broken = all(lasting, async |fault| {
        let case = format!("{fault:?}");
        let rule = Rule {
            on: POSTS,
            skip: 1,
            times: FOREVER,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, PLENTY).await;
        let says = [
            "Delivering url",
            "Log Analytics ",
            "What to do: ",
            "5 attempts",
        ];
        failed(&report, &says, &case);
        assert_eq!(bench.to(SERVICE).broken(), 5, "{case}");
        assert_eq!(report.counts.retries, 4, "{case}: {report}");
        bench.to(SERVICE).heal();
        complete(&bench.pass(PLENTY).await, &case);
        all_arrived(&bench, fault, 5, &case);
    });
    tokio::join!(broken, a_lasting_refusal_fails_the_feed());
}

#[tokio::test]
async fn a_long_wait_requested_by_the_sink_is_observed() {
    let case = "throttled";
    let rule = Rule {
        on: POSTS,
        skip: 1,
        times: 1,
        fault: Fault::throttle(1800),
    };
    let (bench, report) = pass_with(SERVICE, rule, LITTLE).await;
    assert_eq!(report.outcome, Outcome::Waiting, "{report}");
    let message = report.message.unwrap();
    assert!(
        message.contains("Rate limited by Log Analytics"),
        "{message}"
    );
    let posts = bench.to(SERVICE).requests();
    let still = bench.pass(LITTLE).await;
    assert_eq!(still.outcome, Outcome::Waiting, "{still}");
    assert_eq!(bench.to(SERVICE).requests(), posts, "called in vain");
    bench.advance(TimeDelta::minutes(31));
    complete(&bench.pass(PLENTY).await, case);
    bench.all_arrived_once(Log::Url, case);
    assert_eq!(bench.to(SERVICE).broken(), 1);
}
