//! The statistics server: figures for whoever connects, without ever holding up the master.
//!
//! It answers as soon as somebody connects, whatever they send. What a peer does not take at once
//! waits in memory, and not for long.

mod json;
mod metrics;
mod report;

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use socket2::Socket;

use super::Scoreboard;
use super::cron::Cron;
use super::daemon::Daemon;
use super::sockets::figures;
use crate::options::{ListenerSettings, StatsSettings};
use crate::socket::{Address, Bound, Purpose};

/// The most peers that are answered at a time; others wait in the socket's queue.
const MOST_PEERS: usize = 64;

/// A peer that has not taken everything by then is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is told at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Metrics,
}

impl Format {
    /// uWSGI's name for what tells so.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Json => "Stats server",
            Self::Metrics => "Metrics server",
        }
    }

    /// What its socket is for.
    pub(super) const fn purpose(self) -> Purpose {
        match self {
            Self::Json => Purpose::Stats,
            Self::Metrics => Purpose::Metrics,
        }
    }
}

/// The sockets, and what is told at each.
pub(super) type ToldAt = Vec<(Bound, Format)>;

/// What there is to be told of.
pub(super) struct Facts<'a> {
    pub(super) board: Scoreboard,
    pub(super) sockets: &'a [Bound],
    pub(super) listeners: &'a [ListenerSettings],
    pub(super) daemons: &'a [Daemon<'a>],
    pub(super) crons: &'a [Cron<'a>],
}

/// The sockets, and who is connected to them.
#[derive(Debug)]
pub(super) struct StatsServer<'a> {
    settings: &'a StatsSettings,
    sockets: ToldAt,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    socket: Socket,
    text: Vec<u8>,
    sent: usize,
    until: Instant,
}

impl<'a> StatsServer<'a> {
    pub(super) fn new(settings: &'a StatsSettings, sockets: ToldAt) -> Self {
        Self {
            settings,
            sockets,
            peers: Vec::new(),
        }
    }

    /// The sockets, for the server that follows in this process.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (Purpose, &Address, &Bound)> {
        self.sockets.iter().filter_map(|(bound, format)| {
            let mut figures = figures(self.settings).into_iter();
            let (_, address) = figures.find(|(told, _)| told == format)?;
            Some((format.purpose(), address?, bound))
        })
    }

    /// What the master is to wait for on its behalf.
    pub(super) fn watch(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let room = self.peers.len() < MOST_PEERS;
        let listening = self.sockets.iter().filter(move |_| room);
        let listening = listening.map(|(bound, _)| (bound.socket().as_fd(), PollFlags::POLLIN));
        let peers = self
            .peers
            .iter()
            .map(|peer| (peer.socket.as_fd(), peer.waits_for()));
        listening.chain(peers)
    }

    /// When a peer is given up.
    pub(super) fn due(&self) -> Option<Instant> {
        self.peers.iter().map(|peer| peer.until).min()
    }

    /// Answers who has come, and goes on with who is there.
    pub(super) fn serve(&mut self, now: Instant, facts: &Facts<'_>) {
        for at in 0..self.sockets.len() {
            while self.peers.len() < MOST_PEERS {
                let (bound, format) = &self.sockets[at];
                let Ok((socket, _)) = bound.socket().accept() else {
                    break;
                };
                if socket.set_nonblocking(true).is_err() {
                    continue;
                }
                let text = self.text(*format, facts);
                self.peers.push(Peer {
                    socket,
                    text,
                    sent: 0,
                    until: now + PATIENCE,
                });
            }
        }
        self.peers
            .retain_mut(|peer| peer.until > now && peer.goes_on());
    }

    fn text(&self, format: Format, facts: &Facts<'_>) -> Vec<u8> {
        let settings = self.settings;
        match format {
            Format::Metrics => with_head("text/plain; version=0.0.4", metrics::text(facts)),
            Format::Json => {
                let text = json::text(facts, settings.minified, settings.cores);
                match settings.http {
                    true => with_head("application/json", text),
                    false => text,
                }
            }
        }
    }
}

/// A response of HTTP. The connection ends with it, since requests are not read.
fn with_head(kind: &str, body: Vec<u8>) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.0 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    response.extend(body);
    response
}

impl Peer {
    fn waits_for(&self) -> PollFlags {
        match self.sent < self.text.len() {
            true => PollFlags::POLLOUT,
            false => PollFlags::POLLIN,
        }
    }

    /// Sends what fits; whether there is more to do. A peer that was sent everything is read from
    /// until it closes: to close over a request that nobody has read would cut the answer off.
    fn goes_on(&mut self) -> bool {
        while self.sent < self.text.len() {
            match self.socket.write(&self.text[self.sent..]) {
                Ok(0) => return false,
                Ok(sent) => self.sent += sent,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
            if self.sent == self.text.len() {
                // Fails where the peer has gone, which the next read tells.
                let _ = self.socket.shutdown(std::net::Shutdown::Write);
            }
        }
        let mut piece = [0; 1024];
        loop {
            match self.socket.read(&mut piece) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}

/// What to wait for, as `poll` takes it.
pub(super) fn poll_fd((fd, flags): (BorrowedFd<'_>, PollFlags)) -> PollFd<'_> {
    PollFd::new(fd, flags)
}
