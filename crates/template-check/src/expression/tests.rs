//! What each function gives, against what Azure's own engine gave: `engine/expressions.tsv` has an
//! expression, `value` or `error`, and the result or the message.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, json};

use super::{literal, parse};
use crate::{
    clouds::CLOUDS,
    evaluate::{Known, Target, resolve},
};

/// Expressions that this evaluator refuses although the engine gives a value: no template here formats
/// a number.
const REFUSED_HERE: [&str; 1] = ["format('{0:N0}', 1000)"];

/// The engine's results, with the value or none for an error.
fn engine() -> impl Iterator<Item = (&'static str, Option<serde_json::Value>)> {
    let lines = include_str!("../../engine/expressions.tsv").lines().skip(1);
    lines.map(|line| {
        let [expression, kind, result] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let value = (kind == "value").then(|| serde_json::from_str(result).unwrap());
        assert!(value.is_some() || kind == "error", "{line}");
        (expression, value)
    })
}

/// The value of an expression where the engine was asked.
fn value(text: &str) -> Result<serde_json::Value, String> {
    let [cloud, ..] = &CLOUDS;
    let target = Target {
        cloud,
        subscription: "00000000-0000-0000-0000-000000000001".to_owned(),
        group: "rg-test".to_owned(),
        location: cloud.location,
    };
    let template = json!({ "parameters": { "app": { "type": "string" } } });
    let given = Map::from_iter([("app".to_owned(), json!("ttp"))]);
    resolve(
        &template,
        &given,
        &target,
        &Known::new(),
        &format!("[{text}]").into(),
    )
}

#[test]
fn every_expression_gives_what_the_engine_gives() {
    let mut faults = Vec::new();
    for (expression, expected) in engine() {
        match (value(expression), expected) {
            (Err(_), Some(_)) if REFUSED_HERE.contains(&expression) => {}
            (Ok(value), Some(expected))
                if value == expected && !REFUSED_HERE.contains(&expression) => {}
            // `REFUSED` has the reasons.
            (Err(_), None) => {}
            (found, expected) => faults.push(format!(
                "{expression} gives {found:?}, and the engine {expected:?}"
            )),
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert_eq!(engine().count(), 97);
}

/// Expressions that are refused, and what the message says.
const REFUSED: &str = r"
nosuch('a') => nosuch() is not known
toLower(1) => toLower() is not known, or not with
parameters('other') => there is no parameter other
concat(createArray(1), 'a') => mixes lists and others
concat('a', null()) => null is no text
format('{1}', 'a') => no value for {1}
substring('abc', 2, 5) => no such part
createArray(1)[1] => no item 1 among 1
createObject('a', 1).b => no member b
createObject('a') => has no value
toObject(createArray('a','A'), lambda('t', lambdaVariables('t')), lambda('t', 1)) => the name A is there twice
resourceId('S','R','Microsoft.Resources/deployments','n') => S is no id of a subscription
if('yes', 1, 2) => takes true or false
json('{') => EOF
uniqueString() => needs something
filter(createArray('a'), lambda('t', reference('a'))) => stands inside of a lambda
filter('a', lambda('t', 1)) => is no list
filter(createArray(1), true()) => no lambda
concat('a' => unexpected end
concat('a' 'b') => not `)`
concat('a) => has no end
concat('a')) => unexpected Mark(')') at 11
true => unexpected end
a + b => unexpected `+` at 2
";

#[test]
fn what_the_engine_refuses_is_refused_for_the_same_reason() {
    let lines = REFUSED.trim().lines();
    let reasons: BTreeMap<_, _> = lines.map(|line| line.split_once(" => ").unwrap()).collect();
    let refused: BTreeSet<_> = engine()
        .filter(|(_, value)| value.is_none())
        .map(|(expression, _)| expression)
        .collect();
    assert_eq!(refused, reasons.keys().copied().collect());
    for (text, why) in reasons {
        let error = value(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

/// The longest results that the engine gives, and no more.
#[test]
fn results_are_as_long_as_the_engine_lets_them_be() {
    let half = "a".repeat(65_536);
    let template = |expression: &str| {
        json!({ "parameters": {
            "half": { "type": "string", "defaultValue": half },
            "long": { "type": "string", "defaultValue": half.repeat(3) },
            "more": { "type": "string", "defaultValue": "" },
        }, "variables": { "result": expression } })
    };
    let [cloud, ..] = &CLOUDS;
    let target = Target {
        cloud,
        subscription: String::new(),
        group: String::new(),
        location: cloud.location,
    };
    let length = |expression: &str, more: &str| {
        let given = Map::from_iter([("more".to_owned(), json!(more))]);
        let read = "[length(variables('result'))]".into();
        resolve(&template(expression), &given, &target, &Known::new(), &read)
    };
    // What is as long as can be, and one letter more; a letter may be two units of UTF-16.
    for (function, expression) in [
        (
            "concat",
            "[concat(parameters('half'), parameters('half'), parameters('more'))]",
        ),
        (
            "format",
            "[format('{0}{0}{1}', parameters('half'), parameters('more'))]",
        ),
        (
            "join",
            "[join(createArray(parameters('half'), parameters('half')), parameters('more'))]",
        ),
        (
            "replace",
            "[replace('xx', 'x', if(empty(parameters('more')), parameters('half'), take(parameters('long'), 65537)))]",
        ),
    ] {
        assert_eq!(length(expression, ""), Ok(json!(131_072)), "{expression}");
        let error = length(expression, "a").expect_err(expression);
        let expected = format!("the result of {function}() has");
        assert!(error.contains(&expected), "{expression}: {error}");
    }
    let units = "[concat(parameters('half'), take(parameters('half'), 65535), parameters('more'))]";
    assert_eq!(length(units, "a"), Ok(json!(131_072)));
    let error = length(units, "\u{1f600}").unwrap_err();
    assert!(error.contains("concat() has 131073"), "{error}");
    for expression in [
        "[parameters('long')]",
        "[if(true(), parameters('long'), '')]",
        "[coalesce(parameters('long'), '')]",
        "[string(parameters('long'))]",
        "[take(parameters('long'), 196608)]",
        "[toLower(parameters('long'))]",
    ] {
        assert_eq!(length(expression, ""), Ok(json!(196_608)), "{expression}");
    }
}

#[test]
fn an_expression_is_at_most_as_long_as_documented() {
    let expression = |length: usize| {
        let rest = "length('')".len();
        format!("[length('{}')]", "a".repeat(length - rest))
    };
    assert!(parse(&expression(24_576)).is_ok());
    let error = parse(&expression(24_577)).unwrap_err();
    assert!(error.contains("24576 are the most"), "{error}");
}

#[test]
fn texts_that_only_look_like_expressions_stand_for_themselves() {
    for text in ["plain", "[open", "[[two]]", "[[two]"] {
        assert_eq!(parse(text), Ok(None), "{text}");
    }
    assert_eq!(literal("[[two]"), "[two]");
    assert_eq!(literal("[open"), "[open");
}
