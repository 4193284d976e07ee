//! Descriptors by their numbers, as options name them.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use nix::fcntl::{FcntlArg, fcntl};

/// A descriptor that this process was started with.
///
/// # Errors
/// There is none of this number.
pub(super) fn borrow(number: i32) -> io::Result<BorrowedFd<'static>> {
    if number < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the number is not that of the reserved -1, and the descriptor is only asked about
    // and copied; one that is not open makes both fail.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl(borrowed, FcntlArg::F_GETFD)?;
    Ok(borrowed)
}
