//! What each function gives, from the examples of Microsoft's own reference where it has one.

use serde_json::{Value, json};

use super::{Scope, literal, parse};

/// Expressions and what they give.
const GIVEN: &str = r#"
concat('a', 1, true()) => "a1True"
concat(createArray(1), createArray(2, 3)) => [1, 2, 3]
concat('it''s ', parameters('app')) => "it's ttp"
format('{0}-{1}{{}}', 'a', 2) => "a-2{}"
if(equals('a', 'A'), 1, 2) => 2
if(true(), 1, variables('x')) => 1
and(true(), not(false())) => true
or(false(), empty(''), false()) => true
startsWith('@Microsoft.KeyVault(', '@microsoft.keyvault(') => true
endsWith('abc', 'BC') => true
contains('abc', 'B') => false
contains(createArray('a'), 'a') => true
contains(createObject('a', 1), 'a') => true
split('a/b/c', '/')[1] => "b"
last(split('a/b/c', '/')) => "c"
first(createArray()) => null
join(createArray('a', 'b'), ';') => "a;b"
replace('a-b-c', '-', '') => "abc"
toUpper(toLower('Ab')) => "AB"
substring('one two', 4) => "two"
substring('one two', 0, 3) => "one"
take('abc', 9) => "abc"
take(createArray(1, 2), 1) => [1]
length('abc') => 3
length(createObject('a', 1)) => 1
empty(createObject()) => true
empty(null()) => true
coalesce(null(), 'b') => "b"
union(createArray(1, 2), createArray(2, 3)) => [1, 2, 3]
union(json('{"a":{"b":1}}'), json('{"a":{"c":2}}')).a => {"b": 1, "c": 2}
createObject('a-b', 1)['a-b'] => 1
items(createObject('b', 1, 'a', 2))[0] => {"key": "a", "value": 2}
filter(createArray('a', ''), lambda('t', not(empty(lambdaVariables('t'))))) => ["a"]
toObject(createArray('a'), lambda('t', lambdaVariables('t')), lambda('t', 1)) => {"a": 1}
string(createArray(1)) => "[1]"
base64('a=b') => "YT1i"
uri('https://contoso.org/first/', 'second.zip') => "https://contoso.org/first/second.zip"
uriComponent('https://a.b/c d') => "https%3A%2F%2Fa.b%2Fc%20d"
int('-7') => -7
equals(uniqueString('a'), uniqueString('a')) => true
equals(uniqueString('a', 'b'), uniqueString('ab')) => false
length(uniqueString('a')) => 13
length(guid('a', 'b')) => 36
"#;

/// Expressions that the service would refuse, and why.
const REFUSED: &str = r"
nosuch('a') => nosuch() is not known
toLower(1) => toLower() is not known, or not with
parameters('other') => parameters() is not known
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

/// Knows one parameter.
struct Small;

impl Scope for Small {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        (name == "parameters" && arguments == [json!("app")]).then(|| Ok("ttp".into()))
    }
}

fn value(text: &str) -> Result<Value, String> {
    let parsed = parse(&format!("[{text}]"))?.ok_or("no expression")?;
    parsed.evaluate(&Small)
}

/// The lines of a table.
fn pairs(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table
        .trim()
        .lines()
        .map(|line| line.split_once(" => ").unwrap())
}

#[test]
fn functions_give_what_the_service_gives() {
    for (text, expected) in pairs(GIVEN) {
        let expected = serde_json::from_str(expected).unwrap();
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_the_service_would_refuse_is_refused() {
    for (text, why) in pairs(REFUSED) {
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
