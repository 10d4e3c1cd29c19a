//! What each function gives, against what Azure's own engine gave: `engine/expressions.tsv` has an
//! expression, `value` or `error`, and the result or the message.

use serde_json::{Map, json};

use super::{literal, parse};
use crate::{
    clouds::CLOUDS,
    evaluate::{Known, Target, resolve},
};

/// Expressions that this evaluator refuses although the engine gives a value, and why.
const REFUSED_HERE: [(&str, &str); 1] = [(
    "format('{0:N0}', 1000)",
    "has no value for {0:N0}", // numbers in texts are written one way only, so that they are read one way
)];

/// The engine's results, with the value or none for an error.
fn engine() -> impl Iterator<Item = (&'static str, Option<serde_json::Value>)> {
    let lines = include_str!("../engine/expressions.tsv").lines().skip(1);
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
        let refused = REFUSED_HERE.iter().find(|(text, _)| *text == expression);
        match (value(expression), expected) {
            (Err(error), Some(_)) if refused.is_some_and(|(_, why)| error.contains(why)) => {}
            (Ok(value), Some(expected)) if value == expected => {}
            (Err(_), None) => {}
            (found, expected) => faults.push(format!(
                "{expression} gives {found:?}, and the engine {expected:?}"
            )),
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert_eq!(engine().count(), 98);
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
fn a_refusal_says_why() {
    let lines = REFUSED.trim().lines();
    for (text, why) in lines.map(|line| line.split_once(" => ").unwrap()) {
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
    for expression in [
        "[concat(parameters('half'), parameters('half'), parameters('more'))]",
        "[format('{0}{1}{2}', parameters('half'), parameters('half'), parameters('more'))]",
        "[join(createArray(parameters('half'), parameters('half')), parameters('more'))]",
        "[replace('xyz', 'xyz', concat(parameters('half'), parameters('half'), parameters('more')))]",
        "[replace('xy', 'x', take(parameters('long'), 131071))]",
    ] {
        assert_eq!(length(expression, ""), Ok(json!(131_072)), "{expression}");
        if expression.contains("more") {
            // One character, but two units of UTF-16.
            for more in ["a", "\u{1f600}"] {
                let error = length(expression, more).expect_err(expression);
                assert!(
                    error.contains("131072 are the most"),
                    "{expression}: {error}"
                );
            }
        }
    }
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
