//! `checkpoint`: looking at a feed's progress, and setting it back.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    AT_FAULT, DONE, FAILED,
    args::{Checkpoint, Rewind, Show},
    ask, feeds, say, say_error,
    wiring::{self, Storage},
};
use crate::{
    ingest::{
        error::{Explain, StoreError},
        state::{quarantine::Quarantine, saved_checkpoint::SavedCheckpoint},
    },
    model::{
        checkpoint::{self, Start},
        event_time::to_utc_text,
        feed::Feed,
        gap::Gap,
        ledger::Hour,
        store_key::StoreKey,
        visible::visible,
    },
};

pub(super) async fn checkpoint(
    command: &Checkpoint,
    environment: &dyn Fn(&str) -> Option<String>,
) -> u8 {
    let storage = match wiring::storage(environment) {
        Ok(storage) => storage,
        Err(error) => {
            say_error(&error.message());
            return AT_FAULT;
        }
    };
    match command {
        Checkpoint::Show(options) => show(options, &storage).await,
        Checkpoint::Rewind(options) => rewind(options, &storage).await,
    }
}

async fn show(options: &Show, storage: &Storage) -> u8 {
    let mut code = DONE;
    let mut all = Vec::new();
    for feed in feeds(&options.feeds) {
        let place = storage.store.address(StoreKey::Checkpoint(feed));
        match SavedCheckpoint::load(&*storage.store, feed, storage.deadline()).await {
            Ok(shown) if options.json => all.push(as_json(feed, &place, &shown.start)),
            Ok(shown) => {
                say(&as_text(feed, &place, &shown.start, storage));
                say_quarantine(feed, storage).await;
            }
            Err(error) => {
                let error = error.explain();
                say_error(&format!("{feed}: {place}: {error}."));
                all.push(json!({"feed": feed, "place": place, "state": "error", "error": error}));
                code = FAILED;
            }
        }
    }
    if options.json {
        say(&format!("{:#}", json!({"checkpoints": all})));
    }
    code
}

/// What waits there for someone is said wherever one looks.
async fn say_quarantine(feed: Feed, storage: &Storage) {
    let quarantine = Quarantine::new(&*storage.store, storage.deadline());
    match quarantine.list(feed).await {
        Ok(held) if held.is_empty() => {}
        Ok(held) => say(&format!(
            "  {:<16} {} records, see `mimecast-ttp quarantine list`",
            "in quarantine",
            held.len()
        )),
        Err(error) => say_error(&format!(
            "{feed}: the quarantine cannot be read: {}.",
            error.explain()
        )),
    }
}

fn as_json(feed: Feed, place: &str, start: &Start) -> serde_json::Value {
    match start {
        Start::Fresh => json!({"feed": feed, "place": place, "state": "none"}),
        Start::TakenOver(time) => {
            json!({"feed": feed, "place": place, "state": "timestamp", "watermark": to_utc_text(*time)})
        }
        Start::From(saved) => json!({
            "feed": feed,
            "place": place,
            "state": "checkpoint",
            "watermark": to_utc_text(saved.watermark),
            "read_again_from": to_utc_text(saved.read_again_from),
            "remembered": saved.recent.len(),
            "known_since": to_utc_text(saved.tally.since()),
            "reconciled_at": saved.reconciled_at.map(to_utc_text),
            "waits_until": saved.wait.map(|wait| to_utc_text(wait.until)),
            "gaps": saved.gaps.iter().map(gap_as_json).collect::<Vec<_>>(),
            "moves": saved.moves,
        }),
    }
}

fn gap_as_json(gap: &Gap) -> serde_json::Value {
    json!({
        "from": to_utc_text(gap.range.from()),
        "to": to_utc_text(gap.range.to()),
        "since": to_utc_text(gap.since),
        "tried_at": to_utc_text(gap.tried_at),
        "reason": gap.reason,
    })
}

fn as_text(feed: Feed, place: &str, start: &Start, storage: &Storage) -> String {
    let mut text = format!("{feed}: {place}");
    match start {
        Start::Fresh => {
            text.push_str("\n  nothing is saved: the next run reads the last lookback_days");
        }
        Start::TakenOver(time) => {
            let time = to_utc_text(*time);
            let _written = write!(
                text,
                "\n  a plain timestamp: the next run reads from {time} on"
            );
        }
        Start::From(saved) => describe(&mut text, saved, storage),
    }
    text
}

fn describe(text: &mut String, saved: &checkpoint::Checkpoint, storage: &Storage) {
    let now = storage.now();
    let mut line = |name: &str, value: String| {
        let _written = write!(text, "\n  {name:<16} {value}");
    };
    line(
        "watermark",
        format!(
            "{}, {}",
            to_utc_text(saved.watermark),
            lag_in_words(now - saved.watermark)
        ),
    );
    line("read again from", to_utc_text(saved.read_again_from));
    line("remembered", format!("{} fingerprints", saved.recent.len()));
    line(
        "known since",
        format!("{}, by the ledger", to_utc_text(saved.tally.since())),
    );
    line(
        "counts compared",
        saved
            .reconciled_at
            .map_or("not yet".to_owned(), to_utc_text),
    );
    if let Some(wait) = saved.wait.filter(|wait| wait.until > now) {
        line(
            "waiting",
            format!(
                "until {}, as {} asked",
                to_utc_text(wait.until),
                wait.asked_by
            ),
        );
    }
    for gap in saved.gaps.iter() {
        let [since, tried_at] = [gap.since, gap.tried_at].map(to_utc_text);
        line(
            "gap",
            format!(
                "{} cannot be read since {since}, last tried {tried_at}: {}",
                gap.range,
                visible(&gap.reason)
            ),
        );
    }
    line("moves", "(the last ones, oldest first)".to_owned());
    for step in saved.moves.iter() {
        let [at, from, to] = [step.at, step.from, step.to].map(to_utc_text);
        let moved = if from == to {
            format!("starts at {to}")
        } else {
            format!("{from} -> {to}")
        };
        line("", format!("{at}  {moved}  {}", step.reason));
    }
}

/// What a rewind of a feed without a checkpoint of ours delivers again.
const KNOWN_BY_LEDGER_ONLY: &str = "Earlier deliveries are known only as far as the ledger goes, if there is one: all others from then on will be delivered AGAIN.";

/// What a rewind to `to` delivers again: `known` is the time from which deliveries are remembered,
/// `lost` the hours of the ledger that cannot be read.
fn what_comes_again(to: DateTime<Utc>, known: DateTime<Utc>, lost: &[Hour]) -> String {
    let mut lines = Vec::new();
    if to < known {
        lines.push(format!(
            "Deliveries before {} are no longer remembered: those records will be delivered AGAIN.",
            to_utc_text(known)
        ));
    }
    if let [first, ..] = lost {
        lines.push(format!(
            "The ledger is incomplete for {} hours, the first of them {first}: what was delivered there will be delivered AGAIN.",
            lost.len()
        ));
    }
    if lines.is_empty() {
        lines.push(
            "What was delivered since then is known and will not be delivered again.".to_owned(),
        );
    }
    lines.join("\n")
}

fn lag_in_words(lag: TimeDelta) -> String {
    let seconds = lag.num_seconds();
    match seconds {
        ..0 => "ahead of this machine's clock".to_owned(),
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}

async fn rewind(options: &Rewind, storage: &Storage) -> u8 {
    let Rewind { feed, to, yes } = *options;
    let failed = |why: String| {
        say_error(&format!(
            "{feed} cannot be set back to {}: {why}.",
            to_utc_text(to)
        ));
        FAILED
    };
    let shown = match SavedCheckpoint::load(&*storage.store, feed, storage.deadline()).await {
        Ok(shown) => shown,
        Err(error) => return failed(error.explain()),
    };
    let rewound = match shown.rewound(to, storage.now()) {
        Ok(rewound) => rewound,
        Err(error) => return failed(error.explain()),
    };
    let lost = shown
        .lost_hours(&*storage.store, feed, to, storage.deadline())
        .await;
    let lost = match lost {
        Ok(lost) => lost,
        Err(error) => return failed(error.explain()),
    };
    let to_know = match &rewound {
        Start::From(rewound) => what_comes_again(to, rewound.tally.since(), &lost),
        Start::Fresh | Start::TakenOver(_) => KNOWN_BY_LEDGER_ONLY.to_owned(),
    };
    let to_text = to_utc_text(to);
    let question = match shown.start.watermark() {
        Some(from) => format!("Set {feed} from {} to {to_text}?", to_utc_text(from)),
        None => format!("Nothing is saved for {feed}. Start it at {to_text}?"),
    };
    if !ask::go_on(&question, &to_know, yes) {
        return FAILED;
    }
    let written_by = format!("rewind-{:016x}", storage.random.bits() >> 64);
    match shown
        .replace(
            &*storage.store,
            feed,
            &rewound,
            &written_by,
            storage.deadline(),
        )
        .await
    {
        Ok(()) => {
            say(&format!(
                "{feed} is set back to {to_text}; the next run reads from there."
            ));
            DONE
        }
        Err(error @ StoreError::Conflict) => failed(format!("{error}; try again")),
        Err(error @ StoreError::Indeterminate(_)) => {
            say_error(&format!(
                "Whether {feed} is set back to {to_text} is unknown: saving {}. Look with `mimecast-ttp checkpoint show`.",
                error.explain()
            ));
            FAILED
        }
        Err(error) => failed(error.explain()),
    }
}
