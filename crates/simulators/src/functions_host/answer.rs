//! What the host makes of an answer.

use serde_json::{Map, Value};

use super::wire::Response;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The host took the answer.
    Succeeded {
        /// The answer's `Logs`.
        logs: Vec<String>,
    },
    /// The run failed; `Logs`, if there were any, are lost.
    Failed {
        /// The exception, in the words of .NET where they are known.
        reason: String,
    },
    /// A 2xx without a result (an empty body or `null`). The run hangs until the function's time is
    /// up, fails, and costs the handler its life.
    NoResult,
}

impl State {
    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed {
            reason: reason.into(),
        }
    }
}

/// Judges an answer (the host's source). Two things are stricter than in the real host, whose JSON
/// reader is lenient: comments, single quotes and text after the object count as malformed, and so
/// does nesting deeper than 128 (there: 256).
pub(super) fn judge(response: &Response) -> State {
    let Response { status, reason, .. } = response;
    if !(200..300).contains(status) {
        let reason = match reason.trim() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        return State::failed(format!(
            "HttpRequestException: Response status code does not indicate success: {status}{reason}."
        ));
    }
    if response.body.is_empty() {
        return State::NoResult;
    }
    let (media_type, utf16) = content_type(response);
    if media_type != "application/json" && media_type != "text/json" {
        return invalid(
            response,
            &format!(
                "UnsupportedMediaTypeException: No MediaTypeFormatter is available to read an object of type 'HttpScriptInvocationResult' from content with media type '{media_type}'."
            ),
        );
    }
    let text = decode(&response.body, utf16);
    if text.trim().is_empty() {
        return State::NoResult;
    }
    match serde_json::from_str(&text) {
        Ok(Value::Null) => State::NoResult,
        Ok(Value::Object(result)) => match logs(&result) {
            Ok(logs) => State::Succeeded { logs },
            Err(fault) => invalid(response, &fault),
        },
        Ok(_) => invalid(response, "the answer is no JSON object"),
        Err(error) => invalid(response, &format!("JsonReaderException: {error}")),
    }
}

fn invalid(response: &Response, inner: &str) -> State {
    let Response { status, reason, .. } = response;
    let body = decode(&response.body, false);
    State::failed(format!(
        "InvalidOperationException: Invalid HttpResponseMessage:\nStatusCode: {status}, ReasonPhrase: '{reason}'\n{body}\n---> {inner}"
    ))
}

/// The media type in lower case, and whether the text is UTF-16.
fn content_type(response: &Response) -> (String, bool) {
    let header = response
        .header("content-type")
        .unwrap_or("application/octet-stream")
        .to_ascii_lowercase();
    let mut parts = header.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_owned();
    let utf16 = parts.any(|part| part.trim_start_matches("charset=").trim_matches('"') == "utf-16");
    (media_type, utf16)
}

fn decode(body: &[u8], utf16: bool) -> String {
    let text = if utf16 {
        let units = body.chunks_exact(2).map(|pair| match pair {
            [low, high] => u16::from_le_bytes([*low, *high]),
            _ => 0,
        });
        String::from_utf16_lossy(&units.collect::<Vec<_>>())
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    text.trim_start_matches('\u{feff}').to_owned()
}

/// The `Logs`; fails where a member has a type that the host cannot read.
fn logs(result: &Map<String, Value>) -> Result<Vec<String>, String> {
    let mut logs = Vec::new();
    for (name, value) in result {
        if name.eq_ignore_ascii_case("Outputs") && !(value.is_object() || value.is_null()) {
            return Err("JsonSerializationException: Outputs is no object".to_owned());
        }
        if name.eq_ignore_ascii_case("Logs") {
            logs = match value {
                Value::Null => Vec::new(),
                Value::Array(items) => items.iter().map(log).collect::<Option<_>>().ok_or(
                    "JsonReaderException: Error reading string: an element of Logs is no scalar",
                )?,
                _ => return Err("JsonSerializationException: Logs is no array".to_owned()),
            };
        }
    }
    Ok(logs)
}

fn log(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some("[null]".to_owned()),
        Value::Bool(_) | Value::Number(_) => Some(item.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: Option<&str>, body: impl AsRef<[u8]>) -> State {
        judge(&Response {
            status,
            reason: if status == 500 {
                "Internal Server Error"
            } else {
                ""
            }
            .to_owned(),
            headers: content_type
                .map(|value| ("content-type".to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            body: body.as_ref().to_owned(),
        })
    }

    const JSON: Option<&str> = Some("application/json");

    fn succeeds(state: &State) -> bool {
        matches!(state, State::Succeeded { .. })
    }

    fn fails_for(state: &State, part: &str) -> bool {
        matches!(state, State::Failed { reason } if reason.contains(part))
    }

    #[test]
    fn a_2xx_with_a_json_object_succeeds() {
        for content_type in [
            "application/json",
            "text/json",
            "Application/JSON; charset=utf-8",
        ] {
            for body in [
                "{}",
                "\u{feff}{}",
                r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#,
                r#"{"outputs":null,"LOGS":null,"more":1}"#,
            ] {
                assert!(
                    succeeds(&answer(200, Some(content_type), body)),
                    "{content_type} {body}"
                );
            }
        }
        assert!(succeeds(&answer(299, JSON, "{}")));
        let utf16: Vec<u8> = "\u{feff}{}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(succeeds(&answer(
            200,
            Some("application/json; charset=utf-16"),
            utf16
        )));
    }

    #[test]
    fn logs_are_found_in_any_case_and_scalars_become_text() {
        let state = answer(200, JSON, r#"{"lOGS":["a",1,true,2.5]}"#);
        let logs = ["a", "1", "true", "2.5"].map(str::to_owned).to_vec();
        assert_eq!(state, State::Succeeded { logs });
    }

    #[test]
    fn a_2xx_that_is_not_json_by_its_type_fails() {
        for content_type in [Some("text/plain"), None, Some("application/problem+json")] {
            let state = answer(200, content_type, "{}");
            assert!(
                fails_for(&state, "Invalid HttpResponseMessage:"),
                "{state:?}"
            );
            assert!(
                fails_for(&state, "UnsupportedMediaTypeException"),
                "{state:?}"
            );
        }
    }

    #[test]
    fn a_2xx_with_wrong_json_fails_and_shows_the_body() {
        for body in [
            "{",
            "[]",
            "1",
            "\"x\"",
            r#"{"Outputs":[]}"#,
            r#"{"Outputs":"x"}"#,
            r#"{"Logs":"x"}"#,
            r#"{"Logs":{}}"#,
            r#"{"Logs":[{}]}"#,
            r#"{"logs":[[]]}"#,
            "{} x",
        ] {
            let state = answer(200, JSON, body);
            assert!(fails_for(&state, "Invalid HttpResponseMessage:"), "{body}");
            assert!(fails_for(&state, body), "{state:?}");
        }
    }

    #[test]
    fn a_2xx_without_a_result_is_no_result() {
        for (status, content_type, body) in [
            (200, JSON, ""),
            (200, None, ""),
            (204, None, ""),
            (200, JSON, "null"),
            (200, JSON, " \n"),
        ] {
            assert_eq!(
                answer(status, content_type, body),
                State::NoResult,
                "{status} {body:?}"
            );
        }
    }

    #[test]
    fn any_other_status_fails_and_loses_its_logs() {
        let state = answer(500, JSON, r#"{"Logs":["never shown"]}"#);
        let reason = "HttpRequestException: Response status code does not indicate success: 500 (Internal Server Error).";
        assert_eq!(state, State::failed(reason));
        for status in [304, 400, 404, 429, 503] {
            assert!(fails_for(
                &answer(status, JSON, "{}"),
                &format!("success: {status}.")
            ));
        }
    }
}
