//! Settings are read whole, and faults told whole.

use std::collections::BTreeMap;

mod apis;
mod schedule;

use super::*;
use crate::log_analytics::MAX_POST_BYTES;

const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQ=";

fn good() -> BTreeMap<&'static str, String> {
    [
        ("mimecast_base_url", "https://eu-api.mimecast.com"),
        ("mimecast_app_id", "app"),
        ("mimecast_app_key", "app-key"),
        ("mimecast_access_key", "access-key"),
        ("mimecast_secret_key", SECRET),
        (
            "log_analytics_workspace_id",
            "11111111-2222-3333-4444-555555555555",
        ),
        ("log_analytics_workspace_key", SECRET),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn read(settings: &BTreeMap<&'static str, String>) -> Result<Settings, Faults> {
    Settings::read(|name| settings.get(name).cloned())
}

fn with(changes: &[(&'static str, &str)]) -> Result<Settings, Faults> {
    let mut settings = good();
    for (name, value) in changes {
        settings.insert(name, (*value).to_owned());
    }
    read(&settings)
}

#[test]
fn the_least_that_is_needed_is_enough() {
    let settings = read(&good()).unwrap();
    let SinkSettings::Workspace(workspace) = settings.sink else {
        panic!("a workspace");
    };
    assert_eq!(
        workspace.base.as_str(),
        "https://11111111-2222-3333-4444-555555555555.ods.opinsights.azure.com/"
    );
    assert_eq!(settings.run_budget, Duration::from_secs(240));
    assert_eq!(settings.batch_max_bytes, 1_000_000);
    assert_eq!(settings.parallel_ranges, 4);
    assert!(
        matches!(settings.checkpoints, CheckpointSettings::ConnectionString { ref container, .. } if container == "ttp-checkpoints")
    );
}

#[test]
fn all_faults_are_reported_together_each_with_an_example() {
    let faults = Settings::read(|_| None).unwrap_err();
    let names: Vec<_> = faults.0.iter().map(|fault| fault.name).collect();
    assert_eq!(
        names,
        [
            "mimecast_base_url",
            "mimecast_client_id",
            "logs_ingestion_endpoint",
            "AzureWebJobsStorage"
        ]
    );
    let text = faults.to_string();
    assert!(
        text.starts_with("4 settings are missing or wrong"),
        "{text}"
    );
    assert!(
        text.contains("mimecast_base_url: is missing; example: https://eu-api.mimecast.com"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_is_said_and_no_secret_is_shown() {
    for (name, value, found) in [
        (
            "mimecast_base_url",
            "http://eu-api.mimecast.com",
            "is not https",
        ),
        (
            "mimecast_base_url",
            "eu-api.mimecast.com",
            "does not begin with https://",
        ),
        (
            "mimecast_base_url",
            "https://eu-api.mimecast.com/api",
            "give these two only",
        ),
        (
            "mimecast_base_url",
            "https://u:s3cr3t@eu-api.mimecast.com",
            "holds a user name or password",
        ),
        (
            "mimecast_secret_key",
            "s3cr3t!",
            "is not base64 (7 characters)",
        ),
        (
            "log_analytics_workspace_key",
            "s3cr3t!",
            "is not base64 (7 characters)",
        ),
        (
            "log_analytics_workspace_id",
            "my-workspace",
            "`my-workspace` is not a GUID",
        ),
        ("log_analytics_uri", "http://example.com", "is not https"),
        (
            "AzureWebJobsStorage",
            "AccountName=acct;AccountKey=s3cr3t!",
            "`AccountKey` is not base64",
        ),
        (
            "checkpoint_container",
            "Bad_Name",
            "is not a valid container name",
        ),
        (
            "lookback_days",
            "60",
            "`60` is not a whole number from 1 to 30",
        ),
        ("settle_seconds", "-1", "is not a whole number"),
        (
            "run_budget_seconds",
            "4m",
            "is not a whole number from 10 to 3600",
        ),
        ("mimecast_app_id", "two words", "contains a space"),
        (
            "mimecast_access_key",
            "s3cr3t\nkey",
            "contains a space or another character",
        ),
        ("mimecast_access_key", "\"s3cr3t\"", "has quotes around it"),
        (
            "mimecast_base_url",
            "'https://eu-api.mimecast.com'",
            "has quotes around it",
        ),
        (
            "batch_max_bytes",
            "10",
            "is not a whole number from 10000 up",
        ),
        ("parallel_ranges", "0", "is not a whole number from 1 to 16"),
        (
            "mimecast_email",
            "svc@example.com",
            "is missing beside mimecast_email",
        ),
        (
            "mimecast_password",
            "s3cr3t",
            "is missing beside mimecast_password",
        ),
    ] {
        let faults = with(&[(name, value)]).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{name}={value}: {faults}");
        assert!(
            faults.0[0].found.contains(found),
            "{name}={value}: {faults}"
        );
        assert!(!faults.to_string().contains("s3cr3t"), "{faults}");
    }
}

#[test]
fn an_unresolved_key_vault_reference_is_called_one() {
    for name in [
        "mimecast_secret_key",
        "mimecast_app_key",
        "log_analytics_workspace_key",
        "AzureWebJobsStorage",
        "mimecast_base_url",
        "lookback_days",
    ] {
        let faults = with(&[(
            name,
            "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x)",
        )])
        .unwrap_err();
        assert_eq!(faults.0.len(), 1, "{faults}");
        assert_eq!(faults.0[0].name, name);
        assert!(
            faults.0[0].found.contains("unresolved Key Vault reference"),
            "{faults}"
        );
    }
}

#[test]
fn plain_http_is_for_this_machine_only() {
    for value in [
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ] {
        assert!(
            with(&[("mimecast_base_url", value), ("log_analytics_uri", value)]).is_ok(),
            "{value}"
        );
    }
    assert!(with(&[("mimecast_base_url", "http://10.0.0.1")]).is_err());
}

#[test]
fn white_space_from_copying_is_dropped() {
    let padded = format!("  {SECRET}\r\n");
    assert!(
        with(&[
            ("mimecast_secret_key", &padded),
            ("log_analytics_workspace_key", &padded)
        ])
        .is_ok()
    );
}

#[test]
fn a_post_is_never_larger_than_the_service_takes() {
    assert_eq!(
        with(&[("batch_max_bytes", "40000000")])
            .unwrap()
            .batch_max_bytes,
        MAX_POST_BYTES
    );
}

#[test]
fn storage_is_found_by_identity_or_folder_too() {
    let mut settings = good();
    settings.remove("AzureWebJobsStorage");
    settings.insert(
        "AzureWebJobsStorage__accountName",
        "mimecastttp01".to_owned(),
    );
    let Ok(Settings {
        checkpoints:
            CheckpointSettings::Identity {
                endpoint,
                client_id,
                ..
            },
        ..
    }) = read(&settings)
    else {
        panic!("not by identity")
    };
    assert_eq!(
        (endpoint.as_str(), client_id),
        ("https://mimecastttp01.blob.core.windows.net/", None)
    );
    settings.insert(
        "AzureWebJobsStorage__blobServiceUri",
        "https://a.blob.core.usgovcloudapi.net".to_owned(),
    );
    settings.insert("AzureWebJobsStorage__clientId", "id".to_owned());
    let Ok(Settings {
        checkpoints:
            CheckpointSettings::Identity {
                endpoint,
                client_id,
                ..
            },
        ..
    }) = read(&settings)
    else {
        panic!("not by identity")
    };
    assert_eq!(
        (endpoint.as_str(), client_id.as_deref()),
        ("https://a.blob.core.usgovcloudapi.net/", Some("id"))
    );
    settings.insert("checkpoint_dir", "/tmp/checkpoints".to_owned());
    assert!(matches!(
        read(&settings).unwrap().checkpoints,
        CheckpointSettings::Folder(_)
    ));
}

#[test]
fn no_debug_text_holds_a_secret() {
    let mut settings = good();
    for name in [
        "mimecast_app_key",
        "mimecast_access_key",
        "mimecast_email",
        "mimecast_password",
    ] {
        settings.insert(name, "s3cr3t".to_owned());
    }
    settings.insert("mimecast_email", "svc@example.com".to_owned());
    let text = format!("{:?}", read(&settings).unwrap());
    for hidden in ["s3cr3t", SECRET, "Eby8vdM0"] {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[test]
fn a_key_in_the_wrong_setting_is_not_shown() {
    let key =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    for name in [
        "mimecast_base_url",
        "log_analytics_workspace_id",
        "log_analytics_uri",
        "checkpoint_container",
        "lookback_days",
        "batch_max_bytes",
    ] {
        let text = with(&[(name, key)]).unwrap_err().to_string();
        assert!(
            text.contains(name) && text.contains("88 characters"),
            "{text}"
        );
        assert!(!text.contains("AAEC"), "{text}");
    }
    let mut settings = good();
    settings.remove("AzureWebJobsStorage");
    settings.insert(
        "AzureWebJobsStorage__accountName",
        format!("AccountName=a;AccountKey={key}"),
    );
    settings.insert("AzureWebJobsStorage__blobServiceUri", String::new());
    let text = read(&settings).unwrap_err().to_string();
    assert!(!text.contains("AAEC"), "{text}");
    let signed = "https://a.blob.core.windows.net/?sig=s3cr3t".to_owned();
    settings.insert("AzureWebJobsStorage__blobServiceUri", signed);
    let text = read(&settings).unwrap_err().to_string();
    assert!(
        text.contains("give these two only") && !text.contains("s3cr3t"),
        "{text}"
    );
}
