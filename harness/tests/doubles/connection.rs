//! One client connection: requests one after another, and its end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use gatebench::witness::Health;
use tokio::{net::TcpStream, time::timeout};
use wire::{http::HttpError, request::RequestError};

use super::{Site, exchange, incoming::Incoming, outgoing::Outgoing};

/// How long the double waits for the client to see a reply before it closes.
const LINGER: Duration = Duration::from_secs(1);

/// A client connection.
pub(super) struct Connection {
    pub(super) site: Arc<Site>,
    pub(super) client: SocketAddr,
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
}

/// Why a request is not answered by the application.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The gateway answers itself, with this status.
    Answer(u16),
    /// The client is gone, or has to be left with what it has.
    Gone,
    /// The gateway goes down; how it stands then.
    Down(Health),
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl From<HttpError> for Trouble {
    fn from(error: HttpError) -> Self {
        Self::Answer(error.status())
    }
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Answer(error.status())
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, site: Arc<Site>) {
    let Ok(client) = stream.peer_addr() else {
        return;
    };
    stream.set_nodelay(true).ok();
    let (incoming, outgoing) = stream.into_split();
    let mut connection = Connection {
        site,
        client,
        incoming: Incoming::new(incoming),
        outgoing: Outgoing::new(outgoing),
    };
    match connection.requests().await {
        Ok(()) | Err(Trouble::Answer(_)) => connection.linger().await,
        Err(Trouble::Gone) => {}
        Err(Trouble::Down(health)) => connection.site.go_down(health),
    }
}

impl Connection {
    /// Answers request after request, until one side wants no more.
    async fn requests(&mut self) -> Result<(), Trouble> {
        loop {
            match self.request().await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(Trouble::Answer(status)) => return self.outgoing.answer(status).await,
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Answers the next request; false where it was the last.
    async fn request(&mut self) -> Result<bool, Trouble> {
        let setting = self.site.setting();
        match self.incoming.head(&setting).await? {
            Some(head) => exchange::answer(self, head, &setting).await,
            None => Ok(false),
        }
    }

    /// Ends the sending direction first: what the client still sends must not reset the
    /// connection before it has read its reply (RFC 9112 section 9.6).
    async fn linger(&mut self) {
        self.outgoing.shutdown().await;
        let drain = async {
            while matches!(self.incoming.fill().await, Ok(1..)) {
                self.incoming.buf.clear();
            }
        };
        timeout(LINGER, drain).await.ok();
    }
}
