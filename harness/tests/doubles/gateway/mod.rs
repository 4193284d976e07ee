//! The other way to the application: over a wire to whoever listens behind the gateway.
//!
//! ```text
//! exchange ──Order──▶ Upstream ──▶ records (FastCGI)           ──▶ socket
//!          ◀─Program─           ├─▶ stream (uwsgi, SCGI, HTTP)  ──▶ socket
//!                               └─▶ execute (CGI)              ──▶ program
//! ```
//!
//! To the rest of the double an exchange over the wire is a program with three streams, so that
//! everything it does on the HTTP side stays as it is.

use std::{io, path::PathBuf, sync::Arc};

use gatebench::model::Model;
use probe::cgi::Ending;
use tokio::{net::UnixStream, sync::oneshot};
use wire::{environ::Environ, http::RequestHead};

use super::{
    asked::{Asked, ROOT},
    program::Program,
};
use habits::Habits;
use link::Idle;

mod execute;
pub(crate) mod faults;
pub(super) mod habits;
mod inbound;
mod link;
pub(super) mod outbound;
mod records;
mod reply;
mod stream;

/// Who is behind the gateway, and the connections that are kept to him.
pub(super) struct Upstream {
    to: PathBuf,
    idle: Idle,
}

/// A request as it goes out, but for its body.
pub(super) struct Order {
    pub(super) model: Model,
    pub(super) environ: Environ,
    pub(super) head: RequestHead,
    /// Octets of the body; `None` without a body.
    pub(super) length: Option<u64>,
    /// Search words of a CGI program's command line.
    pub(super) words: Vec<String>,
    pub(super) habits: Habits,
}

/// The far ends of a program's streams.
struct Streams {
    stdin: UnixStream,
    stdout: UnixStream,
    stderr: UnixStream,
}

/// Why an exchange did not come to its end.
#[derive(Debug)]
enum Broken {
    /// The connection, or what came over it.
    Wire,
    /// Nothing came at all over a connection that had been kept.
    Stale,
    /// Nobody wants the reply any more.
    Unwanted,
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Wire
    }
}

impl Upstream {
    /// Whoever listens at this path, or the CGI program there.
    pub(super) fn new(to: PathBuf) -> Self {
        let idle = Idle::default();
        Self { to, idle }
    }

    /// Begins an exchange.
    pub(super) fn start(self: &Arc<Self>, order: Order) -> io::Result<Program> {
        if order.model == Model::Cgi {
            return execute::start(&self.to, &order);
        }
        let (stdin, far_stdin) = UnixStream::pair()?;
        let (stdout, far_stdout) = UnixStream::pair()?;
        let (stderr, far_stderr) = UnixStream::pair()?;
        let mut streams = Streams {
            stdin: far_stdin,
            stdout: far_stdout,
            stderr: far_stderr,
        };
        let (tell, ending) = oneshot::channel();
        let upstream = Arc::clone(self);
        tokio::spawn(async move {
            let ended = upstream.exchange(&order, &mut streams).await;
            drop(streams);
            tell.send(ended.unwrap_or(Ending::Killed)).ok();
        });
        Ok(Program {
            stdin,
            stdout,
            stderr,
            ending,
        })
    }

    async fn exchange(&self, order: &Order, streams: &mut Streams) -> Result<Ending, Broken> {
        match order.model {
            Model::FastCgi => records::exchange(self, order, streams).await,
            _ => stream::exchange(self, order, streams).await,
        }
    }
}

/// Adds the variables that applications behind a wire need.
pub(super) fn add_variables(environ: &mut Environ, asked: &Asked) {
    if asked.model == Model::FastCgi {
        let script = [ROOT.as_bytes(), &asked.path.script_name].concat();
        environ.set("SCRIPT_FILENAME", script);
    }
}

/// Returns once nobody reads the output any more.
async fn unwanted(stdout: &mut (impl tokio::io::AsyncRead + Unpin)) -> Broken {
    use tokio::io::AsyncReadExt;

    let mut nothing = [0; 1];
    while let Ok(1..) = stdout.read(&mut nothing).await {}
    Broken::Unwanted
}
