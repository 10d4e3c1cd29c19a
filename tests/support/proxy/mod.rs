//! A proxy that breaks what passes through it, or holds it up, on command: the next so many requests,
//! also those on connections that have been open for long.

#![allow(dead_code, reason = "each test binary uses its own part")]

mod fault;
mod message;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub use self::fault::{Fault, Rule};
use self::message::{Message, peek_head};

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    rules: Mutex<Vec<Rule>>,
    requests: AtomicUsize,
    broken: AtomicUsize,
    /// Exchanges that came to where they stall or are held.
    halted: watch::Sender<usize>,
    /// How often held exchanges were let go.
    releases: watch::Sender<usize>,
    connections: watch::Sender<Connections>,
    /// Requests that could not be handed on: faults that nobody ordered.
    failures: AtomicUsize,
    /// Every request that was handed on.
    served: Mutex<Vec<Message>>,
}

/// The connections of clients.
#[derive(Debug, Default)]
struct Connections {
    open: usize,
    /// The client's end of the last one.
    last: Option<SocketAddr>,
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
                halted: watch::Sender::default(),
                releases: watch::Sender::default(),
                connections: watch::Sender::default(),
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

    /// Waits until so many exchanges in all have come to where they stall or are held.
    pub async fn halted(&self, count: usize) {
        let mut halted = self.state.halted.subscribe();
        halted.wait_for(|halted| *halted >= count).await.unwrap();
    }

    /// Lets go what is held.
    pub fn release(&self) {
        self.state.releases.send_modify(|releases| *releases += 1);
    }

    /// Waits until everything is dealt with that was sent by clients who are gone.
    pub async fn drained(&self) {
        let mut connections = self.state.connections.subscribe();
        // Connections are taken in their order: behind this one comes none of those clients.
        let last = TcpStream::connect(self.address).await.unwrap();
        let here = last.local_addr().unwrap();
        let taken = connections.wait_for(|now| now.last == Some(here)).await;
        drop(taken.unwrap());
        drop(last);
        let closed = connections.wait_for(|now| now.open == 0).await;
        drop(closed.unwrap());
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
                let (stream, client) = accepted.unwrap();
                stream.set_nodelay(true).unwrap();
                let open = Open::new(&state, client);
                // A client that goes away is no fault of the proxy.
                connections.spawn(async move { drop(serve(stream, &open.0).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Counts a connection for as long as it lives.
struct Open(Arc<State>);

impl Open {
    fn new(state: &Arc<State>, client: SocketAddr) -> Self {
        state.connections.send_modify(|connections| {
            connections.open += 1;
            connections.last = Some(client);
        });
        Self(Arc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let connections = &self.0.connections;
        connections.send_modify(|connections| connections.open -= 1);
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
            Some(Fault::Swallowed) => return state.stall(&mut client).await,
            Some(Fault::StalledRequest) => {
                let mut upstream = state.connect().await?;
                upstream.write_all(&request.half()).await?;
                return state.stall(&mut client).await;
            }
            Some(Fault::HeldRequest) => state.hold().await,
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
            Some(Fault::StalledHead) => return state.stall(&mut client).await,
            Some(Fault::StalledBody) => {
                client.write_all(&answer.unfinished()).await?;
                return state.stall(&mut client).await;
            }
            Some(Fault::TruncatedBody) => {
                return client.write_all(&answer.unfinished()).await;
            }
            Some(Fault::HeldAnswer) => {
                state.hold().await;
                answer.write(&mut client).await?;
            }
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

    /// Says nothing until the client gives up.
    async fn stall(&self, client: &mut TcpStream) -> io::Result<()> {
        self.halted.send_modify(|halted| *halted += 1);
        let mut buffer = [0; 1024];
        while client.read(&mut buffer).await? > 0 {}
        Ok(())
    }

    /// Waits for the next release.
    async fn hold(&self) {
        let mut releases = self.releases.subscribe();
        self.halted.send_modify(|halted| *halted += 1);
        // Fails only where the proxy has ended.
        drop(releases.changed().await);
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

    async fn connect(&self) -> io::Result<TcpStream> {
        let upstream = TcpStream::connect(self.upstream).await?;
        upstream.set_nodelay(true)?;
        Ok(upstream)
    }

    async fn exchange(&self, request: &Message) -> io::Result<Message> {
        let mut upstream = self.connect().await?;
        request.write(&mut upstream).await?;
        let answer = Message::read(&mut upstream).await?;
        answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
