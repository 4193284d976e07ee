//! One connection from a gateway: reads, hands over to the decoder, starts the replies.

use std::{
    io::ErrorKind,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncReadExt,
    sync::{Mutex, watch},
    time::{sleep, timeout},
};

use super::{
    decode::{self, Decode},
    play,
    stage::{Seat, Shared},
};
use crate::{
    seats::socket::{Listener, Reader, Stream, Writer},
    transcript::{Happened, Leg, Way},
    witness::recorded::End,
};

/// How long the recorder waits for the machine to have sockets again.
const RECOVER: Duration = Duration::from_millis(10);

/// How long a gateway may take to end its side after the recorder has ended its own.
const LINGER: Duration = Duration::from_secs(1);

/// Room for one read.
const READ_SIZE: usize = 64 * 1024;

/// What is left of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Everything.
    Open,
    /// The recorder has ended its side at this time, and reads on a while.
    Lingering(Instant),
    /// Nothing.
    Gone,
}

/// What the players of a connection share.
pub(super) struct Link {
    /// Taken out where the sending direction is at its end.
    pub(super) writer: Mutex<Option<Writer>>,
    pub(super) fate: watch::Sender<Fate>,
}

pub(super) async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok(stream) => _ = tokio::spawn(serve(stream, shared.clone())),
            Err(error) => {
                shared.note(format!("the recorder cannot accept a connection: {error}"));
                sleep(RECOVER).await;
            }
        }
    }
}

async fn serve(stream: Stream, shared: Arc<Shared>) {
    let Some(seat) = shared.seat() else { return };
    if shared.model.is_cgi() {
        let pid = stream.peer();
        seat.with(|taken| taken.line.pid = pid);
    }
    let (reader, writer) = match stream.split().await {
        Ok(halves) => halves,
        Err(error) => {
            let why = format!("the TLS handshake failed: {error}");
            return log(&seat, Happened::Broke(why));
        }
    };
    let link = Arc::new(Link {
        writer: Mutex::new(Some(writer)),
        fate: watch::Sender::new(Fate::Open),
    });
    let mut connection = Connection {
        decoder: decode::of(shared.model),
        seat,
        link: link.clone(),
        unread: false,
        is_lost: false,
    };
    connection.add(Happened::Opened);
    if let Some(items) = connection.seat.claim_unread() {
        connection.unread = true;
        play::start(connection.seat.clone(), link.clone(), None, Some(items));
    }
    connection.read(reader).await;
    // Whoever still replies finds that the gateway is gone, or goes on after a half close.
    shared.tell();
}

struct Connection {
    decoder: Box<dyn Decode>,
    seat: Seat,
    link: Arc<Link>,
    /// Whether the first request is replied to already, unread.
    unread: bool,
    /// Whether the decoder has given up.
    is_lost: bool,
}

/// What came of waiting for the gateway.
enum Came {
    Octets(usize),
    Ended(Happened, End),
    /// The recorder is done with the connection.
    Over,
}

impl Connection {
    async fn read(&mut self, mut reader: Reader) {
        let mut buf = vec![0; READ_SIZE];
        loop {
            let came = self.wait(&mut reader, &mut buf).await;
            let (happened, end) = match came {
                Came::Octets(size) if self.take(&buf[..size]) => continue,
                Came::Octets(_) | Came::Over => {
                    // Its halves are dropped together, so that the gateway sees an end.
                    self.link.writer.lock().await.take();
                    return;
                }
                Came::Ended(happened, end) => (happened, end),
            };
            self.add(happened);
            let is_program = self.seat.shared.model.is_cgi();
            self.seat.with(|taken| match is_program {
                // It ended as it was told, or was killed.
                true if taken.line.ended_here => {}
                true => taken.ended(End::Reset),
                false => taken.ended(end),
            });
            return;
        }
    }

    /// Waits for octets, where they may be read.
    async fn wait(&mut self, reader: &mut Reader, buf: &mut [u8]) -> Came {
        let mut fate = self.link.fate.subscribe();
        loop {
            let now = *fate.borrow_and_update();
            let wait = match now {
                Fate::Open => Duration::MAX,
                Fate::Lingering(since) => LINGER.saturating_sub(since.elapsed()),
                Fate::Gone => return Came::Over,
            };
            let opened = async {
                let opened = self.seat.until(|taken| (!taken.is_shut()).then_some(()));
                // Between the cases a connection waits for the next one.
                opened.await;
                reader.read(buf).await
            };
            tokio::select! {
                read = timeout(wait, opened) => return match read {
                    Err(_) => Came::Over,
                    Ok(Ok(0)) => Came::Ended(Happened::Ended, End::Closed),
                    Ok(Ok(size)) => Came::Octets(size),
                    // TLS that ends without its alert, as it mostly does.
                    Ok(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                        Came::Ended(Happened::Ended, End::Closed)
                    }
                    Ok(Err(error)) => {
                        let is_reset = error.kind() == ErrorKind::ConnectionReset;
                        let how = if is_reset { End::Reset } else { End::Closed };
                        Came::Ended(Happened::Broke(error.to_string()), how)
                    }
                },
                changed = fate.changed() => if changed.is_err() { return Came::Over },
            }
        }
    }

    /// Takes what came; whether the connection goes on.
    fn take(&mut self, octets: &[u8]) -> bool {
        if !self.seat.is_present() && !self.follow() {
            return false;
        }
        let is_program = self.seat.shared.model.is_cgi();
        if !is_program {
            self.add(Happened::Octets(octets.to_vec()));
        }
        let decoder = &mut self.decoder;
        let is_lost = self.is_lost;
        let fed = self.seat.with(|taken| {
            let before = taken.line.requests.len();
            if !is_lost && let Err(flaw) = decoder.feed(octets, taken) {
                taken.line.malformed = Some(flaw);
            }
            (
                before..taken.line.requests.len(),
                taken.line.malformed.is_some(),
                std::mem::take(&mut taken.shown),
            )
        });
        let Some((begun, is_lost, shown)) = fed else {
            return false;
        };
        if !shown.is_empty() {
            self.add(Happened::Octets(shown));
        }
        self.is_lost = is_lost;
        for request in begun {
            if std::mem::take(&mut self.unread) {
                continue;
            }
            let items = self.seat.claim(request);
            play::start(self.seat.clone(), self.link.clone(), Some(request), items);
        }
        self.seat.shared.tell();
        true
    }

    /// Goes on in the present case; whether it can, for what was begun has to be complete.
    fn follow(&mut self) -> bool {
        if !self.decoder.is_idle() || self.is_lost {
            return false;
        }
        match self.seat.shared.seat() {
            Some(seat) => {
                self.seat = seat;
                true
            }
            None => false,
        }
    }

    fn add(&self, happened: Happened) {
        log(&self.seat, happened);
    }
}

fn log(seat: &Seat, happened: Happened) {
    let (case, number) = (seat.logged(), seat.number());
    let log = &seat.shared.log;
    log.add_to(case, Leg::Upstream, number, Way::Request, happened);
}
