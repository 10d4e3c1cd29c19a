//! From texts to typed settings.

use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use super::{
    CheckpointSettings, Faults, Settings, SinkSettings, mimecast,
    reader::{SettingsReader, shown},
    sink,
};
use crate::{
    azure::{connection_string, storage_account::is_account_name},
    log_analytics::MAX_POST_BYTES,
    model::progress::Lookback,
};

pub(super) fn settings(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Faults> {
    let mut reader = SettingsReader::new(lookup);
    let mimecast = mimecast::read(&mut reader);
    let sink = sink::read(&mut reader);
    let checkpoints = checkpoints(&mut reader);
    let lookback = Lookback {
        first_run: TimeDelta::days(
            reader
                .number(
                    "lookback_days",
                    7,
                    1,
                    30,
                    "7 (Mimecast keeps the logs for 30 days)",
                )
                .into(),
        ),
        settle: TimeDelta::seconds(reader.number("settle_seconds", 15, 0, 3600, "15").into()),
        late_arrival: TimeDelta::minutes(
            reader
                .number("late_arrival_minutes", 15, 0, 1440, "15")
                .into(),
        ),
        reconcile: TimeDelta::hours(reader.number("reconcile_hours", 24, 1, 168, "24").into()),
    };
    let run_budget = reader.number(
        "run_budget_seconds",
        240,
        10,
        3600,
        "240 (below the host's functionTimeout)",
    );
    // Larger values are taken for "as large as allowed".
    let batch_max_bytes = reader.number("batch_max_bytes", 1_000_000, 10_000, u32::MAX, "1000000");

    let parallel_ranges = reader.number("parallel_ranges", 4, 1, 16, "4");
    let health_rows = reader.switch("health_rows", true);

    match (mimecast, sink, checkpoints) {
        (Some((mimecast_base, credentials)), Some(sink), Some(checkpoints))
            if reader.is_content() =>
        {
            Ok(Settings {
                mimecast_base,
                credentials,
                sink,
                checkpoints,
                lookback,
                run_budget: Duration::from_secs(run_budget.into()),
                batch_max_bytes: usize::try_from(batch_max_bytes)
                    .unwrap_or(MAX_POST_BYTES)
                    .min(MAX_POST_BYTES),
                parallel_ranges: usize::try_from(parallel_ranges).unwrap_or(1),
                health_rows,
            })
        }
        _ => Err(reader.into_faults()),
    }
}

pub(super) fn storage(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<CheckpointSettings, Faults> {
    let mut reader = SettingsReader::new(lookup);
    match checkpoints(&mut reader) {
        Some(checkpoints) if reader.is_content() => Ok(checkpoints),
        _ => Err(reader.into_faults()),
    }
}

pub(super) fn only_sink(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SinkSettings, Faults> {
    let mut reader = SettingsReader::new(lookup);
    match sink::read(&mut reader) {
        Some(sink) if reader.is_content() => Ok(sink),
        _ => Err(reader.into_faults()),
    }
}

fn checkpoints(reader: &mut SettingsReader<'_>) -> Option<CheckpointSettings> {
    let container = reader
        .optional("checkpoint_container")
        .unwrap_or_else(|| "ttp-checkpoints".to_owned());
    if !is_container_name(&container) {
        let found = format!("{} is not a valid container name", shown(&container));
        reader.fault(
            "checkpoint_container",
            found,
            "ttp-checkpoints (3 to 63 lower-case letters, digits and single hyphens)",
        );
    }
    if let Some(folder) = reader.optional("checkpoint_dir") {
        return Some(CheckpointSettings::Folder(folder.into()));
    }
    if let Some(text) = reader.optional("AzureWebJobsStorage") {
        return match connection_string::parse(&text) {
            Ok(access) => Some(CheckpointSettings::ConnectionString { access, container }),
            Err(error) => {
                reader.fault("AzureWebJobsStorage", error.to_string(), "DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...;EndpointSuffix=core.windows.net");
                None
            }
        };
    }
    let client_id = reader.optional("AzureWebJobsStorage__clientId");
    Some(CheckpointSettings::Identity {
        endpoint: blob_endpoint(reader)?,
        client_id,
        container,
    })
}

/// The blob service that a managed identity reaches.
fn blob_endpoint(reader: &mut SettingsReader<'_>) -> Option<Url> {
    let uri = reader.optional("AzureWebJobsStorage__blobServiceUri");
    let account = reader.optional("AzureWebJobsStorage__accountName");
    match (uri, account) {
        (Some(uri), _) => {
            let (name, example) = (
                "AzureWebJobsStorage__blobServiceUri",
                "https://ACCOUNT.blob.core.windows.net",
            );
            let url = reader.address(name, &uri, example)?;
            if url.scheme() != "https" {
                reader.fault(name, "is not https, which an identity needs", example);
                return None;
            }
            Some(url)
        }
        (None, Some(account)) if is_account_name(&account) => {
            Url::parse(&format!("https://{account}.blob.core.windows.net")).ok()
        }
        (None, Some(account)) => {
            let found = format!("{} is not a valid storage account name", shown(&account));
            reader.fault(
                "AzureWebJobsStorage__accountName",
                found,
                "mimecastttp01 (3 to 24 lower-case letters and digits)",
            );
            None
        }
        (None, None) => {
            if !reader.is_set("AzureWebJobsStorage") {
                reader.fault(
                    "AzureWebJobsStorage",
                    "is missing, and so are AzureWebJobsStorage__accountName and AzureWebJobsStorage__blobServiceUri",
                    "UseDevelopmentStorage=true; or set checkpoint_dir to keep checkpoints in a folder",
                );
            }
            None
        }
    }
}

/// As Azure documents it.
fn is_container_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}
