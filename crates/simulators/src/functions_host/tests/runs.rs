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
async fn a_run_that_fails_is_logged_as_by_the_host_without_its_logs() {
    let it = host(None, |_| {}).await;
    it.stage
        .next(Answer::Reply(500, r#"{"Logs":["never shown"]}"#));
    let outcome = it.invoke(Invocation::default()).await;
    assert_eq!(
        (outcome.status, outcome.body.as_str()),
        (Some(500), r#"{"Logs":["never shown"]}"#)
    );
    let failed = "Executed 'Functions.GetTTPUrl' (Failed, Id=<id>, Duration=<d>)\nFunctionInvocationException: Exception while executing function: Functions.GetTTPUrl\n---> HttpRequestException: Response status code does not indicate success: 500 (Internal Server Error).";
    let lines = it.lines("Function.GetTTPUrl", &outcome);
    assert_eq!(lines[1], (Level::Error, failed.to_owned()));
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
async fn an_answer_without_result_ends_as_a_time_out() {
    let it = host(Some("exec sleep 60"), |_| {}).await;
    for (times, body) in [(1, ""), (2, "null")] {
        it.stage.next(Answer::Reply(200, body));
        let outcome = it.invoke(Invocation::default()).await;
        assert_eq!(outcome.state, State::NoResult);
        assert_eq!(it.host.launches(), 1 + times);
    }
    assert!(it.has("Timeout value of 00:00:20 exceeded by function 'Functions.GetTTPUrl'"));
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
    let host = Arc::new(it.host);
    let runs = [1, 2].map(|_| {
        let host = Arc::clone(&host);
        tokio::spawn(async move { host.tick("Other").await })
    });
    for run in runs {
        assert!(run.await.unwrap().succeeded());
    }
}
