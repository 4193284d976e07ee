//! Taking over a descriptor that the parent process left open.

#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, fcntl};
use socket2::Socket;

/// The socket behind an inherited descriptor, as a duplicate that programs started later do not
/// inherit; `None` if nothing is open there.
pub(super) fn take(fd: RawFd) -> Option<Socket> {
    // SAFETY: the number is used for this one call, which fails on a descriptor that is not open;
    // nothing in this process closes descriptors that it did not open.
    let inherited = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl(inherited, FcntlArg::F_GETFD).ok()?;
    inherited.try_clone_to_owned().ok().map(Socket::from)
}
