//! The Azure Functions custom handler.
//!
//! Facts of the host that shape it: it asks `GET /` until anything answers; a timer comes as
//! `POST /TimerTrigger`; success is a 2xx with a JSON object, failure any other status, whose body it
//! throws away, so everything worth knowing is logged before; a 2xx without a body would hang until
//! the time-out. It stops the handler by SIGKILL, without notice, and does not restart one that exited
//! with 0.

mod invocation;
mod router;

pub use invocation::Invocation;
pub use router::{Handler, router};
