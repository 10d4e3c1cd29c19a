//! The Azure Functions custom handler.
//!
//! Facts of the host that shape it: it asks `GET /` until anything answers; a timer comes as
//! `POST /TimerTrigger`; success is a 2xx with a JSON object, failure any other status, whose body it
//! throws away, so what the pass came to is logged then, while the `Logs` of a good answer are lines of
//! their own, tied to the operation, and would stand twice if they were logged too; a 2xx without a body would hang until
//! the time-out. It stops the handler by SIGKILL, without notice, and does not restart one that exited
//! with 0.

mod caller;
mod feed_line;
mod invocation;
mod router;
mod server;

pub use invocation::Invocation;
pub use router::{Handler, Work, router};
pub use server::serve;
