//! The end of a process as an event.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Resolves once a child process, not yet waited for, has ended.
///
/// # Errors
/// `ENOSYS` before Linux 5.3; `EMFILE` and the like.
pub(super) async fn ended(pid: Pid) -> io::Result<()> {
    let process = open(pid)?;
    // SAFETY: an `OwnedFd` is an open descriptor and stays the same one until it is dropped, which
    // happens when the `AsyncFd` that owns it is.
    let process = unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }?;
    process.readable().await?.retain_ready();
    Ok(())
}

/// A descriptor that becomes readable when the process ends.
fn open(pid: Pid) -> Result<OwnedFd, Errno> {
    // SAFETY: the system call takes two integers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = RawFd::try_from(Errno::result(fd)?).expect("a descriptor fits its type");
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
