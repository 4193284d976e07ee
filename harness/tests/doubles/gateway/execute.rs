//! A CGI program as a process of its own (RFC 3875 sections 4 and 7.2).

use std::{
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt, unix::net::UnixStream as Stream},
    path::Path,
    process::Stdio,
};

use probe::cgi::Ending;
use tokio::{net::UnixStream, process::Command, sync::oneshot};

use super::{super::program::Program, Order};

/// Starts the program on a request.
pub(super) fn start(program: &Path, order: &Order) -> io::Result<Program> {
    let (stdin, far_stdin) = Stream::pair()?;
    let (stdout, far_stdout) = Stream::pair()?;
    let (stderr, far_stderr) = Stream::pair()?;
    let environ = order.environ.iter();
    let environ = environ.map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value)));
    let mut child = Command::new(program)
        .args(&order.words)
        .env_clear()
        .envs(environ)
        .current_dir(program.parent().unwrap_or_else(|| Path::new("/")))
        .stdin(Stdio::from(OwnedFd::from(far_stdin)))
        .stdout(Stdio::from(OwnedFd::from(far_stdout)))
        .stderr(Stdio::from(OwnedFd::from(far_stderr)))
        .spawn()?;
    let (tell, ending) = oneshot::channel();
    tokio::spawn(async move {
        let status = child.wait().await.ok().and_then(|status| status.code());
        let exit = status.and_then(|code| u32::try_from(code).ok());
        tell.send(exit.map_or(Ending::Killed, Ending::Exit)).ok();
    });
    Ok(Program {
        stdin: asynchronous(stdin)?,
        stdout: asynchronous(stdout)?,
        stderr: asynchronous(stderr)?,
        ending,
    })
}

fn asynchronous(stream: Stream) -> io::Result<UnixStream> {
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
