use tokio::{join, time::sleep};

use super::*;

#[tokio::test]
async fn ticks_follow_the_clock_and_the_status() {
    let it = host(None, |_| {}).await;
    assert_eq!(it.host.due("gettTPurl"), Some(at("09:35:00")));
    it.tick("09:35:00").await;
    assert!(
        it.stage
            .last_body()
            .contains(r#""Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-10T09:35:00+00:00""#)
    );
    it.stage.next(Answer::Reply(500, ""));
    it.tick("09:40:00").await;
    // The status advances after a failure too.
    assert_eq!(it.host.status("GetTTPUrl").unwrap().next, at("09:45:00"));
    it.clock.set(at("11:07:12")).unwrap();
    it.host.restart_listener();
    let outcome = it.host.tick("GetTTPUrl").await;
    assert!(it.stage.last_body().contains(r#""IsPastDue":true"#));
    let details = "Trigger Details: UnscheduledInvocationReason: IsPastDue, OriginalSchedule: 2026-11-10T09:45:00.0000000+00:00";
    let lines = it.lines("Function.GetTTPUrl", &outcome);
    assert!(
        lines.contains(&(Level::Information, details.to_owned())),
        "{lines:?}"
    );
    it.tick("11:10:00").await;
    assert!(it.stage.last_body().contains(r#""IsPastDue":false"#));
}

#[tokio::test]
async fn nothing_runs_that_is_not_due_and_nothing_twice_at_one_time() {
    let it = host(None, |_| {}).await;
    let early = it.tick("09:34:59").await;
    assert_eq!(
        reason(&early),
        "'GetTTPUrl' is not due before 2026-11-10 09:35:00 UTC"
    );
    assert!(it.tick("09:35:00").await.succeeded());
    let again = it.host.tick("GetTTPUrl").await;
    assert_eq!(
        reason(&again),
        "'GetTTPUrl' is not due before 2026-11-10 09:40:00 UTC"
    );
    assert_eq!(it.stage.calls(), 1);
    assert_eq!(it.host.status("GetTTPUrl").unwrap().next, at("09:40:00"));
}

#[tokio::test]
async fn what_host_json_says_of_logging_holds() {
    let quiet = |config: &mut Config| {
        let filter = "AzureFunctionsJobHost__logging__logLevel__Function".to_owned();
        config.app_settings.insert(filter, "Warning".to_owned());
    };
    let it = host(None, quiet).await;
    let outcome = it.tick("09:35:00").await;
    assert!(outcome.succeeded());
    assert_eq!(it.lines("Function.GetTTPUrl", &outcome), []);
    assert!(it.has("The next 5 occurrences"), "another category");
}

#[tokio::test]
async fn scheduled_runs_of_one_function_do_not_overlap_but_all_others_do() {
    let it = host(None, |_| {}).await;
    it.clock.set(at("09:35:00")).unwrap();
    for _ in 0..4 {
        it.stage.next(Answer::Wait);
    }
    let admin = Invocation {
        kind: Kind::Admin,
        ..Invocation::default()
    };
    let released = async {
        it.stage.called(3).await;
        sleep(SHORT).await;
        assert_eq!(it.stage.calls(), 3);
        it.clock.set(at("09:40:00")).unwrap();
        it.stage.release.notify_waiters();
        it.stage.called(4).await;
        it.stage.release.notify_one();
    };
    let (first, second, other, by_hand, ()) = join!(
        it.host.tick("GetTTPUrl"),
        it.host.tick("GetTTPUrl"),
        it.host.tick("Other"),
        it.invoke(admin),
        released
    );
    assert!(
        [first, second, other, by_hand]
            .iter()
            .all(Outcome::succeeded)
    );
    assert_eq!(it.stage.most_active.load(Ordering::SeqCst), 3);
    assert!(it.has("This function was programmatically called via the host APIs."));
}

#[tokio::test]
async fn a_run_that_is_killed_leaves_no_trace_in_the_status() {
    let it = host(Some("exec sleep 60"), |_| {}).await;
    it.tick("09:35:00").await;
    let before = it.host.status("GetTTPUrl");
    it.stage.next(Answer::Wait);
    let killed = async {
        it.stage.called(2).await;
        it.host.kill().await;
    };
    let (outcome, ()) = join!(it.tick("09:40:00"), killed);
    assert!(reason(&outcome).contains("the host stopped during the run"));
    assert_eq!(it.host.status("GetTTPUrl"), before);
    let refused = it.invoke(Invocation::default()).await;
    assert!(reason(&refused).contains("the instance was taken away"));
    it.host.restart_listener();
    assert!(it.host.due("GetTTPUrl").unwrap() > at("09:40:00"));
}

#[tokio::test]
async fn a_killed_host_comes_back_with_the_missed_run_past_due() {
    let it = host(None, |_| {}).await;
    it.tick("09:35:00").await;
    it.host.kill().await;
    assert!(it.host.stop_reason().is_some());
    it.clock.set(at("10:02:00")).unwrap();
    it.host.restart().await.unwrap();
    assert_eq!(it.host.stop_reason(), None);
    assert!(it.host.tick("GetTTPUrl").await.succeeded());
    assert!(
        it.stage
            .last_body()
            .contains(r#""Next":"2026-11-10T09:40:00+00:00","LastUpdated":"2026-11-10T09:35:00."#)
    );
    assert!(it.stage.last_body().contains(r#""IsPastDue":true"#));
}

#[tokio::test]
async fn a_crash_of_the_handler_brings_it_back_and_the_third_ends_the_host() {
    let it = host(Some("exec sleep 60"), |_| {}).await;
    for launches in 2..=3 {
        it.host.crash_handler();
        while it.host.launches() < launches {
            sleep(Duration::from_millis(5)).await;
        }
        it.host.wait_until_ready().await.unwrap();
        assert!(it.invoke(Invocation::default()).await.succeeded());
    }
    it.host.crash_handler();
    while it.host.stop_reason().is_none() {
        sleep(Duration::from_millis(5)).await;
    }
    let error = it.host.wait_until_ready().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Exceeded http worker restart retry count"),
        "{error}"
    );
}

#[tokio::test]
async fn the_third_crash_ends_the_host_but_the_run_is_not_repeated() {
    let it = host(Some("exec sleep 60"), |_| {}).await;
    for launches in 2..=3 {
        it.host.crash_handler();
        while it.host.launches() < launches {
            sleep(Duration::from_millis(5)).await;
        }
        it.host.wait_until_ready().await.unwrap();
    }
    it.stage.next(Answer::Wait);
    let crashed = async {
        it.stage.called(1).await;
        it.host.crash_handler();
    };
    let (outcome, ()) = join!(it.tick("09:35:00"), crashed);
    assert!(!outcome.succeeded());
    assert!(it.host.stop_reason().is_some());
    it.host.restart_listener();
    assert_eq!(it.host.due("GetTTPUrl"), Some(at("09:40:00")));
}

#[tokio::test]
async fn an_orphan_of_a_killed_host_lives_on_beside_the_new_handler() {
    let it = host(Some("exec sleep 60"), |config| {
        config.initialization_timeout = Some(SHORT * 10);
    })
    .await;
    it.tick("09:35:00").await;
    let before = it.host.status("GetTTPUrl");
    it.stage.next(Answer::Wait);
    let killed = async {
        it.stage.called(2).await;
        it.host.kill_alone().await.unwrap()
    };
    let (outcome, mut orphan) = join!(it.tick("09:40:00"), killed);
    assert!(reason(&outcome).contains("the host was killed"));
    assert_eq!(it.host.status("GetTTPUrl"), before);
    // The next handler has a port of its own, at which nobody answers here.
    it.host.restart().await.unwrap_err();
    assert_eq!(it.host.launches(), 3);
    assert!(orphan.is_running());
    it.host.kill().await;
    assert!(orphan.is_running());
    orphan.kill().await;
}

#[tokio::test]
async fn a_host_that_stops_waits_for_a_timers_run_and_cuts_a_call_by_hand_at_once() {
    let it = host(Some("exec sleep 60"), |_| {}).await;
    for _ in 0..2 {
        it.stage.next(Answer::Wait);
    }
    let by_hand = Invocation {
        kind: Kind::Admin,
        ..Invocation::default()
    };
    let stopped = async {
        it.stage.called(2).await;
        it.host.stop().await;
    };
    let released = async {
        it.stage.called(2).await;
        sleep(SHORT * 4).await;
        it.stage.release.notify_waiters();
    };
    let (run, cut, (), ()) = join!(it.tick("09:35:00"), it.invoke(by_hand), stopped, released);
    assert!(run.succeeded());
    assert!(reason(&cut).contains("it cut the call"));
    assert_eq!(it.host.status("GetTTPUrl").unwrap().next, at("09:40:00"));
    let late = it.host.tick("GetTTPUrl").await;
    assert!(reason(&late).contains("the host stops"));
}

#[tokio::test]
async fn a_host_that_stops_waits_only_so_long() {
    let it = host(Some("exec sleep 60"), |config| {
        config.limits.stop_wait = SHORT;
    })
    .await;
    it.tick("09:35:00").await;
    let before = it.host.status("GetTTPUrl");
    it.stage.next(Answer::Wait);
    let stopped = async {
        it.stage.called(2).await;
        it.host.stop().await;
    };
    let (outcome, ()) = join!(it.tick("09:40:00"), stopped);
    assert!(reason(&outcome).contains("the host was stopped"));
    assert_eq!(it.host.status("GetTTPUrl"), before);
}

#[tokio::test]
async fn a_bad_schedule_disables_its_function_in_silence() {
    let it = host(None, |config| {
        let json =
            r#"{"bindings":[{"name":"mytimer","type":"timerTrigger","schedule":"every hour"}]}"#;
        fs::write(config.app_root.join("Other/function.json"), json).unwrap();
    })
    .await;
    assert_eq!(it.host.stop_reason(), None);
    assert_eq!(it.host.functions(), ["GetTTPUrl"]);
    assert!(it.host.disabled("other").unwrap().contains("'every hour'"));
    assert_eq!(it.host.disabled("GetTTPUrl"), None);
    let refused = it.host.tick("Other").await;
    assert!(reason(&refused).contains("the host disabled 'Other'"));
    assert_eq!(it.host.due("Other"), None);
    assert_eq!(it.host.admin_status("Other", &Value::Null), 202);
    assert_eq!(it.stage.calls(), 0);
    assert!(it.has("Function 'Functions.Other' failed indexing and will be disabled."));
    assert!(it.tick("09:35:00").await.succeeded());
}

#[tokio::test]
async fn a_run_waits_for_a_handler_that_is_not_ready_only_so_long() {
    let it = host(None, |config| config.initialization_timeout = Some(SHORT)).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let worker = Worker::start(None, port, LONG, it.host.limits, it.host.book.clone());
    *it.host.worker.lock().unwrap() = Arc::new(worker);
    let outcome = it.invoke(Invocation::default()).await;
    assert!(outcome.duration >= SHORT * 4);
    let expected = "Final functionDispatcher state: Initializing. Initialization timed out and host is shutting down";
    assert_eq!(reason(&outcome), expected);
    assert!(it.host.stop_reason().is_some());
}

#[tokio::test]
async fn a_start_that_fails_says_why_in_the_handlers_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let host_json =
        r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"/bin/sh"}}}"#;
    fs::write(folder.path().join("host.json"), host_json).unwrap();
    fs::create_dir(folder.path().join("A")).unwrap();
    let json = r#"{"bindings":[{"name":"t","type":"timerTrigger","schedule":"0 * * * * *"}]}"#;
    fs::write(folder.path().join("A/function.json"), json).unwrap();
    let mut config = Config::new(folder.path(), SimClock::at(at("09:34:00")));
    config.arguments = Some(vec!["-c".to_owned(), "echo no key >&2; exit 3".to_owned()]);
    let error = FunctionsHost::start(config.clone()).await.unwrap_err();
    assert!(matches!(error, HostError::ShutDown { .. }));
    assert!(error.to_string().contains("no key"), "{error}");
    config.executable = Some("/no/such/program".into());
    let error = FunctionsHost::start(config).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/program"), "{error}");
}
