//! One request that runs: STDIN to the probe, its output as STDOUT and STDERR, then its end.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use probe::cgi::Ending;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::mpsc,
};
use wire::{
    environ::Environ,
    fastcgi::{Kind, ProtocolStatus},
};

use super::Shared;
use crate::{
    program::Program,
    server::{Trouble, call, flaw::Flaw, peer::BLOCK},
};

/// A request with all its variables.
pub(super) struct Request {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u16,
    pub(super) environ: Environ,
    pub(super) body: mpsc::UnboundedReceiver<Bytes>,
}

impl Request {
    /// Runs the probe and answers with what it says; a gateway that is gone ends it.
    pub(super) async fn answer(self) {
        let Self {
            shared,
            id,
            environ,
            mut body,
        } = self;
        if shared.site.does(Flaw::WaitsForStdinEnd) {
            body = whole(body).await;
        }
        let Ok(program) = call::start(&shared.site, environ) else {
            return;
        };
        let Program {
            stdin,
            stdout,
            stderr,
            ending,
        } = program;
        let feeding = async {
            feed(&mut body, stdin).await;
            // The answer does not wait for input (FCGI-6.2-RESP-EARLY-OUTPUT).
            std::future::pending::<()>().await;
        };
        let replying = async {
            let streams = Streams { stdout, stderr };
            streams.pass(&shared, id).await?;
            let ending = ending.await.unwrap_or(Ending::Killed);
            end(&shared, id, ending).await
        };
        tokio::select! {
            () = feeding => {}
            ended = replying => drop(ended),
        }
    }
}

/// The whole body, once it is there.
async fn whole(mut body: mpsc::UnboundedReceiver<Bytes>) -> mpsc::UnboundedReceiver<Bytes> {
    let (sender, whole) = mpsc::unbounded_channel();
    while let Some(piece) = body.recv().await {
        sender.send(piece).ok();
    }
    whole
}

async fn feed(body: &mut mpsc::UnboundedReceiver<Bytes>, mut stdin: UnixStream) {
    while let Some(piece) = body.recv().await {
        if stdin.write_all(&piece).await.is_err() {
            return;
        }
    }
}

/// What a program writes.
struct Streams {
    stdout: UnixStream,
    stderr: UnixStream,
}

impl Streams {
    /// Passes both on as they come, and ends those that were begun (FCGI-3.3-STREAM-EOF).
    async fn pass(mut self, shared: &Shared, id: u16) -> Result<(), Trouble> {
        let (mut size, mut complains) = (0, false);
        let output = async {
            let mut block = BytesMut::new();
            while read(&mut self.stdout, &mut block).await? > 0 {
                let piece = block.split();
                let is_404 = size == 0 && piece.starts_with(b"Status: 404");
                if is_404 && shared.site.does(Flaw::NphOverFastCgi) {
                    let line = b"HTTP/1.1 200 OK\r\n";
                    shared.record(Kind::STDOUT, id, line).await?;
                }
                size += piece.len();
                send(shared, Kind::STDOUT, id, &piece).await?;
                if size > 300_000 && shared.site.does(Flaw::EmptyStdoutBetween) {
                    shared.record(Kind::STDOUT, id, b"").await?;
                }
            }
            Ok::<_, Trouble>(())
        };
        let complaints = async {
            let mut block = BytesMut::new();
            while read(&mut self.stderr, &mut block).await? > 0 {
                complains = true;
                let under = match shared.site.does(Flaw::StderrUnderId0) {
                    true => 0,
                    false => id,
                };
                send(shared, Kind::STDERR, under, &block.split()).await?;
            }
            Ok::<_, Trouble>(())
        };
        tokio::try_join!(output, complaints)?;
        let is_ended = match size {
            0 => !shared.site.does(Flaw::NoEndOfEmptyStdout),
            _ => !shared.site.does(Flaw::NoStdoutEnd),
        };
        if is_ended {
            shared.record(Kind::STDOUT, id, b"").await?;
        }
        if shared.site.does(Flaw::StdoutEndsTwice) {
            shared.record(Kind::STDOUT, id, b"").await?;
        }
        if complains || shared.site.does(Flaw::EmptyStderr) {
            shared.record(Kind::STDERR, id, b"").await?;
        }
        if shared.site.does(Flaw::SendsStdin) {
            shared.record(Kind::STDIN, id, b"").await?;
        }
        let spoils = complains && shared.site.does(Flaw::EndsOverloaded);
        if spoils {
            let status = ProtocolStatus::OVERLOADED;
            shared.end(id, 0, status).await?;
            return Err(Trouble::Gone);
        }
        if size == 0 && shared.site.does(Flaw::NoEndAfterNothing) {
            return Err(Trouble::Gone);
        }
        Ok(())
    }
}

async fn read(stream: &mut UnixStream, block: &mut BytesMut) -> io::Result<usize> {
    block.reserve(BLOCK / 2);
    stream.read_buf(block).await
}

async fn send(shared: &Shared, kind: Kind, id: u16, piece: &[u8]) -> Result<(), Trouble> {
    for content in piece.chunks(32 * 1024) {
        shared.record(kind, id, content).await?;
    }
    Ok(())
}

async fn end(shared: &Shared, id: u16, ending: Ending) -> Result<(), Trouble> {
    let app_status = match ending {
        Ending::Exit(_) if shared.site.does(Flaw::AppStatusLost) => 0,
        Ending::Exit(0) if shared.site.does(Flaw::AppStatusOne) => 1,
        Ending::Exit(status) => status,
        Ending::Killed => 137,
    };
    let status = ProtocolStatus::REQUEST_COMPLETE;
    shared.end(id, app_status, status).await
}
