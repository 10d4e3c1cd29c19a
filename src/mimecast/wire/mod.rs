//! The shapes of Mimecast's requests and answers.

mod body_text;
mod login;
mod page;
mod request;
mod verdict;

/// The type of every body but that of a token request.
pub(super) const JSON: &str = "application/json";

pub(super) use login::{binding, renewal_body};
pub use page::{PageError, UnreadPage, page};
pub use request::{path, request_body};
pub use verdict::{Failure, Verdict, effective_status, verdict};
