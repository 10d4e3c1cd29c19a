use super::*;

fn verdict(meta_status: Option<u16>, codes: &[&str]) -> Verdict {
    Verdict {
        meta_status,
        failures: codes
            .iter()
            .map(|code| Failure {
                code: code.trim_end_matches('!').to_owned(),
                message: String::new(),
                retryable: code.ends_with('!'),
            })
            .collect(),
    }
}

#[test]
fn every_answer_is_turned_into_a_decision_here() {
    use Decision::{Accept, Refuse, Renew, RestartRange, Retry};
    let ok = Some(verdict(Some(200), &[]));
    let table: &[(u16, Option<Verdict>, bool, Decision)] = &[
        (200, ok.clone(), false, Accept),
        (200, ok.clone(), true, Accept),
        (200, Some(verdict(None, &[])), false, Accept),
        (200, None, false, Retry(None)),
        (
            200,
            Some(verdict(Some(200), &["err_developer_key"])),
            false,
            Retry(None),
        ),
        (
            200,
            Some(verdict(Some(200), &["err_validation_null"])),
            false,
            Refuse,
        ),
        (
            200,
            Some(verdict(Some(200), &["err_validation_null"])),
            true,
            RestartRange,
        ),
        (
            200,
            Some(verdict(Some(200), &["anything!"])),
            true,
            Retry(None),
        ),
        (
            200,
            Some(verdict(Some(200), &["err_xdk_binding_expired"])),
            false,
            Renew,
        ),
        (200, Some(verdict(Some(500), &[])), false, Retry(None)),
        (200, Some(verdict(Some(403), &[])), false, Refuse),
        (
            200,
            Some(verdict(Some(429), &[])),
            false,
            Retry(Some(DEFAULT_RETRY_AFTER)),
        ),
        (301, None, false, Refuse),
        (400, None, false, Refuse),
        (400, None, true, RestartRange),
        (
            400,
            Some(verdict(Some(400), &["err_audit_siem_invalid_token"])),
            true,
            RestartRange,
        ),
        (
            401,
            Some(verdict(Some(401), &["err_xdk_invalid_signature"])),
            false,
            Refuse,
        ),
        (
            401,
            Some(verdict(Some(401), &["err_xdk_invalid_signature"])),
            true,
            Refuse,
        ),
        (403, None, false, Refuse),
        (404, None, false, Refuse),
        (405, None, false, Refuse),
        (409, ok.clone(), false, Refuse),
        (415, None, false, Refuse),
        (418, None, false, Renew),
        (
            418,
            Some(verdict(Some(418), &["err_xdk_binding_expired"])),
            true,
            Renew,
        ),
        (408, None, false, Retry(None)),
        (500, None, false, Retry(None)),
        (502, None, true, Retry(None)),
        (
            503,
            Some(verdict(None, &["unauthorized"])),
            false,
            Retry(None),
        ),
        (504, None, false, Retry(None)),
        (509, None, false, Retry(None)),
        (501, None, false, Retry(None)),
        (505, None, false, Refuse),
        (507, None, false, Retry(None)),
        (511, None, false, Refuse),
        (520, None, false, Retry(None)),
        (530, None, true, Retry(None)),
        (531, None, false, Refuse),
        (429, None, false, Retry(Some(DEFAULT_RETRY_AFTER))),
    ];
    for (status, verdict, with_token, decision) in table {
        let answer = AnswerSummary {
            status: *status,
            verdict: verdict.as_ref(),
            rate_limit_reset: None,
            retry_after: None,
            with_page_token: *with_token,
            with_bearer: false,
        };
        assert_eq!(decide(answer), *decision, "{answer:?}");
    }
}

#[test]
fn a_firewalls_403_is_not_explained_as_a_missing_permission() {
    for with_bearer in [false, true] {
        let advice = |verdict: Option<&Verdict>| advice(Feed::Url, 403, verdict, with_bearer);
        assert_eq!(advice(None), FIREWALL_ADVICE);
        assert_eq!(advice(Some(&verdict(None, &[]))), FIREWALL_ADVICE);
        for own in [verdict(Some(403), &[]), verdict(None, &["app_forbidden"])] {
            assert!(advice(Some(&own)).contains("Read permission"), "{own:?}");
        }
    }
}

#[test]
fn a_login_is_refused_only_by_an_answer_that_says_so() {
    let refuses = |status, verdict: Option<Verdict>| {
        refuses_login(AnswerSummary {
            status,
            verdict: verdict.as_ref(),
            rate_limit_reset: None,
            retry_after: None,
            with_page_token: false,
            with_bearer: false,
        })
    };
    let wrong = "err_xdk_invalid_credentials";
    for (status, verdict) in [
        (401, Some(verdict(Some(401), &[wrong]))),
        (
            401,
            Some(verdict(Some(401), &["err_xdk_invalid_credentials!"])),
        ),
        (401, None),
        (403, Some(verdict(Some(403), &[wrong]))),
        (400, Some(verdict(None, &[wrong]))),
        (200, Some(verdict(Some(200), &[wrong]))),
        (200, Some(verdict(Some(401), &[]))),
    ] {
        assert!(refuses(status, verdict.clone()), "{status} {verdict:?}");
    }
    for (status, verdict) in [
        (200, Some(verdict(Some(200), &[]))),
        (200, None),
        (200, Some(verdict(Some(200), &["err_developer_key"]))),
        (401, Some(verdict(Some(401), &["err_developer_key"]))),
        (403, None),
        (404, Some(verdict(Some(404), &["err_not_found"]))),
        (429, None),
        (500, Some(verdict(Some(500), &[wrong]))),
        (503, None),
    ] {
        assert!(!refuses(status, verdict.clone()), "{status} {verdict:?}");
    }
}

#[test]
fn a_refused_token_is_replaced_and_a_refused_signature_is_not() {
    let answer = |with_bearer, status| AnswerSummary {
        status,
        verdict: None,
        rate_limit_reset: None,
        retry_after: None,
        with_page_token: true,
        with_bearer,
    };
    assert_eq!(decide(answer(true, 401)), Decision::Renew);
    assert_eq!(decide(answer(false, 401)), Decision::Refuse);
    assert_eq!(decide(answer(true, 403)), Decision::Refuse);
}

#[test]
fn the_rate_limit_header_is_kept_before_any_other_word() {
    let answer = |reset, after| AnswerSummary {
        status: 429,
        verdict: None,
        rate_limit_reset: reset,
        retry_after: after,
        with_page_token: false,
        with_bearer: false,
    };
    let (reset, after) = (Duration::from_millis(350), Duration::from_secs(9));
    assert_eq!(
        decide(answer(Some(reset), Some(after))),
        Decision::Retry(Some(reset))
    );
    assert_eq!(
        decide(answer(None, Some(after))),
        Decision::Retry(Some(after))
    );
}
