//! Faults between the connector and Mimecast.

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;
use simulators::{log::Log, mimecast::Api};

use crate::{
    bench::{Bench, LITTLE, PLENTY, RECORDS, Service, complete, failed},
    faults::{
        ENDLESS, FOREVER, LASTING, PASSING, a_brief_refusal_is_survived, all, costs_an_attempt,
        pass_with,
    },
    log_service::Way,
    proxy::{Fault, Rule},
};

const SERVICE: Service = Service::Mimecast;
const PAGES: &[&str] = &["/api/ttp/url/get-logs"];

/// The next pass, without a fault, brings what is left; no record comes twice.
async fn the_next_pass_delivers_the_rest(bench: &Bench, case: &str) {
    bench.to(SERVICE).heal();
    complete(&bench.pass(PLENTY).await, case);
    bench.all_arrived_once(Log::Url, case);
}

#[tokio::test]
async fn a_pass_survives_transient_faults_of_mimecast() {
    let broken = all(PASSING, async |(times, fault)| {
        let case = format!("{times} x {fault:?}");
        let rule = Rule {
            on: PAGES,
            skip: 1,
            times,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, PLENTY).await;
        complete(&report, &case);
        bench.all_arrived_once(Log::Url, &case);
        assert_eq!(bench.to(SERVICE).broken(), times, "{case}");
        let retries = if costs_an_attempt(fault) { times } else { 0 };
        assert_eq!(report.counts.retries, retries as u64, "{case}: {report}");
    });
    tokio::join!(broken, a_brief_refusal_is_survived(SERVICE));
}

#[tokio::test]
async fn an_endless_answer_of_mimecast_ends_the_pass_and_the_next_delivers_the_rest() {
    let cases = ENDLESS
        .into_iter()
        .flat_map(|fault| [(0, fault), (1, fault)]);
    all(cases, async |(skip, fault)| {
        let case = format!("{fault:?} at page {skip}");
        let rule = Rule {
            on: PAGES,
            skip,
            times: 1,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, LITTLE).await;
        assert_eq!(bench.to(SERVICE).broken(), 1, "{case}");
        if skip == 0 {
            let says = ["Mimecast: run budget exhausted", "What to do: "];
            failed(&report, &says, &case);
            assert_eq!(bench.count(Log::Url), 0, "{case}");
        } else {
            // What was read before the fault is delivered and counts as a step forward.
            assert_eq!(report.outcome, Outcome::OutOfTime, "{case}: {report}");
            let delivered = bench.count(Log::Url);
            assert!((1..RECORDS).contains(&delivered), "{case}: {delivered}");
        }
        the_next_pass_delivers_the_rest(&bench, &case).await;
    })
    .await;
}

async fn a_lasting_refusal_fails_the_feed() {
    let bench = Bench::start().await;
    bench.to(SERVICE).refuse().await;
    let report = bench.pass(PLENTY).await;
    let says = [
        "Mimecast cannot be reached",
        "refused",
        "What to do: check mimecast_base_url",
    ];
    failed(&report, &says, "refused");
    assert_eq!(bench.to(SERVICE).requests(), 0);
    bench.to(SERVICE).listen();
    the_next_pass_delivers_the_rest(&bench, "refused").await;
}

#[tokio::test]
async fn an_unreachable_mimecast_fails_the_feed_with_advice() {
    let lasting = LASTING.into_iter().chain([Fault::throttle(1)]);
    let broken = all(lasting, async |fault| {
        let case = format!("{fault:?}");
        let rule = Rule {
            on: PAGES,
            skip: 1,
            times: FOREVER,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, PLENTY).await;
        let says = ["Reading url", "Mimecast ", "What to do: ", "5 attempts"];
        failed(&report, &says, &case);
        assert_eq!(bench.to(SERVICE).broken(), 5, "{case}");
        assert_eq!(report.counts.retries, 4, "{case}: {report}");
        assert!(
            bench.count(Log::Url) > 0,
            "{case}: what was read before is delivered"
        );
        the_next_pass_delivers_the_rest(&bench, &case).await;
    });
    tokio::join!(broken, a_lasting_refusal_fails_the_feed());
}

#[tokio::test]
async fn a_long_wait_requested_by_mimecast_is_observed() {
    // Where it does not say for how long, a minute is taken, which is more than the budget.
    all([Fault::throttle(1800), Fault::status(429)], async |fault| {
        let case = format!("{fault:?}");
        let rule = Rule {
            on: PAGES,
            skip: 1,
            times: 1,
            fault,
        };
        let (bench, report) = pass_with(SERVICE, rule, LITTLE).await;
        assert_eq!(report.outcome, Outcome::Waiting, "{case}: {report}");
        let message = report.message.unwrap();
        assert!(message.contains("Rate limited by Mimecast"), "{message}");
        let calls = bench.to(SERVICE).requests();
        let still = bench.pass(LITTLE).await;
        assert_eq!(still.outcome, Outcome::Waiting, "{case}: {still}");
        assert_eq!(
            bench.to(SERVICE).requests(),
            calls,
            "{case}: called in vain"
        );
        bench.advance(TimeDelta::minutes(31));
        the_next_pass_delivers_the_rest(&bench, &case).await;
        assert_eq!(bench.to(SERVICE).broken(), 1, "{case}");
    })
    .await;
}

/// The login and the token are what all feeds share: who stalls them must not stop them for good.
#[tokio::test]
async fn a_broken_login_or_token_request_is_repeated_by_this_pass_or_the_next() {
    const LOGIN: (Api, &[&str]) = (Api::V1, &["/api/login/login"]);
    const TOKEN: (Api, &[&str]) = (Api::V2, &["/oauth/token"]);
    let faults = [Fault::ResetAfter, Fault::status(503), Fault::Swallowed];
    let cases = [LOGIN, TOKEN].map(|of| faults.map(|fault| (of, fault)));
    all(cases.into_iter().flatten(), async |((api, on), fault)| {
        let case = format!("{api:?}, {fault:?}");
        let bench = Bench::with(api, Way::LogsIngestion).await;
        bench.mimecast.expire();
        bench.to(SERVICE).add(Rule {
            on,
            skip: 0,
            times: 1,
            fault,
        });
        let budget = if fault == Fault::Swallowed {
            LITTLE
        } else {
            PLENTY
        };
        let reports = bench.pass_of_all(budget).await;
        assert_eq!(bench.to(SERVICE).broken(), 1, "{case}");
        for report in &reports {
            if fault == Fault::Swallowed {
                failed(report, &["Mimecast", "What to do: "], &case);
            } else {
                complete(report, &case);
            }
        }
        for report in bench.pass_of_all(PLENTY).await {
            complete(&report, &case);
        }
        for log in Log::ALL {
            bench.all_arrived_once(log, &case);
        }
    })
    .await;
}
