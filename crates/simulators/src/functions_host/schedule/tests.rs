use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

#[test]
fn the_next_time_is_the_first_after_the_given_one() {
    let cases = [
        (
            "0 */5 * * * *",
            "2026-11-10T09:30:00.003Z",
            "2026-11-10T09:35:00Z",
        ),
        (
            "0 */5 * * * *",
            "2026-11-10T09:35:00Z",
            "2026-11-10T09:40:00Z",
        ),
        (
            "*/5 * * * *",
            "2026-11-10T09:58:59Z",
            "2026-11-10T10:00:00Z",
        ),
        (
            "0 0 0 * * *",
            "2026-12-31T12:00:00Z",
            "2027-01-01T00:00:00Z",
        ),
        (
            "30 15 8-17/3 * * *",
            "2026-11-10T09:00:00Z",
            "2026-11-10T11:15:30Z",
        ),
        (
            "0 0 9 * * Mon-Fri",
            "2026-11-13T09:00:00Z",
            "2026-11-16T09:00:00Z",
        ),
        (
            "0 0 9 * * 1,3",
            "2026-11-10T09:00:00Z",
            "2026-11-11T09:00:00Z",
        ),
        (
            "0 0 0 29 February *",
            "2026-01-01T00:00:00Z",
            "2028-02-29T00:00:00Z",
        ),
        (
            "0 5/20 * * * *",
            "2026-11-10T09:25:00Z",
            "2026-11-10T09:45:00Z",
        ),
        (
            "59 59 23 31 12 *",
            "2026-12-31T23:59:58.9Z",
            "2026-12-31T23:59:59Z",
        ),
        (
            "10,20 * * * * *",
            "2026-11-10T09:25:15Z",
            "2026-11-10T09:25:20Z",
        ),
        (
            "00:07:30",
            "2026-11-10T09:25:15.5Z",
            "2026-11-10T09:32:45.5Z",
        ),
    ];
    for (text, from, next) in cases {
        let schedule = Schedule::parse(text).unwrap();
        assert_eq!(
            schedule.next_after(at(from)),
            at(next),
            "{text} after {from}"
        );
    }
}

#[test]
fn day_and_day_of_week_must_both_match() {
    let friday_13th = Schedule::parse("0 0 12 13 * 5").unwrap();
    let found = friday_13th.next_after(at("2026-04-01T00:00:00Z"));
    assert_eq!(found, at("2026-11-13T12:00:00Z"));
}

#[test]
fn a_day_that_never_comes_is_the_end_of_time() {
    let never = Schedule::parse("0 0 0 30 2 *").unwrap();
    let found = never.next_after(at("2026-01-01T00:00:00Z"));
    assert_eq!(found, at("9999-12-31T23:59:59.9999999Z"));
}

#[test]
fn nonsense_is_refused_in_the_words_of_the_host() {
    for text in [
        "",
        "hourly",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "0 */x * * * *",
        "0 1- * * * *",
        "0 , * * * *",
        "0 -1 * * * *",
        "0\t*/5\t*\t*\t*\t*",
    ] {
        let error = Schedule::parse(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "The schedule expression '{text}' was not recognized as a valid cron expression or timespan string."
            )
        );
    }
}

#[test]
fn looking_back_finds_the_time_that_just_passed() {
    let cases = [
        (
            "0 */5 * * * *",
            "2026-11-10T09:37:20Z",
            "2026-11-10T09:35:00Z",
        ),
        (
            "0 */5 * * * *",
            "2026-11-10T09:35:00Z",
            "2026-11-10T09:35:00Z",
        ),
        (
            "0 0 3 1 * *",
            "2026-11-10T09:35:00Z",
            "2026-11-01T03:00:00Z",
        ),
        (
            "0 0 0 29 2 *",
            "2026-11-10T09:35:00Z",
            "2024-02-29T00:00:00Z",
        ),
        ("00:05:00", "2026-11-10T09:35:00Z", "2026-11-10T09:35:00Z"),
    ];
    for (text, from, last) in cases {
        let schedule = Schedule::parse(text).unwrap();
        assert_eq!(schedule.last_at_or_before(at(from)), at(last), "{text}");
    }
}

#[test]
fn a_status_is_kept_unless_every_minute_has_more_than_one_run() {
    let kept = |text| Schedule::parse(text).unwrap().keeps_status();
    for text in [
        "0 * * * * *",
        "30 * * * * *",
        "* * * * *",
        "*/10 0 * * * *",
        "*/10 * 8-17 * * *",
        "0 0 0 30 2 *",
        "00:01:00",
    ] {
        assert!(kept(text), "{text}");
    }
    for text in [
        "*/30 * * * * *",
        "* */0 * * * *",
        "00:00:59",
        "0",
        "-00:05:00",
    ] {
        assert!(!kept(text), "{text}");
    }
}

#[test]
fn a_schedule_is_shown_with_every_value_of_its_fields() {
    for (text, shown) in [
        ("0 */20 * * * *", "Cron: '0 0,20,40 * * * *'"),
        ("*/20 * * * *", "Cron: '0,20,40 * * * *'"),
        ("0 0 9 1 jan,JUL Mon-Fri", "Cron: '0 0 9 1 1,7 1-5'"),
        (
            "0 0 22-2/2,1 * * *",
            "Cron: '0 0 1-2,4,6,8,10,12,14,16,18,20,22 * * *'",
        ),
        ("0 */0 * * * *", "Cron: '0 * * * * *'"),
        ("24:00:00", "Constant: 24.00:00:00"),
        ("-00:05:00", "Constant: -00:05:00"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn a_time_span_that_is_not_positive_gives_no_later_time() {
    let now = at("2026-11-10T09:35:00Z");
    let next = |text| Schedule::parse(text).unwrap().next_after(now);
    assert_eq!(next("0"), now);
    assert_eq!(next("-00:05:00"), at("2026-11-10T09:30:00Z"));
}

#[test]
fn schedules_follow_the_clocks_of_any_zone() {
    let daily = Schedule::parse("0 30 2 * * *").unwrap();
    for (zone, after, next) in [
        ("UTC", "2026-03-08T00:00:00Z", "2026-03-08T02:30:00Z"),
        (
            "Asia/Kolkata",
            "2026-03-08T00:00:00Z",
            "2026-03-08T21:00:00Z",
        ),
        // The clocks skip 02:30 on the first of these days.
        (
            "America/New_York",
            "2026-03-08T00:00:00Z",
            "2026-03-08T07:30:00Z",
        ),
        (
            "America/New_York",
            "2026-11-01T00:00:00Z",
            "2026-11-01T07:30:00Z",
        ),
    ] {
        let schedule = daily.clone().in_zone(Zone::named(zone).unwrap());
        assert_eq!(schedule.next_after(at(after)), at(next), "{zone}");
    }
    assert_eq!(Zone::named("Europe/Nowhere"), None);
}
