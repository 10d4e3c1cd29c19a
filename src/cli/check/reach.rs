//! Whether each service can be reached at all: name, connection, certificate, proxy, and its clock.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, Url};

use crate::{
    ingest::{
        error::Chain,
        ports::Clock,
        preflight::{Finding, Verdict, clocks_agree},
    },
    net::http::{HttpClient, Limits, Request},
};

/// A service answers in well under a second.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(20),
    body_bytes: 64 * 1024,
};

/// A service, and where it is.
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) base: Url,
}

/// Asks each service for its front page, without credentials: whatever it answers, it can be reached.
pub(super) async fn services(
    http: &HttpClient,
    clock: &dyn Clock,
    services: Vec<Service>,
) -> Vec<Finding> {
    let asked = services
        .into_iter()
        .map(|service| one(http, clock, service));
    join_all(asked).await.concat()
}

async fn one(http: &HttpClient, clock: &dyn Clock, service: Service) -> Vec<Finding> {
    let Service { name, mut base } = service;
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
    let began = clock.elapsed();
    match http.send(request, LIMITS).await {
        Ok(response) => {
            let took = clock.elapsed().saturating_sub(began).as_millis();
            let message = format!("{host} answers in {took} ms.");
            let mut findings = vec![Finding::new(check, Verdict::Ok, message)];
            // The source's own check tells Mimecast's.
            let served_at = response.served_at().filter(|_| name != super::MIMECAST);
            let clocks = served_at.map(|theirs| clocks_agree(name, theirs, clock.now()));
            findings.extend(clocks.filter(|finding| finding.result != Verdict::Ok));
            findings
        }
        Err(error) => {
            let advice = error.advice().unwrap_or(
                "check the address, the network's rules for outbound calls, and the proxy",
            );
            let message = format!("{host}: {}. What to do: {advice}.", Chain(&error));
            vec![Finding::new(check, Verdict::Fail, message)]
        }
    }
}

/// Which proxy calls to other machines go through; credentials in its address are not shown.
pub(super) fn proxy(lookup: &dyn Fn(&str) -> Option<String>) -> Finding {
    let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let found = variables.into_iter().find_map(|name| {
        let value = lookup(name).filter(|value| !value.trim().is_empty())?;
        Some((name, value))
    });
    let Some((name, value)) = found else {
        return Finding::new("proxy", Verdict::Ok, "none is named.");
    };
    let with_scheme = if value.contains("://") {
        value
    } else {
        format!("http://{value}")
    };
    match Url::parse(&with_scheme)
        .ok()
        .and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default())))
    {
        Some((host, port)) => {
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            let message = format!("calls to other machines go through {host}{port} ({name}).");
            Finding::new("proxy", Verdict::Ok, message)
        }
        None => {
            let message = format!(
                "{name} is no address. What to do: set it to one such as http://proxy.example:8080."
            );
            Finding::new("proxy", Verdict::Fail, message)
        }
    }
}
