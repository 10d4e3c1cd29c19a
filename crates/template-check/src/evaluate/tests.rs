//! The evaluator on small templates, and on the one that the project has had all along.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Deployed, Target, deploy};
use crate::{
    change::{Files, apply},
    clouds::CLOUDS,
};

const WORKSPACE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/logs";

fn try_deploy(template: &Value, given: &Value) -> Result<Deployed, String> {
    let [cloud, ..] = &CLOUDS;
    let target = Target {
        cloud,
        subscription: "s".to_owned(),
        group: "g".to_owned(),
        location: cloud.location,
    };
    let workspace =
        json!({ "type": "Microsoft.OperationalInsights/workspaces", "location": "northeurope" });
    let existing = BTreeMap::from([(WORKSPACE.to_owned(), workspace.into())]);
    deploy(
        template,
        given.as_object().unwrap_or(&Map::new()),
        &target,
        &existing,
    )
}

fn names(deployed: &Deployed) -> Vec<&str> {
    deployed
        .resources
        .iter()
        .map(|resource| resource.name.as_str())
        .collect()
}

#[test]
fn the_logs_ingestion_template_makes_its_rule_behind_its_tables() {
    let text = include_str!("../../../../deploy/logs-ingestion.json");
    let template = serde_json::from_str(text).unwrap();
    let deployed = try_deploy(&template, &json!({ "workspaceName": "logs" })).unwrap();
    let expected = [
        "logs/MimecastTTPUrl_CL",
        "logs/MimecastTTPAttachment_CL",
        "logs/MimecastTTPImpersonation_CL",
        "logs/MimecastTTPHealth_CL",
        "mimecast-ttp",
    ];
    assert_eq!(names(&deployed), expected);
    let rule = deployed
        .of("Microsoft.Insights/dataCollectionRules")
        .next()
        .unwrap();
    assert_eq!(rule.waits_for.len(), 5);
    let destination = &rule.body["properties"]["destinations"]["logAnalytics"][0];
    assert_eq!(destination["workspaceResourceId"], WORKSPACE);
    let id = deployed.outputs["ruleId"]["value"].as_str().unwrap();
    assert!(id.starts_with("dcr-") && id.len() == 36, "{id}");

    let given = json!({ "workspaceName": "logs", "principalId": "p" });
    let deployed = try_deploy(&template, &given).unwrap();
    let grant = deployed
        .of("Microsoft.Authorization/roleAssignments")
        .next()
        .unwrap();
    assert!(
        grant.id.starts_with(&format!("{}/providers/", rule.id)),
        "{}",
        grant.id
    );
}

/// A nested deployment, a loop, a condition, and what each of them reads.
fn sample() -> Value {
    json!({
        "parameters": {
            "names": { "type": "array", "defaultValue": ["a", "b"] },
            "key": { "type": "secureString", "defaultValue": "" },
            "more": { "type": "bool", "defaultValue": false }
        },
        "variables": {
            "account": "[concat(variables('base'), '1')]",
            "base": "store",
            "copy": [{ "name": "upper", "count": 2, "input": "[toUpper(parameters('names')[copyIndex('upper')])]" }]
        },
        "resources": [
            {
                "type": "Microsoft.Storage/storageAccounts/blobServices/containers",
                "name": "[format('{0}/default/{1}', variables('account'), parameters('names')[copyIndex()])]",
                "copy": { "name": "containers", "count": "[length(parameters('names'))]" },
                "dependsOn": ["[resourceId('Microsoft.Storage/storageAccounts', variables('account'))]"]
            },
            { "type": "Microsoft.Storage/storageAccounts", "name": "[variables('account')]" },
            {
                "condition": "[parameters('more')]",
                "type": "Microsoft.Web/sites",
                "name": "site",
                "identity": { "type": "SystemAssigned" },
                "dependsOn": ["containers"]
            },
            {
                "type": "Microsoft.Resources/deployments",
                "name": "inner",
                "resourceGroup": "other",
                "dependsOn": ["store1", "site"],
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": { "scope": "inner" },
                    "parameters": {
                        "key": { "value": "[listKeys('store1', '2025-06-01').keys[0].value]" },
                        "region": { "value": format!("[reference('{WORKSPACE}', '2025-07-01', 'Full').location]") }
                    },
                    "template": {
                        "parameters": { "key": { "type": "secureString" }, "region": { "type": "string" } },
                        "resources": [{
                            "type": "Microsoft.Web/serverfarms",
                            "name": "farm",
                            "location": "[parameters('region')]",
                            "properties": { "key": "[parameters('key')]" }
                        }],
                        "outputs": { "id": { "type": "string", "value": "[resourceId('Microsoft.Web/serverfarms', 'farm')]" } }
                    }
                }
            }
        ],
        "outputs": {
            "farm": { "type": "string", "value": "[reference(resourceId('other', 'Microsoft.Resources/deployments', 'inner')).outputs.id.value]" },
            "who": { "type": "string", "value": "[if(parameters('more'), reference('site', '2025-03-01', 'Full').identity.principalId, '')]" },
            "upper": { "type": "array", "value": "[variables('upper')]" }
        }
    })
}

#[test]
fn loops_conditions_order_and_nested_deployments_come_out() {
    let deployed = try_deploy(&sample(), &json!({ "key": "quite secret" })).unwrap();
    let expected = [
        "store1",
        "store1/default/a",
        "store1/default/b",
        "farm",
        "inner",
    ];
    assert_eq!(names(&deployed), expected);
    let farm = deployed.of("Microsoft.Web/serverfarms").next().unwrap();
    assert_eq!(
        farm.id,
        "/subscriptions/s/resourceGroups/other/providers/Microsoft.Web/serverfarms/farm"
    );
    assert_eq!(farm.body["location"], "northeurope");
    assert!(deployed.has_secret(farm.body["properties"]["key"].as_str().unwrap()));
    assert!(deployed.has_secret("a quite secret text") && !deployed.has_secret("store1"));
    assert_eq!(deployed.outputs["farm"]["value"], farm.id.as_str());
    assert_eq!(deployed.outputs["upper"]["value"], json!(["A", "B"]));
    assert_eq!(deployed.outputs["who"]["value"], "");
    let with_site = try_deploy(&sample(), &json!({ "more": true })).unwrap();
    assert_eq!(
        with_site.outputs["who"]["value"].as_str().unwrap().len(),
        36
    );
    let nested = with_site.resources.last().unwrap();
    assert_eq!(nested.waits_for.len(), 5, "{nested:?}");
}

/// Changes of the sample, and what is said of each.
const REFUSED: &str = r#"
template.outputs.who.value = "[reference('site').x]" => outputs.who: reads
template.outputs.upper.type = "string" => outputs.upper: ["A","B"] is no string
remove template.resources[inner].dependsOn => properties.parameters.key.value: reads
template.resources[1].location = "[reference('site').x]" => resources[1].location: reference() has no answer yet
template.resources[2].dependsOn = ["nothing"] => resources[2].dependsOn: "nothing" is not declared
template.resources[1].dependsOn = ["inner"] => resources wait for each other
template.resources[1].name = "a/b" => resources[1]: Microsoft.Storage/storageAccounts does not fit
template.variables.base = "[variables('account')]" => variables.base: the variable account needs itself
template.variables.base = "[parameters('other')]" => there is no parameter other
template.parameters.more.defaultValue = "no" => parameters.more: "no" is no bool
remove template.resources[inner].properties.expressionEvaluationOptions => choose inner
template.resources[inner].properties.parameters.more = {"value": 1} => properties.template.parameters.more is given but not declared
"#;

/// The one file there is.
struct OnlyTemplate(Value);

impl Files for OnlyTemplate {
    fn json(&mut self, name: &str) -> Option<&mut Value> {
        (name == "template").then_some(&mut self.0)
    }

    fn text(&mut self, _: &str) -> Option<&mut String> {
        None
    }
}

#[test]
fn what_the_service_would_refuse_is_refused_with_its_place() {
    for (change, expected) in REFUSED
        .trim()
        .lines()
        .map(|line| line.split_once(" => ").unwrap())
    {
        let mut only = OnlyTemplate(sample());
        apply(change, &mut only).unwrap();
        let error = try_deploy(&only.0, &json!({})).expect_err(expected);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// The most of each kind that the engine takes, and one more.
#[test]
fn a_template_has_at_most_as_many_of_each_as_the_engine_takes() {
    let many = |count: usize, item: Value| -> Value {
        let items = (0..count).map(|index| (format!("n{index}"), item.clone()));
        Value::Object(items.collect())
    };
    let resources = |count: usize| {
        json!([
            { "type": "A.B/c", "name": "one" },
            { "type": "A.B/c", "name": "[concat('n', string(copyIndex()))]", "copy": { "name": "n", "count": count - 1 } }
        ])
    };
    let parameter = json!({ "type": "string", "defaultValue": "" });
    let output = json!({ "type": "string", "value": "" });
    let template = |what: &str, count: usize| {
        let value = match what {
            "parameters" => many(count, parameter.clone()),
            "variables" => many(count, "".into()),
            "outputs" => many(count, output.clone()),
            _ => resources(count),
        };
        Value::Object(Map::from_iter([(what.to_owned(), value)]))
    };
    for (what, most) in [
        ("parameters", 256),
        ("variables", 512),
        ("outputs", 64),
        ("resources", 800),
    ] {
        let of = |count| try_deploy(&template(what, count), &json!({}));
        assert!(of(most).is_ok(), "{what}");
        let error = of(most + 1).expect_err(what);
        assert!(error.contains(&format!("{most} are the most")), "{error}");
    }
    let long = json!([{ "type": "A.B/c", "name": "n", "copy": { "name": "n", "count": 801 } }]);
    let error = try_deploy(&json!({ "resources": long }), &json!({})).unwrap_err();
    assert!(error.contains("800 are the most"), "{error}");
    let loops = many(1, "".into());
    let looped = |count: usize| json!({ "variables": { "copy": (0..count).map(|index| json!({ "name": format!("n{index}"), "count": 1, "input": "" })).collect::<Value>(), "n": loops } });
    assert!(try_deploy(&looped(511), &json!({})).is_ok());
    let error = try_deploy(&looped(512), &json!({})).unwrap_err();
    assert!(error.contains("513 variables"), "{error}");
}
