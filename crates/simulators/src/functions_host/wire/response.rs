//! The answer on the wire.

use tokio::io::{AsyncBufReadExt, AsyncReadExt};

use super::{Connection, WireError};

/// Bytes of a head, or of a line between chunks, that are read (.NET's default).
const HEAD_LIMIT: u64 = 64 * 1024;
/// Longest body that is read. The real host would take 2 GiB.
const BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// The handler's whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::functions_host) struct Response {
    pub(in crate::functions_host) status: u16,
    pub(in crate::functions_host) reason: String,
    pub(in crate::functions_host) headers: Vec<(String, String)>,
    pub(in crate::functions_host) body: Vec<u8>,
}

impl Response {
    pub(in crate::functions_host) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The answer, and whether the connection can carry another request.
pub(super) async fn read(connection: &mut Connection) -> Result<(Response, bool), WireError> {
    loop {
        let (response, http11) = read_head(connection).await?;
        // Interim answers, such as 100 Continue.
        if response.status >= 200 {
            return read_body(connection, response, http11).await;
        }
    }
}

async fn read_head(connection: &mut Connection) -> Result<(Response, bool), WireError> {
    match connection.fill_buf().await {
        Ok([_, ..]) => {}
        Ok([]) | Err(_) => return Err(WireError::Sending),
    }
    let mut room = HEAD_LIMIT;
    let line = read_line(connection, &mut room).await?;
    let invalid = || WireError::Invalid(format!("status line '{line}'"));
    let (version, rest) = line.split_once(' ').ok_or_else(invalid)?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = status.parse().map_err(|_| invalid())?;
    if !version.starts_with("HTTP/1.") || !(100..1000).contains(&status) {
        return Err(invalid());
    }
    let mut response = Response {
        status,
        reason: reason.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let http11 = version == "HTTP/1.1";
    loop {
        let line = read_line(connection, &mut room).await?;
        if line.is_empty() {
            return Ok((response, http11));
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| WireError::Invalid(format!("header '{line}'")))?;
        response
            .headers
            .push((name.to_owned(), value.trim().to_owned()));
    }
}

async fn read_body(
    connection: &mut Connection,
    mut response: Response,
    http11: bool,
) -> Result<(Response, bool), WireError> {
    let says = |name, value: &str| {
        response
            .header(name)
            .is_some_and(|header| header.eq_ignore_ascii_case(value))
    };
    let reusable = http11 && !says("connection", "close");
    if matches!(response.status, 204 | 304) {
        return Ok((response, reusable));
    }
    if says("transfer-encoding", "chunked") {
        response.body = read_chunks(connection).await?;
        return Ok((response, reusable));
    }
    if let Some(length) = response.header("content-length") {
        let length = length
            .parse()
            .map_err(|_| WireError::Invalid(format!("Content-Length '{length}'")))?;
        read_exactly(connection, length, &mut response.body).await?;
        return Ok((response, reusable));
    }
    connection
        .take(BODY_LIMIT)
        .read_to_end(&mut response.body)
        .await
        .map_err(|_| WireError::EndedEarly)?;
    Ok((response, false))
}

async fn read_chunks(connection: &mut Connection) -> Result<Vec<u8>, WireError> {
    let mut body = Vec::new();
    loop {
        let mut room = HEAD_LIMIT;
        let line = read_line(connection, &mut room).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| WireError::Invalid(format!("chunk size '{line}'")))?;
        if size == 0 {
            // Trailers, which nobody needs.
            while !read_line(connection, &mut room).await?.is_empty() {}
            return Ok(body);
        }
        read_exactly(connection, size, &mut body).await?;
        if !read_line(connection, &mut room).await?.is_empty() {
            return Err(WireError::Invalid(
                "a chunk is longer than it says".to_owned(),
            ));
        }
    }
}

async fn read_exactly(
    connection: &mut Connection,
    length: u64,
    body: &mut Vec<u8>,
) -> Result<(), WireError> {
    let room = BODY_LIMIT.saturating_sub(body.len() as u64);
    if length > room {
        return Err(WireError::Invalid(format!(
            "a body above {BODY_LIMIT} bytes"
        )));
    }
    let read = connection.take(length).read_to_end(body).await;
    match read {
        Ok(read) if read as u64 == length => Ok(()),
        _ => Err(WireError::EndedEarly),
    }
}

/// A line without its end. What it takes is taken from `room`.
async fn read_line(connection: &mut Connection, room: &mut u64) -> Result<String, WireError> {
    let mut line = Vec::new();
    let read = connection.take(*room).read_until(b'\n', &mut line).await;
    *room = room.saturating_sub(line.len() as u64);
    let is_whole = line.pop() == Some(b'\n');
    if read.is_ok() && !is_whole && *room == 0 {
        return Err(WireError::HeadTooLong(HEAD_LIMIT));
    }
    if read.is_err() || !is_whole {
        return Err(WireError::EndedEarly);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
