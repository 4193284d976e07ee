//! Sockets and the event loop.

#![allow(unsafe_code)]

use std::io;
use std::rc::Rc;

use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a socket with the event loop of the current runtime.
pub(super) fn register(socket: Rc<Socket>, interest: Interest) -> io::Result<AsyncFd<Rc<Socket>>> {
    // SAFETY: an `Rc<Socket>` names the same descriptor for as long as it lives, and that stays
    // open until the last of them is dropped; the `AsyncFd` owns one.
    let registered = unsafe { AsyncFd::register_with_interest(socket, interest) };
    Ok(registered?)
}
