//! A proxy that breaks what passes through it, on command: the next so many requests, also those on
//! connections that have been open for long.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::message::{Message, peek_head};

/// One way to break an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset before a byte of the request was read.
    ResetBefore,
    /// The request is served, the answer thrown away, and the connection reset.
    ResetAfter,
    /// The request is read and goes nowhere; no byte of an answer comes.
    Swallowed,
    /// The request is served, but no byte of the answer comes.
    StalledHead,
    /// The request is served; after half of the answer's body nothing more comes.
    StalledBody,
    /// The request is served; the connection is closed after half of the answer's body.
    TruncatedBody,
    /// The request is served; the answer comes so many bytes at a time.
    Drip { bytes: usize, every: Duration },
    /// This answer, and the request goes nowhere.
    Status {
        status: u16,
        retry_after: Option<u64>,
    },
}

impl Fault {
    /// A status without a word about when to come again.
    pub const fn status(status: u16) -> Self {
        let retry_after = None;
        Self::Status {
            status,
            retry_after,
        }
    }

    /// Too many requests; come again in so many seconds.
    pub const fn throttle(seconds: u64) -> Self {
        Self::Status {
            status: 429,
            retry_after: Some(seconds),
        }
    }
}

/// Which requests are broken, and how.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Everything that the head of a request must hold.
    pub on: &'static [&'static str],
    /// So many of them pass before.
    pub skip: usize,
    /// So many of them are broken then.
    pub times: usize,
    /// How.
    pub fault: Fault,
}

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    rules: Mutex<Vec<Rule>>,
    requests: AtomicUsize,
    broken: AtomicUsize,
    /// Requests that could not be handed on: faults that nobody ordered.
    failures: AtomicUsize,
    /// Every request that was handed on.
    served: Mutex<Vec<Message>>,
}

/// A proxy on loopback. It ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    task: Mutex<Option<JoinHandle<()>>>,
    /// Holds the port while nobody listens.
    held: Mutex<Option<TcpSocket>>,
}

impl Proxy {
    /// A proxy before `127.0.0.1:upstream`.
    pub fn start(upstream: u16) -> Self {
        let socket = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        let proxy = Self {
            address: socket.local_addr().unwrap(),
            state: Arc::new(State {
                upstream: SocketAddr::from(([127, 0, 0, 1], upstream)),
                rules: Mutex::default(),
                requests: AtomicUsize::new(0),
                broken: AtomicUsize::new(0),
                failures: AtomicUsize::new(0),
                served: Mutex::default(),
            }),
            task: Mutex::new(None),
            held: Mutex::new(Some(socket)),
        };
        proxy.listen();
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks requests to come.
    pub fn add(&self, rule: Rule) {
        self.state.rules.lock().unwrap().push(rule);
    }

    /// Breaks nothing any more.
    pub fn heal(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// Closes every connection and refuses new ones, until [`Self::listen`]. The port stays taken.
    pub async fn refuse(&self) {
        let task = self.task.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            drop(task.await);
            *self.held.lock().unwrap() = Some(bound(self.address));
        }
    }

    /// Takes connections again.
    pub fn listen(&self) {
        if let Some(socket) = self.held.lock().unwrap().take() {
            let listener = socket.listen(1024).unwrap();
            let task = tokio::spawn(accept(listener, Arc::clone(&self.state)));
            *self.task.lock().unwrap() = Some(task);
        }
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// How many of them were broken.
    pub fn broken(&self) -> usize {
        self.state.broken.load(Ordering::SeqCst)
    }

    /// How many requests met a fault that nobody ordered.
    pub fn failures(&self) -> usize {
        self.state.failures.load(Ordering::SeqCst)
    }

    /// The bodies of all requests that were handed on, in order.
    pub fn served(&self) -> Vec<Message> {
        self.state.served.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }
}

/// A socket that has a port but does not listen: who connects to it is refused.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // The set ends with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                stream.set_nodelay(true).unwrap();
                let state = Arc::clone(&state);
                // A client that goes away is no fault of the proxy.
                connections.spawn(async move { drop(serve(stream, &state).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut client: TcpStream, state: &State) -> io::Result<()> {
    while let Some(head) = peek_head(&client).await? {
        state.requests.fetch_add(1, Ordering::SeqCst);
        let fault = state.meets(&head);
        if fault == Some(Fault::ResetBefore) {
            // Without lingering, closing is a reset.
            return client.set_zero_linger();
        }
        let Some(request) = Message::read(&mut client).await? else {
            return Ok(());
        };
        match fault {
            Some(Fault::Swallowed) => return wait_until_gone(&mut client).await,
            Some(Fault::Status {
                status,
                retry_after,
            }) => {
                let header = retry_after.map(|wait| format!("retry-after: {wait}\r\n"));
                let answer = Message::answer(status, &header.unwrap_or_default());
                answer.write(&mut client).await?;
                continue;
            }
            _ => {}
        }
        let answer = state.forward(request).await?;
        match fault {
            Some(Fault::ResetAfter) => return client.set_zero_linger(),
            Some(Fault::StalledHead) => return wait_until_gone(&mut client).await,
            Some(Fault::StalledBody) => {
                half(answer, &mut client).await?;
                return wait_until_gone(&mut client).await;
            }
            Some(Fault::TruncatedBody) => return half(answer, &mut client).await,
            Some(Fault::Drip { bytes, every }) => {
                for part in answer.bytes().chunks(bytes) {
                    tokio::time::sleep(every).await;
                    client.write_all(part).await?;
                }
            }
            _ => answer.write(&mut client).await?,
        }
    }
    Ok(())
}

/// Sends the head and the first half of the body.
async fn half(answer: Message, client: &mut TcpStream) -> io::Result<()> {
    let answer = answer.padded(64);
    let bytes = answer.bytes();
    let end = bytes.len() - answer.body.len() / 2;
    client.write_all(&bytes[..end]).await
}

/// Says nothing until the client gives up.
async fn wait_until_gone(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while client.read(&mut buffer).await? > 0 {}
    Ok(())
}

impl State {
    /// What this request meets.
    fn meets(&self, head: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.times > 0 && rule.on.iter().all(|part| head.contains(part)))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        self.broken.fetch_add(1, Ordering::SeqCst);
        Some(rule.fault)
    }

    /// Hands the request on and gives the whole answer. Each time on a new connection: one that the
    /// server closes while it is idle would be a fault that nobody ordered.
    async fn forward(&self, request: Message) -> io::Result<Message> {
        let answer = self.exchange(&request).await;
        match answer {
            Ok(_) => self.served.lock().unwrap().push(request),
            Err(_) => _ = self.failures.fetch_add(1, Ordering::SeqCst),
        }
        answer
    }

    async fn exchange(&self, request: &Message) -> io::Result<Message> {
        let mut upstream = TcpStream::connect(self.upstream).await?;
        upstream.set_nodelay(true)?;
        request.write(&mut upstream).await?;
        let answer = Message::read(&mut upstream).await?;
        answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
