//! The shapes of Mimecast's requests and answers.

mod login;
mod page;
mod request;
mod verdict;

pub(super) use login::{binding, renewal_body};
pub use page::{NotAPage, Unread, page};
pub use request::{path, request_body};
pub use verdict::{Failure, Verdict, effective_status, verdict};
