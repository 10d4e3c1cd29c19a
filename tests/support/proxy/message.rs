//! As much of HTTP/1.1 as the proxy needs to know where a message ends.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::TcpStream,
};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// A request or an answer, read whole.
#[derive(Debug, Clone)]
pub struct Message {
    /// Up to the empty line, with a `content-length` in every case.
    pub head: String,
    /// The rest.
    pub body: Vec<u8>,
}

impl Message {
    /// An answer of the proxy's own.
    pub fn answer(status: u16, headers: &str) -> Self {
        let body = b"the proxy's own answer".to_vec();
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} Simulated\r\n{headers}content-length: {length}\r\n\r\n");
        Self { head, body }
    }

    /// Reads the next message; `None` where the other side closed in between two.
    pub async fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut buffer = Vec::new();
        let head_bytes = loop {
            if let Some(at) = find(&buffer, HEAD_END) {
                break at + HEAD_END.len();
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                let between_two = buffer.is_empty();
                return if between_two {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        };
        let mut rest = buffer.split_off(head_bytes);
        let head = String::from_utf8(buffer).map_err(io::Error::other)?;
        if header(&head, "transfer-encoding").is_some() {
            let body = chunks(stream, rest).await?;
            return Ok(Some(Self { head, body }.with_length()));
        }
        let length = header(&head, "content-length").map_or(Ok(0), str::parse);
        let length = length.map_err(io::Error::other)?;
        fill(stream, &mut rest, length).await?;
        assert_eq!(rest.len(), length, "nobody here sends ahead");
        Ok(Some(Self { head, body: rest }))
    }

    /// Writes all of it.
    pub async fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(&self.bytes()).await
    }

    /// Everything as it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }

    /// The head and the first half of the body.
    pub fn half(&self) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes.truncate(bytes.len() - self.body.len() / 2);
        bytes
    }

    /// An answer that breaks off in its body. Where there is no body, its end is what does not come: a
    /// service that answers without a body must not seem to send one.
    pub fn unfinished(self) -> Vec<u8> {
        if self.body.is_empty() {
            self.with("transfer-encoding: chunked").bytes()
        } else {
            self.half()
        }
    }

    /// With the length of the body in the head in place of what was said about it.
    fn with_length(self) -> Self {
        let length = format!("content-length: {}", self.body.len());
        self.with(&length)
    }

    /// With a header line about the body in place of those that there are.
    fn with(mut self, about_body: &str) -> Self {
        let mut head = String::new();
        for line in self.head.trim_end().split("\r\n") {
            let name = line.split(':').next().unwrap_or_default();
            if !["content-length", "transfer-encoding"]
                .iter()
                .any(|other| name.eq_ignore_ascii_case(other))
            {
                head.push_str(line);
                head.push_str("\r\n");
            }
        }
        self.head = format!("{head}{about_body}\r\n\r\n");
        self
    }
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Waits for the head of the next request and leaves it where it is; `None` where there is none.
pub async fn peek_head(stream: &TcpStream) -> io::Result<Option<String>> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.peek(&mut buffer).await?;
        if length == 0 {
            return Ok(None);
        }
        if let Some(at) = find(&buffer[..length], HEAD_END) {
            return Ok(Some(String::from_utf8_lossy(&buffer[..at]).into_owned()));
        }
        // A client that died in the middle of a head sends no more of it.
        if stream.ready(Interest::READABLE).await?.is_read_closed() {
            return Ok(None);
        }
        // What has come is shown again at once: wait for more.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// Reads on until there are `length` bytes.
async fn fill(stream: &mut TcpStream, bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    while bytes.len() < length {
        if stream.read_buf(bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// The body of a chunked message, of which `bytes` has come already.
async fn chunks(stream: &mut TcpStream, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            if let Some(at) = find(&bytes, b"\r\n") {
                break at;
            }
            let more = bytes.len() + 1;
            fill(stream, &mut bytes, more).await?;
        };
        let size = String::from_utf8_lossy(&bytes[..line]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        bytes.drain(..line + 2);
        fill(stream, &mut bytes, size + 2).await?;
        body.extend(bytes.drain(..size));
        bytes.drain(..2);
        if size == 0 {
            return Ok(body);
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
