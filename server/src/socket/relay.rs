//! Open connections on their way from a worker that leaves to one that stays.
//!
//! A gateway that keeps connections may send its next request in the very moment in which an idle
//! one is closed; it does not send a POST again then (nginx: `proxy_next_upstream`). So a worker
//! that leaves closes no idle connection: it puts it into this queue, out of which the others take.
//! The queue is a pair of Unix sockets that master and workers share, and a reload keeps: while
//! there is no worker at all, the connections wait in it.

#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Stream;
use super::register::register;

/// As much as the queue may hold of the system; it grants less, and a connection that finds no room
/// is closed instead.
const ROOM: usize = 4 << 20;

/// Longer than any label.
const LABEL: usize = 1024;

/// The queue's two ends.
#[derive(Debug)]
pub(crate) struct Relay {
    give: Socket,
    take: Socket,
}

/// What goes along with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// Which listener it belongs to.
    pub(crate) listener: String,
    /// The client, where it has an internet address.
    pub(crate) client: Option<SocketAddr>,
    /// Whether it has ever sent anything.
    pub(crate) heard: bool,
}

impl Relay {
    pub(crate) fn new() -> io::Result<Self> {
        let (give, take) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        // Whatever is granted is enough to go on with.
        let _ = give.set_send_buffer_size(ROOM);
        take.set_nonblocking(true)?;
        Ok(Self { give, take })
    }

    /// The same queue, for the tasks of a worker.
    pub(crate) fn again(&self) -> io::Result<Self> {
        Ok(Self {
            give: self.give.try_clone()?,
            take: self.take.try_clone()?,
        })
    }

    /// The numbers of its descriptors, which stay open for the program that takes this one's place.
    pub(super) fn keep(&self) -> io::Result<[RawFd; 2]> {
        for end in [&self.give, &self.take] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok([self.give.as_raw_fd(), self.take.as_raw_fd()])
    }

    /// The queue that was kept under these numbers, if that is what they are.
    pub(super) fn kept([give, take]: [RawFd; 2]) -> Option<Self> {
        // SAFETY: the server that ran in this process before left both descriptors to this one
        // alone, and the variable that names them was taken away. Numbers that name nothing, or
        // something else, fail at the calls below.
        let [give, take] = [give, take].map(|fd| Socket::from(unsafe { OwnedFd::from_raw_fd(fd) }));
        for end in [&give, &take] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
            end.local_addr()
                .ok()
                .filter(|it| it.domain() == Domain::UNIX)?;
        }
        Some(Self { give, take })
    }

    /// Gives a connection away; this process's own descriptor of it may be closed then.
    ///
    /// # Errors
    /// A queue that is full, or a system that lets no more descriptors travel.
    pub(crate) fn give(&self, connection: RawFd, label: &Label) -> io::Result<()> {
        let text = label.write();
        let (text, fds) = ([IoSlice::new(text.as_bytes())], [connection]);
        let rights = [ControlMessage::ScmRights(&fds)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        sendmsg::<UnixAddr>(self.give.as_raw_fd(), &text, &rights, flags, None)?;
        Ok(())
    }

    /// For the event loop of a worker.
    pub(crate) fn taker(&self) -> io::Result<Taker> {
        let take = self.take.try_clone()?;
        Ok(Taker(register(Rc::new(take), Interest::READABLE)?))
    }
}

/// Takes connections out of the queue; other workers may as well.
pub(crate) struct Taker(AsyncFd<Rc<Socket>>);

impl Taker {
    /// The next connection.
    pub(crate) async fn take(&self) -> io::Result<(Stream, Label)> {
        loop {
            let took = self.0.async_io(Interest::READABLE, |queue| take(queue));
            if let Some((socket, label)) = took.await? {
                return Ok((Stream::new(socket), label));
            }
        }
    }
}

/// One message, which holds one descriptor; `None` for one that holds none.
fn take(queue: &Socket) -> io::Result<Option<(Socket, Label)>> {
    let mut text = [0; LABEL];
    let mut space = nix::cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let (length, fds) = {
        let mut into = [IoSliceMut::new(&mut text)];
        let message = recvmsg::<UnixAddr>(queue.as_raw_fd(), &mut into, Some(&mut space), flags)?;
        let fds: Vec<RawFd> = message
            .cmsgs()?
            .flat_map(|held| match held {
                ControlMessageOwned::ScmRights(fds) => fds,
                _ => Vec::new(),
            })
            .collect();
        (message.bytes, fds)
    };
    // SAFETY: the kernel has just made these descriptors for this process; nobody else knows them.
    let sockets = fds
        .into_iter()
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let label = Label::read(&text[..length]);
    Ok(sockets.map(Socket::from).next().zip(label))
}

impl Label {
    fn write(&self) -> String {
        let client = self
            .client
            .map_or_else(|| "-".to_owned(), |it| it.to_string());
        let heard = if self.heard { "heard" } else { "new" };
        format!("{heard} {client} {}", self.listener)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.splitn(3, ' ');
        Some(Self {
            heard: words.next()? == "heard",
            client: words.next()?.parse().ok(),
            listener: words.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn label(client: Option<&str>) -> Label {
        Label {
            listener: "http /run/a b.sock".into(),
            client: client.map(|it| it.parse().unwrap()),
            heard: client.is_some(),
        }
    }

    #[test]
    fn connections_come_out_one_by_one_with_what_went_along() {
        let relay = Relay::new().unwrap();
        let labels = [label(None), label(Some("[::1]:80"))];
        let peers = labels.clone().map(|label| {
            let (peer, connection) = UnixStream::pair().unwrap();
            relay.give(connection.as_raw_fd(), &label).unwrap();
            peer
        });
        for (label, mut peer) in labels.into_iter().zip(peers) {
            let (mut socket, got) = take(&relay.take).unwrap().unwrap();
            assert_eq!(got, label);
            socket.write_all(b"still open").unwrap();
            drop(socket);
            let mut text = String::new();
            peer.read_to_string(&mut text).unwrap();
            assert_eq!(text, "still open");
        }
        let empty = take(&relay.take).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_queue_that_nobody_empties_is_full_one_day() {
        let relay = Relay::new().unwrap();
        let (_peer, connection) = UnixStream::pair().unwrap();
        let give = || relay.give(connection.as_raw_fd(), &label(None));
        let room = (0..1_000_000).take_while(|_| give().is_ok()).count();
        assert!((100..1_000_000).contains(&room), "room for {room}");
    }
}
