//! The real program between real sockets: as the host starts it, and as a person does.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code"
)]

mod ends;
mod room;
#[path = "../support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex};

use axum::http::HeaderValue;
use simulators::server::Server;
use support::{
    azurite::Azurite,
    program::{Handler, Services, command, until},
};

pub(crate) fn with(services: &Services, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut settings = services.settings();
    settings.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    settings
}

/// Two invocations with a killed process in between; the second delivers only what is new.
async fn delivers_once(storage: (&str, &str)) {
    let services = Services::start(1200, 7).await;
    let settings = with(&services, &[storage, ("lookback_days", "1")]);

    let handler = Handler::start(&settings).await;
    let (status, answer) = handler.invoke().await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(services.counts(), [1200; 3]);
    let first = handler.kill();

    services.show_new();
    let handler = Handler::start(&settings).await;
    let (status, answer) = handler.invoke().await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("url: complete; 7 delivered"), "{answer}");
    assert_eq!(services.counts(), [1207; 3]);
    let second = handler.kill();

    for (stream, line) in first.iter().chain(&second) {
        assert_eq!(*stream, "stdout", "no errors: {line}");
        assert!(line.starts_with("INFO "), "{line}");
        for secret in services.secrets() {
            assert!(!line.contains(&secret), "a secret in: {line}");
        }
    }
}

#[tokio::test]
async fn two_invocations_deliver_each_record_once_with_checkpoints_in_blob_storage() {
    let azurite = Azurite::start();
    delivers_once(("AzureWebJobsStorage", &azurite.connection_string())).await;
}

#[tokio::test]
async fn two_invocations_deliver_each_record_once_with_checkpoints_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    delivers_once(("checkpoint_dir", folder.path().to_str().unwrap())).await;
}

#[tokio::test]
async fn a_failed_invocation_logs_an_error_answers_500_and_shows_no_secret() {
    let services = Services::start(3, 0).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("url-checkpoint.txt"),
        "a warning, not a time",
    )
    .unwrap();
    let mut settings = with(
        &services,
        &[("checkpoint_dir", folder.path().to_str().unwrap())],
    );
    let wrong_key = "d3Jvbmcgd29ya3NwYWNlIGtleQ==";
    for (name, value) in &mut settings {
        if name == "log_analytics_workspace_key" {
            wrong_key.clone_into(value);
        }
    }
    let handler = Handler::start(&settings).await;
    let (status, _) = handler.invoke().await;
    assert_eq!(status, 500);
    let output = handler.kill();
    let errors: Vec<_> = output
        .iter()
        .filter(|(stream, _)| *stream == "stderr")
        .map(|(_, line)| line)
        .collect();
    for expected in [
        "feed=url outcome=failed",
        "feed=attachment outcome=failed",
        "feed=impersonation outcome=failed",
        "The invocation failed",
    ] {
        assert!(
            errors.iter().any(|line| line.contains(expected)),
            "{expected}: {output:?}"
        );
    }
    for line in &errors {
        assert!(line.starts_with("ERROR "), "{line}");
        // The host would call such a line a warning.
        assert!(!line.to_ascii_lowercase().contains("warn"), "{line}");
    }
    for (_, line) in &output {
        for secret in services
            .secrets()
            .iter()
            .map(String::as_str)
            .chain([wrong_key])
        {
            assert!(!line.contains(secret), "a secret in: {line}");
        }
    }
    assert_eq!(services.counts(), [0; 3]);
}

#[tokio::test]
async fn what_does_not_work_is_logged_once_and_not_at_every_failed_run() {
    // Of the first nothing can be saved, so that every run is a first one.
    for (name, wrong, failed, well) in [
        ("mimecast_secret_key", "d3Jvbmcga2V5", 3, 1 + 3 + 4),
        (
            "log_analytics_workspace_key",
            "d3Jvbmcga2V5",
            4,
            3 + 1 + 1 + 3,
        ),
    ] {
        let services = Services::start(3, 0).await;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let settings = with(&services, &[("checkpoint_dir", folder), (name, wrong)]);
        let handler = Handler::start(&settings).await;
        assert_eq!(handler.invoke().await.0, 500);
        until(|| handler.count("Checked") == failed + well).await;
        for _ in 0..2 {
            assert_eq!(handler.invoke().await.0, 500);
        }
        let counts = ["Checked: this does not work.", "Checked."].map(|text| handler.count(text));
        assert_eq!(counts, [failed, well], "{name}");
    }
}

#[tokio::test]
async fn invalid_settings_keep_the_handler_up_and_are_reported_at_every_invocation() {
    let settings = [(
        "mimecast_secret_key".to_owned(),
        "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)".to_owned(),
    )];
    let handler = Handler::start(&settings).await;
    for _ in 0..2 {
        let (status, answer) = handler.invoke().await;
        assert_eq!(status, 500);
        assert!(answer.contains("mimecast_base_url: is missing"), "{answer}");
        assert!(
            answer.contains("unresolved Key Vault reference"),
            "{answer}"
        );
    }
    let output = handler.kill();
    assert!(
        output
            .iter()
            .any(|(stream, line)| *stream == "stderr"
                && line.contains("settings are missing or wrong")),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_schedule_by_which_the_host_never_calls_is_told_at_the_start() {
    for (schedule, reason) in [
        ("0 0 24 * * *", "its hour has to be"),
        ("* * * *", "it has to have six fields"),
        ("0 0 0 30 2 *", "names only days that no month of it has"),
        ("", "it is missing"),
        ("0 */5 * * * *", ""),
        ("00:05:00", ""),
    ] {
        let settings = [("timer_schedule".to_owned(), schedule.to_owned())];
        let handler = Handler::start(&settings).await;
        // It serves: the answer is about the other settings, which are missing too.
        assert_eq!(handler.invoke().await.0, 500);
        let output = handler.kill();
        let told: Vec<_> = output
            .iter()
            .filter(|(_, line)| line.contains("will never call the function"))
            .collect();
        if reason.is_empty() {
            assert!(told.is_empty(), "{schedule}: {told:?}");
            continue;
        }
        let [(stream, line)] = told.as_slice() else {
            panic!("{schedule}: {output:?}");
        };
        assert_eq!(*stream, "stderr");
        assert!(line.starts_with("ERROR "), "{line}");
        for part in [reason, "timer_schedule", "0 */5 * * * *"] {
            assert!(line.contains(part), "{line}");
        }
    }
}

#[tokio::test]
async fn log_format_chooses_json_and_a_value_that_names_none_is_told_once() {
    let lines = async |format: &str| {
        let handler = Handler::start(&[("LOG_FORMAT".to_owned(), format.to_owned())]).await;
        assert_eq!(handler.invoke().await.0, 500);
        handler.kill()
    };
    for (stream, line) in lines("json").await {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let level = value["level"].as_str().unwrap();
        assert_eq!(stream == "stderr", level == "ERROR", "{line}");
        assert!(!value["message"].as_str().unwrap().is_empty(), "{line}");
    }
    for (format, told) in [("text", 0), ("yaml", 1)] {
        let lines = lines(format).await;
        let is_of_the_format = |line: &String| line.contains("LOG_FORMAT is neither");
        let found = lines.iter().filter(|(_, line)| is_of_the_format(line));
        assert_eq!(found.count(), told, "{lines:?}");
        let has_level = |line: &String| line.starts_with("INFO ") || line.starts_with("ERROR ");
        let is_text = |line: &String| is_of_the_format(line) || has_level(line);
        assert!(lines.iter().all(|(_, line)| is_text(line)), "{lines:?}");
    }
}

#[tokio::test]
async fn run_makes_one_pass_and_its_exit_code_tells_the_outcome() {
    let services = Services::start(20, 0).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = with(
        &services,
        &[("checkpoint_dir", folder.path().to_str().unwrap())],
    );
    let run = |arguments: &[&str], settings: &[(String, String)]| {
        let mut command = command(settings);
        command.args(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };

    let one = run(&["run", "--feed", "url", "--json"], &settings)
        .await
        .unwrap();
    assert_eq!(one.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(report["feeds"][0]["feed"], "url");
    assert_eq!(report["feeds"][0]["outcome"], "complete");
    assert_eq!(report["feeds"][0]["delivered"], 20);
    assert_eq!(services.counts(), [20, 0, 0]);

    let all = run(&["run"], &settings).await.unwrap();
    assert_eq!(all.status.code(), Some(0));
    assert_eq!(String::from_utf8(all.stdout).unwrap().lines().count(), 3);
    assert_eq!(services.counts(), [20; 3]);

    let unwritable = with(&services, &[("checkpoint_dir", "/proc/none")]);
    for _ in 0..2 {
        let failed = run(&["run"], &unwritable).await.unwrap();
        assert_eq!(failed.status.code(), Some(1));
        let text = String::from_utf8(failed.stdout).unwrap();
        assert!(text.contains("Nothing was delivered, since"), "{text}");
    }
    assert_eq!(
        services.counts(),
        [20; 3],
        "nothing is posted that cannot be remembered"
    );

    std::fs::write(folder.path().join("attachment-checkpoint.txt"), "garbage").unwrap();
    let failed = run(&["run"], &settings).await.unwrap();
    assert_eq!(failed.status.code(), Some(1));

    let faulty = run(&["run"], &[]).await.unwrap();
    assert_eq!(faulty.status.code(), Some(2));
    assert!(
        String::from_utf8(faulty.stderr)
            .unwrap()
            .contains("AzureWebJobsStorage: is missing")
    );
}

/// What an identity endpoint was asked: the address, and the header of the platform.
type Asked = Arc<Mutex<Vec<(String, Option<HeaderValue>)>>>;

/// An identity endpoint that gives a token to everyone.
async fn identity_endpoint() -> (Server, Asked) {
    let asked = Asked::default();
    let router = axum::Router::new().fallback({
        let asked = asked.clone();
        move |request: axum::extract::Request| async move {
            let header = request.headers().get("x-identity-header").cloned();
            asked.lock().unwrap().push((request.uri().to_string(), header));
            (
                [("content-type", "application/json")],
                r#"{"access_token":"s3cr3t-token","expires_on":"4102444800","resource":"https://storage.azure.com","token_type":"Bearer"}"#,
            )
        }
    });
    (Server::start(router, 0).await.unwrap(), asked)
}

/// Only up to the token: a blob service that takes one must be https, which no simulator here is.
#[tokio::test]
async fn the_managed_identity_is_asked_for_a_storage_token() {
    let (identity, asked) = identity_endpoint().await;
    let services = Services::start(1, 0).await;
    let settings = with(
        &services,
        &[
            ("AzureWebJobsStorage__blobServiceUri", "https://127.0.0.1:0"),
            (
                "AzureWebJobsStorage__clientId",
                "11111111-2222-3333-4444-555555555555",
            ),
            (
                "IDENTITY_ENDPOINT",
                &format!("{}/msi/token", identity.url()),
            ),
            ("IDENTITY_HEADER", "header-of-the-platform"),
            ("RUST_LOG", "trace"),
            // There is nothing to wait for.
            ("run_budget_seconds", "10"),
        ],
    );
    let output = tokio::task::spawn_blocking(move || {
        command(&settings)
            .args(["run", "--feed", "url"])
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains(
            "Reading the checkpoint https://127.0.0.1:0/ttp-checkpoints/url-checkpoint.txt"
        ),
        "{text}"
    );
    for secret in ["s3cr3t-token", "header-of-the-platform"] {
        assert!(!text.contains(secret), "{text}");
    }
    let asked = asked.lock().unwrap();
    let (uri, header) = asked.first().expect("the identity endpoint is asked");
    assert!(
        uri.contains("resource=https%3A%2F%2Fstorage.azure.com")
            || uri.contains("resource=https://storage.azure.com"),
        "{uri}"
    );
    assert!(
        uri.contains("client_id=11111111-2222-3333-4444-555555555555"),
        "{uri}"
    );
    assert_eq!(header.as_ref().unwrap(), "header-of-the-platform");
}

#[tokio::test]
async fn serve_without_a_port_says_what_to_do() {
    let output = tokio::task::spawn_blocking(|| command(&[]).output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("FUNCTIONS_CUSTOMHANDLER_PORT is not set") && text.contains("--help"),
        "{text}"
    );
}

pub(crate) fn run_command(settings: &[(String, String)]) -> std::process::Command {
    let mut command = command(settings);
    command.arg("run");
    command
}
