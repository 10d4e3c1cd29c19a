//! Where a process is brought to a halt: a proxy before each service holds a chosen call at a chosen
//! point, so that a test knows what the process has done, and what it has not.

use mimecast_ttp::model::feed::Feed;

use crate::proxy::{Fault, Proxy, Rule};

/// A call of a feed's part of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// The checkpoint is saved before the first post.
    Claim,
    Post,
    /// The checkpoint is saved behind the first acknowledged post.
    Save,
    SecondPost,
    /// The checkpoint is saved behind the second acknowledged post.
    SecondSave,
    /// The checkpoint is read.
    Load,
    Page,
    SecondPage,
    /// An hour of the ledger is read.
    LedgerRead,
    /// An hour of the ledger is written.
    LedgerWrite,
    /// The ledger is written, the checkpoint does not know it yet.
    LedgerList,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The service has not heard of it.
    Asked,
    /// The service has half of the request.
    HalfAsked,
    /// The service has done it, the process does not know.
    Served,
    /// The process has half of the answer.
    HalfAnswered,
}

use Stage::{Asked, HalfAnswered, HalfAsked, Served};

impl Call {
    pub const ALL: [Self; 11] = [
        Self::Claim,
        Self::Post,
        Self::Save,
        Self::SecondPost,
        Self::SecondSave,
        Self::Load,
        Self::Page,
        Self::SecondPage,
        Self::LedgerRead,
        Self::LedgerWrite,
        Self::LedgerList,
    ];

    /// The stages at which a process can stand: what has no body is not asked by halves, and half an
    /// answer says something only where the whole one does.
    pub const fn stages(self) -> &'static [Stage] {
        match self {
            Self::Post | Self::SecondPost => &[Asked, HalfAsked, Served, HalfAnswered],
            Self::Claim | Self::Save | Self::SecondSave | Self::LedgerWrite => {
                &[Asked, HalfAsked, Served]
            }
            Self::Load | Self::Page | Self::SecondPage | Self::LedgerRead => {
                &[Asked, Served, HalfAnswered]
            }
            Self::LedgerList => &[Asked, Served],
        }
    }

    /// Whether it is made only where counts are compared.
    pub const fn compares(self) -> bool {
        matches!(
            self,
            Self::LedgerRead | Self::LedgerWrite | Self::LedgerList
        )
    }

    /// How many posts of the feed must have been acknowledged before the call can be told from others
    /// like it.
    const fn behind_posts(self) -> usize {
        match self {
            Self::Save => 1,
            Self::SecondSave => 2,
            _ => 0,
        }
    }

    /// What the head of the request holds.
    const fn head(self, feed: Feed) -> &'static [&'static str] {
        let of_each: [&[&str]; 3] = match self {
            Self::Load => [
                &["GET ", "/url-checkpoint.txt"],
                &["GET ", "/attachment-checkpoint.txt"],
                &["GET ", "/impersonation-checkpoint.txt"],
            ],
            Self::Claim | Self::Save | Self::SecondSave => [
                &["PUT ", "/url-checkpoint.txt"],
                &["PUT ", "/attachment-checkpoint.txt"],
                &["PUT ", "/impersonation-checkpoint.txt"],
            ],
            Self::Page | Self::SecondPage => [
                &["/ttp/url/get-logs"],
                &["/ttp/attachment/get-logs"],
                &["/ttp/impersonation/get-logs"],
            ],
            Self::Post | Self::SecondPost => [
                &["log-type: MimecastTTPUrl"],
                &["log-type: MimecastTTPAttachment"],
                &["log-type: MimecastTTPImpersonation"],
            ],
            Self::LedgerRead => [
                &["GET ", "/ledger%2Furl%2F"],
                &["GET ", "/ledger%2Fattachment%2F"],
                &["GET ", "/ledger%2Fimpersonation%2F"],
            ],
            Self::LedgerWrite => [
                &["PUT ", "/ledger%2Furl%2F"],
                &["PUT ", "/ledger%2Fattachment%2F"],
                &["PUT ", "/ledger%2Fimpersonation%2F"],
            ],
            Self::LedgerList => [
                &["comp=list", "prefix=ledger%2Furl%2F"],
                &["comp=list", "prefix=ledger%2Fattachment%2F"],
                &["comp=list", "prefix=ledger%2Fimpersonation%2F"],
            ],
        };
        of_each[feed as usize]
    }

    fn rule(self, feed: Feed, fault: Fault) -> Rule {
        Rule {
            on: self.head(feed),
            skip: usize::from(matches!(self, Self::SecondPost | Self::SecondPage)),
            times: 1,
            fault,
        }
    }
}

impl Stage {
    /// A halt from which there is no way on.
    pub const fn for_good(self) -> Fault {
        match self {
            Asked => Fault::Swallowed,
            HalfAsked => Fault::StalledRequest,
            Served => Fault::StalledHead,
            HalfAnswered => Fault::StalledBody,
        }
    }

    /// A halt that ends when it is released.
    pub fn for_now(self) -> Fault {
        match self {
            Asked => Fault::HeldRequest,
            Served => Fault::HeldAnswer,
            HalfAsked | HalfAnswered => panic!("a call that is held is asked and answered whole"),
        }
    }
}

/// Where some feeds of a process come to a halt.
#[derive(Debug, Clone)]
pub struct Halt {
    pub feeds: Vec<Feed>,
    pub call: Call,
    pub fault: Fault,
}

/// The proxies between a process and its services, and where they halt it.
pub struct Services {
    pub mimecast: Proxy,
    pub sink: Proxy,
    pub store: Proxy,
    pub halt: Option<Halt>,
}

impl Services {
    /// To be called before the process is started.
    pub fn arm(&self) {
        let Some(halt) = &self.halt else { return };
        for feed in &halt.feeds {
            match halt.call.behind_posts() {
                0 => self
                    .asked_for(halt.call)
                    .add(halt.call.rule(*feed, halt.fault)),
                posts => self.sink.add(Rule {
                    skip: posts - 1,
                    ..Call::Post.rule(*feed, Fault::HeldAnswer)
                }),
            }
        }
    }

    /// Waits until every feed stands where it is to halt.
    pub async fn halted(&self) {
        let Some(halt) = &self.halt else {
            return std::future::pending().await;
        };
        let proxy = self.asked_for(halt.call);
        if halt.call.behind_posts() > 0 {
            self.sink.halted(halt.feeds.len()).await;
            // The acknowledgements are under way: what is saved next is saved behind them.
            for feed in &halt.feeds {
                proxy.add(halt.call.rule(*feed, halt.fault));
            }
            self.sink.release();
        }
        proxy.halted(halt.feeds.len()).await;
    }

    /// Lets go what is held.
    pub fn release(&self) {
        if let Some(halt) = &self.halt {
            self.asked_for(halt.call).release();
        }
    }

    /// Waits until all that a dead process had sent has come to its end.
    pub async fn drained(&self) {
        tokio::join!(
            self.mimecast.drained(),
            self.sink.drained(),
            self.store.drained()
        );
    }

    const fn asked_for(&self, call: Call) -> &Proxy {
        match call {
            Call::Page | Call::SecondPage => &self.mimecast,
            Call::Post | Call::SecondPost => &self.sink,
            _ => &self.store,
        }
    }
}
