//! Blobs in Azure Storage.
//!
//! Writes carry the `ETag` of what was read, so that of two runs one stops. The container is made at
//! the first write that misses it. The official crate retries by itself: a conditional write whose
//! answer was lost is sent again and then meets its own first try, so a refused write is compared
//! with what lies there before it counts as a lost race.

mod answer;
mod error;
mod whole_attempt;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::{
    Bytes,
    credentials::TokenCredential,
    error::ErrorKind,
    http::{
        ClientOptions, Etag, ExponentialRetryOptions, RequestContent, RetryOptions, StatusCode,
        Transport, Url, policies::Policy,
    },
};
use azure_storage_blob::{
    BlobContainerClient, BlobContainerClientOptions,
    models::{BlobClientUploadOptions, BlobContainerClientListBlobsOptions, StorageErrorCode},
};
use futures_util::StreamExt;

use self::{
    answer::{MAX_LIST_PAGES, Unusable},
    error::{failed, has_code, is_conflict, timed_out},
    whole_attempt::WholeAttempt,
};
use super::{Effect, MAX_BYTES, MAX_KEYS, check_size};
use crate::{
    azure::{
        blob_signing::SharedKeyPolicy,
        connection_string::{BlobAccess, Signing},
    },
    ingest::{
        error::StoreError,
        ports::{Clock, Saved, Store, Version},
    },
    model::{
        deadline::Deadline,
        store_key::{Folder, StoreKey},
    },
    net::http::HttpClient,
};

/// The whole of one call, the crate's retries included, unless the deadline comes first.
const TIME: Duration = Duration::from_secs(30);

/// Retries of one request, 0.4 s to some 6 s apart.
const RETRIES: u32 = 5;

/// The longest try of one request, which carries a few megabytes at most. There is time for another.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How the store proves who it is.
pub enum Access {
    /// By a connection string.
    ConnectionString(BlobAccess),
    /// By a token.
    Identity {
        /// The blob service's address.
        endpoint: Url,
        /// Where tokens come from.
        credential: Arc<dyn TokenCredential>,
    },
}

impl Access {
    const fn endpoint(&self) -> &Url {
        match self {
            Self::ConnectionString(access) => &access.endpoint,
            Self::Identity { endpoint, .. } => endpoint,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionString(access) => access.fmt(f),
            Self::Identity { endpoint, .. } => f
                .debug_struct("Identity")
                .field("endpoint", &endpoint.as_str())
                .finish_non_exhaustive(),
        }
    }
}

/// One container.
pub struct BlobStore {
    container: BlobContainerClient,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStore").finish_non_exhaustive()
    }
}

/// The client for a container could not be made: a fault of the settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address of the storage account cannot have a container.
    #[error("the checkpoint container cannot be addressed: the address has no path")]
    NoPath,
    /// The official client refuses the address.
    #[error("the checkpoint container cannot be addressed")]
    Client(#[source] azure_core::Error),
}

impl BlobStore {
    /// A store in `container`.
    pub fn new(
        http: &HttpClient,
        access: Access,
        container: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let mut client_options = ClientOptions {
            per_try_policies: vec![Arc::new(WholeAttempt {
                clock: Arc::clone(&clock),
                time: ATTEMPT_TIMEOUT,
            }) as Arc<dyn Policy>],
            transport: Some(Transport::new(Arc::new(
                http.inner(access.endpoint()).clone(),
            ))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_retries: RETRIES,
                ..ExponentialRetryOptions::default()
            }),
            ..ClientOptions::default()
        };
        let (mut url, credential) = match access {
            Access::ConnectionString(access) => {
                if let Signing::Key { account, key } = access.signing {
                    let policy = SharedKeyPolicy::new(account, key, Arc::clone(&clock));
                    client_options.per_try_policies.push(Arc::new(policy));
                }
                (access.endpoint, None)
            }
            Access::Identity {
                endpoint,
                credential,
            } => (endpoint, Some(credential)),
        };
        url.path_segments_mut()
            .map_err(|()| SetupError::NoPath)?
            .pop_if_empty()
            .push(container);
        let options = BlobContainerClientOptions {
            client_options,
            ..BlobContainerClientOptions::default()
        };
        let container =
            BlobContainerClient::new(url, credential, Some(options)).map_err(SetupError::Client)?;
        Ok(Self { container, clock })
    }

    async fn read(&self, key: StoreKey) -> Result<Saved, azure_core::Error> {
        let blob = self.container.blob_client(&key.name());
        let mut result = match blob.download(None).await {
            Ok(result) => result,
            Err(error) if error.http_status() == Some(StatusCode::NotFound) => {
                return Ok(Saved {
                    content: None,
                    version: Version::Absent,
                });
            }
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = result.body.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() as u64 > MAX_BYTES {
                return Err(Unusable::BlobTooLarge.into());
            }
        }
        if answer::total(&result.headers).is_some_and(|total| total != bytes.len() as u64) {
            return Err(Unusable::OtherPart.into());
        }
        Ok(Saved {
            content: Some(bytes),
            version: version(result.properties.etag)?,
        })
    }

    async fn write(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
    ) -> Result<Version, azure_core::Error> {
        let mut options = BlobClientUploadOptions {
            blob_content_type: Some(content_type(key).to_owned()),
            ..BlobClientUploadOptions::default()
        };
        match expected {
            Version::Absent => options.if_none_match = Some(Etag::from("*")),
            Version::Tag(tag) => options.if_match = Some(Etag::from(tag.clone())),
        }
        let blob = self.container.blob_client(&key.name());
        let content: RequestContent<Bytes, _> = Bytes::copy_from_slice(content).into();
        let result = blob.upload(content, Some(options)).await?;
        version(result.etag)
    }

    /// Writes; creates a missing container, and recognises its own earlier try after a refusal.
    async fn write_through(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
    ) -> Result<Version, StoreError> {
        let mut result = self.write(key, content, expected).await;
        if result
            .as_ref()
            .is_err_and(|error| has_code(error, &StorageErrorCode::ContainerNotFound))
        {
            match self.container.create(None).await {
                Ok(_) => {}
                // Made by someone else meanwhile.
                Err(error) if error.http_status() == Some(StatusCode::Conflict) => {}
                Err(error) => return Err(failed(&error, Effect::Writes)),
            }
            result = self.write(key, content, expected).await;
        }
        match result {
            Ok(version) => Ok(version),
            Err(error) if is_conflict(&error) => {
                let there = self.read(key).await;
                let there = there.map_err(|error| failed(&error, Effect::Writes))?;
                if there.content.as_deref() == Some(content) {
                    Ok(there.version)
                } else {
                    Err(StoreError::Conflict)
                }
            }
            Err(error) => Err(failed(&error, Effect::Writes)),
        }
    }

    async fn delete(&self, key: StoreKey) -> Result<(), azure_core::Error> {
        match self.container.blob_client(&key.name()).delete(None).await {
            Ok(_) => Ok(()),
            Err(error) if error.http_status() == Some(StatusCode::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn names(&self, folder: Folder) -> Result<Vec<StoreKey>, azure_core::Error> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: Some(folder.prefix()),
            ..BlobContainerClientListBlobsOptions::default()
        };
        let (mut keys, mut names) = (Vec::new(), 0);
        let mut pages = self.container.list_blobs(Some(options))?.into_pages();
        for _ in 0..=MAX_LIST_PAGES {
            let page = match pages.next().await {
                None => return Ok(keys),
                Some(Ok(page)) => page.into_model()?,
                Some(Err(error)) if has_code(&error, &StorageErrorCode::ContainerNotFound) => {
                    return Ok(keys);
                }
                Some(Err(error)) => return Err(error),
            };
            names += page.blob_items.len();
            if names > MAX_KEYS {
                break;
            }
            let blobs = page.blob_items.into_iter();
            keys.extend(blobs.filter_map(|blob| folder.key(&blob.name?)));
        }
        Err(Unusable::ListTooLong.into())
    }

    async fn in_time<T>(
        &self,
        deadline: Deadline,
        effect: Effect,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let left = deadline.remaining(self.clock.elapsed()).unwrap_or_default();
        let time = TIME.min(left);
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            biased;
            result = work => result,
            () = clock.sleep(time) => Err(timed_out(time, effect)),
        }
    }
}

/// For whoever opens it in the portal.
fn content_type(key: StoreKey) -> &'static str {
    match key {
        StoreKey::Checkpoint(_) | StoreKey::RefusedLogin | StoreKey::Check(_) => {
            "text/plain; charset=utf-8"
        }
        StoreKey::Ledger(..) => "application/octet-stream",
        StoreKey::Quarantine(..) | StoreKey::Runs => "application/json",
    }
}

fn version(etag: Option<Etag>) -> Result<Version, azure_core::Error> {
    etag.map(|etag| Version::Tag(etag.to_string()))
        .ok_or_else(|| azure_core::Error::with_message(ErrorKind::Other, "the answer has no ETag"))
}

#[async_trait]
impl Store for BlobStore {
    fn address(&self, key: StoreKey) -> String {
        let mut url = self.container.url().clone();
        url.set_query(None);
        format!("{url}/{}", key.name())
    }

    async fn load(&self, key: StoreKey, deadline: Deadline) -> Result<Saved, StoreError> {
        let work = async {
            let saved = self.read(key).await;
            saved.map_err(|error| failed(&error, Effect::Reads))
        };
        self.in_time(deadline, Effect::Reads, work).await
    }

    async fn save(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        check_size(content)?;
        let work = self.write_through(key, content, expected);
        self.in_time(deadline, Effect::Writes, work).await
    }

    async fn remove(&self, key: StoreKey, deadline: Deadline) -> Result<(), StoreError> {
        let work = async {
            let deleted = self.delete(key).await;
            deleted.map_err(|error| failed(&error, Effect::Writes))
        };
        self.in_time(deadline, Effect::Writes, work).await
    }

    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        let work = async {
            let keys = self.names(folder).await;
            keys.map_err(|error| failed(&error, Effect::Reads))
        };
        self.in_time(deadline, Effect::Reads, work).await
    }
}

#[cfg(test)]
mod tests;
