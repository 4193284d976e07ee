//! One request to the probe, whatever protocol brought it.

use std::io;

use bytes::{Bytes, BytesMut};
use gatebench::model::Model;
use probe::{Interface, Report, cgi::Ending};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::environ::Environ;

use super::{Site, flaw::Flaw, peer::Incoming};
use crate::program::{self, Program};

/// Starts the probe on a request.
pub(super) fn start(site: &Site, mut environ: Environ) -> io::Result<Program> {
    if environ.text("REQUEST_METHOD").is_none() {
        environ.set("REQUEST_METHOD", "GET");
    }
    site.change(&mut environ);
    let pairs = environ.iter().map(|(name, value)| (&name[..], &value[..]));
    program::start(Report::new(interface(site.model), pairs))
}

fn interface(model: Model) -> Interface {
    match model {
        Model::Cgi | Model::CgiWarm => Interface::Cgi,
        Model::FastCgi => Interface::FastCgi,
        Model::Uwsgi => Interface::Uwsgi,
        Model::Scgi => Interface::Scgi,
        Model::Http => Interface::Http,
    }
}

/// How long the body of a request is, as its variables say: a length that is none is none.
pub(super) fn length(environ: &Environ) -> u64 {
    environ.content_length().ok().flatten().unwrap_or_default()
}

/// Passes `left` octets of the connection to the program, fewer where either side ends before.
pub(super) async fn feed(
    site: &Site,
    incoming: &mut Incoming,
    mut left: u64,
    mut stdin: impl AsyncWriteExt + Unpin,
) -> io::Result<()> {
    if (64..60_000).contains(&left) && site.does(Flaw::BodyFromNextRead) {
        incoming.buf.clear();
    }
    while left > 0 {
        if incoming.buf.is_empty() && incoming.fill().await? == 0 {
            return Ok(());
        }
        let fits = usize::try_from(left).map_or(incoming.buf.len(), |l| l.min(incoming.buf.len()));
        let piece = incoming.buf.split_to(fits);
        left -= fits as u64;
        // A program that reads no more does not stop its reply.
        if stdin.write_all(&piece).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The whole output of a program, and how it ended.
pub(super) async fn output(program: &mut Program) -> (BytesMut, Ending) {
    let mut output = BytesMut::new();
    while let Ok(1..) = program.stdout.read_buf(&mut output).await {}
    (output, ending(program).await)
}

/// How a program ended; one that cannot tell was killed.
pub(super) async fn ending(program: &mut Program) -> Ending {
    (&mut program.ending).await.unwrap_or(Ending::Killed)
}

/// What a program without a head is answered with.
pub(super) const FAILED: Bytes = Bytes::from_static(
    b"Status: 502 Bad Gateway\r\nContent-Type: text/plain\r\n\r\nthe application failed\n",
);
