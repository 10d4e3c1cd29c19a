//! Whether each service can be reached at all: name, connection, certificate, proxy, and its clock.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, Url};

use super::SettingsSource;
use crate::{
    ingest::{
        error::Chain,
        ports::Clock,
        preflight::{CheckResult, Finding, clocks_agree},
    },
    net::http::{HttpClient, Limits, Request},
};

/// A service answers in well under a second.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(20),
    body_bytes: 64 * 1024,
};

/// A service, and where it is.
pub(super) struct Endpoint {
    pub(super) name: &'static str,
    pub(super) base: Url,
}

/// Asks each service for its front page, without credentials: whatever it answers, it can be reached.
pub(super) async fn services(
    http: &HttpClient,
    clock: &dyn Clock,
    endpoints: Vec<Endpoint>,
) -> Vec<Finding> {
    let asked = endpoints
        .into_iter()
        .map(|endpoint| one(http, clock, endpoint));
    join_all(asked).await.concat()
}

async fn one(http: &HttpClient, clock: &dyn Clock, endpoint: Endpoint) -> Vec<Finding> {
    let Endpoint { name, mut base } = endpoint;
    base.set_path("/");
    base.set_query(None);
    let host = base.host_str().unwrap_or_default().to_owned();
    let check = format!("reach {name}");
    let request = Request {
        method: Method::GET,
        url: base,
        headers: Vec::new(),
        body: bytes::Bytes::new(),
    };
    let (began, sent) = (clock.elapsed(), clock.now());
    match http.send(request, LIMITS).await {
        Ok(response) => {
            let took = clock.elapsed().saturating_sub(began).as_millis();
            let message = format!("{host} answers in {took} ms.");
            let mut findings = vec![Finding::new(check, CheckResult::Ok, message)];
            // The source's own check tells Mimecast's.
            let ahead = response.clock_ahead(sent, clock.now());
            let ahead = ahead.filter(|_| name != super::MIMECAST);
            let clocks = ahead.map(|ahead| clocks_agree(name, ahead));
            findings.extend(clocks.filter(|finding| finding.result != CheckResult::Ok));
            findings
        }
        Err(error) => {
            let advice = error.advice().unwrap_or(
                "check the address, the network's rules for outbound calls, and the proxy",
            );
            let message = format!("{host}: {}. What to do: {advice}.", Chain(&error));
            vec![Finding::new(check, CheckResult::Fail, message)]
        }
    }
}

/// The variables that name a proxy, as the HTTP client reads them: from the environment alone.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Which proxy calls to other machines go through; credentials in its address are not shown.
pub(super) fn proxy(source: &SettingsSource<'_>) -> Vec<Finding> {
    let set = |lookup: &dyn Fn(&str) -> Option<String>, name: &str| {
        lookup(name).filter(|value| !value.trim().is_empty())
    };
    let found = PROXIES
        .into_iter()
        .find_map(|name| Some((name, set(source.environment, name)?)));
    let in_file = PROXIES
        .into_iter()
        .find(|name| set(source.environment, name).is_none() && set(source.lookup, name).is_some());
    let mut findings = vec![match &found {
        Some((name, value)) => named(name, value),
        None => Finding::new("proxy", CheckResult::Ok, "none is named."),
    }];
    findings.extend(in_file.map(|name| {
        let message = format!(
            "{name} has no effect in a file of settings. What to do: set it in the environment."
        );
        Finding::new("proxy", CheckResult::Warn, message)
    }));
    findings
}

fn named(name: &str, value: &str) -> Finding {
    // The client drops what it cannot read, without a word, and calls directly.
    let has_scheme = value.starts_with("http://") || value.starts_with("https://");
    let with_scheme = if has_scheme {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let is_odd = value.contains(char::is_whitespace) || (!has_scheme && value.contains('/'));
    let url = Url::parse(&with_scheme).ok().filter(|_| !is_odd);
    let host = url
        .as_ref()
        .and_then(|url| Some((url.host_str()?, url.port_or_known_default())));
    match host {
        Some((host, port)) => {
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let message = format!(
                "calls to other machines go through {host}{port} ({name}), unless NO_PROXY excepts them."
            );
            Finding::new("proxy", CheckResult::Ok, message)
        }
        None => {
            let message = format!(
                "{name} is no address that is used, so calls go directly. What to do: set it to one such as http://proxy.example:8080."
            );
            Finding::new("proxy", CheckResult::Fail, message)
        }
    }
}
