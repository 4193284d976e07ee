//! Listening sockets that a server leaves to the program that takes its place in the same process.

#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use socket2::Socket;

use super::{Address, Bound, Relay};

/// What a server before this one has left.
#[derive(Debug)]
pub(crate) struct Handover {
    left: Vec<Left>,
    relay: Option<Relay>,
}

/// One socket of those.
#[derive(Debug)]
pub(crate) struct Left {
    purpose: Purpose,
    address: Address,
    pub(crate) socket: Socket,
    pub(crate) owner: Owner,
}

/// What a socket is for: port 0 may be asked for more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Requests,
    Stats,
    Metrics,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Stats => "stats",
            Self::Metrics => "metrics",
        }
    }

    fn of(word: &str) -> Option<Self> {
        let purposes = [Self::Requests, Self::Stats, Self::Metrics];
        purposes.into_iter().find(|purpose| purpose.word() == word)
    }
}

/// Who has made a socket, and removes its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This server, or one before it in this process.
    Server,
    /// Whoever has started it: the service manager.
    Parent,
}

impl Owner {
    const fn word(self) -> &'static str {
        match self {
            Self::Server => "own",
            Self::Parent => "parent",
        }
    }

    fn of(word: &str) -> Option<Self> {
        let owners = [Self::Server, Self::Parent];
        owners.into_iter().find(|owner| owner.word() == word)
    }
}

impl Handover {
    /// The variable that tells of the sockets: the process id, and per line a descriptor's number,
    /// whose the socket is, what it is for, and the address that it was configured with. A line
    /// `connections` has the two numbers of the queue of connections.
    pub(crate) const VARIABLE: &str = "GATESERVE_HANDOVER";

    /// What was left to this process, if another server ran in it before. To be asked once, while
    /// the process has a single thread.
    pub(crate) fn received() -> Option<Self> {
        let text = std::env::var(Self::VARIABLE).ok()?;
        // SAFETY: the caller's word: no other thread reads or writes the environment now.
        unsafe { std::env::remove_var(Self::VARIABLE) };
        let left = parse(&text, std::process::id())?;
        Some(Self {
            left: left.into_iter().filter_map(take).collect(),
            relay: text.lines().find_map(queue).and_then(Relay::kept),
        })
    }

    /// The queue of connections that wait for a worker.
    pub(crate) fn relay(&mut self) -> Option<Relay> {
        self.relay.take()
    }

    /// The socket that was configured with this address for this purpose.
    pub(crate) fn claim(&mut self, purpose: Purpose, address: &Address) -> Option<Left> {
        let is_it = |left: &Left| (left.purpose, &left.address) == (purpose, address);
        let at = self.left.iter().position(is_it)?;
        let left = self.left.remove(at);
        (!is_unlinked(address)).then_some(left)
    }

    /// Closes what nobody has claimed, with the files of the server's own Unix sockets; returns the
    /// addresses.
    pub(crate) fn close(self) -> Vec<Address> {
        let own = self.left.iter().filter(|left| left.owner == Owner::Server);
        for path in own.filter_map(|left| path(&left.address)) {
            // It may be gone already, or in a folder that only root may change.
            let _ = std::fs::remove_file(path);
        }
        self.left.into_iter().map(|left| left.address).collect()
    }

    /// Readies the sockets for the program that takes this one's place; returns the variable that
    /// it is to find, as `NAME=VALUE`. Inherited descriptors (`fd://`) stay open anyway.
    pub(crate) fn announce<'a>(
        sockets: impl Iterator<Item = (Purpose, &'a Address, &'a Bound)>,
        relay: &Relay,
    ) -> io::Result<OsString> {
        let mut text = format!("{}={}", Self::VARIABLE, std::process::id());
        let [give, take] = relay.keep()?;
        text.push_str(&format!("\n{QUEUE} {give} {take}"));
        for (purpose, address, bound) in sockets {
            if !matches!(address, Address::Fd(_)) {
                keep_on_exec(bound.socket(), true)?;
                let (fd, owner, purpose) = (bound.fd(), bound.owner.word(), purpose.word());
                text.push_str(&format!("\n{fd} {owner} {purpose} {address}"));
            }
        }
        Ok(text.into())
    }
}

/// The first word of the line of the queue of connections.
const QUEUE: &str = "connections";

fn queue(line: &str) -> Option<[RawFd; 2]> {
    let (give, take) = line.strip_prefix(QUEUE)?.trim_start().split_once(' ')?;
    Some([give.parse().ok()?, take.parse().ok()?])
}

/// One line of the variable.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    fd: RawFd,
    owner: Owner,
    purpose: Purpose,
    address: Address,
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        Some(Self {
            fd: words.next()?.parse().ok()?,
            owner: Owner::of(words.next()?)?,
            purpose: Purpose::of(words.next()?)?,
            address: words.next()?.parse().ok()?,
        })
    }
}

/// What `text` tells of, if it was meant for process `pid`.
fn parse(text: &str, pid: u32) -> Option<Vec<Line>> {
    let mut lines = text.lines();
    if lines.next()?.parse() != Ok(pid) {
        return None;
    }
    Some(lines.filter_map(Line::read).collect())
}

/// The listening socket behind a descriptor.
fn take(line: Line) -> Option<Left> {
    // SAFETY: the server that ran in this process before left the descriptor to this one alone;
    // the variable that names it was taken away, so nobody takes it a second time. A number that
    // names nothing fails at the first call below, and closing it fails without harm.
    let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(line.fd) });
    match keep_on_exec(&socket, false).and_then(|()| socket.is_listener()) {
        Ok(true) => Some(Left {
            purpose: line.purpose,
            address: line.address,
            socket,
            owner: line.owner,
        }),
        _ => None,
    }
}

fn keep_on_exec(socket: impl AsFd, keep: bool) -> io::Result<()> {
    let flags = match keep {
        true => FdFlag::empty(),
        false => FdFlag::FD_CLOEXEC,
    };
    fcntl(socket, FcntlArg::F_SETFD(flags))?;
    Ok(())
}

/// Whether somebody has removed the socket's file, so that no client finds it any more.
fn is_unlinked(address: &Address) -> bool {
    path(address).is_some_and(|path| {
        let metadata = path.symlink_metadata();
        !metadata.is_ok_and(|metadata| metadata.file_type().is_socket())
    })
}

fn path(address: &Address) -> Option<&PathBuf> {
    match address {
        Address::Unix(path) => Some(path),
        Address::Tcp { .. } | Address::Abstract(_) | Address::Fd(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_left_to_one_process_alone() {
        let text = "12\nconnections 7 8\n3 own requests 127.0.0.1:0\n5 parent stats /run/a b.sock\nnonsense";
        let left = parse(text, 12).unwrap();
        let line = |fd, owner, purpose, address: &str| Line {
            fd,
            owner,
            purpose,
            address: address.parse().unwrap(),
        };
        let first = line(3, Owner::Server, Purpose::Requests, "127.0.0.1:0");
        let second = line(5, Owner::Parent, Purpose::Stats, "/run/a b.sock");
        assert_eq!(left, [first, second]);
        assert_eq!(parse(text, 13), None);
        assert_eq!(text.lines().find_map(queue), Some([7, 8]));
    }

    #[test]
    fn an_address_is_claimed_once_for_each_purpose() {
        let address: Address = "127.0.0.1:0".parse().unwrap();
        let left = [Purpose::Requests, Purpose::Requests, Purpose::Stats].map(|purpose| Left {
            purpose,
            address: address.clone(),
            socket: Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap(),
            owner: Owner::Server,
        });
        let mut handover = Handover {
            left: left.into(),
            relay: None,
        };
        let other = "127.0.0.1:1".parse().unwrap();
        assert!(handover.claim(Purpose::Requests, &other).is_none());
        assert!(handover.claim(Purpose::Metrics, &address).is_none());
        assert!(handover.claim(Purpose::Stats, &address).is_some());
        assert!(handover.claim(Purpose::Stats, &address).is_none());
        assert!(handover.claim(Purpose::Requests, &address).is_some());
        assert_eq!(handover.close(), [address]);
    }
}
