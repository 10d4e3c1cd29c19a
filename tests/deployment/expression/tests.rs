//! What each function gives, from the examples of Microsoft's own reference where it has one.

use serde_json::{Value, json};

use super::{Scope, literal, parse};

/// Knows one parameter.
struct Small;

impl Scope for Small {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        match (name, arguments) {
            ("parameters", [Value::String(name)]) if name == "app" => Some(Ok("ttp".into())),
            ("variables", _) => Some(Err("none here".to_owned())),
            _ => None,
        }
    }
}

fn value(text: &str) -> Result<Value, String> {
    parse(&format!("[{text}]"))
        .and_then(|parsed| parsed.ok_or("no expression".to_owned()))
        .and_then(|parsed| parsed.evaluate(&Small))
}

#[test]
fn functions_give_what_the_service_gives() {
    for (text, expected) in [
        ("concat('a', 1, true())", json!("a1True")),
        (
            "concat(createArray(1), createArray(2, 3))",
            json!([1, 2, 3]),
        ),
        ("format('{0}-{1}{{}}', 'a', 2)", json!("a-2{}")),
        ("if(equals('a', 'A'), 1, 2)", json!(2)),
        ("if(true(), 1, variables('x'))", json!(1)),
        ("and(true(), not(false()))", json!(true)),
        ("or(false(), empty(''), false())", json!(true)),
        (
            "startsWith('@Microsoft.KeyVault(', '@microsoft.keyvault(')",
            json!(true),
        ),
        ("endsWith('abc', 'BC')", json!(true)),
        ("contains('abc', 'B')", json!(false)),
        ("contains(createArray('a'), 'a')", json!(true)),
        ("contains(createObject('a', 1), 'a')", json!(true)),
        ("split('a/b/c', '/')[1]", json!("b")),
        ("last(split('a/b/c', '/'))", json!("c")),
        ("first(createArray())", json!(null)),
        ("join(createArray('a', 'b'), ';')", json!("a;b")),
        ("replace('a-b-c', '-', '')", json!("abc")),
        ("toUpper(toLower(trim(' Ab ')))", json!("AB")),
        ("substring('one two', 4)", json!("two")),
        ("substring('one two', 0, 3)", json!("one")),
        ("take('abc', 9)", json!("abc")),
        ("take(createArray(1, 2), 1)", json!([1])),
        ("skip('abc', 1)", json!("bc")),
        ("skip(createArray(1, 2), 1)", json!([2])),
        ("length('abc')", json!(3)),
        ("length(createObject('a', 1))", json!(1)),
        ("indexOf('abc', 'd')", json!(-1)),
        ("empty(createObject())", json!(true)),
        ("empty(null())", json!(true)),
        ("coalesce(null(), 'b')", json!("b")),
        ("array('a')", json!(["a"])),
        (
            "union(createArray(1, 2), createArray(2, 3))",
            json!([1, 2, 3]),
        ),
        (
            "union(json('{\"a\":{\"b\":1}}'), json('{\"a\":{\"c\":2}}')).a",
            json!({"b": 1, "c": 2}),
        ),
        ("createObject('a-b', 1)['a-b']", json!(1)),
        (
            "items(createObject('b', 1, 'a', 2))[0]",
            json!({"key": "a", "value": 2}),
        ),
        (
            "map(range(1, 2), lambda('n', add(lambdaVariables('n'), 1)))",
            json!([2, 3]),
        ),
        (
            "filter(createArray('a', ''), lambda('t', not(empty(lambdaVariables('t')))))",
            json!(["a"]),
        ),
        (
            "toObject(createArray('a'), lambda('t', lambdaVariables('t')), lambda('t', 1))",
            json!({"a": 1}),
        ),
        ("string(createArray(1))", json!("[1]")),
        ("base64ToString(base64('a=b'))", json!("a=b")),
        (
            "uri('https://contoso.org/first/', 'second.zip')",
            json!("https://contoso.org/first/second.zip"),
        ),
        (
            "uriComponent('https://a.b/c d')",
            json!("https%3A%2F%2Fa.b%2Fc%20d"),
        ),
        ("add(sub(5, int('2')), mul(2, -1))", json!(1)),
        ("range(2, 3)", json!([2, 3, 4])),
        ("max(min(1, 2), 0)", json!(1)),
        ("and(less(1, 2), lessOrEquals(2, 2))", json!(true)),
        ("or(greater(1, 2), greaterOrEquals(1, 2))", json!(false)),
        ("bool('True')", json!(true)),
        ("equals(uniqueString('a'), uniqueString('a'))", json!(true)),
        (
            "equals(uniqueString('a', 'b'), uniqueString('ab'))",
            json!(false),
        ),
        ("length(uniqueString('a'))", json!(13)),
        ("length(guid('a', 'b'))", json!(36)),
        ("concat('it''s ', parameters('app'))", json!("it's ttp")),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_the_service_would_refuse_is_refused() {
    for (text, why) in [
        ("nosuch('a')", "nosuch() is not known"),
        ("toLower(1)", "toLower() is not known, or not with"),
        ("parameters('other')", "parameters() is not known"),
        ("concat(createArray(1), 'a')", "mixes lists and others"),
        ("concat('a', null())", "null is no text"),
        ("format('{1}', 'a')", "no value for {1}"),
        ("substring('abc', 2, 5)", "no such part"),
        ("createArray(1)[1]", "no item 1 among 1"),
        ("createObject('a', 1).b", "no member b"),
        ("createObject('a')", "has no value"),
        ("if('yes', 1, 2)", "takes true or false"),
        ("json('{')", "EOF"),
        (
            "map(createArray('a'), lambda('t', reference('a')))",
            "stands inside of a lambda",
        ),
        ("map('a', lambda('t', 1))", "is no list"),
        ("filter(createArray(1), true())", "no lambda"),
        ("uniqueString()", "needs something"),
        ("concat('a'", "unexpected end"),
        ("concat('a' 'b')", "not `)`"),
        ("concat('a)", "has no end"),
        ("concat('a'))", "unexpected Mark(')') at 11"),
        ("true", "unexpected end"),
        ("a + b", "unexpected `+` at 2"),
    ] {
        let error = value(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn texts_that_only_look_like_expressions_stand_for_themselves() {
    for text in ["plain", "[open", "[[two]]", "[[two]"] {
        assert_eq!(parse(text), Ok(None), "{text}");
    }
    assert_eq!(literal("[[two]"), "[two]");
    assert_eq!(literal("[open"), "[open");
}
