//! The three get-logs functions: which records, on which page.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{answer::Refusal, config::Config};
use crate::simulator::{log::Log, records::RecordSet};

/// Mimecast's own page size where none is asked for, and the largest that it gives.
const DEFAULT_PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 500;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    meta: Meta,
    data: Vec<Query>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    pagination: Pagination,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Pagination {
    page_size: Option<u64>,
    page_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Query {
    from: Option<String>,
    to: Option<String>,
    oldest_first: bool,
}

/// What a token stands for: the whole query, and who of the late records counts.
#[derive(Serialize, Deserialize)]
struct Place {
    log: String,
    from: i64,
    to: i64,
    oldest_first: bool,
    visible_at: i64,
    offset: usize,
    total: usize,
}

/// A page, ready to be sent.
pub(super) struct Listed {
    pub(super) body: String,
    pub(super) rows: usize,
}

/// Whether a request body carries a token.
pub(super) fn has_token(body: &[u8]) -> bool {
    serde_json::from_slice::<Request>(body).is_ok_and(|request| {
        request
            .meta
            .pagination
            .page_token
            .is_some_and(|token| !token.is_empty())
    })
}

/// Answers a get-logs call.
pub(super) fn list(log: Log, body: &[u8], config: &Config) -> Result<Listed, Refusal> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, "err_invalid_request", error.to_string()))?;
    let size = request
        .meta
        .pagination
        .page_size
        .unwrap_or(DEFAULT_PAGE)
        .clamp(1, LARGEST_PAGE);
    let size = usize::try_from(size).unwrap_or(1);
    let token = request
        .meta
        .pagination
        .page_token
        .filter(|token| !token.is_empty());
    let place = match &token {
        Some(token) => open(token)
            .filter(|place| place.log == log.name())
            .ok_or_else(|| {
                Refusal::new(
                    200,
                    "err_validation_invalid_page_token",
                    "Invalid page token",
                )
            })?,
        None => first(log, &request.data, config)?,
    };
    Ok(page(log, &place, size, token.as_deref(), config))
}

fn first(log: Log, queries: &[Query], config: &Config) -> Result<Place, Refusal> {
    let now = config.clock.now();
    let none = Query::default();
    let query = queries.first().unwrap_or(&none);
    let midnight = now.timestamp() - now.timestamp().rem_euclid(86_400);
    let from = time(query.from.as_deref(), "from", midnight)?;
    let to = time(query.to.as_deref(), "to", now.timestamp())?;
    if from > to {
        return Err(Refusal::new(
            200,
            "err_validation_date_range",
            "from must not be after to",
        ));
    }
    let visible_at = now.timestamp();
    let total = indices(log, from, to, visible_at, &*config.records).count();
    Ok(Place {
        log: log.name().to_owned(),
        from,
        to,
        oldest_first: query.oldest_first,
        visible_at,
        offset: 0,
        total,
    })
}

/// The three spellings that are accepted; a fault inside a 200 for any other.
fn time(text: Option<&str>, field: &str, default: i64) -> Result<i64, Refusal> {
    let Some(text) = text else {
        return Ok(default);
    };
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .map(|time| time.timestamp())
        .map_err(|_| {
            Refusal::new(
                200,
                "err_validation_invalid_date",
                format!("Field {field} is no date"),
            )
        })
}

/// The records of the closed range that show at `visible_at`, oldest first.
fn indices(
    log: Log,
    from: i64,
    to: i64,
    visible_at: i64,
    records: &dyn RecordSet,
) -> impl Iterator<Item = usize> {
    let border = |after: bool, second: i64| {
        let (mut low, mut high) = (0, records.len(log));
        while low < high {
            let middle = low + (high - low) / 2;
            let at = records.moment(log, middle).at;
            if at < second || (after && at == second) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    (border(false, from)..border(true, to))
        .filter(move |index| records.moment(log, *index).visible_at <= visible_at)
}

fn page(log: Log, place: &Place, size: usize, token: Option<&str>, config: &Config) -> Listed {
    let shown = indices(
        log,
        place.from,
        place.to,
        place.visible_at,
        &*config.records,
    );
    let rows: Vec<usize> = if place.oldest_first {
        shown.skip(place.offset).take(size).collect()
    } else {
        let all: Vec<_> = shown.collect();
        all.into_iter()
            .rev()
            .skip(place.offset)
            .take(size)
            .collect()
    };
    let end = place.offset + rows.len();
    let quirks = config.quirks;
    let next = if end < place.total || (quirks.trailing_empty_page && !rows.is_empty()) {
        Some(seal(&Place {
            offset: end,
            log: place.log.clone(),
            ..*place
        }))
    } else if quirks.repeated_token {
        token.map(str::to_owned)
    } else {
        None
    };
    let previous = (place.offset > 0).then(|| {
        seal(&Place {
            offset: place.offset.saturating_sub(size),
            log: place.log.clone(),
            ..*place
        })
    });

    let mut body = String::from("{\"meta\":{\"status\":200");
    if !(quirks.no_pagination && next.is_none() && previous.is_none()) {
        let mut pagination = serde_json::Map::new();
        pagination.insert("pageSize".to_owned(), rows.len().into());
        if !quirks.no_total {
            pagination.insert("totalCount".to_owned(), place.total.into());
        }
        pagination.extend(next.map(|token| ("next".to_owned(), token.into())));
        pagination.extend(previous.map(|token| ("previous".to_owned(), token.into())));
        body.push_str(",\"pagination\":");
        body.push_str(&serde_json::Value::Object(pagination).to_string());
    }
    body.push_str("},\"data\":[");
    if !rows.is_empty() || place.offset > 0 {
        body.push('{');
        if log == Log::Impersonation {
            body.extend(["\"resultCount\":", &place.total.to_string(), ","]);
        }
        body.extend(["\"", log.array(), "\":["]);
        for (number, index) in rows.iter().enumerate() {
            if number > 0 {
                body.push(',');
            }
            body.push_str(&config.records.json(log, *index));
        }
        body.push_str("]}");
    }
    body.push_str("],\"fail\":[]}");
    Listed {
        body,
        rows: rows.len(),
    }
}

/// Opaque, and refused when it was changed.
fn seal(place: &Place) -> String {
    let text = serde_json::to_string(place).unwrap_or_default();
    let mark = Sha256::digest(format!("simulated{text}"));
    BASE64_URL_SAFE_NO_PAD.encode([&mark[..8], text.as_bytes()].concat())
}

fn open(token: &str) -> Option<Place> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let place = serde_json::from_slice(bytes.get(8..)?).ok()?;
    (seal(&place) == token).then_some(place)
}

/// `Date` as servers send it.
pub(super) fn http_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
