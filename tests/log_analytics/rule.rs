//! What the service refuses when the rule is deployed: each case is the template of ours with one
//! thing changed.

use serde_json::{Value, json};
use simulators::log_analytics::logs_ingestion::Rule;

const TEMPLATE: &str = include_str!("../../deploy/logs-ingestion.json");

/// The error of the template with `new` in the place of `old`.
fn refused(old: &str, new: &str) -> String {
    assert!(TEMPLATE.contains(old), "{old}");
    Rule::in_template(&TEMPLATE.replace(old, new)).unwrap_err()
}

/// The error of the template with something changed.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut template: Value = serde_json::from_str(TEMPLATE).unwrap();
    change(&mut template);
    Rule::in_template(&template.to_string()).unwrap_err()
}

/// The error with the resource of this name changed.
fn resource(name: &str, change: impl FnOnce(&mut Value)) -> String {
    changed(|template| {
        let mut resources = template["resources"].as_array_mut().unwrap().iter_mut();
        let found = resources.find(|it| it["name"].as_str().unwrap().contains(name));
        change(found.unwrap());
    })
}

fn rule(change: impl FnOnce(&mut Value)) -> String {
    changed(|template| {
        let mut resources = template["resources"].as_array_mut().unwrap().iter_mut();
        let found = resources.find(|it| it["type"] == "Microsoft.Insights/dataCollectionRules");
        change(found.unwrap());
    })
}

/// The error with the flow of attachments changed.
fn flow(change: impl FnOnce(&mut Value)) -> String {
    changed(|template| change(&mut template["variables"]["flows"][1]))
}

#[test]
fn a_column_type_that_differs_from_the_table_is_refused_by_name() {
    for (old, new, wrong) in [
        (
            r#""hits_d", "type": "real""#,
            r#""hits_d", "type": "long""#,
            "hits_d [produced:'Real', output:'Long']",
        ),
        (
            r#""hits", "type": "real""#,
            r#""hits", "type": "int""#,
            "hits_d [produced:'Int', output:'Real']",
        ),
        (
            "identifiers_s = tostring(identifiers)",
            "identifiers_s = identifiers",
            "identifiers_s [produced:'Dynamic', output:'String']",
        ),
        (
            "eventTime_t = todatetime(eventTime)",
            "eventTime_t = eventTime",
            "eventTime_t [produced:'String', output:'DateTime']",
        ),
    ] {
        let error = refused(old, new);
        assert!(
            error.contains("InvalidTransformOutput") && error.contains(wrong),
            "{error}"
        );
    }
}

#[test]
fn an_invalid_transform_is_refused() {
    for (old, new, why) in [
        ("hits_d = hits", "hits_d = misses", "declares no `misses`"),
        (
            "tostring(identifiers)",
            "tostring(identifiers.a, 1)",
            "does not take 2 arguments",
        ),
        (
            "todatetime(eventTime)), eventTime, ''",
            "todatetime(eventTime)), eventTime, hits",
            "String was expected",
        ),
        ("id_s = eventId", "senderAddress_s = eventId", "made twice"),
    ] {
        let error = refused(old, new);
        assert!(error.contains(why), "{error}");
    }
    let time = "TimeGenerated = iif(isnull(time_generated) or time_generated < ago(2d), now(), time_generated), ";
    let error = refused(time, "");
    assert!(error.contains("TimeGenerated is not made"), "{error}");
}

#[test]
fn an_incomplete_rule_is_refused() {
    for (error, why) in [
        (rule(|it| it["kind"] = json!("Linux")), "kind Direct"),
        (rule(|it| it["dependsOn"] = json!([])), "InvalidOutputTable"),
        (
            rule(|it| it["properties"]["destinations"] = json!({})),
            "no destination",
        ),
        (
            flow(|it| it["streams"] = json!(["Custom-MimecastTTPUrl_CL", "Custom-Other"])),
            "one stream",
        ),
        (
            flow(|it| it["outputStream"] = json!("MimecastTTPUrl_CL")),
            "begins with Custom-",
        ),
        (
            flow(|it| {
                let transform = &mut it["transformKql"];
                let long = format!("{}{}", transform.as_str().unwrap(), " ".repeat(15_360));
                *transform = json!(long);
            }),
            "at most 15360 characters",
        ),
        (
            changed(|template| {
                let flows = template["variables"]["flows"].as_array_mut().unwrap();
                flows.extend_from_within(..);
                flows.extend_from_within(..);
            }),
            "at most 10",
        ),
    ] {
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn impossible_columns_are_refused() {
    let long = format!("{}_s", "x".repeat(44));
    let of_table = |name: &str, kind: &str| {
        let column = json!({ "name": name, "type": kind });
        resource("MimecastTTPAttachment_CL", |it| {
            let columns = &mut it["properties"]["schema"]["columns"];
            columns.as_array_mut().unwrap().push(column);
        })
    };
    for (name, kind, why) in [
        ("id", "string", "can be called"),
        ("_s", "string", "can be called"),
        ("a-b", "string", "can be called"),
        (long.as_str(), "string", "can be called"),
        ("subject_s", "string", "twice"),
        ("more", "text", "no type"),
    ] {
        let error = of_table(name, kind);
        assert!(error.contains(why), "{name}: {error}");
    }
    let error = rule(|it| {
        let stream = &mut it["properties"]["streamDeclarations"]["Custom-MimecastTTPUrl_CL"];
        stream["columns"][0]["type"] = json!("guid");
    });
    assert!(error.contains("no type"), "{error}");
    let error = refused(
        r#""TimeGenerated", "type": "dateTime""#,
        r#""Time", "type": "dateTime""#,
    );
    assert!(error.contains("TimeGenerated"), "{error}");
}
