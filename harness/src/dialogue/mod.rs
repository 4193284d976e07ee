//! What the driver saw on its connections to an application server: plain values, decoded while
//! the octets come. Nothing here opens a socket or reads a clock.

mod records;
mod reply;

use bytes::BytesMut;

use crate::{model::Model, scenario::expect::Mismatch, witness::ClientView};

pub(crate) use records::begun;
pub use records::{Record, Values};
pub use reply::Reply;

/// How many octets of a connection are kept as they came: 1 MiB.
pub const KEPT: usize = 1 << 20;

/// All that the driver saw in one case, and what came of its steps.
#[derive(Clone, Debug, Default)]
pub struct Driven {
    /// The connections in the order in which they were opened.
    pub lines: Vec<Line>,
    /// The first expectation that was not met.
    pub unmet: Option<Mismatch>,
    /// The outcome of `one_of` whose steps were met.
    pub chosen: Option<String>,
}

/// One connection, or one run of a CGI program.
#[derive(Clone, Debug)]
pub struct Line {
    /// What steps call it: `a`.
    pub name: String,
    /// What is spoken on it.
    pub model: Model,
    /// The first octets that came, at most [`KEPT`].
    pub octets: Vec<u8>,
    /// How many came in all.
    pub size: u64,
    /// What a CGI program wrote to its error stream.
    pub stderr: Vec<u8>,
    /// FastCGI records in the order in which they came.
    pub records: Vec<Record>,
    /// Replies in the order in which they began.
    pub replies: Vec<Reply>,
    /// Records that belong to no request that is open: told, not decoded.
    pub strays: Vec<String>,
    /// Why what came cannot be read as the protocol.
    pub flaw: Option<String>,
    /// How it ended; `None` while it is open.
    pub end: Option<End>,
    /// How a CGI program ended.
    pub exit: Option<Exit>,
    /// Octets of content that [`Self::records`] keep.
    content_kept: usize,
    buf: BytesMut,
    methods: Vec<String>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed it in order.
    Closed,
    /// The server reset it.
    Reset,
    /// It was never taken.
    Refused(String),
    /// The driver itself closed it.
    Own,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl Line {
    /// A connection on which nothing has come yet.
    pub fn new(name: impl Into<String>, model: Model) -> Self {
        Self {
            name: name.into(),
            model,
            octets: Vec::new(),
            size: 0,
            stderr: Vec::new(),
            records: Vec::new(),
            replies: Vec::new(),
            strays: Vec::new(),
            flaw: None,
            end: None,
            exit: None,
            content_kept: 0,
            buf: BytesMut::new(),
            methods: Vec::new(),
        }
    }

    /// Notes the method of the next request, on which the framing of its HTTP reply depends.
    pub fn asked(&mut self, method: &str) {
        self.methods.push(method.to_owned());
    }

    /// Takes what came next.
    pub fn feed(&mut self, octets: &[u8]) {
        self.size += octets.len() as u64;
        let room = KEPT.saturating_sub(self.octets.len()).min(octets.len());
        self.octets.extend_from_slice(&octets[..room]);
        if self.flaw.is_some() {
            return;
        }
        match self.model {
            Model::FastCgi => self.feed_records(octets),
            Model::Http => self.feed_http(octets),
            Model::Uwsgi | Model::Scgi | Model::Cgi | Model::CgiWarm => {
                self.only_reply().push(octets)
            }
        }
    }

    /// Takes the end of what comes.
    pub fn ended(&mut self, end: End) {
        if self.end.is_some() {
            return;
        }
        let in_order = end == End::Closed;
        self.end = Some(end);
        match self.model {
            Model::FastCgi if in_order && !self.buf.is_empty() => {
                let told = format!("{} octets of an unfinished record", self.buf.len());
                self.flaw.get_or_insert(told);
            }
            Model::FastCgi => {}
            Model::Http => {
                if let Some(reply) = self.replies.last_mut().filter(|reply| !reply.complete) {
                    reply.finish(in_order);
                }
            }
            Model::Uwsgi | Model::Scgi | Model::Cgi | Model::CgiWarm => {
                if self.size > 0 {
                    self.only_reply().finish(in_order);
                }
            }
        }
    }

    /// The reply number `nth`, from 1, to request `id`; only FastCGI has ids.
    pub fn reply(&self, id: u16, nth: usize) -> Option<&Reply> {
        let of_it = |reply: &&Reply| self.model != Model::FastCgi || reply.id == id;
        self.replies.iter().filter(of_it).nth(nth.saturating_sub(1))
    }

    /// What the first reply looked like, for conditions on it.
    pub fn first(&self) -> Option<&ClientView> {
        self.replies.first().map(|reply| &reply.view)
    }

    /// What came, in a few words.
    pub fn came(&self) -> String {
        let octets = match self.size {
            0 => "nothing".to_owned(),
            size => format!("{size} octets"),
        };
        match &self.end {
            None => format!("{octets}, connection open"),
            Some(End::Refused(why)) => format!("connection refused: {why}"),
            Some(end) => format!("{octets}, connection {}", end.words()),
        }
    }

    fn only_reply(&mut self) -> &mut Reply {
        if self.replies.is_empty() {
            self.replies.push(Reply::new(0, self.model));
        }
        &mut self.replies[0]
    }

    fn feed_http(&mut self, octets: &[u8]) {
        let mut rest = BytesMut::from(octets);
        while !rest.is_empty() && self.flaw.is_none() {
            if self.replies.last().is_none_or(|reply| reply.complete) {
                let method = self.methods.get(self.replies.len());
                let method = method.map_or("GET", String::as_str);
                self.replies.push(Reply::to(method));
            }
            let reply = self.replies.last_mut().expect("one was pushed");
            rest = reply.push_message(&rest);
            self.flaw.clone_from(&reply.view.malformed);
        }
    }
}

impl End {
    /// The word that reports use.
    pub fn words(&self) -> String {
        match self {
            Self::Closed => "closed".to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::Refused(why) => format!("refused: {why}"),
            Self::Own => "closed by the driver".to_owned(),
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}
