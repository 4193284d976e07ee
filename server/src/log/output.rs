//! Standard output and standard error, made to be what `logto` and its like say.

use std::io;
use std::net::{ToSocketAddrs, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::file::LogFile;
use crate::options::LogTarget;

/// The stream of this process's own that a path means. It may be a pipe or a socket of another
/// user's, which cannot be opened a second time.
pub(super) fn inherited(path: &Path) -> Option<io::Result<OwnedFd>> {
    match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => {
            Some(io::stdout().as_fd().try_clone_to_owned())
        }
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => {
            Some(io::stderr().as_fd().try_clone_to_owned())
        }
        _ => None,
    }
}

/// Makes a file standard output and standard error.
pub(super) fn become_file(file: &LogFile, truncate: bool) -> io::Result<()> {
    become_output(&file.open(truncate)?)
}

/// Makes `HOST:PORT` standard output and standard error: each write is a datagram.
pub(super) fn become_udp(address: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        let any = if address.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        let connected = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(address)?;
            become_output(&socket)
        });
        match connected {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes this standard output and standard error.
pub(super) fn become_output(output: &impl AsFd) -> io::Result<()> {
    nix::unistd::dup2_stdout(output)?;
    nix::unistd::dup2_stderr(output)?;
    Ok(())
}

/// The error with what it is about.
pub(super) fn naming(target: &LogTarget) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{target}: {error}"))
}
