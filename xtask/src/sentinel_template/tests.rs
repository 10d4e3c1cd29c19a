use serde::de::DeserializeOwned;

use super::*;

/// A rule, a hunting query or a parser with what all have, and with this.
fn query<T: DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).unwrap()
}

fn parser_named(name: &str, more: &str) -> Parser {
    let mut parser: Parser = query(&format!(
        "id: 1\nFunction: {{ Title: {name}, Version: 1.0.0, LastUpdated: 2026-01-01 }}\n\
         Category: Microsoft Sentinel Parser\nFunctionName: {name}\nFunctionAlias: {name}\n{more}"
    ));
    parser.key = name.to_owned();
    parser
}

/// One of each.
fn content() -> Content {
    let mut hunt: Hunt = query(
        "id: 1\nname: Few\ndescription: Finds.\nrequiredDataConnectors: []\ntactics: [A, B]\nrelevantTechniques: []\n\
         query: '[few]'\nentityMappings: []\nversion: 1.0.0",
    );
    hunt.key = "few".to_owned();
    Content {
        parsers: vec![
            parser_named(
                "Inner",
                "FunctionQuery: \"// Outer calls this.\\nTable_CL\"",
            ),
            parser_named(
                "Outer",
                "FunctionQuery: Inner | take 1\nFunctionParams: [{ Name: pack, Type: bool, Default: 'false' }, { Name: days, Type: int, Default: '1' }]",
            ),
        ],
        peer_functions: vec![parser_named("Theirs", "FunctionQuery: Outer")],
        rules: vec![query(
            "id: 1\nkind: Scheduled\nname: '[Many]'\ndescription: Finds.\nseverity: High\nstatus: Available\nversion: 1.0.0\n\
             requiredDataConnectors: []\nqueryFrequency: 5m\nqueryPeriod: 14h\ntriggerOperator: gt\ntriggerThreshold: 0\n\
             tactics: []\nrelevantTechniques: [T1566.001, T1566.002, T1204]\nquery: Outer\n\
             alertDetailsOverride: { alertDisplayNameFormat: '{{User}}', alertDescriptionFormat: More }\n\
             eventGroupingSettings: { aggregationKind: AlertPerResult }\nincidentConfiguration: { createIncident: true }",
        )],
        hunting: vec![hunt],
        solution: crate::solution::example(),
        workbooks: vec![Workbook {
            key: "investigation".to_owned(),
            metadata: query(
                "workbookKey: One\nlogoFileName: one.svg\ndescription: Shows.\ndataTypesDependencies: []\n\
                 dataConnectorsDependencies: []\npreviewImagesFileNames: []\nversion: 1.0.0\ntitle: Investigation\n\
                 templateRelativePath: investigation.json\nsubtitle: ''\nprovider: One",
            ),
            json: json!(["an item"]),
        }],
        watchlists: vec![query(
            "displayName: Names\nwatchlistAlias: Names\ndescription: Lists.\nsource: Names.csv\nprovider: Custom\n\
             contentType: text/csv\nnumberOfLinesToSkip: 0\nitemsSearchKey: Name\nrawContent: \"Name,Why\\nada,first\\n\"",
        )],
        connector: json!({
            "id": "MimecastTTP", "title": "[TTP]", "connectivityCriterias": [1], "metadata": {"version": "1.0.0"},
            "sampleQueries": [{"description": "Is it well?", "query": "One\n| count"}],
            "instructionSteps": [{"title": "First"}, {"title": "Last"}],
        }),
    }
}

/// The resources of a template: parsers, which have a deployment of their own, hunting query, rule,
/// watchlist, workbook, connector page.
fn resources(content: &Content) -> [Value; 7] {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let template = template(content).unwrap();
    let mut all = list(&template["resources"]);
    let functions = all.remove(0);
    let mut parsers = list(&functions["properties"]["template"]["resources"]);
    let peer = parsers.pop().unwrap();
    assert_eq!(peer["condition"], "[parameters('peerFunctions')]");
    assert_eq!(peer["dependsOn"], json!([search_id("Outer")]));
    [parsers, all].concat().try_into().unwrap()
}

#[test]
fn a_text_that_begins_with_a_bracket_is_escaped() {
    let [_, _, hunt, rule, _, workbook, page] = resources(&content());
    assert_eq!(hunt["properties"]["query"], "[[few]");
    assert_eq!(rule["properties"]["displayName"], "[[Many]");
    assert_eq!(workbook["properties"]["serializedData"], r#"[["an item"]"#);
    assert_eq!(page["properties"]["connectorUiConfig"]["title"], "[[TTP]");
}

#[test]
fn an_expression_stays_one() {
    let [parser, _, _, rule, ..] = resources(&content());
    assert_eq!(
        parser["name"],
        "[format('{0}/Inner', parameters('workspaceName'))]"
    );
    assert_eq!(rule["scope"], "[variables('workspaceId')]");
}

#[test]
fn an_empty_list_is_left_out() {
    let [_, _, hunt, rule, ..] = resources(&content());
    assert_eq!(rule["properties"].get("tactics"), None);
    assert_eq!(rule["properties"].get("customDetails"), None);
    assert_eq!(hunt["properties"]["tags"][1]["value"], "A,B");
    assert_eq!(hunt["properties"]["tags"][2]["value"], "");
}

#[test]
fn what_calls_a_function_comes_after_it() {
    let [inner, outer, hunt, rule, ..] = resources(&content());
    assert_eq!(inner.get("dependsOn"), None);
    assert_eq!(outer["dependsOn"], json!([search_id("Inner")]));
    assert_eq!(hunt["dependsOn"], json!([functions_id()]));
    assert_eq!(rule["dependsOn"], json!([functions_id()]));
}

#[test]
fn a_rule_is_written_as_its_resource_has_it() {
    let [_, _, _, rule, ..] = resources(&content());
    assert_eq!(rule["name"], "1");
    assert_eq!(rule["kind"], "Scheduled");
    let properties = &rule["properties"];
    assert_eq!(properties["queryFrequency"], "PT5M");
    assert_eq!(properties["queryPeriod"], "PT14H");
    assert_eq!(properties["triggerOperator"], "GreaterThan");
    assert_eq!(properties["techniques"], json!(["T1566", "T1204"]));
    assert_eq!(properties["enabled"], true);
    assert_eq!(
        properties["alertDetailsOverride"],
        json!({"alertDisplayNameFormat": "{{User}}", "alertDescriptionFormat": "More"})
    );
}

#[test]
fn a_function_with_parameters_keeps_them() {
    let [inner, outer, ..] = resources(&content());
    assert_eq!(inner["properties"].get("functionParameters"), None);
    assert_eq!(
        outer["properties"]["functionParameters"],
        "pack:bool=false, days:int=1"
    );
}

#[test]
fn a_watchlist_is_named_by_its_alias_and_begins_with_its_rows() {
    let [_, _, _, _, watchlist, ..] = resources(&content());
    assert_eq!(watchlist["name"], "Names");
    assert_eq!(
        watchlist["properties"]["rawContent"],
        "Name,Why\nada,first\n"
    );
    assert_eq!(content().watchlists[0].keys().collect::<Vec<_>>(), ["ada"]);
}

#[test]
fn a_page_is_written_as_its_resource_has_it() {
    let [.., page] = resources(&content());
    assert_eq!(page["name"], "MimecastTTP");
    let sample =
        json!({"label": "Is it well?", "value": "One\n| count", "rows": 2, "wideLabel": true});
    let config = json!({
        "title": "[[TTP]", "connectivityCriteria": [1],
        "instructionSteps": [{"title": "First"}, {"title": "Last", "instructions": [{"type": "CopyableLabel", "parameters": sample}]}],
    });
    assert_eq!(page["properties"], json!({ "connectorUiConfig": config }));
    let mut wrong = content();
    wrong.connector = json!({"id": "MimecastTTP"});
    assert_eq!(
        text(&wrong).unwrap_err().to_string(),
        "sentinel/Data Connectors/MimecastTTP.json: `connectivityCriterias` must be a list"
    );
}

#[test]
fn a_text_that_only_begins_with_a_bracket_is_none_of_an_expression() {
    assert_eq!(literal(json!("[external] mail")), "[external] mail");
    assert_eq!(literal(json!("[all]")), "[[all]");
}
