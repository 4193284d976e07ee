//! Descriptors that Python code names by their number.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// A descriptor of our own for what `number` refers to: the application may close its own at any
/// time.
///
/// # Errors
/// A number that is no open descriptor, or no descriptor left.
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: it is borrowed for one system call only, which fails if nothing is open under this
    // number; -1 was ruled out.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    borrowed.try_clone_to_owned()
}

/// Takes over a descriptor that the program before this one left open for this one.
///
/// # Errors
/// A number that is no open descriptor.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    let own = duplicate(number)?;
    // The original is of no more use. That it cannot be closed would mean that it is closed.
    let _ = nix::unistd::close(number);
    Ok(own)
}
