//! Which API of Mimecast and of Log Analytics the settings choose.

use super::*;

#[test]
fn a_client_of_api_2_0_takes_the_place_of_the_keys() {
    let v2 = [
        ("mimecast_base_url", "https://api.services.mimecast.com"),
        ("mimecast_client_id", "client"),
        ("mimecast_client_secret", "s3cr3t"),
    ];
    let mut settings = good();
    settings.extend(v2.map(|(name, value)| (name, value.to_owned())));
    for keys in [true, false] {
        if !keys {
            settings.retain(|name, _| !name.ends_with("_key") || name.starts_with("log_analytics"));
        }
        let read = read(&settings).unwrap();
        assert!(matches!(read.credentials, Credentials::Client(_)));
        assert!(!format!("{read:?}").contains("s3cr3t"));
    }
}

#[test]
fn what_has_no_future_is_known() {
    use crate::model::retiring::Retiring::{DataCollector, MimecastV1};
    let v2 = [
        ("mimecast_base_url", "https://api.services.mimecast.com"),
        ("mimecast_client_id", "client"),
        ("mimecast_client_secret", "s3cr3t"),
    ];
    let retiring = |changes: &[(&'static str, &str)]| with(changes).unwrap().retiring();
    assert_eq!(retiring(&[]), [MimecastV1, DataCollector]);
    assert_eq!(retiring(&v2), [DataCollector]);
    assert_eq!(retiring(&RULE), [MimecastV1]);
    assert_eq!(retiring(&[&RULE[..], &v2].concat()), []);
    let rehearsal = ("dual_write_until", "2026-12-24");
    assert_eq!(retiring(&[RULE[0], RULE[1], rehearsal]), [MimecastV1]);
}

const GUID: &str = "0a1b2c3d-0000-4000-8000-0123456789ab";

const RULE: [(&str, &str); 2] = [
    (
        "logs_ingestion_endpoint",
        "https://a-b1c2.westeurope-1.ingest.monitor.azure.com",
    ),
    (
        "logs_ingestion_rule_id",
        "dcr-0123456789abcdef0123456789abcdef",
    ),
];

fn rule(changes: &[(&'static str, &str)]) -> Result<RuleSettings, Faults> {
    let changes = [&RULE[..], changes].concat();
    match with(&changes)?.sink {
        SinkSettings::Rule(rule) => Ok(rule),
        other => panic!("{other:?} is no rule"),
    }
}

#[test]
fn a_rule_takes_the_place_of_the_workspace_and_the_identity_is_the_apps_own() {
    let settings = rule(&[]).unwrap();
    assert_eq!(settings.audience, "https://monitor.azure.com");
    assert!(matches!(
        settings.identity,
        Identity::Managed { client_id: None }
    ));
    let settings = rule(&[("logs_ingestion_identity", GUID)]).unwrap();
    assert!(matches!(settings.identity, Identity::Managed { client_id: Some(id) } if id == GUID));
}

#[test]
fn client_credentials_are_whole_and_belong_to_the_cloud_of_the_endpoint() {
    let client = [
        ("active_directory_tenant_id", "contoso.example"),
        ("active_directory_app_id", GUID),
        ("active_directory_app_secret", "s3cr3t"),
    ];
    let settings = rule(&client).unwrap();
    assert!(!format!("{settings:?}").contains("s3cr3t"));
    let host = "https://a.usgovvirginia-1.ingest.monitor.azure.us";
    let government = [&client[..], &[("logs_ingestion_endpoint", host)]].concat();
    let settings = rule(&government).unwrap();
    assert_eq!(settings.audience, "https://monitor.azure.us");
    assert!(
        matches!(settings.identity, Identity::Client { authority, .. } if authority.as_str() == "https://login.microsoftonline.us/")
    );
    let text = rule(&client[1..]).unwrap_err().to_string();
    assert!(
        text.contains("active_directory_tenant_id: is missing beside"),
        "{text}"
    );
}

#[test]
fn a_secret_in_the_place_of_an_id_is_refused_and_not_shown() {
    let secret = "abc8Q~invented.client.secret_0123456789";
    let good = [
        ("active_directory_tenant_id", GUID),
        ("active_directory_app_id", GUID),
        ("active_directory_app_secret", secret),
    ];
    assert!(rule(&good).is_ok());
    for (name, value) in [
        ("active_directory_tenant_id", secret),
        ("active_directory_app_id", secret),
        ("active_directory_app_secret", GUID),
        ("logs_ingestion_identity", GUID),
    ] {
        let text = rule(&[&good[..], &[(name, value)]].concat())
            .unwrap_err()
            .to_string();
        assert!(text.contains(name) && !text.contains(value), "{text}");
    }
}

#[test]
fn a_rule_without_its_endpoint_or_with_its_name_for_its_id_is_a_fault() {
    for (changes, found) in [
        (
            [("logs_ingestion_rule_id", "mimecast-ttp")],
            "`mimecast-ttp` is not the immutable ID of a rule",
        ),
        (
            [(
                "logs_ingestion_endpoint",
                "http://a.ingest.monitor.azure.com",
            )],
            "is not https",
        ),
        (
            [("logs_ingestion_endpoint", " ")],
            "logs_ingestion_endpoint: is missing",
        ),
    ] {
        let text = rule(&changes).unwrap_err().to_string();
        assert!(text.contains(found), "{text}");
    }
}

#[test]
fn a_rehearsal_needs_both_sinks_and_a_day() {
    let until = ("dual_write_until", "2026-12-24");
    let read = with(&[RULE[0], RULE[1], until]).unwrap();
    assert!(
        matches!(read.sink, SinkSettings::Both { until, .. } if until.to_rfc3339() == "2026-12-24T00:00:00+00:00")
    );
    let text = with(&[until]).unwrap_err().to_string();
    for part in [
        "logs_ingestion_endpoint: is missing",
        "dual_write_until: starts a rehearsal",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let soon = ("dual_write_until", "soon");
    let text = with(&[RULE[0], RULE[1], soon]).unwrap_err().to_string();
    assert!(
        text.contains("`soon` is neither a date nor a time"),
        "{text}"
    );
}

#[test]
fn half_a_workspace_beside_a_rule_is_a_fault() {
    let mut settings = good();
    settings.extend(RULE.map(|(name, value)| (name, value.to_owned())));
    let _key = settings.remove("log_analytics_workspace_key");
    let text = read(&settings).unwrap_err().to_string();
    assert!(
        text.contains("log_analytics_workspace_key: is missing beside"),
        "{text}"
    );
    let _id = settings.remove("log_analytics_workspace_id");
    assert!(read(&settings).is_ok());
}

#[test]
fn half_a_client_and_the_other_apis_host_are_faults() {
    let fault = |changes: &[(&'static str, &str)]| with(changes).unwrap_err().to_string();
    let text = fault(&[("mimecast_client_id", "client")]);
    assert!(
        text.contains("mimecast_client_secret: is missing"),
        "{text}"
    );
    assert!(
        text.contains("`eu-api.mimecast.com` is a host of API 1.0"),
        "{text}"
    );
    let text = fault(&[("mimecast_base_url", "https://us-api.services.mimecast.com")]);
    assert!(text.contains("is a host of API 2.0"), "{text}");
}
