//! The socket that gateways connect to.

use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::{FileTypeExt, PermissionsExt},
            net::UnixStream,
        },
    },
};

use rustix::net::{SocketFlags, accept_with};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::address::Address;

/// A listening socket of either kind.
pub(super) struct Listener {
    socket: Socket,
    at: Address,
}

impl Listener {
    /// Listens. A Unix socket is open to everybody, as the gateway's workers run as another user;
    /// one that a dead process left behind is replaced.
    ///
    /// # Errors
    /// The address is taken, does not resolve, or may not be used.
    pub(super) fn bind(at: &Address) -> io::Result<Self> {
        if let Address::Unix(path) = at {
            let is_socket = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
            let is_dead = || UnixStream::connect(path).is_err();
            if is_socket && is_dead() {
                fs::remove_file(path)?;
            }
        }
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in at.resolve()? {
            match listen(&address) {
                Ok(socket) => {
                    if let Address::Unix(path) = at {
                        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
                    }
                    let at = at.clone();
                    return Ok(Self { socket, at });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The next connection, which does not block.
    ///
    /// # Errors
    /// `WouldBlock` where none waits, and whatever else the system says.
    pub(super) fn accept(&self) -> io::Result<Socket> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        Ok(accept_with(&self.socket, flags)?.into())
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn listen(address: &SockAddr) -> io::Result<Socket> {
    let socket = Socket::new(address.domain(), Type::STREAM.nonblocking(), None)?;
    if address.domain() != Domain::UNIX {
        socket.set_reuse_address(true)?;
        // Connections that are accepted inherit it.
        socket.set_tcp_nodelay(true)?;
    }
    socket.bind(address)?;
    socket.listen(1024)?;
    Ok(socket)
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.at {
            // Whoever removed it has done what is left to do.
            fs::remove_file(path).ok();
        }
    }
}
