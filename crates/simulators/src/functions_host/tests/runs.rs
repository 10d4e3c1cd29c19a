use tokio::{join, time::sleep};

use super::*;

#[tokio::test]
async fn a_run_that_succeeds_is_logged_as_by_the_host() {
    let it = host(None, |_| {}).await;
    it.stage.next(Answer::Reply(
        200,
        r#"{"Outputs":{},"Logs":["url: 42 records sent, 0 left"],"ReturnValue":null}"#,
    ));
    let outcome = it.invoke(Invocation::default()).await;
    assert!(outcome.succeeded());
    assert_eq!(outcome.status, Some(200));
    let lines = it.lines("Function.GetTTPUrl", &outcome);
    assert!(lines[0].1.starts_with(
        "Executing 'Functions.GetTTPUrl' (Reason='Timer fired at 2026-11-10T09:34:00."
    ));
    assert!(lines[0].1.ends_with("+00:00', Id=<id>)"), "{lines:?}");
    let executed = "Executed 'Functions.GetTTPUrl' (Succeeded, Id=<id>, Duration=<d>)";
    assert_eq!(lines[1], (Level::Information, executed.to_owned()));
    let user = it.lines("Function.GetTTPUrl.User", &outcome);
    assert_eq!(
        user,
        [(
            Level::Information,
            "url: 42 records sent, 0 left".to_owned()
        )]
    );
    let headers = it.stage.headers.lock().unwrap()[0].clone();
    assert_eq!(
        headers["x-azure-functions-invocationid"],
        outcome.id.to_string()
    );
    assert_eq!(headers["x-azure-functions-hostversion"], HOST_VERSION);
}

#[tokio::test]
async fn a_run_that_fails_is_two_lines_each_with_a_stack_and_without_its_logs() {
    let it = host(None, |_| {}).await;
    it.stage
        .next(Answer::Reply(500, r#"{"Logs":["never shown"]}"#));
    let outcome = it.invoke(Invocation::default()).await;
    assert_eq!(
        (outcome.status, outcome.body.as_str()),
        (Some(500), r#"{"Logs":["never shown"]}"#)
    );
    let failed = "Executed 'Functions.GetTTPUrl' (Failed, Id=<id>, Duration=<d>)\nFunctionInvocationException: Exception while executing function: Functions.GetTTPUrl\n---> HttpRequestException: Response status code does not indicate success: 500 (Internal Server Error).\n   at ";
    let lines = it.lines("Function.GetTTPUrl", &outcome);
    let (level, text) = &lines[1];
    assert_eq!(*level, Level::Error);
    assert!(text.starts_with(failed), "{text}");
    assert!(text.len() > 3000, "{text}");
    assert_eq!(it.lines("Host.Results", &outcome), [lines[1].clone()]);
    assert!(!it.has("never shown"));
}

#[tokio::test]
async fn a_dropped_connection_fails_at_once() {
    let it = host(None, |_| {}).await;
    it.stage.next(Answer::Drop);
    let outcome = it.invoke(Invocation::default()).await;
    assert!(reason(&outcome).contains("An error occurred while sending the request."));
    assert_eq!(it.stage.calls(), 1);
}

#[tokio::test]
async fn both_framings_carry_the_same_body() {
    let it = host(None, |_| {}).await;
    for framing in [
        Framing::ContentLength,
        Framing::Chunked { pieces: 1 },
        Framing::Chunked { pieces: 7 },
    ] {
        let how = Invocation {
            kind: Kind::StatusNull,
            framing,
            ..Invocation::default()
        };
        assert!(it.invoke(how).await.succeeded());
        let start = r#"{"Data":{"mytimer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"GetTTPUrl","UtcNow":"2026-11-10T09:34:"#;
        assert!(
            it.stage.last_body().starts_with(start),
            "{}",
            it.stage.last_body()
        );
    }
}

#[tokio::test]
async fn a_run_over_its_time_fails_and_the_handler_is_killed_and_started_anew() {
    let it = host(Some("exec sleep 60"), |config| {
        config.function_timeout = Some(SHORT);
        config.limits.timeout_grace = SHORT;
    })
    .await;
    it.stage.next(Answer::Wait);
    let outcome = it.invoke(Invocation::default()).await;
    assert!(
        reason(&outcome).contains("FunctionTimeoutException: Timeout value of 00:00:00.0500000")
    );
    assert!(outcome.duration >= SHORT);
    assert_eq!(it.host.launches(), 2);
    assert!(it.has("Initiating cancellation."));
    assert!(it.has("Restart of language worker process(es) completed."));
    assert!(it.invoke(Invocation::default()).await.succeeded());
}

#[tokio::test]
async fn a_run_that_ends_within_the_grace_saves_the_handler() {
    let it = host(Some("exec sleep 60"), |config| {
        config.function_timeout = Some(SHORT);
        config.limits.timeout_grace = LONG;
    })
    .await;
    it.stage.next(Answer::Wait);
    let released = async {
        sleep(SHORT * 3).await;
        it.stage.release.notify_one();
    };
    let (outcome, ()) = join!(it.invoke(Invocation::default()), released);
    assert!(reason(&outcome).contains("FunctionTimeoutException"));
    assert_eq!(it.host.launches(), 1);
}

#[tokio::test]
async fn an_answer_without_result_hangs_until_the_time_is_up() {
    let limit = SHORT * 4;
    let it = host(Some("exec sleep 60"), |config| {
        config.function_timeout = Some(limit);
        config.limits.timeout_grace = SHORT;
    })
    .await;
    for (times, body) in [(1, ""), (2, "null")] {
        it.stage.next(Answer::Reply(200, body));
        let outcome = it.invoke(Invocation::default()).await;
        assert_eq!(outcome.state, State::NoResult);
        assert!(outcome.duration >= limit, "{outcome:?}");
        assert_eq!(it.host.launches(), 1 + times);
    }
    assert!(it.has("Timeout value of 00:00:00.2000000 exceeded by function 'Functions.GetTTPUrl'"));
}

#[tokio::test]
async fn a_time_out_kills_whichever_handler_runs_then() {
    let it = host(Some("exec sleep 60"), |config| {
        config.function_timeout = Some(SHORT * 40);
        config.limits.timeout_grace = SHORT;
    })
    .await;
    // The first handler answers without a result and dies; the run goes on waiting.
    it.stage.next(Answer::Reply(200, ""));
    let crashed = async {
        it.stage.called(1).await;
        sleep(SHORT).await;
        it.host.crash_handler();
    };
    let (outcome, ()) = join!(it.invoke(Invocation::default()), crashed);
    assert_eq!(outcome.state, State::NoResult);
    // One of them for the crash, one for the time-out.
    assert_eq!(it.host.launches(), 3);
}

#[tokio::test]
async fn a_call_by_hand_shows_an_input_only_where_one_was_given() {
    let it = host(None, |_| {}).await;
    for (input, member) in [
        (false, r#""Metadata":{"sys""#),
        (true, r#""mytimer":"\"\"","sys""#),
    ] {
        let by_hand = Invocation {
            kind: Kind::Admin,
            input,
            ..Invocation::default()
        };
        assert!(it.invoke(by_hand).await.succeeded());
        let body = it.stage.last_body();
        assert!(body.contains(member), "{body}");
    }
    let status = |name, body: &str| {
        it.host
            .admin_status(name, &serde_json::from_str(body).unwrap())
    };
    assert_eq!(status("gettTPurl", "{}"), 202);
    assert_eq!(status("GetTTPUrl", r#"{"input":""}"#), 202);
    assert_eq!(status("GetTTPUrl", r#"{"input":{}}"#), 400);
    assert_eq!(status("Nobody", "{}"), 404);
}

#[tokio::test]
async fn an_unknown_function_fails() {
    let it = host(None, |_| {}).await;
    assert_eq!(it.host.functions(), ["GetTTPUrl", "Other"]);
    assert!(reason(&it.host.tick("Nobody").await).contains("'Nobody'"));
    assert_eq!(it.host.due("Nobody"), None);
}

#[tokio::test]
async fn the_callback_sees_what_the_buffer_holds() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let it = host(None, |config| {
        config.on_log = Some(Arc::new(move |record| {
            sink.lock().unwrap().push(record.clone());
        }));
    })
    .await;
    it.tick("09:35:00").await;
    assert_eq!(*seen.lock().unwrap(), it.host.logs());
    assert!(it.has("The next 5 occurrences of the 'GetTTPUrl' schedule (Cron: '0 0,5,10,15,20,25,30,35,40,45,50,55 * * * *') will be:\n11/10/2026 09:35:00Z\n11/10/2026 09:40:00Z"));
}

#[tokio::test]
async fn runs_can_be_spawned_and_debug_shows_no_setting() {
    let it = host(Some("exec sleep 60"), |config| {
        let secret = ("KEY".to_owned(), "hunter2".to_owned());
        config.app_settings.extend([secret]);
    })
    .await;
    assert!(!format!("{:?}", it.host).contains("hunter2"));
    it.clock.set(at("09:35:00")).unwrap();
    let host = Arc::new(it.host);
    let runs = ["GetTTPUrl", "Other"].map(|function| {
        let host = Arc::clone(&host);
        tokio::spawn(async move { host.tick(function).await })
    });
    for run in runs {
        assert!(run.await.unwrap().succeeded());
    }
}
