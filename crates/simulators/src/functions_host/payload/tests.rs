use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn run(last: Option<&str>, next: &str, reason: Reason) -> Run {
    Run {
        started: at(next),
        status: Some(Status {
            last: last.map(at),
            next: at(next),
            last_updated: last.map(at),
        }),
        is_past_due: reason == Reason::PastDue,
        reason,
    }
}

fn content<'a>(run: &'a Run, utc_now: &str, guid: &str) -> Content<'a> {
    Content {
        function: "GetTTPUrl",
        binding: "mytimer",
        adjust_for_dst: true,
        run,
        year_one_without_offset: false,
        input: Some(""),
        zone: Zone::default(),
        retry_context: false,
        serialized_at: at(utc_now),
        rand_guid: guid.parse().unwrap(),
    }
}

const GUID: &str = "0b9d5b0a-5d0e-4c0e-8c56-6a1f0f3f7a21";

#[test]
fn a_normal_tick_is_written_as_the_host_writes_it() {
    let run = run(
        Some("2026-11-10T09:30:00.0031214Z"),
        "2026-11-10T09:35:00Z",
        Reason::Schedule,
    );
    assert_eq!(
        content(&run, "2026-11-10T09:35:00.0118452Z", GUID).body(),
        concat!(
            r#"{"Data":{"mytimer":{"Schedule":{"AdjustForDST":true},"#,
            r#""ScheduleStatus":{"Last":"2026-11-10T09:30:00.0031214+00:00","Next":"2026-11-10T09:35:00+00:00","LastUpdated":"2026-11-10T09:30:00.0031214+00:00"},"#,
            r#""IsPastDue":false}},"#,
            r#""Metadata":{"sys":{"MethodName":"GetTTPUrl","UtcNow":"2026-11-10T09:35:00.0118452Z","RandGuid":"0b9d5b0a-5d0e-4c0e-8c56-6a1f0f3f7a21"}}}"#
        )
    );
}

#[test]
fn a_run_past_due_is_written_as_the_host_writes_it() {
    let run = run(
        Some("2026-11-10T09:35:00.009773Z"),
        "2026-11-10T09:40:00Z",
        Reason::PastDue,
    );
    assert_eq!(
        content(
            &run,
            "2026-11-10T11:07:12.4472081Z",
            "5f8c3f57-9a86-4b5c-8f1f-0f6a7e2f9a0c"
        )
        .body(),
        concat!(
            r#"{"Data":{"mytimer":{"Schedule":{"AdjustForDST":true},"#,
            r#""ScheduleStatus":{"Last":"2026-11-10T09:35:00.009773+00:00","Next":"2026-11-10T09:40:00+00:00","LastUpdated":"2026-11-10T09:35:00.009773+00:00"},"#,
            r#""IsPastDue":true}},"#,
            r#""Metadata":{"sys":{"MethodName":"GetTTPUrl","UtcNow":"2026-11-10T11:07:12.4472081Z","RandGuid":"5f8c3f57-9a86-4b5c-8f1f-0f6a7e2f9a0c"}}}"#
        )
    );
}

#[test]
fn an_admin_run_is_written_as_the_host_writes_it() {
    let run = run(
        Some("2026-11-10T09:35:00.009773Z"),
        "2026-11-10T09:40:00Z",
        Reason::Admin,
    );
    let mut content = content(
        &run,
        "2026-11-10T09:37:20.3310427Z",
        "e4c1f6a2-3b7d-4c9a-9f55-7d20c8b1a6e3",
    );
    assert_eq!(
        content.body(),
        concat!(
            r#"{"Data":{"mytimer":{"Schedule":{"AdjustForDST":true},"#,
            r#""ScheduleStatus":{"Last":"2026-11-10T09:35:00.009773+00:00","Next":"2026-11-10T09:40:00+00:00","LastUpdated":"2026-11-10T09:35:00.009773+00:00"},"#,
            r#""IsPastDue":false}},"#,
            r#""Metadata":{"mytimer":"\"\"","sys":{"MethodName":"GetTTPUrl","UtcNow":"2026-11-10T09:37:20.3310427Z","RandGuid":"e4c1f6a2-3b7d-4c9a-9f55-7d20c8b1a6e3"}}}"#
        )
    );
    content.binding = "myTrigger";
    assert!(content.body().contains(r#""Metadata":{"sys":"#));
    (content.binding, content.input) = ("mytimer", None);
    assert!(content.body().contains(r#""Metadata":{"sys":"#));
}

#[test]
fn a_first_run_shows_the_year_one_with_and_without_offset() {
    let run = run(None, "2026-11-10T09:35:00Z", Reason::Schedule);
    let mut content = content(&run, "2026-11-10T09:35:00Z", GUID);
    let with = r#""Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-10T09:35:00+00:00","LastUpdated":"0001-01-01T00:00:00+00:00""#;
    assert!(content.body().contains(with), "{}", content.body());
    content.year_one_without_offset = true;
    let without = r#""Last":"0001-01-01T00:00:00","Next":"2026-11-10T09:35:00+00:00","LastUpdated":"0001-01-01T00:00:00""#;
    assert!(content.body().contains(without), "{}", content.body());
}

#[test]
fn dates_are_those_of_the_hosts_zone() {
    let mut run = run(
        Some("2026-03-29T00:30:00.5Z"),
        "2026-03-29T01:00:00Z",
        Reason::Schedule,
    );
    let mut wire = content(&run, "2026-03-29T01:00:00Z", GUID);
    wire.zone = Zone::named("Europe/Berlin").unwrap();
    let summer = r#""Last":"2026-03-29T01:30:00.5+01:00","Next":"2026-03-29T03:00:00+02:00""#;
    assert!(wire.body().contains(summer), "{}", wire.body());
    assert!(wire.body().contains(r#""UtcNow":"2026-03-29T01:00:00Z""#));
    run.status = run.status.map(|status| Status {
        last: None,
        ..status
    });
    let mut wire = content(&run, "2026-03-29T01:00:00Z", GUID);
    wire.zone = Zone::named("Europe/Berlin").unwrap();
    let first = r#""Last":"0001-01-01T00:54:00+00:54""#;
    assert!(wire.body().contains(first), "{}", wire.body());
    for (zone, next) in [
        ("Asia/Kolkata", "2026-03-29T06:30:00+05:30"),
        ("America/New_York", "2026-03-28T21:00:00-04:00"),
    ] {
        wire.zone = Zone::named(zone).unwrap();
        let last = "0001-01-01T00:00:00+00:00";
        assert_eq!(wire.body().contains(last), zone.starts_with("America"));
        let next = format!(r#""Next":"{next}""#);
        assert!(wire.body().contains(&next), "{}", wire.body());
    }
}

#[test]
fn a_run_without_status_says_null_and_a_retry_policy_adds_its_context() {
    let mut run = run(None, "2026-11-10T09:35:00Z", Reason::Schedule);
    run.status = None;
    let mut content = content(&run, "2026-11-10T09:35:00Z", GUID);
    content.retry_context = true;
    content.adjust_for_dst = false;
    assert_eq!(
        content.body(),
        concat!(
            r#"{"Data":{"mytimer":{"Schedule":{"AdjustForDST":false},"ScheduleStatus":null,"IsPastDue":false}},"#,
            r#""Metadata":{"sys":{"MethodName":"GetTTPUrl","UtcNow":"2026-11-10T09:35:00Z","RandGuid":"0b9d5b0a-5d0e-4c0e-8c56-6a1f0f3f7a21"},"#,
            r#""RetryContext":{"RetryCount":0,"MaxRetryCount":3,"Exception":null,"Instance":null,"State":{}}}}"#
        )
    );
}

#[test]
fn log_lines_show_all_seven_digits() {
    assert_eq!(
        round_trip(at("2026-11-10T09:40:00Z")),
        "2026-11-10T09:40:00.0000000+00:00"
    );
    assert_eq!(
        round_trip(at("2026-11-10T09:35:00.01023169Z")),
        "2026-11-10T09:35:00.0102316+00:00"
    );
}
