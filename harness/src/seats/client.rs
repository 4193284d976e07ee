//! The HTTP client of the bench: raw octets out, a strictly read reply back.

use std::{io, net::SocketAddr};

use bytes::BytesMut;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::watch,
    time::{sleep, timeout},
};

use super::reply::Reader;
use crate::{
    scenario::{Action, Script},
    transcript::{Happened, Leg, Log, Way},
    witness::{ClientView, Connection},
};

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
    /// Whatever the system says when the gateway cannot be reached.
    pub async fn connect(to: SocketAddr, log: Log, number: u32) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
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
        self.sent_all = false;
        let both = async {
            // The reply may be complete before the request is (CGI-4.2-APP-UNREAD).
            let reading = self.reader.reply(&script.method, &mut view, &seen);
            let sending = sender.send(&script.actions);
            tokio::pin!(reading, sending);
            tokio::select! {
                () = &mut reading => false,
                sent = &mut sending => { reading.await; sent }
            }
        };
        match timeout(script.within, both).await {
            Ok(sent_all) => self.sent_all = sent_all,
            Err(_) => view.connection = Connection::Stalled,
        }
        view
    }
}

struct Sender<'a> {
    writer: &'a mut OwnedWriteHalf,
    log: Log,
    number: u32,
    seen: watch::Receiver<bool>,
}

impl Sender<'_> {
    /// Carries out the actions; false if the peer took no more.
    async fn send(&mut self, actions: &[Action]) -> bool {
        for action in actions {
            if let Err(error) = self.act(action).await {
                let broke = Happened::Broke(error.to_string());
                self.log.add(Leg::Client, self.number, Way::Request, broke);
                return false;
            }
        }
        true
    }

    async fn act(&mut self, action: &Action) -> io::Result<()> {
        match action {
            Action::Send(_) | Action::SendPattern { .. } => {
                for block in action.blocks() {
                    self.write(&block).await?;
                }
                Ok(())
            }
            Action::Pause(pause) => {
                sleep(*pause).await;
                Ok(())
            }
            Action::AwaitContinue => {
                // An error means that the reader is gone: nothing to wait for.
                self.seen.wait_for(|&seen| seen).await.ok();
                Ok(())
            }
            Action::HalfClose | Action::Close => {
                self.log
                    .add(Leg::Client, self.number, Way::Request, Happened::Ended);
                self.writer.shutdown().await
            }
        }
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.writer.write_all(octets).await?;
        self.log.add(
            Leg::Client,
            self.number,
            Way::Request,
            Happened::Octets(octets.to_vec()),
        );
        Ok(())
    }
}
