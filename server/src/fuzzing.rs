//! One connection in memory, for fuzz targets (`server/fuzz`): the octets of a peer, in the pieces in which
//! they come, to what a listener of that protocol answers.

use std::io;
use std::os::unix::net::UnixStream as Plain;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use socket2::Socket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;
use tokio::time::timeout;
use wire::cgi::CgiHead;

use crate::app::{App, AppError};
use crate::exchange::{HeadEdits, Protocol, Reply, Request};
use crate::log::RequestLog;
use crate::master::Scoreboard;
use crate::options::{self, Settings, Wanted};
use crate::serve::{Admission, Growth, Heirs, Retirement, Service, Waits};
use crate::socket::{Relay, Stream};

/// Far longer than a connection in memory takes whose peer says all it has to say and leaves.
const HANG: Duration = Duration::from_secs(10);

/// Reads the body to its end and tells its length; what goes wrong meanwhile is the listener's to answer.
struct Count;

impl App for Count {
    fn serve<'a>(
        &'a self,
        mut request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        async move {
            let mut length = 0;
            while let Some(piece) = request.body.chunk().await? {
                length += piece.len();
            }
            reply
                .head(CgiHead::new(200).with("X-Length", length.to_string()))
                .await?;
            reply.body("counted".into()).await?;
            Ok(())
        }
        .boxed_local()
    }
}

/// A listener of each protocol, without a socket.
pub struct Listeners {
    runtime: Runtime,
    services: Vec<(Protocol, Rc<Service>)>,
    /// Keeps the workers from draining.
    _drain: watch::Sender<bool>,
}

impl Listeners {
    /// Sets them up as a worker does.
    ///
    /// # Errors
    /// The machine refuses memory, a socket or an event loop.
    pub fn new() -> io::Result<Self> {
        let settings = settings()?;
        let board = Scoreboard::new(1, 1)?;
        let (drain, draining) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (queue, retire) = (Rc::new(Relay::new()?), Rc::new(Notify::new()));
        let services = settings.listeners.iter().map(|listener| {
            let service = Service {
                protocol: listener.protocol,
                app: Rc::new(Count),
                admission: Admission::of(listener),
                limits: settings.limits,
                waits: Waits::of(listener, &settings),
                offload: None,
                http: settings.http.clone(),
                writes: settings.writes,
                edits: HeadEdits::of(&settings.headers),
                log: Rc::new(RequestLog::new(&settings.log, board.worker(0))),
                draining: draining.clone(),
                heirs: Heirs::new(
                    Rc::clone(&queue),
                    board,
                    listener.protocol.name().to_owned(),
                ),
                slot: board.worker(0),
                retirement: Rc::new(Retirement::new(None, Duration::ZERO, Rc::clone(&retire))),
                growth: Rc::new(Growth::new(&settings, false, Rc::clone(&retire))?),
                tracer: None,
            };
            Ok((listener.protocol, Rc::new(service)))
        });
        Ok(Self {
            services: services.collect::<io::Result<_>>()?,
            runtime,
            _drain: drain,
        })
    }

    /// Sends the pieces one after the other, says that no more come, and gives back what was answered.
    ///
    /// # Panics
    /// Where the server panics, or the connection does not end.
    pub fn converse(&self, protocol: Protocol, pieces: &[&[u8]]) -> Vec<u8> {
        let mut services = self.services.iter();
        let (_, service) = services
            .find(|(of, _)| *of == protocol)
            .expect("each has one");
        let service = Rc::clone(service);
        LocalSet::new().block_on(&self.runtime, async move {
            let (peer, own) = Plain::pair().expect("a pair of sockets");
            peer.set_nonblocking(true).expect("it is a socket");
            own.set_nonblocking(true).expect("it is a socket");
            let mut peer = UnixStream::from_std(peer).expect("it is a socket");
            let stream = Stream::new(Socket::from(std::os::fd::OwnedFd::from(own)));
            let serving = service.connection(stream, None, None);
            let asking = async {
                for piece in pieces {
                    // A server that has heard enough has closed.
                    if peer.write_all(piece).await.is_err() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                let _ = peer.shutdown().await;
                let mut answer = Vec::new();
                let _ = peer.read_to_end(&mut answer).await;
                drop(peer);
                answer
            };
            let both = timeout(HANG, async { tokio::join!(serving, asking) }).await;
            both.expect("the connection ends").1
        })
    }
}

/// Those of a server with a listener of each protocol that logs no requests.
fn settings() -> io::Result<Box<Settings>> {
    let line = "gateserve --probe --disable-logging --http-socket 127.0.0.1:0 --uwsgi-socket 127.0.0.1:0 \
                --scgi-socket 127.0.0.1:0 --fastcgi-socket 127.0.0.1:0";
    let wanted = options::load(line.split_whitespace().map(str::to_owned), []);
    match wanted.map_err(io::Error::other)? {
        Wanted::Serve(settings, _) => Ok(settings),
        Wanted::Print(_) | Wanted::Checked { .. } => {
            Err(io::Error::other("nothing was to be shown"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_whatever_its_pieces_are() {
        let listeners = Listeners::new().unwrap();
        let request =
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
        for size in [1, 7, request.len()] {
            let pieces: Vec<&[u8]> = request.chunks(size).collect();
            let answer = listeners.converse(Protocol::Http, &pieces);
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains("X-Length: 5\r\n"), "{answer}");
        }
    }

    #[test]
    fn octets_that_are_no_request_end_the_connection() {
        let listeners = Listeners::new().unwrap();
        for protocol in [
            Protocol::Http,
            Protocol::Uwsgi,
            Protocol::Scgi,
            Protocol::FastCgi,
        ] {
            listeners.converse(protocol, &[b"\xff\xfe", b"no request", &[0; 100]]);
        }
    }
}
