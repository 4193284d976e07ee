//! The probe as a CGI program that runs in a thread, with three streams.

use std::{io, os::unix::net::UnixStream as Stream, thread};

use probe::{
    Report,
    cgi::{self, Ending, Streams},
};
use tokio::{net::UnixStream, sync::oneshot};

/// A program that runs, seen from the gateway.
pub(super) struct Program {
    pub(super) stdin: UnixStream,
    pub(super) stdout: UnixStream,
    pub(super) stderr: UnixStream,
    pub(super) ending: oneshot::Receiver<Ending>,
}

/// Starts the program on a request.
pub(super) fn start(request: Report) -> io::Result<Program> {
    let (stdin, gateway_stdin) = Stream::pair()?;
    let (stdout, gateway_stdout) = Stream::pair()?;
    let (stderr, gateway_stderr) = Stream::pair()?;
    let (tell, ending) = oneshot::channel();
    thread::spawn(move || {
        let streams = Streams {
            stdin,
            stdout,
            stderr,
        };
        // A gateway that takes no more output is no matter of the program's.
        let ended = cgi::run(request, streams).unwrap_or(Ending::Exit(1));
        tell.send(ended).ok();
    });
    Ok(Program {
        stdin: asynchronous(gateway_stdin)?,
        stdout: asynchronous(gateway_stdout)?,
        stderr: asynchronous(gateway_stderr)?,
        ending,
    })
}

fn asynchronous(stream: Stream) -> io::Result<UnixStream> {
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
