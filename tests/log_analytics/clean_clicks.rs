//! Each click is stored once, in the table that `cleanClicks` says, or not at all.

use std::sync::Arc;

use mimecast_ttp::net::http::Request;
use serde_json::{Value, json};
use simulators::log_analytics::{
    NdjsonFolder,
    logs_ingestion::{Config, Rule},
};

use crate::{caller::Caller, logs_ingestion::config};

/// Clicks, and whether they are clean.
fn clicks() -> Vec<(bool, Value)> {
    vec![
        (true, json!({"scanResult": "clean", "action": "allow"})),
        (
            true,
            json!({"scanResult": "Safe", "action": "Allowed", "adminOverride": "N/A", "userOverride": "None"}),
        ),
        (false, json!({"scanResult": "malicious", "action": "allow"})),
        (false, json!({"scanResult": "clean", "action": "block"})),
        (
            false,
            json!({"scanResult": "clean", "action": "allow", "userOverride": "Allow"}),
        ),
        (
            false,
            json!({"scanResult": "clean", "action": "allow", "advancedPhishingResult": {}}),
        ),
        (false, json!({})),
    ]
}

#[tokio::test]
async fn each_click_is_stored_where_it_is_wanted_and_nowhere_else() {
    let template = include_str!("../../deploy/logs-ingestion.json");
    for plan in ["Analytics", "Basic", "Drop"] {
        let given = json!({ "cleanClicks": plan });
        let rule = Rule::with_parameters(template, given.as_object().unwrap()).unwrap();
        let caller = Caller::new(Config { rule, ..config() }).await;
        let mut sent = Vec::new();
        for (number, (_, mut click)) in clicks().into_iter().enumerate() {
            click["time_generated"] = json!("2026-03-02T07:00:00Z");
            click["mimecastFingerprint"] = json!(format!("row {number}"));
            sent.push(click);
        }
        let (status, code) = caller.post_body(json!(sent).to_string()).await;
        assert_eq!((status, code.as_str()), (204, ""), "{plan}");
        let stored = |table: &str| {
            let rows = caller.rows.texts(table).into_iter();
            let rows = rows.map(|row| serde_json::from_str::<Value>(&row).unwrap());
            let names = rows.map(|row| row["mimecastFingerprint"].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        let numbered = |is_wanted: &dyn Fn(bool) -> bool| {
            let numbered = clicks().into_iter().enumerate();
            let wanted = numbered.filter(|(_, (is_clean, _))| is_wanted(*is_clean));
            let names = wanted.map(|(number, _)| format!("row {number}"));
            names.collect::<Vec<_>>()
        };
        let with_others = numbered(&|is_clean| plan == "Analytics" || !is_clean);
        assert_eq!(stored("MimecastTTPUrl_CL"), with_others, "{plan}");
        let apart = numbered(&|is_clean| plan == "Basic" && is_clean);
        assert_eq!(stored("MimecastTTPUrlClean_CL"), apart, "{plan}");
    }
}

#[tokio::test]
async fn the_health_rows_say_where_clean_clicks_go() {
    let template = include_str!("../../deploy/logs-ingestion.json");
    for plan in ["Analytics", "Basic", "Drop"] {
        let given = json!({ "cleanClicks": plan });
        let rule = Rule::with_parameters(template, given.as_object().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = Arc::new(NdjsonFolder::create(folder.path()).unwrap());
        let mut config = Config { rule, ..config() };
        config.sinks.push(files.clone());
        let caller = Caller::new(config).await;
        let row = json!([{"time_generated": "2026-03-02T07:00:00Z", "feed": "url"}]);
        let to_health = |request: &mut Request| {
            let url = request
                .url
                .as_str()
                .replace("MimecastTTPUrl", "MimecastTTPHealth");
            request.url = url.parse().unwrap();
            request.body = row.to_string().into();
        };
        assert_eq!(caller.post(to_health).await.0, 204);
        let stored = std::fs::read_to_string(files.path("MimecastTTPHealth_CL")).unwrap();
        let stored: Value = serde_json::from_str(&stored).unwrap();
        assert_eq!(stored["cleanClicks_s"], plan);
    }
}
