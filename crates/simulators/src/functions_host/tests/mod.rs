mod life;
mod runs;

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use tokio::{sync::Notify, time::sleep};

use super::*;
use crate::server::{DropConnection, Server};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

/// What the handler of these tests answers, and what it saw.
#[derive(Default)]
struct Stage {
    answers: Mutex<Vec<Answer>>,
    bodies: Mutex<Vec<String>>,
    headers: Mutex<Vec<axum::http::HeaderMap>>,
    release: Notify,
    active: AtomicUsize,
    most_active: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Answer {
    Reply(u16, &'static str),
    Drop,
    Wait,
}

const FINE: Answer = Answer::Reply(200, "{}");

impl Stage {
    async fn answer(
        &self,
        headers: axum::http::HeaderMap,
        body: String,
    ) -> axum::response::Response {
        self.bodies.lock().unwrap().push(body);
        self.headers.lock().unwrap().push(headers);
        let answer = self.answers.lock().unwrap().pop().unwrap_or(FINE);
        let active = self.active.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_active.fetch_max(active, Ordering::SeqCst);
        let response = match answer {
            Answer::Reply(status, body) => {
                (StatusCode::from_u16(status).unwrap(), JSON, body).into_response()
            }
            Answer::Drop => {
                let mut response = ().into_response();
                response.extensions_mut().insert(DropConnection);
                response
            }
            Answer::Wait => {
                self.release.notified().await;
                (JSON, "{}").into_response()
            }
        };
        self.active.fetch_sub(1, Ordering::SeqCst);
        response
    }

    fn next(&self, answer: Answer) {
        self.answers.lock().unwrap().push(answer);
    }

    fn calls(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    fn last_body(&self) -> String {
        self.bodies.lock().unwrap().last().unwrap().clone()
    }

    async fn called(&self, times: usize) {
        while self.calls() < times {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

struct Fixture {
    stage: Arc<Stage>,
    host: FunctionsHost,
    clock: SimClock,
    _folder: tempfile::TempDir,
    _server: Server,
}

fn at(time: &str) -> DateTime<Utc> {
    let text = format!("2026-11-10T{time}Z");
    DateTime::parse_from_rfc3339(&text).unwrap().to_utc()
}

/// A host at 09:34 whose handler answers in this process, beside the process of a script, if any.
async fn host(script: Option<&str>, change: impl FnOnce(&mut Config)) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let host_json =
        r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"/bin/sh"}}}"#;
    fs::write(folder.path().join("host.json"), host_json).unwrap();
    for name in ["GetTTPUrl", "Other"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        let json =
            r#"{"bindings":[{"name":"mytimer","type":"timerTrigger","schedule":"0 */5 * * * *"}]}"#;
        fs::write(folder.path().join(name).join("function.json"), json).unwrap();
    }
    let stage = Arc::new(Stage::default());
    let handler = Arc::clone(&stage);
    let router = Router::new().route("/", get(|| async {})).fallback(
        move |headers: axum::http::HeaderMap, body: String| async move {
            handler.answer(headers, body).await
        },
    );
    let server = Server::start(router, 0).await.unwrap();
    let clock = SimClock::at(at("09:34:00"));
    let mut config = Config::new(folder.path(), clock.clone());
    config.arguments = script.map(|script| vec!["-c".to_owned(), script.to_owned()]);
    config.function_timeout = Some(LONG);
    config.initialization_timeout = Some(LONG);
    change(&mut config);
    let port = server.address().port();
    let host = FunctionsHost::begin(config, Some(port), script.is_some())
        .await
        .unwrap();
    Fixture {
        stage,
        host,
        clock,
        _folder: folder,
        _server: server,
    }
}

impl Fixture {
    async fn tick(&self, time: &str) -> Outcome {
        self.clock.set(at(time)).unwrap();
        self.host.tick("GetTTPUrl").await
    }

    async fn invoke(&self, invocation: Invocation) -> Outcome {
        self.host.invoke("GetTTPUrl", invocation).await
    }

    /// The lines of a category, with the id and the duration of the last run left out.
    fn lines(&self, category: &str, outcome: &Outcome) -> Vec<(Level, String)> {
        let id = outcome.id.to_string();
        let duration = format!("{}ms", outcome.duration.as_millis());
        let records = self.host.logs().into_iter();
        records
            .filter(|record| record.category == category)
            .map(|record| {
                (
                    record.level,
                    record.text.replace(&id, "<id>").replace(&duration, "<d>"),
                )
            })
            .collect()
    }

    fn has(&self, text: &str) -> bool {
        let logs = self.host.logs();
        logs.iter().any(|record| record.text.contains(text))
    }
}

fn reason(outcome: &Outcome) -> &str {
    match &outcome.state {
        State::Failed { reason } => reason,
        state => panic!("{state:?}"),
    }
}
