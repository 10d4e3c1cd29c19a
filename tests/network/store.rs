//! Faults between the connector and blob storage.

use std::sync::atomic::Ordering;

use simulators::log::Log;

use crate::{
    bench::{Bench, LITTLE, PLENTY, Service, complete, failed},
    faults::{ENDLESS, FOREVER, LASTING, PASSING, a_brief_refusal_is_survived, all},
    proxy::{Fault, Rule},
};

const SERVICE: Service = Service::Store;

/// The moments in which a pass needs the store: which requests, and how many of them come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The checkpoint is looked for, and there is none.
    LoadOfNothing,
    /// The checkpoint is read.
    Load,
    /// The checkpoint is saved before the first post.
    Claim,
    /// The checkpoint is saved behind an acknowledged batch.
    BehindABatch,
}

const MOMENTS: [Moment; 4] = [
    Moment::LoadOfNothing,
    Moment::Load,
    Moment::Claim,
    Moment::BehindABatch,
];

impl Moment {
    const fn rule(self, times: usize, fault: Fault) -> Rule {
        let (on, skip): (&[&str], usize) = match self {
            Self::LoadOfNothing | Self::Load => (&["GET ", "url-checkpoint.txt"], 0),
            Self::Claim => (&["PUT ", "url-checkpoint.txt"], 0),
            Self::BehindABatch => (&["PUT ", "url-checkpoint.txt"], 1),
        };
        Rule {
            on,
            skip,
            times,
            fault,
        }
    }

    /// What the message says.
    const fn words(self) -> [&'static str; 2] {
        match self {
            Self::LoadOfNothing | Self::Load => {
                ["Reading the checkpoint", "Nothing was read or delivered"]
            }
            Self::Claim => ["Saving the checkpoint", "Nothing was delivered"],
            Self::BehindABatch => ["Saving the checkpoint", "may be delivered once more"],
        }
    }
}

/// A world in which the store breaks at a moment.
async fn broken(moment: Moment, times: usize, fault: Fault) -> Bench {
    let bench = Bench::start().await;
    if moment == Moment::Load {
        bench.put_checkpoint().await;
    }
    bench.to(SERVICE).add(moment.rule(times, fault));
    bench
}

/// The next pass brings the rest. What was posted before a save that failed may come once more; what
/// could not be claimed was not posted.
async fn the_next_pass_delivers_the_rest(bench: &Bench, moment: Moment, case: &str) {
    bench.to(SERVICE).heal();
    complete(&bench.pass(PLENTY).await, case);
    if moment == Moment::BehindABatch {
        bench.all_arrived_and_one_batch_again(Log::Url, 1, case);
    } else {
        bench.all_arrived_once(Log::Url, case);
    }
}

fn cross<F: Copy>(faults: impl IntoIterator<Item = F>) -> Vec<(Moment, F)> {
    faults
        .into_iter()
        .flat_map(|fault| MOMENTS.map(|moment| (moment, fault)))
        .collect()
}

#[tokio::test]
async fn a_pass_survives_transient_faults_of_the_store() {
    let broken = all(cross(PASSING), async |(moment, (times, fault))| {
        let case = format!("{moment:?}: {times} x {fault:?}");
        let bench = broken(moment, times, fault).await;
        let report = bench.pass(PLENTY).await;
        complete(&report, &case);
        bench.all_arrived_once(Log::Url, &case);
        assert_eq!(bench.to(SERVICE).broken(), times, "{case}");
    });
    tokio::join!(broken, a_brief_refusal_is_survived(SERVICE));
}

#[tokio::test]
async fn an_endless_answer_of_the_store_ends_the_pass_and_the_next_delivers_the_rest() {
    all(cross(ENDLESS), async |(moment, fault)| {
        let case = format!("{moment:?}: {fault:?}");
        let bench = broken(moment, FOREVER, fault).await;
        let report = bench.pass(LITTLE).await;
        assert!(bench.to(SERVICE).broken() > 0, "{case}");
        let [doing, meaning] = moment.words();
        let says = [doing, "blob storage", "What to do: ", meaning];
        failed(&report, &says, &case);
        the_next_pass_delivers_the_rest(&bench, moment, &case).await;
    })
    .await;
}

#[tokio::test]
async fn a_pass_with_time_left_survives_a_stalled_store() {
    let stalls = ENDLESS
        .into_iter()
        .filter(|fault| !matches!(fault, Fault::Drip { .. }));
    all(cross(stalls), async |(moment, fault)| {
        let case = format!("{moment:?}: {fault:?}");
        let bench = broken(moment, 1, fault).await;
        let report = bench.pass(PLENTY).await;
        complete(&report, &case);
        bench.all_arrived_once(Log::Url, &case);
        assert_eq!(bench.to(SERVICE).broken(), 1, "{case}");
    })
    .await;
}

async fn a_lasting_refusal_fails_the_feed() {
    let bench = Bench::start().await;
    bench.to(SERVICE).refuse().await;
    let report = bench.pass(PLENTY).await;
    let says = [
        "blob storage cannot be reached",
        "refused",
        "What to do: check AzureWebJobsStorage",
    ];
    failed(&report, &says, "refused");
    assert!(
        bench.store_clock.asked.load(Ordering::SeqCst) > 1,
        "it was tried again"
    );
    assert_eq!(bench.to(SERVICE).requests(), 0);
    bench.to(SERVICE).listen();
    the_next_pass_delivers_the_rest(&bench, Moment::Load, "refused").await;
}

#[tokio::test]
async fn an_unreachable_store_fails_the_feed_with_advice() {
    let lasting = LASTING
        .into_iter()
        .chain([Fault::status(429), Fault::throttle(1800)]);
    let broken = all(cross(lasting), async |(moment, fault)| {
        let case = format!("{moment:?}: {fault:?}");
        // Such a wait would only be cut off later.
        let budget = if fault == Fault::throttle(1800) {
            LITTLE
        } else {
            PLENTY
        };
        let bench = broken(moment, FOREVER, fault).await;
        let report = bench.pass(budget).await;
        assert!(bench.to(SERVICE).broken() > 0, "{case}");
        let [doing, meaning] = moment.words();
        failed(
            &report,
            &[doing, "blob storage", "What to do: ", meaning],
            &case,
        );
        the_next_pass_delivers_the_rest(&bench, moment, &case).await;
    });
    tokio::join!(broken, a_lasting_refusal_fails_the_feed());
}

/// Whoever cannot read what was delivered does not deliver it again to be on the safe side.
#[tokio::test]
async fn an_unreadable_ledger_repeats_no_delivery() {
    all([Fault::status(503), Fault::StalledHead], async |fault| {
        let case = format!("{fault:?}");
        let bench = Bench::start().await;
        complete(&bench.pass(PLENTY).await, &case);
        bench.rewind().await;
        bench.to(SERVICE).add(Rule {
            on: &["GET ", "/ledger", ".bin"],
            skip: 0,
            times: FOREVER,
            fault,
        });
        let report = bench.pass(LITTLE).await;
        assert!(bench.to(SERVICE).broken() > 0, "{case}");
        bench.all_arrived_once(Log::Url, &case);
        let says = ["Reading the ledger of url", "blob storage", "What to do: "];
        failed(&report, &says, &case);
        the_next_pass_delivers_the_rest(&bench, Moment::Load, &case).await;
    })
    .await;
}
