//! The listing, as a run sees it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, ServiceError},
        ports::{LogSource, PageRequest},
    },
    model::{checkpoint::Service, deadline::Deadline, page::Page},
};

use super::{super::bugs::Bug, Actor};

fn error(kind: ErrorKind) -> ServiceError {
    ServiceError::new(Service::Mimecast, kind)
}

fn too_late(cause: &'static str) -> ServiceError {
    error(ErrorKind::DeadlineExceeded).with_source(cause)
}

#[async_trait]
impl LogSource for Actor {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, ServiceError> {
        self.step("fetch").await;
        match self.fault(|state| state.odds.fetch, 5) {
            Some(0) if self.world.has(Bug::IgnoresFail) => return Ok(Page::default()),
            Some(0) => {
                let failed = error(ErrorKind::Failed).with_source("err_developer_key");
                return Err(failed.after(5, Duration::ZERO));
            }
            Some(1) => return Err(too_late("busy")),
            Some(2) => {
                return Err(error(ErrorKind::Throttled {
                    retry_after: self.wait(),
                }));
            }
            Some(3) if request.token.is_some() => {
                return Err(error(ErrorKind::PageTokenRefused).with_source("expired"));
            }
            Some(_) => self.slow(deadline).await,
            None => {}
        }
        if self.is_late(deadline) {
            return Err(too_late("cut off"));
        }
        let page = self.page(request)?;
        self.step("page").await;
        Ok(page)
    }
}

impl Actor {
    /// What the world lists, as a bug asks for it and takes it.
    fn page(&self, request: PageRequest<'_>) -> Result<Page, ServiceError> {
        let range = request.range;
        let mut from = range.from();
        if self.world.has(Bug::StartPlusOne) && from < range.to() && request.size > 1 {
            from += TimeDelta::seconds(1);
        }
        let mut offset = 0;
        if self.world.has(Bug::TokenForAnotherRange) && request.token.is_none() && request.size > 1
        {
            let kept = self.world.state().runs[self.run].last_offset.take();
            offset = kept.unwrap_or(0);
        }
        let mut page = self.world.page(
            request.feed,
            (from, range.to()),
            request.token,
            offset,
            request.size,
        )?;
        if self.world.has(Bug::TokenForAnotherRange) && page.next.is_some() {
            self.world.state().runs[self.run].last_offset = Some(page.len());
        }
        if self.world.has(Bug::FirstPageOnly) {
            page.next = None;
        }
        if self.world.has(Bug::NoReconciliation) && request.size == 1 {
            page.total = None;
        }
        Ok(page)
    }
}
