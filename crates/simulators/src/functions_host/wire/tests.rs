use super::*;
use std::sync::Arc;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt},
    net::TcpListener,
    task::JoinHandle,
};

/// A server that answers each request on a connection with the next of the given bytes, and closes
/// the connection after the last of a list. Gives what it read.
async fn serve(connections: Vec<Vec<&'static str>>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answers in connections {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            for answer in answers {
                requests.push(read_request(&mut stream).await);
                stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
            }
        }
        requests
    });
    (port, task)
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut text).await.unwrap(), 0, "{text}");
    }
    if text.contains("chunked") {
        while !text.ends_with("\r\n0\r\n\r\n") {
            assert_ne!(stream.read_line(&mut text).await.unwrap(), 0, "{text}");
        }
    } else if let Some((_, length)) = text.split_once("Content-Length: ") {
        let length = length.trim().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
    }
    text
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

fn client(port: u16) -> Client {
    Client::new(port, Duration::from_secs(60))
}

fn request(framing: Framing) -> Request {
    Request {
        path: "/GetTTPUrl".to_owned(),
        headers: vec![("User-Agent", "Azure-Functions-Host/4".to_owned())],
        traceparent: None,
        body: b"{\"Data\":1}".to_vec(),
        framing,
    }
}

const CHUNKED: Framing = Framing::Chunked { pieces: 1 };

#[tokio::test]
async fn a_chunked_request_is_that_of_the_host() {
    let (port, server) = serve(vec![vec![OK]]).await;
    let mut request = request(Framing::Chunked { pieces: 3 });
    request.traceparent = Some("00-a-b-00".to_owned());
    let response = client(port).send(&request).await.unwrap();
    assert_eq!((response.status, response.reason.as_str()), (200, "OK"));
    assert_eq!(response.header("content-TYPE"), Some("application/json"));
    assert_eq!(response.body, b"{}");
    let head = format!(
        "POST /GetTTPUrl HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Azure-Functions-Host/4\r\nTransfer-Encoding: chunked\r\ntraceparent: 00-a-b-00\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
    );
    let body = "4\r\n{\"Da\r\n4\r\nta\":\r\n2\r\n1}\r\n0\r\n\r\n";
    assert_eq!(server.await.unwrap(), [head + body]);
}

#[tokio::test]
async fn a_request_with_a_length_is_that_of_the_host() {
    let (port, server) = serve(vec![vec![OK]]).await;
    let client = client(port);
    client.send(&request(Framing::ContentLength)).await.unwrap();
    let expected = format!(
        "POST /GetTTPUrl HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Azure-Functions-Host/4\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 10\r\n\r\n{{\"Data\":1}}"
    );
    assert_eq!(server.await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_connection_is_used_again_until_it_was_idle_too_long() {
    let (port, server) = serve(vec![vec![OK, OK]]).await;
    let patient = client(port);
    patient.probe().await.unwrap();
    patient.send(&request(CHUNKED)).await.unwrap();
    let requests = server.await.unwrap();
    assert_eq!(
        requests[0],
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
    );

    let (port, server) = serve(vec![vec![OK], vec![OK]]).await;
    let hasty = Client::new(port, Duration::ZERO);
    hasty.send(&request(CHUNKED)).await.unwrap();
    hasty.send(&request(CHUNKED)).await.unwrap();
    assert_eq!(server.await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_connection_that_the_handler_gives_up_is_not_used_again() {
    const CLOSE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    const OLD: &str = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    const ENDLESS: &str = "HTTP/1.1 200 OK\r\n\r\n{}";
    let (port, server) = serve(vec![vec![CLOSE], vec![OLD], vec![ENDLESS], vec![OK]]).await;
    let client = client(port);
    for _ in 0..4 {
        assert_eq!(client.send(&request(CHUNKED)).await.unwrap().body, b"{}");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_chunked_answer_with_interim_answer_and_trailers_is_understood() {
    const ANSWER: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n";
    let (port, _server) = serve(vec![vec![ANSWER, OK]]).await;
    let client = client(port);
    assert_eq!(client.send(&request(CHUNKED)).await.unwrap().body, b"{}");
    client.send(&request(CHUNKED)).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_the_request_is_not_repeated() {
    let cases = [
        ("", "while sending the request."),
        ("HTTP/1.1 200 OK\r\nContent-", "ended prematurely"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
            "ended prematurely",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
            "ended prematurely",
        ),
        ("SSH-2.0-x\r\n", "invalid response"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            "invalid response",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "invalid response",
        ),
    ];
    for (answer, reason) in cases {
        let (port, server) = serve(vec![vec![answer]]).await;
        let error = client(port).send(&request(CHUNKED)).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{answer}: {error}");
        assert!(!error.is_unconnected());
        assert_eq!(server.await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_head_is_bounded_in_all() {
    let line = format!("A: {}\r\n", "b".repeat(20_000));
    for (lines, fits) in [(3, true), (4, false)] {
        let head = line.repeat(lines);
        let answer = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 2\r\n\r\n{{}}");
        let answer: &'static str = answer.leak();
        let (port, _server) = serve(vec![vec![answer]]).await;
        let answered = client(port).send(&request(CHUNKED)).await;
        let error = answered.err().map(|error| error.to_string());
        let is_too_long = error.is_some_and(|error| error.contains("set limit of 65536 bytes"));
        assert_eq!(is_too_long, !fits, "{lines}");
    }
}

#[tokio::test]
async fn nobody_there_is_refused() {
    // Bound without listening: nobody else gets the port, and nobody answers.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let error = client(port).probe().await.unwrap_err();
    assert!(error.is_unconnected());
    let expected = format!("HttpRequestException: Connection refused (127.0.0.1:{port})");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn redirects_are_followed_as_dotnet_does_it() {
    const FOUND: &str = "HTTP/1.1 302 Found\r\nLocation: /a?b=c\r\nContent-Length: 0\r\n\r\n";
    const KEEP: &str =
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: b\r\nContent-Length: 0\r\n\r\n";
    const AWAY: &str = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n";
    let (port, server) = serve(vec![vec![KEEP, FOUND, OK, AWAY]]).await;
    let client = Arc::new(client(port));
    assert_eq!(client.send(&request(CHUNKED)).await.unwrap().status, 200);
    assert_eq!(client.send(&request(CHUNKED)).await.unwrap().status, 307);
    let starts: Vec<String> = server
        .await
        .unwrap()
        .iter()
        .map(|request| request.lines().next().unwrap().to_owned())
        .collect();
    let expected = [
        "POST /GetTTPUrl",
        "POST /b",
        "GET /a?b=c",
        "POST /GetTTPUrl",
    ];
    assert_eq!(starts, expected.map(|start| format!("{start} HTTP/1.1")));
}
