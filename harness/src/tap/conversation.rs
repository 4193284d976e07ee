//! One connection between gateway and application server, understood while it goes by.

use std::time::Duration;

use bytes::BytesMut;
use wire::{scgi, uwsgi};

use super::{
    Finding, Pairs,
    diagnose::not_kept,
    exchange::{Ending, Exchange},
    fastcgi, http,
    reply::Head,
};
use crate::{decode, model::Model, transcript::Way};

/// Something that happened on a relayed connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened<'a> {
    /// Octets passed.
    Octets(Way, &'a [u8]),
    /// The side that sends this way ended in order.
    Ended(Way),
    /// The side that sends this way is gone: what the system said.
    Broke(Way, String),
    /// The application server took no connection: what the system said.
    Refused(String),
    /// Octets passed without a copy: what follows cannot be decoded.
    Lost,
    /// Nothing more happens.
    Over,
}

/// Octets that every protocol of the family can be told by.
const ENOUGH: usize = 16;

/// Decodes one connection.
#[derive(Debug)]
pub struct Conversation {
    number: u64,
    told: u32,
    protocol: Option<Model>,
    pub(super) request: BytesMut,
    pub(super) reply: BytesMut,
    pub(super) open: Vec<Live>,
    done: Vec<Exchange>,
    gone: Option<Ending>,
    lost: bool,
    /// When the gateway sent its last, if it said so.
    left: Option<Duration>,
    /// When the last exchange ended on a connection that was to be kept.
    kept: Option<Duration>,
    note: Option<Finding>,
    /// FastCGI: the id of a request that was answered before it was whole.
    pub(super) early: Option<u16>,
    pub(super) http: http::State,
}

/// An exchange under way.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) exchange: Exchange,
    pub(super) params: Vec<u8>,
    pub(super) head: Head,
}

impl Conversation {
    /// Connection `number`, from 1; `protocol` where it need not be recognised.
    pub fn new(number: u64, protocol: Option<Model>) -> Self {
        Self {
            number,
            told: 0,
            protocol,
            request: BytesMut::new(),
            reply: BytesMut::new(),
            open: Vec::new(),
            done: Vec::new(),
            gone: None,
            lost: false,
            left: None,
            kept: None,
            note: None,
            early: None,
            http: http::State::default(),
        }
    }

    /// Takes what happened at a time since the tap began; gives back the exchanges that are over.
    pub fn happened(&mut self, at: Duration, what: Happened<'_>) -> Vec<Exchange> {
        match what {
            Happened::Octets(..) if self.lost => {}
            Happened::Octets(Way::Request, octets) => self.requested(at, octets),
            Happened::Octets(Way::Reply, octets) => self.replied(at, octets),
            Happened::Ended(Way::Reply) => self.ended(at, Ending::BackendClosed),
            Happened::Broke(Way::Reply, _) => self.ended(at, Ending::BackendReset),
            Happened::Ended(Way::Request) => {
                self.left.get_or_insert(at);
                // A half-close after the whole request is in order.
                let (request, open) = (&self.request, &mut self.open);
                if let Some(live) = open.last_mut().filter(|_| request.is_empty()) {
                    live.exchange.request.whole |= live.exchange.protocol != Some(Model::FastCgi);
                }
            }
            Happened::Broke(Way::Request, _) => self.ended(at, Ending::GatewayClosed),
            Happened::Refused(why) => {
                self.live();
                self.ended(at, Ending::Refused(why));
            }
            Happened::Lost => {
                self.lost = true;
                let open = self.open.iter_mut();
                open.for_each(|live| live.exchange.incomplete = true);
            }
            Happened::Over => self.ended(at, Ending::GatewayClosed),
        }
        std::mem::take(&mut self.done)
    }

    /// What is to be told of the connection itself, once.
    pub fn note(&mut self) -> Option<Finding> {
        self.note.take()
    }

    /// The exchange under way; begins one where there is none.
    pub(super) fn live(&mut self) -> &mut Live {
        if self.open.is_empty() {
            self.begin(0);
        }
        self.open.last_mut().expect("one was begun")
    }

    /// Begins an exchange.
    pub(super) fn begin(&mut self, id: u16) -> &mut Live {
        self.told += 1;
        self.open.push(Live {
            exchange: Exchange {
                connection: self.number,
                nth: self.told,
                protocol: self.protocol,
                id,
                ..Exchange::default()
            },
            ..Live::default()
        });
        self.open.last_mut().expect("one was pushed")
    }

    fn requested(&mut self, at: Duration, octets: &[u8]) {
        if self.protocol.is_some() {
            return self.understand(at, octets);
        }
        let before = self.request.len();
        self.request.extend_from_slice(octets);
        self.protocol = decode::recognise(&self.request).map(|seen| seen.protocol);
        let so_far = self.request.split();
        if self.protocol.is_some() {
            return self.understand(at, &so_far);
        }
        if so_far.len() >= ENOUGH {
            let from = if before < ENOUGH { 0 } else { before };
            self.live().exchange.request.came(at, &so_far[from..]);
        }
        self.request = so_far;
    }

    fn understand(&mut self, at: Duration, octets: &[u8]) {
        match self.protocol {
            Some(Model::Uwsgi | Model::Scgi) => {
                self.live().exchange.request.came(at, octets);
                self.packet(octets);
            }
            Some(Model::Http) => self.http_request(at, octets),
            _ => fastcgi::request(self, at, octets),
        }
    }

    /// uwsgi and SCGI: a head, then body to its length.
    fn packet(&mut self, octets: &[u8]) {
        let exchange = &mut self.open.last_mut().expect("it was begun").exchange;
        if exchange.request.flaw.is_some() {
            return;
        }
        if exchange.params.is_empty() && exchange.packet.is_none() {
            self.request.extend_from_slice(octets);
            match environ(self.protocol, &mut self.request) {
                Ok(Some((packet, params))) => {
                    (exchange.packet, exchange.params) = (packet, params);
                    named(exchange);
                }
                Ok(None) => return,
                Err(error) => {
                    exchange.request.flaw = Some(error);
                    self.request.clear();
                    return;
                }
            }
            exchange.request.body += self.request.split().len() as u64;
        } else {
            exchange.request.body += octets.len() as u64;
        }
        let length = exchange.param("CONTENT_LENGTH").unwrap_or_default();
        let length: u64 = length.trim().parse().unwrap_or(0);
        exchange.request.whole = exchange.request.body >= length;
    }

    fn replied(&mut self, at: Duration, octets: &[u8]) {
        match self.protocol {
            Some(Model::Uwsgi | Model::Scgi) => {
                let live = self.live();
                note_early(live);
                live.exchange.reply.came(at, octets);
                live.head.take(octets, true, &mut live.exchange);
            }
            Some(Model::Http) => self.http_reply(at, octets),
            Some(Model::FastCgi | Model::Cgi | Model::CgiWarm) => fastcgi::reply(self, at, octets),
            None => self.live().exchange.reply.came(at, octets),
        }
    }

    /// The connection is over, or one direction of it that ends every exchange.
    fn ended(&mut self, at: Duration, ending: Ending) {
        if self.gone.is_some() && self.open.is_empty() {
            return;
        }
        if let Some(since) = self.kept.filter(|_| self.open.is_empty()) {
            let by_server = matches!(ending, Ending::BackendClosed | Ending::BackendReset);
            self.note = by_server.then(|| not_kept(at.saturating_sub(since)));
            self.kept = None;
        }
        if ending == Ending::BackendClosed {
            // An empty reply to nothing is a kept connection that ends.
            self.http_until_close(at);
        }
        self.leave_rest(at);
        for mut live in std::mem::take(&mut self.open) {
            let exchange = &mut live.exchange;
            exchange.ending = match (&ending, exchange.protocol) {
                (Ending::BackendClosed, Some(Model::Uwsgi | Model::Scgi))
                    if exchange.has_head && is_whole(exchange) =>
                {
                    exchange.reply.whole = true;
                    Ending::Complete
                }
                (ending, _) => ending.clone(),
            };
            live.head.finish(&mut live.exchange);
            // A gateway that went without a reply is what ended it, however long the server went on.
            match self.left {
                Some(left)
                    if live.exchange.reply.octets == 0
                        && live.exchange.request.first.is_some_and(|it| it < left) =>
                {
                    live.exchange.ending = Ending::GatewayClosed;
                    self.finish(left, live);
                }
                _ => self.finish(at, live),
            }
        }
        self.gone = Some(ending);
    }

    /// The beginning of a record that never became whole is shown as well.
    fn leave_rest(&mut self, at: Duration) {
        if !matches!(self.protocol, None | Some(Model::FastCgi))
            || !self.open.is_empty() && self.protocol.is_none()
            || self.open.is_empty() && self.early.is_some()
        {
            return;
        }
        let (request, reply) = (self.request.split(), self.reply.split());
        if !request.is_empty() {
            self.live().exchange.request.came(at, &request);
        }
        if let Some(live) = self.open.last_mut().filter(|_| !reply.is_empty()) {
            live.exchange.reply.came(at, &reply);
            let cut = || "the last record is cut off".to_owned();
            live.exchange.reply.flaw.get_or_insert_with(cut);
        }
    }

    /// Hands an exchange out.
    pub(super) fn finish(&mut self, at: Duration, live: Live) {
        let mut exchange = live.exchange;
        exchange.ended = Some(at);
        let is_kept = exchange.keep && exchange.ending == Ending::Complete;
        self.kept = is_kept
            .then_some(at)
            .filter(|_| self.protocol == Some(Model::FastCgi));
        exchange.incomplete |= self.lost;
        self.done.push(exchange);
    }
}

/// A request's first modifier and size of its block by uwsgi.
type Packet = Option<(u8, u16)>;

/// Takes the head of a uwsgi or SCGI request off the buffer, or `None` while it is incomplete.
fn environ(protocol: Option<Model>, buf: &mut BytesMut) -> Result<Option<(Packet, Pairs)>, String> {
    let (packet, environ) = match protocol {
        Some(Model::Uwsgi) => match uwsgi::decode_request(buf, uwsgi::MAX_BLOCK) {
            Ok(Some((header, environ))) => (Some((header.modifier1, header.datasize)), environ),
            Ok(None) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        },
        _ => match scgi::decode_request(buf, 1 << 24) {
            Ok(Some(environ)) => (None, environ),
            Ok(None) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        },
    };
    let pairs = environ.iter().map(|(name, value)| (&name[..], &value[..]));
    Ok(Some((packet, pairs.collect())))
}

/// Whether the body is as long as the reply's own Content-Length says.
fn is_whole(exchange: &Exchange) -> bool {
    let length = exchange.field("Content-Length");
    let length = length.and_then(|it| it.parse::<u64>().ok());
    let has_no_body = exchange.method == "HEAD" || matches!(exchange.status, Some(204 | 304));
    has_no_body || length.is_none_or(|length| exchange.reply.body >= length)
}

/// Notes a reply that does not wait for the request.
pub(super) fn note_early(live: &mut Live) {
    if !live.exchange.request.whole {
        live.exchange.answered_early = true;
    }
}

/// Method and URI out of the variables.
pub(super) fn named(exchange: &mut Exchange) {
    let of = |name: &str| exchange.param(name).map(str::to_owned);
    let method = of("REQUEST_METHOD").unwrap_or_default();
    let uri = of("REQUEST_URI").filter(|it| !it.is_empty());
    let uri = uri.unwrap_or_else(|| {
        let mut path = of("SCRIPT_NAME").unwrap_or_default();
        path.push_str(&of("PATH_INFO").unwrap_or_default());
        match of("QUERY_STRING").filter(|query| !query.is_empty()) {
            Some(query) => format!("{path}?{query}"),
            None => path,
        }
    });
    (exchange.method, exchange.uri) = (method, uri);
}
