//! The HTTP client of the bench: raw octets out, a strictly read reply back.

use std::{io, net::SocketAddr, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::watch,
    time::{sleep, timeout},
};

use super::{ConnectError, is_subjects, reply::Reader};
use crate::{
    scenario::{Action, Script},
    transcript::{Happened, Leg, Log, Way},
    witness::{ClientView, Connection},
};

/// How long a gateway may take to accept: a full queue would hold the bench up for minutes.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// One connection to a gateway.
pub struct Client {
    reader: Reader,
    writer: OwnedWriteHalf,
    sent_all: bool,
}

impl Client {
    /// Connects; `number` counts the client connections of a case.
    ///
    /// # Errors
    /// The gateway does not take the connection, or the bench cannot make it.
    pub async fn connect(to: SocketAddr, log: Log, number: u32) -> Result<Self, ConnectError> {
        let connected = timeout(CONNECT_WITHIN, TcpStream::connect(to)).await;
        let stream = connected
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| match is_subjects(&source) {
                true => ConnectError::Refused(source),
                false => ConnectError::Own { to, source },
            })?;
        // What is written leaves at once; where the gateway has hung up already, writing tells.
        stream.set_nodelay(true).ok();
        log.add(Leg::Client, number, Way::Request, Happened::Opened);
        let (half, writer) = stream.into_split();
        let reader = Reader {
            half,
            buf: BytesMut::new(),
            log,
            number,
        };
        Ok(Self {
            reader,
            writer,
            sent_all: true,
        })
    }

    /// Whether another request can follow on this connection after `view`.
    pub fn reusable(&self, view: &ClientView) -> bool {
        self.sent_all && view.connection == Connection::Open && view.malformed.is_none()
    }

    /// Plays `script` and reads the reply while it does.
    pub async fn play(&mut self, script: &Script) -> ClientView {
        let mut view = ClientView::default();
        let (seen, watcher) = watch::channel(false);
        let mut sender = Sender {
            writer: &mut self.writer,
            log: self.reader.log.clone(),
            number: self.reader.number,
            seen: watcher,
        };
        let both = async {
            // The reply may be complete before the request is (CGI-4.2-APP-UNREAD); the connection
            // is of use to nobody until that is sent as well.
            let reading = self.reader.reply(&script.method, &mut view, &seen);
            let sending = sender.send(&script.actions);
            tokio::pin!(reading, sending);
            tokio::select! {
                // What is sent to the end in the same moment is sent to the end.
                biased;
                sent = &mut sending => {
                    if sent != Sent::AndClosed {
                        _ = reading.await;
                    }
                    sent
                }
                open = &mut reading => match open {
                    // RFC 9112 §9.3: a server that keeps the connection reads the request to its end.
                    true => sending.await,
                    false => Sent::InPart,
                },
            }
        };
        let sent = timeout(script.within, both).await;
        self.sent_all = sent == Ok(Sent::All);
        match sent {
            Err(_) => view.connection = Connection::Stalled,
            Ok(Sent::AndClosed) => view.connection = Connection::Closed,
            Ok(_) => {}
        }
        view
    }
}

/// How the sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// Everything was sent, and more could be.
    All,
    /// The peer took no more, or hung up before.
    InPart,
    /// The script ended the sending direction.
    AndEnded,
    /// The script closed the connection: whatever comes is not read.
    AndClosed,
}

struct Sender<'a> {
    writer: &'a mut OwnedWriteHalf,
    log: Log,
    number: u32,
    seen: watch::Receiver<bool>,
}

impl Sender<'_> {
    async fn send(&mut self, actions: &[Action]) -> Sent {
        let mut sent = Sent::All;
        for action in actions {
            if let Err(error) = self.act(action).await {
                self.note(Happened::Broke(error.to_string()));
                return Sent::InPart;
            }
            match action {
                Action::HalfClose => sent = Sent::AndEnded,
                Action::Close => return Sent::AndClosed,
                _ => {}
            }
        }
        sent
    }

    async fn act(&mut self, action: &Action) -> io::Result<()> {
        match action {
            Action::Send(_) | Action::SendPattern { .. } => {
                for block in action.blocks() {
                    self.write(&block).await?;
                }
            }
            Action::Pause(pause) => sleep(*pause).await,
            // An error means that the reader is gone: nothing to wait for.
            Action::AwaitContinue => _ = self.seen.wait_for(|&seen| seen).await,
            Action::HalfClose | Action::Close => {
                self.note(Happened::Ended);
                self.writer.shutdown().await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.writer.write_all(octets).await?;
        self.note(Happened::Octets(octets.to_vec()));
        Ok(())
    }

    fn note(&self, happened: Happened) {
        self.log
            .add(Leg::Client, self.number, Way::Request, happened);
    }
}
