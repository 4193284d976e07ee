//! The process that writes the log, where options need one.
//!
//! ```text
//! master, workers, what they start ── standard output and error ──▶ ┐
//! workers ── lines of requests, if these go their own way ────────▶ ├─ Router ─▶ destinations
//! master ── rotate, reopen ───────────────────────────────────────▶ ┘
//! ```
//!
//! Each write is a packet, so that messages stay whole and apart. uWSGI has its master do this; here
//! a master that is busy holds up nobody's log, and the process outlives the master until the last
//! writer is gone.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::socket::sockopt::{RcvBuf, SndBuf};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, setsockopt, socketpair};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Pid, Uid};

use super::router::Router;
use crate::master::fork;

/// How much a packet may hold at least, in bytes, if the system allows it.
const PACKET: usize = 256 * 1024;

/// How long the end of the server waits for the rest of its log.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the master orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Reopen,
    Rotate,
}

/// The reading ends. The master keeps a copy, so that nothing is lost should the process die.
#[derive(Debug)]
struct Inlets {
    messages: OwnedFd,
    requests: Option<OwnedFd>,
    orders: io::PipeReader,
}

/// The process as its master knows it.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    inlets: Inlets,
    orders: io::PipeWriter,
    /// Standard output and error as they were.
    stdout: OwnedFd,
    stderr: OwnedFd,
    user: (Option<Uid>, Option<Gid>),
}

/// The writing end for the lines of requests, where these go their own way.
pub(super) type Requests = Option<OwnedFd>;

impl Process {
    /// Starts it, and makes the way there this process's standard output and error. Whatever it
    /// writes to is open already; then it becomes `user`, like everybody else.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(
        router: Router,
        separate_requests: bool,
        user: (Option<Uid>, Option<Gid>),
    ) -> io::Result<(Self, Requests)> {
        let (message_inlet, messages) = packets()?;
        let (request_inlet, requests) = match separate_requests {
            true => packets().map(|(inlet, outlet)| (Some(inlet), Some(outlet)))?,
            false => (None, None),
        };
        let (order_inlet, orders) = io::pipe()?;
        let mut process = Self {
            pid: Pid::from_raw(0),
            inlets: Inlets {
                messages: message_inlet,
                requests: request_inlet,
                orders: order_inlet,
            },
            orders,
            stdout: io::stdout().as_fd().try_clone_to_owned()?,
            stderr: io::stderr().as_fd().try_clone_to_owned()?,
            user,
        };
        let requests = process.fork(router, requests, Some(messages))?;
        Ok((process, requests))
    }

    /// Starts it anew after it has died.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn restart(&mut self, router: Router, requests: Requests) -> io::Result<Requests> {
        self.fork(router, requests, None)
    }

    /// In the parent `output`, if given, becomes standard output and error. The child has no end to
    /// write to: it would wait for itself for ever.
    fn fork(
        &mut self,
        mut router: Router,
        requests: Requests,
        output: Option<OwnedFd>,
    ) -> io::Result<Requests> {
        match fork::fork(None)? {
            ForkResult::Parent { child } => {
                self.pid = child;
                if let Some(output) = output {
                    super::output::become_output(&output)?;
                }
                Ok(requests)
            }
            ForkResult::Child => {
                drop((requests, output));
                let code = match self.live(&mut router) {
                    Ok(()) => 0,
                    Err(_) => 1,
                };
                drop(router);
                std::process::exit(code)
            }
        }
    }

    /// The process itself, until nobody can write to it any more.
    fn live(&self, router: &mut Router) -> io::Result<()> {
        // A terminal sends its signals to everybody, and whoever stops the server wants the log of
        // that as well.
        SigSet::all().thread_block()?;
        nix::unistd::dup2_stdout(&self.stdout)?;
        nix::unistd::dup2_stderr(&self.stderr)?;
        give_up(self.user)?;
        serve(&self.inlets, router)
    }

    /// Standard error as it was before the process wrote the log.
    pub(super) fn stderr(&self) -> BorrowedFd<'_> {
        self.stderr.as_fd()
    }

    /// Tells it what to do. One that is gone does it when it is started anew.
    pub(super) fn order(&self, order: Order) {
        let byte = match order {
            Order::Reopen => b'l',
            Order::Rotate => b'L',
        };
        let _ = (&self.orders).write_all(&[byte]);
    }

    /// Whether this is its process id.
    pub(super) fn is(&self, pid: Pid) -> bool {
        self.pid == pid
    }

    /// Makes standard output and error what they were before.
    pub(super) fn give_back(&self) -> io::Result<()> {
        nix::unistd::dup2_stdout(&self.stdout)?;
        nix::unistd::dup2_stderr(&self.stderr)?;
        Ok(())
    }

    /// Waits until it has written everything; not for ever, since something that the server has
    /// started may live on and hold the way to the log open.
    pub(super) fn finish(self) {
        let Self { pid, .. } = self;
        let deadline = Instant::now() + LAST_WORDS;
        while let Ok(WaitStatus::StillAlive) = waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            if deadline < Instant::now() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A way for packets: the inlet, which does not wait, and the outlet, which does.
fn packets() -> io::Result<(OwnedFd, OwnedFd)> {
    let (inlet, outlet) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?;
    // The system may allow less.
    let _ = setsockopt(&outlet, SndBuf, &PACKET);
    let _ = setsockopt(&inlet, RcvBuf, &PACKET);
    Ok((inlet, outlet))
}

/// Root's rights are for opening files alone.
fn give_up((uid, gid): (Option<Uid>, Option<Gid>)) -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    if let Some(gid) = gid {
        nix::unistd::setgroups(&[gid])?;
        nix::unistd::setgid(gid)?;
    }
    if let Some(uid) = uid {
        nix::unistd::setuid(uid)?;
    }
    Ok(())
}

/// Reads messages and orders until every way for messages has ended.
fn serve(inlets: &Inlets, router: &mut Router) -> io::Result<()> {
    let mut messages = Some(Inlet::new(&inlets.messages)?);
    let mut requests = inlets.requests.as_ref().map(Inlet::new).transpose()?;
    while messages.is_some() || requests.is_some() {
        let ways = [messages.as_ref(), requests.as_ref()];
        let mut fds = vec![PollFd::new(inlets.orders.as_fd(), PollFlags::POLLIN)];
        let ways = ways.into_iter().flatten();
        fds.extend(ways.map(|way| PollFd::new(way.socket.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if fds[0].revents() == Some(PollFlags::POLLIN) {
            follow(&inlets.orders, router);
        }
        drain(&mut messages, |message| router.message(message));
        drain(&mut requests, |line| router.request(line));
    }
    Ok(())
}

fn follow(mut orders: &io::PipeReader, router: &mut Router) {
    let mut order = [0];
    if orders.read_exact(&mut order).is_err() {
        return;
    }
    match order[0] {
        b'l' => router.reopen(),
        b'L' => router.rotate(),
        _ => {}
    }
}

/// Takes what has come; one that has ended is no more.
fn drain(way: &mut Option<Inlet<'_>>, take: impl FnMut(&[u8])) {
    if way.as_mut().is_some_and(|inlet| !inlet.drain(take)) {
        *way = None;
    }
}

/// A way and room for its largest packet.
struct Inlet<'a> {
    socket: &'a OwnedFd,
    packet: Vec<u8>,
}

impl<'a> Inlet<'a> {
    fn new(socket: &'a OwnedFd) -> io::Result<Self> {
        let largest = getsockopt(socket, SndBuf)?.max(PACKET);
        Ok(Self {
            socket,
            packet: vec![0; largest],
        })
    }

    /// Takes all packets that have come; false once no more can come.
    fn drain(&mut self, mut take: impl FnMut(&[u8])) -> bool {
        use nix::sys::socket::{MsgFlags, recv};
        use std::os::fd::AsRawFd;
        loop {
            match recv(
                self.socket.as_raw_fd(),
                &mut self.packet,
                MsgFlags::MSG_DONTWAIT,
            ) {
                // An empty packet looks like the end.
                Ok(0) => return !self.has_ended(),
                Ok(size) => take(&self.packet[..size]),
                Err(Errno::EINTR) => {}
                Err(error) => return error == Errno::EAGAIN,
            }
        }
    }

    fn has_ended(&self) -> bool {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let asked = poll(&mut fds, PollTimeout::ZERO);
        let events = fds[0].revents().unwrap_or(PollFlags::empty());
        asked.is_err() || events.contains(PollFlags::POLLHUP)
    }
}

/// Writes one message; what is larger than a packet goes in several.
pub(super) fn write_packets(outlet: impl AsFd, message: &[u8]) -> io::Result<()> {
    for packet in message.chunks(PACKET / 4) {
        // A packet goes out whole or not at all.
        while let Err(error) = nix::unistd::write(&outlet, packet) {
            if error != Errno::EINTR {
                return Err(error.into());
            }
        }
    }
    Ok(())
}
