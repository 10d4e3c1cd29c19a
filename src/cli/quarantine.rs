//! `quarantine`: looking at records that Log Analytics refused for good, posting them again, or giving
//! them up.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    AT_FAULT, DONE, FAILED,
    args::{Chosen, Listing, Quarantine, QuarantineShow},
    ask, feeds, say, say_error,
    wiring::{self, Storage},
};
use crate::{
    ingest::{
        error::{Explain, StoreError},
        ports::LogSink,
        state::quarantine::{self, QuarantineError},
    },
    model::{
        event_time::to_utc_text, feed::Feed, fingerprint::Fingerprint, quarantined::Quarantined,
        visible::visible,
    },
};

pub(super) async fn quarantine(
    command: &Quarantine,
    environment: &dyn Fn(&str) -> Option<String>,
) -> u8 {
    let at_fault = |error: wiring::SetupError| {
        say_error(&error.message());
        AT_FAULT
    };
    let storage = match wiring::storage(environment) {
        Ok(storage) => storage,
        Err(error) => return at_fault(error),
    };
    let done = match command {
        Quarantine::List(options) => list(options, &storage).await,
        Quarantine::Show(options) => show(options, &storage).await,
        Quarantine::Drop(chosen) => give_up(chosen, &storage).await,
        Quarantine::Replay(chosen) => match wiring::sink(environment) {
            Ok(sink) => replay(chosen, &storage, &*sink).await,
            Err(error) => return at_fault(error),
        },
    };
    done.unwrap_or_else(|error| {
        say_error(&format!("{}.", error.explain()));
        FAILED
    })
}

fn open(storage: &Storage) -> quarantine::Quarantine<'_> {
    quarantine::Quarantine::new(&*storage.store, storage.deadline())
}

async fn list(options: &Listing, storage: &Storage) -> Result<u8, QuarantineError> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    let mut code = DONE;
    for feed in feeds(&options.feeds) {
        for fingerprint in open(storage).list(feed).await? {
            match open(storage).get(feed, fingerprint).await {
                Ok(held) => all.push(held),
                Err(error) => {
                    code = unusable(fingerprint, &error);
                    let (fingerprint, error) = (fingerprint.to_string(), error.explain());
                    errors.push(json!({"feed": feed, "fingerprint": fingerprint, "error": error}));
                }
            }
        }
    }
    all.sort_by_key(|one| one.held_at);
    if options.json {
        let all: Vec<_> = all
            .iter()
            .map(|one| {
                json!({
                    "feed": one.feed,
                    "fingerprint": one.fingerprint.to_string(),
                    "time": to_utc_text(one.time),
                    "held_at": to_utc_text(one.held_at),
                    "status": one.status,
                    "reason": one.reason,
                    "request_id": one.request_id,
                    "bytes": one.row.len(),
                })
            })
            .collect();
        say(&format!(
            "{:#}",
            json!({"quarantine": all, "errors": errors})
        ));
        return Ok(code);
    }
    if all.is_empty() && code == DONE {
        say("Nothing is in quarantine.");
    }
    for one in all {
        let status = one
            .status
            .map_or("none".to_owned(), |status| status.to_string());
        say(&format!(
            "{}  {}  record of {}, {} bytes, set aside {}, status {status}",
            one.fingerprint,
            one.feed,
            to_utc_text(one.time),
            one.row.len(),
            to_utc_text(one.held_at),
        ));
        say(&format!("    {}", visible(&one.reason)));
    }
    Ok(code)
}

/// One that cannot be used does not keep the others from being so.
fn unusable(fingerprint: Fingerprint, error: &QuarantineError) -> u8 {
    say_error(&format!("{fingerprint}: {}.", error.explain()));
    FAILED
}

async fn show(options: &QuarantineShow, storage: &Storage) -> Result<u8, QuarantineError> {
    let found = find(options.fingerprint, storage).await?;
    say(&found.to_text());
    Ok(DONE)
}

/// A record in quarantine, whichever feed it is of.
async fn find(fingerprint: Fingerprint, storage: &Storage) -> Result<Quarantined, QuarantineError> {
    let feed = feed_of(fingerprint, storage).await?;
    open(storage).get(feed, fingerprint).await
}

async fn feed_of(fingerprint: Fingerprint, storage: &Storage) -> Result<Feed, QuarantineError> {
    for feed in Feed::ALL {
        if open(storage).list(feed).await?.contains(&fingerprint) {
            return Ok(feed);
        }
    }
    Err(QuarantineError::Absent(fingerprint))
}

/// The records that the command line names, each once.
async fn chosen(
    chosen: &Chosen,
    storage: &Storage,
) -> Result<BTreeSet<(Feed, Fingerprint)>, QuarantineError> {
    let mut all = BTreeSet::new();
    for fingerprint in &chosen.fingerprints {
        all.insert((feed_of(*fingerprint, storage).await?, *fingerprint));
    }
    if chosen.all {
        for feed in Feed::ALL {
            let held = open(storage).list(feed).await?;
            all.extend(held.into_iter().map(|fingerprint| (feed, fingerprint)));
        }
    }
    Ok(all)
}

fn counted(records: &BTreeSet<(Feed, Fingerprint)>) -> String {
    match records.len() {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}

async fn replay(
    options: &Chosen,
    storage: &Storage,
    sink: &dyn LogSink,
) -> Result<u8, QuarantineError> {
    let records = chosen(options, storage).await?;
    if records.is_empty() {
        say("Nothing is in quarantine.");
        return Ok(DONE);
    }
    let question = format!(
        "Post {} again, and remove from quarantine what is taken?",
        counted(&records)
    );
    if !ask::go_on(&question, "", options.yes) {
        return Ok(FAILED);
    }
    let mut code = DONE;
    for (feed, name) in records {
        let record = match open(storage).get(feed, name).await {
            Ok(record) => record,
            Err(error) => {
                code = unusable(name, &error);
                continue;
            }
        };
        match open(storage).post(&record, sink).await {
            Ok(_) => {
                removed(storage, &record).await?;
                say(&format!("{name}: delivered."));
            }
            Err(error) => {
                say_error(&format!(
                    "{name}: stays in quarantine: {}.",
                    error.explain()
                ));
                code = FAILED;
            }
        }
    }
    Ok(code)
}

/// A record that was posted and cannot be removed would be posted again by the next replay: say so.
async fn removed(storage: &Storage, record: &Quarantined) -> Result<(), StoreError> {
    let removed = open(storage).remove(record.feed, record.fingerprint).await;
    if removed.is_err() {
        say_error(&format!(
            "{}: delivered, but it still lies in quarantine; drop it, a replay would deliver it once more.",
            record.fingerprint
        ));
    }
    removed
}

async fn give_up(options: &Chosen, storage: &Storage) -> Result<u8, QuarantineError> {
    let records = chosen(options, storage).await?;
    if records.is_empty() {
        say("Nothing is in quarantine.");
        return Ok(DONE);
    }
    let question = format!(
        "Remove {} from quarantine for good? Mimecast keeps its logs for 30 days, but no run reads them again.",
        counted(&records)
    );
    if !ask::go_on(&question, "", options.yes) {
        return Ok(FAILED);
    }
    for (feed, name) in records {
        open(storage).remove(feed, name).await?;
        say(&format!("{name}: dropped."));
    }
    Ok(DONE)
}
