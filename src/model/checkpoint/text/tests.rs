use super::*;
use crate::model::{
    date_range::DateRange,
    fingerprint::Fingerprinter,
    moves::{Move, Reason},
    tally::Span,
};

fn at(text: &str) -> DateTime<Utc> {
    event_time::parse(text).unwrap()
}

fn example() -> Checkpoint {
    let (mut fingerprinter, time) = (Fingerprinter::default(), at("2026-11-24T05:00:00Z"));
    let mut example = Checkpoint::starting(at("2026-11-24T04:00:00Z"));
    for (text, before) in [(r#"{"a":1}"#, 0), (r#"{"a":2}"#, 0), (r#"{"a":3}"#, 9)] {
        let time = time - TimeDelta::seconds(before);
        example.recent.insert(time, fingerprinter.take(text));
        example.tally.add(time);
    }
    example
        .recent
        .insert_displaced(time, fingerprinter.take("{}"));
    let second = DateRange::new(time, time, time).unwrap();
    example.tally.account_for(Span::covering(second), 3);
    example.moves.push(Move {
        at: time,
        from: example.watermark,
        to: time,
        reason: Reason::Delivered,
    });
    Checkpoint {
        watermark: time,
        read_again_from: time - TimeDelta::minutes(15),
        filed_before: time - TimeDelta::minutes(20),
        reconciled_at: Some(time),
        wait: Some(Wait {
            since: time,
            until: time + TimeDelta::minutes(5),
            asked_by: Service::LogAnalytics,
        }),
        first_range: TimeDelta::hours(6),
        ..example
    }
}

#[test]
fn what_is_written_is_read_back() {
    let checkpoint = example();
    assert_eq!(
        Start::read(Some(&checkpoint.to_text(Feed::Url, "run-1")), Feed::Url),
        Ok(Start::From(Box::new(checkpoint)))
    );
}

#[test]
fn gaps_are_written_so_that_an_older_program_stops_at_them() {
    let mut checkpoint = example();
    let time = at("2026-11-24T04:30:00Z");
    let gap = Gap {
        range: DateRange::new(time, time + TimeDelta::seconds(2), checkpoint.watermark).unwrap(),
        since: time,
        tried_at: time + TimeDelta::hours(1),
        reason: "status 500".to_owned(),
    };
    assert!(checkpoint.gaps.add(gap, TimeDelta::zero()));
    checkpoint.failed_reads = 2;
    let text = checkpoint.to_text(Feed::Url, "run-1");
    assert!(text.contains(r#""version":2,"#), "{text}");
    assert!(
        text.contains(r#""failed_reads":2,"gaps":[{"from":"2026-11-24T04:30:00Z","to":"2026-11-24T04:30:02Z","since":"2026-11-24T04:30:00Z","tried_at":"2026-11-24T05:30:00Z","reason":"status 500"}],"moves""#),
        "{text}"
    );
    assert_eq!(
        Start::read(Some(&text), Feed::Url),
        Ok(Start::From(Box::new(checkpoint)))
    );
}

#[test]
fn the_text_is_fixed_because_it_outlives_the_program() {
    let text = example().to_text(Feed::Url, "run-1");
    assert!(
        text.starts_with(r#"{"kind":"mimecast-ttp checkpoint","version":1,"feed":"url","written_by":"run-1","watermark":"2026-11-24T05:00:00Z","read_again_from":"2026-11-24T04:45:00Z","filed_before":"2026-11-24T04:40:00Z","range_seconds":21600,"wait":{"since":"2026-11-24T05:00:00Z","until":"2026-11-24T05:05:00Z","asked_by":"Log Analytics"},"reconciled_at":"2026-11-24T05:00:00Z","moves":[{"at":"2026-11-24T05:00:00Z","from":"2026-11-24T04:00:00Z","to":"2026-11-24T05:00:00Z","reason":"delivered"}],"tally":{"since":"2026-11-24T04:00:00Z","first_quarter":"2026-11-24T04:45:00Z","quarters":[1,2],"explained":{"2026-11-24T05:00:00Z":1}},"displaced":{"2026-11-24T05:00:00Z":[""#),
        "{text}"
    );
    assert!(
        text.contains(r#""]},"delivered":{"2026-11-24T04:59:51Z":[""#),
        "{text}"
    );
}

#[test]
fn the_first_text_of_version_1_stays_readable() {
    let text = r#"{"kind":"mimecast-ttp checkpoint","version":1,"feed":"url","written_by":"run-1","watermark":"2026-11-24T05:00:00Z","read_again_from":"2026-11-24T04:45:00Z","delivered":{"2026-11-24T04:59:51Z":["AAECAwQFBgcICQoLDA0ODw"]}}"#;
    let Ok(Start::From(checkpoint)) = Start::read(Some(text), Feed::Url) else {
        panic!("not read")
    };
    assert_eq!(checkpoint.recent.len(), 1);
    assert_eq!(checkpoint.filed_before, checkpoint.read_again_from);
    // What was delivered before is not counted, so it is not compared either.
    assert_eq!(checkpoint.tally, Tally::new(checkpoint.watermark));
    let again = checkpoint.to_text(Feed::Url, "run-2");
    assert_eq!(
        Start::read(Some(&again), Feed::Url),
        Ok(Start::From(checkpoint))
    );
}

#[test]
fn a_rewind_sets_back_and_is_remembered() {
    let mut checkpoint = example();
    let (to, now) = (at("2026-11-24T01:00:00Z"), at("2026-11-24T06:00:00Z"));
    let before = checkpoint.clone();
    checkpoint.rewind(to, now);
    assert_eq!((checkpoint.watermark, checkpoint.read_again_from), (to, to));
    assert_eq!(checkpoint.recent, before.recent);
    assert_eq!(checkpoint.filed_before, before.filed_before);
    let last = *checkpoint.moves.iter().last().unwrap();
    assert_eq!(
        (last.from, last.to, last.reason),
        (before.watermark, to, Reason::Rewind)
    );
}

#[test]
fn a_missing_or_empty_blob_is_a_first_run() {
    for text in [None, Some(""), Some("  \r\n"), Some("\u{feff}")] {
        assert_eq!(Start::read(text, Feed::Url), Ok(Start::Fresh), "{text:?}");
    }
}

#[test]
fn the_existing_connectors_timestamp_is_taken_over_from_that_very_second() {
    for text in [
        "2026-11-24T05:00:00+0000",
        "2026-11-24T05:00:00+00:00\n",
        "2026-11-24T05:00:00Z",
    ] {
        assert_eq!(
            Start::read(Some(text), Feed::Attachment),
            Ok(Start::TakenOver(at("2026-11-24T05:00:00Z")))
        );
    }
}

#[test]
fn anything_else_is_an_error_that_says_what_was_found() {
    let ours = example().to_text(Feed::Url, "run-1");
    for (text, error) in [
        (
            "garbage",
            "it holds neither a timestamp nor a checkpoint of this program: `garbage`",
        ),
        ("{\"watermark\":\"2026-11-24T05:00:00Z\"}", "neither"),
        ("17", "neither"),
        (
            ours.strip_suffix('}').unwrap(),
            "it is damaged: it is cut off",
        ),
        (
            &ours.replace("\"url\"", "\"attachment\""),
            "it is the checkpoint of the feed `attachment`",
        ),
        (
            &ours.replace("\"version\":1", "\"version\":3"),
            "it was written by a newer program (version 3",
        ),
        (
            &ours.replace(
                "\"watermark\":\"2026-11-24T05:00:00Z\",",
                "\"watermark\":\"soon\",",
            ),
            "it is damaged: `soon` is no time",
        ),
        (
            &ours.replace("05:00:00Z\":[\"", "05:00:00Z\":[\"?"),
            "is no fingerprint",
        ),
        (
            &ours.replace("04:45:00Z\",", "05:00:01Z\","),
            "it is damaged: reading would begin after the watermark",
        ),
        (r#"["mimecast-ttp checkpoint",1,"url"]"#, "neither"),
    ] {
        let found = Start::read(Some(text), Feed::Url).unwrap_err().to_string();
        assert!(found.contains(error), "{text}: {found}");
    }
}
