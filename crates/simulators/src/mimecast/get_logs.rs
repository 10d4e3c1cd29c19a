//! The get-logs functions: from the request to the text of a page.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveTime, Utc};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::Value;

use super::{
    answer::{Answer, Failure},
    config::{Config, Quirk},
    date, fault,
    listing::{Filter, Listing, Page, Place},
    request::Request,
    token,
};
use crate::log::Log;

/// A member of the request that is refused, with why. The codes are unconfirmed.
#[derive(Debug)]
struct Refused {
    code: &'static str,
    field: &'static str,
    message: String,
}

/// Answers a get-logs call at `now`. `searchField`, `query`, `identifiers` and `actions` of the
/// impersonation log are not simulated: they are ignored like members it does not know.
pub(super) fn answer(config: &Config, log: Log, request: &Request, now: DateTime<Utc>) -> Answer {
    let (listing, place) = match question(config, log, request, now) {
        Ok(Some(found)) => found,
        Ok(None) => return fault::invalid_token(),
        Err(refused) => {
            let failure = Failure {
                field: Some(refused.field),
                ..Failure::new(refused.code, &refused.message)
            };
            return Answer::fail(200, request.item(), &failure);
        }
    };
    let page = listing.page(config.records.as_ref(), &place);
    let rows = page.rows.len();
    let text = write(config, &listing, &place, page, request.page_token());
    Answer::json(200, text, rows)
}

/// What is asked: by the token, where there is one, since it carries the question of the first
/// page. `None` for a token that is not ours or belongs to another log.
fn question(
    config: &Config,
    log: Log,
    request: &Request,
    now: DateTime<Utc>,
) -> Result<Option<(Listing, Place)>, Refused> {
    let size = page_size(config, request)?;
    if let Some(token) = request.page_token() {
        let found = token::read(config.app_key.as_bytes(), token);
        return Ok(found
            .filter(|(listing, _)| listing.log == log)
            .map(|(listing, place)| {
                let size = size.unwrap_or(place.size);
                (listing, Place { size, ..place })
            }));
    }
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let listing = Listing {
        log,
        from: date_field(request, "from")?.unwrap_or(midnight.timestamp()),
        to: date_field(request, "to")?.unwrap_or(now.timestamp()),
        oldest_first: flag(request, "oldestFirst")?.unwrap_or(false),
        visible_until: now.timestamp(),
        filters: filters(request, log)?,
    };
    if listing.from > listing.to {
        return Err(Refused {
            code: "err_validation_invalid_date_range",
            field: "from",
            message: "Field from must not be after field to".to_owned(),
        });
    }
    let size = size.unwrap_or(config.default_page_size);
    let place = listing.start(config.records.as_ref(), size);
    Ok(Some((listing, place)))
}

fn page_size(config: &Config, request: &Request) -> Result<Option<usize>, Refused> {
    let wrong = |field, expected: &str| Refused {
        code: "err_validation_invalid_pagination",
        field,
        message: format!("Field {field} must be {expected}"),
    };
    let Some(pagination) = request.pagination() else {
        return Ok(None);
    };
    if !pagination.is_object() {
        return Err(wrong("pagination", "an object"));
    }
    if pagination
        .get("pageToken")
        .is_some_and(|token| !token.is_string())
    {
        return Err(wrong("pageToken", "a string"));
    }
    match pagination.get("pageSize") {
        None => Ok(None),
        Some(size) => {
            let size = size
                .as_u64()
                .ok_or_else(|| wrong("pageSize", "a whole number"))?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            Ok(Some(size.clamp(1, config.max_page_size)))
        }
    }
}

fn date_field(request: &Request, field: &'static str) -> Result<Option<i64>, Refused> {
    let Some(value) = request.item().and_then(|item| item.get(field)) else {
        return Ok(None);
    };
    let time = value.as_str().and_then(date::parse_field);
    time.map(Some).ok_or_else(|| Refused {
        code: "err_validation_invalid_date",
        field,
        message: format!("Field {field} must be a date like 2015-11-16T14:49:18+0000"),
    })
}

fn flag(request: &Request, field: &'static str) -> Result<Option<bool>, Refused> {
    match request.item().and_then(|item| item.get(field)) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refused {
            code: "err_validation_invalid_boolean",
            field,
            message: format!("Field {field} must be true or false"),
        }),
    }
}

fn filters(request: &Request, log: Log) -> Result<Vec<Filter>, Refused> {
    let mut filters = Vec::new();
    for (member, values) in Filter::members(log) {
        if values.is_empty() {
            filters.extend(flag(request, member)?.map(|flag| Filter {
                member,
                value: flag.to_string(),
            }));
            continue;
        }
        let Some(value) = request.item().and_then(|item| item.get(*member)) else {
            continue;
        };
        match value.as_str().filter(|value| values.contains(value)) {
            Some("all") => {}
            Some(value) => filters.push(Filter {
                member,
                value: value.to_owned(),
            }),
            None => {
                return Err(Refused {
                    code: "err_validation_invalid_value",
                    field: member,
                    message: format!("Field {member} must be one of {}", values.join(", ")),
                });
            }
        }
    }
    Ok(filters)
}

/// Writes the page as text: the rows are long and many, so they are copied once and not parsed.
fn write(
    config: &Config,
    listing: &Listing,
    place: &Place,
    mut page: Page,
    asked_token: Option<&str>,
) -> String {
    let links = links(config, listing, place, &page, asked_token);
    if config.shows(Quirk::ShuffleRows) {
        // The same page comes in the same order each time, so that a failing run can be repeated.
        page.rows
            .shuffle(&mut StdRng::seed_from_u64(place.position as u64));
    }
    let counted = !config.shows(Quirk::OmitTotalCount);
    let mut text = String::from(r#"{"meta":{"status":200"#);
    let one_page = links.next.is_none() && links.previous.is_none();
    if !(one_page && config.shows(Quirk::OmitPaginationWhenOnePage)) {
        push(
            &mut text,
            format_args!(r#","pagination":{{"pageSize":{}"#, page.rows.len()),
        );
        if counted {
            push(&mut text, format_args!(r#","totalCount":{}"#, place.total));
        }
        if let Some(next) = &links.next {
            push(&mut text, format_args!(r#","next":"{next}""#));
        }
        if let Some(previous) = &links.previous {
            push(&mut text, format_args!(r#","previous":"{previous}""#));
        }
        text.push('}');
    }
    text.push_str(r#"},"data":["#);
    // A page beyond the rows was seen with `data` empty, not only the array in it.
    let bare = config.shows(Quirk::BareEmptyData) || links.next.is_some();
    if !(page.rows.is_empty() && bare) {
        text.push('{');
        if counted && listing.log == Log::Impersonation {
            push(&mut text, format_args!(r#""resultCount":{},"#, place.total));
        }
        push(&mut text, format_args!(r#""{}":["#, listing.log.array()));
        for (count, index) in page.rows.iter().enumerate() {
            if count > 0 {
                text.push(',');
            }
            config.records.write_json(listing.log, *index, &mut text);
        }
        text.push_str("]}");
    }
    text.push_str(r#"],"fail":[]}"#);
    text
}

struct Links {
    next: Option<String>,
    previous: Option<String>,
}

fn links(
    config: &Config,
    listing: &Listing,
    place: &Place,
    page: &Page,
    asked_token: Option<&str>,
) -> Links {
    let token = |place: &Place| token::write(config.app_key.as_bytes(), listing, place);
    let more = page.next.seen < place.total;
    let next = if more || config.shows(Quirk::TrailingEmptyPageWithNext) {
        Some(token(&page.next))
    } else if config.shows(Quirk::RepeatToken) {
        asked_token.map(str::to_owned)
    } else {
        None
    };
    Links {
        next,
        previous: page.previous.as_ref().map(token),
    }
}

fn push(text: &mut String, piece: std::fmt::Arguments<'_>) {
    #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
    text.write_fmt(piece).expect("a String grows");
}
