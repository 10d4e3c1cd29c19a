//! The request on the wire.

use std::fmt::Write as _;

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`, as under `func` with its request tracing.
    ContentLength,
    /// `Transfer-Encoding: chunked`, as in Azure.
    Chunked {
        /// In how many chunks; 0 counts as 1, and there are never more than bytes.
        pieces: usize,
    },
}

/// A request to the handler.
#[derive(Debug, Clone)]
pub(in crate::functions_host) struct Request {
    pub(in crate::functions_host) path: String,
    /// Sent before the framing, in this order.
    pub(in crate::functions_host) headers: Vec<(&'static str, String)>,
    pub(in crate::functions_host) traceparent: Option<String>,
    pub(in crate::functions_host) body: Vec<u8>,
    pub(in crate::functions_host) framing: Framing,
}

impl Request {
    /// What is written, piece by piece. A redirected GET has no body.
    pub(super) fn parts(&self, port: u16, path: &str, posts: bool) -> Vec<Vec<u8>> {
        let method = if posts { "POST" } else { "GET" };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        let mut header = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            write!(head, "{name}: {value}\r\n").unwrap_or_default();
        };
        for (name, value) in &self.headers {
            header(name, value);
        }
        let chunked = matches!(self.framing, Framing::Chunked { .. });
        if posts && chunked {
            header("Transfer-Encoding", "chunked");
        }
        if let Some(traceparent) = &self.traceparent {
            header("traceparent", traceparent);
        }
        if posts {
            header("Content-Type", "application/json; charset=utf-8");
        }
        if posts && !chunked {
            header("Content-Length", &self.body.len().to_string());
        }
        head.push_str("\r\n");
        let mut parts = vec![head.into_bytes()];
        match self.framing {
            _ if !posts => {}
            Framing::ContentLength => parts.push(self.body.clone()),
            Framing::Chunked { pieces } => {
                let size = self.body.len().div_ceil(pieces.max(1)).max(1);
                for piece in self.body.chunks(size) {
                    let size = format!("{:X}\r\n", piece.len());
                    parts.push([size.as_bytes(), piece, b"\r\n"].concat());
                }
                parts.push(b"0\r\n\r\n".to_vec());
            }
        }
        parts
    }
}
