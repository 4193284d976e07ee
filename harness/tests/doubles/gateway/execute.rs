//! A CGI program as a process of its own (RFC 3875 sections 4 and 7.2).

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::OwnedFd,
        unix::ffi::{OsStrExt, OsStringExt},
        unix::net::UnixStream as Stream,
    },
    path::Path,
    process::{Command, Stdio},
};

use probe::cgi::Ending;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::oneshot,
};

use super::{
    super::program::Program,
    Order,
    habits::{Starts, WhenGone},
};

/// Octets read at once.
const BLOCK: usize = 64 * 1024;

/// Starts the program on a request.
pub(super) fn start(program: &Path, order: &Order) -> io::Result<Program> {
    let habits = &order.habits;
    let (stdin, far_stdin) = Stream::pair()?;
    let (stdout, far_stdout) = Stream::pair()?;
    let (stderr, far_stderr) = Stream::pair()?;
    let far_stderr = match habits.starts {
        Starts::Mixed => far_stdout.try_clone()?,
        _ => far_stderr,
    };
    let mut command = command(program, order);
    command
        .stdin(Stdio::from(OwnedFd::from(far_stdin)))
        .stdout(Stdio::from(OwnedFd::from(far_stdout)))
        .stderr(Stdio::from(OwnedFd::from(far_stderr)));
    let (tell, ending) = oneshot::channel();
    if habits.starts == Starts::Unwaited {
        command.spawn()?;
        tell.send(Ending::Exit(0)).ok();
    } else {
        let mut child = tokio::process::Command::from(command).spawn()?;
        tokio::spawn(async move {
            let status = child.wait().await.ok().and_then(|status| status.code());
            let exit = status.and_then(|code| u32::try_from(code).ok());
            tell.send(exit.map_or(Ending::Killed, Ending::Exit)).ok();
        });
    }
    let stdout = asynchronous(stdout)?;
    Ok(Program {
        stdin: asynchronous(stdin)?,
        stdout: match habits.when_gone {
            WhenGone::Close => stdout,
            WhenGone::GoOn | WhenGone::AbortAndKeep => read_to_the_end(stdout)?,
        },
        stderr: asynchronous(stderr)?,
        ending,
    })
}

fn command(program: &Path, order: &Order) -> Command {
    let starts = order.habits.starts;
    let by_shell = |script: &str| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(program);
        command
    };
    let mut command = match starts {
        Starts::WithDescriptor => by_shell("exec \"$0\" \"$@\" 9</dev/null"),
        Starts::WithoutPipeSignal => by_shell("trap '' PIPE; exec \"$0\" \"$@\""),
        _ => Command::new(program),
    };
    let folder = match starts {
        Starts::Elsewhere => None,
        _ => program.parent(),
    };
    let environ = order.environ.iter().map(|(name, value)| {
        let is_renamed =
            starts == Starts::WithPrefix && (name == "REQUEST_METHOD" || name == "QUERY_STRING");
        let prefix: &[u8] = if is_renamed { b"CGI_" } else { b"" };
        let name = [prefix, name].concat();
        (OsString::from_vec(name), OsStr::from_bytes(value))
    });
    command
        .args(&order.words)
        .env_clear()
        .envs(environ)
        .current_dir(folder.unwrap_or_else(|| Path::new("/")));
    command
}

/// The same stream behind somebody who reads it whether or not it is wanted.
fn read_to_the_end(mut stdout: UnixStream) -> io::Result<UnixStream> {
    let (near, mut far) = UnixStream::pair()?;
    tokio::spawn(async move {
        let mut piece = vec![0; BLOCK];
        while let Ok(size @ 1..) = stdout.read(&mut piece).await {
            far.write_all(&piece[..size]).await.ok();
        }
    });
    Ok(near)
}

fn asynchronous(stream: Stream) -> io::Result<UnixStream> {
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
