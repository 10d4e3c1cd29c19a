use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("2026-11-10T{text}Z"))
        .unwrap()
        .to_utc()
}

fn every_five_minutes() -> Timer {
    Timer::new(Schedule::parse("0 */5 * * * *").unwrap(), false, true)
}

fn run(timer: &mut Timer, now: &str) -> Run {
    let run = timer.begin(at(now));
    timer.finish(&run);
    run
}

fn next(run: &Run) -> DateTime<Utc> {
    run.status.unwrap().next
}

#[test]
fn the_first_run_sees_the_year_one_and_the_blob_the_start_of_the_listener() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    let blob = timer.status().unwrap();
    assert_eq!((blob.last, blob.last_updated), (None, Some(at("09:33:00"))));
    let first = run(&mut timer, "09:35:00.01");
    let expected = Status {
        last: None,
        next: at("09:35:00"),
        last_updated: None,
    };
    assert_eq!(first.status, Some(expected));
    assert!(!first.is_past_due);
}

#[test]
fn a_restart_before_the_first_run_shows_when_the_listener_first_started() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    timer.start_listener(at("09:34:00"));
    let status = timer.begin(at("09:35:00")).status.unwrap();
    assert_eq!(
        (status.last, status.last_updated),
        (None, Some(at("09:33:00")))
    );
}

#[test]
fn a_run_sees_its_own_time_as_next_and_the_start_of_the_one_before_as_last() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    run(&mut timer, "09:35:00.0031214");
    let second = run(&mut timer, "09:40:00.01");
    let expected = Status {
        last: Some(at("09:35:00.0031214")),
        next: at("09:40:00"),
        last_updated: Some(at("09:35:00.0031214")),
    };
    assert_eq!(second.status, Some(expected));
    assert_eq!(timer.status().unwrap().next, at("09:45:00"));
}

#[test]
fn ticks_missed_during_a_long_run_collapse_into_one_that_is_not_past_due() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("11:59:00"));
    run(&mut timer, "12:00:00");
    assert_eq!(timer.due(at("12:17:00")), at("12:05:00"));
    let late = run(&mut timer, "12:17:00");
    assert_eq!((next(&late), late.is_past_due), (at("12:05:00"), false));
    assert_eq!(timer.due(at("12:17:01")), at("12:20:00"));
}

#[test]
fn a_listener_that_starts_late_makes_one_run_past_due_and_only_one() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    run(&mut timer, "09:35:00.009773");
    timer.start_listener(at("11:07:12"));
    assert_eq!(timer.due(at("11:07:12")), at("11:07:12"));
    let caught_up = run(&mut timer, "11:07:12.44");
    assert_eq!(caught_up.reason, Reason::PastDue);
    assert_eq!(
        (next(&caught_up), caught_up.is_past_due),
        (at("09:40:00"), true)
    );
    let normal = run(&mut timer, "11:10:00");
    assert_eq!((next(&normal), normal.is_past_due), (at("11:10:00"), false));
}

#[test]
fn a_run_that_the_host_did_not_survive_is_past_due_after_it() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    let _killed = timer.begin(at("09:35:00"));
    timer.start_listener(at("09:35:30"));
    let again = timer.begin(at("09:35:30"));
    assert_eq!((next(&again), again.is_past_due), (at("09:35:00"), true));
}

#[test]
fn a_changed_schedule_is_not_past_due() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    run(&mut timer, "09:35:00");
    timer.change_schedule(Schedule::parse("0 */15 * * * *").unwrap());
    timer.start_listener(at("11:07:12"));
    let status = timer.status().unwrap();
    assert_eq!((status.last, status.next), (None, at("11:15:00")));
    assert!(!timer.begin(at("11:15:00")).is_past_due);
}

#[test]
fn a_tick_that_comes_early_counts_as_on_time() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    run(&mut timer, "09:34:59.8");
    let status = timer.status().unwrap();
    assert_eq!(
        (status.last, status.next),
        (Some(at("09:35:00")), at("09:40:00"))
    );
}

#[test]
fn an_admin_run_sees_the_coming_tick_and_changes_nothing() {
    let mut timer = every_five_minutes();
    timer.start_listener(at("09:33:00"));
    run(&mut timer, "09:35:00");
    let before = timer.status();
    let admin = timer.admin(at("09:37:20"));
    assert_eq!((next(&admin), admin.is_past_due), (at("09:40:00"), false));
    assert_eq!(timer.status(), before);
}

#[test]
fn run_on_startup_runs_once_per_listener_unless_past_due() {
    let mut timer = Timer::new(Schedule::parse("0 */5 * * * *").unwrap(), true, true);
    timer.start_listener(at("09:33:00"));
    let startup = run(&mut timer, "09:33:00");
    assert_eq!(
        (startup.reason, startup.is_past_due),
        (Reason::RunOnStartup, false)
    );
    assert_eq!(run(&mut timer, "09:35:00").reason, Reason::Schedule);
    timer.start_listener(at("10:00:30"));
    assert_eq!(run(&mut timer, "10:00:30").reason, Reason::PastDue);
}

#[test]
fn a_schedule_below_a_minute_has_no_status_and_is_never_past_due() {
    let mut timer = Timer::new(Schedule::parse("*/10 * * * * *").unwrap(), false, true);
    timer.start_listener(at("09:33:00"));
    assert_eq!(run(&mut timer, "09:33:10").status, None);
    assert_eq!(timer.due(at("09:33:11")), at("09:33:20"));
    timer.start_listener(at("09:50:00"));
    let late = run(&mut timer, "09:50:10");
    assert_eq!((late.status, late.is_past_due), (None, false));
}
