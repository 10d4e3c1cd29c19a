//! What an error of the official crate means, and what may have been changed all the same.

use std::time::Duration;

use azure_core::{error::ErrorKind, http::StatusCode};
use azure_storage_blob::models::StorageErrorCode;

use super::answer::Unusable;
use crate::{
    ingest::error::{StoreError, StoreFailure},
    model::visible::visible,
    net::trust::{self, CertificateFault},
    storage::Effect,
};

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
enum BlobError {
    /// With the cause at the bottom as text: those above it quote the address, whose query may be a
    /// signature.
    #[error("blob storage cannot be reached: {detail}")]
    Unreachable { detail: String },
    #[error("blob storage cannot be reached")]
    Untrusted(#[source] CertificateFault),
    #[error("blob storage answered {status} {code}")]
    Refused { status: u16, code: String },
    #[error("blob storage did not answer within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error(transparent)]
    Unusable(Unusable),
}

pub(super) fn has_code(error: &azure_core::Error, code: &StorageErrorCode) -> bool {
    matches!(error.kind(), ErrorKind::HttpResponse { error_code: Some(found), .. } if found == code.as_ref())
}

/// Someone else has written: 412 for `If-Match`, 409 for a blob that should not have been there. A
/// lease answers 412 too, with another code, and is a fault.
pub(super) fn is_conflict(error: &azure_core::Error) -> bool {
    has_code(error, &StorageErrorCode::ConditionNotMet)
        || has_code(error, &StorageErrorCode::BlobAlreadyExists)
}

/// A refusal changed nothing; after a fault of the service or of the network a write may have gone
/// through.
pub(super) fn failed(error: &azure_core::Error, effect: Effect) -> StoreError {
    if let Some(unusable) = unusable(error) {
        let advice = Some(unusable.advice());
        return store_error(BlobError::Unusable(unusable), advice, effect);
    }
    if let Some(fault) = trust::fault_in(error) {
        let advice = fault.advice();
        return store_error(BlobError::Untrusted(fault), Some(advice), effect);
    }
    let ErrorKind::HttpResponse {
        status, error_code, ..
    } = error.kind()
    else {
        let detail = innermost(error);
        let advice = "check AzureWebJobsStorage and outbound network access; for UseDevelopmentStorage=true start Azurite";
        return store_error(BlobError::Unreachable { detail }, Some(advice), effect);
    };
    let (advice, effect) = match status {
        StatusCode::Forbidden | StatusCode::Unauthorized => (
            Some(
                "check the key in AzureWebJobsStorage, or give the identity the role Storage Blob Data Contributor",
            ),
            Effect::Reads,
        ),
        _ if *status == StatusCode::TooManyRequests || status.is_server_error() => (
            Some(
                "nothing if it is temporary; if it lasts, check the account's metrics and Azure's service status",
            ),
            effect,
        ),
        _ => (None, Effect::Reads),
    };
    let error = BlobError::Refused {
        status: u16::from(*status),
        code: error_code
            .clone()
            .unwrap_or_else(|| "no error code".to_owned()),
    };
    store_error(error, advice, effect)
}

/// There was no answer within `time`.
pub(super) fn timed_out(time: Duration, effect: Effect) -> StoreError {
    let advice = "nothing, if it passes; otherwise check outbound network access, and in the account's metrics whether it is throttled";
    store_error(BlobError::TimedOut(time), Some(advice), effect)
}

fn store_error(error: BlobError, advice: Option<&'static str>, effect: Effect) -> StoreError {
    effect.unconfirmed(StoreFailure::new(error, advice))
}

/// Why the answer was refused, if it was. The crate wraps errors into others.
fn unusable(error: &azure_core::Error) -> Option<Unusable> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(unusable) = error.downcast_ref::<Unusable>() {
            return Some(*unusable);
        }
        cause = error.source();
    }
    None
}

/// The cause at the bottom. Those above it quote the address, whose query may be a signature.
fn innermost(error: &azure_core::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    let text = text.split(" for url (").next().unwrap_or_default();
    visible(text)
}
