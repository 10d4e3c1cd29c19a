use super::*;

fn described(folder: &str, key: &str, query: &str, about: Value) -> Described {
    Described {
        key: key.to_owned(),
        path: format!("sentinel/{folder}/{key}.json").into(),
        query: query.to_owned(),
        about,
    }
}

/// One of each.
fn content() -> Content {
    Content {
        parsers: vec![
            described(
                "parsers",
                "Inner",
                "Table_CL",
                json!({"displayName": "Inner", "functionAlias": "Inner"}),
            ),
            described(
                "parsers",
                "Outer",
                "Inner | take 1",
                json!({"displayName": "Outer", "functionAlias": "Outer", "functionParameters": "pack:bool=false"}),
            ),
        ],
        rules: vec![described(
            "rules",
            "many",
            "Outer",
            json!({"id": "1", "displayName": "[Many]", "tactics": [], "techniques": ["T1566"], "subTechniques": ["T1566.002"]}),
        )],
        hunting: vec![described(
            "hunting",
            "few",
            "[few]",
            json!({"displayName": "Few", "description": "Finds.", "tactics": ["A", "B"], "techniques": []}),
        )],
        workbooks: vec![WorkbookFile {
            key: "investigation",
            display_name: "Investigation",
            json: json!(["an item"]),
        }],
        connector: json!({"connectorUiConfig": {"id": "MimecastTTP", "title": "[TTP]"}}),
    }
}

/// The resources of a template: parsers, which have a deployment of their own, hunting query, rule, workbook,
/// connector page.
fn resources(content: &Content) -> [Value; 6] {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let template = template(content).unwrap();
    let mut all = list(&template["resources"]);
    let functions = all.remove(0);
    let parsers = list(&functions["properties"]["template"]["resources"]);
    [parsers, all].concat().try_into().unwrap()
}

fn error(content: &Content) -> String {
    text(content).unwrap_err().to_string()
}

#[test]
fn a_text_that_begins_with_a_bracket_is_escaped() {
    let [_, _, hunt, rule, workbook, page] = resources(&content());
    assert_eq!(hunt["properties"]["query"], "[[few]");
    assert_eq!(rule["properties"]["displayName"], "[[Many]");
    assert_eq!(workbook["properties"]["serializedData"], r#"[["an item"]"#);
    assert_eq!(page["properties"]["connectorUiConfig"]["title"], "[[TTP]");
}

#[test]
fn an_expression_stays_one() {
    let [parser, _, _, rule, _, _] = resources(&content());
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
    assert_eq!(rule["properties"]["techniques"], json!(["T1566"]));
    assert_eq!(hunt["properties"]["tags"][1]["value"], "A,B");
    assert_eq!(hunt["properties"]["tags"][2]["value"], "");
}

#[test]
fn what_calls_a_function_comes_behind_it() {
    let [inner, outer, hunt, rule, ..] = resources(&content());
    assert_eq!(inner.get("dependsOn"), None);
    assert_eq!(outer["dependsOn"], json!([search_id("Inner")]));
    assert_eq!(hunt["dependsOn"], json!([functions_id()]));
    assert_eq!(rule["dependsOn"], json!([functions_id()]));
}

#[test]
fn a_rule_is_named_by_its_id_and_says_only_what_the_api_knows() {
    let [_, _, _, rule, ..] = resources(&content());
    assert_eq!(rule["name"], "1");
    assert_eq!(
        rule["properties"],
        json!({"displayName": "[[Many]", "query": "Outer", "techniques": ["T1566"]})
    );
}

#[test]
fn a_function_with_parameters_keeps_them() {
    let [inner, outer, ..] = resources(&content());
    assert_eq!(inner["properties"].get("functionParameters"), None);
    assert_eq!(outer["properties"]["functionParameters"], "pack:bool=false");
}

#[test]
fn an_error_names_the_file_and_the_member() {
    let mut wrong = content();
    wrong.hunting[0].about["tactics"] = json!("A");
    assert_eq!(
        error(&wrong),
        "sentinel/hunting/few.json: `tactics` must be a list of texts"
    );
    let mut wrong = content();
    wrong.parsers[1].about["functionParameters"] = json!(1);
    assert_eq!(
        error(&wrong),
        "sentinel/parsers/Outer.json: `functionParameters` must be a text"
    );
    let mut wrong = content();
    wrong.rules[0].about = json!(["id"]);
    assert_eq!(
        error(&wrong),
        "sentinel/rules/many.json: `id` must be a text"
    );
    let mut wrong = content();
    wrong.connector = json!({});
    assert_eq!(
        error(&wrong),
        "sentinel/connector.json: `connectorUiConfig` must be an object"
    );
}
