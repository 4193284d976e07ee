//! Listening sockets that a server leaves to the program that takes its place in the same process.

#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use socket2::Socket;

use super::{Address, Bound};

/// The variable that tells of the sockets: the process id, and per line a descriptor's number and
/// the address that it was configured with.
const VARIABLE: &str = "GATESERVE_HANDOVER";

/// What a server before this one has left.
#[derive(Debug)]
pub(crate) struct Handover(Vec<(Address, Socket)>);

impl Handover {
    /// What was left to this process, if another server ran in it before. To be asked once, while
    /// the process has a single thread.
    pub(crate) fn received() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        // SAFETY: the caller's word: no other thread reads or writes the environment now.
        unsafe { std::env::remove_var(VARIABLE) };
        let left = parse(&text, std::process::id())?;
        Some(Self(left.into_iter().filter_map(take).collect()))
    }

    /// The socket that was configured with this address.
    pub(crate) fn claim(&mut self, address: &Address) -> Option<Socket> {
        let at = self.0.iter().position(|(left, _)| left == address)?;
        let (_, socket) = self.0.swap_remove(at);
        (!is_unlinked(address)).then_some(socket)
    }

    /// Closes what nobody has claimed, with the files of Unix sockets; returns the addresses.
    pub(crate) fn close(self) -> Vec<Address> {
        let closed = self.0.into_iter().map(|(address, _)| address);
        let closed: Vec<_> = closed.collect();
        for path in closed.iter().filter_map(path) {
            // It may be gone already, or in a folder that only root may change.
            let _ = std::fs::remove_file(path);
        }
        closed
    }

    /// Readies the sockets for the program that takes this one's place; returns the variable that
    /// it is to find, as `NAME=VALUE`. Inherited descriptors (`fd://`) stay open anyway.
    pub(crate) fn announce<'a>(
        sockets: impl Iterator<Item = (&'a Address, &'a Bound)>,
    ) -> io::Result<OsString> {
        let mut text = format!("{VARIABLE}={}", std::process::id());
        for (address, bound) in sockets {
            if !matches!(address, Address::Fd(_)) {
                keep_on_exec(bound.socket(), true)?;
                text.push_str(&format!("\n{} {address}", bound.fd()));
            }
        }
        Ok(text.into())
    }
}

/// The descriptors and addresses in `text`, if it was meant for process `pid`.
fn parse(text: &str, pid: u32) -> Option<Vec<(RawFd, Address)>> {
    let mut lines = text.lines();
    if lines.next()?.parse() != Ok(pid) {
        return None;
    }
    let pairs = lines.map(|line| {
        let (fd, address) = line.split_once(' ')?;
        Some((fd.parse().ok()?, address.parse().ok()?))
    });
    Some(pairs.flatten().collect())
}

/// The listening socket behind a descriptor.
fn take((fd, address): (RawFd, Address)) -> Option<(Address, Socket)> {
    // SAFETY: the server that ran in this process before left the descriptor to this one alone;
    // the variable that names it was taken away, so nobody takes it a second time. A number that
    // names nothing fails at the first call below, and closing it fails without harm.
    let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(fd) });
    match keep_on_exec(&socket, false).and_then(|()| socket.is_listener()) {
        Ok(true) => Some((address, socket)),
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
        let text = "12\n3 127.0.0.1:0\n5 /run/a b.sock\nnonsense";
        let left = parse(text, 12).unwrap();
        assert_eq!(left[0], (3, "127.0.0.1:0".parse().unwrap()));
        assert_eq!(left[1], (5, "/run/a b.sock".parse().unwrap()));
        assert_eq!(left.len(), 2);
        assert_eq!(parse(text, 13), None);
    }

    #[test]
    fn an_address_is_claimed_once() {
        let address: Address = "127.0.0.1:0".parse().unwrap();
        let socket = |_| Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let left = [1, 2].map(|at| (address.clone(), socket(at)));
        let mut handover = Handover(left.into());
        assert!(handover.claim(&"127.0.0.1:1".parse().unwrap()).is_none());
        assert!(handover.claim(&address).is_some());
        assert_eq!(handover.close(), [address]);
    }
}
